//! Whole calls over the simulated line: every mode, every kind of page, and a fault at every moment.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use fax_proto::carrier::{Modulation, Speed, SpeedSet};
use fax_proto::page::{Page, PaperWidth, Resolution};
use fax_proto::session::{Incompatibility, LocalFailure, Outcome, PageCoding, PageMark};
use fax_proto::sim::air::{AirConfig, CallRecord, Callee};
use fax_proto::t30::capability::{Capability, FrameSize, PaperLength, ScanTime};
use fax_proto::time::{Duration, Time};
use support::{Store, call, page, receiver_config, sender_config};

const FULL: Capability = Capability::FULL;

/// A call over a good line between a sender that may do this and a receiver that can do that.
fn good_call(
    pages: &[Page],
    allowed: Capability,
    size: FrameSize,
    offered: Capability,
) -> (CallRecord, Vec<Page>) {
    let (mut caller, mut answerer) = (Store::with(pages.to_vec()), Store::default());
    let mut sender = sender_config(u32::try_from(pages.len()).unwrap());
    sender.allowed = allowed;
    sender.frame_size = size;
    let mut receiver = receiver_config();
    receiver.capability = offered;
    let record = call(sender, receiver, &AirConfig::default(), &mut caller, &mut answerer);
    (record, answerer.received.into_iter().map(|r| r.page).collect())
}

fn assert_delivered(record: &CallRecord, received: &[Page], sent: &[Page]) {
    assert_eq!(record.caller.report.outcome, Outcome::Delivered, "{}", record.caller.trace);
    let answerer = record.answerer.as_ref().unwrap();
    assert_eq!(answerer.report.outcome, Outcome::Received, "{}", answerer.trace);
    assert_eq!(received, sent);
}

#[test]
fn every_mode_brings_the_pages_over() {
    let pages: Vec<_> = (0..2).map(|n| page(n, 120, Resolution::R204x98)).collect();
    let sizes = [Some(FrameSize::Octets256), Some(FrameSize::Octets64), None];
    for speed in Speed::ALL {
        for ecm in sizes {
            for coding in [PageCoding::Mh, PageCoding::Mr, PageCoding::Mmr] {
                let allowed = Capability {
                    speeds: SpeedSet::NONE.with(speed),
                    ecm: ecm.is_some(),
                    mr: coding != PageCoding::Mh,
                    mmr: coding == PageCoding::Mmr,
                    ..FULL
                };
                let (record, received) = good_call(&pages, allowed, ecm.unwrap_or_default(), FULL);
                assert_delivered(&record, &received, &pages);
                let negotiated = record.caller.report.negotiated.unwrap();
                assert_eq!(negotiated.speed, speed);
                assert_eq!(negotiated.ecm_frame_octets.map(usize::from), ecm.map(FrameSize::octets));
                // MMR needs ECM.
                let expected =
                    if coding == PageCoding::Mmr && ecm.is_none() { PageCoding::Mr } else { coding };
                assert_eq!(negotiated.coding, expected);
                assert_eq!(record.answerer.unwrap().report.negotiated, Some(negotiated));
            }
        }
    }
}

#[test]
fn both_ends_know_whom_they_talk_to() {
    let pages = [page(1, 60, Resolution::R204x98)];
    let (record, _) = good_call(&pages, FULL, FrameSize::Octets256, FULL);
    assert_eq!(record.caller.report.remote_id.as_deref(), Some("+1 212 555 0123"));
    assert_eq!(record.answerer.unwrap().report.remote_id.as_deref(), Some("+1 212 555 0100"));
}

#[test]
fn every_resolution_and_width_goes_over_and_changes_go_by_eom() {
    let mut pages = Vec::new();
    for resolution in Resolution::ALL {
        for paper in [PaperWidth::A4, PaperWidth::B4, PaperWidth::A3] {
            let mut page = Page::white(resolution.width(paper), 40, resolution);
            (0..40).for_each(|y| (y..y + 900).for_each(|x| page.set(x, y, x % 5 < 2)));
            pages.push(page);
        }
    }
    let (record, received) = good_call(&pages, FULL, FrameSize::Octets256, FULL);
    assert_delivered(&record, &received, &pages);
    assert_eq!(record.caller.trace.matches("PPS-EOM").count(), pages.len() - 1);
    assert_eq!(record.caller.trace.matches("← DIS").count(), pages.len());
}

