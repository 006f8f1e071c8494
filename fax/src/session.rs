//! The session seam: pages in, pages out, and how a call ended.
//!
//! SEAM. Spoken by our own T.30 engine and by modems that do T.30 themselves (Class 2.0). What is promised: a page
//! is [`PageMark::Confirmed`] only after a positive reply of the far end (MCF, RTP or PIP); a page whose
//! end-of-page command may have reached the far end, without such a reply, is [`PageMark::Unconfirmed`]; and every
//! call ends with exactly one [`Outcome`] out of a closed catalogue.
//!
//! Pages are counted from 0 within a call's document, also when the call resumes at a later page.

use crate::carrier::Speed;
use crate::page::{Page, PaperWidth, Resolution};
use crate::t4;
use crate::t30::memory::Memory;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

/// What is known of one page's delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum PageMark {
    /// The far end does not have it: not sent, cut off, or rejected.
    #[default]
    NotSent,
    /// Sent whole, and its end-of-page command may have arrived, but no reply came: nobody knows.
    Unconfirmed,
    /// The far end said it has the page.
    Confirmed,
}

/// The phase of a call (ITU-T T.30 clause 5.1, with phase B cut in two), for outcomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// Phase A and the first half of B: the call, identification and capabilities (DIS).
    Negotiation,
    /// The second half of phase B: DCS, TCF, CFR or FTT; and CTC, CTR.
    Training,
    /// Phase C: the image.
    Image,
    /// Phase D: MPS, EOM, EOP, PPS and their replies.
    PostMessage,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Negotiation => "negotiation",
            Self::Training => "training",
            Self::Image => "the image",
            Self::PostMessage => "page confirmation",
        })
    }
}

/// Why two stations cannot exchange a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Incompatibility {
    /// The far end cannot receive (DIS bit 10 is 0) or only wants to be polled.
    NotAReceiver,
    /// No common modulation.
    Modulation,
    /// The far end cannot print this resolution.
    Resolution,
    /// The far end cannot print rows this wide, or the width is not one of T.4.
    Width,
    /// The far end cannot print pages this long.
    Length,
    /// The far end takes no subaddress, and one is demanded.
    Subaddress,
    /// The far end does not let documents be chosen, and one is demanded.
    SelectivePolling,
    /// The far end takes no password, and one is demanded.
    Password,
}

impl fmt::Display for Incompatibility {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotAReceiver => "it cannot receive",
            Self::Modulation => "no common modulation",
            Self::Resolution => "resolution",
            Self::Width => "page width",
            Self::Length => "page length",
            Self::Subaddress => "it takes no subaddress",
            Self::SelectivePolling => "it has no documents to choose from",
            Self::Password => "it takes no password",
        })
    }
}

/// What one station does not accept of what the other one gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Refusal {
    /// The password (PWD, SID) is wrong or missing.
    Password,
    /// The subaddress (SUB) is not known.
    Subaddress,
    /// The document that is asked for (SEP) is not there, or not for this caller.
    SelectivePolling,
    /// The identification (TSI), or something else that the far end did not name.
    Identification,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Password => "the password was refused",
            Self::Subaddress => "the subaddress was refused",
            Self::SelectivePolling => "the document to be polled was refused",
            Self::Identification => "the identification was refused",
        })
    }
}

/// What failed on our own side of the wall.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LocalFailure {
    /// A page to send could not be had, or not in time.
    PageMissing,
    /// A page mark could not be stored before the end-of-page command, so that command was not sent.
    MarkNotKept,
    /// A received page could not be stored, so it was not acknowledged.
    PageNotKept,
    /// The modem or gateway beneath failed or stopped answering.
    Line,
}

impl fmt::Display for LocalFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::PageMissing => "a page to send could not be read",
            Self::MarkNotKept => "the state of a page could not be stored",
            Self::PageNotKept => "a received page could not be stored",
            Self::Line => "the modem or line gateway failed",
        })
    }
}

