//! Pictures to pages: PNG, JPEG (turned as its EXIF data say), GIF (the first frame), WebP, BMP, SVG, and TIFF in colour or
//! grey.
//!
//! A picture is put on white, fitted to the sheet, turned where it is wider than high, and never enlarged beyond 96
//! pixels to the inch. Its size is known and limited before it is unpacked.

use std::io::Cursor;

use fax::page::Page;
use image::codecs::{
    bmp::BmpDecoder, gif::GifDecoder, jpeg::JpegDecoder, png::PngDecoder, webp::WebPDecoder,
};
use image::imageops::FilterType;
use image::metadata::Orientation;
use image::{DynamicImage, GrayImage, ImageDecoder, ImageResult};

use super::error::Failure;
use super::halftone::{self, Grey};
use super::kind::Picture;
use super::options::Limits;
use super::sheet::{Fit, Sheet, fit};
use super::svg;

/// The size of a pixel at which a picture is not enlarged any more, in points (96 to the inch).
pub(super) const PT_PER_PIXEL: f32 = 0.75;
/// White around a picture on a page of its own, in points.
const MARGIN_PT: f32 = 28.0;
/// How wide the sharpening reaches, in pixels of the page: the screen takes a little sharpness away.
const SHARPEN_SIGMA: f32 = 1.5;
/// So many of 100 pixels may become black and white by stretching the tones …
const BLACK_PERCENT: usize = 1;
const WHITE_PERCENT: usize = 98;
/// … where black is darker than this and white is lighter.
const BLACK_AT_MOST: usize = 60;
const WHITE_AT_LEAST: usize = 140;
/// A picture is paper where so many of 100 pixels are of one light tone, give or take so much for noise and shadow,
/// and next to nothing is lighter.
const PAPER_PERCENT_MIN: usize = 50;
const LIGHTER_PERCENT_MAX: usize = 2;
const PAPER_TONES: usize = 28;
const PAPER_AT_LEAST: usize = 160;
/// Bytes that a decoder may take for a pixel: 16 bits of red, green, blue and alpha.
const BYTES_PER_PIXEL_MAX: u64 = 8;

/// A picture, upright, in grey, on white.
pub(super) struct Image {
    pixels: DynamicImage,
    /// How large it is where there is room.
    size_pt: (f32, f32),
}

impl Image {
    /// A picture whose pixels are not enlarged beyond 96 to the inch.
    pub(super) fn of(pixels: DynamicImage) -> Self {
        let size_pt = (pixels.width() as f32 * PT_PER_PIXEL, pixels.height() as f32 * PT_PER_PIXEL);
        Self { pixels, size_pt }
    }
}

/// A picture's size in pixels, without unpacking it.
pub(super) fn size(picture: Picture, bytes: &[u8], limits: &Limits) -> Result<(u32, u32), Failure> {
    if picture == Picture::Svg {
        let pixels = |length_pt: f32| (length_pt / PT_PER_PIXEL) as u32;
        return svg::size_pt(bytes).map(|(width, height)| (pixels(width), pixels(height)));
    }
    decoder(picture, bytes, limits).map(|decoder| decoder.dimensions())
}

/// A picture's size in points, as it stands upright, without unpacking it.
pub(super) fn upright_size_pt(
    picture: Picture,
    bytes: &[u8],
    limits: &Limits,
) -> Result<(f32, f32), Failure> {
    if picture == Picture::Svg {
        return svg::size_pt(bytes);
    }
    let mut decoder = decoder(picture, bytes, limits)?;
    let orientation = decoder.orientation().map_err(damaged)?;
    let (width, height) = decoder.dimensions();
    let (width, height) = (width as f32 * PT_PER_PIXEL, height as f32 * PT_PER_PIXEL);
    let lies = matches!(
        orientation,
        Orientation::Rotate90
            | Orientation::Rotate270
            | Orientation::Rotate90FlipH
            | Orientation::Rotate270FlipH
    );
    Ok(if lies { (height, width) } else { (width, height) })
}

/// Unpacks a picture.
pub(super) fn read(picture: Picture, bytes: &[u8], limits: &Limits) -> Result<Image, Failure> {
    if picture == Picture::Svg {
        return svg::draw(bytes, limits).map(|(pixels, size_pt)| Image { pixels, size_pt });
    }
    let mut decoder = decoder(picture, bytes, limits)?;
    let orientation = decoder.orientation().map_err(damaged)?;
    let mut image = DynamicImage::from_decoder(decoder).map_err(damaged)?;
    image.apply_orientation(orientation);
    Ok(Image::of(on_white(&image)))
}

