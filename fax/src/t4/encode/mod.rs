//! Pages to bits.
//!
//! Encoding cannot fail: every row of every width has a code. A row that is shorter than the width is white where it
//! ends.

mod one_dimensional;
#[cfg(test)]
mod plain;
mod row;
mod two_dimensional;
mod words;
mod writer;

use super::table::{EOL, tag_bit};
use super::{BitOrder, Coding};
use crate::page::{Page, Resolution};
use alloc::vec::Vec;
use one_dimensional::row_1d;
use row::{Changes, Pixels};
use two_dimensional::Codes;
use words::Word;
use writer::BitWriter;

/// EOLs that make the end of an MH or MR page, RTC (T.4 clause 4.1.4).
const RTC_EOLS: usize = 6;
/// EOLs that make the end of an MMR page, EOFB (T.6 clause 2.4.1.1).
const EOFB_EOLS: usize = 2;

/// What an encoder puts around the rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EncodeOptions {
    /// The coding scheme.
    pub coding: Coding,
    /// MR: of this many rows, the first is coded one-dimensionally, so that damage ends there. 0 counts as 1.
    pub k: u32,
    /// MH and MR: an EOL before each row. MR cannot be read without.
    pub eol: bool,
    /// MH and MR: fill before each EOL, so that it (MR: its tag bit) ends on an octet boundary (RFC 3949 clause 4.5.3).
    pub eol_aligned: bool,
    /// MH and MR: bits of EOL, data and fill together that a row has at least, so that a slow printer keeps up
    /// (T.4 clause 3). 0 for none.
    pub row_bits_min: u32,
    /// RTC (MH, MR) or EOFB (MMR) after the last row.
    pub end_marker: bool,
    /// Which bit of an octet is the first.
    pub bit_order: BitOrder,
}

impl EncodeOptions {
    /// What goes over a telephone line: EOL before each row and RTC at the end, or rows and EOFB.
    #[must_use]
    pub fn line(coding: Coding, resolution: Resolution) -> Self {
        Self {
            coding,
            k: Self::k_of(resolution),
            eol: true,
            eol_aligned: false,
            row_bits_min: 0,
            end_marker: true,
            bit_order: BitOrder::MsbFirst,
        }
    }

    /// What goes into a TIFF file: EOLs that end on octet boundaries, and no RTC; or rows and EOFB
    /// (RFC 3949 clauses 4.5.3, 4.5.5 and 4.5.6).
    #[must_use]
    pub fn tiff(coding: Coding, resolution: Resolution) -> Self {
        Self { eol_aligned: true, end_marker: coding == Coding::Mmr, ..Self::line(coding, resolution) }
    }

    /// T.4 clause 4.2.2: K is 2 at standard resolution and grows with the rows to an inch.
    fn k_of(resolution: Resolution) -> u32 {
        match resolution {
            Resolution::R204x98 => 2,
            Resolution::R204x196 | Resolution::R200x200 => 4,
            Resolution::R300x300 => 6,
            Resolution::R204x391 | Resolution::R400x400 => 8,
        }
    }
}

/// Encodes a whole page.
#[must_use]
pub fn encode(page: &Page, options: &EncodeOptions) -> Vec<u8> {
    let mut octets = Vec::new();
    encode_into(page, options, &mut octets);
    octets
}

/// As [`encode()`], in the place of what `octets` holds: its memory is used again.
pub fn encode_into(page: &Page, options: &EncodeOptions, octets: &mut Vec<u8>) {
    let mut encoder = Encoder::new(page.width(), *options);
    encoder.out = BitWriter::new(core::mem::take(octets), options.bit_order);
    for row in page.iter_rows() {
        encoder.row(row);
    }
    *octets = encoder.finish();
}

/// Encodes a page row by row.
#[derive(Debug)]
pub struct Encoder {
    options: EncodeOptions,
    width: u32,
    out: BitWriter,
    /// Where the row before began, EOL included.
    row_start_bits: usize,
    /// This row and, but for MH, its changing elements.
    pixels: Pixels,
    changes: Changes,
    /// The changing elements of the row before.
    reference: Changes,
    codes: Codes,
    /// MR: two-dimensional rows before the next one-dimensional one.
    rows_to_1d: u32,
}

impl Encoder {
    /// An encoder for a page of rows of `width` pixels.
    #[must_use]
    pub fn new(width: u32, options: EncodeOptions) -> Self {
        Self {
            options,
            width,
            out: BitWriter::new(Vec::new(), options.bit_order),
            row_start_bits: 0,
            pixels: Pixels::white(width),
            changes: Changes::white(width),
            reference: Changes::white(width),
            codes: Codes::new(width),
            rows_to_1d: 0,
        }
    }

    /// Encodes the next row, packed as in [`Page`].
    pub fn row(&mut self, row: &[u8]) {
        match self.options.coding {
            Coding::Mh => {
                self.eol(None);
                self.row_1d(row);
            }
            Coding::Mr => {
                let one_dimensional = self.rows_to_1d == 0;
                let rows_to_1d = if one_dimensional { self.options.k.max(1) } else { self.rows_to_1d };
                self.rows_to_1d = rows_to_1d - 1;
                self.eol(Some(one_dimensional));
                if one_dimensional {
                    self.row_1d(row);
                } else {
                    self.row_2d(row);
                }
            }
            Coding::Mmr => self.row_2d(row),
        }
    }

