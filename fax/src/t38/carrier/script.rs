//! What is said for a command, packet by packet, each with the time until the next.
//!
//! A script is not written out: a page of a megabyte makes twenty thousand packets.

use super::super::ifp::{DataType, Field, FieldType, Indicator, Packet};
use crate::carrier::{Image, Speed, Training};
use crate::hdlc;
use crate::t30::timers::{PREAMBLE, TCF, V21_BIT_RATE};
use crate::time::Duration;
use alloc::collections::VecDeque;
use alloc::vec::Vec;

/// Data leave in pieces that take about this long; V.21 octet by octet, 27 ms.
const PIECE_TIME: Duration = Duration::from_millis(30);
/// Flags between the training and the first frame of an ECM image.
const IMAGE_FLAGS_TIME: Duration = Duration::from_millis(100);
/// Zeros after an image without ECM: a gateway's modem needs them to get the last rows out.
const PADDING_TIME: Duration = Duration::from_millis(40);
/// A second flag after the last V.21 frame.
const V21_TAIL: Duration = Duration::from_millis(27);
/// A modem turns its carrier off.
const IMAGE_TAIL: Duration = Duration::from_millis(20);
/// Silence after the answer tone.
const CED_TAIL: Duration = Duration::from_millis(75);

/// A step of a script.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Step {
    pub packet: Packet,
    /// A signal begins or ends with it.
    pub is_key: bool,
    /// Until the next step, or the end.
    pub then: Duration,
}

/// A signal: how it begins, what it carries, how it ends.
#[derive(Debug)]
pub(super) struct Script {
    begin: Option<(Indicator, Duration)>,
    body: Body,
    end: Option<(FieldType, Duration)>,
    /// What the last frame takes on a line beyond its octets, in bits.
    tail_bits: usize,
    data_type: DataType,
    bit_rate: u64,
}

#[derive(Debug)]
enum Body {
    Nothing,
    Bits {
        data: Vec<u8>,
        at: usize,
    },
    /// The first frame is sent from `at` on.
    Frames {
        frames: VecDeque<Vec<u8>>,
        at: usize,
    },
}

impl Script {
    /// The answer tone.
    pub(super) fn ced(time: Duration) -> Self {
        Self {
            begin: (!time.is_zero()).then_some((Indicator::Ced, time + CED_TAIL)),
            body: Body::Nothing,
            end: None,
            tail_bits: 0,
            data_type: DataType::V21,
            bit_rate: V21_BIT_RATE,
        }
    }

    /// Frames of V.21.
    pub(super) fn v21(frames: Vec<Vec<u8>>) -> Self {
        Self {
            begin: Some((Indicator::V21Preamble, PREAMBLE)),
            body: Body::frames(frames),
            end: Some((FieldType::HdlcFcsOkSigEnd, V21_TAIL)),
            tail_bits: 0,
            data_type: DataType::V21,
            bit_rate: V21_BIT_RATE,
        }
    }

    /// The training check.
    pub(super) fn tcf(speed: Speed) -> Self {
        let zeros = alloc::vec![0; octets_in(TCF, u64::from(speed.bit_rate()))];
        Self::bits(speed, Training::Long, zeros)
    }

    /// An image.
    pub(super) fn image(speed: Speed, training: Training, image: Image) -> Self {
        match image {
            Image::Bits(mut data) => {
                data.resize(data.len() + octets_in(PADDING_TIME, u64::from(speed.bit_rate())), 0);
                Self::bits(speed, training, data)
            }
            Image::Frames(frames) => Self {
                begin: Some(training_step(speed, training, IMAGE_FLAGS_TIME)),
                body: Body::frames(frames),
                end: Some((FieldType::HdlcFcsOkSigEnd, IMAGE_TAIL)),
                tail_bits: 0,
                data_type: DataType::Image(speed),
                bit_rate: u64::from(speed.bit_rate()),
            },
        }
    }

