//! A call of the matrix, and the pages for it.

use fax_peers::corpus;
use fax_peers::spandsp_t30::Config;
use fax_proto::carrier::{Modulation, Speed, SpeedSet};
use fax_proto::page::{Page, PaperWidth, Resolution};
use fax_proto::t4::Coding;
use fax_proto::t30::capability::Capability;
use fax_proto::tiff;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// Who sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// We call and send.
    Send,
    /// spandsp calls and sends.
    Receive,
}

/// A coding, with ECM or without.
pub(crate) struct Codes;

impl Codes {
    /// All that makes sense: T.6 needs ECM.
    pub(crate) const ALL: [(bool, Coding); 5] = [
        (false, Coding::Mh),
        (false, Coding::Mr),
        (true, Coding::Mh),
        (true, Coding::Mr),
        (true, Coding::Mmr),
    ];
}

/// What is out of the ordinary.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Twist {
    /// ECM frames of 64 octets.
    pub small_frames: bool,
    /// The least time for a row that spandsp asks for, in milliseconds.
    pub scan_time_ms: u8,
    /// So often spandsp says that it is not ready (RNR).
    pub not_ready: u8,
    /// Pages of several resolutions and widths in one document.
    pub is_mixed: bool,
    /// Noise on the line, in dBm0, and its seed.
    pub noise: Option<(f64, u64)>,
}

/// A call.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Case {
    pub way: Way,
    pub speed: Speed,
    pub ecm: bool,
    pub coding: Coding,
    pub resolution: Resolution,
    pub pages: u32,
    pub twist: Twist,
}

/// The corpus at the three resolutions, drawn once.
static CORPUS: [OnceLock<Vec<Page>>; 3] = [const { OnceLock::new() }; 3];

fn corpus(resolution: Resolution) -> &'static [Page] {
    let at = match resolution {
        Resolution::R204x98 => 0,
        Resolution::R204x196 => 1,
        _ => 2,
    };
    CORPUS[at].get_or_init(|| corpus::pages(resolution).into_iter().map(|sample| sample.page).collect())
}

/// Rows of a page.
fn strip(page: &Page, from: u32, rows: u32) -> Page {
    let stride = page.stride();
    let bits = page.bits()[from as usize * stride..(from + rows) as usize * stride].to_vec();
    Page::from_bits(page.width(), page.resolution(), bits).unwrap()
}

impl Case {
    /// The calls of a file, both ways each. Fields stand as the table of calls shows them.
    pub(crate) fn read(text: &str) -> Vec<Self> {
        let lines = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
        lines.flat_map(|line| [Way::Send, Way::Receive].map(|way| Self::parse(way, line))).collect()
    }

    fn parse(way: Way, line: &str) -> Self {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [rate, modulation, ecm, coding, resolution, pages] = words[..] else { panic!("{line}") };
        let named = |name: &str, shown: String| shown == name;
        Self {
            way,
            speed: Speed::ALL
                .into_iter()
                .find(|speed| named(&format!("{rate} {modulation}"), speed.to_string()))
                .unwrap(),
            ecm: ecm == "yes",
            coding: [Coding::Mh, Coding::Mr, Coding::Mmr]
                .into_iter()
                .find(|other| named(coding, other.to_string()))
                .unwrap(),
            resolution: Resolution::ALL
                .into_iter()
                .find(|other| named(resolution, other.to_string()))
                .unwrap(),
            pages: pages.parse().unwrap(),
            twist: Twist::default(),
        }
    }

    /// Dense text on a whole A4; or of everything in the corpus a strip, each of its own length.
    pub(crate) fn document(&self) -> Vec<Page> {
        if self.twist.is_mixed {
            return (0..self.pages).map(Self::mixed).collect();
        }
        let corpus = corpus(self.resolution);
        if self.pages == 1 {
            return vec![corpus[0].clone()];
        }
        let a4 = corpus[0].rows();
        let samples = (0..self.pages).zip(corpus.iter().cycle());
        samples.map(|(index, page)| strip(page, a4 / 4, a4 / 8 + 40 * index)).collect()
    }

    /// A page of a document in which they are all different.
    fn mixed(index: u32) -> Page {
        let resolution =
            [Resolution::R204x196, Resolution::R204x98, Resolution::R204x391][index as usize % 3];
        let width = [PaperWidth::A4, PaperWidth::B4, PaperWidth::A3, PaperWidth::A4][index as usize % 4];
        let source = &corpus(resolution)[index as usize % 3];
        let mut page = Page::white(resolution.width(width), 300 + index, resolution);
        for y in 0..page.rows() {
            (0..source.width()).for_each(|x| page.set(x, y, source.is_black(x, y + 200)));
        }
        page
    }

    /// What our engine may use, or offers.
    pub(crate) fn ours(&self) -> Capability {
        Capability {
            speeds: SpeedSet::ALL.up_to(self.speed.bit_rate()).and(self.speeds()),
            ecm: self.ecm,
            mr: self.coding != Coding::Mh,
            mmr: self.coding == Coding::Mmr,
            ..Capability::FULL
        }
    }

    /// Up to the modulation of the case. V.29 does not go with V.17 here, so that 9600 and 7200 are clear.
    fn speeds(&self) -> SpeedSet {
        let with = |set: SpeedSet, modulation| set.with_modulation(modulation);
        match self.speed.modulation() {
            Modulation::V27ter => with(SpeedSet::NONE, Modulation::V27ter),
            Modulation::V29 => with(with(SpeedSet::NONE, Modulation::V27ter), Modulation::V29),
            Modulation::V17 => SpeedSet::ALL,
        }
    }

    /// What spandsp may use; its document is in `folder`.
    pub(crate) fn theirs(&self, folder: &Path) -> Config {
        let file = Self::file(folder);
        let calling = self.way == Way::Receive;
        if calling {
            let coding = tiff::Profile::F { coding: Coding::Mmr };
            let octets = tiff::write(&self.document(), coding, &tiff::Info::default()).unwrap();
            std::fs::write(&file, octets).unwrap();
        }
        Config {
            calling,
            send: calling.then(|| file.clone()),
            receive: (!calling).then_some(file),
            ecm: self.ecm,
            modulations: match self.speed.modulation() {
                Modulation::V27ter => vec![Modulation::V27ter],
                Modulation::V29 => vec![Modulation::V27ter, Modulation::V29],
                Modulation::V17 => vec![Modulation::V27ter, Modulation::V29, Modulation::V17],
            },
            codings: match self.coding {
                Coding::Mh => vec![Coding::Mh],
                Coding::Mr => vec![Coding::Mh, Coding::Mr],
                _ => vec![Coding::Mh, Coding::Mr, Coding::Mmr],
            },
            scan_time_ms: self.twist.scan_time_ms,
            not_ready: self.twist.not_ready,
            t38_version: 0,
        }
    }

    /// spandsp's document.
    fn file(folder: &Path) -> PathBuf {
        folder.join("spandsp.tif")
    }

    /// What spandsp has received.
    pub(crate) fn received_by_them(folder: &Path) -> Vec<Page> {
        let octets = std::fs::read(Self::file(folder)).unwrap_or_default();
        let images = tiff::read(&octets, &tiff::Limits::default()).unwrap_or_default();
        images.into_iter().map(|image| image.into_page().unwrap()).collect()
    }
}
