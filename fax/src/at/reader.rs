//! Bytes from a modem, taken apart as they are pulled: lines in command state, data in data state.
//!
//! The mode can change in the middle of what has arrived: after the line `CONNECT` the next pull is for data, and after
//! [`DataEnd::Etx`] for lines again. Both sides of that border are exact: the line feed after `CONNECT` is no data, and
//! what follows `<DLE><ETX>` is no line's middle.
//!
//! What is left out: blank lines, control characters (XON and XOFF among them), the echo of a command
//! ([`Reader::expect_echo`]), and lines longer than [`LINE_OCTETS_MAX`]. Bytes that are not pulled are kept up to
//! [`HELD_OCTETS_MAX`]; what would be more is dropped, oldest first.

use super::dle::{DLE, ETX, SUB};
use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::vec::Vec;

/// The longest line, in octets; a longer one is left out.
pub const LINE_OCTETS_MAX: usize = 512;
/// Bytes that are kept until they are pulled.
pub const HELD_OCTETS_MAX: usize = 256 << 10;

/// Where data stand after a pull.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DataEnd {
    /// All that has come was taken; more may come.
    More,
    /// `<DLE><ETX>`: the data are over, and a line follows.
    Etx,
    /// `<DLE>` and this byte, which is neither data nor the end. Both are left out, as T.31 wants; pull again.
    Other(u8),
}

/// Takes a modem's bytes apart.
#[derive(Clone, Debug, Default)]
pub struct Reader {
    held: VecDeque<u8>,
    /// The line that is coming in.
    line: Vec<u8>,
    /// It is longer than it may be.
    is_too_long: bool,
    /// A carriage return has just ended a line: a line feed belongs to it.
    skips_line_feed: bool,
    /// Data ended in the middle of a pair.
    is_escaped: bool,
    /// A command whose echo may come.
    echo: Option<String>,
}

impl Reader {
    /// A reader that has seen nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Bytes have come.
    pub fn push(&mut self, bytes: &[u8]) {
        self.held.extend(bytes);
        let excess = self.held.len().saturating_sub(HELD_OCTETS_MAX);
        self.held.drain(..excess);
    }

    /// This command line was sent: a line that equals it is its echo (V.250 `E1`) and no reply.
    pub fn expect_echo(&mut self, command: &str) {
        self.echo = Some(command.trim_end().into());
    }

    /// The next whole line, without its end; `None` until one has come. Octets beyond ASCII are read as Latin-1.
    pub fn line(&mut self) -> Option<String> {
        self.is_escaped = false;
        while let Some(byte) = self.held.pop_front() {
            let follows_return = core::mem::take(&mut self.skips_line_feed);
            match byte {
                b'\n' if follows_return => {}
                b'\r' | b'\n' => {
                    self.skips_line_feed = byte == b'\r';
                    if let Some(line) = self.end_line() {
                        return Some(line);
                    }
                }
                // Tabs are spaces; other controls are noise.
                b'\t' => self.add(b' '),
                0..0x20 | 0x7F => {}
                _ => self.add(byte),
            }
        }
        None
    }

    /// Adds the data that have come to `into`, up to an end or an unknown pair.
    pub fn data(&mut self, into: &mut Vec<u8>) -> DataEnd {
        self.line.clear();
        self.is_too_long = false;
        if self.skips_line_feed && !self.held.is_empty() {
            self.skips_line_feed = false;
            let _line_feed = self.held.pop_front_if(|byte| *byte == b'\n');
        }
        while let Some(byte) = self.held.pop_front() {
            match (core::mem::take(&mut self.is_escaped), byte) {
                (false, DLE) => self.is_escaped = true,
                (false, _) | (true, DLE) => into.push(byte),
                (true, SUB) => into.extend_from_slice(&[DLE, DLE]),
                (true, ETX) => return DataEnd::Etx,
                (true, other) => return DataEnd::Other(other),
            }
        }
        DataEnd::More
    }

    /// Forgets all that has come and was not pulled.
    pub fn clear(&mut self) {
        *self = Self { echo: self.echo.take(), ..Self::default() };
    }

    fn add(&mut self, byte: u8) {
        if self.line.len() < LINE_OCTETS_MAX {
            self.line.push(byte);
        } else {
            self.is_too_long = true;
        }
    }

