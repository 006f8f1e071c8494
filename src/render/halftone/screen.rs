//! Screens: a threshold for each pixel of a pattern that repeats (clustered dots at 45°, which grow as the tone darkens).

use fax::page::Resolution;

/// So many squares by so many make the pattern that repeats. Their dots grow one after the other, which gives more tones
/// than the pixels of a dot.
const CELLS: u32 = 4;
/// How far the dots of the pattern are apart in their growth, as a part of all of it.
const SPOT_SPREAD: f32 = 0.12;
/// Printing makes dots grow, so middle tones are lightened: the exponent of the tone curve.
pub(super) const TONE_EXPONENT: f32 = 0.8;

/// A screen for one resolution.
pub(super) struct Screen {
    width: u32,
    rows: u32,
    /// From 0 to 254, row by row.
    thresholds: Vec<u8>,
    /// The tone curve.
    tones: [u8; 256],
}

impl Screen {
    /// Two dots, set cornerwise, in every square of `cell_inches`.
    pub(super) fn new(resolution: Resolution, cell_inches: f32) -> Self {
        // An even number, so that the dot in the middle of a cell is like those at its corners.
        let side = |dpi: u32| ((dpi as f32 * cell_inches / 2.0).round() as u32).max(1) * 2;
        let (cell_width, cell_rows) = (side(resolution.x_dpi()), side(resolution.y_dpi()));
        let (width, rows) = (cell_width * CELLS, cell_rows * CELLS);
        let mut spots: Vec<(f32, u32)> = (0..width * rows)
            .map(|index| (spot(index % width, index / width, cell_width, cell_rows), index))
            .collect();
        spots.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let mut thresholds = vec![0; spots.len()];
        for (rank, (_, index)) in spots.iter().enumerate() {
            // The rank as a tone; there are far fewer pixels than a u32 counts.
            thresholds[*index as usize] = (rank * 255 / spots.len()) as u8;
        }
        let tone = |value: usize| ((value as f32 / 255.0).powf(TONE_EXPONENT) * 255.0).round() as u8;
        Self { width, rows, thresholds, tones: std::array::from_fn(tone) }
    }

    /// What each tone becomes, so that it is as dark on paper.
    pub(super) fn tones(&self) -> &[u8; 256] {
        &self.tones
    }

    /// The rows after which the pattern comes again.
    #[cfg(test)]
    pub(super) fn rows(&self) -> u32 {
        self.rows
    }

    /// The thresholds of a row, from its left edge, over and over.
    pub(super) fn row(&self, y: u32) -> Row<'_> {
        let start = (y % self.rows * self.width) as usize;
        let thresholds = self.thresholds.get(start..start + self.width as usize).unwrap_or_default();
        Row { thresholds, tones: &self.tones }
    }
}

/// One row of a screen.
pub(super) struct Row<'s> {
    thresholds: &'s [u8],
    tones: &'s [u8; 256],
}

impl Row<'_> {
    pub(super) fn is_black(&self, value: u8, x: usize) -> bool {
        let threshold = self.thresholds.get(x % self.thresholds.len().max(1)).copied().unwrap_or(127);
        self.tones[usize::from(value)] <= threshold
    }
}

/// How late a pixel turns black as the tone darkens: last between the dots. Each dot is a little later or earlier
/// than the others.
fn spot(x: u32, y: u32, cell_width: u32, cell_rows: u32) -> f32 {
    let turn = |place: u32, side: u32| std::f32::consts::TAU * (place as f32 + 0.5) / side as f32;
    let (across, down) = (turn(x, cell_width), turn(y, cell_rows));
    // Which dot of the pattern the pixel belongs to, and its turn among them (bit reversal spreads them evenly).
    let (column, row) = (x * 2 / cell_width, y * 2 / cell_rows);
    let turn = (column * 5 + row * 3) % 16;
    (across.cos() * down.cos()) + (turn.reverse_bits() >> 28) as f32 / 16.0 * SPOT_SPREAD
}
