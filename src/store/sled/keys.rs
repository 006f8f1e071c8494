//! The keys of the index. All lie in one tree, so that one batch is one atomic write.
//!
//! ```text
//! J <job>               the job, as JSON
//! D <time> <job>        a job that is not done, by the time when it is due; with another priority than the usual one it
//!                       is a … i, from the highest to the lowest above it, or k … s below it
//! E <time> <job>        a job that is done, by the time of its end
//! N <notice>            the document that it belongs to (14 bytes), then the notice, as JSON
//! M <time> <notice>     a notice that is to be tried, by that time
//! R <fax>               a received fax, as JSON
//! S <document>          a document of the spool: the bytes of its log that the index knows of
//! L <document> J|N <id> what belongs to a document
//! ```

use jiff::Timestamp;

use crate::job::{FaxId, Job, JobId, Notice, NoticeId, Options, State, SubmissionId};
use crate::store::spool::Doc;

/// Bytes of a document in a key: its kind and its name.
pub(super) const DOC_BYTES: usize = 14;
/// Bytes of a time in a key.
const TIME_BYTES: usize = 16;

/// The kinds of keys: their first byte.
pub(super) mod space {
    /// Jobs.
    pub(in super::super) const JOB: u8 = b'J';
    /// Jobs that are not done, by due time.
    pub(in super::super) const JOB_DUE: u8 = b'D';
    /// Jobs that are done, by end time.
    pub(in super::super) const JOB_ENDED: u8 = b'E';
    /// Notices.
    pub(in super::super) const NOTICE: u8 = b'N';
    /// Notices that are to be tried, by time.
    pub(in super::super) const NOTICE_DUE: u8 = b'M';
    /// Received faxes.
    pub(in super::super) const RECEIVED: u8 = b'R';
    /// Documents.
    pub(in super::super) const DOC: u8 = b'S';
    /// What belongs to a document.
    pub(in super::super) const LINK: u8 = b'L';
}

/// A key: its kind, then its parts.
pub(super) fn key(space: u8, parts: &[&[u8]]) -> Vec<u8> {
    let mut key = vec![space];
    for part in parts {
        key.extend_from_slice(part);
    }
    key
}

/// A time that sorts as bytes: nanoseconds since 1970, big-endian, the sign turned over.
fn time(at: Timestamp) -> [u8; TIME_BYTES] {
    (at.as_nanosecond() ^ i128::MIN).to_be_bytes()
}

/// The time in a key that begins with a kind and a time, and the name after it.
pub(super) fn split_timed(key: &[u8]) -> Option<(Timestamp, &[u8])> {
    let (time, name) = key.get(1..)?.split_first_chunk::<TIME_BYTES>()?;
    let nanoseconds = i128::from_be_bytes(*time) ^ i128::MIN;
    Some((Timestamp::from_nanosecond(nanoseconds).ok()?, name))
}

/// The key of a job.
pub(super) fn job(id: &JobId) -> Vec<u8> {
    key(space::JOB, &[id.as_str().as_bytes()])
}

/// The kind of the keys of jobs that are not done and have this priority.
pub(super) fn due_space(priority: i8) -> u8 {
    match priority.clamp(-Options::PRIORITY_MAX, Options::PRIORITY_MAX) {
        0 => space::JOB_DUE,
        priority => b'j'.saturating_add_signed(-priority),
    }
}

/// The kinds of the keys of all jobs that are not done, the most urgent first.
pub(super) fn due_spaces() -> impl Iterator<Item = u8> {
    (-Options::PRIORITY_MAX..=Options::PRIORITY_MAX).rev().map(due_space)
}

/// The key that finds a job by time: when it is due, or when it ended.
pub(super) fn job_time(job: &Job) -> Vec<u8> {
    let id = job.id.as_str().as_bytes();
    match (&job.state, job.due()) {
        (State::Done { at, .. }, _) => key(space::JOB_ENDED, &[&time(*at), id]),
        (_, due) => key(due_space(job.options.priority), &[&time(due.unwrap_or_default()), id]),
    }
}

