//! Talk with modems of Class 2 and 2.0 as some of them are: word for word, without a modem. `>` is what we write, `<` what
//! the modem says.

#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "support/mod.rs"]
mod support;

use fax_proto::at::Output;
use fax_proto::at::class2::{Session, SessionConfig};
use fax_proto::at::profile::{Class, Profile};
use fax_proto::page::Resolution;
use fax_proto::session::{Outcome, PageMark, Phase, Report};
use fax_proto::sim::air::Hooks;
use fax_proto::t4::{self, BitOrder, Coding, EncodeOptions};
use fax_proto::t30::{Input, Output as Tell};
use fax_proto::time::Time;
use support::{Store, page, receiver_config, sender_config};

/// A talk: commands are answered by OK unless it is said otherwise.
struct Talk {
    session: Session,
    store: Store,
    now: Time,
    report: Option<Report>,
    /// What was written, in order.
    written: Vec<String>,
}

impl Talk {
    fn sender(class: Class, pages: u32) -> Self {
        let pages_of = (0..pages).map(|n| page(u64::from(n), 20, Resolution::R204x98)).collect();
        let call = SessionConfig { profile: Profile { class, ..Profile::default() }, dial: "1".into() };
        Self::new(Session::sender(sender_config(pages), call), Store::with(pages_of))
    }

    fn receiver(class: Class) -> Self {
        let call = SessionConfig { profile: Profile { class, ..Profile::default() }, dial: String::new() };
        Self::new(Session::receiver(receiver_config(), call), Store::default())
    }

    fn new(session: Session, store: Store) -> Self {
        let mut talk = Self { session, store, now: Time::ZERO, report: None, written: Vec::new() };
        talk.session.handle(Time::ZERO, Input::Tick);
        talk.pump();
        talk
    }

    fn pump(&mut self) {
        while let Some(output) = self.session.poll() {
            match output {
                Output::Write(bytes) => {
                    self.written.push(bytes.iter().map(|byte| char::from(*byte)).collect());
                }
                Output::Tell(Tell::NeedPage(n)) => {
                    let answer = self.store.page(n).map_or(Input::NoPage(n), |page| Input::Page(n, page));
                    self.session.handle(self.now, answer);
                }
                Output::Tell(Tell::Mark { mark: PageMark::Unconfirmed, .. }) => {
                    self.session.handle(self.now, Input::MarkKept(true));
                }
                Output::Tell(Tell::PageReceived(page)) => {
                    self.store.received(page);
                    self.session.handle(self.now, Input::PageKept(true));
                }
                Output::Tell(Tell::Ended(report)) => self.report = Some(report),
                _ => {}
            }
        }
    }

    /// The modem says OK to everything until this is written, and then the lines.
    fn at(mut self, command: &str, lines: &[&str]) -> Self {
        for _ in 0..40 {
            let last = self.written.last().cloned().unwrap_or_default();
            if last.contains(command) {
                self.written.push(String::new());
                lines.iter().for_each(|line| self.say(line));
                return self;
            }
            self.say("OK");
        }
        panic!("{command} is not said, but {:?}", self.written);
    }

    fn say(&mut self, line: &str) {
        self.session.received(self.now, format!("\r\n{line}\r\n").as_bytes());
        self.pump();
    }

    /// The call goes on without a word of the modem until it is over.
    fn end(mut self) -> (Report, Vec<String>) {
        while self.report.is_none() {
            self.now = self.session.deadline().unwrap().max(self.now);
            self.session.handle(self.now, Input::Tick);
            self.pump();
            let last = self.written.last().cloned().unwrap_or_default();
            if last == "ATH0\r" && self.report.is_none() {
                self.say("OK");
            }
        }
        (self.report.unwrap(), self.written)
    }
}

const ANSWERED: &[&str] = &["+FCON", "+FDIS:1,5,0,2,0,0,0,0", "OK"];
const TRAINED: &[&str] = &["+FDCS:0,5,0,2,0,0,0,0", "CONNECT", "\x11"];

#[test]
fn class_2_has_no_answer_to_a_page_but_its_own_word() {
    for lines in [&["OK"][..], &["+FHNG:0", "OK"], &["ERROR"], &["NO CARRIER"]] {
        let talk = Talk::sender(Class::Two, 1).at("ATDT1", ANSWERED).at("+FDT", TRAINED);
        let (report, _) = talk.at("+FET=2", lines).end();
        assert_eq!(report.outcome, Outcome::Unconfirmed { page: 0 }, "{lines:?}");
    }
    for lines in
        [&["+FPTS:1", "+FHNG:0", "OK"][..], &["+FPTS:1", "OK"], &["+FPTS:3"], &["+FPTS: 1,0,0", "+FHNG: 50"]]
    {
        let talk = Talk::sender(Class::Two, 1).at("ATDT1", ANSWERED).at("+FDT", TRAINED);
        let (report, _) = talk.at("+FET=2", lines).end();
        assert_eq!(report.outcome, Outcome::Delivered, "{lines:?}");
    }
}

