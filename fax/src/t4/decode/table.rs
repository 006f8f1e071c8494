//! The look-up tables of the decoder, made from the words of [`table`](crate::t4::table) when the program is compiled.
//!
//! What makes a decoder slow is that it must know the length of one code word before it can look at the next. So
//! [`RUNS`] and [`MODES`] tell of up to four code words at once. An entry is one word of four lanes of 16 bits, a lane for
//! each code word, so that all four are worked off by the same few operations on machine words.

use super::lanes::LANES;
use crate::t4::table::{
    BLACK_MAKE_UP, BLACK_TERMINATING, COMMON_MAKE_UP, Code, EXTENSION, HORIZONTAL, PASS, VERTICAL,
    WHITE_MAKE_UP, WHITE_TERMINATING,
};

/// Bits that the look-up of several code words needs.
pub(super) const LOOK_UP_BITS: u32 = 12;

/// Up to four runs of less than 64 pixels each, by turns of either colour. None of them is empty.
#[derive(Clone, Copy)]
pub(super) struct Runs(u64);

/// Runs by their next bits, those that begin with a white one `[0]`, with a black one `[1]`.
pub(super) static RUNS: [[Runs; 1 << LOOK_UP_BITS]; 2] = [runs_table(0), runs_table(1)];

// The octets of an entry, from the lowest: bits of all code words; sum of pixels up to the first run; runs; up to the
// second run; bits of the first two; up to the third run; unused; sum of all pixels.
impl Runs {
    /// The bits of all code words.
    #[inline(always)]
    pub(super) fn length(self) -> u32 {
        self.0 as u32 & 0x3F
    }

    /// The runs that they are, 0 to 4.
    #[inline(always)]
    pub(super) fn count(self) -> usize {
        (self.0 >> 16) as usize & 7
    }

    /// The bits of the first two.
    #[inline(always)]
    pub(super) fn pair_length(self) -> u32 {
        (self.0 >> 32) as u32 & 0x3F
    }

    /// The pixels up to the end of each run, in lanes.
    #[inline(always)]
    pub(super) fn ends(self) -> u64 {
        self.0 >> 8 & (0xFF * LANES)
    }

    /// The pixels of all runs.
    #[inline(always)]
    pub(super) fn pixels(self) -> u32 {
        (self.0 >> 56) as u32
    }

    /// The pixels of the first two runs.
    #[inline(always)]
    pub(super) fn pair_pixels(self) -> u32 {
        (self.0 >> 24) as u32 & 0xFF
    }
}

/// What the next bits are in two-dimensional coding.
///
/// The value is what stands for it in an entry.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u32)]
pub(super) enum Kind {
    /// Up to three vertical modes of not more than 1 to the left, or to the right the last of them.
    Vertical = 1 << 18,
    /// A vertical mode of 2 or 3.
    Far = 1 << 21,
    /// Up to three passes.
    Pass = 1 << 20,
    /// One horizontal mode; two run lengths follow.
    Horizontal = 1 << 19,
    /// An extension code; this decoder knows none.
    Extension = 1 << 22,
    /// No mode begins so.
    Invalid = 1 << 23,
}

/// Up to three modes of one kind.
#[derive(Clone, Copy)]
pub(super) struct Modes(u64);

/// Modes by their next bits.
pub(super) static MODES: [Modes; 1 << LOOK_UP_BITS] = modes_table();

// The lanes of an entry, from the lowest bit: eight bits for the entry as a whole (bits of all modes; modes and a one for
// their kind; the first bit of the last mode's lane; unused), three bits: how far a1 lies from b1, plus 3; a one where it lies left of b1; and in the last bit a one where
// there is no such mode. Between these, the first lane has three bits: the length of the first mode.
impl Modes {
    /// Whether they are of this kind. To ask for one after the other is faster than a jump by a table.
    #[inline(always)]
    pub(super) fn are(self, kind: Kind) -> bool {
        self.0 as u32 & kind as u32 != 0
    }

    /// The bits of all modes.
    #[inline(always)]
    pub(super) fn length(self) -> u32 {
        self.0 as u32 & 0x3F
    }

    /// How many they are.
    #[inline(always)]
    pub(super) fn count(self) -> usize {
        (self.0 as u32 >> 16) as usize & 3
    }

    /// The highest bit of the lane after that of the last mode.
    #[inline(always)]
    pub(super) fn after_last(self) -> u64 {
        1 << (((self.0 >> 32) + 31) & 63)
    }

