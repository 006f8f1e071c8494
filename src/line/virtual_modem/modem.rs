//! The modem itself: its protocol and its device, in the hands of whoever drives it, which is its own thread between
//! calls and the driver of a line during a call that comes in.

use std::os::fd::BorrowedFd;
use std::sync::Arc;
use std::time::Duration;

use fax::at::dce::{Caller, Dce, DceConfig, Output};
use fax::carrier::{Command, HangUp, Signal};
use fax::time::Time;

use super::Shared;
use super::pty::{Pty, Read};
use crate::line::terminal::{Request, Terminal};

/// How soon a program that does not take what it is sent is tried again.
const UNREAD_WAIT: Duration = Duration::from_millis(20);

/// How often it is looked whether the gateway stops.
const STOP_LOOK: Duration = Duration::from_secs(1);

/// A virtual modem with its device.
///
/// Its time runs on from one driver to the next, each of which counts from a beginning of its own (`Modem::begin`).
#[derive(Debug)]
pub struct Modem {
    dce: Dce,
    pty: Pty,
    /// The modem's time when the present driver began to count.
    begin: Time,
    /// The modem's time now.
    now: Time,
    /// What was taken from the modem too early.
    held: Option<Output>,
    call: Call,
    /// The gateway stops.
    shared: Arc<Shared>,
}

/// Where the modem is in a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Call {
    None,
    /// The driver of the line has it.
    Goes,
    /// It is over; the driver is still to be told.
    Ended,
    /// The driver has been told.
    Told,
}

impl Modem {
    /// A modem at a new device.
    pub(super) fn new(config: DceConfig, pty: Pty, shared: Arc<Shared>) -> Self {
        let (begin, now) = (Time::ZERO, Time::ZERO);
        Self { dce: Dce::new(config), pty, begin, now, held: None, call: Call::None, shared }
    }

    /// Another driver begins to count.
    pub(super) fn begin(&mut self) {
        self.begin = self.now;
        self.call = Call::None;
    }

    /// A call is made or comes in: from now on the modem is a [`Terminal`], until it is over.
    pub(super) fn begin_call(&mut self) {
        self.begin();
        self.call = Call::Goes;
    }

    /// Makes the call that the program asked for.
    pub(super) fn proceed(&mut self) {
        self.dce.proceed(self.now);
    }

    /// The call that the program asked for is not made.
    pub(super) fn refuse(&mut self, why: HangUp) {
        self.dce.signal(self.now, Signal::HungUp(why));
    }

    /// A call comes in. It rings until the program answers, or until it is told that the caller has gone.
    pub fn ring(&mut self, now: Time, from: Caller) {
        self.advance(now);
        self.dce.ring(self.now, from);
    }

    /// Looks at what the program has written.
    pub(super) fn look(&mut self) {
        self.pty.flush();
        loop {
            match self.pty.read(self.dce.room()) {
                Read::Bytes(bytes) => self.dce.received(self.now, &bytes),
                Read::Closed => self.dce.unplugged(),
                Read::Nothing => break,
            }
        }
        self.dce.tick(self.now);
    }

    pub(super) fn advance(&mut self, now: Time) {
        self.now = self.now.max(self.begin + now.since(Time::ZERO));
    }

    /// Gives the program what is for it, and gives the rest.
    pub(super) fn output(&mut self) -> Option<Output> {
        if let Some(held) = self.held.take() {
            return Some(held);
        }
        while let Some(output) = self.dce.poll() {
            match output {
                Output::Write(bytes) => self.pty.write(&bytes),
                other => return Some(other),
            }
        }
        None
    }

    /// Whether it can be lent to a call that comes in.
    pub(super) fn is_free(&self) -> bool {
        self.dce.is_on_hook() && !self.dce.is_ringing() && self.held.is_none()
    }

    /// Whether a program has the device.
    pub(super) fn is_in_use(&self) -> bool {
        self.pty.is_open()
    }

    /// When something is to be done, by the count of the present driver.
    pub(super) fn due(&self) -> Option<Time> {
        let unread = self.pty.has_unread().then(|| self.now + UNREAD_WAIT);
        let due = [self.dce.deadline(), unread].into_iter().flatten().min();
        due.map(|due| Time::ZERO + due.since(self.begin))
    }

    /// What to wait for; nothing while the modem takes nothing.
    pub(super) fn waits_for(&self) -> Option<BorrowedFd<'_>> {
        (self.dce.room() > 0).then(|| self.pty.waits_for())
    }
}

impl Terminal for Modem {
    fn signal(&mut self, now: Time, signal: Signal) {
        self.advance(now);
        if self.call == Call::Goes {
            if matches!(signal, Signal::HungUp(_)) {
                self.call = Call::Ended;
            }
            self.dce.signal(self.now, signal);
        }
    }

    fn tick(&mut self, now: Time) {
        self.advance(now);
        if self.call == Call::Goes && self.shared.stops() {
            self.cancel(now);
        }
        if self.call == Call::Goes {
            self.look();
        }
    }

    fn poll(&mut self) -> Option<Request> {
        match self.call {
            Call::Goes => match self.output() {
                Some(Output::Command(command)) => {
                    if command == Command::HangUp {
                        self.call = Call::Ended;
                    }
                    Some(Request::Command(command))
                }
                Some(Output::Piece(piece)) => Some(Request::Piece(piece)),
                // It cannot be: a program dials on hook only. Its thread will see.
                Some(other) => {
                    self.held = Some(other);
                    self.call = Call::Told;
                    Some(Request::Over)
                }
                // It has rung at nobody, or the program's call is over in another way.
                None if self.dce.is_on_hook() && !self.dce.is_ringing() => {
                    self.call = Call::Told;
                    Some(Request::Over)
                }
                None => None,
            },
            Call::Ended => {
                self.call = Call::Told;
                // The line may need a while to go on hook; the program hears of it now.
                self.held = self.output();
                Some(Request::Over)
            }
            Call::None | Call::Told => None,
        }
    }

    fn deadline(&self) -> Option<Time> {
        match self.call {
            Call::Goes => {
                let stop = Time::ZERO + (self.now + STOP_LOOK).since(self.begin);
                Some(self.due().map_or(stop, |due| due.min(stop)))
            }
            Call::Ended => Some(Time::ZERO),
            Call::None | Call::Told => None,
        }
    }

    fn cancel(&mut self, now: Time) {
        self.advance(now);
        if self.call == Call::Goes {
            let only_rings = self.dce.is_on_hook();
            self.dce.give_up(self.now);
            if only_rings {
                self.call = Call::Ended;
            }
        }
    }

    fn wakes_by(&self) -> Option<BorrowedFd<'_>> {
        if self.call == Call::Goes { self.waits_for() } else { None }
    }
}
