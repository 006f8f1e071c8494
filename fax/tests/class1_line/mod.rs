//! Our engine over our Class 1 carrier over spandsp's soft modem, at the end of a telephone line; on a virtual clock.

mod ourselves;
mod spandsp;

pub(crate) use ourselves::with_ourselves;
pub(crate) use spandsp::{on_one_modem, with_spandsp};

use super::far_end::{Case, Seat};
use fax_peers::audio::{BLOCK_MS, Config, Line};
use fax_peers::t31::{Failure, Hook, Modem};
use fax_proto::at::Output;
use fax_proto::at::class1::{Carrier, CarrierConfig};
use fax_proto::at::dialog::Dialog;
use fax_proto::at::profile::Profile;
use fax_proto::carrier::{Command, Image, Piece};
use fax_proto::page::Page;
use fax_proto::session::Report;
use fax_proto::time::{Duration, Time};
use std::collections::VecDeque;
use std::fmt::Write as _;

pub(crate) const BLOCK: Duration = Duration::from_millis(BLOCK_MS);
/// From dialling to the first ring.
const RINGS_AFTER: Duration = Duration::from_secs(2);
/// How long the network takes to tell one end that the other has hung up.
const CLEARING: Duration = Duration::from_millis(400);
/// What a program writes of an image at a time.
const PIECE_TIME: Duration = Duration::from_millis(500);
/// How far it is ahead of the line.
const AHEAD: Duration = Duration::from_secs(2);
/// What a port takes in 20 ms at 115,200 bit/s.
const PORT_BYTES: usize = 230;

/// A station of ours.
pub(crate) struct Station {
    seat: Option<Seat>,
    pub(crate) carrier: Carrier,
    pub(crate) modem: Modem,
    /// Written, and not yet taken by the port.
    held: VecDeque<u8>,
    /// Said by the modem, and not yet read by the driver, which comes so late.
    unread: VecDeque<(Time, Vec<u8>)>,
    lag: Duration,
    /// Images go out piece by piece; the pieces that are still to come.
    pieces: Option<VecDeque<(Time, Piece)>>,
    pub(crate) log: String,
    /// When the driver's part of the call was over.
    pub(crate) done: Option<Time>,
}

impl Station {
    /// A modem that is ready for a call.
    pub(crate) fn new(network: &Network) -> Self {
        let mut modem = Modem::new();
        initialize(&mut modem, &network.profile);
        Self::with(modem, network)
    }

    fn with(modem: Modem, network: &Network) -> Self {
        let (profile, lag) = (network.profile.clone(), network.driver_lag);
        let carrier =
            Carrier::new(CarrierConfig { profile, dial: "5550123".into(), ..CarrierConfig::default() });
        Self {
            seat: None,
            carrier,
            modem,
            held: VecDeque::new(),
            unread: VecDeque::new(),
            lag,
            pieces: network.in_pieces.then(VecDeque::new),
            log: String::new(),
            done: None,
        }
    }

    pub(crate) fn begin(&mut self, now: Time, seat: Seat) {
        self.seat = Some(seat);
        self.pump(now);
    }

    /// The user gives up.
    fn cancel(&mut self, now: Time) {
        if let Some(seat) = &mut self.seat {
            seat.cancel(now);
        }
        self.pump(now);
    }

    /// Does all there is to do at this time.
    pub(crate) fn pump(&mut self, now: Time) {
        loop {
            let said = self.modem.read();
            let mut is_idle = said.is_empty();
            if !is_idle {
                self.unread.push_back((now + self.lag, said));
            }
            while let Some((_, said)) = self.unread.pop_front_if(|(at, _)| *at <= now) {
                is_idle = false;
                self.note(now, '<', &said);
                self.carrier.received(now, &said);
            }
            if self.carrier.deadline().is_some_and(|deadline| deadline <= now) {
                self.carrier.tick(now);
            }
            if let Some(seat) = &mut self.seat {
                seat.tick(now);
                for command in seat.commands(now) {
                    match (&mut self.pieces, command) {
                        (Some(pieces), Command::SendImage { speed, training, image }) => {
                            let begin = Piece::Begin { speed, training, kind: image.kind() };
                            pieces.push_back((now, begin));
                            let pace = PIECE_TIME.mul_f64(0.8);
                            let ats = (0..).map(|n| now + (pace * n).saturating_sub(AHEAD));
                            let (parts, end) = (parts(image, speed.bit_rate()), Piece::End);
                            let parts = parts.into_iter().map(Piece::More).chain([end]);
                            pieces.extend(ats.zip(parts));
                        }
                        (_, command) => self.carrier.command(now, command),
                    }
                }
                let mut pieces = self.pieces.as_mut();
                while let Some((_, piece)) =
                    pieces.as_deref_mut().and_then(|p| p.pop_front_if(|(at, _)| *at <= now))
                {
                    self.carrier.piece(now, piece);
                }
            }
            while let Some(output) = self.carrier.poll() {
                is_idle = false;
                self.output(now, output);
            }
            self.feed();
            if is_idle {
                break;
            }
        }
        let is_over = self.seat.as_ref().is_some_and(Seat::is_over) && self.carrier.is_idle();
        if is_over {
            self.done.get_or_insert(now);
        }
    }

