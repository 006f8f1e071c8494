//! The one binary, `faxgate`.

fn main() {}
