//! Every option in every place, and what is said of those that are wrong.
#![allow(clippy::unwrap_used)]

use super::*;

fn read(header: &str) -> Result<Asked, String> {
    let zone = TimeZone::get("Europe/Berlin").unwrap();
    // Half past ten in Berlin.
    let now = Now { at: "2026-11-26T09:30:00Z".parse().unwrap(), zone: &zone };
    Asked::read(format!("{header}\r\n\r\nhello\r\n").as_bytes(), &now).map_err(|refusal| refusal.text)
}

fn at(text: &str) -> Option<Timestamp> {
    Some(text.parse().unwrap())
}

/// One wish of each kind.
fn all(code: &str) -> Asked {
    Asked {
        resolution: Some(Fineness::Superfine),
        cover: Some(false),
        priority: Some(4),
        at: at("2026-11-26T17:00:00Z"),
        until: at("2026-11-27T11:00:00Z"),
        billing: Some(code.into()),
        retries: Some(3),
    }
}

#[test]
fn the_header_and_the_subject_say_the_same() {
    let all = all("4711/b");
    let fields = "X-Fax-Resolution: superfine\r\nX-Fax-Cover: no\r\nx-fax-priority: High\r\nX-Fax-At: 18:00\r\n\
                  X-Fax-Until: tomorrow 12:00\r\nX-Fax-Billing: 4711/b\r\nX-Fax-Retries: 3";
    assert_eq!(read(fields), Ok(all.clone()));
    let tag =
        "[fax: superfine, no cover, priority high, at 18:00, until tomorrow 12:00, bill 4711/b, retries 3] x";
    assert_eq!(read(&format!("Subject: {tag}")), Ok(all));
    let encoded = "Subject: =?utf-8?q?=5Bfax=3A_fine=2C_urgent=5D_Gr=C3=BC=C3=9Fe?=";
    let wanted = Asked { resolution: Some(Fineness::Fine), priority: Some(8), ..Asked::default() };
    assert_eq!(read(encoded), Ok(wanted));
    // The subject goes before the fields.
    let both = read(&format!("X-Fax-Resolution: standard\r\nSubject: {tag}")).unwrap();
    assert_eq!(both.resolution, Some(Fineness::Superfine));
    assert!(read("Subject: Figures\r\nX-Faxed: no").unwrap().is_empty());
    assert!(read("Subject: Re: [fax: fine] Figures").unwrap().is_empty());
}

#[test]
fn an_address_can_ask_for_its_own_fax() {
    let zone = TimeZone::get("Europe/Berlin").unwrap();
    let now = Now { at: "2026-11-26T09:30:00Z".parse().unwrap(), zone: &zone };
    let asked = |local: &str| {
        let address = crate::address::FaxAddress::parse(local).unwrap();
        Asked::in_address(&address.others, &now).map_err(|refusal| refusal.text)
    };
    let all = all("4711.b");
    let long =
        "/RESOLUTION=superfine/COVER=no/PRIORITY=high/AT=1800/UNTIL=tomorrow.1200/BILLING=4711.b/RETRIES=3";
    assert_eq!(asked(&format!("+12125550123{long}")), Ok(all.clone()));
    assert_eq!(
        asked(
            "+12125550123/res=superfine/cover=no.cover/priority=4/at=18:00/until=2026-11-27.12:00/bill=4711.b/retries=3"
        ),
        Ok(all)
    );
    assert_eq!(asked("+12125550123/T33S=7/ATTN=Ann/ORG=X/OFNO=3"), Ok(Asked::default()));
    for (local, said) in [
        (
            "+12125550123/RES=cover",
            "/RES= in the fax address cannot be \"cover\"; it is standard, fine or superfine",
        ),
        ("+12125550123/AT=noon", "/AT= in the fax address cannot be \"noon\"; it is a time: 18:00,"),
    ] {
        let got = asked(local).unwrap_err();
        assert!(got.starts_with(said), "{got}");
    }
}

