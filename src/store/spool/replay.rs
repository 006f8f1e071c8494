//! Reading a document back from its files: the state that all its lines add up to.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufReader};

use super::line::{self, Entry};
use super::{Doc, Spool, failed, read_header};
use crate::job::{Job, JobId, Notice, NoticeId, ReceivedFax};
use crate::store::StoreError;

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
            return Err(ReadError::Damaged(format!(
                "{} has no first line",
                path.display()
            )));
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
            return Err(ReadError::Damaged(format!(
                "the header of {} is damaged",
                path.display()
            )));
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
                if self
                    .jobs
                    .get(&job.id)
                    .is_none_or(|known| known.version < job.version)
                {
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
