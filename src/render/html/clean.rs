//! HTML written anew before a parser sees it: tags with few attributes, no comments, no scripts, no deep or crossed nesting.
//!
//! Mail is hostile: an element with 100,000 attributes costs the parser a minute, because it looks for doubles. What comes
//! out here holds no `<` but those of its own tags, so that no parser can read it otherwise than it is meant. The tokens
//! are those of the HTML standard (§13.2.5), read leniently.

use super::super::options::Limits;

/// Attributes of a tag that are kept; mail programs write about ten.
const ATTRIBUTES_MAX: usize = 40;
/// Elements that are never closed, or need not be: they do not nest in each other.
const UNCLOSED: &[&str] = &[
    "area", "base", "br", "col", "dd", "dt", "embed", "hr", "img", "input", "li", "link", "meta", "option",
    "p", "source", "tbody", "td", "tfoot", "th", "thead", "tr", "wbr",
];
/// Elements whose content is no text to read.
const SILENT: &[&str] = &["script", "title", "iframe"];
/// Elements that would make a parser read what follows in another way.
const IGNORED: &[&str] = &["textarea", "xmp", "plaintext", "noembed", "noframes", "listing"];

/// What becomes of `rowspan` and `colspan`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CellSpans {
    /// They stay.
    Kept,
    /// Every cell is a single one.
    LeftOut,
}

/// The document with nothing in it but text, style sheets and plain tags, well nested.
pub(super) fn clean(html: &str, limits: &Limits, spans: CellSpans) -> String {
    let mut cleaner = Cleaner {
        rest: html,
        spans,
        out: String::with_capacity(html.len()),
        open: Vec::new(),
        depth_max: limits.html_depth_max as usize,
    };
    while let Some((text, markup)) = cleaner.rest.split_once('<') {
        cleaner.out.push_str(text);
        cleaner.rest = markup;
        cleaner.markup();
    }
    cleaner.out.push_str(cleaner.rest);
    cleaner.out
}

struct Cleaner<'h> {
    rest: &'h str,
    spans: CellSpans,
    out: String,
    /// The elements that are open, outermost first.
    open: Vec<String>,
    depth_max: usize,
}

impl<'h> Cleaner<'h> {
    /// What follows a `<`.
    fn markup(&mut self) {
        if let Some(comment) = self.rest.strip_prefix("!--") {
            self.rest = comment.split_once("-->").map_or("", |(_, after)| after);
        } else if self.rest.starts_with(['!', '?']) {
            self.skip_past('>');
        } else if let Some(closing) = self.rest.strip_prefix('/').filter(|rest| begins_name(rest)) {
            self.rest = closing;
            let name = self.name();
            self.skip_past('>');
            self.close(&name);
        } else if begins_name(self.rest) {
            let name = self.name();
            let attributes = self.attributes();
            self.open(name, &attributes);
        } else {
            self.out.push_str("&lt;");
        }
    }

    /// Past the limit an element's tags are left out, and its text stays.
    fn open(&mut self, name: String, attributes: &[(&str, &str)]) {
        let nests = !UNCLOSED.contains(&name.as_str()) && name != "style";
        if SILENT.contains(&name.as_str()) {
            self.raw_content(&name);
            return;
        }
        if IGNORED.contains(&name.as_str()) || nests && self.open.len() >= self.depth_max {
            return;
        }
        self.out.push('<');
        self.out.push_str(&name);
        let is_span =
            |name: &str| name.eq_ignore_ascii_case("rowspan") || name.eq_ignore_ascii_case("colspan");
        for (attribute, value) in attributes {
            if self.spans == CellSpans::LeftOut && is_span(attribute) {
                continue;
            }
            let value = value.replace('"', "&quot;");
            self.out.push_str(&format!(" {attribute}=\"{value}\""));
        }
        self.out.push('>');
        if name == "style" {
            // Within SVG a style sheet is markup to the parser, so it must hold none.
            let sheet = self.raw_content(&name).replace('<', " ");
            self.out.push_str(&sheet);
            self.out.push_str("</style>");
        }
        if nests {
            self.open.push(name);
        }
    }

    /// Closes the element and all that are open within it, or nothing where it is not open.
    fn close(&mut self, name: &str) {
        if UNCLOSED.contains(&name) {
            self.out.push_str(&format!("</{name}>"));
        } else if let Some(place) = self.open.iter().rposition(|open| open == name) {
            for inner in self.open.drain(place..).rev() {
                self.out.push_str(&format!("</{inner}>"));
            }
        }
    }

