//! An old program at a virtual modem on a line with a modem of its own: efax sends a page that takes longer on the line
//! than the program would wait for it, and receives.
//!
//! Slow: in real time, since efax divides by the whole seconds that a page took.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::disallowed_methods)]

mod support;

use std::path::PathBuf;

use fax::page::{Page, Resolution};
use fax_peers::exchange::{Exchange, Pace};
use support::efax::{Efax, ROWS_ON_TOP};
use support::modems::{difference, duration, line, next_ended, pages_of, short_page, write_tiff};
use support::{Gateway, received_pages, wait_for};

/// The line of the program, and that which the gateway answers.
const THEIRS: &str = "12125550101";
const OURS: &str = "12125550102";

/// efax waits so long for the OK behind a page.
const PATIENCE_SECS: u64 = 30;

struct Bench {
    dir: tempfile::TempDir,
    exchange: Exchange,
    gateway: Gateway,
}

impl Bench {
    fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let exchange = Exchange::start(dir.path(), Pace::Real).unwrap();
        let [theirs, ours] = [THEIRS, OURS].map(|number| exchange.plug(number).unwrap());
        exchange.trace(THEIRS);
        let modem = format!("virtual_modem = {{ path = {:?}, answer = true }}\n", dir.path().join("modem"));
        let settings = format!(
            "[[received.route]]\nline = \"line-{OURS}\"\nto = [\"inbox@example.com\"]\n{}{}",
            line(&theirs, THEIRS, &format!("dial = false\n{modem}")),
            line(&ours, OURS, "")
        );
        let gateway = Gateway::start(dir.path(), &settings);
        Self { dir, exchange, gateway }
    }

    fn modem(&self) -> PathBuf {
        self.dir.path().join("modem")
    }

    fn folder(&self, name: &str) -> PathBuf {
        let folder = self.dir.path().join(name);
        std::fs::create_dir(&folder).unwrap();
        folder
    }

    fn traced(&self, efax: &Efax) -> String {
        format!("{}\n{}\n{}", self.gateway.log(), self.exchange.traced(THEIRS), efax.log())
    }
}

/// A page that no code makes smaller.
fn noise(rows: u32) -> Page {
    let mut page = Page::white(1728, rows, Resolution::R204x98);
    let mut state = 0x2545_F491_4F6C_DD1D_u64;
    for y in 0..rows {
        for x in 0..1728 {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            page.set(x, y, state & 1 == 1);
        }
    }
    page
}

#[test]
fn efax_fits_a_long_page_through_a_modem_on_a_modem() {
    let bench = Bench::start();
    wait_for("the device", || bench.modem().exists().then_some(()));
    let pages = [noise(220), short_page(1)];
    let mut efax = Efax::send(&bench.modem(), &bench.folder("sends"), OURS, &pages);
    assert!(efax.wait(), "{}", bench.traced(&efax));
    let came = received_pages(&bench.gateway.wait_for_mails("inbox@example.com", 1)[0]);
    assert_eq!(difference(&pages, &came, ROWS_ON_TOP, 0), None, "{}", bench.traced(&efax));
    let call = duration(&next_ended(&bench.exchange));
    println!("a page of noise and a short one from efax: {:.1} s", call.as_secs_f64());
    assert!(call.as_secs() > PATIENCE_SECS + 20, "{call:?}: the page was no test of patience");

    let mut efax = Efax::receive(&bench.modem(), &bench.folder("receives"));
    wait_for("efax to wait for calls", || efax.log().contains("S0=1").then_some(()));
    let tiff = bench.dir.path().join("document.tif");
    write_tiff(&tiff, &pages[1..]);
    let sent = bench.gateway.run(&["send", tiff.to_str().unwrap(), "--to", &format!("+{THEIRS}"), "--wait"]);
    assert!(sent.status.success(), "{sent:?}\n{}", bench.traced(&efax));
    assert!(efax.wait(), "{}", bench.traced(&efax));
    let files = efax.pages();
    let came = pages_of(files.iter().map(Vec::as_slice));
    let on_top = came[0].rows() - pages[1].rows();
    assert_eq!(difference(&pages[1..], &came, on_top, 0), None, "{}", bench.traced(&efax));
    assert!([THEIRS, OURS].iter().all(|number| bench.exchange.is_on_hook(number)));
}
