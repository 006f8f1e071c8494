//! What the fuzzers do with T.38: packets, datagrams, and a carrier under any events.

use super::octets;
use fax_proto::carrier::{Command, Image, ImageKind, Signal, Speed, Training};
use fax_proto::t30::frame::FRAME_OCTETS_MAX;
use fax_proto::t38::carrier::{Carrier, Config, Output};
use fax_proto::t38::ifp::{
    DataType, FIELDS_MAX, Field, FieldType, Indicator, PACKET_OCTETS_MAX, Packet, Syntax,
};
use fax_proto::t38::udptl::{Arrival, Datagram, Protection, Receiver, Sender};
use fax_proto::time::{Duration, Time};

/// A packet; the first octet chooses the syntax.
pub(crate) fn t38_ifp(input: &[u8]) {
    let Some((&kind, packet)) = input.split_first() else { return };
    let syntax = if kind & 1 == 0 { Syntax::Original } else { Syntax::Corrected };
    let Ok((packet, syntax)) = Packet::parse(packet, syntax) else { return };
    if let Packet::Data(_, fields) = &packet {
        assert!(fields.len() <= FIELDS_MAX);
    }
    if let Ok(octets) = packet.to_octets(syntax) {
        assert_eq!(Packet::parse(&octets, syntax), Ok((packet, syntax)));
    }
}

/// Datagrams behind their lengths, with the time between them; then what they carry goes over once more.
pub(crate) fn t38_udptl(input: &[u8]) {
    let (mut rest, mut now) = (input, Time::ZERO);
    let mut receiver = Receiver::new();
    let mut packets = Vec::new();
    while let Some(pause) = rest.split_off_first() {
        now = now + Duration::from_millis(u64::from(*pause));
        let datagram = octets(&mut rest);
        if let Ok(datagram) = Datagram::parse(&datagram) {
            assert!(datagram.primary.len() <= PACKET_OCTETS_MAX);
        }
        receiver.tick(now);
        let _ = receiver.datagram(now, &datagram);
        packets.extend(arrived(&mut receiver));
    }
    while let Some(deadline) = receiver.deadline() {
        receiver.tick(deadline);
        let before = packets.len();
        packets.extend(arrived(&mut receiver));
        assert!(packets.len() > before, "a gap is told before packets that follow it");
    }
    for protection in [Protection::Redundancy { packets: 3 }, Protection::Fec { span: 2, parities: 3 }] {
        let (mut sender, mut receiver) = (Sender::new(protection, 1400), Receiver::new());
        let mut again = Vec::new();
        for packet in &packets {
            receiver.datagram(now, &sender.wrap(packet.clone())).unwrap();
            again.extend(arrived(&mut receiver));
        }
        assert_eq!(again, packets);
    }
}

fn arrived(receiver: &mut Receiver) -> Vec<Vec<u8>> {
    let arrivals = std::iter::from_fn(|| receiver.poll());
    arrivals
        .filter_map(|arrival| if let Arrival::Packet(packet) = arrival { Some(packet) } else { None })
        .collect()
}

/// Events of one session.
const EVENTS_MAX: usize = 300;
/// Outputs after one event: what was kept of a signal, and what is said within two and a half seconds.
const OUTPUTS_MAX: usize = 1200;
/// Wake-ups after the last event, within which all must be said and the session over.
const WAKES_MAX: usize = 2000;

/// The first octet chooses the settings, the rest are events.
pub(crate) fn t38_carrier(input: &[u8]) {
    let Some((&kind, mut rest)) = input.split_first() else { return };
    let protection = match kind & 2 {
        0 => Protection::Redundancy { packets: 3 },
        _ => Protection::Fec { span: 2, parities: 2 },
    };
    let config = Config { version: kind & 1, protection, ..Config::default() };
    let mut watched = Watched {
        carrier: Carrier::new(config),
        sender: Sender::new(protection, 1400),
        now: Time::ZERO,
        is_sending: false,
        listens: None,
        hangs_up: false,
        is_over: false,
    };
    for _ in 0..EVENTS_MAX {
        if rest.is_empty() {
            break;
        }
        watched.event(&mut rest);
    }
    watched.command(Command::HangUp);
    for _ in 0..WAKES_MAX {
        match watched.carrier.deadline() {
            Some(deadline) => watched.pass(deadline),
            None => break,
        }
    }
    assert!(watched.is_over, "a session ends");
}

/// A carrier whose outputs are watched.
struct Watched {
    carrier: Carrier,
    sender: Sender,
    now: Time,
    is_sending: bool,
    /// What is listened for, as long as it may still come.
    listens: Option<ImageKind>,
    hangs_up: bool,
    is_over: bool,
}

