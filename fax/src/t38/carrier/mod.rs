//! The carrier seam over T.38: commands of a T.30 engine in, its signals out, and UDPTL datagrams both ways.
//!
//! It keeps the time of a modem, so that a gateway at the far end, which has one, can follow: flags last a second, a
//! training as long as it does, and data leave at the rate of the line in pieces of about 30 ms. Nothing takes longer
//! than on a line. Packets that say where a signal begins or ends are sent three times, unless something new is sent
//! before: ECM does not bring those back, and redundancy cannot cover the last packet of a burst.
//!
//! What it takes from the far end is wider: HDLC without a preamble, ends of a wrong kind or none at all, data in the
//! field that ends a frame, an early reply. What a peer may pile up is bounded by named limits, and every wait has an
//! end. After [`Output::HangUp`] nothing follows.
//!
//! ```
//! use fax_proto::carrier::{Command, Signal};
//! use fax_proto::t38::carrier::{Carrier, Config, Output};
//! use fax_proto::time::{Duration, Time};
//!
//! let mut carrier = Carrier::new(Config::default());
//! carrier.command(Time::ZERO, Command::Silence(Duration::from_millis(75)));
//! assert_eq!(carrier.deadline(), Some(Time(75_000)));
//! carrier.tick(Time(75_000));
//! assert_eq!(carrier.poll(), Some(Output::Signal(Signal::Sent)));
//! ```

mod ear;
mod script;
mod voice;

use super::ifp::{Packet, Syntax};
use super::udptl::{Arrival, Protection, Receiver, UdptlError};
use crate::carrier::{Command, ImageKind, Signal};
use crate::time::{Duration, Time};
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use ear::{Ear, Want, Wave};
use script::Script;
use voice::Voice;

/// What was agreed on with the far end, and what we choose.
#[derive(Clone, Debug)]
pub struct Config {
    /// T38FaxVersion of the call, 0 to 3. It only decides how field types are written; a packet that is clearly in the
    /// other syntax is understood, and then that syntax is used.
    pub version: u8,
    /// What is sent along against loss (T38FaxUdpEC).
    pub protection: Protection,
    /// The longest datagram that the far end takes (T38FaxMaxDatagram).
    pub datagram_octets_max: usize,
    /// How often a packet is sent that says where a signal begins or ends.
    pub key_packets_sent: u8,
    /// How long the answer tone is said to sound (T.30: 2.6 to 4 s). Zero where it sounded before T.38 was agreed on.
    pub ced_time: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            version: 0,
            protection: Protection::Redundancy { packets: 3 },
            datagram_octets_max: 400,
            key_packets_sent: 3,
            ced_time: Duration::from_millis(2600),
        }
    }
}

/// What the carrier wants of the driver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// For the T.30 engine.
    Signal(Signal),
    /// For the far end.
    Datagram(Vec<u8>),
    /// The engine has hung up, and all is sent: end the session. The last output.
    HangUp,
}

/// One side of a T.38 session.
#[derive(Debug)]
pub struct Carrier {
    receiver: Receiver,
    ear: Ear,
    voice: Voice,
    syntax: Syntax,
    /// The far end turned out to write the other syntax. It does not change twice.
    is_syntax_found: bool,
    out: VecDeque<Output>,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Open,
    /// The engine has hung up, and the last packets are on their way until then.
    Closing(Time),
    Over,
}

impl Carrier {
    /// A carrier for a session that stands: both ends know where datagrams go.
    #[must_use]
    pub fn new(config: Config) -> Self {
        Self {
            receiver: Receiver::new(),
            ear: Ear::default(),
            syntax: Syntax::of_version(config.version),
            is_syntax_found: false,
            voice: Voice::new(config),
            out: VecDeque::new(),
            state: State::Open,
        }
    }

