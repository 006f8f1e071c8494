//! The packet: a length, a code, its data.
//!
//! A packet is a `u32` in network byte order that counts what follows, one byte that says what it is, and data whose
//! form depends on that byte (libmilter's `mi_rd_cmd`, `mi_wr_cmd`). Text in the data ends with a NUL.
//!
//! Reading is exact about what could be misread and lenient about what cannot: a missing NUL is an error, bytes after
//! the last known field are left alone, as a later version may have put them there.

use alloc::vec::Vec;
use core::fmt;

/// The most bytes a packet's length may count, code included: the 1 MiB of data of
/// [`Steps::DATA_1M`](crate::Steps::DATA_1M). It is over the 65,535 of the default because a header field may be longer
/// (Postfix sends up to `header_size_limit`, 102,400 by default).
pub const PACKET_BYTES_MAX: usize = 1 + 1024 * 1024;

/// The most texts in one list: macros and their values, ESMTP parameters, macro lists.
pub const TEXTS_MAX: usize = 1_000;

/// Bytes of the length in front of a packet.
const LENGTH_BYTES: usize = 4;

/// Why a packet can not be read or written. After any of these the stream has lost its frame or its sense:
/// close it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// The length is 0, so there is not even a code.
    Empty,
    /// The length counts more than [`PACKET_BYTES_MAX`] bytes.
    TooLong {
        /// Bytes, code included.
        bytes: usize,
    },
    /// No command, or no reply, has this code.
    UnknownCode(u8),
    /// The data ends before a field that must be there.
    Truncated,
    /// A text does not end.
    MissingNul,
    /// A text to be written has a NUL in it, and would end there.
    NulInText,
    /// A list has more than [`TEXTS_MAX`] texts.
    TooManyTexts,
    /// A macro has a name but no value.
    MacroWithoutValue,
    /// CONNECT names an address family that is none of `U`, `L`, `4`, `6`.
    UnknownFamily(u8),
    /// A reply code that is not three digits from 400 to 599.
    BadReplyCode,
    /// A macro list for a step of the session that there is not.
    UnknownStep(u32),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("a packet of no bytes"),
            Self::TooLong { bytes } => {
                write!(f, "a packet of {bytes} bytes, over the limit of {PACKET_BYTES_MAX}")
            }
            Self::UnknownCode(code) => write!(f, "unknown packet code {code:#04x}"),
            Self::Truncated => f.write_str("a packet ends within a field"),
            Self::MissingNul => f.write_str("a text in a packet has no end"),
            Self::NulInText => f.write_str("a text with a NUL in it can not be sent"),
            Self::TooManyTexts => write!(f, "a list of more than {TEXTS_MAX} texts"),
            Self::MacroWithoutValue => f.write_str("a macro has no value"),
            Self::UnknownFamily(family) => write!(f, "unknown address family {family:#04x}"),
            Self::BadReplyCode => f.write_str("an SMTP reply does not begin with a code from 400 to 599"),
            Self::UnknownStep(step) => write!(f, "macros for an unknown step {step}"),
        }
    }
}

impl core::error::Error for Error {}

/// The first packet in `received`, and how many bytes it took; `None` when it is not there as a whole yet.
pub(crate) fn split(received: &[u8]) -> Result<Option<(u8, Fields<'_>, usize)>, Error> {
    let Some((length, rest)) = received.split_first_chunk::<LENGTH_BYTES>() else {
        return Ok(None);
    };
    let bytes = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
    // Before the packet is there, or a peer could have us wait for, and keep, 4 GiB.
    if bytes > PACKET_BYTES_MAX {
        return Err(Error::TooLong { bytes });
    }
    let Some(packet) = rest.get(..bytes) else {
        return Ok(None);
    };
    let (code, data) = packet.split_first().ok_or(Error::Empty)?;
    Ok(Some((*code, Fields { rest: data }, LENGTH_BYTES + bytes)))
}

/// Reads the fields of a packet one after the other.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    /// Whether all has been read.
    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// All that is left.
    pub(crate) fn bytes(self) -> &'a [u8] {
        self.rest
    }

    pub(crate) fn byte(&mut self) -> Result<u8, Error> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub(crate) fn number16(&mut self) -> Result<u16, Error> {
        self.array().map(u16::from_be_bytes)
    }

    pub(crate) fn number32(&mut self) -> Result<u32, Error> {
        self.array().map(u32::from_be_bytes)
    }

    /// A text, without the NUL at its end.
    pub(crate) fn text(&mut self) -> Result<&'a [u8], Error> {
        let end = self.rest.iter().position(|byte| *byte == 0).ok_or(Error::MissingNul)?;
        let (text, rest) = self.rest.split_at(end);
        self.rest = rest.get(1..).unwrap_or_default();
        Ok(text)
    }

    /// Texts to the end of the packet.
    pub(crate) fn texts(mut self) -> Result<Vec<&'a [u8]>, Error> {
        let mut texts = Vec::new();
        while !self.is_empty() {
            if texts.len() == TEXTS_MAX {
                return Err(Error::TooManyTexts);
            }
            texts.push(self.text()?);
        }
        Ok(texts)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        let (array, rest) = self.rest.split_first_chunk().ok_or(Error::Truncated)?;
        self.rest = rest;
        Ok(*array)
    }
}