/// The key of a notice.
pub(super) fn notice(id: &NoticeId) -> Vec<u8> {
    key(space::NOTICE, &[id.as_str().as_bytes()])
}

/// The key that finds a notice by the time of its next try; `None` once it was given up.
pub(super) fn notice_time(notice: &Notice) -> Option<Vec<u8>> {
    let at = notice.next_try?;
    Some(key(space::NOTICE_DUE, &[&time(at), notice.id.as_str().as_bytes()]))
}

/// The key of a received fax.
pub(super) fn received(id: &FaxId) -> Vec<u8> {
    key(space::RECEIVED, &[id.as_str().as_bytes()])
}

/// The key of `space` that lies after all keys of that time; names are ASCII.
pub(super) fn after(space: u8, at: Timestamp) -> Vec<u8> {
    key(space, &[&time(at), &[0xff]])
}

/// The first key that can follow a key.
pub(super) fn next(mut key: Vec<u8>) -> Vec<u8> {
    key.push(0);
    key
}

/// The key of `space` that lies before all keys of that time.
pub(super) fn at(space: u8, at: Timestamp) -> Vec<u8> {
    key(space, &[&time(at)])
}

/// A document in a key.
pub(super) fn doc_bytes(doc: &Doc) -> Vec<u8> {
    match doc {
        Doc::Submission(id) => key(b's', &[id.as_str().as_bytes()]),
        Doc::Received(id) => key(b'r', &[id.as_str().as_bytes()]),
    }
}

/// The document that [`doc_bytes`] wrote.
pub(super) fn parse_doc(bytes: &[u8]) -> Option<Doc> {
    let (kind, name) = bytes.split_first()?;
    let name = std::str::from_utf8(name).ok()?;
    match kind {
        b's' => SubmissionId::parse(name).map(Doc::Submission),
        b'r' => FaxId::parse(name).map(Doc::Received),
        _ => None,
    }
}

/// The key of a document.
pub(super) fn doc(doc: &Doc) -> Vec<u8> {
    key(space::DOC, &[&doc_bytes(doc)])
}

/// The beginning of the keys of what belongs to a document.
pub(super) fn links(doc: &Doc) -> Vec<u8> {
    key(space::LINK, &[&doc_bytes(doc)])
}

/// The key that ties `target`, the key of a job or a notice, to its document.
pub(super) fn link(doc: &Doc, target: &[u8]) -> Vec<u8> {
    key(space::LINK, &[&doc_bytes(doc), target])
}

/// The key that [`link`] tied to a document.
pub(super) fn link_target(link: &[u8]) -> &[u8] {
    link.get(1 + DOC_BYTES..).unwrap_or_default()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn times_sort_as_bytes_and_read_back() {
        let times = ["-000009-01-01T00:00:00Z", "1969-12-31T23:59:59.5Z", "1970-01-01T00:00:00Z"]
            .into_iter()
            .chain(["2026-11-23T10:00:00Z", "2026-11-23T10:00:00.000000001Z", "9999-01-01T00:00:00Z"])
            .map(|text| text.parse::<Timestamp>().unwrap())
            .collect::<Vec<_>>();
        let keys: Vec<_> = times.iter().map(|at| key(space::JOB_DUE, &[&time(*at), b"x"])).collect();
        assert!(keys.is_sorted());
        for (at, key) in times.iter().zip(&keys) {
            assert_eq!(split_timed(key), Some((*at, &b"x"[..])));
            assert!(*key < after(space::JOB_DUE, *at), "what is due now is due");
        }
        assert!(after(space::JOB_DUE, times[3]) <= keys[4], "a nanosecond later is not due");
    }

    #[test]
    fn documents_and_links_read_back() {
        let doc = Doc::Submission(SubmissionId::new(Timestamp::UNIX_EPOCH));
        assert_eq!(doc_bytes(&doc).len(), DOC_BYTES);
        assert_eq!(parse_doc(&doc_bytes(&doc)), Some(doc.clone()));
        let target = job(&JobId::new(Timestamp::UNIX_EPOCH));
        assert_eq!(link_target(&link(&doc, &target)), target);
    }
}
