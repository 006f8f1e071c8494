//! A laid-out document to pages: cut between lines, never through one, and drawn in black and white.
//!
//! What matters keeps its contrast: letters are black, on a shade they have a halo, on a dark ground they are white. Light
//! grounds are left white, and so are large ones: they cost time on the line and say nothing.

mod cut;

use std::collections::HashMap;

use fax::page::Page;

use super::super::error::RenderError;
use super::super::flow::Flow;
use super::super::font::{Fonts, Ink};
use super::super::halftone;
use super::super::picture;
use super::super::sheet::Sheet;
use super::layout::{Fragment, Laid, Letter, Mark};
use super::pictures::Pictures;
use super::tree::{From, Source};
use cut::Cut;

/// Grounds lighter than this are white.
const WHITE_TONE_MIN: u8 = 200;
/// A shade is no darker, so that letters can be read on it.
const SHADE_TONE_MIN: u8 = 205;
/// A ground under lighter letters is black where it is at most so dark.
const DARK_TONE_MAX: u8 = 175;
/// Words whose ground is lighter than this have no frame: it is the paper's.
const HIGHLIGHT_TONE_MAX: u8 = 249;
/// Higher grounds are left white, in points: they are no headings, rows or buttons.
const GROUND_PT_MAX: f32 = 110.0;
/// A light thick line is drawn no thicker than this, in points.
const LIGHT_LINE_PT_MAX: f32 = 1.2;
const LIGHT_LINE_TONE: u8 = 140;
/// From this share of black on, of 100 pixels, letters on it are white …
const WHITE_INK_PERCENT: usize = 60;
/// … and from this on they have a halo.
const HALO_PERCENT: usize = 2;

/// Which picture of the text stands on which page, counted from 1 within the flow.
pub(in super::super) type Shown = HashMap<String, usize>;

/// Draws a document where the flow has come to.
pub(super) fn paint(
    laid: Laid<'_>,
    flow: &mut Flow<'_>,
    pictures: &Pictures<'_>,
    shown: &mut Shown,
) -> Result<(), RenderError> {
    let Laid { mut fragments, height, scale } = laid;
    let sheet = flow.sheet();
    let missing = fragments.iter().map(|fragment| match &fragment.mark {
        Mark::Letters(letters) => letters.iter().filter(|letter| letter.glyph.is_missing()).count(),
        _ => 0,
    });
    flow.missed(missing.sum::<usize>() as u64);
    let mut origin = 0.0;
    loop {
        let at_top = flow.is_at_top();
        let (top, page, fonts) = flow.canvas()?;
        let cut = Cut::find(&fragments, origin, (sheet.text_bottom_pt() - top) / scale);
        if cut.is_empty(origin) && !at_top {
            flow.end_page();
            continue;
        }
        let mut brush = Brush { page, fonts, sheet, scale, top, origin, end: cut.end() };
        let mut on_page = Vec::new();
        for fragment in fragments.iter().filter(|fragment| cut.shows(fragment, origin)) {
            brush.draw(fragment, pictures);
            if let Mark::Picture(Source { from: From::Part(id), .. }) = &fragment.mark {
                on_page.push(id.clone());
            }
        }
        let number = flow.page();
        on_page.into_iter().for_each(|id| {
            shown.entry(id).or_insert(number);
        });
        fragments.retain(|fragment| cut.leaves(fragment, origin));
        if fragments.is_empty() {
            flow.take((height - origin).max(0.0) * scale);
            return Ok(());
        }
        origin = cut.next;
        flow.end_page();
    }
}

/// Draws on one page.
struct Brush<'b> {
    page: &'b mut Page,
    fonts: &'b mut Fonts,
    sheet: Sheet,
    scale: f32,
    /// Where the part of the document begins on the page, in points.
    top: f32,
    /// The part of the document that is on this page: from where, and to where grounds go.
    origin: f32,
    end: f32,
}

