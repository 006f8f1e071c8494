//! Phase B of a receiver: DIS, or DTC where we called to poll; and the DCS or DTC that comes back
//! (T.30 clause 5.3.6.1, figure 5-2).

use super::super::Output;
use super::super::address::{POLLING, SENDING, hear, identified, is_missing, is_right, refusal};
use super::super::capability::Capability;
use super::super::common::{Happening, main_frame};
use super::super::frame::{Fcf, Frame};
use super::super::link::Event;
use super::super::settings::Settings;
use super::super::timers::{T1, T4, TCF_OVER, TRIES_MAX};
use super::command::command;
use super::listen::{AwaitCommand, Checking, Silence};
use super::{Cx, State};
use crate::carrier::Command;
use crate::session::{Incompatibility, Outcome, Phase, Refusal, Remote};
use crate::time::Time;
use alloc::vec::Vec;

/// Begins phase B: says what we can do, or polls.
pub(super) fn identify(cx: &mut Cx) -> State {
    cx.common.phase = Phase::Negotiation;
    match cx.poll {
        Some(_) => Polling { tries: 0 }.ask(cx),
        None => Identifying { until: cx.common.now + T1 }.ask(cx),
    }
}

/// DIS is out.
#[derive(Debug)]
pub(super) struct Identifying {
    until: Time,
}

impl Identifying {
    fn ask(self, cx: &mut Cx) -> State {
        let frames = cx.dis();
        cx.common.exchange(&frames, Command::ListenFrames, T4);
        State::Identifying(self)
    }

    pub(super) fn on(self, cx: &mut Cx, happening: Happening) -> State {
        match happening {
            // DIS came to the caller damaged.
            Happening::Line(Event::Burst(burst)) if is_repeat_request(&burst) => self.ask(cx),
            Happening::Line(Event::Burst(burst)) => command(cx, &burst).unwrap_or_else(|| {
                cx.common.listen_again();
                State::Identifying(self)
            }),
            Happening::Line(Event::Timeout) if cx.common.now < self.until => self.ask(cx),
            Happening::Line(Event::Timeout) if cx.common.received == 0 => cx.finish(Outcome::NoCommand),
            Happening::Line(Event::Timeout) => cx.finish(Outcome::NoResponse { phase: Phase::Negotiation }),
            _ => State::Identifying(self),
        }
    }
}

fn is_repeat_request(burst: &[Frame]) -> bool {
    main_frame(burst).is_some_and(|frame| frame.fcf == Fcf::Crp)
}

/// We called, and wait for the DIS of the station that is to send.
pub(super) fn dialling(cx: &mut Cx, happening: Happening) -> State {
    match happening {
        Happening::Line(Event::Burst(burst)) => {
            cx.common.hear(&burst);
            match main_frame(&burst) {
                Some(frame) if frame.fcf == Fcf::Dis => poll(cx, &Capability::parse(&frame.fif)),
                Some(frame) if frame.fcf == Fcf::Dcn => {
                    cx.finish(Outcome::Disconnected { phase: Phase::Negotiation })
                }
                _ => {
                    cx.common.listen_again();
                    State::Dialling
                }
            }
        }
        Happening::Line(Event::Timeout) => {
            let outcome = cx.common.no_dis();
            cx.finish(outcome)
        }
        _ => State::Dialling,
    }
}

/// Polls a station that can do this.
pub(super) fn poll(cx: &mut Cx, remote: &Capability) -> State {
    let Some(poll) = &mut cx.poll else {
        return cx.leave(Outcome::NothingToPoll);
    };
    if !remote.has_document {
        return cx.leave(Outcome::NothingToPoll);
    }
    if let Err(why) = poll.address.check(&POLLING, remote) {
        return cx.leave(Outcome::Incompatible(why));
    }
    let dtc = Capability {
        has_document: false,
        can_receive: true,
        subaddress: false,
        selective_polling: false,
        password: false,
        ..cx.config.capability
    };
    poll.dtc = poll.address.command(&POLLING, remote, &cx.config.local_id, &dtc.to_fif());
    identify(cx)
}

/// DTC is out; the DCS of the station that is to send is awaited.
#[derive(Debug)]
pub(super) struct Polling {
    tries: u8,
}

impl Polling {
    fn ask(self, cx: &mut Cx) -> State {
        if let Some(poll) = &cx.poll {
            cx.common.exchange(&poll.dtc, Command::ListenFrames, T4);
        }
        State::Polling(self)
    }

