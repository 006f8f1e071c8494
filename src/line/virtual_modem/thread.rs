//! The thread of a virtual modem: serves its program between calls, dials for it, and lends the modem out for calls that
//! come in. It waits by `poll(2)` for the device, for borrowers, and for the modem's deadline.

use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::sync::PoisonError;
use std::sync::mpsc::{Receiver, Sender};
use std::time::Duration;

use fax::at::dce::Output;
use fax::carrier::HangUp;
use fax::time::Time;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::{Lent, Modem, Rules, Shared};
use crate::clock::Stopwatch;
use crate::line::Line;

/// The longest that the thread waits without looking round.
const LOOK_ROUND: Duration = Duration::from_secs(60);

pub(super) struct Server {
    pub(super) modem: Box<Modem>,
    pub(super) shared: Arc<Shared>,
    pub(super) line: Arc<dyn Line>,
    pub(super) rules: Rules,
    pub(super) back: Sender<Box<Modem>>,
    pub(super) given_back: Receiver<Box<Modem>>,
}

impl Server {
    pub(super) fn run(self) {
        let shared = Arc::clone(&self.shared);
        self.serve();
        shared.ended();
    }

    fn serve(mut self) {
        let mut watch = Stopwatch::start();
        let mut was_in_use = false;
        while !self.shared.stops() {
            self.modem.advance(Time::ZERO + watch.elapsed());
            self.modem.look();
            if was_in_use != self.modem.is_in_use() {
                was_in_use = !was_in_use;
                tracing::debug!(line = self.line.name(), was_in_use, "the virtual modem's device");
            }
            if let Some(output) = self.modem.output() {
                if let Output::Dial(digits) = output {
                    self.dial(&digits);
                    watch = self.begin_again();
                }
                continue;
            }
            match self.borrower() {
                Some(borrower) => {
                    let lent = Lent { modem: Some(self.modem), back: self.back.clone() };
                    // One that has not waited gives it back by dropping it.
                    let _ = borrower.send(lent);
                    let Ok(modem) = self.given_back.recv() else { return };
                    self.modem = modem;
                    watch = self.begin_again();
                }
                None => self.wait(Time::ZERO + watch.elapsed()),
            }
        }
    }

    fn begin_again(&mut self) -> Stopwatch {
        self.modem.begin();
        Stopwatch::start()
    }

    /// Who is to have the modem now.
    fn borrower(&self) -> Option<std::sync::mpsc::SyncSender<Lent>> {
        if !self.modem.is_free() {
            return None;
        }
        self.shared.borrowers.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
    }

    /// Calls for the program, where it may and the line is free; comes back when the line is on hook again.
    fn dial(&mut self, digits: &str) {
        let line = self.line.name();
        let number = match (self.rules)(digits) {
            Ok(number) => number,
            Err(reason) => {
                tracing::warn!(line, digits, reason, "a program at the virtual modem may not dial");
                return self.modem.refuse(HangUp::NotConnected);
            }
        };
        let Some(_held) = self.line.seat().take() else {
            tracing::info!(line, %number, "a program at the virtual modem finds the line taken");
            return self.modem.refuse(HangUp::Busy);
        };
        tracing::info!(line, %number, "a program at the virtual modem calls");
        let watch = Stopwatch::start();
        self.modem.begin_call();
        self.modem.proceed();
        match self.line.carry(&number, &mut *self.modem) {
            Ok(()) => {
                let seconds = watch.elapsed().as_secs();
                tracing::info!(line, %number, seconds, "the call of the program is over");
            }
            Err(error) => {
                tracing::warn!(line, %number, %error, "no call for the program at the virtual modem");
                self.modem.begin();
                self.modem.refuse(HangUp::NoDialTone);
            }
        }
    }

    /// Waits for the program, a borrower, or the modem's deadline.
    fn wait(&self, now: Time) {
        let due = self.modem.due().map_or(LOOK_ROUND, |due| due.since(now).min(LOOK_ROUND));
        let wake = self.shared.wake.as_fd();
        let fds: Vec<BorrowedFd<'_>> = self.modem.waits_for().into_iter().chain([wake]).collect();
        let mut fds: Vec<PollFd<'_>> = fds.iter().map(|fd| PollFd::new(fd, PollFlags::IN)).collect();
        // A wait that is cut short is as good.
        let _ = poll(&mut fds, Some(&timespec(due)));
        let mut count = [0; 8];
        let _ = rustix::io::read(&self.shared.wake, &mut count);
    }
}

/// A duration for `poll(2)`.
fn timespec(duration: Duration) -> Timespec {
    Timespec {
        tv_sec: i64::try_from(duration.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: i64::from(duration.subsec_nanos()),
    }
}
