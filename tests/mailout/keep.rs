//! A store and a blob folder in memory that keep what they are told and fail on demand.

use std::collections::BTreeMap;
use std::sync::Mutex;

use async_trait::async_trait;
use faxgate::blob::{BlobError, Blobs};
use faxgate::job::{FaxId, Job, JobId, Notice, NoticeId, ReceivedFax, Submission, SubmissionId};
use faxgate::store::{JobFilter, Store, StoreError};
use jiff::Timestamp;

#[derive(Default)]
pub struct Kept {
    pub messages: BTreeMap<SubmissionId, Vec<u8>>,
    pub jobs: BTreeMap<JobId, Job>,
    pub faxes: BTreeMap<FaxId, ReceivedFax>,
    pub notices: BTreeMap<NoticeId, Notice>,
    /// How many writes still succeed; none is no limit.
    pub writes_left: Option<u32>,
}

#[derive(Default)]
pub struct Memory(pub Mutex<Kept>);

impl Memory {
    pub fn notices(&self) -> Vec<Notice> {
        self.0.lock().unwrap().notices.values().cloned().collect()
    }

    fn write(&self) -> Result<std::sync::MutexGuard<'_, Kept>, StoreError> {
        let mut kept = self.0.lock().unwrap();
        match &mut kept.writes_left {
            Some(0) => return Err(StoreError::Failed("the disk is full".into())),
            Some(left) => *left -= 1,
            None => {}
        }
        Ok(kept)
    }
}

fn found<T: Clone>(value: Option<&T>, what: impl ToString) -> Result<T, StoreError> {
    value
        .cloned()
        .ok_or_else(|| StoreError::NotFound(what.to_string()))
}

#[async_trait]
impl Store for Memory {
    async fn accept(&self, submission: &Submission, message: &[u8], jobs: &[Job]) -> Result<(), StoreError> {
        let mut kept = self.write()?;
        kept.messages.insert(submission.id.clone(), message.to_vec());
        kept.jobs
            .extend(jobs.iter().map(|job| (job.id.clone(), job.clone())));
        Ok(())
    }

    async fn message(&self, id: &SubmissionId) -> Result<Vec<u8>, StoreError> {
        found(self.0.lock().unwrap().messages.get(id), id)
    }

    async fn job(&self, id: &JobId) -> Result<Job, StoreError> {
        found(self.0.lock().unwrap().jobs.get(id), id)
    }

    async fn jobs(&self, _filter: &JobFilter) -> Result<Vec<Job>, StoreError> {
        Ok(self.0.lock().unwrap().jobs.values().cloned().collect())
    }

    async fn due(&self, _now: Timestamp, _limit: usize) -> Result<Vec<Job>, StoreError> {
        Ok(Vec::new())
    }

    async fn next_due(&self) -> Result<Option<Timestamp>, StoreError> {
        Ok(None)
    }

    async fn update(&self, job: &Job, notices: &[Notice]) -> Result<Job, StoreError> {
        let mut kept = self.write()?;
        kept.jobs.insert(job.id.clone(), job.clone());
        kept.notices
            .extend(notices.iter().map(|notice| (notice.id.clone(), notice.clone())));
        Ok(job.clone())
    }

    async fn keep_received(&self, fax: &ReceivedFax, notices: &[Notice]) -> Result<(), StoreError> {
        let mut kept = self.write()?;
        if kept.faxes.insert(fax.id.clone(), fax.clone()).is_none() {
            kept.notices
                .extend(notices.iter().map(|notice| (notice.id.clone(), notice.clone())));
        }
        Ok(())
    }

    async fn received(&self, id: &FaxId) -> Result<ReceivedFax, StoreError> {
        found(self.0.lock().unwrap().faxes.get(id), id)
    }

    async fn received_list(&self, _limit: usize) -> Result<Vec<ReceivedFax>, StoreError> {
        Ok(self.0.lock().unwrap().faxes.values().cloned().collect())
    }

    async fn notices_due(&self, now: Timestamp, limit: usize) -> Result<Vec<Notice>, StoreError> {
        let kept = self.0.lock().unwrap();
        let is_due = |notice: &&Notice| notice.next_try.is_some_and(|next| next <= now);
        Ok(kept
            .notices
            .values()
            .filter(is_due)
            .take(limit)
            .cloned()
            .collect())
    }

    async fn notice_retry(&self, notice: &Notice) -> Result<(), StoreError> {
        self.write()?.notices.insert(notice.id.clone(), notice.clone());
        Ok(())
    }

    async fn notice_done(&self, id: &NoticeId) -> Result<(), StoreError> {
        self.write()?.notices.remove(id);
        Ok(())
    }
}

#[derive(Default)]
pub struct Blobbed {
    pub blobs: Mutex<BTreeMap<String, Vec<u8>>>,
    /// Whether the disk fails.
    pub broken: Mutex<bool>,
}

impl Blobbed {
    fn disk(&self, key: &str) -> Result<std::sync::MutexGuard<'_, BTreeMap<String, Vec<u8>>>, BlobError> {
        if *self.broken.lock().unwrap() {
            return Err(BlobError::Failed {
                key: key.into(),
                cause: "the disk fails".into(),
            });
        }
        Ok(self.blobs.lock().unwrap())
    }

    pub fn keys(&self) -> Vec<String> {
        self.blobs.lock().unwrap().keys().cloned().collect()
    }
}

#[async_trait]
impl Blobs for Blobbed {
    async fn put(&self, key: &str, bytes: &[u8]) -> Result<(), BlobError> {
        self.disk(key)?.insert(key.into(), bytes.to_vec());
        Ok(())
    }

    async fn get(&self, key: &str) -> Result<Vec<u8>, BlobError> {
        self.disk(key)?
            .get(key)
            .cloned()
            .ok_or_else(|| BlobError::NotFound(key.into()))
    }

    async fn delete(&self, key: &str) -> Result<(), BlobError> {
        self.disk(key)?.remove(key);
        Ok(())
    }

    async fn list(&self, prefix: &str) -> Result<Vec<String>, BlobError> {
        Ok(self
            .disk(prefix)?
            .keys()
            .filter(|key| key.starts_with(prefix))
            .cloned()
            .collect())
    }
}
