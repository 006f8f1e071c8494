//! Settings of the listener.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::listen::ListenAddress;
use super::session::{Limits, Service};
use super::tls::TlsConfig;
use crate::address::{Network, SettingError};
use crate::door::unix_socket;

/// Settings of the listener. Times are written as `5m` or `1h 30m`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SmtpConfig {
    /// Addresses and ports to listen on.
    pub listen: Vec<SocketAddr>,
    /// Addresses and ports where TLS begins with the connection (RFC 8314).
    pub listen_tls: Vec<SocketAddr>,
    /// Addresses and ports of the submission service (RFC 6409): as `listen`, for those who sign in.
    pub submission: Vec<SocketAddr>,
    /// Addresses and ports of the submission service where TLS begins with the connection (RFC 8314).
    pub submission_tls: Vec<SocketAddr>,
    /// The name that the server gives itself: in its greeting, and in the `Received` line of each message.
    pub hostname: String,
    /// Bytes of one message; announced by SIZE (RFC 1870).
    pub message_bytes_max: usize,
    /// Recipients of one message; RFC 5321 §4.5.3.1.8 asks for at least 100. A client that has as many
    /// refused before a mail of its is accepted is sent away.
    pub recipients_max: usize,
    /// Commands of one session that are wrong or out of order, before it is ended.
    pub errors_max: usize,
    /// Sessions at one time.
    pub sessions_max: usize,
    /// Sessions of one client (IPv4 address, or IPv6 network of 64 bits) at one time.
    pub sessions_per_client_max: usize,
    /// Messages that come in at one time: with `message_bytes_max`, the bound of the memory they take.
    pub transfers_max: usize,
    /// How long to wait for the next command, or for the client to take a reply (RFC 5321 §4.5.3.2.7: 5
    /// minutes).
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub command_timeout: Duration,
    /// How long to wait for the next piece of a message (RFC 5321 §4.5.3.2.5: 3 minutes).
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub data_timeout: Duration,
    /// How long a session may take as a whole.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub session_timeout: Duration,
    /// Where LMTP is spoken (RFC 2033).
    pub lmtp: Vec<ListenAddress>,
    /// Who may connect to a unix socket of those, as the octal mode of the file.
    pub lmtp_socket_mode: String,
    /// The networks of balancers that say by the PROXY protocol whose connection it is.
    pub proxy_networks: Vec<Network>,
    /// The networks for which the limits on rates below do not hold.
    pub unlimited_networks: Vec<Network>,
    /// Connections of one client in a minute; 0 is no limit.
    pub connections_per_minute_max: u32,
    /// Messages of one client in an hour; 0 is no limit.
    pub messages_per_hour_max: u32,
    /// Recipients that one client names in an hour; 0 is no limit.
    pub recipients_per_hour_max: u32,
    /// How late a wrong password is answered.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub auth_delay: Duration,
    /// Attempts of one client to sign in that may fail before it is locked out.
    pub auth_failures_max: u32,
    /// For how long.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub auth_lock_out: Duration,
    /// TLS.
    pub tls: TlsConfig,
}

impl Default for SmtpConfig {
    fn default() -> Self {
        Self {
            listen: vec![SocketAddr::from((Ipv4Addr::LOCALHOST, 2525))],
            listen_tls: Vec::new(),
            submission: Vec::new(),
            submission_tls: Vec::new(),
            hostname: "localhost".into(),
            message_bytes_max: 50 * 1024 * 1024,
            recipients_max: 100,
            errors_max: 20,
            sessions_max: 100,
            sessions_per_client_max: 20,
            transfers_max: 8,
            command_timeout: Duration::from_secs(5 * 60),
            data_timeout: Duration::from_secs(3 * 60),
            session_timeout: Duration::from_secs(60 * 60),
            lmtp: Vec::new(),
            lmtp_socket_mode: "660".into(),
            proxy_networks: Vec::new(),
            unlimited_networks: vec![
                Network::host(Ipv4Addr::LOCALHOST.into()),
                Network::host(Ipv6Addr::LOCALHOST.into()),
            ],
            connections_per_minute_max: 120,
            messages_per_hour_max: 1000,
            recipients_per_hour_max: 5000,
            auth_delay: Duration::from_secs(2),
            auth_failures_max: 10,
            auth_lock_out: Duration::from_secs(15 * 60),
            tls: TlsConfig::default(),
        }
    }
}

/// The longest that a wrong password may be answered late; clients have little patience.
const AUTH_DELAY_MAX: Duration = Duration::from_secs(60);

/// One address that is listened on, and what for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Listening {
    pub(super) address: ListenAddress,
    /// For those who sign in.
    pub(super) submission: bool,
    /// Whether TLS begins with the connection.
    pub(super) implicit: bool,
    pub(super) lmtp: bool,
}

impl Listening {
    fn needs_tls(&self) -> bool {
        self.submission || self.implicit
    }
}

