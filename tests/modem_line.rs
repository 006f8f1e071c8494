//! Two lines of the gateway on two soft modems, joined over audio (slow: in real time, hurried where only data flow).
//!
//! What is tried here is the line itself, without mail: pages exact, both lines on hook and free, and a modem that is
//! unplugged in the worst moments. The stories beside this file tell it with the whole program.
#![allow(clippy::unwrap_used, clippy::panic, clippy::disallowed_methods)]

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use fax::page::{Page, Resolution};
use fax::session::{Outcome, PageMark, Quality, Report};
use fax::t30::frame::StationId;
use fax::t30::{ReceiverConfig, SenderConfig};
use fax_peers::class2_modem::office::{Callee, FarConfig, FarRole, Office};
use fax_peers::class2_modem::pty::PtyModem;
use fax_peers::class2_modem::{Class, Config};
use fax_peers::exchange::{Exchange, Pace};
use faxgate::address::{DialPlan, DialPlanConfig, Number};
use faxgate::line::serial::config::ModemLineConfig;
use faxgate::line::serial::profiles::Profiles;
use faxgate::line::serial::{ModemLine, Surroundings};
use faxgate::line::{Answering, CallEnd, Condition, Dial, Line, Receiving, Ringing, Sending};
use tokio::sync::Notify;

const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Clone, Default)]
struct Tray(Arc<Mutex<Received>>);

#[derive(Default)]
struct Received {
    pages: Vec<Page>,
    ended: Vec<Report>,
    rung: Vec<Ringing>,
}

impl Receiving for Tray {
    fn page(&mut self, _index: u32, page: &Page, _quality: &Quality) -> bool {
        self.0.lock().unwrap().pages.push(page.clone());
        true
    }
    fn end(self: Box<Self>, report: &Report) {
        self.0.lock().unwrap().ended.push(report.clone());
    }
}

impl Answering for Tray {
    fn answer(&self, ringing: &Ringing) -> Option<Box<dyn Receiving>> {
        self.0.lock().unwrap().rung.push(ringing.clone());
        Some(Box::new(self.clone()))
    }
}

struct Pages {
    pages: Vec<Page>,
    marks: Vec<(u32, PageMark)>,
}

impl Sending for Pages {
    fn page(&mut self, index: u32) -> Option<Page> {
        self.pages.get(index as usize).cloned()
    }
    fn mark(&mut self, index: u32, mark: PageMark) -> bool {
        self.marks.push((index, mark));
        true
    }
}

struct Bench {
    exchange: Exchange,
    caller: Arc<ModemLine>,
    answerer: Arc<ModemLine>,
    tray: Tray,
    _dir: tempfile::TempDir,
}

const CALLER: &str = "12125550100";
const ANSWERER: &str = "12125550101";

fn line(number: &str, device: &Path, tray: &Tray, locks: &Path) -> Arc<ModemLine> {
    let config = ModemLineConfig {
        name: format!("line-{number}"),
        device: device.to_owned(),
        number: Number::parse(&format!("+{number}")),
        caller_id: true,
        lock_dir: locks.to_owned(),
        ..ModemLineConfig::default()
    };
    let around = Surroundings {
        profiles: Arc::new(Profiles::built_in().unwrap()),
        plan: Arc::new(DialPlan::new(DialPlanConfig::default()).unwrap()),
        rules: faxgate::line::virtual_modem::nothing(),
        answering: Arc::new(tray.clone()),
        wake: Arc::new(Notify::new()),
    };
    let line = ModemLine::start(config, &around).unwrap();
    wait_until_ready(&line);
    line
}

