//! What a fax is while the gateway holds it: values and pure decisions, no I/O.
//!
//! A door brings a [`Submission`]: one message for one or more recipients. Each recipient becomes a [`Job`],
//! which is dialled, retried, settled and reported by itself. What comes in over a line is a [`ReceivedFax`].
//! Mail that the gateway owes somebody is a [`Notice`].

#[cfg(test)]
#[allow(clippy::unwrap_used)]
pub(crate) mod fixture;
pub mod id;
#[allow(clippy::module_inception, reason = "the job is what this room is about")]
pub mod job;
pub mod notice;
pub mod outcome;
pub mod received;
pub mod recipient;
pub mod schedule;
pub mod tag;

pub use id::{FaxId, JobId, NoticeId, SubmissionId};
pub use job::{Attempt, Job, Mark, Progress, State};
pub use notice::{About, Notice, ReportKind};
pub use outcome::{Grade, Outcome};
pub use received::ReceivedFax;
pub use recipient::{Door, Notify, Options, Proof, Recipient, Ret, Sender, Submission};
