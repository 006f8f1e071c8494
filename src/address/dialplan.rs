//! From a number as it was written to E.164, and from E.164 to what a line dials (RFC 4160 §3.2, §3.2.1).
//!
//! The written number is read as a person in the gateway's country would dial it:
//!
//! ```text
//!   +49 30 1234567          international form                    as it is
//!   011 49 30 1234567       international prefix                  + the rest
//!   1 212 555 0123          trunk prefix                          + country code, the rest
//!   555 0123                at most `local_digits_max` digits     + country code, area code, all of it
//!   212 555 0123            more digits                           + country code, all of it
//! ```
//!
//! A number is only good when what the line would dial reads back as the same number: so `+49 0900 …` cannot
//! pass for a German number and leave as `0 0900 …`, which the exchange would take for a call abroad.
//! Emergency numbers, short codes and strings that begin like an emergency number are never dialled.

use serde::{Deserialize, Serialize};

use super::{Number, Phone, SettingError};

/// How numbers are written and dialled where the gateway stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DialPlanConfig {
    /// The gateway's own country code, without `+`: `1` North America, `49` Germany.
    pub country_code: String,
    /// The gateway's own area code, for numbers written without one; empty refuses those.
    pub area_code: String,
    /// What one dials before an area code within the country: `1` in North America, `0` in much of Europe,
    /// empty in Italy or Denmark.
    pub trunk_prefix: String,
    /// What one dials before a country code: `011` in North America, `00` in most other places.
    pub international_prefix: String,
    /// A number without trunk prefix and with at most so many digits lacks its area code: 7 in North America,
    /// 15 where area codes are always written with their trunk prefix, 0 where there are no area codes.
    pub local_digits_max: usize,
    /// What the line dials first to get out of a private exchange: `9`, or `0w` (`w` waits for the dial tone,
    /// `,` pauses).
    pub outside_line: String,
    /// Fewer digits as written are a short code, such as 411, and are not dialled.
    pub written_digits_min: usize,
    /// Fewer digits in international form, country code counted, are no subscriber's number.
    pub number_digits_min: usize,
    /// Numbers for help that must never be reached by a fax.
    pub emergency: Vec<String>,
    /// What numbers in the house begin with: `+1212555`.
    pub internal: Vec<String>,
    /// What numbers begin with that cost as much as premium-rate ones, beside those that the numbering plans have so.
    pub premium: Vec<String>,
}

impl Default for DialPlanConfig {
    fn default() -> Self {
        let emergency = ["112", "911", "999", "000", "110", "118", "119"];
        Self {
            country_code: "1".into(),
            area_code: String::new(),
            trunk_prefix: "1".into(),
            international_prefix: "011".into(),
            local_digits_max: 7,
            outside_line: String::new(),
            written_digits_min: 5,
            number_digits_min: 7,
            emergency: emergency.map(String::from).into(),
            internal: Vec::new(),
            premium: Vec::new(),
        }
    }
}

/// Why a number is not dialled.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NumberError {
    /// It calls for help.
    #[error("{0} is, or begins like, an emergency number; faxes are never sent there")]
    Emergency(String),
    /// It has too few digits.
    #[error("{0} is too short for a fax number; write it with country code, like +12125550123")]
    TooShort(String),
    /// It has more digits than E.164 allows.
    #[error("{0} is too long for a fax number; a number has at most 15 digits with its country code")]
    TooLong(String),
    /// It lacks its area code, and the gateway has none to put before it.
    #[error("{0} has no area code; write it with country code, like +12125550123")]
    NoAreaCode(String),
    /// No subscriber has it, or the line could not dial it without meaning another.
    #[error("{0} is no number that can be dialled from here")]
    NotDiallable(String),
}

/// A dial plan whose settings fit together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DialPlan(DialPlanConfig);

