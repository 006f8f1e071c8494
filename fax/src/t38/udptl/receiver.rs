//! Packets out of datagrams: each once, in order, and with word of what is lost.

use super::sender::xor;
use super::{Datagram, Recovery, UdptlError};
use crate::time::{Duration, Time};
use alloc::collections::{BTreeMap, VecDeque};
use alloc::vec::Vec;

/// A packet that is missing may come this late, where the datagrams changed their order on the way.
pub const REORDER_WAIT: Duration = Duration::from_millis(80);
/// Packets this far ahead of the one that is awaited, or behind it, belong to this stream.
const WINDOW: u64 = 64;
/// So many datagrams in a row from outside the window mean that the far end has begun to count anew.
const STRAYS_MAX: u8 = 3;
/// Sets of parities that are kept.
const PARITIES_KEPT: usize = 16;
/// Where counting begins, so that there is room below the first packet.
const ORIGIN: u64 = 1 << 32;

/// What the receiver gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// The next packet.
    Packet(Vec<u8>),
    /// Before the next packet something is missing.
    Gap,
}

/// Parities of a datagram.
#[derive(Clone, Debug)]
struct Parities {
    number: u64,
    span: usize,
    octets: Vec<Vec<u8>>,
}

/// Takes datagrams.
///
/// What it keeps stays below a megabyte: packets within the window, and the last parities.
#[derive(Clone, Debug, Default)]
pub struct Receiver {
    /// The packet that is awaited; `None` before the first datagram. Counted on beyond 65,535.
    next: Option<u64>,
    /// Packets that are known, given out or not, within the window.
    known: BTreeMap<u64, Vec<u8>>,
    parities: VecDeque<Parities>,
    strays: u8,
    /// When the packet that is awaited is given up.
    gives_up_at: Option<Time>,
    out: VecDeque<Arrival>,
}

impl Receiver {
    /// A receiver of a stream that begins with any number.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes a datagram.
    ///
    /// # Errors
    ///
    /// [`UdptlError`]: it is none; nothing has changed then.
    pub fn datagram(&mut self, now: Time, octets: &[u8]) -> Result<(), UdptlError> {
        let datagram = Datagram::parse(octets)?;
        if let Some(number) = self.number(&datagram) {
            self.learn(number, &datagram);
            self.rebuild();
            self.give(now);
        }
        Ok(())
    }

    /// Gives up what is awaited for too long.
    pub fn tick(&mut self, now: Time) {
        if self.gives_up_at.is_some_and(|at| at <= now) {
            self.skip();
            self.give(now);
        }
    }

    /// When to be woken.
    #[must_use]
    pub fn deadline(&self) -> Option<Time> {
        self.gives_up_at
    }

    /// The next packet, or word of a gap.
    #[must_use]
    pub fn poll(&mut self) -> Option<Arrival> {
        self.out.pop_front()
    }

    /// The number of a datagram, counted on; `None` for one that is not of this stream.
    fn number(&mut self, datagram: &Datagram<'_>) -> Option<u64> {
        let Some(next) = self.next else {
            return Some(self.begin(datagram));
        };
        let low = u16::try_from(next & 0xFFFF).unwrap_or(0);
        let ahead = datagram.number.wrapping_sub(low).cast_signed();
        if u64::from(ahead.unsigned_abs()) <= WINDOW {
            self.strays = 0;
            return next.checked_add_signed(i64::from(ahead));
        }
        self.strays += 1;
        if self.strays < STRAYS_MAX {
            return None;
        }
        self.strays = 0;
        self.known.clear();
        self.parities.clear();
        self.gives_up_at = None;
        self.out.push_back(Arrival::Gap);
        Some(self.begin(datagram))
    }

    /// The stream begins with the oldest packet of this datagram.
    fn begin(&mut self, datagram: &Datagram<'_>) -> u64 {
        let number = ORIGIN + u64::from(datagram.number);
        let before = match &datagram.recovery {
            Recovery::Packets(packets) => packets.len().min(usize::from(datagram.number)),
            Recovery::Fec { .. } => 0,
        };
        self.next = Some(number - u64::try_from(before).unwrap_or(0));
        number
    }

    fn learn(&mut self, number: u64, datagram: &Datagram<'_>) {
        let mut learn = |number: u64, packet: &[u8]| {
            if !packet.is_empty() {
                self.known.entry(number).or_insert_with(|| packet.to_vec());
            }
        };
        learn(number, datagram.primary);
        match &datagram.recovery {
            Recovery::Packets(packets) => {
                for (before, packet) in (1..).zip(packets) {
                    learn(number - before, packet);
                }
            }
            Recovery::Fec { span, parities } if *span > 0 && !parities.is_empty() => {
                let octets = parities.iter().map(|parity| parity.to_vec()).collect();
                self.parities.push_front(Parities { number, span: *span, octets });
                self.parities.truncate(PARITIES_KEPT);
            }
            Recovery::Fec { .. } => {}
        }
    }

    /// Rebuilds what parities allow; one packet rebuilt may make the next one possible.
    fn rebuild(&mut self) {
        while let Some((number, packet)) =
            self.parities.iter().find_map(|parities| parities.rebuilt(&self.known, self.next))
        {
            self.known.insert(number, packet);
        }
    }

    /// Gives out what is in order.
    fn give(&mut self, now: Time) {
        let Some(mut next) = self.next else { return };
        while let Some(packet) = self.known.get(&next) {
            self.out.push_back(Arrival::Packet(packet.clone()));
            next += 1;
            self.gives_up_at = None;
        }
        self.next = Some(next);
        let floor = next.saturating_sub(WINDOW);
        self.known = self.known.split_off(&floor);
        self.parities.retain(|parities| parities.number >= floor);
        let waits = self.known.range(next..).next().is_some();
        self.gives_up_at = waits.then(|| self.gives_up_at.unwrap_or(now + REORDER_WAIT));
    }

    /// Goes on after a gap.
    fn skip(&mut self) {
        self.gives_up_at = None;
        let Some(next) = self.next else { return };
        if let Some((number, _)) = self.known.range(next..).next() {
            self.next = Some(*number);
            self.out.push_back(Arrival::Gap);
        }
    }
}

impl Parities {
    /// A packet that these parities give back: one that is still awaited, and the only one of its group that is missing.
    fn rebuilt(&self, known: &BTreeMap<u64, Vec<u8>>, next: Option<u64>) -> Option<(u64, Vec<u8>)> {
        let step = u64::try_from(self.octets.len()).ok()?;
        let span = u64::try_from(self.span).ok()?;
        let mut groups = (0..).zip(&self.octets);
        groups.find_map(|(n, parity)| {
            let group = |k: u64| (self.number + n).checked_sub(k * step);
            let mut missing = (1..=span).filter_map(group).filter(|number| !known.contains_key(number));
            let (number, None) = (missing.next()?, missing.next()) else {
                return None;
            };
            if next.is_none_or(|next| number < next) {
                return None;
            }
            let others = (1..=span).filter_map(group).filter_map(|number| known.get(&number));
            let packet = others.fold(parity.clone(), |sum, packet| xor(sum, packet));
            (!packet.is_empty()).then_some((number, packet))
        })
    }
}
