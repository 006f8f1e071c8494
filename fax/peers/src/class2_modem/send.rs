//! The half of a call in which the program sends.

use super::call::{Call, Role};
use super::{CAN, DLE, ETX, Mode, Modem, Stage, XON};
use fax_proto::carrier::Command;
use fax_proto::page::{Page, PaperWidth, Resolution};
use fax_proto::session::PageCoding;
use fax_proto::t4::{self, BitOrder, Coding, DecodeOptions};
use fax_proto::t30::address::Address;
use fax_proto::t30::capability::Capability;
use fax_proto::t30::frame::{Digits, Fcf, Frame, StationId};
use fax_proto::t30::policy::{GivenUp, SendPolicy};
use fax_proto::t30::settings::Settings;
use fax_proto::t30::{Engine, Input, SenderConfig};

use super::params::Numbers;

/// More pages than any program sends in a call.
const PAGES: u32 = 10_000;

/// Where a sender is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// The far end's DIS is awaited.
    Calling,
    /// The program has had its OK; `+FDT` is awaited.
    Ready {
        /// The line trains before the page.
        trains: bool,
    },
    /// `+FDT` was given, and CFR is awaited.
    Training,
    /// The program sends its data.
    Data,
    /// The page goes out.
    Imaging,
    /// `+FET` is awaited.
    Punctuation,
    /// The far end's answer to this is awaited.
    Answer(u8),
    /// The last page is confirmed.
    Ending,
}

/// What the engine was told of the page after the one in hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    Unknown,
    Placeholder,
    Missing,
}

/// A sender.
#[derive(Debug)]
pub(super) struct Sending {
    state: State,
    page: u32,
    next: Next,
    remote: Capability,
    /// The last DCS.
    settings: Option<Settings>,
    /// Class 2.0: what the data ended with.
    ppm: Option<u8>,
    /// EOP and its confirmation.
    pub(super) is_confirmed: bool,
}

impl Sending {
    /// Keeps the DCS that goes out.
    pub(super) fn watch(&mut self, command: &Command) {
        let Command::SendFrames(frames) = command else { return };
        let dcs = frames.iter().filter_map(|octets| Frame::parse(octets)).find(|frame| frame.fcf == Fcf::Dcs);
        if let Some(settings) = dcs.and_then(|frame| Settings::parse(&frame.fif)) {
            self.settings = Some(settings);
        }
    }
}

/// The number of an answer to a page (`+FPTS`, `+FPS`).
fn status(fcf: Fcf) -> Option<u8> {
    [Fcf::Mcf, Fcf::Rtn, Fcf::Rtp, Fcf::Pin, Fcf::Pip]
        .iter()
        .position(|other| *other == fcf)
        .map(|at| at as u8 + 1)
}

fn placeholder(resolution: Resolution, width: PaperWidth) -> Page {
    Page::white(resolution.width(width), 10, resolution)
}

impl Modem {
    pub(super) fn begin_sending(&mut self) {
        let class = self.class.unwrap_or(super::Class::Two);
        let own = Capability {
            ecm: self.config.capability.ecm && !self.config.quirks.no_ecm,
            ..self.config.capability
        };
        let mut config = SenderConfig::new(StationId::new(&self.params.local_id).unwrap_or_default(), PAGES);
        config.allowed = self.params.session.restrict(&own, class);
        config.frame_size = self.params.session.frame_size(class);
        // The program says how often.
        config.policy = SendPolicy { sends_max: u8::MAX, given_up: GivenUp::EndCall };
        config.address = Address {
            subaddress: Digits::new(&self.params.subaddress).ok(),
            password: Digits::new(&self.params.password).ok(),
            is_required: false,
        };
        let sending = Sending {
            state: State::Calling,
            page: 0,
            next: Next::Unknown,
            remote: Capability::parse(&[]),
            settings: None,
            ppm: None,
            is_confirmed: false,
        };
        self.call = Some(Call::new(Engine::sender(config), Role::Sending(sending), self.now));
        self.pump();
        self.fails_at(Stage::Call);
    }

    fn sending(&mut self) -> Option<&mut Sending> {
        match self.call.as_mut().map(|call| &mut call.role) {
            Some(Role::Sending(sending)) => Some(sending),
            _ => None,
        }
    }

