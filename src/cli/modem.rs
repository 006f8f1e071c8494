//! `faxgate modem DEVICE`: what a modem is, what to write into the configuration, or what is wrong.

mod words;

use std::io::IsTerminal;
use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use super::{Failure, out};
use crate::config::Config;
use crate::line::serial::config::ModemLineConfig;
use crate::line::serial::examine::{Finding, examine};
use crate::line::serial::profiles::Profiles;

#[derive(Debug, Args)]
pub(super) struct ModemArgs {
    /// The serial device: /dev/ttyACM0, /dev/ttyUSB0, /dev/ttyS0
    device: PathBuf,
    /// Try this speed first, in bit/s
    #[arg(long, value_name = "SPEED")]
    baud: Option<u32>,
    /// Print one JSON value
    #[arg(long)]
    json: bool,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Printed<'a> {
    #[serde(flatten)]
    finding: &'a Finding,
    /// The lines for the configuration, where it can fax.
    #[serde(skip_serializing_if = "Option::is_none")]
    configuration: Option<String>,
}

pub(super) fn run(config: Option<PathBuf>, args: &ModemArgs) -> Result<(), Failure> {
    // Whoever tries a modem by hand may have no configuration yet, or one that only the gateway may read.
    let config = match config {
        Some(path) => Config::load(&path)?,
        None => super::settings(None).unwrap_or_default(),
    };
    let profiles = Profiles::load(&config.modems_dir).map_err(Failure::failed)?;
    let is_watched = std::io::stderr().is_terminal() && !args.json;
    let mut tell = |what: &str| {
        if is_watched {
            eprintln!("{what} …");
        }
    };
    let lock_dir = ModemLineConfig::default().lock_dir;
    let finding = examine(&args.device, args.baud, Some(&lock_dir), &profiles, &mut tell);
    let configuration = match &finding {
        Finding::FaxModem(modem) => Some(words::configuration(modem)),
        _ => None,
    };
    if args.json {
        out::json(&Printed { finding: &finding, configuration })?;
    } else if let Some(text) = words::found(&args.device, &finding, &profiles) {
        out::line(text.trim_end());
        if let Some(lines) = configuration {
            out::line(format_args!("\nFor the configuration:\n\n{lines}"));
        }
    }
    match words::wrong(&args.device, &finding) {
        None => Ok(()),
        Some(text) => Err(match finding {
            Finding::NotPermitted { .. } => Failure::not_permitted(text),
            Finding::Locked { .. } => Failure::try_later(text),
            _ => Failure::failed(text),
        }),
    }
}
