//! Boxes to places: where every line of text, border and picture of a document stands (CSS 2.2 §9 and §10).
//!
//! Lengths are in points, from the upper left corner of the text's area, as if there were one endless page. A document
//! that needs more width than the page has is laid out wider and made smaller as a whole (`Laid::scale`), like browsers
//! print it. `paint` cuts the result into pages.

mod block;
mod floats;
mod letters;
mod lines;
mod measure;
mod table;
#[cfg(test)]
mod tests;

use super::super::font::{Fonts, Glyph};
use super::pictures::Pictures;
use super::tree::{Node, Source};
use floats::Floats;

/// A wide document is made smaller down to this part of its size; then its words are broken.
const SCALE_MIN: f32 = 0.75;
/// Words longer than this do not widen a table, in points.
const WORD_PT_MAX: f32 = 220.0;

/// A document with everything in its place.
#[derive(Debug)]
pub(super) struct Laid<'t> {
    pub(super) fragments: Vec<Fragment<'t>>,
    pub(super) height: f32,
    /// How many points of the page a point here takes.
    pub(super) scale: f32,
}

/// Something to be drawn.
#[derive(Debug)]
pub(super) struct Fragment<'t> {
    pub(super) x: f32,
    pub(super) y: f32,
    pub(super) width: f32,
    pub(super) height: f32,
    pub(super) mark: Mark<'t>,
    /// From where to where no page ends if that can be.
    pub(super) unit: (f32, f32),
}

/// What is drawn.
#[derive(Debug)]
pub(super) enum Mark<'t> {
    /// Letters, each at its own place.
    Letters(Vec<Letter>),
    /// The ground of a box; `under_light` where its own letters are lighter than it.
    Ground {
        tone: u8,
        under_light: bool,
    },
    /// The ground of a run of letters.
    Highlight {
        tone: u8,
        under_light: bool,
    },
    /// A border, or a line under letters.
    Line {
        tone: u8,
    },
    Picture(&'t Source),
    /// A new page begins.
    PageEnd,
}

/// A glyph and its pen, in points.
#[derive(Clone, Copy, Debug)]
pub(super) struct Letter {
    pub(super) glyph: Glyph,
    pub(super) x: f32,
    pub(super) y: f32,
}

/// Lays a document out for a page of so many points.
pub(super) fn lay<'t>(
    root: &'t Node,
    fonts: &mut Fonts,
    pictures: &Pictures<'_>,
    (width, height): (f32, f32),
) -> Laid<'t> {
    let mut layout = Layout { fonts, pictures, page: (width, height), out: Vec::new() };
    let needed = layout.widths(root).least.clamp(width, width / SCALE_MIN);
    let scale = width / needed;
    layout.page = (needed, height / scale);
    let height = layout.formatting_context(root, 0.0, 0.0, needed);
    Laid { fragments: layout.out, height, scale }
}

/// A layout in the making.
struct Layout<'t, 'l> {
    fonts: &'l mut Fonts,
    pictures: &'l Pictures<'l>,
    page: (f32, f32),
    out: Vec<Fragment<'t>>,
}

impl<'t> Layout<'t, '_> {
    fn push(&mut self, (x, y): (f32, f32), (width, height): (f32, f32), mark: Mark<'t>) -> usize {
        self.out.push(Fragment { x, y, width, height, mark, unit: (y, y + height) });
        self.out.len() - 1
    }

    /// Moves what was laid since.
    fn shift(&mut self, since: usize, dx: f32, dy: f32) {
        self.out[since..].iter_mut().for_each(|fragment| fragment.shift(dx, dy));
    }

    /// What was laid since belongs together, where it is no more than a quarter of a page.
    fn keep_together(&mut self, since: usize, top: f32, bottom: f32) {
        if bottom - top > self.page.1 / 4.0 {
            return;
        }
        for fragment in &mut self.out[since..] {
            fragment.unit = (fragment.unit.0.min(top), fragment.unit.1.max(bottom));
        }
    }

    /// Lays what a box holds where nothing floats from outside; the height that it takes.
    fn formatting_context(&mut self, node: &'t Node, x: f32, y: f32, width: f32) -> f32 {
        let mut floats = Floats::default();
        let inner = self.content(node, (x, y), width, &mut floats);
        inner.height.max(floats.bottom() - y)
    }
}

impl Fragment<'_> {
    fn shift(&mut self, dx: f32, dy: f32) {
        self.x += dx;
        self.y += dy;
        self.unit = (self.unit.0 + dy, self.unit.1 + dy);
        if let Mark::Letters(letters) = &mut self.mark {
            for letter in letters {
                letter.x += dx;
                letter.y += dy;
            }
        }
    }
}

/// What the content of a box came to.
#[derive(Clone, Copy, Debug, Default)]
struct Inner {
    height: f32,
    /// Where its first and its last line stand, from its top.
    first_base: Option<f32>,
    last_base: Option<f32>,
}
