//! HTML to paragraphs, by html2text with the document's style sheets, so that hidden text stays hidden.
//!
//! Text is taken unbroken and set like any other; a table of data (one with borders or header cells) is drawn
//! with its lines in a monospaced font, and a table that only makes the layout is read cell by cell. Nothing is
//! fetched from anywhere. How deep elements are nested is limited before the parser sees them, because its work
//! grows with the square of it.

use html2text::config::{self, Config};
use html2text::render::TextDecorator;
use html2text::{Element, Handle, RcDom};

use super::error::Failure;
use super::flow::{Label, Look, MONO_PT, Paragraph, Span, TEXT_PT};
use super::options::Limits;
use super::text::printable;

/// Columns that no line reaches, so that html2text breaks none.
const UNBROKEN_COLUMNS: usize = 50_000;
/// Columns of a table in the monospaced font, and at which size they fill the line.
const TABLE_SIZES: [(usize, f32); 2] = [(82, MONO_PT), (103, 8.0)];
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
/// Control characters with which html2text's output carries what it cannot say in tags. They are taken out of the
/// source first. Those of prefixes must be ASCII: html2text takes a prefix's bytes for its columns.
const QUOTE_MARK: char = '\u{1}';
const HEADING_MARK: char = '\u{2}';
const BULLET_MARK: char = '\u{3}';
const PICTURE_MARK: char = '\u{E000}';
const TABLE_MARK: char = '\u{E001}';
/// Elements that are never closed, or need not be, and so do not count as depth.
const UNCLOSED: &[&str] = &[
    "area", "base", "br", "col", "dd", "dt", "embed", "hr", "img", "input", "li", "link", "meta", "option",
    "p", "source", "tbody", "td", "tfoot", "th", "thead", "tr", "wbr",
];

/// A piece of an HTML text, in order.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Piece {
    Paragraph(Paragraph),
    /// White, in points.
    Gap(f32),
    /// The place of the picture with this Content-ID.
    Picture(String),
}

