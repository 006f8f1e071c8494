//! Whether, and when, a ringing telephone is answered: a decision on values.

use fax::at::idle::{Heard, Ringing};

use super::config::{AnswerMode, ModemLineConfig};
use crate::address::number::by_hand;
use crate::address::{DialPlan, FaxAddress, Number};
use crate::line;

/// What to do about a telephone that rings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    /// Answer now.
    Answer,
    /// Not yet: somebody else may, or more will be known at the next ring.
    Wait,
    /// It is not for us.
    Never,
}

/// What to do at this ring.
pub(super) fn decide(config: &ModemLineConfig, ringing: &Ringing) -> Decision {
    let listed = ringing.kind.as_deref().and_then(|kind| ring_of(config, kind));
    let answers = match (config.answer, listed) {
        (AnswerMode::Never, _) | (AnswerMode::Listed, None) => false,
        (_, Some(ring)) => ring.answer,
        (AnswerMode::Always, None) => true,
    };
    let is_no_fax = matches!(ringing.heard, Some(Heard::Voice | Heard::Data));
    if !answers || is_no_fax {
        return Decision::Never;
    }
    // The caller is told between the first ring and the second.
    let waits_for_caller = config.caller_id && ringing.caller.is_empty() && ringing.rings < 2;
    if ringing.rings < config.rings || ringing.rings == 0 || waits_for_caller {
        Decision::Wait
    } else {
        Decision::Answer
    }
}

fn ring_of<'a>(config: &'a ModemLineConfig, kind: &str) -> Option<&'a super::config::RingConfig> {
    config.ring.iter().find(|ring| ring.kind.eq_ignore_ascii_case(kind))
}

/// Who calls whom, as the flow knows it.
pub(super) fn ringing(config: &ModemLineConfig, plan: &DialPlan, ringing: &Ringing) -> line::Ringing {
    let listed = ringing.kind.as_deref().and_then(|kind| ring_of(config, kind));
    let by_ring = listed.and_then(|ring| ring.number.clone());
    let by_digits = ringing.caller.called.as_deref().and_then(|digits| called(config, plan, digits));
    line::Ringing {
        line: config.name.clone(),
        called: by_digits.or(by_ring).or_else(|| config.number.clone()),
        caller: ringing.caller.number.as_deref().and_then(|text| number(plan, text)),
    }
}

/// The called number out of what the exchange sends of it: its last digits behind the prefix, or all of it.
fn called(config: &ModemLineConfig, plan: &DialPlan, digits: &str) -> Option<Number> {
    let is_digits = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    let behind = || Number::parse(&format!("{}{digits}", config.did_prefix));
    let behind_prefix = (is_digits && !config.did_prefix.is_empty()).then(behind).flatten();
    behind_prefix.or_else(|| number(plan, digits))
}

/// A number as the exchange writes it, in international form.
fn number(plan: &DialPlan, text: &str) -> Option<Number> {
    let address = FaxAddress::parse(&by_hand(text)).ok()?;
    plan.number(&address.phone).ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use fax::at::idle::CallerId;

    use super::super::config::RingConfig;
    use super::*;
    use crate::address::DialPlanConfig;

    fn rings(count: u32) -> Ringing {
        Ringing { rings: count, ..Ringing::default() }
    }

    fn kind(kind: &str) -> Ringing {
        Ringing { kind: Some(kind.into()), ..rings(1) }
    }

    fn config() -> ModemLineConfig {
        ModemLineConfig { number: Number::parse("+12125550100"), ..ModemLineConfig::default() }
    }

    #[test]
    fn a_person_may_take_it_first() {
        let config = ModemLineConfig { rings: 3, ..config() };
        let decisions = [0, 1, 2, 3, 4].map(|count| decide(&config, &rings(count)));
        use Decision::{Answer, Wait};
        assert_eq!(decisions, [Wait, Wait, Wait, Answer, Answer]);
    }

    #[test]
    fn who_calls_is_worth_a_second_ring() {
        let config = ModemLineConfig { caller_id: true, ..config() };
        assert_eq!(decide(&config, &rings(1)), Decision::Wait);
        assert_eq!(decide(&config, &rings(2)), Decision::Answer, "nothing was told");
        let caller = CallerId { number: Some("2125550199".into()), ..CallerId::default() };
        assert_eq!(decide(&config, &Ringing { caller, ..rings(1) }), Decision::Answer);
    }

    #[test]
    fn a_shared_line_answers_the_rings_that_are_its_own() {
        let ring = |kind: &str, number, answer| RingConfig { kind: kind.into(), number, answer };
        let own = Number::parse("+12125550177");
        let rules = vec![ring("B", own.clone(), true), ring("A", None, false)];
        let listed = ModemLineConfig { answer: AnswerMode::Listed, ring: rules.clone(), ..config() };
        assert_eq!(decide(&listed, &kind("b")), Decision::Answer);
        assert_eq!(decide(&listed, &kind("A")), Decision::Never);
        assert_eq!(decide(&listed, &kind("C")), Decision::Never);
        assert_eq!(decide(&listed, &rings(5)), Decision::Never, "a ring without a kind is the main number's");
        let always = ModemLineConfig { ring: rules.clone(), ..config() };
        assert_eq!(decide(&always, &kind("A")), Decision::Never);
        assert_eq!(decide(&always, &rings(1)), Decision::Answer);
        let never = ModemLineConfig { answer: AnswerMode::Never, ring: rules, ..config() };
        assert_eq!(decide(&never, &kind("B")), Decision::Never);
        let plan = DialPlan::new(DialPlanConfig::default()).unwrap();
        assert_eq!(ringing(&listed, &plan, &kind("B")).called, own);
    }

    #[test]
    fn what_the_modem_hears_decides_too() {
        let heard = |heard| Ringing { heard: Some(heard), ..rings(1) };
        assert_eq!(decide(&config(), &heard(Heard::Fax)), Decision::Answer);
        assert_eq!(decide(&config(), &heard(Heard::Voice)), Decision::Never);
    }

    #[test]
    fn numbers_become_international() {
        let plan = DialPlan::new(DialPlanConfig::default()).unwrap();
        let call = |number: &str, digits: &str| {
            let caller =
                CallerId { number: Some(number.into()), called: Some(digits.into()), ..CallerId::default() };
            Ringing { caller, ..rings(1) }
        };
        let did = ModemLineConfig { did_prefix: "+1212555".into(), ..config() };
        let told = ringing(&did, &plan, &call("(212) 555-0199", "0142"));
        assert_eq!(told.called.unwrap().as_str(), "+12125550142");
        assert_eq!(told.caller.map(String::from).as_deref(), Some("+12125550199"));
        let whole = ringing(&config(), &plan, &call("", "12125550142"));
        assert_eq!(whole.called.unwrap().as_str(), "+12125550142");
        let nothing = ringing(&config(), &plan, &call("unknown", ""));
        assert_eq!((nothing.called, nothing.caller), (config().number, None));
    }
}
