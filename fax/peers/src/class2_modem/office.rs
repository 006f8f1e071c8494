//! A telephone office for one test modem: what it dials is answered, or not, and calls come in. The far end is our engine, or
//! spandsp's.
//!
//! Everything is on a clock that is handed in, so that a call can be run as fast as it goes; `pty` runs one in real time.

use super::foreign::Foreign;
use super::trunk::{End, Trunk};
use super::{Config, Modem, Output};
use crate::spandsp_t30;
use fax_proto::carrier::{Command, HangUp, Signal};
use fax_proto::page::Page;
use fax_proto::session::{PageMark, ReceivedPage, Remote, Report};
use fax_proto::t30::frame::{Fcf, Frame, Side};
use fax_proto::t30::{Engine, Input, Output as EngineOutput, ReceiverConfig, SenderConfig};
use fax_proto::time::{Duration, Time};
use std::collections::VecDeque;

/// From dialling to what comes of it.
const DIAL_TIME: Duration = Duration::from_millis(1500);
/// How long a telephone rings that nobody answers.
const NO_ANSWER_TIME: Duration = Duration::from_secs(12);
/// From one ring to the next.
const RING_GAP: Duration = Duration::from_secs(4);
/// How long a caller lets it ring.
const RINGS_MAX: u32 = 10;
/// How far into an image the line is dropped.
const INTO_IMAGE: Duration = Duration::from_millis(2500);

/// What becomes of a call that the modem makes.
#[derive(Clone, Debug)]
pub enum Callee {
    /// A fax machine that receives.
    Fax(Box<FarConfig>),
    /// Somebody who answers and says nothing.
    Silent,
    /// A busy number.
    Busy,
    /// Nobody answers.
    NoAnswer,
    /// The line is dead.
    NoDialTone,
}

/// A fax machine at the other end.
#[derive(Clone, Debug)]
pub struct FarConfig {
    /// It receives so; or sends.
    pub role: FarRole,
    /// What it answers to the first pages, instead of what it would. Then as it would.
    pub answers: Vec<Fcf>,
    /// Where the line is dropped.
    pub drop: Option<Drop>,
}

/// What a far end does.
#[derive(Clone, Debug)]
pub enum FarRole {
    /// It receives.
    Receive(ReceiverConfig),
    /// It sends these pages.
    Send(SenderConfig, Vec<Page>),
    /// It is spandsp's, and does what that configuration says; its documents are files. Nothing is dropped or rewritten.
    Foreign(spandsp_t30::Config),
}

/// When a call is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drop {
    /// In the place of the frame of this kind that is the so-manieth, from 1.
    Frame(Fcf, u32),
    /// Some time into the so-manieth image, from 1.
    Image(u32),
}

impl FarConfig {
    /// A machine that behaves.
    #[must_use]
    pub fn new(role: FarRole) -> Self {
        Self { role, answers: Vec::new(), drop: None }
    }
}

/// What a far end has seen of a call.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// Pages that came.
    pub received: Vec<ReceivedPage>,
    /// Who called.
    pub identified: Option<Remote>,
    /// How the call ended.
    pub report: Option<Report>,
    /// spandsp's word for it: 0 is well.
    pub result: Option<i32>,
}

#[derive(Debug)]
struct Far {
    engine: Engine,
    pages: Vec<Page>,
    answers: VecDeque<Fcf>,
    /// When the call began for it: its clock counts from there.
    begun: Option<Time>,
}

impl Far {
    fn handle(&mut self, now: Time, input: Input) {
        let begun = self.begun.unwrap_or(now);
        self.engine.handle(Time::ZERO + now.since(begun), input);
    }

    fn deadline(&self) -> Option<Time> {
        let begun = self.begun?;
        self.engine.deadline().map(|deadline| begun + deadline.since(Time::ZERO))
    }
}

#[derive(Debug)]
enum Wait {
    /// The modem has dialled; this comes of it then.
    Dialled(Time, Callee),
    /// The modem's telephone rings.
    Rings { next: Time, count: u32, far: Box<FarConfig> },
}

/// The office.
pub struct Office {
    /// The modem.
    pub modem: Modem,
    book: Box<dyn FnMut(&str) -> Callee + Send>,
    wait: Option<Wait>,
    line: Option<Trunk>,
    modem_end: End,
    far: Option<Far>,
    foreign: Option<Foreign>,
    drop: Option<Drop>,
    drop_at: Option<Time>,
    now: Time,
    to_program: Vec<u8>,
    /// What the far end has seen, call by call.
    pub seen: Vec<Seen>,
    /// What was dialled.
    pub dialled: Vec<String>,
}

impl std::fmt::Debug for Office {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Office").field("modem", &self.modem).field("wait", &self.wait).finish_non_exhaustive()
    }
}

