//! What a modem is and what it can do, by asking it.
//!
//! Four dialogs one after the other: is it there; what it calls itself and which service classes it has; what it can do
//! in each of them; and which of the usual commands for flow control, caller ID and distinctive rings it takes. It is
//! reset at the end. Nothing is dialled, and the line is not touched.
//!
//! That a command is taken does not prove that it works: some modems answer `OK` to all. Only that a modem answers at all is
//! required; [`Probe`] ends with an error where it does not, or falls silent in the middle.

mod parse;

use super::Output;
use super::class1::speed_of_code;
use super::dialog::{Answer, Answers, Dialog, DialogError, Step};
use super::profile::{Class, FlowControl, Profile};
use crate::carrier::{Modulation, SpeedSet};
use crate::time::{Duration, Time};
use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::vec::Vec;
use parse::{bare, classes, fields, numbers};

/// The first command: whatever the modem answered in before, from now on it answers in words.
pub const HELLO: &str = "ATQ0V1E0";
/// How long a modem that is there may take to answer it, and how often it is sent.
const HELLO_WAIT: Duration = Duration::from_millis(1500);
const HELLO_TRIES: u8 = 3;
const WAIT: Duration = Duration::from_secs(3);
/// So many silences in a row are the end.
const SILENCES_MAX: usize = 4;

/// What a modem calls itself. Not `ATI2`: it is a test of memory that answers `OK` as a text, and then `OK`.
const NAMES: [&str; 14] = [
    "ATI0", "ATI1", "ATI3", "ATI4", "ATI6", "AT+GMI", "AT+GMM", "AT+GMR", "AT+FMFR?", "AT+FMDL?", "AT+FREV?",
    "AT+FMI?", "AT+FMM?", "AT+FMR?",
];
const CLASSES: &str = "AT+FCLASS=?";
/// What it can do in Class 1 and 1.0.
const CLASS_ONE: [&str; 5] = ["AT+FTM=?", "AT+FRM=?", "AT+FTH=?", "AT+FRH=?", "AT+FAR=?"];
/// Commands for flow control: RTS and CTS first, then XON and XOFF.
const FLOW: [(FlowControl, &str); 10] = [
    (FlowControl::RtsCts, "AT+IFC=2,2"),
    (FlowControl::RtsCts, "AT&K3"),
    (FlowControl::RtsCts, "AT\\Q3"),
    (FlowControl::RtsCts, "AT&H1&R2"),
    (FlowControl::RtsCts, "AT+FLO=2"),
    (FlowControl::XonXoff, "AT+IFC=1,1"),
    (FlowControl::XonXoff, "AT&K4"),
    (FlowControl::XonXoff, "AT\\Q1"),
    (FlowControl::XonXoff, "AT&H2"),
    (FlowControl::XonXoff, "AT+FLO=1"),
];
const CALLER_ID: [&str; 3] = ["AT+VCID=1", "AT#CID=1", "AT%CCID=1"];
const DISTINCTIVE_RING: [&str; 2] = ["AT-SDR=7", "AT+VDR=1"];

/// What the modem does in a class where it does T.30 itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClassTwo {
    /// Which.
    pub class: Class,
    /// The fastest bit rate.
    pub bit_rate_max: u32,
    /// Error correction.
    pub ecm: bool,
    /// Two-dimensional coding (MR).
    pub mr: bool,
    /// T.6 coding (MMR).
    pub mmr: bool,
}

/// A modem as it describes itself.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Found {
    /// Who made it.
    pub manufacturer: Option<String>,
    /// What it is.
    pub model: Option<String>,
    /// Its firmware.
    pub revision: Option<String>,
    /// All that it says of itself, for [`Profile::fits`].
    pub words: String,
    /// The service classes that it has, data (0) and voice (8) left out.
    pub classes: Vec<Class>,
    /// It has a voice mode.
    pub voice: bool,
    /// Class 1: what it sends; empty where it does not say.
    pub speeds_send: SpeedSet,
    /// Class 1: what it receives.
    pub speeds_receive: SpeedSet,
    /// Class 1: it receives V.21 where an image was awaited (`+FAR`).
    pub adaptive_reception: bool,
    /// What it does in Class 2, 2.0 and 2.1.
    pub class_two: Vec<ClassTwo>,
    /// The commands for flow control that it takes.
    pub flow: Vec<(FlowControl, &'static str)>,
    /// The command for caller ID that it takes.
    pub caller_id: Option<&'static str>,
    /// The command for distinctive rings that it takes.
    pub distinctive_ring: Option<&'static str>,
    /// All answers, as they came.
    pub answers: Vec<Answer>,
}

