//! Opening the index, and bringing it into agreement with the spool, which is the truth.
//!
//! The index knows of each document how many bytes of its log it has taken in. A document with another
//! length, or that one side does not know, is read again from the spool. So a crash between the spool and the
//! index costs nothing, and a lost or damaged index is made again.

use std::fs;
use std::path::Path;

use super::index::{Change, Index, IndexError};
use super::keys::{self, space};
use super::plan::{describe, log_bytes, nothing, whole};
use crate::store::files::failed;
use crate::store::spool::{Doc, Listing, ReadError, Spool};
use crate::store::{StoreConfig, StoreError};

/// Damaged indexes that are kept for the operator to look at.
const DAMAGED_KEPT: u32 = 3;
/// Changes in one batch while reading the spool in.
const CHANGES_MAX: usize = 1000;

/// What opening the store found and mended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OpenReport {
    /// Submissions and received faxes in the spool.
    pub documents: usize,
    /// Those that were read into the index from the spool.
    pub replayed: usize,
    /// Those that only the index knew; they were never answered for, or were being purged.
    pub forgotten: usize,
    /// Files that a crash left behind what the journal says, and that were written from it.
    pub restored: usize,
    /// Files that a crash left on their way in or out, and that were removed.
    pub leftovers: usize,
    /// Why the index was set aside and made again.
    pub index_rebuilt: Option<String>,
    /// Logs that ended in a torn line: nobody had been told of it.
    pub torn: Vec<String>,
    /// What is damaged in the spool, in words; the files are kept as `*.damaged`.
    pub damaged: Vec<String>,
}

/// Opens the index in `<dir>/index` so that it agrees with the spool. `damaged` says what is known to be wrong
/// with the one that is there.
pub(super) fn open_index(
    config: &StoreConfig,
    spool: &Spool,
    damaged: Option<String>,
    report: &mut OpenReport,
) -> Result<Index, StoreError> {
    let path = config.dir.join("index");
    let opened = match damaged {
        Some(cause) => Err(IndexError::Damaged(cause)),
        None => try_open(&path, config, spool, report),
    };
    match opened {
        Err(IndexError::Damaged(cause)) => {
            tracing::error!("the index is damaged ({cause}); it is made again from the spool");
            set_aside(&path)?;
            *report = OpenReport {
                index_rebuilt: Some(cause),
                leftovers: report.leftovers,
                ..OpenReport::default()
            };
            Ok(try_open(&path, config, spool, report)?)
        }
        other => Ok(other?),
    }
}

fn try_open(
    path: &Path,
    config: &StoreConfig,
    spool: &Spool,
    report: &mut OpenReport,
) -> Result<Index, IndexError> {
    let index = Index::open(path, config)?;
    let listing = spool.list().map_err(IndexError::from_spool)?;
    report.documents = listing.docs.len();
    let mut batch = Batch::new(&index);
    for (doc, stale) in differences(&index, &listing)? {
        if stale {
            batch.add(nothing(&index, &doc)?)?;
        }
        if listing.docs.contains_key(&doc) {
            if let Some(changes) = read(spool, &doc, report).map_err(IndexError::from_spool)? {
                report.replayed += 1;
                batch.add(changes)?;
            }
        } else {
            tracing::warn!("{} is gone from the spool and is forgotten", describe(&doc));
            report.forgotten += 1;
        }
    }
    batch.write()?;
    Ok(index)
}

/// The documents on which spool and index differ, and whether the index holds something of them.
fn differences(index: &Index, listing: &Listing) -> Result<Vec<(Doc, bool)>, IndexError> {
    let mut missing = listing.docs.clone();
    let mut differing = Vec::new();
    let all = vec![space::DOC]..vec![space::DOC + 1];
    index.scan(all, |key, value| {
        if let Some(doc) = key.get(1..).and_then(keys::parse_doc) {
            let in_spool = missing.remove(&doc);
            if in_spool != Some(log_bytes(value)) {
                differing.push((doc, true));
            }
        }
        true
    })?;
    differing.extend(missing.into_keys().map(|doc| (doc, false)));
    Ok(differing)
}

/// Reads a document for the index. What cannot be read is put out of the way and reported: it must not keep
/// the gateway from all other faxes.
fn read(spool: &Spool, doc: &Doc, report: &mut OpenReport) -> Result<Option<Vec<Change>>, StoreError> {
    let contents = match spool.read(doc) {
        Ok(contents) => contents,
        Err(ReadError::Failed(error)) => return Err(error),
        Err(ReadError::Damaged(cause)) => {
            tracing::error!("{} is damaged and set aside: {cause}", describe(doc));
            report.damaged.push(cause);
            spool.set_aside(doc)?;
            return Ok(None);
        }
    };
    if contents.torn_bytes > 0 {
        tracing::warn!("{} bytes torn by a crash were cut off {}", contents.torn_bytes, describe(doc));
        report.torn.push(describe(doc));
    }
    if contents.damaged_lines > 0 {
        let text = format!("{} lines in the log of {}", contents.damaged_lines, describe(doc));
        tracing::error!("damaged: {text}");
        report.damaged.push(text);
    }
    whole(doc, &contents).map(Some)
}

/// Gathers changes into batches of a bounded size.
struct Batch<'a> {
    index: &'a Index,
    changes: Vec<Change>,
}

impl<'a> Batch<'a> {
    fn new(index: &'a Index) -> Self {
        let changes = Vec::new();
        Self { index, changes }
    }

    fn add(&mut self, changes: Vec<Change>) -> Result<(), IndexError> {
        self.changes.extend(changes);
        if self.changes.len() >= CHANGES_MAX {
            self.write()?;
        }
        Ok(())
    }

    fn write(&mut self) -> Result<(), IndexError> {
        let changes = std::mem::take(&mut self.changes);
        if changes.is_empty() {
            return Ok(());
        }
        self.index.apply(changes)
    }
}

/// Renames a damaged index; the oldest few are kept, for they show the first cause.
fn set_aside(path: &Path) -> Result<(), StoreError> {
    let free = (1..=DAMAGED_KEPT)
        .map(|number| path.with_file_name(format!("index.damaged-{number}")))
        .find(|kept| !kept.exists());
    let moved = match &free {
        Some(kept) => fs::rename(path, kept),
        None => fs::remove_dir_all(path),
    };
    moved.map_err(|e| failed("set aside", path, &e))
}
