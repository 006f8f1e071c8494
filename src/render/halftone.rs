//! Grey to black and white, so that text stays crisp and photographs stay pictures.
//!
//! The picture is looked at in blocks. Where most of a block is made of many middle tones it is a photograph, and is
//! screened: its error is diffused (Floyd and Steinberg 1976), with a threshold that swells and falls with a 45° screen
//! so that dots cluster; single dots would be lost in printing and would cost much line time in T.4 coding. Everywhere
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
/// Tones this far apart around a pixel make an edge.
const EDGE_MIN: u8 = 36;
/// How far around a pixel an edge is looked for, in pixels.
const EDGE_REACH: u32 = 2;
/// Where between the darkest and the lightest tone around it a pixel turns white, of 256. Above one half: a stroke
/// that covers less than half of its pixels must stay.
const EDGE_SHARE: u32 = 150;
/// The screen's lines in an inch, and how far it swings the threshold.
const SCREEN_PER_INCH: f32 = 50.0;
const SCREEN_SWING: f32 = 70.0;
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
        self.values
            .get(start..start + self.width as usize)
            .unwrap_or_default()
    }
}

/// The picture in black and white.
pub(super) fn bilevel(grey: &Grey, resolution: Resolution) -> Page {
    let photo = Blocks::of(grey);
    let edges = Edges::of(grey);
    let screen = Screen::new(resolution);
    let mut page = Page::white(grey.width, grey.rows, resolution);
    let mut errors = Errors::new(grey.width);
    for y in 0..grey.rows {
        for (x, &value) in (0u32..).zip(grey.row(y)) {
            let is_photo = photo.at(x, y);
            let (low, high) = edges.around(x, y);
            let black = if !is_photo && high - low >= EDGE_MIN {
                u32::from(value) < u32::from(low) + u32::from(high - low) * EDGE_SHARE / 256
            } else if value >= WHITE_MIN {
                false
            } else if value <= BLACK_MAX {
                true
            } else {
                errors.decide(x, screen.tone(value), screen.threshold(x, y))
            };
            if black {
                page.set(x, y, true);
            }
        }
        errors.next_row();
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
        let raw = Self { columns, photo: own };
        let photo = (0..rows * columns)
            .map(|index| raw.majority(index % columns, index / columns, rows))
            .collect();
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
        self.photo
            .get((row * self.columns + column) as usize)
            .copied()
            .unwrap_or(false)
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
        let row = grey.row(y);
        for &value in row.get(left as usize..right as usize).unwrap_or_default() {
            all += 1;
            if (BLACK_MAX..WHITE_MIN).contains(&value) {
                middle += 1;
                tones[usize::from(value >> 4)] += 1;
            }
        }
    }
    let frequent = tones
        .iter()
        .filter(|&&count| count * 100 >= all * TONE_PERCENT_MIN)
        .count();
    middle * 100 >= all * MIDDLE_PERCENT_MIN && frequent >= TONES_MIN
}

/// The darkest and the lightest tone around each pixel.
struct Edges {
    width: u32,
    low: Vec<u8>,
    high: Vec<u8>,
}

impl Edges {
    fn of(grey: &Grey) -> Self {
        Self {
            width: grey.width,
            low: spread(grey, u8::min),
            high: spread(grey, u8::max),
        }
    }

    fn around(&self, x: u32, y: u32) -> (u8, u8) {
        let index = (y * self.width + x) as usize;
        let at = |values: &[u8]| values.get(index).copied().unwrap_or(u8::MAX);
        (at(&self.low), at(&self.high))
    }
}

/// The least or greatest value around each pixel: along the rows, then down the columns.
fn spread(grey: &Grey, pick: fn(u8, u8) -> u8) -> Vec<u8> {
    let width = grey.width as usize;
    let reach = EDGE_REACH as usize;
    let mut along = Vec::with_capacity(grey.values.len());
    for row in grey.values.chunks(width) {
        for x in 0..row.len() {
            let window = &row[x.saturating_sub(reach)..(x + reach + 1).min(row.len())];
            along.push(window.iter().copied().fold(row[x], pick));
        }
    }
    let mut down = along.clone();
    for y in 0..grey.rows as usize {
        let others = y.saturating_sub(reach)..(y + reach + 1).min(grey.rows as usize);
        for other in others.filter(|&other| other != y) {
            let (from, to) = (
                &along[other * width..(other + 1) * width],
                &mut down[y * width..(y + 1) * width],
            );
            for (to, from) in to.iter_mut().zip(from) {
                *to = pick(*to, *from);
            }
        }
    }
    down
}

/// The screen that makes dots cluster, and the tone curve.
struct Screen {
    x_step: f32,
    y_step: f32,
    tones: [f32; 256],
}

impl Screen {
    fn new(resolution: Resolution) -> Self {
        let step =
            |dpi: u32| std::f32::consts::TAU * SCREEN_PER_INCH / (dpi as f32 * std::f32::consts::SQRT_2);
        let tone = |value: usize| (value as f32 / 255.0).powf(TONE_EXPONENT) * 255.0;
        Self {
            x_step: step(resolution.x_dpi()),
            y_step: step(resolution.y_dpi()),
            tones: std::array::from_fn(tone),
        }
    }

    fn tone(&self, value: u8) -> f32 {
        self.tones[usize::from(value)]
    }

    fn threshold(&self, x: u32, y: u32) -> f32 {
        let (x, y) = (x as f32 * self.x_step, y as f32 * self.y_step);
        127.5 + SCREEN_SWING * (x + y).cos() * (x - y).cos()
    }
}

/// What the pixels already decided owe to those that follow.
struct Errors {
    here: Vec<f32>,
    below: Vec<f32>,
}

impl Errors {
    fn new(width: u32) -> Self {
        // One place more on both sides, so that no neighbour is missing.
        let places = width as usize + 2;
        Self {
            here: vec![0.0; places],
            below: vec![0.0; places],
        }
    }

    /// Whether the pixel turns black; what is lost or gained goes to its neighbours.
    fn decide(&mut self, x: u32, tone: f32, threshold: f32) -> bool {
        let place = x as usize + 1;
        let wanted = tone + self.here[place];
        let black = wanted < threshold;
        let error = (wanted - if black { 0.0 } else { 255.0 }).clamp(-255.0, 255.0);
        self.here[place + 1] += error * 7.0 / 16.0;
        self.below[place - 1] += error * 3.0 / 16.0;
        self.below[place] += error * 5.0 / 16.0;
        self.below[place + 1] += error / 16.0;
        black
    }

    fn next_row(&mut self) {
        std::mem::swap(&mut self.here, &mut self.below);
        self.below.fill(0.0);
    }
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
        let changes = |y| {
            (1..240)
                .filter(|&x| page.is_black(x, y) != page.is_black(x - 1, y))
                .count()
        };
        assert!((20..220).all(|y| changes(y) > 15));
    }
}
