//! Conversations as data: one engine against a far end that follows a script (`tests/data/t30/*.txt`).
//!
//! ```text
//! sender pages=2 ecm=off        the engine, and its terms
//! > CNG                         what the engine does until it listens, in order
//! < CSI DIS                     what it hears: frames of one burst
//! < nothing                     or silence until the engine stops waiting; also: damaged, hangup, untrained
//! = delivered; 2 confirmed      how it ends
//! ```
//!
//! `< wait 20` lets seconds pass, `< pass 61` lets them pass without waking the engine. A receiver also hears
//! `< tcf good`, `< tcf bad`, `< noise`, `< image good`, `< image poor`, `< image bad`, and with ECM `< image 0-2 of 4`
//! for the frames that arrive, or `< block 2-3 of 4` for a block that begins at the first of them. The driver answers at
//! once; `store=refuse`, `store=slow` and `mark=refuse`, `mark=slow`, `slow=1` (a page) change that; `< kept` and
//! `< page 1` are the late answers.
//!
//! `sends=1` and `given_up=next` are a sender's policy, `refusals=0` (255: always) a receiver's; `memory=` and `at=` what
//! a sender remembers, with `_` for a space, and its wall clock. `< lost` is V.21 that brings nothing, and `< babble MCF` a
//! far end that says that and nothing else until the call is over; what the engine did last is expected after it.
//!
//! A `poller` calls to fetch pages, a `receiver offer=2` has two to give (`offer_sep=`, `offer_pwd=`), and a
//! `sender then=poll` does both. `sub=`, `pwd=`, `required=` are what a caller gives, `demand=` is what a receiver wants,
//! `deaf=` one that only sends, `who=` shows who called. The peer's DIS and DTC say more or less than usual with
//! `DIS:doc,sep,pwd,deaf,nosub`, its DCS with `DCS:9600,sub,pwd`; `SUB:42` and the like carry digits, `NSF:00AD` and
//! `FNV:01` octets, and `hex:FF1382` is a raw frame.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use fax_proto::carrier::{Command, HangUp, Signal, SpeedSet};
use fax_proto::page::{Page, Resolution};
use fax_proto::session::{PageCoding, PageMark};
use fax_proto::t4::{self, Coding, EncodeOptions};
use fax_proto::t30::address::Address;
use fax_proto::t30::capability::{Capability, FrameSize, PaperLength};
use fax_proto::t30::frame::{Digits, Fcf, Frame, PartialPage, Side, StationId, end_of_retransmission};
use fax_proto::t30::memory::{Memory, WallTime};
use fax_proto::t30::policy::GivenUp;
use fax_proto::t30::settings::Settings;
use fax_proto::t30::{Engine, Input, Offer, Output, PollerConfig};
use fax_proto::time::{Duration, Time};
use std::collections::BTreeMap;
use std::fmt::Write;

const ROWS: u32 = 100;

struct Dialogue {
    engine: Engine,
    /// Settings of the script's first line.
    terms: BTreeMap<String, String>,
    side: Side,
    now: Time,
    /// What the engine has done and no line has expected yet.
    done: Vec<String>,
    end: Option<String>,
    /// What the engine does at present, if that is to send something.
    is_sending: bool,
    /// The driver is to keep a mark, and not a page.
    is_marking: bool,
    /// The engine listens for an image or a training check, so that V.21 is not what it waits for.
    is_for_image: bool,
}

