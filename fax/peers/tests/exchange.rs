//! The exchange on a virtual clock, and one real port.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test")]

use fax_peers::exchange::{Answer, Ended, Exchange, Fault, Office, Pace};
use fax_peers::t31::{Caller, Hook, Modem};
use std::io::{Read as _, Write as _};
use std::time::Duration;

/// An exchange with two modems, 1 and 2, that have told their DTEs this.
struct Bench {
    office: Office,
    said: [String; 2],
}

impl Bench {
    fn new() -> Self {
        let mut office = Office::default();
        ["1", "2"].into_iter().for_each(|number| office.put_modem(number, Modem::new()));
        let mut bench = Self { office, said: [String::new(), String::new()] };
        ["1", "2"].into_iter().for_each(|number| bench.write(number, "ATE0+VCID=1;+FCLASS=1"));
        bench.run(20);
        bench.forget();
        bench
    }

    fn write(&mut self, number: &str, command: &str) {
        self.office.write(number, format!("{command}\r").as_bytes());
    }

    fn forget(&mut self) {
        self.said = [String::new(), String::new()];
    }

    fn run(&mut self, ms: u64) {
        for _ in 0..ms / 20 {
            self.office.tick();
            for (said, number) in self.said.iter_mut().zip(["1", "2"]) {
                let octets = self.office.modem(number).map(Modem::read).unwrap_or_default();
                said.push_str(&String::from_utf8_lossy(&octets).replace("\r\n", "|"));
            }
        }
    }

    fn hooks(&self) -> [Hook; 2] {
        ["1", "2"].map(|number| self.office.modem_at(number).unwrap().hook())
    }

    /// Dials and lets so much time pass; gives what the caller's modem said.
    fn dial(&mut self, number: &str, ms: u64) -> String {
        self.forget();
        self.write("1", &format!("ATDT{number}"));
        self.run(ms);
        self.said[0].clone()
    }

    fn only_ended(&mut self) -> Ended {
        let mut ended = self.office.take_ended();
        assert_eq!(ended.len(), 1, "{}", self.office.history());
        ended.remove(0)
    }
}

#[test]
fn numbers_that_cannot_be_had_have_their_words() {
    let mut bench = Bench::new();
    bench.office.put_busy("3");
    bench.office.put_ringing("4");
    assert_eq!(bench.dial("3", 5000), "|BUSY|");
    assert_eq!(bench.only_ended().failure, Some("busy"));
    assert_eq!(bench.dial("9,4", 5000), "|NO CARRIER|", "9 belongs to the number here");
    assert_eq!(bench.only_ended().failure, Some("no such number"));
    assert_eq!(bench.dial("4", 40_000), "|NO ANSWER|");
    assert_eq!(bench.only_ended().failure, Some("no answer"));
    bench.office.traits("1").has_dial_tone = false;
    assert_eq!(bench.dial("2", 5000), "|NO DIALTONE|");
    assert_eq!((bench.said[1].as_str(), bench.hooks()), ("", [Hook::On, Hook::On]));
    assert!(!bench.office.is_active());
}

#[test]
fn a_call_rings_every_four_seconds_and_stops_when_the_caller_gives_up() {
    let mut bench = Bench::new();
    bench.dial("2", 10_000);
    let rings: Vec<&str> = bench.said[1].split('|').filter(|line| !line.is_empty()).collect();
    assert_eq!(rings, ["NMBR=1", "NDID=2", "RING", "RING", "RING"]);
    assert_eq!(bench.dial_busy_for_others(), "|BUSY|");
    bench.write("1", "");
    bench.run(8000);
    assert_eq!(bench.said, ["|NO CARRIER|", ""]);
    assert_eq!((bench.only_ended().answered_ms, bench.office.is_active()), (None, false));
}

impl Bench {
    /// A third one calls the second while it rings.
    fn dial_busy_for_others(&mut self) -> String {
        self.office.put_modem("5", Modem::new());
        self.office.write("5", b"ATE0+FCLASS=1\r");
        self.run(20);
        self.office.modem("5").unwrap().read();
        self.office.write("5", b"ATDT2\r");
        self.run(3000);
        let said = String::from_utf8(self.office.modem("5").unwrap().read()).unwrap();
        self.office.write("5", b"ATH\r");
        self.run(1000);
        self.office.take_ended();
        self.forget();
        said.replace("\r\n", "|")
    }
}

#[test]
fn one_that_hangs_up_leaves_the_other_with_no_carrier() {
    let mut bench = Bench::new();
    bench.dial("2", 3000);
    bench.write("2", "ATA");
    bench.run(6000);
    // CED, then the first frame is asked for; the caller hears its flags.
    assert!(bench.said[1].ends_with("|CONNECT|"), "{:?}", bench.said);
    assert_eq!(bench.said[0], "|CONNECT|");
    assert_eq!(bench.hooks(), [Hook::Off, Hook::Off]);
    bench.write("1", "");
    bench.write("1", "ATH");
    bench.run(1000);
    assert!(bench.said[1].ends_with("|NO CARRIER|"), "{:?}", bench.said);
    assert_eq!((bench.hooks(), bench.office.is_active()), ([Hook::On, Hook::On], false));
    let ended = bench.only_ended();
    assert!(ended.answered_ms.is_some() && ended.failure.is_none(), "{ended:?}");
}

