//! DIS: what a station can do.
//!
//! ITU-T T.30 clause 5.3.6.2.1 and table 2, bits 1 to 48. A [`Capability`] is a DIS as a value.
//! Reading is tolerant: bits beyond the end of a short field are 0, reserved bits are ignored, and an invalid
//! combination is read as the least of what it could mean. Written fields are as short as they can be.

use super::bits::{Bits, BitsMut};
use crate::carrier::{Modulation, Speed, SpeedSet};
use crate::page::{PaperWidth, Resolution};
use crate::time::Duration;
use alloc::vec::Vec;
use core::fmt;

/// How long a page may be (T.30 bits 19 and 20).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PaperLength {
    /// 297 mm.
    A4,
    /// 364 mm.
    B4,
    /// As long as it takes.
    Unlimited,
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
    pub(super) fn dis_bits(self) -> u8 {
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

    pub(super) fn from_dis_bits(bits: u8, superfine_is_half: bool) -> Self {
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

/// What a station can do: a DIS as a value; and, for a sender, what it is allowed to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capability {
    /// It can receive pages (bit 10).
    pub can_receive: bool,
    /// Modulations and rates (bits 11 to 14).
    pub speeds: SpeedSet,
    /// 204×196 (bit 15); 204×98 is always there.
    pub fine: bool,
    /// 204×391 (bit 41).
    pub superfine: bool,
    /// Inch-based resolutions (bit 44): with `fine`, 200×200 too.
    pub inch: bool,
    /// 300×300 (bit 42).
    pub dpi300: bool,
    /// 400×400 (bit 43).
    pub dpi400: bool,
    /// The widest row (bits 17 and 18).
    pub width: PaperWidth,
    /// The longest page (bits 19 and 20).
    pub length: PaperLength,
    /// The least time for a row (bits 21 to 23 and 46).
    pub scan_time: ScanTime,
    /// Modified READ (bit 16); modified Huffman is always there.
    pub mr: bool,
    /// Modified modified READ, T.6 (bit 31). Used with ECM only.
    pub mmr: bool,
    /// Error correction mode (bit 27). A receiver with it takes frames of 256 and of 64 octets.
    pub ecm: bool,
}

impl Capability {
    /// All that this engine can do.
    pub const FULL: Self = Self {
        can_receive: true,
        speeds: SpeedSet::ALL,
        fine: true,
        superfine: true,
        inch: true,
        dpi300: true,
        dpi400: true,
        width: PaperWidth::A3,
        length: PaperLength::Unlimited,
        scan_time: ScanTime::NONE,
        mr: true,
        mmr: true,
        ecm: true,
    };

    /// Reads the information field of a DIS.
    #[must_use]
    pub fn parse(fif: &[u8]) -> Self {
        let bits = Bits(fif);
        Self {
            can_receive: bits.get(10),
            speeds: speeds_of_dis(bits),
            fine: bits.get(15),
            superfine: bits.get(41),
            inch: bits.get(44),
            dpi300: bits.get(42),
            dpi400: bits.get(43),
            width: match (bits.get(17), bits.get(18)) {
                (false, false) => PaperWidth::A4,
                (true, false) => PaperWidth::B4,
                (_, true) => PaperWidth::A3,
            },
            length: match (bits.get(19), bits.get(20)) {
                (false, false) => PaperLength::A4,
                (true, _) => PaperLength::B4,
                (false, true) => PaperLength::Unlimited,
            },
            scan_time: ScanTime::from_dis_bits(bits.range(21, 3), bits.get(46)),
            mr: bits.get(16),
            mmr: bits.get(31),
            ecm: bits.get(27),
        }
    }

    /// The information field of a DIS.
    #[must_use]
    pub fn to_fif(&self) -> Vec<u8> {
        let mut bits = BitsMut::new();
        bits.set(10, self.can_receive);
        bits.set_range(11, 4, dis_of_speeds(self.speeds));
        bits.set(15, self.fine);
        bits.set(16, self.mr);
        bits.set(17, self.width == PaperWidth::B4);
        bits.set(18, self.width == PaperWidth::A3);
        bits.set(19, self.length == PaperLength::B4);
        bits.set(20, self.length == PaperLength::Unlimited);
        bits.set_range(21, 3, self.scan_time.dis_bits());
        bits.set(27, self.ecm);
        bits.set(31, self.mmr && self.ecm);
        bits.set(41, self.superfine);
        bits.set(42, self.dpi300);
        bits.set(43, self.dpi400);
        bits.set(44, self.inch);
        bits.set(45, true);
        bits.set(46, self.scan_time.superfine_is_half);
        bits.finish()
    }
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.speeds.iter().next_back() {
            Some(speed) => write!(f, "{speed}")?,
            None => f.write_str("no modulation")?,
        }
        let words = [
            (self.ecm, "ECM"),
            (self.fine, "fine"),
            (self.superfine, "superfine"),
            (self.dpi300, "300 dpi"),
            (self.dpi400, "400 dpi"),
            (self.inch, "inch"),
            (self.mr, "MR"),
            (self.mmr, "MMR"),
            (!self.can_receive, "cannot receive"),
        ];
        for (_, word) in words.iter().filter(|(has, _)| *has) {
            write!(f, ", {word}")?;
        }
        write!(f, ", {:?} wide, {:?} long", self.width, self.length)?;
        match self.scan_time.standard_ms {
            0 => Ok(()),
            ms => write!(f, ", {ms} ms/row"),
        }
    }
}

