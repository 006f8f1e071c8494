//! Reading a message so that a hostile one cannot exhaust the stack.
//!
//! Messages within messages come as a chain that the compiler's own drop and the parser's copy of a decoded message walk
//! by recursion, and a stack that overflows ends the whole program. So the chain is counted and taken apart in a loop here,
//! and a message attached in base64 or quoted-printable, which RFC 2046 §5.2.1 forbids, is only read where it is short.

use std::mem::take;

use mail_parser::{Message, MessageParser, PartType};

use super::super::error::{Failure, RenderError, guard};
use super::super::options::Limits;

/// In a longer message nothing may be a message in base64 or quoted-printable. One this long holds some 1,600 levels.
const ENCODED_BYTES_MAX: usize = 64 * 1024;

const TYPE: &[u8] = b"content-type";
const ENCODING: &[u8] = b"content-transfer-encoding";
/// As much of a folded field as is looked at again with its next line.
const FIELD_BYTES_MAX: usize = 2000;

/// A message that is taken apart in a loop when it goes.
pub(in super::super) struct Parsed<'m>(Message<'m>);

impl<'m> Parsed<'m> {
    /// The message.
    pub(in super::super) fn message(&self) -> &Message<'m> {
        &self.0
    }
}

impl Drop for Parsed<'_> {
    fn drop(&mut self) {
        let mut parts = take(&mut self.0.parts);
        while let Some(part) = parts.pop() {
            if let PartType::Message(mut inner) = part.body {
                parts.append(&mut inner.parts);
            }
        }
    }
}

/// Whether the message is text and nothing else, by its own word: it has no parts, nothing in it is encoded, and no line
/// of it could begin a file (uuencode). Only such a message is looked at in the gateway's own process.
#[must_use]
pub fn is_plain_text(message: &[u8]) -> bool {
    let mut lines = message.split(|&byte| byte == b'\n');
    let mut header = lines.by_ref().take_while(|line| !line.trim_ascii_end().is_empty());
    let is_plain = header.all(|line| {
        let says = |name: &[u8], values: &[&[u8]]| match after(line, name).map(<[u8]>::trim_ascii_start) {
            Some([b':', value @ ..]) => values.iter().any(|known| after(value.trim_ascii(), known).is_some()),
            _ => true,
        };
        says(TYPE, &[b"text/plain"]) && says(ENCODING, &[b"7bit", b"8bit", b"binary"])
    });
    is_plain && !lines.any(|line| line.starts_with(b"begin "))
}

/// What follows these words, if that is how the text begins.
fn after<'t>(text: &'t [u8], words: &[u8]) -> Option<&'t [u8]> {
    let (start, rest) = text.split_at_checked(words.len())?;
    start.eq_ignore_ascii_case(words).then_some(rest)
}

/// Reads a message.
///
/// # Errors
/// Where it is none, it is too long, or has too many parts.
pub(in super::super) fn parse<'m>(bytes: &'m [u8], limits: &Limits) -> Result<Parsed<'m>, RenderError> {
    let too_large = |what: &'static str, max| RenderError::TooLarge { what: what.into(), max };
    if bytes.len() as u64 > limits.message_bytes_max {
        return Err(too_large("bytes", limits.message_bytes_max));
    }
    if bytes.len() > ENCODED_BYTES_MAX && has_encoded_message(bytes) {
        let reason = "it is encoded, as a message must not be; attach it as it is, or as a text file";
        return Err(RenderError::part("attached message", Failure::new(reason)));
    }
    let parsed = guard("message", || Ok(MessageParser::default().parse(bytes).map(Parsed)));
    let parsed = parsed.map_err(|failure| RenderError::part("the message", failure))?;
    let parsed = parsed.ok_or(RenderError::NotAMessage)?;
    if has_more_parts(parsed.message(), limits.parts_max as usize) {
        return Err(too_large("parts", limits.parts_max.into()));
    }
    Ok(parsed)
}

fn has_more_parts(message: &Message<'_>, parts_max: usize) -> bool {
    let mut messages = vec![message];
    let mut count = 0;
    while let Some(message) = messages.pop() {
        count += message.parts.len();
        if count > parts_max {
            return true;
        }
        messages.extend(message.parts.iter().filter_map(|part| match &part.body {
            PartType::Message(inner) => Some(inner),
            _ => None,
        }));
    }
    false
}

