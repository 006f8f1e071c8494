//! Tables: how wide the columns are, how high the rows, and where each cell stands (CSS 2.2 §17.5, CSS Tables 3 §4).

use super::super::style::{BOTTOM, Display, LEFT, RIGHT, Style, TOP, VerticalAlign};
use super::super::tree::{Content, Node, Place, Table, Widths};
use super::super::value::Length;
use super::{Inner, Layout, Mark};

/// What is known of a column.
#[derive(Clone, Copy, Debug, Default)]
struct Column {
    least: f32,
    most: f32,
    asked: Length,
}

/// A cell in the making.
struct Cell<'t> {
    place: Place,
    node: &'t Node,
    /// What was laid of it, from and to.
    since: usize,
    until: usize,
    ground: Option<usize>,
    height: f32,
}

impl<'t> Layout<'t, '_> {
    pub(super) fn table_widths(&mut self, table: &'t Table, style: &'t Style) -> Widths {
        let columns = self.columns(table);
        let gaps = gaps(style, columns.len());
        let sum = |of: fn(&Column) -> f32| columns.iter().map(of).sum::<f32>() + gaps;
        let caption = table.caption.as_ref().map_or(0.0, |caption| self.widths(caption).least);
        let least = sum(|column| column.least).max(caption);
        let most = sum(|column| column.asked.fixed().unwrap_or(column.most).max(column.least));
        // Parts of the whole stretch the whole until each part has room (CSS 2.2 §17.5.2.2).
        let stretched = columns.iter().map(|column| match column.asked {
            Length::Part(part) if part > 0.01 => column.most / part.min(1.0),
            _ => 0.0,
        });
        let most = stretched.fold(most, f32::max).min(self.page.0.max(most));
        Widths { least, most: most.max(least) }
    }

    /// The columns with what their cells need.
    fn columns(&mut self, table: &'t Table) -> Vec<Column> {
        let mut columns: Vec<Column> =
            table.columns.iter().map(|&asked| Column { asked, ..Column::default() }).collect();
        for (place, node) in table.cells.iter().filter(|(place, _)| place.columns == 1) {
            let widths = self.cell_widths(node);
            let Some(column) = columns.get_mut(place.column) else { continue };
            column.least = column.least.max(widths.least);
            column.most = column.most.max(widths.most);
            column.asked = wider(column.asked, asked(&node.style));
        }
        for (place, node) in table.cells.iter().filter(|(place, _)| place.columns > 1) {
            let widths = self.cell_widths(node);
            let end = (place.column + place.columns).min(columns.len());
            spread(&mut columns[place.column.min(end)..end], widths, asked(&node.style));
        }
        columns
    }

    /// A cell's widths with its borders; one whose width is a part of the table's is as wide as what it holds.
    fn cell_widths(&mut self, node: &'t Node) -> Widths {
        let widths = self.widths(node);
        match node.style.width {
            // What is asked for is not the least: words alone are.
            Length::Pt(_) => Widths { least: self.least_of(node), most: widths.most },
            _ => widths,
        }
    }

    fn least_of(&mut self, node: &'t Node) -> f32 {
        let inner = match &node.content {
            Content::Lines(runs) => self.line_widths(runs, &node.style).least,
            Content::Blocks(nodes) => nodes.iter().map(|node| self.widths(node).least).fold(0.0, f32::max),
            _ => 0.0,
        };
        inner + node.style.insets_x_pt(0.0)
    }

    /// Lays a table into a width; its own borders are drawn already.
    pub(super) fn table(
        &mut self,
        table: &'t Table,
        style: &'t Style,
        (x, y): (f32, f32),
        width: f32,
    ) -> Inner {
        if table.rows.is_empty() {
            return Inner::default();
        }
        let columns = self.columns(table);
        let gap = gap(style);
        let widths = fitted(&columns, width - gaps(style, columns.len()), style.width != Length::Auto);
        let lefts = edges(x, &widths, gap);
        let grounds = self.row_grounds(table, (x, width));
        let mut cells: Vec<Cell<'t>> =
            table.cells.iter().map(|(place, node)| self.cell(*place, node, &lefts, gap)).collect();
        let heights = self.row_heights(table, &cells, gap);
        let tops = edges(y, &heights, gap);
        let mut first_base = None;
        for cell in &mut cells {
            let base = self.settle(cell, table, style, (&lefts, &tops), gap);
            first_base = first_base.or(base);
        }
        for (row, ground) in grounds.into_iter().enumerate() {
            if let Some(ground) = ground {
                let fragment = &mut self.out[ground];
                (fragment.y, fragment.height) = (tops[row], heights[row]);
                fragment.unit = (tops[row], tops[row]);
            }
        }
        let bottom = tops.last().copied().unwrap_or(y);
        Inner { height: bottom - y, first_base: first_base.map(|base| base - y), last_base: Some(bottom - y) }
    }

    fn row_grounds(&mut self, table: &'t Table, (x, width): (f32, f32)) -> Vec<Option<usize>> {
        let mut tones = vec![None; table.rows.len()];
        for (place, cell) in table.cells.iter().filter(|(_, cell)| cell.style.background.is_none()) {
            tones[place.row] = tones[place.row].or_else(|| cell.letters_tone());
        }
        let rows = table.rows.iter().zip(tones);
        rows.map(|(row, tone)| self.ground(&row.style, tone, (x, 0.0), width)).collect()
    }

    /// A cell, laid as if its table began at the top.
    fn cell(&mut self, place: Place, node: &'t Node, lefts: &[f32], gap: f32) -> Cell<'t> {
        let (left, width) = across(place, lefts, gap);
        let style = &*node.style;
        let since = self.out.len();
        let ground = self.ground(style, node.letters_tone(), (left, 0.0), width);
        let (inset_left, inset_top) = (style.inset_pt(LEFT, width), style.inset_pt(TOP, width));
        let inner_width = (width - style.insets_x_pt(width)).max(1.0);
        let inner = self.formatting_context(node, left + inset_left, inset_top, inner_width);
        // A height on a cell is that of its box, as all browsers have it.
        let insets = inset_top + style.inset_pt(BOTTOM, width);
        let height = (inner + insets).max(self.least_height(style, 0.0, 0.0));
        Cell { place, node, since, until: self.out.len(), ground, height }
    }

    fn row_heights(&self, table: &Table, cells: &[Cell<'_>], gap: f32) -> Vec<f32> {
        let mut heights: Vec<f32> =
            table.rows.iter().map(|row| self.least_height(&row.style, 0.0, 0.0)).collect();
        for cell in cells.iter().filter(|cell| cell.place.rows == 1) {
            if let Some(height) = heights.get_mut(cell.place.row) {
                *height = height.max(cell.height);
            }
        }
        for cell in cells.iter().filter(|cell| cell.place.rows > 1) {
            let end = (cell.place.row + cell.place.rows).min(heights.len());
            let rows = &mut heights[cell.place.row.min(end)..end];
            let there = rows.iter().sum::<f32>() + gap * rows.len().saturating_sub(1) as f32;
            if let Some(last) = rows.last_mut() {
                *last += (cell.height - there).max(0.0);
            }
        }
        heights
    }

    /// Moves a cell's content down to its row, and draws its ground and borders; the base line of its first text.
    fn settle(
        &mut self,
        cell: &mut Cell<'t>,
        table: &'t Table,
        style: &Style,
        (lefts, tops): (&[f32], &[f32]),
        gap: f32,
    ) -> Option<f32> {
        let place = cell.place;
        let (left, width) = across(place, lefts, gap);
        let end = (place.row + place.rows).min(tops.len() - 1);
        let top = tops[place.row];
        let height = (tops[end] - gap - top).max(0.0);
        let free = (height - cell.height).max(0.0);
        let row_align =
            table.rows.get(place.row).map_or(VerticalAlign::Baseline, |row| row.style.vertical_align);
        let align = match cell.node.style.vertical_align {
            VerticalAlign::Baseline => row_align,
            own => own,
        };
        let down = match align {
            VerticalAlign::Top => 0.0,
            VerticalAlign::Bottom => free,
            _ => free / 2.0,
        };
        for fragment in &mut self.out[cell.since..cell.until] {
            fragment.shift(0.0, top + down);
        }
        if let Some(ground) = cell.ground.and_then(|ground| self.out.get_mut(ground)) {
            (ground.y, ground.height) = (top, height);
            ground.unit = (top, top);
        }
        if height <= self.page.1 / 4.0 {
            for fragment in &mut self.out[cell.since..cell.until] {
                fragment.unit = (fragment.unit.0.min(top), fragment.unit.1.max(top + height));
            }
        }
        self.cell_borders(cell.node, style, ((left, top), (width, height)));
        self.out[cell.since..cell.until].iter().find_map(|fragment| match &fragment.mark {
            Mark::Letters(letters) => letters.first().map(|letter| letter.y),
            _ => None,
        })
    }

    /// Where borders collapse they stand on the lines between cells, so that neighbours draw the same line.
    fn cell_borders(&mut self, node: &'t Node, table: &Style, (at, size): ((f32, f32), (f32, f32))) {
        let style = &*node.style;
        if !table.inherited.collapse {
            return self.borders(style, at, size);
        }
        let half = |edge: usize| style.border_pt(edge) / 2.0;
        let at = (at.0 - half(LEFT), at.1 - half(TOP));
        let size = (size.0 + half(LEFT) + half(RIGHT), size.1 + half(TOP) + half(BOTTOM));
        self.borders(style, at, size);
    }
}

/// What a cell asks for, its borders counted.
fn asked(style: &Style) -> Length {
    match style.width {
        Length::Pt(width) if !style.border_box => Length::Pt(width + style.insets_x_pt(0.0)),
        width => width,
    }
}

/// White between cells.
fn gap(style: &Style) -> f32 {
    if style.inherited.collapse || style.display == Display::Block {
        0.0
    } else {
        style.inherited.border_spacing
    }
}

fn gaps(style: &Style, columns: usize) -> f32 {
    gap(style) * (columns + 1) as f32
}

/// Where each column begins and, last, where the next would.
fn edges(from: f32, sizes: &[f32], gap: f32) -> Vec<f32> {
    let mut at = from + gap;
    let mut edges = vec![at];
    for size in sizes {
        at += size + gap;
        edges.push(at);
    }
    edges
}

/// A cell's left edge and its width.
fn across(place: Place, lefts: &[f32], gap: f32) -> (f32, f32) {
    let last = lefts.len() - 1;
    let left = lefts[place.column.min(last)];
    let right = lefts[(place.column + place.columns).min(last)] - gap;
    (left, (right - left).max(1.0))
}

/// What two cells of one column ask for together.
fn wider(a: Length, b: Length) -> Length {
    match (a, b) {
        (Length::Part(a), Length::Part(b)) => Length::Part(a.max(b)),
        (Length::Part(part), _) | (_, Length::Part(part)) => Length::Part(part),
        (Length::Pt(a), Length::Pt(b)) => Length::Pt(a.max(b)),
        (Length::Pt(pt), Length::Auto) | (Length::Auto, Length::Pt(pt)) => Length::Pt(pt),
        (Length::Auto, Length::Auto) => Length::Auto,
    }
}

/// Gives the columns under a cell what it needs more than they have.
fn spread(columns: &mut [Column], widths: Widths, asked: Length) {
    let count = columns.len().max(1) as f32;
    let sums = columns.iter().fold((0.0, 0.0), |sum, column| (sum.0 + column.least, sum.1 + column.most));
    let (least_more, most_more) = ((widths.least - sums.0).max(0.0), (widths.most - sums.1).max(0.0));
    for column in columns.iter_mut() {
        let share = if sums.1 > 0.0 { column.most / sums.1 } else { 1.0 / count };
        column.least += least_more * share;
        column.most += most_more * share;
        column.most = column.most.max(column.least);
    }
    if let [column] = columns {
        column.asked = wider(column.asked, asked);
    }
}

/// The widths of columns that fill `room`, or, where the table need not, that are as wide as they can be.
fn fitted(columns: &[Column], room: f32, fills: bool) -> Vec<f32> {
    let wanted = |column: &Column| match column.asked {
        Length::Auto => column.most.max(column.least),
        Length::Pt(pt) => pt.max(column.least),
        Length::Part(part) => (part * room).max(column.least),
    };
    let least: f32 = columns.iter().map(|column| column.least).sum();
    let most: f32 = columns.iter().map(wanted).sum();
    if least >= room {
        // Not even words fit: each column gives way in its proportion, and words are broken.
        return columns.iter().map(|column| column.least * room / least.max(0.01)).collect();
    }
    if most > room {
        let share = (room - least) / (most - least).max(0.01);
        return columns.iter().map(|column| column.least + (wanted(column) - column.least) * share).collect();
    }
    if !fills {
        return columns.iter().map(wanted).collect();
    }
    filled(columns, room - most, wanted)
}

/// Gives what is left to the columns that ask for nothing, else to those that ask for parts, else to all.
fn filled(columns: &[Column], left: f32, wanted: impl Fn(&Column) -> f32) -> Vec<f32> {
    let any = |kind: fn(&Length) -> bool| columns.iter().any(|column| kind(&column.asked));
    let takes: fn(&Length) -> bool = if any(|asked| *asked == Length::Auto) {
        |asked| *asked == Length::Auto
    } else if any(|asked| matches!(asked, Length::Part(_))) {
        |asked| matches!(asked, Length::Part(_))
    } else {
        |_| true
    };
    let weight = |column: &Column| if takes(&column.asked) { wanted(column).max(1.0) } else { 0.0 };
    let all: f32 = columns.iter().map(weight).sum();
    columns.iter().map(|column| wanted(column) + left * weight(column) / all.max(0.01)).collect()
}
