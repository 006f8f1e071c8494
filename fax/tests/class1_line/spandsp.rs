//! A call between our station and spandsp's fax terminal.

use super::super::far_end::{CALL_TIME_MAX, Case, PARTING_MAX, Seat};
use super::{BLOCK, CLEARING, Ended, Network, RINGS_AFTER, Station, Theirs};
use fax_peers::audio::{BLOCK_SAMPLES, Line};
use fax_peers::spandsp_t30::AudioTerminal;
use fax_peers::t31::{Caller, Event, Hook, Modem};
use fax_proto::time::Time;

/// Our station, spandsp's terminal, and the network between them.
struct WithSpandsp<'a> {
    case: &'a Case,
    network: &'a Network,
    folder: tempfile::TempDir,
    us: Station,
    terminal: Option<AudioTerminal>,
    now: Time,
    /// The other end's call is over, or never came to be.
    theirs_done: Option<Time>,
    is_cleared: bool,
    is_cancelled: bool,
}

/// A call between our station and spandsp's terminal.
pub(crate) fn with_spandsp(case: &Case, network: &Network) -> Ended {
    on_one_modem(case, network, None).0
}

/// The same, on the modem of a call before, or a new one.
pub(crate) fn on_one_modem(case: &Case, network: &Network, modem: Option<Modem>) -> (Ended, Modem) {
    let mut call = WithSpandsp {
        case,
        network,
        folder: tempfile::tempdir().unwrap(),
        us: modem.map_or_else(|| Station::new(network), |modem| Station::with(modem, network)),
        terminal: None,
        now: Time::ZERO,
        theirs_done: None,
        is_cleared: false,
        is_cancelled: false,
    };
    let mut line = network.line();
    if case.way.they_call() {
        call.us.modem.ring(Some(&Caller::default()));
        assert!(String::from_utf8(call.us.modem.read()).unwrap().contains("RING"));
    }
    call.us.begin(call.now, Seat::new(case, case.document()));
    while !call.is_over() {
        call.step(&mut line);
        assert!(call.now.since(Time::ZERO) < CALL_TIME_MAX, "{case:?} does not end:\n{}", call.us.log);
    }
    call.end()
}

impl WithSpandsp<'_> {
    /// 20 ms.
    fn step(&mut self, line: &mut Line) {
        self.us.pump(self.now);
        self.user();
        self.exchange();
        self.us.port();
        let ours = self.us.modem.say(BLOCK_SAMPLES);
        let theirs =
            self.terminal.as_mut().map_or(vec![0; BLOCK_SAMPLES], |terminal| terminal.say(BLOCK_SAMPLES));
        let (to_us, to_them) = line.pass(ours, theirs);
        self.us.modem.hear(&to_us);
        if let Some(terminal) = &mut self.terminal {
            terminal.hear(to_them);
        }
        self.now = self.now + BLOCK;
        self.clear();
    }

    fn user(&mut self) {
        let gives_up = self.network.cancel_at.is_some_and(|at| self.now >= at);
        if gives_up && !std::mem::replace(&mut self.is_cancelled, true) {
            self.us.cancel(self.now);
        }
    }

    /// The number that was dialled is called, or our telephone is answered.
    fn exchange(&mut self) {
        let answered = std::iter::from_fn(|| self.us.modem.poll()).any(|event| event == Event::Answered);
        let rings = self.us.modem.hook() == Hook::Dialling && self.now.since(Time::ZERO) >= RINGS_AFTER;
        if rings && let Some(failure) = self.network.failure {
            self.us.modem.failed(failure);
            self.theirs_done.get_or_insert(self.now);
        } else if self.terminal.is_none() && (rings || answered) {
            if rings {
                self.us.modem.connected();
            }
            self.terminal = Some(AudioTerminal::new(&self.case.theirs(self.folder.path())));
        }
    }

    /// The network tells our modem that the other end has hung up, or that the call has been cut.
    fn clear(&mut self) {
        if self.terminal.as_ref().is_some_and(|terminal| terminal.result().is_some()) {
            self.theirs_done.get_or_insert(self.now);
        }
        let is_due = self.theirs_done.is_some_and(|at| self.now.since(at) > CLEARING)
            || self.network.drop_at.is_some_and(|at| self.now >= at);
        if is_due && !std::mem::replace(&mut self.is_cleared, true) {
            self.us.modem.hung_up();
        }
    }

    fn is_over(&self) -> bool {
        let other_is_over = self.theirs_done.is_some() || self.network.drop_at.is_some();
        self.us.done.is_some_and(|at| other_is_over || self.now.since(at) > PARTING_MAX)
    }

    fn end(mut self) -> (Ended, Modem) {
        self.us.check_end();
        let result = self.terminal.as_ref().and_then(AudioTerminal::result);
        drop(self.terminal);
        let closed = self.us.seat.take().unwrap().close();
        let they_have = || Case::received_by_them(self.folder.path());
        let ended = Ended {
            report: closed.report,
            theirs: Theirs::Spandsp(result),
            received: if self.case.way.they_send() { closed.received } else { they_have() },
            ended: self.now,
            on_hook: self.us.done.unwrap_or(self.now),
            trace: format!("{}\n{}", closed.trace, self.us.log),
        };
        (ended, self.us.modem)
    }
}
