//! Receiving: V.21 frames (`+FRH=3`), and images or training checks (`+FRM`).
//!
//! V.21 comes frame by frame: `CONNECT`, the octets with their FCS, `<DLE><ETX>`, and `OK` or `ERROR` for the FCS; then the
//! command again for the next frame, up to one with the final bit, or to `NO CARRIER`. To the engine that is one carrier.
//!
//! Modems give up waiting, or take the tail of a V.21 signal for something else, in ways of their own. The engine keeps
//! the time of listening, so here the command is given again until the engine wants something else.

use super::super::dle;
use super::super::reader::DataEnd;
use super::super::reply::Reply;
use super::Next;
use super::wire::{Wire, hidden_result};
use super::words::code;
use crate::carrier::{Command, HangUp, ImageKind, Signal, Speed, Training};
use crate::hdlc;
use crate::t30::frame::FRAME_OCTETS_MAX;
use crate::time::{Duration, Time};
use alloc::format;
use alloc::vec::Vec;

/// Frames of a burst follow one another at once. Where none has begun by then, the carrier has gone.
const MORE_FRAMES_WAIT: Duration = Duration::from_millis(1200);
/// Octets of the frame check sequence.
const FCS_OCTETS: usize = 2;
/// The bit of a control octet that says that a frame is the last.
const FINAL_BIT: u8 = 0x10;
/// Between a command that came to nothing and the same again.
const REST: Duration = Duration::from_millis(40);
/// A modem that is silent for so long while it waits is asked whether it is still there.
const SILENCE_MAX: Duration = Duration::from_secs(60);
/// A carrier that brings nothing for so long is left.
const STALL_MAX: Duration = Duration::from_secs(30);
/// From `<DLE><ETX>` to the result code.
const RESULT_WAIT: Duration = Duration::from_secs(5);
/// The end of a V.21 signal may be heard this long after its last frame. What is no image then is not yet a reason to
/// look for something else.
const TAIL_MAX: Duration = Duration::from_millis(600);
/// Signals that are kept for an engine that has still to say that it listens.
const KEPT_MAX: usize = 16;

/// Something that is being listened for.
#[derive(Debug)]
pub(super) struct Listen {
    what: What,
    phase: Phase,
    began: Time,
    /// The engine knows that the carrier is up.
    is_up: bool,
    /// The engine listens. If not, it is about to, or to do something else: what comes is kept.
    is_claimed: bool,
    kept: Vec<Signal>,
    /// Octets of the frame that is coming in; with a bit stream, the last few of it.
    octets: Vec<u8>,
    /// More octets came than any frame has.
    is_too_long: bool,
    /// An image was wanted, and V.21 came: it may be a tail of what was before.
    instead_of: Option<Fast>,
}

#[derive(Debug)]
enum What {
    Frames,
    Fast(Fast),
}

#[derive(Debug)]
struct Fast {
    speed: Speed,
    training: Training,
    /// Reads frames; `None` where the engine wants bits.
    decoder: Option<hdlc::Decoder>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// The command was given.
    Asked,
    /// It will be given again.
    Rest,
    /// `CONNECT`
    Data,
    /// `<DLE><ETX>`
    Result,
    /// All is over, and the engine has still to hear of it.
    Over,
}

impl Listen {
    fn new(now: Time, what: What) -> Self {
        Self {
            what,
            phase: Phase::Rest,
            began: now,
            is_up: false,
            is_claimed: true,
            kept: Vec::new(),
            octets: Vec::new(),
            is_too_long: false,
            instead_of: None,
        }
    }

    pub(super) fn frames(now: Time) -> Self {
        Self::new(now, What::Frames)
    }

    /// What a listening command wants; `None` for another command.
    pub(super) fn of(now: Time, command: &Command) -> Option<Self> {
        let what = match command {
            Command::ListenFrames => What::Frames,
            Command::ListenTcf(speed) => {
                What::Fast(Fast { speed: *speed, training: Training::Long, decoder: None })
            }
            Command::ListenImage { speed, training, kind } => What::Fast(Fast {
                speed: *speed,
                training: *training,
                decoder: (*kind == ImageKind::Frames).then(|| hdlc::Decoder::new(FRAME_OCTETS_MAX)),
            }),
            _ => return None,
        };
        Some(Self::new(now, what))
    }

    /// Gives the command.
    pub(super) fn ask(&mut self, wire: &mut Wire) {
        self.phase = Phase::Asked;
        wire.flow_while_sending(false);
        match &self.what {
            What::Frames => wire.say("AT+FRH=3", SILENCE_MAX),
            What::Fast(fast) => {
                wire.say(&format!("AT+FRM={}", code(fast.speed, fast.training)), SILENCE_MAX);
            }
        }
    }

    /// Whether the modem is in data state.
    pub(super) fn is_in_data(&self) -> bool {
        self.phase == Phase::Data
    }

