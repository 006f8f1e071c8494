//! Soft modems behind ptys, joined by a small telephone exchange over audio, in real time: something to plug Faxgate,
//! HylaFAX or efax into.
//!
//! One thread does all of it and sleeps while nobody calls. Tests look and meddle through [`Exchange::with`]; the rules of
//! the exchange are in [`Office`], which knows neither ttys nor clocks.

mod call;
mod office;
mod pty;
mod station;

pub use office::{Ended, Fault, Office, Traits};
pub use station::Answer;

use crate::audio::BLOCK_MS;
use crate::t31::{Hook, Modem};
use pty::Pty;
use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};
use std::collections::BTreeMap;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How time passes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pace {
    /// As on a clock. The only one to measure with.
    #[default]
    Real,
    /// Eight times as fast while every modem sends what it has or listens, and no DTE has anything to decide.
    Hurried,
}

/// So much faster does [`Pace::Hurried`] go.
const HURRY: u32 = 8;
/// And only once the modems have said nothing but data for so long.
const QUIET: Duration = Duration::from_millis(60);
/// One who comes later than this lets the time stand still instead of catching up.
const LATE_MAX: Duration = Duration::from_millis(200);
const BLOCK: Duration = Duration::from_millis(BLOCK_MS);

/// The ports and the exchange behind them.
#[derive(Debug, Default)]
struct Shared {
    office: Office,
    ports: BTreeMap<String, Port>,
    pace: Pace,
    is_stopping: bool,
}

#[derive(Debug)]
struct Port {
    pty: Pty,
    /// What went through, in both directions, where it is wanted.
    trace: Option<Vec<(u64, bool, Vec<u8>)>>,
    /// Nobody is at home: octets are taken and never answered.
    is_deaf: bool,
}

/// A running exchange; dropping it stops it.
#[derive(Debug)]
pub struct Exchange {
    folder: PathBuf,
    shared: Arc<Mutex<Shared>>,
    wake: Arc<OwnedFd>,
    thread: Option<JoinHandle<()>>,
}

