//! A pseudo terminal whose other end a test holds: the modem's side of a cable.

use std::cell::RefCell;
use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

/// The modem's side.
pub(super) struct Pty {
    file: RefCell<File>,
    device: PathBuf,
}

impl Pty {
    pub(super) fn open() -> Self {
        let fd = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
        grantpt(&fd).unwrap();
        unlockpt(&fd).unwrap();
        let device = PathBuf::from(ptsname(&fd, Vec::new()).unwrap().into_string().unwrap());
        Self { file: RefCell::new(File::from(fd)), device }
    }

    /// What the program opens.
    pub(super) fn device(&self) -> &Path {
        &self.device
    }

    pub(super) fn write(&self, bytes: &[u8]) {
        self.file.borrow_mut().write_all(bytes).unwrap();
    }

    /// What has come within a while; empty where nothing has.
    pub(super) fn read_for(&self, wait: Duration) -> Vec<u8> {
        let mut file = self.file.borrow_mut();
        let timeout = Timespec { tv_sec: wait.as_secs() as i64, tv_nsec: wait.subsec_nanos().into() };
        let ready = poll(&mut [PollFd::new(&*file, PollFlags::IN)], Some(&timeout)).unwrap();
        let mut buffer = vec![0; 65_536];
        // The device may be closed at its other end: nothing comes then.
        let read = if ready == 0 { 0 } else { file.read(&mut buffer).unwrap_or(0) };
        buffer.truncate(read);
        buffer
    }

    pub(super) fn read_some(&self) -> Vec<u8> {
        self.read_for(Duration::from_millis(20))
    }

    pub(super) fn read(&self, count: usize) -> Vec<u8> {
        let mut all = Vec::new();
        while all.len() < count {
            let some = self.read_for(Duration::from_secs(5));
            assert!(!some.is_empty(), "got {} of {count}", all.len());
            all.extend(some);
        }
        all
    }
}
