//! The carrier seam: what a line can do below T.30, as values.
//!
//! SEAM. The T.30 engine sits above it and knows no line; a Class 1 modem (ITU-T T.31), a T.38 gateway and the
//! simulated line sit below it. Everything here can be done by a Class 1 modem, which is half duplex and does one
//! thing at a time:
//!
//! - A [`Command`] begins one activity. A new command while one runs cancels the running one.
//! - A sending activity (`Answer`, `SendFrames`, `SendTcf`, `SendImage`, `Silence`) ends with [`Signal::Sent`].
//! - A listening activity (`Call`, `ListenFrames`, `ListenTcf`, `ListenImage`) gives [`Signal::CarrierUp`], then
//!   frames or data, then [`Signal::CarrierLost`]; or nothing at all: the listener keeps the time.
//! - [`Signal::HungUp`] ends everything. Nothing follows it.
//!
//! Bytes cross the seam as T.31 writes them: the least significant bit of a byte is the first on the line. HDLC
//! frames cross it without flags, bit stuffing and FCS; the carrier adds and checks those ([`crate::hdlc`]).

use crate::time::Duration;
use alloc::vec::Vec;
use core::fmt;

/// A modem modulation for images (ITU-T T.30 table 2, bits 11 to 14).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Modulation {
    /// ITU-T V.27ter: 4800 and 2400 bit/s.
    V27ter,
    /// ITU-T V.29: 9600 and 7200 bit/s.
    V29,
    /// ITU-T V.17: 14400, 12000, 9600 and 7200 bit/s.
    V17,
}

impl fmt::Display for Modulation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::V27ter => "V.27ter",
            Self::V29 => "V.29",
            Self::V17 => "V.17",
        })
    }
}

/// A modulation with a bit rate, as a DCS names it. Ordered from slow to fast, V.17 above V.29 at equal rates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Speed {
    /// V.27ter at 2400 bit/s: what every fax machine can do.
    V27ter2400,
    /// V.27ter at 4800 bit/s.
    V27ter4800,
    /// V.29 at 7200 bit/s.
    V29At7200,
    /// V.17 at 7200 bit/s.
    V17At7200,
    /// V.29 at 9600 bit/s.
    V29At9600,
    /// V.17 at 9600 bit/s.
    V17At9600,
    /// V.17 at 12000 bit/s.
    V17At12000,
    /// V.17 at 14400 bit/s.
    V17At14400,
}

impl Speed {
    /// Every speed, from slow to fast.
    pub const ALL: [Self; 8] = [
        Self::V27ter2400,
        Self::V27ter4800,
        Self::V29At7200,
        Self::V17At7200,
        Self::V29At9600,
        Self::V17At9600,
        Self::V17At12000,
        Self::V17At14400,
    ];

    /// Bits per second on the line.
    #[must_use]
    pub fn bit_rate(self) -> u32 {
        match self {
            Self::V27ter2400 => 2400,
            Self::V27ter4800 => 4800,
            Self::V29At7200 | Self::V17At7200 => 7200,
            Self::V29At9600 | Self::V17At9600 => 9600,
            Self::V17At12000 => 12_000,
            Self::V17At14400 => 14_400,
        }
    }

    /// The modulation that carries it.
    #[must_use]
    pub fn modulation(self) -> Modulation {
        match self {
            Self::V27ter2400 | Self::V27ter4800 => Modulation::V27ter,
            Self::V29At7200 | Self::V29At9600 => Modulation::V29,
            Self::V17At7200 | Self::V17At9600 | Self::V17At12000 | Self::V17At14400 => Modulation::V17,
        }
    }

    /// How long the training takes, with the segments before (ITU-T V.17 table 3, V.29 clause 8, V.27ter table 3).
    #[must_use]
    pub fn training_time(self, training: Training) -> Duration {
        Duration::from_millis(match (self, self.modulation(), training) {
            (_, Modulation::V17, Training::Long) => 1393,
            (_, Modulation::V17, Training::Short) => 142,
            (_, Modulation::V29, _) => 253,
            (Self::V27ter2400, ..) => 943,
            _ => 708,
        })
    }

    /// How long `bytes` take at this speed, without training.
    #[must_use]
    pub fn time_for(self, bytes: usize) -> Duration {
        let bits = u64::try_from(bytes).unwrap_or(u64::MAX).saturating_mul(8);
        Duration::from_micros(bits.saturating_mul(1_000_000) / u64::from(self.bit_rate()))
    }
}

