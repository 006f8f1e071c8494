//! The T.30 engine (ITU-T T.30 with Annex A): one call, from DIS to DCN, as values in and values out.
//!
//! It knows no line, no clock and no file. The driver hands in [`Input`]s with the time, takes [`Output`]s until
//! there are none, and wakes the engine at [`Engine::deadline`] with [`Input::Tick`]. Every wait has a deadline, so a
//! call always ends, with [`Output::Ended`] as its last output; afterwards nothing happens any more.
//!
//! The station that calls sends, or polls; the one that is called receives, or sends what it offers where it is polled.
//! Who sends is a `Sender` and who receives is a `Receiver`, however it came to that: where polling turns the line
//! round, the one becomes the other and the call goes on.
//!
//! What T.30 leaves to the stations is in [`policy`], what is known of the far end from earlier calls in [`memory`].
//!
//! Promises, for any peer and any driver:
//! - a page is marked `Unconfirmed`, and the driver has acknowledged that mark, before the first end-of-page command
//!   of the page goes out; it is marked `Confirmed` at MCF, RTP or PIP and at nothing else;
//! - a receiver confirms a page only after the driver said that it is kept, and hands out each page once;
//! - no frame of the peer, in whatever order, makes the engine panic or wait for ever.

pub mod address;
mod bits;
pub mod capability;
mod common;
mod ecm;
pub mod frame;
mod image;
mod ladder;
mod link;
pub mod memory;
pub(crate) mod negotiate;
pub mod policy;
mod quality;
mod receive;
mod send;
pub mod settings;
pub mod timers;

use crate::carrier::{Command, Signal};
use crate::page::Page;
use crate::session::{PageMark, ReceivedPage, Remote, Report};
use crate::time::{Duration, Time};
use address::Address;
use alloc::boxed::Box;
use capability::{Capability, FrameSize};
use frame::{Digits, StationId};
use memory::{Memory, WallTime};
use policy::{CopyPolicy, SendPolicy};
use receive::Receiver;
use send::Sender;

/// What a sender is to do.
#[derive(Clone, Debug)]
pub struct SenderConfig {
    /// Our TSI.
    pub local_id: StationId,
    /// Pages of the document, at least 1.
    pub pages: u32,
    /// The first page to send, from 0: those before it are already confirmed.
    pub first_page: u32,
    /// What we may use: speeds, ECM, codings. The geometry in it is not looked at; the pages say that.
    pub allowed: Capability,
    /// Octets in an ECM frame.
    pub frame_size: FrameSize,
    /// What is done about a page that does not get through.
    pub policy: SendPolicy,
    /// What is known of the far end. [`Report::memory`] is what is known after the call.
    pub memory: Memory,
    /// The wall-clock time of the call, for `memory`.
    pub wall_time: WallTime,
    /// Subaddress and password that go with the pages.
    pub address: Address,
    /// After the last page the far end is to send what it has, in the same call. Where it has nothing, the outcome is
    /// [`Outcome::NothingToPoll`](crate::session::Outcome::NothingToPoll); the marks of the pages say what became of them.
    pub then_poll: Option<Box<PollerConfig>>,
    /// How long to dial and ring until the far end answers.
    pub answer_wait: Duration,
    /// The longest that the call may take after it was answered.
    pub call_time_max: Duration,
}

impl SenderConfig {
    /// A sender of `pages` pages with everything allowed.
    #[must_use]
    pub fn new(local_id: StationId, pages: u32) -> Self {
        Self {
            local_id,
            pages,
            first_page: 0,
            allowed: Capability::FULL,
            frame_size: FrameSize::Octets256,
            policy: SendPolicy::default(),
            memory: Memory::default(),
            wall_time: WallTime::default(),
            address: Address::default(),
            then_poll: None,
            answer_wait: Duration::from_secs(90),
            call_time_max: Duration::from_secs(3600),
        }
    }
}

/// What a receiver offers.
#[derive(Clone, Debug)]
pub struct ReceiverConfig {
    /// Our CSI.
    pub local_id: StationId,
    /// Our DIS. [`Memory::restrict`] narrows it for a caller that is known.
    pub capability: Capability,
    /// How a page without ECM is judged.
    pub copy: CopyPolicy,
    /// The most pages taken in one call.
    pub pages_max: u32,
    /// The most coded bytes taken of one page.
    pub page_bytes_max: usize,
    /// The longest that the call may take.
    pub call_time_max: Duration,
    /// Without this password (SID) nothing is received.
    pub password: Option<Digits>,
    /// A document that callers may fetch.
    pub offer: Option<Offer>,
}

impl ReceiverConfig {
    /// A receiver that can do everything, with ample limits.
    #[must_use]
    pub fn new(local_id: StationId) -> Self {
        Self {
            local_id,
            capability: Capability::FULL,
            copy: CopyPolicy::default(),
            pages_max: 1000,
            page_bytes_max: 16 << 20,
            call_time_max: Duration::from_secs(4 * 3600),
            password: None,
            offer: None,
        }
    }

