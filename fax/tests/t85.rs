//! T.85 through its public face: round trips, data that is cut or damaged, and limits. `jbigkit.rs` has the peer.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod pages;

use fax_proto::page::{Page, Resolution};
use fax_proto::t85::{Damage, DecodeOptions, Decoder, EncodeOptions, Encoder, End, decode, encode};
use pages::{Row, any_page, draw, letter};
use proptest::prelude::*;

const RESOLUTION: Resolution = Resolution::R204x196;
const VLENGTH: u8 = 0x20;
const HEADER_OCTETS: usize = 20;
const SDNORM: [u8; 2] = [0xFF, 2];

fn any_options() -> impl Strategy<Value = EncodeOptions> {
    (prop_oneof![Just(0u32), 1u32..9, Just(128), Just(u32::MAX)], any::<bool>(), any::<bool>())
        .prop_map(|(stripe_rows, two_lines, typical)| EncodeOptions { stripe_rows, two_lines, typical })
}

fn decode_all(data: &[u8]) -> (End, Page) {
    let decoded = decode(data, &DecodeOptions::default());
    assert_eq!(decoded.complete(), decoded.end == End::Complete);
    (decoded.end, page_of(decoded.width, decoded.bits))
}

fn page_of(width: u32, bits: Vec<u8>) -> Page {
    let octets = bits.len();
    let page = Page::from_bits(width, RESOLUTION, bits).unwrap_or(Page::white(width, 0, RESOLUTION));
    assert_eq!(page.bits().len(), octets);
    page
}

/// The first rows of a page.
fn top(page: &Page, rows: u32) -> Page {
    page_of(page.width(), page.bits()[..rows as usize * page.stride()].to_vec())
}

/// Whether the page begins with these rows.
fn begins_with(page: &Page, rows: &Page) -> bool {
    page.bits().starts_with(rows.bits())
}

/// Decodes what comes in pieces, and checks what the decoder holds after each.
fn decode_pieces(data: &[u8], piece_octets: usize) -> (End, Page) {
    let options = DecodeOptions::default();
    let (mut decoder, mut bits) = (Decoder::new(options), Vec::new());
    for piece in data.chunks(piece_octets.max(1)) {
        decoder.push(piece, &mut bits);
        assert!(decoder.memory_octets() <= options.memory_octets_max());
        assert_eq!(bits.len(), decoder.rows() as usize * Page::stride_of(decoder.width().unwrap_or(0)));
    }
    let end = decoder.finish(&mut bits);
    (end, page_of(decoder.width().unwrap_or(0), bits))
}

/// What is encoded without knowing the number of rows; some of it is taken out after each row.
fn encode_unknown(page: &Page, options: EncodeOptions) -> Vec<u8> {
    let mut encoder = Encoder::new(page.width(), None, options);
    let mut data = Vec::new();
    for row in page.iter_rows() {
        encoder.row(row);
        data.extend(encoder.take());
    }
    data.extend(encoder.finish());
    data
}

/// A page of several stripes.
fn three_stripes() -> (Page, Vec<u8>) {
    let page = letter(1728, 300, RESOLUTION, 5);
    let data = encode(&page, &EncodeOptions::default());
    (page, data)
}

/// Where the markers of this kind begin.
fn markers(data: &[u8], marker: u8) -> Vec<usize> {
    let found = data.windows(2).enumerate().skip(HEADER_OCTETS).filter(|(_, pair)| *pair == [0xFF, marker]);
    found.map(|(at, _)| at).collect()
}

mod round_trips {
    use super::*;

    proptest! {
        #[test]
        fn a_page(page in any_page(), options in any_options(), piece_octets in 1usize..3000) {
            let data = encode(&page, &options);
            prop_assert_eq!(decode_all(&data), (End::Complete, page.clone()));
            prop_assert_eq!(decode_pieces(&data, piece_octets), (End::Complete, page));
        }

        #[test]
        fn a_page_whose_rows_are_counted_at_the_end(
            page in any_page(), options in any_options(), piece_octets in 1usize..3000,
        ) {
            let data = encode_unknown(&page, options);
            prop_assert_eq!(decode_all(&data), (End::Complete, page.clone()));
            prop_assert_eq!(decode_pieces(&data, piece_octets), (End::Complete, page));
        }
    }

