//! What differs from modem to modem, as data.
//!
//! The default is a well-behaved Class 1 modem of ITU-T T.31. What a modem does otherwise is a value here and never a
//! special case in an engine. A profile is found by what the modem says of itself ([`Profile::fits`]).

use super::dialog::Step;
use super::dle;
use crate::carrier::SpeedSet;
use crate::time::Duration;
use alloc::string::String;
use alloc::vec::Vec;
use alloc::{format, vec};
use core::fmt;

/// A service class (`+FCLASS`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Class {
    /// `1`: TIA-578 and T.31. The computer does T.30.
    #[default]
    One,
    /// `1.0`: T.31 with its later amendments.
    OnePointZero,
    /// `2`: the draft of TIA-592 that many modems were made after. The modem does T.30.
    Two,
    /// `2.0`: T.32, TIA-592.
    TwoPointZero,
    /// `2.1`: T.32 with V.34.
    TwoPointOne,
}

impl Class {
    /// Every class.
    pub const ALL: [Self; 5] =
        [Self::One, Self::OnePointZero, Self::Two, Self::TwoPointZero, Self::TwoPointOne];

    /// As `+FCLASS` writes it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::One => "1",
            Self::OnePointZero => "1.0",
            Self::Two => "2",
            Self::TwoPointZero => "2.0",
            Self::TwoPointOne => "2.1",
        }
    }

    /// Whether the computer does T.30, and the modem only the signals.
    #[must_use]
    pub fn is_one(self) -> bool {
        matches!(self, Self::One | Self::OnePointZero)
    }

    /// The command that chooses it.
    #[must_use]
    pub fn command(self) -> String {
        format!("AT+FCLASS={}", self.as_str())
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How the port is kept from running over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum FlowControl {
    /// Not at all.
    #[default]
    None,
    /// By the characters XON and XOFF. Engines turn it on only while they send: received data may hold these characters.
    XonXoff,
    /// By the circuits RTS and CTS (V.24 133 and 106).
    RtsCts,
}

/// Which bit of a byte is the first on the line, in the image data of Class 2 (`+FBO`, `+FBOR`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum BitOrder {
    /// The least significant (direct).
    #[default]
    LeastFirst,
    /// The most significant (reversed).
    MostFirst,
}

/// How silence is kept between two signals in Class 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum SilenceBy {
    /// The modem sends none for that long (`+FTS`). It does not hear whether the far end is silent, and so a noisy line
    /// does not hold it up.
    #[default]
    Modem,
    /// The computer waits before it gives the next command, for modems whose `+FTS` is missing or wrong.
    Timer,
}

/// A kind of modem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// What people call it.
    pub name: String,
    /// Any of these in what the modem says of itself, in either case, is this kind. Empty: only by name.
    pub matches: Vec<String>,
    /// The service class that serves best.
    pub class: Class,
    /// First commands, which bring the modem to a known state. Each is tried again where nothing is answered.
    pub reset: Vec<String>,
    /// Commands after that. One that is refused is told, and no harm.
    pub init: Vec<String>,
    /// Commands before each call, once the class is chosen. One that is refused is no harm.
    pub call_setup: Vec<String>,
    /// How the port is kept from running over.
    pub flow: FlowControl,
    /// The command for it; `None` where the modem does it unasked, or not at all.
    pub flow_command: Option<String>,
    /// What it can send, as far as is known without asking.
    pub speeds_send: SpeedSet,
    /// What it can receive.
    pub speeds_receive: SpeedSet,
    /// Class 2: it does error correction.
    pub ecm: bool,
    /// Class 2: the order of bits in image data for the modem.
    pub bit_order_send: BitOrder,
    /// Class 2: the order of bits in image data from the modem.
    pub bit_order_receive: BitOrder,
    /// Class 2: the byte that makes it give received image data: DC2, or XON (DC1) for some.
    pub receive_start: u8,
    /// Class 1: how silence is kept.
    pub silence: SilenceBy,
    /// Class 1: `AT+FAR=1` is worth asking for: V.21 in place of an image is received at once.
    pub adaptive_reception: bool,
    /// Class 1: frames come with their two octets of FCS, as T.31 wants.
    pub frames_have_fcs: bool,
    /// The command for the loudspeaker.
    pub speaker: Option<String>,
    /// The command that makes it tell who calls.
    pub caller_id: Option<String>,
    /// The command that makes it tell one ring from another.
    pub distinctive_ring: Option<String>,
    /// The command that dials; the number follows at once.
    pub dial: String,
    /// The command that answers.
    pub answer: String,
    /// The command that hangs up.
    pub hang_up: String,
    /// It hangs up when DTR goes off, where nothing else helps.
    pub dtr_hang_up: bool,
    /// It needs this much rest between a reply and the next command.
    pub command_gap: Duration,
    /// It answers a plain command this soon.
    pub command_wait: Duration,
    /// It is ready this long after a reset.
    pub reset_wait: Duration,
}

