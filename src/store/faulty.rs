//! The faulty twin: a store whose verbs fail when they are told to, before or after they did their work.
//!
//! The second kind is the nasty one: the change is durable, and the caller is told that it failed.

use std::sync::atomic::{AtomicI64, Ordering};

use async_trait::async_trait;
use jiff::Timestamp;

use super::{JobFilter, Store, StoreError};
use crate::job::{FaxId, Job, JobId, Notice, NoticeId, ReceivedFax, Submission, SubmissionId};

/// When a verb that fails does so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When {
    /// Before it did anything.
    Before,
    /// After all was done.
    After,
}

/// A store over another that fails once, after a number of verbs.
pub(crate) struct Faulty<S> {
    inner: S,
    verbs_left: AtomicI64,
    when: When,
}

impl<S: Store> Faulty<S> {
    /// The verb number `verb`, from 0, will fail.
    pub(crate) fn new(inner: S, verb: i64, when: When) -> Self {
        let verbs_left = AtomicI64::new(verb);
        Self { inner, verbs_left, when }
    }

    /// Whether the fault has been.
    pub(crate) fn has_failed(&self) -> bool {
        self.verbs_left.load(Ordering::SeqCst) < 0
    }

    async fn run<T>(
        &self,
        verb: impl Future<Output = Result<T, StoreError>> + Send,
    ) -> Result<T, StoreError> {
        let fails = self.verbs_left.fetch_sub(1, Ordering::SeqCst) == 0;
        if fails && self.when == When::Before {
            return Err(StoreError::Failed("told to fail before".into()));
        }
        let result = verb.await;
        if fails {
            return Err(StoreError::Failed("told to fail after".into()));
        }
        result
    }
}

#[async_trait]
impl<S: Store> Store for Faulty<S> {
    async fn accept(&self, submission: &Submission, message: &[u8], jobs: &[Job]) -> Result<(), StoreError> {
        self.run(self.inner.accept(submission, message, jobs)).await
    }

    async fn message(&self, id: &SubmissionId) -> Result<Vec<u8>, StoreError> {
        self.run(self.inner.message(id)).await
    }

    async fn submission(&self, id: &SubmissionId) -> Result<(Submission, Vec<JobId>), StoreError> {
        self.run(self.inner.submission(id)).await
    }

    async fn job(&self, id: &JobId) -> Result<Job, StoreError> {
        self.run(self.inner.job(id)).await
    }

    async fn jobs(&self, filter: &JobFilter) -> Result<Vec<Job>, StoreError> {
        self.run(self.inner.jobs(filter)).await
    }

    async fn due(&self, now: Timestamp, behind: Option<&Job>, limit: usize) -> Result<Vec<Job>, StoreError> {
        self.run(self.inner.due(now, behind, limit)).await
    }

    async fn next_due(&self, after: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        self.run(self.inner.next_due(after)).await
    }

    async fn update(&self, job: &Job, notices: &[Notice]) -> Result<Job, StoreError> {
        self.run(self.inner.update(job, notices)).await
    }

    async fn keep_received(&self, fax: &ReceivedFax, notices: &[Notice]) -> Result<(), StoreError> {
        self.run(self.inner.keep_received(fax, notices)).await
    }

    async fn received(&self, id: &FaxId) -> Result<ReceivedFax, StoreError> {
        self.run(self.inner.received(id)).await
    }

    async fn received_list(&self, limit: usize) -> Result<Vec<ReceivedFax>, StoreError> {
        self.run(self.inner.received_list(limit)).await
    }

    async fn notices_due(&self, now: Timestamp, limit: usize) -> Result<Vec<Notice>, StoreError> {
        self.run(self.inner.notices_due(now, limit)).await
    }

    async fn notice_retry(&self, notice: &Notice) -> Result<(), StoreError> {
        self.run(self.inner.notice_retry(notice)).await
    }

    async fn notice_done(&self, id: &NoticeId) -> Result<(), StoreError> {
        self.run(self.inner.notice_done(id)).await
    }

    async fn purge(&self, before: Timestamp, limit: usize) -> Result<Vec<SubmissionId>, StoreError> {
        self.run(self.inner.purge(before, limit)).await
    }

    async fn purge_received(&self, before: Timestamp, limit: usize) -> Result<Vec<FaxId>, StoreError> {
        self.run(self.inner.purge_received(before, limit)).await
    }
}
