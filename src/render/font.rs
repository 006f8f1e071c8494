//! The fonts in the program, and how a glyph of them becomes black pixels.
//!
//! No font of the system is used, so a message gives the same pages on every machine. Glyphs are hinted at the
//! page's vertical resolution, so that bars fall on rows, and stretched as outlines to the horizontal one: a
//! bitmap is never squeezed. A character that no font has is drawn as a box and counted.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use cosmic_text::fontdb::{Database, ID, Source, Weight};
use cosmic_text::{CacheKey, CacheKeyFlags, FontSystem, LayoutGlyph, SwashCache};
use fax::page::{Page, Resolution};
use zeno::{Mask, Transform};

use super::sheet::px_per_pt;

/// The family of running text.
pub(super) const SANS: &str = "DejaVu Sans";
/// The family of tables and code.
pub(super) const MONO: &str = "DejaVu Sans Mono";
/// The family of HTML text: as wide, letter by letter, as what mail programs show (Arial and Helvetica).
pub(super) const HTML_SANS: &str = "Liberation Sans";

const SANS_REGULAR: &[u8] = include_bytes!("../../templates/fonts/DejaVuSans.ttf");
const SANS_BOLD: &[u8] = include_bytes!("../../templates/fonts/DejaVuSans-Bold.ttf");
const MONO_REGULAR: &[u8] = include_bytes!("../../templates/fonts/DejaVuSansMono.ttf");
const WIDE_REGULAR: &[u8] = include_bytes!("../../templates/fonts/DroidSansFallback.ttf");
const SYMBOLS_REGULAR: &[u8] = include_bytes!("../../templates/fonts/Symbola-Subset.ttf");
const HTML_FACES: [&[u8]; 4] = [
    include_bytes!("../../templates/fonts/LiberationSans-Regular.ttf"),
    include_bytes!("../../templates/fonts/LiberationSans-Bold.ttf"),
    include_bytes!("../../templates/fonts/LiberationSans-Italic.ttf"),
    include_bytes!("../../templates/fonts/LiberationSans-BoldItalic.ttf"),
];
/// Those for drawings, which bring their own layout.
pub(super) const ALL: [&[u8]; 5] = [SANS_REGULAR, SANS_BOLD, MONO_REGULAR, WIDE_REGULAR, SYMBOLS_REGULAR];

/// How much of a pixel a glyph must cover to blacken it, of 255. Below one half, so that thin strokes stay whole.
const COVERAGE_MIN: u8 = 112;

/// Layout happens in one locale, so that the machine's own does not change a page.
const LOCALE: &str = "en-US";

/// The fonts, with what was rasterised so far.
pub(super) struct Fonts {
    pub(super) system: FontSystem,
    outlines: SwashCache,
    bitmaps: HashMap<(CacheKey, Resolution), Bitmap>,
}

/// A glyph in black and white: its pixels and where its upper left corner lies from the pen.
struct Bitmap {
    left: i32,
    top: i32,
    width: u32,
    /// One entry a pixel, row by row.
    black: Vec<bool>,
}

/// Fonts that earlier pages have warmed: reading them and drawing their first glyphs takes longer than a page of text.
static WARM: Mutex<Vec<Fonts>> = Mutex::new(Vec::new());
/// So many are kept, for pages that are made at a time.
const WARM_MAX: usize = 2;
/// Fonts with more glyphs drawn than this are not kept.
const WARM_GLYPHS_MAX: usize = 20_000;

/// Works with fonts that may be warm. What is drawn does not depend on that.
pub(super) fn with<T>(work: impl FnOnce(&mut Fonts) -> T) -> T {
    let lock = || WARM.lock().unwrap_or_else(PoisonError::into_inner);
    let warm = lock().pop();
    let mut fonts = warm.unwrap_or_else(Fonts::new);
    let done = work(&mut fonts);
    let mut kept = lock();
    if kept.len() < WARM_MAX && fonts.bitmaps.len() <= WARM_GLYPHS_MAX {
        kept.push(fonts);
    }
    done
}

