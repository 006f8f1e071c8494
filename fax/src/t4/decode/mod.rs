//! Bits to rows.
//!
//! Between EOLs, a row that is damaged is lost alone (`framed`). Without EOLs, and in MMR, the first damage ends the page.
//!
//! Time grows with the data and the rows, memory with the rows; both have the caller's limits.

mod decoder;
mod framed;
mod lanes;
mod modes;
mod paint;
mod pixels;
mod reader;
mod row;
mod row_2d;
mod runs;

pub use decoder::Decoder;
pub use row::Damage;

use super::table::EOL_ZEROS;
use super::{BitOrder, Coding};
use crate::page::{Page, Resolution};
use alloc::vec::Vec;
use reader::BitReader;

/// How MH rows are kept apart. MR rows have EOLs, MMR rows have nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Framing {
    /// An EOL, after any fill, stands between rows (T.4).
    Eol,
    /// A row begins where the row before ended.
    Bare,
    /// A row begins at the next octet boundary (TIFF compression 2).
    Octets,
    /// A row begins at the next boundary of two octets (TIFF compression 32771).
    Words,
}

/// What becomes of a row that is damaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum LostRows {
    /// The row above once more.
    #[default]
    Repeat,
    /// A white row.
    White,
}

/// What is to be decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DecodeOptions {
    /// The coding scheme.
    pub coding: Coding,
    /// What stands between MH rows.
    pub framing: Framing,
    /// Pixels in a row, up to [`WIDTH_MAX`](Self::WIDTH_MAX).
    pub width: u32,
    /// Rows after which decoding stops.
    pub rows_max: u32,
    /// How the bits lie in the octets.
    pub bit_order: BitOrder,
    /// What a damaged row becomes.
    pub lost_rows: LostRows,
}

impl Framing {
    /// How the MH rows in `data` are kept apart, where nobody says: an EOL shows itself within the first row.
    #[must_use]
    pub fn detect(data: &[u8], width: u32, bit_order: BitOrder) -> Self {
        // No run needs more than 6 bits a pixel, and a row may begin with an empty white run.
        let row_octets_max = (width as usize + 2).saturating_mul(6) / 8 + 2 * (EOL_ZEROS + 1);
        let mut bits = BitReader::new(data.get(..row_octets_max).unwrap_or(data), bit_order);
        if bits.find_eol() { Self::Eol } else { Self::Bare }
    }
}

impl DecodeOptions {
    /// The widest rows that can be decoded; wider ones are [`Damage::Length`] at once.
    pub const WIDTH_MAX: u32 = lanes::WIDTH_MAX;

    /// The octets that [`decode`] allocates at most, whatever the data: those of all rows, as often as a growing buffer may
    /// need them for a moment, and the decoder's own.
    #[must_use]
    pub fn octets_max(&self) -> usize {
        const GROWTH: usize = 3;
        let rows_octets = Page::stride_of(self.width).saturating_mul(self.rows_max as usize);
        rows_octets.saturating_mul(GROWTH).saturating_add(Decoder::OCTETS)
    }

    /// What comes over a telephone line: MH and MR rows with EOLs, and the longest page there is. The most significant
    /// bit comes first all the same, as [`encode`](super::encode()) has it.
    #[must_use]
    pub fn line(coding: Coding, width: u32) -> Self {
        Self {
            coding,
            framing: Framing::Eol,
            width,
            rows_max: Page::ROWS_MAX,
            bit_order: BitOrder::MsbFirst,
            lost_rows: LostRows::Repeat,
        }
    }
}

/// Why no more rows come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum End {
    /// RTC or EOFB: the sender said that the page ends.
    Marker,
    /// The data ended after a whole row.
    Data,
    /// The limit of rows is reached; more may follow.
    RowsMax,
    /// This damage, in data where nothing after it can be trusted; or, between EOLs, a damaged row that is the last.
    Damage(Damage),
}

/// How a row came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RowQuality {
    /// It has the right number of pixels.
    Good,
    /// It was damaged, and is what [`LostRows`] says.
    Bad,
}

/// A decoded page.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Decoded {
    /// Pixels in a row.
    pub width: u32,
    /// The rows, good and bad, packed as in [`Page`].
    pub bits: Vec<u8>,
    /// Rows with the right number of pixels.
    pub good_rows: u32,
    /// Rows that were damaged and replaced.
    pub bad_rows: u32,
    /// The longest sequence of bad rows.
    pub bad_run_rows: u32,
    /// Why no more rows came.
    pub end: End,
}

impl Decoded {
    /// Whether the sender's mark of the end (RTC or EOFB) was seen.
    #[must_use]
    pub fn ended(&self) -> bool {
        self.end == End::Marker
    }

    /// The rows as a page; `None` where the width is 0.
    #[must_use]
    pub fn into_page(self, resolution: Resolution) -> Option<Page> {
        Page::from_bits(self.width, resolution, self.bits)
    }
}

/// Decodes a whole page.
#[must_use]
pub fn decode(data: &[u8], options: &DecodeOptions) -> Decoded {
    decode_into(Vec::new(), data, options)
}

/// As [`decode`], into a buffer that was used before: what is in it is forgotten, its memory is kept.
#[must_use]
pub fn decode_into(mut bits: Vec<u8>, data: &[u8], options: &DecodeOptions) -> Decoded {
    bits.clear();
    let mut decoder = Decoder::new(data, *options);
    let (mut good_rows, mut bad_rows, mut bad_run_rows, mut bad_run) = (0, 0, 0, 0);
    let end = loop {
        match decoder.row(&mut bits) {
            Ok(RowQuality::Good) => {
                good_rows += 1;
                bad_run = 0;
            }
            Ok(RowQuality::Bad) => {
                bad_rows += 1;
                bad_run += 1;
                bad_run_rows = bad_run_rows.max(bad_run);
            }
            Err(end) => break end,
        }
    };
    Decoded { width: options.width, bits, good_rows, bad_rows, bad_run_rows, end }
}
