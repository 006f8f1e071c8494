//! The milter protocol without I/O: packets between a mail server and its filter.
#![no_std]
#![forbid(unsafe_code)]
extern crate alloc;
