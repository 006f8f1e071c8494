//! Phase B of a sender: waiting for DIS, then DCS and TCF until the far end confirms (T.30 clause 5.3.6.1, figure 5-2).

use super::super::capability::Capability;
use super::super::common::{Happening, main_frame, station_id};
use super::super::frame::{Fcf, Frame, StationId};
use super::super::link::Event;
use super::super::negotiate::{agree, common_speeds};
use super::super::settings::Settings;
use super::super::timers::{EOM_DIS_WAIT, GAP, T4, TRIES_MAX};
use super::{Coded, Cx, Imaging, Job, State};
use crate::carrier::Command;
use crate::session::{Incompatibility, LocalFailure, Outcome, Phase};
use alloc::vec::Vec;

/// Waiting for the far end to say what it can do.
#[derive(Debug)]
pub(super) struct Calling {
    page: u32,
    /// EOM has brought us back to phase B, and this was the last DIS; `None` at the beginning of the call.
    before: Option<Capability>,
    /// A DIS came, but the page is not there yet; the far end repeats its DIS.
    identified: bool,
}

impl Calling {
    pub(super) fn first(page: u32) -> Self {
        Self { page, before: None, identified: false }
    }

    /// After EOM and its confirmation. A receiver says DIS, or waits for a DCS on the terms of the last one; some do the
    /// one after T2 without the other, so a sender that insists on DIS loses seconds.
    pub(super) fn again(cx: &mut Cx, page: u32, before: Capability) -> State {
        cx.common.phase = Phase::Negotiation;
        cx.common.play([Command::ListenFrames], EOM_DIS_WAIT);
        State::Calling(Self { before: Some(before), ..Self::first(page) })
    }

    pub(super) fn on(self, cx: &mut Cx, happening: Happening) -> State {
        match happening {
            Happening::Line(Event::Burst(burst)) => self.burst(cx, &burst),
            Happening::Line(Event::Timeout) => self.silent(cx),
            Happening::Page if cx.stock.is_missing(self.page) => {
                cx.leave(Outcome::Local(LocalFailure::PageMissing))
            }
            _ => State::Calling(self),
        }
    }

    fn burst(self, cx: &mut Cx, burst: &[Frame]) -> State {
        if let Some(csi) = station_id(burst, Fcf::Csi) {
            cx.common.set_remote_id(StationId::from_fif(&csi.fif).as_str());
        }
        match main_frame(burst) {
            Some(frame) if frame.fcf == Fcf::Dis => self.identified(cx, Capability::parse(&frame.fif)),
            Some(frame) if frame.fcf == Fcf::Dtc => {
                cx.leave(Outcome::Incompatible(Incompatibility::NotAReceiver))
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
        let Some(page) = cx.stock.get(self.page) else {
            cx.common.listen_again();
            return State::Calling(Self { identified: true, ..self });
        };
        match agree(&cx.config.allowed, cx.config.frame_size, &remote, page) {
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
            && cx.stock.get(self.page).is_some()
        {
            return self.identified(cx, before);
        }
        let outcome = if !cx.common.link.connected {
            Outcome::NoAnswer
        } else if self.identified || self.before.is_some() {
            Outcome::Local(LocalFailure::PageMissing)
        } else if cx.common.link.heard_v21 {
            Outcome::NoDis
        } else {
            Outcome::NoFaxTone
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
        let tsi = Frame::with_fif(Fcf::Tsi, cx.config.local_id.to_fif()).not_final();
        let dcs = Frame::with_fif(Fcf::Dcs, job.settings.to_fif());
        let frames: Vec<Frame> = match cx.config.local_id.as_str() {
            "" => alloc::vec![dcs],
            _ => alloc::vec![tsi, dcs],
        };
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
            Happening::Line(Event::Burst(burst)) => match main_frame(&burst).map(|frame| frame.fcf) {
                Some(Fcf::Cfr) => {
                    cx.ladder.trained(self.job.settings.speed);
                    Imaging::enter(cx, self.job)
                }
                Some(Fcf::Ftt) => self.slower(cx),
                // A repeated DIS says that DCS was not understood.
                Some(Fcf::Dis | Fcf::Crp) => self.again(cx),
                Some(Fcf::Dcn) => cx.finish(Outcome::Disconnected { phase: Phase::Training }),
                _ => {
                    cx.common.listen_again();
                    State::Training(self)
                }
            },
            _ => State::Training(self),
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
