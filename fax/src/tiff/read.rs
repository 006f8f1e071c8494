//! From file to images: follows the directories, reads the strips of each, and puts the pages in order.

use super::density::Density;
use super::directory::{Directory, File};
use super::error::TiffError;
use super::image::{FaxImage, Orientation};
use super::layout::Layout;
use super::strip::{Rows, unpack};
use super::tag;
use crate::page::{Page, Resolution};
use crate::t4::{Damage, End};
use alloc::vec::Vec;

/// How much of a foreign file is worked on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Directories, pages or not.
    pub pages_max: u32,
    /// Pixels in a row of a page.
    pub width_max: u32,
    /// Rows of a page.
    pub rows_max: u32,
    /// Octets of all strips, as they stand in the file; strips that overlap count each time.
    pub coded_octets_max: usize,
    /// Octets of all pages, as bitmaps.
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
            bitmap_octets_max: 128 << 20,
        }
    }
}

/// Reads the pages of a file.
///
/// Thumbnails and masks are left out. Pages that are all numbered are sorted by their numbers.
///
/// # Errors
///
/// [`TiffError`]; no page is read then.
pub fn read(data: &[u8], limits: &Limits) -> Result<Vec<FaxImage>, TiffError> {
    let (file, mut offset) = File::open(data)?;
    let mut reader = Reader { file, limits: *limits, pages: Vec::new() };
    let mut visited = Vec::new();
    while offset != 0 {
        if visited.contains(&offset) {
            return Err(TiffError::Loop);
        }
        if visited.len() >= limits.pages_max as usize {
            return Err(TiffError::Limit("pages_max"));
        }
        visited.push(offset);
        let directory = file.directory(offset)?;
        let kind = directory.number(tag::NEW_SUBFILE_TYPE)?.unwrap_or(0);
        if kind & (tag::SUBFILE_REDUCED | tag::SUBFILE_MASK) == 0 {
            reader.page(&directory)?;
        }
        offset = directory.next()?;
    }
    if reader.pages.is_empty() {
        return Err(TiffError::NoPages);
    }
    Ok(in_order(reader.pages))
}

/// An image and its PageNumber.
type Numbered = (Option<u32>, FaxImage);

/// Sorts by page numbers where every page has one; equal ones keep the order of the file.
fn in_order(mut pages: Vec<Numbered>) -> Vec<FaxImage> {
    if pages.iter().all(|(number, _)| number.is_some()) {
        pages.sort_by_key(|(number, _)| *number);
    }
    pages.into_iter().map(|(_, image)| image).collect()
}

struct Reader<'a> {
    file: File<'a>,
    limits: Limits,
    pages: Vec<Numbered>,
}

impl Reader<'_> {
    fn page(&mut self, directory: &Directory<'_>) -> Result<(), TiffError> {
        let layout = Layout::of(directory, &self.limits)?;
        let (mut bits, bad_rows) = self.rows(&layout)?;
        if layout.inverted {
            bits.iter_mut().for_each(|octet| *octet = !*octet);
        }
        let width = layout.format.width;
        // A page has no pixels beyond its width; a file may have.
        let page = Page::from_bits(width, Resolution::default(), bits);
        let image = FaxImage {
            width,
            bits: page.map(Page::into_bits).unwrap_or_default(),
            density: Density::of(directory)?,
            bad_rows,
        };
        let orientation = Orientation::new(directory.short(tag::ORIENTATION)?.unwrap_or(tag::UPRIGHT));
        let number = directory.number(tag::PAGE_NUMBER)?;
        self.pages.push((number, orientation.upright(image)));
        Ok(())
    }

    /// The rows of all strips, and how many of them were damaged.
    fn rows(&mut self, layout: &Layout<'_>) -> Result<(Vec<u8>, u32), TiffError> {
        let mut bits = Vec::new();
        let (mut rows, mut bad_rows) = (0, 0);
        for index in 0..layout.strips() {
            let strip = self.strip(layout, index, &mut bits).map_err(|lack| match lack {
                Lack::File(error) => error,
                Lack::Rows { had, damage } => self.damaged(rows + had, damage),
            })?;
            rows += strip.rows;
            bad_rows += strip.bad_rows;
        }
        // Nothing but damage is no fax, but something else under the name of one.
        if rows == bad_rows {
            return Err(self.damaged(rows, Damage::Code));
        }
        Ok((bits, bad_rows))
    }

    fn damaged(&self, rows: u32, damage: Damage) -> TiffError {
        TiffError::Damage { page: self.pages.len() as u32 + 1, rows, damage }
    }

    /// Appends the rows of a strip.
    fn strip(&mut self, layout: &Layout<'_>, index: u32, bits: &mut Vec<u8>) -> Result<Rows, Lack> {
        let place = layout.strip(index)?;
        let octets = self.file.octets(place.offset, place.octets_max)?;
        take(&mut self.limits.coded_octets_max, octets.len(), "coded_octets_max")?;
        let stride = Page::stride_of(layout.format.width);
        take(&mut self.limits.bitmap_octets_max, stride * place.rows as usize, "bitmap_octets_max")?;
        let strip = unpack(octets, layout.format, place.rows, bits);
        let is_last = index + 1 == layout.strips();
        let cut = octets.len() < place.octets_max;
        let lost = lost_rows(&strip, place.rows, is_last, cut)?;
        // Rows can only be lost where others are bad: there is a row above.
        let above = bits.len() - stride.min(bits.len());
        (0..lost).for_each(|_| bits.extend_from_within(above..above + stride));
        Ok(Rows { rows: strip.rows + lost, bad_rows: strip.bad_rows + lost, ..strip })
    }
}

/// How many rows of a strip damage has swallowed, where it is right otherwise: as many rows as it should have, unless
/// the page ends in it. `cut` says that the file ended before the strip.
fn lost_rows(strip: &Rows, rows: u32, last: bool, cut: bool) -> Result<u32, Lack> {
    let missing = rows - strip.rows;
    let damage = match strip.end {
        End::Damage(damage) => Some(damage),
        End::Marker | End::Data | End::RowsMax => None,
    };
    match strip.end {
        _ if missing == 0 && !(cut && damage.is_some()) => Ok(0),
        // The sender ended the page before the rows were as many as the field says: the page is right.
        End::Marker if last => Ok(0),
        _ if cut => Err(Lack::File(TiffError::Truncated)),
        // A damaged EOL makes one bad row of two.
        _ if missing <= strip.bad_rows => Ok(missing),
        _ => Err(Lack::Rows { had: strip.rows, damage: damage.unwrap_or(Damage::Truncated) }),
    }
}

/// What a strip lacks.
enum Lack {
    File(TiffError),
    /// After so many rows.
    Rows {
        had: u32,
        damage: Damage,
    },
}

impl From<TiffError> for Lack {
    fn from(error: TiffError) -> Self {
        Self::File(error)
    }
}

/// Takes from what a limit leaves.
fn take(left: &mut usize, octets: usize, limit: &'static str) -> Result<(), TiffError> {
    *left = left.checked_sub(octets).ok_or(TiffError::Limit(limit))?;
    Ok(())
}
