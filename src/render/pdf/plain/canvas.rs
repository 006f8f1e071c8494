//! A page in grey that is drawn on: rectangles, masks and pictures, each within a clip.

use hayro::kurbo::Rect;
use image::GrayImage;

/// Rows of grey values.
pub(super) struct Canvas {
    width: u32,
    rows: u32,
    values: Vec<u8>,
}

/// A part of the page, in whole pixels: from the first to before the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Area {
    pub(super) left: i32,
    pub(super) top: i32,
    pub(super) right: i32,
    pub(super) bottom: i32,
}

/// How much of each pixel is covered, row by row, of 255.
#[derive(Clone, Debug)]
pub(super) struct Mask {
    pub(super) left: i32,
    pub(super) top: i32,
    pub(super) width: usize,
    pub(super) coverage: Vec<u8>,
}

impl Area {
    /// The pixels that a rectangle touches.
    pub(super) fn touched(rect: Rect) -> Self {
        // What does not fit is cut; it is far beyond every page.
        let [left, top] = [rect.x0, rect.y0].map(|least| least.floor() as i32);
        let [right, bottom] = [rect.x1, rect.y1].map(|most| most.ceil() as i32);
        Self { left, top, right, bottom }
    }

    /// The pixels of which a rectangle covers the middle.
    pub(super) fn rounded(rect: Rect) -> Self {
        let [left, top, right, bottom] = [rect.x0, rect.y0, rect.x1, rect.y1].map(|edge| edge.round() as i32);
        Self { left, top, right, bottom }
    }

    /// What both have.
    pub(super) fn within(self, other: Self) -> Self {
        Self {
            left: self.left.max(other.left),
            top: self.top.max(other.top),
            right: self.right.min(other.right),
            bottom: self.bottom.min(other.bottom),
        }
    }

    pub(super) fn width(self) -> usize {
        usize::try_from(self.right.saturating_sub(self.left)).unwrap_or(0)
    }

    pub(super) fn rows(self) -> usize {
        usize::try_from(self.bottom.saturating_sub(self.top)).unwrap_or(0)
    }
}

impl Canvas {
    /// A white page. `values` are those of a page before, whose room is used again.
    pub(super) fn white(width: u32, rows: u32, mut values: Vec<u8>) -> Self {
        values.clear();
        values.resize(width as usize * rows as usize, u8::MAX);
        Self { width, rows, values }
    }

    pub(super) fn into_values(self) -> Vec<u8> {
        self.values
    }

    /// All of it.
    pub(super) fn area(&self) -> Area {
        let most = |length: u32| i32::try_from(length).unwrap_or(i32::MAX);
        Area { left: 0, top: 0, right: most(self.width), bottom: most(self.rows) }
    }

    /// The pixels of an area's rows, one row after the other.
    fn rows_mut(&mut self, area: Area) -> impl Iterator<Item = &mut [u8]> {
        let area = area.within(self.area());
        let (first, count) = (area.left.max(0) as usize, area.width());
        self.values
            .chunks_exact_mut(self.width.max(1) as usize)
            .skip(area.top.max(0) as usize)
            .take(area.rows())
            .filter_map(move |row| row.get_mut(first..first + count))
    }

    /// Fills a rectangle with a tone; pixels that it covers in part get a part of it.
    pub(super) fn fill(&mut self, rect: Rect, tone: u8, clip: Area) {
        let area = Area::touched(rect).within(clip).within(self.area());
        let covered = |first: i32, count: usize, from: f64, to: f64| -> Vec<f64> {
            (0..count)
                .map(|index| f64::from(first) + index as f64)
                .map(|pixel| (to.min(pixel + 1.0) - from.max(pixel)).max(0.0))
                .collect()
        };
        let across = covered(area.left, area.width(), rect.x0, rect.x1);
        let down = covered(area.top, area.rows(), rect.y0, rect.y1);
        for (row, down) in self.rows_mut(area).zip(down) {
            for (value, across) in row.iter_mut().zip(&across) {
                *value = mixed(*value, tone, (across * down * 255.0).round() as u8);
            }
        }
    }

