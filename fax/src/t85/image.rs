//! The stripes of an image, decoded as they come.

use super::arith_decode::ArithDecoder;
use super::decode::{Damage, End};
use super::header::{Header, ROWS_UNKNOWN};
use super::probability::CONTEXTS_OCTETS;
use super::row::Rows;
use super::template::{Coder, Template, code_row};
use alloc::vec::Vec;

/// Octets of a stripe that are taken up at once.
pub(super) const PIECE_OCTETS: usize = 1024;
/// ATMOVEs before a stripe.
const MOVES_MAX: usize = 16;
/// Octets that a stripe may have beyond those its rows take: an encoder may not have cut all zeros off.
const SURPLUS_OCTETS_MAX: usize = 8;

/// The most memory that an image holds, in octets, where rows have up to `width_max` pixels.
pub(super) const fn memory_octets_max(width_max: u32) -> usize {
    let moves = 2 * MOVES_MAX * size_of::<Move>();
    CONTEXTS_OCTETS + Rows::octets(width_max) + coded_octets_max(width_max) + moves
}

/// What a row takes at most: a symbol for each pixel, and one to say whether it is typical.
const fn row_octets_max(width: u32) -> usize {
    ArithDecoder::octets_max(width.saturating_add(1))
}

/// Octets of a stripe that are held. What is not read yet is less than a row can take, or else there would be a row.
const fn coded_octets_max(width: u32) -> usize {
    row_octets_max(width) + 2 * PIECE_OCTETS
}

/// From this row of the stripe on, the template is this.
#[derive(Clone, Copy, Debug)]
struct Move {
    row: u32,
    to: Template,
}

/// The stripe in work.
#[derive(Debug, Default)]
struct Stripe {
    /// Something of it came.
    begun: bool,
    /// The marker at its end came, which says whether the next one begins like a page.
    reset: Option<bool>,
    rows: u32,
    moves: Vec<Move>,
    /// The arithmetic decoder has begun with it.
    decoding: bool,
    /// Octets that came after those of the last row.
    surplus_octets: usize,
}

/// What is decoded after the header.
#[derive(Debug)]
pub(super) struct Image {
    pub(super) header: Header,
    pub(super) rows: u32,
    /// What was wrong, though all rows could be decoded.
    pub(super) damage: Option<Damage>,
    rows_max: u32,
    lines: Rows,
    coder: ArithDecoder,
    template: Template,
    /// Whether the row above was typical.
    was_typical: bool,
    stripe: Stripe,
    /// Octets of the stripe that are not decoded yet, after a few that are.
    coded: Vec<u8>,
    /// ATMOVEs for the stripe to come.
    moves: Vec<Move>,
}

impl Image {
    pub(super) fn new(mut header: Header, rows_max: u32) -> Self {
        header.variable_length |= header.rows == ROWS_UNKNOWN;
        Self {
            header,
            rows: 0,
            damage: None,
            rows_max,
            lines: Rows::new(header.width),
            coder: ArithDecoder::new(),
            template: Template { two_lines: header.two_lines, moved: 0 },
            was_typical: false,
            stripe: Stripe::default(),
            coded: Vec::with_capacity(coded_octets_max(header.width)),
            moves: Vec::new(),
        }
    }

    /// The memory that is held now, but for the struct itself.
    pub(super) fn memory_octets(&self) -> usize {
        let moves = (self.moves.capacity() + self.stripe.moves.capacity()) * size_of::<Move>();
        CONTEXTS_OCTETS + Rows::octets(self.header.width) + self.coded.capacity() + moves
    }

    /// [`End::Complete`] where the page has all its rows.
    pub(super) fn check_complete(&self) -> Result<(), End> {
        if self.rows == self.header.rows { Err(End::Complete) } else { Ok(()) }
    }

    /// Takes octets of a stripe, at most [`PIECE_OCTETS`], and decodes the rows that are safe.
    pub(super) fn coded(&mut self, octets: &[u8], out: &mut Vec<u8>) -> Result<(), End> {
        self.begin_stripe(out)?;
        if self.stripe_rows_left() == 0 {
            self.stripe.surplus_octets += octets.len();
            return Ok(());
        }
        self.coded.extend_from_slice(octets);
        let row_octets_max = row_octets_max(self.header.width);
        while self.stripe_rows_left() > 0 && self.unread_octets() >= row_octets_max {
            self.decode_row()?;
            self.row_done(out);
        }
        // Read octets are few beside what stays, which has to move.
        let read = self.coded.len() - self.unread_octets();
        if read >= PIECE_OCTETS {
            self.coded.drain(..read);
            self.coder.forget(read);
        }
        Ok(())
    }

