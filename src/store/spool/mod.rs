//! The spool: the files that are the truth, from which the index can be made again.
//!
//! ```text
//! <submission>.fax       a header line (submission and jobs), then the message; never changed once it is there
//! <submission>.log       what became of its jobs and notices, a line a change
//! <fax>.received         a received fax, and what became of its notices, a line a change
//! <submission>.tmp       a message on its way in; counts for nothing, taken away at the next start
//! *.damaged              what could not be read, set aside for the operator
//! ```
//!
//! A small message, and every line of a log, is in the journal ([`super::journal`]) before it is written here, and is
//! not synced here. A large message is written to its `.tmp`, fsynced, renamed, and the folder fsynced. Either way it
//! is there as a whole or not at all. A log only grows at its end; a line that a crash tore is cut off, for nobody was
//! told of it. Files are open to their owner only: faxes are private.

mod line;
mod replay;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};

use super::StoreError;
use super::files::{failed, make_private_dir, private_file, remove_if_there, sync_dir, write_synced};
use crate::job::{FaxId, Job, JobId, Submission, SubmissionId};

pub(super) use self::line::{Entry, encode};
use self::line::{Header, HeaderOf};
pub(super) use self::replay::{Contents, ReadError};

/// Bytes of a message file that goes through the journal; a larger one costs more to write twice than to sync.
pub(super) const JOURNALED_BYTES_MAX: usize = 64 << 10;

/// Bytes of the header line of a message: some thousand recipients.
const HEADER_BYTES_MAX: usize = 8 << 20;

/// What one file of changes belongs to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Doc {
    /// A submission with its jobs and their notices.
    Submission(SubmissionId),
    /// A received fax with its notices.
    Received(FaxId),
}

impl Doc {
    /// The name of the file of its changes.
    pub(super) fn log_name(&self) -> String {
        match self {
            Self::Submission(id) => format!("{id}.log"),
            Self::Received(id) => format!("{id}.received"),
        }
    }

    /// The name of the file of its message.
    pub(super) fn message_name(&self) -> Option<String> {
        match self {
            Self::Submission(id) => Some(message_name(id)),
            Self::Received(_) => None,
        }
    }
}

fn message_name(id: &SubmissionId) -> String {
    format!("{id}.fax")
}

/// Which of the files of the spool a name is.
enum Kind {
    Message(SubmissionId),
    Log(SubmissionId),
    Received(FaxId),
    Temporary,
    Other,
}

fn kind(name: &str) -> Kind {
    let Some((stem, extension)) = name.split_once('.') else {
        return Kind::Other;
    };
    let known = match extension {
        "fax" => SubmissionId::parse(stem).map(Kind::Message),
        "log" => SubmissionId::parse(stem).map(Kind::Log),
        "received" => FaxId::parse(stem).map(Kind::Received),
        "tmp" => Some(Kind::Temporary),
        _ => None,
    };
    known.unwrap_or(Kind::Other)
}

/// The folder of the spool.
#[derive(Debug)]
pub(super) struct Spool {
    dir: PathBuf,
}

/// What lies in the spool.
#[derive(Debug, Default)]
pub(super) struct Listing {
    /// Every document, and the bytes of its log.
    pub(super) docs: BTreeMap<Doc, u64>,
    /// Logs whose message is gone: what a crash left of a purge.
    pub(super) orphans: Vec<SubmissionId>,
    /// Names of temporary files.
    pub(super) temporary: Vec<String>,
}

impl Spool {
    /// Opens the folder, and makes it where there is none.
    pub(super) fn open(dir: PathBuf) -> Result<Self, StoreError> {
        make_private_dir(&dir)?;
        Ok(Self { dir })
    }

    /// The folder.
    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    /// What a message file holds: the header line and the message.
    pub(super) fn frame(
        submission: &Submission,
        jobs: &[Job],
        message: &[u8],
    ) -> Result<Vec<u8>, StoreError> {
        let id = &submission.id;
        let header = HeaderOf {
            format: Header::FORMAT,
            message_bytes: message.len() as u64,
            message_crc: crc32fast::hash(message),
            submission,
            jobs,
        };
        let header = encode(&header).map_err(|e| StoreError::Failed(format!("header of {id}: {e}")))?;
        if header.len() > HEADER_BYTES_MAX {
            return Err(StoreError::TooLarge(format!("submission {id}")));
        }
        let mut file = header;
        file.reserve_exact(message.len());
        file.extend_from_slice(message);
        Ok(file)
    }

