//! Data in the stream between computer and modem: `<DLE>` stuffing (ITU-T T.31 clause 8.3, T.32 clause 8.3.3).
//!
//! A `<DLE>` in the data is sent twice, and `<DLE><ETX>` ends them. The way back is [`super::reader::Reader::data`].
//! The order of bits is not changed here; T.31 and the carrier seam have the same (the least significant bit of a byte
//! is the first on the line), and what T.32 calls `+FBO` is turned by [`crate::t4::reverse_bits`].

use alloc::vec::Vec;

/// Data link escape: what follows it is no data.
pub const DLE: u8 = 0x10;
/// After `<DLE>`: the data are over.
pub const ETX: u8 = 0x03;
/// After `<DLE>`: two bytes of data, both `<DLE>` (T.31 `+FDD`).
pub const SUB: u8 = 0x1A;
/// Cancel: what ends a reception in Class 1 (any byte does) and a transfer in Class 2.
pub const CAN: u8 = 0x18;
/// Device control 1, XON: the modem takes more.
pub const XON: u8 = 0x11;
/// Device control 2: the computer takes received image data (Class 2).
pub const DC2: u8 = 0x12;
/// Device control 3, XOFF: the modem takes no more for now.
pub const XOFF: u8 = 0x13;
/// What ends data.
pub const END: [u8; 2] = [DLE, ETX];

/// Adds data to a stream.
pub fn put(data: &[u8], stream: &mut Vec<u8>) {
    stream.reserve(data.len() + data.len() / 64 + END.len());
    for &byte in data {
        stream.push(byte);
        if byte == DLE {
            stream.push(byte);
        }
    }
}

/// Data as a stream with its end.
#[must_use]
pub fn stuff(data: &[u8]) -> Vec<u8> {
    let mut stream = Vec::new();
    put(data, &mut stream);
    stream.extend_from_slice(&END);
    stream
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_escape_is_doubled_and_the_end_marked() {
        assert_eq!(stuff(&[1, DLE, 2, ETX]), [1, DLE, DLE, 2, ETX, DLE, ETX]);
        assert_eq!(stuff(&[]), END);
    }
}
