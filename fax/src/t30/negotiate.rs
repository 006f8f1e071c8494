//! What two stations agree on: pure functions from two capabilities and a page to a DCS.
//!
//! The best that both can do is taken: the fastest speed, ECM, and JBIG before MMR before MR before MH; JBIG only
//! where it is allowed, which it is not by itself. A wish of the receiver for small ECM frames is granted.
//!
//! Pages are not scaled here, so a page that the far end cannot print as it is is an [`Incompatibility`]; only 200×200,
//! which T.30 and RFC 3949 hold equal to 204×196, is sent as that where the far end knows no inches.

use super::capability::{Capability, FrameSize, PaperLength};
use super::settings::Settings;
use crate::carrier::SpeedSet;
use crate::page::{Page, PaperWidth, Resolution};
use crate::session::{Incompatibility, PageCoding};
use crate::time::Duration;

/// A4 in millimetres, with what scanners add.
const A4_MM_MAX: u64 = 297 + 10;
/// North American legal in millimetres, with what scanners add.
const LEGAL_MM_MAX: u64 = 356 + 10;
/// B4 in millimetres, with what scanners add. Legal fits.
const B4_MM_MAX: u64 = 364 + 10;

/// How to send this page, or why it cannot be sent.
pub(crate) fn agree(
    allowed: &Capability,
    frame_size: FrameSize,
    remote: &Capability,
    page: &Page,
) -> Result<Settings, Incompatibility> {
    if !remote.can_receive {
        return Err(Incompatibility::NotAReceiver);
    }
    let speed = common_speeds(allowed, remote).iter().next_back().ok_or(Incompatibility::Modulation)?;
    let resolution = wire_resolution(page.resolution(), remote).ok_or(Incompatibility::Resolution)?;
    let frame_size = if remote.small_frames { FrameSize::Octets64 } else { frame_size };
    let ecm = (allowed.ecm && remote.ecm).then_some(frame_size);
    Ok(Settings {
        speed,
        resolution,
        width: paper_width(page, resolution, remote)?,
        length: paper_length(page, remote)?,
        coding: best_coding(allowed, remote, ecm.is_some()),
        ecm,
        scan_time_ms: if ecm.is_some() { 0 } else { dcs_scan_time_ms(remote.scan_time.for_rows(resolution)) },
    })
}

/// The speeds that both ends can do.
pub(super) fn common_speeds(allowed: &Capability, remote: &Capability) -> SpeedSet {
    allowed.speeds.and(remote.speeds)
}

/// Whether a page with settings `next` can follow one with settings `now` without a new DCS (MPS and not EOM).
pub(crate) fn may_follow(now: &Settings, next: &Settings) -> bool {
    let next_at_this_speed = Settings { speed: now.speed, length: now.length, ..*next };
    next.length <= now.length && next_at_this_speed == *now
}

fn wire_resolution(resolution: Resolution, remote: &Capability) -> Option<Resolution> {
    let possible = match resolution {
        Resolution::R204x98 => true,
        Resolution::R204x196 | Resolution::R200x200 => remote.fine,
        Resolution::R204x391 => remote.superfine,
        Resolution::R300x300 => remote.dpi300,
        Resolution::R400x400 => remote.dpi400,
    };
    let on_wire = match resolution {
        Resolution::R200x200 if !remote.inch => Resolution::R204x196,
        other => other,
    };
    possible.then_some(on_wire)
}

fn paper_width(
    page: &Page,
    resolution: Resolution,
    remote: &Capability,
) -> Result<PaperWidth, Incompatibility> {
    [PaperWidth::A4, PaperWidth::B4, PaperWidth::A3]
        .into_iter()
        .find(|paper| resolution.width(*paper) == page.width())
        .filter(|paper| *paper <= remote.width)
        .ok_or(Incompatibility::Width)
}

fn paper_length(page: &Page, remote: &Capability) -> Result<PaperLength, Incompatibility> {
    if remote.length == PaperLength::Unlimited {
        return Ok(PaperLength::Unlimited);
    }
    let tenths_of_mm = u64::from(page.rows()) * 254 / u64::from(page.resolution().y_dpi());
    let needed = if tenths_of_mm <= A4_MM_MAX * 10 {
        PaperLength::A4
    } else if tenths_of_mm <= LEGAL_MM_MAX * 10 && remote.length == PaperLength::Legal {
        PaperLength::Legal
    } else if tenths_of_mm <= B4_MM_MAX * 10 {
        PaperLength::B4
    } else {
        PaperLength::Unlimited
    };
    if needed <= remote.length { Ok(needed) } else { Err(Incompatibility::Length) }
}

fn best_coding(allowed: &Capability, remote: &Capability, ecm: bool) -> PageCoding {
    if ecm && allowed.jbig && remote.jbig {
        PageCoding::Jbig
    } else if ecm && allowed.mmr && remote.mmr {
        PageCoding::Mmr
    } else if allowed.mr && remote.mr {
        PageCoding::Mr
    } else {
        PageCoding::Mh
    }
}

