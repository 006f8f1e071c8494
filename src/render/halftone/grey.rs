//! A grey picture at the pixels of a page, and what is seen of it through a small window.

/// Rows of grey values: 0 is black.
#[derive(Debug)]
pub(in super::super) struct Grey<'v> {
    width: u32,
    rows: u32,
    values: &'v mut [u8],
}

impl<'v> Grey<'v> {
    /// A picture of `width` pixels a row; `None` where `values` is no whole number of rows.
    pub(in super::super) fn new(width: u32, values: &'v mut [u8]) -> Option<Self> {
        let stride = width as usize;
        if stride == 0 || !values.len().is_multiple_of(stride) {
            return None;
        }
        let rows = u32::try_from(values.len() / stride).ok()?;
        Some(Self { width, rows, values })
    }

    pub(super) fn width(&self) -> u32 {
        self.width
    }

    pub(super) fn rows(&self) -> u32 {
        self.rows
    }

    pub(super) fn row(&self, y: u32) -> &[u8] {
        let start = y as usize * self.width as usize;
        self.values.get(start..start + self.width as usize).unwrap_or_default()
    }

    #[cfg(test)]
    pub(super) fn values_mut(&mut self) -> &mut [u8] {
        self.values
    }

    pub(super) fn rows_mut(&mut self) -> impl Iterator<Item = &mut [u8]> {
        self.values.chunks_exact_mut(self.width as usize)
    }
}

/// The darkest and the lightest value around every pixel of a row, in a square of `2 * REACH + 1` pixels.
pub(super) struct Window {
    /// Of the pixel's column alone; `REACH` pixels more at both ends.
    column_low: Vec<u8>,
    column_high: Vec<u8>,
    low: Vec<u8>,
    high: Vec<u8>,
}

/// How far the window reaches, in pixels.
const REACH: usize = 2;

impl Window {
    pub(super) fn new(width: u32) -> Self {
        let width = width as usize;
        let (column, row) = (vec![0; width + 2 * REACH], vec![0; width]);
        Self { column_low: column.clone(), column_high: column, low: row.clone(), high: row }
    }

    /// Moves to row `y`: afterwards `low` and `high` look at it.
    pub(super) fn move_to(&mut self, grey: &Grey<'_>, y: u32) {
        // Beyond the edges the picture goes on as it ends there.
        let last = grey.rows().saturating_sub(1);
        let near =
            std::array::from_fn(|tap| grey.row((y + tap as u32).saturating_sub(REACH as u32).min(last)));
        let width = self.low.len();
        of_lanes(near, &mut self.column_low[REACH..REACH + width], u8::min);
        of_lanes(near, &mut self.column_high[REACH..REACH + width], u8::max);
        for columns in [&mut self.column_low, &mut self.column_high] {
            let (first, last) = (columns[REACH], columns[REACH + width - 1]);
            columns[..REACH].fill(first);
            columns[REACH + width..].fill(last);
        }
        along(&self.column_low, &mut self.low, u8::min);
        along(&self.column_high, &mut self.high, u8::max);
    }

    /// The darkest and the lightest value around the pixel at `x`.
    pub(super) fn around(&self, x: usize) -> (u8, u8) {
        (self.low.get(x).copied().unwrap_or(0), self.high.get(x).copied().unwrap_or(0))
    }

    /// The same for eight pixels from `x` on; `None` where there are fewer.
    pub(super) fn around_eight(&self, x: usize) -> Option<(&[u8; 8], &[u8; 8])> {
        Some((self.low.get(x..)?.first_chunk()?, self.high.get(x..)?.first_chunk()?))
    }
}

/// For every pixel, `of` the five columns around it.
fn along(columns: &[u8], row: &mut [u8], of: impl Fn(u8, u8) -> u8) {
    let width = row.len();
    of_lanes(std::array::from_fn(|shift| &columns[shift..shift + width]), row, of);
}

/// For every place, `of` what the lanes have there.
fn of_lanes(lanes: [&[u8]; 2 * REACH + 1], out: &mut [u8], of: impl Fn(u8, u8) -> u8) {
    let [a, b, c, d, e] = lanes.map(|lane| &lane[..out.len()]);
    for (x, out) in out.iter_mut().enumerate() {
        *out = of(of(of(a[x], b[x]), of(c[x], d[x])), e[x]);
    }
}
