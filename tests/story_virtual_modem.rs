//! Old programs at virtual modems of a running gateway: HylaFAX and efax send through them to another line of the
//! gateway and receive through them what it sends, pages exact; and they fax one another.
//!
//! Slow: in real time, as the programs are. A call takes half a minute, so the scenes play side by side.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::disallowed_methods)]

mod support;

use std::path::PathBuf;
use std::time::Instant;

use fax::page::Page;
use support::efax::{Efax, ROWS_ON_TOP};
use support::hylafax::HylaFax;
use support::modems::{difference, document, pages_of, top_of, write_tiff};
use support::{Gateway, received_pages, wait_for};

/// Of the two lines with a virtual modem, and of the one that the gateway answers.
const FIRST: &str = "12125550101";
const SECOND: &str = "12125550102";
const OURS: &str = "12125550103";

/// HylaFAX without ECM does not get the end of some pages right, whoever the other one is.
const ROWS_LOST_MAX: u32 = 2;

struct Bench {
    dir: tempfile::TempDir,
    gateway: Gateway,
}

impl Bench {
    fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        let modem = |name: &str, number: &str| {
            format!(
                "[[line]]\nkind = \"simulated\"\nname = {name:?}\nnumber = \"+{number}\"\ndial = false\n\
                 virtual_modem = {{ path = {:?}, answer = true, mode = \"0666\" }}\n",
                path(name)
            )
        };
        let settings = format!(
            "[[received.route]]\nline = \"ours\"\nto = [\"inbox@example.com\"]\n{}{}\
             [[line]]\nkind = \"simulated\"\nname = \"ours\"\nnumber = \"+{OURS}\"\n",
            modem("first", FIRST),
            modem("second", SECOND),
        );
        let gateway = Gateway::start(dir.path(), &settings);
        Self { dir, gateway }
    }

    fn device(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// A folder for a program.
    fn folder(&self, name: &str) -> PathBuf {
        let folder = self.dir.path().join(name);
        std::fs::create_dir(&folder).unwrap();
        folder
    }

    fn tiff(&self, pages: &[Page]) -> PathBuf {
        let path = self.dir.path().join("document.tif");
        write_tiff(&path, pages);
        path
    }

    /// The gateway sends a document.
    fn send(&self, tiff: &std::path::Path, to: &str) {
        let sent = self.gateway.run(&["send", tiff.to_str().unwrap(), "--to", &format!("+{to}"), "--wait"]);
        let told = String::from_utf8_lossy(&sent.stderr).into_owned();
        assert!(sent.status.success(), "{told}\n{}", self.gateway.log());
    }

    /// What a call brought to the mailbox.
    fn inbox(&self) -> Vec<Page> {
        received_pages(&self.gateway.wait_for_mails("inbox@example.com", 1)[0])
    }

    /// The gateway's lines are all free again.
    fn check_free(&self) {
        wait_for("the lines to be free", || {
            let status = self.gateway.status();
            let lines = status["lines"].as_array().unwrap_or_else(|| panic!("{status}")).clone();
            assert_eq!(lines.len(), 3);
            lines.iter().all(|line| line["in_call"] == false).then_some(())
        });
    }
}

/// Some short fine pages.
fn pages(count: usize) -> Vec<Page> {
    document().iter().take(count).map(|page| top_of(page, 400)).collect()
}

/// Rows of the header line above a page that the gateway sends.
fn rows_on_top(came: &[Page], sent: &[Page]) -> u32 {
    came[0].rows().saturating_sub(sent[0].rows())
}

