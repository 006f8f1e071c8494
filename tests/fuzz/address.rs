//! An address from `RCPT TO` on its way to the number that a line dials.

use faxgate::address::gstn::without_key;
use faxgate::address::{DialPlan, DialPlanConfig, FaxAddress, Mailbox, Number, Phone};
use faxgate::submit::options::{Asked, Now};

/// A recipient as a client writes it, and its local part alone.
pub(crate) fn fax_address(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    if let Some(mailbox) = Mailbox::parse(text) {
        assert!(mailbox.local.len() <= Mailbox::OCTETS_MAX && mailbox.local.is_ascii());
        assert!(mailbox.domain.is_some() || mailbox.is_postmaster());
        local_part(&mailbox.local);
    }
    local_part(text);
}

fn local_part(text: &str) {
    let bare = without_key(text);
    assert!(!bare.to_ascii_lowercase().contains("/key="), "{bare}");
    let Ok(address) = FaxAddress::parse(text) else { return };
    let (Phone::Global(digits) | Phone::Local(digits)) = &address.phone;
    assert!(!digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()));
    let is_subaddress = |text: &str| text.len() <= 20 && text.bytes().all(|b| b.is_ascii_digit());
    assert!(address.subaddress.as_deref().is_none_or(is_subaddress));
    // In the year 2100, and where the clock has changed that night.
    let zone = jiff::tz::TimeZone::get("Europe/Berlin").unwrap();
    let now = Now { at: "2100-03-28T00:30:00Z".parse().unwrap(), zone: &zone };
    if let Ok(asked) = Asked::in_address(&address.others, &now) {
        let options = asked.over(faxgate::job::Options::default(), |priority| priority);
        let is_printable = |code: &String| code.bytes().all(|b| (b' '..=b'~').contains(&b));
        assert!(options.is_err() || options.unwrap().billing.as_ref().is_none_or(is_printable));
    }
    for config in places() {
        dialled(&config, &address.phone);
    }
}

/// North America, a private exchange there, Germany, Italy (no trunk prefix).
fn places() -> [DialPlanConfig; 4] {
    let north_america = DialPlanConfig { area_code: "212".into(), ..DialPlanConfig::default() };
    let place = |country_code: &str, area_code: &str, trunk_prefix: &str| DialPlanConfig {
        country_code: country_code.into(),
        area_code: area_code.into(),
        trunk_prefix: trunk_prefix.into(),
        international_prefix: "00".into(),
        ..DialPlanConfig::default()
    };
    [
        DialPlanConfig { outside_line: "9,w".into(), ..north_america.clone() },
        north_america,
        DialPlanConfig { outside_line: "0".into(), local_digits_max: 6, ..place("49", "30", "0") },
        place("39", "", ""),
    ]
}

/// A number that is accepted is never dialled as an emergency number, and reads back as itself.
fn dialled(config: &DialPlanConfig, phone: &Phone) {
    let plan = DialPlan::new(config.clone()).unwrap();
    let Ok(number) = plan.number(phone) else { return };
    let with_exit = plan.local_phone(&number);
    let public = with_exit.strip_prefix(&config.outside_line).unwrap();
    let digits: String = with_exit.chars().filter(char::is_ascii_digit).collect();
    for emergency in &config.emergency {
        let begins = public.starts_with(emergency) || digits.starts_with(emergency);
        assert!(!begins, "{phone:?} is dialled {with_exit}");
    }
    let length = number.digits().len();
    assert!((config.number_digits_min..=Number::DIGITS_MAX).contains(&length));
    assert!(public.bytes().all(|b| b.is_ascii_digit()));
    assert_eq!(plan.number(&Phone::Local(public.into())).as_ref(), Ok(&number));
    assert_eq!(plan.number(&Phone::Global(number.digits().into())).as_ref(), Ok(&number));
}
