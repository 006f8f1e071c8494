//! The sender's half of a call.
//!
//! ```text
//!  Calling ── DIS ─► Training ── CFR ─► Imaging ── sent ─► Closing ── mark kept ─► Confirming
//!     ▲               ▲  │ FTT: slower    ▲  ▲                                        │
//!     │ EOM, MCF      │  └────────┐       │  └── PPR, MCF to PPS-NULL, MPS and MCF ◄──┤
//!     └───────────────┼───────────┘       └── CTR ── Continuing ◄── fourth PPR ◄──────┤
//!                     └── RTN, RTP ◄──────────────────────────────────────────────────┤
//!  Leaving (DCN) ◄── EOP and MCF, or whatever ends the call ◄─────────────────────────┘
//! ```
//!
//! A call begins with the DIS of the station that we called; where we were called and the caller polls, with its DTC.
//! Each state is a type with what is known there; `on` takes it and gives the next. Every command is tried three times
//! (T.30 clause 5.4.2). What hangs up, takes too long or is cancelled is handled here, for all states alike.

mod begin;
mod confirm;
mod correct;
mod page;
mod stock;

use super::capability::Capability;
use super::common::{Common, Happening, happening};
use super::ecm::Blocks;
use super::frame::{Frame, Side};
use super::ladder::Ladder;
use super::link::Event;
use super::receive::Receiver;
use super::settings::Settings;
use super::{Input, Output, SenderConfig};
use crate::carrier::{Command, Speed, SpeedSet};
use crate::session::{LocalFailure, Outcome, PageMark};
use crate::time::Time;
use alloc::vec::Vec;
use begin::{Calling, Training};
use confirm::Confirming;
use correct::{Abandoning, Continuing};
use page::{Closing, Imaging};
use stock::Stock;

/// Bytes taken of an image by a station that only sends: none.
const IMAGE_BYTES_MAX: usize = 0;

/// A call in which we send.
#[derive(Debug)]
pub(super) struct Sender {
    cx: Cx,
    state: State,
}

/// What every state may use.
#[derive(Debug)]
struct Cx {
    config: SenderConfig,
    common: Common,
    stock: Stock,
    ladder: Ladder,
    /// What we say at the beginning of phase B where we were called and the far end polls: CSI and DIS.
    dis: Option<Vec<Frame>>,
    /// Our pages are sent and the far end is to send now: its DIS.
    turn: Option<Capability>,
}

#[derive(Debug)]
enum State {
    Calling(Calling),
    Training(Training),
    Imaging(Imaging),
    Closing(Closing),
    Confirming(Confirming),
    Continuing(Continuing),
    Abandoning(Abandoning),
    /// DCN is on its way.
    Leaving(Outcome),
    Over,
}

/// The page in hand and the terms on which it goes.
#[derive(Debug)]
struct Job {
    remote: Capability,
    settings: Settings,
    page: u32,
    /// How often the far end has rejected it.
    rejections: u8,
    coded: Coded,
    /// V.17 trains long once more: the next image follows CTR.
    train_long: bool,
    /// Speeds in a row at which nothing of the block came through.
    speeds_unheard: u8,
}

/// A page as it goes on the line.
#[derive(Debug)]
enum Coded {
    /// Not yet coded for these settings.
    Not,
    Bits(Vec<u8>),
    Blocks(Blocks),
}

impl Coded {
    /// Some of it was sent more than once.
    fn was_corrected(&self) -> bool {
        matches!(self, Self::Blocks(blocks) if blocks.was_corrected)
    }
}

impl Sender {
    pub(super) fn new(config: SenderConfig) -> Self {
        let common = Common::new(Side::Caller, config.call_time_max, IMAGE_BYTES_MAX);
        let mut sender = Self::with(config, common, None);
        sender.begin(sender.cx.stock.first());
        sender
    }

