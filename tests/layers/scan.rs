//! Reads Rust sources well enough for the house rules: words, braces, paths. No grammar, no types.

use std::ops::RangeInclusive;

/// A word, a number, `::` or a single sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Token<'a> {
    pub(crate) text: &'a str,
    /// From 1.
    pub(crate) line: usize,
}

/// The source with comments and the insides of literals turned to spaces; lines stay where they are.
pub(crate) fn code_of(source: &str) -> String {
    let mut code = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(first) = rest.chars().next() {
        let in_word = code.chars().next_back().is_some_and(is_word);
        let skipped = match comment(rest).or_else(|| literal(rest, in_word)) {
            Some(length) => &rest[..length],
            None => "",
        };
        if skipped.is_empty() {
            code.push(first);
            rest = &rest[first.len_utf8()..];
        } else {
            code.extend(skipped.chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
            rest = &rest[skipped.len()..];
        }
    }
    code
}

/// The bytes of the comment that `rest` begins with.
fn comment(rest: &str) -> Option<usize> {
    if rest.starts_with("//") {
        return Some(rest.find('\n').unwrap_or(rest.len()));
    }
    if !rest.starts_with("/*") {
        return None;
    }
    let mut depth = 0;
    let mut at = 0;
    while at < rest.len() {
        let pair = rest.as_bytes().get(at..at + 2);
        match pair {
            Some(b"/*") => depth += 1,
            Some(b"*/") => depth -= 1,
            _ => {
                at += 1;
                continue;
            }
        }
        at += 2;
        if depth == 0 {
            break;
        }
    }
    Some(at)
}

/// The bytes of the string or character that `rest` begins with; `in_word` when what stands before is part of a word.
fn literal(rest: &str, in_word: bool) -> Option<usize> {
    if !in_word
        && let Some(raw) = ["r", "br", "cr"].iter().find_map(|prefix| rest.strip_prefix(prefix))
        && let Some(text) = raw.trim_start_matches('#').strip_prefix('"')
    {
        let hashes = raw.len() - text.len() - 1;
        let end = format!("\"{}", "#".repeat(hashes));
        let length = text.find(&end).map_or(text.len(), |at| at + end.len());
        return Some(rest.len() - text.len() + length);
    }
    let mut chars = rest.char_indices();
    match chars.next()?.1 {
        '"' => Some(closing(rest, '"')),
        '\'' => {
            let (_, inside) = chars.next()?;
            let (after, end) = chars.next()?;
            match (inside, end) {
                ('\\', _) => Some(closing(rest, '\'')),
                (_, '\'') => Some(after + 1),
                // A lifetime.
                _ => None,
            }
        }
        _ => None,
    }
}

/// The bytes up to and with the closing `quote` of a literal with escapes.
fn closing(rest: &str, quote: char) -> usize {
    let mut chars = rest.char_indices().skip(1);
    while let Some((at, c)) = chars.next() {
        if c == '\\' {
            chars.next();
        } else if c == quote {
            return at + 1;
        }
    }
    rest.len()
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The tokens of what [`code_of`] made.
pub(crate) fn tokens(code: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    for (index, line) in code.lines().enumerate() {
        let mut rest = line.trim_start();
        while let Some(first) = rest.chars().next() {
            let length = if is_word(first) {
                rest.find(|c| !is_word(c)).unwrap_or(rest.len())
            } else if rest.starts_with("::") {
                2
            } else {
                first.len_utf8()
            };
            tokens.push(Token { text: &rest[..length], line: index + 1 });
            rest = rest[length..].trim_start();
        }
    }
    tokens
}

fn text<'a>(tokens: &[Token<'a>], at: usize) -> &'a str {
    tokens.get(at).map_or("", |token| token.text)
}

