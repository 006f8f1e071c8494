//! What senders ask to be told, and what they are told: the whole NOTIFY matrix (RFC 3461 §4.1, §5.2.4) over SMTP against
//! the real program, with ENVID, ORCPT in xtext and RET; every report read back from the mailbox, field by field.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::disallowed_methods)]

mod support;

use std::collections::BTreeMap;
use std::path::Path;

use mail_parser::{Message, MessageParser, MimeHeaders, PartType};
use support::{Gateway, Smtp, lines, wait_for};

const OUT: &str = "+12125550100";
const GOOD: &str = "+12125550123";
const BUSY: &str = "+12125550124";
const SILENT: &str = "+12125550125";
const LOST: &str = "+12125550126";
const END: &str = "+12125550127";

/// What a recipient's NOTIFY may say, and whether success, failure and delay are told then. RFC 3461 leaves it to us what
/// silence means for success; who sends a fax expects a receipt.
const NOTIFY: [(&str, [bool; 3]); 9] = [
    ("", [true, true, true]),
    ("NEVER", [false, false, false]),
    ("SUCCESS", [true, false, false]),
    ("FAILURE", [false, true, false]),
    ("DELAY", [false, false, true]),
    ("SUCCESS,FAILURE", [true, true, false]),
    ("success,delay", [true, false, true]),
    ("FAILURE,DELAY", [false, true, true]),
    ("DELAY,FAILURE,SUCCESS", [true, true, true]),
];

/// What becomes of a fax: where it goes, what its MAIL says more, what is told, and as what.
struct Event {
    name: &'static str,
    number: &'static str,
    mail: &'static str,
    /// Which of success, failure, delay.
    told: usize,
    action: &'static str,
    status: &'static str,
    diagnostic: Option<&'static str>,
    /// The message comes back whole.
    whole: bool,
}

const EVENTS: [Event; 4] = [
    Event {
        name: "success",
        number: GOOD,
        mail: "RET=FULL",
        told: 0,
        action: "delivered",
        status: "2.0.0",
        diagnostic: None,
        whole: false,
    },
    Event {
        name: "failure",
        number: BUSY,
        mail: "RET=FULL",
        told: 1,
        action: "failed",
        status: "5.4.7",
        diagnostic: Some("x-faxgate; busy"),
        whole: true,
    },
    // The time has passed already, and the next call is an hour away.
    Event {
        name: "delay",
        number: SILENT,
        mail: "RET=FULL BY=-60;N",
        told: 2,
        action: "delayed",
        status: "4.4.7",
        diagnostic: Some("x-faxgate; no-answer"),
        whole: false,
    },
    // What is in doubt is no success: it is told to those who want to hear of failures.
    Event {
        name: "unconfirmed",
        number: LOST,
        mail: "RET=HDRS",
        told: 1,
        action: "failed",
        status: "5.4.2",
        diagnostic: Some("x-t30; unconfirmed"),
        whole: false,
    },
];

fn settings(lost: &[f64]) -> String {
    let retry = "[retry]\nbusy = { tries = 1, delay = \"1m\" }\nprotocol = { tries = 1, delay = \"1m\" }\n\
                 no_answer = { tries = 9, delay = \"1h\" }\n";
    let drops: Vec<String> = lost
        .iter()
        .map(|seconds| format!("{{ drop-after = \"{}ms\" }}", (seconds * 1000.0) as u64))
        .collect();
    let scripted =
        [(BUSY, "\"busy\"".to_owned()), (SILENT, "\"no-answer\"".to_owned()), (LOST, drops.join(", "))];
    let scripted = scripted.map(|(number, answers)| {
        format!("[[simulation.number]]\nnumber = {number:?}\nanswers = [{answers}]\n")
    });
    let far = [("good", GOOD), ("busy", BUSY), ("silent", SILENT), ("lost", LOST), ("end", END)];
    let far = far.map(|line| format!("{}dial = false\n", lines(&[line])));
    let route = "[[received.route]]\nto = [\"in@example.com\"]\n";
    format!("{route}{retry}{}{}{}", scripted.concat(), lines(&[("out", OUT)]), far.concat())
}

