//! The bits of a DIS, DTC or DCS information field (ITU-T T.30 table 2), counted from 1 as the table counts them.
//!
//! A field has three octets. The last bit of the third and of each one after it (24, 32, 40 and so on) is the extend
//! bit: another octet follows. What comes after an octet without it does not belong to the field.

use alloc::vec::Vec;

/// Octets that every field has.
const OCTETS_MIN: usize = 3;
/// The last bit of an octet.
const EXTEND: u8 = 0x80;

/// Bits of an information field; beyond its end they are 0.
#[derive(Clone, Copy)]
pub(super) struct Bits<'a>(&'a [u8]);

impl<'a> Bits<'a> {
    pub(super) fn new(fif: &'a [u8]) -> Self {
        let end = fif.iter().enumerate().skip(OCTETS_MIN - 1).find(|(_, octet)| **octet & EXTEND == 0);
        let octets = end.map_or(fif.len(), |(last, _)| last + 1);
        Self(fif.get(..octets).unwrap_or(fif))
    }

    pub(super) fn get(self, bit: usize) -> bool {
        let index = bit - 1;
        self.0.get(index / 8).is_some_and(|octet| octet >> (index % 8) & 1 != 0)
    }

    /// Up to 8 bits, the first lowest.
    pub(super) fn range(self, first: usize, count: usize) -> u8 {
        (0..count).fold(0, |acc, i| acc | u8::from(self.get(first + i)) << i)
    }
}

/// A field in writing; it ends with the last octet that says something.
pub(super) struct BitsMut([u8; BitsMut::OCTETS]);

impl BitsMut {
    /// Bits 1 to 80.
    const OCTETS: usize = 10;

    pub(super) fn new() -> Self {
        Self([0; Self::OCTETS])
    }

    /// A field that is there, to be added to.
    pub(super) fn of(fif: &[u8]) -> Self {
        let mut bits = Self::new();
        bits.0.iter_mut().zip(fif).for_each(|(octet, from)| *octet = *from);
        bits.0.iter_mut().skip(OCTETS_MIN - 1).for_each(|octet| *octet &= !EXTEND);
        bits
    }

    /// Sets a bit; one that is not to be set stays what it is.
    pub(super) fn set(&mut self, bit: usize, value: bool) {
        let index = bit - 1;
        if value && let Some(octet) = self.0.get_mut(index / 8) {
            *octet |= 1 << (index % 8);
        }
    }

    pub(super) fn set_range(&mut self, first: usize, count: usize, value: u8) {
        for i in 0..count {
            self.set(first + i, value >> i & 1 != 0);
        }
    }

    pub(super) fn finish(mut self) -> Vec<u8> {
        let last = self.0.iter().rposition(|octet| *octet != 0).unwrap_or(0);
        let octets = (last + 1).max(OCTETS_MIN);
        self.0.iter_mut().take(octets - 1).skip(OCTETS_MIN - 1).for_each(|octet| *octet |= EXTEND);
        self.0.into_iter().take(octets).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_ends_where_its_extend_bit_is_missing() {
        let long = [0x00, 0x00, 0x80, 0x84, 0x01, 0xFF];
        assert!(Bits::new(&long).get(27) && Bits::new(&long).get(33));
        assert!(!Bits::new(&long).get(41), "bit 40 is 0");
        // The first two octets have no extend bit: 8 and 16 mean something else.
        assert!(Bits::new(&[0x00, 0x00, 0x01]).get(17));
        assert!(!Bits::new(&[0xFF]).get(9));
        assert!(!Bits::new(&[]).get(1));
    }

    #[test]
    fn every_bit_is_written_with_the_extend_bits_it_needs() {
        for bit in (1..=80).filter(|bit| bit % 8 != 0 || *bit < 24) {
            let mut bits = BitsMut::new();
            bits.set(bit, true);
            let fif = bits.finish();
            assert_eq!(fif.len(), bit.div_ceil(8).max(3));
            let extended = (24..=80).step_by(8).filter(|extend| Bits::new(&fif).get(*extend)).count();
            assert_eq!(extended, fif.len() - 3);
            assert!(Bits::new(&fif).get(bit), "bit {bit}");
        }
    }
}
