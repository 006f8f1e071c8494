//! A job: one message to one recipient, from acceptance to its one final report.
//!
//! ```text
//!   Waiting ──claim──► Calling ──attempt failed, may be tried again──► Waiting
//!                         │
//!                         └──delivered, refused for good, or in doubt──► Done
//! ```
//!
//! A job changes only by the functions here, each of which takes the job as it stands and gives the job as
//! it shall stand; `store::Store::update` writes it if nobody else did meanwhile ([`Job::version`]).

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::id::{JobId, SubmissionId};
use super::outcome::{Grade, Outcome};
use super::recipient::{Door, Options, Recipient, Ret, Sender, Submission};
use super::schedule::{self, Next, Rules, Tries};

/// One message to one recipient.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// Its name.
    pub id: JobId,
    /// The submission that it is part of; the message is kept under this name.
    pub submission: SubmissionId,
    /// Counts the writes; a write that names an older one is refused.
    pub version: u64,
    /// When the gateway answered for it.
    pub received: Timestamp,
    /// The way it came.
    pub door: Door,
    /// Who sent it.
    pub sender: Sender,
    /// To whom it goes.
    pub recipient: Recipient,
    /// What was asked for.
    pub options: Options,
    /// What the reports shall give back.
    pub ret: Option<Ret>,
    /// The sender's name for the transaction.
    pub envid: Option<String>,
    /// Where it stands.
    pub state: State,
    /// Which pages arrived.
    pub progress: Progress,
    /// Pages that were in doubt and so were sent again: the other machine may have them twice.
    pub sent_again: Vec<u32>,
    /// The latest calls, the oldest first, at most [`Job::ATTEMPTS_KEPT`]; a record stays small.
    pub attempts: Vec<Attempt>,
    /// How many calls were made.
    pub calls: u32,
    /// How many of them failed, by cause.
    pub tries: Tries,
    /// Whether a delay report went out.
    pub delay_reported: bool,
}

/// Where a job stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "kebab-case")]
pub enum State {
    /// To be dialled at this time or after.
    Waiting {
        /// When.
        until: Timestamp,
    },
    /// A gateway has it in its hands.
    Calling {
        /// Which gateway process.
        owner: String,
        /// When the others may take it for abandoned.
        lease_until: Timestamp,
    },
    /// At its end.
    Done {
        /// When.
        at: Timestamp,
        /// How.
        outcome: Outcome,
    },
}

/// Which pages arrived. Pages go in order, so a count says it all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// How many pages there are; 0 until the message has been rendered.
    pub pages: u32,
    /// Pages 1 to this one were confirmed by the other machine (MCF or RTP) and are never sent again.
    pub confirmed: u32,
    /// The page after those was sent to its end and not answered for: it may have arrived.
    pub in_doubt: bool,
}

/// One call for a job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// When the dialling began.
    pub started: Timestamp,
    /// When the line was on hook again.
    pub ended: Timestamp,
    /// The line it went over.
    pub line: String,
    /// How it ended.
    pub outcome: Outcome,
    /// Pages that were confirmed in this call.
    pub pages_confirmed: u32,
    /// What the other machine calls itself (CSI), as it sent it.
    pub remote_id: Option<String>,
    /// How it went, in an engineer's words: `V.17 14400, ECM, MMR`.
    pub mode: Option<String>,
}

impl Job {
    /// How many calls a record keeps in full.
    pub const ATTEMPTS_KEPT: usize = 8;

    /// The job for one recipient of a submission, to be dialled as soon as it may be.
    #[must_use]
    pub fn new(id: JobId, submission: &Submission, recipient: Recipient) -> Self {
        let mut job = Self {
            id,
            submission: submission.id.clone(),
            version: 0,
            received: submission.received,
            door: submission.door,
            sender: submission.sender.clone(),
            recipient,
            options: submission.options.clone(),
            ret: submission.ret,
            envid: submission.envid.clone(),
            state: State::Waiting { until: submission.received },
            progress: Progress::default(),
            sent_again: Vec::new(),
            attempts: Vec::new(),
            calls: 0,
            tries: Tries::default(),
            delay_reported: false,
        };
        job.state = State::Waiting { until: job.dialled_from() };
        job
    }

