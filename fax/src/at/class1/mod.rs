//! A Class 1 or 1.0 modem (ITU-T T.31) as a carrier beneath the T.30 engine.
//!
//! The modem does V.21 with HDLC, and the fast modulations as bits; HDLC on these (ECM) is ours ([`crate::hdlc`]). What
//! a [`Command`] becomes stands at each command; `+FTM` and `+FRM` carry image and training check, frames of V.21 go by
//! `+FTH=3` and `+FRH=3`.
//!
//! ```text
//!  on hook ─► setup ─► dial ───► listen ◄─► ready ◄─► speak, silence
//!                 └──► answer ─► flags ───────┘
//!        whatever runs ─► leave (CAN, DLE ETX, AT) ─► ready ─► hook (ATH, DTR) ─► on hook
//! ```
//!
//! Promises, for any modem and any engine:
//! - a new command ends what runs, and no signal of that comes after it; a `CONNECT` that was on its way is thrown away;
//! - after [`Command::HangUp`], and after a [`Signal::HungUp`] of its own, the modem is brought back on hook; that takes
//!   [`HANG_UP_MAX`] at most, then [`Carrier::is_idle`] is true, and [`Carrier::is_on_hook_for_sure`] says whether the
//!   modem said so itself;
//! - unless it is idle there is always a deadline, and an engine that falls silent for [`ABANDONED_MAX`] loses the call.
//!
//! Beside [`Signal::Connected`], which no Class 1 modem can tell, everything of the seam is given.
//!
//! ```
//! use fax_proto::at::Output;
//! use fax_proto::at::class1::{Carrier, CarrierConfig};
//! use fax_proto::carrier::Command;
//! use fax_proto::time::Time;
//!
//! let mut carrier = Carrier::new(CarrierConfig { dial: "0123".into(), ..CarrierConfig::default() });
//! carrier.command(Time::ZERO, Command::Call);
//! assert_eq!(carrier.poll(), Some(Output::Write(b"AT+FCLASS=1\r".to_vec())));
//! carrier.received(Time(20_000), b"\r\nOK\r\n");
//! assert_eq!(carrier.poll(), Some(Output::Write(b"AT+FAR=1\r".to_vec())));
//! ```

mod connect;
mod course;
mod leave;
mod listen;
mod pieces;
mod speak;
mod wire;
mod words;

use super::Output;
use super::profile::{Profile, SilenceBy};
use super::reply::Reply;
use crate::carrier::{Command, HangUp, Signal};
use crate::time::{Duration, Time};
use alloc::boxed::Box;
use alloc::string::String;
use connect::Setup;
pub use leave::HANG_UP_MAX;
use leave::{From, Hook, Leave};
use listen::Listen;
use pieces::Pieces;
use speak::Speak;
use wire::Wire;
pub use words::DIAL_CHARS_MAX;
pub(in crate::at) use words::{dialable, speed_of_code};

/// An engine that has said nothing for so long, though nothing runs, is taken as gone.
pub const ABANDONED_MAX: Duration = Duration::from_secs(120);
/// After the answer tone the modem sends flags until it gets a frame, and gives up after 5 s (T.31).
const FLAGS_MAX: Duration = Duration::from_secs(4);
/// What a modem may take beyond a silence.
const SILENCE_SLACK: Duration = Duration::from_millis(1500);

/// One call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CarrierConfig {
    /// The modem.
    pub profile: Profile,
    /// What to dial, with prefix and pauses, behind the profile's dial command. At most [`DIAL_CHARS_MAX`] characters; what
    /// V.250 does not let a dial string hold is left out.
    pub dial: String,
    /// How long the modem waits for a fax machine once it has dialled (S7). Its word should come before the engine's time
    /// is out, since only the modem knows whether somebody answered: give the engine [`ENGINE_SLACK`] more.
    pub answer_wait: Duration,
}

/// So much longer than the modem the engine waits for an answer: dialling, and a modem that does not keep S7.
pub const ENGINE_SLACK: Duration = Duration::from_secs(40);

impl Default for CarrierConfig {
    fn default() -> Self {
        Self { profile: Profile::default(), dial: String::new(), answer_wait: Duration::from_secs(90) }
    }
}

/// A modem during one call.
#[derive(Debug)]
pub struct Carrier {
    config: CarrierConfig,
    wire: Wire,
    state: State,
    /// What the engine wants once the modem is in command state.
    pending: Option<Command>,
    /// The image that is sent while it comes in.
    pieces: Option<Pieces>,
    /// The call is over: the modem is on its way back on hook, or there.
    is_over: bool,
    on_hook_for_sure: bool,
    silence: SilenceBy,
    /// The modem has kept a silence in this call: refusing one later means that there is no call.
    has_kept_silence: bool,
    /// How often the present activity was refused.
    refusals: u8,
}