#[test]
fn a_long_page_takes_many_blocks() {
    let pages = [page(5, 3000, Resolution::R204x391)];
    let (record, received) = good_call(&pages, Capability { mmr: false, ..FULL }, FrameSize::Octets64, FULL);
    assert_delivered(&record, &received, &pages);
    assert!(record.caller.trace.contains("PPS-NULL page 0 block 2"), "{}", record.caller.trace);
}

#[test]
fn a_slow_printer_is_given_its_time() {
    let pages = [page(2, 100, Resolution::R204x98)];
    let slow = Capability { ecm: false, scan_time: ScanTime { standard_ms: 40, ..ScanTime::NONE }, ..FULL };
    let (record, received) = good_call(&pages, FULL, FrameSize::Octets256, slow);
    assert_delivered(&record, &received, &pages);
    assert!(record.caller.trace.contains("40 ms/row"));
    // 100 rows of 40 ms at 14400 bit/s.
    let bytes: u32 =
        record.caller.trace.split("short, ").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap();
    assert!(bytes >= 7200, "{bytes}");
}

#[test]
fn what_the_far_end_cannot_print_is_said() {
    let fine = [page(1, 60, Resolution::R204x196)];
    let table = [
        (Capability { fine: false, ..FULL }, Incompatibility::Resolution),
        (Capability { can_receive: false, ..FULL }, Incompatibility::NotAReceiver),
    ];
    for (offered, why) in table {
        let (record, received) = good_call(&fine, FULL, FrameSize::Octets256, offered);
        assert_eq!(record.caller.report.outcome, Outcome::Incompatible(why));
        assert!(received.is_empty());
    }
    // The first page fits, the second does not: the first is delivered, and the reason is told.
    let pages = [page(1, 60, Resolution::R204x98), page(2, 3000, Resolution::R204x98)];
    let short = Capability { length: PaperLength::A4, ..FULL };
    let (record, received) = good_call(&pages, FULL, FrameSize::Octets256, short);
    assert_eq!(record.caller.report.outcome, Outcome::Incompatible(Incompatibility::Length));
    assert_eq!(record.caller.report.marks, [PageMark::Confirmed, PageMark::NotSent]);
    assert_eq!(received.len(), 1);
    assert_eq!(record.answerer.unwrap().report.outcome, Outcome::Received);
}

#[test]
fn nobody_there_is_told_apart() {
    for (callee, outcome) in [
        (Callee::Busy, Outcome::Busy),
        (Callee::NoAnswer, Outcome::NoAnswer),
        (Callee::Silent, Outcome::NoFaxTone),
    ] {
        let (mut caller, mut answerer) =
            (Store::with(vec![page(1, 10, Resolution::R204x98)]), Store::default());
        let air = AirConfig { callee, ..AirConfig::default() };
        let record = call(sender_config(1), receiver_config(), &air, &mut caller, &mut answerer);
        assert_eq!(record.caller.report.outcome, outcome);
        assert!(record.answerer.is_none());
        assert!(record.ended.since(Time::ZERO) < Duration::from_secs(70));
    }
}

#[test]
fn refused_modulations_are_stepped_over() {
    let pages = [page(1, 60, Resolution::R204x98)];
    let refused = SpeedSet::NONE.with_modulation(Modulation::V17).with_modulation(Modulation::V29);
    let air = AirConfig { refused, ..AirConfig::default() };
    let (mut caller, mut answerer) = (Store::with(pages.to_vec()), Store::default());
    let record = call(sender_config(1), receiver_config(), &air, &mut caller, &mut answerer);
    assert_eq!(record.caller.report.outcome, Outcome::Delivered);
    assert_eq!(record.caller.report.negotiated.unwrap().speed, Speed::V27ter4800);
}

#[test]
fn a_call_that_takes_too_long_is_ended() {
    let pages: Vec<_> = (0..20).map(|n| page(n, 300, Resolution::R204x98)).collect();
    let (mut caller, mut answerer) = (Store::with(pages), Store::default());
    let mut sender = sender_config(20);
    sender.call_time_max = Duration::from_secs(60);
    let record = call(sender, receiver_config(), &AirConfig::default(), &mut caller, &mut answerer);
    let report = &record.caller.report;
    assert!(
        matches!(report.outcome, Outcome::CallTooLong | Outcome::Unconfirmed { .. }),
        "{}",
        report.outcome
    );
    assert!(report.pages_confirmed() > 2);
    assert!(record.ended.since(Time::ZERO) < Duration::from_secs(90));
}

