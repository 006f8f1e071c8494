//! Runs a call between two engines over a simulated line, on a virtual clock.
//!
//! The line has a delay, its modems take the time that real ones take, and it is as bad as [`AirConfig`] says; the same
//! seed gives the same call. A call always ends: the engines' own deadlines see to it, and [`CALL_TIME_MAX`] beyond them.
//!
//! ```
//! use fax_proto::page::{Page, Resolution};
//! use fax_proto::session::{Outcome, PageMark, ReceivedPage};
//! use fax_proto::sim::air::{AirConfig, Hooks, Party, run};
//! use fax_proto::t30::{Engine, ReceiverConfig, SenderConfig, frame::StationId};
//!
//! #[derive(Default)]
//! struct Memory(Vec<Page>);
//!
//! impl Hooks for Memory {
//!     fn page(&mut self, index: u32) -> Option<Page> {
//!         self.0.get(index as usize).cloned()
//!     }
//!     fn mark(&mut self, _page: u32, _mark: PageMark) -> bool {
//!         true
//!     }
//!     fn received(&mut self, page: ReceivedPage) -> bool {
//!         self.0.push(page.page);
//!         true
//!     }
//! }
//!
//! let (mut here, mut there) = (Memory::default(), Memory::default());
//! here.0.push(Page::white(1728, 100, Resolution::R204x98));
//! let mut sender = Engine::sender(SenderConfig::new(StationId::default(), 1));
//! let mut receiver = Engine::receiver(ReceiverConfig::new(StationId::default()));
//! let record = run(
//!     Party { engine: &mut sender, hooks: &mut here },
//!     Party { engine: &mut receiver, hooks: &mut there },
//!     &AirConfig::default(),
//!     &mut |_now| {},
//! );
//! assert_eq!(record.caller.report.outcome, Outcome::Delivered);
//! assert_eq!(here.0, there.0);
//! ```

use super::call::{Call, End, Event};
use super::noise::Bursts;
use super::record::Recorder;
use crate::carrier::{Command, HangUp, Signal, SpeedSet};
use crate::page::Page;
use crate::session::{LocalFailure, Outcome, PageMark, ReceivedPage, Remote, Report};
use crate::t30::memory::Memory;
use crate::t30::{Engine, Input, Output};
use crate::time::{Duration, Time};
use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::vec::Vec;

/// No call goes on longer than this on the virtual clock, whatever the engines want.
pub const CALL_TIME_MAX: Duration = Duration::from_secs(6 * 3600);

/// What is at the other end of the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Callee {
    /// A fax machine.
    #[default]
    Fax,
    /// Somebody who answers and says nothing that a fax would understand.
    Silent,
    /// A busy number.
    Busy,
    /// A telephone that rings and rings.
    NoAnswer,
}

/// The line and its faults.
#[derive(Clone, Debug)]
pub struct AirConfig {
    /// What the faults are drawn from.
    pub seed: u64,
    /// From one end to the other.
    pub delay: Duration,
    /// How long it rings before the callee answers.
    pub ring_time: Duration,
    /// Image and TCF bits that are flipped, in a million, at 14400 bit/s. Each speed below has half of the one above.
    pub bit_errors_per_million: u32,
    /// Until this time the image channel is free of errors.
    pub bit_errors_from: Time,
    /// V.21 bits that are flipped, in a million.
    pub v21_bit_errors_per_million: u32,
    /// Noise that comes in bursts.
    pub bursts: Option<Bursts>,
    /// Transmissions of V.21 that are not heard at all, in a million.
    pub frames_lost_per_million: u32,
    /// Frames that come twice, V.21 and ECM, in a million.
    pub frames_doubled_per_million: u32,
    /// Up to so much later than `delay`, each transmission by its own time.
    pub jitter: Duration,
    /// What an end sends comes back to it after this time.
    pub echo: Option<Duration>,
    /// How long a driver takes to answer its engine.
    pub driver_delay: Duration,
    /// Speeds at which training always fails.
    pub refused: SpeedSet,
    /// The call is dropped at this time.
    pub drop_at: Option<Time>,
    /// From this time on nothing of the answering end arrives, though the call stands.
    pub answerer_mute_from: Option<Time>,
    /// The same for the calling end.
    pub caller_mute_from: Option<Time>,
    /// Who answers.
    pub callee: Callee,
}

