//! What can be wrong with a TIFF file, or with what shall become one.

use crate::page::Resolution;
use crate::t4::Damage;
use core::fmt;

/// Why a file cannot be read as fax pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TiffError {
    /// No TIFF header at the beginning.
    NotTiff,
    /// An image is grey or coloured: another reader may know what to do.
    NotBilevel,
    /// A bi-level image with this Compression, which this reader does not know; another may.
    Compression(u16),
    /// An image in tiles, which this reader does not know; another may.
    Tiled,
    /// The file ends before what one of its fields points to.
    Truncated,
    /// The required field with this tag is missing.
    Missing(u16),
    /// The field with this tag has an impossible value or type.
    Invalid(u16),
    /// The directories form a circle.
    Loop,
    /// No image at all.
    NoPages,
    /// The file goes beyond this limit of [`Limits`](super::Limits).
    Limit(&'static str),
    /// The coded data of a page (the first is 1) are damaged after so many rows.
    Damage {
        /// The page in the order of the file; the first is 1.
        page: u32,
        /// Rows of the page that could be decoded.
        rows: u32,
        /// What came then.
        damage: Damage,
    },
}

impl fmt::Display for TiffError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotTiff => f.write_str("not a TIFF file"),
            Self::NotBilevel => f.write_str("a TIFF image that is not black and white"),
            Self::Compression(number) => write!(f, "TIFF compression {number} is not supported"),
            Self::Tiled => f.write_str("a TIFF image in tiles is not supported"),
            Self::Truncated => f.write_str("the TIFF file is cut off"),
            Self::Missing(tag) => write!(f, "the TIFF field {tag} is missing"),
            Self::Invalid(tag) => write!(f, "the TIFF field {tag} is wrong"),
            Self::Loop => f.write_str("the TIFF directories form a circle"),
            Self::NoPages => f.write_str("the TIFF file has no page"),
            Self::Limit(name) => write!(f, "the TIFF file goes beyond the limit {name}"),
            Self::Damage { page, rows, damage } => {
                write!(f, "TIFF page {page} is damaged after {rows} rows: {damage}")
            }
        }
    }
}

impl core::error::Error for TiffError {}

/// Why pages cannot be written in a profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteError {
    /// A document has one page at least.
    NoPages,
    /// A page has one row at least.
    NoRows,
    /// PageNumber cannot count more than 65,535 pages.
    TooManyPages,
    /// A file of 4 GiB or more.
    TooLarge,
    /// The profile does not allow this width at this resolution.
    Geometry {
        /// Pixels in a row.
        width: u32,
        /// The page's resolution.
        resolution: Resolution,
    },
    /// The page is in a coding that is not the profile's.
    Coding,
    /// The date is not "YYYY:MM:DD HH:MM:SS".
    DateTime,
}

impl fmt::Display for WriteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoPages => f.write_str("a TIFF file needs a page"),
            Self::NoRows => f.write_str("a TIFF page needs a row"),
            Self::TooManyPages => f.write_str("a TIFF fax has at most 65535 pages"),
            Self::TooLarge => f.write_str("a TIFF file cannot be larger than 4 GiB"),
            Self::Geometry { width, resolution } => {
                write!(f, "the TIFF profile has no pages of {width} pixels at {resolution} dpi")
            }
            Self::Coding => f.write_str("the TIFF profile has pages in another coding"),
            Self::DateTime => f.write_str("a TIFF date is YYYY:MM:DD HH:MM:SS"),
        }
    }
}

impl core::error::Error for WriteError {}
