//! Says scripts: each packet at its time, wrapped, and the key packets again.

use super::super::ifp::{Indicator, Packet, Syntax};
use super::super::udptl::Sender;
use super::Config;
use super::script::{Script, Step};
use crate::time::{Duration, Time};
use alloc::vec::Vec;

/// Between one sending of a key packet and the next.
const REPEAT_GAP: Duration = Duration::from_millis(20);
/// After a signal has ended, and nothing else has begun, silence is told.
const NO_SIGNAL_AFTER: Duration = Duration::from_millis(50);
/// The calling tone sounds this often (0.5 s in every 3.5 s).
const CNG_PERIOD: Duration = Duration::from_millis(3500);
/// A driver that is this late does not make the carrier hurry to catch up.
const LATE_MAX: Duration = Duration::from_millis(100);

#[derive(Debug)]
enum Doing {
    Nothing,
    /// Until the time of its next tone.
    Calling(Time),
    Pausing(Time),
    /// A script, and the time of its next step.
    Talking(Script, Time),
}

/// The sending half of a carrier.
#[derive(Debug)]
pub(super) struct Voice {
    config: Config,
    sender: Sender,
    doing: Doing,
    /// The last datagram, to be sent so often again, the next time then.
    again: Option<(Vec<u8>, u8, Time)>,
    /// When silence is to be told.
    no_signal_at: Option<Time>,
    sent: bool,
    out: Vec<Vec<u8>>,
}

impl Voice {
    pub(super) fn new(config: Config) -> Self {
        Self {
            sender: Sender::new(config.protection, config.datagram_octets_max),
            config,
            doing: Doing::Nothing,
            again: None,
            no_signal_at: None,
            sent: false,
            out: Vec::new(),
        }
    }

    pub(super) fn ced_time(&self) -> Duration {
        self.config.ced_time
    }

    /// Stops what is being said, in the middle if need be.
    pub(super) fn cancel(&mut self, now: Time) {
        let doing = core::mem::replace(&mut self.doing, Doing::Nothing);
        if let Doing::Talking(script, _) = doing
            && !script.has_ended()
        {
            self.no_signal_at = Some(now);
        }
        self.sent = false;
    }

    pub(super) fn say(&mut self, now: Time, script: Script) {
        self.no_signal_at = None;
        self.doing = Doing::Talking(script, now);
    }

    pub(super) fn call(&mut self, now: Time) {
        self.doing = Doing::Calling(now);
    }

    pub(super) fn stop_calling(&mut self) {
        if let Doing::Calling(_) = self.doing {
            self.doing = Doing::Nothing;
        }
    }

    pub(super) fn pause(&mut self, now: Time, duration: Duration) {
        self.doing = Doing::Pausing(now + duration);
    }

    /// Says no more; the time when the last repetition will have gone.
    pub(super) fn close(&self, now: Time) -> Time {
        let left = self.again.as_ref().map_or(0, |(_, left, _)| u32::from(*left));
        now + REPEAT_GAP * left
    }

    /// Whether the far end may reply: nothing is being said, or all of it has been.
    pub(super) fn is_silent(&self) -> bool {
        !matches!(&self.doing, Doing::Talking(script, _) if !script.has_ended())
    }

    pub(super) fn take_sent(&mut self) -> bool {
        core::mem::take(&mut self.sent)
    }

    pub(super) fn datagrams(&mut self) -> impl Iterator<Item = Vec<u8>> {
        self.out.drain(..)
    }

    pub(super) fn deadline(&self) -> Option<Time> {
        let step = match &self.doing {
            Doing::Nothing => None,
            Doing::Calling(at) | Doing::Pausing(at) | Doing::Talking(_, at) => Some(*at),
        };
        let again = self.again.as_ref().map(|(.., at)| *at);
        [step, again, self.no_signal_at].into_iter().flatten().min()
    }

    /// Does all that is due.
    pub(super) fn advance(&mut self, now: Time, syntax: Syntax) {
        self.step(now, syntax);
        if self.no_signal_at.is_some_and(|at| at <= now) {
            self.no_signal_at = None;
            self.send(now, &Packet::Indicator(Indicator::NoSignal), true, syntax);
        }
        if let Some((datagram, left, at)) = &mut self.again
            && *at <= now
        {
            self.out.push(datagram.clone());
            *left -= 1;
            *at = now + REPEAT_GAP;
            if *left == 0 {
                self.again = None;
            }
        }
    }

    fn step(&mut self, now: Time, syntax: Syntax) {
        self.doing = match core::mem::replace(&mut self.doing, Doing::Nothing) {
            Doing::Calling(at) if at <= now => {
                self.send(now, &Packet::Indicator(Indicator::Cng), true, syntax);
                Doing::Calling(now + CNG_PERIOD)
            }
            Doing::Pausing(at) if at <= now => {
                self.sent = true;
                Doing::Nothing
            }
            Doing::Talking(script, at) => self.talk(now, script, at, syntax),
            other => other,
        };
    }

    fn talk(&mut self, now: Time, mut script: Script, mut at: Time, syntax: Syntax) -> Doing {
        if now.since(at) > LATE_MAX {
            at = now;
        }
        while at <= now {
            let Some(Step { packet, is_key, then }) = script.next() else {
                self.sent = true;
                return Doing::Nothing;
            };
            self.send(now, &packet, is_key, syntax);
            if is_key && !matches!(packet, Packet::Indicator(_)) {
                self.no_signal_at = Some(now + NO_SIGNAL_AFTER);
            }
            at = at + then;
        }
        Doing::Talking(script, at)
    }

    fn send(&mut self, now: Time, packet: &Packet, is_key: bool, syntax: Syntax) {
        // Nothing that is said here passes a limit.
        let Ok(octets) = packet.to_octets(syntax) else { return };
        let datagram = self.sender.wrap(octets);
        let left = self.config.key_packets_sent.saturating_sub(1);
        let repeats = is_key && left > 0;
        self.again = repeats.then(|| (datagram.clone(), left, now + REPEAT_GAP));
        self.out.push(datagram);
    }
}
