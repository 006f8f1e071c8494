//! What became of a mail that asked for it: `message/disposition-notification` (RFC 8098 §3). A fax that was delivered is
//! `dispatched`, one that failed `processed/error`, as RFC 3249 §4.4 has it for Internet fax.
//!
//! It is sent beside the delivery report and says no more; some mail programs understand only this one.

use mail_builder::headers::content_type::ContentType;
use mail_builder::mime::MimePart;

use super::ReportContext;
use super::status::{diagnostic, field, told_outcome};
use crate::job::{Job, ReportKind};
use crate::mailer::compose;

/// The subject (RFC 3249 §4.4.2).
pub(super) fn subject(kind: ReportKind) -> &'static str {
    match kind {
        ReportKind::Success => "Your message was processed successfully. (MDN)",
        ReportKind::Failure | ReportKind::Delay => "Your message has been rejected. (MDN)",
    }
}

/// The second part.
pub(super) fn part(
    job: &Job,
    kind: ReportKind,
    message_id: &str,
    ctx: &ReportContext<'_>,
) -> MimePart<'static> {
    let mut out = String::new();
    field(&mut out, "Reporting-UA", &format!("{}; Faxgate", ctx.identity.host));
    if let Some(orcpt) = &job.recipient.orcpt {
        field(&mut out, "Original-Recipient", orcpt);
    }
    field(&mut out, "Final-Recipient", &format!("rfc822; {}", job.recipient.address));
    if !message_id.is_empty() {
        field(&mut out, "Original-Message-ID", &format!("<{message_id}>"));
    }
    let disposition = match kind {
        ReportKind::Success => "dispatched",
        ReportKind::Failure | ReportKind::Delay => "processed/error",
    };
    field(&mut out, "Disposition", &format!("automatic-action/MDN-sent-automatically; {disposition}"));
    if let Some(outcome) = told_outcome(job).filter(|_| kind != ReportKind::Success) {
        field(&mut out, "Error", &diagnostic(outcome));
    }
    compose::verbatim(ContentType::new("message/disposition-notification"), out.into_bytes())
}
