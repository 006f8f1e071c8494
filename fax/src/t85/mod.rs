//! JBIG for fax: ITU-T T.85, the profile of T.82 with one layer, one bit plane and stripes one below the other.
//!
//! [`encode()`] and [`Encoder`] make coded data of a page, [`decode()`] and [`Decoder`] rows of coded data; the
//! encoder takes a page row by row and the decoder takes its data in any pieces, so that a page need not be in memory
//! twice. Octets go over a line as they are, the least significant bit first; T.4's bits are turned round for that.
//!
//! A page is a header (BIH) and stripes; each stripe is coded data and a marker. A row that equals the row above is
//! one symbol where typical prediction (TPBON) is on; of any other row each pixel is coded arithmetically, in a
//! context of ten pixels around it.
//!
//! The code has no redundancy: damage is not seen where it happens, and all that follows is noise. So JBIG is for lines
//! with error correction only, and [`Decoded::complete`] is the one good news. Decoding never fails as a whole: rows up
//! to where the data ends or cannot be right are kept, and [`End`] says why there are no more.

mod arith_decode;
mod arith_encode;
mod decode;
mod encode;
mod header;
mod image;
mod markers;
mod probability;
mod row;
mod template;

pub use decode::{Damage, DecodeOptions, Decoded, Decoder, End, decode};
pub use encode::{EncodeOptions, Encoder, encode};

/// The test sequence of T.82 clause 7.1 for the arithmetic coder.
#[cfg(test)]
mod test_sequence {
    use alloc::vec::Vec;

    const PIXELS: [u16; 16] = [
        0x05E0, 0x0000, 0x8B00, 0x01C4, 0x1700, 0x0034, 0x7FFF, 0x1A3F, 0x951B, 0x05D8, 0x1D17, 0xE770,
        0x0000, 0x0000, 0x0656, 0x0E6A,
    ];
    const CONTEXTS: [u16; 16] = [0x0FE0, 0, 0x0F00, 0x00F0, 0xFF00, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    pub(super) const CODED: [u8; 30] = [
        0x69, 0x89, 0x99, 0x5C, 0x32, 0xEA, 0xFA, 0xA0, 0xD5, 0xFF, 0x00, 0x52, 0x7F, 0xFF, 0x00, 0xFF, 0x00,
        0xFF, 0x00, 0xC0, 0x00, 0x00, 0x00, 0x3F, 0xFF, 0x00, 0x2D, 0x20, 0x82, 0x91,
    ];

    /// Context and pixel.
    pub(super) fn pixels() -> impl Iterator<Item = (usize, u32)> {
        let bit = |words: &[u16; 16], at: usize| words[at / 16] >> (15 - at % 16) & 1;
        (0..256).map(move |at| (usize::from(bit(&CONTEXTS, at)), u32::from(bit(&PIXELS, at))))
    }

    /// The coded data without the stuffed zeros.
    pub(super) fn unstuffed() -> Vec<u8> {
        let stuffed = |at: usize| at > 0 && CODED[at - 1] == 0xFF;
        CODED.into_iter().enumerate().filter(|(at, _)| !stuffed(*at)).map(|(_, octet)| octet).collect()
    }
}
