//! A small random generator, the same on every machine for the same seed (SplitMix64, Steele, Lea and Flood 2014).

/// The generator.
#[derive(Clone, Debug)]
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ z >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ z >> 31
    }

    /// True this often in a million.
    pub(super) fn per_million(&mut self, count: u32) -> bool {
        self.next() % 1_000_000 < u64::from(count)
    }

    /// Flips each bit with this chance in a million. Returns how many were flipped.
    pub(super) fn flip_bits(&mut self, bytes: &mut [u8], per_million: u32) -> u32 {
        let mut flipped = 0;
        if per_million == 0 {
            return 0;
        }
        for byte in bytes {
            for bit in 0..8 {
                if self.per_million(per_million) {
                    *byte ^= 1 << bit;
                    flipped += 1;
                }
            }
        }
        flipped
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sequence_is_the_published_one() {
        let mut random = Random::new(1_234_567);
        assert_eq!(random.next(), 6_457_827_717_110_365_317);
        assert_eq!(random.next(), 3_203_168_211_198_807_973);
    }

    #[test]
    fn bits_are_flipped_as_often_as_asked() {
        let mut bytes = [0u8; 125_000];
        let flipped = Random::new(7).flip_bits(&mut bytes, 1000);
        assert!((900..1100).contains(&flipped), "{flipped}");
        assert_eq!(bytes.iter().map(|b| b.count_ones()).sum::<u32>(), flipped);
        assert_eq!(Random::new(7).flip_bits(&mut bytes, 0), 0);
    }
}
