//! A simulated call in real time, for ends that the world has a say in: a virtual modem with a program behind it.
//!
//! The thread of the caller drives both ends. It waits by `poll(2)` for what wakes them, and for the next deadline.

use std::os::fd::BorrowedFd;
use std::time::Duration;

use fax::at::dce::Caller;
use fax::carrier::{Command, Signal};
use fax::sim::air::AirConfig;
use fax::sim::call::{Call, End, Event};
use fax::time::Time;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::clock::Stopwatch;
use crate::line::drive::FaxTerminal;
use crate::line::terminal::{Request, Terminal};
use crate::line::virtual_modem::Modem;

/// No call goes on for longer than this, whatever its ends want.
const CALL_TIME_MAX: Duration = Duration::from_secs(6 * 3600);
/// The longest wait without looking round.
const LOOK_ROUND: Duration = Duration::from_secs(60);

/// Who is called.
pub(super) enum Called<'a> {
    /// Our engine.
    Fax(Box<FaxTerminal<'a>>),
    /// A program, which hears it ring and is told who calls.
    Program(&'a mut Modem, Caller),
    /// Nobody; the network says what becomes of the call.
    Nobody,
}

impl Called<'_> {
    fn terminal(&mut self) -> Option<&mut dyn Terminal> {
        match self {
            Self::Fax(terminal) => Some(&mut **terminal),
            Self::Program(modem, _) => Some(*modem),
            Self::Nobody => None,
        }
    }
}

/// One end of the call.
struct Seat<'a> {
    end: End,
    terminal: Option<&'a mut dyn Terminal>,
    has_hung_up: bool,
    is_done: bool,
}

impl<'a> Seat<'a> {
    fn new(end: End, terminal: Option<&'a mut dyn Terminal>) -> Self {
        let is_done = terminal.is_none();
        Self { end, terminal, has_hung_up: false, is_done }
    }

    fn active(&mut self) -> Option<&mut (dyn Terminal + 'a)> {
        if self.is_done { None } else { self.terminal.as_deref_mut() }
    }

    fn signal(&mut self, now: Time, signal: Signal) {
        if let Some(terminal) = self.active() {
            terminal.signal(now, signal);
        }
    }

    fn tick(&mut self, now: Time) {
        if let Some(terminal) = self.active() {
            terminal.tick(now);
        }
    }

    /// Does what the terminal wants, until it wants nothing more.
    fn pump(&mut self, now: Time, call: &mut Call) {
        let end = self.end;
        while let Some(request) = self.active().and_then(|terminal| terminal.poll()) {
            match request {
                Request::Command(command) => {
                    self.has_hung_up |= command == Command::HangUp;
                    call.command(now, end, command);
                }
                Request::Piece(piece) => call.piece(now, end, piece),
                Request::Over => {
                    self.is_done = true;
                    if !std::mem::replace(&mut self.has_hung_up, true) {
                        call.command(now, end, Command::HangUp);
                    }
                }
            }
        }
    }

    fn deadline(&self) -> Option<Time> {
        if self.is_done { None } else { self.terminal.as_ref()?.deadline() }
    }

    fn wakes_by(&self) -> Option<BorrowedFd<'_>> {
        if self.is_done { None } else { self.terminal.as_ref()?.wakes_by() }
    }
}

/// Runs a call to its end, in real time. Gives whether it rang where it was called.
pub(super) fn run(air: &AirConfig, caller: &mut dyn Terminal, called: &mut Called<'_>) -> bool {
    let mut call = Call::new(air);
    let mut near = Seat::new(End::Caller, Some(caller));
    let mut is_ringing = false;
    let watch = Stopwatch::start();
    let mut now = Time::ZERO;
    loop {
        near.tick(now);
        near.pump(now, &mut call);
        if is_ringing {
            let mut far = Seat::new(End::Answerer, called.terminal());
            with_both(&mut call, &mut near, &mut far, now, watch);
            return true;
        }
        if let Some(event) = call.poll(now) {
            match event {
                Event::Signal(End::Caller, signal) => near.signal(now, signal),
                Event::Signal(End::Answerer, _) => {}
                Event::Ringing if near.is_done => {}
                Event::Ringing => {
                    is_ringing = true;
                    if let Called::Program(modem, from) = called {
                        modem.ring(now, from.clone());
                    }
                }
            }
            continue;
        }
        if near.is_done {
            return false;
        }
        now = wait(&near, None, call.deadline(), watch, now);
    }
}

/// The rest of a call, from the first ring on.
fn with_both(call: &mut Call, near: &mut Seat<'_>, far: &mut Seat<'_>, mut now: Time, watch: Stopwatch) {
    while !(near.is_done && far.is_done) && now.since(Time::ZERO) < CALL_TIME_MAX {
        near.tick(now);
        far.tick(now);
        near.pump(now, call);
        far.pump(now, call);
        while let Some(event) = call.poll(now) {
            match event {
                Event::Signal(End::Caller, signal) => near.signal(now, signal),
                Event::Signal(End::Answerer, signal) => far.signal(now, signal),
                Event::Ringing => {}
            }
            near.pump(now, call);
            far.pump(now, call);
        }
        if !(near.is_done && far.is_done) {
            now = wait(near, Some(far), call.deadline(), watch, now);
        }
    }
}

/// Waits for what comes first, and gives the time it then is.
fn wait(near: &Seat<'_>, far: Option<&Seat<'_>>, line: Option<Time>, watch: Stopwatch, now: Time) -> Time {
    let dues = [near.deadline(), far.and_then(|far| far.deadline()), line];
    let due = dues.into_iter().flatten().min();
    let elapsed = Time::ZERO + watch.elapsed();
    let time = due.map_or(LOOK_ROUND, |due| due.since(elapsed).min(LOOK_ROUND));
    let fds: Vec<BorrowedFd<'_>> =
        [near.wakes_by(), far.and_then(|far| far.wakes_by())].into_iter().flatten().collect();
    let mut fds: Vec<PollFd<'_>> = fds.iter().map(|fd| PollFd::new(fd, PollFlags::IN)).collect();
    let time = Timespec {
        tv_sec: i64::try_from(time.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: i64::from(time.subsec_nanos()),
    };
    // A wait that is cut short is as good.
    let _ = poll(&mut fds, Some(&time));
    (Time::ZERO + watch.elapsed()).max(now)
}
