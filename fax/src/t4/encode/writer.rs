//! Bits out.
//!
//! A row reserves room for the longest code it can have, once. Its codes go through a [`Pen`], which keeps the bits in
//! registers and stores whole words.

use super::words::Word;
use crate::t4::{BitOrder, reverse_bits};
use alloc::vec::Vec;

/// Octets in the making.
#[derive(Debug, Default)]
pub(super) struct BitWriter {
    /// Octets that are written and, behind them, room with some content or other.
    octets: Vec<u8>,
    written: usize,
    tail: Tail,
    /// Octets that were taken out.
    taken: usize,
    order: BitOrder,
}

/// Bits that do not fill an octet: the low `count` of `bits`. What stands above them is of no use.
#[derive(Clone, Copy, Debug, Default)]
struct Tail {
    bits: u64,
    count: u32,
}

impl BitWriter {
    /// Writes into `room`, whose content is lost.
    pub(super) fn new(room: Vec<u8>, order: BitOrder) -> Self {
        Self { octets: room, order, ..Self::default() }
    }

    /// Bits written so far.
    pub(super) fn position_bits(&self) -> usize {
        (self.taken + self.written) * 8 + self.tail.count as usize
    }

    /// Appends what `codes` puts, which must fit into `octets_max`.
    #[inline]
    pub(super) fn put_all(&mut self, octets_max: usize, codes: impl for<'a> FnOnce(Pen<'a>) -> Pen<'a>) {
        let end = self.written + octets_max + Pen::STORE_OCTETS;
        if self.octets.len() < end {
            self.octets.resize(end.max(self.octets.len() * 2), 0);
        }
        let room = self.octets.get_mut(self.written..).unwrap_or_default();
        let octets = room.len();
        let pen = codes(Pen { room, tail: self.tail });
        self.written += octets - pen.room.len();
        self.tail = pen.tail;
    }

    /// Appends a code word.
    pub(super) fn put(&mut self, word: Word) {
        self.put_all(Pen::STORE_OCTETS, |pen| pen.put(word));
    }

    /// Appends zeros.
    pub(super) fn zeros(&mut self, count: usize) {
        self.put_all(count / 8 + Pen::STORE_OCTETS, |pen| pen.repeat(0, count));
    }

    /// The whole octets so far.
    pub(super) fn take(&mut self) -> Vec<u8> {
        self.octets.truncate(self.written);
        self.taken += self.written;
        self.written = 0;
        if self.order == BitOrder::LsbFirst {
            // Octets in the cache, sixteen at a time: this costs less than a store of another kind would.
            reverse_bits(&mut self.octets);
        }
        core::mem::take(&mut self.octets)
    }

    /// All that is left, the last octet filled up with zeros.
    pub(super) fn finish(mut self) -> Vec<u8> {
        self.put(Word::zeros(self.tail.count.wrapping_neg() % 8));
        self.take()
    }
}

/// Puts codes. It goes from hand to hand by value, so that it stays in registers.
///
/// Where its room ends it stores no more; that room is large enough is up to who asked for it.
#[derive(Debug)]
pub(super) struct Pen<'a> {
    room: &'a mut [u8],
    tail: Tail,
}

