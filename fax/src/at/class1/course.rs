//! What happens to a carrier: the modem's words and the deadlines, state by state.

use super::connect;
use super::leave::{From, Hook, Leave};
use super::listen::Listen;
use super::{Carrier, FLAGS_MAX, Next, Resume, SILENCE_SLACK, State, words};
use crate::at::profile::SilenceBy;
use crate::at::reply::Reply;
use crate::carrier::{Command, HangUp, Signal};
use crate::time::{Duration, Time};
use alloc::boxed::Box;

impl Carrier {
    pub(super) fn reply(&mut self, reply: &Reply) -> Next {
        let wire = &mut self.wire;
        wire.replied();
        match &mut self.state {
            State::Setup(setup) => setup.reply(wire, reply),
            State::Connecting { is_caller: true } => connect::dialled(reply),
            State::Connecting { is_caller: false } => connect::answered(wire, reply),
            State::Speak(speak) => speak.reply(wire, reply),
            State::Listen(listen) => listen.reply(wire, reply),
            State::Leave(leave) => leave.reply(wire, reply),
            State::Silence { by: SilenceBy::Modem, until } => {
                let until = *until;
                self.after_silence(reply, until)
            }
            State::Doubt(_) => match reply {
                Reply::Ok => Next::Ready,
                reply if reply.is_final() => Next::HungUp(HangUp::Remote),
                _ => Next::Stay,
            },
            State::Hook(hook) => {
                if hook.reply(wire, reply) {
                    self.rest_on_hook(true);
                }
                Next::Stay
            }
            // The modem gave up waiting for a frame.
            State::Flags if reply.is_final() => Next::Ready,
            State::OnHook | State::Ready | State::Flags | State::Silence { .. } => Next::Stay,
        }
    }

    /// What a modem says to `+FTS`.
    fn after_silence(&mut self, reply: &Reply, until: Time) -> Next {
        match reply {
            Reply::Ok => self.has_kept_silence = true,
            // It has kept one before: there is no call any more.
            Reply::Error | Reply::NoCarrier if self.has_kept_silence => return Next::HungUp(HangUp::Remote),
            Reply::Busy | Reply::Ring(_) => return Next::HungUp(HangUp::Remote),
            reply if reply.is_final() => {
                // It cannot do it; we can.
                self.silence = SilenceBy::Timer;
                self.state = State::Silence { by: SilenceBy::Timer, until };
                self.wire.deadline = Some(until.max(self.wire.now));
                return Next::Stay;
            }
            _ => return Next::Stay,
        }
        self.wire.tell(Signal::Sent);
        Next::Ready
    }

    /// What is awaited has not come.
    pub(super) fn late(&mut self) -> Next {
        let wire = &mut self.wire;
        match &mut self.state {
            State::OnHook => {
                wire.rest();
                Next::Stay
            }
            State::Setup(setup) => setup.late(wire),
            // Class 1 does not say whether somebody picked up.
            State::Connecting { is_caller: true } => Next::InVain,
            State::Connecting { is_caller: false } => Next::HungUp(HangUp::LineFault),
            State::Speak(speak) => {
                let is_connected = speak.is_connected();
                self.overdue(is_connected)
            }
            State::Ready | State::Doubt(_) => Next::HungUp(HangUp::LineFault),
            State::Flags => Next::Leave,
            State::Silence { by: SilenceBy::Timer, .. } => {
                wire.tell(Signal::Sent);
                Next::Ready
            }
            State::Silence { by: SilenceBy::Modem, .. } => {
                // It never says that it is over, and has been waited for already.
                wire.tell(Signal::Sent);
                self.state = State::Leave(Leave::overdue(wire, None));
                Next::Stay
            }
            State::Listen(listen) => listen.late(wire),
            State::Leave(leave) => leave.late(wire),
            State::Hook(hook) => {
                if let Some(for_sure) = hook.late(wire) {
                    self.rest_on_hook(for_sure);
                }
                Next::Stay
            }
        }
    }

