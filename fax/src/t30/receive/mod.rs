//! The receiver's half of a call.
//!
//! ```text
//!  Answering (CED) ─► Identifying (DIS) ── DCS ─► Checking (TCF) ── good: CFR ─► Awaiting image ── gone ─┐
//!                          ▲                         │ bad: FTT      ▲   ▲                              │
//!                          │ EOM confirmed           ▼               │   └─ PPR, CTR, MCF to MPS ─┐     │
//!                          └──────────────── Awaiting command ◄──────┼────────────────────────────┼─────┘
//!                                             │   ▲   │ end of page  │                            │
//!                                        DCN  │   │   └──────► Keeping (the driver stores it) ─────┘
//!                                             ▼   └── RTN, RTP, RNR ───────┘
//!                                           Over
//! ```
//!
//! The sender drives; a receiver in almost any state may hear almost any command, since its own replies may get lost.
//! So `command` decides by the command and by what is in hand, and the states are few. A page is confirmed after
//! the driver has it, and a command that is only repeated is given the same reply again.

mod command;
mod keep;
mod listen;

use super::common::{Common, Happening, happening};
use super::ecm::BlockIn;
use super::frame::{Frame, Side};
use super::link::Event;
use super::{Input, Output, ReceiverConfig};
use crate::carrier::{Command, HangUp, ImageKind, Training};
use crate::session::{LocalFailure, Outcome};
use crate::time::{Duration, Time};
use alloc::vec::Vec;
use command::Answered;
use keep::Keeping;
use listen::{AwaitCommand, AwaitImage, Checking, Identifying, Silence};

/// A call in which we receive.
#[derive(Debug)]
pub(super) struct Receiver {
    cx: Cx,
    state: State,
}

/// What every state may use.
#[derive(Debug)]
struct Cx {
    config: ReceiverConfig,
    common: Common,
    /// A page without ECM that waits for its end-of-page command.
    bits: Option<Vec<u8>>,
    /// The ECM block that is being received.
    block: BlockIn,
    /// The finished ECM blocks of the page that is being received.
    blocks_data: Vec<u8>,
    /// Pages stored and confirmed.
    pages: u32,
    /// What was said last, for a sender that did not hear it.
    last: Option<Reply>,
    /// Which end-of-page command that was the answer to.
    answered: Option<Answered>,
    /// An image carrier, or a failed training, was heard since.
    image_heard: bool,
    /// When something that was no image came while an image was awaited.
    untrained_at: Option<Time>,
    /// EOP was confirmed: all is well, whatever comes.
    is_finished: bool,
    /// The sender leaves out RTC or EOFB.
    omits_rtc: bool,
    /// An ECM page could not be read though all its frames came, and was asked for again.
    doubted: bool,
    /// Copies of a page without ECM that were refused in a row.
    refusals: u8,
    /// How often in a row a damaged command was asked for again (CRP).
    repeats_asked: u8,
}

#[derive(Debug)]
enum State {
    /// CED sounds.
    Answering,
    Identifying(Identifying),
    Checking(Checking),
    AwaitImage(AwaitImage),
    AwaitCommand(AwaitCommand),
    Keeping(Keeping),
    /// DCN is on its way.
    Leaving(Outcome),
    Over,
}

/// What is said to the sender, and what is listened for afterwards.
#[derive(Clone, Debug)]
struct Reply {
    frames: Vec<Frame>,
    next: Next,
}

/// What a receiver listens for.
#[derive(Clone, Copy, Debug)]
enum Next {
    Image(Training),
    /// A command; and what its absence means.
    Command(Silence),
}

impl Receiver {
    pub(super) fn new(config: ReceiverConfig) -> Self {
        let mut common = Common::new(Side::Receiver, config.call_time_max, config.page_bytes_max);
        common.play([Command::Answer], Duration::ZERO);
        Self {
            cx: Cx {
                config,
                common,
                bits: None,
                block: BlockIn::default(),
                blocks_data: Vec::new(),
                pages: 0,
                last: None,
                answered: None,
                image_heard: false,
                untrained_at: None,
                is_finished: false,
                omits_rtc: false,
                doubted: false,
                refusals: 0,
                repeats_asked: 0,
            },
            state: State::Answering,
        }
    }

    pub(super) fn deadline(&self) -> Option<Time> {
        self.cx.common.deadline()
    }

