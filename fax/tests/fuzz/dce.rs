//! What the fuzzer does with a virtual modem: bytes of a program, rings and signals of a line, in whatever order.

use fax_proto::at::dce::{Caller, Dce, DceConfig, INPUT_OCTETS_MAX, Output};
use fax_proto::carrier::{Command, HangUp, Piece, Signal};
use fax_proto::time::{Duration, Time};

/// Outputs that one event can cause: a command line has a result for each of its commands at most.
const OUTPUTS_MAX: usize = 600;
/// A deadline may be followed by another at once, but not for ever.
const DEADLINES_MAX: usize = 50;

/// Command lines that get somewhere.
const LINES: [&str; 24] = [
    "ATE0V1Q0",
    "AT+FCLASS=1",
    "AT+FCLASS=0",
    "AT+FAR=1;+VCID=1",
    "ATDT5550123",
    "ATA",
    "ATS0=1",
    "ATH",
    "ATZ",
    "ATV0",
    "AT+FTH=3",
    "AT+FRH=3",
    "AT+FTM=145",
    "AT+FRM=146",
    "AT+FRM=24",
    "AT+FTS=8;+FTH=3",
    "AT+FRS=8;+FRH=3",
    "AT+FTS=0;+FRS=0",
    "A/",
    "ATI0I3+FTM=?",
    "ATX0S7=1",
    "AT+FCLASS=1.0",
    "ATE1Q1",
    "AT",
];

/// Frames that mean something to it: DCS with error correction and without, CFR, and what is no frame.
const FRAMES: [&[u8]; 5] = [
    &[0xFF, 0x13, 0x83, 0x00, 0x62, 0xF8, 0x44],
    &[0xFF, 0x03, 0x83, 0x00, 0x46, 0x00],
    &[0xFF, 0x13, 0x84],
    &[0xFF, 0x03, 0x86],
    &[],
];

/// The first octet is the room for an image, and whether images go out piece by piece; the rest are events.
pub(crate) fn dce(input: &[u8]) {
    let Some((&room, mut rest)) = input.split_first() else { return };
    let streams = room & 1 == 0;
    let config = DceConfig { image_octets_max: usize::from(room) * 16, streams, ..DceConfig::default() };
    let mut driver = Driver::new(config);
    while let Some(&event) = rest.split_off_first() {
        driver.event(event, &mut rest);
        driver.outputs();
    }
    // Whatever happened, a modem that is left alone goes on hook by itself, and takes commands then.
    driver.dce.unplugged();
    driver.outputs();
    assert!(driver.dce.is_on_hook() && !driver.is_in_call);
    for _ in 0..DEADLINES_MAX {
        driver.pass();
    }
    driver.dce.received(driver.now, b"\rATE0V1Q0\r");
    driver.outputs();
    assert!(driver.last.ends_with(b"OK\r\n") || driver.last.ends_with(b"0\r"), "{:?}", driver.last);
}

struct Driver {
    dce: Dce,
    now: Time,
    /// The line was told to call or to answer, and not yet to hang up.
    is_in_call: bool,
    is_in_image: bool,
    /// The program wants to dial.
    is_asked: bool,
    last: Vec<u8>,
}

impl Driver {
    fn new(config: DceConfig) -> Self {
        let dce = Dce::new(config);
        Self {
            dce,
            now: Time::ZERO,
            is_in_call: false,
            is_in_image: false,
            is_asked: false,
            last: Vec::new(),
        }
    }

    fn event(&mut self, event: u8, rest: &mut &[u8]) {
        match event % 16 {
            3 => self.dce.received(self.now, &[octet_of(rest); 1000]),
            0..=2 => {
                let at = usize::from(octet_of(rest));
                let line = format!("{}\r", LINES[at % LINES.len()]);
                self.dce.received(self.now, line.as_bytes());
            }
            4 => {
                let bytes = octets_of(rest);
                self.dce.received(self.now, bytes);
            }
            5 => self.dce.received(self.now, &[0x10, 0x03]),
            6 => {
                let mut frame = FRAMES[usize::from(octet_of(rest)) % FRAMES.len()].to_vec();
                frame.extend([0x10, 0x03]);
                self.dce.received(self.now, &frame);
            }
            7 => self.dce.proceed(self.now),
            8 => self.now = self.now + Duration::from_millis(u64::from(octet_of(rest)) * 50),
            9 => self.pass(),
            10 => self.alone(octet_of(rest)),
            _ => {
                let signal = signal(event, rest);
                let ends = matches!(signal, Signal::HungUp(_));
                self.is_in_call &= !ends;
                self.is_in_image &= !ends;
                self.dce.signal(self.now, signal);
            }
        }
    }