fn wait_for(what: &str, mut is_there: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_there() {
        assert!(begun.elapsed() < PATIENCE, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn wait_until_ready(line: &ModemLine) {
    let mut last = Condition::Starting;
    wait_for("a line that is ready", || {
        let now = line.condition();
        if now != last {
            println!("{}: {now:?}", line.name());
            last = now;
        }
        last == Condition::Ready
    });
}

impl Bench {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let exchange = Exchange::start(dir.path(), Pace::Hurried).unwrap();
        let tray = Tray::default();
        let plugged = |number: &str| line(number, &exchange.plug(number).unwrap(), &tray, dir.path());
        let (caller, answerer) = (plugged(CALLER), plugged(ANSWERER));
        Self { exchange, caller, answerer, tray, _dir: dir }
    }

    fn call(&self, pages: &mut Pages) -> CallEnd {
        let mut dial = Dial::new(Number::parse(&format!("+{ANSWERER}")).unwrap(), pages.pages.len() as u32);
        dial.pages_confirmed = 0;
        let held = self.caller.seat().take();
        let end = self.caller.call(&dial, pages);
        drop(held);
        end
    }

    fn all_on_hook(&self) {
        wait_for("free lines", || !self.caller.seat().is_taken() && !self.answerer.seat().is_taken());
        for number in [CALLER, ANSWERER] {
            wait_for("a modem on hook", || self.exchange.is_on_hook(number));
        }
    }
}

fn document(count: u32) -> Pages {
    let page = |seed: u32| {
        let mut page = Page::white(1728, 300, Resolution::R204x98);
        for y in 20..280 {
            for x in 200..1500 {
                page.set(x, y, (x / 16 * 7 + y / 10 * 13 + seed * 29) % 11 < 3);
            }
        }
        page
    };
    Pages { pages: (0..count).map(page).collect(), marks: Vec::new() }
}

#[test]
fn pages_go_over_two_modems_and_both_are_on_hook_again() {
    let bench = Bench::new();
    for count in [1, 3] {
        let mut pages = document(count);
        let end = bench.call(&mut pages);
        println!("{}", end.trace);
        assert_eq!(end.report.outcome, Outcome::Delivered, "{}", end.trace);
        bench.all_on_hook();
        let mut received = bench.tray.0.lock().unwrap();
        assert!(received.pages == pages.pages, "the pages differ");
        assert_eq!(received.ended.pop().unwrap().outcome, Outcome::Received);
        let rung = received.rung.pop().unwrap();
        assert_eq!(rung.caller.unwrap().digits(), CALLER);
        received.pages.clear();
    }
}

#[test]
fn whichever_modem_is_unplugged_in_a_call_both_lines_come_back() {
    let bench = Bench::new();
    for unplugged in [CALLER, ANSWERER] {
        let end = std::thread::scope(|scope| {
            let call = scope.spawn(|| bench.call(&mut document(3)));
            wait_for("the call to be answered", || bench.answerer.seat().is_taken());
            std::thread::sleep(Duration::from_secs(6));
            bench.exchange.unplug(unplugged);
            call.join().unwrap()
        });
        assert!(!end.report.outcome.is_success(), "{}", end.trace);
        bench.exchange.plug(unplugged).unwrap();
        wait_for("free lines", || !bench.caller.seat().is_taken() && !bench.answerer.seat().is_taken());
        wait_until_ready(&bench.caller);
        wait_until_ready(&bench.answerer);
        bench.all_on_hook();
    }
    bench.tray.0.lock().unwrap().pages.clear();
    let mut pages = document(1);
    let end = bench.call(&mut pages);
    assert_eq!(end.report.outcome, Outcome::Delivered, "{}", end.trace);
}

/// A fax out and one in over a modem that does T.30 itself and has this class alone.
fn over_a_modem_of(class: Class) {
    let dir = tempfile::tempdir().unwrap();
    let far_receiver = || FarRole::Receive(ReceiverConfig::new(StationId::new("+1 999").unwrap()));
    let book = move |_: &str| Callee::Fax(Box::new(FarConfig::new(far_receiver())));
    let office = Office::new(Config { classes: vec![class], ..Config::default() }, book);
    let modem = PtyModem::new(office).unwrap();
    let tray = Tray::default();
    let line = line(CALLER, modem.path(), &tray, dir.path());

    let mut pages = document(2);
    let dial = Dial::new(Number::parse(&format!("+{ANSWERER}")).unwrap(), 2);
    let end = line.call(&dial, &mut pages);
    println!("{class:?}\n{}", end.trace);
    assert_eq!(end.report.outcome, Outcome::Delivered, "{}", end.trace);
    assert_eq!(end.report.remote_id.as_deref(), Some("+1 999"));
    assert!(end.trace.contains("→ AT+FDT"), "{}", end.trace);
    let of_a_page = [PageMark::Unconfirmed, PageMark::Confirmed];
    let marks = [0, 1].into_iter().flat_map(|page| of_a_page.map(|mark| (page, mark)));
    assert!(marks.eq(pages.marks.iter().copied()), "{:?}", pages.marks);
    modem.office(|office, _| {
        assert_eq!(office.dialled, [ANSWERER]);
        let got: Vec<_> = office.seen[0].received.iter().map(|page| page.page.clone()).collect();
        assert!(got == pages.pages, "{class:?}: the pages sent differ");
    });

    let sender = SenderConfig::new(StationId::new("+1 999").unwrap(), 2);
    let sends = FarConfig::new(FarRole::Send(sender, pages.pages.clone()));
    modem.office(|office, now| office.call_in(now, sends));
    wait_for("the call to be taken", || !tray.0.lock().unwrap().rung.is_empty());
    wait_for("the end of the call", || !tray.0.lock().unwrap().ended.is_empty());
    let received = tray.0.lock().unwrap();
    assert_eq!(received.ended[0].outcome, Outcome::Received, "{class:?}");
    assert!(received.pages == pages.pages, "{class:?}: the pages received differ");
    drop(received);
    wait_for("a free line", || !line.seat().is_taken());
    assert_eq!(line.condition(), Condition::Ready);
}

#[test]
fn modems_that_do_t30_themselves_send_and_receive_by_the_same_line() {
    std::thread::scope(|scope| {
        for class in [Class::Two, Class::TwoPointZero, Class::TwoPointOne] {
            scope.spawn(move || over_a_modem_of(class));
        }
    });
}
