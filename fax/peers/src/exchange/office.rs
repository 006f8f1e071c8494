//! The telephone exchange itself, without ttys and without a clock: numbers, rings, and audio in blocks of 20 ms.
//!
//! [`Office::tick`] lets 20 ms pass. Between ticks a driver moves octets between the modems and their DTEs and calls
//! [`Office::settle`], so that what a modem did to its line takes effect.

use super::call::{Call, Party, Stage};
use super::station::Answer;
use crate::audio::{BLOCK_MS, BLOCK_SAMPLES};
use crate::spandsp_t30::Terms;
use crate::t31::{Caller, Event, Failure, Hook, Modem};
use std::collections::{BTreeMap, VecDeque};

/// A caller hears nothing for so long after dialling: the exchange looks the number up.
pub(super) const SETUP_MS: u64 = 1000;
/// Rings come so often.
pub(super) const RING_MS: u64 = 4000;
/// One that hangs up is gone; the other end is told so much later.
pub(super) const CLEARING_MS: u64 = 400;
/// The log keeps so many lines.
const LOG_LINES_MAX: usize = 10_000;

/// What is at a number.
#[derive(Debug)]
pub(super) enum What {
    Modem(Modem),
    Answers(Answer),
    Busy,
    RingsOnly,
}

/// What befalls one call.
#[derive(Clone, Debug, PartialEq)]
pub enum Fault {
    /// Nothing.
    Nothing,
    /// The network drops it, so many milliseconds after so many carriers of images and training checks. A modem that
    /// waits for something says NO CARRIER.
    Drop {
        /// Carriers at the modem of the call: the training check is the first one, the first page the second.
        carriers: u32,
        /// From the last of them on.
        ms: u64,
    },
    /// As `Drop`, but nobody is told: the line is dead in both directions.
    Dead {
        /// As there.
        carriers: u32,
        /// As there.
        ms: u64,
    },
    /// Noise under every signal: level in dBm0, and seed.
    Noise(f64, u64),
}

/// What is true of a number whatever calls there are.
#[derive(Clone, Debug)]
pub struct Traits {
    /// Its line gives a dial tone.
    pub has_dial_tone: bool,
    /// The name that goes with its number as a caller.
    pub name: Option<String>,
    /// Noise on its line: level in dBm0, and seed.
    pub noise: Option<(f64, u64)>,
    /// It is answered after so many rings, where no DTE decides.
    pub rings: u32,
    /// The network gives up after so many rings, and says that nobody answers.
    pub rings_max: u32,
}

impl Default for Traits {
    fn default() -> Self {
        Self { has_dial_tone: true, name: None, noise: None, rings: 1, rings_max: 8 }
    }
}

#[derive(Debug)]
pub(super) struct Subscriber {
    pub(super) what: What,
    pub(super) traits: Traits,
    pub(super) faults: VecDeque<Fault>,
    /// Documents received here so far.
    pub(super) documents: u32,
    /// When the DTE next writes this, that outside caller calls.
    pub(super) glare: Option<(Vec<u8>, Caller, Answer)>,
}

/// A call that is over.
#[derive(Clone, Debug)]
pub struct Ended {
    /// Who called; empty for one from outside without a number.
    pub from: String,
    /// What was dialled, without pauses.
    pub to: String,
    /// When it was answered, in milliseconds of the exchange.
    pub answered_ms: Option<u64>,
    /// When it was over.
    pub ended_ms: u64,
    /// Why it came to nothing, or was dropped; nothing where one end hung up.
    pub failure: Option<&'static str>,
    /// Result and terms of spandsp's fax terminal, where one took part.
    pub fax: Option<(Option<i32>, Terms)>,
}

/// The exchange.
#[derive(Debug, Default)]
pub struct Office {
    now_ms: u64,
    pub(super) subscribers: BTreeMap<String, Subscriber>,
    calls: Vec<Call>,
    ended: Vec<Ended>,
    log: VecDeque<String>,
}

