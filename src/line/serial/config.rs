//! The settings of a line on a real modem (`[[line]]`, `kind = "modem"`), and what they make of a profile.

use std::path::PathBuf;
use std::time::Duration;

use fax::at::profile::{Class, FlowControl, Profile};
use fax::carrier::{Speed, SpeedSet};
use fax::t30::capability::Capability;
use fax::t30::frame::StationId;
use serde::{Deserialize, Serialize};

use super::port::PortSettings;
use super::profiles::is_command;
use crate::address::Number;
use crate::line::virtual_modem::VirtualModemConfig;

/// The speeds of a port that a modem may be asked for.
pub const BAUDS: [u32; 10] = [2400, 4800, 9600, 14_400, 19_200, 38_400, 57_600, 115_200, 230_400, 460_800];
/// The most rings that may be waited for.
const RINGS_MAX: u32 = 20;
/// How long a modem may be told to wait for an answer (S7 has eight bits).
const ANSWER_WAIT_MAX: Duration = Duration::from_secs(240);
const ANSWER_WAIT_MIN: Duration = Duration::from_secs(15);
/// Characters that a dial string may have before the number (V.250 clause 6.3.1).
const DIAL_PREFIX_CHARS: &str = "0123456789*#ABCDabcd,WwTtPp!@;+-() ";
const DIAL_PREFIX_CHARS_MAX: usize = 40;

/// A line on a real modem.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ModemLineConfig {
    /// Its name.
    pub name: String,
    /// The serial device.
    pub device: PathBuf,
    /// Its own number.
    pub number: Option<Number>,
    /// What it calls itself to other machines; its number where nothing is said.
    pub station_id: Option<String>,
    /// Whether faxes go out on it.
    pub dial: bool,
    /// Which calls it answers.
    pub answer: AnswerMode,
    /// It answers at this ring.
    pub rings: u32,
    /// Rings that can be told apart, and whom they call.
    pub ring: Vec<RingConfig>,
    /// Whether the modem is asked to tell who calls.
    pub caller_id: bool,
    /// The command for that; the profile's where nothing is said.
    pub caller_id_command: Option<String>,
    /// The command that makes it tell one ring from another; the profile's where nothing is said.
    pub distinctive_ring_command: Option<String>,
    /// What stands before the digits that the exchange sends of the called number, in international form.
    pub did_prefix: String,
    /// The kind of modem; `auto` finds out.
    pub profile: String,
    /// The service class; `auto` takes the best.
    pub class: ClassChoice,
    /// Commands after those of the profile.
    pub init: Vec<String>,
    /// Bits per second between computer and modem.
    pub baud: u32,
    /// Flow control; `auto` takes the profile's.
    pub flow: FlowChoice,
    /// When the loudspeaker is on.
    pub speaker: Speaker,
    /// How it dials.
    pub dialling: Dialling,
    /// What is dialled before every number.
    pub dial_prefix: String,
    /// How long a comma in a number pauses.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub comma_pause: Duration,
    /// Whether a dial tone must be heard before it dials.
    pub dial_tone: bool,
    /// How long it may take from dialling to a fax tone.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub answer_wait: Duration,
    /// The fastest speed on the line, in bit/s.
    pub speed_max: u32,
    /// Error correction.
    pub ecm: bool,
    /// Where lock files are; empty goes without.
    pub lock_dir: PathBuf,
    /// How often an idle modem is asked whether it is still there.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub watch_every: Duration,
    /// A device at which programs find a modem on this line. The real one must have Class 1.
    pub virtual_modem: Option<VirtualModemConfig>,
}

/// Which calls a line answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AnswerMode {
    /// Every call.
    Always,
    /// None: people or another machine answer on this line.
    Never,
    /// Those whose ring is listed, and says so.
    Listed,
}

/// A ring that can be told from others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RingConfig {
    /// What the modem says behind `RING`: `A`, `2`.
    pub kind: String,
    /// The number that is called by it.
    #[serde(default)]
    pub number: Option<Number>,
    /// Whether it is answered.
    #[serde(default = "yes")]
    pub answer: bool,
}

fn yes() -> bool {
    true
}

/// A service class, or `auto`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ClassChoice {
    /// The best that the modem has.
    #[serde(rename = "auto")]
    Auto,
    /// Class 1.
    #[serde(rename = "1")]
    One,
    /// Class 1.0.
    #[serde(rename = "1.0")]
    OnePointZero,
    /// Class 2.
    #[serde(rename = "2")]
    Two,
    /// Class 2.0.
    #[serde(rename = "2.0")]
    TwoPointZero,
    /// Class 2.1.
    #[serde(rename = "2.1")]
    TwoPointOne,
}

