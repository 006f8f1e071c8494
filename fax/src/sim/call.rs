//! A call over the simulated line, as values in and values out: whatever speaks the carrier seam can be at either end.
//!
//! [`air::run`](super::air::run) drives it with two engines on a virtual clock; a gateway drives it in real time, with a
//! virtual modem at one end or at both. The driver hands in the commands of both ends with the time, takes [`Event`]s
//! until there are none, and comes back at [`Call::deadline`].
//!
//! The caller has dialled at [`Time::ZERO`]. The callee is told that it rings, and has answered with its
//! [`Command::Answer`]; where it does not within [`RING_TIME_MAX`], the network ends the call at both ends.

use super::air::{AirConfig, Callee};
use super::medium::{Arrival, Medium, NetworkSays};
use crate::carrier::{Command, HangUp, Piece, Signal};
use crate::time::{Duration, Time};
use alloc::collections::VecDeque;

/// How long a busy number takes to say so.
const BUSY_AFTER: Duration = Duration::from_secs(3);
/// How long the network lets a telephone ring.
pub const RING_TIME_MAX: Duration = Duration::from_secs(60);

/// One of the two ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum End {
    /// The end that has dialled.
    Caller,
    /// The end that is called.
    Answerer,
}

impl End {
    /// The end at the other side.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::Caller => Self::Answerer,
            Self::Answerer => Self::Caller,
        }
    }
}

/// What happens in a call.
#[derive(Debug, PartialEq, Eq)]
pub enum Event {
    /// The line of this end says something.
    Signal(End, Signal),
    /// The callee's telephone begins to ring, until it answers or until its [`Signal::HungUp`].
    Ringing,
}

/// A call.
#[derive(Debug)]
pub struct Call {
    medium: Medium,
    events: VecDeque<Event>,
    delay: Duration,
    is_answered: bool,
}

impl Call {
    /// A call that is dialled at [`Time::ZERO`].
    #[must_use]
    pub fn new(config: &AirConfig) -> Self {
        let mut medium = Medium::new(config);
        let answered = Time::ZERO + config.ring_time;
        let (end, at, says) = match config.callee {
            Callee::Fax => {
                medium.network(Time::ZERO + RING_TIME_MAX, End::Caller, NetworkSays::NobodyCame);
                (End::Answerer, answered, NetworkSays::Ringing)
            }
            Callee::Silent => (End::Caller, answered + config.delay, NetworkSays::Connected),
            Callee::Busy => (End::Caller, Time::ZERO + BUSY_AFTER, NetworkSays::HungUp(HangUp::Busy)),
            Callee::NoAnswer => {
                (End::Caller, Time::ZERO + RING_TIME_MAX, NetworkSays::HungUp(HangUp::NoAnswer))
            }
        };
        medium.network(at, end, says);
        Self { medium, events: VecDeque::new(), delay: config.delay, is_answered: false }
    }

    /// An end tells its line to do something.
    pub fn command(&mut self, now: Time, end: End, command: Command) {
        let answers = end == End::Answerer && command == Command::Answer;
        if answers && !core::mem::replace(&mut self.is_answered, true) {
            self.medium.network(now + self.delay, End::Caller, NetworkSays::Connected);
        }
        self.medium.command(now, end, command);
    }

    /// An end sends an image piece by piece. Pieces that come late make the image late, and spoil nothing.
    pub fn piece(&mut self, now: Time, end: End, piece: Piece) {
        self.medium.piece_of_image(now, end, piece);
    }

    /// The next thing that has happened by `now`; `None` until later.
    pub fn poll(&mut self, now: Time) -> Option<Event> {
        while self.events.is_empty() {
            for arrival in self.medium.happen(now)? {
                self.arrived(arrival);
            }
        }
        self.events.pop_front()
    }

    fn arrived(&mut self, arrival: Arrival) {
        match arrival {
            Arrival::Signal(end, signal) => self.events.push_back(Event::Signal(end, signal)),
            Arrival::Ringing => self.events.push_back(Event::Ringing),
            Arrival::NobodyCame if self.is_answered => {}
            Arrival::NobodyCame => {
                for (end, why) in [(End::Caller, HangUp::NoAnswer), (End::Answerer, HangUp::Remote)] {
                    self.events.push_back(Event::Signal(end, Signal::HungUp(why)));
                }
            }
        }
    }

