//! Why not: for the sender in plain words, by `Debug` for the log.

use std::net::IpAddr;

use super::super::{Class, Number};
use super::quota::{Exceeded, Period};

/// Why a number is not dialled for this client. The text is for the sender; `Debug` is for the log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Denial {
    /// The client's address is in none of the networks.
    #[error("your mail server ({0}) may not send faxes through this gateway")]
    Network(IpAddr),
    /// The client's certificate is not listed.
    #[error("the certificate of your mail server may not send faxes through this gateway")]
    Certificate(String),
    /// The person is not listed.
    #[error("{0} may not send faxes through this gateway")]
    User(String),
    /// Local people may not.
    #[error("people on this machine may not send faxes through this gateway")]
    LocalUser(String),
    /// It is not known where the mail comes from.
    #[error("it is not known where this mail comes from, so it is not faxed")]
    Unknown,
    /// The author is proved, and not listed.
    #[error("{0} may not send faxes through this gateway")]
    Author(String),
    /// The envelope sender is not on the list.
    #[error("{0} may not send faxes through this gateway")]
    Sender(String),
    /// The null path.
    #[error("automatic replies and delivery reports are not faxed")]
    NullSender,
    /// The number is not among the destinations.
    #[error("faxes to {0} are not permitted by this gateway")]
    Destination(Number),
    /// The number is barred.
    #[error("faxes to {number} are barred by this gateway")]
    DestinationDenied {
        /// The number.
        number: Number,
        /// The entry that bars it.
        entry: String,
    },
    /// The number is of a kind that is not open.
    #[error("{number} is {} {class} number, and you have no leave for faxes to those", article(class))]
    Class {
        /// The number.
        number: Number,
        /// Its kind.
        class: Class,
    },
    /// As much as may be faxed has been.
    #[error("{} may fax {} {}, and has; {}", .0.account, .0.allowed, period(.0), again(.0))]
    Quota(Exceeded),
}

impl Denial {
    /// Whether it passes with time, soon enough for a mail server to wait for it.
    #[must_use]
    pub fn passes(&self) -> bool {
        matches!(self, Self::Quota(Exceeded { period: Period::Day, .. }))
    }
}

fn article(class: &Class) -> &'static str {
    if matches!(class, Class::Internal | Class::International) { "an" } else { "a" }
}

fn period(exceeded: &Exceeded) -> &'static str {
    match exceeded.period {
        Period::Day => "a day",
        Period::Month => "a month",
    }
}

fn again(exceeded: &Exceeded) -> &'static str {
    match exceeded.period {
        Period::Day => "there is room again tomorrow",
        Period::Month => "there is room again on the first of the month",
    }
}
