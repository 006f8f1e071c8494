//! DCS: how the pages will be sent.
//!
//! ITU-T T.30 clause 5.3.6.2.1 and table 2. A [`Settings`] is a DCS as a value. Reading is as tolerant as with a DIS; only
//! a reserved speed makes a DCS unreadable, since then nothing could be received.

use super::bits::{Bits, BitsMut};
use super::capability::{FrameSize, PaperLength, ScanTime};
use crate::carrier::Speed;
use crate::page::{PaperWidth, Resolution};
use crate::session::{Negotiated, PageCoding};
use alloc::vec::Vec;
use core::fmt;

/// How the pages will be sent: a DCS as a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Modulation and rate (bits 11 to 14).
    pub speed: Speed,
    /// Resolution (bits 15, 41 to 44).
    pub resolution: Resolution,
    /// Row width (bits 17 and 18).
    pub width: PaperWidth,
    /// Page length (bits 19 and 20).
    pub length: PaperLength,
    /// Page coding (bits 16, 31, 78 and 79).
    pub coding: PageCoding,
    /// ECM with frames of this many octets (bits 27 and 28).
    pub ecm: Option<FrameSize>,
    /// The least time for a row, in milliseconds (bits 21 to 23): 0, 5, 10, 20 or 40.
    pub scan_time_ms: u8,
}

impl Settings {
    /// Reads the information field of a DCS; `None` where its speed is reserved.
    #[must_use]
    pub fn parse(fif: &[u8]) -> Option<Self> {
        let bits = Bits::new(fif);
        let ecm = bits.get(27).then(|| match bits.get(28) {
            true => FrameSize::Octets64,
            false => FrameSize::Octets256,
        });
        // Some stations set the bit of MMR beside that of JBIG, and send JBIG.
        let coding = match (bits.get(78) || bits.get(79), bits.get(31), bits.get(16)) {
            (true, ..) => PageCoding::Jbig,
            (_, true, _) => PageCoding::Mmr,
            (_, _, true) => PageCoding::Mr,
            _ => PageCoding::Mh,
        };
        Some(Self {
            speed: speed_of_dcs(bits.range(11, 4))?,
            resolution: resolution_of_dcs(bits),
            width: match (bits.get(17), bits.get(18)) {
                (false, false) => PaperWidth::A4,
                (true, _) => PaperWidth::B4,
                (false, true) => PaperWidth::A3,
            },
            length: PaperLength::of_bits(bits),
            coding,
            ecm,
            scan_time_ms: ScanTime::from_dis_bits(bits.range(21, 3), false).standard_ms,
        })
    }

    /// The information field of a DCS.
    #[must_use]
    pub fn to_fif(&self) -> Vec<u8> {
        let mut bits = BitsMut::new();
        bits.set(10, true);
        bits.set_range(11, 4, dcs_of_speed(self.speed));
        bits.set(16, self.coding == PageCoding::Mr);
        bits.set(17, self.width == PaperWidth::B4);
        bits.set(18, self.width == PaperWidth::A3);
        self.length.set_bits(&mut bits);
        let scan_time = ScanTime { standard_ms: self.scan_time_ms, ..ScanTime::NONE };
        bits.set_range(21, 3, scan_time.dis_bits());
        bits.set(27, self.ecm.is_some());
        bits.set(28, self.ecm == Some(FrameSize::Octets64));
        bits.set(31, self.coding == PageCoding::Mmr);
        bits.set(78, self.coding == PageCoding::Jbig);
        match self.resolution {
            Resolution::R204x98 => {}
            Resolution::R204x196 => bits.set(15, true),
            Resolution::R204x391 => bits.set(41, true),
            Resolution::R200x200 => {
                bits.set(15, true);
                bits.set(44, true);
            }
            Resolution::R300x300 => {
                bits.set(42, true);
                bits.set(44, true);
            }
            Resolution::R400x400 => {
                bits.set(43, true);
                bits.set(44, true);
            }
        }
        bits.finish()
    }

    /// Pixels in a row.
    #[must_use]
    pub fn row_pixels(&self) -> u32 {
        self.resolution.width(self.width)
    }

