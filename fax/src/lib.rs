//! Fax protocols without I/O: pages, T.4/T.6 coding, TIFF-F, T.30 and a simulated line.
#![no_std]
#![forbid(unsafe_code)]
extern crate alloc;

pub mod page;
pub mod t4;
pub mod tiff;
pub mod time;
