//! libtiff's and spandsp's encoders → our decoder: every page comes back as it was.

use fax_peers::{corpus, libtiff, spandsp};
use fax_proto::page::{Page, Resolution};
use fax_proto::t4::{BitOrder, Coding, DecodeOptions, End, decode};
use proptest::prelude::*;

mod pages;

const CODINGS: [Coding; 3] = [Coding::Mh, Coding::Mr, Coding::Mmr];

#[track_caller]
fn check(data: &[u8], page: &Page, coding: Coding, bit_order: BitOrder, name: &str) {
    let options = DecodeOptions { bit_order, ..DecodeOptions::line(coding, page.width()) };
    let decoded = decode(data, &options);
    let what = format!("{name}, {coding}, {bit_order:?}");
    assert_eq!((decoded.good_rows, decoded.bad_rows), (page.rows(), 0), "{what}: {:?}", decoded.end);
    assert!(matches!(decoded.end, End::Marker | End::Data), "{what}: {:?}", decoded.end);
    assert!(decoded.bits == page.bits(), "{what}: the pixels differ");
}

#[test]
fn the_corpus_of_libtiff_in_either_bit_order() {
    for sample in [Resolution::R204x196, Resolution::R204x391].into_iter().flat_map(corpus::pages) {
        for coding in CODINGS {
            for (lsb_first, order) in [(false, BitOrder::MsbFirst), (true, BitOrder::LsbFirst)] {
                let data = libtiff::encode(&sample.page, coding, lsb_first);
                check(&data, &sample.page, coding, order, sample.name);
            }
        }
    }
}

#[test]
fn the_corpus_of_spandsp_in_either_bit_order() {
    for sample in [Resolution::R204x196, Resolution::R204x391].into_iter().flat_map(corpus::pages) {
        for coding in CODINGS {
            let mut data = Vec::new();
            let y_dpi = sample.page.resolution().y_dpi();
            spandsp::Encoder::new(sample.page.width(), coding, y_dpi).encode_into(&sample.page, &mut data);
            check(&data, &sample.page, coding, BitOrder::LsbFirst, sample.name);
            fax_proto::t4::reverse_bits(&mut data);
            check(&data, &sample.page, coding, BitOrder::MsbFirst, sample.name);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]
    #[test]
    fn random_pages_of_libtiff(page in pages::any_page(), coding in prop::sample::select(&CODINGS[..]), lsb_first: bool) {
        prop_assume!(page.rows() > 0);
        let data = libtiff::encode(&page, coding, lsb_first);
        let order = if lsb_first { BitOrder::LsbFirst } else { BitOrder::MsbFirst };
        check(&data, &page, coding, order, "random");
    }
}