impl Dialogue {
    fn new(first: &str) -> Self {
        let mut words = first.split_whitespace();
        let role = words.next().unwrap();
        let terms: BTreeMap<String, String> =
            words.map(|w| w.split_once('=').unwrap()).map(|(k, v)| (k.into(), v.into())).collect();
        let number = |key: &str, default: u32| terms.get(key).map_or(default, |v| v.parse().unwrap());
        let speeds = SpeedSet::ALL.up_to(number("speed", 14_400));
        let ecm = terms.get("ecm").is_some_and(|v| v != "off");
        let capability = Capability { ecm, mmr: false, mr: false, speeds, ..Capability::FULL };
        let digits = |key: &str| terms.get(key).map(|text| Digits::new(text).unwrap());
        let address = Address {
            subaddress: digits("sub"),
            password: digits("pwd"),
            is_required: terms.contains_key("required"),
        };
        let sender = |pages| {
            let mut config = support::sender_config(pages);
            config.first_page = number("first", 0);
            config.allowed = capability;
            config.frame_size = FrameSize::Octets64;
            config.policy.sends_max = number("sends", 3) as u8;
            if terms.get("given_up").is_some_and(|then| then == "next") {
                config.policy.given_up = GivenUp::NextPage;
            }
            config.memory =
                terms.get("memory").map_or(Memory::default(), |text| text.replace('_', " ").parse().unwrap());
            config.wall_time = WallTime(number("at", 0).into());
            config
        };
        let mut receiver = support::receiver_config();
        // `speed=` is for what is sent; a sender that polls afterwards receives at any.
        let speeds = if role == "sender" { SpeedSet::ALL } else { speeds };
        receiver.capability = Capability { can_receive: !terms.contains_key("deaf"), speeds, ..capability };
        receiver.pages_max = number("pages_max", 100);
        receiver.copy.refusals_max = number("refusals", 2) as u8;
        receiver.password = digits("demand");
        receiver.offer = terms.get("offer").map(|pages| Offer {
            document: sender(pages.parse().unwrap()),
            subaddress: digits("offer_sep"),
            password: digits("offer_pwd"),
        });
        let poller = || {
            let mut poller = PollerConfig::new(receiver.local_id.clone());
            poller.receiver = receiver.clone();
            poller.address = address.clone();
            poller
        };
        let (engine, side) = match role {
            "sender" => {
                let mut config = sender(number("pages", 1));
                config.then_poll = terms.get("then").map(|_| Box::new(poller()));
                config.address = address;
                (Engine::sender(config), Side::Caller)
            }
            "poller" => (Engine::poller(poller()), Side::Caller),
            "receiver" => (Engine::receiver(receiver), Side::Answerer),
            _ => panic!("{role}?"),
        };
        let (now, done) = (Time::ZERO, Vec::new());
        let mut dialogue = Self {
            engine,
            terms,
            side,
            now,
            done,
            end: None,
            is_sending: false,
            is_marking: false,
            is_for_image: false,
        };
        dialogue.pump();
        dialogue
    }

    fn term(&self, key: &str) -> &str {
        self.terms.get(key).map_or("", String::as_str)
    }

    /// A page; that of `change=` is of another kind.
    fn page(&self, n: u32) -> Page {
        let rows = self.terms.get("rows").map_or(ROWS, |rows| rows.parse().unwrap());
        let is_changed = self.term("change") == n.to_string();
        let resolution = if is_changed { Resolution::R204x196 } else { Resolution::R204x98 };
        support::page(u64::from(n), rows, resolution)
    }

    fn signal(&mut self, signal: Signal) {
        self.engine.handle(self.now, Input::Signal(signal));
        self.pump();
    }

    /// Takes what the engine wants, and lets what it sends take its time, until it listens or waits.
    fn pump(&mut self) {
        loop {
            while let Some(output) = self.engine.poll() {
                self.output(output);
            }
            if !std::mem::take(&mut self.is_sending) {
                return;
            }
            self.now = self.now + Duration::from_secs(1);
            self.engine.handle(self.now, Input::Signal(Signal::Sent));
        }
    }

    fn output(&mut self, output: Output) {
        match output {
            Output::Command(command) => self.command(&command),
            Output::NeedPage(n) if self.term("slow") == n.to_string() => {}
            Output::NeedPage(n) => {
                let is_missing = self.term("missing") == n.to_string();
                let answer = if is_missing { Input::NoPage(n) } else { Input::Page(n, self.page(n)) };
                self.engine.handle(self.now, answer);
            }
            Output::Mark { page, mark } => {
                self.done.push(format!("{page}:{mark:?}"));
                self.is_marking = true;
                if mark == PageMark::Unconfirmed && self.term("mark") != "slow" {
                    let is_kept = self.term("mark") != "refuse";
                    self.engine.handle(self.now, Input::MarkKept(is_kept));
                }
            }
            Output::PageReceived(page) => {
                self.done.push(format!("page:{}", page.index));
                self.is_marking = false;
                if self.term("store") != "slow" {
                    let is_kept = self.term("store") != "refuse";
                    self.engine.handle(self.now, Input::PageKept(is_kept));
                }
            }
            Output::Identified(remote) if self.terms.contains_key("who") => {
                let said = [remote.id, remote.subaddress, remote.password].map(Option::unwrap_or_default);
                self.done.push(format!("who:{}", said.join("/")));
            }
            Output::Identified(_) => {}
            Output::Ended(report) => {
                self.end = Some(format!("{}; {} confirmed", report.outcome, report.pages_confirmed()));
            }
        }
    }

