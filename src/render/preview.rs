//! A page as a PNG file to look at: in grey, with square pixels, so that it looks as it will on paper.

use std::io::Cursor;

use fax::page::Page;
use image::imageops::{self, FilterType};
use image::{GrayImage, ImageFormat, Luma};

use super::error::RenderError;

/// Dots per inch of the preview: enough to read by, and half of what a fax page has across.
const DPI: u32 = 102;

/// The page as a PNG file.
///
/// # Errors
/// Where the page has no rows.
pub fn png(page: &Page) -> Result<Vec<u8>, RenderError> {
    let black = |x, y| Luma([if page.is_black(x, y) { 0 } else { u8::MAX }]);
    let full = GrayImage::from_fn(page.width(), page.rows(), black);
    let resolution = page.resolution();
    let width = page.width() * DPI / resolution.x_dpi();
    let rows = page.rows() * DPI / resolution.y_dpi();
    let small = imageops::resize(&full, width.max(1), rows.max(1), FilterType::Triangle);
    let mut file = Cursor::new(Vec::new());
    let written = small.write_to(&mut file, ImageFormat::Png);
    written.map_err(|error| RenderError::Preview { cause: error.to_string() })?;
    Ok(file.into_inner())
}
