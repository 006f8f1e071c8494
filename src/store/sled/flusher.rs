//! The thread that flushes sled: a flush may wait for ever, and must not take the store's thread with it.

use std::cell::Cell;
use std::sync::mpsc;
use std::time::Duration;

use super::index::{IndexError, guarded};

/// The thread, as the index sees it. One flush is under way at a time.
pub(super) struct Flusher {
    orders: Option<mpsc::Sender<()>>,
    results: mpsc::Receiver<Result<(), IndexError>>,
    /// Ordered, and its result not yet taken.
    under_way: Cell<bool>,
    /// A second flush wakes one that missed the news of an error.
    waker: Cell<Option<::sled::Db>>,
    patience: Duration,
}

impl std::fmt::Debug for Flusher {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Flusher").field("under_way", &self.under_way).finish_non_exhaustive()
    }
}

impl Flusher {
    /// Starts the thread; a flush that takes longer than `patience` is taken for one that never ends.
    pub(super) fn start(db: ::sled::Db, patience: Duration) -> Result<Self, IndexError> {
        let (orders, ordered) = mpsc::channel();
        let (done, results) = mpsc::channel();
        let waker = Cell::new(Some(db.clone()));
        let work = move || {
            for () in ordered {
                if done.send(guarded(|| db.flush().map(drop))).is_err() {
                    break;
                }
            }
            // sled's own drop flushes, and unwraps the result of an fsync.
            let closed = guarded(|| {
                drop(db);
                Ok(())
            });
            let _ = done.send(closed);
        };
        let thread = std::thread::Builder::new().name("index-flush".into()).spawn(work);
        thread.map_err(|e| IndexError::Failed(format!("cannot start a thread: {e}")))?;
        Ok(Self { orders: Some(orders), results, under_way: Cell::new(false), waker, patience })
    }

    /// Orders a flush.
    pub(super) fn order(&self) -> Result<(), IndexError> {
        let sent = self.orders.as_ref().is_some_and(|orders| orders.send(()).is_ok());
        self.under_way.set(sent);
        if sent { Ok(()) } else { Err(gone()) }
    }

    /// Waits for the flush that is under way.
    pub(super) fn wait(&self) -> Result<(), IndexError> {
        if self.under_way.get() { self.result() } else { Ok(()) }
    }

    /// The result of a flush that has ended.
    pub(super) fn look(&self) -> Result<(), IndexError> {
        if !self.under_way.get() {
            return Ok(());
        }
        match self.results.try_recv() {
            Err(mpsc::TryRecvError::Empty) => Ok(()),
            Err(mpsc::TryRecvError::Disconnected) => Err(gone()),
            Ok(result) => {
                self.under_way.set(false);
                result
            }
        }
    }

    /// Ends the thread, which drops sled.
    pub(super) fn close(&mut self) -> Result<(), IndexError> {
        self.orders = None;
        let flushed = self.wait();
        self.waker.take();
        let closed = if self.under_way.get() { Ok(()) } else { self.result() };
        flushed.and(closed)
    }

    fn result(&self) -> Result<(), IndexError> {
        let mut result = self.results.recv_timeout(self.patience);
        if matches!(result, Err(mpsc::RecvTimeoutError::Timeout))
            && let Some(db) = self.waker.take()
        {
            std::thread::spawn(move || guarded(|| db.flush().map(drop)));
            result = self.results.recv_timeout(self.patience);
            tracing::error!("a flush of the index hung; a second one woke it: {}", result.is_ok());
        }
        match result {
            Ok(result) => {
                self.under_way.set(false);
                result
            }
            Err(mpsc::RecvTimeoutError::Disconnected) => Err(gone()),
            Err(mpsc::RecvTimeoutError::Timeout) => {
                Err(IndexError::Damaged(format!("sled has not flushed for {:?}", self.patience)))
            }
        }
    }
}

fn gone() -> IndexError {
    IndexError::Damaged("the thread that flushes sled has ended".into())
}
