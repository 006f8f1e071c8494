//! The half of a session that sends: dialling, `+FDT`, data.
//!
//! What follows a page, its mark and the far end's answer are in [`close`].

mod close;

use super::super::class1::dialable;
use super::super::dle::{self, XON};
use super::super::profile::BitOrder as Order;
use super::super::reply::Reply;
use super::dialect::{Dialect, PageAnswer, Report as Line};
use super::leave::From;
use super::params::Params;
use super::wire::Wire;
use super::{Event, Exit, failed_call};
use crate::page::Page;
use crate::session::{Incompatibility, LocalFailure, Outcome, PageMark, Phase};
use crate::t4::{self, BitOrder, EncodeOptions};
use crate::t30::capability::Capability;
use crate::t30::negotiate::agree;
use crate::t30::settings::Settings;
use crate::t30::{Input, Output as Tell, SenderConfig};
use crate::time::Duration;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use close::Closure;

/// Beyond ringing: answering, CED, the far end's DIS three times over.
const IDENTIFY_MAX: Duration = Duration::from_secs(60);
/// The far end repeats its DIS for T1; the first page must be there well before.
const PAGE_WAIT: Duration = Duration::from_secs(15);
/// Training at every speed there is.
const TRAIN_MAX: Duration = Duration::from_secs(120);
/// XON comes at once, if it comes at all.
const XON_WAIT: Duration = Duration::from_secs(2);
/// Beyond the time that the data take: corrections of ECM, and a far end that is not ready for T5.
const DATA_SLACK: Duration = Duration::from_secs(120);
/// With ECM all may have to be sent several times.
const DATA_TIMES: u32 = 5;
/// A result code follows the end of a call at once.
const RESULT_WAIT: Duration = Duration::from_secs(3);

/// Where a sender is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Dialling,
    /// The far end is there, and the page in hand is awaited.
    Page,
    /// The modem is told how the next page goes.
    Setting,
    /// `+FDT`: the line trains, and `CONNECT` is awaited.
    Training,
    /// Class 2: XON is awaited.
    Xon,
    /// Class 2: the data go out.
    Data,
    /// What follows is awaited, or the driver's word on the mark.
    Closing,
    /// The far end's answer is awaited.
    Answer,
}

/// A sender.
#[derive(Debug)]
pub(super) struct Sending {
    config: SenderConfig,
    dial: String,
    /// Pages that the driver has handed in: the one in hand and the next.
    pages: Vec<(u32, Page)>,
    /// Every page before this one has been asked for.
    asked: u32,
    missing: Option<u32>,
    /// The page in hand.
    page: u32,
    step: Step,
    remote: Capability,
    /// What the modem was told last of the page's settings.
    told: Option<Settings>,
    /// The modem refused a speed, and chooses it by itself.
    is_speed_open: bool,
    /// How often the far end has rejected the page.
    rejections: u8,
    closure: Option<Closure>,
    answer: Option<PageAnswer>,
    /// How long the data take on the line.
    data_time: Duration,
}

impl Sending {
    pub(super) fn new(mut config: SenderConfig, dial: &str, wire: &mut Wire) -> Self {
        let allowed = config.memory.restrict(config.allowed, config.wall_time);
        config.allowed = Capability {
            speeds: allowed.speeds.and(wire.profile.speeds_send),
            ecm: allowed.ecm && wire.profile.ecm,
            jbig: false,
            ..allowed
        };
        (wire.memory, wire.wall_time) = (config.memory, config.wall_time);
        let first = config.first_page.min(config.pages);
        wire.marks = (0..config.pages)
            .map(|page| if page < first { PageMark::Confirmed } else { PageMark::NotSent })
            .collect();
        let mut sending = Self {
            dial: format!("{}{}", wire.profile.dial, dialable(dial)),
            pages: Vec::new(),
            asked: first,
            missing: None,
            page: first,
            step: Step::Dialling,
            // Where the modem does not say what the far end can do, it finds that out by itself.
            remote: config.allowed,
            told: None,
            is_speed_open: false,
            rejections: 0,
            closure: None,
            answer: None,
            data_time: Duration::ZERO,
            config,
        };
        sending.want(first, wire);
        sending
    }

