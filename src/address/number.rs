//! A telephone number in international form (ITU-T E.164).

use std::fmt;

use serde::{Deserialize, Serialize};

/// A number in E.164 form: `+`, then 2 to 15 digits, the first not 0.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Number(String);

impl Number {
    /// The most digits that E.164 allows.
    pub const DIGITS_MAX: usize = 15;

    /// Reads `+` and digits; separators are for the dial plan to take away.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('+')?;
        let well_formed = (2..=Self::DIGITS_MAX).contains(&digits.len())
            && digits.bytes().all(|b| b.is_ascii_digit())
            && !digits.starts_with('0');
        well_formed.then(|| Self(text.to_owned()))
    }

    /// The number with its `+`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The digits without the `+`.
    #[must_use]
    pub fn digits(&self) -> &str {
        &self.0[1..]
    }
}

impl TryFrom<String> for Number {
    type Error = &'static str;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).ok_or("not a number in international form, such as +12125550123")
    }
}

impl From<Number> for String {
    fn from(number: Number) -> Self {
        number.0
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A number as people type or paste it, without what they put in for the eye: spaces, parentheses, and the `(0)` that
/// is not dialled after a country code.
#[must_use]
pub fn by_hand(text: &str) -> String {
    let is_international = text.trim_start().starts_with('+');
    let text = if is_international { text.replacen("(0)", "", 1) } else { text.to_owned() };
    text.chars().filter(|c| !c.is_whitespace() && !matches!(c, '(' | ')')).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_for_the_eye_is_no_part_of_a_number() {
        assert_eq!(by_hand("+1 (212) 555-0123"), "+1212555-0123");
        assert_eq!(by_hand("+44 (0)20 7946 0123"), "+442079460123");
    }

    #[test]
    fn only_international_form_is_a_number() {
        assert!(Number::parse("+12125550123").is_some());
        for bad in ["", "+", "+1", "12125550123", "+0212", "+1 212", "+1234567890123456", "+12a"] {
            assert_eq!(Number::parse(bad), None, "{bad}");
        }
    }
}
