use super::*;
use crate::page::{Page, Resolution};
use alloc::vec::Vec;
use proptest::prelude::*;

const CODINGS: [Coding; 3] = [Coding::Mh, Coding::Mr, Coding::Mmr];

/// Random rows: noise, or runs of random lengths, or the row above with a few changes.
fn page() -> impl Strategy<Value = Page> {
    let widths = prop_oneof![
        Just(1728u32),
        Just(2048),
        Just(2432),
        Just(4864),
        1u32..70,
        Just(64),
        Just(2561)
    ];
    let row = prop_oneof![
        Just(RowKind::White),
        Just(RowKind::Black),
        Just(RowKind::Checker),
        any::<u64>().prop_map(RowKind::Noise),
        any::<u64>().prop_map(RowKind::Runs),
        any::<u64>().prop_map(RowKind::Shifted),
        any::<u64>().prop_map(RowKind::Shifted),
    ];
    (widths, prop::collection::vec(row, 0..24)).prop_map(|(width, rows)| draw(width, &rows))
}

#[derive(Clone, Debug)]
enum RowKind {
    White,
    Black,
    Checker,
    Noise(u64),
    Runs(u64),
    Shifted(u64),
}

fn random(seed: &mut u64) -> u64 {
    *seed = seed
        .wrapping_mul(6_364_136_223_846_793_005)
        .wrapping_add(1_442_695_040_888_963_407);
    *seed >> 33
}

fn draw(width: u32, rows: &[RowKind]) -> Page {
    let mut page = Page::white(width, rows.len() as u32, Resolution::R204x196);
    for (y, kind) in rows.iter().enumerate() {
        let y = y as u32;
        match *kind {
            RowKind::White => {}
            RowKind::Black => (0..width).for_each(|x| page.set(x, y, true)),
            RowKind::Checker => (0..width).for_each(|x| page.set(x, y, (x + y).is_multiple_of(2))),
            RowKind::Noise(mut seed) => {
                (0..width).for_each(|x| page.set(x, y, random(&mut seed).is_multiple_of(2)))
            }
            RowKind::Runs(mut seed) => {
                let (mut x, mut black) = (0, random(&mut seed).is_multiple_of(2));
                while x < width {
                    let scale = [3, 40, 700, 5000][(random(&mut seed) % 4) as usize];
                    let end = (x + (random(&mut seed) % scale) as u32).min(width);
                    (x..end).for_each(|x| page.set(x, y, black));
                    (x, black) = (end, !black);
                }
            }
            RowKind::Shifted(mut seed) => {
                let shift = (random(&mut seed) % 9) as u32;
                for x in 0..width {
                    let above = y > 0 && page.is_black((x + shift).wrapping_sub(4), y - 1);
                    page.set(x, y, above ^ random(&mut seed).is_multiple_of(97));
                }
            }
        }
    }
    page
}

proptest! {
    #[test]
    fn what_is_encoded_for_a_line_is_decoded(page in page(), coding in prop::sample::select(&CODINGS[..]), fill in 0u32..400) {
        let options = EncodeOptions { row_bits_min: fill, ..EncodeOptions::line(coding, page.resolution()) };
        let data = encode(&page, &options);
        let decoded = decode(&data, &DecodeOptions::line(coding, page.width()));
        prop_assert_eq!(decoded.end, End::Marker);
        prop_assert_eq!((decoded.good_rows, decoded.bad_rows), (page.rows(), 0));
        prop_assert!(decoded.into_page(page.resolution()).as_ref() == Some(&page));
    }
}

#[test]
fn white_rows_are_what_the_recommendation_says() {
    let page = Page::white(1728, 1, Resolution::R204x98);
    let bare = EncodeOptions {
        eol: false,
        end_marker: false,
        ..EncodeOptions::line(Coding::Mh, page.resolution())
    };
    // 1728 white: 010011011, then 0 white: 00110101.
    assert_eq!(encode(&page, &bare), [0b0100_1101, 0b1001_1010, 0b1000_0000]);
    let mmr = EncodeOptions::line(Coding::Mmr, page.resolution());
    assert_eq!(
        encode(&page, &mmr),
        [0b1000_0000, 0b0000_1000, 0b0000_0000, 0b1000_0000]
    );
    let none: Vec<u8> = Vec::new();
    assert_eq!(
        encode(
            &page,
            &EncodeOptions {
                end_marker: false,
                ..mmr
            }
        )
        .len(),
        1 + none.len()
    );
}
