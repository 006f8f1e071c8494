//! One coded row to its changing elements: the code words of T.4 tables 2 to 4.
//!
//! A row is right when its runs end at the width exactly. All else is [`Damage`]; the caller knows what to do then.

use super::reader::BitReader;
use crate::t4::runs::Changes;
use crate::t4::table::{MODE_BITS, MODES, Mode, RUN_BITS, RUNS};
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
pub(super) fn row_1d(bits: &mut BitReader<'_>, row: &mut Changes, width: u32) -> Result<(), Damage> {
    row.clear();
    let mut a0 = 0;
    while a0 < width {
        a0 = run(bits, row.ends_black(), a0, width)?;
        if a0 < width {
            row.push(a0);
        }
    }
    within_data(bits)
}

/// Decodes a two-dimensional row that refers to the row `reference`.
pub(super) fn row_2d(
    bits: &mut BitReader<'_>,
    reference: &Changes,
    row: &mut Changes,
    width: u32,
) -> Result<(), Damage> {
    row.clear();
    let mut a0 = -1;
    let mut b1_index = 0;
    while a0 < i64::from(width) {
        let black = row.ends_black();
        b1_index = reference.b1(b1_index, a0, black, width);
        let (mode, length) = MODES[bits.peek(MODE_BITS) as usize];
        bits.skip(usize::from(length));
        match mode {
            Mode::Pass => a0 = i64::from(reference.get(b1_index + 1, width)),
            Mode::Vertical(offset) => {
                let a1 = i64::from(reference.get(b1_index, width)) + i64::from(offset);
                if a1 <= a0 || a1 > i64::from(width) {
                    return Err(Damage::Length);
                }
                a0 = a1;
                turn(row, a0, width);
            }
            Mode::Horizontal => {
                let start = u32::try_from(a0).unwrap_or(0);
                let a1 = run(bits, black, start, width)?;
                turn(row, a1.into(), width);
                let a2 = run(bits, !black, a1, width)?;
                turn(row, a2.into(), width);
                a0 = a2.into();
            }
            Mode::Extension => return Err(Damage::Extension),
            Mode::Invalid => return Err(invalid(bits)),
        }
    }
    within_data(bits)
}

/// A change of colour at `at`, unless the row ends there.
fn turn(row: &mut Changes, at: i64, width: u32) {
    match u32::try_from(at) {
        Ok(at) if at < width => row.push(at),
        _ => {}
    }
}

/// Decodes a run that begins at `start`: its make-up codes and its terminating code. Yields its end.
fn run(bits: &mut BitReader<'_>, black: bool, start: u32, width: u32) -> Result<u32, Damage> {
    let table = &RUNS[usize::from(black)];
    let mut end = start;
    loop {
        let run = table[bits.peek(RUN_BITS) as usize];
        if run.length == 0 {
            return Err(invalid(bits));
        }
        bits.skip(usize::from(run.length));
        end += u32::from(run.pixels);
        if end > width {
            return Err(Damage::Length);
        }
        if run.pixels < 64 {
            return Ok(end);
        }
    }
}

/// Past the data there are only zeros, which are no code word.
fn invalid(bits: &BitReader<'_>) -> Damage {
    if bits.is_at_padding() { Damage::Truncated } else { Damage::Code }
}

fn within_data(bits: &BitReader<'_>) -> Result<(), Damage> {
    if bits.overran() { Err(Damage::Truncated) } else { Ok(()) }
}
