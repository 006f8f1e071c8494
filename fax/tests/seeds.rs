//! Five thousand seeds of the simulated line, three pages each: every call ends in time, what is reported as delivered is
//! what was received, and no page is confirmed that did not come over. A table says what became of the calls.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use fax_proto::carrier::{Modulation, Speed, SpeedSet};
use fax_proto::page::{Page, Resolution};
use fax_proto::session::{Outcome, PageMark, ReceivedPage};
use fax_proto::sim::air::{AirConfig, CallRecord, Callee};
use fax_proto::sim::noise::Bursts;
use fax_proto::t30::capability::{Capability, FrameSize};
use fax_proto::time::{Duration, Time};
use std::collections::BTreeMap;
use support::{Store, call, page, receiver_config, sender_config};

/// Seeds; each kind of impairment has its share.
const SEEDS: u64 = 5000;
const PAGES: u32 = 3;
const ROWS: u32 = 110;
/// No call of these may take longer: three pages, three tries each, at the lowest speed.
const CALL_DEADLINE: Duration = Duration::from_secs(1800);
/// The share of bad rows that the receiver's copy quality lets pass at once, in percent.
const BAD_ROWS_PERCENT_MAX: u32 = 15;
/// The longest run of bad rows that it lets pass at once, at the 98 rows per inch of these pages.
const BAD_RUN_ROWS_MAX: u32 = 15;
/// Rows called good that may be wrong all the same, in percent.
const UNNOTICED_PERCENT_MAX: u32 = 10;

/// The impairments, one after the other by seed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Clean,
    FewBitErrors,
    ManyBitErrors,
    HeavyBitErrors,
    LaterBitErrors,
    ControlBitErrors,
    Bursts,
    LostFrames,
    DoubledFrames,
    Delays,
    Echo,
    SlowDriver,
    V17Refused,
    SomeRefused,
    AllRefused,
    Dropped,
    AnswererDead,
    CallerDead,
    Absent,
    Everything,
}

const KINDS: [Kind; 20] = [
    Kind::Clean,
    Kind::FewBitErrors,
    Kind::ManyBitErrors,
    Kind::HeavyBitErrors,
    Kind::LaterBitErrors,
    Kind::ControlBitErrors,
    Kind::Bursts,
    Kind::LostFrames,
    Kind::DoubledFrames,
    Kind::Delays,
    Kind::Echo,
    Kind::SlowDriver,
    Kind::V17Refused,
    Kind::SomeRefused,
    Kind::AllRefused,
    Kind::Dropped,
    Kind::AnswererDead,
    Kind::CallerDead,
    Kind::Absent,
    Kind::Everything,
];

fn kind_of(seed: u64) -> Kind {
    KINDS[(seed % KINDS.len() as u64) as usize]
}

/// The mode of the call, one after the other by seed.
fn mode(seed: u64) -> (Capability, FrameSize) {
    const FULL: Capability = Capability::FULL;
    match seed / KINDS.len() as u64 % 5 {
        0 => (FULL, FrameSize::Octets256),
        1 => (FULL, FrameSize::Octets64),
        2 => (Capability { ecm: false, ..FULL }, FrameSize::Octets256),
        3 => (Capability { ecm: false, mr: false, ..FULL }, FrameSize::Octets256),
        _ => (Capability { mmr: false, speeds: SpeedSet::ALL.up_to(9600), ..FULL }, FrameSize::Octets256),
    }
}

