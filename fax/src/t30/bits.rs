//! The bits of a DIS or DCS information field (ITU-T T.30 table 2), counted from 1 as the table counts them.

use alloc::vec::Vec;

/// Bits of an information field, counted from 1 as T.30 counts them; beyond the end they are 0.
#[derive(Clone, Copy)]
pub(super) struct Bits<'a>(pub &'a [u8]);

impl Bits<'_> {
    pub(super) fn get(self, bit: usize) -> bool {
        let index = bit - 1;
        self.0.get(index / 8).is_some_and(|octet| octet >> (index % 8) & 1 != 0)
    }

    /// Up to 8 bits, the first lowest.
    pub(super) fn range(self, first: usize, count: usize) -> u8 {
        (0..count).fold(0, |acc, i| acc | u8::from(self.get(first + i)) << i)
    }
}

/// A field in writing. Bits 24, 32 and 40 say that another octet follows.
pub(super) struct BitsMut([u8; BitsMut::OCTETS]);

impl BitsMut {
    const OCTETS: usize = 6;
    /// Octets that are always sent.
    const OCTETS_MIN: usize = 3;

    pub(super) fn new() -> Self {
        Self([0; Self::OCTETS])
    }

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
        let octets = (last + 1).max(Self::OCTETS_MIN);
        for extended in Self::OCTETS_MIN..octets {
            self.set(extended * 8, true);
        }
        self.0.into_iter().take(octets).collect()
    }
}