impl Default for Profile {
    fn default() -> Self {
        Self {
            name: "generic".into(),
            matches: Vec::new(),
            class: Class::One,
            reset: vec!["ATZ".into()],
            init: vec!["ATE0Q0V1".into(), "ATS0=0".into()],
            call_setup: Vec::new(),
            flow: FlowControl::RtsCts,
            flow_command: None,
            speeds_send: SpeedSet::ALL,
            speeds_receive: SpeedSet::ALL,
            ecm: false,
            bit_order_send: BitOrder::LeastFirst,
            bit_order_receive: BitOrder::LeastFirst,
            receive_start: dle::DC2,
            silence: SilenceBy::Modem,
            adaptive_reception: true,
            frames_have_fcs: true,
            speaker: Some("ATM0".into()),
            caller_id: None,
            distinctive_ring: None,
            dial: "ATDT".into(),
            answer: "ATA".into(),
            hang_up: "ATH0".into(),
            dtr_hang_up: true,
            command_gap: Duration::ZERO,
            command_wait: Duration::from_secs(3),
            reset_wait: Duration::from_secs(5),
        }
    }
}

impl Profile {
    /// Whether a modem that says this of itself is of this kind.
    #[must_use]
    pub fn fits(&self, words: &str) -> bool {
        self.fit(words).is_some()
    }

    /// How well it fits: the octets of the longest text that is found; `None` where none is.
    #[must_use]
    pub fn fit(&self, words: &str) -> Option<usize> {
        let words = words.to_ascii_lowercase();
        let found = |text: &&String| !text.is_empty() && words.contains(&text.to_ascii_lowercase());
        self.matches.iter().filter(found).map(String::len).max()
    }

    /// The commands that make the modem ready for calls: reset, initialization, flow control, loudspeaker, caller ID,
    /// distinctive rings, service class. Only the resets and the class must be done.
    #[must_use]
    pub fn start(&self) -> Vec<Step> {
        const RESET_TRIES: u8 = 3;
        let reset = |text: &String| Step {
            wait: self.reset_wait,
            tries: RESET_TRIES,
            is_required: true,
            is_numeric: true,
            ..Step::new(text)
        };
        let resets = self.reset.iter().map(reset);
        let optional = [&self.flow_command, &self.speaker, &self.caller_id, &self.distinctive_ring];
        let rest = self.init.iter().chain(optional.into_iter().flatten());
        // Twice, for modems that are deaf for a while after a reset.
        let rest =
            rest.map(|text| Step { wait: self.command_wait, tries: 2, is_numeric: true, ..Step::new(text) });
        let class = Step { wait: self.command_wait, ..Step::required(&self.class.command()) };
        resets.chain(rest).chain([class]).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_modem_is_known_by_its_words() {
        let profile = Profile { matches: vec!["".into(), "56K V.90".into()], ..Profile::default() };
        assert!(profile.fits("U.S. Robotics 56k v.90 faxmodem"));
        assert!(!profile.fits("U.S. Robotics 33.6K"));
        assert!(!Profile::default().fits("anything"));
    }

    #[test]
    fn the_start_begins_with_the_reset_and_ends_with_the_class() {
        let profile = Profile { caller_id: Some("AT+VCID=1".into()), ..Profile::default() };
        let steps: Vec<String> = profile.start().into_iter().map(|step| step.command).collect();
        assert_eq!(steps, ["ATZ", "ATE0Q0V1", "ATS0=0", "ATM0", "AT+VCID=1", "AT+FCLASS=1"]);
    }
}