    fn bits(speed: Speed, training: Training, data: Vec<u8>) -> Self {
        Self {
            begin: Some(training_step(speed, training, Duration::ZERO)),
            body: Body::Bits { data, at: 0 },
            end: Some((FieldType::NonEcmSigEnd, IMAGE_TAIL)),
            tail_bits: 0,
            data_type: DataType::Image(speed),
            bit_rate: u64::from(speed.bit_rate()),
        }
    }

    /// Whether the signal has ended, and only its tail is awaited.
    pub(super) fn has_ended(&self) -> bool {
        self.begin.is_none() && self.end.is_none()
    }

    /// The next step; `None` once all is said.
    pub(super) fn next(&mut self) -> Option<Step> {
        if let Some((indicator, then)) = self.begin.take() {
            return Some(Step { packet: Packet::Indicator(indicator), is_key: true, then });
        }
        let piece_octets = octets_in(PIECE_TIME, self.bit_rate).max(1);
        if let Some(Piece { fields, bits, tail_bits }) = self.body.next(piece_octets) {
            self.tail_bits = tail_bits;
            let then = time_of(bits, self.bit_rate);
            return Some(Step { packet: Packet::Data(self.data_type, fields), is_key: false, then });
        }
        let (kind, then) = self.end.take()?;
        let then = then + time_of(self.tail_bits, self.bit_rate);
        Some(Step { packet: Packet::data(self.data_type, kind, Vec::new()), is_key: true, then })
    }
}

impl Body {
    fn frames(frames: Vec<Vec<u8>>) -> Self {
        Self::Frames { frames: frames.into(), at: 0 }
    }

    /// The next piece. A frame ends with the piece that is its last; the last frame ends with the signal.
    fn next(&mut self, octets_max: usize) -> Option<Piece> {
        match self {
            Self::Nothing => None,
            Self::Bits { data, at } => {
                let data = piece(data, at, octets_max)?;
                let bits = data.len() * 8;
                Some(Piece {
                    fields: alloc::vec![Field { kind: FieldType::NonEcmData, data }],
                    bits,
                    tail_bits: 0,
                })
            }
            Self::Frames { frames, at } => {
                while frames.pop_front_if(|frame| frame.is_empty()).is_some() {}
                let frame = frames.front()?;
                let data = piece(frame, at, octets_max)?;
                let (mut bits, mut tail_bits) = (data.len() * 8, 0);
                let mut fields = alloc::vec![Field { kind: FieldType::HdlcData, data }];
                if *at >= frame.len() {
                    // What the line needs beyond the octets: stuffed bits, the FCS and a flag.
                    tail_bits = hdlc::frame_bits(frame).saturating_sub(frame.len() * 8);
                    frames.pop_front();
                    *at = 0;
                    if !frames.is_empty() {
                        fields.push(Field::empty(FieldType::HdlcFcsOk));
                        bits += core::mem::take(&mut tail_bits);
                    }
                }
                Some(Piece { fields, bits, tail_bits })
            }
        }
    }
}

/// A piece of a body.
struct Piece {
    fields: Vec<Field>,
    /// What it takes on a line.
    bits: usize,
    /// What the last frame takes beyond that.
    tail_bits: usize,
}

/// The next octets, the first bit on the line highest.
fn piece(data: &[u8], at: &mut usize, octets_max: usize) -> Option<Vec<u8>> {
    let rest = data.get(*at..).filter(|rest| !rest.is_empty())?;
    let piece: Vec<u8> = rest.iter().take(octets_max).map(|octet| octet.reverse_bits()).collect();
    *at += piece.len();
    Some(piece)
}

fn training_step(speed: Speed, training: Training, flags: Duration) -> (Indicator, Duration) {
    (Indicator::Training(speed, training), speed.training_time(training) + flags)
}

fn octets_in(time: Duration, bit_rate: u64) -> usize {
    let bits = u64::try_from(time.as_millis()).unwrap_or(u64::MAX).saturating_mul(bit_rate) / 1000;
    usize::try_from(bits / 8).unwrap_or(usize::MAX)
}

fn time_of(bits: usize, bit_rate: u64) -> Duration {
    let bits = u64::try_from(bits).unwrap_or(u64::MAX);
    Duration::from_micros(bits.saturating_mul(1_000_000) / bit_rate.max(1))
}
