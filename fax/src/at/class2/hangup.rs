//! How a modem says that a call is over: `+FHNG` (SP-2388) and `+FHS` (T.32 table 22), as outcomes.
//!
//! Both classes have the same numbers. Class 2 writes them in decimal; T.32 writes two hexadecimal digits that look the
//! same up to 94, and A0 to A3 for 100 to 103.

use crate::session::{Incompatibility, LocalFailure, Outcome, Phase};

/// A number, what it says, and what it means to us.
pub type Cause = (u8, &'static str, Outcome);

const fn silent(phase: Phase) -> Outcome {
    Outcome::NoResponse { phase }
}

const fn senseless(phase: Phase) -> Outcome {
    Outcome::NoProgress { phase }
}

const fn dropped(phase: Phase) -> Outcome {
    Outcome::HungUp { phase }
}

/// Our data and the modem do not fit together, or our port was too slow.
const MODEM: Outcome = Outcome::Local(LocalFailure::Line);

/// Every number of both classes, but 0: the call ended as it should.
pub const CAUSES: [Cause; 47] = [
    (1, "ring detected without successful handshake", Outcome::NoCommand),
    (2, "call aborted from +FK or CAN", Outcome::Cancelled),
    (3, "no loop current", Outcome::NoDialTone),
    (4, "ringback detected, no answer", Outcome::NoAnswer),
    (5, "ringback detected, answer without CED", Outcome::NoFaxTone),
    (10, "unspecified phase A error", Outcome::NoFaxTone),
    (11, "no answer (T1 timeout)", Outcome::NoFaxTone),
    (20, "unspecified phase B error, transmitting", dropped(Phase::Training)),
    (21, "remote cannot receive or send", Outcome::Incompatible(Incompatibility::NotAReceiver)),
    (22, "COMREC error, transmitting", Outcome::NoDis),
    (23, "COMREC invalid command, transmitting", senseless(Phase::Negotiation)),
    (24, "RSPREC error in phase B", silent(Phase::Training)),
    (25, "DCS sent three times without response", silent(Phase::Training)),
    (26, "DIS or DTC received three times, DCS not recognized", senseless(Phase::Training)),
    (27, "failure to train at 2400 bit/s or the least speed", Outcome::TrainingFailed),
    (28, "RSPREC invalid response in phase B", senseless(Phase::Training)),
    (40, "unspecified phase C error, transmitting", dropped(Phase::Image)),
    (41, "unspecified image format error", MODEM),
    (42, "image conversion error", MODEM),
    (43, "DTE to DCE data underflow", MODEM),
    (44, "unrecognized transparent data command", MODEM),
    (45, "image error, line length wrong", MODEM),
    (46, "image error, page length wrong", MODEM),
    (47, "image error, wrong compression code", MODEM),
    (50, "unspecified phase D error, transmitting", silent(Phase::PostMessage)),
    (51, "RSPREC error in phase D", silent(Phase::PostMessage)),
    (52, "no response to MPS repeated three times", silent(Phase::PostMessage)),
    (53, "invalid response to MPS", senseless(Phase::PostMessage)),
    (54, "no response to EOP repeated three times", silent(Phase::PostMessage)),
    (55, "invalid response to EOP", senseless(Phase::PostMessage)),
    (56, "no response to EOM repeated three times", silent(Phase::PostMessage)),
    (57, "invalid response to EOM", senseless(Phase::PostMessage)),
    (
        58,
        "unable to continue after PIN or PIP, transmitting",
        Outcome::Disconnected { phase: Phase::PostMessage },
    ),
    (70, "unspecified phase B error, receiving", dropped(Phase::Training)),
    (71, "RSPREC error, receiving", silent(Phase::Training)),
    (72, "COMREC error, receiving", Outcome::NoCommand),
    (73, "T2 timeout, expected page not received", silent(Phase::Image)),
    (74, "T1 timeout after EOM", silent(Phase::Negotiation)),
    (90, "unspecified phase C error, receiving", dropped(Phase::Image)),
    (91, "missing EOL after five seconds", senseless(Phase::Image)),
    (92, "bad CRC or frame (ECM)", senseless(Phase::Image)),
    (93, "DCE to DTE buffer overflow", MODEM),
    (94, "bad CRC or frame (ECM or file transfer)", senseless(Phase::Image)),
    (100, "unspecified phase D error, receiving", dropped(Phase::PostMessage)),
    (101, "RSPREC invalid response, receiving", senseless(Phase::PostMessage)),
    (102, "COMREC invalid response, receiving", senseless(Phase::PostMessage)),
    (
        103,
        "unable to continue after PIN or PIP, receiving",
        Outcome::Disconnected { phase: Phase::PostMessage },
    ),
];

/// The end of a call as the modem said it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code(pub u8);

impl Code {
    /// The call ended as it should.
    pub const NORMAL: Self = Self(0);

    /// Reads what follows `+FHNG:` or `+FHS:`; `None` where it is no number.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        match text.strip_prefix(['A', 'a']) {
            Some(unit) => unit.parse().ok().and_then(|unit: u8| unit.checked_add(100)).map(Self),
            None => text.parse().ok().map(Self),
        }
    }

    /// What it means where we sent, or (`is_sender` false) received; `phase` is how far the call had come, for numbers that
    /// no standard has and for an end without a cause.
    #[must_use]
    pub fn outcome(self, is_sender: bool, phase: Phase) -> Outcome {
        match CAUSES.iter().find(|(code, ..)| *code == self.0) {
            // Nothing rang where we dialled: the modem heard no fax.
            Some((1, ..)) if is_sender => Outcome::NoFaxTone,
            Some((.., outcome)) => *outcome,
            None => dropped(phase),
        }
    }

    /// What the standards call it.
    #[must_use]
    pub fn words(self) -> &'static str {
        match CAUSES.iter().find(|(code, ..)| *code == self.0) {
            Some((_, words, _)) => words,
            None if self == Self::NORMAL => "normal and proper end of connection",
            None => "a cause that no standard has",
        }
    }

    /// The end came before the image was through: no end-of-page command of it went out.
    #[must_use]
    pub fn is_before_end_of_page(self) -> bool {
        (10..50).contains(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;

    /// The tables of both classes: the groups and how many numbers each has.
    #[test]
    fn every_number_of_both_classes_has_its_outcome() {
        let groups: [(u8, &[u8]); 9] = [
            (0, &[1, 2, 3, 4, 5]),
            (10, &[0, 1]),
            (20, &[0, 1, 2, 3, 4, 5, 6, 7, 8]),
            (40, &[0, 1, 2, 3, 4, 5, 6, 7]),
            (50, &[0, 1, 2, 3, 4, 5, 6, 7, 8]),
            (70, &[0, 1, 2, 3, 4]),
            (90, &[0, 1, 2, 3, 4]),
            (100, &[0, 1, 2, 3]),
            (120, &[]),
        ];
        let expected = groups.iter().flat_map(|(group, units)| units.iter().map(move |unit| group + unit));
        assert!(expected.eq(CAUSES.iter().map(|(code, ..)| *code)), "each once, in order");
        for (code, words, outcome) in &CAUSES {
            let code = Code(*code);
            assert_eq!(code.outcome(false, Phase::Negotiation), *outcome, "{words}");
            assert!(!outcome.is_success() && code.words() == *words);
            let (decimal, hexadecimal) = match code.0 {
                100.. => (format!("{}", code.0), format!("A{}", code.0 - 100)),
                number => (format!(" {number}"), format!("{number:02}")),
            };
            assert_eq!((Code::parse(&decimal), Code::parse(&hexadecimal)), (Some(code), Some(code)));
        }
        for (range, phase) in
            [(20..=29, Phase::Training), (40..=40, Phase::Image), (52..=52, Phase::PostMessage)]
        {
            for code in range {
                let outcome = Code(code).outcome(true, Phase::Negotiation);
                let named = match outcome {
                    Outcome::NoResponse { phase }
                    | Outcome::NoProgress { phase }
                    | Outcome::HungUp { phase } => phase,
                    _ => continue,
                };
                assert!(named == phase || named == Phase::Negotiation, "{code}: {outcome}");
            }
        }
    }

    #[test]
    fn a_number_without_a_meaning_says_how_far_the_call_had_come() {
        for code in [0, 6, 60, 130, 255] {
            assert_eq!(Code(code).outcome(true, Phase::Image), Outcome::HungUp { phase: Phase::Image });
        }
        assert_eq!(Code(1).outcome(true, Phase::Negotiation), Outcome::NoFaxTone);
        assert_eq!(Code(0).words(), "normal and proper end of connection");
        assert_eq!([Code::parse("x"), Code::parse(""), Code::parse("A"), Code::parse("300")], [None; 4]);
        assert!(
            Code(27).is_before_end_of_page()
                && !Code(50).is_before_end_of_page()
                && !Code(2).is_before_end_of_page()
        );
    }
}