    pub(super) fn is_nothing_left(&self) -> bool {
        self.page >= self.config.pages
    }

    /// Raw bytes are awaited, not lines.
    pub(super) fn is_in_data(&self) -> bool {
        self.step == Step::Xon
    }

    /// The commands of this call that go before dialling.
    pub(super) fn setup(&self, wire: &Wire) -> Vec<String> {
        let address = &self.config.address;
        let subaddress = address.subaddress.as_ref().map(Dialect::subaddress);
        let password = address.password.as_ref().map(Dialect::password);
        [wire.dialect.local_id(&self.config.local_id)]
            .into_iter()
            .chain(wire.dialect.capabilities(&self.config.allowed))
            .chain(subaddress)
            .chain(password)
            .collect()
    }

    pub(super) fn dial(&mut self, wire: &mut Wire) {
        let dial = self.dial.clone();
        wire.say(&dial, self.config.answer_wait + IDENTIFY_MAX);
    }

    /// Asks the driver for a page, once.
    fn want(&mut self, page: u32, wire: &mut Wire) {
        if page >= self.asked && page < self.config.pages {
            self.asked = page + 1;
            wire.tell(Tell::NeedPage(page));
        }
    }

    /// Takes a page that was asked for, and passes the input on.
    pub(super) fn take(&mut self, input: Input) -> Input {
        match input {
            Input::Page(index, page) => {
                if index < self.asked && index >= self.page && self.get(index).is_none() {
                    self.pages.push((index, page));
                }
                Input::NoPage(index)
            }
            Input::NoPage(index) => {
                if index < self.asked && self.get(index).is_none() {
                    self.missing = Some(index);
                }
                input
            }
            other => other,
        }
    }

    fn get(&self, page: u32) -> Option<&Page> {
        self.pages.iter().find(|(index, _)| *index == page).map(|(_, page)| page)
    }

    pub(super) fn on(&mut self, wire: &mut Wire, event: Event) -> Option<Exit> {
        if let Event::Line(line) = &event {
            if let Some(exit) = self.common_line(wire, line) {
                return Some(exit);
            }
            if matches!(line, Line::Over(_)) {
                wire.wait(RESULT_WAIT);
                return None;
            }
        }
        match (self.step, event) {
            (Step::Dialling, Event::Line(line)) => self.dialling(wire, &line),
            (Step::Dialling, Event::Timer) => Some(self.unanswered(wire)),
            (Step::Page, Event::Page) => self.prepare(wire),
            (Step::Page, Event::Timer) if wire.over.is_some() => Some(self.over(wire)),
            (Step::Page, Event::Timer) => exit(Outcome::Local(LocalFailure::PageMissing), From::Command),
            (Step::Setting, Event::Line(Line::Other(Reply::Error))) => self.refused(wire),
            (Step::Setting, Event::Line(Line::Other(reply))) if reply.is_final() => self.train(wire),
            (Step::Training, Event::Line(Line::Other(Reply::Connect | Reply::ConnectData))) => {
                self.connected(wire)
            }
            (Step::Training, Event::Line(Line::Other(reply))) if reply.is_final() => {
                exit(Outcome::Local(LocalFailure::Line), From::Command)
            }
            (Step::Xon, Event::Data) => self.xon(wire),
            (Step::Xon, Event::Timer) => self.send(wire),
            (Step::Data, Event::Line(Line::Other(reply))) if reply.is_final() => {
                wire.flow_while_sending(false);
                self.close(wire);
                None
            }
            (Step::Closing | Step::Answer, event) => self.closing(wire, event),
            (_, Event::Timer) => Some(self.too_long(wire)),
            _ => None,
        }
    }

