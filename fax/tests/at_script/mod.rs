//! Plays AT transcripts (`data/at/*.txt`) against the Class 1 carrier. A line is
//!
//! ```text
//! # a comment
//! profile flow=xonxoff silence=timer fcs=no gap=50 class=1.0 far=no dtr=no     what is unlike the default
//! ! listen frames          the engine's command
//! + begin ecm 14400 V.17 long    or a piece of an image: begin, bits 100, ecm 3, end
//! > AT+FRH=3               the carrier writes this command
//! >x 10 03                 the carrier writes these octets
//! >data 1800 stuffed       the carrier writes about as many octets (5 % more or less), with DLE ETX at their end
//! >more 1800               the same, without the end
//! < CONNECT                the modem says this line
//! <x ff 13 10 03           the modem says these octets
//! <frame ff 13 21          the modem says a V.21 frame: these octets, their FCS, DLE ETX
//! = carrier up             the carrier tells this signal
//! = discard                or does this to the port: discard, dtr on, dtr off, flow none, flow xonxoff
//! @ 1.5                    so many seconds pass; the carrier is woken at its deadlines
//! idle                     the modem is on hook, and said so; `idle lost` where it did not
//! busy                     it is not
//! ```
//!
//! Whatever the carrier does must stand in the script, in order.

#[path = "../support/v21.rs"]
mod v21;

use fax_proto::at::Output;
use fax_proto::at::class1::{Carrier, CarrierConfig};
use fax_proto::at::dle;
use fax_proto::at::profile::{Class, FlowControl, Profile, SilenceBy};
use fax_proto::carrier::{Command, Image, ImageKind, Piece, Signal, Speed, Training};
use fax_proto::time::{Duration, Time};
use v21::v21;

pub(crate) fn play(name: &str, script: &str) {
    let mut player = Player { name, line: 0, now: Time::ZERO, carrier: None, profile: Profile::default() };
    for (at, line) in script.lines().enumerate() {
        player.line = at + 1;
        let line = line.split(" #").next().unwrap_or("").trim();
        if !line.is_empty() && !line.starts_with('#') {
            player.step(line);
        }
    }
    player.nothing_more();
    let carrier = player.carrier.expect("a script does something");
    assert_eq!(carrier.is_idle(), carrier.deadline().is_none(), "{name}: a deadline unless idle");
}

struct Player<'a> {
    name: &'a str,
    line: usize,
    now: Time,
    profile: Profile,
    carrier: Option<Carrier>,
}

impl Player<'_> {
    fn carrier(&mut self) -> &mut Carrier {
        let profile = self.profile.clone();
        self.carrier.get_or_insert_with(|| {
            Carrier::new(CarrierConfig {
                profile,
                dial: "5550123".into(),
                answer_wait: Duration::from_secs(60),
            })
        })
    }

    fn step(&mut self, line: &str) {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        let rest = rest.trim();
        let now = self.now;
        match word {
            "profile" => rest.split_whitespace().for_each(|setting| self.set(setting)),
            ">" => self.writes(&format!("{rest}\r").into_bytes()),
            ">x" => self.writes(&octets(rest)),
            ">data" => self.writes_data(rest, true),
            ">more" => self.writes_data(rest, false),
            "=" => self.tells(rest),
            _ => {
                self.nothing_more();
                match word {
                    "!" => self.carrier().command(now, command(rest)),
                    "+" => self.carrier().piece(now, piece(rest)),
                    "<" => self.carrier().received(now, format!("\r\n{rest}\r\n").as_bytes()),
                    "<frame" => self.carrier().received(now, &v21(&octets(rest))),
                    "<x" => self.carrier().received(now, &octets(rest)),
                    "@" => self.pass(rest.parse().expect("seconds")),
                    "lost" => self.carrier().lost(now),
                    "idle" => {
                        let state = (self.carrier().is_idle(), self.carrier().is_on_hook_for_sure());
                        assert_eq!(state, (true, rest != "lost"), "{}", self.place());
                    }
                    "busy" => assert!(!self.carrier().is_idle(), "{}", self.place()),
                    _ => panic!("{}: {line}?", self.place()),
                }
            }
        }
    }

    fn place(&self) -> String {
        format!("{}:{} at {}", self.name, self.line, self.now)
    }

    fn set(&mut self, setting: &str) {
        let profile = &mut self.profile;
        match setting.split_once('=').expect("name=value") {
            ("flow", "xonxoff") => profile.flow = FlowControl::XonXoff,
            ("silence", "timer") => profile.silence = SilenceBy::Timer,
            ("fcs", "no") => profile.frames_have_fcs = false,
            ("far", "no") => profile.adaptive_reception = false,
            ("dtr", "no") => profile.dtr_hang_up = false,
            ("class", "1.0") => profile.class = Class::OnePointZero,
            ("gap", ms) => profile.command_gap = Duration::from_millis(ms.parse().expect("milliseconds")),
            ("setup", text) => profile.call_setup.push(text.into()),
            _ => panic!("{setting}?"),
        }
    }

    /// Wakes the carrier at its deadlines.
    fn pass(&mut self, seconds: f64) {
        let end = self.now + Duration::from_secs_f64(seconds);
        while let Some(deadline) = self.carrier().deadline().filter(|deadline| *deadline <= end) {
            let now = self.now.max(deadline);
            self.now = now;
            self.carrier().tick(now);
        }
        self.now = end;
    }

    fn next(&mut self) -> Option<Output<Signal>> {
        self.carrier().poll()
    }

    fn nothing_more(&mut self) {
        if self.carrier.is_some()
            && let Some(output) = self.next()
        {
            panic!("{}: this is not in the script: {}", self.place(), shown(&output));
        }
    }

    fn writes(&mut self, expected: &[u8]) {
        let output = self.next();
        let Some(Output::Write(bytes)) = &output else {
            panic!("{}: {:?} instead of a command", self.place(), output.as_ref().map(shown));
        };
        assert_eq!(bytes.escape_ascii().to_string(), expected.escape_ascii().to_string(), "{}", self.place());
    }

    fn writes_data(&mut self, length: &str, is_last: bool) {
        let wanted: usize = length.parse().expect("octets");
        let output = self.next();
        let Some(Output::Write(bytes)) = &output else {
            panic!("{}: {:?} instead of data", self.place(), output.as_ref().map(shown));
        };
        let (least, most) = (wanted - wanted / 20, wanted + wanted / 20);
        assert_eq!(bytes.ends_with(&dle::END), is_last, "{}", self.place());
        assert!((least..=most).contains(&bytes.len()), "{}: {} octets", self.place(), bytes.len());
    }

    fn tells(&mut self, expected: &str) {
        let output = self.next();
        let told = output.as_ref().map(shown);
        assert_eq!(told.as_deref(), Some(expected), "{}", self.place());
    }
}

