//! Pictures at the pixels of a page: made smaller or larger, and sharpened.

use image::GrayImage;
use image::imageops::{self, FilterType};
use pic_scale::{ImageSize, ImageStore, ImageStoreMut, PicScaleError, ResamplingFunction, Scaler};

/// The picture at so many pixels; each is the mean of what it covers, weighted towards its middle.
pub(in super::super) fn resized(image: &GrayImage, width: u32, rows: u32) -> GrayImage {
    // What the faster way will not do, the slower does.
    planar(image, width, rows)
        .ok()
        .and_then(|values| GrayImage::from_raw(width, rows, values))
        .unwrap_or_else(|| imageops::resize(image, width, rows, FilterType::Triangle))
}

fn planar(image: &GrayImage, width: u32, rows: u32) -> Result<Vec<u8>, PicScaleError> {
    let size = |width: u32, rows: u32| ImageSize::new(width as usize, rows as usize);
    let (from, to) = (size(image.width(), image.height()), size(width, rows));
    let mut values = vec![0; to.width * to.height];
    let plan = Scaler::new(ResamplingFunction::Bilinear).plan_planar_resampling(from, to)?;
    let source = ImageStore::<u8, 1>::from_slice(image.as_raw(), from.width, from.height)?;
    plan.resample(&source, &mut ImageStoreMut::from_slice(&mut values, to.width, to.height)?)?;
    Ok(values)
}

/// The weights of a pixel and those around it in a soft picture, near those of a bell of 1.4 pixels; 256 together.
const BELL: [u16; 9] = [1, 8, 28, 56, 70, 56, 28, 8, 1];
/// How far the bell reaches to either side.
const REACH: usize = BELL.len() / 2;

/// Rows of `width` values with what is fine in them made stronger: the screen takes a little sharpness away.
pub(super) fn sharpened(width: usize, mut values: Vec<u8>) -> Vec<u8> {
    let soft = softened(width, &values);
    for (value, soft) in values.iter_mut().zip(soft) {
        let sharp = 2 * i16::from(*value) - i16::from(soft);
        *value = sharp.clamp(0, 255) as u8;
    }
    values
}

/// What each value and those around it are on average; the rows and columns at the edges go on beyond them.
fn softened(width: usize, values: &[u8]) -> Vec<u8> {
    let rows: Vec<&[u8]> = values.chunks_exact(width.max(1)).collect();
    let mut soft = Vec::with_capacity(values.len());
    // Of the columns around each pixel; with pixels more at both ends.
    let mut columns = vec![0u8; width + 2 * REACH];
    for y in 0..rows.len() {
        let above = |tap: usize| (y + tap).saturating_sub(REACH).min(rows.len() - 1);
        let near: [&[u8]; BELL.len()] = std::array::from_fn(|tap| rows[above(tap)]);
        mean(near, &mut columns[REACH..REACH + width]);
        let (first, last) = (columns[REACH], columns[REACH + width - 1]);
        columns[..REACH].fill(first);
        columns[REACH + width..].fill(last);
        let start = soft.len();
        soft.resize(start + width, 0);
        mean(std::array::from_fn(|tap| &columns[tap..tap + width]), &mut soft[start..]);
    }
    soft
}

/// For each place, the weighted mean of the lanes at it.
fn mean(lanes: [&[u8]; BELL.len()], out: &mut [u8]) {
    let [a, b, c, d, e, f, g, h, i] = lanes.map(|lane| &lane[..out.len()]);
    for (x, out) in out.iter_mut().enumerate() {
        // No more than 256 × 255, which fits; 128 rounds.
        let sum = |near: u8, far: u8, weight: u16| (u16::from(near) + u16::from(far)) * weight;
        let all = sum(a[x], i[x], BELL[0])
            + sum(b[x], h[x], BELL[1])
            + sum(c[x], g[x], BELL[2])
            + sum(d[x], f[x], BELL[3])
            + u16::from(e[x]) * BELL[REACH];
        *out = ((all + 128) >> 8) as u8;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_even_picture_stays_as_it_is() {
        for value in [0u8, 1, 130, 254, 255] {
            assert_eq!(sharpened(7, vec![value; 7 * 5]), vec![value; 7 * 5]);
            let image = GrayImage::from_pixel(301, 97, image::Luma([value]));
            assert!(resized(&image, 100, 40).as_raw().iter().all(|other| *other == value), "{value}");
        }
    }

    #[test]
    fn an_edge_is_stronger_on_both_sides_and_the_same_across_and_down() {
        let across: Vec<u8> = (0..32 * 32).map(|index| if index % 32 < 16 { 100 } else { 160 }).collect();
        let down: Vec<u8> = (0..32 * 32).map(|index| if index / 32 < 16 { 100 } else { 160 }).collect();
        let (across, down) = (sharpened(32, across), sharpened(32, down));
        assert!(across[15] < 85 && across[16] > 175, "{:?}", &across[..32]);
        assert_eq!((across[0], across[31]), (100, 160));
        assert!((0..32 * 32).all(|index| across[index] == down[index % 32 * 32 + index / 32]));
    }

    #[test]
    fn made_smaller_each_pixel_is_the_mean_of_what_it_covers() {
        // Stripes of one pixel are an even grey in a picture of a third of the size, not stripes.
        let stripes = GrayImage::from_fn(900, 60, |x, _| image::Luma([if x % 2 == 0 { 0 } else { 255 }]));
        let small = resized(&stripes, 300, 20);
        let inner = small.rows().flat_map(|row| row.skip(2).take(296).map(|pixel| pixel.0[0]));
        assert!(inner.clone().all(|value| value.abs_diff(128) < 24), "{:?}", inner.collect::<Vec<_>>());
    }

    #[test]
    fn one_pixel_becomes_many_and_many_one() {
        let one = GrayImage::from_pixel(1, 1, image::Luma([77]));
        assert!(resized(&one, 50, 3).as_raw().iter().all(|value| *value == 77));
        assert_eq!(resized(&GrayImage::from_pixel(4000, 1, image::Luma([9])), 1, 1).as_raw(), &[9]);
    }
}
