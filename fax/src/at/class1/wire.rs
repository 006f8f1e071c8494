//! What every state of the carrier needs: the modem's bytes both ways, the deadline, and the engine's ear.

use super::super::Output;
use super::super::dle;
use super::super::profile::{FlowControl, Profile};
use super::super::reader::Reader;
use crate::carrier::Signal;
use crate::time::{Duration, Time};
use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::vec::Vec;

/// The modem as the states see it.
#[derive(Debug)]
pub(super) struct Wire {
    pub now: Time,
    pub profile: Profile,
    pub reader: Reader,
    pub out: VecDeque<Output<Signal>>,
    /// When the present state is to be looked at again.
    pub deadline: Option<Time>,
    /// A command that waits for the modem's rest to be over, and how long its answer may take.
    held: Option<(String, Duration)>,
    /// The modem takes commands from then on.
    free_at: Time,
    flow: FlowControl,
    /// The engine is told nothing more.
    pub is_mute: bool,
    /// The modem says that it has left a reception, when it is told to; it has not failed to yet.
    pub says_stopped: bool,
}

impl Wire {
    pub(super) fn new(profile: Profile) -> Self {
        // The driver opens the port with the profile's flow control; XON and XOFF count only while we send.
        let flow = match profile.flow {
            FlowControl::XonXoff => FlowControl::None,
            flow => flow,
        };
        Self {
            now: Time::ZERO,
            profile,
            reader: Reader::new(),
            out: VecDeque::new(),
            deadline: None,
            held: None,
            free_at: Time::ZERO,
            flow,
            is_mute: false,
            says_stopped: true,
        }
    }

    /// Gives a command; its answer must come within `wait`.
    pub(super) fn say(&mut self, command: &str, wait: Duration) {
        if self.now < self.free_at {
            self.held = Some((command.into(), wait));
            self.deadline = Some(self.free_at);
            return;
        }
        self.held = None;
        self.reader.expect_echo(command);
        let mut bytes: Vec<u8> = command.bytes().collect();
        bytes.push(b'\r');
        self.write(bytes);
        self.wait(wait);
    }

    /// Whether a command was being held back; if so, it is given now.
    pub(super) fn say_held(&mut self) -> bool {
        let Some((command, wait)) = self.held.take() else { return false };
        self.say(&command, wait);
        true
    }

    /// Whether a command was being held back; if so, it is not given any more.
    pub(super) fn drop_held(&mut self) -> bool {
        self.held.take().is_some()
    }

    pub(super) fn write(&mut self, bytes: Vec<u8>) {
        self.out.push_back(Output::Write(bytes));
    }

    /// Ends what is being sent as soon as can be: drops what has not left, and says that the data are over. The first
    /// byte completes a pair that may have been cut in two.
    pub(super) fn cut_off(&mut self) {
        self.out.push_back(Output::Discard);
        let [escape, end] = dle::END;
        self.write(alloc::vec![0, escape, end]);
    }

    /// The deadline is so far from now.
    pub(super) fn wait(&mut self, duration: Duration) {
        self.deadline = Some(self.now + duration);
    }

    /// A line came from the modem: it may want some rest.
    pub(super) fn replied(&mut self) {
        self.free_at = self.now + self.profile.command_gap;
    }

    /// Software flow control is for sending alone.
    pub(super) fn flow_while_sending(&mut self, sends: bool) {
        if self.profile.flow != FlowControl::XonXoff {
            return;
        }
        let flow = if sends { FlowControl::XonXoff } else { FlowControl::None };
        if core::mem::replace(&mut self.flow, flow) != flow {
            self.out.push_back(Output::Flow(flow));
        }
    }

    pub(super) fn tell(&mut self, signal: Signal) {
        if !self.is_mute {
            self.out.push_back(Output::Tell(signal));
        }
    }

    /// Nothing is awaited any more.
    pub(super) fn rest(&mut self) {
        self.deadline = None;
        self.held = None;
    }
}

/// A result code at the end of data that has no `<DLE><ETX>` before it, as some modems write it.
pub(super) fn hidden_result(data: &[u8]) -> Option<(&'static str, usize)> {
    const RESULTS: [(&str, &[u8]); 3] =
        [("NO CARRIER", b"\r\nNO CARRIER\r\n"), ("OK", b"\r\nOK\r\n"), ("ERROR", b"\r\nERROR\r\n")];
    let found = RESULTS.iter().find(|(_, bytes)| data.ends_with(bytes));
    found.map(|(word, bytes)| (*word, data.len() - bytes.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_modem_that_needs_rest_gets_it() {
        let profile = Profile { command_gap: Duration::from_millis(50), ..Profile::default() };
        let mut wire = Wire::new(profile);
        wire.replied();
        wire.say("AT", Duration::from_secs(1));
        assert!(wire.out.is_empty());
        assert_eq!(wire.deadline, Some(Time(50_000)));
        wire.now = Time(50_000);
        assert!(wire.say_held());
        assert_eq!(wire.out.pop_front(), Some(Output::Write(b"AT\r".to_vec())));
        assert_eq!(wire.deadline, Some(Time(1_050_000)));
        assert!(!wire.say_held());
    }

    #[test]
    fn software_flow_control_is_for_sending() {
        let mut wire = Wire::new(Profile { flow: FlowControl::XonXoff, ..Profile::default() });
        wire.flow_while_sending(false);
        wire.flow_while_sending(true);
        wire.flow_while_sending(true);
        wire.flow_while_sending(false);
        assert_eq!(wire.out, [Output::Flow(FlowControl::XonXoff), Output::Flow(FlowControl::None)]);
    }

    #[test]
    fn a_result_may_hide_in_the_data() {
        assert_eq!(hidden_result(b"abc\r\nNO CARRIER\r\n"), Some(("NO CARRIER", 3)));
        assert_eq!(hidden_result(b"abcOK\r\n"), None);
    }
}
