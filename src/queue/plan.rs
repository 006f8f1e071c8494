//! Which jobs are dialled now: a pure decision.

use std::collections::HashSet;

use crate::address::Number;
use crate::job::{Job, JobId};

/// Picks jobs to start, the longest due first: as many as lines are free, and never two for one number at a
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
    use crate::job::{Door, Notify, Options, Proof, Recipient, Sender, Submission, SubmissionId};

    fn number(text: &str) -> Number {
        Number::parse(text).unwrap()
    }

    fn jobs(numbers: &[&str]) -> Vec<Job> {
        let received = "2026-11-23T10:00:00Z".parse().unwrap();
        let recipients = numbers.iter().map(|text| Recipient {
            address: String::new(),
            number: number(text),
            subaddress: None,
            attention: None,
            notify: Notify::DEFAULT,
            orcpt: None,
        });
        let submission = Submission {
            id: SubmissionId::new(received),
            received,
            door: Door::Cli,
            sender: Sender { mailbox: None, proof: Proof::LocalUser("root".into()) },
            recipients: recipients.collect(),
            options: Options::default(),
            ret: None,
            envid: None,
        };
        let job = |r: &Recipient| Job::new(JobId::new(received), &submission, r.clone());
        submission.recipients.iter().map(job).collect()
    }

    #[test]
    fn free_lines_take_the_longest_due_and_one_call_a_number() {
        let due = jobs(&["+441", "+441", "+442", "+443", "+444"]);
        let ids = |picked: &[usize]| picked.iter().map(|i| due[*i].id.clone()).collect::<Vec<_>>();
        assert_eq!(plan(&due, &HashSet::new(), 2), ids(&[0, 2]));
        assert_eq!(plan(&due, &HashSet::from([number("+441")]), 9), ids(&[2, 3, 4]));
        assert_eq!(plan(&due, &HashSet::new(), 0), ids(&[]));
    }
}
