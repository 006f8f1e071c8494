//! A row as the list of its changing elements (T.4 clause 4.2.1.1), and back.
//!
//! The list rises strictly, stays below the width, and its first element is black: so the parity of an index
//! is the colour that begins there, and the length's parity the colour that goes on to the edge.

use alloc::vec::Vec;

/// The changing elements of a row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Changes(Vec<u32>);

impl Changes {
    /// Forgets all: a white row.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// Reads them off a packed row; one that is too short is white where it ends.
    #[cfg(test)]
    pub(super) fn read(&mut self, row: &[u8], width: u32) {
        self.0.clear();
        let mut before = 0;
        let words = row.chunks(8).take(width.div_ceil(64) as usize);
        for (i, octets) in words.enumerate() {
            let mut padded = [0; 8];
            padded[..octets.len()].copy_from_slice(octets);
            let word = u64::from_be_bytes(padded);
            // A one in `edges` is a pixel that differs from its left neighbour.
            let mut edges = word ^ (word >> 1 | before << 63);
            before = word & 1;
            let first = i as u32 * 64;
            while edges != 0 {
                let bit = edges.leading_zeros();
                if first + bit >= width {
                    return;
                }
                self.0.push(first + bit);
                edges &= !(1 << 63 >> bit);
            }
        }
        let end = row.len() as u64 * 8;
        if before == 1 && end < u64::from(width) {
            self.0.push(end as u32);
        }
    }

    /// Appends a change of colour; a second one at the same place takes the first back, since the run between is empty.
    pub(super) fn push(&mut self, at: u32) {
        if self.0.last() == Some(&at) {
            self.0.pop();
        } else {
            self.0.push(at);
        }
    }

    /// Whether the pixels after the last change are black.
    pub(super) fn ends_black(&self) -> bool {
        self.0.len() % 2 == 1
    }

    /// Element `index`; the width (the imaginary element after the row) beyond the last.
    pub(super) fn get(&self, index: usize, width: u32) -> u32 {
        self.0.get(index).copied().unwrap_or(width)
    }

    /// Blackens the black runs in a row that is white.
    pub(super) fn paint(&self, row: &mut [u8], width: u32) {
        for pair in self.0.chunks(2) {
            if let Some(&start) = pair.first() {
                paint_run(row, start, pair.get(1).copied().unwrap_or(width));
            }
        }
    }

    /// The index of b1: the first element right of a0 where the colour turns away from a0's, `black` or white.
    ///
    /// `a0` is −1 before the row. `from` is the b1 of an earlier a0 of this row, 0 at first: all elements more than
    /// one before it lie left of a0.
    pub(super) fn b1(&self, from: usize, a0: i64, black: bool, width: u32) -> usize {
        let mut index = match from {
            same if (same % 2 == 1) == black => same,
            0 => 1,
            other => other - 1,
        };
        while index < self.0.len() && i64::from(self.get(index, width)) <= a0 {
            index += 2;
        }
        index
    }
}

/// Blackens the pixels from `start` to before `end`.
fn paint_run(row: &mut [u8], start: u32, end: u32) {
    let (first, last) = ((start / 8) as usize, (end / 8) as usize);
    let (head, tail) = (0xFF >> (start % 8), !(0xFF >> (end % 8)));
    let Some(octets) = row.get_mut(first..) else {
        return;
    };
    match octets.get_mut(..(last - first).min(octets.len())) {
        Some([]) | None => {
            if let Some(octet) = octets.first_mut() {
                *octet |= head & tail;
            }
        }
        Some([octet, middle @ ..]) => {
            *octet |= head;
            middle.fill(0xFF);
            if let Some(octet) = octets.get_mut(last - first) {
                *octet |= tail;
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::unusual_byte_groupings)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn changes_are_read_and_painted(mut row in prop::collection::vec(any::<u8>(), 1..40), spare in 0u32..8) {
            let width = row.len() as u32 * 8 - spare;
            let mut changes = Changes::default();
            changes.read(&row, width);
            let black = |x: u32| row[x as usize / 8] & (0x80 >> (x % 8)) != 0;
            let expected: Vec<u32> = (0..width).filter(|&x| black(x) != (x > 0 && black(x - 1))).collect();
            prop_assert_eq!(&changes.0, &expected);

            let mut painted = alloc::vec![0; row.len()];
            changes.paint(&mut painted, width);
            *row.last_mut().unwrap() &= 0xFF << spare;
            prop_assert_eq!(painted, row);
        }
    }

    #[test]
    fn a_row_that_is_too_short_is_white_where_it_ends() {
        let mut changes = Changes::default();
        for (octets, expected) in [(0, &[][..]), (3, &[0, 24]), (8, &[0, 64]), (9, &[0, 72]), (16, &[0])] {
            changes.read(&[0xFF; 16][..octets], 128);
            assert_eq!(changes.0, expected, "{octets}");
        }
        changes.read(&[0xFF; 40], 100);
        assert_eq!(changes.0, [0]);
    }

    #[test]
    fn an_empty_run_joins_its_neighbours() {
        let mut changes = Changes::default();
        for at in [0, 5, 5, 9] {
            changes.push(at);
        }
        assert_eq!(changes.0, [0, 9]);
        assert!(!changes.ends_black());
    }

    #[test]
    fn b1_is_right_of_a0_and_of_the_other_colour() {
        let mut changes = Changes::default();
        for at in [0, 4, 9, 12] {
            changes.push(at);
        }
        let b1 = |from, a0, black| changes.get(changes.b1(from, a0, black, 16), 16);
        assert_eq!((b1(0, -1, false), b1(0, 0, false), b1(0, 0, true)), (0, 9, 4));
        assert_eq!((b1(2, 3, true), b1(2, 4, true), b1(3, 11, false)), (4, 12, 16));
        assert_eq!((b1(4, 12, true), b1(5, 13, false), b1(4, 13, false)), (16, 16, 16));
    }

    #[test]
    fn painting_beyond_the_row_is_cut_off() {
        let mut row = [0; 2];
        paint_run(&mut row, 3, 40);
        paint_run(&mut row, 30, 40);
        assert_eq!(row, [0x1F, 0xFF]);
    }
}
