//! Our T.30 engine against spandsp's, both ways, over T.38 and over audio: every page is the same afterwards.
//!
//! `PEERS_LOG=1 cargo nextest run -p fax-proto --test spandsp --no-capture` shows what spandsp thinks.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod far_end;
mod support;

use far_end::{
    Case, Codes, Net, Outcome, PASSWORD, SEP, SUB, TABLE_HEAD, Twist, Way, audio_call, line, pair_call,
    t38_call,
};
use fax_proto::carrier::{Modulation, Speed};
use fax_proto::page::Resolution;
use fax_proto::session::{self, PageCoding};
use fax_proto::t38::udptl::Protection;
use fax_proto::time::{Duration, Time};
use std::collections::{BTreeMap, HashSet};

/// Runs calls and prints their table; all of them must be good.
fn table(cases: &[Case], medium: &str, run: impl Fn(&Case) -> Outcome) {
    println!("{TABLE_HEAD}");
    let mut faults = 0;
    for case in cases {
        let outcome = run(case);
        let fault = outcome.fault(case, &case.document());
        println!("{}", line(case, medium, &outcome, fault.as_ref()));
        if fault.is_some() {
            println!("{}", outcome.trace);
            faults += 1;
        }
    }
    assert_eq!(faults, 0, "of {} calls", cases.len());
}

fn t38_table(cases: &[Case], net: Net) {
    table(cases, "T.38", |case| t38_call(case, net));
}

