//! Bits in, a machine word at a time.
//!
//! A window of 56 bits or more is refilled by one load of eight octets, wherever in an octet the reader stands; only in
//! the last seven octets they come one by one. Reading past the end yields zeros, which no code word consists of, so a
//! decoder meets an invalid code soon; [`BitReader::overran`] tells the two apart.

use crate::t4::BitOrder;
use crate::t4::table::EOL_ZEROS;

/// Reads bits at any position of a slice.
#[derive(Clone, Copy, Debug)]
pub(super) struct BitReader<'a> {
    data: &'a [u8],
    order: BitOrder,
    /// The next bits, left-aligned; beyond `valid_bits` stand the bits that follow, or zeros.
    window: u64,
    valid_bits: u32,
    /// The octets after the valid bits.
    rest: &'a [u8],
    /// Octets of zeros that were read after the end.
    padding: usize,
}

impl<'a> BitReader<'a> {
    pub(super) fn new(data: &'a [u8], order: BitOrder) -> Self {
        Self { data, order, window: 0, valid_bits: 0, rest: data, padding: 0 }
    }

    /// Bits read so far.
    pub(super) fn position_bits(&self) -> usize {
        (self.data.len() - self.rest.len()).saturating_add(self.padding).saturating_mul(8)
            - self.valid_bits as usize
    }

    /// Goes to a position.
    pub(super) fn seek(&mut self, position_bits: usize) {
        let first = position_bits / 8;
        let rest = self.data.get(first..).unwrap_or(&[]);
        let padding = first.saturating_sub(self.data.len());
        *self = Self { rest, padding, ..Self::new(self.data, self.order) };
        self.refill();
        self.take(position_bits as u32 % 8);
    }

    /// Goes to the next octet boundary, unless it stands on one.
    pub(super) fn align(&mut self) {
        self.take(self.valid_bits % 8);
    }

    /// Whether more bits were taken than there are.
    pub(super) fn overran(&self) -> bool {
        self.position_bits() > self.bits()
    }

    /// Whether nothing is left, or nothing but zeros (padding).
    pub(super) fn is_at_padding(&self) -> bool {
        self.zeros().is_none()
    }

    /// How the bits lie in the octets.
    pub(super) fn order(&self) -> BitOrder {
        self.order
    }

    /// Sees to it that 56 bits can be looked at and taken.
    pub(super) fn refill(&mut self) {
        match self.order {
            BitOrder::MsbFirst => self.refill_in::<false>(),
            BitOrder::LsbFirst => self.refill_in::<true>(),
        }
    }

    /// Sees to it that `COUNT` bits can, where the order is known when the program is compiled.
    #[inline(always)]
    pub(super) fn need<const LSB_FIRST: bool, const COUNT: u32>(&mut self) {
        if self.valid_bits < COUNT {
            self.refill_in::<LSB_FIRST>();
        }
    }

    /// As [`refill`](Self::refill), where the order is known when the program is compiled.
    #[inline(always)]
    pub(super) fn refill_in<const LSB_FIRST: bool>(&mut self) {
        let Some(octets) = self.rest.first_chunk::<8>() else {
            // By value, since what has an address is not kept in registers.
            *self = self.refilled_at_end();
            return;
        };
        let word = if LSB_FIRST {
            // Eight octets with their last bit first are one word with its last bit first.
            u64::from_le_bytes(*octets).reverse_bits()
        } else {
            u64::from_be_bytes(*octets)
        };
        // The load may bring more bits than are counted; the next one brings the same again.
        self.window |= word >> (self.valid_bits & 63);
        self.rest = &self.rest[((63 - self.valid_bits) & 63) as usize / 8..];
        self.valid_bits |= 56;
    }

    #[cold]
    #[inline(never)]
    fn refilled_at_end(mut self) -> Self {
        while self.valid_bits < 56 {
            let octet = self.rest.split_off_first().copied().unwrap_or_else(|| {
                self.padding = self.padding.saturating_add(1);
                0
            });
            let octet = if self.order == BitOrder::LsbFirst { octet.reverse_bits() } else { octet };
            self.window |= u64::from(octet) << 56 >> self.valid_bits;
            self.valid_bits += 8;
        }
        self
    }

    /// The next `count` bits (1 to 56), right-aligned, without taking them.
    #[inline]
    pub(super) fn peek(&self, count: u32) -> usize {
        (self.window >> (64 - count)) as usize
    }

