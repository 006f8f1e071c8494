//! A page, row by row: what stands between rows, and what to do where one is damaged.

use super::lanes::Changes;
use super::paint::Painter;
use super::reader::BitReader;
use super::row::{Damage, row_1d, row_2d};
use super::{DecodeOptions, End, Framing, LostRows, RowQuality};
use crate::page::Page;
use crate::t4::Coding;
use crate::t4::table::EOL_ZEROS;
use alloc::vec::Vec;

/// EOLs without a row between them that are read as the end of the page. RTC has six; some may be damaged.
const END_EOLS: u32 = 3;

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
    painter: Painter,
    /// MR: the row above was lost, so that a two-dimensional row has nothing to refer to.
    reference_lost: bool,
}

impl<'a> Decoder<'a> {
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
            reference: Changes::white(width),
            coding: Changes::white(width),
            painter: Painter::new(width),
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
            self.painter.paint(&self.reference, row);
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
        if self.options.framing == Framing::Octets && self.options.coding == Coding::Mh {
            self.bits.align();
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