/// Whether a message, or anything in a digest of messages, is declared to be encoded. Header fields are looked for in
/// all lines, so that it is rather seen once too often than once too seldom.
fn has_encoded_message(bytes: &[u8]) -> bool {
    let mut block = Block::default();
    let (mut digest, mut any_encoded) = (false, false);
    for line in bytes.split(|&byte| byte == b'\n') {
        if line.is_empty() || line == b"\r" {
            block = Block::default();
            continue;
        }
        block.line(line);
        digest |= block.digest;
        any_encoded |= block.encoded;
        if block.message && block.encoded || digest && any_encoded {
            return true;
        }
    }
    false
}

/// What the lines since the last empty one declare.
#[derive(Default)]
struct Block {
    message: bool,
    digest: bool,
    encoded: bool,
    /// The field that the line belongs to, as far as it came, in lower case.
    field: Vec<u8>,
}

impl Block {
    fn line(&mut self, line: &[u8]) {
        let begins = |name: &[u8]| {
            let start = line.trim_ascii_start().get(..name.len());
            start.is_some_and(|start| start.eq_ignore_ascii_case(name))
        };
        if begins(TYPE) || begins(ENCODING) {
            self.field.clear();
        } else if self.field.is_empty() || !line.starts_with(b" ") && !line.starts_with(b"\t") {
            self.field.clear();
            return;
        }
        self.field.extend(line.trim_ascii().iter().map(u8::to_ascii_lowercase));
        let holds = |value: &[u8], word: &[u8]| value.windows(word.len()).any(|window| window == word);
        if self.field.starts_with(TYPE) {
            // Parameters name files, which may be called anything; a comment might hide where they begin.
            let kind = self.field.split(|&byte| byte == b';').next().unwrap_or_default();
            self.message |= holds(kind, b"message") || holds(kind, b"(");
            self.digest |= holds(kind, b"digest");
        } else {
            self.encoded |= holds(&self.field, b"base64") || holds(&self.field, b"quoted-printable");
        }
        self.field.truncate(FIELD_BYTES_MAX);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_encoded_message_is_seen() {
        let encoding = "Content-Transfer-Encoding: base64\r\n";
        for (headers, seen) in [
            ("Content-Type: message/rfc822\r\n", true),
            ("content-type:\r\n\tMessage/Global; name=a\r\n", true),
            ("Content-Type: (;) message/rfc822\r\n", true),
            ("Content-Type: multipart/digest; boundary=b\r\n\r\n--b\r\n", true),
            ("Message-ID: <1@x>\r\nContent-Type: application/pdf; name=message.pdf\r\n", false),
            ("Content-Type: message/rfc822\r\n\r\nSubject: x\r\n", false),
        ] {
            assert_eq!(has_encoded_message(format!("{headers}{encoding}\r\n").as_bytes()), seen, "{headers}");
        }
        assert!(!has_encoded_message(b"Content-Type: message/rfc822\r\nContent-Transfer-Encoding: 8bit\r\n"));
    }

    #[test]
    fn a_chain_of_messages_is_counted_and_goes_without_recursion() {
        let chain = "Content-Type: message/rfc822\r\n\r\n".repeat(50_000);
        let refused = parse(chain.as_bytes(), &Limits::default()).err();
        assert_eq!(refused, Some(RenderError::TooLarge { what: "parts".into(), max: 200 }));
    }

    #[test]
    fn plain_text_is_known_by_its_header() {
        for (head, want) in [
            ("Subject: x", true),
            ("Content-Type: text/plain; charset=utf-8", true),
            ("content-type:TEXT/PLAIN", true),
            ("Content-Type:\r\n multipart/mixed; boundary=x", false),
            ("Content-Type: multipart/mixed; boundary=x", false),
            ("Content-Type: text/plain\r\nContent-Type: multipart/mixed; boundary=x", false),
            ("Content-Type: image/png", false),
            ("Content-Type: text/html", false),
            ("Content-Transfer-Encoding: 8BIT", true),
            ("Content-Transfer-Encoding: base64", false),
            ("Content-Type: text/plain\r\ncontent-transfer-encoding:\r\n quoted-printable", false),
            ("Subject: x\r\n\r\nbegin 644 a.zip", false),
        ] {
            assert_eq!(
                is_plain_text(format!("{head}\r\n\r\nContent-Type: image/png").as_bytes()),
                want,
                "{head}"
            );
        }
    }
}
