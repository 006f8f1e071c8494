//! What sender and receiver share: the line, the outputs, the timers that are not the line's, and the end of the call.

use super::address;
use super::frame::{Fcf, Frame, Side};
use super::link::{Event, Link};
use super::memory::{Lessons, Memory, WallTime};
use super::settings::Settings;
use super::timers::{EXCHANGES_MAX, GAP};
use super::{Input, Output};
use crate::carrier::{Command, HangUp, Signal};
use crate::session::{LocalFailure, Outcome, PageMark, Phase, Remote, Report};
use crate::time::{Duration, Time};
use alloc::collections::VecDeque;
use alloc::vec::Vec;

/// The part of an engine that every state carries along.
#[derive(Debug)]
pub(super) struct Common {
    pub now: Time,
    pub out: VecDeque<Output>,
    pub link: Link,
    pub phase: Phase,
    /// When the driver must have answered, or the state wants to be woken for another cause.
    pub timer: Option<Time>,
    /// The pages of the document that we send.
    pub marks: Vec<PageMark>,
    /// Pages that we received, stored and confirmed.
    pub received: u32,
    /// What the far end says of itself.
    pub remote: Remote,
    pub settings: Option<Settings>,
    /// What was known of the far end before the call, and what the call has taught.
    pub memory: Memory,
    pub wall_time: WallTime,
    pub lessons: Lessons,
    /// The first page that was given up while the call went on: whatever follows, not all was delivered.
    pub given_up: Option<u32>,
    /// Commands or replies said since something was gained: a page, a block, a frame.
    exchanges: u16,
    side: Side,
    /// When the call is too long.
    call_ends: Option<Time>,
    call_time_max: Duration,
}

/// What a state is told.
#[derive(Debug)]
pub(super) enum Happening {
    /// The line.
    Line(Event),
    /// `Common::timer` has passed.
    Timer,
    /// The driver answers whether a mark is kept.
    MarkKept(bool),
    /// The driver answers whether a page is kept.
    PageKept(bool),
    /// The driver gave a page, or said that it has none.
    Page,
}

impl Common {
    pub(super) fn new(side: Side, call_time_max: Duration, image_bytes_max: usize) -> Self {
        Self {
            now: Time::ZERO,
            out: VecDeque::new(),
            link: Link::new(image_bytes_max),
            phase: Phase::Negotiation,
            timer: None,
            marks: Vec::new(),
            received: 0,
            remote: Remote::default(),
            settings: None,
            memory: Memory::default(),
            wall_time: WallTime::default(),
            lessons: Lessons::default(),
            given_up: None,
            exchanges: 0,
            side,
            call_ends: None,
            call_time_max,
        }
    }

    /// The call as it stands, for the other role; nothing is left here.
    pub(super) fn take(&mut self) -> Self {
        let over = Self::new(self.side, self.call_time_max, 0);
        core::mem::replace(self, over)
    }

    pub(super) fn deadline(&self) -> Option<Time> {
        [self.link.deadline(), self.timer, self.call_ends].into_iter().flatten().min()
    }

    /// Whether the call has lasted too long.
    pub(super) fn is_overdue(&self) -> bool {
        self.call_ends.is_some_and(|ends| self.now >= ends)
    }

    /// Something was gained: a page, a block, a frame.
    pub(super) fn progress(&mut self) {
        self.exchanges = 0;
    }

    /// Whether the two stations talk and talk and get nowhere. A far end can do that in more ways than can be told apart:
    /// always the same reply, the reply to the command before, frames without sense.
    pub(super) fn is_stuck(&self) -> bool {
        self.exchanges >= EXCHANGES_MAX
    }

    /// The limits apply no more: the call is being ended.
    pub(super) fn forget_limits(&mut self) {
        self.call_ends = None;
        self.timer = None;
        self.exchanges = 0;
    }

    /// What a signal of the line comes to, for the state.
    pub(super) fn signal(&mut self, signal: Signal) -> Option<Happening> {
        let event = self.link.signal(self.now, signal, &mut self.out);
        if self.link.connected && self.call_ends.is_none() {
            self.call_ends = Some(self.now + self.call_time_max);
        }
        event.map(Happening::Line)
    }

    /// What has come of the time, for the state.
    pub(super) fn tick(&mut self) -> Option<Happening> {
        if self.timer.is_some_and(|timer| self.now >= timer) {
            self.timer = None;
            return Some(Happening::Timer);
        }
        self.link.tick(self.now, &mut self.out).map(Happening::Line)
    }

    pub(super) fn play(&mut self, script: impl IntoIterator<Item = Command>, wait: Duration) {
        self.link.play(self.now, script, wait, &mut self.out);
    }

    /// The gap, the frames, and then `listen` for as long as `wait`.
    pub(super) fn exchange(&mut self, frames: &[Frame], listen: Command, wait: Duration) {
        self.count_exchange();
        let script = [Command::Silence(GAP), self.frames(frames), listen];
        self.play(script, wait);
    }

    /// Counts a command or reply that is said, for `is_stuck`.
    pub(super) fn count_exchange(&mut self) {
        self.exchanges = self.exchanges.saturating_add(1);
    }