    /// The blob that says what became of each part of the message (`render::Manifest`, as JSON).
    #[must_use]
    pub fn manifest_key(&self) -> String {
        format!("{}manifest.json", self.folder())
    }

    /// The blob that holds the trace of call `n` (from 1, over all calls): the frames, with their times.
    #[must_use]
    pub fn trace_key(&self, n: u32) -> String {
        format!("{}attempt-{n}.txt", self.folder())
    }

    /// When somebody should look at the job next, to dial it or to tell its sender that it takes long; `None` when it
    /// is done.
    #[must_use]
    pub fn due(&self) -> Option<Timestamp> {
        match &self.state {
            State::Waiting { until } => {
                let report = self.options.delay_report_at.filter(|_| !self.delay_reported);
                Some(report.map_or(*until, |report| report.min(*until)))
            }
            State::Calling { lease_until, .. } => Some(*lease_until),
            State::Done { .. } => None,
        }
    }

    /// The outcome, when it is done.
    #[must_use]
    pub fn outcome(&self) -> Option<&Outcome> {
        match &self.state {
            State::Done { outcome, .. } => Some(outcome),
            _ => None,
        }
    }

    /// Whether it may be dialled now, were a line free.
    #[must_use]
    pub fn may_be_dialled(&self, now: Timestamp) -> bool {
        match &self.state {
            State::Waiting { until } => *until <= now,
            State::Calling { lease_until, .. } => *lease_until <= now,
            State::Done { .. } => false,
        }
    }

    /// The job in the hands of `owner`; `None` where it may not be dialled yet or is done.
    #[must_use]
    pub fn claim(&self, owner: &str, now: Timestamp, lease: Duration) -> Option<Self> {
        self.may_be_dialled(now).then_some(())?;
        let state = State::Calling { owner: owner.to_owned(), lease_until: now + lease };
        Some(Self { state, ..self.clone() })
    }

    /// Whether it is in the hands of `owner`.
    #[must_use]
    pub fn is_held_by(&self, owner: &str) -> bool {
        matches!(&self.state, State::Calling { owner: holder, .. } if holder == owner)
    }

    /// The job with its lease drawn out; nothing changes where it is not being called.
    #[must_use]
    pub fn renew(&self, now: Timestamp, lease: Duration) -> Self {
        let mut job = self.clone();
        if let State::Calling { lease_until, .. } = &mut job.state {
            *lease_until = now + lease;
        }
        job
    }

    /// The job now that its message has been made into this many pages.
    #[must_use]
    pub fn rendered(&self, pages: u32) -> Self {
        let progress = Progress { pages, ..self.progress };
        Self { progress, ..self.clone() }
    }

    /// The job now that this much is known of page `page` (from 1).
    ///
    /// Only the first page that is not confirmed can change: a confirmed page stays so.
    #[must_use]
    pub fn marked(&self, page: u32, mark: Mark) -> Self {
        let mut job = self.clone();
        if page == job.progress.confirmed + 1 {
            job.progress.in_doubt = mark == Mark::InDoubt;
            job.progress.confirmed += u32::from(mark == Mark::Confirmed);
        }
        job
    }

    /// The job after a call: to be dialled again, or done. Pure; `rules` decide.
    #[must_use]
    pub fn after(&self, attempt: Attempt, rules: &Rules, now: Timestamp) -> Self {
        let mut job = self.clone();
        let outcome = attempt.outcome.clone();
        if outcome.grade() == Grade::Retry {
            job.tries.count(&outcome);
        }
        job.attempts.push(attempt);
        let surplus = job.attempts.len().saturating_sub(Self::ATTEMPTS_KEPT);
        job.attempts.drain(..surplus);
        job.calls += 1;
        match schedule::next(&job, &outcome, rules, now) {
            Next::Retry(until) => job.waiting(until),
            Next::End(outcome) => job.ended(outcome, now),
        }
    }

    /// The job put back to be dialled at `until`. A page in doubt will be sent again, and that is written down.
    fn waiting(&self, until: Timestamp) -> Self {
        let mut job = Self { state: State::Waiting { until }, ..self.clone() };
        let page = job.progress.confirmed + 1;
        if std::mem::take(&mut job.progress.in_doubt) && !job.sent_again.contains(&page) {
            job.sent_again.push(page);
        }
        job
    }

