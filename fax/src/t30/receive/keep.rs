//! A page has come and the driver is storing it; only then is it confirmed.
//!
//! While that lasts the sender must not lose patience. With ECM it is told "not ready" (RNR) for at most T5; without,
//! it repeats its command, and has its reply then.

use super::super::Output;
use super::super::common::{Happening, main_frame};
use super::super::frame::{Fcf, Frame};
use super::super::image::Decoded;
use super::super::link::Event;
use super::super::timers::{REPLY_WAIT, T2, T5};
use super::command::{Ask, end_of_page, short_training};
use super::listen::Silence;
use super::{Cx, Next, Reply, State};
use crate::carrier::{Command, Training};
use crate::session::{LocalFailure, Outcome, Phase, ReceivedPage};
use crate::time::Time;

/// The driver has the page and has not answered yet, or the sender is not listening yet.
#[derive(Debug)]
pub(super) struct Keeping {
    ask: Ask,
    /// MCF or RTP, once the page is stored.
    verdict: Fcf,
    /// The driver's answer, where it came while the sender could not hear.
    kept: Option<bool>,
    /// The sender was told to wait, or let to repeat its command; it speaks next.
    sender_speaks: bool,
    until: Time,
}

impl Keeping {
    pub(super) fn enter(cx: &mut Cx, ask: Ask, verdict: Fcf, decoded: Decoded) -> State {
        cx.common.link.rest();
        cx.common.timer = Some(cx.common.now + REPLY_WAIT);
        cx.common.out.push_back(Output::PageReceived(ReceivedPage {
            index: cx.common.received,
            page: decoded.page,
            quality: decoded.quality,
        }));
        State::Keeping(Self { ask, verdict, kept: None, sender_speaks: false, until: cx.common.now + T5 })
    }

    pub(super) fn on(self, cx: &mut Cx, happening: Happening) -> State {
        match happening {
            Happening::PageKept(kept) if self.sender_speaks => {
                State::Keeping(Self { kept: Some(kept), ..self })
            }
            Happening::PageKept(kept) => self.answer(cx, kept),
            Happening::Timer => self.wait(cx),
            Happening::Line(Event::Burst(burst)) => self.burst(cx, &burst),
            Happening::Line(Event::Timeout) if self.kept == Some(true) => {
                cx.finish(Outcome::NoResponse { phase: Phase::PostMessage })
            }
            Happening::Line(Event::Timeout) => cx.leave(Outcome::Local(LocalFailure::PageNotKept)),
            _ => State::Keeping(self),
        }
    }

    /// The sender speaks again while the driver is, or was, at it.
    fn burst(self, cx: &mut Cx, burst: &[Frame]) -> State {
        let Some(frame) = main_frame(burst) else {
            cx.common.listen_again();
            return State::Keeping(self);
        };
        match (frame.fcf, self.kept) {
            (Fcf::Dcn, _) => cx.finish(Outcome::Disconnected { phase: Phase::PostMessage }),
            (Fcf::Rr | Fcf::Crp, Some(kept)) => self.answer(cx, kept),
            (Fcf::Rr | Fcf::Crp, None) => self.wait(cx),
            (_, Some(kept)) if end_of_page(frame) == Some(self.ask) => self.answer(cx, kept),
            (_, None) if end_of_page(frame) == Some(self.ask) => self.wait(cx),
            _ => {
                cx.common.listen_again();
                State::Keeping(self)
            }
        }
    }

    fn wait(self, cx: &mut Cx) -> State {
        if cx.common.now >= self.until {
            return cx.leave(Outcome::Local(LocalFailure::PageNotKept));
        }
        match self.ask {
            Ask::Partial { .. } => {
                let rnr = Frame::new(Fcf::Rnr);
                cx.common.exchange(&[rnr], Command::ListenFrames, T2);
            }
            Ask::Page(_) => cx.common.play([Command::ListenFrames], T2),
        }
        State::Keeping(Self { sender_speaks: true, ..self })
    }

    fn answer(self, cx: &mut Cx, kept: bool) -> State {
        cx.common.timer = None;
        cx.answered(self.ask);
        if !kept {
            return self.refuse(cx);
        }
        cx.common.received += 1;
        cx.common.progress();
        cx.refusals = 0;
        let next = match (self.ask.then(), self.verdict) {
            (Fcf::Eop, _) => {
                cx.is_finished = true;
                Next::Command(Silence::Received)
            }
            (Fcf::Eom, _) => Next::Command(Silence::Identify),
            (_, Fcf::Rtp) => Next::Command(Silence::NoResponse),
            _ => Next::Image(cx.common.settings.map_or(Training::Long, |s| short_training(s.speed))),
        };
        cx.reply(Reply { frames: alloc::vec![Frame::new(self.verdict)], next })
    }

    /// The page is not stored, so it is not acknowledged. RTN says so clearly; ECM has no such reply.
    fn refuse(self, cx: &mut Cx) -> State {
        match self.ask {
            Ask::Partial { .. } => cx.leave(Outcome::Local(LocalFailure::PageNotKept)),
            Ask::Page(_) => cx.reply(Reply {
                frames: alloc::vec![Frame::new(Fcf::Rtn)],
                next: Next::Command(Silence::PageNotKept),
            }),
        }
    }
}
