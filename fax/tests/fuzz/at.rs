//! What the fuzzers of the AT engines do with an input.

use fax_proto::at::Output;
use fax_proto::at::class1::{ABANDONED_MAX, Carrier, CarrierConfig, HANG_UP_MAX};
use fax_proto::at::idle::{Idle, IdleEvent};
use fax_proto::at::probe::Probe;
use fax_proto::at::profile::{FlowControl, Profile, SilenceBy};
use fax_proto::at::reader::{DataEnd, LINE_OCTETS_MAX, Reader};
use fax_proto::at::reply::Reply;
use fax_proto::carrier::{Command, Image, ImageKind, Signal, Speed, Training};
use fax_proto::time::{Duration, Time};

/// The first octet says in which pieces the rest comes. A line `CONNECT` begins data, their end begins lines again.
pub(crate) fn at_reader(input: &[u8]) {
    let Some((&piece, bytes)) = input.split_first() else { return };
    let whole = read(&mut std::iter::once(bytes));
    assert_eq!(read(&mut bytes.chunks(usize::from(piece).max(1))), whole, "the pieces do not matter");
    for line in &whole.0 {
        assert!(!line.is_empty() && line.chars().count() <= LINE_OCTETS_MAX && line.trim() == line);
        assert!(line.chars().all(|c| c >= ' '), "{line:?}");
        let said = Reply::parse(line).to_string();
        if !matches!(Reply::parse(line), Reply::Report | Reply::ConnectData) {
            assert_eq!(Reply::parse(&said), Reply::parse(line), "what is shown reads back");
        }
        let _ = Reply::parse_numeric(line);
    }
    assert!(whole.1.len() <= bytes.len());
}

fn read(pieces: &mut dyn Iterator<Item = &[u8]>) -> (Vec<String>, Vec<u8>) {
    let (mut reader, mut lines, mut data, mut is_in_data) = (Reader::new(), Vec::new(), Vec::new(), false);
    for piece in pieces {
        reader.push(piece);
        loop {
            if is_in_data {
                match reader.data(&mut data) {
                    DataEnd::More => break,
                    DataEnd::Etx => is_in_data = false,
                    DataEnd::Other(_) => {}
                }
            } else {
                let Some(line) = reader.line() else { break };
                is_in_data = Reply::parse(&line) == Reply::Connect;
                lines.push(line);
            }
        }
    }
    (lines, data)
}

/// Octets of a modem between calls; 0xFF lets time pass until the deadline, and any other octet a tenth of a second.
pub(crate) fn at_idle(input: &[u8]) {
    let mut now = Time::ZERO;
    let mut idle = Idle::new(now, Some(Duration::from_secs(30)));
    let mut is_lost = false;
    for &octet in input {
        if octet == 0xFF {
            let deadline = idle.deadline().expect("a modem is watched");
            now = now.max(deadline);
            idle.tick(now);
            assert!(idle.deadline().is_some_and(|next| next > now), "time goes on");
        } else {
            now = now + Duration::from_millis(100);
            idle.tick(now);
            idle.received(now, &[octet]);
        }
        let mut outputs = 0;
        while let Some(output) = idle.poll() {
            outputs += 1;
            match output {
                Output::Tell(IdleEvent::Ringing(ringing) | IdleEvent::RingStopped(ringing)) => {
                    assert!(ringing.rings > 0);
                    let caller = &ringing.caller;
                    assert!(caller.number.is_none() || caller.withheld.is_none());
                }
                Output::Tell(event) => {
                    assert_eq!(event == IdleEvent::ModemBack, is_lost, "lost and back by turns");
                    is_lost = !is_lost;
                }
                Output::Write(bytes) => assert_eq!(bytes, b"AT\r"),
                other => panic!("{other:?}"),
            }
        }
        assert!(outputs <= 3);
    }
}

