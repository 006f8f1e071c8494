//! One file of the journal: records one after the other, then zeros.
//!
//! The file grows by a piece of zeros at a time, and records are written over them: so `fdatasync` has the data to
//! write and only rarely the file's length.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::record::Patch;
use crate::store::StoreError;
use crate::store::files::{failed, private_file, sync_dir};

/// Octets by which a segment grows.
const GROWTH: u64 = 1 << 20;
const EXTENSION: &str = "journal";

/// A segment that is being written.
#[derive(Debug)]
pub(super) struct Segment {
    pub(super) path: PathBuf,
    file: File,
    /// Octets of good records: what was written behind them failed.
    pub(super) end: u64,
    /// Octets of the file.
    size: u64,
}

impl Segment {
    /// Makes an empty one, and makes its name durable.
    pub(super) fn create(dir: &Path, number: u64) -> Result<Self, StoreError> {
        let path = dir.join(format!("{number:016x}.{EXTENSION}"));
        let create = || private_file().create_new(true).open(&path);
        let file = create().map_err(|e| failed("create", &path, &e))?;
        sync_dir(dir)?;
        Ok(Self { path, file, end: 0, size: 0 })
    }

    /// Appends records, durably. After an error nothing may be appended any more.
    pub(super) fn append(&mut self, records: &[u8]) -> Result<(), StoreError> {
        let append = |segment: &mut Self| -> io::Result<()> {
            let end = segment.end + records.len() as u64;
            if end > segment.size {
                let size = end.next_multiple_of(GROWTH);
                let zeros = vec![0; usize::try_from(size - segment.size).map_err(io::Error::other)?];
                segment.file.write_all_at(&zeros, segment.size)?;
                segment.size = size;
            }
            segment.file.write_all_at(records, segment.end)?;
            segment.file.sync_data()?;
            segment.end = end;
            Ok(())
        };
        append(self).map_err(|e| failed("write", &self.path, &e))
    }
}

/// The segments in a folder, the oldest first, and the number of the last one.
pub(super) fn list(dir: &Path) -> Result<(Vec<PathBuf>, u64), StoreError> {
    let fail = |e: io::Error| failed("read", dir, &e);
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).map_err(fail)? {
        let path = entry.map_err(fail)?.path();
        let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        match u64::from_str_radix(stem, 16) {
            Ok(number) if path.extension().is_some_and(|extension| extension == EXTENSION) => {
                found.push((number, path));
            }
            _ => tracing::warn!("{} does not belong there", path.display()),
        }
    }
    found.sort();
    let last = found.last().map_or(0, |(number, _)| *number);
    Ok((found.into_iter().map(|(_, path)| path).collect(), last))
}

/// The octets of a segment, at most `limit` of them.
pub(super) fn read(path: &Path, limit: u64) -> Result<Vec<u8>, StoreError> {
    let mut bytes = fs::read(path).map_err(|e| failed("read", path, &e))?;
    bytes.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    Ok(bytes)
}

/// The records that octets hold, up to the first that is not whole.
pub(super) fn records(bytes: &[u8]) -> impl Iterator<Item = Patch<'_>> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let Some((patch, taken)) = Patch::decode(rest) else {
            let torn = rest.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
            if torn > 0 {
                tracing::warn!(
                    "{torn} bytes at the end of the journal are torn; nobody was answered for them"
                );
            }
            rest = &[];
            return None;
        };
        rest = rest.get(taken..).unwrap_or_default();
        Some(patch)
    })
}