impl Found {
    /// The profile that fits best: the one with the longest text that the modem says of itself.
    #[must_use]
    pub fn profile<'a>(&self, known: &'a [Profile]) -> Option<&'a Profile> {
        let fits = known.iter().filter_map(|profile| Some((profile.fit(&self.words)?, profile)));
        // Of those that fit equally well the first.
        fits.rev().max_by_key(|(octets, _)| *octets).map(|(_, profile)| profile)
    }

    /// The class that serves best here. Class 1 leaves T.30 to us, with all that we know of far ends.
    #[must_use]
    pub fn best_class(&self) -> Option<Class> {
        const ORDER: [Class; 5] =
            [Class::One, Class::OnePointZero, Class::TwoPointZero, Class::TwoPointOne, Class::Two];
        ORDER.into_iter().find(|class| self.classes.contains(class))
    }

    /// A profile for this modem: the known one, or a generic one, with what the modem said in it.
    #[must_use]
    pub fn propose(&self, known: &[Profile]) -> Profile {
        let fitting = self.profile(known);
        let mut profile = fitting.cloned().unwrap_or_default();
        if !self.classes.contains(&profile.class)
            && let Some(class) = self.best_class()
        {
            profile.class = class;
        }
        if self.speeds_send != SpeedSet::NONE {
            profile.speeds_send = profile.speeds_send.and(self.speeds_send);
        }
        if self.speeds_receive != SpeedSet::NONE {
            profile.speeds_receive = profile.speeds_receive.and(self.speeds_receive);
        }
        if fitting.is_none() {
            self.fill_in(&mut profile);
        }
        profile
    }

    /// What a known profile knows better.
    fn fill_in(&self, profile: &mut Profile) {
        profile.adaptive_reception = self.adaptive_reception;
        if let Some((flow, command)) = self.flow.first() {
            profile.flow = *flow;
            profile.flow_command = Some((*command).into());
        }
        profile.caller_id = self.caller_id.map(Into::into);
        profile.distinctive_ring = self.distinctive_ring.map(Into::into);
        profile.ecm = self.class_two.iter().any(|two| two.class == profile.class && two.ecm);
    }

    /// Makes something out of the answers.
    fn read(&mut self) {
        let ok = |command: &str| {
            self.answers.iter().find(|answer| answer.command == command && answer.is_ok()).map(Answer::text)
        };
        let name = |commands: &[&str]| {
            commands
                .iter()
                .find_map(|command| ok(command).map(|text| bare(&text)).filter(|text| !text.is_empty()))
        };
        let manufacturer = name(&["AT+FMI?", "AT+FMFR?", "AT+GMI"]);
        let model = name(&["AT+FMM?", "AT+FMDL?", "AT+GMM", "ATI3", "ATI4", "ATI0"]);
        let revision = name(&["AT+FMR?", "AT+FREV?", "AT+GMR"]);
        let words: Vec<String> = NAMES.iter().filter_map(|command| ok(command)).collect();
        let (classes, voice) = ok(CLASSES).map(|text| classes(&text)).unwrap_or_default();
        let speeds = |command| {
            let codes = ok(command).map(|text| numbers(&text, 10)).unwrap_or_default();
            codes.into_iter().filter_map(speed_of_code).fold(SpeedSet::NONE, SpeedSet::with)
        };
        let (speeds_send, speeds_receive) = (speeds("AT+FTM=?"), speeds("AT+FRM=?"));
        let adaptive_reception = ok("AT+FAR=?").is_some_and(|text| numbers(&text, 10).contains(&1));
        let two = |class: Class| ok(class_two_question(class)?).and_then(|text| class_two(class, &text));
        let class_two = classes.iter().filter_map(|class| two(*class)).collect();
        let flow = FLOW.into_iter().filter(|(_, command)| ok(command).is_some()).collect();
        let caller_id = CALLER_ID.into_iter().find(|command| ok(command).is_some());
        let distinctive_ring = DISTINCTIVE_RING.into_iter().find(|command| ok(command).is_some());
        *self = Self {
            manufacturer,
            model,
            revision,
            words: words.join("\n"),
            classes,
            voice,
            speeds_send,
            speeds_receive,
            adaptive_reception,
            class_two,
            flow,
            caller_id,
            distinctive_ring,
            answers: core::mem::take(&mut self.answers),
        };
    }

    /// Class 1: it sends and receives V.17.
    #[must_use]
    pub fn has_v17(&self) -> bool {
        self.speeds_send.and(self.speeds_receive).has_modulation(Modulation::V17)
    }
}

/// The command that tells what a modem does in such a class.
fn class_two_question(class: Class) -> Option<&'static str> {
    match class {
        Class::Two => Some("AT+FDCC=?"),
        Class::TwoPointZero | Class::TwoPointOne => Some("AT+FCC=?"),
        Class::One | Class::OnePointZero => None,
    }
}

/// Reads `(0,1),(0-5),(0-2),(0-2),(0-3),(0-3),(0),(0-7)`: resolution, bit rate, width, length, coding, ECM, …
/// (T.32 table 21). The numbers of Class 2.0 are hexadecimal.
fn class_two(class: Class, text: &str) -> Option<ClassTwo> {
    let radix = if class == Class::Two { 10 } else { 16 };
    let fields: Vec<Vec<u16>> = fields(text).iter().map(|field| numbers(field, radix)).collect();
    let most = |at: usize| fields.get(at).and_then(|values| values.iter().max().copied());
    let rate = most(1)?;
    let coding = most(4).unwrap_or(0);
    Some(ClassTwo {
        class,
        bit_rate_max: (u32::from(rate) + 1).saturating_mul(2400),
        ecm: most(5).unwrap_or(0) > 0,
        mr: coding >= 1,
        mmr: coding >= 3,
    })
}

