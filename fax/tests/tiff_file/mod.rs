//! TIFF files put together field by field, right and wrong ones.

#![allow(clippy::unwrap_used, clippy::panic, dead_code, reason = "each test needs some of it")]

use super::pages::letter;
use fax_proto::page::{Page, Resolution};
use fax_proto::t4::{Coding, EncodeOptions, encode};
use fax_proto::tiff::{Limits, TiffError, read};

pub(crate) const BYTE: u16 = 1;
pub(crate) const ASCII: u16 = 2;
pub(crate) const SHORT: u16 = 3;
pub(crate) const LONG: u16 = 4;
pub(crate) const RATIONAL: u16 = 5;
pub(crate) const SRATIONAL: u16 = 10;
pub(crate) const FLOAT: u16 = 11;
pub(crate) const LONG8: u16 = 16;

/// A field: tag, type and values; a fraction is two of them, a floating-point number its bits.
pub(crate) type Field = (u16, u16, Vec<u32>);

/// A file to be put together freely.
#[derive(Clone, Default)]
pub(crate) struct File {
    pub(crate) big_endian: bool,
    /// BigTIFF.
    pub(crate) big: bool,
    pub(crate) directories: Vec<Vec<Field>>,
    /// Strips, each before the directories; their offsets are 8 (BigTIFF: 16), and so on.
    pub(crate) strips: Vec<Vec<u8>>,
    /// Where the last directory says that another one is.
    pub(crate) last_link: u32,
}

impl File {
    pub(crate) fn offset(&self, strip: usize) -> u32 {
        let header = if self.big { 16 } else { 8 };
        header + self.strips[..strip].iter().map(|strip| strip.len() as u32).sum::<u32>()
    }

    /// The value of a field of the first directory, to be changed.
    pub(crate) fn set(&mut self, tag: u16, kind: u16, values: &[u32]) -> &mut Self {
        self.set_in(0, tag, kind, values)
    }

    pub(crate) fn set_in(&mut self, directory: usize, tag: u16, kind: u16, values: &[u32]) -> &mut Self {
        self.directories[directory].retain(|field| field.0 != tag);
        self.directories[directory].push((tag, kind, values.to_vec()));
        self
    }

    pub(crate) fn without(&mut self, tag: u16) -> &mut Self {
        self.directories[0].retain(|field| field.0 != tag);
        self
    }

    /// Another file's only page after those that are there.
    pub(crate) fn add(&mut self, page: &Self) -> &mut Self {
        let at = self.offset(self.strips.len());
        self.directories.push(page.directories[0].clone());
        self.strips.push(page.strips[0].clone());
        self.set_in(self.directories.len() - 1, 273, LONG, &[at])
    }

    fn number(&self, out: &mut Vec<u8>, octets: usize, value: u64) {
        if self.big_endian {
            out.extend(&value.to_be_bytes()[8 - octets..]);
        } else {
            out.extend(&value.to_le_bytes()[..octets]);
        }
    }

    /// An offset or a count.
    fn long(&self, out: &mut Vec<u8>, value: usize) {
        self.number(out, if self.big { 8 } else { 4 }, value as u64);
    }

    pub(crate) fn octets(&self) -> Vec<u8> {
        let mut out = if self.big_endian { b"MM".to_vec() } else { b"II".to_vec() };
        self.number(&mut out, 2, if self.big { 43 } else { 42 });
        if self.big {
            self.number(&mut out, 2, 8);
            self.number(&mut out, 2, 0);
        }
        self.long(&mut out, self.offset(self.strips.len()) as usize);
        self.strips.iter().for_each(|strip| out.extend(strip));
        for (number, fields) in self.directories.iter().enumerate() {
            let last = number + 1 == self.directories.len();
            self.directory(&mut out, fields, last);
        }
        out
    }

    fn directory(&self, out: &mut Vec<u8>, fields: &[Field], last: bool) {
        let (count_octets, slot) = if self.big { (8, 8) } else { (2, 4) };
        let values_at = out.len() + count_octets + slot + (4 + 2 * slot) * fields.len();
        let mut values = Vec::new();
        self.number(out, count_octets, fields.len() as u64);
        for (tag, kind, numbers) in fields {
            let octets = match *kind {
                BYTE | ASCII => 1,
                SHORT => 2,
                LONG8 => 8,
                _ => 4,
            };
            let mut field = Vec::new();
            numbers.iter().for_each(|&number| self.number(&mut field, octets, number.into()));
            self.number(out, 2, u64::from(*tag));
            self.number(out, 2, u64::from(*kind));
            self.long(out, if matches!(*kind, RATIONAL | SRATIONAL) { 1 } else { numbers.len() });
            if field.len() > slot {
                self.long(out, values_at + values.len());
                values.extend(field);
            } else {
                field.resize(slot, 0);
                out.extend(field);
            }
        }
        self.long(out, if last { self.last_link as usize } else { values_at + values.len() });
        out.extend(values);
    }
}

/// A file of one page in one strip.
pub(crate) fn one_page(page: &Page, compression: u32, t4_options: u32, strip: Vec<u8>) -> File {
    let fields = vec![
        (256, SHORT, vec![page.width()]),
        (257, SHORT, vec![page.rows()]),
        (258, SHORT, vec![1]),
        (259, SHORT, vec![compression]),
        (262, SHORT, vec![0]),
        (273, LONG, vec![8]),
        (277, SHORT, vec![1]),
        (278, LONG, vec![page.rows()]),
        (279, LONG, vec![strip.len() as u32]),
        (282, RATIONAL, vec![page.resolution().x_dpi(), 1]),
        (283, RATIONAL, vec![page.resolution().y_dpi(), 1]),
        (292, LONG, vec![t4_options]),
        (296, SHORT, vec![2]),
        (297, SHORT, vec![0, 1]),
    ];
    File { directories: vec![fields], strips: vec![strip], ..File::default() }
}

pub(crate) fn plain(page: &Page) -> File {
    one_page(page, 1, 0, page.bits().to_vec())
}

pub(crate) fn sample() -> Page {
    letter(64, 40, Resolution::R204x196, 11)
}

pub(crate) fn coded(page: &Page, coding: Coding) -> Vec<u8> {
    encode(page, &EncodeOptions::tiff(coding, page.resolution()))
}

pub(crate) fn mh(page: &Page) -> File {
    one_page(page, 3, 0, coded(page, Coding::Mh))
}

pub(crate) fn mr(page: &Page) -> File {
    one_page(page, 3, 1, coded(page, Coding::Mr))
}

pub(crate) fn mmr(page: &Page) -> File {
    one_page(page, 4, 0, coded(page, Coding::Mmr))
}

pub(crate) fn read_all(file: &File) -> Result<Vec<Page>, TiffError> {
    let images = read(&file.octets(), &Limits::default())?;
    assert!(images.iter().all(|image| image.bad_rows == 0), "{images:?}");
    Ok(images.into_iter().map(|image| image.into_page().unwrap()).collect())
}

#[track_caller]
pub(crate) fn assert_reads(file: &File, page: &Page) {
    match &read_all(file).as_deref() {
        Ok([read]) => assert!(read == page, "{read:?} is not what was stored"),
        other => panic!("{other:?}"),
    }
}
