//! Flex boxes in a row, which new mail has in place of tables (CSS Flexible Box 1): laid out as a table of one row.

use std::rc::Rc;

use super::super::dom::{Data, NodeId};
use super::super::style::{Display, Style};
use super::super::value::Length;
use super::runs::Sink;
use super::{Content, Node, Tree};

impl Tree<'_> {
    /// The items of a flex box: side by side, or like words where they may go on below.
    pub(super) fn flex(&mut self, id: NodeId, style: &Rc<Style>) -> Content {
        let items = self.items(id, style);
        if style.flex_wrap {
            let mut sink = Sink::new(style);
            for mut item in items {
                let in_line = Style { display: Display::InlineBlock, ..Style::clone(&item.style) };
                item.style = Rc::new(in_line);
                sink.node(item);
            }
            return sink.finish();
        }
        let fills = style.flex_spread || items.iter().any(|item| item.style.flex_grow);
        let table = self.row_of(style, items);
        let mut own = Style::clone(&style.anonymous(Display::Table));
        own.width = if fills { Length::Part(1.0) } else { Length::Auto };
        Content::Blocks(vec![Node::new(Rc::new(own), Content::Table(Box::new(table)))])
    }

    fn items(&mut self, id: NodeId, style: &Rc<Style>) -> Vec<Node> {
        let dom = self.cascade.dom;
        let mut items = Vec::new();
        for &child in &dom.node(id).children {
            match &dom.node(child).data {
                Data::Text(text) if !text.trim().is_empty() => {
                    let mut sink = Sink::new(style);
                    sink.text(text, style, false);
                    items.push(Node::new(style.anonymous(Display::Block), sink.finish()));
                }
                Data::Element { name, .. } => {
                    let mut own = self.cascade.style(child, style);
                    if own.is_hidden() {
                        continue;
                    }
                    own.float = None;
                    if matches!(own.display, Display::Inline | Display::InlineBlock) {
                        own.display = Display::Block;
                    }
                    if name == "img" {
                        let mut sink = Sink::new(style);
                        self.picture(child, Rc::new(own), &mut sink);
                        items.push(Node::new(style.anonymous(Display::Block), sink.finish()));
                    } else {
                        items.push(self.node(child, name, Rc::new(own)));
                    }
                }
                _ => {}
            }
        }
        items
    }
}
