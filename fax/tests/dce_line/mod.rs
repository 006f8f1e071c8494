//! Our engine over our Class 1 carrier over a virtual modem over the simulated line; on a virtual clock.

use super::far_end::{CALL_TIME_MAX, Case, Closed, PARTING_MAX, Seat, Way};
use fax_proto::at::Output;
use fax_proto::at::class1::{Carrier, CarrierConfig};
use fax_proto::at::dce::{self, Caller, Dce, DceConfig};
use fax_proto::at::dialog::Dialog;
use fax_proto::at::profile::Profile;
use fax_proto::sim::air::AirConfig;
use fax_proto::sim::call::{Call, End, Event};
use fax_proto::time::Time;
use std::collections::VecDeque;
use std::fmt::Write as _;

/// What stands at an end of the line.
pub(crate) enum Station {
    /// Our engine on the line itself.
    Engine(Box<Seat>),
    /// Our engine with a Class 1 carrier, which finds a virtual modem.
    Modem(Box<Program>),
}

/// A program at a virtual modem.
pub(crate) struct Program {
    seat: Seat,
    carrier: Carrier,
    dce: Dce,
    /// Written, and not yet taken.
    held: VecDeque<u8>,
    log: String,
    begun: bool,
}

impl Station {
    pub(crate) fn engine(case: &Case) -> Self {
        Self::Engine(Box::new(Seat::new(case, case.document())))
    }

    pub(crate) fn modem(case: &Case, streams: bool) -> Self {
        let profile = Profile::default();
        let mut dce = Dce::new(DceConfig { streams, ..DceConfig::default() });
        initialize(&mut dce, &profile);
        let carrier =
            Carrier::new(CarrierConfig { profile, dial: "5550123".into(), ..CarrierConfig::default() });
        let seat = Seat::new(case, case.document());
        let (held, log) = (VecDeque::new(), String::new());
        Self::Modem(Box::new(Program { seat, carrier, dce, held, log, begun: false }))
    }

    /// The station begins to call, or its telephone rings.
    fn begin(&mut self, now: Time, end: End, call: &mut Call) {
        if let Self::Modem(program) = self {
            program.begun = true;
            if end == End::Answerer {
                program.dce.ring(now, Caller::default());
            }
        }
        self.pump(now, end, call);
    }

    fn signal(&mut self, now: Time, signal: fax_proto::carrier::Signal) {
        match self {
            Self::Engine(seat) => seat.signal(now, signal),
            Self::Modem(program) => {
                let _ = writeln!(program.log, "{now} line {}", shown(&signal));
                program.dce.signal(now, signal);
            }
        }
    }

    /// Does all there is to do at this time.
    fn pump(&mut self, now: Time, end: End, call: &mut Call) {
        match self {
            Self::Engine(seat) => {
                seat.tick(now);
                for command in seat.commands(now) {
                    call.command(now, end, command);
                }
            }
            Self::Modem(program) => while program.step(now, end, call) {},
        }
    }

    fn deadline(&self) -> Option<Time> {
        match self {
            Self::Engine(seat) => seat.deadline(),
            Self::Modem(program) if !program.begun => None,
            Self::Modem(program) => {
                let deadlines = [program.seat.deadline(), program.carrier.deadline(), program.dce.deadline()];
                deadlines.into_iter().flatten().min()
            }
        }
    }

    fn is_over(&self) -> bool {
        match self {
            Self::Engine(seat) => seat.is_over(),
            Self::Modem(program) => {
                program.seat.is_over() && program.carrier.is_idle() && program.dce.is_on_hook()
            }
        }
    }

    fn log(&self) -> &str {
        match self {
            Self::Engine(_) => "",
            Self::Modem(program) => &program.log,
        }
    }

    fn close(self) -> (Closed, String) {
        match self {
            Self::Engine(seat) => (seat.close(), String::new()),
            Self::Modem(mut program) => {
                assert!(program.carrier.is_on_hook_for_sure(), "{}", program.log);
                while program.dce.poll().is_some() {}
                program.dce.received(Time(u64::MAX / 2), b"AT\r");
                let answer = program.dce.poll();
                assert_eq!(answer, Some(dce::Output::Write(b"\r\nOK\r\n".to_vec())), "{}", program.log);
                (program.seat.close(), program.log)
            }
        }
    }
}

