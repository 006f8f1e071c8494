//! Pages to coded data.
//!
//! Encoding cannot fail. A stripe is sent when the next one begins, so that the number of rows, where it is only known
//! at the end, stands before the last stripe and no decoder has to guess how many rows that one has.

use super::arith_encode::ArithEncoder;
use super::header::{ESC, Header, NEWLEN, ROWS_UNKNOWN, SDNORM};
use super::row::Rows;
use super::template::{Coder, Template, code_row};
use crate::page::Page;
use alloc::vec::Vec;

/// Rows in a stripe that every receiver of T.85 can take.
const STRIPE_ROWS_BASIC: u32 = 128;

/// What an encoder may choose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EncodeOptions {
    /// L0: rows in a stripe. T.85 demands 128 unless the receiver takes any number (T.30 bit 79, "L0"). 0 counts as 1.
    pub stripe_rows: u32,
    /// LRLTWO: predict from two lines instead of three. A little faster, and codes a little worse.
    pub two_lines: bool,
    /// TPBON: a row that equals the row above is one symbol.
    pub typical: bool,
}

impl Default for EncodeOptions {
    /// Stripes of 128 rows, three lines, typical prediction: what every receiver takes.
    fn default() -> Self {
        Self { stripe_rows: STRIPE_ROWS_BASIC, two_lines: false, typical: true }
    }
}

/// Encodes a whole page.
#[must_use]
pub fn encode(page: &Page, options: &EncodeOptions) -> Vec<u8> {
    let mut encoder = Encoder::new(page.width(), Some(page.rows()), *options);
    for row in page.iter_rows() {
        encoder.row(row);
    }
    encoder.finish()
}

/// Encodes a page row by row.
#[derive(Debug)]
pub struct Encoder {
    header: Header,
    rows: u32,
    lines: Rows,
    coder: ArithEncoder,
    template: Template,
    /// Whether the row above was typical.
    was_typical: bool,
    stripe_rows: u32,
    out: Vec<u8>,
}

impl Encoder {
    /// An encoder for a page of rows of `width` pixels.
    ///
    /// Where the number of rows is `None`, coded data says it at its end (VLENGTH and NEWLEN). Where it is given, rows
    /// beyond it are left out, and rows that are missing in the end are white.
    #[must_use]
    pub fn new(width: u32, rows: Option<u32>, options: EncodeOptions) -> Self {
        let header = Header {
            width,
            rows: rows.unwrap_or(ROWS_UNKNOWN),
            stripe_rows: options.stripe_rows.max(1),
            two_lines: options.two_lines,
            variable_length: rows.is_none(),
            typical: options.typical,
        };
        Self {
            header,
            rows: 0,
            lines: Rows::new(width),
            coder: ArithEncoder::new(),
            template: Template { two_lines: options.two_lines, moved: 0 },
            was_typical: false,
            stripe_rows: 0,
            out: header.to_octets().to_vec(),
        }
    }

    /// Encodes the next row, packed as in [`Page`]. A row that is shorter than the width is white where it ends.
    pub fn row(&mut self, row: &[u8]) {
        if self.rows == self.header.rows {
            return;
        }
        if self.stripe_rows == self.header.stripe_rows {
            self.end_stripe();
        }
        self.rows += 1;
        self.stripe_rows += 1;
        self.lines.read(row);
        let is_typical = self.header.typical && self.lines.is_typical();
        let mut coder = self.coder.row();
        if self.header.typical {
            // SLNTP (T.82 clause 6.4.2.3): 1 where it is with this row as with the row above.
            coder.pixel(self.template.typical_context(), u32::from(is_typical == self.was_typical));
            self.was_typical = is_typical;
        }
        if !is_typical {
            let (above, current) = self.lines.parts();
            coder = code_row(coder, self.template, above, current, self.header.width);
        }
        coder.end();
        self.lines.next();
    }

    /// Takes out the octets that are complete, to send them while the rest is encoded.
    #[must_use]
    pub fn take(&mut self) -> Vec<u8> {
        core::mem::take(&mut self.out)
    }

    /// Ends the page: the rest of its octets.
    #[must_use]
    pub fn finish(mut self) -> Vec<u8> {
        if self.header.variable_length {
            self.out.extend([ESC, NEWLEN]);
            self.out.extend(self.rows.to_be_bytes());
        }
        while !self.header.variable_length && self.rows < self.header.rows {
            self.row(&[]);
        }
        if self.stripe_rows > 0 {
            self.end_stripe();
        }
        self.out
    }

    fn end_stripe(&mut self) {
        self.out.extend(self.coder.flush());
        self.out.extend([ESC, SDNORM]);
        self.stripe_rows = 0;
    }
}
