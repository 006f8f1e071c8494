//! The coding procedure as the Recommendation tells it, pixel by pixel: what the encoder is compared with.

use super::words::Word;
use crate::t4::table::{HORIZONTAL, PASS, VERTICAL, run_codes};
use alloc::string::String;
use alloc::vec::Vec;

/// The pixels of a row, and white before it.
pub(super) struct Row(pub(super) Vec<bool>);

impl Row {
    fn is_black(&self, x: i64) -> bool {
        usize::try_from(x).is_ok_and(|x| self.0.get(x).is_some_and(|black| *black))
    }

    /// The first changing element right of `x`, of one colour where that is asked for; the edge without one.
    fn change(&self, x: i64, black: Option<bool>) -> i64 {
        let edge = self.0.len() as i64;
        let changes = |x: &i64| {
            self.is_black(*x) != self.is_black(x - 1) && black.is_none_or(|black| black == self.is_black(*x))
        };
        (x + 1..edge).find(changes).unwrap_or(edge)
    }
}

fn put(text: &mut String, word: Word) {
    let length = word.length() as usize;
    *text += &alloc::format!("{:0length$b}", word.bits());
}

fn put_run(text: &mut String, black: bool, pixels: i64) {
    run_codes(black, pixels as u32).for_each(|code| put(text, Word::new(code)));
}

/// The bits of a one-dimensional row.
pub(super) fn row_1d(row: &Row) -> String {
    let mut text = String::new();
    let (mut start, mut black) = (0, false);
    while start < row.0.len() as i64 {
        let end = if row.is_black(start) == black { row.change(start, None) } else { start };
        put_run(&mut text, black, end - start);
        (start, black) = (end, !black);
    }
    text
}

/// The bits of a two-dimensional row.
pub(super) fn row_2d(reference: &Row, row: &Row) -> String {
    let mut text = String::new();
    let mut a0 = -1;
    while a0 < row.0.len() as i64 {
        let black = row.is_black(a0);
        let a1 = row.change(a0, Some(!black));
        let b1 = reference.change(a0, Some(!black));
        let b2 = reference.change(b1, None);
        if b2 < a1 {
            put(&mut text, Word::new(PASS));
            a0 = b2;
        } else if let Some(code) = usize::try_from(a1 - b1 + 3).ok().and_then(|at| VERTICAL.get(at)) {
            put(&mut text, Word::new(*code));
            a0 = a1;
        } else {
            let a2 = row.change(a1, None);
            put(&mut text, Word::new(HORIZONTAL));
            put_run(&mut text, black, a1 - a0.max(0));
            put_run(&mut text, !black, a2 - a1);
            a0 = a2;
        }
    }
    text
}
