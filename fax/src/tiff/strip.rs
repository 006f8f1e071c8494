//! The octets of one strip to rows of pixels.

use super::bitmap::Bitmap;
use super::error::TiffError;
use super::tag;
use crate::t4::{BitOrder, Coding, Damage, DecodeOptions, Decoder, End, Framing, RowQuality};
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
            tag::COMPRESSION_RLE_WORDS => Self::Coded(Coding::Mh, Some(Framing::Words)),
            tag::COMPRESSION_T4 if t4_options & tag::T4_MR != 0 => Self::MR,
            tag::COMPRESSION_T4 => Self::MH,
            tag::COMPRESSION_T6 => Self::MMR,
            other => return Err(TiffError::Compression(other)),
        })
    }

    /// MH, with EOLs or without.
    pub(super) const MH: Self = Self::Coded(Coding::Mh, None);
    pub(super) const MR: Self = Self::Coded(Coding::Mr, Some(Framing::Eol));
    pub(super) const MMR: Self = Self::Coded(Coding::Mmr, Some(Framing::Bare));
}

/// How many rows a strip shall yield.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    /// As the file says, or the most there may be.
    pub(super) rows: u32,
    /// The file says it.
    pub(super) known: bool,
    /// The file's number may be too low: coded rows up to this many count where they end the strip rightly.
    pub(super) rows_max: u32,
}

/// What came out of a strip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Outcome {
    /// Rows appended, good and bad.
    pub(super) rows: u32,
    /// Rows that were damaged and replaced by the row above.
    pub(super) bad_rows: u32,
    /// Why there are no more.
    pub(super) end: End,
    /// An EOL stands before each row: where the data end after a row, nothing was cut off.
    pub(super) framed: bool,
}

/// Appends the rows of a strip to `out`.
pub(super) fn unpack(
    octets: &[u8],
    format: Format,
    wanted: Wanted,
    out: &mut Bitmap,
) -> Result<Outcome, TiffError> {
    let Format { width, storage, lsb_first } = format;
    let turned = |octet: u8| if lsb_first { octet.reverse_bits() } else { octet };
    let stride = out.stride();
    match storage {
        Storage::Plain => {
            let rows = (octets.len() / stride).min(wanted.rows as usize);
            out.room(rows)?;
            out.bits.extend(octets.iter().take(rows * stride).copied().map(turned));
            Ok(plain_outcome(rows as u32, wanted))
        }
        Storage::PackBits => {
            let start = out.rows();
            unpack_bits(octets, turned, wanted, out)?;
            Ok(plain_outcome(out.rows() - start, wanted))
        }
        Storage::Coded(coding, framing) => {
            let bit_order = if lsb_first { BitOrder::LsbFirst } else { BitOrder::MsbFirst };
            let framing = framing.unwrap_or_else(|| Framing::detect(octets, width, bit_order));
            let line = DecodeOptions::line(coding, width);
            let options = DecodeOptions { framing, rows_max: wanted.rows_max, bit_order, ..line };
            decode(octets, options, wanted, out)
        }
    }
}

fn plain_outcome(rows: u32, wanted: Wanted) -> Outcome {
    let end = if rows == wanted.rows { End::RowsMax } else { End::Data };
    Outcome { rows, bad_rows: 0, end, framed: false }
}

fn decode(
    octets: &[u8],
    options: DecodeOptions,
    wanted: Wanted,
    out: &mut Bitmap,
) -> Result<Outcome, TiffError> {
    let framed = options.framing == Framing::Eol;
    // No row needs less than a bit.
    let rows_likely = wanted.rows.min(u32::try_from(octets.len()).unwrap_or(u32::MAX).saturating_mul(8));
    if wanted.known {
        out.room(rows_likely as usize)?;
    }
    let mut decoder = Decoder::new(octets, options);
    let (mut rows, mut bad_rows) = (0, 0);
    let end = loop {
        if rows == wanted.rows {
            break more(decoder, wanted, framed, out, &mut rows, &mut bad_rows);
        }
        out.room_for_row()?;
        match decoder.row(&mut out.bits) {
            Ok(quality) => {
                rows += 1;
                bad_rows += u32::from(quality == RowQuality::Bad);
            }
            // A file says how many rows there are: this is one of them.
            Err(end @ End::Damage(Damage::Truncated)) if wanted.known && framed && rows > 0 => {
                out.repeat_last(1)?;
                (rows, bad_rows) = (rows + 1, bad_rows + 1);
                break end;
            }
            Err(end) => break end,
        }
    };
    Ok(Outcome { rows, bad_rows, end, framed })
}

