//! The half of a call in which the program receives.

use super::call::{Call, Role};
use super::params::Numbers;
use super::{Class, DLE, ETX, Mode, Modem, Stage};
use fax_proto::carrier::Command;
use fax_proto::session::{PageCoding, ReceivedPage};
use fax_proto::t4::{self, Coding, EncodeOptions};
use fax_proto::t30::capability::Capability;
use fax_proto::t30::frame::{Fcf, Frame, PartialPage, Side, StationId};
use fax_proto::t30::policy::{CopyLimits, CopyPolicy};
use fax_proto::t30::settings::Settings;
use fax_proto::t30::{Engine, Input, ReceiverConfig};

/// Where a receiver is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// A good training is awaited.
    Answering,
    /// CFR waits for `+FDR`.
    Ready,
    /// A page is awaited.
    Page,
    /// A page is on its way to the program.
    Giving,
    /// The answer to the page waits for `+FDR`.
    Given,
}

/// A receiver.
#[derive(Debug)]
pub(super) struct Receiving {
    state: State,
    settings: Option<Settings>,
    /// The command after the last page: 0 MPS, 1 EOM, 2 EOP.
    ppm: u8,
    /// Rows good and bad, and the longest run of bad ones, of the page that was given.
    counts: (u32, u32, u32),
    /// What is said in the place of the engine's MCF or RTP.
    status: Option<u8>,
}

/// Octets after RTC.
const TAIL_OCTETS: usize = 4;
const STATUSES: [Fcf; 5] = [Fcf::Mcf, Fcf::Rtn, Fcf::Rtp, Fcf::Pin, Fcf::Pip];

impl Receiving {
    /// Puts the program's answer to a page in the place of the engine's.
    pub(super) fn rewrite(&mut self, command: Command) -> Option<Command> {
        let Command::SendFrames(frames) = &command else { return Some(command) };
        let is_verdict =
            |octets: &Vec<u8>| Frame::parse(octets).is_some_and(|f| matches!(f.fcf, Fcf::Mcf | Fcf::Rtp));
        match self.status.filter(|_| frames.iter().any(is_verdict)) {
            Some(status) => {
                self.status = None;
                let fcf = STATUSES[usize::from(status - 1) % 5];
                Some(Command::SendFrames(vec![Frame::new(fcf).to_octets(Side::Answerer)]))
            }
            None => Some(command),
        }
    }

    /// Whether this waits for `+FDR`.
    pub(super) fn holds(&self, command: &Command) -> bool {
        let Command::SendFrames(frames) = command else { return false };
        let is_cfr = |octets: &Vec<u8>| Frame::parse(octets).is_some_and(|f| f.fcf == Fcf::Cfr);
        self.state == State::Answering && frames.iter().any(is_cfr)
    }
}

impl Modem {
    pub(super) fn begin_receiving(&mut self) {
        let class = self.class.unwrap_or(Class::Two);
        let own = Capability {
            ecm: self.config.capability.ecm && !self.config.quirks.no_ecm,
            ..self.config.capability
        };
        let mut config = ReceiverConfig::new(StationId::new(&self.params.local_id).unwrap_or_default());
        // T.32: what of subaddress, polling address and password is offered stands in +FAP.
        let asked = self.params.kept.get("+FAP").cloned().unwrap_or_default();
        let asked: Vec<bool> = asked.split(',').map(|flag| flag == "1").collect();
        let offers = |at: usize| class.is_draft() || asked.get(at) == Some(&true);
        config.capability = Capability {
            can_receive: self.params.is_receiver,
            subaddress: own.subaddress && offers(0),
            password: own.password && offers(2),
            ..self.params.capability.restrict(&own, class)
        };
        // The program judges; what has not one good row never comes to it.
        let all = CopyLimits { bad_rows_percent_max: 100, bad_run_rows_max: u16::MAX };
        config.copy = CopyPolicy { readable: all, refusals_max: 0, ..CopyPolicy::default() };
        let receiving =
            Receiving { state: State::Answering, settings: None, ppm: 0, counts: (0, 0, 0), status: None };
        self.call = Some(Call::new(Engine::receiver(config), Role::Receiving(receiving), self.now));
        self.pump();
        self.fails_at(Stage::Call);
    }

    fn receiving(&mut self) -> Option<&mut Receiving> {
        match self.call.as_mut().map(|call| &mut call.role) {
            Some(Role::Receiving(receiving)) => Some(receiving),
            _ => None,
        }
    }

