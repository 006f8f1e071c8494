//! The line beneath the dialogue: plays commands one after the other, gathers what comes, and keeps the time of it.
//!
//! A half-duplex line does one thing at a time, so a step of T.30 is a script: silence, frames, training check, and at
//! its end one listening command. The states above see only whole things: a burst of frames, an image, or nothing.

use super::Output;
use super::frame::{Fcf, Frame};
use super::timers::{
    CARRIER_DROP_WAIT, FRAME_WAIT, IMAGE_STALL_MAX, PREAMBLE, RCP_WAIT, SEND_SLACK, T1, TCF, V21_BIT_RATE,
};
use crate::carrier::{Command, HangUp, ImageKind, Signal, Speed};
use crate::time::{Duration, Time};
use alloc::collections::VecDeque;
use alloc::vec::Vec;

/// Frames kept of one burst of V.21; a real one has six at most.
const BURST_FRAMES_MAX: usize = 16;
/// Image frames taken of one burst: a block of 256, RCP, and room for a sender that repeats. More is no image.
const IMAGE_FRAMES_MAX: usize = 600;
/// The longest burst of V.21: the flags and six frames last ten seconds at most. What goes on for longer is babble.
const BURST_TIME_MAX: Duration = Duration::from_secs(30);
/// The longest training check: 1.5 s, with room. What goes on for longer is no training check.
const TCF_TIME_MAX_SECS: usize = 6;
/// CED with the silences around it.
const CED_MAX: Duration = Duration::from_secs(6);

/// What the states hear of the line.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// A script without listening at its end is over.
    Done,
    /// At least one good frame came, and the carrier has gone.
    Burst(Vec<Frame>),
    /// V.21 came and went without a good frame. The line does nothing until it is told.
    Garbled {
        /// At least one frame came, with a bad FCS.
        damaged: bool,
    },
    /// An image carrier came and has gone.
    Image(Heard),
    /// While waiting for an image, something else came.
    Untrained,
    /// Nothing came in time.
    Timeout,
    /// The line does not do what it was told.
    Stuck,
    /// The call is over.
    HungUp(HangUp),
}

/// What an image carrier brought.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Heard {
    /// Bytes of a bit stream.
    pub data: Vec<u8>,
    /// Frames with a good FCS.
    pub frames: Vec<Vec<u8>>,
    /// More came than was allowed.
    pub overflow: bool,
}

#[derive(Debug)]
enum Doing {
    Nothing,
    Sending,
    Frames(Burst),
    Image { kind: ImageKind, up: bool, frames: usize, bytes_max: usize, heard: Heard },
}

/// A burst of V.21 that is coming in.
#[derive(Debug, Default)]
struct Burst {
    frames: Vec<Frame>,
    /// A frame with a bad FCS was among them.
    damaged: bool,
    /// When it is too long.
    ends: Option<Time>,
}

/// The line.
#[derive(Debug)]
pub(super) struct Link {
    script: VecDeque<Command>,
    /// How long the listening at the end of the script may take until something comes.
    wait: Duration,
    doing: Doing,
    /// When the present activity is to be looked at again.
    deadline: Option<Time>,
    /// Listening for frames ends here if nothing good has come.
    pub until: Time,
    /// Bytes taken of one image.
    pub image_bytes_max: usize,
    /// The far end is there.
    pub connected: bool,
    /// Some V.21 was heard in this call.
    pub heard_v21: bool,
    /// When V.21 was first heard in this script.
    pub v21_first: Option<Time>,
    /// When V.21 was heard last, and when before that.
    pub v21_last: Time,
    pub v21_before: Time,
}

impl Link {
    pub(super) fn new(image_bytes_max: usize) -> Self {
        Self {
            script: VecDeque::new(),
            wait: Duration::ZERO,
            doing: Doing::Nothing,
            deadline: None,
            until: Time::ZERO,
            image_bytes_max,
            connected: false,
            heard_v21: false,
            v21_first: None,
            v21_last: Time::ZERO,
            v21_before: Time::ZERO,
        }
    }