impl DialPlan {
    /// Checks the settings.
    pub fn new(config: DialPlanConfig) -> Result<Self, SettingError> {
        let digits = |setting, text: &str, min: usize, max: usize| {
            let fits = (min..=max).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
            let problem = format!("{text:?} must have {min} to {max} digits");
            if fits { Ok(()) } else { Err(SettingError { setting, problem }) }
        };
        digits("country_code", &config.country_code, 1, 3)?;
        digits("area_code", &config.area_code, 0, 8)?;
        digits("trunk_prefix", &config.trunk_prefix, 0, 4)?;
        digits("international_prefix", &config.international_prefix, 1, 6)?;
        for number in &config.emergency {
            digits("emergency", number, 2, 6)?;
        }
        for (setting, prefixes) in [("internal", &config.internal), ("premium", &config.premium)] {
            let is_prefix = |text: &&String| {
                text.len() > 1 && text.starts_with('+') && text.bytes().skip(1).all(|b| b.is_ascii_digit())
            };
            if let Some(wrong) = prefixes.iter().find(|text| !is_prefix(text)) {
                let problem = format!("{wrong:?} must be the beginning of a number, such as +1212");
                return Err(SettingError { setting, problem });
            }
        }
        if config.country_code.starts_with('0') {
            let problem = format!("{:?} begins with 0; no country code does", config.country_code);
            return Err(SettingError { setting: "country_code", problem });
        }
        if !config.outside_line.bytes().all(|b| b.is_ascii_digit() || b"*#,wW".contains(&b)) {
            let problem = format!("{:?} may have digits, *, #, w and a comma", config.outside_line);
            return Err(SettingError { setting: "outside_line", problem });
        }
        Ok(Self(config))
    }

    /// The number that was meant, if it is one that may be dialled at all.
    pub fn number(&self, written: &Phone) -> Result<Number, NumberError> {
        let (Phone::Global(digits) | Phone::Local(digits)) = written;
        if self.0.emergency.contains(digits) {
            return Err(NumberError::Emergency(digits.clone()));
        }
        if digits.len() < self.0.written_digits_min {
            return Err(NumberError::TooShort(digits.clone()));
        }
        let number = self.read(written)?;
        self.check(&number)?;
        Ok(number)
    }

    /// The number that a program's dialling string stands for (`T0,0012125551234`, `ATD` not counted): what a subscriber
    /// to the public network would dial, or the international form with `+`. Tone or pulse, pauses and the like mean
    /// nothing here.
    pub fn dialled(&self, text: &str) -> Result<Number, NumberError> {
        let digits: String = text.chars().filter(char::is_ascii_digit).collect();
        let is_global = text.chars().find(|c| c.is_ascii_digit() || *c == '+') == Some('+');
        self.number(&if is_global { Phone::Global(digits) } else { Phone::Local(digits) })
    }

    /// What the line dials for a number: the "local-phone" of RFC 4160 §3.2.1, in a modem's dialling
    /// alphabet.
    #[must_use]
    pub fn local_phone(&self, number: &Number) -> String {
        format!("{}{}", self.0.outside_line, self.public_dialling(number))
    }

    /// What a subscriber to the public network dials, without the way out of a private exchange.
    fn public_dialling(&self, number: &Number) -> String {
        match number.digits().strip_prefix(&self.0.country_code) {
            Some(national) => format!("{}{national}", self.0.trunk_prefix),
            None => format!("{}{}", self.0.international_prefix, number.digits()),
        }
    }

    /// Reads a written number by the rules of the place.
    fn read(&self, written: &Phone) -> Result<Number, NumberError> {
        let plan = &self.0;
        let international = match written {
            Phone::Global(digits) => digits.clone(),
            Phone::Local(digits) => {
                if let Some(rest) = digits.strip_prefix(&plan.international_prefix) {
                    rest.to_owned()
                } else if let Some(national) = self.after_trunk_prefix(digits) {
                    format!("{}{national}", plan.country_code)
                } else if digits.len() > plan.local_digits_max {
                    format!("{}{digits}", plan.country_code)
                } else if plan.area_code.is_empty() {
                    return Err(NumberError::NoAreaCode(digits.clone()));
                } else {
                    format!("{}{}{digits}", plan.country_code, plan.area_code)
                }
            }
        };
        if international.len() > Number::DIGITS_MAX {
            return Err(NumberError::TooLong(format!("+{international}")));
        }
        let text = format!("+{international}");
        Number::parse(&text).ok_or(NumberError::NotDiallable(text))
    }

    fn after_trunk_prefix<'a>(&self, digits: &'a str) -> Option<&'a str> {
        let prefix = &self.0.trunk_prefix;
        (!prefix.is_empty()).then(|| digits.strip_prefix(prefix.as_str())).flatten()
    }

    fn check(&self, number: &Number) -> Result<(), NumberError> {
        let shown = || number.to_string();
        if number.digits().len() < self.0.number_digits_min {
            return Err(NumberError::TooShort(shown()));
        }
        let dialled = self.public_dialling(number);
        let with_exit: String = self.local_phone(number).chars().filter(char::is_ascii_digit).collect();
        let is_emergency = |text: &str| self.0.emergency.iter().any(|e| text.starts_with(e.as_str()));
        // With the exit code as well: where the private exchange is gone, 9 and 11… would read 911….
        if is_emergency(&dialled) || is_emergency(&with_exit) {
            return Err(NumberError::Emergency(shown()));
        }
        let reads_back = self.read(&Phone::Local(dialled)).is_ok_and(|again| again == *number);
        if reads_back && keeps_world_zone_1(number) {
            Ok(())
        } else {
            Err(NumberError::NotDiallable(shown()))
        }
    }
}

