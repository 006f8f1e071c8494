//! Why a message could not be made into pages.
//!
//! Every error has two sides: the clause that the sender may read (`Display`), and the cause inside, which is for
//! the operator's log (`cause`). The enhanced status codes are those of RFC 3463 §3.7 and §3.4.

use std::borrow::Cow;
use std::panic::{AssertUnwindSafe, catch_unwind};

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Why a message, a file or a template could not be made into pages.
///
/// `Display` is a clause without a full stop, fit for `The message could not be made into fax pages: ….`
#[derive(Clone, Debug, PartialEq, Eq, Error, Serialize, Deserialize)]
#[non_exhaustive]
pub enum RenderError {
    /// The bytes are no mail message.
    #[error("it is not a mail message")]
    NotAMessage,
    /// There is neither text nor an attachment.
    #[error("it holds no text and no attachment")]
    Empty,
    /// One part cannot be converted, so nothing is faxed (RFC 3965 §2.2.4).
    #[error("“{name}” cannot be faxed: {reason}")]
    Part {
        /// Its file name, or what it is.
        name: String,
        /// Why, as a clause for the sender.
        reason: String,
        /// What the decoder said, for the log.
        cause: Option<String>,
    },
    /// It is larger than this gateway allows.
    #[error("it has more than {max} {what}")]
    TooLarge {
        /// What there is too much of: `pages`.
        what: Cow<'static, str>,
        /// The limit that was passed.
        max: u64,
    },
    /// The cover page's template is wrong: the operator's fault, not the sender's.
    #[error("this gateway's cover page cannot be made")]
    Cover {
        /// What is wrong with it, with the line.
        cause: String,
    },
    /// No worker can be had: the gateway's fault, not the sender's, and it may pass.
    #[error("this gateway cannot convert anything at the moment")]
    Unavailable {
        /// What keeps it from it.
        cause: String,
    },
    /// A page cannot be shown as a picture.
    #[error("the page cannot be shown as a picture")]
    Preview {
        /// What the encoder said.
        cause: String,
    },
}

impl RenderError {
    /// What the log needs beside the clause; `None` where the clause says it all.
    #[must_use]
    pub fn cause(&self) -> Option<&str> {
        match self {
            Self::Part { cause, .. } => cause.as_deref(),
            Self::Cover { cause } | Self::Preview { cause } | Self::Unavailable { cause } => Some(cause),
            _ => None,
        }
    }

    /// The enhanced mail system status code (RFC 3463) that a refusal carries.
    #[must_use]
    pub fn status(&self) -> &'static str {
        match self {
            Self::NotAMessage | Self::Empty => "5.6.0",
            Self::Part { .. } => "5.6.1",
            Self::TooLarge { .. } => "5.3.4",
            Self::Unavailable { .. } => "4.3.0",
            Self::Cover { .. } | Self::Preview { .. } => "5.3.5",
        }
    }

    /// A part that cannot be converted.
    pub(super) fn part(name: &str, failure: Failure) -> Self {
        Self::Part { name: name.to_owned(), reason: failure.reason, cause: failure.cause }
    }
}

/// Why one document could not be converted, by the converter that does not know its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Failure {
    /// A clause for the sender: `the PDF is encrypted`.
    pub(super) reason: String,
    /// What the decoder said.
    pub(super) cause: Option<String>,
}

impl Failure {
    /// A failure whose reason says it all.
    pub(super) fn new(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), cause: None }
    }

    /// A failure with the decoder's own words for the log.
    pub(super) fn caused(reason: impl Into<String>, cause: impl Into<String>) -> Self {
        Self { reason: reason.into(), cause: Some(cause.into()) }
    }
}

/// Runs a decoder that was written by others: where it panics on foreign bytes, that is a failure of this document.
pub(super) fn guard<T>(what: &str, decode: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    catch(decode).unwrap_or_else(|words| {
        let cause = format!("the decoder gave up: {words}");
        Err(Failure::caused(format!("the {what} is damaged"), cause))
    })
}

/// Runs the whole work on a message in the same way, for what is done between the decoders.
pub(super) fn guard_all<T>(work: impl FnOnce() -> Result<T, RenderError>) -> Result<T, RenderError> {
    catch(work).unwrap_or_else(|words| {
        let failure = Failure::caused("it cannot be laid out", format!("the layout gave up: {words}"));
        Err(RenderError::part("the message", failure))
    })
}

/// The words of the panic, where there is one.
fn catch<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|panic| {
        let words = panic.downcast_ref::<String>().cloned();
        words.or_else(|| panic.downcast_ref::<&str>().map(|&text| text.to_owned())).unwrap_or_default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_outside_clause_never_shows_the_inside_cause() {
        let error = RenderError::part("scan.pdf", Failure::caused("the PDF is damaged", "xref at 1234"));
        assert_eq!(error.to_string(), "“scan.pdf” cannot be faxed: the PDF is damaged");
        assert_eq!(error.cause(), Some("xref at 1234"));
        assert_eq!(error.status(), "5.6.1");
    }

    #[test]
    #[allow(clippy::panic)]
    fn a_decoder_that_panics_is_a_failure() {
        let failure = guard::<()>("PDF", || panic!("index {}", 7)).err();
        assert_eq!(failure.as_ref().map(|f| f.reason.as_str()), Some("the PDF is damaged"));
        assert_eq!(failure.and_then(|f| f.cause).as_deref(), Some("the decoder gave up: index 7"));
        let error = guard_all::<()>(|| panic!("no glyph")).err();
        assert_eq!(
            error.map(|e| e.to_string()).as_deref(),
            Some("“the message” cannot be faxed: it cannot be laid out")
        );
    }
}
