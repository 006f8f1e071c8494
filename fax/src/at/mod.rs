//! Fax modems on AT commands, without I/O: ITU-T V.250 (commands and result codes), T.31 (Class 1) and T.32 (Class 2).
//!
//! ```text
//!   t30::Engine ── Command ─► class1::Carrier ── bytes ─► modem        the modem keeps HDLC and modulation
//!              ◄── Signal ──                  ◄─ bytes ──
//!   pages ─────────────────►  class2::Session ── bytes ─► modem        the modem does T.30 itself
//! ```
//!
//! What both have in common: [`reply`] names what a modem says, [`reader`] takes its bytes apart, [`dle`] puts data into
//! its stream, [`profile`] is what differs from modem to modem, [`dialog`] runs commands one by one, [`idle`] watches a
//! modem between calls, [`probe`] asks one what it is. [`dce`] is the other side: a modem, as its program sees it. Everything here is handed bytes and the time, and gives [`Output`]s; a driver owns the port.

pub mod class1;
pub mod class2;
pub mod dce;
pub mod dialog;
pub mod dle;
pub mod idle;
pub mod probe;
pub mod profile;
pub mod reader;
pub mod reply;

use alloc::vec::Vec;
use profile::FlowControl;

/// What an engine wants of the driver that owns the port: something for the port, or (`Tell`) something of its own.
///
/// `class1::Carrier` tells signals, a `class2` session what a T.30 engine tells, a dialog its result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output<T> {
    /// Bytes for the modem, after all that were written before. They may be many: a whole page. The driver writes as
    /// fast as the port takes them and never waits for that.
    Write(Vec<u8>),
    /// Bytes that have not yet left are dropped: those that the driver holds, and the output buffer of the port.
    Discard,
    /// From now on the port has this flow control.
    Flow(FlowControl),
    /// Data terminal ready (V.24 circuit 108/2) goes on or off.
    Dtr(bool),
    /// For whoever stands above.
    Tell(T),
}

impl<T> Output<T> {
    /// The same for the port, with another thing to tell.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Output<U> {
        match self {
            Self::Write(bytes) => Output::Write(bytes),
            Self::Discard => Output::Discard,
            Self::Flow(flow) => Output::Flow(flow),
            Self::Dtr(on) => Output::Dtr(on),
            Self::Tell(what) => Output::Tell(f(what)),
        }
    }
}
