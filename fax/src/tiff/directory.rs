//! The container: header, byte order, image file directories and their fields (TIFF 6.0 section 2).
//!
//! Nothing is copied: a field is looked up in the file when it is asked for. An offset beyond the file is
//! [`TiffError::Truncated`].

use super::error::TiffError;

/// Fields in one directory; real ones have some twenty.
const FIELDS_MAX: u16 = 1000;
const ENTRY_OCTETS: u32 = 12;

const TYPE_BYTE: u16 = 1;
const TYPE_SHORT: u16 = 3;
const TYPE_LONG: u16 = 4;
const TYPE_RATIONAL: u16 = 5;
/// A LONG that points to a directory (TIFF technical note 1).
const TYPE_IFD: u16 = 13;

/// A TIFF file in memory.
#[derive(Clone, Copy)]
pub(super) struct File<'a> {
    data: &'a [u8],
    big_endian: bool,
}

impl<'a> File<'a> {
    /// Reads the header. Yields the file and the offset of its first directory.
    pub(super) fn open(data: &'a [u8]) -> Result<(Self, u32), TiffError> {
        let big_endian = match data.get(..2) {
            Some(b"II") => false,
            Some(b"MM") => true,
            _ => return Err(TiffError::NotTiff),
        };
        let file = Self { data, big_endian };
        match file.u16(2).map_err(|_| TiffError::NotTiff)? {
            42 => Ok((file, file.u32(4)?)),
            43 => Err(TiffError::BigTiff),
            _ => Err(TiffError::NotTiff),
        }
    }

    /// The octets from `offset`: `length`, or fewer where the file ends before; no offset beyond the end.
    pub(super) fn octets(&self, offset: u32, length: usize) -> Result<&'a [u8], TiffError> {
        let rest = self.data.get(offset as usize..).ok_or(TiffError::Truncated)?;
        Ok(rest.get(..length).unwrap_or(rest))
    }

    /// The directory at `offset`.
    pub(super) fn directory(self, offset: u32) -> Result<Directory<'a>, TiffError> {
        let fields = self.u16(offset)?;
        if fields > FIELDS_MAX {
            return Err(TiffError::Limit("fields_max"));
        }
        let entries = offset.checked_add(2).ok_or(TiffError::Truncated)?;
        Ok(Directory { file: self, entries, fields })
    }

    fn chunk<const N: usize>(&self, at: u32) -> Result<[u8; N], TiffError> {
        let rest = self.data.get(at as usize..).unwrap_or(&[]);
        rest.first_chunk().copied().ok_or(TiffError::Truncated)
    }

    fn u16(&self, at: u32) -> Result<u16, TiffError> {
        let octets = self.chunk(at)?;
        Ok(if self.big_endian { u16::from_be_bytes(octets) } else { u16::from_le_bytes(octets) })
    }

    fn u32(&self, at: u32) -> Result<u32, TiffError> {
        let octets = self.chunk(at)?;
        Ok(if self.big_endian { u32::from_be_bytes(octets) } else { u32::from_le_bytes(octets) })
    }
}

/// One image file directory.
#[derive(Clone, Copy)]
pub(super) struct Directory<'a> {
    file: File<'a>,
    entries: u32,
    fields: u16,
}

/// Where the values of a field lie.
#[derive(Clone, Copy)]
pub(super) struct Field<'a> {
    file: File<'a>,
    tag: u16,
    kind: u16,
    count: u32,
    at: u32,
}

impl<'a> Directory<'a> {
    /// The offset of the directory after this one; 0 after the last.
    pub(super) fn next(&self) -> Result<u32, TiffError> {
        self.file.u32(self.entry(self.fields)?)
    }

    /// The field with this tag, wherever it stands; `None` also where it has no value.
    pub(super) fn field(&self, tag: u16) -> Result<Option<Field<'a>>, TiffError> {
        for index in 0..self.fields {
            let entry = self.entry(index)?;
            if self.file.u16(entry)? == tag {
                let field = self.read_entry(entry)?;
                return Ok((field.count > 0).then_some(field));
            }
        }
        Ok(None)
    }

    /// The first value of a whole-number field.
    pub(super) fn number(&self, tag: u16) -> Result<Option<u32>, TiffError> {
        self.field(tag)?.map(|field| field.number(0)).transpose()
    }

    /// The first value of a field of SHORTs.
    pub(super) fn short(&self, tag: u16) -> Result<Option<u16>, TiffError> {
        let number = self.number(tag)?;
        number.map(|number| u16::try_from(number).map_err(|_| TiffError::Invalid(tag))).transpose()
    }

    fn entry(&self, index: u16) -> Result<u32, TiffError> {
        self.entries.checked_add(u32::from(index) * ENTRY_OCTETS).ok_or(TiffError::Truncated)
    }

    fn read_entry(&self, entry: u32) -> Result<Field<'a>, TiffError> {
        let file = self.file;
        let (tag, kind, count) = (file.u16(entry)?, file.u16(entry + 2)?, file.u32(entry + 4)?);
        // Up to four octets of values stand in the entry itself.
        let inside = u64::from(count) * u64::from(octets_of(kind)) <= 4;
        let at = if inside { entry + 8 } else { file.u32(entry + 8)? };
        Ok(Field { file, tag, kind, count, at })
    }
}

impl Field<'_> {
    /// Value `index` of a whole-number field.
    pub(super) fn number(&self, index: u32) -> Result<u32, TiffError> {
        if index >= self.count {
            return Err(TiffError::Invalid(self.tag));
        }
        let at = index.checked_mul(octets_of(self.kind)).and_then(|offset| self.at.checked_add(offset));
        let at = at.ok_or(TiffError::Truncated)?;
        match self.kind {
            TYPE_BYTE => self.file.chunk::<1>(at).map(|[octet]| u32::from(octet)),
            TYPE_SHORT => self.file.u16(at).map(u32::from),
            TYPE_LONG | TYPE_IFD => self.file.u32(at),
            _ => Err(TiffError::Invalid(self.tag)),
        }
    }

    /// The first value of a field of fractions: numerator and denominator. Some writers have whole numbers there.
    pub(super) fn rational(&self) -> Result<(u32, u32), TiffError> {
        if self.kind != TYPE_RATIONAL {
            return Ok((self.number(0)?, 1));
        }
        let denominator_at = self.at.checked_add(4).ok_or(TiffError::Truncated)?;
        Ok((self.file.u32(self.at)?, self.file.u32(denominator_at)?))
    }
}

/// Octets of one value. Unknown types count as long ones, so that their entry is read as an offset.
fn octets_of(kind: u16) -> u32 {
    match kind {
        TYPE_BYTE | 2 | 6 | 7 => 1,
        TYPE_SHORT | 8 => 2,
        TYPE_LONG | TYPE_IFD | 9 | 11 => 4,
        _ => 8,
    }
}