    /// The DIS.
    fn dis(&self) -> Capability {
        let offer = self.offer.as_ref();
        Capability {
            has_document: offer.is_some(),
            selective_polling: offer.is_some_and(|offer| offer.subaddress.is_some()),
            password: self.capability.password
                || self.password.is_some()
                || offer.is_some_and(|offer| offer.password.is_some()),
            ..self.capability
        }
    }
}

/// A document that a station gives to callers who poll it.
#[derive(Clone, Debug)]
pub struct Offer {
    /// The document, and how it may be sent. Its address and the time to dial are not looked at.
    pub document: SenderConfig,
    /// What the caller must ask for (SEP); `None` where it may not choose.
    pub subaddress: Option<Digits>,
    /// The password that the caller must give (PWD).
    pub password: Option<Digits>,
}

/// What a caller that fetches a document is to do.
#[derive(Clone, Debug)]
pub struct PollerConfig {
    /// Our CIG, what we can receive, and the limits. Its password and offer are not looked at.
    pub receiver: ReceiverConfig,
    /// The document that is wanted, and the password for it.
    pub address: Address,
    /// How long to dial and ring until the far end answers.
    pub answer_wait: Duration,
}

impl PollerConfig {
    /// A poller that takes what there is, with ample limits.
    #[must_use]
    pub fn new(local_id: StationId) -> Self {
        Self {
            receiver: ReceiverConfig::new(local_id),
            address: Address::default(),
            answer_wait: Duration::from_secs(90),
        }
    }
}

/// What the driver tells the engine.
#[derive(Clone, Debug)]
pub enum Input {
    /// Time has passed (`Engine::deadline`).
    Tick,
    /// The line says something.
    Signal(Signal),
    /// Answers [`Output::NeedPage`]. Said again, it takes the place of the page before, unless that is on its way already.
    Page(u32, Page),
    /// Answers [`Output::NeedPage`]: it cannot be had. After `Page` it takes that page back, and another is awaited.
    NoPage(u32),
    /// Answers an [`Output::Mark`] of [`PageMark::Unconfirmed`]: whether the mark is durably stored.
    MarkKept(bool),
    /// Answers [`Output::PageReceived`]: whether the page is durably stored.
    PageKept(bool),
    /// Give up: DCN and hang up.
    Cancel,
}

/// What the engine wants of the driver.
#[derive(Clone, Debug)]
pub enum Output {
    /// For the line.
    Command(Command),
    /// Sender: page `n` is wanted. Answer with `Page` or `NoPage`.
    NeedPage(u32),
    /// Sender: what is known of a page has changed. `Unconfirmed` is to be answered with `MarkKept`; the others not.
    Mark {
        /// Which page, from 0.
        page: u32,
        /// Its new mark.
        mark: PageMark,
    },
    /// Receiver, and station that is polled: who calls, before the first page. Said again where it changes.
    Identified(Remote),
    /// Receiver: a page arrived. Store it, then answer with `PageKept`; until then it is not acknowledged.
    PageReceived(ReceivedPage),
    /// The call is over. The last output.
    Ended(Report),
}

/// One side of one call.
#[derive(Debug)]
pub struct Engine(Role);

#[derive(Debug)]
enum Role {
    Sender(Box<Sender>),
    Receiver(Box<Receiver>),
}

impl Engine {
    /// A call that we make, to send pages. Its first outputs dial and ask for the first page.
    #[must_use]
    pub fn sender(config: SenderConfig) -> Self {
        Self(Role::Sender(Box::new(Sender::new(config))))
    }

    /// A call that we take, to receive pages or to give those that we offer. Its first output answers the call.
    #[must_use]
    pub fn receiver(config: ReceiverConfig) -> Self {
        Self(Role::Receiver(Box::new(Receiver::new(config))))
    }

    /// A call that we make, to fetch pages. Its first output dials.
    #[must_use]
    pub fn poller(config: PollerConfig) -> Self {
        Self(Role::Receiver(Box::new(Receiver::poller(config))))
    }

    /// Tells the engine something. Time never runs backwards: an earlier `now` counts as the latest one.
    pub fn handle(&mut self, now: Time, input: Input) {
        match &mut self.0 {
            Role::Sender(sender) => sender.handle(now, input),
            Role::Receiver(receiver) => receiver.handle(now, input),
        }
        self.turn();
    }

    /// Changes the role where polling turns the line round.
    fn turn(&mut self) {
        let turned = match &mut self.0 {
            Role::Sender(sender) => sender.turn().map(|receiver| Role::Receiver(Box::new(receiver))),
            Role::Receiver(receiver) => receiver.turn().map(|sender| Role::Sender(Box::new(sender))),
        };
        if let Some(role) = turned {
            self.0 = role;
        }
    }

    /// The next thing that the engine wants; `None` until it has been told something more.
    #[must_use]
    pub fn poll(&mut self) -> Option<Output> {
        match &mut self.0 {
            Role::Sender(sender) => sender.poll(),
            Role::Receiver(receiver) => receiver.poll(),
        }
    }

    /// When to wake the engine with [`Input::Tick`]; `None` once the call is over.
    #[must_use]
    pub fn deadline(&self) -> Option<Time> {
        match &self.0 {
            Role::Sender(sender) => sender.deadline(),
            Role::Receiver(receiver) => receiver.deadline(),
        }
    }
}
