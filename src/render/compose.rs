//! Puts the parts of a message on pages, one after the other, and keeps the manifest.
//!
//! Text that belongs together flows on one run of pages; every other document begins on a page of its own.

use fax::page::Page;

use super::cover::Cover;
use super::error::{Failure, RenderError, guard};
use super::flow::{Flow, Flowed, Look, Paragraph, Span, TEXT_PT};
use super::font::Fonts;
use super::html::{self, Piece};
use super::mime::{Content, Item};
use super::options::{Limits, Options};
use super::sheet::Sheet;
use super::text;
use super::{Fate, Manifest, Part, Rendered};

/// Where the values of a heading stand, in points.
const HEADING_INDENT_PT: f32 = 56.0;
/// White between texts that share a page, in points.
const PART_GAP_PT: f32 = 14.0;

type Heading = [(&'static str, String)];

/// The pages and the manifest in the making.
pub(super) struct Composer<'o> {
    options: &'o Options,
    sheet: Sheet,
    fonts: Fonts,
    /// Whether a cover page will go first; page numbers count it.
    cover: bool,
    pages: Vec<Page>,
    parts: Vec<Part>,
    notes: Vec<String>,
    /// Header lines that wait for the text that they stand above.
    heading: Vec<(&'static str, String)>,
}

/// Looks at a part without making pages of it.
pub(super) fn survey(item: &Item<'_>, limits: &Limits) -> Result<(), RenderError> {
    let failed = |failure| RenderError::part(&item.name, failure);
    match &item.content {
        Content::Html(source) => guard("HTML", || html::pieces(source, limits)).map(drop).map_err(failed),
        _ => Ok(()),
    }
}

impl<'o> Composer<'o> {
    pub(super) fn new(options: &'o Options, cover: bool) -> Self {
        Self {
            options,
            sheet: Sheet::new(options.paper, options.resolution),
            fonts: Fonts::new(),
            cover,
            pages: Vec::new(),
            parts: Vec::new(),
            notes: Vec::new(),
            heading: Vec::new(),
        }
    }

    /// Header lines for the text that comes next.
    pub(super) fn heading(&mut self, lines: &Heading) {
        self.heading = lines.to_vec();
    }

    /// Makes pages of all parts.
    pub(super) fn items(&mut self, items: &[Item<'_>]) -> Result<(), RenderError> {
        let mut rest = items;
        while let [first, after @ ..] = rest {
            let more = after.iter().take_while(|item| item.flows_on).count();
            let (run, next) = rest.split_at(1 + more);
            if is_flowing(first) {
                self.run(run)?;
            } else {
                run.iter().try_for_each(|item| self.single(item))?;
            }
            rest = next;
        }
        Ok(())
    }

    /// The pages with the cover page, which can only be made when all are counted.
    pub(super) fn finish(mut self, cover: Option<&Cover>) -> Result<Rendered, RenderError> {
        if let Some(cover) = cover {
            let count = self.count() + 1;
            let mut flow = Flow::new(&mut self.fonts, self.sheet, &self.options.limits, 0);
            self.options.cover_template.draw(cover, count, &mut flow)?;
            let mut pages = flow.finish().pages;
            if pages.len() != 1 {
                return Err(RenderError::Cover {
                    cause: format!("it takes {} pages instead of one", pages.len()),
                });
            }
            pages.append(&mut self.pages);
            self.pages = pages;
        }
        let manifest = Manifest {
            parts: self.parts,
            pages: u32::try_from(self.pages.len()).unwrap_or(u32::MAX),
            notes: self.notes,
        };
        Ok(Rendered {
            pages: self.pages,
            manifest,
        })
    }

    fn count(&self) -> u32 {
        u32::try_from(self.pages.len()).unwrap_or(u32::MAX)
    }

    /// The number of the page after `made` more.
    fn number(&self, made: usize) -> u32 {
        self.count() + u32::from(self.cover) + u32::try_from(made).unwrap_or(u32::MAX)
    }

    fn part(&mut self, item: &Item<'_>, fate: Fate) {
        self.parts.push(Part {
            name: item.name.clone(),
            media_type: item.media_type.clone(),
            fate,
        });
    }

    /// Texts that share pages.
    fn run(&mut self, items: &[Item<'_>]) -> Result<(), RenderError> {
        let before = self.number(0) as usize;
        let mut fates = Vec::new();
        let mut flow = Flow::new(&mut self.fonts, self.sheet, &self.options.limits, before);
        let heading = std::mem::take(&mut self.heading);
        draw_heading(&mut flow, &heading)?;
        for item in items {
            let first = flow.page().max(1);
            write(&mut flow, item, &self.options.limits)?;
            fates.push((first, flow.page().max(1)));
        }
        let Flowed { mut pages, missing } = flow.finish();
        for (item, (first, last)) in items.iter().zip(fates) {
            let fate = match &item.content {
                Content::LeftOut(reason) => Fate::LeftOut { reason: reason.clone() },
                _ => Fate::Pages {
                    first: self.number(first),
                    last: self.number(last),
                },
            };
            self.part(item, fate);
        }
        self.note_missing(items, missing);
        self.pages.append(&mut pages);
        Ok(())
    }

    fn note_missing(&mut self, items: &[Item<'_>], missing: u64) {
        if let (Some(item), 1..) = (items.first(), missing) {
            self.notes.push(format!(
                "{missing} characters of “{}” are in none of the gateway's fonts and are shown as boxes.",
                item.name
            ));
        }
    }

    /// A document on pages of its own, or a part that makes none.
    fn single(&mut self, item: &Item<'_>) -> Result<(), RenderError> {
        let failed = |failure| RenderError::part(&item.name, failure);
        let mut pages = match &item.content {
            Content::LeftOut(reason) => {
                self.part(item, Fate::LeftOut { reason: reason.clone() });
                return Ok(());
            }
            _ => return Err(failed(Failure::new("it is no text"))),
        };
        Ok(())
    }
}

fn is_flowing(item: &Item<'_>) -> bool {
    matches!(item.content, Content::Text(..) | Content::Html(_) | Content::Heading(_))
}

/// `From: …` and the like above a text, and a rule below them.
fn draw_heading(flow: &mut Flow<'_>, lines: &Heading) -> Result<(), RenderError> {
    if lines.is_empty() {
        return Ok(());
    }
    for (label, value) in lines {
        let span = |text: String, bold| Span {
            text,
            look: Look { bold, ..Look::default() },
        };
        let value = span(text::printable(value), *label == "Subject");
        flow.field(&span(format!("{label}:"), true), &value, TEXT_PT, HEADING_INDENT_PT)?;
    }
    flow.rule()?;
    flow.gap(PART_GAP_PT / 2.0);
    Ok(())
}

fn write(flow: &mut Flow<'_>, item: &Item<'_>, limits: &Limits) -> Result<(), RenderError> {
    match &item.content {
        Content::Text(source, format) => {
            flow.gap(PART_GAP_PT);
            text::paragraphs(source, *format).iter().try_for_each(|paragraph| flow.paragraph(paragraph))
        }
        Content::Html(source) => {
            flow.gap(PART_GAP_PT);
            let pieces = guard("HTML", || html::pieces(source, limits));
            let pieces = pieces.map_err(|failure| RenderError::part(&item.name, failure))?;
            pieces.iter().try_for_each(|piece| write_piece(flow, piece))
        }
        Content::Heading(lines) => draw_heading(flow, lines),
        _ => Ok(()),
    }
}

fn write_piece(flow: &mut Flow<'_>, piece: &Piece) -> Result<(), RenderError> {
    match piece {
        Piece::Paragraph(paragraph) => flow.paragraph(paragraph),
        Piece::Gap(gap_pt) => {
            flow.gap(*gap_pt);
            Ok(())
        }
        Piece::Picture(_) => Ok(()),
    }
}
