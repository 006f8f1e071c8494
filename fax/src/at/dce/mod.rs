//! A Class 1 modem, seen from its program: AT commands and shielded data on one side, the carrier seam on the other.
//!
//! A [`Dce`] behaves towards a program (HylaFAX, efax, mgetty) as a Class 1 or 1.0 modem (ITU-T T.31, with the commands
//! of V.250 that such programs use; no V.34), and drives any [carrier](crate::carrier): the simulated line, a Class 1
//! modem, T.38. It knows no port and no clock: the driver hands in bytes, rings and signals with the time, takes
//! [`Output`]s until there are none, and wakes it at [`Dce::deadline`].
//!
//! The carrier takes frames and images whole, so the modem stores and forwards: what the program sends after a CONNECT
//! is collected up to its `<DLE><ETX>`, goes out then, and its OK comes when the last bit has left. For a page that can
//! be as long as the page takes on the line, and programs wait for 30 s (efax) or a minute (HylaFAX). On a line that
//! takes images piece by piece ([`DceConfig::streams`]; the simulated one and a Class 1 modem do) they go out as they
//! come, and the program is held to the speed of the line. What comes in goes to the program as it comes.
//!
//! Promises, for any program and any line:
//! - every command line has exactly one result code, but for those that a hang-up in command mode makes moot;
//! - nothing is dialled but by [`Output::Dial`], which the driver allows ([`Dce::proceed`]) or not;
//! - every wait has a deadline: a line is never held by a program that does nothing for [`IDLE_MAX`];
//! - no bytes, rings or signals, in whatever order, make it panic or hold more than its limits.

mod answers;
mod execute;
mod line;
mod modulation;
mod receiving;
mod registers;
mod results;
mod sending;
mod shielded;
mod watch;
mod words;

pub use line::LINE_OCTETS_MAX;
pub use registers::ServiceClass;

use crate::carrier::{Command, HangUp, ImageKind, Piece, Signal, SpeedSet};
use crate::hdlc::Encoder;
use crate::time::{Duration, Time};
use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::vec::Vec;
use line::{Editor, Line};
use receiving::Listening;
use registers::Registers;
use results::Code;
use sending::Collecting;
use watch::Watch;

/// Bytes of the program that wait while the modem is busy.
pub const INPUT_OCTETS_MAX: usize = 4096;
/// A program off hook that neither says nor hears anything for this long has forgotten the call.
pub const IDLE_MAX: Duration = Duration::from_secs(180);
/// No call goes on for longer than this.
pub const CALL_TIME_MAX: Duration = Duration::from_secs(4 * 3600);
/// A call that rings this often at nobody is let go.
pub const RINGS_MAX: u8 = 15;
/// From one RING to the next.
pub const RING_EVERY: Duration = Duration::from_secs(4);
/// A program that is in the middle of its commands would not hear a RING, or end the call with its next command: it
/// rings when it has been quiet for this long, but not more than so much later.
const RING_QUIET: Duration = Duration::from_secs(1);
const RING_LATE_MAX: Duration = Duration::from_secs(8);
/// A byte so soon after ATD or ATA is the rest of the command line, and no wish to give up (V.250 clause 5.6.1).
const ABORT_GUARD: Duration = Duration::from_millis(125);
/// CED with its silences takes 3.5 s; a carrier that is not done by then is stuck.
const ANSWER_WAIT: Duration = Duration::from_secs(60);

/// What a virtual modem can do.
#[derive(Clone, Debug)]
pub struct DceConfig {
    /// What the line can do, for `+FTM` and `+FRM`.
    pub speeds: SpeedSet,
    /// Bytes taken from the program for one image; more is an error.
    pub image_octets_max: usize,
    /// Whether the line takes images piece by piece ([`Output::Piece`]).
    pub streams: bool,
}

impl Default for DceConfig {
    /// Every speed, images of 16 MiB, and whole.
    fn default() -> Self {
        Self { speeds: SpeedSet::ALL, image_octets_max: 16 << 20, streams: false }
    }
}

/// Who calls, as `+VCID=1` tells the program; digits, at most what a telephone number has.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Caller {
    /// The number that calls (`NMBR=`).
    pub caller: Option<String>,
    /// The number that is called (`NDID=`).
    pub called: Option<String>,
}

