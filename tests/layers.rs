//! The house rules, held by a test: it reads the sources and fails on an arrow that points up, a file or a function
//! that has grown too long, a module that does not say what it promises, and a clock read outside `src/clock.rs`.
//!
//! A rule that is in the way is changed here, in the open, not gone around.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::fs;
use std::path::Path;

#[path = "layers/rules.rs"]
mod rules;
#[path = "layers/scan.rs"]
mod scan;

use rules::{Module, Source};

/// Where each module stands. A module may name those in the layers below it, and of its own layer only the
/// neighbours listed here.
const TABLE: &[Module] = &[
    // 1: values and decisions
    row(1, "address", &[]),
    row(1, "clock", &[]),
    row(1, "job", &["address", "clock"]),
    // 2: adapters, which never name each other
    row(2, "blob", &[]),
    row(2, "line", &[]),
    row(2, "mailauth", &[]),
    row(2, "mailer", &[]),
    row(2, "render", &[]),
    row(2, "store", &[]),
    row(2, "users", &[]),
    // 3: the flow; `submit` and `queue` meet in the store only
    row(3, "report", &[]),
    row(3, "received", &[]),
    row(3, "status", &[]),
    row(3, "submit", &["report"]),
    row(3, "queue", &["report", "received"]),
    row(3, "post", &["report", "received"]),
    // 4: the doors, which know what is common to them and not each other
    row(4, "door", &[]),
    row(4, "door::control", &["door"]),
    row(4, "door::esmtp", &["door"]),
    row(4, "door::folder", &["door"]),
    row(4, "door::http", &["door"]),
    row(4, "door::ipp", &["door"]),
    row(4, "door::unix_socket", &["door"]),
    row(4, "door::milter", &["door", "door::esmtp", "door::unix_socket"]),
    row(4, "door::smtp", &["door", "door::esmtp", "door::unix_socket"]),
    // 5: the program
    row(5, "config", &[]),
    row(5, "observe", &[]),
    row(5, "app", &["config"]),
    row(5, "cli", &["app", "config", "observe"]),
    row(5, "main", &["cli"]),
];

/// Arrows that point down and are wrong all the same: a door brings in and looks up; what it may write and when a job
/// is due is decided in `submit` and `queue`, or there would be a second way in.
const NEVER: &[(&str, &str)] = &[("door", "store"), ("door", "queue")];

/// Functions over the limit, as `path::name`. This list only gets shorter.
const LONG_FUNCTIONS: &[&str] = &[];

const fn row(layer: u8, name: &'static str, neighbours: &'static [&'static str]) -> Module {
    Module { name, layer, neighbours }
}

/// Every Rust file under a folder of the repository.
fn sources(folder: &str) -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut folders = vec![root.join(folder)];
    let mut sources = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(root).unwrap().to_str().unwrap();
                sources.push(Source::new(name, &fs::read_to_string(&path).unwrap()));
            }
        }
    }
    assert!(!sources.is_empty(), "no sources in {folder}");
    sources.sort_by(|a, b| a.path.cmp(&b.path));
    sources
}

fn all_sources() -> Vec<Source> {
    ["src", "fax/src", "milter/src"].into_iter().flat_map(sources).collect()
}

/// Fails with every fault, one a line.
fn report(faults: impl IntoIterator<Item = String>) {
    let faults: Vec<String> = faults.into_iter().collect();
    assert!(faults.is_empty(), "{} against the house rules:\n{}", faults.len(), faults.join("\n"));
}

#[test]
fn arrows_point_down() {
    report(sources("src").iter().flat_map(|source| rules::arrows(source, TABLE, NEVER)));
}

#[test]
fn the_protocol_crates_know_nothing_of_the_gateway() {
    let mut faults = Vec::new();
    for (folder, strangers) in [("fax", ["faxgate", "milter_proto"]), ("milter", ["faxgate", "fax_proto"])] {
        let sources = sources(&format!("{folder}/src"));
        faults.extend(sources.iter().flat_map(|source| rules::stranger(source, &strangers)));
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder).join("Cargo.toml");
        let needed = rules::dependencies(&fs::read_to_string(manifest).unwrap());
        faults.extend(
            needed
                .iter()
                .map(|line| format!("{folder}/Cargo.toml: the crate stands alone, and needs `{line}`")),
        );
    }
    report(faults);
}

#[test]
fn every_module_says_what_it_promises() {
    report(all_sources().iter().filter_map(rules::head));
}

#[test]
fn no_file_is_too_long() {
    report(all_sources().iter().filter_map(rules::file_length));
}

#[test]
fn no_function_is_too_long() {
    let long: Vec<_> = all_sources().iter().flat_map(rules::long_functions).collect();
    report(rules::function_lengths(&long, LONG_FUNCTIONS));
}

#[test]
fn only_the_clock_reads_a_clock() {
    report(all_sources().iter().flat_map(rules::clock));
}
