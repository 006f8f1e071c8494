//! What is on the air at the far end, made into what a modem would tell of it.
//!
//! The air is followed whether the engine listens or not. What it carries is kept for a while, within limits, so that an
//! engine that begins to listen a moment late does not miss a reply; what came while we were talking is not, as a
//! half-duplex modem would not have heard it either.

use super::super::ifp::{DataType, Field, FieldType, Indicator};
use crate::carrier::{ImageKind, Signal, Speed};
use crate::t30::frame::FRAME_OCTETS_MAX;
use crate::time::{Duration, Time};
use alloc::collections::VecDeque;
use alloc::vec::Vec;

/// From a preamble or a training to the first data.
const DATA_WAIT: Duration = Duration::from_secs(5);
/// Data that stop for this long have ended, though nothing says so.
const STALL_MAX: Duration = Duration::from_secs(2);
/// Bursts and images that are kept while nobody listens, frames and pieces of them, and octets in all.
const MISSED_MAX: usize = 4;
const KEPT_MAX: usize = 600;
const KEPT_OCTETS_MAX: usize = 256 << 10;
/// How a frame begins: the address, and a control octet.
const FRAME_BEGINS: [[u8; 2]; 2] = [[0xFF, 0x03], [0xFF, 0x13]];

/// What carries a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wave {
    V21,
    Fast(Speed),
}

/// What the engine listens for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Want {
    Nothing,
    Wave(Wave, ImageKind),
}

/// A signal on the air.
#[derive(Debug)]
struct Air {
    wave: Wave,
    /// The engine has been told, and hears all that comes.
    is_told: bool,
    /// It began while we were talking.
    is_crossed: bool,
    /// Data have come.
    has_data: bool,
    kept: Vec<Signal>,
    /// It counts as ended then.
    until: Time,
}

/// The receiving half of a carrier.
#[derive(Debug)]
pub(super) struct Ear {
    want: Want,
    is_talking: bool,
    air: Option<Air>,
    /// What ended before the engine listened. A far end that keeps no time sends an image, and the command after it, before
    /// our reply is out.
    missed: VecDeque<Air>,
    /// Octets of all that is kept.
    kept_octets: usize,
    /// The frame that is coming in.
    frame: Vec<u8>,
    /// Octets of the frame are missing.
    is_spoiled: bool,
    /// Something is missing before the first octet of the frame, perhaps octets of it.
    is_doubtful: bool,
    out: VecDeque<Signal>,
}

impl Default for Ear {
    fn default() -> Self {
        Self {
            want: Want::Nothing,
            is_talking: false,
            air: None,
            missed: VecDeque::new(),
            kept_octets: 0,
            frame: Vec::new(),
            is_spoiled: false,
            is_doubtful: false,
            out: VecDeque::new(),
        }
    }
}

impl Ear {
    pub(super) fn signals(&mut self) -> impl Iterator<Item = Signal> {
        self.out.drain(..)
    }

    pub(super) fn deadline(&self) -> Option<Time> {
        self.air.as_ref().map(|air| air.until)
    }

    pub(super) fn tick(&mut self, now: Time) {
        if self.air.as_ref().is_some_and(|air| air.until <= now) {
            self.end();
        }
    }

    /// Listens, or stops listening. What has been kept is told first.
    pub(super) fn listen(&mut self, want: Want) {
        self.want = want;
        self.is_talking = false;
        if let Some(air) = &mut self.air {
            air.is_told = false;
        }
        let Want::Wave(wave, _) = want else { return };
        if let Some(at) = self.missed.iter().position(|missed| missed.wave == wave) {
            // What was before it is too old now.
            let missed = self.missed.drain(..=at).next_back();
            self.tell_kept(missed.map_or(Vec::new(), |missed| missed.kept));
            self.count_kept();
            self.lost();
        } else if self.air.as_ref().is_some_and(|air| air.wave == wave) {
            // Something else on the air is the end of what was before, unless more comes of it.
            self.catch();
        }
    }

