//! What the fuzzer does with an input. Beyond that nothing panics, what was understood must survive a second journey.

#![allow(clippy::unwrap_used)]

use milter_proto::{Command, Reply};

/// A stream of packets, read as those of an MTA and as those of a filter.
pub(crate) fn milter_packet(input: &[u8]) {
    macro_rules! read_as {
        ($packet:ident) => {
            let mut rest = input;
            while let Ok(Some((packet, consumed))) = $packet::decode(rest) {
                let octets;
                (octets, rest) = rest.split_at(consumed);
                assert_eq!($packet::decode(&octets[..consumed - 1]), Ok(None), "half a packet is awaited");
                let mut again = Vec::new();
                packet.encode(&mut again).unwrap();
                // Fields that are not known, and the port of a local socket, are not kept.
                assert!(again.len() <= octets.len() && again[4] == octets[4]);
                assert_eq!($packet::decode(&again), Ok(Some((packet, again.len()))));
            }
        };
    }
    read_as!(Command);
    read_as!(Reply);
}
