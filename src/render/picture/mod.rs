//! Pictures to pages: PNG, JPEG (turned as its EXIF data say), GIF (the first frame), WebP, BMP, SVG, and TIFF in colour or
//! grey.
//!
//! A picture is put on white, fitted to the sheet, turned where it is wider than high, and never enlarged beyond 96
//! pixels to the inch. Its size is known and limited before it is unpacked.

mod read;
mod scale;
mod tones;

use fax::page::Page;
use image::metadata::Orientation;
use image::{DynamicImage, GrayImage};

use super::halftone::{self, Grey};
use super::sheet::{Fit, Sheet, fit};
pub(super) use read::{check_size, on_white, read, size, upright_size_pt};
pub(super) use scale::resized;
use tones::Tones;

/// The size of a pixel at which a picture is not enlarged any more, in points (96 to the inch).
pub(super) const PT_PER_PIXEL: f32 = 0.75;
/// White around a picture on a page of its own, in points.
const MARGIN_PT: f32 = 28.0;

/// A picture in grey, on white.
pub(super) struct Image {
    pixels: GrayImage,
    /// How its pixels are to be turned to stand upright. They are turned last: by then there are fewer.
    orientation: Orientation,
    /// How large it is where there is room, upright.
    size_pt: (f32, f32),
}

impl Image {
    /// A picture whose pixels are not enlarged beyond 96 to the inch.
    pub(super) fn of(pixels: GrayImage) -> Self {
        Self::turned(pixels, Orientation::NoTransforms)
    }

    fn turned(pixels: GrayImage, orientation: Orientation) -> Self {
        let size_pt = (pixels.width() as f32 * PT_PER_PIXEL, pixels.height() as f32 * PT_PER_PIXEL);
        let size_pt = if is_sideways(orientation) { (size_pt.1, size_pt.0) } else { size_pt };
        Self { pixels, orientation, size_pt }
    }

    fn sized(pixels: GrayImage, size_pt: (f32, f32)) -> Self {
        Self { pixels, orientation: Orientation::NoTransforms, size_pt }
    }

    /// The picture upright at so many pixels.
    fn resized(&self, width: u32, rows: u32) -> GrayImage {
        let (width, rows) = if is_sideways(self.orientation) { (rows, width) } else { (width, rows) };
        let mut resized = DynamicImage::ImageLuma8(resized(&self.pixels, width, rows));
        resized.apply_orientation(self.orientation);
        resized.into_luma8()
    }
}

/// Whether a picture's sides change places.
fn is_sideways(orientation: Orientation) -> bool {
    use Orientation::{Rotate90, Rotate90FlipH, Rotate270, Rotate270FlipH};
    matches!(orientation, Rotate90 | Rotate270 | Rotate90FlipH | Rotate270FlipH)
}

/// The tone of red, green and blue (ITU-R BT.709, in parts of 256).
pub(super) fn luma([r, g, b]: [u8; 3]) -> u8 {
    // The parts are 256 together, so that the sum fits.
    ((u16::from(r) * 54 + u16::from(g) * 183 + u16::from(b) * 19) >> 8) as u8
}

/// Makes pixels of red, green, blue and alpha, through which nothing is seen, into their tones, which then stand at the
/// beginning: a page of pixels is large, and needs to be there once.
pub(super) fn opaque_lumas(pixels: &mut [u8]) -> &mut [u8] {
    /// Pixels that are done in one go.
    const AT_ONCE: usize = 256;
    let count = pixels.len() / 4;
    let mut first_tones = [0; AT_ONCE];
    let at_first = count.min(AT_ONCE);
    lumas(&pixels[..4 * at_first], &mut first_tones[..at_first]);
    pixels[..at_first].copy_from_slice(&first_tones[..at_first]);
    // From then on tones stand before the pixels that they are of.
    for first in (AT_ONCE..count).step_by(AT_ONCE) {
        let last = (first + AT_ONCE).min(count);
        let (done, rest) = pixels.split_at_mut(4 * first);
        lumas(&rest[..4 * (last - first)], &mut done[first..last]);
    }
    &mut pixels[..count]
}