    pub(super) fn deadline(&self) -> Option<Time> {
        self.deadline
    }

    /// Begins a script; `wait` counts from the moment its listening command begins.
    pub(super) fn play(
        &mut self,
        now: Time,
        script: impl IntoIterator<Item = Command>,
        wait: Duration,
        out: &mut VecDeque<Output>,
    ) {
        self.script = script.into_iter().collect();
        self.wait = wait;
        self.v21_first = None;
        self.next(now, out);
    }

    /// Listens for frames once more, until the time that the script gave.
    pub(super) fn listen_again(&mut self, now: Time, out: &mut VecDeque<Output>) {
        self.doing = Doing::Frames(Burst::default());
        self.deadline = Some(self.until.max(now));
        if now < self.until {
            out.push_back(Output::Command(Command::ListenFrames));
        }
    }

    /// Does nothing more: the states wait for the driver.
    pub(super) fn rest(&mut self) {
        self.script.clear();
        self.doing = Doing::Nothing;
        self.deadline = None;
    }

    pub(super) fn signal(&mut self, now: Time, signal: Signal, out: &mut VecDeque<Output>) -> Option<Event> {
        match signal {
            Signal::HungUp(why) => {
                self.rest();
                Some(Event::HungUp(why))
            }
            Signal::Connected => {
                self.connect(now);
                None
            }
            Signal::Sent if matches!(self.doing, Doing::Sending) => self.next(now, out),
            Signal::Sent => None,
            Signal::CarrierUp => {
                self.carrier_up(now);
                None
            }
            Signal::TrainingFailed => self.training_failed(now, out),
            Signal::CarrierLost => self.carrier_lost(now),
            Signal::Frame { octets, fcs_ok } => self.frame(now, octets, fcs_ok),
            Signal::Data(bytes) => self.data(now, &bytes),
        }
    }

    pub(super) fn tick(&mut self, now: Time, out: &mut VecDeque<Output>) -> Option<Event> {
        if self.deadline.is_none_or(|deadline| now < deadline) {
            return None;
        }
        self.deadline = None;
        match &mut self.doing {
            Doing::Nothing => None,
            Doing::Sending => Some(Event::Stuck),
            Doing::Frames(burst) if !burst.frames.is_empty() => {
                Some(Event::Burst(core::mem::take(&mut burst.frames)))
            }
            Doing::Frames(_) if now < self.until => {
                self.listen_again(now, out);
                None
            }
            Doing::Image { up: true, heard, .. } => Some(Event::Image(core::mem::take(heard))),
            Doing::Frames(_) | Doing::Image { .. } => Some(Event::Timeout),
        }
    }

    fn next(&mut self, now: Time, out: &mut VecDeque<Output>) -> Option<Event> {
        let Some(command) = self.script.pop_front() else {
            self.rest();
            return Some(Event::Done);
        };
        self.doing = match &command {
            Command::Call | Command::ListenFrames => Doing::Frames(Burst::default()),
            Command::ListenTcf(speed) => {
                let bytes_max = speed.bit_rate() as usize / 8 * TCF_TIME_MAX_SECS;
                image_wait(ImageKind::Bits, bytes_max)
            }
            Command::ListenImage { kind, .. } => image_wait(*kind, self.image_bytes_max),
            _ => Doing::Sending,
        };
        self.until = now + self.wait;
        self.deadline = Some(match self.doing {
            Doing::Sending => now + sending_time(&command) + SEND_SLACK,
            _ => self.until,
        });
        out.push_back(Output::Command(command));
        None
    }

    /// From here T1 runs; a Class 1 modem says it with the first carrier.
    fn connect(&mut self, now: Time) {
        if !self.connected {
            self.connected = true;
            self.until = now + T1;
            if matches!(self.doing, Doing::Frames(_)) {
                self.deadline = Some(self.until);
            }
        }
    }

