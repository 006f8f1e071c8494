//! Grey to black and white, so that text stays crisp, photographs stay pictures, and the line is not busy for longer than
//! they are worth.
//!
//! The paper of a scan is made white first (`paper`). Then the picture is looked at in blocks (`regions`). Where most of a
//! block is made of many middle tones it is a photograph, and is screened with dots at 45° that grow as the tone
//! darkens (`screen`). Scattered pixels (error diffusion, by option) show more detail, but printers lose them and T.4 coding
//! makes them twice as long on the line as the bare bitmap. Everywhere else a pixel at an edge is compared with
//! the middle of its surroundings, so that grey letters, white letters on colour and hairlines stay whole, and the even
//! ground of a block is screened as one tone, with coarser dots. The result depends on the grey values alone.

mod grey;
mod paper;
mod regions;
mod screen;

use fax::page::{Page, Resolution};
use image::GrayImage;
use image::imageops::{self, BiLevel};

use super::options::Photographs;
pub(super) use grey::Grey;
use grey::Window;
use regions::{BLOCK, Kind, Regions};
use screen::{Row, Screen};

/// Tones between these are middle tones.
const BLACK_MAX: u8 = 40;
const WHITE_MIN: u8 = 232;
/// Tones this far apart around a pixel make an edge.
const EDGE_MIN: u8 = 44;
/// In a scan they are so many times as far apart as its grain, up to a limit.
const EDGE_GRAINS: f32 = 10.0;
const EDGE_MIN_MAX: u8 = 90;
/// Where between the darkest and the lightest tone around it a pixel turns white, of 256. Above one half: a stroke
/// that covers less than half of its pixels must stay.
const EDGE_SHARE: u16 = 150;
/// The dots of a photograph: two in a square of this side, 36 to an inch along the diagonals.
const PHOTO_CELL_INCHES: f32 = 0.0392;
/// The dots of an even ground. There is no detail to be lost in it, and half as many dots take half as long.
const GROUND_CELL_INCHES: f32 = 0.0686;
/// What differs from its ground by no more than this belongs to it.
const GROUND_TONES: u8 = 28;
/// In a scan, so many times its grain.
const GROUND_GRAINS: f32 = 7.0;
/// White letters may stand on a ground as dark as this.
const DARK_GROUND_MAX: u8 = 150;
/// Grounds have so many tones apart, so that grain does not change the pattern from block to block.
const GROUND_STEP: u8 = 12;

/// The picture in black and white.
pub(super) fn bilevel(mut grey: Grey<'_>, resolution: Resolution, photographs: Photographs) -> Page {
    let grain = paper::clean(&mut grey);
    let edge_min = ((grain * EDGE_GRAINS) as u8).clamp(EDGE_MIN, EDGE_MIN_MAX);
    let ground_tones = ((grain * GROUND_GRAINS) as u8).clamp(GROUND_TONES, EDGE_MIN_MAX);
    let has_grain = grain > 0.0;
    let regions = Regions::of(&grey);
    let screens = Screens {
        photo: Screen::new(resolution, PHOTO_CELL_INCHES),
        ground: Screen::new(resolution, GROUND_CELL_INCHES),
    };
    let is_scattered = photographs == Photographs::ErrorDiffusion && regions.have_pictures();
    let scattered = is_scattered.then(|| scattered(&grey, screens.photo.tones()));
    let mut window = Window::new(grey.width());
    let mut page = Page::white(grey.width(), grey.rows(), resolution);
    for y in 0..grey.rows() {
        let blocks = regions.row(y / BLOCK);
        if blocks.iter().all(|kind| *kind == Kind::Blank) {
            continue;
        }
        window.move_to(&grey, y);
        let rows = Rows {
            photo: match &scattered {
                Some(pixels) => {
                    Photo::Scattered(pixels.get(y as usize * grey.width() as usize..).unwrap_or_default())
                }
                None => Photo::Dots(screens.photo.row(y)),
            },
            ground: screens.ground.row(y),
            window: &window,
            edge_min,
            ground_tones,
            has_grain,
        };
        let Some(bits) = page.row_mut(y) else { continue };
        let row = grey.row(y);
        for (block, kind) in blocks.iter().enumerate().filter(|(_, kind)| **kind != Kind::Blank) {
            let first = block * BLOCK as usize;
            let values = row.get(first..(first + BLOCK as usize).min(row.len())).unwrap_or_default();
            // Most of what is not blank is white in most rows.
            if darkest(values) >= WHITE_MIN {
                continue;
            }
            for (octet, values) in (first / 8..).zip(values.chunks(8)) {
                if let Some(bits) = bits.get_mut(octet) {
                    *bits = rows.octet(*kind, values, octet * 8);
                }
            }
        }
    }
    page
}

