//! A call over a Class 1 modem: the carrier of `fax::at::class1` below, a terminal above, in real time.

use std::os::fd::AsFd;
use std::time::Duration;

use fax::at::Output;
use fax::at::class1::{Carrier, CarrierConfig, HANG_UP_MAX};
use fax::carrier::{Command, HangUp, Signal};
use fax::time::Time;

use super::modem::{Bell, Modem, Trouble, time, until};
use crate::clock::Stopwatch;
use crate::line::terminal::{Request, Terminal};

/// How long a terminal may take to say good-bye when the gateway stops.
pub(super) const CANCEL_MAX: Duration = Duration::from_secs(10);
/// What the carrier may need beyond its own promise to hang up.
const HANG_UP_SLACK: Duration = Duration::from_secs(3);

impl Modem {
    /// Runs a call of a terminal over this modem, from its first request until the modem is on hook again or all that
    /// can be done for that has been done; [`Modem::is_on_hook`] says which. `dial` is empty for a call that comes in.
    ///
    /// # Errors
    /// [`Trouble::Port`] where the port is lost; the terminal has been told by then, and is over.
    pub fn call(
        &mut self,
        bell: &Bell,
        terminal: &mut dyn Terminal,
        dial: String,
        answer_wait: Duration,
    ) -> Result<(), Trouble> {
        self.is_on_hook = false;
        let carrier = Carrier::new(CarrierConfig { profile: self.profile.clone(), dial, answer_wait });
        let mut call = Call { carrier, terminal, watch: Stopwatch::start(), over: None, cancelled: None };
        match call.run(self, bell) {
            Ok(()) => {
                self.is_on_hook = call.carrier.is_on_hook_for_sure();
                Ok(())
            }
            Err(error) => {
                call.lose();
                Err(error)
            }
        }
    }
}

/// A call that is being run.
struct Call<'a> {
    carrier: Carrier,
    terminal: &'a mut dyn Terminal,
    watch: Stopwatch,
    /// Since when the terminal is done.
    over: Option<Time>,
    /// Since when the gateway has been stopping.
    cancelled: Option<Time>,
}

impl Call<'_> {
    fn run(&mut self, modem: &mut Modem, bell: &Bell) -> Result<(), Trouble> {
        loop {
            self.pump(modem)?;
            if self.over.is_some() && (self.carrier.is_idle() || self.is_stuck()) {
                return Ok(());
            }
            let timeout = until(&self.watch, self.deadline());
            let others = [Some(bell.waker.as_fd()), self.terminal.wakes_by()];
            let others: Vec<_> = others.into_iter().flatten().collect();
            if modem.port.wait(timeout, &others)?.woken {
                bell.waker.hear();
            }
            let now = time(&self.watch);
            let bytes = modem.port.take();
            if !bytes.is_empty() {
                self.carrier.received(now, &bytes);
            }
            self.carrier.tick(now);
            self.tick(now, bell);
        }
    }

    fn tick(&mut self, now: Time, bell: &Bell) {
        if self.over.is_some() {
            return;
        }
        if bell.stops() && self.cancelled.is_none() {
            self.cancelled = Some(now);
            self.terminal.cancel(now);
        }
        if self.cancelled.is_some_and(|since| now.since(since) > CANCEL_MAX) {
            self.finish(now);
        }
        self.terminal.tick(now);
    }

    /// Passes on what either side has for the other until neither has anything more.
    fn pump(&mut self, modem: &mut Modem) -> Result<(), Trouble> {
        loop {
            let now = time(&self.watch);
            if let Some(output) = self.carrier.poll() {
                if let Some(signal) = modem.apply(output)?
                    && self.over.is_none()
                {
                    modem.has_rung |= signal == Signal::HungUp(HangUp::Glare);
                    self.terminal.signal(now, signal);
                }
            } else if self.over.is_some() {
                return Ok(());
            } else {
                match self.terminal.poll() {
                    Some(Request::Command(command)) => self.carrier.command(time(&self.watch), command),
                    Some(Request::Piece(piece)) => self.carrier.piece(time(&self.watch), piece),
                    Some(Request::Over) => self.finish(now),
                    None => return Ok(()),
                }
            }
        }
    }

    /// The terminal is done: the line goes on hook, if it has not been told to already.
    fn finish(&mut self, now: Time) {
        self.over = Some(now);
        self.carrier.command(now, Command::HangUp);
    }

    fn is_stuck(&self) -> bool {
        let max = HANG_UP_MAX + HANG_UP_SLACK;
        self.over.is_some_and(|since| time(&self.watch).since(since) > max)
    }

    fn deadline(&self) -> Option<Time> {
        let over = self.over.map(|since| since + HANG_UP_MAX + HANG_UP_SLACK);
        let cancelled = self.cancelled.map(|since| since + CANCEL_MAX);
        let terminal = self.terminal.deadline().filter(|_| self.over.is_none());
        [self.carrier.deadline(), terminal, over, cancelled.filter(|_| self.over.is_none())]
            .into_iter()
            .flatten()
            .min()
    }

    /// The port is gone: tells the terminal, which has nothing more to do then.
    fn lose(&mut self) {
        self.carrier.lost(time(&self.watch));
        while let Some(output) = self.carrier.poll() {
            if let (Output::Tell(signal), None) = (output, self.over) {
                self.terminal.signal(time(&self.watch), signal);
            }
        }
        drain(self.terminal, time(&self.watch));
    }
}

/// Lets a terminal end that has no line any more. What it asks for is not done; its hooks are.
pub(super) fn drain(terminal: &mut dyn Terminal, now: Time) {
    const ROUNDS_MAX: usize = 100;
    for _ in 0..ROUNDS_MAX {
        match terminal.poll() {
            Some(Request::Over) => return,
            Some(Request::Command(_) | Request::Piece(_)) => {}
            None => terminal.tick(now),
        }
    }
}
