//! What a program has set, and capabilities as the eight numbers of `+FDCC` and `+FCC`: VR,BR,WD,LN,DF,EC,BF,ST.
//!
//! This is the tests' own reading of the tables, so that the product's is held against another.

use super::Class;
use fax_proto::carrier::{Speed, SpeedSet};
use fax_proto::page::{PaperWidth, Resolution};
use fax_proto::session::PageCoding;
use fax_proto::t30::capability::{Capability, FrameSize, PaperLength, ScanTime};
use fax_proto::t30::settings::Settings;

/// VR,BR,WD,LN,DF,EC,BF,ST, and JP which only Class 2.1 shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Numbers(pub [u32; 8]);

/// Bits a second of the BR numbers.
const RATES: [u32; 6] = [2400, 4800, 7200, 9600, 12_000, 14_400];
/// Milliseconds a row of the ST numbers, at 98 and at 196 rows an inch.
const SCAN_TIMES: [(u8, u8); 8] = [(0, 0), (5, 5), (10, 5), (10, 10), (20, 10), (20, 20), (40, 20), (40, 40)];
/// The bits of VR beyond fine, which Class 2.0 has.
const RESOLUTIONS: [(u32, Resolution); 6] = [
    (0, Resolution::R204x98),
    (1, Resolution::R204x196),
    (2, Resolution::R204x391),
    (4, Resolution::R400x400),
    (0x10, Resolution::R200x200),
    (0x40, Resolution::R300x300),
];

impl Numbers {
    /// Changes what a program says: empty fields stay as they are.
    pub(super) fn set(&mut self, text: &str, class: Class) -> Option<()> {
        let radix = if class.is_draft() { 10 } else { 16 };
        for (at, field) in text.split(',').enumerate() {
            let field = field.trim();
            if !field.is_empty() {
                let value = u32::from_str_radix(field, radix).ok()?;
                match self.0.get_mut(at) {
                    Some(slot) => *slot = value,
                    // JP of Class 2.1.
                    None if at == 8 => {}
                    None => return None,
                }
            }
        }
        let [_, br, wd, ln, df, ec, _, st] = self.0;
        (br <= 5 && wd <= 4 && ln <= 2 && df <= 4 && ec <= 4 && st <= 7).then_some(())
    }

    /// Whether it asks for a faster speed than there is.
    pub(super) fn is_faster_than(self, own: &Capability) -> bool {
        let fastest = own.speeds.iter().next_back().map_or(2400, Speed::bit_rate);
        RATES.get(self.0[1] as usize).is_some_and(|rate| *rate > fastest)
    }

    pub(super) fn wants_ecm(self) -> bool {
        self.0[5] > 0
    }

    pub(super) fn show(self, class: Class) -> String {
        let mut shown: Vec<String> =
            self.0.iter().map(|n| if class.is_draft() { format!("{n}") } else { format!("{n:X}") }).collect();
        if class == Class::TwoPointOne {
            shown.push("0".into());
        }
        shown.join(",")
    }

    /// What a station can do, as the modem reports a DIS.
    pub(super) fn of_capability(c: &Capability, class: Class) -> Self {
        let vr = if class.is_draft() {
            u32::from(c.fine)
        } else {
            let bits =
                [(c.fine, 1), (c.superfine, 2), (c.dpi400, 4), (c.fine && c.inch, 0x10), (c.dpi300, 0x40)];
            bits.iter().filter(|(has, _)| *has).map(|(_, bit)| bit).sum()
        };
        let rate = c.speeds.iter().next_back().map_or(2400, Speed::bit_rate);
        let df = if c.ecm && c.mmr { 3 } else { u32::from(c.mr) };
        let st = (c.scan_time.standard_ms, (c.scan_time.for_rows(Resolution::R204x196).as_millis()) as u8);
        Self([
            vr,
            number_of(&RATES, |r| *r == rate),
            c.width as u32,
            match c.length {
                PaperLength::A4 => 0,
                PaperLength::Legal | PaperLength::B4 => 1,
                PaperLength::Unlimited => 2,
            },
            df,
            ecm_number(
                c.ecm.then_some(if c.small_frames { FrameSize::Octets64 } else { FrameSize::Octets256 }),
                class,
            ),
            0,
            number_of(&SCAN_TIMES, |t| *t == st),
        ])
    }

