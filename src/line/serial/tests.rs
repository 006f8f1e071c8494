//! The line against modems that are written down here: real pseudo terminals in real time, a few seconds each (slow).

mod fake;
mod moments;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use fax::page::{Page, Resolution};
use fax::session::{LocalFailure, Outcome, PageMark, Quality, Report};

use self::fake::Fake;
use super::*;
use crate::address::DialPlanConfig;
use crate::line::{Receiving, Ringing};

/// How long a test waits for what must come.
const PATIENCE: Duration = Duration::from_secs(20);

struct Pages;

impl Sending for Pages {
    fn page(&mut self, _index: u32) -> Option<Page> {
        Some(Page::white(1728, 100, Resolution::R204x98))
    }
    fn mark(&mut self, _index: u32, _mark: PageMark) -> bool {
        true
    }
}

struct Panics;

impl Sending for Panics {
    fn page(&mut self, _index: u32) -> Option<Page> {
        panic!("a hook of the flow panics")
    }
    fn mark(&mut self, _index: u32, _mark: PageMark) -> bool {
        true
    }
}

/// What becomes of calls that come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flow {
    Takes,
    Declines,
    Panics,
}

struct Desk {
    flow: Flow,
    rung: Mutex<Vec<Ringing>>,
    ended: AtomicUsize,
}

struct Call(Arc<Desk>);

impl Receiving for Call {
    fn page(&mut self, _index: u32, _page: &Page, _quality: &Quality) -> bool {
        true
    }
    fn end(self: Box<Self>, _report: &Report) {
        self.0.ended.fetch_add(1, Ordering::SeqCst);
    }
}

struct Answerer(Arc<Desk>);

impl Answering for Answerer {
    fn answer(&self, ringing: &Ringing) -> Option<Box<dyn Receiving>> {
        self.0.rung.lock().unwrap().push(ringing.clone());
        match self.0.flow {
            Flow::Takes => Some(Box::new(Call(Arc::clone(&self.0)))),
            Flow::Declines => None,
            Flow::Panics => panic!("the flow panics"),
        }
    }
}

struct Bench {
    line: Arc<ModemLine>,
    desk: Arc<Desk>,
}

fn bench(fake: &Fake, flow: Flow, change: impl FnOnce(&mut ModemLineConfig)) -> Bench {
    let desk = Arc::new(Desk { flow, rung: Mutex::default(), ended: AtomicUsize::new(0) });
    let mut config = ModemLineConfig {
        name: "test".into(),
        device: fake.device(),
        number: Number::parse("+12125550100"),
        lock_dir: fake.folder(),
        ..ModemLineConfig::default()
    };
    change(&mut config);
    let around = Surroundings {
        profiles: Arc::new(Profiles::built_in().unwrap()),
        plan: Arc::new(DialPlan::new(DialPlanConfig::default()).unwrap()),
        rules: crate::line::virtual_modem::nothing(),
        answering: Arc::new(Answerer(Arc::clone(&desk))),
        wake: Arc::new(Notify::new()),
    };
    let line = ModemLine::start(config, &around).unwrap();
    Bench { line, desk }
}

impl Bench {
    fn ready(fake: &Fake) -> Self {
        let bench = bench(fake, Flow::Takes, |_| {});
        bench.wait_until_ready();
        bench
    }

    fn wait_until_ready(&self) {
        fake::wait_for("a line that is ready", || self.line.condition() == Condition::Ready);
    }

    fn wait_until_out_of_order(&self) -> String {
        let mut found = String::new();
        fake::wait_for("a line that is out of order", || match self.line.condition() {
            Condition::OutOfOrder { cause } => {
                found = cause;
                true
            }
            _ => false,
        });
        found
    }

    fn call(&self) -> Report {
        let held = self.line.seat().take();
        let dial = Dial::new(Number::parse("+12125550199").unwrap(), 1);
        let end = self.line.call(&dial, &mut Pages);
        drop(held);
        end.report
    }

    /// Makes a call on a thread of its own, as the queue does.
    fn call_aside(&self) -> std::thread::JoinHandle<Report> {
        let bench = Self { line: Arc::clone(&self.line), desk: Arc::clone(&self.desk) };
        std::thread::spawn(move || bench.call())
    }
}