    /// A frame of the far end has come.
    pub(super) fn receiver_heard(&mut self, frame: &Frame) {
        let is_draft = self.is_draft();
        let text = StationId::from_fif(&frame.fif);
        match frame.fcf {
            Fcf::Tsi if self.reports(2) => {
                self.say(&format!("{}:\"{:>20}\"", if is_draft { "+FTSI" } else { "+FTI" }, text.as_str()));
            }
            Fcf::Sub if !self.config.quirks.no_address => self.say(&format!("+FSA:\"{text}\"")),
            Fcf::Sid if !self.config.quirks.no_address => self.say(&format!("+FPW:\"{text}\"")),
            Fcf::Dcs => {
                let Some(settings) = Settings::parse(&frame.fif) else { return };
                let class = self.class.unwrap_or(Class::Two);
                let numbers = Numbers::of_settings(&settings, class);
                let name = if is_draft { "+FDCS" } else { "+FCS" };
                let mut is_new = true;
                if let Some(receiving) = self.receiving() {
                    is_new = receiving.settings.replace(settings) != Some(settings);
                }
                self.params.session = numbers;
                if self.reports(1) && is_new {
                    self.say(&format!("{name}:{}", numbers.show(class)));
                }
            }
            fcf => {
                let then = match fcf {
                    Fcf::Pps => PartialPage::parse(&frame.fif).map(|part| part.then),
                    other => Some(other),
                };
                let ppm = match then {
                    Some(Fcf::Mps | Fcf::PriMps) => 0,
                    Some(Fcf::Eom | Fcf::PriEom) => 1,
                    Some(Fcf::Eop | Fcf::PriEop) => 2,
                    _ => return,
                };
                if let Some(receiving) = self.receiving() {
                    receiving.ppm = ppm;
                }
            }
        }
    }

    /// CFR is ready to go.
    pub(super) fn receiver_trained(&mut self) {
        if let Some(receiving) = self.receiving() {
            receiving.state = State::Ready;
        }
        self.result("OK");
    }

    /// `+FDR`: whether there is a call for it.
    pub(super) fn receive_page(&mut self) -> bool {
        if self.is_over_before() {
            return true;
        }
        let status = self.params.page_status;
        let Some(receiving) = self.receiving() else { return false };
        let was = receiving.state;
        match was {
            State::Ready => {}
            State::Given => receiving.status = Some(status),
            _ => return false,
        }
        receiving.state = State::Page;
        if self.fails_at(Stage::Page) {
            return true;
        }
        self.thaw();
        if was == State::Given {
            self.tell(Input::PageKept(true));
        } else if self.is_draft() {
            self.say("+FCFR");
        }
        true
    }

    /// The engine has a page: it goes to the program.
    pub(super) fn page_received(&mut self, received: ReceivedPage) {
        self.freeze();
        if self.fails_at(Stage::Data) {
            return;
        }
        let order = self.bit_order();
        let (aligned, is_draft, quirks) = (self.params.aligned, self.is_draft(), self.config.quirks.clone());
        let Some(receiving) = self.receiving() else { return };
        let coding = match receiving.settings.map(|settings| settings.coding) {
            Some(PageCoding::Mr) => Coding::Mr,
            Some(PageCoding::Mmr) => Coding::Mmr,
            _ => Coding::Mh,
        };
        let quality = received.quality;
        receiving.counts = (quality.rows_good + quality.rows_bad, quality.rows_bad, quality.bad_run_rows_max);
        receiving.state = State::Giving;
        let line = EncodeOptions::line(coding, received.page.resolution());
        let options =
            EncodeOptions { bit_order: order, eol_aligned: aligned && coding != Coding::Mmr, ..line };
        let mut data = t4::encode(&received.page, &options);
        // A carrier outlasts RTC by some bits, and efax counts on them.
        data.extend([0; TAIL_OCTETS]);
        if quirks.reversed_on_receive {
            t4::reverse_bits(&mut data);
        }
        let length = data.len();
        for at in 0..quirks.damage {
            data[(at * 7919 + length / 3) % length] ^= 0x55;
        }
        self.page = stuffed(&data, !is_draft);
        self.result("CONNECT");
        self.mode = Mode::Start;
        if quirks.eager {
            let page = std::mem::take(&mut self.page);
            self.bytes(page);
            self.page_given();
        }
    }

    /// The data are with the program: what they were is said.
    pub(super) fn page_given(&mut self) {
        self.mode = Mode::Busy;
        if self.fails_at(Stage::Answer) {
            return;
        }
        let status = self.config.quirks.page_status;
        let is_draft = self.is_draft();
        let Some(receiving) = self.receiving() else { return };
        receiving.state = State::Given;
        let (rows, bad, run) = receiving.counts;
        let ppm = receiving.ppm;
        let status = status.unwrap_or(if bad * 10 > rows { 2 } else { 1 });
        self.params.page_status = status;
        self.say(&format!("{}:{status},{rows},{bad},{run}", if is_draft { "+FPTS" } else { "+FPS" }));
        self.say(&format!("+FET:{ppm}"));
        self.result("OK");
    }
}

/// Data for the program, with their end. T.32 has a short way to write two DLEs.
fn stuffed(data: &[u8], has_sub: bool) -> Vec<u8> {
    let mut out = Vec::with_capacity(data.len() + data.len() / 64 + 2);
    let mut rest = data;
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        match (*byte, rest.first()) {
            (DLE, Some(&DLE)) if has_sub => {
                out.extend([DLE, 0x1A]);
                rest = &rest[1..];
            }
            (DLE, _) => out.extend([DLE, DLE]),
            (byte, _) => out.push(byte),
        }
    }
    out.extend([DLE, ETX]);
    out
}
