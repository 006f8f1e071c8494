//! What the sender is told of a fax: delivered, failed, in doubt, or taking long.
//!
//! A report is a delivery status notification (RFC 3464) in a `multipart/report` (RFC 6522): a text that
//! anybody understands (`text`, `listing`, `advice`), the same for programs (`status`), and the message's header
//! or the message (`returned`). It goes out under the null reverse path (RFC 3461 §6.1), so no report is ever
//! answered by a report, and as `Auto-Submitted: auto-replied`; RFC 3834 §5.2 forbids `auto-generated` here.
//!
//! A page confirmed by T.30 (MCF) is proof of delivery, so the action is `delivered` and not `relayed`
//! (RFC 3461 §5.2.4 (b) is for networks that cannot tell). Unlike §5.2.4 (d), silence about NOTIFY asks for
//! every report: who sends a fax expects a receipt.
//!
//! Everything here is pure: the same values give the same bytes.

mod advice;
mod disposition;
mod listing;
mod returned;
mod status;
mod text;

use std::time::Duration;

use jiff::Timestamp;
use mail_builder::headers::content_type::ContentType;
use serde::{Deserialize, Serialize};

use crate::address::Mailbox;
use crate::job::tag;
use crate::job::{About, Grade, Job, Notice, ReportKind};
use crate::mailer::compose::{self, Heading};
use crate::mailer::{Identity, Mail};
use crate::render::Manifest;

/// How reports look (`[report]`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ReportConfig {
    /// The sender's address on reports; empty is the postmaster.
    pub from: String,
    /// The sender's name on reports.
    pub from_name: String,
    /// A failed message up to this size is given back whole where the sender asked for it (RET=FULL).
    pub returned_bytes_max: usize,
    /// Whether a mail that asks its sender to be told of its disposition (RFC 8098, a read receipt) gets that beside the
    /// report.
    pub dispositions: bool,
    /// How many lines of the last call's trace a failure report ends with; 0 is none.
    pub trace_lines_max: usize,
}

impl Default for ReportConfig {
    fn default() -> Self {
        Self {
            from: String::new(),
            from_name: "Fax".into(),
            returned_bytes_max: 1024 * 1024,
            dispositions: false,
            trace_lines_max: 40,
        }
    }
}

impl ReportConfig {
    /// The first thing that is wrong with the settings.
    ///
    /// # Errors
    /// A sentence for the operator.
    pub fn check(&self) -> Result<(), String> {
        if !self.from.is_empty() && !Mailbox::is_full(&self.from) {
            return Err(format!("from: {:?} is no mail address", self.from));
        }
        Ok(())
    }
}

/// What is known of a job beside its record.
#[derive(Clone, Copy, Debug, Default)]
pub struct Evidence<'a> {
    /// The message as it was accepted.
    pub message: &'a [u8],
    /// What became of its parts; `None` where it was never rendered.
    pub manifest: Option<&'a Manifest>,
    /// The trace of the last call.
    pub trace: Option<&'a str>,
}

/// Who reports, when, and by which rules.
#[derive(Clone, Copy, Debug)]
pub struct ReportContext<'a> {
    /// Who the gateway is.
    pub identity: &'a Identity,
    /// How reports look.
    pub config: &'a ReportConfig,
    /// The time now.
    pub now: Timestamp,
    /// How long a job is tried, from the first call it may make (`job::schedule::Rules::expires_after`).
    pub expires_after: Duration,
}

/// The reports that an event of a job gives rise to (RFC 3461 §4.1, §5.2): one, or none where the sender did
/// not want it or has no mailbox; and a disposition notification where the mail asked for one.
#[must_use]
pub fn owed(job: &Job, kind: ReportKind, now: Timestamp) -> Vec<Notice> {
    let notify = job.recipient.notify;
    let wanted = match kind {
        ReportKind::Success => notify.success,
        ReportKind::Failure => notify.failure,
        ReportKind::Delay => notify.delay,
    };
    let Some(mailbox) = job.sender.mailbox.as_deref().filter(|mailbox| !mailbox.is_empty()) else {
        return Vec::new();
    };
    let report = wanted.then(|| About::Report { job: job.id.clone(), kind });
    // It has no word for what is still under way.
    let asked = job.options.wants_disposition && kind != ReportKind::Delay;
    let disposition = asked.then(|| About::Disposition { job: job.id.clone(), kind });
    report.into_iter().chain(disposition).map(|about| Notice::new(about, mailbox.to_owned(), now)).collect()
}

/// The report that a finished job's outcome calls for. In doubt is reported as failed: only proof counts.
#[must_use]
pub fn kind_of(grade: Grade) -> ReportKind {
    match grade {
        Grade::Delivered => ReportKind::Success,
        Grade::Retry | Grade::Permanent | Grade::Unconfirmed => ReportKind::Failure,
    }
}

/// The mail of a report.
#[must_use]
pub fn mail(
    notice: &Notice,
    job: &Job,
    kind: ReportKind,
    evidence: &Evidence<'_>,
    ctx: &ReportContext<'_>,
) -> Mail {
    let original = returned::Original::read(evidence.message);
    let subject = match job.options.from_mail {
        true => tag::without(&original.subject),
        false => original.subject.as_str(),
    };
    let told = text::Telling { job, kind, subject, evidence, ctx };
    let from = match ctx.config.from.as_str() {
        "" => ctx.identity.postmaster.as_str(),
        from => from,
    };
    let is_disposition = matches!(notice.about, About::Disposition { .. });
    let subject_line = match is_disposition {
        true => disposition::subject(kind).to_owned(),
        false => told.subject_line(),
    };
    let heading = Heading {
        notice: &notice.id,
        from_name: &ctx.config.from_name,
        from,
        to: &notice.to,
        subject: &subject_line,
        date: ctx.now,
        auto_submitted: "auto-replied",
    };
    let head = compose::begin(&heading, ctx.identity);
    let head = compose::in_reply_to(head, &original.message_id);
    let (kind_of_report, for_programs) = match is_disposition {
        true => ("disposition-notification", disposition::part(job, kind, &original.message_id, ctx)),
        false => ("delivery-status", status::part(job, kind, ctx)),
    };
    let parts = vec![
        compose::text(told.text()),
        for_programs,
        returned::part(evidence.message, job.ret, kind, ctx.config.returned_bytes_max),
    ];
    let report = ContentType::new("multipart/report").attribute("report-type", kind_of_report);
    Mail {
        from: None,
        to: notice.to.clone(),
        data: compose::finish(head, report, parts, &notice.id),
        key: notice.id.to_string(),
    }
}
