//! What sits at the end of a line and is no modem of ours: spandsp's fax terminals, and what a fax call hits by mistake.

use crate::audio::BLOCK_SAMPLES;
use crate::spandsp_t30::{AudioTerminal, Config, Terms};
use std::path::PathBuf;

/// What answers at a number, or calls one.
#[derive(Clone, Debug)]
pub enum Answer {
    /// A fax terminal of spandsp. It receives into `NUMBER-1.tif`, `NUMBER-2.tif` … of this folder where it does not send.
    Fax {
        /// What it can, and what it sends. `calling` and `receive` are set for each call.
        config: Box<Config>,
        /// Where received documents go.
        folder: PathBuf,
    },
    /// Somebody says hello, and hangs up after this many milliseconds.
    Voice {
        /// Until the hang-up.
        for_ms: u64,
    },
    /// The line is taken up, and nothing is to be heard.
    Silence,
    /// A data modem: answer tone with phase reversals, then a carrier.
    DataModem,
}

/// One that is in a call now.
#[derive(Debug)]
pub(super) enum Station {
    Fax(AudioTerminal),
    Voice { left_ms: u64, phase: u64 },
    Silence,
    DataModem { at: u64 },
}

impl Station {
    /// Takes up the line; `document` is where a fax terminal puts what it receives.
    pub(super) fn new(answer: &Answer, calling: bool, document: PathBuf) -> Self {
        match answer {
            Answer::Fax { config, .. } => {
                let receive = config.send.is_none().then_some(document);
                Self::Fax(AudioTerminal::new(&Config { calling, receive, ..(**config).clone() }))
            }
            Answer::Voice { for_ms } => Self::Voice { left_ms: *for_ms, phase: 0 },
            Answer::Silence => Self::Silence,
            Answer::DataModem => Self::DataModem { at: 0 },
        }
    }

    pub(super) fn say(&mut self) -> Vec<i16> {
        match self {
            Self::Fax(terminal) => terminal.say(BLOCK_SAMPLES),
            Self::Silence => vec![0; BLOCK_SAMPLES],
            Self::Voice { phase, .. } => (0..BLOCK_SAMPLES).map(|_| voice(phase)).collect(),
            Self::DataModem { at } => (0..BLOCK_SAMPLES).map(|_| data_modem(at)).collect(),
        }
    }

    pub(super) fn hear(&mut self, amp: Vec<i16>) {
        match self {
            Self::Fax(terminal) => terminal.hear(amp),
            Self::Voice { left_ms, .. } => *left_ms = left_ms.saturating_sub(crate::audio::BLOCK_MS),
            Self::Silence | Self::DataModem { .. } => {}
        }
    }

    /// Whether it hangs up now.
    pub(super) fn is_over(&self) -> bool {
        match self {
            Self::Fax(terminal) => terminal.result().is_some(),
            Self::Voice { left_ms, .. } => *left_ms == 0,
            Self::Silence | Self::DataModem { .. } => false,
        }
    }

    /// spandsp's result (0, or a T30_ERR_ number; nothing where it was cut off) and what was agreed on.
    pub(super) fn fax(&self) -> Option<(Option<i32>, Terms)> {
        match self {
            Self::Fax(terminal) => Some((terminal.result(), terminal.terms())),
            _ => None,
        }
    }
}

const SAMPLES_PER_SECOND: f64 = 8000.0;

fn sine(at: u64, hertz: f64, level: f64) -> f64 {
    (at as f64 * hertz * std::f64::consts::TAU / SAMPLES_PER_SECOND).sin() * level
}

/// A sample of somebody who talks: vowels of some pitch, a quarter of a second each, with breaks between the words.
fn voice(phase: &mut u64) -> i16 {
    let at = *phase;
    *phase += 1;
    let syllable = at / 2000;
    if syllable % 5 > 2 {
        return 0;
    }
    let pitch = 110.0 + (syllable * 37 % 60) as f64;
    let level = sine(at % 2000, 2.0, 1.0).abs();
    let sum = sine(at, pitch, 1500.0) + sine(at, pitch * 5.0, 1100.0) + sine(at, pitch * 11.0, 500.0);
    (sum * level) as i16
}

/// A sample of a data modem that answers: 2100 Hz whose phase turns every 450 ms for 3.3 s, then 2250 Hz.
fn data_modem(at: &mut u64) -> i16 {
    const TONE_SAMPLES: u64 = 26_400;
    const TURN_SAMPLES: u64 = 3600;
    let now = *at;
    *at += 1;
    let sample = match now {
        0..TONE_SAMPLES if now / TURN_SAMPLES % 2 == 1 => -sine(now, 2100.0, 4000.0),
        0..TONE_SAMPLES => sine(now, 2100.0, 4000.0),
        _ => sine(now, 2250.0, 4000.0),
    };
    sample as i16
}