impl SmtpConfig {
    /// Says what in the settings cannot be meant so.
    pub fn check(&self) -> Result<(), SettingError> {
        let is_name = |b: u8| b.is_ascii_alphanumeric() || b".-_:[]".contains(&b);
        let hostname_fits = (1..=253).contains(&self.hostname.len()) && self.hostname.bytes().all(is_name);
        let times = [self.command_timeout, self.data_timeout, self.session_timeout];
        for (fits, setting, problem) in [
            (!self.listeners().is_empty(), "listen", "there must be an address to listen on"),
            (hostname_fits, "hostname", "must be a host name, such as fax.example.com"),
            (self.message_bytes_max >= 64 * 1024, "message_bytes_max", "must be at least 65536"),
            (self.recipients_max >= 100, "recipients_max", "must be at least 100"),
            (self.errors_max > 0, "errors_max", "must be at least 1"),
            (self.sessions_max > 0, "sessions_max", "must be at least 1"),
            (self.sessions_per_client_max > 0, "sessions_per_client_max", "must be at least 1"),
            (self.transfers_max > 0, "transfers_max", "must be at least 1"),
            (
                times.iter().all(|t| !t.is_zero()),
                "command_timeout, data_timeout, session_timeout",
                "must not be 0",
            ),
            (
                self.lmtp.iter().all(|address| !matches!(address, ListenAddress::Tcp(a) if a.port() == 25)),
                "lmtp",
                "port 25 is SMTP's (RFC 2033 §5)",
            ),
            (
                unix_socket::mode(&self.lmtp_socket_mode).is_some(),
                "lmtp_socket_mode",
                "must be an octal mode, such as 660",
            ),
            (self.auth_failures_max > 0, "auth_failures_max", "must be at least 1"),
            (self.auth_delay <= AUTH_DELAY_MAX, "auth_delay", "must be at most a minute"),
            (!self.tls.reload_every.is_zero(), "tls.reload_every", "must not be 0"),
            (
                self.tls.certificate.is_some() == self.tls.key.is_some(),
                "tls.certificate, tls.key",
                "a certificate and its key belong together: name both, or neither",
            ),
            (
                self.tls.enabled || !(self.tls.required || self.listeners().iter().any(Listening::needs_tls)),
                "tls.enabled",
                "must be true where TLS is required or listened for, and for submission",
            ),
        ] {
            if !fits {
                let problem = problem.to_owned();
                return Err(SettingError { setting, problem });
            }
        }
        Ok(())
    }

    /// All that is listened on.
    pub(super) fn listeners(&self) -> Vec<Listening> {
        let each = |addresses: &[SocketAddr], submission, implicit| {
            let of = |address: &SocketAddr| Listening {
                address: ListenAddress::Tcp(*address),
                submission,
                implicit,
                lmtp: false,
            };
            addresses.iter().map(of).collect::<Vec<_>>()
        };
        let lmtp = |address: &ListenAddress| Listening {
            address: address.clone(),
            submission: false,
            implicit: false,
            lmtp: true,
        };
        let mut all = each(&self.listen, false, false);
        all.extend(each(&self.listen_tls, false, true));
        all.extend(each(&self.submission, true, false));
        all.extend(each(&self.submission_tls, true, true));
        all.extend(self.lmtp.iter().map(lmtp));
        all
    }

    /// What a client is offered there; `auth` where there is somebody who could sign in.
    pub(super) fn service(&self, listening: &Listening, auth: bool) -> Service {
        let limits = Limits {
            message_bytes_max: self.message_bytes_max,
            recipients_max: self.recipients_max,
            errors_max: self.errors_max,
        };
        let hostname = self.hostname.clone();
        Service {
            hostname,
            limits,
            // Who can open a socket of this machine needs no secrets kept from it.
            tls: self.tls.enabled && !listening.address.is_unix(),
            tls_required: (self.tls.required && !listening.address.is_unix()) || listening.submission,
            auth: auth || listening.submission,
            auth_required: listening.submission,
            holds: listening.submission,
            lmtp: listening.lmtp,
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_default_is_good_and_reads_back() {
        let default = SmtpConfig::default();
        assert_eq!(default.check(), Ok(()));
        assert_eq!(toml::from_str::<SmtpConfig>(""), Ok(default));
        let some: SmtpConfig = toml::from_str("command_timeout = '1m 30s'\nlisten = ['[::]:25']").unwrap();
        assert_eq!(some.command_timeout, Duration::from_secs(90));
        assert!(toml::from_str::<SmtpConfig>("comand_timeout = '1m'").is_err());
    }

    #[test]
    fn settings_that_cannot_be_meant_are_named() {
        for (text, setting) in [
            ("listen = []", "listen"),
            ("hostname = ''", "hostname"),
            ("hostname = 'a b'", "hostname"),
            ("message_bytes_max = 1000", "message_bytes_max"),
            ("recipients_max = 99", "recipients_max"),
            ("tls.certificate = '/c.pem'", "tls.certificate, tls.key"),
            ("tls.enabled = false\ntls.required = true", "tls.enabled"),
            ("tls.enabled = false\nlisten_tls = ['[::]:465']", "tls.enabled"),
            ("lmtp = ['[::1]:25']", "lmtp"),
            ("lmtp_socket_mode = '4777'", "lmtp_socket_mode"),
            ("tls.reload_every = '0s'", "tls.reload_every"),
            ("transfers_max = 0", "transfers_max"),
            ("data_timeout = '0s'", "command_timeout, data_timeout, session_timeout"),
        ] {
            assert_eq!(toml::from_str::<SmtpConfig>(text).unwrap().check().unwrap_err().setting, setting);
        }
    }
}