impl ClassChoice {
    /// The class, where one is chosen.
    #[must_use]
    pub fn class(self) -> Option<Class> {
        match self {
            Self::Auto => None,
            Self::One => Some(Class::One),
            Self::OnePointZero => Some(Class::OnePointZero),
            Self::Two => Some(Class::Two),
            Self::TwoPointZero => Some(Class::TwoPointZero),
            Self::TwoPointOne => Some(Class::TwoPointOne),
        }
    }
}

/// Flow control, or `auto`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FlowChoice {
    /// That of the profile.
    Auto,
    /// None.
    None,
    /// XON and XOFF.
    XonXoff,
    /// RTS and CTS.
    RtsCts,
}

/// When the loudspeaker is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Speaker {
    /// Never.
    Off,
    /// Until the far end is heard.
    Dialling,
    /// Always.
    On,
}

/// How numbers are dialled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Dialling {
    /// By tones.
    Tone,
    /// By pulses.
    Pulse,
}

impl Default for ModemLineConfig {
    fn default() -> Self {
        Self {
            name: String::new(),
            device: PathBuf::new(),
            number: None,
            station_id: None,
            dial: true,
            answer: AnswerMode::Always,
            rings: 1,
            ring: Vec::new(),
            caller_id: false,
            caller_id_command: None,
            distinctive_ring_command: None,
            did_prefix: String::new(),
            profile: "auto".into(),
            class: ClassChoice::Auto,
            init: Vec::new(),
            baud: 38_400,
            flow: FlowChoice::Auto,
            speaker: Speaker::Off,
            dialling: Dialling::Tone,
            dial_prefix: String::new(),
            comma_pause: Duration::from_secs(2),
            dial_tone: true,
            answer_wait: Duration::from_secs(90),
            speed_max: 14_400,
            ecm: true,
            lock_dir: "/var/lock".into(),
            watch_every: Duration::from_secs(300),
            virtual_modem: None,
        }
    }
}

impl ModemLineConfig {
    /// The first setting that makes no sense.
    ///
    /// # Errors
    /// A sentence for the operator.
    pub fn check(&self) -> Result<(), String> {
        let is_word = |c: char| c.is_alphanumeric() || "-_.".contains(c);
        if self.name.is_empty() || !self.name.chars().all(is_word) {
            return Err(format!(
                "the name {:?} must have letters, digits, \"-\", \"_\" and \".\" only",
                self.name
            ));
        }
        let virtual_modem = || self.virtual_modem.as_ref().map_or(Ok(()), VirtualModemConfig::check);
        self.check_port()
            .and_then(|()| self.check_calls())
            .and_then(|()| virtual_modem())
            .map_err(|what| format!("{}: {what}", self.name))
    }

    fn check_port(&self) -> Result<(), String> {
        if !self.device.is_absolute() {
            return Err(format!("device {:?} must be a path such as \"/dev/ttyACM0\"", self.device));
        }
        if !BAUDS.contains(&self.baud) {
            return Err(format!("baud {} must be one of {BAUDS:?}", self.baud));
        }
        let single = [&self.caller_id_command, &self.distinctive_ring_command].into_iter().flatten();
        if let Some(text) = self.init.iter().chain(single).find(|text| !is_command(text)) {
            return Err(format!("{text:?} is not a modem command: it must begin with AT"));
        }
        if self.profile.is_empty() {
            return Err("profile is empty; \"auto\" finds out what the modem is".into());
        }
        if self.watch_every < Duration::from_secs(1) || self.watch_every > Duration::from_secs(86_400) {
            return Err("watch_every must be from a second to a day".into());
        }
        Ok(())
    }

