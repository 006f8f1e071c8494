//! Which speed comes next: down after a failure, and back up where the line has been good since.
//!
//! T.30 leaves the steps to the sender (clause 5.3.6.1, figure 5-2a). Rules, for one call:
//! - down goes to the next lower bit rate, one modulation for each rate, since a line that is too bad for V.17 at a rate
//!   is too bad for V.29 at the same;
//! - V.17 that has failed at three speeds and was never confirmed is the trouble itself: it is left, and V.29 tried at
//!   the rate that failed last;
//! - where nothing at all comes through, half the rate is tried, without V.17;
//! - up goes one rate, after two pages without fault, and only where a new DCS goes out anyway;
//! - a speed that has failed twice is never used again.

use crate::carrier::{Modulation, Speed, SpeedSet};

/// Failures after which a speed is left for good.
const FAILURES_MAX: u8 = 2;
/// Speeds at which V.17 may fail to train before it is left altogether.
const V17_FAILURES_MAX: u8 = 3;
/// Pages without fault after which a faster speed may be tried.
const CLEAN_PAGES_MIN: u8 = 2;

/// The speeds of a call and what became of them.
#[derive(Clone, Debug)]
pub(super) struct Ladder {
    speeds: SpeedSet,
    /// How often each speed failed, in the order of [`Speed::ALL`].
    failures: [u8; Speed::ALL.len()],
    /// V.17 was confirmed once (CFR).
    v17_trained: bool,
    v17_failures: u8,
    /// Nothing of an image came through in V.17, though it was confirmed.
    v17_unheard: bool,
    /// The speed of the last DCS.
    now: Option<Speed>,
    /// Pages without fault since the last failure.
    clean_pages: u8,
}

impl Ladder {
    /// The speeds that both ends can do.
    pub(super) fn new(speeds: SpeedSet) -> Self {
        Self {
            speeds,
            failures: [0; Speed::ALL.len()],
            v17_trained: false,
            v17_failures: 0,
            v17_unheard: false,
            now: None,
            clean_pages: 0,
        }
    }

    /// The speed for a new DCS, where `best` is the fastest that both ends can do: at first that, later the one in use,
    /// or one step more.
    pub(super) fn start(&mut self, speeds: SpeedSet, best: Speed) -> Speed {
        self.speeds = speeds;
        let speed = match self.now.filter(|speed| speeds.contains(*speed)) {
            Some(speed) => self.faster(speed).unwrap_or(speed),
            None => best,
        };
        self.now = Some(speed);
        speed
    }

    /// The training check at this speed was confirmed.
    pub(super) fn trained(&mut self, speed: Speed) {
        self.v17_trained |= speed.modulation() == Modulation::V17;
    }

    /// A page came over without a fault.
    pub(super) fn page_was_clean(&mut self) {
        self.clean_pages = self.clean_pages.saturating_add(1);
    }

    /// A page came over, though not at the first try.
    pub(super) fn page_was_poor(&mut self) {
        self.clean_pages = 0;
    }

    /// Whether V.17 was given up: never confirmed, or nothing came through.
    pub(super) fn left_v17(&self) -> bool {
        self.v17_unheard || !self.v17_trained && self.v17_failures >= V17_FAILURES_MAX
    }

    /// The speed after this one failed; `None` where there is no slower one.
    pub(super) fn slower(&mut self, speed: Speed) -> Option<Speed> {
        self.count_failure(speed);
        let at_this_rate = self.usable(|other| other < speed && other.bit_rate() == speed.bit_rate());
        let slower = match at_this_rate.filter(|_| speed.modulation() == Modulation::V17 && self.left_v17()) {
            Some(other) => Some(other),
            None => self.usable(|other| other.bit_rate() < speed.bit_rate()),
        };
        self.now = slower.or(self.now);
        slower
    }

    /// The speed after nothing came through at this one: half the rate at most, and no V.17 any more.
    pub(super) fn much_slower(&mut self, speed: Speed) -> Option<Speed> {
        let half = self.usable(|other| {
            other.bit_rate() * 2 <= speed.bit_rate() && other.modulation() != Modulation::V17
        });
        match half {
            Some(half) => {
                self.count_failure(speed);
                self.v17_unheard |= speed.modulation() == Modulation::V17;
                self.now = Some(half);
                Some(half)
            }
            None => self.slower(speed),
        }
    }

