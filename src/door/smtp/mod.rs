//! The SMTP listener: mail to a number at one of the gateway's domains becomes a submission (RFC 5321).
//!
//! It promises:
//!
//! 1. `250` after the dot means that [`Submit`](crate::submit::Submit) accepted, and so that the store
//!    answers for the message and every recipient. Nothing is accepted by halves: what cannot be, is refused
//!    by the reply.
//! 2. A recipient who may not be faxed, or is no number, is refused at `RCPT`, with the code and the sentence
//!    of [`submit::Refusal`](crate::submit::Refusal).
//! 3. Line ends are taken at their word ([`mod@line`], [`mod@data`]), so no two messages hide in one.
//! 4. All is bounded by [`SmtpConfig`]: sessions, errors, recipients, bytes in memory, seconds.
//!
//! Offered: CHUNKING (RFC 3030), LIMITS (RFC 9422), STARTTLS (RFC 3207), AUTH over TLS (RFC 4954), PIPELINING (RFC 2920), SIZE (RFC 1870), 8BITMIME (RFC 6152), ENHANCEDSTATUSCODES (RFC 2034), DSN
//! (RFC 3461). The same by LMTP (RFC 2033), with a reply for each recipient.
//!
//! ```text
//!   server ── a connection ──► connection ── bytes ──► session ── lines ──► command ──► parameters
//!     (limits)                   (waits)      ◄─ steps ─  │  └── text ──► data
//!                                   └──► submit           └── replies ──► reply
//! ```

pub mod auth;
mod chunks;
pub mod command;
mod config;
mod connection;
pub mod data;
pub mod line;
mod listen;
pub mod proxy;
mod rates;
mod server;
pub mod session;
mod sign_in;
mod tls;
mod trace;

pub use config::SmtpConfig;
pub use listen::{ListenAddress, NotAnAddress};
pub use server::{OpenError, Server};
pub use tls::{TlsConfig, TlsError};
