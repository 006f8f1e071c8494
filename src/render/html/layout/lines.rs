//! Lines: text, and boxes that stand in it, from the left to the right and down (CSS 2.2 §9.4.2, §10.8).

use cosmic_text::{LayoutGlyph, LayoutRun};

use super::super::super::font::Glyph;
use super::super::style::{Align, BOTTOM, LEFT, RIGHT, Style, TEXT_PT, TOP, VerticalAlign};
use super::super::tree::{Content, Marker, Node, Run, Widths};
use super::letters::{OBJECT, Paragraph, Room};
use super::{Floats, Fragment, Inner, Layout, Letter, Mark, WORD_PT_MAX};

/// How high letters reach over the base line, and how deep below it, in parts of their size.
const ASCENT: f32 = 0.905;
const DESCENT: f32 = 0.212;
/// Half the height of an x, where a box in the middle of a line has its own.
const MIDDLE: f32 = 0.26;
/// How far letters are raised and lowered.
const SUPER: f32 = 0.35;
const SUB: f32 = 0.2;
/// Lines under and through letters: where, and how thick.
const UNDERLINE: f32 = 0.12;
const STRIKE: f32 = 0.27;
const LINE_THICK: f32 = 0.06;
/// White between the mark of an item and its text, in points.
const MARKER_GAP_PT: f32 = 6.0;
/// Text beside a float needs so much room, or it goes below.
const BESIDE_PT_MIN: f32 = 70.0;

/// Something in a line.
enum Piece<'t> {
    Text(&'t Style),
    Box { fragments: Vec<Fragment<'t>>, above: f32, below: f32, width: f32, align: VerticalAlign },
}

/// The runs of a block, ready to be shaped.
struct Prepared<'t> {
    pieces: Vec<Piece<'t>>,
    paragraphs: Vec<Paragraph<'t>>,
}

/// A line's extent over and below its base line.
#[derive(Clone, Copy)]
struct Extent {
    above: f32,
    below: f32,
}

