//! What the tests of calls share: pages to send, drivers that remember, and a way to run a call.
#![allow(dead_code, reason = "each test file uses a part")]

use fax_proto::page::{Page, Resolution};
use fax_proto::session::{PageMark, ReceivedPage, Remote};
use fax_proto::sim::air::{AirConfig, CallRecord, Hooks, Party, run};
use fax_proto::t30::frame::StationId;
use fax_proto::t30::{Engine, ReceiverConfig, SenderConfig};

/// A page with text-like marks, different for every seed.
pub(crate) fn page(seed: u64, rows: u32, resolution: Resolution) -> Page {
    let mut page = Page::white(1728, rows, resolution);
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    for y in 0..rows {
        // A band of white between lines of text.
        if y % 24 > 14 {
            continue;
        }
        let mut x = 100;
        while x < 1600 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let (gap, run) = ((state >> 40) % 60, (state >> 50) % 14);
            x += u32::try_from(gap).unwrap_or(0);
            for i in 0..u32::try_from(run).unwrap_or(0) {
                page.set(x + i, y, true);
            }
            x += 14;
        }
    }
    page
}

/// A driver that keeps everything, or fails where it is told to.
#[derive(Default)]
pub(crate) struct Store {
    pub pages: Vec<Page>,
    pub received: Vec<ReceivedPage>,
    pub marks: Vec<(u32, PageMark)>,
    /// Who called, and how many pages had come by then.
    pub identified: Vec<(Remote, usize)>,
    pub no_page: Option<u32>,
    pub refuse_mark: bool,
    pub refuse_received: bool,
}

impl Store {
    pub(crate) fn with(pages: Vec<Page>) -> Self {
        Self { pages, ..Self::default() }
    }
}

impl Hooks for Store {
    fn page(&mut self, index: u32) -> Option<Page> {
        let wanted = (self.no_page != Some(index)).then_some(index as usize)?;
        self.pages.get(wanted).cloned()
    }

    fn mark(&mut self, page: u32, mark: PageMark) -> bool {
        self.marks.push((page, mark));
        !self.refuse_mark
    }

    fn identified(&mut self, remote: &Remote) {
        self.identified.push((remote.clone(), self.received.len()));
    }

    fn received(&mut self, page: ReceivedPage) -> bool {
        if !self.refuse_received {
            self.received.push(page);
        }
        !self.refuse_received
    }
}

pub(crate) fn sender_config(pages: u32) -> SenderConfig {
    SenderConfig::new(StationId::new("+1 212 555 0100").unwrap(), pages)
}

pub(crate) fn receiver_config() -> ReceiverConfig {
    ReceiverConfig::new(StationId::new("+1 212 555 0123").unwrap())
}

/// Runs a call.
pub(crate) fn call(
    sender: SenderConfig,
    receiver: ReceiverConfig,
    air: &AirConfig,
    caller: &mut Store,
    answerer: &mut Store,
) -> CallRecord {
    let (mut calls, mut answers) = (Engine::sender(sender), Engine::receiver(receiver));
    let caller = Party { engine: &mut calls, hooks: caller };
    let answerer = Party { engine: &mut answers, hooks: answerer };
    run(caller, answerer, air, &mut |_| {})
}
