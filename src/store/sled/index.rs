//! sled, used as it is safe to use it.
//!
//! * Only the store's thread touches it, by plain reads and atomic batches: no transaction closures, which
//!   can deadlock, and each batch is flushed before the next, for streams of unflushed ones were seen to hang.
//! * A batch wakes all threads of sled, whatever its size. So changes wait in memory until there are many
//!   ([`BATCH_MIN`]) or a range is asked for; what a kill takes of them the next start makes again from the spool.
//! * `flush()` after a failed write was seen to wait for ever; so it is called in a thread of its own
//!   ([`super::writer`]), which writes most batches too, and an index that does not come back is left to itself and made again.
//! * `flush()` on Linux calls `sync_file_range` and no fsync. The index need not survive a power cut
//!   ([`super::boot`]): only closing it for good is followed by `fdatasync`, on a descriptor of our own.
//! * Records are small ([`RECORD_BYTES_MAX`]): what makes a log message of more than 131,052 bytes goes to
//!   files that sled never syncs, and a leaf holds 16 records.
//! * Some damage makes sled panic: every call runs under `catch_unwind`. What cannot be opened, even without
//!   its snapshot, is set aside and made again from the spool.
//! * sled gives no space back; an index that has grown is copied to a new one ([`super::compact`]).

use std::cell::RefCell;
use std::fs::{self, File, Permissions};
use std::io;
use std::ops::{Range, RangeBounds};
use std::os::unix::fs::PermissionsExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ::sled::IVec;
use jiff::Timestamp;

use super::keys;
use super::writer::{self, Changes, Writer};
use crate::job::Notice;
use crate::store::files::{make_private_dir, sync_dir};
use crate::store::spool::Doc;
use crate::store::{StoreConfig, StoreError};

/// Bytes of one record. A leaf is split when it holds more than 16, and is logged as a whole: 17 of these and
/// their keys stay under sled's 131,052.
pub(super) const RECORD_BYTES_MAX: usize = 7168;

/// Changes that make a batch, those of some 60 messages; fewer wait in memory.
const BATCH_MIN: usize = 256;
/// Changes that wait while a batch is being written; more wait for its end.
const PENDING_MAX: usize = 4096;

/// How often, and how long apart, a lock that our own last index may still be giving up is tried.
const LOCK_TRIES: u32 = 40;
const LOCK_PAUSE: Duration = Duration::from_millis(25);

/// A failure of the index.
#[derive(Clone, Debug)]
pub(super) enum IndexError {
    /// The files are damaged; they can be made again.
    Damaged(String),
    /// The disk is full; it may have room again.
    Full(String),
    /// The disk fails; making the files again would fail too.
    Failed(String),
}

impl IndexError {
    /// A failure of the spool, on which the index depends.
    #[allow(clippy::needless_pass_by_value, reason = "it is given to map_err")]
    pub(super) fn from_spool(cause: StoreError) -> Self {
        match cause {
            StoreError::Full(text) => Self::Full(text),
            other => Self::Failed(other.to_string()),
        }
    }

    fn from_io(cause: &io::Error) -> Self {
        use io::ErrorKind as K;
        match cause.kind() {
            K::StorageFull | K::QuotaExceeded => Self::Full(cause.to_string()),
            K::FileTooLarge | K::ReadOnlyFilesystem | K::PermissionDenied => Self::Failed(cause.to_string()),
            // EIO has no kind of its own.
            _ if cause.raw_os_error().is_some() => Self::Failed(cause.to_string()),
            _ => Self::Damaged(cause.to_string()),
        }
    }

    fn from_sled(cause: &::sled::Error) -> Self {
        match cause {
            ::sled::Error::Io(e) => Self::from_io(e),
            other => Self::Damaged(other.to_string()),
        }
    }
}

impl From<IndexError> for StoreError {
    fn from(error: IndexError) -> Self {
        match error {
            IndexError::Damaged(cause) => Self::Failed(format!("the index is damaged: {cause}")),
            IndexError::Full(cause) => Self::Full(format!("the index: {cause}")),
            IndexError::Failed(cause) => Self::Failed(format!("the index: {cause}")),
        }
    }
}

/// Runs a call of sled; a panic in it is damage.
pub(super) fn guarded<T>(call: impl FnOnce() -> Result<T, ::sled::Error>) -> Result<T, IndexError> {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(result) => result.map_err(|e| IndexError::from_sled(&e)),
        Err(panic) => {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message");
            Err(IndexError::Damaged(format!("sled panicked: {text}")))
        }
    }
}

/// Changes of the index: a value to write, or `None` to remove the key.
pub(super) type Change = (Vec<u8>, Option<Vec<u8>>);