/// How a call ended: one closed catalogue. `page` counts from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// Sender: every page is confirmed.
    Delivered,
    /// Receiver: the far end sent its last page and had its confirmation.
    Received,
    /// The called number was busy.
    Busy,
    /// The called number did not answer, or not in time.
    NoAnswer,
    /// No dial tone, or the provider refused the call.
    NoDialTone,
    /// The call could not be set up for another cause below T.30. A Class 1 modem says so too where somebody answered
    /// and no fax signal was heard.
    NotConnected,
    /// A person answered.
    VoiceAnswered,
    /// A data modem answered.
    DataModemAnswered,
    /// Our own modem refuses to dial the number for now.
    DialBlocked,
    /// A call came in while this one was about to be dialled, and nothing was dialled.
    Glare,
    /// The call was answered, but no fax signal was heard within T1: a voice, a data modem, silence.
    NoFaxTone,
    /// Fax signals were heard, but no valid DIS within T1.
    NoDis,
    /// Receiver: no valid command of the far end within T1 of answering.
    NoCommand,
    /// The two stations have no common way to exchange the page.
    Incompatible(Incompatibility),
    /// Either end did not accept a password, subaddress or polling address.
    Refused(Refusal),
    /// Polling: the station that was to send has no document.
    NothingToPoll,
    /// Training failed at every speed that both ends can do.
    TrainingFailed,
    /// The far end rejected this page three times (RTN), or could not get it right even at the lowest speed (ECM).
    PageRejected {
        /// Which page.
        page: u32,
    },
    /// The far end sent DCN before all was done.
    Disconnected {
        /// Where in the call.
        phase: Phase,
    },
    /// No valid reply to three commands (sender), or no command within T2 (receiver).
    NoResponse {
        /// Where in the call.
        phase: Phase,
    },
    /// The call was dropped before all was done.
    HungUp {
        /// Where in the call.
        phase: Phase,
    },
    /// The call ended in whatever way after the end-of-page command of this page and before its confirmation.
    /// The far end may have it.
    Unconfirmed {
        /// Which page.
        page: u32,
    },
    /// The far end answered "not ready" (RNR) for longer than T5.
    NotReady,
    /// The far end kept talking and nothing came of it: the same replies again and again, or replies to something else.
    NoProgress {
        /// Where in the call.
        phase: Phase,
    },
    /// The call took longer than its limit.
    CallTooLong,
    /// Receiver: the far end sent more pages, or a longer page, than the limits allow.
    TooLarge,
    /// Our own side failed.
    Local(LocalFailure),
    /// The driver cancelled the call.
    Cancelled,
}

impl Outcome {
    /// Whether all that was to be done was done.
    #[must_use]
    pub fn is_success(self) -> bool {
        matches!(self, Self::Delivered | Self::Received)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Delivered => f.write_str("delivered"),
            Self::Received => f.write_str("received"),
            Self::Busy => f.write_str("busy"),
            Self::NoAnswer => f.write_str("no answer"),
            Self::NoDialTone => f.write_str("no dial tone"),
            Self::NotConnected => f.write_str("no connection to a fax machine"),
            Self::VoiceAnswered => f.write_str("a voice answered"),
            Self::DataModemAnswered => f.write_str("a data modem answered"),
            Self::DialBlocked => f.write_str("the modem refuses to dial this number for now"),
            Self::Glare => f.write_str("a call came in first"),
            Self::NoFaxTone => f.write_str("answered, but no fax tone"),
            Self::NoDis => f.write_str("fax tone, but no readable identification"),
            Self::NoCommand => f.write_str("the caller sent no fax command"),
            Self::Incompatible(what) => write!(f, "incompatible fax machine: {what}"),
            Self::Refused(what) => write!(f, "{what}"),
            Self::NothingToPoll => f.write_str("there is no document to be polled"),
            Self::TrainingFailed => f.write_str("training failed at every speed"),
            Self::PageRejected { page } => write!(f, "page {} was rejected", page + 1),
            Self::Disconnected { phase } => write!(f, "the far end disconnected during {phase}"),
            Self::NoResponse { phase } => write!(f, "no response during {phase}"),
            Self::HungUp { phase } => write!(f, "the call was dropped during {phase}"),
            Self::Unconfirmed { page } => write!(f, "page {} was sent but not confirmed", page + 1),
            Self::NotReady => f.write_str("the far end stayed busy with a page"),
            Self::NoProgress { phase } => {
                write!(f, "the far end kept talking without progress during {phase}")
            }
            Self::CallTooLong => f.write_str("the call took too long"),
            Self::TooLarge => f.write_str("more or longer pages than allowed"),
            Self::Local(what) => write!(f, "failure on this side: {what}"),
            Self::Cancelled => f.write_str("cancelled"),
        }
    }
}