impl<'t> Layout<'t, '_> {
    /// Lays text and what stands in it.
    pub(super) fn lines(
        &mut self,
        runs: &'t [Run],
        block: &'t Style,
        (x, y): (f32, f32),
        width: f32,
        floats: &mut Floats,
    ) -> Inner {
        for run in runs {
            if let Run::Float(node) = run {
                self.float(node, (x, y), width, floats);
            }
        }
        let Prepared { mut pieces, paragraphs } = self.prepare(runs, block, Some(width));
        let mut lines = Lines { block, cursor: y, tops: Vec::new(), inner: Inner::default() };
        let mut indent = block.inherited.text_indent.clamp(-width / 2.0, width / 2.0);
        for paragraph in paragraphs {
            let mut rest = paragraph;
            loop {
                let needed = BESIDE_PT_MIN.min(width);
                let (top, left, right) = floats.place(lines.cursor, (x, x + width), needed);
                // Only the first line stands in.
                let until =
                    if indent == 0.0 { floats.band(top, (x, x + width)).2 } else { f32::NEG_INFINITY };
                lines.cursor = top;
                let band = (left + indent, (right - left - indent).max(1.0));
                let cut = self.band(&mut lines, &rest, &mut pieces, band, until);
                indent = 0.0;
                match cut {
                    Some(octet) => rest = rest.from(octet),
                    None => break,
                }
            }
        }
        lines.keep_ends(self);
        Inner { height: lines.cursor - y, ..lines.inner.within(y) }
    }

    /// Lines of one width, until the room changes; then the octet with which the next line begins.
    fn band(
        &mut self,
        lines: &mut Lines<'t>,
        paragraph: &Paragraph<'t>,
        pieces: &mut [Piece<'t>],
        (left, width): (f32, f32),
        until: f32,
    ) -> Option<usize> {
        let shaped = paragraph.shape(self.fonts, lines.block, Room::Points(width));
        let mut any = false;
        for line in shaped.lines() {
            let start = line.glyphs.iter().map(|glyph| glyph.start).min().unwrap_or(0);
            if any && lines.cursor >= until && start > 0 {
                return Some(start);
            }
            self.line(lines, &line, pieces, (left, width));
            any = true;
        }
        if !any && !paragraph.goes_on {
            lines.end_line(self, Extent::of(lines.block), 0);
        }
        None
    }

    /// One line: its pieces in their order, each on the base line or where it asks to stand.
    fn line(
        &mut self,
        lines: &mut Lines<'t>,
        line: &LayoutRun<'_>,
        pieces: &mut [Piece<'t>],
        (left, width): (f32, f32),
    ) {
        let since = self.out.len();
        let extent = extent(lines.block, line, pieces);
        let base = lines.cursor + extent.above;
        let x = left + start(lines.block, line, width);
        let mut glyphs = line.glyphs;
        while let Some(first) = glyphs.first() {
            let count = glyphs.iter().take_while(|glyph| glyph.metadata == first.metadata).count();
            let (same, rest) = glyphs.split_at(count);
            glyphs = rest;
            match pieces.get_mut(first.metadata) {
                Some(Piece::Text(style)) => self.letters(same, style, (x, base)),
                Some(piece) => self.place(piece, x + first.x, base, extent),
                None => {}
            }
        }
        lines.inner.first_base = lines.inner.first_base.or(Some(base));
        lines.inner.last_base = Some(base);
        lines.end_line(self, extent, self.out.len() - since);
    }

    /// Letters that look alike, with the ground and the lines that belong to them.
    fn letters(&mut self, glyphs: &[LayoutGlyph], style: &'t Style, (x, base): (f32, f32)) {
        let (Some(first), Some(last)) = (glyphs.first(), glyphs.last()) else { return };
        let size = style.text_pt();
        let base = base - raise(style);
        let (left, width) = (x + first.x, last.x + last.w - first.x);
        let (top, height) = (base - size * ASCENT, size * (ASCENT + DESCENT));
        if let Some(tone) = style.background {
            let under_light = style.inherited.tone > tone;
            self.push((left, top), (width, height), Mark::Highlight { tone, under_light });
        }
        let letter = |glyph: &LayoutGlyph| Letter {
            glyph: Glyph::of(glyph),
            x: x + glyph.x + glyph.font_size * glyph.x_offset,
            y: base + glyph.y - glyph.font_size * glyph.y_offset,
        };
        let letters: Vec<Letter> = glyphs.iter().map(letter).collect();
        self.push((left, top), (width, height), Mark::Letters(letters));
        let decorated = [
            (style.inherited.underline, base + size * UNDERLINE),
            (style.inherited.strike, base - size * STRIKE),
        ];
        for (_, y) in decorated.into_iter().filter(|(wanted, _)| *wanted) {
            self.push((left, y), (width, size * LINE_THICK), Mark::Line { tone: 0 });
        }
    }

    /// Moves a box that was laid at the origin to its place in the line.
    fn place(&mut self, piece: &mut Piece<'t>, x: f32, base: f32, extent: Extent) {
        let Piece::Box { fragments, above, below, align, .. } = piece else { return };
        let top = match align {
            VerticalAlign::Top => base - extent.above,
            VerticalAlign::Bottom => base + extent.below - *above - *below,
            VerticalAlign::Middle => base - middle(*above + *below),
            _ => base - *above,
        };
        let since = self.out.len();
        self.out.append(fragments);
        self.shift(since, x, top);
    }

    /// The runs as paragraphs; boxes are laid where `width` is given, and only measured where not.
    fn prepare(&mut self, runs: &'t [Run], block: &'t Style, width: Option<f32>) -> Prepared<'t> {
        let mut pieces = Vec::new();
        let mut paragraphs = vec![Paragraph::default()];
        for run in runs {
            let index = pieces.len();
            match run {
                Run::Break => paragraphs.push(Paragraph::default()),
                Run::Float(_) => {}
                Run::Text(text) => {
                    pieces.push(Piece::Text(&text.style));
                    push(&mut paragraphs, &text.text, index, &text.style, None);
                }
                Run::Atom(node) => match self.words_instead(node) {
                    Some(words) => {
                        pieces.push(Piece::Text(&node.style));
                        push(&mut paragraphs, &words, index, &node.style, None);
                    }
                    None => {
                        let piece = self.in_line(node, width);
                        let wide = if let Piece::Box { width, .. } = piece { width } else { 0.0 };
                        pieces.push(piece);
                        push(&mut paragraphs, OBJECT.encode_utf8(&mut [0; 4]), index, block, Some(wide));
                    }
                },
            }
        }
        let direction = if block.inherited.rtl { RLM } else { LRM };
        for paragraph in paragraphs.iter_mut().filter(|paragraph| has_rtl(&paragraph.text)) {
            paragraph.begin(direction, block);
        }
        // A last forced end begins no line.
        if paragraphs.last().is_some_and(|last| last.text.is_empty()) {
            paragraphs.pop();
        }
        let paragraphs = paragraphs.into_iter().flat_map(Paragraph::pieces).collect();
        Prepared { pieces, paragraphs }
    }

    /// What is said in the place of a picture that is not there.
    fn words_instead(&self, node: &Node) -> Option<String> {
        let Content::Picture(source) = &node.content else { return None };
        let missing = self.pictures.size_pt(&source.from).is_none();
        missing.then(|| if source.alt.is_empty() { String::new() } else { format!("[{}]", source.alt) })
    }

    /// A box in a line, laid at the origin.
    fn in_line(&mut self, node: &'t Node, width: Option<f32>) -> Piece<'t> {
        let style = &*node.style;
        let outside = std::mem::take(&mut self.out);
        let Some(room) = width else {
            self.out = outside;
            return Piece::Box {
                fragments: Vec::new(),
                above: 0.0,
                below: 0.0,
                width: self.widths(node).most,
                align: VerticalAlign::Baseline,
            };
        };
        let margin = |edge| style.margin_pt(edge, room);
        let top = margin(TOP);
        let inner = self.block(node, (0.0, top), room, Align::Left, &mut Floats::default());
        let fragments = std::mem::replace(&mut self.out, outside);
        let border_box = self.border_box_width(node, room);
        let height = top + inner.height + margin(BOTTOM);
        let is_picture = matches!(node.content, Content::Picture(_));
        // A box without text stands on the line with its lower edge (CSS 2.2 §10.8.1).
        let base = inner.last_base.filter(|_| !is_picture && !style.clips).map_or(height, |base| base + top);
        let (above, below) = (base.clamp(0.0, height.max(0.0)), (height - base).max(0.0));
        let width = border_box + margin(LEFT) + margin(RIGHT);
        Piece::Box { fragments, above, below, width: width.max(0.0), align: style.vertical_align }
    }

    /// How narrow and how wide the lines can be.
    pub(super) fn line_widths(&mut self, runs: &'t [Run], block: &'t Style) -> Widths {
        let mut widths = Widths::default();
        let Prepared { paragraphs, .. } = self.prepare(runs, block, None);
        for paragraph in &paragraphs {
            let most = paragraph.shape(self.fonts, block, Room::Most).width();
            let least = paragraph.shape(self.fonts, block, Room::Least).width();
            widths.most = widths.most.max(most);
            widths.least = widths.least.max(least.min(WORD_PT_MAX));
        }
        let (mut floating, mut boxes) = (0.0, 0.0_f32);
        for run in runs {
            match run {
                Run::Float(node) => {
                    floating += self.widths(node).most;
                    boxes = boxes.max(self.widths(node).least);
                }
                Run::Atom(node) if self.words_instead(node).is_none() => {
                    boxes = boxes.max(self.widths(node).least);
                }
                _ => {}
            }
        }
        // Boxes were measured as wide as they can be; alone in a line they need less.
        let has_boxes = runs.iter().any(|run| matches!(run, Run::Atom(_)));
        let least = if has_boxes { self.words_least(runs, block).min(widths.least) } else { widths.least };
        Widths { least: least.max(boxes), most: widths.most + floating }
    }

    /// The longest word between boxes.
    fn words_least(&mut self, runs: &'t [Run], block: &'t Style) -> f32 {
        let mut paragraph = Paragraph::default();
        for run in runs {
            match run {
                Run::Text(text) => paragraph.push(&text.text, 0, &text.style, None),
                _ => paragraph.push(" ", 0, block, None),
            }
        }
        let pieces = paragraph.pieces();
        pieces.iter().map(|piece| piece.shape(self.fonts, block, Room::Least).width()).fold(0.0, f32::max)
    }

    /// The mark of a list's item, to the left of its first line.
    pub(super) fn marker(
        &mut self,
        marker: &'t Marker,
        style: &'t Style,
        (x, y): (f32, f32),
        first_base: Option<f32>,
    ) {
        let mut paragraph = Paragraph::default();
        paragraph.push(&marker.0, 0, style, None);
        let shaped = paragraph.shape(self.fonts, style, Room::Most);
        let base = y + first_base.unwrap_or_else(|| Extent::of(style).above);
        for line in shaped.lines() {
            let left = if style.inherited.rtl { x } else { x - MARKER_GAP_PT - line.line_w };
            let since = self.out.len();
            self.letters(line.glyphs, style, (left, base));
            // It stays with its line.
            let top = base - Extent::of(style).above;
            let bottom = base + Extent::of(style).below;
            self.out[since..].iter_mut().for_each(|fragment| fragment.unit = (top, bottom));
        }
    }
}

/// Marks that say which way a paragraph goes (Unicode Standard Annex 9 §2.6): HTML says it, and not its first letter.
const LRM: &str = "\u{200e}";
const RLM: &str = "\u{200f}";

/// Whether letters go from right to left in a text: Hebrew, Arabic, Syriac, Thaana, N'Ko and their presentation forms.
fn has_rtl(text: &str) -> bool {
    text.chars()
        .any(|c| matches!(c, '\u{590}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{feff}'))
}

fn push<'t>(paragraphs: &mut [Paragraph<'t>], text: &str, run: usize, style: &'t Style, object: Option<f32>) {
    if let Some(last) = paragraphs.last_mut() {
        last.push(text, run, style, object);
    }
}

