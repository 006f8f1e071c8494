//! What lies where: the picture in blocks, each of one kind.

use super::grey::Grey;
use super::{BLACK_MAX, WHITE_MIN};

/// The side of a block, in pixels.
pub(super) const BLOCK: u32 = 24;
/// A block is a photograph when so many parts of 100 are middle tones …
const MIDDLE_PERCENT_MIN: u32 = 50;
/// … and so many of 16 tones each take so many parts of 100.
const TONES_MIN: usize = 4;
const TONE_PERCENT_MIN: u32 = 4;
/// A picture of which so many of 100 blocks are photographs is one as a whole.
const PHOTO_PERCENT_MIN: usize = 60;
/// Toned blocks that hang together are a photograph where so many of 100 are …
const JOINED_PHOTO_PERCENT_MIN: usize = 25;
/// … and fill the rectangle around them where so many of 100 blocks of it are theirs.
const JOINED_FULL_PERCENT_MIN: usize = 60;
/// Grounds that hang together and differ by more than this are no shade.
const SHADE_TONES_MAX: u8 = 36;
/// The tone of a ground is that of which so many of 100 pixels are darker: what is written on it is darker.
const GROUND_PERCENT: u32 = 70;

/// What a block is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// White all over.
    Blank,
    /// Letters, lines and even tones, on a ground of this tone; a block beside it has a ground of the tone `near`. It
    /// is a shade where it has one tone as far as it goes, and else a part of a picture.
    Line {
        ground: u8,
        near: u8,
        shade: bool,
    },
    Photo,
}

impl Kind {
    /// Letters and lines on white, as most blocks are.
    pub(super) const ON_WHITE: Self = Self::Line { ground: u8::MAX, near: u8::MAX, shade: true };
}

/// The blocks of a picture, row by row.
pub(super) struct Regions {
    columns: u32,
    rows: u32,
    kinds: Vec<Kind>,
}

impl Regions {
    pub(super) fn of(grey: &Grey<'_>) -> Self {
        let (columns, rows) = (grey.width().div_ceil(BLOCK), grey.rows().div_ceil(BLOCK));
        let mut kinds = Vec::with_capacity((columns * rows) as usize);
        let mut darkest = vec![0; grey.width() as usize];
        for row in 0..rows {
            darkest_of_columns(grey, row * BLOCK, &mut darkest);
            kinds.extend((0..columns).zip(darkest.chunks(BLOCK as usize)).map(|(column, darkest)| {
                match darkest.iter().all(|tone| *tone >= WHITE_MIN) {
                    true => Kind::Blank,
                    false => kind(grey, column * BLOCK, row * BLOCK),
                }
            }));
        }
        let raw = Self { columns, rows, kinds };
        let photos = raw.kinds.iter().filter(|kind| **kind == Kind::Photo).count();
        match photos * 100 >= raw.kinds.len() * PHOTO_PERCENT_MIN {
            true => Self { kinds: vec![Kind::Photo; raw.kinds.len()], ..raw },
            false if photos == 0 => raw.joined().with_neighbours(),
            false => raw.smoothed().joined().with_neighbours(),
        }
    }

    /// Whether there is anything of photographs.
    pub(super) fn have_pictures(&self) -> bool {
        self.kinds.iter().any(|kind| matches!(kind, Kind::Photo | Kind::Line { shade: false, .. }))
    }

    /// The blocks of one row of blocks.
    pub(super) fn row(&self, row: u32) -> &[Kind] {
        let start = (row * self.columns) as usize;
        self.kinds.get(start..start + self.columns as usize).unwrap_or_default()
    }

    /// A photograph has even places too: toned blocks that hang together are one where enough of them are, and so is what
    /// lies between them. Where they are not, and have more than one tone, they are a picture all the same, and no shade.
    fn joined(mut self) -> Self {
        let mut seen = vec![false; self.kinds.len()];
        for start in 0..self.kinds.len() {
            if seen[start] || !self.is_toned(start) {
                continue;
            }
            let patch = Patch::around(start, &self, &mut seen);
            if patch.photos * 100 < patch.members.len() * JOINED_PHOTO_PERCENT_MIN {
                self.mark_shade(&patch);
                continue;
            }
            let full = patch.members.len() * 100 >= patch.area() * JOINED_FULL_PERCENT_MIN;
            for (index, kind) in self.kinds.iter_mut().enumerate() {
                let place = (index as u32 % self.columns, index as u32 / self.columns);
                let within = full && *kind != Kind::Blank && patch.encloses(place);
                if within || patch.members.binary_search(&index).is_ok() {
                    *kind = Kind::Photo;
                }
            }
        }
        self
    }

