//! The house rules, each a function from a source to what is wrong with it.

use crate::scan::{self, Token};

/// The most lines of a file, test modules not counted.
pub(crate) const FILE_LINES_MAX: usize = 800;

/// The most lines of a function, from `fn` to the last brace.
pub(crate) const FUNCTION_LINES_MAX: usize = 70;

/// A module of the gateway, and where it stands.
pub(crate) struct Module {
    pub(crate) name: &'static str,
    pub(crate) layer: u8,
    /// The neighbours in its own layer that it may name; the others it must not know.
    pub(crate) neighbours: &'static [&'static str],
}

/// One file.
pub(crate) struct Source {
    /// From the root of the repository.
    pub(crate) path: String,
    text: String,
    code: String,
}

impl Source {
    pub(crate) fn new(path: &str, text: &str) -> Self {
        Self { path: path.to_owned(), text: text.to_owned(), code: scan::code_of(text) }
    }

    pub(crate) fn tokens(&self) -> Vec<Token<'_>> {
        scan::tokens(&self.code)
    }

    /// The module that the file is, from the root of its crate; empty for `lib.rs`.
    fn module(&self) -> Vec<String> {
        let inside = self.path.rsplit_once("src/").map_or(self.path.as_str(), |(_, inside)| inside);
        let steps = inside.trim_end_matches(".rs").split('/');
        steps.filter(|step| *step != "mod" && *step != "lib").map(str::to_owned).collect()
    }

    /// Whether the whole file is a test module, kept beside the code by `#[cfg(test)] mod tests;`.
    fn is_test(&self) -> bool {
        self.module().iter().any(|step| step == "tests")
    }

    /// Whether a line belongs to a test.
    fn in_test(&self) -> impl Fn(usize) -> bool {
        let modules = scan::test_modules(&self.tokens());
        let whole = self.is_test();
        move |line| whole || modules.iter().any(|lines| lines.contains(&line))
    }
}

/// A module begins with what it promises.
pub(crate) fn head(source: &Source) -> Option<String> {
    let first =
        source.text.lines().find(|line| !line.trim().is_empty() && !line.starts_with("#![")).unwrap_or("");
    let promises = first.strip_prefix("//!").is_some_and(|words| !words.trim().is_empty());
    (!promises && !source.is_test())
        .then(|| format!("{}: no `//!` head says what the module promises", source.path))
}

/// A file that does not fit in a head is two.
pub(crate) fn file_length(source: &Source) -> Option<String> {
    let in_test = source.in_test();
    let lines = (1..=source.text.lines().count()).filter(|line| !in_test(*line)).count();
    (lines > FILE_LINES_MAX).then(|| {
        format!(
            "{}: {lines} lines outside tests, over {FILE_LINES_MAX}: split it where its sense changes",
            source.path
        )
    })
}

/// The functions that are too long, as `path::name`, with their lines.
pub(crate) fn long_functions(source: &Source) -> Vec<(String, usize)> {
    let in_test = source.in_test();
    scan::functions(&source.tokens())
        .iter()
        .filter(|function| function.lines > FUNCTION_LINES_MAX && !in_test(function.line))
        .map(|function| (format!("{}::{}", source.path, function.name), function.lines))
        .collect()
}

/// Long functions that are not excepted, and exceptions that nothing needs any more.
pub(crate) fn function_lengths(long: &[(String, usize)], exceptions: &[&str]) -> Vec<String> {
    let new = long.iter().filter(|(name, _)| !exceptions.contains(&name.as_str()));
    let stale = exceptions.iter().filter(|name| !long.iter().any(|(long, _)| long == *name));
    new.map(|(name, lines)| format!("{name}: {lines} lines, over {FUNCTION_LINES_MAX}"))
        .chain(stale.map(|name| {
            format!("{name}: not too long any more (or gone): take it off the list of exceptions")
        }))
        .collect()
}

/// Clippy bans every reading of a clock (`clippy.toml`); only `src/clock.rs` and tests may lift the ban.
pub(crate) fn clock(source: &Source) -> Vec<String> {
    if source.path == "src/clock.rs" {
        return Vec::new();
    }
    let in_test = source.in_test();
    source
        .tokens()
        .iter()
        .filter(|token| token.text == "disallowed_methods" && !in_test(token.line))
        .map(|token| {
            format!("{}:{}: only src/clock.rs reads a clock; hand the time in", source.path, token.line)
        })
        .collect()
}

