//! Bringing the modem back to command state, whatever it is doing, and back on hook.
//!
//! A reception ends at any byte, a transmission at `<DLE><ETX>`. Where the modem does not say then that it has, it is
//! told `AT`; where that does not help, the call is given up. To hang up, the same, then `ATH`, and where nothing is
//! answered DTR goes off, and `ATH` once more. All of it takes [`HANG_UP_MAX`] at most.

use super::super::Output;
use super::super::dle;
use super::super::reader::DataEnd;
use super::super::reply::Reply;
use super::wire::{Wire, hidden_result};
use super::{Next, Resume};
use crate::carrier::HangUp;
use crate::time::{Duration, Time};
use alloc::vec::Vec;

/// From the moment that hanging up begins to the moment that the carrier is idle, at most.
pub const HANG_UP_MAX: Duration = Duration::from_secs(40);
/// How long a modem takes to leave a reception.
const STOP_WAIT: Duration = Duration::from_millis(1000);
/// The same for one that does not say that it has: then it is told `AT`.
const STOP_SILENT_WAIT: Duration = Duration::from_millis(250);
/// How long a modem takes to say what it has nearly said already.
const SOON: Duration = Duration::from_secs(3);
/// A modem sends what its own buffers hold; more than this is not waited for.
const FLUSH_MAX: Duration = Duration::from_secs(16);
/// When hanging up, it need not come to the end of it.
const FLUSH_HANG_UP_MAX: Duration = Duration::from_secs(5);
/// How often it is told `AT`, and how long each time.
const AT_TRIES: u8 = 3;
const AT_WAIT: Duration = Duration::from_millis(1500);
/// What was said before the last `OK` may still come in.
const STRAY_WAIT: Duration = Duration::from_millis(300);
/// Relays are slow.
const HOOK_WAIT: Duration = Duration::from_secs(4);
/// Behind `NO CARRIER` there may be an `OK`.
const HOOK_OK_WAIT: Duration = Duration::from_millis(500);
const HOOK_TRIES: u8 = 2;
/// How long DTR is off, and then how long the modem rests.
const DTR_TIME: Duration = Duration::from_millis(1200);
const DTR_REST: Duration = Duration::from_millis(800);

/// What the modem was doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum From {
    /// It was asked to send, and has not said `CONNECT`.
    AskedToSend,
    /// It sends an image; what has left the port should be out by then.
    Sending(Time),
    /// It sends a frame of V.21, or flags; the frame should be out by then, and another is asked for.
    Frames(Time),
    /// It answers: the tone, and then flags.
    Answering,
    /// It was asked to receive, or to dial: any byte stops it.
    AskedToReceive,
    /// It receives.
    Receiving,
    /// It does something short by itself.
    Short,
}

/// To be asked for a frame and to have none ends a transmission; a modem that knows no such end sees a final bit in this.
const EMPTY_FINAL_FRAME: [u8; 2] = [0xFF, 0x13];

/// On the way to command state.
#[derive(Debug)]
pub(super) struct Leave {
    from: From,
    /// The modem is in data state.
    is_in_data: bool,
    tries: u8,
    /// The modem has been told that there is no frame.
    has_ended: bool,
    /// It has answered, and what is late may come.
    is_settling: bool,
    tail: Vec<u8>,
    /// What is gone on with, where the engine wants nothing else.
    pub resume: Option<Resume>,
}

impl Leave {
    pub(super) fn new(wire: &mut Wire, from: From, hangs_up: bool, resume: Option<Resume>) -> Self {
        match from {
            From::AskedToSend | From::Short => wire.wait(SOON),
            From::Sending(ends) => {
                wire.cut_off();
                let max = if hangs_up { FLUSH_HANG_UP_MAX } else { FLUSH_MAX };
                wire.wait(ends.since(wire.now).min(max) + SOON);
            }
            From::Frames(ends) => wire.wait(ends.since(wire.now).min(FLUSH_HANG_UP_MAX) + SOON),
            From::AskedToReceive | From::Receiving | From::Answering => {
                wire.write([dle::CAN].to_vec());
                wire.wait(if wire.says_stopped { STOP_WAIT } else { STOP_SILENT_WAIT });
            }
        }
        let is_in_data = from == From::Receiving;
        Self { from, is_in_data, tries: 0, has_ended: false, is_settling: false, tail: Vec::new(), resume }
    }

    /// From something that has had its time: the modem is told `AT` now.
    pub(super) fn overdue(wire: &mut Wire, resume: Option<Resume>) -> Self {
        let mut leave = Self::new(wire, From::Short, false, resume);
        leave.tell_at(wire);
        leave
    }

    pub(super) fn is_in_data(&self) -> bool {
        self.is_in_data
    }

    /// The engine hangs up meanwhile: the end of what the modem still sends is not waited for.
    pub(super) fn hurry(&mut self, wire: &mut Wire) {
        self.resume = None;
        wire.deadline = wire.deadline.min(Some(wire.now + FLUSH_HANG_UP_MAX));
    }

    pub(super) fn reply(&mut self, wire: &mut Wire, reply: &Reply) -> Next {
        match (reply, self.from) {
            _ if self.is_settling => Next::Stay,
            // It takes data, or asks for the next frame; there is none.
            (Reply::Connect, From::AskedToSend | From::Answering | From::Frames(_)) => {
                if !self.has_ended {
                    wire.wait(SOON);
                }
                self.from = From::Frames(wire.now);
                self.end_frames(wire);
                Next::Stay
            }
            (Reply::Connect, From::Sending(_)) => Next::Stay,
            // What was waited for came in this moment; the byte that is on its way ends it.
            (Reply::Connect, _) => {
                self.is_in_data = true;
                Next::Stay
            }
            (reply, _) if reply.is_final() => self.done(wire, *reply == Reply::Ok),
            _ => Next::Stay,
        }
    }

