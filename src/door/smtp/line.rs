//! Cuts what a client sends into command lines.
//!
//! A line ends in CRLF and in nothing else. A bare CR or LF is not repaired: two programs that disagree on
//! where a line ends can be played against each other (SMTP smuggling), so it breaks the session, as do the
//! control characters that no command has. A line over the limit is thrown away to its end and reported once
//! (RFC 5321 §4.5.3.1.9), so that the memory for a line is bounded.

/// The longest command line, CRLF counted: the 512 octets of RFC 5321 §4.5.3.1.4, and RFC 3461 §5.4 and our
/// limits on top of it (ORCPT 500, NOTIFY 28, ENVID 100, SIZE 26, BODY 15), with room to name what we do not
/// know.
pub const LINE_OCTETS_MAX: usize = 2048;

/// What the bytes so far amount to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// More bytes are needed.
    Partial,
    /// A command line without its CRLF: printable characters, all ASCII where no address is international (RFC 6531).
    Complete(String),
    /// A line that was too long; it is gone.
    TooLong,
    /// The line has bytes that no command has, between good line ends: TAB, other controls, or 8-bit
    /// characters that are no UTF-8.
    NotText,
    /// CR or LF alone: nothing after it can be trusted.
    BadEnding,
}

/// Keeps the bytes that are not used up yet.
#[derive(Debug, Default)]
pub struct Lines {
    buffer: Vec<u8>,
    discarding: bool,
}

impl Lines {
    /// Takes what came over the wire.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// Whether nothing is left.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.buffer.is_empty()
    }

    /// What is left, for the reader of the message text that follows `DATA`.
    #[must_use]
    pub fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.buffer)
    }

    /// The next line.
    pub fn next_line(&mut self) -> Line {
        match self.buffer.iter().position(|b| matches!(b, b'\r' | b'\n')) {
            Some(end) => self.cut(end),
            None => {
                if self.buffer.len() >= LINE_OCTETS_MAX {
                    self.discarding = true;
                }
                if self.discarding {
                    self.buffer.clear();
                }
                Line::Partial
            }
        }
    }

    /// Takes the line whose first CR or LF stands at `end`.
    fn cut(&mut self, end: usize) -> Line {
        match (self.buffer.get(end), self.buffer.get(end + 1)) {
            (Some(b'\r'), Some(b'\n')) => {}
            (Some(b'\r'), None) => return Line::Partial,
            _ => return Line::BadEnding,
        }
        let line: Vec<u8> = self.buffer.drain(..end + 2).take(end).collect();
        if std::mem::take(&mut self.discarding) || end + 2 > LINE_OCTETS_MAX {
            return Line::TooLong;
        }
        match String::from_utf8(line) {
            Ok(line) if !line.chars().any(char::is_control) => Line::Complete(line),
            _ => Line::NotText,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All lines of `bytes`, which come in pieces of `piece` octets.
    fn cut(bytes: &[u8], piece: usize) -> Vec<Line> {
        let mut lines = Lines::default();
        let mut got = Vec::new();
        for part in bytes.chunks(piece) {
            lines.push(part);
            loop {
                match lines.next_line() {
                    Line::Partial => break,
                    Line::BadEnding => {
                        got.push(Line::BadEnding);
                        return got;
                    }
                    line => got.push(line),
                }
            }
        }
        got
    }

    fn complete(text: &str) -> Line {
        Line::Complete(text.into())
    }

    #[test]
    fn lines_are_the_same_however_they_come() {
        let bytes = b"EHLO a\r\n\r\nMAIL FROM:<>\r\nQU";
        for piece in 1..=bytes.len() {
            assert_eq!(cut(bytes, piece), [complete("EHLO a"), complete(""), complete("MAIL FROM:<>")]);
        }
    }

    #[test]
    fn only_crlf_ends_a_line() {
        for bytes in [&b"NOOP\nNOOP\r\n"[..], b"NOOP\rNOOP\r\n", b"NOOP\r\r\n", b"\n", b"NOOP\n\r\n"] {
            for piece in 1..=bytes.len() {
                assert_eq!(cut(bytes, piece), [Line::BadEnding], "{bytes:?} by {piece}");
            }
        }
    }

    #[test]
    fn what_no_command_has_is_told_apart() {
        for bytes in [&b"NOOP\0\r\n"[..], b"NOOP\tx\r\n", b"NOOP \xfc\r\n", b"\xc2\x85\r\n", b"\x7f\r\n"] {
            assert_eq!(cut(bytes, 3), [Line::NotText], "{bytes:?}");
        }
        assert_eq!(cut(b"NOOP \xc3\xbc\r\n", 6), [Line::Complete("NOOP ü".into())]);
    }

    #[test]
    fn a_long_line_is_reported_once_and_takes_no_room() {
        let limit = LINE_OCTETS_MAX - 2;
        let line = |length: usize| [vec![b'x'; length], b"\r\nNOOP\r\n".to_vec()].concat();
        for piece in [1, 7, 1000, 100_000] {
            assert_eq!(cut(&line(limit), piece), [complete(&"x".repeat(limit)), complete("NOOP")]);
            assert_eq!(cut(&line(limit + 1), piece), [Line::TooLong, complete("NOOP")], "{piece}");
            assert_eq!(cut(&line(70_000), piece), [Line::TooLong, complete("NOOP")], "{piece}");
        }
        let mut lines = Lines::default();
        for _ in 0..1000 {
            lines.push(&[b'x'; 1000]);
            assert_eq!(lines.next_line(), Line::Partial);
            assert!(lines.buffer.len() < LINE_OCTETS_MAX);
        }
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_in_any_pieces(bytes: Vec<u8>, piece in 1..9_usize) {
            assert_eq!(cut(&bytes, piece), cut(&bytes, usize::MAX));
        }
    }
}
