//! The thread of a line: it opens the port, sets the modem up, waits for calls, answers them, lends the modem to calls
//! that go out, and begins again from the start when anything is lost.
//!
//! ```text
//!   out of order ──► open ─► attend ─► identify ─► start ─► idle ◄─────────────┐
//!        ▲  pause, longer each time  │                      │ ring             │ on hook
//!        └───────────────────────────┴── lost ◄─────────────┼─► answer ────────┤
//!                                                           └─► lend (a call) ─┘
//! ```
//!
//! A panic of the flow in a call that comes in is caught: the modem is made to hang up, and the line goes on.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use fax::at::dce::Caller;
use fax::at::dialog::Answers;
use fax::at::idle::{Idle, IdleEvent, Ringing};
use fax::at::profile::{Class, Profile};
use fax::carrier::HangUp;
use fax::t30::ReceiverConfig;
use fax::t30::frame::StationId;
use fax::time::Time;

use super::answer::{self, Decision};
use super::config::ModemLineConfig;
use super::loan::{Counter, Loan};
use super::modem::{Bell, Modem, Trouble, time, until};
use super::profiles::Profiles;
use crate::address::{DialPlan, Number};
use crate::clock::Stopwatch;
use crate::line::virtual_modem::VirtualModem;
use crate::line::{Answering, CallEnd, Condition, Held, Seat};

/// The pause before a line that was lost is tried again, at first and at most.
const PAUSE_MIN: Duration = Duration::from_secs(1);
const PAUSE_MAX: Duration = Duration::from_secs(15);

/// What the line and its thread share.
pub(super) struct Shared {
    pub(super) config: ModemLineConfig,
    /// The modem for programs.
    pub(super) program: Option<VirtualModem>,
    pub(super) station_id: StationId,
    pub(super) plan: Arc<DialPlan>,
    pub(super) profiles: Arc<Profiles>,
    pub(super) answering: Arc<dyn Answering>,
    pub(super) seat: Arc<Seat>,
    pub(super) bell: Bell,
    pub(super) counter: Counter,
    pub(super) state: Mutex<State>,
}

/// What can be seen of the line.
#[derive(Clone, Debug)]
pub(super) struct State {
    pub(super) condition: Condition,
    /// The service class in use, once it is known.
    pub(super) class: Option<Class>,
}

impl Shared {
    /// The thread.
    pub(super) fn run(&self) {
        let mut pause = PAUSE_MIN;
        while !self.bell.stops() {
            let worked = catch_unwind(AssertUnwindSafe(|| self.work()));
            self.counter.refuse(HangUp::LineFault);
            let cause = match worked {
                Ok(Worked { trouble: Trouble::Stopped, .. }) => break,
                Ok(Worked { was_ready, trouble }) => {
                    pause = if was_ready { PAUSE_MIN } else { (pause * 2).min(PAUSE_MAX) };
                    trouble.to_string()
                }
                Err(_) => "the line's thread failed; the log says more".into(),
            };
            self.set(Condition::OutOfOrder { cause });
            self.pause(pause);
        }
        self.counter.refuse(HangUp::LineFault);
    }

    /// The modem for a call that goes out.
    pub(super) fn borrow(&self) -> Result<Loan, HangUp> {
        self.counter.borrow(&self.bell, || self.seat.is_answering())
    }

    /// Waits before the next try, and tells calls that come meanwhile that there is no line.
    fn pause(&self, pause: Duration) {
        let watch = Stopwatch::start();
        while watch.elapsed() < pause && !self.bell.stops() {
            self.bell.wait(pause.saturating_sub(watch.elapsed()));
            self.counter.refuse(HangUp::LineFault);
        }
    }

    /// From the closed port until something is lost.
    fn work(&self) -> Worked {
        match self.set_up() {
            Err(trouble) => Worked { was_ready: false, trouble },
            Ok(mut modem) => {
                self.set(Condition::Ready);
                self.seat.hint();
                let trouble = loop {
                    match self.idle(modem) {
                        Ok(back) => modem = back,
                        Err(trouble) => break trouble,
                    }
                };
                Worked { was_ready: true, trouble }
            }
        }
    }

