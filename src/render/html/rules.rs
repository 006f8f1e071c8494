//! Style sheets to rules: which declarations go with which selector (CSS Syntax 3, read leniently as in mail).
//!
//! Selectors are read and matched by simplecss; a rule whose selector it does not know (`:hover`, `:nth-child`) is left
//! out, as browsers do. Of `@media` what is for every medium, screens or print counts, unless it asks for a width.

use std::collections::HashMap;
use std::rc::Rc;

use simplecss::Selector;

use super::dom::{Dom, NodeId, Seen};

/// Rules that are kept of all sheets together; mail programs write some hundred.
const RULES_MAX: usize = 3000;
/// The parts of a selector, in bytes; the time that matching takes grows with its parts.
const SELECTOR_BYTES_MAX: usize = 200;
const SELECTOR_PARTS_MAX: usize = 6;
/// How deep blocks within blocks are looked into.
const NESTING_MAX: u32 = 4;

/// A property and its value, both as written, the property in lower case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Declaration {
    pub(super) property: String,
    pub(super) value: String,
    pub(super) important: bool,
}

/// Declarations for the elements that a selector matches.
#[derive(Debug)]
struct Rule<'s> {
    selector: Selector<'s>,
    key: String,
    declarations: Rc<[Declaration]>,
}

/// All rules, in the order in which later ones win.
#[derive(Debug, Default)]
pub(super) struct Rules<'s> {
    rules: Vec<Rule<'s>>,
    /// Which rules an element must be compared with, by what it must have: `#id`, `.class`, its name, or `*`.
    by_key: HashMap<String, Vec<usize>>,
}

impl<'s> Rules<'s> {
    /// The rules of sheets, one after the other.
    pub(super) fn read(sheets: &'s [String]) -> Self {
        let mut rules = Self::default();
        for sheet in sheets {
            rules.block(sheet, NESTING_MAX);
        }
        // Stable: of equal ones the later wins (CSS Cascade 4 §6.4).
        rules.rules.sort_by_cached_key(|rule| rule.selector.specificity());
        for (index, rule) in rules.rules.iter().enumerate() {
            rules.by_key.entry(rule.key.clone()).or_default().push(index);
        }
        rules
    }

    /// What is declared for an element, in the order in which later ones win.
    pub(super) fn of<'r>(&'r self, dom: &'r Dom, id: NodeId) -> impl Iterator<Item = &'r Declaration> {
        let seen = Seen { dom, id };
        let classes = dom.attribute(id, "class").unwrap_or_default().split(' ');
        let mut keys: Vec<String> = classes.map(|class| format!(".{class}")).collect();
        keys.extend(dom.attribute(id, "id").map(|id| format!("#{id}")));
        keys.extend([dom.name(id).to_owned(), "*".to_owned()]);
        let mut found: Vec<usize> =
            keys.iter().filter_map(|key| self.by_key.get(key)).flatten().copied().collect();
        found.sort_unstable();
        found.dedup();
        let rules = found.into_iter().map(|index| &self.rules[index]);
        rules.filter(move |rule| rule.selector.matches(&seen)).flat_map(|rule| rule.declarations.iter())
    }

    fn block(&mut self, text: &'s str, nesting: u32) {
        let mut rest = text;
        while let Some(open) = rest.find(['{', ';']) {
            let (prelude, after) = rest.split_at(open);
            let prelude = prelude.trim().trim_start_matches("<!--").trim_start_matches("-->").trim();
            let Some(after) = after.strip_prefix('{') else {
                rest = after.trim_start_matches(';');
                continue;
            };
            let (inner, next) = braced(after);
            rest = next;
            match prelude.strip_prefix('@') {
                Some(at) if nesting > 0 && is_for_paper(at) => self.block(inner, nesting - 1),
                Some(_) => {}
                None => self.rule(prelude, inner),
            }
        }
    }

    fn rule(&mut self, selectors: &'s str, inner: &str) {
        let declarations: Rc<[Declaration]> = declarations(inner).into();
        if declarations.is_empty() {
            return;
        }
        for selector in selectors.split(',').map(str::trim) {
            let parts = selector.split_ascii_whitespace().count();
            let fits = selector.len() <= SELECTOR_BYTES_MAX && parts <= SELECTOR_PARTS_MAX;
            if !fits || selector.is_empty() || self.rules.len() >= RULES_MAX {
                continue;
            }
            if let Some(parsed) = Selector::parse(selector) {
                let key = key(selector);
                self.rules.push(Rule { selector: parsed, key, declarations: declarations.clone() });
            }
        }
    }
}

/// What an element must have for a selector to match it.
fn key(selector: &str) -> String {
    let last = selector.rsplit([' ', '\t', '\n', '\r', '>', '+', '~']).next().unwrap_or_default();
    let name = |text: &str| text.chars().take_while(|c| !matches!(c, '.' | '#' | ':')).collect::<String>();
    match (selector.contains('['), last.find('#').or_else(|| last.find('.'))) {
        (true, _) => "*".to_owned(),
        (false, Some(at)) => format!("{}{}", &last[at..=at], name(&last[at + 1..])),
        (false, None) => match name(last) {
            name if name.is_empty() => "*".to_owned(),
            name => name.to_ascii_lowercase(),
        },
    }
}

