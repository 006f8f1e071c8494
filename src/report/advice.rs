//! What the sender can do about a fax that did not arrive, by how it ended.

use super::text::NAME_CHARS_MAX;
use crate::job::Outcome;
use crate::mailer::words::one_line;

/// What the sender can do about it; empty where there is nothing to do.
pub(super) fn advice(outcome: &Outcome, postmaster: &str) -> String {
    let ours = format!(
        "What to do: the fault is not yours. Please tell {} about it.",
        one_line(postmaster, NAME_CHARS_MAX)
    );
    let text = match outcome {
        Outcome::Delivered | Outcome::Unconfirmed | Outcome::Cancelled => "",
        Outcome::Busy => {
            "What to do: please send it again later, or ask the recipient whether the line is in order."
        }
        Outcome::NoAnswer => {
            "What to do: please check the number, or ask the recipient whether the fax machine is on."
        }
        Outcome::NoFax | Outcome::NotReached | Outcome::DataModem => {
            "What to do: please check the number. No more calls are made, because a person may have been \
             disturbed by them."
        }
        Outcome::NumberRefused => "What to do: please check the number.",
        Outcome::LineTrouble { .. } | Outcome::LineTaken => return ours,
        Outcome::NotCompatible { .. } => {
            "What to do: please ask the recipient for another fax number, or send it by mail."
        }
        Outcome::AddressRefused { .. } => {
            "What to do: please ask the recipient which subaddress and password the fax machine wants."
        }
        Outcome::NothingToPoll => {
            "What to do: please ask the other side to put the document into the machine, and try again."
        }
        Outcome::Interrupted { .. } => "What to do: please send it again later.",
        Outcome::PageRefused => {
            "What to do: please send it again later. If that fails too, the telephone line to this number is \
             poor, or its machine needs care: please tell the recipient."
        }
        Outcome::NotRendered { .. } => {
            "What to do: please send it again in another form. A PDF file without a password is best."
        }
        Outcome::Expired { last } => return advice(last, postmaster),
    };
    text.to_owned()
}
