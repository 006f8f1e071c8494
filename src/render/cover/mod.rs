//! The cover page, from a template that an operator can change: text, or HTML (`html`).
//!
//! A text template is one line below the other:
//! `# TITLE` is large, `---` is a rule, a tab makes a label (left, bold) and a value (right). `{to}`, `{attention}`,
//! `{number}`, `{from}`, `{date}`, `{subject}`, `{pages}` and `{note}` are filled in. A line whose placeholders
//! are all empty is left out. An unknown placeholder is an error, found when the configuration is read.

mod html;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::error::RenderError;
use super::flow::{Flow, Look, Paragraph, Span};
use super::language::Language;
use super::text::printable;

/// The sizes of a title and of the rest, in points.
const TITLE_PT: f32 = 34.0;
const LINE_PT: f32 = 12.0;
/// White above a line, and where the values stand, in points.
const LINE_GAP_PT: f32 = 7.0;
const VALUE_INDENT_PT: f32 = 110.0;
/// A template line longer than this is a mistake.
const LINE_CHARS_MAX: usize = 1000;
const LINES_MAX: usize = 100;

/// What stands on the cover page.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cover {
    /// Who it is for.
    pub to: String,
    /// The person or department within.
    pub attention: String,
    /// The number that is dialled.
    pub number: String,
    /// Who sends it.
    pub from: String,
    /// When, as people read it.
    pub date: String,
    /// What it is about.
    pub subject: String,
    /// Words of the operator or the sender below.
    pub note: String,
}

/// A cover page's template, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template(Kind);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    Text(Vec<Line>),
    Html(String),
}

/// What is wrong with a template.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("line {line} of the cover page template: {reason}")]
pub struct TemplateError {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub reason: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Line {
    Title(Words),
    Rule,
    Field(Words, Words),
    Text(Words),
}

type Words = Vec<Word>;

#[derive(Clone, Debug, PartialEq, Eq)]
enum Word {
    Literal(String),
    Placeholder(Name),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Name {
    To,
    Attention,
    Number,
    From,
    Date,
    Subject,
    Pages,
    Note,
}

impl Name {
    const ALL: [(&'static str, Self); 8] = [
        ("to", Self::To),
        ("attention", Self::Attention),
        ("number", Self::Number),
        ("from", Self::From),
        ("date", Self::Date),
        ("subject", Self::Subject),
        ("pages", Self::Pages),
        ("note", Self::Note),
    ];
}

impl Default for Template {
    fn default() -> Self {
        Self::of(Language::default())
    }
}

impl Template {
    /// The template in the program.
    #[must_use]
    pub fn of(language: Language) -> Self {
        // A test holds that the embedded templates are correct.
        Self::parse(language.cover()).unwrap_or(Self(Kind::Text(Vec::new())))
    }

    /// Reads a template.
    ///
    /// # Errors
    /// Where a line is too long, there are too many, or a placeholder is unknown or not closed.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        if html::is_html(text) {
            html::check(text).map_err(|(line, reason)| TemplateError { line, reason })?;
            return Ok(Self(Kind::Html(text.to_owned())));
        }
        let mut lines = Vec::new();
        for (index, line) in text.lines().enumerate() {
            let wrong = |reason: String| TemplateError { line: index + 1, reason };
            if index >= LINES_MAX {
                return Err(wrong(format!("there are more than {LINES_MAX} lines")));
            }
            if line.chars().count() > LINE_CHARS_MAX {
                return Err(wrong(format!("it is longer than {LINE_CHARS_MAX} characters")));
            }
            lines.push(parse_line(line).map_err(wrong)?);
        }
        Ok(Self(Kind::Text(lines)))
    }

