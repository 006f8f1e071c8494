//! The arithmetic decoder: T.82 clause 6.8.3.
//!
//! The code register holds what the interval is compared with, and below it octets that were read ahead. Where the
//! octets are at an end, zeros follow: an encoder leaves the zeros at its end away.

use super::probability::{self, CONTEXTS, Contexts, LSZ_SHIFT, State};
use super::template::Coder;
use alloc::boxed::Box;

/// The interval is renormalised where it is less than this.
const HALF: u64 = 0x8000 << LSZ_SHIFT;
/// Bits of code that a pixel can take, and that are at hand before it.
const PIXEL_BITS_MAX: u32 = 16;

/// The registers A (interval) and C (code).
#[derive(Clone, Copy, Debug)]
struct Registers {
    a: u64,
    c: u64,
    /// Where A stays above, nothing happens but that the more probable symbol comes: the greater one of C, and just
    /// below half.
    bound: u64,
    /// How many bits of code C holds below bit 32.
    ready: u32,
    /// Octets read so far, with the zeros after the end.
    read: usize,
}

impl Registers {
    const START: Self = Self { a: 0x1_0000 << LSZ_SHIFT, c: 0, bound: 0, ready: 0, read: 0 };
}

/// Decodes the pixels of a stripe; what it learned of the contexts stays for the next one.
#[derive(Debug)]
pub(super) struct ArithDecoder {
    contexts: Box<Contexts>,
    registers: Registers,
}

impl ArithDecoder {
    /// Octets that `pixels` pixels take at most, after the ones before and with what is read ahead.
    pub(super) const fn octets_max(pixels: u32) -> usize {
        (pixels as usize + 4) * (PIXEL_BITS_MAX as usize / 8)
    }

    pub(super) fn new() -> Self {
        Self { contexts: probability::start(), registers: Registers::START }
    }

    /// Forgets what it learned of the contexts.
    pub(super) fn reset(&mut self) {
        self.contexts = probability::start();
    }

    /// Begins a stripe (INITDEC), of which `octets` is the beginning, or all.
    pub(super) fn start(&mut self, octets: &[u8]) {
        let mut registers = Registers::START;
        registers.c = read_pair(&mut registers, octets) << LSZ_SHIFT;
        refill(&mut registers, octets);
        self.registers = registers;
    }

    /// How many of `octets` were read; more than there are, where zeros after the end were.
    pub(super) fn octets_read(&self) -> usize {
        self.registers.read
    }

    /// Whether the pixels so far hang on no octet after the end of `octets`.
    pub(super) fn is_within(&self, octets: &[u8]) -> bool {
        8 * self.registers.read <= 8 * octets.len() + self.registers.ready as usize
    }

    /// The first `octets` octets will not be there any more.
    pub(super) fn forget(&mut self, octets: usize) {
        self.registers.read = self.registers.read.saturating_sub(octets);
    }

    /// What decodes the pixels of one row, out of `octets`.
    #[inline(always)]
    pub(super) fn row<'a>(&'a mut self, octets: &'a [u8]) -> RowDecoder<'a> {
        RowDecoder {
            registers: self.registers,
            home: &mut self.registers,
            contexts: &mut self.contexts,
            octets,
        }
    }
}

/// [`ArithDecoder`], with its registers at hand for the time of a row.
pub(super) struct RowDecoder<'a> {
    registers: Registers,
    home: &'a mut Registers,
    contexts: &'a mut Contexts,
    octets: &'a [u8],
}

impl RowDecoder<'_> {
    /// Ends the row.
    pub(super) fn end(self) {
        *self.home = self.registers;
    }

    /// LPS_EXCHANGE and MPS_EXCHANGE, and the new interval. A is what the more probable symbol leaves.
    #[inline(always)]
    fn renormalise(
        contexts: &mut Contexts,
        octets: &[u8],
        mut registers: Registers,
        context: usize,
    ) -> (u32, Registers) {
        let state = contexts[context % CONTEXTS];
        let lsz = state.lsz_shifted();
        let in_lower = registers.c < registers.a;
        // The larger part of the interval is the more probable symbol's.
        let more_probable = in_lower == (registers.a >= lsz);
        if !in_lower {
            registers.c -= registers.a;
            registers.a = lsz;
        }
        contexts[context % CONTEXTS] = if more_probable { state.after_mps() } else { state.after_lps() };
        let shift = registers.a.leading_zeros() - HALF.leading_zeros();
        registers.a <<= shift;
        registers.c <<= shift;
        registers.ready -= shift;
        refill(&mut registers, octets);
        (state.mps() ^ u32::from(!more_probable), registers)
    }
}

/// Two octets; zeros after the end.
fn read_pair(registers: &mut Registers, octets: &[u8]) -> u64 {
    let octet = |at: usize| u64::from(octets.get(at).copied().unwrap_or(0));
    let pair = octet(registers.read) << 8 | octet(registers.read + 1);
    registers.read += 2;
    pair
}

/// Makes ready for the next pixel: its bits, and the bound.
#[inline(always)]
fn refill(registers: &mut Registers, octets: &[u8]) {
    if registers.ready < PIXEL_BITS_MAX {
        registers.c |= read_pair(registers, octets) << (PIXEL_BITS_MAX - registers.ready);
        registers.ready += PIXEL_BITS_MAX;
    }
    registers.bound = registers.c.max(HALF - 1);
}

impl Coder for RowDecoder<'_> {
    #[inline(always)]
    fn pixel(&mut self, context: usize, _: u32) -> u32 {
        let state: State = self.contexts[context % CONTEXTS];
        let a = self.registers.a - state.lsz_shifted();
        self.registers.a = a;
        if a > self.registers.bound {
            return state.mps();
        }
        let (pixel, registers) = Self::renormalise(self.contexts, self.octets, self.registers, context);
        self.registers = registers;
        pixel
    }

    #[inline(always)]
    fn white_pixels(&mut self, _: u32, pixels: u32) -> u32 {
        let state = self.contexts[0];
        let a = self.registers.a.saturating_sub(state.lsz_shifted() * u64::from(pixels));
        if state.mps() != 0 || a <= self.registers.bound {
            return 0;
        }
        self.registers.a = a;
        pixels
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::t85::test_sequence;

    #[test]
    fn the_test_sequence_of_the_recommendation() {
        let coded = test_sequence::unstuffed();
        let mut decoder = ArithDecoder::new();
        decoder.start(&coded);
        for (number, (context, expected)) in test_sequence::pixels().enumerate() {
            let mut row = decoder.row(&coded);
            assert_eq!(row.pixel(context, 0), expected, "pixel {number}");
            row.end();
        }
        assert!(decoder.octets_read() >= coded.len());
    }
}
