//! What kind of number it is, for who may dial it and what it costs.
//!
//! The numbering plans of all countries are those of libphonenumber's metadata (the crate `rlibphonenumber`), which
//! knows, number by number, what is premium-rate, toll-free or mobile in each. On top of it lie rules that it has none
//! for: satellite networks, numbers that only look like ours (`+1 876` shares its country code with New York and is
//! Jamaica), and what the operator adds, for ranges that fraudsters rent change faster than any table.
//!
//! A number that no plan knows is judged by its beginning: what lies in a premium-rate range is premium whatever its
//! length, since exchanges dial as soon as they have digits enough.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use rlibphonenumber::{PHONE_NUMBER_UTIL, PhoneNumber, PhoneNumberType, Region};
use serde::{Deserialize, Serialize};

use super::{DialPlanConfig, Number};

/// The kinds of numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// In the house, as the operator says.
    Internal,
    /// In the gateway's own area.
    Local,
    /// Elsewhere in its country.
    National,
    /// A mobile telephone in its country, where these have numbers of their own.
    Mobile,
    /// Whoever is called pays.
    TollFree,
    /// Cost is shared, or one number serves a whole company.
    SharedCost,
    /// In another country, also where that shares the country code.
    International,
    /// Whoever calls pays somebody beside the telephone company; and personal numbers, which cost as much.
    Premium,
    /// Satellites, ships, and networks that belong to no country.
    Satellite,
}

impl Class {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Internal,
        Self::Local,
        Self::National,
        Self::Mobile,
        Self::TollFree,
        Self::SharedCost,
        Self::International,
        Self::Premium,
        Self::Satellite,
    ];

    /// Those that are open where nothing is said: a fax to the others is a mistake or a fraud more often than not.
    #[must_use]
    pub fn ordinary() -> Vec<Self> {
        Self::ALL.into_iter().filter(|class| !matches!(class, Self::Premium | Self::Satellite)).collect()
    }
}

impl fmt::Display for Class {
    /// For people, before `numbers`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Internal => "internal",
            Self::Local => "local",
            Self::National => "national",
            Self::Mobile => "mobile",
            Self::TollFree => "toll-free",
            Self::SharedCost => "shared-cost",
            Self::International => "international",
            Self::Premium => "premium-rate",
            Self::Satellite => "satellite",
        })
    }
}

/// Inmarsat, the satellite networks, the networks of no country (ITU-T E.164 lists of assigned codes).
const SATELLITE: [&str; 5] = ["+870", "+881", "+882", "+883", "+888"];
/// Premium-rate whatever their length: a plan knows whole numbers only. International premium rate and shared cost, and
/// the ranges of countries where faxes are sent a lot.
const PREMIUM: [&str; 24] = [
    "+979", "+808", "+1900", "+1976", "+44909", "+44908", "+4490", "+4498", "+49900", "+49137", "+43900",
    "+43901", "+43930", "+43939", "+41900", "+41901", "+41906", "+33899", "+39899", "+34803", "+34806",
    "+34807", "+31900", "+61190",
];

/// The kinds of numbers, seen from where the gateway stands.
#[derive(Clone, Debug)]
pub struct Classes {
    /// The country, where the plans know one.
    home: Option<Region>,
    country: String,
    /// What numbers of the own area begin with; empty where that is not known.
    area: String,
    internal: Vec<String>,
    premium: Vec<String>,
    /// What was found lately: a number is asked about several times a fax, and faxed to more than once.
    known: Arc<Mutex<HashMap<Number, Class>>>,
}

/// Numbers that are remembered.
const KNOWN_MAX: usize = 4096;

impl Classes {
    /// As the dial plan has it.
    #[must_use]
    pub fn new(plan: &DialPlanConfig) -> Self {
        let country = format!("+{}", plan.country_code);
        let area = match plan.area_code.as_str() {
            "" => String::new(),
            code => format!("{country}{code}"),
        };
        // The area code says which of the countries with code 1 it is.
        let by_area = parse(&format!("{area}5550123")).and_then(|number| number.get_region_code());
        let by_country = || {
            plan.country_code
                .parse()
                .ok()
                .and_then(|code| PHONE_NUMBER_UTIL.get_region_for_country_code(code))
        };
        let (internal, premium) = (plan.internal.clone(), plan.premium.clone());
        let known = Arc::default();
        Self { home: by_area.or_else(by_country), country, area, internal, premium, known }
    }

