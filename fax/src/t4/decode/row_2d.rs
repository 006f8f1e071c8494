//! One two-dimensional row to its changing elements: the modes of T.4 table 4.
//!
//! The quick way takes up to three modes at once, and stays left of the edge; where that cannot be, because the row ends,
//! a run is long or empty, or a mode looks at other elements than the next one, they are taken one by one.

use super::lanes::{BIAS, Changes, Elements, ElementsMut, HIGH, LANES};
use super::modes::{Kind, MODES, Modes};
use super::reader::BitReader;
use super::row::{Damage, invalid, run, within_data};
use super::runs::{LOOK_UP_BITS, PAIRS, Pair};
use crate::t4::BitOrder;

/// What a two-dimensional row is.
pub(super) enum Outcome {
    /// It is as the row above, and nothing was written.
    Repeated,
    /// It was written.
    New,
}

/// Decodes a two-dimensional row that refers to the row `reference`.
pub(super) fn row_2d(
    bits: &mut BitReader<'_>,
    reference: &Changes,
    row: &mut Changes,
    width: u32,
) -> Result<Outcome, Damage> {
    match bits.order() {
        BitOrder::MsbFirst => row_2d_in::<false>(bits, reference, row, width),
        BitOrder::LsbFirst => row_2d_in::<true>(bits, reference, row, width),
    }
}

fn row_2d_in<const LSB_FIRST: bool>(
    bits: &mut BitReader<'_>,
    reference: &Changes,
    row: &mut Changes,
    width: u32,
) -> Result<Outcome, Damage> {
    // A copy that nobody else can see stays in registers.
    let mut reader = *bits;
    reader.refill_in::<LSB_FIRST>();
    if reader.ones() as usize > reference.count() {
        // V0 for each element and for the edge, as in most rows of most pages.
        reader.take(reference.count() as u32 + 1);
        *bits = reader;
        within_data(bits)?;
        return Ok(Outcome::Repeated);
    }
    let mut work = Work {
        reference: reference.elements(),
        row: row.elements_mut(),
        edge: width + BIAS,
        a0: BIAS - 1,
        count: 0,
        b1: 0,
    };
    while work.a0 < work.edge {
        reader.need::<LSB_FIRST, 16>();
        let mut modes = MODES[reader.peek(LOOK_UP_BITS)];
        // The quick way ends left of the edge, so it need not ask.
        while modes.are(Kind::Vertical) && work.vertical(modes) {
            reader.take(modes.length());
            reader.need::<LSB_FIRST, 16>();
            modes = MODES[reader.peek(LOOK_UP_BITS)];
        }
        if modes.are(Kind::Horizontal) {
            reader.take(modes.length());
            let pair = PAIRS[work.count % 2][reader.peek(LOOK_UP_BITS)];
            if work.horizontal(pair) {
                reader.take(pair.length());
            } else {
                (work, reader) = work.horizontal_one_by_one(reader)?;
            }
        } else if modes.are(Kind::Pass) {
            reader.take(work.pass(modes));
        } else if modes.are(Kind::Vertical) || modes.are(Kind::Far) {
            reader.take(work.vertical_one(modes)?);
        } else if modes.are(Kind::Extension) {
            return Err(Damage::Extension);
        } else {
            return Err(invalid(reader));
        }
    }
    *bits = reader;
    let Work { count, edge, .. } = work;
    row.finish(count, edge);
    within_data(bits)?;
    Ok(Outcome::New)
}

/// A two-dimensional row in work.
struct Work<'a> {
    reference: Elements<'a>,
    row: ElementsMut<'a>,
    edge: u32,
    a0: u32,
    /// Elements of the row so far.
    count: usize,
    /// The index of b1: the first element right of a0 where the colour turns away from a0's. So its parity is that of
    /// `count`.
    b1: usize,
}

