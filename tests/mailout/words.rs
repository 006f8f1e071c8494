//! Texts that are compared word for word with a file, and rules that all of them keep.

use std::path::Path;

/// Compares a text with `golden/NAME.txt`; with `FAXGATE_GOLDEN=write` in the environment, writes it.
pub fn golden(name: &str, text: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/mailout/golden/{name}.txt"));
    if std::env::var_os("FAXGATE_GOLDEN").is_some_and(|value| value == "write") {
        std::fs::write(&file, text).unwrap();
    }
    let expected =
        std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    assert_eq!(text, expected, "{name}: with FAXGATE_GOLDEN=write the file is written anew");
    assert!(!text.contains(['{', '}', '\t']), "{name}: a placeholder is left\n{text}");
    assert!(!text.contains("\n\n\n") && text.ends_with('\n'), "{name}: empty lines\n{text}");
    for line in text.lines() {
        assert!(line.chars().count() <= 76 && line == line.trim_end(), "{name}: {line:?}");
    }
}