impl Program {
    /// One round; whether anything was done.
    fn step(&mut self, now: Time, end: End, call: &mut Call) -> bool {
        let mut is_busy = false;
        if self.dce.deadline().is_some_and(|deadline| deadline <= now) {
            self.dce.tick(now);
        }
        while let Some(output) = self.dce.poll() {
            is_busy = true;
            match output {
                dce::Output::Write(bytes) => {
                    self.note(now, '<', &bytes);
                    self.carrier.received(now, &bytes);
                }
                dce::Output::Dial(digits) => {
                    assert!(digits.ends_with("5550123"), "{digits}");
                    self.dce.proceed(now);
                }
                dce::Output::Piece(piece) => {
                    let _ = writeln!(self.log, "{now} line {}", shown(&piece));
                    call.piece(now, end, piece);
                }
                dce::Output::Command(command) => {
                    let _ = writeln!(self.log, "{now} line {}", shown(&command));
                    call.command(now, end, command);
                }
            }
        }
        if self.carrier.deadline().is_some_and(|deadline| deadline <= now) {
            self.carrier.tick(now);
        }
        self.seat.tick(now);
        for command in self.seat.commands(now) {
            self.carrier.command(now, command);
        }
        while let Some(output) = self.carrier.poll() {
            is_busy = true;
            match output {
                Output::Write(bytes) => {
                    self.note(now, '>', &bytes);
                    self.held.extend(bytes);
                }
                Output::Discard => self.held.clear(),
                Output::Dtr(false) => self.dce.unplugged(),
                Output::Dtr(true) | Output::Flow(_) => {}
                Output::Tell(signal) => self.seat.signal(now, signal),
            }
        }
        let taken: Vec<u8> = self.held.drain(..self.dce.room().min(self.held.len())).collect();
        if !taken.is_empty() {
            is_busy = true;
            self.dce.received(now, &taken);
        }
        is_busy
    }

    fn note(&mut self, now: Time, way: char, bytes: &[u8]) {
        let text = bytes.iter().take(40).map(|byte| byte.escape_ascii().to_string()).collect::<String>();
        let _ = writeln!(self.log, "{now} {way} {} {text}", bytes.len());
    }
}

/// The dialog of a profile with the modem.
fn initialize(dce: &mut Dce, profile: &Profile) {
    let mut dialog = Dialog::new(profile.start());
    dialog.start(Time::ZERO);
    loop {
        match dialog.poll() {
            Some(Output::Write(bytes)) => {
                dce.received(Time::ZERO, &bytes);
                while let Some(output) = dce.poll() {
                    let dce::Output::Write(said) = output else { panic!("{output:?}") };
                    dialog.received(Time::ZERO, &said);
                }
            }
            Some(Output::Tell(result)) => break drop(result.expect("the modem is ready")),
            Some(Output::Flow(_)) => {}
            other => panic!("{other:?}"),
        }
    }
}

fn shown(value: &impl std::fmt::Debug) -> String {
    format!("{value:?}").chars().take(100).collect()
}

/// A call that is over.
pub(crate) struct Ended {
    pub(crate) sender: Closed,
    /// `None` where its telephone never rang.
    pub(crate) receiver: Option<Closed>,
    pub(crate) ended: Time,
    pub(crate) log: String,
}

/// Runs a call between two stations.
pub(crate) fn run(case: &Case, mut caller: Station, mut answerer: Station, air: &AirConfig) -> Ended {
    let mut call = Call::new(air);
    let (mut now, mut rings, mut first_over) = (Time::ZERO, false, None);
    caller.begin(now, End::Caller, &mut call);
    loop {
        while let Some(event) = call.poll(now) {
            match event {
                Event::Signal(End::Caller, signal) => caller.signal(now, signal),
                Event::Signal(End::Answerer, signal) => answerer.signal(now, signal),
                Event::Ringing => {
                    rings = true;
                    answerer.begin(now, End::Answerer, &mut call);
                }
            }
            caller.pump(now, End::Caller, &mut call);
            if rings {
                answerer.pump(now, End::Answerer, &mut call);
            }
        }
        caller.pump(now, End::Caller, &mut call);
        if rings {
            answerer.pump(now, End::Answerer, &mut call);
        }
        if caller.is_over() && (answerer.is_over() || !rings) {
            break;
        }
        if caller.is_over() || answerer.is_over() {
            first_over.get_or_insert(now);
        }
        let far = if rings { answerer.deadline() } else { None };
        let Some(next) = [caller.deadline(), far, call.deadline()].into_iter().flatten().min() else { break };
        now = now.max(next);
        let is_late = first_over.is_some_and(|over| now.since(over) > PARTING_MAX);
        if is_late || now.since(Time::ZERO) > CALL_TIME_MAX {
            panic!("{case:?} does not end:\n{}\n---\n{}", caller.log(), answerer.log());
        }
    }
    let (first, mut log) = caller.close();
    log.insert_str(0, &first.trace);
    let second = rings.then(|| answerer.close()).map(|(closed, more)| {
        let _ = write!(log, "---\n{}{more}", closed.trace);
        closed
    });
    let (sender, receiver) = match second {
        Some(second) if case.way == Way::Fetch => (second, Some(first)),
        second => (first, second),
    };
    Ended { sender, receiver, ended: now, log }
}
