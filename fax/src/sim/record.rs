//! Writes down what goes over a line, as a fax engineer would like to read it.
//!
//! ```text
//!    4.000  → answer, CED
//!    7.350  → CSI "+12125550123"
//!    7.350  → DIS 14400 V.17, ECM, fine, MR, MMR, A3 wide, Unlimited long
//!   10.127  ← DCS 14400 V.17, ECM 256, MMR, 204×196, A4
//! ```
//!
//! One recorder stands at one end: `→` is what that end sends, `←` what it hears. It works with any carrier, simulated
//! or real, and keeps no image data. A trace longer than [`TRACE_LINES_MAX`] is cut, and says so.

use crate::carrier::{Command, HangUp, Image, ImageKind, Signal, Training};
use crate::session::{ReceivedPage, Report};
use crate::t30::address::refusal;
use crate::t30::capability::Capability;
use crate::t30::frame::{Fcf, Frame, PartialPage, StationId, parse_end_of_retransmission};
use crate::t30::settings::Settings;
use crate::time::Time;
use alloc::format;
use alloc::string::String;
use core::fmt::Write;

/// Lines in a trace.
pub const TRACE_LINES_MAX: usize = 5000;

/// The recorder of one end.
#[derive(Clone, Debug, Default)]
pub struct Recorder {
    text: String,
    lines: usize,
    /// What is being listened for at high speed.
    listening: Option<String>,
    bytes: usize,
    frames_good: usize,
    frames_bad: usize,
}

impl Recorder {
    /// An empty trace.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// What the engine asks of the line.
    pub fn command(&mut self, now: Time, command: &Command) {
        self.end_image(now);
        self.listening = None;
        match command {
            Command::Call => self.line(now, "→", "dial, CNG"),
            Command::Answer => self.line(now, "→", "answer, CED"),
            Command::SendFrames(frames) => {
                frames.iter().for_each(|octets| self.line(now, "→", &describe(octets)));
            }
            Command::SendTcf(speed) => self.line(now, "→", &format!("TCF {speed}")),
            Command::SendImage { speed, training, image } => {
                let text = format!("image {speed}{}, {}", training_text(*training), size_text(image));
                self.line(now, "→", &text);
            }
            Command::ListenTcf(speed) => self.listening = Some(format!("TCF {speed}")),
            Command::ListenImage { speed, training, .. } => {
                self.listening = Some(format!("image {speed}{}", training_text(*training)));
            }
            Command::HangUp => self.line(now, "→", "hang up"),
            Command::ListenFrames | Command::Silence(_) => {}
        }
    }

    /// What the line tells the engine.
    pub fn signal(&mut self, now: Time, signal: &Signal) {
        match signal {
            Signal::Connected => self.line(now, "←", "answered"),
            Signal::Frame { octets, fcs_ok } if self.listening.is_some() => self.image_frame(octets, *fcs_ok),
            Signal::Frame { octets, fcs_ok: true } => self.line(now, "←", &describe(octets)),
            Signal::Frame { .. } => self.line(now, "←", "damaged frame"),
            Signal::Data(bytes) => self.bytes += bytes.len(),
            Signal::TrainingFailed => self.line(now, "←", "training failed, or something else than expected"),
            Signal::CarrierLost => self.end_image(now),
            Signal::HungUp(why) => {
                self.end_image(now);
                self.line(now, "←", why_text(*why));
            }
            Signal::CarrierUp | Signal::Sent => {}
        }
    }

    /// A page was received and is handed to the driver.
    pub fn page(&mut self, now: Time, page: &ReceivedPage) {
        let quality = page.quality;
        let text = format!("page {}: {:?}, {} bad rows", page.index + 1, page.page, quality.rows_bad);
        self.line(now, " ", &text);
    }

    /// Anything else that the driver wants to have in it, such as what is said to a modem that does T.30 itself.
    pub fn note(&mut self, now: Time, direction: &str, text: &str) {
        self.line(now, direction, text);
    }

    /// The call is over.
    pub fn ended(&mut self, now: Time, report: &Report) {
        let text = format!(
            "{}; {} of {} pages confirmed",
            report.outcome,
            report.pages_confirmed(),
            report.marks.len()
        );
        self.line(now, " ", &text);
    }

    /// The trace so far.
    #[must_use]
    pub fn take(&mut self) -> String {
        core::mem::take(&mut self.text)
    }

    fn line(&mut self, now: Time, direction: &str, text: &str) {
        self.lines += 1;
        // Writing to a string cannot fail.
        let _ = match self.lines {
            ..TRACE_LINES_MAX => writeln!(self.text, "{:>9}  {direction} {text}", format!("{now}")),
            TRACE_LINES_MAX => writeln!(self.text, "{:>9}    the rest is left out", format!("{now}")),
            _ => Ok(()),
        };
    }

