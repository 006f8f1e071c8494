//! Coded data taken apart: the header, the octets of stripes, and what stands between them (T.82 clause 6.2).

use super::header::{ABORT, ATMOVE, BIH_OCTETS, COMMENT, ESC, Header, NEWLEN, SDNORM, SDRST, STUFF};

/// What a piece of data begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Item<'a> {
    /// The header; `None` where it is of another profile.
    Header(Option<Header>),
    /// Octets of a stripe, not stuffed any more.
    Coded(&'a [u8]),
    /// SDNORM, or with `reset` SDRST: the stripe is complete.
    StripeEnd { reset: bool },
    /// NEWLEN: the page has so many rows.
    Rows(u32),
    /// ATMOVE: from this row of the stripe on, the adaptive pixel is so far left (and so far up).
    Move { row: u32, left: i8, up: u8 },
    /// ABORT.
    Abort,
    /// [`ESC`] and what is no marker.
    Unknown(u8),
}

/// Where the parser is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// In the header, or after a marker in its octets: all of them are collected first.
    Collect { marker: Option<u8>, octets: usize },
    /// Outside of markers.
    Coded,
    /// After [`ESC`].
    Escape,
    /// In a comment; so many octets of it are left.
    Comment(u32),
}

/// Takes data apart that comes in pieces.
#[derive(Debug)]
pub(super) struct Parser {
    place: Place,
    collected: [u8; BIH_OCTETS],
    collected_octets: usize,
}

impl Parser {
    pub(super) fn new() -> Self {
        let place = Place::Collect { marker: None, octets: BIH_OCTETS };
        Self { place, collected: [0; BIH_OCTETS], collected_octets: 0 }
    }

    /// Takes the next item off `data`; `None` where more is needed, and all of `data` is taken.
    pub(super) fn next<'a>(&mut self, data: &mut &'a [u8]) -> Option<Item<'a>> {
        loop {
            match self.place {
                Place::Collect { marker, octets } => {
                    self.collect(data, octets)?;
                    self.place = Place::Coded;
                    if let Some(item) = self.collected_item(marker) {
                        return Some(item);
                    }
                }
                Place::Coded => {
                    let length = data.iter().position(|octet| *octet == ESC).unwrap_or(data.len());
                    if length > 0 {
                        return data.split_off(..length).map(Item::Coded);
                    }
                    data.split_off_first()?;
                    self.place = Place::Escape;
                }
                Place::Escape => {
                    let marker = *data.split_off_first()?;
                    self.place = Place::Coded;
                    if let Some(item) = self.marker(marker) {
                        return Some(item);
                    }
                }
                Place::Comment(left) => {
                    let skipped = data.len().min(left as usize);
                    data.split_off(..skipped)?;
                    let left = left - skipped as u32;
                    self.place = if left == 0 { Place::Coded } else { Place::Comment(left) };
                    if left > 0 {
                        return None;
                    }
                }
            }
        }
    }

    /// What a marker means, or else goes to where its octets are collected.
    fn marker(&mut self, marker: u8) -> Option<Item<'static>> {
        let octets = match marker {
            STUFF => return Some(Item::Coded(&[ESC])),
            SDNORM => return Some(Item::StripeEnd { reset: false }),
            SDRST => return Some(Item::StripeEnd { reset: true }),
            ABORT => return Some(Item::Abort),
            NEWLEN | COMMENT => 4,
            ATMOVE => 6,
            _ => return Some(Item::Unknown(marker)),
        };
        self.collected_octets = 0;
        self.place = Place::Collect { marker: Some(marker), octets };
        None
    }

    /// Collects until there are `octets` octets; `None` where there are not enough yet.
    fn collect(&mut self, data: &mut &[u8], octets: usize) -> Option<()> {
        let missing = octets.saturating_sub(self.collected_octets);
        let piece = data.split_off(..missing.min(data.len()))?;
        for (to, from) in self.collected.iter_mut().skip(self.collected_octets).zip(piece) {
            *to = *from;
        }
        self.collected_octets += piece.len();
        (self.collected_octets == octets).then_some(())
    }

    /// What the collected octets say; `None` where that is nothing.
    fn collected_item(&mut self, marker: Option<u8>) -> Option<Item<'static>> {
        let [a, b, c, d, left, up, ..] = self.collected;
        let number = u32::from_be_bytes([a, b, c, d]);
        match marker {
            None => Some(Item::Header(Header::parse(&self.collected))),
            Some(NEWLEN) => Some(Item::Rows(number)),
            Some(ATMOVE) => Some(Item::Move { row: number, left: left as i8, up }),
            Some(_) => {
                if number > 0 {
                    self.place = Place::Comment(number);
                }
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    /// The header, and then the items that `octets` make, when they come in pieces of this size.
    fn items(octets: &[u8], piece_octets: usize) -> Vec<Item<'_>> {
        let mut parser = Parser { place: Place::Coded, ..Parser::new() };
        let mut items = Vec::new();
        for mut piece in octets.chunks(piece_octets) {
            while let Some(item) = parser.next(&mut piece) {
                items.push(item);
            }
            assert!(piece.is_empty());
        }
        items
    }

    #[test]
    fn markers_are_told_from_coded_data() {
        let octets = [
            1, 0xFF, 0, 2, 0xFF, 2, 0xFF, 7, 0, 0, 0, 2, 0xFF, 9, 0xFF, 6, 0, 0, 1, 0, 0xFB, 1, 0xFF, 7, 0,
            0, 0, 0, 3, 0xFF, 3, 0xFF, 5, 0, 0, 0, 9, 0xFF, 4, 0xFF, 8,
        ];
        let expected = [
            Item::Coded(&[1]),
            Item::Coded(&[0xFF]),
            Item::Coded(&[2]),
            Item::StripeEnd { reset: false },
            Item::Move { row: 256, left: -5, up: 1 },
            Item::Coded(&[3]),
            Item::StripeEnd { reset: true },
            Item::Rows(9),
            Item::Abort,
            Item::Unknown(8),
        ];
        for piece_octets in 1..=octets.len() {
            assert_eq!(items(&octets, piece_octets), expected, "in pieces of {piece_octets}");
        }
    }

    #[test]
    fn a_header_comes_first() {
        let mut parser = Parser::new();
        let octets = [&[0xFF; 20][..], &[7]].concat();
        let mut data = &octets[..10];
        assert_eq!(parser.next(&mut data), None);
        let mut data = &octets[10..];
        assert_eq!(parser.next(&mut data), Some(Item::Header(None)));
        assert_eq!(parser.next(&mut data), Some(Item::Coded(&[7])));
    }
}