    /// Whether the modem is in command state, and no command out.
    pub(super) fn is_at_rest(&self) -> bool {
        matches!(self.phase, Phase::Rest | Phase::Over)
    }

    /// Whether nothing more will come.
    pub(super) fn is_over(&self) -> bool {
        self.phase == Phase::Over
    }

    /// Whether it is V.21 that is listened for, or has come.
    pub(super) fn hears_frames(&self) -> bool {
        matches!(self.what, What::Frames)
    }

    /// The engine listens for frames, and that is what is being done: it goes on.
    pub(super) fn claim(&mut self, wire: &mut Wire) {
        self.instead_of = None;
        if !self.is_claimed {
            // A burst that has ended by now is all that the engine asked for; what comes next is for its next command.
            self.is_claimed = self.kept.last() != Some(&Signal::CarrierLost);
            self.kept.drain(..).for_each(|signal| wire.tell(signal));
        } else if self.is_up {
            wire.tell(Signal::CarrierUp);
        }
    }

    /// The carrier is there (`CONNECT`).
    pub(super) fn connected(&mut self, wire: &mut Wire) {
        self.phase = Phase::Data;
        self.octets.clear();
        self.is_too_long = false;
        if !self.is_up {
            self.is_up = true;
            self.tell(wire, Signal::CarrierUp);
        }
        wire.wait(if self.instead_of.is_some() { TAIL_MAX } else { STALL_MAX });
    }

    pub(super) fn reply(&mut self, wire: &mut Wire, reply: &Reply) -> Next {
        match self.phase {
            Phase::Result => self.result(wire, reply),
            Phase::Asked => self.answer(wire, reply),
            Phase::Rest | Phase::Data | Phase::Over => Next::Stay,
        }
    }

    /// What the modem says in place of data.
    fn answer(&mut self, wire: &mut Wire, reply: &Reply) -> Next {
        match reply {
            Reply::Connect => self.connected(wire),
            Reply::NoCarrier | Reply::Ok => return self.gone(wire),
            Reply::FcError => return self.something_else(wire),
            Reply::FrhThree => self.v21_instead(wire),
            Reply::Error => return Next::Doubt,
            Reply::Busy | Reply::NoDialTone | Reply::Ring(_) => return Next::HungUp(HangUp::Remote),
            _ => {}
        }
        Next::Stay
    }

    /// No signal, or no more of it.
    fn gone(&mut self, wire: &mut Wire) -> Next {
        if let Some(fast) = self.instead_of.take() {
            // It was a tail.
            *self = Self { began: self.began, ..Self::new(wire.now, What::Fast(fast)) };
        } else if self.is_up {
            return self.over(wire);
        }
        self.again(wire)
    }

    /// The carrier has gone, and the modem is in command state.
    fn over(&mut self, wire: &mut Wire) -> Next {
        self.tell(wire, Signal::CarrierLost);
        if self.is_claimed {
            return Next::Ready;
        }
        self.phase = Phase::Over;
        wire.wait(SILENCE_MAX);
        Next::Stay
    }

    fn again(&mut self, wire: &mut Wire) -> Next {
        self.phase = Phase::Rest;
        wire.wait(REST);
        Next::Stay
    }

    /// Another signal than the one that was awaited.
    fn something_else(&mut self, wire: &mut Wire) -> Next {
        let may_be_tail = wire.now.since(self.began) < TAIL_MAX;
        if self.is_up || may_be_tail || matches!(self.what, What::Frames) {
            return self.gone(wire);
        }
        self.tell(wire, Signal::TrainingFailed);
        Next::Ready
    }

    /// V.21, and the modem receives it already; a `CONNECT` follows.
    fn v21_instead(&mut self, wire: &mut Wire) {
        let What::Fast(fast) = core::mem::replace(&mut self.what, What::Frames) else { return };
        wire.wait(RESULT_WAIT);
        if wire.now.since(self.began) < TAIL_MAX {
            self.is_claimed = false;
            self.instead_of = Some(fast);
        } else {
            self.is_v21(wire);
        }
    }

    /// It is no tail. The engine will say what it makes of that.
    fn is_v21(&mut self, wire: &mut Wire) {
        self.instead_of = None;
        self.is_claimed = false;
        wire.tell(Signal::TrainingFailed);
    }

    /// What the modem says after data.
    fn result(&mut self, wire: &mut Wire, reply: &Reply) -> Next {
        let is_end = reply.is_final() || *reply == Reply::FrhThree;
        match self.what {
            _ if !is_end => Next::Stay,
            What::Frames => self.frame(wire, reply),
            What::Fast(_) => {
                self.tell(wire, Signal::CarrierLost);
                Next::Ready
            }
        }
    }