#[test]
fn a_modem_is_known_set_up_and_locked() {
    let fake = Fake::new();
    let bench = Bench::ready(&fake);
    assert!(fake.said("ATZ") && fake.said("AT&K3") && fake.said("AT+FCLASS=1"), "{:?}", fake.heard());
    let heard = fake.heard();
    let since_reset = heard.iter().rev().take_while(|line| *line != "ATZ");
    assert!(!since_reset.into_iter().any(|line| line == "AT+VCID=1"), "nobody asked who calls: {heard:?}");
    assert_eq!(fake.locks(), 1);
    bench.line.stop();
    assert_eq!(fake.locks(), 0);
}

#[test]
fn what_a_call_finds_has_its_outcome_and_the_line_is_on_hook_again() {
    let fake = Fake::new();
    let bench = Bench::ready(&fake);
    for (answer, outcome) in
        [("BUSY", Outcome::Busy), ("NO DIALTONE", Outcome::NoDialTone), ("NO ANSWER", Outcome::NoAnswer)]
    {
        fake.dialled(answer);
        assert_eq!(bench.call().outcome, outcome);
        assert!(!bench.line.seat().is_taken());
    }
    assert!(fake.said("ATDT12125550199"), "{:?}", fake.heard());
    let heard = fake.heard();
    assert!(heard.iter().filter(|line| *line == "ATH0").count() >= 3, "{heard:?}");
    assert_eq!(bench.line.condition(), Condition::Ready);
}

#[test]
fn an_unplugged_modem_comes_back_by_itself() {
    let fake = Fake::new();
    let bench = Bench::ready(&fake);
    fake.unplug();
    assert!(bench.wait_until_out_of_order().contains("gone"));
    assert_eq!(bench.call().outcome, Outcome::Local(LocalFailure::Line), "at once, and no tries are spent");
    fake::wait_for("a device that is missed", || bench.wait_until_out_of_order().contains("no device"));
    fake.plug();
    bench.wait_until_ready();
    fake.dialled("BUSY");
    assert_eq!(bench.call().outcome, Outcome::Busy);
}

#[test]
fn a_modem_that_is_unplugged_in_a_call_ends_it() {
    let fake = Fake::new();
    let bench = Bench::ready(&fake);
    fake.dialled("");
    let call = bench.call_aside();
    fake::wait_for("a number dialled", || fake.said("ATDT12125550199"));
    fake.unplug();
    assert_eq!(call.join().unwrap().outcome, Outcome::Local(LocalFailure::Line));
    bench.wait_until_out_of_order();
    assert!(!bench.line.seat().is_taken());
    fake.plug();
    bench.wait_until_ready();
}

#[test]
fn a_modem_that_falls_silent_is_set_up_anew() {
    let fake = Fake::new();
    let bench = bench(&fake, Flow::Takes, |config| config.watch_every = Duration::from_secs(1));
    bench.wait_until_ready();
    fake.silent(true);
    assert!(bench.wait_until_out_of_order().contains("does not answer"));
    fake.silent(false);
    bench.wait_until_ready();
}

#[test]
fn garbage_without_end_does_no_harm() {
    let fake = Fake::new();
    let bench = Bench::ready(&fake);
    for seed in 0..200u32 {
        fake.write(
            &(0..500u32).map(|n| (n * 31 + seed * 7) as u8).filter(|b| *b != b'R').collect::<Vec<_>>(),
        );
    }
    fake.write(b"\r\n");
    fake.dialled("BUSY");
    assert_eq!(bench.call().outcome, Outcome::Busy);
    assert_eq!(bench.line.condition(), Condition::Ready);
}

#[test]
fn a_call_that_comes_in_is_answered_and_told_to_the_flow() {
    let fake = Fake::new();
    let bench = bench(&fake, Flow::Takes, |config| config.caller_id = true);
    bench.wait_until_ready();
    assert!(fake.said("AT+VCID=1"));
    fake.write(b"\r\nRING\r\n");
    std::thread::sleep(Duration::from_millis(100));
    assert!(bench.line.seat().is_taken() && !fake.said("ATA"), "the caller is told after the first ring");
    fake.write(b"\r\nNMBR=2125550199\r\n");
    fake::wait_for("the end of the call", || bench.desk.ended.load(Ordering::SeqCst) == 1);
    let rung = bench.desk.rung.lock().unwrap();
    assert_eq!(rung[0].caller, Number::parse("+12125550199"));
    assert_eq!(rung[0].called, Number::parse("+12125550100"));
    fake::wait_for("a free line", || !bench.line.seat().is_taken());
    assert!(fake.said("ATH0"));
}

#[test]
fn a_ring_while_the_modem_is_set_up_is_answered_at_the_next() {
    let fake = Fake::new();
    fake.rings_at("ATZ");
    let bench = Bench::ready(&fake);
    fake.write(b"\r\nRING\r\n");
    fake::wait_for("the end of the call", || bench.desk.ended.load(Ordering::SeqCst) == 1);
}

