//! A far end of foreign make: spandsp's T.30, over T.38 to the line of the test modem.

use super::trunk::{End, Trunk};
use crate::spandsp_t30::{Config, SAMPLES_PER_SECOND, T38Terminal};
use fax_proto::t38::udptl::{Arrival, Protection, Receiver, Sender};
use fax_proto::time::{Duration, Time};

/// spandsp's clock goes in steps of this.
const STEP: Duration = Duration::from_millis(10);
/// Between two sendings of a packet that spandsp wants to be sent more than once.
const REPEAT_GAP: Duration = Duration::from_millis(20);
/// Once its call is over it hangs up this soon.
const PARTING: Duration = Duration::from_millis(500);
const DATAGRAM_OCTETS_MAX: usize = 1400;

/// spandsp's terminal, and the UDPTL around it.
#[derive(Debug)]
pub(super) struct Foreign {
    terminal: T38Terminal,
    sender: Sender,
    receiver: Receiver,
    /// The number of the next packet that is handed in.
    number: u16,
    next: Time,
    hangs_up: Option<Time>,
}

impl Foreign {
    pub(super) fn new(now: Time, config: &Config) -> Self {
        Self {
            terminal: T38Terminal::new(config),
            sender: Sender::new(Protection::Redundancy { packets: 3 }, DATAGRAM_OCTETS_MAX),
            receiver: Receiver::new(),
            number: 0,
            next: now,
            hangs_up: None,
        }
    }

    pub(super) fn deadline(&self) -> Option<Time> {
        self.hangs_up.is_none_or(|at| at >= self.next).then_some(self.next)
    }

    /// Its result: 0 is well.
    pub(super) fn result(&self) -> Option<i32> {
        self.terminal.result()
    }

    /// Lets its time pass up to now.
    pub(super) fn run(&mut self, now: Time, end: End, line: &mut Trunk) {
        while self.next <= now {
            self.step(end, line);
            self.next = self.next + STEP;
        }
    }

    fn step(&mut self, end: End, line: &mut Trunk) {
        let now = self.next;
        while let Some(datagram) = line.take_datagram(now, end) {
            let heard = self.receiver.datagram(now, &datagram);
            debug_assert!(heard.is_ok(), "our own datagrams");
        }
        self.receiver.tick(now);
        while let Some(arrival) = self.receiver.poll() {
            if let Arrival::Packet(packet) = arrival {
                self.terminal.packet(self.number, &packet);
            }
            self.number = self.number.wrapping_add(1);
        }
        self.terminal.pass(SAMPLES_PER_SECOND / 1000 * STEP.as_millis() as u32);
        for (packet, count) in self.terminal.said() {
            let datagram = self.sender.wrap(packet);
            for again in 0..u32::from(count) {
                line.put_datagram(now + REPEAT_GAP * again, end, datagram.clone());
            }
        }
        if self.terminal.result().is_some() {
            let at = *self.hangs_up.get_or_insert(now + PARTING);
            if at <= now {
                line.hang_up(now, end);
            }
        }
    }
}
