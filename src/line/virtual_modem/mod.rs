//! Virtual modems: a device at which an old program (HylaFAX, mgetty, efax) finds a Class 1 modem, and behind it any line
//! of the gateway that has a carrier.
//!
//! [`VirtualModem::create`] makes the device, and [`Device::serve`] a thread for it. The program dials on the line if the
//! line is free and the [`Rules`] allow the number; nothing is dialled without leave. A call that comes in on the line
//! borrows the modem ([`VirtualModem::lend`]) and drives it as its [`Terminal`](super::terminal::Terminal), where the
//! line is set to be answered by the program.

mod config;
mod modem;
mod pty;
mod thread;

#[cfg(test)]
mod tests;

pub use config::VirtualModemConfig;
pub use modem::Modem;

use std::collections::VecDeque;
use std::io;
use std::ops::{Deref, DerefMut};
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use fax::at::dce::DceConfig;
use rustix::event::{EventfdFlags, eventfd};

use super::Line;
use crate::address::Number;
use pty::Pty;

/// How long the thread may take to end, with the call that it is in.
const STOP_WAIT: Duration = Duration::from_secs(5);
/// How long a call that comes in waits for the modem. It is free, or its program is dialling.
const LEND_WAIT: Duration = Duration::from_secs(2);

/// What the gateway lets programs dial: the number that a dialling string stands for, or why it is not dialled.
pub type Rules = Arc<dyn Fn(&str) -> Result<Number, String> + Send + Sync>;

/// Rules by which nothing is dialled.
#[must_use]
pub fn nothing() -> Rules {
    Arc::new(|_| Err("programs may not dial".into()))
}

/// A virtual modem at a line.
#[derive(Debug)]
pub struct VirtualModem {
    shared: Arc<Shared>,
    answers: bool,
}

/// What the thread and those who borrow have in common.
#[derive(Debug)]
struct Shared {
    /// Who wants the modem.
    borrowers: Mutex<VecDeque<SyncSender<Lent>>>,
    /// Wakes the thread.
    wake: OwnedFd,
    stop: AtomicBool,
    /// Whether the thread has ended, or was never begun.
    ended: (Mutex<bool>, Condvar),
}

impl Shared {
    fn stops(&self) -> bool {
        self.stop.load(Ordering::Acquire)
    }

    fn ended(&self) {
        *self.ended.0.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.ended.1.notify_all();
    }

    fn wake(&self) {
        // It fails where it is awake already.
        let _ = rustix::io::write(&self.wake, &1u64.to_ne_bytes());
    }
}

/// A modem in somebody else's hands; dropping it gives it back.
#[derive(Debug)]
pub struct Lent {
    modem: Option<Box<Modem>>,
    back: Sender<Box<Modem>>,
}

impl VirtualModem {
    /// Makes the device. It is served from [`Device::serve`] on.
    ///
    /// # Errors
    /// A sentence, where the device or its path cannot be made.
    pub fn create(config: &VirtualModemConfig) -> Result<(Self, Device), String> {
        let failed = |error: io::Error| format!("virtual modem {}: {error}", config.path.display());
        let pty = Pty::create(config).map_err(failed)?;
        let wake = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK);
        let wake = wake.map_err(|error| failed(error.into()))?;
        let ended = (Mutex::new(true), Condvar::new());
        let stop = AtomicBool::new(false);
        let shared = Arc::new(Shared { borrowers: Mutex::default(), wake, stop, ended });
        let modem = Self { shared: Arc::clone(&shared), answers: config.answer };
        Ok((modem, Device { pty, shared }))
    }

    /// Whether its program answers the line's calls.
    #[must_use]
    pub fn answers(&self) -> bool {
        self.answers
    }

    /// The modem, for a call that comes in; `None` where it does not become free in time.
    #[must_use]
    pub fn lend(&self) -> Option<Lent> {
        let (sender, lent) = sync_channel(1);
        self.shared.borrowers.lock().unwrap_or_else(PoisonError::into_inner).push_back(sender);
        self.shared.wake();
        let mut lent: Lent = lent.recv_timeout(LEND_WAIT).ok()?;
        lent.begin_call();
        Some(lent)
    }
}

impl VirtualModem {
    /// Ends the call that the program is in, if any, and takes the device away.
    pub fn stop(&self) {
        self.shared.stop.store(true, Ordering::Release);
        self.shared.wake();
        let (ended, told) = &self.shared.ended;
        let ended = ended.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = told.wait_timeout_while(ended, STOP_WAIT, |ended| !*ended);
    }
}

/// A device that is to be served.
#[derive(Debug)]
pub struct Device {
    pty: Pty,
    shared: Arc<Shared>,
}

impl Device {
    /// Serves the device on a thread of its own: calls go out on the line, where the rules allow the number.
    ///
    /// # Errors
    /// A sentence, where there is no thread to be had.
    pub fn serve(self, config: DceConfig, line: Arc<dyn Line>, rules: Rules) -> Result<(), String> {
        let (back, given_back) = channel();
        let server = thread::Server {
            modem: Box::new(Modem::new(config, self.pty, Arc::clone(&self.shared))),
            shared: self.shared,
            line,
            rules,
            back,
            given_back,
        };
        *server.shared.ended.0.lock().unwrap_or_else(PoisonError::into_inner) = false;
        let name = format!("modem {}", server.line.name());
        let spawned = std::thread::Builder::new().name(name).spawn(move || server.run());
        spawned.map(drop).map_err(|error| format!("no thread for a virtual modem: {error}"))
    }
}

impl Deref for Lent {
    type Target = Modem;
    #[allow(clippy::expect_used, reason = "it is there until this is dropped")]
    fn deref(&self) -> &Modem {
        self.modem.as_ref().expect("given back by drop alone")
    }
}

impl DerefMut for Lent {
    #[allow(clippy::expect_used, reason = "it is there until this is dropped")]
    fn deref_mut(&mut self) -> &mut Modem {
        self.modem.as_mut().expect("given back by drop alone")
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        if let Some(modem) = self.modem.take() {
            // Nobody waits for it where its thread has ended; then the device goes with it.
            let _ = self.back.send(modem);
        }
    }
}