    fn image_frame(&mut self, octets: &[u8], fcs_ok: bool) {
        match Frame::parse(octets) {
            Some(frame) if fcs_ok && frame.fcf == Fcf::Rcp => {}
            _ if fcs_ok => self.frames_good += 1,
            _ => self.frames_bad += 1,
        }
    }

    fn end_image(&mut self, now: Time) {
        let Some(what) = self.listening.take() else { return };
        let text = match (self.bytes, self.frames_good, self.frames_bad) {
            (0, 0, 0) => return,
            (0, good, 0) => format!("{what}, {good} frames"),
            (0, good, bad) => format!("{what}, {good} frames, {bad} damaged"),
            (bytes, ..) => format!("{what}, {bytes} bytes"),
        };
        self.line(now, "←", &text);
        (self.bytes, self.frames_good, self.frames_bad) = (0, 0, 0);
    }
}

fn training_text(training: Training) -> &'static str {
    match training {
        Training::Long => "",
        Training::Short => " short",
    }
}

fn size_text(image: &Image) -> String {
    match (image.kind(), image) {
        (ImageKind::Frames, Image::Frames(frames)) => {
            let coded = frames.iter().filter_map(|octets| Frame::parse(octets));
            format!("{} frames", coded.filter(|frame| frame.fcf == Fcf::Fcd).count())
        }
        _ => format!("{} bytes", image.len_bytes()),
    }
}

/// A frame with what it says.
fn describe(octets: &[u8]) -> String {
    let Some(frame) = Frame::parse(octets) else {
        return format!("{} octets that are no T.30 frame", octets.len());
    };
    let fcf = frame.fcf;
    match fcf {
        Fcf::Dis | Fcf::Dtc => format!("{fcf} {}", Capability::parse(&frame.fif)),
        Fcf::Dcs => match Settings::parse(&frame.fif) {
            Some(settings) => format!("{fcf} {settings}"),
            None => format!("{fcf} with a reserved speed"),
        },
        Fcf::Ctc => match Settings::parse(&frame.fif) {
            Some(settings) => format!("{fcf} {}", settings.speed),
            None => format!("{fcf} with a reserved speed"),
        },
        Fcf::Csi | Fcf::Tsi | Fcf::Cig | Fcf::Sub | Fcf::Sep => {
            format!("{fcf} \"{}\"", StationId::from_fif(&frame.fif))
        }
        // Traces are read by others than those who may know it.
        Fcf::Pwd | Fcf::Sid => format!("{fcf}, a password, not shown"),
        Fcf::Fnv => format!("{fcf}: {}", refusal(&frame.fif)),
        Fcf::Pps => match PartialPage::parse(&frame.fif) {
            Some(pps) => {
                format!("PPS-{} page {} block {}, {} frames", pps.then, pps.page, pps.block, pps.frames)
            }
            None => String::from("PPS cut short"),
        },
        Fcf::Eor => match parse_end_of_retransmission(&frame.fif) {
            Some(then) => format!("EOR-{then}"),
            None => String::from("EOR cut short"),
        },
        Fcf::Ppr => format!("PPR {}", frames_wanted(&frame.fif)),
        _ if frame.fif.is_empty() => format!("{fcf}"),
        _ => format!("{fcf}, {} octets", frame.fif.len()),
    }
}

/// The frame numbers of a PPR as ranges: `0, 4-7`.
fn frames_wanted(map: &[u8]) -> String {
    let is_wanted = |n: usize| map.get(n / 8).is_some_and(|octet| octet >> (n % 8) & 1 != 0);
    let mut text = String::new();
    let mut n = 0;
    while n < map.len() * 8 {
        if !is_wanted(n) {
            n += 1;
            continue;
        }
        let first = n;
        while is_wanted(n + 1) {
            n += 1;
        }
        let separator = if text.is_empty() { "" } else { ", " };
        // Writing to a string cannot fail.
        let _ = match first == n {
            true => write!(text, "{separator}{first}"),
            false => write!(text, "{separator}{first}-{n}"),
        };
        n += 1;
    }
    text
}

