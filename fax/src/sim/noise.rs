//! What a bad line does to what goes over it: bits flipped, bursts, transmissions lost, late or doubled.

use super::air::AirConfig;
use super::random::Random;
use crate::carrier::{Image, Speed};
use crate::time::{Duration, Time};
use alloc::vec::Vec;

/// Bursts of noise: everything on the line is destroyed for a while, again and again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bursts {
    /// One burst in each such time, at a moment of its own.
    pub every: Duration,
    /// How long it lasts.
    pub lasting: Duration,
}

/// The faults of one call, drawn from its seed.
#[derive(Debug)]
pub(super) struct Noise {
    config: AirConfig,
    random: Random,
    /// Image bits that were changed.
    pub(super) image_bits_flipped: u64,
}

impl Noise {
    pub(super) fn new(config: &AirConfig) -> Self {
        Self { config: config.clone(), random: Random::new(config.seed), image_bits_flipped: 0 }
    }

    /// V.21 that is sent from `start` on.
    pub(super) fn control(&mut self, start: Time, bytes: &mut [u8], bit_rate: u64) {
        self.random.flip_bits(bytes, self.config.v21_bit_errors_per_million);
        self.burst(start, bytes, bit_rate);
    }

    /// A training check or an image that is sent from `start` on.
    pub(super) fn image(&mut self, start: Time, bytes: &mut [u8], speed: Speed) {
        let flipped = self.random.flip_bits(bytes, self.image_errors(start, speed));
        self.image_bits_flipped += u64::from(flipped);
        self.image_bits_flipped += self.burst(start, bytes, u64::from(speed.bit_rate()));
    }

    /// Whether a V.21 transmission is not heard at all.
    pub(super) fn is_lost(&mut self) -> bool {
        let per_million = self.config.frames_lost_per_million;
        per_million > 0 && self.random.per_million(per_million)
    }

    /// The frames, some of them twice.
    pub(super) fn doubled(&mut self, frames: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
        let per_million = self.config.frames_doubled_per_million;
        if per_million == 0 {
            return frames;
        }
        let twice = |frame: Vec<u8>| {
            let times = if self.random.per_million(per_million) { 2 } else { 1 };
            core::iter::repeat_n(frame, times)
        };
        frames.into_iter().flat_map(twice).collect()
    }

    /// The same for an image.
    pub(super) fn doubled_image(&mut self, image: Image) -> Image {
        match image {
            Image::Frames(frames) => Image::Frames(self.doubled(frames)),
            bits @ Image::Bits(_) => bits,
        }
    }

    /// The delay of the next transmission.
    pub(super) fn delay(&mut self) -> Duration {
        let jitter = u64::try_from(self.config.jitter.as_micros()).unwrap_or(u64::MAX);
        match jitter {
            0 => self.config.delay,
            _ => self.config.delay + Duration::from_micros(self.random.next() % jitter),
        }
    }

    /// Slower is sturdier: each step down from 14400 halves the errors.
    fn image_errors(&self, now: Time, speed: Speed) -> u32 {
        if now < self.config.bit_errors_from {
            return 0;
        }
        let steps = Speed::ALL.iter().filter(|faster| **faster > speed).count();
        self.config.bit_errors_per_million >> steps.min(31)
    }

    /// Destroys the bytes that fall into a burst; gives how many bits that may have changed.
    fn burst(&mut self, start: Time, bytes: &mut [u8], bit_rate: u64) -> u64 {
        let Some(bursts) = self.config.bursts else { return 0 };
        let byte_micros = 8_000_000 / bit_rate.max(1);
        let mut changed = 0;
        let mut at = start.0;
        for byte in bytes {
            if is_within(bursts, self.config.seed, at) {
                *byte = self.random.next().to_le_bytes()[0];
                changed += 8;
            }
            at = at.saturating_add(byte_micros);
        }
        changed
    }
}

/// Whether there is a burst at this time, in microseconds.
fn is_within(bursts: Bursts, seed: u64, at: u64) -> bool {
    let micros = |duration: Duration| u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
    let (every, lasting) = (micros(bursts.every).max(1), micros(bursts.lasting));
    let place = Random::new(seed ^ (at / every)).next() % every.saturating_sub(lasting).max(1);
    (place..place.saturating_add(lasting)).contains(&(at % every))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_destroys_what_falls_into_it_and_nothing_else() {
        let bursts = Bursts { every: Duration::from_secs(2), lasting: Duration::from_millis(100) };
        let config = AirConfig { bursts: Some(bursts), seed: 5, ..AirConfig::default() };
        let mut noise = Noise::new(&config);
        // Ten seconds at 14400 bit/s: 5 bursts of 180 bytes.
        let mut bytes = [0u8; 18_000];
        noise.image(Time::ZERO, &mut bytes, Speed::V17At14400);
        let changed = bytes.iter().filter(|byte| **byte != 0).count();
        assert!((800..=905).contains(&changed), "{changed}");
        assert_eq!(noise.image_bits_flipped % 8, 0);
        let runs = bytes.chunk_by(|a, b| (*a == 0) == (*b == 0)).filter(|run| run.len() > 100 && run[0] == 0);
        assert!((5..=6).contains(&runs.count()));
    }

    #[test]
    fn frames_are_doubled_and_lost_as_often_as_asked() {
        let config = AirConfig {
            frames_doubled_per_million: 500_000,
            frames_lost_per_million: 100_000,
            jitter: Duration::from_millis(500),
            ..AirConfig::default()
        };
        let mut noise = Noise::new(&config);
        let frames = noise.doubled(alloc::vec![alloc::vec![1]; 1000]).len();
        assert!((1400..1600).contains(&frames), "{frames}");
        let lost = (0..1000).filter(|_| noise.is_lost()).count();
        assert!((60..140).contains(&lost), "{lost}");
        let delays: Vec<Duration> = (0..100).map(|_| noise.delay()).collect();
        assert!(delays.iter().all(|delay| *delay >= config.delay && *delay < config.delay + config.jitter));
        assert!(delays.iter().any(|delay| *delay > config.delay + Duration::from_millis(250)));
    }
}
