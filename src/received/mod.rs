//! A fax that came in, from its first page to the mailboxes it is for.
//!
//! [`Intake`] is what the answering side of a line talks to: each page is on disk before the sender hears that
//! it arrived, and a fax whose call, or whose gateway, came to a sudden end is delivered as far as it got.
//! [`route`] says which mailboxes a fax is for; there is always one. [`files`] makes the attachments, and
//! [`mod@mail`] the mail, in which Reply faxes back.

pub mod answer;
pub mod files;
pub mod intake;
pub mod mail;
pub mod route;

use serde::{Deserialize, Serialize};

use crate::address::Mailbox;

pub use files::Files;
pub use intake::{Intake, IntakeError};
pub use mail::{NumberOf, ReceivedContext, mail, title};
pub use route::{Route, mailboxes};

/// Where received faxes go, and how their mails look (`[received]`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ReceivedConfig {
    /// The sender's address on mails with received faxes, to which undeliverable ones come back; empty is the
    /// postmaster.
    pub from: String,
    /// How many bytes of files a mail may carry; encoded for the way they grow by a third. The TIFF is left out
    /// first, then the PDF.
    pub attached_bytes_max: usize,
    /// Which faxes are for whom; the first that fits counts. A fax that none fits is for the postmaster.
    pub route: Vec<Route>,
}

impl Default for ReceivedConfig {
    fn default() -> Self {
        Self { from: String::new(), attached_bytes_max: 15 * 1024 * 1024, route: Vec::new() }
    }
}

impl ReceivedConfig {
    /// The first thing that is wrong with the settings.
    ///
    /// # Errors
    /// A sentence for the operator.
    pub fn check(&self) -> Result<(), String> {
        if !self.from.is_empty() && !Mailbox::is_full(&self.from) {
            return Err(format!("from: {:?} is no mail address", self.from));
        }
        for (route, n) in self.route.iter().zip(1..) {
            if route.to.is_empty() {
                return Err(format!("received.route number {n} has no mailbox in `to`"));
            }
            if let Some(bad) = route.to.iter().find(|to| !Mailbox::is_full(to)) {
                return Err(format!("received.route number {n}: {bad:?} is no mail address"));
            }
        }
        Ok(())
    }
}