impl Brush<'_> {
    fn draw(&mut self, fragment: &Fragment<'_>, pictures: &Pictures<'_>) {
        match &fragment.mark {
            Mark::Letters(letters) => self.letters(fragment, letters),
            Mark::Ground { tone, under_light } => self.ground(fragment, *tone, *under_light),
            Mark::Highlight { tone, under_light } => self.highlight(fragment, *tone, *under_light),
            Mark::Line { tone } => self.line(fragment, *tone),
            Mark::Picture(source) => self.picture(fragment, source, pictures),
            Mark::PageEnd => {}
        }
    }

    /// A place in pixels.
    fn pixel(&self, x: f32, y: f32) -> (i32, i32) {
        let (x_scale, y_scale) = self.sheet.px_per_pt();
        let x_pt = self.sheet.text_left_pt() + x * self.scale;
        let y_pt = self.top + (y - self.origin) * self.scale;
        ((x_pt * x_scale).round() as i32, (y_pt * y_scale).round() as i32)
    }

    /// A fragment's corners in pixels, as far as it is on this page.
    fn corners(&self, fragment: &Fragment<'_>) -> ((u32, u32), (u32, u32)) {
        let top = fragment.y.max(self.origin);
        let bottom = (fragment.y + fragment.height).min(self.end).max(top);
        let (from, to) = (self.pixel(fragment.x, top), self.pixel(fragment.x + fragment.width, bottom));
        let inside = |(x, y): (i32, i32)| {
            let clamp = |value: i32, max: u32| u32::try_from(value.max(0)).unwrap_or(0).min(max);
            (clamp(x, self.page.width()), clamp(y, self.page.rows()))
        };
        (inside(from), inside(to))
    }

    fn fill(&mut self, ((left, top), (right, bottom)): ((u32, u32), (u32, u32)), black: bool) {
        for y in top..bottom {
            for x in left..right {
                self.page.set(x, y, black);
            }
        }
    }

    fn ground(&mut self, fragment: &Fragment<'_>, tone: u8, under_light: bool) {
        let corners = self.corners(fragment);
        let is_large = fragment.height * self.scale > GROUND_PT_MAX;
        if is_large || tone >= WHITE_TONE_MIN || under_light && tone > DARK_TONE_MAX {
            self.fill(corners, false);
        } else if under_light {
            self.fill(corners, true);
        } else {
            halftone::shade(self.page, tone.max(SHADE_TONE_MIN), corners.0, corners.1);
        }
    }

    /// Words on a ground of their own: white on black, or in a frame.
    fn highlight(&mut self, fragment: &Fragment<'_>, tone: u8, under_light: bool) {
        let ((left, top), (right, bottom)) = self.corners(fragment);
        if under_light && tone <= DARK_TONE_MAX {
            return self.fill(((left, top), (right, bottom)), true);
        }
        if tone <= HIGHLIGHT_TONE_MAX {
            self.fill(((left, top), (right, top + 1)), true);
            self.fill(((left, bottom), (right, bottom + 1)), true);
            self.fill(((left.saturating_sub(1), top), (left, bottom)), true);
            self.fill(((right, top), (right + 1, bottom)), true);
        }
    }

    /// At least a pixel thick.
    fn line(&mut self, fragment: &Fragment<'_>, tone: u8) {
        let thin = |length: f32| if tone > LIGHT_LINE_TONE { length.min(LIGHT_LINE_PT_MAX) } else { length };
        let is_flat = fragment.width >= fragment.height;
        let ((left, top), (right, bottom)) = self.corners(fragment);
        let (x_scale, y_scale) = self.sheet.px_per_pt();
        let thick = |length: f32, per_pt: f32| ((thin(length * self.scale) * per_pt).round() as u32).max(1);
        let corners = match is_flat {
            true => ((left, top), (right, top + thick(fragment.height, y_scale))),
            false => ((left, top), (left + thick(fragment.width, x_scale), bottom)),
        };
        // On black it is a line in white.
        let on_black = is_flat && self.black_percent(((left, top), (right, top + 1))) >= WHITE_INK_PERCENT;
        self.fill(corners, !on_black);
    }

    fn letters(&mut self, fragment: &Fragment<'_>, letters: &[Letter]) {
        let percent = self.black_percent(self.corners(fragment));
        let inks: &[Ink] = match percent {
            WHITE_INK_PERCENT.. => &[Ink::White],
            HALO_PERCENT.. => &[Ink::Halo, Ink::Black],
            _ => &[Ink::Black],
        };
        for &ink in inks {
            for letter in letters {
                let at = self.pixel(letter.x, letter.y);
                self.fonts.draw(self.page, letter.glyph.scaled(self.scale), at, ink);
            }
        }
    }

    /// How many of 100 pixels are black.
    fn black_percent(&self, ((left, top), (right, bottom)): ((u32, u32), (u32, u32))) -> usize {
        let all = (right.saturating_sub(left) * bottom.saturating_sub(top)) as usize;
        let places = (top..bottom).flat_map(|y| (left..right).map(move |x| (x, y)));
        let black = places.filter(|&(x, y)| self.page.is_black(x, y)).count();
        black * 100 / all.max(1)
    }

    fn picture(&mut self, fragment: &Fragment<'_>, source: &Source, pictures: &Pictures<'_>) {
        let Some(image) = pictures.read(&source.from) else { return };
        let size = (fragment.width * self.scale, fragment.height * self.scale);
        let strip = picture::exactly(&image, size, self.sheet);
        let (left, top) = self.pixel(fragment.x, fragment.y);
        let unsigned = |value: i32| u32::try_from(value.max(0)).unwrap_or(0);
        let (left, top) = (unsigned(left), unsigned(top));
        self.fill(((left, top), (left + strip.width(), top + strip.rows())), false);
        picture::lay(self.page, &strip, left, top);
    }
}