    fn set_up(&self) -> Result<Modem, Trouble> {
        let mut modem = Modem::open(&self.config.port())?;
        modem.attend(&self.bell)?;
        let profile = self.profile_of(&mut modem)?;
        modem.profile = self.config.apply(profile);
        let answers = modem.start(&self.bell)?;
        self.tell_refused(&answers);
        let Profile { name, class, .. } = &modem.profile;
        self.state().class = Some(*class);
        tracing::info!(line = self.config.name, profile = name, %class, "the modem is ready");
        Ok(modem)
    }

    /// The profile that is named, or that fits what the modem says of itself.
    fn profile_of(&self, modem: &mut Modem) -> Result<Profile, Trouble> {
        if let Some(named) = self.profiles.named(&self.config.profile) {
            return Ok(named.clone());
        }
        let found = modem.probe(&self.bell)?;
        Ok(self.profiles.propose(&found))
    }

    fn tell_refused(&self, answers: &Answers) {
        for answer in answers.refused() {
            let (line, command) = (&self.config.name, &answer.command);
            tracing::warn!(line, command, "the modem refuses a command of its set-up, and goes without");
        }
    }

    /// Waits for calls until one has been had. Gives the modem back on hook.
    fn idle(&self, mut modem: Modem) -> Result<Modem, Trouble> {
        let watch = Stopwatch::start();
        let mut idle = Idle::new(Time::ZERO, Some(self.config.watch_every));
        let mut rings = Rings::default();
        if std::mem::take(&mut modem.has_rung) {
            idle.received(Time::ZERO, b"RING\r\n");
        }
        loop {
            while let Some(output) = idle.poll() {
                match modem.apply(output)? {
                    Some(IdleEvent::Ringing(ringing)) => {
                        if let Some(held) = self.ring(&mut rings, &ringing) {
                            return self.answer(modem, &ringing, held);
                        }
                    }
                    Some(IdleEvent::RingStopped(_)) => rings = Rings::default(),
                    Some(IdleEvent::ModemLost) => return Err(Trouble::Silent),
                    Some(IdleEvent::ModemBack) | None => {}
                }
            }
            if self.bell.stops() {
                return Err(Trouble::Stopped);
            }
            if self.counter.is_wanted() {
                if idle.ringing().is_some() {
                    self.counter.refuse(HangUp::Glare);
                } else if !idle.awaits_answer() {
                    return self.lend(modem);
                }
            }
            modem.wait(&self.bell, until(&watch, idle.deadline()))?;
            let now = time(&watch);
            idle.received(now, &modem.heard());
            idle.tick(now);
        }
    }

    /// What to do at a ring; the seat where it is answered now.
    fn ring(&self, rings: &mut Rings, ringing: &Ringing) -> Option<Held> {
        // Whoever rings has the line already: nobody shall dial into that.
        if rings.held.is_none() {
            rings.held = self.seat.take_for_ring();
        }
        if rings.is_declined || answer::decide(&self.config, ringing) != Decision::Answer {
            return None;
        }
        rings.is_declined = true;
        rings.held.take()
    }

    fn answer(&self, mut modem: Modem, ringing: &Ringing, held: Held) -> Result<Modem, Trouble> {
        self.counter.refuse(HangUp::Glare);
        let ringing = answer::ringing(&self.config, &self.plan, ringing);
        if let Some(program) = self.answering_program(&modem) {
            let back = self.ring_program(&mut modem, &ringing, program).and_then(|()| self.settle(modem));
            drop(held);
            return back;
        }
        let name = &self.config.name;
        let called = catch_unwind(AssertUnwindSafe(|| self.receive(&mut modem, &ringing)));
        let result = match called {
            Ok(Ok(Some(end))) => {
                tracing::info!(line = name, outcome = %end.report.outcome, "a call that came in has ended");
                tracing::debug!(line = name, trace = end.trace, "the call");
                Ok(())
            }
            Ok(Ok(None)) => self.let_ring(&mut modem),
            Ok(Err(trouble)) => Err(trouble),
            Err(_) => {
                tracing::error!(line = name, "the flow failed in a call; the line hangs up");
                modem.is_on_hook = false;
                Ok(())
            }
        };
        let back = result.and_then(|()| self.settle(modem));
        drop(held);
        back
    }

