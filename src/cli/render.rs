//! `faxgate render`: the pages that would be faxed, without faxing them.

use std::path::{Path, PathBuf};

use clap::Args;
use fax::page::Page;
use fax::t4::Coding;
use fax::tiff::{self, Info, Profile};
use jiff::Timestamp;

use super::{Failure, PageArgs, files, out};
use crate::address::{DialPlan, FaxAddress, Number, number};
use crate::clock::{Clock, SystemClock};
use crate::config::Config;
use crate::queue::look::{self, Look};
use crate::render::header::{self, HeaderLine};
use crate::render::{self, RenderError, Rendered, Renderer};

#[derive(Debug, Args)]
pub(super) struct RenderArgs {
    /// A mail message (.eml), or files to be faxed in this order
    #[arg(required = true, value_name = "MESSAGE.eml|FILE")]
    files: Vec<PathBuf>,
    /// Where to write the pages: .tiff and .pdf take them all, .png one a file (OUT-1.png, OUT-2.png …)
    #[arg(short, long, value_name = "OUT")]
    output: PathBuf,
    /// The number that it would go to, for the header line and the cover page
    #[arg(long, value_name = "NUMBER")]
    to: Option<String>,
    /// Who it is for, for the cover page
    #[arg(long, value_name = "NAME")]
    attention: Option<String>,
    /// The time in the header line, such as 2026-12-01T08:00:00Z [default: now]
    #[arg(long, value_name = "TIME")]
    time: Option<Timestamp>,
    /// Print what became of each part of the message, as JSON
    #[arg(long)]
    manifest: bool,
    #[command(flatten)]
    pages: PageArgs,
}

pub(super) fn run(config: &Config, args: &RenderArgs) -> Result<(), Failure> {
    let message = message(&args.files)?;
    let number = args.to.as_deref().map(|text| dialled(config, text)).transpose()?;
    let look = Look {
        number: number.clone(),
        attention: args.attention.clone(),
        hides_tag: false,
        senders: look::author(&message).into_iter().collect(),
        fineness: args.pages.fineness(),
        cover: args.pages.cover(),
    };
    let task = look.task(&message, &config.render);
    let rendered = super::workers(config)?.message(&message, &task);
    let Rendered { pages, manifest } = rendered.map_err(|error| match &error {
        // Nobody else reads the log of this command.
        RenderError::Unavailable { cause } => Failure::failed(format!("{error}: {cause}")),
        _ => Failure::failed(error),
    })?;
    let zone = config.zone().map_err(Failure::failed)?;
    let time = args.time.unwrap_or_else(|| SystemClock.now());
    let header = look::header_line(
        time,
        &zone,
        &config.header_from,
        number.as_ref(),
        manifest.pages,
        config.render.language,
    );
    let stamped =
        pages.iter().zip(1..).map(|(page, n)| header::stamp(page, &HeaderLine { page: n, ..header.clone() }));
    write(&args.output, &stamped.collect::<Vec<_>>())?;
    if args.manifest { out::json(&manifest) } else { Ok(()) }
}

/// The message that was named, or the message that `faxgate send` would make of the files.
fn message(paths: &[PathBuf]) -> Result<Vec<u8>, Failure> {
    let files = files::read(paths)?;
    match &files[..] {
        [only] if only.name.to_ascii_lowercase().ends_with(".eml") => Ok(only.bytes.clone()),
        files => files::message(files, None, None),
    }
}

fn dialled(config: &Config, text: &str) -> Result<Number, Failure> {
    let plan = DialPlan::new(config.dial_plan.clone()).map_err(Failure::failed)?;
    let address = FaxAddress::parse(&number::by_hand(text)).map_err(Failure::usage)?;
    plan.number(&address.phone).map_err(Failure::usage)
}

fn write(path: &Path, pages: &[Page]) -> Result<(), Failure> {
    let extension = path.extension().map(|extension| extension.to_ascii_lowercase());
    match extension.as_ref().and_then(|extension| extension.to_str()) {
        Some("tif" | "tiff") => {
            let profile = Profile::F { coding: Coding::Mmr };
            let info = Info { software: Some("Faxgate"), ..Info::default() };
            save(path, &tiff::write(pages, profile, &info).map_err(Failure::failed)?)
        }
        Some("pdf") => save(path, &render::pdf::write(pages, "Fax")),
        Some("png") => pages.iter().zip(1..).try_for_each(|(page, n)| {
            let stem = path.with_extension("");
            let one =
                if pages.len() == 1 { path.to_owned() } else { format!("{}-{n}.png", stem.display()).into() };
            save(&one, &render::preview::png(page).map_err(Failure::failed)?)
        }),
        _ => Err(Failure::usage(format!("{}: the name must end in .tiff, .pdf or .png", path.display()))),
    }
}

fn save(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    std::fs::write(path, bytes).map_err(|error| Failure::failed(format!("{}: {error}", path.display())))
}