/// Arrows point down, to a listed neighbour, or nowhere.
pub(crate) fn arrows(source: &Source, table: &[Module], never: &[(&str, &str)]) -> Vec<String> {
    let file = source.module();
    if file.is_empty() {
        // The list of modules names them all.
        return Vec::new();
    }
    let Some(from) = module_of_file(&file, table) else {
        return vec![format!("{}: in no layer: give its module a place in tests/layers.rs", source.path)];
    };
    let mut faults = Vec::new();
    for path in scan::paths(&source.tokens(), &file, "faxgate") {
        let fault = match module_of_path(&path.segments, table) {
            None if path.segments.is_empty() => continue,
            None => format!("names `{}`, which is in no layer", path.segments.join("::")),
            Some(to) if to.name == from.name || allowed(from, to, never) => continue,
            Some(to) => {
                format!("`{}` (layer {}) names `{}` (layer {})", from.name, from.layer, to.name, to.layer)
            }
        };
        faults.push(format!("{}:{}: {fault}", source.path, path.line));
    }
    faults
}

fn allowed(from: &Module, to: &Module, never: &[(&str, &str)]) -> bool {
    let top = from.name.split("::").next().unwrap_or_default();
    if never.contains(&(top, to.name)) {
        return false;
    }
    to.layer < from.layer || (to.layer == from.layer && from.neighbours.contains(&to.name))
}

/// The row of a file: each door is a module of its own, so that it can not hide behind another.
fn module_of_file<'a>(file: &[String], table: &'a [Module]) -> Option<&'a Module> {
    match file {
        [top, door, ..] if top == "door" && door != "tests" => row(&format!("door::{door}"), table),
        [top, ..] => row(top, table),
        [] => None,
    }
}

/// The row of a path in the code: `door::Limits` is the door's own, `door::smtp` is a door.
fn module_of_path<'a>(path: &[String], table: &'a [Module]) -> Option<&'a Module> {
    let top = path.first()?;
    let door = path.get(1).and_then(|second| row(&format!("{top}::{second}"), table));
    door.or_else(|| row(top, table))
}

fn row<'a>(name: &str, table: &'a [Module]) -> Option<&'a Module> {
    table.iter().find(|module| module.name == name)
}

/// A protocol crate knows none of the others.
pub(crate) fn stranger(source: &Source, strangers: &[&str]) -> Vec<String> {
    source
        .tokens()
        .iter()
        .filter(|token| strangers.contains(&token.text))
        .map(|token| format!("{}:{}: a protocol crate names `{}`", source.path, token.line, token.text))
        .collect()
}

