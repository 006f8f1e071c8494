//! One-dimensional coding (T.4 clause 4.1.1): eight pixels, however many runs they have, are one look-up and one put.

use super::row::Pixels;
use super::words::{MAKE_UP_LONGEST, OCTETS, RUN_MAX, RUNS};
use super::writer::Pen;
use crate::t4::table::MAKE_UP_MAX;

/// Puts a row.
pub(super) fn row_1d<'a>(mut pen: Pen<'a>, row: &Pixels, width: u32) -> Pen<'a> {
    // The pixel before the word, and the length of the run that goes on there.
    let (mut before, mut run) = (0u64, 0);
    for &word in row.words() {
        if word == before.wrapping_neg() {
            run += 64;
            continue;
        }
        (pen, run) = octet(pen, before << 8 | word >> 56, run);
        for shift in [48, 40, 32, 24, 16, 8, 0] {
            (pen, run) = octet(pen, word >> shift & 0x1FF, run);
        }
        before = word & 1;
    }
    if width == 0 {
        return pen;
    }
    put_run(pen, before as usize, run - width.wrapping_neg() % 64)
}

/// Puts the runs that end in eight pixels, which stand behind the last pixel of the present run.
#[inline(always)]
fn octet(pen: Pen<'_>, pixels: u64, mut run: u32) -> (Pen<'_>, u32) {
    let octet = &OCTETS[pixels as usize % OCTETS.len()];
    let black = (pixels >> 8) as usize & 1;
    run += octet.head;
    // Where no run ends, this asks for some code and masks it out: that is sooner done than a jump is foreseen.
    let code = RUNS[black].get((run & octet.ends) as usize);
    let length = code.map_or(u32::MAX / 2, |code| code.length() & octet.ends) + octet.inner_length;
    let next = run & !octet.ends | octet.last;
    match code {
        Some(code) if length <= Pen::WIDE_BITS => {
            let bits = code.bits() & u64::from(octet.ends);
            (pen.put_wide(bits << octet.inner_length | octet.inner, length), next)
        }
        _ => (put_run(pen, black, run).put_wide(octet.inner, octet.inner_length), next),
    }
}

/// Puts a run: where it needs more than one make-up code, these before.
fn put_run(mut pen: Pen<'_>, black: usize, mut pixels: u32) -> Pen<'_> {
    while pixels > RUN_MAX {
        pen = pen.put(MAKE_UP_LONGEST);
        pixels -= MAKE_UP_MAX;
    }
    let words = &RUNS[black % 2];
    pen.put(words[pixels as usize % words.len()])
}
