//! A fax over a modem, whatever its class: our T.30 engine over a Class 1 modem, or the modem's own T.30 in Class 2, 2.0
//! and 2.1 (`fax::at::class2`), with the flow behind either.

use std::collections::VecDeque;
use std::time::Duration;

use fax::at::Output;
use fax::at::class1::ENGINE_SLACK;
use fax::at::class2::{Session, SessionConfig};
use fax::at::dialog::Step;
use fax::carrier::{HangUp, Signal};
use fax::session::Outcome;
use fax::t30::{self, Input, ReceiverConfig, SenderConfig};
use fax::time::Time;

use super::modem::{Bell, Modem, Trouble, time, until};
use crate::clock::Stopwatch;
use crate::line::drive::{Desk, FaxTerminal, Handled};
use crate::line::{CallEnd, Receiving, Sending};

/// The longest piece of a modem's talk that is written into the trace; images are longer.
const TALK_OCTETS_MAX: usize = 160;

impl Modem {
    /// Dials and sends. Comes back when the modem is on hook again, or all that can be done for that has been done;
    /// [`Modem::is_on_hook`] says which. The call has its end also where the port is lost.
    pub fn send(
        &mut self,
        bell: &Bell,
        mut config: SenderConfig,
        dial: String,
        sending: &mut dyn Sending,
    ) -> (CallEnd, Result<(), Trouble>) {
        if self.profile.class.is_one() {
            let answer_wait = config.answer_wait;
            config.answer_wait += ENGINE_SLACK;
            let mut terminal = FaxTerminal::sending(config, sending);
            let done = self.call(bell, &mut terminal, dial, answer_wait);
            return (terminal.end(), done);
        }
        let call = SessionConfig { profile: self.profile.clone(), dial };
        self.session(bell, Session::sender(config, call), Desk::sending(sending))
    }

    /// Answers and receives; as [`Modem::send`].
    pub fn receive(
        &mut self,
        bell: &Bell,
        config: ReceiverConfig,
        receiving: Box<dyn Receiving>,
    ) -> (CallEnd, Result<(), Trouble>) {
        if self.profile.class.is_one() {
            let mut terminal = FaxTerminal::receiving(config, receiving);
            let done = self.call(bell, &mut terminal, String::new(), Duration::ZERO);
            return (terminal.end(), done);
        }
        let call = SessionConfig { profile: self.profile.clone(), dial: String::new() };
        self.session(bell, Session::receiver(config, call), Desk::receiving(receiving))
    }

    fn session(&mut self, bell: &Bell, session: Session, desk: Desk<'_>) -> (CallEnd, Result<(), Trouble>) {
        self.is_on_hook = false;
        let watch = Stopwatch::start();
        let mut call = SessionCall { session, desk, watch, answers: VecDeque::new(), is_cancelled: false };
        let mut done = call.run(self, bell);
        if done.is_err() {
            call.lose();
        }
        let end = call.desk.close();
        self.has_rung |= end.report.outcome == Outcome::Glare;
        if done.is_ok() {
            done = self.confirm_on_hook(bell);
        }
        (end, done)
    }

    /// The modem says itself whether it is on hook and in command state.
    fn confirm_on_hook(&mut self, bell: &Bell) -> Result<(), Trouble> {
        let hang_up = Step { wait: Duration::from_secs(2), ..Step::required(&self.profile.hang_up) };
        match self.ask_on_the_way_out(bell, vec![hang_up]) {
            Ok(_) => self.is_on_hook = true,
            Err(Trouble::Dialog(_)) => {}
            Err(trouble) => return Err(trouble),
        }
        Ok(())
    }
}

/// A call of a modem that does T.30 itself.
struct SessionCall<'a> {
    session: Session,
    desk: Desk<'a>,
    watch: Stopwatch,
    answers: VecDeque<Input>,
    is_cancelled: bool,
}

impl SessionCall<'_> {
    fn run(&mut self, modem: &mut Modem, bell: &Bell) -> Result<(), Trouble> {
        loop {
            self.pump(Some(modem))?;
            if self.desk.is_over() {
                return Ok(());
            }
            if let Some(answer) = self.answers.pop_front() {
                self.session.handle(time(&self.watch), answer);
                continue;
            }
            modem.wait(bell, until(&self.watch, self.session.deadline()))?;
            let now = time(&self.watch);
            let bytes = modem.heard();
            if !bytes.is_empty() {
                self.note(now, "←", &bytes);
                self.session.received(now, &bytes);
            }
            if bell.stops() && !self.is_cancelled {
                self.is_cancelled = true;
                self.session.handle(now, Input::Cancel);
            }
            if self.session.deadline().is_some_and(|deadline| deadline <= now) {
                self.session.handle(now, Input::Tick);
            }
        }
    }

    /// Does what the session wants; without a modem only what it wants of the flow.
    fn pump(&mut self, mut modem: Option<&mut Modem>) -> Result<(), Trouble> {
        while let Some(output) = self.session.poll() {
            let now = time(&self.watch);
            if let Output::Write(bytes) = &output {
                self.note(now, "→", bytes);
            }
            let told: Option<t30::Output> = match &mut modem {
                Some(modem) => modem.apply(output)?,
                None => match output {
                    Output::Tell(told) => Some(told),
                    _ => None,
                },
            };
            if let Some(Handled::Answer(answer)) = told.map(|told| self.desk.handle(now, told)) {
                self.answers.push_back(answer);
            }
        }
        Ok(())
    }

    /// The port is gone.
    fn lose(&mut self) {
        const ROUNDS_MAX: usize = 100;
        let now = time(&self.watch);
        self.session.handle(now, Input::Signal(Signal::HungUp(HangUp::LineFault)));
        for _ in 0..ROUNDS_MAX {
            // Without a modem nothing can fail.
            let _ = self.pump(None);
            match self.answers.pop_front() {
                Some(answer) => self.session.handle(now, answer),
                None => return,
            }
        }
    }

    /// Writes down what is said in command state; a piece of an image is no text.
    fn note(&mut self, now: Time, direction: &str, bytes: &[u8]) {
        let is_talk = bytes.len() <= TALK_OCTETS_MAX
            && bytes.iter().all(|byte| matches!(byte, b' '..=b'~' | b'\r' | b'\n'));
        if is_talk {
            let text: String = bytes.iter().map(|byte| char::from(*byte)).collect();
            for line in text.split(['\r', '\n']).filter(|line| !line.is_empty()) {
                self.desk.recorder().note(now, direction, line);
            }
        }
    }
}
