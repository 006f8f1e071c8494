//! Who may have what dialled, case by case.
#![allow(clippy::unwrap_used)]

use super::super::{Classes, DialPlanConfig};
use super::*;

fn office() -> PolicyConfig {
    PolicyConfig {
        networks: vec!["192.0.2.0/24".parse().unwrap(), "2001:db8::/32".parse().unwrap()],
        destinations: vec!["+1".into(), "+4930".into()],
        destinations_denied: vec!["+1900".into()],
        ..PolicyConfig::default()
    }
}

fn machine(address: &str) -> Client {
    Client::Machine(address.parse().unwrap())
}

fn decide(config: PolicyConfig, client: &Client, sender: Option<&str>, number: &str) -> Result<(), Denial> {
    let number = Number::parse(number).unwrap();
    let class = Classes::new(&DialPlanConfig::default()).of(&number);
    let decided = Policy::new(config).unwrap().decide(client, sender, &number, class, &mut Trail::default());
    decided.map(|standing| assert_eq!(standing, Standing::Proved))
}

const ANNA: Option<&str> = Some("anna@example.com");
const NEW_YORK: &str = "+12125550123";

#[test]
fn the_default_denies_everybody() {
    let default = PolicyConfig::default;
    for address in ["127.0.0.1", "::1", "192.0.2.7"] {
        let denial = decide(default(), &machine(address), ANNA, NEW_YORK).unwrap_err();
        assert_eq!(denial, Denial::Network(address.parse().unwrap()));
    }
    let user = Client::LocalUser("anna".into());
    assert_eq!(decide(default(), &user, ANNA, NEW_YORK), Err(Denial::LocalUser("anna".into())));
    let open = PolicyConfig { networks: office().networks, ..default() };
    let denial = decide(open, &machine("192.0.2.7"), ANNA, NEW_YORK).unwrap_err();
    assert_eq!(denial, Denial::Destination(Number::parse(NEW_YORK).unwrap()));
}

#[test]
fn the_network_decides() {
    for inside in ["192.0.2.7", "::ffff:192.0.2.7", "2001:db8::7"] {
        assert_eq!(decide(office(), &machine(inside), ANNA, NEW_YORK), Ok(()), "{inside}");
    }
    for outside in ["192.0.3.1", "2001:db9::1", "127.0.0.1"] {
        let denial = decide(office(), &machine(outside), ANNA, NEW_YORK).unwrap_err();
        assert!(matches!(denial, Denial::Network(_)), "{outside}");
    }
}

#[test]
fn a_sender_list_narrows_and_never_opens() {
    let mut config = office();
    config.senders = vec!["example.com".into(), "bob@example.org".into()];
    for (address, sender, may) in [
        ("192.0.2.7", "anna@example.com", true),
        ("192.0.2.7", "Anna@EXAMPLE.com", true),
        ("192.0.2.7", "bob@example.org", true),
        ("192.0.2.7", "eve@example.org", false),
        ("192.0.2.7", "anna@sub.example.com", false),
        ("192.0.2.7", "anna@notexample.com", false),
        ("192.0.2.7", "\"x@example.com\"@evil.example", false),
        ("198.51.100.1", "anna@example.com", false),
    ] {
        let got = decide(config.clone(), &machine(address), Some(sender), NEW_YORK);
        assert_eq!(got.is_ok(), may, "{address} {sender}: {got:?}");
    }
}

#[test]
fn a_listed_certificate_opens_from_anywhere_and_another_says_nothing() {
    let shown = "0123456789abcdef".repeat(4);
    let pairs = shown.as_bytes().chunks(2).map(|pair| String::from_utf8_lossy(pair).to_uppercase());
    let mut config = office();
    config.certificates = vec![pairs.collect::<Vec<_>>().join(":")];
    config.senders = vec!["example.com".into()];
    let policy = Policy::new(config.clone()).unwrap();
    let far = "203.0.113.9".parse().unwrap();
    assert_eq!(policy.identify(far, Some(&shown)), Client::Certificate(shown.clone()));
    assert_eq!(policy.identify(far, Some(&"0".repeat(64))), Client::Machine(far));
    assert_eq!(policy.identify(far, None), Client::Machine(far));
    let holder = Client::Certificate(shown);
    assert_eq!(decide(config.clone(), &holder, ANNA, NEW_YORK), Ok(()));
    let eve = decide(config.clone(), &holder, Some("eve@example.org"), NEW_YORK);
    assert!(matches!(eve, Err(Denial::Sender(_))));
    config.certificates.clear();
    assert!(matches!(decide(config, &holder, ANNA, NEW_YORK), Err(Denial::Certificate(_))));
}

