//! What the program hears: frames (`+FRH=3`), training checks and images (`+FRM`), and silence (`+FRS`).
//!
//! A program takes the frames of one V.21 burst by one `+FRH=3` each, while the line goes on listening; what comes
//! between two commands is kept for the next.

use super::results::Code;
use super::watch::Expected;
use super::{Dce, Doing};
use crate::at::dle;
use crate::carrier::{Command, ImageKind, Speed, Training};
use crate::hdlc::{self, Encoder};
use crate::time::{Duration, Time};
use alloc::collections::VecDeque;
use alloc::vec::Vec;

/// Frames that are kept for a program that does not ask for them.
const FRAMES_MAX: usize = 16;
/// After the last frame of a burst its OK waits for the carrier to drop, but no longer than this.
const CARRIER_DROP_WAIT: Duration = Duration::from_secs(1);
/// Where something else than an image was heard: V.21 shows itself in this time, or it was none.
const ADAPT_WAIT: Duration = Duration::from_millis(500);
/// A modem needs a while to see that a carrier has gone. efax ends the reception by itself once it has seen RTC, and
/// loses the page where it hears NO CARRIER instead of its OK.
const CARRIER_TAIL: Duration = Duration::from_millis(120);
/// And it gives some bits that nobody sent. efax takes a page as complete only when something comes behind its RTC.
const TAIL: [u8; 16] = [0; 16];
/// A carrier that was lost longer ago than this is history: the next `+FRH` waits for a new one.
const LOST_KEPT: Duration = Duration::from_secs(1);
/// `+FRS` gives up where a carrier never ends.
const QUIET_WAIT_MAX: Duration = Duration::from_secs(60);
/// Flags before the first frame of an ECM image.
const IMAGE_FLAGS: usize = 16;
/// The bit of a control octet that says that no frame follows.
const FINAL: u8 = 0x10;
/// Bytes that mean nothing while a program listens: flow control of a terminal driver, and the end of a command line.
const MEANINGLESS: [u8; 3] = [dle::XON, dle::XOFF, b'\n'];

/// The line listens for V.21.
#[derive(Debug, Default)]
pub(super) struct Listening {
    up: bool,
    /// When the carrier went.
    lost: Option<Time>,
    /// Frames that the program has not asked for yet, and whether their FCS was right.
    frames: VecDeque<(Vec<u8>, bool)>,
}

impl Dce {
    /// `+FRH=3`: goes on with the burst that is coming in, or listens for a new one.
    pub(super) fn listen_frames(&mut self, now: Time) {
        let goes_on = self.listening.as_ref().is_some_and(|listening| {
            !listening.frames.is_empty() || listening.lost.is_none_or(|lost| now.since(lost) < LOST_KEPT)
        });
        if !goes_on {
            self.command(Command::ListenFrames);
        }
        self.doing = Doing::Frames { connected: false, given: false };
        self.deadline = None;
        self.give_frame(now);
    }

    /// `+FRM`.
    pub(super) fn listen_fast(&mut self, now: Time, (speed, training): (Speed, Training)) {
        let (command, kind) = match self.watch.expected() {
            Expected::Tcf => (Command::ListenTcf(speed), ImageKind::Bits),
            Expected::Image(kind) => (Command::ListenImage { speed, training, kind }, kind),
        };
        self.command(command);
        self.doing = Doing::Image { kind, connected: false, encoder: Encoder::new() };
        self.deadline = None;
        self.stir(now);
    }

    /// `+FRS`.
    pub(super) fn await_silence(&mut self, now: Time, time: Duration) {
        let wait = if self.hears() { QUIET_WAIT_MAX } else { time };
        self.wait(now, Doing::Quiet(time), wait);
    }

    /// Whether a V.21 carrier is there.
    pub(super) fn hears(&self) -> bool {
        self.listening.as_ref().is_some_and(|listening| listening.up && listening.lost.is_none())
    }

    /// The program says something while it should listen: it has given up, and gets OK.
    pub(super) fn interrupt(&mut self, now: Time, byte: u8) {
        if MEANINGLESS.contains(&byte) {
            return;
        }
        self.listening = None;
        self.end_data();
        self.rest.clear();
        self.finish(now, Code::Ok);
        // It may be the first of a command line; CAN is not.
        self.input.push_front(byte);
    }

    /// Ends the data that the program was told of by CONNECT.
    pub(super) fn end_data(&mut self) {
        let mut bytes = Vec::new();
        match &mut self.doing {
            Doing::Frames { connected: true, given: false } => bytes.extend(dle::END),
            Doing::Image { connected: true, encoder, .. } => {
                dle::put(&core::mem::take(encoder).finish(), &mut bytes);
                bytes.extend(dle::END);
            }
            _ => {}
        }
        self.write(&bytes);
    }

