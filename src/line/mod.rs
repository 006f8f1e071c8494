//! Lines: what dials, and what answers.
//!
//! A [`Line`] makes one call at a time, on a thread of its caller's, with hard deadlines: [`Line::call`] always
//! comes back. Pages and marks cross by [`Sending`] and [`Receiving`], which the flow implements and which write to
//! disk before they answer; so nothing is confirmed that is not kept. The [`pool::Pool`] hands out free lines.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use fax::page::Page;
use fax::session::{PageMark, Quality, Report};
use fax::t30::SenderConfig;
use fax::t30::address::Address;
use fax::t30::frame::{Digits, StationId};
use fax::t30::memory::{Memory, WallTime};
use tokio::sync::Notify;

use self::terminal::Terminal;
use crate::address::Number;

pub mod drive;
pub mod outcome;
pub mod pool;
pub mod serial;
pub mod sim;
pub mod terminal;
pub mod virtual_modem;

/// A call to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dial {
    /// The number.
    pub number: Number,
    /// How many pages the document has.
    pub pages: u32,
    /// Pages that were confirmed in an earlier call and are not sent again.
    pub pages_confirmed: u32,
    /// The subaddress that the pages are for (SUB). A machine that takes none does not get them.
    pub subaddress: Option<Digits>,
    /// What is known of the far end from earlier calls. [`Report::memory`] is what is known after this one.
    pub memory: Memory,
    /// When the call is made, for `memory`.
    pub wall_time: WallTime,
}

impl Dial {
    /// A call to a number of which nothing is known.
    #[must_use]
    pub fn new(number: Number, pages: u32) -> Self {
        let (memory, wall_time) = (Memory::default(), WallTime::default());
        Self { number, pages, pages_confirmed: 0, subaddress: None, memory, wall_time }
    }

    /// What the T.30 engine of a line that calls itself `local_id` is to do.
    #[must_use]
    pub fn sender(&self, local_id: StationId) -> SenderConfig {
        let (subaddress, is_required) = (self.subaddress.clone(), self.subaddress.is_some());
        SenderConfig {
            first_page: self.pages_confirmed,
            memory: self.memory,
            wall_time: self.wall_time,
            address: Address { subaddress, password: None, is_required },
            ..SenderConfig::new(local_id, self.pages)
        }
    }
}

/// What the flow does for a call that sends. Called on the thread of the call; pages count from 0.
pub trait Sending: Send {
    /// The page, with its header line; `None` where it cannot be had.
    fn page(&mut self, index: u32) -> Option<Page>;
    /// Writes down what is known of a page; `false` where that failed, and the call then goes no further.
    fn mark(&mut self, index: u32, mark: PageMark) -> bool;
}

/// A call that comes in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ringing {
    /// The line that rings.
    pub line: String,
    /// The number that was called, where the line knows it.
    pub called: Option<Number>,
    /// The number that calls, where the line knows it.
    pub caller: Option<Number>,
}

/// What the flow does for a call that receives. Called on the thread of the call.
pub trait Receiving: Send {
    /// Keeps a page; `false` where that failed, and the page is then not confirmed.
    fn page(&mut self, index: u32, page: &Page, quality: &Quality) -> bool;
    /// The call is over.
    fn end(self: Box<Self>, report: &Report);
}

/// Decides whether a call is answered.
pub trait Answering: Send + Sync {
    /// Takes the call; `None` lets it ring.
    fn answer(&self, ringing: &Ringing) -> Option<Box<dyn Receiving>>;
}

/// How a call went.
#[derive(Clone, Debug)]
pub struct CallEnd {
    /// What the session reports.
    pub report: Report,
    /// The call as a fax engineer reads it, line by line.
    pub trace: String,
}

/// Whether a line can be used.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub enum Condition {
    /// It waits for calls, or is in one.
    #[default]
    Ready,
    /// It is being set up.
    Starting,
    /// It cannot be used now, and comes back by itself when the cause has gone.
    OutOfOrder {
        /// What the operator needs to know, as a sentence without its full stop.
        cause: String,
    },
}

/// Why a line makes no call for a terminal that is not ours.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct CannotCarry(pub String);

