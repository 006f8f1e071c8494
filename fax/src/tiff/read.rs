//! From file to images: follows the directories, reads the strips of each, and puts the pages in order.

use super::density::Density;
use super::directory::{Directory, Field, File};
use super::error::TiffError;
use super::image::{FaxImage, Orientation};
use super::strip::{Rows, Storage, unpack};
use super::tag;
use crate::page::Page;
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
    let mut reader = Reader {
        file,
        limits: *limits,
        pages: Vec::new(),
    };
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

/// What a directory says of its image.
struct Layout<'a> {
    width: u32,
    rows: u32,
    rows_per_strip: u32,
    storage: Storage,
    lsb_first: bool,
    /// A 1 is white.
    inverted: bool,
    offsets: Field<'a>,
    octet_counts: Option<Field<'a>>,
}

impl<'a> Layout<'a> {
    fn of(directory: &Directory<'a>, limits: &Limits) -> Result<Self, TiffError> {
        let number = |tag| directory.number(tag);
        let short = |tag| directory.short(tag);
        let required = |tag| number(tag)?.ok_or(TiffError::Missing(tag));
        let bits_per_pixel = (
            short(tag::BITS_PER_SAMPLE)?.unwrap_or(1),
            short(tag::SAMPLES_PER_PIXEL)?.unwrap_or(1),
        );
        // Fax codings know what is white without being told; others do as they.
        let photometric = short(tag::PHOTOMETRIC)?.unwrap_or(tag::WHITE_IS_ZERO);
        if bits_per_pixel != (1, 1) || photometric > tag::BLACK_IS_ZERO {
            return Err(TiffError::NotBilevel);
        }
        let compression = short(tag::COMPRESSION)?.unwrap_or(tag::COMPRESSION_NONE);
        let storage = Storage::new(compression, number(tag::T4_OPTIONS)?.unwrap_or(0))?;
        if directory.field(tag::TILE_OFFSETS)?.is_some() {
            return Err(TiffError::Tiled);
        }
        let width = within(
            required(tag::IMAGE_WIDTH)?,
            tag::IMAGE_WIDTH,
            limits.width_max,
            "width_max",
        )?;
        let rows = within(
            required(tag::IMAGE_LENGTH)?,
            tag::IMAGE_LENGTH,
            limits.rows_max,
            "rows_max",
        )?;
        Ok(Self {
            width,
            rows,
            rows_per_strip: number(tag::ROWS_PER_STRIP)?.unwrap_or(u32::MAX).clamp(1, rows),
            storage,
            lsb_first: short(tag::FILL_ORDER)? == Some(tag::LSB_FIRST),
            inverted: photometric == tag::BLACK_IS_ZERO,
            offsets: directory
                .field(tag::STRIP_OFFSETS)?
                .ok_or(TiffError::Missing(tag::STRIP_OFFSETS))?,
            octet_counts: directory.field(tag::STRIP_BYTE_COUNTS)?,
        })
    }

    fn strips(&self) -> u32 {
        self.rows.div_ceil(self.rows_per_strip)
    }

    /// Where strip `index` begins, how many octets it has, and how many rows.
    fn strip(&self, index: u32) -> Result<(u32, usize, u32), TiffError> {
        let offset = self.offsets.number(index)?;
        let rows = self.rows_per_strip.min(self.rows - index * self.rows_per_strip);
        let octets = match (self.storage, self.octet_counts) {
            // The rows say it better than a field that may be wrong.
            (Storage::Plain, _) => Page::stride_of(self.width) * rows as usize,
            (_, Some(counts)) => counts.number(index).unwrap_or(0) as usize,
            (_, None) => 0,
        };
        // Without a count, the strip goes on to where its rows end.
        Ok((offset, if octets == 0 { usize::MAX } else { octets }, rows))
    }
}

fn within(value: u32, tag: u16, max: u32, limit: &'static str) -> Result<u32, TiffError> {
    match value {
        0 => Err(TiffError::Invalid(tag)),
        value if value > max => Err(TiffError::Limit(limit)),
        value => Ok(value),
    }
}

impl Reader<'_> {
    fn page(&mut self, directory: &Directory<'_>) -> Result<(), TiffError> {
        let layout = Layout::of(directory, &self.limits)?;
        let (mut bits, bad_rows) = self.rows(&layout)?;
        if layout.inverted {
            bits.iter_mut().for_each(|octet| *octet = !*octet);
        }
        let image = FaxImage {
            width: layout.width,
            bits,
            density: Density::of(directory)?,
            bad_rows,
        };
        let orientation = Orientation::new(directory.short(tag::ORIENTATION)?.unwrap_or(1));
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
        TiffError::Damage {
            page: self.pages.len() as u32 + 1,
            rows,
            damage,
        }
    }

    /// Appends the rows of a strip: as many as it should have, unless the page ends in it.
    fn strip(&mut self, layout: &Layout<'_>, index: u32, bits: &mut Vec<u8>) -> Result<Rows, Lack> {
        let (offset, length, rows) = layout.strip(index)?;
        let octets = self.file.octets(offset, length)?;
        take(
            &mut self.limits.coded_octets_max,
            octets.len(),
            "coded_octets_max",
        )?;
        let stride = Page::stride_of(layout.width);
        take(
            &mut self.limits.bitmap_octets_max,
            stride * rows as usize,
            "bitmap_octets_max",
        )?;
        let mut strip = unpack(octets, layout.lsb_first, layout.storage, layout.width, rows, bits);
        let missing = rows - strip.rows;
        let cut = octets.len() < length;
        match strip.end {
            End::Damage(_) if cut => Err(Lack::File(TiffError::Truncated)),
            _ if missing == 0 => Ok(strip),
            // The sender ended the page before the rows were as many as the field says: the page is right.
            End::Marker if index + 1 == layout.strips() => Ok(strip),
            _ if cut => Err(Lack::File(TiffError::Truncated)),
            // A damaged EOL makes one bad row of two.
            _ if missing <= strip.bad_rows => {
                let above = bits.len() - stride;
                (0..missing).for_each(|_| bits.extend_from_within(above..above + stride));
                strip.rows += missing;
                strip.bad_rows += missing;
                Ok(strip)
            }
            End::Damage(damage) => Err(Lack::Rows {
                had: strip.rows,
                damage,
            }),
            End::Data | End::Marker | End::RowsMax => Err(Lack::Rows {
                had: strip.rows,
                damage: Damage::Truncated,
            }),
        }
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
