//! The report for people: one subject line, and a text that a secretary understands.
//!
//! Nobody who reads it has seen a modem. So it says what happened, which pages are sure and which are not, what
//! to do, what became of each part of the message, and when each call was made, in this order. The words stand
//! in `templates/report-*.txt`; what an engineer needs comes last.

use std::time::Duration;

use jiff::Timestamp;

use super::advice::advice;
use super::{Evidence, ReportContext};
use crate::job::{Attempt, Job, Outcome, ReportKind, State};
use crate::mailer::words::{self, one_line, wrap};

const SUCCESS: &str = include_str!("../../templates/report-success.txt");
const FAILURE: &str = include_str!("../../templates/report-failure.txt");
const DELAY: &str = include_str!("../../templates/report-delay.txt");

/// How much of a foreign name is shown: a file name, a station ID.
pub(super) const NAME_CHARS_MAX: usize = 100;
/// How much of a foreign sentence is shown: the subject, a reason.
pub(super) const SENTENCE_CHARS_MAX: usize = 200;

/// What there is to tell.
pub(super) struct Telling<'a> {
    pub(super) job: &'a Job,
    pub(super) kind: ReportKind,
    /// The subject of the sender's message; may be empty.
    pub(super) subject: &'a str,
    pub(super) evidence: &'a Evidence<'a>,
    pub(super) ctx: &'a ReportContext<'a>,
}

