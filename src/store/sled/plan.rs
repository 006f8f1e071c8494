//! What a batch of writes will do: each is checked against the index and the writes before it, one by one,
//! and becomes lines for the spool and changes of the index. Nothing is written here.
//!
//! All that a write touches belongs to one document, so that a document whose file cannot be written is
//! taken out of the batch ([`Plan::drop_doc`]) and the others go on.

use std::collections::{BTreeMap, HashMap};

use super::index::{self, Change, Index, IndexError, RECORD_BYTES_MAX};
use super::keys;
use crate::job::{Job, JobId, Notice, NoticeId, ReceivedFax, SubmissionId};
use crate::store::StoreError;
use crate::store::spool::{Doc, Entry, encode};

/// Notices that one change may give rise to.
const NOTICES_MAX: usize = 64;

/// A verb that writes.
#[derive(Debug)]
pub(super) enum Write {
    /// A submission.
    Accept { id: SubmissionId, jobs: Vec<NewJob>, file: MessageFile },
    /// A changed job.
    Update { job: Box<Job>, notices: Vec<Notice> },
    /// A received fax.
    KeepReceived { fax: Box<ReceivedFax>, notices: Vec<Notice> },
    /// A notice that did not go out.
    NoticeRetry(Notice),
    /// A notice that went out.
    NoticeDone(NoticeId),
}

/// What the index is to have of a job; made in the caller's task, for the store's thread has better things to do.
#[derive(Debug)]
pub(super) struct NewJob {
    id: JobId,
    record: Vec<u8>,
    /// The key that says when it is due.
    time: Vec<u8>,
}

impl NewJob {
    /// Of a job that is not in the store yet.
    pub(super) fn of(job: &Job) -> Result<Self, StoreError> {
        let record = record(job, || format!("job {}", job.id))?;
        Ok(Self { id: job.id.clone(), record, time: keys::job_time(job) })
    }
}

/// Where the message file of a submission is before it has its name.
#[derive(Debug)]
pub(super) enum MessageFile {
    /// Here; it goes through the journal.
    Bytes(Vec<u8>),
    /// In the spool, durable, under its temporary name.
    Staged,
}

/// What a write answers: the job with its new version, where it changed one.
pub(super) type Written = Option<Job>;

/// What is to be written for one document.
#[derive(Debug, Default)]
pub(super) struct DocPlan {
    /// Its message, where it is new.
    pub(super) message: Option<MessageFile>,
    /// How long its log is.
    pub(super) log_bytes: u64,
    /// What is to be added to its log.
    pub(super) lines: Vec<u8>,
}

/// What is to be written.
pub(super) struct Plan<'a> {
    index: &'a Index,
    /// By document, in order.
    pub(super) docs: BTreeMap<Doc, DocPlan>,
    /// The value that each changed key shall have, and the document that it belongs to.
    changes: HashMap<Vec<u8>, (Doc, Option<Vec<u8>>)>,
}

/// The changes of one write, until all of it is known to be good.
#[derive(Default)]
struct Draft {
    changes: Vec<Change>,
}

impl Draft {
    fn set(&mut self, key: Vec<u8>, value: Vec<u8>) {
        self.changes.push((key, Some(value)));
    }

    fn remove(&mut self, key: Vec<u8>) {
        self.changes.push((key, None));
    }

    fn job(&mut self, NewJob { id, record, time }: NewJob) {
        self.set(keys::job(&id), record);
        self.set(time, Vec::new());
    }

    fn notice(&mut self, doc: &Doc, notice: &Notice) -> Result<(), StoreError> {
        let key = keys::notice(&notice.id);
        let mut value = keys::doc_bytes(doc);
        value.extend(record(notice, || format!("notice {}", notice.id))?);
        self.set(keys::link(doc, &key), Vec::new());
        self.set(key, value);
        if let Some(key) = keys::notice_time(notice) {
            self.set(key, Vec::new());
        }
        Ok(())
    }

    fn forget_notice(&mut self, doc: &Doc, notice: &Notice) {
        let key = keys::notice(&notice.id);
        self.remove(keys::link(doc, &key));
        self.remove(key);
        self.changes.extend(keys::notice_time(notice).map(|key| (key, None)));
    }
}

impl<'a> Plan<'a> {
    pub(super) fn new(index: &'a Index) -> Self {
        Self { index, docs: BTreeMap::new(), changes: HashMap::new() }
    }

