//! A carrier for tests made of spandsp's modems: commands in, signals out, and audio both ways.
//!
//! HDLC is our own, so that it is tried against spandsp's. Nothing here knows T.30. As a Class 1 modem it does one thing
//! at a time, and reports V.21 that it hears while waiting for an image.

use core::ffi::{c_int, c_void};
use fax_proto::carrier::{Command, Image, ImageKind, Modulation, Signal, Speed, Training};
use fax_proto::hdlc::{Decoder, Encoder};
use fax_proto::t30::frame::FRAME_OCTETS_MAX;
use std::collections::VecDeque;
use std::ptr::null;
use std::time::Duration;

/// Mirrors the enumeration in modem.c.
const NOTHING: c_int = 0;
const V21: c_int = 1;
const V27TER: c_int = 2;
const V29: c_int = 3;
const V17: c_int = 4;
const CED: c_int = 5;
const CNG: c_int = 6;
/// What spandsp's receivers report between bits (SIG_STATUS_…).
const CARRIER_DOWN: i8 = -1;
const TRAINING_SUCCEEDED: i8 = -4;
const TRAINING_FAILED: i8 = -5;

/// Flags of V.21's one second, and before the frames of an image.
const PREAMBLE_FLAGS: usize = 37;
const IMAGE_FLAGS: usize = 32;
/// So many flags in a row are V.21 and no accident.
const FLAGS_HEARD_MIN: u32 = 3;

unsafe extern "C" {
    fn peer_modem_new() -> *mut c_void;
    fn peer_modem_free(modem: *mut c_void);
    fn peer_modem_send(
        modem: *mut c_void,
        what: c_int,
        bit_rate: c_int,
        short_train: c_int,
        octets: *const u8,
        len: usize,
    );
    fn peer_modem_say(modem: *mut c_void, amp: *mut i16, len: c_int) -> c_int;
    fn peer_modem_listen(modem: *mut c_void, what: c_int, bit_rate: c_int, short_train: c_int);
    fn peer_modem_hear(
        modem: *mut c_void,
        amp: *const i16,
        len: c_int,
        v21: *mut *const i8,
        v21_count: *mut c_int,
        fast: *mut *const i8,
        fast_count: *mut c_int,
    );
}

#[derive(Debug)]
enum Doing {
    Nothing,
    /// Samples of silence that are left.
    Pausing(usize),
    Sending,
    /// The calling tone sounds while V.21 is awaited.
    Calling,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Want {
    Nothing,
    V21,
    Image(ImageKind),
}

/// A modem under the carrier seam.
#[derive(Debug)]
pub struct AudioCarrier {
    modem: *mut c_void,
    doing: Doing,
    want: Want,
    /// The awaited signal is there.
    is_up: bool,
    decoder: Decoder,
    flags: FlagCount,
    bits: Packer,
    out: VecDeque<Signal>,
}

impl Default for AudioCarrier {
    fn default() -> Self {
        Self::new()
    }
}

impl AudioCarrier {
    /// A modem off hook that does nothing.
    #[must_use]
    pub fn new() -> Self {
        Self {
            // SAFETY: no arguments.
            modem: unsafe { peer_modem_new() },
            doing: Doing::Nothing,
            want: Want::Nothing,
            is_up: false,
            decoder: Decoder::new(FRAME_OCTETS_MAX),
            flags: FlagCount::default(),
            bits: Packer::default(),
            out: VecDeque::new(),
        }
    }

    /// Begins an activity, and ends the one before.
    pub fn command(&mut self, command: Command) {
        self.send(NOTHING, None, &[]);
        self.doing = Doing::Nothing;
        self.want = Want::Nothing;
        match command {
            Command::Call => {
                self.listen(Want::V21, None);
                self.send(CNG, None, &[]);
                self.doing = Doing::Calling;
            }
            Command::ListenFrames => self.listen(Want::V21, None),
            Command::ListenTcf(speed) => {
                self.listen(Want::Image(ImageKind::Bits), Some((speed, Training::Long)));
            }
            Command::ListenImage { speed, training, kind } => {
                self.listen(Want::Image(kind), Some((speed, training)));
            }
            Command::Answer => self.send(CED, None, &[]),
            Command::SendFrames(frames) => self.send(V21, None, &framed(PREAMBLE_FLAGS, &frames)),
            Command::SendTcf(speed) => {
                let zeros = vec![0; speed.bit_rate() as usize * 3 / 16];
                self.send_fast(speed, Training::Long, &zeros);
            }
            Command::SendImage { speed, training, image } => match image {
                Image::Bits(data) => self.send_fast(speed, training, &data),
                Image::Frames(frames) => self.send_fast(speed, training, &framed(IMAGE_FLAGS, &frames)),
            },
            Command::Silence(duration) => self.doing = Doing::Pausing(samples_in(duration)),
            Command::HangUp => {}
        }
    }

