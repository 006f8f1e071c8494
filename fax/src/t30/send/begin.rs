//! Phase B of a sender: waiting for DIS or DTC, then DCS and TCF until the far end confirms (T.30 clause 5.3.6.1, figure 5-2).

use super::super::address::{SENDING, refusal};
use super::super::capability::Capability;
use super::super::common::{Happening, main_frame};
use super::super::frame::{Fcf, Frame};
use super::super::link::Event;
use super::super::negotiate::{agree, common_speeds};
use super::super::settings::Settings;
use super::super::timers::{EOM_DIS_WAIT, GAP, REPLY_WAIT, T1, T4, TRIES_MAX};
use super::{Coded, Cx, Imaging, Job, State};
use crate::carrier::Command;
use crate::session::{LocalFailure, Outcome, Phase};
use crate::time::Time;

/// Waiting for the far end to say what it can do: the DIS of a station that we called, the DTC of one that polls us.
#[derive(Debug)]
pub(super) struct Calling {
    page: u32,
    /// What the far end said last, where EOM or its DTC has brought us to phase B; `None` at the beginning of a call.
    before: Option<Capability>,
    /// What the far end said and when, where the page is not there yet. It repeats it.
    identified: Option<(Capability, Time)>,
    /// Where we say DIS: until then.
    until: Time,
}

impl Calling {
    pub(super) fn first(page: u32) -> Self {
        Self { page, before: None, identified: None, until: Time::ZERO }
    }

    /// At the DTC of a station that polls us; the driver is being asked for the page.
    pub(super) fn polled(cx: &mut Cx, page: u32, dtc: Capability) -> State {
        cx.common.play([Command::ListenFrames], T4);
        let now = cx.common.now;
        State::Calling(Self { page, before: Some(dtc), identified: Some((dtc, now)), until: now + T1 })
    }

    /// After EOM and its confirmation. A receiver says DIS, or waits for a DCS on the terms of the last one; some do the
    /// one after T2 without the other, so a sender that insists on DIS loses seconds.
    pub(super) fn again(cx: &mut Cx, page: u32, before: Capability) -> State {
        cx.common.phase = Phase::Negotiation;
        let until = cx.common.now + T1;
        Self { before: Some(before), until, ..Self::first(page) }.ask(cx)
    }

    /// Says DIS, where that is for us to say, and listens.
    fn ask(self, cx: &mut Cx) -> State {
        match &cx.dis {
            Some(dis) => cx.common.exchange(dis, Command::ListenFrames, T4),
            None if self.page < cx.config.pages => cx.common.play([Command::ListenFrames], EOM_DIS_WAIT),
            // Nothing is left to be sent; the far end is to send, and only its DIS lets us poll.
            None => cx.common.play([Command::ListenFrames], T1),
        }
        State::Calling(self)
    }

    pub(super) fn on(self, cx: &mut Cx, happening: Happening) -> State {
        match happening {
            Happening::Line(Event::Burst(burst)) => self.burst(cx, &burst),
            Happening::Line(Event::Timeout) if cx.dis.is_some() && cx.common.now < self.until => self.ask(cx),
            Happening::Line(Event::Timeout) => self.silent(cx),
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
            Some(frame) if frame.fcf == Fcf::Crp && cx.dis.is_some() => self.ask(cx),
            // Where we say DIS, one that comes is our own, come back.
            Some(frame) if frame.fcf == Fcf::Dtc || frame.fcf == Fcf::Dis && cx.dis.is_none() => {
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
                let speeds = common_speeds(&cx.config.allowed, &remote);
                let speed = cx.ladder.start(speeds, settings.speed);
                let job = Job {
                    remote,
                    settings: Settings { speed, ..settings },
                    page: self.page,
                    rejections: 0,
                    coded: Coded::Not,
                    train_long: false,
                    speeds_unheard: 0,
                };
                Training::enter(cx, job, 0)
            }
            Err(why) => cx.leave(Outcome::Incompatible(why)),
        }
    }

    fn silent(self, cx: &mut Cx) -> State {
        if let Some(before) = self.before
            && cx.dis.is_none()
            && cx.stock.get(self.page).is_some()
        {
            return self.identified(cx, before);
        }
        let outcome = if self.identified.is_some() {
            Outcome::Local(LocalFailure::PageMissing)
        } else if self.before.is_none() {
            cx.common.no_dis()
        } else {
            Outcome::NoResponse { phase: Phase::Negotiation }
        };
        cx.finish(outcome)
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
        cx.common.count_exchange();
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
            Some(Fcf::Cfr) => {
                cx.ladder.trained(self.job.settings.speed);
                Imaging::enter(cx, self.job)
            }
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

    /// The last try is made one step slower: some receivers keep silent about a training that they cannot follow.
    fn again(self, cx: &mut Cx) -> State {
        let (mut job, tries) = (self.job, self.tries + 1);
        if tries >= TRIES_MAX {
            return cx.leave(Outcome::NoResponse { phase: Phase::Training });
        }
        if tries + 1 == TRIES_MAX {
            job.settings.speed = cx.slower(job.settings.speed).unwrap_or(job.settings.speed);
        }
        Self::enter(cx, job, tries)
    }

    fn slower(self, cx: &mut Cx) -> State {
        let mut job = self.job;
        match cx.slower(job.settings.speed) {
            Some(speed) => {
                job.settings.speed = speed;
                Self::enter(cx, job, 0)
            }
            None => cx.leave(Outcome::TrainingFailed),
        }
    }
}
