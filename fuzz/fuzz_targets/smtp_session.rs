//! Runs the body that `tests/corpus.rs` runs over the corpus: `cargo +nightly fuzz run smtp_session`.
#![no_main]

#[path = "../../tests/fuzz/mod.rs"]
mod bodies;

libfuzzer_sys::fuzz_target!(|data: &[u8]| bodies::smtp_session(data));
