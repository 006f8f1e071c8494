//! Whether the print on a page can be read: how high its lines of type are.
//!
//! Letters that stand close to each other make a line; a line of so few rows that its letters have no shape is too small,
//! whatever it was printed with. `tests/ocr.rs` shows where a reader gives up. Screened pictures grow together into
//! something higher than any line of type, and their lightest dots are lower, so neither counts.

use fax::page::{Page, Resolution};

use super::sheet::px_per_pt;

/// Gaps that do not part a line, in pixels (7 points): between letters, and between words.
const GAP_PX: u32 = 20;
/// What is narrower is no line but a dot, a speck or a lone letter, in pixels.
const LINE_PX_MIN: u32 = 30;
/// What is lower is a rule or a row of dots, and what is higher no line of type, in points.
const LINE_PT_MIN: f32 = 2.5;
const LINE_PT_MAX: f32 = 25.0;
/// Lines lower than this cannot be read, in rows and in points: eight points at 204 × 98, five at all others.
const LEGIBLE_ROWS: f32 = 10.6;
const LEGIBLE_PT: f32 = 4.95;
/// A page is hard to read where so many of 100 parts of its print are, if they are as wide as some words together.
const SMALL_PERCENT_MIN: u64 = 12;
const SMALL_PX_MIN: u64 = 600;
/// How high a line is from the highest letter to the lowest, as a part of the size of its letters.
const LINE_EM: f32 = 0.95;

/// What the lines of a page measure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Print {
    /// The widths of all lines together, and of those that are too low, in pixels.
    all_px: u64,
    small_px: u64,
    /// The heights of the latter, times their widths.
    small_area: u64,
}

/// The size of the print that is too small to be read on a page, in points; nothing where all can be read.
pub(super) fn too_small_pt(page: &Page) -> Option<f32> {
    let print = measure(page);
    let is_small = print.small_px >= SMALL_PX_MIN && print.small_px * 100 >= print.all_px * SMALL_PERCENT_MIN;
    let rows = print.small_area as f32 / print.small_px.max(1) as f32;
    is_small.then(|| rows / px_per_pt(page.resolution()).1 / LINE_EM)
}

/// The resolution at which such print has twice the rows, where nearly every machine has it.
pub(super) fn finer(resolution: Resolution) -> Option<Resolution> {
    (resolution == Resolution::R204x98).then_some(Resolution::R204x196)
}

fn measure(page: &Page) -> Print {
    let rows_per_pt = px_per_pt(page.resolution()).1;
    let mut lines = Lines::default();
    let mut print = Print::default();
    for (y, row) in (0..).zip(page.iter_rows()) {
        lines.row(y, row, &mut |line| print.count(line, rows_per_pt));
    }
    lines.end(&mut |line| print.count(line, rows_per_pt));
    print
}

impl Print {
    fn count(&mut self, line: Line, rows_per_pt: f32) {
        let (width, rows) = (line.right - line.left, (line.bottom - line.top) as f32);
        let height_pt = rows / rows_per_pt;
        if width < LINE_PX_MIN || !(LINE_PT_MIN..=LINE_PT_MAX).contains(&height_pt) {
            return;
        }
        self.all_px += u64::from(width);
        if rows < LEGIBLE_ROWS || height_pt < LEGIBLE_PT {
            self.small_px += u64::from(width);
            self.small_area += u64::from(width) * u64::from(line.bottom - line.top);
        }
    }
}

/// The rectangle around something black; `right` and `bottom` are not in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Line {
    left: u32,
    right: u32,
    top: u32,
    bottom: u32,
}

impl Line {
    fn join(self, other: Self) -> Self {
        Self {
            left: self.left.min(other.left),
            right: self.right.max(other.right),
            top: self.top.min(other.top),
            bottom: self.bottom.max(other.bottom),
        }
    }
}

/// Lines that the last row reached, from the left to the right.
#[derive(Default)]
struct Lines {
    open: Vec<Line>,
}

