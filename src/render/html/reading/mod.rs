//! HTML as running text, where its layout cannot be had: by html2text with the document's style sheets, so that hidden
//! text stays hidden.
//!
//! Text is taken unbroken and set like any other; a table of data (one with borders or header cells) is drawn
//! with its lines in a monospaced font, and a table that only makes the layout is read cell by cell. What the parser sees
//! was cleaned before (`clean`), because its work grows with the square of some things.

mod marks;
mod table;

use html2text::RcDom;
use html2text::config::{self, Config};
use html2text::render::TaggedLine;

use super::super::error::{Failure, RenderError, guard};
use super::super::flow::{Flow, Label, Look, Paragraph, Span, TEXT_PT};
use super::super::options::Limits;
use super::super::picture;
use super::super::text::printable;
use super::Shown;
use super::clean::{CellSpans, clean};
use super::pictures::Pictures;
use super::tree::{From, address_on_paper};
use marks::{BULLET_MARK, HEADING_MARK, Marks, QUOTE_MARK, TABLE_MARK, Tag, unmarked};
use table::Tables;

/// Columns that no line reaches, so that html2text breaks none.
const UNBROKEN_COLUMNS: usize = 50_000;
/// How far a space at the beginning of a line moves it in, in points.
const SPACE_PT: f32 = 4.0;
const SPACES_PT_MAX: f32 = 80.0;
/// What an empty line amounts to, and white below a heading, in points.
const EMPTY_LINE_PT: f32 = 7.0;
const HEADING_GAP_PT: f32 = 4.0;
/// How far the text of a list's item stands in from its mark, in points.
const ITEM_INDENT_PT: f32 = 14.0;
/// The sizes of headings, from `h1` down, in points.
const HEADING_PT: [f32; 3] = [15.0, 13.0, 11.5];

/// A piece of an HTML text, in order.
#[derive(Clone, Debug, PartialEq)]
enum Piece {
    Paragraph(Paragraph),
    /// White, in points.
    Gap(f32),
    /// The place of the picture with this Content-ID.
    Picture(String),
}

/// The text in order, with the places of its pictures.
///
/// html2text 0.17 panics on some tables whose cells span more rows or columns than there are, as sloppy newsletters
/// have them: such a text is read again as if every cell were a single one.
fn pieces(html: &str, limits: &Limits) -> Result<Vec<Piece>, Failure> {
    let read = |spans| guard("HTML", || read(html, limits, spans));
    read(CellSpans::Kept).or_else(|_| read(CellSpans::LeftOut))
}

fn read(html: &str, limits: &Limits, spans: CellSpans) -> Result<Vec<Piece>, Failure> {
    let clean = clean(&unmarked(html), limits, spans);
    let dom = plain_config().parse_html(clean.as_bytes()).map_err(|e| damaged(&e))?;
    let tables = Tables::take_from(&dom)?;
    let lines = lines(&dom, UNBROKEN_COLUMNS, Layout::ReadThrough)?;
    let mut pieces = Vec::new();
    for line in lines {
        match line.table() {
            Some(index) => tables.draw(index, &mut pieces)?,
            None => line.into_pieces(&mut pieces),
        }
    }
    Ok(pieces)
}

/// Draws a text where the flow has come to, with pictures of the message in their places.
pub(super) fn draw(
    html: &str,
    flow: &mut Flow<'_>,
    pictures: &Pictures<'_>,
    limits: &Limits,
    shown: &mut Shown,
) -> Result<(), RenderError> {
    let pieces = pieces(html, limits).map_err(|failure| RenderError::part("the message's HTML", failure))?;
    for piece in &pieces {
        match piece {
            Piece::Paragraph(paragraph) => flow.paragraph(paragraph)?,
            Piece::Gap(gap_pt) => flow.gap(*gap_pt),
            Piece::Picture(id) => {
                let from = From::Part(id.clone());
                let Some(image) = pictures.size_pt(&from).and_then(|_| pictures.read(&from)) else {
                    continue;
                };
                let sheet = flow.sheet();
                let height_pt = sheet.text_bottom_pt() - sheet.text_top_pt();
                flow.picture(&picture::strip(&image, sheet, sheet.text_width_pt(), height_pt))?;
                shown.insert(id.clone(), flow.page());
            }
        }
    }
    Ok(())
}

fn damaged(error: &html2text::Error) -> Failure {
    Failure::caused("its HTML cannot be read", error.to_string())
}

fn plain_config() -> Config<Marks> {
    config::with_decorator(Marks)
        .use_doc_css()
        .empty_img_mode(config::ImageRenderMode::ShowAlways)
        .allow_width_overflow()
        .no_link_wrapping()
}

/// How tables come out.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Layout {
    /// Cell by cell, each on lines of its own.
    ReadThrough,
    /// Drawn with lines.
    Drawn {
        /// Columns that a cell gets at least.
        cell_columns_min: usize,
    },
}

