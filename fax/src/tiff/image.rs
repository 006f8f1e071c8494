//! An image read from a file, and how it is turned upright (TIFF 6.0, Orientation).

use super::density::Density;
use super::reception::Reception;
use super::tag;
use crate::page::{Page, Resolution};
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;

/// A bi-level image from a TIFF file, upright, 1 = black.
#[derive(Clone, PartialEq, Eq)]
pub struct FaxImage {
    /// Pixels in a row.
    pub width: u32,
    /// The rows, packed as in [`Page`].
    pub bits: Vec<u8>,
    /// How densely the pixels lie.
    pub density: Density,
    /// MH and MR rows that were damaged and are the row above once more.
    pub bad_rows: u32,
    /// How the page was received, where the file says something of it.
    pub reception: Option<Box<Reception>>,
}

impl fmt::Debug for FaxImage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows = self.bits.len() / Page::stride_of(self.width).max(1);
        let Self { width, density, bad_rows, .. } = self;
        write!(f, "FaxImage({width}×{rows}, {density:?}, {bad_rows} bad rows)")
    }
}

impl FaxImage {
    /// The image as a page; itself where its density is none of a fax's, or not known.
    ///
    /// # Errors
    ///
    /// The image as it was, to be scaled.
    pub fn into_page(self) -> Result<Page, Self> {
        match self.density {
            Density::Fax(resolution) => Ok(self.into_bitmap(resolution)),
            _ => Err(self),
        }
    }

    /// The pixels under a resolution that the caller knows better.
    #[must_use]
    pub fn into_bitmap(self, resolution: Resolution) -> Page {
        // The reader makes whole rows of one pixel or more.
        Page::from_bits(self.width, resolution, self.bits)
            .unwrap_or_else(|| Page::white(self.width, 0, resolution))
    }
}

/// How the rows and columns of a file lie on the sheet: the Orientation field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Orientation {
    /// Rows run down the sheet's side, columns along its top or bottom.
    transposed: bool,
    right_to_left: bool,
    bottom_to_top: bool,
}

impl Orientation {
    /// From the field's value; upright where it is none of the eight.
    pub(super) fn new(value: u16) -> Self {
        let (transposed, right_to_left, bottom_to_top) = match value {
            2 => (false, true, false),
            3 => (false, true, true),
            4 => (false, false, true),
            5 => (true, false, false),
            6 => (true, true, false),
            7 => (true, true, true),
            8 => (true, false, true),
            _ => (false, false, false),
        };
        Self { transposed, right_to_left, bottom_to_top }
    }

    /// Turns an image that lies so.
    pub(super) fn upright(self, image: FaxImage) -> FaxImage {
        if self == Self::new(tag::UPRIGHT) {
            return image;
        }
        let stored = Page::from_bits(image.width, Resolution::default(), image.bits);
        let stored = stored.unwrap_or_else(|| Page::white(image.width, 0, Resolution::default()));
        let (width, rows) =
            if self.transposed { (stored.rows(), stored.width()) } else { (stored.width(), stored.rows()) };
        let mut page = Page::white(width, rows, Resolution::default());
        for y in 0..rows {
            let line = if self.bottom_to_top { rows - 1 - y } else { y };
            for x in 0..width {
                let column = if self.right_to_left { width - 1 - x } else { x };
                let black = if self.transposed {
                    stored.is_black(line, column)
                } else {
                    stored.is_black(column, line)
                };
                if black {
                    page.set(x, y, true);
                }
            }
        }
        FaxImage {
            width,
            bits: page.into_bits(),
            density: if self.transposed { image.density.transposed() } else { image.density },
            ..image
        }
    }
}
