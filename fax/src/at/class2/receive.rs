//! The half of a session that receives: answering, `+FDR`, data, and the word on each page.
//!
//! `+FDR` lets the modem acknowledge the page before (MCF, RTP, RTN, as `+FPTS` or `+FPS` says), so it is given after the
//! driver has kept that page.

use super::super::reader::DataEnd;
use super::super::reply::Reply;
use super::dialect::{Follows, PageAnswer, Report as Line};
use super::leave::From;
use super::wire::Wire;
use super::{Event, Exit};
use crate::at::profile::BitOrder as Order;
use crate::session::{LocalFailure, Outcome, Phase, Quality, ReceivedPage, Refusal, Remote};
use crate::t4::{self, BitOrder, DecodeOptions, Decoded, End};
use crate::t30::capability::Capability;
use crate::t30::policy::Verdict;
use crate::t30::settings::Settings;
use crate::t30::{Output as Tell, ReceiverConfig};
use crate::time::Duration;
use alloc::string::String;
use alloc::vec::Vec;

/// CED, our DIS for T1, training at several speeds.
const ANSWER_MAX: Duration = Duration::from_secs(120);
/// From `+FDR` to the first data: our word on the page before, training at several speeds.
const PAGE_MAX: Duration = Duration::from_secs(120);
/// Data must come at least this often. With ECM a block may be sent several times before any comes.
const DATA_STALL_MAX: Duration = Duration::from_secs(120);
/// What the page was is said at once, but the far end's command comes after T2 at the latest.
const PAGE_END_MAX: Duration = Duration::from_secs(40);
/// How long the driver may take to keep a page: the modem says "not ready" for T5 at most.
const KEEP_WAIT: Duration = Duration::from_secs(60);
/// A result code follows the end of a call at once.
const RESULT_WAIT: Duration = Duration::from_secs(3);
/// How often `+FDR` may be answered by OK and nothing else.
const IDLE_ANSWERS_MAX: u8 = 3;

/// Where a receiver is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Answering,
    /// `+FDR` was given.
    Page,
    /// Data come.
    Data,
    /// What the page was, and what follows, is being said.
    PageEnd,
    /// The driver has the page.
    Keeping,
    /// The modem is told what to answer.
    Status,
}

/// A receiver.
#[derive(Debug)]
pub(super) struct Receiving {
    config: ReceiverConfig,
    step: Step,
    data: Vec<u8>,
    /// What follows the page in hand.
    follows: Option<Follows>,
    /// What the modem would answer to it.
    proposed: Option<PageAnswer>,
    /// What it is to be answered.
    verdict: PageAnswer,
    /// Copies of the page that were refused in a row.
    refusals: u8,
    /// EOP was acknowledged: all is well, whatever comes.
    is_finished: bool,
    /// What the driver was told last of the far end.
    told: Option<Remote>,
    idle_answers: u8,
}

impl Receiving {
    pub(super) fn new(config: ReceiverConfig) -> Self {
        Self {
            config,
            step: Step::Answering,
            data: Vec::new(),
            follows: None,
            proposed: None,
            verdict: PageAnswer::Mcf,
            refusals: 0,
            is_finished: false,
            told: None,
            idle_answers: 0,
        }
    }

    pub(super) fn is_in_data(&self) -> bool {
        self.step == Step::Data
    }

    /// The commands of this call that go before answering.
    pub(super) fn setup(&self, wire: &Wire) -> Vec<String> {
        let offered = Capability {
            speeds: self.config.capability.speeds.and(wire.profile.speeds_receive),
            ecm: self.config.capability.ecm && wire.profile.ecm,
            jbig: false,
            ..self.config.capability
        };
        let own = [String::from("AT+FCR=1"), wire.dialect.local_id(&self.config.local_id)];
        own.into_iter().chain(wire.dialect.capabilities(&offered)).collect()
    }

    pub(super) fn answer(&mut self, wire: &mut Wire) {
        let answer = wire.profile.answer.clone();
        wire.connected(self.config.call_time_max);
        wire.is_connected = false;
        wire.say(&answer, ANSWER_MAX);
    }

