//! Pictures on a page, as scanners and programs put them there: upright, or after quarter turns.

use hayro::hayro_interpret::{Image, ImageData, LumaData, Paint};
use hayro::kurbo::{Affine, Rect};
use image::GrayImage;
use image::imageops::{self, FilterType};

use super::super::super::picture::{luma, resized};
use super::canvas::{Area, Mask};
use super::opaque_tone;

/// How much further than straight a side may end, in pixels.
const SKEW_MAX: f64 = 0.5;
/// How much larger than the page a picture may be, across and down: what is beyond is lost.
const LARGER_MAX: f64 = 2.0;
/// Pixels so many times as large stay square, unless they are to be smoothed (ISO 32000-1, 8.9.5.3).
const SQUARE_MIN: f64 = 2.0;

/// A picture at the pixels of the page.
pub(super) enum Placed {
    Grey(GrayImage, (i32, i32)),
    /// One tone through a stencil.
    Tone(Mask, u8),
}

/// A picture at the pixels of the page that `transform` takes its own to; `None` where that takes more than is done here.
pub(super) fn placed(image: &Image<'_, '_>, transform: Affine, page: Area) -> Option<Placed> {
    let bounds = bounds((image.width(), image.height()), transform);
    let is_huge = |side: f64, of_page: usize| side > of_page as f64 * LARGER_MAX;
    if !bounds.is_finite() || is_huge(bounds.width(), page.width()) || is_huge(bounds.height(), page.rows()) {
        return None;
    }
    let mut placed = None;
    match image {
        Image::Raster(raster) => raster.with_rgba(
            |data, alpha| {
                if alpha.is_none() {
                    placed = grey(data)
                        .and_then(|unpacked| unpacked.upright(transform, image))
                        .map(|(picture, at)| Placed::Grey(picture, at));
                }
            },
            None,
        ),
        Image::Stencil(stencil) => stencil.with_stencil(
            |luma, paint: &Paint<'_>| {
                let upright = unpacked(luma).and_then(|unpacked| unpacked.upright(transform, image));
                placed =
                    upright.zip(opaque_tone(paint)).map(|(upright, tone)| Placed::of_stencil(upright, tone));
            },
            None,
        ),
    }
    placed
}

impl Placed {
    fn of_stencil((picture, (left, top)): (GrayImage, (i32, i32)), tone: u8) -> Self {
        let width = picture.width() as usize;
        Self::Tone(Mask { left, top, width, coverage: picture.into_raw() }, tone)
    }
}

/// Pixels, and whether they are to be smoothed where they become larger.
struct Unpacked {
    pixels: GrayImage,
    smooth: bool,
}

fn grey(data: ImageData) -> Option<Unpacked> {
    match data {
        ImageData::Luma(grey) => unpacked(grey),
        ImageData::Rgb(colours) => {
            let tones = colours.data.as_chunks::<3>().0.iter().map(|rgb| luma(*rgb)).collect();
            let pixels = GrayImage::from_raw(colours.width, colours.height, tones)?;
            Some(Unpacked { pixels, smooth: colours.interpolate })
        }
    }
}

fn unpacked(LumaData { data, width, height, interpolate, .. }: LumaData) -> Option<Unpacked> {
    Some(Unpacked { pixels: GrayImage::from_raw(width, height, data)?, smooth: interpolate })
}

impl Unpacked {
    /// The picture at the pixels of the page, and the first of them; `None` where it is askew or mirrored.
    fn upright(&self, transform: Affine, image: &Image<'_, '_>) -> Option<(GrayImage, (i32, i32))> {
        let (across, down) = (f64::from(image.width()), f64::from(image.height()));
        let [a, b, c, d, ..] = transform.as_coeffs();
        let is_straight = |x: f64, y: f64| (x * across).abs() <= SKEW_MAX && (y * down).abs() <= SKEW_MAX;
        let bounds = bounds((image.width(), image.height()), transform);
        let area = Area::rounded(bounds);
        let (width, rows) = (area.width().max(1) as u32, area.rows().max(1) as u32);
        let turned = if is_straight(b, c) && a > 0.0 && d > 0.0 {
            self.resized(width, rows)
        } else if is_straight(b, c) && a < 0.0 && d < 0.0 {
            imageops::rotate180(&self.resized(width, rows))
        } else if is_straight(a, d) && b > 0.0 && c < 0.0 {
            imageops::rotate90(&self.resized(rows, width))
        } else if is_straight(a, d) && b < 0.0 && c > 0.0 {
            imageops::rotate270(&self.resized(rows, width))
        } else {
            return None;
        };
        Some((turned, (area.left, area.top)))
    }

    fn resized(&self, width: u32, rows: u32) -> GrayImage {
        let is_larger = |to: u32, from: u32| f64::from(to) >= f64::from(from) * SQUARE_MIN;
        let enlarged = is_larger(width, self.pixels.width()) || is_larger(rows, self.pixels.height());
        match enlarged && !self.smooth {
            true => imageops::resize(&self.pixels, width, rows, FilterType::Nearest),
            false => resized(&self.pixels, width, rows),
        }
    }
}

/// Where a picture of so many pixels lies on the page.
fn bounds((width, height): (u32, u32), transform: Affine) -> Rect {
    transform.transform_rect_bbox(Rect::new(0.0, 0.0, width.into(), height.into()))
}
