//! The row in work and the two above it, as words of 32 pixels.

use super::template::WORD_PIXELS;
use crate::page::Page;
use alloc::vec::Vec;

const WORD_OCTETS: usize = WORD_PIXELS as usize / 8;

/// Three rows; those above the page are white.
#[derive(Debug)]
pub(super) struct Rows {
    width: u32,
    above2: Vec<u32>,
    above: Vec<u32>,
    current: Vec<u32>,
}

impl Rows {
    pub(super) fn new(width: u32) -> Self {
        let white = || alloc::vec![0; Self::words(width)];
        Self { width, above2: white(), above: white(), current: white() }
    }

    const fn words(width: u32) -> usize {
        width.div_ceil(WORD_PIXELS) as usize
    }

    /// The memory that three rows take, in octets.
    pub(super) const fn octets(width: u32) -> usize {
        3 * WORD_OCTETS * Self::words(width)
    }

    /// Begins again like a page.
    pub(super) fn clear(&mut self) {
        self.above2.fill(0);
        self.above.fill(0);
    }

    /// The rows above, the uppermost first, and the row in work.
    pub(super) fn parts(&mut self) -> ([&[u32]; 2], &mut [u32]) {
        ([&self.above2, &self.above], &mut self.current)
    }

    /// Takes the row in work, packed as in [`Page`]; what it is short of is white.
    pub(super) fn read(&mut self, row: &[u8]) {
        let mut octets = row.chunks(WORD_OCTETS);
        for word in &mut self.current {
            let mut padded = [0; WORD_OCTETS];
            let octets = octets.next().unwrap_or_default();
            padded.iter_mut().zip(octets).for_each(|(to, from)| *to = *from);
            *word = u32::from_be_bytes(padded);
        }
        let spare = self.current.len() as u32 * WORD_PIXELS - self.width;
        if let Some(last) = self.current.last_mut() {
            *last &= u32::MAX << spare;
        }
    }

    /// Appends the row in work, packed as in [`Page`].
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        let end = out.len() + Page::stride_of(self.width);
        out.extend(self.current.iter().flat_map(|word| word.to_be_bytes()));
        out.truncate(end);
    }

    /// Whether the row in work is typical: equal to the row above (T.82 clause 6.4).
    pub(super) fn is_typical(&self) -> bool {
        self.current == self.above
    }

    /// Makes the row in work equal to the row above.
    pub(super) fn repeat(&mut self) {
        self.current.copy_from_slice(&self.above);
    }

    /// Goes to the next row.
    pub(super) fn next(&mut self) {
        core::mem::swap(&mut self.above2, &mut self.above);
        core::mem::swap(&mut self.above, &mut self.current);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_survive_and_spare_bits_are_white() {
        let mut rows = Rows::new(36);
        rows.read(&[1, 2, 3, 4, 0xFF]);
        let mut out = Vec::new();
        rows.write(&mut out);
        assert_eq!(out, [1, 2, 3, 4, 0xF0]);
        rows.next();
        rows.read(&[1]);
        assert!(!rows.is_typical());
        assert_eq!(rows.parts(), ([&[0, 0][..], &[0x0102_0304, 0xF000_0000]], &mut [0x0100_0000, 0][..]));
        rows.repeat();
        assert!(rows.is_typical());
    }
}
