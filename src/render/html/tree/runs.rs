//! Text to lines: white space as CSS wants it (CSS Text 3 §4), and boxes between lines of text.

use std::rc::Rc;

use super::super::super::text::{expand_tabs, printable};
use super::super::style::{Display, Style, Transform, WhiteSpace};
use super::{Content, Node, Run, Text, is_in_line};

/// What HTML takes for white space; a no-break space is none.
const SPACES: [char; 5] = [' ', '\t', '\n', '\r', '\u{c}'];

/// Collects what a box holds.
pub(super) struct Sink {
    style: Rc<Style>,
    /// The style of the box's own letters: its ground is the box's, not theirs.
    letters: Rc<Style>,
    blocks: Vec<Node>,
    runs: Vec<Run>,
    /// Where the next space would stand at the beginning of a line, or after another one.
    after_space: bool,
}

impl Sink {
    pub(super) fn new(style: &Rc<Style>) -> Self {
        let letters = style.anonymous(Display::Inline);
        Self { style: style.clone(), letters, blocks: Vec::new(), runs: Vec::new(), after_space: true }
    }

    pub(super) fn text(&mut self, text: &str, style: &Rc<Style>, linked: bool) {
        let space = style.inherited.white_space;
        if !style.shows_text() {
            return;
        }
        match space {
            WhiteSpace::Normal | WhiteSpace::NoWrap => self.collapsed(text, style, linked),
            WhiteSpace::Pre | WhiteSpace::PreWrap | WhiteSpace::PreLine => {
                for (index, line) in text.split('\n').enumerate() {
                    if index > 0 {
                        self.line_break();
                    }
                    match space {
                        WhiteSpace::PreLine => self.collapsed(line, style, linked),
                        _ => self.push(&expand_tabs(line.trim_end_matches('\r')), style, linked),
                    }
                }
            }
        }
    }

    fn collapsed(&mut self, text: &str, style: &Rc<Style>, linked: bool) {
        let mut out = String::with_capacity(text.len());
        for c in text.chars() {
            let is_space = SPACES.contains(&c);
            if !is_space || !self.after_space {
                out.push(if is_space { ' ' } else { c });
            }
            self.after_space = is_space;
        }
        self.push(&out, style, linked);
    }

    fn push(&mut self, text: &str, style: &Rc<Style>, linked: bool) {
        // A soft hyphen would need a hyphen where the line breaks.
        let text = printable(&transformed(text, style.inherited.transform)).replace('\u{ad}', "");
        if !text.is_empty() {
            self.after_space = text.ends_with(' ');
            let style = if Rc::ptr_eq(style, &self.style) { &self.letters } else { style };
            self.runs.push(Run::Text(Text { text, style: style.clone(), linked, address: false }));
        }
    }

    /// The address of the link that has just ended.
    pub(super) fn address(&mut self, address: String, style: &Rc<Style>) {
        let mut plain = Style::clone(style);
        plain.inherited.underline = false;
        let text = if self.after_space { address.trim_start().to_owned() } else { address };
        self.after_space = false;
        self.runs.push(Run::Text(Text { text, style: Rc::new(plain), linked: true, address: true }));
    }

    pub(super) fn line_break(&mut self) {
        self.runs.push(Run::Break);
        self.after_space = true;
    }

    /// A box, in the line or between lines.
    pub(super) fn node(&mut self, node: Node) {
        if matches!(node.content, Content::Picture(_)) && node.style.display != Display::Block
            || is_in_line(&node.style)
        {
            self.after_space = false;
            return self.runs.push(match node.style.float {
                Some(_) => Run::Float(node),
                None => Run::Atom(node),
            });
        }
        match node.style.float {
            Some(_) if !self.runs.is_empty() => self.runs.push(Run::Float(node)),
            _ => {
                self.flush();
                self.blocks.push(node);
            }
        }
    }

    /// Ends the lines so far.
    fn flush(&mut self) {
        self.after_space = true;
        let runs = settled(std::mem::take(&mut self.runs));
        if !runs.is_empty() {
            let style = self.style.anonymous(Display::Block);
            self.blocks.push(Node::new(style, Content::Lines(runs)));
        }
    }

    pub(super) fn finish(mut self) -> Content {
        if self.blocks.is_empty() {
            return Content::Lines(settled(self.runs));
        }
        self.flush();
        Content::Blocks(self.blocks)
    }
}

/// The runs without a space at their end, and without addresses where a link stands alone: in a menu or on a button.
fn settled(mut runs: Vec<Run>) -> Vec<Run> {
    let has_letters = |text: &Text| text.text.chars().any(char::is_alphanumeric);
    let is_prose = |run: &Run| matches!(run, Run::Text(text) if !text.linked && has_letters(text));
    if !runs.iter().any(is_prose) {
        runs.retain(|run| !matches!(run, Run::Text(text) if text.address));
    }
    let is_space = |run: &Run| match run {
        Run::Text(text) => {
            let collapses =
                matches!(text.style.inherited.white_space, WhiteSpace::Normal | WhiteSpace::NoWrap);
            collapses && text.text.chars().all(|c| c == ' ')
        }
        _ => false,
    };
    while runs.last().is_some_and(is_space) {
        runs.pop();
    }
    let is_seen = |run: &Run| !is_space(run) && !matches!(run, Run::Float(_));
    if runs.iter().all(|run| !is_seen(run)) {
        runs.retain(|run| matches!(run, Run::Float(_)));
    }
    runs
}

fn transformed(text: &str, transform: Transform) -> String {
    match transform {
        Transform::None => text.to_owned(),
        Transform::Upper => text.to_uppercase(),
        Transform::Lower => text.to_lowercase(),
        Transform::Capitalize => {
            let mut before = ' ';
            let upper = text.chars().map(|c| {
                let first = !before.is_alphanumeric() && before != '\'';
                before = c;
                if first { c.to_uppercase().collect() } else { String::from(c) }
            });
            upper.collect()
        }
    }
}
