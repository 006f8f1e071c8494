//! The store's thread: it alone touches the index, and writes in groups.
//!
//! While one group is made durable the next requests wait in the channel, and become the next group: the more
//! callers there are, the more of them share one flush. In a group:
//!
//! 1. each write is checked, and refused or planned ([`super::plan`]);
//! 2. the journal takes all of it, with one `fdatasync`;
//! 3. the spool is written: messages appear, logs grow;
//! 4. all are answered;
//! 5. the index takes its changes, before anybody can ask.
//!
//! A crash before the end of 2 leaves the old state or an answer that nobody got; after it the new one, which
//! the next start makes of the journal. Where 2 or 3 fail, the spool is put back and every caller told. An index
//! that failed is opened again before the next request, and learns from the spool what it lacks; one that is damaged is
//! set aside and made again.

use std::fs::File;
use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};

use super::boot;
use super::compact::{compact, has_grown};
use super::group::{self, Reply};
use super::index::{Index, IndexError};
use super::plan::{Write, Written, nothing};
use super::recover::{OpenReport, open_index};
use crate::store::journal::{Journal, Patch};
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
    pub(super) journal: Journal,
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
                        self.close();
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

    /// Leaves nothing to be mended, if the disk lets it.
    fn close(self) {
        let Self { mut journal, index, config, lock, .. } = self;
        let settled = journal.settle();
        let closed = index.map_or(Ok(()), Index::close_durably).map_err(StoreError::from);
        if let Err(error) = settled.and(closed).and_then(|()| boot::unmark(&config.dir)) {
            tracing::error!("the next start has to mend the store: {error}");
        }
        drop(lock);
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
        let index = compact(index, &self.config)?;
        self.size_after_compaction = index.size()?;
        tracing::info!("the index had {size} bytes and has {} now", self.size_after_compaction);
        self.index = Some(index);
        Ok(())
    }

    /// The index; one that failed is opened again first.
    fn index(&mut self) -> Result<&Index, StoreError> {
        if let Some(trouble) = self.index.as_ref().and_then(Index::trouble) {
            tracing::error!("the index is opened again: {trouble:?}");
            let closed = self.index.take().map_or(Ok(()), Index::close);
            // One that does not close keeps its files; the new one needs its own.
            if let (IndexError::Damaged(cause), _) | (_, Err(IndexError::Damaged(cause))) = (trouble, closed)
            {
                self.damaged = Some(cause);
            }
        }
        match &mut self.index {
            Some(index) => Ok(index),
            empty => {
                self.journal.settle()?;
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
        if let Err(error) = self.index() {
            return group::refuse(&spool, writes, &error);
        }
        let Some(index) = &self.index else {
            return;
        };
        let (mut plan, mut waiting) = group::plan(index, &spool, writes);
        group::write_spool(&spool, &mut self.journal, &mut plan, &mut waiting);
        waiting.succeed();
        if let Err(error) = index.apply(plan.into_changes()) {
            tracing::error!("{}; it is made good before the next request", StoreError::from(error));
        }
    }

    /// Forgets documents: first their files, then what the index has of them. The journal is settled then, for it
    /// may still hold what is to be forgotten.
    fn forget(&mut self, find: Find) -> Result<Vec<Doc>, StoreError> {
        let index = self.index()?;
        let docs = find(index)?;
        if docs.is_empty() {
            return Ok(docs);
        }
        let mut changes = Vec::new();
        for doc in &docs {
            changes.extend(nothing(index, doc)?);
        }
        let names = docs.iter().flat_map(|doc| doc.message_name().into_iter().chain([doc.log_name()]));
        let patches: Vec<_> = names.map(|name| Patch::cut(name, 0)).collect();
        self.journal.commit(&patches)?;
        docs.iter().try_for_each(|doc| self.spool.remove(doc))?;
        let index = self.index()?;
        index.apply(changes)?;
        // That no start finds something in the index whose files are gone, and warns of it.
        index.push()?;
        self.journal.rotate()?;
        Ok(docs)
    }
}
