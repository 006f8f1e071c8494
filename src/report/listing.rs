//! The lists of a report: what the message became, the calls, and the end of the last call's trace.

use super::text::{NAME_CHARS_MAX, SENTENCE_CHARS_MAX, Telling, sentence};
use crate::job::{Attempt, Grade};
use crate::mailer::words::{self, one_line, wrap};
use crate::render::{Fate, Manifest, Part};

/// More parts, or notes, than this are counted and not listed.
const PARTS_LISTED_MAX: usize = 50;

impl Telling<'_> {
    /// What became of each part of the message.
    pub(super) fn parts(&self) -> String {
        let Some(manifest) = self.evidence.manifest.filter(|manifest| !manifest.parts.is_empty()) else {
            return String::new();
        };
        let mut text = format!("What your message became:\n\n{}", part_lines(manifest));
        for note in manifest.notes.iter().take(PARTS_LISTED_MAX) {
            text.push_str("\n\n");
            text.push_str(&wrap("", &one_line(note, 2 * SENTENCE_CHARS_MAX)));
        }
        text
    }

    /// The calls, the oldest first.
    pub(super) fn calls(&self) -> String {
        let job = self.job;
        if job.attempts.is_empty() {
            return String::new();
        }
        let listed = u32::try_from(job.attempts.len()).unwrap_or(u32::MAX);
        let earlier = job.calls.saturating_sub(listed);
        let mut lines = Vec::new();
        if earlier > 0 {
            lines.push(format!("    ({})", words::counted(u64::from(earlier), "earlier call")));
        }
        for (n, attempt) in (earlier + 1..).zip(&job.attempts) {
            lines.push(self.call_line(n, attempt));
        }
        let title = if lines.len() == 1 { "The call:" } else { "The calls:" };
        format!("{title}\n\n{}", lines.join("\n"))
    }

    fn call_line(&self, n: u32, attempt: &Attempt) -> String {
        let mut text = format!("{}: {}", self.when(attempt.started), sentence(&attempt.outcome));
        if attempt.outcome.grade() != Grade::Delivered && attempt.pages_confirmed > 0 {
            text.push_str(&format!(" {} confirmed in this call.", words::pages(attempt.pages_confirmed)));
        }
        wrap(&format!("    {n:>2}. "), &text)
    }

    /// The end of the last call's trace, where there is one and the operator wants it shown.
    pub(super) fn trace(&self) -> String {
        let lines_max = self.ctx.config.trace_lines_max;
        let Some(trace) = self.evidence.trace.filter(|trace| lines_max > 0 && !trace.trim().is_empty())
        else {
            return String::new();
        };
        let lines: Vec<&str> = trace.lines().collect();
        let shown = lines.get(lines.len().saturating_sub(lines_max)..).unwrap_or_default();
        let mut out =
            "\nFor the person who looks after the fax lines, the end of the last call:\n".to_owned();
        for line in shown {
            out.push_str("\n    ");
            out.push_str(&one_line(line, SENTENCE_CHARS_MAX));
        }
        out
    }
}

fn part_lines(manifest: &Manifest) -> String {
    let cover = manifest.has_cover().then(|| "    - cover page: page 1".to_owned());
    let parts = manifest.parts.iter().take(PARTS_LISTED_MAX).map(part_line);
    let mut lines: Vec<String> = cover.into_iter().chain(parts).collect();
    let more = manifest.parts.len().saturating_sub(PARTS_LISTED_MAX);
    if more > 0 {
        lines.push(format!("    - and {more} more"));
    }
    lines.join("\n")
}

fn part_line(part: &Part) -> String {
    let name = one_line(&part.name, NAME_CHARS_MAX);
    let reason = |text: &str| one_line(text, SENTENCE_CHARS_MAX);
    let fate = match &part.fate {
        Fate::Pages { first, last } => words::page_range(*first, *last),
        Fate::Embedded { page } => format!("shown on page {page}"),
        Fate::LeftOut { reason: why } => format!("left out, because {}", reason(why)),
        Fate::Failed { reason: why } => format!("could not be converted: {}", reason(why)),
    };
    wrap("    - ", &format!("{name}: {fate}"))
}
