//! The command line of a modem: bytes of the program into command lines, with echo (V.250 clauses 5.2 and 5.3).
//!
//! A line begins with `AT` or `at` and ends with the character of S3; `A/` does the last line once more, at once.
//! What comes before `AT` is dropped. A line longer than [`LINE_OCTETS_MAX`] is an error when it ends.

use super::registers::Registers;
use alloc::string::String;
use alloc::vec::Vec;

/// Characters of a command line behind its `AT`.
pub const LINE_OCTETS_MAX: usize = 512;

/// A command line that was typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// What stands behind `AT`.
    Body(String),
    /// It was too long.
    TooLong,
}

/// Where in a line the editor stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
enum At {
    /// Before its `A`.
    #[default]
    Before,
    /// Behind an `A` or `a`, which the next character must match.
    A(u8),
    /// Behind `AT`.
    Body,
}

/// Puts command lines together.
#[derive(Clone, Debug, Default)]
pub(super) struct Editor {
    at: At,
    body: Vec<u8>,
    too_long: bool,
    last: String,
}

impl Editor {
    /// Takes one byte, and adds what is to be echoed to `echo`. Gives the line that it ends.
    pub(super) fn push(&mut self, byte: u8, registers: &Registers, echo: &mut Vec<u8>) -> Option<Line> {
        // The highest bit is parity, if it is anything.
        let byte = byte & 0x7F;
        if registers.echo {
            echo.push(byte);
        }
        match self.at {
            At::Before | At::A(_) => self.prefix(byte),
            At::Body if byte == registers.line_end => Some(self.end()),
            At::Body => {
                self.edit(byte, registers);
                None
            }
        }
    }

    /// Forgets a line that is begun.
    pub(super) fn clear(&mut self) {
        self.at = At::Before;
        self.body.clear();
        self.too_long = false;
    }

    fn prefix(&mut self, byte: u8) -> Option<Line> {
        self.at = match (self.at, byte) {
            (At::A(_), b'/') => {
                self.clear();
                return Some(Line::Body(self.last.clone()));
            }
            (At::A(b'A'), b'T') | (At::A(b'a'), b't') => At::Body,
            (_, b'A' | b'a') => At::A(byte),
            _ => At::Before,
        };
        None
    }

    fn edit(&mut self, byte: u8, registers: &Registers) {
        if byte == registers.backspace {
            self.body.pop();
        } else if byte < b' ' || byte == 0x7F {
            // Control characters are not part of a command.
        } else if self.body.len() == LINE_OCTETS_MAX {
            self.too_long = true;
        } else {
            self.body.push(byte);
        }
    }

    fn end(&mut self) -> Line {
        let too_long = self.too_long;
        let body = self.body.iter().copied().map(char::from).collect::<String>();
        self.clear();
        if too_long {
            return Line::TooLong;
        }
        self.last.clone_from(&body);
        Line::Body(body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    fn type_in(editor: &mut Editor, text: &[u8]) -> (Vec<Line>, Vec<u8>) {
        let (registers, mut echo) = (Registers::default(), Vec::new());
        let lines = text.iter().filter_map(|byte| editor.push(*byte, &registers, &mut echo)).collect();
        (lines, echo)
    }

    fn body(text: &str) -> Line {
        Line::Body(text.to_string())
    }

    #[test]
    fn lines_are_found_and_echoed() {
        let mut editor = Editor::default();
        let (lines, echo) = type_in(&mut editor, b"\r\nnoise AT E0\rat+fclass=1\r\nATat\r");
        assert_eq!(lines, [body(" E0"), body("+fclass=1"), body("at")]);
        assert_eq!(echo, b"\r\nnoise AT E0\rat+fclass=1\r\nATat\r");
        // Mixed case is no prefix.
        assert_eq!(type_in(&mut editor, b"aTZ\r").0, []);
        assert_eq!(type_in(&mut editor, b"AAATZ\r").0, [body("Z")]);
    }

    #[test]
    fn mistakes_can_be_rubbed_out() {
        let mut editor = Editor::default();
        assert_eq!(type_in(&mut editor, b"ATX\x08\x08\x08Q0\x01\r").0, [body("Q0")]);
        // Parity.
        assert_eq!(type_in(&mut editor, &[0xC1, 0xD4, b'Z', 0x8D]).0, [body("Z")]);
    }

    #[test]
    fn the_last_line_is_done_again() {
        let mut editor = Editor::default();
        assert_eq!(type_in(&mut editor, b"A/").0, [body("")]);
        assert_eq!(type_in(&mut editor, b"ATDT1\rA/a/").0, [body("DT1"), body("DT1"), body("DT1")]);
    }

    #[test]
    fn a_line_is_bounded() {
        let mut editor = Editor::default();
        let long = [&b"AT"[..], &[b'X'; LINE_OCTETS_MAX + 1], b"\rATZ\r"].concat();
        assert_eq!(type_in(&mut editor, &long).0, [Line::TooLong, body("Z")]);
        let (lines, _) = type_in(&mut editor, b"A/");
        assert_eq!(lines, [body("Z")], "and not kept");
    }
}
