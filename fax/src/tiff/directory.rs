//! The container: header, byte order, image file directories and their fields (TIFF 6.0 section 2; BigTIFF, which has
//! the same with longer numbers).
//!
//! Nothing is copied: a field is looked up in the file when it is asked for. An offset beyond the file is
//! [`TiffError::Truncated`].

use super::error::TiffError;
use super::value::Kind;

/// Fields in one directory; real ones have some twenty.
const FIELDS_MAX: u64 = 1000;

/// The number that says TIFF, and the one that says BigTIFF.
const CLASSIC: u8 = 42;
const BIG: u8 = 43;

/// A TIFF file in memory.
#[derive(Clone, Copy)]
pub(super) struct File<'a> {
    data: &'a [u8],
    big_endian: bool,
    /// BigTIFF: counts and offsets have eight octets.
    big: bool,
}

impl<'a> File<'a> {
    /// Reads the header. Yields the file and the offset of its first directory.
    ///
    /// Some writers put other octets than "II" or "MM" at the beginning (RFC 3249 clause 5.2.1 b); the number that
    /// follows tells the byte order as well.
    pub(super) fn open(data: &'a [u8]) -> Result<(Self, usize), TiffError> {
        let (big_endian, number) = match data.first_chunk() {
            Some([b'I', b'I', number, 0]) => (false, *number),
            Some([b'M', b'M', 0, number]) => (true, *number),
            Some([b'I', b'I', ..] | [b'M', b'M', ..]) => return Err(TiffError::NotTiff),
            Some([_, _, number, 0]) => (false, *number),
            Some([_, _, 0, number]) => (true, *number),
            _ => return Err(TiffError::NotTiff),
        };
        let file = Self { data, big_endian, big: number == BIG };
        match number {
            CLASSIC => Ok((file, file.offset(4)?)),
            // The octets of an offset, and two zeros.
            BIG if file.u32(4).is_ok_and(|sizes| sizes == if big_endian { 8 << 16 } else { 8 }) => {
                Ok((file, file.offset(8)?))
            }
            _ => Err(TiffError::NotTiff),
        }
    }

    /// Octets of the file.
    pub(super) fn length(&self) -> usize {
        self.data.len()
    }

    /// The octets from `start` to `end`, or to the end of the file; `start` is not beyond it.
    pub(super) fn octets(&self, start: usize, end: usize) -> Result<&'a [u8], TiffError> {
        let end = end.min(self.data.len());
        self.data.get(start..end.max(start)).ok_or(TiffError::Truncated)
    }

    /// The directory at `offset`.
    pub(super) fn directory(self, offset: usize) -> Result<Directory<'a>, TiffError> {
        let (fields, count_octets) =
            if self.big { (self.u64(offset)?, 8) } else { (self.u16(offset)?.into(), 2) };
        if fields > FIELDS_MAX {
            return Err(TiffError::Limit("fields_max"));
        }
        let entries = offset.checked_add(count_octets).ok_or(TiffError::Truncated)?;
        let directory = Directory { file: self, offset, entries, fields: fields as usize };
        // All of its fields are there, even if the offset after them is not.
        self.octets(directory.entry(directory.fields)?, 0)?;
        Ok(directory)
    }

    fn chunk<const N: usize>(&self, at: usize) -> Result<[u8; N], TiffError> {
        let rest = self.data.get(at..).unwrap_or(&[]);
        rest.first_chunk().copied().ok_or(TiffError::Truncated)
    }

    pub(super) fn u8(&self, at: usize) -> Result<u8, TiffError> {
        self.chunk(at).map(|[octet]| octet)
    }

    pub(super) fn u16(&self, at: usize) -> Result<u16, TiffError> {
        let octets = self.chunk(at)?;
        Ok(if self.big_endian { u16::from_be_bytes(octets) } else { u16::from_le_bytes(octets) })
    }

    pub(super) fn u32(&self, at: usize) -> Result<u32, TiffError> {
        let octets = self.chunk(at)?;
        Ok(if self.big_endian { u32::from_be_bytes(octets) } else { u32::from_le_bytes(octets) })
    }

    pub(super) fn u64(&self, at: usize) -> Result<u64, TiffError> {
        let octets = self.chunk(at)?;
        Ok(if self.big_endian { u64::from_be_bytes(octets) } else { u64::from_le_bytes(octets) })
    }

    /// An offset, or a count of values, as long as this kind of file has them.
    fn offset(&self, at: usize) -> Result<usize, TiffError> {
        let value = if self.big { self.u64(at)? } else { self.u32(at)?.into() };
        usize::try_from(value).map_err(|_| TiffError::Truncated)
    }

    /// Octets of an offset: values up to this long stand in the field itself.
    fn offset_octets(&self) -> usize {
        if self.big { 8 } else { 4 }
    }
}

/// One image file directory.
#[derive(Clone, Copy)]
pub(super) struct Directory<'a> {
    file: File<'a>,
    pub(super) offset: usize,
    entries: usize,
    fields: usize,
}

/// Where the values of a field lie.
#[derive(Clone, Copy)]
pub(super) struct Field<'a> {
    pub(super) file: File<'a>,
    pub(super) tag: u16,
    pub(super) kind: Kind,
    /// How many values there are; 1 where the file says 0.
    pub(super) count: usize,
    pub(super) at: usize,
}

impl<'a> Directory<'a> {
    /// The offset of the directory after this one; 0 after the last.
    pub(super) fn next(&self) -> Result<usize, TiffError> {
        self.file.offset(self.entry(self.fields)?)
    }

    /// The field with this tag, wherever it stands; `None` also where it has no value.
    pub(super) fn field(&self, tag: u16) -> Result<Option<Field<'a>>, TiffError> {
        for index in 0..self.fields {
            let entry = self.entry(index)?;
            if self.file.u16(entry)? == tag {
                return self.read_entry(entry);
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

    fn entry(&self, index: usize) -> Result<usize, TiffError> {
        let octets = if self.file.big { 20 } else { 12 };
        self.entries.checked_add(index * octets).ok_or(TiffError::Truncated)
    }

    fn read_entry(&self, entry: usize) -> Result<Option<Field<'a>>, TiffError> {
        let file = self.file;
        let (tag, kind) = (file.u16(entry)?, Kind::new(file.u16(entry + 2)?));
        let (count, slot) = (file.offset(entry + 4)?, entry + 4 + file.offset_octets());
        // Some writers do not count a single value (RFC 3249 clause 5.2.3.1 e).
        if count == 0 && file.offset(slot)? == 0 {
            return Ok(None);
        }
        let count = count.max(1);
        let inside = count.checked_mul(kind.octets()).is_some_and(|octets| octets <= file.offset_octets());
        let at = if inside { slot } else { file.offset(slot)? };
        Ok(Some(Field { file, tag, kind, count, at }))
    }
}