    #[test]
    fn pages_of_all_lengths_around_a_stripe() {
        for rows in [0, 1, 127, 128, 129, 255, 256, 257, 1000] {
            let page = letter(200, rows, RESOLUTION, 9);
            for data in
                [encode(&page, &EncodeOptions::default()), encode_unknown(&page, EncodeOptions::default())]
            {
                assert_eq!(decode_all(&data), (End::Complete, page.clone()), "{rows} rows");
            }
        }
    }

    #[test]
    fn a_white_page_is_next_to_nothing() {
        let page = Page::white(1728, 2200, RESOLUTION);
        let data = encode(&page, &EncodeOptions::default());
        assert_eq!(data.len(), HEADER_OCTETS + 18 * SDNORM.len());
    }

    #[test]
    fn rows_that_are_missing_are_white_and_more_are_left_out() {
        let page = letter(100, 150, RESOLUTION, 2);
        let longer = page_of(100, [page.bits(), &[0; 130]].concat());
        for (rows, expected) in [(160, longer), (140, top(&page, 140))] {
            let mut encoder = Encoder::new(100, Some(rows), EncodeOptions::default());
            page.iter_rows().for_each(|row| encoder.row(row));
            assert_eq!(decode_all(&encoder.finish()), (End::Complete, expected));
        }
    }

    #[test]
    fn pixels_beyond_the_width_are_left_out() {
        let mut encoder = Encoder::new(10, Some(2), EncodeOptions::default());
        encoder.row(&[0xFF; 9]);
        encoder.row(&[0xFF]);
        assert_eq!(decode_all(&encoder.finish()), (End::Complete, page_of(10, vec![0xFF, 0xC0, 0xFF, 0])));
    }
}

mod lengths {
    use super::*;

    /// The page's data, as if the sender had not known how many rows there will be, up to the last marker.
    fn unknown(data: &[u8]) -> Vec<u8> {
        let mut data = data.to_vec();
        data[8..12].fill(0xFF);
        data[19] |= VLENGTH;
        data
    }

    fn new_length(rows: u32) -> Vec<u8> {
        [&[0xFF, 5], &rows.to_be_bytes()[..]].concat()
    }

    /// A sender that finds the end of the page when the last stripe is gone says so after it; the row where it ends may
    /// lie in that stripe, which has then fewer rows than its data seem to have.
    #[test]
    fn a_new_length_after_the_last_stripe() {
        for (rows, last) in [(300, 300), (256, 256), (256, 250), (300, 290)] {
            let page = letter(1728, rows, RESOLUTION, 5);
            let data = unknown(&encode(&page, &EncodeOptions::default()));
            for end in [&[][..], &SDNORM] {
                let data = [&data, &new_length(last)[..], end].concat();
                let expected = top(&page, last);
                assert_eq!(decode_all(&data), (End::Complete, expected.clone()), "{rows} rows, then {last}");
                for piece_octets in [1, 2, 5000] {
                    assert_eq!(decode_pieces(&data, piece_octets), (End::Complete, expected.clone()));
                }
            }
        }
    }

    #[test]
    fn a_length_that_is_announced_and_stays() {
        let (page, mut data) = three_stripes();
        data[19] |= VLENGTH;
        assert_eq!(decode_all(&data), (End::Complete, page.clone()));
        // The fill of the last frame.
        data.extend([0; 99]);
        assert_eq!(decode_all(&data), (End::Complete, page));
    }

    #[test]
    fn without_a_new_length_all_sure_rows_are_kept() {
        let (page, data) = three_stripes();
        let (end, got) = decode_all(&unknown(&data));
        assert_eq!(end, End::Data);
        assert!(begins_with(&page, &got) && got.rows() > 280, "{got:?}");
    }

    #[test]
    fn a_new_length_that_cannot_be_ends_the_page() {
        let (page, data) = three_stripes();
        let first = markers(&data, 2)[0];
        for length in [301, 5] {
            // Row 5 is gone already: the next stripe has begun.
            let data = [&data[..first + 3], &new_length(length), &data[first + 3..]].concat();
            let (end, got) = decode_all(&data);
            assert_eq!(end, End::Damage(Damage::NewLength));
            assert!(begins_with(&page, &got) && got.rows() >= 128, "{got:?}");
        }
    }
}

mod damage {
    use super::*;

