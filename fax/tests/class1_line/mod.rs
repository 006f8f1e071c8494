//! Our engine over our Class 1 carrier over spandsp's soft modem, at the end of a telephone line; on a virtual clock.

use super::far_end::{CALL_TIME_MAX, Case, PARTING_MAX, Seat, Way};
use fax_peers::audio::{BLOCK_MS, BLOCK_SAMPLES, Config, Line};
use fax_peers::spandsp_t30::AudioTerminal;
use fax_peers::t31::{Caller, Event, Hook, Modem};
use fax_proto::at::Output;
use fax_proto::at::class1::{Carrier, CarrierConfig, HANG_UP_MAX};
use fax_proto::at::dialog::Dialog;
use fax_proto::at::profile::Profile;
use fax_proto::page::Page;
use fax_proto::session::Report;
use fax_proto::time::{Duration, Time};
use std::collections::VecDeque;
use std::fmt::Write as _;

pub(crate) const BLOCK: Duration = Duration::from_millis(BLOCK_MS);
/// From dialling to the first ring.
const RINGS_AFTER: Duration = Duration::from_secs(2);
/// How long the network takes to tell one end that the other has hung up.
const CLEARING: Duration = Duration::from_millis(400);
/// What a port takes in 20 ms at 115,200 bit/s.
const PORT_BYTES: usize = 230;

/// A station of ours.
pub(crate) struct Station {
    seat: Option<Seat>,
    pub(crate) carrier: Carrier,
    pub(crate) modem: Modem,
    /// Written, and not yet taken by the port.
    held: VecDeque<u8>,
    pub(crate) log: String,
    /// When the driver's part of the call was over.
    pub(crate) done: Option<Time>,
}

impl Station {
    /// A modem that is ready for a call.
    pub(crate) fn new(profile: Profile) -> Self {
        let mut modem = Modem::new();
        initialize(&mut modem, &profile);
        let carrier =
            Carrier::new(CarrierConfig { profile, dial: "5550123".into(), ..CarrierConfig::default() });
        Self { seat: None, carrier, modem, held: VecDeque::new(), log: String::new(), done: None }
    }

    pub(crate) fn begin(&mut self, now: Time, seat: Seat) {
        self.seat = Some(seat);
        self.pump(now);
    }

    /// Does all there is to do at this time.
    pub(crate) fn pump(&mut self, now: Time) {
        loop {
            let said = self.modem.read();
            if !said.is_empty() {
                self.note(now, '<', &said);
                self.carrier.received(now, &said);
            }
            if self.carrier.deadline().is_some_and(|deadline| deadline <= now) {
                self.carrier.tick(now);
            }
            if let Some(seat) = &mut self.seat {
                seat.tick(now);
                for command in seat.commands(now) {
                    self.carrier.command(now, command);
                }
            }
            let mut is_idle = said.is_empty();
            while let Some(output) = self.carrier.poll() {
                is_idle = false;
                self.output(now, output);
            }
            self.feed();
            if is_idle {
                break;
            }
        }
        let is_over = self.seat.as_ref().is_some_and(Seat::is_over) && self.carrier.is_idle();
        if is_over {
            self.done.get_or_insert(now);
        }
    }

    fn output(&mut self, now: Time, output: Output<fax_proto::carrier::Signal>) {
        match output {
            Output::Write(bytes) => {
                self.note(now, '>', &bytes);
                self.held.extend(bytes);
            }
            Output::Discard => self.held.clear(),
            Output::Flow(_) => {}
            Output::Dtr(false) => self.modem.dtr_off(),
            Output::Dtr(true) => {}
            Output::Tell(signal) => {
                if let Some(seat) = &mut self.seat {
                    seat.signal(now, signal);
                }
            }
        }
    }

    /// Once in a block.
    fn port(&mut self) {
        if self.modem.is_ready() && self.held.len() > PORT_BYTES {
            let taken: Vec<u8> = self.held.drain(..PORT_BYTES).collect();
            self.modem.write(&taken);
        }
    }

    /// What is short goes out at once.
    fn feed(&mut self) {
        if self.modem.is_ready() && self.held.len() <= PORT_BYTES {
            let taken: Vec<u8> = self.held.drain(..).collect();
            self.modem.write(&taken);
        }
    }

    fn note(&mut self, now: Time, way: char, bytes: &[u8]) {
        let text = bytes.iter().take(40).fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{}", byte.escape_ascii());
            text
        });
        let _ = writeln!(self.log, "{now} {way} {} {text}", bytes.len());
    }
}

