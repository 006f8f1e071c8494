//! What each command does.

use super::registers::{Registers, ServiceClass};
use super::results::Code;
use super::words::{self, Want, Word};
use super::{Dce, Doing, Output, answers, modulation};
use crate::time::{Duration, Time};
use alloc::format;
use alloc::string::String;

/// How a command went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Done {
    Ok,
    Error,
    /// Its result comes later.
    Waits,
}

/// Commands that set what a virtual modem has not got, such as a loudspeaker: taken, and without effect.
const IGNORED: &str = "BCLMNPTWY";
const IGNORED_AND: &str = "ABCDEGHIJKLMNPQRSTUVWXY";
const IGNORED_BACKSLASH: &str = "ABCGJKLNQTVX";
const IGNORED_PERCENT: &str = "CE";

impl Dce {
    /// Does what is left of the command line, until one of its commands waits.
    pub(super) fn execute_rest(&mut self, now: Time) {
        loop {
            let line = core::mem::take(&mut self.rest);
            let mut rest = line.as_str();
            let Some(word) = words::next(&mut rest) else { return self.say(Code::Ok) };
            self.rest = rest.into();
            match self.execute(now, word) {
                Done::Ok => {}
                Done::Waits => return,
                Done::Error => {
                    self.rest.clear();
                    return self.say(Code::Error);
                }
            }
        }
    }

    fn execute(&mut self, now: Time, word: Word) -> Done {
        match word {
            Word::Basic(None, letter, number) => self.basic(now, letter, number),
            Word::Basic(Some('&'), 'F', _) => {
                self.registers = Registers::default();
                Done::Ok
            }
            Word::Basic(Some(prefix), letter, _) => ignored(match prefix {
                '&' => IGNORED_AND.contains(letter),
                '\\' => IGNORED_BACKSLASH.contains(letter),
                '%' => IGNORED_PERCENT.contains(letter),
                _ => false,
            }),
            Word::SetRegister(register, value) => ignored(self.registers.set(register, value).is_some()),
            Word::AskRegister(register) => match self.registers.get(register) {
                Some(value) => self.tell(&format!("{value:03}")),
                None => Done::Error,
            },
            Word::Dial(digits) => self.dial(digits),
            Word::Extended(name, want) => self.extended(now, &name, &want),
            Word::Unknown => Done::Error,
        }
    }

    fn basic(&mut self, now: Time, letter: char, number: u16) -> Done {
        match (letter, number) {
            ('A', _) => self.take_call(now),
            ('E', 0 | 1) => self.registers.echo = number == 1,
            ('Q', 0 | 1) => self.registers.quiet = number == 1,
            ('V', 0 | 1) => self.registers.verbose = number == 1,
            ('X', 0..=4) => self.registers.detail = u8::try_from(number).unwrap_or(4),
            ('H', 0) => self.hang_up(),
            // There is nothing to do on a line without a call.
            ('H', 1) => {}
            ('Z', _) => {
                self.hang_up();
                self.registers = Registers::default();
                self.rest.clear();
            }
            ('I', 0..=9) => return self.tell(answers::information(number)),
            _ => return ignored(IGNORED.contains(letter)),
        }
        if letter == 'A' { Done::Waits } else { Done::Ok }
    }

    /// `ATA`.
    fn take_call(&mut self, now: Time) {
        self.rest.clear();
        if self.registers.class == ServiceClass::Data {
            self.say(Code::Error);
        } else if self.ringing.is_some() && !self.off_hook {
            self.answer(now);
        } else {
            self.say(Code::NoCarrier);
        }
    }

    /// `ATD`.
    fn dial(&mut self, digits: String) -> Done {
        if self.registers.class == ServiceClass::Data || self.off_hook || self.ringing.is_some() {
            return Done::Error;
        }
        self.doing = Doing::Asking;
        self.deadline = None;
        self.out.push_back(Output::Dial(digits));
        Done::Waits
    }