    /// Goes on with a call that was taken: `dis` was said, and the caller polls with this DTC.
    pub(super) fn polled(config: SenderConfig, common: Common, dis: Vec<Frame>, dtc: Capability) -> Self {
        let mut sender = Self::with(config, common, Some(dis));
        let cx = &mut sender.cx;
        let page = cx.stock.first();
        sender.state = if page >= cx.config.pages {
            cx.leave(Outcome::NothingToPoll)
        } else {
            cx.stock.want(page, &mut cx.common.out);
            Calling::polled(cx, page, dtc)
        };
        sender
    }

    fn with(mut config: SenderConfig, mut common: Common, dis: Option<Vec<Frame>>) -> Self {
        config.allowed = config.memory.restrict(config.allowed, config.wall_time);
        (common.memory, common.wall_time) = (config.memory, config.wall_time);
        let confirmed = config.first_page.min(config.pages);
        common.marks = (0..config.pages)
            .map(|page| if page < confirmed { PageMark::Confirmed } else { PageMark::NotSent })
            .collect();
        let (stock, ladder) = (Stock::new(confirmed), Ladder::new(SpeedSet::NONE));
        let cx = Cx { stock, config, common, ladder, dis, turn: None };
        Self { cx, state: State::Over }
    }

    /// The receiver that goes on with the call, once the far end is to send.
    pub(super) fn turn(&mut self) -> Option<Receiver> {
        let dis = self.cx.turn.take()?;
        let config = self.cx.config.then_poll.take()?;
        Some(Receiver::turned(*config, self.cx.common.take(), &dis))
    }

    fn begin(&mut self, page: u32) {
        let cx = &mut self.cx;
        if page >= cx.config.pages {
            // Nothing is left to be sent.
            cx.common.finish(Outcome::Delivered);
            return;
        }
        cx.stock.want(page, &mut cx.common.out);
        cx.common.play([Command::Call], cx.config.answer_wait);
        self.state = State::Calling(Calling::first(page));
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
            (state, Input::Cancel) => {
                state.unsay_mark(cx);
                cx.leave(Outcome::Cancelled)
            }
            (state, Input::Tick) if cx.common.is_overdue() => {
                state.unsay_mark(cx);
                cx.leave(Outcome::CallTooLong)
            }
            (state, input) => {
                let input = cx.stock.take(input);
                match happening(&mut cx.common, input) {
                    Some(happening) => state.on(cx, happening),
                    None => state,
                }
            }
        };
        if self.cx.common.is_stuck() {
            let phase = self.cx.common.phase;
            self.state = self.cx.leave(Outcome::NoProgress { phase });
        }
    }
}

impl State {
    /// Where a page is marked and its end-of-page command has not gone out, the far end does not have the page.
    fn unsay_mark(&self, cx: &mut Cx) {
        if let Self::Closing(closing) = self {
            cx.common.mark(closing.page(), PageMark::NotSent);
        }
    }

    fn on(self, cx: &mut Cx, happening: Happening) -> Self {
        match (self, happening) {
            (state, Happening::Line(Event::HungUp(why))) => {
                state.unsay_mark(cx);
                let outcome = cx.common.hung_up(why);
                cx.finish(outcome)
            }
            (_, Happening::Line(Event::Stuck)) => cx.finish(Outcome::Local(LocalFailure::Line)),
            (state, Happening::Line(Event::Garbled { .. })) => {
                cx.common.listen_again();
                state
            }
            (Self::Calling(state), happening) => state.on(cx, happening),
            (Self::Training(state), happening) => state.on(cx, happening),
            (Self::Imaging(state), happening) => state.on(cx, &happening),
            (Self::Closing(state), happening) => state.on(cx, happening),
            (Self::Confirming(state), happening) => state.on(cx, happening),
            (Self::Continuing(state), happening) => state.on(cx, happening),
            (Self::Abandoning(state), happening) => state.on(cx, happening),
            (state @ (Self::Leaving(_) | Self::Over), _) => state,
        }
    }
}

impl Cx {
    /// The speed after this one failed.
    fn slower(&mut self, speed: Speed) -> Option<Speed> {
        self.common.lessons.speed_failed = true;
        self.ladder.slower(speed)
    }

    /// Says DCN and ends the call; before the far end is there, just ends it.
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
