//! Where LibreOffice has its profile and its documents: one folder for the gateway, and one in it for each process.
//!
//! Nobody else may look into it (0700). A process's folder goes with it, and the whole with the gateway; what a crash
//! leaves is known by its lock, which nobody holds, and goes at the next start.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use rustix::fs::{FlockOperation, flock};

use super::pipe;

/// What the names of such folders begin with.
const PREFIX: &str = "faxgate-office-";
const LOCK: &str = "lock";
const TEMPLATE: &str = "template";
/// The profile in the folder of a process.
const PROFILE: &str = "profile";

/// The folder of the gateway, which goes when this value does.
#[derive(Debug)]
pub(super) struct Root {
    path: PathBuf,
    /// Held while the profile is made that all others are copies of.
    template: Mutex<()>,
    _lock: File,
}

impl Root {
    /// Removes what crashes have left, and makes a new folder.
    pub(super) fn make() -> io::Result<Self> {
        let parent = parent();
        sweep(&parent);
        let path = parent.join(format!("{PREFIX}{}-{:08x}", std::process::id(), fastrand::u32(..)));
        private(&path)?;
        let lock = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path.join(LOCK))?;
        flock(&lock, FlockOperation::NonBlockingLockExclusive)?;
        Ok(Self { path, template: Mutex::new(()), _lock: lock })
    }

    /// A new folder for a process. `first` makes its profile where there is none to be copied.
    pub(super) fn folder(&self, first: impl Fn(&Path) -> Result<(), String>) -> Result<PathBuf, String> {
        let template = self.path.join(TEMPLATE);
        let held = self.template.lock().unwrap_or_else(PoisonError::into_inner);
        if !template.exists() {
            let made = self.empty().map_err(|error| error.to_string())?;
            first(&made)?;
            fs::rename(made.join(PROFILE), &template).map_err(|error| error.to_string())?;
            let _ = fs::remove_dir_all(&made);
        }
        drop(held);
        let made = || -> io::Result<PathBuf> {
            let folder = self.empty()?;
            copy(&template, &folder.join(PROFILE))?;
            Ok(folder)
        };
        made().map_err(|error| error.to_string())
    }

    fn empty(&self) -> io::Result<PathBuf> {
        // The name of its socket comes of this one, so that nobody can take it before.
        let folder = self.path.join(format!("{:016x}", fastrand::u64(..)));
        private(&folder)?;
        ["in", "out", "tmp"].iter().try_for_each(|name| private(&folder.join(name)))?;
        Ok(folder)
    }
}

impl Drop for Root {
    fn drop(&mut self) {
        remove(&self.path);
    }
}

/// The URL of the profile in a process's folder. The folder's path has no octet that a URL would have to escape.
pub(super) fn profile_url(folder: &Path) -> String {
    format!("file://{}", profile(folder).display())
}

/// The profile in a process's folder.
pub(super) fn profile(folder: &Path) -> PathBuf {
    folder.join(PROFILE)
}

/// Removes the socket of a process that is gone: it may make one, and not remove what is beside it.
pub(super) fn clear_socket(folder: &Path) {
    let _ = fs::remove_file(pipe::socket(&profile_url(folder)));
}

/// Removes the folder of a process that is gone, its socket, and all of the gateway's where that is gone too.
pub(super) fn clear(folder: &Path) {
    clear_socket(folder);
    let _ = fs::remove_dir_all(folder);
    if let Some(root) = folder.parent() {
        clear_if_left(root);
    }
}

/// The folder for temporary files, where its path can stand in a URL as it is.
fn parent() -> PathBuf {
    let is_plain = |path: &PathBuf| {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-".contains(&byte);
        path.to_str().is_some_and(|text| text.bytes().all(plain))
    };
    let usual = std::env::temp_dir().canonicalize().ok();
    usual.filter(is_plain).unwrap_or_else(|| PathBuf::from("/tmp"))
}

fn sweep(parent: &Path) {
    let Ok(entries) = fs::read_dir(parent) else { return };
    for entry in entries.flatten() {
        let is_one = entry.file_name().to_str().is_some_and(|name| name.starts_with(PREFIX));
        let is_ours =
            || entry.metadata().is_ok_and(|m| m.is_dir() && m.uid() == rustix::process::getuid().as_raw());
        if is_one && is_ours() {
            clear_if_left(&entry.path());
        }
    }
}

/// Removes a gateway's folder whose lock nobody holds.
fn clear_if_left(root: &Path) {
    let Ok(lock) = OpenOptions::new().write(true).open(root.join(LOCK)) else { return };
    if flock(&lock, FlockOperation::NonBlockingLockExclusive).is_err() {
        return;
    }
    remove(root);
}

/// Removes a gateway's folder, the lock last: where a process still writes into it, its keeper finds it by that.
fn remove(root: &Path) {
    let mut is_empty = true;
    for entry in fs::read_dir(root).into_iter().flatten().flatten() {
        if entry.file_name() != LOCK {
            clear_socket(&entry.path());
            is_empty &= fs::remove_dir_all(entry.path()).is_ok();
        }
    }
    if is_empty {
        let _ = fs::remove_dir_all(root);
    }
}

fn private(path: &Path) -> io::Result<()> {
    DirBuilder::new().mode(0o700).create(path)
}

/// Copies a folder of plain files.
fn copy(from: &Path, to: &Path) -> io::Result<()> {
    private(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let to = to.join(entry.file_name());
        match entry.file_type()? {
            kind if kind.is_dir() => copy(&entry.path(), &to)?,
            kind if kind.is_file() => drop(fs::copy(entry.path(), to)?),
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_crash_left_goes_and_what_is_used_stays() {
        let root = Root::make().unwrap();
        let first = |folder: &Path| {
            fs::create_dir(profile(folder)).unwrap();
            fs::write(profile(folder).join("settings"), "x").map_err(|error| error.to_string())
        };
        let folder = root.folder(first).unwrap();
        assert_eq!(fs::read(profile(&folder).join("settings")).unwrap(), b"x");
        assert_eq!(fs::metadata(&folder).unwrap().mode() & 0o777, 0o700);
        let left = parent().join(format!("{PREFIX}left"));
        fs::create_dir_all(left.join("0/profile")).unwrap();
        fs::write(left.join(LOCK), "").unwrap();
        let other = Root::make().unwrap();
        assert!(!left.exists() && folder.exists());
        clear(&folder);
        assert!(!folder.exists() && root.path.exists());
        let paths = [root.path.clone(), other.path.clone()];
        drop((root, other));
        assert!(paths.iter().all(|path| !path.exists()));
    }
}
