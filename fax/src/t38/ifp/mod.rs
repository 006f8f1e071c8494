//! IFP packets: what one T.38 station tells the other (ITU-T T.38 clause 7 and Annex A, aligned PER of ITU-T X.691).
//!
//! A packet is an indicator (a tone, a preamble, a training) or data: fields of HDLC octets, of a bit stream, and of the
//! ends of frames and signals. The first bit on the line is the *highest* bit of an octet here, other than at the carrier
//! seam.
//!
//! The field types were written without an extension marker in the Recommendation of 1998, by mistake, and with one ever
//! since ([`Syntax`]). Which of the two a station writes follows from its T38FaxVersion: 0 or more. In both, programs
//! differ on whether a field without data ends its octet. So a reader tries every form, the likeliest first, and takes
//! the one that fits the packet to the last octet. Zeros may follow, as a packet rebuilt by FEC has them. What is written
//! here has a field without data only at its end, and reads alike in every form.

mod per;

use crate::carrier::{Speed, Training};
use alloc::vec::Vec;
use core::fmt;
use per::{BitReader, BitWriter, EXTENSION_MAX, Number};

/// The longest packet that is read or written. A field has 65,535 octets at most by the syntax; real ones have 300.
pub const PACKET_OCTETS_MAX: usize = 2048;
/// The most fields in a packet.
pub const FIELDS_MAX: usize = 64;

/// Which ASN.1 the field types are written in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Syntax {
    /// T38FaxVersion 0, as printed in 1998: three bits, no extension.
    Original,
    /// T38FaxVersion 1 and above, with the corrigendum.
    #[default]
    Corrected,
}

impl Syntax {
    /// The syntax of a T38FaxVersion.
    #[must_use]
    pub fn of_version(version: u8) -> Self {
        if version == 0 { Self::Original } else { Self::Corrected }
    }
}

/// A signal that begins or ends (`t30-indicator`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Indicator {
    /// Silence.
    NoSignal,
    /// The calling tone, 1100 Hz.
    Cng,
    /// The answer tone, 2100 Hz.
    Ced,
    /// Flags before V.21 frames.
    V21Preamble,
    /// Training of V.27ter, V.29 or V.17; only V.17 has a short one.
    Training(Speed, Training),
    /// V.8 ANSam.
    V8Ansam,
    /// V.8 signal.
    V8Signal,
    /// V.34 control channel at 1200 bit/s.
    V34Control1200,
    /// V.34 primary channel.
    V34Primary,
    /// V.34 control channel retrain.
    V34Retrain,
    /// V.33 training at 12000 bit/s.
    V33At12000,
    /// V.33 training at 14400 bit/s.
    V33At14400,
    /// A later extension, by its number (7 to 63).
    Other(u8),
}

/// What carries the data (`t30-data`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DataType {
    /// V.21 channel 2 at 300 bit/s.
    V21,
    /// V.27ter, V.29 or V.17.
    Image(Speed),
    /// V.8.
    V8,
    /// V.34 primary channel rate.
    V34PrimaryRate,
    /// V.34 control channel at 1200 bit/s.
    V34Control1200,
    /// V.34 primary channel.
    V34Primary,
    /// V.33 at 12000 bit/s.
    V33At12000,
    /// V.33 at 14400 bit/s.
    V33At14400,
    /// A later extension, by its number (6 to 63).
    Other(u8),
}

/// What a field is (`field-type`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FieldType {
    /// Octets of an HDLC frame, without FCS.
    HdlcData,
    /// The HDLC signal has ended.
    HdlcSigEnd,
    /// The frame has ended, with a good FCS.
    HdlcFcsOk,
    /// The frame has ended, with a bad FCS.
    HdlcFcsBad,
    /// The frame has ended with a good FCS, and the signal with it.
    HdlcFcsOkSigEnd,
    /// The frame has ended with a bad FCS, and the signal with it.
    HdlcFcsBadSigEnd,
    /// A piece of a bit stream: TCF, or an image without ECM.
    NonEcmData,
    /// The bit stream has ended.
    NonEcmSigEnd,
    /// V.8 CM.
    CmMessage,
    /// V.8 JM.
    JmMessage,
    /// V.8 CI.
    CiMessage,
    /// V.34 rate.
    V34Rate,
    /// A later extension, by its number (4 to 63).
    Other(u8),
}

