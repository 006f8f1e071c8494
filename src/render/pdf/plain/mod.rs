//! Plain pages, as nearly all are: letters, lines, areas and upright pictures of opaque tones, one over the other. They are
//! drawn in grey at once.
//!
//! A page of which anything asks for more (transparency, patterns, clips that are no rectangles, pictures that stand askew)
//! is not drawn here but by hayro's own renderer, which does all of that on a canvas of colours that is four times as large.

mod canvas;
mod letters;
mod picture;
mod shape;

use hayro::hayro_interpret::font::{Glyph, GlyphRun};
use hayro::hayro_interpret::hayro_cmap::WritingMode;
use hayro::hayro_interpret::{
    BlendMode, ClipPath, Context, Device, DrawMode, DrawProps, FillRule, Image, ImageDrawProps,
    InterpreterCache, InterpreterSettings, Paint, SoftMask, interpret_page,
};
use hayro::hayro_syntax::page::Page as PdfPage;
use hayro::kurbo::{Affine, BezPath, PathEl, Point, Rect, Shape as _};

use super::super::picture::luma;
use canvas::{Area, Canvas};
use letters::Letters;
use picture::Placed;

/// So many outlines, and so many pixels in the rectangles around them, in pages, make a drawing: the other renderer is better
/// at those, for it looks at the outlines alone.
const OUTLINES_MAX: usize = 1500;
const OUTLINED_PAGES_MAX: usize = 3;
/// How far a corner may be off, in pixels, for four of them to be a rectangle.
const CORNER_MAX: f64 = 0.01;

/// What draws plain pages, and keeps the letters that it has met and its canvas.
pub(super) struct Plain<'a> {
    cache: InterpreterCache<'a>,
    letters: Letters,
    values: Vec<u8>,
}

impl<'a> Plain<'a> {
    pub(super) fn new() -> Self {
        Self { cache: InterpreterCache::new(), letters: Letters::default(), values: Vec::new() }
    }

    /// The page's grey values, row by row; `transform` takes points to pixels. `None` where the page is not plain.
    pub(super) fn draw(
        &mut self,
        page: &'a PdfPage<'a>,
        transform: Affine,
        width: u32,
        rows: u32,
    ) -> Option<&mut [u8]> {
        let canvas = Canvas::white(width, rows, std::mem::take(&mut self.values));
        let target = Rect::new(0.0, 0.0, width.into(), rows.into());
        let settings = InterpreterSettings::default();
        let mut context = Context::new(transform, target, &self.cache, page.xref(), settings);
        let mut drawing = Drawing {
            clips: vec![canvas.area()],
            outlines: OUTLINES_MAX,
            room: width as usize * rows as usize * OUTLINED_PAGES_MAX,
            letters: &mut self.letters,
            canvas,
            is_plain: true,
        };
        interpret_page(page, &mut context, &mut drawing);
        let is_plain = drawing.is_plain;
        self.values = drawing.canvas.into_values();
        is_plain.then_some(&mut self.values)
    }
}

/// A page while it is drawn.
struct Drawing<'l> {
    canvas: Canvas,
    letters: &'l mut Letters,
    /// Each within the one before.
    clips: Vec<Area>,
    /// So many outlines may still come, and take so many pixels.
    outlines: usize,
    room: usize,
    is_plain: bool,
}

/// The tone of a paint that hides what it covers.
fn opaque_tone(paint: &Paint<'_>) -> Option<u8> {
    let Paint::Color(colour) = paint else { return None };
    let [r, g, b, alpha] = colour.to_rgba().to_rgba8();
    (alpha == u8::MAX).then(|| luma([r, g, b]))
}

