//! A row as its changing elements (T.4 clause 4.2.1.1), four of which make a machine word.
//!
//! An element is kept as its place plus [`BIAS`] in 16 bits. So an element 3 left of the first one is still above 0, the
//! imaginary one before the row (at −1) has a number too, and the highest bit of a lane is free to show the outcome of a
//! comparison. The elements rise strictly and stay below the width; the first one is black: so the parity of an index is
//! the colour that begins there, and the parity of their count the colour that goes on to the edge. After the last one
//! the edge stands several times, so that nobody need ask where the row ends.

use alloc::boxed::Box;
use alloc::vec;

/// The lowest bit of each lane.
pub(super) const LANES: u64 = 0x0001_0001_0001_0001;
/// The highest bit of each lane.
pub(super) const HIGH: u64 = 0x8000 * LANES;
/// What is added to places.
pub(super) const BIAS: u32 = 4;
/// The widest row. Its edge, and what is right of it by mistake, leave the highest bit of a lane free.
pub(super) const WIDTH_MAX: u32 = 0x7F00;

/// Words of four edges after the last element: as much as is looked at beyond it.
const EDGES: usize = 4;
/// Octets in which a word may begin; so many and one more are a power of two, that an index can be kept among them.
const OCTET_LAST: usize = 0xFFFF;

/// The places of elements: one 0, the elements, and edges; the low octet of each comes first.
///
/// There is room for the widest row, whatever the width: where the length is known when the program is compiled, nothing
/// need be compared with it. What a narrow row does not use is never touched.
type Octets = [u8; OCTET_LAST + 8];

/// Elements to be looked at.
#[derive(Clone, Copy)]
pub(super) struct Elements<'a>(&'a Octets);

impl Elements<'_> {
    /// Element `index`, or the edge.
    #[inline(always)]
    pub(super) fn get(self, index: usize) -> u32 {
        let at = (2 * index + 2) & OCTET_LAST;
        u16::from_le_bytes([self.0[at], self.0[at + 1]]).into()
    }

    /// The four elements from `index`.
    #[inline(always)]
    pub(super) fn four(self, index: usize) -> u64 {
        self.four_from_before(index + 1)
    }

    /// The four elements from the one before `index`.
    #[inline(always)]
    pub(super) fn four_from_before(self, index: usize) -> u64 {
        let at = (2 * index) & OCTET_LAST;
        self.0[at..].first_chunk().map_or(0, |octets| u64::from_le_bytes(*octets))
    }
}

/// Elements to be written.
pub(super) struct ElementsMut<'a>(&'a mut Octets);

impl ElementsMut<'_> {
    /// Writes four elements.
    #[inline(always)]
    pub(super) fn put_four(&mut self, index: usize, four: u64) {
        let at = (2 * index + 2) & OCTET_LAST;
        if let Some(octets) = self.0[at..].first_chunk_mut() {
            *octets = four.to_le_bytes();
        }
    }

    /// Writes an element after the `count` first, unless the row ends there. A second one at the same place takes the
    /// first back, since the run between is empty. Yields how many there are then.
    #[inline]
    pub(super) fn turn(&mut self, count: usize, at: u32, edge: u32) -> usize {
        match count.checked_sub(1) {
            _ if at >= edge => count,
            Some(last) if Elements(self.0).get(last) == at => last,
            _ => {
                self.put_four(count, at.into());
                count + 1
            }
        }
    }
}

/// The changing elements of a row.
#[derive(Clone, Debug)]
pub(super) struct Changes {
    octets: Box<Octets>,
    count: usize,
}

impl Changes {
    /// What they allocate.
    pub(super) const OCTETS: usize = size_of::<Octets>();

    /// A white row.
    pub(super) fn white(width: u32) -> Self {
        // Memory that comes as zeros is not touched before it is used.
        let octets = vec![0; Self::OCTETS].into_boxed_slice().try_into();
        let octets = octets.unwrap_or_else(|_| Box::new([0; Self::OCTETS]));
        let mut changes = Self { octets, count: 0 };
        changes.finish(0, width + BIAS);
        changes
    }

    /// Where they are.
    pub(super) fn elements(&self) -> Elements<'_> {
        Elements(&self.octets)
    }

    /// Where they are to be; [`finish`](Self::finish) must follow.
    pub(super) fn elements_mut(&mut self) -> ElementsMut<'_> {
        ElementsMut(&mut self.octets)
    }

    /// How many they are.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// Finds them in the pixels of a row; right of the edge these are white.
    pub(super) fn find(&mut self, pixels: &[u8], width: u32) {
        let edge = width + BIAS;
        let mut elements = self.elements_mut();
        let (mut count, mut colour, mut start) = (0, 0, BIAS);
        for chunk in pixels.chunks(8) {
            let mut octets = [0; 8];
            octets[..chunk.len()].copy_from_slice(chunk);
            let word = u64::from_be_bytes(octets);
            let mut turns = word ^ (word >> 1 | colour << 63);
            while turns != 0 {
                let turn = turns.leading_zeros();
                elements.put_four(count, (start + turn).into());
                count += 1;
                turns ^= 1 << 63 >> turn;
            }
            colour = word & 1;
            start += 64;
        }
        // A row that is black to the end turns at the edge, if pixels follow there.
        while count > 0 && Elements(elements.0).get(count - 1) >= edge {
            count -= 1;
        }
        self.finish(count, edge);
    }

    /// Ends the row after `count` elements.
    #[inline]
    pub(super) fn finish(&mut self, count: usize, edge: u32) {
        for word in 0..EDGES {
            self.elements_mut().put_four(count + 4 * word, u64::from(edge) * LANES);
        }
        self.count = count;
    }
}
