//! The tones of a picture: which of them become black and white.

/// So many of 100 pixels may become black and white by stretching the tones …
const BLACK_PERCENT: usize = 1;
const WHITE_PERCENT: usize = 98;
/// … where black is darker than this and white is lighter.
const BLACK_AT_MOST: usize = 60;
const WHITE_AT_LEAST: usize = 140;
/// A picture is paper where so many of 100 pixels are of one light tone, give or take so much for noise and shadow,
/// and next to nothing is lighter.
const PAPER_PERCENT_MIN: usize = 50;
const LIGHTER_PERCENT_MAX: usize = 2;
const PAPER_TONES: usize = 28;
const PAPER_AT_LEAST: usize = 160;

/// Which tones become black and white, so that a dull photograph shows what is in it and grey paper is white.
pub(super) struct Tones {
    black: usize,
    white: usize,
    /// Most of it is paper of one tone: a scan or a drawing, not a photograph.
    pub(super) paper: bool,
}

impl Tones {
    pub(super) fn of(values: &[u8]) -> Self {
        let mut counts = [0usize; 256];
        for &value in values {
            counts[usize::from(value)] += 1;
        }
        let around =
            |tone: usize| counts.iter().take(tone + PAPER_TONES + 1).skip(tone.saturating_sub(PAPER_TONES));
        let share = |tone: usize| around(tone).sum::<usize>() * 100 / values.len().max(1);
        let lightest = (PAPER_AT_LEAST..256).max_by_key(|&tone| share(tone)).unwrap_or(255);
        let lighter: usize = counts.iter().skip(lightest + PAPER_TONES + 1).sum();
        let paper =
            share(lightest) >= PAPER_PERCENT_MIN && lighter * 100 <= values.len() * LIGHTER_PERCENT_MAX;
        let below = |percent: usize| {
            let wanted = values.len() * percent / 100;
            let mut sum = 0;
            let found = counts.iter().position(|count| {
                sum += count;
                sum > wanted
            });
            found.unwrap_or(0)
        };
        let white = if paper { lightest - PAPER_TONES } else { below(WHITE_PERCENT) };
        Self { black: below(BLACK_PERCENT).min(BLACK_AT_MOST), white: white.max(WHITE_AT_LEAST), paper }
    }

    pub(super) fn stretch(&self, mut values: Vec<u8>) -> Vec<u8> {
        let table: [u8; 256] = std::array::from_fn(|value| {
            let part = value.saturating_sub(self.black) * 255 / (self.white - self.black);
            u8::try_from(part).unwrap_or(u8::MAX)
        });
        for value in &mut values {
            *value = table[usize::from(*value)];
        }
        values
    }
}