impl Lines {
    /// Joins a row's runs to the lines above them, and gives up the lines that no run has reached for a row.
    fn row(&mut self, y: u32, row: &[u8], done: &mut impl FnMut(Line)) {
        let mut next: Vec<Line> = Vec::with_capacity(self.open.len());
        let mut above = std::mem::take(&mut self.open).into_iter().peekable();
        for (left, right) in runs(row) {
            let mut line = Line { left, right, top: y, bottom: y + 1 };
            while let Some(open) = above.peek().copied().filter(|open| open.left <= line.right) {
                above.next();
                if open.right >= left {
                    line = line.join(open);
                } else {
                    keep_or_end(open, y, &mut next, done);
                }
            }
            // A line above may reach over this run and the one before.
            while let Some(last) = next.last().copied().filter(|last| last.right >= line.left) {
                line = line.join(last);
                next.pop();
            }
            next.push(line);
        }
        above.for_each(|open| keep_or_end(open, y, &mut next, done));
        next.sort_unstable_by_key(|line| line.left);
        self.open = next;
    }

    fn end(self, done: &mut impl FnMut(Line)) {
        self.open.into_iter().for_each(done);
    }
}

/// A row without ink may lie within a letter: an i has one.
fn keep_or_end(open: Line, y: u32, next: &mut Vec<Line>, done: &mut impl FnMut(Line)) {
    if open.bottom + 1 > y { next.push(open) } else { done(open) }
}

/// The black runs of a row, where gaps that part no line are not counted: from the first pixel to behind the last.
fn runs(row: &[u8]) -> Vec<(u32, u32)> {
    let mut runs: Vec<(u32, u32)> = Vec::new();
    for (index, octet) in (0u32..).zip(row).filter(|(_, octet)| **octet != 0) {
        // Within eight pixels no gap parts a line.
        let (first, last) = (index * 8 + octet.leading_zeros(), index * 8 + 8 - octet.trailing_zeros());
        match runs.last_mut() {
            Some(run) if first <= run.1 + GAP_PX => run.1 = last,
            _ => runs.push((first, last)),
        }
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lines of words, each a row of strokes of this height, `lines` apart.
    fn print(rows: u32, resolution: Resolution) -> Page {
        let mut page = Page::white(1728, 800, resolution);
        for line in 0..8 {
            for word in 0..10 {
                for stroke in 0..8 {
                    for y in 0..rows {
                        page.set(60 + word * 80 + stroke * 5, 20 + line * 60 + y, true);
                    }
                }
            }
        }
        page
    }

    #[test]
    fn low_lines_are_too_small_and_higher_ones_are_not() {
        let small = too_small_pt(&print(5, Resolution::R204x98));
        assert!(small.is_some_and(|pt| (3.5..5.0).contains(&pt)), "{small:?}");
        assert!(too_small_pt(&print(10, Resolution::R204x98)).is_some_and(|pt| pt < 8.0));
        assert_eq!(too_small_pt(&print(11, Resolution::R204x98)), None);
        assert!(too_small_pt(&print(8, Resolution::R204x196)).is_some_and(|pt| pt < 4.0));
        assert_eq!(too_small_pt(&print(14, Resolution::R204x196)), None);
    }

    #[test]
    fn rules_dots_and_pictures_are_no_print() {
        let mut page = Page::white(1728, 800, Resolution::R204x196);
        for x in 50..1600 {
            page.set(x, 10, true);
            page.set(x, 11, true);
        }
        for y in 100..400 {
            for x in (100..1500).filter(|x| (x / 2 + y / 2) % 2 == 0) {
                page.set(x, y, true);
            }
        }
        for y in (450..700).step_by(14) {
            for x in (100..1500).step_by(14) {
                (0..12).for_each(|dot| page.set(x + dot % 4, y + dot / 4, true));
            }
        }
        assert_eq!(measure(&page), Print::default());
    }

    #[test]
    fn a_little_small_print_does_not_count() {
        let mut page = print(14, Resolution::R204x196);
        for y in 0..9 {
            for x in (0..300).step_by(5) {
                page.set(60 + x, 780 + y, true);
            }
        }
        assert_eq!(too_small_pt(&page), None);
    }
}
