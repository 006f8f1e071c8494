//! The doors: every way to bring a fax in. Each turns bytes into a `Submission` and hands it to `submit`.

pub mod control;
pub mod esmtp;
pub mod milter;
pub mod smtp;
mod unix_socket;