fn begins_with(tokens: &[Token<'_>], at: usize, words: &[&str]) -> bool {
    words.iter().enumerate().all(|(index, word)| text(tokens, at + index) == *word)
}

/// The place of the bracket that closes the one at `open`.
fn matching(tokens: &[Token<'_>], open: usize) -> usize {
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate().skip(open) {
        match token.text {
            "{" | "(" | "[" => depth += 1,
            "}" | ")" | "]" => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return at;
        }
    }
    tokens.len().saturating_sub(1)
}

/// The lines of `#[cfg(test)] mod … { … }`, attribute and all.
pub(crate) fn test_modules(tokens: &[Token<'_>]) -> Vec<RangeInclusive<usize>> {
    let cfg_test = ["#", "[", "cfg", "(", "test", ")", "]"];
    let mut modules = Vec::new();
    for start in 0..tokens.len() {
        if !begins_with(tokens, start, &cfg_test) {
            continue;
        }
        let mut at = start;
        while text(tokens, at) == "#" {
            at = matching(tokens, at + 1) + 1;
        }
        if text(tokens, at) == "mod" && text(tokens, at + 2) == "{" {
            modules.push(tokens[start].line..=tokens[matching(tokens, at + 2)].line);
        }
    }
    modules
}

/// A function with a body.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Function<'a> {
    pub(crate) name: &'a str,
    /// Where its `fn` stands, from 1.
    pub(crate) line: usize,
    /// From its `fn` to its last brace.
    pub(crate) lines: usize,
}

/// Every function, those within others too.
pub(crate) fn functions<'a>(tokens: &[Token<'a>]) -> Vec<Function<'a>> {
    let mut functions = Vec::new();
    for (start, token) in tokens.iter().enumerate() {
        let name = text(tokens, start + 1);
        // Not the type of a function pointer, `fn(…)`.
        if token.text != "fn" || !name.starts_with(is_word) {
            continue;
        }
        let mut at = start;
        while !matches!(text(tokens, at), "{" | ";" | "") {
            at = if matches!(text(tokens, at), "(" | "[") { matching(tokens, at) + 1 } else { at + 1 };
        }
        if text(tokens, at) == "{" {
            let lines = tokens[matching(tokens, at)].line - token.line + 1;
            let line = token.line;
            functions.push(Function { name, line, lines });
        }
    }
    functions
}

/// A path that the source names, from the root of the crate.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Path {
    pub(crate) segments: Vec<String>,
    /// From 1.
    pub(crate) line: usize,
}

