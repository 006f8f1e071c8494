//! Where pages end: between lines, rows and pictures (CSS Fragmentation 3 §4).

use super::super::layout::{Fragment, Mark};

/// Points by which places may differ from each other and still be the same.
const TOLERANCE: f32 = 0.02;

/// The end of a page.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Cut {
    /// What reaches further does not fit on the page.
    limit: f32,
    /// Where the next page begins; no page follows where nothing is left.
    pub(super) next: f32,
}

impl Cut {
    /// The end of the page that begins at `origin` and has so much room.
    pub(super) fn find(fragments: &[Fragment<'_>], origin: f32, room: f32) -> Self {
        let is_end = |fragment: &&Fragment<'_>| {
            matches!(fragment.mark, Mark::PageEnd) && fragment.y > origin + TOLERANCE
        };
        let asked = fragments.iter().filter(is_end).map(|fragment| fragment.y).fold(f32::INFINITY, f32::min);
        let limit = (origin + room).min(asked);
        let mut cut = Self { limit, next: f32::INFINITY };
        // What belongs together goes to the next page together, and takes with it what belongs to that.
        loop {
            let moved = fragments.iter().filter(|fragment| cut.moves(fragment, origin));
            let next = moved.map(|fragment| unit(fragment, origin, room).0).fold(f32::INFINITY, f32::min);
            if next >= cut.next {
                break;
            }
            cut.next = next;
        }
        if cut.next <= origin + TOLERANCE || cut.next.is_infinite() && fragments.iter().any(|f| f.y >= limit)
        {
            cut.next = limit;
        }
        cut
    }

    /// Where grounds end on this page.
    pub(super) fn end(self) -> f32 {
        self.next.min(self.limit)
    }

    /// Whether nothing fits on the page.
    pub(super) fn is_empty(self, origin: f32) -> bool {
        self.next - origin <= TOLERANCE
    }

    /// Whether a fragment is drawn on the page.
    pub(super) fn shows(self, fragment: &Fragment<'_>, origin: f32) -> bool {
        if flows(fragment) { fragment.y < self.next } else { !self.moves(fragment, origin) }
    }

    /// Whether something of a fragment is left for the next page.
    pub(super) fn leaves(self, fragment: &Fragment<'_>, origin: f32) -> bool {
        match fragment.mark {
            Mark::PageEnd => fragment.y > self.next + TOLERANCE,
            _ if flows(fragment) => fragment.y + fragment.height > self.next + TOLERANCE,
            _ => self.moves(fragment, origin),
        }
    }

    /// Whether a fragment does not fit. What is higher than a page stays where it begins.
    fn moves(self, fragment: &Fragment<'_>, origin: f32) -> bool {
        let (top, bottom) = unit(fragment, origin, self.limit - origin);
        let starts_later = top > origin + TOLERANCE;
        !flows(fragment) && starts_later && bottom > self.limit + TOLERANCE
    }
}

/// What belongs together with a fragment; the fragment alone where that is more than a page, or began on an earlier one.
fn unit(fragment: &Fragment<'_>, origin: f32, room: f32) -> (f32, f32) {
    let (top, bottom) = fragment.unit;
    let is_whole = bottom - top <= room && top >= origin - TOLERANCE;
    if is_whole { (top, bottom) } else { (fragment.y, fragment.y + fragment.height) }
}

/// Grounds and upright lines go on over the end of a page.
fn flows(fragment: &Fragment<'_>) -> bool {
    match fragment.mark {
        Mark::Ground { .. } => true,
        Mark::Line { .. } => fragment.height > fragment.width,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letters(y: f32, height: f32, unit: (f32, f32)) -> Fragment<'static> {
        Fragment { x: 0.0, y, width: 100.0, height, mark: Mark::Letters(Vec::new()), unit }
    }

    /// The pages of fragments: which of them each page shows.
    fn pages(mut fragments: Vec<Fragment<'_>>, room: f32) -> Vec<Vec<i32>> {
        let mut pages = Vec::new();
        let mut origin = 0.0;
        while !fragments.is_empty() {
            let cut = Cut::find(&fragments, origin, room);
            let shown = fragments.iter().filter(|fragment| cut.shows(fragment, origin));
            pages.push(shown.map(|fragment| fragment.y as i32).collect());
            fragments.retain(|fragment| cut.leaves(fragment, origin));
            assert!(cut.next > origin, "every page gets on");
            origin = cut.next;
        }
        pages
    }

    #[test]
    fn pages_end_between_lines() {
        let lines = (0..7).map(|n| n as f32 * 10.0).map(|y| letters(y, 10.0, (y, y + 10.0))).collect();
        assert_eq!(pages(lines, 35.0), [vec![0, 10, 20], vec![30, 40, 50], vec![60]]);
    }

    #[test]
    fn what_belongs_together_moves_together() {
        let heading = letters(20.0, 10.0, (20.0, 40.0));
        let line = letters(30.0, 10.0, (20.0, 40.0));
        assert_eq!(
            pages(vec![letters(0.0, 10.0, (0.0, 10.0)), heading, line], 35.0),
            [vec![0], vec![20, 30]]
        );
    }

    #[test]
    fn columns_whose_lines_differ_are_not_cut_either() {
        let left = [0.0, 10.0, 20.0].map(|y| letters(y, 10.0, (y, y + 10.0)));
        let right = [3.0, 17.0].map(|y| letters(y, 14.0, (y, y + 14.0)));
        assert_eq!(pages(left.into_iter().chain(right).collect(), 25.0), [vec![0, 10, 3], vec![20, 17]]);
    }

    #[test]
    fn what_is_higher_than_a_page_is_cut_and_ends() {
        assert_eq!(pages(vec![letters(0.0, 100.0, (0.0, 100.0))], 30.0), [[0]]);
        let ground = Mark::Ground { tone: 200, under_light: false };
        let ground = Fragment { x: 0.0, y: 0.0, width: 9.0, height: 100.0, mark: ground, unit: (0.0, 0.0) };
        assert_eq!(pages(vec![ground], 30.0).len(), 1, "an empty box asks for no pages");
    }

    #[test]
    fn a_page_ends_where_it_is_asked_for() {
        let end =
            Fragment { x: 0.0, y: 10.0, width: 0.0, height: 0.0, mark: Mark::PageEnd, unit: (10.0, 10.0) };
        let lines = [0.0, 10.0].map(|y| letters(y, 10.0, (y, y + 10.0)));
        let shown = pages(lines.into_iter().chain([end]).collect(), 100.0);
        assert_eq!(shown.len(), 2, "{shown:?}");
    }
}