fn hylafax_both_ways(ecm: bool, pages: &[Page]) {
    let bench = Bench::start();
    let tiff = bench.tiff(pages);
    let hylafax = HylaFax::start(&bench.device("first"), FIRST);
    let traced = || format!("{}\n{}", hylafax.sessions(), bench.gateway.log());
    let lost = if ecm { 0 } else { ROWS_LOST_MAX };

    assert_eq!(hylafax.send(OURS, &tiff, ecm), "done", "{}", traced());
    assert_eq!(difference(pages, &bench.inbox(), 0, lost), None, "from HylaFAX: {}", traced());

    hylafax.wait_until_idle();
    bench.send(&tiff, FIRST);
    let (file, complaint) = hylafax.wait_for_received(1).pop().unwrap();
    assert_eq!(complaint, "", "{}", traced());
    let came = pages_of([&*file]);
    let on_top = rows_on_top(&came, pages);
    assert_eq!(difference(pages, &came, on_top, 0), None, "to HylaFAX: {}", traced());
    bench.check_free();
}

fn hylafax_sends_and_receives_with_error_correction() {
    hylafax_both_ways(true, &pages(3));
}

fn hylafax_sends_and_receives_without_error_correction() {
    hylafax_both_ways(false, &pages(1));
}

fn efax_sends_and_receives() {
    let bench = Bench::start();
    let pages = pages(2);
    let folder = bench.folder("sends");
    let mut efax = Efax::send(&bench.device("first"), &folder, OURS, &pages);
    assert!(efax.wait(), "{}\n{}", efax.log(), bench.gateway.log());
    let came = bench.inbox();
    assert_eq!(difference(&pages, &came, ROWS_ON_TOP, 0), None, "{}", efax.log());

    let folder = bench.folder("receives");
    let mut efax = Efax::receive(&bench.device("first"), &folder);
    wait_for("efax to wait for calls", || efax.log().contains("S0=1").then_some(()));
    bench.send(&bench.tiff(&pages), FIRST);
    assert!(efax.wait(), "{}\n{}", efax.log(), bench.gateway.log());
    let files = efax.pages();
    let came = pages_of(files.iter().map(Vec::as_slice));
    assert_eq!(difference(&pages, &came, rows_on_top(&came, &pages), 0), None, "{}", efax.log());

    // Nothing is dialled without leave, and the log says why.
    let folder = bench.folder("refused");
    let mut efax = Efax::send(&bench.device("first"), &folder, "911", &pages);
    assert!(!efax.wait(), "{}", efax.log());
    let log = bench.gateway.log();
    assert!(log.contains("may not dial") && log.contains("emergency"), "{log}");
    bench.check_free();
}

/// Two programs, two virtual modems, and the gateway's network between them.
fn hylafax_faxes_efax() {
    let bench = Bench::start();
    let pages = pages(1);
    let folder = bench.folder("receives");
    let mut efax = Efax::receive(&bench.device("second"), &folder);
    let hylafax = HylaFax::start(&bench.device("first"), FIRST);
    assert_eq!(
        hylafax.send(SECOND, &bench.tiff(&pages), true),
        "done",
        "{}\n{}",
        hylafax.sessions(),
        efax.log()
    );
    assert!(efax.wait(), "{}", efax.log());
    let files = efax.pages();
    let came = pages_of(files.iter().map(Vec::as_slice));
    assert_eq!(difference(&pages, &came, 0, ROWS_LOST_MAX), None, "{}\n{}", hylafax.sessions(), efax.log());
    bench.check_free();
}

#[test]
fn old_programs_fax_through_virtual_modems() {
    let scenes: [(&str, fn()); 4] = [
        ("HylaFAX with ECM", hylafax_sends_and_receives_with_error_correction),
        ("HylaFAX without ECM", hylafax_sends_and_receives_without_error_correction),
        ("efax", efax_sends_and_receives),
        ("HylaFAX to efax", hylafax_faxes_efax),
    ];
    let begun = Instant::now();
    let ended = scenes.map(|(name, scene)| (name, std::thread::spawn(scene))).map(|(name, thread)| {
        let ended = thread.join();
        println!("{name}: done by {:.0} s", begun.elapsed().as_secs_f64());
        (name, ended.is_ok())
    });
    assert!(ended.iter().all(|(_, good)| *good), "{ended:?}");
}
