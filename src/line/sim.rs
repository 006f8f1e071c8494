//! The simulated telephone network: lines that need no hardware and speak real T.30 to one another.
//!
//! An [`Exchange`] knows numbers. A number belongs to a [`SimLine`] of this gateway, or to nobody; a script may
//! make it busy, silent or deaf for its first calls. A call runs two T.30 engines over `fax::sim::air` on a
//! virtual clock, as fast as the machine can or at a chosen pace; where a program at a virtual modem takes part, it
//! goes on in real time (`live`).

mod live;

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use fax::at::dce::{Caller, DceConfig};
use fax::page::Page;
use fax::session::{PageMark, ReceivedPage};
use fax::sim::air::{self, AirConfig, Callee, Hooks, Party};
use fax::t30::frame::StationId;
use fax::t30::{Engine, ReceiverConfig};
use fax::time::Time;
use serde::{Deserialize, Serialize};

use live::Called;

use super::drive::FaxTerminal;
use super::terminal::Terminal;
use super::virtual_modem::{Lent, Rules, VirtualModem, VirtualModemConfig};
use super::{Answering, CallEnd, CannotCarry, Dial, Line, Receiving, Ringing, Seat, Sending};
use crate::address::Number;

/// The slowest and the fastest pace of simulated calls, beside 0: what a clock can keep.
const PACE_MIN: f64 = 0.001;
const PACE_MAX: f64 = 1e6;

/// A program's telephone rings so soon: nobody serves the program before that, and it takes its time to answer.
const PROGRAM_RINGS_AFTER: Duration = Duration::from_millis(10);

/// The simulated network as the configuration describes it (`[simulation]`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SimulationConfig {
    /// How fast calls go: 0 as fast as the machine can, 1 as long as a real call takes, 10 ten times faster.
    pub pace: f64,
    /// Bits that arrive wrong, of a million sent.
    pub bit_errors_per_million: u32,
    /// Where the chance of errors begins: the same seed gives the same calls, the first, the second and so on to
    /// each number.
    pub seed: u64,
    /// Numbers that do not simply answer.
    pub number: Vec<SimulatedNumber>,
}

impl Default for SimulationConfig {
    fn default() -> Self {
        Self { pace: 0.0, bit_errors_per_million: 0, seed: 1, number: Vec::new() }
    }
}

impl SimulationConfig {
    /// The first setting that makes no sense.
    ///
    /// # Errors
    /// The setting, and what is wrong with it.
    pub fn check(&self) -> Result<(), (&'static str, &'static str)> {
        if self.pace != 0.0 && !(PACE_MIN..=PACE_MAX).contains(&self.pace) {
            return Err(("simulation.pace", "must be 0, or a number from 0.001 to 1000000"));
        }
        if self.bit_errors_per_million > 1_000_000 {
            return Err(("simulation.bit_errors_per_million", "is more than a million"));
        }
        if self.number.iter().any(|number| number.answers.is_empty()) {
            return Err(("simulation.number", "answers is empty"));
        }
        Ok(())
    }
}

/// A number of the simulated network and what callers find there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SimulatedNumber {
    /// The number.
    pub number: Number,
    /// What each call finds, in order; the last stands for all later calls.
    pub answers: Vec<Answer>,
}

/// What a caller finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// The line that has the number.
    Line,
    /// The busy tone.
    Busy,
    /// It rings for ever.
    NoAnswer,
    /// Somebody picks up who is no fax machine.
    Voice,
    /// The line that has the number, until the network drops the call so long after it was dialled:
    /// `{ drop-after = "20s" }`.
    DropAfter(#[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")] Duration),
}

/// One simulated line (`[[line]]`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SimLineConfig {
    /// Its name.
    pub name: String,
    /// Its number, which others dial to reach it.
    pub number: Number,
    /// What it calls itself to other machines; its number where nothing is said.
    #[serde(default)]
    pub station_id: Option<String>,
    /// Whether it may be dialled out on.
    #[serde(default = "yes")]
    pub dial: bool,
    /// Whether it answers.
    #[serde(default = "yes")]
    pub answer: bool,
    /// A device at which programs find a modem on this line.
    #[serde(default)]
    pub virtual_modem: Option<VirtualModemConfig>,
}

