//! The answering side of a line, as the line sees it: each call becomes a fax in the [`Intake`].

use std::sync::Arc;

use fax::page::Page;
use fax::session::{Quality, Report};
use jiff::Timestamp;
use tokio::runtime::Handle;
use tokio::sync::Notify;

use super::Intake;
use crate::clock::Clock;
use crate::job::{FaxId, ReceivedFax};
use crate::line::{self, Answering, Receiving, Ringing};

/// Answers every call that comes, as long as its pages can be kept.
#[derive(Clone)]
pub struct Answerer {
    intake: Arc<Intake>,
    clock: Arc<dyn Clock>,
    runtime: Handle,
    mail_wake: Arc<Notify>,
}

impl Answerer {
    /// Hands what lines receive to `intake`. Lines call from threads of their own; `runtime` does the waiting.
    /// `mail_wake` hints that a received fax is to be mailed.
    #[must_use]
    pub fn new(intake: Arc<Intake>, clock: Arc<dyn Clock>, runtime: Handle, mail_wake: Arc<Notify>) -> Self {
        Self { intake, clock, runtime, mail_wake }
    }
}

impl Answering for Answerer {
    fn answer(&self, ringing: &Ringing) -> Option<Box<dyn Receiving>> {
        let started = self.clock.now();
        let Ringing { line, called, caller } = ringing.clone();
        let begun = self.runtime.block_on(self.intake.begin(&line, called, caller, started));
        let id = begun
            .inspect_err(|error| tracing::error!(line, %error, "a call is not answered: nothing can be kept"))
            .ok()?;
        Some(Box::new(Call { answerer: self.clone(), ringing: ringing.clone(), id, started, pages: 0 }))
    }
}

/// One call being answered.
struct Call {
    answerer: Answerer,
    ringing: Ringing,
    id: FaxId,
    started: Timestamp,
    pages: u32,
}

impl Receiving for Call {
    fn page(&mut self, index: u32, page: &Page, quality: &Quality) -> bool {
        let Answerer { intake, runtime, .. } = &self.answerer;
        if quality.rows_bad > 0 {
            tracing::warn!(fax = %self.id, page = index + 1, bad_rows = quality.rows_bad, "damaged rows");
        }
        let kept = runtime.block_on(intake.page(&self.id, index + 1, page));
        match &kept {
            Ok(()) => self.pages = self.pages.max(index + 1),
            Err(error) => {
                tracing::error!(fax = %self.id, %error, "a page cannot be kept, and is not confirmed")
            }
        }
        kept.is_ok()
    }

    fn end(self: Box<Self>, report: &Report) {
        let Self { answerer, ringing, id, started, pages } = *self;
        let fax = ReceivedFax {
            id,
            line: ringing.line,
            called: ringing.called,
            caller: ringing.caller,
            remote_id: report.remote_id.clone(),
            subaddress: report.subaddress.clone(),
            started,
            ended: answerer.clock.now(),
            // A page that was kept is delivered, even if the line was lost before its confirmation went out.
            pages,
            complete: report.outcome.is_success(),
            mode: line::outcome::mode(report),
        };
        if let Err(error) = answerer.runtime.block_on(answerer.intake.end(&fax)) {
            tracing::error!(fax = %fax.id, %error, "a received fax waits for the next start to be delivered");
        }
        answerer.mail_wake.notify_one();
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use fax::page::Resolution;
    use fax::session::Outcome;
    use tempfile::TempDir;

    use super::*;
    use crate::blob::FsBlobs;
    use crate::clock::ManualClock;
    use crate::received::ReceivedConfig;
    use crate::store::{SledStore, Store, StoreConfig};

    struct Bench {
        answerer: Answerer,
        store: SledStore,
        dir: TempDir,
    }

    fn bench() -> Bench {
        let dir = TempDir::new().unwrap();
        let config = StoreConfig { dir: dir.path().join("store"), ..StoreConfig::default() };
        let (store, _) = SledStore::open(config).unwrap();
        let blobs = Arc::new(FsBlobs::open(dir.path().join("blobs")).unwrap());
        let postmaster = "post@example.com".to_owned();
        let intake = Intake::new(Arc::new(store.clone()), blobs, ReceivedConfig::default(), postmaster);
        let clock = Arc::new(ManualClock::new("2026-11-23T10:00:00Z".parse().unwrap()));
        let answerer = Answerer::new(Arc::new(intake), clock, Handle::current(), Arc::new(Notify::new()));
        Bench { answerer, store, dir }
    }

    impl Bench {
        /// Does something on a thread of its own, as a line does.
        async fn on_the_line<T: Send + 'static>(
            &self,
            work: impl FnOnce(&Answerer) -> T + Send + 'static,
        ) -> T {
            let answerer = self.answerer.clone();
            tokio::task::spawn_blocking(move || work(&answerer)).await.unwrap()
        }

        fn blobs(&self) -> usize {
            std::fs::read_dir(self.dir.path().join("blobs/received")).map_or(0, Iterator::count)
        }
    }

