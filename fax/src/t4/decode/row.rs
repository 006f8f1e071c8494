//! One coded row to its changing elements: the code words of T.4 tables 2 to 4.
//!
//! A row is right when its runs end at the width exactly. All else is [`Damage`]; the caller knows what to do then.
//!
//! The quick way takes up to four code words at once, and stays left of the edge; where that cannot be, because the row
//! ends, a run is long or empty, or a mode looks at other elements than the next one, they are taken one by one.

use super::lanes::{BIAS, Changes, Elements, HIGH, LANES};
use super::reader::BitReader;
use super::table::{Kind, LOOK_UP_BITS, MODES, Modes, RUN, RUN_BITS, RUNS, Runs};
use crate::t4::BitOrder;
use crate::t4::table::EOL_ZEROS;
use core::fmt;

/// Why a row cannot be decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Damage {
    /// The bits are no code word, or the row ended too early.
    Code,
    /// The runs go beyond the edge, or backwards.
    Length,
    /// An extension code, such as uncompressed mode.
    Extension,
    /// The data end within the row.
    Truncated,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Code => "no code word",
            Self::Length => "a row of the wrong length",
            Self::Extension => "an extension code",
            Self::Truncated => "the data end within a row",
        })
    }
}

impl core::error::Error for Damage {}

/// Decodes a one-dimensional row.
pub(super) fn row_1d(bits: &mut BitReader<'_>, row: &mut Changes, width: u32) -> Result<(), Damage> {
    match bits.order() {
        BitOrder::MsbFirst => row_1d_in::<false>(bits, row, width),
        BitOrder::LsbFirst => row_1d_in::<true>(bits, row, width),
    }
}

fn row_1d_in<const LSB_FIRST: bool>(
    bits: &mut BitReader<'_>,
    row: &mut Changes,
    width: u32,
) -> Result<(), Damage> {
    // A copy that nobody else can see stays in registers.
    let mut reader = *bits;
    let edge = width + BIAS;
    let elements = row.elements_mut();
    let mut a0 = BIAS;
    let mut count = 0;
    while a0 < edge {
        // The quick way ends left of the edge, so it need not ask.
        loop {
            reader.need_16::<LSB_FIRST>();
            let runs = RUNS[count % 2][reader.peek(LOOK_UP_BITS)];
            let end = a0 + runs.pixels();
            if runs.count() == 0 || end >= edge {
                break;
            }
            elements.put_four(count, u64::from(a0) * LANES + runs.ends());
            count += runs.count();
            a0 = end;
            reader.take(runs.length());
        }
        let mut apart = reader;
        a0 = run(&mut apart, count, a0, edge)?;
        reader = apart;
        count = elements.turn(count, a0, edge);
    }
    *bits = reader;
    row.finish(count, edge);
    within_data(bits)
}

/// The pixels of a one-dimensional row that an EOL ends before the width.
pub(super) fn pixels_1d(mut reader: BitReader<'_>, width: u32) -> Option<u32> {
    let (mut end, mut colour) = (0, 0);
    while end < width {
        match run(&mut reader, colour, end, width) {
            Ok(after) => end = after,
            Err(Damage::Code) if reader.zeros().is_some_and(|zeros| zeros >= EOL_ZEROS) => return Some(end),
            Err(_) => return None,
        }
        colour += 1;
    }
    None
}

/// Decodes a two-dimensional row that refers to the row `reference`.
pub(super) fn row_2d(
    bits: &mut BitReader<'_>,
    reference: &Changes,
    row: &mut Changes,
    width: u32,
) -> Result<(), Damage> {
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
) -> Result<(), Damage> {
    // A copy that nobody else can see stays in registers.
    let mut reader = *bits;
    reader.need_16::<LSB_FIRST>();
    if reference.count() == 0 && reader.peek(1) == 1 {
        // White below white, as most of most pages is.
        reader.take(1);
        *bits = reader;
        row.finish(0, width + BIAS);
        return within_data(bits);
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
        reader.need_16::<LSB_FIRST>();
        let mut modes = MODES[reader.peek(LOOK_UP_BITS)];
        // The quick way ends left of the edge, so it need not ask.
        while modes.are(Kind::Vertical) && work.vertical(modes) {
            reader.take(modes.length());
            reader.need_16::<LSB_FIRST>();
            modes = MODES[reader.peek(LOOK_UP_BITS)];
        }
        if modes.are(Kind::Horizontal) {
            reader.take(modes.length());
            let runs = RUNS[work.count % 2][reader.peek(LOOK_UP_BITS)];
            if work.horizontal(runs) {
                reader.take(runs.pair_length());
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
    within_data(bits)
}

/// A two-dimensional row in work.
struct Work<'a> {
    reference: &'a Elements,
    row: &'a mut Elements,
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

    /// The first two of `runs`; `false`, and nothing done, where that cannot be.
    #[inline(always)]
    fn horizontal(&mut self, runs: Runs) -> bool {
        let start = self.a0.max(BIAS);
        let end = start + runs.pair_pixels();
        if runs.count() < 2 || end >= self.edge {
            return false;
        }
        self.row.put_four(self.count, u64::from(start) * LANES + runs.ends());
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

/// Decodes a run that begins at `start`: its make-up codes and its terminating code. It is black where `colour` is odd.
/// Yields its end.
fn run(reader: &mut BitReader<'_>, colour: usize, start: u32, edge: u32) -> Result<u32, Damage> {
    let mut end = start;
    loop {
        reader.refill();
        let run = RUN[colour % 2][reader.peek(RUN_BITS)];
        if run.length == 0 {
            return Err(invalid(*reader));
        }
        reader.take(run.length.into());
        end += u32::from(run.pixels);
        if end > edge {
            return Err(Damage::Length);
        }
        if run.pixels < 64 {
            return Ok(end);
        }
    }
}

/// Past the data there are only zeros, which are no code word.
#[cold]
#[inline(never)]
fn invalid(reader: BitReader<'_>) -> Damage {
    if reader.is_at_padding() { Damage::Truncated } else { Damage::Code }
}

fn within_data(bits: &BitReader<'_>) -> Result<(), Damage> {
    if bits.overran() { Err(Damage::Truncated) } else { Ok(()) }
}
