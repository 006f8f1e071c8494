//! The pixels that predict a pixel: T.82 clause 6.7.1, the model templates of the lowest resolution layer.
//!
//! Ten pixels make a context, the first of them in reading order its highest bit. `A` is the adaptive pixel, which may
//! be moved (ATMOVE) to a pixel further left in the row itself; `?` is the pixel that is coded. Beyond the sides and
//! above the page all is white.
//!
//! ```text
//!     three lines        two lines
//!         o o o
//!       o o o o A        o o o o o A
//!       o o ?          o o o o ?
//! ```
//!
//! Rows are words of 32 pixels, the leftmost in the highest bit, and [`code_row`] walks them for encoder and decoder
//! alike. Where all that predicts is white, it asks the coder to take many white pixels at once.

/// Pixels in a word of a row.
pub(super) const WORD_PIXELS: u32 = 32;

/// Which pixels predict, and where the adaptive one is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Template {
    /// LRLTWO: the template of two lines instead of three.
    pub(super) two_lines: bool,
    /// How far left of the pixel the adaptive pixel is; 0 where it was not moved.
    pub(super) moved: u32,
}

impl Template {
    /// The furthest that the adaptive pixel can be moved (T.82 clause 6.7.3).
    pub(super) const MOVED_MAX: u32 = 127;

    /// The context in which SLNTP is coded, whether a row is typical (T.82 figures 9 and 10).
    pub(super) fn typical_context(self) -> usize {
        if self.two_lines { 0x195 } else { 0x0E5 }
    }

    /// Moves the adaptive pixel; `None` where it cannot be moved to.
    pub(super) fn move_to(self, left: u32) -> Option<Self> {
        // Nearer, there are pixels of the template itself.
        let nearest = if self.two_lines { 5 } else { 3 };
        (left == 0 || (nearest..=Self::MOVED_MAX).contains(&left)).then_some(Self { moved: left, ..self })
    }
}

/// An arithmetic coder, to either side.
pub(super) trait Coder {
    /// Codes a pixel, which an encoder knows; yields it.
    fn pixel(&mut self, context: usize, known: u32) -> u32;

    /// Codes up to `pixels` white pixels of context 0 at once; yields how many, maybe 0. An encoder knows the pixels,
    /// the first one in the highest bit.
    fn white_pixels(&mut self, known: u32, pixels: u32) -> u32;
}

/// Codes the row of `width` pixels below `above` and `above2`. A decoder writes it, an encoder reads it. The coder comes by
/// value and goes back, so that its registers can be the processor's.
#[inline(always)]
pub(super) fn code_row<C: Coder>(
    coder: C,
    template: Template,
    [above2, above]: [&[u32]; 2],
    row: &mut [u32],
    width: u32,
) -> C {
    match (template.two_lines, template.moved) {
        (false, 0) => walk::<C, false, false>(coder, 0, [above2, above], row, width),
        (true, 0) => walk::<C, true, false>(coder, 0, [above2, above], row, width),
        (false, left) => walk::<C, false, true>(coder, left, [above2, above], row, width),
        (true, left) => walk::<C, true, true>(coder, left, [above2, above], row, width),
    }
}

/// Of a window, the bit of the pixel that is coded. Left of it there are 16 pixels.
const HERE: u32 = 47;

/// The pixels around a word of a row.
#[inline(always)]
fn window(row: &[u32], at: usize) -> u64 {
    let word = |at: usize| u64::from(row.get(at).copied().unwrap_or(0));
    word(at.wrapping_sub(1)) << 48 | word(at) << 16 | word(at + 1) >> 16
}

#[inline(always)]
fn walk<C: Coder, const TWO_LINES: bool, const MOVED: bool>(
    mut coder: C,
    moved: u32,
    [above2, above]: [&[u32]; 2],
    row: &mut [u32],
    width: u32,
) -> C {
    // The pixels of the row so far, the last one in the lowest bit; `far` only where the adaptive pixel is moved.
    let (mut near, mut far) = (0u32, 0u128);
    for (at, word) in row.iter_mut().enumerate() {
        let pixels = WORD_PIXELS.min(width.saturating_sub(at as u32 * WORD_PIXELS));
        let mut above2 = if TWO_LINES { 0 } else { window(above2, at) };
        let mut above = window(above, at);
        let mut known = *word;
        let mut left = pixels;
        while left > 0 {
            let mut context = if TWO_LINES {
                (above >> (HERE - 6)) as usize & 0x3F0 | near as usize & 0xF
            } else {
                (above2 >> (HERE - 8)) as usize & 0x380
                    | (above >> (HERE - 4)) as usize & 0x7C
                    | near as usize & 3
            };
            if MOVED {
                let adaptive = if TWO_LINES { 4 } else { 2 };
                let pixel = (far >> (moved - 1)) as usize & 1;
                context = context & !(1 << adaptive) | pixel << adaptive;
            } else if context == 0 {
                let coded = coder.white_pixels(known, left.min(white_ahead(above | above2)));
                if coded > 0 {
                    (above, above2) = (above << coded, above2 << coded);
                    // A whole word cannot be shifted away at once.
                    known = known.unbounded_shl(coded);
                    near = near.unbounded_shl(coded);
                    left -= coded;
                    continue;
                }
            }
            let pixel = coder.pixel(context, known >> (WORD_PIXELS - 1));
            near = near << 1 | pixel;
            if MOVED {
                far = far << 1 | u128::from(pixel);
            }
            (above, above2, known) = (above << 1, above2 << 1, known << 1);
            left -= 1;
        }
        *word = near.unbounded_shl(WORD_PIXELS - pixels);
    }
    coder
}

/// How many pixels from here on have only white ones above that predict them.
#[inline(always)]
fn white_ahead(above: u64) -> u32 {
    // Three to the left have a part in it, and two to the right.
    (above << (63 - HERE - 3)).leading_zeros().saturating_sub(5)
}
