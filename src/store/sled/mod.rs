//! The store on sled: the index of this machine's queue, over the spool that is the truth.
//!
//! A verb that writes returns when the journal has it, synced once for all who wait, and the spool's files and the
//! index show it. A large message is written and synced by its caller's own blocking task, so that many are written
//! side by side; all else happens in one thread ([`worker`]). A caller that stops waiting before its group is begun
//! takes its write back; later, it may find it done.

mod boot;
mod compact;
mod group;
mod index;
mod keys;
mod plan;
mod purge;
mod recover;
mod worker;
mod writer;

#[cfg(test)]
mod tests;

use std::fs::{File, TryLockError};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use tokio::sync::{mpsc, oneshot};

use self::index::{Index, IndexError};
use self::keys::space;
use self::plan::{MessageFile, NewJob, Write, Written};
pub use self::recover::OpenReport;
use self::worker::{Request, Worker};
use super::files::{failed, make_private_dir, private_file, remove_dir_if_there};
use super::journal::Journal;
use super::spool::{Doc, JOURNALED_BYTES_MAX, Spool};
use super::{JobFilter, Store, StoreConfig, StoreError};
use crate::job::{FaxId, Job, JobId, Notice, NoticeId, ReceivedFax, Submission, SubmissionId};

/// Requests that may wait for the thread; who comes after them waits for room.
const REQUESTS_MAX: usize = 1024;

/// The store on sled.
#[derive(Clone, Debug)]
pub struct SledStore {
    spool: Arc<Spool>,
    requests: mpsc::Sender<Request>,
    deadline: Duration,
}

impl SledStore {
    /// Opens the store in `config.dir`, mends what a crash left, and starts its thread. Blocks while it reads.
    ///
    /// # Errors
    /// Where another process has it open, or the disk is full or fails. Damaged files are no error: they are
    /// set aside and reported.
    pub fn open(config: StoreConfig) -> Result<(Self, OpenReport), StoreError> {
        make_private_dir(&config.dir)?;
        let lock = lock(&config.dir.join("lock"))?;
        let spool = Arc::new(Spool::open(config.dir.join("spool"))?);
        let (journal, restored) = Journal::open(config.dir.join("journal"), spool.dir())?;
        let mut report = OpenReport { leftovers: spool.clean()?, ..OpenReport::default() };
        compact::remove_leftovers(&config.dir)?;
        let lost = boot::went_down(&config.dir)?;
        if lost {
            remove_dir_if_there(&config.dir.join("index"))?;
        }
        boot::mark(&config.dir)?;
        let index = recover::open_index(&config, &spool, None, &mut report)?;
        report.restored = restored;
        report.index_rebuilt =
            report.index_rebuilt.or_else(|| lost.then(|| "the machine went down while it was open".into()));
        let (requests, receiver) = mpsc::channel(REQUESTS_MAX);
        let store = Self { spool: Arc::clone(&spool), requests, deadline: config.commit_deadline };
        let worker = Worker {
            config,
            spool,
            journal,
            lock,
            index: Some(index),
            damaged: None,
            groups: 0,
            size_after_compaction: 0,
        };
        std::thread::Builder::new()
            .name("store".into())
            .spawn(move || worker.run(receiver))
            .map_err(|e| StoreError::Failed(format!("cannot start the store's thread: {e}")))?;
        Ok((store, report))
    }

    /// Ends what is under way and gives the files up. Every later verb fails.
    ///
    /// # Errors
    /// Where the store does not end within its deadline.
    pub async fn close(&self) -> Result<(), StoreError> {
        let (done, closed) = oneshot::channel();
        if self.requests.send(Request::Close(done)).await.is_err() {
            return Ok(());
        }
        self.wait(async { closed.await.map_err(|_| is_closed()) }).await
    }

    async fn write(&self, write: Write) -> Result<Written, StoreError> {
        let (reply, answer) = oneshot::channel();
        self.ask(Request::Write(write, reply), answer).await
    }

    async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Index) -> Result<T, IndexError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        let read = move |index: Result<&Index, StoreError>| {
            let result = index.and_then(|index| read(index).map_err(StoreError::from));
            let _ = reply.send(result);
        };
        self.ask(Request::Read(Box::new(read)), answer).await
    }

    /// Forgets the documents that `find` finds.
    async fn forget(
        &self,
        find: impl FnOnce(&Index) -> Result<Vec<Doc>, IndexError> + Send + 'static,
    ) -> Result<Vec<Doc>, StoreError> {
        let (reply, answer) = oneshot::channel();
        self.ask(Request::Forget(Box::new(find), reply), answer).await
    }

    async fn ask<T>(
        &self,
        request: Request,
        answer: oneshot::Receiver<Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        self.wait(async {
            self.requests.send(request).await.map_err(|_| is_closed())?;
            answer.await.map_err(|_| is_closed())?
        })
        .await
    }

    /// Waits for an answer, but not for ever: sled was seen to hang, and a disk may.
    async fn wait<T>(&self, answer: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
        match tokio::time::timeout(self.deadline, answer).await {
            Ok(result) => result,
            Err(_) => {
                let cause = format!("the store has not answered for {:?}", self.deadline);
                tracing::error!("{cause}; the disk or the index hangs");
                Err(StoreError::Failed(cause))
            }
        }
    }
}