    proptest! {
        #[test]
        fn garbage_is_not_a_panic(mut data in prop::collection::vec(any::<u8>(), 0..2000), with_header: bool) {
            if with_header {
                data.splice(0..0, encode(&Page::white(300, 300, RESOLUTION), &EncodeOptions::default()));
                data.truncate(data.len().min(1500));
                data.drain(HEADER_OCTETS..HEADER_OCTETS + 4);
            }
            let options = DecodeOptions { width_max: 700, rows_max: 500 };
            let decoded = decode(&data, &options);
            prop_assert!(decoded.width <= 700 && decoded.rows() <= 500);
            prop_assert_eq!(decoded.bits.len(), decoded.rows() as usize * Page::stride_of(decoded.width));
        }

        #[test]
        fn wrong_bits_are_not_a_panic(
            page in any_page(), options in any_options(), flips in prop::collection::vec(any::<usize>(), 1..9),
        ) {
            let mut data = encode_unknown(&page, options);
            let bits = 8 * data.len();
            for flip in flips {
                data[flip % bits / 8] ^= 0x80 >> (flip % 8);
            }
            let limits = DecodeOptions { rows_max: 100, ..DecodeOptions::default() };
            let decoded = decode(&data, &limits);
            prop_assert!(decoded.width <= Page::WIDTH_MAX && decoded.rows() <= 100);
        }

        #[test]
        fn data_that_ends_early_yields_the_rows_before(
            page in any_page(), options in any_options(), cut in any::<usize>(), counted: bool,
        ) {
            let data = if counted { encode(&page, &options) } else { encode_unknown(&page, options) };
            let (end, got) = decode_all(&data[..cut % data.len()]);
            prop_assert!(begins_with(&page, &got));
            match end {
                End::Complete => prop_assert_eq!(got, page),
                end => prop_assert_eq!(end, End::Data),
            }
        }
    }

    #[test]
    fn wherever_data_is_cut_the_rows_before_are_kept() {
        let page = draw(64, RESOLUTION, &(0..40).map(Row::Noise).collect::<Vec<_>>());
        let data = encode(&page, &EncodeOptions { stripe_rows: 16, ..EncodeOptions::default() });
        let mut rows_before = 0;
        for cut in 0..data.len() {
            let (end, got) = decode_all(&data[..cut]);
            assert!(begins_with(&page, &got), "cut at {cut}");
            let rows = got.rows() as usize;
            assert!(
                rows >= rows_before && (end == End::Data) == (rows < 40),
                "{rows} rows, cut at {cut}: {end:?}"
            );
            // Noise takes about its own size; a row or two wait for octets that may not come.
            assert!(rows + 3 >= cut.saturating_sub(HEADER_OCTETS + 9) / 9, "{rows} rows, cut at {cut}");
            rows_before = rows;
        }
        assert!(rows_before >= 39);
    }

    #[test]
    fn an_abort_and_a_marker_that_is_none_end_the_page() {
        let (page, data) = three_stripes();
        let second = markers(&data, 2)[1];
        for (marker, expected) in [(4, End::Aborted), (1, End::Damage(Damage::Marker(1)))] {
            for at in [second, second + 2] {
                let (end, got) = decode_all(&[&data[..at], &[0xFF, marker], &data[second + 2..]].concat());
                assert_eq!(end, expected);
                assert!(begins_with(&page, &got) && got.rows() > 200);
            }
        }
    }

    #[test]
    fn a_stripe_with_too_many_octets_is_not_good() {
        let (page, data) = three_stripes();
        for stripe in 0..3 {
            let end = markers(&data, 2)[stripe];
            for (surplus, expected) in
                [(1, End::Complete), (20, End::Damage(Damage::Surplus)), (9999, End::Damage(Damage::Surplus))]
            {
                let data = [&data[..end], &vec![0; surplus], &data[end..]].concat();
                assert_eq!(decode_all(&data), (expected, page.clone()));
                assert_eq!(decode_pieces(&data, 300).0, expected);
            }
        }
    }

    #[test]
    fn a_lost_marker_is_not_good() {
        let (page, mut data) = three_stripes();
        let first = markers(&data, 2)[0];
        data.drain(first..first + 2);
        let (end, got) = decode_all(&data);
        assert_eq!(end, End::Data);
        // The last rows of the stripe took zeros after its end for granted.
        assert_eq!(top(&got, 120), top(&page, 120));
    }

