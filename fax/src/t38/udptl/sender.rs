//! Writes datagrams.

use super::super::ifp::PACKET_OCTETS_MAX;
use super::{FEC, RECOVERY_PACKETS_MAX, write_packet, written_octets};
use alloc::collections::VecDeque;
use alloc::vec::Vec;

/// Octets of a datagram besides its packets: the number, the kind of recovery, the count; and FEC's span.
const OVERHEAD_OCTETS: usize = 6;

/// What is sent along for the case that a datagram is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Protection {
    /// This many packets before it, once more (T38FaxUdpEC:t38UDPRedundancy). 0 for none.
    Redundancy {
        /// 3 stand a loss of 20 %.
        packets: u8,
    },
    /// Parities (T38FaxUdpEC:t38UDPFEC): only where the far end asks for it, since not every one reads it.
    Fec {
        /// Packets under each parity.
        span: u8,
        /// Parities in a datagram: so many datagrams in a row may be lost.
        parities: u8,
    },
}

/// Numbers packets and wraps them.
#[derive(Clone, Debug)]
pub struct Sender {
    protection: Protection,
    datagram_octets_max: usize,
    number: u16,
    /// Packets sent, the latest first.
    sent: VecDeque<Vec<u8>>,
}

impl Sender {
    /// A sender whose first datagram has number 0. What is sent along is left out where a datagram would pass
    /// `datagram_octets_max` (T38FaxMaxDatagram).
    #[must_use]
    pub fn new(protection: Protection, datagram_octets_max: usize) -> Self {
        Self { protection, datagram_octets_max, number: 0, sent: VecDeque::new() }
    }

    /// Wraps a packet, which is at most [`PACKET_OCTETS_MAX`] long.
    pub fn wrap(&mut self, packet: Vec<u8>) -> Vec<u8> {
        let mut out = self.number.to_be_bytes().to_vec();
        write_packet(&mut out, &packet);
        let room = self.datagram_octets_max.saturating_sub(out.len() + OVERHEAD_OCTETS);
        match self.protection {
            Protection::Redundancy { packets } => self.redundancy(&mut out, usize::from(packets), room),
            Protection::Fec { span, parities } => {
                self.fec(&mut out, usize::from(span), usize::from(parities), room);
            }
        }
        self.number = self.number.wrapping_add(1);
        self.sent.push_front(packet);
        self.sent.truncate(self.kept());
        out
    }

    /// How many packets must be kept.
    fn kept(&self) -> usize {
        match self.protection {
            Protection::Redundancy { packets } => usize::from(packets).min(RECOVERY_PACKETS_MAX),
            Protection::Fec { span, parities } => usize::from(span) * usize::from(parities),
        }
    }

    fn redundancy(&self, out: &mut Vec<u8>, packets: usize, room: usize) {
        let mut left = room;
        let fits = |packet: &&Vec<u8>| {
            let rest = left.checked_sub(written_octets(packet));
            left = rest.unwrap_or(0);
            rest.is_some()
        };
        let again: Vec<_> =
            self.sent.iter().take(packets.min(RECOVERY_PACKETS_MAX)).take_while(fits).collect();
        out.push(0);
        out.extend(u8::try_from(again.len()));
        again.into_iter().for_each(|packet| write_packet(out, packet));
    }

    fn fec(&self, out: &mut Vec<u8>, span: usize, parities: usize, room: usize) {
        let parities = parities.min(RECOVERY_PACKETS_MAX);
        let parity_of = |n: usize| {
            // Parity n ends `parities - n` packets back, and takes every `parities`th from there.
            let under = self.sent.iter().skip(parities - n - 1).step_by(parities.max(1)).take(span);
            under.fold(Vec::new(), |parity, packet| xor(parity, packet))
        };
        let is_whole = self.sent.len() >= span * parities;
        let all: Vec<Vec<u8>> = if is_whole { (0..parities).map(parity_of).collect() } else { Vec::new() };
        let octets: usize = all.iter().map(|parity| written_octets(parity)).sum();
        let all = if octets > room { Vec::new() } else { all };
        out.extend([FEC, 1]);
        out.extend(u8::try_from(if all.is_empty() { 0 } else { span }));
        out.extend(u8::try_from(all.len()));
        all.iter().for_each(|parity| write_packet(out, parity));
    }
}

/// The sum without carry; the shorter one counts as filled up with zeros.
pub(super) fn xor(mut sum: Vec<u8>, packet: &[u8]) -> Vec<u8> {
    if sum.len() < packet.len() {
        sum.resize(packet.len().min(PACKET_OCTETS_MAX), 0);
    }
    sum.iter_mut().zip(packet).for_each(|(sum, octet)| *sum ^= octet);
    sum
}
