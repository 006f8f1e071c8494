//! Modems: what is spoken between a program and a modem (AT commands), from either side.

pub mod dce;
