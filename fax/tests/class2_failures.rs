//! Our Class 2, 2.0 and 2.1 sessions on the test modem, on a virtual clock: what goes wrong, and what it comes to.

#![allow(clippy::unwrap_used, clippy::panic)]

mod class2_desk;

use class2_desk::support::{receiver_config, sender_config};
use class2_desk::{CLASSES, Done, Store, document, far_receiver, modem, profile, receive, run, send};
use fax_peers::class2_modem::office::{Callee, Drop, FarConfig, FarRole, Office};
use fax_peers::class2_modem::{Quirks, Stage};
use fax_proto::at::class2::hangup::{CAUSES, Code};
use fax_proto::at::class2::{HANG_UP_MAX, Session, SessionConfig};
use fax_proto::at::profile::{Class, Profile};
use fax_proto::page::Resolution;
use fax_proto::session::{Incompatibility, LocalFailure, Outcome, PageMark, Phase};
use fax_proto::t30::capability::Capability;
use fax_proto::t30::frame::Fcf;
use fax_proto::t30::policy::{CopyLimits, CopyPolicy, GivenUp, SendPolicy};
use fax_proto::t30::{Input, ReceiverConfig, SenderConfig};
use fax_proto::time::{Duration, Time};

use PageMark::{Confirmed, NotSent, Unconfirmed};

fn fax(change: impl Fn(&mut FarConfig)) -> Callee {
    let mut far = far_receiver();
    change(&mut far);
    Callee::Fax(Box::new(far))
}

/// Sends `pages` pages.
fn sent(class: Class, pages: u32, quirks: Quirks, callee: Callee) -> Done {
    let store = Store::with(document(pages, Resolution::R204x98));
    send(sender_config(pages), profile(class), store, modem(quirks), callee)
}

/// Receives two pages.
fn received(class: Class, quirks: Quirks, change: impl Fn(&mut FarConfig)) -> Done {
    let config = SenderConfig { allowed: Capability { ecm: false, ..Capability::FULL }, ..sender_config(2) };
    let mut far = FarConfig::new(FarRole::Send(config, document(2, Resolution::R204x98)));
    change(&mut far);
    receive(receiver_config(), profile(class), Store::default(), modem(quirks), far)
}

#[test]
fn calls_that_come_to_nothing_have_their_outcome() {
    for class in CLASSES {
        for (callee, outcome) in [
            (Callee::Busy, Outcome::Busy),
            (Callee::NoAnswer, Outcome::NoAnswer),
            (Callee::NoDialTone, Outcome::NoDialTone),
            (Callee::Silent, Outcome::NoFaxTone),
        ] {
            let done = sent(class, 2, Quirks::default(), callee.clone());
            assert_eq!(done.report.outcome, outcome, "{class} {callee:?}");
            assert_eq!(done.report.marks, [NotSent; 2]);
            assert!(done.office.is_quiet() && !done.dtr_dropped);
            assert_eq!(done.commands.last().map(String::as_str), Some("ATH0"), "always on hook");
        }
    }
}