/// Where a line begins, as it is aligned.
fn start(block: &Style, line: &LayoutRun<'_>, width: f32) -> f32 {
    // cosmic-text puts lines of right-to-left text to the right by itself.
    let first = line.glyphs.iter().map(|glyph| glyph.x).fold(f32::INFINITY, f32::min);
    let first = if first.is_finite() { first } else { 0.0 };
    let free = (width - line.line_w).max(0.0);
    let is_rtl = block.inherited.rtl || line.rtl;
    let wanted = match block.inherited.align {
        Align::Left | Align::Justify => 0.0,
        Align::Right => free,
        Align::Center | Align::BlockCenter => free / 2.0,
        Align::Start if is_rtl => free,
        Align::Start => 0.0,
    };
    wanted - first
}

fn middle(height: f32) -> f32 {
    height / 2.0 + MIDDLE * TEXT_PT
}

fn raise(style: &Style) -> f32 {
    match style.vertical_align {
        VerticalAlign::Super => style.text_pt() * SUPER,
        VerticalAlign::Sub => -style.text_pt() * SUB,
        _ => 0.0,
    }
}

impl Extent {
    /// Of text in this style.
    fn of(style: &Style) -> Self {
        let size = style.text_pt();
        let leading = (style.line_pt() - size * (ASCENT + DESCENT)) / 2.0;
        let raised = raise(style);
        Self { above: size * ASCENT + leading + raised, below: size * DESCENT + leading - raised }
    }

