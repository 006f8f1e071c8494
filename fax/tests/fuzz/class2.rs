//! A Class 2, 2.0 or 2.1 session under any bytes and any answers, in any order: what it promises is watched.

use super::call::support::{Store, page, receiver_config, sender_config};
use fax_proto::at::Output;
use fax_proto::at::class2::{Session, SessionConfig};
use fax_proto::at::profile::{Class, Profile};
use fax_proto::page::Resolution;
use fax_proto::session::PageMark;
use fax_proto::sim::air::Hooks;
use fax_proto::t4::{self, BitOrder, Coding, EncodeOptions};
use fax_proto::t30::{Input, Output as Tell};
use fax_proto::time::{Duration, Time};

const PAGES: u32 = 3;
/// Events of one call.
const EVENTS_MAX: usize = 200;
/// Wake-ups after the last event within which a call must be over.
const WAKES_MAX: usize = 400;

/// What a modem may say, beside anything.
const LINES: [&str; 34] = [
    "OK",
    "ERROR",
    "CONNECT",
    "NO CARRIER",
    "BUSY",
    "NO ANSWER",
    "NO DIALTONE",
    "RING",
    "+FCON",
    "+FCO",
    "+FCSI:\"123\"",
    "+FTI:\"123\"",
    "+FDIS:1,5,2,2,3,2,0,0",
    "+FIS:57,5,2,2,3,1,0,0",
    "+FDCS:0,5,0,2,0,0,0,0",
    "+FCS:0,5,0,2,3,1,0,0",
    "+FPTS:1,100,0,0",
    "+FPS:2,100,50,9",
    "+FET:0",
    "+FET:1",
    "+FET:2",
    "+FHNG:0",
    "+FHNG:50",
    "+FHS:27",
    "+FHS:A1",
    "+FSA:\"4711\"",
    "VCON",
    "DATA",
    "DELAYED",
    "\x11",
    "\x10\x03",
    "CONNECT\r\n\x11",
    "+FDCS:1,9,9,9,9,9,9,9",
    "+FPTS:9",
];

struct Watched {
    session: Session,
    now: Time,
    store: Store,
    is_ended: bool,
    marks: Vec<PageMark>,
    /// Unconfirmed, and the driver has said that it is kept.
    kept: Vec<bool>,
    /// What the driver is to answer.
    asked: Vec<Input>,
    /// A page was handed out, and the driver has not kept it.
    holds_page: bool,
    /// What was written last.
    written: Vec<u8>,
}

impl Watched {
    fn pump(&mut self) {
        while let Some(output) = self.session.poll() {
            assert!(!self.is_ended, "nothing comes after the end");
            match output {
                Output::Write(bytes) => self.wrote(bytes),
                Output::Discard | Output::Flow(_) | Output::Dtr(_) => {}
                Output::Tell(tell) => self.told(tell),
            }
        }
        assert_eq!(
            self.is_ended,
            self.session.deadline().is_none(),
            "a session that is not over has a deadline"
        );
        assert_eq!(self.is_ended, self.session.is_idle());
    }

    fn wrote(&mut self, bytes: Vec<u8>) {
        let is_punctuation =
            bytes.starts_with(b"AT+FET=") || matches!(&bytes[..], [0x10, b',' | b';' | b'.']);
        if is_punctuation {
            let in_doubt =
                self.marks.iter().zip(&self.kept).any(|(mark, kept)| *mark == PageMark::Unconfirmed && *kept);
            assert!(in_doubt, "a page is in doubt, and that is stored, before it is punctuated");
        }
        if bytes == b"AT+FDR\r" {
            assert!(!self.holds_page, "a page is acknowledged after it is kept");
        }
        self.written = bytes;
    }

    fn told(&mut self, tell: Tell) {
        match tell {
            Tell::Command(_) => panic!("a session has no line"),
            Tell::NeedPage(n) => {
                let page = self.store.page(n);
                self.asked.push(page.map_or(Input::NoPage(n), |page| Input::Page(n, page)));
            }
            Tell::Mark { page, mark } => {
                let at = page as usize;
                if mark == PageMark::Confirmed {
                    assert!(
                        self.marks[at] == PageMark::Unconfirmed && self.kept[at],
                        "confirmed out of the blue"
                    );
                }
                self.marks[at] = mark;
                self.kept[at] = false;
                if mark == PageMark::Unconfirmed {
                    self.asked.push(Input::MarkKept(true));
                }
            }
            Tell::Identified(_) => {}
            Tell::PageReceived(_) => {
                assert!(!std::mem::replace(&mut self.holds_page, true), "one page at a time");
                self.asked.push(Input::PageKept(true));
            }
            Tell::Ended(report) => {
                self.is_ended = true;
                if !report.marks.is_empty() && self.marks.len() == PAGES as usize {
                    assert!(
                        report.marks.iter().take(self.marks.len()).eq(&self.marks),
                        "the report is what was told"
                    );
                }
            }
        }
    }