    /// Adds a write; gives what it answers when all is written, and the document it is part of (`None` where
    /// there is nothing to write).
    pub(super) fn add(&mut self, write: Write) -> Result<(Written, Option<Doc>), StoreError> {
        match write {
            Write::Accept { id, jobs, file } => self.accept(id, jobs, file),
            Write::Update { job, notices } => self.update(*job, notices),
            Write::KeepReceived { fax, notices } => self.keep_received(fax, notices),
            Write::NoticeRetry(notice) => self.notice_retry(notice),
            Write::NoticeDone(id) => self.notice_done(id),
        }
    }

    /// Takes a document out of the batch.
    pub(super) fn drop_doc(&mut self, doc: &Doc) {
        self.docs.remove(doc);
        self.changes.retain(|_, (owner, _)| owner != doc);
    }

    /// The changes of the index. Later ones of a key have taken the place of earlier ones.
    pub(super) fn into_changes(self) -> impl Iterator<Item = Change> {
        self.changes.into_iter().map(|(key, (_, value))| (key, value))
    }

    fn accept(
        &mut self,
        id: SubmissionId,
        jobs: Vec<NewJob>,
        file: MessageFile,
    ) -> Result<(Written, Option<Doc>), StoreError> {
        let doc = Doc::Submission(id);
        if self.has(&keys::doc(&doc))? {
            return Err(StoreError::Conflict(describe(&doc)));
        }
        let mut draft = Draft::default();
        for job in jobs {
            let key = keys::job(&job.id);
            if self.has(&key)? {
                return Err(StoreError::Conflict(format!("job {}", job.id)));
            }
            draft.set(keys::link(&doc, &key), Vec::new());
            draft.job(job);
        }
        self.take(&doc, draft, 0, Vec::new());
        self.docs.entry(doc.clone()).or_default().message = Some(file);
        Ok((None, Some(doc)))
    }

    fn update(&mut self, mut job: Job, notices: Vec<Notice>) -> Result<(Written, Option<Doc>), StoreError> {
        let not_found = || StoreError::NotFound(format!("job {}", job.id));
        let value = self.get(&keys::job(&job.id))?.ok_or_else(not_found)?;
        let stored: Job = index::decode(&value)?;
        if stored.submission != job.submission {
            return Err(not_found());
        }
        if stored.version != job.version {
            return Err(StoreError::Conflict(format!("job {}", job.id)));
        }
        job.version += 1;
        let doc = Doc::Submission(job.submission.clone());
        let mut draft = Draft::default();
        draft.remove(keys::job_time(&stored));
        draft.job(NewJob::of(&job)?);
        self.owe(&doc, &notices, &mut draft)?;
        let entry = Entry::Job { job: Box::new(job.clone()), notices };
        self.commit(&doc, draft, &entry)?;
        Ok((Some(job), Some(doc)))
    }

    fn keep_received(
        &mut self,
        fax: Box<ReceivedFax>,
        notices: Vec<Notice>,
    ) -> Result<(Written, Option<Doc>), StoreError> {
        let doc = Doc::Received(fax.id.clone());
        if self.has(&keys::doc(&doc))? {
            // It may have been kept by this very batch: then the answer waits for the batch.
            return Ok((None, self.docs.contains_key(&doc).then_some(doc)));
        }
        let mut draft = Draft::default();
        draft.set(keys::received(&fax.id), record(&fax, || format!("fax {}", fax.id))?);
        self.owe(&doc, &notices, &mut draft)?;
        self.commit(&doc, draft, &Entry::Received { fax, notices })?;
        Ok((None, Some(doc)))
    }

    fn notice_retry(&mut self, notice: Notice) -> Result<(Written, Option<Doc>), StoreError> {
        let value = self.get(&keys::notice(&notice.id))?;
        let value = value.ok_or_else(|| StoreError::NotFound(format!("notice {}", notice.id)))?;
        let (doc, stored) = index::decode_notice(&value)?;
        let mut draft = Draft::default();
        draft.forget_notice(&doc, &stored);
        draft.notice(&doc, &notice)?;
        self.commit(&doc, draft, &Entry::NoticeRetry { notice })?;
        Ok((None, Some(doc)))
    }

    fn notice_done(&mut self, id: NoticeId) -> Result<(Written, Option<Doc>), StoreError> {
        let Some(value) = self.get(&keys::notice(&id))? else {
            return Ok((None, None));
        };
        let (doc, stored) = index::decode_notice(&value)?;
        let mut draft = Draft::default();
        draft.forget_notice(&doc, &stored);
        self.commit(&doc, draft, &Entry::NoticeDone { id })?;
        Ok((None, Some(doc)))
    }

