//! The milter protocol without I/O: packets between a mail server (MTA) and its filter.
//!
//! This is protocol version 6, as spoken by Sendmail 8.14 and later and by Postfix. It has no RFC; the reference is
//! libmilter, from whose `mfdef.h` the names in capitals come (`SMFIC_…` commands, `SMFIR_…` replies, `SMFIF_…`
//! actions, `SMFIP_…` steps).
//!
//! The MTA drives: it sends [`Command`]s, and the filter answers those that want an answer with [`Reply`]s. Both
//! decode from a buffer that may still be filling, and borrow from it:
//!
//! ```
//! use milter_proto::{Command, Reply};
//!
//! let received = b"\0\0\0\x0eHmail.example\0";
//! assert_eq!(Command::decode(&received[..7])?, None);
//! let (command, consumed) = Command::decode(received)?.expect("the packet is whole");
//! assert_eq!(command, Command::Helo { name: b"mail.example" });
//! assert_eq!(consumed, received.len());
//!
//! let mut answer = Vec::new();
//! Reply::Continue.encode(&mut answer)?;
//! assert_eq!(answer, b"\0\0\0\x01c");
//! # Ok::<(), milter_proto::Error>(())
//! ```
//!
//! That is the codec. What may follow what, who has to answer when, and what was negotiated, [`Session`] knows: a
//! filter's side of one connection, still without I/O. `examples/banned_word.rs` is a whole filter on it.
#![no_std]
#![forbid(unsafe_code)]
// Every byte here comes from a peer: what is not there is an error, never a panic.
#![warn(clippy::indexing_slicing)]
extern crate alloc;

mod answer;
mod command;
mod flags;
mod macros;
mod negotiation;
mod order;
mod packet;
mod reply;
mod session;

pub use answer::{Change, Verdict};
pub use command::{Command, Macro, Peer};
pub use flags::{Actions, Steps};
pub use macros::{MACROS_BYTES_MAX, Macros};
pub use negotiation::{Agreed, VERSION_MIN, Wanted};
pub use order::Stage;
pub use packet::{Error, PACKET_BYTES_MAX, TEXTS_MAX};
pub use reply::{MacroList, MacroStep, Reply};
pub use session::{Error as SessionError, Event, Misuse, Session, Step};

/// The protocol version of this crate (`SMFI_PROT_VERSION`).
pub const VERSION: u32 = 6;

/// The most bytes of body that one [`Command::Body`] or [`Reply::ReplaceBody`] carries unless the two sides have
/// agreed on more ([`Steps::DATA_256K`], [`Steps::DATA_1M`]); libmilter's `MILTER_CHUNK_SIZE`.
pub const BODY_CHUNK_BYTES_MAX: usize = 65_535;