    fn command(&mut self, command: &Command) {
        let text = match command {
            Command::Call => "CNG".into(),
            Command::Answer => "CED".into(),
            Command::SendTcf(speed) => format!("TCF@{}", speed.bit_rate()),
            Command::SendImage { speed, training, image } => {
                let frames = match image {
                    fax_proto::carrier::Image::Bits(_) => String::new(),
                    // Three RCP end the frames.
                    fax_proto::carrier::Image::Frames(frames) => format!(":{}", frames.len() - 3),
                };
                let mut text = format!("IMAGE@{}{frames}", speed.bit_rate());
                if *training == fax_proto::carrier::Training::Short {
                    text.push_str("/short");
                }
                text
            }
            Command::SendFrames(frames) => {
                frames.iter().for_each(|octets| self.check_x(octets));
                let names: Vec<String> = frames.iter().map(|f| name(&Frame::parse(f).unwrap())).collect();
                names.join(" ")
            }
            Command::HangUp => "hangup".into(),
            Command::Silence(_)
            | Command::ListenFrames
            | Command::ListenTcf(_)
            | Command::ListenImage { .. } => String::new(),
        };
        self.is_for_image = matches!(command, Command::ListenTcf(_) | Command::ListenImage { .. });
        self.is_sending = matches!(
            command,
            Command::Answer
                | Command::SendTcf(_)
                | Command::SendImage { .. }
                | Command::SendFrames(_)
                | Command::Silence(_)
        );
        if !text.is_empty() {
            self.done.push(text);
        }
    }

    /// The X bit is that of the station that received a DIS, whoever sends the pages.
    fn check_x(&self, octets: &[u8]) {
        let is_fixed = octets[2] & 0x0E == 0;
        assert!(is_fixed || (octets[2] & 1 == 1) == (self.side == Side::Caller), "X in {octets:02X?}");
    }

    fn hear(&mut self, words: &str) {
        match words {
            "nothing" => self.hear_nothing(),
            "hangup" => self.signal(Signal::HungUp(HangUp::Remote)),
            "untrained" => self.signal(Signal::TrainingFailed),
            "connected" => self.signal(Signal::Connected),
            "cancel" => {
                self.engine.handle(self.now, Input::Cancel);
                self.pump();
            }
            "kept" => {
                let input = if self.is_marking { Input::MarkKept(true) } else { Input::PageKept(true) };
                self.engine.handle(self.now, input);
                self.pump();
            }
            "lost" => {
                self.signal(Signal::CarrierUp);
                self.signal(Signal::CarrierLost);
            }
            "damaged" => self.burst(vec![vec![0xFF, 0x13]], false),
            "tcf good" => self.image_data(vec![0; 2700]),
            "tcf bad" => self.image_data(vec![0x55; 2700]),
            "noise" => {
                self.signal(Signal::CarrierUp);
                self.signal(Signal::Data(vec![0x5A; 7]));
                self.signal(Signal::CarrierLost);
            }
            "image good" => self.image_data(page_data(0)),
            "image poor" => self.image_data(page_data(8)),
            "image bad" => self.image_data(page_data(40)),
            "image cut" => self.image_data(page_data(0)[..600].to_vec()),
            _ => match words.split_once(' ') {
                Some(("image", frames)) => self.image_frames(frames, false),
                Some(("block", frames)) => self.image_frames(frames, true),
                Some(("page", n)) => {
                    let n = n.parse().unwrap();
                    self.engine.handle(self.now, Input::Page(n, self.page(n)));
                    self.pump();
                }
                Some(("babble", words)) => self.babble(words),
                Some(("wait", seconds)) => self.wait(seconds.parse().unwrap()),
                Some(("pass", seconds)) => {
                    self.now = self.now + Duration::from_secs(seconds.parse().unwrap());
                }
                _ => {
                    let count = words.split_whitespace().count();
                    let octets = words
                        .split_whitespace()
                        .enumerate()
                        .map(|(at, word)| self.peer_octets(word, at + 1 == count));
                    let octets = octets.collect();
                    self.burst(octets, true);
                }
            },
        }
    }