impl SimLineConfig {
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
        self.identification()?;
        match &self.virtual_modem {
            Some(modem) => modem.check().map_err(|reason| format!("line {}: {reason}", self.name)),
            None => Ok(()),
        }
    }

    /// What the line calls itself.
    fn identification(&self) -> Result<StationId, String> {
        let text = self.station_id.clone().unwrap_or_else(|| self.number.to_string());
        StationId::new(&text).map_err(|error| format!("line {}: station_id {text:?}: {error}", self.name))
    }
}

fn yes() -> bool {
    true
}

/// The simulated network.
pub struct Exchange {
    config: SimulationConfig,
    stations: HashMap<Number, Station>,
    dialled: Mutex<HashMap<Number, usize>>,
    answering: Arc<dyn Answering>,
}

/// What the network knows of a line.
#[derive(Clone)]
struct Station {
    name: String,
    number: Number,
    station_id: StationId,
    seat: Arc<Seat>,
    answer: bool,
    dial: bool,
    modem: Option<Arc<VirtualModem>>,
}

/// A simulated line.
pub struct SimLine {
    station: Station,
    exchange: Arc<Exchange>,
}

impl Exchange {
    /// A network with these lines, and the virtual modems at them, whose programs dial by these rules. Gives the lines
    /// that can dial, in order.
    ///
    /// # Errors
    /// A station ID that cannot be sent, two lines with one number, or a virtual modem that cannot be made; a sentence
    /// that says which.
    pub fn build(
        config: SimulationConfig,
        lines: &[SimLineConfig],
        answering: Arc<dyn Answering>,
        rules: &Rules,
        wake: &Arc<tokio::sync::Notify>,
    ) -> Result<Vec<Arc<dyn Line>>, String> {
        let mut stations = HashMap::new();
        let mut devices = Vec::new();
        for line in lines {
            let mut station = Station::new(line, wake)?;
            if let Some(config) = &line.virtual_modem {
                let (modem, device) = VirtualModem::create(config)?;
                station.modem = Some(Arc::new(modem));
                devices.push((line.number.clone(), device));
            }
            if stations.insert(line.number.clone(), station).is_some() {
                return Err(format!("two lines have the number {}", line.number));
            }
        }
        let exchange = Arc::new(Self { config, stations, dialled: Mutex::default(), answering });
        for (number, device) in devices {
            if let Some(line) = exchange.line(&number) {
                device.serve(DceConfig { streams: true, ..DceConfig::default() }, line, Arc::clone(rules))?;
            }
        }
        let dialling = lines.iter().filter(|line| line.dial || line.virtual_modem.is_some());
        Ok(dialling.filter_map(|line| exchange.line(&line.number)).collect())
    }

    fn line(self: &Arc<Self>, number: &Number) -> Option<Arc<dyn Line>> {
        let station = self.stations.get(number)?.clone();
        Some(Arc::new(SimLine { station, exchange: Arc::clone(self) }))
    }

    /// Counts a call to a number; gives how many there were before.
    fn count(&self, number: &Number) -> usize {
        let mut dialled = self.dialled.lock().unwrap_or_else(PoisonError::into_inner);
        let calls = dialled.entry(number.clone()).or_default();
        *calls += 1;
        *calls - 1
    }

    /// What call `n` to a number finds.
    fn answer_for(&self, number: &Number, n: usize) -> Answer {
        let script = self.config.number.iter().find(|script| script.number == *number);
        let Some(script) = script else { return Answer::Line };
        script.answers.get(n).or(script.answers.last()).copied().unwrap_or(Answer::Line)
    }

