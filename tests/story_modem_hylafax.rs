//! The gateway on a soft modem and HylaFAX on others: both ways, pages exact, and how long each call takes beside
//! HylaFAX to HylaFAX.
//!
//! Over audio, with the exchange's [`Pace::Hurried`]: what only the modems decide passes eight times as fast, and all
//! times are those of the line. `REAL_TIME=1` lets it pass as on a clock; the times are the same.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::disallowed_methods)]

mod support;

use std::time::Duration;

use fax::page::Page;
use fax_peers::exchange::Exchange;
use support::hylafax::HylaFax;
use support::modems::{difference, document, duration, next_ended, pace, pages_of, top_of, write_tiff};
use support::{Gateway, modems, received_pages};

/// Of the gateway, and of two HylaFAXes.
const NUMBERS: [&str; 3] = ["12125550101", "12125550102", "12125550103"];

/// HylaFAX without ECM does not get the end of some pages right, whoever the other one is.
const ROWS_LOST_MAX: u32 = 2;

struct Bench {
    dir: tempfile::TempDir,
    exchange: Exchange,
    gateway: Gateway,
    hylafax: [HylaFax; 2],
    pages: Vec<Page>,
}

impl Bench {
    fn start(line: &str, pages: Vec<Page>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let exchange = Exchange::start(dir.path(), pace()).unwrap();
        let devices = NUMBERS.map(|number| exchange.plug(number).unwrap());
        NUMBERS.iter().for_each(|number| exchange.trace(number));
        let gateway = Gateway::start(dir.path(), &modems::settings(&devices[0], NUMBERS[0], line));
        let hylafax = [1, 2].map(|n| HylaFax::start(&devices[n], NUMBERS[n]));
        write_tiff(&dir.path().join("document.tif"), &pages);
        Self { dir, exchange, gateway, hylafax, pages }
    }

    fn document(&self) -> std::path::PathBuf {
        self.dir.path().join("document.tif")
    }

    /// A call from HylaFAX to HylaFAX; from answer to end.
    fn theirs(&self, ecm: bool) -> Duration {
        let [one, two] = &self.hylafax;
        assert_eq!(two.send(NUMBERS[1], &self.document(), ecm), "done", "{}", two.sessions());
        let took = duration(&next_ended(&self.exchange));
        let (file, complaint) = one.wait_for_received(1).pop().unwrap();
        assert_eq!(complaint, "");
        self.check("HylaFAX to HylaFAX", &pages_of([&*file]), 0, ecm);
        took
    }

    /// A call from the gateway to HylaFAX.
    fn to_them(&self, ecm: bool) -> Duration {
        let before = self.hylafax[0].received().len();
        let sent = self.gateway.run(&[
            "send",
            self.document().to_str().unwrap(),
            "--to",
            &format!("+{}", NUMBERS[1]),
            "--wait",
        ]);
        let told = String::from_utf8_lossy(&sent.stderr).into_owned();
        assert!(sent.status.success(), "{told}\n{}", self.traced());
        let took = duration(&next_ended(&self.exchange));
        let (file, complaint) = self.hylafax[0].wait_for_received(before + 1).pop().unwrap();
        assert_eq!(complaint, "");
        let came = pages_of([&*file]);
        // The header line stands above the first row.
        let on_top = came[0].rows() - self.pages[0].rows();
        self.check("to HylaFAX", &came, on_top, ecm);
        took
    }

    /// A call from HylaFAX to the gateway.
    fn by_them(&self, ecm: bool) -> Duration {
        let before = self.gateway.mails("inbox@example.com").len();
        let [_, two] = &self.hylafax;
        two.wait_until_idle();
        assert_eq!(two.send(NUMBERS[0], &self.document(), ecm), "done", "{}", self.traced());
        let took = duration(&next_ended(&self.exchange));
        let mails = self.gateway.wait_for_mails("inbox@example.com", before + 1);
        self.check("from HylaFAX", &received_pages(mails.last().unwrap()), 0, ecm);
        took
    }

    fn check(&self, way: &str, came: &[Page], on_top: u32, ecm: bool) {
        let lost = if ecm { 0 } else { ROWS_LOST_MAX };
        let difference = difference(&self.pages, came, on_top, lost);
        assert_eq!(difference, None, "{way}, ECM {ecm}: {}", self.traced());
    }

    fn traced(&self) -> String {
        let sessions: String = self.hylafax.iter().map(HylaFax::sessions).collect();
        format!(
            "{}\n{}\n{sessions}\n{}",
            self.gateway.log(),
            self.exchange.traced(NUMBERS[0]),
            self.exchange.with(|office| office.history())
        )
    }
}

/// Runs the three calls and holds the times against one another.
fn compare(ecm: bool, pages: Vec<Page>) {
    let bench = Bench::start(&format!("ecm = {ecm}\n"), pages);
    let theirs = bench.theirs(ecm);
    let [to_them, from_them] = [bench.to_them(ecm), bench.by_them(ecm)];
    println!(
        "{} fine pages, ECM {ecm}, from answer to end: HylaFAX to HylaFAX {:.1} s, Faxgate to HylaFAX {:.1} s, \
         HylaFAX to Faxgate {:.1} s",
        bench.pages.len(),
        theirs.as_secs_f64(),
        to_them.as_secs_f64(),
        from_them.as_secs_f64()
    );
    for ours in [to_them, from_them] {
        assert!(ours < theirs.mul_f64(1.15), "{ours:?} beside {theirs:?}: {}", bench.traced());
    }
    assert!(bench.exchange.is_on_hook(NUMBERS[0]));
}

#[test]
fn with_hylafax_and_error_correction() {
    compare(true, document());
}

#[test]
fn with_hylafax_without_error_correction() {
    compare(false, document().iter().skip(1).map(|page| top_of(page, 300)).collect());
}