/// A field of a data packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// What it is.
    pub kind: FieldType,
    /// Its octets; empty where it has none.
    pub data: Vec<u8>,
}

impl Field {
    /// A field without data.
    #[must_use]
    pub fn empty(kind: FieldType) -> Self {
        Self { kind, data: Vec::new() }
    }
}

/// An IFP packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Packet {
    /// A signal begins or ends.
    Indicator(Indicator),
    /// Data of a signal.
    Data(DataType, Vec<Field>),
}

/// Why octets are no IFP packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum IfpError {
    /// It ends too early.
    Truncated,
    /// Octets are left over.
    TrailingOctets,
    /// A number that is reserved, or too large for any extension.
    Reserved,
    /// More than [`PACKET_OCTETS_MAX`].
    TooLong,
    /// More than [`FIELDS_MAX`].
    TooManyFields,
}

impl fmt::Display for IfpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Truncated => "IFP packet is cut short",
            Self::TrailingOctets => "octets after the IFP packet",
            Self::Reserved => "reserved value in an IFP packet",
            Self::TooLong => "IFP packet is too long",
            Self::TooManyFields => "too many fields in an IFP packet",
        })
    }
}

impl core::error::Error for IfpError {}

/// Trainings by their number; the first is 4. V.17 has two for each speed, short before long.
const TRAININGS: [(Speed, Training); 12] = [
    (Speed::V27ter2400, Training::Long),
    (Speed::V27ter4800, Training::Long),
    (Speed::V29At7200, Training::Long),
    (Speed::V29At9600, Training::Long),
    (Speed::V17At7200, Training::Short),
    (Speed::V17At7200, Training::Long),
    (Speed::V17At9600, Training::Short),
    (Speed::V17At9600, Training::Long),
    (Speed::V17At12000, Training::Short),
    (Speed::V17At12000, Training::Long),
    (Speed::V17At14400, Training::Short),
    (Speed::V17At14400, Training::Long),
];
const FIRST_TRAINING: u8 = 4;
/// Data types by their number; the first is 1, after V.21.
const IMAGE_SPEEDS: [Speed; 8] = [
    Speed::V27ter2400,
    Speed::V27ter4800,
    Speed::V29At7200,
    Speed::V29At9600,
    Speed::V17At7200,
    Speed::V17At9600,
    Speed::V17At12000,
    Speed::V17At14400,
];

const INDICATOR_EXTENSIONS: [Indicator; 7] = [
    Indicator::V8Ansam,
    Indicator::V8Signal,
    Indicator::V34Control1200,
    Indicator::V34Primary,
    Indicator::V34Retrain,
    Indicator::V33At12000,
    Indicator::V33At14400,
];
const DATA_EXTENSIONS: [DataType; 6] = [
    DataType::V8,
    DataType::V34PrimaryRate,
    DataType::V34Control1200,
    DataType::V34Primary,
    DataType::V33At12000,
    DataType::V33At14400,
];
const FIELDS: [FieldType; 8] = [
    FieldType::HdlcData,
    FieldType::HdlcSigEnd,
    FieldType::HdlcFcsOk,
    FieldType::HdlcFcsBad,
    FieldType::HdlcFcsOkSigEnd,
    FieldType::HdlcFcsBadSigEnd,
    FieldType::NonEcmData,
    FieldType::NonEcmSigEnd,
];
const FIELD_EXTENSIONS: [FieldType; 4] =
    [FieldType::CmMessage, FieldType::JmMessage, FieldType::CiMessage, FieldType::V34Rate];
/// The number of `item` in a list, from 0.
fn place<T: PartialEq>(list: &[T], item: &T) -> Option<u8> {
    list.iter().position(|other| other == item).and_then(|at| u8::try_from(at).ok())
}