impl Watched {
    fn event(&mut self, rest: &mut &[u8]) {
        let mut octet = || rest.split_off_first().copied().unwrap_or(0);
        let kind = octet();
        match kind % 20 {
            0 => self.command(Command::Call),
            1 => self.command(Command::Answer),
            2 => self.command(Command::ListenFrames),
            3 => {
                let frames = (0..octet() % 4).map(|_| octets(rest)).collect();
                self.command(Command::SendFrames(frames));
            }
            4 => self.command(Command::SendTcf(speed(octet()))),
            5 => self.command(Command::ListenTcf(speed(octet()))),
            6 => {
                let (speed, training) = (speed(octet()), training(octet()));
                self.command(Command::SendImage { speed, training, image: Image::Bits(octets(rest)) });
            }
            7 => {
                let (speed, training) = (speed(octet()), training(octet()));
                let frames = (0..octet() % 8).map(|_| octets(rest)).collect();
                self.command(Command::SendImage { speed, training, image: Image::Frames(frames) });
            }
            8 => {
                let (speed, training) = (speed(octet()), training(octet()));
                let kind = if octet() & 1 == 0 { ImageKind::Bits } else { ImageKind::Frames };
                self.command(Command::ListenImage { speed, training, kind });
            }
            9 => self.command(Command::Silence(Duration::from_millis(10 * u64::from(octet())))),
            10 => self.command(Command::HangUp),
            11 => {
                let _ = self.carrier.datagram(self.now, &octets(rest));
                self.outputs();
            }
            12 | 13 => {
                let packet = Packet::Indicator(indicator(octet()));
                self.hear(&packet);
            }
            14..=16 => {
                let carrier = data_type(octet());
                let fields =
                    (0..octet() % 4).map(|_| Field { kind: field_type(octet_of(rest)), data: octets(rest) });
                let packet = Packet::Data(carrier, fields.collect());
                self.hear(&packet);
            }
            17 => drop(self.sender.wrap(vec![0])),
            _ => {
                let until = self.now + Duration::from_millis(10 * u64::from(octet()));
                while let Some(deadline) = self.carrier.deadline().filter(|deadline| *deadline <= until) {
                    self.pass(deadline);
                }
                self.now = until;
            }
        }
    }

    fn command(&mut self, command: Command) {
        self.is_sending = false;
        self.listens = None;
        match &command {
            Command::Call | Command::ListenFrames => self.listens = Some(ImageKind::Frames),
            Command::ListenTcf(_) => self.listens = Some(ImageKind::Bits),
            Command::ListenImage { kind, .. } => self.listens = Some(*kind),
            Command::HangUp => self.hangs_up = true,
            _ => self.is_sending = true,
        }
        self.carrier.command(self.now, command);
        self.outputs();
    }

    fn hear(&mut self, packet: &Packet) {
        if let Ok(octets) = packet.to_octets(Syntax::Corrected) {
            let datagram = self.sender.wrap(octets);
            self.carrier.datagram(self.now, &datagram).unwrap();
            self.outputs();
        }
    }

    fn pass(&mut self, deadline: Time) {
        assert!(deadline >= self.now, "time goes on");
        self.now = deadline;
        self.carrier.tick(deadline);
        self.outputs();
    }

    fn outputs(&mut self) {
        for count in 0.. {
            let Some(output) = self.carrier.poll() else { break };
            assert!(count < OUTPUTS_MAX && !self.is_over);
            match output {
                Output::Datagram(datagram) => assert!(Datagram::parse(&datagram).is_ok()),
                Output::HangUp => {
                    assert!(self.hangs_up);
                    self.is_over = true;
                }
                Output::Signal(Signal::Sent) => {
                    assert!(std::mem::take(&mut self.is_sending), "once for each command that sends");
                }
                Output::Signal(Signal::Frame { octets, .. }) => {
                    assert!(self.listens == Some(ImageKind::Frames) && octets.len() <= FRAME_OCTETS_MAX);
                }
                Output::Signal(Signal::Data(_)) => assert_eq!(self.listens, Some(ImageKind::Bits)),
                Output::Signal(Signal::CarrierUp) => assert!(self.listens.is_some()),
                Output::Signal(Signal::CarrierLost | Signal::TrainingFailed) => {
                    assert!(self.listens.take().is_some(), "what was listened for ends once");
                }
                Output::Signal(_) => {}
            }
        }
    }
}

fn octet_of(rest: &mut &[u8]) -> u8 {
    rest.split_off_first().copied().unwrap_or(0)
}

fn speed(octet: u8) -> Speed {
    Speed::ALL[usize::from(octet) % Speed::ALL.len()]
}

fn training(octet: u8) -> Training {
    if octet & 1 == 0 { Training::Long } else { Training::Short }
}

fn indicator(octet: u8) -> Indicator {
    match octet % 8 {
        0 => Indicator::NoSignal,
        1 => Indicator::Cng,
        2 => Indicator::Ced,
        3 | 4 => Indicator::V21Preamble,
        5 => Indicator::Other(octet % 64),
        _ => Indicator::Training(speed(octet >> 3), training(octet >> 6)),
    }
}

fn data_type(octet: u8) -> DataType {
    match octet % 4 {
        0 | 1 => DataType::V21,
        2 => DataType::V8,
        _ => DataType::Image(speed(octet >> 2)),
    }
}

fn field_type(octet: u8) -> FieldType {
    [
        FieldType::HdlcData,
        FieldType::HdlcSigEnd,
        FieldType::HdlcFcsOk,
        FieldType::HdlcFcsBad,
        FieldType::HdlcFcsOkSigEnd,
        FieldType::HdlcFcsBadSigEnd,
        FieldType::NonEcmData,
        FieldType::NonEcmSigEnd,
        FieldType::CmMessage,
    ][usize::from(octet) % 9]
}