/// Every path that begins with `crate`, `self`, `super` or the name of the library, in a file that is `module`.
pub(crate) fn paths(tokens: &[Token<'_>], module: &[String], library: &str) -> Vec<Path> {
    let mut paths = Vec::new();
    // The modules within the file that are open here, and where they close.
    let mut inner: Vec<(String, usize)> = Vec::new();
    // Where the last path ended; the branches of its `{…}` are no paths of their own.
    let mut end = 0;
    for (at, token) in tokens.iter().enumerate() {
        inner.retain(|(_, close)| at < *close);
        if token.text == "mod" && text(tokens, at + 2) == "{" {
            inner.push((text(tokens, at + 1).to_owned(), matching(tokens, at + 2)));
        }
        let begins = matches!(token.text, "crate" | "self" | "super") || token.text == library;
        if begins && at >= end && text(tokens, at + 1) == "::" {
            let here = module.iter().cloned().chain(inner.iter().map(|(name, _)| name.clone()));
            end = follow(tokens, at, here.collect(), library, &mut paths);
        }
    }
    paths
}

/// Follows one path, and each branch of its `{…}`, from the module `base`; gives the place behind it.
fn follow(
    tokens: &[Token<'_>],
    start: usize,
    mut base: Vec<String>,
    library: &str,
    paths: &mut Vec<Path>,
) -> usize {
    let mut at = start;
    loop {
        match text(tokens, at) {
            "crate" => base.clear(),
            word if at == start && word == library => base.clear(),
            "self" => {}
            "super" => {
                base.pop();
            }
            "{" => {
                let close = matching(tokens, at);
                let mut branch = at + 1;
                while branch < close {
                    // Behind a branch stands a comma, or `as` and a name.
                    branch = follow(tokens, branch, base.clone(), "", paths).max(branch + 1);
                    while branch < close && text(tokens, branch) != "," {
                        branch += 1;
                    }
                    branch += 1;
                }
                return close + 1;
            }
            word if word == "*" || word.starts_with(is_word) => base.push(word.to_owned()),
            _ => break,
        }
        at += 1;
        if text(tokens, at) != "::" {
            break;
        }
        at += 1;
    }
    let line = tokens.get(start).map_or(0, |token| token.line);
    paths.push(Path { segments: base, line });
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(source: &str) -> Vec<String> {
        tokens(&code_of(source)).iter().map(|token| token.text.to_owned()).collect()
    }

    fn named(source: &str, module: &str) -> Vec<String> {
        let module: Vec<String> = module.split("::").map(str::to_owned).collect();
        let code = code_of(source);
        paths(&tokens(&code), &module, "faxgate").iter().map(|path| path.segments.join("::")).collect()
    }

    #[test]
    fn comments_and_literals_are_no_code() {
        assert_eq!(texts("a // b\n/* c /* d */ e */ f"), ["a", "f"]);
        assert_eq!(texts(r#"a("b \" c", 'd', '\'', '{', b'}', b"{")"#).join(""), "a(,,,,b,b)");
        assert_eq!(texts("x(r\"\\\", r#\"a \" { \"#, br##\"}\"#\"##)").join(""), "x(,,)");
        assert_eq!(
            texts("fn a<'a>(b: &'a str, r#type: u8)").join(" "),
            "fn a < ' a > ( b : & ' a str , r # type : u8 )"
        );
        assert_eq!(tokens(&code_of("\"a\nb\"\nc"))[0].line, 3);
    }

    #[test]
    fn a_function_is_as_long_as_its_braces() {
        let source =
            "fn a(x: [u8; 3]) -> fn(u8) {\n  if x { \"}\" }\n}\ntrait T {\n fn none(&self);\n}\nfn b() {}";
        let code = code_of(source);
        let found: Vec<_> =
            functions(&tokens(&code)).iter().map(|f| (f.name.to_owned(), f.line, f.lines)).collect();
        assert_eq!(found, [("a".to_owned(), 1, 3), ("b".to_owned(), 7, 1)]);
    }

    #[test]
    fn a_test_module_is_found_with_its_attributes() {
        let code = code_of("fn a() {}\n#[cfg(test)]\n#[allow(x)]\nmod tests {\n fn b() {}\n}\nfn c() {}");
        assert_eq!(test_modules(&tokens(&code)), [2..=6]);
        assert_eq!(test_modules(&tokens("#[cfg(test)]\nmod tests;\n#[cfg(test)] fn a() {}")), []);
    }

    #[test]
    fn paths_are_followed_from_the_root() {
        assert_eq!(named("use crate::store::Store;", "queue"), ["store::Store"]);
        assert_eq!(
            named("use crate::{job::{self, Job}, store as s, line};", "queue"),
            ["job", "job::Job", "store", "line"]
        );
        assert_eq!(named("use super::{super::store, plan};", "queue::run"), ["store", "queue::plan"]);
        assert_eq!(named("fn a() { super::super::store::open() }", "queue::run"), ["store::open"]);
        assert_eq!(named("use self::super::job::*;", "queue"), ["job::*"]);
        assert_eq!(named("let a = faxgate::app::run();", "main"), ["app::run"]);
    }

    #[test]
    fn a_module_in_the_file_is_one_step_more() {
        let source = "mod tests { use super::*; use super::super::store; } use super::job;";
        assert_eq!(named(source, "queue"), ["queue::*", "store", "job"]);
    }

    #[test]
    fn what_only_looks_like_a_path_is_none() {
        assert_eq!(
            named("pub(crate) fn a(&self) { self.b(); std::process::exit(1) } // crate::x", "queue"),
            [""; 0]
        );
        assert_eq!(named("pub(in super::super) const A: u8 = 1;", "store::sled::keys"), ["store"]);
    }
}