impl Office {
    /// Puts a modem at a number, on hook.
    pub fn put_modem(&mut self, number: &str, modem: Modem) {
        self.put(number, What::Modem(modem));
    }

    /// At this number a station answers by itself.
    pub fn put_answer(&mut self, number: &str, answer: Answer) {
        self.put(number, What::Answers(answer));
    }

    /// This number is always busy.
    pub fn put_busy(&mut self, number: &str) {
        self.put(number, What::Busy);
    }

    /// This number rings, and nobody answers.
    pub fn put_ringing(&mut self, number: &str) {
        self.put(number, What::RingsOnly);
    }

    fn put(&mut self, number: &str, what: What) {
        let (traits, faults, documents) = match self.remove(number) {
            Some(old) => (old.traits, old.faults, old.documents),
            None => (Traits::default(), VecDeque::new(), 0),
        };
        let subscriber = Subscriber { what, traits, faults, documents, glare: None };
        self.subscribers.insert(number.to_owned(), subscriber);
    }

    /// Takes away what is at a number; its call is dropped.
    pub(super) fn remove(&mut self, number: &str) -> Option<Subscriber> {
        let now_ms = self.now_ms;
        self.calls.iter_mut().for_each(|call| call.leave(number, now_ms));
        self.subscribers.remove(number)
    }

    /// What is true of a number.
    ///
    /// # Panics
    /// Where there is no such number.
    pub fn traits(&mut self, number: &str) -> &mut Traits {
        &mut self.subscriber(number).traits
    }

    /// What befalls the next calls from or to a number, in order.
    ///
    /// # Panics
    /// Where there is no such number.
    pub fn befall(&mut self, number: &str, faults: impl IntoIterator<Item = Fault>) {
        self.subscriber(number).faults.extend(faults);
    }

    /// The next time that the DTE of a modem writes `octets`, a call from outside comes in before they reach the modem.
    ///
    /// # Panics
    /// Where there is no such number.
    pub fn call_in_when_it_writes(&mut self, number: &str, octets: &[u8], caller: Caller, who: Answer) {
        self.subscriber(number).glare = Some((octets.to_vec(), caller, who));
    }

    fn subscriber(&mut self, number: &str) -> &mut Subscriber {
        self.subscribers.get_mut(number).unwrap_or_else(|| panic!("there is no number {number}"))
    }

    /// The modem at a number.
    pub fn modem(&mut self, number: &str) -> Option<&mut Modem> {
        match &mut self.subscribers.get_mut(number)?.what {
            What::Modem(modem) => Some(modem),
            _ => None,
        }
    }

    /// The modem at a number, to look at.
    #[must_use]
    pub fn modem_at(&self, number: &str) -> Option<&Modem> {
        match &self.subscribers.get(number)?.what {
            What::Modem(modem) => Some(modem),
            _ => None,
        }
    }

    /// A number whose modem was unplugged: it rings there, and what is to befall it stays.
    pub(super) fn keep(&mut self, number: &str, old: Subscriber) {
        self.subscribers.insert(number.to_owned(), Subscriber { what: What::RingsOnly, ..old });
    }

    /// A call from outside to a number.
    pub fn call_in(&mut self, to: &str, caller: Caller, who: Answer) {
        let call = Call::from_outside(caller, who, to, self.now_ms);
        self.log(&format!("{} calls {to}", call.from_number));
        self.calls.push(call);
        // It rings at once: whoever asks for glare wants it now.
        self.advance();
        self.settle();
    }

    /// Octets from the DTE of a modem.
    pub fn write(&mut self, number: &str, octets: &[u8]) {
        let Some(subscriber) = self.subscribers.get_mut(number) else { return };
        let is_awaited = |(awaited, ..): &mut (Vec<u8>, Caller, Answer)| {
            octets.windows(awaited.len()).any(|part| part == *awaited)
        };
        if let Some((_, caller, who)) = subscriber.glare.take_if(is_awaited) {
            self.call_in(number, caller, who);
        }
        if let Some(modem) = self.modem(number) {
            modem.write(octets);
        }
        self.settle();
    }

