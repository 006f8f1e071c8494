//! Pages to image data and back, as the DCS says.

use super::settings::Settings;
use crate::page::Page;
use crate::session::Quality;
use crate::t4::{self, BitOrder, Coding, DecodeOptions, EncodeOptions, End};
use crate::t85;
use alloc::vec::Vec;

/// A page as it goes on the line, the least significant bit of a byte first.
pub(super) fn encode(page: &Page, settings: &Settings) -> Vec<u8> {
    let Some(coding) = settings.coding.t4() else {
        // JBIG is octets, not bits: they go as they are.
        return t85::encode(page, &t85::EncodeOptions::default());
    };
    let options = EncodeOptions {
        row_bits_min: row_bits_min(settings),
        bit_order: BitOrder::LsbFirst,
        ..EncodeOptions::line(coding, settings.resolution)
    };
    t4::encode(page, &options)
}

/// Bits that a row has at least, so that the printer keeps up (T.4 clause 3).
fn row_bits_min(settings: &Settings) -> u32 {
    (settings.speed.bit_rate() * u32::from(settings.scan_time_ms)).div_ceil(1000)
}

/// A page as it was read off the line.
pub(super) struct Decoded {
    pub page: Page,
    pub quality: Quality,
    /// The end of the page was marked (RTC, EOFB).
    pub ended: bool,
    /// The page is longer than any page may be.
    pub too_long: bool,
}

/// Reads image data; `None` where not even a width is known.
pub(super) fn decode(data: &[u8], settings: &Settings) -> Option<Decoded> {
    match settings.coding.t4() {
        Some(coding) => decode_t4(data, coding, settings),
        None => decode_jbig(data, settings),
    }
}

fn decode_t4(data: &[u8], coding: Coding, settings: &Settings) -> Option<Decoded> {
    let line = DecodeOptions::line(coding, settings.row_pixels());
    let decoded = t4::decode(data, &DecodeOptions { bit_order: BitOrder::LsbFirst, ..line });
    let quality = Quality {
        rows_good: decoded.good_rows,
        // Where nothing after a damage can be read, that is one bad row, however many were lost.
        rows_bad: decoded.bad_rows + u32::from(matches!(decoded.end, End::Damage(_))),
        bad_run_rows_max: decoded.bad_run_rows,
    };
    Some(Decoded {
        quality,
        ended: decoded.ended(),
        too_long: decoded.end == End::RowsMax,
        page: decoded.into_page(settings.resolution)?,
    })
}

fn decode_jbig(data: &[u8], settings: &Settings) -> Option<Decoded> {
    let options = t85::DecodeOptions { width_max: settings.row_pixels(), ..t85::DecodeOptions::default() };
    let decoded = t85::decode(data, &options);
    let lost = u32::from(!decoded.complete());
    Some(Decoded {
        quality: Quality { rows_good: decoded.rows(), rows_bad: lost, bad_run_rows_max: lost },
        ended: decoded.complete(),
        too_long: decoded.end == t85::End::RowsMax,
        page: decoded.into_page(settings.resolution)?,
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::capability::PaperLength;
    use super::*;
    use crate::carrier::Speed;
    use crate::page::{PaperWidth, Resolution};
    use crate::session::PageCoding;

    fn jbig() -> Settings {
        Settings {
            speed: Speed::V29At9600,
            resolution: Resolution::R204x196,
            width: PaperWidth::A4,
            length: PaperLength::Unlimited,
            coding: PageCoding::Jbig,
            ecm: None,
            scan_time_ms: 0,
        }
    }

    fn fan() -> Page {
        let mut page = Page::white(1728, 50, Resolution::R204x196);
        (0..50).for_each(|y| (y..y * 9).for_each(|x| page.set(x, y, x % 3 != 0)));
        page
    }

    #[test]
    fn pages_read_back_in_every_coding() {
        let page = fan();
        for coding in [PageCoding::Mh, PageCoding::Mr, PageCoding::Mmr, PageCoding::Jbig] {
            let scan_time_ms = if coding < PageCoding::Mmr { 20 } else { 0 };
            let settings = Settings { coding, scan_time_ms, ..jbig() };
            let data = encode(&page, &settings);
            assert!(coding >= PageCoding::Mmr || data.len() * 8 >= 50 * 192, "20 ms at 9600 bit/s");
            let decoded = decode(&data, &settings).unwrap();
            assert!(decoded.ended && !decoded.too_long);
            assert_eq!(decoded.page, page);
            assert_eq!(decoded.quality.rows_bad, 0);
        }
    }
    /// The header of T.85 comes in the order of its octets: layers, planes, then the width; each octet goes on the
    /// line with its least significant bit first, not turned round as T.4's bits are.
    #[test]
    fn jbig_octets_are_not_turned_round() {
        let (page, settings) = (fan(), jbig());
        let data = encode(&page, &settings);
        assert_eq!(data[..8], [0, 0, 1, 0, 0, 0, 0x06, 0xC0]);
        // What fills the last frame of ECM is no part of the page.
        let filled = [&data[..], &[0; 100]].concat();
        assert_eq!(decode(&filled, &settings).unwrap().page, page);
        let cut = decode(&data[..data.len() / 2], &settings).unwrap();
        assert!(!cut.ended && cut.quality.rows_bad == 1);
        assert!(decode(&[0; 200], &settings).is_none());
    }
}