    fn end_line(&mut self) -> Option<String> {
        let is_too_long = core::mem::take(&mut self.is_too_long);
        let line: String = core::mem::take(&mut self.line).into_iter().map(char::from).collect();
        let line = line.trim();
        if line.is_empty() || is_too_long {
            return None;
        }
        if self.echo.as_deref().is_some_and(|echo| echo.eq_ignore_ascii_case(line)) {
            self.echo = None;
            return None;
        }
        Some(line.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;
    use proptest::prelude::*;

    fn lines(bytes: &[u8]) -> Vec<String> {
        let mut reader = Reader::new();
        reader.push(bytes);
        core::iter::from_fn(|| reader.line()).collect()
    }

    #[test]
    fn lines_come_without_blanks_and_controls() {
        assert_eq!(lines(b"\r\nOK\r\n\r\n\0\x11RING\x13\r\n 0\r4\r\nhalf"), ["OK", "RING", "0", "4"]);
        assert_eq!(lines(b"NAME=M\xDCLLER\r\n"), ["NAME=M\u{DC}LLER"]);
    }

    #[test]
    fn a_line_may_come_octet_by_octet() {
        let mut reader = Reader::new();
        let got: Vec<String> = b"\r\nNO CARRIER\r\n"
            .iter()
            .filter_map(|byte| {
                reader.push(&[*byte]);
                reader.line()
            })
            .collect();
        assert_eq!(got, ["NO CARRIER"]);
    }

    #[test]
    fn an_echo_is_no_reply_but_a_name_like_it_is() {
        let mut reader = Reader::new();
        reader.expect_echo("ATI3\r");
        reader.push(b"ATI3\r\r\nAT&T fax\r\n\r\nATI3\r\n");
        assert_eq!(reader.line().as_deref(), Some("AT&T fax"));
        assert_eq!(reader.line().as_deref(), Some("ATI3"), "only once");
    }

    #[test]
    fn the_mode_changes_in_the_middle() {
        let mut reader = Reader::new();
        reader.push(b"\r\nCONNECT\r\n\n\x10\x10\x10\x1A\xFF\x10\x03\r\nOK\r\n");
        assert_eq!(reader.line().as_deref(), Some("CONNECT"));
        let mut data = Vec::new();
        assert_eq!(reader.data(&mut data), DataEnd::Etx);
        assert_eq!(
            data,
            [b'\n', DLE, DLE, DLE, 0xFF],
            "one line feed belongs to CONNECT, the other to the data"
        );
        assert_eq!(reader.line().as_deref(), Some("OK"));
    }

    #[test]
    fn the_line_feed_after_connect_may_come_late() {
        let mut reader = Reader::new();
        reader.push(b"CONNECT\r");
        assert_eq!(reader.line().as_deref(), Some("CONNECT"));
        let mut data = Vec::new();
        assert_eq!(reader.data(&mut data), DataEnd::More);
        reader.push(b"\n\n\x10");
        assert_eq!(reader.data(&mut data), DataEnd::More);
        reader.push(b"\x10");
        assert_eq!(reader.data(&mut data), DataEnd::More);
        assert_eq!(data, [b'\n', DLE]);
    }

    #[test]
    fn a_pair_that_is_unknown_is_told_and_left_out() {
        let mut reader = Reader::new();
        reader.push(b"\x01\x10\x52\x02");
        let mut data = Vec::new();
        assert_eq!(reader.data(&mut data), DataEnd::Other(b'R'));
        assert_eq!(reader.data(&mut data), DataEnd::More);
        assert_eq!(data, [1, 2]);
    }

    #[test]
    fn what_is_held_and_a_line_are_bounded() {
        let mut bytes = vec![b'A'; LINE_OCTETS_MAX + 1];
        bytes.extend_from_slice(b"\r\nOK\r\n");
        assert_eq!(lines(&bytes), ["OK"]);
        let mut reader = Reader::new();
        reader.push(&vec![0; HELD_OCTETS_MAX]);
        reader.push(b"\x07");
        let mut data = Vec::new();
        reader.data(&mut data);
        assert_eq!((data.len(), data.last()), (HELD_OCTETS_MAX, Some(&7)));
    }

    proptest! {
        #[test]
        fn stuffed_data_read_back(data in prop::collection::vec(prop_oneof![Just(DLE), any::<u8>()], 0..200),
                                  cut in any::<prop::sample::Index>()) {
            let stream = super::super::dle::stuff(&data);
            let (head, tail) = stream.split_at(cut.index(stream.len() + 1));
            let (mut reader, mut got) = (Reader::new(), Vec::new());
            reader.push(head);
            let first = reader.data(&mut got);
            reader.push(tail);
            let end = if first == DataEnd::Etx { first } else { reader.data(&mut got) };
            prop_assert_eq!(end, DataEnd::Etx);
            prop_assert_eq!(got, data);
        }
    }
}
