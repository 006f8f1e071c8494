//! TIFF files that no tool writes, but scanners, servers and attackers do.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod pages;
mod tiff_file;

use fax_proto::page::{Page, Resolution};
use fax_proto::t4::{Coding, EncodeOptions, encode, reverse_bits};
use fax_proto::tiff::{Density, Info, Limits, Profile, TiffError, Writer, read, write};
use pages::{any_page, letter};
use proptest::prelude::*;
use tiff_file::{
    File, LONG, RATIONAL, SHORT, assert_reads, coded, mh, mmr, one_page, plain, read_all, sample,
};

mod reading {
    use super::*;

    #[test]
    fn either_byte_order_and_bit_order_and_colour_sense() {
        let page = sample();
        for big_endian in [false, true] {
            for file in [plain(&page), mh(&page), mmr(&page)] {
                let mut file = File { big_endian, ..file };
                assert_reads(&file, &page);
                let strip = &mut file.strips[0];
                reverse_bits(strip);
                assert_reads(file.set(266, SHORT, &[2]), &page);
            }
            let mut inverted = plain(&page);
            inverted.strips[0].iter_mut().for_each(|octet| *octet = !*octet);
            assert_reads(inverted.set(262, SHORT, &[1]), &page);
        }
    }

    #[test]
    fn what_a_file_has_beyond_the_width_is_left_out() {
        let page = Page::white(11, 2, Resolution::R204x98);
        let mut file = one_page(&page, 1, 0, vec![0, 0x1F, 0, 0]);
        let bits = |file: &File| read(&file.octets(), &Limits::default()).unwrap().remove(0).bits;
        assert_eq!(bits(&file), page.bits());
        assert_eq!(bits(file.set(262, SHORT, &[1])), [0xFF, 0xE0, 0xFF, 0xE0]);
    }

    #[test]
    fn fields_in_any_order_with_defaults_left_out() {
        let page = sample();
        for mut file in [mh(&page), mmr(&page)] {
            for tag in [258, 262, 277, 278, 292, 296, 297] {
                assert_reads(file.without(tag), &page);
            }
            file.directories[0].reverse();
            assert_reads(&file, &page);
        }
    }

    #[test]
    fn strips_of_some_rows_anywhere_in_the_file() {
        let page = sample();
        let stride = page.stride();
        for rows in [1, 3, 7, 39] {
            let parts: Vec<Page> = page
                .bits()
                .chunks(rows * stride)
                .map(|bits| Page::from_bits(64, page.resolution(), bits.to_vec()).unwrap())
                .collect();
            for (compression, coding) in [(3, Coding::Mh), (3, Coding::Mr), (4, Coding::Mmr)] {
                let mut file = one_page(&page, compression, u32::from(coding == Coding::Mr), Vec::new());
                // The last strip stands first in the file.
                file.strips = parts.iter().rev().map(|part| coded(part, coding)).collect();
                let last = parts.len() - 1;
                let offsets: Vec<u32> = (0..parts.len()).map(|index| file.offset(last - index)).collect();
                let counts: Vec<u32> =
                    (0..parts.len()).map(|index| file.strips[last - index].len() as u32).collect();
                file.set(273, LONG, &offsets).set(279, LONG, &counts).set(278, SHORT, &[rows as u32]);
                assert_reads(&file, &page);
            }
        }
    }

    #[test]
    fn an_end_marker_or_none_and_rows_without_eol() {
        let page = sample();
        let line = EncodeOptions::line(Coding::Mh, page.resolution());
        let bare = EncodeOptions { eol: false, ..line };
        for options in [line, bare] {
            for end_marker in [true, false] {
                let options = EncodeOptions { end_marker, ..options };
                assert_reads(&one_page(&page, 3, 0, encode(&page, &options)), &page);
            }
        }
        let mr = EncodeOptions::line(Coding::Mr, page.resolution());
        assert_reads(&one_page(&page, 3, 1, encode(&page, &mr)), &page);
        let without_eofb =
            EncodeOptions { end_marker: false, ..EncodeOptions::line(Coding::Mmr, page.resolution()) };
        assert_reads(&one_page(&page, 4, 0, encode(&page, &without_eofb)), &page);
    }

    #[test]
    fn the_end_of_the_page_in_the_data_beats_the_number_of_rows() {
        let page = sample();
        for (compression, coding) in [(3, Coding::Mh), (4, Coding::Mmr)] {
            let strip = encode(&page, &EncodeOptions::line(coding, page.resolution()));
            let mut file = one_page(&page, compression, 0, strip);
            assert_reads(file.set(257, LONG, &[90]).set(278, LONG, &[90]), &page);
        }
    }

