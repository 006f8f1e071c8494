//! Whole calls over the simulated line: every mode, and what goes wrong in them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use fax_proto::page::Resolution;
use fax_proto::session::Outcome;
use fax_proto::sim::air::AirConfig;
use support::{Store, call, page, receiver_config, sender_config};

#[test]
fn three_pages_go_over_a_good_line() {
    let pages: Vec<_> = (0..3).map(|n| page(n, 400, Resolution::R204x196)).collect();
    let (mut caller, mut answerer) = (Store::with(pages.clone()), Store::default());
    let record = call(
        sender_config(3),
        receiver_config(),
        &AirConfig::default(),
        &mut caller,
        &mut answerer,
    );
    println!("{}", record.caller.trace);
    println!("{}", record.answerer.as_ref().unwrap().trace);
    assert_eq!(record.caller.report.outcome, Outcome::Delivered);
    assert_eq!(record.answerer.unwrap().report.outcome, Outcome::Received);
    let received: Vec<_> = answerer.received.into_iter().map(|r| r.page).collect();
    assert_eq!(received, pages);
}