    /// What a line means in any state once the far end was there: the call is over.
    fn common_line(&mut self, wire: &mut Wire, line: &Line) -> Option<Exit> {
        let Line::Other(reply) = line else { return None };
        if !reply.is_final() {
            return None;
        }
        let is_lost = matches!(reply, Reply::NoCarrier | Reply::NoAnswer | Reply::Busy | Reply::NoDialTone);
        match (self.step, wire.over) {
            // The answer to the page may stand before it.
            (Step::Answer, _) => None,
            (_, Some(_)) => Some(self.over(wire)),
            (Step::Dialling, None) => None,
            (_, None) if is_lost => Some(self.over(wire)),
            (_, None) => None,
        }
    }

    /// The call is over, by the modem's word.
    fn over(&mut self, wire: &mut Wire) -> Exit {
        self.unsay_mark(wire);
        let outcome = match wire.over {
            Some(code) => code.outcome(true, wire.phase),
            None => Outcome::HungUp { phase: wire.phase },
        };
        Exit { outcome, from: From::Over }
    }

    fn too_long(&mut self, wire: &mut Wire) -> Exit {
        if wire.over.is_some() {
            return self.over(wire);
        }
        self.unsay_mark(wire);
        let from = self.from(wire);
        let outcome = match self.step {
            Step::Training => Outcome::NoResponse { phase: Phase::Training },
            _ => Outcome::Local(LocalFailure::Line),
        };
        Exit { outcome, from }
    }

    /// Nobody, or no fax, in time. What a modem that says nothing has heard, nobody knows: it is told as in Class 1.
    fn unanswered(&mut self, wire: &mut Wire) -> Exit {
        if wire.over.is_some() {
            return self.over(wire);
        }
        let outcome = if wire.is_connected { Outcome::NoDis } else { Outcome::NotConnected };
        Exit { outcome, from: From::Busy }
    }

    fn dialling(&mut self, wire: &mut Wire, line: &Line) -> Option<Exit> {
        match line {
            Line::Connected => wire.connected(self.config.call_time_max),
            Line::Capability(params) => {
                wire.connected(self.config.call_time_max);
                self.remote = params.to_capability(wire.dialect.0);
                wire.has_v17 = self.remote.speeds.has_modulation(crate::carrier::Modulation::V17);
            }
            Line::Other(Reply::Ok) if wire.is_connected => return self.prepare(wire),
            Line::Other(Reply::Ok) => return exit(Outcome::NotConnected, From::Command),
            Line::Other(Reply::NoCarrier) if wire.is_connected => {
                return exit(Outcome::HungUp { phase: wire.phase }, From::Over);
            }
            Line::Other(reply) => {
                let from = if reply.is_final() { From::Over } else { From::Busy };
                return failed_call(reply).map(|outcome| Exit { outcome, from });
            }
            _ => {}
        }
        None
    }

    /// Once the page is there: tells the modem how it goes, where it does not know.
    fn prepare(&mut self, wire: &mut Wire) -> Option<Exit> {
        let Some(page) = self.get(self.page) else {
            if self.missing == Some(self.page) {
                return exit(Outcome::Local(LocalFailure::PageMissing), From::Command);
            }
            self.step = Step::Page;
            wire.wait(PAGE_WAIT);
            return None;
        };
        let settings = match agree(&self.config.allowed, self.config.frame_size, &self.remote, page) {
            Ok(settings) => settings,
            Err(why) => return exit(Outcome::Incompatible(why), From::Command),
        };
        if self.told == Some(settings) {
            return self.train(wire);
        }
        self.told = Some(settings);
        self.step = Step::Setting;
        let params = Params::of_settings(&settings, wire.dialect.0);
        wire.say(&wire.dialect.settings(params), wire.profile.command_wait);
        None
    }

    /// The modem refuses the settings: one without error correction, or without our fastest speed. What it refuses then as
    /// well it settles by itself.
    fn refused(&mut self, wire: &mut Wire) -> Option<Exit> {
        if self.config.allowed.ecm {
            self.config.allowed = Capability { ecm: false, mmr: false, ..self.config.allowed };
            return self.prepare(wire);
        }
        let Some(settings) = self.told.filter(|_| !core::mem::replace(&mut self.is_speed_open, true)) else {
            return self.train(wire);
        };
        let params = Params::of_settings(&settings, wire.dialect.0);
        wire.say(&wire.dialect.settings_at_any_speed(params), wire.profile.command_wait);
        None
    }