    /// When something happens next; `None` where nothing will until a command.
    #[must_use]
    pub fn deadline(&self) -> Option<Time> {
        if self.events.is_empty() { self.medium.next_time() } else { Some(Time::ZERO) }
    }

    /// Image bits that were flipped on the line so far.
    #[must_use]
    pub fn image_bits_flipped(&self) -> u64 {
        self.medium.noise.image_bits_flipped
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::carrier::{Image, ImageKind, Speed, Training};
    use alloc::vec;
    use alloc::vec::Vec;

    fn events(call: &mut Call, until: Duration) -> Vec<(u64, Event)> {
        let mut events = Vec::new();
        while let Some(at) = call.deadline().filter(|at| *at <= Time::ZERO + until) {
            while let Some(event) = call.poll(at) {
                events.push((at.0 / 1000, event));
            }
        }
        events
    }

    #[test]
    fn a_telephone_rings_until_it_is_answered() {
        let mut call = Call::new(&AirConfig::default());
        call.command(Time::ZERO, End::Caller, Command::Call);
        assert_eq!(events(&mut call, Duration::from_secs(20)), [(4000, Event::Ringing)]);
        call.command(Time(20_000_000), End::Answerer, Command::Answer);
        let happened = events(&mut call, Duration::from_secs(90));
        assert_eq!(
            happened,
            [
                (20_060, Event::Signal(End::Caller, Signal::Connected)),
                (23_275, Event::Signal(End::Answerer, Signal::Sent)),
            ],
            "and the network does not end it"
        );
    }

    /// What the answerer hears of an image that the caller sends, in which pieces and when they come.
    fn heard(pieces: &[(u64, Piece)]) -> (Vec<u8>, u64) {
        let (speed, training, kind) = (Speed::V29At9600, Training::Long, ImageKind::Bits);
        let mut call = Call::new(&AirConfig::default());
        call.command(Time::ZERO, End::Answerer, Command::ListenImage { speed, training, kind });
        let (mut data, mut lost) = (Vec::new(), 0);
        let until = pieces.iter().map(|(at, _)| *at).chain([20_000]);
        for (index, millis) in until.enumerate() {
            let until = Duration::from_millis(millis).saturating_sub(Duration::from_micros(1));
            for (at, event) in events(&mut call, until) {
                match event {
                    Event::Signal(End::Answerer, Signal::Data(bytes)) => data.extend(bytes),
                    Event::Signal(End::Answerer, Signal::CarrierLost) => lost = at,
                    _ => {}
                }
            }
            if let Some((at, piece)) = pieces.get(index) {
                call.piece(Time(at * 1000), End::Caller, piece.clone());
            }
        }
        (data, lost)
    }

    #[test]
    fn an_image_in_pieces_is_the_same_image() {
        let begin = || {
            let (speed, training) = (Speed::V29At9600, Training::Long);
            Piece::Begin { speed, training, kind: ImageKind::Bits }
        };
        let bytes = |range: core::ops::Range<u8>| range.cycle().take(1200).collect::<Vec<u8>>();
        let more = |range| Piece::More(Image::Bits(bytes(range)));
        // A second each; training takes 253 ms and the way 60 ms.
        let in_time = [(10, begin()), (20, more(0..100)), (30, more(100..200)), (900, Piece::End)];
        assert_eq!(heard(&in_time), ([bytes(0..100), bytes(100..200)].concat(), 2323));
        let late = [(10, begin()), (20, more(0..100)), (3000, more(100..200)), (5000, Piece::End)];
        assert_eq!(heard(&late), ([bytes(0..100), bytes(100..200)].concat(), 5060));
    }

    #[test]
    fn a_telephone_does_not_ring_for_ever() {
        let mut call = Call::new(&AirConfig::default());
        call.command(Time::ZERO, End::Caller, Command::Call);
        let ended = vec![
            (60_000, Event::Signal(End::Caller, Signal::HungUp(HangUp::NoAnswer))),
            (60_000, Event::Signal(End::Answerer, Signal::HungUp(HangUp::Remote))),
        ];
        assert_eq!(events(&mut call, Duration::from_secs(90))[1..], ended);
    }
}
