//! Grey to black and white, so that text stays crisp and photographs stay pictures.
//!
//! The picture is looked at in blocks. Where most of a block is made of many middle tones it is a photograph, and is
//! screened with dots at 45° that grow as the tone darkens. Scattered pixels (error diffusion) would show more detail, but
//! printers lose them and T.4 coding makes them twice as long on the line as the bare bitmap. Everywhere
//! else a pixel at an edge is compared with the middle of its surroundings, so that grey letters, white letters on
//! colour and hairlines stay whole, and even tones are screened. The result depends on the grey values alone.

use fax::page::{Page, Resolution};

/// A grey picture at the pixels of a page: 0 is black.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Grey {
    width: u32,
    rows: u32,
    values: Vec<u8>,
}

/// The side of a block, in pixels.
const BLOCK: u32 = 24;
/// Tones between these are middle tones.
const BLACK_MAX: u8 = 40;
const WHITE_MIN: u8 = 232;
/// A block is a photograph when so many parts of 100 are middle tones …
const MIDDLE_PERCENT_MIN: u32 = 50;
/// … and so many of 16 tones each take so many parts of 100.
const TONES_MIN: usize = 4;
const TONE_PERCENT_MIN: u32 = 4;
/// A picture of which so many of 100 blocks are photographs is one as a whole.
const PHOTO_PERCENT_MIN: usize = 60;
/// Tones this far apart around a pixel make an edge.
const EDGE_MIN: u8 = 44;
/// How far around a pixel an edge is looked for, in pixels.
const EDGE_REACH: u32 = 2;
/// Where between the darkest and the lightest tone around it a pixel turns white, of 256. Above one half: a stroke
/// that covers less than half of its pixels must stay.
const EDGE_SHARE: u32 = 150;
/// The screen has two dots, set cornerwise, in a square of this side: 36 dots to an inch along the diagonals.
const CELL_INCHES: f32 = 0.0392;
/// So many squares by so many make the pattern that repeats. Their dots grow one after the other, which gives more tones
/// than the pixels of a dot.
const CELLS: u32 = 4;
/// How far the dots of the pattern are apart in their growth, as a part of all of it.
const SPOT_SPREAD: f32 = 0.12;
/// Printing makes dots grow, so middle tones are lightened: the exponent of the tone curve.
const TONE_EXPONENT: f32 = 0.8;

impl Grey {
    /// A picture of `width` pixels a row; `None` where `values` is no whole number of rows.
    pub(super) fn new(width: u32, values: Vec<u8>) -> Option<Self> {
        let stride = width as usize;
        if stride == 0 || !values.len().is_multiple_of(stride) {
            return None;
        }
        let rows = u32::try_from(values.len() / stride).ok()?;
        Some(Self { width, rows, values })
    }

    fn row(&self, y: u32) -> &[u8] {
        let start = (y * self.width) as usize;
        self.values.get(start..start + self.width as usize).unwrap_or_default()
    }

    /// Where the pixel lies at an edge, the tone from which on it is white.
    fn edge(&self, x: u32, y: u32) -> Option<u8> {
        let columns = x.saturating_sub(EDGE_REACH) as usize..(x + EDGE_REACH + 1).min(self.width) as usize;
        let (mut low, mut high) = (u8::MAX, 0);
        for row in y.saturating_sub(EDGE_REACH)..(y + EDGE_REACH + 1).min(self.rows) {
            for &value in self.row(row).get(columns.clone()).unwrap_or_default() {
                low = low.min(value);
                high = high.max(value);
            }
        }
        let range = high.saturating_sub(low);
        let share = u32::from(range) * EDGE_SHARE / 256;
        (range >= EDGE_MIN).then(|| low + share as u8)
    }
}

/// The picture in black and white.
pub(super) fn bilevel(grey: &Grey, resolution: Resolution) -> Page {
    let photo = Blocks::of(grey);
    let screen = Screen::new(resolution);
    let mut page = Page::white(grey.width, grey.rows, resolution);
    for y in 0..grey.rows {
        for (x, &value) in (0u32..).zip(grey.row(y)).filter(|(_, value)| **value < WHITE_MIN) {
            let black = value <= BLACK_MAX
                || match grey.edge(x, y).filter(|_| !photo.at(x, y)) {
                    Some(middle) => value < middle,
                    None => screen.is_black(value, x, y),
                };
            if black {
                page.set(x, y, true);
            }
        }
    }
    page
}

/// Which blocks are photographs.
struct Blocks {
    columns: u32,
    photo: Vec<bool>,
}

impl Blocks {
    fn of(grey: &Grey) -> Self {
        let (columns, rows) = (grey.width.div_ceil(BLOCK), grey.rows.div_ceil(BLOCK));
        let own: Vec<bool> = (0..rows * columns)
            .map(|index| is_photo(grey, index % columns * BLOCK, index / columns * BLOCK))
            .collect();
        let share = own.iter().filter(|&&photo| photo).count() * 100;
        if share >= own.len() * PHOTO_PERCENT_MIN {
            return Self { columns, photo: vec![true; own.len()] };
        }
        let raw = Self { columns, photo: own };
        let photo =
            (0..rows * columns).map(|index| raw.majority(index % columns, index / columns, rows)).collect();
        Self { columns, photo }
    }

    /// Whether most of a block and its neighbours are photographs: no lonely block changes its surroundings.
    fn majority(&self, column: u32, row: u32, rows: u32) -> bool {
        let columns = column.saturating_sub(1)..(column + 2).min(self.columns);
        let (mut yes, mut all) = (0, 0);
        for y in row.saturating_sub(1)..(row + 2).min(rows) {
            for x in columns.clone() {
                all += 1;
                yes += u32::from(self.block(x, y));
            }
        }
        yes * 2 > all
    }

