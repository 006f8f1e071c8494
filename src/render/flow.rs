//! Text that flows over pages: paragraphs, quotations, rules and small pictures, one below the other.
//!
//! Lengths are in points until a glyph is drawn; line breaking, shaping and bidirectional order are cosmic-text's
//! (Unicode Standard Annexes 9 and 14).

use cosmic_text::{Attrs, Buffer, Family, LayoutRun, Metrics, Shaping, Style as Slant, Weight};
use fax::page::Page;

use super::error::RenderError;
use super::font::{Fonts, Glyph, Ink, MONO, SANS};
use super::options::Limits;
use super::picture::lay;
use super::sheet::Sheet;

/// Running text, in points.
pub(super) const TEXT_PT: f32 = 10.5;
/// Tables and code, in points: 80 columns fill the line.
pub(super) const MONO_PT: f32 = 10.0;
/// The distance of base lines, as a part of the size.
const LEADING: f32 = 1.3;
/// The same for monospaced text, so that the lines of drawn tables meet.
const MONO_LEADING: f32 = 1.164;
/// How far a quotation stands in from the text around it, in points.
const QUOTE_INDENT_PT: f32 = 12.0;
/// How thick a quotation's bar and a rule are, in points.
const RULE_PT: f32 = 1.0;
/// Deeper quotations than this are drawn like this one.
const QUOTE_DEPTH_MAX: u32 = 12;
/// Characters that are shaped at once; a longer line is cut, so that no line takes seconds.
const SHAPE_CHARS_MAX: usize = 4000;

/// How a run of characters looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Look {
    pub(super) bold: bool,
    pub(super) italic: bool,
    pub(super) mono: bool,
}

/// Characters that look alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) text: String,
    pub(super) look: Look,
}

/// Text up to a forced line end.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Paragraph {
    pub(super) spans: Vec<Span>,
    /// The size, in points.
    pub(super) size_pt: f32,
    /// How often it is quoted.
    pub(super) quote_depth: u32,
    /// White above it, in points; not at the top of a page.
    pub(super) gap_pt: f32,
    /// How far it stands in, in points.
    pub(super) indent_pt: f32,
    /// What stands before it on its first line.
    pub(super) label: Option<Label>,
}

/// A bullet, a number or a field's name to the left of a paragraph.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Label {
    pub(super) text: Span,
    /// How far it stands out from the paragraph, in points.
    pub(super) out_pt: f32,
}

impl Paragraph {
    /// Running text of several looks.
    pub(super) fn spans(spans: Vec<Span>) -> Self {
        Self { spans, size_pt: TEXT_PT, quote_depth: 0, gap_pt: 0.0, indent_pt: 0.0, label: None }
    }

    /// A name at the left and a value beside it, which may take several lines.
    pub(super) fn field(name: Span, value: Span, size_pt: f32, indent_pt: f32) -> Self {
        Self {
            size_pt,
            indent_pt,
            label: Some(Label { text: name, out_pt: indent_pt }),
            ..Self::spans(vec![value])
        }
    }

    fn chars(&self) -> usize {
        self.spans.iter().map(|span| span.text.chars().count()).sum()
    }
}

/// Pages in the making.
pub(super) struct Flow<'a> {
    fonts: &'a mut Fonts,
    sheet: Sheet,
    limits: &'a Limits,
    /// Pages that stood before this flow began.
    before: usize,
    pages: Vec<Page>,
    /// Where the next line begins on the last page, in points.
    y_pt: f32,
    /// Characters that no font has.
    missing: u64,
}

/// What a flow made.
pub(super) struct Flowed {
    pub(super) pages: Vec<Page>,
    /// Characters that no font has.
    pub(super) missing: u64,
}

impl<'a> Flow<'a> {
    /// A flow with no page yet; `before` pages count against the limit already.
    pub(super) fn new(fonts: &'a mut Fonts, sheet: Sheet, limits: &'a Limits, before: usize) -> Self {
        Self { fonts, sheet, limits, before, pages: Vec::new(), y_pt: sheet.text_bottom_pt(), missing: 0 }
    }

    /// The pages.
    pub(super) fn finish(self) -> Flowed {
        Flowed { pages: self.pages, missing: self.missing }
    }

    /// The page that is being written, counted from 1 within this flow; 0 before anything was written.
    pub(super) fn page(&self) -> usize {
        self.pages.len()
    }

