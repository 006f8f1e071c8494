//! Pages to image data and back, as the DCS says.

use super::settings::Settings;
use crate::page::Page;
use crate::session::Quality;
use crate::t4::{self, BitOrder, DecodeOptions, EncodeOptions, End};
use alloc::vec::Vec;

/// A page as it goes on the line, the least significant bit of a byte first.
pub(super) fn encode(page: &Page, settings: &Settings) -> Vec<u8> {
    let Some(coding) = settings.coding.t4() else {
        return Vec::new();
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
    let line = DecodeOptions::line(settings.coding.t4()?, settings.row_pixels());
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

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::capability::PaperLength;
    use super::*;
    use crate::carrier::Speed;
    use crate::page::{PaperWidth, Resolution};
    use crate::session::PageCoding;

    #[test]
    fn pages_read_back_in_every_coding() {
        let mut page = Page::white(1728, 50, Resolution::R204x196);
        (0..50).for_each(|y| (y..y * 9).for_each(|x| page.set(x, y, x % 3 != 0)));
        for coding in [PageCoding::Mh, PageCoding::Mr, PageCoding::Mmr] {
            let settings = Settings {
                speed: Speed::V29At9600,
                resolution: Resolution::R204x196,
                width: PaperWidth::A4,
                length: PaperLength::Unlimited,
                coding,
                ecm: None,
                scan_time_ms: if coding == PageCoding::Mmr { 0 } else { 20 },
            };
            let data = encode(&page, &settings);
            assert!(coding == PageCoding::Mmr || data.len() * 8 >= 50 * 192, "20 ms at 9600 bit/s");
            let decoded = decode(&data, &settings).unwrap();
            assert!(decoded.ended && !decoded.too_long);
            assert_eq!(decoded.page, page);
            assert_eq!(decoded.quality.rows_bad, 0);
        }
    }
}
