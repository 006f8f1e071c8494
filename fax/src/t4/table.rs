//! The run length code words of ITU-T T.4 tables 2, 3a and 3b, and the mode codes of T.4 table 4 (T.6 table 1).
//!
//! The words stand here as the Recommendation prints them. The look-up tables of either side are made from
//! them when the program is compiled, so encoder and decoder cannot disagree.

/// A code word: its bits, right-aligned, and how many they are.
#[derive(Clone, Copy)]
pub(super) struct Code {
    pub(super) word: u16,
    pub(super) length: u8,
}

/// EOL: eleven zeros and a one (T.4 clause 4.1.2).
pub(super) const EOL: Code = code("000000000001");
/// The zeros before the one of an EOL. No sequence of other code words holds as many.
pub(super) const EOL_ZEROS: usize = 11;

/// The tag bit after an EOL of MR: whether the row that follows is one-dimensional (T.4 clause 4.2.2).
pub(super) const fn tag_bit(one_dimensional: bool) -> Code {
    Code { word: one_dimensional as u16, length: 1 }
}

/// Pass mode of two-dimensional coding.
pub(super) const PASS: Code = code("0001");
/// Horizontal mode; two run lengths follow.
pub(super) const HORIZONTAL: Code = code("001");
/// Vertical mode, a1 from 3 left of b1 to 3 right of it.
pub(super) static VERTICAL: [Code; 7] = codes(["0000010", "000010", "010", "1", "011", "000011", "0000011"]);
/// Extension, such as uncompressed mode; three bits that say which follow.
pub(super) const EXTENSION: Code = code("0000001");

/// The longest run of one make-up code; longer runs repeat it (T.4 table 3b, note).
pub(super) const MAKE_UP_MAX: u32 = 2560;

/// The code words of a run: make-up codes and the terminating code.
#[cfg(test)]
pub(super) fn run_codes(black: bool, pixels: u32) -> impl Iterator<Item = Code> {
    let (terminating, make_up) =
        if black { (&BLACK_TERMINATING, &BLACK_MAKE_UP) } else { (&WHITE_TERMINATING, &WHITE_MAKE_UP) };
    // A run of 2624 or more repeats the longest make-up code.
    let repeats = (pixels / MAKE_UP_MAX) as usize;
    let rest = (pixels % MAKE_UP_MAX) as usize;
    let longest = COMMON_MAKE_UP[COMMON_MAKE_UP.len() - 1];
    let middle = match rest / 64 {
        0 => None,
        units if units <= make_up.len() => Some(make_up[units - 1]),
        units => Some(COMMON_MAKE_UP[units - make_up.len() - 1]),
    };
    core::iter::repeat_n(longest, repeats).chain(middle).chain([terminating[rest % 64]])
}

const fn code(text: &str) -> Code {
    let digits = text.as_bytes();
    let mut word = 0;
    let mut i = 0;
    while i < digits.len() {
        word = word << 1 | (digits[i] - b'0') as u16;
        i += 1;
    }
    Code { word, length: digits.len() as u8 }
}

const fn codes<const N: usize>(texts: [&str; N]) -> [Code; N] {
    let mut codes = [Code { word: 0, length: 0 }; N];
    let mut i = 0;
    while i < N {
        codes[i] = code(texts[i]);
        i += 1;
    }
    codes
}

/// Table 2/T.4, white runs of 0 to 63.
#[rustfmt::skip]
pub(super) static WHITE_TERMINATING: [Code; 64] = codes([
    "00110101", "000111", "0111", "1000",
    "1011", "1100", "1110", "1111",
    "10011", "10100", "00111", "01000",
    "001000", "000011", "110100", "110101",
    "101010", "101011", "0100111", "0001100",
    "0001000", "0010111", "0000011", "0000100",
    "0101000", "0101011", "0010011", "0100100",
    "0011000", "00000010", "00000011", "00011010",
    "00011011", "00010010", "00010011", "00010100",
    "00010101", "00010110", "00010111", "00101000",
    "00101001", "00101010", "00101011", "00101100",
    "00101101", "00000100", "00000101", "00001010",
    "00001011", "01010010", "01010011", "01010100",
    "01010101", "00100100", "00100101", "01011000",
    "01011001", "01011010", "01011011", "01001010",
    "01001011", "00110010", "00110011", "00110100",
]);

