//! HTML to a tree, by html5ever as browsers do it (HTML standard §13.2.6). What comes here was cleaned before (`clean`).

use std::borrow::Cow;
use std::cell::RefCell;

use html5ever::interface::{ElementFlags, NodeOrText, QuirksMode, TreeSink};
use html5ever::tendril::{StrTendril, TendrilSink};
use html5ever::tree_builder::ElemName;
use html5ever::{Attribute, LocalName, Namespace, ParseOpts, QualName, parse_document};

use super::dom::{Data, Dom, Node, NodeId};

/// The tree of a document.
pub(super) fn parse(html: &str) -> Dom {
    let mut options = ParseOpts::default();
    options.tree_builder.scripting_enabled = false;
    let mut dom = parse_document(Builder::new(), options).one(html);
    dom.note_order();
    dom
}

/// A tree in the making.
struct Builder {
    nodes: RefCell<Vec<Node>>,
    /// The full names of the nodes, which html5ever asks for.
    names: RefCell<Vec<QualName>>,
}

/// A name, to be lent to html5ever.
#[derive(Debug)]
struct Name(QualName);

impl ElemName for Name {
    fn ns(&self) -> &Namespace {
        &self.0.ns
    }

    fn local_name(&self) -> &LocalName {
        &self.0.local
    }
}

impl Builder {
    fn new() -> Self {
        let builder = Self { nodes: RefCell::default(), names: RefCell::default() };
        builder.create(Data::Nothing, nameless());
        builder
    }

    fn create(&self, data: Data, name: QualName) -> NodeId {
        self.names.borrow_mut().push(name);
        let mut nodes = self.nodes.borrow_mut();
        nodes.push(Node { data, parent: None, children: Vec::new(), before: None });
        nodes.len() - 1
    }

    /// Puts something under a parent, at a place among its children.
    fn insert(&self, parent: NodeId, place: usize, child: NodeOrText<NodeId>) {
        match child {
            NodeOrText::AppendNode(child) => self.attach(parent, place, child),
            NodeOrText::AppendText(text) => {
                let before = place.checked_sub(1).map(|before| self.nodes.borrow()[parent].children[before]);
                if let Some(before) = before
                    && let Data::Text(written) = &mut self.nodes.borrow_mut()[before].data
                {
                    return written.push_str(&text);
                }
                let child = self.create(Data::Text(text.to_string()), nameless());
                self.attach(parent, place, child);
            }
        }
    }

    fn attach(&self, parent: NodeId, place: usize, child: NodeId) {
        self.remove_from_parent(&child);
        let mut nodes = self.nodes.borrow_mut();
        let place = place.min(nodes[parent].children.len());
        nodes[parent].children.insert(place, child);
        nodes[child].parent = Some(parent);
    }

    /// Its parent and its place there. It is looked for from the end, where most is done.
    fn place(&self, id: NodeId) -> Option<(NodeId, usize)> {
        let nodes = self.nodes.borrow();
        let parent = nodes[id].parent?;
        let place = nodes[parent].children.iter().rposition(|&child| child == id)?;
        Some((parent, place))
    }
}

fn nameless() -> QualName {
    QualName::new(None, Namespace::default(), LocalName::default())
}

/// An attribute as it is kept. A class list may be broken over lines; selectors look for spaces.
fn attribute(attribute: &Attribute) -> (String, String) {
    let name = attribute.name.local.to_string();
    let value = match name.as_str() {
        "class" => attribute.value.split_ascii_whitespace().collect::<Vec<_>>().join(" "),
        _ => attribute.value.to_string(),
    };
    (name, value)
}

impl TreeSink for Builder {
    type Handle = NodeId;
    type Output = Dom;
    type ElemName<'a> = Name;

    fn finish(self) -> Dom {
        Dom { nodes: self.nodes.into_inner() }
    }

    fn parse_error(&self, _: Cow<'static, str>) {}

    fn get_document(&self) -> NodeId {
        0
    }

    fn elem_name<'a>(&'a self, target: &'a NodeId) -> Name {
        Name(self.names.borrow()[*target].clone())
    }

