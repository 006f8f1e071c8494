//! Paper in a scan: recognised by the tone that most of the picture has, and made white.
//!
//! A scanner sees paper as grey, unevenly lit, with grain. Screened, that grey becomes a carpet of dots over the whole
//! page, minutes of it on the line. So the light that fell on the paper is found as a surface of second order
//! through the lightest even places, whatever is darker than it by more than grain stays, and the rest is white.
//! A page whose ground is white already is left alone, and so is a photograph.

use super::WHITE_MIN;
use super::grey::Grey;

/// The side of the squares that are looked at, in pixels.
const CELL: u32 = 32;
/// Paper is lighter than this.
const LIGHT_MIN: u8 = 140;
/// From here on nothing needs to be cleaned.
const PURE_MIN: u8 = 250;
/// A square is even where so many of 100 of its pixels are this near to its commonest light tone.
const EVEN_PERCENT_MIN: u32 = 50;
const EVEN_TONES: u8 = 14;
/// So many of 100 squares may be white already, and so many must be even and light.
const PURE_PERCENT_MAX: usize = 20;
const PAPER_PERCENT_MIN: usize = 35;
/// Paper is the lightest thing in a scan: so many of 100 squares may be lighter, for what was overexposed.
const LIGHTER_PERCENT_MAX: usize = 2;
/// Tones of squares that may be one paper, darker or lighter by the light on it.
const LIGHTING_TONES: f32 = 30.0;
/// How often the surface is laid anew through the squares that are near it …
const FITS: usize = 5;
/// … by so many tones, at least.
const NEAR_TONES_MIN: f32 = 5.0;
/// The surface's terms: 1, x, y, x², xy, y².
const TERMS: usize = 6;
/// Grain reaches so many times its mean deviation below the paper, and that is no more than this part of it.
const GRAIN_REACH: f32 = 4.5;
const GRAIN_MAX: f32 = 0.2;
/// So many of 1,000 pixels may become black by stretching the tones, where ink is no lighter than this.
const INK_PER_MILLE: u32 = 5;
const INK_MAX: usize = 90;
/// One of so many rows is looked at for ink.
const INK_ROWS: usize = 4;

/// An even, light square: where its middle lies (from −1 to 1), its tone, and how much its pixels differ from it.
#[derive(Clone, Copy, Debug)]
struct Square {
    x: f32,
    y: f32,
    tone: f32,
    grain: f32,
}

/// Makes paper white where there is any, and says how much the grain of what is left differs from its tone, on average.
pub(super) fn clean(grey: &mut Grey<'_>) -> f32 {
    let Some(light) = Light::of(grey) else { return 0.0 };
    let ink = ink(grey, &light);
    let (width, rows) = (grey.width(), grey.rows());
    for (y, row) in (0..).zip(grey.rows_mut()) {
        // The light changes slowly: it is the same for some pixels.
        for (part, pixels) in (0..).zip(row.chunks_mut(CELL as usize / 2)) {
            let paper = light.at(place(part * CELL / 2 + CELL / 4, width), place(y, rows));
            let white_from = (paper * light.keeps_below).ceil() as u8;
            // Of 512 parts: a tone times 128 times this, without its lower 16 bits.
            let stretch = (255.0 * 512.0 / (paper - ink).max(2.0)) as u16;
            for value in pixels {
                let above = u16::from(value.saturating_sub(ink as u8)) << 7;
                let tone = ((u32::from(above) * u32::from(stretch)) >> 16) as u16;
                *value = if *value >= white_from { u8::MAX } else { tone.min(255) as u8 };
            }
        }
    }
    light.grain * 255.0 / (light.at(0.0, 0.0) - ink).max(1.0)
}

/// The light on the paper.
struct Light {
    terms: [f32; TERMS],
    /// How much the paper's pixels differ from its tone, on average.
    grain: f32,
    /// What is darker than this part of the paper is no grain.
    keeps_below: f32,
}

impl Light {
    fn of(grey: &Grey<'_>) -> Option<Self> {
        if is_white(grey) {
            return None;
        }
        let (columns, rows) = (grey.width() / CELL, grey.rows() / CELL);
        let all = (columns * rows) as usize;
        let (mut even, mut pure) = (Vec::new(), 0);
        for index in 0..columns * rows {
            let (left, top) = (index % columns * CELL, index / columns * CELL);
            match square(grey, left, top) {
                Some(square) if square.tone >= f32::from(PURE_MIN) => pure += 1,
                Some(square) => even.push(square),
                None => {}
            }
        }
        if all == 0 || pure * 100 > all * PURE_PERCENT_MAX || even.len() * 100 < all * PAPER_PERCENT_MIN {
            return None;
        }
        let commonest = commonest(&even);
        let mut near: Vec<_> =
            even.iter().copied().filter(|square| (square.tone - commonest).abs() <= LIGHTING_TONES).collect();
        let lighter = even.iter().filter(|square| square.tone > commonest + LIGHTING_TONES).count();
        if near.len() * 100 < all * PAPER_PERCENT_MIN || lighter * 100 > all * LIGHTER_PERCENT_MAX {
            return None;
        }
        let mut terms = [commonest, 0.0, 0.0, 0.0, 0.0, 0.0];
        for _ in 0..FITS {
            terms = surface(&near).unwrap_or(terms);
            let off = |square: &Square| (square.tone - value(&terms, square.x, square.y)).abs();
            let spread = near.iter().map(off).sum::<f32>() / near.len().max(1) as f32;
            let reach = (2.5 * spread).max(NEAR_TONES_MIN);
            near = even.iter().copied().filter(|square| off(square) <= reach).collect();
        }
        let grain = near.iter().map(|square| square.grain).sum::<f32>() / near.len().max(1) as f32;
        let part = (grain * GRAIN_REACH / commonest).min(GRAIN_MAX);
        Some(Self { terms, grain, keeps_below: (1.0 - part).min(f32::from(WHITE_MIN) / 255.0) })
    }