    fn output(&mut self, now: Time, output: Output<fax_proto::carrier::Signal>) {
        match output {
            Output::Write(bytes) => {
                self.note(now, '>', &bytes);
                self.held.extend(bytes);
            }
            Output::Discard => self.held.clear(),
            Output::Flow(_) => {}
            Output::Dtr(false) => self.modem.dtr_off(),
            Output::Dtr(true) => {}
            Output::Tell(signal) => {
                if let Some(seat) = &mut self.seat {
                    seat.signal(now, signal);
                }
            }
        }
    }

    /// Once in a block.
    fn port(&mut self) {
        if self.modem.is_ready() && self.held.len() > PORT_BYTES {
            let taken: Vec<u8> = self.held.drain(..PORT_BYTES).collect();
            self.modem.write(&taken);
        }
    }

    /// What is short goes out at once.
    fn feed(&mut self) {
        if self.modem.is_ready() && self.held.len() <= PORT_BYTES {
            let taken: Vec<u8> = self.held.drain(..).collect();
            self.modem.write(&taken);
        }
    }

    fn note(&mut self, now: Time, way: char, bytes: &[u8]) {
        let text = bytes.iter().take(40).fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{}", byte.escape_ascii());
            text
        });
        let _ = writeln!(self.log, "{now} {way} {} {text}", bytes.len());
    }
}

/// An image in parts that take as long on the line as it takes a program to write them, and a little more.
fn parts(image: Image, bit_rate: u32) -> Vec<Image> {
    let octets = (PIECE_TIME.as_secs_f64() * f64::from(bit_rate) / 8.0) as usize;
    match image {
        Image::Bits(data) => data.chunks(octets).map(|part| Image::Bits(part.to_vec())).collect(),
        Image::Frames(frames) => {
            let count = (octets / 270).max(1);
            frames.chunks(count).map(|part| Image::Frames(part.to_vec())).collect()
        }
    }
}

/// The dialog of a profile with a modem.
pub(crate) fn initialize(modem: &mut Modem, profile: &Profile) {
    let mut dialog = Dialog::new(profile.start());
    dialog.start(Time::ZERO);
    loop {
        match dialog.poll() {
            Some(Output::Write(bytes)) => {
                modem.write(&bytes);
                dialog.received(Time::ZERO, &modem.read());
            }
            Some(Output::Tell(result)) => break drop(result.expect("the modem is ready")),
            other => panic!("{other:?}"),
        }
    }
}

/// What came of a call.
pub(crate) struct Ended {
    pub(crate) report: Report,
    /// What the other end holds of it.
    pub(crate) theirs: Theirs,
    pub(crate) received: Vec<Page>,
    pub(crate) ended: Time,
    /// When our modem was on hook again.
    pub(crate) on_hook: Time,
    pub(crate) trace: String,
}

#[derive(Debug)]
pub(crate) enum Theirs {
    Ours(Box<Report>),
    Spandsp(Option<i32>),
    /// It never rang there.
    Nobody,
}

impl Ended {
    /// What is wrong, unless the call went on the terms of the case, both ends hold it for good and the pages are the same.
    pub(crate) fn fault(&self, case: &Case) -> Option<String> {
        let (ours, asked) = (self.report.negotiated, (case.speed, case.ecm, case.coding));
        if ours.is_some_and(|o| (o.speed, o.ecm_frame_octets.is_some(), o.coding) != asked) {
            return Some(format!("other terms than asked for: {ours:?}"));
        }
        self.fault_whatever_terms(&case.document())
    }

    /// The same on a line that may make a station change the terms.
    pub(crate) fn fault_whatever_terms(&self, sent: &[Page]) -> Option<String> {
        if !self.report.outcome.is_success() {
            return Some(format!("we say: {}", self.report.outcome));
        }
        match &self.theirs {
            Theirs::Ours(report) if !report.outcome.is_success() => {
                return Some(format!("they say: {}", report.outcome));
            }
            Theirs::Spandsp(result) if *result != Some(0) => {
                return Some(format!("spandsp says: {result:?}"));
            }
            _ => {}
        }
        if self.report.pages_confirmed() != sent.len() {
            return Some(format!("{} pages confirmed", self.report.pages_confirmed()));
        }
        (self.received != sent)
            .then(|| format!("{} of {} pages, or not the same", self.received.len(), sent.len()))
    }
}

/// What the network does.
#[derive(Clone, Debug, Default)]
pub(crate) struct Network {
    pub(crate) line: Config,
    /// Both ends are cut off then.
    pub(crate) drop_at: Option<Time>,
    pub(crate) profile: Profile,
    /// How late the driver reads what the modem says.
    pub(crate) driver_lag: Duration,
    /// The caller's modem is told this in place of a connection.
    pub(crate) failure: Option<Failure>,
    /// Our user gives up then.
    pub(crate) cancel_at: Option<Time>,
    /// Images reach our carrier piece by piece.
    pub(crate) in_pieces: bool,
}

impl Network {
    /// After a drop there is nothing to hear.
    fn line(&self) -> Line {
        let mut config = self.line.clone();
        config.silent_ms.extend(self.drop_at.map(|at| at.0 / 1000..u64::MAX));
        Line::new(&config)
    }
}

impl Station {
    /// However the call went, the modem is on hook and takes commands.
    pub(crate) fn check_end(&mut self) {
        assert!(self.carrier.is_idle() && self.carrier.deadline().is_none(), "{}", self.log);
        assert!(self.carrier.is_on_hook_for_sure(), "{}", self.log);
        assert_eq!(self.modem.hook(), Hook::On, "{}", self.log);
        self.modem.read();
        self.modem.write(b"AT\r");
        assert!(self.modem.read().ends_with(b"\r\nOK\r\n"), "{}", self.log);
    }
}