    /// Sending should have begun, or ended. If the modem answers `AT`, a `CONNECT` was lost, and it is asked once more; or
    /// the `OK`, and all has gone out as far as can be known.
    fn overdue(&mut self, is_connected: bool) -> Next {
        let State::Speak(speak) = core::mem::replace(&mut self.state, State::Ready) else {
            return Next::Ready;
        };
        self.refusals = self.refusals.saturating_add(1);
        if is_connected {
            // Where more of the data is to come, the end is told behind the last of them.
            if !speak.is_open() {
                self.wire.tell(Signal::Sent);
            }
        } else if self.refusals > 1 {
            self.state = State::Speak(speak);
            return Next::HungUp(HangUp::LineFault);
        }
        let resume = (!is_connected).then_some(Resume::Speak(speak));
        self.state = State::Leave(Leave::overdue(&mut self.wire, resume));
        Next::Stay
    }

    pub(super) fn apply(&mut self, next: Next) {
        match next {
            Next::Stay => {}
            Next::Ready => self.ready(),
            Next::Connect(is_caller) => {
                self.state = State::Connecting { is_caller };
                connect::connect(&mut self.wire, &self.config, is_caller);
            }
            Next::Receive => {
                let mut listen = Listen::frames(self.wire.now);
                listen.connected(&mut self.wire);
                self.state = State::Listen(Box::new(listen));
            }
            Next::AskForFrames => self.begin(Command::ListenFrames),
            Next::Flags => {
                self.state = State::Flags;
                self.wire.wait(FLAGS_MAX);
            }
            Next::Doubt => self.doubt(),
            Next::Leave => self.leave(None),
            Next::LeaveAndResume => {
                let state = core::mem::replace(&mut self.state, State::Ready);
                let State::Listen(listen) = state else { return self.ready() };
                let leave =
                    Leave::new(&mut self.wire, From::AskedToReceive, false, Some(Resume::Listen(listen)));
                self.state = State::Leave(leave);
            }
            Next::Glare => {
                self.wire.tell(Signal::HungUp(HangUp::Glare));
                self.is_over = true;
                self.rest_on_hook(true);
            }
            Next::InVain => {
                self.end(HangUp::NotConnected);
                self.leave(None);
            }
            Next::HungUp(why) => self.hung_up(why),
        }
    }

    /// A command was refused. A silence is not, unless there is no call any more; and if there is, it was the command.
    fn doubt(&mut self) {
        self.refusals = self.refusals.saturating_add(1);
        if self.refusals > 1 {
            return match &self.state {
                State::Listen(listen) if !listen.hears_frames() => {
                    self.wire.tell(Signal::TrainingFailed);
                    self.ready();
                }
                // A modem that keeps no silence cannot be asked for one.
                _ if self.silence == SilenceBy::Timer => self.hung_up(HangUp::Remote),
                _ => self.hung_up(HangUp::LineFault),
            };
        }
        let resume = match core::mem::replace(&mut self.state, State::Ready) {
            State::Speak(speak) => Resume::Speak(speak),
            State::Listen(listen) => Resume::Listen(listen),
            _ => return self.ready(),
        };
        if self.silence == SilenceBy::Timer {
            return self.resume(resume);
        }
        self.state = State::Doubt(resume);
        self.wire.say(&words::silence(Duration::ZERO), SILENCE_SLACK);
    }

    /// The engine hears that the call is over, and nothing after that.
    fn end(&mut self, why: HangUp) {
        self.wire.tell(Signal::HungUp(why));
        self.is_over = true;
        self.wire.is_mute = true;
        self.pending = None;
        self.on_hook_for_sure = false;
    }

    /// The call is over, from the other side or for a fault.
    fn hung_up(&mut self, why: HangUp) {
        self.end(why);
        match &self.state {
            // It answers nothing: only DTR is left.
            State::Leave(_) => self.state = State::Hook(Hook::by_dtr(&mut self.wire)),
            State::Connecting { .. } if why == HangUp::Glare => self.leave(None),
            State::Speak(_) | State::Listen(_) if why == HangUp::LineFault => self.leave(None),
            _ => self.state = State::Hook(Hook::new(&mut self.wire)),
        }
    }
}
