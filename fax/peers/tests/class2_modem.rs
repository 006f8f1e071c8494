//! The test modem by hand: what a program sees of it, command by command, on a virtual clock.

#![allow(clippy::unwrap_used, clippy::panic)]

use fax_peers::class2_modem::office::{Callee, Drop, FarConfig, FarRole, Office};
use fax_peers::class2_modem::{Config, Quirks};
use fax_proto::page::{Page, Resolution};
use fax_proto::session::Outcome;
use fax_proto::t4::{self, BitOrder, Coding, EncodeOptions};
use fax_proto::t30::frame::{Fcf, StationId};
use fax_proto::t30::{ReceiverConfig, SenderConfig};
use fax_proto::time::{Duration, Time};

/// A program that types and reads.
struct Program {
    office: Office,
    now: Time,
}

impl Program {
    fn new(config: Config, callee: Callee) -> Self {
        Self { office: Office::new(config, move |_| callee.clone()), now: Time::ZERO }
    }

    /// Types, and reads until the modem has said one of the words, for a minute at most.
    fn until(&mut self, typed: &[u8], words: &[&str]) -> Vec<u8> {
        let ends = self.now + Duration::from_secs(90);
        self.office.write(self.now, typed);
        let mut said = self.office.read();
        loop {
            let text = String::from_utf8_lossy(&said).into_owned();
            if words.iter().any(|word| text.contains(word)) {
                return said;
            }
            let next = self.office.deadline().filter(|at| *at <= ends);
            self.now = next.unwrap_or_else(|| panic!("{words:?} are not said, but {text:?}")).max(self.now);
            self.office.run(self.now);
            said.extend(self.office.read());
        }
    }

    fn command(&mut self, text: &str) -> String {
        let results = [
            "\r\nOK\r\n",
            "\r\nERROR\r\n",
            "\r\nCONNECT\r\n",
            "\r\nBUSY\r\n",
            "\r\nNO CARRIER\r\n",
            "\r\nNO ANSWER\r\n",
        ];
        let said = self.until(format!("{text}\r").as_bytes(), &results);
        String::from_utf8_lossy(&said).into_owned()
    }

    /// Lets everything go on for so long.
    fn wait(&mut self, time: Duration) {
        let ends = self.now + time;
        while let Some(next) = self.office.deadline().filter(|at| *at <= ends) {
            self.now = next.max(self.now);
            self.office.run(self.now);
        }
        self.now = ends;
    }
}

fn page(seed: u32, rows: u32) -> Page {
    let mut page = Page::white(1728, rows, Resolution::R204x196);
    for y in 0..rows {
        (0..200).for_each(|x| page.set(x * 8 + (y * seed) % 97, y, x % 3 != y % 3));
    }
    page
}

/// The page as data for the modem, in the order that `+FBOR=0` wants.
fn data(page: &Page, coding: Coding, end: &[u8]) -> Vec<u8> {
    let options =
        EncodeOptions { bit_order: BitOrder::LsbFirst, ..EncodeOptions::line(coding, page.resolution()) };
    let mut out = Vec::new();
    for byte in t4::encode(page, &options) {
        out.extend(std::iter::repeat_n(byte, if byte == 0x10 { 2 } else { 1 }));
    }
    out.extend(end);
    out
}

fn receiver() -> FarConfig {
    FarConfig::new(FarRole::Receive(ReceiverConfig::new(StationId::new("+1 555 0199").unwrap())))
}

