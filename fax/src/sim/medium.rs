//! Two modems on one pair of wires.
//!
//! What one end sends becomes a stream of bytes at a bit rate behind a lead-in (training); it reaches the other end
//! after the delay of the line, in pieces, each at its time. There the modem gives it to its engine if it was told to
//! listen for just that, as a real one would: V.21 can be picked up in the middle of its flags, an image only from
//! the beginning of its training, at the right speed, with the right length of training.

use super::air::AirConfig;
use super::call::End;
use super::noise::Noise;
use crate::carrier::{Command, HangUp, Image, ImageKind, Piece, Signal, Speed, Training};
use crate::hdlc::{Decoder, Encoder};
use crate::t30::frame::FRAME_OCTETS_MAX;
use crate::t30::timers::{PREAMBLE, TCF, V21_BIT_RATE};
use crate::time::{Duration, Time};
use alloc::collections::BTreeMap;
use alloc::vec::Vec;

/// Flags before the first frame of an ECM image, in octets.
const IMAGE_FLAGS: usize = 32;
/// A modem that begins to listen this much after the training began still catches it.
const TRAINING_TOLERANCE: Duration = Duration::from_millis(40);
/// How long CED sounds, with the silences before and after it.
const CED: Duration = Duration::from_millis(3275);

/// What is sent: V.21 frames, or something at high speed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wave {
    V21,
    Fast { speed: Speed, training: Training, kind: ImageKind },
}

impl Wave {
    fn bit_rate(self) -> u64 {
        match self {
            Self::V21 => V21_BIT_RATE,
            Self::Fast { speed, .. } => u64::from(speed.bit_rate()),
        }
    }
}

/// Something on its way from one end to the other.
#[derive(Debug)]
struct Transmission {
    wave: Wave,
    bytes: Vec<u8>,
    /// Bytes that have been given to the other end.
    given: usize,
    piece_bytes: usize,
    /// Cut off: the sender stopped in the middle.
    is_cut: bool,
    /// The sender's own signal come back: anything else drowns it.
    is_echo: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Doing {
    Nothing,
    Sending,
    Listening(Wave),
}

/// An image that an end sends piece by piece.
#[derive(Debug)]
struct Stream {
    speed: Speed,
    /// The transmission; `None` where nothing arrives.
    id: Option<u64>,
    /// From one end to the other.
    delay: Duration,
    /// When all that is there has been sent.
    until: Time,
    encoder: Encoder,
}

/// A modem.
#[derive(Debug)]
struct Modem {
    doing: Doing,
    since: Time,
    /// Counts activities, so that the end of a cancelled one is not taken for the end of the present one.
    activity: u64,
    /// The transmission that this end is sending.
    sending: Option<u64>,
    /// The transmission that is arriving at this end, and when it began to.
    arriving: Option<(u64, Time)>,
    /// The listener has caught what is arriving.
    is_caught: bool,
    decoder: Decoder,
    stream: Option<Stream>,
}

impl Modem {
    fn new() -> Self {
        Self {
            doing: Doing::Nothing,
            since: Time::ZERO,
            activity: 0,
            sending: None,
            arriving: None,
            is_caught: false,
            decoder: Decoder::new(FRAME_OCTETS_MAX),
            stream: None,
        }
    }
}

/// What happens at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Due {
    /// The end has sent all.
    Sent(End, u64),
    /// A transmission reaches the end.
    Begins(End, u64),
    /// Its training is over.
    Trained(End, u64),
    /// A piece of it is there.
    Piece(End, u64),
    /// It is over.
    Gone(End, u64),
    /// The end is told something by the network.
    Network(End, NetworkSays),
}

/// What the network tells an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NetworkSays {
    /// The far end answered.
    Connected,
    /// Your telephone rings.
    Ringing,
    /// The telephone has rung long enough.
    NobodyCame,
    /// The call is over.
    HungUp(HangUp),
}

/// What comes of an event, for the engine of an end.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Arrival {
    Signal(End, Signal),
    /// The answering end is to begin.
    Ringing,
    /// The telephone has rung long enough, if it was not answered.
    NobodyCame,
}

/// The line with both modems.
#[derive(Debug)]
pub(super) struct Medium {
    config: AirConfig,
    pub(super) noise: Noise,
    /// Until when the line to each end is taken: what is late does not overtake.
    taken: [Time; 2],
    modems: [Modem; 2],
    transmissions: BTreeMap<u64, Transmission>,
    due: BTreeMap<(Time, u64), Due>,
    /// Numbers events and transmissions.
    count: u64,
    is_over: bool,
}

