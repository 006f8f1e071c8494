//! `faxgate send`: faxes files by the gateway that runs on this machine.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use jiff::civil::{Date, DateTime, Time};
use jiff::{Timestamp, Zoned};

use super::{Failure, PageArgs, files, out, runtime};
use crate::clock::{Clock, SystemClock};
use crate::config::Config;
use crate::door::control::{self, Request, Response, Why};
use crate::job::{Grade, Job, JobId, Options};

/// How often `--wait` looks.
const LOOK_EVERY: Duration = Duration::from_millis(500);

#[derive(Debug, Args)]
pub(super) struct SendArgs {
    /// What to fax: text, HTML, PDF, PNG, JPEG, GIF or TIFF files, in this order
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// The number, in international form or as the dial plan reads it; may be given again
    #[arg(long, required = true, value_name = "NUMBER")]
    to: Vec<String>,
    /// The mailbox for the receipt
    #[arg(long, value_name = "MAILBOX")]
    from: Option<String>,
    /// The subject, for the cover page and the receipt
    #[arg(long)]
    subject: Option<String>,
    /// Not before this time: 08:00, 2026-12-01T08:00 (in the gateway's time zone), or 2026-12-01T08:00:00Z
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
    /// Wait until the fax has gone, and say how
    #[arg(long)]
    wait: bool,
    #[command(flatten)]
    pages: PageArgs,
}

pub(super) fn run(config: &Config, args: &SendArgs) -> Result<(), Failure> {
    let not_before = args.at.as_deref().map(|text| when(config, text)).transpose()?;
    let files = files::read(&args.files)?;
    let message = files::message(&files, args.from.as_deref(), args.subject.as_deref())?;
    let request = Request::Send {
        to: args.to.clone(),
        from: args.from.clone(),
        options: Options {
            resolution: args.pages.fineness(),
            cover: args.pages.cover(),
            not_before,
            ..Options::default()
        },
        message_bytes: message.len() as u64,
    };
    runtime()?.block_on(async {
        let Response::Accepted(jobs) = ask(config, &request, &message).await? else {
            return Err(Failure::failed("the gateway gave an answer to another question"));
        };
        for job in &jobs {
            out::line(job);
        }
        if args.wait { wait(config, &jobs).await } else { Ok(()) }
    })
}

fn when(config: &Config, text: &str) -> Result<Timestamp, Failure> {
    let zone = config.zone().map_err(Failure::failed)?;
    let wrong = || Failure::usage(format!("{text:?} is no time, such as 08:00 or 2026-12-01T08:00"));
    time_of(text, &SystemClock.now().to_zoned(zone)).ok_or_else(wrong)
}

/// The time that a person means: an instant; a date and a time here; or a time of day, the next time it comes.
fn time_of(text: &str, now: &Zoned) -> Option<Timestamp> {
    let zone = now.time_zone();
    if let Ok(instant) = text.parse::<Timestamp>() {
        return Some(instant);
    }
    if let Ok(local) = text.parse::<DateTime>() {
        return Some(local.to_zoned(zone.clone()).ok()?.timestamp());
    }
    let time = text.parse::<Time>().ok()?;
    let on = |date: Date| Some(date.to_datetime(time).to_zoned(zone.clone()).ok()?.timestamp());
    let today = on(now.date())?;
    if today > now.timestamp() { Some(today) } else { on(now.date().tomorrow().ok()?) }
}

/// Waits for every job's end; fails where one was not delivered.
async fn wait(config: &Config, jobs: &[JobId]) -> Result<(), Failure> {
    let mut all_delivered = true;
    for id in jobs {
        let job = loop {
            let job = job(config, id).await?;
            if job.outcome().is_some() {
                break job;
            }
            tokio::time::sleep(LOOK_EVERY).await;
        };
        if let Some(outcome) = job.outcome() {
            out::line(format_args!("{id}: {}", outcome.sentence()));
            all_delivered &= outcome.grade() == Grade::Delivered;
        }
    }
    if all_delivered { Ok(()) } else { Err(Failure::failed("not every fax was delivered")) }
}

/// One job, as the gateway sees it.
pub(super) async fn job(config: &Config, id: &JobId) -> Result<Job, Failure> {
    match ask(config, &Request::Job { id: id.clone() }, &[]).await? {
        Response::Job(job) => Ok(*job),
        _ => Err(Failure::failed("the gateway gave an answer to another question")),
    }
}

/// Asks the gateway of this configuration; a refusal is a failure with the right exit code.
pub(super) async fn ask(config: &Config, request: &Request, message: &[u8]) -> Result<Response, Failure> {
    let socket = control::socket_path(&config.data_dir);
    match control::ask(&config.data_dir, request, message).await {
        Ok(Response::Refused { text, why }) => Err(match why {
            Why::Failed => Failure::failed(text),
            Why::Later => Failure::try_later(text),
            Why::NotPermitted => Failure::not_permitted(text),
        }),
        Ok(response) => Ok(response),
        Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {
            Err(Failure::not_permitted(format!("{}: {error}", socket.display())))
        }
        Err(error) => Err(Failure::try_later(format!(
            "no gateway answers at {} ({error}); start it with: faxgate serve",
            socket.display()
        ))),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_read_as_a_person_means_it() {
        let now: Zoned = "2026-11-23T10:00:00+01:00[Europe/Berlin]".parse().unwrap();
        for (text, time) in [
            ("2026-12-01T08:00:00Z", Some("2026-12-01T08:00:00Z")),
            ("2026-12-01T08:00:00+05:00", Some("2026-12-01T03:00:00Z")),
            ("2026-12-01T08:00", Some("2026-12-01T07:00:00Z")),
            ("2026-12-01 08:00", Some("2026-12-01T07:00:00Z")),
            ("17:30", Some("2026-11-23T16:30:00Z")),
            ("08:00", Some("2026-11-24T07:00:00Z")),
            ("tomorrow", None),
            ("25:00", None),
            ("", None),
        ] {
            let time = time.map(|time| time.parse::<Timestamp>().unwrap());
            assert_eq!(time_of(text, &now), time, "{text}");
        }
    }
}
