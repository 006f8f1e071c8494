//! A document as boxes: what stands below what, what flows in lines, and which tables there are (CSS 2.2 §9.2).

mod flex;
mod list;
mod runs;
mod table;

use std::cell::Cell;
use std::rc::Rc;

use base64::Engine;

use super::super::kind::{self, Kind as FileKind, Picture};
use super::dom::{Data, NodeId};
use super::style::{Cascade, Display, Style};
pub(super) use list::Marker;
use runs::Sink;
pub(super) use table::{Place, Table};

/// A box.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) style: Rc<Style>,
    pub(super) content: Content,
    /// What stands before it, where it is an item of a list.
    pub(super) marker: Option<Marker>,
    /// How narrow and how wide it can be, once that was measured.
    pub(super) widths: Cell<Option<Widths>>,
}

/// What a box holds.
#[derive(Debug)]
pub(super) enum Content {
    /// Boxes, one below the other.
    Blocks(Vec<Node>),
    /// Text and what stands in its lines.
    Lines(Vec<Run>),
    Table(Box<Table>),
    Picture(Source),
}

/// A piece of a line.
#[derive(Debug)]
pub(super) enum Run {
    Text(Text),
    /// A forced end.
    Break,
    /// A box that stands in the line like a letter.
    Atom(Node),
    /// A box at the side, from this line on.
    Float(Node),
}

/// Letters that look alike.
#[derive(Clone, Debug)]
pub(super) struct Text {
    pub(super) text: String,
    pub(super) style: Rc<Style>,
    /// It belongs to a link.
    linked: bool,
    /// It is the address of a link, which is there for paper alone.
    address: bool,
}

/// A picture, and what is said in its place.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) from: From,
    pub(super) alt: String,
}

/// Where a picture comes from.
#[derive(Debug)]
pub(super) enum From {
    /// A part of the message, by its Content-ID.
    Part(String),
    /// It stands in the text itself.
    Data(Picture, Vec<u8>),
    /// It would have to be fetched.
    Elsewhere,
}

/// The least and the most width that a box can use, in points, its margins counted.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Widths {
    pub(super) least: f32,
    pub(super) most: f32,
}

impl Node {
    /// The tone of the first letters that stand on its ground; nothing where there are none.
    pub(super) fn letters_tone(&self) -> Option<u8> {
        let within = |node: &Self| if node.style.background.is_some() { None } else { node.letters_tone() };
        match &self.content {
            Content::Blocks(nodes) => nodes.iter().find_map(within),
            Content::Table(table) => table.cells.iter().find_map(|(_, cell)| within(cell)),
            Content::Picture(_) => None,
            Content::Lines(runs) => runs.iter().find_map(|run| match run {
                Run::Text(text) if text.style.background.is_some() || text.text.trim().is_empty() => None,
                Run::Text(text) => Some(text.style.inherited.tone),
                Run::Atom(node) | Run::Float(node) => within(node),
                Run::Break => None,
            }),
        }
    }

    fn new(style: Rc<Style>, content: Content) -> Self {
        Self { style, content, marker: None, widths: Cell::new(None) }
    }
}

/// Longer web addresses nobody types from paper; most of them only count who reads.
const URL_CHARS_MAX: usize = 60;
/// A picture this small, in points, only counts who reads the mail.
const TRACKING_PT_MAX: f32 = 1.6;
/// A run of text with a ground and this much white at its side is a button, which is a box.
const BUTTON_PADDING_PT: f32 = 2.0;

/// The boxes of a document.
pub(super) fn build(cascade: &Cascade<'_>) -> Node {
    let root = Style { display: Display::Block, ..Style::within(&super::style::Inherited::default()) };
    let mut tree = Tree { cascade, lists: Vec::new() };
    let root = Rc::new(root);
    let content = tree.content(0, &root);
    Node::new(root, content)
}

struct Tree<'t> {
    cascade: &'t Cascade<'t>,
    /// The lists that are open, and the number of the last item of each.
    lists: Vec<i32>,
}

