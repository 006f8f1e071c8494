//! The device behind a virtual modem: a pseudo terminal of which the gateway holds the master's end.
//!
//! A program opens the slave by a path that stays the same, closes it and opens it again as it likes. Reading a master
//! whose slave nobody holds is an error (EIO) and waiting for one comes back at once; so while nobody has the device,
//! [`Pty::waits_for`] is an inotify descriptor that tells when somebody opens it. What is written meanwhile is dropped:
//! a RING of yesterday is no use to a program of today.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use rustix::fs::inotify::{self, CreateFlags, WatchFlags};
use rustix::fs::{Gid, Mode, OFlags, Uid};
use rustix::io::Errno;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{OptionalActions, QueueSelector, tcflush, tcgetattr, tcsetattr};

use super::VirtualModemConfig;

/// Bytes for a program that does not read. More are dropped, and with them the sense of what it would have got.
const UNREAD_MAX: usize = 1 << 20;
/// Bytes read at a time.
const READ_MAX: usize = 4096;

/// What a program has done.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Read {
    /// It has written.
    Bytes(Vec<u8>),
    /// Nothing since the last time.
    Nothing,
    /// Nobody has the device any more.
    Closed,
}

/// A pseudo terminal with its path.
#[derive(Debug)]
pub(super) struct Pty {
    master: OwnedFd,
    slave: PathBuf,
    opened: OwnedFd,
    link: PathBuf,
    is_open: bool,
    /// What the program has not taken yet.
    unread: Vec<u8>,
}

impl Pty {
    /// Makes the device and its path.
    ///
    /// # Errors
    /// What the system says, with what was tried.
    pub(super) fn create(config: &VirtualModemConfig) -> io::Result<Self> {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
        grantpt(&master)?;
        unlockpt(&master)?;
        let name = ptsname(&master, Vec::new())?;
        let slave = PathBuf::from(name.to_string_lossy().into_owned());
        let flags = rustix::fs::fcntl_getfl(&master)?;
        rustix::fs::fcntl_setfl(&master, flags | OFlags::NONBLOCK)?;
        make_raw(&slave)?;
        permit(&slave, config)?;
        let opened = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?;
        inotify::add_watch(&opened, &slave, WatchFlags::OPEN)?;
        link(&slave, &config.path)?;
        Ok(Self { master, slave, opened, link: config.path.clone(), is_open: false, unread: Vec::new() })
    }

    /// Whether a program has the device.
    pub(super) fn is_open(&self) -> bool {
        self.is_open
    }

    /// What to wait for until it can be read.
    pub(super) fn waits_for(&self) -> BorrowedFd<'_> {
        if self.is_open { self.master.as_fd() } else { self.opened.as_fd() }
    }

    /// Whether the program has not taken all yet.
    pub(super) fn has_unread(&self) -> bool {
        !self.unread.is_empty()
    }

    /// Takes at most `room` bytes of what the program has written.
    pub(super) fn read(&mut self, room: usize) -> Read {
        if !self.is_open {
            self.forget_opens();
        }
        let mut buffer = [0; READ_MAX];
        let Some(buffer) = buffer.get_mut(..room.min(READ_MAX)).filter(|buffer| !buffer.is_empty()) else {
            return Read::Nothing;
        };
        match rustix::io::read(&self.master, &mut *buffer) {
            Ok(0) => self.closed(),
            Ok(count) => {
                self.is_open = true;
                Read::Bytes(buffer.get(..count).unwrap_or_default().to_vec())
            }
            Err(Errno::AGAIN | Errno::INTR) => {
                self.is_open = true;
                Read::Nothing
            }
            Err(_) => self.closed(),
        }
    }

    fn closed(&mut self) -> Read {
        if !std::mem::take(&mut self.is_open) {
            return Read::Nothing;
        }
        self.unread.clear();
        self.forget_unread();
        // Whoever opened it before this moment is found by the read that follows.
        Read::Closed
    }

    /// What the last program left unread is not for the next one.
    fn forget_unread(&self) {
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::NONBLOCK | OFlags::CLOEXEC;
        if let Ok(slave) = rustix::fs::open(&self.slave, flags, Mode::empty()) {
            // Nothing is lost but what nobody wants.
            let _ = tcflush(&slave, QueueSelector::IFlush);
        }
    }

    fn forget_opens(&self) {
        let mut buffer = [MaybeUninit::uninit(); 1024];
        let mut events = inotify::Reader::new(&self.opened, &mut buffer);
        while events.next().is_ok() {}
    }

    /// Writes for the program, now or as soon as it takes it.
    pub(super) fn write(&mut self, bytes: &[u8]) {
        if self.is_open && self.unread.len() + bytes.len() <= UNREAD_MAX {
            self.unread.extend_from_slice(bytes);
        }
        self.flush();
    }

    /// Writes what the program did not take before.
    pub(super) fn flush(&mut self) {
        while !self.unread.is_empty() {
            match rustix::io::write(&self.master, &self.unread) {
                Ok(0) | Err(Errno::AGAIN) => return,
                Ok(count) => drop(self.unread.drain(..count.min(self.unread.len()))),
                Err(Errno::INTR) => {}
                Err(_) => self.unread.clear(),
            }
        }
    }
}

