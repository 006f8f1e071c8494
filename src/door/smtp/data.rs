//! Reads the text of a message, from the 354 to the lone dot (RFC 5321 §4.1.1.4, §4.5.2).
//!
//! The end is the five octets CR LF `.` CR LF and nothing else; the CRLF of the `DATA` command counts as the
//! first two, so that `.` CRLF alone is an empty message. A dot that begins a line is taken away. A CR or LF
//! that stands alone, or a NUL (RFC 5321 §4.5.2 and RFC 2045 §2.8 know none of them), spoils the message, but
//! never its end: the reader goes on to the true end, keeps nothing more, and reports the fault there. So a
//! sender and this gateway never disagree on where a message ends, which is all that SMTP smuggling needs.
//!
//! ```text
//!   ──► LineStart ── "." ──► Dot ── CR ──► DotCr ── LF ──► the end
//!        ▲     │              │              │
//!        │LF   │other         │other:        │other:
//!        │     ▼              ▼dot dropped   ▼a bare CR
//!        Cr ◄─ CR ── Text ◄───┴──────────────┘
//! ```

/// The text of one message, as it comes.
#[derive(Debug)]
pub struct DataReader {
    state: State,
    text: Vec<u8>,
    text_octets_max: usize,
    fault: Option<DataFault>,
}

/// What spoils a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DataFault {
    /// A CR that no LF follows.
    BareCr,
    /// An LF that follows no CR.
    BareLf,
    /// A NUL.
    Nul,
    /// More octets than allowed.
    TooLarge,
}

/// How far the text has come.
#[derive(Debug, PartialEq, Eq)]
pub enum Progress {
    /// All bytes are used up, and the end is not among them.
    More,
    /// The end was reached after so many of the bytes; what follows them is the next command.
    End {
        /// The bytes used up.
        used: usize,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    LineStart,
    Text,
    Cr,
    Dot,
    DotCr,
}

impl DataReader {
    /// A reader at the beginning of the text, of which it keeps at most `text_octets_max`.
    #[must_use]
    pub fn new(text_octets_max: usize) -> Self {
        Self { state: State::LineStart, text: Vec::new(), text_octets_max, fault: None }
    }

    /// Takes bytes.
    pub fn push(&mut self, bytes: &[u8]) -> Progress {
        let mut at = 0;
        while let Some(&byte) = bytes.get(at) {
            if self.state == State::Text {
                // The common way: everything up to the next byte that means something.
                let rest = bytes.get(at..).unwrap_or_default();
                let plain = rest.iter().take_while(|b| !matches!(b, b'\r' | b'\n' | 0)).count();
                self.keep(rest.get(..plain).unwrap_or_default());
                at += plain;
                if plain > 0 {
                    continue;
                }
            }
            at += 1;
            if self.step(byte) {
                return Progress::End { used: at };
            }
        }
        Progress::More
    }

    /// The text, dots taken away, or what spoils it.
    pub fn finish(self) -> Result<Vec<u8>, DataFault> {
        match self.fault {
            None => Ok(self.text),
            Some(fault) => Err(fault),
        }
    }

    /// One byte; says whether it was the last of the message.
    fn step(&mut self, byte: u8) -> bool {
        match (self.state, byte) {
            (State::DotCr, b'\n') => return true,
            (State::Cr, b'\n') => {
                self.keep(b"\r\n");
                self.state = State::LineStart;
                return false;
            }
            (State::Cr | State::DotCr, _) => self.spoil(DataFault::BareCr),
            _ => {}
        }
        self.state = match (self.state, byte) {
            (State::LineStart, b'.') => State::Dot,
            (State::Dot, b'\r') => State::DotCr,
            (_, b'\r') => State::Cr,
            (_, b'\n') => {
                self.spoil(DataFault::BareLf);
                State::Text
            }
            (_, 0) => {
                self.spoil(DataFault::Nul);
                State::Text
            }
            (_, byte) => {
                self.keep(&[byte]);
                State::Text
            }
        };
        false
    }

    fn keep(&mut self, bytes: &[u8]) {
        if self.fault.is_some() {
            return;
        }
        if self.text.len() + bytes.len() > self.text_octets_max {
            self.spoil(DataFault::TooLarge);
        } else {
            self.text.extend_from_slice(bytes);
        }
    }