/// The index over the spool.
#[derive(Debug)]
pub(super) struct Index {
    /// `Some` until it is closed.
    db: Option<::sled::Db>,
    writer: Writer,
    /// Changes that wait to be ordered.
    pending: RefCell<Changes>,
    /// sled's file, by a descriptor that can be synced.
    file: File,
    /// What went wrong: sled does not go on after an error, it has to be opened again.
    trouble: RefCell<Option<IndexError>>,
}

impl Index {
    /// Opens the index in `path`, and makes an empty one where there is none.
    pub(super) fn open(path: &Path, config: &StoreConfig) -> Result<Self, IndexError> {
        let cache_bytes = config.cache_bytes;
        make_private_dir(path).map_err(IndexError::from_spool)?;
        remove_snapshots(path, |name| name.ends_with(".generating"))?;
        let db = match open_db(path, cache_bytes) {
            Err(IndexError::Damaged(cause)) => {
                // A snapshot that a crash cut short; without it sled reads its log, which is slower.
                tracing::warn!("the index does not open ({cause}); trying without its snapshot");
                remove_snapshots(path, |_| true)?;
                open_db(path, cache_bytes)?
            }
            other => other?,
        };
        let file = path.join("db");
        let private = || {
            fs::set_permissions(&file, Permissions::from_mode(0o600))?;
            let file = File::open(&file)?;
            file.sync_all()?;
            Ok(file)
        };
        let file = private().map_err(|e: io::Error| IndexError::from_io(&e))?;
        sync_dir(path).map_err(IndexError::from_spool)?;
        let writer = Writer::start(db.clone(), config.commit_deadline / 3)?;
        Ok(Self { db: Some(db), writer, pending: RefCell::default(), file, trouble: RefCell::default() })
    }

    /// Runs a call of sled, and remembers its error.
    fn run<T>(&self, call: impl FnOnce(&::sled::Db) -> Result<T, ::sled::Error>) -> Result<T, IndexError> {
        let result = match &self.db {
            Some(db) => guarded(|| call(db)),
            None => Err(IndexError::Failed("closed".into())),
        };
        self.remember(result)
    }

    fn remember<T>(&self, result: Result<T, IndexError>) -> Result<T, IndexError> {
        if let Err(error) = &result {
            self.trouble.replace(Some(error.clone()));
        }
        result
    }

    /// The error after which this index must be opened again.
    pub(super) fn trouble(&self) -> Option<IndexError> {
        // Who was told of it needs no result.
        let _ = self.remember(self.writer.look());
        self.trouble.borrow().clone()
    }

    /// The value of a key.
    pub(super) fn get(&self, key: &[u8]) -> Result<Option<IVec>, IndexError> {
        if let Some(value) = self.pending.borrow().get(key) {
            return Ok(value.clone());
        }
        if let Some(value) = self.writer.ordered(key) {
            return Ok(value);
        }
        self.run(|db| db.get(key))
    }

    /// Visits the keys of a range in order until `visit` gives false.
    pub(super) fn scan(
        &self,
        range: impl RangeBounds<Vec<u8>>,
        mut visit: impl FnMut(&[u8], &[u8]) -> bool,
    ) -> Result<(), IndexError> {
        self.push()?;
        self.run(|db| {
            for item in db.range(range) {
                let (key, value) = item?;
                if !visit(&key, &value) {
                    break;
                }
            }
            Ok(())
        })
    }

    /// The values of a range, from its last key to its first, at most `limit`.
    pub(super) fn newest(&self, range: Range<Vec<u8>>, limit: usize) -> Result<Vec<IVec>, IndexError> {
        self.push()?;
        self.run(|db| db.range(range).values().rev().take(limit).collect())
    }

    /// The names after the times in a range of keys of one kind, in order of time, at most `limit`.
    pub(super) fn timed(&self, range: Range<Vec<u8>>, limit: usize) -> Result<Vec<Vec<u8>>, IndexError> {
        let mut names = Vec::new();
        if limit > 0 && range.start < range.end {
            self.scan(range, |key, _| {
                names.extend(keys::split_timed(key).map(|(_, name)| name.to_vec()));
                names.len() < limit
            })?;
        }
        Ok(names)
    }

    /// The first time in the keys of a kind that lies after `after`.
    pub(super) fn first_time(&self, space: u8, after: Timestamp) -> Result<Option<Timestamp>, IndexError> {
        let mut first = None;
        self.scan(keys::after(space, after)..vec![space + 1], |key, _| {
            first = keys::split_timed(key).map(|(at, _)| at);
            false
        })?;
        Ok(first)
    }

