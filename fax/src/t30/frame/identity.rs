//! Who a station is and what it asks for, in 20 characters: CSI, TSI and CIG; SUB, SEP, PWD and SID
//! (ITU-T T.30 clauses 5.3.6.2.4 to 5.3.6.2.11).
//!
//! The text stands at the right of its 20 places, with spaces before it, and is written backwards: the last character
//! comes first and the spaces come last. Reading is tolerant: spaces may be on either side, and what a peer puts there
//! beyond printable ASCII is left out.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

/// Characters in such a field.
pub const STATION_ID_CHARS: usize = 20;

/// A station identification: up to 20 printable ASCII characters, usually a telephone number.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct StationId(String);

/// A station ID that is too long or has characters outside printable ASCII.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadStationId;

impl fmt::Display for BadStationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a station ID has at most {STATION_ID_CHARS} printable ASCII characters")
    }
}

impl core::error::Error for BadStationId {}

impl StationId {
    /// Checks an identification.
    ///
    /// # Errors
    /// More than 20 characters, or one outside printable ASCII.
    pub fn new(text: &str) -> Result<Self, BadStationId> {
        let text = text.trim();
        if text.len() > STATION_ID_CHARS || !text.bytes().all(is_printable) {
            return Err(BadStationId);
        }
        Ok(Self(text.into()))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The information field.
    #[must_use]
    pub fn to_fif(&self) -> Vec<u8> {
        backwards(&self.0)
    }

    /// Reads an information field.
    #[must_use]
    pub fn from_fif(fif: &[u8]) -> Self {
        Self(forwards(fif))
    }
}

impl fmt::Display for StationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A subaddress, a selective polling address or a password: up to 20 digits, `#`, `*` and spaces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Digits(String);

/// A subaddress or password that is empty, too long or has other characters than digits, `#`, `*` and spaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadDigits;

impl fmt::Display for BadDigits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "a subaddress or fax password has 1 to {STATION_ID_CHARS} digits, \"#\", \"*\" and spaces only"
        )
    }
}

impl core::error::Error for BadDigits {}

impl Digits {
    /// Checks a subaddress or password.
    ///
    /// # Errors
    /// No character, more than 20, or one that T.30 does not allow.
    pub fn new(text: &str) -> Result<Self, BadDigits> {
        let text = text.trim();
        let is_allowed = |b: u8| b.is_ascii_digit() || b"#* ".contains(&b);
        if text.is_empty() || text.len() > STATION_ID_CHARS || !text.bytes().all(is_allowed) {
            return Err(BadDigits);
        }
        Ok(Self(text.into()))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The information field.
    #[must_use]
    pub fn to_fif(&self) -> Vec<u8> {
        backwards(&self.0)
    }
}

impl fmt::Display for Digits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The text of an information field.
pub(crate) fn forwards(fif: &[u8]) -> String {
    let kept = fif.iter().take(STATION_ID_CHARS).rev();
    let text: String = kept.filter(|b| is_printable(**b)).map(|b| char::from(*b)).collect();
    text.trim().into()
}

fn backwards(text: &str) -> Vec<u8> {
    let mut fif: Vec<u8> = text.bytes().rev().collect();
    fif.resize(STATION_ID_CHARS, b' ');
    fif
}

fn is_printable(octet: u8) -> bool {
    (0x20..0x7F).contains(&octet)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_station_id_goes_backwards() {
        let id = StationId::new("+1 212 555 0123").unwrap();
        let fif = id.to_fif();
        assert_eq!(fif, b"3210 555 212 1+     ");
        assert_eq!(StationId::from_fif(&fif), id);
        assert_eq!(StationId::from_fif(b"     3210 555 212 1+"), id, "spaces on the wrong side");
        assert_eq!(StationId::from_fif(&[0x00, 0x1B, b'1', 0xFF, b'2']).as_str(), "21");
        assert_eq!(StationId::new("123456789012345678901"), Err(BadStationId));
        assert_eq!(StationId::new("Ä"), Err(BadStationId));
    }

    #[test]
    fn a_subaddress_is_digits_and_goes_backwards() {
        let digits = Digits::new(" 12#4*5 ").unwrap();
        assert_eq!(digits.to_fif(), b"5*4#21              ");
        assert_eq!(forwards(&digits.to_fif()), digits.as_str());
        for bad in ["", "   ", "+12", "12a", "123456789012345678901", "1\u{0}"] {
            assert_eq!(Digits::new(bad), Err(BadDigits), "{bad:?}");
        }
        // What a peer sends is taken as it is, for a person to read.
        assert_eq!(forwards(b"zyx 98\x007"), "789 xyz");
        assert_eq!(forwards(&[]), "");
    }
}
