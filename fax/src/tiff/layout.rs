//! What a directory says of its image: its size, how its pixels are stored, and where its strips are.
//!
//! Counts that contradict each other are settled here: which of them is wrong shows only in the data, so that strips
//! are then read to their ends.

use super::directory::{Directory, Field};
use super::error::TiffError;
use super::read::Limits;
use super::strip::{Format, Storage};
use super::tag;
use crate::page::Page;

/// The layout of one bi-level image.
pub(super) struct Layout<'a> {
    pub(super) format: Format,
    /// ImageLength; `None` where the file does not know it.
    pub(super) rows: Option<u32>,
    /// `None` where each strip has as many rows as it has.
    rows_per_strip: Option<u32>,
    pub(super) strips: usize,
    /// A 1 is white.
    pub(super) inverted: bool,
    offsets: Field<'a>,
    octet_counts: Option<Field<'a>>,
}

/// Where a strip is.
pub(super) struct Place {
    pub(super) start: usize,
    /// Its end, as the file says; `None` where it does not.
    pub(super) end: Option<usize>,
    /// Where the strip after it begins, if that is further on in the file.
    pub(super) next: Option<usize>,
}

impl<'a> Layout<'a> {
    /// Reads and checks the fields.
    pub(super) fn of(directory: &Directory<'a>, limits: &Limits) -> Result<Self, TiffError> {
        let (storage, inverted) = pixels(directory)?;
        let width = width(directory, limits)?;
        let rows = length(directory, limits)?;
        let offsets = directory.field(tag::STRIP_OFFSETS)?.ok_or(TiffError::Missing(tag::STRIP_OFFSETS))?;
        let rows_per_strip = directory.number(tag::ROWS_PER_STRIP).unwrap_or(None).filter(|&rows| rows > 0);
        let (strips, rows_per_strip) = match (offsets.count, rows, rows_per_strip) {
            (1, ..) => (1, rows),
            (count, Some(rows), Some(each)) if rows.div_ceil(each) as usize <= count => {
                (rows.div_ceil(each) as usize, Some(each))
            }
            (count, None, each) => (count, each),
            // Too few strips for so many rows, or none that says how many rows it has.
            (count, ..) => (count, None),
        };
        let lsb_first = directory.short(tag::FILL_ORDER).unwrap_or(None) == Some(tag::LSB_FIRST);
        Ok(Self {
            format: Format { width, storage, lsb_first },
            rows,
            rows_per_strip,
            strips,
            inverted,
            offsets,
            octet_counts: directory.field(tag::STRIP_BYTE_COUNTS)?,
        })
    }

    /// The rows that the strip after the first `rows_before` rows has; `None` where only its data say.
    pub(super) fn strip_rows(&self, rows_before: u32) -> Option<u32> {
        let each = self.rows_per_strip?;
        Some(each.min(self.rows?.saturating_sub(rows_before)))
    }

    /// Where strip `index` is.
    pub(super) fn strip(&self, index: usize) -> Result<Place, TiffError> {
        let start = self.offsets.offset(index)?;
        let counted = self.octet_counts.and_then(|counts| counts.offset(index).ok());
        let octets = match (self.format.storage, self.rows_per_strip) {
            // The rows say it better than a field that may be wrong.
            (Storage::Plain, Some(rows)) => Some(Page::stride_of(self.format.width) * rows as usize),
            _ => counted.filter(|&octets| octets > 0),
        };
        let next = if index + 1 < self.strips { self.offsets.offset(index + 1).ok() } else { None };
        Ok(Place {
            start,
            end: octets.map(|octets| start.saturating_add(octets)),
            next: next.filter(|&next| next > start),
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
    let compression = short(tag::COMPRESSION)?.unwrap_or(tag::COMPRESSION_NONE);
    let t4_options = directory.number(tag::T4_OPTIONS).unwrap_or(None).unwrap_or(0);
    let storage = Storage::new(compression, t4_options);
    // Fax codings have one bit for a pixel, whatever the field says.
    let bilevel = bits == 1 || matches!(storage, Ok(Storage::Coded(..)));
    if !bilevel || samples != 1 || photometric > tag::BLACK_IS_ZERO {
        return Err(TiffError::NotBilevel);
    }
    let storage = storage?;
    if directory.field(tag::TILE_OFFSETS)?.is_some() {
        return Err(TiffError::Tiled);
    }
    Ok((storage, photometric == tag::BLACK_IS_ZERO))
}

/// The width: there, not 0, and within its limit.
fn width(directory: &Directory<'_>, limits: &Limits) -> Result<u32, TiffError> {
    match directory.number(tag::IMAGE_WIDTH)? {
        None => Err(TiffError::Missing(tag::IMAGE_WIDTH)),
        Some(0) => Err(TiffError::Invalid(tag::IMAGE_WIDTH)),
        Some(width) if width > limits.width_max => Err(TiffError::Limit("width_max")),
        Some(width) => Ok(width),
    }
}

/// The number of rows, within its limit; `None` where it is 0, or the highest number there is: programs that write a
/// page while it comes in do not know it.
fn length(directory: &Directory<'_>, limits: &Limits) -> Result<Option<u32>, TiffError> {
    const UNKNOWN_SHORT: u32 = u16::MAX as u32;
    match directory.number(tag::IMAGE_LENGTH)? {
        None | Some(0 | UNKNOWN_SHORT | u32::MAX) => Ok(None),
        Some(rows) if rows > limits.rows_max => Err(TiffError::Limit("rows_max")),
        Some(rows) => Ok(Some(rows)),
    }
}
