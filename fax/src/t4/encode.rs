//! Pages to bits.
//!
//! Encoding cannot fail: every row of every width has a code. A row that is shorter than the width is white where it
//! ends.

use super::Coding;
use super::bits::BitWriter;
use super::runs::Changes;
use super::table::{EOL, HORIZONTAL, PASS, VERTICAL, run_codes, tag_bit};
use crate::page::{Page, Resolution};
use alloc::vec::Vec;

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
    let mut encoder = Encoder::new(page.width(), *options);
    for row in page.iter_rows() {
        encoder.row(row);
    }
    encoder.finish()
}

/// Encodes a page row by row.
#[derive(Debug)]
pub struct Encoder {
    options: EncodeOptions,
    width: u32,
    out: BitWriter,
    /// Where the row before began, EOL included.
    row_start_bits: usize,
    /// The changing elements of the row before, and of this one.
    reference: Changes,
    coding: Changes,
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
            out: BitWriter::default(),
            row_start_bits: 0,
            reference: Changes::default(),
            coding: Changes::default(),
            rows_to_1d: 0,
        }
    }

    /// Encodes the next row, packed as in [`Page`].
    pub fn row(&mut self, row: &[u8]) {
        core::mem::swap(&mut self.reference, &mut self.coding);
        self.coding.read(row, self.width);
        match self.options.coding {
            Coding::Mh => {
                self.eol(None);
                self.row_1d();
            }
            Coding::Mr => {
                let one_dimensional = self.rows_to_1d == 0;
                let rows_to_1d = if one_dimensional { self.options.k.max(1) } else { self.rows_to_1d };
                self.rows_to_1d = rows_to_1d - 1;
                self.eol(Some(one_dimensional));
                if one_dimensional {
                    self.row_1d();
                } else {
                    self.row_2d();
                }
            }
            Coding::Mmr => self.row_2d(),
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
        self.out.put(EOL);
        if let Some(one_dimensional) = tag {
            self.out.put(tag_bit(one_dimensional));
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

    fn row_1d(&mut self) {
        let mut start = 0;
        let mut index = 0;
        while start < self.width {
            let end = self.coding.get(index, self.width);
            self.run(index % 2 == 1, end - start);
            start = end;
            index += 1;
        }
    }

    /// T.4 clause 4.2.1.3.2, the coding procedure; MMR's is the same (T.6 clause 2.2.5).
    fn row_2d(&mut self) {
        let width = self.width;
        let mut a0 = -1;
        let (mut a1_index, mut b1_index) = (0, 0);
        while a0 < i64::from(width) {
            let black = a1_index % 2 == 1;
            b1_index = self.reference.b1(b1_index, a0, black, width);
            let a1 = self.coding.get(a1_index, width);
            let b1 = self.reference.get(b1_index, width);
            let b2 = self.reference.get(b1_index + 1, width);
            let vertical = usize::try_from(i64::from(a1) - i64::from(b1) + 3).ok();
            if b2 < a1 {
                self.out.put(PASS);
                a0 = i64::from(b2);
            } else if let Some(&code) = vertical.and_then(|offset| VERTICAL.get(offset)) {
                self.out.put(code);
                a0 = i64::from(a1);
                a1_index += 1;
            } else {
                let a2 = self.coding.get(a1_index + 1, width);
                self.out.put(HORIZONTAL);
                self.run(black, a1 - u32::try_from(a0).unwrap_or(0));
                self.run(!black, a2 - a1);
                a0 = i64::from(a2);
                a1_index += 2;
            }
        }
    }

    fn run(&mut self, black: bool, pixels: u32) {
        for code in run_codes(black, pixels) {
            self.out.put(code);
        }
    }
}
