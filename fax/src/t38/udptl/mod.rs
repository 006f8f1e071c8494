//! UDPTL: IFP packets in datagrams, with what it takes to get over the loss of some (ITU-T T.38 clause 9).
//!
//! A datagram has a number, one packet of its own, and either the packets before it once more (redundancy), or parity
//! over them (FEC). [`Sender`] writes datagrams; [`Receiver`] gives the packets once each and in order, rebuilds what it
//! can, and tells of what is lost. What a station writes does not bind what it reads: both schemes are read, also mixed.

mod receiver;
mod sender;

pub use receiver::{Arrival, REORDER_WAIT, Receiver};
pub use sender::{Protection, Sender};

use super::ifp::PACKET_OCTETS_MAX;
use alloc::vec::Vec;
use core::fmt;

/// The longest datagram that is read.
pub const DATAGRAM_OCTETS_MAX: usize = 16 << 10;
/// The most packets sent again that are read of one datagram; also the most parities.
pub const RECOVERY_PACKETS_MAX: usize = 16;
/// The first bit of the error recovery part says which kind it is.
const FEC: u8 = 0x80;

/// A datagram, as read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Datagram<'a> {
    /// Its number, modulo 65,536.
    pub number: u16,
    /// The IFP packet of this number.
    pub primary: &'a [u8],
    /// What helps to rebuild those before.
    pub recovery: Recovery<'a>,
}

/// The error recovery part of a datagram.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recovery<'a> {
    /// The packets before, the latest first.
    Packets(Vec<&'a [u8]>),
    /// Parity n is over the `span` packets at distance `parities.len()` from one another, of which the latest is
    /// `number + n - parities.len()`.
    Fec {
        /// Packets under a parity.
        span: usize,
        /// The parities.
        parities: Vec<&'a [u8]>,
    },
}

/// Why octets are no UDPTL datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UdptlError {
    /// It ends within its first packet.
    Truncated,
    /// It is longer than [`DATAGRAM_OCTETS_MAX`], or its packet longer than [`PACKET_OCTETS_MAX`].
    TooLong,
    /// A length in pieces, which no station has a use for.
    Fragmented,
}

impl fmt::Display for UdptlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Truncated => "UDPTL datagram is cut short",
            Self::TooLong => "UDPTL datagram is too long",
            Self::Fragmented => "UDPTL packet in pieces",
        })
    }
}

impl core::error::Error for UdptlError {}

impl<'a> Datagram<'a> {
    /// Reads a datagram. Where its first packet is whole, a damaged rest is left aside.
    ///
    /// # Errors
    ///
    /// [`UdptlError`].
    pub fn parse(octets: &'a [u8]) -> Result<Self, UdptlError> {
        if octets.len() > DATAGRAM_OCTETS_MAX {
            return Err(UdptlError::TooLong);
        }
        let Some((number, mut rest)) = octets.split_first_chunk::<2>() else {
            return Err(UdptlError::Truncated);
        };
        let primary = packet(&mut rest)?;
        Ok(Self { number: u16::from_be_bytes(*number), primary, recovery: recovery(rest) })
    }
}

fn recovery(mut rest: &[u8]) -> Recovery<'_> {
    let is_fec = rest.split_off_first().is_some_and(|kind| kind & FEC != 0);
    let span = if is_fec { span(&mut rest) } else { Some(0) };
    let packets = span.map_or(Vec::new(), |_| packets(&mut rest));
    match span {
        Some(span) if is_fec => Recovery::Fec { span, parities: packets },
        _ => Recovery::Packets(packets),
    }
}

/// An unconstrained integer: its length, then its octets. More than one octet of them is absurd.
fn span(rest: &mut &[u8]) -> Option<usize> {
    match (rest.split_off_first(), rest.split_off_first()) {
        (Some(1), Some(span)) => Some(usize::from(*span)),
        _ => None,
    }
}

/// As many packets as are whole, up to the limit.
fn packets<'a>(rest: &mut &'a [u8]) -> Vec<&'a [u8]> {
    let count = length(rest).unwrap_or(0).min(RECOVERY_PACKETS_MAX);
    (0..count).map_while(|_| packet(rest).ok()).collect()
}

/// A packet behind its length.
fn packet<'a>(rest: &mut &'a [u8]) -> Result<&'a [u8], UdptlError> {
    let length = length(rest)?;
    if length > PACKET_OCTETS_MAX {
        return Err(UdptlError::TooLong);
    }
    rest.split_off(..length).ok_or(UdptlError::Truncated)
}

/// A length of PER: one octet below 128, two below 16,384.
fn length(rest: &mut &[u8]) -> Result<usize, UdptlError> {
    let first = *rest.split_off_first().ok_or(UdptlError::Truncated)?;
    match first {
        0..0x80 => Ok(usize::from(first)),
        0x80..0xC0 => {
            let second = *rest.split_off_first().ok_or(UdptlError::Truncated)?;
            Ok(usize::from(first & 0x3F) << 8 | usize::from(second))
        }
        _ => Err(UdptlError::Fragmented),
    }
}

/// Writes a packet behind its length.
fn write_packet(out: &mut Vec<u8>, packet: &[u8]) {
    let length = packet.len().min(PACKET_OCTETS_MAX);
    match u8::try_from(length) {
        Ok(short @ 0..0x80) => out.push(short),
        _ => out.extend((0x8000 | u16::try_from(length).unwrap_or(0)).to_be_bytes()),
    }
    out.extend(packet.iter().take(length));
}

/// How many octets [`write_packet`] takes.
fn written_octets(packet: &[u8]) -> usize {
    packet.len() + if packet.len() < 0x80 { 1 } else { 2 }
}