    fn carrier_up(&mut self, now: Time) {
        match &mut self.doing {
            Doing::Frames(burst) => {
                burst.ends = Some(now + BURST_TIME_MAX);
                self.connect(now);
                self.heard_v21 = true;
                self.v21_first.get_or_insert(now);
                self.v21_before = core::mem::replace(&mut self.v21_last, now);
                self.deadline = Some(now + FRAME_WAIT);
            }
            Doing::Image { up, .. } => {
                *up = true;
                self.deadline = Some(now + IMAGE_STALL_MAX);
            }
            Doing::Nothing | Doing::Sending => {}
        }
    }

    fn training_failed(&mut self, now: Time, out: &mut VecDeque<Output>) -> Option<Event> {
        match self.doing {
            Doing::Image { .. } => Some(Event::Untrained),
            Doing::Frames(_) => {
                self.listen_again(now, out);
                None
            }
            Doing::Nothing | Doing::Sending => None,
        }
    }

    fn carrier_lost(&mut self, now: Time) -> Option<Event> {
        match &mut self.doing {
            Doing::Frames(burst) if burst.frames.is_empty() => {
                self.deadline = Some(self.until.max(now));
                Some(Event::Garbled { damaged: burst.damaged })
            }
            Doing::Frames(burst) => {
                self.deadline = None;
                Some(Event::Burst(core::mem::take(&mut burst.frames)))
            }
            Doing::Image { up: true, heard, .. } => {
                self.deadline = None;
                Some(Event::Image(core::mem::take(heard)))
            }
            Doing::Image { .. } | Doing::Nothing | Doing::Sending => None,
        }
    }

    fn frame(&mut self, now: Time, octets: Vec<u8>, fcs_ok: bool) -> Option<Event> {
        match &mut self.doing {
            Doing::Frames(burst) => {
                let ends = burst.ends.unwrap_or(now + BURST_TIME_MAX);
                self.deadline = Some(ends.min(now + FRAME_WAIT));
                burst.damaged |= !fcs_ok;
                let frame = Some(octets).filter(|_| fcs_ok).and_then(|o| Frame::parse(&o));
                let frame = frame.filter(|f| !matches!(f.fcf, Fcf::Fcd | Fcf::Rcp))?;
                if frame.is_final {
                    self.deadline = Some(now + CARRIER_DROP_WAIT);
                }
                if burst.frames.len() < BURST_FRAMES_MAX {
                    burst.frames.push(frame);
                }
                None
            }
            Doing::Image { kind: ImageKind::Frames, up: true, frames, heard, .. } => {
                let is_end = fcs_ok && Frame::parse(&octets).is_some_and(|frame| frame.fcf == Fcf::Rcp);
                self.deadline = Some(now + if is_end { RCP_WAIT } else { IMAGE_STALL_MAX });
                if fcs_ok {
                    heard.frames.push(octets);
                }
                *frames += 1;
                if *frames < IMAGE_FRAMES_MAX {
                    return None;
                }
                Some(Event::Image(core::mem::take(heard)))
            }
            Doing::Image { .. } | Doing::Nothing | Doing::Sending => None,
        }
    }

    fn data(&mut self, now: Time, bytes: &[u8]) -> Option<Event> {
        let Doing::Image { kind: ImageKind::Bits, up: true, bytes_max, heard, .. } = &mut self.doing else {
            return None;
        };
        self.deadline = Some(now + IMAGE_STALL_MAX);
        if heard.data.len() + bytes.len() <= *bytes_max {
            heard.data.extend_from_slice(bytes);
            return None;
        }
        heard.overflow = true;
        Some(Event::Image(core::mem::take(heard)))
    }
}

fn image_wait(kind: ImageKind, bytes_max: usize) -> Doing {
    Doing::Image { kind, up: false, frames: 0, bytes_max, heard: Heard::default() }
}

