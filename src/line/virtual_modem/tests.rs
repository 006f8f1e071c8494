//! A program at a virtual modem, and a line that does what a test wants. In real time, some tenths of a second each.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicUsize;

use fax::at::dce::Caller;
use fax::carrier::{Command, HangUp, Signal};
use fax::time::Time;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tokio::sync::Notify;

use super::*;
use crate::clock::Stopwatch;
use crate::line::terminal::{Request, Terminal};
use crate::line::{CallEnd, CannotCarry, Dial, Seat, Sending};

/// How long a program waits for what must come.
const PATIENCE: Duration = Duration::from_secs(20);

/// What becomes of a call on the line of a test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// The network ends it at once.
    HungUp(HangUp),
    /// It is answered with V.21 flags, and then nothing.
    Answered,
    /// The line has no carrier.
    NoCarrier,
}

struct TestLine {
    seat: Arc<Seat>,
    fate: Fate,
    carried: Mutex<Vec<Number>>,
    /// How many calls were hung up by the program or for it.
    hung_up: AtomicUsize,
}

impl Line for TestLine {
    fn name(&self) -> &str {
        "test"
    }

    fn number(&self) -> Option<&Number> {
        None
    }

    fn seat(&self) -> &Arc<Seat> {
        &self.seat
    }

    fn call(&self, _dial: &Dial, _sending: &mut dyn Sending) -> CallEnd {
        panic!("programs call by `carry`")
    }

    fn carry(&self, number: &Number, terminal: &mut dyn Terminal) -> Result<(), CannotCarry> {
        assert!(self.seat.is_taken());
        self.carried.lock().unwrap().push(number.clone());
        if self.fate == Fate::NoCarrier {
            return Err(CannotCarry("the modem does T.30 itself".into()));
        }
        assert_eq!(terminal.poll(), Some(Request::Command(Command::Call)));
        match self.fate {
            Fate::HungUp(why) => terminal.signal(Time(1), Signal::HungUp(why)),
            _ => terminal.signal(Time(1), Signal::CarrierUp),
        }
        if drive(terminal).contains(&Command::HangUp) {
            self.hung_up.fetch_add(1, Ordering::SeqCst);
        }
        Ok(())
    }
}

/// Drives a terminal to its end; gives what it wanted of the line.
fn drive(terminal: &mut dyn Terminal) -> Vec<Command> {
    let (watch, mut commands) = (Stopwatch::start(), Vec::new());
    while watch.elapsed() < PATIENCE {
        while let Some(request) = terminal.poll() {
            match request {
                Request::Command(command) => commands.push(command),
                Request::Piece(piece) => panic!("{piece:?}"),
                Request::Over => return commands,
            }
        }
        wait(terminal.wakes_by(), Duration::from_millis(100));
        terminal.tick(Time::ZERO + watch.elapsed());
    }
    panic!("the terminal does not end; it wanted {commands:?}");
}

fn wait(fd: Option<std::os::fd::BorrowedFd<'_>>, time: Duration) {
    let mut fds: Vec<PollFd<'_>> = fd.iter().map(|fd| PollFd::new(fd, PollFlags::IN)).collect();
    let time = Timespec { tv_sec: 0, tv_nsec: i64::from(time.subsec_nanos()) };
    poll(&mut fds, Some(&time)).unwrap();
}

struct Bench {
    dir: tempfile::TempDir,
    modem: VirtualModem,
    line: Arc<TestLine>,
}

impl Bench {
    fn new(fate: Fate) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let config = VirtualModemConfig { answer: true, ..VirtualModemConfig::new(dir.path().join("modem")) };
        let (modem, device) = VirtualModem::create(&config).unwrap();
        let line = Arc::new(TestLine {
            seat: Seat::new(Arc::new(Notify::new())),
            fate,
            carried: Mutex::default(),
            hung_up: AtomicUsize::new(0),
        });
        let rules: Rules = Arc::new(|text| match text.strip_prefix('T') {
            Some("911") => Err("an emergency number".into()),
            number => Number::parse(&format!("+{}", number.unwrap_or(text))).ok_or("no number".into()),
        });
        device.serve(DceConfig::default(), Arc::clone(&line) as Arc<dyn Line>, rules).unwrap();
        Self { dir, modem, line }
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("modem")
    }

    fn program(&self) -> Program {
        let program = Program::open(&self.path());
        program.says("AT+FCLASS=1");
        program
    }

    fn carried(&self) -> Vec<String> {
        self.line.carried.lock().unwrap().iter().map(ToString::to_string).collect()
    }
}

/// A program that has the device open.
struct Program(File);

impl Program {
    fn open(path: &Path) -> Self {
        let program = Self(std::fs::OpenOptions::new().read(true).write(true).open(path).unwrap());
        program.write("ATZ\r");
        program.hears("OK\r\n");
        program.says("ATE0");
        program
    }

    fn write(&self, text: &str) {
        (&self.0).write_all(text.as_bytes()).unwrap();
    }

    /// Says a command that is answered with OK.
    fn says(&self, command: &str) {
        self.write(&format!("{command}\r"));
        self.hears("OK\r\n");
    }

