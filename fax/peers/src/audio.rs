//! A telephone line as audio: blocks of 20 ms at 8 kHz, a delay, noise and drop-outs. It knows no clock: a block in, a
//! block out.

use std::collections::VecDeque;
use std::ops::Range;

/// Samples of a block.
pub const BLOCK_SAMPLES: usize = 160;
/// How long a block lasts.
pub const BLOCK_MS: u64 = 20;

/// What a line does to audio.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// From one end to the other. 0 breaks real drivers; 60 ms is like a real line.
    pub delay_ms: u64,
    /// White noise under every signal, both ways: its level in dBm0 and the seed of its random numbers. Signals are at
    /// about -14 dBm0.
    pub noise: Option<(f64, u64)>,
    /// Times since the line was made, in milliseconds, in which nothing is heard at either end.
    pub silent_ms: Vec<Range<u64>>,
}

impl Default for Config {
    /// 60 ms, clean.
    fn default() -> Self {
        Self { delay_ms: 60, noise: None, silent_ms: Vec::new() }
    }
}

/// A line with two ends.
#[derive(Debug)]
pub struct Line {
    to_a: VecDeque<Vec<i16>>,
    to_b: VecDeque<Vec<i16>>,
    noise: Option<Noise>,
    silent_ms: Vec<Range<u64>>,
    now_ms: u64,
}

impl Line {
    /// A line on which nothing has been said.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        let blocks = usize::try_from(config.delay_ms / BLOCK_MS).unwrap_or(0);
        let silence = VecDeque::from(vec![vec![0; BLOCK_SAMPLES]; blocks]);
        Self {
            to_a: silence.clone(),
            to_b: silence,
            noise: config.noise.map(|(level, seed)| Noise::new(level, seed)),
            silent_ms: config.silent_ms.clone(),
            now_ms: 0,
        }
    }

    /// A block of what each end says; gives what each hears, that of A first.
    pub fn pass(&mut self, from_a: Vec<i16>, from_b: Vec<i16>) -> (Vec<i16>, Vec<i16>) {
        let is_silent = self.silent_ms.iter().any(|span| span.contains(&self.now_ms));
        self.now_ms += BLOCK_MS;
        let mut carry = |mut amp: Vec<i16>, queue: &mut VecDeque<Vec<i16>>| {
            if is_silent {
                amp.fill(0);
            }
            self.noise.iter_mut().for_each(|noise| noise.add(&mut amp));
            queue.push_back(amp);
            queue.pop_front().unwrap_or_default()
        };
        (carry(from_b, &mut self.to_a), carry(from_a, &mut self.to_b))
    }
}

/// A sine of full scale (ITU-T G.711, mu-law).
const FULL_SCALE_DBM0: f64 = 3.17;

/// White noise under every signal. Silence stays silent: spandsp's modems take noise above -45 dBm0 for a carrier that
/// never goes, and nothing would come of that but silence.
#[derive(Clone, Debug)]
pub struct Noise {
    /// Root mean square, in samples.
    rms: f64,
    random: u64,
}

impl Noise {
    /// Noise of a level, the same for the same seed.
    #[must_use]
    pub fn new(level_dbm0: f64, seed: u64) -> Self {
        let full_scale_rms = 32_767.0 / std::f64::consts::SQRT_2;
        Self { rms: full_scale_rms * 10f64.powf((level_dbm0 - FULL_SCALE_DBM0) / 20.0), random: seed }
    }

    /// Adds it to audio that is not silence.
    pub fn add(&mut self, amp: &mut [i16]) {
        if amp.iter().all(|sample| *sample == 0) {
            return;
        }
        for sample in amp {
            // Twelve numbers between -1/2 and 1/2 have a variance of 1.
            let sum: f64 = (0..12).map(|_| self.uniform()).sum();
            *sample = sample.saturating_add((sum * self.rms).round() as i16);
        }
    }

    fn uniform(&mut self) -> f64 {
        self.random =
            self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        f64::from((self.random >> 33) as u32) / f64::from(1u32 << 31) - 0.5
    }
}
