//! A Class 2, 2.0 or 2.1 modem (the draft SP-2388; ITU-T T.32, TIA-592) as a session: the modem does T.30, and we give
//! it pages and take pages from it.
//!
//! It is driven like the T.30 engine ([`crate::t30::Engine`]) and keeps the promises of [`crate::session`]; what it wants
//! of the modem comes beside what it tells the flow, as [`Output`].
//!
//! ```text
//!  setup ─► dial ──► +FDIS ─► +FDT ─► data ─► mark kept ─► +FET or <DLE>, ─► answer ─┐
//!     │              ▲  next page, or the same page again ◄──────────────────────────┤
//!     └──► answer ─► +FDR ─► data ─► page kept ─► +FPTS, +FDR (acknowledges) ─► …    │ the last
//!                                     whatever ends the call ─► +FK ─► ATH, DTR ─► on hook
//! ```
//!
//! Promises, for any modem and any driver:
//! - a page is marked `Unconfirmed`, and the driver has acknowledged that mark, before the punctuation goes out that lets
//!   the modem send the end-of-page command; `Confirmed` comes after a positive post-page response and nothing else;
//! - a received page is handed out once, and `+FDR`, which acknowledges it, is given after the driver has kept it;
//! - the session always ends, with `Tell(Ended)` as its last output, and before that the modem is brought on hook
//!   ([`HANG_UP_MAX`]); unless it is over there is a deadline.
//!
//! What a modem of these classes does not let us do: the speed steps of a call are its own; a page that it has and we do
//! not want is refused by RTN, or by ending the call; whether its answer arrived is known only by what follows.
//!
//! Not there: polling (a sender that is to poll afterwards ends as `NothingToPoll`, an offer is not looked at), V.34, JBIG
//! and JPEG, non-standard facilities, and requests for an operator, which are answered as if they were none.
//!
//! ```
//! use fax_proto::at::class2::{Session, SessionConfig};
//! use fax_proto::at::profile::{Class, Profile};
//! use fax_proto::at::Output;
//! use fax_proto::t30::{ReceiverConfig, Input, frame::StationId};
//! use fax_proto::time::Time;
//!
//! let profile = Profile { class: Class::TwoPointZero, ..Profile::default() };
//! let config = SessionConfig { profile, dial: String::new() };
//! let mut session = Session::receiver(ReceiverConfig::new(StationId::default()), config);
//! session.handle(Time::ZERO, Input::Tick);
//! assert!(matches!(session.poll(), Some(Output::Write(bytes)) if bytes == b"AT+FCLASS=2.0\r"));
//! ```

mod dialect;
pub mod hangup;
mod leave;
mod params;
mod receive;
mod send;
mod wire;

use super::Output;
use super::dialog::{Dialog, DialogError};
use super::profile::Profile;
use super::reply::Reply;
use crate::carrier::{HangUp, Signal};
use crate::session::{LocalFailure, Outcome};
use crate::t30::{Input, Output as Tell, ReceiverConfig, SenderConfig};
use crate::time::Time;
use alloc::boxed::Box;
use alloc::string::String;
use dialect::Report as Line;
pub use leave::HANG_UP_MAX;
use leave::{From, Leaving};
use receive::Receiving;
use send::Sending;
use wire::Wire;

/// What a session wants: something for the port, or what a T.30 engine tells, but never `Output::Command`.
pub type SessionOutput = Output<Tell>;

/// The modem of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionConfig {
    /// The modem. Its class is 2, 2.0 or 2.1.
    pub profile: Profile,
    /// What to dial, with prefix and pauses, behind the profile's dial command; what V.250 does not let a dial string hold
    /// is left out. Not looked at where we are called.
    pub dial: String,
}

/// One call.
#[derive(Debug)]
pub struct Session {
    wire: Wire,
    half: Half,
    state: State,
}

/// Which way the pages go.
#[derive(Debug)]
enum Half {
    Sending(Box<Sending>),
    Receiving(Box<Receiving>),
}

#[derive(Debug)]
enum State {
    /// Nothing has been done.
    New,
    /// The modem is made ready.
    Setup(Box<Dialog>),
    Call,
    Leaving(Leaving),
    Over,
}

/// What happens to a half.
#[derive(Clone, Debug)]
enum Event {
    Line(Line),
    /// The wait is over.
    Timer,
    /// Data may have come.
    Data,
    MarkKept(bool),
    PageKept(bool),
    /// The driver gave a page, or said that it has none.
    Page,
}

/// A half is through with the call.
#[derive(Clone, Copy, Debug)]
struct Exit {
    outcome: Outcome,
    from: From,
}