    fn enter(&mut self, state: State) {
        if let Some(sending) = self.sending() {
            sending.state = state;
        }
    }

    /// A frame of the far end has come.
    pub(super) fn sender_heard(&mut self, frame: &Frame) {
        let Some(sending) = self.sending() else { return };
        match (sending.state, frame.fcf) {
            (State::Calling, Fcf::Csi) => {
                let id = StationId::from_fif(&frame.fif);
                let name = if self.is_draft() { "+FCSI" } else { "+FCI" };
                if self.reports(2) {
                    self.say(&format!("{name}:\"{:>20}\"", id.as_str()));
                }
            }
            (State::Calling, Fcf::Dis) => {
                sending.remote = Capability::parse(&frame.fif);
                sending.state = State::Ready { trains: true };
                let remote = sending.remote;
                let class = self.class.unwrap_or(super::Class::Two);
                let name = if class.is_draft() { "+FDIS" } else { "+FIS" };
                if self.reports(0) {
                    self.say(&format!("{name}:{}", Numbers::of_capability(&remote, class).show(class)));
                }
                self.freeze();
                self.result("OK");
            }
            (State::Training, Fcf::Cfr) => {
                self.freeze();
                self.connect(true);
            }
            (State::Answer(ppm), fcf) => {
                if let Some(status) = status(fcf) {
                    self.answered(ppm, status);
                }
            }
            _ => {}
        }
    }

    /// Class 2 always reports; 2.0 what `+FNR` says.
    pub(super) fn reports(&self, which: usize) -> bool {
        self.is_draft() || self.params.reports[which]
    }

    /// `+FDT`: whether there is a call for it.
    pub(super) fn begin_page(&mut self) -> bool {
        if self.is_over_before() {
            return true;
        }
        let class = self.class.unwrap_or(super::Class::Two);
        let geometry = self.params.session.geometry(class);
        let Some(sending) = self.sending() else { return false };
        let State::Ready { trains } = sending.state else { return false };
        let page = sending.page;
        let is_fixed = sending.settings.filter(|_| !trains).map(|s| (s.resolution, s.width));
        let (resolution, width) = is_fixed.unwrap_or(geometry);
        sending.ppm = None;
        sending.state = if trains { State::Training } else { State::Data };
        if self.fails_at(Stage::Page) {
            return true;
        }
        self.tell(Input::Page(page, placeholder(resolution, width)));
        if trains {
            self.thaw();
        } else {
            self.connect(false);
        }
        true
    }

    fn connect(&mut self, is_new: bool) {
        self.enter(State::Data);
        let class = self.class.unwrap_or(super::Class::Two);
        if let Some(settings) = self.sending().and_then(|sending| sending.settings).filter(|_| is_new) {
            let numbers = Numbers::of_settings(&settings, class);
            if self.reports(1) {
                self.say(&format!(
                    "{}:{}",
                    if class.is_draft() { "+FDCS" } else { "+FCS" },
                    numbers.show(class)
                ));
            }
        }
        let xon = class.is_draft() && !self.config.quirks.no_xon;
        if xon && self.config.quirks.xon_first {
            self.bytes(vec![XON]);
        }
        self.result("CONNECT");
        if xon && !self.config.quirks.xon_first {
            self.bytes(vec![XON]);
        }
        self.data.clear();
        self.after_dle = false;
        self.mode = Mode::Data;
    }

    pub(super) fn data_byte(&mut self, byte: u8) {
        if !std::mem::take(&mut self.after_dle) {
            match byte {
                DLE => self.after_dle = true,
                _ => self.data.push(byte),
            }
            return;
        }
        match (byte, self.is_draft()) {
            (DLE, _) => self.data.push(DLE),
            (CAN, false) => self.abort(),
            (0x1A, false) => self.data.extend([DLE, DLE]),
            (ETX, true) => self.data_ends(None),
            (b',', false) => self.data_ends(Some(0)),
            (b';', false) => self.data_ends(Some(1)),
            (b'.', false) => self.data_ends(Some(2)),
            // What is not known is dropped.
            _ => {}
        }
    }

