//! Whether the kernel that wrote the index is still there.
//!
//! The index is not synced with each group, for the journal and the spool are the truth. When its process is killed, the
//! kernel still has all of it; when the machine goes down, sled's file may hold a mixture of old and new. So a file
//! says under which boot of the machine the store is open, and goes away when it is closed; where it names another
//! boot, the index is made again.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::store::StoreError;
use crate::store::files::{failed, private_file, remove_if_there, sync_dir, write_synced};

/// Another name at each boot of the machine.
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";

fn marker(dir: &Path) -> PathBuf {
    dir.join("open")
}

/// Whether the machine went down while the store was open.
pub(super) fn went_down(dir: &Path) -> Result<bool, StoreError> {
    let path = marker(dir);
    match fs::read(&path) {
        // Where nobody can say which boot this is, it is another one.
        Ok(written) => Ok(fs::read(BOOT_ID).ok() != Some(written)),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(e) => Err(failed("read", &path, &e)),
    }
}

/// Says, durably, that the store is open.
pub(super) fn mark(dir: &Path) -> Result<(), StoreError> {
    let path = marker(dir);
    let boot = fs::read(BOOT_ID).unwrap_or_default();
    let write = || -> io::Result<()> {
        let mut file = private_file().create(true).truncate(true).open(&path)?;
        write_synced(&mut file, &boot)
    };
    write().map_err(|e| failed("write", &path, &e))?;
    sync_dir(dir)
}

/// Says, durably, that it is closed; everything must be synced before.
pub(super) fn unmark(dir: &Path) -> Result<(), StoreError> {
    remove_if_there(&marker(dir))?;
    sync_dir(dir)
}
