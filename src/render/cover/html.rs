//! A cover page in HTML: with a logo, columns and whatever else a letterhead has.
//!
//! Placeholders are those of the text templates. A table row, an item or a paragraph whose placeholders are all empty is left
//! out. It goes the way of every HTML mail.

use super::super::error::RenderError;
use super::super::flow::Flow;
use super::super::html::{Document, Inlines, Shown};
use super::super::options::Limits;
use super::{Cover, parse_words, value};
use super::{Word, Words};

/// What goes as a whole where it has nothing to say; none of them stands within itself.
const LEFT_OUT: [&str; 3] = ["tr", "li", "p"];

/// Whether a template is HTML.
pub(super) fn is_html(text: &str) -> bool {
    text.trim_start().starts_with('<')
}

/// Finds a wrong placeholder, with the line it is in.
pub(super) fn check(text: &str) -> Result<(), (usize, String)> {
    let mut rest = text;
    let mut line = 1;
    while let Some((before, after)) = split_placeholder(rest) {
        line += before.matches('\n').count();
        let (name, after) = after.split_once('}').unwrap_or((after, ""));
        parse_words(&format!("{{{name}}}")).map_err(|reason| (line, reason))?;
        rest = after;
    }
    Ok(())
}

/// Splits before a placeholder. The braces of style sheets hold more than a name.
fn split_placeholder(text: &str) -> Option<(&str, &str)> {
    text.match_indices('{').find_map(|(at, _)| {
        let after = &text[at + 1..];
        let name = after.split('}').next()?;
        let is_name = !name.is_empty() && name.chars().all(|c| c.is_ascii_lowercase());
        (is_name && after.len() > name.len()).then_some((&text[..at], after))
    })
}

pub(super) fn draw(
    template: &str,
    cover: &Cover,
    pages: u32,
    flow: &mut Flow<'_>,
) -> Result<(), RenderError> {
    let limits = Limits::default();
    let html = filled(template, cover, pages);
    let document = Document::read(&html, &limits)
        .map_err(|failure| RenderError::Cover { cause: failure.cause.unwrap_or(failure.reason) })?;
    document.draw(flow, &Inlines::new(), &limits, &mut Shown::new())
}

/// The template with its placeholders filled in, and without what has nothing to say.
fn filled(template: &str, cover: &Cover, pages: u32) -> String {
    let mut out = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((start, end)) = next_element(rest) {
        out.push_str(&fill(&rest[..start], cover, pages).0);
        let (text, says_something) = fill(&rest[start..end], cover, pages);
        if says_something {
            out.push_str(&text);
        }
        rest = &rest[end..];
    }
    out.push_str(&fill(rest, cover, pages).0);
    out
}

/// Where the next row, item or paragraph begins and ends.
fn next_element(text: &str) -> Option<(usize, usize)> {
    let lower = text.to_ascii_lowercase();
    let begins = |name: &&str| {
        let opens = format!("<{name}");
        let found = lower.match_indices(&opens).map(|(at, _)| at);
        let is_tag = |at: &usize| lower[at + opens.len()..].starts_with([' ', '>', '\n', '\t']);
        found.into_iter().find(is_tag).map(|at| (at, format!("</{name}>")))
    };
    let (start, closes) = LEFT_OUT.iter().filter_map(begins).min()?;
    let end = lower[start..].find(&closes).map_or(text.len(), |end| start + end + closes.len());
    Some((start, end))
}

/// A piece of the template filled in, and whether it has no placeholder or one that is not empty.
fn fill(piece: &str, cover: &Cover, pages: u32) -> (String, bool) {
    let (mut out, mut asked, mut said) = (String::new(), false, false);
    let mut rest = piece;
    while let Some((before, after)) = split_placeholder(rest) {
        let (name, after) = after.split_once('}').unwrap_or((after, ""));
        out.push_str(before);
        let words: Words = parse_words(&format!("{{{name}}}")).unwrap_or_default();
        for word in &words {
            if let Word::Placeholder(name) = word {
                let value = value(*name, cover, pages);
                asked = true;
                said |= !value.trim().is_empty();
                out.push_str(&escaped(value.trim()));
            }
        }
        rest = after;
    }
    out.push_str(rest);
    (out, said || !asked)
}

/// Text as HTML, its line ends kept.
fn escaped(text: &str) -> String {
    let plain = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    plain.replace('"', "&quot;").replace('\n', "<br>")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_with_nothing_to_say_are_left_out_and_the_rest_is_filled_in() {
        let template = "<style>p { color: red }</style><p>Fax {number}</p><table><TR class=a><td>Attn.<td>{attention}</TR>\
                        <tr><td>From<td>{from}</tr></table>{note}";
        let cover = Cover { number: "+1".into(), from: "A <a@b>".into(), ..Cover::default() };
        assert_eq!(
            filled(template, &cover, 2),
            "<style>p { color: red }</style><p>Fax +1</p><table><tr><td>From<td>A &lt;a@b&gt;</tr></table>"
        );
    }

    #[test]
    fn a_wrong_placeholder_is_found_in_its_line() {
        assert_eq!(check("<p>{to}\n{pages}\n<b>{too}</b>"), Err((3, "{too} is no placeholder".into())));
        assert_eq!(check("<style>p{color:red} b{}</style>{ x }"), Ok(()));
    }
}
