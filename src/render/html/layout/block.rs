//! Blocks: boxes one below the other, with their margins, borders and grounds (CSS 2.2 §8, §9.4.1, §10.3.3).

use super::super::style::{Align, BOTTOM, Display, LEFT, RIGHT, Style, TOP};
use super::super::tree::{Content, Node};
use super::super::value::Length;
use super::{Floats, Inner, Layout, Mark};

/// Borders lighter than this are not drawn.
const BORDER_TONE_MAX: u8 = 246;

impl<'t> Layout<'t, '_> {
    /// Lays what a box holds, without its own borders.
    pub(super) fn content(
        &mut self,
        node: &'t Node,
        (x, y): (f32, f32),
        width: f32,
        floats: &mut Floats,
    ) -> Inner {
        match &node.content {
            Content::Lines(runs) => self.lines(runs, &node.style, (x, y), width, floats),
            Content::Blocks(nodes) => self.blocks(nodes, &node.style, (x, y), width, floats),
            Content::Table(table) => self.table(table, &node.style, (x, y), width),
            Content::Picture(source) => {
                let (width, height) = self.picture_size(source, &node.style, width);
                self.push((x, y), (width, height), Mark::Picture(source));
                Inner { height, first_base: Some(height), last_base: Some(height) }
            }
        }
    }

    /// Boxes one below the other.
    fn blocks(
        &mut self,
        nodes: &'t [Node],
        parent: &Style,
        (x, y): (f32, f32),
        width: f32,
        floats: &mut Floats,
    ) -> Inner {
        let mut stack = Stack { cursor: y, gap: 0.0, at_top: is_open(parent, TOP), heading: None };
        let mut inner = Inner::default();
        for node in nodes {
            if node.style.float.is_some() {
                self.float(node, (x, stack.cursor + stack.gap), width, floats);
                continue;
            }
            let top = stack.enter(node, floats);
            let since = self.out.len();
            if node.style.break_before && top > y {
                self.push((x, top), (0.0, 0.0), Mark::PageEnd);
            }
            let (top, left, room) = self.beside(node, (x, top), width, floats);
            let placed = self.block(node, (left, top), room, parent.inherited.align, floats);
            self.follow(&mut stack, node, since);
            inner.first_base = inner.first_base.or(placed.first_base.map(|base| base + top - y));
            inner.last_base = placed.last_base.map(|base| base + top - y).or(inner.last_base);
            stack.leave(node, top, placed.height);
            if node.style.break_after {
                self.push((x, stack.cursor), (0.0, 0.0), Mark::PageEnd);
            }
        }
        let below = if is_open(parent, BOTTOM) { 0.0 } else { stack.gap.max(0.0) };
        inner.height = (stack.cursor + below - y).max(0.0);
        inner
    }

    /// Where a box stands that must not reach under what floats: a table, or what clips.
    fn beside(&mut self, node: &'t Node, (x, y): (f32, f32), width: f32, floats: &Floats) -> (f32, f32, f32) {
        let stands_apart = node.style.clips || matches!(node.content, Content::Table(_));
        if !stands_apart || floats.is_clear(y) {
            return (y, x, width);
        }
        let least = self.widths(node).least;
        let (y, left, right) = floats.place(y, (x, x + width), least);
        (y, left, right - left)
    }

    /// A heading and the first line after it stay on one page.
    fn follow(&mut self, stack: &mut Stack, node: &Node, since: usize) {
        let first = self.out[since..].iter().find(|f| matches!(f.mark, Mark::Letters(_) | Mark::Picture(_)));
        let Some(first) = first.map(|fragment| fragment.unit) else { return };
        if let Some((from, to)) = stack.heading.take() {
            let top = self.out[from..to].iter().map(|fragment| fragment.unit.0).fold(first.0, f32::min);
            for fragment in &mut self.out[from..to] {
                fragment.unit = (top, first.1);
            }
            let letters = self.out[since..].iter_mut().filter(|fragment| fragment.unit == first);
            letters.for_each(|fragment| fragment.unit.0 = top);
        }
        if node.style.keep_with_next {
            stack.heading = Some((since, self.out.len()));
        }
    }

    /// A box with its borders; `y` is below its margin.
    pub(super) fn block(
        &mut self,
        node: &'t Node,
        (x, y): (f32, f32),
        room: f32,
        parent_align: Align,
        floats: &mut Floats,
    ) -> Inner {
        let style = &*node.style;
        let width = self.border_box_width(node, room);
        let x = x + indent(style, room, width, parent_align);
        self.boxed(node, (x, y), (width, room), floats)
    }

    /// A box whose left edge and width are known; `room` is what its paddings are measured by.
    fn boxed(
        &mut self,
        node: &'t Node,
        (x, above): (f32, f32),
        (width, room): (f32, f32),
        floats: &mut Floats,
    ) -> Inner {
        let style = &*node.style;
        let y = above + self.caption(node, (x, above), width);
        let since = self.out.len();
        let ground = self.ground(style, node.letters_tone(), (x, y), width);
        let (left, top) = (style.inset_pt(LEFT, room), style.inset_pt(TOP, room));
        let inner_width = (width - style.insets_x_pt(room)).max(1.0);
        let is_table = matches!(node.content, Content::Table(_));
        let inner = if style.clips || is_table {
            let mut own = Floats::default();
            let inner = self.content(node, (x + left, y + top), inner_width, &mut own);
            Inner { height: inner.height.max(own.bottom() - y - top), ..inner }
        } else {
            self.content(node, (x + left, y + top), inner_width, floats)
        };
        if let Some(marker) = &node.marker {
            self.marker(marker, style, (x + left, y + top), inner.first_base);
        }
        let height = self.least_height(style, inner.height, top + style.inset_pt(BOTTOM, room));
        if let Some(ground) = ground {
            self.out[ground].height = height;
            self.out[ground].unit = (y, y);
        }
        self.borders(style, (x, y), (width, height));
        if style.keep_whole {
            self.keep_together(since, y, y + height);
        }
        let shifted = |base: f32| base + top + y - above;
        Inner {
            height: height + y - above,
            first_base: inner.first_base.map(shifted),
            last_base: inner.last_base.map(shifted),
        }
    }

    /// The caption of a table stands above its borders.
    fn caption(&mut self, node: &'t Node, at: (f32, f32), width: f32) -> f32 {
        match &node.content {
            Content::Table(table) => table.caption.as_ref().map_or(0.0, |caption| {
                self.block(caption, at, width, Align::Center, &mut Floats::default()).height
            }),
            _ => 0.0,
        }
    }

    /// The height of a box with its borders: what it holds, or what `height` asks for, within a page. What is more than that
    /// stays in sight, whatever the style says.
    pub(super) fn least_height(&self, style: &Style, inner: f32, insets: f32) -> f32 {
        let asked =
            [style.height, style.min_height].into_iter().filter_map(Length::fixed).fold(0.0, f32::max);
        let capped = style.max_height.fixed().map_or(asked, |max| asked.min(max)).min(self.page.1);
        (inner + insets).max(if style.border_box { capped } else { capped + insets })
    }

    /// How wide a box is with its borders, where so much is there for it and its margins.
    pub(super) fn border_box_width(&mut self, node: &'t Node, room: f32) -> f32 {
        let style = &*node.style;
        let margins = style.margin_pt(LEFT, room) + style.margin_pt(RIGHT, room);
        let available = (room - margins).max(1.0);
        let insets = style.insets_x_pt(room);
        let outer = |length: Length| {
            let inner = length.of(room)?;
            Some(if style.border_box || matches!(node.content, Content::Table(_)) {
                inner
            } else {
                inner + insets
            })
        };
        let width = match outer(style.width) {
            Some(width) => width,
            None if shrinks(node) => {
                let widths = self.widths(node);
                (available + margins).clamp(widths.least.min(room), widths.most.max(widths.least)) - margins
            }
            None => available,
        };
        let width = outer(style.max_width).map_or(width, |max| width.min(max));
        let width = outer(style.min_width).map_or(width, |min| width.max(min));
        width.max(insets).min(available)
    }

    /// A box at the side, at this height or below what is there already.
    pub(super) fn float(&mut self, node: &'t Node, (x, y): (f32, f32), width: f32, floats: &mut Floats) {
        let style = &*node.style;
        let is_right = style.float == Some(true);
        let margins = style.margin_pt(LEFT, width) + style.margin_pt(RIGHT, width);
        let own = self.border_box_width(node, width) + margins;
        let y = floats.cleared(y, style.clear).max(floats.highest());
        let (y, left, right) = floats.place(y, (x, x + width), own);
        let left = if is_right { right - own } else { left };
        let top = y + style.margin_pt(TOP, width).max(0.0);
        let at = (left + style.margin_pt(LEFT, width), top);
        let placed = self.boxed(node, at, (own - margins, width), &mut Floats::default());
        let bottom = top + placed.height + style.margin_pt(BOTTOM, width);
        floats.add(is_right, (left, y), (own, bottom - y));
    }

    /// The ground of a box whose height is not known yet.
    pub(super) fn ground(
        &mut self,
        style: &Style,
        letters: Option<u8>,
        at: (f32, f32),
        width: f32,
    ) -> Option<usize> {
        let tone = style.background.filter(|_| style.inherited.visible)?;
        let under_light = letters.is_some_and(|letters| letters > tone);
        Some(self.push(at, (width, 0.0), Mark::Ground { tone, under_light }))
    }

    pub(super) fn borders(&mut self, style: &Style, (x, y): (f32, f32), (width, height): (f32, f32)) {
        for edge in [TOP, RIGHT, BOTTOM, LEFT] {
            let thick = style.border_pt(edge);
            let tone = style.border[edge].tone;
            if thick <= 0.0 || tone > BORDER_TONE_MAX || !style.inherited.visible {
                continue;
            }
            let (at, size) = match edge {
                TOP => ((x, y), (width, thick)),
                RIGHT => ((x + width - thick, y), (thick, height)),
                BOTTOM => ((x, y + height - thick), (width, thick)),
                _ => ((x, y), (thick, height)),
            };
            let line = self.push(at, size, Mark::Line { tone });
            if matches!(edge, LEFT | RIGHT) {
                // A page may end anywhere beside it.
                self.out[line].unit = (y, y);
            }
        }
    }
}

