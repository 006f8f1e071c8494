//! The values of a field, in whichever type the writer chose (TIFF 6.0 section 2; RFC 3249 clause 5.2.3.1 d: readers
//! are flexible where the type is another than the field's own).

use super::directory::Field;
use super::error::TiffError;
use alloc::string::String;

/// Characters of a text that are read; what goes beyond is cut off.
const TEXT_MAX: usize = 1000;

/// The type of a field's values.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// BYTE, SBYTE and UNDEFINED; negative numbers do not occur where we look.
    Byte,
    Ascii,
    /// SHORT and SSHORT.
    Short,
    /// LONG and SLONG, and IFD: a LONG that points to a directory.
    Long,
    /// RATIONAL and SRATIONAL.
    Rational,
    Float,
    Double,
    /// LONG8, SLONG8 and IFD8 of BigTIFF.
    Long8,
    Unknown,
}

impl Kind {
    pub(super) fn new(number: u16) -> Self {
        match number {
            1 | 6 | 7 => Self::Byte,
            2 => Self::Ascii,
            3 | 8 => Self::Short,
            4 | 9 | 13 => Self::Long,
            5 | 10 => Self::Rational,
            11 => Self::Float,
            12 => Self::Double,
            16..=18 => Self::Long8,
            _ => Self::Unknown,
        }
    }

    /// Octets of one value. Unknown types count as long ones, so that their entry is read as an offset.
    pub(super) fn octets(self) -> usize {
        match self {
            Self::Byte | Self::Ascii => 1,
            Self::Short => 2,
            Self::Long | Self::Float => 4,
            Self::Rational | Self::Double | Self::Long8 | Self::Unknown => 8,
        }
    }
}

impl Field<'_> {
    /// Value `index` of a whole-number field.
    pub(super) fn number(&self, index: usize) -> Result<u32, TiffError> {
        u32::try_from(self.whole(index)?).map_err(|_| TiffError::Invalid(self.tag))
    }

    /// Value `index` of a field of offsets.
    pub(super) fn offset(&self, index: usize) -> Result<usize, TiffError> {
        usize::try_from(self.whole(index)?).map_err(|_| TiffError::Truncated)
    }

    fn whole(&self, index: usize) -> Result<u64, TiffError> {
        if index >= self.count {
            return Err(TiffError::Invalid(self.tag));
        }
        let at = index.checked_mul(self.kind.octets()).and_then(|offset| self.at.checked_add(offset));
        let at = at.ok_or(TiffError::Truncated)?;
        match self.kind {
            Kind::Byte => self.file.u8(at).map(u64::from),
            Kind::Short => self.file.u16(at).map(u64::from),
            Kind::Long => self.file.u32(at).map(u64::from),
            Kind::Long8 => self.file.u64(at),
            _ => Err(TiffError::Invalid(self.tag)),
        }
    }

    /// The first value of a field of fractions: numerator and denominator. Some writers have whole or floating-point
    /// numbers there.
    pub(super) fn rational(&self) -> Result<(u32, u32), TiffError> {
        let thousandths = |value: f64| ((value * 1000.0 + 0.5) as u32, 1000);
        match self.kind {
            Kind::Rational => {
                let denominator_at = self.at.checked_add(4).ok_or(TiffError::Truncated)?;
                Ok((self.file.u32(self.at)?, self.file.u32(denominator_at)?))
            }
            Kind::Float => Ok(thousandths(f32::from_bits(self.file.u32(self.at)?).into())),
            Kind::Double => Ok(thousandths(f64::from_bits(self.file.u64(self.at)?))),
            _ => Ok((self.number(0)?, 1)),
        }
    }

    /// A text up to its first zero; `None` where it is none, or empty. What is not ASCII becomes "?".
    pub(super) fn text(&self) -> Option<String> {
        if self.kind != Kind::Ascii && self.kind != Kind::Byte {
            return None;
        }
        let end = self.at.checked_add(self.count.min(TEXT_MAX))?;
        let octets = self.file.octets(self.at, end).ok()?.iter().take_while(|&&octet| octet != 0);
        let text: String =
            octets.map(|&octet| if octet.is_ascii() { char::from(octet) } else { '?' }).collect();
        (!text.is_empty()).then_some(text)
    }
}
