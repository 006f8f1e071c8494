//! From the fax protocol's outcomes to the gateway's, in one table.

use fax::session::{self, LocalFailure, Report};

use crate::job::Outcome;

/// The outcome of a call that sent, for a document of `pages` pages.
///
/// A page that is in doubt ends the job as unconfirmed only where it is the last; an earlier one is sent again,
/// since a page twice harms less than a page that is missing.
#[must_use]
pub fn of(report: &Report, pages: u32) -> Outcome {
    use session::{Incompatibility as Cannot, Outcome as End};
    let cause = || report.outcome.to_string();
    match report.outcome {
        End::Delivered => Outcome::Delivered,
        End::Busy => Outcome::Busy,
        End::NoAnswer => Outcome::NoAnswer,
        End::NoFaxTone | End::NoDis | End::VoiceAnswered => Outcome::NoFax,
        // What a Class 1 modem says where a voice answered too: by the rule for those, or a person is called for hours.
        End::NotConnected => Outcome::NotReached,
        End::DataModemAnswered => Outcome::DataModem,
        End::Glare => Outcome::LineTaken,
        End::Unconfirmed { page } if page + 1 == pages => Outcome::Unconfirmed,
        End::PageRejected { .. } => Outcome::PageRefused,
        End::NothingToPoll => Outcome::NothingToPoll,
        End::Incompatible(Cannot::Subaddress | Cannot::SelectivePolling | Cannot::Password)
        | End::Refused(_) => Outcome::AddressRefused { cause: cause() },
        End::Incompatible(_) | End::TrainingFailed => Outcome::NotCompatible { cause: cause() },
        End::NoDialTone | End::DialBlocked | End::Local(LocalFailure::Line) => {
            Outcome::LineTrouble { cause: cause() }
        }
        // A sender never ends as `Received`, `NoCommand` or `TooLarge`; if one did, trying again is safe.
        End::Unconfirmed { .. }
        | End::Disconnected { .. }
        | End::NoResponse { .. }
        | End::HungUp { .. }
        | End::NotReady
        | End::NoProgress { .. }
        | End::CallTooLong
        | End::Local(_)
        | End::Cancelled
        | End::Received
        | End::NoCommand
        | End::TooLarge => Outcome::Interrupted { cause: cause() },
    }
}

/// How the call went, in an engineer's words: `14400 V.17, ECM 256, MMR`.
#[must_use]
pub fn mode(report: &Report) -> Option<String> {
    report.negotiated.map(|agreed| agreed.to_string())
}

#[cfg(test)]
mod tests {
    use fax::session::{Incompatibility, Refusal};

    use super::*;

    fn report(outcome: session::Outcome) -> Report {
        let memory = fax::t30::memory::Memory::default();
        Report { outcome, marks: Vec::new(), remote_id: None, subaddress: None, negotiated: None, memory }
    }

    #[test]
    fn only_a_last_page_in_doubt_leaves_the_fax_unconfirmed() {
        let end = session::Outcome::Unconfirmed { page: 1 };
        assert_eq!(of(&report(end), 2), Outcome::Unconfirmed);
        assert!(matches!(of(&report(end), 3), Outcome::Interrupted { .. }));
    }

    #[test]
    fn what_the_far_end_did_is_kept_apart_from_what_our_line_did() {
        assert_eq!(of(&report(session::Outcome::Busy), 1), Outcome::Busy);
        assert_eq!(of(&report(session::Outcome::NoDis), 1), Outcome::NoFax);
        assert_eq!(of(&report(session::Outcome::VoiceAnswered), 1), Outcome::NoFax);
        assert_eq!(of(&report(session::Outcome::DataModemAnswered), 1), Outcome::DataModem);
        assert_eq!(of(&report(session::Outcome::NotConnected), 1), Outcome::NotReached);
        assert_eq!(of(&report(session::Outcome::Glare), 1), Outcome::LineTaken);
        let refused = session::Outcome::Refused(Refusal::Password);
        assert!(matches!(of(&report(refused), 1), Outcome::AddressRefused { .. }));
        let no_sub = session::Outcome::Incompatible(Incompatibility::Subaddress);
        assert!(matches!(of(&report(no_sub), 1), Outcome::AddressRefused { .. }));
        let no_width = session::Outcome::Incompatible(Incompatibility::Width);
        assert!(matches!(of(&report(no_width), 1), Outcome::NotCompatible { .. }));
        assert_eq!(of(&report(session::Outcome::NothingToPoll), 1), Outcome::NothingToPoll);
        let line = of(&report(session::Outcome::Local(LocalFailure::Line)), 1);
        assert!(matches!(line, Outcome::LineTrouble { .. }));
        let babble = session::Outcome::NoProgress { phase: session::Phase::Training };
        let babble = of(&report(babble), 1);
        assert!(matches!(babble, Outcome::Interrupted { ref cause } if cause.contains("without progress")));
        let store = of(&report(session::Outcome::Local(LocalFailure::MarkNotKept)), 1);
        assert!(matches!(store, Outcome::Interrupted { .. }));
    }
}
