//! A test modem on a pseudo-terminal, in real time: a device that any fax program can open.
//!
//! One thread for a modem. The slave side is kept open, so that the device stays when a program closes it.

use super::office::Office;
use fax_proto::time::Time;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags, fcntl_setfl, open};
use rustix::io::Errno;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How long the thread sleeps at most: a test may have changed something.
const NAP: Duration = Duration::from_millis(20);

/// A modem with its device.
pub struct PtyModem {
    path: PathBuf,
    office: Arc<Mutex<Office>>,
    begun: Instant,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl PtyModem {
    /// Puts the office's modem on a new device.
    ///
    /// # Errors
    /// The system gives no pseudo-terminal.
    pub fn new(office: Office) -> std::io::Result<Self> {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY)?;
        grantpt(&master)?;
        unlockpt(&master)?;
        let name = ptsname(&master, Vec::new())?;
        let path = PathBuf::from(name.to_string_lossy().into_owned());
        let slave = open(&path, OFlags::RDWR | OFlags::NOCTTY, Mode::empty())?;
        let mut settings = tcgetattr(&slave)?;
        settings.make_raw();
        tcsetattr(&slave, OptionalActions::Now, &settings)?;
        fcntl_setfl(&master, OFlags::RDWR | OFlags::NONBLOCK)?;
        let (office, stop) = (Arc::new(Mutex::new(office)), Arc::new(AtomicBool::new(false)));
        #[allow(clippy::disallowed_methods, reason = "a modem on a device runs in real time")]
        let begun = Instant::now();
        let thread = std::thread::spawn({
            let (office, stop) = (Arc::clone(&office), Arc::clone(&stop));
            move || {
                let _kept_open = slave;
                while !stop.load(Ordering::Relaxed) {
                    turn(&master, &office, begun);
                }
            }
        });
        Ok(Self { path, office, begun, stop, thread: Some(thread) })
    }

    /// The device.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Looks into the office, or changes something there.
    ///
    /// # Panics
    /// Where the modem's thread has.
    pub fn office<T>(&self, look: impl FnOnce(&mut Office, Time) -> T) -> T {
        let mut office = self.office.lock().expect("the modem's thread is well");
        look(&mut office, time(self.begun))
    }
}

impl std::ops::Drop for PtyModem {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // What it panicked with has been said.
            let _ = thread.join();
        }
    }
}

fn time(begun: Instant) -> Time {
    Time(u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX))
}

/// Waits for something, and does it.
fn turn(master: &OwnedFd, office: &Mutex<Office>, begun: Instant) {
    let deadline = office.lock().expect("the test is well").deadline();
    let until = deadline.map_or(NAP, |at| at.since(time(begun))).min(NAP);
    let until = Timespec { tv_sec: 0, tv_nsec: i64::try_from(until.as_nanos()).unwrap_or(0) };
    let mut descriptors = [PollFd::new(master, PollFlags::IN)];
    let _ = poll(&mut descriptors, Some(&until));
    let mut bytes = [0; 4096];
    let read = rustix::io::read(master, &mut bytes).unwrap_or(0);
    let now = time(begun);
    let mut office = office.lock().expect("the test is well");
    office.write(now, &bytes[..read]);
    office.run(now);
    let mut said = office.read();
    drop(office);
    while !said.is_empty() {
        match rustix::io::write(master, &said) {
            Ok(written) => drop(said.drain(..written)),
            Err(Errno::AGAIN) => std::thread::sleep(Duration::from_millis(2)),
            Err(_) => return,
        }
    }
}
