//! Standard output that does not panic when the reader has gone (`faxgate status | head`), and on which nothing that
//! a stranger wrote speaks to the terminal.

use std::io::{ErrorKind, Write};

/// Prints a line. Ends the process quietly where nobody reads any more.
pub(super) fn line(text: impl std::fmt::Display) {
    if let Err(error) = writeln!(std::io::stdout(), "{}", plain(&text.to_string())) {
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

/// Text whose control characters, line ends apart, have become spaces.
pub(super) fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\n' { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_speaks_to_the_terminal() {
        assert_eq!(plain("a\u{1b}[31mb\u{9b}c\u{7}\r\nd é"), "a [31mb c  \nd é");
    }
}
