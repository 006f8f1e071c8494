//! The rows of a page from its strips.
//!
//! What a file says of its strips is tried first. Where that does not yield whole rows, what may be wrong is tried:
//! the octet count (the data go on to whatever the file has next), the coding, and the bit order. Another reading is
//! taken only where it fits the whole strip, so that damage is not read as something else.

use super::bitmap::Bitmap;
use super::directory::File;
use super::error::TiffError;
use super::layout::{Layout, Place};
use super::read::Limits;
use super::strip::{Format, Outcome, Storage, Wanted, unpack};
use crate::t4::{Coding, Damage, End, Framing};
use core::ops::Range;

/// A page in the making.
pub(super) struct Strips<'a, 'b> {
    pub(super) file: File<'a>,
    pub(super) layout: Layout<'a>,
    pub(super) limits: &'b Limits,
    /// Where other things of the file begin, ascending.
    pub(super) marks: &'b [usize],
    /// What is left of [`Limits::coded_octets_max`].
    pub(super) coded_octets_left: &'b mut usize,
}

/// What a page lacks.
pub(super) enum Lack {
    File(TiffError),
    /// After so many rows.
    Rows {
        had: u32,
        damage: Damage,
    },
}

impl From<TiffError> for Lack {
    fn from(error: TiffError) -> Self {
        Self::File(error)
    }
}

/// Where the octets of a strip are.
struct Span {
    start: usize,
    end: usize,
    /// Where the file has something else; `end` may be beyond it.
    fence: usize,
    /// The file may have ended before the strip.
    cut: bool,
}

impl Strips<'_, '_> {
    /// The rows of all strips, and how many of them were damaged.
    pub(super) fn rows(mut self) -> Result<(Bitmap, u32), Lack> {
        let mut out = Bitmap::new(self.layout.format.width, self.limits.page_octets_max);
        let mut bad_rows = 0;
        for index in 0..self.layout.strips {
            if self.layout.rows.is_some_and(|rows| out.rows() >= rows) {
                break;
            }
            bad_rows += self.strip(index, &mut out)?;
        }
        // Nothing but damage is no fax, but something else under the name of one.
        if out.rows() == bad_rows {
            return Err(Lack::Rows { had: bad_rows, damage: Damage::Code });
        }
        // Where the number of rows was not known, there is room left over.
        out.bits.shrink_to_fit();
        Ok((out, bad_rows))
    }

    /// Appends the rows of a strip. Yields how many were damaged.
    fn strip(&mut self, index: usize, out: &mut Bitmap) -> Result<u32, Lack> {
        let last = index + 1 == self.layout.strips;
        let place = self.layout.strip(index)?;
        let mut span = self.span(&place);
        let wanted = self.wanted(&mut span, out.rows());
        let outcome = self.best(index, &span, wanted, out)?;
        if outcome.end == End::RowsMax && self.layout.rows.is_none() {
            return Err(TiffError::Limit("rows_max").into());
        }
        let lost = lost_rows(&outcome, wanted, last, span.cut).map_err(|lack| match lack {
            Lack::Rows { damage, .. } => Lack::Rows { had: out.rows(), damage },
            file => file,
        })?;
        out.repeat_last(lost)?;
        Ok(outcome.bad_rows + lost)
    }

    fn span(&self, place: &Place) -> Span {
        let (start, length) = (place.start, self.file.length());
        let mark = self.marks.partition_point(|&mark| mark <= start);
        let others = [self.marks.get(mark).copied(), place.next, Some(length)];
        let fence = others.into_iter().flatten().min().unwrap_or(length);
        let end = place.end.unwrap_or(fence);
        let cut = end > length || place.end.is_none() && fence == length;
        Span { start, end: end.min(length), fence, cut }
    }

    fn wanted(&self, span: &mut Span, rows_before: u32) -> Wanted {
        let rows_max = self.limits.rows_max.saturating_sub(rows_before);
        match self.layout.strip_rows(rows_before) {
            Some(rows) => {
                // Only what belongs to nobody else can be more of this page.
                let alone = self.layout.strips == 1 && span.end <= span.fence;
                Wanted { rows, known: true, rows_max: if alone { rows_max.max(rows) } else { rows } }
            }
            None => {
                span.end = span.end.min(span.fence);
                let rows = self.layout.rows.map_or(rows_max, |rows| rows.saturating_sub(rows_before));
                Wanted { rows, known: false, rows_max: rows }
            }
        }
    }