impl Medium {
    pub(super) fn new(config: &AirConfig) -> Self {
        let mut medium = Self {
            config: config.clone(),
            noise: Noise::new(config),
            taken: [Time::ZERO; 2],
            modems: [Modem::new(), Modem::new()],
            transmissions: BTreeMap::new(),
            due: BTreeMap::new(),
            count: 0,
            is_over: false,
        };
        if let Some(at) = config.drop_at {
            for end in [End::Caller, End::Answerer] {
                medium.at(at, Due::Network(end, NetworkSays::HungUp(HangUp::Remote)));
            }
        }
        medium
    }

    /// When something happens next.
    pub(super) fn next_time(&self) -> Option<Time> {
        self.due.first_key_value().map(|((time, _), _)| *time)
    }

    /// Tells an end something from the network.
    pub(super) fn network(&mut self, at: Time, end: End, says: NetworkSays) {
        self.at(at, Due::Network(end, says));
    }

    /// An engine tells its modem to do something.
    pub(super) fn command(&mut self, now: Time, end: End, command: Command) {
        self.end_activity(now, end);
        match command {
            Command::Call | Command::ListenFrames => self.listen(now, end, Wave::V21),
            Command::ListenTcf(speed) => self.listen(now, end, fast(speed, Training::Long, ImageKind::Bits)),
            Command::ListenImage { speed, training, kind } => {
                self.listen(now, end, fast(speed, training, kind));
            }
            Command::Answer => self.busy_for(now, end, CED),
            Command::Silence(duration) => self.busy_for(now, end, duration),
            Command::SendFrames(frames) => self.send_frames(now, end, &frames),
            Command::SendTcf(speed) => {
                let mut bytes = alloc::vec![0; bytes_in(TCF, u64::from(speed.bit_rate()))];
                let lead = speed.training_time(Training::Long);
                let before = self.noise.image_bits_flipped;
                self.noise.image(now + lead, &mut bytes, speed);
                self.noise.image_bits_flipped = before;
                self.send(now, end, fast(speed, Training::Long, ImageKind::Bits), bytes);
            }
            Command::SendImage { speed, training, image } => {
                self.send_image(now, end, speed, training, image);
            }
            Command::HangUp => self.hang_up(now, end),
        }
    }

    fn end_activity(&mut self, now: Time, end: End) {
        self.stop_sending(now, end);
        let modem = self.modem(end);
        modem.activity += 1;
        modem.since = now;
        modem.is_caught = false;
        modem.doing = Doing::Nothing;
        modem.stream = None;
    }

    /// An end sends an image piece by piece.
    pub(super) fn piece_of_image(&mut self, now: Time, end: End, piece: Piece) {
        match piece {
            Piece::Begin { speed, training, kind } => {
                self.begin_stream(now, end, fast(speed, training, kind))
            }
            Piece::More(image) => self.go_on(now, end, image),
            Piece::End => self.end_stream(now, end),
        }
    }

    fn begin_stream(&mut self, now: Time, end: End, wave: Wave) {
        let Wave::Fast { speed, training, kind } = wave else { return };
        self.end_activity(now, end);
        let lead = speed.training_time(training);
        let delay = self.noise.delay();
        let there = (now + delay).max(*self.taken_to(end.other()));
        let mute_from = match end {
            End::Answerer => self.config.answerer_mute_from,
            End::Caller => self.config.caller_mute_from,
        };
        let is_heard = mute_from.is_none_or(|from| now < from);
        let id = is_heard.then(|| self.begin_to_carry((there, end.other()), wave, lead, false));
        let mut encoder = Encoder::new();
        if kind == ImageKind::Frames {
            encoder.flags(IMAGE_FLAGS);
        }
        let modem = self.modem(end);
        modem.doing = Doing::Sending;
        modem.sending = id;
        modem.stream = Some(Stream { speed, id, delay: there.since(now), until: now + lead, encoder });
    }

    fn go_on(&mut self, now: Time, end: End, image: Image) {
        let image = self.noise.doubled_image(image);
        let Some(stream) = &mut self.modem(end).stream else { return };
        let bytes = match image {
            Image::Bits(data) => data,
            Image::Frames(frames) => {
                frames.iter().for_each(|frame| stream.encoder.frame(frame));
                stream.encoder.take()
            }
        };
        self.append(now, end, bytes);
    }

