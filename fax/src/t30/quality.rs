//! The two judgements of a receiver: is the training check good, and is a page without ECM good enough.
//!
//! T.30 leaves both open. The thresholds are near those that fax servers have used for long.

use super::frame::Fcf;
use super::timers::TCF;
use crate::carrier::Speed;
use crate::page::Resolution;
use crate::session::Quality;

/// The longest run of zeros in a good TCF is at least this share of its nominal length: 2/3 s of 1.5 s.
const TCF_RUN_SHARE: (usize, usize) = (4, 9);
/// Ones in a good TCF, at most one in so many bits: modems add some at the beginning and at the end.
const TCF_ONES_ONE_IN: usize = 20;

/// A page with this share of bad rows or fewer is good: MCF.
const GOOD_BAD_ROWS_PERCENT: u64 = 5;
/// A page with this share of bad rows or fewer is readable: RTP. With more it is not: RTN.
const FAIR_BAD_ROWS_PERCENT: u64 = 15;
/// The longest run of bad rows in a good page, at 98 rows per inch (1.3 mm).
const GOOD_BAD_RUN_ROWS: u64 = 5;
/// The longest run of bad rows in a readable page, at 98 rows per inch (3.9 mm).
const FAIR_BAD_RUN_ROWS: u64 = 15;
/// The rows per inch that the run limits are for.
const RUN_ROWS_PER_INCH: u64 = 98;

/// Whether the bytes received as TCF show a channel that is good enough for this speed.
pub(super) fn tcf_is_good(data: &[u8], speed: Speed) -> bool {
    let nominal_bits =
        usize::try_from(u128::from(speed.bit_rate()) * TCF.as_millis() / 1000).unwrap_or(usize::MAX);
    let (mut ones, mut run, mut run_max) = (0usize, 0usize, 0usize);
    for byte in data {
        for bit in 0..8 {
            if byte >> bit & 1 == 0 {
                run += 1;
                run_max = run_max.max(run);
            } else {
                ones += 1;
                run = 0;
            }
        }
    }
    let bits = data.len().saturating_mul(8);
    run_max * TCF_RUN_SHARE.1 >= nominal_bits * TCF_RUN_SHARE.0 && ones * TCF_ONES_ONE_IN <= bits
}

/// The reply to a page without ECM: MCF, RTP or RTN.
pub(super) fn copy_reply(quality: Quality, resolution: Resolution) -> Fcf {
    let rows = u64::from(quality.rows_good) + u64::from(quality.rows_bad);
    let bad = u64::from(quality.rows_bad);
    let run = u64::from(quality.bad_run_rows_max) * RUN_ROWS_PER_INCH / u64::from(resolution.y_dpi());
    let within = |percent: u64, run_max: u64| bad * 100 <= rows * percent && run <= run_max;
    if rows == 0 {
        Fcf::Rtn
    } else if within(GOOD_BAD_ROWS_PERCENT, GOOD_BAD_RUN_ROWS) {
        Fcf::Mcf
    } else if within(FAIR_BAD_ROWS_PERCENT, FAIR_BAD_RUN_ROWS) {
        Fcf::Rtp
    } else {
        Fcf::Rtn
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    #[test]
    fn the_training_check_wants_zeros_and_enough_of_them() {
        let speed = Speed::V29At9600;
        let good = vec![0u8; 1800];
        assert!(tcf_is_good(&good, speed));
        assert!(!tcf_is_good(&[], speed));
        assert!(!tcf_is_good(&good[..700], speed), "cut short");
        let mut hit = good.clone();
        hit[900] = 0x10;
        assert!(tcf_is_good(&hit, speed), "one hit leaves a long run");
        let mut bursts = good;
        bursts.iter_mut().step_by(100).for_each(|byte| *byte = 0xFF);
        assert!(!tcf_is_good(&bursts, speed));
    }

    #[test]
    fn a_page_is_good_fair_or_bad() {
        let page =
            |rows_bad, bad_run_rows_max| Quality { rows_good: 1000 - rows_bad, rows_bad, bad_run_rows_max };
        let table = [
            (page(0, 0), Resolution::R204x98, Fcf::Mcf),
            (page(50, 5), Resolution::R204x98, Fcf::Mcf),
            (page(51, 5), Resolution::R204x98, Fcf::Rtp),
            (page(6, 6), Resolution::R204x98, Fcf::Rtp),
            (page(6, 6), Resolution::R204x196, Fcf::Mcf),
            (page(150, 15), Resolution::R204x98, Fcf::Rtp),
            (page(151, 1), Resolution::R204x98, Fcf::Rtn),
            (page(20, 16), Resolution::R204x98, Fcf::Rtn),
            (Quality::default(), Resolution::R204x98, Fcf::Rtn),
        ];
        for (quality, resolution, reply) in table {
            assert_eq!(copy_reply(quality, resolution), reply, "{quality:?} at {resolution}");
        }
    }
}
