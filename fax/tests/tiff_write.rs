//! The TIFF files that we write: their layout to the octet, and what the profiles have no room for.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod pages;

use fax_proto::page::{Page, PaperWidth, Resolution};
use fax_proto::t4::{Coding, EncodeOptions, encode, reverse_bits};
use fax_proto::tiff::{Info, Limits, Profile, WriteError, Writer, read, write};
use pages::letter;
use proptest::prelude::*;

const SHORT: u16 = 3;
const LONG: u16 = 4;
const RATIONAL: u16 = 5;

fn u16_at(octets: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([octets[at], octets[at + 1]])
}

fn u32_at(octets: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(octets[at..at + 4].try_into().unwrap())
}

/// RFC 3949 clause 3.5 and the table of clause 3.6, to the letter.
#[test]
fn profile_s_is_laid_out_as_the_rfc_demands() {
    let pages: Vec<Page> = [Resolution::R204x98, Resolution::R204x196, Resolution::R200x200]
        .into_iter()
        .zip([31, 8, 19])
        .map(|(resolution, rows)| letter(1728, rows, resolution, 5))
        .collect();
    let info = Info { software: Some("no room for it"), ..Info::default() };
    let octets = write(&pages, Profile::S, &info).unwrap();
    assert_eq!(octets[..8], *b"II\x2A\0\x08\0\0\0");
    let mut at = 8;
    for (number, page) in pages.iter().enumerate() {
        let mut strip = encode(page, &EncodeOptions::tiff(Coding::Mh, page.resolution()));
        reverse_bits(&mut strip);
        let values_at = at + 2 + 16 * 12 + 4;
        let strip_at = values_at + 16;
        let expected = [
            (254, LONG, 1, 2),
            (256, LONG, 1, 1728),
            (257, LONG, 1, page.rows()),
            (258, SHORT, 1, 1),
            (259, SHORT, 1, 3),
            (262, SHORT, 1, 0),
            (266, SHORT, 1, 2),
            (273, LONG, 1, strip_at as u32),
            (277, SHORT, 1, 1),
            (278, LONG, 1, page.rows()),
            (279, LONG, 1, strip.len() as u32),
            (282, RATIONAL, 1, values_at as u32),
            (283, RATIONAL, 1, values_at as u32 + 8),
            (292, LONG, 1, 4),
            (296, SHORT, 1, 2),
            (297, SHORT, 2, number as u32 | 3 << 16),
        ];
        assert_eq!(u16_at(&octets, at), 16);
        for (index, field) in expected.into_iter().enumerate() {
            let at = at + 2 + 12 * index;
            let found = (
                u16_at(&octets, at),
                u16_at(&octets, at + 2),
                u32_at(&octets, at + 4),
                u32_at(&octets, at + 8),
            );
            assert_eq!(found, field);
        }
        let values = [0, 4, 8, 12].map(|offset| u32_at(&octets, values_at + offset));
        assert_eq!(values, [page.resolution().x_dpi(), 1, page.resolution().y_dpi(), 1]);
        assert_eq!(octets[strip_at..strip_at + strip.len()], strip);
        let next = u32_at(&octets, values_at - 4) as usize;
        at = (strip_at + strip.len()).next_multiple_of(2);
        assert_eq!(next, if number == 2 { 0 } else { at });
    }
    assert_eq!(octets.len(), at);
}

#[test]
fn profiles_refuse_what_they_have_no_room_for() {
    let of = |width, resolution| {
        write(&[Page::white(width, 1, resolution)], Profile::S, &Info::default()).map(drop)
    };
    assert_eq!(of(1728, Resolution::R200x200), Ok(()));
    for (width, resolution) in [
        (2048, Resolution::R204x98),
        (1700, Resolution::R204x98),
        (1728, Resolution::R204x391),
        (2592, Resolution::R300x300),
    ] {
        assert_eq!(of(width, resolution), Err(WriteError::Geometry { width, resolution }));
    }
    for resolution in Resolution::ALL {
        for width in 1..=Page::WIDTH_MAX {
            let allowed =
                [PaperWidth::A4, PaperWidth::B4, PaperWidth::A3].map(|paper| resolution.width(paper));
            let profile = Profile::F { coding: Coding::Mmr };
            let written = write(&[Page::white(width, 1, resolution)], profile, &Info::default());
            assert_eq!(written.is_ok(), allowed.contains(&width), "{width} at {resolution}");
        }
    }
    assert_eq!(write(&[], Profile::S, &Info::default()), Err(WriteError::NoPages));
    let empty = Page::white(1728, 0, Resolution::R204x98);
    assert_eq!(write(&[empty], Profile::S, &Info::default()), Err(WriteError::NoRows));
    for date_time in ["", "2026-01-31 10:00:00", "2026:01:31 10:00:0x", "2026:01:31 10:00:00Z"] {
        let info = Info { date_time: Some(date_time), ..Info::default() };
        assert_eq!(Writer::new(Profile::S, &info).map(drop).unwrap_err(), WriteError::DateTime);
    }
}

#[test]
fn a_refused_page_leaves_no_trace() {
    let page = letter(1728, 30, Resolution::R204x98, 1);
    let mut writer = Writer::new(Profile::S, &Info::default()).unwrap();
    writer.page(&page).unwrap();
    writer.page(&Page::white(9, 9, Resolution::R204x98)).unwrap_err();
    writer.page(&page).unwrap();
    let expected = write(&[page.clone(), page], Profile::S, &Info::default());
    assert_eq!(writer.finish(), expected);
}

#[test]
fn no_more_pages_than_can_be_counted() {
    let page = Page::white(1728, 1, Resolution::R204x98);
    let mut writer = Writer::new(Profile::S, &Info::default()).unwrap();
    (0..u16::MAX).for_each(|_| writer.page(&page).unwrap());
    assert_eq!(writer.page(&page), Err(WriteError::TooManyPages));
    assert!(writer.finish().is_ok());
}

proptest! {
    #[test]
    fn what_is_written_is_read(
        rows in prop::collection::vec(pages::rows().prop_filter("a page has rows", |rows| !rows.is_empty()), 1..5),
        resolution in prop::sample::select(&Resolution::ALL[..]),
        paper in prop::sample::select(&[PaperWidth::A4, PaperWidth::B4, PaperWidth::A3][..]),
        coding in prop::sample::select(&[Coding::Mh, Coding::Mr, Coding::Mmr][..]),
        description in prop::option::of(".{0,40}"),
    ) {
        let pages: Vec<Page> =
            rows.iter().map(|rows| pages::draw(resolution.width(paper), resolution, rows)).collect();
        let info = Info { description: description.as_deref(), ..Info::default() };
        let octets = write(&pages, Profile::F { coding }, &info).unwrap();
        prop_assert_eq!(octets.len() % 2, 0);
        let read: Vec<Page> = read(&octets, &Limits::default())
            .unwrap()
            .into_iter()
            .map(|image| image.into_page().unwrap())
            .collect();
        prop_assert!(read == pages);
    }
}