    fn append(&mut self, now: Time, end: End, mut bytes: Vec<u8>) {
        let Some(stream) = &mut self.modem(end).stream else { return };
        let (speed, id, delay) = (stream.speed, stream.id, stream.delay);
        let rate = u64::from(speed.bit_rate());
        let start = stream.until.max(now);
        stream.until = start + time_of(bytes.len(), rate);
        self.noise.image(start, &mut bytes, speed);
        let Some(id) = id else { return };
        let Some(transmission) = self.transmissions.get_mut(&id) else { return };
        let piece_bytes = transmission.piece_bytes;
        transmission.bytes.extend_from_slice(&bytes);
        for piece in 1..=bytes.len().div_ceil(piece_bytes) {
            let until = (piece * piece_bytes).min(bytes.len());
            self.at(start + delay + time_of(until, rate), Due::Piece(end.other(), id));
        }
    }

    fn end_stream(&mut self, now: Time, end: End) {
        let Some(stream) = &mut self.modem(end).stream else { return };
        let rest = core::mem::take(&mut stream.encoder).finish();
        self.append(now, end, rest);
        let Some(Stream { id, delay, until, .. }) = self.modem(end).stream.take() else { return };
        let until = until.max(now);
        let activity = self.modem(end).activity;
        self.at(until, Due::Sent(end, activity));
        *self.taken_to(end.other()) = until + delay;
        let Some(id) = id else { return };
        self.at(until + delay, Due::Gone(end.other(), id));
    }

    /// The next thing that happens at or before `now`.
    pub(super) fn happen(&mut self, now: Time) -> Option<Vec<Arrival>> {
        let entry = self.due.first_entry().filter(|entry| entry.key().0 <= now)?;
        Some(match entry.remove() {
            Due::Sent(end, activity) => self.sent(end, activity),
            Due::Begins(end, id) => self.begins(now, end, id),
            Due::Trained(end, id) => self.trained(end, id),
            Due::Piece(end, id) => self.piece(end, id),
            Due::Gone(end, id) => self.gone(end, id),
            Due::Network(_, NetworkSays::Ringing) => alloc::vec![Arrival::Ringing],
            Due::Network(_, NetworkSays::NobodyCame) => alloc::vec![Arrival::NobodyCame],
            Due::Network(end, NetworkSays::Connected) => signal(end, Signal::Connected),
            Due::Network(end, NetworkSays::HungUp(why)) => signal(end, Signal::HungUp(why)),
        })
    }

    fn modem(&mut self, end: End) -> &mut Modem {
        let [caller, answerer] = &mut self.modems;
        match end {
            End::Caller => caller,
            End::Answerer => answerer,
        }
    }

    fn at(&mut self, time: Time, due: Due) {
        self.count += 1;
        self.due.insert((time, self.count), due);
    }

    fn busy_for(&mut self, now: Time, end: End, duration: Duration) {
        let modem = self.modem(end);
        modem.doing = Doing::Sending;
        let activity = modem.activity;
        self.at(now + duration, Due::Sent(end, activity));
    }

    fn hang_up(&mut self, now: Time, end: End) {
        if !core::mem::replace(&mut self.is_over, true) {
            let told = Due::Network(end.other(), NetworkSays::HungUp(HangUp::Remote));
            self.at(now + self.config.delay, told);
        }
    }

    fn send_frames(&mut self, now: Time, end: End, frames: &[Vec<u8>]) {
        let mut encoder = Encoder::new();
        encoder.flags(bytes_in(PREAMBLE, V21_BIT_RATE));
        self.noise.doubled(frames.to_vec()).iter().for_each(|frame| encoder.frame(frame));
        encoder.flags(1);
        let mut bytes = encoder.finish();
        self.noise.control(now, &mut bytes, V21_BIT_RATE);
        self.send(now, end, Wave::V21, bytes);
    }

    fn send_image(&mut self, now: Time, end: End, speed: Speed, training: Training, image: Image) {
        let kind = image.kind();
        let mut bytes = match self.noise.doubled_image(image) {
            Image::Bits(data) => data,
            Image::Frames(frames) => {
                let mut encoder = Encoder::new();
                encoder.flags(IMAGE_FLAGS);
                frames.iter().for_each(|frame| encoder.frame(frame));
                encoder.flags(1);
                encoder.finish()
            }
        };
        self.noise.image(now + speed.training_time(training), &mut bytes, speed);
        self.send(now, end, fast(speed, training, kind), bytes);
    }