impl Fonts {
    fn new() -> Self {
        let mut db = Database::new();
        load(&mut db, SANS_REGULAR);
        load(&mut db, SANS_BOLD);
        for data in HTML_FACES {
            load(&mut db, data);
        }
        // A fallback is only found at the weight that is asked for, so these stand in for their own bold.
        for data in [MONO_REGULAR, WIDE_REGULAR, SYMBOLS_REGULAR] {
            for id in load(&mut db, data) {
                if let Some(mut bold) = db.face(id).cloned() {
                    bold.weight = Weight::BOLD;
                    db.push_face_info(bold);
                }
            }
        }
        Self {
            system: FontSystem::new_with_locale_and_db(LOCALE.to_owned(), db),
            outlines: SwashCache::new(),
            bitmaps: HashMap::new(),
        }
    }

    /// Draws a glyph; `x` and `y` are the pen's place in pixels, `y` on the base line.
    pub(super) fn draw(&mut self, page: &mut Page, glyph: Glyph, (x, y): (i32, i32), ink: Ink) {
        let resolution = page.resolution();
        let key = glyph.cache_key(px_per_pt(resolution).1);
        if !self.bitmaps.contains_key(&(key, resolution)) {
            let bitmap = self.rasterise(key, resolution);
            self.bitmaps.insert((key, resolution), bitmap);
        }
        if let Some(bitmap) = self.bitmaps.get(&(key, resolution)) {
            bitmap.stamp(page, (x, y), ink);
        }
    }

    fn rasterise(&mut self, key: CacheKey, resolution: Resolution) -> Bitmap {
        let outline = self.outlines.get_outline_commands_uncached(&mut self.system, key);
        let stretch = resolution.x_dpi() as f32 / resolution.y_dpi() as f32;
        let Some(outline) = outline else {
            return Bitmap::EMPTY;
        };
        // Outlines point up and rows go down.
        let (coverage, place) =
            Mask::new(&outline[..]).transform(Some(Transform::scale(stretch, -1.0))).render();
        Bitmap {
            left: place.left,
            top: place.top,
            width: place.width,
            black: coverage.iter().map(|&covered| covered >= COVERAGE_MIN).collect(),
        }
    }
}

impl Bitmap {
    const EMPTY: Self = Self { left: 0, top: 0, width: 0, black: Vec::new() };

    fn stamp(&self, page: &mut Page, (x, y): (i32, i32), ink: Ink) {
        let stride = self.width.max(1) as usize;
        for (row, pixels) in self.black.chunks(stride).enumerate() {
            for (column, _) in pixels.iter().enumerate().filter(|(_, black)| **black) {
                let px = i64::from(x) + i64::from(self.left) + column as i64;
                let py = i64::from(y) + i64::from(self.top) + row as i64;
                let reach = i64::from(ink == Ink::Halo);
                for (px, py) in
                    (py - reach..=py + reach).flat_map(|py| (px - reach..=px + reach).map(move |px| (px, py)))
                {
                    if let (Ok(px), Ok(py)) = (u32::try_from(px), u32::try_from(py)) {
                        page.set(px, py, ink == Ink::Black);
                    }
                }
            }
        }
    }
}

fn load(db: &mut Database, data: &'static [u8]) -> Vec<ID> {
    db.load_font_source(Source::Binary(Arc::new(data))).to_vec()
}

/// What a glyph's pixels become.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ink {
    Black,
    White,
    /// White, and so are the pixels around them: what makes black letters stand out from a shade.
    Halo,
}

/// A glyph of a font at a size.
#[derive(Clone, Copy, Debug)]
pub(super) struct Glyph {
    font: ID,
    id: u16,
    size_pt: f32,
    weight: Weight,
    flags: CacheKeyFlags,
}

impl Glyph {
    pub(super) fn of(glyph: &LayoutGlyph) -> Self {
        Self {
            font: glyph.font_id,
            id: glyph.glyph_id,
            size_pt: glyph.font_size,
            weight: glyph.font_weight,
            flags: glyph.cache_key_flags,
        }
    }

    /// It stands for a character that no font has.
    pub(super) fn is_missing(self) -> bool {
        self.id == 0
    }

    /// The same, larger or smaller.
    pub(super) fn scaled(self, scale: f32) -> Self {
        Self { size_pt: self.size_pt * scale, ..self }
    }

    /// The glyph at its size in rows; where it stands within a pixel does not matter, because it is placed on whole ones.
    fn cache_key(self, rows_per_pt: f32) -> CacheKey {
        let size = self.size_pt * rows_per_pt;
        CacheKey::new(
            self.font,
            self.id,
            size,
            (0.0, 0.0),
            self.weight,
            self.flags - CacheKeyFlags::DISABLE_HINTING,
        )
        .0
    }
}
