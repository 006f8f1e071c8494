//! Runs the body that `tests/corpus.rs` runs over the corpus: `FUZZ_GATEWAY=1 fuzz/run 60 worker_reply`.
#![no_main]

#[path = "../../tests/fuzz/mod.rs"]
mod bodies;

libfuzzer_sys::fuzz_target!(|data: &[u8]| bodies::worker_reply(data));