#[test]
fn failing_drivers_never_confirm() {
    let pages: Vec<_> = (0..2).map(|n| page(n, 60, Resolution::R204x98)).collect();
    for ecm in [true, false] {
        let mut sender = sender_config(2);
        sender.allowed = Capability { ecm, ..FULL };
        let (mut caller, mut answerer) = (Store::with(pages.clone()), Store::default());
        caller.refuse_mark = true;
        let record =
            call(sender.clone(), receiver_config(), &AirConfig::default(), &mut caller, &mut answerer);
        assert_eq!(record.caller.report.outcome, Outcome::Local(LocalFailure::MarkNotKept));
        assert!(!record.caller.trace.contains("MPS"), "the command must not go out: {}", record.caller.trace);
        assert!(answerer.received.is_empty());

        let (mut caller, mut answerer) = (Store::with(pages.clone()), Store::default());
        answerer.refuse_received = true;
        let record =
            call(sender.clone(), receiver_config(), &AirConfig::default(), &mut caller, &mut answerer);
        let answered = record.answerer.unwrap();
        assert_eq!(answered.report.outcome, Outcome::Local(LocalFailure::PageNotKept), "{}", answered.trace);
        assert_eq!(record.caller.report.pages_confirmed(), 0);
        assert!(!answered.trace.contains("MCF"));

        let (mut caller, mut answerer) = (Store::with(pages.clone()), Store::default());
        caller.no_page = Some(1);
        let record = call(sender, receiver_config(), &AirConfig::default(), &mut caller, &mut answerer);
        assert_eq!(record.caller.report.outcome, Outcome::Local(LocalFailure::PageMissing));
        assert_eq!(record.caller.report.pages_confirmed(), 1);
        assert_eq!(answerer.received.len(), 1);
    }
}

/// A fault at every quarter of a second of a call, and nothing untrue is ever said about a page.
fn sweep(air_at: impl Fn(Time) -> AirConfig) {
    let pages: Vec<_> = (0..2).map(|n| page(n, 60, Resolution::R204x98)).collect();
    let mut outcomes = std::collections::BTreeSet::new();
    for ecm in [true, false] {
        for quarter in 0..160 {
            let at = Time::ZERO + Duration::from_millis(250 * quarter);
            let (mut caller, mut answerer) = (Store::with(pages.clone()), Store::default());
            let mut sender = sender_config(2);
            sender.allowed = Capability { ecm, ..FULL };
            let record = call(sender, receiver_config(), &air_at(at), &mut caller, &mut answerer);
            let report = &record.caller.report;
            for (at, mark) in report.marks.iter().enumerate() {
                match mark {
                    PageMark::Confirmed => assert_eq!(answerer.received[at].page, pages[at]),
                    PageMark::NotSent => assert!(answerer.received.len() <= at, "{}", record.caller.trace),
                    PageMark::Unconfirmed => {}
                }
            }
            assert!(answerer.received.len() <= 2);
            assert!(record.ended.since(Time::ZERO) < Duration::from_secs(240), "{}", record.caller.trace);
            outcomes.insert(report.outcome.to_string());
        }
    }
    assert!(outcomes.contains("delivered") && outcomes.len() >= 5, "{outcomes:?}");
}

#[test]
fn a_drop_at_any_moment_leaves_the_truth() {
    sweep(|at| AirConfig { drop_at: Some(at), ..AirConfig::default() });
}

#[test]
fn silence_from_any_moment_leaves_the_truth() {
    sweep(|at| AirConfig { answerer_mute_from: Some(at), ..AirConfig::default() });
}

#[test]
fn time_is_told_in_order() {
    let (mut caller, mut answerer) = (Store::with(vec![page(1, 20, Resolution::R204x98)]), Store::default());
    let mut sender = fax_proto::t30::Engine::sender(sender_config(1));
    let mut receiver = fax_proto::t30::Engine::receiver(receiver_config());
    let mut times = Vec::new();
    let record = fax_proto::sim::air::run(
        fax_proto::sim::air::Party { engine: &mut sender, hooks: &mut caller },
        fax_proto::sim::air::Party { engine: &mut receiver, hooks: &mut answerer },
        &AirConfig::default(),
        &mut |now| times.push(now),
    );
    assert!(times.is_sorted());
    assert_eq!(times.last(), Some(&record.ended));
}
