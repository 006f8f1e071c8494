//! What sits at the near end of a carrier for one call.
//!
//! SEAM. Above a carrier that does V.21, training and images (a Class 1 modem, the simulated line) there is either our
//! own T.30 engine with the flow behind it ([`super::drive::FaxTerminal`]), or a virtual modem with an old program
//! behind that. The driver of a line knows neither: it hands signals up and takes requests down.
//!
//! What a driver does, in this order and again and again: take every [`Request`] with [`Terminal::poll`] until there is
//! none; wait for the line, for [`Terminal::wakes_by`] and for [`Terminal::deadline`], whichever is first; then tell the
//! terminal with [`Terminal::signal`] or [`Terminal::tick`]. Time is handed in, counts from the beginning of the call
//! and never runs backwards.

use std::os::fd::BorrowedFd;

use fax::carrier::{Command, Piece, Signal};
use fax::time::Time;

/// What a terminal wants of its driver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// For the carrier. [`Command::HangUp`] is the last of them.
    Command(Command),
    /// For a carrier that takes images piece by piece, where the terminal was told that it is one.
    Piece(Piece),
    /// The terminal is done with the call. Nothing follows it; where no [`Command::HangUp`] came before, the driver
    /// hangs up by itself.
    Over,
}

/// The near end of one call.
pub trait Terminal {
    /// The carrier says something. [`Signal::HungUp`] is the last that it says.
    fn signal(&mut self, now: Time, signal: Signal);

    /// Time has come ([`Terminal::deadline`]), or [`Terminal::wakes_by`] has something to be read. Does no harm where
    /// neither is so.
    fn tick(&mut self, now: Time);

    /// The next request; `None` until the terminal has been told something more.
    fn poll(&mut self) -> Option<Request>;

    /// When [`Terminal::tick`] is wanted; a time that has passed means at once.
    fn deadline(&self) -> Option<Time>;

    /// The gateway stops, or the call is given up: says good-bye to the far end, hangs up and is over, soon.
    fn cancel(&mut self, now: Time);

    /// A descriptor that is to be waited for beside the line: as soon as it can be read, [`Terminal::tick`] is wanted.
    fn wakes_by(&self) -> Option<BorrowedFd<'_>> {
        None
    }
}
