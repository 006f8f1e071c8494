//! Calls over the simulated line in which the roles are not the usual ones: polling either way, subaddress and password,
//! and JBIG.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use fax_proto::page::{Page, Resolution};
use fax_proto::session::{Incompatibility, Outcome, PageCoding, PageMark, Refusal, Remote};
use fax_proto::sim::air::{AirConfig, CallRecord, Party, run};
use fax_proto::t30::address::Address;
use fax_proto::t30::capability::Capability;
use fax_proto::t30::frame::Digits;
use fax_proto::t30::{Engine, Offer, PollerConfig, ReceiverConfig};
use fax_proto::time::{Duration, Time};
use support::{Store, call, page, receiver_config, sender_config};

const FULL: Capability = Capability::FULL;

fn pages(count: u64) -> Vec<Page> {
    (0..count).map(|n| page(n, 60, Resolution::R204x98)).collect()
}

fn digits(text: &str) -> Option<Digits> {
    Some(Digits::new(text).unwrap())
}

/// A station that has so many pages to be fetched.
fn station(pages: u32, allowed: Capability) -> ReceiverConfig {
    let mut document = sender_config(pages);
    document.allowed = allowed;
    let offer = Offer { document, subaddress: None, password: None };
    ReceiverConfig { offer: Some(offer), ..receiver_config() }
}

fn poller() -> PollerConfig {
    PollerConfig::new(sender_config(0).local_id)
}

fn run_call(mut calls: Engine, mut answers: Engine, air: &AirConfig, stores: &mut [Store; 2]) -> CallRecord {
    let [caller, answerer] = stores;
    let caller = Party { engine: &mut calls, hooks: caller };
    let answerer = Party { engine: &mut answers, hooks: answerer };
    run(caller, answerer, air, &mut |_| {})
}

fn poll(poller: PollerConfig, station: ReceiverConfig, pages: &[Page]) -> (CallRecord, [Store; 2]) {
    let mut stores = [Store::default(), Store::with(pages.to_vec())];
    let (calls, answers) = (Engine::poller(poller), Engine::receiver(station));
    let record = run_call(calls, answers, &AirConfig::default(), &mut stores);
    (record, stores)
}

fn received(store: &Store) -> Vec<Page> {
    store.received.iter().map(|received| received.page.clone()).collect()
}

fn outcomes(record: &CallRecord) -> (Outcome, Outcome) {
    (record.caller.report.outcome, record.answerer.as_ref().unwrap().report.outcome)
}

#[test]
fn a_document_is_fetched_with_ecm_and_without() {
    for ecm in [true, false] {
        let sent = pages(3);
        let station = station(3, Capability { ecm, ..FULL });
        let (record, [caller, answerer]) = poll(poller(), station, &sent);
        assert_eq!(
            outcomes(&record),
            (Outcome::Received, Outcome::Delivered),
            "{}\n{}",
            record.caller.trace,
            record.answerer.unwrap().trace
        );
        assert_eq!(received(&caller), sent);
        let report = &record.answerer.as_ref().unwrap().report;
        assert_eq!(report.marks, [PageMark::Confirmed; 3]);
        assert_eq!(report.negotiated, record.caller.report.negotiated);
        assert_eq!(report.negotiated.unwrap().ecm_frame_octets.is_some(), ecm);
        // Each page is marked before its end-of-page command, as in any call.
        let marks: Vec<_> =
            (0..3).flat_map(|n| [(n, PageMark::Unconfirmed), (n, PageMark::Confirmed)]).collect();
        assert_eq!(answerer.marks, marks);
        // CSI of the one, TSI and CIG of the other.
        assert_eq!(report.remote_id.as_deref(), Some("+1 212 555 0100"));
        let trace = &record.caller.trace;
        for line in
            ["← DIS 14400 V.17, ECM", "has a document", "→ CIG \"+1 212 555 0100\"", "→ DTC 14400", "← DCS"]
        {
            assert!(trace.contains(line), "{line}: {trace}");
        }
    }
}

/// Pages of several kinds: EOM, with DIS and DTC again before each.
#[test]
fn another_kind_of_page_is_polled_for_again() {
    let sent: Vec<_> = Resolution::ALL
        .into_iter()
        .map(|resolution| page(1, 60, resolution))
        .filter(|page| page.width() == page.resolution().width(Default::default()))
        .collect();
    assert!(sent.len() >= 3);
    let (record, [caller, _]) = poll(poller(), station(sent.len() as u32, FULL), &sent);
    assert_eq!(outcomes(&record), (Outcome::Received, Outcome::Delivered), "{}", record.caller.trace);
    assert_eq!(received(&caller), sent);
    assert_eq!(record.caller.trace.matches("→ DTC").count(), sent.len());
}

