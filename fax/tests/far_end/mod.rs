//! Calls between our engine and spandsp's: over T.38 packets in memory, and over audio. All on a virtual clock.

mod audio;
mod case;
mod seat;
mod t38;

pub(crate) use audio::audio_call;
pub(crate) use case::{Case, Codes, PASSWORD, SEP, SUB, Twist, Way};
#[allow(unused_imports, reason = "each test file uses a part")]
pub(crate) use seat::{Closed, Seat};
pub(crate) use t38::{Net, pair_call, t38_call};

use fax_peers::spandsp_t30::{Address, Terms};
use fax_proto::page::Page;
use fax_proto::session::Report;
use fax_proto::time::{Duration, Time};

/// What came of a call.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// Ours.
    pub report: Report,
    /// The call as our end saw it.
    pub trace: String,
    /// spandsp's: 0 is well; `None` where its call was not over.
    pub theirs: Option<i32>,
    /// What spandsp holds to have been agreed on.
    pub terms: Terms,
    /// What spandsp heard beside our number.
    pub heard: Address,
    /// What the receiving end has.
    pub received: Vec<Page>,
    /// When both ends were done.
    pub ended: Time,
}

impl Outcome {
    /// What is wrong, unless both ends hold the call for good, on the terms and with the pages that were to be.
    pub(crate) fn fault(&self, case: &Case, sent: &[Page]) -> Option<String> {
        let ours = self.report.negotiated;
        let asked = (case.speed, case.ecm, case.coding);
        if ours.is_some_and(|o| (o.speed, o.ecm_frame_octets.is_some(), o.coding) != asked) {
            return Some(format!("other terms than asked for: {ours:?}"));
        }
        self.fault_whatever_terms(sent)
    }

    /// The same on a line that may make a station change the terms.
    pub(crate) fn fault_whatever_terms(&self, sent: &[Page]) -> Option<String> {
        self.fault_of_call(sent.len()).or_else(|| {
            let rows = |pages: &[Page]| pages.iter().map(Page::rows).collect::<Vec<_>>();
            let differ = || {
                format!("the pages differ: rows {:?} sent, {:?} received", rows(sent), rows(&self.received))
            };
            (self.received != sent).then(differ)
        })
    }

    /// What is wrong, whatever the pages look like.
    pub(crate) fn fault_of_call(&self, pages: usize) -> Option<String> {
        let said = self.report.outcome;
        if !said.is_success() {
            return Some(format!("we say: {said}"));
        }
        if self.theirs != Some(0) {
            return Some(format!("spandsp says: {:?}", self.theirs));
        }
        if self.report.pages_confirmed() != pages || self.received.len() != pages {
            return Some(format!("{} pages confirmed", self.report.pages_confirmed()));
        }
        let (ours, theirs) = (self.report.negotiated, self.terms);
        let terms = (theirs.bit_rate, theirs.ecm, theirs.coding);
        let differ =
            ours.is_none_or(|o| (o.speed.bit_rate(), o.ecm_frame_octets.is_some(), Some(o.coding)) != terms);
        differ.then(|| format!("terms differ: {ours:?}, spandsp {theirs:?}"))
    }
}

/// The head of the table of calls.
pub(crate) const TABLE_HEAD: &str =
    "way       medium  speed          ECM  coding  resolution  pages  virtual s  outcome";

/// A line of the table.
pub(crate) fn line(case: &Case, medium: &str, outcome: &Outcome, fault: Option<&String>) -> String {
    format!(
        "{:<9} {:<7} {:<14} {:<4} {:<7} {:<11} {:>5} {:>10.1}  {}",
        match case.way {
            Way::Send => "to them",
            Way::Receive => "from them",
            Way::Fetch => "we poll",
            Way::Serve => "they poll",
        },
        medium,
        case.speed.to_string(),
        if case.ecm { "yes" } else { "no" },
        case.coding.to_string(),
        case.resolution.to_string(),
        case.pages,
        seconds(outcome.ended),
        fault.map_or("exact", String::as_str),
    )
}

fn seconds(time: Time) -> f64 {
    time.since(Time::ZERO).as_secs_f64()
}

/// No call lasts longer.
pub(crate) const CALL_TIME_MAX: Duration = Duration::from_secs(2 * 3600);
/// How long the other end may still take once one is done.
pub(crate) const PARTING_MAX: Duration = Duration::from_secs(20);
