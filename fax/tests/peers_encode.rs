//! What our encoder makes, read by libtiff and by spandsp.

#![allow(clippy::unwrap_used)]

mod pages;

use fax_peers::{corpus, libtiff, spandsp};
use fax_proto::page::{Page, Resolution};
use fax_proto::t4::{BitOrder, Coding, EncodeOptions, Encoder, encode, encode_into, reverse_bits};
use pages::any_page;
use proptest::prelude::*;

const CODINGS: [Coding; 3] = [Coding::Mh, Coding::Mr, Coding::Mmr];
const ORDERS: [BitOrder; 2] = [BitOrder::MsbFirst, BitOrder::LsbFirst];

/// The rows as libtiff reads them; `None` where it is not content.
fn libtiff_reads(strip: &[u8], page: &Page, options: &EncodeOptions) -> Option<Vec<u8>> {
    let lsb_first = options.bit_order == BitOrder::LsbFirst;
    let mut bits = Vec::new();
    libtiff::Reader::new(strip, page.width(), page.rows(), options.coding, lsb_first)
        .decode(&mut bits)
        .then_some(bits)
}

#[test]
fn the_corpus_is_read_by_both() {
    let mut data = Vec::new();
    for resolution in [Resolution::R204x196, Resolution::R204x391] {
        for sample in corpus::pages(resolution) {
            let (name, page) = (sample.name, sample.page);
            for coding in CODINGS {
                for bit_order in ORDERS {
                    let line = EncodeOptions { bit_order, ..EncodeOptions::line(coding, resolution) };
                    let tiff = EncodeOptions { bit_order, ..EncodeOptions::tiff(coding, resolution) };
                    for options in [line, tiff] {
                        // The same memory for all of them, so that what is left over would show.
                        encode_into(&page, &options, &mut data);
                        assert!(data == encode(&page, &options), "{name}, {options:?}");
                        let read = libtiff_reads(&data, &page, &options);
                        assert!(read.as_deref() == Some(page.bits()), "libtiff: {name}, {options:?}");
                    }
                    encode_into(&page, &line, &mut data);
                    if bit_order == BitOrder::MsbFirst {
                        reverse_bits(&mut data);
                    }
                    let (bits, bad_rows) = spandsp::decode(&data, page.width(), page.rows(), coding);
                    assert_eq!(bad_rows, 0, "spandsp: {name}, {line:?}");
                    assert!(bits == page.bits(), "spandsp: {name}, {line:?}");
                }
            }
        }
    }
}

/// libtiff has no room for the runs of a one-dimensional row that begins black and changes at each pixel, be it from its
/// own encoder.
fn libtiff_has_room(page: &Page, options: &EncodeOptions) -> bool {
    let changes_always = |y| (0..page.width()).all(|x| page.is_black(x, y) == (x % 2 == 0));
    options.coding == Coding::Mmr || !(0..page.rows()).any(changes_always)
}

fn any_options() -> impl Strategy<Value = EncodeOptions> {
    let choices = (prop::sample::select(&CODINGS[..]), prop::sample::select(&ORDERS[..]), 0u32..9);
    (choices, 0u32..400, any::<bool>(), any::<bool>()).prop_map(
        |((coding, bit_order, k), row_bits_min, eol_aligned, end_marker)| EncodeOptions {
            bit_order,
            k,
            row_bits_min,
            eol_aligned,
            end_marker,
            ..EncodeOptions::line(coding, Resolution::R204x196)
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, max_global_rejects: 2000, ..ProptestConfig::default() })]

    #[test]
    fn libtiff_reads_random_pages(page in any_page(), options in any_options()) {
        prop_assume!(page.rows() > 0 && libtiff_has_room(&page, &options));
        let read = libtiff_reads(&encode(&page, &options), &page, &options);
        prop_assert!(read.is_some(), "libtiff is not content");
        prop_assert!(read.as_deref() == Some(page.bits()), "other rows");
    }

    #[test]
    fn short_and_long_rows_are_cut_to_the_width(
        page in any_page(),
        options in any_options(),
        octets in prop::collection::vec(0usize..700, 24),
    ) {
        prop_assume!(page.rows() > 0 && libtiff_has_room(&page, &options));
        let stride = page.stride();
        let mut encoder = Encoder::new(page.width(), options);
        let (mut data, mut expected) = (Vec::new(), Vec::new());
        for (row, octets) in page.iter_rows().zip(octets) {
            let mut given = row.to_vec();
            // Behind the width there is black, which must not show.
            *given.last_mut().unwrap() |= !(0xFFu8 << (page.width().wrapping_neg() % 8));
            given.resize(octets.max(stride), 0xFF);
            given.truncate(octets);
            encoder.row(&given);
            data.extend(encoder.take());
            expected.extend(row.iter().take(octets));
            expected.resize(expected.len().next_multiple_of(stride), 0);
            if octets == 0 {
                expected.extend(vec![0; stride]);
            }
        }
        data.extend(encoder.finish());
        let read = libtiff_reads(&data, &page, &options);
        prop_assert!(read.as_ref() == Some(&expected));
    }
}

proptest! {
    #[test]
    fn spandsp_reads_random_pages(page in any_page(), coding in prop::sample::select(&CODINGS[..])) {
        // It knows the widths of fax pages only.
        prop_assume!(page.rows() > 0 && [1728, 2048, 2432].contains(&page.width()));
        let options = EncodeOptions {
            bit_order: BitOrder::LsbFirst,
            ..EncodeOptions::line(coding, page.resolution())
        };
        let (bits, bad_rows) = spandsp::decode(&encode(&page, &options), page.width(), page.rows(), coding);
        prop_assert_eq!(bad_rows, 0);
        prop_assert!(bits == page.bits());
    }
}
