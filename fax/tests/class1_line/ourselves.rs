//! A call between two stations of ours.

use super::super::far_end::{CALL_TIME_MAX, Case, Seat, Way};
use super::{BLOCK, CLEARING, Ended, Network, RINGS_AFTER, Station, Theirs};
use fax_peers::audio::{BLOCK_SAMPLES, Line};
use fax_peers::t31::{Caller, Event};
use fax_proto::time::Time;

/// Two stations of ours and the network between them.
struct WithOurselves<'a> {
    case: &'a Case,
    network: &'a Network,
    ends: [Station; 2],
    now: Time,
    on_hook_since: [Option<Time>; 2],
    is_cleared: [bool; 2],
}

/// A call between two stations of ours; the one that calls sends.
pub(crate) fn with_ourselves(case: &Case, network: &Network) -> Ended {
    let mut call = WithOurselves {
        case,
        network,
        ends: [Station::new(network), Station::new(network)],
        now: Time::ZERO,
        on_hook_since: [None; 2],
        is_cleared: [false; 2],
    };
    let mut line = network.line();
    call.ends[0].begin(call.now, Seat::new(&Case { way: Way::Send, ..*case }, case.document()));
    while !call.is_over() {
        call.step(&mut line);
        let logs = || format!("{}\n---\n{}", call.ends[0].log, call.ends[1].log);
        assert!(call.now.since(Time::ZERO) < CALL_TIME_MAX, "{case:?} does not end:\n{}", logs());
    }
    call.end()
}

impl WithOurselves<'_> {
    fn step(&mut self, line: &mut Line) {
        let now = self.now;
        self.ends.iter_mut().for_each(|end| end.pump(now));
        self.exchange();
        self.ends.iter_mut().for_each(Station::port);
        let [first, second] = self.ends.each_mut().map(|end| end.modem.say(BLOCK_SAMPLES));
        let (to_first, to_second) = line.pass(first, second);
        self.ends[0].modem.hear(&to_first);
        self.ends[1].modem.hear(&to_second);
        self.now = now + BLOCK;
        self.clear();
    }

    fn exchange(&mut self) {
        for at in 0..2 {
            while let Some(event) = self.ends[at].modem.poll() {
                match event {
                    Event::Dialled(number) => assert_eq!(number, "5550123"),
                    Event::Answered => self.ends[0].modem.connected(),
                    Event::OnHook => self.on_hook_since[at] = Some(self.now),
                }
            }
        }
        if self.ends[1].seat.is_none() && self.now.since(Time::ZERO) >= RINGS_AFTER {
            self.ends[1].modem.ring(Some(&Caller::default()));
            self.ends[1].modem.read();
            let seat = Seat::new(&Case { way: Way::Receive, ..*self.case }, Vec::new());
            self.ends[1].begin(self.now, seat);
        }
    }

    fn clear(&mut self) {
        let is_dropped = self.network.drop_at.is_some_and(|at| self.now >= at);
        for at in 0..2 {
            let other = self.on_hook_since[1 - at].is_some_and(|since| self.now.since(since) > CLEARING);
            if (other || is_dropped) && !std::mem::replace(&mut self.is_cleared[at], true) {
                self.ends[at].modem.hung_up();
            }
        }
    }

    fn is_over(&self) -> bool {
        // A call that is cut before it rings never comes to the other end.
        let never_rings = self.network.drop_at.is_some_and(|at| at < Time::ZERO + RINGS_AFTER);
        self.ends[0].done.is_some() && (never_rings || self.ends[1].done.is_some())
    }

    fn end(mut self) -> Ended {
        self.ends.iter_mut().for_each(Station::check_end);
        let [first, second] = self.ends;
        let (ours, theirs) = (first.seat.unwrap().close(), second.seat.map(Seat::close));
        let mut ended = Ended {
            report: ours.report,
            theirs: Theirs::Nobody,
            received: Vec::new(),
            ended: self.now,
            on_hook: first.done.unwrap_or(self.now),
            trace: format!("{}\n{}", ours.trace, first.log),
        };
        if let Some(theirs) = theirs {
            ended.theirs = Theirs::Ours(Box::new(theirs.report));
            ended.received = theirs.received;
            ended.trace = format!("{}\n---\n{}\n{}", ended.trace, theirs.trace, second.log);
        }
        ended
    }
}
