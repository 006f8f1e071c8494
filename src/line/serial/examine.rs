//! What is at a serial device: the whole examination behind `faxgate modem`.
//!
//! The port is opened and locked as a line would; `AT` is tried at the usual speeds; a modem that answers is asked what it
//! is and can do (`fax::at::probe`); and the flow controls that it takes are tried. Nothing is dialled and the line is not
//! touched. The result is a value; the command line makes words of it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use fax::at::dialog::Step;
use fax::at::probe::{Found, HELLO};
use fax::at::profile::{Class, FlowControl, Profile};
use fax::carrier::{Speed, SpeedSet};
use serde::Serialize;

use super::devices::{self, Access, Device};
use super::modem::{Bell, Modem, Trouble};
use super::port::{PortError, PortSettings};
use super::profiles::Profiles;

/// The speeds that are tried, the likely ones first.
const SPEEDS: [u32; 6] = [38_400, 115_200, 57_600, 19_200, 9600, 2400];
/// How long a modem may take to answer at one of them.
const ANSWER_WAIT: Duration = Duration::from_millis(800);

/// What was found.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "is", rename_all = "kebab-case")]
pub enum Finding {
    /// A modem that can fax.
    FaxModem(Box<Description>),
    /// A modem that answers, and has no fax class.
    NoFax(Box<Description>),
    /// There is no such device.
    NoDevice {
        /// Those that there are.
        devices: Vec<Device>,
    },
    /// It may not be opened.
    NotPermitted {
        /// Who may.
        access: Option<Access>,
    },
    /// It is no serial port.
    NotASerialPort,
    /// Another program uses it.
    Locked {
        /// Its process, where that is known.
        pid: Option<i32>,
        /// Its program, where that is known.
        program: Option<String>,
        /// The lock file, where it has one.
        lock_file: Option<PathBuf>,
    },
    /// Nothing that is understood comes back.
    NoAnswer {
        /// The speeds that were tried.
        tried: Vec<u32>,
        /// The speeds at which something came back that is no answer.
        garbage_at: Vec<u32>,
        /// Whether it is a pseudo terminal: there is no cable and no power switch.
        is_pseudo_terminal: bool,
    },
    /// It answered, and then no more.
    FellSilent {
        /// What it was told last.
        cause: String,
    },
    /// Something of this machine failed.
    Failed {
        /// What, and why.
        cause: String,
    },
}

/// What a modem is and can do.
#[derive(Clone, Debug, Serialize)]
pub struct Description {
    /// The speed of the port at which it answers.
    pub baud: u32,
    /// A speed that was asked for, at which it does not.
    pub wrong_baud: Option<u32>,
    /// Who made it.
    pub manufacturer: Option<String>,
    /// What it is.
    pub model: Option<String>,
    /// Its firmware.
    pub revision: Option<String>,
    /// The fax classes that it has.
    pub classes: Vec<String>,
    /// The class that serves best.
    pub class: Option<String>,
    /// What it sends on the line, the fastest first: `14400 V.17`; empty where it does not say.
    pub sends: Vec<String>,
    /// What it receives.
    pub receives: Vec<String>,
    /// Who corrects errors.
    pub ecm: Ecm,
    /// The flow controls that it takes, with their commands, and whether it still answers with them.
    pub flow: Vec<FlowFound>,
    /// The command that makes it tell who calls.
    pub caller_id: Option<String>,
    /// The command that makes it tell rings apart.
    pub distinctive_ring: Option<String>,
    /// The profile that fits, where one does.
    pub profile: Option<String>,
    /// The device by the name that lasts.
    pub device: PathBuf,
}

/// Who corrects errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ecm {
    /// Faxgate does, in Class 1.
    Faxgate,
    /// The modem does.
    Modem,
    /// Nobody.
    Nobody,
}