/// What the modem wants of its driver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Bytes for the program.
    Write(Vec<u8>),
    /// The program wants to call: what stands behind `ATD`, as it stands. Answer with [`Dce::proceed`], or with
    /// [`Signal::HungUp`] where the call cannot be.
    Dial(String),
    /// For the line.
    Command(Command),
    /// For a line that takes images piece by piece; in the place of one [`Command::SendImage`].
    Piece(Piece),
}

/// What the modem is at.
#[derive(Debug)]
enum Doing {
    /// Waiting for a command line.
    Commands,
    /// The driver has not yet said whether the call may be made.
    Asking,
    /// The call is being made, since then.
    Dialling(Time),
    /// The call is being answered, since then.
    Answering(Time),
    /// Data of the program are coming in.
    Collecting(Collecting),
    /// The line sends, or is silent.
    Sending,
    /// `+FRH=3`.
    Frames {
        /// CONNECT was said.
        connected: bool,
        /// The last frame was given to the program; its OK comes when the carrier has gone.
        given: bool,
    },
    /// `+FRM`.
    Image { kind: ImageKind, connected: bool, encoder: Encoder },
    /// `+FRM` under `+FAR=1`, where something else came: if it is V.21, the program gets that.
    Adapting,
    /// `+FRS`: this long once the carrier is gone.
    Quiet(Duration),
}

/// A call that comes in.
#[derive(Debug)]
struct Ringing {
    from: Caller,
    rings: u8,
    next: Time,
    since: Time,
}

/// A virtual modem.
#[derive(Debug)]
pub struct Dce {
    config: DceConfig,
    registers: Registers,
    editor: Editor,
    /// Bytes of the program that are still to be looked at.
    input: VecDeque<u8>,
    /// What of the present command line is still to be done.
    rest: String,
    doing: Doing,
    /// When what it is at is over, or looked at again.
    deadline: Option<Time>,
    off_hook: bool,
    /// When a call is given up in which nothing happens, and when any call is.
    idle_until: Time,
    call_until: Time,
    ringing: Option<Ringing>,
    /// When the program last said something.
    spoken: Option<Time>,
    listening: Option<Listening>,
    watch: Watch,
    out: VecDeque<Output>,
}

impl Dce {
    /// A modem on hook, as after `AT&F`.
    #[must_use]
    pub fn new(config: DceConfig) -> Self {
        Self {
            config,
            registers: Registers::default(),
            editor: Editor::default(),
            input: VecDeque::new(),
            rest: String::new(),
            doing: Doing::Commands,
            deadline: None,
            off_hook: false,
            idle_until: Time::ZERO,
            call_until: Time::ZERO,
            ringing: None,
            spoken: None,
            listening: None,
            watch: Watch::default(),
            out: VecDeque::new(),
        }
    }

    /// How many bytes of the program are taken now: that is its flow control.
    #[must_use]
    pub fn room(&self) -> usize {
        INPUT_OCTETS_MAX.saturating_sub(self.input.len())
    }

    /// Whether there is no call: none is made, answered or going on. A call that only rings counts as none.
    #[must_use]
    pub fn is_on_hook(&self) -> bool {
        !self.off_hook && !matches!(self.doing, Doing::Asking)
    }

    /// Whether a call comes in that was not answered yet.
    #[must_use]
    pub fn is_ringing(&self) -> bool {
        self.ringing.is_some()
    }

    /// Bytes from the program; what is more than [`Dce::room`] is lost.
    pub fn received(&mut self, now: Time, bytes: &[u8]) {
        self.stir(now);
        self.spoken = Some(now);
        let room = self.room();
        self.input.extend(bytes.iter().take(room));
        self.run(now);
    }

    /// The program has closed its device, or dropped DTR: the call is over, and what was not yet said is forgotten.
    pub fn unplugged(&mut self) {
        self.input.clear();
        self.editor.clear();
        self.rest.clear();
        self.out.retain(|output| !matches!(output, Output::Write(_)));
        self.doing = Doing::Commands;
        self.deadline = None;
        self.hang_up();
    }

    /// The gateway ends the call, if there is one or one comes in. The program is told NO CARRIER.
    pub fn give_up(&mut self, now: Time) {
        self.ringing = None;
        if self.off_hook {
            self.drop_call(now);
        }
    }

    /// A call comes in. It rings until the program answers, until [`Signal::HungUp`], or [`RINGS_MAX`] times.
    /// Nothing rings during another call.
    pub fn ring(&mut self, now: Time, from: Caller) {
        if !self.is_on_hook() {
            return;
        }
        self.ringing = Some(Ringing { from, rings: 0, next: now, since: now });
        self.tick(now);
    }