/// In world zone 1 an area code begins with 2 to 9; 0 and 1 would reach operators and carrier selection
/// (`1010…`).
fn keeps_world_zone_1(number: &Number) -> bool {
    match number.digits().strip_prefix('1') {
        Some(rest) => rest.bytes().next().is_some_and(|b| (b'2'..=b'9').contains(&b)),
        None => true,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn plan(change: impl FnOnce(&mut DialPlanConfig)) -> DialPlan {
        let mut config = DialPlanConfig::default();
        change(&mut config);
        DialPlan::new(config).unwrap()
    }

    fn new_york() -> DialPlan {
        plan(|c| c.area_code = "212".into())
    }

    fn place(country: &str, area: &str, trunk: &str, abroad: &str, local_digits_max: usize) -> DialPlan {
        plan(|c| {
            c.country_code = country.into();
            c.area_code = area.into();
            c.trunk_prefix = trunk.into();
            c.international_prefix = abroad.into();
            c.local_digits_max = local_digits_max;
        })
    }

    fn berlin() -> DialPlan {
        place("49", "30", "0", "00", 15)
    }

    fn milan() -> DialPlan {
        place("39", "", "", "00", 0)
    }

    fn written(text: &str) -> Phone {
        match text.strip_prefix('+') {
            Some(digits) => Phone::Global(digits.into()),
            None => Phone::Local(text.into()),
        }
    }

    fn number(plan: &DialPlan, text: &str) -> Result<String, NumberError> {
        plan.number(&written(text)).map(String::from)
    }

    #[test]
    fn numbers_are_read_as_dialled_here() {
        for (plan, text, want) in [
            (new_york(), "+12125550123", "+12125550123"),
            (new_york(), "12125550123", "+12125550123"),
            (new_york(), "2125550123", "+12125550123"),
            (new_york(), "5550123", "+12125550123"),
            (new_york(), "15550123", "+15550123"),
            (new_york(), "01149301234567", "+49301234567"),
            (new_york(), "+49301234567", "+49301234567"),
            (berlin(), "+49301234567", "+49301234567"),
            (berlin(), "0049301234567", "+49301234567"),
            (berlin(), "0301234567", "+49301234567"),
            (berlin(), "1234567", "+49301234567"),
            (berlin(), "08912345", "+498912345"),
            (berlin(), "0012125550123", "+12125550123"),
            (milan(), "0226338123", "+390226338123"),
            (milan(), "+390226338123", "+390226338123"),
            (milan(), "0049301234567", "+49301234567"),
            (place("44", "116", "0", "00", 8), "4960348", "+441164960348"),
            (place("44", "116", "0", "00", 8), "01164960348", "+441164960348"),
        ] {
            assert_eq!(number(&plan, text), Ok(want.to_owned()), "{text}");
        }
    }

    #[test]
    fn what_a_program_dials_is_read_as_dialled_here() {
        for (text, want) in [
            ("T12125550123", Ok("+12125550123")),
            ("t1,212-555 0123", Ok("+12125550123")),
            ("T+49 30 1234567;", Ok("+49301234567")),
            ("P W 011 49 30 1234567", Ok("+49301234567")),
        ] {
            assert_eq!(new_york().dialled(text).map(String::from), want.map(String::from), "{text}");
        }
        assert!(matches!(new_york().dialled("T911"), Err(NumberError::Emergency(_))));
        assert!(new_york().dialled("T").is_err());
    }

    /// The four worked examples of RFC 4160 §3.2.1, in its order.
    #[test]
    fn local_phones_of_rfc_4160() {
        let leicester = Number::parse("+441164960348").unwrap();
        let direct = place("44", "", "", "00", 0);
        let exit_code = plan(|c| {
            c.country_code = "44".into();
            c.trunk_prefix = String::new();
            c.outside_line = "0".into();
        });
        for (plan, dialled) in [
            (direct, "1164960348"),
            (exit_code, "01164960348"),
            (place("44", "", "0", "00", 0), "01164960348"),
            (place("49", "", "0", "00", 0), "00441164960348"),
        ] {
            assert_eq!(plan.local_phone(&leicester), dialled);
        }
    }

    #[test]
    fn what_the_line_dials() {
        let behind_exchange = plan(|c| c.outside_line = "9w".into());
        for (plan, number, dialled) in [
            (new_york(), "+12125550123", "12125550123"),
            (new_york(), "+49301234567", "01149301234567"),
            (behind_exchange.clone(), "+12125550123", "9w12125550123"),
            (behind_exchange, "+49301234567", "9w01149301234567"),
            (milan(), "+390226338123", "0226338123"),
        ] {
            assert_eq!(plan.local_phone(&Number::parse(number).unwrap()), dialled);
        }
    }

    #[test]
    fn help_is_never_called_by_a_fax() {
        let trunkless_uk = place("44", "", "", "00", 0);
        let behind_exchange = plan(|c| {
            c.trunk_prefix = String::new();
            c.outside_line = "9".into();
            c.local_digits_max = 0;
            c.country_code = "44".into();
        });
        for (plan, text) in [
            (new_york(), "911"),
            (new_york(), "112"),
            (new_york(), "+911"),
            (berlin(), "110"),
            (berlin(), "112"),
            (trunkless_uk.clone(), "+441125550123"),
            (trunkless_uk, "+449995550123"),
            (behind_exchange, "+441155550123"),
        ] {
            assert!(matches!(number(&plan, text), Err(NumberError::Emergency(_))), "{text}");
        }
    }

    #[test]
    fn short_long_and_senseless_numbers_are_refused() {
        use NumberError::*;
        for (plan, text, error) in [
            (new_york(), "411", TooShort("411".into())),
            (new_york(), "9911", TooShort("9911".into())),
            (new_york(), "+1", TooShort("1".into())),
            (new_york(), "+12345", TooShort("+12345".into())),
            (new_york(), "123456789012345678", TooLong("+123456789012345678".into())),
            (new_york(), "+1234567890123456", TooLong("+1234567890123456".into())),
            (plan(|_| {}), "5550123", NoAreaCode("5550123".into())),
            (new_york(), "+0212555012", NotDiallable("+0212555012".into())),
            (new_york(), "01104930123", NotDiallable("+04930123".into())),
            (new_york(), "+11235550123", Emergency("+11235550123".into())),
            (new_york(), "+10105550123", NotDiallable("+10105550123".into())),
            (berlin(), "0011115550123", NotDiallable("+11115550123".into())),
        ] {
            assert_eq!(number(&plan, text), Err(error), "{text}");
        }
    }

    /// What would leave the line as a call somewhere else than the policy was asked about.
    #[test]
    fn a_number_cannot_pass_for_another() {
        for (plan, text) in [
            (berlin(), "+490900123456"),
            (berlin(), "000900123456"),
            (milan(), "+390049301234567"),
            (place("44", "116", "", "00", 8), "+444960348"),
        ] {
            assert!(matches!(number(&plan, text), Err(NumberError::NotDiallable(_))), "{text}");
        }
    }

    #[test]
    fn settings_that_cannot_be_meant_are_named() {
        let wrong = |change: fn(&mut DialPlanConfig)| {
            let mut config = DialPlanConfig::default();
            change(&mut config);
            DialPlan::new(config).unwrap_err().setting
        };
        assert_eq!(wrong(|c| c.country_code = "+1".into()), "country_code");
        assert_eq!(wrong(|c| c.country_code = "01".into()), "country_code");
        assert_eq!(wrong(|c| c.area_code = "2 1".into()), "area_code");
        assert_eq!(wrong(|c| c.trunk_prefix = "x".into()), "trunk_prefix");
        assert_eq!(wrong(|c| c.international_prefix = String::new()), "international_prefix");
        assert_eq!(wrong(|c| c.outside_line = "9;".into()), "outside_line");
        assert_eq!(wrong(|c| c.emergency = vec!["1".into()]), "emergency");
    }

    proptest::proptest! {
        /// Whatever is written, what is dialled means the number that the policy saw, and calls nobody for
        /// help.
        #[test]
        fn what_is_dialled_reads_back(text in "\\+?[0-9]{1,18}", which in 0..3_usize) {
            let plan = [new_york(), berlin(), milan()][which].clone();
            if let Ok(number) = plan.number(&written(&text)) {
                let dialled = plan.local_phone(&number);
                assert_eq!(plan.number(&Phone::Local(dialled.clone())), Ok(number));
                assert!(!["911", "112", "110", "999"].iter().any(|e| dialled.starts_with(e)));
            }
        }
    }
}
