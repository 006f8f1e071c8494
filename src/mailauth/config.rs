//! Settings of the proof of authors, and the resolver that they make.

use std::net::SocketAddr;
use std::time::Duration;

use mail_auth::MessageAuthenticator;
use mail_auth::hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig, ResolverOpts};
use serde::{Deserialize, Serialize};

/// How mails prove their authors (`[mail_auth]`). Times are written as `10s` or `48h`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MailAuthConfig {
    /// Name servers to ask, with their ports; empty: the system's.
    pub servers: Vec<SocketAddr>,
    /// How long all the questions about one message may take.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub timeout: Duration,
    /// How old a signature may be.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub age_max: Duration,
    /// Whether SPF of the author's domain is proof without a signature.
    pub spf_is_enough: bool,
}

impl Default for MailAuthConfig {
    fn default() -> Self {
        Self {
            servers: Vec::new(),
            timeout: Duration::from_secs(20),
            age_max: Duration::from_secs(2 * 24 * 3600),
            spf_is_enough: false,
        }
    }
}

/// A mail is remembered for longer, so that none is faxed twice.
const AGE_MAX: Duration = Duration::from_secs(14 * 24 * 3600);

impl MailAuthConfig {
    /// The first thing that is wrong with the settings.
    ///
    /// # Errors
    /// A sentence for the operator.
    pub fn check(&self) -> Result<(), String> {
        match () {
            () if self.timeout.is_zero() => Err("timeout: must not be 0".into()),
            () if self.age_max.is_zero() || self.age_max > AGE_MAX => {
                Err("age_max: must be more than 0 and at most 14 days".into())
            }
            () => Ok(()),
        }
    }

    /// Who is asked.
    pub(super) fn resolver(&self) -> Result<MessageAuthenticator, String> {
        let made = if self.servers.is_empty() {
            MessageAuthenticator::new_system_conf()
        } else {
            let servers = self.servers.iter().map(|server| {
                let mut connections = vec![ConnectionConfig::udp(), ConnectionConfig::tcp()];
                connections.iter_mut().for_each(|connection| connection.port = server.port());
                NameServerConfig::new(server.ip(), true, connections)
            });
            let mut options = ResolverOpts::default();
            options.timeout = self.timeout / 4;
            options.attempts = 2;
            MessageAuthenticator::new(ResolverConfig::from_name_servers(servers.collect()), options)
        };
        made.map_err(|error| error.to_string())
    }
}