    /// SDNORM or SDRST: a stripe has all its octets.
    pub(super) fn stripe_end(&mut self, reset: bool, out: &mut Vec<u8>) -> Result<(), End> {
        self.begin_stripe(out)?;
        self.stripe.reset = Some(reset);
        // A NEWLEN may follow that says how many rows it has.
        if self.header.variable_length { Ok(()) } else { self.complete_stripe(out) }
    }

    /// NEWLEN. Where a stripe waited for it, that is decoded now.
    pub(super) fn new_length(&mut self, rows: u32, out: &mut Vec<u8>) -> Result<(), End> {
        if !(self.rows..=self.header.rows).contains(&rows) {
            return Err(End::Damage(Damage::NewLength));
        }
        self.header.rows = rows;
        self.header.variable_length = false;
        if self.stripe.reset.is_none() {
            return self.check_complete();
        }
        // It was encoded as a whole stripe, maybe: octets that are left over say nothing.
        let damage = self.damage;
        let complete = self.complete_stripe(out);
        self.damage = damage;
        complete
    }

    /// ATMOVE, before the stripe it is for. T.85 moves the pixel within the row only.
    pub(super) fn adaptive_move(&mut self, row: u32, left: i8, up: u8) -> Result<(), End> {
        let left = u32::try_from(left).ok().filter(|_| up == 0 && self.moves.len() < MOVES_MAX);
        let to = left.and_then(|left| self.template.move_to(left));
        self.moves.push(Move { row, to: to.ok_or(End::Damage(Damage::AdaptivePixel))? });
        Ok(())
    }

    /// No more data comes: decodes the stripe that waited for what follows, where its number of rows is sure.
    pub(super) fn data_end(&mut self, out: &mut Vec<u8>) -> Result<(), End> {
        if self.stripe.reset.is_some() && self.header.rows != ROWS_UNKNOWN {
            return self.complete_stripe(out);
        }
        self.rescue(out);
        self.check_complete()
    }

    /// Decodes the rows of a stripe without an end that hang on no octet which did not come.
    pub(super) fn rescue(&mut self, out: &mut Vec<u8>) {
        while self.stripe.begun && self.stripe_rows_left() > 0 {
            if self.decode_row().is_err() || !self.coder.is_within(&self.coded) {
                return;
            }
            self.row_done(out);
        }
    }

    /// The stripe whose end came is decoded, and a new one begins.
    fn begin_stripe(&mut self, out: &mut Vec<u8>) -> Result<(), End> {
        if self.stripe.reset.is_some() {
            self.complete_stripe(out)?;
        }
        if !self.stripe.begun {
            self.stripe.begun = true;
            self.stripe.moves = core::mem::take(&mut self.moves);
        }
        Ok(())
    }

    /// Decodes the rest of a stripe that has all its octets.
    fn complete_stripe(&mut self, out: &mut Vec<u8>) -> Result<(), End> {
        while self.stripe_rows_left() > 0 {
            self.decode_row()?;
            self.row_done(out);
        }
        if self.unread_octets() + self.stripe.surplus_octets > SURPLUS_OCTETS_MAX {
            self.damage = Some(Damage::Surplus);
        }
        self.coded.clear();
        if core::mem::take(&mut self.stripe).reset == Some(true) {
            self.lines.clear();
            self.coder.reset();
            self.template.moved = 0;
            self.was_typical = false;
        }
        self.check_complete()
    }

    fn stripe_rows_left(&self) -> u32 {
        let of_stripe = self.header.stripe_rows.saturating_sub(self.stripe.rows);
        of_stripe.min(self.header.rows.saturating_sub(self.rows))
    }

    fn unread_octets(&self) -> usize {
        let read = if self.stripe.decoding { self.coder.octets_read() } else { 0 };
        self.coded.len().saturating_sub(read)
    }

    /// Decodes the next row of the stripe.
    fn decode_row(&mut self) -> Result<(), End> {
        if self.rows == self.rows_max {
            return Err(End::RowsMax);
        }
        if !core::mem::replace(&mut self.stripe.decoding, true) {
            self.coder.start(&self.coded);
        }
        if let Some(moved) = self.stripe.moves.iter().rfind(|moved| moved.row == self.stripe.rows) {
            self.template = moved.to;
        }
        let mut coder = self.coder.row(&self.coded);
        if self.header.typical {
            // SLNTP (T.82 clause 6.4.2.3): 1 where it is with this row as with the row above.
            let as_above = coder.pixel(self.template.typical_context(), 0) == 1;
            self.was_typical = as_above == self.was_typical;
        }
        if self.was_typical {
            self.lines.repeat();
        } else {
            let (above, current) = self.lines.parts();
            coder = code_row(coder, self.template, above, current, self.header.width);
        }
        coder.end();
        Ok(())
    }

    /// Yields the row that was decoded.
    fn row_done(&mut self, out: &mut Vec<u8>) {
        self.lines.write(out);
        self.lines.next();
        self.rows += 1;
        self.stripe.rows += 1;
    }
}