/// The line is dropped before and after every frame of a call of two pages.
#[test]
fn a_drop_in_any_phase_leaves_the_right_marks() {
    let cases = [
        (Drop::Frame(Fcf::Dis, 1), [NotSent, NotSent]),
        (Drop::Frame(Fcf::Dcs, 1), [NotSent, NotSent]),
        (Drop::Frame(Fcf::Cfr, 1), [NotSent, NotSent]),
        (Drop::Image(1), [NotSent, NotSent]),
        (Drop::Frame(Fcf::Mps, 1), [Unconfirmed, NotSent]),
        (Drop::Frame(Fcf::Mcf, 1), [Unconfirmed, NotSent]),
        (Drop::Image(2), [Confirmed, NotSent]),
        (Drop::Frame(Fcf::Eop, 1), [Confirmed, Unconfirmed]),
        (Drop::Frame(Fcf::Mcf, 2), [Confirmed, Unconfirmed]),
        (Drop::Frame(Fcf::Dcn, 1), [Confirmed, Confirmed]),
    ];
    for class in CLASSES {
        for (drop, marks) in cases {
            let config =
                SenderConfig { allowed: Capability { ecm: false, ..Capability::FULL }, ..sender_config(2) };
            let store = Store::with(document(2, Resolution::R204x196));
            let done = send(
                config,
                profile(class),
                store,
                modem(Quirks::default()),
                fax(|far| far.drop = Some(drop)),
            );
            let Done { report, store, .. } = &done;
            assert_eq!(report.marks, marks, "{class} {drop:?}: {}", report.outcome);
            let doubt = marks.iter().position(|mark| *mark == Unconfirmed);
            match (report.outcome, doubt) {
                (Outcome::Unconfirmed { page }, Some(at)) => assert_eq!(page as usize, at),
                (Outcome::Delivered, None) => assert_eq!(marks, [Confirmed; 2]),
                (outcome, None) => {
                    assert!(!outcome.is_success() && outcome != Outcome::Busy, "{class} {drop:?}: {outcome}")
                }
                (outcome, doubt) => panic!("{class} {drop:?}: {outcome} though page {doubt:?} is in doubt"),
            }
            // Nothing is confirmed that was not in doubt first.
            for (at, (page, mark)) in store.marks.iter().enumerate() {
                assert!(*mark != Confirmed || store.marks[..at].contains(&(*page, Unconfirmed)));
            }
        }
    }
}

#[test]
fn a_drop_while_receiving_keeps_what_was_acknowledged() {
    let cases = [
        (Drop::Frame(Fcf::Dcs, 1), 0),
        (Drop::Frame(Fcf::Cfr, 1), 0),
        (Drop::Image(1), 0),
        (Drop::Frame(Fcf::Mps, 1), 0),
        (Drop::Image(2), 1),
        (Drop::Frame(Fcf::Eop, 1), 1),
        (Drop::Frame(Fcf::Dcn, 1), 2),
    ];
    for class in CLASSES {
        for (drop, pages) in cases {
            let done = received(class, Quirks::default(), |far| far.drop = Some(drop));
            assert_eq!(done.report.pages_confirmed(), pages, "{class} {drop:?}: {}", done.report.outcome);
            assert_eq!(
                done.report.outcome.is_success(),
                pages == 2,
                "{class} {drop:?}: {}",
                done.report.outcome
            );
            assert_eq!(done.store.received.len(), pages);
        }
    }
}

/// Every number of both tables, said by the modem at every stage of a call, both ways.
#[test]
fn every_hang_up_code_ends_the_call_with_its_outcome() {
    let stages = [Stage::Call, Stage::Page, Stage::Data, Stage::Answer];
    for class in [Class::Two, Class::TwoPointZero] {
        for (code, words, _) in CAUSES {
            for stage in stages {
                let quirks = Quirks { fails: Some((stage, Some(code))), ..Quirks::default() };
                let done = sent(class, 1, quirks.clone(), fax(|_| {}));
                let expected = match stage {
                    // The end-of-page command went out, and there is no answer.
                    Stage::Answer if !Code(code).is_before_end_of_page() => Outcome::Unconfirmed { page: 0 },
                    // In Class 2.0 the end of the page stands in its data.
                    Stage::Data if class != Class::Two && !Code(code).is_before_end_of_page() => {
                        Outcome::Unconfirmed { page: 0 }
                    }
                    _ => Code(code).outcome(true, Phase::Negotiation),
                };
                assert_eq!(done.report.outcome, expected, "{class} {stage:?} {code}: {words}");
                let done = received(class, quirks, |_| {});
                let expected = Code(code).outcome(false, Phase::Negotiation);
                assert_eq!(done.report.outcome, expected, "receiving, {class} {stage:?} {code}: {words}");
                assert!(done.store.received.is_empty() && done.office.modem.is_on_hook());
            }
        }
    }
}

