//! How a call, or a job, can end: a closed catalogue, graded once.
//!
//! One table says for each outcome what follows (retry, give up, in doubt), which status the report carries
//! (RFC 3463), and a sentence for the sender. What the operator needs beside it is the attempt's trace.

use serde::{Deserialize, Serialize};

/// How a call or a job ended.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "kebab-case")]
pub enum Outcome {
    /// Every page was confirmed.
    Delivered,
    /// The line was engaged.
    Busy,
    /// It rang and nobody answered.
    NoAnswer,
    /// Somebody, or something, answered that is no fax machine.
    NoFax,
    /// The call reached no fax machine, and the line cannot tell whether somebody answered.
    NotReached,
    /// A data modem answered.
    DataModem,
    /// A call came in on the line that was about to dial, and nothing was dialled.
    LineTaken,
    /// The number does not exist, or the exchange refuses it.
    NumberRefused,
    /// The gateway's own line could not be used.
    LineTrouble {
        /// What the operator needs to know.
        cause: String,
    },
    /// The machines could not agree, or could not train at any speed.
    NotCompatible {
        /// What the operator needs to know.
        cause: String,
    },
    /// The other machine takes no subaddress or password, or does not accept those that were given.
    AddressRefused {
        /// What the operator needs to know.
        cause: String,
    },
    /// The other machine was to be polled and has no document.
    NothingToPoll,
    /// The connection was lost, or the other machine stopped, before all pages were confirmed.
    Interrupted {
        /// What the operator needs to know.
        cause: String,
    },
    /// The other machine refused the same page again and again.
    PageRefused,
    /// The last page was sent to its end and the call was lost before the other machine answered for it.
    Unconfirmed,
    /// The message could not be made into pages.
    NotRendered {
        /// What the sender may know.
        reason: String,
    },
    /// The time allowed ran out before an attempt succeeded.
    Expired {
        /// How the last attempt ended.
        last: Box<Outcome>,
    },
    /// Somebody who may took it back.
    Cancelled,
}

/// What follows from an outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Grade {
    /// Done, and well.
    Delivered,
    /// May be tried again by the rule for this cause.
    Retry,
    /// Trying again would not help.
    Permanent,
    /// It cannot be known whether all of it arrived.
    Unconfirmed,
}

impl Outcome {
    /// What follows.
    #[must_use]
    pub fn grade(&self) -> Grade {
        match self {
            Self::Delivered => Grade::Delivered,
            Self::Busy | Self::NoAnswer | Self::NoFax | Self::LineTrouble { .. } => Grade::Retry,
            Self::NotCompatible { .. } | Self::Interrupted { .. } | Self::PageRefused => Grade::Retry,
            Self::NotReached | Self::DataModem | Self::LineTaken | Self::NothingToPoll => Grade::Retry,
            Self::Unconfirmed => Grade::Unconfirmed,
            Self::AddressRefused { .. }
            | Self::NumberRefused
            | Self::NotRendered { .. }
            | Self::Expired { .. }
            | Self::Cancelled => Grade::Permanent,
        }
    }