    /// Says of the blocks of a patch whether they are one shade.
    fn mark_shade(&mut self, patch: &Patch) {
        let one_tone = patch.tones.1.saturating_sub(patch.tones.0) <= SHADE_TONES_MAX;
        for &index in &patch.members {
            if let Some(Kind::Line { shade, .. }) = self.kinds.get_mut(index) {
                *shade = one_tone;
            }
        }
    }

    fn is_toned(&self, index: usize) -> bool {
        match self.kinds.get(index) {
            Some(Kind::Photo) => true,
            Some(Kind::Line { ground, .. }) => *ground < WHITE_MIN,
            _ => false,
        }
    }

    /// Where a ground ends within a block, the block beside it says which tone it has: the darkest around.
    fn with_neighbours(self) -> Self {
        let ground = |column: i64, row: i64| {
            let row = u32::try_from(row).ok().map(|row| self.row(row));
            match row.and_then(|row| row.get(usize::try_from(column).ok()?)) {
                Some(Kind::Line { ground, shade, .. }) if *ground > BLACK_MAX => (*ground, *shade),
                Some(Kind::Photo) => (u8::MAX, false),
                _ => (u8::MAX, true),
            }
        };
        let kinds = (0..i64::from(self.rows * self.columns)).map(|index| {
            let (column, row) = (index % i64::from(self.columns), index / i64::from(self.columns));
            match self.kinds.get(index as usize) {
                Some(Kind::Line { ground: own, shade, .. }) => {
                    let around = [(0, -1), (0, 1), (-1, 0), (1, 0)].map(|(x, y)| ground(column + x, row + y));
                    let near = around.iter().map(|(ground, _)| *ground).min().unwrap_or(*own);
                    let shade = *shade && around.iter().all(|(_, shade)| *shade);
                    Kind::Line { ground: *own, near, shade }
                }
                Some(kind) => *kind,
                None => Kind::Blank,
            }
        });
        Self { kinds: kinds.collect(), ..self }
    }

    /// No lonely block differs from its surroundings in whether it is a photograph.
    fn smoothed(self) -> Self {
        let kinds = (0..self.rows * self.columns).map(|index| {
            let (column, row) = (index % self.columns, index / self.columns);
            let own = self.kinds.get(index as usize).copied().unwrap_or(Kind::Photo);
            match (own, self.mostly_photo(column, row)) {
                (Kind::Photo, false) => Kind::ON_WHITE,
                (_, true) => Kind::Photo,
                (own, false) => own,
            }
        });
        Self { kinds: kinds.collect(), ..self }
    }

    /// Whether most of a block and its neighbours are photographs.
    fn mostly_photo(&self, column: u32, row: u32) -> bool {
        let columns = column.saturating_sub(1) as usize..(column + 2).min(self.columns) as usize;
        let (mut yes, mut all) = (0, 0);
        for y in row.saturating_sub(1)..(row + 2).min(self.rows) {
            let blocks = self.row(y).get(columns.clone()).unwrap_or_default();
            all += blocks.len();
            yes += blocks.iter().filter(|kind| **kind == Kind::Photo).count();
        }
        yes * 2 > all
    }
}

/// Toned blocks that hang together.
struct Patch {
    /// Their indices, in order.
    members: Vec<usize>,
    photos: usize,
    /// The darkest and the lightest ground.
    tones: (u8, u8),
    /// The first and the last column and row.
    columns: (u32, u32),
    rows: (u32, u32),
}

