//! One call through the exchange: who is in it, how far it is, and what befalls it.

use super::office::{CLEARING_MS, Ended, Fault, SETUP_MS};
use super::station::{Answer, Station};
use crate::audio::{Config, Line};
use crate::spandsp_t30::Terms;
use crate::t31::{Caller, Failure};
use std::path::PathBuf;

/// One end.
#[derive(Debug)]
pub(super) enum Party {
    /// The modem at this number.
    Line(String),
    /// One from outside who waits for an answer.
    Waiting(Answer),
    Station(Station),
    /// It hung up then.
    Gone {
        at_ms: u64,
    },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// The number is being dialled.
    Setup {
        due_ms: u64,
    },
    /// It rings; the next ring is then.
    Ringing {
        rings: u32,
        next_ms: u64,
    },
    /// The caller hears why there is no call.
    Failing {
        due_ms: u64,
        failure: Failure,
    },
    Talking,
    Over,
}

#[derive(Debug)]
pub(super) struct Call {
    /// The caller, and the called.
    pub(super) parties: [Party; 2],
    pub(super) from_number: String,
    pub(super) to_number: String,
    /// What is said of a caller from outside.
    pub(super) caller: Option<Caller>,
    pub(super) stage: Stage,
    pub(super) failure: Option<&'static str>,
    /// Nothing goes through any more, and nobody knows.
    pub(super) is_dead: bool,
    line: Line,
    fault: Fault,
    /// Carriers that its modem had counted when it was answered.
    carriers_before: u32,
    /// The fault strikes then.
    strikes_ms: Option<u64>,
    answered_ms: Option<u64>,
    fax: Option<(Option<i32>, Terms)>,
}

impl Call {
    pub(super) fn dialled(from: &str, to: &str, now_ms: u64) -> Self {
        Self {
            parties: [Party::Line(from.to_owned()), Party::Line(to.to_owned())],
            from_number: from.to_owned(),
            to_number: to.to_owned(),
            caller: None,
            stage: Stage::Setup { due_ms: now_ms + SETUP_MS },
            failure: None,
            is_dead: false,
            line: Line::new(&Config::default()),
            fault: Fault::Nothing,
            carriers_before: 0,
            strikes_ms: None,
            answered_ms: None,
            fax: None,
        }
    }

    pub(super) fn from_outside(caller: Caller, who: Answer, to: &str, now_ms: u64) -> Self {
        let number = caller.number.clone().unwrap_or_default();
        Self {
            parties: [Party::Waiting(who), Party::Line(to.to_owned())],
            caller: Some(caller),
            stage: Stage::Setup { due_ms: now_ms },
            ..Self::dialled(&number, to, now_ms)
        }
    }

    /// The numbers of the modems in it.
    pub(super) fn numbers(&self) -> Vec<String> {
        let number = |party: &Party| match party {
            Party::Line(number) => Some(number.clone()),
            _ => None,
        };
        self.parties.iter().filter_map(number).collect()
    }

    /// Whether it rings at this number.
    pub(super) fn is_ringing(&self, number: &str) -> bool {
        matches!(self.stage, Stage::Ringing { .. })
            && self.to_number == number
            && !matches!(self.parties[0], Party::Gone { .. })
    }

    /// Whether another call to this number would find it busy.
    pub(super) fn occupies(&self, number: &str) -> bool {
        let holds = |end: usize, own: &str| own == number && !matches!(self.parties[end], Party::Gone { .. });
        let is_there = matches!(self.stage, Stage::Ringing { .. } | Stage::Talking);
        holds(0, &self.from_number) || (is_there && holds(1, &self.to_number))
    }

    /// A station takes up the line at one end (0 the caller's); it is the so-manyth document there.
    pub(super) fn take_up(&mut self, end: usize, answer: &Answer, count: u32) {
        let document = match answer {
            Answer::Fax { folder, .. } => {
                let number = if end == 0 { &self.from_number } else { &self.to_number };
                folder.join(format!("{number}-{count}.tif"))
            }
            _ => PathBuf::new(),
        };
        self.parties[end] = Party::Station(Station::new(answer, end == 0, document));
    }