    /// A frame is over, or what there was of it.
    fn frame(&mut self, wire: &mut Wire, reply: &Reply) -> Next {
        let mut octets = core::mem::take(&mut self.octets);
        let mut fcs_ok = *reply == Reply::Ok && !self.is_too_long;
        if wire.profile.frames_have_fcs && octets.len() > FCS_OCTETS {
            fcs_ok &= hdlc::is_good(&octets);
            octets.truncate(octets.len() - FCS_OCTETS);
        }
        let has_frame = octets.len() > 1;
        let is_final = fcs_ok && octets.get(1).is_some_and(|control| control & FINAL_BIT != 0);
        if has_frame {
            if self.instead_of.is_some() && fcs_ok {
                self.is_v21(wire);
            }
            self.tell(wire, Signal::Frame { octets, fcs_ok });
        }
        if is_final || !matches!(reply, Reply::Ok | Reply::Error) {
            return self.gone(wire);
        }
        // The next frame follows at once, or the carrier has gone and the modem may not say so.
        self.ask(wire);
        wire.deadline = wire.deadline.min(Some(wire.now + MORE_FRAMES_WAIT));
        Next::Stay
    }

    /// Pulls data. False where there are no more for now.
    pub(super) fn pull(&mut self, wire: &mut Wire) -> (bool, Next) {
        let mut data = Vec::new();
        let end = wire.reader.data(&mut data);
        if let (DataEnd::Other(octet), What::Frames) = (end, &self.what) {
            // T.31 leaves such a pair out. No modem sends one with V.21, but some forget to double a DLE; the FCS tells.
            data.extend_from_slice(&[dle::DLE, octet]);
        }
        let next = self.data(wire, data);
        if end == DataEnd::Etx && self.phase == Phase::Data {
            self.phase = Phase::Result;
            wire.wait(RESULT_WAIT);
        }
        (end != DataEnd::More, next)
    }

    fn data(&mut self, wire: &mut Wire, mut data: Vec<u8>) -> Next {
        const TAIL_OCTETS: usize = 16;
        if data.is_empty() {
            return Next::Stay;
        }
        if self.instead_of.is_none() {
            wire.wait(STALL_MAX);
        }
        let before = self.octets.len();
        let room = (FRAME_OCTETS_MAX + FCS_OCTETS + TAIL_OCTETS).saturating_sub(before);
        match &self.what {
            What::Frames => {
                self.is_too_long |= data.len() > room;
                self.octets.extend(data.iter().take(room));
            }
            What::Fast(_) => self.octets.extend_from_slice(&data),
        }
        let hidden = hidden_result(&self.octets);
        if let What::Fast(_) = self.what {
            if let Some((_, kept)) = hidden {
                data.truncate(kept.saturating_sub(before));
            }
            self.octets.drain(..self.octets.len().saturating_sub(TAIL_OCTETS));
            self.fast(wire, data);
        }
        let Some((word, kept)) = hidden else { return Next::Stay };
        if matches!(self.what, What::Frames) {
            self.octets.truncate(kept);
        }
        self.phase = Phase::Result;
        self.result(wire, &Reply::parse(word))
    }

    fn fast(&mut self, wire: &mut Wire, data: Vec<u8>) {
        let What::Fast(fast) = &mut self.what else { return };
        let Some(decoder) = &mut fast.decoder else {
            if !data.is_empty() {
                wire.tell(Signal::Data(data));
            }
            return;
        };
        let mut frames = Vec::new();
        decoder.push(&data, &mut frames);
        for frame in frames {
            wire.tell(Signal::Frame { octets: frame.octets, fcs_ok: frame.fcs_ok });
        }
    }

    pub(super) fn late(&mut self, wire: &mut Wire) -> Next {
        match self.phase {
            Phase::Rest => {
                self.ask(wire);
                Next::Stay
            }
            // V.21 that goes on is no tail.
            Phase::Data | Phase::Asked if self.instead_of.is_some() => {
                self.is_v21(wire);
                wire.wait(STALL_MAX);
                Next::Stay
            }
            Phase::Asked if self.is_up => {
                // No frame follows: the carrier has gone, though the modem does not say so and waits for another one.
                self.tell(wire, Signal::CarrierLost);
                self.is_up = false;
                self.is_claimed = false;
                wire.wait(SILENCE_MAX);
                Next::Stay
            }
            Phase::Asked => Next::LeaveAndResume,
            Phase::Over => Next::Ready,
            Phase::Data | Phase::Result => {
                self.tell(wire, Signal::CarrierLost);
                Next::Leave
            }
        }
    }

    fn tell(&mut self, wire: &mut Wire, signal: Signal) {
        if self.is_claimed {
            return wire.tell(signal);
        }
        if signal == Signal::CarrierUp {
            // What was before is too old now.
            self.kept.clear();
        }
        if self.kept.len() < KEPT_MAX || signal == Signal::CarrierLost {
            self.kept.push(signal);
        }
    }
}
