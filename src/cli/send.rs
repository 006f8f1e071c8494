//! `faxgate send`: faxes files by the gateway that runs on this machine.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::{Failure, PageArgs, files, out, runtime};
use crate::clock::{Clock, SystemClock};
use crate::config::Config;
use crate::door::control::{self, Request, Response, Why};
use crate::job::{Grade, Job, JobId, Options};
use crate::submit::options::{Asked, Now};

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
    /// Not before this time: 08:00, tomorrow 8:00, 2026-12-01T08:00 (in the gateway's time zone), 2026-12-01T08:00:00Z, +2h
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
    /// Not after this time, written as for --at; what has not gone by then has failed
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// Before others or behind them: urgent, high, normal, low, or a number from -9 to 9
    #[arg(long, value_name = "PRIORITY", allow_hyphen_values = true)]
    priority: Option<String>,
    /// What the accounts call it; the receipt has it
    #[arg(long, value_name = "CODE")]
    billing: Option<String>,
    /// To be dialled again so often, where the rules do not say less
    #[arg(long, value_name = "NUMBER")]
    retries: Option<String>,
    /// Wait until the fax has gone, and say how
    #[arg(long)]
    wait: bool,
    #[command(flatten)]
    pages: PageArgs,
}

pub(super) fn run(config: &Config, args: &SendArgs) -> Result<(), Failure> {
    let options = options(config, args)?;
    let files = files::read(&args.files)?;
    let message = files::message(&files, args.from.as_deref(), args.subject.as_deref())?;
    let request = Request::Send {
        to: args.to.clone(),
        from: args.from.clone(),
        options,
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

/// What is asked for, in the words that mails use too.
fn options(config: &Config, args: &SendArgs) -> Result<Options, Failure> {
    let (zone, at) = (config.zone().map_err(Failure::failed)?, SystemClock.now());
    let said = [
        ("AT", &args.at),
        ("UNTIL", &args.until),
        ("PRIORITY", &args.priority),
        ("BILLING", &args.billing),
        ("RETRIES", &args.retries),
    ];
    let said = said.into_iter().filter_map(|(keyword, value)| Some((keyword.to_owned(), value.clone()?)));
    let place = |keyword: &str| format!("--{}", keyword.to_ascii_lowercase());
    let pages =
        Options { resolution: args.pages.fineness(), cover: args.pages.cover(), ..Options::default() };
    Asked::named(said, place, &Now { at, zone: &zone })
        .and_then(|asked| asked.over(pages, |priority| priority))
        .map_err(|refusal| Failure::usage(refusal.text))
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
