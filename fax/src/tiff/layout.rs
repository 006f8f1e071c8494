//! What a directory says of its image: its size, how its pixels are stored, and where its strips are.

use super::directory::{Directory, Field};
use super::error::TiffError;
use super::read::Limits;
use super::strip::{Format, Storage};
use super::tag;
use crate::page::Page;

/// The layout of one bi-level image.
pub(super) struct Layout<'a> {
    pub(super) format: Format,
    rows: u32,
    rows_per_strip: u32,
    /// A 1 is white.
    pub(super) inverted: bool,
    offsets: Field<'a>,
    octet_counts: Option<Field<'a>>,
}

/// Where a strip is, and how many rows it has.
pub(super) struct Place {
    pub(super) offset: u32,
    /// Octets of the strip; `usize::MAX` where nobody says.
    pub(super) octets_max: usize,
    pub(super) rows: u32,
}

impl<'a> Layout<'a> {
    /// Reads and checks the fields.
    pub(super) fn of(directory: &Directory<'a>, limits: &Limits) -> Result<Self, TiffError> {
        let (storage, inverted) = pixels(directory)?;
        let width = size(directory, tag::IMAGE_WIDTH, limits.width_max, "width_max")?;
        let rows = size(directory, tag::IMAGE_LENGTH, limits.rows_max, "rows_max")?;
        let rows_per_strip = directory.number(tag::ROWS_PER_STRIP)?.unwrap_or(u32::MAX);
        let offsets = directory.field(tag::STRIP_OFFSETS)?;
        Ok(Self {
            format: Format {
                width,
                storage,
                lsb_first: directory.short(tag::FILL_ORDER)? == Some(tag::LSB_FIRST),
            },
            rows,
            rows_per_strip: rows_per_strip.clamp(1, rows),
            inverted,
            offsets: offsets.ok_or(TiffError::Missing(tag::STRIP_OFFSETS))?,
            octet_counts: directory.field(tag::STRIP_BYTE_COUNTS)?,
        })
    }

    /// The number of strips.
    pub(super) fn strips(&self) -> u32 {
        self.rows.div_ceil(self.rows_per_strip)
    }

    /// Where strip `index` is.
    pub(super) fn strip(&self, index: u32) -> Result<Place, TiffError> {
        let rows = self.rows_per_strip.min(self.rows - index * self.rows_per_strip);
        let octets = match (self.format.storage, self.octet_counts) {
            // The rows say it better than a field that may be wrong.
            (Storage::Plain, _) => Page::stride_of(self.format.width) * rows as usize,
            (_, Some(counts)) => counts.number(index).unwrap_or(0) as usize,
            (_, None) => 0,
        };
        Ok(Place {
            offset: self.offsets.number(index)?,
            // Without a count, the strip goes on to where its rows end.
            octets_max: if octets == 0 { usize::MAX } else { octets },
            rows,
        })
    }
}

/// How the pixels are stored, and whether a 1 is white; an error where they are not bi-level.
fn pixels(directory: &Directory<'_>) -> Result<(Storage, bool), TiffError> {
    let short = |tag| directory.short(tag);
    let bits = short(tag::BITS_PER_SAMPLE)?.unwrap_or(1);
    let samples = short(tag::SAMPLES_PER_PIXEL)?.unwrap_or(1);
    // Fax codings know what is white without being told; others do as they.
    let photometric = short(tag::PHOTOMETRIC)?.unwrap_or(tag::WHITE_IS_ZERO);
    if bits != 1 || samples != 1 || photometric > tag::BLACK_IS_ZERO {
        return Err(TiffError::NotBilevel);
    }
    let compression = short(tag::COMPRESSION)?.unwrap_or(tag::COMPRESSION_NONE);
    let storage = Storage::new(compression, directory.number(tag::T4_OPTIONS)?.unwrap_or(0))?;
    if directory.field(tag::TILE_OFFSETS)?.is_some() {
        return Err(TiffError::Tiled);
    }
    Ok((storage, photometric == tag::BLACK_IS_ZERO))
}

/// A width or a length: there, not 0, and within a limit.
fn size(directory: &Directory<'_>, tag: u16, max: u32, limit: &'static str) -> Result<u32, TiffError> {
    match directory.number(tag)? {
        None => Err(TiffError::Missing(tag)),
        Some(0) => Err(TiffError::Invalid(tag)),
        Some(value) if value > max => Err(TiffError::Limit(limit)),
        Some(value) => Ok(value),
    }
}