    /// The part that goes into a report.
    #[must_use]
    pub fn negotiated(&self) -> Negotiated {
        Negotiated {
            speed: self.speed,
            ecm_frame_octets: self.ecm.map(|size| match size {
                FrameSize::Octets256 => 256,
                FrameSize::Octets64 => 64,
            }),
            coding: self.coding,
            resolution: self.resolution,
            width: self.width,
        }
    }
}

impl fmt::Display for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.negotiated())?;
        match self.scan_time_ms {
            0 => Ok(()),
            ms => write!(f, ", {ms} ms/row"),
        }
    }
}

/// DCS bits 11 to 14, bit 11 lowest.
const DCS_SPEEDS: [(u8, Speed); 8] = [
    (0b0000, Speed::V27ter2400),
    (0b0010, Speed::V27ter4800),
    (0b0001, Speed::V29At9600),
    (0b0011, Speed::V29At7200),
    (0b1000, Speed::V17At14400),
    (0b1010, Speed::V17At12000),
    (0b1001, Speed::V17At9600),
    (0b1011, Speed::V17At7200),
];

fn speed_of_dcs(code: u8) -> Option<Speed> {
    DCS_SPEEDS.iter().find(|(c, _)| *c == code).map(|(_, speed)| *speed)
}

fn dcs_of_speed(speed: Speed) -> u8 {
    DCS_SPEEDS.iter().find(|(_, s)| *s == speed).map_or(0, |(code, _)| *code)
}

fn resolution_of_dcs(bits: Bits<'_>) -> Resolution {
    if bits.get(43) {
        Resolution::R400x400
    } else if bits.get(42) {
        Resolution::R300x300
    } else if bits.get(41) {
        Resolution::R204x391
    } else if bits.get(15) && bits.get(44) {
        Resolution::R200x200
    } else if bits.get(15) {
        Resolution::R204x196
    } else {
        Resolution::R204x98
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As a maker's service manual prints it: fine, A4, any length, 0 ms, ECM 256, MMR.
    #[test]
    fn a_dcs_of_the_field_reads_and_is_written_alike() {
        let fif = [0x00, 0x42, 0xF8, 0x44];
        let settings = Settings {
            speed: Speed::V27ter2400,
            resolution: Resolution::R204x196,
            width: PaperWidth::A4,
            length: PaperLength::Unlimited,
            coding: PageCoding::Mmr,
            ecm: Some(FrameSize::Octets256),
            scan_time_ms: 0,
        };
        assert_eq!(Settings::parse(&fif), Some(settings));
        assert_eq!(settings.to_fif(), fif);
    }

    #[test]
    fn a_short_dcs_has_three_octets_and_no_extend_bit() {
        let dcs = Settings {
            speed: Speed::V29At9600,
            resolution: Resolution::R204x196,
            width: PaperWidth::A4,
            length: PaperLength::A4,
            coding: PageCoding::Mh,
            ecm: None,
            scan_time_ms: 20,
        };
        assert_eq!(dcs.to_fif(), [0x00, 0b0100_0110, 0x00]);
    }

    #[test]
    fn every_dcs_reads_back() {
        for speed in Speed::ALL {
            for resolution in Resolution::ALL {
                for (coding, ecm) in [
                    (PageCoding::Mh, None),
                    (PageCoding::Mr, Some(FrameSize::Octets64)),
                    (PageCoding::Mmr, Some(FrameSize::Octets256)),
                ] {
                    for (width, length) in [
                        (PaperWidth::A4, PaperLength::A4),
                        (PaperWidth::B4, PaperLength::B4),
                        (PaperWidth::A3, PaperLength::Unlimited),
                    ] {
                        for scan_time_ms in [0, 5, 10, 20, 40] {
                            let dcs =
                                Settings { speed, resolution, width, length, coding, ecm, scan_time_ms };
                            assert_eq!(Settings::parse(&dcs.to_fif()), Some(dcs));
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn a_reserved_speed_is_refused_in_a_dcs() {
        // Bits 11 to 14 = 1110.
        assert_eq!(Settings::parse(&[0, 0b0001_1110, 0]), None);
    }
}
