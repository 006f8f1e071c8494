//! TIFF files that say something wrong of themselves, one fault at a time, and are read nevertheless: what fax machines
//! and 30 years of programs wrote.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod pages;
mod tiff_file;

use fax_proto::page::{Page, PaperWidth, Resolution};
use fax_proto::t4::{Coding, EncodeOptions, encode, reverse_bits};
use fax_proto::tiff::{Clean, Density, Limits, Quality, Reader, Reception, TiffError, read};
use pages::letter;
use tiff_file::{
    ASCII, BYTE, FLOAT, File, LONG, LONG8, RATIONAL, SHORT, SRATIONAL, assert_reads, coded, mh, mmr, mr,
    one_page, plain, read_all, sample,
};

/// All codings of one page, labelled rightly.
fn all(page: &Page) -> [File; 4] {
    [plain(page), mh(page), mr(page), mmr(page)]
}

/// A page in strips of so many rows.
fn in_strips(page: &Page, rows: usize, compression: u32, coding: Coding) -> File {
    let parts = page.bits().chunks(rows * page.stride());
    let strips: Vec<Vec<u8>> = parts
        .map(|bits| coded(&Page::from_bits(page.width(), page.resolution(), bits.to_vec()).unwrap(), coding))
        .collect();
    let mut file = one_page(page, compression, u32::from(coding == Coding::Mr), Vec::new());
    file.strips = strips;
    let offsets: Vec<u32> = (0..file.strips.len()).map(|index| file.offset(index)).collect();
    let counts: Vec<u32> = file.strips.iter().map(|strip| strip.len() as u32).collect();
    file.set(273, LONG, &offsets).set(279, LONG, &counts).set(278, LONG, &[rows as u32]);
    file
}

mod container {
    use super::*;

    #[test]
    fn big_tiff() {
        let page = sample();
        for big_endian in [false, true] {
            for file in all(&page) {
                let mut file = File { big: true, big_endian, ..file };
                assert_reads(file.set(273, LONG, &[16]), &page);
                let count = file.strips[0].len() as u32;
                assert_reads(file.set(273, LONG8, &[16]).set(279, LONG8, &[count]), &page);
            }
        }
        let octets = File { big: true, ..plain(&page) }.octets();
        for length in 0..16 {
            assert!(read(&octets[..length], &Limits::default()).is_err());
        }
        let mut sixteen = octets;
        sixteen[4] = 16;
        assert_eq!(read(&sixteen, &Limits::default()), Err(TiffError::NotTiff));
    }

    /// RFC 3249 clause 5.2.1 b.
    #[test]
    fn octets_before_the_number_that_are_no_byte_order() {
        let page = sample();
        for big_endian in [false, true] {
            let mut octets = File { big_endian, ..mmr(&page) }.octets();
            octets[..2].copy_from_slice(b"EP");
            assert_eq!(read(&octets, &Limits::default()).map(|images| images.len()), Ok(1));
        }
    }

    /// RFC 3249 clause 5.2.3.1 b: the first directory on an odd offset, and everything else too.
    #[test]
    fn directories_at_odd_offsets() {
        let page = Page::white(8, 3, Resolution::R204x98);
        let file = plain(&page);
        assert_eq!(file.offset(1) % 2, 1);
        assert_reads(&file, &page);
    }

    /// RFC 3249 clause 5.2.3.1 a and c: links to nowhere, to the middle of something, backwards, and in circles.
    #[test]
    fn a_wrong_link_after_the_last_page() {
        let page = sample();
        let file = |link| {
            let mut file = mmr(&page);
            file.add(&mmr(&page)).set_in(0, 297, SHORT, &[0, 2]).set_in(1, 297, SHORT, &[1, 2]);
            File { last_link: link, ..file }
        };
        let first = file(0).offset(2);
        for link in [first, 8, 9, 0xFFFF_FFFF, 0x7FFF_FFFF, first + 2, 100_000] {
            assert_eq!(read_all(&file(link)).map(|pages| pages.len()), Ok(2), "{link}");
            // Were there other pages? Nobody knows: an error, but after those that are there.
            let mut unsure = file(link);
            unsure.set_in(1, 297, SHORT, &[1, 3]);
            let octets = unsure.octets();
            let mut reader = Reader::new(&octets, &Limits::default()).unwrap();
            assert_eq!(reader.pages(), 2);
            assert!(reader.next().unwrap().is_ok() && reader.next().unwrap().is_ok(), "{link}");
            assert!(reader.next().unwrap().is_err() && reader.next().is_none(), "{link}");
            assert!(read(&octets, &Limits::default()).is_err());
        }
    }

