//! The bodies of the fuzzers over their corpora (`fuzz/corpus`): every file as it is, cut off anywhere, and with any
//! octet changed. A crash that a fuzzer finds becomes a file there.

#![allow(clippy::unwrap_used, clippy::panic)]

mod fuzz;

use std::path::Path;

/// Octets of an input that are changed one by one.
const CHANGED_MAX: usize = 400;

fn run_all(name: &str, body: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(name);
    let mut files = 0;
    for entry in std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
        let mut input = std::fs::read(entry.unwrap().path()).unwrap();
        files += 1;
        body(&input);
        for length in 0..input.len().min(CHANGED_MAX) {
            body(&input[..length]);
        }
        for at in 0..input.len().min(CHANGED_MAX) {
            for change in [0x01, 0x10, 0x80, 0xFF] {
                input[at] ^= change;
                body(&input);
                input[at] ^= change;
            }
        }
    }
    assert!(files > 0, "{} is empty", folder.display());
}

#[test]
fn t4_decode() {
    run_all("t4_decode", fuzz::t4_decode);
}

#[test]
fn tiff_read() {
    run_all("tiff_read", fuzz::tiff_read);
}