    /// What the line tells the engine.
    pub fn poll(&mut self) -> Option<Signal> {
        self.out.pop_front()
    }

    /// Says so many samples.
    pub fn say(&mut self, samples: usize) -> Vec<i16> {
        let mut amp = vec![0i16; samples];
        match &mut self.doing {
            Doing::Nothing => {}
            Doing::Pausing(left) => {
                *left = left.saturating_sub(samples);
                if *left == 0 {
                    self.sent();
                }
            }
            Doing::Sending | Doing::Calling => {
                // SAFETY: the modem lives, and no more samples are written than there is room for.
                let goes_on =
                    unsafe { peer_modem_say(self.modem, amp.as_mut_ptr(), amp.len() as c_int) } != 0;
                if !goes_on && matches!(self.doing, Doing::Sending) {
                    self.sent();
                }
            }
        }
        amp
    }

    /// Hears samples.
    pub fn hear(&mut self, amp: &[i16]) {
        let [mut v21, mut fast] = [null::<i8>(); 2];
        let [mut v21_count, mut fast_count] = [0; 2];
        // SAFETY: the modem lives, and the samples are read to their end at most.
        let (v21, fast) = unsafe {
            peer_modem_hear(
                self.modem,
                amp.as_ptr(),
                amp.len() as c_int,
                &raw mut v21,
                &raw mut v21_count,
                &raw mut fast,
                &raw mut fast_count,
            );
            let values = |at, count: c_int| std::slice::from_raw_parts(at, count as usize).to_vec();
            (values(v21, v21_count), values(fast, fast_count))
        };
        v21.into_iter().for_each(|value| self.v21(value));
        fast.into_iter().for_each(|value| self.fast(value));
    }

    fn sent(&mut self) {
        self.doing = Doing::Nothing;
        self.out.push_back(Signal::Sent);
    }

    fn send(&mut self, what: c_int, speed: Option<(Speed, Training)>, octets: &[u8]) {
        let (bit_rate, short) = numbers(speed);
        // SAFETY: the modem lives; the octets are copied.
        unsafe { peer_modem_send(self.modem, what, bit_rate, short, octets.as_ptr(), octets.len()) }
        self.doing = Doing::Sending;
    }

    fn send_fast(&mut self, speed: Speed, training: Training, octets: &[u8]) {
        self.send(modem_of(speed), Some((speed, training)), octets);
    }

    fn listen(&mut self, want: Want, speed: Option<(Speed, Training)>) {
        self.want = want;
        self.is_up = false;
        self.decoder = Decoder::new(FRAME_OCTETS_MAX);
        self.flags = FlagCount::default();
        self.bits = Packer::default();
        let (bit_rate, short) = numbers(speed);
        // SAFETY: the modem lives.
        unsafe {
            peer_modem_listen(self.modem, speed.map_or(V21, |(speed, _)| modem_of(speed)), bit_rate, short);
        }
    }

    /// A bit or a state of the V.21 receiver, which always listens along.
    fn v21(&mut self, value: i8) {
        match (self.want, value) {
            (Want::V21, CARRIER_DOWN) => {
                self.flags = FlagCount::default();
                self.lost();
            }
            (Want::V21, bit @ (0 | 1)) => {
                if self.flags.bit(bit == 1) >= FLAGS_HEARD_MIN && !self.is_up {
                    self.up();
                }
                self.take_bit(bit == 1, ImageKind::Frames);
            }
            (Want::Image(_), bit @ (0 | 1)) if !self.is_up && self.flags.bit(bit == 1) >= FLAGS_HEARD_MIN => {
                self.training_failed();
            }
            _ => {}
        }
    }