impl fmt::Display for Speed {
    /// As a fax engineer says it: `14400 V.17`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.bit_rate(), self.modulation())
    }
}

/// A set of speeds: what a station can do, or may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct SpeedSet(u8);

impl SpeedSet {
    /// No speed at all.
    pub const NONE: Self = Self(0);
    /// Every speed.
    pub const ALL: Self = Self(0xFF);

    /// The set with one more speed.
    #[must_use]
    pub fn with(self, speed: Speed) -> Self {
        Self(self.0 | 1 << speed as u8)
    }

    /// The set with every speed of a modulation added.
    #[must_use]
    pub fn with_modulation(self, modulation: Modulation) -> Self {
        Speed::ALL.into_iter().filter(|speed| speed.modulation() == modulation).fold(self, Self::with)
    }

    /// The set without the speeds of a modulation.
    #[must_use]
    pub fn without_modulation(self, modulation: Modulation) -> Self {
        Self(self.0 & !Self::NONE.with_modulation(modulation).0)
    }

    /// The speeds of the set no faster than `limit` bit/s.
    #[must_use]
    pub fn up_to(self, limit: u32) -> Self {
        self.iter().filter(|speed| speed.bit_rate() <= limit).fold(Self::NONE, Self::with)
    }

    /// The speeds in both sets.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Whether the speed is in the set.
    #[must_use]
    pub fn contains(self, speed: Speed) -> bool {
        self.0 & 1 << speed as u8 != 0
    }

    /// Whether any speed of the modulation is in the set.
    #[must_use]
    pub fn has_modulation(self, modulation: Modulation) -> bool {
        self.iter().any(|speed| speed.modulation() == modulation)
    }

    /// The speeds of the set, from slow to fast.
    pub fn iter(self) -> impl DoubleEndedIterator<Item = Speed> {
        Speed::ALL.into_iter().filter(move |speed| self.contains(*speed))
    }
}

/// The length of the training sequence (V.17 knows both; V.29 and V.27ter are always sent with the long one).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Training {
    /// Before TCF, and before the first image after CTR.
    Long,
    /// V.17 after a good TCF (T.31 codes 74, 98, 122 and 146).
    Short,
}

/// The kind of image data on the high-speed channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ImageKind {
    /// A bit stream of T.4 data, without error correction.
    Bits,
    /// HDLC frames (T.30 Annex A, T.4 Annex A).
    Frames,
}

/// Image data to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Image {
    /// One whole page of T.4 data with its RTC, the least significant bit of a byte first.
    Bits(Vec<u8>),
    /// FCD and RCP frames in order, each from its address octet to the end of its data, without FCS.
    Frames(Vec<Vec<u8>>),
}

impl Image {
    /// Which kind it is.
    #[must_use]
    pub fn kind(&self) -> ImageKind {
        match self {
            Self::Bits(_) => ImageKind::Bits,
            Self::Frames(_) => ImageKind::Frames,
        }
    }

    /// Bytes on the line, roughly: bit stuffing is not counted, flags and FCS are.
    #[must_use]
    pub fn len_bytes(&self) -> usize {
        const FRAME_OVERHEAD_BYTES: usize = 3;
        match self {
            Self::Bits(data) => data.len(),
            Self::Frames(frames) => frames.iter().map(|f| f.len() + FRAME_OVERHEAD_BYTES).sum(),
        }
    }
}

/// An image that is sent while it still comes in, for a line that can do that: the simulated one
/// ([`Call::piece`](crate::sim::call::Call::piece)) and a Class 1 modem
/// ([`Carrier::piece`](crate::at::class1::Carrier::piece)). It stands in the place of one [`Command::SendImage`], cancels
/// what ran before it and ends with [`Signal::Sent`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// Training begins now.
    Begin {
        /// Modulation and rate.
        speed: Speed,
        /// Long or short training.
        training: Training,
        /// What follows.
        kind: ImageKind,
    },
    /// The next of the data, all of that kind.
    More(Image),
    /// Those were all.
    End,
}

