//! Letters to lines: shaping, line breaking and order by cosmic-text (Unicode Standard Annexes 9 and 14).
//!
//! A box that stands in a line takes part as an object replacement character that is as wide as the box.

use std::ops::Range;

use cosmic_text::{Attrs, Buffer, Family, LayoutRun, Metrics, Shaping, Style as Slant, Weight, Wrap};

use super::super::super::font::{Fonts, HTML_SANS, MONO};
use super::super::style::{Align, Style, WhiteSpace};

/// Stands for a box; lines may be broken before and after it.
pub(super) const OBJECT: char = '\u{fffc}';
/// The size at which it is set, in points: so small that its own width is nothing. It is not drawn.
const OBJECT_PT: f32 = 0.01;
/// Letters that are shaped at once; a longer text is cut, so that no line takes seconds.
const SHAPE_CHARS_MAX: usize = 4000;

/// How wide lines may be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Room {
    /// So many points; words that are longer are broken.
    Points(f32),
    /// As little as words allow.
    Least,
    /// As much as they take.
    Most,
}

/// Text up to a forced line end: letters, and which run each comes from.
#[derive(Clone, Debug, Default)]
pub(super) struct Paragraph<'s> {
    pub(super) text: String,
    pub(super) spans: Vec<Span<'s>>,
    /// The line ends here because the text was too long, not because it should.
    pub(super) goes_on: bool,
}

/// A range of a paragraph.
#[derive(Clone, Debug)]
pub(super) struct Span<'s> {
    pub(super) range: Range<usize>,
    /// Which run of the lines it is.
    pub(super) run: usize,
    pub(super) style: &'s Style,
    /// A box and its width, in points.
    pub(super) object: Option<f32>,
}

impl<'s> Paragraph<'s> {
    pub(super) fn push(&mut self, text: &str, run: usize, style: &'s Style, object: Option<f32>) {
        let from = self.text.len();
        self.text.push_str(text);
        self.spans.push(Span { range: from..self.text.len(), run, style, object });
    }

    /// Puts a mark before it that belongs to no run.
    pub(super) fn begin(&mut self, mark: &str, style: &'s Style) {
        for span in &mut self.spans {
            span.range = span.range.start + mark.len()..span.range.end + mark.len();
        }
        self.text.insert_str(0, mark);
        self.spans.insert(0, Span { range: 0..mark.len(), run: usize::MAX, style, object: None });
    }

    /// The paragraph from an octet on, which is the beginning of a line.
    pub(super) fn from(&self, octet: usize) -> Self {
        let text = self.text[octet..].to_owned();
        let spans = self.spans.iter().filter(|span| span.range.end > octet);
        let spans = spans.map(|span| {
            let range = span.range.start.saturating_sub(octet)..span.range.end - octet;
            Span { range, ..span.clone() }
        });
        Self { text, spans: spans.collect(), goes_on: self.goes_on }
    }

    /// Pieces that are short enough to be shaped.
    pub(super) fn pieces(self) -> Vec<Self> {
        let mut pieces = Vec::new();
        let mut rest = self;
        while let Some((cut, _)) = rest.text.char_indices().nth(SHAPE_CHARS_MAX) {
            let cut = rest.text[..cut].rfind(' ').map_or(cut, |space| space + 1);
            let after = rest.from(cut);
            rest.text.truncate(cut);
            rest.spans.retain(|span| span.range.start < cut);
            for span in &mut rest.spans {
                span.range.end = span.range.end.min(cut);
            }
            pieces.push(Self { goes_on: true, ..rest });
            rest = after;
        }
        pieces.push(rest);
        pieces
    }

    /// The lines of the paragraph.
    pub(super) fn shape(&self, fonts: &mut Fonts, block: &Style, room: Room) -> Shaped {
        let size = block.text_pt();
        let mut buffer = Buffer::new_empty(Metrics::new(size, size));
        let keeps_lines = matches!(block.inherited.white_space, WhiteSpace::NoWrap | WhiteSpace::Pre);
        let (wrap, width) = match room {
            Room::Most => (Wrap::None, None),
            Room::Least if keeps_lines => (Wrap::None, None),
            Room::Least => (Wrap::Word, Some(1.0)),
            Room::Points(width) => (Wrap::WordOrGlyph, Some(width)),
        };
        buffer.set_wrap(wrap);
        buffer.set_size(width, None);
        let spans = self.spans.iter().map(|span| (&self.text[span.range.clone()], attrs(span)));
        // From right to left the last line would stand at the wrong edge.
        let is_justified = block.inherited.align == Align::Justify && !block.inherited.rtl && width.is_some();
        let align = is_justified.then_some(cosmic_text::Align::Justified);
        buffer.set_rich_text(spans, &Attrs::new(), Shaping::Advanced, align);
        buffer.shape_until_scroll(&mut fonts.system, false);
        Shaped { buffer }
    }
}

/// Shaped text.
pub(super) struct Shaped {
    buffer: Buffer,
}

impl Shaped {
    pub(super) fn lines(&self) -> impl Iterator<Item = LayoutRun<'_>> {
        self.buffer.layout_runs()
    }

    /// The widest line, in points.
    pub(super) fn width(&self) -> f32 {
        self.lines().map(|line| line.line_w).fold(0.0, f32::max)
    }
}

fn attrs(span: &Span<'_>) -> Attrs<'static> {
    let inherited = &span.style.inherited;
    let size = match span.object {
        Some(_) => OBJECT_PT,
        None => span.style.text_pt(),
    };
    let attrs = Attrs::new().metrics(Metrics::new(size, size)).metadata(span.run);
    match span.object {
        Some(width) => attrs.family(Family::Name(HTML_SANS)).letter_spacing(width / OBJECT_PT),
        None => {
            let weight = if inherited.bold { Weight::BOLD } else { Weight::NORMAL };
            let slant = if inherited.italic { Slant::Italic } else { Slant::Normal };
            let family = Family::Name(if inherited.mono { MONO } else { HTML_SANS });
            let attrs = attrs.family(family).weight(weight).style(slant);
            match inherited.letter_spacing {
                0.0 => attrs,
                points => attrs.letter_spacing(points / size),
            }
        }
    }
}
