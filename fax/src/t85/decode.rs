//! Coded data to pages.
//!
//! Rows are decoded while their stripe comes in, as soon as the octets are there that a row can take at most. Only the
//! last rows of a stripe wait for its marker, and where a NEWLEN may still shorten the page (VLENGTH), for what follows
//! the marker. So little is held beside the rows: [`DecodeOptions::memory_octets_max`].

use super::image::{self, Image};
use super::markers::{Item, Parser};
use crate::page::{Page, Resolution};
use alloc::vec::Vec;

/// The limits of a decoder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DecodeOptions {
    /// Pixels in a row.
    pub width_max: u32,
    /// Rows after which decoding stops.
    pub rows_max: u32,
}

impl Default for DecodeOptions {
    /// The largest page that the program handles.
    fn default() -> Self {
        Self { width_max: Page::WIDTH_MAX, rows_max: Page::ROWS_MAX }
    }
}

impl DecodeOptions {
    /// The most memory that a [`Decoder`] holds whatever its data, in octets; the rows that it yields come on top.
    #[must_use]
    pub const fn memory_octets_max(&self) -> usize {
        size_of::<Decoder>() + image::memory_octets_max(self.width_max)
    }
}

/// Why no more rows come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum End {
    /// The page has all its rows.
    Complete,
    /// The data ended before the page did.
    Data,
    /// The limit of rows is reached; more would follow.
    RowsMax,
    /// The sender gave up (ABORT).
    Aborted,
    /// This damage; rows before it may be wrong already.
    Damage(Damage),
}

/// What cannot be right in coded data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Damage {
    /// The header is of no page, or of a page outside T.85 (layers, bit planes).
    Header,
    /// The rows are wider than the limit.
    WidthMax,
    /// ESC with what is no marker.
    Marker(u8),
    /// A NEWLEN of more rows than the header says, or fewer than there are.
    NewLength,
    /// An ATMOVE to where the adaptive pixel cannot be, or too many of them for a stripe.
    AdaptivePixel,
    /// A stripe has more octets than its rows take. All rows are there; they are probably wrong.
    Surplus,
}

/// A decoded page.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Decoded {
    /// Pixels in a row; 0 without a header.
    pub width: u32,
    /// The rows, packed as in [`Page`].
    pub bits: Vec<u8>,
    /// Why no more rows came.
    pub end: End,
}

impl Decoded {
    /// Whether the page has all its rows, and nothing speaks against them.
    #[must_use]
    pub fn complete(&self) -> bool {
        self.end == End::Complete
    }

    /// The number of rows.
    #[must_use]
    pub fn rows(&self) -> u32 {
        u32::try_from(self.bits.len() / Page::stride_of(self.width).max(1)).unwrap_or(u32::MAX)
    }

    /// The rows as a page; `None` where there was no header.
    #[must_use]
    pub fn into_page(self, resolution: Resolution) -> Option<Page> {
        Page::from_bits(self.width, resolution, self.bits)
    }
}

/// Decodes a whole page.
#[must_use]
pub fn decode(data: &[u8], options: &DecodeOptions) -> Decoded {
    let mut decoder = Decoder::new(*options);
    let mut bits = Vec::new();
    decoder.push(data, &mut bits);
    let end = decoder.finish(&mut bits);
    Decoded { width: decoder.width().unwrap_or(0), bits, end }
}

/// Decodes a page whose data comes in pieces.
#[derive(Debug)]
pub struct Decoder {
    options: DecodeOptions,
    parser: Parser,
    image: Option<Image>,
    end: Option<End>,
}

impl Decoder {
    /// A decoder of one page.
    #[must_use]
    pub fn new(options: DecodeOptions) -> Self {
        Self { options, parser: Parser::new(), image: None, end: None }
    }

    /// Takes the next piece of data, and appends the rows that are done to `out`, packed as in [`Page`].
    ///
    /// What comes after the end of the page is left alone.
    pub fn push(&mut self, mut data: &[u8], out: &mut Vec<u8>) {
        while self.end.is_none() {
            let Some(item) = self.parser.next(&mut data) else { return };
            if let Err(end) = self.take(item, out) {
                self.stop(end, out);
            }
        }
    }

    /// The data is at an end: appends the last rows that are there, and yields how the page ended.
    pub fn finish(&mut self, out: &mut Vec<u8>) -> End {
        if self.end.is_none() {
            let end = self.image.as_mut().and_then(|image| image.data_end(out).err());
            self.stop(end.unwrap_or(End::Data), out);
        }
        self.end.unwrap_or(End::Data)
    }

    /// Why no more rows come; `None` while they may.
    #[must_use]
    pub fn end(&self) -> Option<End> {
        self.end
    }

    /// Pixels in a row, once the header is there.
    #[must_use]
    pub fn width(&self) -> Option<u32> {
        self.image.as_ref().map(|image| image.header.width)
    }

    /// Rows so far.
    #[must_use]
    pub fn rows(&self) -> u32 {
        self.image.as_ref().map_or(0, |image| image.rows)
    }

    /// The memory that is held now, in octets.
    #[must_use]
    pub fn memory_octets(&self) -> usize {
        size_of::<Self>() + self.image.as_ref().map_or(0, Image::memory_octets)
    }

    fn take(&mut self, item: Item<'_>, out: &mut Vec<u8>) -> Result<(), End> {
        match (item, &mut self.image) {
            (Item::Header(header), _) => {
                let header = header.ok_or(End::Damage(Damage::Header))?;
                if header.width > self.options.width_max {
                    return Err(End::Damage(Damage::WidthMax));
                }
                self.image.insert(Image::new(header, self.options.rows_max)).check_complete()
            }
            (_, None) => Err(End::Damage(Damage::Header)),
            (Item::Coded(octets), Some(image)) => {
                octets.chunks(image::PIECE_OCTETS).try_for_each(|piece| image.coded(piece, out))
            }
            (Item::StripeEnd { reset }, Some(image)) => image.stripe_end(reset, out),
            (Item::Rows(rows), Some(image)) => image.new_length(rows, out),
            (Item::Move { row, left, up }, Some(image)) => image.adaptive_move(row, left, up),
            (Item::Abort, _) => Err(End::Aborted),
            (Item::Unknown(marker), _) => Err(End::Damage(Damage::Marker(marker))),
        }
    }

    /// Ends the page, with the rows of the last stripe that are there.
    fn stop(&mut self, end: End, out: &mut Vec<u8>) {
        let damage = self.image.as_mut().and_then(|image| {
            if !matches!(end, End::Complete | End::RowsMax) {
                image.rescue(out);
            }
            image.damage
        });
        self.end = Some(match (end, damage) {
            (End::Complete, Some(damage)) => End::Damage(damage),
            _ => end,
        });
    }
}
