//! What stands at the sides while text goes on beside it (CSS 2.2 §9.5).

/// The boxes that float where no others may see them.
#[derive(Debug, Default)]
pub(super) struct Floats {
    boxes: Vec<Float>,
}

#[derive(Clone, Copy, Debug)]
struct Float {
    is_right: bool,
    left: f32,
    right: f32,
    top: f32,
    bottom: f32,
}

impl Floats {
    /// What is free of the columns from `left` to `right` at this height, and down to where.
    pub(super) fn band(&self, y: f32, (left, right): (f32, f32)) -> (f32, f32, f32) {
        let beside = self.boxes.iter().filter(|float| float.top <= y && y < float.bottom);
        beside.fold((left, right, f32::INFINITY), |(left, right, until), float| {
            let until = until.min(float.bottom);
            if float.is_right {
                (left, right.min(float.left), until)
            } else {
                (left.max(float.right), right, until)
            }
        })
    }

    /// The first height from `y` on where so much is free, and what is free there.
    pub(super) fn place(&self, y: f32, sides: (f32, f32), width: f32) -> (f32, f32, f32) {
        let mut y = y;
        loop {
            let (left, right, until) = self.band(y, sides);
            if right - left >= width - TOLERANCE || until.is_infinite() {
                return (y, left, right);
            }
            y = until;
        }
    }

    pub(super) fn add(&mut self, is_right: bool, (left, top): (f32, f32), (width, height): (f32, f32)) {
        if height > 0.0 {
            self.boxes.push(Float { is_right, left, right: left + width, top, bottom: top + height });
        }
    }

    /// No float stands higher than the one before it.
    pub(super) fn highest(&self) -> f32 {
        self.boxes.last().map_or(f32::NEG_INFINITY, |float| float.top)
    }

    /// The end of those at the left, at the right, or both.
    pub(super) fn cleared(&self, y: f32, sides: [bool; 2]) -> f32 {
        let wanted = self.boxes.iter().filter(|float| sides[usize::from(float.is_right)]);
        wanted.map(|float| float.bottom).fold(y, f32::max)
    }

    pub(super) fn bottom(&self) -> f32 {
        self.cleared(f32::NEG_INFINITY, [true; 2])
    }

    /// Whether all of them end above.
    pub(super) fn is_clear(&self, y: f32) -> bool {
        self.boxes.iter().all(|float| float.bottom <= y)
    }
}

/// Points by which widths may differ from what was measured.
const TOLERANCE: f32 = 0.05;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_goes_beside_and_then_below() {
        let mut floats = Floats::default();
        floats.add(false, (0.0, 10.0), (100.0, 50.0));
        floats.add(true, (350.0, 10.0), (150.0, 20.0));
        assert_eq!(floats.band(0.0, (0.0, 500.0)), (0.0, 500.0, f32::INFINITY));
        assert_eq!(floats.band(10.0, (0.0, 500.0)), (100.0, 350.0, 30.0));
        assert_eq!(floats.band(30.0, (0.0, 500.0)), (100.0, 500.0, 60.0));
        assert_eq!(floats.place(10.0, (0.0, 500.0), 300.0), (30.0, 100.0, 500.0));
        assert_eq!(floats.place(10.0, (0.0, 500.0), 900.0).0, 60.0);
        assert_eq!(floats.cleared(12.0, [false, true]), 30.0);
        assert!(floats.is_clear(60.0) && !floats.is_clear(59.0));
    }
}