/// Octets of image data in an ECM frame (T.30 bit 28).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum FrameSize {
    /// 256 octets.
    #[default]
    Octets256,
    /// 64 octets.
    Octets64,
}

impl FrameSize {
    /// The number.
    #[must_use]
    pub fn octets(self) -> usize {
        match self {
            Self::Octets256 => 256,
            Self::Octets64 => 64,
        }
    }
}

/// DIS bits 11 to 14, bit 11 lowest.
fn speeds_of_dis(bits: Bits<'_>) -> SpeedSet {
    let v27ter = SpeedSet::NONE.with_modulation(Modulation::V27ter);
    match bits.range(11, 4) {
        0b0000 => SpeedSet::NONE.with(Speed::V27ter2400),
        0b0001 => SpeedSet::NONE.with_modulation(Modulation::V29),
        0b0010 => v27ter,
        0b0011 | 0b0111 => v27ter.with_modulation(Modulation::V29),
        0b1011 => SpeedSet::ALL,
        // Reserved codes of later editions: the station can surely do what every station can.
        _ => v27ter,
    }
}

fn dis_of_speeds(speeds: SpeedSet) -> u8 {
    if speeds.has_modulation(Modulation::V17) {
        0b1011
    } else if speeds.has_modulation(Modulation::V29) {
        if speeds.has_modulation(Modulation::V27ter) { 0b0011 } else { 0b0001 }
    } else if speeds.contains(Speed::V27ter4800) {
        0b0010
    } else {
        0b0000
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_full_dis_reads_back() {
        let fif = Capability::FULL.to_fif();
        assert_eq!(fif.len(), 6);
        assert_eq!(Capability::parse(&fif), Capability::FULL);
        // Octet 2: bit 10, V.17 (bits 11, 12, 14), fine, MR.
        assert_eq!(fif[1], 0b1110_1110);
    }

    /// A DIS as a common machine of the nineties sends it: V.29, fine, MR, A4/B4 length, 20 ms halved, no ECM.
    #[test]
    fn a_short_dis_reads_as_what_it_says() {
        let capability = Capability::parse(&[0x00, 0xCE, 0x64]);
        assert!(capability.can_receive && capability.fine && capability.mr);
        assert!(!capability.ecm && !capability.superfine && !capability.mmr);
        assert!(!capability.speeds.has_modulation(Modulation::V17));
        assert!(capability.speeds.contains(Speed::V29At9600));
        assert_eq!(capability.width, PaperWidth::A4);
        assert_eq!(capability.length, PaperLength::B4);
        assert_eq!(capability.scan_time.for_rows(Resolution::R204x98), Duration::from_millis(10));
        assert_eq!(capability.scan_time.for_rows(Resolution::R204x196), Duration::from_millis(5));
        assert!(!Capability::parse(&[]).can_receive);
    }

    /// Two DIS as makers' service manuals print them.
    #[test]
    fn a_dis_of_the_field_reads_as_its_maker_says() {
        // V.8, V.17, fine, MR, A3, unlimited, 0 ms, ECM, MMR, superfine, 300, 400, inch and metric.
        let all = [0x20, 0xEE, 0xFA, 0xC4, 0x80, 0x1F];
        assert_eq!(Capability::parse(&all), Capability::FULL);
        assert_eq!(Capability::FULL.to_fif()[1..], all[1..]);
        let some = Capability::parse(&[0x20, 0xC2, 0x8A, 0xC4, 0x80, 0xD5, 0x83, 0x80, 0x18]);
        assert!(some.can_receive && some.fine && some.mr && some.ecm && some.mmr);
        assert!(some.superfine && some.dpi400 && !some.dpi300 && !some.inch);
        assert_eq!((some.width, some.length), (PaperWidth::A3, PaperLength::Unlimited));
        assert_eq!(some.scan_time.for_rows(Resolution::R204x98), Duration::from_millis(20));
    }

    #[test]
    fn scan_times_of_every_dis_code_read_back() {
        for code in 0..8u8 {
            let time = ScanTime::from_dis_bits(code, false);
            assert_eq!(time.dis_bits(), code, "{time:?}");
        }
    }

    #[test]
    fn every_dis_speed_code_reads_back() {
        for code in [0b0000, 0b0001, 0b0010, 0b0011, 0b1011] {
            let fif = [0, code << 2, 0];
            assert_eq!(dis_of_speeds(speeds_of_dis(Bits(&fif))), code);
        }
    }
}
