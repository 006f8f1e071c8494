//! What both halves of a session need: the modem's bytes both ways, the wait that runs, and what is known of the call.

use super::super::dialog::Step;
use super::super::profile::{FlowControl, Profile};
use super::super::reader::Reader;
use super::SessionOutput;
use super::dialect::{Dialect, Report as Line};
use super::hangup::Code;
use super::params::Params;
use crate::at::Output;
use crate::session::{Outcome, PageMark, Phase, Remote, Report};
use crate::t30::Output as Tell;
use crate::t30::memory::{Memory, WallTime};
use crate::t30::settings::Settings;
use crate::time::{Duration, Time};
use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::vec::Vec;

/// The part of a session that every state may use.
#[derive(Debug)]
pub(super) struct Wire {
    pub now: Time,
    pub profile: Profile,
    pub dialect: Dialect,
    pub reader: Reader,
    pub out: VecDeque<SessionOutput>,
    /// When the present wait is over.
    pub timer: Option<Time>,
    /// When the call is too long.
    call_ends: Option<Time>,
    /// A command that waits for the modem's rest to be over, and how long its answer may take.
    held: Option<(String, Duration)>,
    /// The modem takes commands from then on.
    free_at: Time,
    flow: FlowControl,
    pub is_sender: bool,
    /// `+FCON`: a fax machine is there.
    pub is_connected: bool,
    /// The modem has said that the call is over.
    pub over: Option<Code>,
    pub phase: Phase,
    pub marks: Vec<PageMark>,
    /// Pages received, kept and acknowledged.
    pub received: u32,
    pub remote: Remote,
    /// The last DCS.
    pub settings: Option<Settings>,
    /// The far end's DIS shows V.17, or we received: 9600 bit/s is V.17 then.
    pub has_v17: bool,
    pub memory: Memory,
    pub wall_time: WallTime,
    /// The first page that was given up while the call went on.
    pub given_up: Option<u32>,
}

impl Wire {
    pub(super) fn new(profile: Profile, is_sender: bool) -> Self {
        // The driver opens the port with the profile's flow control; XON and XOFF count only while we send.
        let flow = match profile.flow {
            FlowControl::XonXoff => FlowControl::None,
            flow => flow,
        };
        Self {
            now: Time::ZERO,
            dialect: Dialect(profile.class),
            profile,
            reader: Reader::new(),
            out: VecDeque::new(),
            timer: None,
            call_ends: None,
            held: None,
            free_at: Time::ZERO,
            flow,
            is_sender,
            is_connected: false,
            over: None,
            phase: Phase::Negotiation,
            marks: Vec::new(),
            received: 0,
            remote: Remote::default(),
            settings: None,
            has_v17: true,
            memory: Memory::default(),
            wall_time: WallTime::default(),
            given_up: None,
        }
    }

    pub(super) fn deadline(&self) -> Option<Time> {
        [self.timer, self.call_ends].into_iter().flatten().min()
    }

    /// Gives a command; its answer must come within `wait`.
    pub(super) fn say(&mut self, command: &str, wait: Duration) {
        if self.now < self.free_at {
            self.held = Some((command.into(), wait));
            self.timer = Some(self.free_at);
            return;
        }
        self.held = None;
        self.reader.expect_echo(command);
        let mut bytes: Vec<u8> = command.bytes().collect();
        bytes.push(b'\r');
        self.write(bytes);
        self.wait(wait);
    }

    /// Whether a command was being held back; if so, it is given now.
    pub(super) fn say_held(&mut self) -> bool {
        let Some((command, wait)) = self.held.take() else { return false };
        self.say(&command, wait);
        true
    }

    pub(super) fn write(&mut self, bytes: Vec<u8>) {
        self.out.push_back(Output::Write(bytes));
    }

    pub(super) fn wait(&mut self, duration: Duration) {
        self.timer = Some(self.now + duration);
    }

    /// A result code came: the modem may want some rest.
    pub(super) fn replied(&mut self) {
        self.free_at = self.now + self.profile.command_gap;
    }

    /// Software flow control is for sending alone.
    pub(super) fn flow_while_sending(&mut self, sends: bool) {
        if self.profile.flow != FlowControl::XonXoff {
            return;
        }
        let flow = if sends { FlowControl::XonXoff } else { FlowControl::None };
        if core::mem::replace(&mut self.flow, flow) != flow {
            self.out.push_back(Output::Flow(flow));
        }
    }

    pub(super) fn tell(&mut self, what: Tell) {
        self.out.push_back(Output::Tell(what));
    }

    /// The call stands, and may last so long from now.
    pub(super) fn connected(&mut self, call_time_max: Duration) {
        self.is_connected = true;
        self.call_ends.get_or_insert(self.now + call_time_max);
    }

    pub(super) fn is_overdue(&self) -> bool {
        self.call_ends.is_some_and(|ends| self.now >= ends)
    }

    /// The limits apply no more: the call is being ended.
    pub(super) fn forget_limits(&mut self) {
        self.call_ends = None;
        self.timer = None;
        self.held = None;
    }

    /// Takes from a line what it says of the far end and of the call.
    pub(super) fn note(&mut self, line: &Line) {
        match line {
            Line::Identity(id) if !id.is_empty() => self.remote.id = Some(id.clone()),
            Line::Subaddress(digits) if !digits.is_empty() => self.remote.subaddress = Some(digits.clone()),
            Line::Password(digits) if !digits.is_empty() => self.remote.password = Some(digits.clone()),
            Line::Settings(params) => self.agreed(*params),
            Line::Over(code) => self.over = Some(*code),
            _ => {}
        }
    }

    fn agreed(&mut self, params: Params) {
        self.settings = Some(params.to_settings(self.dialect.0, self.has_v17));
    }

    /// Changes a mark and says so.
    pub(super) fn mark(&mut self, page: u32, mark: PageMark) {
        let slot = usize::try_from(page).ok().and_then(|at| self.marks.get_mut(at));
        if let Some(slot) = slot
            && *slot != mark
        {
            *slot = mark;
            self.tell(Tell::Mark { page, mark });
        }
    }

    /// The commands that make the modem ready for this call.
    pub(super) fn setup(&self, own: &[String]) -> Vec<Step> {
        let step = |text: &str| Step { wait: self.profile.command_wait, ..Step::new(text) };
        let class = Step { is_required: true, tries: 2, ..step(&self.profile.class.command()) };
        let reports = self.dialect.reports().iter().map(|text| step(text));
        let rest = self.profile.call_setup.iter().map(|text| step(text));
        let own = own.iter().map(|text| step(text));
        [class]
            .into_iter()
            .chain(reports)
            .chain([step(self.dialect.bit_order())])
            .chain(own)
            .chain(rest)
            .collect()
    }

    /// What is known when the call is over. A page that nobody knows of makes the outcome, whatever ended the call.
    pub(super) fn report(&mut self, outcome: Outcome) -> Report {
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
        Report {
            outcome,
            marks: core::mem::take(&mut self.marks).into_iter().chain(received).collect(),
            remote_id: remote.id,
            subaddress: remote.subaddress,
            negotiated: self.settings.map(|settings| settings.negotiated()),
            memory: self.memory.still_known(self.wall_time),
        }
    }
}