/// A sheet without its comments.
pub(super) fn without_comments(sheet: &str) -> String {
    let mut out = String::with_capacity(sheet.len());
    let mut rest = sheet;
    while let Some((text, comment)) = rest.split_once("/*") {
        out.push_str(text);
        out.push(' ');
        rest = comment.split_once("*/").map_or("", |(_, after)| after);
    }
    out.push_str(rest);
    out
}

/// Whether the rules in an at-rule hold for paper: `media screen`, `media all and (min-width: 480px)`.
fn is_for_paper(prelude: &str) -> bool {
    let Some(query) = prelude.to_ascii_lowercase().strip_prefix("media").map(str::to_owned) else {
        return false;
    };
    query.split(',').any(|query| {
        let medium = query.trim().trim_start_matches("only ").trim();
        let (medium, asks) = medium.split_once(" and ").unwrap_or((medium, ""));
        let is_narrow = asks.contains("max-") || asks.contains("prefers-") || asks.contains("-webkit");
        matches!(medium, "all" | "screen" | "print" | "") && !is_narrow
    })
}

/// Splits after the brace that closes what was opened before.
fn braced(text: &str) -> (&str, &str) {
    let mut depth = 1u32;
    for (at, c) in text.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return (&text[..at], &text[at + 1..]);
        }
    }
    (text, "")
}

/// The declarations of a `style` attribute or of a rule.
pub(super) fn declarations(text: &str) -> Vec<Declaration> {
    parts(text).filter_map(declaration).collect()
}

/// What stands between semicolons that are in no string and in no parentheses.
fn parts(text: &str) -> impl Iterator<Item = &str> {
    let mut quote = None;
    let mut depth = 0u32;
    text.split(move |c: char| {
        match c {
            '"' | '\'' if quote.is_none() => quote = Some(c),
            _ if quote == Some(c) => quote = None,
            '(' if quote.is_none() => depth += 1,
            ')' if quote.is_none() => depth = depth.saturating_sub(1),
            ';' => return quote.is_none() && depth == 0,
            _ => {}
        }
        false
    })
}

fn declaration(text: &str) -> Option<Declaration> {
    let (property, value) = text.split_once(':')?;
    let property = property.trim().to_ascii_lowercase();
    let value = value.trim();
    let bare = value.rsplit_once('!').filter(|(_, mark)| mark.trim().eq_ignore_ascii_case("important"));
    let important = bare.is_some();
    let value = bare.map_or(value, |(bare, _)| bare.trim_end()).to_owned();
    let known = !property.is_empty() && !value.is_empty();
    known.then_some(Declaration { property, value, important })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::parse::parse;
    use super::*;

    /// What `color` the element with the id `x` is given.
    fn color(html: &str, sheet: &str) -> Option<String> {
        let sheets = [without_comments(sheet)];
        let rules = Rules::read(&sheets);
        let dom = parse(html);
        let id = (1..dom.nodes.len()).find(|&id| dom.attribute(id, "id") == Some("x")).unwrap();
        let found = rules.of(&dom, id).filter(|found| found.property == "color").last();
        found.map(|found| found.value.clone())
    }

    #[test]
    fn the_more_specific_and_then_the_later_rule_wins() {
        let html = "<div class='c'><p id=x class='a b'>x</p></div>";
        let sheet = "p.a { color: one } .c > P { color: two; } p{color:three} /* } */ p.b{ COLOR : four }";
        assert_eq!(color(html, sheet).as_deref(), Some("four"));
        assert_eq!(color(html, "#x{color:one}.a{color:two}").as_deref(), Some("one"));
    }

    #[test]
    fn what_is_not_understood_takes_nothing_with_it() {
        let html = "<p id=x>x</p>";
        let sheet = "<!-- @font-face { src: url(x;y) } @import 'x'; p:nth-child(2) { color: a } \
                     p { *zoom: 1; color: b; filter: x(startColorstr='#1;2') } -->";
        assert_eq!(color(html, sheet).as_deref(), Some("b"));
        assert_eq!(color(html, "p { color: a").as_deref(), Some("a"));
        assert_eq!(color(html, "}} p { color: a }"), None);
    }

    #[test]
    fn media_are_told_apart() {
        let html = "<p id=x>x</p>";
        let media = |query: &str| color(html, &format!("@media {query} {{ p {{ color: a }} }}"));
        for query in ["screen", "print", "all", "only screen and (min-width: 480px)", "speech, print"] {
            assert_eq!(media(query).as_deref(), Some("a"), "{query}");
        }
        for query in ["speech", "only screen and (max-width:600px)", "(prefers-color-scheme: dark)"] {
            assert_eq!(media(query), None, "{query}");
        }
    }

    #[test]
    fn values_keep_their_semicolons_and_lose_their_importance() {
        let found = declarations("background:url(data:a;b) ; color: red ! important;x;:y");
        let shown: Vec<_> =
            found.iter().map(|d| (d.property.as_str(), d.value.as_str(), d.important)).collect();
        assert_eq!(shown, [("background", "url(data:a;b)", false), ("color", "red", true)]);
    }
}
