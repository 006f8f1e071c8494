//! The coding of bi-level pages: MH and MR (ITU-T T.4 clauses 4.1 and 4.2) and MMR (ITU-T T.6).
//!
//! [`encode()`] and [`Encoder`] make the bits of a page, [`decode()`] and [`Decoder`] rows of bits. Bits run from the most
//! significant bit of each octet; a telephone line and TIFF's FillOrder 2 have them the other way round:
//! [`reverse_bits`], [`BitOrder`].
//!
//! Decoding never fails as a whole. MH and MR rows between EOLs stand alone: a damaged one repeats the row above, or is
//! white, and is counted, as T.30's copy quality wants. Where rows hang on each other, as in MMR, decoding stops at the first damage
//! and [`End`] says so. Neither the extension codes nor uncompressed mode are known; they are damage.

mod decode;
mod encode;
mod table;

pub use decode::{
    Damage, DecodeOptions, Decoded, Decoder, End, Framing, LostRows, RowQuality, decode, decode_into,
};
pub use encode::{EncodeOptions, Encoder, encode, encode_into};

use core::fmt;

/// A coding scheme for bi-level pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Coding {
    /// Modified Huffman: T.4 one-dimensional coding; every Group 3 machine has it.
    #[default]
    Mh,
    /// Modified READ: T.4 two-dimensional coding.
    Mr,
    /// Modified Modified READ: T.6 coding; on a telephone line only under error correction.
    Mmr,
}

/// Which bit of an octet comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum BitOrder {
    /// The most significant: TIFF's FillOrder 1.
    #[default]
    MsbFirst,
    /// The least significant: a telephone line, and TIFF's FillOrder 2.
    LsbFirst,
}

impl fmt::Display for Coding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Mh => "MH",
            Self::Mr => "MR",
            Self::Mmr => "MMR",
        })
    }
}

/// Turns the bit order of every octet round, between most and least significant bit first.
pub fn reverse_bits(octets: &mut [u8]) {
    for octet in octets {
        *octet = octet.reverse_bits();
    }
}