    /// The job at its end without a call.
    #[must_use]
    pub fn ended(&self, outcome: Outcome, now: Timestamp) -> Self {
        Self { state: State::Done { at: now, outcome }, ..self.clone() }
    }

    /// The job taken back from a gateway that died with it in its hands.
    ///
    /// If the last page was in doubt, nobody can know whether the fax is complete and the job ends so. Else it
    /// is dialled again at once, from the first page that is not confirmed.
    #[must_use]
    pub fn abandoned(&self, now: Timestamp) -> Self {
        if self.progress.in_doubt && self.progress.confirmed + 1 == self.progress.pages {
            return self.ended(Outcome::Unconfirmed, now);
        }
        if self.progress.pages > 0 && self.progress.confirmed == self.progress.pages {
            return self.ended(Outcome::Delivered, now);
        }
        self.waiting(now)
    }

    /// The job given back by a gateway that failed with it in its hands: tried again by the rule for trouble of our
    /// own, which also counts, so that it is not tried for ever.
    #[must_use]
    pub fn put_back(&self, cause: &str, rules: &Rules, now: Timestamp) -> Self {
        let mut job = self.abandoned(now);
        if job.outcome().is_some() {
            return job;
        }
        let trouble = Outcome::LineTrouble { cause: cause.to_owned() };
        job.tries.count(&trouble);
        match schedule::next(&job, &trouble, rules, now) {
            Next::Retry(until) => job.waiting(until),
            Next::End(outcome) => job.ended(outcome, now),
        }
    }

    /// The job at its end because its time ran out while it waited; `None` where it did not.
    #[must_use]
    pub fn expire(&self, rules: &Rules, now: Timestamp) -> Option<Self> {
        let waiting = matches!(self.state, State::Waiting { .. });
        if !waiting || now < self.given_up_at(rules.expires_after) {
            return None;
        }
        let no_line = || Outcome::LineTrouble { cause: "no line was free".into() };
        let last = self.attempts.last().map_or_else(no_line, |attempt| attempt.outcome.clone());
        Some(self.ended(Outcome::Expired { last: Box::new(last) }, now))
    }

    /// Whether the sender should be told that it takes long.
    #[must_use]
    pub fn delay_report_due(&self, rules: &Rules, now: Timestamp) -> bool {
        let waiting = matches!(self.state, State::Waiting { .. });
        let usual = schedule::later(self.dialled_from(), rules.delay_report_after);
        waiting && !self.delay_reported && now >= self.options.delay_report_at.unwrap_or(usual)
    }

    /// When it is given up, where it may be tried for so long: then, or when its sender has said.
    #[must_use]
    pub fn given_up_at(&self, expires_after: Duration) -> Timestamp {
        let usual = schedule::later(self.dialled_from(), expires_after);
        self.options.expires_at.map_or(usual, |asked| asked.min(usual))
    }

    /// When the first call was allowed.
    #[must_use]
    pub fn dialled_from(&self) -> Timestamp {
        self.options.not_before.map_or(self.received, |at| at.max(self.received))
    }

    /// Where the blobs of a submission's jobs are.
    #[must_use]
    pub fn folder_of(submission: &SubmissionId) -> String {
        format!("jobs/{submission}/")
    }

    /// Where the job's own blobs are.
    #[must_use]
    pub fn folder(&self) -> String {
        format!("{}{}/", Self::folder_of(&self.submission), self.id)
    }

    /// The blob that holds page `page` (from 1), without its header line, as a TIFF-F file of one page.
    #[must_use]
    pub fn page_key(&self, page: u32) -> String {
        format!("{}page-{page:04}.tiff", self.folder())
    }
}

