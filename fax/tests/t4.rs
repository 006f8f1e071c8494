//! The codec through its public face: round trips, what goes over a line and comes back damaged, and garbage.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod pages;

use fax_proto::page::{Page, Resolution};
use fax_proto::t4::{
    BitOrder, Coding, Damage, DecodeOptions, Decoded, Decoder, EncodeOptions, Encoder, End, Framing, decode,
    encode, reverse_bits,
};
use pages::{Row, any_page, draw, letter};
use proptest::prelude::*;

const CODINGS: [Coding; 3] = [Coding::Mh, Coding::Mr, Coding::Mmr];
const WIDTH: u32 = 1728;

fn any_coding() -> impl Strategy<Value = Coding> {
    prop::sample::select(&CODINGS[..])
}

fn line(coding: Coding) -> EncodeOptions {
    EncodeOptions::line(coding, Resolution::R204x98)
}

fn decode_line(data: &[u8], coding: Coding) -> Decoded {
    decode(data, &DecodeOptions::line(coding, WIDTH))
}

/// Octets from the text of their bits; spaces count nothing, the last octet is filled with zeros.
fn octets(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(|octet| *octet != b' ').map(|digit| digit - b'0').collect();
    let octet = |bits: &[u8]| (0..8).fold(0, |octet, i| octet << 1 | bits.get(i).unwrap_or(&0));
    digits.chunks(8).map(octet).collect()
}

const EOL: &str = "000000000001";
/// 1728 white pixels.
const WHITE_ROW: &str = "010011011 00110101";

mod round_trips {
    use super::*;

    proptest! {
        #[test]
        fn a_line(page in any_page(), coding in any_coding(), row_bits_min in 0u32..400, eol_aligned: bool, k in 0u32..9) {
            let options = EncodeOptions { row_bits_min, eol_aligned, k, ..line(coding) };
            let decoded = decode(&encode(&page, &options), &DecodeOptions::line(coding, page.width()));
            prop_assert_eq!(decoded.end, End::Marker);
            prop_assert_eq!((decoded.good_rows, decoded.bad_rows, decoded.bad_run_rows), (page.rows(), 0, 0));
            prop_assert!(decoded.into_page(page.resolution()).as_ref() == Some(&page));
        }

        #[test]
        fn a_page_without_end_marker(page in any_page(), coding in any_coding()) {
            let options = EncodeOptions { end_marker: false, ..line(coding) };
            let decoded = decode(&encode(&page, &options), &DecodeOptions::line(coding, page.width()));
            prop_assert_eq!(decoded.end, End::Data);
            prop_assert!(decoded.into_page(page.resolution()).as_ref() == Some(&page));
        }

        #[test]
        fn mh_without_eols(page in any_page(), end_marker: bool) {
            let data = encode(&page, &EncodeOptions { eol: false, end_marker, ..line(Coding::Mh) });
            let options = DecodeOptions { framing: Framing::Bare, ..DecodeOptions::line(Coding::Mh, page.width()) };
            let decoded = decode(&data, &options);
            prop_assert_eq!(decoded.end, if end_marker { End::Marker } else { End::Data });
            prop_assert!(decoded.into_page(page.resolution()).as_ref() == Some(&page));
        }

        #[test]
        fn mh_rows_on_octet_boundaries(page in any_page()) {
            let bare = EncodeOptions { eol: false, end_marker: false, ..line(Coding::Mh) };
            let mut data = Vec::new();
            for row in page.iter_rows() {
                let mut encoder = Encoder::new(page.width(), bare);
                encoder.row(row);
                data.extend(encoder.finish());
            }
            let options = DecodeOptions { framing: Framing::Octets, ..DecodeOptions::line(Coding::Mh, page.width()) };
            let decoded = decode(&data, &options);
            prop_assert_eq!(decoded.end, End::Data);
            prop_assert!(decoded.into_page(page.resolution()).as_ref() == Some(&page));
        }

        #[test]
        fn row_by_row(page in any_page(), coding in any_coding()) {
            let mut encoder = Encoder::new(page.width(), line(coding));
            let mut data = Vec::new();
            for row in page.iter_rows() {
                encoder.row(row);
                data.extend(encoder.take());
            }
            data.extend(encoder.finish());
            prop_assert_eq!(data, encode(&page, &line(coding)));
        }

        #[test]
        fn the_framing_of_mh_is_detected(page in any_page(), eol: bool) {
            prop_assume!(page.rows() > 0);
            let options = EncodeOptions { eol, end_marker: false, ..line(Coding::Mh) };
            let expected = if eol { Framing::Eol } else { Framing::Bare };
            prop_assert_eq!(Framing::detect(&encode(&page, &options), page.width(), BitOrder::MsbFirst), expected);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(10_000))]

