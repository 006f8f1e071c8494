//! Settings of the milter.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::filter::Limits;
use crate::address::SettingError;
use crate::door::unix_socket;

/// Settings of the milter. Times are written as `5m` or `1h 30m`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MilterConfig {
    /// Where to listen; nowhere, and there is no milter.
    pub listen: Vec<Listen>,
    /// Who may connect to a unix socket, as the octal mode of the file.
    pub socket_mode: String,
    /// Whether a login that the mail server names is proof enough to fax.
    pub trust_mta_auth: bool,
    /// Bytes of one message with faxes in it.
    pub message_bytes_max: usize,
    /// Fax recipients of one message; also those that may be refused on one connection before a mail is accepted.
    pub recipients_max: usize,
    /// Connections at one time.
    pub sessions_max: usize,
    /// Messages with faxes in them that come in at one time: with `message_bytes_max`, the bound of the memory they
    /// take.
    pub transfers_max: usize,
    /// How long a connection may be silent between messages and while recipients are named: as long as the mail
    /// server is patient with its own client.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub idle_timeout: Duration,
    /// How long it may be silent within the content of a message, or not take our answer.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub data_timeout: Duration,
    /// How often the mail server is told that a message is still being worked on.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub progress_every: Duration,
}

impl Default for MilterConfig {
    fn default() -> Self {
        Self {
            listen: Vec::new(),
            socket_mode: "660".into(),
            trust_mta_auth: false,
            message_bytes_max: 50 * 1024 * 1024,
            recipients_max: 100,
            sessions_max: 200,
            transfers_max: 8,
            idle_timeout: Duration::from_secs(2 * 3600),
            data_timeout: Duration::from_secs(5 * 60),
            progress_every: Duration::from_secs(10),
        }
    }
}

impl MilterConfig {
    /// Says what in the settings cannot be meant so.
    pub fn check(&self) -> Result<(), SettingError> {
        let times = [self.idle_timeout, self.data_timeout, self.progress_every];
        for (fits, setting, problem) in [
            (self.mode().is_some(), "socket_mode", "must be an octal mode, such as 660"),
            (self.message_bytes_max >= 64 * 1024, "message_bytes_max", "must be at least 65536"),
            (self.recipients_max > 0, "recipients_max", "must be at least 1"),
            (self.sessions_max > 0, "sessions_max", "must be at least 1"),
            (self.transfers_max > 0, "transfers_max", "must be at least 1"),
            (
                times.iter().all(|time| !time.is_zero()),
                "idle_timeout, data_timeout, progress_every",
                "must not be 0",
            ),
        ] {
            if !fits {
                return Err(SettingError { setting, problem: problem.to_owned() });
            }
        }
        Ok(())
    }

    /// The mode of a unix socket; `None` where the setting is none.
    pub(super) fn mode(&self) -> Option<u32> {
        unix_socket::mode(&self.socket_mode)
    }

    pub(super) fn limits(&self) -> Limits {
        Limits {
            message_bytes_max: self.message_bytes_max,
            recipients_max: self.recipients_max,
            trust_mta_auth: self.trust_mta_auth,
        }
    }
}

/// A place to listen at, as mail servers write it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Listen {
    /// `inet:8891@127.0.0.1`.
    Inet(SocketAddr),
    /// `unix:/run/faxgate/milter.sock`.
    Unix(PathBuf),
}

/// The text names no place to listen at.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is neither inet:PORT@ADDRESS, such as inet:8891@127.0.0.1, nor unix:/PATH")]
pub struct NoPlace(String);

impl FromStr for Listen {
    type Err = NoPlace;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let place = match text.split_once(':') {
            Some(("inet" | "inet6", place)) => place.split_once('@').and_then(|(port, address)| {
                let address = address.trim_start_matches('[').trim_end_matches(']');
                let (address, port) = (address.parse::<IpAddr>().ok()?, port.parse().ok()?);
                Some(Self::Inet(SocketAddr::new(address, port)))
            }),
            Some(("unix" | "local", path)) if path.starts_with('/') => Some(Self::Unix(path.into())),
            _ => None,
        };
        place.ok_or_else(|| NoPlace(text.to_owned()))
    }
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Inet(address) => write!(f, "inet:{}@{}", address.port(), address.ip()),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

impl TryFrom<String> for Listen {
    type Error = NoPlace;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Listen> for String {
    fn from(listen: Listen) -> Self {
        listen.to_string()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_default_is_good_and_reads_back() {
        let default = MilterConfig::default();
        assert_eq!(default.check(), Ok(()));
        assert_eq!(toml::from_str::<MilterConfig>(""), Ok(default));
        assert!(toml::from_str::<MilterConfig>("trust_auth = true").is_err());
    }

    #[test]
    fn places_are_written_as_mail_servers_do() {
        for (text, shown) in [
            ("inet:8891@127.0.0.1", "inet:8891@127.0.0.1"),
            ("inet6:8891@::1", "inet:8891@::1"),
            ("inet:8891@[::1]", "inet:8891@::1"),
            ("local:/run/a", "unix:/run/a"),
        ] {
            let listen: Listen = text.parse().unwrap();
            assert_eq!(listen.to_string(), shown);
            assert_eq!(shown.parse(), Ok(listen));
        }
        for text in
            ["", "inet:8891", "inet:x@127.0.0.1", "inet:1@localhost", "unix:run/a", "tcp:1@::1", "/run/a"]
        {
            assert!(text.parse::<Listen>().is_err(), "{text}");
        }
    }

    #[test]
    fn settings_that_cannot_be_meant_are_named() {
        for (text, setting) in [
            ("socket_mode = 'rw'", "socket_mode"),
            ("socket_mode = '4777'", "socket_mode"),
            ("message_bytes_max = 1", "message_bytes_max"),
            ("recipients_max = 0", "recipients_max"),
            ("sessions_max = 0", "sessions_max"),
            ("transfers_max = 0", "transfers_max"),
            ("progress_every = '0s'", "idle_timeout, data_timeout, progress_every"),
        ] {
            assert_eq!(toml::from_str::<MilterConfig>(text).unwrap().check().unwrap_err().setting, setting);
        }
    }
}
