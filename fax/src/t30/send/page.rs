//! Phase C of a sender: the image goes out, and what is to be said after it is made ready.
//!
//! Before the first end-of-page command of a page the driver has stored that the page is unconfirmed: should everything
//! stop after that command, nobody will take the page for unsent.

use super::super::common::Happening;
use super::super::ecm::Blocks;
use super::super::frame::Fcf;
use super::super::image;
use super::super::link::Event;
use super::super::negotiate::{agree, may_follow};
use super::super::timers::{IMAGE_GAP, MARK_WAIT, NEXT_PAGE_WAIT};
use super::{Coded, Confirming, Cx, Job, State};
use crate::carrier::{Command, Image, Modulation, Training};
use crate::session::{LocalFailure, Outcome, PageMark, Phase};
use crate::time::Duration;

/// The image is going out.
#[derive(Debug)]
pub(super) struct Imaging {
    job: Job,
}

impl Imaging {
    /// Codes the page for the settings and sends it, or its first block.
    pub(super) fn enter(cx: &mut Cx, mut job: Job) -> State {
        let Some(page) = cx.stock.get(job.page) else {
            return cx.leave(Outcome::Local(LocalFailure::PageMissing));
        };
        let data = image::encode(page, &job.settings);
        job.coded = match job.settings.ecm {
            Some(size) => Coded::Blocks(Blocks::new(data, size)),
            None => Coded::Bits(data),
        };
        if job.page + 1 < cx.config.pages {
            cx.stock.want(job.page + 1, &mut cx.common.out);
        }
        Self::send(cx, job)
    }

    /// Sends what is wanted of the coded page.
    pub(super) fn send(cx: &mut Cx, mut job: Job) -> State {
        let image = match &job.coded {
            Coded::Not => return Self::enter(cx, job),
            Coded::Bits(data) => Image::Bits(data.clone()),
            Coded::Blocks(blocks) => Image::Frames(blocks.burst()),
        };
        let speed = job.settings.speed;
        let is_short = speed.modulation() == Modulation::V17 && !core::mem::take(&mut job.train_long);
        let training = if is_short { Training::Short } else { Training::Long };
        cx.common.phase = Phase::Image;
        cx.common.settings = Some(job.settings);
        let send = Command::SendImage { speed, training, image };
        cx.common.play([Command::Silence(IMAGE_GAP), send], Duration::ZERO);
        State::Imaging(Self { job })
    }

    pub(super) fn on(self, cx: &mut Cx, happening: &Happening) -> State {
        match happening {
            Happening::Line(Event::Done) => Closing::enter(cx, self.job),
            _ => State::Imaging(self),
        }
    }
}

/// What to say after a page, and how the call is to end if that was the last that could be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Closure {
    /// MPS, EOM, EOP; or NULL between two blocks of a page.
    pub then: Fcf,
    /// The outcome after a confirmed EOP.
    pub outcome: Outcome,
}

/// The image is out; the next page or the driver's word on the mark is awaited.
#[derive(Debug)]
pub(super) struct Closing {
    job: Job,
    closure: Option<Closure>,
}

impl Closing {
    fn enter(cx: &mut Cx, job: Job) -> State {
        if let Coded::Blocks(blocks) = &job.coded
            && !blocks.is_last()
        {
            let closure = Closure { then: Fcf::Null, outcome: Outcome::Delivered };
            return Confirming::enter(cx, job, closure);
        }
        cx.common.timer = Some(cx.common.now + NEXT_PAGE_WAIT);
        Self { job, closure: None }.decide(cx)
    }

    pub(super) fn page(&self) -> u32 {
        self.job.page
    }

    /// Once it is clear what follows, the page is marked.
    fn decide(mut self, cx: &mut Cx) -> State {
        if self.closure.is_none() {
            self.closure = closure(cx, &self.job);
            if self.closure.is_some() {
                self.mark(cx);
            }
        }
        State::Closing(self)
    }

    fn mark(&self, cx: &mut Cx) {
        cx.common.timer = Some(cx.common.now + MARK_WAIT);
        cx.common.mark(self.job.page, PageMark::Unconfirmed);
    }

    pub(super) fn on(self, cx: &mut Cx, happening: Happening) -> State {
        match (happening, self.closure) {
            (Happening::Page, None) => self.decide(cx),
            (Happening::Timer, None) => {
                // The next page does not come in time: this one is closed as the last.
                self.mark(cx);
                let closure = Some(last(Outcome::Local(LocalFailure::PageMissing)));
                State::Closing(Self { closure, ..self })
            }
            (Happening::MarkKept(true), Some(closure)) => {
                cx.common.timer = None;
                Confirming::enter(cx, self.job, closure)
            }
            (Happening::MarkKept(false) | Happening::Timer, Some(_)) => {
                // The command was not sent, so the far end does not have the page.
                cx.common.mark(self.job.page, PageMark::NotSent);
                cx.leave(Outcome::Local(LocalFailure::MarkNotKept))
            }
            _ => State::Closing(self),
        }
    }
}

pub(super) fn last(outcome: Outcome) -> Closure {
    Closure { then: Fcf::Eop, outcome }
}

/// What follows the last page: the end, or EOM so that the far end can send what it has.
fn after_all(cx: &Cx, job: &Job) -> Closure {
    match &cx.config.then_poll {
        Some(_) if job.remote.has_document => Closure { then: Fcf::Eom, outcome: Outcome::Delivered },
        Some(_) => last(Outcome::NothingToPoll),
        None => last(Outcome::Delivered),
    }
}

/// What follows this page; `None` while the driver has not handed in the next one.
pub(super) fn closure(cx: &Cx, job: &Job) -> Option<Closure> {
    let next = job.page + 1;
    if next >= cx.config.pages {
        return Some(after_all(cx, job));
    }
    if cx.stock.is_missing(next) {
        return Some(last(Outcome::Local(LocalFailure::PageMissing)));
    }
    let page = cx.stock.get(next)?;
    Some(match agree(&cx.config.allowed, cx.config.frame_size, &job.remote, page) {
        Ok(settings) => Closure {
            then: if may_follow(&job.settings, &settings) { Fcf::Mps } else { Fcf::Eom },
            outcome: Outcome::Delivered,
        },
        Err(why) => last(Outcome::Incompatible(why)),
    })
}