#[test]
fn where_there_is_nothing_to_poll_both_ends_say_so_or_hear_it() {
    let (record, _) = poll(poller(), receiver_config(), &[]);
    let phase = fax_proto::session::Phase::Negotiation;
    assert_eq!(outcomes(&record), (Outcome::NothingToPoll, Outcome::Disconnected { phase }));
}

/// Who sends to a station that also offers a document finds a receiver.
#[test]
fn a_station_with_a_document_still_receives() {
    let sent = pages(2);
    let mut stores = [Store::with(sent.clone()), Store::with(pages(1))];
    let (calls, answers) = (Engine::sender(sender_config(2)), Engine::receiver(station(1, FULL)));
    let record = run_call(calls, answers, &AirConfig::default(), &mut stores);
    assert_eq!(outcomes(&record), (Outcome::Delivered, Outcome::Received));
    assert_eq!(received(&stores[1]), sent);
}

#[test]
fn a_call_sends_and_then_polls() {
    let (there, back) = (pages(2), vec![page(9, 80, Resolution::R204x196)]);
    for ecm in [true, false] {
        let mut sender = sender_config(2);
        sender.allowed = Capability { ecm, ..FULL };
        sender.then_poll = Some(Box::new(poller()));
        let mut stores = [Store::with(there.clone()), Store::with(back.clone())];
        let answers = Engine::receiver(station(1, FULL));
        let record = run_call(Engine::sender(sender), answers, &AirConfig::default(), &mut stores);
        assert_eq!(outcomes(&record), (Outcome::Received, Outcome::Delivered), "{}", record.caller.trace);
        assert_eq!(received(&stores[1]), there);
        assert_eq!(received(&stores[0]), back);
        assert_eq!(record.caller.report.marks, [PageMark::Confirmed; 3]);
        assert_eq!(record.answerer.unwrap().report.marks, [PageMark::Confirmed; 3]);
    }
}

/// The right document with the right password; the wrong ones; and a station that lets nobody choose.
#[test]
fn a_document_is_chosen_and_kept_for_who_may_have_it() {
    let sent = pages(1);
    let refused = Outcome::Refused(Refusal::SelectivePolling);
    for (sep, pwd, is_required, expected) in [
        ("12", Some("99"), true, (Outcome::Received, Outcome::Delivered)),
        ("13", Some("99"), true, (refused, refused)),
        ("12", Some("98"), true, (refused, Outcome::Refused(Refusal::Password))),
        ("12", None, true, (refused, Outcome::Refused(Refusal::Password))),
    ] {
        let mut station = station(1, FULL);
        let offer = station.offer.as_mut().unwrap();
        (offer.subaddress, offer.password) = (digits("12"), digits("99"));
        let mut poller = poller();
        poller.address = Address { subaddress: digits(sep), password: pwd.and_then(digits), is_required };
        let (record, stores) = poll(poller, station, &sent);
        assert_eq!(outcomes(&record), expected, "{}", record.caller.trace);
        assert_eq!(stores[0].received.len(), usize::from(expected.0.is_success()));
    }
    let mut choosy = poller();
    choosy.address = Address { subaddress: digits("12"), password: None, is_required: true };
    let (record, _) = poll(choosy, station(1, FULL), &sent);
    assert_eq!(record.caller.report.outcome, Outcome::Incompatible(Incompatibility::SelectivePolling));
}

/// The subaddress is known before the first page, and at the end; a password opens the door.
#[test]
fn subaddress_and_password_arrive() {
    let address = |sub: &str, pwd: Option<&str>| Address {
        subaddress: digits(sub),
        password: pwd.and_then(digits),
        is_required: true,
    };
    let phase = fax_proto::session::Phase::Training;
    for (demanded, given, expected) in [
        (None, address("4711", None), (Outcome::Delivered, Outcome::Received)),
        (digits("1*2#"), address("4711", Some("1*2#")), (Outcome::Delivered, Outcome::Received)),
        (
            digits("1*2#"),
            address("4711", Some("12")),
            (Outcome::Disconnected { phase }, Outcome::Refused(Refusal::Password)),
        ),
    ] {
        let mut sender = sender_config(1);
        sender.address = given.clone();
        let mut receiver = receiver_config();
        receiver.password = demanded;
        let (mut caller, mut answerer) = (Store::with(pages(1)), Store::default());
        let record = call(sender, receiver, &AirConfig::default(), &mut caller, &mut answerer);
        assert_eq!(outcomes(&record), expected, "{}", record.caller.trace);
        let report = record.answerer.unwrap().report;
        assert_eq!(report.subaddress.as_deref(), Some("4711"));
        assert!(!record.caller.trace.contains("1*2#"), "passwords are not written down");
        if expected.0 == Outcome::Delivered {
            let told = Remote {
                id: Some("+1 212 555 0100".into()),
                subaddress: Some("4711".into()),
                password: given.password.map(|digits| digits.as_str().into()),
            };
            assert_eq!(answerer.identified, [(told, 0)], "once, and before the first page");
        } else {
            assert!(answerer.identified.is_empty() && answerer.received.is_empty());
        }
    }
}

