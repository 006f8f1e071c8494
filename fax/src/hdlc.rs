//! HDLC framing as fax uses it: flags, bit stuffing and the frame check sequence.
//!
//! ITU-T T.30 clause 5.3 and T.4 Annex A, after ISO/IEC 13239. Bits run from the least significant bit of each octet,
//! and so do the packed bytes written and read here, as T.31 has them. V.21 and the ECM image use the same framing.
//!
//! Reading never fails: what is no whole frame is dropped, a frame with a wrong FCS is given with `fcs_ok` false.

use alloc::vec::Vec;

/// The flag that stands around frames.
const FLAG: u8 = 0x7E;
/// What the CRC of a frame with its FCS comes to (ISO/IEC 13239).
const GOOD_FCS: u16 = 0xF0B8;
/// Octets of the FCS.
const FCS_OCTETS: usize = 2;
/// The shortest frame that is given, in octets with its FCS: address, control, FCS.
const FRAME_OCTETS_MIN: usize = 4;

/// The CRC-16 of ISO/IEC 13239, not yet complemented.
fn crc(octets: &[u8]) -> u16 {
    octets.iter().fold(0xFFFF, |crc, octet| {
        let [low, high] = crc.to_le_bytes();
        u16::from(high) ^ CRC_OF_OCTET[usize::from(low ^ octet)]
    })
}

/// Whether octets that end with their FCS are whole, for modems that hand frames out with it.
pub(crate) fn is_good(octets: &[u8]) -> bool {
    octets.len() > FCS_OCTETS && crc(octets) == GOOD_FCS
}

/// The CRC of each octet alone.
const CRC_OF_OCTET: [u16; 256] = {
    let mut table = [0; 256];
    let mut octet = 0;
    while octet < table.len() {
        let (mut crc, mut bit) = (octet as u16, 0);
        while bit < 8 {
            crc = if crc & 1 != 0 { crc >> 1 ^ 0x8408 } else { crc >> 1 };
            bit += 1;
        }
        table[octet] = crc;
        octet += 1;
    }
    table
};

/// The frame check sequence of a frame, in the order in which its two octets follow the frame.
#[must_use]
pub fn fcs(octets: &[u8]) -> [u8; FCS_OCTETS] {
    (!crc(octets)).to_le_bytes()
}

/// Bits that a frame takes on the line: its octets, its FCS, what is stuffed, and one flag.
#[must_use]
pub fn frame_bits(octets: &[u8]) -> usize {
    let mut encoder = Encoder::new();
    encoder.frame(octets);
    (encoder.bytes.len() * 8).saturating_sub(usize::from((8 - encoder.bits_used) % 8))
}

/// Writes frames as a stream of bits.
#[derive(Clone, Debug, Default)]
pub struct Encoder {
    bytes: Vec<u8>,
    bits_used: u8,
}

impl Encoder {
    /// An empty stream.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Writes flags.
    pub fn flags(&mut self, count: usize) {
        for _ in 0..count {
            (0..8).for_each(|i| self.bit(FLAG >> i & 1 != 0));
        }
    }

    /// Writes a frame, its FCS, and one flag.
    pub fn frame(&mut self, octets: &[u8]) {
        let fcs = fcs(octets);
        let mut ones = 0;
        for octet in octets.iter().chain(&fcs) {
            for i in 0..8 {
                let one = octet >> i & 1 != 0;
                self.bit(one);
                ones = if one { ones + 1 } else { 0 };
                if ones == 5 {
                    self.bit(false);
                    ones = 0;
                }
            }
        }
        self.flags(1);
    }

    /// What is there of the stream in whole bytes; the bits behind them stay, and more can be written.
    pub fn take(&mut self) -> Vec<u8> {
        let is_whole = self.bits_used == 0;
        let begun = if is_whole { None } else { self.bytes.pop() };
        core::mem::replace(&mut self.bytes, begun.into_iter().collect())
    }

    /// The stream; the last byte is filled with zeros.
    #[must_use]
    pub fn finish(self) -> Vec<u8> {
        self.bytes
    }

    fn bit(&mut self, one: bool) {
        if self.bits_used == 0 {
            self.bytes.push(0);
        }
        if one && let Some(last) = self.bytes.last_mut() {
            *last |= 1 << self.bits_used;
        }
        self.bits_used = (self.bits_used + 1) % 8;
    }
}

/// A frame that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decoded {
    /// The octets, without FCS.
    pub octets: Vec<u8>,
    /// Whether the FCS was right.
    pub fcs_ok: bool,
}

/// Reads frames from a stream of bits.
#[derive(Clone, Debug)]
pub struct Decoder {
    /// Longer frames are dropped.
    octets_max: usize,
    /// The frame being read; `None` before the first flag and after an abort.
    frame: Option<Vec<u8>>,
    bits_used: u8,
    ones: u8,
}

impl Decoder {
    /// A reader that drops frames longer than `octets_max`, FCS not counted.
    #[must_use]
    pub fn new(octets_max: usize) -> Self {
        Self { octets_max: octets_max + FCS_OCTETS, frame: None, bits_used: 0, ones: 0 }
    }