impl Indicator {
    fn number(self) -> Number {
        match self {
            Self::NoSignal => Number::Root(0),
            Self::Cng => Number::Root(1),
            Self::Ced => Number::Root(2),
            Self::V21Preamble => Number::Root(3),
            Self::Training(speed, training) => {
                let named = |training| place(&TRAININGS, &(speed, training));
                // Only V.17 has a short training.
                let at = named(training).or_else(|| named(Training::Long)).unwrap_or(0);
                Number::Root(FIRST_TRAINING + at)
            }
            Self::Other(number) => Number::Extension(number.min(EXTENSION_MAX)),
            known => Number::Extension(place(&INDICATOR_EXTENSIONS, &known).unwrap_or(EXTENSION_MAX)),
        }
    }

    fn from_number(number: Number) -> Result<Self, IfpError> {
        Ok(match number {
            Number::Root(0) => Self::NoSignal,
            Number::Root(1) => Self::Cng,
            Number::Root(2) => Self::Ced,
            Number::Root(3) => Self::V21Preamble,
            Number::Root(n) => {
                let training = TRAININGS.get(usize::from(n.saturating_sub(FIRST_TRAINING)));
                training
                    .map(|(speed, training)| Self::Training(*speed, *training))
                    .ok_or(IfpError::Reserved)?
            }
            Number::Extension(n) => {
                INDICATOR_EXTENSIONS.get(usize::from(n)).copied().unwrap_or(Self::Other(n))
            }
        })
    }
}

impl DataType {
    fn number(self) -> Number {
        match self {
            Self::V21 => Number::Root(0),
            Self::Image(speed) => Number::Root(1 + place(&IMAGE_SPEEDS, &speed).unwrap_or(0)),
            Self::Other(number) => Number::Extension(number.min(EXTENSION_MAX)),
            known => Number::Extension(place(&DATA_EXTENSIONS, &known).unwrap_or(EXTENSION_MAX)),
        }
    }

    fn from_number(number: Number) -> Result<Self, IfpError> {
        match number {
            Number::Root(0) => Ok(Self::V21),
            Number::Root(n) => {
                let speed = IMAGE_SPEEDS.get(usize::from(n - 1));
                speed.map(|speed| Self::Image(*speed)).ok_or(IfpError::Reserved)
            }
            Number::Extension(n) => {
                Ok(DATA_EXTENSIONS.get(usize::from(n)).copied().unwrap_or(Self::Other(n)))
            }
        }
    }
}

impl FieldType {
    fn number(self) -> Number {
        match (place(&FIELDS, &self), self) {
            (Some(number), _) => Number::Root(number),
            (None, Self::Other(number)) => Number::Extension(number.min(EXTENSION_MAX)),
            (None, known) => Number::Extension(place(&FIELD_EXTENSIONS, &known).unwrap_or(EXTENSION_MAX)),
        }
    }

    fn from_number(number: Number) -> Result<Self, IfpError> {
        match number {
            Number::Root(n) => FIELDS.get(usize::from(n)).copied().ok_or(IfpError::Reserved),
            Number::Extension(n) => {
                Ok(FIELD_EXTENSIONS.get(usize::from(n)).copied().unwrap_or(Self::Other(n)))
            }
        }
    }
}

impl Packet {
    /// A data packet with one field.
    #[must_use]
    pub fn data(carrier: DataType, kind: FieldType, data: Vec<u8>) -> Self {
        Self::Data(carrier, alloc::vec![Field { kind, data }])
    }

    /// Reads a packet that should be in `syntax`; tells in which syntax it was.
    ///
    /// # Errors
    ///
    /// [`IfpError`], as the likeliest form has it.
    pub fn parse(octets: &[u8], syntax: Syntax) -> Result<(Self, Syntax), IfpError> {
        if octets.len() > PACKET_OCTETS_MAX {
            return Err(IfpError::TooLong);
        }
        let other = match syntax {
            Syntax::Original => Syntax::Corrected,
            Syntax::Corrected => Syntax::Original,
        };
        let first = parse_as(octets, syntax, true, false);
        if let Ok(packet) = first {
            return Ok((packet, syntax));
        }
        let forms = [
            (syntax, false, false),
            (syntax, true, true),
            (other, true, false),
            (other, false, false),
            (other, true, true),
        ];
        for (syntax, fields_fill_octets, zeros_follow) in forms {
            if let Ok(packet) = parse_as(octets, syntax, fields_fill_octets, zeros_follow) {
                return Ok((packet, syntax));
            }
        }
        first.map(|packet| (packet, syntax))
    }

