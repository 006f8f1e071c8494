//! Dialogues of programs with the virtual modem, out of `data/dce/*.txt`.
//!
//! ```text
//! > AT+FTH=3            the program says a line        >> raw bytes, as a Rust string has them
//! < CONNECT             the modem says a line          << raw bytes
//! dial T5550123         the modem asks to dial         proceed, unplug, give up: the driver
//! want Answer           for the line, as Debug has it  line Sent, up, lost, failed, frame FF 13 8C, damaged FF 13,
//! ring 5550100 5550199  a call comes in                     data 00 01, hung up Busy
//! wait 125              milliseconds pass              quiet: nothing has been said that is not in the script
//! ```
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test")]

use fax_proto::at::dce::{Caller, Dce, DceConfig, Output};
use fax_proto::carrier::{Command, HangUp, Piece, Signal};
use fax_proto::time::{Duration, Time};

struct Dialogue {
    dce: Dce,
    now: Time,
    said: Vec<u8>,
    wanted: Vec<String>,
}

fn bytes(text: &str) -> Vec<u8> {
    text.split_whitespace().map(|octet| u8::from_str_radix(octet, 16).unwrap()).collect()
}

/// A text with `\r`, `\n` and `\x10`.
fn raw(text: &str) -> Vec<u8> {
    let (mut out, mut rest) = (Vec::new(), text.as_bytes());
    while let Some((&first, behind)) = rest.split_first() {
        let (byte, behind) = match (first, behind) {
            (b'\\', [b'r', behind @ ..]) => (b'\r', behind),
            (b'\\', [b'n', behind @ ..]) => (b'\n', behind),
            (b'\\', [b'x', high, low, behind @ ..]) => {
                let digits = [*high, *low];
                (u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap(), behind)
            }
            _ => (first, behind),
        };
        out.push(byte);
        rest = behind;
    }
    out
}

fn hang_up(text: &str) -> HangUp {
    let all = [HangUp::Busy, HangUp::NoAnswer, HangUp::NoDialTone, HangUp::NotConnected, HangUp::Remote];
    all.into_iter().find(|why| format!("{why:?}") == text).expect("a cause")
}

fn signal(text: &str) -> Signal {
    let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
    match word {
        "Sent" => Signal::Sent,
        "connected" => Signal::Connected,
        "up" => Signal::CarrierUp,
        "lost" => Signal::CarrierLost,
        "failed" => Signal::TrainingFailed,
        "frame" => Signal::Frame { octets: bytes(rest), fcs_ok: true },
        "damaged" => Signal::Frame { octets: bytes(rest), fcs_ok: false },
        "data" => Signal::Data(bytes(rest)),
        "hung" => Signal::HungUp(hang_up(rest.strip_prefix("up ").unwrap())),
        other => panic!("no signal: {other}"),
    }
}

fn shown(command: &Command) -> String {
    let hex = |octets: &[u8]| octets.iter().map(|octet| format!("{octet:02X}")).collect::<Vec<_>>().join(" ");
    match command {
        Command::SendFrames(frames) => {
            format!("SendFrames {}", frames.iter().map(|frame| hex(frame)).collect::<Vec<_>>().join(", "))
        }
        other => format!("{other:?}"),
    }
}

impl Dialogue {
    fn gather(&mut self) {
        while let Some(output) = self.dce.poll() {
            match output {
                Output::Write(bytes) => self.said.extend(bytes),
                Output::Dial(digits) => self.wanted.push(format!("dial {digits}")),
                Output::Piece(piece) => self.wanted.push(format!("want {piece:?}")),
                Output::Command(command) => self.wanted.push(format!("want {}", shown(&command))),
            }
        }
    }

    fn expect(&mut self, expected: &[u8]) {
        let said = self.said.clone();
        let is_said = said.starts_with(expected);
        assert!(is_said, "said: {:?}", String::from_utf8_lossy(&said));
        self.said.drain(..expected.len());
    }

    fn wait(&mut self, millis: u64) {
        let until = self.now + Duration::from_millis(millis);
        while let Some(deadline) = self.dce.deadline().filter(|deadline| *deadline <= until) {
            self.now = self.now.max(deadline);
            self.dce.tick(self.now);
            self.gather();
        }
        self.now = until;
    }

    fn line(&mut self, line: &str) {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        match word {
            ">" => self.dce.received(self.now, format!("{rest}\r").as_bytes()),
            ">>" => self.dce.received(self.now, &raw(rest)),
            "<" => self.expect(format!("\r\n{rest}\r\n").as_bytes()),
            "<<" => self.expect(&raw(rest)),
            "line" => self.dce.signal(self.now, signal(rest)),
            "ring" => {
                let mut numbers = rest.split(' ').map(|number| Some(number.to_owned()));
                let (caller, called) = (numbers.next().flatten(), numbers.next().flatten());
                self.dce.ring(self.now, Caller { caller: caller.filter(|c| !c.is_empty()), called });
            }
            "proceed" => self.dce.proceed(self.now),
            "unplug" => self.dce.unplugged(),
            "give" => self.dce.give_up(self.now),
            "wait" => self.wait(rest.parse().unwrap()),
            "want" | "dial" => {
                assert!(!self.wanted.is_empty(), "nothing is wanted");
                assert_eq!(self.wanted.remove(0), line);
            }
            "quiet" => self.quiet(),
            _ => panic!("not understood"),
        }
        self.gather();
    }

