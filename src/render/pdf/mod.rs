//! PDF: read page by page (ISO 32000, by hayro), and written with the pages as T.6 images.

mod plain;
mod read;
mod write;

pub(super) use read::{check, pages};
pub use write::{write, write_coded};
