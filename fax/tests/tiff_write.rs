//! The TIFF files that we write: their layout to the octet, and what the profiles have no room for.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod pages;
mod tiff_file;

use fax_proto::page::{Page, PaperWidth, Resolution};
use fax_proto::t4::{Coding, EncodeOptions, encode, reverse_bits};
use fax_proto::tiff::{
    Clean, Info, Limits, MmrPage, Profile, Quality, Reader, Reception, WriteError, Writer, read, write,
};
use pages::letter;
use proptest::prelude::*;
use tiff_file::{ASCII, LONG, RATIONAL, SHORT};

fn u16_at(octets: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([octets[at], octets[at + 1]])
}

fn u32_at(octets: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(octets[at..at + 4].try_into().unwrap())
}

/// Tag, type, count, and value or offset of the fields of the directory at `at`.
fn fields(octets: &[u8], at: usize) -> Vec<(u16, u16, u32, u32)> {
    let field =
        |at| (u16_at(octets, at), u16_at(octets, at + 2), u32_at(octets, at + 4), u32_at(octets, at + 8));
    (0..usize::from(u16_at(octets, at))).map(|index| field(at + 2 + 12 * index)).collect()
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
        assert_eq!(fields(&octets, at), expected);
        let values = [0, 4, 8, 12].map(|offset| u32_at(&octets, values_at + offset));
        assert_eq!(values, [page.resolution().x_dpi(), 1, page.resolution().y_dpi(), 1]);
        assert_eq!(octets[strip_at..strip_at + strip.len()], strip);
        let next = u32_at(&octets, values_at - 4) as usize;
        at = (strip_at + strip.len()).next_multiple_of(2);
        assert_eq!(next, if number == 2 { 0 } else { at });
    }
    assert_eq!(octets.len(), at);
}

/// RFC 3949 clause 4.7: the fields of profile F, with everything that may be said of a page.
#[test]
fn profile_f_is_laid_out_as_the_rfc_demands() {
    let info = Info {
        software: Some("Faxgate 0.1"),
        date_time: Some("2026:01:31 23:59:58"),
        description: Some("A fax"),
    };
    let quality = Quality { bad_rows: 3, bad_run_rows: 2, clean: Some(Clean::Regenerated) };
    let reception = Reception {
        quality: Some(quality),
        parameters: Some(0x1234),
        subaddress: Some("4711".into()),
        seconds: Some(61),
        dcs: Some("00 C6".into()),
    };
    let page = letter(2048, 40, Resolution::R204x391, 5);
    for (coding, compression, options) in
        [(Coding::Mh, 3, (292, 4)), (Coding::Mr, 3, (292, 5)), (Coding::Mmr, 4, (293, 0))]
    {
        let mut writer = Writer::new(Profile::F { coding }, &info).unwrap();
        writer.received_page(&page, &reception).unwrap();
        let octets = writer.finish().unwrap();
        let mut strip = encode(&page, &EncodeOptions::tiff(coding, page.resolution()));
        reverse_bits(&mut strip);
        let values_at = 8 + 2 + 27 * 12 + 4;
        // ImageDescription, XResolution, YResolution, Software, DateTime, FaxSubAddress, FaxDcs
        let lengths = [6, 8, 8, 12, 20, 5 + 1, 6];
        let mut offsets = lengths.into_iter().scan(values_at, |at, length| {
            *at += length;
            Some(*at - length)
        });
        let mut next = || offsets.next().unwrap() as u32;
        let strip_at = values_at + lengths.iter().sum::<usize>();
        let expected = [
            (254, LONG, 1, 2),
            (256, LONG, 1, 2048),
            (257, LONG, 1, 40),
            (258, SHORT, 1, 1),
            (259, SHORT, 1, compression),
            (262, SHORT, 1, 0),
            (266, SHORT, 1, 2),
            (270, ASCII, 6, next()),
            (273, LONG, 1, strip_at as u32),
            (274, SHORT, 1, 1),
            (277, SHORT, 1, 1),
            (278, LONG, 1, 40),
            (279, LONG, 1, strip.len() as u32),
            (282, RATIONAL, 1, next()),
            (283, RATIONAL, 1, next()),
            (options.0, LONG, 1, options.1),
            (296, SHORT, 1, 2),
            (297, SHORT, 2, 1 << 16),
            (305, ASCII, 12, next()),
            (306, ASCII, 20, next()),
            (326, LONG, 1, 3),
            (327, SHORT, 1, 1),
            (328, LONG, 1, 2),
            (34908, LONG, 1, 0x1234),
            (34909, ASCII, 5, next()),
            (34910, LONG, 1, 61),
            (34911, ASCII, 6, next()),
        ];
        assert_eq!(fields(&octets, 8), expected);
        assert_eq!(octets[values_at..][..6], *b"A fax\0");
        assert_eq!(octets[strip_at - 12..strip_at], *b"4711\0\x0000 C6\0");
        assert_eq!(octets[strip_at..strip_at + strip.len()], strip);
        let image = read(&octets, &Limits::default()).unwrap().remove(0);
        assert_eq!(image.reception.as_deref(), Some(&reception));
        assert_eq!(image.into_page(), Ok(page.clone()));
    }
}