    /// Remembers the first fault and lets go of the text, which nobody will read.
    fn spoil(&mut self, fault: DataFault) {
        if self.fault.is_none() {
            self.fault = Some(fault);
            self.text = Vec::new();
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use proptest::collection::vec;
    use proptest::sample::select;

    use super::*;

    const LIMIT: usize = 1000;

    /// The message or its fault, and what stands after it.
    type Read = (Result<Vec<u8>, DataFault>, Vec<u8>);

    /// Reads `bytes` in pieces: the message or its fault, and what stands after it; `None` where it has no
    /// end.
    fn read(bytes: &[u8], piece: usize) -> Option<Read> {
        let mut reader = DataReader::new(LIMIT);
        let mut taken = 0;
        for part in bytes.chunks(piece) {
            if let Progress::End { used } = reader.push(part) {
                return Some((reader.finish(), bytes[taken + used..].to_vec()));
            }
            taken += part.len();
        }
        None
    }

    /// The same in pieces of every size, and cut in two at every place.
    fn read_all_ways(bytes: &[u8]) -> Option<Read> {
        let whole = read(bytes, usize::MAX);
        for piece in 1..=bytes.len() {
            assert_eq!(read(bytes, piece), whole, "{:?} by {piece}", String::from_utf8_lossy(bytes));
        }
        whole
    }

    #[test]
    fn text_ends_at_the_lone_dot_and_loses_stuffed_dots() {
        for (wire, text) in [
            (&b".\r\n"[..], &b""[..]),
            (b"\r\n.\r\n", b"\r\n"),
            (b"hello\r\n.\r\n", b"hello\r\n"),
            (b"..\r\n.\r\n", b".\r\n"),
            (b"...\r\n.\r\n", b"..\r\n"),
            (b".x\r\n.\r\n", b"x\r\n"),
            (b"a\r\n..b\r\n.c\r\nd.\r\n.\r\n", b"a\r\n.b\r\nc\r\nd.\r\n"),
            (b"\xc3\xbc \xff\r\n.\r\n", b"\xc3\xbc \xff\r\n"),
        ] {
            assert_eq!(read_all_ways(wire), Some((Ok(text.to_vec()), Vec::new())), "{wire:?}");
        }
    }

    #[test]
    fn what_follows_is_left_for_the_next_command() {
        let got = read_all_ways(b"a\r\n.\r\nQUIT\r\n");
        assert_eq!(got, Some((Ok(b"a\r\n".to_vec()), b"QUIT\r\n".to_vec())));
    }

    /// Every way in which somebody else might see an end. Each is followed by a command that the attacker
    /// wants run and by the true end: the command must be part of the spoiled message.
    #[test]
    fn no_other_end_is_an_end() {
        use DataFault::*;
        for (false_end, fault) in [
            (&b"\n.\n"[..], BareLf),
            (b"\r\n.\n", BareLf),
            (b"\n.\r\n", BareLf),
            (b"\r.\r", BareCr),
            (b"\r.\r\n", BareCr),
            (b"\r\n.\r", BareCr),
            (b"\r\n.\r\r\n", BareCr),
            (b"\r\n.\r\r\r\n", BareCr),
            (b"\r\r\n.\n", BareCr),
            (b"\n\n.\n\n", BareLf),
            (b"\n\r.\r\n", BareLf),
            (b"\r\n\0.\r\n", Nul),
            (b"\r\n.\0\r\n", Nul),
            (b"\0\r\n.\n", Nul),
            (b"\r\0\n.\r\n", BareCr),
            (b"\r\n.\r\0\n", BareCr),
        ] {
            let wire = [b"a", false_end, b"MAIL FROM:<evil@example.org>\r\n.\r\n"].concat();
            assert_eq!(read_all_ways(&wire), Some((Err(fault), Vec::new())), "{false_end:?}");
        }
    }

    #[test]
    fn these_only_look_like_an_end() {
        for wire in
            [&b"a\r\n.\r"[..], b"a\r\n.", b".", b".\r", b"", b"\r\n. \r\n", b"\r\n.\xc3\x8d\r\n", b"a.\r\n"]
        {
            assert_eq!(read_all_ways(wire), None, "{wire:?}");
        }
    }

    #[test]
    fn the_limit_is_exact_and_memory_is_let_go() {
        let line = |octets: usize| [vec![b'x'; octets - 2], b"\r\n.\r\n".to_vec()].concat();
        assert_eq!(read(&line(LIMIT), 64).unwrap().0.unwrap().len(), LIMIT);
        assert_eq!(read(&line(LIMIT + 1), 64).unwrap().0, Err(DataFault::TooLarge));
        let mut reader = DataReader::new(LIMIT);
        for _ in 0..1000 {
            assert_eq!(reader.push(&[b'x'; 1000]), Progress::More);
            assert!(reader.text.capacity() <= 2 * LIMIT);
        }
    }

    proptest::proptest! {
        /// What a client stuffs, the reader unstuffs: any text of whole lines comes through as it was.
        #[test]
        fn lines_come_through(lines in vec("[ -~]{0,20}", 0..20), piece in 1..50_usize) {
            let text: String = lines.iter().map(|line| format!("{line}\r\n")).collect();
            let stuffed: String = lines
                .iter()
                .map(|line| format!("{}{line}\r\n", if line.starts_with('.') { "." } else { "" }))
                .collect();
            let wire = format!("{stuffed}.\r\nNEXT");
            let got = read(wire.as_bytes(), piece);
            assert_eq!(got, Some((Ok(text.into_bytes()), b"NEXT".to_vec())));
        }

        /// Any bytes in any pieces: the same answer, never more memory than the limit, and a message without
        /// fault only where the wire has no byte out of order before the first CRLF.CRLF.
        #[test]
        fn any_bytes(bytes in vec(select(&b"\r\n.a\0"[..]), 0..200), piece in 1..9_usize) {
            let got = read(&bytes, piece);
            assert_eq!(&got, &read(&bytes, usize::MAX));
            let wire = [b"\r\n", bytes.as_slice()].concat();
            let end = wire.windows(5).position(|w| w == b"\r\n.\r\n");
            match got {
                None => assert_eq!(end, None),
                Some((text, rest)) => {
                    assert_eq!(wire.len() - rest.len(), end.unwrap() + 5);
                    let body = String::from_utf8(wire[..end.unwrap() + 2].to_vec()).unwrap();
                    let clean = !body.replace("\r\n", "").contains(['\r', '\n', '\0']);
                    assert_eq!(text.is_ok(), clean);
                }
            }
        }
    }
}