/// How a page is coded on the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PageCoding {
    /// Modified Huffman (ITU-T T.4); every station has it.
    Mh,
    /// Modified READ (T.4).
    Mr,
    /// Modified Modified READ (T.6); under error correction only.
    Mmr,
    /// JBIG (T.85); under error correction only.
    Jbig,
}

impl PageCoding {
    /// The T.4 or T.6 coding that it is; `None` for JBIG.
    #[must_use]
    pub fn t4(self) -> Option<t4::Coding> {
        match self {
            Self::Mh => Some(t4::Coding::Mh),
            Self::Mr => Some(t4::Coding::Mr),
            Self::Mmr => Some(t4::Coding::Mmr),
            Self::Jbig => None,
        }
    }
}

impl fmt::Display for PageCoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Mh => "MH",
            Self::Mr => "MR",
            Self::Mmr => "MMR",
            Self::Jbig => "JBIG",
        })
    }
}

/// What the two stations agreed on last (the DCS).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Negotiated {
    /// Modulation and rate.
    pub speed: Speed,
    /// Error correction mode, with the octets of its frames (256 or 64); `None` without error correction.
    pub ecm_frame_octets: Option<u16>,
    /// Page coding.
    pub coding: PageCoding,
    /// Resolution on the wire.
    pub resolution: Resolution,
    /// Row width on paper.
    pub width: PaperWidth,
}

impl fmt::Display for Negotiated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, ", self.speed)?;
        match self.ecm_frame_octets {
            Some(octets) => write!(f, "ECM {octets}")?,
            None => f.write_str("no ECM")?,
        }
        write!(f, ", {}, {}, {:?}", self.coding, self.resolution, self.width)
    }
}

/// How well a received page arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Quality {
    /// Rows decoded without fault.
    pub rows_good: u32,
    /// Rows that were damaged and replaced.
    pub rows_bad: u32,
    /// The longest run of damaged rows.
    pub bad_run_rows_max: u32,
}

/// A page that arrived and waits to be stored before it is acknowledged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceivedPage {
    /// Which page of this call, from 0.
    pub index: u32,
    /// The bitmap.
    pub page: Page,
    /// How well it arrived.
    pub quality: Quality,
}

/// Who is at the other end, in its own words: printable ASCII, trimmed; `None` where it did not say.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Remote {
    /// Its CSI (called), TSI (sends) or CIG (polls), usually a telephone number.
    pub id: Option<String>,
    /// The subaddress (SUB) that it sends to, or the document (SEP) that it polls.
    pub subaddress: Option<String>,
    /// The password of a sender (SID) or of a caller that polls (PWD).
    pub password: Option<String>,
}

/// What is known when a call is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// How it ended.
    pub outcome: Outcome,
    /// Sender: the mark of every page of the document, pages confirmed before this call included.
    /// Receiver: one `Confirmed` for every page stored and acknowledged; they follow the pages of the document where
    /// a call sent and received.
    pub marks: Vec<PageMark>,
    /// The far end's CSI (seen by a sender), TSI (seen by a receiver) or CIG (seen by a station that is polled),
    /// printable ASCII, trimmed.
    pub remote_id: Option<String>,
    /// The SUB that the far end sent to, or the SEP that it polled; printable ASCII, trimmed.
    pub subaddress: Option<String>,
    /// The last DCS; `None` where the call did not come that far.
    pub negotiated: Option<Negotiated>,
    /// Sender: what is known of the far end now, for the next call to it. Receiver: empty.
    pub memory: Memory,
}

impl Report {
    /// How many pages are confirmed.
    #[must_use]
    pub fn pages_confirmed(&self) -> usize {
        self.marks.iter().filter(|m| **m == PageMark::Confirmed).count()
    }
}
