//! The lock file of a device, as UUCP programs have used it ever since: `LCK..ttyS0` with the number of the process.
//!
//! It keeps apart programs that share a modem (mgetty, HylaFAX, efax, minicom, pppd) and is worth what they agree on: the
//! name is `LCK..` and the device below `/dev` with `_` for `/`, links followed; the content is ten characters with the
//! process number and a line end (HDB). It is linked into place whole. One whose process is no more is taken over; so is
//! one of our own number, which an earlier run with the same number left (a container's first process has always the same).
//!
//! A folder where nothing can be written is no reason not to fax: the lock is then left out, and the log says so.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use rustix::process::{Pid, test_kill_process};

/// How often one tries to take over what nobody holds.
const TRIES: u32 = 5;
/// More bytes than any lock file has.
const LOCK_OCTETS_MAX: usize = 64;

/// Why a device is not ours.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{device} is in use by {holder} (lock file {lock_file})", device = .device.display(),
    lock_file = .lock_file.display())]
pub struct LockError {
    /// The device.
    pub device: PathBuf,
    /// The lock file.
    pub lock_file: PathBuf,
    /// Who holds it.
    pub holder: Holder,
}

/// A process that holds a lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// Its number, where the lock file says one.
    pub pid: Option<i32>,
    /// Its program, where that can be seen.
    pub program: Option<String>,
}

impl std::fmt::Display for Holder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.pid, &self.program) {
            (Some(pid), Some(program)) => write!(f, "process {pid} ({program})"),
            (Some(pid), None) => write!(f, "process {pid}"),
            (None, _) => f.write_str("another program"),
        }
    }
}

/// A lock that is held; dropping it gives it back.
#[derive(Debug)]
pub struct Lock {
    path: PathBuf,
}

impl Lock {
    /// Locks a device; `None` where the folder takes no lock files.
    ///
    /// # Errors
    /// [`LockError`] where another program holds it.
    pub fn take(dir: &Path, device: &Path) -> Result<Option<Self>, LockError> {
        let path = dir.join(name_of(device));
        let own = std::process::id();
        let draft = dir.join(format!("LTMP..{own}.{}", name_of(device)));
        let untaken = |error: std::io::Error| {
            tracing::warn!(dir = %dir.display(), %error, "no lock file can be written; going without");
            Ok(None)
        };
        if let Err(error) = fs::write(&draft, format!("{own:>10}\n")) {
            return untaken(error);
        }
        let _ = fs::set_permissions(&draft, std::os::unix::fs::PermissionsExt::from_mode(0o644));
        let taken = Self::link(&draft, &path, device);
        let _ = fs::remove_file(&draft);
        match taken {
            Ok(result) => result.map(Some),
            Err(error) => untaken(error),
        }
    }