impl Session {
    /// A call that we make, to send pages, by a modem that is on hook and initialized ([`Profile::start`]). Its first outputs
    /// ask for the first page and make the modem ready.
    #[must_use]
    pub fn sender(config: SenderConfig, call: SessionConfig) -> Self {
        let mut wire = Wire::new(call.profile, true);
        let sending = Sending::new(config, &call.dial, &mut wire);
        Self { wire, half: Half::Sending(Box::new(sending)), state: State::New }
    }

    /// A call that rings and is to be answered, to receive pages.
    #[must_use]
    pub fn receiver(config: ReceiverConfig, call: SessionConfig) -> Self {
        let wire = Wire::new(call.profile, false);
        Self { wire, half: Half::Receiving(Box::new(Receiving::new(config))), state: State::New }
    }

    /// Tells the session something, as a T.30 engine is told. Of [`Input::Signal`] only `HungUp` means something: the modem is
    /// gone. Time never runs backwards.
    pub fn handle(&mut self, now: Time, input: Input) {
        self.pass(now);
        let event = match (self.half.take(input), &self.state) {
            (_, State::Over) => return,
            (Input::Signal(Signal::HungUp(why)), _) => return self.lost(why),
            (Input::Cancel, State::New | State::Setup(_)) => return self.finish(Outcome::Cancelled),
            (Input::Cancel, State::Call) => return self.leave(Outcome::Cancelled),
            (Input::Tick, _) => return self.tick(),
            (Input::MarkKept(kept), State::Call) => Event::MarkKept(kept),
            (Input::PageKept(kept), State::Call) => Event::PageKept(kept),
            (Input::Page(..) | Input::NoPage(_), State::Call) => Event::Page,
            _ => return,
        };
        self.event(event);
    }

    /// Bytes have come from the modem.
    pub fn received(&mut self, now: Time, bytes: &[u8]) {
        self.pass(now);
        match &mut self.state {
            State::Over | State::New => return,
            State::Setup(dialog) => {
                dialog.received(now, bytes);
                return self.set_up();
            }
            State::Call | State::Leaving(_) => self.wire.reader.push(bytes),
        }
        while self.pull() {}
    }

    /// The next thing that the session wants; `None` until it has been told something more.
    #[must_use]
    pub fn poll(&mut self) -> Option<SessionOutput> {
        self.wire.out.pop_front()
    }

    /// When to tell it [`Input::Tick`]; `None` once it is over. Before the first tick: at once.
    #[must_use]
    pub fn deadline(&self) -> Option<Time> {
        match &self.state {
            State::New => Some(self.wire.now),
            State::Setup(dialog) => dialog.deadline(),
            State::Call | State::Leaving(_) => Some(self.wire.deadline().unwrap_or(self.wire.now)),
            State::Over => None,
        }
    }