    fn at(&self, x: f32, y: f32) -> f32 {
        value(&self.terms, x, y).clamp(f32::from(LIGHT_MIN), 255.0)
    }
}

/// Whether most of it is white already: then nothing needs to be looked for. Some rows tell.
fn is_white(grey: &Grey<'_>) -> bool {
    let rows = (0..grey.rows()).step_by(CELL as usize / 2).map(|y| grey.row(y));
    let (mut white, mut all) = (0, 0);
    for row in rows {
        white += row.iter().filter(|value| **value >= PURE_MIN).count();
        all += row.len();
    }
    white * 2 >= all
}

/// From −1 at one edge to 1 at the other.
fn place(at: u32, of: u32) -> f32 {
    at as f32 * 2.0 / of.max(1) as f32 - 1.0
}

fn square(grey: &Grey<'_>, left: u32, top: u32) -> Option<Square> {
    let columns = left as usize..(left + CELL) as usize;
    // Every second row tells as much.
    let rows = (top..top + CELL).step_by(2).map(|y| grey.row(y).get(columns.clone()).unwrap_or_default());
    let counts = counts(rows);
    // Five tones together: grain and JPEG leave gaps in the counts.
    let together = |tone: usize| counts[tone - 2..(tone + 3).min(256)].iter().sum::<u32>();
    let tone = (usize::from(LIGHT_MIN)..256).max_by_key(|&tone| together(tone))?;
    let reach = usize::from(EVEN_TONES);
    let around =
        || (tone - reach..(tone + reach + 1).min(256)).map(|tone| (tone as f32, counts[tone] as f32));
    let near = around().map(|(_, count)| count).sum::<f32>();
    if near * 100.0 < (CELL * CELL / 2 * EVEN_PERCENT_MIN) as f32 {
        return None;
    }
    let mean = around().map(|(tone, count)| tone * count).sum::<f32>() / near;
    let grain = around().map(|(tone, count)| (tone - mean).abs() * count).sum::<f32>() / near;
    let (x, y) = (place(left + CELL / 2, grey.width()), place(top + CELL / 2, grey.rows()));
    Some(Square { x, y, tone: mean, grain })
}

/// How many values have each tone.
fn counts<'r>(rows: impl Iterator<Item = &'r [u8]>) -> [u32; 256] {
    // Neighbours have like tones: with tables of their own they need not wait for each other.
    let mut tables = [[0u32; 256]; 4];
    for row in rows {
        for values in row.chunks(4) {
            for (table, value) in tables.iter_mut().zip(values) {
                table[usize::from(*value)] += 1;
            }
        }
    }
    std::array::from_fn(|tone| tables.iter().map(|table| table[tone]).sum())
}

/// The tone that most squares have, give or take a few.
fn commonest(squares: &[Square]) -> f32 {
    let mut counts = [0usize; 256];
    for square in squares {
        counts[(square.tone as usize).min(255)] += 1;
    }
    let share = |tone: usize| counts[tone.saturating_sub(6)..(tone + 7).min(256)].iter().sum::<usize>();
    (0..256).max_by_key(|&tone| share(tone)).unwrap_or(255) as f32
}

fn row_of(x: f32, y: f32) -> [f32; TERMS] {
    [1.0, x, y, x * x, x * y, y * y]
}

fn value(terms: &[f32; TERMS], x: f32, y: f32) -> f32 {
    terms.iter().zip(row_of(x, y)).map(|(term, factor)| term * factor).sum()
}

/// The surface that lies nearest to all squares (least squares, by Gauss's elimination); `None` where they do not
/// determine one.
fn surface(squares: &[Square]) -> Option<[f32; TERMS]> {
    let mut system = [[0.0f64; TERMS + 1]; TERMS];
    for square in squares {
        let factors = row_of(square.x, square.y);
        for (equation, &factor) in system.iter_mut().zip(&factors) {
            for (cell, other) in equation.iter_mut().zip(factors.iter().chain([&square.tone])) {
                *cell += f64::from(factor) * f64::from(*other);
            }
        }
    }
    for pivot in 0..TERMS {
        let largest =
            (pivot..TERMS).max_by(|&a, &b| system[a][pivot].abs().total_cmp(&system[b][pivot].abs()))?;
        system.swap(pivot, largest);
        let head = system[pivot];
        if head[pivot].abs() < 1e-6 {
            return None;
        }
        for equation in
            system.iter_mut().enumerate().filter_map(|(index, row)| (index != pivot).then_some(row))
        {
            let factor = equation[pivot] / head[pivot];
            for (cell, above) in equation.iter_mut().zip(head) {
                *cell -= factor * above;
            }
        }
    }
    Some(std::array::from_fn(|term| (system[term][TERMS] / system[term][term]) as f32))
}

/// The tone of ink: what is darker than the paper's darkest 5 of 1,000 pixels becomes black.
fn ink(grey: &Grey<'_>, light: &Light) -> f32 {
    let rows = (0..grey.rows()).step_by(INK_ROWS).map(|y| grey.row(y));
    let wanted = grey.width() * grey.rows().div_ceil(INK_ROWS as u32) * INK_PER_MILLE / 1000;
    let mut sum = 0;
    let tone = counts(rows).iter().position(|count| {
        sum += count;
        sum > wanted
    });
    let ink = tone.unwrap_or(0).min(INK_MAX) as f32;
    ink.min(light.at(0.0, 0.0) / 2.0)
}
