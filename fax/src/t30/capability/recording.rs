//! What a recorder can do: how long a page may be, and how much time a row takes it (ITU-T T.30 table 2).

use super::super::bits::{Bits, BitsMut};
use crate::page::Resolution;
use crate::time::Duration;

/// How long a page may be (T.30 bits 19, 20 and 77).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PaperLength {
    /// 297 mm.
    A4,
    /// North American legal, 355.6 mm.
    Legal,
    /// 364 mm.
    B4,
    /// As long as it takes.
    Unlimited,
}

impl PaperLength {
    /// As DIS, DTC and DCS have it.
    pub(in super::super) fn of_bits(bits: Bits<'_>) -> Self {
        match (bits.get(19), bits.get(20)) {
            (true, _) => Self::B4,
            (false, true) => Self::Unlimited,
            (false, false) if bits.get(77) => Self::Legal,
            (false, false) => Self::A4,
        }
    }

    pub(in super::super) fn set_bits(self, bits: &mut BitsMut) {
        bits.set(19, self == Self::B4);
        bits.set(20, self == Self::Unlimited);
        bits.set(77, self == Self::Legal);
    }
}

/// The least time a receiver without ECM needs for a row (T.30 bits 21 to 23 and 46).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScanTime {
    /// At 98 rows per inch: 0, 5, 10, 20 or 40 ms.
    pub standard_ms: u8,
    /// Half of that suffices at 196 rows per inch.
    pub fine_is_half: bool,
    /// Half of the time for 196 rows suffices at 391 rows per inch.
    pub superfine_is_half: bool,
}

impl ScanTime {
    /// A receiver with memory: no wait at all.
    pub const NONE: Self = Self { standard_ms: 0, fine_is_half: false, superfine_is_half: false };

    /// The time that a row of this resolution needs.
    #[must_use]
    pub fn for_rows(self, resolution: Resolution) -> Duration {
        let mut micros = u64::from(self.standard_ms) * 1000;
        if resolution.y_dpi() > 150 && self.fine_is_half {
            micros /= 2;
        }
        if resolution.y_dpi() > 250 && self.superfine_is_half {
            micros /= 2;
        }
        Duration::from_micros(micros)
    }

    /// The three bits 21, 22, 23 of a DIS, bit 21 lowest.
    pub(in super::super) fn dis_bits(self) -> u8 {
        match (self.standard_ms, self.fine_is_half) {
            (0, _) => 0b111,
            (..=5, _) => 0b001,
            (..=10, false) => 0b010,
            (..=10, true) => 0b110,
            (..=20, false) => 0b000,
            (..=20, true) => 0b011,
            (_, false) => 0b100,
            (_, true) => 0b101,
        }
    }

    pub(in super::super) fn from_dis_bits(bits: u8, superfine_is_half: bool) -> Self {
        let (standard_ms, fine_is_half) = match bits {
            0b111 => (0, false),
            0b001 => (5, false),
            0b010 => (10, false),
            0b110 => (10, true),
            0b011 => (20, true),
            0b100 => (40, false),
            0b101 => (40, true),
            _ => (20, false),
        };
        Self { standard_ms, fine_is_half, superfine_is_half }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Capability;
    use super::*;

    #[test]
    fn scan_times_of_every_dis_code_read_back() {
        for code in 0..8u8 {
            let time = ScanTime::from_dis_bits(code, false);
            assert_eq!(time.dis_bits(), code, "{time:?}");
        }
    }

    #[test]
    fn a_legal_page_has_a_bit_of_its_own() {
        for length in [PaperLength::A4, PaperLength::Legal, PaperLength::B4, PaperLength::Unlimited] {
            let capability = Capability { length, ..Capability::FULL };
            assert_eq!(Capability::parse(&capability.to_fif()).length, length);
        }
    }
}
