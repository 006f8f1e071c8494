//! The receiver's waits: for the training check, for an image, for what comes after it.

use super::super::common::Happening;
use super::super::frame::{Fcf, Frame};
use super::super::link::{Event, Heard};
use super::super::quality::tcf_is_good;
use super::super::timers::{REPLY_TIME_MAX, T2, TCF_OVER};
use super::command::{command, short_training};
use super::identify::identify;
use super::{Cx, Next, Reply, State};
use crate::carrier::{Command, Speed, Training};
use crate::session::{LocalFailure, Outcome, Phase};
use crate::time::{Duration, Time};

/// Coded bytes of the longest ECM block; an image that was missed may last as long as they take.
const BLOCK_BYTES_MAX: usize = 256 * 264;

/// A carrier that brought fewer bytes than this was noise that sounded like training: the emptiest page has more.
const IMAGE_BYTES_MIN: usize = 100;

/// What it means when no command comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Silence {
    /// The far end is gone.
    NoResponse,
    /// EOM was confirmed: back to phase B.
    Identify,
    /// EOP was confirmed: the far end hung up without DCN.
    Received,
    /// The training check was missed: say so.
    Ftt,
    /// A page could not be stored and was refused: leave.
    PageNotKept,
    /// The sender's command is not accepted: leave, once its training check is over.
    Leave(Outcome),
}

/// DCS came; the training check is awaited.
#[derive(Debug)]
pub(super) struct Checking {
    speed: Speed,
}

impl Checking {
    pub(super) fn enter(cx: &mut Cx, speed: Speed) -> State {
        cx.common.phase = Phase::Training;
        if !cx.config.capability.speeds.contains(speed) {
            // Not offered, so not to be heard: let it pass, and refuse it.
            cx.common.play([Command::ListenFrames], TCF_OVER);
            return State::AwaitCommand(AwaitCommand { silence: Silence::Ftt });
        }
        cx.common.play([Command::ListenTcf(speed)], T2);
        State::Checking(Self { speed })
    }

    pub(super) fn on(self, cx: &mut Cx, happening: Happening) -> State {
        match happening {
            Happening::Line(Event::Image(heard)) if tcf_is_good(&heard.data, self.speed) => cx.reply(Reply {
                frames: alloc::vec![Frame::new(Fcf::Cfr)],
                next: Next::Image(short_training(self.speed)),
            }),
            Happening::Line(Event::Image(_)) => refuse_training(cx),
            Happening::Line(Event::Untrained) => {
                cx.common.play([Command::ListenFrames], TCF_OVER);
                State::AwaitCommand(AwaitCommand { silence: Silence::Ftt })
            }
            Happening::Line(Event::Timeout) => AwaitCommand::listen(cx, T2, Silence::NoResponse),
            _ => State::Checking(self),
        }
    }
}

fn refuse_training(cx: &mut Cx) -> State {
    cx.reply(Reply { frames: alloc::vec![Frame::new(Fcf::Ftt)], next: Next::Command(Silence::NoResponse) })
}

/// The image is awaited, or is coming in.
#[derive(Debug)]
pub(super) struct AwaitImage {
    speed: Speed,
    training: Training,
    /// It must have begun by then.
    until: Time,
}

impl AwaitImage {
    /// Says these frames first.
    pub(super) fn enter(cx: &mut Cx, frames: &[Frame], training: Training) -> State {
        let Some(settings) = cx.common.settings else {
            return AwaitCommand::enter(cx, frames, Silence::NoResponse);
        };
        let listen = cx.listen_image(training);
        cx.common.exchange(frames, listen, T2);
        State::AwaitImage(Self {
            speed: settings.speed,
            training,
            until: cx.common.now + REPLY_TIME_MAX + T2,
        })
    }

    pub(super) fn on(self, cx: &mut Cx, happening: Happening) -> State {
        match happening {
            Happening::Line(Event::Image(heard)) if is_noise(cx, &heard) && cx.common.now < self.until => {
                let listen = cx.listen_image(self.training);
                let left = self.until - cx.common.now;
                cx.common.play([listen], left);
                State::AwaitImage(self)
            }
            Happening::Line(Event::Image(heard)) => store(cx, heard),
            Happening::Line(Event::Untrained) => {
                // Either a command that is repeated, which comes at once, or an image that we miss, which lasts.
                cx.untrained_at = Some(cx.common.now);
                cx.common.phase = Phase::Image;
                let image_time = self.speed.time_for(BLOCK_BYTES_MAX);
                AwaitCommand::listen(cx, image_time + T2, Silence::NoResponse)
            }
            Happening::Line(Event::Timeout) => AwaitCommand::listen(cx, T2, Silence::NoResponse),
            _ => State::AwaitImage(self),
        }
    }
}

/// Without ECM, some noise that sounded like training must not be taken for a page.
fn is_noise(cx: &Cx, heard: &Heard) -> bool {
    let is_ecm = cx.common.settings.is_some_and(|settings| settings.ecm.is_some());
    !is_ecm && heard.data.len() < IMAGE_BYTES_MIN && !heard.overflow
}

/// Puts what came beside what is there, and waits for the command that says what it was.
fn store(cx: &mut Cx, heard: Heard) -> State {
    cx.common.phase = Phase::Image;
    if heard.overflow {
        return cx.leave(Outcome::TooLarge);
    }
    cx.image_heard = true;
    if cx.common.settings.is_some_and(|s| s.ecm.is_some()) {
        heard.frames.iter().for_each(|frame| cx.block.take_frame(frame));
    } else {
        cx.bits = Some(heard.data);
    }
    AwaitCommand::listen(cx, T2, Silence::NoResponse)
}

/// A command is awaited.
#[derive(Debug)]
pub(super) struct AwaitCommand {
    pub silence: Silence,
}

impl AwaitCommand {
    /// Says these frames first.
    pub(super) fn enter(cx: &mut Cx, frames: &[Frame], silence: Silence) -> State {
        cx.common.exchange(frames, Command::ListenFrames, T2);
        State::AwaitCommand(Self { silence })
    }

    /// Only listens.
    pub(super) fn listen(cx: &mut Cx, wait: Duration, silence: Silence) -> State {
        cx.common.play([Command::ListenFrames], wait);
        State::AwaitCommand(Self { silence })
    }

    pub(super) fn on(self, cx: &mut Cx, happening: Happening) -> State {
        match happening {
            Happening::Line(Event::Burst(_)) if self.silence == Silence::PageNotKept => self.silent(cx),
            Happening::Line(Event::Burst(burst)) => command(cx, &burst).unwrap_or_else(|| {
                cx.common.listen_again();
                State::AwaitCommand(self)
            }),
            Happening::Line(Event::Timeout) => self.silent(cx),
            _ => State::AwaitCommand(self),
        }
    }

    fn silent(self, cx: &mut Cx) -> State {
        match self.silence {
            Silence::NoResponse => {
                let phase = cx.common.phase;
                cx.finish(Outcome::NoResponse { phase })
            }
            Silence::Identify => identify(cx),
            Silence::Received => cx.finish(Outcome::Received),
            Silence::Ftt => refuse_training(cx),
            Silence::Leave(outcome) => cx.leave(outcome),
            Silence::PageNotKept => cx.leave(Outcome::Local(LocalFailure::PageNotKept)),
        }
    }
}