impl Patch {
    fn around(start: usize, regions: &Regions, seen: &mut [bool]) -> Self {
        let mut patch = Self {
            members: Vec::new(),
            photos: 0,
            tones: (u8::MAX, 0),
            columns: (u32::MAX, 0),
            rows: (u32::MAX, 0),
        };
        let mut open = vec![start];
        seen[start] = true;
        while let Some(index) = open.pop() {
            let (column, row) = (index as u32 % regions.columns, index as u32 / regions.columns);
            patch.columns = (patch.columns.0.min(column), patch.columns.1.max(column));
            patch.rows = (patch.rows.0.min(row), patch.rows.1.max(row));
            match regions.kinds.get(index) {
                Some(Kind::Line { ground, .. }) => {
                    patch.tones = (patch.tones.0.min(*ground), patch.tones.1.max(*ground));
                }
                Some(Kind::Photo) => patch.photos += 1,
                _ => {}
            }
            patch.members.push(index);
            for y in row.saturating_sub(1)..(row + 2).min(regions.rows) {
                for x in column.saturating_sub(1)..(column + 2).min(regions.columns) {
                    let next = (y * regions.columns + x) as usize;
                    if !seen[next] && regions.is_toned(next) {
                        seen[next] = true;
                        open.push(next);
                    }
                }
            }
        }
        patch.members.sort_unstable();
        patch
    }

    fn area(&self) -> usize {
        let span = |(first, last): (u32, u32)| (last + 1 - first) as usize;
        span(self.columns) * span(self.rows)
    }

    fn encloses(&self, (column, row): (u32, u32)) -> bool {
        (self.columns.0..=self.columns.1).contains(&column) && (self.rows.0..=self.rows.1).contains(&row)
    }
}

/// How many values of rows meet a condition; no row of a block is longer than an octet counts.
fn count<'r>(rows: impl Iterator<Item = &'r [u8]>, is_met: impl Fn(u8) -> bool) -> u32 {
    rows.map(|row| u32::from(row.iter().map(|&value| u8::from(is_met(value))).sum::<u8>())).sum()
}

/// The darkest tone of every column in the row of blocks that begins at `top`.
fn darkest_of_columns(grey: &Grey<'_>, top: u32, darkest: &mut [u8]) {
    darkest.fill(u8::MAX);
    for y in top..(top + BLOCK).min(grey.rows()) {
        for (darkest, &value) in darkest.iter_mut().zip(grey.row(y)) {
            *darkest = value.min(*darkest);
        }
    }
}

/// What a block is that is not white all over.
fn kind(grey: &Grey<'_>, left: u32, top: u32) -> Kind {
    let (right, bottom) = ((left + BLOCK).min(grey.width()), (top + BLOCK).min(grey.rows()));
    let columns = left as usize..right as usize;
    let rows = || (top..bottom).map(|y| grey.row(y).get(columns.clone()).unwrap_or_default());
    // Every second row: what a block is does not hang on single pixels.
    let all = (right - left) * (bottom - top).div_ceil(2);
    let middle = count(rows().step_by(2), |value| (BLACK_MAX..WHITE_MIN).contains(&value));
    let white = count(rows().step_by(2), |value| value == u8::MAX);
    if middle * 100 < all * MIDDLE_PERCENT_MIN && white * 100 >= all * (100 - GROUND_PERCENT) {
        // The ground is known without its tones being counted.
        return Kind::ON_WHITE;
    }
    let mut counts = [0u32; 256];
    rows().step_by(2).flatten().for_each(|&value| counts[usize::from(value)] += 1);
    let middle = &counts[usize::from(BLACK_MAX)..usize::from(WHITE_MIN)];
    let mut tones = [0u32; 16];
    for (value, count) in (usize::from(BLACK_MAX)..).zip(middle) {
        tones[value >> 4] += count;
    }
    let frequent = tones.iter().filter(|&&count| count * 100 >= all * TONE_PERCENT_MIN).count();
    if middle.iter().sum::<u32>() * 100 >= all * MIDDLE_PERCENT_MIN && frequent >= TONES_MIN {
        return Kind::Photo;
    }
    let mut darker = 0;
    let ground = counts.iter().position(|count| {
        darker += count;
        darker * 100 > all * GROUND_PERCENT
    });
    let ground = ground.and_then(|tone| u8::try_from(tone).ok()).unwrap_or(u8::MAX);
    Kind::Line { ground, near: ground, shade: true }
}
