//! A modem at an open port: runs the dialogs of `fax::at` in real time, with hard deadlines.
//!
//! Calls are run by `super::call` (Class 1) and `super::session` (Class 2).
//!
//! Whoever owns the [`Modem`] is the only one who talks to it: the line's own thread between calls and for calls that
//! come in, the thread of a call that goes out for as long as that call lasts. Every function here comes back by itself,
//! at the latest a little after the deadline of the engine that it drives.

use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use fax::at::Output;
use fax::at::dialog::{Answers, Dialog, DialogError, Step};
use fax::at::probe::{Found, Probe};
use fax::at::profile::{FlowControl, Profile};
use fax::time::Time;

use super::port::{Port, PortError, PortSettings, Waker};
use crate::clock::Stopwatch;

/// How long DTR stays off to make a modem hang up (most want 50 ms; some sample it twice a second).
const DTR_OFF: Duration = Duration::from_millis(700);
/// How long a modem may take to collect itself after that.
const DTR_REST: Duration = Duration::from_millis(700);

/// Why a modem cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// The port.
    #[error(transparent)]
    Port(#[from] PortError),
    /// It refuses, or does not answer, what it must know.
    #[error("{0}")]
    Dialog(DialogError),
    /// It has not said that it is on hook.
    #[error("the modem does not go back on hook")]
    OffHook,
    /// It answered before, and does not any more.
    #[error("the modem does not answer any more")]
    Silent,
    /// The gateway stops.
    #[error("the gateway stops")]
    Stopped,
}

/// Wakes whoever waits for a modem, and says that the gateway stops.
#[derive(Debug)]
pub struct Bell {
    pub(super) waker: Waker,
    stops: AtomicBool,
}

impl Bell {
    /// A bell that has not been rung.
    ///
    /// # Errors
    /// Where the system has no more descriptors.
    pub fn new() -> std::io::Result<Self> {
        Ok(Self { waker: Waker::new()?, stops: AtomicBool::new(false) })
    }

    /// There is something to look at.
    pub fn ring(&self) {
        self.waker.ring();
    }

    /// The gateway stops.
    pub fn stop(&self) {
        self.stops.store(true, Ordering::Release);
        self.waker.ring();
    }

    /// Whether the gateway stops.
    #[must_use]
    pub fn stops(&self) -> bool {
        self.stops.load(Ordering::Acquire)
    }

    /// Waits to be rung.
    pub fn wait(&self, timeout: Duration) {
        self.waker.wait(timeout);
    }
}

/// A modem at an open port.
#[derive(Debug)]
pub struct Modem {
    pub(super) port: Port,
    /// What is known of it.
    pub profile: Profile,
    /// Whether it is on hook and in command state, by its own word.
    pub is_on_hook: bool,
    /// It rang when a call was about to go out: the next ring may be seconds away.
    pub(super) has_rung: bool,
    /// How much it has said so far, understood or not.
    pub(super) octets_heard: u64,
}

/// A conversation in command state.
trait Talk {
    /// What comes out of it.
    type Told;
    fn start(&mut self, now: Time);
    fn received(&mut self, now: Time, bytes: &[u8]);
    fn tick(&mut self, now: Time);
    fn poll(&mut self) -> Option<Output<Result<Self::Told, DialogError>>>;
    fn deadline(&self) -> Option<Time>;
}

macro_rules! talk {
    ($engine:ty, $told:ty) => {
        impl Talk for $engine {
            type Told = $told;
            fn start(&mut self, now: Time) {
                <$engine>::start(self, now);
            }
            fn received(&mut self, now: Time, bytes: &[u8]) {
                <$engine>::received(self, now, bytes);
            }
            fn tick(&mut self, now: Time) {
                <$engine>::tick(self, now);
            }
            fn poll(&mut self) -> Option<Output<Result<Self::Told, DialogError>>> {
                <$engine>::poll(self)
            }
            fn deadline(&self) -> Option<Time> {
                <$engine>::deadline(self)
            }
        }
    };
}

talk!(Dialog, Answers);
talk!(Probe, Found);

impl Modem {
    /// Opens the port. Nothing is said to the modem yet.
    ///
    /// # Errors
    /// [`Trouble::Port`].
    pub fn open(settings: &PortSettings) -> Result<Self, Trouble> {
        let port = Port::open(settings)?;
        Ok(Self { port, profile: Profile::default(), is_on_hook: true, has_rung: false, octets_heard: 0 })
    }

