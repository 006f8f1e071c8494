//! Walks the body of a fuzzer over its corpus (`fuzz/corpus/<name>`): every file as it is, cut off, and with single
//! octets changed. So the stable toolchain runs what a fuzzer would begin with, and a crash that a fuzzer finds stays
//! found once its input is a file there. Included by the `corpus.rs` test of every crate.

use std::path::Path;

/// Runs `body` over the corpus in `folder`; each file is cut off, and changed, at up to `places_max` places.
pub(crate) fn walk(folder: &str, places_max: usize, body: fn(&[u8])) {
    let folder = Path::new(folder);
    let mut files = 0;
    for entry in std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
        let path = entry.unwrap().path();
        println!("{}", path.display());
        let mut input = std::fs::read(path).unwrap();
        files += 1;
        body(&input);
        let step = input.len().div_ceil(places_max).max(1);
        for at in (0..input.len()).step_by(step) {
            body(&input[..at]);
            for change in [0x01, 0x10, 0x80, 0xFF] {
                input[at] ^= change;
                body(&input);
                input[at] ^= change;
            }
        }
    }
    assert!(files > 0, "{} is empty", folder.display());
}
