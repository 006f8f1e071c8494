//! A call: the engine with its clock, which the modem can stop, and what the frames that go by have said.

use super::receive::Receiving;
use super::send::Sending;
use super::{Class, Mode, Modem, Output, Stage, hangup};
use fax_proto::carrier::{Command, HangUp, Signal};
use fax_proto::session::{LocalFailure, Outcome, PageMark, Report};
use fax_proto::t30::frame::Frame;
use fax_proto::t30::{Engine, Input, Output as EngineOutput};
use fax_proto::time::{Duration, Time};
use std::collections::VecDeque;

/// Which half.
#[derive(Debug)]
pub(super) enum Role {
    Sending(Sending),
    Receiving(Receiving),
}

/// A call that stands, or is being made.
#[derive(Debug)]
pub(super) struct Call {
    engine: Engine,
    /// The engine's clock stands still since.
    frozen: Option<Time>,
    /// So much it is late.
    lost: Duration,
    /// What came meanwhile.
    held: VecDeque<Signal>,
    /// A command of the engine that is not yet carried out.
    held_command: Option<Command>,
    pub(super) role: Role,
    /// `+FCON` or `+FCO` was said.
    pub(super) is_connected: bool,
    /// The engine has told the line something since this was cleared.
    pub(super) has_commanded: bool,
    /// What the network said when it hung up.
    why: Option<HangUp>,
    report: Option<Report>,
}

impl Call {
    pub(super) fn new(engine: Engine, role: Role, now: Time) -> Self {
        Self {
            engine,
            frozen: None,
            lost: now.since(Time::ZERO),
            held: VecDeque::new(),
            held_command: None,
            role,
            is_connected: false,
            has_commanded: false,
            why: None,
            report: None,
        }
    }

    pub(super) fn deadline(&self) -> Option<Time> {
        if self.frozen.is_some() {
            return None;
        }
        self.engine.deadline().map(|deadline| deadline + self.lost)
    }

    fn engine_time(&self, now: Time) -> Time {
        Time(0) + self.frozen.unwrap_or(now).since(Time(0) + self.lost)
    }

    /// Stops the engine's clock.
    pub(super) fn freeze(&mut self, now: Time) {
        self.frozen.get_or_insert(now);
    }

    fn thaw(&mut self, now: Time) {
        if let Some(since) = self.frozen.take() {
            self.lost += now.since(since);
        }
    }

    pub(super) fn is_frozen(&self) -> bool {
        self.frozen.is_some()
    }

    pub(super) fn hold_command(&mut self, command: Command, now: Time) {
        self.held_command = Some(command);
        self.freeze(now);
    }

    /// The far end was there and is gone, or never was.
    pub(super) fn is_dropped(&self) -> bool {
        self.report.is_some() || self.held.iter().any(|signal| matches!(signal, Signal::HungUp(_)))
    }
}

impl Modem {
    /// Tells the engine something, now, whether its clock stands or not.
    pub(super) fn tell(&mut self, input: Input) {
        if let Some(call) = &mut self.call {
            let now = call.engine_time(self.now);
            call.engine.handle(now, input);
        }
    }

    pub(super) fn freeze(&mut self) {
        if let Some(call) = &mut self.call {
            call.freeze(self.now);
        }
    }

    /// Lets the engine's clock go on, and gives it what came meanwhile.
    pub(super) fn thaw(&mut self) {
        let Some(call) = &mut self.call else { return };
        call.thaw(self.now);
        let command = call.held_command.take();
        let held = std::mem::take(&mut call.held);
        if let Some(command) = command {
            self.output(Output::Line(command));
        }
        for signal in held {
            self.hear(signal);
        }
    }

    pub(super) fn hear(&mut self, signal: Signal) {
        let Some(call) = &mut self.call else { return };
        if let Signal::HungUp(why) = signal {
            call.why.get_or_insert(why);
        }
        if call.is_frozen() {
            call.held.push_back(signal);
            return;
        }
        if signal == Signal::CarrierUp && !call.is_connected {
            call.is_connected = true;
            self.say(if self.is_draft() { "+FCON" } else { "+FCO" });
        }
        let frame = match &signal {
            Signal::Frame { octets, fcs_ok: true } => Frame::parse(octets),
            _ => None,
        };
        let is_sent = signal == Signal::Sent;
        if let Some(call) = &mut self.call {
            call.has_commanded = false;
        }
        self.tell(Input::Signal(signal));
        self.pump();
        if let Some(frame) = frame {
            match self.call.as_ref().map(|call| &call.role) {
                Some(Role::Sending(_)) => self.sender_heard(&frame),
                Some(Role::Receiving(_)) => self.receiver_heard(&frame),
                None => {}
            }
        }
        if is_sent && self.call.as_ref().is_some_and(|call| !call.has_commanded) {
            self.sender_is_through();
        }
    }