    fn check_calls(&self) -> Result<(), String> {
        self.identification()?;
        if !(1..=RINGS_MAX).contains(&self.rings) {
            return Err(format!("rings must be from 1 to {RINGS_MAX}"));
        }
        if self.ring.iter().any(|ring| ring.kind.is_empty()) {
            return Err("ring: kind is empty; it is what the modem says behind RING, such as \"A\"".into());
        }
        if self.answer == AnswerMode::Listed && !self.ring.iter().any(|ring| ring.answer) {
            return Err("answer = \"listed\" needs a [[line.ring]] that is answered".into());
        }
        let is_prefix = self.did_prefix.strip_prefix('+').is_some_and(|digits| {
            (1..Number::DIGITS_MAX).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit())
        });
        if !self.did_prefix.is_empty() && !is_prefix {
            return Err(format!("did_prefix {:?} must be like \"+1212555\"", self.did_prefix));
        }
        let is_dialled = self.dial_prefix.chars().all(|c| DIAL_PREFIX_CHARS.contains(c));
        if !is_dialled || self.dial_prefix.len() > DIAL_PREFIX_CHARS_MAX {
            return Err(format!("dial_prefix {:?} cannot be dialled", self.dial_prefix));
        }
        if self.comma_pause > Duration::from_secs(60) {
            return Err("comma_pause must be at most a minute".into());
        }
        if !(ANSWER_WAIT_MIN..=ANSWER_WAIT_MAX).contains(&self.answer_wait) {
            return Err("answer_wait must be from 15 to 240 seconds".into());
        }
        if SpeedSet::ALL.up_to(self.speed_max) == SpeedSet::NONE {
            return Err("speed_max must be at least 2400, what every fax machine can do".into());
        }
        Ok(())
    }

    /// What the line calls itself.
    ///
    /// # Errors
    /// A station ID that cannot be sent.
    pub fn identification(&self) -> Result<StationId, String> {
        let number = self.number.as_ref().map(ToString::to_string);
        let text = self.station_id.clone().or(number).unwrap_or_default();
        StationId::new(&text).map_err(|error| format!("station_id {text:?}: {error}"))
    }

    /// How its port is opened.
    #[must_use]
    pub fn port(&self) -> PortSettings {
        let lock_dir = (!self.lock_dir.as_os_str().is_empty()).then(|| self.lock_dir.clone());
        PortSettings { device: self.device.clone(), baud: self.baud, lock_dir }
    }

    /// A profile with what the settings say otherwise.
    #[must_use]
    pub fn apply(&self, profile: Profile) -> Profile {
        let flow = match self.flow {
            FlowChoice::Auto => profile.flow,
            FlowChoice::None => FlowControl::None,
            FlowChoice::XonXoff => FlowControl::XonXoff,
            FlowChoice::RtsCts => FlowControl::RtsCts,
        };
        let limit = SpeedSet::ALL.up_to(self.speed_max);
        let speaker = match self.speaker {
            Speaker::Off => "ATM0",
            Speaker::Dialling => "ATM1",
            Speaker::On => "ATM2",
        };
        let asks = |wanted: bool, own: &Option<String>, usual: &Option<String>| {
            own.clone().or(usual.clone()).filter(|_| wanted)
        };
        let tells_rings = !self.ring.is_empty();
        let init = [&profile.init[..], &self.own_commands(), &self.init].concat();
        Profile {
            class: self.class.class().unwrap_or(profile.class),
            flow,
            flow_command: profile
                .flow_command
                .clone()
                .filter(|_| flow == profile.flow)
                .or(flow_command(flow)),
            speeds_send: profile.speeds_send.and(limit),
            speeds_receive: profile.speeds_receive.and(limit),
            ecm: profile.ecm && self.ecm,
            speaker: Some(speaker.into()),
            caller_id: asks(self.caller_id, &self.caller_id_command, &profile.caller_id),
            distinctive_ring: asks(tells_rings, &self.distinctive_ring_command, &profile.distinctive_ring),
            dial: match self.dialling {
                Dialling::Tone => profile.dial.clone(),
                Dialling::Pulse => profile.dial.replace("ATDT", "ATDP"),
            },
            init,
            ..profile
        }
    }

    /// Result codes for everything that a dialled number can say, or without the dial tone; and the comma.
    fn own_commands(&self) -> Vec<String> {
        let results = if self.dial_tone { "ATX4" } else { "ATX3" };
        vec![results.into(), format!("ATS8={}", self.comma_pause.as_secs())]
    }

    /// What the line can do of what it is handed.
    #[must_use]
    pub fn limit(&self, capability: Capability, speeds: SpeedSet) -> Capability {
        let speeds = capability.speeds.and(speeds);
        // No modem is without V.27ter at 2400, whatever was said of it.
        let speeds = if speeds == SpeedSet::NONE { speeds.with(Speed::V27ter2400) } else { speeds };
        Capability { speeds, ecm: capability.ecm && self.ecm, ..capability }
    }

    /// What is dialled for the digits that the dial plan gives.
    #[must_use]
    pub fn dial_string(&self, local: &str) -> String {
        format!("{}{local}", self.dial_prefix)
    }
}

