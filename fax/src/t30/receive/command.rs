//! What a receiver does at each command of the sender (T.30 clause 5.3.6.1, figure 5-2b, Annex A.4).
//!
//! A command is new, or repeated because our reply was lost. With ECM the counters of PPS tell which. Without ECM it is
//! a repetition if it is the same command and no image carrier was heard between; and, where an image could have come, if
//! it comes within `REPEAT_WINDOW`: an end-of-page command whose image was missed must not be taken for a repetition, or a
//! page would be confirmed that never came. So a page may come twice where two commands in a row are lost.

use super::super::capability::FrameSize;
use super::super::common::main_frame;
use super::super::ecm::{BlockIn, MAP_OCTETS};
use super::super::frame::{Fcf, Frame, PartialPage, parse_end_of_retransmission};
use super::super::image::{self, Decoded};
use super::super::policy::Verdict;
use super::super::settings::Settings;
use super::super::timers::REPEAT_WINDOW;
use super::identify::{commanded, identify, polled};
use super::listen::Silence;
use super::{Cx, Keeping, Next, Reply, State};
use crate::carrier::{Modulation, Speed, Training};
use crate::session::{Outcome, Phase};
use crate::time::{Duration, Time};

/// Where V.21 is heard this long after something failed to train, that was an image: a command's own flags last a second.
const FLAGS_TIME_MAX: Duration = Duration::from_millis(1100);

/// An end-of-page command that has been answered for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Answered {
    ask: Ask,
    at: Time,
}

/// An end-of-page command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ask {
    /// MPS, EOM, EOP.
    Page(Fcf),
    /// PPS, with its counters (but not its count of frames, which differs between bursts).
    Partial {
        /// NULL, MPS, EOM, EOP.
        then: Fcf,
        /// Page counter.
        page: u8,
        /// Block counter.
        block: u8,
    },
}

impl Ask {
    /// What follows.
    pub(super) fn then(self) -> Fcf {
        match self {
            Self::Page(then) | Self::Partial { then, .. } => then,
        }
    }

    fn is_ecm(self) -> bool {
        matches!(self, Self::Partial { .. })
    }
}

/// Does what the burst says; `None` where it says nothing for us.
pub(super) fn command(cx: &mut Cx, burst: &[Frame]) -> Option<State> {
    cx.common.hear(burst);
    let frame = main_frame(burst)?;
    let state = match end_of_page(frame) {
        Some(ask) => end_of_page_command(cx, ask, frame),
        None => other_command(cx, burst, frame),
    };
    if state.is_some() {
        cx.repeats_asked = 0;
    }
    state
}

fn other_command(cx: &mut Cx, burst: &[Frame], frame: &Frame) -> Option<State> {
    match frame.fcf {
        Fcf::Dcs => commanded(cx, frame),
        Fcf::Ctc => continue_to_correct(cx, frame),
        Fcf::Eor => end_of_retransmission(cx, frame),
        // After an image, or a CRP of our own, there is nothing to be said again: it would confirm what has come since.
        Fcf::Rr | Fcf::Crp if cx.image_heard || cx.repeats_asked > 0 => None,
        Fcf::Rr | Fcf::Crp => cx.say_again(),
        // Who called and polls hears DIS, who was called DTC.
        Fcf::Dis if cx.poll.is_some() => Some(identify(cx)),
        Fcf::Dtc if cx.poll.is_none() => polled(cx, burst, frame),
        Fcf::Dcn => Some(disconnected(cx)),
        _ => None,
    }
}

/// The training of an image after a good training check.
pub(super) fn short_training(speed: Speed) -> Training {
    match speed.modulation() {
        Modulation::V17 => Training::Short,
        Modulation::V29 | Modulation::V27ter => Training::Long,
    }
}