    /// The kind of a number.
    #[must_use]
    pub fn of(&self, number: &Number) -> Class {
        let known = || self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(class) = known().get(number) {
            return *class;
        }
        let class = self.find(number);
        let mut known = known();
        if known.len() >= KNOWN_MAX {
            known.clear();
        }
        known.insert(number.clone(), class);
        class
    }

    fn find(&self, number: &Number) -> Class {
        let text = number.as_str();
        let begins = |prefixes: &[String]| prefixes.iter().any(|prefix| text.starts_with(prefix.as_str()));
        if begins(&self.internal) {
            return Class::Internal;
        }
        if begins(&self.premium) {
            return Class::Premium;
        }
        if SATELLITE.iter().any(|prefix| text.starts_with(prefix)) {
            return Class::Satellite;
        }
        let parsed = parse(text);
        let kind = parsed.as_ref().map_or(PhoneNumberType::Unknown, PhoneNumber::get_type);
        let region = parsed.as_ref().and_then(PhoneNumber::get_region_code);
        match kind {
            PhoneNumberType::PremiumRate | PhoneNumberType::PersonalNumber => return Class::Premium,
            PhoneNumberType::Unknown if PREMIUM.iter().any(|prefix| text.starts_with(prefix)) => {
                return Class::Premium;
            }
            // The international freephone service is nobody's country and free everywhere.
            PhoneNumberType::TollFree if text.starts_with("+800") => return Class::TollFree,
            _ => {}
        }
        let is_home = match (region, self.home) {
            (Some(region), Some(home)) => region == home,
            _ => text.starts_with(&self.country),
        };
        match kind {
            _ if !is_home => Class::International,
            PhoneNumberType::TollFree => Class::TollFree,
            PhoneNumberType::SharedCost | PhoneNumberType::UAN => Class::SharedCost,
            PhoneNumberType::Mobile | PhoneNumberType::Pager => Class::Mobile,
            _ if !self.area.is_empty() && text.starts_with(&self.area) => Class::Local,
            _ => Class::National,
        }
    }
}