/// A modem that says nothing but NO CARRIER, or that the call ended as it should though it did not.
#[test]
fn an_end_without_a_cause_says_how_far_the_call_had_come() {
    for class in CLASSES {
        for (stage, phase) in [(Stage::Page, Phase::Training), (Stage::Data, Phase::Image)] {
            for code in [None, Some(0)] {
                let quirks = Quirks { fails: Some((stage, code)), ..Quirks::default() };
                let done = sent(class, 2, quirks, fax(|_| {}));
                let expected = match (stage, class) {
                    (Stage::Data, Class::TwoPointZero | Class::TwoPointOne) => {
                        Outcome::Unconfirmed { page: 0 }
                    }
                    _ => Outcome::HungUp { phase },
                };
                assert_eq!(done.report.outcome, expected, "{class} {stage:?} {code:?}");
            }
        }
        let quirks = Quirks { fails: Some((Stage::Answer, Some(0))), ..Quirks::default() };
        let done = sent(class, 1, quirks, fax(|far| far.answers = vec![Fcf::Rtn]));
        // Class 2.0 has no other word for a last page that is confirmed than the normal end of the call.
        let is_taken = class != Class::Two;
        let expected = if is_taken { Outcome::Delivered } else { Outcome::Unconfirmed { page: 0 } };
        assert_eq!(done.report.outcome, expected, "{class}");
    }
}

#[test]
fn a_refused_page_is_sent_again_and_given_up_in_the_end() {
    for class in CLASSES {
        let done =
            sent(class, 2, Quirks::default(), fax(|far| far.answers = vec![Fcf::Rtn, Fcf::Mcf, Fcf::Rtn]));
        assert_eq!(done.report.outcome, Outcome::Delivered, "{class}: {:?}", done.commands);
        let pages = document(2, Resolution::R204x98);
        let came = done.far_pages();
        assert!(came.iter().eq([&pages[0], &pages[0], &pages[1], &pages[1]]), "{class}");

        let done = sent(class, 2, Quirks::default(), fax(|far| far.answers = vec![Fcf::Rtn; 9]));
        assert_eq!(done.report.outcome, Outcome::PageRejected { page: 0 }, "{class}");
        assert_eq!((done.report.marks, done.office.seen[0].received.len()), (vec![NotSent; 2], 3));

        // The other answers that are positive.
        for fcf in [Fcf::Rtp, Fcf::Pip] {
            let done = sent(class, 3, Quirks::default(), fax(|far| far.answers = vec![fcf, fcf]));
            assert_eq!(done.report.outcome, Outcome::Delivered, "{class} {fcf}");
            assert_eq!(done.far_pages(), document(3, Resolution::R204x98));
        }
        let done = sent(class, 1, Quirks::default(), fax(|far| far.answers = vec![Fcf::Pin]));
        assert_eq!((done.report.outcome, done.far_pages().len()), (Outcome::Delivered, 2), "{class}");
    }
}

#[test]
fn a_page_given_up_may_be_left_behind() {
    for class in CLASSES {
        let policy = SendPolicy { sends_max: 1, given_up: GivenUp::NextPage };
        let config = SenderConfig { policy, ..sender_config(2) };
        let store = Store::with(document(2, Resolution::R204x98));
        let callee = fax(|far| far.answers = vec![Fcf::Rtn]);
        let done = send(config, profile(class), store, modem(Quirks::default()), callee);
        assert_eq!(done.report.marks, [Unconfirmed, Confirmed], "{class}");
        assert_eq!(done.report.outcome, Outcome::Unconfirmed { page: 0 });
    }
}

/// What the modem hands over is judged by our own decoder.
#[test]
fn a_bad_copy_is_refused_and_sent_again() {
    for class in CLASSES {
        let strict = CopyLimits { bad_rows_percent_max: 0, bad_run_rows_max: 0 };
        let copy = CopyPolicy { good: strict, readable: strict, refusals_max: 1 };
        let config = SenderConfig {
            allowed: Capability { ecm: false, mr: false, ..Capability::FULL },
            ..sender_config(1)
        };
        let far = FarConfig::new(FarRole::Send(config, document(1, Resolution::R204x98)));
        let quirks = Quirks { damage: 3, ..Quirks::default() };
        let receiver = ReceiverConfig { copy, ..receiver_config() };
        let done = receive(receiver, profile(class), Store::default(), modem(quirks), far);
        assert_eq!(done.report.outcome, Outcome::Received, "{class}: {:?}", done.commands);
        let status = if class == Class::Two { "AT+FPTS=" } else { "AT+FPS=" };
        let answers: Vec<&str> =
            done.commands.iter().filter_map(|command| command.strip_prefix(status)).collect();
        assert_eq!(answers, ["2", "3"], "refused once, then taken as it is");
        assert!(done.store.received.len() == 1 && done.store.received[0].quality.rows_bad > 0);
    }
}