    /// Lays a tone through a mask.
    pub(super) fn lay(&mut self, mask: &Mask, (x, y): (i32, i32), tone: u8, clip: Area) {
        let at = (x.saturating_add(mask.left), y.saturating_add(mask.top));
        let rows = mask.coverage.len() / mask.width.max(1);
        let Overlap { area, columns, first_row } = self.overlap(at, (mask.width, rows), clip);
        let masks = mask.coverage.chunks_exact(mask.width.max(1)).skip(first_row);
        for (row, coverage) in self.rows_mut(area).zip(masks) {
            for (value, covered) in row.iter_mut().zip(coverage.iter().skip(columns)) {
                *value = mixed(*value, tone, *covered);
            }
        }
    }

    /// Lays a picture, whose first pixel comes to lie at `at`.
    pub(super) fn put(&mut self, picture: &GrayImage, at: (i32, i32), clip: Area) {
        let (width, rows) = (picture.width() as usize, picture.height() as usize);
        let Overlap { area, columns, first_row } = self.overlap(at, (width, rows), clip);
        let lines = picture.as_raw().chunks_exact(width.max(1)).skip(first_row);
        for (row, from) in self.rows_mut(area).zip(lines) {
            row.iter_mut().zip(from.iter().skip(columns)).for_each(|(value, from)| *value = *from);
        }
    }

    /// What of so many pixels and rows at a place is seen.
    fn overlap(&self, (left, top): (i32, i32), (width, rows): (usize, usize), clip: Area) -> Overlap {
        let end = |first: i32, length: usize| first.saturating_add(i32::try_from(length).unwrap_or(i32::MAX));
        let whole = Area { left, top, right: end(left, width), bottom: end(top, rows) };
        let area = whole.within(clip).within(self.area());
        let unseen = |first: i32, whole: i32| usize::try_from(first.saturating_sub(whole)).unwrap_or(0);
        Overlap { area, columns: unseen(area.left, left), first_row: unseen(area.top, top) }
    }
}

/// What is seen of something, and how many of its columns and rows are not, at the left and above.
struct Overlap {
    area: Area,
    columns: usize,
    first_row: usize,
}

/// A tone over another, as far as it covers it.
fn mixed(below: u8, tone: u8, covered: u8) -> u8 {
    let part = |value: u8, weight: u8| u16::from(value) * u16::from(weight);
    // 255 × 255 and 128 fit; the division is by 255, rounded.
    let sum = part(tone, covered) + part(below, u8::MAX - covered) + 128;
    ((sum + (sum >> 8)) >> 8) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tones_are_mixed_by_coverage() {
        for (below, tone) in [(255, 0), (0, 255), (200, 31), (7, 7)] {
            assert_eq!((mixed(below, tone, 0), mixed(below, tone, 255)), (below, tone));
        }
        assert_eq!(mixed(255, 0, 128), 127);
    }

    #[test]
    fn edges_get_a_part_and_nothing_is_drawn_beyond_the_clip() {
        let mut canvas = Canvas::white(6, 4, Vec::new());
        let clip = Area { left: 0, top: 1, right: 4, bottom: 99 };
        canvas.fill(Rect::new(-3.0, 0.0, 2.5, 2.0), 0, canvas.area());
        canvas.fill(Rect::new(1.0, -9.0, 9.0, 9.0), 100, clip);
        let w = 255;
        assert_eq!(
            canvas.into_values(),
            [
                [0, 0, 127, w, w, w],
                [0, 100, 100, 100, w, w],
                [w, 100, 100, 100, w, w],
                [w, 100, 100, 100, w, w]
            ]
            .concat()
        );
    }

    #[test]
    fn masks_and_pictures_are_cut_at_every_edge() {
        let mask = Mask { left: -1, top: -1, width: 3, coverage: vec![255; 9] };
        let picture = GrayImage::from_pixel(3, 3, image::Luma([9]));
        for (x, y) in (-4..8).flat_map(|x| (-4..8).map(move |y| (x, y))) {
            let is_inside = |place: i32, first: i32| (first..first + 3).contains(&place);
            let mut by_mask = Canvas::white(4, 4, Vec::new());
            by_mask.lay(&mask, (x + 1, y + 1), 9, by_mask.area());
            let mut by_picture = Canvas::white(4, 4, Vec::new());
            by_picture.put(&picture, (x, y), by_picture.area());
            let wanted: Vec<u8> = (0..16)
                .map(|index| if is_inside(index % 4, x) && is_inside(index / 4, y) { 9 } else { 255 })
                .collect();
            assert_eq!(
                (by_mask.into_values(), by_picture.into_values()),
                (wanted.clone(), wanted),
                "{x} {y}"
            );
        }
    }
}
