//! The settings of the store.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The settings of the store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StoreConfig {
    /// The folder that holds the spool and the index over it. Only one process may have it open.
    pub dir: PathBuf,
    /// Bytes of memory that the index may use as its cache.
    pub cache_bytes: u64,
    /// A verb that is not durable after this long is answered with an error, and the log says so.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub commit_deadline: Duration,
    /// How long a submission is kept after its last job is done.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub keep_done: Duration,
}

impl Default for StoreConfig {
    fn default() -> Self {
        Self {
            dir: PathBuf::from("/var/lib/faxgate/store"),
            cache_bytes: 64 << 20,
            commit_deadline: Duration::from_secs(30),
            keep_done: Duration::from_secs(30 * 24 * 3600),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// The reference that operators read, with its comment marks taken from the settings.
    const REFERENCE: &str = include_str!("../../config/store.part.toml");

    #[test]
    fn the_reference_shows_every_setting_with_its_default() {
        let live: String = REFERENCE
            .lines()
            .filter_map(|line| line.strip_prefix('#'))
            .filter(|line| !line.starts_with(' '))
            .map(|line| format!("{line}\n"))
            .collect();
        let read: StoreConfig = toml::from_str(&live).unwrap();
        assert_eq!(read, StoreConfig::default());
        let settings = toml::Value::try_from(StoreConfig::default()).unwrap();
        for name in settings.as_table().unwrap().keys() {
            assert!(
                live.contains(&format!("{name} = ")),
                "{name} is not in the reference"
            );
        }
    }

    #[test]
    fn an_unknown_setting_is_an_error() {
        assert!(toml::from_str::<StoreConfig>("dri = \"/srv\"").is_err());
    }
}
