//! Runs the body that `fax/tests/corpus.rs` runs over the corpus: `cargo +nightly fuzz run dce`.
#![no_main]

#[path = "../../fax/tests/fuzz/mod.rs"]
mod bodies;

libfuzzer_sys::fuzz_target!(|data: &[u8]| bodies::dce(data));
