//! A decoder of T.4 and T.6 that is slow and simple: bits are `bool`s, rows are pixels, words are looked for in the list
//! that the Recommendation prints. What the library's decoder makes of any input, it must make too.

mod words;

use fax_proto::t4::{BitOrder, Coding, Damage, DecodeOptions, Decoded, End, Framing, LostRows};
use words::{Mode, mode, run_word};

const EOL_ZEROS: usize = 11;

/// What [`fax_proto::t4::decode`] does.
pub(crate) fn decode(data: &[u8], options: &DecodeOptions) -> Decoded {
    let bit = |octet: u8, i: u32| match options.bit_order {
        BitOrder::MsbFirst => octet << i & 0x80 != 0,
        BitOrder::LsbFirst => octet >> i & 1 != 0,
    };
    let bits = data.iter().flat_map(|octet| (0..8).map(move |i| bit(*octet, i))).collect();
    let width = options.width as usize;
    let mut page = Page {
        bits,
        at: 0,
        options: *options,
        width,
        above: vec![false; width],
        above_is_lost: options.coding == Coding::Mr,
        taken_eol: None,
        short: None,
        decoded: Decoded {
            width: options.width,
            bits: vec![],
            good_rows: 0,
            bad_rows: 0,
            bad_run_rows: 0,
            end: End::Data,
        },
    };
    page.decoded.end = if width == 0 { End::Data } else { page.rows() };
    page.decoded
}

struct Page {
    bits: Vec<bool>,
    at: usize,
    options: DecodeOptions,
    width: usize,
    /// The last good row.
    above: Vec<bool>,
    above_is_lost: bool,
    taken_eol: Option<Option<bool>>,
    short: Option<usize>,
    decoded: Decoded,
}

impl Page {
    fn rows(&mut self) -> End {
        let is_framed = match self.options.coding {
            Coding::Mh => self.options.framing == Framing::Eol,
            Coding::Mr => true,
            Coding::Mmr => false,
        };
        let mut bad_run = 0;
        loop {
            let row = if is_framed { self.framed_row() } else { self.bare_row() };
            let row = match row {
                Err(end) => return end,
                Ok(Some(row)) => {
                    self.decoded.good_rows += 1;
                    bad_run = 0;
                    self.above.clone_from(&row);
                    row
                }
                Ok(None) => {
                    self.decoded.bad_rows += 1;
                    bad_run += 1;
                    self.decoded.bad_run_rows = self.decoded.bad_run_rows.max(bad_run);
                    match self.options.lost_rows {
                        LostRows::Repeat => self.above.clone(),
                        LostRows::White => vec![false; self.width],
                    }
                }
            };
            let octet = |pixels: &[bool]| {
                (0..8).fold(0, |octet, i| octet << 1 | u8::from(pixels.get(i) == Some(&true)))
            };
            self.decoded.bits.extend(row.chunks(8).map(octet));
        }
    }

    fn bare_row(&mut self) -> Result<Option<Vec<bool>>, End> {
        if self.options.framing == Framing::Octets && self.options.coding == Coding::Mh {
            self.at = self.at.next_multiple_of(8);
        }
        match self.zeros(self.at) {
            None => return Err(End::Data),
            Some(EOL_ZEROS) => return Err(End::Marker),
            Some(_) => {}
        }
        self.within_rows()?;
        let row = if self.options.coding == Coding::Mmr { self.row_2d() } else { self.row_1d() };
        row.map(Some).map_err(End::Damage)
    }

    fn framed_row(&mut self) -> Result<Option<Vec<bool>>, End> {
        let mut first = self.at == 0;
        loop {
            let (eols, is_1d) = self.eols()?;
            self.within_rows()?;
            let start = self.at;
            let row = match is_1d {
                Some(true) => self.row_1d().ok(),
                Some(false) if !self.above_is_lost => self.row_2d().ok(),
                _ => None,
            };
            if let Some(row) = row
                && self.row_end()
            {
                self.above_is_lost = false;
                self.short = None;
                return Ok(Some(row));
            }
            let eol =
                (start..self.bits.len()).find(|at| self.zeros(*at).is_some_and(|zeros| zeros >= EOL_ZEROS));
            self.at = eol.unwrap_or(self.bits.len());
            if first && eols == 0 {
                first = false;
                continue;
            }
            let Some(eol) = eol else { return Err(End::Damage(Damage::Truncated)) };
            if is_1d == Some(true) {
                let pixels = self.pixels_before_eol(start);
                match (self.short.take(), pixels) {
                    (Some(before), Some(pixels)) if before + pixels <= self.width => {
                        self.at = eol;
                        continue;
                    }
                    _ => self.short = pixels,
                }
            }
            self.hidden_eol(start, eol);
            self.above_is_lost = true;
            return Ok(None);
        }
    }

    /// The pixels of the runs from `start` up to an EOL, if they are less than a row.
    fn pixels_before_eol(&mut self, start: usize) -> Option<usize> {
        self.at = start;
        let (mut pixels, mut black) = (0, false);
        while pixels < self.width {
            match self.run(black, pixels) {
                Ok(end) => pixels = end,
                Err(Damage::Code) => return (self.zeros(self.at)? >= EOL_ZEROS).then_some(pixels),
                Err(_) => return None,
            }
            black = !black;
        }
        None
    }