#[test]
fn a_page_that_the_modem_holds_for_bad_is_taken_if_it_is_good() {
    for class in CLASSES {
        let done = received(class, Quirks { page_status: Some(2), ..Quirks::default() }, |_| {});
        assert_eq!((done.report.outcome, done.store.received.len()), (Outcome::Received, 2), "{class}");
        let far = done.office.seen[0].report.as_ref().unwrap();
        assert_eq!(far.outcome, Outcome::Delivered);
    }
}

#[test]
fn what_cannot_be_stored_is_not_acknowledged() {
    for class in CLASSES {
        let store = Store { refuse_received: true, ..Store::default() };
        let far = FarConfig::new(FarRole::Send(sender_config(1), document(1, Resolution::R204x98)));
        let done = receive(receiver_config(), profile(class), store, modem(Quirks::default()), far);
        assert_eq!(done.report.outcome, Outcome::Local(LocalFailure::PageNotKept));
        assert!(!done.office.seen[0].report.as_ref().unwrap().outcome.is_success(), "{class}");

        let store = Store { refuse_mark: true, ..Store::with(document(2, Resolution::R204x98)) };
        let done = send(sender_config(2), profile(class), store, modem(Quirks::default()), fax(|_| {}));
        assert_eq!(done.report.outcome, Outcome::Local(LocalFailure::MarkNotKept), "{class}");
        assert_eq!(done.report.marks, [NotSent; 2]);
        assert!(!done.commands.iter().any(|command| command.contains("+FET")));
        assert!(done.far_pages().is_empty(), "no end-of-page command, no page");
    }
}

#[test]
fn pages_that_cannot_be_had_or_printed_end_the_call() {
    for class in CLASSES {
        for (missing, outcome, marks) in [
            (0, Outcome::Local(LocalFailure::PageMissing), [NotSent, NotSent]),
            (1, Outcome::Local(LocalFailure::PageMissing), [Confirmed, NotSent]),
        ] {
            let store = Store { no_page: Some(missing), ..Store::with(document(2, Resolution::R204x98)) };
            let done = send(sender_config(2), profile(class), store, modem(Quirks::default()), fax(|_| {}));
            assert_eq!((done.report.outcome, &done.report.marks[..]), (outcome, &marks[..]), "{class}");
        }
        let mut plain = receiver_config();
        plain.capability = Capability { fine: false, superfine: false, ..plain.capability };
        let callee = Callee::Fax(Box::new(FarConfig::new(FarRole::Receive(plain))));
        let store = Store::with(document(1, Resolution::R204x196));
        let done = send(sender_config(1), profile(class), store, modem(Quirks::default()), callee);
        assert_eq!(done.report.outcome, Outcome::Incompatible(Incompatibility::Resolution), "{class}");
    }
}

#[test]
fn limits_hold() {
    for class in CLASSES {
        let config =
            SenderConfig { allowed: Capability { ecm: false, ..Capability::FULL }, ..sender_config(2) };
        let far = FarConfig::new(FarRole::Send(config, document(2, Resolution::R204x98)));
        let few = ReceiverConfig { pages_max: 1, ..receiver_config() };
        let done = receive(few, profile(class), Store::default(), modem(Quirks::default()), far.clone());
        assert_eq!((done.report.outcome, done.store.received.len()), (Outcome::TooLarge, 1), "{class}");
        let small = ReceiverConfig { page_bytes_max: 100, ..receiver_config() };
        let done = receive(small, profile(class), Store::default(), modem(Quirks::default()), far.clone());
        assert_eq!((done.report.outcome, done.store.received.len()), (Outcome::TooLarge, 0), "{class}");
        let short = ReceiverConfig { call_time_max: Duration::from_secs(15), ..receiver_config() };
        let done = receive(short, profile(class), Store::default(), modem(Quirks::default()), far);
        assert_eq!(done.report.outcome, Outcome::CallTooLong, "{class}");
    }
}

