//! The report for programs: `message/delivery-status` (RFC 3464 §2).
//!
//! No Remote-MTA: no mail server is involved at the far end (§2.3.5). What T.30 says is `x-t30`, what the
//! gateway says by itself `x-faxgate` (unregistered types begin with `X-`, §2.1.2). The calls and the pages,
//! which RFC 3464 has no field for, are in extension fields under the gateway's name (§2.4).

use std::fmt::Write as _;

use mail_builder::headers::content_type::ContentType;
use mail_builder::mime::MimePart;

use super::ReportContext;
use crate::job::{Job, Outcome, ReportKind};
use crate::mailer::compose;
use crate::mailer::words::one_line;

/// The longest value of a field: RFC 3461 allows an ORCPT of 500; a line of mail has 998.
const VALUE_CHARS_MAX: usize = 900;

/// The second part of a report.
pub(super) fn part(job: &Job, kind: ReportKind, ctx: &ReportContext<'_>) -> MimePart<'static> {
    let mut out = String::new();
    per_message(&mut out, job, ctx);
    out.push_str("\r\n");
    per_recipient(&mut out, job, kind, ctx);
    compose::verbatim(ContentType::new("message/delivery-status"), out.into_bytes())
}

fn per_message(out: &mut String, job: &Job, ctx: &ReportContext<'_>) {
    if let Some(envid) = &job.envid {
        field(out, "Original-Envelope-Id", envid);
    }
    // "dns" is for full host names only (RFC 3461 §6.3 (b)).
    let host = &ctx.identity.host;
    let kind = if host.contains('.') { "dns" } else { "x-local-hostname" };
    field(out, "Reporting-MTA", &format!("{kind}; {host}"));
    field(out, "Arrival-Date", &compose::date(job.received, ctx.identity));
    // RFC 2852 §5, RFC 4865 §5.1.2.
    if let Some(by) = job.options.expires_at.or(job.options.delay_report_at) {
        field(out, "Deliver-By-Date", &compose::date(by, ctx.identity));
    }
    if let Some(hold) = &job.options.hold_request {
        field(out, "Future-Release-Request", hold);
    }
    field(out, "X-Faxgate-Job", job.id.as_str());
}

fn per_recipient(out: &mut String, job: &Job, kind: ReportKind, ctx: &ReportContext<'_>) {
    if let Some(orcpt) = &job.recipient.orcpt {
        field(out, "Original-Recipient", orcpt);
    }
    field(out, "Final-Recipient", &format!("rfc822; {}", job.recipient.address));
    field(out, "Action", action(kind));
    field(out, "Status", &status(job, kind));
    if let Some(diagnostic) = told_outcome(job).filter(|_| kind != ReportKind::Success).map(diagnostic) {
        field(out, "Diagnostic-Code", &diagnostic);
    }
    if let Some(attempt) = job.attempts.last() {
        field(out, "Last-Attempt-Date", &compose::date(attempt.ended, ctx.identity));
    }
    if kind == ReportKind::Delay {
        field(out, "Will-Retry-Until", &compose::date(job.given_up_at(ctx.expires_after), ctx.identity));
    }
    extensions(out, job, ctx);
}

fn extensions(out: &mut String, job: &Job, ctx: &ReportContext<'_>) {
    let progress = job.progress;
    let doubt = if progress.in_doubt { "; one more in doubt" } else { "" };
    let pages = format!("{} of {} confirmed{doubt}", progress.confirmed, progress.pages);
    field(out, "X-Faxgate-Pages", &pages);
    for attempt in &job.attempts {
        let mut value = format!(
            "{}; {}; line {}; {} confirmed",
            compose::date(attempt.started, ctx.identity),
            attempt.outcome.word(),
            attempt.line,
            attempt.pages_confirmed
        );
        for (name, more) in [("CSI", &attempt.remote_id), ("mode", &attempt.mode)] {
            if let Some(more) = more {
                // Writing to a String cannot fail.
                let _ = write!(value, "; {name} {more}");
            }
        }
        field(out, "X-Faxgate-Attempt", &value);
    }
}

/// One field. Values are printable US-ASCII (RFC 3461 §4.2, §4.4); what is not becomes `?`, and the `×` of a
/// resolution `x`.
pub(super) fn field(out: &mut String, name: &str, value: &str) {
    let ascii = |c: char| match c {
        '×' => 'x',
        c if c.is_ascii() => c,
        _ => '?',
    };
    let value: String = one_line(value, VALUE_CHARS_MAX).chars().map(ascii).collect();
    let _ = write!(out, "{name}: {value}\r\n");
}

fn action(kind: ReportKind) -> &'static str {
    match kind {
        ReportKind::Success => "delivered",
        ReportKind::Failure => "failed",
        ReportKind::Delay => "delayed",
    }
}

fn status(job: &Job, kind: ReportKind) -> String {
    let outcome = told_outcome(job);
    match kind {
        ReportKind::Success => "2.0.0".into(),
        ReportKind::Failure => outcome.map_or("5.0.0", Outcome::status).into(),
        // The sender has set this time (RFC 2852 §4.1.3).
        ReportKind::Delay if job.options.delay_report_at.is_some() => "4.4.7".into(),
        // No call yet: there is no specific code to give (RFC 3461 §6.3 (g)).
        ReportKind::Delay => outcome.map_or_else(|| "4.0.0".into(), Outcome::delay_status),
    }
}

/// The outcome that a report speaks of: the job's, or the last call's while it is not done.
pub(super) fn told_outcome(job: &Job) -> Option<&Outcome> {
    job.outcome().or_else(|| job.attempts.last().map(|attempt| &attempt.outcome))
}

pub(super) fn diagnostic(outcome: &Outcome) -> String {
    let of_t30 = matches!(
        outcome,
        Outcome::NotCompatible { .. }
            | Outcome::AddressRefused { .. }
            | Outcome::NothingToPoll
            | Outcome::Interrupted { .. }
            | Outcome::PageRefused
            | Outcome::Unconfirmed
    );
    let kind = if of_t30 { "x-t30" } else { "x-faxgate" };
    match outcome.cause() {
        Some(cause) => format!("{kind}; {} ({})", outcome.word(), comment(&cause)),
        None => format!("{kind}; {}", outcome.word()),
    }
}

/// Text that may stand between the parentheses of a comment (RFC 5322 §3.2.2).
fn comment(text: &str) -> String {
    text.replace('(', "[").replace(')', "]").replace('\\', "/")
}
