//! The bodies of the fuzzers over their corpora (`fuzz/corpus/milter_packet`, `milter_session`).

#![allow(clippy::unwrap_used, clippy::panic)]

mod fuzz;
#[path = "../../fuzz/walk.rs"]
mod walk;

/// Where each input is cut off and changed, at most.
const PLACES_MAX: usize = 400;
/// The same where each input is a whole connection, told twice.
const SESSION_PLACES_MAX: usize = 60;

#[test]
fn milter_packet() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../fuzz/corpus/milter_packet");
    walk::walk(folder, PLACES_MAX, fuzz::milter_packet);
}

#[test]
fn milter_session() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../fuzz/corpus/milter_session");
    walk::walk(folder, SESSION_PLACES_MAX, fuzz::milter_session);
}
