//! A test modem on a pseudo-terminal: a device that any fax program can open. Time passes there as it does, or some times as
//! fast: a call is then over sooner, and a program has the less time to answer.
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
    watch: Watch,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// The modem's clock.
#[derive(Clone, Copy)]
struct Watch {
    begun: Instant,
    pace: u32,
}

impl Watch {
    fn now(self) -> Time {
        Time(u64::try_from(self.begun.elapsed().as_micros()).unwrap_or(u64::MAX) * u64::from(self.pace))
    }
}

impl PtyModem {
    /// Puts the office's modem on a new device, in real time.
    ///
    /// # Errors
    /// The system gives no pseudo-terminal.
    pub fn new(office: Office) -> std::io::Result<Self> {
        Self::hurried(office, 1)
    }

    /// The same; `pace` is how many seconds pass there in one of ours.
    ///
    /// # Errors
    /// The system gives no pseudo-terminal.
    pub fn hurried(office: Office, pace: u32) -> std::io::Result<Self> {
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
        let watch = Watch { begun: Instant::now(), pace: pace.max(1) };
        let thread = std::thread::spawn({
            let (office, stop) = (Arc::clone(&office), Arc::clone(&stop));
            move || {
                let _kept_open = slave;
                while !stop.load(Ordering::Relaxed) {
                    turn(&master, &office, watch);
                }
            }
        });
        Ok(Self { path, office, watch, stop, thread: Some(thread) })
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
        look(&mut office, self.watch.now())
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

/// Waits for something, and does it.
fn turn(master: &OwnedFd, office: &Mutex<Office>, watch: Watch) {
    let deadline = office.lock().expect("the test is well").deadline();
    let until = deadline.map_or(NAP, |at| at.since(watch.now()) / watch.pace).min(NAP);
    let until = Timespec { tv_sec: 0, tv_nsec: i64::try_from(until.as_nanos()).unwrap_or(0) };
    let mut descriptors = [PollFd::new(master, PollFlags::IN)];
    let _ = poll(&mut descriptors, Some(&until));
    let mut bytes = [0; 4096];
    let read = rustix::io::read(master, &mut bytes).unwrap_or(0);
    let now = watch.now();
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