    /// Appends the rows of a strip in the reading that fits it best.
    fn best(
        &mut self,
        index: usize,
        span: &Span,
        wanted: Wanted,
        out: &mut Bitmap,
    ) -> Result<Outcome, TiffError> {
        let before = out.rows();
        let last = index + 1 == self.layout.strips;
        let (said, format) = (span.start..span.end, self.layout.format);
        let outcome = self.unpack(said.clone(), format, wanted, out)?;
        let whole = is_whole(&outcome, wanted, last);
        // What follows the last row may be something else of the file, and look like damage of that row.
        if whole && (outcome.bad_rows == 0 || span.fence >= span.end) {
            return Ok(outcome);
        }
        if span.fence != span.end {
            out.truncate(before);
            let other = self.unpack(span.start..span.fence, format, wanted, out)?;
            if is_whole(&other, wanted, last) && other.bad_rows <= outcome.bad_rows {
                return Ok(other);
            }
        }
        if whole {
            out.truncate(before);
            return self.unpack(said, format, wanted, out);
        }
        if index == 0 {
            // A row more than there should be: whether the strip ends where it should says much.
            let wanted = Wanted { rows_max: wanted.rows_max.max(wanted.rows.saturating_add(1)), ..wanted };
            for format in others(format) {
                out.truncate(before);
                let other = self.unpack(said.clone(), format, wanted, out)?;
                if is_convincing(&other, wanted) {
                    self.layout.format = format;
                    return Ok(other);
                }
            }
        }
        out.truncate(before);
        self.unpack(said, format, wanted, out)
    }

    fn unpack(
        &mut self,
        octets: Range<usize>,
        format: Format,
        wanted: Wanted,
        out: &mut Bitmap,
    ) -> Result<Outcome, TiffError> {
        let octets = self.file.octets(octets.start, octets.end)?;
        let left = self.coded_octets_left.checked_sub(octets.len());
        *self.coded_octets_left = left.ok_or(TiffError::Limit("coded_octets_max"))?;
        unpack(octets, format, wanted, out)
    }
}

/// Whether nothing speaks against a reading.
fn is_whole(outcome: &Outcome, wanted: Wanted, last: bool) -> bool {
    let rows = match outcome.end {
        End::Damage(_) => false,
        End::Marker if last => true,
        _ if wanted.known => outcome.rows >= wanted.rows,
        _ => true,
    };
    rows && outcome.rows > 0 && 2 * outcome.bad_rows <= outcome.rows
}

/// Whether a reading that contradicts the file is right nevertheless: rows of the right length one after the other, up
/// to where there is no more.
fn is_convincing(outcome: &Outcome, wanted: Wanted) -> bool {
    let ended = match outcome.end {
        End::Marker => true,
        End::Data => outcome.framed || wanted.known && outcome.rows == wanted.rows,
        End::RowsMax => outcome.framed,
        End::Damage(_) => false,
    };
    ended && outcome.rows > 0 && 4 * outcome.bad_rows <= outcome.rows
}

/// What coded data may be that are not what the file says: of the same coding first.
fn others(said: Format) -> impl Iterator<Item = Format> {
    let octets = Storage::Coded(Coding::Mh, Some(Framing::Octets));
    let storages = [said.storage, Storage::MH, Storage::MR, Storage::MMR, octets];
    let orders = [said.lsb_first, !said.lsb_first];
    let formats = storages
        .into_iter()
        .flat_map(move |storage| orders.map(|lsb_first| Format { storage, lsb_first, ..said }))
        .filter(move |format| *format != said);
    // Pixels that are not coded fit everything.
    let is_coded = matches!(said.storage, Storage::Coded(..));
    formats.take(if is_coded { usize::MAX } else { 0 })
}

/// How many rows of a strip damage has swallowed, where it is right otherwise: as many rows as it should have, unless
/// the page ends in it. `cut` says that the file may have ended before the strip.
fn lost_rows(strip: &Outcome, wanted: Wanted, last: bool, cut: bool) -> Result<u32, Lack> {
    let missing = wanted.rows.saturating_sub(strip.rows);
    let damage = match strip.end {
        End::Damage(damage) => Some(damage),
        End::Marker | End::Data | End::RowsMax => None,
    };
    let lack = Lack::Rows { had: strip.rows, damage: damage.unwrap_or(Damage::Truncated) };
    match strip.end {
        _ if strip.rows == 0 && !cut => Err(lack),
        // The noise of a carrier that goes down.
        End::Damage(Damage::Truncated) if !wanted.known && strip.framed => Ok(0),
        End::Damage(_) if !wanted.known => Err(lack),
        _ if !wanted.known => Ok(0),
        _ if missing == 0 && !(cut && damage.is_some()) => Ok(0),
        // The sender ended the page before the rows were as many as the field says: the page is right.
        End::Marker if last => Ok(0),
        _ if cut => Err(TiffError::Truncated.into()),
        // A damaged EOL makes one bad row of two.
        _ if missing <= strip.bad_rows => Ok(missing),
        // As above, without RTC, as is usual in files.
        End::Data if last && strip.framed => Ok(0),
        _ => Err(lack),
    }
}
