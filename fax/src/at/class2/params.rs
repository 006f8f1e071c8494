//! Session parameters: the numbers VR,BR,WD,LN,DF,EC,BF,ST of `+FDCC`, `+FDIS` and `+FDCS` (SP-2388), and of `+FCC`, `+FIS` and
//! `+FCS` (T.32 table 21).
//!
//! SP-2388 has decimal numbers and resolutions up to 204×196. T.32 has hexadecimal ones, VR is a set of bits beyond that, and
//! EC only says whether there is error correction. Class 2.1 adds JP, which is left out when writing and passed over when
//! reading. What a modem leaves out, or what makes no sense, is read as the least.

use super::super::profile::Class;
use crate::carrier::{Modulation, Speed, SpeedSet};
use crate::page::{PaperWidth, Resolution};
use crate::session::PageCoding;
use crate::t30::capability::{Capability, FrameSize, PaperLength, ScanTime};
use crate::t30::settings::Settings;
use alloc::format;
use alloc::string::String;

/// Fields that are read.
const FIELDS: usize = 8;
const VR: usize = 0;
const BR: usize = 1;
const WD: usize = 2;
const LN: usize = 3;
const DF: usize = 4;
const EC: usize = 5;
const ST: usize = 7;

/// Bits per second of the numbers of BR. Class 2.1 has more, for V.34, which is not used.
const RATES: [u32; 6] = [2400, 4800, 7200, 9600, 12_000, 14_400];
/// ST: milliseconds for a row at 98 rows an inch, and whether half of it suffices at 196.
const SCAN_TIMES: [(u8, bool); 8] =
    [(0, false), (5, false), (10, true), (10, false), (20, true), (20, false), (40, true), (40, false)];
/// The bits of VR in T.32; 204×98 is none of them.
const RESOLUTION_BITS: [(u16, Resolution); 5] = [
    (0x01, Resolution::R204x196),
    (0x02, Resolution::R204x391),
    (0x04, Resolution::R400x400),
    (0x10, Resolution::R200x200),
    (0x40, Resolution::R300x300),
];

/// The eight numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Params([u16; FIELDS]);

impl Params {
    /// Reads the numbers; `None` where not even the first makes sense.
    pub(super) fn parse(text: &str, class: Class) -> Option<Self> {
        let radix = if class == Class::Two { 10 } else { 16 };
        let mut numbers = [0; FIELDS];
        let fields = text.trim().trim_matches(['(', ')']).split(',').zip(&mut numbers);
        for (at, (field, number)) in fields.enumerate() {
            let field = field.trim().trim_matches('"');
            match u16::from_str_radix(field, radix) {
                Ok(value) => *number = value,
                Err(_) if at == 0 => return None,
                Err(_) => {}
            }
        }
        Some(Self(numbers))
    }

    /// As a command has them.
    pub(super) fn to_text(self, class: Class) -> String {
        let [vr, br, wd, ln, df, ec, bf, st] = self.0;
        match class {
            Class::Two => format!("{vr},{br},{wd},{ln},{df},{ec},{bf},{st}"),
            _ => format!("{vr:X},{br:X},{wd:X},{ln:X},{df:X},{ec:X},{bf:X},{st:X}"),
        }
    }

    /// The same without the fastest speed that there is, which not every modem has: BR stays what it was, the modem's own.
    pub(super) fn to_text_at_any_speed(self, class: Class) -> String {
        let text = self.to_text(class);
        let fastest = RATES.len() - 1;
        if usize::from(self.0[BR]) != fastest {
            return text;
        }
        text.replacen(&format!(",{fastest},"), ",,", 1)
    }

    /// What we offer a caller, and allow in calls that we make.
    pub(super) fn of_capability(c: &Capability, class: Class) -> Self {
        let resolutions = [
            (c.fine, 0x01),
            (c.superfine, 0x02),
            (c.dpi400, 0x04),
            (c.fine && c.inch, 0x10),
            (c.dpi300, 0x40),
        ];
        let vr: u16 = resolutions.into_iter().filter(|(has, _)| *has).map(|(_, bit)| bit).sum();
        let scan_time = (c.scan_time.standard_ms, c.scan_time.fine_is_half);
        Self([
            if class == Class::Two { vr & 1 } else { vr },
            c.speeds.iter().next_back().map_or(0, rate_number),
            width_number(c.width),
            length_number(c.length),
            match (c.ecm && c.mmr, c.mr) {
                (true, _) => 3,
                (false, mr) => u16::from(mr),
            },
            ecm_number(
                c.ecm.then_some(if c.small_frames { FrameSize::Octets64 } else { FrameSize::Octets256 }),
                class,
            ),
            0,
            position(&SCAN_TIMES, |time| *time == scan_time),
        ])
    }

