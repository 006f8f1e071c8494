//! One line of text that is never broken: measured, shortened where it must, and drawn at a place.

use cosmic_text::{Attrs, Buffer, Metrics, Shaping};
use fax::page::Page;

use super::flow::{Look, attrs};
use super::font::{Fonts, Glyph, Ink};
use super::sheet::px_per_pt;
use super::text::printable;

/// A line longer than this is cut before it is shaped.
const CHARS_MAX: usize = 300;

/// A line of text, shaped.
pub(super) struct Line {
    buffer: Buffer,
}

impl Line {
    pub(super) fn new(fonts: &mut Fonts, text: &str, look: Look, size_pt: f32) -> Self {
        let text: String = printable(text).chars().take(CHARS_MAX).collect();
        let attrs: Attrs<'_> = attrs(look);
        let mut buffer = Buffer::new_empty(Metrics::new(size_pt, size_pt));
        buffer.set_size(None, None);
        buffer.set_text(&text, &attrs, Shaping::Advanced, None);
        buffer.shape_until_scroll(&mut fonts.system, false);
        Self { buffer }
    }

    /// The line, or as much of its beginning as fits, with an ellipsis.
    pub(super) fn fitted(fonts: &mut Fonts, text: &str, look: Look, size_pt: f32, width_pt: f32) -> Self {
        let mut text: String = text.chars().take(CHARS_MAX).collect();
        loop {
            let line = Self::new(fonts, &text, look, size_pt);
            if line.width_pt() <= width_pt || text.chars().count() <= 1 {
                return line;
            }
            let keep = text.trim_end_matches('…').chars().count().saturating_sub(1);
            text = text.chars().take(keep).collect::<String>() + "…";
        }
    }

    pub(super) fn width_pt(&self) -> f32 {
        self.buffer.layout_runs().map(|run| run.line_w).fold(0.0, f32::max)
    }

    /// Draws it; `base` is the row of the base line.
    pub(super) fn draw(&self, fonts: &mut Fonts, page: &mut Page, left_pt: f32, base: i32) {
        let (x_scale, y_scale) = px_per_pt(page.resolution());
        for glyph in self.buffer.layout_runs().flat_map(|run| run.glyphs) {
            let x_pt = left_pt + glyph.x + glyph.font_size * glyph.x_offset;
            let y_pt = glyph.y - glyph.font_size * glyph.y_offset;
            let y = base + (y_pt * y_scale).round() as i32;
            fonts.draw(page, Glyph::of(glyph), ((x_pt * x_scale).round() as i32, y), Ink::Black);
        }
    }
}