/// A protocol crate stands alone: what its manifest needs to build, without the tests.
pub(crate) fn dependencies(manifest: &str) -> Vec<String> {
    let mut needed = Vec::new();
    let mut section = "";
    for line in manifest.lines().map(str::trim) {
        if line.starts_with('[') {
            section = line.trim_matches(['[', ']']);
            if section.starts_with("dependencies.") {
                needed.push(section.to_owned());
            }
        } else if (section == "dependencies" || section.ends_with(".dependencies"))
            && !line.is_empty()
            && !line.starts_with('#')
        {
            needed.push(line.to_owned());
        }
    }
    needed
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: [Module; 7] = [
        Module { name: "job", layer: 1, neighbours: &[] },
        Module { name: "store", layer: 2, neighbours: &[] },
        Module { name: "blob", layer: 2, neighbours: &[] },
        Module { name: "report", layer: 3, neighbours: &[] },
        Module { name: "queue", layer: 3, neighbours: &["report"] },
        Module { name: "door::smtp", layer: 4, neighbours: &["door"] },
        Module { name: "door", layer: 4, neighbours: &[] },
    ];

    fn faults(path: &str, text: &str) -> Vec<String> {
        arrows(&Source::new(path, text), &TABLE, &[("door", "store")])
    }

    #[test]
    fn an_arrow_points_down() {
        assert_eq!(
            faults("src/queue/run.rs", "use crate::store::Store; use super::plan; use crate::job::Job;"),
            [""; 0]
        );
        assert_eq!(
            faults("src/store/sled.rs", "\nuse crate::queue::Plan;"),
            ["src/store/sled.rs:2: `store` (layer 2) names `queue` (layer 3)"]
        );
        assert_eq!(faults("src/job.rs", "fn a() { super::store::open(); }").len(), 1);
        assert_eq!(faults("src/job/id.rs", "use super::super::store;").len(), 1);
        assert_eq!(faults("src/job/id.rs", "mod tests { use crate::{blob, store}; }").len(), 2);
    }

    #[test]
    fn neighbours_know_only_whom_the_table_says() {
        assert_eq!(faults("src/queue/run.rs", "use crate::report::Report;"), [""; 0]);
        assert_eq!(faults("src/report.rs", "use crate::queue;").len(), 1);
        assert_eq!(faults("src/blob/mod.rs", "use crate::store;").len(), 1);
    }

    #[test]
    fn a_door_knows_no_other_door_and_no_store() {
        assert_eq!(
            faults("src/door/smtp/mod.rs", "use super::Limits; use crate::job::Job; use crate::blob::Blobs;"),
            [""; 0]
        );
        assert_eq!(faults("src/door/smtp/session.rs", "use crate::store::Store;").len(), 1);
        assert_eq!(faults("src/door/mod.rs", "use crate::door::smtp::Session;").len(), 1);
    }

    #[test]
    fn a_module_without_a_place_is_a_fault() {
        assert_eq!(
            faults("src/extra.rs", ""),
            ["src/extra.rs: in no layer: give its module a place in tests/layers.rs"]
        );
        assert_eq!(faults("src/door/nntp.rs", "").len(), 1);
        assert_eq!(
            faults("src/job.rs", "use crate::extra;"),
            ["src/job.rs:1: names `extra`, which is in no layer"]
        );
        assert_eq!(faults("src/job.rs", "use super::*;").len(), 1);
    }

    #[test]
    fn a_head_says_something() {
        assert_eq!(head(&Source::new("src/a.rs", "//! What it promises.\nfn a() {}")), None);
        assert_eq!(head(&Source::new("src/a.rs", "#![no_std]\n\n//! What it promises.")), None);
        assert_eq!(head(&Source::new("src/a/tests.rs", "use super::*;")), None);
        for text in ["", "fn a() {}", "// a\n//! b", "//!\nfn a() {}"] {
            assert!(head(&Source::new("src/a.rs", text)).is_some(), "{text:?}");
        }
    }

    #[test]
    fn a_long_file_is_found_and_its_tests_are_free() {
        let lines = |code: usize, tests: usize| {
            let text =
                format!("{}#[cfg(test)]\nmod tests {{\n{}}}\n", "//! a\n".repeat(code), "\n".repeat(tests));
            file_length(&Source::new("src/a.rs", &text))
        };
        assert_eq!(lines(FILE_LINES_MAX, 900), None);
        assert!(lines(FILE_LINES_MAX + 1, 0).unwrap().contains("801 lines"));
        assert_eq!(file_length(&Source::new("src/a/tests.rs", &"\n".repeat(900))), None);
    }

    #[test]
    fn a_long_function_is_found_unless_excepted_and_no_exception_stays_too_long() {
        let body = |lines: usize| format!("fn a() {{\n{}}}\n", "x();\n".repeat(lines - 2));
        let found = |text: &str| long_functions(&Source::new("src/a.rs", text));
        assert_eq!(found(&body(FUNCTION_LINES_MAX)), []);
        let long = found(&body(FUNCTION_LINES_MAX + 1));
        assert_eq!(long, [("src/a.rs::a".to_owned(), 71)]);
        assert_eq!(found(&format!("#[cfg(test)]\nmod tests {{\n{}}}", body(99))), []);
        assert_eq!(function_lengths(&long, &[]).len(), 1);
        assert_eq!(function_lengths(&long, &["src/a.rs::a"]), [""; 0]);
        assert_eq!(function_lengths(&[], &["src/a.rs::a"]).len(), 1);
    }

    #[test]
    fn nobody_lifts_the_ban_on_clocks() {
        let lift = "#[allow(clippy::disallowed_methods)]\nfn a() {}";
        assert_eq!(clock(&Source::new("src/clock.rs", lift)), [""; 0]);
        assert_eq!(clock(&Source::new("src/queue/run.rs", lift)).len(), 1);
        assert_eq!(
            clock(&Source::new("src/a.rs", &format!("#[cfg(test)]\nmod tests {{ {lift} }}"))),
            [""; 0]
        );
    }

    #[test]
    fn a_protocol_crate_stands_alone() {
        let source = Source::new("fax/src/a.rs", "//! faxgate\nuse crate::page;\nuse faxgate::job;");
        assert_eq!(stranger(&source, &["faxgate"]), ["fax/src/a.rs:3: a protocol crate names `faxgate`"]);
        assert_eq!(
            dependencies("[package]\nname = \"a\"\n[dependencies]\n# none\n\n[dev-dependencies]\nb = \"1\""),
            [""; 0]
        );
        assert_eq!(
            dependencies("[dependencies]\nb = \"1\"\n[target.x.dependencies]\nc = \"1\"\n[dependencies.d]\n")
                .len(),
            3
        );
    }
}
