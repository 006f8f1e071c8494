//! The store under what really happens to it: `kill -9`, a full disk, a disk that fails; and the proof, by
//! system calls, that an answer comes after the syncs.
//!
//! The process that is killed is this test binary itself, started again with [`child::DIR`] set.
#![allow(clippy::disallowed_methods, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod child;
mod disk;
mod kill;
mod syscalls;