    fn train(&mut self, wire: &mut Wire) -> Option<Exit> {
        self.step = Step::Training;
        wire.phase = Phase::Training;
        wire.say("AT+FDT", TRAIN_MAX);
        None
    }

    fn connected(&mut self, wire: &mut Wire) -> Option<Exit> {
        if wire.settings.is_none() {
            // A modem that does not report them has taken ours.
            wire.settings = self.told;
        }
        if !wire.dialect.is_draft() {
            return self.send(wire);
        }
        self.step = Step::Xon;
        wire.wait(XON_WAIT);
        None
    }

    /// What comes while XON is awaited. What is no XON may be a line, for later.
    fn xon(&mut self, wire: &mut Wire) -> Option<Exit> {
        let mut bytes = Vec::new();
        let _end = wire.reader.data(&mut bytes);
        match bytes.iter().position(|byte| *byte == XON) {
            Some(at) => {
                wire.reader.push(bytes.get(at + 1..).unwrap_or_default());
                self.send(wire)
            }
            None => {
                wire.reader.push(&bytes);
                None
            }
        }
    }

    /// Codes the page as was agreed on, and writes it.
    fn send(&mut self, wire: &mut Wire) -> Option<Exit> {
        wire.phase = Phase::Image;
        let Some((page, settings)) = self.get(self.page).zip(wire.settings) else {
            return exit(Outcome::Local(LocalFailure::PageMissing), From::Sending);
        };
        let Some(coding) = settings.coding.t4() else {
            return exit(Outcome::Local(LocalFailure::Line), From::Sending);
        };
        if settings.row_pixels() != page.width() {
            return exit(Outcome::Incompatible(Incompatibility::Width), From::Sending);
        }
        // 204×196 and 200×200 are held equal.
        if settings.resolution.y_dpi().abs_diff(page.resolution().y_dpi()) > 4 {
            return exit(Outcome::Incompatible(Incompatibility::Resolution), From::Sending);
        }
        let row_bits_min = match settings.ecm {
            Some(_) => 0,
            None => (settings.speed.bit_rate() * u32::from(settings.scan_time_ms)).div_ceil(1000),
        };
        let bit_order = match wire.profile.bit_order_send {
            Order::LeastFirst => BitOrder::LsbFirst,
            Order::MostFirst => BitOrder::MsbFirst,
        };
        let line = EncodeOptions::line(coding, settings.resolution);
        let data = t4::encode(page, &EncodeOptions { row_bits_min, bit_order, ..line });
        self.data_time = settings.speed.time_for(data.len());
        let mut stream = Vec::new();
        dle::put(&data, &mut stream);
        wire.flow_while_sending(true);
        self.want(self.page + 1, wire);
        if wire.dialect.is_draft() {
            stream.extend_from_slice(&dle::END);
            wire.write(stream);
            self.step = Step::Data;
            wire.wait(self.data_max());
        } else {
            wire.write(stream);
            self.close(wire);
        }
        None
    }

    /// How long the modem may be busy with the data.
    fn data_max(&self) -> Duration {
        self.data_time * DATA_TIMES + DATA_SLACK
    }

    /// What the modem is doing.
    fn from(&self, wire: &Wire) -> From {
        match self.step {
            Step::Dialling | Step::Setting | Step::Training | Step::Answer => From::Busy,
            Step::Page => From::Command,
            Step::Closing if wire.dialect.is_draft() => From::Command,
            Step::Xon | Step::Data | Step::Closing => From::Sending,
        }
    }

    /// The call is to be ended now.
    pub(super) fn stop(&mut self, wire: &mut Wire) -> From {
        self.unsay_mark(wire);
        self.from(wire)
    }
}

fn exit(outcome: Outcome, from: From) -> Option<Exit> {
    Some(Exit { outcome, from })
}
