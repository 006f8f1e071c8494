//! The soft modem alone and in pairs: what it says to the DTE, what it does to its line, and that data come through.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test")]

use fax_peers::audio::{BLOCK_MS, BLOCK_SAMPLES, Config, Line};
use fax_peers::t31::{Caller, Event, Failure, Hook, Modem};

/// What a modem says within some milliseconds of silence on its line.
fn says(modem: &mut Modem, ms: u64) -> String {
    let mut said = modem.read();
    for _ in 0..ms / BLOCK_MS {
        modem.hear(&[0; BLOCK_SAMPLES]);
        modem.say(BLOCK_SAMPLES);
        said.extend(modem.read());
    }
    String::from_utf8(said).unwrap().replace("\r\n", "|")
}

fn command(modem: &mut Modem, command: &str) -> String {
    modem.write(format!("{command}\r").as_bytes());
    says(modem, 0)
}

fn quiet_modem() -> Modem {
    let mut modem = Modem::new();
    assert_eq!(command(&mut modem, "ATE0"), "ATE0\r|OK|");
    assert_eq!(command(&mut modem, "AT+FCLASS=1"), "|OK|");
    modem
}

#[test]
fn it_says_what_it_is_and_refuses_what_it_does_not_know() {
    let mut modem = quiet_modem();
    assert!(command(&mut modem, "AT+FTM=?").contains("24,48,72,73,74,96,97,98,121,122,145,146"));
    assert_eq!(command(&mut modem, "AT+FCLASS=2"), "|ERROR|");
    assert_eq!(command(&mut modem, "AT+FNONSENSE=1"), "|OK|", "it takes what it does not know");
    assert_eq!(command(&mut modem, "AT+FRH=3"), "|ERROR|", "on hook");
    assert_eq!(modem.poll(), None);
}

#[test]
fn it_rings_with_its_caller_and_answers_by_itself_where_it_may() {
    let mut modem = quiet_modem();
    assert_eq!(command(&mut modem, "AT+VCID=1"), "|OK|");
    let caller = Caller { number: Some("2125550177".into()), name: None, called: Some("42".into()) };
    modem.ring(Some(&caller));
    let said = says(&mut modem, 0);
    assert!(said.contains("NMBR=2125550177") && said.contains("NDID=42"), "{said}");
    assert!(said.ends_with("|RING|"), "{said}");
    modem.ring(None);
    assert_eq!(says(&mut modem, 0), "|RING|");
    assert_eq!(command(&mut modem, "ATS0=2"), "|OK|");
    modem.ring(Some(&Caller::default()));
    assert_eq!(modem.poll(), None, "the count begins anew with a call");
    modem.ring(None);
    assert_eq!(modem.poll(), Some(Event::Answered));
    assert_eq!(modem.hook(), Hook::Off);
}

#[test]
fn a_call_that_comes_to_nothing_leaves_it_on_hook() {
    let mut modem = quiet_modem();
    let cases = [
        (Failure::Busy, "|BUSY|"),
        (Failure::NoAnswer, "|NO ANSWER|"),
        (Failure::NoDialTone, "|NO DIALTONE|"),
        (Failure::NoCarrier, "|NO CARRIER|"),
    ];
    for (failure, said) in cases {
        assert_eq!(command(&mut modem, "ATDT9,0012"), "");
        assert_eq!(modem.poll(), Some(Event::Dialled("9,0012".into())));
        assert_eq!(says(&mut modem, 3000), "");
        assert_eq!(modem.hook(), Hook::Dialling);
        modem.failed(failure);
        assert_eq!(says(&mut modem, 0), said);
        assert_eq!((modem.poll(), modem.poll()), (Some(Event::OnHook), None));
        assert_eq!(command(&mut modem, "AT"), "|OK|");
    }
}

#[test]
fn dialling_ends_by_a_byte_and_by_s7_but_not_by_the_line_feed_after_the_command() {
    let mut modem = quiet_modem();
    modem.write(b"ATDT5\r\n");
    assert_eq!(says(&mut modem, 1000), "");
    modem.write(b"\r");
    assert_eq!(says(&mut modem, 0), "|NO CARRIER|");
    assert_eq!(command(&mut modem, "ATS7=5"), "|OK|");
    // Once nobody answers, once somebody does who is no fax.
    for answers in [false, true] {
        command(&mut modem, "ATDT5");
        if answers {
            modem.connected();
        }
        assert_eq!(says(&mut modem, 4900), "");
        assert_eq!(says(&mut modem, 200), "|NO CARRIER|");
        assert_eq!(modem.hook(), Hook::On);
    }
}

