//! Runs the body that `tests/corpus.rs` runs over the corpus: `FUZZ_GATEWAY=1 fuzz/run 60 html_text`.
#![no_main]

#[path = "../../tests/fuzz/mod.rs"]
mod bodies;

// A decoder that was written by others may panic and be caught; the body tells that from what may not happen.
libfuzzer_sys::fuzz_target!(init: drop(std::panic::take_hook()), |data: &[u8]| bodies::html_text(data));