impl Pen<'_> {
    /// Bits that [`put_wide`](Self::put_wide) takes.
    pub(super) const WIDE_BITS: u32 = 56;
    /// Octets that one store touches.
    const STORE_OCTETS: usize = size_of::<u64>();

    /// Appends a code word.
    #[inline(always)]
    pub(super) fn put(self, word: Word) -> Self {
        self.put_wide(word.bits(), word.length())
    }

    /// Appends code words, four at a time as long as they are short, which they mostly are.
    pub(super) fn put_words(mut self, words: &[Word]) -> Self {
        let (fours, rest) = words.as_chunks();
        for &[first, second, third, fourth] in fours {
            let (before, behind) = (first.length() + second.length(), third.length() + fourth.length());
            let head = first.bits() << second.length() | second.bits();
            let tail = third.bits() << fourth.length() | fourth.bits();
            self = if before + behind <= Self::WIDE_BITS {
                self.put_wide(head << behind | tail, before + behind)
            } else {
                self.put_wide(head, before).put_wide(tail, behind)
            };
        }
        rest.iter().fold(self, |pen, word| pen.put(*word))
    }

    /// Appends at most [`WIDE_BITS`](Self::WIDE_BITS), and stores whole octets: always, so that there is no branch which a
    /// processor could foresee wrongly. Seven bits at most are left.
    #[inline(always)]
    pub(super) fn put_wide(mut self, bits: u64, count: u32) -> Self {
        self.tail.bits = self.tail.bits << count | bits;
        self.tail.count += count;
        let octets = self.tail.bits.wrapping_shl(self.tail.count.wrapping_neg()).to_be_bytes();
        let room = core::mem::take(&mut self.room);
        if let Some(first) = room.first_chunk_mut::<{ Pen::STORE_OCTETS }>() {
            *first = octets;
            // It is less than eight anyway; as the compiler knows it too, nothing can go wrong here.
            self.room = &mut room[(self.tail.count / 8) as usize % Pen::STORE_OCTETS..];
        }
        self.tail.count %= 8;
        self
    }

    /// Appends the same bit a number of times.
    pub(super) fn repeat(mut self, bit: u8, count: usize) -> Self {
        let bits = if bit == 0 { 0 } else { u64::MAX };
        for _ in 0..count / 32 {
            self = self.put_wide(bits >> 32, 32);
        }
        let rest = count as u32 % 32;
        self.put_wide(bits & ((1 << rest) - 1), rest)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::t4::table::Code;
    use alloc::format;
    use alloc::string::String;
    use proptest::prelude::*;

    /// A stream of bits as text.
    fn text(octets: &[u8]) -> String {
        octets.iter().map(|octet| format!("{octet:08b}")).collect()
    }

    /// What can be put.
    #[derive(Clone, Debug)]
    enum Put {
        Word(u16, u8),
        Wide(u64, u32),
        Zeros(usize),
        Ones(usize),
        Take,
    }

    fn any_put() -> impl Strategy<Value = Put> {
        prop_oneof![
            (any::<u16>(), 0u8..=16)
                .prop_map(|(bits, count)| Put::Word(bits & ((1u32 << count) - 1) as u16, count)),
            (any::<u64>(), 0u32..=56).prop_map(|(bits, count)| Put::Wide(bits & ((1 << count) - 1), count)),
            (0usize..300).prop_map(Put::Zeros),
            (0usize..300).prop_map(Put::Ones),
            Just(Put::Take),
        ]
    }

    /// The digits of the lowest `count` bits.
    fn digits(bits: u64, count: usize) -> String {
        if count == 0 { String::new() } else { format!("{bits:0count$b}") }
    }

    proptest! {
        #[test]
        fn what_is_put_is_there(puts in prop::collection::vec(any_put(), 0..60), order in prop::sample::select(&[BitOrder::MsbFirst, BitOrder::LsbFirst][..])) {
            let mut writer = BitWriter::new(alloc::vec![0xA5; 40], order);
            let (mut octets, mut expected) = (Vec::new(), String::new());
            for put in puts {
                match put {
                    Put::Word(word, length) => {
                        writer.put(Word::new(Code { word, length }));
                        expected += &digits(word.into(), length.into());
                    }
                    Put::Wide(bits, count) => {
                        writer.put_all(8, |pen| pen.put_wide(bits, count));
                        expected += &digits(bits, count as usize);
                    }
                    Put::Zeros(count) => {
                        writer.zeros(count);
                        expected += &"0".repeat(count);
                    }
                    Put::Ones(count) => {
                        writer.put_all(count / 8 + 8, |pen| pen.repeat(1, count));
                        expected += &"1".repeat(count);
                    }
                    Put::Take => octets.extend(writer.take()),
                }
                prop_assert_eq!(writer.position_bits(), expected.len());
            }
            octets.extend(writer.finish());
            if order == BitOrder::LsbFirst {
                reverse_bits(&mut octets);
            }
            expected += &"0".repeat(expected.len().next_multiple_of(8) - expected.len());
            prop_assert_eq!(text(&octets), expected);
        }
    }
}
