//! Jobs for tests: one submission by mail, and a job for each number.

use jiff::Timestamp;

use super::{Door, Job, JobId, Notify, Options, Proof, Recipient, Sender, Submission, SubmissionId};
use crate::address::Number;

/// A submission for these numbers that came at the beginning of time.
pub(crate) fn submission(numbers: &[&str]) -> Submission {
    submission_at(Timestamp::UNIX_EPOCH, numbers)
}

fn submission_at(received: Timestamp, numbers: &[&str]) -> Submission {
    let recipients = numbers.iter().map(|number| Recipient {
        address: format!("{number}@fax.example.com"),
        number: Number::parse(number).unwrap(),
        subaddress: None,
        attention: None,
        notify: Notify::DEFAULT,
        orcpt: None,
        key_of: None,
    });
    Submission {
        id: SubmissionId::new(received),
        received,
        door: Door::Smtp,
        sender: Sender { mailbox: Some("ann@example.com".into()), proof: Proof::Network("10.0.0.1".into()) },
        recipients: recipients.collect(),
        options: Options::default(),
        ret: None,
        envid: None,
    }
}

/// The jobs of one submission that came at `received`, in the order of the numbers.
pub(crate) fn jobs(received: Timestamp, numbers: &[&str]) -> Vec<Job> {
    let submission = submission_at(received, numbers);
    let job = |recipient: &Recipient| Job::new(JobId::new(received), &submission, recipient.clone());
    submission.recipients.iter().map(job).collect()
}

/// The job of a submission for one number that came at `received`.
pub(crate) fn job(received: Timestamp) -> Job {
    jobs(received, &["+12125550123"]).remove(0)
}
