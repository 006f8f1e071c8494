//! Two-dimensional coding (T.4 clause 4.2.1.3.2; MMR's is the same, T.6 clause 2.2.5).
//!
//! First the code words are listed, then their bits are put: so the loop that chooses them has few values to keep, and
//! the loop that joins their bits no branches. The modes of a row follow each other in patterns that a processor learns,
//! so each has its branch.

use super::row::{Changes, list_len};
use super::words::{HORIZONTAL_WORD, MAKE_UP_LONGEST, PASS_WORD, RUN_MAX, RUNS, VERTICAL_WORDS, Word};
use crate::t4::table::MAKE_UP_MAX;
use alloc::vec::Vec;

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
        let mut list = List { words: &mut self.words, count: 0 };
        modes(&mut list, reference.list(), row.list(), width);
        self.count = list.count;
    }
}

/// A position in a list of changing elements is odd where its element is black: a zero stands before the first.
#[inline(always)]
fn modes(codes: &mut List<'_>, reference: &[u32], row: &[u32], width: u32) {
    // They are equally long; said so, the compiler keeps one length for the three.
    let len = codes.words.len();
    let (Some(reference), Some(row)) = (reference.get(..len), row.get(..len)) else { return };
    // Where a1 stands, and the element before b1: it is of the other colour, and may be the next b1.
    let (mut a1_at, mut left_at) = (1u32, 0u32);
    let mut a0 = 0;
    while let (Some(&[left, b1, b2]), Some(&a1)) = (window(reference, left_at), row.get(a1_at as usize)) {
        if b2 < a1 {
            codes.push(PASS_WORD);
            a0 = b2;
            left_at += 2;
        } else if let Some(&word) = VERTICAL_WORDS.get((a1 + 3).wrapping_sub(b1) as usize) {
            codes.push(word);
            if a1 >= width {
                return;
            }
            a0 = a1;
            a1_at += 1;
            // b2 is not left of a1, and what stands two before `left` is more than three left of b1.
            left_at = match () {
                () if left > a1 => left_at - 1,
                () if b2 > a1 => left_at + 1,
                () => left_at + 3,
            };
        } else {
            let Some(&a2) = row.get(a1_at as usize + 1) else { return };
            codes.push(HORIZONTAL_WORD);
            codes.push_run(a1_at + 1, a1 - a0);
            codes.push_run(a1_at, a2 - a1);
            if a2 >= width {
                return;
            }
            a0 = a2;
            a1_at += 2;
            while reference.get(left_at as usize + 1).is_some_and(|&b1| b1 <= a2) {
                left_at += 2;
            }
        }
    }
}

/// Three elements from `at`.
#[inline(always)]
fn window(list: &[u32], at: u32) -> Option<&[u32; 3]> {
    list.get(at as usize..at as usize + 3)?.first_chunk()
}

/// A list in the making.
struct List<'a> {
    words: &'a mut [Word],
    count: usize,
}

impl List<'_> {
    #[inline(always)]
    fn push(&mut self, word: Word) {
        if let Some(free) = self.words.get_mut(self.count) {
            *free = word;
            self.count += 1;
        }
    }

    /// A run that is black where `black` is odd.
    #[inline(always)]
    fn push_run(&mut self, black: u32, mut pixels: u32) {
        while pixels > RUN_MAX {
            self.push(MAKE_UP_LONGEST);
            pixels -= MAKE_UP_MAX;
        }
        let words = &RUNS[black as usize % 2];
        self.push(words[pixels as usize % words.len()]);
    }
}