#[derive(Debug)]
enum State {
    OnHook,
    Setup(Setup),
    Connecting {
        is_caller: bool,
    },
    /// In the call, in command state, with nothing to do.
    Ready,
    /// Flags go out, and a frame is awaited (`ATA`).
    Flags,
    /// A silence, by the modem or by time, so long.
    Silence {
        by: SilenceBy,
        until: Time,
    },
    Speak(Box<Speak>),
    Listen(Box<Listen>),
    /// A command was refused: is there still a call?
    Doubt(Resume),
    Leave(Leave),
    Hook(Hook),
}

/// An activity that may be begun again.
#[derive(Debug)]
enum Resume {
    Speak(Box<Speak>),
    Listen(Box<Listen>),
}

/// What a state makes of what happened.
#[derive(Clone, Copy, Debug)]
enum Next {
    Stay,
    /// The modem is in command state, and the activity over.
    Ready,
    /// The setup is done.
    Connect(bool),
    /// Dialled, and V.21 is there.
    Receive,
    /// Dialled; V.21 must be asked for.
    AskForFrames,
    Flags,
    /// The modem refuses what it is told.
    Doubt,
    /// The activity is over, and the modem has still to be brought to command state.
    Leave,
    /// The same, and then it begins again.
    LeaveAndResume,
    /// It rings; nothing was dialled.
    Glare,
    /// It has dialled and says nothing.
    InVain,
    HungUp(HangUp),
}

impl Carrier {
    /// A modem that is on hook, in command state, and initialized ([`Profile::start`]).
    #[must_use]
    pub fn new(config: CarrierConfig) -> Self {
        Self {
            wire: Wire::new(config.profile.clone()),
            silence: config.profile.silence,
            config,
            state: State::OnHook,
            pending: None,
            pieces: None,
            is_over: false,
            on_hook_for_sure: true,
            has_kept_silence: false,
            refusals: 0,
        }
    }

    /// The engine asks for something. Whatever was being done is ended first.
    pub fn command(&mut self, now: Time, command: Command) {
        self.pieces = None;
        self.want(now, command);
    }

    fn want(&mut self, now: Time, command: Command) {
        self.pass(now);
        if self.is_over {
            return;
        }
        if command == Command::HangUp {
            return self.hang_up();
        }
        match &mut self.state {
            State::Flags => self.command_in_flags(command),
            State::Listen(listen) if command == Command::ListenFrames && listen.hears_frames() => {
                listen.claim(&mut self.wire);
                if listen.is_over() {
                    self.ready();
                }
            }
            State::Listen(listen) if listen.is_at_rest() => self.begin(command),
            State::OnHook | State::Ready => self.begin(command),
            State::Silence { by: SilenceBy::Timer, .. } => self.begin(command),
            State::Leave(leave) => {
                leave.resume = None;
                self.pending = Some(command);
            }
            _ => {
                self.pending = Some(command);
                self.leave(None);
            }
        }
    }

    /// Bytes have come from the modem.
    pub fn received(&mut self, now: Time, bytes: &[u8]) {
        self.pass(now);
        self.wire.reader.push(bytes);
        loop {
            let (more, next) = match &mut self.state {
                State::Listen(listen) if listen.is_in_data() => listen.pull(&mut self.wire),
                State::Leave(leave) if leave.is_in_data() => leave.pull(&mut self.wire),
                _ => match self.wire.reader.line() {
                    Some(line) => (true, self.reply(&Reply::parse(&line))),
                    None => (false, Next::Stay),
                },
            };
            let changes = !matches!(next, Next::Stay);
            self.apply(next);
            self.pass_on();
            if !more && !changes {
                return;
            }
        }
    }

    /// Time has passed ([`Carrier::deadline`]).
    pub fn tick(&mut self, now: Time) {
        self.pass(now);
        if self.wire.deadline.is_none_or(|deadline| now < deadline) || self.wire.say_held() {
            return;
        }
        let next = self.late();
        self.apply(next);
        self.pass_on();
    }

    /// What is to be done next; `None` until the carrier has been told something more.
    #[must_use]
    pub fn poll(&mut self) -> Option<Output<Signal>> {
        self.wire.out.pop_front()
    }

    /// When to call [`Carrier::tick`]; `None` while the carrier is idle.
    #[must_use]
    pub fn deadline(&self) -> Option<Time> {
        self.wire.deadline
    }

