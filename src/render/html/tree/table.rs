//! Tables to a grid: which cell stands in which rows and columns (CSS 2.2 §17.5, HTML standard §4.9.12).

use std::rc::Rc;

use super::super::dom::{Data, NodeId};
use super::super::style::{Align, Display, Style};
use super::super::value::Length;
use super::{Content, Node, Tree};

/// Columns of a table; further ones share the last.
const COLUMNS_MAX: usize = 100;
/// Rows that a cell may reach over.
const ROWSPAN_MAX: usize = 1000;

/// A table.
#[derive(Debug, Default)]
pub(crate) struct Table {
    pub(crate) caption: Option<Node>,
    /// What the columns say about their widths.
    pub(crate) columns: Vec<Length>,
    pub(crate) rows: Vec<Row>,
    pub(crate) cells: Vec<(Place, Node)>,
}

/// A row: what it says of itself.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) style: Rc<Style>,
}

/// Where a cell stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) column: usize,
    pub(crate) columns: usize,
    pub(crate) row: usize,
    pub(crate) rows: usize,
}

impl Tree<'_> {
    pub(super) fn table(&mut self, id: NodeId, style: &Rc<Style>) -> Table {
        let mut grid = Grid::default();
        let (mut heads, mut feet) = (Vec::new(), Vec::new());
        let mut rows = Vec::new();
        let dom = self.cascade.dom;
        for &child in &dom.node(id).children {
            let Some(part) = self.part(child, style) else { continue };
            match part.display {
                Display::Caption => {
                    let content = self.content(child, &part);
                    grid.table.caption = Some(Node::new(part, content));
                }
                Display::Column => grid.column(&part, self.span(child, "span")),
                Display::ColumnGroup => self.column_group(child, &part, &mut grid),
                Display::RowGroup => match dom.name(child) {
                    "thead" => heads.push((child, part)),
                    "tfoot" => feet.push((child, part)),
                    _ => rows.push((child, part)),
                },
                _ => rows.push((child, part)),
            }
        }
        for (id, part) in heads.into_iter().chain(rows).chain(feet) {
            match part.display {
                Display::RowGroup => self.row_group(id, &part, &mut grid),
                _ => self.row(id, &part, &mut grid),
            }
        }
        grid.finish()
    }

    /// The style of an element in a table; text between its parts is nothing.
    fn part(&self, id: NodeId, parent: &Rc<Style>) -> Option<Rc<Style>> {
        let Data::Element { .. } = self.cascade.dom.node(id).data else { return None };
        let style = self.cascade.style(id, parent);
        (!style.is_hidden()).then(|| Rc::new(style))
    }

    fn span(&self, id: NodeId, attribute: &str) -> usize {
        self.cascade.dom.attribute(id, attribute).and_then(|span| span.parse().ok()).unwrap_or(1)
    }

    fn column_group(&mut self, id: NodeId, group: &Rc<Style>, grid: &mut Grid) {
        let dom = self.cascade.dom;
        let columns: Vec<NodeId> =
            dom.node(id).children.iter().copied().filter(|&child| dom.name(child) == "col").collect();
        if columns.is_empty() {
            grid.column(group, self.span(id, "span"));
        }
        for column in columns {
            if let Some(style) = self.part(column, group) {
                grid.column(&style, self.span(column, "span"));
            }
        }
    }

    fn row_group(&mut self, id: NodeId, group: &Rc<Style>, grid: &mut Grid) {
        for &child in &self.cascade.dom.node(id).children {
            if let Some(style) = self.part(child, group) {
                self.row(child, &style, grid);
            }
        }
        grid.end_group();
    }

    fn row(&mut self, id: NodeId, style: &Rc<Style>, grid: &mut Grid) {
        if style.display != Display::Row {
            // What is no row becomes one, with a single cell.
            grid.row(style.anonymous(Display::Row));
            let name = self.cascade.dom.name(id).to_owned();
            let node = self.node(id, &name, style.clone());
            return grid.cell((1, 1), node);
        }
        grid.row(style.clone());
        for &child in &self.cascade.dom.node(id).children {
            let Some(cell) = self.part(child, style) else { continue };
            let spans = (self.span(child, "colspan"), self.span(child, "rowspan"));
            let name = self.cascade.dom.name(child).to_owned();
            let node = self.node(child, &name, cell);
            grid.cell(spans, node);
        }
    }

    /// A table of a single row, made of boxes that lie side by side.
    pub(super) fn row_of(&mut self, style: &Rc<Style>, boxes: Vec<Node>) -> Table {
        let mut grid = Grid::default();
        grid.row(style.anonymous(Display::Row));
        let last = boxes.len().saturating_sub(1);
        for (index, mut node) in boxes.into_iter().enumerate() {
            if style.flex_spread {
                let mut own = Style::clone(&node.style);
                own.inherited.align = match index {
                    0 => Align::Left,
                    _ if index == last => Align::Right,
                    _ => Align::Center,
                };
                node.style = Rc::new(own);
            }
            let cell = Style { width: node.style.width, ..Style::clone(&style.anonymous(Display::Cell)) };
            // The cell has its width already.
            node.style = Rc::new(Style { width: Length::Auto, ..Style::clone(&node.style) });
            grid.cell((1, 1), Node::new(Rc::new(cell), Content::Blocks(vec![node])));
        }
        grid.finish()
    }
}

/// A table in the making.
#[derive(Default)]
struct Grid {
    table: Table,
    /// For each column, the first row that no cell above reaches.
    free: Vec<usize>,
    column: usize,
    /// The first cell of the group of rows.
    first_cell: usize,
}

impl Grid {
    fn column(&mut self, style: &Style, span: usize) {
        let room = COLUMNS_MAX.saturating_sub(self.table.columns.len());
        self.table.columns.extend(std::iter::repeat_n(style.width, span.min(room)));
    }

    fn row(&mut self, style: Rc<Style>) {
        self.table.rows.push(Row { style });
        self.column = 0;
    }

    fn cell(&mut self, (columns, rows): (usize, usize), node: Node) {
        let row = self.table.rows.len().saturating_sub(1);
        while self.free.get(self.column).is_some_and(|free| *free > row) {
            self.column += 1;
        }
        let column = self.column.min(COLUMNS_MAX - 1);
        let columns = columns.clamp(1, COLUMNS_MAX - column);
        let rows = if rows == 0 { ROWSPAN_MAX } else { rows.min(ROWSPAN_MAX) };
        if self.free.len() < column + columns {
            self.free.resize(column + columns, 0);
        }
        self.free[column..column + columns].fill(row + rows);
        self.column = column + columns;
        self.table.cells.push((Place { column, columns, row, rows }, node));
    }

    /// No cell reaches from one group of rows into the next.
    fn end_group(&mut self) {
        let rows = self.table.rows.len();
        for free in &mut self.free {
            *free = (*free).min(rows);
        }
        for (place, _) in &mut self.table.cells[self.first_cell..] {
            place.rows = place.rows.min(rows - place.row).max(1);
        }
        self.first_cell = self.table.cells.len();
    }

    fn finish(mut self) -> Table {
        self.end_group();
        let columns = self.free.len();
        self.table.columns.resize(columns, Length::Auto);
        self.table
    }
}