    /// The air of call `n` to a number: no two calls have the same errors, or a bad one would fail at each try.
    fn air(&self, number: &Number, n: usize, answer: Answer) -> AirConfig {
        let digits = number.as_str().bytes().fold(0u64, |sum, b| sum.wrapping_mul(31).wrapping_add(b.into()));
        AirConfig {
            seed: self.config.seed.wrapping_add(digits).wrapping_add(n as u64),
            bit_errors_per_million: self.config.bit_errors_per_million,
            drop_at: match answer {
                Answer::DropAfter(after) => Some(Time::ZERO + after),
                _ => None,
            },
            ..AirConfig::default()
        }
    }

    /// The air to a number, and who takes the call there, if anybody does.
    fn route(&self, number: &Number, caller: &Station) -> (AirConfig, Option<Reached<'_>>) {
        let n = self.count(number);
        let answer = self.answer_for(number, n);
        let (callee, reached) = match self.reach(number, answer, caller) {
            Ok(reached) => (Callee::Fax, Some(reached)),
            Err(callee) => (callee, None),
        };
        (AirConfig { callee, ..self.air(number, n, answer) }, reached)
    }

    /// The line that takes the call, with its seat and who answers; or why none does.
    fn reach(&self, number: &Number, answer: Answer, caller: &Station) -> Result<Reached<'_>, Callee> {
        match answer {
            Answer::Busy => return Err(Callee::Busy),
            Answer::NoAnswer => return Err(Callee::NoAnswer),
            Answer::Voice => return Err(Callee::Silent),
            Answer::Line | Answer::DropAfter(_) => {}
        }
        let station = self.stations.get(number).filter(|s| s.answer).ok_or(Callee::NoAnswer)?;
        let held = station.seat.take().ok_or(Callee::Busy)?;
        let by = if let Some(modem) = station.modem.as_ref().filter(|modem| modem.answers()) {
            let text = |number: &Number| Some(number.digits().to_owned());
            let from = Caller { caller: text(&caller.number), called: text(number) };
            AnsweredBy::Program(modem.lend().ok_or(Callee::Busy)?, from)
        } else {
            let ringing = Ringing {
                line: station.name.clone(),
                called: Some(number.clone()),
                caller: Some(caller.number.clone()),
            };
            AnsweredBy::Flow(self.answering.answer(&ringing).ok_or(Callee::NoAnswer)?)
        };
        Ok(Reached { station, by, _held: held })
    }
}

struct Reached<'a> {
    station: &'a Station,
    by: AnsweredBy,
    _held: super::Held,
}

/// Who answers a call.
enum AnsweredBy {
    /// Our engine, for the flow.
    Flow(Box<dyn Receiving>),
    /// A program, which is told who calls.
    Program(Lent, Caller),
}

impl Station {
    fn new(config: &SimLineConfig, wake: &Arc<tokio::sync::Notify>) -> Result<Self, String> {
        Ok(Self {
            name: config.name.clone(),
            number: config.number.clone(),
            station_id: config.identification()?,
            seat: Seat::new(Arc::clone(wake)),
            answer: config.answer,
            dial: config.dial,
            modem: None,
        })
    }
}

impl SimLine {
    /// A call between two engines, on a virtual clock.
    fn call_engine(
        &self,
        dial: &Dial,
        sending: &mut dyn Sending,
        air: &AirConfig,
        reached: Option<(&Station, Box<dyn Receiving>)>,
    ) -> CallEnd {
        let mut caller = Engine::sender(dial.sender(self.station.station_id.clone()));
        let mut caller_hooks = Sends(sending);
        let far = reached.as_ref().map_or(&self.station, |(station, _)| station);
        let mut answerer = Engine::receiver(ReceiverConfig::new(far.station_id.clone()));
        let mut answerer_hooks = Receives(reached.map(|(_, receiving)| receiving));
        let record = air::run(
            Party { engine: &mut caller, hooks: &mut caller_hooks },
            Party { engine: &mut answerer, hooks: &mut answerer_hooks },
            air,
            &mut pacer(self.exchange.config.pace),
        );
        if let (Some(receiving), Some(answerer)) = (answerer_hooks.0, record.answerer) {
            receiving.end(&answerer.report);
        }
        CallEnd { report: record.caller.report, trace: record.caller.trace }
    }
}