    /// The keys of what belongs to a document.
    pub(super) fn linked(&self, doc: &Doc) -> Result<Vec<Vec<u8>>, IndexError> {
        self.push()?;
        self.run(|db| {
            db.scan_prefix(keys::links(doc))
                .keys()
                .map(|key| key.map(|key| keys::link_target(&key).to_vec()))
                .collect()
        })
    }

    /// Takes changes. Whoever reads sees them at once; a kill may lose them.
    pub(super) fn apply(&self, changes: impl IntoIterator<Item = Change>) -> Result<(), IndexError> {
        let changes = changes.into_iter().map(|(key, value)| (key.into(), value.map(IVec::from)));
        self.pending.borrow_mut().extend(changes);
        let count = self.pending.borrow().len();
        self.remember(self.writer.look())?;
        if count < BATCH_MIN || (count < PENDING_MAX && self.writer.is_busy()) {
            return Ok(());
        }
        self.remember(self.writer.order(Arc::new(self.pending.take())))
    }

    /// Brings sled up to date, for who reads a range.
    pub(super) fn push(&self) -> Result<(), IndexError> {
        if self.writer.owes() {
            self.remember(self.writer.wait())?;
        }
        let pending = self.pending.take();
        if pending.is_empty() {
            return Ok(());
        }
        self.remember(self.writer.wait())?;
        let db = self.db.as_ref().ok_or_else(|| IndexError::Failed("closed".into()));
        self.remember(db.and_then(|db| writer::write(db, &pending)))?;
        self.remember(self.writer.order(Arc::default()))
    }

    /// Bytes of sled's file.
    pub(super) fn size(&self) -> Result<u64, IndexError> {
        let metadata = self.file.metadata().map_err(|e| IndexError::from_io(&e))?;
        Ok(metadata.len())
    }

    /// Gives the files up. Where it fails with [`IndexError::Damaged`], sled may hold on to them for ever.
    pub(super) fn close(mut self) -> Result<(), IndexError> {
        self.shut()
    }

    /// Gives the files up, such as they would survive a power cut.
    pub(super) fn close_durably(mut self) -> Result<(), IndexError> {
        self.shut()?;
        self.file.sync_all().map_err(|e| IndexError::from_io(&e))
    }

    fn shut(&mut self) -> Result<(), IndexError> {
        // One that failed is made again, and need not have all.
        let pushed = if self.trouble().is_none() { self.push() } else { Ok(()) };
        // The last handle is the writer's: what sled does at its end, it does there.
        drop(self.db.take());
        self.writer.close().and(pushed)
    }
}

impl Drop for Index {
    fn drop(&mut self) {
        if self.db.is_some()
            && let Err(error) = self.shut()
        {
            tracing::error!("the index did not close cleanly: {error:?}");
        }
    }
}

/// The value of a record.
pub(super) fn decode<T: serde::de::DeserializeOwned>(value: &[u8]) -> Result<T, IndexError> {
    serde_json::from_slice(value).map_err(|e| IndexError::Damaged(format!("a record cannot be read: {e}")))
}

/// A notice and the document that it belongs to.
pub(super) fn decode_notice(value: &[u8]) -> Result<(Doc, Notice), IndexError> {
    let (doc, notice) = value.split_at_checked(keys::DOC_BYTES).unwrap_or_default();
    let doc =
        keys::parse_doc(doc).ok_or_else(|| IndexError::Damaged("a notice without a document".into()))?;
    Ok((doc, decode(notice)?))
}

fn open_db(path: &Path, cache_bytes: u64) -> Result<::sled::Db, IndexError> {
    let mut tries = 0;
    loop {
        let config = ::sled::Config::new().path(path).cache_capacity(cache_bytes).flush_every_ms(None);
        match guarded(|| config.open()) {
            // The store's own lock says that no other process is in here.
            Err(IndexError::Damaged(cause)) if cause.contains("could not acquire lock") => {
                tries += 1;
                if tries == LOCK_TRIES {
                    return Err(IndexError::Failed(cause));
                }
                std::thread::sleep(LOCK_PAUSE);
            }
            other => return other,
        }
    }
}

fn remove_snapshots(path: &Path, which: impl Fn(&str) -> bool) -> Result<(), IndexError> {
    let remove = || -> io::Result<()> {
        for entry in fs::read_dir(path)? {
            let entry = entry?;
            let name = entry.file_name();
            let name = name.to_string_lossy();
            if name.starts_with("snap.") && which(&name) {
                fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    };
    remove().map_err(|e| IndexError::from_io(&e))
}