    /// What was agreed on, as the modem reports a DCS.
    pub(super) fn of_settings(s: &Settings, class: Class) -> Self {
        let vr = RESOLUTIONS.iter().find(|(_, r)| *r == s.resolution).map_or(0, |(n, _)| *n);
        Self([
            if class.is_draft() { vr.min(1) } else { vr },
            number_of(&RATES, |r| *r == s.speed.bit_rate()),
            s.width as u32,
            match s.length {
                PaperLength::A4 => 0,
                PaperLength::Legal | PaperLength::B4 => 1,
                PaperLength::Unlimited => 2,
            },
            match s.coding {
                PageCoding::Mh => 0,
                PageCoding::Mr => 1,
                PageCoding::Mmr => 3,
                PageCoding::Jbig => 4,
            },
            ecm_number(s.ecm, class),
            0,
            number_of(&SCAN_TIMES, |t| t.0 == s.scan_time_ms),
        ])
    }

    /// What of the modem's own capability the program allows.
    pub(super) fn restrict(self, own: &Capability, class: Class) -> Capability {
        let [vr, br, wd, ln, df, ec, _, st] = self.0;
        let rate = RATES[br as usize % RATES.len()];
        let has = |bit| vr & bit != 0;
        let (standard_ms, fine_ms) = SCAN_TIMES[st as usize % 8];
        Capability {
            speeds: own.speeds.and(SpeedSet::ALL.up_to(rate)),
            fine: own.fine && (has(1) || has(2)),
            superfine: own.superfine && has(2) && !class.is_draft(),
            dpi400: own.dpi400 && has(4) && !class.is_draft(),
            inch: own.inch && (has(0x10) || has(0x40)),
            dpi300: own.dpi300 && has(0x40),
            width: own.width.min(width_of(wd)),
            length: own
                .length
                .min([PaperLength::A4, PaperLength::B4, PaperLength::Unlimited][ln.min(2) as usize]),
            mr: own.mr && df >= 1,
            mmr: own.mmr && df >= 3 && ec > 0,
            ecm: own.ecm && ec > 0,
            small_frames: class.is_draft() && ec == 1,
            scan_time: ScanTime {
                standard_ms,
                fine_is_half: fine_ms < standard_ms,
                superfine_is_half: false,
            },
            jbig: false,
            ..*own
        }
    }

    pub(super) fn frame_size(self, class: Class) -> FrameSize {
        if class.is_draft() && self.0[5] == 1 { FrameSize::Octets64 } else { FrameSize::Octets256 }
    }

    /// The resolution and width of the pages that a program is going to send.
    pub(super) fn geometry(self, class: Class) -> (Resolution, PaperWidth) {
        let mask = if class.is_draft() { 1 } else { u32::MAX };
        let best = RESOLUTIONS.iter().rev().find(|(bit, _)| self.0[0] & mask & bit != 0);
        (best.map_or(Resolution::R204x98, |(_, resolution)| *resolution), width_of(self.0[2]))
    }
}

fn width_of(wd: u32) -> PaperWidth {
    [PaperWidth::A4, PaperWidth::B4, PaperWidth::A3].get(wd as usize).copied().unwrap_or_default()
}

fn ecm_number(size: Option<FrameSize>, class: Class) -> u32 {
    match size {
        None => 0,
        Some(FrameSize::Octets64) => 1,
        Some(FrameSize::Octets256) if class.is_draft() => 2,
        Some(FrameSize::Octets256) => 1,
    }
}

fn number_of<T>(table: &[T], is: impl Fn(&T) -> bool) -> u32 {
    table.iter().position(is).unwrap_or(0) as u32
}

/// All that a program has set.
#[derive(Clone, Debug)]
pub(super) struct Params {
    /// What it offers and allows in every call.
    pub capability: Numbers,
    /// The same for this call.
    pub session: Numbers,
    pub local_id: String,
    pub is_receiver: bool,
    /// 1 and 3: image data have their bits turned round.
    pub bit_order: u8,
    /// Class 2.0: identification and parameters are reported.
    pub reports: [bool; 4],
    /// Received EOLs end on octet boundaries (`+FREL`).
    pub aligned: bool,
    pub subaddress: String,
    pub password: String,
    /// What was reported last: the page's status and the end of the call.
    pub page_status: u8,
    pub hang_up: u8,
    /// Settings that are only kept.
    pub kept: std::collections::BTreeMap<String, String>,
}

impl Params {
    /// As they are after a reset: as fast as the modem is.
    pub(super) fn new(own: &Capability) -> Self {
        let rate = own.speeds.iter().next_back().map_or(2400, Speed::bit_rate);
        let numbers = Numbers([1, number_of(&RATES, |r| *r == rate), 0, 2, 0, 0, 0, 0]);
        Self {
            capability: numbers,
            session: numbers,
            local_id: String::new(),
            is_receiver: false,
            bit_order: 0,
            reports: [false; 4],
            aligned: false,
            subaddress: String::new(),
            password: String::new(),
            page_status: 1,
            hang_up: 0,
            kept: std::collections::BTreeMap::new(),
        }
    }
}