    /// The number of ones before the next zero, as far as they can be taken.
    #[inline]
    pub(super) fn ones(&self) -> u32 {
        self.window.leading_ones().min(self.valid_bits)
    }

    /// Takes bits that were looked at since the last refill.
    #[inline]
    pub(super) fn take(&mut self, count: u32) {
        self.window <<= count & 63;
        self.valid_bits = self.valid_bits.wrapping_sub(count);
    }

    /// Takes bits, however many.
    pub(super) fn skip(&mut self, count: usize) {
        if count <= self.valid_bits as usize {
            self.take(count as u32);
        } else {
            self.seek(self.position_bits().saturating_add(count));
        }
        self.refill();
    }

    /// The number of zeros before the next one; `None` where no one follows.
    pub(super) fn zeros(&self) -> Option<usize> {
        let zeros = self.window.leading_zeros();
        if zeros < self.valid_bits {
            return Some(zeros as usize);
        }
        let start = self.position_bits();
        let mut at = start;
        while at < self.bits() {
            let word = self.window_at(at);
            if word != 0 {
                return Some(at + word.leading_zeros() as usize - start);
            }
            at += 64;
        }
        None
    }

    /// Goes to the zeros of the next EOL at or after the present position; `false`, and at the end, without one.
    pub(super) fn find_eol(&mut self) -> bool {
        let mut at = self.position_bits();
        while at < self.bits() {
            let starts = zero_runs(self.window_at(at));
            if starts != 0 {
                self.seek(at + starts.leading_zeros() as usize);
                if self.zeros().is_some() {
                    return true;
                }
                break;
            }
            // A run of zeros may begin in the last bits of this word and go on in the next.
            at += 64 - EOL_ZEROS + 1;
        }
        self.seek(self.bits());
        false
    }

    /// Whether at `position_bits` there is an EOL one of whose zeros is a one.
    pub(super) fn is_eol_with_wrong_bit(&self, position_bits: usize) -> bool {
        let eol = self.window_at(position_bits) >> (63 - EOL_ZEROS);
        eol & 1 == 1 && (eol >> 1).is_power_of_two()
    }

    fn bits(&self) -> usize {
        self.data.len().saturating_mul(8)
    }

    /// The 64 bits from `at`; zeros beyond the end.
    fn window_at(&self, at: usize) -> u64 {
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
    use crate::t4::reverse_bits;
    use alloc::string::String;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    /// A stream of bits as text.
    fn text(octets: &[u8]) -> String {
        octets.iter().map(|octet| alloc::format!("{octet:08b}")).collect()
    }

    fn any_octets() -> impl Strategy<Value = Vec<u8>> {
        let octet = prop_oneof![Just(0u8), Just(0), Just(1), Just(0x80), any::<u8>()];
        prop::collection::vec(octet, 0..40)
    }

    proptest! {
        #[test]
        fn bits_come_in_either_order(octets in any_octets(), counts in prop::collection::vec(1u32..57, 0..40)) {
            let mut turned = octets.clone();
            reverse_bits(&mut turned);
            let mut readers =
                [BitReader::new(&octets, BitOrder::MsbFirst), BitReader::new(&turned, BitOrder::LsbFirst)];
            let padded = text(&octets) + &"0".repeat(3000);
            let mut at = 0;
            for count in counts {
                let expected = usize::from_str_radix(&padded[at..at + count as usize], 2).unwrap();
                at += count as usize;
                for reader in &mut readers {
                    reader.refill();
                    prop_assert_eq!(reader.peek(count), expected);
                    reader.take(count);
                    prop_assert_eq!((reader.position_bits(), reader.overran()), (at, at > octets.len() * 8));
                }
            }
        }

        #[test]
        fn zeros_and_eols_are_found_as_in_text(octets in any_octets(), from in 0usize..330, lsb_first: bool) {
            let text = text(&octets);
            let rest = text.get(from..).unwrap_or("");
            let (mut octets, mut order) = (octets, BitOrder::MsbFirst);
            if lsb_first {
                reverse_bits(&mut octets);
                order = BitOrder::LsbFirst;
            }
            let mut reader = BitReader::new(&octets, order);
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
        reader.skip(usize::MAX);
        reader.skip(1);
        assert_eq!((reader.peek(13), reader.zeros()), (0, None));
    }
}
