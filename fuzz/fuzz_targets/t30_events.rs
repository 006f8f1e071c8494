//! Runs the body that `fax/tests/corpus.rs` runs over the corpus: `fuzz/run 60 t30_events`.
#![no_main]

#[path = "../../fax/tests/fuzz/mod.rs"]
mod bodies;

libfuzzer_sys::fuzz_target!(|data: &[u8]| bodies::t30_events(data));