#[test]
fn who_is_no_fax_lets_s7_run_out() {
    for answer in [Answer::Voice { for_ms: 60_000 }, Answer::Silence, Answer::DataModem] {
        let mut bench = Bench::new();
        bench.office.put_answer("3", answer.clone());
        bench.write("1", "ATS7=12");
        bench.run(20);
        assert_eq!(bench.dial("3", 11_500), "", "{answer:?}");
        bench.run(1000);
        assert_eq!((bench.said[0].as_str(), bench.hooks()[0]), ("|NO CARRIER|", Hook::On), "{answer:?}");
    }
    // One who hangs up first is noticed.
    let mut bench = Bench::new();
    bench.office.put_answer("3", Answer::Voice { for_ms: 2000 });
    assert_eq!(bench.dial("3", 9000), "|NO CARRIER|");
}

#[test]
fn a_line_that_rings_while_it_is_dialled_from_is_taken_up() {
    let mut bench = Bench::new();
    let caller = Caller { number: Some("777".into()), ..Caller::default() };
    bench.office.call_in_when_it_writes("1", b"ATD", caller, Answer::Silence);
    bench.dial("2", 3000);
    assert_eq!(bench.said, ["|NMBR=777||RING|", ""]);
    assert!(bench.office.history().contains("1 took up a line that was ringing"));
    bench.write("1", "");
    bench.run(1000);
    assert_eq!((bench.only_ended().from, bench.office.is_active()), ("777".into(), false));
}

#[test]
fn a_call_is_dropped_or_goes_dead_when_it_is_told_to() {
    for (fault, is_told) in
        [(Fault::Drop { carriers: 0, ms: 3000 }, true), (Fault::Dead { carriers: 0, ms: 3000 }, false)]
    {
        let mut bench = Bench::new();
        bench.office.befall("2", [fault]);
        bench.dial("2", 2000);
        bench.write("2", "ATA");
        bench.run(12_000);
        assert_eq!(bench.said[0].contains("NO CARRIER"), is_told, "{:?}", bench.said);
        assert_eq!(bench.hooks()[0], if is_told { Hook::On } else { Hook::Off });
        // The next call is spared.
        bench.write("1", "");
        bench.office.modem("2").unwrap().dtr_off();
        bench.run(2000);
        bench.dial("2", 2000);
        bench.write("2", "ATA");
        bench.run(8000);
        assert_eq!(bench.hooks(), [Hook::Off, Hook::Off], "{}", bench.office.history());
    }
}

/// In real time, some milliseconds.
#[test]
fn a_port_is_a_tty_that_comes_and_goes() {
    let folder = tempfile::tempdir().unwrap();
    let exchange = Exchange::start(folder.path(), Pace::Real).unwrap();
    let path = exchange.plug("1").unwrap();
    exchange.plug("2").unwrap();
    let open = || std::fs::File::options().read(true).write(true).open(&path).unwrap();
    let mut port = open();
    let read_until = |port: &mut std::fs::File, wanted: &str| {
        let (mut said, mut octet) = (String::new(), [0]);
        while !said.ends_with(wanted) {
            port.read_exact(&mut octet).unwrap();
            said.push(char::from(octet[0]));
        }
        said
    };
    port.write_all(b"ATE0\r").unwrap();
    assert_eq!(read_until(&mut port, "OK\r\n"), "ATE0\r\r\nOK\r\n");
    port.write_all(b"AT+FCLASS=1\rATDT2\r").unwrap();
    read_until(&mut port, "OK\r\n");
    eventually(|| !exchange.is_on_hook("1"));
    // DTR: the last one to close it hangs up.
    let second = open();
    drop(port);
    std::thread::sleep(Duration::from_millis(50));
    assert!(!exchange.is_on_hook("1"));
    drop(second);
    eventually(|| exchange.is_on_hook("1"));
    // Nothing is kept for the next one.
    exchange.with(|office| office.call_in("1", Caller::default(), Answer::Silence));
    std::thread::sleep(Duration::from_millis(50));
    let mut port = open();
    port.write_all(b"ATI0\r").unwrap();
    assert!(!read_until(&mut port, "OK\r\n").contains("RING"));
    exchange.unplug("1");
    assert!(!path.exists());
    eventually(|| port.write_all(b"AT\r").is_err() || port.read(&mut [0]).is_ok_and(|count| count == 0));
    exchange.plug("1").unwrap();
    let mut port = open();
    port.write_all(b"AT\r").unwrap();
    read_until(&mut port, "OK\r\n");
}

fn eventually(mut what: impl FnMut() -> bool) {
    for _ in 0..500 {
        if what() {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("it does not come true within 5 s");
}
