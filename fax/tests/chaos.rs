//! Any events in any order: an engine never panics, never waits for ever, and always ends with one report.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "fuzz/call.rs"]
mod call;

use call::{Event, PAGES, Role, run};
use fax_proto::carrier::{HangUp, Signal};
use fax_proto::t30::capability::Capability;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use std::cell::Cell;

/// A frame that is likely to mean something: known FCFs with arbitrary fields.
fn frame() -> impl Strategy<Value = Vec<u8>> {
    let fcfs = prop::sample::select(vec![
        0x80u8, 0x40, 0x20, 0x82, 0x42, 0x84, 0x44, 0x8E, 0x4E, 0x2E, 0x3E, 0x8C, 0xCC, 0x4C, 0xAC, 0x2C,
        0xFA, 0x1A, 0x12, 0xC4, 0xBE, 0xBC, 0xEC, 0x6E, 0xCE, 0x1C, 0x06, 0x86, 0x81, 0x00, 0x77, 0x41, 0x21,
        0xC1, 0xA1, 0xC2, 0xA2, 0x22, 0xCA,
    ]);
    let fifs = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..8),
        Just(Capability::FULL.to_fif()),
        Just(Capability { has_document: true, ..Capability::FULL }.to_fif()),
        Just(vec![0x00, 0x46, 0x00]),
        Just(vec![0x2F, 0, 0, 0]),
        prop::collection::vec(any::<u8>(), 32..33),
    ];
    (fcfs, any::<bool>(), fifs).prop_map(|(fcf, last, fif)| {
        let mut octets = vec![0xFF, if last { 0x13 } else { 0x03 }, fcf];
        octets.extend(fif);
        octets
    })
}

fn event() -> impl Strategy<Value = Event> {
    let signal = prop_oneof![
        8 => Just(Signal::Sent),
        3 => Just(Signal::CarrierUp),
        3 => Just(Signal::CarrierLost),
        1 => Just(Signal::TrainingFailed),
        1 => Just(Signal::Connected),
        3 => (frame(), any::<bool>()).prop_map(|(octets, fcs_ok)| Signal::Frame { octets, fcs_ok }),
        2 => prop::collection::vec(any::<u8>(), 0..600).prop_map(Signal::Data),
        1 => prop::collection::vec(any::<u8>(), 0..300).prop_map(|octets| Signal::Frame { octets, fcs_ok: true }),
    ];
    prop_oneof![
        60 => Just(Event::Likely),
        20 => signal.prop_map(Event::Signal),
        12 => prop::collection::vec(frame(), 1..4).prop_map(Event::Burst),
        3 => prop_oneof![Just(vec![0u8; 2700]), prop::collection::vec(any::<u8>(), 0..3000)].prop_map(Event::Image),
        6 => Just(Event::Wake),
        2 => (0..PAGES + 2).prop_map(Event::Page),
        1 => (0..PAGES + 2).prop_map(Event::NoPage),
        3 => any::<bool>().prop_map(Event::MarkKept),
        3 => any::<bool>().prop_map(Event::PageKept),
        2 => (0u64..20_000).prop_map(Event::Wait),
        1 => Just(Event::Signal(Signal::HungUp(HangUp::Remote))),
        1 => Just(Event::Cancel),
    ]
}

/// Runs many calls, and sees to it that they are not all over before anything has happened.
fn survive(role: Role) {
    let mut runner = TestRunner::new(ProptestConfig {
        cases: 3000,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let pages = Cell::new(0);
    let events = (prop::collection::vec(event(), 0..120), any::<bool>());
    let result = runner.run(&events, |(events, ecm)| {
        let engine = role.engine(Capability { ecm, ..Capability::FULL });
        pages.set(pages.get() + run(engine, events));
        Ok(())
    });
    result.unwrap_or_else(|failure| panic!("{failure}"));
    println!("{} pages in 3000 calls", pages.get());
    assert!(pages.get() > 100);
}

#[test]
fn a_sender_survives_anything() {
    survive(Role::Sender);
}

#[test]
fn a_receiver_survives_anything() {
    survive(Role::Receiver);
}

#[test]
fn a_caller_that_polls_survives_anything() {
    survive(Role::Poller);
}

#[test]
fn a_station_that_is_polled_survives_anything() {
    survive(Role::Station);
}

#[test]
fn a_sender_that_polls_afterwards_survives_anything() {
    survive(Role::SenderThenPoller);
}
