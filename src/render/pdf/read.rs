//! PDF pages to fax pages: each is fitted to the sheet, turned where it is wider than high, drawn in grey at the
//! sheet's own horizontal and vertical resolution, and then made black and white.
//!
//! hayro is pure Rust; what it does not finish is caught by the caller. Fonts that a PDF names and does not
//! carry are taken from those that hayro brings along; nothing of the system is used.

use std::panic::resume_unwind;

use fax::page::Page;
use hayro::hayro_interpret::InterpreterSettings;
use hayro::hayro_interpret::util::TransformExt;
use hayro::hayro_syntax::page::Page as PdfPage;
use hayro::hayro_syntax::{DecryptionError, LoadPdfError, Pdf};
use hayro::kurbo::Affine;
use hayro::vello_cpu::color::palette::css::WHITE;
use hayro::vello_cpu::{Pixmap, RasterizerSettings, RenderContext, Resources, TargetInit};
use hayro::{RenderCache, RenderSettings, render_into};

use super::super::error::Failure;
use super::super::halftone::{self, Grey};
use super::super::picture::{on_sheet, opaque_lumas};
use super::super::sheet::{Fit, Sheet, fit};
use super::super::watch::Watch;
use super::plain::Plain;

/// Opens the file and counts its pages; nothing is drawn.
pub(in super::super) fn check(bytes: &[u8]) -> Result<usize, Failure> {
    open(bytes).map(|pdf| pdf.pages().len())
}

/// Draws all pages, as long as there are no more than `pages_max`; `None` where there are.
pub(in super::super) fn pages(
    bytes: &[u8],
    sheet: Sheet,
    pages_max: usize,
    watch: &dyn Watch,
) -> Result<Option<Vec<Page>>, Failure> {
    let pdf = open(bytes)?;
    if pdf.pages().len() > pages_max {
        return Ok(None);
    }
    let mut pen = Pen::new(sheet);
    let mine = pdf.pages().iter().step_by(2).map(|page| {
        watch.page();
        pen.draw(page)
    });
    if pdf.pages().len() == 1 {
        return Ok(Some(mine.collect()));
    }
    // Every second page is drawn beside the others, with glyphs of its own: the cache is for one thread.
    let others = || {
        let mut pen = Pen::new(sheet);
        pdf.pages().iter().skip(1).step_by(2).map(|page| pen.draw(page)).collect()
    };
    let (mine, others): (Vec<_>, Vec<_>) = std::thread::scope(|scope| {
        let helper = std::thread::Builder::new().spawn_scoped(scope, others);
        let mine = mine.collect();
        match helper {
            Ok(helper) => (mine, helper.join().unwrap_or_else(|panic| resume_unwind(panic))),
            Err(_) => (mine, others()),
        }
    });
    let mut others = others.into_iter();
    Ok(Some(mine.into_iter().flat_map(|page| [Some(page), others.next()]).flatten().collect()))
}

fn open(bytes: &[u8]) -> Result<Pdf, Failure> {
    let pdf = Pdf::new(bytes.to_vec()).map_err(|error| match error {
        LoadPdfError::Decryption(DecryptionError::PasswordProtected) => {
            Failure::new("the PDF is encrypted with a password; save it without one and send that")
        }
        LoadPdfError::Decryption(error) => {
            Failure::caused("the PDF is encrypted in a way that cannot be read", format!("{error:?}"))
        }
        LoadPdfError::Invalid => Failure::new("the PDF is damaged"),
    })?;
    match pdf.pages().is_empty() {
        true => Err(Failure::new("the PDF has no pages")),
        false => Ok(pdf),
    }
}

/// What draws one page after the other.
struct Pen<'a> {
    sheet: Sheet,
    plain: Plain<'a>,
    colours: Colours<'a>,
}

impl<'a> Pen<'a> {
    fn new(sheet: Sheet) -> Self {
        let colours = Colours { cache: RenderCache::new(), canvas: None };
        Self { sheet, plain: Plain::new(), colours }
    }

    fn draw(&mut self, page: &'a PdfPage<'a>) -> Page {
        let (width_pt, height_pt) = page.render_dimensions();
        let sheet = self.sheet.reaching((width_pt, height_pt));
        let (x_scale, y_scale) = sheet.px_per_pt();
        let area = (sheet.width() as f32 / x_scale, sheet.body_rows() as f32 / y_scale);
        let Fit { turned, scale } = fit((width_pt, height_pt), area);
        let (across_pt, down_pt) = if turned { (height_pt, width_pt) } else { (width_pt, height_pt) };
        let width = ((across_pt * scale * x_scale).round() as u32).clamp(1, sheet.width());
        let rows = ((down_pt * scale * y_scale).round() as u32).clamp(1, sheet.body_rows());
        let stretch = Affine::scale_non_uniform((scale * x_scale).into(), (scale * y_scale).into());
        // A quarter turn to the left: what was at the right edge comes to the top.
        let turn = match turned {
            true => Affine::new([0.0, -1.0, 1.0, 0.0, 0.0, width_pt.into()]),
            false => Affine::IDENTITY,
        };
        match self.drawn(page, stretch * turn, width, rows) {
            Some(drawn) => on_sheet(&drawn, sheet, (sheet.width() - width) / 2, 0),
            None => Page::white(sheet.width(), sheet.body_rows(), sheet.resolution()),
        }
    }

    /// The page alone, on white; `transform` takes the upright page in points to pixels.
    fn drawn(&mut self, page: &'a PdfPage<'a>, transform: Affine, width: u32, rows: u32) -> Option<Page> {
        let (resolution, photographs) = (self.sheet.resolution(), self.sheet.photographs());
        let transform = transform * page.initial_transform(true).to_kurbo();
        let values = match self.plain.draw(page, transform, width, rows) {
            Some(values) => values,
            None => self.colours.draw(page, transform, width, rows)?,
        };
        Some(halftone::bilevel(Grey::new(width, values)?, resolution, photographs))
    }
}

/// What draws every page, in colours, and keeps the glyphs that it has met and the canvas.
struct Colours<'a> {
    cache: RenderCache<'a>,
    canvas: Option<Pixmap>,
}

impl<'a> Colours<'a> {
    /// The page's grey values, row by row; `transform` takes points to pixels.
    fn draw(&mut self, page: &'a PdfPage<'a>, transform: Affine, width: u32, rows: u32) -> Option<&mut [u8]> {
        let (across, down) = (u16::try_from(width).ok()?, u16::try_from(rows).ok()?);
        let mut context = RenderContext::new(across, down);
        let (interpreter, settings) = (InterpreterSettings::default(), RenderSettings::default());
        render_into(page, &self.cache, &interpreter, &settings, &mut context, transform);
        context.flush();
        // Pages of one size share a canvas: a fresh one costs as much as drawing letters on it.
        let canvas = self.canvas.take().filter(|canvas| (canvas.width(), canvas.height()) == (across, down));
        let canvas = self.canvas.insert(canvas.unwrap_or_else(|| Pixmap::new(across, down)));
        let target =
            RasterizerSettings { target_init: TargetInit::Clear(WHITE), ..RasterizerSettings::default() };
        context.render_with(&mut *canvas, &mut Resources::default(), target);
        Some(opaque_lumas(canvas.data_as_u8_slice_mut()))
    }
}

#[cfg(test)]
mod tests;