/// A modem that falls silent, at any stage: the call ends, and DTR is the last resort.
#[test]
fn a_modem_that_falls_silent_is_hung_up_by_dtr() {
    for class in CLASSES {
        for stage in [Stage::Call, Stage::Page, Stage::Data, Stage::Answer] {
            let quirks = Quirks { falls_silent: Some(stage), ..Quirks::default() };
            let done = sent(class, 1, quirks.clone(), fax(|_| {}));
            assert!(
                !done.report.outcome.is_success() && done.dtr_dropped,
                "{class} {stage:?}: {}",
                done.report.outcome
            );
            let in_doubt = stage == Stage::Answer || (stage == Stage::Data && class != Class::Two);
            assert_eq!(
                matches!(done.report.outcome, Outcome::Unconfirmed { .. }),
                in_doubt,
                "{class} {stage:?}"
            );
            let done = received(class, quirks, |_| {});
            assert!(
                !done.report.outcome.is_success() && done.dtr_dropped,
                "{class} {stage:?}: {}",
                done.report.outcome
            );
        }
    }
}

/// Cancelled at any time: the modem is on hook soon, and no page is held for confirmed that is not.
#[test]
fn a_call_can_be_cancelled_at_any_time() {
    for class in CLASSES {
        for sends in [true, false] {
            for at in (0..60).map(|tenths| Time(tenths * 700_000)) {
                let (mut cancelled, pages) = (None, document(2, Resolution::R204x98));
                let call = SessionConfig { profile: profile(class), dial: "1".into() };
                let mut office = Office::new(modem(Quirks::default()), |_| fax(|_| {}));
                let session = if sends {
                    Session::sender(sender_config(2), call)
                } else {
                    let far = FarConfig::new(FarRole::Send(sender_config(2), pages.clone()));
                    office.call_in(Time::ZERO, far);
                    office.read();
                    Session::receiver(receiver_config(), call)
                };
                let done = run(session, office, Store::with(pages), |now, session| {
                    if now >= at && cancelled.is_none() {
                        cancelled = Some(now);
                        session.handle(now, Input::Cancel);
                    }
                });
                let outcome = done.report.outcome;
                let is_fair = outcome == Outcome::Cancelled
                    || matches!(outcome, Outcome::Unconfirmed { .. })
                    || outcome.is_success();
                assert!(is_fair, "{class} {sends} {at}: {outcome}");
                let took = done.ended.since(cancelled.unwrap_or(done.ended));
                assert!(took <= HANG_UP_MAX + Duration::from_secs(60), "{class} {at}: {took:?}");
                assert!(done.office.modem.is_on_hook());
            }
        }
    }
}

#[test]
fn a_modem_of_another_class_is_a_failure_of_the_line() {
    let only_two = fax_peers::class2_modem::Config {
        classes: vec![fax_peers::class2_modem::Class::Two],
        ..modem(Quirks::default())
    };
    let store = Store::with(document(1, Resolution::R204x98));
    let done = send(sender_config(1), profile(Class::TwoPointZero), store, only_two, Callee::Busy);
    assert_eq!(done.report.outcome, Outcome::Local(LocalFailure::Line));
}

/// A call that comes in while one is about to be dialled.
#[test]
fn a_ring_before_dialling_is_glare() {
    for class in CLASSES {
        let call = SessionConfig {
            profile: Profile { command_gap: Duration::from_secs(1), ..profile(class) },
            dial: "1".into(),
        };
        let mut office = Office::new(modem(Quirks::default()), |_| Callee::Busy);
        office.call_in(
            Time(1),
            FarConfig::new(FarRole::Send(sender_config(1), document(1, Resolution::R204x98))),
        );
        let store = Store::with(document(1, Resolution::R204x98));
        let done = run(Session::sender(sender_config(1), call), office, store, |_, _| {});
        assert_eq!(done.report.outcome, Outcome::Glare, "{class}");
        assert!(done.office.dialled.is_empty());
    }
}
