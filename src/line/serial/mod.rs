//! Lines on real fax modems at serial ports: Class 1 and 1.0 with our T.30 engine, Class 2, 2.0 and 2.1 with the modem's.
//!
//! A [`ModemLine`] has one thread (`thread`), which owns the modem between calls and for calls that come in. A call that
//! goes out runs on the thread of its caller, which borrows the modem (`loan`); so the flow's hooks run where they
//! belong, and nothing is done twice. The seat says who has the line; a ring takes it from under whoever is about to dial,
//! and that call ends as glare.
//!
//! Promises: after each call, also one in which the flow panicked or the gateway stopped, the modem is back on hook, or
//! its port is closed, which drops DTR. A device that is unplugged, locked, silent or wrong makes the line out of order,
//! with the cause in [`Condition`], and it comes back by itself. No call waits for a line that is out of order.

mod answer;
mod call;
pub mod config;
pub mod devices;
pub mod examine;
mod loan;
pub mod lock;
pub mod modem;
pub mod port;
pub mod profiles;
#[cfg(test)]
mod pty;
mod session;
#[cfg(test)]
mod tests;
mod thread;

use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use fax::at::dce::DceConfig;
use fax::carrier::{HangUp, Signal, SpeedSet};
use fax::time::Time;
use tokio::sync::Notify;

use self::call::drain;
use self::config::ModemLineConfig;
use self::loan::Counter;
use self::modem::{Bell, Trouble};
use self::profiles::Profiles;
use self::thread::{Shared, State};
use super::drive::FaxTerminal;
use super::terminal::Terminal;
use super::virtual_modem::{Rules, VirtualModem};
use super::{Answering, CallEnd, CannotCarry, Condition, Dial, Line, Seat, Sending};
use crate::address::{DialPlan, Number};

/// How long a line may take to go on hook and end when the gateway stops. A modem that answers takes a few seconds; this
/// is for one that has to be made to.
const STOP_MAX: Duration = Duration::from_secs(60);

/// What the lines of a gateway have in common.
#[derive(Clone)]
pub struct Surroundings {
    /// The modems that are known.
    pub profiles: Arc<Profiles>,
    /// How numbers are dialled here.
    pub plan: Arc<DialPlan>,
    /// Who takes calls.
    pub answering: Arc<dyn Answering>,
    /// What programs at virtual modems may dial.
    pub rules: Rules,
    /// Hints that a line is free.
    pub wake: Arc<Notify>,
}

/// A line on a real modem.
pub struct ModemLine {
    shared: Arc<Shared>,
    /// Disconnects when the thread has ended.
    ended: Mutex<Receiver<()>>,
}

impl ModemLine {
    /// Starts the line. The modem is set up in the background.
    ///
    /// # Errors
    /// A setting that makes no sense, or a system without threads and descriptors to spare.
    pub fn start(config: ModemLineConfig, around: &Surroundings) -> Result<Arc<Self>, String> {
        config.check()?;
        let station_id = config.identification()?;
        let is_known = config.profile == "auto" || around.profiles.named(&config.profile).is_some();
        if !is_known {
            return Err(format!("{}: there is no modem profile {:?}", config.name, config.profile));
        }
        let made = config.virtual_modem.as_ref().map(VirtualModem::create).transpose()?;
        let (program, device) = made.unzip();
        let speeds = SpeedSet::ALL.up_to(config.speed_max);
        let shared = Arc::new(Shared {
            program,
            station_id,
            plan: Arc::clone(&around.plan),
            profiles: Arc::clone(&around.profiles),
            answering: Arc::clone(&around.answering),
            seat: Seat::new(Arc::clone(&around.wake)),
            bell: Bell::new().map_err(|error| error.to_string())?,
            counter: Counter::default(),
            state: Mutex::new(State { condition: Condition::Starting, class: None }),
            config,
        });
        let (alive, ended) = sync_channel(1);
        let its = Arc::clone(&shared);
        let thread = std::thread::Builder::new().name(format!("line {}", shared.config.name));
        let body = move || {
            its.run();
            drop(alive);
        };
        thread.spawn(body).map_err(|error| format!("{}: {error}", shared.config.name))?;
        let line = Arc::new(Self { shared, ended: Mutex::new(ended) });
        if let Some(device) = device {
            let config = DceConfig { speeds, streams: true, ..DceConfig::default() };
            device.serve(config, Arc::clone(&line) as Arc<dyn Line>, Arc::clone(&around.rules))?;
        }
        Ok(line)
    }

    /// What is dialled for a number.
    fn dial_string(&self, number: &Number) -> String {
        let Shared { config, plan, .. } = &*self.shared;
        config.dial_string(&plan.local_phone(number))
    }

    fn tell_lost(&self, done: Result<(), Trouble>) {
        if let Err(trouble) = done {
            tracing::warn!(line = self.name(), %trouble, "a call has lost its modem");
        }
    }
}

/// A call that does not come to be: the terminal is told why.
fn refuse(terminal: &mut dyn Terminal, why: HangUp) {
    terminal.signal(Time::ZERO, Signal::HungUp(why));
    drain(terminal, Time::ZERO);
}

impl Line for ModemLine {
    fn name(&self) -> &str {
        &self.shared.config.name
    }

    fn number(&self) -> Option<&Number> {
        self.shared.config.number.as_ref()
    }

    fn seat(&self) -> &Arc<Seat> {
        &self.shared.seat
    }

    fn call(&self, dial: &Dial, sending: &mut dyn Sending) -> CallEnd {
        let Shared { config, station_id, bell, .. } = &*self.shared;
        let mut sender = dial.sender(station_id.clone());
        sender.answer_wait = config.answer_wait;
        let mut loan = self.shared.borrow();
        match loan.as_mut().map_err(|why| *why).and_then(|loan| loan.modem().ok_or(HangUp::LineFault)) {
            Ok(modem) => {
                sender.allowed = config.limit(sender.allowed, modem.profile.speeds_send);
                let (end, done) = modem.send(bell, sender, self.dial_string(&dial.number), sending);
                self.tell_lost(done);
                end
            }
            Err(why) => {
                let mut terminal = FaxTerminal::sending(sender, sending);
                refuse(&mut terminal, why);
                terminal.end()
            }
        }
    }

    fn carry(&self, number: &Number, terminal: &mut dyn Terminal) -> Result<(), CannotCarry> {
        let Shared { config, bell, .. } = &*self.shared;
        if self.shared.state().class.is_some_and(|class| !class.is_one()) {
            return Err(CannotCarry(format!("the modem of line {} does T.30 itself", config.name)));
        }
        let mut loan = self.shared.borrow();
        match loan.as_mut().map_err(|why| *why).and_then(|loan| loan.modem().ok_or(HangUp::LineFault)) {
            Ok(modem) => {
                self.tell_lost(modem.call(bell, terminal, self.dial_string(number), config.answer_wait));
            }
            Err(why) => refuse(terminal, why),
        }
        Ok(())
    }

    fn dials(&self) -> bool {
        self.shared.config.dial
    }

    fn condition(&self) -> Condition {
        self.shared.state().condition.clone()
    }

    fn stop(&self) {
        self.shared.bell.stop();
        if let Some(program) = &self.shared.program {
            program.stop();
        }
        let ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        if ended.recv_timeout(STOP_MAX) == Err(std::sync::mpsc::RecvTimeoutError::Timeout) {
            tracing::error!(line = self.name(), "the line does not end");
        }
    }
}

impl Drop for ModemLine {
    fn drop(&mut self) {
        self.shared.bell.stop();
    }
}