impl Exchange {
    /// Starts an exchange whose ports are named by number in `folder`.
    ///
    /// # Errors
    /// Where there are no threads or event descriptors to be had.
    pub fn start(folder: &Path, pace: Pace) -> io::Result<Self> {
        let shared = Arc::new(Mutex::new(Shared { pace, ..Shared::default() }));
        let wake = Arc::new(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?);
        let thread = {
            let (shared, wake) = (Arc::clone(&shared), Arc::clone(&wake));
            std::thread::Builder::new().name("exchange".into()).spawn(move || run(&shared, &wake))?
        };
        Ok(Self { folder: folder.to_owned(), shared, wake, thread: Some(thread) })
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wake_up(&self) {
        let _ = rustix::io::write(&*self.wake, &1u64.to_ne_bytes());
    }

    /// Looks at the exchange, or changes it, between two ticks.
    pub fn with<T>(&self, what: impl FnOnce(&mut Office) -> T) -> T {
        let answer = what(&mut self.lock().office);
        self.wake_up();
        answer
    }

    /// Where the port of a number is, or would be.
    #[must_use]
    pub fn path(&self, number: &str) -> PathBuf {
        self.folder.join(format!("modem{number}"))
    }

    /// A new modem at a number, behind a new port: also one that was unplugged and is back.
    ///
    /// # Errors
    /// Where no pty is to be had.
    pub fn plug(&self, number: &str) -> io::Result<PathBuf> {
        self.new_port(number, false)?;
        self.with(|office| office.put_modem(number, Modem::new()));
        Ok(self.path(number))
    }

    /// A port that takes everything and never answers.
    ///
    /// # Errors
    /// Where no pty is to be had.
    pub fn plug_deaf(&self, number: &str) -> io::Result<PathBuf> {
        self.new_port(number, true)
    }

    fn new_port(&self, number: &str, is_deaf: bool) -> io::Result<PathBuf> {
        let path = self.path(number);
        let mut shared = self.lock();
        // The old one takes its link away with it: before the new one makes its own.
        let trace = shared.ports.remove(number).and_then(|old| old.trace);
        let pty = Pty::new(&path)?;
        shared.ports.insert(number.to_owned(), Port { pty, trace, is_deaf });
        drop(shared);
        self.wake_up();
        Ok(path)
    }

    /// Takes the modem away, whatever it is doing: the port is gone, its name too, and a call is dropped.
    pub fn unplug(&self, number: &str) {
        let mut shared = self.lock();
        shared.ports.remove(number);
        if let Some(old) = shared.office.remove(number) {
            // Its traits and what is to befall it stay for the next one.
            shared.office.keep(number, old);
        }
        drop(shared);
        // The thread still holds the port while it sleeps.
        self.wake_up();
    }

    /// Whether the modem at a number is there and on hook.
    #[must_use]
    pub fn is_on_hook(&self, number: &str) -> bool {
        self.with(|office| office.modem(number).is_some_and(|modem| modem.hook() == Hook::On))
    }

    /// Begins to keep what goes through the port of a number.
    pub fn trace(&self, number: &str) {
        if let Some(port) = self.lock().ports.get_mut(number) {
            port.trace = Some(Vec::new());
        }
    }

    /// What went through the port of a number: a line a piece, with the time and a direction.
    #[must_use]
    pub fn traced(&self, number: &str) -> String {
        const SHOWN_MAX: usize = 60;
        let shared = self.lock();
        let Some(trace) = shared.ports.get(number).and_then(|port| port.trace.as_ref()) else {
            return String::new();
        };
        let line = |(ms, is_from_dte, octets): &(u64, bool, Vec<u8>)| {
            let text = octets[..octets.len().min(SHOWN_MAX)].escape_ascii();
            let way = if *is_from_dte { '>' } else { '<' };
            format!("{:8.2} {way} {:5} {text}\n", *ms as f64 / 1000.0, octets.len())
        };
        trace.iter().map(line).collect()
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.lock().is_stopping = true;
        self.wake_up();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

#[allow(clippy::disallowed_methods, reason = "the exchange is the clock of its modems")]
fn now() -> Instant {
    Instant::now()
}

/// Octets that the ports take from their DTEs and give to them; whether any of it was not bulk data.
fn move_octets(shared: &mut Shared) -> bool {
    let mut has_news = false;
    let Shared { office, ports, .. } = shared;
    let now_ms = office.now_ms();
    for (number, port) in ports {
        if port.pty.has_lost_its_dte() && !port.is_deaf {
            if let Some(modem) = office.modem(number) {
                modem.dtr_off();
            }
            office.settle();
            has_news = true;
        }
        if port.is_deaf {
            port.pty.read();
            continue;
        }
        loop {
            if !office.modem(number).is_some_and(|modem| modem.is_ready()) {
                break;
            }
            let octets = port.pty.read();
            if octets.is_empty() {
                break;
            }
            has_news |= !office.modem(number).is_some_and(|modem| modem.is_in_image());
            office.write(number, &octets);
            port.note(now_ms, true, &octets);
        }
        let Some(modem) = office.modem(number) else { continue };
        let is_image = modem.is_in_image();
        let octets = modem.read();
        has_news |= (!octets.is_empty() && !is_image) || port.pty.is_behind();
        port.note(now_ms, false, &octets);
        port.pty.write(&octets);
    }
    has_news
}

impl Port {
    fn note(&mut self, now_ms: u64, is_from_dte: bool, octets: &[u8]) {
        const PIECES_MAX: usize = 100_000;
        let Some(trace) = &mut self.trace else { return };
        if !octets.is_empty() && trace.len() < PIECES_MAX {
            trace.push((now_ms, is_from_dte, octets.to_vec()));
        }
    }
}

fn run(shared: &Mutex<Shared>, wake: &OwnedFd) {
    let lock = || shared.lock().unwrap_or_else(PoisonError::into_inner);
    let mut next = now();
    let mut quiet_since = now();
    let mut slept_since = None;
    loop {
        let mut guard = lock();
        let state = &mut *guard;
        if state.is_stopping {
            return;
        }
        if let Some(since) = slept_since.take() {
            let passed = now().saturating_duration_since(since);
            state.office.skip(u64::try_from(passed.as_millis()).unwrap_or(0));
        }
        if move_octets(state) {
            quiet_since = now();
        }
        if !state.office.is_active() {
            slept_since = Some(now());
            wait(guard, wake, None);
            next = now();
            continue;
        }
        let at = now();
        if at >= next {
            state.office.tick();
            if move_octets(state) {
                quiet_since = at;
            }
            let may_hurry = state.pace == Pace::Hurried
                && at.saturating_duration_since(quiet_since) > QUIET
                && state.office.waits_for_the_line();
            next += if may_hurry { BLOCK / HURRY } else { BLOCK };
            if at.saturating_duration_since(next) > LATE_MAX {
                next = at;
            }
        }
        if next > now() {
            wait(guard, wake, Some(next));
        }
    }
}

/// Sleeps until a port has something, the exchange is woken, or it is time.
fn wait(guard: MutexGuard<'_, Shared>, wake: &OwnedFd, until: Option<Instant>) {
    const SLEEP_MAX: Duration = Duration::from_secs(5);
    // The descriptors outlive the lock: duplicates of them are waited on.
    let mut waited: Vec<(OwnedFd, PollFlags)> = Vec::new();
    for (number, port) in &guard.ports {
        let takes = port.is_deaf || is_ready(&guard.office, number);
        let mut flags = if takes { PollFlags::IN } else { PollFlags::empty() };
        if port.pty.is_behind() {
            flags |= PollFlags::OUT;
        }
        waited.extend(port.pty.master().try_clone_to_owned().ok().map(|fd| (fd, flags)));
        waited.extend(port.pty.watch().try_clone_to_owned().ok().map(|fd| (fd, PollFlags::IN)));
    }
    drop(guard);
    let mut fds: Vec<PollFd<'_>> = waited.iter().map(|(fd, flags)| PollFd::new(fd, *flags)).collect();
    fds.push(PollFd::new(wake, PollFlags::IN));
    let time = until.map_or(SLEEP_MAX, |until| until.saturating_duration_since(now()).min(SLEEP_MAX));
    let time =
        Timespec { tv_sec: i64::try_from(time.as_secs()).unwrap_or(0), tv_nsec: time.subsec_nanos().into() };
    let _ = poll(&mut fds, Some(&time));
    let _ = rustix::io::read(wake, &mut [0; 8]);
}

fn is_ready(office: &Office, number: &str) -> bool {
    office.modem_at(number).is_some_and(Modem::is_ready)
}