        #[test]
        fn ten_thousand_pages(page in any_page(), coding in any_coding(), lsb_first: bool) {
            let bit_order = if lsb_first { BitOrder::LsbFirst } else { BitOrder::MsbFirst };
            let data = encode(&page, &EncodeOptions { bit_order, ..line(coding) });
            let options = DecodeOptions { bit_order, ..DecodeOptions::line(coding, page.width()) };
            let decoded = decode(&data, &options);
            prop_assert_eq!((decoded.end, decoded.bad_rows), (End::Marker, 0));
            prop_assert!(decoded.bits == page.bits());
        }
    }

    /// Some writers put the EOL after the row; the first one then stands far inside.
    #[test]
    fn an_eol_after_the_longest_row_is_detected() {
        let page = draw(WIDTH, Resolution::R204x98, &[Row::Checker, Row::White]);
        let data = encode(&page, &line(Coding::Mh));
        let text: String = data.iter().map(|octet| format!("{octet:08b}")).collect();
        let without_first = octets(&text[EOL.len()..]);
        assert_eq!(Framing::detect(&without_first, WIDTH, BitOrder::MsbFirst), Framing::Eol);
        let decoded = decode_line(&without_first, Coding::Mh);
        assert_eq!((decoded.good_rows, decoded.bad_rows), (2, 0));
    }

    #[test]
    fn every_octet_is_turned_round() {
        let mut bits = [0x01, 0x80, 0b1100_1010];
        reverse_bits(&mut bits);
        assert_eq!(bits, [0x80, 0x01, 0b0101_0011]);
    }
}

mod what_goes_over_the_line {
    use super::*;

    #[test]
    fn mh_has_an_eol_before_each_row_and_six_at_the_end() {
        let page = Page::white(WIDTH, 2, Resolution::R204x98);
        let expected = [EOL, WHITE_ROW, EOL, WHITE_ROW, &EOL.repeat(6)].concat();
        assert_eq!(encode(&page, &line(Coding::Mh)), octets(&expected));
    }

    #[test]
    fn mr_tags_each_eol_and_begins_anew_after_k_rows() {
        let page = Page::white(WIDTH, 4, Resolution::R204x98);
        let pair = [EOL, "1", WHITE_ROW, EOL, "0 1"].concat();
        let expected = [&pair, &pair, &[EOL, "1"].concat().repeat(6)[..]].concat();
        assert_eq!(encode(&page, &line(Coding::Mr)), octets(&expected));
    }

    #[test]
    fn mmr_has_rows_and_eofb() {
        let mut page = Page::white(WIDTH, 3, Resolution::R204x98);
        (10..20).for_each(|x| page.set(x, 0, true));
        (11..18).for_each(|x| page.set(x, 1, true));
        // Horizontal 10 white, 10 black, V0 at the edge; VR1, VL2, V0; pass, V0.
        let expected = ["001 00111 0000100 1", "011 000010 1", "0001 1", EOL, EOL].concat();
        assert_eq!(encode(&page, &line(Coding::Mmr)), octets(&expected));
    }

    #[test]
    fn k_follows_the_resolution() {
        let k = |resolution| EncodeOptions::line(Coding::Mr, resolution).k;
        assert_eq!(Resolution::ALL.map(k), [2, 4, 8, 4, 6, 8]);
    }

