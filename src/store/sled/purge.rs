//! Which submissions and received faxes may be forgotten.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::index::{self, Index, IndexError};
use super::keys::{self, space};
use crate::job::{Job, ReceivedFax, State};
use crate::store::spool::Doc;

/// Submissions, at most `limit`, all of whose jobs ended before `before` and of which no notice is to be
/// tried any more. The one whose job ended first comes first.
pub(super) fn ended(index: &Index, before: Timestamp, limit: usize) -> Result<Vec<Doc>, IndexError> {
    let mut seen = BTreeSet::new();
    let mut found = Vec::new();
    for name in index.timed(vec![space::JOB_ENDED]..keys::at(space::JOB_ENDED, before), usize::MAX)? {
        if found.len() >= limit {
            break;
        }
        let Some(value) = index.get(&keys::key(space::JOB, &[&name]))? else {
            continue;
        };
        let job: Job = index::decode(&value)?;
        let doc = Doc::Submission(job.submission);
        if !seen.contains(&doc) && is_over(index, &doc, before)? {
            found.push(doc.clone());
        }
        seen.insert(doc);
    }
    Ok(found)
}

/// Received faxes, at most `limit`, whose calls ended before `before` and of which no notice is to be tried any
/// more; the oldest come first.
pub(super) fn received(index: &Index, before: Timestamp, limit: usize) -> Result<Vec<Doc>, IndexError> {
    let mut old = Vec::new();
    let mut damaged = None;
    index.scan(vec![space::RECEIVED]..vec![space::RECEIVED + 1], |_, value| {
        match index::decode::<ReceivedFax>(value) {
            // Names are in the order in which calls began.
            Ok(fax) if fax.started >= before => return false,
            Ok(fax) if fax.ended < before => old.push(Doc::Received(fax.id)),
            Ok(_) => {}
            Err(error) => damaged = Some(error),
        }
        damaged.is_none()
    })?;
    if let Some(error) = damaged {
        return Err(error);
    }
    let mut found = Vec::new();
    for doc in old {
        if found.len() >= limit {
            break;
        }
        if is_over(index, &doc, before)? {
            found.push(doc);
        }
    }
    Ok(found)
}

fn is_over(index: &Index, doc: &Doc, before: Timestamp) -> Result<bool, IndexError> {
    for target in index.linked(doc)? {
        let Some(value) = index.get(&target)? else {
            continue;
        };
        let over = if target.first() == Some(&space::JOB) {
            let job: Job = index::decode(&value)?;
            matches!(job.state, State::Done { at, .. } if at < before)
        } else {
            index::decode_notice(&value)?.1.next_try.is_none()
        };
        if !over {
            return Ok(false);
        }
    }
    Ok(true)
}
