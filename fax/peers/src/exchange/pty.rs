//! A modem's serial port as a pty under a stable name: raw, 8 bits, no echo, CLOCAL.
//!
//! The kernel keeps some kilobytes in each direction; a modem that does not read holds its DTE back by that. The port is
//! kept open from inside, so that its settings last, and inotify tells when the last DTE has closed it: that is DTR.

use rustix::fs::inotify::{self, CreateFlags, ReadFlags, WatchFlags};
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{ControlModes, OptionalActions, tcgetattr, tcsetattr};
use std::collections::VecDeque;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

/// Octets read from the DTE at a time; the modem must have room for them or let them wait.
const READ_OCTETS: usize = 512;

/// A port.
#[derive(Debug)]
pub(super) struct Pty {
    master: OwnedFd,
    keeper: OwnedFd,
    watch: OwnedFd,
    link: PathBuf,
    /// How often DTEs have it open.
    opens: i32,
    /// What the kernel has not taken.
    pending: VecDeque<u8>,
}

impl Pty {
    /// Makes a port, and `link` a symbolic link to it.
    pub(super) fn new(link: &Path) -> io::Result<Self> {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
        grantpt(&master)?;
        unlockpt(&master)?;
        let name = ptsname(&master, Vec::new())?;
        rustix::io::ioctl_fionbio(&master, true)?;
        let keeper =
            rustix::fs::open(&*name, OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC, Mode::empty())?;
        let watch = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC)?;
        inotify::add_watch(
            &watch,
            &*name,
            WatchFlags::OPEN | WatchFlags::CLOSE_WRITE | WatchFlags::CLOSE_NOWRITE,
        )?;
        let _ = std::fs::remove_file(link);
        std::os::unix::fs::symlink(name.to_string_lossy().as_ref(), link)?;
        let pty = Self { master, keeper, watch, link: link.to_owned(), opens: 0, pending: VecDeque::new() };
        pty.make_raw()?;
        Ok(pty)
    }

    fn make_raw(&self) -> io::Result<()> {
        let mut settings = tcgetattr(&self.keeper)?;
        settings.make_raw();
        settings.control_modes |= ControlModes::CLOCAL | ControlModes::CREAD;
        Ok(tcsetattr(&self.keeper, OptionalActions::Now, &settings)?)
    }

    pub(super) fn master(&self) -> BorrowedFd<'_> {
        self.master.as_fd()
    }

    pub(super) fn watch(&self) -> BorrowedFd<'_> {
        self.watch.as_fd()
    }

    /// What the DTE has written; empty where there is nothing.
    pub(super) fn read(&self) -> Vec<u8> {
        let mut octets = [0; READ_OCTETS];
        match rustix::io::read(&self.master, &mut octets) {
            Ok(count) => octets[..count].to_vec(),
            Err(_) => Vec::new(),
        }
    }

    /// Octets for the DTE; none are kept for one that has not come yet.
    pub(super) fn write(&mut self, octets: &[u8]) {
        if self.opens > 0 {
            self.pending.extend(octets);
        }
        self.flush();
    }

    /// Whether octets wait for the DTE to read.
    pub(super) fn is_behind(&self) -> bool {
        !self.pending.is_empty()
    }

    pub(super) fn flush(&mut self) {
        while !self.pending.is_empty() {
            match rustix::io::write(&self.master, self.pending.make_contiguous()) {
                Ok(count) => drop(self.pending.drain(..count)),
                Err(_) => return,
            }
        }
    }

    /// Looks who came and went; whether the last DTE has gone since.
    pub(super) fn has_lost_its_dte(&mut self) -> bool {
        let mut buffer = [MaybeUninit::uninit(); 1024];
        let mut reader = inotify::Reader::new(&self.watch, &mut buffer);
        let before = self.opens;
        loop {
            match reader.next() {
                Ok(event) if event.events().contains(ReadFlags::OPEN) => self.opens += 1,
                Ok(event) if event.events().intersects(ReadFlags::CLOSE_WRITE | ReadFlags::CLOSE_NOWRITE) => {
                    self.opens -= 1;
                }
                Ok(_) | Err(Errno::INTR) => {}
                Err(_) => break,
            }
        }
        let is_lost = self.opens <= 0 && before > 0;
        if is_lost {
            self.pending.clear();
            // What the last one left behind in its settings must not echo our rings.
            let _ = self.make_raw();
        }
        is_lost
    }
}

impl Drop for Pty {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.link);
    }
}
