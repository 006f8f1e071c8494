//! The look-up table of modes, made from the words of [`table`](crate::t4::table) when the program is compiled.
//!
//! As [`runs`](super::runs), it tells of several code words at once. An entry is one word of four lanes of 16 bits, a lane
//! for each code word, so that all are worked off by the same few operations on machine words.

use super::lanes::LANES;
use super::runs::LOOK_UP_BITS;
use crate::t4::table::{Code, EXTENSION, HORIZONTAL, PASS, VERTICAL};

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

    /// The lanes of an entry.
    fn lanes(word: u64) -> [u64; 4] {
        [0, 1, 2, 3].map(|lane| word >> (16 * lane) & 0xFFFF)
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
