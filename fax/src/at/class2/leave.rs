//! Ending a call, and bringing the modem back on hook whatever it is doing.
//!
//! Data are ended first; then the modem is asked to end the call in order (`+FK`, `+FKS`: DCN), then told `ATH`, and where
//! nothing is answered DTR goes off (if that helps this modem), and `ATH` once more. All of it takes [`HANG_UP_MAX`] at most.

use super::super::dle::{CAN, DLE, ETX};
use super::super::reply::Reply;
use super::dialect::Report as Line;
use super::wire::Wire;
use crate::at::Output;
use crate::session::Outcome;
use crate::time::Duration;
use alloc::vec::Vec;

/// From the moment that hanging up begins to the moment that the session is idle, at most.
pub const HANG_UP_MAX: Duration = Duration::from_secs(60);
/// How long a modem takes to leave data: it may have some still to send.
const DATA_WAIT: Duration = Duration::from_secs(8);
/// How long ending the call in order takes: a frame, and what the modem is in the middle of.
const ABORT_WAIT: Duration = Duration::from_secs(15);
/// Relays are slow.
const HOOK_WAIT: Duration = Duration::from_secs(4);
const HOOK_TRIES: u8 = 2;
/// How long DTR is off, and then how long the modem rests.
const DTR_TIME: Duration = Duration::from_millis(1200);
const DTR_REST: Duration = Duration::from_millis(800);

/// What the modem was doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum From {
    /// It takes our data.
    Sending,
    /// It gives data.
    Receiving,
    /// A command is being done, with a call that stands or is being made.
    Busy,
    /// It takes commands, and the call stands.
    Command,
    /// The call is over by the modem's own word.
    Over,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Out of data.
    Data,
    /// The call is being ended in order.
    Abort,
    Hook {
        tries: u8,
    },
    DtrOff,
    DtrRest,
    /// The last `ATH`.
    LastHook,
    Done,
}

/// On the way on hook.
#[derive(Debug)]
pub(super) struct Leaving {
    pub outcome: Outcome,
    stage: Stage,
    /// The modem gives data until it has left them.
    is_in_data: bool,
    /// The modem has said that it is on hook.
    pub is_sure: bool,
}

impl Leaving {
    pub(super) fn enter(wire: &mut Wire, outcome: Outcome, from: From) -> Self {
        wire.forget_limits();
        let mut leaving =
            Self { outcome, stage: Stage::Data, is_in_data: from == From::Receiving, is_sure: false };
        match from {
            From::Sending => {
                wire.out.push_back(Output::Discard);
                // The first octet completes a pair that may have been cut in two. T.32's modems are cancelled by CAN, some
                // of them only by one that stands alone.
                let end: &[u8] = if wire.dialect.is_draft() { &[0, DLE, ETX] } else { &[0, DLE, CAN, CAN] };
                wire.write(end.to_vec());
                wire.wait(DATA_WAIT);
            }
            From::Receiving => {
                wire.write([CAN].to_vec());
                wire.wait(DATA_WAIT);
            }
            From::Busy => {
                // Any octet ends dialling; a modem that does T.30 takes CAN for the end of the call.
                wire.write([CAN].to_vec());
                leaving.abort(wire);
            }
            From::Command => leaving.abort(wire),
            From::Over => leaving.hook(wire, 0),
        }
        leaving
    }

    /// The modem is gone: nothing can be done.
    pub(super) fn gone(outcome: Outcome) -> Self {
        Self { outcome, stage: Stage::Done, is_in_data: false, is_sure: false }
    }

    pub(super) fn is_done(&self) -> bool {
        self.stage == Stage::Done
    }

    pub(super) fn is_in_data(&self) -> bool {
        self.is_in_data
    }

    fn abort(&mut self, wire: &mut Wire) {
        self.stage = Stage::Abort;
        self.is_in_data = false;
        wire.flow_while_sending(false);
        wire.say(wire.dialect.abort(), ABORT_WAIT);
    }

    fn hook(&mut self, wire: &mut Wire, tries: u8) {
        self.stage = Stage::Hook { tries };
        self.is_in_data = false;
        wire.flow_while_sending(false);
        let command = wire.profile.hang_up.clone();
        wire.say(&command, HOOK_WAIT);
    }

    /// Pulls what still comes as data and throws it away; whether the data are over.
    pub(super) fn pull(&mut self, wire: &mut Wire) -> bool {
        let mut waste = Vec::new();
        if wire.reader.data(&mut waste) == super::super::reader::DataEnd::Etx {
            self.is_in_data = false;
        }
        !self.is_in_data
    }

    pub(super) fn line(&mut self, wire: &mut Wire, line: &Line) {
        let is_final = matches!(line, Line::Other(reply) if reply.is_final() && *reply != Reply::Connect);
        match self.stage {
            Stage::Data if is_final && wire.over.is_some() => self.hook(wire, 0),
            Stage::Data if is_final => self.abort(wire),
            Stage::Abort if is_final => self.hook(wire, 0),
            Stage::Hook { .. } | Stage::LastHook if is_final => {
                self.is_sure = *line == Line::Other(Reply::Ok);
                self.done(wire);
            }
            _ => {}
        }
    }

    pub(super) fn timer(&mut self, wire: &mut Wire) {
        match self.stage {
            Stage::Data => self.abort(wire),
            Stage::Abort => self.hook(wire, 0),
            Stage::Hook { tries } if tries + 1 < HOOK_TRIES => self.hook(wire, tries + 1),
            Stage::Hook { .. } if !wire.profile.dtr_hang_up => self.done(wire),
            Stage::Hook { .. } => {
                self.stage = Stage::DtrOff;
                wire.out.push_back(Output::Discard);
                wire.out.push_back(Output::Dtr(false));
                wire.wait(DTR_TIME);
            }
            Stage::DtrOff => {
                self.stage = Stage::DtrRest;
                wire.out.push_back(Output::Dtr(true));
                wire.wait(DTR_REST);
            }
            Stage::DtrRest => {
                self.stage = Stage::LastHook;
                let command = wire.profile.hang_up.clone();
                wire.say(&command, HOOK_WAIT);
            }
            Stage::LastHook => self.done(wire),
            Stage::Done => {}
        }
    }

    fn done(&mut self, wire: &mut Wire) {
        self.stage = Stage::Done;
        wire.forget_limits();
    }
}
