//! Our Class 2, 2.0 and 2.1 sessions on the test modem, on a virtual clock: what goes well.

#![allow(clippy::unwrap_used, clippy::panic)]

mod class2_desk;

use class2_desk::support::{receiver_config, sender_config};
use class2_desk::{CLASSES, Store, document, far_receiver, modem, profile, receive, send};
use fax_peers::class2_modem::office::{Callee, FarConfig, FarRole};
use fax_peers::class2_modem::{Config, Quirks};
use fax_proto::at::profile::{BitOrder, Class, Profile};
use fax_proto::carrier::{Modulation, Speed, SpeedSet};
use fax_proto::page::{Page, PaperWidth, Resolution};
use fax_proto::session::{Outcome, PageCoding, PageMark};
use fax_proto::t30::address::Address;
use fax_proto::t30::capability::Capability;
use fax_proto::t30::frame::Digits;
use fax_proto::t30::{ReceiverConfig, SenderConfig};
use fax_proto::time::Duration;

/// A coding, with ECM or without.
const CODINGS: [(PageCoding, bool); 5] = [
    (PageCoding::Mh, false),
    (PageCoding::Mr, false),
    (PageCoding::Mh, true),
    (PageCoding::Mr, true),
    (PageCoding::Mmr, true),
];

fn allowed(coding: PageCoding, ecm: bool) -> Capability {
    Capability { ecm, mr: coding != PageCoding::Mh, mmr: coding == PageCoding::Mmr, ..Capability::FULL }
}

#[test]
fn pages_go_out_in_every_class_and_coding() {
    for class in CLASSES {
        for pages in [1, 2, 5] {
            for (coding, ecm) in CODINGS {
                let sent = document(pages, Resolution::R204x196);
                let config = SenderConfig { allowed: allowed(coding, ecm), ..sender_config(pages) };
                let callee = Callee::Fax(Box::new(far_receiver()));
                let done =
                    send(config, profile(class), Store::with(sent.clone()), modem(Quirks::default()), callee);
                let case = format!("{class}, {pages} pages, {coding}, ECM {ecm}: {:?}", done.commands);
                assert_eq!(done.report.outcome, Outcome::Delivered, "{case}");
                assert_eq!(done.far_pages(), sent, "{case}");
                assert_eq!(done.report.marks, vec![PageMark::Confirmed; pages as usize]);
                let negotiated = done.report.negotiated.unwrap();
                assert_eq!(
                    (negotiated.coding, negotiated.ecm_frame_octets),
                    (coding, ecm.then_some(256)),
                    "{case}"
                );
                assert_eq!(
                    (negotiated.speed, negotiated.resolution),
                    (Speed::V17At14400, Resolution::R204x196)
                );
                assert_eq!(done.report.remote_id.as_deref(), Some("+1 212 555 0123"));
                let far = &done.office.seen[0];
                assert_eq!(far.report.as_ref().unwrap().outcome, Outcome::Received);
                assert_eq!(far.identified.as_ref().unwrap().id.as_deref(), Some("+1 212 555 0100"));
                assert_eq!(done.office.dialled, ["5550123"]);
                assert!(done.office.modem.bad_rows == 0 && !done.dtr_dropped);
                assert_eq!(done.report.memory.worked.map(|(speed, _)| speed), Some(Speed::V17At14400));
            }
        }
    }
}

#[test]
fn pages_come_in_in_every_class_and_coding() {
    for class in CLASSES {
        for pages in [1, 2, 5] {
            for (coding, ecm) in CODINGS {
                let sent = document(pages, Resolution::R204x196);
                let config = SenderConfig { allowed: allowed(coding, ecm), ..sender_config(pages) };
                let far = FarConfig::new(FarRole::Send(config, sent.clone()));
                let done = receive(
                    receiver_config(),
                    profile(class),
                    Store::default(),
                    modem(Quirks::default()),
                    far,
                );
                let case = format!("{class}, {pages} pages, {coding}, ECM {ecm}: {:?}", done.commands);
                assert_eq!(done.report.outcome, Outcome::Received, "{case}");
                assert!(done.store.received.iter().map(|received| &received.page).eq(&sent), "{case}");
                assert!(done.store.received.iter().all(|received| received.quality.rows_bad == 0));
                assert_eq!(done.report.marks, vec![PageMark::Confirmed; pages as usize]);
                let negotiated = done.report.negotiated.unwrap();
                assert_eq!((negotiated.coding, negotiated.ecm_frame_octets), (coding, ecm.then_some(256)));
                assert_eq!(done.report.remote_id.as_deref(), Some("+1 212 555 0100"));
                assert_eq!(done.store.identified.len(), 1);
                let far = done.office.seen[0].report.as_ref().unwrap();
                assert_eq!(far.outcome, Outcome::Delivered, "{case}");
            }
        }
    }
}