/// What a call tells of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// The other machine does not have it.
    NotSent,
    /// It was sent to its end, and no answer has come yet.
    InDoubt,
    /// The other machine has it.
    Confirmed,
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::job::fixture;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn job() -> Job {
        fixture::job(at("2026-11-23T10:00:00Z"))
    }

    fn call(outcome: Outcome) -> Attempt {
        let at = at("2026-11-23T10:00:10Z");
        Attempt {
            started: at,
            ended: at,
            line: "line-1".into(),
            outcome,
            pages_confirmed: 0,
            remote_id: None,
            mode: None,
        }
    }

    #[test]
    fn a_job_is_claimed_once_until_its_lease_runs_out() {
        let lease = Duration::from_secs(60);
        let job = job();
        assert!(job.claim("a", at("2026-11-23T09:59:59Z"), lease).is_none());
        let claimed = job.claim("a", at("2026-11-23T10:00:00Z"), lease).unwrap();
        assert!(claimed.claim("b", at("2026-11-23T10:00:59Z"), lease).is_none());
        assert!(claimed.claim("b", at("2026-11-23T10:01:00Z"), lease).is_some());
    }

    #[test]
    fn a_confirmed_page_stays_confirmed() {
        let job = job().rendered(3).marked(1, Mark::InDoubt).marked(1, Mark::Confirmed);
        assert_eq!(job.progress, Progress { pages: 3, confirmed: 1, in_doubt: false });
        assert_eq!(job.marked(1, Mark::NotSent).progress, job.progress);
        assert_eq!(job.marked(3, Mark::Confirmed).progress, job.progress);
        assert!(job.marked(2, Mark::InDoubt).progress.in_doubt);
        assert!(!job.marked(2, Mark::InDoubt).marked(2, Mark::NotSent).progress.in_doubt);
    }

    #[test]
    fn each_cause_is_tried_by_its_own_rule() {
        let rules = Rules::default();
        let now = at("2026-11-23T10:00:20Z");
        let mut job = job().rendered(1);
        for _ in 1..rules.no_answer.tries_max {
            job = job.after(call(Outcome::Busy), &rules, now).after(call(Outcome::NoAnswer), &rules, now);
            assert_eq!(job.due(), Some(now + rules.no_answer.delay));
        }
        job = job.after(call(Outcome::NoAnswer), &rules, now);
        assert_eq!(job.outcome(), Some(&Outcome::NoAnswer));
        assert_eq!(job.calls, 7);
    }

    #[test]
    fn the_record_keeps_the_latest_calls_only() {
        let rules = Rules::default();
        let now = at("2026-11-23T10:00:20Z");
        let job = (0..20).fold(job(), |job, _| {
            job.after(call(Outcome::LineTrouble { cause: "no dial tone".into() }), &rules, now)
        });
        assert_eq!((job.attempts.len(), job.calls), (Job::ATTEMPTS_KEPT, 20));
    }

    #[test]
    fn a_job_expires_rather_than_wait_past_its_time() {
        let late = at("2026-11-24T09:59:00Z");
        let job = job().after(call(Outcome::Busy), &Rules::default(), late);
        assert_eq!(job.outcome(), Some(&Outcome::Expired { last: Box::new(Outcome::Busy) }));
    }

    #[test]
    fn a_job_that_waits_for_a_line_is_reported_late_once_and_then_expires() {
        let rules = Rules::default();
        let mut job = job();
        assert!(!job.delay_report_due(&rules, at("2026-11-23T11:59:59Z")));
        assert!(job.delay_report_due(&rules, at("2026-11-23T12:00:00Z")));
        job.delay_reported = true;
        assert!(!job.delay_report_due(&rules, at("2026-11-23T12:00:00Z")));
        assert!(job.expire(&rules, at("2026-11-24T09:59:59Z")).is_none());
        let late = job.expire(&rules, at("2026-11-24T10:00:00Z")).unwrap();
        assert_eq!(late.outcome().map(Outcome::word), Some("expired"));
    }

    #[test]
    fn an_abandoned_job_goes_on_unless_its_last_page_is_in_doubt() {
        let now = at("2026-11-23T11:00:00Z");
        let job = job().rendered(2);
        assert_eq!(job.abandoned(now).due(), Some(now));
        let again = job.marked(1, Mark::InDoubt).abandoned(now);
        assert_eq!(
            (again.due(), again.progress.in_doubt, &again.sent_again[..]),
            (Some(now), false, &[1][..])
        );
        let last = job.marked(1, Mark::Confirmed).marked(2, Mark::InDoubt);
        assert_eq!(last.abandoned(now).outcome(), Some(&Outcome::Unconfirmed));
        let all = last.marked(2, Mark::Confirmed);
        assert_eq!(all.abandoned(now).outcome(), Some(&Outcome::Delivered));
    }
}
