//! How the end of a call is numbered (SP-2388 table of `+FHNG`, T.32 table of `+FHS`).

use fax_proto::session::{Outcome, Phase};

/// The number for a caller that sends.
pub(super) fn of_sender(outcome: Outcome) -> u8 {
    match outcome {
        Outcome::Delivered | Outcome::Local(_) => 0,
        Outcome::Cancelled => 2,
        Outcome::NoAnswer => 4,
        Outcome::NoFaxTone | Outcome::NoDis => 11,
        Outcome::Incompatible(_) => 21,
        Outcome::TrainingFailed => 27,
        Outcome::NoResponse { phase: Phase::Training } => 25,
        Outcome::Disconnected { phase: Phase::Negotiation | Phase::Training } => 24,
        Outcome::HungUp { phase: Phase::Negotiation | Phase::Training } => 20,
        Outcome::Disconnected { phase: Phase::Image } | Outcome::HungUp { phase: Phase::Image } => 40,
        Outcome::Disconnected { phase: Phase::PostMessage } => 51,
        Outcome::NoResponse { phase: Phase::PostMessage } => 54,
        Outcome::Unconfirmed { .. } | Outcome::HungUp { .. } => 50,
        _ => 10,
    }
}

/// The number for a station that receives.
pub(super) fn of_receiver(outcome: Outcome) -> u8 {
    match outcome {
        Outcome::Received => 0,
        Outcome::NoCommand => 1,
        Outcome::Cancelled => 2,
        Outcome::NoResponse { phase: Phase::Image } => 73,
        Outcome::NoResponse { phase: Phase::PostMessage } => 74,
        Outcome::Disconnected { phase: Phase::PostMessage }
        | Outcome::HungUp { phase: Phase::PostMessage } => 100,
        Outcome::HungUp { phase: Phase::Image } => 90,
        _ => 70,
    }
}

/// As the class writes it. T.32 has hexadecimal digits, and numbers its last group as A0.
pub(super) fn shown(code: u8, is_draft: bool) -> String {
    match code {
        _ if is_draft => format!("+FHNG:{code}"),
        100.. => format!("+FHS:A{}", code - 100),
        _ => format!("+FHS:{code:02}"),
    }
}