#[test]
fn jbig_brings_the_pages_over_where_both_have_it_and_ecm() {
    let sent: Vec<_> = [Resolution::R204x98, Resolution::R204x196, Resolution::R204x391]
        .into_iter()
        .map(|resolution| page(3, 300, resolution))
        .collect();
    let jbig = Capability { jbig: true, ..FULL };
    for (allowed, offered, coding) in [
        (jbig, jbig, PageCoding::Jbig),
        (jbig, FULL, PageCoding::Mmr),
        (FULL, jbig, PageCoding::Mmr),
        (jbig, Capability { ecm: false, ..jbig }, PageCoding::Mr),
    ] {
        let mut sender = sender_config(3);
        sender.allowed = allowed;
        let receiver = ReceiverConfig { capability: offered, ..receiver_config() };
        let (mut caller, mut answerer) = (Store::with(sent.clone()), Store::default());
        let record = call(sender, receiver, &AirConfig::default(), &mut caller, &mut answerer);
        assert_eq!(outcomes(&record), (Outcome::Delivered, Outcome::Received), "{}", record.caller.trace);
        assert_eq!(record.caller.report.negotiated.unwrap().coding, coding);
        assert_eq!(received(&answerer), sent);
        assert!(answerer.received.iter().all(|page| page.quality.rows_bad == 0));
    }
}

/// JBIG on a bad line: ECM corrects it, and no pixel is wrong.
#[test]
fn jbig_is_corrected_as_any_coding() {
    let mut corrected = 0;
    for seed in 0..8 {
        let sent = [page(seed, 800, Resolution::R204x196)];
        let jbig = Capability { jbig: true, ..FULL };
        let mut sender = sender_config(1);
        sender.allowed = jbig;
        let receiver = ReceiverConfig { capability: jbig, ..receiver_config() };
        let air = AirConfig { seed, bit_errors_per_million: 60, ..AirConfig::default() };
        let (mut caller, mut answerer) = (Store::with(sent.to_vec()), Store::default());
        let record = call(sender, receiver, &air, &mut caller, &mut answerer);
        if record.caller.report.outcome == Outcome::Delivered {
            assert_eq!(received(&answerer), sent);
            corrected += record.caller.trace.matches("← PPR").count();
        }
    }
    assert!(corrected > 0, "the line was not bad enough to show anything");
}

/// A fault at every half second of a polled call: the marks of the station that sends are true all the same.
#[test]
fn a_drop_at_any_moment_of_a_polled_call_leaves_the_truth() {
    let sent = pages(2);
    let mut seen = std::collections::BTreeSet::new();
    for half in 0..70 {
        for is_mute in [false, true] {
            let at = Time::ZERO + Duration::from_millis(500 * half);
            let air = match is_mute {
                true => AirConfig { answerer_mute_from: Some(at), ..AirConfig::default() },
                false => AirConfig { drop_at: Some(at), ..AirConfig::default() },
            };
            let mut stores = [Store::default(), Store::with(sent.clone())];
            let (calls, answers) = (Engine::poller(poller()), Engine::receiver(station(2, FULL)));
            let record = run_call(calls, answers, &air, &mut stores);
            let Some(answerer) = record.answerer else { continue };
            let received = received(&stores[0]);
            for (n, mark) in answerer.report.marks.iter().enumerate() {
                match mark {
                    PageMark::Confirmed => assert_eq!(received[n], sent[n]),
                    PageMark::NotSent => assert!(received.len() <= n, "{}", answerer.trace),
                    PageMark::Unconfirmed => {}
                }
            }
            assert!(received.len() <= 2);
            assert!(record.ended.since(Time::ZERO) < Duration::from_secs(240), "{}", answerer.trace);
            seen.insert(answerer.report.outcome.to_string());
        }
    }
    assert!(seen.contains("delivered") && seen.len() >= 4, "{seen:?}");
}