    /// The modem asks for a frame, and gets none.
    pub(super) fn end_frames(&mut self, wire: &mut Wire) {
        let none: &[u8] = if self.has_ended { &EMPTY_FINAL_FRAME } else { &[] };
        self.has_ended = true;
        wire.write(dle::stuff(none));
    }

    fn done(&mut self, wire: &mut Wire, is_ok: bool) -> Next {
        // The reception may have ended by itself while the byte that stops it was on its way; then some modems answer that
        // as well, and a command that is given before would be taken for another such byte.
        let is_crossed = !is_ok && matches!(self.from, From::AskedToReceive | From::Receiving);
        if self.tries == 0 && !is_crossed {
            return Next::Ready;
        }
        self.is_settling = true;
        wire.wait(STRAY_WAIT);
        Next::Stay
    }

    /// Pulls data and throws them away. False where there are no more for now.
    pub(super) fn pull(&mut self, wire: &mut Wire) -> (bool, Next) {
        const TAIL_OCTETS: usize = 16;
        let end = wire.reader.data(&mut self.tail);
        if end == DataEnd::Etx {
            self.is_in_data = false;
        } else if let Some((word, _)) = hidden_result(&self.tail) {
            self.is_in_data = false;
            self.tail.clear();
            return (true, self.done(wire, word == "OK"));
        }
        self.tail.drain(..self.tail.len().saturating_sub(TAIL_OCTETS));
        (end != DataEnd::More, Next::Stay)
    }

    pub(super) fn late(&mut self, wire: &mut Wire) -> Next {
        if self.is_settling {
            return Next::Ready;
        }
        if self.tries == AT_TRIES {
            return Next::HungUp(HangUp::LineFault);
        }
        wire.says_stopped &= !matches!(self.from, From::AskedToReceive | From::Receiving);
        self.tell_at(wire);
        Next::Stay
    }

    fn tell_at(&mut self, wire: &mut Wire) {
        self.tries += 1;
        self.is_in_data = false;
        self.from = From::Short;
        wire.reader.clear();
        // A modem that has said XOFF and nothing since must hear this all the same.
        wire.flow_while_sending(false);
        wire.cut_off();
        wire.write([dle::CAN, b'\r'].to_vec());
        wire.say("AT", AT_WAIT);
    }
}

/// On the way back on hook; the modem is in command state, or does not answer.
#[derive(Debug)]
pub(super) struct Hook {
    stage: Stage,
    tries: u8,
    /// DTR has been off.
    has_reset: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Asked,
    /// It said `NO CARRIER`.
    NoCarrier,
    DtrOff,
    DtrOn,
}

impl Hook {
    pub(super) fn new(wire: &mut Wire) -> Self {
        let mut hook = Self { stage: Stage::Asked, tries: 0, has_reset: false };
        wire.flow_while_sending(false);
        hook.ask(wire);
        hook
    }

    /// The modem answers nothing: begins with DTR.
    pub(super) fn by_dtr(wire: &mut Wire) -> Self {
        let mut hook = Self { stage: Stage::DtrOff, tries: HOOK_TRIES, has_reset: false };
        wire.flow_while_sending(false);
        if wire.profile.dtr_hang_up {
            hook.reset(wire);
        } else {
            hook.tries = 1;
            hook.ask(wire);
        }
        hook
    }

    fn ask(&mut self, wire: &mut Wire) {
        self.stage = Stage::Asked;
        self.tries += 1;
        let command = wire.profile.hang_up.clone();
        wire.say(&command, HOOK_WAIT);
    }

    fn reset(&mut self, wire: &mut Wire) {
        self.stage = Stage::DtrOff;
        self.has_reset = true;
        wire.out.push_back(Output::Discard);
        wire.out.push_back(Output::Dtr(false));
        wire.wait(DTR_TIME);
    }

    /// Whether the modem is on hook.
    pub(super) fn reply(&mut self, wire: &mut Wire, reply: &Reply) -> bool {
        match (self.stage, reply) {
            (Stage::Asked | Stage::NoCarrier, Reply::Ok) => return true,
            (Stage::Asked, Reply::NoCarrier) => {
                self.stage = Stage::NoCarrier;
                wire.wait(HOOK_OK_WAIT);
            }
            _ => {}
        }
        false
    }

    /// Whether this is the end of it: `Some(false)` where the modem never said that it is on hook.
    pub(super) fn late(&mut self, wire: &mut Wire) -> Option<bool> {
        match self.stage {
            Stage::NoCarrier => return Some(true),
            Stage::DtrOff => {
                self.stage = Stage::DtrOn;
                wire.out.push_back(Output::Dtr(true));
                wire.wait(DTR_REST);
            }
            Stage::DtrOn => {
                self.tries = 0;
                self.again(wire);
            }
            Stage::Asked if self.tries < HOOK_TRIES => self.again(wire),
            Stage::Asked if !self.has_reset && wire.profile.dtr_hang_up => self.reset(wire),
            Stage::Asked => return Some(false),
        }
        None
    }

    /// Once more, with what would end any data state before it.
    fn again(&mut self, wire: &mut Wire) {
        wire.cut_off();
        wire.write([dle::CAN, b'\r'].to_vec());
        self.ask(wire);
    }
}