    /// A bit or a state of the receiver of images.
    fn fast(&mut self, value: i8) {
        let Want::Image(kind) = self.want else { return };
        match value {
            TRAINING_SUCCEEDED => self.up(),
            TRAINING_FAILED => self.training_failed(),
            CARRIER_DOWN => self.lost(),
            bit @ (0 | 1) if self.is_up => self.take_bit(bit == 1, kind),
            _ => {}
        }
    }

    fn up(&mut self) {
        if let Doing::Calling = self.doing {
            self.send(NOTHING, None, &[]);
            self.doing = Doing::Nothing;
        }
        self.is_up = true;
        self.out.push_back(Signal::CarrierUp);
    }

    fn training_failed(&mut self) {
        self.want = Want::Nothing;
        self.out.push_back(Signal::TrainingFailed);
    }

    fn lost(&mut self) {
        if let (true, Some(kind)) = (self.is_up, self.kind()) {
            if let Some(octet) = self.bits.rest() {
                self.take_octet(octet, kind);
            }
            self.want = Want::Nothing;
            self.out.push_back(Signal::CarrierLost);
        }
    }

    fn kind(&self) -> Option<ImageKind> {
        match self.want {
            Want::Nothing => None,
            Want::V21 => Some(ImageKind::Frames),
            Want::Image(kind) => Some(kind),
        }
    }

    fn take_bit(&mut self, one: bool, kind: ImageKind) {
        if let Some(octet) = self.bits.bit(one) {
            self.take_octet(octet, kind);
        }
    }

    fn take_octet(&mut self, octet: u8, kind: ImageKind) {
        if kind == ImageKind::Bits {
            self.out.push_back(Signal::Data(vec![octet]));
            return;
        }
        let mut frames = Vec::new();
        self.decoder.push(&[octet], &mut frames);
        if self.is_up {
            let signals =
                frames.into_iter().map(|frame| Signal::Frame { octets: frame.octets, fcs_ok: frame.fcs_ok });
            self.out.extend(signals);
        }
    }
}

impl Drop for AudioCarrier {
    fn drop(&mut self) {
        // SAFETY: it was made by `peer_modem_new` and is freed once.
        unsafe { peer_modem_free(self.modem) }
    }
}

fn framed(flags: usize, frames: &[Vec<u8>]) -> Vec<u8> {
    let mut encoder = Encoder::new();
    encoder.flags(flags);
    frames.iter().for_each(|frame| encoder.frame(frame));
    encoder.flags(2);
    encoder.finish()
}

fn modem_of(speed: Speed) -> c_int {
    match speed.modulation() {
        Modulation::V27ter => V27TER,
        Modulation::V29 => V29,
        Modulation::V17 => V17,
    }
}

fn numbers(speed: Option<(Speed, Training)>) -> (c_int, c_int) {
    let short = speed.is_some_and(|(_, training)| training == Training::Short);
    (speed.map_or(300, |(speed, _)| speed.bit_rate().cast_signed()), c_int::from(short))
}

fn samples_in(duration: Duration) -> usize {
    usize::try_from(duration.as_micros() * 8 / 1000).unwrap_or(usize::MAX)
}

/// Puts bits together, the first one lowest.
#[derive(Debug, Default)]
struct Packer {
    octet: u8,
    used: u8,
}

impl Packer {
    fn bit(&mut self, one: bool) -> Option<u8> {
        self.octet |= u8::from(one) << self.used;
        self.used += 1;
        (self.used == 8).then(|| std::mem::take(self).octet)
    }

    fn rest(&mut self) -> Option<u8> {
        (self.used > 0).then(|| std::mem::take(self).octet)
    }
}

/// Counts flags that follow one another.
#[derive(Debug, Default)]
struct FlagCount {
    last: u8,
    since: u8,
    count: u32,
}

impl FlagCount {
    /// Takes a bit; so many flags have come in a row.
    fn bit(&mut self, one: bool) -> u32 {
        self.last = self.last << 1 | u8::from(one);
        self.since = self.since.saturating_add(1);
        if self.last == 0x7E {
            self.count = if self.since == 8 { self.count + 1 } else { 1 };
            self.since = 0;
        } else if self.since > 8 {
            self.count = 0;
        }
        self.count
    }
}