    /// The call that the program wants is to be made.
    pub fn proceed(&mut self, now: Time) {
        if matches!(self.doing, Doing::Asking) {
            self.begin_call(now);
            self.command(Command::Call);
            self.wait(now, Doing::Dialling(now), self.registers.carrier_wait());
        }
    }

    /// Time has passed ([`Dce::deadline`]).
    pub fn tick(&mut self, now: Time) {
        if self.deadline.is_some_and(|deadline| deadline <= now) {
            self.deadline = None;
            self.late(now);
        }
        if self.off_hook && self.given_up_at() <= now {
            self.drop_call(now);
        }
        if self.ringing.as_ref().is_some_and(|ringing| ringing.next <= now) {
            self.ring_once(now);
        }
        self.run(now);
    }

    /// The next thing that the modem wants; `None` until it has been told something more.
    #[must_use]
    pub fn poll(&mut self) -> Option<Output> {
        self.out.pop_front()
    }

    /// When to call [`Dce::tick`]; `None` where nothing is awaited.
    #[must_use]
    pub fn deadline(&self) -> Option<Time> {
        let ring = self.ringing.as_ref().map(|ringing| ringing.next);
        let idle = self.off_hook.then(|| self.given_up_at());
        [self.deadline, ring, idle].into_iter().flatten().min()
    }

    /// The line says something.
    pub fn signal(&mut self, now: Time, signal: Signal) {
        self.stir(now);
        match signal {
            Signal::HungUp(why) => self.hung_up(now, why),
            Signal::Connected => {
                if matches!(self.doing, Doing::Dialling(_)) {
                    self.deadline = Some(now + self.registers.carrier_wait());
                }
            }
            Signal::Sent => self.sent(now),
            Signal::CarrierUp => self.carrier_up(now),
            Signal::CarrierLost => self.carrier_lost(now),
            Signal::TrainingFailed => self.training_failed(now),
            Signal::Frame { octets, fcs_ok } => self.frame(now, octets, fcs_ok),
            Signal::Data(bytes) => self.data(&bytes),
        }
        self.run(now);
    }

    /// Looks at the bytes of the program, as far as the modem is free to.
    fn run(&mut self, now: Time) {
        while !matches!(self.doing, Doing::Asking | Doing::Sending)
            && !self.is_ahead(now)
            && let Some(byte) = self.input.pop_front()
        {
            match &mut self.doing {
                Doing::Commands => self.command_byte(now, byte),
                Doing::Dialling(since) | Doing::Answering(since) => {
                    if now.since(*since) >= ABORT_GUARD {
                        self.drop_call(now);
                    }
                }
                Doing::Collecting(_) => self.collect(now, byte),
                Doing::Frames { .. } | Doing::Image { .. } | Doing::Adapting | Doing::Quiet(_) => {
                    self.interrupt(now, byte);
                }
                Doing::Asking | Doing::Sending => {}
            }
        }
    }

    fn command_byte(&mut self, now: Time, byte: u8) {
        let mut echo = Vec::new();
        let line = self.editor.push(byte, &self.registers, &mut echo);
        self.write(&echo);
        match line {
            None => {}
            Some(Line::TooLong) => self.say(Code::Error),
            Some(Line::Body(body)) => {
                self.rest = body;
                self.execute_rest(now);
            }
        }
    }

    /// What the modem waited for has not come in time.
    fn late(&mut self, now: Time) {
        match &self.doing {
            Doing::Quiet(_) if !self.hears() => self.finish(now, Code::Ok),
            Doing::Quiet(_) => self.finish(now, Code::Error),
            Doing::Adapting => self.finish(now, Code::FcError),
            Doing::Frames { given: true, .. } => self.finish(now, Code::Ok),
            // It was the modem that made the program wait.
            Doing::Collecting(_) if !self.input.is_empty() => {}
            Doing::Collecting(collecting) => {
                if collecting.has_begun() && self.off_hook {
                    self.out.push_back(Output::Piece(Piece::End));
                }
                self.finish(now, Code::Error);
            }
            Doing::Dialling(_) | Doing::Answering(_) | Doing::Sending => self.drop_call(now),
            Doing::Image { .. } => {
                self.end_data();
                self.finish(now, Code::NoCarrier);
            }
            Doing::Commands | Doing::Asking | Doing::Frames { .. } => {}
        }
    }

