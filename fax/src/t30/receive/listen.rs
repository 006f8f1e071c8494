//! The receiver's waits: for the training check, for an image, for what comes after it.

use super::super::common::{Happening, main_frame};
use super::super::frame::{Fcf, Frame};
use super::super::link::{Event, Heard};
use super::super::quality::tcf_is_good;
use super::super::timers::{COMMAND_REPEATS_MAX, ECHO_MAX, EOM_DCS_WAIT, REPLY_TIME_MAX, T2, TCF_OVER};
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

/// Whether this is what we said last, come back.
fn is_echo(cx: &Cx, burst: &[Frame]) -> bool {
    let said = cx.last.as_ref().and_then(|reply| main_frame(&reply.frames));
    main_frame(burst).is_some_and(|heard| said.is_some_and(|said| said.fcf == heard.fcf))
}

/// DCS came; the training check is awaited.
#[derive(Debug)]
pub(super) struct Checking {
    speed: Speed,
}

impl Checking {
    pub(super) fn enter(cx: &mut Cx, speed: Speed) -> State {
        cx.common.phase = Phase::Training;
        // A sender may say DCS again and again and leave no time for an answer.
        cx.common.count_exchange();
        if !cx.config.capability.speeds.contains(speed) {
            // Not offered, so not to be heard: let it pass, and refuse it.
            cx.common.play([Command::ListenFrames], TCF_OVER);
            return State::AwaitCommand(AwaitCommand::new(Silence::Ftt));
        }
        cx.common.play([Command::ListenTcf(speed)], T2);
        State::Checking(Self { speed })
    }

    pub(super) fn on(self, cx: &mut Cx, happening: Happening) -> State {
        match happening {
            Happening::Line(Event::Image(heard))
                if !heard.overflow && tcf_is_good(&heard.data, self.speed) =>
            {
                let next = Next::Image(short_training(self.speed));
                cx.reply(Reply { frames: alloc::vec![Frame::new(Fcf::Cfr)], next })
            }
            Happening::Line(Event::Image(_)) => refuse_training(cx),
            Happening::Line(Event::Untrained) => {
                cx.common.play([Command::ListenFrames], TCF_OVER);
                State::AwaitCommand(AwaitCommand::new(Silence::Ftt))
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
                self.expect(cx)
            }
            Happening::Line(Event::Image(heard)) => store(cx, heard),
            Happening::Line(Event::Untrained) => {
                // Either a command that is repeated, which comes at once, or an image that we miss, which lasts.
                cx.untrained_at = Some(cx.common.now);
                cx.common.phase = Phase::Image;
                let image_time = self.speed.time_for(BLOCK_BYTES_MAX);
                cx.common.play([Command::ListenFrames], image_time + T2);
                State::AwaitCommand(AwaitCommand {
                    image: Some(self),
                    ..AwaitCommand::new(Silence::NoResponse)
                })
            }
            Happening::Line(Event::Timeout) => AwaitCommand::listen(cx, T2, Silence::NoResponse),
            _ => State::AwaitImage(self),
        }
    }

    /// Listens for the image once more.
    fn expect(self, cx: &mut Cx) -> State {
        cx.untrained_at = None;
        let listen = cx.listen_image(self.training);
        let left = self.until - cx.common.now;
        cx.common.play([listen], left);
        State::AwaitImage(self)
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
        let before = cx.block.frames_here();
        heard.frames.iter().for_each(|frame| cx.block.take_frame(frame));
        if cx.block.frames_here() > before {
            cx.common.progress();
        }
    } else {
        cx.bits = Some(heard.data);
    }
    AwaitCommand::listen(cx, T2, Silence::NoResponse)
}

/// A command is awaited.
#[derive(Debug)]
pub(super) struct AwaitCommand {
    silence: Silence,
    /// An image was awaited, and something that was no image came.
    image: Option<AwaitImage>,
}

impl AwaitCommand {
    pub(super) fn new(silence: Silence) -> Self {
        Self { silence, image: None }
    }

    /// Says these frames first.
    pub(super) fn enter(cx: &mut Cx, frames: &[Frame], silence: Silence) -> State {
        // Who called and polls has no DIS to say: the far end says it, and is given the time.
        let says_dis = silence == Silence::Identify && cx.poll.is_none();
        let wait = if says_dis { EOM_DCS_WAIT } else { T2 };
        cx.common.exchange(frames, Command::ListenFrames, wait);
        State::AwaitCommand(Self::new(silence))
    }

    /// Only listens.
    pub(super) fn listen(cx: &mut Cx, wait: Duration, silence: Silence) -> State {
        cx.common.play([Command::ListenFrames], wait);
        State::AwaitCommand(Self::new(silence))
    }

    /// V.21 came and brought nothing.
    pub(super) fn garbled(mut self, cx: &mut Cx, damaged: bool) -> State {
        let is_short = cx.untrained_at.is_some_and(|at| cx.common.now.since(at) <= ECHO_MAX);
        if let Some(image) = self.image.take_if(|_| is_short) {
            // The end of our own reply, come back: a command's flags last a second. The image is still to come.
            return image.expect(cx);
        }
        // A damaged command is asked for again at once. Before a training check that would only disturb it.
        let after_image = cx.image_heard || cx.untrained_at.is_some();
        if damaged && after_image && cx.repeats_asked < COMMAND_REPEATS_MAX {
            cx.repeats_asked += 1;
            cx.common.ask_for_repetition(T2);
        } else {
            cx.common.listen_again();
        }
        State::AwaitCommand(self)
    }

    pub(super) fn on(self, cx: &mut Cx, happening: Happening) -> State {
        match happening {
            Happening::Line(Event::Burst(_)) if self.silence == Silence::PageNotKept => self.silent(cx),
            Happening::Line(Event::Burst(burst)) => self.burst(cx, &burst),
            Happening::Line(Event::Timeout) => self.silent(cx),
            _ => State::AwaitCommand(self),
        }
    }

    fn burst(self, cx: &mut Cx, burst: &[Frame]) -> State {
        if let Silence::Leave(outcome) = self.silence
            && main_frame(burst).is_some_and(|frame| frame.fcf == Fcf::Dcn)
        {
            return cx.finish(outcome);
        }
        match (command(cx, burst), self.image) {
            (Some(state), _) => state,
            (None, Some(image)) if is_echo(cx, burst) => image.expect(cx),
            (None, image) => {
                cx.common.listen_again();
                State::AwaitCommand(Self { image, ..self })
            }
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
