//! The gateway on a soft modem and efax on another: both ways, several pages, exact. efax has no error correction and no
//! coding but MH, and puts white rows on top of what it sends.
//!
//! Over audio. To efax hurried as in `story_modem_hylafax.rs`, from efax as on a clock: it divides by the whole seconds that
//! a page took.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::disallowed_methods)]

mod support;

use fax::page::Page;
use fax_peers::exchange::{Exchange, Pace};
use support::efax::{Efax, ROWS_ON_TOP};
use support::modems::{difference, duration, next_ended, pace, pages_of, write_tiff};
use support::{Gateway, modems, received_pages, wait_for};

const OURS: &str = "12125550101";
const THEIRS: &str = "12125550102";

/// Two fine pages, less than whole.
fn document() -> Vec<Page> {
    modems::document().into_iter().map(|page| modems::top_of(&page, 400)).take(2).collect()
}

fn start(pace: Pace) -> (tempfile::TempDir, Exchange, Gateway) {
    let dir = tempfile::tempdir().unwrap();
    let exchange = Exchange::start(dir.path(), pace).unwrap();
    let device = exchange.plug(OURS).unwrap();
    exchange.plug(THEIRS).unwrap();
    exchange.trace(OURS);
    let gateway = Gateway::start(dir.path(), &modems::settings(&device, OURS, ""));
    (dir, exchange, gateway)
}

fn traced(gateway: &Gateway, exchange: &Exchange, efax: &Efax) -> String {
    format!("{}\n{}\n{}", gateway.log(), exchange.traced(OURS), efax.log())
}

#[test]
fn to_efax() {
    let (dir, exchange, gateway) = start(pace());
    let pages = document();
    let tiff = dir.path().join("document.tif");
    write_tiff(&tiff, &pages);
    let theirs = dir.path().join("efax");
    std::fs::create_dir(&theirs).unwrap();
    let mut efax = Efax::receive(&exchange.path(THEIRS), &theirs);
    wait_for("efax to wait for calls", || efax.log().contains("S0=1").then_some(()));
    let sent = gateway.run(&["send", tiff.to_str().unwrap(), "--to", &format!("+{THEIRS}"), "--wait"]);
    assert!(sent.status.success(), "{sent:?}\n{}", traced(&gateway, &exchange, &efax));
    assert!(efax.wait(), "{}", traced(&gateway, &exchange, &efax));
    let files = efax.pages();
    let came = pages_of(files.iter().map(Vec::as_slice));
    let on_top = came[0].rows() - pages[0].rows();
    assert_eq!(difference(&pages, &came, on_top, 0), None, "{}", traced(&gateway, &exchange, &efax));
    println!("two short fine pages to efax: {:.1} s", duration(&next_ended(&exchange)).as_secs_f64());
    assert!(exchange.is_on_hook(OURS));
}

#[test]
fn from_efax() {
    let (dir, exchange, gateway) = start(Pace::Real);
    let pages = document();
    let theirs = dir.path().join("efax");
    std::fs::create_dir(&theirs).unwrap();
    let mut efax = Efax::send(&exchange.path(THEIRS), &theirs, OURS, &pages);
    assert!(efax.wait(), "{}", traced(&gateway, &exchange, &efax));
    let mails = gateway.wait_for_mails("inbox@example.com", 1);
    let came = received_pages(&mails[0]);
    assert_eq!(difference(&pages, &came, ROWS_ON_TOP, 0), None, "{}", traced(&gateway, &exchange, &efax));
    println!("two short fine pages from efax: {:.1} s", duration(&next_ended(&exchange)).as_secs_f64());
    assert!(exchange.is_on_hook(OURS));
}
