//! Phase B of a sender: waiting for DIS or DTC, then DCS and TCF until the far end confirms (T.30 clause 5.3.6.1, figure 5-2).

use super::super::address::{SENDING, refusal};
use super::super::capability::Capability;
use super::super::common::{Happening, main_frame};
use super::super::frame::{Fcf, Frame};
use super::super::link::Event;
use super::super::negotiate::{agree, common_speeds, next_slower};
use super::super::timers::{GAP, REPLY_WAIT, T1, T4, TRIES_MAX};
use super::{Coded, Cx, Imaging, Job, State};
use crate::carrier::Command;
use crate::session::{LocalFailure, Outcome, Phase};
use crate::time::Time;

/// Waiting for the far end to say what it can do: the DIS of a station that we called, the DTC of one that polls us.
#[derive(Debug)]
pub(super) struct Calling {
    page: u32,
    /// The call begins; otherwise EOM has brought us back to phase B.
    is_first: bool,
    /// What the far end said and when, where the page is not there yet. It repeats it.
    identified: Option<(Capability, Time)>,
    /// Where we say DIS: until then.
    until: Time,
}

impl Calling {
    pub(super) fn first(page: u32) -> Self {
        Self { page, is_first: true, identified: None, until: Time::ZERO }
    }

    /// At the DTC of a station that polls us; the driver is being asked for the page.
    pub(super) fn polled(cx: &mut Cx, page: u32, dtc: Capability) -> State {
        cx.common.play([Command::ListenFrames], T4);
        let now = cx.common.now;
        State::Calling(Self { page, is_first: false, identified: Some((dtc, now)), until: now + T1 })
    }

    /// After EOM and its confirmation.
    pub(super) fn again(cx: &mut Cx, page: u32) -> State {
        cx.common.phase = Phase::Negotiation;
        let until = cx.common.now + T1;
        Self { is_first: false, until, ..Self::first(page) }.ask(cx)
    }

    /// Says DIS, where that is for us to say, and listens.
    fn ask(self, cx: &mut Cx) -> State {
        match &cx.dis {
            Some(dis) => cx.common.exchange(dis, Command::ListenFrames, T4),
            None => cx.common.play([Command::ListenFrames], T1),
        }
        State::Calling(self)
    }

    pub(super) fn on(self, cx: &mut Cx, happening: Happening) -> State {
        match happening {
            Happening::Line(Event::Burst(burst)) => self.burst(cx, &burst),
            Happening::Line(Event::Timeout) if cx.dis.is_some() && cx.common.now < self.until => self.ask(cx),
            Happening::Line(Event::Timeout) => {
                let outcome = self.silence(cx);
                cx.finish(outcome)
            }
            Happening::Page if cx.stock.is_missing(self.page) => {
                cx.leave(Outcome::Local(LocalFailure::PageMissing))
            }
            Happening::Page => match self.identified {
                // Soon enough that the far end still listens.
                Some((remote, at)) if cx.common.now.since(at) <= REPLY_WAIT => self.identified(cx, remote),
                _ => State::Calling(self),
            },
            _ => State::Calling(self),
        }
    }

    fn burst(self, cx: &mut Cx, burst: &[Frame]) -> State {
        cx.common.hear(burst);
        match main_frame(burst) {
            Some(frame) if matches!(frame.fcf, Fcf::Dis | Fcf::Dtc) => {
                let remote = Capability::parse(&frame.fif);
                // Who polls receives, whatever else it says.
                let can_receive = remote.can_receive || cx.dis.is_some();
                self.identified(cx, Capability { can_receive, ..remote })
            }
            Some(frame) if frame.fcf == Fcf::Dcn => {
                cx.finish(Outcome::Disconnected { phase: Phase::Negotiation })
            }
            _ => {
                cx.common.listen_again();
                State::Calling(self)
            }
        }
    }

    fn identified(self, cx: &mut Cx, remote: Capability) -> State {
        if self.page >= cx.config.pages {
            cx.turn = Some(remote);
            return State::Over;
        }
        let Some(page) = cx.stock.get(self.page) else {
            cx.common.listen_again();
            return State::Calling(Self { identified: Some((remote, cx.common.now)), ..self });
        };
        let agreed = agree(&cx.config.allowed, cx.config.frame_size, &remote, page);
        match cx.config.address.check(&SENDING, &remote).and(agreed) {
            Ok(settings) => {
                let job = Job {
                    speeds: common_speeds(&cx.config.allowed, &remote),
                    remote,
                    settings,
                    page: self.page,
                    rejections: 0,
                    coded: Coded::Not,
                    train_long: false,
                };
                Training::enter(cx, job, 0)
            }
            Err(why) => cx.leave(Outcome::Incompatible(why)),
        }
    }

    fn silence(&self, cx: &Cx) -> Outcome {
        if self.identified.is_some() {
            Outcome::Local(LocalFailure::PageMissing)
        } else if self.is_first {
            cx.common.no_dis()
        } else {
            Outcome::NoResponse { phase: Phase::Negotiation }
        }
    }
}

/// DCS and TCF are out; the far end is to say CFR or FTT.
#[derive(Debug)]
pub(super) struct Training {
    job: Job,
    tries: u8,
}

impl Training {
    pub(super) fn enter(cx: &mut Cx, job: Job, tries: u8) -> State {
        cx.common.phase = Phase::Training;
        cx.common.settings = Some(job.settings);
        let (address, id) = (&cx.config.address, &cx.config.local_id);
        let frames = address.command(&SENDING, &job.remote, id, &job.settings.to_fif());
        let script = [
            Command::Silence(GAP),
            cx.common.frames(&frames),
            Command::Silence(GAP),
            Command::SendTcf(job.settings.speed),
            Command::ListenFrames,
        ];
        cx.common.play(script, T4);
        State::Training(Self { job, tries })
    }

    pub(super) fn on(self, cx: &mut Cx, happening: Happening) -> State {
        match happening {
            Happening::Line(Event::Timeout) => self.again(cx),
            Happening::Line(Event::Burst(burst)) => self.reply(cx, &burst),
            _ => State::Training(self),
        }
    }

    fn reply(self, cx: &mut Cx, burst: &[Frame]) -> State {
        let frame = main_frame(burst);
        match frame.map(|frame| frame.fcf) {
            Some(Fcf::Cfr) => Imaging::enter(cx, self.job),
            Some(Fcf::Ftt) => self.slower(cx),
            // A repeated DIS or DTC says that DCS was not understood.
            Some(Fcf::Dis | Fcf::Dtc | Fcf::Crp) => self.again(cx),
            Some(Fcf::Fnv) => {
                let why = refusal(frame.map_or(&[], |frame| &frame.fif));
                cx.leave(Outcome::Refused(why))
            }
            Some(Fcf::Dcn) => cx.finish(Outcome::Disconnected { phase: Phase::Training }),
            _ => {
                cx.common.listen_again();
                State::Training(self)
            }
        }
    }

    fn again(self, cx: &mut Cx) -> State {
        let tries = self.tries + 1;
        if tries >= TRIES_MAX {
            return cx.leave(Outcome::NoResponse { phase: Phase::Training });
        }
        Self::enter(cx, self.job, tries)
    }

    fn slower(self, cx: &mut Cx) -> State {
        let mut job = self.job;
        match next_slower(job.speeds, job.settings.speed) {
            Some(speed) => {
                job.settings.speed = speed;
                Self::enter(cx, job, 0)
            }
            None => cx.leave(Outcome::TrainingFailed),
        }
    }
}
