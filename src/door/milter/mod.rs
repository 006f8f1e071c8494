//! The milter door: a mail server that is there already asks us about each mail, and we take out what is to be faxed.
//!
//! It promises:
//!
//! 1. A recipient at one of the gateway's domains is decided by [`Submit`](crate::submit::Submit) as the SMTP door has
//!    it decided, and refused at `RCPT` with the same code and the same sentence. Other recipients pass untouched.
//! 2. At the end of a message, what is ours is submitted first, durably. Then those recipients are taken out of the
//!    envelope and the rest goes on with an `X-Fax-Job` field for each fax; or the mail server drops the message where
//!    nobody else is left. An `X-Fax-Job` that came with the mail is taken out.
//! 3. Nothing is taken by halves. What cannot be faxed refuses the message, what cannot be kept just now defers it,
//!    for all its recipients: the sender is told, and the others get it when it is sent again.
//! 4. Nothing is lost, and a mail that comes again is one fax. Whoever dies between our word and the mail server's own,
//!    the mail server has answered nobody, so its client sends again, and
//!    [`Submit::accept_once`](crate::submit::Submit::accept_once) knows the mail by sender, recipients, Message-ID and
//!    body. A mail without Message-ID may be faxed twice then.
//! 5. All is bounded by [`MilterConfig`]: sessions, recipients, bytes in memory, seconds.
//!
//! Who asks is the SMTP client that the mail server names, so `policy.networks` are *its* clients' networks; a login at
//! the mail server (`{auth_authen}`) counts where `trust_mta_auth` says so. The door believes whoever can connect to it:
//! its sockets are for the mail server alone.
//!
//! ```text
//!   server ── a connection ──► connection ── bytes ──► milter_proto::Session ── events ──► filter ── text
//!     (limits)                   (waits)                                      ◄─ reactions ─┘
//!                                   └──► submit
//! ```

mod config;
mod connection;
pub mod filter;
mod server;
mod text;
mod trace;

pub use config::{Listen, MilterConfig};
pub use server::{BindError, Server};