    /// Reads bytes and adds the frames that they end to `frames`.
    pub fn push(&mut self, bytes: &[u8], frames: &mut Vec<Decoded>) {
        for byte in bytes {
            for i in 0..8 {
                if let Some(frame) = self.bit(byte >> i & 1 != 0) {
                    frames.push(frame);
                }
            }
        }
    }

    fn bit(&mut self, one: bool) -> Option<Decoded> {
        let ones = self.ones;
        self.ones = if one { (ones + 1).min(7) } else { 0 };
        match (ones, one) {
            (5, false) => None,
            (6, false) => self.flag(),
            (6.., true) => {
                self.frame = None;
                None
            }
            _ => {
                self.data(one);
                None
            }
        }
    }

    fn data(&mut self, one: bool) {
        let Some(frame) = &mut self.frame else { return };
        if self.bits_used == 0 {
            if frame.len() > self.octets_max {
                self.frame = None;
                return;
            }
            frame.push(0);
        }
        if one && let Some(last) = frame.last_mut() {
            *last |= 1 << self.bits_used;
        }
        self.bits_used = (self.bits_used + 1) % 8;
    }

    /// A flag ends the frame before it and begins the next. Its first seven bits were taken for data.
    fn flag(&mut self) -> Option<Decoded> {
        const FLAG_BITS_AS_DATA: u8 = 7;
        let bits = core::mem::take(&mut self.bits_used);
        let mut octets = self.frame.replace(Vec::new())?;
        if bits != FLAG_BITS_AS_DATA {
            return Self::ragged(octets);
        }
        octets.pop();
        if octets.len() < FRAME_OCTETS_MIN {
            return None;
        }
        let fcs_ok = crc(&octets) == GOOD_FCS;
        octets.truncate(octets.len() - FCS_OCTETS);
        Some(Decoded { octets, fcs_ok })
    }

    /// A frame that is no whole number of octets is a damaged frame, if it is one at all.
    fn ragged(octets: Vec<u8>) -> Option<Decoded> {
        (octets.len() > FRAME_OCTETS_MIN).then_some(Decoded { octets, fcs_ok: false })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use alloc::vec;
    use proptest::prelude::*;

    fn decode(bytes: &[u8]) -> Vec<Decoded> {
        let mut frames = Vec::new();
        Decoder::new(300).push(bytes, &mut frames);
        frames
    }

    #[test]
    fn the_check_sequence_is_the_standard_one() {
        // The check value of CRC-16/X-25.
        assert_eq!(!crc(b"123456789"), 0x906E);
    }

    #[test]
    fn a_known_frame_has_known_bits() {
        let mut encoder = Encoder::new();
        encoder.flags(1);
        encoder.frame(&[0xFF, 0x13, 0x8C]);
        let bytes = encoder.finish();
        // Flag, then eight ones with a zero stuffed after the fifth.
        assert_eq!(bytes[0], FLAG);
        assert_eq!(bytes[1], 0b1101_1111);
        assert_eq!(decode(&bytes), [Decoded { octets: vec![0xFF, 0x13, 0x8C], fcs_ok: true }]);
    }

    #[test]
    fn a_stream_can_be_taken_piece_by_piece() {
        let (mut whole, mut piece, mut pieces) = (Encoder::new(), Encoder::new(), Vec::new());
        for frame in [&[0xFF, 0xFF, 0xFF][..], &[1, 2, 3], &[0x1F, 0xFF, 0]] {
            whole.frame(frame);
            piece.frame(frame);
            pieces.extend(piece.take());
        }
        pieces.extend(piece.finish());
        assert_eq!(pieces, whole.finish());
        assert_eq!(Encoder::new().take(), []);
    }

    #[test]
    fn a_frame_that_is_too_long_or_aborted_is_dropped() {
        let mut encoder = Encoder::new();
        encoder.flags(2);
        encoder.frame(&[0x55; 301]);
        encoder.frame(&[1, 2, 3]);
        assert_eq!(decode(&encoder.finish()), [Decoded { octets: vec![1, 2, 3], fcs_ok: true }]);
        assert_eq!(decode(&[FLAG, 1, 2, 3, 4, 5, 6, 7, 0xFF, 0xFF, FLAG]), []);
    }

    proptest! {
        #[test]
        fn frames_read_back(frames in prop::collection::vec(prop::collection::vec(any::<u8>(), 2..270), 0..5),
                            flags in 1usize..4) {
            let mut encoder = Encoder::new();
            encoder.flags(flags);
            frames.iter().for_each(|frame| encoder.frame(frame));
            let read: Vec<Vec<u8>> = decode(&encoder.finish()).into_iter().map(|f| { assert!(f.fcs_ok); f.octets }).collect();
            prop_assert_eq!(read, frames);
        }

        #[test]
        fn a_flipped_bit_never_passes(frame in prop::collection::vec(any::<u8>(), 3..64), at in any::<prop::sample::Index>()) {
            let mut encoder = Encoder::new();
            encoder.flags(1);
            encoder.frame(&frame);
            let mut bytes = encoder.finish();
            let bit = at.index(bytes.len() * 8);
            bytes[bit / 8] ^= 1 << (bit % 8);
            for read in decode(&bytes) {
                prop_assert!(!read.fcs_ok || read.octets == frame);
            }
        }

        #[test]
        fn noise_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..500)) {
            for frame in decode(&bytes) {
                prop_assert!(frame.octets.len() <= 302);
            }
        }
    }
}
