//! Two-dimensional coding (T.4 clause 4.2.1.3.2; MMR's is the same, T.6 clause 2.2.5).

use super::one_dimensional::put_run;
use super::row::Changes;
use super::words::{HORIZONTAL_WORD, PASS_WORD, VERTICAL_WORDS};
use super::writer::Pen;

/// Puts a row that refers to the row before it.
///
/// A position in a list is odd where its element is black: a zero stands before the first.
pub(super) fn row_2d<'a>(mut pen: Pen<'a>, reference: &Changes, row: &Changes, width: u32) -> Pen<'a> {
    let (reference, row) = (reference.list(), row.list());
    let (mut a1_at, mut b1_at) = (1, 1);
    let mut a0 = 0;
    while a0 < width {
        // The element before b1, which is of the other colour and may be the next b1.
        let Some(&[left, b1, b2]) = reference.get(b1_at - 1..).and_then(|list| list.first_chunk()) else {
            break;
        };
        let Some(&[a1, a2]) = row.get(a1_at..).and_then(|list| list.first_chunk()) else { break };
        if b2 < a1 {
            pen = pen.put(PASS_WORD);
            a0 = b2;
            b1_at += 2;
        } else if let Some(&word) = VERTICAL_WORDS.get((a1 + 3).wrapping_sub(b1) as usize) {
            pen = pen.put(word);
            a0 = a1;
            a1_at += 1;
            // b2 is not left of a1, and what stands two before `left` is more than three left of b1.
            b1_at = match () {
                () if left > a1 => b1_at - 1,
                () if b2 > a1 => b1_at + 1,
                () => b1_at + 3,
            };
        } else {
            let black = 1 - a1_at % 2;
            pen = pen.put(HORIZONTAL_WORD);
            pen = put_run(pen, black, a1 - a0);
            pen = put_run(pen, 1 - black, a2 - a1);
            a0 = a2;
            a1_at += 2;
            while reference.get(b1_at).is_some_and(|&b1| b1 <= a2) {
                b1_at += 2;
            }
        }
    }
    pen
}

/// Puts a row that is the same as the one before it: vertical mode without offset for each element and for the edge.
pub(super) fn row_again<'a>(pen: Pen<'a>, row: &Changes) -> Pen<'a> {
    pen.repeat(1, row.count() + 1)
}
