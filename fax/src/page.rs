//! A fax page: a packed bi-level bitmap with the resolution it was scanned for.
//!
//! Bits are packed most significant bit leftmost, 1 = black, and every row starts on a byte boundary.
//! Widths are those of ITU-T T.4 clause 2 and its table for 300 and 400 dpi.

use alloc::vec::Vec;
use core::fmt;

/// Pixels per inch, horizontally and vertically, of a page on the wire (ITU-T T.4, T.30 table 2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Resolution {
    /// 204×98 dpi (R8 × 3.85 lines/mm): "standard".
    R204x98,
    /// 204×196 dpi (R8 × 7.7 lines/mm): "fine".
    #[default]
    R204x196,
    /// 204×391 dpi (R8 × 15.4 lines/mm): "superfine".
    R204x391,
    /// 200×200 dpi, inch based.
    R200x200,
    /// 300×300 dpi, inch based.
    R300x300,
    /// 400×400 dpi (R16 × 15.4 lines/mm, or inch based).
    R400x400,
}

impl Resolution {
    /// Every resolution, from coarse to fine.
    pub const ALL: [Self; 6] =
        [Self::R204x98, Self::R204x196, Self::R204x391, Self::R200x200, Self::R300x300, Self::R400x400];

    /// Horizontal dots per inch.
    #[must_use]
    pub fn x_dpi(self) -> u32 {
        match self {
            Self::R204x98 | Self::R204x196 | Self::R204x391 => 204,
            Self::R200x200 => 200,
            Self::R300x300 => 300,
            Self::R400x400 => 400,
        }
    }

    /// Vertical dots per inch.
    #[must_use]
    pub fn y_dpi(self) -> u32 {
        match self {
            Self::R204x98 => 98,
            Self::R204x196 => 196,
            Self::R204x391 => 391,
            Self::R200x200 => 200,
            Self::R300x300 => 300,
            Self::R400x400 => 400,
        }
    }

    /// Pixels in a row of a sheet this wide (T.4: A4 1728, B4 2048, A3 2432 at 204 and 200 dpi).
    #[must_use]
    pub fn width(self, paper: PaperWidth) -> u32 {
        match (self.x_dpi(), paper) {
            (300, PaperWidth::A4) => 2592,
            (300, PaperWidth::B4) => 3072,
            (300, PaperWidth::A3) => 3648,
            (400, PaperWidth::A4) => 3456,
            (400, PaperWidth::B4) => 4096,
            (400, PaperWidth::A3) => 4864,
            (_, PaperWidth::A4) => 1728,
            (_, PaperWidth::B4) => 2048,
            (_, PaperWidth::A3) => 2432,
        }
    }
}

impl fmt::Display for Resolution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}×{}", self.x_dpi(), self.y_dpi())
    }
}

/// How wide a scan line is on paper (T.30 DIS bits 17 and 18). Letter and Legal share A4's line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum PaperWidth {
    /// 215 mm, 1728 pixels at 204 dpi.
    #[default]
    A4,
    /// 255 mm, 2048 pixels at 204 dpi.
    B4,
    /// 303 mm, 2432 pixels at 204 dpi.
    A3,
}

/// One bi-level page.
#[derive(Clone, PartialEq, Eq)]
pub struct Page {
    width: u32,
    resolution: Resolution,
    bits: Vec<u8>,
}

impl Page {
    /// The widest row that any part of the program handles, in pixels (A3 at 400 dpi is 4864).
    pub const WIDTH_MAX: u32 = 4864;
    /// The longest page that any part of the program handles, in rows (about 1.3 m at 391 lines/inch).
    pub const ROWS_MAX: u32 = 20_000;

    /// A page of `rows` white rows of `width` pixels.
    #[must_use]
    pub fn white(width: u32, rows: u32, resolution: Resolution) -> Self {
        let stride = Self::stride_of(width);
        Self { width, resolution, bits: alloc::vec![0; stride * rows as usize] }
    }