fn send(smtp: &mut Smtp, sender: &str, mail: &str, number: &str, rcpt: &str) {
    let said = smtp.say(&format!("MAIL FROM:<{sender}> {mail}")).unwrap();
    assert!(said.starts_with("250"), "{said}");
    let said = smtp.say(&format!("RCPT TO:<{number}@fax.example.com> {rcpt}")).unwrap();
    assert!(said.starts_with("250"), "{said}");
    smtp.say("DATA").unwrap();
    let text =
        format!("From: {sender}\r\nSubject: for {sender}\r\nMessage-ID: <{sender}>\r\n\r\nHello.\r\n.");
    let said = smtp.say(&text).unwrap();
    assert!(said.starts_with("250"), "{said}");
}

/// When the line must be lost so that the end of the last page is sent and not answered.
fn moment_of_doubt(dir: &Path) -> f64 {
    let moments: Vec<f64> = (0..60).map(|n| 5.0 + 0.4 * f64::from(n)).collect();
    let gateway = Gateway::start(dir, &settings(&moments));
    let mut smtp = Smtp::connect(gateway.smtp).unwrap();
    for n in 0..moments.len() {
        send(&mut smtp, &format!("{n:02}@example.com"), "", LOST, "");
    }
    let reports: Vec<Vec<u8>> = (0..moments.len())
        .map(|n| gateway.wait_for_mails(&format!("{n:02}@example.com"), 1).remove(0))
        .collect();
    // The calls were made one after another, in whatever order; each report says when, and how it ended.
    let mut calls: Vec<(String, bool)> = Vec::new();
    for report in &reports {
        let fields = fields(&MessageParser::new().parse(report).unwrap());
        let job = gateway.job(&fields["X-Faxgate-Job"]);
        let started = job["attempts"][0]["started"].as_str().unwrap_or_else(|| panic!("{job}"));
        let doubtful = fields.get("Diagnostic-Code").is_some_and(|code| code == "x-t30; unconfirmed");
        calls.push((started.to_owned(), doubtful));
    }
    calls.sort();
    let doubtful: Vec<usize> = (0..calls.len()).filter(|n| calls[*n].1).collect();
    assert!(!doubtful.is_empty(), "{calls:?}");
    moments[doubtful[doubtful.len() / 2]]
}

/// The fields of a report for programs, both blocks.
fn fields(message: &Message<'_>) -> BTreeMap<String, String> {
    let part = message.parts.iter().find(|part| part.is_content_type("message", "delivery-status")).unwrap();
    let text = String::from_utf8(part.contents().to_vec()).unwrap();
    let pairs = text.lines().filter_map(|line| line.split_once(": "));
    let mut fields = BTreeMap::new();
    for (name, value) in pairs {
        assert!(fields.insert(name.to_owned(), value.to_owned()).is_none(), "{name} twice in {text}");
    }
    fields
}