    /// We begin to talk: what came before is of no interest any more.
    pub(super) fn talk(&mut self) {
        self.want = Want::Nothing;
        self.is_talking = true;
        self.missed.clear();
        if let Some(air) = &mut self.air {
            air.is_told = false;
            air.is_crossed = true;
        }
        self.count_kept();
    }

    /// We have said all: what begins now may be the reply.
    pub(super) fn talk_is_over(&mut self) {
        self.is_talking = false;
    }

    /// The call is over.
    pub(super) fn forget(&mut self) {
        *self = Self::default();
    }

    /// Whether V.21 is on the air.
    pub(super) fn hears_frames(&self) -> bool {
        self.air.as_ref().is_some_and(|air| air.wave == Wave::V21)
    }

    /// Packets are lost.
    pub(super) fn gap(&mut self) {
        if self.frame.is_empty() {
            self.is_doubtful = true;
        } else {
            self.is_spoiled = true;
        }
    }

    pub(super) fn indicator(&mut self, now: Time, indicator: Indicator) {
        match indicator {
            Indicator::NoSignal => self.end(),
            // Some slip it in between frames, and most repeat it.
            Indicator::V21Preamble if self.hears_frames() => {}
            Indicator::V21Preamble => self.begin(now, Wave::V21),
            Indicator::Training(speed, _) => {
                let wave = Wave::Fast(speed);
                let is_repeated = self.air.as_ref().is_some_and(|air| air.wave == wave && !air.has_data);
                if !is_repeated {
                    self.begin(now, wave);
                }
            }
            // Tones say nothing that T.30 needs to know, and V.8, V.33 and V.34 were not offered.
            _ => {}
        }
    }

    pub(super) fn data(&mut self, now: Time, carrier: DataType, fields: &[Field]) {
        let wave = match carrier {
            DataType::V21 => Wave::V21,
            DataType::Image(speed) => Wave::Fast(speed),
            _ => return,
        };
        for field in fields {
            self.field(now, wave, field);
        }
    }

    fn field(&mut self, now: Time, wave: Wave, field: &Field) {
        use FieldType as F;
        let is_on = |ear: &Self| ear.air.as_ref().is_some_and(|air| air.wave == wave);
        // The end of a signal that has ended already is a repetition.
        let begins = !field.data.is_empty() && matches!(field.kind, F::HdlcData | F::NonEcmData);
        if !is_on(self) && begins {
            self.begin(now, wave);
            self.is_doubtful = true;
        }
        if !is_on(self) {
            return;
        }
        match field.kind {
            F::HdlcData => self.octets(now, &field.data),
            F::HdlcFcsOk | F::HdlcFcsOkSigEnd | F::HdlcFcsBad | F::HdlcFcsBadSigEnd => {
                self.octets(now, &field.data);
                self.end_frame(matches!(field.kind, F::HdlcFcsOk | F::HdlcFcsOkSigEnd));
            }
            F::NonEcmData | F::NonEcmSigEnd => self.bits(now, &field.data),
            _ => {}
        }
        if matches!(field.kind, F::HdlcSigEnd | F::HdlcFcsOkSigEnd | F::HdlcFcsBadSigEnd | F::NonEcmSigEnd) {
            self.end();
        }
    }

    /// Octets of a frame; the highest bit of each is the first on the line.
    fn octets(&mut self, now: Time, data: &[u8]) {
        if data.is_empty() {
            return;
        }
        self.data_came(now);
        if self.frame.len() + data.len() > FRAME_OCTETS_MAX {
            self.is_spoiled = true;
            return;
        }
        self.frame.extend(data.iter().map(|octet| octet.reverse_bits()));
        if self.is_doubtful && self.frame.len() >= 2 {
            self.is_doubtful = false;
            self.is_spoiled |= !FRAME_BEGINS.iter().any(|begin| self.frame.starts_with(begin));
        }
    }

    fn end_frame(&mut self, fcs_ok: bool) {
        let octets = core::mem::take(&mut self.frame);
        let is_spoiled = core::mem::take(&mut self.is_spoiled);
        self.is_doubtful = false;
        if !octets.is_empty() {
            self.tell(Signal::Frame { octets, fcs_ok: fcs_ok && !is_spoiled });
        }
    }