    #[test]
    fn types_that_are_not_the_field_s() {
        let page = letter(64, 40, Resolution::R204x98, 11);
        for big_endian in [false, true] {
            let mut file = File { big_endian, ..mmr(&page) };
            for tag in [256, 257, 258, 259, 262, 277, 278, 279, 296] {
                let values = file.directories[0].iter().find(|field| field.0 == tag).unwrap().2.clone();
                for kind in [LONG, LONG8] {
                    assert_reads(file.clone().set(tag, kind, &values), &page);
                }
                if values[0] < 256 {
                    assert_reads(file.clone().set(tag, BYTE, &values), &page);
                }
            }
            let densities = [
                (SRATIONAL, [vec![204, 1], vec![98, 1]]),
                (FLOAT, [vec![204f32.to_bits()], vec![98f32.to_bits()]]),
                (SHORT, [vec![204], vec![98]]),
                (LONG8, [vec![204], vec![98]]),
            ];
            for (kind, [x, y]) in densities {
                assert_reads(file.set(282, kind, &x).set(283, kind, &y), &page);
            }
        }
    }

    /// RFC 3249 clause 5.2.3.1 e.
    #[test]
    fn values_that_are_not_counted() {
        let page = sample();
        let mut octets = mmr(&page).octets();
        let directory = mmr(&page).offset(1) as usize;
        for field in 0..14 {
            octets[directory + 2 + 12 * field + 4..][..4].fill(0);
        }
        let image = read(&octets, &Limits::default()).unwrap().remove(0);
        assert!(image.into_page() == Ok(page));
    }

    #[test]
    fn small_images_are_pages_where_there_are_no_others() {
        let pages: Vec<Page> = (1..3).map(|seed| letter(64, 9, Resolution::R204x98, seed)).collect();
        let mut file = mmr(&pages[0]);
        file.add(&mmr(&pages[1]));
        for (tag, value) in [(254, 1), (255, 2)] {
            let mut file = file.clone();
            file.set_in(1, tag, LONG, &[value]);
            assert!(read_all(&file).unwrap() == pages[..1], "{tag}");
            file.set_in(0, tag, LONG, &[value]);
            assert!(read_all(&file).unwrap() == pages, "{tag}");
        }
        // A mask is never a page.
        assert!(read_all(file.set_in(1, 254, LONG, &[5])).unwrap() == pages[..1]);
        assert_eq!(read_all(file.set_in(0, 254, LONG, &[4])), Err(TiffError::NoPages));
    }

    #[test]
    fn pages_of_two_documents_keep_their_order() {
        let pages: Vec<Page> = (1..5).map(|seed| letter(64, 9, Resolution::R204x98, seed)).collect();
        let mut file = mmr(&pages[0]);
        for page in &pages[1..] {
            file.add(&mmr(page));
        }
        for (directory, number) in [0, 1, 0, 1].into_iter().enumerate() {
            file.set_in(directory, 297, SHORT, &[number, 2]);
        }
        assert!(read_all(&file).unwrap() == pages);
        // Pages that begin with 1, or leave one out, are in order nevertheless.
        for (directory, number) in [4, 3, 7, 1].into_iter().enumerate() {
            file.set_in(directory, 297, SHORT, &[number]);
        }
        assert!(read_all(&file).unwrap() == [3, 1, 0, 2].map(|index: usize| pages[index].clone()));
    }