    /// The far end says this and nothing else, whatever the engine does, until the call is over.
    fn babble(&mut self, words: &str) {
        for _ in 0..500 {
            self.done.clear();
            if self.is_for_image {
                self.signal(Signal::TrainingFailed);
            }
            self.hear(words);
            // It takes a breath, in which the engine may lose patience.
            if self.end.is_none() {
                self.wait(3);
            }
            if self.end.is_some() {
                return;
            }
        }
        panic!("the call does not end: {words}");
    }

    /// Time passes, and the engine is woken when it wants to be.
    fn wait(&mut self, seconds: u64) {
        let until = self.now + Duration::from_secs(seconds);
        while let Some(deadline) = self.engine.deadline().filter(|deadline| *deadline <= until) {
            self.now = deadline.max(self.now);
            self.engine.handle(self.now, Input::Tick);
            self.pump();
        }
        self.now = until;
    }

    /// Time passes until the engine does something.
    fn hear_nothing(&mut self) {
        let before = self.done.len();
        while self.done.len() == before && self.end.is_none() {
            self.now = self.engine.deadline().expect("a call that is not over has a deadline").max(self.now);
            self.engine.handle(self.now, Input::Tick);
            self.pump();
        }
    }

    fn burst(&mut self, frames: Vec<Vec<u8>>, fcs_ok: bool) {
        self.signal(Signal::CarrierUp);
        self.now = self.now + Duration::from_secs(1);
        frames.into_iter().for_each(|octets| self.signal(Signal::Frame { octets, fcs_ok }));
        self.signal(Signal::CarrierLost);
    }

    fn image_data(&mut self, data: Vec<u8>) {
        self.signal(Signal::CarrierUp);
        self.now = self.now + Duration::from_secs(4);
        self.signal(Signal::Data(data));
        self.signal(Signal::CarrierLost);
    }

    /// `0-2 of 4`: frames 0 to 2 of a page that is 4 frames long.
    fn image_frames(&mut self, words: &str, is_block: bool) {
        let (range, _) = words.split_once(" of ").unwrap();
        let (from, to) = range.split_once('-').unwrap();
        let data = page_data(0);
        self.signal(Signal::CarrierUp);
        let from = from.parse::<usize>().unwrap();
        for n in from..=to.parse().unwrap() {
            let number = if is_block { n - from } else { n };
            let mut fif = vec![number as u8];
            fif.extend(data.iter().skip(n * 64).take(64));
            fif.resize(65, 0);
            let octets = Frame::with_fif(Fcf::Fcd, fif).not_final().to_octets(Side::Caller);
            self.signal(Signal::Frame { octets, fcs_ok: true });
        }
        self.now = self.now + Duration::from_secs(4);
        self.signal(Signal::CarrierLost);
    }

    /// What the peer sends: a frame as the script names it, or its octets in hexadecimal: `hex:FF13800046`.
    fn peer_octets(&self, word: &str, is_last: bool) -> Vec<u8> {
        if let Some(hex) = word.strip_prefix("hex:") {
            return unhex(hex);
        }
        let frame = self.peer_frame(word);
        let frame = if is_last { frame } else { frame.not_final() };
        frame.to_octets(if self.side == Side::Caller { Side::Answerer } else { Side::Caller })
    }