    fn quiet(&self) {
        assert!(self.said.is_empty(), "said: {:?}", String::from_utf8_lossy(&self.said));
        assert!(self.wanted.is_empty(), "wanted: {:?}", self.wanted);
    }
}

fn play(name: &str, text: &str) {
    let (dce, now) = (Dce::new(DceConfig::default()), Time::ZERO);
    let mut dialogue = Dialogue { dce, now, said: Vec::new(), wanted: Vec::new() };
    for (number, line) in text.lines().enumerate() {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        println!("{name}:{}: {line}", number + 1);
        dialogue.line(line);
    }
    dialogue.quiet();
}

#[test]
fn dialogues() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/dce");
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    assert!(paths.len() >= 5);
    for path in paths {
        play(&path.file_name().unwrap().to_string_lossy(), &std::fs::read_to_string(&path).unwrap());
    }
}

/// What the program sends while the modem is busy waits, as far as there is room; an image has its limit.
#[test]
fn limits_hold() {
    let config = DceConfig { image_octets_max: 1000, ..DceConfig::default() };
    let mut dce = Dce::new(config);
    let say = |dce: &mut Dce, text: &[u8]| {
        dce.received(Time(1), text);
        std::iter::from_fn(|| dce.poll()).collect::<Vec<_>>()
    };
    say(&mut dce, b"ATE0+FCLASS=1\r");
    say(&mut dce, b"ATD1\r");
    dce.proceed(Time(1));
    dce.signal(Time(2), Signal::CarrierUp);
    dce.signal(Time(3), Signal::CarrierLost);
    say(&mut dce, b"");
    let said = |outputs: &[Output]| format!("{outputs:?}");
    assert!(said(&say(&mut dce, b"AT+FTM=145\r")).contains("67, 79, 78, 78"), "CONNECT");
    for _ in 0..10 {
        assert_eq!(say(&mut dce, &[0; 200]), []);
    }
    let answer = say(&mut dce, b"\x10\x03");
    assert_eq!(answer, [Output::Write(b"\r\nERROR\r\n".to_vec())]);
    // A frame that is too long likewise.
    say(&mut dce, b"AT+FTH=3\r");
    assert_eq!(say(&mut dce, &[0xFF; 400]), []);
    assert_eq!(say(&mut dce, b"\x10\x03"), [Output::Write(b"\r\nERROR\r\n".to_vec())]);
    // What comes while it sends waits, and no more than there is room for.
    say(&mut dce, b"AT+FTS=100\r");
    let room = dce.room();
    assert_eq!(say(&mut dce, &vec![b'x'; 2 * room]), []);
    assert_eq!(dce.room(), 0);
    dce.signal(Time(4), Signal::Sent);
    assert_eq!(dce.room(), room);
}

/// Where the line takes images piece by piece, the program is held to its speed, and has its OK soon after its last byte.
#[test]
fn an_image_goes_out_as_it_comes() {
    let mut dce = Dce::new(DceConfig { streams: true, ..DceConfig::default() });
    let mut now = Time::ZERO;
    let said = |dce: &mut Dce| std::iter::from_fn(|| dce.poll()).collect::<Vec<_>>();
    dce.received(now, b"ATE0+FCLASS=1\r");
    dce.received(now, b"AT+FCLASS=1\r");
    dce.received(now, b"ATD1\r");
    dce.proceed(now);
    dce.signal(now, Signal::CarrierUp);
    dce.received(now, b"\x18AT+FTM=96\r");
    said(&mut dce);
    // A page of 24,000 bytes takes 20 s at 9600 bit/s.
    let mut left = vec![0x55; 24_000];
    left.extend([0x10, 0x03]);
    let (mut sent, mut pieces) = (0, 0);
    while !left.is_empty() {
        let taken: Vec<u8> = left.drain(..dce.room().min(left.len())).collect();
        dce.received(now, &taken);
        for output in said(&mut dce) {
            match output {
                Output::Piece(Piece::Begin { .. }) => assert_eq!((sent, now), (0, Time::ZERO)),
                Output::Piece(Piece::More(image)) => {
                    sent += image.len_bytes();
                    pieces += 1;
                }
                other => panic!("{other:?}"),
            }
        }
        if dce.room() == 0 {
            let ahead = Duration::from_millis(u64::try_from(sent).unwrap() * 10 / 12)
                .saturating_sub(now.since(Time::ZERO));
            assert!((2..6).contains(&ahead.as_secs()), "{ahead:?} ahead at {now}");
            now = dce.deadline().unwrap();
            dce.tick(now);
        }
    }
    while !matches!(said(&mut dce).last(), Some(Output::Piece(Piece::End))) {
        now = dce.deadline().unwrap();
        dce.tick(now);
    }
    assert!(now.since(Time::ZERO) > Duration::from_secs(15) && pieces > 30, "{now}, {pieces}");
    dce.signal(now, Signal::Sent);
    assert_eq!(said(&mut dce), [Output::Write(b"\r\nOK\r\n".to_vec())]);
}
