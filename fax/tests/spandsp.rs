//! Our T.30 engine against spandsp's, both ways, over T.38 and over audio: every page is the same afterwards.
//!
//! `PEERS_LOG=1 cargo nextest run -p fax-proto --test spandsp --no-capture` shows what spandsp thinks.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod far_end;
mod support;

use fax_proto::carrier::Speed;
use fax_proto::page::Resolution;
use far_end::{Case, Codes, Net, TABLE_HEAD, Way, line, t38_call};

/// Runs calls over T.38 and prints their table; all of them must be good.
fn t38_table(cases: &[Case], net: Net) {
    println!("{TABLE_HEAD}");
    let mut faults = 0;
    for case in cases {
        let outcome = t38_call(case, net);
        let fault = outcome.fault(case, &case.document());
        println!("{}", line(case, "T.38", &outcome, fault.as_ref()));
        if fault.is_some() {
            println!("{}", outcome.trace);
            faults += 1;
        }
    }
    assert_eq!(faults, 0, "of {} calls", cases.len());
}

/// The matrix of one way: coding, speed, resolution, one page and seven.
fn matrix(way: Way, speed: Speed) -> Vec<Case> {
    let mut cases = Vec::new();
    for (ecm, coding) in Codes::ALL {
        for resolution in [Resolution::R204x98, Resolution::R204x196, Resolution::R204x391] {
            for pages in [1, 7] {
                cases.push(Case { way, speed, ecm, coding, resolution, pages });
            }
        }
    }
    cases
}

#[test]
fn t38_to_them_v17() {
    t38_table(&matrix(Way::Send, Speed::V17At14400), Net::default());
}

#[test]
fn t38_to_them_v29() {
    t38_table(&matrix(Way::Send, Speed::V29At9600), Net::default());
}

#[test]
fn t38_to_them_v27ter() {
    t38_table(&matrix(Way::Send, Speed::V27ter4800), Net::default());
}

#[test]
fn t38_from_them_v17() {
    t38_table(&matrix(Way::Receive, Speed::V17At14400), Net::default());
}

#[test]
fn t38_from_them_v29() {
    t38_table(&matrix(Way::Receive, Speed::V29At9600), Net::default());
}

#[test]
fn t38_from_them_v27ter() {
    t38_table(&matrix(Way::Receive, Speed::V27ter4800), Net::default());
}
