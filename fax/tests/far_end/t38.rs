//! Our engine and carrier on one side, spandsp's T.38 terminal on the other, and a network of datagrams between.
//!
//! spandsp knows nothing of UDPTL: on its side our own sender and receiver wrap and unwrap, as Asterisk does for it.

use super::seat::{Closed, Seat};
use super::{CALL_TIME_MAX, Case, Outcome, PARTING_MAX, Way};
use fax_peers::spandsp_t30::{SAMPLES_PER_SECOND, T38Terminal};
use fax_proto::carrier::{HangUp, Signal};
use fax_proto::page::Page;
use fax_proto::t38::carrier::{Carrier, Config, Output};
use fax_proto::t38::udptl::{Arrival, Protection, Receiver, Sender};
use fax_proto::time::{Duration, Time};
use std::collections::BTreeMap;

/// The clock goes in steps of this.
const STEP: Duration = Duration::from_millis(5);
/// Between two sendings of a packet that spandsp wants to be sent more than once.
const REPEAT_GAP: Duration = Duration::from_millis(20);

/// A network.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Net {
    pub seed: u64,
    /// From one end to the other.
    pub delay: Duration,
    /// A datagram takes up to so much longer, each as it happens: they change their order.
    pub jitter: Duration,
    /// Datagrams that arrive twice, in a hundred.
    pub double_percent: u64,
    /// From this time on everything is lost.
    pub cut_at: Option<Time>,
    /// Datagrams lost, in a hundred.
    pub loss_percent: u64,
    /// What both ends send along.
    pub protection: Protection,
    /// T38FaxVersion, as we take it; and as spandsp does.
    pub version: u8,
    pub their_version: u8,
}

impl Default for Net {
    fn default() -> Self {
        Self {
            seed: 1,
            delay: Duration::from_millis(30),
            jitter: Duration::ZERO,
            double_percent: 0,
            cut_at: None,
            loss_percent: 0,
            protection: Protection::Redundancy { packets: 3 },
            version: 0,
            their_version: 0,
        }
    }
}

/// One way of the network.
struct Lane {
    net: Net,
    random: u64,
    flying: BTreeMap<(Time, u64), Vec<u8>>,
    count: u64,
}

impl Lane {
    fn new(net: Net, seed: u64) -> Self {
        Self { net, random: net.seed * 2 + seed, flying: BTreeMap::new(), count: 0 }
    }

    fn random(&mut self, below: u64) -> u64 {
        self.random =
            self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.random >> 33) % below.max(1)
    }

    fn send(&mut self, at: Time, datagram: &[u8]) {
        if self.random(100) < self.net.loss_percent || self.net.cut_at.is_some_and(|cut_at| at >= cut_at) {
            return;
        }
        let copies = if self.random(100) < self.net.double_percent { 2 } else { 1 };
        for _ in 0..copies {
            self.count += 1;
            let jitter = self.random(self.net.jitter.as_micros() as u64);
            let at = at + self.net.delay + Duration::from_micros(jitter);
            self.flying.insert((at, self.count), datagram.to_vec());
        }
    }

    fn arrived(&mut self, now: Time) -> Option<Vec<u8>> {
        self.flying.first_entry().filter(|entry| entry.key().0 <= now).map(|entry| entry.remove())
    }
}

/// spandsp's terminal, and the UDPTL around it.
struct Theirs {
    terminal: T38Terminal,
    sender: Sender,
    receiver: Receiver,
    /// The number of the next packet that is handed in.
    number: u16,
    done_at: Option<Time>,
}

impl Theirs {
    fn datagram(&mut self, now: Time, datagram: &[u8]) {
        self.receiver.datagram(now, datagram).unwrap();
        self.hand_in();
    }

    fn hand_in(&mut self) {
        while let Some(arrival) = self.receiver.poll() {
            if let Arrival::Packet(packet) = arrival {
                self.terminal.packet(self.number, &packet);
            }
            // A number that is left out is how spandsp learns of a gap.
            self.number = self.number.wrapping_add(1);
        }
    }

    fn pass(&mut self, now: Time, out: &mut Lane) {
        self.receiver.tick(now);
        self.hand_in();
        let samples = u64::from(SAMPLES_PER_SECOND) * STEP.as_millis() as u64 / 1000;
        self.terminal.pass(samples as u32);
        for (packet, count) in self.terminal.said() {
            let datagram = self.sender.wrap(packet);
            for again in 0..u32::from(count) {
                out.send(now + REPEAT_GAP * again, &datagram);
            }
        }
        if self.terminal.result().is_some() {
            self.done_at.get_or_insert(now);
        }
    }
}