/// Appends a packet to `out`, whose data `fields` writes; on an error `out` is as it was.
pub(crate) fn append(
    out: &mut Vec<u8>,
    code: u8,
    fields: impl FnOnce(&mut Writer<'_>) -> Result<(), Error>,
) -> Result<(), Error> {
    let start = out.len();
    out.extend([0; LENGTH_BYTES]);
    out.push(code);
    let written = fields(&mut Writer { out }).and_then(|()| set_length(out, start));
    if written.is_err() {
        out.truncate(start);
    }
    written
}

/// Fills in the length of the packet that begins at `start`.
fn set_length(out: &mut [u8], start: usize) -> Result<(), Error> {
    let packet = out.get_mut(start..).unwrap_or_default();
    let bytes = packet.len().saturating_sub(LENGTH_BYTES);
    let length =
        u32::try_from(bytes).ok().filter(|_| bytes <= PACKET_BYTES_MAX).ok_or(Error::TooLong { bytes })?;
    if let Some(place) = packet.first_chunk_mut() {
        *place = length.to_be_bytes();
    }
    Ok(())
}

/// Writes the fields of a packet one after the other.
#[derive(Debug)]
pub(crate) struct Writer<'a> {
    out: &'a mut Vec<u8>,
}

impl Writer<'_> {
    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
    }

    pub(crate) fn number16(&mut self, number: u16) {
        self.bytes(&number.to_be_bytes());
    }

    pub(crate) fn number32(&mut self, number: u32) {
        self.bytes(&number.to_be_bytes());
    }

    /// A text and the NUL at its end.
    pub(crate) fn text(&mut self, text: &[u8]) -> Result<(), Error> {
        if text.contains(&0) {
            return Err(Error::NulInText);
        }
        self.bytes(text);
        self.bytes(&[0]);
        Ok(())
    }

    pub(crate) fn texts(&mut self, texts: &[&[u8]]) -> Result<(), Error> {
        if texts.len() > TEXTS_MAX {
            return Err(Error::TooManyTexts);
        }
        texts.iter().try_for_each(|text| self.text(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;
    use alloc::vec;

    #[test]
    fn half_a_packet_is_awaited() {
        let whole = b"\0\0\0\x03Bab";
        for received in 0..whole.len() {
            assert!(split(&whole[..received]).unwrap().is_none(), "{received} bytes");
        }
        let (code, fields, consumed) = split(b"\0\0\0\x03Babnext").unwrap().unwrap();
        assert_eq!((code, fields.bytes(), consumed), (b'B', &b"ab"[..], 7));
    }

    #[test]
    fn the_limit_is_checked_before_the_packet_is_there() {
        assert_eq!(split(b"\0\0\0\0").unwrap_err(), Error::Empty);
        assert!(split(b"\0\x10\0\x01").unwrap().is_none());
        assert_eq!(split(b"\0\x10\0\x02").unwrap_err(), Error::TooLong { bytes: PACKET_BYTES_MAX + 1 });
        assert_eq!(split(&[0xff; 4]).unwrap_err(), Error::TooLong { bytes: 0xffff_ffff });
    }

    #[test]
    fn what_is_too_long_is_not_written() {
        let mut out = vec![7];
        let full = vec![b'x'; PACKET_BYTES_MAX - 1];
        append(&mut out, b'B', |w| {
            w.bytes(&full);
            Ok(())
        })
        .unwrap();
        assert_eq!(out.len(), 1 + 4 + PACKET_BYTES_MAX);
        out.truncate(1);
        let error = append(&mut out, b'B', |w| {
            w.bytes(&full);
            w.bytes(b"x");
            Ok(())
        });
        assert_eq!(error, Err(Error::TooLong { bytes: PACKET_BYTES_MAX + 1 }));
        assert_eq!(out, [7]);
    }

    #[test]
    fn a_text_can_not_carry_its_own_end() {
        let mut out = vec![];
        assert_eq!(append(&mut out, b'H', |w| w.text(b"a\0b")), Err(Error::NulInText));
        assert!(out.is_empty());
    }

    #[test]
    fn lists_have_a_limit_both_ways() {
        let fields = |texts: usize| Fields { rest: &[0; TEXTS_MAX + 1][..texts] }.texts().map(|t| t.len());
        assert_eq!(fields(TEXTS_MAX), Ok(TEXTS_MAX));
        assert_eq!(fields(TEXTS_MAX + 1), Err(Error::TooManyTexts));
        let mut out = vec![];
        let many = vec![&b""[..]; TEXTS_MAX + 1];
        assert_eq!(append(&mut out, b'M', |w| w.texts(&many)), Err(Error::TooManyTexts));
    }

    #[test]
    fn errors_say_what_is_wrong() {
        assert_eq!(Error::UnknownCode(b'Z').to_string(), "unknown packet code 0x5a");
        assert_eq!(
            Error::TooLong { bytes: 2_000_000 }.to_string(),
            "a packet of 2000000 bytes, over the limit of 1048577"
        );
    }
}
