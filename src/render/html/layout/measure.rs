//! How narrow and how wide boxes can be (CSS Sizing 3 §5), each measured once.

use super::super::style::{LEFT, RIGHT, Style};
use super::super::tree::{Content, Node, Source, Widths};
use super::super::value::Length;
use super::Layout;

impl<'t> Layout<'t, '_> {
    /// The least and the most width that a box can use, its margins counted.
    pub(super) fn widths(&mut self, node: &'t Node) -> Widths {
        if let Some(widths) = node.widths.get() {
            return widths;
        }
        let style = &*node.style;
        let is_table = matches!(node.content, Content::Table(_));
        let insets = style.insets_x_pt(0.0);
        let inner = self.content_widths(node);
        let around = if style.border_box || is_table { 0.0 } else { insets };
        let mut outer = match (style.width, &node.content) {
            (Length::Pt(width), Content::Table(_)) => {
                let least = inner.least + insets;
                Widths { least: width.max(least), most: width.max(least) }
            }
            (Length::Pt(width), _) => Widths { least: width + around, most: width + around },
            _ => Widths { least: inner.least + insets, most: inner.most + insets },
        };
        if let Some(max) = style.max_width.fixed() {
            outer.most = outer.most.min(max + around);
            outer.least = outer.least.min(max + around);
        }
        if style.width.fixed().is_some() && style.max_width.of(self.page.0).is_some_and(|max| max > 0.0) {
            // `width: 600px; max-width: 100%`: it gives way.
            outer.least = outer.least.min(inner.least + insets);
        }
        if let Some(min) = style.min_width.fixed() {
            outer.least = outer.least.max(min + around);
        }
        let margins = style.margin_pt(LEFT, 0.0).max(0.0) + style.margin_pt(RIGHT, 0.0).max(0.0);
        let widths = Widths { least: outer.least + margins, most: outer.most.max(outer.least) + margins };
        node.widths.set(Some(widths));
        widths
    }

    fn content_widths(&mut self, node: &'t Node) -> Widths {
        match &node.content {
            Content::Lines(runs) => self.line_widths(runs, &node.style),
            Content::Table(table) => self.table_widths(table, &node.style),
            Content::Picture(source) => {
                let width = self.picture_size(source, &node.style, self.page.0).0;
                let gives_way = matches!(node.style.width, Length::Part(_))
                    || node.style.max_width.of(self.page.0).is_some();
                // A large photograph does not make a page of text small.
                let least = if gives_way { 0.0 } else { width.min(self.page.0) };
                Widths { least, most: width }
            }
            Content::Blocks(nodes) => {
                let (mut all, mut floating) = (Widths::default(), 0.0);
                for node in nodes {
                    let widths = self.widths(node);
                    all.least = all.least.max(widths.least);
                    floating = if node.style.float.is_some() { floating + widths.most } else { 0.0 };
                    all.most = all.most.max(widths.most).max(floating);
                }
                all
            }
        }
    }

    /// The size of a picture's own box in a room: as the style says, in its own proportions, and no wider than the room.
    pub(super) fn picture_size(&self, source: &Source, style: &Style, room: f32) -> (f32, f32) {
        let Some((own_width, own_height)) = self.pictures.size_pt(&source.from) else { return (0.0, 0.0) };
        let ratio = own_height / own_width.max(0.01);
        let width = style.width.of(room);
        let height = style.height.fixed();
        let (mut width, mut height) = match (width, height) {
            (Some(width), Some(height)) => (width, height),
            (Some(width), None) => (width, width * ratio),
            (None, Some(height)) => (height / ratio.max(0.001), height),
            (None, None) => (own_width, own_height),
        };
        let max_width = style.max_width.of(room).map_or(room, |max| max.min(room));
        let max_height = style.max_height.fixed().map_or(self.page.1, |max| max.min(self.page.1));
        let scale = (max_width / width.max(0.01)).min(max_height / height.max(0.01)).min(1.0);
        width *= scale;
        height *= scale;
        (width, height)
    }
}
