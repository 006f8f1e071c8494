//! Puts the parts of a message on pages, one after the other, and keeps the manifest.
//!
//! Text that belongs together flows on one run of pages; every other document begins on a page of its own.

use std::collections::HashMap;

use fax::page::{Page, Resolution};

use super::cover::Cover;
use super::error::{Failure, RenderError, guard};
use super::flow::{Flow, Flowed, Look, Paragraph, Span, TEXT_PT};
use super::font::Fonts;
use super::html::{Inlines, Shown};
use super::kind::Picture;
use super::mime::{Content, Item};
use super::options::{Limits, Options};
use super::sheet::Sheet;
use super::watch::{Desk, Watch};
use super::{Fate, Manifest, Part, Rendered};
use super::{legible, pdf, picture, text, tiff};

/// Where the values of a heading stand, in points.
const HEADING_INDENT_PT: f32 = 56.0;
/// White between texts that share a page, in points.
const PART_GAP_PT: f32 = 14.0;

/// A picture of the text that is shorter than this on one side, in pixels, never gets a page of its own.
const PHOTO_PIXELS_MIN: u32 = 200;
/// Header lines, label and value.
pub(super) type Heading = [(&'static str, String)];

/// The pages and the manifest in the making.
pub(super) struct Composer<'o> {
    options: &'o Options,
    desk: Desk<'o>,
    sheet: Sheet,
    fonts: &'o mut Fonts,
    /// Whether a cover page will go first; page numbers count it.
    cover: bool,
    pages: Vec<Page>,
    parts: Vec<Part>,
    notes: Vec<String>,
    /// Header lines that wait for the text that they stand above.
    heading: Vec<(&'static str, String)>,
    /// Pictures that a text has shown, by their Content-ID, and on which page.
    shown: HashMap<String, u32>,
}

/// What a composition came to.
pub(super) enum Composed {
    Done(Rendered),
    /// Its print is too small to be read at this resolution, and a finer one may be taken.
    TooSmall {
        finer: Resolution,
    },
}

/// Looks at a part without making pages of it.
pub(super) fn survey(item: &Item<'_>, limits: &Limits) -> Result<(), RenderError> {
    let seen = match &item.content {
        Content::Pdf(bytes) => guard("PDF", || pdf::check(bytes)).map(drop),
        Content::Picture(kind, bytes) | Content::Inline(kind, bytes, _) => {
            guard("picture", || picture::size(*kind, bytes, limits)).map(drop)
        }
        _ => Ok(()),
    };
    seen.map_err(|failure| RenderError::part(&item.name, failure))
}

impl<'o> Composer<'o> {
    pub(super) fn new(options: &'o Options, cover: bool, desk: Desk<'o>, fonts: &'o mut Fonts) -> Self {
        Self {
            options,
            desk,
            sheet: sheet(options),
            fonts,
            cover,
            pages: Vec::new(),
            parts: Vec::new(),
            notes: Vec::new(),
            heading: Vec::new(),
            shown: HashMap::new(),
        }
    }

    /// Header lines for the text that comes next.
    pub(super) fn heading(&mut self, lines: &Heading) {
        self.heading = lines.to_vec();
    }

    /// Makes pages of all parts.
    pub(super) fn items(&mut self, items: &[Item<'_>]) -> Result<(), RenderError> {
        let inlines: Inlines<'_> = items.iter().filter_map(inline).collect();
        let mut rest = items;
        while let [first, after @ ..] = rest {
            let on = |item: &&Item<'_>| item.flows_on && makes_no_page_of_its_own(item);
            let more = if makes_no_page_of_its_own(first) { after.iter().take_while(on).count() } else { 0 };
            let (run, next) = rest.split_at(1 + more);
            if run.iter().any(is_flowing) {
                self.run(run, &inlines)?;
            } else {
                run.iter().try_for_each(|item| self.single(item))?;
            }
            rest = next;
        }
        Ok(())
    }

    /// The pages with the cover page, which can only be made when all are counted.
    ///
    /// # Errors
    /// Where no part made a page (a lone picture may prove too small only now), or the cover page cannot be made.
    pub(super) fn finish(mut self, cover: Option<&Cover>) -> Result<Composed, RenderError> {
        if self.pages.is_empty() {
            return Err(RenderError::Empty);
        }
        if let Some(cover) = cover {
            let page = cover_page(cover, self.count() + 1, self.options, self.fonts)?;
            self.pages.insert(0, page);
        }
        let small = small_print(&self.pages);
        if self.options.may_be_finer
            && !small.is_empty()
            && let Some(finer) = legible::finer(self.options.resolution)
        {
            return Ok(Composed::TooSmall { finer });
        }
        let mut notes = self.notes;
        notes.extend(small_print_note(&small));
        let manifest =
            Manifest { parts: self.parts, pages: u32::try_from(self.pages.len()).unwrap_or(u32::MAX), notes };
        Ok(Composed::Done(Rendered { pages: self.pages, manifest }))
    }

    fn count(&self) -> u32 {
        u32::try_from(self.pages.len()).unwrap_or(u32::MAX)
    }

    /// The number of the page after `made` more.
    fn number(&self, made: usize) -> u32 {
        self.count() + u32::from(self.cover) + u32::try_from(made).unwrap_or(u32::MAX)
    }

    fn part(&mut self, item: &Item<'_>, fate: Fate) {
        self.parts.push(Part { name: item.name.clone(), media_type: item.media_type.clone(), fate });
    }

    /// Texts that share pages.
    fn run(&mut self, items: &[Item<'_>], inlines: &Inlines<'_>) -> Result<(), RenderError> {
        let before = self.number(0) as usize;
        let mut fates = Vec::new();
        let mut shown = Shown::new();
        let mut flow = Flow::new(self.fonts, self.sheet, &self.options.limits, before);
        let heading = std::mem::take(&mut self.heading);
        draw_heading(&mut flow, &heading)?;
        for item in items {
            self.desk.watch.part(&item.name);
            let first = flow.page().max(1);
            write(item, &mut flow, inlines, &self.options.limits, &mut shown)?;
            fates.push((first, flow.page().max(1)));
        }
        let Flowed { mut pages, missing } = flow.finish();
        for (item, (first, last)) in items.iter().zip(fates) {
            let fate = match &item.content {
                Content::LeftOut(reason) => Fate::LeftOut { reason: reason.clone() },
                _ => Fate::Pages { first: self.number(first), last: self.number(last) },
            };
            self.part(item, fate);
        }
        let numbered = shown.into_iter().map(|(id, page)| (id, self.number(page)));
        let numbered: Vec<_> = numbered.collect();
        self.shown.extend(numbered);
        self.note(items, missing);
        self.pages.append(&mut pages);
        Ok(())
    }

    /// What the reader of these texts will not see as it was meant.
    fn note(&mut self, items: &[Item<'_>], missing: u64) {
        let Some(item) = items.iter().find(|item| is_flowing(item)) else {
            return;
        };
        if missing > 0 {
            self.notes.push(format!(
                "Characters of “{}” that are in none of the gateway's fonts and are shown as boxes: {missing}.",
                item.name
            ));
        }
        for item in items {
            if let Content::Text(text, _) = &item.content
                && text.contains(char::REPLACEMENT_CHARACTER)
            {
                self.notes.push(format!(
                    "“{}” holds octets that are no characters of its charset; they are shown as question marks.",
                    item.name
                ));
            }
        }
    }

    /// A document on pages of its own, or a part that makes none.
    fn single(&mut self, item: &Item<'_>) -> Result<(), RenderError> {
        if let Content::LeftOut(reason) = &item.content {
            self.part(item, Fate::LeftOut { reason: reason.clone() });
            return Ok(());
        }
        self.desk.watch.part(&item.name);
        let limits = &self.options.limits;
        if let Some(fate) = self.inline_fate(item)? {
            self.part(item, fate);
            return Ok(());
        }
        let room = (limits.pages_max as usize).saturating_sub(self.number(0) as usize);
        let made = match &item.content {
            Content::Office(format, bytes) => {
                let pdf = self.desk.office.to_pdf(*format, &item.name, bytes)?;
                guard("document", || pdf::pages(&pdf, self.sheet, room, self.desk.watch))
            }
            _ => document(item, self.sheet, limits, room, self.desk.watch),
        };
        let made = made.map_err(|failure| RenderError::part(&item.name, failure))?;
        let mut pages = made.filter(|pages| pages.len() <= room).ok_or_else(|| limits.too_many_pages())?;
        let fate = Fate::Pages { first: self.number(1), last: self.number(pages.len()) };
        self.part(item, fate);
        self.pages.append(&mut pages);
        Ok(())
    }

    /// What becomes of a picture that belongs into a text; `None` where it gets a page of its own.
    fn inline_fate(&self, item: &Item<'_>) -> Result<Option<Fate>, RenderError> {
        let Content::Inline(kind, bytes, id) = &item.content else {
            return Ok(None);
        };
        if let Some(&page) = id.as_ref().and_then(|id| self.shown.get(id)) {
            return Ok(Some(Fate::Embedded { page }));
        }
        let size = guard("picture", || picture::size(*kind, bytes, &self.options.limits));
        let (width, height) = size.map_err(|failure| RenderError::part(&item.name, failure))?;
        let small = width.min(height) < PHOTO_PIXELS_MIN;
        Ok(small.then(|| Fate::LeftOut {
            reason: format!(
                "it is a small picture of {width} × {height} pixels that belongs to the text's design"
            ),
        }))
    }
}

fn sheet(options: &Options) -> Sheet {
    Sheet::new(options.paper, options.resolution)
        .with_photographs(options.photographs)
        .with_longer_pages(options.longer_pages)
}

/// The cover page of a fax of so many pages.
///
/// # Errors
/// Where it would be more than a page.
pub(super) fn cover_page(
    cover: &Cover,
    pages: u32,
    options: &Options,
    fonts: &mut Fonts,
) -> Result<Page, RenderError> {
    let mut flow = Flow::new(fonts, sheet(options), &options.limits, 0);
    options.cover_template.draw(cover, pages, &mut flow)?;
    let mut made = flow.finish().pages;
    let count = made.len();
    let page = made.pop().filter(|_| count == 1);
    page.ok_or_else(|| RenderError::Cover { cause: format!("it takes {count} pages instead of one") })
}

/// The pages whose print is too small to be read, with its size in points.
fn small_print(pages: &[Page]) -> Vec<(usize, f32)> {
    let sizes = (1..).zip(pages).filter_map(|(number, page)| Some((number, legible::too_small_pt(page)?)));
    sizes.collect()
}

/// What the sender should know about them.
fn small_print_note(small: &[(usize, f32)]) -> Option<String> {
    let smallest = small.iter().map(|(_, size)| *size).reduce(f32::min)?;
    let numbers: Vec<String> = small.iter().map(|(number, _)| number.to_string()).collect();
    let pages = match numbers.as_slice() {
        [one] => format!("page {one}"),
        [first @ .., last] => format!("pages {} and {last}", first.join(", ")),
        [] => return None,
    };
    Some(format!(
        "The print on {pages} is very small (about {} points) and may not be legible on a fax machine. Send it larger, or \
         ask for a finer resolution.",
        smallest.round().max(1.0)
    ))
}

/// The pages of a document that is no text; `None` where there are more than `pages_max`.
fn document(
    item: &Item<'_>,
    sheet: Sheet,
    limits: &Limits,
    pages_max: usize,
    watch: &dyn Watch,
) -> Result<Option<Vec<Page>>, Failure> {
    match &item.content {
        Content::Pdf(bytes) => guard("PDF", || pdf::pages(bytes, sheet, pages_max, watch)),
        Content::Tiff(bytes) => guard("TIFF file", || tiff::pages(bytes, sheet, limits, pages_max)),
        Content::Picture(kind, bytes) | Content::Inline(kind, bytes, _) => guard("picture", || {
            let image = picture::read(*kind, bytes, limits)?;
            Ok(Some(vec![picture::page(&image, sheet)]))
        }),
        _ => Err(Failure::new("it is no document")),
    }
}

fn inline<'i>(item: &'i Item<'_>) -> Option<(&'i str, (Picture, &'i [u8]))> {
    match &item.content {
        Content::Inline(kind, bytes, Some(id)) => Some((id.as_str(), (*kind, &**bytes))),
        _ => None,
    }
}

fn makes_no_page_of_its_own(item: &Item<'_>) -> bool {
    is_flowing(item) || matches!(item.content, Content::LeftOut(_))
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
        let span = |text: String, bold| Span { text, look: Look { bold, ..Look::default() } };
        let value = span(text::printable(value), *label == "Subject");
        flow.paragraph(&Paragraph::field(
            span(format!("{label}:"), true),
            value,
            TEXT_PT,
            HEADING_INDENT_PT,
        ))?;
    }
    flow.rule()?;
    flow.gap(PART_GAP_PT / 2.0);
    Ok(())
}

/// Writes a text into a flow.
fn write(
    item: &Item<'_>,
    flow: &mut Flow<'_>,
    inlines: &Inlines<'_>,
    limits: &Limits,
    shown: &mut Shown,
) -> Result<(), RenderError> {
    match &item.content {
        Content::Text(source, format) => {
            flow.gap(PART_GAP_PT);
            text::paragraphs(source, *format).iter().try_for_each(|paragraph| flow.paragraph(paragraph))
        }
        Content::Html(document) => {
            flow.gap(PART_GAP_PT);
            document.draw(flow, inlines, limits, shown)
        }
        Content::Heading(lines) => draw_heading(flow, lines),
        _ => Ok(()),
    }
}
