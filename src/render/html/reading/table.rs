//! Tables of data: which tables are such, and how they are drawn, in a monospaced font with lines.

use html2text::{Element, Handle, RcDom};

use super::super::super::error::Failure;
use super::super::super::flow::{Look, MONO_PT, Paragraph, Span};
use super::super::super::text::printable;
use super::marks::{TABLE_MARK, Tag, unmarked};
use super::{Layout, Line, Piece, UNBROKEN_COLUMNS, damaged, lines, plain_config};

/// Columns of a table in the monospaced font, and at which size they fill the line.
const TABLE_SIZES: [(usize, f32); 2] = [(82, MONO_PT), (103, 8.0)];

/// Columns that a cell gets at least where there is room: most words.
const CELL_COLUMNS_MIN: usize = 10;

/// Tables of data, taken out of a document to be drawn apart.
pub(super) struct Tables(Vec<RcDom>);

impl Tables {
    /// Leaves a mark where each table stood.
    pub(super) fn take_from(dom: &RcDom) -> Result<Self, Failure> {
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

    pub(super) fn draw(&self, index: usize, pieces: &mut Vec<Piece>) -> Result<(), Failure> {
        let Some(dom) = self.0.get(index) else {
            return Ok(());
        };
        let natural = lines(dom, UNBROKEN_COLUMNS, Layout::Drawn { cell_columns_min: 1 })?;
        let columns = natural.iter().map(|line| line.text().chars().count()).max().unwrap_or(0);
        let fitting = TABLE_SIZES.iter().find(|(room, _)| columns <= *room);
        let (room, size_pt) = fitting.or(TABLE_SIZES.last()).copied().unwrap_or((columns, MONO_PT));
        let drawn = if columns <= room { natural } else { roomy(dom, room)? };
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

/// A table broken to so many columns, with no word cut where that can be had.
fn roomy(dom: &RcDom, room: usize) -> Result<Vec<Line>, Failure> {
    let drawn = lines(dom, room, Layout::Drawn { cell_columns_min: CELL_COLUMNS_MIN })?;
    let fits = drawn.iter().all(|line| line.text().chars().count() <= room);
    if fits { Ok(drawn) } else { lines(dom, room, Layout::Drawn { cell_columns_min: 1 }) }
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
