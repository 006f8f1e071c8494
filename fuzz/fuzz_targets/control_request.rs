//! Runs the body that `tests/corpus.rs` runs over the corpus: `cargo +nightly fuzz run control_request`.
#![no_main]

#[path = "../../tests/fuzz/mod.rs"]
mod bodies;

libfuzzer_sys::fuzz_target!(|data: &[u8]| bodies::control_request(data));