    /// A frame as the script names it: `DCS`, `PPS-EOP:0:0:4`, `PPR:0,2`.
    fn peer_frame(&self, word: &str) -> Frame {
        let (name, rest) = word.split_once(':').unwrap_or((word, ""));
        let numbers: Vec<u8> = rest.split([':', ',']).filter_map(|n| n.parse().ok()).collect();
        match name {
            "DIS" | "DTC" => {
                let fcf = if name == "DIS" { Fcf::Dis } else { Fcf::Dtc };
                Frame::with_fif(fcf, peer_can(rest).to_fif())
            }
            "DCS" => Frame::with_fif(Fcf::Dcs, with_bits(self.settings(rest).to_fif(), rest)),
            "CTC" => Frame::with_fif(Fcf::Ctc, self.settings(rest).to_fif()[..2].to_vec()),
            "CSI" | "TSI" | "CIG" | "SUB" | "SEP" | "SID" | "PWD" => {
                let text = if rest.is_empty() { "555" } else { rest };
                Frame::with_fif(plain(name).fcf, StationId::new(text).unwrap().to_fif())
            }
            "NSF" | "NSC" | "NSS" | "FNV" => Frame::with_fif(plain(name).fcf, unhex(rest)),
            "PPR" => {
                let mut map = [if rest == "all" { 0xFF } else { 0u8 }; 32];
                numbers.iter().for_each(|n| map[usize::from(*n) / 8] |= 1 << (n % 8));
                Frame::with_fif(Fcf::Ppr, map.to_vec())
            }
            _ if name.starts_with("PPS-") => PartialPage {
                then: plain(&name[4..]).fcf,
                page: numbers[0],
                block: numbers[1],
                frames: rest.split(':').nth(2).unwrap().parse().unwrap(),
            }
            .to_frame(),
            _ if name.starts_with("EOR-") => end_of_retransmission(plain(&name[4..]).fcf),
            _ => plain(name),
        }
    }

    fn settings(&self, speed: &str) -> Settings {
        let rate: u32 = speed.split(',').next().and_then(|rate| rate.parse().ok()).unwrap_or(14_400);
        Settings {
            speed: SpeedSet::ALL.up_to(rate).iter().next_back().unwrap(),
            resolution: Resolution::R204x98,
            width: Default::default(),
            length: PaperLength::Unlimited,
            coding: PageCoding::Mh,
            ecm: (self.term("ecm") != "off").then_some(FrameSize::Octets64),
            scan_time_ms: 0,
        }
    }
}

/// What a peer can do beyond, or less than, everything: `doc,sep,pwd,deaf,nosub`.
fn peer_can(words: &str) -> Capability {
    let has = |word| words.split(',').any(|w| w == word);
    Capability {
        has_document: has("doc"),
        selective_polling: has("sep"),
        password: has("pwd"),
        subaddress: !has("nosub"),
        can_receive: !has("deaf"),
        ..Capability::FULL
    }
}