    /// The calls that are over, and forgets them.
    pub fn take_ended(&mut self) -> Vec<Ended> {
        std::mem::take(&mut self.ended)
    }

    /// What happened, a line each, with the time in seconds in front.
    #[must_use]
    pub fn history(&self) -> String {
        self.log.iter().map(|line| format!("{line}\n")).collect()
    }

    /// Milliseconds that have passed.
    #[must_use]
    pub fn now_ms(&self) -> u64 {
        self.now_ms
    }

    /// Lets time pass in which nothing is going on.
    pub fn skip(&mut self, ms: u64) {
        self.now_ms += ms;
    }

    /// Whether time has to pass tick by tick.
    #[must_use]
    pub fn is_active(&self) -> bool {
        !self.calls.is_empty() || self.modems().any(|modem| modem.hook() != Hook::On)
    }

    /// Whether every modem waits for the line and no DTE has anything to decide, so that time may be hurried.
    #[must_use]
    pub fn waits_for_the_line(&self) -> bool {
        let mut off_hook = self.modems().filter(|modem| modem.hook() != Hook::On).peekable();
        off_hook.peek().is_some() && off_hook.all(Modem::waits_for_the_line)
    }

    fn modems(&self) -> impl Iterator<Item = &Modem> {
        self.subscribers.values().filter_map(|subscriber| match &subscriber.what {
            What::Modem(modem) => Some(modem),
            _ => None,
        })
    }

    pub(super) fn log(&mut self, what: &str) {
        if self.log.len() == LOG_LINES_MAX {
            self.log.pop_front();
        }
        let line = format!("{:8.2}  {what}", self.now_ms as f64 / 1000.0);
        self.log.push_back(line);
    }

    /// Lets 20 ms pass.
    pub fn tick(&mut self) {
        self.now_ms += BLOCK_MS;
        self.advance();
        self.carry_audio();
        self.settle();
    }

    /// What the modems did to their lines takes effect.
    pub fn settle(&mut self) {
        let numbers: Vec<String> = self.subscribers.keys().cloned().collect();
        for number in numbers {
            while let Some(event) = self.modem(&number).and_then(Modem::poll) {
                match event {
                    Event::Dialled(dialled) => self.dialled(&number, &dialled),
                    Event::Answered => self.answered(&number),
                    Event::OnHook => self.on_hook(&number),
                }
            }
        }
    }

    fn dialled(&mut self, number: &str, dialled: &str) {
        self.log(&format!("{number} dials {dialled}"));
        if self.calls.iter().any(|call| call.is_ringing(number)) {
            self.log(&format!("{number} took up a line that was ringing"));
            self.answered(number);
            if let Some(modem) = self.modem(number) {
                modem.connected();
            }
            return;
        }
        let to: String = dialled.chars().filter(|c| c.is_ascii_digit() || "+*#".contains(*c)).collect();
        self.calls.push(Call::dialled(number, &to, self.now_ms));
    }

    fn answered(&mut self, number: &str) {
        self.log(&format!("{number} goes off hook"));
        let Some(at) = self.calls.iter().position(|call| call.is_ringing(number)) else { return };
        let fault = self.next_fault(at);
        let carriers = self.carriers(at);
        let now_ms = self.now_ms;
        let noise = self.noise(at);
        let Some(call) = self.calls.get_mut(at) else { return };
        call.talk(now_ms, fault, carriers, noise);
        if let Party::Line(from) = &call.parties[0] {
            let from = from.clone();
            if let Some(modem) = self.modem(&from) {
                modem.connected();
            }
        }
    }

    fn on_hook(&mut self, number: &str) {
        self.log(&format!("{number} is on hook"));
        let now_ms = self.now_ms;
        self.calls.iter_mut().for_each(|call| call.leave(number, now_ms));
    }

