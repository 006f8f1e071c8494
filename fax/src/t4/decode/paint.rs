//! Changing elements to pixels.

use super::lanes::{BIAS, Changes};
use alloc::boxed::Box;

/// Words that hold the place of any element, with its bias.
const WORDS: usize = 1 << (16 - 6);

/// Four bitmaps of a row.
pub(super) type Planes = [[u64; WORDS]; 4];

/// Paints rows, a machine word at a time.
///
/// Each element turns over all pixels from it to the end of its word. That needs no look at where runs end; what goes on
/// into the next words is added once for each word. Elements of the same word would have to wait for one another's stores,
/// so there are four planes that take turns, and are put together in the end. On them a pixel lies where its element says,
/// which is [`BIAS`] bits to the right.
#[derive(Clone, Debug)]
pub(super) struct Painter {
    planes: Box<Planes>,
    width: u32,
}

impl Painter {
    pub(super) fn new(width: u32) -> Self {
        Self { planes: Box::new([[0; WORDS]; 4]), width }
    }

    /// Paints all of a row.
    pub(super) fn paint(&mut self, changes: &Changes, row: &mut [u8]) {
        if changes.count() == 0 {
            row.fill(0);
            return;
        }
        let [a, b, c, d] = &mut *self.planes;
        for index in (0..changes.count()).step_by(4) {
            let four = changes.elements().four(index);
            turn_over(a, four as u16);
            turn_over(b, (four >> 16) as u16);
            turn_over(c, (four >> 32) as u16);
            turn_over(d, (four >> 48) as u16);
        }
        let (mut colour, mut left) = (0, 0);
        let words = (self.width + BIAS) as usize / 64 + 1;
        let planes = a.iter_mut().zip(b).zip(c).zip(d).take(words);
        // The first word has no octets, as its pixels have to wait for the next one's.
        let mut rest = row.chunks_mut(8);
        for (i, (((a, b), c), d)) in planes.enumerate() {
            let word = *a ^ *b ^ *c ^ *d ^ colour;
            (*a, *b, *c, *d) = (0, 0, 0, 0);
            // The last pixel goes on into the next word.
            colour = 0u64.wrapping_sub(word & 1);
            if i > 0 {
                write(rest.next(), left << BIAS | word >> (64 - BIAS));
            }
            left = word;
        }
        write(rest.next(), left << BIAS);
        if let Some(octet) = row.last_mut() {
            *octet &= 0xFF << (self.width.wrapping_neg() % 8);
        }
    }
}

/// Turns over the pixels of a word from `place` on.
#[inline(always)]
fn turn_over(plane: &mut [u64; WORDS], place: u16) {
    plane[usize::from(place / 64)] ^= u64::MAX >> (place % 64);
}

/// Writes the first octets of a word, or all.
#[inline(always)]
fn write(octets: Option<&mut [u8]>, word: u64) {
    let Some(octets) = octets else { return };
    match octets.first_chunk_mut() {
        Some(whole) => *whole = word.to_be_bytes(),
        None => octets.iter_mut().zip(word.to_be_bytes()).for_each(|(octet, new)| *octet = new),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::Page;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn pixels_are_those_of_the_elements(width in 1u32..700, places in prop::collection::btree_set(0u32..700, 0..200)) {
            let mut changes = Changes::white(width);
            let mut painter = Painter::new(width);
            // The second time on what the first one left.
            for skipped in [0, 1] {
                let elements: Vec<u32> =
                    places.iter().copied().filter(|place| *place < width).skip(skipped).collect();
                for (index, place) in elements.iter().enumerate() {
                    changes.elements_mut().put_four(index, (place + BIAS).into());
                }
                changes.finish(elements.len(), width + BIAS);
                let mut row = alloc::vec![0x55; Page::stride_of(width)];
                painter.paint(&changes, &mut row);
                for x in 0..row.len() as u32 * 8 {
                    let black = elements.iter().filter(|place| **place <= x).count() % 2 == 1 && x < width;
                    prop_assert_eq!(row[x as usize / 8] & (0x80 >> (x % 8)) != 0, black, "{}", x);
                }
                let mut found = Changes::white(width);
                found.find(&row, width);
                prop_assert_eq!(found.count(), changes.count());
                for index in 0..elements.len() + 16 {
                    prop_assert_eq!(found.elements().get(index), changes.elements().get(index));
                }
            }
        }
    }
}
