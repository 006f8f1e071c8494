//! Bits in, a machine word at a time.
//!
//! Reading past the end yields zeros, which no code word consists of, so a decoder meets an invalid code soon;
//! [`BitReader::overran`] tells the two apart.

use super::super::BitOrder;
use crate::t4::table::EOL_ZEROS;

/// Reads bits at any position of a slice.
#[derive(Clone, Debug)]
pub(super) struct BitReader<'a> {
    data: &'a [u8],
    order: BitOrder,
    position_bits: usize,
}

impl<'a> BitReader<'a> {
    pub(super) fn new(data: &'a [u8], order: BitOrder) -> Self {
        Self { data, order, position_bits: 0 }
    }

    /// Bits read so far.
    pub(super) fn position_bits(&self) -> usize {
        self.position_bits
    }

    /// Goes to a position that `position_bits` has given.
    pub(super) fn seek(&mut self, position_bits: usize) {
        self.position_bits = position_bits;
    }

    /// Goes to the next boundary of so many bits, unless it stands on one.
    pub(super) fn align(&mut self, bits: usize) {
        self.position_bits = self.position_bits.next_multiple_of(bits);
    }

    /// Whether more bits were taken than there are.
    pub(super) fn overran(&self) -> bool {
        self.position_bits > self.bits()
    }

    /// Whether nothing is left, or nothing but zeros (padding).
    pub(super) fn is_at_padding(&self) -> bool {
        self.zeros().is_none()
    }

    /// The next `count` bits (1 to 32), right-aligned, without taking them.
    pub(super) fn peek(&self, count: u32) -> u32 {
        (self.window(self.position_bits) >> (64 - count)) as u32
    }

    /// Takes bits that were looked at before.
    pub(super) fn skip(&mut self, count: usize) {
        self.position_bits = self.position_bits.saturating_add(count);
    }

    /// The number of zeros before the next one; `None` where no one follows.
    pub(super) fn zeros(&self) -> Option<usize> {
        let mut at = self.position_bits;
        while at < self.bits() {
            let word = self.window(at);
            if word != 0 {
                return Some(at + word.leading_zeros() as usize - self.position_bits);
            }
            at += 64;
        }
        None
    }

    /// Goes to the zeros of the next EOL at or after the present position; `false`, and at the end, without one.
    pub(super) fn find_eol(&mut self) -> bool {
        while self.position_bits < self.bits() {
            let starts = zero_runs(self.window(self.position_bits));
            if starts != 0 {
                self.skip(starts.leading_zeros() as usize);
                if self.zeros().is_some() {
                    return true;
                }
                break;
            }
            // A run of zeros may begin in the last bits of this word and go on in the next.
            self.skip(64 - EOL_ZEROS + 1);
        }
        self.position_bits = self.bits();
        false
    }

    fn bits(&self) -> usize {
        self.data.len().saturating_mul(8)
    }

    /// The 64 bits from `at`; zeros beyond the end.
    fn window(&self, at: usize) -> u64 {
        let (first, shift) = (at / 8, at % 8);
        let rest = self.data.get(first..).unwrap_or(&[]);
        let mut octets = [0; 9];
        match rest.first_chunk::<9>() {
            Some(chunk) => octets = *chunk,
            None => octets[..rest.len()].copy_from_slice(rest),
        }
        if self.order == BitOrder::LsbFirst {
            octets = octets.map(u8::reverse_bits);
        }
        let [a, b, c, d, e, f, g, h, last] = octets;
        let word = u64::from_be_bytes([a, b, c, d, e, f, g, h]);
        // In two steps, because a shift by 8 (shift = 0) must leave nothing of the ninth octet.
        word << shift | u64::from(u16::from(last) << shift >> 8)
    }
}

/// A one where, in `word`, eleven zeros begin.
fn zero_runs(word: u64) -> u64 {
    let mut runs = !word;
    runs &= runs << 1; // two in a row
    runs &= runs << 2; // four
    runs &= runs << 4; // eight
    runs & runs << (EOL_ZEROS - 8)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::unusual_byte_groupings)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    /// A stream of bits as text.
    fn text(octets: &[u8]) -> alloc::string::String {
        octets.iter().map(|octet| alloc::format!("{octet:08b}")).collect()
    }

    proptest! {
        #[test]
        fn what_is_written_is_peeked(words in prop::collection::vec((1u8..=16, any::<u16>()), 0..60)) {
            let words: Vec<(u32, u32)> =
                words.iter().map(|&(length, word)| (u32::from(length), u32::from(word >> (16 - length)))).collect();
            let mut written = alloc::string::String::new();
            words.iter().for_each(|&(length, word)| {
                written += &alloc::format!("{word:0length$b}", length = length as usize);
            });
            let bits = written.len();
            let octets: Vec<u8> = written
                .as_bytes()
                .chunks(8)
                .map(|chunk| (0..8).fold(0, |octet, at| octet << 1 | u8::from(chunk.get(at) == Some(&b'1'))))
                .collect();
            let mut reader = BitReader::new(&octets, BitOrder::MsbFirst);
            for (length, word) in words {
                prop_assert_eq!(reader.peek(length), word);
                reader.skip(length as usize);
            }
            prop_assert_eq!(reader.position_bits(), bits);
            prop_assert!(!reader.overran() && reader.is_at_padding());
        }

        #[test]
        fn zeros_and_eols_are_found_as_in_text(
            octets in prop::collection::vec(prop_oneof![Just(0u8), Just(0), Just(1), Just(0x80), any::<u8>()], 0..40),
            from in 0usize..330,
        ) {
            let text = text(&octets);
            let rest = text.get(from..).unwrap_or("");
            let mut reader = BitReader::new(&octets, BitOrder::MsbFirst);
            reader.seek(from);
            prop_assert_eq!(reader.zeros(), rest.find('1'));
            let eol = rest.find("00000000000").filter(|&at| rest[at..].contains('1'));
            prop_assert_eq!(reader.find_eol(), eol.is_some());
            prop_assert_eq!(reader.position_bits(), eol.map_or(text.len(), |at| from + at));
        }
    }

    #[test]
    fn past_the_end_there_are_zeros() {
        let mut reader = BitReader::new(&[0xFF], BitOrder::MsbFirst);
        reader.skip(6);
        assert_eq!(reader.peek(8), 0b1100_0000);
        reader.skip(3);
        assert!(reader.overran());
        assert_eq!(reader.peek(32), 0);
        reader.seek(usize::MAX);
        reader.skip(1);
        assert_eq!((reader.peek(13), reader.zeros()), (0, None));
    }
}