    pub(super) fn wake(&mut self) {
        let due = self.call.as_ref().and_then(Call::deadline).is_some_and(|deadline| deadline <= self.now);
        if due {
            self.tell(Input::Tick);
        }
    }

    /// Does what the engine wants.
    pub(super) fn pump(&mut self) {
        while let Some(output) = self.call.as_mut().and_then(|call| call.engine.poll()) {
            match output {
                EngineOutput::Command(command) => self.command(command),
                EngineOutput::Mark { mark: PageMark::Unconfirmed, .. } => self.tell(Input::MarkKept(true)),
                EngineOutput::PageReceived(page) => self.page_received(page),
                EngineOutput::Ended(report) => self.ended(report),
                EngineOutput::NeedPage(_) | EngineOutput::Mark { .. } | EngineOutput::Identified(_) => {}
            }
        }
    }

    fn command(&mut self, command: Command) {
        let Some(call) = &mut self.call else { return };
        call.has_commanded = true;
        let command = match &mut call.role {
            Role::Sending(sending) => {
                sending.watch(&command);
                Some(command)
            }
            Role::Receiving(receiving) => receiving.rewrite(command),
        };
        let Some(command) = command else { return };
        match &call.role {
            Role::Receiving(receiving) if receiving.holds(&command) => {
                call.hold_command(command, self.now);
                self.receiver_trained();
            }
            _ => self.output(Output::Line(command)),
        }
    }

    pub(super) fn is_draft(&self) -> bool {
        self.class.is_none_or(Class::is_draft)
    }

    /// The engine is through with the call.
    fn ended(&mut self, report: Report) {
        let Some(call) = self.call.take() else { return };
        self.data.clear();
        let outcome = match (call.why, report.outcome) {
            (Some(HangUp::Busy), _) => return self.result("BUSY"),
            (Some(HangUp::NoDialTone), _) => return self.result("NO DIALTONE"),
            (Some(HangUp::NoAnswer), _) if !call.is_connected => return self.result("NO ANSWER"),
            (Some(HangUp::NotConnected), _) if !call.is_connected => return self.result("NO CARRIER"),
            (_, Outcome::Local(LocalFailure::PageMissing)) => Outcome::Delivered,
            (_, outcome) => outcome,
        };
        let code = match &call.role {
            Role::Sending(sending) => {
                if sending.is_confirmed && self.is_draft() {
                    self.say(&format!("+FPTS:{}", self.params.page_status));
                }
                if sending.is_confirmed { 0 } else { hangup::of_sender(outcome) }
            }
            Role::Receiving(_) => hangup::of_receiver(outcome),
        };
        self.hung_up(code);
    }

    /// The call is over by itself: says so, and ends the command that was being done.
    fn hung_up(&mut self, code: u8) {
        self.params.hang_up = code;
        if self.mode == Mode::Command {
            // No command is being done: it is said with the next one.
            self.params.kept.insert("over".into(), code.to_string());
            return;
        }
        self.say(&hangup::shown(code, self.is_draft()));
        if self.config.quirks.no_last_ok {
            self.mode = Mode::Command;
        } else {
            self.result("OK");
        }
    }

    /// A call that ended while no command was being done: the next one hears of it.
    pub(super) fn is_over_before(&mut self) -> bool {
        let Some(code) = self.params.kept.remove("over") else { return false };
        self.say(&hangup::shown(code.parse().unwrap_or(0), self.is_draft()));
        self.result("OK");
        true
    }

    /// Whether the call is made to fail here; if so, it has.
    pub(super) fn fails_at(&mut self, stage: Stage) -> bool {
        if self.is_silent_at(stage) {
            return true;
        }
        let Some((at, code)) = self.config.quirks.fails else { return false };
        if at != stage {
            return false;
        }
        self.call = None;
        self.output(Output::Line(Command::HangUp));
        match code {
            Some(code) => {
                self.params.hang_up = code;
                self.say(&hangup::shown(code, self.is_draft()));
                self.result("OK");
            }
            None => self.result("NO CARRIER"),
        }
        true
    }

    /// `+FK`, CAN: the call is ended in order.
    pub(super) fn abort(&mut self) {
        self.mode = Mode::Busy;
        if self.call.is_none() {
            return self.result("OK");
        }
        if let Some(call) = &mut self.call {
            call.held_command = None;
            call.held.clear();
        }
        self.thaw();
        self.tell(Input::Cancel);
        self.pump();
    }

    /// The line is let go at once.
    pub(super) fn hang_up(&mut self) {
        if self.call.take().is_some() {
            self.output(Output::Line(Command::HangUp));
        }
        self.params.kept.remove("over");
    }
}
