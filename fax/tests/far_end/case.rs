//! A call of the matrix, and the pages for it.

use super::super::support;
use fax_peers::spandsp_t30::Config;
use fax_proto::carrier::{Modulation, Speed, SpeedSet};
use fax_proto::page::{Page, Resolution};
use fax_proto::t4::Coding;
use fax_proto::t30::capability::Capability;
use fax_proto::tiff;
use std::path::{Path, PathBuf};

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

/// A call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Case {
    pub way: Way,
    pub speed: Speed,
    pub ecm: bool,
    pub coding: Coding,
    pub resolution: Resolution,
    pub pages: u32,
}

/// The page `index` of a document of so many: one alone is a whole A4, of several each has its own length.
pub(crate) fn page_of(resolution: Resolution, pages: u32, index: u32) -> Page {
    let a4 = resolution.y_dpi() * 117 / 10;
    let rows = if pages == 1 { a4 } else { a4 / 8 + 40 * index };
    support::page(u64::from(index) + 1, rows, resolution)
}

impl Case {
    pub(crate) fn document(&self) -> Vec<Page> {
        (0..self.pages).map(|index| page_of(self.resolution, self.pages, index)).collect()
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
            scan_time_ms: 0,
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