fn decoder<'b>(
    picture: Picture,
    bytes: &'b [u8],
    limits: &Limits,
) -> Result<Box<dyn ImageDecoder + 'b>, Failure> {
    let reader = Cursor::new(bytes);
    let decoder: ImageResult<Box<dyn ImageDecoder + 'b>> = match picture {
        Picture::Png => PngDecoder::new(reader).map(|decoder| Box::new(decoder) as _),
        Picture::Jpeg => JpegDecoder::new(reader).map(|decoder| Box::new(decoder) as _),
        Picture::Gif => GifDecoder::new(reader).map(|decoder| Box::new(decoder) as _),
        Picture::WebP => WebPDecoder::new(reader).map(|decoder| Box::new(decoder) as _),
        Picture::Bmp => BmpDecoder::new(reader).map(|decoder| Box::new(decoder) as _),
        Picture::Svg => return Err(Failure::new("a drawing has no pixels")),
    };
    let mut decoder = decoder.map_err(damaged)?;
    let (width, height) = decoder.dimensions();
    check_size(width, height, limits)?;
    let mut memory = image::Limits::no_limits();
    memory.max_alloc = Some(limits.image_pixels_max.saturating_mul(BYTES_PER_PIXEL_MAX));
    decoder.set_limits(memory).map_err(damaged)?;
    Ok(decoder)
}

/// Whether a picture of this size may be unpacked.
pub(super) fn check_size(width: u32, height: u32, limits: &Limits) -> Result<(), Failure> {
    if width == 0 || height == 0 {
        return Err(Failure::new("the picture is empty"));
    }
    if u64::from(width) * u64::from(height) > limits.image_pixels_max {
        return Err(Failure::new(format!(
            "the picture has {width} × {height} pixels, more than the {} that are allowed",
            limits.image_pixels_max
        )));
    }
    Ok(())
}

fn damaged(error: impl std::fmt::Display) -> Failure {
    Failure::caused("the picture is damaged", error.to_string())
}

/// The tone of a pixel of red, green, blue and whatever else (ITU-R BT.709, in parts of 256).
pub(super) fn luma(pixel: &[u8]) -> u8 {
    match pixel {
        [r, g, b, ..] => ((u32::from(*r) * 54 + u32::from(*g) * 183 + u32::from(*b) * 19) >> 8) as u8,
        _ => u8::MAX,
    }
}

/// The picture in grey; what is transparent is white.
pub(super) fn on_white(image: &DynamicImage) -> DynamicImage {
    if !image.color().has_alpha() {
        return DynamicImage::ImageLuma8(image.to_luma8());
    }
    let mut grey = GrayImage::new(image.width(), image.height());
    for (from, to) in image.to_luma_alpha8().pixels().zip(grey.pixels_mut()) {
        let [luma, alpha] = from.0.map(u32::from);
        to.0 = [u8::try_from((luma * alpha + 255 * (255 - alpha)) / 255).unwrap_or(u8::MAX)];
    }
    DynamicImage::ImageLuma8(grey)
}

/// A page with the picture at its top.
pub(super) fn page(image: &Image, sheet: Sheet) -> Page {
    let (x_scale, y_scale) = sheet.px_per_pt();
    let (width_pt, height_pt) = (sheet.width() as f32 / x_scale, sheet.body_rows() as f32 / y_scale);
    let area = (width_pt - 2.0 * MARGIN_PT, height_pt - 2.0 * MARGIN_PT);
    let top = (MARGIN_PT * y_scale).round() as u32;
    fitted(&image.pixels, image.size_pt, area, sheet, top)
}

/// A page that was scanned at so many dots per inch: fitted to the whole sheet.
pub(super) fn scan_page(image: &DynamicImage, (x_dpi, y_dpi): (u32, u32), sheet: Sheet) -> Page {
    let (x_scale, y_scale) = sheet.px_per_pt();
    let area = (sheet.width() as f32 / x_scale, sheet.body_rows() as f32 / y_scale);
    let length_pt = |pixels: u32, dpi: u32| pixels as f32 * 72.0 / dpi.max(1) as f32;
    let size = (length_pt(image.width(), x_dpi), length_pt(image.height(), y_dpi));
    fitted(image, size, area, sheet, 0)
}

/// The picture as a strip of a page, no larger than the given points.
pub(super) fn strip(image: &Image, sheet: Sheet, width_pt: f32, height_pt: f32) -> Page {
    let size = image.size_pt;
    let scale = (width_pt / size.0).min(height_pt / size.1).min(1.0);
    scaled(&image.pixels, (size.0 * scale, size.1 * scale), sheet)
}

/// The picture as a part of a page, of exactly so many points.
pub(super) fn exactly(image: &Image, size_pt: (f32, f32), sheet: Sheet) -> Page {
    scaled(&image.pixels, size_pt, sheet)
}

fn fitted(image: &DynamicImage, size_pt: (f32, f32), area_pt: (f32, f32), sheet: Sheet, top: u32) -> Page {
    let Fit { turned, scale } = fit(size_pt, area_pt);
    let (width_pt, height_pt) = (size_pt.0 * scale, size_pt.1 * scale);
    let part = match turned {
        true => scaled(&image.rotate270(), (height_pt, width_pt), sheet),
        false => scaled(image, (width_pt, height_pt), sheet),
    };
    let left = (sheet.width() - part.width().min(sheet.width())) / 2;
    on_sheet(&part, sheet, left, top)
}

