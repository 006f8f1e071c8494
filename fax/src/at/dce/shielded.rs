//! Data of the program, shielded by `<DLE>` (T.31 clause 7). What goes to the program is written by [`crate::at::dle`].

use crate::at::dle::{DLE, ETX, SUB};
use alloc::vec::Vec;

/// Takes shielded data apart, byte by byte.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Unshield {
    is_shielded: bool,
}

impl Unshield {
    /// Adds what a byte brings to `data`. True at `<DLE><ETX>`. Other pairs mean nothing and are dropped.
    pub(super) fn push(&mut self, byte: u8, data: &mut Vec<u8>) -> bool {
        if !core::mem::take(&mut self.is_shielded) {
            self.is_shielded = byte == DLE;
            if byte != DLE {
                data.push(byte);
            }
            return false;
        }
        match byte {
            DLE => data.push(DLE),
            SUB => data.extend([DLE, DLE]),
            _ => {}
        }
        byte == ETX
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::at::dle;
    use alloc::vec;

    #[test]
    fn all_bytes_come_back() {
        let all: Vec<u8> = (0..=255).chain([DLE, DLE, ETX, DLE, ETX]).collect();
        let shielded = dle::stuff(&all);
        let (mut unshield, mut read) = (Unshield::default(), Vec::new());
        let ends: Vec<usize> =
            (0..shielded.len()).filter(|at| unshield.push(shielded[*at], &mut read)).collect();
        assert_eq!((read, ends), (all, vec![shielded.len() - 1]));
    }

    #[test]
    fn pairs_that_mean_nothing_are_dropped() {
        let (mut unshield, mut read) = (Unshield::default(), Vec::new());
        let ended = [1, DLE, SUB, 2, DLE, b'x', 3, DLE, ETX].map(|byte| unshield.push(byte, &mut read));
        assert_eq!(read, [1, DLE, DLE, 2, 3]);
        assert!(ended[8] && !ended[..8].contains(&true));
    }
}