    /// Of four lanes, that of the last mode.
    #[inline(always)]
    pub(super) fn last(self, lanes: u64) -> u32 {
        (lanes >> (self.0 >> 32 & 63)) as u32 & 0xFFFF
    }

    /// Where a1 lies from 3 left of b1, in lanes.
    #[inline(always)]
    pub(super) fn offsets(self) -> u64 {
        self.0 >> 8 & (7 * LANES)
    }

    /// How far the left one of a1 and b1 lies from b1, in lanes.
    #[inline(always)]
    pub(super) fn left_of_b1(self) -> u64 {
        self.0 >> 11 & LANES
    }

    /// The highest bit of each lane after the one that follows the last mode, and more bits.
    #[inline(always)]
    pub(super) fn absent(self) -> u64 {
        self.0
    }

    /// The bits of the first mode.
    #[inline(always)]
    pub(super) fn first_length(self) -> u32 {
        (self.0 >> 12) as u32 & 7
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
    let (mut entry, mut count, mut length, mut pixels) = (0, 0, 0, 0u64);
    while count < 4 {
        // What is beyond the look-up is 0; a code word that needs some of it is longer than what is left.
        let run = RUN[colour][bits << (RUN_BITS - LOOK_UP_BITS + length) & ((1 << RUN_BITS) - 1)];
        let fits = run.length != 0 && length + run.length as u32 <= LOOK_UP_BITS;
        if !fits || run.pixels == 0 || run.pixels >= 64 {
            break;
        }
        length += run.length as u32;
        pixels += run.pixels as u64;
        // All lanes from here on, so that the last one has the sum.
        let mut lane = count;
        while lane < 4 {
            entry = entry & !(0xFF00 << (16 * lane)) | pixels << (16 * lane + 8);
            lane += 1;
        }
        count += 1;
        if count == 2 {
            entry |= (length as u64) << 32;
        }
        colour = 1 - colour;
    }
    Runs(entry | length as u64 | (count as u64) << 16)
}

/// A mode, its bits, and how far right of b1 a1 lies.
const fn mode(bits: usize) -> (Kind, u32, i32) {
    let bits = bits & ((1 << LOOK_UP_BITS) - 1);
    let mut i = 0;
    while i < VERTICAL.len() {
        if begins_with(bits, VERTICAL[i]) {
            let kind = if i >= 2 && i <= 4 { Kind::Vertical } else { Kind::Far };
            return (kind, VERTICAL[i].length as u32, i as i32 - 3);
        }
        i += 1;
    }
    if begins_with(bits, PASS) {
        (Kind::Pass, PASS.length as u32, 0)
    } else if begins_with(bits, HORIZONTAL) {
        (Kind::Horizontal, HORIZONTAL.length as u32, 0)
    } else if begins_with(bits, EXTENSION) {
        (Kind::Extension, EXTENSION.length as u32, 0)
    } else {
        (Kind::Invalid, 0, 0)
    }
}

const fn begins_with(bits: usize, code: Code) -> bool {
    bits >> (LOOK_UP_BITS - code.length as u32) == code.word as usize
}

const fn modes_table() -> [Modes; 1 << LOOK_UP_BITS] {
    let mut table = [Modes(0); 1 << LOOK_UP_BITS];
    let mut bits = 0;
    while bits < table.len() {
        table[bits] = modes(bits);
        bits += 1;
    }
    table
}

const fn modes(bits: usize) -> Modes {
    let kind = mode(bits).0;
    let count_max = if matches!(kind, Kind::Vertical | Kind::Pass) { 3 } else { 1 };
    let (mut entry, mut count, mut length) = (0u64, 0, 0);
    while count < count_max {
        let (next, next_length, offset) = mode(bits << length);
        if next as u32 != kind as u32 || length + next_length > LOOK_UP_BITS {
            break;
        }
        if count == 0 {
            entry |= (next_length as u64) << 12;
        }
        length += next_length;
        entry |= (((offset + 3) << 8) as u64 | ((offset < 0) as u64) << 11) << (16 * count);
        count += 1;
        // Two elements may be skipped after it, so it is the last one.
        if offset > 0 {
            break;
        }
    }
    entry |= length as u64 | (count as u64) << 16 | kind as u32 as u64 | ((16 * count - 16) as u64) << 32;
    let mut lane = count;
    while lane < 4 {
        // An offset of 0: the element after the last mode's must be right of its a1.
        entry |= 3 << (16 * lane + 8);
        if lane > count {
            entry |= 1 << (16 * lane + 15);
        }
        lane += 1;
    }
    Modes(entry)
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

    /// The lanes of an entry.
    fn lanes(word: u64) -> [u64; 4] {
        [0, 1, 2, 3].map(|lane| word >> (16 * lane) & 0xFFFF)
    }

    #[test]
    fn runs_are_told_together() {
        // White 2, black 2, white 2, black 2.
        let four = RUNS[0][0b0111_11_0111_11];
        assert_eq!((four.count(), four.length(), four.pixels()), (4, 12, 8));
        assert_eq!((four.pair_length(), four.pair_pixels(), lanes(four.ends())), (6, 4, [2, 4, 6, 8]));
        // Black 1, white 3, black 7.
        let three = RUNS[1][0b010_1000_00011];
        assert_eq!((three.count(), three.length(), three.pixels()), (3, 12, 11));
        assert_eq!((three.pair_length(), three.pair_pixels(), lanes(three.ends())), (7, 4, [1, 4, 11, 11]));
        // An empty run, a make-up code, an EOL.
        for bits in [0b0011_0101_0111, 0b1101_1001_1010, 0] {
            assert_eq!((RUNS[0][bits].count(), RUNS[0][bits].length()), (0, 0));
        }
    }

    #[test]
    fn every_run_entry_is_what_single_looks_give() {
        for (colour, table) in RUNS.iter().enumerate() {
            for (bits, entry) in table.iter().enumerate() {
                let (mut at, mut pixels, mut black) = (0, 0, colour);
                for end in lanes(entry.ends()).into_iter().take(entry.count()) {
                    let run = RUN[black][bits << (1 + at) & 0x1FFF];
                    at += u32::from(run.length);
                    pixels += u64::from(run.pixels);
                    assert!(run.pixels > 0 && run.pixels < 64 && end == pixels);
                    black = 1 - black;
                }
                assert_eq!((entry.length(), u64::from(entry.pixels())), (at, pixels));
            }
        }
    }

    #[test]
    fn modes_are_told_together() {
        let absent = |entry: Modes| lanes(entry.absent()).map(|lane| lane >> 15);
        let entry = MODES[0b1_010_011_1_0001];
        assert!(entry.are(Kind::Vertical));
        assert_eq!((entry.count(), entry.length(), entry.first_length()), (3, 7, 1));
        assert_eq!(lanes(entry.offsets()), [3, 2, 4, 3]);
        assert_eq!(lanes(entry.left_of_b1()), [0, 1, 0, 0]);
        assert_eq!((absent(entry), entry.after_last()), ([0; 4], 1 << 63));

        let entry = MODES[0b1_011_010_1_0001];
        assert_eq!((entry.count(), entry.length(), entry.last(0x4_0003_0002_0001)), (2, 4, 2));

        let entry = MODES[0b010_000010_111];
        assert!(entry.are(Kind::Vertical));
        assert_eq!((entry.count(), entry.length(), entry.first_length()), (1, 3, 3));
        assert_eq!(lanes(entry.offsets()), [2, 3, 3, 3]);
        assert_eq!((absent(entry), entry.after_last()), ([0, 0, 1, 1], 1 << 31));

        let kinds = [
            (0b0000010_00001, Kind::Far, 1, 7),
            (0b0001_0001_0001, Kind::Pass, 3, 12),
            (0b0001_0001_1000, Kind::Pass, 2, 8),
            (0b001_001_001_001, Kind::Horizontal, 1, 3),
            (0b0000001_11111, Kind::Extension, 1, 7),
            (0b0000000_11111, Kind::Invalid, 1, 0),
        ];
        for (bits, kind, count, length) in kinds {
            let entry = MODES[bits];
            assert!(entry.are(kind));
            assert_eq!((entry.count(), entry.length()), (count, length));
        }
    }

    #[test]
    fn every_vertical_mode_is_found() {
        for (i, code) in VERTICAL.iter().enumerate() {
            let entry = MODES[usize::from(code.word) << (LOOK_UP_BITS - u32::from(code.length))];
            assert_eq!(entry.are(Kind::Vertical), (2..5).contains(&i));
            assert_eq!(entry.are(Kind::Far), !(2..5).contains(&i));
            assert_eq!(entry.offsets() & 7, i as u64);
            assert_eq!(entry.first_length(), u32::from(code.length));
        }
    }
}
