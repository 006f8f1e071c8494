//! A telephone line in memory: two T.30 engines, a virtual clock, and faults drawn from a seed.
//!
//! It is the test bench of the engines and the line of a gateway without hardware. Nothing here sleeps; who wants
//! real time gives a callback that does ([`air::run`]).

pub mod air;
mod medium;
pub mod noise;
mod random;
pub mod record;