/// What the engine asks of the line. The T.31 command that does it stands behind each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Originate the call (the carrier knows the number), sound CNG and listen for V.21 frames (`ATD`).
    ///
    /// Gives [`Signal::Connected`] when the far end answers, where that can be known, then as `ListenFrames`.
    Call,
    /// Answer the call and sound CED, 2100 Hz for about 3 s (`ATA`). Ends with `Sent`.
    Answer,
    /// Listen for V.21 frames (`AT+FRH=3`).
    ListenFrames,
    /// Send V.21 frames: one second of flags, the frames, carrier off (`AT+FTH=3`). Ends with `Sent`.
    ///
    /// Each frame begins with its address octet; the last has the final bit set in its control octet.
    SendFrames(Vec<Vec<u8>>),
    /// Send the training check: the long training, then zeros for 1.5 s (`AT+FTM=…`). Ends with `Sent`.
    SendTcf(Speed),
    /// Listen for the training check (`AT+FRM=…`): the data follow as `Signal::Data`, and the engine judges them.
    ListenTcf(Speed),
    /// Send training and image data (`AT+FTM=…`). Ends with `Sent` when the last bit has left.
    SendImage {
        /// Modulation and rate.
        speed: Speed,
        /// Long or short training.
        training: Training,
        /// The data.
        image: Image,
    },
    /// Listen for image data (`AT+FRM=…`): `Signal::Data` for bits, `Signal::Frame` for frames.
    ListenImage {
        /// Modulation and rate.
        speed: Speed,
        /// Long or short training.
        training: Training,
        /// What is expected.
        kind: ImageKind,
    },
    /// Send nothing for this long (`AT+FTS=…`). Ends with `Sent`.
    Silence(Duration),
    /// Hang up (`ATH`). Nothing follows.
    HangUp,
}

/// What the line tells the engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Signal {
    /// The far end answered the call. A Class 1 modem cannot tell and leaves it out; `CarrierUp` implies it.
    Connected,
    /// The awaited signal is there: V.21 flags, or the end of a good high-speed training (`CONNECT`).
    CarrierUp,
    /// Not what was awaited: training failed, or V.21 was heard while waiting for an image
    /// (`+FCERROR`, `+FRH:3`). The engine then listens for frames.
    TrainingFailed,
    /// The carrier that was up has gone.
    CarrierLost,
    /// An HDLC frame, from its address octet on, without its FCS.
    Frame {
        /// The octets; what is left of them where the FCS was bad.
        octets: Vec<u8>,
        /// Whether the frame check sequence was right.
        fcs_ok: bool,
    },
    /// Bytes of a non-ECM image or of TCF, in order, in pieces of any size.
    Data(Vec<u8>),
    /// The sending activity is over and its last bit has left.
    Sent,
    /// The call is over, or never came to be.
    HungUp(HangUp),
}

/// Why a call is over below T.30.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HangUp {
    /// The called number is busy (`BUSY`).
    Busy,
    /// The called number rang and nobody answered (`NO ANSWER`).
    NoAnswer,
    /// The line gives no dial tone, or the provider refuses (`NO DIALTONE`).
    NoDialTone,
    /// No connection for another cause, or nothing that sounds like a fax (`NO CARRIER` while dialling).
    NotConnected,
    /// A person answered (`VCON`, `VOICE`).
    Voice,
    /// A data modem answered (`DATA`, `CONNECT` with a rate).
    DataModem,
    /// The modem itself refuses to dial this number for now (`DELAYED`, `BLACKLISTED`: national rules on repeated calls).
    Blocked,
    /// A call came in while this one was about to be dialled (`RING`): nothing was dialled.
    Glare,
    /// The far end hung up, or the network dropped the call (`NO CARRIER` during the call).
    Remote,
    /// The modem or gateway beneath failed: no answer to commands, device gone.
    LineFault,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn speed_sets_keep_their_order_and_limits() {
        let no_v17 = SpeedSet::ALL.without_modulation(Modulation::V17);
        let rates: Vec<u32> = no_v17.iter().rev().map(Speed::bit_rate).collect();
        assert_eq!(rates, [9600, 7200, 4800, 2400]);
        assert!(!no_v17.has_modulation(Modulation::V17));
        assert_eq!(SpeedSet::ALL.up_to(9600).iter().next_back(), Some(Speed::V17At9600));
        assert_eq!(no_v17.and(SpeedSet::NONE).iter().count(), 0);
    }

    #[test]
    fn a_byte_takes_its_eight_bits() {
        assert_eq!(Speed::V17At14400.time_for(1800), Duration::from_secs(1));
        assert_eq!(Speed::V27ter2400.time_for(300), Duration::from_secs(1));
    }
}