/// Between pages of different kinds the session goes back to phase B.
#[test]
fn pages_of_all_kinds_go_in_one_call() {
    let kinds = [
        (Resolution::R204x196, PaperWidth::A4),
        (Resolution::R204x98, PaperWidth::A4),
        (Resolution::R204x98, PaperWidth::A3),
        (Resolution::R204x196, PaperWidth::B4),
    ];
    let sent: Vec<Page> = kinds
        .iter()
        .map(|(resolution, width)| Page::white(resolution.width(*width), 300, *resolution))
        .collect();
    for class in CLASSES {
        let callee = Callee::Fax(Box::new(far_receiver()));
        let done = send(
            sender_config(4),
            profile(class),
            Store::with(sent.clone()),
            modem(Quirks::default()),
            callee,
        );
        assert_eq!(done.report.outcome, Outcome::Delivered, "{class}: {:?}", done.commands);
        assert_eq!(done.far_pages(), sent, "{class}");
        let far = FarConfig::new(FarRole::Send(sender_config(4), sent.clone()));
        let done =
            receive(receiver_config(), profile(class), Store::default(), modem(Quirks::default()), far);
        assert_eq!(done.report.outcome, Outcome::Received, "{class}: {:?}", done.commands);
        assert!(done.store.received.iter().map(|received| &received.page).eq(&sent), "{class}");
    }
}

/// Class 2.0 knows resolutions that the draft does not.
#[test]
fn fine_resolutions_need_class_2_0() {
    for resolution in [Resolution::R204x391, Resolution::R300x300, Resolution::R400x400, Resolution::R200x200]
    {
        let sent = vec![Page::white(resolution.width(PaperWidth::A4), 200, resolution)];
        for class in CLASSES {
            let callee = Callee::Fax(Box::new(far_receiver()));
            let store = Store::with(sent.clone());
            let done = send(sender_config(1), profile(class), store, modem(Quirks::default()), callee);
            let goes = class != Class::Two || resolution == Resolution::R200x200;
            assert_eq!(
                done.report.outcome.is_success(),
                goes,
                "{class} {resolution}: {}",
                done.report.outcome
            );
            if class != Class::Two {
                assert_eq!(done.far_pages(), sent);
            }
        }
    }
}

#[test]
fn speeds_are_those_that_are_allowed() {
    for class in CLASSES {
        for (limit, speed) in
            [(2400, Speed::V27ter2400), (7200, Speed::V17At7200), (12_000, Speed::V17At12000)]
        {
            let capability = Capability { speeds: SpeedSet::ALL.up_to(limit), ..Capability::FULL };
            let config = SenderConfig { allowed: capability, ..sender_config(1) };
            let sent = document(1, Resolution::R204x98);
            let callee = Callee::Fax(Box::new(far_receiver()));
            let done =
                send(config, profile(class), Store::with(sent.clone()), modem(Quirks::default()), callee);
            assert_eq!(done.report.negotiated.unwrap().speed, speed, "{class}");
            let slow = Profile { speeds_receive: SpeedSet::ALL.up_to(limit), ..profile(class) };
            let far = FarConfig::new(FarRole::Send(sender_config(1), sent));
            let done = receive(receiver_config(), slow, Store::default(), modem(Quirks::default()), far);
            let rate = done.report.negotiated.unwrap().speed.bit_rate();
            assert_eq!((done.report.outcome, rate), (Outcome::Received, speed.bit_rate()), "{class}");
        }
    }
}

#[test]
fn oddities_of_modems_are_no_obstacle() {
    let reversed = Profile { bit_order_receive: BitOrder::MostFirst, ..Profile::default() };
    let cases = [
        (Quirks { reversed_on_receive: true, ..Quirks::default() }, reversed),
        (Quirks { xon_first: true, ..Quirks::default() }, Profile::default()),
        (Quirks { no_xon: true, ..Quirks::default() }, Profile::default()),
        (Quirks { eager: true, ..Quirks::default() }, Profile::default()),
        (Quirks { late: Duration::from_millis(700), ..Quirks::default() }, Profile::default()),
        (
            Quirks { no_ecm: true, no_page_query: true, no_address: true, ..Quirks::default() },
            Profile::default(),
        ),
        (Quirks { no_last_ok: true, ..Quirks::default() }, Profile::default()),
        (Quirks::default(), Profile { command_gap: Duration::from_millis(300), ..Profile::default() }),
        (Quirks::default(), Profile { call_setup: vec!["AT+FNOSUCH=1".into()], ..Profile::default() }),
    ];
    for (quirks, other) in cases {
        for class in CLASSES {
            let profile = Profile { class, ecm: true, ..other.clone() };
            let sent = document(2, Resolution::R204x98);
            let callee = Callee::Fax(Box::new(far_receiver()));
            let store = Store::with(sent.clone());
            let done = send(sender_config(2), profile.clone(), store, modem(quirks.clone()), callee);
            assert_eq!(done.report.outcome, Outcome::Delivered, "{class} {quirks:?}");
            assert_eq!(done.far_pages(), sent);
            let far = FarConfig::new(FarRole::Send(sender_config(2), sent.clone()));
            let done = receive(receiver_config(), profile, Store::default(), modem(quirks.clone()), far);
            assert_eq!(done.report.outcome, Outcome::Received, "{class} {quirks:?}");
            assert!(done.store.received.iter().map(|received| &received.page).eq(&sent));
        }
    }
}