    fn send(&mut self, now: Time, end: End, wave: Wave, bytes: Vec<u8>) {
        let lead = match wave {
            Wave::V21 => Duration::ZERO,
            Wave::Fast { speed, training, .. } => speed.training_time(training),
        };
        let duration = lead + time_of(bytes.len(), wave.bit_rate());
        self.busy_for(now, end, duration);
        self.modem(end).sending = None;
        if let Some(echo) = self.config.echo {
            self.carry((now + echo, end), wave, lead, bytes.clone(), true);
        }
        let mute_from = match end {
            End::Answerer => self.config.answerer_mute_from,
            End::Caller => self.config.caller_mute_from,
        };
        let is_lost = wave == Wave::V21 && self.noise.is_lost();
        if is_lost || mute_from.is_some_and(|from| now >= from) {
            return;
        }
        let delay = self.noise.delay();
        let taken = self.taken_to(end.other());
        let there = (now + delay).max(*taken);
        *taken = there + duration;
        let id = self.carry((there, end.other()), wave, lead, bytes, false);
        self.modem(end).sending = Some(id);
    }

    fn taken_to(&mut self, end: End) -> &mut Time {
        let [caller, answerer] = &mut self.taken;
        match end {
            End::Caller => caller,
            End::Answerer => answerer,
        }
    }

    /// Brings a transmission to an end, from this time on. Gives its number.
    fn carry(
        &mut self,
        (there, to): (Time, End),
        wave: Wave,
        lead: Duration,
        bytes: Vec<u8>,
        is_echo: bool,
    ) -> u64 {
        let rate = wave.bit_rate();
        let id = self.begin_to_carry((there, to), wave, lead, is_echo);
        let piece_bytes = piece_bytes(wave);
        for piece in 1..=bytes.len().div_ceil(piece_bytes) {
            let until = (piece * piece_bytes).min(bytes.len());
            self.at(there + lead + time_of(until, rate), Due::Piece(to, id));
        }
        self.at(there + lead + time_of(bytes.len(), rate), Due::Gone(to, id));
        if let Some(transmission) = self.transmissions.get_mut(&id) {
            transmission.bytes = bytes;
        }
        id
    }

    /// A transmission begins to go to an end. Its data are still to come, and its end.
    fn begin_to_carry(&mut self, (there, to): (Time, End), wave: Wave, lead: Duration, is_echo: bool) -> u64 {
        self.count += 1;
        let id = self.count;
        self.at(there, Due::Begins(to, id));
        self.at(there + lead, Due::Trained(to, id));
        let (piece_bytes, is_cut) = (piece_bytes(wave), false);
        let transmission = Transmission { wave, bytes: Vec::new(), given: 0, piece_bytes, is_cut, is_echo };
        self.transmissions.insert(id, transmission);
        id
    }

    /// A new command while sending cuts the transmission off.
    fn stop_sending(&mut self, now: Time, end: End) {
        let Some(id) = self.modem(end).sending.take() else {
            return;
        };
        let Some(transmission) = self.transmissions.get_mut(&id) else {
            return;
        };
        transmission.is_cut = true;
        let there = now + self.config.delay;
        *self.taken_to(end.other()) = there;
        self.at(there, Due::Gone(end.other(), id));
    }

    fn listen(&mut self, now: Time, end: End, wave: Wave) {
        let modem = self.modem(end);
        modem.doing = Doing::Listening(wave);
        modem.decoder = Decoder::new(FRAME_OCTETS_MAX);
        // What is in the air already is noticed at once.
        if let Some((id, _)) = modem.arriving {
            self.at(now, Due::Begins(end, id));
        }
    }

    fn sent(&mut self, end: End, activity: u64) -> Vec<Arrival> {
        let modem = self.modem(end);
        if modem.activity != activity || modem.doing != Doing::Sending {
            return Vec::new();
        }
        modem.doing = Doing::Nothing;
        modem.sending = None;
        signal(end, Signal::Sent)
    }

    fn begins(&mut self, now: Time, end: End, id: u64) -> Vec<Arrival> {
        let Some((wave, is_echo)) =
            self.transmissions.get(&id).filter(|t| !t.is_cut).map(|t| (t.wave, t.is_echo))
        else {
            return Vec::new();
        };
        let modem = self.modem(end);
        let began = match modem.arriving {
            Some((known, began)) if known == id => began,
            Some(_) if is_echo => return Vec::new(),
            _ => now,
        };
        modem.arriving = Some((id, began));
        let Doing::Listening(wanted) = modem.doing else {
            return Vec::new();
        };
        match (wanted, wave) {
            (Wave::V21, Wave::V21) if !modem.is_caught => {
                modem.is_caught = true;
                signal(end, Signal::CarrierUp)
            }
            // Something else: V.21 for an image, or an image of which the training is missed.
            (Wave::Fast { .. }, Wave::V21) => self.fails(end),
            (Wave::Fast { .. }, Wave::Fast { .. }) if now.since(began) > TRAINING_TOLERANCE => {
                self.fails(end)
            }
            _ => Vec::new(),
        }
    }