    #[test]
    fn rows_are_filled_up_to_the_least_length() {
        let page = Page::white(WIDTH, 3, Resolution::R204x98);
        let options = EncodeOptions { row_bits_min: 96, ..line(Coding::Mh) };
        let row = [EOL, WHITE_ROW, &"0".repeat(96 - 29)].concat();
        assert_eq!(encode(&page, &options), octets(&[row.repeat(3), EOL.repeat(6)].concat()));
        // Rows that nothing shows the end of cannot be filled.
        let mmr = EncodeOptions { row_bits_min: 96, ..line(Coding::Mmr) };
        assert_eq!(encode(&page, &mmr), encode(&page, &line(Coding::Mmr)));
        // A row that is long enough gets no fill.
        let options = EncodeOptions { row_bits_min: 29, ..options };
        assert_eq!(encode(&page, &options), encode(&page, &line(Coding::Mh)));
    }

    #[test]
    fn aligned_eols_end_on_octet_boundaries() {
        let page = Page::white(WIDTH, 2, Resolution::R204x98);
        let mh = EncodeOptions::tiff(Coding::Mh, Resolution::R204x98);
        let expected = ["0000", EOL, WHITE_ROW, "000", EOL, WHITE_ROW].concat();
        assert_eq!(encode(&page, &mh), octets(&expected));
        let mr = EncodeOptions::tiff(Coding::Mr, Resolution::R204x98);
        let expected = ["000", EOL, "1", WHITE_ROW, "00", EOL, "0", "1"].concat();
        assert_eq!(encode(&page, &mr), octets(&expected));
        let mmr = EncodeOptions::tiff(Coding::Mmr, Resolution::R204x98);
        assert_eq!(encode(&page, &mmr), octets(&["11", EOL, EOL].concat()));
    }

    #[test]
    fn a_page_without_rows_is_an_end_alone() {
        for coding in CODINGS {
            let data = encode(&Page::white(WIDTH, 0, Resolution::R204x98), &line(coding));
            let decoded = decode_line(&data, coding);
            assert_eq!((decoded.end, decoded.good_rows, decoded.bad_rows), (End::Marker, 0, 0), "{coding}");
        }
    }

    #[test]
    fn codings_have_names() {
        assert_eq!(CODINGS.map(|coding| coding.to_string()), ["MH", "MR", "MMR"]);
    }
}

mod damage {
    use super::*;

    /// The bits of each row, EOL and tag included, and those of the end.
    fn coded_rows(page: &Page, options: EncodeOptions) -> Vec<String> {
        let text = |octets: Vec<u8>| octets.iter().map(|octet| format!("{octet:08b}")).collect::<String>();
        let coded = text(encode(page, &options));
        let mut starts: Vec<usize> = coded.match_indices(EOL).map(|(at, _)| at).collect();
        starts.push(coded.len());
        starts.windows(2).map(|pair| coded[pair[0]..pair[1]].to_owned()).collect()
    }

    fn rows_of(decoded: &Decoded) -> Vec<&[u8]> {
        decoded.bits.chunks(Page::stride_of(WIDTH)).collect()
    }

