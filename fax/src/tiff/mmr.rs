//! A page in MMR, as file formats embed it whole: TIFF profile F and PDF.
//!
//! What came over the line in MMR, or stands in a file, need not be decoded to a bitmap and encoded again: it is
//! looked through once, row by row, and kept as it is.

use crate::page::{Page, Resolution};
use crate::t4::{Coding, Damage, DecodeOptions, Decoder, EncodeOptions, End, decode, encode};
use alloc::vec::Vec;
use core::fmt;

/// EOFB as the last 24 bits (T.6 clause 2.4.1.1).
const EOFB: u32 = 0x00_1001;
const EOFB_OCTETS: usize = 3;

/// A page in MMR that is whole: rows of the right length, and EOFB after the last.
#[derive(Clone, PartialEq, Eq)]
pub struct MmrPage {
    width: u32,
    rows: u32,
    resolution: Resolution,
    data: Vec<u8>,
}

impl MmrPage {
    /// Encodes a page.
    #[must_use]
    pub fn encode(page: &Page) -> Self {
        let (width, rows, resolution) = (page.width(), page.rows(), page.resolution());
        let data = encode(page, &EncodeOptions::tiff(Coding::Mmr, resolution));
        Self { width, rows, resolution, data }
    }

    /// Takes coded data, most significant bit first, and counts their rows. What follows EOFB is cut off: pad of the last
    /// frame, for instance.
    ///
    /// # Errors
    ///
    /// [`Damage`]: the data are not a whole page with EOFB, or there are more than [`Page::ROWS_MAX`] rows.
    pub fn new(width: u32, resolution: Resolution, mut data: Vec<u8>) -> Result<Self, Damage> {
        while data.last() == Some(&0) {
            data.pop();
        }
        if !ends_in_eofb(&data) {
            return Err(Damage::Truncated);
        }
        let mut decoder = Decoder::new(&data, DecodeOptions::line(Coding::Mmr, width));
        let (mut row, mut rows) = (Vec::new(), 0);
        let end = loop {
            row.clear();
            match decoder.row(&mut row) {
                Ok(_) => rows += 1,
                Err(end) => break end,
            }
        };
        match end {
            End::Marker if rows > 0 => Ok(Self { width, rows, resolution, data }),
            End::Damage(damage) => Err(damage),
            End::Marker | End::Data => Err(Damage::Truncated),
            End::RowsMax => Err(Damage::Length),
        }
    }

    /// Pixels in a row.
    #[must_use]
    pub fn width(&self) -> u32 {
        self.width
    }

    /// The number of rows.
    #[must_use]
    pub fn rows(&self) -> u32 {
        self.rows
    }

    /// The resolution the rows are meant for.
    #[must_use]
    pub fn resolution(&self) -> Resolution {
        self.resolution
    }

    /// The coded data with EOFB, most significant bit first.
    #[must_use]
    pub fn data(&self) -> &[u8] {
        &self.data
    }

    /// Decodes the page.
    #[must_use]
    pub fn decode(&self) -> Page {
        let options = DecodeOptions { rows_max: self.rows, ..DecodeOptions::line(Coding::Mmr, self.width) };
        let page = decode(&self.data, &options).into_page(self.resolution);
        page.unwrap_or_else(|| Page::white(self.width, self.rows, self.resolution))
    }
}

impl fmt::Debug for MmrPage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { width, rows, resolution, data } = self;
        write!(f, "MmrPage({width}×{rows} at {resolution}, {} octets)", data.len())
    }
}

/// Whether the last bits that are not pad are EOFB. The decoder stops at the first half of it.
fn ends_in_eofb(data: &[u8]) -> bool {
    let Some(tail) = data.len().checked_sub(EOFB_OCTETS + 1).and_then(|at| data.get(at..)) else {
        // EOFB alone is no page.
        return false;
    };
    let bits = tail.iter().fold(0u32, |bits, &octet| bits << 8 | u32::from(octet));
    bits >> bits.trailing_zeros() & 0x00FF_FFFF == EOFB
}