/// How long a sending command should take, training and stuffing generously counted.
fn sending_time(command: &Command) -> Duration {
    const TRAINING: Duration = Duration::from_secs(3);
    match command {
        Command::Answer => CED_MAX,
        Command::SendFrames(frames) => PREAMBLE + v21_time(frames.iter().map(Vec::len).sum()),
        Command::SendTcf(_) => TRAINING + TCF,
        Command::SendImage { speed, image, .. } => TRAINING + image_time(*speed, image.len_bytes()),
        Command::Silence(duration) => *duration,
        _ => Duration::ZERO,
    }
}

fn image_time(speed: Speed, bytes: usize) -> Duration {
    // At most one stuffed bit in five.
    speed.time_for(bytes.saturating_add(bytes / 5))
}

fn v21_time(bytes: usize) -> Duration {
    const OVERHEAD_BYTES: usize = 64;
    let bits = u64::try_from(bytes.saturating_add(OVERHEAD_BYTES)).unwrap_or(u64::MAX).saturating_mul(10);
    Duration::from_secs(bits / V21_BIT_RATE)
}

#[cfg(test)]
mod tests {
    use super::super::timers::T4;
    use super::*;
    use alloc::vec;

    const MCF: [u8; 3] = [0xFF, 0x13, 0x8C];
    const LISTEN_BITS: Command = Command::ListenImage {
        speed: Speed::V29At9600,
        training: crate::carrier::Training::Long,
        kind: ImageKind::Bits,
    };

    fn at(millis: u64) -> Time {
        Time(millis * 1000)
    }

    fn listening() -> (Link, VecDeque<Output>) {
        let (mut link, mut out) = (Link::new(1000), VecDeque::new());
        link.connected = true;
        link.play(at(0), [Command::ListenFrames], T4, &mut out);
        (link, out)
    }

    fn frame(fcs_ok: bool) -> Signal {
        Signal::Frame { octets: MCF.to_vec(), fcs_ok }
    }

    #[test]
    fn a_script_is_played_and_its_listening_timed() {
        let (mut link, mut out) = (Link::new(1000), VecDeque::new());
        link.connected = true;
        let script = [Command::Silence(Duration::from_millis(75)), Command::ListenFrames];
        link.play(at(0), script, T4, &mut out);
        assert_eq!(out.len(), 1);
        assert_eq!(link.signal(at(75), Signal::Sent, &mut out), None);
        assert_eq!(out.len(), 2);
        assert_eq!(link.deadline(), Some(at(3525)));
        assert_eq!(link.tick(at(3524), &mut out), None);
        assert_eq!(link.tick(at(3525), &mut out), Some(Event::Timeout));
    }

    #[test]
    fn a_burst_is_given_whole_when_the_carrier_goes() {
        let (mut link, mut out) = listening();
        link.signal(at(10), Signal::CarrierUp, &mut out);
        assert_eq!(link.signal(at(1200), frame(true), &mut out), None);
        let event = link.signal(at(1250), Signal::CarrierLost, &mut out);
        assert_eq!(event, Some(Event::Burst(vec![Frame::new(Fcf::Mcf)])));
    }

    #[test]
    fn a_final_frame_counts_also_where_the_carrier_never_goes() {
        let (mut link, mut out) = listening();
        link.signal(at(10), Signal::CarrierUp, &mut out);
        link.signal(at(1200), frame(true), &mut out);
        assert_eq!(link.tick(at(2200), &mut out), Some(Event::Burst(vec![Frame::new(Fcf::Mcf)])));
    }

    #[test]
    fn damaged_frames_are_told_and_the_wait_may_go_on() {
        let (mut link, mut out) = listening();
        link.signal(at(10), Signal::CarrierUp, &mut out);
        link.signal(at(1200), frame(false), &mut out);
        assert_eq!(
            link.signal(at(1250), Signal::CarrierLost, &mut out),
            Some(Event::Garbled { damaged: true })
        );
        link.listen_again(at(1250), &mut out);
        assert_eq!(out.len(), 2, "listens again");
        assert_eq!(link.tick(at(3450), &mut out), Some(Event::Timeout));
    }

