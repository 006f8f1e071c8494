//! A fax modem that does T.30 itself, for tests: Class 2 (the draft SP-2388), 2.0 (T.32) and 2.1, seen from the side of the
//! modem. AT commands and image data go in and out as bytes, the telephone line is the carrier seam.
//!
//! Its T.30 is our own engine. The engine wants whole pages, and to know what follows one, while a modem is told bit by bit:
//! so the modem watches the frames that go by, and where it has to wait for its program it holds the line's signals back and
//! stops the engine's clock. A page is given to the engine twice: first a white one of the right size, so that training can
//! begin at `+FDT`, and then the one that the program has sent.
//!
//! Sans-IO: bytes, signals and the time go in, [`Output`]s come out. `office` puts one on a pseudo-terminal.
//!
//! Left out: polling, voice and data calls, PRI- messages, and EOM where the far end prints nothing but 204×98 on A4.

mod at;
mod call;
mod command;
mod foreign;
mod hangup;
pub mod office;
mod params;
pub mod pty;
mod receive;
mod send;
pub mod trunk;

use at::Line;
use call::Call;
use fax_proto::carrier::{Command, Signal};
use fax_proto::t30::capability::Capability;
use fax_proto::time::{Duration, Time};
use params::Params;
use std::collections::VecDeque;

const CR: u8 = b'\r';
const DLE: u8 = 0x10;
const ETX: u8 = 0x03;
const XON: u8 = 0x11;
const DC2: u8 = 0x12;
const CAN: u8 = 0x18;

/// The command sets of a modem that does T.30 itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// The draft that many modems have.
    Two,
    /// ITU-T T.32, TIA-592.
    TwoPointZero,
    /// T.32 of 2000. V.34 is not used.
    TwoPointOne,
}

impl Class {
    fn name(self) -> &'static str {
        match self {
            Self::Two => "2",
            Self::TwoPointZero => "2.0",
            Self::TwoPointOne => "2.1",
        }
    }

    /// Class 2.0 and 2.1 differ from 2 alike.
    fn is_draft(self) -> bool {
        self == Self::Two
    }
}

/// What a modem is.
#[derive(Clone, Debug)]
pub struct Config {
    /// The classes that it has.
    pub classes: Vec<Class>,
    /// What it can do.
    pub capability: Capability,
    /// What is odd about it.
    pub quirks: Quirks,
}

impl Default for Config {
    fn default() -> Self {
        let classes = vec![Class::Two, Class::TwoPointZero, Class::TwoPointOne];
        Self {
            classes,
            capability: Capability { password: true, ..Capability::FULL },
            quirks: Quirks::default(),
        }
    }
}

/// Where a call is made to fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Instead of the OK after dialling or answering.
    Call,
    /// At `+FDT` or `+FDR`.
    Page,
    /// After the data of a page.
    Data,
    /// Instead of the far end's answer to a page; where one receives, instead of the page's end.
    Answer,
}

/// What real modems do differently from one another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quirks {
    /// Received image data have their bits turned round, whatever `+FBOR` says (Rockwell).
    pub reversed_on_receive: bool,
    /// Class 2: XON comes before CONNECT.
    pub xon_first: bool,
    /// Class 2: no XON at all.
    pub no_xon: bool,
    /// Received data come without waiting for DC2.
    pub eager: bool,
    /// Everything is said so much later.
    pub late: Duration,
    /// No error correction, whatever is asked for.
    pub no_ecm: bool,
    /// `+FPS?` is not known.
    pub no_page_query: bool,
    /// `+FSA` and `+FPW` are not known.
    pub no_address: bool,
    /// No OK comes behind `+FHNG` or `+FHS`.
    pub no_last_ok: bool,
    /// The call ends at this stage with this code; `None` for the code: without a word but the result.
    pub fails: Option<(Stage, Option<u8>)>,
    /// The modem falls silent for good at this stage.
    pub falls_silent: Option<Stage>,
    /// So many data bytes of every received page are changed on the way to the program.
    pub damage: usize,
    /// Say so of a received page, whatever it is.
    pub page_status: Option<u8>,
}

impl Default for Quirks {
    fn default() -> Self {
        Self {
            reversed_on_receive: false,
            xon_first: false,
            no_xon: false,
            eager: false,
            late: Duration::ZERO,
            no_ecm: false,
            no_page_query: false,
            no_address: false,
            no_last_ok: false,
            fails: None,
            falls_silent: None,
            damage: 0,
            page_status: None,
        }
    }
}

/// What the modem wants of the world.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Bytes for the program.
    Bytes(Vec<u8>),
    /// It goes off hook and dials this. A `Command::Call` follows.
    Dial(String),
    /// It goes off hook to answer. A `Command::Answer` follows.
    Answer,
    /// For the line. `Command::HangUp` is the last of a call.
    Line(Command),
}

/// What the program's bytes mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Command,
    /// A command is being done; bytes are no commands.
    Busy,
    /// Image data of the program.
    Data,
    /// The program is to say that it is ready for data.
    Start,
    /// It has fallen silent.
    Dead,
}

