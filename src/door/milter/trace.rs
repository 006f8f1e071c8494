//! The `Received` line of a mail that came through a milter (RFC 5321 §4.4). A mail server does not show its milters the
//! line that it writes itself, so this one stands for it, with the queue's name of the mail.

use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimePrinter;
use jiff::tz::TimeZone;

/// The longest name that is written.
const NAME_CHARS_MAX: usize = 255;

/// The way a mail has come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trace {
    /// What the client calls itself.
    pub helo: String,
    /// Where it connected from, as far as that is known.
    pub peer: String,
    /// The mail server's own name (`j`).
    pub host: String,
    /// Its name for the mail (`i`).
    pub queue_id: String,
}

impl Trace {
    /// The line, folded and ended.
    pub(super) fn line(&self, now: Timestamp) -> String {
        let Self { helo, peer, host, queue_id } = self;
        let date = DateTimePrinter::new().zoned_to_string(&now.to_zoned(TimeZone::UTC)).unwrap_or_default();
        let id = if queue_id.is_empty() { String::new() } else { format!(" id {queue_id}") };
        format!(
            "Received: from {helo} ({peer})\r\n\tby {host} (Faxgate milter) with SMTP{id};\r\n\t{date}\r\n"
        )
    }
}

/// Text from a client or a mail server in the characters of names and addresses, so that it cannot end the line;
/// others become `_`.
pub(super) fn name(text: &[u8]) -> String {
    let known = |c: char| c.is_ascii_alphanumeric() || ".-_:[]".contains(c);
    let text = String::from_utf8_lossy(text);
    let name: String = text.chars().take(NAME_CHARS_MAX).map(|c| if known(c) { c } else { '_' }).collect();
    if name.is_empty() { "unknown".into() } else { name }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_line_says_from_whom_by_whom_and_when() {
        let trace = Trace {
            helo: name(b"client\r\n.example"),
            peer: "[192.0.2.7]".into(),
            host: name(b"mx.example.com"),
            queue_id: "4FzQ".into(),
        };
        assert_eq!(
            trace.line("2026-11-23T05:06:07Z".parse().unwrap()),
            "Received: from client__.example ([192.0.2.7])\r\n\tby mx.example.com (Faxgate milter) with SMTP id 4FzQ;\
             \r\n\tMon, 23 Nov 2026 05:06:07 +0000\r\n"
        );
        assert_eq!((name(b""), name(&[0xff; 300]).len()), ("unknown".into(), NAME_CHARS_MAX));
    }
}
