//! DIS and DTC: what a station can do.
//!
//! ITU-T T.30 clause 5.3.6.2.1 and table 2, bits 1 to 80. A [`Capability`] is a DIS, or the DTC of a caller that polls,
//! as a value. Bits for what this engine has no use for (colour, file transfer, V.8, Internet addresses) are not kept.
//! Reading is tolerant: bits beyond the end of a short field are 0, reserved bits are ignored, and an invalid
//! combination is read as the least of what it could mean. Written fields are as short as they can be.

mod recording;

pub use recording::{PaperLength, ScanTime};

use super::bits::{Bits, BitsMut};
use crate::carrier::{Modulation, Speed, SpeedSet};
use crate::page::PaperWidth;
use alloc::vec::Vec;
use core::fmt;

/// What a station can do: a DIS or DTC as a value; and, for a sender, what it is allowed to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capability {
    /// It has a document that can be fetched (bit 9).
    pub has_document: bool,
    /// It can receive pages (bit 10).
    pub can_receive: bool,
    /// Modulations and rates (bits 11 to 14).
    pub speeds: SpeedSet,
    /// 204×196 (bit 15); 204×98 is always there.
    pub fine: bool,
    /// 204×391 (bit 41).
    pub superfine: bool,
    /// Inch-based resolutions are preferred (bit 44): with `fine`, 200×200 too.
    pub inch: bool,
    /// Metric resolutions are preferred (bit 45); both may be.
    pub metric: bool,
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
    /// JBIG as T.85 has it, in stripes of 128 rows (bit 78). Used with ECM only, and before all other codings.
    pub jbig: bool,
    /// JBIG in stripes of any height too (bit 79).
    pub jbig_any_stripe: bool,
    /// Error correction mode (bit 27). A receiver with it takes frames of 256 and of 64 octets.
    pub ecm: bool,
    /// Frames of 64 octets are preferred (bit 7).
    pub small_frames: bool,
    /// It says what of an identification it does not accept, and understands it (FNV, bit 33).
    pub fnv: bool,
    /// It lets documents be chosen (SEP, bit 47); in a DTC: SEP is sent.
    pub selective_polling: bool,
    /// It takes subaddresses (SUB, bit 49).
    pub subaddress: bool,
    /// It takes passwords: SID of a sender, PWD of a caller that polls (bit 50); in a DTC: PWD is sent.
    pub password: bool,
}

