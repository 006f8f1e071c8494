//! Commands one by one, each with its wait and its tries (ITU-T V.250 clause 5).
//!
//! ```
//! use fax_proto::at::Output;
//! use fax_proto::at::dialog::{Dialog, Step};
//! use fax_proto::time::Time;
//!
//! let mut dialog = Dialog::new(vec![Step::new("ATI3")]);
//! dialog.start(Time::ZERO);
//! assert_eq!(dialog.poll(), Some(Output::Write(b"ATI3\r".to_vec())));
//! dialog.received(Time(1000), b"\r\nSmart Fax 14.4\r\n\r\nOK\r\n");
//! let Some(Output::Tell(Ok(answers))) = dialog.poll() else { panic!() };
//! assert_eq!(answers.of("ATI3").map(|answer| answer.text()).as_deref(), Some("Smart Fax 14.4"));
//! ```
//!
//! A dialog always ends: with `Tell(Ok)` once every step is done, or with `Tell(Err)` at the first required step that is
//! refused or not answered, as its last output. A step that is not required is passed over; its answer says what came.

use super::Output;
use super::reader::Reader;
use super::reply::Reply;
use crate::time::{Duration, Time};
use alloc::collections::VecDeque;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

/// Lines that are kept of one answer.
pub const LINES_MAX: usize = 64;
/// How long answers to earlier tries are still waited for.
const STRAY_WAIT: Duration = Duration::from_millis(500);

/// A command and how it is to be answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The whole command line, with its `AT`, without its end.
    pub command: String,
    /// How long an answer may take; each line begins the wait anew.
    pub wait: Duration,
    /// How often it is sent where nothing is answered, 1 or more.
    pub tries: u8,
    /// Whether the dialog ends in an error where it is not answered by `OK` (or `CONNECT`).
    pub is_required: bool,
    /// Whether the modem may still answer in numbers (before `ATV1`).
    pub is_numeric: bool,
}

impl Step {
    /// A step that is tried once for three seconds and need not succeed.
    #[must_use]
    pub fn new(command: &str) -> Self {
        Self {
            command: command.into(),
            wait: Duration::from_secs(3),
            tries: 1,
            is_required: false,
            is_numeric: false,
        }
    }

    /// The same, tried twice, and the dialog ends where it does not succeed.
    #[must_use]
    pub fn required(command: &str) -> Self {
        Self { tries: 2, is_required: true, ..Self::new(command) }
    }
}

/// What came of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The command.
    pub command: String,
    /// The lines before the result code, at most [`LINES_MAX`].
    pub lines: Vec<String>,
    /// The result code; `None` where nothing came in time.
    pub result: Option<Reply>,
}

impl Answer {
    /// Whether the modem did it.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        matches!(self.result, Some(Reply::Ok | Reply::Connect))
    }

    /// The lines joined by a space.
    #[must_use]
    pub fn text(&self) -> String {
        self.lines.join(" ")
    }
}

/// What came of all steps.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Answers {
    /// One for each step that was begun, in order.
    pub all: Vec<Answer>,
    /// How often the telephone rang meanwhile.
    pub rings: u32,
}

impl Answers {
    /// The answer to a command.
    #[must_use]
    pub fn of(&self, command: &str) -> Option<&Answer> {
        self.all.iter().find(|answer| answer.command == command)
    }

    /// The answers that were not `OK`.
    pub fn refused(&self) -> impl Iterator<Item = &Answer> {
        self.all.iter().filter(|answer| !answer.is_ok())
    }
}

/// Why a dialog did not succeed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DialogError {
    /// The modem does not answer this command.
    NoAnswer {
        /// The command.
        command: String,
        /// What came before, and until then.
        answers: Answers,
    },
    /// The modem refuses this command.
    Refused {
        /// The command.
        command: String,
        /// What it says.
        result: Reply,
        /// What came before, and until then.
        answers: Answers,
    },
}

impl DialogError {
    /// What came until then.
    #[must_use]
    pub fn answers(&self) -> &Answers {
        match self {
            Self::NoAnswer { answers, .. } | Self::Refused { answers, .. } => answers,
        }
    }
}

