//! Our engine over the Class 1 carrier over a modem that mostly does as T.31 says, and else does as it likes: wrong words,
//! octets of noise, no answer, late answers, calls that drop. Whatever it does, the call ends, and the carrier is idle.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test")]

#[allow(unused_imports, dead_code, reason = "each test file uses a part")]
mod far_end;
mod support;
#[path = "support/v21.rs"]
mod v21;

use far_end::{Case, Seat, Twist, Way};
use fax_proto::at::Output;
use fax_proto::at::class1::{Carrier, CarrierConfig, HANG_UP_MAX};
use fax_proto::at::dle;
use fax_proto::at::profile::Profile;
use fax_proto::carrier::Speed;
use fax_proto::page::Resolution;
use fax_proto::session::PageCoding;
use fax_proto::time::{Duration, Time};
use std::collections::BTreeMap;

/// A call takes no longer: the engine's own limits are an hour after the answer, and minutes before it.
const CALL_MAX: Duration = Duration::from_secs(2 * 3600);

/// What a far end may say in V.21, without FCS.
const FRAMES: [&[u8]; 12] = [
    b"\xFF\x03\x40\x30\x31\x32\x33",
    b"\xFF\x13\x80\x00\xEE\xF8\x80\x91\x80",
    b"\xFF\x13\x83\x00\x46\x70",
    b"\xFF\x13\x21",
    b"\xFF\x13\x22",
    b"\xFF\x13\x8C",
    b"\xFF\x13\x31",
    b"\xFF\x13\xF4",
    b"\xFF\x13\x74",
    b"\xFF\x13\x4F",
    b"\xFF\x13\x2F",
    b"\xFF\x13\xFB",
];
const WORDS: [&str; 14] = [
    "OK",
    "CONNECT",
    "NO CARRIER",
    "ERROR",
    "+FCERROR",
    "+FRH:3",
    "BUSY",
    "RING",
    "VOICE",
    "RINGING",
    "NO ANSWER",
    "+F34:1",
    "CONNECT 9600",
    "what",
];

struct Modem {
    random: u64,
    /// Of a hundred answers so many are wrong.
    wild_percent: u64,
    says: BTreeMap<(Time, u64), Vec<u8>>,
    count: u64,
}

impl Modem {
    fn draw(&mut self, below: u64) -> u64 {
        self.random =
            self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.random >> 33) % below
    }

    fn say(&mut self, at: Time, bytes: Vec<u8>) {
        self.count += 1;
        self.says.insert((at, self.count), bytes);
    }

    fn told(&mut self, now: Time, bytes: &[u8]) {
        let at = now + Duration::from_millis(10 + self.draw(300));
        if self.draw(100) < self.wild_percent {
            return self.wild(at);
        }
        let text = String::from_utf8_lossy(bytes).into_owned();
        let line = |word: &str| format!("\r\n{word}\r\n").into_bytes();
        if text.starts_with("AT+FRH") || text.starts_with("ATD") {
            let frame = FRAMES[self.draw(FRAMES.len() as u64) as usize];
            let at = at + Duration::from_millis(self.draw(4000));
            self.say(at, line("CONNECT"));
            self.say(at + Duration::from_millis(900), v21::v21(frame));
            self.say(at + Duration::from_millis(950), line("OK"));
        } else if text.starts_with("AT+FRM") {
            self.say(at, line("CONNECT"));
            self.say(at + Duration::from_millis(700), vec![0; 1500]);
            self.say(at + Duration::from_millis(1600), dle::stuff(&[0; 1200]));
            self.say(at + Duration::from_millis(1700), line("NO CARRIER"));
        } else if text.starts_with("AT+FT") && !text.starts_with("AT+FTS") || text.starts_with("ATA") {
            self.say(at, line("CONNECT"));
        } else {
            let is_more = bytes.starts_with(b"\xFF\x03") && bytes.ends_with(&dle::END);
            self.say(at, line(if is_more { "CONNECT" } else { "OK" }));
        }
    }

    fn wild(&mut self, at: Time) {
        let late = at + Duration::from_millis(self.draw(9000));
        match self.draw(5) {
            0 => {}
            1 => {
                let noise = (0..self.draw(80)).map(|_| self.draw(256) as u8).collect();
                self.say(late, noise);
            }
            2 => self.say(late, b"\r\nCONNECT\r\n\xFF\x13\x21\x10\x03\r\nOK\r\n".to_vec()),
            _ => {
                let word = WORDS[self.draw(WORDS.len() as u64) as usize];
                self.say(late, format!("\r\n{word}\r\n").into_bytes());
            }
        }
    }
}

/// Runs a call; gives how it ended.
fn call(seed: u64, wild_percent: u64) -> String {
    let way = [Way::Send, Way::Receive, Way::Fetch, Way::Serve][seed as usize % 4];
    let (ecm, resolution) = (seed.is_multiple_of(3), Resolution::R204x98);
    let coding = if ecm { PageCoding::Mmr } else { PageCoding::Mr };
    let case =
        Case { way, speed: Speed::V17At14400, ecm, coding, resolution, pages: 2, twist: Twist::default() };
    let mut seat = Seat::new(&case, case.document());
    let config = CarrierConfig { profile: Profile::default(), dial: "1".into(), ..CarrierConfig::default() };
    let mut carrier = Carrier::new(config);
    let mut modem = Modem {
        random: seed.wrapping_mul(0x9E37_79B9_7F4A_7C15),
        wild_percent,
        says: BTreeMap::new(),
        count: 0,
    };
    let (mut now, mut over) = (Time::ZERO, None);
    loop {
        loop {
            let commands = seat.commands(now);
            let is_quiet = commands.is_empty();
            commands.into_iter().for_each(|command| carrier.command(now, command));
            match carrier.poll() {
                Some(Output::Tell(signal)) => seat.signal(now, signal),
                Some(Output::Write(bytes)) => modem.told(now, &bytes),
                Some(_) => {}
                None if is_quiet => break,
                None => {}
            }
        }
        if seat.is_over() {
            let since = *over.get_or_insert(now);
            if carrier.is_idle() {
                return seat.close().report.outcome.to_string();
            }
            assert!(now.since(since) <= HANG_UP_MAX, "seed {seed}: not on hook in time: {carrier:?}");
        }
        let said = modem.says.first_key_value().map(|((at, _), _)| *at);
        let next = [seat.deadline(), carrier.deadline(), said].into_iter().flatten().min();
        now = now.max(next.unwrap_or_else(|| panic!("seed {seed}: nothing will ever happen: {carrier:?}")));
        assert!(now.since(Time::ZERO) < CALL_MAX, "seed {seed} does not end: {carrier:?}");
        while modem.says.first_key_value().is_some_and(|((at, _), _)| *at <= now) {
            let (_, bytes) = modem.says.pop_first().unwrap();
            carrier.received(now, &bytes);
        }
        if carrier.deadline().is_some_and(|deadline| deadline <= now) {
            carrier.tick(now);
        }
        seat.tick(now);
    }
}

#[test]
fn every_call_ends_on_hook() {
    for wild_percent in [0, 3, 15, 50, 100] {
        let mut outcomes = BTreeMap::<String, u32>::new();
        for seed in 0..400 {
            *outcomes.entry(call(seed, wild_percent)).or_default() += 1;
        }
        println!("{wild_percent} % wild: {outcomes:#?}");
        assert!(wild_percent == 100 || outcomes.len() > 3, "calls come to different ends: {outcomes:?}");
    }
}
