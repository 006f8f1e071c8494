//! Changing elements to pixels.

use super::lanes::{BIAS, Changes};
use alloc::vec::Vec;

/// Paints rows, a machine word at a time.
///
/// Each element turns over all pixels from it to the end of its word. That needs no look at where runs end; what goes on
/// into the next words is added once for each word. Elements of the same word would have to wait for one another's stores,
/// so four of them have a word each, and the four are put together in the end.
#[derive(Clone, Debug)]
pub(super) struct Painter {
    words: Vec<[u64; 4]>,
    width: u32,
}

impl Painter {
    pub(super) fn new(width: u32) -> Self {
        // The edge is an element too, and may stand after the last word.
        Self { words: alloc::vec![[0; 4]; width as usize / 64 + 1], width }
    }

    /// Paints over a row that is white.
    pub(super) fn paint(&mut self, changes: &Changes, row: &mut [u8]) {
        if changes.count() == 0 {
            return;
        }
        for index in (0..changes.count()).step_by(4) {
            let four = changes.four(index);
            for lane in 0..4 {
                let place = (four >> (16 * lane) & 0xFFFF) as usize;
                let place = place.wrapping_sub(BIAS as usize);
                if let Some(word) = self.words.get_mut(place / 64) {
                    word[lane] ^= u64::MAX >> (place % 64);
                }
            }
        }
        let mut carried = 0;
        for (quad, octets) in self.words.iter_mut().zip(row.chunks_mut(8)) {
            let [a, b, c, d] = core::mem::take(quad);
            let word = a ^ b ^ c ^ d ^ carried;
            // The last pixel goes on into the next word.
            carried = 0u64.wrapping_sub(word & 1);
            match octets.first_chunk_mut() {
                Some(whole) => *whole = word.to_be_bytes(),
                None => octets.iter_mut().zip(word.to_be_bytes()).for_each(|(octet, new)| *octet = new),
            }
        }
        // What the edge has turned over, where it stands in a word that is not painted.
        if let Some(last) = self.words.last_mut() {
            *last = [0; 4];
        }
        if let Some(octet) = row.last_mut() {
            *octet &= 0xFF << (self.width.wrapping_neg() % 8);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::Page;
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
                    changes.put_four(index, (place + BIAS).into());
                }
                changes.finish(elements.len(), width + BIAS);
                let mut row = alloc::vec![0; Page::stride_of(width)];
                painter.paint(&changes, &mut row);
                for x in 0..row.len() as u32 * 8 {
                    let black = elements.iter().filter(|place| **place <= x).count() % 2 == 1 && x < width;
                    prop_assert_eq!(row[x as usize / 8] & (0x80 >> (x % 8)) != 0, black, "{}", x);
                }
            }
        }
    }
}