    /// Writes a message file under its temporary name, durably. [`StoreError::Conflict`] where the name is taken.
    pub(super) fn stage(&self, id: &SubmissionId, content: &[u8]) -> Result<(), StoreError> {
        let path = self.temporary(id);
        // Creating it anew is what keeps two accepts of one name apart.
        let mut file = private_file().create_new(true).open(&path).map_err(|e| match e.kind() {
            io::ErrorKind::AlreadyExists => StoreError::Conflict(format!("submission {id}")),
            _ => failed("create", &path, &e),
        })?;
        let written = if self.message_path(id).exists() {
            Err(StoreError::Conflict(format!("submission {id}")))
        } else {
            write_synced(&mut file, content).map_err(|e| failed("write", &path, &e))
        };
        if written.is_err() {
            self.discard(id);
        }
        written
    }

    /// Takes a staged message away again.
    pub(super) fn discard(&self, id: &SubmissionId) {
        let path = self.temporary(id);
        if let Err(e) = fs::remove_file(&path) {
            // The next start takes it away.
            tracing::warn!("cannot remove {}: {e}", path.display());
        }
    }

    /// Gives a staged message its name. It is durable after [`Spool::sync_dir`].
    pub(super) fn publish(&self, id: &SubmissionId) -> Result<(), StoreError> {
        let path = self.message_path(id);
        fs::rename(self.temporary(id), &path).map_err(|e| failed("rename to", &path, &e))
    }

    /// Writes a message file under its name. It is durable if the journal has it.
    pub(super) fn create(&self, id: &SubmissionId, content: &[u8]) -> Result<(), StoreError> {
        let path = self.message_path(id);
        let mut file =
            private_file().create_new(true).open(&path).map_err(|e| failed("create", &path, &e))?;
        file.write_all(content).map_err(|e| failed("write", &path, &e))
    }

    /// Whether there is a message of this name.
    pub(super) fn has_message(&self, id: &SubmissionId) -> bool {
        self.message_path(id).exists()
    }

    /// Whether there is a message of this name, or one on its way in.
    pub(super) fn has_begun(&self, id: &SubmissionId) -> bool {
        self.has_message(id) || self.temporary(id).exists()
    }

    /// Takes a message away that was not answered for, and what its log may hold.
    pub(super) fn unpublish(&self, id: &SubmissionId) -> Result<(), StoreError> {
        remove_if_there(&self.temporary(id))?;
        self.remove(&Doc::Submission(id.clone()))
    }

    /// Adds lines to the log of `doc`, which was `length` bytes long. They are durable if the journal has them.
    pub(super) fn append(&self, doc: &Doc, length: u64, lines: &[u8]) -> Result<(), StoreError> {
        let path = self.dir.join(doc.log_name());
        let append = || -> io::Result<()> {
            let mut file = private_file().append(true).create(length == 0).open(&path)?;
            let found = file.metadata()?.len();
            if found != length {
                return Err(io::Error::other(format!("it has {found} bytes, not {length}")));
            }
            file.write_all(lines)
        };
        append().map_err(|e| failed("append to", &path, &e))
    }

    /// Cuts the log of `doc` back to `length` bytes, after a change that came to nothing.
    pub(super) fn cut(&self, doc: &Doc, length: u64) {
        let path = self.dir.join(doc.log_name());
        let result = match length {
            0 => fs::remove_file(&path),
            _ => File::options()
                .write(true)
                .open(&path)
                .and_then(|file| if file.metadata()?.len() > length { file.set_len(length) } else { Ok(()) }),
        };
        match result {
            Err(e) if e.kind() != io::ErrorKind::NotFound => {
                tracing::error!("cannot cut {} back to {length} bytes: {e}", path.display());
            }
            _ => {}
        }
    }

    /// Takes a document away.
    pub(super) fn remove(&self, doc: &Doc) -> Result<(), StoreError> {
        if let Doc::Submission(id) = doc {
            // First the message: a log without a message counts for nothing.
            remove_if_there(&self.message_path(id))?;
        }
        remove_if_there(&self.dir.join(doc.log_name()))
    }

    /// Makes new, renamed and removed names durable.
    pub(super) fn sync_dir(&self) -> Result<(), StoreError> {
        sync_dir(&self.dir)
    }

