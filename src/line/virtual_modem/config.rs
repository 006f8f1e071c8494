//! The settings of a virtual modem (`virtual_modem = { … }` in a `[[line]]`).

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Bits of a file mode that say who may read and write.
const MODE_MAX: u32 = 0o777;

/// A virtual modem at a line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VirtualModemConfig {
    /// The device that programs open: a symbolic link that the gateway makes, and takes away when it stops.
    pub path: PathBuf,
    /// Whether the program at the modem answers the line's calls, instead of the gateway.
    #[serde(default)]
    pub answer: bool,
    /// Who may use the device, as `chmod` takes it.
    #[serde(default = "mode")]
    pub mode: String,
    /// Whose the device is: a name or a number; the gateway's where nothing is said.
    #[serde(default)]
    pub owner: Option<String>,
    /// Its group, likewise.
    #[serde(default)]
    pub group: Option<String>,
}

fn mode() -> String {
    "0660".into()
}

impl VirtualModemConfig {
    /// A modem at this path, with what is usual.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), answer: false, mode: mode(), owner: None, group: None }
    }

    /// The first setting that makes no sense.
    ///
    /// # Errors
    /// A sentence for the operator.
    pub fn check(&self) -> Result<(), String> {
        if !self.path.is_absolute() {
            return Err(format!("virtual_modem: the path {:?} must begin with \"/\"", self.path));
        }
        self.mode_bits()
            .map(|_| ())
            .ok_or_else(|| format!("virtual_modem: the mode {:?} must be one such as \"0660\"", self.mode))
    }

    /// The mode as a number.
    pub(super) fn mode_bits(&self) -> Option<u32> {
        u32::from_str_radix(&self.mode, 8).ok().filter(|mode| *mode <= MODE_MAX)
    }

    /// The numbers of owner and group.
    pub(super) fn ids(&self) -> Result<(Option<u32>, Option<u32>), String> {
        let owner = self.owner.as_deref().map(|name| id_of(name, "/etc/passwd")).transpose()?;
        let group = self.group.as_deref().map(|name| id_of(name, "/etc/group")).transpose()?;
        Ok((owner, group))
    }
}

/// The number behind a name: itself, or as a file of the system has it (name, password, number).
fn id_of(name: &str, file: &str) -> Result<u32, String> {
    if let Ok(number) = name.parse() {
        return Ok(number);
    }
    let text = std::fs::read_to_string(file).map_err(|error| format!("{file}: {error}"))?;
    let mut lines = text.lines().map(|line| line.split(':'));
    lines
        .find_map(|mut fields| (fields.next() == Some(name)).then(|| fields.nth(1)?.parse().ok()).flatten())
        .ok_or_else(|| format!("{name:?} is not in {file}; a number can be given too"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_make_sense_or_are_refused() {
        let config = VirtualModemConfig::new("/run/faxgate/modem-1");
        assert_eq!((config.check(), config.mode_bits()), (Ok(()), Some(0o660)));
        assert!(VirtualModemConfig::new("modem").check().is_err());
        for mode in ["", "rw", "4755", "888"] {
            assert!(VirtualModemConfig { mode: mode.into(), ..config.clone() }.check().is_err(), "{mode}");
        }
    }

    #[test]
    fn owners_have_names_or_numbers() {
        let config = VirtualModemConfig::new("/run/faxgate/modem-1");
        let ids = |owner: &str, group: &str| {
            let (owner, group) = (Some(owner.into()), Some(group.into()));
            VirtualModemConfig { owner, group, ..config.clone() }.ids()
        };
        assert_eq!(ids("root", "0"), Ok((Some(0), Some(0))));
        assert!(ids("nobody of this name", "0").is_err());
        assert_eq!(config.ids(), Ok((None, None)));
    }
}
