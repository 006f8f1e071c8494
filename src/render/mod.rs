//! From a message to fax pages.
//!
//! SEAM: `survey` says before a message is accepted what in it cannot be converted; `message` makes the
//! pages (without header line) and the manifest, in which every part of the message has its fate; the header line goes
//! on top of each page at the moment of the call (`header`).
//!
//! Bytes in, pages out: nothing here reads a file, a clock or the network, and the same bytes give the same pages on
//! every machine. All of it is work for a blocking thread. A part that cannot be converted refuses the whole message
//! (RFC 3965 §2.2.4); foreign decoders that panic are caught (`error::guard`).

mod compose;
pub mod cover;
mod error;
mod flow;
mod font;
mod halftone;
pub mod header;
mod html;
mod kind;
mod language;
mod legible;
mod line;
mod mime;
pub mod office;
mod options;
pub mod pdf;
mod picture;
pub mod preview;
mod sheet;
mod svg;
mod task;
mod text;
mod tiff;
mod watch;
pub mod worker;

use std::borrow::Cow;

use fax::page::Page;
use serde::{Deserialize, Serialize};

use compose::{Composed, Composer, Heading};
pub use cover::{Cover, Template, TemplateError};
pub use error::RenderError;
use error::guard_all;
pub use language::Language;
use mime::Item;
pub use mime::is_plain_text;
pub use options::{CoverRule, Limits, Options, Paper, Photographs, RenderConfig};
pub use task::{InProcess, Renderer, Task};
use watch::Desk;

/// A message as pages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    /// The pages, the cover page first, without header lines.
    pub pages: Vec<Page>,
    /// What became of every part.
    pub manifest: Manifest,
}

/// Looks at a message before it is accepted, without making pages of it.
///
/// # Errors
/// Where it is sure already that it cannot be faxed: a part of a kind that has no pages, an encrypted part, nothing
/// to fax, a limit passed. The error's text names the part and is fit for an SMTP reply with its `status`.
pub fn survey(message: &[u8], limits: &Limits) -> Result<(), RenderError> {
    survey_at(message, limits, Desk::ALONE)
}

fn survey_at(message: &[u8], limits: &Limits, desk: Desk<'_>) -> Result<(), RenderError> {
    guard_all(|| {
        let parsed = mime::parse(message, limits)?;
        let plan = mime::plan(parsed.message(), limits, desk.office.is_there())?;
        plan.items.iter().try_for_each(|item| {
            desk.watch.part(&item.name);
            compose::survey(item, limits)
        })
    })
}

/// Makes the pages of a message: the cover page where one is given, the text, the attachments in their order.
///
/// # Errors
/// Where any part cannot be faxed or a limit is passed; then nothing of the message is faxed.
pub fn message(message: &[u8], options: &Options, cover: Option<&Cover>) -> Result<Rendered, RenderError> {
    message_at(message, options, cover, Desk::ALONE)
}

fn message_at(
    message: &[u8],
    options: &Options,
    cover: Option<&Cover>,
    desk: Desk<'_>,
) -> Result<Rendered, RenderError> {
    guard_all(|| {
        let parsed = mime::parse(message, &options.limits)?;
        let plan = mime::plan(parsed.message(), &options.limits, desk.office.is_there())?;
        composed(&plan.items, &plan.heading, options, cover, desk)
    })
}

/// A cover page for so many pages with it.
fn cover_alone(cover: &Cover, pages: u32, options: &Options) -> Result<Rendered, RenderError> {
    let page = guard_all(|| font::with(|fonts| compose::cover_page(cover, pages, options, fonts)))?;
    Ok(Rendered { pages: vec![page], manifest: Manifest { pages: 1, ..Manifest::default() } })
}

/// Puts items on pages, and, where their print proves too small and that may be, once more at a finer resolution.
fn composed(
    items: &[Item<'_>],
    heading: &Heading,
    options: &Options,
    cover: Option<&Cover>,
    desk: Desk<'_>,
) -> Result<Rendered, RenderError> {
    let cover = cover.filter(|_| !options.cover_needs_text || items.iter().any(Item::is_own_text));
    let compose = |options: &Options| {
        font::with(|fonts| {
            let mut composer = Composer::new(options, cover.is_some(), desk, fonts);
            if cover.is_none() {
                composer.heading(heading);
            }
            composer.items(items)?;
            composer.finish(cover)
        })
    };
    let mut options = options.clone();
    loop {
        match compose(&options)? {
            Composed::Done(rendered) => return Ok(rendered),
            Composed::TooSmall { finer } => options.resolution = finer,
        }
    }
}

/// Makes the pages of files, each a document of its own, in their order.
///
/// # Errors
/// Where any file cannot be faxed or a limit is passed.
pub fn files(
    files: &[(&str, &[u8])],
    options: &Options,
    cover: Option<&Cover>,
) -> Result<Rendered, RenderError> {
    guard_all(|| {
        let items =
            files.iter().map(|(name, bytes)| mime::file(name, Cow::Borrowed(*bytes), &options.limits));
        let mut items: Vec<_> = items.collect();
        mime::settle_office(&mut items, false);
        mime::refuse_failed(&items)?;
        composed(&items, &[], options, cover, Desk::ALONE)
    })
}

/// What became of a part of the message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "kebab-case")]
pub enum Fate {
    /// It became these pages (from 1, the cover page counted, both ends included).
    Pages {
        /// The first.
        first: u32,
        /// The last.
        last: u32,
    },
    /// It is shown within a page that another part made.
    Embedded {
        /// Which page.
        page: u32,
    },
    /// It was left out, for a reason that the sender is told.
    LeftOut {
        /// Why, as a clause: `the same text is faxed from the plain version`.
        reason: String,
    },
    /// It could not be converted; the whole message is then refused or reported (RFC 3965 §2.2.4).
    Failed {
        /// Why, as a clause: `the PDF is encrypted`.
        reason: String,
    },
}

/// One part of a message and its fate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Its file name, or what it is: `message text`.
    pub name: String,
    /// Its media type: `application/pdf`.
    pub media_type: String,
    /// What became of it.
    pub fate: Fate,
}

/// Every part of a message and its fate, in the order of the pages.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The parts.
    pub parts: Vec<Part>,
    /// How many pages there are, the cover page counted.
    pub pages: u32,
    /// What the sender should know about the pages, as sentences.
    #[serde(default)]
    pub notes: Vec<String>,
}

impl Manifest {
    /// Whether the first page is a cover page: one that no part became.
    #[must_use]
    pub fn has_cover(&self) -> bool {
        self.pages > 0 && !self.parts.iter().any(|part| matches!(part.fate, Fate::Pages { first: 1, .. }))
    }
}