    #[test]
    fn wrong_octet_counts_do_no_harm_to_a_whole_strip() {
        let page = sample();
        for file in [plain(&page), mh(&page), mmr(&page)] {
            for count in [0, 1 << 20, u32::MAX] {
                assert_reads(file.clone().set(279, LONG, &[count]), &page);
            }
            assert_reads(file.clone().without(279), &page);
        }
        assert_reads(plain(&page).set(279, LONG, &[5]), &page);
    }

    #[test]
    fn whole_numbers_for_fractions_and_counts_that_are_too_large() {
        let page = sample();
        let mut file = plain(&page);
        file.set(282, LONG, &[204]).set(283, SHORT, &[196]);
        assert_reads(file.set(277, SHORT, &[1, 1]).set(273, LONG, &[8, 9, 10]), &page);
    }

    #[test]
    fn metric_resolutions_and_others() {
        let page = letter(64, 10, Resolution::R204x98, 3);
        let mut file = plain(&page);
        file.set(282, RATIONAL, &[80, 1]).set(283, RATIONAL, &[385, 10]);
        assert_reads(file.set(296, SHORT, &[3]), &page);

        let density = |file: &File| read(&file.octets(), &Limits::default()).unwrap()[0].density;
        file.set(282, RATIONAL, &[600, 1]).set(283, RATIONAL, &[300, 1]).set(296, SHORT, &[2]);
        assert_eq!(density(&file), Density::Other { x_dpi: 600, y_dpi: 300 });
        assert_eq!(density(file.set(274, SHORT, &[6])), Density::Other { x_dpi: 300, y_dpi: 600 });
        assert_eq!(density(file.set(296, SHORT, &[1])), Density::Unknown);
        assert_eq!(density(file.without(282)), Density::Unknown);
        let image = read(&file.octets(), &Limits::default()).unwrap().remove(0);
        assert!(image.into_page().is_err());
    }

    #[test]
    fn pages_are_sorted_by_number_and_thumbnails_left_out() {
        let pages: Vec<Page> =
            (1..4).map(|seed| letter(64, 9 + seed as u32, Resolution::R204x98, seed)).collect();
        let mut file = plain(&pages[0]);
        for page in &pages[1..] {
            file.add(&plain(page));
        }
        let number = |file: &mut File, directory: usize, tag, value| {
            file.directories[directory].retain(|field| field.0 != tag);
            file.directories[directory].push((tag, SHORT, value));
        };
        // All of them say that they are page 0: the order of the file.
        assert!(read_all(&file).unwrap() == pages);
        for (directory, page) in [(0, 2), (1, 0), (2, 1)] {
            number(&mut file, directory, 297, vec![page, 3]);
        }
        assert!(read_all(&file).unwrap() == [pages[1].clone(), pages[2].clone(), pages[0].clone()]);
        number(&mut file, 2, 254, vec![1]);
        assert!(read_all(&file).unwrap() == [pages[1].clone(), pages[0].clone()]);
        // A page without number: nothing can be sorted.
        file.directories[0].retain(|field| field.0 != 297);
        assert!(read_all(&file).unwrap() == pages[..2]);
    }

    #[test]
    fn images_are_turned_upright() {
        // F, 3 pixels wide: ## / # / ## / # / #
        let stored = |rows: &[&str]| {
            let mut page = Page::white(rows[0].len() as u32, rows.len() as u32, Resolution::R200x200);
            for (y, row) in rows.iter().enumerate() {
                row.bytes().enumerate().for_each(|(x, pixel)| page.set(x as u32, y as u32, pixel == b'#'));
            }
            page
        };
        let upright = stored(&["###", "#..", "##.", "#..", "#.."]);
        let orientations = [
            stored(&["###", "#..", "##.", "#..", "#.."]),
            stored(&["###", "..#", ".##", "..#", "..#"]),
            stored(&["..#", "..#", ".##", "..#", "###"]),
            stored(&["#..", "#..", "##.", "#..", "###"]),
            stored(&["#####", "#.#..", "#...."]),
            stored(&["#....", "#.#..", "#####"]),
            stored(&["....#", "..#.#", "#####"]),
            stored(&["#####", "..#.#", "....#"]),
        ];
        for (orientation, page) in (1..).zip(&orientations) {
            assert_reads(plain(page).set(274, SHORT, &[orientation]), &upright);
        }
        assert_reads(plain(&upright).set(274, SHORT, &[9]), &upright);
    }

