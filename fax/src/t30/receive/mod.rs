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
//! Where we called to poll, `Dialling` (waiting for DIS) and `Polling` (DTC) stand in the place of the first two.
//!
//! The sender drives; a receiver in almost any state may hear almost any command, since its own replies may get lost.
//! So `command` decides by the command and by what is in hand, and the states are few. A page is confirmed after
//! the driver has it, and a command that is only repeated is given the same reply again.

mod command;
mod identify;
mod keep;
mod listen;

use super::address::Address;
use super::capability::Capability;
use super::common::{Common, Happening, happening};
use super::ecm::BlockIn;
use super::frame::{Fcf, Frame, Side};
use super::link::Event;
use super::send::Sender;
use super::{Input, Output, PollerConfig, ReceiverConfig};
use crate::carrier::{Command, HangUp, ImageKind, Training};
use crate::session::{LocalFailure, Outcome, Remote};
use crate::time::{Duration, Time};
use alloc::vec::Vec;
use command::Answered;
use identify::{Identifying, Polling, dialling, identify, poll};
use keep::Keeping;
use listen::{AwaitCommand, AwaitImage, Checking, Silence};

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
    /// We called, and fetch the pages.
    poll: Option<Poll>,
    /// What the driver was told last of the far end.
    told: Option<Remote>,
    /// A command was left unanswered because what goes before it was not heard; that is done once.
    is_asked_again: bool,
    /// The caller polls and is to be sent our offer: its DTC.
    turn: Option<Capability>,
    /// A page without ECM that waits for its end-of-page command.
    bits: Option<Vec<u8>>,
    /// The ECM block that is being received.
    block: BlockIn,
    /// The finished ECM blocks of the page that is being received.
    blocks_data: Vec<u8>,
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

/// What a caller that polls says.
#[derive(Debug)]
struct Poll {
    address: Address,
    /// PWD, SEP, CIG and DTC.
    dtc: Vec<Frame>,
}

impl Poll {
    /// A document was chosen, or a password given.
    fn is_selective(&self) -> bool {
        self.dtc.iter().any(|frame| matches!(frame.fcf, Fcf::Sep | Fcf::Pwd))
    }
}

#[derive(Debug)]
enum State {
    /// CED sounds.
    Answering,
    Identifying(Identifying),
    /// The station that is polled is being called.
    Dialling,
    Polling(Polling),
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
        let mut common = Common::new(Side::Answerer, config.call_time_max, config.page_bytes_max);
        common.play([Command::Answer], Duration::ZERO);
        Self { cx: Cx::new(config, common, None), state: State::Answering }
    }

    /// A call that we make, to fetch pages.
    pub(super) fn poller(config: PollerConfig) -> Self {
        let PollerConfig { receiver, address, answer_wait } = config;
        let mut common = Common::new(Side::Caller, receiver.call_time_max, receiver.page_bytes_max);
        common.play([Command::Call], answer_wait);
        Self { cx: Cx::new(receiver, common, Some(address)), state: State::Dialling }
    }

    /// Goes on with a call in which we sent: now the far end, with this DIS, is to send.
    pub(super) fn turned(config: PollerConfig, mut common: Common, dis: &Capability) -> Self {
        common.link.image_bytes_max = config.receiver.page_bytes_max;
        let mut cx = Cx::new(config.receiver, common, Some(config.address));
        // It had a document before; that it says so again is not needed.
        let state = poll(&mut cx, &Capability { has_document: true, ..*dis });
        Self { cx, state }
    }

    /// The sender that goes on with the call, once the caller polls.
    pub(super) fn turn(&mut self) -> Option<Sender> {
        let dtc = self.cx.turn.take()?;
        let dis = self.cx.dis();
        let offer = self.cx.config.offer.take()?;
        Some(Sender::polled(offer.document, self.cx.common.take(), dis, dtc))
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
                identify(cx)
            }
            (Self::AwaitCommand(state), Happening::Line(Event::Garbled { damaged })) => {
                state.garbled(cx, damaged)
            }
            (state, Happening::Line(Event::Garbled { .. })) => {
                cx.common.listen_again();
                state
            }
            (Self::Dialling, happening) => dialling(cx, happening),
            (Self::Polling(state), happening) => state.on(cx, happening),
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
    fn new(config: ReceiverConfig, common: Common, poll: Option<Address>) -> Self {
        Self {
            config,
            common,
            poll: poll.map(|address| Poll { address, dtc: Vec::new() }),
            told: None,
            is_asked_again: false,
            turn: None,
            bits: None,
            block: BlockIn::default(),
            blocks_data: Vec::new(),
            last: None,
            answered: None,
            image_heard: false,
            untrained_at: None,
            is_finished: false,
            omits_rtc: false,
            doubted: false,
            refusals: 0,
            repeats_asked: 0,
        }
    }

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