/// A number below `limit` that differs by seed and by use.
fn draw(seed: u64, by: u64, limit: u64) -> u64 {
    let mixed = (seed + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ (by + 1).wrapping_mul(0xD6E8_FEB8_6659_FD93);
    (mixed ^ mixed >> 29).wrapping_mul(0xBF58_476D_1CE4_E5B9) % limit
}

fn millis(count: u64) -> Duration {
    Duration::from_millis(count)
}

fn air(kind: Kind, seed: u64) -> AirConfig {
    let good = AirConfig { seed, ..AirConfig::default() };
    let below = |by: u64, limit: u64| draw(seed, by, limit);
    let per_million = |by: u64, from: u32, limit: u32| from + below(by, limit.into()) as u32;
    // Spread over the call: identification, training, pages, end.
    let some_time = || Some(Time::ZERO + millis(3000 + below(1, 60_000)));
    let bursts = || Bursts { every: millis(500 + below(2, 8000)), lasting: millis(5 + below(3, 400)) };
    match kind {
        Kind::Clean => good,
        Kind::FewBitErrors => AirConfig { bit_errors_per_million: per_million(1, 20, 60), ..good },
        Kind::ManyBitErrors => AirConfig { bit_errors_per_million: per_million(1, 200, 5000), ..good },
        Kind::HeavyBitErrors => AirConfig { bit_errors_per_million: per_million(1, 5000, 300_000), ..good },
        Kind::LaterBitErrors => AirConfig {
            bit_errors_per_million: per_million(1, 1000, 60_000),
            bit_errors_from: Time::ZERO + Duration::from_secs(15 + below(2, 20)),
            ..good
        },
        Kind::ControlBitErrors => {
            AirConfig { v21_bit_errors_per_million: per_million(1, 1500, 3000), ..good }
        }
        Kind::Bursts => AirConfig { bursts: Some(bursts()), ..good },
        Kind::LostFrames => AirConfig { frames_lost_per_million: per_million(1, 20_000, 300_000), ..good },
        Kind::DoubledFrames => {
            AirConfig { frames_doubled_per_million: per_million(1, 10_000, 800_000), ..good }
        }
        Kind::Delays => AirConfig { delay: millis(below(1, 700)), jitter: millis(below(2, 900)), ..good },
        Kind::Echo => AirConfig { echo: Some(millis(20 + below(1, 600))), ..good },
        Kind::SlowDriver => AirConfig { driver_delay: millis(below(1, 5000)), ..good },
        Kind::V17Refused => AirConfig { refused: SpeedSet::NONE.with_modulation(Modulation::V17), ..good },
        Kind::SomeRefused => {
            let refused = Speed::ALL.into_iter().filter(|speed| below(*speed as u64, 2) == 0);
            AirConfig { refused: refused.fold(SpeedSet::NONE, SpeedSet::with), ..good }
        }
        Kind::AllRefused => AirConfig { refused: SpeedSet::ALL, ..good },
        Kind::Dropped => AirConfig { drop_at: some_time(), ..good },
        Kind::AnswererDead => AirConfig { answerer_mute_from: some_time(), ..good },
        Kind::CallerDead => AirConfig { caller_mute_from: some_time(), ..good },
        Kind::Absent => AirConfig {
            callee: [Callee::Busy, Callee::NoAnswer, Callee::Silent][seed as usize / KINDS.len() % 3],
            ..good
        },
        Kind::Everything => AirConfig {
            bit_errors_per_million: per_million(4, 0, 800),
            v21_bit_errors_per_million: per_million(5, 0, 800),
            bursts: Some(Bursts { lasting: millis(30), ..bursts() }),
            frames_lost_per_million: per_million(6, 0, 40_000),
            frames_doubled_per_million: per_million(7, 0, 200_000),
            jitter: millis(below(8, 300)),
            echo: Some(millis(20 + below(9, 300))),
            driver_delay: millis(below(10, 800)),
            ..good
        },
    }
}

struct Run {
    record: CallRecord,
    sent: Vec<Page>,
    caller: Store,
    answerer: Store,
    ecm: bool,
}

fn run(kind: Kind, seed: u64) -> Run {
    let sent: Vec<Page> =
        (0..PAGES).map(|n| page(seed * 10 + u64::from(n), ROWS, Resolution::R204x98)).collect();
    let (allowed, frame_size) = mode(seed);
    let mut sender = sender_config(PAGES);
    sender.allowed = allowed;
    sender.frame_size = frame_size;
    let (mut caller, mut answerer) = (Store::with(sent.clone()), Store::default());
    let record = call(sender, receiver_config(), &air(kind, seed), &mut caller, &mut answerer);
    Run { record, sent, caller, answerer, ecm: allowed.ecm }
}

/// What must hold after any call.
fn check(run: &Run, seed: u64) {
    let record = &run.record;
    let trace =
        || format!("seed {seed}\n{}\n{:?}", record.caller.trace, record.answerer.as_ref().map(|a| &a.trace));
    assert!(record.ended.since(Time::ZERO) <= CALL_DEADLINE, "too long: {}", trace());
    let marks = &record.caller.report.marks;
    assert_eq!(marks.len(), PAGES as usize);
    let received = &run.answerer.received;
    // Without ECM a page whose confirmation and whose repeated command were lost is refused, and so comes again.
    let again = !run.ecm && record.answerer.as_ref().is_some_and(|a| a.trace.contains("→ RTN"));
    assert!(again || received.len() <= PAGES as usize, "a page was received twice: {}", trace());
    for (at, page) in received.iter().enumerate() {
        assert_eq!(page.index as usize, at, "out of order: {}", trace());
    }
    let mut next = 0;
    for (at, mark) in marks.iter().enumerate() {
        match mark {
            PageMark::Confirmed => next = same_page(run, at, next, &trace),
            PageMark::NotSent => {
                assert!(again || received.len() <= at, "page {at} is here, but held unsent: {}", trace())
            }
            PageMark::Unconfirmed => {}
        }
    }
    let confirmed = marks.iter().take_while(|m| **m == PageMark::Confirmed).count();
    assert!(marks[confirmed..].iter().all(|m| *m != PageMark::Confirmed), "a gap: {}", trace());
    let delivered = record.caller.report.outcome == Outcome::Delivered;
    assert_eq!(delivered, confirmed == PAGES as usize, "{}", trace());
    let unconfirmed = matches!(record.caller.report.outcome, Outcome::Unconfirmed { .. });
    assert_eq!(unconfirmed, marks.contains(&PageMark::Unconfirmed), "{}", trace());
    // The driver's last word on each page is the report's.
    for (at, mark) in marks.iter().enumerate() {
        let last = run.caller.marks.iter().rev().find(|(page, _)| *page as usize == at);
        assert_eq!(last.map_or(PageMark::NotSent, |(_, mark)| *mark), *mark, "{}", trace());
    }
}

/// Checks a confirmed page against that received as number `from`, or against the next where one came twice; gives the
/// number after it.
fn same_page(run: &Run, at: usize, from: usize, trace: &dyn Fn() -> String) -> usize {
    let received = &run.answerer.received;
    let likeness = |number: usize| received.get(number).map_or(0, |r| rows_in_common(&run.sent[at], &r.page));
    let came_twice = received.len() > PAGES as usize && likeness(from + 1) > likeness(from);
    let number = from + usize::from(came_twice);
    let page = received.get(number);
    let page = page.unwrap_or_else(|| panic!("page {at} is confirmed but was not received: {}", trace()));
    is_as_sent(run, at, page, trace);
    number + 1
}

/// Whether the page is what was sent, or as near to it as the receiver said.
fn is_as_sent(run: &Run, at: usize, received: &ReceivedPage, trace: &dyn Fn() -> String) {
    let sent = &run.sent[at];
    if run.ecm || run.record.image_bits_flipped == 0 {
        assert_eq!(received.page, *sent, "page {at}: {}", trace());
        assert_eq!(received.quality.rows_bad, 0);
        return;
    }
    // Without error correction: within the quality that the receiver found good enough to confirm, or refused twice.
    let quality = received.quality;
    let rows = quality.rows_good + quality.rows_bad;
    if quality.rows_bad * 100 > rows * BAD_ROWS_PERCENT_MAX || quality.bad_run_rows_max > BAD_RUN_ROWS_MAX {
        let answerer = run.record.answerer.as_ref().unwrap();
        assert!(
            answerer.trace.matches("→ RTN").count() >= 2 && quality.rows_good > 0,
            "page {at}: {}",
            trace()
        );
        return;
    }
    // A damaged EOL may swallow a row, so the pages are compared in order and not row by row. An error within an MR row
    // that keeps its length goes unnoticed until the next row that stands alone.
    let right = rows_in_common(sent, &received.page);
    let least = quality.rows_good - quality.rows_good * UNNOTICED_PERCENT_MAX / 100;
    assert!(right >= least, "page {at}: {right} of {} rows are right: {}", quality.rows_good, trace());
}

/// The length of the longest common sequence of rows.
fn rows_in_common(a: &Page, b: &Page) -> u32 {
    let b: Vec<&[u8]> = b.iter_rows().collect();
    let mut best = vec![0u32; b.len() + 1];
    for row in a.iter_rows() {
        let mut diagonal = 0;
        for (at, other) in b.iter().enumerate() {
            let above = best[at + 1];
            best[at + 1] = if row == *other { diagonal + 1 } else { above.max(best[at]) };
            diagonal = above;
        }
    }
    best[b.len()]
}

/// What became of the calls of one kind.
#[derive(Clone, Copy, Debug, Default)]
struct Total {
    delivered: u32,
    unconfirmed: u32,
    failed: u32,
    time: Duration,
}

impl Total {
    fn count(&mut self, run: &Run) {
        match run.record.caller.report.outcome {
            Outcome::Delivered => self.delivered += 1,
            Outcome::Unconfirmed { .. } => self.unconfirmed += 1,
            _ => self.failed += 1,
        }
        self.time += run.record.ended.since(Time::ZERO);
    }

    fn add(&mut self, other: &Self) {
        self.delivered += other.delivered;
        self.unconfirmed += other.unconfirmed;
        self.failed += other.failed;
        self.time += other.time;
    }

    fn calls(&self) -> u32 {
        self.delivered + self.unconfirmed + self.failed
    }

    fn line(&self, name: &str) -> String {
        let Self { delivered, unconfirmed, failed, .. } = self;
        let mean = self.time.as_secs_f64() / f64::from(self.calls());
        format!("{name:<17}{:>7}{delivered:>11}{unconfirmed:>13}{failed:>8}{mean:>10.1} s", self.calls())
    }
}

type Totals = (BTreeMap<Kind, Total>, BTreeMap<String, u32>);

/// Runs and checks every seed that leaves this rest.
fn some_seeds(rest: u64, of: u64) -> Totals {
    let (mut totals, mut outcomes) = Totals::default();
    for seed in (0..SEEDS).filter(|seed| seed / KINDS.len() as u64 % of == rest) {
        let run = run(kind_of(seed), seed);
        check(&run, seed);
        totals.entry(kind_of(seed)).or_default().count(&run);
        *outcomes.entry(run.record.caller.report.outcome.to_string()).or_default() += 1;
    }
    (totals, outcomes)
}

fn all_seeds() -> Totals {
    let threads = std::thread::available_parallelism().map_or(1, |n| n.get() as u64);
    let (mut totals, mut outcomes) = Totals::default();
    std::thread::scope(|scope| {
        let parts: Vec<_> = (0..threads).map(|n| scope.spawn(move || some_seeds(n, threads))).collect();
        for part in parts {
            let (some_totals, some_outcomes) =
                part.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            some_totals.iter().for_each(|(kind, total)| totals.entry(*kind).or_default().add(total));
            some_outcomes.into_iter().for_each(|(what, n)| *outcomes.entry(what).or_default() += n);
        }
    });
    (totals, outcomes)
}

#[test]
fn five_thousand_calls_end_and_tell_the_truth() {
    let (totals, outcomes) = all_seeds();
    println!(
        "{:<17}{:>7}{:>11}{:>13}{:>8}{:>12}",
        "impairment", "calls", "delivered", "unconfirmed", "failed", "mean"
    );
    let mut all = Total::default();
    for (kind, total) in &totals {
        println!("{}", total.line(&format!("{kind:?}")));
        all.add(total);
    }
    println!("{}\n", all.line("all"));
    for (outcome, count) in &outcomes {
        println!("{count:>5} {outcome}");
    }
    assert_eq!(u64::from(all.calls()), SEEDS);
    let each = all.calls() / KINDS.len() as u32;
    for kind in [Kind::Clean, Kind::FewBitErrors, Kind::DoubledFrames, Kind::V17Refused] {
        assert_eq!(totals[&kind].delivered, each, "{kind:?}");
    }
    for kind in [Kind::AllRefused, Kind::Absent] {
        assert_eq!(totals[&kind].failed, each, "{kind:?}");
    }
    for kind in
        [Kind::HeavyBitErrors, Kind::LaterBitErrors, Kind::Dropped, Kind::AnswererDead, Kind::CallerDead]
    {
        assert!(totals[&kind].delivered > 0 && totals[&kind].failed > 0, "{kind:?} must have both ends");
    }
    assert!(all.unconfirmed > 0, "some calls end unconfirmed");
}

#[test]
fn the_same_seed_gives_the_same_call() {
    let seed = KINDS.iter().position(|kind| *kind == Kind::Everything).unwrap() as u64;
    let (a, b) = (run(kind_of(seed), seed), run(kind_of(seed), seed));
    assert_eq!(a.record.caller.trace, b.record.caller.trace);
    assert!(a.record.caller.report.negotiated.is_some_and(|n| n.speed <= Speed::V17At14400));
}