/// The commands that most modems have for it.
fn flow_command(flow: FlowControl) -> Option<String> {
    let command = match flow {
        FlowControl::None => return None,
        FlowControl::XonXoff => "AT&K4",
        FlowControl::RtsCts => "AT&K3",
    };
    Some(command.into())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use fax::carrier::Modulation;

    use super::*;

    pub(super) fn config() -> ModemLineConfig {
        ModemLineConfig {
            name: "office".into(),
            device: "/dev/ttyACM0".into(),
            number: Number::parse("+12125550100"),
            ..ModemLineConfig::default()
        }
    }

    #[test]
    fn a_name_and_a_device_are_enough() {
        let config: ModemLineConfig = toml::from_str("name = \"a\"\ndevice = \"/dev/ttyACM0\"\n").unwrap();
        config.check().unwrap();
        assert_eq!(config.identification().unwrap(), StationId::default());
    }

    #[test]
    fn what_makes_no_sense_is_named_with_its_line() {
        let wrong = |change: fn(&mut ModemLineConfig)| {
            let mut config = config();
            change(&mut config);
            config.check().unwrap_err()
        };
        for (change, words) in [
            ((|c| c.name = "a b".into()) as fn(&mut ModemLineConfig), "the name \"a b\""),
            (|c| c.device = "ttyACM0".into(), "office: device"),
            (|c| c.baud = 12_345, "baud 12345"),
            (|c| c.init = vec!["&F".into()], "\"&F\" is not a modem command"),
            (|c| c.caller_id_command = Some("AT\r".into()), "is not a modem command"),
            (|c| c.rings = 0, "rings"),
            (|c| c.answer = AnswerMode::Listed, "[[line.ring]]"),
            (|c| c.did_prefix = "1212".into(), "did_prefix"),
            (|c| c.dial_prefix = "9\r".into(), "dial_prefix"),
            (|c| c.answer_wait = Duration::from_secs(300), "answer_wait"),
            (|c| c.speed_max = 1200, "speed_max"),
            (|c| c.station_id = Some("a station ID too long to be sent".into()), "station_id"),
            (|c| c.profile = String::new(), "profile"),
            (|c| c.watch_every = Duration::ZERO, "watch_every"),
            (|c| c.ring = vec![RingConfig { kind: String::new(), number: None, answer: true }], "kind"),
        ] {
            let error = wrong(change);
            assert!(error.contains(words), "{error}");
        }
        config().check().unwrap();
    }

    #[test]
    fn settings_change_a_profile() {
        let base = Profile { caller_id: Some("AT+VCID=1".into()), ..Profile::default() };
        let plain = config().apply(base.clone());
        assert_eq!((plain.caller_id, plain.distinctive_ring), (None, None), "nobody asked for it");
        assert!(plain.init.contains(&"ATX4".into()) && plain.init.contains(&"ATS8=2".into()));
        let config = ModemLineConfig {
            class: ClassChoice::TwoPointZero,
            flow: FlowChoice::XonXoff,
            speed_max: 9600,
            speaker: Speaker::Dialling,
            dialling: Dialling::Pulse,
            dial_tone: false,
            caller_id: true,
            ring: vec![RingConfig { kind: "A".into(), number: None, answer: true }],
            distinctive_ring_command: Some("AT-SDR=1".into()),
            init: vec!["ATS30=0".into()],
            dial_prefix: "9,".into(),
            ..config()
        };
        let profile = config.apply(base);
        assert_eq!((profile.class, profile.flow), (Class::TwoPointZero, FlowControl::XonXoff));
        assert_eq!(profile.flow_command.as_deref(), Some("AT&K4"));
        assert_eq!((profile.speaker.as_deref(), profile.dial.as_str()), (Some("ATM1"), "ATDP"));
        assert_eq!(profile.caller_id.as_deref(), Some("AT+VCID=1"));
        assert_eq!(profile.distinctive_ring.as_deref(), Some("AT-SDR=1"));
        assert!(profile.init.contains(&"ATX3".into()) && profile.init.last().unwrap() == "ATS30=0");
        assert_eq!(profile.speeds_send.iter().next_back().map(Speed::bit_rate), Some(9600));
        assert_eq!(config.dial_string("12125550123"), "9,12125550123");
    }

    #[test]
    fn a_capability_is_narrowed_and_never_to_nothing() {
        let config = ModemLineConfig { ecm: false, ..config() };
        let slow = SpeedSet::ALL.without_modulation(Modulation::V17);
        let limited = config.limit(Capability::FULL, slow);
        assert!(!limited.ecm && !limited.speeds.has_modulation(Modulation::V17));
        let least = config.limit(Capability::FULL, SpeedSet::NONE);
        assert_eq!(least.speeds.iter().collect::<Vec<_>>(), [Speed::V27ter2400]);
    }
}
