//! The look-up tables of runs, made from the words of [`table`](crate::t4::table) when the program is compiled.
//!
//! What makes a decoder slow is that it must know the length of one code word before it can look at the next. So [`RUNS`]
//! tells of up to four code words at once.

use super::lanes::WIDTH_MAX;
use crate::t4::table::{
    BLACK_MAKE_UP, BLACK_TERMINATING, COMMON_MAKE_UP, Code, WHITE_MAKE_UP, WHITE_TERMINATING,
};

/// Bits that the look-up of several runs needs.
pub(super) const LOOK_UP_BITS: u32 = 12;

/// Up to four runs by turns of either colour, of not more than [`Runs::PIXELS_MAX`] in all.
#[derive(Clone, Copy)]
pub(super) struct Runs(u64);

/// Runs by their next bits, those that begin with a white one `[0]`, with a black one `[1]`.
pub(super) static RUNS: [[Runs; 1 << LOOK_UP_BITS]; 2] = [runs_table(0), runs_table(1)];

// From the lowest bit: four bits, the bits of all code words; a zero; a one for an odd number of runs; six bits, their
// pixels; and above a one for each turn, the highest bit where the first run begins.
impl Runs {
    const PIXELS_MAX: u32 = 51;
    const ODD: u32 = 5;

    /// The bits of all code words; 0 where there is none.
    #[inline(always)]
    pub(super) fn length(self) -> u32 {
        self.0 as u32 & 15
    }

    /// All ones if the colour after the runs is not the one before them, or else zeros.
    #[inline(always)]
    pub(super) fn turned(self) -> u64 {
        0u64.wrapping_sub(self.0 >> Self::ODD & 1)
    }

    /// The pixels of all runs.
    #[inline(always)]
    pub(super) fn pixels(self) -> u32 {
        self.0 as u32 >> 6 & 63
    }

    /// The turns of colour, the highest bit where the first run begins.
    #[inline(always)]
    pub(super) fn turns(self) -> u64 {
        self.0 >> 12 << 12
    }
}

/// Two runs of less than 64 pixels each, of either colour. None of them is empty.
#[derive(Clone, Copy)]
pub(super) struct Pair(u32);

/// Pairs by their next bits, those that begin with a white run `[0]`, with a black one `[1]`.
pub(super) static PAIRS: [[Pair; 1 << LOOK_UP_BITS]; 2] = [pairs_table(0), pairs_table(1)];

// From the lowest octet: pixels of the first run; bits of both code words; pixels of both runs in two octets.
impl Pair {
    /// No pair begins so. So many pixels lead beyond every edge.
    const NONE: Self = Self(WIDTH_MAX << 16);

    /// The bits of both code words.
    #[inline(always)]
    pub(super) fn length(self) -> u32 {
        self.0 >> 8 & 15
    }

    /// The pixels up to the end of each run, in lanes.
    #[inline(always)]
    pub(super) fn ends(self) -> u64 {
        u64::from(self.0 & 0x00FF_00FF)
    }

    /// The pixels of both runs; [`WIDTH_MAX`] where there are none.
    #[inline(always)]
    pub(super) fn pixels(self) -> u32 {
        self.0 >> 16
    }
}

/// What the next bits of a run mean.
#[derive(Clone, Copy)]
pub(super) struct Run {
    /// Pixels.
    pub(super) pixels: u16,
    /// The bits that the code word takes; 0 where no code word begins so.
    pub(super) length: u8,
}

/// Bits that the look-up of a single run needs.
pub(super) const RUN_BITS: u32 = 13;
/// Run codes by their next 13 bits, for white `[0]` and black `[1]`.
pub(super) static RUN: [[Run; 1 << RUN_BITS]; 2] =
    [run_table(&WHITE_TERMINATING, &WHITE_MAKE_UP), run_table(&BLACK_TERMINATING, &BLACK_MAKE_UP)];

const fn run_table(terminating: &[Code; 64], make_up: &[Code; 27]) -> [Run; 1 << RUN_BITS] {
    let mut table = [Run { pixels: 0, length: 0 }; 1 << RUN_BITS];
    let mut i = 0;
    while i < terminating.len() {
        set_run(&mut table, terminating[i], i as u16);
        i += 1;
    }
    i = 0;
    while i < make_up.len() {
        set_run(&mut table, make_up[i], (i as u16 + 1) * 64);
        i += 1;
    }
    i = 0;
    while i < COMMON_MAKE_UP.len() {
        set_run(&mut table, COMMON_MAKE_UP[i], 1792 + i as u16 * 64);
        i += 1;
    }
    table
}

const fn set_run(table: &mut [Run; 1 << RUN_BITS], code: Code, pixels: u16) {
    let spare = RUN_BITS - code.length as u32;
    let first = (code.word as usize) << spare;
    let mut i = 0;
    while i < 1 << spare {
        table[first + i] = Run { pixels, length: code.length };
        i += 1;
    }
}

const fn runs_table(colour: usize) -> [Runs; 1 << LOOK_UP_BITS] {
    let mut table = [Runs(0); 1 << LOOK_UP_BITS];
    let mut bits = 0;
    while bits < table.len() {
        table[bits] = runs(bits, colour);
        bits += 1;
    }
    table
}

