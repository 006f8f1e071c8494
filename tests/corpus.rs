//! The bodies of the gateway's fuzzers over their corpora (`fuzz/corpus`).

#![allow(clippy::unwrap_used, clippy::panic)]

mod fuzz;
#[path = "../fuzz/walk.rs"]
mod walk;

use walk::walk;

macro_rules! corpus {
    ($($name:ident at $places_max:literal places,)*) => {$(
        #[test]
        fn $name() {
            walk(concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/corpus/", stringify!($name)), $places_max, fuzz::$name);
        }
    )*};
}

// Making pages takes milliseconds, and what can go wrong while reading a message, the survey finds too.
corpus! {
    control_request at 400 places,
    fax_address at 400 places,
    html_text at 8 places,
    mime_pages at 8 places,
    mime_survey at 400 places,
    proxy_header at 400 places,
    smtp_session at 50 places,
    worker_reply at 400 places,
}