    /// The driver does something of its own.
    fn alone(&mut self, octet: u8) {
        match octet % 4 {
            0 => self.dce.unplugged(),
            1 => self.dce.give_up(self.now),
            2 => self.dce.ring(self.now, Caller { caller: Some("\r\n1".into()), called: None }),
            _ => self.dce.tick(self.now),
        }
    }

    /// Goes to the next deadline, which is dealt with there.
    fn pass(&mut self) {
        for _ in 0..DEADLINES_MAX {
            let Some(deadline) = self.dce.deadline() else { return };
            self.now = self.now.max(deadline);
            self.dce.tick(self.now);
            self.outputs();
            if self.dce.deadline().is_none_or(|next| next > self.now) {
                return;
            }
        }
        panic!("a deadline that does not go away: {:?}", self.dce);
    }

    fn outputs(&mut self) {
        for count in 0.. {
            let Some(output) = self.dce.poll() else { break };
            assert!(count < OUTPUTS_MAX);
            match output {
                Output::Write(bytes) => {
                    assert!(!bytes.is_empty());
                    self.last = bytes;
                }
                Output::Dial(_) => {
                    assert!(!self.is_in_call, "one call at a time");
                    self.is_asked = true;
                }
                Output::Command(Command::Call) => {
                    assert!(std::mem::take(&mut self.is_asked) && !self.is_in_call, "nothing without leave");
                    self.is_in_call = true;
                }
                Output::Command(Command::Answer) => {
                    assert!(!self.is_in_call);
                    self.is_in_call = true;
                }
                Output::Piece(piece) => {
                    assert!(self.is_in_call);
                    match piece {
                        Piece::Begin { .. } => assert!(!std::mem::replace(&mut self.is_in_image, true)),
                        Piece::More(image) => assert!(self.is_in_image && image.len_bytes() > 0),
                        Piece::End => assert!(std::mem::take(&mut self.is_in_image)),
                    }
                }
                Output::Command(command) => {
                    self.is_in_image = false;
                    assert!(self.is_in_call, "on hook there is nothing to be done: {command:?}");
                    self.is_in_call = command != Command::HangUp;
                }
            }
        }
        assert!(self.dce.room() <= INPUT_OCTETS_MAX);
    }
}

fn signal(event: u8, rest: &mut &[u8]) -> Signal {
    match (event % 16, octet_of(rest)) {
        (11, _) => Signal::Sent,
        (12, octet) if octet & 1 == 0 => Signal::CarrierUp,
        (12, _) => Signal::CarrierLost,
        (13, octet) => {
            let frame = FRAMES[usize::from(octet) % FRAMES.len()];
            Signal::Frame { octets: frame.to_vec(), fcs_ok: octet & 0x80 == 0 }
        }
        (14, octet) if octet & 3 == 0 => Signal::TrainingFailed,
        (14, octet) if octet & 3 == 1 => Signal::Connected,
        (14, octet) => Signal::Data(vec![octet, 0x10, 0x03]),
        (_, octet) => Signal::HungUp(match octet % 4 {
            0 => HangUp::Remote,
            1 => HangUp::Busy,
            2 => HangUp::NoAnswer,
            _ => HangUp::LineFault,
        }),
    }
}

fn octet_of(rest: &mut &[u8]) -> u8 {
    rest.split_off_first().copied().unwrap_or(0)
}

fn octets_of<'a>(rest: &mut &'a [u8]) -> &'a [u8] {
    let count = usize::from(octet_of(rest)).min(rest.len());
    rest.split_off(..count).unwrap_or_default()
}
