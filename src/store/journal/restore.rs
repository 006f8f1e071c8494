//! Bringing the files of the spool to what the journal says they hold.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use super::record::{Change, Patch};
use crate::store::StoreError;
use crate::store::files::{failed, private_file, remove_if_there, write_synced};

/// A file on its way to its name; what a crash leaves of it, the next start takes away.
const TEMPORARY: &str = "tmp";

/// What a file holds, where there is one.
type Content = Option<Vec<u8>>;

/// Which files are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Which {
    /// Those that are not as they should be.
    Differing,
    /// All: the disk failed to write them, and what the kernel shows of them proves nothing.
    All,
}

/// Applies records to the files in `dir`, in order; gives how many files were written or removed. The folder is still
/// to be synced.
pub(super) fn restore<'a>(
    dir: &Path,
    records: impl Iterator<Item = Patch<'a>>,
    which: Which,
) -> Result<usize, StoreError> {
    let mut files: BTreeMap<String, (Content, Content)> = BTreeMap::new();
    for patch in records {
        if !is_plain(&patch.name) {
            tracing::error!("the journal names a file {:?}, which is none of the spool", patch.name);
            continue;
        }
        if !files.contains_key(&*patch.name) {
            let found = read(&dir.join(&*patch.name))?;
            files.insert(patch.name.clone().into_owned(), (found.clone(), found));
        }
        if let Some((_, wanted)) = files.get_mut(&*patch.name) {
            apply(wanted, &patch);
        }
    }
    let mut changed = 0;
    for (name, (found, wanted)) in files {
        if found != wanted || which == Which::All {
            put(dir, &name, wanted.as_deref())?;
            changed += 1;
        }
    }
    Ok(changed)
}

fn apply(content: &mut Content, patch: &Patch<'_>) {
    match &patch.change {
        Change::Cut { length: 0 } => *content = None,
        Change::Cut { length } => {
            let length = usize::try_from(*length).unwrap_or(usize::MAX);
            if let Some(content) = content {
                content.truncate(length);
            }
        }
        Change::Write { offset, bytes } => {
            let content = content.get_or_insert_default();
            let begin = usize::try_from(*offset).unwrap_or(usize::MAX);
            let end = begin.saturating_add(bytes.len());
            if begin > content.len() {
                tracing::error!("{} has only {} of {begin} bytes", patch.name, content.len());
                return;
            }
            if content.len() < end {
                content.resize(end, 0);
            }
            if let Some(place) = content.get_mut(begin..end) {
                place.copy_from_slice(bytes);
            }
        }
    }
}

fn is_plain(name: &str) -> bool {
    !name.contains('/') && !name.starts_with('.')
}

fn read(path: &Path) -> Result<Content, StoreError> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(failed("read", path, &e)),
    }
}

/// Puts a whole file in the place of the old one, or takes it away.
fn put(dir: &Path, name: &str, content: Option<&[u8]>) -> Result<(), StoreError> {
    let path = dir.join(name);
    let Some(content) = content else {
        return remove_if_there(&path);
    };
    let temporary = path.with_extension(TEMPORARY);
    let write = || -> io::Result<()> {
        let mut file = private_file().create(true).truncate(true).open(&temporary)?;
        write_synced(&mut file, content)?;
        fs::rename(&temporary, &path)
    };
    write().map_err(|e| failed("write", &path, &e))
}
