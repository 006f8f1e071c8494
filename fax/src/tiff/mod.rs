//! TIFF files of fax pages (RFC 3949, TIFF 6.0).
//!
//! [`Reader`] takes any bi-level TIFF in strips: uncompressed, PackBits, or coded with MH, MR or MMR, in either byte order,
//! bit order and colour sense, BigTIFF too; it yields one page at a time, and [`read()`] all of them. Colour and other
//! compressions are errors of their own ([`TiffError::NotBilevel`], [`TiffError::Compression`]), so that another reader
//! may be tried. [`Writer`] and [`write()`] make profile S, the one that every Internet fax reads, and profile F. A
//! [`MmrPage`] passes from file to file without being decoded.
//!
//! Foreign files can do no more than yield an error: offsets are checked, directories are not visited twice, and
//! [`Limits`] bound pages, pixels, memory and time. Files are read leniently where the image is beyond doubt (RFC 3249
//! clause 5.2.3):
//!
//! * fields out of order, of another type, or not counted; directories anywhere; links that lead nowhere after the last
//!   page that the pages speak of;
//! * octet counts and numbers of rows that are missing or wrong: what decodes counts; a missing or a superfluous RTC;
//! * MH, MR and MMR under each other's labels, and either bit order under the other's, where a whole strip proves it;
//! * resolutions in the other unit, with x and y exchanged, or without x, where the width proves it;
//! * damaged MH and MR rows: they are counted and replaced by the row above.

mod bitmap;
mod chain;
mod density;
mod directory;
mod error;
mod field;
mod image;
mod layout;
mod mmr;
mod read;
mod reception;
mod strip;
mod strips;
mod tag;
mod value;
mod write;

pub use density::Density;
pub use error::{TiffError, WriteError};
pub use image::FaxImage;
pub use mmr::MmrPage;
pub use read::{Limits, Reader, read};
pub use reception::{Clean, Quality, Reception};
pub use write::{Info, Profile, Writer, write};