    /// Reads until what is said ends so; gives all of it.
    fn hears(&self, expected: &str) -> String {
        let (watch, mut said) = (Stopwatch::start(), String::new());
        while !said.ends_with(expected) {
            assert!(watch.elapsed() < PATIENCE, "{expected:?} does not come: {said:?}");
            let fd = std::os::fd::AsFd::as_fd(&self.0);
            let mut fds = [PollFd::new(&fd, PollFlags::IN)];
            let time = Timespec { tv_sec: 1, tv_nsec: 0 };
            if poll(&mut fds, Some(&time)).unwrap() > 0 {
                let mut bytes = [0; 1024];
                let count = (&self.0).read(&mut bytes).unwrap();
                said.push_str(&String::from_utf8_lossy(&bytes[..count]));
            }
        }
        said
    }
}

#[test]
fn what_is_not_allowed_is_not_dialled() {
    let bench = Bench::new(Fate::HungUp(HangUp::NoAnswer));
    let program = bench.program();
    program.write("ATDT911\r");
    program.hears("NO CARRIER\r\n");
    program.write("ATDTx\r");
    program.hears("NO CARRIER\r\n");
    assert_eq!(bench.carried(), Vec::<String>::new());
    program.write("ATDT12125550123\r");
    program.hears("NO ANSWER\r\n");
    assert_eq!(bench.carried(), ["+12125550123"]);
    assert!(!bench.line.seat.is_taken());
}

#[test]
fn a_line_that_is_taken_is_busy() {
    let bench = Bench::new(Fate::HungUp(HangUp::NoAnswer));
    let program = bench.program();
    let held = bench.line.seat.take();
    program.write("ATD12125550123\r");
    program.hears("BUSY\r\n");
    drop(held);
    program.write("ATD12125550123\r");
    program.hears("NO ANSWER\r\n");
}

#[test]
fn a_line_without_a_carrier_has_no_dial_tone() {
    let bench = Bench::new(Fate::NoCarrier);
    let program = bench.program();
    program.write("ATD12125550123\r");
    program.hears("NO DIALTONE\r\n");
    program.says("AT");
    assert!(!bench.line.seat.is_taken());
}

#[test]
fn closing_the_device_ends_the_call_and_the_next_program_finds_a_modem_on_hook() {
    let bench = Bench::new(Fate::Answered);
    for calls in 1..=3 {
        let program = bench.program();
        program.write("ATD12125550123\r");
        program.hears("CONNECT\r\n");
        drop(program);
        let watch = Stopwatch::start();
        while bench.line.hung_up.load(Ordering::SeqCst) < calls || bench.line.seat.is_taken() {
            assert!(watch.elapsed() < PATIENCE, "the line is held");
            std::thread::yield_now();
        }
    }
    let program = bench.program();
    program.write("AT+FRH=3\r");
    program.hears("ERROR\r\n");
}

#[test]
fn a_call_that_comes_in_rings_and_is_answered_by_the_program() {
    let bench = Bench::new(Fate::Answered);
    let program = bench.program();
    program.says("AT+VCID=1");
    let mut lent = bench.modem.lend().unwrap();
    lent.ring(Time::ZERO, Caller { caller: Some("12125550199".into()), called: None });
    let commands = std::thread::scope(|scope| {
        let call = scope.spawn(|| drive(&mut *lent));
        assert_eq!(program.hears("RING\r\n"), "\r\nNMBR = 12125550199\r\n\r\nRING\r\n");
        program.write("ATA\r");
        // The byte after a while ends it.
        std::thread::sleep(Duration::from_millis(200));
        program.write("x");
        program.hears("NO CARRIER\r\n");
        call.join().unwrap()
    });
    assert_eq!(commands, [Command::Answer, Command::HangUp]);
    drop(lent);
    program.says("AT");
    let mut lent = bench.modem.lend().expect("it was given back");
    lent.ring(Time::ZERO, Caller::default());
    assert_eq!(lent.poll(), None);
    program.hears("RING\r\n");
    lent.signal(Time(1), Signal::HungUp(HangUp::Remote));
    assert_eq!(drive(&mut *lent), [], "the caller has given up");
}

#[test]
fn stopping_ends_the_call_and_takes_the_device_away() {
    let bench = Bench::new(Fate::Answered);
    let program = bench.program();
    program.write("ATD12125550123\r");
    program.hears("CONNECT\r\n");
    assert!(bench.path().symlink_metadata().is_ok());
    bench.modem.stop();
    assert_eq!(bench.line.hung_up.load(Ordering::SeqCst), 1);
    assert!(bench.path().symlink_metadata().is_err() && !bench.line.seat.is_taken());
    assert!(bench.modem.lend().is_none());
}

#[test]
fn a_device_that_cannot_be_made_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("modem");
    let owned =
        VirtualModemConfig { owner: Some("nobody of this name".into()), ..VirtualModemConfig::new(&path) };
    assert!(VirtualModem::create(&owned).unwrap_err().contains("nobody of this name"));
    std::fs::write(&path, "a letter").unwrap();
    let error = VirtualModem::create(&VirtualModemConfig::new(&path)).unwrap_err();
    assert!(error.contains("modem") && error.contains("there already"), "{error}");
}
