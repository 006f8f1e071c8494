//! What a modem says: result codes and lines of information (V.250 clause 5.7, T.31 clause 8.4).

use super::registers::Registers;
use alloc::vec::Vec;

/// A result code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Code {
    Ok,
    Connect,
    Ring,
    NoCarrier,
    Error,
    NoDialTone,
    Busy,
    NoAnswer,
    /// `+FCERROR`: something else than the carrier that was awaited.
    FcError,
    /// `+FRH:3`: V.21 where an image was awaited (`+FAR=1`).
    FrhThree,
}

impl Code {
    /// As a word, and as a number.
    fn texts(self) -> (&'static str, &'static str) {
        match self {
            Self::Ok => ("OK", "0"),
            Self::Connect => ("CONNECT", "1"),
            Self::Ring => ("RING", "2"),
            Self::NoCarrier => ("NO CARRIER", "3"),
            Self::Error => ("ERROR", "4"),
            Self::NoDialTone => ("NO DIALTONE", "6"),
            Self::Busy => ("BUSY", "7"),
            Self::NoAnswer => ("NO ANSWER", "8"),
            Self::FcError => ("+FCERROR", "+F4"),
            Self::FrhThree => ("+FRH:3", "+FRH:3"),
        }
    }

    /// What is said where the program has asked for less detail (X).
    fn at_detail(self, detail: u8) -> Self {
        match self {
            Self::Busy | Self::NoAnswer if detail < 3 => Self::NoCarrier,
            Self::NoDialTone if !matches!(detail, 2 | 4) => Self::NoCarrier,
            code => code,
        }
    }
}

/// Adds a result code to what goes to the program.
pub(super) fn code(code: Code, registers: &Registers, out: &mut Vec<u8>) {
    if registers.quiet {
        return;
    }
    let (word, number) = code.at_detail(registers.detail).texts();
    if registers.verbose {
        line_break(registers, out);
        out.extend_from_slice(word.as_bytes());
        line_break(registers, out);
    } else {
        out.extend_from_slice(number.as_bytes());
        out.push(registers.line_end);
    }
}

/// Adds a line of information.
pub(super) fn text(text: &str, registers: &Registers, out: &mut Vec<u8>) {
    if registers.verbose {
        line_break(registers, out);
    }
    out.extend_from_slice(text.as_bytes());
    line_break(registers, out);
}

fn line_break(registers: &Registers, out: &mut Vec<u8>) {
    out.extend([registers.line_end, registers.line_feed]);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(change: impl Fn(&mut Registers), what: Code) -> Vec<u8> {
        let (mut registers, mut out) = (Registers::default(), Vec::new());
        change(&mut registers);
        code(what, &registers, &mut out);
        out
    }

    #[test]
    fn words_digits_or_nothing() {
        assert_eq!(said(|_| (), Code::NoCarrier), b"\r\nNO CARRIER\r\n");
        assert_eq!(said(|r| r.verbose = false, Code::NoCarrier), b"3\r");
        assert_eq!(said(|r| r.verbose = false, Code::FcError), b"+F4\r");
        assert_eq!(said(|r| r.quiet = true, Code::NoCarrier), b"");
        let (mut registers, mut out) = (Registers::default(), Vec::new());
        registers.verbose = false;
        text("0,1", &registers, &mut out);
        assert_eq!(out, b"0,1\r\n");
    }

    #[test]
    fn less_detail_is_no_carrier() {
        for (detail, expected) in [(0, "NO CARRIER"), (2, "NO CARRIER"), (3, "BUSY"), (4, "BUSY")] {
            let text = said(|r| r.detail = detail, Code::Busy);
            assert!(core::str::from_utf8(&text).unwrap().contains(expected));
        }
        for (detail, expected) in
            [(1, "NO CARRIER"), (2, "NO DIALTONE"), (3, "NO CARRIER"), (4, "NO DIALTONE")]
        {
            let text = said(|r| r.detail = detail, Code::NoDialTone);
            assert!(core::str::from_utf8(&text).unwrap().contains(expected));
        }
    }
}