impl Line for SimLine {
    fn name(&self) -> &str {
        &self.station.name
    }

    fn number(&self) -> Option<&Number> {
        Some(&self.station.number)
    }

    fn seat(&self) -> &Arc<Seat> {
        &self.station.seat
    }

    fn call(&self, dial: &Dial, sending: &mut dyn Sending) -> CallEnd {
        let (air, reached) = self.exchange.route(&dial.number, &self.station);
        match reached {
            None => self.call_engine(dial, sending, &air, None),
            Some(Reached { station, by: AnsweredBy::Flow(receiving), _held }) => {
                self.call_engine(dial, sending, &air, Some((station, receiving)))
            }
            Some(Reached { by: AnsweredBy::Program(mut lent, from), _held, .. }) => {
                let air = AirConfig { ring_time: PROGRAM_RINGS_AFTER, ..air };
                let mut caller = FaxTerminal::sending(dial.sender(self.station.station_id.clone()), sending);
                live::run(&air, &mut caller, &mut Called::Program(&mut lent, from));
                caller.end()
            }
        }
    }

    fn dials(&self) -> bool {
        self.station.dial
    }

    fn stop(&self) {
        if let Some(modem) = &self.station.modem {
            modem.stop();
        }
    }

    fn carry(&self, number: &Number, terminal: &mut dyn Terminal) -> Result<(), CannotCarry> {
        let (air, reached) = self.exchange.route(number, &self.station);
        match reached {
            None => {
                live::run(&air, terminal, &mut Called::Nobody);
            }
            Some(Reached { station, by: AnsweredBy::Flow(receiving), _held }) => {
                let config = ReceiverConfig::new(station.station_id.clone());
                let mut called = Called::Fax(Box::new(FaxTerminal::receiving(config, receiving)));
                let has_rung = live::run(&air, terminal, &mut called);
                // A call that never rang was none for the flow.
                if let Called::Fax(answerer) = called
                    && has_rung
                {
                    let end = answerer.end();
                    tracing::debug!(line = station.name, "the call of a program:\n{}", end.trace);
                }
            }
            Some(Reached { by: AnsweredBy::Program(mut lent, from), _held, .. }) => {
                let air = AirConfig { ring_time: PROGRAM_RINGS_AFTER, ..air };
                live::run(&air, terminal, &mut Called::Program(&mut lent, from));
            }
        }
        Ok(())
    }
}

/// Sleeps so that virtual time passes at `pace` times the speed of real time; not at all where `pace` is 0.
fn pacer(pace: f64) -> impl FnMut(Time) {
    let mut before = Time::ZERO;
    move |now| {
        if pace > 0.0 {
            std::thread::sleep(Duration::from_secs_f64((now - before).as_secs_f64() / pace));
        }
        before = now;
    }
}

struct Sends<'a>(&'a mut dyn Sending);

impl Hooks for Sends<'_> {
    fn page(&mut self, index: u32) -> Option<Page> {
        self.0.page(index)
    }

    fn mark(&mut self, page: u32, mark: PageMark) -> bool {
        self.0.mark(page, mark)
    }

    fn received(&mut self, _page: ReceivedPage) -> bool {
        false
    }
}

struct Receives(Option<Box<dyn Receiving>>);

impl Hooks for Receives {
    fn page(&mut self, _index: u32) -> Option<Page> {
        None
    }

    fn mark(&mut self, _page: u32, _mark: PageMark) -> bool {
        false
    }

    fn received(&mut self, page: ReceivedPage) -> bool {
        self.0.as_mut().is_some_and(|receiving| receiving.page(page.index, &page.page, &page.quality))
    }
}
