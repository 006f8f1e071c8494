//! The gateway on a modem that does T.30 itself: our test modem on a pseudo-terminal, in Class 2 and 2.0, both ways, pages
//! exact; and a call that is dropped after page 1 of 3 and goes on at page 2.
//!
//! Slow: a call lasts a third of what it does on a telephone line.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::disallowed_methods)]

mod support;

use std::path::Path;
use std::time::Duration;

use fax::page::Page;
use fax::session::Outcome;
use fax::t30::frame::StationId;
use fax::t30::{ReceiverConfig, SenderConfig};
use fax_peers::class2_modem::office::{Callee, Drop, FarConfig, FarRole, Office, Seen};
use fax_peers::class2_modem::pty::PtyModem;
use fax_peers::class2_modem::{Config, Quirks};
use support::modems::{settings, short_page, write_tiff};
use support::{Gateway, received_pages, wait_for};

/// Seconds of the modem in one of ours.
const PACE: u32 = 3;
const OURS: &str = "12125550101";
/// What failed in a call is tried again soon.
const RETRY: &str = "[retry]\nprotocol = { tries = 3, delay = \"1s\" }\n";
const THEIRS: &str = "+12125550177";

fn receiver() -> FarConfig {
    FarConfig::new(FarRole::Receive(ReceiverConfig::new(StationId::new(THEIRS).unwrap())))
}

fn document() -> Vec<Page> {
    (1..=3).map(short_page).collect()
}

/// A gateway with its line on a test modem.
fn start(dir: &Path, class: &str, more: &str, office: Office) -> (PtyModem, Gateway) {
    let modem = PtyModem::hurried(office, PACE).unwrap();
    let line = format!("class = {class:?}\n{more}");
    let gateway = Gateway::start(dir, &settings(modem.path(), OURS, &line));
    (modem, gateway)
}

/// What the far end has seen of its so-manyth call, once that is over.
fn seen(modem: &PtyModem, call: usize) -> Seen {
    wait_for("the far end's call to end", || {
        modem.office(|office, _| office.seen.get(call).cloned()).filter(|seen| seen.report.is_some())
    })
}

fn pages(seen: &Seen) -> Vec<Page> {
    seen.received.iter().map(|received| received.page.clone()).collect()
}

fn send(gateway: &Gateway, dir: &Path, sent: &[Page], modem: &PtyModem) {
    let tiff = dir.join("document.tif");
    write_tiff(&tiff, sent);
    let done = gateway.run(&["send", tiff.to_str().unwrap(), "--to", THEIRS, "--wait"]);
    assert!(done.status.success(), "{done:?}\n{}\n{:?}", gateway.log(), commands(modem));
}

fn commands(modem: &PtyModem) -> Vec<String> {
    modem.office(|office, _| office.modem.commands.clone())
}

/// The rows below the header line that the gateway puts on top.
fn below_header(page: &Page, rows: u32) -> Vec<u8> {
    let skip = (page.rows() - rows) as usize;
    page.iter_rows().skip(skip).flatten().copied().collect()
}

fn assert_same(sent: &[Page], came: &[Page], log: &str) {
    assert_eq!(sent.len(), came.len(), "{log}");
    for (sent, came) in sent.iter().zip(came) {
        assert!(below_header(came, sent.rows()) == *sent.bits(), "{came:?} is not {sent:?}\n{log}");
    }
}

/// Sends, and is sent to.
fn both_ways(class: &str, more: &str, quirks: Quirks) {
    let dir = tempfile::tempdir().unwrap();
    let office = Office::new(Config { quirks, ..Config::default() }, |_| Callee::Fax(Box::new(receiver())));
    let (modem, gateway) = start(dir.path(), class, more, office);
    let sent = document();
    send(&gateway, dir.path(), &sent, &modem);
    assert_same(&sent, &pages(&seen(&modem, 0)), &gateway.log());
    assert!(commands(&modem).contains(&format!("+FCLASS={class}")), "{:?}", commands(&modem));

    wait_for("the line to be on hook", || modem.office(|office, _| office.is_quiet()).then_some(()));
    let sender = SenderConfig::new(StationId::new(THEIRS).unwrap(), 3);
    let far = FarConfig::new(FarRole::Send(sender, sent.clone()));
    modem.office(|office, now| office.call_in(now, far));
    let mails = gateway.wait_for_mails("inbox@example.com", 1);
    let came = received_pages(&mails[0]);
    let log = format!("{}\n{:?}", gateway.log(), commands(&modem));
    assert!(came == sent, "{log}");
    assert_eq!(seen(&modem, 1).report.unwrap().outcome, Outcome::Delivered, "{log}");
    wait_for("the line to be on hook", || modem.office(|office, _| office.is_quiet()).then_some(()));
}

#[test]
fn both_ways_in_class_2() {
    both_ways("2", "", Quirks::default());
}

#[test]
fn both_ways_in_class_2_0() {
    both_ways("2.0", "", Quirks::default());
}

/// An old modem: no error correction, and everything a little late.
#[test]
fn both_ways_on_an_old_modem() {
    both_ways("2", "", Quirks { no_ecm: true, late: Duration::from_millis(80), ..Quirks::default() });
}

/// The first call is dropped in the middle of the second page: the next one begins there.
#[test]
fn a_dropped_call_goes_on_at_the_page_that_was_not_confirmed() {
    let dir = tempfile::tempdir().unwrap();
    let mut calls = 0;
    let office = Office::new(Config::default(), move |_| {
        calls += 1;
        let drop = (calls == 1).then_some(Drop::Image(2));
        Callee::Fax(Box::new(FarConfig { drop, ..receiver() }))
    });
    let (modem, gateway) = start(dir.path(), "2.0", &format!("ecm = false\n{RETRY}"), office);
    let sent: Vec<Page> = (1..=3).map(tall_page).collect();
    send(&gateway, dir.path(), &sent, &modem);
    let (first, second) = (seen(&modem, 0), seen(&modem, 1));
    let log = format!("{}\n{:?}", gateway.log(), commands(&modem));
    assert_same(&sent[..1], &pages(&first), &log);
    assert_same(&sent[1..], &pages(&second), &log);
}

/// A page that takes longer than the drop waits.
fn tall_page(seed: u32) -> Page {
    let mut page = Page::white(1728, 150, fax::page::Resolution::R204x98);
    for y in 0..page.rows() {
        for x in 100..1600 {
            page.set(x, y, (x / 6 * 7 + y / 4 * 13 + seed * 29) % 11 < 3);
        }
    }
    page
}