    /// Asks for a damaged command once more (CRP), and listens for as long as the wait still lasts, at least for `wait`.
    pub(super) fn ask_for_repetition(&mut self, wait: Duration) {
        let first = self.link.v21_first;
        let left = self.link.until - self.now;
        self.exchange(&[Frame::new(Fcf::Crp)], Command::ListenFrames, wait.max(left));
        // What was damaged counts as heard.
        self.link.v21_first = first;
    }

    pub(super) fn listen_again(&mut self) {
        self.link.listen_again(self.now, &mut self.out);
    }

    pub(super) fn frames(&self, frames: &[Frame]) -> Command {
        Command::SendFrames(frames.iter().map(|frame| frame.to_octets(self.side)).collect())
    }

    /// Says DCN; the call is over when it has gone.
    pub(super) fn say_dcn(&mut self) {
        self.forget_limits();
        let script = [Command::Silence(GAP), self.frames(&[Frame::new(Fcf::Dcn)])];
        self.play(script, Duration::ZERO);
    }

    /// Changes a mark and says so.
    pub(super) fn mark(&mut self, page: u32, mark: PageMark) {
        let slot = usize::try_from(page).ok().and_then(|at| self.marks.get_mut(at));
        if let Some(slot) = slot
            && *slot != mark
        {
            *slot = mark;
            self.out.push_back(Output::Mark { page, mark });
        }
    }

    /// Takes from a burst what the far end says of itself.
    pub(super) fn hear(&mut self, burst: &[Frame]) {
        address::hear(&mut self.remote, burst);
    }

    /// What it means that a called station never said a readable DIS.
    pub(super) fn no_dis(&self) -> Outcome {
        if !self.link.connected {
            Outcome::NoAnswer
        } else if self.link.heard_v21 {
            Outcome::NoDis
        } else {
            Outcome::NoFaxTone
        }
    }

    /// Hangs up and reports. A page that nobody knows of makes the outcome, whatever ended the call.
    pub(super) fn finish(&mut self, outcome: Outcome) {
        self.link.rest();
        self.forget_limits();
        let outcome = match self.given_up {
            Some(page) if outcome.is_success() => Outcome::PageRejected { page },
            _ => outcome,
        };
        let unconfirmed = self.marks.iter().position(|mark| *mark == PageMark::Unconfirmed);
        let outcome = match unconfirmed.map(u32::try_from) {
            Some(Ok(page)) => Outcome::Unconfirmed { page },
            _ => outcome,
        };
        let received = core::iter::repeat_n(PageMark::Confirmed, usize::try_from(self.received).unwrap_or(0));
        let remote = core::mem::take(&mut self.remote);
        self.out.push_back(Output::Command(Command::HangUp));
        self.out.push_back(Output::Ended(Report {
            outcome,
            marks: core::mem::take(&mut self.marks).into_iter().chain(received).collect(),
            remote_id: remote.id,
            subaddress: remote.subaddress,
            negotiated: self.settings.map(|s| s.negotiated()),
            memory: self.memory.learn(self.lessons, self.wall_time),
        }));
    }

    /// What it means that the line hung up by itself.
    pub(super) fn hung_up(&self, why: HangUp) -> Outcome {
        match why {
            HangUp::LineFault => Outcome::Local(LocalFailure::Line),
            _ if self.link.connected => Outcome::HungUp { phase: self.phase },
            HangUp::Busy => Outcome::Busy,
            HangUp::NoAnswer => Outcome::NoAnswer,
            HangUp::NoDialTone => Outcome::NoDialTone,
            HangUp::NotConnected | HangUp::Remote => Outcome::NotConnected,
            HangUp::Voice => Outcome::VoiceAnswered,
            HangUp::DataModem => Outcome::DataModemAnswered,
            HangUp::Blocked => Outcome::DialBlocked,
            HangUp::Glare => Outcome::Glare,
        }
    }
}

/// The frame of a burst that says what it is about: the last one that is no identification. Non-standard facilities
/// are left aside, with whatever they set up: only the DIS, DTC or DCS beside them counts.
pub(super) fn main_frame(burst: &[Frame]) -> Option<&Frame> {
    burst.iter().rev().find(|frame| {
        let is_identification =
            matches!(frame.fcf, Fcf::Csi | Fcf::Tsi | Fcf::Cig | Fcf::Sub | Fcf::Sid | Fcf::Sep | Fcf::Pwd);
        let is_non_standard = matches!(frame.fcf, Fcf::Nsf | Fcf::Nss | Fcf::Nsc | Fcf::Other(_));
        !is_identification && !is_non_standard
    })
}

/// The inputs that are the same for both roles, turned into what a state is told.
pub(super) fn happening(common: &mut Common, input: Input) -> Option<Happening> {
    match input {
        Input::Tick => common.tick(),
        Input::Signal(signal) => common.signal(signal),
        Input::MarkKept(kept) => Some(Happening::MarkKept(kept)),
        Input::PageKept(kept) => Some(Happening::PageKept(kept)),
        Input::Page(..) | Input::NoPage(_) => Some(Happening::Page),
        Input::Cancel => None,
    }
}
