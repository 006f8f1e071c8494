//! Faxgate.