impl Drop for Pty {
    fn drop(&mut self) {
        // Another gateway may have taken the path over.
        if std::fs::read_link(&self.link).is_ok_and(|target| target == self.slave) {
            let _ = std::fs::remove_file(&self.link);
        }
    }
}

/// A modem neither echoes what it is sent nor changes its line ends; what a program sets later stays.
fn make_raw(slave: &Path) -> io::Result<()> {
    let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
    let slave = rustix::fs::open(slave, flags, Mode::empty())?;
    let mut settings = tcgetattr(&slave)?;
    settings.make_raw();
    Ok(tcsetattr(&slave, OptionalActions::Now, &settings)?)
}

fn permit(slave: &Path, config: &VirtualModemConfig) -> io::Result<()> {
    let (owner, group) = config.ids().map_err(io::Error::other)?;
    if owner.is_some() || group.is_some() {
        rustix::fs::chown(slave, owner.map(Uid::from_raw), group.map(Gid::from_raw))?;
    }
    let mode = config.mode_bits().unwrap_or(0o600);
    std::fs::set_permissions(slave, std::fs::Permissions::from_mode(mode))
}

/// Puts the path in place. A link that an earlier gateway left is replaced, anything else is somebody's.
fn link(slave: &Path, path: &Path) -> io::Result<()> {
    match path.symlink_metadata() {
        Ok(found) if found.is_symlink() => std::fs::remove_file(path)?,
        Ok(_) => {
            let text = format!("{} is there already, and is no link", path.display());
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, text));
        }
        Err(_) => {
            if let Some(folder) = path.parent() {
                std::fs::create_dir_all(folder)?;
            }
        }
    }
    symlink(slave, path)
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::os::unix::fs::MetadataExt;

    use rustix::event::{PollFd, PollFlags, Timespec, poll};

    use super::*;

    fn device(dir: &Path) -> (Pty, PathBuf) {
        let path = dir.join("folder/modem");
        (Pty::create(&VirtualModemConfig::new(&path)).unwrap(), path)
    }

    fn open(path: &Path) -> std::fs::File {
        std::fs::OpenOptions::new().read(true).write(true).open(path).unwrap()
    }

    /// Waits until there is something to read, at most some seconds.
    fn wait(pty: &Pty) -> bool {
        let waits_for = pty.waits_for();
        let mut fds = [PollFd::new(&waits_for, PollFlags::IN)];
        let timeout = Timespec { tv_sec: 5, tv_nsec: 0 };
        poll(&mut fds, Some(&timeout)).unwrap() == 1
    }

    fn is_quiet(pty: &Pty) -> bool {
        let waits_for = pty.waits_for();
        let mut fds = [PollFd::new(&waits_for, PollFlags::IN)];
        poll(&mut fds, Some(&Timespec::default())).unwrap() == 0
    }

    #[test]
    fn programs_come_and_go() {
        let dir = tempfile::tempdir().unwrap();
        let (mut pty, path) = device(dir.path());
        assert_eq!(pty.read(100), Read::Nothing);
        pty.write(b"RING");
        for _ in 0..3 {
            assert!(is_quiet(&pty), "nobody has it");
            let mut program = open(&path);
            assert!(wait(&pty));
            assert_eq!(pty.read(100), Read::Nothing);
            assert!(pty.is_open() && is_quiet(&pty));
            program.write_all(b"ATZ\r\x04\x03\x11").unwrap();
            assert!(wait(&pty));
            assert_eq!(pty.read(2), Read::Bytes(b"AT".to_vec()));
            assert_eq!(pty.read(100), Read::Bytes(b"Z\r\x04\x03\x11".to_vec()), "no byte is special");
            pty.write(b"\r\nOK\r\n");
            let mut answer = [0; 100];
            let count = program.read(&mut answer).unwrap();
            assert_eq!(&answer[..count], b"\r\nOK\r\n", "what was said to nobody is not said now");
            pty.write(b"left unread");
            drop(program);
            assert!(wait(&pty));
            assert_eq!(pty.read(100), Read::Closed);
            assert_eq!(pty.read(100), Read::Nothing);
        }
    }

    #[test]
    fn a_program_that_does_not_read_costs_little() {
        let dir = tempfile::tempdir().unwrap();
        let (mut pty, path) = device(dir.path());
        let mut program = open(&path);
        assert_eq!(pty.read(1), Read::Nothing);
        (0..40).for_each(|_| pty.write(&[7; 100_000]));
        assert!(pty.has_unread());
        let (mut taken, mut buffer) = (0, vec![0; 65536]);
        while pty.has_unread() {
            taken += program.read(&mut buffer).unwrap();
            pty.flush();
        }
        assert!((UNREAD_MAX / 2..=2 * UNREAD_MAX).contains(&taken), "{taken}");
    }

    #[test]
    fn the_path_is_ours_or_not_touched() {
        let dir = tempfile::tempdir().unwrap();
        let (pty, path) = device(dir.path());
        assert_eq!(path.metadata().unwrap().mode() & 0o777, 0o660);
        let (again, _) = device(dir.path());
        drop(pty);
        assert!(path.exists(), "the later one has it");
        drop(again);
        assert!(path.symlink_metadata().is_err());
        std::fs::write(&path, "a letter").unwrap();
        assert!(Pty::create(&VirtualModemConfig::new(&path)).is_err());
        assert_eq!(std::fs::read(&path).unwrap(), b"a letter");
    }
}