fn lines(dom: &RcDom, columns: usize, layout: Layout) -> Result<Vec<Line>, Failure> {
    let config = match layout {
        Layout::ReadThrough => plain_config().raw_mode(true),
        Layout::Drawn { cell_columns_min } => plain_config().min_wrap_width(cell_columns_min),
    };
    let tree = config.dom_to_render_tree(dom).map_err(|e| damaged(&e))?;
    let lines = config.render_to_lines(tree, columns).map_err(|e| damaged(&e))?;
    let line = |line: TaggedLine<Vec<Tag>>| {
        Line(line.tagged_strings().map(|piece| (piece.s.clone(), piece.tag.clone())).collect())
    };
    Ok(lines.into_iter().map(line).collect())
}

/// One line of html2text's output.
struct Line(Vec<(String, Vec<Tag>)>);

impl Line {
    fn text(&self) -> String {
        self.0.iter().map(|(text, _)| text.as_str()).collect()
    }

    /// Which table stands here.
    fn table(&self) -> Option<usize> {
        let text = self.text();
        let (_, index) = text.split_once(TABLE_MARK)?;
        index.trim().parse().ok()
    }

    fn into_pieces(self, pieces: &mut Vec<Piece>) {
        let text = self.text();
        if text.chars().all(|c| c.is_whitespace() || c == QUOTE_MARK) {
            return pieces.push(Piece::Gap(EMPTY_LINE_PT));
        }
        let shape = Shape::of(&text);
        let mut spans: Vec<Span> = Vec::new();
        let mut link = Link::default();
        for (text, tags) in self.0 {
            spans.extend(link.step(&text, tags.iter().find_map(Tag::link)));
            if let Some(id) = tags.iter().find_map(Tag::picture) {
                shape.paragraph(std::mem::take(&mut spans), pieces);
                pieces.push(Piece::Picture(id.to_owned()));
                continue;
            }
            let mut look = Tag::look(&tags);
            look.bold |= shape.heading.is_some();
            spans.push(Span { text: printable(&unmarked(&text)), look });
        }
        spans.extend(link.step("", None));
        shape.paragraph(spans, pieces);
    }
}

/// The link that the text stands in, and its text so far.
#[derive(Default)]
struct Link {
    url: String,
    text: String,
}

impl Link {
    /// Takes the next run of characters; where a link ends before it, gives the address for paper.
    fn step(&mut self, text: &str, url: Option<&str>) -> Option<Span> {
        let url = url.unwrap_or_default();
        let ended = if url == self.url { None } else { self.on_paper() };
        if url != self.url {
            *self = Self { url: url.to_owned(), text: String::new() };
        }
        self.text.push_str(text);
        ended
    }

    fn on_paper(&self) -> Option<Span> {
        let text = address_on_paper(&self.url, &self.text)?;
        Some(Span { text: printable(&text), look: Look::default() })
    }
}

/// How a line stands on the page, as its marks and the spaces before it say.
struct Shape {
    quote_depth: u32,
    heading: Option<usize>,
    item: bool,
    indent_pt: f32,
}

impl Shape {
    fn of(text: &str) -> Self {
        let count = |mark| text.chars().filter(|&c| c == mark).count();
        let inner = text.trim_start_matches([QUOTE_MARK, HEADING_MARK]);
        let spaces = inner.chars().take_while(|&c| c == ' ').count();
        Self {
            quote_depth: u32::try_from(count(QUOTE_MARK)).unwrap_or(u32::MAX),
            heading: count(HEADING_MARK).checked_sub(1),
            item: count(BULLET_MARK) > 0,
            indent_pt: (spaces as f32 * SPACE_PT).min(SPACES_PT_MAX),
        }
    }

    fn paragraph(&self, mut spans: Vec<Span>, pieces: &mut Vec<Piece>) {
        while let Some(first) = spans.first_mut() {
            if !self.item {
                first.text = first.text.trim_start().to_owned();
            }
            if !first.text.is_empty() {
                break;
            }
            spans.remove(0);
        }
        if spans.is_empty() {
            return;
        }
        let label = if self.item { take_label(&mut spans) } else { None };
        let size_pt = self.heading.map_or(TEXT_PT, |level| HEADING_PT[level.min(HEADING_PT.len() - 1)]);
        pieces.push(Piece::Paragraph(Paragraph {
            size_pt,
            quote_depth: self.quote_depth,
            indent_pt: self.indent_pt + if label.is_some() { ITEM_INDENT_PT } else { 0.0 },
            label: label.map(|text| Label { text, out_pt: ITEM_INDENT_PT }),
            ..Paragraph::spans(spans)
        }));
        if self.heading.is_some() {
            pieces.push(Piece::Gap(HEADING_GAP_PT));
        }
    }
}

/// Takes the mark of a list's item, up to the first space, away from its text.
fn take_label(spans: &mut [Span]) -> Option<Span> {
    let first = spans.first_mut()?;
    let (label, rest) = first.text.split_once(' ')?;
    let label =
        Span { text: if label.is_empty() { "•".to_owned() } else { label.to_owned() }, look: first.look };
    first.text = rest.trim_start().to_owned();
    Some(label)
}
