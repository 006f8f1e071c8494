//! After the data: what follows the page, the mark that it is in doubt, the punctuation, and the far end's answer.
//!
//! In Class 2 the punctuation is a command (`+FET`) after the modem has taken the data. In Class 2.0 it ends the data, so the
//! page is in doubt from then on though it may still be going out; where the modem's word at the end of the call shows that
//! the image was not through, the doubt is taken back.

use super::super::dialect::{Follows, PageAnswer, Report as Line};
use super::super::hangup::Code;
use super::super::leave::From;
use super::super::wire::Wire;
use super::super::{Event, Exit};
use super::{Reply, Sending, Step, exit};
use crate::session::{LocalFailure, Outcome, PageCoding, PageMark, Phase};
use crate::t30::negotiate::{agree, may_follow};
use crate::t30::policy::GivenUp;
use crate::time::Duration;

/// After the data the next page must be there this soon; it was asked for when they began.
const NEXT_PAGE_WAIT: Duration = Duration::from_millis(1000);
/// A mark must be stored this soon: the far end waits for T2.
const MARK_WAIT: Duration = Duration::from_millis(3500);
/// The command three times, and a far end that is not ready for T5.
const ANSWER_MAX: Duration = Duration::from_secs(120);

/// What to say after a page, and how the call is to end if that was the last that could be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Closure {
    follows: Follows,
    outcome: Outcome,
}

impl Closure {
    fn last(outcome: Outcome) -> Self {
        Self { follows: Follows::Nothing, outcome }
    }
}

impl Sending {
    /// The data are written (Class 2.0), or out (Class 2).
    pub(super) fn close(&mut self, wire: &mut Wire) {
        self.step = Step::Closing;
        self.closure = None;
        // Class 2.0: the data are still on their way.
        let leaving = if wire.dialect.is_draft() { Duration::ZERO } else { self.data_time };
        wire.wait(NEXT_PAGE_WAIT + leaving);
        self.decide(wire);
    }

    /// Once it is clear what follows, the page is marked.
    fn decide(&mut self, wire: &mut Wire) {
        if self.closure.is_none() {
            self.closure = self.closure();
            if self.closure.is_some() {
                self.mark(wire);
            }
        }
    }

    fn mark(&self, wire: &mut Wire) {
        wire.wait(MARK_WAIT);
        wire.mark(self.page, PageMark::Unconfirmed);
    }

    /// What follows this page; `None` while the driver has not handed in the next one.
    fn closure(&self) -> Option<Closure> {
        let next = self.page + 1;
        if next >= self.config.pages {
            // Polling is not done here, and that is said.
            let polls = self.config.then_poll.is_some();
            return Some(Closure::last(if polls { Outcome::NothingToPoll } else { Outcome::Delivered }));
        }
        if self.missing == Some(next) {
            return Some(Closure::last(Outcome::Local(LocalFailure::PageMissing)));
        }
        let page = self.get(next)?;
        Some(match agree(&self.config.allowed, self.config.frame_size, &self.remote, page) {
            Ok(settings) => {
                let same = self.told.is_some_and(|told| may_follow(&told, &settings));
                let follows = if same { Follows::Page } else { Follows::Document };
                Closure { follows, outcome: Outcome::Delivered }
            }
            Err(why) => Closure::last(Outcome::Incompatible(why)),
        })
    }

    pub(super) fn closing(&mut self, wire: &mut Wire, event: Event) -> Option<Exit> {
        match (self.step, event, self.closure) {
            (Step::Answer, Event::Line(line), Some(closure)) => self.answer_line(wire, &line, closure),
            // A result code is missing behind what the modem has said.
            (Step::Answer, Event::Timer, Some(closure)) if self.answer.is_some() || wire.over.is_some() => {
                self.answered(wire, &Reply::Ok, closure)
            }
            (Step::Answer, Event::Timer, _) => {
                exit(Outcome::NoResponse { phase: Phase::PostMessage }, From::Busy)
            }
            (Step::Closing, Event::Page, None) => {
                self.decide(wire);
                None
            }
            (Step::Closing, Event::Timer, _) if wire.over.is_some() => Some(self.over(wire)),
            (Step::Closing, Event::Timer, None) => {
                // The next page does not come in time: this one is closed as the last.
                self.closure = Some(Closure::last(Outcome::Local(LocalFailure::PageMissing)));
                self.mark(wire);
                None
            }
            (Step::Closing, Event::MarkKept(true), Some(closure)) => {
                self.punctuate(wire, closure);
                None
            }
            (Step::Closing, Event::MarkKept(false) | Event::Timer, Some(_)) => {
                let from = self.stop(wire);
                exit(Outcome::Local(LocalFailure::MarkNotKept), from)
            }
            // Class 2.0: the modem gives up in the middle of the data.
            (Step::Closing, Event::Line(Line::Other(Reply::Error)), _) => {
                self.unsay_mark(wire);
                exit(Outcome::Local(LocalFailure::Line), From::Command)
            }
            _ => None,
        }
    }

