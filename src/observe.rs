//! What the operator sees of a running gateway: the log.

use tracing_subscriber::EnvFilter;

/// Writes the log to standard error. `RUST_LOG` overrides `level`.
pub fn log_to_stderr(level: &str) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(level));
    let ansi = std::io::IsTerminal::is_terminal(&std::io::stderr());
    // A second call, as in a test that starts two gateways, finds the first in place.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(ansi)
        .with_writer(std::io::stderr)
        .try_init();
}