    /// The packet in octets.
    ///
    /// # Errors
    ///
    /// [`IfpError`]: a limit is passed, or the original syntax has no such field type ([`IfpError::Reserved`]).
    pub fn to_octets(&self, syntax: Syntax) -> Result<Vec<u8>, IfpError> {
        let mut out = BitWriter::default();
        match self {
            Self::Indicator(indicator) => {
                out.bits(0b00, 2);
                out.enumerated(indicator.number(), 4);
                out.align();
            }
            Self::Data(carrier, fields) => {
                out.bits(u8::from(!fields.is_empty()), 1);
                out.bits(1, 1);
                out.enumerated(carrier.number(), 4);
                out.align();
                write_fields(&mut out, fields, syntax)?;
            }
        }
        if out.octets.len() > PACKET_OCTETS_MAX { Err(IfpError::TooLong) } else { Ok(out.octets) }
    }
}

fn write_fields(out: &mut BitWriter, fields: &[Field], syntax: Syntax) -> Result<(), IfpError> {
    if fields.len() > FIELDS_MAX {
        return Err(IfpError::TooManyFields);
    }
    if fields.is_empty() {
        return Ok(());
    }
    out.octets.extend(u8::try_from(fields.len()));
    for field in fields {
        out.bits(u8::from(!field.data.is_empty()), 1);
        match (syntax, field.kind.number()) {
            (Syntax::Original, Number::Root(number)) => out.bits(number, 3),
            (Syntax::Original, Number::Extension(_)) => return Err(IfpError::Reserved),
            (Syntax::Corrected, number) => out.enumerated(number, 3),
        }
        out.align();
        if let Some(last) = field.data.len().checked_sub(1) {
            out.octets.extend(u16::try_from(last).map_err(|_| IfpError::TooLong)?.to_be_bytes());
            out.octets.extend(&field.data);
        }
    }
    Ok(())
}

/// Reads in one form.
fn parse_as(
    octets: &[u8],
    syntax: Syntax,
    fields_fill_octets: bool,
    zeros_follow: bool,
) -> Result<Packet, IfpError> {
    let mut bits = BitReader { octets, at: 0 };
    let has_fields = bits.bit()?;
    let is_data = bits.bit()?;
    let number = bits.enumerated(4)?;
    let packet = if is_data {
        let carrier = DataType::from_number(number)?;
        bits.align();
        let fields =
            if has_fields { read_fields(&mut bits, syntax, fields_fill_octets)? } else { Vec::new() };
        Packet::Data(carrier, fields)
    } else if has_fields {
        return Err(IfpError::Reserved);
    } else {
        Packet::Indicator(Indicator::from_number(number)?)
    };
    bits.align();
    let rest = bits.rest();
    let is_whole = rest.is_empty() || zeros_follow && rest.iter().all(|octet| *octet == 0);
    if is_whole { Ok(packet) } else { Err(IfpError::TrailingOctets) }
}

fn read_fields(
    bits: &mut BitReader<'_>,
    syntax: Syntax,
    fields_fill_octets: bool,
) -> Result<Vec<Field>, IfpError> {
    let count = bits.octet()?;
    if usize::from(count) > FIELDS_MAX {
        return Err(IfpError::TooManyFields);
    }
    let mut fields = Vec::new();
    for _ in 0..count {
        let has_data = bits.bit()?;
        let number = match syntax {
            Syntax::Original => Number::Root(bits.bits(3)?),
            Syntax::Corrected => bits.enumerated(3)?,
        };
        let kind = FieldType::from_number(number)?;
        if has_data || fields_fill_octets {
            bits.align();
        }
        let data = if has_data {
            let length = usize::from(bits.octet()?) << 8 | usize::from(bits.octet()?);
            bits.take(length + 1)?.to_vec()
        } else {
            Vec::new()
        };
        fields.push(Field { kind, data });
    }
    Ok(fields)
}
