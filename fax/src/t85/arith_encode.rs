//! The arithmetic encoder: T.82 clause 6.8.2, with the octet stuffing of clause 6.2.5.

use super::header::{ESC, STUFF};
use super::probability::{self, CONTEXTS, Contexts, State};
use super::template::Coder;
use alloc::boxed::Box;
use alloc::vec::Vec;

/// The interval is renormalised where it is less than this.
const HALF: u32 = 0x8000;
/// Where the octet that is ready begins in the code register.
const READY_SHIFT: u32 = 19;

/// The registers A (interval), C (code) and CT (shifts until the next octet is ready).
#[derive(Clone, Copy, Debug)]
struct Registers {
    a: u32,
    c: u32,
    ct: u32,
}

impl Registers {
    const START: Self = Self { a: 0x1_0000, c: 0, ct: 11 };
}

/// Encodes the pixels of a stripe; what it learned of the contexts stays for the next one.
#[derive(Debug)]
pub(super) struct ArithEncoder {
    contexts: Box<Contexts>,
    registers: Registers,
    out: Octets,
}

impl ArithEncoder {
    pub(super) fn new() -> Self {
        Self { contexts: probability::start(), registers: Registers::START, out: Octets::default() }
    }

    /// What encodes the pixels of one row.
    #[inline(always)]
    pub(super) fn row(&mut self) -> RowEncoder<'_> {
        RowEncoder {
            registers: self.registers,
            home: &mut self.registers,
            contexts: &mut self.contexts,
            out: &mut self.out,
        }
    }

    /// Ends the stripe (FLUSH) and yields its coded data, stuffed.
    pub(super) fn flush(&mut self) -> Vec<u8> {
        let Registers { a, c, ct } = core::mem::replace(&mut self.registers, Registers::START);
        // Of all values in the interval, the one with the most zeros at its end: those need not be sent.
        let cleared = (a - 1 + c) & 0xFFFF_0000;
        let code = (if cleared < c { cleared + HALF } else { cleared }) << ct;
        self.out.ready(code >> READY_SHIFT);
        self.out.ready(code >> (READY_SHIFT - 8) & 0xFF);
        self.out.end()
    }
}

/// [`ArithEncoder`], with its registers at hand for the time of a row.
pub(super) struct RowEncoder<'a> {
    registers: Registers,
    home: &'a mut Registers,
    contexts: &'a mut Contexts,
    out: &'a mut Octets,
}

impl RowEncoder<'_> {
    /// Ends the row.
    pub(super) fn end(self) {
        *self.home = self.registers;
    }

    /// CODELPS and CODEMPS where they renormalise. A is what the more probable symbol leaves.
    #[inline(always)]
    fn renormalise(
        contexts: &mut Contexts,
        out: &mut Octets,
        mut registers: Registers,
        context: usize,
        pixel: u32,
    ) -> Registers {
        let state = contexts[context % CONTEXTS];
        let lsz = state.lsz();
        let more_probable = pixel == state.mps();
        contexts[context % CONTEXTS] = if more_probable { state.after_mps() } else { state.after_lps() };
        // The larger part of the interval is the more probable symbol's, and the lower part.
        if more_probable == (registers.a < lsz) {
            registers.c += registers.a;
            registers.a = lsz;
        }
        shift(registers, out)
    }
}

/// RENORME: doubles the interval until it is at least half.
#[inline(always)]
fn shift(mut registers: Registers, out: &mut Octets) -> Registers {
    let shift = registers.a.leading_zeros() - HALF.leading_zeros();
    registers.a <<= shift;
    if shift >= registers.ct {
        return shift_out(registers, shift, out);
    }
    registers.c <<= shift;
    registers.ct -= shift;
    registers
}

/// Shifts the code where that makes octets ready.
#[inline(never)]
fn shift_out(mut registers: Registers, mut shift: u32, out: &mut Octets) -> Registers {
    while shift >= registers.ct {
        registers.c <<= registers.ct;
        shift -= registers.ct;
        out.ready(registers.c >> READY_SHIFT);
        registers.c &= (1 << READY_SHIFT) - 1;
        registers.ct = 8;
    }
    registers.c <<= shift;
    registers.ct -= shift;
    registers
}

impl Coder for RowEncoder<'_> {
    #[inline(always)]
    fn pixel(&mut self, context: usize, known: u32) -> u32 {
        let state: State = self.contexts[context % CONTEXTS];
        let a = self.registers.a - state.lsz();
        self.registers.a = a;
        if known != state.mps() || a < HALF {
            self.registers = Self::renormalise(self.contexts, self.out, self.registers, context, known);
        }
        known
    }

    #[inline(always)]
    fn white_pixels(&mut self, known: u32, pixels: u32) -> u32 {
        let state = self.contexts[0];
        let pixels = pixels.min(known.leading_zeros());
        let a = self.registers.a.saturating_sub(state.lsz() * pixels);
        if state.mps() != 0 || a < HALF {
            return 0;
        }
        self.registers.a = a;
        pixels
    }
}

/// The coded octets, as long as a carry may still change the last of them.
#[derive(Debug, Default)]
struct Octets {
    out: Vec<u8>,
    /// The last octet that is not 0xFF.
    held: Option<u8>,
    /// SC: octets of 0xFF after it, which a carry turns into zeros.
    full: usize,
    /// Zeros before `held` that are only written when something follows: zeros at the end are not sent.
    zeros: usize,
}

impl Octets {
    /// BYTEOUT: an octet, or with a carry 0x100 more.
    fn ready(&mut self, octet: u32) {
        if octet == 0xFF {
            self.full += 1;
            return;
        }
        let carry = octet > 0xFF;
        if let Some(held) = self.held {
            self.write(if carry { held.wrapping_add(1) } else { held });
        }
        let fill = if carry { 0 } else { 0xFF };
        for _ in 0..core::mem::take(&mut self.full) {
            self.write(fill);
        }
        self.held = Some(octet as u8);
    }

    fn write(&mut self, octet: u8) {
        if octet == 0 {
            self.zeros += 1;
            return;
        }
        self.out.resize(self.out.len() + core::mem::take(&mut self.zeros), 0);
        self.out.push(octet);
        if octet == ESC {
            self.out.push(STUFF);
        }
    }

    /// All octets, without the zeros at the end.
    fn end(&mut self) -> Vec<u8> {
        // What is held goes out, and the 0xFF after it.
        self.ready(0);
        let ended = core::mem::take(self);
        ended.out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::t85::test_sequence;

    #[test]
    fn the_test_sequence_of_the_recommendation() {
        let mut encoder = ArithEncoder::new();
        for (context, pixel) in test_sequence::pixels() {
            let mut row = encoder.row();
            row.pixel(context, pixel);
            row.end();
        }
        assert_eq!(encoder.flush(), test_sequence::CODED);
    }
}
