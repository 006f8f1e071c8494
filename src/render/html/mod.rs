//! HTML to pages, as the mail's reader saw it: read, styled, put into boxes, laid out, cut into pages.
//!
//! `clean` takes out what is made to break readers, `parse` builds the tree (`dom`), `rules` and `style` say what each
//! element looks like, `tree` makes boxes of it, `layout` finds their places and `paint` draws them. Nothing is fetched from
//! anywhere. Should the layout fail on a document, html2text reads it as running text (`reading`), so that nothing of a
//! mail is lost for its looks.

mod clean;
mod dom;
mod layout;
mod paint;
mod parse;
mod pictures;
mod reading;
mod rules;
mod style;
mod tree;
mod value;

use super::error::{Failure, RenderError, guard};
use super::flow::Flow;
use super::options::Limits;
use clean::{CellSpans, clean};
use dom::Dom;
use layout::Laid;
pub(super) use paint::Shown;
pub(super) use pictures::Inlines;
use pictures::Pictures;
use rules::{Rules, without_comments};
use style::Cascade;
use tree::{Content, Node, Run};

/// How elements look that nobody has styled.
const DEFAULTS: &str = include_str!("defaults.css");

/// An HTML text that was read.
#[derive(Debug)]
pub(super) struct Document {
    source: String,
    root: Option<Node>,
    seen: Seen,
}

/// What there is to be seen in a document.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Seen {
    letters: usize,
    /// Whatever is not white, letters counted.
    signs: usize,
    pictures: usize,
}

impl Seen {
    fn text(&mut self, text: &str) {
        self.letters += text.chars().filter(|c| c.is_alphanumeric()).count();
        self.signs +=
            text.chars().filter(|c| !c.is_whitespace() && !c.is_control() && *c != '\u{200b}').count();
    }
}

impl Document {
    /// Reads a text.
    pub(super) fn read(html: &str, limits: &Limits) -> Result<Self, Failure> {
        let source = clean(html, limits, CellSpans::Kept);
        let boxes = guard("HTML", || Ok(boxes(&source)));
        match boxes {
            Ok(root) => {
                let mut seen = Seen::default();
                look(&root, &mut seen);
                Ok(Self { source, root: Some(root), seen })
            }
            Err(failure) => {
                tracing::warn!(cause = ?failure.cause, "an HTML text is read without its layout");
                let seen = Seen { signs: 1, ..Seen::default() };
                Ok(Self { source, root: None, seen })
            }
        }
    }

    /// Whether there is nothing to see.
    pub(super) fn is_empty(&self) -> bool {
        self.seen.signs + self.seen.pictures == 0
    }

    /// Whether the HTML text says clearly less than the plain one beside it, or cannot be laid out.
    pub(super) fn says_less(&self, plain: &str) -> bool {
        let letters = plain.chars().filter(|c| c.is_alphanumeric()).count();
        self.root.is_none() || self.seen.letters * 4 < letters * 3
    }

    /// Draws the document where the flow has come to, with pictures of the message in their places.
    pub(super) fn draw(
        &self,
        flow: &mut Flow<'_>,
        inlines: &Inlines<'_>,
        limits: &Limits,
        shown: &mut Shown,
    ) -> Result<(), RenderError> {
        let pictures = Pictures::new(inlines, limits);
        let sheet = flow.sheet();
        let page = (sheet.text_width_pt(), sheet.text_bottom_pt() - sheet.text_top_pt());
        let laid: Option<Laid<'_>> = self.root.as_ref().and_then(|root| {
            let laid = guard("HTML", || Ok(layout::lay(root, flow.fonts(), &pictures, page)));
            laid.inspect_err(
                |failure| tracing::warn!(cause = ?failure.cause, "an HTML text cannot be laid out"),
            )
            .ok()
        });
        match laid {
            Some(laid) => paint::paint(laid, flow, &pictures, shown),
            None => reading::draw(&self.source, flow, &pictures, limits, shown),
        }
    }
}

/// The boxes of a document.
fn boxes(source: &str) -> Node {
    let dom = parse::parse(source);
    let defaults = [without_comments(DEFAULTS)];
    let sheets = sheets(&dom);
    let (defaults, rules) = (Rules::read(&defaults), Rules::read(&sheets));
    tree::build(&Cascade::new(&dom, &defaults, &rules))
}

/// The style sheets in a document.
fn sheets(dom: &Dom) -> Vec<String> {
    dom.elements("style").map(|id| without_comments(&dom.text(id))).collect()
}

/// Counts what is to be seen in a box and below it.
fn look(node: &Node, seen: &mut Seen) {
    match &node.content {
        Content::Blocks(nodes) => nodes.iter().for_each(|node| look(node, seen)),
        Content::Table(table) => {
            table.caption.iter().for_each(|caption| look(caption, seen));
            table.cells.iter().for_each(|(_, cell)| look(cell, seen));
        }
        Content::Picture(source) => {
            seen.pictures += 1;
            seen.text(&source.alt);
        }
        Content::Lines(runs) => {
            for run in runs {
                match run {
                    Run::Text(text) => seen.text(&text.text),
                    Run::Atom(node) | Run::Float(node) => look(node, seen),
                    Run::Break => {}
                }
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use fax::page::{Page, Resolution};
    use image::{GrayImage, ImageFormat, Luma};

    use super::super::kind::Picture;
    use super::super::options::Paper;
    use super::super::sheet::Sheet;
    use super::*;

    fn drawn(document: &Document, inlines: &Inlines<'_>) -> (Vec<Page>, Shown) {
        let (limits, mut shown) = (Limits::default(), Shown::new());
        let sheet = Sheet::new(Paper::A4, Resolution::R204x98);
        let pages = super::super::font::with(|fonts| {
            let mut flow = Flow::new(fonts, sheet, &limits, 0);
            document.draw(&mut flow, inlines, &limits, &mut shown).unwrap();
            flow.finish().pages
        });
        (pages, shown)
    }

    fn ink(page: &Page) -> u32 {
        page.bits().iter().map(|octet| octet.count_ones()).sum()
    }

    #[test]
    fn what_cannot_be_laid_out_is_read() {
        let mut png = std::io::Cursor::new(Vec::new());
        GrayImage::from_pixel(96, 96, Luma([0])).write_to(&mut png, ImageFormat::Png).unwrap();
        let inlines = Inlines::from([("logo", (Picture::Png, png.get_ref().as_slice()))]);
        let html = "<h1>Title</h1><ul><li>item</ul><img src=cid:logo><table border=1><tr><th>a<td>b</table>";
        let laid = Document::read(html, &Limits::default()).unwrap();
        let read = Document { root: None, ..Document::read(html, &Limits::default()).unwrap() };
        for document in [laid, read] {
            let (pages, shown) = drawn(&document, &inlines);
            assert_eq!((pages.len(), shown.get("logo")), (1, Some(&1)));
            // The picture is one inch square.
            assert!(ink(&pages[0]) > 204 * 98 + 500);
        }
    }

    #[test]
    fn what_there_is_to_see_is_counted() {
        let read = |html: &str| Document::read(html, &Limits::default()).unwrap();
        for empty in
            ["", "<p> &nbsp; <br>", "<hr>", "<p style='display:none'>x", "<img src='http://x/y.gif'>"]
        {
            assert!(read(empty).is_empty(), "{empty}");
        }
        for seen in ["?", "<img src=cid:x>", "<img src='http://x/y.gif' alt=Logo>"] {
            assert!(!read(seen).is_empty(), "{seen}");
        }
        assert!(read("<p>four").says_less("four and more"));
        assert!(!read("<p>four and mo").says_less("four and more"));
    }
}