    /// The message of a submission; an error where it is not what was accepted.
    pub(super) fn message(&self, id: &SubmissionId) -> Result<Vec<u8>, StoreError> {
        let path = self.message_path(id);
        let file = File::open(&path).map_err(|e| match e.kind() {
            io::ErrorKind::NotFound => StoreError::NotFound(format!("submission {id}")),
            _ => failed("open", &path, &e),
        })?;
        let mut file = BufReader::new(file);
        let header = read_header(&mut file).map_err(|e| failed("read", &path, &e))?;
        let mut message = Vec::new();
        file.read_to_end(&mut message).map_err(|e| failed("read", &path, &e))?;
        match header {
            Some(header) if header.message_crc == crc32fast::hash(&message) => Ok(message),
            _ => Err(StoreError::Failed(format!("{} is damaged", path.display()))),
        }
    }

    /// A submission as it was accepted, and the names of its jobs.
    pub(super) fn submission(&self, id: &SubmissionId) -> Result<(Submission, Vec<JobId>), StoreError> {
        let path = self.message_path(id);
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(failed("open", &path, &e)),
            Err(_) if self.temporary(id).exists() => {
                return Err(StoreError::Conflict(format!("submission {id}")));
            }
            Err(_) => return Err(StoreError::NotFound(format!("submission {id}"))),
        };
        let header = read_header(&mut BufReader::new(file)).map_err(|e| failed("read", &path, &e))?;
        let header = header.ok_or_else(|| StoreError::Failed(format!("{} is damaged", path.display())))?;
        Ok((header.submission, header.jobs.into_iter().map(|job| job.id).collect()))
    }

    /// What lies in the folder.
    pub(super) fn list(&self) -> Result<Listing, StoreError> {
        let fail = |e: io::Error| failed("read", &self.dir, &e);
        let mut listing = Listing::default();
        let mut logs = BTreeMap::new();
        for entry in fs::read_dir(&self.dir).map_err(fail)? {
            let entry = entry.map_err(fail)?;
            let name = entry.file_name().to_string_lossy().into_owned();
            match kind(&name) {
                Kind::Message(id) => {
                    listing.docs.insert(Doc::Submission(id), 0);
                }
                Kind::Log(id) => {
                    logs.insert(id, entry.metadata().map_err(fail)?.len());
                }
                Kind::Received(id) => {
                    let length = entry.metadata().map_err(fail)?.len();
                    listing.docs.insert(Doc::Received(id), length);
                }
                Kind::Temporary => listing.temporary.push(name),
                Kind::Other => {}
            }
        }
        for (id, length) in logs {
            match listing.docs.get_mut(&Doc::Submission(id.clone())) {
                Some(known) => *known = length,
                None => listing.orphans.push(id),
            }
        }
        Ok(listing)
    }

    /// Takes away what a crash left behind, and counts it; only while no accept is under way.
    pub(super) fn clean(&self) -> Result<usize, StoreError> {
        let listing = self.list()?;
        for name in &listing.temporary {
            remove_if_there(&self.dir.join(name))?;
        }
        for id in &listing.orphans {
            self.remove(&Doc::Submission(id.clone()))?;
        }
        Ok(listing.temporary.len() + listing.orphans.len())
    }

    /// Puts the files of a document that cannot be read out of the way, where the operator finds them.
    pub(super) fn set_aside(&self, doc: &Doc) -> Result<(), StoreError> {
        let mut names = vec![doc.log_name()];
        if let Doc::Submission(id) = doc {
            names.push(message_name(id));
        }
        for name in names {
            let path = self.dir.join(&name);
            match fs::rename(&path, self.dir.join(format!("{name}.damaged"))) {
                Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(failed("rename", &path, &e)),
                _ => {}
            }
        }
        self.sync_dir()
    }

    fn temporary(&self, id: &SubmissionId) -> PathBuf {
        self.dir.join(format!("{id}.tmp"))
    }

    fn message_path(&self, id: &SubmissionId) -> PathBuf {
        self.dir.join(message_name(id))
    }
}

/// The header of a message file; `None` where it is damaged or of another form.
fn read_header(file: &mut impl BufRead) -> io::Result<Option<Header>> {
    let mut line = Vec::new();
    file.take(HEADER_BYTES_MAX as u64).read_until(b'\n', &mut line)?;
    Ok(line::decode(&line).filter(|header: &Header| header.format == Header::FORMAT))
}