    proptest! {
        #[test]
        fn a_wrong_bit_costs_mh_one_row(seed in 0u64..50, row in 0usize..30, bit in any::<prop::sample::Index>()) {
            let page = letter(WIDTH, 30, Resolution::R204x98, seed);
            let mut coded = coded_rows(&page, line(Coding::Mh));
            let at = EOL.len() + bit.index(coded[row].len() - EOL.len());
            let turned = if &coded[row][at..=at] == "0" { "1" } else { "0" };
            coded[row].replace_range(at..=at, turned);
            let decoded = decode_line(&octets(&coded.concat()), Coding::Mh);
            prop_assert!(decoded.ended() && decoded.bad_rows <= 2);
            let (got, sent) = (rows_of(&decoded), page.iter_rows().collect::<Vec<_>>());
            prop_assert_eq!(&got[..row], &sent[..row]);
            // The bit may have made an EOL, so that the row became two.
            prop_assert!(got.len() == sent.len() || got.len() == sent.len() + 1);
            let rest = sent.len() - row - 1;
            prop_assert_eq!(&got[got.len() - rest..], &sent[row + 1..]);
        }

        #[test]
        fn damage_to_mr_ends_with_the_next_one_dimensional_row(seed in 0u64..50, row in 0usize..30) {
            let page = letter(WIDTH, 30, Resolution::R204x98, seed);
            let options = EncodeOptions { k: 4, ..line(Coding::Mr) };
            let mut coded = coded_rows(&page, options);
            coded[row].replace_range(EOL.len() + 1.., "0000000011");
            let decoded = decode_line(&octets(&coded.concat()), Coding::Mr);
            let lost = 4 - row % 4;
            let expected = (30 - lost.min(30 - row) as u32, lost.min(30 - row) as u32);
            prop_assert_eq!((decoded.good_rows, decoded.bad_rows), expected);
            prop_assert_eq!(decoded.bad_run_rows, decoded.bad_rows);
            for (y, (got, sent)) in rows_of(&decoded).into_iter().zip(page.iter_rows()).enumerate() {
                if y < row || y >= row + lost {
                    prop_assert_eq!(got, sent);
                } else {
                    let above = if row == 0 { &[0; 216][..] } else { page.row(row as u32 - 1).unwrap() };
                    prop_assert_eq!(got, above);
                }
            }
        }

        #[test]
        fn data_that_end_early_give_the_rows_before(coding in any_coding(), keep in any::<prop::sample::Index>()) {
            let page = letter(WIDTH, 30, Resolution::R204x98, 4);
            let data = encode(&page, &line(coding));
            let decoded = decode_line(&data[..keep.index(data.len())], coding);
            let good = decoded.good_rows as usize;
            prop_assert!(good <= 30 && decoded.bad_rows <= 1);
            for (got, sent) in rows_of(&decoded).into_iter().take(good).zip(page.iter_rows()) {
                prop_assert_eq!(got, sent);
            }
        }
    }

    #[test]
    fn counts_of_bad_rows() {
        let page = Page::white(WIDTH, 12, Resolution::R204x98);
        let mut coded = coded_rows(&page, line(Coding::Mh));
        for row in [2, 5, 6, 7, 9] {
            coded[row] = [EOL, "010011011 00110100"].concat();
        }
        let decoded = decode_line(&octets(&coded.concat()), Coding::Mh);
        let counts = (decoded.good_rows, decoded.bad_rows, decoded.bad_run_rows, decoded.end);
        assert_eq!(counts, (7, 5, 3, End::Marker));
    }

    #[test]
    fn a_row_that_goes_on_after_its_width_is_bad() {
        let data = octets(&[EOL, WHITE_ROW, "0111", EOL, WHITE_ROW, &EOL.repeat(6)].concat());
        let decoded = decode_line(&data, Coding::Mh);
        assert_eq!((decoded.good_rows, decoded.bad_rows), (1, 1));
    }

    #[test]
    fn noise_before_the_first_eol_is_no_row() {
        for coding in CODINGS[..2].iter().copied() {
            let page = letter(WIDTH, 10, Resolution::R204x98, 2);
            let mut data = vec![0xA5, 0x5A, 0x3C];
            data.extend(encode(&page, &line(coding)));
            let decoded = decode_line(&data, coding);
            assert_eq!((decoded.good_rows, decoded.bad_rows, decoded.end), (10, 0, End::Marker), "{coding}");
            assert!(decoded.into_page(page.resolution()).unwrap() == page);
        }
    }

    #[test]
    fn noise_after_the_last_eol_is_no_row() {
        let data = octets(&[EOL, WHITE_ROW, EOL, WHITE_ROW, EOL, "1010010110100"].concat());
        let decoded = decode_line(&data, Coding::Mh);
        let counts = (decoded.good_rows, decoded.bad_rows, decoded.end);
        assert_eq!(counts, (2, 0, End::Damage(Damage::Truncated)));
    }

    #[test]
    fn a_first_row_without_eol_is_a_row() {
        let data = octets(&[WHITE_ROW, EOL, WHITE_ROW, EOL].concat());
        let decoded = decode_line(&data, Coding::Mh);
        assert_eq!((decoded.good_rows, decoded.bad_rows, decoded.end), (2, 0, End::Data));
    }

