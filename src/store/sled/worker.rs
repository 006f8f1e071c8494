//! The store's thread: it alone touches the index, and writes in groups.
//!
//! While one group is made durable the next requests wait in the channel, and become the next group: the more
//! callers there are, the more of them share one flush. In a group:
//!
//! 1. each write is checked, and refused or planned ([`super::plan`]);
//! 2. the spool is written: messages get their names, logs grow (`fdatasync` each), the folder is synced once;
//! 3. the index is written in one batch, flushed and synced;
//! 4. all are answered.
//!
//! A crash before the end of 2 leaves the old state or an answer that nobody got; after it the new one, which
//! the next start finds in the spool. Where 2 or 3 fail, the spool is put back and every caller told. An index
//! that failed is opened again before the next group, and set aside and made again where it is damaged.

use std::fs::File;
use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};

use super::compact::{compact, has_grown};
use super::group::{self, Reply};
use super::index::{Index, IndexError};
use super::plan::{Write, Written, nothing};
use super::recover::{OpenReport, open_index};
use crate::store::spool::{Doc, Spool};
use crate::store::{StoreConfig, StoreError};

/// Groups between two looks at the size of the index.
const GROUPS_BETWEEN_LOOKS: u64 = 1000;
/// Requests in one group.
const GROUP_MAX: usize = 256;

/// A question to the index, or to the error that stands for it; it answers its caller by itself.
pub(super) type Read = Box<dyn FnOnce(Result<&Index, StoreError>) + Send>;

/// Finds documents that may be forgotten.
pub(super) type Find = Box<dyn FnOnce(&Index) -> Result<Vec<Doc>, IndexError> + Send>;

/// What the thread is asked to do.
pub(super) enum Request {
    /// Read.
    Read(Read),
    /// Write, together with others.
    Write(Write, Reply<Written>),
    /// Forget these documents.
    Forget(Find, Reply<Vec<Doc>>),
    /// Stop, and give the files up.
    Close(oneshot::Sender<()>),
}

/// The thread's own things.
pub(super) struct Worker {
    pub(super) config: StoreConfig,
    pub(super) spool: Arc<Spool>,
    /// Keeps other processes out as long as the thread runs.
    pub(super) lock: File,
    pub(super) index: Option<Index>,
    /// What was damaged in the index that is to be opened again.
    pub(super) damaged: Option<String>,
    /// Groups written.
    pub(super) groups: u64,
    /// Bytes of the index after it was last copied; 0 before.
    pub(super) size_after_compaction: u64,
}

impl Worker {
    /// Serves until it is told to close, or until nobody is left who could ask.
    pub(super) fn run(mut self, mut requests: mpsc::Receiver<Request>) {
        while let Some(first) = requests.blocking_recv() {
            let mut writes = Vec::new();
            let mut next = Some(first);
            let mut count = 0;
            while let Some(request) = next {
                match request {
                    Request::Read(read) => read(self.index()),
                    Request::Write(write, reply) => writes.push((write, reply)),
                    Request::Forget(find, reply) => {
                        let _ = reply.send(self.forget(find));
                    }
                    Request::Close(done) => {
                        self.write(writes);
                        drop((self.index.take(), self.lock));
                        let _ = done.send(());
                        return;
                    }
                }
                count += 1;
                next = if count < GROUP_MAX { requests.try_recv().ok() } else { None };
            }
            self.write(writes);
            self.groups += 1;
            if self.groups.is_multiple_of(GROUPS_BETWEEN_LOOKS)
                && let Err(error) = self.compact_if_grown()
            {
                // The next request opens what is there.
                tracing::error!("the index could not be made smaller: {}", StoreError::from(error));
            }
        }
    }

    fn compact_if_grown(&mut self) -> Result<(), IndexError> {
        let Some(index) = self.index.take_if(|index| index.trouble().is_none()) else {
            return Ok(());
        };
        let size = index.size()?;
        if !has_grown(size, self.size_after_compaction) {
            self.index = Some(index);
            return Ok(());
        }
        let index = compact(index, &self.config.dir.join("index"), self.config.cache_bytes)?;
        self.size_after_compaction = index.size()?;
        tracing::info!("the index had {size} bytes and has {} now", self.size_after_compaction);
        self.index = Some(index);
        Ok(())
    }

    /// The index; one that failed is opened again first.
    fn index(&mut self) -> Result<&Index, StoreError> {
        if let Some(trouble) = self.index.as_ref().and_then(Index::trouble) {
            tracing::error!("the index is opened again: {trouble:?}");
            if let IndexError::Damaged(cause) = trouble {
                self.damaged = Some(cause);
            }
            self.index = None;
        }
        match &mut self.index {
            Some(index) => Ok(index),
            empty => {
                let mut report = OpenReport::default();
                // Damage is set aside once: where it then cannot be made again, the next try goes on with that.
                let damaged = self.damaged.take();
                let index = open_index(&self.config, &self.spool, damaged, &mut report)?;
                tracing::warn!("the index was opened again: {report:?}");
                Ok(empty.insert(index))
            }
        }
    }

    /// Makes one group of writes durable and answers it.
    fn write(&mut self, writes: Vec<(Write, Reply<Written>)>) {
        if writes.is_empty() {
            return;
        }
        let spool = Arc::clone(&self.spool);
        let index = match self.index() {
            Ok(index) => index,
            Err(error) => return group::refuse(&spool, writes, &error),
        };
        let (mut plan, mut waiting) = group::plan(index, &spool, writes);
        group::write_spool(&spool, &mut plan, &mut waiting);
        let (docs, changes) = plan.into_changes();
        if docs.is_empty() {
            return;
        }
        match index.apply(changes) {
            Ok(()) => waiting.succeed(),
            Err(error) => {
                let error = StoreError::from(error);
                tracing::error!("{error}; {} documents are put back", docs.len());
                for (doc, change) in &docs {
                    group::take_back(&spool, doc, change);
                }
                if let Err(sync) = spool.sync_dir() {
                    tracing::error!("{sync}");
                }
                waiting.fail(&error);
            }
        }
    }

    /// Forgets submissions that ended before `before`: first their files, then what the index has of them.
    fn forget(&mut self, find: Find) -> Result<Vec<Doc>, StoreError> {
        let spool = Arc::clone(&self.spool);
        let index = self.index()?;
        let docs = find(index)?;
        let mut changes = Vec::new();
        for doc in &docs {
            changes.extend(nothing(index, doc)?);
            spool.remove(doc)?;
        }
        if !docs.is_empty() {
            spool.sync_dir()?;
            index.apply(changes)?;
        }
        Ok(docs)
    }
}