    fn hung_up(&mut self, now: Time, why: HangUp) {
        self.ringing = None;
        self.listening = None;
        self.off_hook = false;
        let code = match (&self.doing, why) {
            // The program still sends; its data must not be taken for commands.
            (Doing::Collecting(_) | Doing::Commands, _) => return,
            // The frame before the end was whole.
            (Doing::Frames { given: true, .. }, _) => Code::Ok,
            (_, HangUp::Busy) => Code::Busy,
            (_, HangUp::NoAnswer) => Code::NoAnswer,
            (_, HangUp::NoDialTone) => Code::NoDialTone,
            _ => Code::NoCarrier,
        };
        self.end_data();
        self.finish(now, code);
    }

    fn ring_once(&mut self, now: Time) {
        let Some(ringing) = &mut self.ringing else { return };
        let quiet_from = self.spoken.map_or(Time::ZERO, |spoken| spoken + RING_QUIET);
        if now < quiet_from && now.since(ringing.since) < RING_LATE_MAX {
            ringing.next = quiet_from;
            return;
        }
        ringing.next = now + RING_EVERY;
        if ringing.rings == RINGS_MAX {
            self.ringing = None;
            return;
        }
        if !matches!(self.doing, Doing::Commands) {
            return;
        }
        ringing.rings = ringing.rings.saturating_add(1);
        let rings = ringing.rings;
        if rings == 1 && self.registers.caller_id {
            let from = core::mem::take(&mut ringing.from);
            self.tell_caller(&from);
        }
        self.say(Code::Ring);
        let answers = self.registers.answers_after().is_some_and(|after| rings >= after);
        if answers && self.registers.class != ServiceClass::Data {
            self.answer(now);
        }
    }

    /// Takes the call that rings; CONNECT follows CED.
    fn answer(&mut self, now: Time) {
        self.ringing = None;
        self.begin_call(now);
        self.command(Command::Answer);
        self.wait(now, Doing::Answering(now), ANSWER_WAIT);
    }

    fn begin_call(&mut self, now: Time) {
        self.off_hook = true;
        self.watch = Watch::default();
        self.call_until = now + CALL_TIME_MAX;
        self.stir(now);
    }

    /// Something happened.
    fn stir(&mut self, now: Time) {
        self.idle_until = now + IDLE_MAX;
    }

    /// When a call is given up in any case. While an image is sent nothing is heard, and that has its own deadline.
    fn given_up_at(&self) -> Time {
        match (&self.doing, self.deadline) {
            (Doing::Sending, Some(deadline)) => deadline.min(self.call_until),
            _ => self.idle_until.min(self.call_until),
        }
    }

    /// Hangs up; the program is told.
    fn drop_call(&mut self, now: Time) {
        self.hang_up();
        match self.doing {
            Doing::Commands | Doing::Collecting(_) => {}
            _ => {
                self.end_data();
                self.finish(now, Code::NoCarrier);
            }
        }
    }

    fn hang_up(&mut self) {
        self.listening = None;
        if core::mem::take(&mut self.off_hook) {
            self.out.push_back(Output::Command(Command::HangUp));
        }
    }

    fn wait(&mut self, now: Time, doing: Doing, time: Duration) {
        self.doing = doing;
        self.deadline = Some(now + time);
    }

    /// The command that the modem was at is over.
    fn finish(&mut self, now: Time, code: Code) {
        self.doing = Doing::Commands;
        self.deadline = None;
        if code == Code::Ok && !self.rest.is_empty() {
            self.execute_rest(now);
        } else {
            self.rest.clear();
            self.say(code);
        }
    }

    fn say(&mut self, code: Code) {
        let mut bytes = Vec::new();
        results::code(code, &self.registers, &mut bytes);
        self.write(&bytes);
    }

    fn say_text(&mut self, text: &str) {
        let mut bytes = Vec::new();
        results::text(text, &self.registers, &mut bytes);
        self.write(&bytes);
    }

    /// Bytes for the program, put to those that wait.
    fn write(&mut self, bytes: &[u8]) {
        match self.out.back_mut() {
            _ if bytes.is_empty() => {}
            Some(Output::Write(waiting)) => waiting.extend_from_slice(bytes),
            _ => self.out.push_back(Output::Write(bytes.to_vec())),
        }
    }

    fn command(&mut self, command: Command) {
        self.listening = match command {
            Command::Call | Command::ListenFrames => Some(Listening::default()),
            _ => None,
        };
        self.out.push_back(Output::Command(command));
    }
}
