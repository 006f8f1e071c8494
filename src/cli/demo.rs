//! `faxgate demo`: the whole way on this machine, with no hardware.
//!
//! Starts the gateway on free loopback ports with the embedded configuration, mails it a real message over SMTP,
//! and follows the fax: over a simulated call between two T.30 engines, to the receipt and the received fax in
//! their Maildirs. Ends by comparing the received pages with what `faxgate render` makes of the message.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use lettre::address::Envelope;
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};
use mail_builder::MessageBuilder;
use mail_builder::headers::content_type::ContentType;
use mail_builder::mime::MimePart;
use mail_parser::{MessageParser, MimeHeaders};

use super::{Failure, out, runtime};
use crate::app::App;
use crate::config::Config;
use crate::job::{Job, Outcome};
use crate::mailer::words;
use crate::observe;
use crate::queue::look::{self, Look};
use crate::render::header::{self, HeaderLine};
use crate::render::{Fate, Manifest, Renderer};

const SENDER: &str = "anna@example.com";
const RECIPIENT: &str = "+1-212-555-0123@fax.localhost";
/// The simulated call goes so many times faster than a real one.
const PACE: f64 = 25.0;
/// How often the demonstration looks how far things are.
const LOOK_EVERY: Duration = Duration::from_millis(40);
/// The whole demonstration takes a few seconds; past this something is wrong.
const TIME_MAX: Duration = Duration::from_secs(180);

#[derive(Debug, Args)]
pub(super) struct DemoArgs {
    /// The folder for everything that the demonstration makes [default: a new one below the folder for temporary files]
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

pub(super) fn run(args: &DemoArgs) -> Result<(), Failure> {
    observe::log_to_stderr("warn");
    let dir = folder(args)?;
    let runtime = runtime()?;
    let shown = runtime.block_on(async {
        let shown = tokio::time::timeout(TIME_MAX, show(&dir)).await;
        shown.unwrap_or_else(|_| Err(Failure::failed("the demonstration took too long")))
    });
    runtime.shutdown_background();
    shown
}

fn folder(args: &DemoArgs) -> Result<PathBuf, Failure> {
    let unnamed = || std::env::temp_dir().join(format!("faxgate-demo-{}", std::process::id()));
    let dir = args.dir.clone().unwrap_or_else(unnamed);
    let failed = |error| Failure::failed(format!("{}: {error}", dir.display()));
    fs::create_dir_all(&dir).map_err(failed)?;
    if fs::read_dir(&dir).map_err(failed)?.next().is_some() {
        return Err(Failure::usage(format!("{} is not empty", dir.display())));
    }
    fs::canonicalize(&dir).map_err(failed)
}

/// Everything that is shown, step by step.
async fn show(dir: &Path) -> Result<(), Failure> {
    let config = config(dir)?;
    out::line("Faxgate demonstration: a mail becomes a fax, a receipt, and a received fax.\n");
    let app = App::start(config.clone(), super::workers(&config)?).await.map_err(Failure::failed)?;
    let smtp = *app.smtp.first().ok_or_else(|| Failure::failed("there is no SMTP listener"))?;
    step("Gateway", &format!("takes mail at {smtp}; two simulated lines, office and clinic"));

    let message = compose()?;
    save(dir, "message.eml", &message)?;
    mail(smtp, &message).await?;
    step(
        "Mail",
        &format!("from {SENDER} to {RECIPIENT}: text and HTML, a PDF, a photo ({} kB)", message.len() / 1000),
    );

    let job = follow(&app).await?;
    let call = call(&job)?;
    let manifest = show_pages(&job, &config)?;
    step("Call", &call);
    let receipt = wait_for_mail(dir, SENDER).await?;
    save(dir, "receipt.eml", &receipt)?;
    step("Receipt", &format!("in the mailbox of {SENDER}: \"{}\"", subject(&receipt)));
    let received = wait_for_mail(dir, &config.postmaster()).await?;
    save(dir, "received.eml", &received)?;
    save_attachments(dir, &received)?;
    step("Fax", &format!("in the mailbox of {}: \"{}\"", config.postmaster(), subject(&received)));
    compare(dir, &config, &job, &message, &manifest)?;
    app.stop().await;
    show_files(dir, &job);
    Ok(())
}

/// The embedded configuration, in a file of its own so that other commands can be tried with it afterwards.
fn config(dir: &Path) -> Result<Config, Failure> {
    let text = Config::embedded_text(&dir.join("data")).replace("127.0.0.1:2525", "127.0.0.1:0");
    let path = dir.join("faxgate.toml");
    save(dir, "faxgate.toml", text.as_bytes())?;
    let mut config = Config::load(&path)?;
    config.simulation.pace = PACE;
    Ok(config)
}

/// The message that is mailed: what a mail program makes of a letter with two attachments.
fn compose() -> Result<Vec<u8>, Failure> {
    let attachment = |media_type: &'static str, name: &'static str, bytes: &'static [u8]| {
        MimePart::new(media_type, bytes).attachment(name)
    };
    let text = |media_type: &'static str, text: &'static str| {
        let content_type = ContentType::new(media_type).attribute("charset", "us-ascii");
        MimePart::new(content_type, text.replace('\n', "\r\n")).transfer_encoding("7bit")
    };
    let alternatives = vec![
        text("text/plain", include_str!("../../templates/demo/letter.txt")),
        text("text/html", include_str!("../../templates/demo/letter.html")),
    ];
    let parts = vec![
        MimePart::new("multipart/alternative", alternatives),
        attachment("application/pdf", "report.pdf", include_bytes!("../../templates/demo/letter.pdf")),
        attachment("image/jpeg", "parcel.jpg", include_bytes!("../../templates/demo/parcel.jpg")),
    ];
    MessageBuilder::new()
        .from(("Anna Example", SENDER))
        .to(RECIPIENT)
        .subject("Report L-2026-4711, and a damaged parcel")
        .body(MimePart::new("multipart/mixed", parts))
        .write_to_vec()
        .map_err(Failure::failed)
}

