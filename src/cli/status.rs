//! `faxgate status`: the queue at a glance, or one job.

use clap::Args;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::{Failure, out, runtime, send};
use crate::clock::{Clock, SystemClock};
use crate::config::Config;
use crate::door::control::{Request, Response};
use crate::job::{Job, JobId, State};
use crate::mailer::words::one_line;
use crate::status::Overview;

/// How much of a stranger's words is shown: a mailbox, a machine's name, a cause.
const FOREIGN_CHARS_MAX: usize = 100;

#[derive(Debug, Args)]
pub(super) struct StatusArgs {
    /// One job, by its name
    job: Option<String>,
    /// Print one JSON value
    #[arg(long)]
    json: bool,
}

pub(super) fn run(config: &Config, args: &StatusArgs) -> Result<(), Failure> {
    let zone = config.zone().map_err(Failure::failed)?;
    runtime()?.block_on(async {
        let Some(name) = &args.job else {
            let Response::Overview(overview) = send::ask(config, &Request::Status, &[]).await? else {
                return Err(Failure::failed("the gateway gave an answer to another question"));
            };
            return if args.json { out::json(&overview) } else { show_overview(&overview, &zone) };
        };
        let id =
            JobId::parse(name).ok_or_else(|| Failure::usage(format!("{name:?} is not the name of a job")))?;
        let job = send::job(config, &id).await?;
        if args.json { out::json(&job) } else { show_job(&job, &zone) }
    })
}

fn show_overview(overview: &Overview, zone: &TimeZone) -> Result<(), Failure> {
    for line in &overview.lines {
        let state = match &line.trouble {
            _ if line.in_call => "in a call".to_owned(),
            Some(trouble) => foreign(trouble),
            None => "free".to_owned(),
        };
        out::line(format_args!("line {:<16} {state}", line.name));
    }
    if overview.jobs.is_empty() {
        out::line("no jobs");
    } else {
        out::line(format_args!(
            "\n{:<13}  {:<16}  {:<16}  {:>7}  state",
            "job", "accepted", "number", "pages"
        ));
    }
    let now = SystemClock.now();
    for job in &overview.jobs {
        let (number, when) = (job.recipient.number.as_str(), short(job.received, zone));
        out::line(format_args!(
            "{}  {when}  {number:<16}  {:>7}  {}",
            job.id,
            pages(job),
            state(job, zone, now)
        ));
    }
    if !overview.received.is_empty() {
        out::line(format_args!("\n{:<13}  {:<16}  {:<16}  {:>7}", "received", "at", "from", "pages"));
    }
    for fax in &overview.received {
        let named = || fax.remote_id.as_deref().map(foreign);
        let from = fax.caller.as_ref().map(|number| number.as_str().to_owned()).or_else(named);
        let (when, from) = (short(fax.started, zone), from.unwrap_or_else(|| "unknown".into()));
        let incomplete = if fax.complete { "" } else { "  incomplete" };
        out::line(format_args!("{}  {when}  {from:<16}  {:>7}{incomplete}", fax.id, fax.pages));
    }
    Ok(())
}

fn show_job(job: &Job, zone: &TimeZone) -> Result<(), Failure> {
    let from = job.sender.mailbox.as_deref().map_or_else(|| "nobody (no receipt)".into(), foreign);
    out::line(format_args!("job       {}", job.id));
    out::line(format_args!("from      {from}"));
    out::line(format_args!("to        {}", job.recipient.number));
    out::line(format_args!("accepted  {}", short(job.received, zone)));
    out::line(format_args!("pages     {}", pages(job)));
    out::line(format_args!("state     {}", state(job, zone, SystemClock.now())));
    for attempt in &job.attempts {
        let cause =
            attempt.outcome.cause().map(|cause| format!(" ({})", foreign(&cause))).unwrap_or_default();
        let mode = attempt.mode.as_deref().map(|mode| format!(", {mode}")).unwrap_or_default();
        let when = short(attempt.started, zone);
        out::line(format_args!(
            "call      {when}  {}: {}{cause}{mode}",
            attempt.line,
            attempt.outcome.word()
        ));
    }
    Ok(())
}

fn short(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M").to_string()
}

fn pages(job: &Job) -> String {
    match job.progress.pages {
        0 => "?".into(),
        pages => format!("{}/{pages}", job.progress.confirmed),
    }
}

/// A stranger's words, fit for a line of a table.
fn foreign(text: &str) -> String {
    one_line(text, FOREIGN_CHARS_MAX)
}

fn state(job: &Job, zone: &TimeZone, now: Timestamp) -> String {
    match &job.state {
        State::Waiting { until } if *until <= now => "waits for a line".into(),
        State::Waiting { until } if job.calls == 0 => format!("to be dialled {}", short(*until, zone)),
        State::Waiting { until } => match job.attempts.last() {
            Some(last) => format!("{}; dialled again {}", last.outcome.word(), short(*until, zone)),
            None => format!("dialled again {}", short(*until, zone)),
        },
        State::Calling { .. } => "being sent".into(),
        State::Done { outcome, .. } => outcome.word().into(),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::job::{Attempt, Outcome, fixture};

    #[test]
    fn a_state_says_what_is_waited_for() {
        let now: Timestamp = "2026-11-23T10:00:00Z".parse().unwrap();
        let later: Timestamp = "2026-11-23T10:03:00Z".parse().unwrap();
        let told = |job: &Job| state(job, &TimeZone::UTC, now);
        let mut job = fixture::job(now);
        assert_eq!(told(&job), "waits for a line");
        job.state = State::Waiting { until: later };
        assert_eq!(told(&job), "to be dialled 2026-11-23 10:03");
        job.calls = 1;
        job.attempts.push(Attempt {
            started: now,
            ended: now,
            line: "office".into(),
            outcome: Outcome::Busy,
            pages_confirmed: 0,
            remote_id: None,
            mode: None,
        });
        assert_eq!(told(&job), "busy; dialled again 2026-11-23 10:03");
    }
}
