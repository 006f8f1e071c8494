//! What the stories on soft modems share: an exchange, documents, and how long a call took.
#![allow(dead_code, unreachable_pub, reason = "each story uses its own part of this")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::disallowed_methods)]

use std::path::Path;
use std::time::Duration;

use fax::carrier::Modulation;
use fax::page::{Page, Resolution};
use fax::session::PageCoding;
use fax::t4::Coding;
use fax::tiff::{Info, Profile};
use fax_peers::exchange::{Answer, Ended, Exchange, Pace};
use fax_peers::spandsp_t30::Config;

use super::{tiff_pages, wait_for};

/// How time passes: hurried, but for `REAL_TIME=1`.
pub fn pace() -> Pace {
    if std::env::var_os("REAL_TIME").is_some() { Pace::Real } else { Pace::Hurried }
}

/// What comes in is mailed to inbox@example.com.
pub const ROUTE: &str = "[[received.route]]\nto = [\"inbox@example.com\"]\n";

/// Settings of a line on a modem, and more of them.
pub fn line(device: &Path, number: &str, more: &str) -> String {
    format!(
        "[[line]]\nkind = \"modem\"\nname = \"line-{number}\"\ndevice = {device:?}\nnumber = \"+{number}\"\n\
         lock_dir = \"\"\n{more}"
    )
}

/// Settings of a gateway with one line on a modem.
pub fn settings(device: &Path, number: &str, more: &str) -> String {
    format!("{ROUTE}{}", line(device, number, more))
}

/// Three fine pages: a letter, the upper half of a form, and some lines of dense text.
pub fn document() -> Vec<Page> {
    let corpus = fax_peers::corpus::pages(Resolution::R204x196);
    let page =
        |name: &str, rows| top_of(&corpus.iter().find(|sample| sample.name == name).unwrap().page, rows);
    vec![page("letter", 2200), page("form", 1100), page("dense text", 400)]
}

/// The first rows of a page.
pub fn top_of(page: &Page, rows: u32) -> Page {
    let bits = page.iter_rows().take(rows as usize).flatten().copied().collect();
    Page::from_bits(page.width(), page.resolution(), bits).unwrap()
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

/// A fax terminal of spandsp that receives into a folder, or sends a TIFF.
pub fn terminal(folder: &Path, send: Option<&Path>) -> Answer {
    let config = Config {
        calling: false,
        send: send.map(Path::to_owned),
        receive: None,
        ecm: true,
        modulations: vec![Modulation::V27ter, Modulation::V29, Modulation::V17],
        codings: vec![PageCoding::Mh, PageCoding::Mr, PageCoding::Mmr],
        scan_time_ms: 0,
        not_ready: 0,
        t38_version: 0,
        t38_unpaced: false,
        address: None,
    };
    Answer::Fax { config: Box::new(config), folder: folder.to_owned() }
}

/// The pages that the terminal at a number got in its so-manyth call.
pub fn got(folder: &Path, number: &str, call: u32) -> Vec<Page> {
    let path = folder.join(format!("{number}-{call}.tif"));
    std::fs::read(path).map(|file| tiff_pages(&file)).unwrap_or_default()
}
