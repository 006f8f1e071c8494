//! `faxgate status`: the queue at a glance, or one job.

use clap::Args;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::{Failure, out, runtime, send};
use crate::config::Config;
use crate::door::control::{Request, Response};
use crate::job::{Job, JobId, State};
use crate::status::Overview;

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
        let state = if line.in_call { "in a call" } else { "free" };
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
    for job in &overview.jobs {
        let (number, when) = (job.recipient.number.as_str(), short(job.received, zone));
        out::line(format_args!("{}  {when}  {number:<16}  {:>7}  {}", job.id, pages(job), state(job, zone)));
    }
    if !overview.received.is_empty() {
        out::line(format_args!("\n{:<13}  {:<16}  {:<16}  {:>7}", "received", "at", "from", "pages"));
    }
    for fax in &overview.received {
        let from = fax.caller.as_ref().map(|number| number.as_str()).or(fax.remote_id.as_deref());
        let when = short(fax.started, zone);
        out::line(format_args!("{}  {when}  {:<16}  {:>7}", fax.id, from.unwrap_or("unknown"), fax.pages));
    }
    Ok(())
}

fn show_job(job: &Job, zone: &TimeZone) -> Result<(), Failure> {
    let from = job.sender.mailbox.as_deref().unwrap_or("nobody (no receipt)");
    out::line(format_args!("job       {}", job.id));
    out::line(format_args!("from      {from}"));
    out::line(format_args!("to        {}", job.recipient.number));
    out::line(format_args!("accepted  {}", short(job.received, zone)));
    out::line(format_args!("pages     {}", pages(job)));
    out::line(format_args!("state     {}", state(job, zone)));
    for attempt in &job.attempts {
        let cause = attempt.outcome.cause().map(|cause| format!(" ({cause})")).unwrap_or_default();
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

fn state(job: &Job, zone: &TimeZone) -> String {
    match &job.state {
        State::Waiting { until } if job.calls == 0 => format!("waiting since {}", short(*until, zone)),
        State::Waiting { until } => format!("dialled again {}", short(*until, zone)),
        State::Calling { .. } => "being sent".into(),
        State::Done { outcome, .. } => outcome.word().into(),
    }
}