/// Reads an end-of-page command. A wish for an operator is left aside: there is none.
pub(super) fn end_of_page(frame: &Frame) -> Option<Ask> {
    match frame.fcf {
        Fcf::Pps => {
            let pps = PartialPage::parse(&frame.fif)?;
            let then = without_operator(pps.then);
            let is_known = matches!(then, Fcf::Null | Fcf::Mps | Fcf::Eom | Fcf::Eop);
            is_known.then_some(Ask::Partial { then, page: pps.page, block: pps.block })
        }
        fcf => {
            let then = without_operator(fcf);
            matches!(then, Fcf::Mps | Fcf::Eom | Fcf::Eop).then_some(Ask::Page(then))
        }
    }
}

fn without_operator(fcf: Fcf) -> Fcf {
    match fcf {
        Fcf::PriMps => Fcf::Mps,
        Fcf::PriEom => Fcf::Eom,
        Fcf::PriEop => Fcf::Eop,
        other => other,
    }
}

fn disconnected(cx: &mut Cx) -> State {
    let outcome = match cx.is_finished {
        true => Outcome::Received,
        false => Outcome::Disconnected { phase: cx.common.phase },
    };
    cx.finish(outcome)
}

fn end_of_page_command(cx: &mut Cx, ask: Ask, frame: &Frame) -> Option<State> {
    let settings = cx.common.settings?;
    if settings.ecm.is_some() != ask.is_ecm() {
        return None;
    }
    cx.common.phase = Phase::PostMessage;
    if is_repeated(cx, ask) {
        return cx.say_again();
    }
    Some(match settings.ecm {
        None => whole_page(cx, ask, &settings),
        Some(size) => partial_page(cx, ask, frame, &settings, size),
    })
}

fn is_repeated(cx: &Cx, ask: Ask) -> bool {
    let Some(answered) = cx.answered.filter(|answered| answered.ask == ask) else {
        return false;
    };
    if ask.is_ecm() {
        return cx.block.is_empty();
    }
    if !cx.last.as_ref().is_some_and(|last| matches!(last.next, Next::Image(_))) {
        // No image comes without a new DCS, and a DCS makes this forgotten.
        return !cx.image_heard;
    }
    let link = &cx.common.link;
    let missed_image =
        cx.untrained_at.is_some_and(|at| link.v21_first.unwrap_or(cx.common.now).since(at) > FLAGS_TIME_MAX);
    // Repetitions that came damaged carry the window on.
    let last_sign = answered.at.max(link.v21_before);
    !cx.image_heard && !missed_image && cx.common.now.since(last_sign) <= REPEAT_WINDOW
}

/// The end of a page without ECM: its copy quality decides.
fn whole_page(cx: &mut Cx, ask: Ask, settings: &Settings) -> State {
    let decoded = cx.bits.take().and_then(|data| image::decode(&data, settings));
    let Some(decoded) = decoded else {
        return reject(cx, ask, Fcf::Rtn);
    };
    if decoded.too_long || cx.common.received >= cx.config.pages_max {
        return cx.leave(Outcome::TooLarge);
    }
    let policy = cx.config.copy;
    let reply = match policy.judge(decoded.quality, settings.resolution, cx.refusals) {
        Verdict::Good => Fcf::Mcf,
        Verdict::Readable => Fcf::Rtp,
        Verdict::Bad => return refuse(cx, ask),
    };
    if !decoded.ended && !cx.omits_rtc && cx.refusals < policy.refusals_max {
        // Without its RTC a page may be cut short. If the page comes again without one, that is the sender's way.
        cx.omits_rtc = true;
        return refuse(cx, ask);
    }
    Keeping::enter(cx, ask, reply, decoded)
}

fn refuse(cx: &mut Cx, ask: Ask) -> State {
    cx.refusals = cx.refusals.saturating_add(1);
    reject(cx, ask, Fcf::Rtn)
}

