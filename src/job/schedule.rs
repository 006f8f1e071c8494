//! When a job is tried again, and when it is given up: a pure decision by cause.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::job::Job;
use super::outcome::{Grade, Outcome};

/// How a job that failed for one cause is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Calls that may end for this cause before the job does.
    pub tries_max: u32,
    /// How long to wait before the next.
    pub delay: Duration,
}

/// The rules for all causes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Busy.
    pub busy: Rule,
    /// No answer.
    pub no_answer: Rule,
    /// Answered by no fax machine. A person may be at the other end: few tries.
    pub no_fax: Rule,
    /// A call came in on the line that was about to dial. Nothing was dialled, so it may be tried soon and often.
    pub line_taken: Rule,
    /// Anything that went wrong in the call.
    pub protocol: Rule,
    /// A fault of the gateway's own line: costs nothing, disturbs nobody.
    pub line_trouble: Rule,
    /// A job is given up when this much time has gone since it was accepted.
    pub expires_after: Duration,
    /// A job that is not done after this much time is reported as delayed, once.
    pub delay_report_after: Duration,
}

impl Default for Rules {
    fn default() -> Self {
        let rule = |tries_max, minutes: u64| Rule { tries_max, delay: Duration::from_secs(minutes * 60) };
        Self {
            busy: rule(10, 3),
            no_answer: rule(4, 10),
            no_fax: rule(2, 15),
            line_taken: Rule { tries_max: 500, delay: Duration::from_secs(10) },
            protocol: rule(5, 5),
            line_trouble: rule(100, 1),
            expires_after: Duration::from_secs(24 * 3600),
            delay_report_after: Duration::from_secs(2 * 3600),
        }
    }
}

/// What to do after a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Next {
    /// Dial again at this time.
    Retry(Timestamp),
    /// The job is at its end, with this outcome.
    End(Outcome),
}

/// Decides what follows `outcome`, the end of a call that is already counted in `job.tries`.
#[must_use]
pub fn next(job: &Job, outcome: &Outcome, rules: &Rules, now: Timestamp) -> Next {
    if outcome.grade() != Grade::Retry {
        return Next::End(outcome.clone());
    }
    let rule = rule_for(outcome, rules);
    let enough = job.options.tries_max.is_some_and(|max| job.tries.dialled() >= max);
    if enough || job.tries.of(outcome) >= rule.tries_max {
        return Next::End(outcome.clone());
    }
    let at = later(now, rule.delay);
    if at >= later(job.dialled_from(), rules.expires_after) {
        return Next::End(Outcome::Expired { last: Box::new(outcome.clone()) });
    }
    // Whoever has set a time hears at that time that it is over, and not before.
    Next::Retry(job.options.expires_at.map_or(at, |end| at.min(end.max(now))))
}

/// The time so much later; the end of all time where there is none so late.
pub(super) fn later(at: Timestamp, by: Duration) -> Timestamp {
    at.checked_add(by).unwrap_or(Timestamp::MAX)
}

/// How many calls failed, by cause.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tries {
    busy: u32,
    no_answer: u32,
    no_fax: u32,
    #[serde(default)]
    line_taken: u32,
    protocol: u32,
    line_trouble: u32,
}

impl Tries {
    /// Counts one call.
    pub fn count(&mut self, outcome: &Outcome) {
        let count = match outcome {
            Outcome::Busy => &mut self.busy,
            Outcome::NoAnswer => &mut self.no_answer,
            Outcome::NoFax | Outcome::NotReached | Outcome::DataModem => &mut self.no_fax,
            Outcome::LineTaken => &mut self.line_taken,
            Outcome::LineTrouble { .. } => &mut self.line_trouble,
            _ => &mut self.protocol,
        };
        *count = count.saturating_add(1);
    }

    /// The calls that went out and failed. Where our own line was taken or had a fault, nobody was disturbed.
    #[must_use]
    pub fn dialled(&self) -> u32 {
        [self.no_answer, self.no_fax, self.protocol].into_iter().fold(self.busy, u32::saturating_add)
    }

    /// The calls that ended for the same cause as `outcome`.
    #[must_use]
    pub fn of(&self, outcome: &Outcome) -> u32 {
        match outcome {
            Outcome::Busy => self.busy,
            Outcome::NoAnswer => self.no_answer,
            Outcome::NoFax | Outcome::NotReached | Outcome::DataModem => self.no_fax,
            Outcome::LineTaken => self.line_taken,
            Outcome::LineTrouble { .. } => self.line_trouble,
            _ => self.protocol,
        }
    }
}

fn rule_for(outcome: &Outcome, rules: &Rules) -> Rule {
    match outcome {
        Outcome::Busy => rules.busy,
        Outcome::NoAnswer => rules.no_answer,
        Outcome::NoFax | Outcome::NotReached | Outcome::DataModem => rules.no_fax,
        Outcome::LineTaken => rules.line_taken,
        Outcome::LineTrouble { .. } => rules.line_trouble,
        _ => rules.protocol,
    }
}