    fn row_1d(&mut self, row: &[u8]) {
        if self.pixels.read(row, self.width) && self.options.coding != Coding::Mh {
            self.changes.read(&self.pixels, self.width);
        }
        self.out.put_all(row_octets_max(self.width), |pen| row_1d(pen, &self.pixels, self.width));
    }

    fn row_2d(&mut self, row: &[u8]) {
        let octets_max = row_octets_max(self.width);
        if self.pixels.read(row, self.width) {
            core::mem::swap(&mut self.reference, &mut self.changes);
            self.changes.read(&self.pixels, self.width);
            self.codes.read(&self.reference, &self.changes, self.width);
            self.out.put_all(octets_max, |pen| pen.put_words(self.codes.words()));
        } else if self.width > 0 {
            self.out.put_all(octets_max, |pen| pen.repeat(1, self.changes.count() + 1));
        }
    }

    /// Takes out the octets that are complete, to send them while the rest is encoded.
    #[must_use]
    pub fn take(&mut self) -> Vec<u8> {
        self.out.take()
    }

    /// Ends the page: the rest of its octets, the last one filled up with zeros.
    #[must_use]
    pub fn finish(mut self) -> Vec<u8> {
        if self.options.end_marker {
            self.fill();
            let (eols, tag) = match self.options.coding {
                Coding::Mh => (RTC_EOLS, None),
                Coding::Mr => (RTC_EOLS, Some(true)),
                Coding::Mmr => (EOFB_EOLS, None),
            };
            (0..eols).for_each(|_| self.put_eol(tag));
        }
        self.out.finish()
    }

    /// Ends the row before and begins a row, with MR's tag bit: one-dimensional or not.
    fn eol(&mut self, tag: Option<bool>) {
        if !self.options.eol {
            return;
        }
        self.fill();
        let eol_bits = usize::from(EOL.length) + usize::from(tag.is_some());
        if self.options.eol_aligned {
            let end = self.out.position_bits() + eol_bits;
            self.out.zeros(end.next_multiple_of(8) - end);
        }
        self.row_start_bits = self.out.position_bits();
        self.put_eol(tag);
    }

    fn put_eol(&mut self, tag: Option<bool>) {
        self.out.put(Word::new(EOL));
        if let Some(one_dimensional) = tag {
            self.out.put(Word::new(tag_bit(one_dimensional)));
        }
    }

    /// Fills the row before, where EOLs show its end, up to the least length.
    fn fill(&mut self) {
        let row_bits = self.out.position_bits() - self.row_start_bits;
        if self.options.eol && self.options.coding != Coding::Mmr && row_bits > 0 {
            let row_bits_min = self.options.row_bits_min as usize;
            self.out.zeros(row_bits_min.saturating_sub(row_bits));
        }
    }
}

/// Octets that a row always fits into: no code takes more than eight bits for a pixel, but at the left edge, where a white
/// run may be empty, and for the empty run at the right edge.
fn row_octets_max(width: u32) -> usize {
    width as usize + 16
}

#[cfg(test)]
mod tests {
    use super::plain::{Row, row_1d, row_2d};
    use super::*;
    use alloc::string::String;
    use proptest::prelude::*;

    /// Runs that are mostly short, some long, some empty; the next row has them too, a little moved.
    fn any_rows() -> impl Strategy<Value = (Vec<Vec<bool>>, u32)> {
        let run = prop_oneof![8 => 1usize..6, 2 => 0usize..70, 1 => 0usize..3000];
        let shift = prop_oneof![3 => Just(0i32), 4 => -4i32..5, 1 => -60i32..60];
        let runs = prop::collection::vec((run, prop::collection::vec(shift, 5)), 0..60);
        let width = prop_oneof![1u32..200, Just(1728), 1u32..6000];
        (runs, width).prop_map(|(runs, width)| {
            let row = |y: usize| {
                let (mut row, mut black) = (Vec::new(), false);
                for (run, shifts) in &runs {
                    let moved = (*run as i32 + shifts[y]).max(0) as usize;
                    row.resize(row.len() + moved, black);
                    black = !black;
                }
                row.resize(width as usize, black);
                row
            };
            ((0..5).map(row).collect(), width)
        })
    }

    fn packed(row: &[bool]) -> Vec<u8> {
        let octet =
            |bits: &[bool]| (0..8).fold(0, |octet, i| octet << 1 | u8::from(bits.get(i) == Some(&true)));
        row.chunks(8).map(octet).collect()
    }

    fn text(octets: &[u8]) -> String {
        octets.iter().map(|octet| alloc::format!("{octet:08b}")).collect()
    }

    proptest! {
        #[test]
        fn rows_have_the_codes_of_the_procedure((rows, width) in any_rows()) {
            let bare = |coding| EncodeOptions {
                eol: false,
                end_marker: false,
                ..EncodeOptions::line(coding, Resolution::R204x196)
            };
            let (mut mh, mut mmr) = (Encoder::new(width, bare(Coding::Mh)), Encoder::new(width, bare(Coding::Mmr)));
            let (mut mh_text, mut mmr_text) = (String::new(), String::new());
            let mut reference = Row(alloc::vec![false; width as usize]);
            for row in rows {
                mh.row(&packed(&row));
                mmr.row(&packed(&row));
                let row = Row(row);
                mh_text += &row_1d(&row);
                mmr_text += &row_2d(&reference, &row);
                reference = row;
            }
            for (encoder, expected) in [(mh, mh_text), (mmr, mmr_text)] {
                let bits = encoder.out.position_bits();
                prop_assert_eq!(bits, expected.len());
                prop_assert_eq!(&text(&encoder.finish())[..bits], &expected);
            }
        }
    }
}