/// RFC 3949 clause 4.4.5; profile S says nothing of it.
#[test]
fn quality_is_written_as_far_as_there_is_something_to_say() {
    let page = letter(1728, 10, Resolution::R204x98, 5);
    let tags = |profile, quality| {
        let mut writer = Writer::new(profile, &Info::default()).unwrap();
        let reception = Reception { quality, ..Reception::default() };
        writer.received_page(&page, &reception).unwrap();
        let fields = fields(&writer.finish().unwrap(), 8);
        fields.into_iter().map(|field| field.0).filter(|tag| (326..=328).contains(tag)).collect::<Vec<_>>()
    };
    let f = Profile::F { coding: Coding::Mh };
    let good = Quality { clean: Some(Clean::Clean), ..Quality::default() };
    let bad = Quality { bad_rows: 3, bad_run_rows: 2, clean: None };
    assert_eq!(tags(f, None), []);
    assert_eq!(tags(f, Some(good)), [326]);
    assert_eq!(tags(f, Some(bad)), [326, 328]);
    assert_eq!(tags(f, Some(Quality { clean: Some(Clean::Unclean), ..bad })), [326, 327, 328]);
    assert_eq!(tags(Profile::S, Some(bad)), []);
}

mod mmr {
    use super::*;

    fn page() -> Page {
        letter(1728, 200, Resolution::R204x196, 5)
    }

    fn line(page: &Page) -> Vec<u8> {
        encode(page, &EncodeOptions::line(Coding::Mmr, page.resolution()))
    }

    #[test]
    fn what_came_over_the_line_is_written_as_it_is() {
        let page = page();
        let f = Profile::F { coding: Coding::Mmr };
        let expected = write(std::slice::from_ref(&page), f, &Info::default()).unwrap();
        // A frame of error correction is filled up.
        for fill in [0, 1, 200] {
            let data = [line(&page), vec![0; fill]].concat();
            let coded = MmrPage::new(1728, page.resolution(), data).unwrap();
            assert_eq!((coded.width(), coded.rows(), coded.resolution()), (1728, 200, page.resolution()));
            assert!(coded == MmrPage::encode(&page) && coded.decode() == page);
            let mut writer = Writer::new(f, &Info::default()).unwrap();
            writer.mmr_page(&coded, &Reception::default()).unwrap();
            assert!(writer.finish().unwrap() == expected);
        }
        let coded = MmrPage::encode(&page);
        for profile in [Profile::S, Profile::F { coding: Coding::Mr }] {
            let mut writer = Writer::new(profile, &Info::default()).unwrap();
            assert_eq!(writer.mmr_page(&coded, &Reception::default()), Err(WriteError::Coding));
        }
        let narrow = MmrPage::encode(&letter(64, 9, Resolution::R204x98, 1));
        let mut writer = Writer::new(f, &Info::default()).unwrap();
        assert!(matches!(writer.mmr_page(&narrow, &Reception::default()), Err(WriteError::Geometry { .. })));
    }

    #[test]
    fn what_is_not_whole_is_refused() {
        let page = page();
        let data = line(&page);
        let new = |data: &[u8]| MmrPage::new(1728, page.resolution(), data.to_vec()).map(drop);
        assert_eq!(new(&data), Ok(()));
        for length in 0..data.len() {
            assert!(new(&data[..length]).is_err(), "{length}");
        }
        assert!(new(&[&data[..], &[1]].concat()).is_err(), "more after EOFB");
        assert!(new(&[0, 0x10, 0x01]).is_err(), "EOFB alone");
        assert!(MmrPage::new(1727, page.resolution(), data.clone()).is_err(), "another width");
        let mut damaged = data;
        damaged[100..104].fill(0);
        assert!(new(&damaged).is_err());
    }

    /// A page of a file is taken as it is, or not at all.
    #[test]
    fn what_stands_in_a_file_is_taken_as_it_is() {
        let pages = [page(), letter(1728, 100, Resolution::R204x98, 6)];
        let take = |octets: &[u8]| Reader::new(octets, &Limits::default()).unwrap().next_mmr();
        let octets = write(&pages, Profile::F { coding: Coding::Mmr }, &Info::default()).unwrap();
        let mut reader = Reader::new(&octets, &Limits::default()).unwrap();
        for (left, page) in (0..2).rev().zip(&pages) {
            assert!(reader.next_mmr() == Some(MmrPage::encode(page)));
            assert_eq!(reader.pages(), left);
        }
        assert!(reader.next_mmr().is_none() && reader.next().is_none());
        let other = write(&pages, Profile::F { coding: Coding::Mr }, &Info::default()).unwrap();
        let mut reader = Reader::new(&other, &Limits::default()).unwrap();
        assert!(reader.next_mmr().is_none());
        assert!(reader.next().unwrap().unwrap().into_page().as_ref() == Ok(&pages[0]), "it is still there");
        let file = tiff_file::mmr(&pages[0]);
        assert!(take(&file.octets()).is_some());
        let changed = |tag, value| take(&file.clone().set(tag, SHORT, &[value]).octets());
        for (tag, value) in [(262, 1), (274, 3), (257, 199), (257, 201), (256, 64), (266, 2), (279, 90)] {
            assert!(changed(tag, value).is_none(), "{tag} {value}");
        }
        assert!(changed(274, 1).is_some());
    }
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