    fn next_fault(&mut self, at: usize) -> Fault {
        let Some(call) = self.calls.get(at) else { return Fault::Nothing };
        let numbers = [call.from_number.clone(), call.to_number.clone()];
        let faults = numbers.iter().filter_map(|number| {
            self.subscribers.get_mut(number).and_then(|subscriber| subscriber.faults.pop_front())
        });
        let faults: Vec<Fault> = faults.collect();
        faults.into_iter().find(|fault| *fault != Fault::Nothing).unwrap_or(Fault::Nothing)
    }

    fn noise(&self, at: usize) -> Option<(f64, u64)> {
        let call = self.calls.get(at)?;
        [&call.from_number, &call.to_number]
            .into_iter()
            .find_map(|number| self.subscribers.get(number).and_then(|subscriber| subscriber.traits.noise))
    }

    fn carriers(&mut self, at: usize) -> u32 {
        let numbers = self.calls.get(at).map(Call::numbers).unwrap_or_default();
        // One modem hears what the other sends: one of them counts all.
        numbers.iter().find_map(|number| self.modem(number).map(|modem| modem.carriers())).unwrap_or(0)
    }

    /// Moves the calls on that have something due.
    fn advance(&mut self) {
        for at in 0..self.calls.len() {
            match self.calls.get(at).map(|call| call.stage.clone()) {
                Some(Stage::Setup { due_ms }) if due_ms <= self.now_ms => self.look_up(at),
                Some(Stage::Ringing { next_ms, .. }) if next_ms <= self.now_ms => self.ring(at),
                Some(Stage::Failing { due_ms, failure }) if due_ms <= self.now_ms => self.fail(at, failure),
                Some(Stage::Talking) => self.look_after(at),
                _ => {}
            }
        }
        self.bury();
    }

    /// The number is known now.
    fn look_up(&mut self, at: usize) {
        const DIAL_TONE_WAIT_MS: u64 = 2000;
        const BUSY_HEARD_MS: u64 = 1500;
        let Some(call) = self.calls.get(at) else { return };
        let (from, to, now_ms) = (call.from_number.clone(), call.to_number.clone(), self.now_ms);
        let is_taken = self.calls.iter().enumerate().any(|(other, call)| other != at && call.occupies(&to));
        let is_off_hook = self.modem(&to).is_some_and(|modem| modem.hook() != Hook::On);
        let has_dial_tone = self.subscribers.get(&from).is_none_or(|from| from.traits.has_dial_tone);
        let stage = match self.subscribers.get(&to).map(|subscriber| &subscriber.what) {
            _ if !has_dial_tone => {
                Stage::Failing { due_ms: now_ms + DIAL_TONE_WAIT_MS, failure: Failure::NoDialTone }
            }
            None => Stage::Failing { due_ms: now_ms + BUSY_HEARD_MS, failure: Failure::NoCarrier },
            Some(What::Busy) => Stage::Failing { due_ms: now_ms + BUSY_HEARD_MS, failure: Failure::Busy },
            Some(_) if is_taken || is_off_hook => {
                Stage::Failing { due_ms: now_ms + BUSY_HEARD_MS, failure: Failure::Busy }
            }
            Some(_) => Stage::Ringing { rings: 0, next_ms: now_ms },
        };
        let rings = matches!(stage, Stage::Ringing { .. });
        if let Some(call) = self.calls.get_mut(at) {
            call.stage = stage;
        }
        if rings {
            self.ring(at);
        }
    }

