//! Two-dimensional coding (T.4 clause 4.2.1.3.2; MMR's is the same, T.6 clause 2.2.5).
//!
//! First the code words are listed, then their bits are put: so the loop that chooses them has few values to keep, and
//! the loop that joins their bits no branches. The modes of a row follow each other in patterns that a processor learns,
//! so each has its branch.

use super::row::{Changes, list_len};
use super::words::{HORIZONTAL_WORD, MAKE_UP_LONGEST, PASS_WORD, RUN_MAX, RUNS, VERTICAL_WORDS, Word};
use crate::t4::table::MAKE_UP_MAX;
use alloc::vec::Vec;
use core::slice::IterMut;

/// The code words of a row.
#[derive(Debug)]
pub(super) struct Codes {
    words: Vec<Word>,
    count: usize,
}

impl Codes {
    /// Room for those of a row.
    pub(super) fn new(width: u32) -> Self {
        Self { words: alloc::vec![Word::NONE; list_len(width)], count: 0 }
    }

    pub(super) fn words(&self) -> &[Word] {
        self.words.get(..self.count).unwrap_or_default()
    }

    /// Lists those of a row that refers to the row before it.
    pub(super) fn read(&mut self, reference: &Changes, row: &Changes, width: u32) {
        let free = modes(self.words.iter_mut(), reference.list(), row.through_edge(), width).len();
        self.count = self.words.len() - free;
    }
}

/// Puts the code words into `free`; yields what is left of it.
///
/// A position in a list of changing elements is odd where its element is black: a zero stands before the first.
#[inline(always)]
fn modes<'a>(mut free: IterMut<'a, Word>, reference: &[u32], row: &[u32], width: u32) -> IterMut<'a, Word> {
    // Three lists of one length, so that one question covers an element and the two that follow it.
    let len = reference.len().saturating_sub(2);
    let following =
        |places: usize| reference.get(places..).and_then(|list| list.get(..len)).unwrap_or_default();
    let (reference, next, after_next) = (following(0), following(1), following(2));
    // Where a1 stands, and the element before b1: it is of the other colour, and may be the next b1.
    let (mut a1_at, mut left_at) = (1, 0);
    let mut a0 = 0;
    // The row is through when no a1 is left, not even the edge.
    while let (Some(&left), Some(&b1), Some(&b2), Some(&a1)) =
        (reference.get(left_at), next.get(left_at), after_next.get(left_at), row.get(a1_at))
    {
        if b2 < a1 {
            push(&mut free, PASS_WORD);
            a0 = b2;
            left_at += 2;
        } else if let Some(&word) = VERTICAL_WORDS.get((a1 + 3).wrapping_sub(b1) as usize) {
            push(&mut free, word);
            a0 = a1;
            a1_at += 1;
            // b2 is not left of a1, and what stands two before `left` is more than three left of b1.
            left_at = match () {
                () if left > a1 => left_at - 1,
                () if b2 > a1 => left_at + 1,
                () => left_at + 3,
            };
        } else {
            let a2 = row.get(a1_at + 1).copied().unwrap_or(width);
            push(&mut free, HORIZONTAL_WORD);
            push_run(&mut free, a1_at + 1, a1 - a0);
            push_run(&mut free, a1_at, a2 - a1);
            a0 = a2;
            a1_at += 2;
            while next.get(left_at).is_some_and(|&b1| b1 <= a2) {
                left_at += 2;
            }
        }
    }
    free
}

#[inline(always)]
fn push(free: &mut IterMut<'_, Word>, word: Word) {
    if let Some(free) = free.next() {
        *free = word;
    }
}

/// A run that is black where `black` is odd.
#[inline(always)]
fn push_run(free: &mut IterMut<'_, Word>, black: usize, mut pixels: u32) {
    while pixels > RUN_MAX {
        push(free, MAKE_UP_LONGEST);
        pixels -= MAKE_UP_MAX;
    }
    let words = &RUNS[black % 2];
    push(free, words[pixels as usize % words.len()]);
}
