//! The bodies of the fuzzers over their corpora (`fuzz/corpus`).

#![allow(clippy::unwrap_used, clippy::panic)]

mod fuzz;
#[path = "../../fuzz/walk.rs"]
mod walk;

use walk::walk;

/// Where each input is cut off and changed, at most.
const PLACES_MAX: usize = 100;

macro_rules! corpus {
    ($($name:ident)*) => {$(
        #[test]
        fn $name() {
            walk(concat!(env!("CARGO_MANIFEST_DIR"), "/../fuzz/corpus/", stringify!($name)), PLACES_MAX, fuzz::$name);
        }
    )*};
}

corpus! { at_idle at_probe at_reader class1_carrier class2_session dce hdlc_decode t30_events t30_frame t38_carrier t38_ifp t38_udptl t4_decode t85_decode tiff_read }
