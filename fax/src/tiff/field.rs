//! The fields of a directory that is written, with their types as RFC 3949 has them.

use super::reception::Reception;
use super::tag;
use alloc::vec::Vec;

/// A directory's count and its link, without fields.
pub(super) const DIRECTORY_OCTETS: usize = 6;
/// A field's tag, type, count and value or offset.
pub(super) const FIELD_OCTETS: usize = 12;
/// Values up to this long stand in the field itself.
pub(super) const INSIDE_OCTETS: usize = 4;

const TYPE_ASCII: u16 = 2;
const TYPE_SHORT: u16 = 3;
const TYPE_LONG: u16 = 4;
const TYPE_RATIONAL: u16 = 5;

/// A field with its values, little-endian.
#[derive(Clone, Debug)]
pub(super) struct Field {
    pub(super) tag: u16,
    pub(super) kind: u16,
    pub(super) count: u32,
    pub(super) value: Vec<u8>,
}

impl Field {
    pub(super) fn shorts(tag: u16, values: &[u16]) -> Self {
        Self {
            tag,
            kind: TYPE_SHORT,
            count: values.len() as u32,
            value: values.iter().flat_map(|value| value.to_le_bytes()).collect(),
        }
    }

    pub(super) fn long(tag: u16, value: u32) -> Self {
        Self { tag, kind: TYPE_LONG, count: 1, value: value.to_le_bytes().to_vec() }
    }

    pub(super) fn whole_rational(tag: u16, value: u32) -> Self {
        Self { tag, kind: TYPE_RATIONAL, count: 1, value: [value.to_le_bytes(), 1u32.to_le_bytes()].concat() }
    }

    /// ASCII with a zero at the end; "?" for what ASCII does not print.
    pub(super) fn text(tag: u16, text: &str) -> Self {
        let printable = |c: char| {
            if matches!(c, ' '..='~' | '\n') { c as u8 } else { b'?' }
        };
        let value: Vec<u8> = text.chars().take(TEXT_MAX).map(printable).chain([0]).collect();
        Self { tag, kind: TYPE_ASCII, count: value.len() as u32, value }
    }

    pub(super) fn is_long(&self) -> bool {
        self.value.len() > INSIDE_OCTETS
    }
}

/// Characters of a text field; what goes beyond is cut off.
const TEXT_MAX: usize = 1000;

/// The fields that say how a page was received (RFC 3949 clauses 4.3.3 and 4.4.5, and libtiff's).
pub(super) fn reception(reception: &Reception) -> Vec<Field> {
    let mut fields = Vec::new();
    if let Some(quality) = reception.quality {
        fields.push(Field::long(tag::BAD_FAX_LINES, quality.bad_rows));
        if quality.bad_rows > 0 {
            fields.extend(quality.clean.map(|clean| Field::shorts(tag::CLEAN_FAX_DATA, &[clean.value()])));
            fields.push(Field::long(tag::CONSECUTIVE_BAD_FAX_LINES, quality.bad_run_rows));
        }
    }
    let numbers = [(tag::FAX_RECV_PARAMS, reception.parameters), (tag::FAX_RECV_TIME, reception.seconds)];
    fields.extend(numbers.into_iter().filter_map(|(tag, number)| Some(Field::long(tag, number?))));
    let texts = [(tag::FAX_SUB_ADDRESS, &reception.subaddress), (tag::FAX_DCS, &reception.dcs)];
    fields.extend(texts.into_iter().filter_map(|(tag, text)| Some(Field::text(tag, text.as_deref()?))));
    fields
}

/// Octets of a directory with these fields and the offset of the strip, and of the long values.
pub(super) fn directory_octets(fields: &[Field]) -> usize {
    let long = fields.iter().filter(|field| field.is_long());
    let values: usize = long.map(|field| field.value.len().next_multiple_of(2)).sum();
    DIRECTORY_OCTETS + FIELD_OCTETS * (fields.len() + 1) + values
}
