//! `faxgate check`: reads the configuration and says what is wrong, with the line.

use std::path::PathBuf;

use super::{CONFIG_PATH, Failure, out};
use crate::config::{Config, LineConfig};

pub(super) fn run(path: Option<PathBuf>) -> Result<(), Failure> {
    let path = path.unwrap_or_else(|| PathBuf::from(CONFIG_PATH));
    let config = Config::load(&path)?;
    config.mailer.build(&config.smtp.hostname).map_err(Failure::failed)?;
    out::line(format_args!("{}: good", path.display()));
    for LineConfig::Simulated(line) in &config.line {
        out::line(format_args!("  line {}: simulated, number {}", line.name, line.number));
    }
    for warning in warnings(&config) {
        out::line(format_args!("  note: {warning}"));
    }
    Ok(())
}

/// What is allowed, but probably not meant.
fn warnings(config: &Config) -> Vec<&'static str> {
    let mut warnings = Vec::new();
    if config.line.is_empty() {
        warnings.push("there is no [[line]], so nothing can be faxed");
    }
    if config.address.domains.is_empty() {
        warnings.push("address.domains is empty, so every recipient is refused");
    }
    if config.policy.networks.is_empty() {
        warnings.push("policy.networks is empty, so nobody may fax by mail");
    }
    warnings
}