#[test]
fn class_2_0_answers_a_page_by_its_result() {
    for (lines, outcome) in [
        (&["OK"][..], Outcome::Delivered),
        (&["+FPS:1", "+FHS:00", "OK"], Outcome::Delivered),
        (&["+FHS:00", "OK"], Outcome::Delivered),
        (&["+FHS:54", "OK"], Outcome::Unconfirmed { page: 0 }),
        (&["+FHS:40", "OK"], Outcome::HungUp { phase: Phase::Image }),
        (&["NO CARRIER"], Outcome::Unconfirmed { page: 0 }),
    ] {
        let answered = ["+FCO", "+FIS:1,5,0,2,0,0,0,0", "OK"];
        let talk = Talk::sender(Class::TwoPointZero, 1).at("ATDT1", &answered);
        let talk = talk.at("+FDT", &["+FCS:0,5,0,2,0,0,0,0", "CONNECT"]).at("\x10.", lines);
        assert_eq!(talk.end().0.outcome, outcome, "{lines:?}");
    }
}

#[test]
fn who_answers_is_told_from_what_the_modem_says() {
    for (lines, outcome) in [
        (&["VCON"][..], Outcome::VoiceAnswered),
        (&["CONNECT 2400"], Outcome::DataModemAnswered),
        (&["DELAYED"], Outcome::DialBlocked),
        (&["NO CARRIER"], Outcome::NotConnected),
        (&["RINGING", "BUSY"], Outcome::Busy),
        (&["+FCON", "+FHNG:25", "OK"], Outcome::NoResponse { phase: Phase::Training }),
        (&["+FCON", "NO CARRIER"], Outcome::HungUp { phase: Phase::Negotiation }),
        (&["+FHNG:11"], Outcome::NoFaxTone),
        (&[], Outcome::NotConnected),
        (&["+FCON"], Outcome::NoDis),
    ] {
        let (report, written) = Talk::sender(Class::Two, 1).at("ATDT1", lines).end();
        assert_eq!(report.outcome, outcome, "{lines:?}");
        assert!(written.iter().any(|text| text == "ATH0\r"), "on hook, whatever came: {written:?}");
    }
}

/// A page as a modem gives it, with what it says of it.
fn give(mut talk: Talk, follows: u8) -> Talk {
    let page = page(7, 30, Resolution::R204x98);
    let options =
        EncodeOptions { bit_order: BitOrder::LsbFirst, ..EncodeOptions::line(Coding::Mh, page.resolution()) };
    let stream = fax_proto::at::dle::stuff(&t4::encode(&page, &options));
    assert_eq!(talk.written.last().map(String::as_str), Some("\x12"), "DC2 asks for the data");
    talk.session.received(talk.now, &stream);
    [&format!("+FET:{follows}")[..], "OK"].iter().for_each(|line| talk.say(line));
    talk
}

/// Some modems answer `+FDR` by OK between two documents, some leave out what they think of a page, some end without a word.
#[test]
fn a_receiver_takes_modems_as_they_are() {
    let talk =
        Talk::receiver(Class::Two).at("ATA", &["+FCON", "+FTSI:\"99\"", "+FDCS:0,5,0,2,0,0,0,0", "OK"]);
    let talk = give(talk.at("+FDR", &["CONNECT"]), 1);
    let talk = talk.at("AT+FDR", &["OK"]);
    let talk = give(talk.at("AT+FDR", &["+FDCS:0,3,0,2,0,0,0,0", "CONNECT"]), 2);
    let (report, written) = talk.at("AT+FDR", &["NO CARRIER"]).end();
    assert_eq!((report.outcome, report.pages_confirmed()), (Outcome::Received, 2), "{written:?}");
    assert_eq!(report.remote_id.as_deref(), Some("99"));
    assert_eq!(report.negotiated.unwrap().speed.bit_rate(), 9600);
    assert_eq!(written.iter().filter(|text| *text == "AT+FPTS=1\r").count(), 2, "it is told what to answer");
}

#[test]
fn a_modem_without_dtr_is_left_as_it_is() {
    let profile = Profile { class: Class::Two, dtr_hang_up: false, ..Profile::default() };
    let call = SessionConfig { profile, dial: "1".into() };
    let mut session = Session::sender(sender_config(1), call);
    session.handle(Time::ZERO, Input::Tick);
    let mut now = Time::ZERO;
    let mut last = None;
    while let Some(deadline) = session.deadline() {
        now = now.max(deadline);
        session.handle(now, Input::Tick);
        while let Some(output) = session.poll() {
            assert!(!matches!(output, Output::Dtr(_)));
            last = Some(output);
        }
    }
    assert!(matches!(last, Some(Output::Tell(Tell::Ended(report))) if !report.outcome.is_success()));
}
