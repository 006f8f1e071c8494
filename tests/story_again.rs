//! A mail that comes again is the fax that it was; a sender whose address is not ASCII hears of his, and one who asks for
//! a read receipt gets that too.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::disallowed_methods)]

mod support;

use support::{Gateway, Smtp, lines};

const NUMBER: &str = "+12125550123";

fn start() -> (tempfile::TempDir, Gateway) {
    let dir = tempfile::tempdir().unwrap();
    let route = "[report]\ndispositions = true\n[retry]\nno_answer = { tries = 1, delay = \"50ms\" }\n[[received.route]]\nto = [\"in@example.com\"]\n";
    support::write_config(
        dir.path(),
        &format!("{route}{}", lines(&[("out", "+12125550100"), ("lab", NUMBER)])),
    );
    let gateway = Gateway::restart(dir.path());
    (dir, gateway)
}

fn send(gateway: &Gateway, sender: &str, message: &str) -> String {
    let mut smtp = Smtp::connect(gateway.smtp).unwrap();
    smtp.send(sender, &[format!("{NUMBER}@fax.example.com")], message).unwrap()
}

#[test]
fn a_server_that_missed_our_answer_sends_again_and_it_is_one_fax() {
    let (dir, gateway) = start();
    let mail = "From: anna@example.com\nMessage-ID: <1@example.com>\nSubject: Order\n\nTwelve.\n";
    let first = send(&gateway, "anna@example.com", mail);
    assert!(first.starts_with("250"), "{first}");
    // By another way, and after a restart.
    drop(gateway);
    let gateway = Gateway::restart(dir.path());
    let again = send(&gateway, "anna@example.com", &format!("Received: from elsewhere\n{mail}"));
    assert_eq!(again, first, "the same job");
    assert_eq!(gateway.status()["jobs"].as_array().unwrap().len(), 1);

    for other in [mail.replace("<1@", "<2@"), mail.replace("Twelve", "Ten"), mail.replace("Message-ID", "X")]
    {
        let said = send(&gateway, "anna@example.com", &other);
        assert!(said.starts_with("250") && said != first, "{said}");
    }
    assert_eq!(gateway.status()["jobs"].as_array().unwrap().len(), 4);
}

#[test]
fn an_international_sender_gets_his_receipt() {
    let (_dir, gateway) = start();
    let mut smtp = Smtp::connect(gateway.smtp).unwrap();
    assert!(smtp.say("EHLO client.example.com").unwrap().contains("SMTPUTF8"));
    assert!(smtp.say("MAIL FROM:<jörg@example.com>").unwrap().starts_with("553 5.6.7"));
    assert!(smtp.say("MAIL FROM:<jörg@example.com> BODY=8BITMIME SMTPUTF8").unwrap().starts_with("250"));
    assert!(smtp.say(&format!("RCPT TO:<ö{NUMBER}@fax.example.com>")).unwrap().starts_with("553 5.6.7"));
    assert!(smtp.say(&format!("RCPT TO:<{NUMBER}@fax.example.com>")).unwrap().starts_with("250"));
    assert!(smtp.say("DATA").unwrap().starts_with("354"));
    let mail = "From: Jörg <jörg@example.com>\r\nSubject: Grüße aus Köln\r\n\r\nHallo\r\n.";
    assert!(smtp.say(mail).unwrap().starts_with("250"), "{}", gateway.log());
    let report = gateway.wait_for_mails("j=c3=b6rg@example.com", 1).remove(0);
    let text = String::from_utf8(report).unwrap();
    assert!(text.contains("Content-Type: message/global-headers"), "{text}");
    let parsed = mail_parser::MessageParser::default().parse(text.as_bytes()).unwrap();
    assert!(parsed.body_text(0).unwrap().contains("Grüße aus Köln"), "{text}");
    let returned = parsed.attachments().find_map(|part| {
        let kind = mail_parser::MimeHeaders::content_type(part)?;
        (kind.subtype() == Some("global-headers")).then(|| part.contents().to_vec())
    });
    let returned = String::from_utf8(returned.unwrap()).unwrap();
    assert!(
        returned.contains("Subject: Grüße aus Köln") && returned.contains("with UTF8SMTP id"),
        "{returned}"
    );
}

/// The disposition notification among the mails of a mailbox, which has a report too.
fn disposition(gateway: &Gateway, mailbox: &str) -> String {
    let mails = gateway.wait_for_mails(mailbox, 2);
    let mails = mails.into_iter().map(|mail| String::from_utf8(mail).unwrap());
    let is_it = |mail: &String| mail.contains("report-type=\"disposition-notification\"");
    let (asked, reports): (Vec<_>, Vec<_>) = mails.partition(is_it);
    assert_eq!((asked.len(), reports.len()), (1, 1), "{asked:?} {reports:?}");
    asked[0].replace("\r\n", "\n")
}

#[test]
fn who_asks_for_a_read_receipt_gets_one_beside_the_report() {
    let (_dir, gateway) = start();
    let mail = "From: anna@example.com\nMessage-ID: <1@example.com>\nDisposition-Notification-To: <Anna@example.com>\n\nx\n";
    assert!(send(&gateway, "anna@example.com", mail).starts_with("250"));
    let told = disposition(&gateway, "anna@example.com");
    for line in [
        "Subject: Your message was processed successfully. (MDN)\n",
        "Content-Type: message/disposition-notification\n",
        "\nReporting-UA: fax.example.com; Faxgate\n",
        "\nFinal-Recipient: rfc822; +12125550123@fax.example.com\nOriginal-Message-ID: <1@example.com>\n",
        "\nDisposition: automatic-action/MDN-sent-automatically; dispatched\n",
    ] {
        assert!(told.contains(line), "{line}{told}");
    }

    let mut smtp = Smtp::connect(gateway.smtp).unwrap();
    let nobody = ["+12125550199@fax.example.com".to_owned()];
    let asks = "Disposition-Notification-To: carl@example.com\nX: 1\n\nx\n";
    assert!(smtp.send("carl@example.com", &nobody, asks).unwrap().starts_with("250"));
    // Somebody else's address would make the gateway write to whom it may not.
    let aimed = "Disposition-Notification-To: victim@example.net\n\nx\n";
    assert!(send(&gateway, "bob@example.com", aimed).starts_with("250"));
    assert_eq!(gateway.wait_for_mails("bob@example.com", 1).len(), 1);
    let told = disposition(&gateway, "carl@example.com");
    assert!(told.contains("Subject: Your message has been rejected. (MDN)\n"), "{told}");
    assert!(told.contains("; processed/error\nError: x-faxgate; "), "{told}");
    assert_eq!(gateway.mails("bob@example.com").len(), 1);
    assert!(gateway.mails("victim@example.net").is_empty());
}