impl fmt::Display for DialogError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoAnswer { command, .. } => write!(f, "the modem does not answer {command}"),
            Self::Refused { command, result, .. } => write!(f, "the modem answers {command} with {result}"),
        }
    }
}

impl core::error::Error for DialogError {}

/// A dialog's outputs.
pub type DialogOutput = Output<Result<Answers, DialogError>>;

/// Commands that are being run.
#[derive(Debug)]
pub struct Dialog {
    steps: VecDeque<Step>,
    reader: Reader,
    state: State,
    /// The lines of the present answer.
    lines: Vec<String>,
    tries: u8,
    answers: Answers,
    gap: Duration,
    out: VecDeque<DialogOutput>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Not begun.
    New,
    /// The next command goes out then.
    Rest(Time),
    /// The answer must be there then.
    Await(Time),
    Over,
}

impl Dialog {
    /// A dialog of these steps. [`Dialog::start`] begins it.
    #[must_use]
    pub fn new(steps: Vec<Step>) -> Self {
        Self {
            steps: steps.into(),
            reader: Reader::new(),
            state: State::New,
            lines: Vec::new(),
            tries: 0,
            answers: Answers::default(),
            gap: Duration::ZERO,
            out: VecDeque::new(),
        }
    }

    /// With a rest between a reply and the next command.
    #[must_use]
    pub fn with_gap(self, gap: Duration) -> Self {
        Self { gap, ..self }
    }

    /// Begins.
    pub fn start(&mut self, now: Time) {
        if self.state == State::New {
            self.send(now);
        }
    }

    /// Bytes have come from the modem.
    pub fn received(&mut self, now: Time, bytes: &[u8]) {
        self.reader.push(bytes);
        while let Some(line) = self.reader.line() {
            self.line(now, &line);
        }
    }

    /// Time has passed ([`Dialog::deadline`]).
    pub fn tick(&mut self, now: Time) {
        match self.state {
            State::Rest(until) if until <= now => self.send(now),
            State::Await(until) if until <= now => self.late(now),
            _ => {}
        }
    }

    /// What is to be done next; `None` until the dialog has been told something more.
    #[must_use]
    pub fn poll(&mut self) -> Option<DialogOutput> {
        self.out.pop_front()
    }

    /// When to call [`Dialog::tick`]; `None` before the start and after the end.
    #[must_use]
    pub fn deadline(&self) -> Option<Time> {
        match self.state {
            State::Rest(until) | State::Await(until) => Some(until),
            State::New | State::Over => None,
        }
    }

    /// What came so far.
    #[must_use]
    pub fn answers(&self) -> &Answers {
        &self.answers
    }

    fn send(&mut self, now: Time) {
        let Some(step) = self.steps.front() else {
            self.state = State::Over;
            self.out.push_back(Output::Tell(Ok(core::mem::take(&mut self.answers))));
            return;
        };
        self.tries += 1;
        self.lines.clear();
        self.reader.expect_echo(&step.command);
        let mut bytes = step.command.clone().into_bytes();
        bytes.push(b'\r');
        self.state = State::Await(now + step.wait);
        self.out.push_back(Output::Write(bytes));
    }

    fn line(&mut self, now: Time, line: &str) {
        let (State::Await(_), Some(step)) = (self.state, self.steps.front()) else {
            self.answers.rings += u32::from(matches!(Reply::parse(line), Reply::Ring(_)));
            return;
        };
        let reply = if step.is_numeric { Reply::parse_numeric(line) } else { Reply::parse(line) };
        match reply {
            Reply::Ring(_) => self.answers.rings = self.answers.rings.saturating_add(1),
            reply if reply.is_final() => self.end_step(now, Some(reply)),
            _ => {
                self.state = State::Await(now + step.wait);
                if self.lines.len() < LINES_MAX {
                    self.lines.push(line.to_string());
                } else {
                    // A modem that never comes to an end.
                    self.end_step(now, None);
                }
            }
        }
    }

    fn late(&mut self, now: Time) {
        match self.steps.front() {
            Some(step) if self.tries < step.tries => self.send(now),
            _ => self.end_step(now, None),
        }
    }

