//! Telling a mail that comes again from one that is new (RFC 4161 §2.1).
//!
//! A mail server that does not hear our answer, because it, we, or the way between died, sends the mail again: under
//! another name of its own, perhaps by another way, with other trace lines. What stays is the envelope, the
//! Message-ID and the body. A submission is stored under a name that is made of these, so the store itself knows the
//! mail again, after a crash too; and since a name is only a hash, what lies under it is compared in full.
//!
//! What holds: the same sender, recipients, Message-ID and body within [`WINDOW`] of the first time is one fax. What
//! does not: a mail without Message-ID is new every time, for two alarms of one device may well read the same; so is
//! one that a person has sent again on purpose (`Resent-…`), and one whose recipients are not the same again.

use std::time::Duration;

use crate::address::Number;
use crate::job::{Recipient, Submission, SubmissionId};

/// How long a mail is known again: no mail server tries for longer (RFC 5321 §4.5.4.1: four or five days).
pub(super) const WINDOW: Duration = Duration::from_secs(7 * 24 * 3600);

/// How many different mails may have one hash before nothing is known again; one is rare already.
pub(super) const NAMES_MAX: u128 = 3;

/// FNV-1a with 128 bits: its offset and its prime.
const FNV_OFFSET: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
const FNV_PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;

/// What stays the same when a mail comes again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Print<'a> {
    sender: Option<&'a str>,
    recipients: Vec<(&'a Number, Option<&'a str>, Option<&'a str>)>,
    /// Message-ID and `Resent-…` fields, as they stand.
    fields: Vec<Vec<u8>>,
    body: &'a [u8],
}

impl<'a> Print<'a> {
    /// Of this mail; `None` where it has no Message-ID.
    pub(super) fn of(submission: &'a Submission, message: &'a [u8]) -> Option<Self> {
        let (fields, body) = fields_and_body(message);
        fields.iter().any(|field| is_named(field, b"message-id:")).then_some(())?;
        let key = |recipient: &'a Recipient| {
            (&recipient.number, recipient.subaddress.as_deref(), recipient.attention.as_deref())
        };
        let mut recipients: Vec<_> = submission.recipients.iter().map(key).collect();
        recipients.sort();
        Some(Self { sender: submission.sender.mailbox.as_deref(), recipients, fields, body })
    }

    /// The name that such a mail is stored under; the next one where another mail has it.
    pub(super) fn name(&self, next: u128) -> SubmissionId {
        let mut hash = FNV_OFFSET;
        let mut add = |bytes: &[u8]| {
            // The length keeps what follows one another apart.
            for byte in bytes.len().to_be_bytes().iter().chain(bytes) {
                hash = (hash ^ u128::from(*byte)).wrapping_mul(FNV_PRIME);
            }
        };
        add(self.sender.unwrap_or_default().as_bytes());
        for (number, subaddress, attention) in &self.recipients {
            add(number.as_str().as_bytes());
            add(subaddress.unwrap_or_default().as_bytes());
            add(attention.unwrap_or_default().as_bytes());
        }
        self.fields.iter().for_each(|field| add(field));
        // A body may have many megabytes, and is compared in full where the rest is the same.
        add(&self.body.len().to_be_bytes());
        add(&crc32fast::hash(self.body).to_be_bytes());
        add(&next.to_be_bytes());
        SubmissionId::from_number(hash)
    }
}

/// The header fields that are looked at, unfolded, and what follows the header.
fn fields_and_body(message: &[u8]) -> (Vec<Vec<u8>>, &[u8]) {
    let mut fields: Vec<Vec<u8>> = Vec::new();
    let mut rest = message;
    let mut goes_on = false;
    while !rest.is_empty() {
        let end = rest.iter().position(|byte| *byte == b'\n').map_or(rest.len(), |at| at + 1);
        let (line, behind) = rest.split_at(end);
        rest = behind;
        let text = line.trim_ascii_end();
        if text.is_empty() {
            break;
        }
        match (line.first(), fields.last_mut()) {
            (Some(b' ' | b'\t'), Some(field)) if goes_on => {
                field.push(b' ');
                field.extend_from_slice(text.trim_ascii_start());
            }
            (Some(b' ' | b'\t'), _) => {}
            _ => {
                goes_on = is_named(text, b"message-id:") || is_named(text, b"resent-");
                if goes_on {
                    fields.push(text.to_vec());
                }
            }
        }
    }
    (fields, rest)
}

fn is_named(field: &[u8], name: &[u8]) -> bool {
    field.get(..name.len()).is_some_and(|head| head.eq_ignore_ascii_case(name))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const MESSAGE: &str =
        "Received: from a\r\nSubject: x\r\nMessage-ID:\r\n <1@example.com>\r\n\r\nHello.\r\n";

    fn submission(sender: &str, numbers: &[&str]) -> Submission {
        let mut submission = crate::job::fixture::submission(numbers);
        submission.sender.mailbox = Some(sender.into());
        submission
    }

    /// Whether these two are one mail, by name and in full.
    fn same(a: (&Submission, &str), b: (&Submission, &str)) -> bool {
        let print = |(submission, message): (&Submission, &str)| {
            let print = Print::of(submission, message.as_bytes()).unwrap();
            (print.name(0), format!("{print:?}"))
        };
        let (a, b) = (print(a), print(b));
        assert_eq!(a.0 == b.0, a.1 == b.1);
        a == b
    }

    #[test]
    fn envelope_message_id_and_body_make_it() {
        let ann = submission("ann@example.com", &["+12125550123", "+12125550124"]);
        let other_way = "Received: from b\r\nSubject: x\r\nmessage-id: <1@example.com>\r\n\r\nHello.\r\n";
        let turned = submission("ann@example.com", &["+12125550124", "+12125550123"]);
        assert!(same((&ann, MESSAGE), (&turned, &MESSAGE.replace("from a", "from b"))));
        assert!(!same((&ann, MESSAGE), (&ann, other_way)), "a field is written the same way again");
        let fewer = submission("ann@example.com", &["+12125550123"]);
        let bob = submission("bob@example.com", &["+12125550123", "+12125550124"]);
        assert!(!same((&ann, MESSAGE), (&fewer, MESSAGE)));
        assert!(!same((&ann, MESSAGE), (&bob, MESSAGE)));
        for (from, to) in [("Hello", "Hallo"), ("<1@", "<2@"), ("Subject: x", "Resent-Date: today")] {
            assert!(!same((&ann, MESSAGE), (&ann, &MESSAGE.replace(from, to))), "{to}");
        }
    }

    #[test]
    fn without_a_message_id_nothing_is_known_again() {
        let ann = submission("ann@example.com", &["+12125550123"]);
        for message in
            ["", "Subject: x\r\n\r\nMessage-ID: <1@example.com>\r\n", "X: a\r\n Message-ID: <1@b>\r\n\r\n"]
        {
            assert_eq!(Print::of(&ann, message.as_bytes()), None, "{message}");
        }
    }

    #[test]
    fn names_follow_one_another() {
        let ann = submission("ann@example.com", &["+12125550123"]);
        let print = Print::of(&ann, MESSAGE.as_bytes()).unwrap();
        assert_ne!(print.name(0), print.name(1));
        assert_eq!(print.name(0), print.clone().name(0));
    }
}