    /// Letters, digits and hyphens of a name, in lower case; what else stands there is dropped.
    fn name(&mut self) -> String {
        let end = self.rest.find(|c: char| c.is_ascii_whitespace() || matches!(c, '/' | '>' | '<'));
        let (name, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        self.rest = rest;
        name.chars().filter(|&c| is_name_char(c)).collect::<String>().to_ascii_lowercase()
    }

    /// The attributes up to the end of the tag.
    fn attributes(&mut self) -> Vec<(&'h str, &'h str)> {
        let mut attributes = Vec::new();
        loop {
            self.rest = self.rest.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == '/');
            if self.rest.is_empty() {
                return attributes;
            }
            if let Some(after) = self.rest.strip_prefix('>') {
                self.rest = after;
                return attributes;
            }
            let (name, value) = self.attribute();
            let well_formed = !name.is_empty() && name.chars().all(is_name_char);
            if well_formed && attributes.len() < ATTRIBUTES_MAX {
                attributes.push((name, value));
            }
        }
    }

    fn attribute(&mut self) -> (&'h str, &'h str) {
        // The first character belongs to the name, whatever it is, so that every turn gets on.
        let first = self.rest.chars().next().map_or(0, char::len_utf8);
        let ends = |c: char| c.is_ascii_whitespace() || matches!(c, '/' | '>' | '=');
        let end = self.rest[first..].find(ends).map_or(self.rest.len(), |end| first + end);
        let (name, rest) = self.rest.split_at(end);
        let Some(value) = rest.trim_start().strip_prefix('=') else {
            self.rest = rest;
            return (name, "");
        };
        let value = value.trim_start();
        let quoted = ['"', '\''].into_iter().find_map(|quote| Some((quote, value.strip_prefix(quote)?)));
        let (value, rest) = match quoted {
            Some((quote, value)) => value.split_once(quote).unwrap_or((value, "")),
            None => {
                let end = value.find(|c: char| c.is_ascii_whitespace() || c == '>');
                value.split_at(end.unwrap_or(value.len()))
            }
        };
        self.rest = rest;
        (name, value)
    }

    /// Takes everything up to the closing tag of `name`, that tag included.
    fn raw_content(&mut self, name: &str) -> &'h str {
        let closes = |at: &usize| {
            let tag = self.rest.get(at + 2..at + 2 + name.len());
            tag.is_some_and(|tag| tag.eq_ignore_ascii_case(name))
        };
        let end = self.rest.match_indices("</").map(|(at, _)| at).find(closes);
        let (content, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        self.rest = rest;
        self.skip_past('>');
        content
    }

    fn skip_past(&mut self, end: char) {
        self.rest = self.rest.split_once(end).map_or("", |(_, after)| after);
    }
}

fn begins_name(rest: &str) -> bool {
    rest.starts_with(|c: char| c.is_ascii_alphabetic())
}

fn is_name_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | ':' | '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cleaned(html: &str) -> String {
        clean(html, &Limits::default(), CellSpans::Kept)
    }

    #[test]
    fn what_is_meant_stays() {
        let html = "<!DOCTYPE html><P Class='a b' style=\"color:red\" hidden>1 < 2 &amp; <br/><img src=cid:x alt='say \"hi\"'></P>";
        assert_eq!(
            cleaned(html),
            "<p Class=\"a b\" style=\"color:red\" hidden=\"\">1 &lt; 2 &amp; <br><img src=\"cid:x\" \
             alt=\"say &quot;hi&quot;\"></p>"
        );
    }

    #[test]
    fn comments_and_scripts_go_and_style_sheets_stay() {
        assert_eq!(cleaned("a<!-- <b> -->b<script>if (a<b) x('</p>')</SCRIPT >c<!-- open"), "abc");
        assert_eq!(
            cleaned("<style>p > b { color: red } <p a b></STYLE>x"),
            "<style>p > b { color: red }  p a b></style>x"
        );
    }

    #[test]
    fn a_tag_keeps_few_attributes_and_the_depth_is_limited() {
        let many: String = (0..1000).map(|i| format!("a{i} ")).collect();
        assert_eq!(cleaned(&format!("<p {many}>x")).matches('=').count(), ATTRIBUTES_MAX);
        assert_eq!(cleaned("<p \"<\"='>' a<b==c =d e=\"f"), "<p e=\"f\">");
        assert_eq!(cleaned(&("<div>".repeat(5000) + "x")), "<div>".repeat(200) + "x");
        assert_eq!(cleaned("<div><b>x</div></b></i>y<br></br>"), "<div><b>x</b></div>y<br></br>");
    }
}