/// A DCS that says that SUB (bit 49) or SID (bit 50) goes before it.
fn with_bits(mut fif: Vec<u8>, words: &str) -> Vec<u8> {
    let mut said = 0;
    words.split(',').for_each(|word| match word {
        "sub" => said |= 1,
        "pwd" => said |= 2,
        _ => {}
    });
    if said != 0 {
        fif.resize(7, 0);
        fif[2..6].iter_mut().for_each(|octet| *octet |= 0x80);
        fif[6] = said;
    }
    fif
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

fn plain(name: &str) -> Frame {
    let all = [
        Fcf::Cfr,
        Fcf::Ftt,
        Fcf::Eom,
        Fcf::Mps,
        Fcf::Eop,
        Fcf::PriEom,
        Fcf::PriMps,
        Fcf::PriEop,
        Fcf::Mcf,
        Fcf::Rtp,
        Fcf::Rtn,
        Fcf::Pip,
        Fcf::Pin,
        Fcf::Dcn,
        Fcf::Crp,
        Fcf::Ctr,
        Fcf::Rnr,
        Fcf::Rr,
        Fcf::Err,
        Fcf::Dtc,
        Fcf::Null,
        Fcf::Nsf,
        Fcf::Nss,
        Fcf::Nsc,
        Fcf::Fnv,
        Fcf::Csi,
        Fcf::Tsi,
        Fcf::Cig,
        Fcf::Sub,
        Fcf::Sep,
        Fcf::Sid,
        Fcf::Pwd,
    ];
    Frame::new(all.into_iter().find(|fcf| fcf.to_string() == name).unwrap_or_else(|| panic!("frame {name}?")))
}

fn name(frame: &Frame) -> String {
    match frame.fcf {
        Fcf::Pps => {
            let pps = PartialPage::parse(&frame.fif).unwrap();
            format!("PPS-{}:{}:{}:{}", pps.then, pps.page, pps.block, pps.frames)
        }
        Fcf::Dcs | Fcf::Ctc => {
            let said = frame.fif.get(6).map_or(0, |octet| octet & 3);
            let said = ["", ",sub", ",pwd", ",sub,pwd"][usize::from(said)];
            format!("{}:{}{said}", frame.fcf, Settings::parse(&frame.fif).unwrap().speed.bit_rate())
        }
        Fcf::Dis | Fcf::Dtc => {
            let can = Capability::parse(&frame.fif);
            let words = [
                (can.has_document, "doc"),
                (can.selective_polling, "sep"),
                (can.password, "pwd"),
                (!can.can_receive, "deaf"),
            ];
            let words: Vec<_> = words.iter().filter(|(is, _)| *is).map(|(_, word)| *word).collect();
            let colon = if words.is_empty() { "" } else { ":" };
            format!("{}{colon}{}", frame.fcf, words.join(","))
        }
        Fcf::Sub | Fcf::Sep | Fcf::Sid | Fcf::Pwd => {
            format!("{}:{}", frame.fcf, StationId::from_fif(&frame.fif))
        }
        Fcf::Eor => format!("EOR-{}", plain_second(&frame.fif)),
        Fcf::Ppr => {
            // Frames asked for, of the first eight.
            let mut text = String::from("PPR");
            (0..8).filter(|n| frame.fif[0] >> n & 1 != 0).for_each(|n| write!(text, ":{n}").unwrap());
            text
        }
        fcf => fcf.to_string(),
    }
}

fn plain_second(fif: &[u8]) -> String {
    fax_proto::t30::frame::parse_end_of_retransmission(fif).unwrap().to_string()
}

/// A page of 100 rows in MH, of which `bad` are damaged, as the line has it.
fn page_data(bad: usize) -> Vec<u8> {
    let page = support::page(0, ROWS, Resolution::R204x98);
    let data = t4::encode(&page, &EncodeOptions::line(Coding::Mh, Resolution::R204x98));
    let mut data = if bad == 0 { data } else { damaged(data, bad) };
    t4::reverse_bits(&mut data);
    data
}

/// Spoils bytes all over the data until so many rows are bad.
fn damaged(mut data: Vec<u8>, bad: usize) -> Vec<u8> {
    let options = t4::DecodeOptions::line(Coding::Mh, 1728);
    let step = data.len() / 90;
    for at in (step..data.len() - 20).step_by(step) {
        if t4::decode(&data, &options).bad_rows as usize >= bad {
            break;
        }
        data[at] ^= 0x18;
    }
    assert!(t4::decode(&data, &options).bad_rows as usize >= bad);
    data
}

fn play(file: &str, text: &str) {
    let mut dialogue: Option<Dialogue> = None;
    for (at, line) in text.lines().enumerate() {
        let line = line.split('#').next().unwrap().trim();
        let place = format!("{file}:{}", at + 1);
        match (line.get(..1), dialogue.as_mut()) {
            (None, _) => {}
            (Some(">"), Some(dialogue)) => {
                let done = std::mem::take(&mut dialogue.done).join(" ");
                assert_eq!(done, line[1..].trim(), "{place}");
            }
            (Some("<"), Some(dialogue)) => {
                assert_eq!(dialogue.done.join(" "), "", "{place}: the engine did more than the script says");
                assert_eq!(dialogue.end, None, "{place}: over too soon");
                dialogue.hear(line[1..].trim());
            }
            (Some("="), Some(dialogue)) => {
                assert_eq!(dialogue.end.as_deref(), Some(line[1..].trim()), "{place}");
                assert_eq!(dialogue.done.join(" "), "", "{place}: the engine did more than the script says");
                assert_eq!(dialogue.engine.deadline(), None, "{place}");
            }
            _ => {
                if let Some(before) = &dialogue {
                    assert!(before.end.is_some(), "{place}: the dialogue before has no end");
                }
                dialogue = Some(Dialogue::new(line));
            }
        }
    }
}

#[test]
fn every_dialogue_goes_as_written() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/t30");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(files.len() >= 4);
    for file in files {
        play(&file.file_name().unwrap().to_string_lossy(), &std::fs::read_to_string(&file).unwrap());
    }
}
