//! What the program sends: frames (`+FTH=3`), training checks and images (`+FTM`), collected and then given to the line.

use super::results::Code;
use super::shielded::Unshield;
use super::watch::Expected;
use super::{Dce, Doing, Output};
use crate::carrier::{Command, Image, ImageKind, Piece, Speed, Training};
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
/// How far the program may be ahead of the line, where images go out piece by piece.
const AHEAD: Duration = Duration::from_secs(3);
/// What goes out in one piece, at least. Less is sent whole.
const PIECE_TIME: Duration = Duration::from_millis(500);
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
    /// What has gone out already.
    stream: Option<Stream>,
}

/// An image that goes out while it comes in.
#[derive(Debug)]
struct Stream {
    speed: Speed,
    kind: ImageKind,
    decoder: Decoder,
    began: Time,
    octets: usize,
}

impl Stream {
    /// When the program is no longer too far ahead of the line.
    fn ready_at(&self) -> Time {
        let sent = self.began + self.speed.time_for(self.octets);
        Time::ZERO + sent.since(Time::ZERO).saturating_sub(AHEAD)
    }
}

impl Collecting {
    fn new(what: What) -> Self {
        Self { what, unshield: Unshield::default(), data: Vec::new(), too_much: false, stream: None }
    }

    /// Whether a part of the image has gone out.
    pub(super) fn has_begun(&self) -> bool {
        self.stream.is_some()
    }

    /// Bytes that are there, with those that have gone out.
    fn octets(&self) -> usize {
        self.data.len() + self.stream.as_ref().map_or(0, |stream| stream.octets)
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
        if collecting.octets() > octets_max {
            collecting.too_much = true;
            collecting.data.clear();
        }
        self.deadline = Some(now + STALL_MAX);
        if !ended {
            self.stream(now);
        }
        if ended && let Doing::Collecting(collecting) = core::mem::replace(&mut self.doing, Doing::Commands) {
            self.collected(now, collecting);
        }
    }

    /// Whether the program has to wait until the line has sent more of what it has.
    pub(super) fn is_ahead(&mut self, now: Time) -> bool {
        let Doing::Collecting(Collecting { stream: Some(stream), .. }) = &self.doing else { return false };
        let ready = stream.ready_at();
        let is_ahead = self.off_hook && now < ready;
        if is_ahead && !self.input.is_empty() {
            self.deadline = Some(ready);
        }
        is_ahead
    }

    /// Sends on what there is of an image, where the line takes it piece by piece.
    fn stream(&mut self, now: Time) {
        let Doing::Collecting(collecting) = &mut self.doing else { return };
        let What::Fast(speed, training) = collecting.what else { return };
        let Expected::Image(kind) = self.watch.expected() else { return };
        let is_piece = speed.time_for(collecting.data.len()) >= PIECE_TIME;
        if !self.config.streams || !self.off_hook || !is_piece || collecting.too_much {
            return;
        }
        if collecting.stream.is_none() {
            self.out.push_back(Output::Piece(Piece::Begin { speed, training, kind }));
            let (began, decoder) = (now + speed.training_time(training), Decoder::new(FRAME_OCTETS_MAX));
            collecting.stream = Some(Stream { speed, kind, decoder, began, octets: 0 });
        }
        let data = core::mem::take(&mut collecting.data);
        if let Some(stream) = &mut collecting.stream {
            self.out.extend(stream.piece(data).map(Output::Piece));
        }
    }

    fn collected(&mut self, now: Time, collecting: Collecting) {
        let Collecting { what, data, too_much, stream, .. } = collecting;
        if !self.off_hook {
            return self.finish(now, Code::NoCarrier);
        }
        if let Some(mut stream) = stream {
            self.out.extend(stream.piece(data).map(Output::Piece));
            self.out.push_back(Output::Piece(Piece::End));
            if too_much {
                return self.finish(now, Code::Error);
            }
            // What is stuffed, generously.
            let rest = (stream.began + stream.speed.time_for(stream.octets * 2)).since(now);
            return self.wait(now, Doing::Sending, rest + SLACK);
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

impl Stream {
    /// The next piece, if there is anything to send in these data.
    fn piece(&mut self, data: Vec<u8>) -> Option<Piece> {
        self.octets += data.len();
        let image = match self.kind {
            ImageKind::Bits => Image::Bits(data),
            ImageKind::Frames => Image::Frames(frames_in(&mut self.decoder, &data)),
        };
        let is_empty = image.len_bytes() == 0;
        (!is_empty).then_some(Piece::More(image))
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
    let frames = frames_in(&mut Decoder::new(FRAME_OCTETS_MAX), &data);
    if frames.is_empty() { Image::Bits(data) } else { Image::Frames(frames) }
}

/// The good frames that end in these data.
fn frames_in(decoder: &mut Decoder, data: &[u8]) -> Vec<Vec<u8>> {
    let mut frames = Vec::new();
    decoder.push(data, &mut frames);
    frames.into_iter().filter(|frame| frame.fcs_ok).map(|frame| frame.octets).collect()
}
