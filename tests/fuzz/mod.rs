//! What the fuzzers do with an input. Beyond that nothing panics, each body says what must hold for any input.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    dead_code,
    unused_imports,
    reason = "each fuzzer needs one of them"
)]

mod address;
mod mime;
mod proxy;
mod smtp;
mod worker;

use faxgate::door::control::Request;

pub(crate) use address::fax_address;
pub(crate) use mime::{html_text, mime_pages, mime_survey};
pub(crate) use proxy::proxy_header;
pub(crate) use smtp::smtp_session;
pub(crate) use worker::worker_reply;

/// A request line of the control socket: what is understood is written and understood again.
pub(crate) fn control_request(input: &[u8]) {
    let Ok(request) = serde_json::from_slice::<Request>(input) else { return };
    let line = serde_json::to_string(&request).unwrap();
    assert!(!line.contains('\n'), "a request is one line");
    let again: Request = serde_json::from_str(&line).unwrap();
    assert_eq!(serde_json::to_string(&again).unwrap(), line);
}