    /// A page from packed rows; `None` where `bits` is no whole number of rows or `width` is 0.
    ///
    /// Bits beyond `width` in the last byte of a row are cleared.
    #[must_use]
    pub fn from_bits(width: u32, resolution: Resolution, mut bits: Vec<u8>) -> Option<Self> {
        let stride = Self::stride_of(width);
        if stride == 0 || !bits.len().is_multiple_of(stride) {
            return None;
        }
        let spare = width % 8;
        if spare != 0 {
            let mask = 0xFFu8 << (8 - spare);
            for row in bits.chunks_exact_mut(stride) {
                row[stride - 1] &= mask;
            }
        }
        Some(Self { width, resolution, bits })
    }

    /// Bytes in a row of `width` pixels.
    #[must_use]
    pub fn stride_of(width: u32) -> usize {
        width.div_ceil(8) as usize
    }

    /// Pixels in a row.
    #[must_use]
    pub fn width(&self) -> u32 {
        self.width
    }

    /// The number of rows.
    #[must_use]
    pub fn rows(&self) -> u32 {
        u32::try_from(self.bits.len() / self.stride().max(1)).unwrap_or(u32::MAX)
    }

    /// The resolution the rows are meant for.
    #[must_use]
    pub fn resolution(&self) -> Resolution {
        self.resolution
    }

    /// Bytes in a row.
    #[must_use]
    pub fn stride(&self) -> usize {
        Self::stride_of(self.width)
    }

    /// All rows, packed, top to bottom.
    #[must_use]
    pub fn bits(&self) -> &[u8] {
        &self.bits
    }

    /// All rows, as [`bits`](Self::bits).
    #[must_use]
    pub fn into_bits(self) -> Vec<u8> {
        self.bits
    }

    /// The rows in order, each `stride()` bytes.
    pub fn iter_rows(&self) -> impl ExactSizeIterator<Item = &[u8]> + '_ {
        self.bits.chunks_exact(self.stride().max(1))
    }

    /// Row `y`, packed; `None` below the page.
    #[must_use]
    pub fn row(&self, y: u32) -> Option<&[u8]> {
        let stride = self.stride();
        let start = (y as usize).checked_mul(stride)?;
        self.bits.get(start..start.checked_add(stride)?)
    }

    /// Row `y` to write to; `None` below the page.
    pub fn row_mut(&mut self, y: u32) -> Option<&mut [u8]> {
        let stride = self.stride();
        let start = (y as usize).checked_mul(stride)?;
        self.bits.get_mut(start..start.checked_add(stride)?)
    }

    /// Whether the pixel is black; white outside the page.
    #[must_use]
    pub fn is_black(&self, x: u32, y: u32) -> bool {
        x < self.width && self.row(y).is_some_and(|row| row[(x / 8) as usize] & (0x80 >> (x % 8)) != 0)
    }

    /// Makes a pixel black or white; nothing happens outside the page.
    pub fn set(&mut self, x: u32, y: u32, black: bool) {
        if x >= self.width {
            return;
        }
        if let Some(row) = self.row_mut(y) {
            let mask = 0x80u8 >> (x % 8);
            let byte = &mut row[(x / 8) as usize];
            *byte = if black { *byte | mask } else { *byte & !mask };
        }
    }
}

impl fmt::Debug for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Page({}×{} at {})", self.width, self.rows(), self.resolution)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pixels_are_packed_from_the_left() {
        let mut page = Page::white(12, 2, Resolution::R204x98);
        page.set(0, 0, true);
        page.set(11, 1, true);
        page.set(12, 0, true);
        page.set(0, 9, true);
        assert_eq!(page.bits(), [0x80, 0, 0, 0x10]);
        assert!(page.is_black(0, 0) && page.is_black(11, 1) && !page.is_black(12, 0) && !page.is_black(0, 9));
    }

    #[test]
    fn a_ragged_bitmap_is_refused_and_spare_bits_are_cleared() {
        assert!(Page::from_bits(12, Resolution::R204x98, alloc::vec![0; 3]).is_none());
        assert!(Page::from_bits(0, Resolution::R204x98, alloc::vec![]).is_none());
        let page = Page::from_bits(12, Resolution::R204x98, alloc::vec![0xFF; 4]).map(|p| p.bits().to_vec());
        assert_eq!(page.as_deref(), Some(&[0xFF, 0xF0, 0xFF, 0xF0][..]));
    }
}