    pub(super) fn carrier_up(&mut self, now: Time) {
        if let Some(listening) = &mut self.listening {
            listening.up = true;
            listening.lost = None;
        }
        match &mut self.doing {
            Doing::Dialling(_) | Doing::Frames { .. } => {
                if matches!(self.doing, Doing::Dialling(_)) {
                    self.doing = Doing::Frames { connected: false, given: false };
                    self.deadline = None;
                }
                self.give_frame(now);
            }
            Doing::Adapting => {
                self.say(Code::FrhThree);
                self.doing = Doing::Frames { connected: false, given: false };
                self.deadline = None;
                self.give_frame(now);
            }
            Doing::Image { kind, connected, encoder } => {
                if *kind == ImageKind::Frames && !*connected {
                    encoder.flags(IMAGE_FLAGS);
                }
                let is_new = !core::mem::replace(connected, true);
                if is_new {
                    self.say(Code::Connect);
                }
            }
            _ => {}
        }
    }

    pub(super) fn carrier_lost(&mut self, now: Time) {
        if let Some(listening) = &mut self.listening {
            listening.lost = Some(now);
        }
        match self.doing {
            Doing::Frames { .. } => self.give_frame(now),
            Doing::Image { connected: true, kind: ImageKind::Bits, .. } => {
                if self.watch.expected() != Expected::Tcf {
                    self.give_data(&TAIL);
                }
                self.watch.tcf_is_over();
                self.deadline = Some(now + CARRIER_TAIL);
            }
            Doing::Image { .. } => {
                self.end_data();
                self.finish(now, Code::NoCarrier);
            }
            Doing::Quiet(time) => {
                self.listening = None;
                self.deadline = Some(now + time);
            }
            _ => {}
        }
    }

    pub(super) fn training_failed(&mut self, now: Time) {
        if !matches!(self.doing, Doing::Image { .. }) {
            return;
        }
        self.end_data();
        if self.registers.adaptive {
            self.command(Command::ListenFrames);
            self.wait(now, Doing::Adapting, ADAPT_WAIT);
        } else {
            self.finish(now, Code::FcError);
        }
    }

    pub(super) fn frame(&mut self, now: Time, octets: Vec<u8>, fcs_ok: bool) {
        if let Doing::Image { kind: ImageKind::Frames, connected: true, encoder } = &mut self.doing {
            // A damaged frame is missed by the program as a lost one is.
            if fcs_ok {
                encoder.frame(&octets);
            }
            let bytes = encoder.take();
            self.give_data(&bytes);
            return;
        }
        if fcs_ok {
            self.watch.frame(&octets);
        }
        let quiet = matches!(self.doing, Doing::Quiet(_));
        if let Some(listening) = &mut self.listening
            && listening.frames.len() < FRAMES_MAX
            && !quiet
        {
            listening.frames.push_back((octets, fcs_ok));
        }
        self.give_frame(now);
    }

    pub(super) fn data(&mut self, bytes: &[u8]) {
        if let Doing::Image { kind: ImageKind::Bits, connected: true, .. } = self.doing {
            self.give_data(bytes);
        }
    }

    fn give_data(&mut self, bytes: &[u8]) {
        let mut shielded = Vec::new();
        dle::put(bytes, &mut shielded);
        self.write(&shielded);
    }

    /// Gives the program that waits in `+FRH=3` what there is: CONNECT, a frame, or the end of the carrier.
    fn give_frame(&mut self, now: Time) {
        let Doing::Frames { connected, given } = &mut self.doing else { return };
        let Some(listening) = &mut self.listening else { return };
        let (is_up, is_lost) = (listening.up, listening.lost.is_some());
        if *given {
            if is_lost {
                self.finish(now, Code::Ok);
            }
            return;
        }
        let frame = listening.frames.pop_front();
        let connects = !*connected && (frame.is_some() || is_up && !is_lost);
        *connected |= connects;
        if connects {
            self.say(Code::Connect);
        }
        match frame {
            Some((octets, fcs_ok)) => self.give_octets(now, &octets, fcs_ok, is_lost),
            None if is_lost => {
                self.listening = None;
                self.end_data();
                self.finish(now, Code::NoCarrier);
            }
            None => {}
        }
    }

    /// Gives a frame with its FCS, and its result. After the last of a burst the result waits for the carrier to drop.
    fn give_octets(&mut self, now: Time, octets: &[u8], fcs_ok: bool, is_lost: bool) {
        let fcs = hdlc::fcs(octets).map(|octet| if fcs_ok { octet } else { !octet });
        let mut bytes = Vec::new();
        dle::put(octets, &mut bytes);
        dle::put(&fcs, &mut bytes);
        bytes.extend(dle::END);
        self.write(&bytes);
        let is_final = octets.get(1).is_some_and(|control| control & FINAL != 0);
        match (fcs_ok, is_final && !is_lost) {
            (true, true) => self.wait(now, Doing::Frames { connected: true, given: true }, CARRIER_DROP_WAIT),
            (true, false) => self.finish(now, Code::Ok),
            (false, _) => self.finish(now, Code::Error),
        }
    }
}
