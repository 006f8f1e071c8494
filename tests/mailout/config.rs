//! The reference that operators read says what the program does.

use faxgate::mailer::MailerConfig;
use faxgate::received::ReceivedConfig;
use faxgate::report::ReportConfig;
use serde::{Deserialize, Serialize};

const REFERENCE: &str = include_str!("../../config/mailout.part.toml");

#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Sections {
    mailer: MailerConfig,
    report: ReportConfig,
    received: ReceivedConfig,
}

/// The settings that the reference shows behind a comment mark.
fn shown() -> String {
    let live = |line: &str| {
        line.strip_prefix('#')
            .filter(|rest| !rest.starts_with(' '))
            .unwrap_or(line)
            .to_owned()
    };
    REFERENCE
        .lines()
        .map(live)
        .filter(|line| !line.starts_with('#'))
        .collect::<Vec<_>>()
        .join("\n")
}

/// The names of all settings that are not tables.
fn names_in(value: &serde_json::Value, names: &mut Vec<String>) {
    for (name, value) in value.as_object().into_iter().flatten() {
        if value.is_object() {
            names_in(value, names);
        } else {
            names.push(name.clone());
        }
    }
}

#[test]
fn as_it_stands_the_reference_is_the_default() {
    assert_eq!(
        toml::from_str::<Sections>(REFERENCE).unwrap(),
        Sections::default()
    );
}

#[test]
fn every_setting_is_shown_with_its_default() {
    let shown = shown();
    let (settings, routes) = shown.split_once("[[received.route]]").unwrap();
    let has_default = |line: &&str| !line.starts_with("password_file") && !line.starts_with("ca_file");
    let settings = settings
        .lines()
        .filter(has_default)
        .collect::<Vec<_>>()
        .join("\n");
    assert_eq!(
        toml::from_str::<Sections>(&settings).unwrap(),
        Sections::default()
    );
    let mut names = Vec::new();
    names_in(&serde_json::to_value(Sections::default()).unwrap(), &mut names);
    assert!(names.len() > 10, "{names:?}");
    for name in names.iter().filter(|name| *name != "route") {
        assert!(shown.contains(&format!("\n{name} = ")), "{name} is not shown");
    }
    let example: Sections = toml::from_str(&format!("[[received.route]]{routes}")).unwrap();
    example.received.check().unwrap();
    assert_eq!(example.received.route[0].to, ["office@example.com"]);
}

#[test]
fn an_unknown_setting_is_an_error() {
    for wrong in [
        "[mailer]\nkindd = 1",
        "[mailer.relay]\nhosts = 1",
        "[mailer.maildir]\npath = 1",
        "[report]\nx = 1",
        "[received]\nx = 1",
    ] {
        assert!(toml::from_str::<Sections>(wrong).is_err(), "{wrong}");
    }
}
