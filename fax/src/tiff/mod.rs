//! TIFF files of fax pages (RFC 3949, TIFF 6.0).
//!
//! [`read()`] takes any bi-level TIFF in strips: uncompressed, PackBits, or coded with MH, MR or MMR, in either byte order,
//! bit order and colour sense. Colour and other compressions are errors of their own ([`TiffError::NotBilevel`],
//! [`TiffError::Compression`]), so that another reader may be tried. [`Writer`] and [`write()`] make profile S, the one
//! that every Internet fax reads, and profile F.
//!
//! Foreign files can do no more than yield an error: offsets are checked, directories are not visited twice, and
//! [`Limits`] bound pages, pixels and time. Files are read leniently where the image is beyond doubt (RFC 3249 clause 4):
//! fields out of order, wrong counts, a missing or a superfluous RTC, damaged MH and MR rows.

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