    fn end_step(&mut self, now: Time, result: Option<Reply>) {
        let Some(step) = self.steps.pop_front() else { return };
        // A late answer to an earlier try must not be taken for the answer to the next command.
        let gap = if self.tries > 1 { self.gap.max(STRAY_WAIT) } else { self.gap };
        self.tries = 0;
        let command = step.command.clone();
        let answer = Answer { command, lines: core::mem::take(&mut self.lines), result: result.clone() };
        let is_bad = step.is_required && !answer.is_ok();
        self.answers.all.push(answer);
        if !is_bad {
            self.state = State::Rest(now + gap);
            return self.tick(now);
        }
        let answers = core::mem::take(&mut self.answers);
        self.state = State::Over;
        self.out.push_back(Output::Tell(Err(match result {
            Some(result) => DialogError::Refused { command: step.command, result, answers },
            None => DialogError::NoAnswer { command: step.command, answers },
        })));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    const SECOND: Duration = Duration::from_secs(1);

    fn at(seconds: u64) -> Time {
        Time(seconds * 1_000_000)
    }

    fn written(dialog: &mut Dialog) -> Option<String> {
        match dialog.poll() {
            Some(Output::Write(bytes)) => Some(bytes.into_iter().map(char::from).collect()),
            _ => None,
        }
    }

    #[test]
    fn steps_follow_one_another_and_rings_are_counted() {
        let gap = Duration::from_millis(50);
        let mut dialog = Dialog::new(vec![Step::required("ATE0"), Step::new("AT#CID=1")]).with_gap(gap);
        dialog.start(at(0));
        assert_eq!(written(&mut dialog).as_deref(), Some("ATE0\r"));
        dialog.received(at(1), b"ATE0\r\r\nOK\r\n\r\nRING\r\n");
        assert_eq!((written(&mut dialog), dialog.deadline()), (None, Some(at(1) + gap)));
        dialog.tick(at(1) + gap);
        assert_eq!(written(&mut dialog).as_deref(), Some("AT#CID=1\r"));
        dialog.received(at(2), b"\r\nERROR\r\n");
        dialog.tick(at(3));
        let Some(Output::Tell(Ok(answers))) = dialog.poll() else { panic!() };
        assert_eq!((answers.rings, answers.refused().count()), (1, 1));
        assert_eq!(dialog.deadline(), None);
    }

    #[test]
    fn a_silent_modem_is_asked_again_and_then_given_up() {
        let mut dialog = Dialog::new(vec![Step { wait: SECOND, ..Step::required("AT") }]);
        dialog.start(at(0));
        assert!(written(&mut dialog).is_some());
        dialog.tick(at(1));
        assert!(written(&mut dialog).is_some(), "a second try");
        dialog.tick(at(2));
        let Some(Output::Tell(Err(error))) = dialog.poll() else { panic!() };
        assert_eq!(error.to_string(), "the modem does not answer AT");
        assert_eq!(error.answers().all.len(), 1);
    }

    #[test]
    fn numbers_count_only_where_they_may() {
        let mut dialog = Dialog::new(vec![
            Step { is_numeric: true, is_required: true, ..Step::new("ATV1") },
            Step::required("AT+FCLASS?"),
        ]);
        dialog.start(at(0));
        dialog.received(at(0), b"0\r");
        dialog.received(at(0), b"\r\n1\r\n\r\nOK\r\n");
        let last = core::iter::from_fn(|| dialog.poll()).last();
        let Some(Output::Tell(Ok(answers))) = last else { panic!("{last:?}") };
        assert_eq!(answers.of("AT+FCLASS?").map(Answer::text).as_deref(), Some("1"));
    }

    #[test]
    fn a_modem_that_talks_for_ever_is_stopped() {
        let mut dialog = Dialog::new(vec![Step::required("ATI4")]);
        dialog.start(at(0));
        (0..=LINES_MAX).for_each(|_| dialog.received(at(0), b"more\r\n"));
        let last = core::iter::from_fn(|| dialog.poll()).last();
        assert!(matches!(last, Some(Output::Tell(Err(DialogError::NoAnswer { .. })))));
    }
}
