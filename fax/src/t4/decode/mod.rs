//! Bits to rows.
//!
//! Between EOLs, a row that is damaged is lost alone: the decoder goes to the next EOL (in MR, the next row that is
//! coded one-dimensionally). It searches from where the damaged row began, since wrong code words may have swallowed a
//! part of the EOL. Without EOLs, and in MMR, the first damage ends the page.
//!
//! Time grows with the data and the rows, memory with the rows; both have the caller's limits.

mod reader;
mod row;

pub use row::Damage;

use super::runs::Changes;
use super::table::EOL_ZEROS;
use super::{BitOrder, Coding};
use crate::page::{Page, Resolution};
use alloc::vec::Vec;
use reader::BitReader;
use row::{row_1d, row_2d};

/// EOLs without a row between them that are read as the end of the page. RTC has six; some may be damaged.
const END_EOLS: u32 = 3;

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
    /// Pixels in a row.
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

/// Decodes a page row by row.
#[derive(Debug)]
pub struct Decoder<'a> {
    bits: BitReader<'a>,
    options: DecodeOptions,
    rows: u32,
    end: Option<End>,
    /// The changing elements of the last good row (white before the first), and of the row in work.
    reference: Changes,
    coding: Changes,
    /// MR: the row above was lost, so that a two-dimensional row has nothing to refer to.
    reference_lost: bool,
}

impl<'a> Decoder<'a> {
    /// A decoder of the page in `data`.
    #[must_use]
    pub fn new(data: &'a [u8], options: DecodeOptions) -> Self {
        Self {
            bits: BitReader::new(data, options.bit_order),
            options,
            rows: 0,
            // Rows without pixels would never come to an end.
            end: (options.width == 0).then_some(End::Data),
            reference: Changes::default(),
            coding: Changes::default(),
            reference_lost: options.coding == Coding::Mr,
        }
    }

    /// Appends the next row to `out`, packed as in [`Page`].
    ///
    /// # Errors
    ///
    /// [`End`] where there is no row any more, and ever after; nothing is appended then.
    pub fn row(&mut self, out: &mut Vec<u8>) -> Result<RowQuality, End> {
        let quality = match (self.end, self.options.coding, self.options.framing) {
            (Some(end), ..) => Err(end),
            (None, Coding::Mh, Framing::Eol) | (None, Coding::Mr, _) => self.framed_row(),
            _ => self.bare_row(),
        };
        let quality = quality.inspect_err(|end| self.end = Some(*end))?;
        self.rows += 1;
        let start = out.len();
        out.resize(start + Page::stride_of(self.options.width), 0);
        if quality == RowQuality::Bad && self.options.lost_rows == LostRows::White {
            return Ok(quality);
        }
        if let Some(row) = out.get_mut(start..) {
            self.reference.paint(row, self.options.width);
        }
        Ok(quality)
    }

    /// A row between EOLs.
    fn framed_row(&mut self) -> Result<RowQuality, End> {
        let mut first = self.bits.position_bits() == 0;
        loop {
            let (eols, one_dimensional) = self.skip_eols()?;
            self.within_rows()?;
            let start = self.bits.position_bits();
            if self.decode_framed(one_dimensional) && self.is_at_row_end() {
                core::mem::swap(&mut self.reference, &mut self.coding);
                self.reference_lost = false;
                return Ok(RowQuality::Good);
            }
            self.bits.seek(start);
            let ended = !self.bits.find_eol();
            // A page begins with an EOL: what stands before it is the noise of a carrier that comes up.
            if first && eols == 0 {
                first = false;
                continue;
            }
            // And this is the noise of one that goes down.
            if ended {
                return Err(End::Damage(Damage::Truncated));
            }
            self.reference_lost = true;
            return Ok(RowQuality::Bad);
        }
    }

    /// A row of MMR, or of MH without EOLs.
    fn bare_row(&mut self) -> Result<RowQuality, End> {
        match (self.options.coding, self.options.framing) {
            (Coding::Mh, Framing::Octets) => self.bits.align(8),
            (Coding::Mh, Framing::Words) => self.bits.align(16),
            _ => {}
        }
        match self.bits.zeros() {
            None => return Err(End::Data),
            // An EOL, with which RTC and EOFB begin.
            Some(EOL_ZEROS) => return Err(End::Marker),
            Some(_) => {}
        }
        self.within_rows()?;
        let width = self.options.width;
        match self.options.coding {
            Coding::Mmr => row_2d(&mut self.bits, &self.reference, &mut self.coding, width),
            _ => row_1d(&mut self.bits, &mut self.coding, width),
        }
        .map_err(End::Damage)?;
        core::mem::swap(&mut self.reference, &mut self.coding);
        Ok(RowQuality::Good)
    }

    fn within_rows(&self) -> Result<(), End> {
        if self.rows < self.options.rows_max { Ok(()) } else { Err(End::RowsMax) }
    }

    /// Takes the EOLs before a row, with their fill and tag bits. Yields how many they were, and whether the row is
    /// one-dimensional: in MR nobody knows without EOL.
    fn skip_eols(&mut self) -> Result<(u32, Option<bool>), End> {
        let tagged = self.options.coding == Coding::Mr;
        let mut one_dimensional = (!tagged).then_some(true);
        let mut eols = 0;
        loop {
            match self.bits.zeros() {
                None => return Err(if eols > 1 { End::Marker } else { End::Data }),
                Some(zeros) if zeros < EOL_ZEROS => return Ok((eols, one_dimensional)),
                Some(zeros) => self.bits.skip(zeros + 1),
            }
            eols += 1;
            if eols == END_EOLS {
                return Err(End::Marker);
            }
            if tagged {
                one_dimensional = Some(self.bits.peek(1) == 1);
                self.bits.skip(1);
            }
        }
    }

    /// Decodes into `coding`; `false` where the row is damaged or refers to one that is lost.
    fn decode_framed(&mut self, one_dimensional: Option<bool>) -> bool {
        let width = self.options.width;
        match one_dimensional {
            Some(true) => row_1d(&mut self.bits, &mut self.coding, width).is_ok(),
            Some(false) if !self.reference_lost => {
                row_2d(&mut self.bits, &self.reference, &mut self.coding, width).is_ok()
            }
            _ => false,
        }
    }

    /// Whether the row ended where its code words said: at an EOL or the end of the data.
    fn is_at_row_end(&self) -> bool {
        self.bits.zeros().is_none_or(|zeros| zeros >= EOL_ZEROS)
    }
}