#[async_trait]
impl Store for SledStore {
    async fn accept(&self, submission: &Submission, message: &[u8], jobs: &[Job]) -> Result<(), StoreError> {
        let id = submission.id.clone();
        if jobs.is_empty() || jobs.iter().any(|job| job.submission != id) {
            return Err(StoreError::Failed(format!("submission {id} has no jobs of its own")));
        }
        let content = Spool::frame(submission, jobs, message)?;
        let jobs = jobs.iter().map(NewJob::of).collect::<Result<Vec<_>, _>>()?;
        if content.len() <= JOURNALED_BYTES_MAX {
            if self.spool.has_message(&id) {
                return Err(StoreError::Conflict(format!("submission {id}")));
            }
            let write = Write::Accept { id, jobs, file: MessageFile::Bytes(content) };
            return self.write(write).await.map(|_| ());
        }
        let (reply, answer) = oneshot::channel();
        let (spool, requests) = (Arc::clone(&self.spool), self.requests.clone());
        tokio::task::spawn_blocking(move || {
            if let Err(error) = spool.stage(&id, &content) {
                let _ = reply.send(Err(error));
                return;
            }
            let write = Write::Accept { id: id.clone(), jobs, file: MessageFile::Staged };
            if requests.blocking_send(Request::Write(write, reply)).is_err() {
                spool.discard(&id);
            }
        });
        let answer = async { answer.await.map_err(|_| is_closed())? };
        self.wait(answer).await.map(|_| ())
    }

    async fn message(&self, id: &SubmissionId) -> Result<Vec<u8>, StoreError> {
        let (spool, id) = (Arc::clone(&self.spool), id.clone());
        let read = tokio::task::spawn_blocking(move || spool.message(&id));
        let read = async { read.await.map_err(|e| StoreError::Failed(e.to_string()))? };
        self.wait(read).await
    }

    async fn submission(&self, id: &SubmissionId) -> Result<(Submission, Vec<JobId>), StoreError> {
        // One that is just being accepted has no answer yet either.
        if !self.spool.has_begun(id) {
            return Err(StoreError::NotFound(format!("submission {id}")));
        }
        // Whatever was begun before this question is done then.
        self.read(|_| Ok(())).await?;
        let (spool, name) = (Arc::clone(&self.spool), id.clone());
        let read = tokio::task::spawn_blocking(move || spool.submission(&name));
        let read = async { read.await.map_err(|e| StoreError::Failed(e.to_string()))? };
        let (submission, jobs) = self.wait(read).await?;
        // A file that has its name is accepted when the index has its jobs too, and may still be taken back before.
        let key = jobs.first().map(keys::job).unwrap_or_default();
        match self.read(move |index| index.get(&key)).await? {
            Some(_) => Ok((submission, jobs)),
            None => Err(StoreError::Conflict(format!("submission {id}"))),
        }
    }

    async fn job(&self, id: &JobId) -> Result<Job, StoreError> {
        let key = keys::job(id);
        let value = self.read(move |index| index.get(&key)).await?;
        let value = value.ok_or_else(|| StoreError::NotFound(format!("job {id}")))?;
        Ok(index::decode(&value)?)
    }

    async fn jobs(&self, filter: &JobFilter) -> Result<Vec<Job>, StoreError> {
        let limit = if filter.limit == 0 { usize::MAX } else { filter.limit };
        let values = if filter.open_only {
            self.read(move |index| open_jobs(index, limit)).await?
        } else {
            let end = filter.before.as_ref().map_or(vec![space::JOB + 1], keys::job);
            self.read(move |index| index.newest(vec![space::JOB]..end, limit)).await?
        };
        decode_all(&values)
    }

    async fn due(&self, now: Timestamp, behind: Option<&Job>, limit: usize) -> Result<Vec<Job>, StoreError> {
        let behind =
            behind.map(|job| (keys::due_space(job.options.priority), keys::next(keys::job_time(job))));
        let read = move |index: &Index| {
            let first = behind.as_ref().map(|(space, _)| *space);
            let mut names = Vec::new();
            for space in keys::due_spaces().skip_while(|space| first.is_some_and(|first| *space != first)) {
                let next = behind.as_ref().filter(|(of, _)| *of == space).map(|(_, next)| next.clone());
                let range = next.unwrap_or(vec![space])..keys::after(space, now);
                names.extend(index.timed(range, limit - names.len())?);
            }
            records(index, space::JOB, names)
        };
        let values = self.read(read).await?;
        decode_all(&values)
    }

