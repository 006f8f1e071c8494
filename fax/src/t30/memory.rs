//! What is remembered of a far end from one call to the next: what failed with it, and what worked.
//!
//! A [`Memory`] is a value. The engine is handed one with its terms, begins below what failed, and gives back in its
//! report what it knows then; who keeps it, and under which number, is the driver's affair. The engine has no clock, so
//! the wall-clock time comes with the terms. Every entry is forgotten after a while; the next call tries again, and
//! either succeeds or learns it anew. So no far end is held for worse than it is because of one bad day.
//!
//! [`Memory`] is written and read as a line of text:
//!
//! ```
//! use fax_proto::t30::memory::{Memory, WallTime};
//! let memory: Memory = "no V.17 since 1700000000; at most 9600 V.29 since 1700000000".parse().unwrap();
//! assert_eq!(memory.no_v17, Some(WallTime(1_700_000_000)));
//! assert_eq!(memory.to_string().parse(), Ok(memory));
//! ```

use super::capability::Capability;
use crate::carrier::{Modulation, Speed, SpeedSet};
use core::fmt;
use core::str::FromStr;

/// Seconds for which a modulation, ECM or a coding that failed is not tried again: two weeks.
pub const FEATURE_SECS: u64 = 14 * 24 * 3600;
/// Seconds for which a speed that failed is not tried again: a day. Lines change more often than machines.
pub const SPEED_SECS: u64 = 24 * 3600;

/// Wall-clock time in seconds since 1970-01-01 00:00 UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct WallTime(pub u64);

/// What is known of a far end. Each entry holds when it was learned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Memory {
    /// V.17 did not train at any speed, and something else did.
    pub no_v17: Option<WallTime>,
    /// A page could not be brought over with ECM.
    pub no_ecm: Option<WallTime>,
    /// A page came over without a fault and could not be read in MMR (T.6).
    pub no_mmr: Option<WallTime>,
    /// A faster speed failed; this one brought a page over.
    pub speed_max: Option<(Speed, WallTime)>,
    /// The speed of the last page that was confirmed. It restricts nothing.
    pub worked: Option<(Speed, WallTime)>,
}

/// What a call has taught.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Lessons {
    pub v17_failed: bool,
    pub ecm_failed: bool,
    pub mmr_failed: bool,
    /// Some speed failed, and the sender went down.
    pub speed_failed: bool,
    /// The speed of the last page that was confirmed.
    pub worked: Option<Speed>,
}

impl Memory {
    /// What of `allowed` is to be used at the time `now`.
    ///
    /// A restriction that would leave no speed at all is not kept to.
    #[must_use]
    pub fn restrict(&self, allowed: Capability, now: WallTime) -> Capability {
        let known = self.still_known(now);
        let mut speeds = allowed.speeds;
        if known.no_v17.is_some() {
            speeds = speeds.without_modulation(Modulation::V17);
        }
        if let Some((speed_max, _)) = known.speed_max {
            speeds = speeds.iter().filter(|speed| *speed <= speed_max).fold(SpeedSet::NONE, SpeedSet::with);
        }
        Capability {
            speeds: if speeds == SpeedSet::NONE { allowed.speeds } else { speeds },
            ecm: allowed.ecm && known.no_ecm.is_none(),
            mmr: allowed.mmr && known.no_mmr.is_none(),
            ..allowed
        }
    }

    /// The entries that are not forgotten at the time `now`.
    #[must_use]
    pub fn still_known(&self, now: WallTime) -> Self {
        let is_known = |since: &WallTime, secs: u64| now.0 < since.0.saturating_add(secs);
        let feature = |entry: Option<WallTime>| entry.filter(|since| is_known(since, FEATURE_SECS));
        Self {
            no_v17: feature(self.no_v17),
            no_ecm: feature(self.no_ecm),
            no_mmr: feature(self.no_mmr),
            speed_max: self.speed_max.filter(|(_, since)| is_known(since, SPEED_SECS)),
            worked: self.worked,
        }
    }

    /// What is known after a call. What was known before stays until it is forgotten; only what failed anew is renewed.
    pub(super) fn learn(&self, lessons: Lessons, now: WallTime) -> Self {
        let known = self.still_known(now);
        let learned = |is_failed: bool, before: Option<WallTime>| if is_failed { Some(now) } else { before };
        Self {
            no_v17: learned(lessons.v17_failed, known.no_v17),
            no_ecm: learned(lessons.ecm_failed, known.no_ecm),
            no_mmr: learned(lessons.mmr_failed, known.no_mmr),
            speed_max: match lessons.worked.filter(|_| lessons.speed_failed) {
                Some(speed) => Some((speed, now)),
                None => known.speed_max,
            },
            worked: lessons.worked.map(|speed| (speed, now)).or(known.worked),
        }
    }
}

impl fmt::Display for Memory {
    /// The entries, as an operator would say them; empty where nothing is known.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let features = [(NO_V17, self.no_v17), (NO_ECM, self.no_ecm), (NO_MMR, self.no_mmr)];
        let mut between = "";
        for (what, since) in features {
            if let Some(WallTime(since)) = since {
                write!(f, "{between}{what}{SINCE}{since}")?;
                between = BETWEEN;
            }
        }
        for (what, entry) in [(SPEED_MAX, self.speed_max), (WORKED, self.worked)] {
            if let Some((speed, WallTime(since))) = entry {
                write!(f, "{between}{what}{speed}{SINCE}{since}")?;
                between = BETWEEN;
            }
        }
        Ok(())
    }
}

