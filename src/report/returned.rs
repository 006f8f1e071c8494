//! The message given back: its header as `text/rfc822-headers`, or the whole of it as `message/rfc822`
//! (RFC 6522 §3, §4), by the sender's RET (RFC 3461 §4.3).
//!
//! The whole only where it failed, the sender asked for it, and it can travel as it stands: not too large, 7-bit
//! and with lines that mail can carry (RFC 6522 §3 lets an 8-bit message come back by its header).

use mail_builder::headers::content_type::ContentType;
use mail_builder::mime::MimePart;
use mail_parser::MessageParser;

use crate::job::{ReportKind, Ret};
use crate::mailer::compose;

/// Headers are read and given back up to this size.
const HEADER_BYTES_MAX: usize = 64 * 1024;
/// The longest line without its CRLF (RFC 5322 §2.1.1).
const LINE_BYTES_MAX: usize = 998;

/// What a report needs to know from the original's header.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Original {
    /// Its subject, decoded; empty where it has none.
    pub(super) subject: String,
    /// Its Message-ID without angle brackets; empty where it has none.
    pub(super) message_id: String,
}

impl Original {
    /// Reads the header of a message.
    pub(super) fn read(message: &[u8]) -> Self {
        let Some(parsed) = MessageParser::default().parse_headers(header(message)) else {
            return Self::default();
        };
        Self {
            subject: parsed.subject().unwrap_or_default().to_owned(),
            message_id: parsed.message_id().unwrap_or_default().to_owned(),
        }
    }
}

/// The third part of a report.
pub(super) fn part(
    message: &[u8],
    ret: Option<Ret>,
    kind: ReportKind,
    bytes_max: usize,
) -> MimePart<'static> {
    let whole_wanted = kind == ReportKind::Failure && ret == Some(Ret::Full);
    if whole_wanted && !message.is_empty() && message.len() <= bytes_max && is_plain(message) {
        let whole = ContentType::new("message/rfc822");
        return compose::verbatim(whole, with_crlf(message));
    }
    let header = with_crlf(&without_strays(header(message)));
    // An international header is one of its own kind (RFC 6533 §4).
    let is_international = !header.is_ascii() && std::str::from_utf8(&header).is_ok();
    let kind = if is_international { "message/global-headers" } else { "text/rfc822-headers" };
    let headers = ContentType::new(kind);
    if is_plain(&header) {
        return compose::verbatim(headers, header);
    }
    // Left to choose, mail-builder encodes text that is 8-bit or has long lines.
    MimePart::new(headers, header)
}

/// The header with its line ends, without the empty line that ends it; cut at a line where it is too long.
fn header(message: &[u8]) -> &[u8] {
    let mut end = 0;
    for line in message.split_inclusive(|&byte| byte == b'\n') {
        let is_empty = line.iter().all(|byte| matches!(byte, b'\r' | b'\n'));
        if is_empty || end + line.len() > HEADER_BYTES_MAX {
            break;
        }
        end += line.len();
    }
    message.get(..end).unwrap_or_default()
}

/// Whether mail can carry the bytes as they stand (RFC 2045 §2.7), line ends apart.
fn is_plain(bytes: &[u8]) -> bool {
    bytes.split(|&byte| byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line)).all(|line| {
        line.len() <= LINE_BYTES_MAX && line.iter().all(|&b| b.is_ascii() && b != 0 && b != b'\r')
    })
}

/// Without the octets that no encoding of text may have (RFC 2045 §2.7): NUL, and CR that ends no line.
fn without_strays(header: &[u8]) -> Vec<u8> {
    let followers = header.iter().skip(1).copied().chain([b'\n']);
    let clean = |(byte, next)| match byte {
        b'\r' if next != b'\n' => b' ',
        0 => b' ',
        other => other,
    };
    header.iter().copied().zip(followers).map(clean).collect()
}

/// The same lines, each ending in CRLF.
fn with_crlf(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len() + bytes.len() / 32);
    for line in bytes.split_inclusive(|&byte| byte == b'\n') {
        match line.strip_suffix(b"\n") {
            Some(line) => out.extend_from_slice(line.strip_suffix(b"\r").unwrap_or(line)),
            None => out.extend_from_slice(line),
        }
        out.extend_from_slice(b"\r\n");
    }
    out
}