    /// A piece of a bit stream.
    fn bits(&mut self, now: Time, data: &[u8]) {
        if !data.is_empty() {
            self.data_came(now);
            self.tell(Signal::Data(data.iter().map(|octet| octet.reverse_bits()).collect()));
        }
    }

    fn data_came(&mut self, now: Time) {
        if let Some(air) = &mut self.air {
            air.until = now + STALL_MAX;
            air.has_data = true;
        }
        self.catch();
    }

    /// A signal begins, and ends the one before it.
    fn begin(&mut self, now: Time, wave: Wave) {
        self.end();
        self.frame.clear();
        self.is_spoiled = false;
        self.is_doubtful = false;
        self.air = Some(Air {
            wave,
            is_told: false,
            is_crossed: self.is_talking,
            has_data: false,
            kept: Vec::new(),
            until: now + DATA_WAIT,
        });
        self.catch();
    }

    /// Tells the engine of what is on the air, where it listens for that, or for something else.
    ///
    /// A modem has caught V.21 with its flags, and anything faster only once it has trained: with the first data.
    fn catch(&mut self) {
        let (Some(air), Want::Wave(wave, _)) = (&mut self.air, self.want) else { return };
        if air.is_told || air.wave != Wave::V21 && !air.has_data {
            return;
        }
        if air.wave == wave {
            air.is_told = true;
            let kept = core::mem::take(&mut air.kept);
            self.tell_kept(kept);
            self.count_kept();
        } else if wave != Wave::V21 {
            self.want = Want::Nothing;
            self.out.push_back(Signal::TrainingFailed);
        }
    }

    fn tell_kept(&mut self, kept: Vec<Signal>) {
        self.out.push_back(Signal::CarrierUp);
        for signal in kept {
            self.tell_now(signal);
        }
    }

    fn tell(&mut self, signal: Signal) {
        match &mut self.air {
            Some(air) if !air.is_told => {
                let octets = octets_of(&signal);
                if self.kept_octets + octets <= KEPT_OCTETS_MAX && air.keep(signal) {
                    self.kept_octets += octets;
                }
            }
            _ => self.tell_now(signal),
        }
    }

    /// Frames where frames are listened for, and bits where bits are.
    fn tell_now(&mut self, signal: Signal) {
        let Want::Wave(_, kind) = self.want else { return };
        let is_wanted = match signal {
            Signal::Frame { .. } => kind == ImageKind::Frames,
            _ => kind == ImageKind::Bits,
        };
        if is_wanted {
            self.out.push_back(signal);
        }
    }

    /// The signal on the air has ended.
    fn end(&mut self) {
        let Some(air) = self.air.take() else { return };
        self.frame.clear();
        self.is_spoiled = false;
        if air.is_told {
            self.lost();
        } else if !air.is_crossed && !air.kept.is_empty() && self.missed.len() < MISSED_MAX {
            self.missed.push_back(air);
        }
        self.count_kept();
    }

    fn count_kept(&mut self) {
        let signals = self.missed.iter().chain(&self.air).flat_map(|air| &air.kept);
        self.kept_octets = signals.map(octets_of).sum();
    }

    fn lost(&mut self) {
        if let Want::Wave(..) = core::mem::replace(&mut self.want, Want::Nothing) {
            self.out.push_back(Signal::CarrierLost);
        }
    }
}

impl Air {
    /// Keeps a signal; pieces of a bit stream are joined. False where there is no room.
    fn keep(&mut self, signal: Signal) -> bool {
        if let (Some(Signal::Data(data)), Signal::Data(more)) = (self.kept.last_mut(), &signal) {
            data.extend_from_slice(more);
            return true;
        }
        let has_room = self.kept.len() < KEPT_MAX;
        if has_room {
            self.kept.push(signal);
        }
        has_room
    }
}

fn octets_of(signal: &Signal) -> usize {
    match signal {
        Signal::Frame { octets, .. } => octets.len(),
        Signal::Data(data) => data.len(),
        _ => 0,
    }
}