    /// Whether the call is over and nothing more is done to the modem.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        matches!(self.state, State::Over)
    }

    fn pass(&mut self, now: Time) {
        self.wire.now = now.max(self.wire.now);
        if matches!(self.state, State::New) {
            self.begin();
        }
    }

    fn begin(&mut self) {
        if let Half::Sending(sending) = &self.half
            && sending.is_nothing_left()
        {
            return self.finish(Outcome::Delivered);
        }
        let own = match &self.half {
            Half::Sending(sending) => sending.setup(&self.wire),
            Half::Receiving(receiving) => receiving.setup(&self.wire),
        };
        let mut dialog = Dialog::new(self.wire.setup(&own)).with_gap(self.wire.profile.command_gap);
        dialog.start(self.wire.now);
        self.state = State::Setup(Box::new(dialog));
        self.set_up();
    }

    /// Goes on with the setup.
    fn set_up(&mut self) {
        let State::Setup(dialog) = &mut self.state else { return };
        while let Some(output) = dialog.poll() {
            let answers = match output {
                Output::Tell(Ok(answers)) => answers,
                Output::Tell(Err(error)) => return self.not_ready(&error),
                Output::Write(bytes) => {
                    self.wire.write(bytes);
                    continue;
                }
                _ => continue,
            };
            if answers.rings > 0 && self.wire.is_sender {
                return self.finish(Outcome::Glare);
            }
            self.state = State::Call;
            match &mut self.half {
                Half::Sending(sending) => sending.dial(&mut self.wire),
                Half::Receiving(receiving) => receiving.answer(&mut self.wire),
            }
            return;
        }
    }

    fn not_ready(&mut self, error: &DialogError) {
        match error.answers().rings {
            1.. if self.wire.is_sender => self.finish(Outcome::Glare),
            _ => self.finish(Outcome::Local(LocalFailure::Line)),
        }
    }

    /// Pulls one thing out of what the modem has sent; whether there may be more.
    fn pull(&mut self) -> bool {
        match &mut self.state {
            State::Leaving(leaving) if leaving.is_in_data() => return leaving.pull(&mut self.wire),
            State::Call if self.half.is_in_data() => {
                self.event(Event::Data);
                return !self.half.is_in_data();
            }
            State::Call | State::Leaving(_) => {}
            _ => return false,
        }
        let Some(text) = self.wire.reader.line() else { return false };
        let line = Line::parse(&text, self.wire.dialect.0);
        self.wire.note(&line);
        if matches!(&line, Line::Other(reply) if reply.is_final()) {
            self.wire.replied();
        }
        match &mut self.state {
            State::Leaving(leaving) => {
                leaving.line(&mut self.wire, &line);
                self.left();
            }
            _ => self.event(Event::Line(line)),
        }
        true
    }

    fn event(&mut self, event: Event) {
        if !matches!(self.state, State::Call) {
            return;
        }
        let exit = match &mut self.half {
            Half::Sending(sending) => sending.on(&mut self.wire, event),
            Half::Receiving(receiving) => receiving.on(&mut self.wire, event),
        };
        if let Some(Exit { outcome, from }) = exit {
            self.leave_from(outcome, from);
        }
    }

    fn tick(&mut self) {
        let now = self.wire.now;
        match &mut self.state {
            State::Setup(dialog) => {
                dialog.tick(now);
                return self.set_up();
            }
            State::Call if self.wire.is_overdue() => return self.leave(Outcome::CallTooLong),
            State::Call | State::Leaving(_) => {}
            _ => return,
        }
        if self.wire.timer.is_none_or(|at| at > now) || self.wire.say_held() {
            return;
        }
        self.wire.timer = None;
        match &mut self.state {
            State::Leaving(leaving) => {
                leaving.timer(&mut self.wire);
                self.left();
            }
            _ => self.event(Event::Timer),
        }
        // What was held back for this may be read now.
        while self.pull() {}
    }

    /// Ends the call from wherever it is.
    fn leave(&mut self, outcome: Outcome) {
        let from = match &mut self.half {
            Half::Sending(sending) => sending.stop(&mut self.wire),
            Half::Receiving(receiving) => receiving.stop(),
        };
        self.leave_from(outcome, from);
    }

    fn leave_from(&mut self, outcome: Outcome, from: From) {
        self.state = State::Leaving(Leaving::enter(&mut self.wire, outcome, from));
        self.left();
    }

    /// The modem is gone.
    fn lost(&mut self, why: HangUp) {
        let outcome = match why {
            HangUp::LineFault => Outcome::Local(LocalFailure::Line),
            _ => Outcome::HungUp { phase: self.wire.phase },
        };
        match (&mut self.half, &self.state) {
            (_, State::Leaving(leaving)) => self.state = State::Leaving(Leaving::gone(leaving.outcome)),
            (Half::Sending(sending), State::Call) => {
                sending.stop(&mut self.wire);
                self.state = State::Leaving(Leaving::gone(outcome));
            }
            _ => self.state = State::Leaving(Leaving::gone(outcome)),
        }
        self.left();
    }

    fn left(&mut self) {
        if let State::Leaving(leaving) = &self.state
            && leaving.is_done()
        {
            self.finish(leaving.outcome);
        }
    }

    fn finish(&mut self, outcome: Outcome) {
        self.state = State::Over;
        self.wire.forget_limits();
        let report = self.wire.report(outcome);
        self.wire.tell(Tell::Ended(report));
    }
}

impl Half {
    /// Keeps a page that the driver gives; the input goes on.
    fn take(&mut self, input: Input) -> Input {
        match self {
            Self::Sending(sending) => sending.take(input),
            Self::Receiving(_) => input,
        }
    }

    fn is_in_data(&self) -> bool {
        match self {
            Self::Sending(sending) => sending.is_in_data(),
            Self::Receiving(receiving) => receiving.is_in_data(),
        }
    }
}

/// What a call that came to nothing means, by the modem's result code; `None` for a code that is no end.
fn failed_call(reply: &Reply) -> Option<Outcome> {
    Some(match reply {
        Reply::Busy => Outcome::Busy,
        Reply::NoAnswer => Outcome::NoAnswer,
        Reply::NoDialTone => Outcome::NoDialTone,
        Reply::Blacklisted | Reply::Delayed => Outcome::DialBlocked,
        Reply::NoCarrier => Outcome::NotConnected,
        Reply::Voice => Outcome::VoiceAnswered,
        Reply::Data | Reply::Connect | Reply::ConnectData => Outcome::DataModemAnswered,
        Reply::Error => Outcome::Local(LocalFailure::Line),
        _ => return None,
    })
}
