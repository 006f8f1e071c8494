//! A record of the spool: one line of eight hexadecimal digits (CRC-32), a space, JSON and a line feed.
//!
//! A line that was torn by a crash, or damaged since, does not pass its checksum and is told from a good one.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::job::{Job, Notice, NoticeId, ReceivedFax, Submission};

/// Digits of the checksum and the space after them.
const CHECK_BYTES: usize = 9;

/// The first line of a message file, as it is read.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct Header {
    /// The form of the file, [`Header::FORMAT`].
    pub(crate) format: u32,
    /// Bytes of the message, which follows the header line.
    pub(crate) message_bytes: u64,
    /// CRC-32 of the message.
    pub(crate) message_crc: u32,
    /// What the door brought.
    pub(crate) submission: Submission,
    /// Its jobs, as they were accepted.
    pub(crate) jobs: Vec<Job>,
}

impl Header {
    /// The form of file that this program writes and reads.
    pub(crate) const FORMAT: u32 = 1;
}

/// The same as it is written.
#[derive(Debug, Serialize)]
pub(crate) struct HeaderOf<'a> {
    pub(crate) format: u32,
    pub(crate) message_bytes: u64,
    pub(crate) message_crc: u32,
    pub(crate) submission: &'a Submission,
    pub(crate) jobs: &'a [Job],
}

/// One change, as a log keeps it. It is whole in one line: a job never changes without its notices.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "kebab-case")]
pub(crate) enum Entry {
    /// A job as it stands now, and the notices that the change gave rise to.
    Job {
        /// The job, with its new version.
        job: Box<Job>,
        /// New notices.
        notices: Vec<Notice>,
    },
    /// A fax came in, and these notices are owed for it.
    Received {
        /// The fax.
        fax: Box<ReceivedFax>,
        /// New notices.
        notices: Vec<Notice>,
    },
    /// A notice was tried and did not go out.
    NoticeRetry {
        /// The notice as it stands now.
        notice: Notice,
    },
    /// A notice went out.
    NoticeDone {
        /// Which.
        id: NoticeId,
    },
}

/// The line for a value.
pub(crate) fn encode(value: &impl Serialize) -> Result<Vec<u8>, serde_json::Error> {
    let json = serde_json::to_vec(value)?;
    let mut line = format!("{:08x} ", crc32fast::hash(&json)).into_bytes();
    line.extend_from_slice(&json);
    line.push(b'\n');
    Ok(line)
}

/// The value of a line, with or without its line feed; `None` where the line is torn or damaged.
pub(crate) fn decode<T: DeserializeOwned>(line: &[u8]) -> Option<T> {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    let (check, json) = line.split_at_checked(CHECK_BYTES)?;
    let check = std::str::from_utf8(check).ok()?.strip_suffix(' ')?;
    let check = u32::from_str_radix(check, 16).ok()?;
    (crc32fast::hash(json) == check).then(|| serde_json::from_slice(json).ok()).flatten()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn every_cut_and_every_changed_byte_is_noticed() {
        let line = encode(&vec!["a", "line\nof", "text"]).unwrap();
        assert_eq!(decode::<Vec<String>>(&line), Some(vec!["a".into(), "line\nof".into(), "text".into()]));
        assert_eq!(line.iter().filter(|byte| **byte == b'\n').count(), 1);
        for end in 0..line.len() - 1 {
            assert_eq!(decode::<Vec<String>>(&line[..end]), None, "cut at {end}");
        }
        for at in CHECK_BYTES..line.len() - 1 {
            let mut damaged = line.clone();
            damaged[at] ^= 1;
            assert_eq!(decode::<Vec<String>>(&damaged), None, "damaged at {at}");
        }
    }
}