    /// Links the draft to its place, over a lock that nobody holds. The outer error is that of the folder.
    fn link(draft: &Path, path: &Path, device: &Path) -> std::io::Result<Result<Self, LockError>> {
        let mut holder = Holder { pid: None, program: None };
        for _ in 0..TRIES {
            match fs::hard_link(draft, path) {
                Ok(()) => return Ok(Ok(Self { path: path.to_owned() })),
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
            match holder_of(path) {
                Some(alive) => {
                    holder = alive;
                    break;
                }
                None => {
                    tracing::info!(lock = %path.display(), "a lock that nobody holds any more is taken over");
                    // Another may have been quicker.
                    let _ = fs::remove_file(path);
                }
            }
        }
        Ok(Err(LockError { device: device.to_owned(), lock_file: path.to_owned(), holder }))
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // What is not ours any more is not ours to remove.
        if pid_in(&self.path) == Some(std::process::id().cast_signed()) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// The name of a device's lock file.
fn name_of(device: &Path) -> String {
    let real = fs::canonicalize(device).unwrap_or_else(|_| device.to_owned());
    let below = real.strip_prefix("/dev").unwrap_or(&real);
    format!("LCK..{}", below.to_string_lossy().trim_start_matches('/').replace('/', "_"))
}

/// Who holds a lock file; `None` where nobody does, or there is none.
fn holder_of(path: &Path) -> Option<Holder> {
    let bytes = fs::read(path).ok()?;
    let Some(pid) = read_pid(&bytes) else {
        // Somebody is about to write it, or it is damaged: leave it.
        return Some(Holder { pid: None, program: None });
    };
    if pid == std::process::id().cast_signed() {
        return None;
    }
    let is_alive = match Pid::from_raw(pid).map(test_kill_process) {
        Some(Ok(())) => true,
        Some(Err(error)) => error != rustix::io::Errno::SRCH,
        None => false,
    };
    let program = || fs::read_to_string(format!("/proc/{pid}/comm")).ok();
    is_alive.then(|| Holder { pid: Some(pid), program: program().map(|name| name.trim().to_owned()) })
}

fn pid_in(path: &Path) -> Option<i32> {
    read_pid(&fs::read(path).ok()?)
}

/// The process number in a lock file: digits (HDB), or four octets as the machine has them (old UUCP).
fn read_pid(bytes: &[u8]) -> Option<i32> {
    let bytes = bytes.get(..LOCK_OCTETS_MAX).unwrap_or(bytes);
    let text = std::str::from_utf8(bytes).ok().and_then(|text| text.split_whitespace().next());
    let pid = match text.map(str::parse::<i32>) {
        Some(Ok(pid)) => pid,
        _ => i32::from_ne_bytes(bytes.try_into().ok()?),
    };
    (pid > 0).then_some(pid)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const DEVICE: &str = "/dev/ttyUSB7";

    fn take(dir: &Path) -> Result<Option<Lock>, LockError> {
        Lock::take(dir, Path::new(DEVICE))
    }

    #[test]
    fn a_lock_reads_as_other_programs_expect_and_goes_when_it_is_given_back() {
        let dir = tempfile::tempdir().unwrap();
        let lock = take(dir.path()).unwrap().unwrap();
        let text = fs::read_to_string(dir.path().join("LCK..ttyUSB7")).unwrap();
        assert_eq!(text, format!("{:>10}\n", std::process::id()));
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "nothing else is left there");
        drop(lock);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[test]
    fn who_lives_and_holds_it_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("LCK..ttyUSB7");
        // The first process lives, whether we may signal it or not.
        for content in [&b"         1\n"[..], &1i32.to_ne_bytes()] {
            fs::write(&file, content).unwrap();
            let error = take(dir.path()).unwrap_err();
            assert_eq!(error.holder.pid, Some(1));
            assert!(error.to_string().contains("in use by process 1"), "{error}");
        }
        fs::write(&file, b"").unwrap();
        assert_eq!(take(dir.path()).unwrap_err().holder.pid, None, "about to be written");
        assert!(file.exists());
    }

    #[test]
    fn what_the_dead_left_is_taken_over() {
        let dir = tempfile::tempdir().unwrap();
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let dead = child.id();
        child.wait().unwrap();
        for pid in [dead, std::process::id()] {
            fs::write(dir.path().join("LCK..ttyUSB7"), format!("{pid:>10}\n")).unwrap();
            assert!(take(dir.path()).unwrap().is_some());
        }
    }

    #[test]
    fn a_lock_that_became_anothers_is_left_to_it() {
        let dir = tempfile::tempdir().unwrap();
        let lock = take(dir.path()).unwrap();
        fs::write(dir.path().join("LCK..ttyUSB7"), "         1\n").unwrap();
        drop(lock);
        assert!(dir.path().join("LCK..ttyUSB7").exists());
    }

    #[test]
    fn a_folder_that_takes_none_is_no_hindrance() {
        assert!(take(Path::new("/nowhere/at/all")).unwrap().is_none());
    }

    #[test]
    fn a_link_and_what_it_points_to_have_one_name() {
        let dir = tempfile::tempdir().unwrap();
        let link = dir.path().join("modem");
        std::os::unix::fs::symlink("/dev/null", &link).unwrap();
        assert_eq!(name_of(&link), "LCK..null");
        assert_eq!(name_of(Path::new("/dev/pts/none")), "LCK..pts_none");
    }
}