    /// The enhanced status code of the final report (RFC 3463): class 2 where it was delivered, else 5. Busy to the
    /// end is a delivery time that expired; congestion itself is transient only.
    #[must_use]
    pub fn status(&self) -> &'static str {
        match self {
            Self::Delivered => "2.0.0",
            Self::NoAnswer | Self::NoFax | Self::NotReached | Self::DataModem => "5.4.1",
            Self::NumberRefused => "5.1.2",
            Self::AddressRefused { .. } => "5.7.1",
            Self::NothingToPoll => "5.2.0",
            Self::LineTrouble { .. } | Self::LineTaken => "5.3.0",
            Self::NotCompatible { .. } => "5.6.3",
            Self::Interrupted { .. } | Self::PageRefused | Self::Unconfirmed => "5.4.2",
            Self::NotRendered { .. } => "5.6.5",
            Self::Busy | Self::Expired { .. } => "5.4.7",
            Self::Cancelled => "5.7.0",
        }
    }

    /// The status while it is still being tried: congestion where it is busy, else the same of class 4 (RFC 3463 §2).
    #[must_use]
    pub fn delay_status(&self) -> String {
        match self {
            Self::Busy => "4.4.5".into(),
            _ => format!("4{}", &self.status()[1..]),
        }
    }

    /// One word for lists and logs.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Busy => "busy",
            Self::NoAnswer => "no-answer",
            Self::NoFax => "no-fax",
            Self::NotReached => "not-reached",
            Self::DataModem => "data-modem",
            Self::LineTaken => "line-taken",
            Self::NumberRefused => "number-refused",
            Self::LineTrouble { .. } => "line-trouble",
            Self::NotCompatible { .. } => "not-compatible",
            Self::AddressRefused { .. } => "address-refused",
            Self::NothingToPoll => "nothing-to-poll",
            Self::Interrupted { .. } => "interrupted",
            Self::PageRefused => "page-refused",
            Self::Unconfirmed => "unconfirmed",
            Self::NotRendered { .. } => "not-rendered",
            Self::Expired { .. } => "expired",
            Self::Cancelled => "cancelled",
        }
    }

    /// A sentence for the sender, who never saw a modem.
    #[must_use]
    pub fn sentence(&self) -> String {
        match self {
            Self::Delivered => "The fax was delivered; the receiving machine confirmed every page.".into(),
            Self::Busy => "The line was busy.".into(),
            Self::NoAnswer => "Nobody answered the call.".into(),
            Self::NoFax => "The call was answered, but not by a fax machine.".into(),
            Self::NotReached => {
                "The call did not reach a fax machine: nobody answered, or somebody without one.".into()
            }
            Self::DataModem => "A data modem answered the call, not a fax machine.".into(),
            Self::LineTaken => "Our own fax line was taken by a call that came in.".into(),
            Self::NumberRefused => "The telephone network does not accept this number.".into(),
            Self::LineTrouble { .. } => "Our own fax line had a fault.".into(),
            Self::NotCompatible { .. } => "The two fax machines could not agree on how to talk.".into(),
            Self::AddressRefused { .. } => {
                "The receiving machine did not accept the subaddress or the password.".into()
            }
            Self::NothingToPoll => "The machine that was called has no document to be fetched.".into(),
            Self::Interrupted { .. } => "The connection was lost before the fax was complete.".into(),
            Self::PageRefused => {
                "The receiving machine said several times that it could not read a page.".into()
            }
            Self::Unconfirmed => "The fax was sent to its end, but the call was lost before the receiving \
                machine confirmed the last page: it may have arrived or not."
                .into(),
            Self::NotRendered { reason } => {
                format!("The message could not be made into fax pages: {reason}.")
            }
            Self::Expired { last } => {
                format!("The time allowed for trying ran out. The last try ended so: {}", last.sentence())
            }
            Self::Cancelled => "The fax was cancelled.".into(),
        }
    }

    /// What the operator needs beside the word; `None` where the word says it all.
    #[must_use]
    pub fn cause(&self) -> Option<String> {
        match self {
            Self::LineTrouble { cause }
            | Self::NotCompatible { cause }
            | Self::AddressRefused { cause }
            | Self::Interrupted { cause } => Some(cause.clone()),
            Self::NotRendered { reason } => Some(reason.clone()),
            Self::Expired { last } => Some(format!("last: {}", last.word())),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn catalogue() -> Vec<Outcome> {
        let cause = || "V.17 14400 refused".to_owned();
        vec![
            Outcome::Delivered,
            Outcome::Busy,
            Outcome::NoAnswer,
            Outcome::NoFax,
            Outcome::NotReached,
            Outcome::DataModem,
            Outcome::LineTaken,
            Outcome::NumberRefused,
            Outcome::LineTrouble { cause: cause() },
            Outcome::NotCompatible { cause: cause() },
            Outcome::AddressRefused { cause: cause() },
            Outcome::NothingToPoll,
            Outcome::Interrupted { cause: cause() },
            Outcome::PageRefused,
            Outcome::Unconfirmed,
            Outcome::NotRendered { reason: "the PDF is encrypted".into() },
            Outcome::Expired { last: Box::new(Outcome::Busy) },
            Outcome::Cancelled,
        ]
    }

    #[test]
    fn the_whole_table_is_consistent() {
        let mut words = std::collections::HashSet::new();
        for outcome in catalogue() {
            let delivered = outcome.grade() == Grade::Delivered;
            assert_eq!(outcome.status().starts_with('2'), delivered, "{outcome:?}");
            assert!(outcome.sentence().ends_with('.'), "{outcome:?}");
            assert!(words.insert(outcome.word()), "{outcome:?} shares a word");
            let json = serde_json::to_string(&outcome).unwrap_or_default();
            assert_eq!(serde_json::from_str::<Outcome>(&json).ok(), Some(outcome), "{json}");
        }
    }
}
