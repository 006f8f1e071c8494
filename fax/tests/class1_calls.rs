//! Whole calls by Class 1: our engine and carrier on spandsp's soft modem, over audio, against spandsp's fax terminal and
//! against ourselves on another soft modem. Every page is the same afterwards, and the modem is on hook.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test")]

mod class1_line;
#[allow(unused_imports, dead_code, reason = "each test file uses a part")]
mod far_end;
mod support;

use class1_line::{Ended, Network, on_one_modem, with_ourselves, with_spandsp};
use far_end::{Case, Twist, Way};
use fax_peers::audio::Config as Line;
use fax_peers::t31::Failure;
use fax_proto::at::profile::{Class, FlowControl, Profile, SilenceBy};
use fax_proto::carrier::Speed;
use fax_proto::page::Resolution;
use fax_proto::session::{Outcome, PageCoding};
use fax_proto::time::{Duration, Time};

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
            ended.ended.since(Time::ZERO).as_secs_f64(),
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

/// Whether an image is given whole or piece by piece makes no difference to the other end.
#[test]
fn in_pieces() {
    let network = Network { in_pieces: true, ..Network::default() };
    let cases = SOME.iter().flat_map(|speed| [true, false].map(|ecm| case(Way::Send, *speed, ecm, 2)));
    table(&cases.collect::<Vec<_>>(), "spandsp", |case| with_spandsp(case, &network));
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

/// The network drops the call every 700 ms of it: however that comes, both modems are on hook afterwards (each run checks
/// that), and neither end says more than it knows.
#[test]
fn dropped_at_any_time() {
    let speed = Speed::V17At14400;
    for ecm in [true, false] {
        let cases = [case(Way::Send, speed, ecm, 2), case(Way::Receive, speed, ecm, 2)];
        for at in (300..32_000).step_by(700) {
            let network = Network { drop_at: Some(Time(at * 1000)), ..Network::default() };
            for case in &cases {
                let ended = with_spandsp(case, &network);
                judge_dropped(&ended, case, at);
            }
            judge_dropped(&with_ourselves(&cases[0], &network), &cases[0], at);
        }
    }
}

fn judge_dropped(ended: &Ended, case: &Case, at: u64) {
    let (report, sent) = (&ended.report, case.document());
    let has = report.pages_confirmed();
    if case.way == Way::Send {
        assert!(ended.received.len() >= has, "{case:?} {at}: confirmed and not there\n{}", ended.trace);
        assert_eq!(ended.received.get(..has), sent.get(..has), "{case:?} {at}");
    } else {
        assert!(sent.starts_with(&ended.received), "{case:?} {at}: {}", ended.trace);
    }
    // The engine gives up within its own limits.
    let late = ended.ended.since(Time(at * 1000));
    println!(
        "{:?} ECM {:<5} {at:>5} {:>5.1} s later: {}",
        case.way,
        case.ecm,
        late.as_secs_f64(),
        report.outcome
    );
    assert!(late < Duration::from_secs(100), "{case:?} {at}: {late:?} after the drop\n{}", ended.trace);
}

/// Noise that the modulations stand: the calls come to an end, and what is confirmed is there.
#[test]
fn noise() {
    let (mut good, mut all) = (0, 0);
    for seed in 1..=5 {
        for way in [Way::Send, Way::Receive] {
            let case = case(way, Speed::V29At9600, true, 2);
            let line = Line { noise: Some((-36.0, seed)), ..Line::default() };
            let ended = with_spandsp(&case, &Network { line, ..Network::default() });
            let fault = ended.fault_whatever_terms(&case.document());
            all += 1;
            match fault {
                None => good += 1,
                Some(fault) => println!("{way:?} {seed}: {fault}\n{}", ended.trace),
            }
        }
    }
    println!("{good} of {all} good");
    assert_eq!(good, all);
}

/// The line goes dead and no modem notices: the engine's own times end the call, and the modem is on hook.
#[test]
fn silent_from_any_time() {
    for way in [Way::Send, Way::Receive] {
        for at in (3000..30_000).step_by(2300) {
            let case = case(way, Speed::V17At14400, at % 2 == 0, 2);
            let line = Line { silent_ms: std::iter::once(at..u64::MAX).collect(), ..Line::default() };
            let ended = with_spandsp(&case, &Network { line, ..Network::default() });
            let (sent, has) = (case.document(), ended.report.pages_confirmed());
            assert!(
                ended.received.len() >= has && sent.starts_with(&ended.received[..has]),
                "{}",
                ended.trace
            );
            println!("{way:?} {at}: {} after {}", ended.report.outcome, ended.ended);
        }
    }
}

/// A driver that reads late, as one on a busy machine does.
#[test]
fn late_drivers() {
    for lag_ms in [20, 40, 60, 80] {
        let network = Network { driver_lag: Duration::from_millis(lag_ms), ..Network::default() };
        for speed in [Speed::V17At14400, Speed::V29At9600, Speed::V27ter4800] {
            for ecm in [true, false] {
                let cases = [Way::Send, Way::Receive].map(|way| case(way, speed, ecm, 2));
                table(&cases, &format!("{lag_ms} ms"), |case| with_spandsp(case, &network));
                table(&cases[..1], "ourselves", |case| with_ourselves(case, &network));
            }
        }
    }
}

#[test]
fn calls_that_come_to_nothing() {
    for (failure, outcome) in [
        (Failure::Busy, Outcome::Busy),
        (Failure::NoAnswer, Outcome::NoAnswer),
        (Failure::NoDialTone, Outcome::NoDialTone),
        (Failure::NoCarrier, Outcome::NotConnected),
    ] {
        let case = case(Way::Send, Speed::V17At14400, true, 1);
        let ended = with_spandsp(&case, &Network { failure: Some(failure), ..Network::default() });
        assert_eq!(ended.report.outcome, outcome);
    }
}

/// Our user gives up at any time: the far end hears DCN where it can, and the modem is on hook soon.
#[test]
fn cancelled_at_any_time() {
    for way in [Way::Send, Way::Receive] {
        for at in (100..36_000).step_by(900) {
            let case = case(way, Speed::V17At14400, at % 1800 == 100, 2);
            let network = Network { cancel_at: Some(Time(at * 1000)), ..Network::default() };
            let ended = with_spandsp(&case, &network);
            let took = ended.on_hook.since(Time(at * 1000));
            println!("{way:?} {at}: {} after {:.1} s", ended.report.outcome, took.as_secs_f64());
            assert!(took < Duration::from_secs(5), "{}", ended.trace);
        }
    }
}

/// One modem, a hundred calls: good ones, cut ones, given up ones. The last goes as well as the first.
#[test]
fn a_hundred_calls_on_one_modem() {
    let mut station = None;
    for call in 0..100u64 {
        let way = [Way::Send, Way::Receive][usize::from(call % 3 == 1)];
        let case = case(way, SOME[call as usize % SOME.len()], call % 2 == 0, 2);
        let at = |wanted: u64| (call % 5 == wanted).then_some(Time(call * 1_700_000 % 31_000_000));
        let network = Network { drop_at: at(2), cancel_at: at(4), ..Network::default() };
        let (ended, after) = on_one_modem(&case, &network, station.take());
        station = Some(after);
        if call % 5 != 2 && call % 5 != 4 {
            assert_eq!(ended.fault(&case), None, "call {call}: {}", ended.trace);
        }
    }
}

/// How calls fare in noise, speed by speed: figures, and that nothing is ever held for delivered that is not.
#[test]
#[ignore = "a table: cargo nextest run -p fax-proto --test class1_calls --run-ignored only --no-capture"]
fn noise_table() {
    const SEEDS: u64 = 10;
    println!("level  way      speed          ECM  good of {SEEDS}  seconds");
    for level in [-40.0, -36.0, -33.0, -30.0] {
        for speed in [Speed::V17At14400, Speed::V29At9600, Speed::V27ter4800] {
            for (way, ecm) in
                [(Way::Send, true), (Way::Send, false), (Way::Receive, true), (Way::Receive, false)]
            {
                let case = case(way, speed, ecm, 2);
                let (mut good, mut seconds) = (0, 0.0);
                for seed in 1..=SEEDS {
                    let line = Line { noise: Some((level, seed)), ..Line::default() };
                    let ended = with_spandsp(&case, &Network { line, ..Network::default() });
                    let (sent, has) = (case.document(), ended.report.pages_confirmed());
                    // Without ECM spandsp confirms pages of which it has no row, where V.17's short training failed.
                    assert!(!ecm || ended.received.len() >= has, "{}", ended.trace);
                    let exact = ended.fault_whatever_terms(&sent).is_none();
                    let well = ended.report.outcome.is_success() && (!ecm || exact);
                    if !well {
                        println!("{}", ended.report.outcome);
                    }
                    good += u32::from(well);
                    seconds += ended.ended.since(Time::ZERO).as_secs_f64() / SEEDS as f64;
                }
                println!(
                    "{level:<6} {:<8} {:<14} {ecm:<5} {good:>8}  {seconds:>7.1}",
                    format!("{way:?}"),
                    speed.to_string()
                );
            }
        }
    }
}

/// What a profile says otherwise makes no difference to the pages.
#[test]
fn profiles() {
    let profiles = [
        Profile { class: Class::OnePointZero, ..Profile::default() },
        Profile { silence: SilenceBy::Timer, ..Profile::default() },
        Profile { adaptive_reception: false, ..Profile::default() },
        Profile { command_gap: Duration::from_millis(40), ..Profile::default() },
        Profile { flow: FlowControl::XonXoff, flow_command: Some("AT+IFC=1,1".into()), ..Profile::default() },
        Profile {
            call_setup: vec!["AT+FNONSENSE=1".into()],
            init: vec!["ATE1Q0V1".into()],
            ..Profile::default()
        },
    ];
    for profile in profiles {
        let network = Network { profile, ..Network::default() };
        for ecm in [true, false] {
            let cases = [Way::Send, Way::Receive].map(|way| case(way, Speed::V17At14400, ecm, 2));
            table(&cases, "spandsp", |case| with_spandsp(case, &network));
            table(&cases[..1], "ourselves", |case| with_ourselves(case, &network));
        }
    }
}
