//! What the gateway has promised, kept so that no crash forgets it.
//!
//! A [`Store`] holds submissions, jobs, received faxes and the notices that are owed. Every verb that writes
//! returns only when the change would survive a power cut. Jobs are changed by [`Store::update`], which
//! compares versions: a second gateway, or a second task, that worked from an older job is told so.
//!
//! SEAM: `submit` accepts, `queue` takes what is due and updates, `received` keeps faxes, `post` sends notices,
//! `status` reads. The store is the only place where they meet.

mod config;
mod files;
mod journal;
mod sled;
mod spool;

#[cfg(test)]
pub(crate) mod contract;
#[cfg(test)]
pub(crate) mod faulty;

use async_trait::async_trait;
use jiff::Timestamp;

pub use self::config::StoreConfig;
pub use self::sled::{OpenReport, SledStore};

use crate::job::{FaxId, Job, JobId, Notice, NoticeId, ReceivedFax, Submission, SubmissionId};

/// A failure of the store.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// Somebody else changed it first; read it again.
    #[error("{0} was changed meanwhile")]
    Conflict(String),
    /// There is no such thing.
    #[error("there is no {0}")]
    NotFound(String),
    /// A record is over its size limit.
    #[error("the record of {0} is too large")]
    TooLarge(String),
    /// The disk has no room; it may have again.
    #[error("the disk is full: {0}")]
    Full(String),
    /// The disk fails, or the files are damaged, or the index has no room.
    #[error("the store failed: {0}")]
    Failed(String),
}

/// Which jobs to list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JobFilter {
    /// Only those that are not done.
    pub open_only: bool,
    /// At most so many, the newest first; 0 is no limit.
    pub limit: usize,
    /// Only those that are older than this one, by their names.
    pub before: Option<JobId>,
}

/// Keeps what the gateway has promised.
#[async_trait]
pub trait Store: Send + Sync {
    /// Keeps a submission, its message and its jobs: all of it or nothing. Many calls share one flush.
    /// [`StoreError::Conflict`] where one of the names is taken.
    async fn accept(&self, submission: &Submission, message: &[u8], jobs: &[Job]) -> Result<(), StoreError>;

    /// The message of a submission, as it was accepted.
    async fn message(&self, id: &SubmissionId) -> Result<Vec<u8>, StoreError>;

    /// A submission as it was accepted, and the names of its jobs; [`StoreError::Conflict`] while it is being
    /// written and nobody can say yet what will come of it.
    async fn submission(&self, id: &SubmissionId) -> Result<(Submission, Vec<JobId>), StoreError>;

    /// One job.
    async fn job(&self, id: &JobId) -> Result<Job, StoreError>;

    /// Jobs, the newest first.
    async fn jobs(&self, filter: &JobFilter) -> Result<Vec<Job>, StoreError>;

    /// Jobs whose [`Job::due`] time has come, the most urgent first and of these the longest due first, at most `limit`;
    /// only such as come behind `behind`, the last one of an earlier answer.
    async fn due(&self, now: Timestamp, behind: Option<&Job>, limit: usize) -> Result<Vec<Job>, StoreError>;

    /// The first time after `after` at which a job or a notice falls due, for the sleeper.
    async fn next_due(&self, after: Timestamp) -> Result<Option<Timestamp>, StoreError>;

    /// Writes a changed job, and the notices that its change gives rise to, in one transaction. Gives the job
    /// back with its new version; [`StoreError::Conflict`] where the stored version is not `job.version`.
    async fn update(&self, job: &Job, notices: &[Notice]) -> Result<Job, StoreError>;

    /// Keeps a received fax and its notices in one transaction. Keeping the same fax again changes nothing.
    async fn keep_received(&self, fax: &ReceivedFax, notices: &[Notice]) -> Result<(), StoreError>;

    /// One received fax.
    async fn received(&self, id: &FaxId) -> Result<ReceivedFax, StoreError>;

    /// Received faxes, the newest first, at most `limit`.
    async fn received_list(&self, limit: usize) -> Result<Vec<ReceivedFax>, StoreError>;

    /// Notices whose time has come, the longest due first, at most `limit`.
    async fn notices_due(&self, now: Timestamp, limit: usize) -> Result<Vec<Notice>, StoreError>;

    /// Writes a notice that was tried and did not go out.
    async fn notice_retry(&self, notice: &Notice) -> Result<(), StoreError>;

    /// Forgets a notice: it went out. Forgetting it again changes nothing.
    async fn notice_done(&self, id: &NoticeId) -> Result<(), StoreError>;

    /// Forgets submissions, at most `limit`, all of whose jobs were done before `before` and of which no
    /// notice is still to be tried; gives their names, so that what else is kept for them can go too.
    async fn purge(&self, before: Timestamp, limit: usize) -> Result<Vec<SubmissionId>, StoreError>;

    /// Forgets received faxes, at most `limit`, whose calls ended before `before` and of which no notice is still to
    /// be tried; gives their names.
    async fn purge_received(&self, before: Timestamp, limit: usize) -> Result<Vec<FaxId>, StoreError>;
}
