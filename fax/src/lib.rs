//! Fax protocols without I/O: pages, T.4/T.6 coding, TIFF-F, T.30, modems on AT commands, T.38 and a simulated line.
#![no_std]
#![forbid(unsafe_code)]
extern crate alloc;

pub mod at;
pub mod carrier;
pub mod hdlc;
pub mod page;
pub mod session;
pub mod sim;
pub mod t30;
pub mod t38;
pub mod t4;
pub mod t85;
pub mod tiff;
pub mod time;