    #[test]
    fn pages_of_different_widths_and_codings() {
        let of = |paper: PaperWidth, resolution: Resolution, seed| {
            letter(resolution.width(paper), 60, resolution, seed)
        };
        let pages = [
            of(PaperWidth::A4, Resolution::R204x98, 1),
            of(PaperWidth::A3, Resolution::R300x300, 2),
            of(PaperWidth::B4, Resolution::R400x400, 3),
            of(PaperWidth::A4, Resolution::R204x391, 4),
        ];
        let mut file = mh(&pages[0]);
        file.add(&mmr(&pages[1])).add(&mr(&pages[2])).add(&plain(&pages[3]));
        assert!(read_all(&file).unwrap() == pages);
    }

    #[test]
    fn a_page_that_cannot_be_read_does_not_hide_the_others() {
        let pages: Vec<Page> = (1..4).map(|seed| letter(64, 40, Resolution::R204x98, seed)).collect();
        let mut file = mmr(&pages[0]);
        file.add(&mmr(&pages[1])).add(&mmr(&pages[2]));
        let middle = file.strips[1].len() / 2;
        file.strips[1][middle..].fill(0x01);
        let octets = file.octets();
        let mut reader = Reader::new(&octets, &Limits::default()).unwrap();
        assert!(reader.next().unwrap().unwrap().into_page().as_ref() == Ok(&pages[0]));
        assert!(matches!(reader.next().unwrap(), Err(TiffError::Damage { page: 2, .. })));
        assert_eq!(reader.pages(), 1);
        assert!(reader.next().unwrap().unwrap().into_page().as_ref() == Ok(&pages[2]));
        assert!(reader.next().is_none());
        assert!(matches!(read(&octets, &Limits::default()), Err(TiffError::Damage { page: 2, .. })));
    }
}

mod strips {
    use super::*;

    #[test]
    fn an_octet_count_that_is_too_low() {
        let page = sample();
        for file in all(&page) {
            for count in [1, 2, 5, file.strips[0].len() as u32 - 3] {
                assert_reads(file.clone().set(279, LONG, &[count]), &page);
            }
        }
        for (compression, coding) in [(3, Coding::Mh), (3, Coding::Mr), (4, Coding::Mmr)] {
            let mut file = in_strips(&page, 7, compression, coding);
            let mut counts: Vec<u32> = file.strips.iter().map(|strip| strip.len() as u32).collect();
            counts[2] /= 2;
            counts[5] = 3;
            assert_reads(file.set(279, LONG, &counts), &page);
            // Fewer counts than strips.
            assert_reads(file.set(279, LONG, &counts[..2]), &page);
            assert_reads(file.without(279), &page);
        }
    }

    /// The first page goes no further than where the second begins.
    #[test]
    fn octet_counts_that_are_missing_or_too_high_in_front_of_another_page() {
        let pages = [letter(64, 40, Resolution::R204x98, 1), letter(64, 30, Resolution::R204x98, 2)];
        for (first, second) in all(&pages[0]).into_iter().zip(all(&pages[1])) {
            let mut file = first;
            file.add(&second).set_in(0, 297, SHORT, &[0, 2]).set_in(1, 297, SHORT, &[1, 2]);
            for count in [0, 100_000, u32::MAX] {
                assert!(read_all(file.set(279, LONG, &[count])).unwrap() == pages, "{count}");
                if file.strips[0] != pages[0].bits() {
                    let mut unknown = file.clone();
                    unknown.set(257, LONG, &[0]);
                    assert!(read_all(&unknown).unwrap() == pages, "{count}");
                }
            }
        }
    }

    #[test]
    fn rows_per_strip_that_are_missing_or_wrong() {
        let page = sample();
        for mut file in all(&page) {
            for rows in [0, 1, 7, 39, 41, u32::MAX] {
                assert_reads(file.set(278, LONG, &[rows]), &page);
            }
            assert_reads(file.without(278), &page);
        }
        for (compression, coding) in [(3, Coding::Mh), (3, Coding::Mr), (4, Coding::Mmr)] {
            let mut file = in_strips(&page, 7, compression, coding);
            for rows in [0, 5] {
                assert_reads(file.set(278, LONG, &[rows]), &page);
            }
            assert_reads(file.without(278), &page);
        }
    }

