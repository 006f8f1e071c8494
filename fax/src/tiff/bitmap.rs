//! The rows of a page in the making, within a limit of memory.

use super::error::TiffError;
use crate::page::Page;
use alloc::vec::Vec;

/// Where the size of a page is not known beforehand, room is made for so many octets first.
const FIRST_ROOM_OCTETS: usize = 64 << 10;

/// Packed rows, as in [`Page`].
pub(super) struct Bitmap {
    /// Whole rows, and room for one more where it was asked for.
    pub(super) bits: Vec<u8>,
    stride: usize,
    octets_max: usize,
}

impl Bitmap {
    /// No row yet; more octets than `octets_max` are [`TiffError::Limit`].
    pub(super) fn new(width: u32, octets_max: usize) -> Self {
        Self { bits: Vec::new(), stride: Page::stride_of(width), octets_max }
    }

    pub(super) fn rows(&self) -> u32 {
        (self.bits.len() / self.stride.max(1)) as u32
    }

    pub(super) fn stride(&self) -> usize {
        self.stride
    }

    /// Makes room for exactly so many rows more.
    pub(super) fn room(&mut self, rows: usize) -> Result<(), TiffError> {
        let octets = rows.checked_mul(self.stride).filter(|&octets| octets <= self.left());
        self.bits.reserve_exact(octets.ok_or(TiffError::Limit("page_octets_max"))?);
        Ok(())
    }

    /// Makes room for a row more and, because others will follow, for some of them.
    pub(super) fn room_for_row(&mut self) -> Result<(), TiffError> {
        self.room_for(self.stride)
    }

    /// Makes room for so many octets more and, because others will follow, for some of them.
    pub(super) fn room_for(&mut self, octets: usize) -> Result<(), TiffError> {
        let (length, capacity) = (self.bits.len(), self.bits.capacity());
        if capacity - length >= octets {
            return Ok(());
        }
        if self.left() < octets {
            return Err(TiffError::Limit("page_octets_max"));
        }
        let room = (2 * capacity).max(FIRST_ROOM_OCTETS).clamp(length + octets, self.octets_max);
        self.bits.reserve_exact(room - length);
        Ok(())
    }

    /// The last row so many times more; white rows where there is none.
    pub(super) fn repeat_last(&mut self, times: u32) -> Result<(), TiffError> {
        self.room(times as usize)?;
        for _ in 0..times {
            match self.bits.len().checked_sub(self.stride) {
                Some(above) => self.bits.extend_from_within(above..),
                None => self.bits.resize(self.stride, 0),
            }
        }
        Ok(())
    }

    /// Leaves no more than so many rows.
    pub(super) fn truncate(&mut self, rows: u32) {
        self.bits.truncate(rows as usize * self.stride);
    }

    fn left(&self) -> usize {
        self.octets_max.saturating_sub(self.bits.len())
    }
}
