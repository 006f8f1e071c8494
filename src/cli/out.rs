//! Standard output that does not panic when the reader has gone (`faxgate status | head`).

use std::io::{ErrorKind, Write};

/// Prints a line. Ends the process quietly where nobody reads any more.
pub(super) fn line(text: impl std::fmt::Display) {
    if let Err(error) = writeln!(std::io::stdout(), "{text}") {
        let code = if error.kind() == ErrorKind::BrokenPipe { 0 } else { 1 };
        std::process::exit(code);
    }
}

/// Prints a value as JSON, on lines of its own.
pub(super) fn json<T: serde::Serialize>(value: &T) -> Result<(), super::Failure> {
    let text = serde_json::to_string_pretty(value).map_err(super::Failure::failed)?;
    line(text);
    Ok(())
}
