//! One group of writes: who waits for what, and the spool's part in making it durable.

use std::collections::BTreeMap;

use tokio::sync::oneshot;

use super::index::Index;
use super::plan::{DocPlan, MessageFile, Plan, Write, Written};
use crate::job::SubmissionId;
use crate::store::StoreError;
use crate::store::journal::{Journal, Patch};
use crate::store::spool::{Doc, Spool};

/// Somebody who waits for an answer.
pub(super) type Reply<T> = oneshot::Sender<Result<T, StoreError>>;

/// The documents of a group, and those who wait for each with what they shall be told.
#[derive(Default)]
pub(super) struct Waiting(BTreeMap<Doc, Vec<(Reply<Written>, Written)>>);

impl Waiting {
    /// Everything is durable.
    pub(super) fn succeed(self) {
        for (reply, written) in self.0.into_values().flatten() {
            let _ = reply.send(Ok(written));
        }
    }

    fn fail_doc(&mut self, doc: &Doc, error: &StoreError) {
        for (reply, _) in self.0.remove(doc).unwrap_or_default() {
            let _ = reply.send(Err(error.clone()));
        }
    }
}

/// Checks the writes one by one; refuses those that cannot be, and plans the others.
pub(super) fn plan<'a>(
    index: &'a Index,
    spool: &Spool,
    writes: Vec<(Write, Reply<Written>)>,
) -> (Plan<'a>, Waiting) {
    let mut plan = Plan::new(index);
    let mut waiting = Waiting::default();
    for (write, reply) in writes {
        let staged = staged(&write);
        if reply.is_closed() {
            // The caller has gone and will not promise anything.
            discard(spool, staged.as_ref());
            continue;
        }
        match plan.add(write) {
            Ok((written, Some(doc))) => waiting.0.entry(doc).or_default().push((reply, written)),
            Ok((written, None)) => {
                let _ = reply.send(Ok(written));
            }
            Err(error) => {
                discard(spool, staged.as_ref());
                let _ = reply.send(Err(error));
            }
        }
    }
    (plan, waiting)
}

/// Refuses a whole group, for there is no index.
pub(super) fn refuse(spool: &Spool, writes: Vec<(Write, Reply<Written>)>, error: &StoreError) {
    for (write, reply) in writes {
        discard(spool, staged(&write).as_ref());
        let _ = reply.send(Err(error.clone()));
    }
}

/// Writes the spool's part, durably. A document that cannot be written falls out of the plan, and those who
/// wait for it are told.
pub(super) fn write_spool(spool: &Spool, journal: &mut Journal, plan: &mut Plan<'_>, waiting: &mut Waiting) {
    let mut drop_all = |plan: &mut Plan<'_>, failed: Vec<(Doc, StoreError)>| {
        for (doc, error) in failed {
            tracing::error!("{error}");
            plan.drop_doc(&doc);
            waiting.fail_doc(&doc, &error);
        }
    };
    let failed = publish_staged(spool, &plan.docs);
    drop_all(plan, failed);

    let patches: Vec<_> = plan.docs.iter().flat_map(|(doc, change)| patches(doc, change)).collect();
    if let Err(error) = journal.commit(&patches) {
        drop(patches);
        plan.docs.iter().for_each(|(doc, change)| put_back(spool, doc, change));
        // Large messages had their names already, and there is no journal to say that they are gone.
        if let Err(error) = spool.sync_dir() {
            tracing::error!("what was refused may be found after a crash: {error}");
        }
        let failed = plan.docs.keys().map(|doc| (doc.clone(), error.clone())).collect();
        return drop_all(plan, failed);
    }
    drop(patches);

    let written = plan.docs.iter().map(|(doc, change)| (doc, write_doc(spool, doc, change)));
    let failed: Vec<_> = written.filter_map(|(doc, result)| Some((doc.clone(), result.err()?))).collect();
    let refused = failed.iter().filter_map(|(doc, _)| Some((doc, plan.docs.get(doc)?)));
    take_back(spool, journal, refused);
    drop_all(plan, failed);
}

/// Gives staged messages their names, durably; gives back those that could not be.
fn publish_staged(spool: &Spool, docs: &BTreeMap<Doc, DocPlan>) -> Vec<(Doc, StoreError)> {
    let mut published = Vec::new();
    let mut failed = Vec::new();
    for (doc, change) in docs {
        if let (Doc::Submission(id), Some(MessageFile::Staged)) = (doc, &change.message) {
            match spool.publish(id) {
                Ok(()) => published.push(doc),
                Err(error) => failed.push((doc.clone(), error)),
            }
        }
    }
    if !published.is_empty()
        && let Err(error) = spool.sync_dir()
    {
        failed.extend(published.into_iter().map(|doc| (doc.clone(), error.clone())));
    }
    for (doc, _) in &failed {
        if let Some(change) = docs.get(doc) {
            put_back(spool, doc, change);
        }
    }
    failed
}

/// What the journal has to hold of a document before its files are written.
fn patches<'a>(doc: &Doc, change: &'a DocPlan) -> impl Iterator<Item = Patch<'a>> {
    let message = match &change.message {
        Some(MessageFile::Bytes(bytes)) => doc.message_name().map(|name| Patch::write(name, 0, bytes)),
        _ => None,
    };
    let lines = &change.lines;
    let lines = (!lines.is_empty()).then(|| Patch::write(doc.log_name(), change.log_bytes, lines));
    message.into_iter().chain(lines)
}

/// Puts documents back as they were before the group, also for whoever comes after a crash.
fn take_back<'a>(
    spool: &Spool,
    journal: &mut Journal,
    refused: impl Iterator<Item = (&'a Doc, &'a DocPlan)>,
) {
    let mut patches = Vec::new();
    for (doc, change) in refused {
        put_back(spool, doc, change);
        let message = change.message.as_ref().and_then(|_| doc.message_name());
        patches.extend(message.map(|name| Patch::cut(name, 0)));
        patches.push(Patch::cut(doc.log_name(), change.log_bytes));
    }
    if let Err(error) = journal.commit(&patches) {
        tracing::error!("what was refused may be found after a crash: {error}");
    }
}

fn put_back(spool: &Spool, doc: &Doc, change: &DocPlan) {
    match (doc, &change.message) {
        (Doc::Submission(id), Some(_)) => {
            if let Err(error) = spool.unpublish(id) {
                tracing::error!("a refused submission stays in the spool: {error}");
            }
        }
        _ => spool.cut(doc, change.log_bytes),
    }
}

fn write_doc(spool: &Spool, doc: &Doc, change: &DocPlan) -> Result<(), StoreError> {
    if let (Doc::Submission(id), Some(MessageFile::Bytes(content))) = (doc, &change.message) {
        spool.create(id, content)?;
    }
    if change.lines.is_empty() { Ok(()) } else { spool.append(doc, change.log_bytes, &change.lines) }
}

fn staged(write: &Write) -> Option<SubmissionId> {
    match write {
        Write::Accept { id, file: MessageFile::Staged, .. } => Some(id.clone()),
        _ => None,
    }
}

fn discard(spool: &Spool, staged: Option<&SubmissionId>) {
    if let Some(id) = staged {
        spool.discard(id);
    }
}