impl Drawing<'_> {
    fn clip(&self) -> Area {
        self.clips.last().copied().unwrap_or_else(|| self.canvas.area())
    }

    /// Draws something, or finds that the page is not plain. What is drawn after that is lost anyway.
    fn attempt(&mut self, draw: impl FnOnce(&mut Self) -> Option<()>) {
        self.is_plain = self.is_plain && draw(self).is_some();
    }

    fn tone(props: &DrawProps<'_>) -> Option<u8> {
        let is_normal = props.soft_mask.is_none() && props.blend_mode == BlendMode::Normal;
        is_normal.then(|| opaque_tone(&props.paint)).flatten()
    }

    /// Fills what lies within an outline, in pixels.
    fn outline(&mut self, outline: &BezPath, rule: FillRule, tone: u8) -> Option<()> {
        if let Some(rect) = rectangle(outline) {
            self.canvas.fill(rect, tone, self.clip());
            return Some(());
        }
        self.outlines = self.outlines.checked_sub(1)?;
        let Some(mask) = shape::mask(outline, rule, self.clip()) else { return Some(()) };
        self.room = self.room.checked_sub(mask.coverage.len())?;
        self.canvas.lay(&mask, (0, 0), tone, self.clip());
        Some(())
    }

    fn path(&mut self, path: &BezPath, props: &DrawProps<'_>, mode: &DrawMode) -> Option<()> {
        let (fill, stroke) = match mode {
            DrawMode::Fill(rule) => (Some(*rule), None),
            DrawMode::Stroke(stroke) => (None, Some(stroke)),
            DrawMode::FillAndStroke(rule, stroke) => (Some(*rule), Some(stroke)),
            DrawMode::Invisible => return Some(()),
        };
        let tone = Self::tone(props)?;
        // Not even looked at where it is too much already.
        (self.is_plain && self.outlines > 0).then_some(())?;
        if let Some(rule) = fill {
            self.outline(&(props.transform * path), rule, tone)?;
        }
        if let Some(stroke) = stroke {
            self.outline(&shape::stroked(path, stroke, props.transform), FillRule::NonZero, tone)?;
        }
        Some(())
    }

    fn run(&mut self, run: &GlyphRun<'_, '_>, props: &DrawProps<'_>, mode: &DrawMode) -> Option<()> {
        match mode {
            DrawMode::Invisible => return Some(()),
            DrawMode::Fill(_) => {}
            DrawMode::Stroke(_) | DrawMode::FillAndStroke(..) => return None,
        }
        let (tone, clip) = (Self::tone(props)?, self.clip());
        let is_horizontal = run.writing_mode() == WritingMode::Horizontal;
        for glyph in run.glyphs() {
            let Glyph::Outline(outline) = &**glyph else { return None };
            let transform = props.transform * glyph.transform();
            if let Some((mask, at)) = self.letters.mask(outline, transform, is_horizontal) {
                self.canvas.lay(&mask, at, tone, clip);
            }
        }
        Some(())
    }

    fn picture(&mut self, image: &Image<'_, '_>, props: &ImageDrawProps<'_>) -> Option<()> {
        if props.soft_mask.is_some() || props.blend_mode != BlendMode::Normal {
            return None;
        }
        match picture::placed(image, props.transform, self.canvas.area())? {
            Placed::Grey(picture, at) => self.canvas.put(&picture, at, self.clip()),
            Placed::Tone(mask, tone) => self.canvas.lay(&mask, (0, 0), tone, self.clip()),
        }
        Some(())
    }
}

/// The rectangle that a closed path of four straight sides is.
fn rectangle(path: &BezPath) -> Option<Rect> {
    let mut corners = Vec::with_capacity(5);
    for (index, element) in path.elements().iter().enumerate() {
        match *element {
            PathEl::MoveTo(to) if index == 0 => corners.push(to),
            PathEl::LineTo(to) if corners.len() < 5 => corners.push(to),
            PathEl::ClosePath if index + 1 == path.elements().len() => {}
            _ => return None,
        }
    }
    let near = |a: f64, b: f64| (a - b).abs() <= CORNER_MAX;
    if let [first, .., last] = corners[..]
        && corners.len() == 5
        && near(first.x, last.x)
        && near(first.y, last.y)
    {
        corners.pop();
    }
    let [a, b, c, d]: [Point; 4] = corners.try_into().ok()?;
    let across = |from: Point, to: Point| near(from.y, to.y);
    let down = |from: Point, to: Point| near(from.x, to.x);
    let is_rectangle = (across(a, b) && down(b, c) && across(c, d) && down(d, a))
        || (down(a, b) && across(b, c) && down(c, d) && across(d, a));
    is_rectangle.then(|| Rect::from_points(a, c))
}

impl<'a> Device<'a> for Drawing<'_> {
    fn draw_path(&mut self, path: &BezPath, props: DrawProps<'a>, mode: &DrawMode) {
        self.attempt(|drawing| drawing.path(path, &props, mode));
    }

    fn draw_glyph_run(&mut self, run: &GlyphRun<'_, 'a>, props: DrawProps<'a>, mode: &DrawMode) {
        self.attempt(|drawing| drawing.run(run, &props, mode));
    }

    fn draw_image(&mut self, image: Image<'a, '_>, props: ImageDrawProps<'a>) {
        self.attempt(|drawing| drawing.picture(&image, &props));
    }

    fn push_clip_path(&mut self, clip: &ClipPath) {
        let rect = rectangle(&clip.path);
        self.push_clip_rect(&rect.unwrap_or_else(|| clip.path.bounding_box()));
        self.attempt(|_| rect.map(drop));
    }

    fn push_clip_rect(&mut self, rect: &Rect) {
        self.clips.push(Area::rounded(*rect).within(self.clip()));
    }

    fn pop_clip(&mut self) {
        self.clips.pop();
    }

    fn push_transparency_group(&mut self, opacity: f32, mask: Option<SoftMask<'a>>, blend_mode: BlendMode) {
        self.attempt(|_| (opacity >= 1.0 && mask.is_none() && blend_mode == BlendMode::Normal).then_some(()));
    }

    fn pop_transparency_group(&mut self) {}
}