    /// Writes the cover page into an empty flow; `pages` counts it.
    pub(super) fn draw(&self, cover: &Cover, pages: u32, flow: &mut Flow<'_>) -> Result<(), RenderError> {
        let lines = match &self.0 {
            Kind::Text(lines) => lines,
            Kind::Html(template) => return html::draw(template, cover, pages, flow),
        };
        for line in lines {
            match line {
                Line::Rule => {
                    flow.gap(LINE_GAP_PT);
                    flow.rule()?;
                }
                Line::Title(words) => draw_words(words, cover, pages, TITLE_PT, true, flow)?,
                Line::Text(words) => draw_words(words, cover, pages, LINE_PT, false, flow)?,
                Line::Field(label, value) => draw_field(label, value, cover, pages, flow)?,
            }
        }
        Ok(())
    }
}

fn parse_line(line: &str) -> Result<Line, String> {
    if line.trim() == "---" {
        return Ok(Line::Rule);
    }
    if let Some(title) = line.strip_prefix("# ") {
        return Ok(Line::Title(parse_words(title)?));
    }
    match line.split_once('\t') {
        Some((label, value)) => Ok(Line::Field(parse_words(label)?, parse_words(value)?)),
        None => Ok(Line::Text(parse_words(line)?)),
    }
}

fn parse_words(text: &str) -> Result<Words, String> {
    let mut words = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        let (name, after) = after.split_once('}').ok_or("a { without its }")?;
        let known = Name::ALL.iter().find(|(known, _)| *known == name);
        let (_, name) = known.ok_or_else(|| format!("{{{name}}} is no placeholder"))?;
        words.push(Word::Literal(before.to_owned()));
        words.push(Word::Placeholder(*name));
        rest = after;
    }
    words.push(Word::Literal(rest.to_owned()));
    Ok(words)
}

/// The words filled in; `None` where they hold placeholders and all of these are empty.
fn fill(words: &Words, cover: &Cover, pages: u32) -> Option<String> {
    let (mut text, mut asked, mut filled) = (String::new(), false, false);
    for word in words {
        match word {
            Word::Literal(literal) => text.push_str(literal),
            Word::Placeholder(name) => {
                let value = value(*name, cover, pages);
                asked = true;
                filled |= !value.trim().is_empty();
                text.push_str(value.trim());
            }
        }
    }
    (filled || !asked).then_some(text)
}

fn value(name: Name, cover: &Cover, pages: u32) -> String {
    match name {
        Name::To => cover.to.clone(),
        Name::Attention => cover.attention.clone(),
        Name::Number => cover.number.clone(),
        Name::From => cover.from.clone(),
        Name::Date => cover.date.clone(),
        Name::Subject => cover.subject.clone(),
        Name::Pages => pages.to_string(),
        Name::Note => cover.note.clone(),
    }
}

fn draw_words(
    words: &Words,
    cover: &Cover,
    pages: u32,
    size_pt: f32,
    bold: bool,
    flow: &mut Flow<'_>,
) -> Result<(), RenderError> {
    let Some(text) = fill(words, cover, pages) else {
        return Ok(());
    };
    for line in text.lines().chain(text.is_empty().then_some("")) {
        flow.paragraph(&Paragraph { size_pt, ..Paragraph::spans(vec![span(line, bold)]) })?;
    }
    Ok(())
}

fn draw_field(
    label: &Words,
    value: &Words,
    cover: &Cover,
    pages: u32,
    flow: &mut Flow<'_>,
) -> Result<(), RenderError> {
    let (Some(label), Some(value)) = (fill(label, cover, pages), fill(value, cover, pages)) else {
        return Ok(());
    };
    flow.gap(LINE_GAP_PT);
    flow.paragraph(&Paragraph::field(span(&label, true), span(&value, false), LINE_PT, VALUE_INDENT_PT))
}

fn span(text: &str, bold: bool) -> Span {
    Span { text: printable(text), look: Look { bold, ..Look::default() } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_templates_in_the_program_are_correct() {
        for language in Language::ALL {
            let template = Template::parse(language.cover());
            assert!(
                template.is_ok_and(|Template(kind)| matches!(kind, Kind::Text(lines) if lines.len() > 8))
            );
        }
    }

    #[test]
    fn a_wrong_placeholder_is_named_with_its_line() {
        let error = Template::parse("# FAX\nTo:\t{too}\n").err().map(|e| e.to_string());
        assert_eq!(error.as_deref(), Some("line 2 of the cover page template: {too} is no placeholder"));
        assert!(Template::parse("{to").is_err());
    }

    #[test]
    fn a_line_with_nothing_to_say_is_left_out() {
        let words = parse_words("Attention: {attention}").unwrap_or_default();
        let mut cover = Cover::default();
        assert_eq!(fill(&words, &cover, 1), None);
        cover.attention = "Dr. Kim".into();
        assert_eq!(fill(&words, &cover, 1).as_deref(), Some("Attention: Dr. Kim"));
        assert_eq!(fill(&vec![Word::Literal("FAX".into())], &cover, 1).as_deref(), Some("FAX"));
    }
}
