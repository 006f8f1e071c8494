//! Fax over IP networks (ITU-T T.38): packets, datagrams, and a carrier of them beneath the T.30 engine.
//!
//! ```text
//!   t30::Engine ── Command ─► carrier::Carrier ── ifp::Packet ─► udptl::Sender ── datagram ─►
//!              ◄── Signal ───                 ◄── ifp::Packet ── udptl::Receiver ◄──────────
//! ```
//!
//! A station here is a terminal, not a gateway: it has no modem, and nothing but the time of one. Who is called, and
//! what was agreed on (SDP, RFC 6466), is the driver's; TCF is transferred as data (`transferredTCF`).

pub mod carrier;
pub mod ifp;
pub mod udptl;