#[test]
fn who_has_signed_in_may_what_the_rule_says() {
    let list = |entry: &str| vec![entry.to_owned()];
    let rule = |name: &str, senders, destinations| UserRule {
        name: name.into(),
        senders,
        destinations,
        ..UserRule::default()
    };
    let mut config = PolicyConfig { networks: vec![], senders: list("example.com"), ..office() };
    let anna = Client::User("Anna".into());
    assert_eq!(decide(config.clone(), &anna, ANNA, NEW_YORK), Err(Denial::User("Anna".into())));
    config.user = vec![rule("anna", list("anna@example.com"), list("+33"))];
    let bob = Client::User("bob".into());
    assert_eq!(decide(config.clone(), &bob, ANNA, NEW_YORK), Err(Denial::User("bob".into())));
    config.user.push(rule("*", vec![], vec![]));
    for (client, sender, number, may) in [
        (&anna, "anna@example.com", "+33188335215", true),
        (&anna, "anna@example.com", NEW_YORK, false),
        (&anna, "bob@example.com", "+33188335215", false),
        (&bob, "bob@example.org", NEW_YORK, true),
        (&bob, "bob@example.org", "+33188335215", false),
        (&bob, "bob@example.org", "+19005550123", false),
    ] {
        let got = decide(config.clone(), client, Some(sender), number);
        assert_eq!(got.is_ok(), may, "{client:?} {sender} {number}: {got:?}");
    }
    assert_eq!(decide(config.clone(), &bob, None, NEW_YORK), Err(Denial::NullSender));
    let barred = PolicyConfig { destinations_denied: list("+331"), ..config.clone() };
    assert!(decide(barred, &anna, ANNA, "+33188335215").is_err(), "the bar goes first for all");
    let twice = PolicyConfig { user: vec![rule("a", vec![], vec![]), rule("A", vec![], vec![])], ..office() };
    assert_eq!(Policy::new(twice).unwrap_err().setting, "user.name");
    let wrong = PolicyConfig { user: vec![rule("a", vec![], list("33"))], ..office() };
    assert_eq!(Policy::new(wrong).unwrap_err().setting, "user.destinations");
}

#[test]
fn bounces_are_not_faxed() {
    assert_eq!(decide(office(), &machine("192.0.2.7"), None, NEW_YORK), Err(Denial::NullSender));
}

#[test]
fn destinations_by_their_beginning_and_the_bar_goes_first() {
    for (number, may) in [
        ("+12125550123", true),
        ("+49301234567", true),
        ("+49891234567", false),
        ("+19005550123", false),
        ("+33188335215", false),
    ] {
        let got = decide(office(), &machine("192.0.2.7"), ANNA, number);
        assert_eq!(got.is_ok(), may, "{number}: {got:?}");
    }
    let anywhere = PolicyConfig { destinations: vec!["+".into()], ..office() };
    assert!(decide(anywhere, &machine("192.0.2.7"), ANNA, "+33188335215").is_ok());
}

#[test]
fn local_people_fax_as_themselves() {
    let mut config = office();
    config.local_users = true;
    config.senders = vec!["example.com".into()];
    let user = Client::LocalUser("anna".into());
    assert_eq!(decide(config, &user, Some("anna@localhost"), NEW_YORK), Ok(()));
}

#[test]
fn a_login_opens_and_the_senders_narrow_it_too() {
    let mut config = PolicyConfig { destinations: vec!["+1".into()], ..PolicyConfig::default() };
    let ann = Client::Login("ann".into());
    assert_eq!(decide(config.clone(), &ann, ANNA, NEW_YORK), Ok(()));
    config.senders = vec!["example.org".into()];
    assert!(matches!(decide(config, &ann, ANNA, NEW_YORK), Err(Denial::Sender(_))));
    assert_eq!(decide(office(), &Client::Unknown, ANNA, NEW_YORK), Err(Denial::Unknown));
}

#[test]
fn settings_that_cannot_be_meant_are_named() {
    let wrong = |config: PolicyConfig| Policy::new(config).unwrap_err().setting;
    let list = |entry: &str| vec![entry.to_owned()];
    assert_eq!(wrong(PolicyConfig { destinations: list("1212"), ..office() }), "destinations");
    assert_eq!(
        wrong(PolicyConfig { destinations_denied: list("+1 900"), ..office() }),
        "destinations_denied"
    );
    assert_eq!(wrong(PolicyConfig { certificates: list("ab:cd"), ..office() }), "certificates");
    assert_eq!(wrong(PolicyConfig { senders: list("not a domain"), ..office() }), "senders");
    assert_eq!(wrong(PolicyConfig { senders: list("@example.com"), ..office() }), "senders");
}