/// A flow control that a modem takes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FlowFound {
    /// `RTS/CTS` or `XON/XOFF`.
    pub kind: &'static str,
    /// The command for it.
    pub command: String,
    /// Whether it still answers when the port does it too.
    pub works: bool,
}

/// Examines a device. `baud` is tried first; `tell` hears what is being done.
pub fn examine(
    device: &Path,
    baud: Option<u32>,
    lock_dir: Option<&Path>,
    profiles: &Profiles,
    tell: &mut dyn FnMut(&str),
) -> Finding {
    let others = SPEEDS.into_iter().filter(|speed| Some(*speed) != baud);
    let speeds: Vec<u32> = baud.into_iter().chain(others).collect();
    let settings = PortSettings {
        device: device.to_owned(),
        baud: speeds.first().copied().unwrap_or(SPEEDS[0]),
        lock_dir: lock_dir.map(Path::to_owned),
    };
    let bell = match Bell::new() {
        Ok(bell) => bell,
        Err(error) => return Finding::Failed { cause: error.to_string() },
    };
    let mut modem = match Modem::open(&settings) {
        Ok(modem) => modem,
        Err(trouble) => return not_opened(device, trouble),
    };
    let mut examination = Examination { modem: &mut modem, bell: &bell, garbage_at: Vec::new() };
    let answered = examination.find_speed(&speeds, tell);
    let result = match answered {
        Ok(Some(found)) => {
            tell("it answers; asking what it is");
            examination.describe(device, found, baud, profiles)
        }
        Ok(None) => {
            let garbage_at = std::mem::take(&mut examination.garbage_at);
            return Finding::NoAnswer {
                tried: speeds,
                garbage_at,
                is_pseudo_terminal: !modem.has_circuits(),
            };
        }
        Err(trouble) => Err(trouble),
    };
    result.unwrap_or_else(|trouble| match trouble {
        Trouble::Dialog(error) => Finding::FellSilent { cause: error.to_string() },
        trouble => Finding::Failed { cause: trouble.to_string() },
    })
}

fn not_opened(device: &Path, trouble: Trouble) -> Finding {
    match trouble {
        Trouble::Port(PortError::NoDevice(_)) => Finding::NoDevice { devices: devices::devices() },
        Trouble::Port(PortError::NotPermitted(_)) => {
            Finding::NotPermitted { access: devices::access(device) }
        }
        Trouble::Port(PortError::NotATerminal(_)) => Finding::NotASerialPort,
        Trouble::Port(PortError::Locked(lock)) => Finding::Locked {
            pid: lock.holder.pid,
            program: lock.holder.program,
            lock_file: Some(lock.lock_file),
        },
        Trouble::Port(PortError::InUse(_)) => {
            let (pid, program) = devices::user_of(device).unzip();
            Finding::Locked { pid, program, lock_file: None }
        }
        trouble => Finding::Failed { cause: trouble.to_string() },
    }
}

struct Examination<'a> {
    modem: &'a mut Modem,
    bell: &'a Bell,
    garbage_at: Vec<u32>,
}