    /// Takes the call; `None` where the flow does not want it.
    fn receive(&self, modem: &mut Modem, ringing: &crate::line::Ringing) -> Result<Option<CallEnd>, Trouble> {
        let Some(receiving) = self.answering.answer(ringing) else { return Ok(None) };
        let mut config = ReceiverConfig::new(self.station_id.clone());
        config.capability = self.config.limit(config.capability, modem.profile.speeds_receive);
        let (end, done) = modem.receive(&self.bell, config, receiving);
        done.map(|()| Some(end))
    }

    /// The virtual modem, where its program answers the calls of this line.
    fn answering_program(&self, modem: &Modem) -> Option<&VirtualModem> {
        let program = self.program.as_ref().filter(|program| program.answers())?;
        let has_carrier = modem.profile.class.is_one();
        if !has_carrier {
            let line = &self.config.name;
            tracing::warn!(line, "the modem does T.30 itself: the gateway answers, not the program");
        }
        has_carrier.then_some(program)
    }

    /// Lets it ring at the virtual modem, and carries the call if the program there answers.
    fn ring_program(
        &self,
        modem: &mut Modem,
        ringing: &crate::line::Ringing,
        program: &VirtualModem,
    ) -> Result<(), Trouble> {
        let Some(mut lent) = program.lend() else { return self.let_ring(modem) };
        let text = |number: &Option<Number>| number.as_ref().map(|number| number.digits().to_owned());
        let from = Caller { caller: text(&ringing.caller), called: text(&ringing.called) };
        lent.ring(Time::ZERO, from);
        modem.call(&self.bell, &mut *lent, String::new(), self.config.answer_wait)?;
        tracing::info!(line = self.config.name, "a call that came in for the program has ended");
        Ok(())
    }

    /// The gateway does not want this call: waits until it rings no more.
    fn let_ring(&self, modem: &mut Modem) -> Result<(), Trouble> {
        tracing::warn!(line = self.config.name, "a call is left to ring");
        let watch = Stopwatch::start();
        let mut idle = Idle::new(Time::ZERO, None);
        idle.received(Time::ZERO, b"RING\r\n");
        while idle.ringing().is_some() && !self.bell.stops() {
            self.counter.refuse(HangUp::Glare);
            modem.wait(&self.bell, until(&watch, idle.deadline()))?;
            let now = time(&watch);
            idle.received(now, &modem.heard());
            idle.tick(now);
        }
        Ok(())
    }

    fn lend(&self, modem: Modem) -> Result<Modem, Trouble> {
        match self.counter.lend(modem) {
            Some(modem) => self.settle(modem),
            None => Err(Trouble::OffHook),
        }
    }

    /// The modem on hook and ready after a call, by all means.
    fn settle(&self, mut modem: Modem) -> Result<Modem, Trouble> {
        if !modem.is_on_hook {
            tracing::warn!(line = self.config.name, "the modem did not say that it hung up, and is reset");
            modem.hang_up(&self.bell)?;
            modem.start(&self.bell)?;
        }
        Ok(modem)
    }

    fn set(&self, condition: Condition) {
        let mut state = self.state();
        if state.condition != condition {
            match &condition {
                Condition::OutOfOrder { cause } => {
                    tracing::error!(line = self.config.name, cause, "the line is out of order");
                }
                _ => tracing::info!(line = self.config.name, "the line is in order"),
            }
            state.condition = condition;
        }
    }

    pub(super) fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How the work on a port ended.
struct Worked {
    /// The modem was ready in between.
    was_ready: bool,
    trouble: Trouble,
}

/// A telephone that rings.
#[derive(Default)]
struct Rings {
    /// The seat, which is the caller's from the first ring on.
    held: Option<Held>,
    /// It is not answered any more, whatever else is told.
    is_declined: bool,
}
