//! The code words as the encoder wants them: joined, so that one look-up and one put serve several.

use crate::t4::table::{
    BLACK_MAKE_UP, BLACK_TERMINATING, COMMON_MAKE_UP, Code, HORIZONTAL, MAKE_UP_MAX, PASS, VERTICAL,
    WHITE_MAKE_UP, WHITE_TERMINATING,
};

/// Bits, right-aligned, and how many they are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Word {
    bits: u32,
    length: u32,
}

impl Word {
    /// No bits.
    pub(super) const NONE: Self = Self::zeros(0);

    pub(super) const fn new(code: Code) -> Self {
        Self { bits: code.word as u32, length: code.length as u32 }
    }

    pub(super) const fn zeros(count: u32) -> Self {
        Self { bits: 0, length: count }
    }

    pub(super) const fn bits(self) -> u64 {
        self.bits as u64
    }

    pub(super) const fn length(self) -> u32 {
        self.length
    }

    /// This word and then another.
    const fn then(self, next: Self) -> Self {
        Self { bits: self.bits << next.length | next.bits, length: self.length + next.length }
    }
}

/// The longest run that has one make-up code at most, and so one [`Word`].
pub(super) const RUN_MAX: u32 = MAKE_UP_MAX + 63;
const RUNS_LEN: usize = RUN_MAX as usize + 1;

/// Make-up and terminating code of runs, white `[0]` and black `[1]`.
pub(super) static RUNS: [[Word; RUNS_LEN]; 2] =
    [runs(&WHITE_TERMINATING, &WHITE_MAKE_UP), runs(&BLACK_TERMINATING, &BLACK_MAKE_UP)];

/// The make-up code that still longer runs repeat.
pub(super) static MAKE_UP_LONGEST: Word = Word::new(COMMON_MAKE_UP[COMMON_MAKE_UP.len() - 1]);

const fn runs(terminating: &[Code; 64], make_up: &[Code; 27]) -> [Word; RUNS_LEN] {
    let mut runs = [Word::NONE; RUNS_LEN];
    let mut pixels = 0;
    while pixels < RUNS_LEN {
        let end = Word::new(terminating[pixels % 64]);
        runs[pixels] = match pixels / 64 {
            0 => end,
            units if units <= make_up.len() => Word::new(make_up[units - 1]).then(end),
            units => Word::new(COMMON_MAKE_UP[units - make_up.len() - 1]).then(end),
        };
        pixels += 1;
    }
    runs
}

/// Pass mode.
pub(super) const PASS_WORD: Word = Word::new(PASS);
/// Horizontal mode; two runs follow.
pub(super) const HORIZONTAL_WORD: Word = Word::new(HORIZONTAL);

/// Vertical mode by a1 − b1 + 3.
pub(super) static VERTICAL_WORDS: [Word; 7] = {
    let mut words = [Word::NONE; 7];
    let mut i = 0;
    while i < 7 {
        words[i] = Word::new(VERTICAL[i]);
        i += 1;
    }
    words
};

/// Eight pixels that follow a pixel of known colour.
#[derive(Clone, Copy, Debug)]
pub(super) struct Octet {
    /// The codes of the runs that begin and end in it, and how many bits they are.
    pub(super) inner: u64,
    pub(super) inner_length: u32,
    /// The pixels that go on with the colour before; 8 where all do.
    pub(super) head: u32,
    /// The pixels of the last run, which goes on behind it; 0 where no run begins in it.
    pub(super) last: u32,
    /// All ones where a run ends in it, else zeros.
    pub(super) ends: u32,
}

/// By the pixel before (256) and the eight.
pub(super) static OCTETS: [Octet; 512] = {
    let mut table = [Octet { inner: 0, inner_length: 0, head: 8, last: 0, ends: 0 }; 512];
    let mut pixels = 0;
    while pixels < table.len() {
        table[pixels] = octet(pixels);
        pixels += 1;
    }
    table
};

const fn octet(pixels: usize) -> Octet {
    let mut octet = Octet { inner: 0, inner_length: 0, head: 0, last: 0, ends: 0 };
    let mut run = 0;
    let mut at = 8;
    while at > 0 {
        at -= 1;
        let (before, black) = (pixels >> (at + 1) & 1, pixels >> at & 1);
        if before != black {
            if octet.ends == 0 {
                octet.head = run;
                octet.ends = u32::MAX;
            } else {
                let code = if before == 1 {
                    BLACK_TERMINATING[run as usize]
                } else {
                    WHITE_TERMINATING[run as usize]
                };
                octet.inner = octet.inner << code.length | code.word as u64;
                octet.inner_length += code.length as u32;
            }
            run = 0;
        }
        run += 1;
    }
    if octet.ends == 0 {
        octet.head = run;
    } else {
        octet.last = run;
    }
    octet
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::t4::table::run_codes;

    #[test]
    fn a_word_joins_the_codes_of_a_run() {
        for black in [false, true] {
            for (pixels, word) in RUNS[usize::from(black)].iter().enumerate() {
                let joined = run_codes(black, pixels as u32).fold((0, 0), |(bits, length), code| {
                    (bits << code.length | u64::from(code.word), length + code.length)
                });
                assert_eq!((word.bits(), word.length()), (joined.0, u32::from(joined.1)), "{black} {pixels}");
            }
        }
    }

    #[test]
    fn all_words_of_eight_pixels_fit_into_a_store_but_behind_a_long_black_run() {
        let inner_max = |pixels: &[Octet]| pixels.iter().map(|octet| octet.inner_length).max();
        assert_eq!((inner_max(&OCTETS[..256]), inner_max(&OCTETS[256..])), (Some(30), Some(33)));
        let run_max = RUNS.map(|words| words.iter().map(|word| word.length()).max());
        assert_eq!(run_max, [Some(20), Some(25)]);
    }
}
