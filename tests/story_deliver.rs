//! A clinic's mail server relays a message with a PDF and a photo to two numbers; and a busy number, and one that
//! nobody answers.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::disallowed_methods)]

mod support;

use std::path::Path;
use std::process::Command;

use mail_parser::{MessageParser, MimeHeaders};
use support::{Gateway, Smtp, attachment, lines, received_pages};

const LINES: [(&str, &str); 4] =
    [("out-1", "+12125550100"), ("out-2", "+12125550101"), ("lab", "+12125550123"), ("ward", "+12125550124")];

const ROUTES: &str = "[[received.route]]\nline = \"lab\"\nto = [\"lab@example.com\"]\n\
    [[received.route]]\nline = \"ward\"\nto = [\"ward@example.com\"]\n";

fn settings(more: &str) -> String {
    format!("{ROUTES}{more}{}", lines(&LINES))
}

/// An independent SMTP client with a message of three parts.
fn swaks(gateway: &Gateway, to: &str, dir: &Path) {
    let asset = |name: &str| Path::new(env!("CARGO_MANIFEST_DIR")).join("templates/demo").join(name);
    let output = Command::new("swaks")
        .args(["--server", &gateway.smtp.ip().to_string(), "--port", &gateway.smtp.port().to_string()])
        .args(["--from", "anna@example.com", "--to", to, "--helo", "client.example.com"])
        .args(["--header", "Subject: Figures and photo", "--body", "Please find the figures attached."])
        .args(["--attach-type", "application/pdf", "--attach-name", "report.pdf"])
        .arg("--attach")
        .arg(format!("@{}", asset("letter.pdf").display()))
        .args(["--attach-type", "image/jpeg", "--attach-name", "photo.jpg"])
        .arg("--attach")
        .arg(format!("@{}", asset("parcel.jpg").display()))
        .current_dir(dir)
        .output()
        .expect("swaks is needed: tests/run installs it");
    assert!(output.status.success(), "{output:?}");
}

fn text(mail: &[u8]) -> String {
    MessageParser::new().parse(mail).unwrap().body_text(0).unwrap().into_owned()
}

/// A field of the machine-readable part of a report.
fn field(mail: &[u8], name: &str) -> String {
    let message = MessageParser::new().parse(mail).unwrap();
    let status = message.parts.iter().find(|part| {
        part.content_type().and_then(|kind| kind.subtype()).is_some_and(|s| s == "delivery-status")
    });
    let status = String::from_utf8_lossy(status.expect("a delivery-status part").contents()).into_owned();
    let value = status.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")));
    value.unwrap_or_else(|| panic!("no {name} in:\n{status}")).to_owned()
}

#[test]
fn one_message_for_two_numbers_is_two_faxes_and_two_receipts() {
    let dir = tempfile::tempdir().unwrap();
    let gateway = Gateway::start(dir.path(), &settings(""));
    swaks(&gateway, "FAX=+12125550124@fax.example.com,+12125550123@fax.example.com", dir.path());

    for mailbox in ["lab@example.com", "ward@example.com"] {
        let mails = gateway.wait_for_mails(mailbox, 1);
        let pages = received_pages(&mails[0]);
        assert_eq!(pages.len(), 4, "text, two pages of PDF, photo");
        assert!(pages.iter().all(|page| page.width() == 1728 && page.rows() > 2000));
        assert!(attachment(&mails[0], "pdf").starts_with(b"%PDF-"));
        let message = MessageParser::new().parse(&mails[0]).unwrap();
        let reply_to = message.reply_to().and_then(|a| a.first()).and_then(|a| a.address()).unwrap();
        assert!(reply_to.contains("+1212555010"), "Reply faxes back to the calling line: {reply_to}");
    }
    let receipts = gateway.wait_for_mails("anna@example.com", 2);
    let mut recipients: Vec<String> = receipts.iter().map(|mail| field(mail, "Final-Recipient")).collect();
    recipients.sort();
    assert_eq!(
        recipients,
        ["rfc822; +12125550123@fax.example.com", "rfc822; FAX=+12125550124@fax.example.com"]
    );
    for receipt in &receipts {
        assert_eq!(
            (field(receipt, "Action"), field(receipt, "Status")),
            ("delivered".into(), "2.0.0".into())
        );
        assert!(text(receipt).contains("report.pdf"), "{}", text(receipt));
    }
    assert_eq!(gateway.mails("lab@example.com").len(), 1);
    assert_eq!(gateway.mails("anna@example.com").len(), 2);
}