    #[test]
    fn damaged_mh_rows_are_counted_and_the_rest_is_read() {
        let page = Page::white(1728, 20, Resolution::R204x98);
        // The first EOL has 2 octets; a row and the EOL after it 4, of which the EOL is at the end.
        for (octet, bad_rows) in [(2 + 4 * 7, 1), (2 + 4 * 7 + 3, 2)] {
            let mut file = mh(&page);
            file.strips[0][octet] ^= 0xFF;
            let images = read(&file.octets(), &Limits::default()).unwrap();
            assert_eq!((images[0].bad_rows, images[0].bits.len()), (bad_rows, 20 * 216));
        }
    }

    proptest! {
        #[test]
        fn any_bitmap_is_read(page in any_page()) {
            prop_assume!(page.rows() > 0);
            for file in [plain(&page), mh(&page), mmr(&page)] {
                assert_reads(&file, &page);
            }
        }
    }
}

mod refusing {
    use super::*;

    fn error(file: &File) -> TiffError {
        read(&file.octets(), &Limits::default()).expect_err("a faulty file was read")
    }

    #[test]
    fn what_another_reader_may_know() {
        let page = sample();
        let changed = |tag, value| error(plain(&page).set(tag, SHORT, &[value]));
        assert_eq!(changed(258, 8), TiffError::NotBilevel);
        assert_eq!(changed(277, 3), TiffError::NotBilevel);
        assert_eq!(changed(262, 3), TiffError::NotBilevel);
        assert_eq!(changed(259, 5), TiffError::Compression(5));
        assert_eq!(changed(259, 34661), TiffError::Compression(34661));
        assert_eq!(error(plain(&page).set(324, LONG, &[8])), TiffError::Tiled);
        // Eight bits a pixel in a compression that nobody knows: colour says more.
        assert_eq!(
            error(plain(&page).set(258, SHORT, &[8, 8, 8]).set(259, SHORT, &[7])),
            TiffError::NotBilevel
        );
    }

    #[test]
    fn what_is_no_tiff() {
        for octets in
            [&b""[..], b"I", b"II", b"II\x2A", b"%PDF-1.7", b"MM\x2A\0\0\0\0\x08", b"II\0\x2A\x08\0\0\0"]
        {
            assert_eq!(read(octets, &Limits::default()), Err(TiffError::NotTiff), "{octets:?}");
        }
        assert_eq!(read(b"II\x2A\0\0\0\0\0", &Limits::default()), Err(TiffError::NoPages));
        assert_eq!(read(b"II\x2A\0\x08\0\0\0", &Limits::default()), Err(TiffError::Truncated));
        assert_eq!(read(b"II\x2A\0\xFF\xFF\xFF\xFF", &Limits::default()), Err(TiffError::Truncated));
    }

    #[test]
    fn missing_and_impossible_fields() {
        let page = sample();
        for tag in [256, 273] {
            assert_eq!(error(plain(&page).without(tag)), TiffError::Missing(tag));
        }
        assert_eq!(error(plain(&page).set(256, SHORT, &[0])), TiffError::Invalid(256));
        assert_eq!(error(plain(&page).set(257, RATIONAL, &[9, 1])), TiffError::Invalid(257));
        assert_eq!(error(plain(&page).set(259, LONG, &[1 << 16])), TiffError::Invalid(259));
    }

    #[test]
    fn circles() {
        let page = sample();
        let mut file = plain(&page);
        file.last_link = 8 + page.bits().len() as u32;
        // Nobody says how many pages there are.
        assert_eq!(error(file.set(297, SHORT, &[0, 0])), TiffError::Loop);
        assert_eq!(error(file.set(297, SHORT, &[0, 2])), TiffError::Loop);
    }

    #[test]
    fn more_than_the_limits() {
        let page = sample();
        let pages = [page.clone(), page.clone(), page.clone()];
        let mut writer = Writer::new(Profile::S, &Info::default()).unwrap();
        pages.iter().for_each(|_| writer.page(&letter(1728, 50, Resolution::R204x98, 1)).unwrap());
        let octets = writer.finish().unwrap();
        let bitmap_octets = 3 * 50 * 216;
        let limits = Limits {
            pages_max: 3,
            width_max: 1728,
            rows_max: 50,
            coded_octets_max: octets.len(),
            page_octets_max: 50 * 216,
            bitmap_octets_max: bitmap_octets,
        };
        assert_eq!(read(&octets, &limits).map(|images| images.len()), Ok(3));
        let cases = [
            (Limits { pages_max: 2, ..limits }, "pages_max"),
            (Limits { width_max: 1727, ..limits }, "width_max"),
            (Limits { rows_max: 49, ..limits }, "rows_max"),
            (Limits { coded_octets_max: 100, ..limits }, "coded_octets_max"),
            (Limits { bitmap_octets_max: bitmap_octets - 1, ..limits }, "bitmap_octets_max"),
        ];
        for (limits, name) in cases {
            assert_eq!(read(&octets, &limits), Err(TiffError::Limit(name)));
        }
        let mut crowded = plain(&page);
        (0..1000).for_each(|tag| crowded.directories[0].push((40_000 + tag, SHORT, vec![1])));
        assert_eq!(error(&crowded), TiffError::Limit("fields_max"));
        // The same octets for each of many strips: what is small in the file may be long work.
        let mut repeated = mmr(&page);
        let strips = 30_000;
        repeated.set(257, LONG, &[strips]).set(278, LONG, &[1]).set(273, LONG, &vec![8; strips as usize]);
        repeated.set(279, LONG, &vec![u32::MAX; strips as usize]);
        assert_eq!(error(&repeated), TiffError::Limit("coded_octets_max"));
    }

