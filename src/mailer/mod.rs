//! How mail leaves: SEAM between the flow, which makes mails, and relay or Maildir, which take them away.
//!
//! [`relay`] hands mails to an SMTP server, [`maildir`] puts them into a folder. [`compose`] and [`words`] are
//! what both kinds of mail that the flow makes (reports and received faxes) have in common.

pub mod compose;
pub mod maildir;
pub mod relay;
pub mod words;

use std::sync::Arc;

use async_trait::async_trait;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

pub use maildir::{Maildir, MaildirConfig};
pub use relay::{Relay, RelayConfig};

/// A finished mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// The reverse path; `None` is the null path `<>`.
    pub from: Option<String>,
    /// The mailbox it goes to.
    pub to: String,
    /// Header and body, lines ending in CRLF.
    pub data: Vec<u8>,
    /// Names the mail for ever: the same mail delivered twice has the same key.
    pub key: String,
}

/// Why a mail did not leave.
#[derive(Debug, thiserror::Error)]
pub enum MailerError {
    /// Worth another try.
    #[error("for now: {0}")]
    Temporary(String),
    /// Not worth another.
    #[error("for good: {0}")]
    Permanent(String),
}

/// Takes mail away.
#[async_trait]
pub trait Mailer: Send + Sync {
    /// Returns when somebody else answers for the mail: the relay said 250, or it is flushed to the Maildir.
    async fn send(&self, mail: &Mail) -> Result<(), MailerError>;
}

/// Who the gateway is in the mails that it writes.
#[derive(Clone, Debug)]
pub struct Identity {
    /// The full host name: the Reporting-MTA, and the right side of every Message-ID.
    pub host: String,
    /// The mailbox of a person who looks after the gateway.
    pub postmaster: String,
    /// The zone that times are told in.
    pub zone: TimeZone,
}

/// How mail leaves (`[mailer]`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MailerConfig {
    /// By which way.
    pub kind: MailerKind,
    /// The settings of the way `maildir`.
    pub maildir: MaildirConfig,
    /// The settings of the way `relay`.
    pub relay: RelayConfig,
}

/// The ways there are for mail to leave.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MailerKind {
    /// Into a Maildir for each recipient, on this machine. Needs nothing but a disk.
    #[default]
    Maildir,
    /// To an SMTP server.
    Relay,
}

impl MailerConfig {
    /// The mailer of this configuration. `host` is the name it greets a relay with.
    ///
    /// # Errors
    /// A sentence for the operator, where the settings cannot work.
    pub fn build(&self, host: &str) -> Result<Arc<dyn Mailer>, String> {
        Ok(match self.kind {
            MailerKind::Maildir => Arc::new(Maildir::new(&self.maildir)),
            MailerKind::Relay => Arc::new(Relay::new(&self.relay, host)?),
        })
    }
}
