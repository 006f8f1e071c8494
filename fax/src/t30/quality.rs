//! Whether a training check is good enough. T.30 leaves it open; the threshold is near those that fax servers have used
//! for long. What is good enough for a page is in [`super::policy`].

use super::timers::TCF;
use crate::carrier::Speed;

/// The longest run of zeros in a good TCF is at least this share of its nominal length: 2/3 s of 1.5 s.
const TCF_RUN_SHARE: (usize, usize) = (4, 9);
/// Ones in a good TCF, at most one in so many bits: modems add some at the beginning and at the end.
const TCF_ONES_ONE_IN: usize = 20;

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
}