    #[test]
    fn an_image_is_bounded_and_a_stalled_one_ends() {
        let (mut link, mut out) = (Link::new(10), VecDeque::new());
        link.play(at(0), [Command::ListenTcf(Speed::V29At9600)], T4, &mut out);
        assert_eq!(link.signal(at(1), Signal::Data(vec![0; 4]), &mut out), None, "no carrier yet");
        link.signal(at(2), Signal::CarrierUp, &mut out);
        link.signal(at(3), Signal::Data(vec![0; 8]), &mut out);
        assert!(matches!(link.tick(at(10_003), &mut out), Some(Event::Image(heard)) if !heard.overflow));
        link.play(at(0), [LISTEN_BITS], T4, &mut out);
        link.signal(at(2), Signal::CarrierUp, &mut out);
        link.signal(at(3), Signal::Data(vec![0; 8]), &mut out);
        let event = link.signal(at(4), Signal::Data(vec![0; 8]), &mut out);
        assert!(matches!(event, Some(Event::Image(heard)) if heard.overflow && heard.data.len() == 8));
    }

    #[test]
    fn babble_ends() {
        let (mut link, mut out) = listening();
        let mut now = 10;
        link.signal(at(now), Signal::CarrierUp, &mut out);
        while link.deadline().is_some_and(|deadline| deadline > at(now + 1000)) {
            now += 1000;
            assert_eq!(link.signal(at(now), frame(false), &mut out), None);
        }
        assert!(now < 31_000, "{now}");
        assert_eq!(link.tick(at(now + 1000), &mut out), Some(Event::Timeout));

        let (mut link, mut out) = (Link::new(1000), VecDeque::new());
        let listen = Command::ListenImage {
            speed: Speed::V29At9600,
            training: crate::carrier::Training::Long,
            kind: ImageKind::Frames,
        };
        link.play(at(0), [listen], T4, &mut out);
        link.signal(at(1), Signal::CarrierUp, &mut out);
        let ended = (0..1000).any(|_| link.signal(at(2), frame(false), &mut out).is_some());
        assert!(ended, "more frames than any image has");

        link.play(at(0), [Command::ListenTcf(Speed::V29At9600)], T4, &mut out);
        link.signal(at(1), Signal::CarrierUp, &mut out);
        let ended = (0..10).find_map(|_| link.signal(at(2), Signal::Data(vec![0; 1200]), &mut out));
        assert!(
            matches!(ended, Some(Event::Image(heard)) if heard.overflow),
            "a training check that goes on"
        );
    }

    #[test]
    fn rcp_ends_an_image_also_where_the_carrier_never_goes() {
        let (mut link, mut out) = (Link::new(10), VecDeque::new());
        let listen = Command::ListenImage {
            speed: Speed::V29At9600,
            training: crate::carrier::Training::Long,
            kind: ImageKind::Frames,
        };
        link.play(at(0), [listen], T4, &mut out);
        link.signal(at(1), Signal::CarrierUp, &mut out);
        let octets = vec![0xFF, 0x03, 0x86];
        link.signal(at(500), Signal::Frame { octets, fcs_ok: true }, &mut out);
        assert!(matches!(link.tick(at(700), &mut out), Some(Event::Image(_))));
    }

    #[test]
    fn a_line_that_never_ends_sending_is_stuck() {
        let (mut link, mut out) = (Link::new(10), VecDeque::new());
        link.play(at(0), [Command::SendTcf(Speed::V29At9600)], T4, &mut out);
        let deadline = link.deadline();
        assert!(deadline.is_some_and(|t| t > at(30_000)));
        assert_eq!(link.tick(at(60_000), &mut out), Some(Event::Stuck));
    }
}
