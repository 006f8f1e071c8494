//! A received fax as files: a PDF to read and print, and TIFF-F for archives and fax programs.
//!
//! The TIFF is profile F of RFC 3949, coded in MMR. The pages are kept so as well, and pass into both files as they are,
//! without being decoded: a page that was received is coded once. A fax whose one form cannot be made is delivered in the
//! other, and one whose pages the disk has lost is delivered without them, but never in silence.

use fax::page::Page;
use fax::t4::Coding;
use fax::tiff::{Info, Limits, MmrPage, Profile, Reader, Reception, WriteError, Writer};
use jiff::tz::TimeZone;

use crate::job::ReceivedFax;
use crate::render;

/// The attachments of a received fax.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Files {
    /// All pages as PDF.
    pub pdf: Option<Vec<u8>>,
    /// All pages as TIFF-F.
    pub tiff: Option<Vec<u8>>,
    /// Pages (from 1) that could not be read any more.
    pub missing: Vec<u32>,
}

/// A page from the file that the intake made of it; `None` where it is damaged.
#[must_use]
pub fn page(file: &[u8]) -> Option<MmrPage> {
    let limits =
        Limits { pages_max: 1, width_max: Page::WIDTH_MAX, rows_max: Page::ROWS_MAX, ..Limits::default() };
    let mut reader = Reader::new(file, &limits).ok()?;
    reader.next_mmr().or_else(|| Some(MmrPage::encode(&reader.next()?.ok()?.into_page().ok()?)))
}

impl Files {
    /// The files of a fax under a title; `None` in `pages` is one that could not be read any more.
    #[must_use]
    pub fn make(fax: &ReceivedFax, title: &str, pages: Vec<Option<MmrPage>>, zone: &TimeZone) -> Self {
        let missing = (1u32..).zip(&pages).filter(|(_, page)| page.is_none()).map(|(n, _)| n).collect();
        let pages: Vec<MmrPage> = pages.into_iter().flatten().collect();
        if pages.is_empty() {
            return Self { missing, ..Self::default() };
        }
        let tiff = tiff_f(fax, title, &pages, zone);
        Self { pdf: Some(render::pdf::write_coded(pages, title)), tiff, missing }
    }
}

fn tiff_f(fax: &ReceivedFax, title: &str, pages: &[MmrPage], zone: &TimeZone) -> Option<Vec<u8>> {
    let date_time = fax.started.to_zoned(zone.clone()).strftime("%Y:%m:%d %H:%M:%S").to_string();
    let info = Info { software: Some("Faxgate"), date_time: Some(&date_time), description: Some(title) };
    let write = || -> Result<Vec<u8>, WriteError> {
        let mut writer = Writer::new(Profile::F { coding: Coding::Mmr }, &info)?;
        pages.iter().try_for_each(|page| writer.mmr_page(page, &Reception::default()))?;
        writer.finish()
    };
    write().inspect_err(|error| tracing::error!(fax = %fax.id, %error, "the fax has no TIFF")).ok()
}
