//! A modem is asked what it is: spandsp's, and others as transcripts have them (`data/at/modems/*.txt`).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test")]

use fax_peers::t31::Modem;
use fax_proto::at::Output;
use fax_proto::at::dialog::DialogError;
use fax_proto::at::probe::{Found, Probe};
use fax_proto::at::profile::{Class, FlowControl, Profile};
use fax_proto::carrier::{Modulation, Speed, SpeedSet};
use fax_proto::time::{Duration, Time};

/// Runs a probe of what answers commands in this way; nothing where it does not answer.
fn probe(mut answer: impl FnMut(&str) -> Option<Vec<u8>>) -> (Result<Found, DialogError>, Time) {
    let (mut probe, mut now) = (Probe::new(Duration::from_millis(20)), Time::ZERO);
    probe.start(now);
    loop {
        while let Some(output) = probe.poll() {
            match output {
                Output::Write(bytes) => {
                    let line = String::from_utf8(bytes).unwrap();
                    if let Some(bytes) = answer(line.trim_end()) {
                        probe.received(now, &bytes);
                    }
                }
                Output::Tell(result) => {
                    assert_eq!(probe.deadline(), None, "it is over");
                    return (result, now);
                }
                other => panic!("{other:?}"),
            }
        }
        now = now.max(probe.deadline().expect("a deadline until the end"));
        probe.tick(now);
    }
}

/// A modem of a transcript: a line with a command, then the lines that it answers. What is not there is an ERROR.
fn scripted<'a>(script: &'a str) -> impl FnMut(&str) -> Option<Vec<u8>> + 'a {
    move |command| {
        let mut lines =
            script.lines().skip_while(|line| line.strip_prefix("> ") != Some(command)).skip(1).peekable();
        if lines.peek().is_none() {
            return Some(b"\r\nERROR\r\n".to_vec());
        }
        let answer = lines.take_while(|line| !line.starts_with("> ")).filter(|line| !line.starts_with('#'));
        Some(answer.flat_map(|line| format!("\r\n{line}\r\n").into_bytes()).collect())
    }
}

fn known(name: &str, matches: &[&str]) -> Profile {
    let matches = matches.iter().map(|text| (*text).into()).collect();
    Profile { name: name.into(), matches, ..Profile::default() }
}

#[test]
fn spandsp() {
    let mut modem = Modem::new();
    let (found, _) = probe(|command| {
        modem.write(format!("{command}\r").as_bytes());
        Some(modem.read())
    });
    let found = found.unwrap();
    assert_eq!(found.classes, [Class::One, Class::OnePointZero]);
    assert_eq!((found.speeds_send, found.speeds_receive), (SpeedSet::ALL, SpeedSet::ALL));
    assert!(found.adaptive_reception && found.has_v17() && found.class_two.is_empty());
    assert!(found.words.to_lowercase().contains("spandsp"), "{}", found.words);
    assert_eq!(found.caller_id, Some("AT+VCID=1"));
    assert_eq!(found.best_class(), Some(Class::One));
    let profile = found.propose(&[]);
    assert_eq!((profile.class, profile.flow), (Class::One, FlowControl::RtsCts));
    assert_eq!(profile.caller_id.as_deref(), Some("AT+VCID=1"));
}

#[test]
fn a_class_2_modem_of_the_nineties() {
    let (found, _) = probe(scripted(include_str!("data/at/modems/rockwell_class_2.txt")));
    let found = found.unwrap();
    assert_eq!(found.manufacturer.as_deref(), Some("ROCKWELL"));
    assert_eq!(found.model.as_deref(), Some("RC144DPi"));
    assert_eq!(found.revision.as_deref(), Some("V1.410"));
    assert_eq!(found.classes, [Class::One, Class::Two]);
    assert_eq!(found.speeds_send.iter().count(), 8);
    let [two] = &found.class_two[..] else { panic!("{:?}", found.class_two) };
    assert_eq!((two.class, two.bit_rate_max, two.ecm, two.mr), (Class::Two, 14_400, false, true));
    assert_eq!(found.flow, [(FlowControl::RtsCts, "AT&K3"), (FlowControl::XonXoff, "AT&K4")]);
    assert_eq!(found.caller_id, Some("AT#CID=1"));
    // The longer text is the better one, wherever it stands.
    let list = [
        known("any Rockwell", &["rockwell"]),
        known("this Rockwell", &["rc144dpi", "x"]),
        known("none", &[]),
    ];
    assert_eq!(found.profile(&list).map(|profile| &*profile.name), Some("any Rockwell"));
    let list = [known("any", &["rc144"]), known("this", &["rc144dpi"])];
    assert_eq!(found.propose(&list).name, "this");
}

#[test]
fn a_modem_that_has_2_0_alone_and_ecm() {
    let (found, _) = probe(scripted(include_str!("data/at/modems/class_2_0_alone.txt")));
    let found = found.unwrap();
    assert_eq!((&found.classes[..], found.voice), (&[Class::TwoPointZero][..], true));
    let profile = found.propose(&[]);
    assert_eq!((profile.class, profile.ecm), (Class::TwoPointZero, true));
    assert!(found.class_two[0].mmr);
    assert_eq!(profile.flow_command.as_deref(), Some("AT+IFC=2,2"));
}

#[test]
fn a_cheap_modem_of_class_1() {
    let (found, _) = probe(scripted(include_str!("data/at/modems/v29_only.txt")));
    let found = found.unwrap();
    assert!(!found.has_v17() && found.speeds_receive.has_modulation(Modulation::V29));
    assert!(!found.speeds_send.contains(Speed::V17At14400));
    let profile = found.propose(&[]);
    assert_eq!(profile.speeds_send.iter().next_back(), Some(Speed::V29At9600));
    assert!(!profile.adaptive_reception && profile.caller_id.is_none());
}

#[test]
fn a_tty_that_does_not_answer() {
    let (result, ended) = probe(|_| None);
    let error = result.unwrap_err();
    assert_eq!(error.to_string(), "the modem does not answer ATQ0V1E0");
    assert!(ended < Time(6_000_000), "{ended}");
    // Something that only repeats what it is told is no modem either.
    let (result, _) = probe(|command| Some(format!("{command}\r").into_bytes()));
    assert!(result.is_err());
}

#[test]
fn a_modem_that_falls_silent_in_the_middle() {
    let mut answers = 10;
    let (result, ended) = probe(|_| {
        answers -= 1;
        (answers > 0).then(|| b"\r\nOK\r\n".to_vec())
    });
    assert!(matches!(result, Err(DialogError::NoAnswer { .. })), "{result:?}");
    assert!(ended < Time(60_000_000), "{ended}");
}