    #[test]
    fn an_adaptive_pixel_that_cannot_be_there_ends_the_page() {
        let (page, data) = three_stripes();
        let first = markers(&data, 2)[0] + 2;
        // Among the template's own pixels, to the right, in another row.
        for [left, up] in [[2, 0], [0xFF, 0], [8, 1]] {
            let data = [&data[..first], &[0xFF, 6, 0, 0, 0, 0, left, up], &data[first..]].concat();
            assert_eq!(decode_all(&data), (End::Damage(Damage::AdaptivePixel), top(&page, 128)));
        }
        // Where it is already, or after the stripe's end: nothing happens.
        for [row, left] in [[0, 0], [128, 8]] {
            let data = [&data[..first], &[0xFF, 6, 0, 0, 0, row, left, 0], &data[first..]].concat();
            assert_eq!(decode_all(&data), (End::Complete, page.clone()));
        }
        let moves = [0xFF, 6, 0, 0, 0, 0, 0, 0].repeat(17);
        let data = [&data[..first], &moves, &data[first..]].concat();
        assert_eq!(decode_all(&data).0, End::Damage(Damage::AdaptivePixel));
    }

    #[test]
    fn comments_mean_nothing() {
        let (page, data) = three_stripes();
        let first = markers(&data, 2)[0] + 2;
        let comment = [&[0xFF, 7, 0, 0, 0x10, 0][..], &[0xFF; 0x1000]].concat();
        let data = [&data[..first], &comment, &[0xFF, 7, 0, 0, 0, 0], &data[first..]].concat();
        assert_eq!(decode_all(&data), (End::Complete, page.clone()));
        for piece_octets in [1, 7, 1000] {
            assert_eq!(decode_pieces(&data, piece_octets), (End::Complete, page.clone()));
        }
    }
}

mod limits {
    use super::*;

    #[test]
    fn a_page_without_a_header_has_nothing() {
        for data in [&[][..], &[0; 19]] {
            let decoded = decode(data, &DecodeOptions::default());
            assert_eq!((decoded.end, decoded.width, decoded.rows()), (End::Data, 0, 0));
            assert!(decoded.into_page(Resolution::R204x98).is_none());
        }
        assert_eq!(decode_all(&[0; 20]), (End::Damage(Damage::Header), Page::white(0, 0, RESOLUTION)));
    }

    #[test]
    fn width_and_rows_have_limits() {
        let (page, data) = three_stripes();
        let limited = |width_max, rows_max| decode(&data, &DecodeOptions { width_max, rows_max });
        assert_eq!(limited(1728, 300).end, End::Complete);
        assert_eq!(limited(1727, 300).end, End::Damage(Damage::WidthMax));
        for rows_max in [0, 1, 127, 128, 129, 299] {
            let decoded = limited(1728, rows_max);
            assert_eq!((decoded.end, decoded.rows()), (End::RowsMax, rows_max));
            assert!(page.bits().starts_with(&decoded.bits));
        }
    }

    /// A few octets are four thousand million rows, if nobody stops them.
    #[test]
    fn a_page_that_would_never_end_stops_at_the_limit() {
        let mut header = encode(&Page::white(4864, 1, RESOLUTION), &EncodeOptions::default());
        header.truncate(HEADER_OCTETS);
        header[8..16].fill(0xFF);
        let (end, got) = decode_all(&[&header[..], &SDNORM].concat());
        assert_eq!((end, got.rows()), (End::Data, 0), "without a length, no row is sure");
        header[11] = 0xFE;
        let decoded = decode(&[&header[..], &SDNORM].concat(), &DecodeOptions::default());
        assert_eq!((decoded.end, decoded.rows()), (End::RowsMax, Page::ROWS_MAX));
    }

    #[test]
    fn little_is_held_beside_the_rows() {
        let rows: Vec<Row> = (0..300).map(Row::Noise).collect();
        let page = draw(4864, RESOLUTION, &rows);
        let data = encode(&page, &EncodeOptions { stripe_rows: 300, ..EncodeOptions::default() });
        assert!(DecodeOptions::default().memory_octets_max() < 25_000);
        assert_eq!(decode_pieces(&data, data.len()), (End::Complete, page.clone()));
        assert_eq!(decode_pieces(&data, 4000), (End::Complete, page));
        // The rows come while their stripe does.
        let (mut decoder, mut bits) = (Decoder::new(DecodeOptions::default()), Vec::new());
        decoder.push(&data[..data.len() / 2], &mut bits);
        assert!((120..150).contains(&decoder.rows()), "{} rows", decoder.rows());
    }
}