    /// Runs commands.
    ///
    /// # Errors
    /// [`Trouble::Dialog`] at the first required one that fails; [`Trouble::Port`]; [`Trouble::Stopped`].
    pub fn ask(&mut self, bell: &Bell, steps: Vec<Step>) -> Result<Answers, Trouble> {
        let dialog = Dialog::new(steps).with_gap(self.profile.command_gap);
        self.run(bell, dialog, false)
    }

    /// The same, also where the gateway stops: what is said here brings the line on hook.
    pub(super) fn ask_on_the_way_out(&mut self, bell: &Bell, steps: Vec<Step>) -> Result<Answers, Trouble> {
        let dialog = Dialog::new(steps).with_gap(self.profile.command_gap);
        self.run(bell, dialog, true)
    }

    /// Asks the modem what it is and can do.
    ///
    /// # Errors
    /// See [`Modem::ask`].
    pub fn probe(&mut self, bell: &Bell) -> Result<Found, Trouble> {
        self.run(bell, Probe::new(self.profile.command_gap), false)
    }

    /// Runs a dialog to its end. `is_on_the_way_out`: also where the gateway stops.
    fn run<T: Talk>(
        &mut self,
        bell: &Bell,
        mut talk: T,
        is_on_the_way_out: bool,
    ) -> Result<T::Told, Trouble> {
        let watch = Stopwatch::start();
        talk.start(Time::ZERO);
        loop {
            while let Some(output) = talk.poll() {
                if let Some(result) = self.apply(output)? {
                    return result.map_err(Trouble::Dialog);
                }
            }
            self.wait(bell, until(&watch, talk.deadline()))?;
            if bell.stops() && !is_on_the_way_out {
                return Err(Trouble::Stopped);
            }
            let now = time(&watch);
            talk.received(now, &self.heard());
            talk.tick(now);
        }
    }

    /// Whether it still answers when the modem and the port do this flow control; the port is then as it was.
    ///
    /// # Errors
    /// [`Trouble::Port`]; [`Trouble::Stopped`].
    pub fn answers_with(&mut self, bell: &Bell, flow: FlowControl, command: &str) -> Result<bool, Trouble> {
        let step = |text: &str| Step { wait: Duration::from_secs(1), ..Step::required(text) };
        let taken = self.ask(bell, vec![step(command)]);
        if !matches!(taken, Ok(_) | Err(Trouble::Dialog(_))) {
            return taken.map(|_| false);
        }
        self.port.set_flow(flow)?;
        let answered = self.ask(bell, vec![step("AT")]);
        // What could not leave for lack of CTS must not leave later.
        self.port.discard();
        self.port.set_flow(FlowControl::None)?;
        match answered {
            Ok(_) => Ok(taken.is_ok()),
            Err(Trouble::Dialog(_)) => Ok(false),
            Err(trouble) => Err(trouble),
        }
    }

    /// Changes the bits per second.
    ///
    /// # Errors
    /// [`Trouble::Port`].
    pub fn set_baud(&mut self, baud: u32) -> Result<(), Trouble> {
        Ok(self.port.set_baud(baud)?)
    }

    /// Whether the port has circuits beside its data: a pseudo terminal has none.
    pub fn has_circuits(&mut self) -> bool {
        self.port.has_circuits()
    }

    /// Brings the modem to the state that calls begin in, whatever state it is in.
    ///
    /// # Errors
    /// See [`Modem::ask`].
    pub fn start(&mut self, bell: &Bell) -> Result<Answers, Trouble> {
        let answers = self.ask(bell, self.profile.start())?;
        // XON and XOFF are for the engines, which turn them on while they send.
        let flow =
            if self.profile.flow == FlowControl::RtsCts { FlowControl::RtsCts } else { FlowControl::None };
        self.port.set_flow(flow)?;
        if flow == FlowControl::RtsCts {
            self.check_flow(bell)?;
        }
        self.is_on_hook = true;
        Ok(answers)
    }