    pub(super) fn on(&mut self, wire: &mut Wire, event: Event) -> Option<Exit> {
        if let Event::Line(line) = &event {
            match line {
                Line::Over(_) => {
                    wire.wait(RESULT_WAIT);
                    return None;
                }
                Line::Other(reply) if reply.is_final() && wire.over.is_some() => {
                    return Some(self.over(wire));
                }
                Line::Other(Reply::NoCarrier) => return Some(self.over(wire)),
                _ => {}
            }
        }
        match (self.step, event) {
            (_, Event::Timer) => Some(self.late(wire)),
            (Step::Answering, Event::Line(line)) => self.answering(wire, &line),
            (Step::Page, Event::Line(line)) => self.page_line(wire, &line),
            (Step::Data, Event::Data) => self.take(wire),
            (Step::PageEnd, Event::Line(line)) => self.page_end(wire, &line),
            (Step::Keeping, Event::PageKept(true)) => {
                wire.received += 1;
                self.refusals = 0;
                self.is_finished = self.follows == Some(Follows::Nothing);
                self.acknowledge(wire)
            }
            (Step::Keeping, Event::PageKept(false)) => {
                Some(Exit { outcome: Outcome::Local(LocalFailure::PageNotKept), from: From::Command })
            }
            (Step::Status, Event::Line(Line::Other(reply))) if reply.is_final() => self.ask(wire),
            _ => None,
        }
    }

    /// The call is over, by the modem's word.
    fn over(&self, wire: &Wire) -> Exit {
        let outcome = match wire.over {
            _ if self.is_finished => Outcome::Received,
            Some(code) => code.outcome(false, wire.phase),
            None if wire.is_connected => Outcome::HungUp { phase: wire.phase },
            None => Outcome::NoCommand,
        };
        Exit { outcome, from: From::Over }
    }

    fn late(&self, wire: &Wire) -> Exit {
        if wire.over.is_some() {
            return self.over(wire);
        }
        let (outcome, from) = match self.step {
            _ if self.is_finished && self.step == Step::Page => (Outcome::Received, From::Busy),
            Step::Answering => (Outcome::NoCommand, From::Busy),
            Step::Page => (Outcome::NoResponse { phase: wire.phase }, From::Busy),
            Step::Data => (Outcome::NoResponse { phase: Phase::Image }, From::Receiving),
            Step::PageEnd => (Outcome::NoResponse { phase: Phase::PostMessage }, From::Busy),
            Step::Keeping => (Outcome::Local(LocalFailure::PageNotKept), From::Command),
            Step::Status => (Outcome::Local(LocalFailure::Line), From::Command),
        };
        Exit { outcome, from }
    }

    fn answering(&mut self, wire: &mut Wire, line: &Line) -> Option<Exit> {
        match line {
            Line::Connected | Line::Settings(_) => wire.is_connected = true,
            Line::Other(Reply::Ok) if wire.is_connected => return self.begin(wire),
            Line::Other(reply @ (Reply::Data | Reply::Connect | Reply::ConnectData | Reply::Voice)) => {
                let from = if reply.is_final() { From::Over } else { From::Busy };
                return Some(Exit { outcome: Outcome::NoCommand, from });
            }
            Line::Other(Reply::Ok) => return Some(Exit { outcome: Outcome::NoCommand, from: From::Command }),
            Line::Other(reply) if reply.is_final() => {
                return Some(Exit { outcome: Outcome::Local(LocalFailure::Line), from: From::Command });
            }
            _ => {}
        }
        None
    }

    /// The far end is there, and has said who it is.
    fn begin(&mut self, wire: &mut Wire) -> Option<Exit> {
        wire.phase = Phase::Training;
        let given = wire.remote.password.as_deref();
        if self.config.password.as_ref().is_some_and(|demanded| given != Some(demanded.as_str())) {
            return Some(Exit { outcome: Outcome::Refused(Refusal::Password), from: From::Command });
        }
        self.identified(wire);
        self.ask(wire)
    }

    fn identified(&mut self, wire: &mut Wire) {
        if self.told.as_ref() != Some(&wire.remote) {
            self.told = Some(wire.remote.clone());
            wire.tell(Tell::Identified(wire.remote.clone()));
        }
    }

    /// Asks for a page, and lets the modem acknowledge the one before.
    fn ask(&mut self, wire: &mut Wire) -> Option<Exit> {
        if wire.received >= self.config.pages_max && !self.is_finished {
            return Some(Exit { outcome: Outcome::TooLarge, from: From::Command });
        }
        self.step = Step::Page;
        self.data = Vec::new();
        (self.follows, self.proposed) = (None, None);
        wire.say("AT+FDR", PAGE_MAX);
        None
    }