    fn join(self, other: Self) -> Self {
        Self { above: self.above.max(other.above), below: self.below.max(other.below) }
    }
}

/// How far a line reaches, with all that stands in it.
fn extent(block: &Style, line: &LayoutRun<'_>, pieces: &[Piece<'_>]) -> Extent {
    let mut last = usize::MAX;
    // A line of nothing but pictures has no letters that would need room.
    let only_boxes =
        line.glyphs.iter().all(|glyph| matches!(pieces.get(glyph.metadata), Some(Piece::Box { .. })));
    let strut = match only_boxes && !line.glyphs.is_empty() {
        true => Extent { above: 0.0, below: 0.0 },
        false => Extent::of(block),
    };
    let mut all = strut;
    let mut whole = 0.0_f32;
    for glyph in line.glyphs {
        if std::mem::replace(&mut last, glyph.metadata) == glyph.metadata {
            continue;
        }
        match pieces.get(glyph.metadata) {
            Some(Piece::Text(style)) => all = all.join(Extent::of(style)),
            Some(Piece::Box { above, below, align, .. }) => match align {
                VerticalAlign::Top | VerticalAlign::Bottom => whole = whole.max(above + below),
                VerticalAlign::Middle => {
                    let up = middle(above + below);
                    all = all.join(Extent { above: up, below: above + below - up });
                }
                _ => all = all.join(Extent { above: *above, below: *below }),
            },
            None => {}
        }
    }
    all.below = all.below.max(whole - all.above);
    all
}

/// Lines so far.
struct Lines<'t> {
    block: &'t Style,
    cursor: f32,
    /// The top and the bottom of each line, and the first fragment of it.
    tops: Vec<(f32, f32, usize)>,
    inner: Inner,
}

impl Lines<'_> {
    /// The line ends; `count` fragments are of it.
    fn end_line(&mut self, layout: &mut Layout<'_, '_>, extent: Extent, count: usize) {
        let (top, bottom) = (self.cursor, self.cursor + extent.above + extent.below);
        let first = layout.out.len() - count;
        for fragment in &mut layout.out[first..] {
            let is_high = bottom - top > layout.page.1 / 4.0;
            if !is_high {
                fragment.unit = (fragment.unit.0.min(top), fragment.unit.1.max(bottom));
            }
        }
        self.tops.push((top, bottom, first));
        self.cursor = bottom;
    }

    /// No page begins with the last line of a paragraph, or ends with its first.
    fn keep_ends(&self, layout: &mut Layout<'_, '_>) {
        let count = self.tops.len();
        let pairs = match count {
            0 | 1 => return,
            2 | 3 => [(0, count - 1); 2],
            _ => [(0, 1), (count - 2, count - 1)],
        };
        for (one, two) in pairs {
            let end = self.tops.get(two + 1).map_or(layout.out.len(), |next| next.2);
            let (top, bottom) = (self.tops[one].0, self.tops[two].1);
            if bottom - top <= layout.page.1 / 4.0 {
                for fragment in &mut layout.out[self.tops[one].2..end] {
                    fragment.unit = (fragment.unit.0.min(top), fragment.unit.1.max(bottom));
                }
            }
        }
    }
}

impl Inner {
    /// Base lines measured from the top of the box.
    fn within(self, y: f32) -> Self {
        Self {
            first_base: self.first_base.map(|base| base - y),
            last_base: self.last_base.map(|base| base - y),
            ..self
        }
    }
}
