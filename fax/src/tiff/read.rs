//! From file to images, one page at a time.

use super::chain::Chain;
use super::density::Density;
use super::directory::{Directory, File};
use super::error::TiffError;
use super::image::{FaxImage, Orientation};
use super::layout::Layout;
use super::mmr::MmrPage;
use super::reception::Reception;
use super::strip::{Format, Storage};
use super::strips::{Lack, Strips};
use super::tag;
use crate::page::{Page, Resolution};
use crate::t4::reverse_bits;
use alloc::vec::{IntoIter, Vec};
use core::fmt;

/// How much of a foreign file is worked on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Directories, pages or not.
    pub pages_max: u32,
    /// Pixels in a row of a page.
    pub width_max: u32,
    /// Rows of a page.
    pub rows_max: u32,
    /// Octets of all strips, as they stand in the file; strips that overlap, or are read again because the file says
    /// something wrong of them, count each time.
    pub coded_octets_max: usize,
    /// Octets of a page, as a bitmap.
    pub page_octets_max: usize,
    /// Octets of all pages that [`read`] yields, as bitmaps.
    pub bitmap_octets_max: usize,
}

impl Default for Limits {
    /// Some 270 pages of A4 at fine resolution, and scans of A3 at 1200 dpi.
    fn default() -> Self {
        Self {
            pages_max: 1000,
            width_max: 20_000,
            rows_max: 40_000,
            coded_octets_max: 128 << 20,
            page_octets_max: 48 << 20,
            bitmap_octets_max: 128 << 20,
        }
    }
}

impl Limits {
    /// Octets of memory that reading a page takes at most, whatever the file: its bitmap, another one while it grows or
    /// is turned upright, and what decoding a row and finding the pages needs.
    #[must_use]
    pub const fn memory_octets_max(&self) -> usize {
        let page = self.page_octets_max.saturating_mul(2);
        let row = (self.width_max as usize).saturating_mul(ROW_MEMORY_OCTETS);
        let pages = (self.pages_max as usize).saturating_mul(PAGE_MEMORY_OCTETS);
        page.saturating_add(row).saturating_add(pages).saturating_add(OTHER_MEMORY_OCTETS)
    }
}

/// For each pixel of a row: its changing elements and those of the row above.
const ROW_MEMORY_OCTETS: usize = 32;
/// For each directory: where it is, and what else is there.
const PAGE_MEMORY_OCTETS: usize = 256;
/// Texts, and what a decoder has for itself.
const OTHER_MEMORY_OCTETS: usize = 256 << 10;

/// Reads the pages of a file one by one, in their order; only one is in memory at a time.
///
/// Thumbnails and masks are left out. Pages that are all numbered, each differently, are sorted by their numbers.
///
/// A page that cannot be read is an error in its place, and those after it can be read nevertheless. Where the chain of
/// directories breaks off, and the pages do not say that they are all there, the last item says so.
pub struct Reader<'a> {
    file: File<'a>,
    limits: Limits,
    pages: IntoIter<Directory<'a>>,
    marks: Vec<usize>,
    broken: Option<TiffError>,
    coded_octets_left: usize,
    /// Pages that were asked for.
    page: u32,
}

impl<'a> Reader<'a> {
    /// Finds the pages of a file; none is decoded.
    ///
    /// # Errors
    ///
    /// [`TiffError`]: it has no page.
    pub fn new(data: &'a [u8], limits: &Limits) -> Result<Self, TiffError> {
        let (file, first) = File::open(data)?;
        let Chain { pages, marks, broken } = Chain::of(file, first, limits.pages_max)?;
        Ok(Self {
            file,
            limits: *limits,
            pages: pages.into_iter(),
            marks,
            broken,
            coded_octets_left: limits.coded_octets_max,
            page: 0,
        })
    }

    /// The pages that are still to be read.
    #[must_use]
    pub fn pages(&self) -> usize {
        self.pages.len()
    }

    /// The next page as it stands in the file, where that is whole MMR in one strip, upright, at a fax resolution, and as
    /// long as the file says. `None` where it is not, or where there is no page any more: then it is still to be
    /// read as an image.
    pub fn next_mmr(&mut self) -> Option<MmrPage> {
        let directory = *self.pages.as_slice().first()?;
        let layout = Layout::of(&directory, &self.limits).ok()?;
        let upright = directory.short(tag::ORIENTATION).ok()?.is_none_or(|value| value == tag::UPRIGHT);
        let Format { width, storage, lsb_first } = layout.format;
        if storage != Storage::MMR || layout.strips != 1 || layout.inverted || !upright {
            return None;
        }
        let Density::Fax(resolution) = Density::of(&directory, width).ok()? else { return None };
        let place = layout.strip(0).ok()?;
        let octets = self.file.octets(place.start, place.end?).ok()?;
        self.coded_octets_left = self.coded_octets_left.checked_sub(octets.len())?;
        let mut data = octets.to_vec();
        if lsb_first {
            reverse_bits(&mut data);
        }
        let page = MmrPage::new(width, resolution, data).ok()?;
        if layout.rows != Some(page.rows()) {
            return None;
        }
        self.pages.next();
        self.page += 1;
        Some(page)
    }

    fn image(&mut self, directory: &Directory<'a>) -> Result<FaxImage, TiffError> {
        let layout = Layout::of(directory, &self.limits)?;
        let (width, inverted) = (layout.format.width, layout.inverted);
        let strips = Strips {
            file: self.file,
            layout,
            limits: &self.limits,
            marks: &self.marks,
            coded_octets_left: &mut self.coded_octets_left,
        };
        let (bitmap, bad_rows) = strips.rows().map_err(|lack| match lack {
            Lack::File(error) => error,
            Lack::Rows { had, damage } => TiffError::Damage { page: self.page, rows: had, damage },
        })?;
        let mut bits = bitmap.bits;
        if inverted {
            bits.iter_mut().for_each(|octet| *octet = !*octet);
        }
        // A page has no pixels beyond its width; a file may have.
        let page = Page::from_bits(width, Resolution::default(), bits);
        let image = FaxImage {
            width,
            bits: page.map(Page::into_bits).unwrap_or_default(),
            density: Density::of(directory, width)?,
            bad_rows,
            reception: Reception::of(directory)?,
        };
        let orientation = directory.short(tag::ORIENTATION).unwrap_or(None).unwrap_or(tag::UPRIGHT);
        Ok(Orientation::new(orientation).upright(image))
    }
}

impl fmt::Debug for Reader<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader").field("pages", &self.pages()).field("broken", &self.broken).finish()
    }
}

impl Iterator for Reader<'_> {
    type Item = Result<FaxImage, TiffError>;

    fn next(&mut self) -> Option<Self::Item> {
        let Some(directory) = self.pages.next() else {
            return self.broken.take().map(Err);
        };
        self.page += 1;
        Some(self.image(&directory))
    }
}

/// Reads all pages of a file, as [`Reader`] does.
///
/// # Errors
///
/// [`TiffError`], the first one; no page is read then.
pub fn read(data: &[u8], limits: &Limits) -> Result<Vec<FaxImage>, TiffError> {
    let mut octets_left = limits.bitmap_octets_max;
    Reader::new(data, limits)?
        .map(|image| {
            let image = image?;
            let left = octets_left.checked_sub(image.bits.len());
            octets_left = left.ok_or(TiffError::Limit("bitmap_octets_max"))?;
            Ok(image)
        })
        .collect()
}