    pub(super) fn sheet(&self) -> Sheet {
        self.sheet
    }

    /// The fonts, for a layout that is drawn later.
    pub(super) fn fonts(&mut self) -> &mut Fonts {
        self.fonts
    }

    /// The page on which something shall be drawn, with what it takes: where the next line begins, in points, the page,
    /// and the fonts.
    pub(super) fn canvas(&mut self) -> Result<(f32, &mut Page, &mut Fonts), RenderError> {
        self.make_room(0.0)?;
        let page = self.pages.last_mut().ok_or_else(|| self.limits.too_many_pages())?;
        Ok((self.y_pt, page, self.fonts))
    }

    /// Whether nothing stands on the page yet.
    pub(super) fn is_at_top(&self) -> bool {
        self.pages.is_empty() || self.y_pt <= self.sheet.text_top_pt()
    }

    /// So much of the page is taken, in points.
    pub(super) fn take(&mut self, height_pt: f32) {
        self.y_pt += height_pt;
    }

    /// What comes next begins on a new page.
    pub(super) fn end_page(&mut self) {
        self.y_pt = f32::INFINITY;
    }

    /// Characters were met that no font has.
    pub(super) fn missed(&mut self, count: u64) {
        self.missing += count;
    }

    /// Adds a paragraph.
    pub(super) fn paragraph(&mut self, paragraph: &Paragraph) -> Result<(), RenderError> {
        if paragraph.chars() <= SHAPE_CHARS_MAX {
            return self.short_paragraph(paragraph);
        }
        for piece in pieces(paragraph) {
            self.short_paragraph(&piece)?;
        }
        Ok(())
    }

    /// A line across the text.
    pub(super) fn rule(&mut self) -> Result<(), RenderError> {
        let height_pt = TEXT_PT;
        self.make_room(height_pt)?;
        let (left, width) = (self.sheet.text_left_pt(), self.sheet.text_width_pt());
        self.fill(left, self.y_pt + height_pt / 2.0, width, RULE_PT);
        self.y_pt += height_pt;
        Ok(())
    }

    /// White, in points; none at the top of a page.
    pub(super) fn gap(&mut self, gap_pt: f32) {
        if self.y_pt > self.sheet.text_top_pt() {
            self.y_pt += gap_pt;
        }
    }

    /// A picture that is already in pixels of this sheet, placed like a paragraph.
    pub(super) fn picture(&mut self, picture: &Page) -> Result<(), RenderError> {
        let (x_scale, y_scale) = self.sheet.px_per_pt();
        let height_pt = picture.rows() as f32 / y_scale;
        self.make_room(height_pt)?;
        let left = (self.sheet.text_left_pt() * x_scale).round() as u32;
        let top = (self.y_pt * y_scale).round() as u32;
        if let Some(page) = self.pages.last_mut() {
            lay(page, picture, left, top);
        }
        self.y_pt += height_pt;
        Ok(())
    }

    fn short_paragraph(&mut self, paragraph: &Paragraph) -> Result<(), RenderError> {
        let depth = paragraph.quote_depth.min(QUOTE_DEPTH_MAX);
        let indent_pt = depth as f32 * QUOTE_INDENT_PT + paragraph.indent_pt;
        let width_pt = self.sheet.text_width_pt() - indent_pt;
        self.gap(paragraph.gap_pt);
        if let Some(label) = &paragraph.label {
            self.label(label, paragraph.size_pt, indent_pt)?;
        }
        let buffer = self.shape(paragraph, width_pt);
        for line in buffer.layout_runs() {
            self.line(&line, indent_pt, depth)?;
        }
        Ok(())
    }

    /// The label alone; the paragraph then begins on the same line.
    fn label(&mut self, label: &Label, size_pt: f32, indent_pt: f32) -> Result<(), RenderError> {
        self.make_room(size_pt * LEADING)?;
        let y_pt = self.y_pt;
        let alone = Paragraph { size_pt, ..Paragraph::spans(vec![label.text.clone()]) };
        let buffer = self.shape(&alone, self.sheet.text_width_pt());
        if let Some(line) = buffer.layout_runs().next() {
            self.line(&line, indent_pt - label.out_pt, 0)?;
        }
        self.y_pt = y_pt;
        Ok(())
    }