    fn trained(&mut self, end: End, id: u64) -> Vec<Arrival> {
        let Some(wave) = self.transmissions.get(&id).filter(|t| !t.is_cut).map(|t| t.wave) else {
            return Vec::new();
        };
        let Wave::Fast { speed, .. } = wave else {
            return Vec::new();
        };
        let is_refused = self.config.refused.contains(speed);
        let modem = self.modem(end);
        let (Doing::Listening(wanted @ Wave::Fast { .. }), Some((arriving, began))) =
            (modem.doing, modem.arriving)
        else {
            return Vec::new();
        };
        let is_in_time = modem.since <= began + TRAINING_TOLERANCE;
        if arriving != id || !is_in_time || !same_training(wanted, wave) || is_refused {
            return self.fails(end);
        }
        modem.is_caught = true;
        signal(end, Signal::CarrierUp)
    }

    fn fails(&mut self, end: End) -> Vec<Arrival> {
        self.modem(end).doing = Doing::Nothing;
        signal(end, Signal::TrainingFailed)
    }

    fn piece(&mut self, end: End, id: u64) -> Vec<Arrival> {
        let Some(transmission) = self.transmissions.get_mut(&id).filter(|t| !t.is_cut) else {
            return Vec::new();
        };
        let rest = transmission.bytes.get(transmission.given..).unwrap_or_default();
        let bytes: Vec<u8> = rest.iter().take(transmission.piece_bytes).copied().collect();
        transmission.given += bytes.len();
        if bytes.is_empty() {
            return Vec::new();
        }
        let modem = self.modem(end);
        let Doing::Listening(wave) = modem.doing else {
            return Vec::new();
        };
        if !modem.is_caught || modem.arriving.is_none_or(|(arriving, _)| arriving != id) {
            return Vec::new();
        }
        if let Wave::Fast { kind: ImageKind::Bits, .. } = wave {
            return signal(end, Signal::Data(bytes));
        }
        let mut frames = Vec::new();
        modem.decoder.push(&bytes, &mut frames);
        let signals = frames.into_iter().map(|frame| {
            let (octets, fcs_ok) = (frame.octets, frame.fcs_ok);
            Arrival::Signal(end, Signal::Frame { octets, fcs_ok })
        });
        signals.collect()
    }

    fn gone(&mut self, end: End, id: u64) -> Vec<Arrival> {
        self.transmissions.remove(&id);
        let modem = self.modem(end);
        if modem.arriving.is_none_or(|(arriving, _)| arriving != id) {
            return Vec::new();
        }
        modem.arriving = None;
        if !core::mem::take(&mut modem.is_caught) {
            return Vec::new();
        }
        modem.doing = Doing::Nothing;
        signal(end, Signal::CarrierLost)
    }
}

fn signal(end: End, signal: Signal) -> Vec<Arrival> {
    alloc::vec![Arrival::Signal(end, signal)]
}

fn fast(speed: Speed, training: Training, kind: ImageKind) -> Wave {
    Wave::Fast { speed, training, kind }
}

fn same_training(wanted: Wave, sent: Wave) -> bool {
    match (wanted, sent) {
        (
            Wave::Fast { speed, training, .. },
            Wave::Fast { speed: sent_speed, training: sent_training, .. },
        ) => speed == sent_speed && training == sent_training,
        _ => false,
    }
}

/// V.21 comes in small pieces, so that a frame is known soon; an image twenty times a second.
fn piece_bytes(wave: Wave) -> usize {
    match wave {
        Wave::V21 => 2,
        Wave::Fast { speed, .. } => bytes_in(Duration::from_millis(50), u64::from(speed.bit_rate())).max(1),
    }
}

fn bytes_in(time: Duration, bit_rate: u64) -> usize {
    let bits = u64::try_from(time.as_millis()).unwrap_or(u64::MAX).saturating_mul(bit_rate) / 1000;
    usize::try_from(bits / 8).unwrap_or(usize::MAX)
}

fn time_of(bytes: usize, bit_rate: u64) -> Duration {
    let bits = u64::try_from(bytes).unwrap_or(u64::MAX).saturating_mul(8);
    Duration::from_micros(bits.saturating_mul(1_000_000) / bit_rate.max(1))
}
