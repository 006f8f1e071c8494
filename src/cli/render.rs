//! `faxgate render`: the pages that would be faxed, without faxing them.

use std::path::{Path, PathBuf};

use clap::Args;
use jiff::Timestamp;

use super::{Failure, PageArgs, files, out};
use crate::address::gstn::FaxAddress;
use crate::address::{DialPlan, Number};
use crate::config::Config;
use crate::queue::pages::{self, Look};
use crate::render;

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
