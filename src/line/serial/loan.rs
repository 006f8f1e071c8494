//! How a call that goes out gets the modem: the line's thread owns it, lends it to the thread of the call, and has it
//! back when that is done, whatever happens there.

use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use fax::carrier::HangUp;

use super::modem::{Bell, Modem};

/// How long a call waits for the modem: as long as it may take to be asked whether it is there, and some more.
const LOAN_WAIT: Duration = Duration::from_secs(20);

/// What the thread of a call gets.
type Reply = Result<Loan, HangUp>;

/// The place where the two threads meet.
#[derive(Debug, Default)]
pub(super) struct Counter {
    wanted: Mutex<Option<SyncSender<Reply>>>,
}

/// A borrowed modem. Dropping it gives it back.
#[derive(Debug)]
pub(super) struct Loan {
    modem: Option<Modem>,
    back: SyncSender<Modem>,
}

impl Counter {
    /// Asks for the modem, and waits for it. `is_answering` says whether a call that came in has the line.
    ///
    /// # Errors
    /// Why there is no call.
    pub(super) fn borrow(&self, bell: &Bell, is_answering: impl Fn() -> bool) -> Result<Loan, HangUp> {
        if bell.stops() {
            return Err(HangUp::LineFault);
        }
        let (sender, receiver) = sync_channel(1);
        *self.wanted() = Some(sender);
        // Looked at only now: a call that comes in after this finds us waiting, and tells us.
        if is_answering() {
            self.refuse(HangUp::Glare);
        }
        bell.ring();
        let reply = receiver.recv_timeout(LOAN_WAIT);
        // Whoever has not answered by now finds nobody.
        self.wanted().take();
        reply.or_else(|_| receiver.try_recv().map_err(|_| ())).unwrap_or(Err(HangUp::LineFault))
    }

    /// Whether somebody asks for the modem.
    pub(super) fn is_wanted(&self) -> bool {
        self.wanted().is_some()
    }

    /// Tells whoever asks that there is no call.
    pub(super) fn refuse(&self, why: HangUp) {
        if let Some(sender) = self.wanted().take() {
            // Nobody waits any more: nobody needs to know.
            let _ = sender.try_send(Err(why));
        }
    }

    /// Lends the modem to whoever asks, and waits until it comes back; `None` where it was lost on the way, with the
    /// thread that had it.
    pub(super) fn lend(&self, modem: Modem) -> Option<Modem> {
        let Some(sender) = self.wanted().take() else { return Some(modem) };
        let (back, returned) = sync_channel(1);
        match sender.try_send(Ok(Loan { modem: Some(modem), back })) {
            Ok(()) => wait_for(&returned),
            // Nobody waits any more. The loan is dropped, and the modem comes back.
            Err(refused) => {
                drop(refused);
                wait_for(&returned)
            }
        }
    }

    fn wanted(&self) -> std::sync::MutexGuard<'_, Option<SyncSender<Reply>>> {
        self.wanted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The modem comes back when the call is over: each engine has its deadlines, and a loan that is dropped gives back.
fn wait_for(returned: &Receiver<Modem>) -> Option<Modem> {
    loop {
        match returned.recv_timeout(Duration::from_secs(3600)) {
            Ok(modem) => return Some(modem),
            Err(RecvTimeoutError::Timeout) => tracing::error!("a call has lasted for more than an hour"),
            Err(RecvTimeoutError::Disconnected) => return None,
        }
    }
}

impl Loan {
    /// The modem.
    pub(super) fn modem(&mut self) -> Option<&mut Modem> {
        self.modem.as_mut()
    }
}

impl Drop for Loan {
    fn drop(&mut self) {
        if let Some(modem) = self.modem.take() {
            // The line's thread waits for it, unless it has died: the port is closed then, and DTR goes off.
            let _ = self.back.try_send(modem);
        }
    }
}
