//! Phase D of a sender: the end-of-page command is out, and only the far end's word makes the page confirmed
//! (T.30 clause 5.3.6.1.6 and Annex A.4.3).

use super::super::common::{Happening, main_frame};
use super::super::frame::{Fcf, Frame, PartialPage};
use super::super::link::Event;
use super::super::negotiate::next_slower;
use super::super::timers::{PARTIAL_REQUESTS_MAX, T4, T5, TRIES_MAX};
use super::begin::{Calling, Training};
use super::correct::Continuing;
use super::page::Closure;
use super::{Coded, Cx, Imaging, Job, State};
use crate::carrier::Command;
use crate::session::{Outcome, PageMark, Phase};
use crate::time::Time;

/// MPS, EOM, EOP, PPS or RR is out, and its reply is awaited.
#[derive(Debug)]
pub(super) struct Confirming {
    job: Job,
    closure: Closure,
    tries: u8,
    /// The far end is not ready (RNR); until then it is asked again with RR.
    not_ready_until: Option<Time>,
}

impl Confirming {
    pub(super) fn enter(cx: &mut Cx, job: Job, closure: Closure) -> State {
        cx.common.phase = Phase::PostMessage;
        Self { job, closure, tries: 0, not_ready_until: None }.ask(cx)
    }

    fn ask(self, cx: &mut Cx) -> State {
        let command = match (&self.job.coded, self.not_ready_until) {
            (_, Some(_)) => Frame::new(Fcf::Rr),
            (Coded::Blocks(blocks), None) => PartialPage {
                then: self.closure.then,
                page: page_counter(self.job.page - cx.config.first_page),
                block: blocks.block(),
                frames: blocks.wanted_frames(),
            }
            .to_frame(),
            (_, None) => Frame::new(self.closure.then),
        };
        cx.common.exchange(&[command], Command::ListenFrames, T4);
        State::Confirming(self)
    }

    pub(super) fn on(self, cx: &mut Cx, happening: Happening) -> State {
        match happening {
            Happening::Line(Event::Timeout) => self.again(cx),
            Happening::Line(Event::Burst(burst)) => self.reply(cx, main_frame(&burst)),
            _ => State::Confirming(self),
        }
    }

    fn reply(self, cx: &mut Cx, frame: Option<&Frame>) -> State {
        let is_ecm = self.job.settings.ecm.is_some();
        match frame.map(|frame| frame.fcf) {
            Some(Fcf::Mcf) => self.confirmed(cx, false),
            Some(Fcf::Rtp | Fcf::Pip) => self.confirmed(cx, true),
            Some(Fcf::Rtn | Fcf::Pin) => self.rejected(cx),
            Some(Fcf::Ppr) if is_ecm => self.correct(cx, frame.map_or(&[], |frame| &frame.fif)),
            Some(Fcf::Rnr) if is_ecm => self.not_ready(cx),
            Some(Fcf::Crp) => self.again(cx),
            Some(Fcf::Dcn) => cx.finish(Outcome::Disconnected { phase: Phase::PostMessage }),
            _ => {
                cx.common.listen_again();
                State::Confirming(self)
            }
        }
    }

    fn again(self, cx: &mut Cx) -> State {
        let tries = self.tries + 1;
        if tries >= TRIES_MAX {
            return cx.leave(Outcome::NoResponse { phase: Phase::PostMessage });
        }
        Self { tries, ..self }.ask(cx)
    }

    fn not_ready(self, cx: &mut Cx) -> State {
        let until = self.not_ready_until.unwrap_or(cx.common.now + T5);
        if cx.common.now >= until {
            return cx.leave(Outcome::NotReady);
        }
        Self { tries: 0, not_ready_until: Some(until), ..self }.ask(cx)
    }

    /// The far end has what was sent: go on with the next block, or with the next page.
    fn confirmed(self, cx: &mut Cx, retrain: bool) -> State {
        let mut job = self.job;
        if self.closure.then == Fcf::Null {
            if let Coded::Blocks(blocks) = &mut job.coded {
                blocks.advance();
            }
            return Imaging::send(cx, job);
        }
        cx.common.mark(job.page, PageMark::Confirmed);
        cx.stock.drop_up_to(job.page);
        job.page += 1;
        job.rejections = 0;
        job.coded = Coded::Not;
        match self.closure.then {
            Fcf::Mps if retrain => Training::enter(cx, job, 0),
            Fcf::Mps => Imaging::enter(cx, job),
            Fcf::Eom => Calling::again(cx, job.page),
            _ => cx.leave(self.closure.outcome),
        }
    }

    /// The far end refuses the page: train again, one step slower, and send it again.
    fn rejected(self, cx: &mut Cx) -> State {
        let mut job = self.job;
        cx.common.mark(job.page, PageMark::NotSent);
        job.rejections += 1;
        if job.rejections >= TRIES_MAX {
            return cx.leave(Outcome::PageRejected { page: job.page });
        }
        if let Some(speed) = next_slower(job.speeds, job.settings.speed) {
            job.settings.speed = speed;
        }
        Training::enter(cx, job, 0)
    }

    /// Frames are missing, so the far end surely does not have the page yet. Every fourth time, something must change.
    fn correct(self, cx: &mut Cx, map: &[u8]) -> State {
        let mut job = self.job;
        cx.common.mark(job.page, PageMark::NotSent);
        let Coded::Blocks(blocks) = &mut job.coded else {
            return Imaging::send(cx, job);
        };
        blocks.request(map);
        if blocks.requests < PARTIAL_REQUESTS_MAX {
            return Imaging::send(cx, job);
        }
        Continuing::enter(cx, job)
    }
}

/// The page counter of PPS, modulo 256.
fn page_counter(page: u32) -> u8 {
    u8::try_from(page % 256).unwrap_or(0)
}
