//! The body of the fuzzer over its corpus (`fuzz/corpus/milter_packet`).

#![allow(clippy::unwrap_used, clippy::panic)]

mod fuzz;
#[path = "../../fuzz/walk.rs"]
mod walk;

/// Where each input is cut off and changed, at most.
const PLACES_MAX: usize = 400;

#[test]
fn milter_packet() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../fuzz/corpus/milter_packet");
    walk::walk(folder, PLACES_MAX, fuzz::milter_packet);
}
