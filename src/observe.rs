//! What the operator sees of a running gateway: the log, one line an event, in plain text.
//!
//! Addresses, names and replies of strangers get into it. None of them can begin a line of its own or speak to the
//! operator's terminal: control characters become spaces.

use std::io::{self, Write};

use tracing_subscriber::EnvFilter;

/// Writes the log to standard error. `RUST_LOG` overrides `level`.
pub fn log_to_stderr(level: &str) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(level));
    // A second call, as in a test that starts two gateways, finds the first in place.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(false)
        .with_writer(|| OneLine(io::stderr()))
        .try_init();
}

/// Takes each event in one piece, as the subscriber formats it, and writes it as one line.
struct OneLine<W>(W);

impl<W: Write> Write for OneLine<W> {
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(event.strip_suffix(b"\n").unwrap_or(event));
        let plain: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        self.0.write_all(format!("{plain}\n").as_bytes())?;
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_strangers_text_stays_in_its_line() {
        let kept = Kept::default();
        let writer = kept.clone();
        let log = tracing_subscriber::fmt().with_ansi(false).with_writer(move || OneLine(writer.clone()));
        tracing::subscriber::with_default(log.finish(), || {
            tracing::info!(to = %"a@x\n2026 ERROR forged \u{1b}[31m\u{9b}31m", "mail sent");
            tracing::info!("next");
        });
        let text = String::from_utf8(kept.0.lock().unwrap().clone()).unwrap();
        assert_eq!(text.lines().count(), 2, "{text:?}");
        assert!(text.lines().all(|line| !line.contains(char::is_control)), "{text:?}");
    }
}