/// One line.
pub trait Line: Send + Sync {
    /// Its name in the configuration, the log and the reports.
    fn name(&self) -> &str;
    /// Its own number, where it is known.
    fn number(&self) -> Option<&Number>;
    /// Who holds it.
    fn seat(&self) -> &Arc<Seat>;
    /// Makes a call and comes back when the line is on hook again. The caller holds the seat.
    fn call(&self, dial: &Dial, sending: &mut dyn Sending) -> CallEnd;

    /// Makes a call for a terminal of another's (an old program behind a virtual modem), and comes back when the line
    /// is on hook again. The caller holds the seat.
    ///
    /// # Errors
    /// Where the line cannot: it is out of order, or its modem does T.30 itself and offers no carrier.
    fn carry(&self, _number: &Number, _terminal: &mut dyn Terminal) -> Result<(), CannotCarry> {
        Err(CannotCarry(format!("line {} offers no carrier to other programs", self.name())))
    }

    /// Whether faxes go out on it.
    fn dials(&self) -> bool {
        true
    }

    /// Whether it can be used now.
    fn condition(&self) -> Condition {
        Condition::Ready
    }

    /// The gateway stops: a call in progress says good-bye, the line goes on hook and makes and answers no more calls.
    /// Comes back when that is so, at the latest after some seconds.
    fn stop(&self) {}
}

/// The one place at a line: whoever makes or answers a call on it holds it.
///
/// A telephone that rings has been taken by its caller already, so a call that comes in takes the seat also from under
/// somebody who was about to dial (glare), and keeps it when that one has given up.
#[derive(Debug)]
pub struct Seat {
    holders: AtomicU8,
    wake: Arc<Notify>,
}

/// Who makes a call, and who answers one, as bits of [`Seat::holders`].
const CALLER: u8 = 1;
const ANSWERER: u8 = 2;

impl Seat {
    /// A free seat. `wake` hints to the queue that a line is free again.
    #[must_use]
    pub fn new(wake: Arc<Notify>) -> Arc<Self> {
        Arc::new(Self { holders: AtomicU8::new(0), wake })
    }

    /// Takes the seat; `None` where the line is in a call.
    #[must_use]
    pub fn take(self: &Arc<Self>) -> Option<Held> {
        let free = self.holders.compare_exchange(0, CALLER, Ordering::AcqRel, Ordering::Acquire).is_ok();
        free.then(|| Held { seat: Arc::clone(self), as_what: CALLER })
    }

    /// Takes the seat for a call that comes in, also where somebody holds it who has not dialled yet; `None` where
    /// another call that came in has it. The driver of the line knows that nobody has dialled.
    #[must_use]
    pub fn take_for_ring(self: &Arc<Self>) -> Option<Held> {
        let before = self.holders.fetch_or(ANSWERER, Ordering::AcqRel);
        (before & ANSWERER == 0).then(|| Held { seat: Arc::clone(self), as_what: ANSWERER })
    }

    /// Whether the line is in a call.
    #[must_use]
    pub fn is_taken(&self) -> bool {
        self.holders.load(Ordering::Acquire) != 0
    }

    /// Whether a call that came in has it.
    #[must_use]
    pub fn is_answering(&self) -> bool {
        self.holders.load(Ordering::Acquire) & ANSWERER != 0
    }

    /// Hints to the queue that the line can be used again though nobody gave it back.
    pub fn hint(&self) {
        self.wake.notify_one();
    }
}

/// A taken seat; dropping it gives it back.
#[derive(Debug)]
pub struct Held {
    seat: Arc<Seat>,
    as_what: u8,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.seat.holders.fetch_and(!self.as_what, Ordering::AcqRel);
        self.seat.wake.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_that_comes_in_takes_the_seat_from_under_one_who_is_about_to_dial() {
        let seat = Seat::new(Arc::new(Notify::new()));
        let caller = seat.take();
        assert!(caller.is_some() && seat.take().is_none());
        let answerer = seat.take_for_ring();
        assert!(answerer.is_some() && seat.take_for_ring().is_none() && seat.is_answering());
        drop(caller);
        assert!(seat.is_taken() && seat.take().is_none(), "the call that came in goes on");
        drop(answerer);
        assert!(!seat.is_taken() && !seat.is_answering() && seat.take().is_some());
    }
}