    #[test]
    fn an_end_with_a_wrong_bit_is_an_end() {
        let page = Page::white(WIDTH, 3, Resolution::R204x98);
        for coding in CODINGS[..2].iter().copied() {
            let coded = coded_rows(&page, line(coding));
            for bit in 0..coded[3].len() {
                let mut coded = coded.clone();
                let turned = if &coded[3][bit..=bit] == "0" { "1" } else { "0" };
                coded[3].replace_range(bit..=bit, turned);
                let decoded = decode_line(&octets(&coded.concat()), coding);
                assert!(decoded.ended() && decoded.good_rows >= 2, "{coding}, bit {bit}: {:?}", decoded.end);
            }
        }
    }

    #[test]
    fn two_eols_are_a_slip_and_three_the_end() {
        for (coding, eol) in [(Coding::Mh, EOL.to_owned()), (Coding::Mr, EOL.to_owned() + "1")] {
            let page = |eols: usize| octets(&[&eol, WHITE_ROW, &eol.repeat(eols), WHITE_ROW, &eol].concat());
            let rows_and_end = |eols| {
                let decoded = decode_line(&page(eols), coding);
                (decoded.good_rows, decoded.bad_rows, decoded.end)
            };
            assert_eq!(rows_and_end(2), (2, 0, End::Data), "{coding}");
            assert_eq!(rows_and_end(3), (1, 0, End::Marker), "{coding}");
        }
    }

    #[test]
    fn a_code_word_that_is_cut_off_is_not_filled_up_with_zeros() {
        // 11 white pixels are 01000; of the second row, 010 is left.
        let options = DecodeOptions { framing: Framing::Bare, ..DecodeOptions::line(Coding::Mh, 11) };
        let decoded = decode(&octets("01000 010"), &options);
        assert_eq!((decoded.good_rows, decoded.end), (1, End::Damage(Damage::Truncated)));
    }

    #[test]
    fn what_comes_after_the_end_is_nothing() {
        for coding in CODINGS {
            let mut data = encode(&Page::white(WIDTH, 3, Resolution::R204x98), &line(coding));
            data.extend([0xA5; 40]);
            let decoded = decode_line(&data, coding);
            assert_eq!((decoded.good_rows, decoded.bad_rows, decoded.end), (3, 0, End::Marker), "{coding}");
        }
    }

    #[test]
    fn mmr_stops_at_the_first_damage() {
        let cases = [
            ("1 1 0000001111 1", Damage::Extension),
            ("1 1 0000000011 1", Damage::Code),
            ("1 1 001 00000000 1111", Damage::Code),
            ("1 1 010 000010 1", Damage::Length),
            ("1 1 011 1 1 1", Damage::Length),
            ("1 1 001 00110101 0000001100101 010 1", Damage::Length),
            ("1 1 001 010011011", Damage::Truncated),
        ];
        for (text, damage) in cases {
            let decoded = decode_line(&octets(text), Coding::Mmr);
            assert_eq!((decoded.good_rows, decoded.end), (2, End::Damage(damage)), "{text}");
        }
    }

    #[test]
    fn after_the_end_there_is_nothing() {
        for (coding, text) in [(Coding::Mmr, "1 1 0000001111 1 1 1"), (Coding::Mh, &*EOL.repeat(9))] {
            let data = octets(text);
            let mut decoder = Decoder::new(&data, DecodeOptions::line(coding, WIDTH));
            let mut out = Vec::new();
            while decoder.row(&mut out).is_ok() {}
            let (rows, end) = (out.len(), decoder.row(&mut out));
            assert_eq!((decoder.row(&mut out), out.len()), (end, rows));
        }
    }

    #[test]
    fn more_rows_than_the_limit_are_not_made() {
        for coding in CODINGS {
            let data = encode(&Page::white(WIDTH, 9, Resolution::R204x98), &line(coding));
            for (rows_max, rows, end) in
                [(0, 0, End::RowsMax), (8, 8, End::RowsMax), (9, 9, End::Marker), (10, 9, End::Marker)]
            {
                let options = DecodeOptions { rows_max, ..DecodeOptions::line(coding, WIDTH) };
                let decoded = decode(&data, &options);
                assert_eq!((decoded.good_rows, decoded.end), (rows, end), "{coding}, {rows_max}");
            }
        }
    }

