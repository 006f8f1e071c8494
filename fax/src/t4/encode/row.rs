//! A row as the encoder takes it in: words of pixels, and the list of its changing elements (T.4 clause 4.2.1.1).

use alloc::vec::Vec;

/// The pixels of a row, 64 to a word, the leftmost in the most significant bit.
#[derive(Debug)]
pub(super) struct Pixels(Vec<u64>);

impl Pixels {
    /// A white row.
    pub(super) fn white(width: u32) -> Self {
        Self(alloc::vec![0; width.div_ceil(64) as usize])
    }

    /// Takes in a packed row; one that is too short is white where it ends. Yields whether it differs from the row
    /// before.
    ///
    /// Behind the width the last pixel goes on, so that no run ends there.
    pub(super) fn read(&mut self, row: &[u8], width: u32) -> bool {
        let (chunks, rest) = row.as_chunks();
        let mut last = [0; 8];
        last[..rest.len()].copy_from_slice(rest);
        let octets = chunks.iter().chain([&last]).chain(core::iter::repeat(&[0; 8]));
        let spare = width.wrapping_neg() % 64;
        let mut differences = 0;
        if let Some((end, words)) = self.0.split_last_mut() {
            let mut octets = octets.copied().map(u64::from_be_bytes);
            for (word, pixels) in words.iter_mut().zip(&mut octets) {
                differences |= *word ^ pixels;
                *word = pixels;
            }
            let pixels = spread(octets.next().unwrap_or(0), spare);
            differences |= *end ^ pixels;
            *end = pixels;
        }
        differences != 0
    }

    pub(super) fn words(&self) -> &[u64] {
        &self.0
    }
}

/// Gives the low `spare` pixels the colour of the one before them.
fn spread(pixels: u64, spare: u32) -> u64 {
    let behind = (1 << spare) - 1;
    if pixels >> spare & 1 == 1 { pixels | behind } else { pixels & !behind }
}

/// The changing elements of a row: they rise strictly and stay below the width, and the first is black.
#[derive(Debug, Default)]
pub(super) struct Changes {
    /// A zero, then the elements, then the width [`EDGES`] times: it is the imaginary element behind the row. And room to
    /// store more than is true.
    list: Vec<u32>,
    count: usize,
}

/// The length of a row's lists, of changing elements and of code words: three words for two pixels in horizontal mode are
/// the most, and then room for some that are stored in advance.
pub(super) fn list_len(width: u32) -> usize {
    width as usize * 2 + 80
}

/// Elements behind the last that stand for the edge: more than a coder looks at.
const EDGES: usize = 8;

impl Changes {
    /// Those of a white row.
    pub(super) fn white(width: u32) -> Self {
        let mut changes = Self { list: alloc::vec![0; list_len(width)], count: 0 };
        changes.end(0, width);
        changes
    }

    /// How many they are.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// The zero, the elements, and edges enough.
    pub(super) fn list(&self) -> &[u32] {
        &self.list
    }

    /// The zero, the elements, and one edge.
    pub(super) fn through_edge(&self) -> &[u32] {
        self.list.get(..self.count + 2).unwrap_or_default()
    }

    /// Finds those of a row, an octet at a time: that it has few or many makes no difference, and a processor has
    /// nothing to foresee.
    pub(super) fn read(&mut self, pixels: &Pixels, width: u32) {
        let (mut count, mut before) = (0, 0);
        for (&word, base) in pixels.0.iter().zip((0..).step_by(64)) {
            // A one is a pixel that differs from its left neighbour.
            let edges = word ^ (word >> 1 | before << 63);
            before = word;
            if edges != 0
                && let Some(free) = self.list.get_mut(1 + count..).and_then(|list| list.first_chunk_mut())
            {
                count += places(edges, base, free);
            }
        }
        self.end(count, width);
    }

    fn end(&mut self, count: usize, width: u32) {
        self.count = count;
        if let Some(edges) = self.list.get_mut(1 + count..).and_then(|list| list.first_chunk_mut()) {
            *edges = [width; EDGES];
        }
    }
}

/// Lists the ones of a word, whose first bit is `base`; yields how many they are.
#[inline(always)]
fn places(word: u64, base: u32, free: &mut [u32; 64 + 8]) -> usize {
    let mut count = 0;
    for (octet, base) in word.to_be_bytes().into_iter().zip((base..).step_by(8)) {
        // Eight places are stored each time; those that are none are soon overwritten.
        if let Some(free) = free[count % 64..].first_chunk_mut() {
            *free = PLACES[usize::from(octet)].map(|place| base + place);
        }
        count += usize::from(COUNTS[usize::from(octet)]);
    }
    count
}

/// How many ones an octet has.
static COUNTS: [u8; 256] = {
    let mut table = [0; 256];
    let mut octet = 0;
    while octet < table.len() {
        table[octet] = octet.count_ones() as u8;
        octet += 1;
    }
    table
};

/// Where an octet has its ones, from the left.
static PLACES: [[u32; 8]; 256] = {
    let mut table = [[0; 8]; 256];
    let mut octet = 0;
    while octet < table.len() {
        let (mut place, mut count) = (0, 0);
        while place < 8 {
            if octet & 0x80 >> place != 0 {
                table[octet][count] = place;
                count += 1;
            }
            place += 1;
        }
        octet += 1;
    }
    table
};

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn changes_are_those_of_the_pixels(row in prop::collection::vec(any::<u8>(), 0..40), width in 1u32..400) {
            let mut pixels = Pixels::white(width);
            let is_black = |x: u32| row.get(x as usize / 8).is_some_and(|octet| octet & 0x80 >> (x % 8) != 0);
            let has_black = (0..width).any(is_black);
            prop_assert_eq!(pixels.read(&row, width), has_black);
            prop_assert!(!pixels.read(&row, width));
            let mut changes = Changes::white(width);
            changes.read(&pixels, width);
            let expected: Vec<u32> = (0..width).filter(|&x| is_black(x) != (x > 0 && is_black(x - 1))).collect();
            prop_assert_eq!(changes.count(), expected.len());
            prop_assert_eq!(changes.list()[0], 0);
            prop_assert_eq!(&changes.list()[1..=expected.len()], &expected);
            prop_assert_eq!(&changes.list()[expected.len() + 1..][..EDGES], [width; EDGES]);
        }
    }

    #[test]
    fn a_row_without_pixels_has_no_changes() {
        let mut pixels = Pixels::white(0);
        assert!(!pixels.read(&[0xFF; 20], 0) && pixels.words().is_empty());
        let mut changes = Changes::white(0);
        changes.read(&pixels, 0);
        assert_eq!((changes.count(), changes.list()[1]), (0, 0));
    }
}
