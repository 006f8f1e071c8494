//! Two calls in a row to the same far end: the second begins below what failed in the first, until that is forgotten.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use fax_proto::carrier::{Modulation, Speed, SpeedSet};
use fax_proto::page::Resolution;
use fax_proto::session::{Outcome, Report};
use fax_proto::sim::air::AirConfig;
use fax_proto::t30::capability::Capability;
use fax_proto::t30::memory::{FEATURE_SECS, Memory, SPEED_SECS, WallTime};
use fax_proto::time::{Duration, Time};
use support::{Store, call, page, receiver_config, sender_config};

const NOW: u64 = 1_700_000_000;

/// A call of one page at this time; what it reports, how long it took, and its trace.
fn report(air: &AirConfig, memory: Memory, at: u64) -> (Report, Duration, String) {
    let mut sender = sender_config(1);
    (sender.memory, sender.wall_time) = (memory, WallTime(at));
    let (mut caller, mut answerer) = (Store::with(vec![page(1, 200, Resolution::R204x98)]), Store::default());
    let record = call(sender, receiver_config(), air, &mut caller, &mut answerer);
    let caller = record.caller;
    assert_eq!(caller.report.outcome, Outcome::Delivered, "{}", caller.trace);
    (caller.report, record.ended.since(Time::ZERO), caller.trace)
}

fn refusing(refused: SpeedSet) -> AirConfig {
    AirConfig { refused, ..AirConfig::default() }
}

#[test]
fn the_second_call_begins_below_what_failed() {
    let air = refusing(SpeedSet::NONE.with_modulation(Modulation::V17));
    let (first, first_time, trace) = report(&air, Memory::default(), NOW);
    assert_eq!(trace.matches("← FTT").count(), 3, "{trace}");
    let known = first.memory;
    assert_eq!(known.no_v17, Some(WallTime(NOW)));
    assert_eq!(known.speed_max, Some((Speed::V29At9600, WallTime(NOW))));
    assert_eq!(
        known.to_string(),
        "no V.17 since 1700000000; at most 9600 V.29 since 1700000000; worked at 9600 V.29 since 1700000000"
    );

    // Kept as text and read again, as a gateway would.
    let known = known.to_string().parse().unwrap();
    let (second, second_time, trace) = report(&air, known, NOW + 600);
    assert!(trace.contains("TCF 9600 V.29") && !trace.contains("TCF 14400"), "{trace}");
    assert_eq!(trace.matches("FTT").count(), 0, "{trace}");
    assert!(second_time + Duration::from_secs(15) < first_time, "{second_time:?} after {first_time:?}");
    assert_eq!(second.memory.no_v17, Some(WallTime(NOW)), "nothing failed anew");

    // Forgotten: tried again, and learned again.
    let (third, _, trace) = report(&air, second.memory, NOW + FEATURE_SECS);
    assert_eq!(trace.matches("← FTT").count(), 3, "{trace}");
    assert_eq!(third.memory.no_v17, Some(WallTime(NOW + FEATURE_SECS)));
}

#[test]
fn a_speed_is_forgotten_sooner_and_what_works_again_is_used() {
    let air = refusing(SpeedSet::NONE.with(Speed::V17At14400));
    let (first, ..) = report(&air, Memory::default(), NOW);
    assert_eq!(first.memory.no_v17, None);
    assert_eq!(first.memory.speed_max, Some((Speed::V17At12000, WallTime(NOW))));
    let good = AirConfig::default();
    let (second, ..) = report(&good, first.memory, NOW + SPEED_SECS - 1);
    assert_eq!(second.negotiated.unwrap().speed, Speed::V17At12000);
    let (third, ..) = report(&good, second.memory, NOW + SPEED_SECS);
    assert_eq!(third.negotiated.unwrap().speed, Speed::V17At14400);
    assert_eq!(third.memory.speed_max, None);
    assert_eq!(third.memory.worked, Some((Speed::V17At14400, WallTime(NOW + SPEED_SECS))));
}

#[test]
fn a_page_that_ecm_cannot_bring_over_goes_without_it_in_the_next_call() {
    // The training check passes, and then hardly a bit is right.
    let air = AirConfig {
        bit_errors_per_million: 500_000,
        bit_errors_from: Time::ZERO + Duration::from_secs(15),
        ..AirConfig::default()
    };
    let mut sender = sender_config(1);
    sender.wall_time = WallTime(NOW);
    let (mut caller, mut answerer) = (Store::with(vec![page(1, 200, Resolution::R204x98)]), Store::default());
    let record = call(sender, receiver_config(), &air, &mut caller, &mut answerer);
    let report = record.caller.report;
    assert_eq!(report.outcome, Outcome::PageRejected { page: 0 }, "{}", record.caller.trace);
    assert_eq!(report.memory.no_ecm, Some(WallTime(NOW)));
    let again = report.memory.restrict(Capability::FULL, WallTime(NOW + 60));
    assert!(!again.ecm);
}