const fn runs(bits: usize, mut colour: usize) -> Runs {
    let (mut entry, mut count, mut length, mut pixels) = (0, 0, 0, 0);
    while count < 4 {
        // What is beyond the look-up is 0; a code word that needs some of it is longer than what is left.
        let run = RUN[colour][bits << (RUN_BITS - LOOK_UP_BITS + length) & ((1 << RUN_BITS) - 1)];
        let fits = run.length != 0 && length + run.length as u32 <= LOOK_UP_BITS;
        if !fits || run.pixels >= 64 || pixels + run.pixels as u32 > Runs::PIXELS_MAX {
            break;
        }
        length += run.length as u32;
        pixels += run.pixels as u32;
        // The ends of an empty run cancel each other.
        entry ^= 1 << (63 - pixels);
        count += 1;
        colour = 1 - colour;
    }
    Runs(entry | length as u64 | (count & 1) << Runs::ODD | (pixels as u64) << 6)
}

const fn pairs_table(colour: usize) -> [Pair; 1 << LOOK_UP_BITS] {
    let mut table = [Pair::NONE; 1 << LOOK_UP_BITS];
    let mut bits = 0;
    while bits < table.len() {
        let first = RUN[colour][bits << (RUN_BITS - LOOK_UP_BITS)];
        let rest = bits << (RUN_BITS - LOOK_UP_BITS + first.length as u32) & ((1 << RUN_BITS) - 1);
        let second = RUN[1 - colour][rest];
        let (first_pixels, length) = (first.pixels as u32, (first.length + second.length) as u32);
        let both_fit = first.length != 0 && second.length != 0 && length <= LOOK_UP_BITS;
        let short = first_pixels.wrapping_sub(1) < 63 && second.pixels.wrapping_sub(1) < 63;
        if both_fit && short {
            table[bits] = Pair(first_pixels | length << 8 | (first_pixels + second.pixels as u32) << 16);
        }
        bits += 1;
    }
    table
}

#[cfg(test)]
#[allow(clippy::unusual_byte_groupings, reason = "a group is a code word")]
mod tests {
    use super::*;
    use crate::t4::table::{MAKE_UP_MAX, run_codes};

    #[test]
    fn every_word_is_looked_up_whatever_follows_it() {
        for black in [false, true] {
            for pixels in 0..=MAKE_UP_MAX + 63 {
                let mut sum = 0;
                for code in run_codes(black, pixels) {
                    let spare = RUN_BITS - u32::from(code.length);
                    let first = usize::from(code.word) << spare;
                    for run in &RUN[usize::from(black)][first..first + (1 << spare)] {
                        assert_eq!(run.length, code.length);
                    }
                    sum += u32::from(RUN[usize::from(black)][first].pixels);
                }
                assert_eq!(sum, pixels);
            }
        }
    }

    #[test]
    fn only_eight_zeros_begin_no_run() {
        for table in &RUN {
            for (bits, run) in table.iter().enumerate() {
                assert_eq!(run.length == 0, bits >> (RUN_BITS - 8) == 0, "{bits:013b}");
            }
        }
    }

    #[test]
    fn runs_are_told_together() {
        let turns = |entry: Runs, pixels: &[u32]| {
            assert_eq!(entry.turns(), pixels.iter().map(|at| 1 << (63 - at)).sum::<u64>());
        };
        // White 2, black 2, white 2, black 2.
        let four = RUNS[0][0b0111_11_0111_11];
        assert_eq!((four.length(), four.pixels(), four.turned()), (12, 8, 0));
        turns(four, &[2, 4, 6, 8]);
        // Black 1, white 3, black 7.
        let three = RUNS[1][0b010_1000_00011];
        assert_eq!((three.length(), three.pixels(), three.turned()), (12, 11, u64::MAX));
        turns(three, &[1, 4, 11]);
        // A make-up code, a run too long, an EOL.
        for bits in [0b1101_1001_1010, 0b0101_1000_1111, 0] {
            assert_eq!((RUNS[0][bits].length(), RUNS[0][bits].pixels()), (0, 0));
        }
    }

    #[test]
    fn every_run_entry_is_what_single_looks_give() {
        for (colour, table) in RUNS.iter().enumerate() {
            for (bits, entry) in table.iter().enumerate() {
                let (mut at, mut pixels, mut black, mut turns) = (0, 0, colour, 0);
                while at < entry.length() {
                    let run = RUN[black][bits << (1 + at) & 0x1FFF];
                    at += u32::from(run.length);
                    pixels += u32::from(run.pixels);
                    assert!(run.length > 0 && run.pixels < 64);
                    turns ^= 1 << (63 - pixels);
                    black = 1 - black;
                }
                assert_eq!((entry.length(), entry.pixels(), entry.turns()), (at, pixels, turns));
                assert_eq!(entry.turned() != 0, black != colour);
            }
        }
    }

    #[test]
    fn every_pair_is_what_single_looks_give() {
        for (colour, table) in PAIRS.iter().enumerate() {
            for (bits, pair) in table.iter().enumerate() {
                let first = RUN[colour][bits << 1];
                let second = RUN[1 - colour][bits << (1 + first.length) & 0x1FFF];
                let pixels = [first.pixels, second.pixels];
                let length = first.length + second.length;
                let are_words = first.length > 0 && second.length > 0 && length <= 12;
                if !are_words || pixels.iter().any(|pixels| !(1..64).contains(pixels)) {
                    assert_eq!(pair.pixels(), WIDTH_MAX);
                } else {
                    let sum = u64::from(pixels[0] + pixels[1]);
                    assert_eq!((u64::from(pair.pixels()), pair.length()), (sum, length.into()));
                    assert_eq!(pair.ends(), u64::from(pixels[0]) | sum << 16);
                }
            }
        }
    }
}
