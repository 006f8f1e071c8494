//! Which jobs are dialled now: a pure decision.

use std::collections::HashSet;

use crate::address::Number;
use crate::job::{Job, JobId};

/// Picks jobs to start in the order in which they are due: as many as lines are free, and never two for one number at a
/// time, since the second would only find it busy.
#[must_use]
pub fn plan(due: &[Job], calling: &HashSet<Number>, lines_free: usize) -> Vec<JobId> {
    let mut taken = calling.clone();
    due.iter()
        .filter(|job| taken.insert(job.recipient.number.clone()))
        .take(lines_free)
        .map(|job| job.id.clone())
        .collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::job::fixture;

    fn number(text: &str) -> Number {
        Number::parse(text).unwrap()
    }

    #[test]
    fn free_lines_take_the_longest_due_and_one_call_a_number() {
        let due =
            fixture::jobs("2026-11-23T10:00:00Z".parse().unwrap(), &["+441", "+441", "+442", "+443", "+444"]);
        let ids = |picked: &[usize]| picked.iter().map(|i| due[*i].id.clone()).collect::<Vec<_>>();
        assert_eq!(plan(&due, &HashSet::new(), 2), ids(&[0, 2]));
        assert_eq!(plan(&due, &HashSet::from([number("+441")]), 9), ids(&[2, 3, 4]));
        assert_eq!(plan(&due, &HashSet::new(), 0), ids(&[]));
    }
}