impl Default for AirConfig {
    /// A good line.
    fn default() -> Self {
        Self {
            seed: 0,
            delay: Duration::from_millis(60),
            ring_time: Duration::from_secs(4),
            bit_errors_per_million: 0,
            bit_errors_from: Time::ZERO,
            v21_bit_errors_per_million: 0,
            bursts: None,
            frames_lost_per_million: 0,
            frames_doubled_per_million: 0,
            jitter: Duration::ZERO,
            echo: None,
            driver_delay: Duration::ZERO,
            refused: SpeedSet::NONE,
            drop_at: None,
            answerer_mute_from: None,
            caller_mute_from: None,
            callee: Callee::Fax,
        }
    }
}

/// What a driver does for an engine. Each call is answered after [`AirConfig::driver_delay`] on the virtual clock.
pub trait Hooks {
    /// Sender: page `index`, from 0; `None` if it cannot be had.
    fn page(&mut self, index: u32) -> Option<Page>;
    /// Sender: a page's mark has changed. False if it could not be stored; that counts for `Unconfirmed` only.
    fn mark(&mut self, page: u32, mark: PageMark) -> bool;
    /// Receiver, and station that is polled: who calls, before the first page.
    fn identified(&mut self, _remote: &Remote) {}
    /// Receiver: a page has come. False if it could not be stored.
    fn received(&mut self, page: ReceivedPage) -> bool;
    /// Either: what the engine has told the line to do, for those who want to watch.
    fn commanded(&mut self, _now: Time, _command: &Command) {}
}

/// An engine and its driver.
pub struct Party<'a> {
    /// The engine.
    pub engine: &'a mut Engine,
    /// Its driver.
    pub hooks: &'a mut dyn Hooks,
}

/// What one end knows of the call.
#[derive(Clone, Debug)]
pub struct EndRecord {
    /// How it ended.
    pub report: Report,
    /// The call as that end saw it, one line for each event.
    pub trace: String,
}

/// A call that is over.
#[derive(Clone, Debug)]
pub struct CallRecord {
    /// The end that called.
    pub caller: EndRecord,
    /// The end that answered; `None` if it never did.
    pub answerer: Option<EndRecord>,
    /// When all was over.
    pub ended: Time,
    /// Image bits that were flipped on the line.
    pub image_bits_flipped: u64,
}

/// Runs a call to its end. `on_time` is told each time before it comes to pass, in order: it may sleep until then.
pub fn run(
    caller: Party<'_>,
    answerer: Party<'_>,
    config: &AirConfig,
    on_time: &mut dyn FnMut(Time),
) -> CallRecord {
    let mut ends = Ends {
        call: Call::new(config),
        caller: Seat::new(End::Caller, caller, true, config.driver_delay),
        answerer: Seat::new(End::Answerer, answerer, false, config.driver_delay),
    };
    let mut now = Time::ZERO;
    ends.pump(now);
    while let Some(next) = ends.next_time() {
        now = next.max(now);
        if now.since(Time::ZERO) > CALL_TIME_MAX {
            break;
        }
        on_time(now);
        ends.step(now);
    }
    CallRecord {
        caller: ends.caller.end(now),
        answerer: ends.answerer.is_awake.then(|| ends.answerer.end(now)),
        ended: now,
        image_bits_flipped: ends.call.image_bits_flipped(),
    }
}

struct Ends<'a, 'b> {
    call: Call,
    caller: Seat<'a>,
    answerer: Seat<'b>,
}

impl Ends<'_, '_> {
    /// When something is to be done; `None` once both ends are done.
    fn next_time(&self) -> Option<Time> {
        if self.caller.is_done() && self.answerer.is_done() {
            return None;
        }
        let deadlines = [self.caller.deadline(), self.answerer.deadline(), self.call.deadline()];
        deadlines.into_iter().flatten().min()
    }

    fn step(&mut self, now: Time) {
        while let Some(event) = self.call.poll(now) {
            match event {
                Event::Signal(End::Caller, signal) => self.caller.signal(now, signal),
                Event::Signal(End::Answerer, signal) => self.answerer.signal(now, signal),
                Event::Ringing => self.answerer.is_awake = !self.caller.is_done(),
            }
            self.pump(now);
        }
        self.caller.tick(now);
        self.answerer.tick(now);
        self.pump(now);
    }

