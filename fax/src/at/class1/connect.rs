//! The way into a call: the commands before it, then dialling or answering.

use super::super::reply::Reply;
use super::wire::Wire;
use super::words::dialable;
use super::{CarrierConfig, Next};
use crate::carrier::{HangUp, Signal};
use crate::time::Duration;
use alloc::collections::VecDeque;
use alloc::format;
use alloc::string::String;

/// How often the service class is asked for.
const TRIES: u8 = 3;
/// What dialling may take before S7 counts.
const DIAL_SLACK: Duration = Duration::from_secs(30);
/// What S7 can hold, in seconds.
const S7_MAX: u64 = 255;
/// CED, and what a slow modem puts around it.
const ANSWER_WAIT: Duration = Duration::from_secs(20);

/// Commands before the call.
#[derive(Debug)]
pub(super) struct Setup {
    /// The first is the service class, without which nothing goes.
    commands: VecDeque<String>,
    is_class: bool,
    tries: u8,
    pub is_caller: bool,
}

impl Setup {
    pub(super) fn new(config: &CarrierConfig, is_caller: bool) -> Self {
        let profile = &config.profile;
        let mut commands = VecDeque::from([profile.class.command()]);
        if profile.adaptive_reception {
            commands.push_back("AT+FAR=1".into());
        }
        if is_caller {
            let wait = config.answer_wait.as_secs().clamp(1, S7_MAX);
            commands.push_back(format!("ATS7={wait}"));
        }
        commands.extend(profile.call_setup.iter().cloned());
        Self { commands, is_class: true, tries: 0, is_caller }
    }

    pub(super) fn ask(&mut self, wire: &mut Wire) -> Next {
        let Some(command) = self.commands.front() else { return Next::Connect(self.is_caller) };
        self.tries += 1;
        let wait = wire.profile.command_wait;
        wire.say(command, wait);
        Next::Stay
    }

    pub(super) fn reply(&mut self, wire: &mut Wire, reply: &Reply) -> Next {
        match reply {
            Reply::Ring(_) if self.is_caller => Next::Glare,
            Reply::Ok => self.next(wire),
            reply if reply.is_final() && self.is_class => self.late(wire),
            reply if reply.is_final() => self.next(wire),
            _ => Next::Stay,
        }
    }

    fn next(&mut self, wire: &mut Wire) -> Next {
        self.commands.pop_front();
        self.is_class = false;
        self.tries = 0;
        self.ask(wire)
    }

    /// Not answered, or refused.
    pub(super) fn late(&mut self, wire: &mut Wire) -> Next {
        if !self.is_class {
            return self.next(wire);
        }
        if self.tries < TRIES { self.ask(wire) } else { Next::HungUp(HangUp::LineFault) }
    }
}

/// Dials, or answers.
pub(super) fn connect(wire: &mut Wire, config: &CarrierConfig, is_caller: bool) {
    if is_caller {
        let command = format!("{}{}", config.profile.dial, dialable(&config.dial));
        wire.say(&command, config.answer_wait + DIAL_SLACK);
    } else {
        wire.say(&config.profile.answer, ANSWER_WAIT);
    }
}

/// What comes of dialling.
pub(super) fn dialled(reply: &Reply) -> Next {
    use HangUp as H;
    Next::HungUp(match reply {
        // V.21 is there, received as after AT+FRH=3.
        Reply::Connect => return Next::Receive,
        // Dialled, and nothing more is done unasked.
        Reply::Ok | Reply::FcError => return Next::AskForFrames,
        Reply::Ring(_) => H::Glare,
        Reply::Busy => H::Busy,
        Reply::NoAnswer => H::NoAnswer,
        Reply::NoDialTone => H::NoDialTone,
        Reply::NoCarrier => H::NotConnected,
        Reply::Voice => H::Voice,
        Reply::Data | Reply::ConnectData => H::DataModem,
        Reply::Blacklisted | Reply::Delayed => H::Blocked,
        // V.34 was never offered, and is not spoken here.
        Reply::V34(text) if text.starts_with("+F34") => H::NotConnected,
        Reply::Error => H::LineFault,
        _ => return Next::Stay,
    })
}

/// What comes of answering.
pub(super) fn answered(wire: &mut Wire, reply: &Reply) -> Next {
    use HangUp as H;
    Next::HungUp(match reply {
        // CED is over; flags are on the line, and the modem awaits a frame as after AT+FTH=3.
        Reply::Connect => {
            wire.tell(Signal::Sent);
            return Next::Flags;
        }
        Reply::Ok => {
            wire.tell(Signal::Sent);
            return Next::Ready;
        }
        Reply::NoCarrier | Reply::NoAnswer | Reply::Busy => H::Remote,
        Reply::Data | Reply::ConnectData => H::DataModem,
        Reply::V34(text) if text.starts_with("+F34") => H::NotConnected,
        Reply::Error => H::LineFault,
        _ => return Next::Stay,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_result_of_dialling_has_its_reason() {
        for (line, why) in [
            ("BUSY", HangUp::Busy),
            ("NO ANSWER", HangUp::NoAnswer),
            ("NO DIAL TONE", HangUp::NoDialTone),
            ("NO CARRIER", HangUp::NotConnected),
            ("VCON", HangUp::Voice),
            ("VOICE", HangUp::Voice),
            ("DATA", HangUp::DataModem),
            ("CONNECT 9600", HangUp::DataModem),
            ("DELAYED 00:01:00", HangUp::Blocked),
            ("BLACKLISTED", HangUp::Blocked),
            ("RING", HangUp::Glare),
            ("+F34:14,1", HangUp::NotConnected),
            ("ERROR", HangUp::LineFault),
        ] {
            assert!(matches!(dialled(&Reply::parse(line)), Next::HungUp(said) if said == why), "{line}");
        }
        for line in ["RINGING", "FAX", "+A8M:1", "CARRIER 300", "PROTECTION", "what?"] {
            assert!(matches!(dialled(&Reply::parse(line)), Next::Stay), "{line}");
        }
        assert!(matches!(dialled(&Reply::Connect), Next::Receive));
        assert!(matches!(dialled(&Reply::Ok), Next::AskForFrames));
    }

    #[test]
    fn the_modem_is_told_how_long_to_wait_and_s7_is_an_octet() {
        for (seconds, s7) in [(60, "ATS7=60"), (1000, "ATS7=255")] {
            let config =
                CarrierConfig { answer_wait: Duration::from_secs(seconds), ..CarrierConfig::default() };
            assert!(Setup::new(&config, true).commands.iter().any(|command| command == s7));
            assert!(!Setup::new(&config, false).commands.iter().any(|command| command.starts_with("ATS7")));
        }
    }
}