    pub(super) fn on(self, cx: &mut Cx, happening: Happening) -> State {
        match happening {
            Happening::Line(Event::Burst(burst)) => self.reply(cx, &burst),
            Happening::Line(Event::Timeout) => self.again(cx),
            _ => State::Polling(self),
        }
    }

    fn reply(self, cx: &mut Cx, burst: &[Frame]) -> State {
        let frame = main_frame(burst);
        match frame.map(|frame| frame.fcf) {
            // A repeated DIS says that DTC was not understood.
            Some(Fcf::Dis | Fcf::Crp) => self.again(cx),
            Some(Fcf::Fnv) => {
                let why = refusal(frame.map_or(&[], |frame| &frame.fif));
                cx.leave(Outcome::Refused(why))
            }
            Some(Fcf::Dcn) if cx.poll.as_ref().is_some_and(|poll| poll.is_selective()) => {
                cx.finish(Outcome::Refused(Refusal::SelectivePolling))
            }
            _ => command(cx, burst).unwrap_or_else(|| {
                cx.common.listen_again();
                State::Polling(self)
            }),
        }
    }

    fn again(self, cx: &mut Cx) -> State {
        let tries = self.tries + 1;
        if tries >= TRIES_MAX {
            return cx.leave(Outcome::NoResponse { phase: Phase::Negotiation });
        }
        Self { tries }.ask(cx)
    }
}

/// A DCS came: the sender's terms, and who it is.
pub(super) fn commanded(cx: &mut Cx, dcs: &Frame) -> Option<State> {
    let settings = Settings::parse(&dcs.fif)?;
    if is_missing(&SENDING, dcs, &cx.common.remote) && !core::mem::replace(&mut cx.is_asked_again, true) {
        // A subaddress or password was damaged: the sender says it all again after our DIS.
        cx.common.play([Command::ListenFrames], TCF_OVER);
        return Some(State::AwaitCommand(AwaitCommand::new(Silence::Identify)));
    }
    cx.common.settings = Some(settings);
    cx.drop_page();
    cx.answered = None;
    cx.is_finished = false;
    let refused = if !cx.config.capability.can_receive {
        Some(Outcome::Incompatible(Incompatibility::NotAReceiver))
    } else if !is_right(cx.config.password.as_ref(), cx.common.remote.password.as_deref())
        && cx.poll.is_none()
    {
        Some(Outcome::Refused(Refusal::Password))
    } else {
        None
    };
    if let Some(outcome) = refused {
        cx.common.play([Command::ListenFrames], TCF_OVER);
        return Some(State::AwaitCommand(AwaitCommand::new(Silence::Leave(outcome))));
    }
    cx.tell_remote();
    Some(Checking::enter(cx, settings.speed))
}

/// A DTC came: the caller wants to be sent what we offer.
pub(super) fn polled(cx: &mut Cx, burst: &[Frame], dtc: &Frame) -> Option<State> {
    let Some(offer) = &cx.config.offer else {
        return Some(cx.leave(Outcome::NothingToPoll));
    };
    // Only what goes with this command counts, not the subaddress of pages that were sent before.
    let mut asked = Remote::default();
    hear(&mut asked, burst);
    if is_missing(&POLLING, dtc, &asked) && !core::mem::replace(&mut cx.is_asked_again, true) {
        return None;
    }
    let is_wanted = asked.subaddress.as_deref() == offer.subaddress.as_ref().map(|digits| digits.as_str());
    if !is_wanted {
        return Some(cx.leave(Outcome::Refused(Refusal::SelectivePolling)));
    }
    if !is_right(offer.password.as_ref(), asked.password.as_deref()) {
        return Some(cx.leave(Outcome::Refused(Refusal::Password)));
    }
    cx.tell_remote();
    cx.turn = Some(Capability { can_receive: true, ..Capability::parse(&dtc.fif) });
    Some(State::Over)
}

impl Cx {
    /// CSI and DIS.
    pub(super) fn dis(&self) -> Vec<Frame> {
        let dis = Frame::with_fif(Fcf::Dis, self.config.dis().to_fif());
        identified(Fcf::Csi, &self.config.local_id, dis)
    }

    /// Tells the driver who is there, where that is news.
    fn tell_remote(&mut self) {
        if self.told.as_ref() != Some(&self.common.remote) {
            self.told = Some(self.common.remote.clone());
            self.common.out.push_back(Output::Identified(self.common.remote.clone()));
        }
    }
}