#[test]
fn a_program_sends_two_pages_in_class_2() {
    let mut program = Program::new(Config::default(), Callee::Fax(Box::new(receiver())));
    assert!(program.command("ATE0").contains("ATE0"), "echo is on at first");
    for command in ["AT+FCLASS=2", "AT+FLID=\"123\"", "AT+FDCC=1,5,0,2,0,0,0,0", "AT+FBOR=0"] {
        assert_eq!(program.command(command), "\r\nOK\r\n", "{command}");
    }
    let said = program.command("ATDT555");
    assert_eq!(
        said,
        "\r\n+FCON\r\n\r\n+FCSI:\"         +1 555 0199\"\r\n\r\n+FDIS:1,5,2,2,3,2,0,0\r\n\r\nOK\r\n"
    );
    let said = program.until(b"AT+FDT\r", &["CONNECT\r\n\x11"]);
    assert_eq!(said, b"\r\n+FDCS:1,5,0,2,0,0,0,0\r\n\r\nCONNECT\r\n\x11");
    assert_eq!(program.until(&data(&page(3, 500), Coding::Mh, b"\x10\x03"), &["OK"]), b"\r\nOK\r\n");
    assert_eq!(program.command("AT+FET=0"), "\r\n+FPTS:1\r\n\r\nOK\r\n");
    assert_eq!(program.until(b"AT+FDT\r", &["\x11"]), b"\r\nCONNECT\r\n\x11");
    program.until(&data(&page(5, 400), Coding::Mh, b"\x10\x03"), &["OK"]);
    assert_eq!(program.command("AT+FET=2"), "\r\n+FPTS:1\r\n\r\n+FHNG:0\r\n\r\nOK\r\n");
    program.wait(Duration::from_secs(10));
    let seen = &program.office.seen[0];
    assert_eq!(seen.report.as_ref().map(|report| report.outcome), Some(Outcome::Received));
    assert!(seen.received.iter().map(|received| &received.page).eq([&page(3, 500), &page(5, 400)]));
    assert_eq!(seen.identified.as_ref().unwrap().id.as_deref(), Some("123"));
    assert!(program.office.is_quiet() && program.office.modem.bad_rows == 0);
}

#[test]
fn a_program_sends_in_class_2_0_with_ecm_and_the_second_page_twice() {
    let mut far = receiver();
    far.answers = vec![Fcf::Mcf, Fcf::Rtn];
    let mut program = Program::new(Config::default(), Callee::Fax(Box::new(far)));
    for command in ["AT+FCLASS=2.0", "AT+FNR=1,1,1,0", "AT+FCC=1,5,0,2,1,0,0,0"] {
        program.command(command);
    }
    assert!(program.command("ATD555").ends_with("+FIS:57,5,2,2,3,1,0,0\r\n\r\nOK\r\n"));
    program.command("ATE0");
    assert_eq!(program.command("AT+FDT"), "\r\n+FCS:1,5,0,2,1,0,0,0\r\n\r\nCONNECT\r\n");
    assert_eq!(program.until(&data(&page(3, 300), Coding::Mr, b"\x10,"), &["OK"]), b"\r\nOK\r\n");
    program.command("AT+FDT");
    assert_eq!(program.until(&data(&page(5, 300), Coding::Mr, b"\x10."), &["ERROR"]), b"\r\nERROR\r\n");
    assert_eq!(program.command("AT+FPS?"), "\r\n2\r\n\r\nOK\r\n");
    assert!(program.command("AT+FDT").starts_with("\r\n+FCS:1,"), "trained again");
    let last = program.until(&data(&page(5, 300), Coding::Mr, b"\x10."), &["OK"]);
    assert_eq!(last, b"\r\n+FHS:00\r\n\r\nOK\r\n");
    program.wait(Duration::from_secs(10));
    let seen = &program.office.seen[0];
    assert!(seen.received.iter().map(|received| &received.page).eq([
        &page(3, 300),
        &page(5, 300),
        &page(5, 300)
    ]));
}

