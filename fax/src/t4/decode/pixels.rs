//! A row as pixels, and how it is painted.
//!
//! A decoder learns where colours turn. [`Pen`] notes a turn as a one among zeros, and makes pixels of a machine word at
//! a time: a pixel is black if the turns up to it are odd in number. So nobody need ask where runs begin or which colour
//! they have, and two turns at the same place, the ends of an empty run, cancel each other.

use super::lanes::WIDTH_MAX;
use alloc::boxed::Box;
use alloc::vec;

/// Octets in which a word of the widest row may begin: a power of two, that an index can be kept among them.
const OCTETS: usize = 1 << 12;
const _: () = assert!(WIDTH_MAX as usize / 8 < OCTETS);

/// The pixels of a row, the first one in the highest bit of the first octet.
///
/// There is room for the widest row, whatever the width: where the length is known when the program is compiled, nothing
/// need be compared with it. What a narrow row does not use is never touched.
#[derive(Clone, Debug)]
pub(super) struct Row(Box<Octets>);

type Octets = [u8; OCTETS + 8];

impl Row {
    /// What a row allocates.
    pub(super) const OCTETS: usize = size_of::<Octets>();

    /// A white row.
    pub(super) fn white() -> Self {
        // Memory that comes as zeros is not touched before it is used.
        let octets = vec![0; Self::OCTETS].into_boxed_slice().try_into();
        Self(octets.unwrap_or_else(|_| Box::new([0; Self::OCTETS])))
    }

    /// The first `count` octets.
    pub(super) fn octets(&self, count: usize) -> &[u8] {
        self.0.get(..count).unwrap_or_default()
    }

    /// The first `count` octets, to be written.
    pub(super) fn octets_mut(&mut self, count: usize) -> &mut [u8] {
        self.0.get_mut(..count).unwrap_or_default()
    }

    /// A pen at the beginning of the row; what was in the row is forgotten.
    #[inline(always)]
    pub(super) fn pen(&mut self) -> Pen<'_> {
        Pen { row: &mut self.0, at: 0, turns: 0, colour: 0 }
    }
}

/// Paints a row from left to right.
pub(super) struct Pen<'a> {
    row: &'a mut Octets,
    /// Pixels that are painted.
    at: u32,
    /// The turns in the word that `at` lies in.
    turns: u64,
    /// All ones if the word before it ends in black.
    colour: u64,
}

impl Pen<'_> {
    /// Pixels that are painted.
    #[inline(always)]
    pub(super) fn at(&self) -> u32 {
        self.at
    }

    /// Goes on by `pixels` (less than 64), with a turn at each one of `turns`: the highest bit is where the pen stands now.
    #[inline(always)]
    pub(super) fn paint(&mut self, turns: u64, pixels: u32) {
        let shift = self.at % 64;
        let end = self.at + pixels;
        self.turns ^= turns >> shift;
        if (self.at ^ end) >= 64 {
            self.put_word(u64::MAX);
            self.turns = turns << (shift.wrapping_neg() % 64);
        }
        self.at = end;
    }

    /// Goes on to `end`.
    #[inline(always)]
    pub(super) fn go(&mut self, end: u32) {
        if (self.at ^ end) >= 64 {
            self.put_word(u64::MAX);
            self.turns = 0;
            let between = (self.at / 64 * 8 + 8) as usize..(end / 64 * 8) as usize;
            if let Some(octets) = self.row.get_mut(between) {
                octets.fill(self.colour as u8);
            }
        }
        self.at = end;
    }

    /// The colour turns here.
    #[inline(always)]
    pub(super) fn turn(&mut self) {
        self.turns ^= 1 << 63 >> (self.at % 64);
    }

    /// Ends the row here.
    #[inline(always)]
    pub(super) fn finish(mut self) {
        self.put_word(!(u64::MAX >> (self.at % 64)));
    }

    /// Writes the pixels of the word that `at` lies in; those outside of `mask` are white.
    #[inline(always)]
    fn put_word(&mut self, mask: u64) {
        let mut word = self.turns;
        for shift in [1, 2, 4, 8, 16, 32] {
            word ^= word >> shift;
        }
        word = (word ^ self.colour) & mask;
        self.colour = 0u64.wrapping_sub(word & 1);
        let at = (self.at / 64 * 8) as usize % OCTETS;
        if let Some(octets) = self.row[at..].first_chunk_mut() {
            *octets = word.to_be_bytes();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn pixels_are_those_of_the_runs(runs in prop::collection::vec((0u32..200, any::<bool>()), 0..60)) {
            let mut row = Row::white();
            row.octets_mut(OCTETS).fill(0x55);
            let mut pen = row.pen();
            let (mut expected, mut black) = (Vec::new(), false);
            for (pixels, in_one_go) in runs {
                if in_one_go && pixels < 64 {
                    pen.paint(1 << 63 >> pixels, pixels);
                } else {
                    pen.go(pen.at() + pixels);
                    pen.turn();
                }
                expected.resize(expected.len() + pixels as usize, black);
                black = !black;
            }
            prop_assert_eq!(pen.at() as usize, expected.len());
            pen.finish();
            expected.resize(expected.len().next_multiple_of(8), false);
            for (x, black) in expected.into_iter().enumerate() {
                prop_assert_eq!(row.octets(OCTETS)[x / 8] & (0x80 >> (x % 8)) != 0, black, "{}", x);
            }
        }
    }
}
