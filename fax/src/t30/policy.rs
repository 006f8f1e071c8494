//! What T.30 leaves to the stations: when a page is good enough, and what is done about one that is not.
//!
//! Nothing here touches the promise that only positive proof counts: a policy may end the call, or go on with the next
//! page, but no policy makes a page confirmed that the far end has not confirmed.

use crate::page::Resolution;
use crate::session::Quality;

/// What a sender does with a page that does not get through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SendPolicy {
    /// How often a page is sent before it is given up, at least 1. Without ECM each RTN or PIN counts.
    ///
    /// Some machines say RTN and print the page all the same; 1 sends such a page once only.
    pub sends_max: u8,
    /// What follows a page that was given up.
    pub given_up: GivenUp,
}

impl Default for SendPolicy {
    /// Three times, and then the call ends.
    fn default() -> Self {
        Self { sends_max: 3, given_up: GivenUp::EndCall }
    }
}

/// What follows a page that was given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GivenUp {
    /// The call ends, so that no page is delivered out of its order.
    EndCall,
    /// The rest of the document is sent. The page keeps its mark: `Unconfirmed` after an RTN (it may have been
    /// printed), `NotSent` where ECM could not bring it over; and the call does not end as delivered.
    NextPage,
}

/// How a receiver judges a page without ECM, and what it answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CopyPolicy {
    /// A page within these limits is good: MCF.
    pub good: CopyLimits,
    /// A page within these limits is readable: RTP, so that the sender trains again.
    pub readable: CopyLimits,
    /// How often in a row a page that is not readable is refused (RTN). After that it is taken as it is, and answered
    /// with RTP: a sender gives up after three times, and a bad page is better than none. `u8::MAX`: always refused.
    pub refusals_max: u8,
}

impl Default for CopyPolicy {
    /// 5 % of the rows and 1.3 mm are good, 15 % and 3.9 mm readable, and the third copy is taken as it is.
    fn default() -> Self {
        Self {
            good: CopyLimits { bad_rows_percent_max: 5, bad_run_rows_max: 5 },
            readable: CopyLimits { bad_rows_percent_max: 15, bad_run_rows_max: 15 },
            refusals_max: 2,
        }
    }
}

/// The faults that a page may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CopyLimits {
    /// Bad rows, in percent of all.
    pub bad_rows_percent_max: u8,
    /// The longest run of bad rows, counted at 98 rows per inch whatever the resolution.
    pub bad_run_rows_max: u16,
}

/// What a receiver thinks of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Good,
    Readable,
    Bad,
}

/// The rows per inch that the run limits are for.
const RUN_ROWS_PER_INCH: u64 = 98;

impl CopyLimits {
    fn allow(self, quality: Quality, resolution: Resolution) -> bool {
        let rows = u64::from(quality.rows_good) + u64::from(quality.rows_bad);
        let run = u64::from(quality.bad_run_rows_max) * RUN_ROWS_PER_INCH / u64::from(resolution.y_dpi());
        u64::from(quality.rows_bad) * 100 <= rows * u64::from(self.bad_rows_percent_max)
            && run <= u64::from(self.bad_run_rows_max)
    }
}

impl CopyPolicy {
    /// Judges a page that was refused this often before. One without a single good row is never taken.
    pub(crate) fn judge(&self, quality: Quality, resolution: Resolution, refusals: u8) -> Verdict {
        if quality.rows_good == 0 {
            Verdict::Bad
        } else if self.good.allow(quality, resolution) {
            Verdict::Good
        } else if self.readable.allow(quality, resolution)
            || (refusals >= self.refusals_max && self.refusals_max != u8::MAX)
        {
            Verdict::Readable
        } else {
            Verdict::Bad
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(rows_bad: u32, bad_run_rows_max: u32) -> Quality {
        Quality { rows_good: 1000 - rows_bad, rows_bad, bad_run_rows_max }
    }

    #[test]
    fn a_page_is_good_readable_or_bad() {
        let table = [
            (page(0, 0), Resolution::R204x98, Verdict::Good),
            (page(50, 5), Resolution::R204x98, Verdict::Good),
            (page(51, 5), Resolution::R204x98, Verdict::Readable),
            (page(6, 6), Resolution::R204x98, Verdict::Readable),
            (page(6, 6), Resolution::R204x196, Verdict::Good),
            (page(150, 15), Resolution::R204x98, Verdict::Readable),
            (page(151, 1), Resolution::R204x98, Verdict::Bad),
            (page(20, 16), Resolution::R204x98, Verdict::Bad),
            (Quality::default(), Resolution::R204x98, Verdict::Bad),
        ];
        for (quality, resolution, verdict) in table {
            let judged = CopyPolicy::default().judge(quality, resolution, 0);
            assert_eq!(judged, verdict, "{quality:?} at {resolution}");
        }
    }

    #[test]
    fn a_bad_page_is_taken_after_refusals_unless_nothing_of_it_is_good() {
        let (policy, resolution) = (CopyPolicy::default(), Resolution::R204x98);
        let judged = |refusals| policy.judge(page(400, 100), resolution, refusals);
        assert_eq!([judged(0), judged(1), judged(2)], [Verdict::Bad, Verdict::Bad, Verdict::Readable]);
        assert_eq!(policy.judge(page(1000, 1000), resolution, 9), Verdict::Bad);
        let strict = CopyPolicy { refusals_max: u8::MAX, ..policy };
        assert_eq!(strict.judge(page(400, 100), resolution, u8::MAX), Verdict::Bad);
        let meek = CopyPolicy { refusals_max: 0, ..policy };
        assert_eq!(meek.judge(page(400, 100), resolution, 0), Verdict::Readable);
    }
}
