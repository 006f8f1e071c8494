//! A telephone line between two carriers, on whatever clock: each end has a T.38 carrier, which keeps the time of a modem,
//! and the datagrams between them are never lost. The answering end may be a terminal of spandsp's instead, which speaks
//! T.38 itself.

use fax_proto::carrier::{Command, HangUp, Signal};
use fax_proto::t38::carrier::{Carrier, Config, Output};
use fax_proto::time::{Duration, Time};
use std::collections::VecDeque;

/// From one end to the other.
const DELAY: Duration = Duration::from_millis(40);

/// An end of the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Who called.
    Caller,
    /// Who was called.
    Answerer,
}

impl End {
    /// The other one.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::Caller => Self::Answerer,
            Self::Answerer => Self::Caller,
        }
    }
}

#[derive(Debug)]
struct Side {
    /// None where a terminal takes and gives the datagrams.
    carrier: Option<Carrier>,
    /// Datagrams on their way to this side.
    arriving: VecDeque<(Time, Vec<u8>)>,
    signals: VecDeque<Signal>,
}

impl Side {
    fn new(has_carrier: bool) -> Self {
        let carrier = has_carrier.then(|| Carrier::new(Config::default()));
        Self { carrier, arriving: VecDeque::new(), signals: VecDeque::new() }
    }
}

/// A line that stands.
#[derive(Debug)]
pub struct Trunk {
    sides: [Side; 2],
    /// Somebody hung up: the other hears it then.
    ends: Option<(Time, End)>,
    is_over: bool,
}

impl Default for Trunk {
    fn default() -> Self {
        Self { sides: [Side::new(true), Side::new(true)], ends: None, is_over: false }
    }
}

impl Trunk {
    /// A line at one end of which datagrams are taken and given.
    #[must_use]
    pub fn to_terminal(terminal: End) -> Self {
        let has_carrier = |end| Side::new(end != terminal);
        Self { sides: [has_carrier(End::Caller), has_carrier(End::Answerer)], ..Self::default() }
    }

    /// The next datagram for a terminal.
    pub fn take_datagram(&mut self, now: Time, end: End) -> Option<Vec<u8>> {
        self.side(end).arriving.pop_front_if(|(at, _)| *at <= now).map(|(_, datagram)| datagram)
    }

    /// A terminal says something, after this time.
    pub fn put_datagram(&mut self, at: Time, end: End, datagram: Vec<u8>) {
        let arriving = &mut self.side(end.other()).arriving;
        let place = arriving.iter().position(|(other, _)| *other > at + DELAY).unwrap_or(arriving.len());
        arriving.insert(place, (at + DELAY, datagram));
    }

    /// An end hangs up.
    pub fn hang_up(&mut self, now: Time, end: End) {
        self.ends.get_or_insert((now + DELAY, end.other()));
    }

    fn side(&mut self, end: End) -> &mut Side {
        &mut self.sides[end as usize]
    }

    /// An end tells its modem to do something.
    pub fn command(&mut self, now: Time, end: End, command: Command) {
        if self.is_over {
            return;
        }
        if command == Command::HangUp {
            self.hang_up(now, end);
        }
        if let Some(carrier) = &mut self.side(end).carrier {
            carrier.command(now, command);
        }
        self.carry(now);
    }

    /// The network drops the call: both ends hear it at once.
    pub fn drop_call(&mut self) {
        self.is_over = true;
        for side in &mut self.sides {
            side.signals.push_back(Signal::HungUp(HangUp::Remote));
        }
    }

    /// The next signal for an end.
    pub fn poll(&mut self, end: End) -> Option<Signal> {
        self.side(end).signals.pop_front()
    }

    /// When to call [`Trunk::tick`].
    #[must_use]
    pub fn deadline(&self) -> Option<Time> {
        if self.is_over {
            return None;
        }
        let of_side = |side: &Side| {
            // A terminal takes what arrives in its own time.
            let carrier = side.carrier.as_ref()?;
            let arriving = side.arriving.front().map(|(at, _)| *at);
            [carrier.deadline(), arriving].into_iter().flatten().min()
        };
        let sides = self.sides.iter().filter_map(of_side);
        sides.chain(self.ends.map(|(at, _)| at)).min()
    }

    /// Time has passed.
    pub fn tick(&mut self, now: Time) {
        if self.is_over {
            return;
        }
        for end in [End::Caller, End::Answerer] {
            let Side { carrier: Some(carrier), arriving, .. } = self.side(end) else { continue };
            while let Some((_, datagram)) = arriving.pop_front_if(|(at, _)| *at <= now) {
                let heard = carrier.datagram(now, &datagram);
                debug_assert!(heard.is_ok(), "datagrams of our own and of spandsp's");
            }
            if carrier.deadline().is_some_and(|at| at <= now) {
                carrier.tick(now);
            }
        }
        self.carry(now);
        if let Some((_, end)) = self.ends.take_if(|(at, _)| *at <= now) {
            self.is_over = true;
            self.side(end).signals.push_back(Signal::HungUp(HangUp::Remote));
        }
    }

    fn carry(&mut self, now: Time) {
        for end in [End::Caller, End::Answerer] {
            while let Some(output) = self.side(end).carrier.as_mut().and_then(Carrier::poll) {
                match output {
                    Output::Signal(signal) => self.side(end).signals.push_back(signal),
                    Output::Datagram(datagram) => {
                        self.side(end.other()).arriving.push_back((now + DELAY, datagram));
                    }
                    Output::HangUp => {}
                }
            }
        }
    }
}
