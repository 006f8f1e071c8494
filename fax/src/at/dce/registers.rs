//! What a program sets at a modem: the switches E, Q, V and X, the S registers, and the few `+` settings that matter.

use crate::time::Duration;

/// The service class (`+FCLASS`, T.31 clause 8.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum ServiceClass {
    /// 0: data. The modem answers questions, and calls nobody.
    #[default]
    Data,
    /// 1: T.31.
    One,
    /// 1.0: T.31 as amended; here without V.34.
    OnePointZero,
}

/// What a program has set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Registers {
    /// E: whether command lines are echoed.
    pub echo: bool,
    /// Q1: no result codes.
    pub quiet: bool,
    /// V: results as words, or as digits.
    pub verbose: bool,
    /// X: which results are told apart (0 to 4).
    pub detail: u8,
    /// S3, S4 and S5.
    pub line_end: u8,
    pub line_feed: u8,
    pub backspace: u8,
    /// Every register; those above are kept in step.
    numbered: [u8; REGISTERS],
    /// `+FCLASS`.
    pub class: ServiceClass,
    /// `+FAR`: V.21 heard while waiting for an image is told, and received.
    pub adaptive: bool,
    /// `+VCID`, `#CID`: who calls is told.
    pub caller_id: bool,
}

/// S0 to S99.
const REGISTERS: usize = 100;
/// After so many rings the modem answers by itself; 0 is never.
const S_ANSWER: usize = 0;
const S_LINE_END: usize = 3;
const S_LINE_FEED: usize = 4;
const S_BACKSPACE: usize = 5;
/// How many seconds a call may take to be answered by a fax machine.
const S_CARRIER_WAIT: usize = 7;

impl Default for Registers {
    fn default() -> Self {
        let mut numbered = [0; REGISTERS];
        for (register, value) in [
            (1, 0),
            (2, 43),
            (S_LINE_END, b'\r'),
            (S_LINE_FEED, b'\n'),
            (S_BACKSPACE, 8),
            (6, 2),
            (S_CARRIER_WAIT, 60),
            (8, 2),
            (10, 14),
            (11, 95),
        ] {
            if let Some(slot) = numbered.get_mut(register) {
                *slot = value;
            }
        }
        Self {
            echo: true,
            quiet: false,
            verbose: true,
            detail: 4,
            line_end: b'\r',
            line_feed: b'\n',
            backspace: 8,
            numbered,
            class: ServiceClass::Data,
            adaptive: false,
            caller_id: false,
        }
    }
}

impl Registers {
    /// An S register; `None` where there is none of this number.
    pub(super) fn get(&self, register: u16) -> Option<u8> {
        self.numbered.get(usize::from(register)).copied()
    }

    /// Sets an S register; `None` where it cannot have this value.
    pub(super) fn set(&mut self, register: u16, value: u16) -> Option<()> {
        let value = u8::try_from(value).ok()?;
        let register = usize::from(register);
        let is_character = matches!(register, S_LINE_END | S_LINE_FEED | S_BACKSPACE);
        if is_character && value > 127 {
            return None;
        }
        *self.numbered.get_mut(register)? = value;
        match register {
            S_LINE_END => self.line_end = value,
            S_LINE_FEED => self.line_feed = value,
            S_BACKSPACE => self.backspace = value,
            _ => {}
        }
        Some(())
    }

    /// After how many rings the modem answers by itself; `None` is never.
    pub(super) fn answers_after(&self) -> Option<u8> {
        self.numbered.get(S_ANSWER).copied().filter(|rings| *rings > 0)
    }

    /// How long a call may take until a fax machine is heard.
    pub(super) fn carrier_wait(&self) -> Duration {
        let secs = self.numbered.get(S_CARRIER_WAIT).copied().unwrap_or_default();
        Duration::from_secs(u64::from(secs.max(1)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registers_keep_what_they_can() {
        let mut registers = Registers::default();
        assert_eq!(registers.get(7), Some(60));
        assert_eq!(registers.set(7, 5), Some(()));
        assert_eq!(registers.carrier_wait(), Duration::from_secs(5));
        assert_eq!(registers.set(3, 13), Some(()));
        assert_eq!((registers.set(3, 200), registers.set(0, 256), registers.set(100, 0)), (None, None, None));
        assert_eq!(registers.get(100), None);
        assert_eq!(registers.answers_after(), None);
        registers.set(0, 2);
        assert_eq!(registers.answers_after(), Some(2));
    }
}
