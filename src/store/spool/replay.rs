//! Reading a document back from its files: the state that all its lines add up to.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufReader};

use super::line::{self, Entry};
use super::{Doc, Spool, read_header};
use crate::job::{Job, JobId, Notice, NoticeId, ReceivedFax};
use crate::store::StoreError;
use crate::store::files::failed;

/// All that a document holds.
#[derive(Debug, Default)]
pub(crate) struct Contents {
    /// The fax, where the document is a received one.
    pub(crate) fax: Option<ReceivedFax>,
    /// The jobs as they stand.
    pub(crate) jobs: BTreeMap<JobId, Job>,
    /// The notices that are owed or were given up.
    pub(crate) notices: BTreeMap<NoticeId, Notice>,
    /// Bytes of the log that count.
    pub(crate) log_bytes: u64,
    /// Bytes after them that a crash tore.
    pub(crate) torn_bytes: u64,
    /// Lines that are damaged with good ones after them.
    pub(crate) damaged_lines: u64,
}

/// Why a document cannot be read.
#[derive(Debug)]
pub(crate) enum ReadError {
    /// Its files are not what was written.
    Damaged(String),
    /// The disk fails; it may be whole.
    Failed(StoreError),
}

impl Spool {
    /// Reads a document, and cuts off what a crash tore at the end of its log.
    pub(crate) fn read(&self, doc: &Doc) -> Result<Contents, ReadError> {
        let mut contents = Contents::default();
        if matches!(doc, Doc::Submission(_)) {
            self.read_message_file(doc, &mut contents)?;
        }
        let path = self.dir.join(doc.log_name());
        let log = match fs::read(&path) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => Vec::new(),
            other => other.map_err(|e| ReadError::Failed(failed("read", &path, &e)))?,
        };
        contents.replay(&log);
        if matches!(doc, Doc::Received(_)) && contents.fax.is_none() {
            return Err(ReadError::Damaged(format!("{} has no first line", path.display())));
        }
        if contents.torn_bytes > 0 {
            self.cut(doc, contents.log_bytes);
        }
        Ok(contents)
    }

    /// The jobs of the header. The message itself is checked when it is read.
    fn read_message_file(&self, doc: &Doc, contents: &mut Contents) -> Result<(), ReadError> {
        let Doc::Submission(id) = doc else {
            return Ok(());
        };
        let path = self.message_path(id);
        let fail = |e: io::Error| ReadError::Failed(failed("read", &path, &e));
        let file = File::open(&path).map_err(fail)?;
        let mut file = BufReader::new(file);
        let header = read_header(&mut file).map_err(fail)?;
        let Some(header) = header.filter(|header| header.submission.id == *id) else {
            return Err(ReadError::Damaged(format!("the header of {} is damaged", path.display())));
        };
        contents.jobs = header.jobs.into_iter().map(|job| (job.id.clone(), job)).collect();
        Ok(())
    }
}

impl Contents {
    fn replay(&mut self, log: &[u8]) {
        let mut at = 0;
        let mut bad_lines = 0;
        for line in log.split_inclusive(|byte| *byte == b'\n') {
            at += line.len() as u64;
            // A line without its line feed was not finished, whatever its checksum says.
            match line::decode(line).filter(|_| line.ends_with(b"\n")) {
                Some(entry) => {
                    self.apply(entry);
                    self.log_bytes = at;
                    self.damaged_lines = bad_lines;
                }
                None => bad_lines += 1,
            }
        }
        self.torn_bytes = at - self.log_bytes;
    }

    fn apply(&mut self, entry: Entry) {
        match entry {
            Entry::Job { job, notices } => {
                // A job only goes forward, whatever the file says.
                if self.jobs.get(&job.id).is_none_or(|known| known.version < job.version) {
                    self.jobs.insert(job.id.clone(), *job);
                    self.owe(notices);
                }
            }
            Entry::Received { fax, notices } => {
                self.fax = Some(*fax);
                self.owe(notices);
            }
            Entry::NoticeRetry { notice } => self.owe(vec![notice]),
            Entry::NoticeDone { id } => {
                self.notices.remove(&id);
            }
        }
    }

    fn owe(&mut self, notices: Vec<Notice>) {
        for notice in notices {
            self.notices.insert(notice.id.clone(), notice);
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::super::encode;
    use super::*;
    use crate::store::contract::{at, done, report, submission};

    /// A log with a line of each kind that a submission has, and the versions and notices after each line.
    fn log() -> (Vec<Vec<u8>>, Vec<(u64, usize)>) {
        let job = submission(at(0), 1).1.remove(0);
        let version = |version, job: &Job| Box::new(Job { version, ..job.clone() });
        let notice = report(&job, at(9));
        let entries = [
            Entry::Job { job: version(1, &job), notices: vec![] },
            Entry::Job { job: version(2, &done(&job, at(9))), notices: vec![notice.clone()] },
            Entry::NoticeRetry { notice: notice.clone() },
            Entry::NoticeDone { id: notice.id },
        ];
        let lines = entries.iter().map(|entry| encode(entry).unwrap()).collect();
        (lines, vec![(0, 0), (1, 0), (2, 1), (2, 1), (2, 0)])
    }

    fn state(contents: &Contents) -> (u64, usize) {
        let version = contents.jobs.values().map(|job| job.version).max();
        (version.unwrap_or(0), contents.notices.len())
    }

    #[test]
    fn a_log_cut_anywhere_is_the_log_up_to_its_last_whole_line() {
        let (lines, states) = log();
        let whole = lines.concat();
        for cut in 0..=whole.len() {
            let mut contents = Contents::default();
            contents.replay(&whole[..cut]);
            let ends = lines.iter().scan(0, |end, line| {
                *end += line.len();
                Some(*end)
            });
            let kept: Vec<usize> = ends.take_while(|end| *end <= cut).collect();
            assert_eq!(state(&contents), states[kept.len()], "cut at {cut}");
            let log_bytes = kept.last().copied().unwrap_or(0);
            assert_eq!(contents.log_bytes, log_bytes as u64, "cut at {cut}");
            assert_eq!(contents.torn_bytes, (cut - log_bytes) as u64, "cut at {cut}");
            assert_eq!(contents.damaged_lines, 0, "cut at {cut}");
        }
    }

    #[test]
    fn a_job_never_goes_back() {
        let (lines, _) = log();
        let mut contents = Contents::default();
        contents.replay(&[&lines[1][..], &lines[0]].concat());
        assert_eq!(state(&contents), (2, 1));
    }

    #[test]
    fn damage_within_a_log_is_counted_and_what_follows_it_is_kept() {
        let (mut lines, _) = log();
        lines[0][20] ^= 1;
        let mut contents = Contents::default();
        contents.replay(&lines.concat());
        assert_eq!((contents.damaged_lines, contents.torn_bytes), (1, 0));
        assert_eq!(state(&contents), (2, 0));
    }
}
