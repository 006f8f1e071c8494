//! The ways in. Each door turns its bytes into a `Submission` for `submit`, and an answer back into bytes;
//! none has a rule of its own about who may fax where, and none writes the store.

pub mod smtp;