fn scaled(image: &DynamicImage, (width_pt, height_pt): (f32, f32), sheet: Sheet) -> Page {
    let (x_scale, y_scale) = sheet.px_per_pt();
    let width = ((width_pt * x_scale).round() as u32).clamp(1, sheet.width());
    let rows = ((height_pt * y_scale).round() as u32).clamp(1, sheet.body_rows());
    let resized = image.resize_exact(width, rows, FilterType::Triangle);
    let tones = Tones::of(resized.as_bytes());
    let values = match tones.paper {
        true => resized.into_luma8(),
        false => resized.unsharpen(SHARPEN_SIGMA, 0).into_luma8(),
    };
    match Grey::new(width, tones.stretch(values.into_raw())) {
        Some(grey) => halftone::bilevel(grey, sheet.resolution()),
        None => Page::white(width, rows, sheet.resolution()),
    }
}

/// Which tones become black and white, so that a dull photograph shows what is in it and grey paper is white.
struct Tones {
    black: usize,
    white: usize,
    /// Most of it is paper of one tone: a scan or a drawing, not a photograph.
    paper: bool,
}

impl Tones {
    fn of(values: &[u8]) -> Self {
        let mut counts = [0usize; 256];
        for &value in values {
            counts[usize::from(value)] += 1;
        }
        let around =
            |tone: usize| counts.iter().take(tone + PAPER_TONES + 1).skip(tone.saturating_sub(PAPER_TONES));
        let share = |tone: usize| around(tone).sum::<usize>() * 100 / values.len().max(1);
        let lightest = (PAPER_AT_LEAST..256).max_by_key(|&tone| share(tone)).unwrap_or(255);
        let lighter: usize = counts.iter().skip(lightest + PAPER_TONES + 1).sum();
        let paper =
            share(lightest) >= PAPER_PERCENT_MIN && lighter * 100 <= values.len() * LIGHTER_PERCENT_MAX;
        let below = |percent: usize| {
            let wanted = values.len() * percent / 100;
            let mut sum = 0;
            let found = counts.iter().position(|count| {
                sum += count;
                sum > wanted
            });
            found.unwrap_or(0)
        };
        let white = if paper { lightest - PAPER_TONES } else { below(WHITE_PERCENT) };
        Self { black: below(BLACK_PERCENT).min(BLACK_AT_MOST), white: white.max(WHITE_AT_LEAST), paper }
    }

    fn stretch(&self, mut values: Vec<u8>) -> Vec<u8> {
        let table: [u8; 256] = std::array::from_fn(|value| {
            let part = value.saturating_sub(self.black) * 255 / (self.white - self.black);
            u8::try_from(part).unwrap_or(u8::MAX)
        });
        for value in &mut values {
            *value = table[usize::from(*value)];
        }
        values
    }
}

/// A sheet's body with a smaller bitmap on it.
pub(super) fn on_sheet(part: &Page, sheet: Sheet, left: u32, top: u32) -> Page {
    let mut page = Page::white(sheet.width(), sheet.body_rows(), sheet.resolution());
    lay(&mut page, part, left, top);
    page
}

/// Lays a bitmap's black pixels on a page; what would lie beyond its edges is lost.
pub(super) fn lay(page: &mut Page, part: &Page, left: u32, top: u32) {
    let (first, shift) = ((left / 8) as usize, left % 8);
    // Bits of the last octet that are no pixels of the page stay white.
    let beyond = page.stride() * 8 - page.width() as usize;
    for (y, from) in (top..).zip(part.iter_rows()) {
        let Some(to) = page.row_mut(y) else { return };
        for (index, &bits) in (first..).zip(from).filter(|(_, bits)| **bits != 0) {
            let [near, far] = (u16::from(bits) << (8 - shift)).to_be_bytes();
            for (index, bits) in [(index, near), (index + 1, far)] {
                if let Some(octet) = to.get_mut(index) {
                    *octet |= bits;
                }
            }
        }
        if let Some(last) = to.last_mut() {
            *last &= u8::MAX << beyond;
        }
    }
}

#[cfg(test)]
mod tests {
    use fax::page::Resolution;

    use super::*;

    #[test]
    fn a_bitmap_lies_where_it_was_laid() {
        let mut part = Page::white(10, 2, Resolution::R204x98);
        part.set(0, 0, true);
        part.set(9, 1, true);
        for left in 0..14 {
            let mut page = Page::white(20, 4, Resolution::R204x98);
            lay(&mut page, &part, left, 1);
            let black: Vec<_> = (0..80).filter(|place| page.is_black(place % 20, place / 20)).collect();
            let mut want = vec![20 + left];
            want.extend((left + 9 < 20).then_some(40 + left + 9));
            assert_eq!(black, want, "{left}");
            let again = Page::from_bits(20, Resolution::R204x98, page.bits().to_vec());
            assert_eq!(again.as_ref(), Some(&page), "no bits beyond the edge");
        }
    }
}
