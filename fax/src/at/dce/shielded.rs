//! Data between program and modem, shielded by `<DLE>` (T.31 clause 7): reading what the program sends, and writing
//! what it gets.

use alloc::vec::Vec;

pub(super) const DLE: u8 = 0x10;
const ETX: u8 = 0x03;
/// `<DLE><SUB>` stands for two DLE.
const SUB: u8 = 0x1A;

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

/// Adds data to what goes to the program.
pub(super) fn data(bytes: &[u8], out: &mut Vec<u8>) {
    for byte in bytes {
        if *byte == DLE {
            out.push(DLE);
        }
        out.push(*byte);
    }
}

/// Adds the end of data.
pub(super) fn end(out: &mut Vec<u8>) {
    out.extend([DLE, ETX]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    #[test]
    fn all_bytes_come_back() {
        let all: Vec<u8> = (0..=255).chain([DLE, DLE, ETX, DLE, ETX]).collect();
        let mut shielded = Vec::new();
        data(&all, &mut shielded);
        end(&mut shielded);
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
