//! Runs the body that `fax/tests/corpus.rs` runs over the corpus: `fuzz/run 60 class2_session`.
#![no_main]

#[path = "../../fax/tests/fuzz/mod.rs"]
mod bodies;

libfuzzer_sys::fuzz_target!(|data: &[u8]| bodies::class2_session(data));