    /// Where the page is marked and its punctuation has not gone out, or the modem says that the image was not through, the
    /// far end does not have it.
    pub(super) fn unsay_mark(&mut self, wire: &mut Wire) {
        let is_cut_off = wire.over.is_some_and(Code::is_before_end_of_page);
        if self.step == Step::Closing || (self.step == Step::Answer && is_cut_off) {
            wire.mark(self.page, PageMark::NotSent);
        }
    }

    /// From here on the modem may send the end-of-page command.
    fn punctuate(&mut self, wire: &mut Wire, closure: Closure) {
        self.step = Step::Answer;
        self.answer = None;
        wire.phase = Phase::PostMessage;
        if wire.dialect.is_draft() {
            let command = alloc::format!("AT+FET={}", closure.follows.number());
            wire.say(&command, ANSWER_MAX);
        } else {
            let end = wire.dialect.page_end(closure.follows).to_vec();
            wire.write(end);
            wire.wait(ANSWER_MAX + self.data_max());
        }
    }

    fn answer_line(&mut self, wire: &mut Wire, line: &Line, closure: Closure) -> Option<Exit> {
        match line {
            Line::Page(answer) => {
                self.answer = Some(*answer);
                None
            }
            Line::Other(reply) if reply.is_final() => self.answered(wire, reply, closure),
            _ => None,
        }
    }

    fn answered(&mut self, wire: &mut Wire, result: &Reply, closure: Closure) -> Option<Exit> {
        wire.flow_while_sending(false);
        match self.answer.or_else(|| self.answer_by_result(wire, result, closure)) {
            Some(answer) if answer.is_positive() => self.confirmed(wire, closure),
            Some(_) => self.rejected(wire, closure),
            None => Some(self.without_answer(wire)),
        }
    }

    /// Class 2.0 answers by the result code: OK for MCF, RTP and PIP, ERROR for RTN and PIN; and the last page, by the normal
    /// end of the call. Class 2 has no answer but `+FPTS`: some modems of it end a call "normally" after RTN.
    fn answer_by_result(&self, wire: &Wire, reply: &Reply, closure: Closure) -> Option<PageAnswer> {
        match (wire.dialect.is_draft(), wire.over, reply) {
            (true, ..) => None,
            (false, None, Reply::Ok) => Some(PageAnswer::Mcf),
            (false, None, Reply::Error) => Some(PageAnswer::Rtn),
            (false, Some(Code::NORMAL), Reply::Ok) if closure.follows == Follows::Nothing => {
                Some(PageAnswer::Mcf)
            }
            _ => None,
        }
    }

    fn without_answer(&mut self, wire: &mut Wire) -> Exit {
        self.unsay_mark(wire);
        let outcome = match wire.over {
            Some(code) => code.outcome(true, wire.phase),
            None => Outcome::HungUp { phase: Phase::PostMessage },
        };
        Exit { outcome, from: From::Over }
    }

    fn confirmed(&mut self, wire: &mut Wire, closure: Closure) -> Option<Exit> {
        wire.mark(self.page, PageMark::Confirmed);
        if let Some(settings) = wire.settings {
            wire.memory.worked = Some((settings.speed, wire.wall_time));
        }
        self.next_page(wire, closure)
    }

    /// Goes on after a page that is done with, confirmed or not.
    fn next_page(&mut self, wire: &mut Wire, closure: Closure) -> Option<Exit> {
        let page = self.page;
        self.pages.retain(|(index, _)| *index > page);
        self.page += 1;
        self.rejections = 0;
        let from = if wire.over.is_some() { From::Over } else { From::Command };
        if closure.follows == Follows::Nothing {
            return exit(closure.outcome, from);
        }
        if wire.over.is_some() {
            return Some(self.over(wire));
        }
        if closure.follows == Follows::Document {
            wire.phase = Phase::Negotiation;
        }
        self.prepare(wire)
    }

    /// The far end refuses the page: it is sent again, slower or coded otherwise, or given up.
    fn rejected(&mut self, wire: &mut Wire, closure: Closure) -> Option<Exit> {
        self.rejections = self.rejections.saturating_add(1);
        let is_last_try = self.rejections >= self.config.policy.sends_max;
        if is_last_try && self.config.policy.given_up == GivenUp::NextPage && wire.over.is_none() {
            wire.given_up.get_or_insert(self.page);
            return self.next_page(wire, closure);
        }
        wire.mark(self.page, PageMark::NotSent);
        if wire.over.is_some() {
            return exit(Outcome::PageRejected { page: self.page }, From::Over);
        }
        if is_last_try {
            return exit(Outcome::PageRejected { page: self.page }, From::Command);
        }
        self.step_down(wire);
        self.prepare(wire)
    }

    /// The page goes otherwise the next time: without T.6 where it came over without a fault, or slower.
    fn step_down(&mut self, wire: &mut Wire) {
        let Some(settings) = wire.settings else { return };
        if settings.ecm.is_some() && settings.coding == PageCoding::Mmr {
            self.config.allowed.mmr = false;
            return;
        }
        let slower = self.config.allowed.speeds.up_to(settings.speed.bit_rate().saturating_sub(1));
        if slower.iter().next().is_some() {
            self.config.allowed.speeds = slower;
        }
    }
}
