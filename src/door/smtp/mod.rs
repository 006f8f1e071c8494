//! The SMTP listener (RFC 5321).

pub mod command;
pub mod data;
pub mod line;
pub mod parameters;
pub mod reply;
pub mod session;
