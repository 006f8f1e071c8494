//! TIFF files: a fax page passes through row for row, a bi-level scan at another density is scaled, and grey or
//! colour goes the way of every picture (TIFF 6.0, RFC 3949).

use std::io::Cursor;

use fax::page::{Page, PaperWidth};
use fax::tiff::{self as fax_tiff, Density, FaxImage, TiffError};
use image::{DynamicImage, GrayImage, ImageBuffer};
use tiff::ColorType;
use tiff::decoder::{Decoder, DecodingResult, Limits as DecoderLimits};

use super::error::Failure;
use super::options::Limits;
use super::picture::{self, Image};
use super::sheet::Sheet;

/// All pages of the file, as long as there are no more than `pages_max`; `None` where there are.
pub(super) fn pages(
    bytes: &[u8],
    sheet: Sheet,
    limits: &Limits,
    pages_max: usize,
) -> Result<Option<Vec<Page>>, Failure> {
    let fax_limits = fax_tiff::Limits {
        pages_max: u32::try_from(pages_max).unwrap_or(u32::MAX),
        ..fax_tiff::Limits::default()
    };
    match bilevel_pages(bytes, &fax_limits, sheet) {
        Ok(pages) => Ok(Some(pages)),
        Err(TiffError::Limit("pages_max")) => Ok(None),
        Err(TiffError::NotBilevel | TiffError::Compression(_) | TiffError::Tiled) => {
            grey_pages(bytes, sheet, limits, pages_max)
        }
        Err(error) => Err(damaged(error)),
    }
}

fn damaged(error: impl std::fmt::Display) -> Failure {
    Failure::caused("the TIFF file is damaged or of a kind that cannot be read", error.to_string())
}

/// Each page is ready before the next one is read: a scan at 1200 dpi is many times larger than the fax page it becomes.
fn bilevel_pages(bytes: &[u8], limits: &fax_tiff::Limits, sheet: Sheet) -> Result<Vec<Page>, TiffError> {
    fax_tiff::Reader::new(bytes, limits)?.map(|image| Ok(bilevel_page(image?, sheet))).collect()
}

/// A fax page as it is; anything else scaled to the sheet.
fn bilevel_page(image: FaxImage, sheet: Sheet) -> Page {
    let width = image.width;
    let is_fax_width = |density| match density {
        Density::Fax(resolution) => [PaperWidth::A4, PaperWidth::B4, PaperWidth::A3]
            .iter()
            .any(|&paper| resolution.width(paper) == width),
        _ => false,
    };
    if is_fax_width(image.density) {
        return image.into_page().unwrap_or_else(|image| scaled(image, sheet));
    }
    scaled(image, sheet)
}

fn scaled(image: FaxImage, sheet: Sheet) -> Page {
    let (x_dpi, y_dpi) = match image.density {
        Density::Fax(resolution) => (resolution.x_dpi(), resolution.y_dpi()),
        Density::Other { x_dpi, y_dpi } => (x_dpi, y_dpi),
        Density::Unknown => (200, 200),
    };
    let bitmap = image.into_bitmap(sheet.resolution());
    let grey = GrayImage::from_fn(bitmap.width(), bitmap.rows(), |x, y| {
        image::Luma([if bitmap.is_black(x, y) { 0 } else { u8::MAX }])
    });
    picture::scan_page(grey, (x_dpi, y_dpi), sheet)
}

fn grey_pages(
    bytes: &[u8],
    sheet: Sheet,
    limits: &Limits,
    pages_max: usize,
) -> Result<Option<Vec<Page>>, Failure> {
    let mut memory = DecoderLimits::default();
    memory.decoding_buffer_size = usize::try_from(limits.image_pixels_max * 8).unwrap_or(usize::MAX);
    let mut decoder = Decoder::new(Cursor::new(bytes)).map_err(damaged)?.with_limits(memory);
    let mut pages = Vec::new();
    loop {
        if pages.len() >= pages_max {
            return Ok(None);
        }
        pages.push(picture::page(&Image::of(read(&mut decoder, limits)?), sheet));
        if !decoder.more_images() {
            return Ok(Some(pages));
        }
        decoder.next_image().map_err(damaged)?;
    }
}

fn read(decoder: &mut Decoder<Cursor<&[u8]>>, limits: &Limits) -> Result<GrayImage, Failure> {
    let (width, height) = decoder.dimensions().map_err(damaged)?;
    picture::check_size(width, height, limits)?;
    let colour = decoder.colortype().map_err(damaged)?;
    let samples = decoder.read_image().map_err(damaged)?;
    let image = match (colour, samples) {
        (ColorType::Gray(8), DecodingResult::U8(data)) => {
            ImageBuffer::from_raw(width, height, data).map(DynamicImage::ImageLuma8)
        }
        (ColorType::Gray(16), DecodingResult::U16(data)) => {
            ImageBuffer::from_raw(width, height, data).map(DynamicImage::ImageLuma16)
        }
        (ColorType::RGB(8), DecodingResult::U8(data)) => {
            ImageBuffer::from_raw(width, height, data).map(DynamicImage::ImageRgb8)
        }
        (ColorType::RGB(16), DecodingResult::U16(data)) => {
            ImageBuffer::from_raw(width, height, data).map(DynamicImage::ImageRgb16)
        }
        (ColorType::RGBA(8), DecodingResult::U8(data)) => {
            ImageBuffer::from_raw(width, height, data).map(DynamicImage::ImageRgba8)
        }
        (colour, _) => return Err(damaged(format!("{colour:?}"))),
    };
    image.map(picture::on_white).ok_or_else(|| damaged("too few samples"))
}
