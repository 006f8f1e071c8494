//! Bits out, most significant bit first, a machine word at a time.

use super::table::Code;
use alloc::vec::Vec;

/// Writes bits into octets.
#[derive(Debug, Default)]
pub(super) struct BitWriter {
    octets: Vec<u8>,
    /// The bits that do not fill an octet yet, right-aligned.
    pending: u64,
    pending_bits: u32,
    /// Octets that were taken out.
    taken: usize,
}

impl BitWriter {
    /// Bits written so far.
    pub(super) fn position_bits(&self) -> usize {
        (self.taken + self.octets.len()) * 8 + self.pending_bits as usize
    }

    /// Appends a code word.
    pub(super) fn put(&mut self, code: Code) {
        self.pending = self.pending << code.length | u64::from(code.word);
        self.pending_bits += u32::from(code.length);
        // 31 bits at most stay behind and a code has 16 at most, so the word never overflows.
        if self.pending_bits >= 32 {
            self.pending_bits -= 32;
            let word = (self.pending >> self.pending_bits) as u32;
            self.octets.extend_from_slice(&word.to_be_bytes());
        }
    }

    /// Appends zeros.
    pub(super) fn zeros(&mut self, mut count: usize) {
        while count > 0 {
            let length = count.min(16) as u8;
            self.put(Code { word: 0, length });
            count -= usize::from(length);
        }
    }

    /// The whole octets so far.
    pub(super) fn take(&mut self) -> Vec<u8> {
        while self.pending_bits >= 8 {
            self.pending_bits -= 8;
            self.octets.push((self.pending >> self.pending_bits) as u8);
        }
        self.taken += self.octets.len();
        core::mem::take(&mut self.octets)
    }

    /// All that is left, the last octet filled up with zeros.
    pub(super) fn finish(mut self) -> Vec<u8> {
        self.zeros(self.pending_bits.next_multiple_of(8) as usize - self.pending_bits as usize);
        self.take()
    }
}
