//! The SMTP door as a client finds it: a real listener on a loopback socket, the real store on a temporary
//! disk, and clients that others wrote (`swaks`, Python's `smtplib`).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod clients;
mod limits;
mod lmtp;
mod sign_in;
mod support;
mod talks;
mod tls;