/// Lays a shade of one tone on a rectangle of a page, from `left` and `top` to `right` and `bottom` (not included). What is
/// beyond the page's edges is nothing. Neighbouring shades fit together.
pub(super) fn shade(page: &mut Page, tone: u8, (left, top): (u32, u32), (right, bottom): (u32, u32)) {
    let screen = Screen::new(page.resolution(), GROUND_CELL_INCHES);
    for y in top..bottom.min(page.rows()) {
        let row = screen.row(y);
        for x in left..right.min(page.width()) {
            page.set(x, y, row.is_black(tone, x as usize));
        }
    }
}

/// The tone of a ground, one of a few.
fn even(ground: u8) -> u8 {
    (ground / GROUND_STEP * GROUND_STEP).saturating_add(GROUND_STEP / 2)
}

/// The darkest of some values.
fn darkest(values: &[u8]) -> u8 {
    let (eights, rest) = values.as_chunks::<8>();
    let mut lanes = [u8::MAX; 8];
    for eight in eights {
        lanes = std::array::from_fn(|lane| lanes[lane].min(eight[lane]));
    }
    lanes.iter().chain(rest).fold(u8::MAX, |darkest, value| darkest.min(*value))
}

/// What is darker than this is the dark side of an edge between tones so far apart.
fn edge(low: u8, range: u8) -> u16 {
    // 255 + 255 × 150 fit.
    u16::from(low) + ((u16::from(range) * EDGE_SHARE) >> 8)
}

struct Screens {
    photo: Screen,
    ground: Screen,
}

/// What decides about the pixels of a row of a photograph.
enum Photo<'r> {
    Dots(Row<'r>),
    /// It has been decided; from the row's first pixel on.
    Scattered(&'r [u8]),
}

impl Photo<'_> {
    fn is_black(&self, value: u8, x: usize) -> bool {
        match self {
            Self::Dots(row) => row.is_black(value, x),
            Self::Scattered(pixels) => pixels.get(x).is_some_and(|pixel| *pixel == 0),
        }
    }
}

/// The whole picture by error diffusion, after the tone curve of the screens.
fn scattered(grey: &Grey<'_>, tones: &[u8; 256]) -> Vec<u8> {
    let values = (0..grey.rows()).flat_map(|y| grey.row(y)).map(|value| tones[usize::from(*value)]).collect();
    let Some(mut picture) = GrayImage::from_raw(grey.width(), grey.rows(), values) else { return Vec::new() };
    imageops::dither(&mut picture, &BiLevel);
    picture.into_raw()
}

/// What decides about the pixels of a row.
struct Rows<'r> {
    photo: Photo<'r>,
    ground: Row<'r>,
    window: &'r Window,
    edge_min: u8,
    ground_tones: u8,
    has_grain: bool,
}