impl Examination<'_> {
    /// The speed at which it answers. Where it answers at none, it may be in a call or in the middle of data: it is told
    /// to leave that, and asked once more.
    fn find_speed(&mut self, speeds: &[u32], tell: &mut dyn FnMut(&str)) -> Result<Option<u32>, Trouble> {
        for round in 0..2 {
            if round == 1 {
                tell("nothing answers; trying to wake it");
                self.modem.reset(self.bell)?;
            }
            for &speed in speeds {
                tell(&format!("trying {speed} bit/s"));
                if self.answers_at(speed)? {
                    return Ok(Some(speed));
                }
                // A pseudo terminal has every speed.
                if !self.modem.has_circuits() {
                    break;
                }
            }
        }
        Ok(None)
    }

    fn answers_at(&mut self, speed: u32) -> Result<bool, Trouble> {
        self.modem.set_baud(speed)?;
        let step =
            Step { wait: ANSWER_WAIT, tries: 2, is_numeric: true, is_required: true, ..Step::new(HELLO) };
        let before = self.modem.octets_heard;
        match self.modem.ask(self.bell, vec![step]) {
            Ok(_) => Ok(true),
            Err(Trouble::Dialog(fax::at::dialog::DialogError::Refused { .. })) => Ok(true),
            Err(Trouble::Dialog(_)) => {
                if self.modem.octets_heard != before && !self.garbage_at.contains(&speed) {
                    self.garbage_at.push(speed);
                }
                Ok(false)
            }
            Err(trouble) => Err(trouble),
        }
    }

    fn describe(
        &mut self,
        device: &Path,
        baud: u32,
        asked: Option<u32>,
        profiles: &Profiles,
    ) -> Result<Finding, Trouble> {
        let found = self.modem.probe(self.bell)?;
        let fitting = profiles.fitting(&found.words);
        let chosen = profiles.propose(&found);
        let flow = self.try_flow(&found, &chosen)?;
        let description = Box::new(Description {
            baud,
            wrong_baud: asked.filter(|asked| *asked != baud),
            manufacturer: found.manufacturer.clone(),
            model: found.model.clone(),
            revision: found.revision.clone(),
            classes: found.classes.iter().map(ToString::to_string).collect(),
            class: found.best_class().map(|_| chosen.class.to_string()),
            sends: speeds(&found, chosen.class, found.speeds_send),
            receives: speeds(&found, chosen.class, found.speeds_receive),
            ecm: ecm(&found, chosen.class),
            flow,
            caller_id: chosen.caller_id.clone().or(found.caller_id.map(Into::into)),
            distinctive_ring: chosen.distinctive_ring.clone().or(found.distinctive_ring.map(Into::into)),
            profile: fitting.map(|profile| profile.name.clone()),
            device: devices::lasting_name(device),
        });
        Ok(match description.class {
            Some(_) => Finding::FaxModem(description),
            None => Finding::NoFax(description),
        })
    }

    /// Tries each kind of flow control with the first command for it that the modem takes: does it still answer?
    fn try_flow(&mut self, found: &Found, chosen: &Profile) -> Result<Vec<FlowFound>, Trouble> {
        let mut tried = Vec::new();
        for (kind, name) in [(FlowControl::RtsCts, "RTS/CTS"), (FlowControl::XonXoff, "XON/XOFF")] {
            let known = chosen.flow_command.as_deref().filter(|_| chosen.flow == kind);
            let taken = found.flow.iter().find(|(flow, _)| *flow == kind).map(|(_, command)| *command);
            let Some(command) = known.or(taken) else { continue };
            let works = self.modem.answers_with(self.bell, kind, command)?;
            tried.push(FlowFound { kind: name, command: command.to_owned(), works });
        }
        // As it was: nobody shall find the modem in a state that we made.
        let reset = Step { wait: Duration::from_secs(5), is_numeric: true, ..Step::new("ATZ") };
        self.modem.ask(self.bell, vec![reset])?;
        Ok(tried)
    }
}

/// Speeds in words, the fastest first. In Class 2 a modem says only how fast it goes at most.
fn speeds(found: &Found, class: Class, in_class_one: SpeedSet) -> Vec<String> {
    match found.class_two.iter().find(|two| two.class == class) {
        Some(two) => vec![format!("{} bit/s and less", two.bit_rate_max)],
        None => in_class_one.iter().rev().map(|speed: Speed| speed.to_string()).collect(),
    }
}

fn ecm(found: &Found, class: Class) -> Ecm {
    let by_modem = found.class_two.iter().any(|two| two.class == class && two.ecm);
    match (class.is_one(), by_modem) {
        (true, _) => Ecm::Faxgate,
        (false, true) => Ecm::Modem,
        (false, false) => Ecm::Nobody,
    }
}
