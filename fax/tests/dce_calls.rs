//! Whole calls through a virtual modem: our engine and Class 1 carrier as its program, the simulated line behind it, and
//! our engine, or another such modem, at the far end. Every page is the same afterwards, and the modem is on hook.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test")]

mod dce_line;
#[allow(unused_imports, dead_code, reason = "each test file uses a part")]
mod far_end;
mod support;

use dce_line::{Ended, Station, run};
use far_end::{Case, Twist, Way};
use fax_proto::carrier::Speed;
use fax_proto::page::Resolution;
use fax_proto::session::{Outcome, PageCoding};
use fax_proto::sim::air::{AirConfig, Callee};
use fax_proto::time::{Duration, Time};

/// Which ends have a virtual modem.
#[derive(Clone, Copy, Debug)]
enum Modems {
    Caller,
    Answerer,
    Both,
}

fn case(way: Way, speed: Speed, ecm: bool) -> Case {
    let coding = if ecm { PageCoding::Mmr } else { PageCoding::Mr };
    let resolution = Resolution::R204x98;
    Case { way, speed, ecm, coding, resolution, pages: 2, twist: Twist::default() }
}

/// A call; the one who calls sends, or fetches.
fn call(case: &Case, modems: Modems, air: &AirConfig) -> Ended {
    call_with(case, modems, air, true)
}

/// The same, with images that go out piece by piece or not.
fn call_with(case: &Case, modems: Modems, air: &AirConfig, streams: bool) -> Ended {
    let answers = if case.way == Way::Fetch { Way::Serve } else { Way::Receive };
    let (caller, answerer) = (*case, Case { way: answers, ..*case });
    let station = |case: &Case, has_modem| {
        if has_modem { Station::modem(case, streams) } else { Station::engine(case) }
    };
    let caller = station(&caller, !matches!(modems, Modems::Answerer));
    let answerer = station(&answerer, !matches!(modems, Modems::Caller));
    run(case, caller, answerer, air)
}

fn fault(case: &Case, ended: &Ended) -> Option<String> {
    let receiver = ended.receiver.as_ref().unwrap();
    let reports = [&ended.sender.report, &receiver.report];
    if let Some(bad) = reports.iter().find(|report| !report.outcome.is_success()) {
        return Some(format!("one end says: {}", bad.outcome));
    }
    let terms = ended.sender.report.negotiated.map(|o| (o.speed, o.ecm_frame_octets.is_some(), o.coding));
    if terms != Some((case.speed, case.ecm, case.coding)) {
        return Some(format!("other terms: {terms:?}"));
    }
    (receiver.received != case.document())
        .then(|| format!("{} pages, or not the same", receiver.received.len()))
}

fn all_speeds(way: Way, modems: Modems) {
    let mut faults = Vec::new();
    for speed in Speed::ALL {
        for ecm in [true, false] {
            let case = case(way, speed, ecm);
            let ended = call(&case, modems, &AirConfig::default());
            let (seconds, fault) = (ended.ended.since(Time::ZERO).as_secs_f64(), fault(&case, &ended));
            println!(
                "{modems:?} {way:?} {speed} ecm={ecm} {seconds:.1} s: {}",
                fault.as_deref().unwrap_or("exact")
            );
            faults.extend(fault.map(|fault| format!("{case:?}: {fault}\n{}", ended.log)));
        }
    }
    assert!(faults.is_empty(), "{} calls: {}", faults.len(), faults.first().unwrap());
}

#[test]
fn a_program_sends_at_every_speed() {
    all_speeds(Way::Send, Modems::Caller);
}

#[test]
fn a_program_receives_at_every_speed() {
    all_speeds(Way::Send, Modems::Answerer);
}

#[test]
fn two_programs_fax_each_other() {
    all_speeds(Way::Send, Modems::Both);
}

#[test]
fn a_program_fetches_and_is_fetched_from() {
    all_speeds(Way::Fetch, Modems::Caller);
    all_speeds(Way::Fetch, Modems::Answerer);
}

#[test]
fn a_program_sends_images_whole_where_the_line_takes_no_pieces() {
    for speed in [Speed::V17At14400, Speed::V27ter2400] {
        for ecm in [true, false] {
            let case = case(Way::Send, speed, ecm);
            let ended = call_with(&case, Modems::Caller, &AirConfig::default(), false);
            assert_eq!(fault(&case, &ended), None, "{}", ended.log);
            assert!(ended.log.contains("SendImage") && !ended.log.contains("Begin"), "{}", ended.log);
        }
    }
}

/// A bad line costs time and, without ECM, rows; nothing else.
#[test]
fn ecm_mends_what_the_line_spoils() {
    for (seed, modems) in [(1, Modems::Caller), (2, Modems::Answerer), (3, Modems::Both)] {
        let case = case(Way::Send, Speed::V17At14400, true);
        let air = AirConfig { seed, bit_errors_per_million: 60, ..AirConfig::default() };
        let ended = call(&case, modems, &air);
        assert_eq!(ended.sender.report.outcome, Outcome::Delivered, "{}", ended.log);
        assert_eq!(ended.receiver.unwrap().received, case.document(), "{}", ended.log);
        assert!(ended.log.contains("PPR"), "the line was too good:\n{}", ended.log);
    }
}

#[test]
fn nobody_there_is_told_apart_by_the_program() {
    for (callee, expected) in [
        (Callee::Busy, Outcome::Busy),
        (Callee::NoAnswer, Outcome::NoAnswer),
        // A Class 1 modem cannot tell that somebody answered who says nothing.
        (Callee::Silent, Outcome::NoAnswer),
    ] {
        let case = case(Way::Send, Speed::V17At14400, true);
        let air = AirConfig { callee, ..AirConfig::default() };
        let ended = call(&case, Modems::Caller, &air);
        assert_eq!(ended.sender.report.outcome, expected, "{}", ended.log);
    }
}

/// Wherever the call is lost: both ends say so, the modem is on hook, and no page counts that has not arrived.
#[test]
fn a_drop_at_any_moment_leaves_the_truth() {
    for modems in [Modems::Caller, Modems::Answerer, Modems::Both] {
        for ecm in [true, false] {
            let case = case(Way::Send, Speed::V17At14400, ecm);
            let whole = call(&case, modems, &AirConfig::default()).ended;
            for second in (5..whole.since(Time::ZERO).as_secs()).step_by(2) {
                let drop_at = Some(Time::ZERO + Duration::from_secs(second));
                let ended = call(&case, modems, &AirConfig { drop_at, ..AirConfig::default() });
                let confirmed = ended.sender.report.pages_confirmed();
                let kept = ended.receiver.map_or(0, |receiver| receiver.received.len());
                assert!(confirmed <= kept, "{}", ended.log);
                assert!(confirmed == 2 || !ended.sender.report.outcome.is_success(), "{}", ended.log);
            }
        }
    }
}