fn parse(text: &str) -> Option<PhoneNumber> {
    PhoneNumber::parse(text, None).ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn at(country_code: &str, area_code: &str) -> Classes {
        let plan = DialPlanConfig {
            country_code: country_code.into(),
            area_code: area_code.into(),
            ..DialPlanConfig::default()
        };
        Classes::new(&plan)
    }

    fn all(classes: &Classes, class: Class, numbers: &[&str]) {
        for number in numbers {
            assert_eq!(classes.of(&Number::parse(number).unwrap()), class, "{number}");
        }
    }

    #[test]
    fn seen_from_new_york() {
        let from = at("1", "212");
        all(&from, Class::Local, &["+12125550123", "+12129999999"]);
        all(&from, Class::National, &["+13125550123", "+16505550123", "+19175550123"]);
        all(&from, Class::TollFree, &["+18005550123", "+18885550123", "+18335550123", "+80012345678"]);
        all(
            &from,
            Class::Premium,
            &["+19005550123", "+1900555", "+19765550", "+15005550123", "+979123456789"],
        );
        // They share the country code, and are what New York is not.
        let caribbean =
            ["+18765550123", "+18095550123", "+12425550123", "+14735550123", "+12845550123", "+17675550123"];
        all(&from, Class::International, &caribbean);
        all(&from, Class::International, &["+14165550123", "+16045550123", "+442079460123", "+4930123456"]);
        all(&from, Class::Satellite, &["+870773111632", "+881612345678", "+882160123456", "+88351000123456"]);
        all(
            &from,
            Class::Premium,
            &["+449098790000", "+447012345678", "+49900123456", "+33899123456", "+41900123456"],
        );
    }

    #[test]
    fn seen_from_other_countries() {
        let berlin = at("49", "30");
        all(&berlin, Class::Local, &["+493012345678", "+4930123456"]);
        all(&berlin, Class::National, &["+498912345678", "+4922112345"]);
        all(&berlin, Class::Mobile, &["+491701234567", "+4915123456789"]);
        all(&berlin, Class::TollFree, &["+498001234567"]);
        all(&berlin, Class::SharedCost, &["+4918012345"]);
        all(&berlin, Class::Premium, &["+499001234567", "+49900123"]);
        all(&berlin, Class::International, &["+4312345678", "+12125550123", "+18005550123", "+443069990123"]);
        let london = at("44", "20");
        all(&london, Class::Local, &["+442079460123"]);
        all(&london, Class::National, &["+441632960123", "+441612345678"]);
        all(&london, Class::Mobile, &["+447400123456"]);
        all(&london, Class::TollFree, &["+448081570123"]);
        all(&london, Class::Premium, &["+449098790123", "+447012345678", "+448712345678"]);
        // Jersey's numbers look like Britain's.
        all(&london, Class::International, &["+441534123456", "+12125550123"]);
        let paris = at("33", "");
        all(&paris, Class::National, &["+33188335215", "+33512345678"]);
        all(&paris, Class::Mobile, &["+33612345678"]);
        all(&paris, Class::TollFree, &["+33800123456"]);
        all(&paris, Class::Premium, &["+33899123456", "+33892123456"]);
        let rome = at("39", "06");
        all(&rome, Class::Local, &["+390612345678"]);
        all(&rome, Class::National, &["+390212345678"]);
        all(&rome, Class::Mobile, &["+393123456789"]);
        all(&rome, Class::Premium, &["+39899123456"]);
        let toronto = at("1", "416");
        all(&toronto, Class::Local, &["+14165550123"]);
        all(&toronto, Class::National, &["+16045550123"]);
        all(&toronto, Class::International, &["+12125550123", "+18765550123"]);
        let tokyo = at("81", "3");
        all(&tokyo, Class::Local, &["+81312345678"]);
        all(&tokyo, Class::TollFree, &["+81120123456"]);
        all(&tokyo, Class::Premium, &["+81990123456"]);
        let zurich = at("41", "44");
        all(&zurich, Class::Local, &["+41446681800"]);
        all(&zurich, Class::Mobile, &["+41781234567"]);
        all(&zurich, Class::Premium, &["+41900123456", "+41906123"]);
        let sydney = at("61", "2");
        all(&sydney, Class::Local, &["+61255501234"]);
        all(&sydney, Class::Premium, &["+611900123456", "+611901234567"]);
        all(&sydney, Class::TollFree, &["+611800123456"]);
        let madrid = at("34", "");
        all(&madrid, Class::National, &["+34912345678"]);
        all(&madrid, Class::Premium, &["+34803123456"]);
    }

    #[test]
    fn the_operator_has_the_last_word() {
        let plan = DialPlanConfig {
            internal: vec!["+12125550".into()],
            premium: vec!["+37167".into()],
            ..DialPlanConfig::default()
        };
        let classes = Classes::new(&plan);
        all(&classes, Class::Internal, &["+12125550123"]);
        all(&classes, Class::Premium, &["+37167123456"]);
        all(&classes, Class::National, &["+12125551123"]);
    }

    proptest::proptest! {
        #[test]
        fn every_number_has_a_kind(digits in "[1-9][0-9]{1,14}") {
            let number = Number::parse(&format!("+{digits}")).unwrap();
            for from in [at("1", "212"), at("49", ""), at("999", "1")] {
                let class = from.of(&number);
                assert!(Class::ALL.contains(&class));
                if ["+870", "+881", "+979", "+1900"].iter().any(|p| number.as_str().starts_with(p)) {
                    assert!(matches!(class, Class::Satellite | Class::Premium), "{number} {class}");
                }
            }
        }
    }
}