impl Work<'_> {
    /// All of `modes` at once; `false`, and nothing done, where that cannot be.
    #[inline(always)]
    fn vertical(&mut self, modes: Modes) -> bool {
        let b1 = self.reference.four(self.b1);
        let a1 = (b1 + modes.offsets()).wrapping_sub(3 * LANES);
        let a0 = a1 << 16 | u64::from(self.a0);
        // An element is the next b1 if it is right of a0 (the one before it is not, unless a1 is 2 or 3 left of b1). And a1
        // must be right of a0. So the left one of a1 and b1 must be, and then the highest bit of its lane stays.
        let is_right = (b1 + (HIGH - LANES)).wrapping_sub(modes.left_of_b1() + a0);
        let failed = !(is_right | modes.absent()) & HIGH;
        let last = modes.last(a1);
        if failed != 0 {
            // After the last mode, two elements may be left behind: a run of one pixel.
            if failed != modes.after_last() || last >= self.edge {
                return false;
            }
            self.b1 += 2;
        }
        self.row.put_four(self.count, a1);
        self.a0 = last;
        self.count += modes.count();
        self.b1 += modes.count();
        true
    }

    /// The first mode. Yields the bits that it takes.
    #[inline(always)]
    fn vertical_one(&mut self, modes: Modes) -> Result<u32, Damage> {
        let around = self.reference.four_from_before(self.b1);
        let [left, b1, right] = [around, around >> 16, around >> 32].map(|lane| lane as u32 & 0xFFFF);
        let a1 = (b1 + (modes.offsets() & 7) as u32).wrapping_sub(3);
        if a1 <= self.a0 || a1 > self.edge {
            return Err(Damage::Length);
        }
        self.a0 = a1;
        if a1 < self.edge {
            self.row.put_four(self.count, a1.into());
            self.count += 1;
            // The next b1 is the next element, unless that is not right of a1, or the one before b1 is, too.
            self.b1 += 1;
            if left > a1 {
                self.b1 -= 2;
            } else if right <= a1 {
                self.find_b1();
            }
        }
        Ok(modes.first_length())
    }

    /// Two short runs; `false`, and nothing done, where that cannot be.
    #[inline(always)]
    fn horizontal(&mut self, pair: Pair) -> bool {
        let start = self.a0.max(BIAS);
        let end = start + pair.pixels();
        if end >= self.edge {
            return false;
        }
        self.row.put_four(self.count, u64::from(start) * LANES + pair.ends());
        self.count += 2;
        self.a0 = end;
        self.find_b1();
        true
    }

    /// Two runs, which may be long or empty, or reach the edge.
    ///
    /// All comes and goes as a value, since what has an address is not kept in registers.
    #[inline(never)]
    fn horizontal_one_by_one<'d>(
        mut self,
        mut reader: BitReader<'d>,
    ) -> Result<(Self, BitReader<'d>), Damage> {
        let black = self.count % 2;
        let a1 = run(&mut reader, black, self.a0.max(BIAS), self.edge)?;
        self.count = self.row.turn(self.count, a1, self.edge);
        self.a0 = run(&mut reader, 1 - black, a1, self.edge)?;
        self.count = self.row.turn(self.count, self.a0, self.edge);
        if self.a0 < self.edge {
            self.find_b1();
        }
        Ok((self, reader))
    }

    /// All of `modes`, or the first of them where the row may end. Yields the bits that they take.
    #[inline(always)]
    fn pass(&mut self, modes: Modes) -> u32 {
        let passed = 2 * modes.count();
        let (passed, length) = match self.reference.get(self.b1 + passed - 2) {
            last_b1 if last_b1 < self.edge => (passed, modes.length()),
            _ => (2, modes.first_length()),
        };
        self.a0 = self.reference.get(self.b1 + passed - 1);
        self.b1 += passed;
        length
    }

    /// Goes on to the b1 of a0, which is left of the edge.
    #[inline(always)]
    fn find_b1(&mut self) {
        while self.reference.get(self.b1) <= self.a0 {
            self.b1 += 2;
        }
    }
}
