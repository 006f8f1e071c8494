//! One group of writes: who waits for what, and the spool's part in making it durable.

use std::collections::BTreeMap;

use tokio::sync::oneshot;

use super::index::Index;
use super::plan::{DocPlan, Plan, Write, Written};
use crate::job::SubmissionId;
use crate::store::StoreError;
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

    /// Nothing came of it.
    pub(super) fn fail(self, error: &StoreError) {
        for (reply, _) in self.0.into_values().flatten() {
            let _ = reply.send(Err(error.clone()));
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
pub(super) fn write_spool(spool: &Spool, plan: &mut Plan<'_>, waiting: &mut Waiting) {
    let mut renamed = Vec::new();
    let mut failed = Vec::new();
    for (doc, change) in &plan.docs {
        match write_doc(spool, doc, change) {
            Ok(true) => renamed.push(doc.clone()),
            Ok(false) => {}
            Err(error) => failed.push((doc.clone(), error)),
        }
    }
    if !renamed.is_empty()
        && let Err(error) = spool.sync_dir()
    {
        failed.extend(renamed.into_iter().map(|doc| (doc, error.clone())));
    }
    for (doc, error) in failed {
        tracing::error!("{error}");
        if let Some(change) = plan.docs.get(&doc) {
            take_back(spool, &doc, change);
        }
        plan.drop_doc(&doc);
        waiting.fail_doc(&doc, &error);
    }
}

/// Puts a document of the spool back as it was before the group.
pub(super) fn take_back(spool: &Spool, doc: &Doc, change: &DocPlan) {
    if !change.publish {
        return spool.cut(doc, change.log_bytes);
    }
    if let Doc::Submission(id) = doc
        && let Err(error) = spool.unpublish(id)
    {
        tracing::error!("a refused submission stays in the spool: {error}");
    }
}

/// Gives back whether the folder has to be synced.
fn write_doc(spool: &Spool, doc: &Doc, change: &DocPlan) -> Result<bool, StoreError> {
    if let Doc::Submission(id) = doc
        && change.publish
    {
        spool.publish(id)?;
    }
    let new_log = !change.lines.is_empty() && spool.append(doc, change.log_bytes, &change.lines)?;
    Ok(change.publish || new_log)
}

fn staged(write: &Write) -> Option<SubmissionId> {
    match write {
        Write::Accept { id, .. } => Some(id.clone()),
        _ => None,
    }
}

fn discard(spool: &Spool, staged: Option<&SubmissionId>) {
    if let Some(id) = staged {
        spool.discard(id);
    }
}