    #[test]
    fn a_number_of_rows_that_is_not_known() {
        let page = sample();
        for file in all(&page) {
            let mut file = file;
            for rows in [0, 65_535, u32::MAX] {
                assert_reads(file.set(257, LONG, &[rows]).set(278, LONG, &[rows]), &page);
            }
            assert_reads(file.without(257), &page);
        }
        for (compression, coding) in [(3, Coding::Mh), (3, Coding::Mr), (4, Coding::Mmr)] {
            assert_reads(in_strips(&page, 7, compression, coding).set(257, LONG, &[0]), &page);
        }
    }

    #[test]
    fn a_number_of_rows_that_is_too_low() {
        let page = sample();
        for mut file in [mh(&page), mr(&page), mmr(&page)] {
            for rows in [1, 20, 39] {
                assert_reads(file.set(257, LONG, &[rows]).set(278, LONG, &[rows]), &page);
            }
        }
        // Pixels that are not coded have no end: the number is right.
        let half = Page::from_bits(64, page.resolution(), page.bits()[..20 * 8].to_vec()).unwrap();
        assert_reads(plain(&page).set(257, LONG, &[20]), &half);
    }

    #[test]
    fn a_number_of_rows_that_is_too_high() {
        let page = sample();
        let line = |coding| encode(&page, &EncodeOptions::line(coding, page.resolution()));
        let files = [
            mh(&page),
            mr(&page),
            mmr(&page),
            one_page(&page, 3, 0, line(Coding::Mh)),
            one_page(&page, 3, 1, line(Coding::Mr)),
        ];
        for mut file in files {
            for rows in [41, 90, 40_000] {
                assert_reads(file.set(257, LONG, &[rows]).set(278, LONG, &[rows]), &page);
            }
        }
        for (compression, coding) in [(3, Coding::Mh), (3, Coding::Mr), (4, Coding::Mmr)] {
            let mut file = in_strips(&page, 7, compression, coding);
            assert_reads(file.set(257, LONG, &[42]), &page);
            assert_reads(file.set(257, LONG, &[400]), &page);
        }
    }

    /// MR begins anew in each strip, with a row of its own.
    #[test]
    fn strips_that_overlap_or_are_the_same() {
        let page = sample();
        let twice = [page.bits(), page.bits()].concat();
        let twice = Page::from_bits(64, page.resolution(), twice).unwrap();
        for mut file in all(&page) {
            let count = file.strips[0].len() as u32;
            file.set(257, LONG, &[80]).set(273, LONG, &[8, 8]).set(279, LONG, &[count, count + 5]);
            assert_reads(&file, &twice);
        }
    }

    #[test]
    fn junk_after_the_end_of_the_page() {
        let page = sample();
        for coding in [Coding::Mh, Coding::Mr, Coding::Mmr] {
            let mut strip = encode(&page, &EncodeOptions::line(coding, page.resolution()));
            strip.extend([0, 0, 0x55, 0xAA, 0xFF, 1, 2, 3]);
            let compression = if coding == Coding::Mmr { 4 } else { 3 };
            assert_reads(&one_page(&page, compression, u32::from(coding == Coding::Mr), strip), &page);
        }
    }
}

mod labels {
    use super::*;

    /// As labelled: compression and T4Options. As coded: what the strip is.
    #[test]
    fn a_wrong_coding_or_bit_order() {
        let page = letter(1728, 120, Resolution::R204x196, 5);
        let line = |coding| encode(&page, &EncodeOptions::line(coding, page.resolution()));
        let bare = EncodeOptions { eol: false, ..EncodeOptions::line(Coding::Mh, page.resolution()) };
        let strips = [
            coded(&page, Coding::Mh),
            coded(&page, Coding::Mr),
            coded(&page, Coding::Mmr),
            line(Coding::Mh),
            line(Coding::Mr),
            encode(&page, &bare),
        ];
        for (coding, strip) in strips.into_iter().enumerate() {
            for (compression, options) in [(2, 0), (3, 0), (3, 1), (3, 4), (3, 5), (4, 0)] {
                for reversed in [false, true] {
                    for fill_order in [1, 2] {
                        let mut file = one_page(&page, compression, options, strip.clone());
                        if reversed {
                            reverse_bits(&mut file.strips[0]);
                        }
                        file.set(266, SHORT, &[fill_order]);
                        let read = read_all(&file);
                        assert!(
                            read.as_deref() == Ok(std::slice::from_ref(&page)),
                            "{coding} as {compression}/{options}, reversed {reversed}, FillOrder {fill_order}: {read:?}"
                        );
                    }
                }
            }
        }
    }