    #[test]
    fn damaged_pages() {
        let page = sample();
        let file = |strip: &[u8]| one_page(&page, 4, 0, strip.to_vec());
        assert!(matches!(error(&file(&[0xFF, 0x03, 0xFF])), TiffError::Damage { page: 1, rows: 8, .. }));
        // Whole rows, but too few, and nobody said that the page ends.
        assert!(matches!(error(&file(&[0xFF])), TiffError::Damage { rows: 8, .. }));
        // MH of which nothing can be read.
        assert!(matches!(error(&one_page(&page, 3, 1, vec![0xA5; 50])), TiffError::Damage { rows: 0, .. }));
        let mut all_bad = mh(&page);
        all_bad.set(256, SHORT, &[65]);
        assert!(matches!(error(&all_bad), TiffError::Damage { rows: 40, .. }));
        let message = error(&file(&[0xFF, 0x03, 0xFF])).to_string();
        assert_eq!(message, "TIFF page 1 is damaged after 8 rows: an extension code");
    }

    #[test]
    fn a_file_that_is_cut_off_is_an_error_wherever_it_is_cut() {
        let pages = [letter(1728, 12, Resolution::R204x98, 1), letter(1728, 14, Resolution::R204x98, 2)];
        for profile in [Profile::S, Profile::F { coding: Coding::Mr }, Profile::F { coding: Coding::Mmr }] {
            let octets = write(&pages, profile, &Info::default()).unwrap();
            let whole = read(&octets, &Limits::default()).unwrap();
            for length in 0..octets.len() {
                match read(&octets[..length], &Limits::default()) {
                    Err(error) => assert!(
                        matches!(error, TiffError::NotTiff | TiffError::Truncated),
                        "{length}: {error}"
                    ),
                    // Only the filling up of the last octets may be missing.
                    Ok(images) => assert!(
                        images == whole && length + 6 > octets.len(),
                        "{profile:?}: {length} of {}: {:?}",
                        octets.len(),
                        images
                            .iter()
                            .map(|image| (image.bits.len() / 216, image.bad_rows))
                            .collect::<Vec<_>>()
                    ),
                }
            }
        }
    }

    proptest! {
        #[test]
        fn random_changes_do_no_harm(
            seed in 0u64..9,
            profile in prop::sample::select(&[Profile::S, Profile::F { coding: Coding::Mr }, Profile::F { coding: Coding::Mmr }][..]),
            changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..9),
        ) {
            let pages = [letter(1728, 12, Resolution::R204x98, seed), letter(1728, 14, Resolution::R204x98, seed)];
            let mut octets = write(&pages, profile, &Info::default()).unwrap();
            for (at, value) in changes {
                // Most octets are pixels; the directories are what is brittle.
                let end = if value % 2 == 0 { octets.len() } else { 220.min(octets.len()) };
                octets[at.index(end)] = value;
            }
            if let Ok(images) = read(&octets, &Limits::default()) {
                for image in images {
                    let stride = Page::stride_of(image.width);
                    prop_assert!(stride > 0 && image.bits.len() % stride == 0);
                }
            }
        }

        #[test]
        fn random_octets_do_no_harm(mut octets in prop::collection::vec(any::<u8>(), 8..400), big_endian: bool) {
            octets[..8].copy_from_slice(if big_endian { b"MM\0\x2A\0\0\0\x08" } else { b"II\x2A\0\x08\0\0\0" });
            octets.get_mut(8..10).unwrap_or_default().fill(0);
            if let Some(octet) = octets.get_mut(if big_endian { 9 } else { 8 }) {
                *octet = 14;
            }
            prop_assert!(read(&octets, &Limits::default()).is_err());
        }
    }
}