/// A probe's outputs.
pub type ProbeOutput = Output<Result<Found, DialogError>>;

/// A modem that is being asked.
#[derive(Debug)]
pub struct Probe {
    dialog: Dialog,
    stage: Stage,
    gap: Duration,
    found: Found,
    out: VecDeque<ProbeOutput>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Hello,
    Names,
    Classes,
    Settings,
    Over,
}

impl Probe {
    /// A probe of a modem at the speed that the port has now. `gap` is how much rest it gets between commands.
    #[must_use]
    pub fn new(gap: Duration) -> Self {
        let hello = Step {
            wait: HELLO_WAIT,
            tries: HELLO_TRIES,
            is_required: true,
            is_numeric: true,
            ..Step::new(HELLO)
        };
        Self {
            dialog: Dialog::new(alloc::vec![hello]).with_gap(gap),
            stage: Stage::Hello,
            gap,
            found: Found::default(),
            out: VecDeque::new(),
        }
    }

    /// Begins.
    pub fn start(&mut self, now: Time) {
        self.dialog.start(now);
        self.advance(now);
    }

    /// Bytes have come from the modem.
    pub fn received(&mut self, now: Time, bytes: &[u8]) {
        self.dialog.received(now, bytes);
        self.advance(now);
    }

    /// Time has passed ([`Probe::deadline`]).
    pub fn tick(&mut self, now: Time) {
        self.dialog.tick(now);
        self.advance(now);
    }

    /// What is to be done next; `None` until the probe has been told something more.
    #[must_use]
    pub fn poll(&mut self) -> Option<ProbeOutput> {
        self.out.pop_front()
    }

    /// When to call [`Probe::tick`]; `None` before the start and after the end.
    #[must_use]
    pub fn deadline(&self) -> Option<Time> {
        self.dialog.deadline()
    }

    /// What is known so far: the answers, for a modem that falls silent in the middle.
    #[must_use]
    pub fn answers(&self) -> &[Answer] {
        &self.found.answers
    }

    fn advance(&mut self, now: Time) {
        while let Some(output) = self.dialog.poll() {
            match output {
                Output::Tell(Ok(answers)) => self.next(now, answers),
                Output::Tell(Err(error)) => self.end(Err(error)),
                Output::Write(bytes) => self.out.push_back(Output::Write(bytes)),
                Output::Discard | Output::Flow(_) | Output::Dtr(_) => {}
            }
        }
    }

    fn next(&mut self, now: Time, answers: Answers) {
        let silent = answers.all.iter().rev().take_while(|answer| answer.result.is_none()).count();
        if silent >= SILENCES_MAX {
            let command = answers.all.last().map(|answer| answer.command.clone()).unwrap_or_default();
            return self.end(Err(DialogError::NoAnswer { command, answers }));
        }
        self.found.answers.extend(answers.all);
        self.found.read();
        let steps = match self.stage {
            Stage::Hello => steps(NAMES.into_iter().chain([CLASSES])),
            Stage::Names => self.class_steps(),
            Stage::Classes => {
                let flow = FLOW.iter().map(|(_, command)| *command);
                steps(flow.chain(CALLER_ID).chain(DISTINCTIVE_RING).chain(["ATZ"]))
            }
            Stage::Settings | Stage::Over => Vec::new(),
        };
        self.stage = match self.stage {
            Stage::Hello => Stage::Names,
            Stage::Names => Stage::Classes,
            Stage::Classes => Stage::Settings,
            Stage::Settings | Stage::Over => Stage::Over,
        };
        if self.stage == Stage::Over {
            let found = core::mem::take(&mut self.found);
            return self.end(Ok(found));
        }
        self.dialog = Dialog::new(steps).with_gap(self.gap);
        self.dialog.start(now);
    }

    /// Each class is chosen before it is asked about; Class 1.0 is as Class 1.
    fn class_steps(&self) -> Vec<Step> {
        let mut all = Vec::new();
        let has = |class| self.found.classes.contains(&class);
        if let Some(one) = [Class::One, Class::OnePointZero].into_iter().find(|class| has(*class)) {
            all.push(Step::new(&one.command()));
            all.extend(steps(CLASS_ONE));
        }
        for class in [Class::Two, Class::TwoPointZero, Class::TwoPointOne] {
            if let Some(question) = class_two_question(class).filter(|_| has(class)) {
                all.push(Step::new(&class.command()));
                all.push(Step::new(question));
            }
        }
        all.push(Step::new("AT+FCLASS=0"));
        all
    }

    fn end(&mut self, result: Result<Found, DialogError>) {
        self.stage = Stage::Over;
        self.out.push_back(Output::Tell(result));
    }
}

fn steps<'a>(commands: impl IntoIterator<Item = &'a str>) -> Vec<Step> {
    commands.into_iter().map(|command| Step { wait: WAIT, ..Step::new(command) }).collect()
}