    fn shape(&mut self, paragraph: &Paragraph, width_pt: f32) -> Buffer {
        let mono = !paragraph.spans.is_empty() && paragraph.spans.iter().all(|span| span.look.mono);
        let leading = if mono { MONO_LEADING } else { LEADING };
        let metrics = Metrics::new(paragraph.size_pt, paragraph.size_pt * leading);
        let mut buffer = Buffer::new_empty(metrics);
        buffer.set_tab_width(8);
        buffer.set_size(Some(width_pt), None);
        let spans = paragraph.spans.iter().map(|span| (span.text.as_str(), attrs(span.look)));
        buffer.set_rich_text(spans, &attrs(Look::default()), Shaping::Advanced, None);
        buffer.shape_until_scroll(&mut self.fonts.system, false);
        buffer
    }

    fn line(&mut self, line: &LayoutRun<'_>, indent_pt: f32, quote_depth: u32) -> Result<(), RenderError> {
        self.make_room(line.line_height)?;
        let (x_scale, y_scale) = self.sheet.px_per_pt();
        let left_pt = self.sheet.text_left_pt();
        for depth in 0..quote_depth {
            self.fill(left_pt + depth as f32 * QUOTE_INDENT_PT, self.y_pt, RULE_PT, line.line_height);
        }
        let base_pt = self.y_pt + line.line_y - line.line_top;
        for glyph in line.glyphs {
            let x_pt = left_pt + indent_pt + glyph.x + glyph.font_size * glyph.x_offset;
            let y_pt = base_pt + glyph.y - glyph.font_size * glyph.y_offset;
            // On a coarse page the base line decides the row alone, so that a line of text stays a line.
            let (x, y) = ((x_pt * x_scale).round() as i32, (y_pt * y_scale).round() as i32);
            let glyph = Glyph::of(glyph);
            self.missing += u64::from(glyph.is_missing());
            if let Some(page) = self.pages.last_mut() {
                self.fonts.draw(page, glyph, (x, y), Ink::Black);
            }
        }
        self.y_pt += line.line_height;
        Ok(())
    }

    /// Turns the page where `height_pt` does not fit under what stands there.
    fn make_room(&mut self, height_pt: f32) -> Result<(), RenderError> {
        let fits = self.y_pt + height_pt <= self.sheet.text_bottom_pt();
        if fits && !self.pages.is_empty() {
            return Ok(());
        }
        if (self.before + self.pages.len()) as u64 >= u64::from(self.limits.pages_max) {
            return Err(self.limits.too_many_pages());
        }
        let page = Page::white(self.sheet.width(), self.sheet.body_rows(), self.sheet.resolution());
        self.pages.push(page);
        self.y_pt = self.sheet.text_top_pt();
        Ok(())
    }

    /// Blackens a rectangle given in points; at least one pixel of it.
    fn fill(&mut self, x_pt: f32, y_pt: f32, width_pt: f32, height_pt: f32) {
        let (x_scale, y_scale) = self.sheet.px_per_pt();
        let (left, top) = ((x_pt * x_scale).round() as u32, (y_pt * y_scale).round() as u32);
        let right = (((x_pt + width_pt) * x_scale).round() as u32).max(left + 1);
        let bottom = (((y_pt + height_pt) * y_scale).round() as u32).max(top + 1);
        if let Some(page) = self.pages.last_mut() {
            for y in top..bottom {
                for x in left..right {
                    page.set(x, y, true);
                }
            }
        }
    }
}

/// The font for a look.
pub(super) fn attrs(look: Look) -> Attrs<'static> {
    let family = Family::Name(if look.mono { MONO } else { SANS });
    let weight = if look.bold { Weight::BOLD } else { Weight::NORMAL };
    let slant = if look.italic { Slant::Italic } else { Slant::Normal };
    Attrs::new().family(family).weight(weight).style(slant)
}

/// A paragraph too long to be shaped at once, in pieces.
fn pieces(paragraph: &Paragraph) -> Vec<Paragraph> {
    let mut pieces = Vec::new();
    for span in &paragraph.spans {
        let chars: Vec<char> = span.text.chars().collect();
        for piece in chars.chunks(SHAPE_CHARS_MAX) {
            pieces.push(Paragraph {
                spans: vec![Span { text: piece.iter().collect(), look: span.look }],
                gap_pt: if pieces.is_empty() { paragraph.gap_pt } else { 0.0 },
                label: if pieces.is_empty() { paragraph.label.clone() } else { None },
                ..paragraph.clone()
            });
        }
    }
    pieces
}
