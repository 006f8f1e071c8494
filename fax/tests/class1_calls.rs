//! Whole calls by Class 1: our engine and carrier on spandsp's soft modem, over audio, against spandsp's fax terminal and
//! against ourselves on another soft modem. Every page is the same afterwards, and the modem is on hook.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test")]

mod class1_line;
#[allow(unused_imports, dead_code, reason = "each test file uses a part")]
mod far_end;
mod support;

use class1_line::{Ended, Network, with_ourselves, with_spandsp};
use far_end::{Case, Twist, Way};
use fax_proto::carrier::Speed;
use fax_proto::page::Resolution;
use fax_proto::session::PageCoding;

fn case(way: Way, speed: Speed, ecm: bool, pages: u32) -> Case {
    let coding = if ecm { PageCoding::Mmr } else { PageCoding::Mr };
    Case { way, speed, ecm, coding, resolution: Resolution::R204x98, pages, twist: Twist::default() }
}

/// Runs calls and prints their table; all of them must be good.
fn table(cases: &[Case], with: &str, run: impl Fn(&Case) -> Ended) {
    let mut faults = 0;
    println!(
        "{:<10} {:<8} {:<14} {:<4} {:<5} {:>5} {:>9}  outcome",
        "with", "way", "speed", "ECM", "code", "pages", "virtual s"
    );
    for case in cases {
        let ended = run(case);
        let fault = ended.fault(case);
        println!(
            "{with:<10} {:<8} {:<14} {:<4} {:<5} {:>5} {:>9.1}  {}",
            format!("{:?}", case.way),
            case.speed.to_string(),
            if case.ecm { "yes" } else { "no" },
            case.coding.to_string(),
            case.pages,
            ended.ended.since(fax_proto::time::Time::ZERO).as_secs_f64(),
            fault.as_deref().unwrap_or("exact"),
        );
        if fault.is_some() {
            println!("{}", ended.trace);
            faults += 1;
        }
    }
    assert_eq!(faults, 0, "of {} calls", cases.len());
}

/// Whom a call is with.
#[derive(Clone, Copy, Debug)]
enum With {
    Spandsp,
    Ourselves,
}

fn calls(with: With, ways: &[Way], speeds: &[Speed], pages: &[u32]) {
    let mut cases = Vec::new();
    for way in ways {
        for speed in speeds {
            for ecm in [true, false] {
                cases.extend(pages.iter().map(|pages| case(*way, *speed, ecm, *pages)));
            }
        }
    }
    let network = Network::default();
    match with {
        With::Spandsp => table(&cases, "spandsp", |case| with_spandsp(case, &network)),
        With::Ourselves => table(&cases, "ourselves", |case| with_ourselves(case, &network)),
    }
}

/// One speed of each modulation.
const SOME: [Speed; 4] = [Speed::V17At14400, Speed::V17At7200, Speed::V29At9600, Speed::V27ter4800];

#[test]
fn to_spandsp() {
    calls(With::Spandsp, &[Way::Send], &SOME, &[1]);
}

#[test]
fn from_spandsp() {
    calls(With::Spandsp, &[Way::Receive], &SOME, &[1]);
}

#[test]
fn to_ourselves() {
    calls(With::Ourselves, &[Way::Send], &SOME, &[1]);
}

#[test]
fn five_pages() {
    calls(With::Spandsp, &[Way::Send, Way::Receive], &[Speed::V17At14400], &[5]);
    calls(With::Ourselves, &[Way::Send], &[Speed::V17At14400], &[5]);
}

#[test]
fn polled() {
    calls(With::Spandsp, &[Way::Fetch, Way::Serve], &[Speed::V17At14400], &[2]);
}

/// Every speed, one page and five, with ECM and without, to spandsp, from it, and to ourselves: 96 calls.
#[test]
#[ignore = "minutes: cargo nextest run -p fax-proto --test class1_calls --run-ignored only --no-capture"]
fn matrix() {
    calls(With::Spandsp, &[Way::Send, Way::Receive], &Speed::ALL, &[1, 5]);
    calls(With::Ourselves, &[Way::Send], &Speed::ALL, &[1, 5]);
}
