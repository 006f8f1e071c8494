//! Why something is not accepted: one table of SMTP codes (RFC 5321 §4.2, RFC 3463), and two texts.

use crate::address::{AddressError, Denial, NumberError};
use crate::store::StoreError;

/// A no, for a door to hand on in its own words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The kind of no.
    pub reason: Reason,
    /// A sentence for the sender, without its full stop.
    pub text: String,
    /// What the log says beside it; never shown outside.
    pub cause: String,
}

/// The kinds of no.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// The address cannot be read as a fax number.
    BadAddress,
    /// The address is that of a mailbox, and there are none.
    NoMailbox,
    /// Policy says no.
    NotPermitted,
    /// As much as may be faxed has been, for today.
    Quota,
    /// The mail does not prove that it is from whom it says.
    NotProved,
    /// What the mail asks for cannot be.
    BadOption,
    /// No recipient is left.
    NoRecipient,
    /// The mail goes in circles.
    Loop,
    /// A part of the message cannot become pages.
    Unconvertible,
    /// The message, or its envelope, is over a limit.
    TooLarge,
    /// There is no room for it just now.
    Full,
    /// The gateway cannot take it just now.
    Trouble,
}

impl Reason {
    /// The basic reply code (RFC 5321 §4.2.2).
    #[must_use]
    pub fn code(self) -> u16 {
        self.codes().0
    }

    /// The enhanced status code (RFC 3463).
    #[must_use]
    pub fn status(self) -> &'static str {
        self.codes().1
    }

    fn codes(self) -> (u16, &'static str) {
        match self {
            Self::BadAddress => (553, "5.1.3"),
            Self::NoMailbox => (550, "5.1.1"),
            Self::NotPermitted | Self::NotProved => (550, "5.7.1"),
            Self::Quota => (452, "4.7.1"),
            Self::BadOption => (554, "5.6.0"),
            Self::NoRecipient => (554, "5.5.1"),
            Self::Loop => (554, "5.4.6"),
            Self::Unconvertible => (554, "5.6.1"),
            Self::TooLarge => (552, "5.3.4"),
            Self::Full => (452, "4.3.1"),
            Self::Trouble => (451, "4.3.0"),
        }
    }
}

impl Refusal {
    /// A no with its two texts.
    #[must_use]
    pub fn new(reason: Reason, text: impl Into<String>, cause: &str) -> Self {
        Self { reason, text: text.into(), cause: cause.to_owned() }
    }

    pub(super) fn denied(denial: &Denial, postmaster: Option<&str>) -> Self {
        let help =
            postmaster.map_or(String::new(), |address| format!("; if you need it, write to {address}"));
        let reason = if denial.passes() { Reason::Quota } else { Reason::NotPermitted };
        Self::new(reason, format!("{denial}{help}"), &format!("{denial:?}"))
    }

    pub(super) fn not_ours(domain: &str) -> Self {
        let text = format!("this fax gateway takes no mail for {domain} and does not relay");
        Self::new(Reason::NotPermitted, text, "foreign domain")
    }

    pub(super) fn no_mailbox(postmaster: Option<&str>) -> Self {
        let instead = match postmaster {
            Some(address) => format!("its operator reads {address}"),
            None => "its operator has named no address here".to_owned(),
        };
        let text = format!("this gateway only sends faxes and has no mailboxes; {instead}");
        Self::new(Reason::NoMailbox, text, "postmaster")
    }
}

impl From<AddressError> for Refusal {
    fn from(error: AddressError) -> Self {
        Self::new(Reason::BadAddress, error.to_string(), &format!("{error:?}"))
    }
}

impl From<NumberError> for Refusal {
    fn from(error: NumberError) -> Self {
        let reason = match error {
            NumberError::Emergency(_) => Reason::NotPermitted,
            _ => Reason::BadAddress,
        };
        Self::new(reason, error.to_string(), &format!("{error:?}"))
    }
}

impl From<&StoreError> for Refusal {
    fn from(error: &StoreError) -> Self {
        let (reason, text) = match error {
            StoreError::TooLarge(_) => {
                (Reason::TooLarge, "the addresses of this message take up too much room")
            }
            StoreError::Full(_) => {
                (Reason::Full, "the gateway has no room for the message just now; please try again later")
            }
            _ => (Reason::Trouble, "the gateway cannot keep the message just now; please try again later"),
        };
        Self::new(reason, text, &error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Reason; 12] = [
        Reason::BadOption,
        Reason::Quota,
        Reason::NotProved,
        Reason::BadAddress,
        Reason::NoMailbox,
        Reason::NotPermitted,
        Reason::NoRecipient,
        Reason::Loop,
        Reason::Unconvertible,
        Reason::TooLarge,
        Reason::Full,
        Reason::Trouble,
    ];

    #[test]
    fn the_two_codes_of_a_reason_agree() {
        for reason in ALL {
            let again = matches!(reason, Reason::Quota | Reason::Full | Reason::Trouble);
            assert_eq!(reason.code() / 100, if again { 4 } else { 5 });
            assert!(reason.status().starts_with(&format!("{}.", reason.code() / 100)), "{reason:?}");
        }
    }

    #[test]
    fn what_the_store_says_stays_inside() {
        let refusal = Refusal::from(&StoreError::Failed("/var/lib/secret: EIO".into()));
        assert_eq!(refusal.reason, Reason::Trouble);
        assert!(!refusal.text.contains("secret"));
        assert!(refusal.cause.contains("secret"));
    }

    #[test]
    fn what_the_store_cannot_do_has_its_code() {
        for (error, status) in [
            (StoreError::Full("ENOSPC".into()), "4.3.1"),
            (StoreError::Failed("EIO".into()), "4.3.0"),
            (StoreError::Conflict("x".into()), "4.3.0"),
            (StoreError::TooLarge("x".into()), "5.3.4"),
        ] {
            assert_eq!(Refusal::from(&error).reason.status(), status);
        }
    }

    #[test]
    fn a_denial_says_where_to_ask() {
        let denial = Denial::NullSender;
        assert!(Refusal::denied(&denial, Some("ops@example.com")).text.ends_with("write to ops@example.com"));
        assert!(!Refusal::denied(&denial, None).text.contains("write"));
    }
}