fn octets(hex: &str) -> Vec<u8> {
    hex.split_whitespace().map(|octet| u8::from_str_radix(octet, 16).expect("an octet")).collect()
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect::<Vec<_>>().join(" ")
}

/// As a script has it behind `=`.
fn shown(output: &Output<Signal>) -> String {
    match output {
        Output::Write(bytes) => format!("written: {}", bytes.escape_ascii()),
        Output::Discard => "discard".into(),
        Output::Flow(FlowControl::XonXoff) => "flow xonxoff".into(),
        Output::Flow(FlowControl::RtsCts) => "flow rtscts".into(),
        Output::Flow(FlowControl::None) => "flow none".into(),
        Output::Dtr(on) => format!("dtr {}", if *on { "on" } else { "off" }),
        Output::Tell(signal) => match signal {
            Signal::Connected => "connected".into(),
            Signal::CarrierUp => "carrier up".into(),
            Signal::TrainingFailed => "training failed".into(),
            Signal::CarrierLost => "carrier lost".into(),
            Signal::Frame { octets, fcs_ok: true } => format!("frame {}", hex(octets)),
            Signal::Frame { octets, fcs_ok: false } => format!("damaged {}", hex(octets)),
            Signal::Data(bytes) => format!("data {}", hex(bytes)),
            Signal::Sent => "sent".into(),
            Signal::HungUp(why) => format!("hung up {why:?}"),
        },
    }
}

fn speed(rate: &str, modulation: &str) -> Speed {
    let text = format!("{rate} {modulation}");
    Speed::ALL.into_iter().find(|speed| speed.to_string() == text).expect("a speed")
}

fn command(text: &str) -> Command {
    let words: Vec<&str> = text.split_whitespace().collect();
    let training = |text: &str| if text == "short" { Training::Short } else { Training::Long };
    match words[..] {
        ["call"] => Command::Call,
        ["answer"] => Command::Answer,
        ["hang", "up"] => Command::HangUp,
        ["listen", "frames"] => Command::ListenFrames,
        ["listen", "tcf", rate, modulation] => Command::ListenTcf(speed(rate, modulation)),
        ["listen", kind, rate, modulation, how] => Command::ListenImage {
            speed: speed(rate, modulation),
            training: training(how),
            kind: if kind == "ecm" { ImageKind::Frames } else { ImageKind::Bits },
        },
        ["silence", ms] => Command::Silence(Duration::from_millis(ms.parse().expect("milliseconds"))),
        ["send", "tcf", rate, modulation] => Command::SendTcf(speed(rate, modulation)),
        ["send", "bits", count, rate, modulation, how] => Command::SendImage {
            speed: speed(rate, modulation),
            training: training(how),
            image: Image::Bits(vec![0x5A; count.parse().expect("octets")]),
        },
        ["send", "ecm", count, rate, modulation, how] => Command::SendImage {
            speed: speed(rate, modulation),
            training: training(how),
            image: Image::Frames(vec![vec![0x5A; 260]; count.parse().expect("frames")]),
        },
        ["send", "frames", ..] => {
            let frames = text.trim_start_matches("send frames").split(',').map(octets).collect();
            Command::SendFrames(frames)
        }
        _ => panic!("{text}?"),
    }
}

fn piece(text: &str) -> Piece {
    let words: Vec<&str> = text.split_whitespace().collect();
    let count = |text: &str| text.parse::<usize>().expect("a count");
    match words[..] {
        ["begin", kind, rate, modulation, how] => Piece::Begin {
            speed: speed(rate, modulation),
            training: if how == "short" { Training::Short } else { Training::Long },
            kind: if kind == "ecm" { ImageKind::Frames } else { ImageKind::Bits },
        },
        ["bits", octets] => Piece::More(Image::Bits(vec![0x5A; count(octets)])),
        ["ecm", frames] => Piece::More(Image::Frames(vec![vec![0x5A; 260]; count(frames)])),
        ["end"] => Piece::End,
        _ => panic!("{text}?"),
    }
}