#[test]
fn busy_is_tried_again_and_no_answer_is_reported() {
    let dir = tempfile::tempdir().unwrap();
    let gateway = Gateway::start(
        dir.path(),
        &settings(
            "[retry]\nbusy = { tries = 5, delay = \"50ms\" }\nno_answer = { tries = 2, delay = \"50ms\" }\n\
             [[simulation.number]]\nnumber = \"+12125550123\"\nanswers = [\"busy\", \"busy\", \"line\"]\n\
             [[simulation.number]]\nnumber = \"+12125550199\"\nanswers = [\"no-answer\"]\n",
        ),
    );
    let to = ["+12125550123@fax.example.com".to_owned(), "+12125550199@fax.example.com".to_owned()];
    let mut smtp = Smtp::connect(gateway.smtp).unwrap();
    let reply = smtp.send("anna@example.com", &to, "Subject: Hello\n\nHello, this is a fax.\n").unwrap();
    assert!(reply.starts_with("250"), "{reply}");

    let receipts = gateway.wait_for_mails("anna@example.com", 2);
    let of = |number: &str| {
        let mut found = receipts.iter().filter(|mail| field(mail, "Final-Recipient").contains(number));
        found.next().unwrap_or_else(|| panic!("no receipt for {number}"))
    };
    let (busy, silent) = (of("0123"), of("0199"));
    assert_eq!(field(busy, "Action"), "delivered");
    assert_eq!(field(silent, "Action"), "failed");
    assert_eq!(field(silent, "Status"), "5.4.1");
    assert!(text(silent).to_lowercase().contains("nobody answered"), "{}", text(silent));
    assert_eq!(gateway.mails("lab@example.com").len(), 1);

    let jobs = gateway.status()["jobs"].as_array().unwrap().clone();
    let words = |number: &str| {
        let job = jobs.iter().find(|job| job["recipient"]["number"] == number).unwrap();
        let attempts = job["attempts"].as_array().unwrap().iter();
        attempts.map(|a| a["outcome"]["is"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(words("+12125550123"), ["busy", "busy", "delivered"]);
    assert_eq!(words("+12125550199"), ["no-answer", "no-answer"]);
}

#[test]
fn who_may_not_fax_is_told_at_rcpt_and_nothing_is_dialled() {
    let dir = tempfile::tempdir().unwrap();
    let gateway = Gateway::start(dir.path(), &settings(""));
    let mut smtp = Smtp::connect(gateway.smtp).unwrap();
    let refused = |smtp: &mut Smtp, to: &str| {
        let reply = smtp.send("anna@example.com", &[to.to_owned()], "Subject: x\n\nx\n").unwrap();
        smtp.say("RSET").unwrap();
        reply
    };
    assert!(refused(&mut smtp, "911@fax.example.com").contains("5.7.1"));
    assert!(refused(&mut smtp, "hello@fax.example.com").contains("5.1.3"));
    assert!(refused(&mut smtp, "+12125550123@elsewhere.example").contains("5.7.1"));
    assert_eq!(gateway.status()["jobs"].as_array().unwrap().len(), 0);
}

#[test]
fn files_are_faxed_from_the_command_line() {
    let dir = tempfile::tempdir().unwrap();
    let gateway = Gateway::start(dir.path(), &settings(""));
    let file = dir.path().join("note.txt");
    std::fs::write(&file, "Called about the results.\n").unwrap();
    let args =
        ["send", file.to_str().unwrap(), "--to", "+1 212 555 0123", "--from", "ben@example.com", "--wait"];
    let sent = gateway.run(&args);
    assert!(sent.status.success(), "{}", String::from_utf8_lossy(&sent.stderr));
    let id = String::from_utf8_lossy(&sent.stdout).lines().next().unwrap().to_owned();
    assert_eq!(gateway.job(&id)["state"]["outcome"]["is"], "delivered");
    gateway.wait_for_mails("ben@example.com", 1);
    assert_eq!(gateway.wait_for_mails("lab@example.com", 1).len(), 1);

    let refused = gateway.run(&["send", file.to_str().unwrap(), "--to", "112"]);
    assert_eq!(refused.status.code(), Some(77), "{}", String::from_utf8_lossy(&refused.stderr));
    drop(gateway);
    let config = dir.path().join("faxgate.toml");
    let alone = Command::new(support::FAXGATE).arg("--config").arg(config).args(["status"]).output().unwrap();
    assert_eq!(alone.status.code(), Some(75));
}