    pub(super) fn poll(&mut self) -> Option<Output> {
        self.cx.common.out.pop_front()
    }

    pub(super) fn handle(&mut self, now: Time, input: Input) {
        let cx = &mut self.cx;
        cx.common.now = now.max(cx.common.now);
        let state = core::mem::replace(&mut self.state, State::Over);
        self.state = match (state, input) {
            (State::Over, _) => State::Over,
            (State::Leaving(outcome), input) => cx.leaving(outcome, input),
            (_, Input::Cancel) => cx.leave(Outcome::Cancelled),
            (_, Input::Tick) if cx.common.is_overdue() => cx.leave(Outcome::CallTooLong),
            (state, input) => match happening(&mut cx.common, input) {
                Some(happening) => state.on(cx, happening),
                None => state,
            },
        };
        if self.cx.common.is_stuck() {
            let phase = self.cx.common.phase;
            self.state = self.cx.leave(Outcome::NoProgress { phase });
        }
    }
}

impl State {
    fn on(self, cx: &mut Cx, happening: Happening) -> Self {
        match (self, happening) {
            (_, Happening::Line(Event::HungUp(why))) => {
                let outcome = cx.hung_up(why);
                cx.finish(outcome)
            }
            (_, Happening::Line(Event::Stuck)) => cx.finish(Outcome::Local(LocalFailure::Line)),
            (Self::Answering, Happening::Line(Event::Done)) => {
                cx.common.link.connected = true;
                Identifying::enter(cx)
            }
            (Self::AwaitCommand(state), Happening::Line(Event::Garbled { damaged })) => {
                state.garbled(cx, damaged)
            }
            (state, Happening::Line(Event::Garbled { .. })) => {
                cx.common.listen_again();
                state
            }
            (Self::Identifying(state), happening) => state.on(cx, happening),
            (Self::Checking(state), happening) => state.on(cx, happening),
            (Self::AwaitImage(state), happening) => state.on(cx, happening),
            (Self::AwaitCommand(state), happening) => state.on(cx, happening),
            (Self::Keeping(state), happening) => state.on(cx, happening),
            (state, _) => state,
        }
    }
}

impl Cx {
    /// Says something, remembers it for a repetition, and listens.
    fn reply(&mut self, reply: Reply) -> State {
        let state = self.say(&reply);
        self.last = Some(reply);
        state
    }

    fn say(&mut self, reply: &Reply) -> State {
        self.image_heard = false;
        self.untrained_at = None;
        match reply.next {
            Next::Image(training) => AwaitImage::enter(self, &reply.frames, training),
            Next::Command(silence) => AwaitCommand::enter(self, &reply.frames, silence),
        }
    }

    /// Says the last thing once more.
    fn say_again(&mut self) -> Option<State> {
        let last = self.last.clone()?;
        Some(self.say(&last))
    }

    /// The listening command for an image as the DCS has it; without a DCS there can be none.
    fn listen_image(&self, training: Training) -> Command {
        match self.common.settings {
            Some(settings) => Command::ListenImage {
                speed: settings.speed,
                training,
                kind: if settings.ecm.is_some() { ImageKind::Frames } else { ImageKind::Bits },
            },
            None => Command::ListenFrames,
        }
    }

    /// Forgets what came of a page that was not confirmed.
    fn drop_page(&mut self) {
        self.bits = None;
        self.block = BlockIn::default();
        self.blocks_data = Vec::new();
        self.doubted = false;
    }

    fn hung_up(&self, why: HangUp) -> Outcome {
        match self.is_finished {
            true => Outcome::Received,
            false => self.common.hung_up(why),
        }
    }

    /// Says DCN and ends the call.
    fn leave(&mut self, outcome: Outcome) -> State {
        if !self.common.link.connected {
            return self.finish(outcome);
        }
        self.common.say_dcn();
        State::Leaving(outcome)
    }

    fn leaving(&mut self, outcome: Outcome, input: Input) -> State {
        match happening(&mut self.common, input) {
            Some(Happening::Line(Event::Done | Event::Stuck | Event::HungUp(_))) => self.finish(outcome),
            _ => State::Leaving(outcome),
        }
    }

    fn finish(&mut self, outcome: Outcome) -> State {
        self.common.finish(outcome);
        State::Over
    }
}
