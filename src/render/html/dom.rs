//! A document as a tree in one piece: elements with their attributes, and texts, in the order of the source.

use simplecss::{AttributeOperator, PseudoClass};

/// Where a node stands in its document.
pub(super) type NodeId = usize;

/// A document. Node 0 is its root.
#[derive(Debug)]
pub(super) struct Dom {
    pub(super) nodes: Vec<Node>,
}

/// An element or a text.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) data: Data,
    pub(super) parent: Option<NodeId>,
    pub(super) children: Vec<NodeId>,
    /// The element before it under the same parent.
    pub(super) before: Option<NodeId>,
}

/// What a node is.
#[derive(Debug)]
pub(super) enum Data {
    /// The document itself, a comment, or what else makes nothing.
    Nothing,
    Element {
        /// In lower case.
        name: String,
        attributes: Vec<(String, String)>,
    },
    Text(String),
}

impl Dom {
    pub(super) fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id]
    }

    /// The name of an element in lower case; nothing for a text.
    pub(super) fn name(&self, id: NodeId) -> &str {
        match &self.nodes[id].data {
            Data::Element { name, .. } => name,
            _ => "",
        }
    }

    /// An attribute's value, trimmed.
    pub(super) fn attribute(&self, id: NodeId, wanted: &str) -> Option<&str> {
        let Data::Element { attributes, .. } = &self.nodes[id].data else { return None };
        attributes.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.trim())
    }

    /// The nodes below one, in the order of the source.
    fn below(&self, id: NodeId) -> impl Iterator<Item = NodeId> + '_ {
        let mut open: Vec<NodeId> = self.nodes[id].children.iter().rev().copied().collect();
        std::iter::from_fn(move || {
            let id = open.pop()?;
            open.extend(self.nodes[id].children.iter().rev());
            Some(id)
        })
    }

    /// The text below a node.
    pub(super) fn text(&self, id: NodeId) -> String {
        let texts = self.below(id).filter_map(|id| match &self.nodes[id].data {
            Data::Text(text) => Some(text.as_str()),
            _ => None,
        });
        texts.collect()
    }

    /// All elements of a name, in the order of the source.
    pub(super) fn elements<'d>(&'d self, wanted: &'d str) -> impl Iterator<Item = NodeId> + 'd {
        self.below(0).filter(move |&id| self.name(id) == wanted)
    }

    /// Notes which element stands before which, for selectors.
    pub(super) fn note_order(&mut self) {
        for id in 0..self.nodes.len() {
            let mut before = None;
            for index in 0..self.nodes[id].children.len() {
                let child = self.nodes[id].children[index];
                if matches!(self.nodes[child].data, Data::Element { .. }) {
                    self.nodes[child].before = before.replace(child);
                }
            }
        }
    }
}

/// An element, for selectors to look at.
#[derive(Clone, Copy)]
pub(super) struct Seen<'d> {
    pub(super) dom: &'d Dom,
    pub(super) id: NodeId,
}

impl simplecss::Element for Seen<'_> {
    fn parent_element(&self) -> Option<Self> {
        self.dom.node(self.id).parent.filter(|&id| id != 0).map(|id| Self { dom: self.dom, id })
    }

    fn prev_sibling_element(&self) -> Option<Self> {
        self.dom.node(self.id).before.map(|id| Self { dom: self.dom, id })
    }

    fn has_local_name(&self, name: &str) -> bool {
        self.dom.name(self.id).eq_ignore_ascii_case(name)
    }

    fn attribute_matches(&self, name: &str, operator: AttributeOperator<'_>) -> bool {
        self.dom.attribute(self.id, name).is_some_and(|value| operator.matches(value))
    }

    fn pseudo_class_matches(&self, class: PseudoClass<'_>) -> bool {
        match class {
            PseudoClass::FirstChild => self.dom.node(self.id).before.is_none(),
            PseudoClass::Link => self.dom.name(self.id) == "a",
            _ => false,
        }
    }
}