    /// The engine asks for something. Whatever was being done is cancelled.
    pub fn command(&mut self, now: Time, command: Command) {
        if self.state != State::Open {
            return;
        }
        self.voice.cancel(now);
        match command {
            Command::Call => {
                self.voice.call(now);
                self.out.push_back(Output::Signal(Signal::Connected));
                self.ear.listen(Want::Wave(Wave::V21, ImageKind::Frames));
            }
            Command::ListenFrames => self.ear.listen(Want::Wave(Wave::V21, ImageKind::Frames)),
            Command::ListenTcf(speed) => self.ear.listen(Want::Wave(Wave::Fast(speed), ImageKind::Bits)),
            Command::ListenImage { speed, kind, .. } => self.ear.listen(Want::Wave(Wave::Fast(speed), kind)),
            Command::Silence(duration) => {
                self.ear.listen(Want::Nothing);
                self.voice.pause(now, duration);
            }
            Command::HangUp => {
                self.ear.forget();
                self.state = State::Closing(self.voice.close(now));
            }
            Command::Answer => self.say(now, Script::ced(self.voice.ced_time())),
            Command::SendFrames(frames) => self.say(now, Script::v21(frames)),
            Command::SendTcf(speed) => self.say(now, Script::tcf(speed)),
            Command::SendImage { speed, training, image } => {
                self.say(now, Script::image(speed, training, image));
            }
        }
        self.advance(now);
    }

    /// A datagram came from the far end.
    ///
    /// # Errors
    ///
    /// [`UdptlError`]: it is none, and is left aside. A packet within it that is no IFP packet is left aside too.
    pub fn datagram(&mut self, now: Time, octets: &[u8]) -> Result<(), UdptlError> {
        if self.state != State::Open {
            return Ok(());
        }
        self.tick(now);
        self.receiver.datagram(now, octets)?;
        self.advance(now);
        Ok(())
    }

    /// Time has passed ([`Carrier::deadline`]).
    pub fn tick(&mut self, now: Time) {
        self.receiver.tick(now);
        self.ear.tick(now);
        self.advance(now);
    }

    /// What is to be done next; `None` until the carrier has been told something more.
    #[must_use]
    pub fn poll(&mut self) -> Option<Output> {
        self.out.pop_front()
    }

    /// When to call [`Carrier::tick`]; `None` while only the far end or the engine can go on.
    #[must_use]
    pub fn deadline(&self) -> Option<Time> {
        match self.state {
            State::Open => {
                let all = [self.receiver.deadline(), self.ear.deadline(), self.voice.deadline()];
                all.into_iter().flatten().min()
            }
            State::Closing(until) => self.voice.deadline().into_iter().chain([until]).min(),
            State::Over => None,
        }
    }

    fn say(&mut self, now: Time, script: Script) {
        self.ear.talk();
        self.voice.say(now, script);
    }

    /// Hands on what came, and says what is due.
    fn advance(&mut self, now: Time) {
        while let Some(arrival) = self.receiver.poll() {
            match arrival {
                Arrival::Gap => self.ear.gap(),
                Arrival::Packet(octets) => self.packet(now, &octets),
            }
        }
        self.voice.advance(now, self.syntax);
        if self.voice.is_silent() {
            self.ear.talk_is_over();
        }
        self.out.extend(self.voice.datagrams().map(Output::Datagram));
        self.out.extend(self.ear.signals().map(Output::Signal));
        if self.voice.take_sent() {
            self.out.push_back(Output::Signal(Signal::Sent));
        }
        if let State::Closing(until) = self.state
            && until <= now
        {
            self.state = State::Over;
            self.out.push_back(Output::HangUp);
        }
    }

    fn packet(&mut self, now: Time, octets: &[u8]) {
        // What is no packet, or of a later version of T.38, says nothing to a terminal.
        let Ok((packet, syntax)) = Packet::parse(octets, self.syntax) else {
            self.ear.gap();
            return;
        };
        if syntax != self.syntax && !self.is_syntax_found {
            self.is_syntax_found = true;
            self.syntax = syntax;
        }
        match packet {
            Packet::Indicator(indicator) => self.ear.indicator(now, indicator),
            Packet::Data(carrier, fields) => self.ear.data(now, carrier, &fields),
        }
        if self.ear.hears_frames() {
            self.voice.stop_calling();
        }
    }
}
