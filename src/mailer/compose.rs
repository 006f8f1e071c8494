//! What every mail of the gateway has: a safe header, text that any reader shows, and a form that is the same
//! each time it is made, so that a mail sent twice can be told by its Message-ID (RFC 5322 §3.6.4).
//!
//! Everything made here is 7-bit with lines under 998 octets (RFC 5322 §2.1.1): no relay needs to understand
//! 8BITMIME. All header values pass through [`one_line`].

use jiff::Timestamp;
use mail_builder::MessageBuilder;
use mail_builder::headers::address::Address;
use mail_builder::headers::content_type::ContentType;
use mail_builder::headers::message_id::MessageId;
use mail_builder::headers::raw::Raw;
use mail_builder::mime::MimePart;

use super::Identity;
use super::words::one_line;
use crate::job::NoticeId;

/// The longest path of an envelope (RFC 5321 §4.5.3.1.3), without its angle brackets.
const ADDRESS_CHARS_MAX: usize = 254;
/// The longest subject, so that a mail list shows its end.
const SUBJECT_CHARS_MAX: usize = 200;

/// What stands at the top of a mail.
#[derive(Clone, Debug)]
pub struct Heading<'a> {
    /// The notice that the mail is made for.
    pub notice: &'a NoticeId,
    /// The name that is shown for the sender.
    pub from_name: &'a str,
    /// The sender's mailbox.
    pub from: &'a str,
    /// The recipient's mailbox.
    pub to: &'a str,
    /// What it is about, in one line.
    pub subject: &'a str,
    /// When it was written.
    pub date: Timestamp,
    /// The value of `Auto-Submitted` (RFC 3834 §5).
    pub auto_submitted: &'static str,
}

/// The Message-ID of a notice's mail, without its angle brackets.
#[must_use]
pub fn message_id(notice: &NoticeId, host: &str) -> String {
    format!("{notice}@{}", one_line(host, ADDRESS_CHARS_MAX))
}

/// A mail with its header begun.
#[must_use]
pub fn begin<'a>(heading: &Heading<'_>, identity: &Identity) -> MessageBuilder<'a> {
    let from_name = one_line(heading.from_name, SUBJECT_CHARS_MAX);
    let from_name = (!from_name.is_empty()).then_some(from_name);
    MessageBuilder::new()
        .header("Date", Raw::new(date(heading.date, identity)))
        .from(address(from_name, heading.from))
        .to(address(None, heading.to))
        .subject(one_line(heading.subject, SUBJECT_CHARS_MAX))
        .message_id(MessageId::new(message_id(heading.notice, &identity.host)))
        .header("Auto-Submitted", Raw::new(heading.auto_submitted))
}

/// A mailbox in a header field. One that is not plain ASCII needs a relay that knows SMTPUTF8, and one with
/// marks of the field's own syntax could be read as two: such a mailbox is shown by name only, in an empty group
/// (as RFC 6857 does); the envelope still has it.
#[must_use]
pub fn address<'a>(name: Option<String>, mailbox: &str) -> Address<'a> {
    let mailbox = one_line(mailbox, ADDRESS_CHARS_MAX);
    let is_plain = |c: char| c.is_ascii_graphic() && !"<>(),;\"\\".contains(c);
    if mailbox.chars().all(is_plain) {
        Address::new_address(name, mailbox)
    } else {
        Address::new_group(Some(mailbox), Vec::new())
    }
}

/// A time as mail headers and delivery reports write it, with a numeric zone (RFC 5322 §3.3).
#[must_use]
pub fn date(time: Timestamp, identity: &Identity) -> String {
    let local = time.to_zoned(identity.zone.clone());
    local.strftime("%a, %-d %b %Y %H:%M:%S %z").to_string()
}

/// A part of plain text. Its lines end in CRLF.
#[must_use]
pub fn text(text: String) -> MimePart<'static> {
    let kind = ContentType::new("text/plain").attribute("charset", "utf-8");
    MimePart::new(kind, text)
}

/// A file to be kept.
#[must_use]
pub fn attachment(kind: ContentType<'static>, name: &str, bytes: Vec<u8>) -> MimePart<'static> {
    let kind = kind.attribute("name", name.to_owned());
    MimePart::new(kind, bytes).attachment(name.to_owned())
}

/// A part whose bytes are 7-bit already and must stand as they are (delivery status, a returned message).
#[must_use]
pub fn verbatim(kind: ContentType<'static>, bytes: Vec<u8>) -> MimePart<'static> {
    MimePart::new(kind, bytes).transfer_encoding("7bit")
}

/// The mail as it goes over the wire. The boundary comes from the notice, which nobody outside can foresee.
#[must_use]
pub fn finish(
    mail: MessageBuilder<'static>,
    kind: ContentType<'static>,
    parts: Vec<MimePart<'static>>,
    notice: &NoticeId,
) -> Vec<u8> {
    let kind = kind.attribute("boundary", format!("=_{notice}"));
    let mut data = Vec::new();
    mail.body(MimePart::new(kind, parts)).serialize(&mut data);
    data
}

/// Adds `In-Reply-To` and `References`, so that a reader shows the mail under the one it answers.
#[must_use]
pub fn in_reply_to<'a>(mail: MessageBuilder<'a>, original_id: &str) -> MessageBuilder<'a> {
    let id = one_line(original_id, ADDRESS_CHARS_MAX);
    let well_formed = !id.is_empty() && id.is_ascii() && !id.contains([' ', '<', '>', '…']);
    if !well_formed {
        return mail;
    }
    mail.in_reply_to(MessageId::new(id.clone())).references(MessageId::new(id))
}
