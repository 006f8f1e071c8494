//! Our end above its carrier: an engine, its driver, and what was seen.

use super::super::support::{Store, receiver_config, sender_config};
use super::case::{PASSWORD, SEP, SUB};
use super::{Case, Way};
use fax_proto::carrier::{Command, Signal};
use fax_proto::page::Page;
use fax_proto::session::{PageMark, Report};
use fax_proto::sim::air::Hooks;
use fax_proto::sim::record::Recorder;
use fax_proto::t30::address::Address;
use fax_proto::t30::capability::FrameSize;
use fax_proto::t30::frame::Digits;
use fax_proto::t30::{Engine, Input, Offer, Output, PollerConfig, ReceiverConfig};
use fax_proto::time::Time;

/// A seat whose call is over.
pub(crate) struct Closed {
    pub report: Report,
    pub trace: String,
    pub received: Vec<Page>,
}

pub(crate) struct Seat {
    engine: Engine,
    store: Store,
    recorder: Recorder,
    report: Option<Report>,
}

impl Seat {
    pub(crate) fn new(case: &Case, document: Vec<Page>) -> Self {
        let mut sender = sender_config(case.pages);
        sender.allowed = case.ours();
        if case.twist.small_frames {
            sender.frame_size = FrameSize::Octets64;
        }
        let mut receiver = ReceiverConfig { capability: case.ours(), ..receiver_config() };
        let digits = |text| case.twist.is_addressed.then(|| Digits::new(text).unwrap());
        let address =
            |sub| Address { subaddress: digits(sub), password: digits(PASSWORD), is_required: true };
        sender.address = address(SUB);
        receiver.password = digits(PASSWORD);
        let engine = match case.way {
            Way::Send => Engine::sender(sender),
            Way::Receive => Engine::receiver(receiver),
            Way::Fetch => {
                let poller = PollerConfig::new(sender.local_id);
                Engine::poller(PollerConfig { receiver, address: address(SEP), ..poller })
            }
            Way::Serve => {
                let (subaddress, password) = (digits(SEP), digits(PASSWORD));
                let offer = Some(Offer { document: sender, subaddress, password });
                Engine::receiver(ReceiverConfig { offer, ..receiver })
            }
        };
        Self { engine, store: Store::with(document), recorder: Recorder::new(), report: None }
    }

    pub(crate) fn is_over(&self) -> bool {
        self.report.is_some()
    }

    pub(crate) fn signal(&mut self, now: Time, signal: Signal) {
        if !self.is_over() {
            self.recorder.signal(now, &signal);
            self.engine.handle(now, Input::Signal(signal));
        }
    }

    pub(crate) fn tick(&mut self, now: Time) {
        if self.engine.deadline().is_some_and(|deadline| deadline <= now) {
            self.engine.handle(now, Input::Tick);
        }
    }

    /// Our user gives up.
    #[allow(dead_code, reason = "each test file uses a part")]
    pub(crate) fn cancel(&mut self, now: Time) {
        if !self.is_over() {
            self.engine.handle(now, Input::Cancel);
        }
    }

    #[allow(dead_code, reason = "drivers that go from block to block need none")]
    pub(crate) fn deadline(&self) -> Option<Time> {
        self.engine.deadline().filter(|_| !self.is_over())
    }

    /// Does what the engine wants of its driver, and gives what it wants of its line.
    pub(crate) fn commands(&mut self, now: Time) -> Vec<Command> {
        let mut commands = Vec::new();
        while let Some(output) = self.engine.poll() {
            match output {
                Output::Command(command) => {
                    self.recorder.command(now, &command);
                    commands.push(command);
                }
                Output::NeedPage(index) => {
                    let page = self.store.page(index);
                    let answer = page.map_or(Input::NoPage(index), |page| Input::Page(index, page));
                    self.engine.handle(now, answer);
                }
                Output::Mark { page, mark } => {
                    let is_kept = self.store.mark(page, mark);
                    if mark == PageMark::Unconfirmed {
                        self.engine.handle(now, Input::MarkKept(is_kept));
                    }
                }
                Output::Identified(_) => {}
                Output::PageReceived(page) => {
                    self.recorder.page(now, &page);
                    let is_kept = self.store.received(page);
                    self.engine.handle(now, Input::PageKept(is_kept));
                }
                Output::Ended(report) => {
                    self.recorder.ended(now, &report);
                    self.report = Some(report);
                }
            }
        }
        commands
    }

    /// What came of the call.
    pub(crate) fn close(mut self) -> Closed {
        let trace = self.recorder.take();
        let Some(report) = self.report else { panic!("our call is not over:\n{trace}") };
        let received = self.store.received.into_iter().map(|received| received.page).collect();
        Closed { report, trace, received }
    }
}