    /// Goes to the row after an EOL with a wrong bit between `start` and `eol`, or to `eol`.
    fn hidden_eol(&mut self, start: usize, eol: usize) {
        let candidates = (start..eol).filter(|at| {
            let ones = (0..EOL_ZEROS).filter(|i| self.bit(at + i)).count();
            ones == 1 && self.bit(at + EOL_ZEROS)
        });
        for at in candidates.take(16).collect::<Vec<_>>() {
            self.at = at + EOL_ZEROS + 1;
            if self.options.coding == Coding::Mr {
                self.at += 1;
                if !self.bit(self.at - 1) {
                    continue;
                }
            }
            let row = self.at;
            if self.row_1d().is_ok() && self.at == eol {
                self.at = row;
                self.taken_eol = Some(Some(true));
                self.short = None;
                return;
            }
        }
        self.at = eol;
    }

    fn eols(&mut self) -> Result<(u32, Option<bool>), End> {
        let is_tagged = self.options.coding == Coding::Mr;
        let (mut eols, mut is_1d) = match self.taken_eol.take() {
            Some(tag) => (1, tag),
            None => (0, (!is_tagged).then_some(true)),
        };
        loop {
            match self.zeros(self.at) {
                None => return Err(if eols > 1 { End::Marker } else { End::Data }),
                Some(zeros) if zeros < EOL_ZEROS => return Ok((eols, is_1d)),
                Some(zeros) => self.at += zeros + 1,
            }
            eols += 1;
            if eols == 3 {
                return Err(End::Marker);
            }
            is_1d = Some(self.tag());
        }
    }

    fn tag(&mut self) -> bool {
        if self.options.coding != Coding::Mr {
            return true;
        }
        self.at += 1;
        self.bit(self.at - 1)
    }

    fn row_end(&mut self) -> bool {
        match self.zeros(self.at) {
            Some(zeros) if zeros < EOL_ZEROS => match self.zeros(self.at + zeros + 1) {
                Some(more) if zeros + 1 + more >= EOL_ZEROS => {
                    self.at += zeros + 1 + more + 1;
                    self.taken_eol = Some(Some(self.tag()));
                    true
                }
                _ => false,
            },
            _ => true,
        }
    }

    fn within_rows(&self) -> Result<(), End> {
        let rows = self.decoded.good_rows + self.decoded.bad_rows;
        if rows < self.options.rows_max { Ok(()) } else { Err(End::RowsMax) }
    }

    fn bit(&self, at: usize) -> bool {
        self.bits.get(at) == Some(&true)
    }

    fn zeros(&self, at: usize) -> Option<usize> {
        self.bits.get(at..)?.iter().position(|bit| *bit)
    }

    fn row_1d(&mut self) -> Result<Vec<bool>, Damage> {
        let mut row = Vec::new();
        let mut black = false;
        while row.len() < self.width {
            let end = self.run(black, row.len())?;
            row.resize(end, black);
            black = !black;
        }
        self.whole(row)
    }

    fn row_2d(&mut self) -> Result<Vec<bool>, Damage> {
        let mut row = Vec::new();
        let (mut black, mut is_start) = (false, true);
        while row.len() < self.width {
            let a0 = (!is_start).then_some(row.len());
            let b1 = self.change(a0, |above, before| above != before && above != black);
            let next =
                (0..7).fold(String::new(), |word, i| word + if self.bit(self.at + i) { "1" } else { "0" });
            let Some((mode, length)) = mode(&next) else { return Err(self.no_word()) };
            self.at += length;
            match mode {
                Mode::Pass => {
                    let b2 = self.change(Some(b1), |above, before| above != before && above == black);
                    row.resize(b2, black);
                }
                Mode::Vertical(offset) => {
                    let a1 = b1 as i64 + offset;
                    let a1 = usize::try_from(a1).map_err(|_| Damage::Length)?;
                    if a0.is_some_and(|a0| a1 <= a0) || a1 > self.width {
                        return Err(Damage::Length);
                    }
                    row.resize(a1, black);
                    black = !black;
                }
                Mode::Horizontal => {
                    for colour in [black, !black] {
                        let end = self.run(colour, row.len())?;
                        row.resize(end, colour);
                    }
                }
                Mode::Extension => return Err(Damage::Extension),
            }
            is_start = false;
        }
        self.whole(row)
    }

    /// The first pixel right of `a0` that, with the one before it, is what is asked for; the width without one.
    fn change(&self, a0: Option<usize>, is_wanted: impl Fn(bool, bool) -> bool) -> usize {
        let first = a0.map_or(0, |a0| a0 + 1);
        let is_change = |x: &usize| is_wanted(self.above[*x], *x > 0 && self.above[*x - 1]);
        (first..self.width).find(is_change).unwrap_or(self.width)
    }

    /// A run that begins at `start`. Yields its end.
    fn run(&mut self, black: bool, start: usize) -> Result<usize, Damage> {
        let mut end = start;
        loop {
            let next =
                (0..13).fold(String::new(), |word, i| word + if self.bit(self.at + i) { "1" } else { "0" });
            let Some((pixels, length)) = run_word(black, &next) else { return Err(self.no_word()) };
            self.at += length;
            end += pixels;
            if end > self.width {
                return Err(Damage::Length);
            }
            if pixels < 64 {
                return Ok(end);
            }
        }
    }

    fn no_word(&self) -> Damage {
        if self.zeros(self.at).is_none() { Damage::Truncated } else { Damage::Code }
    }

    fn whole(&self, row: Vec<bool>) -> Result<Vec<bool>, Damage> {
        if self.at > self.bits.len() { Err(Damage::Truncated) } else { Ok(row) }
    }
}
