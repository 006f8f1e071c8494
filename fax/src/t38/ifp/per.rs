//! Bits of the aligned packed encoding rules (ITU-T X.691), as far as IFP packets need them.

use super::IfpError;
use alloc::vec::Vec;

/// The largest "normally small" number of PER.
pub(super) const EXTENSION_MAX: u8 = 63;

/// An enumeration in PER: a number of the root, or of the extension.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Number {
    Root(u8),
    Extension(u8),
}

/// Reads bits, the highest of an octet first.
pub(super) struct BitReader<'a> {
    pub octets: &'a [u8],
    /// In bits.
    pub at: usize,
}

impl<'a> BitReader<'a> {
    pub(super) fn bit(&mut self) -> Result<bool, IfpError> {
        let octet = self.octets.get(self.at / 8).ok_or(IfpError::Truncated)?;
        let bit = octet >> (7 - self.at % 8) & 1 != 0;
        self.at += 1;
        Ok(bit)
    }

    pub(super) fn bits(&mut self, count: u8) -> Result<u8, IfpError> {
        (0..count).try_fold(0, |bits, _| Ok(bits << 1 | u8::from(self.bit()?)))
    }

    /// An enumeration with an extension marker, and `root_bits` for its root.
    pub(super) fn enumerated(&mut self, root_bits: u8) -> Result<Number, IfpError> {
        if !self.bit()? {
            return Ok(Number::Root(self.bits(root_bits)?));
        }
        // A "normally small" number: one bit says that it is not small, and then there is none yet.
        if self.bit()? {
            return Err(IfpError::Reserved);
        }
        Ok(Number::Extension(self.bits(6)?))
    }

    pub(super) fn align(&mut self) {
        self.at = self.at.next_multiple_of(8);
    }

    pub(super) fn octet(&mut self) -> Result<u8, IfpError> {
        self.bits(8)
    }

    /// Whole octets; what is read is aligned.
    pub(super) fn take(&mut self, count: usize) -> Result<&'a [u8], IfpError> {
        let start = self.at / 8;
        let octets = self.octets.get(start..start + count).ok_or(IfpError::Truncated)?;
        self.at += 8 * count;
        Ok(octets)
    }

    pub(super) fn rest(&self) -> &'a [u8] {
        self.octets.get(self.at / 8..).unwrap_or_default()
    }
}

/// Writes bits, the highest of an octet first.
#[derive(Default)]
pub(super) struct BitWriter {
    pub octets: Vec<u8>,
    /// Bits used of the last octet; 0 where it is full.
    used: u8,
}

impl BitWriter {
    pub(super) fn bits(&mut self, value: u8, count: u8) {
        for i in (0..count).rev() {
            if self.used == 0 {
                self.octets.push(0);
            }
            if let Some(last) = self.octets.last_mut() {
                *last |= (value >> i & 1) << (7 - self.used);
            }
            self.used = (self.used + 1) % 8;
        }
    }

    pub(super) fn enumerated(&mut self, number: Number, root_bits: u8) {
        match number {
            Number::Root(number) => {
                self.bits(0, 1);
                self.bits(number, root_bits);
            }
            Number::Extension(number) => {
                self.bits(0b10, 2);
                self.bits(number, 6);
            }
        }
    }

    pub(super) fn align(&mut self) {
        self.used = 0;
    }
}
