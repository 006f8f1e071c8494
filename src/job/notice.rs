//! Mail that the gateway owes somebody: a report on a job, or a received fax.
//!
//! A notice is written in the same transaction as the event it tells of, and is made into a mail only when
//! it is sent: so nothing is mailed from memory, and nothing is owed twice.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::id::{FaxId, JobId, NoticeId};

/// One mail to one mailbox.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// Its name; also the left side of the mail's Message-ID, so that a repeat can be told.
    pub id: NoticeId,
    /// What it tells of.
    pub about: About,
    /// The mailbox it goes to.
    pub to: String,
    /// When it was first owed.
    pub created: Timestamp,
    /// When to try next; `None` once it was given up and is kept for the operator to see.
    pub next_try: Option<Timestamp>,
    /// How often it was tried.
    pub tries: u32,
    /// What stood in the way last time.
    pub last_error: Option<String>,
}

/// What a notice tells of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum About {
    /// A job's report.
    Report {
        /// The job.
        job: JobId,
        /// Which report.
        kind: ReportKind,
    },
    /// A job's disposition notification (RFC 8098), for a mail that asked for one.
    Disposition {
        /// The job.
        job: JobId,
        /// How it ended.
        kind: ReportKind,
    },
    /// A received fax.
    Received(FaxId),
}

/// The reports there are (RFC 3464 Action).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReportKind {
    /// Every page was confirmed.
    Success,
    /// It failed, or it cannot be known whether all of it arrived.
    Failure,
    /// It is taking longer than expected.
    Delay,
}

impl Notice {
    /// A notice to be sent at once.
    #[must_use]
    pub fn new(about: About, to: String, now: Timestamp) -> Self {
        Self {
            id: NoticeId::new(now),
            about,
            to,
            created: now,
            next_try: Some(now),
            tries: 0,
            last_error: None,
        }
    }
}
