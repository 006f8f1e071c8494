//! Names for things that are kept: short, sortable by time, safe in a file name, easy to read out.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Crockford's base 32: no I, L, O or U, so that an id survives being read out over the telephone.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// Digits of time (40 bits of milliseconds, 34 years) and of chance (25 bits).
const TIME_DIGITS: u32 = 8;
const CHANCE_DIGITS: u32 = 5;
/// 2025-01-01T00:00:00Z in milliseconds.
const EPOCH_MILLIS: i64 = 1_735_689_600_000;

fn make(now: Timestamp) -> String {
    let millis = u64::try_from(now.as_millisecond() - EPOCH_MILLIS).unwrap_or(0);
    let mut text = String::with_capacity((TIME_DIGITS + CHANCE_DIGITS) as usize);
    push_digits(&mut text, millis, TIME_DIGITS);
    push_digits(&mut text, fastrand::u64(..), CHANCE_DIGITS);
    text
}

fn push_digits(text: &mut String, value: u64, digits: u32) {
    for place in (0..digits).rev() {
        text.push(char::from(ALPHABET[(value >> (place * 5)) as usize & 31]));
    }
}

fn is_id(text: &str) -> bool {
    text.len() == (TIME_DIGITS + CHANCE_DIGITS) as usize && text.bytes().all(|b| ALPHABET.contains(&b))
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// A new name, later in order than those made in earlier milliseconds.
            #[must_use]
            pub fn new(now: Timestamp) -> Self {
                Self(make(now))
            }

            /// The name as text: 13 lower-case letters and digits.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// The name that a person typed or a file carries; `None` where it cannot be one.
            #[must_use]
            pub fn parse(text: &str) -> Option<Self> {
                let text = text.to_ascii_lowercase();
                is_id(&text).then_some(Self(text))
            }
        }

        impl TryFrom<String> for $name {
            type Error = &'static str;
            fn try_from(text: String) -> Result<Self, Self::Error> {
                Self::parse(&text).ok_or("not an id")
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

id!(
    /// Names a job: one message to one recipient.
    JobId
);
id!(
    /// Names a submission: one message as a door brought it.
    SubmissionId
);
impl SubmissionId {
    /// The name that a number stands for: always the same one. It says nothing of the time.
    #[must_use]
    pub fn from_number(number: u128) -> Self {
        let mut text = String::with_capacity((TIME_DIGITS + CHANCE_DIGITS) as usize);
        push_digits(&mut text, (number >> 64) as u64, TIME_DIGITS);
        push_digits(&mut text, number as u64, CHANCE_DIGITS);
        Self(text)
    }
}

id!(
    /// Names a received fax.
    FaxId
);
id!(
    /// Names a notice: one mail that the gateway owes somebody.
    NoticeId
);

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn ids_sort_by_time_and_read_back() {
        let early = JobId::new("2026-11-23T10:00:00Z".parse().unwrap());
        let late = JobId::new("2026-11-23T10:00:01Z".parse().unwrap());
        assert!(early < late);
        assert_eq!(JobId::parse(&early.as_str().to_uppercase()), Some(early));
        assert_eq!(JobId::parse("../../etc/pass"), None);
        assert_eq!(JobId::parse(""), None);
    }

    #[test]
    fn a_number_has_one_name() {
        let name = SubmissionId::from_number(u128::MAX - 5);
        assert_eq!(name, SubmissionId::from_number(u128::MAX - 5));
        assert_eq!(SubmissionId::parse(name.as_str()), Some(name.clone()));
        assert_ne!(name, SubmissionId::from_number(u128::MAX - 6));
        assert_ne!(SubmissionId::from_number(1 << 64), SubmissionId::from_number(2 << 64));
    }
}