/// Appends the rows after those that the file speaks of, where they end the strip rightly: with RTC or EOFB, or without
/// damage at the end of data that have EOLs.
fn more(
    mut decoder: Decoder<'_>,
    wanted: Wanted,
    framed: bool,
    out: &mut Bitmap,
    rows: &mut u32,
    bad_rows: &mut u32,
) -> End {
    let before = out.rows();
    let (mut more, mut bad) = (0, 0);
    // A row that may be none gets no room in the page.
    let mut row = Vec::new();
    let end = loop {
        if wanted.rows + more == wanted.rows_max {
            break End::RowsMax;
        }
        row.clear();
        match decoder.row(&mut row) {
            Ok(quality) if out.room_for_row().is_ok() => {
                out.bits.extend_from_slice(&row);
                more += 1;
                bad += u32::from(quality == RowQuality::Bad);
            }
            Ok(_) => break End::RowsMax,
            Err(end) => break end,
        }
    };
    if more == 0 || end == End::Marker || end == End::Data && framed && bad == 0 {
        *rows += more;
        *bad_rows += bad;
        return if more == 0 && matches!(end, End::Damage(_)) { End::RowsMax } else { end };
    }
    out.truncate(before);
    End::RowsMax
}

/// TIFF 6.0 section 9: a count n of 0 to 127 and n + 1 octets, or of −1 to −127 and an octet to repeat 1 − n times.
fn unpack_bits(
    octets: &[u8],
    turned: impl Fn(u8) -> u8,
    wanted: Wanted,
    out: &mut Bitmap,
) -> Result<(), TiffError> {
    // An octet yields no more than 64.
    let rows_likely = (octets.len().saturating_mul(64) / out.stride()).min(wanted.rows as usize);
    if wanted.known {
        out.room(rows_likely)?;
    }
    let length_max = out.bits.len() + rows_likely * out.stride();
    let mut octets = octets.iter().copied().map(turned);
    while let Some(count) = octets.next() {
        let left = length_max - out.bits.len();
        if left == 0 {
            break;
        }
        match count {
            0..=127 => {
                let count = left.min(usize::from(count) + 1);
                out.room_for(count)?;
                out.bits.extend(octets.by_ref().take(count));
            }
            // 128 means nothing.
            128 => {}
            129..=255 => {
                let Some(octet) = octets.next() else { break };
                let count = left.min(257 - usize::from(count));
                out.room_for(count)?;
                out.bits.extend(core::iter::repeat_n(octet, count));
            }
        }
    }
    // A row that is not whole is none.
    out.truncate((out.bits.len() / out.stride()) as u32);
    Ok(())
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
        let unpack = |octets: &[u8], rows| {
            let mut out = Bitmap::new(8, 1000);
            let wanted = Wanted { rows, known: rows < 1000, rows_max: rows };
            unpack_bits(octets, |octet| octet, wanted, &mut out).map(|()| out.bits)
        };
        for length in 0..=unpacked.len() + 3 {
            assert_eq!(
                unpack(&packed, length as u32).as_deref(),
                Ok(&unpacked[..length.min(unpacked.len())])
            );
        }
        assert_eq!(unpack(&[0x80, 0xFF], 9).as_deref(), Ok(&[][..]));
        assert_eq!(unpack(&packed, 1001), Ok(unpacked.to_vec()));
        assert_eq!(unpack(&[0x81; 40], 2000), Err(TiffError::Limit("page_octets_max")));
    }

    #[test]
    fn a_row_that_is_cut_off_is_no_row() {
        let mut out = Bitmap::new(12, 100);
        let format = Format { width: 12, storage: Storage::Plain, lsb_first: false };
        let wanted = Wanted { rows: 5, known: true, rows_max: 5 };
        let outcome = unpack(&[1, 2, 3], format, wanted, &mut out);
        assert_eq!(outcome, Ok(Outcome { rows: 1, bad_rows: 0, end: End::Data, framed: false }));
        assert_eq!(out.bits, [1, 2]);
    }
}
