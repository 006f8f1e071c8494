//! Option negotiation: what the two sides agree on before anything else is said.
//!
//! The MTA offers a version and two sets of flags; the filter takes the lower version and, of the flags, those that it
//! wants. An MTA closes on a filter that answers with flags which were not offered, so what is only wished for is
//! left off where it is missing, and what the filter cannot do without fails the connection here, with a name.

use alloc::string::String;
use alloc::vec::Vec;

use crate::VERSION;
use crate::flags::{Actions, Steps};
use crate::reply::{MacroList, MacroStep, Reply};
use crate::session::Error;

/// The oldest version that is spoken (libmilter's `SMFI_PROT_VERSION_MIN`).
pub const VERSION_MIN: u32 = 2;

/// What an offer without a single action stands for: those of version 1 (`SMFI_V1_ACTS`).
const ACTIONS_OF_VERSION_1: u32 = 0x0f;
/// What an offer without a single step stands for: those of version 1 (`SMFI_V1_PROT`).
const STEPS_OF_VERSION_1: u32 = 0x3f;

/// What a filter wants of an MTA.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// What it must be allowed to do; without all of these there is no session.
    pub actions: Actions,
    /// What it would also do where it is allowed to.
    pub actions_wished: Actions,
    /// What the MTA shall leave out, or the filter need not answer, where the MTA knows how.
    pub steps: Steps,
    /// The macros it wants to see, by step, where the MTA can be told; an MTA that cannot sends those of its own
    /// configuration.
    pub macro_lists: Vec<(MacroStep, String)>,
}

/// What was agreed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Agreed {
    /// The version spoken.
    pub version: u32,
    /// What the filter may do.
    pub actions: Actions,
    /// What the MTA leaves out, and what the filter does not answer.
    pub steps: Steps,
}

impl Wanted {
    /// What comes of an MTA's offer.
    ///
    /// # Errors
    /// [`Error::TooOld`] and [`Error::Lacks`].
    pub fn agree(&self, version: u32, actions: Actions, steps: Steps) -> Result<Agreed, Error> {
        if version < VERSION_MIN {
            return Err(Error::TooOld { version });
        }
        let actions =
            if actions == Actions::NONE { Actions::from_bits(ACTIONS_OF_VERSION_1) } else { actions };
        let steps = if steps == Steps::NONE { Steps::from_bits(STEPS_OF_VERSION_1) } else { steps };
        if !actions.contains(self.actions) {
            return Err(Error::Lacks { actions: Actions::from_bits(self.actions.bits() & !actions.bits()) });
        }
        let told = if self.macro_lists.is_empty() { Actions::NONE } else { Actions::SET_MACRO_LISTS };
        Ok(Agreed {
            version: version.min(VERSION),
            actions: (self.actions | self.actions_wished | told) & actions,
            steps: self.steps & steps,
        })
    }

    /// The filter's answer to the offer.
    pub(crate) fn reply(&self, agreed: Agreed) -> Reply<'_> {
        let macro_lists = if agreed.actions.contains(Actions::SET_MACRO_LISTS) {
            self.macro_lists
                .iter()
                .map(|(step, names)| MacroList { step: *step, names: names.as_bytes() })
                .collect()
        } else {
            Vec::new()
        };
        let Agreed { version, actions, steps } = agreed;
        Reply::OptNeg { version, actions, steps, macro_lists }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted() -> Wanted {
        Wanted {
            actions: Actions::DELETE_RECIPIENTS,
            actions_wished: Actions::QUARANTINE,
            steps: Steps::NO_HELO | Steps::SKIP | Steps::NO_REPLY_EOH,
            macro_lists: alloc::vec![(MacroStep::Rcpt, "i".into())],
        }
    }

    #[test]
    fn the_lower_version_and_what_both_know() {
        let agreed = wanted().agree(9, Actions::from_bits(u32::MAX), Steps::from_bits(u32::MAX)).unwrap();
        assert_eq!(agreed.version, VERSION);
        assert_eq!(agreed.actions.bits(), 0x128);
        assert_eq!(agreed.steps, wanted().steps);

        let agreed = wanted().agree(2, Actions::from_bits(0x3f), Steps::from_bits(0x7f)).unwrap();
        assert_eq!((agreed.version, agreed.actions.bits()), (2, 0x28));
        assert_eq!(agreed.steps, Steps::NO_HELO);
    }

    #[test]
    fn an_empty_offer_is_that_of_version_1() {
        let agreed = wanted().agree(2, Actions::NONE, Steps::NONE).unwrap();
        assert_eq!((agreed.actions, agreed.steps), (Actions::DELETE_RECIPIENTS, Steps::NO_HELO));
    }

    #[test]
    fn what_must_be_there_is_missed_by_name() {
        let all = Steps::from_bits(u32::MAX);
        assert_eq!(wanted().agree(1, Actions::NONE, all), Err(Error::TooOld { version: 1 }));
        let lacks = wanted().agree(6, Actions::ADD_HEADERS, all);
        assert_eq!(lacks, Err(Error::Lacks { actions: Actions::DELETE_RECIPIENTS }));
    }

    #[test]
    fn macros_are_asked_for_where_the_mta_can_be_told() {
        let lists = |actions| {
            let wanted = wanted();
            let agreed = wanted.agree(6, Actions::from_bits(actions), Steps::NONE).unwrap();
            match wanted.reply(agreed) {
                Reply::OptNeg { macro_lists, .. } => macro_lists.len(),
                _ => 99,
            }
        };
        assert_eq!((lists(0x1ff), lists(0x0ff)), (1, 0));
    }
}
