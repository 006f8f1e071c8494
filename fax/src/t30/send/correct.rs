//! After the fourth partial page request a sender continues at a lower speed (CTC), or gives the page up (EOR)
//! (T.30 Annex A.4.1, A.4.2).

use super::super::common::{Happening, main_frame};
use super::super::frame::{Fcf, Frame, end_of_retransmission};
use super::super::link::Event;
use super::super::policy::GivenUp;
use super::super::timers::{T4, T5, TRIES_MAX};
use super::confirm::next_page;
use super::page::{self, Closure, last};
use super::{Coded, Cx, Imaging, Job, State};
use crate::carrier::Command;
use crate::session::{Outcome, Phase};
use crate::time::Time;

/// Octets of a DCS that CTC repeats: bits 1 to 16.
const CTC_OCTETS: usize = 2;

/// Speeds in a row at which nothing of a block came through, after which the page is given up: a far end that asks for
/// everything again and again would else be called for half an hour.
const SPEEDS_UNHEARD_MAX: u8 = 2;

/// CTC is out; CTR is awaited.
#[derive(Debug)]
pub(super) struct Continuing {
    job: Job,
    tries: u8,
}

impl Continuing {
    /// Continues at a lower speed, much lower where nothing came through; or the page is given up.
    pub(super) fn enter(cx: &mut Cx, mut job: Job, closure: Closure) -> State {
        cx.common.phase = Phase::Training;
        let is_unheard = matches!(&job.coded, Coded::Blocks(blocks) if blocks.is_unheard());
        job.speeds_unheard = if is_unheard { job.speeds_unheard.saturating_add(1) } else { 0 };
        let speed = match job.speeds_unheard {
            0 => cx.slower(job.settings.speed),
            1..SPEEDS_UNHEARD_MAX => {
                cx.common.lessons.speed_failed = true;
                cx.ladder.much_slower(job.settings.speed)
            }
            _ => None,
        };
        match speed {
            Some(speed) => {
                job.settings.speed = speed;
                Self { job, tries: 0 }.ask(cx)
            }
            None => Abandoning::enter(cx, job, closure),
        }
    }

    fn ask(self, cx: &mut Cx) -> State {
        let mut fif = self.job.settings.to_fif();
        fif.truncate(CTC_OCTETS);
        cx.common.exchange(&[Frame::with_fif(Fcf::Ctc, fif)], Command::ListenFrames, T4);
        State::Continuing(self)
    }

    pub(super) fn on(self, cx: &mut Cx, happening: Happening) -> State {
        match happening {
            Happening::Line(Event::Timeout) => self.again(cx),
            Happening::Line(Event::Burst(burst)) => match main_frame(&burst).map(|frame| frame.fcf) {
                Some(Fcf::Ctr) => self.go_on(cx),
                Some(Fcf::Crp) => self.again(cx),
                Some(Fcf::Dcn) => cx.finish(Outcome::Disconnected { phase: Phase::Training }),
                _ => {
                    cx.common.listen_again();
                    State::Continuing(self)
                }
            },
            _ => State::Continuing(self),
        }
    }

    fn again(self, cx: &mut Cx) -> State {
        let tries = self.tries + 1;
        if tries >= TRIES_MAX {
            return cx.leave(Outcome::NoResponse { phase: Phase::Training });
        }
        Self { tries, ..self }.ask(cx)
    }

    fn go_on(self, cx: &mut Cx) -> State {
        let mut job = self.job;
        job.train_long = true;
        if let Coded::Blocks(blocks) = &mut job.coded {
            blocks.requests = 0;
        }
        Imaging::send(cx, job)
    }
}

/// EOR is out: the page cannot be brought over. ERR is awaited.
#[derive(Debug)]
pub(super) struct Abandoning {
    job: Job,
    closure: Closure,
    tries: u8,
    /// The far end is not ready (RNR); until then it is asked again with RR.
    not_ready_until: Option<Time>,
}

impl Abandoning {
    /// By policy the call ends here, or goes on as the page would have been closed.
    fn enter(cx: &mut Cx, job: Job, closure: Closure) -> State {
        cx.common.phase = Phase::PostMessage;
        cx.common.lessons.ecm_failed = true;
        let rejected = Outcome::PageRejected { page: job.page };
        let closure = match (cx.config.policy.given_up, closure.then) {
            (GivenUp::EndCall, _) => last(rejected),
            (GivenUp::NextPage, Fcf::Null) => page::closure(cx, &job).unwrap_or(last(rejected)),
            (GivenUp::NextPage, _) => closure,
        };
        cx.common.given_up.get_or_insert(job.page);
        Self { job, closure, tries: 0, not_ready_until: None }.ask(cx)
    }

    fn ask(self, cx: &mut Cx) -> State {
        let command = match self.not_ready_until {
            Some(_) => Frame::new(Fcf::Rr),
            None => end_of_retransmission(self.closure.then),
        };
        cx.common.exchange(&[command], Command::ListenFrames, T4);
        State::Abandoning(self)
    }

    pub(super) fn on(self, cx: &mut Cx, happening: Happening) -> State {
        match happening {
            Happening::Line(Event::Timeout) => self.again(cx),
            Happening::Line(Event::Burst(burst)) => match main_frame(&burst).map(|frame| frame.fcf) {
                Some(Fcf::Err) => next_page(cx, self.job, self.closure, false),
                Some(Fcf::Crp) => self.again(cx),
                Some(Fcf::Rnr) => self.not_ready(cx),
                Some(Fcf::Dcn) => cx.finish(Outcome::PageRejected { page: self.job.page }),
                _ => {
                    cx.common.listen_again();
                    State::Abandoning(self)
                }
            },
            _ => State::Abandoning(self),
        }
    }

    fn again(self, cx: &mut Cx) -> State {
        let tries = self.tries + 1;
        if tries >= TRIES_MAX {
            return cx.leave(Outcome::PageRejected { page: self.job.page });
        }
        Self { tries, ..self }.ask(cx)
    }

    fn not_ready(self, cx: &mut Cx) -> State {
        let until = self.not_ready_until.unwrap_or(cx.common.now + T5);
        if cx.common.now >= until {
            return cx.leave(Outcome::PageRejected { page: self.job.page });
        }
        Self { tries: 0, not_ready_until: Some(until), ..self }.ask(cx)
    }
}