/// The dialog of a profile with a modem.
pub(crate) fn initialize(modem: &mut Modem, profile: &Profile) {
    let mut dialog = Dialog::new(profile.start());
    dialog.start(Time::ZERO);
    loop {
        match dialog.poll() {
            Some(Output::Write(bytes)) => {
                modem.write(&bytes);
                dialog.received(Time::ZERO, &modem.read());
            }
            Some(Output::Tell(result)) => break drop(result.expect("the modem is ready")),
            other => panic!("{other:?}"),
        }
    }
}

/// What came of a call.
pub(crate) struct Ended {
    pub(crate) report: Report,
    /// What the other end holds of it.
    pub(crate) theirs: Theirs,
    pub(crate) received: Vec<Page>,
    pub(crate) ended: Time,
    pub(crate) trace: String,
}

#[derive(Debug)]
pub(crate) enum Theirs {
    Ours(Box<Report>),
    Spandsp(Option<i32>),
    /// It never rang there.
    Nobody,
}

impl Ended {
    /// What is wrong, unless the call went on the terms of the case, both ends hold it for good and the pages are the same.
    pub(crate) fn fault(&self, case: &Case) -> Option<String> {
        let (ours, asked) = (self.report.negotiated, (case.speed, case.ecm, case.coding));
        if ours.is_some_and(|o| (o.speed, o.ecm_frame_octets.is_some(), o.coding) != asked) {
            return Some(format!("other terms than asked for: {ours:?}"));
        }
        self.fault_whatever_terms(&case.document())
    }

    /// The same on a line that may make a station change the terms.
    pub(crate) fn fault_whatever_terms(&self, sent: &[Page]) -> Option<String> {
        if !self.report.outcome.is_success() {
            return Some(format!("we say: {}", self.report.outcome));
        }
        match &self.theirs {
            Theirs::Ours(report) if !report.outcome.is_success() => {
                return Some(format!("they say: {}", report.outcome));
            }
            Theirs::Spandsp(result) if *result != Some(0) => {
                return Some(format!("spandsp says: {result:?}"));
            }
            _ => {}
        }
        if self.report.pages_confirmed() != sent.len() {
            return Some(format!("{} pages confirmed", self.report.pages_confirmed()));
        }
        (self.received != sent)
            .then(|| format!("{} of {} pages, or not the same", self.received.len(), sent.len()))
    }
}

/// What the network does.
#[derive(Clone, Debug, Default)]
pub(crate) struct Network {
    pub(crate) line: Config,
    /// Both ends are cut off then.
    pub(crate) drop_at: Option<Time>,
    pub(crate) profile: Profile,
}

impl Network {
    /// After a drop there is nothing to hear.
    fn line(&self) -> Line {
        let mut config = self.line.clone();
        config.silent_ms.extend(self.drop_at.map(|at| at.0 / 1000..u64::MAX));
        Line::new(&config)
    }
}

/// A call between our station and spandsp's terminal.
pub(crate) fn with_spandsp(case: &Case, network: &Network) -> Ended {
    let folder = tempfile::tempdir().unwrap();
    let mut us = Station::new(network.profile.clone());
    let mut seat = Some(Seat::new(case, case.document()));
    let mut terminal: Option<AudioTerminal> = None;
    let mut line = network.line();
    let (mut now, mut theirs_done, mut cleared) = (Time::ZERO, None, false);
    if case.way.they_call() {
        us.modem.ring(Some(&Caller::default()));
        assert!(String::from_utf8(us.modem.read()).unwrap().contains("RING"));
    }
    us.begin(now, seat.take().unwrap());
    loop {
        us.pump(now);
        while let Some(event) = us.modem.poll() {
            if event == Event::Answered {
                terminal = Some(AudioTerminal::new(&case.theirs(folder.path())));
            }
        }
        if terminal.is_none() && us.modem.hook() == Hook::Dialling && now.since(Time::ZERO) >= RINGS_AFTER {
            us.modem.connected();
            terminal = Some(AudioTerminal::new(&case.theirs(folder.path())));
        }
        us.port();
        let ours = us.modem.say(BLOCK_SAMPLES);
        let theirs = terminal.as_mut().map_or(vec![0; BLOCK_SAMPLES], |terminal| terminal.say(BLOCK_SAMPLES));
        let (to_us, to_them) = line.pass(ours, theirs);
        us.modem.hear(&to_us);
        if let Some(terminal) = &mut terminal {
            terminal.hear(to_them);
        }
        now = now + BLOCK;
        if terminal.as_ref().is_some_and(|terminal| terminal.result().is_some()) {
            theirs_done.get_or_insert(now);
        }
        let is_cleared = theirs_done.is_some_and(|at: Time| now.since(at) > CLEARING)
            || network.drop_at.is_some_and(|at| now >= at);
        if is_cleared && !cleared {
            cleared = true;
            us.modem.hung_up();
        }
        match us.done {
            Some(_) if theirs_done.is_some() || network.drop_at.is_some() => break,
            Some(at) if now.since(at) > PARTING_MAX => break,
            _ => {}
        }
        assert!(now.since(Time::ZERO) < CALL_TIME_MAX, "{case:?} does not end:\n{}", us.log);
    }
    us.check_end();
    let result = terminal.as_ref().and_then(AudioTerminal::result);
    drop(terminal);
    let closed = us.seat.take().unwrap().close();
    let received = if case.way.they_send() { closed.received } else { Case::received_by_them(folder.path()) };
    Ended {
        report: closed.report,
        theirs: Theirs::Spandsp(result),
        received,
        ended: now,
        trace: format!("{}\n{}", closed.trace, us.log),
    }
}