    fn extended(&mut self, now: Time, name: &str, want: &Want) -> Done {
        match (name, want) {
            ("+FCLASS", Want::Set(value)) => self.set_class(value),
            ("+FCLASS", Want::Ask) => self.tell(match self.registers.class {
                ServiceClass::Data => "0",
                ServiceClass::One => "1",
                ServiceClass::OnePointZero => "1.0",
            }),
            ("+FTM" | "+FRM", Want::Range) => self.tell(&modulation::list(self.config.speeds)),
            ("+FTS" | "+FRS" | "+FTM" | "+FRM" | "+FTH" | "+FRH", Want::Set(value)) => {
                self.action(now, name, value)
            }
            ("+FAR", Want::Set(value)) => switch(&mut self.registers.adaptive, value),
            ("+FAR", Want::Ask) => self.tell(digit(self.registers.adaptive)),
            ("+VCID" | "#CID", Want::Set(value)) => switch(&mut self.registers.caller_id, value),
            ("+VCID" | "#CID", Want::Ask) => self.tell(digit(self.registers.caller_id)),
            (_, Want::Range | Want::Ask | Want::Do) => match answers::extended(name, want) {
                Some("") => Done::Ok,
                Some(text) => self.tell(text),
                None => Done::Error,
            },
            (_, Want::Set(value)) => ignored(answers::takes(name, value)),
        }
    }

    fn set_class(&mut self, value: &str) -> Done {
        self.registers.class = match value.trim_matches('"') {
            "0" => ServiceClass::Data,
            "1" => ServiceClass::One,
            "1.0" => ServiceClass::OnePointZero,
            _ => return Done::Error,
        };
        Done::Ok
    }

    /// The commands of T.31 clause 8.3 that do something on the line. On hook they are errors.
    fn action(&mut self, now: Time, name: &str, value: &str) -> Done {
        let Ok(number) = value.parse::<u16>() else { return Done::Error };
        if self.registers.class == ServiceClass::Data || !self.off_hook {
            return Done::Error;
        }
        let modulation = modulation::of_code(number, self.config.speeds);
        match (name, number, modulation) {
            ("+FTS" | "+FRS", 0, _) => return Done::Ok,
            ("+FTS", 1..=255, _) => self.be_silent(now, hundredths(number)),
            ("+FRS", 1..=255, _) => self.await_silence(now, hundredths(number)),
            ("+FTH", 3, _) => self.collect_frames(now),
            ("+FRH", 3, _) => self.listen_frames(now),
            ("+FTM", _, Some(modulation)) => self.collect_fast(now, modulation),
            ("+FRM", _, Some(modulation)) => self.listen_fast(now, modulation),
            _ => return Done::Error,
        }
        Done::Waits
    }

    fn tell(&mut self, text: &str) -> Done {
        self.say_text(text);
        Done::Ok
    }

    /// Who calls, as `+VCID=1` wants it.
    pub(super) fn tell_caller(&mut self, from: &super::Caller) {
        let unknown = "P";
        let number = from.caller.as_deref().unwrap_or(unknown);
        self.say_text(&format!("NMBR = {}", printable(number)));
        if let Some(called) = &from.called {
            self.say_text(&format!("NDID = {}", printable(called)));
        }
    }
}

fn ignored(is_known: bool) -> Done {
    if is_known { Done::Ok } else { Done::Error }
}

fn switch(setting: &mut bool, value: &str) -> Done {
    match value {
        "0" => *setting = false,
        "1" => *setting = true,
        _ => return Done::Error,
    }
    Done::Ok
}

fn digit(is_on: bool) -> &'static str {
    if is_on { "1" } else { "0" }
}

fn hundredths(number: u16) -> Duration {
    Duration::from_millis(u64::from(number) * 10)
}

/// A number that comes from elsewhere, as far as it can stand in a line of a modem.
fn printable(text: &str) -> String {
    const CHARS_MAX: usize = 40;
    text.chars().filter(|c| c.is_ascii_graphic()).take(CHARS_MAX).collect()
}
