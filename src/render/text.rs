//! Plain text to paragraphs: `format=flowed` and `delsp` (RFC 3676), quotations, and tables made of spaces.
//!
//! Flowed lines are joined and broken anew to the sheet; fixed lines stay as they are. Quotation marks become bars.
//! A text that aligns columns with runs of spaces or tabs is set in a monospaced font, so that it stays aligned.

use super::flow::{Look, MONO_PT, Paragraph, Span, TEXT_PT};

/// Columns that a tab stop lies apart.
const TAB_COLUMNS: usize = 8;
/// A text is taken for a table when it has this many lines with an inner gap …
const TABLE_LINES_MIN: usize = 3;
/// … of this many spaces.
const TABLE_GAP: &str = "   ";

/// How a text part's lines are meant (RFC 3676 §4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Format {
    /// A line is a line.
    #[default]
    Fixed,
    /// A line that ends in a space goes on in the next.
    Flowed {
        /// That space is not part of the text.
        del_sp: bool,
    },
}

/// A line of text without its quotation marks.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Line {
    quote_depth: u32,
    text: String,
}

/// The paragraphs of a text.
pub(super) fn paragraphs(text: &str, format: Format) -> Vec<Paragraph> {
    let lines = match format {
        Format::Fixed => text.lines().map(fixed_line).collect(),
        Format::Flowed { del_sp } => join_flowed(text, del_sp),
    };
    let mono = format == Format::Fixed && is_table(&lines);
    let mut lines: &[Line] = &lines;
    while let [rest @ .., last] = lines
        && last.text.trim().is_empty()
    {
        lines = rest;
    }
    lines.iter().skip_while(|line| line.text.trim().is_empty()).map(|line| paragraph(line, mono)).collect()
}

fn paragraph(line: &Line, mono: bool) -> Paragraph {
    let text = if mono { expand_tabs(&line.text) } else { line.text.clone() };
    let look = Look { mono, ..Look::default() };
    Paragraph {
        size_pt: if mono { MONO_PT } else { TEXT_PT },
        quote_depth: line.quote_depth,
        ..Paragraph::spans(vec![Span { text: printable(&text), look }])
    }
}

/// A line of fixed text: `>` marks, with or without spaces between them, are its quotation depth.
fn fixed_line(line: &str) -> Line {
    let mut rest = line.trim_end();
    let mut quote_depth = 0;
    while let Some(after) = rest.strip_prefix('>') {
        quote_depth += 1;
        rest = after.strip_prefix(' ').filter(|next| next.starts_with('>')).unwrap_or(after);
    }
    if quote_depth > 0 {
        rest = rest.strip_prefix(' ').unwrap_or(rest);
    }
    Line { quote_depth, text: rest.to_owned() }
}

/// RFC 3676 §4.1 to §4.5: unstuff, then join a line to the next while it ends in a space and the depth is the same.
fn join_flowed(text: &str, del_sp: bool) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    let mut open = false;
    for raw in text.lines() {
        let content = raw.trim_start_matches('>');
        let quote_depth = u32::try_from(raw.len() - content.len()).unwrap_or(u32::MAX);
        let content = content.strip_prefix(' ').unwrap_or(content);
        let signature = content == "-- ";
        let flowed = content.ends_with(' ') && !signature;
        let content = if flowed && del_sp { &content[..content.len() - 1] } else { content };
        match lines.last_mut() {
            Some(last) if open && last.quote_depth == quote_depth && !signature => {
                last.text.push_str(content);
            }
            _ => lines.push(Line { quote_depth, text: content.to_owned() }),
        }
        open = flowed;
    }
    lines
}

fn is_table(lines: &[Line]) -> bool {
    let aligned = |line: &&Line| line.text.trim().contains(TABLE_GAP) || line.text.trim().contains('\t');
    lines.iter().filter(aligned).count() >= TABLE_LINES_MIN
}

/// A line with its tabs as spaces.
pub(super) fn expand_tabs(line: &str) -> String {
    let mut text = String::with_capacity(line.len());
    let mut column = 0;
    for character in line.chars() {
        let columns = if character == '\t' { TAB_COLUMNS - column % TAB_COLUMNS } else { 1 };
        if character == '\t' {
            text.extend(std::iter::repeat_n(' ', columns));
        } else {
            text.push(character);
        }
        column += columns;
    }
    text
}

/// The text without the control characters that a page cannot show.
pub(super) fn printable(text: &str) -> String {
    text.chars()
        .filter(|&c| !c.is_control() || c == '\t')
        .map(|c| if c == '\u{feff}' { ' ' } else { c })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str, format: Format) -> Vec<(u32, String)> {
        let of = |p: Paragraph| (p.quote_depth, p.spans.into_iter().map(|s| s.text).collect());
        paragraphs(text, format).into_iter().map(of).collect()
    }

    #[test]
    fn flowed_lines_are_joined_within_their_depth() {
        let text = "Dear Ann, \r\nthank you.\r\n>> deep \r\n>> quote\r\n> shallow \r\nme\r\n\r\n From here\r\n-- \r\nBob\r\n";
        let expected = [
            (0, "Dear Ann, thank you."),
            (2, "deep quote"),
            (1, "shallow "),
            (0, "me"),
            (0, ""),
            (0, "From here"),
            (0, "-- "),
            (0, "Bob"),
        ];
        assert_eq!(
            lines(text, Format::Flowed { del_sp: false }),
            expected.map(|(depth, text)| (depth, text.to_owned()))
        );
    }

    #[test]
    fn del_sp_takes_the_space_away() {
        assert_eq!(lines("日本 \n語", Format::Flowed { del_sp: true }), [(0, "日本語".to_owned())]);
    }

    #[test]
    fn fixed_lines_stay_and_show_their_depth() {
        assert_eq!(
            lines("\n> > a\n>> b\n>c\n\n", Format::Fixed),
            [(2, "a".to_owned()), (2, "b".to_owned()), (1, "c".to_owned())]
        );
    }

    #[test]
    fn columns_made_of_spaces_are_monospaced() {
        let table = "Item        Price\nBolt        1.20\nNut         0.80\n";
        assert!(paragraphs(table, Format::Fixed).iter().all(|p| p.spans[0].look.mono));
        assert!(paragraphs("Dear   Ann\n", Format::Fixed).iter().all(|p| !p.spans[0].look.mono));
        assert_eq!(expand_tabs("a\tb"), "a       b");
    }
}