/// The modem.
#[derive(Debug)]
pub struct Modem {
    config: Config,
    now: Time,
    mode: Mode,
    line: Line,
    echo: bool,
    verbose: bool,
    class: Option<Class>,
    params: Params,
    call: Option<Call>,
    out: VecDeque<(Time, Output)>,
    /// A call is coming in.
    is_ringing: bool,
    /// Image data of the program so far.
    data: Vec<u8>,
    after_dle: bool,
    /// Received data that wait for DC2.
    page: Vec<u8>,
    /// All commands that were given, for tests.
    pub commands: Vec<String>,
    /// Rows of pages from the program that could not be read.
    pub bad_rows: u32,
}

impl Modem {
    /// A modem on hook.
    #[must_use]
    pub fn new(config: Config) -> Self {
        Self {
            params: Params::new(&config.capability),
            config,
            now: Time::ZERO,
            mode: Mode::Command,
            line: Line::default(),
            echo: true,
            verbose: true,
            class: None,
            call: None,
            out: VecDeque::new(),
            is_ringing: false,
            data: Vec::new(),
            after_dle: false,
            page: Vec::new(),
            commands: Vec::new(),
            bad_rows: 0,
        }
    }

    /// The telephone rings once.
    pub fn ring(&mut self, now: Time) {
        self.now = now;
        if self.call.is_none() {
            self.is_ringing = true;
            self.say("RING");
        }
    }

    /// The caller has given up.
    pub fn ring_ends(&mut self) {
        self.is_ringing = false;
    }

    /// Whether it is on hook.
    #[must_use]
    pub fn is_on_hook(&self) -> bool {
        self.call.is_none()
    }

    /// What is odd about it, to be changed.
    #[must_use]
    pub fn quirks(&mut self) -> &mut Quirks {
        &mut self.config.quirks
    }

    /// Bytes of the program.
    pub fn write(&mut self, now: Time, bytes: &[u8]) {
        self.now = now;
        for byte in bytes {
            self.byte(*byte);
        }
        self.pump();
    }

    /// A signal of the line.
    pub fn signal(&mut self, now: Time, signal: Signal) {
        self.now = now;
        self.hear(signal);
        self.pump();
    }

    /// The program drops DTR: whatever stands ends.
    pub fn drop_dtr(&mut self, now: Time) {
        self.now = now;
        self.hang_up();
        self.mode = if self.mode == Mode::Dead { Mode::Dead } else { Mode::Command };
    }

    /// Time has passed.
    pub fn tick(&mut self, now: Time) {
        self.now = now;
        self.wake();
        self.pump();
    }

    /// When it wants to be woken.
    #[must_use]
    pub fn deadline(&self) -> Option<Time> {
        let said = self.out.front().map(|(at, _)| *at);
        [said, self.call.as_ref().and_then(Call::deadline)].into_iter().flatten().min()
    }

    /// The next thing that it wants, of those that are due.
    pub fn poll(&mut self) -> Option<Output> {
        self.out.pop_front_if(|(at, _)| *at <= self.now).map(|(_, output)| output)
    }

    fn byte(&mut self, byte: u8) {
        match self.mode {
            Mode::Dead => {}
            Mode::Command => self.command_byte(byte),
            Mode::Data => self.data_byte(byte),
            Mode::Start => self.start_byte(byte),
            Mode::Busy if byte == CAN => self.abort(),
            Mode::Busy => {
                if let Some(line) = self.line.push(byte)
                    && (line.contains("+FK") || line.contains('H'))
                {
                    self.commands.push(line);
                    self.abort();
                }
            }
        }
    }

    fn command_byte(&mut self, byte: u8) {
        if self.echo {
            self.bytes(vec![byte]);
        }
        if let Some(line) = self.line.push(byte) {
            self.commands.push(line.clone());
            self.execute(&line);
        }
    }

    fn start_byte(&mut self, byte: u8) {
        match byte {
            DC2 | XON => {
                let page = std::mem::take(&mut self.page);
                self.bytes(page);
                self.page_given();
            }
            CAN => self.abort(),
            _ => {}
        }
    }

    /// Bytes for the program, in its turn.
    fn bytes(&mut self, bytes: Vec<u8>) {
        if self.mode == Mode::Dead {
            return;
        }
        let at = self.now + self.config.quirks.late;
        let at = self.out.back().map_or(at, |(last, _)| at.max(*last));
        self.out.push_back((at, Output::Bytes(bytes)));
    }

    /// A line of text.
    fn say(&mut self, text: &str) {
        let line = if self.verbose { format!("\r\n{text}\r\n") } else { format!("{text}\r\n") };
        self.bytes(line.into_bytes());
    }

    /// A result code, which ends a command.
    fn result(&mut self, text: &str) {
        if self.mode != Mode::Dead {
            self.mode = Mode::Command;
        }
        if self.verbose {
            self.say(text);
            return;
        }
        let number = match text {
            "OK" => "0",
            "CONNECT" => "1",
            "NO CARRIER" => "3",
            "ERROR" => "4",
            "NO DIALTONE" => "6",
            "BUSY" => "7",
            "NO ANSWER" => "8",
            other => other,
        };
        self.bytes(format!("{number}\r").into_bytes());
    }

    /// Falls silent, if that is what it does here.
    fn is_silent_at(&mut self, stage: Stage) -> bool {
        if self.config.quirks.falls_silent == Some(stage) {
            self.mode = Mode::Dead;
        }
        self.mode == Mode::Dead
    }

    fn output(&mut self, output: Output) {
        // What the line is told does not wait for what the program is told.
        let before = self.out.iter().position(|(at, _)| *at > self.now).unwrap_or(self.out.len());
        self.out.insert(before, (self.now, output));
    }
}
