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
use super::outcome::Outcome;
use super::recipient::{Door, Options, Recipient, Ret, Sender, Submission};
use super::schedule::Tries;

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
    /// The latest calls, the oldest first, at most [`Job::ATTEMPTS_KEPT`]; a record stays small.
    pub attempts: Vec<Attempt>,
    /// How many calls ended for each cause.
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
        let until = submission
            .options
            .not_before
            .map_or(submission.received, |t| t.max(submission.received));
        Self {
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
            state: State::Waiting { until },
            progress: Progress::default(),
            attempts: Vec::new(),
            tries: Tries::default(),
            delay_reported: false,
        }
    }

    /// The blob that says what became of each part of the message (`render::Manifest`, as JSON).
    #[must_use]
    pub fn manifest_key(&self) -> String {
        format!("jobs/{}/manifest.json", self.id)
    }

    /// The blob that holds the trace of call `n` (from 1, over all calls): the frames, with their times.
    #[must_use]
    pub fn trace_key(&self, n: u32) -> String {
        format!("jobs/{}/attempt-{n}.txt", self.id)
    }

    /// When somebody should look at the job next; `None` when it is done.
    #[must_use]
    pub fn due(&self) -> Option<Timestamp> {
        match &self.state {
            State::Waiting { until } => Some(*until),
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

    /// The job in the hands of `owner`; `None` where it is not due or is done.
    #[must_use]
    pub fn claim(&self, owner: &str, now: Timestamp, lease: Duration) -> Option<Self> {
        self.due().filter(|due| *due <= now)?;
        let state = State::Calling {
            owner: owner.to_owned(),
            lease_until: now + lease,
        };
        Some(Self {
            state,
            ..self.clone()
        })
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
}