    /// It is answered.
    pub(super) fn talk(&mut self, now_ms: u64, fault: Fault, carriers: u32, noise: Option<(f64, u64)>) {
        if let Party::Waiting(who) = &self.parties[0] {
            let who = who.clone();
            self.take_up(0, &who, 1);
        }
        let noise = match fault {
            Fault::Noise(level, seed) => Some((level, seed)),
            _ => noise,
        };
        self.line = Line::new(&Config { noise, ..Config::default() });
        self.fault = fault;
        self.carriers_before = carriers;
        self.answered_ms = Some(now_ms);
        self.stage = Stage::Talking;
    }

    /// Audio from both ends, and what they hear.
    pub(super) fn pass(&mut self, [from_caller, from_called]: [Vec<i16>; 2]) -> [Vec<i16>; 2] {
        let (to_caller, to_called) = self.line.pass(from_caller, from_called);
        let silence = || vec![0; to_caller.len()];
        if self.is_dead { [silence(), silence()] } else { [to_caller, to_called] }
    }

    /// The modem at this number hung up.
    pub(super) fn leave(&mut self, number: &str, now_ms: u64) {
        for end in [0, 1] {
            let own = if end == 0 { &self.from_number } else { &self.to_number };
            let is_it = own == number && !matches!(self.parties[end], Party::Gone { .. });
            // A called modem that went on hook while it only rings has no part in the call yet.
            let takes_part = end == 0 || self.stage == Stage::Talking;
            if is_it && takes_part {
                self.gone(end, now_ms);
            }
        }
    }

    fn gone(&mut self, end: usize, now_ms: u64) {
        if let Party::Station(station) = &self.parties[end] {
            self.fax = station.fax().or(self.fax);
        }
        self.parties[end] = Party::Gone { at_ms: now_ms };
        if self.stage != Stage::Talking {
            self.stage = Stage::Over;
        }
    }

    pub(super) fn end(&mut self) {
        self.stage = Stage::Over;
    }

    /// Lets the fault strike where it is time; whether it did.
    pub(super) fn befall(&mut self, now_ms: u64, carriers: u32) -> bool {
        let (Fault::Drop { carriers: after, ms } | Fault::Dead { carriers: after, ms }) = self.fault else {
            return false;
        };
        if carriers.saturating_sub(self.carriers_before) >= after {
            self.strikes_ms.get_or_insert(now_ms + ms);
        }
        if self.strikes_ms.is_none_or(|at| now_ms < at) {
            return false;
        }
        if matches!(self.fault, Fault::Dead { .. }) {
            self.is_dead = true;
        } else {
            // Both ends are told once the others are gone.
            self.failure = Some("dropped");
            self.strikes_ms = None;
        }
        self.fault = Fault::Nothing;
        true
    }

    /// Stations hang up by themselves.
    pub(super) fn hang_up_stations(&mut self, now_ms: u64) {
        for end in [0, 1] {
            if matches!(&self.parties[end], Party::Station(station) if station.is_over()) {
                self.gone(end, now_ms);
            }
        }
    }

    /// The modems that are told now that the call is over.
    pub(super) fn left_behind(&mut self, now_ms: u64) -> Vec<String> {
        let is_dropped = self.failure.is_some();
        let gone_ms = self.parties.iter().find_map(|party| match party {
            Party::Gone { at_ms } => Some(*at_ms),
            _ => None,
        });
        if !is_dropped && gone_ms.is_none_or(|at| now_ms < at + CLEARING_MS) {
            return Vec::new();
        }
        let told = self.numbers();
        [0, 1].into_iter().for_each(|end| {
            if !matches!(self.parties[end], Party::Gone { .. }) {
                self.gone(end, now_ms);
            }
        });
        self.stage = Stage::Over;
        // One who is dead to the other is not told.
        if self.is_dead { Vec::new() } else { told }
    }

    /// What is kept of a call that is over.
    pub(super) fn ended(&mut self, now_ms: u64) -> Option<Ended> {
        (self.stage == Stage::Over).then(|| Ended {
            from: std::mem::take(&mut self.from_number),
            to: std::mem::take(&mut self.to_number),
            answered_ms: self.answered_ms,
            ended_ms: now_ms,
            failure: self.failure,
            fax: self.fax,
        })
    }
}
