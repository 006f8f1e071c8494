//! The settings of the store.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The settings of the store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StoreConfig {
    /// The folder that holds the spool and the index over it. Only one process may have it open.
    #[serde(skip)]
    pub dir: PathBuf,
    /// Bytes of memory that the index may use as its cache.
    pub cache_bytes: u64,
    /// A verb that is not durable after this long is answered with an error, and the log says so.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub commit_deadline: Duration,
    /// How long a submission is kept after its last job is done.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub keep_done: Duration,
    /// How long a received fax is kept after its call, once its mails have left.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub keep_received: Duration,
}

impl Default for StoreConfig {
    fn default() -> Self {
        Self {
            dir: PathBuf::from("/var/lib/faxgate/store"),
            cache_bytes: 64 << 20,
            commit_deadline: Duration::from_secs(30),
            keep_done: Duration::from_secs(30 * 24 * 3600),
            keep_received: Duration::from_secs(30 * 24 * 3600),
        }
    }
}