#[test]
fn a_program_receives_two_pages() {
    for (class, bit_order) in [("2", "+FBOR=0"), ("2.0", "+FBO=1")] {
        let pages = vec![page(3, 300), page(7, 350)];
        let far = FarConfig::new(FarRole::Send(
            SenderConfig::new(StationId::new("999").unwrap(), 2),
            pages.clone(),
        ));
        let mut program = Program::new(Config::default(), Callee::Busy);
        for command in [&format!("ATE0+FCLASS={class}"), "AT+FCR=1", &format!("AT{bit_order}")] {
            program.command(command);
        }
        program.command(if class == "2" { "AT+FDCC=1,5,0,2,3,2,0,0" } else { "AT+FCC=1,5,0,2,3,1,0,0" });
        program.command("AT+FNR=1,1,1,1");
        program.office.call_in(program.now, far);
        program.until(b"", &["RING"]);
        let said = program.command("ATA");
        assert!(said.contains("999\"") && said.contains("1,5,0,2,3,"), "{said}");
        for (index, sent) in pages.iter().enumerate() {
            let said = program.command("AT+FDR");
            assert!(said.ends_with("CONNECT\r\n"), "{said}");
            let said = program.until(b"\x12", &["OK"]);
            let end = said.windows(2).position(|pair| pair == b"\x10\x03").unwrap();
            let mut coded = Vec::new();
            let mut bytes = said[..end].iter();
            while let Some(byte) = bytes.next() {
                coded.push(*byte);
                if *byte == 0x10 && *bytes.next().unwrap() == 0x1A {
                    coded.push(0x10);
                }
            }
            let order = if class == "2" { BitOrder::LsbFirst } else { BitOrder::MsbFirst };
            let options =
                t4::DecodeOptions { bit_order: order, ..t4::DecodeOptions::line(Coding::Mmr, 1728) };
            assert_eq!(t4::decode(&coded, &options).into_page(sent.resolution()).as_ref(), Some(sent));
            let rest = String::from_utf8_lossy(&said[end + 2..]).into_owned();
            let expected = format!(":1,{},0,0\r\n\r\n+FET:{}\r\n\r\nOK\r\n", sent.rows(), index * 2);
            assert!(rest.ends_with(&expected), "{rest}");
        }
        let last = program.command("AT+FDR");
        assert!(last.contains(if class == "2" { "+FHNG:0\r\n" } else { "+FHS:00\r\n" }), "{last}");
        program.wait(Duration::from_secs(10));
        let seen = &program.office.seen[0];
        assert_eq!(seen.report.as_ref().unwrap().outcome, Outcome::Delivered);
    }
}

#[test]
fn a_call_that_comes_to_nothing_ends_with_its_word() {
    for (callee, word) in [
        (Callee::Busy, "\r\nBUSY\r\n"),
        (Callee::NoAnswer, "\r\nNO ANSWER\r\n"),
        (Callee::Silent, "\r\n+FHNG:11\r\n\r\nOK\r\n"),
    ] {
        let mut program = Program::new(Config::default(), callee);
        program.command("ATE0+FCLASS=2");
        assert_eq!(program.command("ATDT1"), word);
        assert_eq!(program.command("AT+FDT"), "\r\nERROR\r\n");
        assert!(program.office.is_quiet());
    }
}

#[test]
fn oddities_are_as_asked_for() {
    let quirks = Quirks { xon_first: true, ..Quirks::default() };
    let mut program = Program::new(Config { quirks, ..Config::default() }, Callee::Fax(Box::new(receiver())));
    program.command("ATE0+FCLASS=2");
    program.command("ATDT1");
    let said = program.command("AT+FDT");
    assert!(said.contains("\x11\r\nCONNECT"), "{said}");
}

#[test]
fn after_a_call_that_was_dropped_the_next_one_is_as_good_as_any() {
    for class in ["2", "2.0"] {
        let mut calls = 0;
        let office = Office::new(Config::default(), move |_| {
            calls += 1;
            Callee::Fax(Box::new(FarConfig { drop: (calls == 1).then_some(Drop::Image(1)), ..receiver() }))
        });
        let mut program = Program { office, now: Time::ZERO };
        program.command(&format!("ATE0+FCLASS={class}"));
        for is_dropped in [true, false] {
            assert!(program.command("ATD1").ends_with("OK\r\n"));
            let said = program.command("AT+FDT");
            assert!(said.contains("CONNECT"), "{class} {is_dropped}: {said}");
            let end = if class == "2" { b"\x10\x03" } else { b"\x10." };
            let said = program.until(&data(&page(3, 900), Coding::Mh, end), &["OK"]);
            assert_eq!(String::from_utf8_lossy(&said).contains(":40"), is_dropped, "{class} {said:?}");
            program.command("ATH0");
            program.wait(Duration::from_secs(100));
        }
    }
}