    async fn next_due(&self, after: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        self.read(move |index| {
            let mut first = index.first_time(space::NOTICE_DUE, after)?;
            for space in keys::due_spaces() {
                first = first.into_iter().chain(index.first_time(space, after)?).min();
            }
            Ok(first)
        })
        .await
    }

    async fn update(&self, job: &Job, notices: &[Notice]) -> Result<Job, StoreError> {
        let write = Write::Update { job: Box::new(job.clone()), notices: notices.to_vec() };
        let written = self.write(write).await?;
        written.ok_or_else(|| StoreError::NotFound(format!("job {}", job.id)))
    }

    async fn keep_received(&self, fax: &ReceivedFax, notices: &[Notice]) -> Result<(), StoreError> {
        let write = Write::KeepReceived { fax: Box::new(fax.clone()), notices: notices.to_vec() };
        self.write(write).await.map(|_| ())
    }

    async fn received(&self, id: &FaxId) -> Result<ReceivedFax, StoreError> {
        let key = keys::received(id);
        let value = self.read(move |index| index.get(&key)).await?;
        let value = value.ok_or_else(|| StoreError::NotFound(format!("fax {id}")))?;
        Ok(index::decode(&value)?)
    }

    async fn received_list(&self, limit: usize) -> Result<Vec<ReceivedFax>, StoreError> {
        let values = self
            .read(move |index| index.newest(vec![space::RECEIVED]..vec![space::RECEIVED + 1], limit))
            .await?;
        decode_all(&values)
    }

    async fn notices_due(&self, now: Timestamp, limit: usize) -> Result<Vec<Notice>, StoreError> {
        let (start, end) = (vec![space::NOTICE_DUE], keys::after(space::NOTICE_DUE, now));
        let read = move |index: &Index| records(index, space::NOTICE, index.timed(start..end, limit)?);
        let values = self.read(read).await?;
        let notices = values.iter().map(|value| Ok(index::decode_notice(value)?.1));
        notices.collect()
    }

    async fn notice_retry(&self, notice: &Notice) -> Result<(), StoreError> {
        self.write(Write::NoticeRetry(notice.clone())).await.map(|_| ())
    }

    async fn notice_done(&self, id: &NoticeId) -> Result<(), StoreError> {
        self.write(Write::NoticeDone(id.clone())).await.map(|_| ())
    }

    async fn purge(&self, before: Timestamp, limit: usize) -> Result<Vec<SubmissionId>, StoreError> {
        let docs = self.forget(move |index| purge::ended(index, before, limit)).await?;
        let name = |doc| match doc {
            Doc::Submission(id) => Some(id),
            Doc::Received(_) => None,
        };
        Ok(docs.into_iter().filter_map(name).collect())
    }

    async fn purge_received(&self, before: Timestamp, limit: usize) -> Result<Vec<FaxId>, StoreError> {
        let docs = self.forget(move |index| purge::received(index, before, limit)).await?;
        let name = |doc| match doc {
            Doc::Received(id) => Some(id),
            Doc::Submission(_) => None,
        };
        Ok(docs.into_iter().filter_map(name).collect())
    }
}

/// The jobs that are not done, the newest first.
fn open_jobs(index: &Index, limit: usize) -> Result<Vec<::sled::IVec>, IndexError> {
    let mut names = Vec::new();
    for space in keys::due_spaces() {
        names.extend(index.timed(vec![space]..vec![space + 1], usize::MAX)?);
    }
    names.sort_unstable_by(|a, b| b.cmp(a));
    names.truncate(limit);
    records(index, space::JOB, names)
}

fn records(index: &Index, space: u8, names: Vec<Vec<u8>>) -> Result<Vec<::sled::IVec>, IndexError> {
    let mut values = Vec::with_capacity(names.len());
    for name in names {
        values.extend(index.get(&keys::key(space, &[&name]))?);
    }
    Ok(values)
}

/// Reads records in the caller's task: the store's thread has better things to do.
fn decode_all<T: serde::de::DeserializeOwned>(values: &[::sled::IVec]) -> Result<Vec<T>, StoreError> {
    values.iter().map(|value| Ok(index::decode(value)?)).collect()
}

fn is_closed() -> StoreError {
    StoreError::Failed("it is closed".into())
}

/// Keeps other processes out.
fn lock(path: &Path) -> Result<File, StoreError> {
    let file =
        private_file().create(true).truncate(false).open(path).map_err(|e| failed("open", path, &e))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            Err(StoreError::Failed(format!("another process has {} open", path.display())))
        }
        Err(TryLockError::Error(e)) => Err(failed("lock", path, &e)),
    }
}