    fn create_element(&self, name: QualName, attributes: Vec<Attribute>, _: ElementFlags) -> NodeId {
        let data = Data::Element {
            name: name.local.to_ascii_lowercase().to_string(),
            attributes: attributes.iter().map(attribute).collect(),
        };
        self.create(data, name)
    }

    fn create_comment(&self, _: StrTendril) -> NodeId {
        self.create(Data::Nothing, nameless())
    }

    fn create_pi(&self, _: StrTendril, _: StrTendril) -> NodeId {
        self.create(Data::Nothing, nameless())
    }

    fn append(&self, parent: &NodeId, child: NodeOrText<NodeId>) {
        let end = self.nodes.borrow()[*parent].children.len();
        self.insert(*parent, end, child);
    }

    fn append_based_on_parent_node(&self, element: &NodeId, previous: &NodeId, child: NodeOrText<NodeId>) {
        match self.place(*element) {
            Some(_) => self.append_before_sibling(element, child),
            None => self.append(previous, child),
        }
    }

    fn append_doctype_to_document(&self, _: StrTendril, _: StrTendril, _: StrTendril) {}

    /// A template is read as what it holds.
    fn get_template_contents(&self, target: &NodeId) -> NodeId {
        *target
    }

    fn same_node(&self, a: &NodeId, b: &NodeId) -> bool {
        a == b
    }

    fn set_quirks_mode(&self, _: QuirksMode) {}

    fn append_before_sibling(&self, sibling: &NodeId, child: NodeOrText<NodeId>) {
        if let Some((parent, place)) = self.place(*sibling) {
            self.insert(parent, place, child);
        }
    }

    fn add_attrs_if_missing(&self, target: &NodeId, more: Vec<Attribute>) {
        if let Data::Element { attributes, .. } = &mut self.nodes.borrow_mut()[*target].data {
            for (name, value) in more.iter().map(attribute) {
                if !attributes.iter().any(|(there, _)| *there == name) {
                    attributes.push((name, value));
                }
            }
        }
    }

    fn remove_from_parent(&self, target: &NodeId) {
        if let Some((parent, place)) = self.place(*target) {
            let mut nodes = self.nodes.borrow_mut();
            nodes[parent].children.remove(place);
            nodes[*target].parent = None;
        }
    }

    fn reparent_children(&self, node: &NodeId, parent: &NodeId) {
        let mut nodes = self.nodes.borrow_mut();
        let children = std::mem::take(&mut nodes[*node].children);
        for &child in &children {
            nodes[child].parent = Some(*parent);
        }
        nodes[*parent].children.extend(children);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The tree as text: `p(b("x"))`.
    fn shown(dom: &Dom, id: NodeId) -> String {
        let inner: Vec<_> = dom.node(id).children.iter().map(|&child| shown(dom, child)).collect();
        match &dom.node(id).data {
            Data::Text(text) => format!("{text:?}"),
            _ => format!("{}({})", dom.name(id), inner.join(" ")),
        }
    }

    #[test]
    fn it_is_read_as_browsers_read_it() {
        let body = |html| shown(&parse(html), 0);
        assert_eq!(body("<p>a<p>b"), r#"(html(head() body(p("a") p("b"))))"#);
        assert_eq!(body("<b><i>x</b>y</i>"), r#"(html(head() body(b(i("x")) i("y"))))"#);
        let table = "<table>loose<tr><td>1<td>2</table>";
        assert_eq!(
            body(table),
            r#"(html(head() body("loose" table(tbody(tr(td("1") td("2")))))))"#,
            "what cannot stand in a table stands before it"
        );
    }

    #[test]
    fn class_lists_have_single_spaces() {
        let dom = parse("<p class='a\n  b'>x");
        let id = dom.elements("p").next();
        assert_eq!(id.and_then(|id| dom.attribute(id, "class")), Some("a b"));
    }
}
