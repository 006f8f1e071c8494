//! Rows between EOLs, on lines that turn bits over.
//!
//! A damaged row is lost alone: the decoder goes to the next EOL, in MR to the next row that is coded one-dimensionally. It
//! searches from where the damaged row began, since wrong code words may have swallowed a part of the EOL. A wrong bit in
//! an EOL, or one that makes an EOL of something else, must not cost rows that are whole, nor change how many they are:
//!
//! - After a row of the right length, an EOL counts as one even if a bit of it (or of the fill before it) is 1 by mistake.
//! - A damaged row may hold the EOL of the next one with such a bit. It is that EOL if a row of the right length follows
//!   that ends where the damaged one seemed to.
//! - An EOL by mistake cuts one row into two, both too short, and together no longer than a row. They are counted once.

use super::decoder::Decoder;
use super::reader::BitReader;
use super::row::{Damage, pixels_1d};
use super::{End, RowQuality};
use crate::t4::Coding;
use crate::t4::table::EOL_ZEROS;

/// EOLs without a row between them that are read as the end of the page. RTC has six; some may be damaged.
const END_EOLS: u32 = 3;
/// Places in a damaged row where the EOL of the next one is tried. That bounds the time that damage costs.
const HIDDEN_EOLS_MAX: usize = 16;

impl Decoder<'_> {
    /// A row between EOLs.
    pub(super) fn framed_row(&mut self) -> Result<RowQuality, End> {
        let mut first = self.bits.position_bits() == 0;
        loop {
            let (eols, one_dimensional) = self.skip_eols()?;
            self.within_rows()?;
            let start = self.bits;
            if self.decode_framed(one_dimensional) && self.take_row_end() {
                self.accept();
                self.reference_lost = false;
                self.short_pixels = None;
                return Ok(RowQuality::Good);
            }
            self.bits = start;
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
            if one_dimensional == Some(true) && self.is_rest_of_a_row(start) {
                continue;
            }
            self.take_hidden_eol(start);
            self.reference_lost = true;
            return Ok(RowQuality::Bad);
        }
    }

    /// Takes the EOLs before a row, with their fill and tag bits. Yields how many they were, and whether the row is
    /// one-dimensional: in MR nobody knows without EOL.
    fn skip_eols(&mut self) -> Result<(u32, Option<bool>), End> {
        let untagged = (!self.is_tagged()).then_some(true);
        let (mut eols, mut one_dimensional) = match self.taken_eol.take() {
            Some(tag) => (1, tag),
            None => (0, untagged),
        };
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
            one_dimensional = self.tag();
        }
    }

    fn is_tagged(&self) -> bool {
        self.options.coding == Coding::Mr
    }

    /// Takes the tag after an EOL: whether the row that follows is one-dimensional.
    fn tag(&mut self) -> Option<bool> {
        if !self.is_tagged() {
            return Some(true);
        }
        let tag = self.bits.peek(1) == 1;
        self.bits.skip(1);
        Some(tag)
    }

    /// Decodes a row; `false` where the row is damaged or refers to one that is lost.
    fn decode_framed(&mut self, one_dimensional: Option<bool>) -> bool {
        match one_dimensional {
            Some(true) => self.decode_1d().is_ok(),
            Some(false) if !self.reference_lost => self.decode_2d().is_ok(),
            _ => false,
        }
    }

    /// Whether the row ended where its code words said: at an EOL or the end of the data. An EOL with a wrong bit is taken.
    fn take_row_end(&mut self) -> bool {
        let Some(zeros) = self.bits.zeros() else { return true };
        if zeros >= EOL_ZEROS {
            return true;
        }
        let mut after = self.bits;
        after.skip(zeros + 1);
        match after.zeros() {
            Some(more) if zeros + 1 + more >= EOL_ZEROS => {
                after.skip(more + 1);
                self.bits = after;
                self.taken_eol = Some(self.tag());
                true
            }
            _ => false,
        }
    }

    /// Whether the damaged row from `start` is the second part of one that an EOL by mistake has cut in two.
    fn is_rest_of_a_row(&mut self, start: BitReader<'_>) -> bool {
        let pixels = pixels_1d(start, self.options.width);
        match (self.short_pixels.take(), pixels) {
            (Some(before), Some(pixels)) if before + pixels <= self.options.width => true,
            _ => {
                self.short_pixels = pixels;
                false
            }
        }
    }

    /// Goes to the row whose EOL the damaged row from `start` hides, if there is one; the reader stands at the EOL where
    /// the damaged row seems to end.
    fn take_hidden_eol(&mut self, start: BitReader<'_>) {
        let end = self.bits;
        let mut tried = 0;
        for at in start.position_bits()..end.position_bits() {
            if !end.is_eol_with_wrong_bit(at) {
                continue;
            }
            self.bits.seek(at + EOL_ZEROS + 1);
            let is_1d = self.tag() == Some(true);
            let row = self.bits;
            let ends_there = is_1d && self.decode_framed(Some(true)) && {
                self.bits.position_bits() == end.position_bits()
            };
            if ends_there {
                self.bits = row;
                self.taken_eol = Some(Some(true));
                self.short_pixels = None;
                return;
            }
            tried += 1;
            if tried == HIDDEN_EOLS_MAX {
                break;
            }
        }
        self.bits = end;
    }
}
