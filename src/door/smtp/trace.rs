//! The `Received` line that the gateway puts before each message it takes (RFC 5321 §4.4). The `Return-Path`
//! line belongs to final delivery, which for a fax is paper.

use std::net::IpAddr;

use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimePrinter;
use jiff::tz::TimeZone;

use super::session::Mail;
use crate::job::SubmissionId;

/// The line, folded and ended, for a mail that `hostname` took from `peer`. What the client said has been
/// held to the characters of names and addresses, so it cannot end the line.
pub(super) fn received(
    mail: &Mail,
    peer: IpAddr,
    hostname: &str,
    id: &SubmissionId,
    now: Timestamp,
) -> String {
    let address = match peer.to_canonical() {
        IpAddr::V4(address) => format!("[{address}]"),
        IpAddr::V6(address) => format!("[IPv6:{address}]"),
    };
    // RFC 3848; RFC 6531 §4.3 has UTF8SMTPSA and the like, without the E.
    let utf8 = if mail.envelope.utf8 { "UTF8" } else { "" };
    let protocol = match (mail.hello.extended, mail.hello.secured, mail.hello.signed_in) {
        _ if mail.hello.lmtp && mail.hello.secured => "LMTPS",
        _ if mail.hello.lmtp => "LMTP",
        (true, true, true) => "ESMTPSA",
        (true, true, false) => "ESMTPS",
        (true, false, _) => "ESMTP",
        (false, ..) => "SMTP",
    };
    let protocol = if mail.envelope.utf8 { protocol.trim_start_matches('E') } else { protocol };
    // With several recipients the line would tell each of the others.
    let only = match mail.envelope.recipients.as_slice() {
        [recipient] => format!("\r\n\tfor <{}>", recipient.address),
        _ => String::new(),
    };
    // RFC 6710 §4.1.
    let priority = match mail.envelope.options.priority {
        0 => String::new(),
        priority => format!("\r\n\tPRIORITY {priority}"),
    };
    let date = DateTimePrinter::new().zoned_to_string(&now.to_zoned(TimeZone::UTC)).unwrap_or_default();
    let from = &mail.hello.name;
    format!(
        "Received: from {from} ({address})\r\n\tby {hostname} with {utf8}{protocol} id {id}{only}{priority};\r\n\t{date}\r\n"
    )
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::session::{Envelope, Hello};
    use super::*;
    use crate::address::Number;
    use crate::job::{Notify, Recipient};

    fn mail(recipients: &[&str], extended: bool) -> Mail {
        let recipient = |address: &&str| Recipient {
            address: (*address).to_owned(),
            number: Number::parse("+12125550123").unwrap(),
            subaddress: None,
            attention: None,
            notify: Notify::DEFAULT,
            orcpt: None,
            key_of: None,
        };
        let recipients = recipients.iter().map(recipient).collect();
        let hello =
            Hello { name: "client.example".into(), extended, secured: false, signed_in: false, lmtp: false };
        Mail { hello, envelope: Envelope { recipients, ..Envelope::default() }, text: Vec::new() }
    }

    #[test]
    fn the_line_says_from_whom_by_whom_and_when() {
        let now: Timestamp = "2026-11-23T05:06:07Z".parse().unwrap();
        let id = SubmissionId::new(now);
        let line =
            |mail: &Mail, peer: &str| received(mail, peer.parse().unwrap(), "fax.example.com", &id, now);
        assert_eq!(
            line(&mail(&["+1@fax.example.com"], true), "192.0.2.7"),
            format!(
                "Received: from client.example ([192.0.2.7])\r\n\tby fax.example.com with ESMTP id {id}\r\n\t\
                 for <+1@fax.example.com>;\r\n\tMon, 23 Nov 2026 05:06:07 +0000\r\n"
            )
        );
        let two = line(&mail(&["+1@fax.example.com", "+2@fax.example.com"], false), "2001:db8::7");
        assert!(two.contains("([IPv6:2001:db8::7])") && two.contains("with SMTP id"), "{two}");
        assert!(!two.contains("for <"), "{two}");
        let mut international = mail(&[], true);
        international.envelope.utf8 = true;
        assert!(line(&international, "192.0.2.7").contains("with UTF8SMTP id"));
        international.hello.lmtp = true;
        assert!(line(&international, "192.0.2.7").contains("with UTF8LMTP id"));
    }
}