/// A DCS knows 0, 5, 10, 20 and 40 ms: the least that is enough.
fn dcs_scan_time_ms(time: Duration) -> u8 {
    [0, 5, 10, 20].into_iter().find(|ms| Duration::from_millis(u64::from(*ms)) >= time).unwrap_or(40)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::capability::ScanTime;
    use super::*;
    use crate::carrier::{Modulation, Speed};

    const FULL: Capability = Capability::FULL;

    fn a4(resolution: Resolution, mm: u32) -> Page {
        let rows = mm * 10 * resolution.y_dpi() / 254;
        Page::white(resolution.width(PaperWidth::A4), rows, resolution)
    }

    fn agreed(allowed: &Capability, remote: &Capability, page: &Page) -> Result<Settings, Incompatibility> {
        agree(allowed, FrameSize::Octets256, remote, page)
    }

    #[test]
    fn the_best_of_both_is_taken() {
        let page = a4(Resolution::R204x196, 297);
        let best = agreed(&FULL, &FULL, &page).unwrap();
        assert_eq!(
            (best.speed, best.coding, best.ecm, best.scan_time_ms),
            (Speed::V17At14400, PageCoding::Mmr, Some(FrameSize::Octets256), 0)
        );
        let no_ecm = Capability { ecm: false, ..FULL };
        assert_eq!(agreed(&no_ecm, &FULL, &page).unwrap().coding, PageCoding::Mr, "MMR only with ECM");
        let mh = Capability { mr: false, mmr: false, ..FULL };
        assert_eq!(agreed(&FULL, &mh, &page).unwrap().coding, PageCoding::Mh);
        let small = Capability { small_frames: true, ..FULL };
        assert_eq!(agreed(&FULL, &small, &page).unwrap().ecm, Some(FrameSize::Octets64));
        let v29 = Capability { speeds: SpeedSet::ALL.without_modulation(Modulation::V17), ..FULL };
        assert_eq!(agreed(&FULL, &v29, &page).unwrap().speed, Speed::V29At9600);
    }

    /// JBIG needs ECM and both ends, and a sender that is allowed to.
    #[test]
    fn jbig_is_taken_only_where_it_is_allowed() {
        let page = a4(Resolution::R204x196, 297);
        let jbig = Capability { jbig: true, ..FULL };
        let no_ecm = Capability { ecm: false, ..jbig };
        for (allowed, remote, coding) in [
            (jbig, jbig, PageCoding::Jbig),
            (FULL, jbig, PageCoding::Mmr),
            (jbig, FULL, PageCoding::Mmr),
            (jbig, no_ecm, PageCoding::Mr),
            (no_ecm, jbig, PageCoding::Mr),
        ] {
            assert_eq!(agreed(&allowed, &remote, &page).unwrap().coding, coding);
        }
    }

    #[test]
    fn what_cannot_be_printed_is_said() {
        let fine = a4(Resolution::R204x196, 297);
        let plain = Capability { fine: false, superfine: false, dpi300: false, dpi400: false, ..FULL };
        let none = Capability { speeds: SpeedSet::NONE, ..FULL };
        let deaf = Capability { can_receive: false, ..FULL };
        let narrow = Capability { width: PaperWidth::A4, ..FULL };
        let short = Capability { length: PaperLength::A4, ..FULL };
        let legal = Capability { length: PaperLength::Legal, ..FULL };
        let b4 = Capability { length: PaperLength::B4, ..FULL };
        let a3 = Page::white(2432, 100, Resolution::R204x98);
        let odd = Page::white(1000, 100, Resolution::R204x98);
        let table = [
            (plain, &fine, Some(Incompatibility::Resolution)),
            (plain, &a4(Resolution::R400x400, 100), Some(Incompatibility::Resolution)),
            (none, &fine, Some(Incompatibility::Modulation)),
            (deaf, &fine, Some(Incompatibility::NotAReceiver)),
            (narrow, &a3, Some(Incompatibility::Width)),
            (FULL, &odd, Some(Incompatibility::Width)),
            (short, &a4(Resolution::R204x98, 356), Some(Incompatibility::Length)),
            (legal, &a4(Resolution::R204x98, 356), None),
            (legal, &a4(Resolution::R204x98, 370), Some(Incompatibility::Length)),
            (b4, &a4(Resolution::R204x98, 370), None),
            (b4, &a4(Resolution::R204x98, 600), Some(Incompatibility::Length)),
            (FULL, &a4(Resolution::R204x98, 600), None),
            (FULL, &a3, None),
        ];
        for (remote, page, why) in table {
            assert_eq!(agreed(&FULL, &remote, page).err(), why, "{page:?} to {remote}");
        }
    }

    #[test]
    fn two_hundred_dpi_goes_as_fine_where_inches_are_unknown() {
        let page = a4(Resolution::R200x200, 280);
        let metric = Capability { inch: false, ..FULL };
        assert_eq!(agreed(&FULL, &FULL, &page).unwrap().resolution, Resolution::R200x200);
        assert_eq!(agreed(&FULL, &metric, &page).unwrap().resolution, Resolution::R204x196);
    }

    #[test]
    fn a_slow_printer_is_given_its_time_without_ecm() {
        let time =
            |standard_ms, fine_is_half| ScanTime { standard_ms, fine_is_half, superfine_is_half: false };
        let page = a4(Resolution::R204x196, 297);
        for (scan_time, ms) in
            [(time(20, true), 10), (time(40, false), 40), (time(5, true), 5), (time(0, false), 0)]
        {
            let remote = Capability { scan_time, ecm: false, ..FULL };
            assert_eq!(agreed(&FULL, &remote, &page).unwrap().scan_time_ms, ms);
        }
    }

    #[test]
    fn another_kind_of_page_needs_a_new_dcs() {
        let fine = agreed(&FULL, &FULL, &a4(Resolution::R204x196, 297)).unwrap();
        let slow = Settings { speed: Speed::V29At7200, ..fine };
        let standard = Settings { resolution: Resolution::R204x98, ..fine };
        let a4_only = Settings { length: PaperLength::A4, ..fine };
        assert!(may_follow(&slow, &fine));
        assert!(!may_follow(&fine, &standard));
        assert!(may_follow(&fine, &a4_only));
        assert!(!may_follow(&a4_only, &fine));
    }
}