/// A modem of the nineties: 9600 bit/s, no error correction, and it refuses what it does not have.
#[test]
fn a_slow_modem_is_asked_for_no_more_than_it_has() {
    let slow = Capability { speeds: SpeedSet::ALL.without_modulation(Modulation::V17), ..Capability::FULL };
    for class in CLASSES {
        let config = Config { capability: slow, ..modem(Quirks { no_ecm: true, ..Quirks::default() }) };
        for resolution in [Resolution::R204x98, Resolution::R204x196] {
            let sent = document(2, resolution);
            let callee = Callee::Fax(Box::new(far_receiver()));
            let done =
                send(sender_config(2), profile(class), Store::with(sent.clone()), config.clone(), callee);
            assert_eq!(done.report.outcome, Outcome::Delivered, "{class}: {:?}", done.commands);
            assert_eq!(
                (done.far_pages(), done.report.negotiated.unwrap().speed.bit_rate()),
                (sent.clone(), 9600)
            );
            let far = FarConfig::new(FarRole::Send(sender_config(2), sent.clone()));
            let done = receive(receiver_config(), profile(class), Store::default(), config.clone(), far);
            assert_eq!(done.report.outcome, Outcome::Received, "{class}: {:?}", done.commands);
            assert!(done.store.received.iter().map(|received| &received.page).eq(&sent));
        }
    }
}

#[test]
fn subaddress_and_password_go_both_ways() {
    let digits = |text| Some(Digits::new(text).unwrap());
    let address = Address { subaddress: digits("4711"), password: digits("0*8"), is_required: false };
    for class in CLASSES {
        let config = SenderConfig { address: address.clone(), ..sender_config(1) };
        let mut far_config = receiver_config();
        far_config.capability.password = true;
        let callee = Callee::Fax(Box::new(FarConfig::new(FarRole::Receive(far_config))));
        let sent = document(1, Resolution::R204x98);
        let done =
            send(config.clone(), profile(class), Store::with(sent.clone()), modem(Quirks::default()), callee);
        assert_eq!(done.report.outcome, Outcome::Delivered);
        let heard = done.office.seen[0].identified.clone().unwrap();
        assert_eq!(
            (heard.subaddress.as_deref(), heard.password.as_deref()),
            (Some("4711"), Some("0*8")),
            "{class}"
        );

        let far = FarConfig::new(FarRole::Send(config, sent));
        let receiver = ReceiverConfig { password: digits("0*8"), ..receiver_config() };
        let done = receive(receiver, profile(class), Store::default(), modem(Quirks::default()), far.clone());
        assert_eq!(done.report.outcome, Outcome::Received, "{class}");
        assert_eq!(done.report.subaddress.as_deref(), Some("4711"));
        let wrong = ReceiverConfig { password: digits("9"), ..receiver_config() };
        let done = receive(wrong, profile(class), Store::default(), modem(Quirks::default()), far);
        assert!(matches!(done.report.outcome, Outcome::Refused(_)) && done.store.received.is_empty());
    }
}

/// A call that resumes sends what is not confirmed, and a document that is confirmed needs no call.
#[test]
fn a_call_resumes_where_the_last_one_ended() {
    for class in CLASSES {
        let sent = document(3, Resolution::R204x98);
        let config = SenderConfig { first_page: 1, ..sender_config(3) };
        let callee = Callee::Fax(Box::new(far_receiver()));
        let done = send(config, profile(class), Store::with(sent.clone()), modem(Quirks::default()), callee);
        assert_eq!(done.report.outcome, Outcome::Delivered);
        assert_eq!(done.far_pages(), sent[1..]);
        let config = SenderConfig { first_page: 3, ..sender_config(3) };
        let done = send(config, profile(class), Store::default(), modem(Quirks::default()), Callee::Busy);
        assert_eq!((done.report.outcome, done.commands.len()), (Outcome::Delivered, 0));
    }
}
