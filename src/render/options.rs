//! What the operator and the sender may choose about the pages, and the limits that hold for every message.

use std::path::PathBuf;

use fax::page::Resolution;
use serde::{Deserialize, Serialize};

use super::cover::Template;
use super::error::RenderError;
use super::language::Language;
use super::office::OfficeConfig;
use super::worker::WorkersConfig;
use crate::job::recipient::Fineness;

/// The sheet that composed pages are made for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Paper {
    /// 210 × 297 mm.
    #[default]
    A4,
    /// 8½ × 11 inches.
    Letter,
}

/// How photographs become black and white.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Photographs {
    /// Dots that grow as the tone darkens: they survive printers and are short on the line.
    #[default]
    Dots,
    /// Error diffusion (Floyd and Steinberg): more detail, on paper that prints single pixels, for some times as long.
    ErrorDiffusion,
}

/// How a message is made into pages.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The sheet.
    pub paper: Paper,
    /// The resolution of the pages that are composed; a fax image that passes through keeps its own.
    pub resolution: Resolution,
    /// Pages may be made finer than that, where their print could not be read else: nobody has asked for a resolution.
    pub may_be_finer: bool,
    /// Pages of documents that are longer than the sheet, and no wider, stay as long as they are.
    pub longer_pages: bool,
    /// How photographs become black and white.
    pub photographs: Photographs,
    /// What a message may hold at most.
    pub limits: Limits,
    /// How the cover page looks.
    pub cover_template: Template,
    /// No cover page goes before a message that has no text of its own.
    pub cover_needs_text: bool,
}

/// What a message may hold at most. Past a limit the message is refused, never cut.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Bytes of the whole message, as it came.
    pub message_bytes_max: u64,
    /// MIME parts, containers and the parts of forwarded messages counted.
    pub parts_max: u32,
    /// How deep parts may be nested in each other.
    pub depth_max: u32,
    /// Pages, the cover page counted.
    pub pages_max: u32,
    /// Bytes of one text part, decoded to UTF-8.
    pub text_bytes_max: u64,
    /// How deep the elements of an HTML text may be nested; the tags of deeper ones are left out, and their text stays.
    pub html_depth_max: u32,
    /// Pixels of one picture.
    pub image_pixels_max: u64,
    /// Bytes of all files that come out of the message's archives together.
    pub unpacked_bytes_max: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            message_bytes_max: 50 * 1024 * 1024,
            parts_max: 200,
            depth_max: 10,
            pages_max: 200,
            text_bytes_max: 2 * 1024 * 1024,
            html_depth_max: 200,
            image_pixels_max: 50_000_000,
            unpacked_bytes_max: 100 * 1024 * 1024,
        }
    }
}

impl Limits {
    /// Finds a limit of nothing, under which no message could pass.
    ///
    /// # Errors
    /// The name of the setting.
    pub fn check(&self) -> Result<(), &'static str> {
        let limits = [
            ("message_bytes_max", self.message_bytes_max),
            ("parts_max", self.parts_max.into()),
            ("depth_max", self.depth_max.into()),
            ("pages_max", self.pages_max.into()),
            ("text_bytes_max", self.text_bytes_max),
            ("html_depth_max", self.html_depth_max.into()),
            ("image_pixels_max", self.image_pixels_max),
            ("unpacked_bytes_max", self.unpacked_bytes_max),
        ];
        limits.iter().find(|(_, max)| *max == 0).map_or(Ok(()), |(name, _)| Err(name))
    }

    pub(super) fn too_many_pages(&self) -> RenderError {
        RenderError::TooLarge { what: "pages".into(), max: self.pages_max.into() }
    }
}

/// The `[render]` section of the configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RenderConfig {
    /// The sheet that composed pages are made for.
    pub paper: Paper,
    /// The resolution where the sender asks for none.
    pub resolution: Fineness,
    /// Whether pages of documents that are longer than the sheet, and no wider, stay as long as they are.
    pub longer_pages: bool,
    /// How photographs become black and white.
    pub photographs: Photographs,
    /// The language of header lines and cover pages.
    pub language: Language,
    /// Whether a cover page goes first where the sender does not say.
    pub cover: bool,
    /// Whether it does so only where the message has text of its own, and not before a mere attachment.
    pub cover_needs_text: bool,
    /// Whether a call that goes on where an earlier one broke off begins with a cover page that says so.
    pub continuation_cover: bool,
    /// The cover page's template, as text; `None` is the one in the program.
    pub cover_template: Option<String>,
    /// Other templates for some senders; the first rule that names one holds.
    pub covers: Vec<CoverRule>,
    /// What a message may hold at most.
    pub limits: Limits,
    /// The processes that take messages apart.
    pub workers: WorkersConfig,
    /// LibreOffice.
    pub office: OfficeConfig,
}

impl Default for RenderConfig {
    fn default() -> Self {
        Self {
            paper: Paper::A4,
            resolution: Fineness::Fine,
            longer_pages: false,
            photographs: Photographs::Dots,
            language: Language::En,
            cover: false,
            cover_needs_text: false,
            continuation_cover: false,
            cover_template: None,
            covers: Vec::new(),
            limits: Limits::default(),
            workers: WorkersConfig::default(),
            office: OfficeConfig::default(),
        }
    }
}

/// A cover page for some senders.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CoverRule {
    /// Whose: names that people sign in with, addresses, domains, and the names of groups of `policy.group`.
    pub senders: Vec<String>,
    /// The file of the template: text, or HTML with its pictures beside it.
    pub file: PathBuf,
    /// What stands in that file, its pictures within; read with the configuration.
    #[serde(skip)]
    pub template: String,
}

impl CoverRule {
    fn names(&self, senders: &[String]) -> bool {
        let domain = |sender: &str| sender.rsplit_once('@').map(|(_, domain)| domain.to_owned());
        let is_named = |name: &str| self.senders.iter().any(|known| known.eq_ignore_ascii_case(name));
        senders
            .iter()
            .any(|sender| is_named(sender) || domain(sender).is_some_and(|domain| is_named(&domain)))
    }
}

impl RenderConfig {
    /// The template for these names of a sender; `None` is the one in the program.
    #[must_use]
    pub fn cover_template_for(&self, senders: &[String]) -> Option<&str> {
        let rule = self.covers.iter().find(|rule| rule.names(senders));
        rule.map(|rule| rule.template.as_str()).or(self.cover_template.as_deref())
    }

    /// The options for one message, at the resolution that its sender asked for.
    ///
    /// # Errors
    /// Where the cover page's template is wrong.
    pub fn options(&self, asked: Option<Fineness>) -> Result<Options, RenderError> {
        let cover_template = match &self.cover_template {
            Some(text) => {
                Template::parse(text).map_err(|error| RenderError::Cover { cause: error.to_string() })?
            }
            None => Template::of(self.language),
        };
        Ok(Options {
            paper: self.paper,
            resolution: asked.unwrap_or(self.resolution).resolution(),
            may_be_finer: asked.is_none(),
            longer_pages: self.longer_pages,
            photographs: self.photographs,
            limits: self.limits.clone(),
            cover_template,
            cover_needs_text: self.cover_needs_text,
        })
    }
}