    fn ring(&mut self, at: usize) {
        let now_ms = self.now_ms;
        let Some(call) = self.calls.get_mut(at) else { return };
        let Stage::Ringing { rings, next_ms } = &mut call.stage else { return };
        let so_far = *rings;
        (*rings, *next_ms) = (so_far + 1, now_ms + RING_MS);
        let (from, to, caller) = (call.from_number.clone(), call.to_number.clone(), call.caller.clone());
        if self.subscribers.get(&to).is_none_or(|to| so_far >= to.traits.rings_max) {
            return self.fail(at, Failure::NoAnswer);
        }
        if call.parties.iter().any(|party| matches!(party, Party::Gone { .. })) {
            return;
        }
        let name = self.subscribers.get(&from).and_then(|from| from.traits.name.clone());
        let Some(subscriber) = self.subscribers.get_mut(&to) else { return };
        match &mut subscriber.what {
            What::Modem(modem) => {
                let caller = caller.unwrap_or(Caller { number: Some(from), name, called: Some(to.clone()) });
                modem.ring((so_far == 0).then_some(&caller));
                self.log(&format!("{to} rings"));
            }
            What::Answers(answer) if so_far >= subscriber.traits.rings => {
                subscriber.documents += 1;
                let (answer, count) = (answer.clone(), subscriber.documents);
                if let Some(call) = self.calls.get_mut(at) {
                    call.take_up(1, &answer, count);
                }
                self.answered(&to);
            }
            _ => {}
        }
    }

    fn fail(&mut self, at: usize, failure: Failure) {
        let Some(call) = self.calls.get_mut(at) else { return };
        call.failure = Some(match failure {
            Failure::Busy => "busy",
            Failure::NoAnswer => "no answer",
            Failure::NoDialTone => "no dial tone",
            Failure::NoCarrier => "no such number",
        });
        let from = call.from_number.clone();
        call.end();
        if let Some(modem) = self.modem(&from) {
            modem.failed(failure);
        }
    }

    /// A call that stands: what befalls it, and who has hung up.
    fn look_after(&mut self, at: usize) {
        let (now_ms, carriers) = (self.now_ms, self.carriers(at));
        let Some(call) = self.calls.get_mut(at) else { return };
        if call.befall(now_ms, carriers) {
            let word = if call.is_dead { "goes dead" } else { "is dropped" };
            let line = format!("{} - {} {word}", call.from_number, call.to_number);
            self.log(&line);
        }
        let Some(call) = self.calls.get_mut(at) else { return };
        call.hang_up_stations(now_ms);
        for left in call.left_behind(now_ms) {
            if let Some(modem) = self.modem(&left) {
                modem.hung_up();
            }
        }
    }

    fn carry_audio(&mut self) {
        let silence = [0; BLOCK_SAMPLES];
        let mut heard: BTreeMap<String, Vec<i16>> = BTreeMap::new();
        let mut calls = std::mem::take(&mut self.calls);
        for call in calls.iter_mut().filter(|call| call.stage == Stage::Talking) {
            let said = [0, 1].map(|end| match &mut call.parties[end] {
                Party::Line(number) => {
                    self.modem(number).map_or_else(|| silence.to_vec(), |modem| modem.say(BLOCK_SAMPLES))
                }
                Party::Station(station) => station.say(),
                Party::Waiting(_) | Party::Gone { .. } => silence.to_vec(),
            });
            let to = call.pass(said);
            for (end, amp) in to.into_iter().enumerate() {
                match &mut call.parties[end] {
                    Party::Line(number) => drop(heard.insert(number.clone(), amp)),
                    Party::Station(station) => station.hear(amp),
                    Party::Waiting(_) | Party::Gone { .. } => {}
                }
            }
        }
        self.calls = calls;
        for (number, subscriber) in &mut self.subscribers {
            let What::Modem(modem) = &mut subscriber.what else { continue };
            match heard.get(number) {
                Some(amp) => modem.hear(amp),
                None if modem.hook() != Hook::On => {
                    modem.say(BLOCK_SAMPLES);
                    modem.hear(&silence);
                }
                None => {}
            }
        }
    }

    /// Calls that nobody is in any more.
    fn bury(&mut self) {
        let now_ms = self.now_ms;
        let mut lines = Vec::new();
        self.calls.retain_mut(|call| {
            let Some(ended) = call.ended(now_ms) else { return true };
            lines.push(format!(
                "{} - {} is over{}",
                ended.from,
                ended.to,
                ended.failure.map_or_else(String::new, |failure| format!(": {failure}"))
            ));
            self.ended.push(ended);
            false
        });
        lines.iter().for_each(|line| self.log(line));
    }
}