#[test]
fn a_call_that_comes_in_goes_before_one_that_goes_out() {
    let fake = Fake::new();
    let bench = bench(&fake, Flow::Takes, |config| config.rings = 2);
    bench.wait_until_ready();
    let held = bench.line.seat().take();
    fake.write(b"\r\nRING\r\n");
    fake::wait_for("the ring", || bench.line.seat().is_answering());
    let dial = Dial::new(Number::parse("+12125550199").unwrap(), 1);
    assert_eq!(bench.line.call(&dial, &mut Pages).report.outcome, Outcome::Glare);
    drop(held);
    assert!(bench.line.seat().is_taken() && !fake.said("ATDT12125550199"), "{:?}", fake.heard());
    fake.write(b"\r\nRING\r\n");
    fake::wait_for("the end of the call", || bench.desk.ended.load(Ordering::SeqCst) == 1);
    fake::wait_for("a free line", || !bench.line.seat().is_taken());
}

#[test]
fn a_call_that_the_flow_does_not_take_is_left_to_ring() {
    for flow in [Flow::Declines, Flow::Panics] {
        let fake = Fake::new();
        let bench = bench(&fake, flow, |_| {});
        bench.wait_until_ready();
        fake.write(b"\r\nRING\r\n");
        fake::wait_for("the flow", || !bench.desk.rung.lock().unwrap().is_empty());
        fake::wait_for("a free line", || !bench.line.seat().is_taken());
        assert!(!fake.said("ATA"));
        assert_eq!(bench.line.condition(), Condition::Ready);
    }
}

#[test]
fn a_hook_that_panics_leaves_the_line_on_hook_and_free() {
    let fake = Fake::new();
    let bench = Bench::ready(&fake);
    let line = Arc::clone(&bench.line);
    let call = std::thread::spawn(move || {
        let _held = line.seat().take();
        let dial = Dial::new(Number::parse("+12125550199").unwrap(), 1);
        line.call(&dial, &mut Panics);
    });
    assert!(call.join().is_err());
    assert!(!bench.line.seat().is_taken());
    fake.dialled("BUSY");
    assert_eq!(bench.call().outcome, Outcome::Busy);
}

#[test]
fn a_gateway_that_stops_ends_the_call_and_hangs_up() {
    let fake = Fake::new();
    let bench = Bench::ready(&fake);
    fake.dialled("");
    let call = bench.call_aside();
    fake::wait_for("a number dialled", || fake.said("ATDT12125550199"));
    let watch = crate::clock::Stopwatch::start();
    bench.line.stop();
    assert!(watch.elapsed() < PATIENCE);
    assert!(!call.join().unwrap().outcome.is_success());
    assert!(fake.said("ATH0"), "{:?}", fake.heard());
    assert_eq!(fake.locks(), 0, "the port is closed");
    assert_eq!(bench.call().outcome, Outcome::Local(LocalFailure::Line));
}

#[test]
fn a_device_that_another_program_holds_is_waited_for() {
    let fake = Fake::new();
    fake.lock_by(1);
    let bench = bench(&fake, Flow::Takes, |_| {});
    assert!(bench.wait_until_out_of_order().contains("process 1"));
    fake.unlock();
    bench.wait_until_ready();
}

#[test]
fn a_modem_without_fax_is_out_of_order_and_says_so() {
    let fake = Fake::new();
    fake.refuses("AT+FCLASS=1");
    let bench = bench(&fake, Flow::Takes, |_| {});
    assert!(bench.wait_until_out_of_order().contains("AT+FCLASS=1"));
}

#[test]
fn a_profile_that_is_not_known_is_refused() {
    let fake = Fake::new();
    let desk = Arc::new(Desk { flow: Flow::Takes, rung: Mutex::default(), ended: AtomicUsize::new(0) });
    let around = Surroundings {
        profiles: Arc::new(Profiles::built_in().unwrap()),
        plan: Arc::new(DialPlan::new(DialPlanConfig::default()).unwrap()),
        rules: crate::line::virtual_modem::nothing(),
        answering: Arc::new(Answerer(desk)),
        wake: Arc::new(Notify::new()),
    };
    let config = ModemLineConfig {
        name: "test".into(),
        device: fake.device(),
        profile: "toaster".into(),
        ..ModemLineConfig::default()
    };
    assert!(ModemLine::start(config, &around).err().unwrap().contains("toaster"));
}
