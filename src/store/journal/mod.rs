//! The journal: what is to be written to the files of the spool, made durable for many at once.
//!
//! ```text
//! <number>.journal    records, each a change of one file of the spool, then zeros
//! ```
//!
//! A group of changes is appended and synced by one `fdatasync` before any file is touched; the files are then written
//! without a sync. So whatever a crash or a power cut leaves of them, the next start brings them to what the journal
//! says. A segment that is full is settled: one `syncfs` makes all files durable in the background, and it is removed.
//! Where that fails, the kernel may have dropped what it could not write, so every file that the segment names is
//! written again from it; and until that works nothing more is taken.

mod record;
mod restore;
mod segment;

#[cfg(test)]
mod tests;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;

use self::restore::{Which, restore};
use self::segment::Segment;
use super::StoreError;
use super::files::{failed, make_private_dir, remove_if_there, sync_dir};

pub(super) use self::record::Patch;

/// Octets after which a segment is settled and another one begun.
const SEGMENT_BYTES: u64 = 16 << 20;

/// The journal over a folder of files.
#[derive(Debug)]
pub(super) struct Journal {
    dir: PathBuf,
    folder: Arc<Folder>,
    /// The number of the last segment.
    number: u64,
    segment: Option<Segment>,
    settling: Option<Settling>,
}

/// The folder whose files are written.
#[derive(Debug)]
struct Folder {
    path: PathBuf,
    /// Open as long as the journal is: `syncfs` tells each descriptor of the failures since it was last asked.
    file: File,
}

impl Folder {
    fn sync(&self) -> Result<(), StoreError> {
        rustix::fs::syncfs(&self.file).map_err(|e| failed("sync", &self.path, &e.into()))
    }
}

/// A segment whose files are being made durable.
#[derive(Debug)]
struct Settling {
    path: PathBuf,
    end: u64,
    /// `None` after it failed.
    thread: Option<JoinHandle<Result<(), StoreError>>>,
}

impl Journal {
    /// Opens the journal in `dir`, brings the files in `files` to what it says and makes them durable; gives how many
    /// were not as it says.
    pub(super) fn open(dir: PathBuf, files: &Path) -> Result<(Self, usize), StoreError> {
        make_private_dir(&dir)?;
        let file = File::open(files).map_err(|e| failed("open", files, &e))?;
        let folder = Arc::new(Folder { path: files.to_owned(), file });
        let (paths, number) = segment::list(&dir)?;
        let journal = Self { dir, folder, number, segment: None, settling: None };
        let segments = paths.into_iter().map(|path| (path, u64::MAX)).collect::<Vec<_>>();
        let restored = journal.restore(&segments, Which::Differing)?;
        // What a killed process wrote is about to be believed, journal or not.
        journal.folder.sync()?;
        journal.remove(&segments)?;
        Ok((journal, restored))
    }

    /// Makes a group of changes durable: whoever comes after a crash will find them in their files. After an error none
    /// of them will be found.
    pub(super) fn commit(&mut self, patches: &[Patch<'_>]) -> Result<(), StoreError> {
        let mut records = Vec::new();
        patches.iter().for_each(|patch| patch.encode(&mut records));
        if records.is_empty() {
            return Ok(());
        }
        self.look_after_settling()?;
        let filled = self.segment.as_ref().map_or(0, |segment| segment.end);
        if filled > 0 && filled + records.len() as u64 > SEGMENT_BYTES {
            self.rotate()?;
        }
        match self.append(&records) {
            // Settling makes room, and what failed is not believed in a new segment.
            Err(error) if filled > 0 => {
                tracing::warn!("{error}; the journal is settled and begun anew");
                self.settle()?;
                self.append(&records)
            }
            other => other,
        }
        .inspect_err(|_| {
            if let Err(error) = self.settle() {
                tracing::error!("a refused change stays in the journal: {error}");
            }
        })
    }

    fn append(&mut self, records: &[u8]) -> Result<(), StoreError> {
        let segment = match &mut self.segment {
            Some(segment) => segment,
            none => {
                self.number += 1;
                none.insert(Segment::create(&self.dir, self.number)?)
            }
        };
        segment.append(records)
    }

    /// Begins to settle what is in the journal, in the background; waits for what was begun before.
    pub(super) fn rotate(&mut self) -> Result<(), StoreError> {
        self.finish_settling()?;
        let Some(Segment { path, end, .. }) = self.segment.take() else {
            return Ok(());
        };
        let (folder, dir, segment) = (Arc::clone(&self.folder), self.dir.clone(), path.clone());
        let settle = move || {
            folder.sync()?;
            remove_if_there(&segment)?;
            sync_dir(&dir)
        };
        let thread = std::thread::Builder::new().name("settle".into()).spawn(settle);
        let thread = thread.inspect_err(|e| tracing::error!("cannot start a thread: {e}")).ok();
        self.settling = Some(Settling { path, end, thread });
        Ok(())
    }

    /// Makes all files durable, after which the journal is empty.
    pub(super) fn settle(&mut self) -> Result<(), StoreError> {
        self.rotate()?;
        self.finish_settling()
    }

    /// Takes note of a settling that has ended.
    fn look_after_settling(&mut self) -> Result<(), StoreError> {
        let running =
            |settling: &Settling| settling.thread.as_ref().is_some_and(|thread| !thread.is_finished());
        if self.settling.as_ref().is_some_and(running) {
            return Ok(());
        }
        self.finish_settling()
    }

    fn finish_settling(&mut self) -> Result<(), StoreError> {
        let Some(settling) = &mut self.settling else {
            return Ok(());
        };
        let result = match settling.thread.take().map(JoinHandle::join) {
            Some(Ok(result)) => result,
            Some(Err(_)) => Err(StoreError::Failed("the thread that settles the journal panicked".into())),
            None => Err(StoreError::Failed("the journal is not settled".into())),
        };
        if let Err(error) = result {
            tracing::error!("{error}; the files are written again from the journal");
            self.write_again()?;
        }
        self.settling = None;
        Ok(())
    }

    /// Writes every file that the journal names anew, and leaves the journal empty.
    fn write_again(&mut self) -> Result<(), StoreError> {
        let settling = self.settling.iter().map(|settling| (settling.path.clone(), settling.end));
        let current = self.segment.iter().map(|segment| (segment.path.clone(), segment.end));
        let segments: Vec<_> = settling.chain(current).filter(|(path, _)| path.exists()).collect();
        self.restore(&segments, Which::All)?;
        sync_dir(&self.folder.path)?;
        self.remove(&segments)?;
        self.segment = None;
        Ok(())
    }

    /// Brings the files to what these segments say, each up to an offset.
    fn restore(&self, segments: &[(PathBuf, u64)], which: Which) -> Result<usize, StoreError> {
        let read = segments.iter().map(|(path, end)| segment::read(path, *end));
        let bytes = read.collect::<Result<Vec<_>, _>>()?;
        let records = bytes.iter().flat_map(|bytes| segment::records(bytes));
        restore(&self.folder.path, records, which)
    }

    fn remove(&self, segments: &[(PathBuf, u64)]) -> Result<(), StoreError> {
        for (path, _) in segments {
            remove_if_there(path)?;
        }
        sync_dir(&self.dir)
    }
}
