//! Letters as masks, which are kept: a page has each of them many times.

use std::collections::HashMap;
use std::rc::Rc;

use hayro::hayro_interpret::FillRule;
use hayro::hayro_interpret::font::{HintingCache, OutlineGlyph};
use hayro::kurbo::Affine;

use super::canvas::{Area, Mask};
use super::shape;

/// Letters may begin at so many places within a pixel, across.
const PLACES: f64 = 4.0;
/// Letters of this size, in pixels, are fitted to the rows.
const HINTED_PPEM: std::ops::RangeInclusive<f64> = 4.0..=128.0;
/// Units of an em in an outline.
const EM: f64 = 1000.0;
/// So many letters are kept; a document with more of them, in all their sizes and places, begins anew.
const LETTERS_MAX: usize = 20_000;
/// How far a letter may reach from where it stands, in pixels.
const REACH: i32 = 400;

/// The letters met so far.
#[derive(Default)]
pub(super) struct Letters {
    masks: HashMap<Key, Option<Rc<Mask>>>,
    hinting: HintingCache,
}

#[derive(PartialEq, Eq, Hash)]
struct Key {
    glyph: u128,
    linear: [u64; 4],
    place: u8,
    is_hinted: bool,
}

impl Letters {
    /// A letter's mask, and the pixel that the mask is placed at; `None` for one that leaves no ink.
    pub(super) fn mask(
        &mut self,
        glyph: &OutlineGlyph,
        transform: Affine,
        is_horizontal: bool,
    ) -> Option<(Rc<Mask>, (i32, i32))> {
        let [a, b, c, d, e, f] = transform.as_coeffs();
        let ppem = d.abs() * EM;
        let is_hinted = is_horizontal && b == 0.0 && HINTED_PPEM.contains(&ppem);
        let places = (e * PLACES).round();
        let place = places.rem_euclid(PLACES);
        let key = Key {
            glyph: glyph.identifier().cache_key(),
            linear: [a, b, c, d].map(f64::to_bits),
            place: place as u8,
            is_hinted,
        };
        if self.masks.len() >= LETTERS_MAX {
            self.masks.clear();
        }
        let hinting = &self.hinting;
        let made = self.masks.entry(key).or_insert_with(|| {
            let hinted = is_hinted.then(|| glyph.hinted_outline(ppem as f32, hinting)).flatten();
            let outline = hinted.unwrap_or_else(|| glyph.outline());
            let outline = Affine::new([a, b, c, d, place / PLACES, 0.0]) * outline;
            let reach = Area { left: -REACH, top: -REACH, right: REACH, bottom: REACH };
            shape::mask(&outline, FillRule::NonZero, reach).map(Rc::new)
        });
        let at = ((places / PLACES).floor() as i32, f.round() as i32);
        made.clone().map(|mask| (mask, at))
    }
}