    /// How the next page is to be sent.
    pub(super) fn of_settings(s: &Settings, class: Class) -> Self {
        let vr = RESOLUTION_BITS.iter().find(|(_, resolution)| *resolution == s.resolution);
        Self([
            vr.map_or(0, |(bit, _)| *bit),
            rate_number(s.speed),
            width_number(s.width),
            length_number(s.length),
            match s.coding {
                PageCoding::Mh => 0,
                PageCoding::Mr => 1,
                PageCoding::Mmr => 3,
                PageCoding::Jbig => 4,
            },
            ecm_number(s.ecm, class),
            0,
            position(&SCAN_TIMES, |(ms, _)| *ms == s.scan_time_ms),
        ])
    }

    /// What a far end can do, from its DIS as the modem reports it.
    pub(super) fn to_capability(self, class: Class) -> Capability {
        let vr = self.resolution_bits(class);
        let has = |bit| vr & bit != 0;
        let (standard_ms, fine_is_half) =
            SCAN_TIMES.get(usize::from(self.0[ST])).copied().unwrap_or((20, false));
        let ecm = self.0[EC] > 0;
        Capability {
            can_receive: true,
            speeds: speeds_up_to(self.0[BR]),
            fine: has(0x03),
            superfine: has(0x02),
            dpi400: has(0x04),
            dpi300: has(0x40),
            inch: has(0x10) || has(0x40),
            metric: true,
            width: width_of(self.0[WD]),
            length: length_of(self.0[LN]),
            scan_time: ScanTime { standard_ms, fine_is_half, superfine_is_half: false },
            mr: self.0[DF] > 0,
            mmr: self.0[DF] >= 3 && ecm,
            ecm,
            small_frames: class == Class::Two && self.0[EC] == 1,
            // The modem knows, and leaves out what cannot be said.
            subaddress: true,
            password: true,
            ..Capability::parse(&[])
        }
    }

    /// What was agreed on, from a DCS as the modem reports it. `has_v17` says which modulation 9600 and 7200 bit/s have.
    pub(super) fn to_settings(self, class: Class, has_v17: bool) -> Settings {
        let bits = self.resolution_bits(class);
        let resolution = RESOLUTION_BITS.iter().rev().find(|(bit, _)| bits & bit != 0);
        Settings {
            speed: speed_of(self.0[BR], has_v17),
            resolution: resolution.map_or(Resolution::R204x98, |(_, resolution)| *resolution),
            width: width_of(self.0[WD]),
            length: length_of(self.0[LN]),
            coding: match self.0[DF] {
                0 => PageCoding::Mh,
                1 | 2 => PageCoding::Mr,
                3 => PageCoding::Mmr,
                _ => PageCoding::Jbig,
            },
            ecm: match self.0[EC] {
                0 => None,
                1 if class == Class::Two => Some(FrameSize::Octets64),
                _ => Some(FrameSize::Octets256),
            },
            scan_time_ms: SCAN_TIMES.get(usize::from(self.0[ST])).map_or(0, |(ms, _)| *ms),
        }
    }

    fn resolution_bits(self, class: Class) -> u16 {
        if class == Class::Two { u16::from(self.0[VR] > 0) } else { self.0[VR] }
    }
}

fn rate_number(speed: Speed) -> u16 {
    position(&RATES, |rate| *rate == speed.bit_rate())
}

fn width_number(width: PaperWidth) -> u16 {
    match width {
        PaperWidth::A4 => 0,
        PaperWidth::B4 => 1,
        PaperWidth::A3 => 2,
    }
}

fn width_of(number: u16) -> PaperWidth {
    match number {
        1 => PaperWidth::B4,
        2 => PaperWidth::A3,
        _ => PaperWidth::A4,
    }
}

/// Legal has no number; B4 is long enough for it.
fn length_number(length: PaperLength) -> u16 {
    match length {
        PaperLength::A4 => 0,
        PaperLength::Legal | PaperLength::B4 => 1,
        PaperLength::Unlimited => 2,
    }
}

fn length_of(number: u16) -> PaperLength {
    match number {
        0 => PaperLength::A4,
        1 => PaperLength::B4,
        _ => PaperLength::Unlimited,
    }
}

fn ecm_number(size: Option<FrameSize>, class: Class) -> u16 {
    match size {
        None => 0,
        Some(FrameSize::Octets256) if class == Class::Two => 2,
        Some(_) => 1,
    }
}

/// The speeds of a station whose fastest this is. 12000 bit/s and more are V.17 alone, and who has that has the others.
fn speeds_up_to(number: u16) -> SpeedSet {
    match RATES.get(usize::from(number)) {
        Some(2400) => SpeedSet::NONE.with(Speed::V27ter2400),
        Some(4800) => SpeedSet::NONE.with_modulation(Modulation::V27ter),
        Some(rate @ (7200 | 9600)) => SpeedSet::ALL.without_modulation(Modulation::V17).up_to(*rate),
        Some(rate) => SpeedSet::ALL.up_to(*rate),
        None => SpeedSet::ALL,
    }
}