impl Tree<'_> {
    /// What an element holds, as boxes.
    fn content(&mut self, id: NodeId, style: &Rc<Style>) -> Content {
        let mut sink = Sink::new(style);
        self.children(id, style, false, &mut sink);
        sink.finish()
    }

    fn children(&mut self, id: NodeId, style: &Rc<Style>, linked: bool, sink: &mut Sink) {
        let dom = self.cascade.dom;
        for &child in &dom.node(id).children {
            match &dom.node(child).data {
                Data::Nothing => {}
                Data::Text(text) => sink.text(text, style, linked),
                Data::Element { name, .. } => self.element(child, name, style, linked, sink),
            }
        }
    }

    fn element(&mut self, id: NodeId, name: &str, parent: &Rc<Style>, linked: bool, sink: &mut Sink) {
        let style = self.cascade.style(id, parent);
        if style.is_hidden() {
            return;
        }
        let style = Rc::new(style);
        match name {
            "br" => return sink.line_break(),
            "wbr" => return sink.text("\u{200b}", &style, linked),
            "img" => return self.picture(id, style, sink),
            "input" => return self.input(id, &style, sink),
            "svg" | "select" => return,
            _ => {}
        }
        let is_button = style.background.is_some() || style.border.iter().any(|border| border.drawn);
        let is_wide = style.insets_x_pt(0.0) > BUTTON_PADDING_PT;
        match style.display {
            Display::Inline if style.float.is_none() && !(is_button && is_wide) => {
                self.inline(id, name, &style, linked, sink);
            }
            display => {
                let style = match display {
                    Display::Inline if style.float.is_none() => {
                        Rc::new(Style { display: Display::InlineBlock, ..Style::clone(&style) })
                    }
                    _ => style,
                };
                let node = self.node(id, name, style);
                sink.node(node);
            }
        }
    }

    fn inline(&mut self, id: NodeId, name: &str, style: &Rc<Style>, linked: bool, sink: &mut Sink) {
        let dom = self.cascade.dom;
        let href = if name == "a" { dom.attribute(id, "href") } else { None };
        if name == "q" {
            sink.text("“", style, linked);
        }
        self.children(id, style, linked || href.is_some(), sink);
        if name == "q" {
            sink.text("”", style, linked);
        }
        if let Some(address) = href.and_then(|url| address_on_paper(url, &dom.text(id))) {
            sink.address(address, style);
        }
    }

    /// A box of its own.
    fn node(&mut self, id: NodeId, name: &str, style: Rc<Style>) -> Node {
        let is_list = matches!(name, "ol" | "ul" | "menu" | "dir");
        if is_list {
            let start = self.cascade.dom.attribute(id, "start").and_then(|start| start.parse::<i32>().ok());
            self.lists.push(start.unwrap_or(1).saturating_sub(1));
        }
        let marker = (style.display == Display::ListItem).then(|| self.marker(id, &style)).flatten();
        let content = match style.display {
            Display::Table | Display::InlineTable => Content::Table(Box::new(self.table(id, &style))),
            Display::Flex if !style.flex_column => self.flex(id, &style),
            _ => self.content(id, &style),
        };
        if is_list {
            self.lists.pop();
        }
        Node { marker, ..Node::new(style, content) }
    }

    fn picture(&self, id: NodeId, style: Rc<Style>, sink: &mut Sink) {
        let dom = self.cascade.dom;
        let is_tiny = |length: super::value::Length| length.fixed().is_some_and(|pt| pt <= TRACKING_PT_MAX);
        if is_tiny(style.width) || is_tiny(style.height) || !style.inherited.visible {
            return;
        }
        let alt = dom.attribute(id, "alt").or_else(|| dom.attribute(id, "title")).unwrap_or_default();
        let alt = alt.split_whitespace().collect::<Vec<_>>().join(" ");
        let from = source(dom.attribute(id, "src").unwrap_or_default());
        if matches!(from, From::Elsewhere) && alt.is_empty() {
            return;
        }
        sink.node(Node::new(style, Content::Picture(Source { from, alt })));
    }

    /// A field of a form, as what stands in it.
    fn input(&self, id: NodeId, style: &Rc<Style>, sink: &mut Sink) {
        let dom = self.cascade.dom;
        let checked = dom.attribute(id, "checked").is_some();
        let text = match dom.attribute(id, "type").unwrap_or("text").to_ascii_lowercase().as_str() {
            "hidden" | "image" | "password" | "file" => return,
            "checkbox" | "radio" => if checked { "☑" } else { "☐" }.to_owned(),
            _ => dom.attribute(id, "value").unwrap_or_default().to_owned(),
        };
        sink.text(&text, style, false);
    }
}

fn source(src: &str) -> From {
    if let Some(id) = src.strip_prefix("cid:").or_else(|| src.strip_prefix("CID:")) {
        return From::Part(percent_decoded(id));
    }
    let data = src.strip_prefix("data:").and_then(|data| data.split_once(";base64,"));
    let Some((media_type, text)) = data else { return From::Elsewhere };
    let text: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    let bytes = base64::engine::general_purpose::STANDARD.decode(text).unwrap_or_default();
    match kind::of(media_type, "", &bytes) {
        Ok(FileKind::Picture(picture)) => From::Data(picture, bytes),
        _ => From::Elsewhere,
    }
}

/// RFC 2392 §2: a Content-ID in an address is percent-encoded.
fn percent_decoded(id: &str) -> String {
    let mut parts = id.split('%');
    let mut bytes: Vec<u8> = parts.next().unwrap_or_default().into();
    for part in parts {
        let octet = part.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match octet {
            Some(octet) => {
                bytes.push(octet);
                bytes.extend(&part.as_bytes()[2..]);
            }
            None => {
                bytes.push(b'%');
                bytes.extend(part.as_bytes());
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// A web address that a person could type, where the text does not show it already.
pub(super) fn address_on_paper(url: &str, text: &str) -> Option<String> {
    let web = url.starts_with("https://") || url.starts_with("http://");
    let (_, address) = url.split_once("://")?;
    let shown = text.contains(address.trim_end_matches('/'));
    let short = url.chars().count() <= URL_CHARS_MAX && !url.contains('?');
    let wanted = web && short && !shown && !text.trim().is_empty();
    wanted.then(|| format!(" ({url})"))
}

/// Whether a style makes a box that stands in a line.
fn is_in_line(style: &Style) -> bool {
    style.float.is_none()
        && matches!(style.display, Display::Inline | Display::InlineBlock | Display::InlineTable)
}
