//! What the program sends: frames (`+FTH=3`), training checks and images (`+FTM`), collected and then given to the line.

use super::results::Code;
use super::shielded::Unshield;
use super::watch::Expected;
use super::{Dce, Doing};
use crate::carrier::{Command, Image, ImageKind, Speed, Training};
use crate::hdlc::Decoder;
use crate::t30::frame::FRAME_OCTETS_MAX;
use crate::t30::timers::{PREAMBLE, TCF, V21_BIT_RATE};
use crate::time::{Duration, Time};
use alloc::vec::Vec;

/// A program that was told CONNECT and sends nothing for this long gets ERROR. T.31 clause 8.3.5 says 5 s; a program
/// that renders its page meanwhile is given more.
const STALL_MAX: Duration = Duration::from_secs(30);
/// Beyond the time that sending should take, the line is given this much before the call is given up.
const SLACK: Duration = Duration::from_secs(60);
/// Frames of one V.21 burst; T.30 knows six at most.
const FRAMES_MAX: usize = 16;
/// The bit of a control octet that says that no frame follows.
const FINAL: u8 = 0x10;

/// What is being collected.
#[derive(Debug)]
enum What {
    /// V.21 frames; those before the present one.
    Frames(Vec<Vec<u8>>),
    /// Data at high speed.
    Fast(Speed, Training),
}

/// Data of the program that are coming in.
#[derive(Debug)]
pub(super) struct Collecting {
    what: What,
    unshield: Unshield,
    data: Vec<u8>,
    /// More came than is taken.
    too_much: bool,
}

impl Collecting {
    fn new(what: What) -> Self {
        Self { what, unshield: Unshield::default(), data: Vec::new(), too_much: false }
    }
}

impl Dce {
    /// `+FTH=3`.
    pub(super) fn collect_frames(&mut self, now: Time) {
        self.collect_next(now, What::Frames(Vec::new()));
    }

    /// `+FTM`.
    pub(super) fn collect_fast(&mut self, now: Time, (speed, training): (Speed, Training)) {
        self.collect_next(now, What::Fast(speed, training));
    }

    fn collect_next(&mut self, now: Time, what: What) {
        self.listening = None;
        self.say(Code::Connect);
        self.wait(now, Doing::Collecting(Collecting::new(what)), STALL_MAX);
    }

    /// `+FTS`.
    pub(super) fn be_silent(&mut self, now: Time, time: Duration) {
        self.command(Command::Silence(time));
        self.wait(now, Doing::Sending, time + SLACK);
    }

    /// A byte of the program's data.
    pub(super) fn collect(&mut self, now: Time, byte: u8) {
        let Doing::Collecting(collecting) = &mut self.doing else { return };
        let octets_max = match collecting.what {
            What::Frames(_) => FRAME_OCTETS_MAX,
            What::Fast(..) => self.config.image_octets_max,
        };
        let ended = collecting.unshield.push(byte, &mut collecting.data);
        if collecting.data.len() > octets_max {
            collecting.too_much = true;
            collecting.data.clear();
        }
        self.deadline = Some(now + STALL_MAX);
        if ended && let Doing::Collecting(collecting) = core::mem::replace(&mut self.doing, Doing::Commands) {
            self.collected(now, collecting);
        }
    }

    fn collected(&mut self, now: Time, collecting: Collecting) {
        let Collecting { what, data, too_much, .. } = collecting;
        if !self.off_hook {
            return self.finish(now, Code::NoCarrier);
        }
        if too_much {
            return self.finish(now, Code::Error);
        }
        match what {
            What::Frames(frames) => self.frame_collected(now, frames, data),
            What::Fast(..) if data.is_empty() => self.finish(now, Code::Ok),
            What::Fast(speed, training) => self.send_fast(now, speed, training, data),
        }
    }

    /// One frame is there. The last has the final bit; `<DLE><ETX>` alone ends the burst as well.
    fn frame_collected(&mut self, now: Time, mut frames: Vec<Vec<u8>>, frame: Vec<u8>) {
        let is_last = frame.get(1).is_none_or(|control| control & FINAL != 0);
        if !frame.is_empty() {
            self.watch.frame(&frame);
            frames.push(frame);
        }
        match frames.len() {
            0 => self.finish(now, Code::Ok),
            FRAMES_MAX.. if !is_last => self.finish(now, Code::Error),
            _ if !is_last => self.collect_next(now, What::Frames(frames)),
            _ => {
                let octets: usize = frames.iter().map(|frame| frame.len() + FRAME_OVERHEAD_OCTETS).sum();
                self.command(Command::SendFrames(frames));
                self.wait(now, Doing::Sending, PREAMBLE + v21_time(octets) + SLACK);
            }
        }
    }

    fn send_fast(&mut self, now: Time, speed: Speed, training: Training, data: Vec<u8>) {
        let (command, time) = match self.watch.expected() {
            Expected::Tcf => {
                self.watch.tcf_is_over();
                (Command::SendTcf(speed), TCF)
            }
            Expected::Image(kind) => {
                let time = speed.time_for(data.len());
                (Command::SendImage { speed, training, image: image_of(kind, data) }, time)
            }
        };
        self.command(command);
        self.wait(now, Doing::Sending, speed.training_time(Training::Long) + time + SLACK);
    }

    /// The line has sent, or been silent.
    pub(super) fn sent(&mut self, now: Time) {
        match self.doing {
            Doing::Sending => self.finish(now, Code::Ok),
            // After CED a modem goes on with flags.
            Doing::Answering(_) => self.collect_frames(now),
            _ => {}
        }
    }
}

/// Flag and FCS of a frame, and what is stuffed, generously.
const FRAME_OVERHEAD_OCTETS: usize = 16;

fn v21_time(octets: usize) -> Duration {
    let bits = u64::try_from(octets).unwrap_or(u64::MAX).saturating_mul(10);
    Duration::from_secs(bits / V21_BIT_RATE)
}

/// What the program's data are. Under ECM they hold frames; where none can be found, they go out as they are.
fn image_of(kind: ImageKind, data: Vec<u8>) -> Image {
    if kind == ImageKind::Bits {
        return Image::Bits(data);
    }
    let (mut decoder, mut frames) = (Decoder::new(FRAME_OCTETS_MAX), Vec::new());
    decoder.push(&data, &mut frames);
    let frames: Vec<_> = frames.into_iter().filter(|frame| frame.fcs_ok).map(|frame| frame.octets).collect();
    if frames.is_empty() { Image::Bits(data) } else { Image::Frames(frames) }
}
