//! Pictures out of files, in grey on white: their size is known and limited before they are unpacked.

use std::io::Cursor;

use image::codecs::{
    bmp::BmpDecoder, gif::GifDecoder, jpeg::JpegDecoder, png::PngDecoder, webp::WebPDecoder,
};
use image::{DynamicImage, GrayImage, ImageDecoder, ImageResult};
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use super::super::error::Failure;
use super::super::kind::Picture;
use super::super::options::Limits;
use super::super::svg;
use super::{Image, PT_PER_PIXEL, is_sideways};

/// Bytes that a decoder may take for a pixel: 16 bits of red, green, blue and alpha.
const BYTES_PER_PIXEL_MAX: u64 = 8;

/// A picture's size in pixels, without unpacking it.
pub(in super::super) fn size(picture: Picture, bytes: &[u8], limits: &Limits) -> Result<(u32, u32), Failure> {
    if picture == Picture::Svg {
        let pixels = |length_pt: f32| (length_pt / PT_PER_PIXEL) as u32;
        return svg::size_pt(bytes).map(|(width, height)| (pixels(width), pixels(height)));
    }
    decoder(picture, bytes, limits).map(|decoder| decoder.dimensions())
}

/// A picture's size in points, as it stands upright, without unpacking it.
pub(in super::super) fn upright_size_pt(
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
    Ok(if is_sideways(orientation) { (height, width) } else { (width, height) })
}

/// Unpacks a picture.
pub(in super::super) fn read(picture: Picture, bytes: &[u8], limits: &Limits) -> Result<Image, Failure> {
    if picture == Picture::Svg {
        return svg::draw(bytes, limits).map(|(pixels, size_pt)| Image::sized(pixels, size_pt));
    }
    let mut decoder = decoder(picture, bytes, limits)?;
    let orientation = decoder.orientation().map_err(damaged)?;
    let lightness = if picture == Picture::Jpeg { lightness(bytes)? } else { None };
    let pixels = match lightness {
        Some(pixels) => pixels,
        None => on_white(DynamicImage::from_decoder(decoder).map_err(damaged)?),
    };
    Ok(Image::turned(pixels, orientation))
}

/// What a JPEG of lightness and colours (ITU-T T.871) or of greys has of lightness: its colours, most of the work, stay
/// packed. `None` for one of other colours.
fn lightness(bytes: &[u8]) -> Result<Option<GrayImage>, Failure> {
    let options = DecoderOptions::default().set_strict_mode(false);
    let options = options.set_max_width(u16::MAX.into()).set_max_height(u16::MAX.into());
    let options = options.jpeg_set_out_colorspace(ColorSpace::Luma);
    let mut decoder = zune_jpeg::JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    decoder.decode_headers().map_err(damaged)?;
    if !matches!(decoder.input_colorspace(), Some(ColorSpace::YCbCr | ColorSpace::Luma)) {
        return Ok(None);
    }
    let values = decoder.decode().map_err(damaged)?;
    let size = decoder.info().map(|info| (u32::from(info.width), u32::from(info.height)));
    let pixels = size.and_then(|(width, height)| GrayImage::from_raw(width, height, values));
    pixels.map(Some).ok_or_else(|| damaged("too few pixels"))
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
pub(in super::super) fn check_size(width: u32, height: u32, limits: &Limits) -> Result<(), Failure> {
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

/// The picture in grey; what is transparent is white.
pub(in super::super) fn on_white(image: DynamicImage) -> GrayImage {
    if !image.color().has_alpha() {
        return image.into_luma8();
    }
    let mut grey = GrayImage::new(image.width(), image.height());
    for (from, to) in image.to_luma_alpha8().pixels().zip(grey.pixels_mut()) {
        let [luma, alpha] = from.0.map(u32::from);
        to.0 = [u8::try_from((luma * alpha + 255 * (255 - alpha)) / 255).unwrap_or(u8::MAX)];
    }
    grey
}