/// The end of a block: what is missing is asked for; the last block ends the page.
fn partial_page(cx: &mut Cx, ask: Ask, frame: &Frame, settings: &Settings, size: FrameSize) -> State {
    if let Some(pps) = PartialPage::parse(&frame.fif) {
        cx.block.take_count(pps.frames, size);
    }
    if let Some(map) = cx.block.missing() {
        return request(cx, map, settings);
    }
    cx.common.progress();
    let blocks_before = cx.blocks_data.len();
    cx.blocks_data.extend(cx.block.data());
    if cx.blocks_data.len() > cx.config.page_bytes_max {
        return cx.leave(Outcome::TooLarge);
    }
    if ask.then() == Fcf::Null {
        cx.block = BlockIn::default();
        cx.answered(ask);
        return cx.reply(Reply {
            frames: alloc::vec![Frame::new(Fcf::Mcf)],
            next: Next::Image(short_training(settings.speed)),
        });
    }
    let Some(decoded) = image::decode(&cx.blocks_data, settings) else {
        return reject(cx, ask, Fcf::Pin);
    };
    if decoded.too_long || cx.common.received >= cx.config.pages_max {
        return cx.leave(Outcome::TooLarge);
    }
    if !is_whole(cx, &decoded) && !core::mem::replace(&mut cx.doubted, true) {
        // A damaged frame may have passed its FCS: have the last block once more. What is no better then is the
        // sender's own.
        cx.blocks_data.truncate(blocks_before);
        cx.block.forget_frames();
        let Some(map) = cx.block.missing() else {
            return reject(cx, ask, Fcf::Pin);
        };
        return request(cx, map, settings);
    }
    cx.omits_rtc |= !decoded.ended && decoded.quality.rows_bad == 0;
    cx.drop_page();
    if decoded.page.rows() == 0 {
        // Every frame came and none of it is a row: the sender's coding is at fault.
        return reject(cx, ask, Fcf::Pin);
    }
    Keeping::enter(cx, ask, Fcf::Mcf, decoded)
}

fn is_whole(cx: &Cx, decoded: &Decoded) -> bool {
    decoded.quality.rows_bad == 0 && (decoded.ended || cx.omits_rtc)
}

fn request(cx: &mut Cx, map: [u8; MAP_OCTETS], settings: &Settings) -> State {
    cx.reply(Reply {
        frames: alloc::vec![Frame::with_fif(Fcf::Ppr, map.to_vec())],
        next: Next::Image(short_training(settings.speed)),
    })
}

fn reject(cx: &mut Cx, ask: Ask, verdict: Fcf) -> State {
    cx.answered(ask);
    cx.reply(Reply { frames: alloc::vec![Frame::new(verdict)], next: Next::Command(Silence::NoResponse) })
}

/// The sender goes on at another speed, without a training check.
fn continue_to_correct(cx: &mut Cx, frame: &Frame) -> Option<State> {
    let speed = Settings::parse(&frame.fif)?.speed;
    let settings = cx.common.settings.as_mut()?;
    settings.ecm?;
    settings.speed = speed;
    Some(cx.reply(Reply { frames: alloc::vec![Frame::new(Fcf::Ctr)], next: Next::Image(Training::Long) }))
}

/// The sender gives the block up. If more of the page follows (NULL), what came of the block stays, with its gap; else
/// the sender has given up the page, and what came of it is not handed out.
fn end_of_retransmission(cx: &mut Cx, frame: &Frame) -> Option<State> {
    let settings = cx.common.settings.filter(|settings| settings.ecm.is_some())?;
    let then = without_operator(parse_end_of_retransmission(&frame.fif)?);
    if then == Fcf::Null {
        cx.blocks_data.extend(core::mem::take(&mut cx.block).data());
        // Asking for the rest once more would not close the gap.
        cx.doubted = true;
    } else {
        cx.drop_page();
    }
    Some(cx.reply(Reply {
        frames: alloc::vec![Frame::new(Fcf::Err)],
        next: match then {
            Fcf::Eom => Next::Command(Silence::Identify),
            Fcf::Eop => Next::Command(Silence::NoResponse),
            _ => Next::Image(short_training(settings.speed)),
        },
    }))
}

impl Cx {
    /// Remembers that this command has had its reply.
    pub(super) fn answered(&mut self, ask: Ask) {
        self.answered = Some(Answered { ask, at: self.common.now });
    }
}
