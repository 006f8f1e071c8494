//! `faxgate check`: reads the configuration and says what is wrong, with the line.

use std::path::PathBuf;

use super::{CONFIG_PATH, Failure, out};
use crate::config::{Config, LineConfig};
use crate::line::serial::config::ModemLineConfig;
use crate::line::serial::profiles::Profiles;

pub(super) fn run(path: Option<PathBuf>) -> Result<(), Failure> {
    let path = path.unwrap_or_else(|| PathBuf::from(CONFIG_PATH));
    let config = Config::load(&path)?;
    config.mailer.build(&config.smtp.hostname).map_err(Failure::failed)?;
    out::line(format_args!("{}: good", path.display()));
    let profiles = Profiles::load(&config.modems_dir).map_err(Failure::failed)?;
    for line in &config.line {
        out::line(format_args!("  line {}: {}", line.name(), described(line)));
        if let LineConfig::Modem(modem) = line {
            known(modem, &profiles)?;
        }
    }
    for warning in warnings(&config) {
        out::line(format_args!("  note: {warning}"));
    }
    Ok(())
}

/// A line in a few words.
fn described(line: &LineConfig) -> String {
    let number = line.number().map_or_else(|| "no number".to_owned(), |number| format!("number {number}"));
    match line {
        LineConfig::Simulated(_) => format!("simulated, {number}"),
        LineConfig::Modem(modem) => format!("modem at {}, {number}", modem.device.display()),
    }
}

fn known(modem: &ModemLineConfig, profiles: &Profiles) -> Result<(), Failure> {
    let is_known = modem.profile == "auto" || profiles.named(&modem.profile).is_some();
    let names = || profiles.iter().map(|known| known.profile.name.as_str()).collect::<Vec<_>>().join(", ");
    let unknown =
        || format!("line {}: there is no profile {:?}; there are: {}", modem.name, modem.profile, names());
    if is_known { Ok(()) } else { Err(Failure::failed(unknown())) }
}

/// What is allowed, but probably not meant.
fn warnings(config: &Config) -> Vec<String> {
    let mut warnings: Vec<String> = Vec::new();
    for line in &config.line {
        if let LineConfig::Modem(modem) = line
            && !modem.device.exists()
        {
            let device = modem.device.display();
            warnings.push(format!("line {}: there is no {device} now; the line waits for it", modem.name));
        }
    }
    if config.line.is_empty() {
        warnings.push("there is no [[line]], so nothing can be faxed".into());
    }
    if config.address.domains.is_empty() {
        warnings.push("address.domains is empty, so every recipient is refused".into());
    }
    if config.policy.networks.is_empty() {
        warnings.push("policy.networks is empty, so nobody may fax by mail".into());
    }
    warnings
}
