//! Telephone numbers, the addresses that carry them, and who may fax where.

pub mod number;

pub use number::Number;