/// What a modem answers to each command of a probe, with 0xFF between the answers.
pub(crate) fn at_probe(input: &[u8]) {
    let mut answers = input.split(|octet| *octet == 0xFF);
    let (mut now, mut probe) = (Time::ZERO, Probe::new(Duration::from_millis(10)));
    probe.start(now);
    for _ in 0..1000 {
        while let Some(output) = probe.poll() {
            match output {
                Output::Write(_) => probe.received(now, answers.next().unwrap_or_default()),
                Output::Tell(result) => {
                    assert!(probe.deadline().is_none() && probe.poll().is_none(), "the last output");
                    let found = result.unwrap_or_default();
                    let profile = found.propose(&[Profile::default()]);
                    assert!(found.classes.is_empty() || found.classes.contains(&profile.class));
                    return;
                }
                other => panic!("{other:?}"),
            }
        }
        now = now.max(probe.deadline().expect("a deadline until the end"));
        probe.tick(now);
    }
    panic!("no end");
}

/// The first octet chooses the profile, the rest are events: commands, octets of the modem, what a modem would say, time.
pub(crate) fn class1_carrier(input: &[u8]) {
    let Some((&kind, rest)) = input.split_first() else { return };
    let mut profile = Profile::default();
    if kind & 1 != 0 {
        profile.flow = FlowControl::XonXoff;
    }
    if kind & 2 != 0 {
        profile.silence = SilenceBy::Timer;
    }
    if kind & 4 != 0 {
        profile.command_gap = Duration::from_millis(50);
    }
    profile.dtr_hang_up = kind & 8 == 0;
    let config = CarrierConfig { profile, dial: "0123".into(), ..CarrierConfig::default() };
    let mut modem = Watched {
        carrier: Carrier::new(config),
        now: Time::ZERO,
        wants: Wants::Nothing,
        is_up: false,
        is_over: false,
        said: Vec::new(),
    };
    let mut octets = rest.iter().copied();
    while let Some(octet) = octets.next() {
        modem.event(octet, &mut octets);
    }
    modem.hang_up();
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wants {
    Nothing,
    Sent,
    Carrier,
}

/// A carrier whose outputs are watched.
struct Watched {
    carrier: Carrier,
    now: Time,
    wants: Wants,
    is_up: bool,
    is_over: bool,
    /// The last octets that the carrier wrote.
    said: Vec<u8>,
}

impl Watched {
    fn event(&mut self, octet: u8, rest: &mut dyn Iterator<Item = u8>) {
        match octet % 16 {
            0..=4 => self.command(octet / 16, rest.next().unwrap_or(0)),
            5..=7 => {
                let bytes: Vec<u8> = rest.take(usize::from(octet / 16)).collect();
                self.carrier.received(self.now, &bytes);
            }
            8 | 9 => self.line(octet / 16),
            10..=12 => self.likely(octet / 16),
            13 => self.pass(Duration::from_millis(u64::from(octet / 16) * 40)),
            _ => {
                if let Some(deadline) = self.carrier.deadline() {
                    self.now = self.now.max(deadline);
                    self.carrier.tick(self.now);
                }
            }
        }
        self.watch();
    }

    fn command(&mut self, which: u8, more: u8) {
        let speed = Speed::ALL[usize::from(more) % Speed::ALL.len()];
        let training = if more & 8 != 0 { Training::Short } else { Training::Long };
        let kind = if more & 16 != 0 { ImageKind::Frames } else { ImageKind::Bits };
        let frames = vec![vec![0xFF, more & 0xEF, 0x10], vec![0xFF, 0x13, more]];
        let image = match kind {
            ImageKind::Bits => Image::Bits(vec![more; 100]),
            ImageKind::Frames => Image::Frames(frames.clone()),
        };
        let (command, wants) = match which {
            0 | 1 => (Command::Call, Wants::Carrier),
            2 | 3 => (Command::Answer, Wants::Sent),
            4 | 5 => (Command::ListenFrames, Wants::Carrier),
            6 | 7 => (Command::SendFrames(frames), Wants::Sent),
            8 => (Command::SendTcf(speed), Wants::Sent),
            9 => (Command::ListenTcf(speed), Wants::Carrier),
            10 | 11 => (Command::SendImage { speed, training, image }, Wants::Sent),
            12 | 13 => (Command::ListenImage { speed, training, kind }, Wants::Carrier),
            14 => (Command::Silence(Duration::from_millis(u64::from(more) * 10)), Wants::Sent),
            _ => return self.hang_up(),
        };
        self.wants = wants;
        self.is_up = false;
        self.carrier.command(self.now, command);
    }

    fn line(&mut self, which: u8) {
        const LINES: [&str; 16] = [
            "OK",
            "CONNECT",
            "NO CARRIER",
            "ERROR",
            "+FCERROR",
            "+FRH:3",
            "BUSY",
            "RING",
            "NO ANSWER",
            "VOICE",
            "OK",
            "CONNECT",
            "+F34:1",
            "RINGING",
            "CONNECT 9600",
            "OK",
        ];
        self.carrier.received(self.now, format!("\r\n{}\r\n", LINES[usize::from(which)]).as_bytes());
    }

    /// What a modem would say now, or nearly.
    fn likely(&mut self, how: u8) {
        let said = String::from_utf8_lossy(&self.said).into_owned();
        let answer: &[u8] = match () {
            () if said.ends_with("+FRH=3\r") && how < 10 => {
                b"\r\nCONNECT\r\n\xFF\x13\x21\x4D\x8F\x10\x03\r\nOK\r\n"
            }
            () if said.contains("+FRM=") && how < 8 => {
                b"\r\nCONNECT\r\n\x7E\x00\x10\x10\x55\x10\x03\r\nNO CARRIER\r\n"
            }
            () if said.contains("+FRM=") => b"\r\n+FRH:3\r\n",
            () if said.contains("+FTH=") || said.contains("+FTM=") || said.starts_with("AT") && how < 4 => {
                b"\r\nCONNECT\r\n"
            }
            () if said.ends_with("\x10\x03") && how < 8 => b"\r\nCONNECT\r\n",
            () => b"\r\nOK\r\n",
        };
        self.carrier.received(self.now, answer);
    }

    fn pass(&mut self, time: Duration) {
        self.now = self.now + time;
        self.carrier.tick(self.now);
    }

    /// Takes what the carrier wants, and holds it to its promises.
    fn watch(&mut self) {
        while let Some(output) = self.carrier.poll() {
            match output {
                Output::Tell(signal) => self.signal(signal),
                Output::Write(bytes) => {
                    assert!(!bytes.is_empty() && bytes.len() < 20_000);
                    self.said = bytes;
                }
                Output::Discard | Output::Flow(_) | Output::Dtr(_) => {}
            }
        }
        assert_eq!(self.carrier.deadline().is_none(), self.carrier.is_idle(), "a deadline unless idle");
    }

    fn signal(&mut self, signal: Signal) {
        assert!(!self.is_over, "{signal:?} after the end");
        match signal {
            Signal::Sent => {
                assert_eq!(self.wants, Wants::Sent);
                self.wants = Wants::Nothing;
            }
            Signal::CarrierUp => {
                assert!(self.wants == Wants::Carrier && !self.is_up);
                self.is_up = true;
            }
            Signal::Frame { octets, .. } => {
                assert!(self.wants == Wants::Carrier && self.is_up && !octets.is_empty());
            }
            Signal::Data(bytes) => assert!(self.wants == Wants::Carrier && self.is_up && !bytes.is_empty()),
            Signal::CarrierLost => {
                assert!(self.wants == Wants::Carrier && self.is_up);
                self.wants = Wants::Nothing;
            }
            Signal::TrainingFailed => {
                assert!(self.wants == Wants::Carrier && !self.is_up);
                self.wants = Wants::Nothing;
            }
            Signal::HungUp(_) => self.is_over = true,
            Signal::Connected => panic!("a Class 1 modem cannot know"),
        }
    }

    /// On hook within the time that is promised, though the modem says nothing more.
    fn hang_up(&mut self) {
        self.watch();
        self.carrier.command(self.now, Command::HangUp);
        self.is_over = true;
        let latest = self.now + HANG_UP_MAX;
        self.watch();
        while let Some(deadline) = self.carrier.deadline() {
            assert!(
                deadline <= latest && HANG_UP_MAX < ABANDONED_MAX,
                "{deadline} {latest} {:?}",
                self.carrier
            );
            self.now = self.now.max(deadline);
            self.carrier.tick(self.now);
            self.watch();
        }
        assert!(self.carrier.is_idle());
    }
}