fn speed_of(number: u16, has_v17: bool) -> Speed {
    match (number, has_v17) {
        (0, _) => Speed::V27ter2400,
        (1, _) => Speed::V27ter4800,
        (2, false) => Speed::V29At7200,
        (2, true) => Speed::V17At7200,
        (3, false) => Speed::V29At9600,
        (3, true) => Speed::V17At9600,
        (4, _) => Speed::V17At12000,
        _ => Speed::V17At14400,
    }
}

/// Where in a table; 0 where nowhere.
fn position<T>(table: &[T], is: impl Fn(&T) -> bool) -> u16 {
    table.iter().position(is).and_then(|at| u16::try_from(at).ok()).unwrap_or(0)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const FULL: Capability = Capability::FULL;

    fn text(c: &Capability, class: Class) -> String {
        Params::of_capability(c, class).to_text(class)
    }

    #[test]
    fn a_capability_is_written_as_the_class_wants_it() {
        assert_eq!(text(&FULL, Class::Two), "1,5,2,2,3,2,0,0");
        assert_eq!(text(&FULL, Class::TwoPointZero), "57,5,2,2,3,1,0,0");
        assert_eq!(text(&FULL, Class::TwoPointOne), "57,5,2,2,3,1,0,0");
        let least = Capability {
            speeds: SpeedSet::NONE.with_modulation(Modulation::V27ter),
            ecm: false,
            mr: false,
            fine: false,
            width: PaperWidth::A4,
            length: PaperLength::Legal,
            scan_time: ScanTime { standard_ms: 20, fine_is_half: true, superfine_is_half: false },
            ..FULL
        };
        assert_eq!(text(&least, Class::Two), "0,1,0,1,0,0,0,4");
        let small = Capability { small_frames: true, mmr: false, ..FULL };
        assert_eq!(text(&small, Class::Two), "1,5,2,2,1,1,0,0");
    }

    #[test]
    fn a_dis_reads_as_it_is_meant() {
        let read = |text: &str, class| Params::parse(text, class).unwrap().to_capability(class);
        for class in [Class::Two, Class::TwoPointZero, Class::TwoPointOne] {
            let came = read(&text(&FULL, class), class);
            assert_eq!(
                (came.speeds, came.width, came.length),
                (SpeedSet::ALL, PaperWidth::A3, PaperLength::Unlimited)
            );
            assert!(came.fine && came.mr && came.mmr && came.ecm && came.can_receive);
            assert_eq!(came.superfine && came.dpi300 && came.dpi400, class != Class::Two);
        }
        let old = read("1,3,0,2,0,0,0,4", Class::Two);
        assert!(old.fine && !old.mr && !old.ecm && !old.speeds.has_modulation(Modulation::V17));
        assert_eq!(old.speeds.iter().next_back(), Some(Speed::V29At9600));
        assert_eq!(old.scan_time, ScanTime { standard_ms: 20, fine_is_half: true, superfine_is_half: false });
        let short = read("1", Class::TwoPointZero);
        assert!(short.fine && short.speeds.iter().count() == 1);
        assert_eq!(Params::parse("", Class::Two), None);
        assert_eq!(Params::parse("ERROR", Class::Two), None);
        assert!(read("1,F,9,9,9,9,9,99,7", Class::TwoPointOne).ecm);
    }

    #[test]
    fn a_dcs_reads_back() {
        for class in [Class::Two, Class::TwoPointZero] {
            for speed in Speed::ALL {
                for (resolution, coding, ecm) in [
                    (Resolution::R204x98, PageCoding::Mh, None),
                    (Resolution::R204x196, PageCoding::Mr, None),
                    (Resolution::R204x196, PageCoding::Mmr, Some(FrameSize::Octets256)),
                ] {
                    let settings = Settings {
                        speed,
                        resolution,
                        width: PaperWidth::B4,
                        length: PaperLength::Unlimited,
                        coding,
                        ecm,
                        scan_time_ms: 10,
                    };
                    let text = Params::of_settings(&settings, class).to_text(class);
                    let has_v17 = speed.modulation() == Modulation::V17;
                    let read = Params::parse(&text, class).unwrap().to_settings(class, has_v17);
                    assert_eq!(read, settings, "{text}");
                }
            }
        }
        let superfine = Params::parse("2,5,0,2,3,1,0,0", Class::TwoPointZero).unwrap();
        assert_eq!(superfine.to_settings(Class::TwoPointZero, true).resolution, Resolution::R204x391);
        let small = Params::parse("1,5,0,2,3,1,0,0", Class::Two).unwrap();
        assert_eq!(small.to_settings(Class::Two, true).ecm, Some(FrameSize::Octets64));
    }
}
