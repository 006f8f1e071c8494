//! A record of the journal: what a file of the spool is to hold, framed so that a torn record is told from a whole one.
//!
//! ```text
//! 0   CRC-32 of all that follows      4 octets
//! 4   kind: 1 write, 2 cut            1
//! 5   octets of the name              1
//! 6   nothing                         2
//! 8   octets to write                 4
//! 12  offset, or length after a cut   8
//! 20  the name, then the octets to write
//! ```
//! Numbers are little-endian. Zeros are no record: a segment ends in them.

use std::borrow::Cow;

const HEAD_BYTES: usize = 20;
const WRITE: u8 = 1;
const CUT: u8 = 2;

/// A change of one file of the spool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Patch<'a> {
    /// The file's name, at most 255 octets.
    pub(crate) name: Cow<'a, str>,
    /// What becomes of it.
    pub(crate) change: Change<'a>,
}

/// What becomes of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Change<'a> {
    /// It holds these octets from `offset` on, at most 4 GiB.
    Write {
        /// Where they begin.
        offset: u64,
        /// The octets.
        bytes: Cow<'a, [u8]>,
    },
    /// It has its first `length` octets and no more; with none, it is gone.
    Cut {
        /// How many.
        length: u64,
    },
}

impl<'a> Patch<'a> {
    /// The file holds these octets from `offset` on.
    pub(crate) fn write(name: impl Into<Cow<'a, str>>, offset: u64, bytes: &'a [u8]) -> Self {
        Self { name: name.into(), change: Change::Write { offset, bytes: bytes.into() } }
    }

    /// The file is cut to its first octets, or is gone.
    pub(crate) fn cut(name: impl Into<Cow<'a, str>>, length: u64) -> Self {
        Self { name: name.into(), change: Change::Cut { length } }
    }

    /// Appends the record.
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        let (kind, number, bytes): (_, _, &[u8]) = match &self.change {
            Change::Write { offset, bytes } => (WRITE, *offset, bytes),
            Change::Cut { length } => (CUT, *length, &[]),
        };
        let begin = out.len();
        out.extend([0; 4]);
        out.extend([kind, u8::try_from(self.name.len()).unwrap_or(u8::MAX), 0, 0]);
        out.extend(u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_le_bytes());
        out.extend(number.to_le_bytes());
        out.extend(self.name.as_bytes());
        out.extend(bytes);
        let check = crc32fast::hash(out.get(begin + 4..).unwrap_or_default());
        if let Some(place) = out.get_mut(begin..begin + 4) {
            place.copy_from_slice(&check.to_le_bytes());
        }
    }

    /// The record that begins here and the octets it takes; `None` where there is none, or it is not whole.
    pub(crate) fn decode(input: &'a [u8]) -> Option<(Self, usize)> {
        let (check, _) = input.split_first_chunk()?;
        let kind = *input.get(4)?;
        let name_bytes = usize::from(*input.get(5)?);
        let (length, _) = input.get(8..)?.split_first_chunk()?;
        let (number, _) = input.get(12..)?.split_first_chunk()?;
        let number = u64::from_le_bytes(*number);
        let name_end = HEAD_BYTES + name_bytes;
        let end = name_end.checked_add(usize::try_from(u32::from_le_bytes(*length)).ok()?)?;
        let whole = input.get(4..end)?;
        if name_bytes == 0 || crc32fast::hash(whole) != u32::from_le_bytes(*check) {
            return None;
        }
        let name = std::str::from_utf8(input.get(HEAD_BYTES..name_end)?).ok()?;
        let patch = match kind {
            WRITE => Self::write(name, number, input.get(name_end..end)?),
            CUT => Self::cut(name, number),
            _ => return None,
        };
        Some((patch, end))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_read_as_it_was_written_and_no_other_is() {
        for patch in [Patch::write("0001.log", 70_000, b"a line\n"), Patch::cut("0001.fax", 0)] {
            let mut bytes = Vec::new();
            patch.encode(&mut bytes);
            let length = bytes.len();
            bytes.extend([0; 64]);
            assert_eq!(Patch::decode(&bytes), Some((patch, length)));
            for end in 0..length {
                assert_eq!(Patch::decode(&bytes[..end]), None, "cut at {end}");
            }
            for at in 0..length {
                let mut damaged = bytes.clone();
                damaged[at] ^= 0x40;
                assert_eq!(Patch::decode(&damaged), None, "damaged at {at}");
            }
            assert_eq!(Patch::decode(&bytes[length..]), None, "zeros are no record");
        }
    }
}
