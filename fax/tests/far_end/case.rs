//! A call of the matrix, and the pages for it.

use fax_peers::corpus;
use fax_peers::spandsp_t30::{Address, Config};
use fax_proto::carrier::{Modulation, Speed, SpeedSet};
use fax_proto::page::{Page, PaperWidth, Resolution};
use fax_proto::session::PageCoding;
use fax_proto::t4;
use fax_proto::t30::capability::Capability;
use fax_proto::tiff;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// The subaddress, polling address and password of calls that have them.
pub(crate) const SUB: &str = "4711";
pub(crate) const SEP: &str = "12";
pub(crate) const PASSWORD: &str = "0*8";

/// Who sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// We call and send.
    Send,
    /// spandsp calls and sends.
    Receive,
    /// We call and spandsp sends: we poll.
    Fetch,
    /// spandsp calls and we send: it polls.
    Serve,
}

impl Way {
    pub(crate) fn they_call(self) -> bool {
        matches!(self, Self::Receive | Self::Serve)
    }

    pub(crate) fn they_send(self) -> bool {
        matches!(self, Self::Receive | Self::Fetch)
    }
}

/// A coding, with ECM or without.
pub(crate) struct Codes;

impl Codes {
    /// All that makes sense: T.6 needs ECM. T.85 cannot be had: this spandsp has it, but does not negotiate it.
    pub(crate) const ALL: [(bool, PageCoding); 5] = [
        (false, PageCoding::Mh),
        (false, PageCoding::Mr),
        (true, PageCoding::Mh),
        (true, PageCoding::Mr),
        (true, PageCoding::Mmr),
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
    /// A subaddress and a password go with the call, and are demanded by us.
    pub is_addressed: bool,
    /// Pages of several resolutions and widths in one document.
    pub is_mixed: bool,
    /// spandsp sends T.38 packets as fast as it can, and no indicators.
    pub is_unpaced: bool,
    /// Noise on the line, in dBm0, and its seed.
    pub noise: Option<(f64, u64)>,
}

/// A call.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Case {
    pub way: Way,
    pub speed: Speed,
    pub ecm: bool,
    pub coding: PageCoding,
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
            coding: [PageCoding::Mh, PageCoding::Mr, PageCoding::Mmr]
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
            mr: self.coding != PageCoding::Mh,
            mmr: self.coding == PageCoding::Mmr,
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
        let sends = self.way.they_send();
        if sends {
            let coding = tiff::Profile::F { coding: t4::Coding::Mmr };
            let octets = tiff::write(&self.document(), coding, &tiff::Info::default()).unwrap();
            std::fs::write(&file, octets).unwrap();
        }
        Config {
            calling: self.way.they_call(),
            send: sends.then(|| file.clone()),
            receive: (!sends).then_some(file),
            ecm: self.ecm,
            modulations: match self.speed.modulation() {
                Modulation::V27ter => vec![Modulation::V27ter],
                Modulation::V29 => vec![Modulation::V27ter, Modulation::V29],
                Modulation::V17 => vec![Modulation::V27ter, Modulation::V29, Modulation::V17],
            },
            codings: match self.coding {
                PageCoding::Mh => vec![PageCoding::Mh],
                PageCoding::Mr => vec![PageCoding::Mh, PageCoding::Mr],
                _ => vec![PageCoding::Mh, PageCoding::Mr, PageCoding::Mmr],
            },
            scan_time_ms: self.twist.scan_time_ms,
            not_ready: self.twist.not_ready,
            t38_version: 0,
            t38_unpaced: self.twist.is_unpaced,
            address: self.twist.is_addressed.then(|| Address {
                sub: SUB.into(),
                sep: SEP.into(),
                sid: PASSWORD.into(),
                pwd: PASSWORD.into(),
            }),
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