    /// Whether the modem is on hook and in command state, as far as can be known: before the call and after it.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        matches!(self.state, State::OnHook)
    }

    /// Whether the modem said itself that it has hung up. If not, it wants a reset before the next call.
    #[must_use]
    pub fn is_on_hook_for_sure(&self) -> bool {
        self.on_hook_for_sure
    }

    /// The port has gone, and the modem with it: the call is over at once.
    pub fn lost(&mut self, now: Time) {
        self.pass(now);
        if !self.is_over && !self.is_idle() {
            self.wire.tell(Signal::HungUp(HangUp::LineFault));
        }
        self.is_over = true;
        self.rest_on_hook(false);
    }

    fn pass(&mut self, now: Time) {
        self.wire.now = self.wire.now.max(now);
    }

    /// Begins an activity; the modem is in command state.
    fn begin(&mut self, command: Command) {
        self.refusals = 0;
        let wire = &mut self.wire;
        if let Some(mut listen) = Listen::of(wire.now, &command) {
            listen.ask(wire);
            self.state = State::Listen(Box::new(listen));
            return;
        }
        let mut speak = match command {
            Command::Call | Command::Answer => return self.set_up(command == Command::Call),
            Command::Silence(duration) => return self.be_silent(duration),
            Command::SendFrames(frames) => Speak::frames(frames),
            Command::SendTcf(speed) => Speak::tcf(speed),
            Command::SendImage { speed, training, .. } if self.pieces.is_some() => {
                Speak::pieces(speed, training)
            }
            Command::SendImage { speed, training, image } => Speak::image(speed, training, image),
            _ => return self.hang_up(),
        };
        speak.ask(wire);
        self.state = State::Speak(Box::new(speak));
    }

    fn set_up(&mut self, is_caller: bool) {
        let mut setup = Setup::new(&self.config, is_caller);
        let next = setup.ask(&mut self.wire);
        self.state = State::Setup(setup);
        self.apply(next);
    }

    fn be_silent(&mut self, duration: Duration) {
        let until = self.wire.now + duration;
        self.state = State::Silence { by: self.silence, until };
        match self.silence {
            SilenceBy::Modem => self.wire.say(&words::silence(duration), duration + SILENCE_SLACK),
            SilenceBy::Timer => self.wire.wait(duration),
        }
    }

    /// Flags are on the line: a frame goes out at once, and there is no silence to keep.
    fn command_in_flags(&mut self, command: Command) {
        match command {
            Command::Silence(_) => self.wire.tell(Signal::Sent),
            Command::SendFrames(frames) => {
                let mut speak = Speak::frames(frames);
                speak.connected(&mut self.wire);
                self.state = State::Speak(Box::new(speak));
            }
            command => {
                self.pending = Some(command);
                self.leave(None);
            }
        }
    }

    /// Brings the modem to command state.
    fn leave(&mut self, resume: Option<Resume>) {
        let from = match &mut self.state {
            State::OnHook | State::Ready | State::Hook(_) => return self.ready(),
            State::Silence { by: SilenceBy::Timer, .. } => return self.ready(),
            State::Leave(leave) if self.is_over => return leave.hurry(&mut self.wire),
            State::Leave(_) => return,
            // The command has not been given yet.
            _ if self.wire.drop_held() => return self.ready(),
            State::Setup(_) | State::Silence { .. } | State::Doubt(_) => From::Short,
            State::Connecting { is_caller: true } => From::AskedToReceive,
            State::Connecting { is_caller: false } => From::Answering,
            State::Flags => {
                let from = From::Frames(self.wire.now);
                let mut leave = Leave::new(&mut self.wire, from, self.is_over, resume);
                leave.end_frames(&mut self.wire);
                self.state = State::Leave(leave);
                return;
            }
            State::Speak(speak) if speak.is_connected() && speak.is_frames() => From::Frames(speak.ends),
            State::Speak(speak) if speak.is_connected() => From::Sending(speak.ends),
            State::Speak(_) => From::AskedToSend,
            State::Listen(listen) if listen.is_in_data() => From::Receiving,
            State::Listen(listen) if listen.is_at_rest() => return self.ready(),
            State::Listen(_) => From::AskedToReceive,
        };
        self.state = State::Leave(Leave::new(&mut self.wire, from, self.is_over, resume));
    }

    /// The modem is in command state: does what is wanted next.
    fn ready(&mut self) {
        let resume = match core::mem::replace(&mut self.state, State::Ready) {
            State::Leave(leave) => leave.resume,
            State::Doubt(resume) => Some(resume),
            _ => None,
        };
        if self.is_over {
            self.state = State::Hook(Hook::new(&mut self.wire));
        } else if let Some(command) = self.pending.take() {
            self.begin(command);
        } else if let Some(resume) = resume {
            self.resume(resume);
        } else {
            self.wire.wait(ABANDONED_MAX);
        }
    }

    fn resume(&mut self, resume: Resume) {
        self.state = match resume {
            Resume::Speak(mut speak) => {
                speak.ask(&mut self.wire);
                State::Speak(speak)
            }
            Resume::Listen(mut listen) => {
                listen.ask(&mut self.wire);
                State::Listen(listen)
            }
        };
    }

    /// Ends the call from this side.
    fn hang_up(&mut self) {
        self.is_over = true;
        self.pending = None;
        self.wire.is_mute = true;
        if let State::OnHook = self.state {
            return self.rest_on_hook(self.on_hook_for_sure);
        }
        self.on_hook_for_sure = false;
        self.leave(None);
    }

    fn rest_on_hook(&mut self, for_sure: bool) {
        self.state = State::OnHook;
        self.on_hook_for_sure = for_sure;
        self.pending = None;
        self.wire.is_mute = true;
        self.wire.rest();
        self.wire.reader.clear();
        self.wire.flow_while_sending(false);
    }
}