impl Telling<'_> {
    /// The subject of the report, with the sender's own at its end.
    pub(super) fn subject_line(&self) -> String {
        let number = words::number(&self.job.recipient.number);
        let line = format!("Fax to {number} {}", self.word());
        match self.subject_shown() {
            None => line,
            Some(subject) => format!("{line}: {subject}"),
        }
    }

    /// The text of the report. Its lines end in CRLF.
    pub(super) fn text(&self) -> String {
        let template = match self.kind {
            ReportKind::Success => SUCCESS,
            ReportKind::Failure => FAILURE,
            ReportKind::Delay => DELAY,
        };
        words::fill(
            template,
            &[
                ("verdict", self.verdict()),
                ("facts", &self.facts()),
                ("why", &wrap("", &self.why())),
                ("pages", &self.pages()),
                ("advice", &wrap("", &self.advice())),
                ("next", &wrap("", &self.next())),
                ("parts", &self.parts()),
                ("calls", &self.calls()),
                ("job", self.job.id.as_str()),
                ("trace", &self.trace()),
            ],
        )
    }

    fn subject_shown(&self) -> Option<String> {
        let subject = one_line(self.subject, SENTENCE_CHARS_MAX);
        (!subject.is_empty()).then_some(subject)
    }

    pub(super) fn when(&self, time: Timestamp) -> String {
        words::when(time, &self.ctx.identity.zone)
    }

    /// Whether pages arrived, though not all.
    fn in_part(&self) -> bool {
        self.job.progress.confirmed > 0
    }

    fn word(&self) -> &'static str {
        match (self.kind, self.job.outcome()) {
            (ReportKind::Success, _) => "delivered",
            (ReportKind::Delay, _) => "delayed",
            (_, Some(Outcome::Unconfirmed)) => "may not be complete",
            (_, Some(Outcome::Cancelled)) => "cancelled",
            _ if self.in_part() => "delivered only in part",
            _ => "not delivered",
        }
    }

    fn verdict(&self) -> &'static str {
        match self.job.outcome() {
            Some(Outcome::Unconfirmed) => "Your fax may have arrived completely, but this is not certain.",
            Some(Outcome::Cancelled) if self.in_part() => {
                "Your fax was cancelled when a part of it had been delivered."
            }
            Some(Outcome::Cancelled) => "Your fax was cancelled. It was not delivered.",
            _ if self.in_part() => "Your fax was delivered only in part.",
            _ => "Your fax was not delivered.",
        }
    }

    fn facts(&self) -> String {
        let job = self.job;
        let mut facts: Vec<(&str, String)> = vec![("To", words::number(&job.recipient.number))];
        let named = |text: &Option<String>| text.as_deref().map(|text| one_line(text, NAME_CHARS_MAX));
        facts.extend(named(&job.recipient.attention).map(|name| ("For", name)));
        facts.extend(named(&job.recipient.subaddress).map(|digits| ("Subaddress", digits)));
        facts.extend(self.subject_shown().map(|subject| ("Subject", subject)));
        facts.push(("Handed in", self.when(job.received)));
        let time = |at: Option<Timestamp>| at.map(|at| self.when(at));
        facts.extend(time(job.options.not_before).map(|at| ("Not before", at)));
        facts.extend(time(job.options.expires_at).map(|at| ("Not after", at)));
        facts.extend(named(&job.options.billing).map(|code| ("Billed to", code)));
        let last = job.attempts.last();
        if self.kind == ReportKind::Success {
            facts.extend(last.map(|attempt| ("Delivered", self.when(attempt.ended))));
        }
        facts.extend(self.page_fact().map(|pages| ("Pages", pages)));
        facts.extend(self.sent_again().map(|pages| ("Sent again", pages)));
        facts.extend(answered_by(&job.attempts).map(|name| ("Answered by", name)));
        if self.kind == ReportKind::Success {
            facts.extend(last.map(|attempt| ("Time on line", words::duration(length(attempt)))));
        }
        let lines = facts.iter().map(|(name, value)| wrap(&format!("    {:<14}", format!("{name}:")), value));
        lines.collect::<Vec<_>>().join("\n")
    }

    fn page_fact(&self) -> Option<String> {
        let progress = self.job.progress;
        match (progress.pages, self.kind) {
            (0, _) => None,
            (1, ReportKind::Success) => Some("1, confirmed by the receiving machine".into()),
            (n, ReportKind::Success) => Some(format!("{n}, all confirmed by the receiving machine")),
            (n, kind) => {
                let so_far = if kind == ReportKind::Delay { " so far" } else { "" };
                let confirmed = match progress.confirmed {
                    0 => "none".to_owned(),
                    some => some.to_string(),
                };
                Some(format!("{n}, {confirmed} confirmed{so_far}"))
            }
        }
    }

    /// Pages that the recipient may hold twice.
    fn sent_again(&self) -> Option<String> {
        let pages: Vec<String> = self.job.sent_again.iter().map(|page| format!("page {page}")).collect();
        let which = words::list(&pages);
        (!pages.is_empty()).then(|| {
            format!("{which}; an earlier call was lost before it was confirmed, so it may have arrived twice")
        })
    }

    /// Why it did not arrive, in a sentence or two.
    fn why(&self) -> String {
        let calls = u64::from(self.job.calls);
        match (self.kind, self.job.outcome(), self.job.attempts.last()) {
            // The pages say it better than the sentence.
            (_, Some(Outcome::Unconfirmed), _) => "The call was lost at the very end, before the receiving \
                machine had confirmed the last page."
                .into(),
            (_, Some(Outcome::Cancelled), _) => String::new(),
            (_, Some(Outcome::Expired { last }), _) => format!(
                "{} made before the time allowed ran out. The last one: {}",
                were(calls),
                words::uncapitalised(&sentence(last))
            ),
            (_, Some(outcome), _) if calls > 1 => format!("{} {} made.", sentence(outcome), were(calls)),
            (_, Some(outcome), _) => sentence(outcome),
            (_, None, Some(last)) => format!(
                "{} made so far. The last one: {}",
                were(calls),
                words::uncapitalised(&sentence(&last.outcome))
            ),
            (_, None, None) => "No call could be made so far.".into(),
        }
    }

    /// Which pages are sure, which are not, and which were never sent.
    fn pages(&self) -> String {
        let progress = self.job.progress;
        if progress.pages == 0 || (progress.confirmed == 0 && !progress.in_doubt) {
            return String::new();
        }
        let mut lines = Vec::new();
        if progress.confirmed > 0 {
            let range = words::page_range(1, progress.confirmed);
            let them = if progress.confirmed == 1 { "it" } else { "them" };
            lines.push(format!("Certain: {range} arrived. The receiving machine confirmed {them}."));
        }
        let mut next = progress.confirmed + 1;
        if progress.in_doubt {
            lines.push(format!(
                "Not certain: page {next} was sent to its end, but the receiving machine did not confirm it."
            ));
            next += 1;
        }
        if next <= progress.pages {
            let verb = if next == progress.pages { "was" } else { "were" };
            let range = words::page_range(next, progress.pages);
            lines.push(format!("Not sent: {range} {verb} not transmitted."));
        }
        lines.iter().map(|line| wrap("  * ", line)).collect::<Vec<_>>().join("\n")
    }

    fn advice(&self) -> String {
        let progress = self.job.progress;
        let Some(outcome) = self.job.outcome() else {
            return String::new();
        };
        if *outcome == Outcome::Unconfirmed {
            let page = progress.confirmed + 1;
            return format!(
                "What to do: please ask the recipient whether page {page} arrived. The gateway does not send it \
                 again by itself, so that nothing arrives twice."
            );
        }
        let mut advice = advice(outcome, &self.ctx.identity.postmaster);
        if self.in_part() && !advice.is_empty() {
            let range = words::page_range(1, progress.confirmed);
            advice.push_str(&format!(" You can leave out {range} then."));
        }
        advice
    }

    /// What happens next, in a delay report.
    fn next(&self) -> String {
        let until = words::unbroken(&self.when(self.job.given_up_at(self.ctx.expires_after)));
        let next = match &self.job.state {
            State::Waiting { until } if *until > self.ctx.now => {
                format!("The next call is planned for {}.", words::unbroken(&self.when(*until)))
            }
            State::Calling { .. } => "A call is being made right now.".into(),
            _ => "The next call will be made as soon as a line is free.".into(),
        };
        format!(
            "What happens next: {next} If the fax cannot be delivered by {until}, it is given up, and you get \
             another mail that says so."
        )
    }
}

/// `1 call was`, `3 calls were`.
fn were(calls: u64) -> String {
    let verb = if calls == 1 { "was" } else { "were" };
    format!("{} {verb}", words::counted(calls, "call"))
}

/// The outcome's sentence, fit for a line: a reason may come from a library, or from a file.
pub(super) fn sentence(outcome: &Outcome) -> String {
    one_line(&outcome.sentence(), 2 * SENTENCE_CHARS_MAX)
}

/// What the receiving machine calls itself: the latest that any call heard.
fn answered_by(attempts: &[Attempt]) -> Option<String> {
    let latest = attempts.iter().rev().find_map(|attempt| attempt.remote_id.as_deref())?;
    let name = one_line(latest, NAME_CHARS_MAX);
    (!name.is_empty()).then(|| format!("\"{name}\", as the machine calls itself"))
}

fn length(attempt: &Attempt) -> Duration {
    Duration::try_from(attempt.ended.duration_since(attempt.started)).unwrap_or_default()
}