/// Why a call is over, in an engineer's words.
fn why_text(why: HangUp) -> &'static str {
    match why {
        HangUp::Busy => "busy",
        HangUp::NoAnswer => "no answer",
        HangUp::NoDialTone => "no dial tone",
        HangUp::NotConnected => "no connection",
        HangUp::Voice => "a voice answered",
        HangUp::DataModem => "a data modem answered",
        HangUp::Blocked => "the modem refuses to dial the number for now",
        HangUp::Glare => "a call came in first",
        HangUp::Remote => "the far end hung up",
        HangUp::LineFault => "the line failed",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::carrier::Speed;
    use alloc::vec;

    #[test]
    fn a_trace_reads_as_a_call() {
        let mut recorder = Recorder::new();
        let at = |millis: u64| Time(millis * 1000);
        recorder.command(at(0), &Command::Call);
        recorder.signal(at(4060), &Signal::Connected);
        let dis = [&[0xFF, 0x13, 0x80][..], &[0x00, 0xCE, 0x64]].concat();
        recorder.signal(at(9000), &Signal::Frame { octets: dis, fcs_ok: true });
        recorder.command(at(9075), &Command::SendTcf(Speed::V29At9600));
        recorder.command(at(12_000), &Command::SendFrames(vec![vec![0xFF, 0x13, 0xBF, 0x2F, 0, 1, 22]]));
        let ppr = [&[0xFF, 0x13, 0xBC][..], &[0b1011_0001, 1]].concat();
        recorder.signal(at(14_000), &Signal::Frame { octets: ppr, fcs_ok: true });
        recorder.signal(at(15_000), &Signal::Frame { octets: vec![1], fcs_ok: false });
        let expected = "    0.000  → dial, CNG\n\
                        \x20   4.060  ← answered\n\
                        \x20   9.000  ← DIS 9600 V.29, fine, MR, A4 wide, B4 long, 10 ms/row\n\
                        \x20   9.075  → TCF 9600 V.29\n\
                        \x20  12.000  → PPS-EOP page 0 block 1, 23 frames\n\
                        \x20  14.000  ← PPR 0, 4-5, 7-8\n\
                        \x20  15.000  ← damaged frame\n";
        assert_eq!(recorder.take(), expected);
    }

    /// What comes before a command, in words; passwords are not written down.
    #[test]
    fn the_frames_of_phase_b_are_named() {
        let id = StationId::new("42").unwrap_or_default().to_fif();
        for (fcf, fif, expected) in [
            (0x21, &[0xAD, 0x00][..], "NSC, 2 octets"),
            (0x22, &[0xAD][..], "NSS, 1 octets"),
            (0x41, &id[..], "CIG \"42\""),
            (0xC3, &id[..], "SUB \"42\""),
            (0xA1, &id[..], "SEP \"42\""),
            (0xA3, &id[..], "SID, a password, not shown"),
            (0xC1, &id[..], "PWD, a password, not shown"),
            (0xCB, &[0x04][..], "FNV: the subaddress was refused"),
            (0x81, &[0x00, 0xCE, 0x64][..], "DTC 9600 V.29, fine, MR, A4 wide, B4 long, 10 ms/row"),
            (
                0x80,
                &[0x40, 0xCF, 0xE4, 0x84, 0x81, 0x80, 0x83, 0x80, 0x80, 0x60][..],
                "DIS 9600 V.29, ECM, 64-octet frames, fine, MR, JBIG, any stripe, FNV, SUB, password, \
                 has a document, A4 wide, B4 long, 10 ms/row",
            ),
            (
                0x83,
                &[0x00, 0x42, 0xF8, 0x84, 0x80, 0x80, 0x80, 0x80, 0x80, 0x20][..],
                "DCS 2400 V.27ter, ECM 256, JBIG, 204×196, A4",
            ),
        ] {
            assert_eq!(describe(&[&[0xFF, 0x13, fcf][..], fif].concat()), expected);
        }
    }

    #[test]
    fn an_image_is_one_line() {
        let mut recorder = Recorder::new();
        let listen = Command::ListenImage {
            speed: Speed::V17At14400,
            training: Training::Short,
            kind: ImageKind::Frames,
        };
        recorder.command(Time(0), &listen);
        let frame = |octets, fcs_ok| Signal::Frame { octets, fcs_ok };
        recorder.signal(Time(1), &frame(vec![0xFF, 0x03, 0x06, 0, 7], true));
        recorder.signal(Time(1), &frame(vec![0xFF, 0x03], false));
        recorder.signal(Time(1), &frame(vec![0xFF, 0x03, 0x86], true));
        recorder.signal(Time(2000), &Signal::CarrierLost);
        assert_eq!(recorder.take(), "    0.002  ← image 14400 V.17 short, 1 frames, 1 damaged\n");
    }

    #[test]
    fn a_trace_is_bounded() {
        let mut recorder = Recorder::new();
        (0..2 * TRACE_LINES_MAX).for_each(|_| recorder.signal(Time(0), &Signal::Connected));
        assert_eq!(recorder.take().lines().count(), TRACE_LINES_MAX);
    }
}
