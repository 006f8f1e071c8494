//! A page, row by row.

use super::lanes::Changes;
use super::paint::{Painter, Planes};
use super::pixels::Row;
use super::reader::BitReader;
use super::row::{Damage, row_1d};
use super::row_2d::{Outcome, row_2d};
use super::{DecodeOptions, End, Framing, LostRows, RowQuality};
use crate::page::Page;
use crate::t4::Coding;
use crate::t4::table::EOL_ZEROS;
use alloc::vec::Vec;

/// A row, as pixels, and as changing elements where two-dimensional coding asks for them.
#[derive(Debug)]
struct Line {
    pixels: Row,
    changes: Changes,
}

impl Line {
    fn white(width: u32) -> Self {
        Self { pixels: Row::white(), changes: Changes::white(width) }
    }
}

/// Decodes a page row by row.
#[derive(Debug)]
pub struct Decoder<'a> {
    pub(super) bits: BitReader<'a>,
    pub(super) options: DecodeOptions,
    rows: u32,
    end: Option<End>,
    /// The last good row (white before the first), and the row in work.
    reference: Line,
    coding: Line,
    /// The row in work is as the last good row, and was not written.
    repeated: bool,
    painter: Painter,
    /// MR: the row above was lost, so that a two-dimensional row has nothing to refer to.
    pub(super) reference_lost: bool,
    /// An EOL was taken that a wrong bit hides, and this is its tag.
    pub(super) taken_eol: Option<Option<bool>>,
    /// The pixels of the row before, if that was damaged and ended at an EOL too early.
    pub(super) short_pixels: Option<u32>,
}

impl<'a> Decoder<'a> {
    /// What a decoder allocates, all at its beginning: two rows, and four planes of one.
    pub const OCTETS: usize = 2 * (Row::OCTETS + Changes::OCTETS) + size_of::<Planes>();

    /// A decoder of the page in `data`.
    #[must_use]
    pub fn new(data: &'a [u8], options: DecodeOptions) -> Self {
        let (width, end) = match options.width {
            // Rows without pixels would never come to an end.
            0 => (0, Some(End::Data)),
            width if width > DecodeOptions::WIDTH_MAX => (0, Some(End::Damage(Damage::Length))),
            width => (width, None),
        };
        Self {
            bits: BitReader::new(data, options.bit_order),
            options,
            rows: 0,
            end,
            reference: Line::white(width),
            coding: Line::white(width),
            repeated: false,
            painter: Painter::new(width),
            reference_lost: options.coding == Coding::Mr,
            taken_eol: None,
            short_pixels: None,
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
        let stride = Page::stride_of(self.options.width);
        if quality == RowQuality::Bad && self.options.lost_rows == LostRows::White {
            out.resize(out.len() + stride, 0);
        } else {
            out.extend_from_slice(self.reference.pixels.octets(stride));
        }
        Ok(quality)
    }

    /// A row of MMR, or of MH without EOLs.
    fn bare_row(&mut self) -> Result<RowQuality, End> {
        match (self.options.coding, self.options.framing) {
            (Coding::Mh, Framing::Octets) => self.bits.align(),
            (Coding::Mh, Framing::Words) => self.bits.seek(self.bits.position_bits().next_multiple_of(16)),
            _ => {}
        }
        match self.bits.zeros() {
            None => return Err(End::Data),
            // An EOL, with which RTC and EOFB begin.
            Some(EOL_ZEROS) => return Err(End::Marker),
            Some(_) => {}
        }
        self.within_rows()?;
        match self.options.coding {
            Coding::Mmr => self.decode_2d(),
            _ => self.decode_1d(),
        }
        .map_err(End::Damage)?;
        self.accept();
        Ok(RowQuality::Good)
    }

    /// Decodes a one-dimensional row; [`accept`](Self::accept) may follow.
    pub(super) fn decode_1d(&mut self) -> Result<(), Damage> {
        let width = self.options.width;
        self.repeated = false;
        row_1d(&mut self.bits, &mut self.coding.pixels, width)?;
        if self.options.coding == Coding::Mr {
            self.coding.changes.find(self.coding.pixels.octets(Page::stride_of(width)), width);
        }
        Ok(())
    }

    /// Decodes a two-dimensional row; [`accept`](Self::accept) may follow.
    pub(super) fn decode_2d(&mut self) -> Result<(), Damage> {
        let width = self.options.width;
        match row_2d(&mut self.bits, &self.reference.changes, &mut self.coding.changes, width)? {
            Outcome::Repeated => self.repeated = true,
            Outcome::New => {
                self.repeated = false;
                let octets = self.coding.pixels.octets_mut(Page::stride_of(width));
                self.painter.paint(&self.coding.changes, octets);
            }
        }
        Ok(())
    }

    /// Makes the row in work the last good one.
    pub(super) fn accept(&mut self) {
        if !self.repeated {
            core::mem::swap(&mut self.reference, &mut self.coding);
        }
    }

    pub(super) fn within_rows(&self) -> Result<(), End> {
        if self.rows < self.options.rows_max { Ok(()) } else { Err(End::RowsMax) }
    }
}