/// The text in order, with the places of its pictures.
pub(super) fn pieces(html: &str, limits: &Limits) -> Result<Vec<Piece>, Failure> {
    if depth(html) > limits.html_depth_max as usize {
        return Err(Failure::new(format!(
            "its HTML elements are nested deeper than {}",
            limits.html_depth_max
        )));
    }
    let clean = html.replace([QUOTE_MARK, HEADING_MARK, BULLET_MARK, PICTURE_MARK, TABLE_MARK], "");
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

/// Whether the HTML text says clearly more than the plain one beside it, or has tables that plain text lacks.
pub(super) fn says_more(html: &str, plain: &str, limits: &Limits) -> bool {
    let letters = |text: &str| text.chars().filter(|c| c.is_alphanumeric()).count();
    let Ok(pieces) = super::error::guard("HTML", || pieces(html, limits)) else {
        return false;
    };
    let paragraphs = || {
        pieces.iter().filter_map(|piece| match piece {
            Piece::Paragraph(paragraph) => Some(paragraph),
            _ => None,
        })
    };
    let spans = || paragraphs().flat_map(|paragraph| &paragraph.spans);
    let in_html: usize = spans().map(|span| letters(&span.text)).sum();
    let has_table = spans().any(|span| span.look.mono && span.text.contains("──"));
    has_table || in_html * 3 > letters(plain) * 4
}

/// How deep the elements are nested at most, by a look at the tags alone.
fn depth(html: &str) -> usize {
    let (mut depth, mut deepest) = (0usize, 0);
    for (start, _) in html.match_indices('<') {
        let rest = &html[start + 1..];
        let closing = rest.starts_with('/');
        let name: String = rest
            .trim_start_matches('/')
            .chars()
            .take_while(char::is_ascii_alphanumeric)
            .take(16)
            .collect::<String>()
            .to_ascii_lowercase();
        if name.is_empty() || UNCLOSED.contains(&name.as_str()) {
            continue;
        }
        depth = if closing { depth.saturating_sub(1) } else { depth + 1 };
        deepest = deepest.max(depth);
    }
    deepest
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
    Drawn,
}

fn lines(dom: &RcDom, columns: usize, layout: Layout) -> Result<Vec<Line>, Failure> {
    let config = plain_config().raw_mode(layout == Layout::ReadThrough);
    let config = if layout == Layout::Drawn { plain_config() } else { config };
    let tree = config.dom_to_render_tree(dom).map_err(|e| damaged(&e))?;
    let lines = config.render_to_lines(tree, columns).map_err(|e| damaged(&e))?;
    let line = |line: html2text::render::TaggedLine<Vec<Tag>>| {
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
        for (text, tags) in self.0 {
            if let Some(id) = tags.iter().find_map(Tag::picture) {
                shape.paragraph(std::mem::take(&mut spans), pieces);
                pieces.push(Piece::Picture(id.to_owned()));
                continue;
            }
            let mut look = Tag::look(&tags);
            look.bold |= shape.heading.is_some();
            spans.push(Span { text: printable(&unmarked(&text)), look });
        }
        shape.paragraph(spans, pieces);
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

/// The text without the marks.
fn unmarked(text: &str) -> String {
    text.replace([QUOTE_MARK, HEADING_MARK, BULLET_MARK, PICTURE_MARK, TABLE_MARK], "")
}

/// Tables of data, taken out of a document to be drawn apart.
struct Tables(Vec<RcDom>);

impl Tables {
    /// Leaves a mark where each table stood.
    fn take_from(dom: &RcDom) -> Result<Self, Failure> {
        let mut styles = Vec::new();
        collect(&dom.document, "style", &mut styles);
        let mut tables = Self(Vec::new());
        tables.walk(&dom.document, &styles)?;
        Ok(tables)
    }

    fn walk(&mut self, node: &Handle, styles: &[Handle]) -> Result<(), Failure> {
        let children: Vec<Handle> = node.children.borrow().clone();
        for (index, child) in children.into_iter().enumerate() {
            if is_data_table(&child) {
                let table = RcDom::default();
                table.document.children.borrow_mut().extend(styles.iter().cloned());
                table.document.children.borrow_mut().push(child);
                if let Some(place) = node.children.borrow_mut().get_mut(index) {
                    *place = mark(self.0.len())?;
                }
                self.0.push(table);
            } else {
                self.walk(&child, styles)?;
            }
        }
        Ok(())
    }

    fn draw(&self, index: usize, pieces: &mut Vec<Piece>) -> Result<(), Failure> {
        let Some(dom) = self.0.get(index) else {
            return Ok(());
        };
        let natural = lines(dom, UNBROKEN_COLUMNS, Layout::Drawn)?;
        let columns = natural.iter().map(|line| line.text().chars().count()).max().unwrap_or(0);
        let fitting = TABLE_SIZES.iter().find(|(room, _)| columns <= *room);
        let (room, size_pt) = fitting.or(TABLE_SIZES.last()).copied().unwrap_or((columns, MONO_PT));
        let drawn = if columns <= room { natural } else { lines(dom, room, Layout::Drawn)? };
        for line in drawn {
            let spans = line.0.into_iter().map(|(text, tags)| Span {
                text: printable(&unmarked(&text)),
                look: Look { mono: true, ..Tag::look(&tags) },
            });
            pieces.push(Piece::Paragraph(Paragraph { size_pt, ..Paragraph::spans(spans.collect()) }));
        }
        Ok(())
    }
}

/// A paragraph that stands for table `index`.
fn mark(index: usize) -> Result<Handle, Failure> {
    let source = format!("<p>{TABLE_MARK}{index}</p>");
    let dom = plain_config().parse_html(source.as_bytes()).map_err(|e| damaged(&e))?;
    let mut found = Vec::new();
    collect(&dom.document, "p", &mut found);
    // The document gives its nodes up when it goes, so it must lose this one first.
    detach(&dom.document, "p");
    found.pop().ok_or_else(|| Failure::new("its HTML cannot be read"))
}

fn detach(node: &Handle, name: &str) {
    node.children.borrow_mut().retain(|child| !is_element(child, name));
    node.children.borrow().iter().for_each(|child| detach(child, name));
}

fn collect(node: &Handle, name: &str, found: &mut Vec<Handle>) {
    for child in node.children.borrow().iter() {
        if is_element(child, name) {
            found.push(child.clone());
        } else {
            collect(child, name, found);
        }
    }
}

fn is_element(node: &Handle, wanted: &str) -> bool {
    matches!(&node.data, Element { name, .. } if &*name.local == wanted)
}

/// A table with border lines or header cells, and no table within, is data; any other only makes the layout.
fn is_data_table(node: &Handle) -> bool {
    let Element { attrs, .. } = &node.data else {
        return false;
    };
    if !is_element(node, "table") {
        return false;
    }
    let bordered = attrs
        .borrow()
        .iter()
        .any(|attr| &*attr.name.local == "border" && !matches!(attr.value.trim(), "" | "0" | "0px" | "none"));
    let (mut inner, mut heads) = (Vec::new(), Vec::new());
    collect(node, "table", &mut inner);
    collect(node, "th", &mut heads);
    inner.is_empty() && (bordered || !heads.is_empty())
}

/// What html2text says about a run of characters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum Tag {
    #[default]
    None,
    Strong,
    Emphasis,
    Code,
    Picture(String),
}

impl Tag {
    fn look(tags: &[Self]) -> Look {
        Look {
            bold: tags.contains(&Self::Strong),
            italic: tags.contains(&Self::Emphasis),
            mono: tags.contains(&Self::Code),
        }
    }

    fn picture(&self) -> Option<&str> {
        match self {
            Self::Picture(id) => Some(id),
            _ => None,
        }
    }
}

/// Tells html2text to mark, not to decorate.
#[derive(Clone)]
struct Marks;

impl TextDecorator for Marks {
    type Annotation = Tag;

    fn decorate_link_start(&mut self, _: &str) -> (String, Tag) {
        (String::new(), Tag::None)
    }
    fn decorate_link_end(&mut self) -> String {
        String::new()
    }
    fn decorate_em_start(&self) -> (String, Tag) {
        (String::new(), Tag::Emphasis)
    }
    fn decorate_em_end(&self) -> String {
        String::new()
    }
    fn decorate_strong_start(&self) -> (String, Tag) {
        (String::new(), Tag::Strong)
    }
    fn decorate_strong_end(&self) -> String {
        String::new()
    }
    fn decorate_strikeout_start(&self) -> (String, Tag) {
        (String::new(), Tag::None)
    }
    fn decorate_strikeout_end(&self) -> String {
        String::new()
    }
    fn decorate_code_start(&self) -> (String, Tag) {
        (String::new(), Tag::Code)
    }
    fn decorate_code_end(&self) -> String {
        String::new()
    }
    fn decorate_preformat_first(&self) -> Tag {
        Tag::Code
    }
    fn decorate_preformat_cont(&self) -> Tag {
        Tag::Code
    }
    fn decorate_image(&mut self, src: &str, title: &str) -> (String, Tag) {
        match src.strip_prefix("cid:") {
            Some(id) => (PICTURE_MARK.to_string(), Tag::Picture(id.to_owned())),
            None if title.trim().is_empty() => (String::new(), Tag::None),
            None => (format!("[{title}]"), Tag::None),
        }
    }
    fn header_prefix(&self, level: usize) -> String {
        HEADING_MARK.to_string().repeat(level)
    }
    fn quote_prefix(&self) -> String {
        QUOTE_MARK.to_string()
    }
    fn unordered_item_prefix(&self) -> String {
        // Two columns, as many as its bytes.
        format!("{BULLET_MARK} ")
    }
    fn ordered_item_prefix(&self, number: i64) -> String {
        format!("{BULLET_MARK}{number}. ")
    }
    fn decorate_superscript_start(&self) -> (String, Tag) {
        (String::new(), Tag::None)
    }
    fn decorate_superscript_end(&self) -> String {
        String::new()
    }
    fn make_subblock_decorator(&self) -> Self {
        Self
    }
}
