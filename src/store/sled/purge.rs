//! Which submissions may be forgotten.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::index::{self, Index, IndexError};
use super::keys::{self, space};
use crate::job::{Job, State, SubmissionId};
use crate::store::spool::Doc;

/// Submissions, at most `limit`, all of whose jobs ended before `before` and of which no notice is to be
/// tried any more. The one whose job ended first comes first.
pub(super) fn ended(index: &Index, before: Timestamp, limit: usize) -> Result<Vec<SubmissionId>, IndexError> {
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
        if seen.insert(job.submission.clone()) && is_over(index, &job.submission, before)? {
            found.push(job.submission);
        }
    }
    Ok(found)
}

fn is_over(index: &Index, submission: &SubmissionId, before: Timestamp) -> Result<bool, IndexError> {
    for target in index.linked(&Doc::Submission(submission.clone()))? {
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