/// Runs a call.
pub(crate) fn t38_call(case: &Case, net: Net) -> Outcome {
    let folder = tempfile::tempdir().unwrap();
    let document = case.document();
    let mut theirs_config = case.theirs(folder.path());
    theirs_config.t38_version = net.their_version;
    let mut theirs = Theirs {
        terminal: T38Terminal::new(&theirs_config),
        sender: Sender::new(net.protection, 1400),
        receiver: Receiver::new(),
        number: 0,
        done_at: None,
    };
    let mut ours = Ours::new(case, net, document);
    let (mut to_us, mut to_them) = (Lane::new(net, 0), Lane::new(net, 1));
    let mut now = Time::ZERO;
    loop {
        ours.step(now, &mut to_us, &mut to_them);
        while let Some(datagram) = to_them.arrived(now) {
            theirs.datagram(now, &datagram);
        }
        theirs.pass(now, &mut to_us);
        let is_parting = |at: Option<Time>| at.is_some_and(|at| now.since(at) > PARTING_MAX);
        match (ours.done_at, theirs.done_at) {
            (Some(_), Some(_)) => break,
            _ if is_parting(ours.done_at) => break,
            // They have hung up.
            (None, Some(at)) if now.since(at) > Duration::from_millis(500) => {
                ours.seat.signal(now, Signal::HungUp(HangUp::Remote));
            }
            _ => {}
        }
        assert!(now.since(Time::ZERO) < CALL_TIME_MAX, "{case:?} does not end");
        now = now + STEP;
    }
    let terminal = &theirs.terminal;
    let (result, terms, heard) = (terminal.result(), terminal.terms(), terminal.heard());
    drop(theirs);
    let Closed { report, trace, received } = ours.seat.close();
    let received = match case.way.they_send() {
        false => Case::received_by_them(folder.path()),
        true => received,
    };
    Outcome { report, trace, theirs: result, terms, heard, received, ended: now }
}

/// Runs a call between two of ours. The calling end sends, whatever the case says.
pub(crate) fn pair_call(case: &Case, net: Net) -> (Closed, Closed, Time) {
    let mut caller = Ours::new(&Case { way: Way::Send, ..*case }, net, case.document());
    let mut answerer = Ours::new(&Case { way: Way::Receive, ..*case }, net, Vec::new());
    let (mut to_caller, mut to_answerer) = (Lane::new(net, 0), Lane::new(net, 1));
    let mut now = Time::ZERO;
    while caller.done_at.is_none() || answerer.done_at.is_none() {
        caller.step(now, &mut to_caller, &mut to_answerer);
        answerer.step(now, &mut to_answerer, &mut to_caller);
        assert!(now.since(Time::ZERO) < CALL_TIME_MAX, "{case:?} does not end");
        now = now + STEP;
    }
    (caller.seat.close(), answerer.seat.close(), now)
}

struct Ours {
    seat: Seat,
    carrier: Carrier,
    done_at: Option<Time>,
}

impl Ours {
    fn new(case: &Case, net: Net, document: Vec<Page>) -> Self {
        let config = Config { version: net.version, protection: net.protection, ..Config::default() };
        Self { seat: Seat::new(case, document), carrier: Carrier::new(config), done_at: None }
    }

    fn step(&mut self, now: Time, arriving: &mut Lane, leaving: &mut Lane) {
        self.pump(now, leaving);
        while let Some(datagram) = arriving.arrived(now) {
            self.carrier.datagram(now, &datagram).unwrap();
            self.pump(now, leaving);
        }
    }

    fn pump(&mut self, now: Time, out: &mut Lane) {
        if self.carrier.deadline().is_some_and(|deadline| deadline <= now) {
            self.carrier.tick(now);
        }
        self.seat.tick(now);
        loop {
            for command in self.seat.commands(now) {
                self.carrier.command(now, command);
            }
            let Some(output) = self.carrier.poll() else { break };
            match output {
                Output::Signal(signal) => self.seat.signal(now, signal),
                Output::Datagram(datagram) => out.send(now, &datagram),
                Output::HangUp => {}
            }
        }
        if self.seat.is_over() && self.carrier.deadline().is_none() {
            self.done_at.get_or_insert(now);
        }
    }
}
