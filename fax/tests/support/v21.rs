//! Frames of V.21 as a Class 1 modem hands them out.

use fax_proto::at::dle;

/// A frame with its FCS, as a modem hands it out.
pub(crate) fn v21(octets: &[u8]) -> Vec<u8> {
    let shift = |crc: u16| if crc & 1 != 0 { crc >> 1 ^ 0x8408 } else { crc >> 1 };
    let crc =
        octets.iter().fold(0xFFFF, |crc, octet| (0..8).fold(crc ^ u16::from(*octet), |crc, _| shift(crc)));
    let octets: Vec<u8> = octets.iter().copied().chain((!crc).to_le_bytes()).collect();
    dle::stuff(&octets)
}
