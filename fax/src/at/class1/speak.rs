//! Sending: V.21 frames (`+FTH=3`), and training with data behind it (`+FTM`).
//!
//! A `CONNECT` asks for data, or for the next frame; `OK` is the end. A modem that says `NO CARRIER` in its place, or ends
//! after a frame that was not the last, is put up with. How long the end may take counts by the bytes that are out: a port
//! takes a page at once, and the modem says `OK` when the last bit of it has left.

use super::super::dle;
use super::super::reply::Reply;
use super::Next;
use super::wire::Wire;
use super::words::code;
use crate::carrier::{Image, Signal, Speed, Training};
use crate::hdlc;
use crate::t30::timers::{PREAMBLE, TCF, V21_BIT_RATE};
use crate::time::{Duration, Time};
use alloc::collections::VecDeque;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// From the command to `CONNECT`; some modems say it only once they have trained.
const CONNECT_WAIT: Duration = Duration::from_secs(6);
/// Beyond the time that sending should take: an image, which ports and modems hold in buffers of theirs, and V.21.
const SLACK: Duration = Duration::from_secs(20);
const FRAMES_SLACK: Duration = Duration::from_secs(5);
/// How long whoever sends an image piece by piece may keep the line waiting for the next.
const PIECE_WAIT: Duration = Duration::from_secs(40);
/// Flags before the first frame of an ECM image (T.4 Annex A: 200 ms ± 100 ms).
pub(super) const IMAGE_FLAGS: Duration = Duration::from_millis(200);
/// Flags after the last frame.
pub(super) const END_FLAGS: usize = 4;
/// Zeros after an image without ECM: a modem at the far end needs them to get the last rows out.
pub(super) const PADDING: Duration = Duration::from_millis(40);
/// How often a modem may end before the last frame.
const BREAKS_MAX: u8 = 2;

/// Something that is being sent.
#[derive(Debug)]
pub(super) struct Speak {
    what: What,
    is_connected: bool,
    breaks: u8,
    /// More of the data is to come ([`super::pieces`]).
    is_open: bool,
    /// When the last byte that was written should have left.
    pub ends: Time,
}

#[derive(Debug)]
enum What {
    Frames(VecDeque<Vec<u8>>),
    Data {
        command: String,
        stream: Vec<u8>,
        /// Training, and the data at the line's rate.
        lasts: Duration,
    },
}

impl Speak {
    fn new(what: What) -> Self {
        Self { what, is_connected: false, breaks: 0, is_open: false, ends: Time::ZERO }
    }

    pub(super) fn frames(frames: Vec<Vec<u8>>) -> Self {
        Self::new(What::Frames(frames.into()))
    }

    /// The training check.
    pub(super) fn tcf(speed: Speed) -> Self {
        Self::data(speed, Training::Long, &alloc::vec![0; bytes_in(TCF, speed)])
    }

    pub(super) fn image(speed: Speed, training: Training, image: Image) -> Self {
        match image {
            Image::Bits(mut data) => {
                data.resize(data.len() + bytes_in(PADDING, speed), 0);
                Self::data(speed, training, &data)
            }
            Image::Frames(frames) => {
                let mut encoder = hdlc::Encoder::new();
                encoder.flags(bytes_in(IMAGE_FLAGS, speed));
                frames.iter().for_each(|frame| encoder.frame(frame));
                encoder.flags(END_FLAGS);
                Self::data(speed, training, &encoder.finish())
            }
        }
    }

    /// An image whose data come later.
    pub(super) fn pieces(speed: Speed, training: Training) -> Self {
        let command = format!("AT+FTM={}", code(speed, training));
        let what = What::Data { command, stream: Vec::new(), lasts: speed.training_time(training) };
        Self { is_open: true, ..Self::new(what) }
    }

    /// Whether it waits for more of the data.
    pub(super) fn is_open(&self) -> bool {
        self.is_open
    }

    /// The next of the data, which take so long on the line; where they are the last, the modem is to say so now.
    pub(super) fn go_on(&mut self, wire: &mut Wire, data: Vec<u8>, lasts: Duration, is_last: bool) {
        self.ends = self.ends.max(wire.now) + lasts;
        wire.deadline = Some(self.ends + if is_last { SLACK } else { PIECE_WAIT });
        self.is_open = !is_last;
        if !data.is_empty() {
            wire.write(data);
        }
    }

    fn data(speed: Speed, training: Training, data: &[u8]) -> Self {
        let lasts = speed.training_time(training) + speed.time_for(data.len());
        let command = format!("AT+FTM={}", code(speed, training));
        Self::new(What::Data { command, stream: dle::stuff(data), lasts })
    }

    /// Gives the command.
    pub(super) fn ask(&mut self, wire: &mut Wire) {
        self.is_connected = false;
        wire.flow_while_sending(true);
        match &self.what {
            What::Frames(_) => wire.say("AT+FTH=3", CONNECT_WAIT),
            What::Data { command, .. } => wire.say(command, CONNECT_WAIT),
        }
    }

    /// Whether the modem takes data.
    pub(super) fn is_connected(&self) -> bool {
        self.is_connected
    }

    /// Whether it is V.21 with its frames.
    pub(super) fn is_frames(&self) -> bool {
        matches!(self.what, What::Frames(_))
    }

    /// The modem asks for data, or for the next frame.
    pub(super) fn connected(&mut self, wire: &mut Wire) {
        let (lasts, slack) = match &mut self.what {
            What::Frames(frames) => {
                let frame = frames.pop_front().unwrap_or_default();
                // With flags before, stuffed bits, and a flag and the FCS behind.
                let bits = (frame.len() as u64 + 4) * 10;
                wire.write(dle::stuff(&frame));
                (PREAMBLE + Duration::from_millis(bits * 1000 / V21_BIT_RATE), FRAMES_SLACK)
            }
            What::Data { stream, lasts, .. } => {
                // A second CONNECT asks for nothing.
                if !stream.is_empty() {
                    wire.write(core::mem::take(stream));
                }
                (*lasts, SLACK)
            }
        };
        self.is_connected = true;
        self.ends = wire.now + lasts;
        wire.deadline = Some(self.ends + if self.is_open { PIECE_WAIT } else { slack });
    }

    pub(super) fn reply(&mut self, wire: &mut Wire, reply: &Reply) -> Next {
        match reply {
            Reply::Connect => {
                self.connected(wire);
                Next::Stay
            }
            Reply::Error if !self.is_connected => Next::Doubt,
            Reply::Ok | Reply::NoCarrier | Reply::Error if self.is_connected => self.ended(wire),
            Reply::NoCarrier | Reply::Busy | Reply::Ring(_) => Next::HungUp(crate::carrier::HangUp::Remote),
            _ => Next::Stay,
        }
    }

    /// The carrier is off.
    fn ended(&mut self, wire: &mut Wire) -> Next {
        if let What::Frames(frames) = &self.what
            && !frames.is_empty()
            && self.breaks < BREAKS_MAX
        {
            self.breaks += 1;
            self.ask(wire);
            return Next::Stay;
        }
        wire.flow_while_sending(false);
        // A modem that ran out of data; the end is told when the last of them has come.
        if !self.is_open {
            wire.tell(Signal::Sent);
        }
        Next::Ready
    }
}

pub(super) fn bytes_in(time: Duration, speed: Speed) -> usize {
    let millis = usize::try_from(time.as_millis()).unwrap_or(usize::MAX);
    millis.saturating_mul(speed.bit_rate() as usize) / 8000
}