    /// With a cable that lacks CTS nothing goes out any more: then it goes without.
    fn check_flow(&mut self, bell: &Bell) -> Result<(), Trouble> {
        let step = Step { wait: Duration::from_secs(1), ..Step::required("AT") };
        match self.ask(bell, vec![step]) {
            Err(Trouble::Dialog(_)) => {
                tracing::warn!("with RTS and CTS the modem answers no more; going without flow control");
                self.port.discard();
                self.profile.flow = FlowControl::None;
                Ok(self.port.set_flow(FlowControl::None)?)
            }
            result => result.map(|_| ()),
        }
    }

    /// Whether anybody answers: `AT`, then, where nothing comes, out of whatever state the modem may have been left in.
    ///
    /// # Errors
    /// See [`Modem::ask`].
    pub fn attend(&mut self, bell: &Bell) -> Result<(), Trouble> {
        let attention =
            || Step { wait: Duration::from_secs(1), tries: 2, is_numeric: true, ..Step::required("AT") };
        match self.ask(bell, vec![attention()]) {
            Err(Trouble::Dialog(_)) => {}
            result => return result.map(|_| ()),
        }
        self.reset(bell)?;
        self.ask(bell, vec![attention()]).map(|_| ())
    }

    /// Makes the modem hang up by all means: data ended, DTR off and on, `ATH`.
    ///
    /// # Errors
    /// [`Trouble::OffHook`] where it does not say that it did; [`Trouble::Port`].
    pub fn hang_up(&mut self, bell: &Bell) -> Result<(), Trouble> {
        self.reset(bell)?;
        let step =
            Step { wait: Duration::from_secs(2), tries: 3, is_numeric: true, ..Step::required("ATH0") };
        match self.ask_on_the_way_out(bell, vec![step]) {
            Ok(_) => {
                self.is_on_hook = true;
                Ok(())
            }
            Err(Trouble::Dialog(_)) => Err(Trouble::OffHook),
            Err(trouble) => Err(trouble),
        }
    }

    /// Out of data or dialling (`<DLE><ETX>`, a line end), and DTR off and on.
    pub(super) fn reset(&mut self, bell: &Bell) -> Result<(), Trouble> {
        self.port.discard();
        self.port.set_flow(FlowControl::None)?;
        self.port.write(&[0x10, 0x03, b'\r']);
        if self.profile.dtr_hang_up && self.port.has_circuits() {
            self.rest(bell, Duration::from_millis(200))?;
            self.port.set_dtr(false);
            self.rest(bell, DTR_OFF)?;
            self.port.set_dtr(true);
        }
        self.rest(bell, DTR_REST)?;
        self.port.discard_received();
        Ok(())
    }

    /// Lets time pass. A gateway that stops still wants its lines on hook, so this is not cut short.
    fn rest(&mut self, bell: &Bell, how_long: Duration) -> Result<(), Trouble> {
        let watch = Stopwatch::start();
        while watch.elapsed() < how_long {
            self.wait(bell, how_long.saturating_sub(watch.elapsed()))?;
        }
        Ok(())
    }

    /// Waits for the port or the bell.
    pub(super) fn wait(&mut self, bell: &Bell, timeout: Duration) -> Result<(), Trouble> {
        if self.port.wait(timeout, &[bell.waker.as_fd()])?.woken {
            bell.waker.hear();
        }
        Ok(())
    }

    /// What the modem has said.
    pub(super) fn heard(&mut self) -> Vec<u8> {
        let bytes = self.port.take();
        self.octets_heard = self.octets_heard.wrapping_add(bytes.len() as u64);
        bytes
    }

    /// Does what an engine wants of the port; gives what it tells.
    pub(super) fn apply<T>(&mut self, output: Output<T>) -> Result<Option<T>, PortError> {
        match output {
            Output::Write(bytes) => self.port.write(&bytes),
            Output::Discard => self.port.discard(),
            Output::Flow(flow) => self.port.set_flow(flow)?,
            Output::Dtr(on) => self.port.set_dtr(on),
            Output::Tell(what) => return Ok(Some(what)),
        }
        Ok(None)
    }
}

/// The time on a call's watch.
pub(super) fn time(watch: &Stopwatch) -> Time {
    Time::ZERO + watch.elapsed()
}

/// How long it is until a deadline.
pub(super) fn until(watch: &Stopwatch, deadline: Option<Time>) -> Duration {
    const NO_DEADLINE: Duration = Duration::from_secs(1);
    deadline.map_or(NO_DEADLINE, |deadline| deadline.since(time(watch)))
}
