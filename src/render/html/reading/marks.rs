//! What html2text shall say about a text: tags for runs of characters, and marks within the text for the rest.

use html2text::render::TextDecorator;

use super::super::super::flow::Look;

/// Control characters with which html2text's output carries what it cannot say in tags. They are taken out of the
/// source first. Those of prefixes must be ASCII: html2text takes a prefix's bytes for its columns.
pub(super) const QUOTE_MARK: char = '\u{1}';
pub(super) const HEADING_MARK: char = '\u{2}';
pub(super) const BULLET_MARK: char = '\u{3}';
pub(super) const PICTURE_MARK: char = '\u{E000}';
pub(super) const TABLE_MARK: char = '\u{E001}';
/// All of them.
const ALL: [char; 5] = [QUOTE_MARK, HEADING_MARK, BULLET_MARK, PICTURE_MARK, TABLE_MARK];

/// The text without the marks.
pub(super) fn unmarked(text: &str) -> String {
    text.replace(ALL, "")
}

/// What html2text says about a run of characters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Tag {
    #[default]
    None,
    Strong,
    Emphasis,
    Code,
    Picture(String),
    /// The text leads to this address.
    Link(String),
}

impl Tag {
    pub(super) fn look(tags: &[Self]) -> Look {
        Look {
            bold: tags.contains(&Self::Strong),
            italic: tags.contains(&Self::Emphasis),
            mono: tags.contains(&Self::Code),
        }
    }

    pub(super) fn link(&self) -> Option<&str> {
        match self {
            Self::Link(url) => Some(url),
            _ => None,
        }
    }

    pub(super) fn picture(&self) -> Option<&str> {
        match self {
            Self::Picture(id) => Some(id),
            _ => None,
        }
    }
}

/// Tells html2text to mark, not to decorate.
#[derive(Clone)]
pub(super) struct Marks;

impl TextDecorator for Marks {
    type Annotation = Tag;

    fn decorate_link_start(&mut self, url: &str) -> (String, Tag) {
        (String::new(), Tag::Link(url.to_owned()))
    }
    fn decorate_link_end(&mut self) -> String {
        String::new()
    }
    fn decorate_em_start(&self) -> (String, Tag) {
        (String::new(), Tag::Emphasis)
    }
    fn decorate_em_end(&self) -> String {
        String::new()
    }
    fn decorate_strong_start(&self) -> (String, Tag) {
        (String::new(), Tag::Strong)
    }
    fn decorate_strong_end(&self) -> String {
        String::new()
    }
    fn decorate_strikeout_start(&self) -> (String, Tag) {
        (String::new(), Tag::None)
    }
    fn decorate_strikeout_end(&self) -> String {
        String::new()
    }
    fn decorate_code_start(&self) -> (String, Tag) {
        (String::new(), Tag::Code)
    }
    fn decorate_code_end(&self) -> String {
        String::new()
    }
    fn decorate_preformat_first(&self) -> Tag {
        Tag::Code
    }
    fn decorate_preformat_cont(&self) -> Tag {
        Tag::Code
    }
    fn decorate_image(&mut self, src: &str, title: &str) -> (String, Tag) {
        match src.strip_prefix("cid:") {
            Some(id) => (PICTURE_MARK.to_string(), Tag::Picture(id.to_owned())),
            None if title.trim().is_empty() => (String::new(), Tag::None),
            None => (format!("[{title}]"), Tag::None),
        }
    }
    fn header_prefix(&self, level: usize) -> String {
        HEADING_MARK.to_string().repeat(level)
    }
    fn quote_prefix(&self) -> String {
        QUOTE_MARK.to_string()
    }
    fn unordered_item_prefix(&self) -> String {
        // Two columns, as many as its bytes.
        format!("{BULLET_MARK} ")
    }
    fn ordered_item_prefix(&self, number: i64) -> String {
        format!("{BULLET_MARK}{number}. ")
    }
    fn decorate_superscript_start(&self) -> (String, Tag) {
        (String::new(), Tag::None)
    }
    fn decorate_superscript_end(&self) -> String {
        String::new()
    }
    fn make_subblock_decorator(&self) -> Self {
        Self
    }
}