    /// The label of the first strip holds for the others.
    #[test]
    fn a_wrong_coding_in_many_strips() {
        let page = letter(1728, 120, Resolution::R204x196, 5);
        for (coding, compression) in [(Coding::Mh, 4), (Coding::Mr, 4), (Coding::Mmr, 3)] {
            assert_reads(&in_strips(&page, 16, compression, coding), &page);
        }
    }

    #[test]
    fn options_that_are_missing_or_say_too_much() {
        let page = sample();
        for mut file in [mh(&page), mr(&page), mmr(&page)] {
            assert_reads(file.clone().without(292), &page);
            let options = file.directories[0].iter().find(|field| field.0 == 292).unwrap().2[0];
            // Uncompressed mode is allowed, not used; EOLs are said to be aligned, or not.
            for flags in [2, 4, 6, 0xFFFF_FFFE] {
                assert_reads(file.set(292, LONG, &[options | flags]).set(293, LONG, &[flags]), &page);
            }
        }
        let unaligned = encode(&page, &EncodeOptions::line(Coding::Mh, page.resolution()));
        assert_reads(&one_page(&page, 3, 4, unaligned), &page);
    }

    #[test]
    fn fields_that_contradict_a_fax_coding() {
        let page = sample();
        for file in [mh(&page), mr(&page), mmr(&page)] {
            for bits in [0, 2, 8] {
                assert_reads(file.clone().set(258, SHORT, &[bits]), &page);
            }
            assert_reads(file.clone().set(266, SHORT, &[0]), &page);
            assert_reads(file.clone().set(274, SHORT, &[0]), &page);
        }
    }

    /// Noise is not read as something else, and damage keeps its number of rows.
    #[test]
    fn damage_is_no_label() {
        let page = letter(1728, 120, Resolution::R204x196, 5);
        let mut file = mmr(&page);
        let middle = file.strips[0].len() / 2;
        file.strips[0][middle..].iter_mut().for_each(|octet| *octet = !*octet);
        assert!(matches!(read_all(&file), Err(TiffError::Damage { rows: 2.., .. })));
        let noise: Vec<u8> = (0..4000u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
        for (compression, options) in [(2, 0), (3, 0), (3, 1), (4, 0)] {
            let file = one_page(&page, compression, options, noise.clone());
            assert!(matches!(read_all(&file), Err(TiffError::Damage { .. })), "{compression}/{options}");
        }
    }
}

mod densities {
    use super::*;

    /// Resolution, unit, x, y.
    #[test]
    fn units_that_are_wrong_or_missing() {
        let cases = [
            (Resolution::R204x98, 1, 204, 98),
            (Resolution::R204x196, 1, 204, 196),
            (Resolution::R204x196, 7, 204, 196),
            (Resolution::R204x98, 3, 204, 98),
            (Resolution::R204x196, 3, 204, 196),
            (Resolution::R204x391, 3, 200, 400),
            (Resolution::R300x300, 3, 300, 300),
            (Resolution::R204x196, 2, 80, 77),
            (Resolution::R204x391, 2, 80, 154),
            (Resolution::R204x196, 1, 80, 77),
            (Resolution::R204x98, 2, 98, 204),
            (Resolution::R204x196, 2, 196, 204),
            (Resolution::R204x391, 2, 391, 204),
            (Resolution::R204x98, 3, 98, 204),
            (Resolution::R204x98, 2, 0, 98),
            (Resolution::R204x196, 2, 0, 196),
            (Resolution::R300x300, 2, 0, 300),
            (Resolution::R400x400, 2, 408, 391),
            (Resolution::R400x400, 2, 406, 392),
        ];
        for (resolution, unit, x, y) in cases {
            for paper in [PaperWidth::A4, PaperWidth::B4, PaperWidth::A3] {
                let page = letter(resolution.width(paper), 9, resolution, 1);
                let mut file = mmr(&page);
                file.set(282, RATIONAL, &[x, 1]).set(283, RATIONAL, &[y, 1]);
                assert_reads(file.set(296, SHORT, &[unit]), &page);
            }
        }
        let page = letter(1728, 9, Resolution::R204x98, 1);
        assert_reads(
            mmr(&page).set(282, RATIONAL, &[800, 10]).set(283, RATIONAL, &[385, 10]).set(296, SHORT, &[3]),
            &page,
        );
        assert_reads(mmr(&page).without(282), &page);
    }