fn check(report: &[u8], sender: &str, event: &Event, envid: &str) {
    let message = MessageParser::new().parse(report).unwrap();
    let text = String::from_utf8_lossy(report);
    assert!(text.starts_with("Return-Path: <>"), "{text}");
    assert_eq!(message.to().unwrap().first().unwrap().address(), Some(sender));
    assert_eq!(message.header_raw("Auto-Submitted").map(str::trim), Some("auto-replied"));
    let kind = message.content_type().unwrap();
    assert_eq!((kind.ctype(), kind.subtype()), ("multipart", Some("report")));
    assert_eq!(kind.attribute("report-type"), Some("delivery-status"));
    assert_eq!(message.in_reply_to().as_text(), Some(sender), "the message it is about");

    let mut fields = fields(&message);
    let mut take = |name: &str| fields.remove(name);
    for (name, value) in [
        ("Original-Envelope-Id", envid),
        ("Reporting-MTA", "dns; fax.example.com"),
        ("Original-Recipient", "rfc822;Fax+Desk=1@example.com"),
        ("Action", event.action),
        ("Status", event.status),
    ] {
        assert_eq!(take(name).as_deref(), Some(value), "{name}\n{text}");
    }
    let address = format!("rfc822; {}@fax.example.com", event.number);
    assert_eq!(take("Final-Recipient"), Some(address));
    assert_eq!(take("Diagnostic-Code").as_deref(), event.diagnostic, "{text}");
    for date in ["Arrival-Date", "Last-Attempt-Date"] {
        let value = take(date).unwrap_or_else(|| panic!("{date}\n{text}"));
        assert!(value.ends_with(" +0000"), "{value}");
    }
    let is_delay = event.action == "delayed";
    for date in ["Will-Retry-Until", "Deliver-By-Date"] {
        assert_eq!(take(date).is_some(), is_delay, "{date}\n{text}");
    }
    // The rest are ours; above all no Remote-MTA and no DSN-Gateway.
    assert!(fields.keys().all(|name| name.starts_with("X-Faxgate-")), "{fields:?}");

    let returned = message.parts.last().unwrap();
    match (&returned.body, event.whole) {
        (PartType::Message(inner), true) => {
            assert_eq!(inner.subject(), Some(format!("for {sender}").as_str()));
            assert_eq!(inner.body_text(0).unwrap().trim(), "Hello.");
        }
        (PartType::Text(header), false) => {
            assert!(returned.is_content_type("text", "rfc822-headers"));
            assert!(header.contains(&format!("Subject: for {sender}")) && !header.contains("Hello."));
        }
        (other, _) => panic!("{other:?}"),
    }
}

#[test]
fn senders_are_told_what_they_asked_for_and_nothing_else() {
    let probe = tempfile::tempdir().unwrap();
    let lost = moment_of_doubt(probe.path());
    let dir = tempfile::tempdir().unwrap();
    let gateway = Gateway::start(dir.path(), &settings(&[lost]));
    let mut smtp = Smtp::connect(gateway.smtp).unwrap();
    let cases: Vec<(String, String, usize, &Event)> = NOTIFY
        .iter()
        .enumerate()
        .flat_map(|(n, _)| {
            let of = move |event: &'static Event| {
                (format!("{}-{n}@example.com", event.name), format!("Q+2B{}+3D{n}", event.name), n, event)
            };
            EVENTS.iter().map(of)
        })
        .collect();
    for (sender, envid, n, event) in &cases {
        let notify = match NOTIFY[*n].0 {
            "" => String::new(),
            notify => format!("NOTIFY={notify} "),
        };
        let mail = format!("ENVID={envid} {}", event.mail);
        let rcpt = format!("{notify}ORCPT=rfc822;Fax+2BDesk+3D1@example.com");
        send(&mut smtp, sender, &mail, event.number, &rcpt);
    }
    wait_for("every fax to have had its call", || {
        let status = gateway.status();
        let jobs = status["jobs"].as_array().unwrap();
        jobs.iter().all(|job| job["calls"].as_u64() > Some(0)).then_some(())
    });
    // Reports leave in the order in which they are owed: behind this one none of the others is still on its way.
    send(&mut smtp, "end@example.com", "", END, "");
    gateway.wait_for_mails("end@example.com", 1);

    let mut wrong = Vec::new();
    for (sender, envid, n, event) in &cases {
        let wanted = NOTIFY[*n].1[event.told];
        let mails = gateway.mails(sender);
        if mails.len() != usize::from(wanted) {
            wrong.push(format!("NOTIFY={}, {}: {} reports", NOTIFY[*n].0, event.name, mails.len()));
        }
        let envid = envid.replace("+2B", "+").replace("+3D", "=");
        mails.iter().for_each(|report| check(report, sender, event, &envid));
    }
    assert!(wrong.is_empty(), "{wrong:?}");
}