const NO_V17: &str = "no V.17";
const NO_ECM: &str = "no ECM";
const NO_MMR: &str = "no MMR";
const SPEED_MAX: &str = "at most ";
const WORKED: &str = "worked at ";
const SINCE: &str = " since ";
const BETWEEN: &str = "; ";

/// A text that is no [`Memory`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadMemory;

impl fmt::Display for BadMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a memory of a far end")
    }
}

impl core::error::Error for BadMemory {}

impl FromStr for Memory {
    type Err = BadMemory;

    /// Reads what `Display` writes.
    fn from_str(text: &str) -> Result<Self, BadMemory> {
        let mut memory = Self::default();
        for entry in text.split(BETWEEN).filter(|entry| !entry.is_empty()) {
            let (what, since) = entry.split_once(SINCE).ok_or(BadMemory)?;
            let since = WallTime(since.parse().map_err(|_| BadMemory)?);
            if let Some(name) = what.strip_prefix(SPEED_MAX) {
                memory.speed_max = Some((speed_named(name)?, since));
            } else if let Some(name) = what.strip_prefix(WORKED) {
                memory.worked = Some((speed_named(name)?, since));
            } else {
                let slot = match what {
                    NO_V17 => &mut memory.no_v17,
                    NO_ECM => &mut memory.no_ecm,
                    NO_MMR => &mut memory.no_mmr,
                    _ => return Err(BadMemory),
                };
                *slot = Some(since);
            }
        }
        Ok(memory)
    }
}

/// The speed that is written like this.
fn speed_named(name: &str) -> Result<Speed, BadMemory> {
    let (rate, modulation) = name.split_once(' ').ok_or(BadMemory)?;
    let rate: u32 = rate.parse().map_err(|_| BadMemory)?;
    let modulation = match modulation {
        "V.17" => Modulation::V17,
        "V.29" => Modulation::V29,
        "V.27ter" => Modulation::V27ter,
        _ => return Err(BadMemory),
    };
    let is_named = |speed: &Speed| speed.bit_rate() == rate && speed.modulation() == modulation;
    Speed::ALL.into_iter().find(is_named).ok_or(BadMemory)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    const NOW: WallTime = WallTime(1_700_000_000);
    const FULL: Capability = Capability::FULL;

    fn later(secs: u64) -> WallTime {
        WallTime(NOW.0 + secs)
    }

    #[test]
    fn what_failed_is_left_out_until_it_is_forgotten() {
        let lessons = Lessons {
            v17_failed: true,
            ecm_failed: true,
            mmr_failed: true,
            speed_failed: true,
            worked: Some(Speed::V29At7200),
        };
        let memory = Memory::default().learn(lessons, NOW);
        let restricted = memory.restrict(FULL, later(SPEED_SECS - 1));
        assert_eq!(restricted.speeds.iter().next_back(), Some(Speed::V29At7200));
        assert!(!restricted.ecm && !restricted.mmr);
        let speeds = memory.restrict(FULL, later(SPEED_SECS)).speeds;
        assert_eq!(
            speeds.iter().next_back(),
            Some(Speed::V29At9600),
            "the speed is forgotten, V.17 is not yet"
        );
        assert_eq!(memory.restrict(FULL, later(FEATURE_SECS)), FULL);
    }

    #[test]
    fn a_good_call_renews_nothing_and_a_bad_one_does() {
        let failed = Lessons { speed_failed: true, worked: Some(Speed::V29At9600), ..Lessons::default() };
        let memory = Memory::default().learn(failed, NOW);
        let good = Lessons { worked: Some(Speed::V29At9600), ..Lessons::default() };
        let after = memory.learn(good, later(100));
        assert_eq!(after.speed_max, Some((Speed::V29At9600, NOW)));
        assert_eq!(after.worked, Some((Speed::V29At9600, later(100))));
        let again = Lessons { worked: Some(Speed::V27ter4800), ..failed };
        assert_eq!(after.learn(again, later(200)).speed_max, Some((Speed::V27ter4800, later(200))));
        assert_eq!(memory.learn(good, later(SPEED_SECS)).speed_max, None);
    }

    #[test]
    fn a_restriction_leaves_some_speed() {
        let memory = Memory { no_v17: Some(NOW), ..Memory::default() };
        let v17 = Capability { speeds: SpeedSet::NONE.with(Speed::V17At14400), ..FULL };
        assert_eq!(memory.restrict(v17, NOW).speeds, v17.speeds);
    }

    #[test]
    fn a_memory_is_read_as_it_is_written() {
        for speed in Speed::ALL {
            let memory = Memory {
                no_v17: Some(NOW),
                no_ecm: Some(later(1)),
                no_mmr: Some(later(2)),
                speed_max: Some((speed, later(3))),
                worked: Some((speed, later(4))),
            };
            assert_eq!(memory.to_string().parse(), Ok(memory));
        }
        assert_eq!("".parse(), Ok(Memory::default()));
        assert_eq!(Memory::default().to_string(), "");
        for bad in [
            "no V.17",
            "no V.18 since 3",
            "at most 9600 since 4",
            "no ECM since now",
            "at most 1 V.29 since 4",
        ] {
            assert_eq!(bad.parse::<Memory>(), Err(BadMemory), "{bad}");
        }
    }

    #[test]
    fn an_operator_can_read_it() {
        let memory = Memory { no_ecm: Some(NOW), worked: Some((Speed::V29At9600, NOW)), ..Memory::default() };
        assert_eq!(memory.to_string(), "no ECM since 1700000000; worked at 9600 V.29 since 1700000000");
    }
}
