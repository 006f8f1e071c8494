//! Runs the body that `milter/tests/corpus.rs` runs over the corpus: `fuzz/run 60 milter_session`.
#![no_main]

#[path = "../../milter/tests/fuzz/mod.rs"]
mod bodies;

libfuzzer_sys::fuzz_target!(|data: &[u8]| bodies::milter_session(data));