/// A bit of a DIS that is a yes or no by itself: its number, its word, its field.
type Flag = (usize, &'static str, fn(&mut Capability) -> &mut bool);

/// Those bits, in the order in which a person wants to read them.
const FLAGS: [Flag; 19] = [
    (27, "ECM", |c| &mut c.ecm),
    (7, "64-octet frames", |c| &mut c.small_frames),
    (15, "fine", |c| &mut c.fine),
    (41, "superfine", |c| &mut c.superfine),
    (42, "300 dpi", |c| &mut c.dpi300),
    (43, "400 dpi", |c| &mut c.dpi400),
    (44, "inch", |c| &mut c.inch),
    (45, "", |c| &mut c.metric),
    (16, "MR", |c| &mut c.mr),
    (31, "MMR", |c| &mut c.mmr),
    (78, "JBIG", |c| &mut c.jbig),
    (79, "any stripe", |c| &mut c.jbig_any_stripe),
    (33, "FNV", |c| &mut c.fnv),
    (49, "SUB", |c| &mut c.subaddress),
    (47, "SEP", |c| &mut c.selective_polling),
    (50, "password", |c| &mut c.password),
    (9, "has a document", |c| &mut c.has_document),
    // Said where it is missing.
    (10, "", |c| &mut c.can_receive),
    (46, "", |c| &mut c.scan_time.superfine_is_half),
];

impl Capability {
    /// The least of all stations: what is not said is not there.
    const LEAST: Self = Self {
        has_document: false,
        can_receive: false,
        speeds: SpeedSet::NONE,
        fine: false,
        superfine: false,
        inch: false,
        metric: false,
        dpi300: false,
        dpi400: false,
        width: PaperWidth::A4,
        length: PaperLength::A4,
        scan_time: ScanTime::NONE,
        mr: false,
        mmr: false,
        jbig: false,
        jbig_any_stripe: false,
        ecm: false,
        small_frames: false,
        fnv: false,
        selective_polling: false,
        subaddress: false,
        password: false,
    };

    /// All that this engine does unless it is told otherwise. JBIG is left out: it saves little on text, and some
    /// stations that offer it lose the end of the page.
    pub const FULL: Self = Self {
        can_receive: true,
        speeds: SpeedSet::ALL,
        fine: true,
        superfine: true,
        inch: true,
        metric: true,
        dpi300: true,
        dpi400: true,
        width: PaperWidth::A3,
        length: PaperLength::Unlimited,
        mr: true,
        mmr: true,
        ecm: true,
        subaddress: true,
        ..Self::LEAST
    };

    /// Reads the information field of a DIS or DTC.
    #[must_use]
    pub fn parse(fif: &[u8]) -> Self {
        let bits = Bits::new(fif);
        let mut capability = Self {
            speeds: speeds_of_dis(bits),
            width: match (bits.get(17), bits.get(18)) {
                (false, false) => PaperWidth::A4,
                (true, false) => PaperWidth::B4,
                (_, true) => PaperWidth::A3,
            },
            length: PaperLength::of_bits(bits),
            scan_time: ScanTime::from_dis_bits(bits.range(21, 3), false),
            ..Self::LEAST
        };
        for (bit, _, field) in FLAGS {
            *field(&mut capability) = bits.get(bit);
        }
        capability
    }

    /// The information field of a DIS or DTC.
    #[must_use]
    pub fn to_fif(&self) -> Vec<u8> {
        let mut said = *self;
        // What needs another capability is not said without it.
        said.mmr &= self.ecm;
        said.jbig &= self.ecm;
        said.jbig_any_stripe &= said.jbig;
        let mut bits = BitsMut::new();
        for (bit, _, field) in FLAGS {
            bits.set(bit, *field(&mut said));
        }
        bits.set_range(11, 4, dis_of_speeds(self.speeds));
        bits.set(17, self.width == PaperWidth::B4);
        bits.set(18, self.width == PaperWidth::A3);
        self.length.set_bits(&mut bits);
        bits.set_range(21, 3, self.scan_time.dis_bits());
        bits.finish()
    }
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.speeds.iter().next_back() {
            Some(speed) => write!(f, "{speed}")?,
            None => f.write_str("no modulation")?,
        }
        let mut said = *self;
        for (_, word, field) in FLAGS {
            if !word.is_empty() && *field(&mut said) {
                write!(f, ", {word}")?;
            }
        }
        if !self.can_receive {
            f.write_str(", cannot receive")?;
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
    use crate::page::Resolution;
    use crate::time::Duration;

    /// All that this engine knows.
    const ALL: Capability = Capability {
        has_document: true,
        jbig: true,
        jbig_any_stripe: true,
        small_frames: true,
        fnv: true,
        selective_polling: true,
        password: true,
        scan_time: ScanTime { superfine_is_half: true, ..ScanTime::NONE },
        ..Capability::FULL
    };

    #[test]
    fn a_full_dis_reads_back() {
        let fif = Capability::FULL.to_fif();
        assert_eq!(fif.len(), 7);
        assert_eq!(Capability::parse(&fif), Capability::FULL);
        // Octet 2: bit 10, V.17 (bits 11, 12, 14), fine, MR.
        assert_eq!(fif[1], 0b1110_1110);
        assert_eq!(ALL.to_fif().len(), 10);
        assert_eq!(Capability::parse(&ALL.to_fif()), ALL);
        assert_eq!(Capability::parse(&Capability::LEAST.to_fif()).to_fif(), Capability::LEAST.to_fif());
    }

    /// Each flag is its own bit, and no other.
    #[test]
    fn every_flag_is_the_bit_of_the_table() {
        for (bit, _, field) in FLAGS {
            let mut other = ALL;
            *field(&mut other) = false;
            let (all, other) = (ALL.to_fif(), other.to_fif());
            let is_extend = |n: &usize| *n >= 24 && n.is_multiple_of(8);
            let differs = |n: &usize| Bits::new(&all).get(*n) != Bits::new(&other).get(*n);
            let differing: Vec<_> = (1..=80).filter(|n| !is_extend(n) && differs(n)).collect();
            match bit {
                27 => assert_eq!(differing, [27, 31, 78, 79], "MMR and JBIG need ECM"),
                78 => assert_eq!(differing, [78, 79]),
                _ => assert_eq!(differing, [bit]),
            }
        }
    }

    #[test]
    fn a_dis_is_read_as_far_as_it_goes() {
        let fif = ALL.to_fif();
        for octets in 0..fif.len() {
            let short = Capability::parse(&fif[..octets]);
            assert_eq!(short.can_receive, octets >= 2);
            assert_eq!(short.mmr, octets >= 4);
            assert!(!short.jbig);
        }
        let garbage = [&fif[..], &[0xFF; 9]].concat();
        assert_eq!(Capability::parse(&garbage), ALL, "no extend bit, no more octets");
        assert!(!Capability::parse(&[0x00, 0xCE, 0x64, 0xFF, 0xFF]).ecm);
        // 22 octets are the longest that T.30 has.
        let longest = [&[0x00, 0xCE, 0xE4][..], &[0x80; 18], &[0x00]].concat();
        assert!(Capability::parse(&longest).fine);
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
        let without_sub = Capability { subaddress: false, ..Capability::FULL };
        assert_eq!(Capability::parse(&all), without_sub);
        assert_eq!(without_sub.to_fif()[1..], all[1..]);
        let some = Capability::parse(&[0x20, 0xC2, 0x8A, 0xC4, 0x80, 0xD5, 0x83, 0x80, 0x18]);
        assert!(some.can_receive && some.fine && some.mr && some.ecm && some.mmr);
        assert!(some.superfine && some.dpi400 && !some.dpi300 && !some.inch);
        assert_eq!((some.width, some.length), (PaperWidth::A3, PaperLength::Unlimited));
        assert_eq!(some.scan_time.for_rows(Resolution::R204x98), Duration::from_millis(20));
    }

    #[test]
    fn every_dis_speed_code_reads_back() {
        for code in [0b0000, 0b0001, 0b0010, 0b0011, 0b1011] {
            let fif = [0, code << 2, 0];
            assert_eq!(dis_of_speeds(speeds_of_dis(Bits::new(&fif))), code);
        }
    }
}