/// Two modems with drivers that do as a script says.
struct Pair {
    caller: Modem,
    called: Modem,
    line: Line,
    said: [Vec<u8>; 2],
}

impl Pair {
    /// A call that has just been answered.
    fn answered() -> Self {
        let [mut caller, mut called] = [quiet_modem(), quiet_modem()];
        caller.write(b"ATDT42\r");
        called.ring(Some(&Caller::default()));
        called.read();
        called.write(b"ATA\r");
        assert_eq!(caller.poll(), Some(Event::Dialled("42".into())));
        assert_eq!(called.poll(), Some(Event::Answered));
        caller.connected();
        Self { caller, called, line: Line::new(&Config::default()), said: [Vec::new(), Vec::new()] }
    }

    fn run(&mut self, ms: u64) {
        for _ in 0..ms / BLOCK_MS {
            let (to_caller, to_called) =
                self.line.pass(self.caller.say(BLOCK_SAMPLES), self.called.say(BLOCK_SAMPLES));
            self.caller.hear(&to_caller);
            self.called.hear(&to_called);
            self.said[0].extend(self.caller.read());
            self.said[1].extend(self.called.read());
        }
    }

    /// Runs until one end (0 the caller) has said this; gives what it said, and forgets it.
    fn until(&mut self, end: usize, wanted: &[u8]) -> Vec<u8> {
        for _ in 0..3000 {
            if self.said[end].windows(wanted.len()).any(|said| said == wanted) {
                return std::mem::take(&mut self.said[end]);
            }
            self.run(BLOCK_MS);
        }
        panic!(
            "not {:?}, but {:?}",
            String::from_utf8_lossy(wanted),
            String::from_utf8_lossy(&self.said[end])
        );
    }

    /// The first frame of the called, and the receiver's side of a training.
    fn trained() -> Self {
        let mut pair = Self::answered();
        pair.until(1, b"\r\nCONNECT\r\n");
        pair.called.write(b"\xff\x13\x80\x00\x10\x10\x10\x03");
        pair.until(0, b"\r\nCONNECT\r\n");
        let frame = pair.until(0, b"\r\nOK\r\n");
        assert!(frame.starts_with(b"\xff\x13\x80\x00\x10\x10"), "{frame:?}");
        pair.until(1, b"\r\nOK\r\n");
        pair.called.write(b"AT+FRM=145\r");
        pair.caller.write(b"AT+FTM=145\r");
        pair.until(0, b"\r\nCONNECT\r\n");
        pair.until(1, b"\r\nCONNECT\r\n");
        pair
    }
}

#[test]
fn frames_and_images_come_through_and_its_buffer_holds_the_dte_back() {
    let mut pair = Pair::trained();
    // Half as much again as the buffer holds.
    let image: Vec<u8> =
        (0..6000u32).map(|n| ((n * 7 % 251) | 1) as u8).filter(|byte| *byte != 0x10).collect();
    pair.caller.write(&[&image[..], b"\x10\x03"].concat());
    assert!(!pair.caller.is_ready());
    pair.run(1000);
    assert!(!pair.caller.is_ready(), "1800 octets a second");
    let heard = pair.until(1, b"\r\nNO CARRIER\r\n");
    assert!(
        heard.windows(image.len()).any(|part| part == image),
        "of {} octets {}",
        image.len(),
        heard.len()
    );
    assert!(pair.caller.is_ready());
    pair.until(0, b"\r\nOK\r\n");
    assert_eq!((pair.caller.carriers(), pair.called.carriers()), (1, 1));
}

#[test]
fn one_that_is_hung_up_on_says_no_carrier_and_can_call_again() {
    let mut pair = Pair::trained();
    pair.called.hung_up();
    pair.until(1, b"\r\nNO CARRIER\r\n");
    pair.caller.dtr_off();
    pair.said = [Vec::new(), Vec::new()];
    pair.run(500);
    assert_eq!(pair.said, [b"", b""]);
    for modem in [&mut pair.caller, &mut pair.called] {
        assert_eq!((modem.poll(), modem.poll()), (Some(Event::OnHook), None));
        assert_eq!(command(modem, "AT"), "|OK|");
        assert_eq!(command(modem, "ATDT1"), "");
        modem.connected();
        assert!((0..100).any(|_| modem.say(BLOCK_SAMPLES).iter().any(|sample| *sample != 0)), "CNG");
    }
}
