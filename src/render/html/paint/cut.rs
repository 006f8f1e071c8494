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
