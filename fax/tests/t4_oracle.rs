//! The decoder beside a slow and simple one, on input of any kind: the same rows, the same counts, the same end.

#![allow(clippy::unwrap_used, clippy::panic)]

mod oracle;
mod pages;

use fax_proto::t4::{
    BitOrder, Coding, DecodeOptions, EncodeOptions, Framing, LostRows, decode, encode, reverse_bits,
};
use proptest::prelude::*;

fn any_options() -> impl Strategy<Value = DecodeOptions> {
    let kind = prop::sample::select(
        &[
            (Coding::Mh, Framing::Eol),
            (Coding::Mh, Framing::Bare),
            (Coding::Mh, Framing::Octets),
            (Coding::Mr, Framing::Eol),
            (Coding::Mmr, Framing::Bare),
        ][..],
    );
    let width = prop_oneof![0u32..100, Just(1728), Just(4864), 1u32..4864];
    (kind, width, 0u32..200, any::<bool>(), any::<bool>()).prop_map(
        |((coding, framing), width, rows_max, lsb_first, white)| DecodeOptions {
            coding,
            framing,
            width,
            rows_max,
            bit_order: if lsb_first { BitOrder::LsbFirst } else { BitOrder::MsbFirst },
            lost_rows: if white { LostRows::White } else { LostRows::Repeat },
        },
    )
}

#[track_caller]
fn check(data: &[u8], options: &DecodeOptions) {
    let (ours, expected) = (decode(data, options), oracle::decode(data, options));
    let counts = |d: &fax_proto::t4::Decoded| (d.good_rows, d.bad_rows, d.bad_run_rows, d.end);
    assert_eq!(counts(&ours), counts(&expected), "{options:?}");
    assert!(ours == expected, "the pixels differ: {options:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn random_octets(data in prop::collection::vec(any::<u8>(), 0..600), options in any_options()) {
        check(&data, &options);
    }

    /// Noise has few zeros; codes and EOLs are made of them.
    #[test]
    fn sparse_octets(
        data in prop::collection::vec(prop_oneof![Just(0u8), Just(1), Just(0x80), Just(0x10), any::<u8>()], 0..600),
        options in any_options(),
    ) {
        check(&data, &options);
    }

    #[test]
    fn pages_with_wrong_bits(
        page in pages::any_page(),
        options in any_options(),
        row_bits_min in prop_oneof![Just(0u32), 0u32..400],
        flips in prop::collection::vec(any::<prop::sample::Index>(), 0..20),
    ) {
        let line = EncodeOptions::line(options.coding, page.resolution());
        let eol = options.framing == Framing::Eol;
        let mut data = encode(&page, &EncodeOptions { row_bits_min, eol, ..line });
        for flip in flips {
            let bit = flip.index(data.len() * 8);
            data[bit / 8] ^= 0x80 >> (bit % 8);
        }
        if options.bit_order == BitOrder::LsbFirst {
            reverse_bits(&mut data);
        }
        check(&data, &DecodeOptions { width: page.width(), ..options });
    }
}
