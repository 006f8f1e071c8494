//! How mail leaves: SEAM between the flow, which makes mails, and relay or Maildir, which take them away.

use async_trait::async_trait;

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