    fn ringing() -> Ringing {
        Ringing { line: "line-1".into(), called: None, caller: None }
    }

    fn page() -> Page {
        Page::white(1728, 100, Resolution::R204x98)
    }

    fn report(outcome: Outcome) -> Report {
        Report {
            outcome,
            marks: Vec::new(),
            remote_id: Some("+1 212".into()),
            subaddress: None,
            negotiated: None,
            memory: fax::t30::memory::Memory::default(),
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_call_becomes_a_fax_with_the_pages_that_were_kept() {
        let bench = bench();
        for (outcome, complete) in [(Outcome::Received, true), (Outcome::NoCommand, false)] {
            bench
                .on_the_line(move |answerer| {
                    let mut call = answerer.answer(&ringing()).unwrap();
                    assert!(call.page(0, &page(), &Quality::default()));
                    assert!(call.page(1, &page(), &Quality::default()));
                    assert!(call.page(1, &page(), &Quality::default()), "a page that comes again");
                    call.end(&report(outcome));
                })
                .await;
            tokio::time::timeout(std::time::Duration::from_secs(60), bench.answerer.mail_wake.notified())
                .await
                .unwrap();
            let fax =
                bench.store.received_list(10).await.unwrap().into_iter().find(|f| f.complete == complete);
            let fax = fax.unwrap();
            assert_eq!((fax.pages, fax.remote_id.as_deref()), (2, Some("+1 212")));
        }
        let now = bench.answerer.clock.now();
        assert_eq!(bench.store.notices_due(now, 10).await.unwrap().len(), 2);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_page_that_cannot_be_kept_is_not_confirmed() {
        let bench = bench();
        bench
            .on_the_line(|answerer| {
                let mut call = answerer.answer(&ringing()).unwrap();
                assert!(call.page(0, &page(), &Quality::default()));
                assert!(!call.page(crate::received::intake::PAGES_MAX, &page(), &Quality::default()));
                call.end(&report(Outcome::NoCommand));
            })
            .await;
        assert_eq!(bench.store.received_list(10).await.unwrap()[0].pages, 1);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_call_without_a_page_leaves_nothing() {
        let bench = bench();
        bench
            .on_the_line(|answerer| answerer.answer(&ringing()).unwrap().end(&report(Outcome::NoCommand)))
            .await;
        assert_eq!(bench.store.received_list(10).await.unwrap(), []);
        assert_eq!(bench.blobs(), 0);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_gateway_that_can_keep_nothing_lets_it_ring() {
        let bench = bench();
        std::fs::remove_dir_all(bench.dir.path().join("blobs")).unwrap();
        std::fs::write(bench.dir.path().join("blobs"), b"in the way").unwrap();
        assert!(bench.on_the_line(|answerer| answerer.answer(&ringing()).is_none()).await);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_fax_that_the_store_does_not_take_is_there_after_the_next_start() {
        let bench = bench();
        let line = bench.answerer.clone();
        let call = tokio::task::spawn_blocking(move || {
            let mut call = line.answer(&ringing()).unwrap();
            assert!(call.page(0, &page(), &Quality::default()));
            call
        });
        let call = call.await.unwrap();
        bench.store.close().await.unwrap();
        tokio::task::spawn_blocking(move || call.end(&report(Outcome::Received))).await.unwrap();
        let config = StoreConfig { dir: bench.dir.path().join("store"), ..StoreConfig::default() };
        let (store, _) = SledStore::open(config).unwrap();
        let blobs = Arc::new(FsBlobs::open(bench.dir.path().join("blobs")).unwrap());
        let intake = Intake::new(Arc::new(store.clone()), blobs, ReceivedConfig::default(), "p@x".into());
        assert_eq!(intake.recover(bench.answerer.clock.now()).await.unwrap(), 1);
        assert_eq!(store.received_list(10).await.unwrap()[0].pages, 1);
    }
}