/// The place of boxes that follow each other.
struct Stack {
    cursor: f32,
    /// The margin below the last box, which is one with that above the next.
    gap: f32,
    /// Nothing stands yet, and the margin of the first box is that of its parent.
    at_top: bool,
    /// What was laid of a heading that the next box belongs to.
    heading: Option<(usize, usize)>,
}

impl Stack {
    /// Where the next box begins, below its margin.
    fn enter(&mut self, node: &Node, floats: &Floats) -> f32 {
        let margin = outer_margin(node, TOP);
        let gap = if self.at_top { 0.0 } else { joined(self.gap, margin) };
        floats.cleared(self.cursor + gap, node.style.clear)
    }

    fn leave(&mut self, node: &Node, top: f32, height: f32) {
        let margin = outer_margin(node, BOTTOM);
        if height <= 0.0 {
            // Its margins are one with those around it.
            self.gap =
                if self.at_top { 0.0 } else { joined(joined(self.gap, outer_margin(node, TOP)), margin) };
            return;
        }
        self.cursor = top + height;
        self.gap = margin;
        self.at_top = false;
    }
}

/// Two margins that meet (CSS 2.2 §8.3.1).
fn joined(a: f32, b: f32) -> f32 {
    a.max(b).max(0.0) + a.min(b).min(0.0)
}