/// Table 2/T.4, black runs of 0 to 63.
#[rustfmt::skip]
pub(super) static BLACK_TERMINATING: [Code; 64] = codes([
    "0000110111", "010", "11", "10",
    "011", "0011", "0010", "00011",
    "000101", "000100", "0000100", "0000101",
    "0000111", "00000100", "00000111", "000011000",
    "0000010111", "0000011000", "0000001000", "00001100111",
    "00001101000", "00001101100", "00000110111", "00000101000",
    "00000010111", "00000011000", "000011001010", "000011001011",
    "000011001100", "000011001101", "000001101000", "000001101001",
    "000001101010", "000001101011", "000011010010", "000011010011",
    "000011010100", "000011010101", "000011010110", "000011010111",
    "000001101100", "000001101101", "000011011010", "000011011011",
    "000001010100", "000001010101", "000001010110", "000001010111",
    "000001100100", "000001100101", "000001010010", "000001010011",
    "000000100100", "000000110111", "000000111000", "000000100111",
    "000000101000", "000001011000", "000001011001", "000000101011",
    "000000101100", "000001011010", "000001100110", "000001100111",
]);

/// Table 3a/T.4, white runs of 64, 128 … 1728.
#[rustfmt::skip]
pub(super) static WHITE_MAKE_UP: [Code; 27] = codes([
    "11011", "10010", "010111", "0110111",
    "00110110", "00110111", "01100100", "01100101",
    "01101000", "01100111", "011001100", "011001101",
    "011010010", "011010011", "011010100", "011010101",
    "011010110", "011010111", "011011000", "011011001",
    "011011010", "011011011", "010011000", "010011001",
    "010011010", "011000", "010011011",
]);

/// Table 3a/T.4, black runs of 64, 128 … 1728.
#[rustfmt::skip]
pub(super) static BLACK_MAKE_UP: [Code; 27] = codes([
    "0000001111", "000011001000", "000011001001", "000001011011",
    "000000110011", "000000110100", "000000110101", "0000001101100",
    "0000001101101", "0000001001010", "0000001001011", "0000001001100",
    "0000001001101", "0000001110010", "0000001110011", "0000001110100",
    "0000001110101", "0000001110110", "0000001110111", "0000001010010",
    "0000001010011", "0000001010100", "0000001010101", "0000001011010",
    "0000001011011", "0000001100100", "0000001100101",
]);

/// Table 3b/T.4, runs of either colour of 1792, 1856 … 2560.
#[rustfmt::skip]
pub(super) static COMMON_MAKE_UP: [Code; 13] = codes([
    "00000001000", "00000001100", "00000001101", "000000010010",
    "000000010011", "000000010100", "000000010101", "000000010110",
    "000000010111", "000000011100", "000000011101", "000000011110",
    "000000011111",
]);

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::unusual_byte_groupings)]
mod tests {
    use super::*;
    use alloc::format;
    use alloc::string::String;

    fn bits(black: bool, pixels: u32) -> String {
        let word = |code: Code| format!("{:0length$b}", code.word, length = usize::from(code.length));
        run_codes(black, pixels).map(word).collect::<alloc::vec::Vec<_>>().join(" ")
    }

    #[test]
    fn runs_are_coded_as_the_recommendation_prints_them() {
        assert_eq!(bits(false, 0), "00110101");
        assert_eq!(bits(true, 0), "0000110111");
        assert_eq!(bits(false, 63), "00110100");
        assert_eq!(bits(true, 63), "000001100111");
        assert_eq!(bits(false, 64), "11011 00110101");
        assert_eq!(bits(true, 65), "0000001111 010");
        assert_eq!(bits(false, 1728), "010011011 00110101");
        assert_eq!(bits(true, 1728 + 2), "0000001100101 11");
        assert_eq!(bits(true, 1792), "00000001000 0000110111");
        assert_eq!(bits(false, 2560 - 1), "000000011110 00110100");
        assert_eq!(bits(false, 2560), "000000011111 00110101");
        assert_eq!(bits(true, 4864), "000000011111 000000010111 0000110111");
        assert_eq!(bits(false, 5184), "000000011111 000000011111 11011 00110101");
    }
}