/// Hands the message to the gateway as any mail program would.
async fn mail(smtp: std::net::SocketAddr, message: &[u8]) -> Result<(), Failure> {
    let host = smtp.ip().to_string();
    let transport = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(host).port(smtp.port()).build();
    let address = |text: &str| text.parse().map_err(Failure::failed);
    let envelope =
        Envelope::new(Some(address(SENDER)?), vec![address(RECIPIENT)?]).map_err(Failure::failed)?;
    transport.send_raw(&envelope, message).await.map_err(Failure::failed)?;
    Ok(())
}

/// Shows the progress of the fax until its job is done.
async fn follow(app: &App) -> Result<Job, Failure> {
    let bar = ProgressBar::with_draw_target(Some(1), ProgressDrawTarget::stderr());
    if let Ok(style) = ProgressStyle::with_template("   …  {msg} {wide_bar} {pos}/{len} pages") {
        bar.set_style(style);
    }
    loop {
        let overview = app.status.overview().await.map_err(Failure::failed)?;
        if let Some(job) = overview.jobs.into_iter().next() {
            bar.set_length(u64::from(job.progress.pages.max(1)));
            bar.set_position(u64::from(job.progress.confirmed));
            bar.set_message(if job.progress.pages == 0 { "rendering" } else { "faxing" });
            if job.outcome().is_some() {
                bar.finish_and_clear();
                return Ok(job);
            }
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

fn show_pages(job: &Job, config: &Config) -> Result<Manifest, Failure> {
    let path = config.data_dir.join("blobs").join(job.manifest_key());
    let bytes = fs::read(&path).map_err(|error| Failure::failed(format!("{}: {error}", path.display())))?;
    let manifest: Manifest = serde_json::from_slice(&bytes).map_err(Failure::failed)?;
    let cover = manifest.has_cover().then(|| "cover page 1".to_owned());
    let parts: Vec<String> = cover.into_iter().chain(manifest.parts.iter().filter_map(fate)).collect();
    step("Pages", &format!("{}: {}", manifest.pages, parts.join("; ")));
    Ok(manifest)
}

fn fate(part: &crate::render::Part) -> Option<String> {
    match part.fate {
        Fate::Pages { first, last } if first == last => Some(format!("{} page {first}", part.name)),
        Fate::Pages { first, last } => Some(format!("{} pages {first}–{last}", part.name)),
        _ => None,
    }
}

/// How the fax went; a failure where it was not delivered.
fn call(job: &Job) -> Result<String, Failure> {
    let (Some(attempt), Some(Outcome::Delivered)) = (job.attempts.last(), job.outcome()) else {
        let how = job.outcome().map(Outcome::sentence).unwrap_or_default();
        return Err(Failure::failed(format!("the fax was not delivered: {how}")));
    };
    let mode = attempt.mode.as_deref().unwrap_or("no agreement");
    Ok(format!(
        "{} dialled {}: {mode}; every page confirmed",
        attempt.line,
        words::number(&job.recipient.number)
    ))
}

/// Renders the message again, as `faxgate render` does, and compares every page with what was received.
fn compare(
    dir: &Path,
    config: &Config,
    job: &Job,
    message: &[u8],
    manifest: &Manifest,
) -> Result<(), Failure> {
    let attempt = job.attempts.last().ok_or_else(|| Failure::failed("there was no call"))?;
    let task = Look::of(job).task(message, &config.render);
    let rendered = super::workers(config)?.message(message, &task).map_err(Failure::failed)?;
    let zone = config.zone().map_err(Failure::failed)?;
    let number = Some(&job.recipient.number);
    let header = look::header_line(
        attempt.started,
        &zone,
        &config.header_from,
        number,
        manifest.pages,
        config.render.language,
    );
    let expected = rendered.pages.iter().zip(1..);
    let expected = expected.map(|(page, n)| header::stamp(page, &HeaderLine { page: n, ..header.clone() }));
    let tiff = fs::read(dir.join("received.tif")).map_err(Failure::failed)?;
    let images = fax::tiff::read(&tiff, &fax::tiff::Limits::default()).map_err(Failure::failed)?;
    let received = images.into_iter().map(|image| image.into_page());
    let received = received.collect::<Result<Vec<_>, _>>().map_err(|_| Failure::failed("no fax page"))?;
    if !expected.eq(received) {
        return Err(Failure::failed("the received pages are not those that were sent"));
    }
    step("Compared", "every received page equals, bit for bit, what `faxgate render` makes of the message");
    Ok(())
}

async fn wait_for_mail(dir: &Path, mailbox: &str) -> Result<Vec<u8>, Failure> {
    let folder = dir.join("data/mail").join(mailbox).join("new");
    loop {
        let first = fs::read_dir(&folder).ok().and_then(|mut entries| entries.next());
        if let Some(entry) = first {
            let path = entry.map_err(Failure::failed)?.path();
            return fs::read(&path).map_err(Failure::failed);
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

fn subject(mail: &[u8]) -> String {
    let message = MessageParser::new().parse_headers(mail);
    message.and_then(|message| message.subject().map(str::to_owned)).unwrap_or_default()
}

fn save_attachments(dir: &Path, mail: &[u8]) -> Result<(), Failure> {
    let message =
        MessageParser::new().parse(mail).ok_or_else(|| Failure::failed("the mail cannot be read"))?;
    for part in message.attachments() {
        let subtype = part.content_type().and_then(|kind| kind.subtype()).unwrap_or_default();
        match subtype {
            "pdf" => save(dir, "received.pdf", part.contents())?,
            "tiff" => save(dir, "received.tif", part.contents())?,
            _ => {}
        }
    }
    Ok(())
}

fn show_files(dir: &Path, job: &Job) {
    let trace = dir.join("data/blobs").join(job.trace_key(job.calls));
    out::line(format_args!("\nIn {}:", dir.display()));
    for (name, what) in [
        ("message.eml", "the mail that was sent"),
        ("receipt.eml", "the receipt"),
        ("received.pdf", "the received fax, to read"),
        ("received.tif", "the received fax, as TIFF-F"),
        ("received.eml", "the mail that brought it; press Reply to fax back"),
        ("faxgate.toml", "the configuration of this gateway"),
    ] {
        out::line(format_args!("  {name:<13} {what}"));
    }
    let config = dir.join("faxgate.toml");
    out::line(format_args!("The call, frame by frame:\n  {}", trace.display()));
    out::line(format_args!("To run this gateway on:\n  faxgate --config {} serve", config.display()));
}

fn step(what: &str, text: &str) {
    out::line(format_args!("  {what:<9} {text}"));
}

fn save(dir: &Path, name: &str, bytes: &[u8]) -> Result<(), Failure> {
    let path = dir.join(name);
    fs::write(&path, bytes).map_err(|error| Failure::failed(format!("{}: {error}", path.display())))
}