    #[test]
    fn rows_without_pixels_are_no_rows() {
        for coding in CODINGS {
            let decoded = decode(&[0xFF; 9], &DecodeOptions::line(coding, 0));
            assert!(decoded.bits.is_empty() && decoded.into_page(Resolution::R204x98).is_none());
        }
    }
}

mod garbage {
    use super::*;

    fn any_options() -> impl Strategy<Value = DecodeOptions> {
        let framing = prop::sample::select(&[Framing::Eol, Framing::Bare, Framing::Octets][..]);
        let width = prop_oneof![0u32..100, Just(1728), Just(4864), Just(u32::MAX / 1024)];
        (any_coding(), framing, width, 0u32..200).prop_map(|(coding, framing, width, rows_max)| {
            DecodeOptions { framing, rows_max, ..DecodeOptions::line(coding, width) }
        })
    }

    /// What holds for every answer.
    fn check(decoded: &Decoded, options: &DecodeOptions) {
        let rows = decoded.good_rows + decoded.bad_rows;
        assert!(rows <= options.rows_max && decoded.bad_run_rows <= decoded.bad_rows);
        assert_eq!(decoded.bits.len(), rows as usize * Page::stride_of(options.width));
        if let Some(mask) = [0u8, 0x7F, 0x3F, 0x1F, 0xF, 7, 3, 1].get(options.width as usize % 8) {
            let stride = Page::stride_of(options.width).max(1);
            assert!(decoded.bits.chunks(stride).all(|row| row[stride - 1] & mask == 0));
        }
    }

    proptest! {
        #[test]
        fn random_octets(data in prop::collection::vec(any::<u8>(), 0..600), options in any_options()) {
            check(&decode(&data, &options), &options);
        }

        /// Noise has few zeros; codes and EOLs are made of them.
        #[test]
        fn sparse_octets(
            data in prop::collection::vec(prop_oneof![Just(0u8), Just(1), Just(0x80), Just(0x10), any::<u8>()], 0..600),
            options in any_options(),
        ) {
            check(&decode(&data, &options), &options);
        }

        #[test]
        fn pages_with_wrong_bits(
            page in any_page(),
            coding in any_coding(),
            flips in prop::collection::vec(any::<prop::sample::Index>(), 1..20),
        ) {
            let mut data = encode(&page, &line(coding));
            for flip in flips {
                let bit = flip.index(data.len() * 8);
                data[bit / 8] ^= 0x80 >> (bit % 8);
            }
            let options = DecodeOptions { rows_max: 500, ..DecodeOptions::line(coding, page.width()) };
            check(&decode(&data, &options), &options);
        }
    }

    /// Were the time to grow faster than the data, these would take minutes.
    #[test]
    fn a_megabyte_of_what_is_worst_is_soon_through() {
        let patterns: [&[u8]; 8] = [
            &[0],
            &[0xFF],
            &[0, 0x10],
            &[0, 0, 0x80],
            &[0x80],
            &[0x00, 0x1B],
            &[0x35],
            &[0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0x9A],
        ];
        for pattern in patterns {
            let mut data = pattern.repeat((1 << 20) / pattern.len());
            data.push(1);
            for coding in CODINGS {
                for framing in [Framing::Eol, Framing::Bare, Framing::Octets] {
                    for width in [1, 64, WIDTH] {
                        let line = DecodeOptions::line(coding, width);
                        let options = DecodeOptions { framing, rows_max: 100_000, ..line };
                        check(&decode(&data, &options), &options);
                    }
                }
            }
        }
    }

    #[test]
    fn long_white_pages_are_no_more_than_the_limit() {
        let options = DecodeOptions::line(Coding::Mmr, Page::WIDTH_MAX);
        let decoded = decode(&[0xFF; 100_000], &options);
        assert_eq!((decoded.good_rows, decoded.end), (Page::ROWS_MAX, End::RowsMax));
        assert!(decoded.bits.iter().all(|octet| *octet == 0));
        let black = draw(9, Resolution::R204x98, &[Row::Black]);
        assert_eq!(black.bits(), [0xFF, 0x80]);
    }
}
