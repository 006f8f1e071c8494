//! Proof that the test modem is one: old fax programs send and receive with it, on a pseudo-terminal.
//!
//! Slow: each call lasts a third of what it does on a telephone line. `tests/install` brings the programs: efax, and mgetty's
//! sendfax, unpacked into a folder, since Debian's package of it conflicts with HylaFAX's.

#![allow(clippy::unwrap_used, clippy::panic)]

use fax_peers::class2_modem::office::{Callee, FarConfig, FarRole, Office};
use fax_peers::class2_modem::pty::PtyModem;
use fax_peers::class2_modem::{Config, Quirks};
use fax_proto::page::{Page, Resolution};
use fax_proto::session::Outcome;
use fax_proto::t4::{self, BitOrder, Coding, EncodeOptions};
use fax_proto::t30::frame::StationId;
use fax_proto::t30::{ReceiverConfig, SenderConfig};
use fax_proto::tiff;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// Three seconds of the modem in one of ours. efax divides by the whole seconds that a page took.
const PACE: u32 = 3;
/// Rows that efax puts on top of a page that it sends.
const EFAX_ROWS: usize = 20;

/// Where `tests/install` unpacks them.
const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/peers/root");

/// A page of a few seconds.
fn page(seed: u32, rows: u32) -> Page {
    let mut page = Page::white(1728, rows, Resolution::R204x196);
    for y in 0..rows {
        (0..40).for_each(|x| {
            let from = x * 40 + (y / 8 * seed) % 29;
            (from..from + 2 + (x + y / 8) % 9).for_each(|x| page.set(x, y, true));
        });
    }
    page
}

fn receiver() -> Callee {
    let receiver = ReceiverConfig::new(StationId::new("+1 555 0199").unwrap());
    Callee::Fax(Box::new(FarConfig::new(FarRole::Receive(receiver))))
}

/// Raw T.4 data, as both programs read them.
fn raw(folder: &Path, name: &str, page: &Page) -> PathBuf {
    let options =
        EncodeOptions { bit_order: BitOrder::MsbFirst, ..EncodeOptions::line(Coding::Mh, page.resolution()) };
    let path = folder.join(name);
    std::fs::write(&path, t4::encode(page, &options)).unwrap();
    path
}

/// Runs a program to its end; what it said.
fn run(command: &mut Command) -> String {
    let output = command
        .stdin(Stdio::null())
        .output()
        .unwrap_or_else(|why| panic!("{command:?}: {why}; see tests/install"));
    let text =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{command:?} ended with {:?}:\n{text}", output.status.code());
    text
}

fn efax(modem: &PtyModem) -> Command {
    let mut command = Command::new(format!("{ROOT}/usr/bin/efax"));
    command.arg("-d").arg(modem.path()).args(["-l", "+1 555 0100", "-v", "ewin", "-h", " "]);
    command
}

/// What the far end has of the first call, once that is over.
fn received(modem: &PtyModem) -> Vec<Page> {
    for _ in 0..200 {
        let seen =
            modem.office(|office, _| office.seen.first().cloned().filter(|seen| seen.report.is_some()));
        if let Some(seen) = seen {
            assert_eq!(seen.report.unwrap().outcome, Outcome::Received);
            assert_eq!(modem.office(|office, _| office.modem.bad_rows), 0);
            return seen.received.into_iter().map(|received| received.page).collect();
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("the far end's call does not end")
}

fn efax_sends(class: &str) {
    let folder = tempfile::tempdir().unwrap();
    let modem = PtyModem::hurried(Office::new(Config::default(), |_| receiver()), PACE).unwrap();
    let pages = [page(3, 240), page(5, 200)];
    let files = [raw(folder.path(), "1.g3", &pages[0]), raw(folder.path(), "2.g3", &pages[1])];
    let said = run(efax(&modem).args(["-o", class, "-t", "T5550123"]).args(files).current_dir(&folder));
    let received = received(&modem);
    assert_eq!(received.len(), 2, "{said}");
    for (sent, came) in pages.iter().zip(&received) {
        let stride = sent.stride();
        let ours = &came.bits()[EFAX_ROWS * stride..];
        let differ = ours.chunks(stride).zip(sent.iter_rows()).enumerate().filter(|(_, (a, b))| a != b);
        let differ: Vec<usize> = differ.map(|(at, _)| at).collect();
        assert!(
            ours.len() == sent.bits().len() && differ.is_empty(),
            "{came:?} is not {sent:?} below {EFAX_ROWS} rows: {differ:?}"
        );
    }
    assert_eq!(modem.office(|office, _| office.dialled.clone()), ["5550123"]);
    assert!(modem.office(|office, _| office.is_quiet()));
}

#[test]
fn efax_sends_in_class_2() {
    efax_sends("2");
}

#[test]
fn efax_sends_in_class_2_0() {
    efax_sends("0");
}

fn efax_receives(class: &str, quirks: Quirks) {
    let folder = tempfile::tempdir().unwrap();
    let modem =
        PtyModem::hurried(Office::new(Config { quirks, ..Config::default() }, |_| receiver()), PACE).unwrap();
    let pages = vec![page(3, 240), page(5, 200)];
    let sender = SenderConfig::new(StationId::new("+1 555 0199").unwrap(), 2);
    let far = FarConfig::new(FarRole::Send(sender, pages.clone()));
    modem.office(|office, now| office.call_in(now, far));
    let program = run(efax(&modem).args(["-o", class, "-r", "fax"]).current_dir(&folder));
    let seen = modem.office(|office, _| office.seen[0].clone());
    assert_eq!(seen.report.unwrap().outcome, Outcome::Delivered, "{program}");
    for (index, sent) in pages.iter().enumerate() {
        let octets = std::fs::read(folder.path().join(format!("fax.{:03}", index + 1))).unwrap();
        let images = tiff::read(&octets, &tiff::Limits::default()).unwrap();
        let came = images.into_iter().next().unwrap().into_page().unwrap();
        assert!(came.bits() == sent.bits(), "{came:?} is not {sent:?}:\n{program}");
    }
}

/// efax takes it that a Class 2 modem turns the bits round, as Rockwell's do.
#[test]
fn efax_receives_in_class_2() {
    efax_receives("2", Quirks { reversed_on_receive: true, ..Quirks::default() });
}

#[test]
fn efax_receives_in_class_2_0() {
    efax_receives("0", Quirks::default());
}

/// mgetty's sendfax. It takes 2.0 by itself where the modem has it.
fn sendfax_sends(options: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    let modem = PtyModem::hurried(Office::new(Config::default(), |_| receiver()), PACE).unwrap();
    let pages = [page(3, 240), page(5, 200)];
    let files = [raw(folder.path(), "1.g3", &pages[0]), raw(folder.path(), "2.g3", &pages[1])];
    let program = format!("{ROOT}/usr/sbin/sendfax");
    let line = modem.path().strip_prefix("/dev").unwrap().to_path_buf();
    let said =
        run(Command::new(program).args(options).args(["-v", "-l"]).arg(line).arg("5550123").args(files));
    assert_eq!(received(&modem), pages, "{said}");
    assert!(modem.office(|office, _| office.is_quiet()));
}

#[test]
fn sendfax_sends_in_class_2() {
    sendfax_sends(&["-C", "cls2"]);
}

#[test]
fn sendfax_sends_in_class_2_0() {
    sendfax_sends(&["-C", "c2.0"]);
}