/// Whether the margin of a child goes through this edge.
fn is_open(style: &Style, edge: usize) -> bool {
    let flows = matches!(style.display, Display::Block | Display::ListItem) && style.float.is_none();
    flows && !style.clips && style.inset_pt(edge, 0.0) <= 0.0
}

/// The margin of a box with that of its first or last child where they are one.
fn outer_margin(node: &Node, edge: usize) -> f32 {
    let own = node.style.margin_pt(edge, 0.0);
    let Content::Blocks(nodes) = &node.content else { return own };
    if !is_open(&node.style, edge) || edge == BOTTOM && node.style.height != Length::Auto {
        return own;
    }
    let mut flowing = nodes.iter().filter(|node| node.style.float.is_none());
    let child = if edge == TOP { flowing.next() } else { flowing.next_back() };
    child.map_or(own, |child| joined(own, outer_margin(child, edge)))
}

/// Whether a box without a width is no wider than what it holds.
fn shrinks(node: &Node) -> bool {
    node.style.float.is_some()
        || matches!(node.content, Content::Table(_) | Content::Picture(_))
        || matches!(node.style.display, Display::InlineBlock | Display::InlineTable)
}

/// How far a box stands in from the left of its parent.
fn indent(style: &Style, room: f32, width: f32, parent_align: Align) -> f32 {
    let (left, right) = (style.margin[LEFT], style.margin[RIGHT]);
    let free = (room - width).max(0.0);
    match (left, right) {
        (Length::Auto, Length::Auto) => free / 2.0,
        (Length::Auto, right) => free - right.of(room).unwrap_or(0.0),
        (left, _) if parent_align == Align::BlockCenter => (free / 2.0).max(left.of(room).unwrap_or(0.0)),
        (left, _) if style.inherited.rtl => free.max(left.of(room).unwrap_or(0.0)),
        (left, _) => left.of(room).unwrap_or(0.0),
    }
}
