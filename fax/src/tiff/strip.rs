//! The octets of one strip to rows of pixels.

use super::error::TiffError;
use super::tag;
use crate::page::Page;
use crate::t4::{BitOrder, Coding, Damage, DecodeOptions, Decoder, End, Framing, RowQuality, reverse_bits};
use alloc::borrow::Cow;
use alloc::vec::Vec;

/// What a strip looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Format {
    /// Pixels in a row.
    pub(super) width: u32,
    pub(super) storage: Storage,
    /// The first bit of an octet is its least significant one.
    pub(super) lsb_first: bool,
}

/// How the pixels of an image are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Storage {
    Plain,
    PackBits,
    /// MH, MR or MMR; `None` where the strip must show whether its MH rows have EOLs.
    Coded(Coding, Option<Framing>),
}

impl Storage {
    /// From the values of Compression and T4Options.
    pub(super) fn new(compression: u16, t4_options: u32) -> Result<Self, TiffError> {
        Ok(match compression {
            tag::COMPRESSION_NONE => Self::Plain,
            tag::COMPRESSION_PACKBITS => Self::PackBits,
            tag::COMPRESSION_RLE => Self::Coded(Coding::Mh, Some(Framing::Octets)),
            tag::COMPRESSION_T4 if t4_options & tag::T4_MR != 0 => {
                Self::Coded(Coding::Mr, Some(Framing::Eol))
            }
            tag::COMPRESSION_T4 => Self::Coded(Coding::Mh, None),
            tag::COMPRESSION_T6 => Self::Coded(Coding::Mmr, Some(Framing::Bare)),
            other => return Err(TiffError::Compression(other)),
        })
    }
}

/// What came out of a strip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rows {
    /// Rows appended, good and bad.
    pub(super) rows: u32,
    /// Rows that were damaged and replaced by the row above.
    pub(super) bad_rows: u32,
    /// Why there are no more.
    pub(super) end: End,
}

/// Appends up to `rows` rows to `out`.
pub(super) fn unpack(octets: &[u8], format: Format, rows: u32, out: &mut Vec<u8>) -> Rows {
    let Format { width, storage, lsb_first } = format;
    let mut octets = Cow::Borrowed(octets);
    // The decoder reads either order.
    if lsb_first && !matches!(storage, Storage::Coded(..)) {
        reverse_bits(octets.to_mut());
    }
    let stride = Page::stride_of(width);
    let octets_max = stride * rows as usize;
    match storage {
        Storage::Plain => {
            let start = out.len();
            out.extend(octets.iter().take(octets_max));
            whole_rows(out, start, stride, rows)
        }
        Storage::PackBits => {
            let start = out.len();
            unpack_bits(&octets, out, start + octets_max);
            whole_rows(out, start, stride, rows)
        }
        Storage::Coded(coding, framing) => {
            let bit_order = if lsb_first { BitOrder::LsbFirst } else { BitOrder::MsbFirst };
            let framing = framing.unwrap_or_else(|| Framing::detect(&octets, width, bit_order));
            let line = DecodeOptions::line(coding, width);
            let options = DecodeOptions { framing, rows_max: rows, bit_order, ..line };
            decode(&octets, options, out)
        }
    }
}

fn decode(octets: &[u8], options: DecodeOptions, out: &mut Vec<u8>) -> Rows {
    let mut decoder = Decoder::new(octets, options);
    let (mut rows, mut bad_rows) = (0, 0);
    // Asked once too often, the decoder would look for what follows the last row: nobody needs it.
    while rows < options.rows_max {
        match decoder.row(out) {
            Ok(quality) => {
                rows += 1;
                bad_rows += u32::from(quality == RowQuality::Bad);
            }
            // A file says how many rows there are: this is one of them.
            Err(end @ End::Damage(Damage::Truncated)) if options.framing == Framing::Eol && rows > 0 => {
                out.extend_from_within(out.len() - Page::stride_of(options.width)..);
                return Rows { rows: rows + 1, bad_rows: bad_rows + 1, end };
            }
            Err(end) => return Rows { rows, bad_rows, end },
        }
    }
    Rows { rows, bad_rows, end: End::RowsMax }
}

/// Cuts off a row that is not whole.
fn whole_rows(out: &mut Vec<u8>, start: usize, stride: usize, rows_max: u32) -> Rows {
    let rows = ((out.len() - start) / stride) as u32;
    out.truncate(start + rows as usize * stride);
    let end = if rows == rows_max { End::RowsMax } else { End::Data };
    Rows { rows, bad_rows: 0, end }
}

/// TIFF 6.0 section 9: a count n of 0 to 127 and n + 1 octets, or of −1 to −127 and an octet to repeat 1 − n times.
fn unpack_bits(mut octets: &[u8], out: &mut Vec<u8>, length_max: usize) {
    while let [count, rest @ ..] = octets {
        let room = length_max - out.len();
        if room == 0 {
            return;
        }
        octets = match (count, rest) {
            (0..=127, _) => {
                let (literal, after) = rest.split_at(rest.len().min(usize::from(*count) + 1));
                out.extend(literal.iter().take(room));
                after
            }
            (129..=255, [octet, after @ ..]) => {
                out.extend(core::iter::repeat_n(octet, room.min(257 - usize::from(*count))));
                after
            }
            // 128 means nothing; and nothing is left to repeat.
            _ => rest,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pack_bits_repeats_and_copies_and_stops_in_time() {
        // The example of TIFF 6.0 section 9 (Apple's).
        let packed =
            [0xFE, 0xAA, 0x02, 0x80, 0x00, 0x2A, 0xFD, 0xAA, 0x03, 0x80, 0x00, 0x2A, 0x22, 0xF7, 0xAA];
        let unpacked = [
            0xAA, 0xAA, 0xAA, 0x80, 0x00, 0x2A, 0xAA, 0xAA, 0xAA, 0xAA, 0x80, 0x00, 0x2A, 0x22, 0xAA, 0xAA,
            0xAA, 0xAA, 0xAA, 0xAA, 0xAA, 0xAA, 0xAA, 0xAA,
        ];
        for length in 0..=unpacked.len() + 3 {
            let mut out = Vec::new();
            unpack_bits(&packed, &mut out, length);
            assert_eq!(out, unpacked[..length.min(unpacked.len())]);
        }
        let mut out = Vec::new();
        unpack_bits(&[0x80, 0xFF], &mut out, 9);
        assert!(out.is_empty());
    }

    #[test]
    fn a_row_that_is_cut_off_is_no_row() {
        let mut out = alloc::vec![9];
        let format = Format { width: 12, storage: Storage::Plain, lsb_first: false };
        let rows = unpack(&[1, 2, 3], format, 5, &mut out);
        assert_eq!((rows, &out[..]), (Rows { rows: 1, bad_rows: 0, end: End::Data }, &[9, 1, 2][..]));
    }
}