    fn handle(&mut self, input: Input) {
        match &input {
            Input::MarkKept(true) => {
                self.kept = self.marks.iter().map(|mark| *mark == PageMark::Unconfirmed).collect();
            }
            Input::PageKept(true) => self.holds_page = false,
            _ => {}
        }
        self.session.handle(self.now, input);
        self.pump();
    }

    fn hear(&mut self, bytes: &[u8]) {
        self.session.received(self.now, bytes);
        self.pump();
    }

    fn line(&mut self, text: &str) {
        self.hear(format!("\r\n{text}\r\n").as_bytes());
    }

    fn answer(&mut self) {
        if !self.asked.is_empty() {
            let input = self.asked.remove(0);
            self.handle(input);
        }
    }

    fn wake(&mut self) {
        if let Some(deadline) = self.session.deadline() {
            self.now = self.now.max(deadline);
        }
        self.handle(Input::Tick);
    }

    /// What a modem that means well would say now.
    fn likely(&mut self) {
        let written = self.written.clone();
        let text = String::from_utf8_lossy(&written).into_owned();
        let says: &[&str] = match text.trim_end() {
            "" => &[],
            command if command.starts_with("ATD") => &["+FCON", "+FDIS:1,5,2,2,0,0,0,0", "OK"],
            "ATA" => &["+FCON", "+FDCS:0,5,0,2,0,0,0,0", "OK"],
            "AT+FDT" => &["+FDCS:0,5,0,2,0,0,0,0", "CONNECT"],
            "AT+FDR" => &["CONNECT"],
            "AT+FET=2" => &["+FPTS:1", "+FHNG:0", "OK"],
            command if command.starts_with("AT+FET") => &["+FPTS:1", "OK"],
            command if command.starts_with("AT") => &["OK"],
            "\x12" => return self.page(),
            _ => &["\x11", "OK"],
        };
        says.iter().for_each(|line| self.line(line));
        self.answer();
    }

    /// A page comes in.
    fn page(&mut self) {
        let page = page(1, 30, Resolution::R204x98);
        let options = EncodeOptions {
            bit_order: BitOrder::LsbFirst,
            ..EncodeOptions::line(Coding::Mh, page.resolution())
        };
        let mut stream = Vec::new();
        fax_proto::at::dle::put(&t4::encode(&page, &options), &mut stream);
        stream.extend(fax_proto::at::dle::END);
        self.hear(&stream);
        ["+FPTS:1", "+FET:0", "OK"].iter().for_each(|line| self.line(line));
    }
}

/// The first octet chooses the class and the role, the rest are events.
pub(crate) fn class2_session(input: &[u8]) {
    let Some((&kind, mut rest)) = input.split_first() else { return };
    let class = [Class::Two, Class::TwoPointZero, Class::TwoPointOne][usize::from(kind >> 1) % 3];
    let gap = Duration::from_millis(if kind & 0x80 == 0 { 0 } else { 50 });
    let profile = Profile { class, ecm: kind & 0x40 == 0, command_gap: gap, ..Profile::default() };
    let call = SessionConfig { profile, dial: "T1".into() };
    let is_sender = kind & 1 == 0;
    let session = match is_sender {
        true => Session::sender(sender_config(PAGES), call),
        false => Session::receiver(receiver_config(), call),
    };
    let pages = (0..PAGES).map(|n| page(u64::from(n), 20, Resolution::R204x98)).collect();
    let count = if is_sender { PAGES as usize } else { 0 };
    let mut watched = Watched {
        session,
        now: Time::ZERO,
        store: Store::with(pages),
        is_ended: false,
        marks: vec![PageMark::NotSent; count],
        kept: vec![false; count],
        asked: Vec::new(),
        holds_page: false,
        written: Vec::new(),
    };
    watched.handle(Input::Tick);
    for _ in 0..EVENTS_MAX {
        let Some(&event) = rest.split_off_first() else { break };
        let mut octet = || rest.split_off_first().copied().unwrap_or(0);
        match event % 16 {
            0..4 => watched.likely(),
            4 | 5 => {
                let which = usize::from(octet()) % LINES.len();
                watched.line(LINES[which]);
            }
            6 | 7 => watched.answer(),
            8 => watched.wake(),
            9 => {
                let length = usize::from(octet()).min(rest.len());
                let bytes = rest.split_off(..length).unwrap_or_default();
                watched.hear(bytes);
            }
            10 => watched.page(),
            11 => watched.now = watched.now + Duration::from_millis(100 * u64::from(octet())),
            12 => watched.handle(Input::MarkKept(octet() & 1 != 0)),
            13 => watched.handle(Input::PageKept(octet() & 1 != 0)),
            14 => {
                let n = u32::from(octet()) % (PAGES + 2);
                watched.handle(Input::NoPage(n));
            }
            _ if octet() == 0 => watched.handle(Input::Cancel),
            _ => watched.answer(),
        }
    }
    for _ in 0..WAKES_MAX {
        if watched.is_ended {
            return;
        }
        watched.wake();
    }
    panic!("the call does not end: {:?}", watched.session);
}