    fn block(&self, column: u32, row: u32) -> bool {
        self.photo.get((row * self.columns + column) as usize).copied().unwrap_or(false)
    }

    fn at(&self, x: u32, y: u32) -> bool {
        self.block(x / BLOCK, y / BLOCK)
    }
}

fn is_photo(grey: &Grey, left: u32, top: u32) -> bool {
    let mut tones = [0u32; 16];
    let (mut middle, mut all) = (0, 0);
    let (right, bottom) = ((left + BLOCK).min(grey.width), (top + BLOCK).min(grey.rows));
    for y in top..bottom {
        let row = grey.row(y).get(left as usize..right as usize).unwrap_or_default();
        all += right - left;
        for &value in row {
            if (BLACK_MAX..WHITE_MIN).contains(&value) {
                middle += 1;
                tones[usize::from(value >> 4)] += 1;
            }
        }
    }
    let frequent = tones.iter().filter(|&&count| count * 100 >= all * TONE_PERCENT_MIN).count();
    middle * 100 >= all * MIDDLE_PERCENT_MIN && frequent >= TONES_MIN
}

/// The screen: a threshold for each pixel of a pattern that repeats.
struct Screen {
    width: u32,
    rows: u32,
    /// From 0 to 254, row by row.
    thresholds: Vec<u8>,
    /// The tone curve.
    tones: [u8; 256],
}

impl Screen {
    fn new(resolution: Resolution) -> Self {
        // An even number, so that the dot in the middle of a cell is like those at its corners.
        let side = |dpi: u32| ((dpi as f32 * CELL_INCHES / 2.0).round() as u32).max(1) * 2;
        let (cell_width, cell_rows) = (side(resolution.x_dpi()), side(resolution.y_dpi()));
        let (width, rows) = (cell_width * CELLS, cell_rows * CELLS);
        let mut spots: Vec<(f32, u32)> = (0..width * rows)
            .map(|index| (spot(index % width, index / width, cell_width, cell_rows), index))
            .collect();
        spots.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let mut thresholds = vec![0; spots.len()];
        for (rank, (_, index)) in spots.iter().enumerate() {
            // The rank as a tone; there are far fewer pixels than a u32 counts.
            thresholds[*index as usize] = (rank * 255 / spots.len()) as u8;
        }
        let tone = |value: usize| ((value as f32 / 255.0).powf(TONE_EXPONENT) * 255.0).round() as u8;
        Self { width, rows, thresholds, tones: std::array::from_fn(tone) }
    }

    fn is_black(&self, value: u8, x: u32, y: u32) -> bool {
        let index = y % self.rows * self.width + x % self.width;
        let threshold = self.thresholds.get(index as usize).copied().unwrap_or(127);
        self.tones[usize::from(value)] <= threshold
    }
}

/// How late a pixel turns black as the tone darkens: last between the dots. Each dot is a little later or earlier
/// than the others.
fn spot(x: u32, y: u32, cell_width: u32, cell_rows: u32) -> f32 {
    let turn = |place: u32, side: u32| std::f32::consts::TAU * (place as f32 + 0.5) / side as f32;
    let (across, down) = (turn(x, cell_width), turn(y, cell_rows));
    // Which dot of the pattern the pixel belongs to, and its turn among them (bit reversal spreads them evenly).
    let (column, row) = (x * 2 / cell_width, y * 2 / cell_rows);
    let turn = (column * 5 + row * 3) % 16;
    (across.cos() * down.cos()) + (turn.reverse_bits() >> 28) as f32 / 16.0 * SPOT_SPREAD
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn share_of_black(value: u8) -> f32 {
        let grey = Grey::new(240, vec![value; 240 * 240]).unwrap();
        let page = bilevel(&grey, Resolution::R204x196);
        page.bits().iter().map(|byte| byte.count_ones()).sum::<u32>() as f32 / (240.0 * 240.0)
    }

    #[test]
    fn an_even_tone_keeps_its_darkness() {
        for value in [80u8, 128, 200] {
            let wanted = 1.0 - (f32::from(value) / 255.0).powf(TONE_EXPONENT);
            assert!((share_of_black(value) - wanted).abs() < 0.02, "{value}");
        }
        assert!(share_of_black(255) < f32::EPSILON && share_of_black(0) > 0.999);
    }

    #[test]
    fn light_grey_letters_and_hairlines_stay_whole() {
        let mut grey = Grey::new(64, vec![255; 64 * 64]).unwrap();
        for x in 8..56 {
            grey.values[20 * 64 + x] = 190;
        }
        let page = bilevel(&grey, Resolution::R204x98);
        assert!((8..56).all(|x| page.is_black(x, 20)));
        assert!((0..64).all(|x| !page.is_black(x, 30)));
    }

    #[test]
    fn white_letters_on_colour_stay_open() {
        let mut grey = Grey::new(64, vec![110; 64 * 64]).unwrap();
        for y in 16..48 {
            grey.values[y * 64 + 30] = 255;
            grey.values[y * 64 + 31] = 255;
        }
        let page = bilevel(&grey, Resolution::R204x196);
        assert!((16..48).all(|y| !page.is_black(30, y) && page.is_black(28, y) && page.is_black(33, y)));
    }

    #[test]
    fn a_gradient_is_screened_and_not_cut() {
        let values = (0..240 * 240).map(|index| (index % 240) as u8).collect();
        let grey = Grey::new(240, values).unwrap();
        let page = bilevel(&grey, Resolution::R204x196);
        let changes = |y| (1..240).filter(|&x| page.is_black(x, y) != page.is_black(x - 1, y)).count();
        assert!((20..220).all(|y| changes(y) > 15));
    }
}