    /// What no fax machine scans may well be what it says.
    #[test]
    fn other_widths_are_believed() {
        let page = letter(1700, 9, Resolution::R204x98, 1);
        let density = |unit, x, y| {
            let mut file = mmr(&page);
            file.set(282, RATIONAL, &[x, 1]).set(283, RATIONAL, &[y, 1]).set(296, SHORT, &[unit]);
            read(&file.octets(), &Limits::default()).unwrap()[0].density
        };
        assert_eq!(density(3, 204, 98), Density::Other { x_dpi: 518, y_dpi: 249 });
        assert_eq!(density(2, 98, 204), Density::Other { x_dpi: 98, y_dpi: 204 });
        assert_eq!(density(1, 204, 98), Density::Unknown);
        assert_eq!(density(2, 0, 98), Density::Unknown);
        assert_eq!(density(2, 204, 98), Density::Fax(Resolution::R204x98));
    }
}

mod receptions {
    use super::*;

    fn of(file: &File) -> Option<Reception> {
        read(&file.octets(), &Limits::default()).unwrap().remove(0).reception.map(|reception| *reception)
    }

    fn ascii(text: &str) -> Vec<u32> {
        text.chars().map(u32::from).collect()
    }

    #[test]
    fn libtiff_s_and_the_rfc_s_fields_are_read() {
        let mut file = mh(&sample());
        assert_eq!(of(&file), None);
        file.set(34908, LONG, &[0x1234]).set(34910, LONG, &[61]);
        file.set(34909, ASCII, &ascii("4711#\0")).set(34911, ASCII, &ascii("00 C6 F8 44\0"));
        file.set(326, SHORT, &[3]).set(327, SHORT, &[1]).set(328, LONG, &[2]);
        let reception = Reception {
            quality: Some(Quality { bad_rows: 3, bad_run_rows: 2, clean: Some(Clean::Regenerated) }),
            parameters: Some(0x1234),
            subaddress: Some("4711#".into()),
            seconds: Some(61),
            dcs: Some("00 C6 F8 44".into()),
        };
        assert_eq!(of(&file), Some(reception));
    }

    /// They say nothing of the pixels: no fault in them costs a page.
    #[test]
    fn nonsense_in_them_is_left_out() {
        let mut file = mh(&sample());
        file.set(326, RATIONAL, &[3, 1]).set(327, SHORT, &[9]).set(328, SHORT, &[7]);
        file.set(34908, ASCII, &ascii("x\0")).set(34909, LONG, &[5]).set(
            34911,
            ASCII,
            &ascii("\0\0\0\0\0\0"),
        );
        assert_eq!(of(&file), None);
        // RFC 3949 clause 2.2.4, and what nobody knows.
        file.set(400, 13, &[0xFFFF_FFFF]).set(401, LONG, &[1]).set(402, BYTE, &[2]).set(403, LONG, &[8]);
        file.set(330, LONG, &[0xFFFF_FFFF]).set(60_000, 99, &[0xFFFF_FFFF; 3]);
        assert_reads(&file, &sample());
        file.set(34909, ASCII, &ascii("long enough to stand elsewhere \u{e4}\0"));
        assert_eq!(of(&file).unwrap().subaddress.as_deref(), Some("long enough to stand elsewhere ?"));
    }
}
