//! The thread that writes to sled and flushes it: a flush may wait for ever, and must not take the store's thread with
//! it; and while it writes, the store's thread can take the next messages.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use ::sled::IVec;

use super::index::{IndexError, guarded};

/// Keys and their values; `None` where the key is to be removed.
pub(super) type Changes = HashMap<IVec, Option<IVec>>;

/// The thread, as the index sees it. One order is under way at a time.
pub(super) struct Writer {
    orders: Option<mpsc::Sender<Arc<Changes>>>,
    results: mpsc::Receiver<Result<(), IndexError>>,
    /// Ordered, and its result not yet taken.
    under_way: RefCell<Option<Arc<Changes>>>,
    /// A second flush wakes one that missed the news of an error.
    waker: Cell<Option<::sled::Db>>,
    patience: Duration,
}

impl std::fmt::Debug for Writer {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Writer").field("under_way", &self.under_way).finish_non_exhaustive()
    }
}

impl Writer {
    /// Starts the thread; a flush that takes longer than `patience` is taken for one that never ends.
    pub(super) fn start(db: ::sled::Db, patience: Duration) -> Result<Self, IndexError> {
        let (orders, ordered) = mpsc::channel::<Arc<Changes>>();
        let (done, results) = mpsc::channel();
        let waker = Cell::new(Some(db.clone()));
        let work = move || {
            for changes in ordered {
                let written = write(&db, &changes).and_then(|()| guarded(|| db.flush().map(drop)));
                if done.send(written).is_err() {
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
        let thread = std::thread::Builder::new().name("index".into()).spawn(work);
        thread.map_err(|e| IndexError::Failed(format!("cannot start a thread: {e}")))?;
        Ok(Self { orders: Some(orders), results, under_way: RefCell::default(), waker, patience })
    }

    /// Orders these changes to be written, if any, and a flush.
    pub(super) fn order(&self, changes: Arc<Changes>) -> Result<(), IndexError> {
        self.wait()?;
        let sent = self.orders.as_ref().is_some_and(|orders| orders.send(Arc::clone(&changes)).is_ok());
        if !sent {
            return Err(gone());
        }
        self.under_way.replace(Some(changes));
        Ok(())
    }

    /// What a key shall have by the order that is under way.
    pub(super) fn ordered(&self, key: &[u8]) -> Option<Option<IVec>> {
        self.under_way.borrow().as_ref()?.get(key).cloned()
    }

    /// Whether sled may lack something that was ordered.
    pub(super) fn owes(&self) -> bool {
        self.under_way.borrow().as_ref().is_some_and(|changes| !changes.is_empty())
    }

    /// Waits for what is under way.
    pub(super) fn wait(&self) -> Result<(), IndexError> {
        if self.is_busy() { self.result() } else { Ok(()) }
    }

    /// Whether an order is under way.
    pub(super) fn is_busy(&self) -> bool {
        self.under_way.borrow().is_some()
    }

    /// The result of an order that has ended.
    pub(super) fn look(&self) -> Result<(), IndexError> {
        if !self.is_busy() {
            return Ok(());
        }
        match self.results.try_recv() {
            Err(mpsc::TryRecvError::Empty) => Ok(()),
            Err(mpsc::TryRecvError::Disconnected) => Err(gone()),
            Ok(result) => {
                self.under_way.take();
                result
            }
        }
    }

    /// Ends the thread, which drops sled.
    pub(super) fn close(&mut self) -> Result<(), IndexError> {
        self.orders = None;
        let flushed = self.wait();
        self.waker.take();
        let closed = if self.is_busy() { Ok(()) } else { self.result() };
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
                self.under_way.take();
                result
            }
            Err(mpsc::RecvTimeoutError::Disconnected) => Err(gone()),
            Err(mpsc::RecvTimeoutError::Timeout) => {
                Err(IndexError::Damaged(format!("sled has not flushed for {:?}", self.patience)))
            }
        }
    }
}

/// Writes all changes or none.
pub(super) fn write(db: &::sled::Db, changes: &Changes) -> Result<(), IndexError> {
    if changes.is_empty() {
        return Ok(());
    }
    let mut batch = ::sled::Batch::default();
    for (key, value) in changes {
        match value {
            Some(value) => batch.insert(key.clone(), value.clone()),
            None => batch.remove(key.clone()),
        }
    }
    guarded(|| db.apply_batch(batch))
}

fn gone() -> IndexError {
    IndexError::Damaged("the thread that writes to sled has ended".into())
}