    /// One step up, where the line has been good for long enough.
    fn faster(&mut self, speed: Speed) -> Option<Speed> {
        if self.clean_pages < CLEAN_PAGES_MIN {
            return None;
        }
        let rate = Speed::ALL.into_iter().map(Speed::bit_rate).find(|rate| {
            *rate > speed.bit_rate() && self.usable(|other| other.bit_rate() == *rate).is_some()
        })?;
        self.clean_pages = 0;
        self.usable(|other| other.bit_rate() == rate)
    }

    fn count_failure(&mut self, speed: Speed) {
        self.clean_pages = 0;
        self.v17_failures = self.v17_failures.saturating_add(u8::from(speed.modulation() == Modulation::V17));
        if let Some(count) = self.failures.get_mut(speed as usize) {
            *count = count.saturating_add(1);
        }
    }

    /// The fastest speed of this kind that may still be used.
    fn usable(&self, is_wanted: impl Fn(Speed) -> bool) -> Option<Speed> {
        self.speeds.iter().rev().find(|speed| {
            let failures = self.failures.get(*speed as usize).copied().unwrap_or(FAILURES_MAX);
            let is_left = speed.modulation() == Modulation::V17 && self.left_v17();
            failures < FAILURES_MAX && !is_left && is_wanted(*speed)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    fn down(ladder: &mut Ladder, from: Speed) -> Vec<Speed> {
        let mut steps = alloc::vec![from];
        while let Some(slower) = ladder.slower(steps[steps.len() - 1]) {
            steps.push(slower);
        }
        steps
    }

    #[test]
    fn v17_that_never_trains_is_left_for_v29() {
        use Speed::*;
        let steps = down(&mut Ladder::new(SpeedSet::ALL), V17At14400);
        let expected = [V17At14400, V17At12000, V17At9600, V29At9600, V29At7200, V27ter4800, V27ter2400];
        assert_eq!(steps, expected);
    }

    #[test]
    fn v17_that_has_trained_goes_down_in_v17() {
        use Speed::*;
        let mut ladder = Ladder::new(SpeedSet::ALL);
        ladder.trained(V17At14400);
        let steps = down(&mut ladder, V17At14400);
        assert_eq!(steps, [V17At14400, V17At12000, V17At9600, V17At7200, V27ter4800, V27ter2400]);
        assert!(!ladder.left_v17());
    }

    #[test]
    fn where_nothing_comes_the_rate_is_halved_without_v17() {
        use Speed::*;
        let mut ladder = Ladder::new(SpeedSet::ALL);
        ladder.trained(V17At14400);
        assert_eq!(ladder.much_slower(V17At14400), Some(V29At7200));
        assert_eq!(ladder.much_slower(V29At7200), Some(V27ter2400));
        assert_eq!(ladder.much_slower(V27ter2400), None);
        let mut v17_only = Ladder::new(SpeedSet::NONE.with(V17At14400).with(V17At12000));
        v17_only.trained(V17At14400);
        assert_eq!(v17_only.much_slower(V17At14400), Some(V17At12000), "a small step is better than none");
    }

    #[test]
    fn up_goes_after_clean_pages_and_never_to_what_failed_twice() {
        use Speed::*;
        let mut ladder = Ladder::new(SpeedSet::ALL);
        ladder.trained(V17At14400);
        assert_eq!(ladder.slower(V17At14400), Some(V17At12000));
        assert_eq!(ladder.faster(V17At12000), None, "not at once");
        ladder.page_was_clean();
        ladder.page_was_poor();
        ladder.page_was_clean();
        assert_eq!(ladder.faster(V17At12000), None, "a poor page counts from the beginning");
        ladder.page_was_clean();
        assert_eq!(ladder.faster(V17At12000), Some(V17At14400));
        assert_eq!(ladder.slower(V17At14400), Some(V17At12000));
        (0..9).for_each(|_| ladder.page_was_clean());
        assert_eq!(ladder.faster(V17At12000), None, "it has failed twice");
        assert_eq!(ladder.slower(V17At12000), Some(V17At9600));
        (0..9).for_each(|_| ladder.page_was_clean());
        assert_eq!(ladder.faster(V17At9600), Some(V17At12000));
    }
}