    fn data_ends(&mut self, ppm: Option<u8>) {
        self.mode = Mode::Busy;
        let data = std::mem::take(&mut self.data);
        let is_dropped = self.call.as_ref().is_none_or(Call::is_dropped);
        if self.fails_at(Stage::Data) {
            return;
        }
        let order = self.bit_order();
        let Some(sending) = self.sending() else { return self.result("ERROR") };
        sending.ppm = ppm;
        sending.state = State::Imaging;
        let index = sending.page;
        if let Some(settings) = sending.settings.filter(|_| !is_dropped) {
            let (page, bad) = decode(&data, &settings, order);
            self.bad_rows += bad;
            if let Some(page) = page {
                self.tell(Input::Page(index, page));
            }
        }
        self.thaw();
    }

    pub(super) fn bit_order(&self) -> BitOrder {
        if self.params.bit_order & 1 == 0 { BitOrder::LsbFirst } else { BitOrder::MsbFirst }
    }

    /// Something is sent and nothing follows it by itself: that was the page.
    pub(super) fn sender_is_through(&mut self) {
        let Some(sending) = self.sending() else { return };
        if sending.state != State::Imaging {
            return;
        }
        self.freeze();
        let ppm = self.sending().and_then(|sending| sending.ppm);
        match ppm {
            Some(ppm) => {
                self.enter(State::Punctuation);
                self.punctuate(ppm);
            }
            None => {
                self.enter(State::Punctuation);
                self.result("OK");
            }
        }
    }

    /// `+FET`, or its place in Class 2.0: whether it could be done.
    pub(super) fn punctuate(&mut self, ppm: u8) -> bool {
        if self.is_over_before() {
            return true;
        }
        let Some(sending) = self.sending() else { return false };
        if sending.state != State::Punctuation {
            return false;
        }
        let Some(settings) = sending.settings else { return false };
        let next_page = sending.page + 1;
        let other = match settings.resolution {
            Resolution::R204x98 => Resolution::R204x196,
            _ => Resolution::R204x98,
        };
        if self.is_silent_at(Stage::Answer) {
            return true;
        }
        match ppm {
            0 => self.tell(Input::Page(next_page, placeholder(settings.resolution, settings.width))),
            1 => self.tell(Input::Page(next_page, placeholder(other, settings.width))),
            _ => self.tell(Input::NoPage(next_page)),
        }
        if let Some(sending) = self.sending() {
            sending.next = if ppm == 2 { Next::Missing } else { Next::Placeholder };
            sending.state = State::Answer(ppm);
        }
        self.thaw();
        true
    }

    /// The far end has answered a page.
    fn answered(&mut self, ppm: u8, status: u8) {
        let is_positive = status % 2 == 1;
        self.params.page_status = status;
        if self.fails_at(Stage::Answer) {
            return;
        }
        let Some(sending) = self.sending() else { return };
        if is_positive && ppm == 2 {
            sending.is_confirmed = true;
            sending.state = State::Ending;
            return;
        }
        if is_positive {
            sending.page += 1;
            sending.next = Next::Unknown;
        }
        sending.state = State::Ready { trains: !(status == 1 && ppm == 0) };
        self.freeze();
        if !is_positive {
            self.take_back_next();
        }
        if self.is_draft() {
            self.say(&format!("+FPTS:{status}"));
        }
        self.result(if is_positive || self.is_draft() { "OK" } else { "ERROR" });
    }

    /// The page is sent again, and what follows it then may be something else.
    fn take_back_next(&mut self) {
        let Some(sending) = self.sending() else { return };
        let (next, page) = (sending.next, sending.page + 1);
        sending.next = Next::Unknown;
        let white = placeholder(Resolution::R204x98, PaperWidth::A4);
        if next == Next::Missing {
            self.tell(Input::Page(page, white));
        }
        self.tell(Input::NoPage(page));
    }
}

/// A page as the program has coded it, and the rows that could not be read.
fn decode(data: &[u8], settings: &Settings, order: BitOrder) -> (Option<Page>, u32) {
    let coding = match settings.coding {
        PageCoding::Mr => Coding::Mr,
        PageCoding::Mmr => Coding::Mmr,
        _ => Coding::Mh,
    };
    let options = DecodeOptions { bit_order: order, ..DecodeOptions::line(coding, settings.row_pixels()) };
    let decoded = t4::decode(data, &options);
    let bad = decoded.bad_rows + u32::from(matches!(decoded.end, t4::End::Damage(_)));
    (decoded.into_page(settings.resolution), bad)
}
