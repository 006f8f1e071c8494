//! Mail to an SMTP server, our relay (RFC 5321), by `lettre`.
//!
//! The server's 250 after the data means that it answers for the mail. What went wrong is worth another try
//! unless the server refused this mail or this recipient for good (5xx); a refused login, or a login asked for,
//! is the operator's to mend and not the mail's fault, so it counts as temporary. A mail whose 250 got lost is
//! sent again with the same Message-ID.

use std::path::PathBuf;
use std::time::Duration;

use async_trait::async_trait;
use lettre::address::Envelope;
use lettre::transport::smtp;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{Address, AsyncSmtpTransport, AsyncTransport, Tokio1Executor};
use serde::{Deserialize, Serialize};

use super::{Mail, Mailer, MailerError};

/// Replies that speak of the login and not of the mail (RFC 4954 §4, §6).
const LOGIN_REPLIES: [u16; 5] = [454, 530, 534, 535, 538];

/// Hosts that a password reaches without leaving this machine.
const LOCAL_HOSTS: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// How a certificate begins in a PEM file (RFC 7468 §5.1).
const PEM_CERTIFICATE: &[u8] = b"-----BEGIN CERTIFICATE-----";

/// The SMTP server (`[mailer.relay]`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RelayConfig {
    /// Its name or address.
    pub host: String,
    /// Its port; 0 is the usual one for the kind of TLS: 25, or 465 where TLS begins at once.
    pub port: u16,
    /// Whether the way there is encrypted.
    pub tls: RelayTls,
    /// A file with certificates (PEM) of authorities that are believed beside the public ones.
    pub ca_file: Option<PathBuf>,
    /// The login name; empty where the server wants none.
    pub user: String,
    /// A file that holds the password and nothing else, readable by the gateway only.
    pub password_file: Option<PathBuf>,
    /// How long the delivery of one mail may take, from connecting to the server's last word.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub timeout: Duration,
}

/// Whether the way to the relay is encrypted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RelayTls {
    /// Never: for a server on this machine.
    #[default]
    None,
    /// Where the server offers it (STARTTLS), with any certificate: it keeps out who listens (RFC 7435), not who
    /// stands in the way.
    Opportunistic,
    /// By STARTTLS, or not at all.
    Starttls,
    /// From the first byte (RFC 8314).
    Implicit,
}

impl Default for RelayConfig {
    fn default() -> Self {
        Self {
            host: "localhost".into(),
            port: 0,
            tls: RelayTls::None,
            ca_file: None,
            user: String::new(),
            password_file: None,
            timeout: Duration::from_secs(5 * 60),
        }
    }
}

/// Hands mail to an SMTP server, over a new connection for each.
pub struct Relay {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    timeout: Duration,
}

impl Relay {
    /// A way to the configured server, which it greets as `host`. Nothing is dialled yet.
    ///
    /// # Errors
    /// A sentence for the operator, where the settings cannot work.
    pub fn new(config: &RelayConfig, host: &str) -> Result<Self, String> {
        if config.timeout.is_zero() {
            return Err("mailer.relay.timeout is 0: no server can answer in no time".into());
        }
        if config.host.is_empty() {
            return Err("mailer.relay.host is empty".into());
        }
        let builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(config.host.as_str())
            .port(port(config))
            .tls(tls(config)?)
            .timeout(Some(config.timeout))
            .hello_name(ClientId::Domain(host.to_owned()));
        let builder = match credentials(config)? {
            Some(credentials) => builder.credentials(credentials),
            None => builder,
        };
        Ok(Self { transport: builder.build(), timeout: config.timeout })
    }
}

#[async_trait]
impl Mailer for Relay {
    async fn send(&self, mail: &Mail) -> Result<(), MailerError> {
        let envelope = envelope(mail)?;
        // lettre ends the data with CRLF . CRLF, whether it ended with CRLF already or not.
        let data = mail.data.strip_suffix(b"\r\n").unwrap_or(&mail.data);
        // lettre's own time-out is for connecting only: a server that says nothing would be waited for for ever.
        match tokio::time::timeout(self.timeout, self.transport.send_raw(&envelope, data)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(graded(&error)),
            Err(_) => Err(MailerError::Temporary(format!("the relay took longer than {:?}", self.timeout))),
        }
    }
}

fn port(config: &RelayConfig) -> u16 {
    match (config.port, config.tls) {
        (0, RelayTls::Implicit) => 465,
        (0, _) => 25,
        (port, _) => port,
    }
}

fn tls(config: &RelayConfig) -> Result<Tls, String> {
    Ok(match config.tls {
        RelayTls::None => Tls::None,
        RelayTls::Opportunistic => Tls::Opportunistic(tls_parameters(config)?),
        RelayTls::Starttls => Tls::Required(tls_parameters(config)?),
        RelayTls::Implicit => Tls::Wrapper(tls_parameters(config)?),
    })
}

fn tls_parameters(config: &RelayConfig) -> Result<TlsParameters, String> {
    let mut builder = TlsParameters::builder(config.host.clone())
        .dangerous_accept_invalid_certs(config.tls == RelayTls::Opportunistic);
    if let Some(file) = &config.ca_file {
        let bad = |error: &dyn std::fmt::Display| format!("mailer.relay.ca_file {}: {error}", file.display());
        let pem = std::fs::read(file).map_err(|error| bad(&error))?;
        // lettre takes a file without any in silence.
        if !pem.windows(PEM_CERTIFICATE.len()).any(|text| text == PEM_CERTIFICATE) {
            return Err(bad(&"there is no certificate in it"));
        }
        let certificates = Certificate::from_pem(&pem).map_err(|error| bad(&error))?;
        builder = builder.add_root_certificate(certificates);
    }
    builder
        .build()
        .map_err(|error| format!("mailer.relay.host {:?} cannot be reached by TLS: {error}", config.host))
}

fn credentials(config: &RelayConfig) -> Result<Option<Credentials>, String> {
    if config.user.is_empty() {
        return Ok(None);
    }
    let proves_itself = matches!(config.tls, RelayTls::Starttls | RelayTls::Implicit);
    if !proves_itself && !LOCAL_HOSTS.contains(&config.host.as_str()) {
        return Err(
            "mailer.relay.user is set: mailer.relay.tls must be \"starttls\" or \"implicit\", or the \
                    password could be read on the way"
                .into(),
        );
    }
    let file = config
        .password_file
        .as_ref()
        .ok_or("mailer.relay.user is set, but mailer.relay.password_file is not")?;
    let password = std::fs::read_to_string(file)
        .map_err(|error| format!("mailer.relay.password_file {}: {error}", file.display()))?;
    let password = password.trim_end_matches(['\r', '\n']).to_owned();
    Ok(Some(Credentials::new(config.user.clone(), password)))
}

fn envelope(mail: &Mail) -> Result<Envelope, MailerError> {
    let address = |text: &str| {
        text.parse::<Address>()
            .map_err(|error| MailerError::Permanent(format!("{text:?} is no mail address: {error}")))
    };
    let from = mail.from.as_deref().map(address).transpose()?;
    Envelope::new(from, vec![address(&mail.to)?])
        .map_err(|error| MailerError::Permanent(format!("the envelope: {error}")))
}

fn graded(error: &smtp::Error) -> MailerError {
    let code = error.status().map(u16::from);
    let about_login = code.is_some_and(|code| LOGIN_REPLIES.contains(&code));
    if error.is_permanent() && !about_login {
        MailerError::Permanent(error.to_string())
    } else {
        MailerError::Temporary(error.to_string())
    }
}