impl Station {
    /// However the call went, the modem is on hook and takes commands.
    pub(crate) fn check_end(&mut self) {
        assert!(self.carrier.is_idle() && self.carrier.deadline().is_none(), "{}", self.log);
        assert!(self.carrier.is_on_hook_for_sure(), "{}", self.log);
        assert_eq!(self.modem.hook(), Hook::On, "{}", self.log);
        self.modem.read();
        self.modem.write(b"AT\r");
        assert_eq!(self.modem.read(), b"\r\nOK\r\n", "{}", self.log);
    }
}

/// A call between two stations of ours; the one that calls sends.
pub(crate) fn with_ourselves(case: &Case, network: &Network) -> Ended {
    let mut ends = [Station::new(network.profile.clone()), Station::new(network.profile.clone())];
    let mut line = network.line();
    let (mut now, mut cleared, mut hung_up_at) = (Time::ZERO, [false; 2], [None; 2]);
    ends[0].begin(now, Seat::new(&Case { way: Way::Send, ..*case }, case.document()));
    loop {
        ends.iter_mut().for_each(|end| end.pump(now));
        for at in 0..2 {
            while let Some(event) = ends[at].modem.poll() {
                match event {
                    Event::Dialled(number) => assert_eq!(number, "5550123"),
                    Event::Answered => ends[0].modem.connected(),
                    Event::OnHook => hung_up_at[at] = Some(now),
                }
            }
        }
        if ends[1].seat.is_none() && now.since(Time::ZERO) >= RINGS_AFTER {
            ends[1].modem.ring(Some(&Caller::default()));
            ends[1].modem.read();
            ends[1].begin(now, Seat::new(&Case { way: Way::Receive, ..*case }, Vec::new()));
        }
        ends.iter_mut().for_each(Station::port);
        let said = ends.each_mut().map(|end| end.modem.say(BLOCK_SAMPLES));
        let [first, second] = said;
        let (to_first, to_second) = line.pass(first, second);
        ends[0].modem.hear(&to_first);
        ends[1].modem.hear(&to_second);
        now = now + BLOCK;
        for at in 0..2 {
            let other = hung_up_at[1 - at].is_some_and(|at| now.since(at) > CLEARING);
            if (other || network.drop_at.is_some_and(|at| now >= at)) && !cleared[at] {
                cleared[at] = true;
                ends[at].modem.hung_up();
            }
        }
        if ends.iter().all(|end| end.done.is_some()) {
            break;
        }
        let limit = if network.drop_at.is_some() { Duration::from_secs(400) } else { CALL_TIME_MAX };
        if network.drop_at.is_some_and(|at| at < Time::ZERO + RINGS_AFTER) && ends[0].done.is_some() {
            break;
        }
        let logs = || format!("{}\n---\n{}", ends[0].log, ends[1].log);
        assert!(now.since(Time::ZERO) < limit + HANG_UP_MAX, "{case:?} does not end:\n{}", logs());
    }
    ends.iter_mut().for_each(Station::check_end);
    let [first, second] = ends;
    let ours = first.seat.unwrap().close();
    let Some(theirs) = second.seat.map(Seat::close) else {
        let trace = format!("{}\n{}", ours.trace, first.log);
        return Ended {
            report: ours.report,
            theirs: Theirs::Nobody,
            received: Vec::new(),
            ended: now,
            trace,
        };
    };
    Ended {
        report: ours.report,
        theirs: Theirs::Ours(Box::new(theirs.report)),
        received: theirs.received,
        ended: now,
        trace: format!("{}\n{}\n---\n{}\n{}", ours.trace, first.log, theirs.trace, second.log),
    }
}
