//! Phase D of a sender: the end-of-page command is out, and only the far end's word makes the page confirmed
//! (T.30 clause 5.3.6.1.6 and Annex A.4.3).

use super::super::common::{Happening, main_frame};
use super::super::frame::{Fcf, Frame, PartialPage};
use super::super::link::Event;
use super::super::negotiate::agree;
use super::super::policy::GivenUp;
use super::super::settings::Settings;
use super::super::timers::{PARTIAL_REQUESTS_MAX, T4, T5, TRIES_MAX};
use super::begin::{Calling, Training};
use super::correct::Continuing;
use super::page::Closure;
use super::{Coded, Cx, Imaging, Job, State};
use crate::carrier::Command;
use crate::session::{Outcome, PageCoding, PageMark, Phase};
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
        cx.common.progress();
        job.speeds_unheard = 0;
        if self.closure.then == Fcf::Null {
            if let Coded::Blocks(blocks) = &mut job.coded {
                blocks.advance();
            }
            return Imaging::send(cx, job);
        }
        cx.common.mark(job.page, PageMark::Confirmed);
        cx.common.lessons.worked = Some(job.settings.speed);
        cx.common.lessons.v17_failed |= cx.ladder.left_v17();
        if retrain || job.rejections > 0 || job.coded.was_corrected() {
            cx.ladder.page_was_poor();
        } else {
            cx.ladder.page_was_clean();
        }
        next_page(cx, job, self.closure, retrain)
    }

    /// The far end refuses the page: it is sent again after a new training, or given up.
    fn rejected(self, cx: &mut Cx) -> State {
        let mut job = self.job;
        job.rejections = job.rejections.saturating_add(1);
        if job.rejections >= cx.config.policy.sends_max {
            return give_up(cx, job, self.closure);
        }
        cx.common.mark(job.page, PageMark::NotSent);
        if job.settings.ecm.is_some() && matches!(job.settings.coding, PageCoding::Mmr | PageCoding::Jbig) {
            // It came over without a fault, so the line is not to blame.
            leave_coding(cx, &mut job);
        } else if let Some(speed) = cx.slower(job.settings.speed) {
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
        let before = blocks.wanted_frames();
        blocks.request(map);
        if blocks.wanted_frames() < before {
            cx.common.progress();
        }
        if blocks.requests < PARTIAL_REQUESTS_MAX {
            return Imaging::send(cx, job);
        }
        Continuing::enter(cx, job, self.closure)
    }
}

/// Goes on after a page that is done with, confirmed or not, as its end-of-page command has said.
pub(super) fn next_page(cx: &mut Cx, mut job: Job, closure: Closure, retrain: bool) -> State {
    cx.stock.drop_up_to(job.page);
    job.page += 1;
    job.rejections = 0;
    job.coded = Coded::Not;
    match closure.then {
        Fcf::Mps if retrain => Training::enter(cx, job, 0),
        Fcf::Mps => Imaging::enter(cx, job),
        Fcf::Eom => Calling::again(cx, job.page, job.remote),
        _ => {
            let outcome = cx.common.given_up.map_or(closure.outcome, |page| Outcome::PageRejected { page });
            cx.leave(outcome)
        }
    }
}

/// The page was refused for the last time. It stays in doubt where the call goes on: some machines refuse what they print.
fn give_up(cx: &mut Cx, job: Job, closure: Closure) -> State {
    match cx.config.policy.given_up {
        GivenUp::EndCall => {
            cx.common.mark(job.page, PageMark::NotSent);
            cx.leave(Outcome::PageRejected { page: job.page })
        }
        GivenUp::NextPage => {
            cx.common.given_up.get_or_insert(job.page);
            next_page(cx, job, closure, true)
        }
    }
}

/// Codes the page anew, and the rest of the call, without the coding that the far end cannot read.
fn leave_coding(cx: &mut Cx, job: &mut Job) {
    if job.settings.coding == PageCoding::Mmr {
        cx.common.lessons.mmr_failed = true;
        cx.config.allowed.mmr = false;
    }
    cx.config.allowed.jbig = false;
    let agreed =
        cx.stock.get(job.page).map(|page| agree(&cx.config.allowed, cx.config.frame_size, &job.remote, page));
    if let Some(Ok(settings)) = agreed {
        job.settings = Settings { speed: job.settings.speed, ..settings };
    }
}

/// The page counter of PPS, modulo 256.
fn page_counter(page: u32) -> u8 {
    u8::try_from(page % 256).unwrap_or(0)
}