/// The matrix of one way: coding, speed, resolution, one page and seven.
fn matrix(way: Way, speed: Speed) -> Vec<Case> {
    let mut cases = Vec::new();
    for (ecm, coding) in Codes::ALL {
        for resolution in [Resolution::R204x98, Resolution::R204x196, Resolution::R204x391] {
            for pages in [1, 7] {
                cases.push(Case { way, speed, ecm, coding, resolution, pages, twist: Twist::default() });
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

/// Polling: the one that calls receives.
#[test]
fn t38_polled_both_ways() {
    let mut cases = Vec::new();
    for way in [Way::Fetch, Way::Serve] {
        for (ecm, coding) in [(false, PageCoding::Mh), (false, PageCoding::Mr), (true, PageCoding::Mmr)] {
            for pages in [1, 3] {
                let (speed, resolution) = (Speed::V17At14400, Resolution::R204x196);
                cases.push(Case { way, speed, ecm, coding, resolution, pages, twist: Twist::default() });
            }
        }
    }
    t38_table(&cases, Net::default());
}

/// SUB and SID, SEP and PWD: each end hears what the other says, and we demand the password.
#[test]
fn t38_with_subaddress_and_password() {
    for way in [Way::Send, Way::Receive, Way::Fetch, Way::Serve] {
        let case = Case {
            way,
            speed: Speed::V17At14400,
            ecm: true,
            coding: PageCoding::Mmr,
            resolution: Resolution::R204x98,
            pages: 1,
            twist: Twist { is_addressed: true, ..Twist::default() },
        };
        let outcome = t38_call(&case, Net::default());
        assert_eq!(outcome.fault(&case, &case.document()), None, "{way:?}: {}", outcome.trace);
        let (heard, ours) = (&outcome.heard, outcome.report.subaddress.as_deref());
        match way {
            Way::Send => assert_eq!((&*heard.sub, &*heard.sid), (SUB, PASSWORD)),
            Way::Receive => assert_eq!(ours, Some(SUB)),
            Way::Fetch => assert_eq!((&*heard.sep, &*heard.pwd), (SEP, PASSWORD)),
            Way::Serve => assert_eq!(ours, Some(SEP)),
        }
    }
}

/// Calls over a network that loses datagrams, with redundancy 3 and key packets sent three times, at both ends.
fn losses(way: Way, loss_percent: u64) {
    let case = Case {
        way,
        speed: Speed::V17At14400,
        ecm: true,
        coding: PageCoding::Mmr,
        resolution: Resolution::R204x196,
        pages: 3,
        twist: Twist::default(),
    };
    let sent = case.document();
    let (mut good, mut seconds) = (0, 0.0);
    for seed in 1..=SEEDS {
        let outcome = t38_call(&case, Net { seed, loss_percent, ..Net::default() });
        match outcome.fault(&case, &sent) {
            None => good += 1,
            Some(fault) => println!("seed {seed}: {fault}\n{}", outcome.trace),
        }
        seconds += outcome.ended.since(Time::ZERO).as_secs_f64();
    }
    println!(
        "{way:?} with {loss_percent} % lost: {good} of {SEEDS} calls exact, {:.1} s on average",
        seconds / SEEDS as f64
    );
    assert_eq!(good, SEEDS);
}

/// Calls for each rate of loss and way.
const SEEDS: u64 = 20;

#[test]
fn t38_losses_to_them() {
    [3, 5, 10, 20].into_iter().for_each(|percent| losses(Way::Send, percent));
}

#[test]
fn t38_losses_from_them() {
    [3, 5, 10, 20].into_iter().for_each(|percent| losses(Way::Receive, percent));
}

/// One call each way over this network.
fn both_ways(net: Net, ecm: bool) {
    println!("{net:?}");
    let coding = if ecm { PageCoding::Mmr } else { PageCoding::Mr };
    let cases = [Way::Send, Way::Receive].map(|way| Case {
        way,
        speed: Speed::V17At14400,
        ecm,
        coding,
        resolution: Resolution::R204x98,
        pages: 2,
        twist: Twist::default(),
    });
    t38_table(&cases, net);
}

#[test]
fn t38_versions() {
    for version in 0..=3 {
        let net = Net { version, their_version: version, ..Net::default() };
        [true, false].into_iter().for_each(|ecm| both_ways(net, ecm));
    }
    // It says that it has a later version, and writes as in 1998.
    let net = Net { version: 3, their_version: 0, ..Net::default() };
    [true, false].into_iter().for_each(|ecm| both_ways(net, ecm));
}

#[test]
fn t38_protections() {
    let none = Protection::Redundancy { packets: 0 };
    let fec = Protection::Fec { span: 3, parities: 3 };
    for protection in [none, fec] {
        [true, false].into_iter().for_each(|ecm| both_ways(Net { protection, ..Net::default() }, ecm));
    }
    for seed in 1..=5 {
        both_ways(Net { protection: fec, seed, loss_percent: 5, ..Net::default() }, true);
    }
}

#[test]
fn t38_jitter_and_doubles() {
    for seed in 1..=5 {
        for protection in [Protection::Redundancy { packets: 3 }, Protection::Redundancy { packets: 0 }] {
            let jitter = Duration::from_millis(70);
            let net = Net { seed, jitter, double_percent: 10, protection, ..Net::default() };
            [true, false].into_iter().for_each(|ecm| both_ways(net, ecm));
        }
    }
}

#[test]
fn t38_every_speed() {
    let cases: Vec<Case> = Speed::ALL
        .into_iter()
        .flat_map(|speed| {
            [Way::Send, Way::Receive].map(|way| Case {
                way,
                speed,
                ecm: true,
                coding: PageCoding::Mmr,
                resolution: Resolution::R204x196,
                pages: 1,
                twist: Twist::default(),
            })
        })
        .collect();
    t38_table(&cases, Net::default());
}

/// Both ways with a twist.
fn twisted(twist: Twist, ecm: bool, pages: u32) -> [Case; 2] {
    let coding = if ecm { PageCoding::Mmr } else { PageCoding::Mh };
    let resolution = Resolution::R204x98;
    [Way::Send, Way::Receive].map(|way| Case {
        way,
        speed: Speed::V17At14400,
        ecm,
        coding,
        resolution,
        pages,
        twist,
    })
}

#[test]
fn t38_what_is_out_of_the_ordinary() {
    let plain = Twist::default();
    for scan_time_ms in [5, 10, 20, 40] {
        t38_table(&twisted(Twist { scan_time_ms, ..plain }, false, 2), Net::default());
    }
    for ecm in [true, false] {
        t38_table(&twisted(Twist { is_mixed: true, ..plain }, ecm, 8), Net::default());
    }
    t38_table(&twisted(Twist { small_frames: true, ..plain }, true, 2), Net::default());
    t38_table(&twisted(Twist { not_ready: 3, ..plain }, true, 3), Net::default());
    for ecm in [true, false] {
        t38_table(&twisted(Twist { is_unpaced: true, ..plain }, ecm, 3), Net::default());
    }
}

#[test]
fn audio_to_them_v17() {
    audio(Way::Send, Modulation::V17);
}

#[test]
fn audio_to_them_v29() {
    audio(Way::Send, Modulation::V29);
}

#[test]
fn audio_to_them_v27ter() {
    audio(Way::Send, Modulation::V27ter);
}

#[test]
fn audio_from_them_v17() {
    audio(Way::Receive, Modulation::V17);
}

#[test]
fn audio_from_them_v29() {
    audio(Way::Receive, Modulation::V29);
}

#[test]
fn audio_from_them_v27ter() {
    audio(Way::Receive, Modulation::V27ter);
}

/// The part of the matrix over audio that is run always.
fn audio(way: Way, modulation: Modulation) {
    let mut cases = Case::read(include_str!("data/spandsp/audio.txt"));
    cases.retain(|case| case.way == way && case.speed.modulation() == modulation);
    table(&cases, "audio", audio_call);
}

/// The whole matrix over audio, a minute and a half of one core altogether:
/// `cargo nextest run -p fax-proto --test spandsp --run-ignored only`
macro_rules! audio_matrix {
    ($($name:ident: $way:ident $speed:ident)*) => {$(
        #[test]
        #[ignore = "the well-chosen part of it runs always"]
        fn $name() {
            table(&matrix(Way::$way, Speed::$speed), "audio", audio_call);
        }
    )*};
}

audio_matrix! {
    audio_matrix_to_them_v17: Send V17At14400
    audio_matrix_to_them_v29: Send V29At9600
    audio_matrix_to_them_v27ter: Send V27ter4800
    audio_matrix_from_them_v17: Receive V17At14400
    audio_matrix_from_them_v29: Receive V29At9600
    audio_matrix_from_them_v27ter: Receive V27ter4800
}

/// Noise that V.17 does not stand: training fails and is stepped down, frames are asked for again, and the sender goes on
/// slower (CTC). With ECM every page is exact in the end.
fn noise(way: Way) {
    println!("{TABLE_HEAD}");
    let mut slowed = 0;
    for level in [-42.0, -38.0, -34.0, -31.0, -28.0] {
        for seed in 1..=3 {
            let [send, receive] = twisted(Twist { noise: Some((level, seed)), ..Twist::default() }, true, 2);
            let case = if way == Way::Send { send } else { receive };
            let outcome = audio_call(&case);
            let fault = outcome.fault_whatever_terms(&case.document());
            println!("{} at {level} dBm0", line(&case, "audio", &outcome, fault.as_ref()));
            assert_eq!(fault, None, "{}", outcome.trace);
            slowed += u32::from(outcome.terms.bit_rate < case.speed.bit_rate());
        }
    }
    assert!(slowed >= 6, "there is enough noise");
}

#[test]
fn audio_noise_to_them() {
    noise(Way::Send);
}

#[test]
fn audio_noise_from_them() {
    noise(Way::Receive);
}

/// The network breaks down at a moment, every half second of a call: the call ends, and no page is held for delivered that
/// did not arrive.
fn cut(way: Way) {
    for ecm in [true, false] {
        let [send, receive] = twisted(Twist::default(), ecm, 2);
        let case = if way == Way::Send { send } else { receive };
        let sent = case.document();
        let mut outcomes = BTreeMap::new();
        for half in 0..60 {
            let cut_at = Some(Time(500_000 * half));
            let outcome = t38_call(&case, Net { cut_at, ..Net::default() });
            let confirmed = outcome.report.pages_confirmed();
            assert!(outcome.received.starts_with(&sent[..confirmed]), "{}", outcome.trace);
            assert!(outcome.ended.since(Time::ZERO) < Duration::from_secs(180), "{}", outcome.trace);
            *outcomes.entry(outcome.report.outcome.to_string()).or_insert(0) += 1;
        }
        println!("{way:?}, ECM {ecm}: {outcomes:?}");
        assert!(outcomes.len() > 4);
    }
}

#[test]
fn t38_cut_to_them() {
    cut(Way::Send);
}

#[test]
fn t38_cut_from_them() {
    cut(Way::Receive);
}

/// Two of ours, with one another.
#[test]
fn t38_losses_between_two_of_ours() {
    let [case, _] = twisted(Twist::default(), true, 3);
    let sent = case.document();
    for loss_percent in [0, 3, 5, 10, 20] {
        let mut seconds = 0.0;
        for seed in 1..=SEEDS {
            let (caller, answerer, ended) = pair_call(&case, Net { seed, loss_percent, ..Net::default() });
            let outcomes = (caller.report.outcome, answerer.report.outcome);
            let traces = format!("{}\n{}", caller.trace, answerer.trace);
            assert_eq!(outcomes, (session::Outcome::Delivered, session::Outcome::Received), "{traces}");
            assert!(answerer.received == sent, "{traces}");
            seconds += ended.since(Time::ZERO).as_secs_f64();
        }
        println!("{loss_percent} % lost: {SEEDS} calls, {:.1} s on average", seconds / SEEDS as f64);
    }
}

/// Without ECM what is lost for good costs rows, and not the call.
#[test]
fn t38_losses_without_ecm() {
    let (mut rows_sent, mut rows_kept) = (0, 0);
    for loss_percent in [3, 5, 10, 20] {
        for case in twisted(Twist::default(), false, 3) {
            for seed in 1..=10 {
                let outcome = t38_call(&case, Net { seed, loss_percent, ..Net::default() });
                assert_eq!(outcome.fault_of_call(3), None, "{}", outcome.trace);
                for (sent, received) in case.document().iter().zip(&outcome.received) {
                    rows_sent += sent.rows();
                    let kept: HashSet<&[u8]> = received.iter_rows().collect();
                    rows_kept += sent.iter_rows().filter(|row| kept.contains(row)).count() as u32;
                }
            }
        }
    }
    println!("{rows_kept} of {rows_sent} rows arrived");
    assert!(rows_kept * 100 >= rows_sent * 99);
}