    fn pump(&mut self, now: Time) {
        self.caller.pump(now, &mut self.call);
        self.answerer.pump(now, &mut self.call);
    }
}

/// An engine with its driver, its recorder, and in the end its report.
struct Seat<'a> {
    end: End,
    party: Party<'a>,
    recorder: Recorder,
    report: Option<Report>,
    is_awake: bool,
    driver_delay: Duration,
    /// What the driver has still to say, and when.
    answers: VecDeque<(Time, Input)>,
}

impl<'a> Seat<'a> {
    fn new(end: End, party: Party<'a>, is_awake: bool, driver_delay: Duration) -> Self {
        let (recorder, answers) = (Recorder::new(), VecDeque::new());
        Self { end, party, recorder, report: None, is_awake, driver_delay, answers }
    }

    fn is_done(&self) -> bool {
        !self.is_awake || self.report.is_some()
    }

    fn deadline(&self) -> Option<Time> {
        let answer = self.answers.front().map(|(at, _)| *at);
        let deadlines = [self.party.engine.deadline(), answer];
        deadlines.into_iter().flatten().min().filter(|_| !self.is_done())
    }

    fn signal(&mut self, now: Time, signal: Signal) {
        if !self.is_done() {
            self.recorder.signal(now, &signal);
            self.party.engine.handle(now, Input::Signal(signal));
        }
    }

    fn tick(&mut self, now: Time) {
        if self.deadline().is_some_and(|deadline| deadline <= now) {
            while let Some((_, answer)) = self.answers.pop_front_if(|(at, _)| *at <= now) {
                self.party.engine.handle(now, answer);
            }
            self.party.engine.handle(now, Input::Tick);
        }
    }

    /// What the driver says, now or after its delay.
    fn answer(&mut self, now: Time, answer: Input) {
        if self.driver_delay == Duration::ZERO {
            self.party.engine.handle(now, answer);
        } else {
            self.answers.push_back((now + self.driver_delay, answer));
        }
    }

    fn pump(&mut self, now: Time, call: &mut Call) {
        while !self.is_done()
            && let Some(output) = self.party.engine.poll()
        {
            self.output(now, output, call);
        }
    }

    fn output(&mut self, now: Time, output: Output, call: &mut Call) {
        let hooks = &mut self.party.hooks;
        match output {
            Output::Command(command) => {
                self.recorder.command(now, &command);
                hooks.commanded(now, &command);
                call.command(now, self.end, command);
            }
            Output::NeedPage(index) => {
                let answer = hooks.page(index).map_or(Input::NoPage(index), |page| Input::Page(index, page));
                self.answer(now, answer);
            }
            Output::Mark { page, mark } => {
                let is_kept = hooks.mark(page, mark);
                if mark == PageMark::Unconfirmed {
                    self.answer(now, Input::MarkKept(is_kept));
                }
            }
            Output::Identified(remote) => hooks.identified(&remote),
            Output::PageReceived(page) => {
                self.recorder.page(now, &page);
                let is_kept = hooks.received(page);
                self.answer(now, Input::PageKept(is_kept));
            }
            Output::Ended(report) => {
                self.recorder.ended(now, &report);
                self.report = Some(report);
            }
        }
    }

    /// The record of this end. An engine that is still busy at the limit of all calls loses its line.
    fn end(&mut self, now: Time) -> EndRecord {
        if self.report.is_none() {
            self.signal(now, Signal::HungUp(HangUp::LineFault));
            let rest: Vec<Output> = core::iter::from_fn(|| self.party.engine.poll()).collect();
            self.report = rest.into_iter().find_map(|output| match output {
                Output::Ended(report) => Some(report),
                _ => None,
            });
        }
        let report = self.report.take().unwrap_or(Report {
            outcome: Outcome::Local(LocalFailure::Line),
            marks: Vec::new(),
            remote_id: None,
            subaddress: None,
            negotiated: None,
            memory: Memory::default(),
        });
        EndRecord { report, trace: self.recorder.take() }
    }
}
