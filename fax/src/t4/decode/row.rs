//! One coded row to its pixels: the run lengths of T.4 tables 2 and 3, and what all rows have in common.
//!
//! A row is right when its runs end at the width exactly. All else is [`Damage`]; the caller knows what to do then.
//!
//! The quick way takes several code words at once, and stays left of the edge; where that cannot be, because the row ends
//! or a run is long, they are taken one by one. [`row_2d`](super::row_2d) does the same.

use super::pixels::{Pen, Row};
use super::reader::BitReader;
use super::runs::{LOOK_UP_BITS, RUN, RUN_BITS, RUNS};
use crate::t4::BitOrder;
use crate::t4::table::EOL_ZEROS;
use core::fmt;

/// Why a row cannot be decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Damage {
    /// The bits are no code word, or the row ended too early.
    Code,
    /// The runs go beyond the edge, or backwards.
    Length,
    /// An extension code, such as uncompressed mode.
    Extension,
    /// The data end within the row.
    Truncated,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Code => "no code word",
            Self::Length => "a row of the wrong length",
            Self::Extension => "an extension code",
            Self::Truncated => "the data end within a row",
        })
    }
}

impl core::error::Error for Damage {}

/// Decodes a one-dimensional row.
pub(super) fn row_1d(bits: &mut BitReader<'_>, row: &mut Row, width: u32) -> Result<(), Damage> {
    match bits.order() {
        BitOrder::MsbFirst => row_1d_in::<false>(bits, row, width),
        BitOrder::LsbFirst => row_1d_in::<true>(bits, row, width),
    }
}

fn row_1d_in<const LSB_FIRST: bool>(
    bits: &mut BitReader<'_>,
    row: &mut Row,
    width: u32,
) -> Result<(), Damage> {
    // A copy that nobody else can see stays in registers.
    let mut reader = *bits;
    let mut pen = row.pen();
    let mut colour = 0;
    while pen.at() < width {
        // The quick way ends left of the edge, so it need not ask.
        loop {
            reader.need::<LSB_FIRST, LOOK_UP_BITS>();
            let runs = RUNS[(colour & 1) as usize][reader.peek(LOOK_UP_BITS)];
            if runs.length() == 0 || pen.at() + runs.pixels() >= width {
                break;
            }
            pen.paint(runs.turns(), runs.pixels());
            colour ^= runs.turned();
            reader.take(runs.length());
        }
        (pen, reader) = paint_run(pen, reader, colour, width)?;
        colour = !colour;
    }
    *bits = reader;
    pen.finish();
    within_data(bits)
}

/// Decodes a run, however long, and paints it.
///
/// All comes and goes as a value, since what has an address is not kept in registers.
#[inline(never)]
fn paint_run<'r, 'd>(
    mut pen: Pen<'r>,
    mut reader: BitReader<'d>,
    colour: u64,
    width: u32,
) -> Result<(Pen<'r>, BitReader<'d>), Damage> {
    let end = run(&mut reader, (colour & 1) as usize, pen.at(), width)?;
    pen.go(end);
    pen.turn();
    Ok((pen, reader))
}

/// The pixels of a one-dimensional row that an EOL ends before the width.
pub(super) fn pixels_1d(mut reader: BitReader<'_>, width: u32) -> Option<u32> {
    let (mut end, mut colour) = (0, 0);
    while end < width {
        match run(&mut reader, colour, end, width) {
            Ok(after) => end = after,
            Err(Damage::Code) if reader.zeros().is_some_and(|zeros| zeros >= EOL_ZEROS) => return Some(end),
            Err(_) => return None,
        }
        colour += 1;
    }
    None
}

/// Decodes a run that begins at `start`: its make-up codes and its terminating code. It is black where `colour` is odd.
/// Yields its end.
pub(super) fn run(reader: &mut BitReader<'_>, colour: usize, start: u32, edge: u32) -> Result<u32, Damage> {
    let mut end = start;
    loop {
        reader.refill();
        let run = RUN[colour % 2][reader.peek(RUN_BITS)];
        if run.length == 0 {
            return Err(invalid(*reader));
        }
        reader.take(run.length.into());
        end += u32::from(run.pixels);
        if end > edge {
            return Err(Damage::Length);
        }
        if run.pixels < 64 {
            return Ok(end);
        }
    }
}

/// Past the data there are only zeros, which are no code word.
#[cold]
#[inline(never)]
pub(super) fn invalid(reader: BitReader<'_>) -> Damage {
    if reader.is_at_padding() { Damage::Truncated } else { Damage::Code }
}

pub(super) fn within_data(bits: &BitReader<'_>) -> Result<(), Damage> {
    if bits.overran() { Err(Damage::Truncated) } else { Ok(()) }
}