#[test]
fn times_are_read_as_people_write_them() {
    for (text, wanted) in [
        ("18:00", "2026-11-26T17:00:00Z"),
        ("9:05", "2026-11-27T08:05:00Z"),
        ("tomorrow 8:00", "2026-11-27T07:00:00Z"),
        ("2026-12-24 18:30", "2026-12-24T17:30:00Z"),
        ("2026-12-24 1830", "2026-12-24T17:30:00Z"),
        ("2026-12-24T18:30", "2026-12-24T17:30:00Z"),
        ("2026-12-24T18:30:00+05:00", "2026-12-24T13:30:00Z"),
        ("2026-07-01 18:30", "2026-07-01T16:30:00Z"),
        ("+2h", "2026-11-26T11:30:00Z"),
        ("+1h 30m", "2026-11-26T11:00:00Z"),
        ("2026-12-24T18:00:00-05:00", "2026-12-24T23:00:00Z"),
        ("Thu, 24 Dec 2026 18:00:00 +0100", "2026-12-24T17:00:00Z"),
    ] {
        let got = read(&format!("X-Fax-At: {text}")).map(|asked| asked.at);
        if text.starts_with("2026-07") {
            assert!(got.is_err(), "it has passed");
        } else {
            assert_eq!(got, Ok(at(wanted)), "{text}");
        }
    }
}

#[test]
fn what_is_wrong_is_named_with_what_it_may_be() {
    for (header, said) in [
        (
            "X-Fax-Resolution: 300dpi",
            "X-Fax-Resolution cannot be \"300dpi\"; it is standard, fine or superfine",
        ),
        ("X-Fax-Cover: perhaps", "X-Fax-Cover cannot be \"perhaps\"; it is cover or no cover"),
        ("X-Fax-Priority: 10", "X-Fax-Priority cannot be \"10\"; it is urgent, high, normal, low or"),
        ("X-Fax-At: yesterday", "X-Fax-At cannot be \"yesterday\"; it is a time: 18:00,"),
        ("X-Fax-At: 25:00", "X-Fax-At cannot"),
        ("X-Fax-At: 2026-12-24", "X-Fax-At cannot"),
        ("X-Fax-At: +400d", "X-Fax-At cannot"),
        ("X-Fax-At: 2029-01-01 10:00", "X-Fax-At cannot"),
        ("X-Fax-Until: 2026-11-26T09:00:00Z", "X-Fax-Until cannot"),
        ("X-Fax-Billing: ", "X-Fax-Billing cannot"),
        ("X-Fax-Retries: -1", "X-Fax-Retries cannot be \"-1\"; it is a number from 0 to 99"),
        ("Subject: [fax: fien] x", "the tag before the subject cannot be \"fien\"; it is fine, superfine,"),
        ("Subject: [fax: at noon] x", "at in the subject cannot be \"noon\"; it is a time: 18:00,"),
    ] {
        let got = read(header).unwrap_err();
        assert!(got.starts_with(said), "{header}: {got}");
    }
    let code = "x".repeat(65);
    assert!(read(&format!("X-Fax-Billing: {code}")).is_err());
}

#[test]
fn what_is_asked_lies_over_what_mail_said() {
    let envelope = Options { priority: 5, billing: Some("old".into()), ..Options::default() };
    let asked = Asked { priority: Some(9), retries: Some(0), ..Asked::default() };
    let options = asked.over(envelope.clone(), |priority| priority.min(3)).unwrap();
    assert_eq!((options.priority, options.tries_max, options.billing.as_deref()), (3, Some(1), Some("old")));
    assert_eq!(Asked::default().over(envelope.clone(), |_| 0).unwrap(), envelope);
    let contrary =
        Asked { at: at("2026-11-27T00:00:00Z"), until: at("2026-11-26T23:00:00Z"), ..Asked::default() };
    assert!(contrary.over(Options::default(), |p| p).is_err());
}

/// The table for people says what the code does.
#[test]
fn the_table_is_true() {
    let table = include_str!("../../../config/options.md");
    for (field, word, may) in FIELDS {
        let row = table.lines().find(|line| line.contains(&format!("`{field}`"))).unwrap();
        assert!(row.contains(may), "{row}");
        assert!(word.is_empty() || row.contains(&format!("`{word} ")), "{row}");
        let element = row.split("`/").nth(1).and_then(|rest| rest.split_once('=')).unwrap().0;
        let keyword = field.strip_prefix("X-Fax-").unwrap().to_uppercase();
        assert!(keyword.starts_with(element), "{row}");
    }
}

proptest::proptest! {
    #[test]
    fn any_words_are_answered(words in "[ -~ä]{0,60}") {
        let _ = read(&format!("Subject: [fax: {words}] x"));
        for (field, ..) in FIELDS {
            let _ = read(&format!("{field}: {words}"));
            if let Ok(address) = crate::address::FaxAddress::parse(&format!("+1212/{}={words}", &field[6..])) {
                let now = Now { at: Timestamp::UNIX_EPOCH, zone: &TimeZone::UTC };
                let _ = Asked::in_address(&address.others, &now);
            }
        }
    }
}
