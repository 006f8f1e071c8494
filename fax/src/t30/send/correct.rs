//! After the fourth partial page request a sender continues at a lower speed (CTC), or gives the page up (EOR)
//! (T.30 Annex A.4.1, A.4.2).

use super::super::common::{Happening, main_frame};
use super::super::frame::{Fcf, Frame, end_of_retransmission};
use super::super::link::Event;
use super::super::negotiate::next_slower;
use super::super::timers::{T4, TRIES_MAX};
use super::{Coded, Cx, Imaging, Job, State};
use crate::carrier::Command;
use crate::session::{Outcome, Phase};

/// Octets of a DCS that CTC repeats: bits 1 to 16.
const CTC_OCTETS: usize = 2;

/// CTC is out; CTR is awaited.
#[derive(Debug)]
pub(super) struct Continuing {
    job: Job,
    tries: u8,
}

impl Continuing {
    /// Continues one step slower; at the lowest speed the page is given up.
    pub(super) fn enter(cx: &mut Cx, mut job: Job) -> State {
        cx.common.phase = Phase::Training;
        match next_slower(job.speeds, job.settings.speed) {
            Some(speed) => {
                job.settings.speed = speed;
                Self { job, tries: 0 }.ask(cx)
            }
            None => Abandoning { page: job.page, tries: 0 }.ask(cx),
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

/// EOR-EOP is out: the page cannot be brought over. Whatever comes back, the call ends.
#[derive(Debug)]
pub(super) struct Abandoning {
    page: u32,
    tries: u8,
}

impl Abandoning {
    fn ask(self, cx: &mut Cx) -> State {
        cx.common.exchange(&[end_of_retransmission(Fcf::Eop)], Command::ListenFrames, T4);
        State::Abandoning(self)
    }

    pub(super) fn on(self, cx: &mut Cx, happening: Happening) -> State {
        let outcome = Outcome::PageRejected { page: self.page };
        match happening {
            Happening::Line(Event::Timeout) if self.tries + 1 < TRIES_MAX => {
                Self { tries: self.tries + 1, ..self }.ask(cx)
            }
            Happening::Line(Event::Timeout) => cx.leave(outcome),
            Happening::Line(Event::Burst(burst)) => match main_frame(&burst).map(|frame| frame.fcf) {
                Some(Fcf::Err) => cx.leave(outcome),
                Some(Fcf::Dcn) => cx.finish(outcome),
                _ => {
                    cx.common.listen_again();
                    State::Abandoning(self)
                }
            },
            _ => State::Abandoning(self),
        }
    }
}