impl Rows<'_> {
    /// Up to eight pixels from `x` on, as the bits of an octet.
    fn octet(&self, kind: Kind, values: &[u8], x: usize) -> u8 {
        if darkest(values) >= WHITE_MIN {
            return 0;
        }
        if let Some(bits) = self.letters(kind, values, x) {
            return bits;
        }
        let black = |(x, &value): (usize, &u8)| {
            value < WHITE_MIN && (value <= BLACK_MAX || self.is_black(kind, value, x))
        };
        let bits = (x..).zip(values).map(|pixel| (pixel.0, u8::from(black(pixel))));
        bits.fold(0, |octet, (x, black)| octet | black << (7 - x % 8))
    }

    /// Eight pixels of what there is most of, letters on white, all at once: the same as `is_black` says of each. `None`
    /// where one of them is neither black, nor white, nor at an edge.
    fn letters(&self, kind: Kind, values: &[u8], x: usize) -> Option<u8> {
        if kind != Kind::ON_WHITE {
            return None;
        }
        let values: &[u8; 8] = values.try_into().ok()?;
        let (low, high) = self.window.around_eight(x)?;
        let ground_min = u8::MAX - self.ground_tones;
        let (mut bits, mut open) = (0, false);
        for index in 0..8 {
            let (value, low, range) = (values[index], low[index], high[index].saturating_sub(low[index]));
            let is_dark = u16::from(value) < edge(low, range);
            let is_black = value <= BLACK_MAX || (value < ground_min && is_dark);
            open |= value > BLACK_MAX && value < ground_min && range < self.edge_min;
            bits |= u8::from(is_black) << (7 - index);
        }
        (!open).then_some(bits)
    }

    fn is_black(&self, kind: Kind, value: u8, x: usize) -> bool {
        let Kind::Line { ground, near, shade } = kind else {
            return self.photo.is_black(value, x);
        };
        let (low, high) = self.window.around(x);
        let range = high.saturating_sub(low);
        let is_edge = range >= self.edge_min;
        let is_dark = u16::from(value) < edge(low, range);
        let own = [ground, near].into_iter().find(|ground| value.abs_diff(*ground) <= self.ground_tones);
        match own {
            // Letters have a halo on a shaded ground, and white ones an outline on a dark ground.
            Some(ground) if is_edge && (!is_dark || ground <= DARK_GROUND_MAX) => is_dark,
            None if is_edge => is_dark,
            _ if !shade => self.photo.is_black(value, x),
            Some(ground) if ground >= WHITE_MIN => false,
            // Where there is no grain the pixel's own tone is as even, and follows a gradient.
            Some(ground) => self.ground.is_black(even(if self.has_grain { ground } else { value }), x),
            None => self.ground.is_black(value, x),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// Grey from a function of the place.
    fn drawn(width: u32, rows: u32, tone: impl Fn(u32, u32) -> f32) -> Grey<'static> {
        let places = (0..width * rows).map(|index| (index % width, index / width));
        Grey::new(width, places.map(|(x, y)| tone(x, y) as u8).collect::<Vec<_>>().leak()).unwrap()
    }

    /// What a place's grain is: from −1 to 1, always the same.
    fn grain(x: u32, y: u32) -> f32 {
        let mixed = (x.wrapping_mul(0x9E37_79B1) ^ y.wrapping_mul(0x85EB_CA6B)).wrapping_mul(0xC2B2_AE35);
        (mixed >> 16) as f32 / 32_768.0 - 1.0
    }

    fn black_within(page: &Page, columns: std::ops::Range<u32>, rows: std::ops::Range<u32>) -> f32 {
        let places = rows.clone().flat_map(|y| columns.clone().map(move |x| (x, y)));
        let black = places.filter(|&(x, y)| page.is_black(x, y)).count();
        black as f32 / (columns.len() * rows.len()) as f32
    }

    /// A scan: grey paper in uneven light with grain, a shaded field with a line in it, and a line on the paper.
    fn scan() -> Grey<'static> {
        drawn(960, 960, |x, y| {
            let light = 205.0 + 20.0 * (x as f32 / 960.0) - 10.0 * (y as f32 / 960.0);
            let ink = match (x, y) {
                (100..800, 310..313 | 610..613) => 0.2,
                (200..700, 250..400) => 0.75,
                _ => 1.0,
            };
            light * ink + 8.0 * grain(x, y)
        })
    }

    #[test]
    fn the_paper_of_a_scan_is_white_and_its_shades_stay() {
        let page = bilevel(scan(), Resolution::R204x196, Photographs::Dots);
        assert_eq!(black_within(&page, 0..960, 0..240), 0.0);
        assert_eq!(black_within(&page, 0..960, 640..960), 0.0);
        let shade = black_within(&page, 210..690, 260..300);
        assert!((0.12..0.35).contains(&shade), "{shade}");
        for line in [311, 611] {
            assert!(black_within(&page, 110..790, line..line + 1) > 0.98, "{line}");
        }
    }

    #[test]
    fn an_even_field_has_no_outline_and_one_pattern() {
        let grey = drawn(480, 480, |x, y| match (x, y) {
            (100..400, 101..331) => 205.0,
            _ => 255.0,
        });
        let page = bilevel(grey, Resolution::R204x196, Photographs::Dots);
        for row in [101, 330] {
            assert!(black_within(&page, 100..400, row..row + 1) < 0.5, "{row}");
        }
        // Two rows that lie a period apart are alike.
        let screen = Screen::new(Resolution::R204x196, GROUND_CELL_INCHES);
        let period = screen.rows();
        assert!((120..130).all(|y| page.row(y) == page.row(y + period)), "{period}");
    }

    #[test]
    fn a_photograph_is_one_up_to_its_even_corners() {
        let grey = drawn(720, 720, |x, y| match (x, y) {
            (120..600, 120..600) if x < 300 && y < 300 => 180.0,
            (120..600, 120..600) => 60.0 + (x - 120) as f32 / 4.0 + 45.0 * grain(x / 3, y / 3),
            _ => 255.0,
        });
        let regions = Regions::of(&grey);
        assert_eq!(regions.row(7)[7], Kind::Photo);
        assert_eq!(regions.row(20)[20], Kind::Photo);
        assert_eq!(regions.row(2)[2], Kind::Blank);
    }

    #[test]
    fn a_picture_of_even_parts_has_one_screen_and_no_steps() {
        // Two walls and a gradient, as a drawing program makes them.
        let grey = drawn(720, 720, |x, y| match (x, y) {
            (100..620, 100..620) if x < 350 => 90.0 + y as f32 / 8.0,
            (100..620, 100..620) => 200.0,
            _ => 255.0,
        });
        let regions = Regions::of(&grey);
        let of_picture = |kind: &Kind| matches!(kind, Kind::Photo | Kind::Line { shade: false, .. });
        assert!((6..24).all(|row| regions.row(row)[6..24].iter().all(of_picture)));
        let table = drawn(720, 720, |x, y| if (100..620).contains(&x) && y > 300 { 200.0 } else { 255.0 });
        assert!(matches!(Regions::of(&table).row(20)[10], Kind::Line { shade: true, .. }));
    }

    fn share_of_black(value: u8) -> f32 {
        let grey = drawn(480, 240, |x, _| if x < 240 { f32::from(value) } else { 255.0 });
        black_within(&bilevel(grey, Resolution::R204x196, Photographs::Dots), 0..216, 0..240)
    }

    #[test]
    fn a_photograph_may_be_scattered_and_letters_beside_it_are_not() {
        let draw = || {
            drawn(720, 720, |x, y| match (x, y) {
                (120..600, 120..600) => 60.0 + (x - 120) as f32 / 4.0 + 45.0 * grain(x / 3, y / 3),
                (100..600, 660..663) => 120.0,
                _ => 255.0,
            })
        };
        let of = |photographs| bilevel(draw(), Resolution::R204x196, photographs);
        let [dots, scattered] = [Photographs::Dots, Photographs::ErrorDiffusion].map(of);
        let changes = |page: &Page| {
            let places = (150..550).flat_map(|y| (150..550).map(move |x| (x, y)));
            places.filter(|&(x, y)| page.is_black(x, y) != page.is_black(x + 1, y)).count()
        };
        assert!(changes(&scattered) > 2 * changes(&dots), "{} {}", changes(&scattered), changes(&dots));
        let [a, b] = [&dots, &scattered].map(|page| black_within(page, 150..550, 150..550));
        assert!((a - b).abs() < 0.05, "{a} {b}: both are as dark");
        for page in [dots, scattered] {
            assert!(black_within(&page, 110..590, 661..662) > 0.99);
        }
    }

    #[test]
    fn eight_pixels_at_once_are_as_one_after_the_other() {
        let resolution = Resolution::R204x196;
        let grey = drawn(240, 240, |x, y| match (x / 8 + y) % 5 {
            _ if (100..150).contains(&y) => 150.0,
            0 | 1 => 255.0,
            2 => 128.0 + 127.0 * grain(x, y),
            3 => 228.0 + 8.0 * grain(x, y),
            _ => (x * 7 + y) as f32 % 256.0,
        });
        let [photo, ground] =
            [PHOTO_CELL_INCHES, GROUND_CELL_INCHES].map(|cell| Screen::new(resolution, cell));
        let mut window = Window::new(240);
        let (mut at_once, mut left) = (0, 0);
        for y in 0..240 {
            window.move_to(&grey, y);
            let (photo, ground, window) = (Photo::Dots(photo.row(y)), ground.row(y), &window);
            let rows = Rows {
                photo,
                ground,
                window,
                edge_min: EDGE_MIN,
                ground_tones: GROUND_TONES,
                has_grain: false,
            };
            for (x, values) in (0..).step_by(8).zip(grey.row(y).chunks(8)) {
                let Some(bits) = rows.letters(Kind::ON_WHITE, values, x) else {
                    left += 1;
                    continue;
                };
                let is_black = |value: u8, x| {
                    value < WHITE_MIN && (value <= BLACK_MAX || rows.is_black(Kind::ON_WHITE, value, x))
                };
                let each =
                    (x..).zip(values).fold(0, |bits, (x, value)| bits << 1 | u8::from(is_black(*value, x)));
                assert_eq!(bits, each, "{x} {y}");
                at_once += 1;
            }
        }
        assert!(at_once > 1000 && left > 10, "{at_once} at once, {left} left");
    }

    #[test]
    fn an_even_tone_keeps_its_darkness() {
        for value in [80u8, 128, 200] {
            let wanted = 1.0 - (f32::from(value) / 255.0).powf(screen::TONE_EXPONENT);
            assert!((share_of_black(value) - wanted).abs() < 0.03, "{value}");
        }
        assert!(share_of_black(255) < f32::EPSILON && share_of_black(0) > 0.999);
    }

    #[test]
    fn light_grey_letters_and_hairlines_stay_whole() {
        let mut grey = Grey::new(64, vec![255; 64 * 64].leak()).unwrap();
        for x in 8..56 {
            grey.values_mut()[20 * 64 + x] = 190;
        }
        let page = bilevel(grey, Resolution::R204x98, Photographs::Dots);
        assert!((8..56).all(|x| page.is_black(x, 20)));
        assert!((0..64).all(|x| !page.is_black(x, 30)));
    }

    #[test]
    fn white_letters_on_colour_stay_open() {
        let mut grey = Grey::new(64, vec![110; 64 * 64].leak()).unwrap();
        for y in 16..48 {
            grey.values_mut()[y * 64 + 30] = 255;
            grey.values_mut()[y * 64 + 31] = 255;
        }
        let page = bilevel(grey, Resolution::R204x196, Photographs::Dots);
        assert!((16..48).all(|y| !page.is_black(30, y) && page.is_black(28, y) && page.is_black(33, y)));
    }

    #[test]
    fn a_gradient_is_screened_and_not_cut() {
        let mut values: Vec<_> = (0..240 * 240).map(|index| (index % 240) as u8).collect();
        let grey = Grey::new(240, &mut values).unwrap();
        let page = bilevel(grey, Resolution::R204x196, Photographs::Dots);
        let changes = |y| (1..240).filter(|&x| page.is_black(x, y) != page.is_black(x - 1, y)).count();
        assert!((20..220).map(changes).sum::<usize>() / 200 > 8);
        let quarters: Vec<_> = (0..4).map(|n| black_within(&page, n * 60..n * 60 + 60, 0..240)).collect();
        assert!(quarters.is_sorted_by(|dark, light| dark > light), "{quarters:?}");
    }
}