    /// New notices of a document.
    fn owe(&self, doc: &Doc, notices: &[Notice], draft: &mut Draft) -> Result<(), StoreError> {
        if notices.len() > NOTICES_MAX {
            return Err(StoreError::TooLarge(format!("{} notices of {}", notices.len(), describe(doc))));
        }
        for notice in notices {
            if self.has(&keys::notice(&notice.id))? {
                return Err(StoreError::Conflict(format!("notice {}", notice.id)));
            }
            draft.notice(doc, notice)?;
        }
        Ok(())
    }

    /// Takes a draft into the batch, with its line in the log of the document.
    fn commit(&mut self, doc: &Doc, draft: Draft, entry: &Entry) -> Result<(), StoreError> {
        let line = encode(entry).map_err(|e| StoreError::Failed(format!("{}: {e}", describe(doc))))?;
        let known = self.log_bytes(doc)?;
        self.take(doc, draft, known, line);
        Ok(())
    }

    fn take(&mut self, doc: &Doc, mut draft: Draft, known: u64, line: Vec<u8>) {
        let length = known + line.len() as u64;
        draft.set(keys::doc(doc), length.to_be_bytes().to_vec());
        let plan = self
            .docs
            .entry(doc.clone())
            .or_insert_with(|| DocPlan { log_bytes: known, ..DocPlan::default() });
        plan.lines.extend(line);
        for (key, value) in draft.changes {
            self.changes.insert(key, (doc.clone(), value));
        }
    }

    fn log_bytes(&self, doc: &Doc) -> Result<u64, StoreError> {
        let value = self.get(&keys::doc(doc))?.unwrap_or_default();
        Ok(log_bytes(&value))
    }

    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        match self.changes.get(key) {
            Some((_, value)) => Ok(value.clone()),
            None => Ok(self.index.get(key)?.map(|value| value.to_vec())),
        }
    }

    fn has(&self, key: &[u8]) -> Result<bool, StoreError> {
        Ok(self.get(key)?.is_some())
    }
}

/// The changes that put a whole document, as read from the spool, into the index.
pub(super) fn whole(doc: &Doc, contents: &crate::store::spool::Contents) -> Result<Vec<Change>, StoreError> {
    let mut draft = Draft::default();
    for job in contents.jobs.values() {
        draft.set(keys::link(doc, &keys::job(&job.id)), Vec::new());
        draft.job(NewJob::of(job)?);
    }
    for notice in contents.notices.values() {
        draft.notice(doc, notice)?;
    }
    if let Some(fax) = &contents.fax {
        draft.set(keys::received(&fax.id), record(fax, || format!("fax {}", fax.id))?);
    }
    draft.set(keys::doc(doc), contents.log_bytes.to_be_bytes().to_vec());
    Ok(draft.changes)
}

/// The changes that take a whole document out of the index.
pub(super) fn nothing(index: &Index, doc: &Doc) -> Result<Vec<Change>, IndexError> {
    let mut draft = Draft::default();
    for target in index.linked(doc)? {
        if let Some(value) = index.get(&target)? {
            match target.first() {
                Some(&keys::space::JOB) => draft.remove(keys::job_time(&index::decode(&value)?)),
                _ => draft.forget_notice(doc, &index::decode_notice(&value)?.1),
            }
        }
        draft.remove(keys::link(doc, &target));
        draft.remove(target);
    }
    if let Doc::Received(id) = doc {
        draft.remove(keys::received(id));
    }
    draft.remove(keys::doc(doc));
    Ok(draft.changes)
}

/// The bytes of a log, as the record of its document says.
pub(super) fn log_bytes(value: &[u8]) -> u64 {
    value.try_into().map(u64::from_be_bytes).unwrap_or_default()
}

/// A document, for an error.
pub(super) fn describe(doc: &Doc) -> String {
    match doc {
        Doc::Submission(id) => format!("submission {id}"),
        Doc::Received(id) => format!("fax {id}"),
    }
}

fn record(value: &impl serde::Serialize, name: impl Fn() -> String) -> Result<Vec<u8>, StoreError> {
    let bytes = serde_json::to_vec(value).map_err(|e| StoreError::Failed(format!("{}: {e}", name())))?;
    if bytes.len() > RECORD_BYTES_MAX {
        return Err(StoreError::TooLarge(name()));
    }
    Ok(bytes)
}