    fn page_line(&mut self, wire: &mut Wire, line: &Line) -> Option<Exit> {
        match line {
            Line::Other(Reply::Connect | Reply::ConnectData) => {
                self.identified(wire);
                wire.phase = Phase::Image;
                self.is_finished = false;
                self.idle_answers = 0;
                self.step = Step::Data;
                wire.write([wire.profile.receive_start].to_vec());
                wire.wait(DATA_STALL_MAX);
            }
            // Some modems say so between two documents.
            Line::Other(Reply::Ok) if !self.is_finished && self.idle_answers < IDLE_ANSWERS_MAX => {
                self.idle_answers += 1;
                return self.ask(wire);
            }
            Line::Other(reply) if reply.is_final() => {
                let outcome =
                    if self.is_finished { Outcome::Received } else { Outcome::Local(LocalFailure::Line) };
                return Some(Exit { outcome, from: From::Command });
            }
            _ => {}
        }
        None
    }

    fn take(&mut self, wire: &mut Wire) -> Option<Exit> {
        const LOST: &[u8] = b"\r\nNO CARRIER\r\n";
        let before = self.data.len();
        let end = loop {
            match wire.reader.data(&mut self.data) {
                DataEnd::Other(_) => {}
                end => break end,
            }
        };
        if self.data.len() > before {
            wire.wait(DATA_STALL_MAX);
        }
        if end == DataEnd::Etx {
            self.step = Step::PageEnd;
            wire.phase = Phase::PostMessage;
            wire.wait(PAGE_END_MAX);
        } else if self.data.ends_with(LOST) {
            return Some(Exit { outcome: Outcome::HungUp { phase: Phase::Image }, from: From::Over });
        }
        (self.data.len() > self.config.page_bytes_max).then_some(Exit {
            outcome: Outcome::TooLarge,
            from: if end == DataEnd::Etx { From::Busy } else { From::Receiving },
        })
    }

    fn page_end(&mut self, wire: &mut Wire, line: &Line) -> Option<Exit> {
        match line {
            Line::Page(answer) => self.proposed = Some(*answer),
            Line::Follows(follows) => self.follows = Some(*follows),
            // ERROR stands for a page that the modem holds for bad.
            Line::Other(Reply::Ok | Reply::Error) => return self.judge(wire),
            Line::Other(reply) if reply.is_final() => return Some(self.over(wire)),
            _ => {}
        }
        None
    }

    /// The page is whole: it is decoded and judged, and goes to the driver or back to the sender.
    fn judge(&mut self, wire: &mut Wire) -> Option<Exit> {
        let line = Exit { outcome: Outcome::Local(LocalFailure::Line), from: From::Command };
        let Some(settings) = wire.settings else { return Some(line) };
        let Some(decoded) = decode(&self.data, &settings, wire.profile.bit_order_receive) else {
            return Some(line);
        };
        self.data = Vec::new();
        if decoded.end == End::RowsMax {
            return Some(Exit { outcome: Outcome::TooLarge, from: From::Command });
        }
        let quality = Quality {
            rows_good: decoded.good_rows,
            rows_bad: decoded.bad_rows + u32::from(matches!(decoded.end, End::Damage(_))),
            bad_run_rows_max: decoded.bad_run_rows,
        };
        self.verdict = match self.config.copy.judge(quality, settings.resolution, self.refusals) {
            Verdict::Good => PageAnswer::Mcf,
            Verdict::Readable => PageAnswer::Rtp,
            Verdict::Bad => PageAnswer::Rtn,
        };
        if self.verdict == PageAnswer::Rtn {
            self.refusals = self.refusals.saturating_add(1);
            return self.acknowledge(wire);
        }
        let Some(page) = decoded.into_page(settings.resolution) else { return Some(line) };
        self.step = Step::Keeping;
        wire.wait(KEEP_WAIT);
        wire.tell(Tell::PageReceived(ReceivedPage { index: wire.received, page, quality }));
        None
    }

    /// Tells the modem what to answer, where it would answer something else, and goes on.
    fn acknowledge(&mut self, wire: &mut Wire) -> Option<Exit> {
        if self.proposed == Some(self.verdict) {
            return self.ask(wire);
        }
        self.step = Step::Status;
        wire.say(&wire.dialect.page_answer(self.verdict), wire.profile.command_wait);
        None
    }

    /// The call is to be ended now.
    pub(super) fn stop(&self) -> From {
        match self.step {
            Step::Data => From::Receiving,
            Step::Keeping => From::Command,
            Step::Answering | Step::Page | Step::PageEnd | Step::Status => From::Busy,
        }
    }
}

/// A page as the modem gives it; `None` for a coding that was not offered.
fn decode(data: &[u8], settings: &Settings, order: Order) -> Option<Decoded> {
    let line = DecodeOptions::line(settings.coding.t4()?, settings.row_pixels());
    let bit_order = match order {
        Order::LeastFirst => BitOrder::LsbFirst,
        Order::MostFirst => BitOrder::MsbFirst,
    };
    Some(t4::decode(data, &DecodeOptions { bit_order, ..line }))
}
