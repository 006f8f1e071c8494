//! A telephone line in memory: two ends, a virtual clock, and faults drawn from a seed.
//!
//! It is the test bench of the engines and the line of a gateway without hardware. Nothing here sleeps: [`air::run`]
//! plays a call of two engines on a virtual clock, and who wants real time gives a callback that sleeps; who wants
//! something else than an engine at an end drives a [`call::Call`].

pub mod air;
pub mod call;
mod medium;
pub mod noise;
mod random;
pub mod record;
