//! What the stories on soft modems share: an exchange, documents, and how long a call took.
#![allow(dead_code, unreachable_pub, reason = "each story uses its own part of this")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::disallowed_methods)]

use std::path::{Path, PathBuf};
use std::time::Duration;

use fax::page::{Page, Resolution};
use fax::t4::Coding;
use fax::tiff::{Info, Profile};
use fax_peers::exchange::{Ended, Exchange};

use super::{tiff_pages, wait_for};

/// Three fine pages: a letter, the upper half of a form, and some lines of dense text.
pub fn document() -> Vec<Page> {
    let corpus = fax_peers::corpus::pages(Resolution::R204x196);
    let page = |name: &str, rows: u32| {
        let page = &corpus.iter().find(|sample| sample.name == name).unwrap().page;
        let bits = page.iter_rows().take(rows as usize).flatten().copied().collect();
        Page::from_bits(page.width(), page.resolution(), bits).unwrap()
    };
    vec![page("letter", 2200), page("form", 1100), page("dense text", 400)]
}

/// A page of few rows, different for every seed: a call with it is soon over.
pub fn short_page(seed: u32) -> Page {
    let mut page = Page::white(1728, 120, Resolution::R204x98);
    for y in 20..100 {
        for x in 200..1500 {
            page.set(x, y, (x / 16 * 7 + y / 10 * 13 + seed * 29) % 11 < 3);
        }
    }
    page
}

/// Writes a document in MH.
pub fn write_tiff(path: &Path, pages: &[Page]) {
    let file = fax::tiff::write(pages, Profile::F { coding: Coding::Mh }, &Info::default()).unwrap();
    std::fs::write(path, file).unwrap();
}

/// Writes a document as one file a page, as efax wants it.
pub fn write_tiffs(folder: &Path, pages: &[Page]) -> Vec<PathBuf> {
    let write = |(n, page): (usize, &Page)| {
        let path = folder.join(format!("sent-{n}.tif"));
        write_tiff(&path, std::slice::from_ref(page));
        path
    };
    pages.iter().enumerate().map(write).collect()
}

/// What is different between the pages sent and those that came, if anything. The last `rows_lost_max` rows of a page
/// may be missing or wrong, and `rows_on_top` are not looked at.
pub fn difference(sent: &[Page], came: &[Page], rows_on_top: u32, rows_lost_max: u32) -> Option<String> {
    if sent.len() != came.len() {
        return Some(format!("{} pages sent, {} came", sent.len(), came.len()));
    }
    sent.iter().zip(came).enumerate().find_map(|(n, (sent, came))| {
        let rows = came.rows().checked_sub(rows_on_top)?;
        if rows > sent.rows() || rows + rows_lost_max < sent.rows() {
            return Some(format!("page {n}: {} rows sent, {rows} came", sent.rows()));
        }
        let wrong = (0..sent.rows() - rows_lost_max).find(|y| sent.row(*y) != came.row(y + rows_on_top))?;
        Some(format!("page {n}: row {wrong} differs"))
    })
}

/// The pages of some TIFF files.
pub fn pages_of<'a>(files: impl IntoIterator<Item = &'a [u8]>) -> Vec<Page> {
    files.into_iter().flat_map(tiff_pages).collect()
}

/// Waits for the next call to be over.
pub fn next_ended(exchange: &Exchange) -> Ended {
    wait_for("the call to end", || {
        let ended = exchange.with(|office| office.take_ended());
        assert!(ended.len() < 2, "{ended:?}");
        ended.into_iter().next()
    })
}

/// From answer to end.
pub fn duration(ended: &Ended) -> Duration {
    Duration::from_millis(ended.ended_ms - ended.answered_ms.expect("it was answered"))
}