impl Office {
    /// An office with one modem; `book` says what is at a number.
    #[must_use]
    pub fn new(config: Config, book: impl FnMut(&str) -> Callee + Send + 'static) -> Self {
        Self {
            modem: Modem::new(config),
            book: Box::new(book),
            wait: None,
            line: None,
            modem_end: End::Caller,
            far: None,
            foreign: None,
            drop: None,
            drop_at: None,
            now: Time::ZERO,
            to_program: Vec::new(),
            seen: Vec::new(),
            dialled: Vec::new(),
        }
    }

    /// A far end calls the modem.
    pub fn call_in(&mut self, now: Time, far: FarConfig) {
        self.wait = Some(Wait::Rings { next: now, count: 0, far: Box::new(far) });
        self.run(now);
    }

    /// Whether nothing is going on.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        self.modem.is_on_hook() && self.wait.is_none() && self.line.is_none()
    }

    /// Bytes of the program.
    pub fn write(&mut self, now: Time, bytes: &[u8]) {
        self.modem.write(now, bytes);
        self.run(now);
    }

    /// The program drops DTR, or is gone.
    pub fn drop_dtr(&mut self, now: Time) {
        self.modem.drop_dtr(now);
        self.run(now);
    }

    /// Bytes for the program.
    pub fn read(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.to_program)
    }

    /// When to call [`Office::run`].
    #[must_use]
    pub fn deadline(&self) -> Option<Time> {
        let wait = self.wait.as_ref().map(|wait| match wait {
            Wait::Dialled(at, _) => *at,
            Wait::Rings { next, .. } => *next,
        });
        let line = self.line.as_ref().and_then(Trunk::deadline);
        let far = self.far.as_ref().and_then(Far::deadline);
        let foreign = self.foreign.as_ref().and_then(Foreign::deadline);
        [wait, line, far, foreign, self.modem.deadline(), self.drop_at].into_iter().flatten().min()
    }

    /// Brings everything up to this time.
    pub fn run(&mut self, now: Time) {
        self.now = now;
        if self.modem.deadline().is_some_and(|at| at <= now) {
            self.modem.tick(now);
        }
        if let Some(far) = &mut self.far
            && far.deadline().is_some_and(|at| at <= now)
        {
            far.handle(now, Input::Tick);
        }
        if self.drop_at.take_if(|at| *at <= now).is_some()
            && let Some(line) = &mut self.line
        {
            line.drop_call();
        }
        self.waited();
        if let Some(line) = &mut self.line {
            if let Some(foreign) = &mut self.foreign {
                foreign.run(now, self.modem_end.other(), line);
            }
            line.tick(now);
        }
        while self.step() {}
        self.clear();
    }

    /// Passes on one thing; whether there was one.
    fn step(&mut self) -> bool {
        if let Some(output) = self.modem.poll() {
            self.modem_wants(output);
            return true;
        }
        if let Some(output) =
            self.far.as_mut().filter(|far| far.begun.is_some()).and_then(|far| far.engine.poll())
        {
            self.far_wants(output);
            return true;
        }
        let (now, modem_end) = (self.now, self.modem_end);
        let Some(line) = &mut self.line else { return false };
        if let Some(signal) = line.poll(modem_end) {
            self.modem.signal(now, signal);
            return true;
        }
        if let Some(signal) = line.poll(modem_end.other()) {
            if let Some(far) = &mut self.far {
                far.handle(now, Input::Signal(signal));
            }
            return true;
        }
        false
    }

    fn modem_wants(&mut self, output: Output) {
        match output {
            Output::Bytes(bytes) => self.to_program.extend(bytes),
            Output::Dial(number) => {
                let callee = (self.book)(&number);
                self.dialled.push(number);
                let time = match callee {
                    Callee::NoAnswer => NO_ANSWER_TIME,
                    _ => DIAL_TIME,
                };
                self.wait = Some(Wait::Dialled(self.now + time, callee));
            }
            Output::Answer => {
                if let Some(Wait::Rings { far, .. }) = self.wait.take() {
                    self.connect(*far, End::Answerer);
                    self.begin_far();
                } else {
                    self.modem.signal(self.now, Signal::HungUp(HangUp::NotConnected));
                }
            }
            // The call stands when the far end has answered, and only then is there a line.
            Output::Line(Command::Call) => {}
            Output::Line(command) => {
                let hangs_up = command == Command::HangUp;
                self.say(self.modem_end, command);
                if hangs_up && matches!(self.wait, Some(Wait::Dialled(..))) {
                    self.wait = None;
                }
                self.clear();
            }
        }
    }

    /// Puts a command on the line, or drops the call in its place.
    fn say(&mut self, end: End, command: Command) {
        let (now, drops) = (self.now, self.drops_at(&command));
        let Some(line) = &mut self.line else { return };
        if drops {
            line.drop_call();
        } else {
            line.command(now, end, command);
        }
    }

    /// Takes the line away once both ends are done with it.
    fn clear(&mut self) {
        if let (Some(foreign), Some(seen)) = (&self.foreign, self.seen.last_mut()) {
            seen.result = foreign.result();
        }
        let is_done = |seen: &Seen| seen.report.is_some() || seen.result.is_some();
        let has_far = self.far.is_some() || self.foreign.is_some();
        if self.modem.is_on_hook() && (!has_far || self.seen.last().is_some_and(is_done)) {
            self.far = None;
            // Only then is its file whole.
            self.foreign = None;
            self.line = None;
        }
    }

    fn drops_at(&mut self, command: &Command) -> bool {
        match (&mut self.drop, command) {
            (Some(Drop::Frame(fcf, count)), Command::SendFrames(frames)) => {
                let is_it = |octets: &Vec<u8>| Frame::parse(octets).is_some_and(|frame| frame.fcf == *fcf);
                if frames.iter().any(is_it) {
                    *count -= 1;
                    if *count == 0 {
                        self.drop = None;
                        return true;
                    }
                }
            }
            (Some(Drop::Image(count)), Command::SendImage { .. }) => {
                *count -= 1;
                if *count == 0 {
                    self.drop = None;
                    self.drop_at = Some(self.now + INTO_IMAGE);
                }
            }
            _ => {}
        }
        false
    }

    fn connect(&mut self, config: FarConfig, modem_end: End) {
        self.modem_end = modem_end;
        self.drop = config.drop;
        self.drop_at = None;
        let (engine, pages) = match config.role {
            FarRole::Receive(receiver) => (Engine::receiver(receiver), Vec::new()),
            FarRole::Send(sender, pages) => (Engine::sender(sender), pages),
            FarRole::Foreign(terminal) => {
                self.line = Some(Trunk::to_terminal(modem_end.other()));
                self.foreign = Some(Foreign::new(self.now, &terminal));
                return self.seen.push(Seen::default());
            }
        };
        self.line = Some(Trunk::default());
        self.far = Some(Far { engine, pages, answers: config.answers.into(), begun: None });
        self.seen.push(Seen::default());
    }

    fn begin_far(&mut self) {
        if let Some(far) = &mut self.far {
            far.begun = Some(self.now);
            far.handle(self.now, Input::Tick);
        }
    }

    /// What was waited for has come.
    fn waited(&mut self) {
        let now = self.now;
        match self.wait.take() {
            Some(Wait::Dialled(at, callee)) if at <= now => self.answered(callee),
            Some(Wait::Rings { next, count, far }) if next <= now => {
                if count < RINGS_MAX {
                    self.modem.ring(now);
                    self.wait = Some(Wait::Rings { next: now + RING_GAP, count: count + 1, far });
                } else {
                    self.modem.ring_ends();
                }
            }
            other => self.wait = other,
        }
    }

    fn answered(&mut self, callee: Callee) {
        let why = match callee {
            Callee::Fax(far) => {
                self.connect(*far, End::Caller);
                self.say(End::Caller, Command::Call);
                return self.begin_far();
            }
            Callee::Silent => {
                self.modem_end = End::Caller;
                self.line = Some(Trunk::default());
                return self.say(End::Caller, Command::Call);
            }
            Callee::Busy => HangUp::Busy,
            Callee::NoAnswer => HangUp::NoAnswer,
            Callee::NoDialTone => HangUp::NoDialTone,
        };
        self.modem.signal(self.now, Signal::HungUp(why));
    }

    fn far_wants(&mut self, output: EngineOutput) {
        let (now, end) = (self.now, self.modem_end.other());
        let Some(far) = &mut self.far else { return };
        let Some(seen) = self.seen.last_mut() else { return };
        match output {
            EngineOutput::Command(command) => {
                let command = far.rewritten(command);
                self.say(end, command);
            }
            EngineOutput::NeedPage(index) => {
                let page = far.pages.get(index as usize).cloned();
                far.handle(now, page.map_or(Input::NoPage(index), |page| Input::Page(index, page)));
            }
            EngineOutput::Mark { mark: PageMark::Unconfirmed, .. } => far.handle(now, Input::MarkKept(true)),
            EngineOutput::Mark { .. } => {}
            EngineOutput::Identified(remote) => seen.identified = Some(remote),
            EngineOutput::PageReceived(page) => {
                seen.received.push(page);
                far.handle(now, Input::PageKept(true));
            }
            EngineOutput::Ended(report) => seen.report = Some(report),
        }
        self.clear();
    }
}

impl Far {
    /// Says what it was told to say about a page, instead of what it would.
    fn rewritten(&mut self, command: Command) -> Command {
        let Command::SendFrames(frames) = &command else { return command };
        let is_verdict = |octets: &Vec<u8>| {
            Frame::parse(octets).is_some_and(|f| matches!(f.fcf, Fcf::Mcf | Fcf::Rtp | Fcf::Rtn))
        };
        if frames.iter().any(is_verdict)
            && let Some(fcf) = self.answers.pop_front()
        {
            return Command::SendFrames(vec![Frame::new(fcf).to_octets(Side::Answerer)]);
        }
        command
    }
}