fn lumas(pixels: &[u8], tones: &mut [u8]) {
    let (blocks, rest) = pixels.as_chunks::<64>();
    let mut of_blocks = tones.chunks_mut(16);
    for (block, tones) in blocks.iter().zip(&mut of_blocks) {
        // Most of a page is white.
        match block.iter().fold(u8::MAX, |all, value| all & value) {
            u8::MAX => tones.fill(u8::MAX),
            _ => lumas_of_each(block, tones),
        }
    }
    of_blocks.for_each(|tones| lumas_of_each(rest, tones));
}

fn lumas_of_each(pixels: &[u8], tones: &mut [u8]) {
    for (&[r, g, b, _], tone) in pixels.as_chunks::<4>().0.iter().zip(tones) {
        *tone = luma([r, g, b]);
    }
}

/// A page with the picture at its top.
pub(super) fn page(image: &Image, sheet: Sheet) -> Page {
    let (x_scale, y_scale) = sheet.px_per_pt();
    let (width_pt, height_pt) = (sheet.width() as f32 / x_scale, sheet.body_rows() as f32 / y_scale);
    let area = (width_pt - 2.0 * MARGIN_PT, height_pt - 2.0 * MARGIN_PT);
    let top = (MARGIN_PT * y_scale).round() as u32;
    fitted(image, area, sheet, top)
}

/// A page that was scanned at so many dots per inch: fitted to the whole sheet.
pub(super) fn scan_page(scan: GrayImage, (x_dpi, y_dpi): (u32, u32), sheet: Sheet) -> Page {
    let length_pt = |pixels: u32, dpi: u32| pixels as f32 * 72.0 / dpi.max(1) as f32;
    let size_pt = (length_pt(scan.width(), x_dpi), length_pt(scan.height(), y_dpi));
    let sheet = sheet.reaching(size_pt);
    let (x_scale, y_scale) = sheet.px_per_pt();
    let area = (sheet.width() as f32 / x_scale, sheet.body_rows() as f32 / y_scale);
    fitted(&Image::sized(scan, size_pt), area, sheet, 0)
}

/// The picture as a strip of a page, no larger than the given points.
pub(super) fn strip(image: &Image, sheet: Sheet, width_pt: f32, height_pt: f32) -> Page {
    let size = image.size_pt;
    let scale = (width_pt / size.0).min(height_pt / size.1).min(1.0);
    exactly(image, (size.0 * scale, size.1 * scale), sheet)
}

/// The picture as a part of a page, of exactly so many points.
pub(super) fn exactly(image: &Image, size_pt: (f32, f32), sheet: Sheet) -> Page {
    let (width, rows) = pixels(size_pt, sheet);
    black_and_white(image.resized(width, rows), sheet)
}

fn fitted(image: &Image, area_pt: (f32, f32), sheet: Sheet, top: u32) -> Page {
    let Fit { turned, scale } = fit(image.size_pt, area_pt);
    let (width_pt, height_pt) = (image.size_pt.0 * scale, image.size_pt.1 * scale);
    let grey = if turned {
        let (width, rows) = pixels((height_pt, width_pt), sheet);
        image::imageops::rotate270(&image.resized(rows, width))
    } else {
        let (width, rows) = pixels((width_pt, height_pt), sheet);
        image.resized(width, rows)
    };
    let left = (sheet.width() - grey.width().min(sheet.width())) / 2;
    on_sheet(&black_and_white(grey, sheet), sheet, left, top)
}

/// How many pixels and rows of the sheet so many points are.
fn pixels((width_pt, height_pt): (f32, f32), sheet: Sheet) -> (u32, u32) {
    let (x_scale, y_scale) = sheet.px_per_pt();
    let width = ((width_pt * x_scale).round() as u32).clamp(1, sheet.width());
    (width, ((height_pt * y_scale).round() as u32).clamp(1, sheet.body_rows()))
}

fn black_and_white(grey: GrayImage, sheet: Sheet) -> Page {
    let (width, rows) = grey.dimensions();
    let tones = Tones::of(grey.as_raw());
    let values = match tones.paper {
        true => grey.into_raw(),
        false => scale::sharpened(width as usize, grey.into_raw()),
    };
    match Grey::new(width, &mut tones.stretch(values)) {
        Some(grey) => halftone::bilevel(grey, sheet.resolution(), sheet.photographs()),
        None => Page::white(width, rows, sheet.resolution()),
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
