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
    ///
    /// Most bytes stay as they are, so a byte is drawn first: whether anything of it is flipped.
    pub(super) fn flip_bits(&mut self, bytes: &mut [u8], per_million: u32) -> u32 {
        if per_million == 0 {
            return 0;
        }
        let one = f64::from(per_million.min(1_000_000)) / 1e6;
        // The chance that none of the last n bits of a byte is flipped.
        let mut none = [1.0; 9];
        (1..9).for_each(|n| none[n] = none[n - 1] * (1.0 - one));
        let mut flipped = 0;
        for byte in bytes {
            if self.fraction() < none[8] {
                continue;
            }
            let mut is_hit = false;
            for (bit, none_left) in none[1..].iter().rev().enumerate() {
                // The first flip comes at this bit or later; those after it are as they come.
                let chance = if is_hit { one } else { one / (1.0 - none_left) };
                if self.fraction() < chance {
                    *byte ^= 1 << bit;
                    flipped += 1;
                    is_hit = true;
                }
            }
        }
        flipped
    }

    /// At least 0 and below 1.
    fn fraction(&mut self) -> f64 {
        let [a, b, c, d, ..] = self.next().to_le_bytes();
        f64::from(u32::from_le_bytes([a, b, c, d])) / f64::from(u32::MAX).next_up()
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
        // Each bit of a byte as often as the others.
        for bit in 0..8 {
            let count = bytes.iter().filter(|byte| **byte >> bit & 1 != 0).count();
            assert!((80..175).contains(&count), "bit {bit}: {count}");
        }
        let mut bytes = [0u8; 1000];
        assert_eq!(Random::new(7).flip_bits(&mut bytes, 1_000_000), 8000);
        assert_eq!(bytes, [0xFF; 1000]);
        let flipped = Random::new(9).flip_bits(&mut bytes, 300_000);
        assert!((2250..2550).contains(&flipped), "{flipped}");
        assert_eq!(Random::new(7).flip_bits(&mut bytes, 0), 0);
    }
}
