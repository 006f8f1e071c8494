//! Mail out, as its readers see it: reports and received faxes are parsed field by field, sent to a real SMTP
//! server and into real Maildirs, and their attachments are opened with the tools that people use.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, unreachable_pub)]

mod given;
mod intake;
mod keep;
mod maildir;
mod post;
mod received;
mod relay;
mod report;
mod sink;
mod words;
