//! Pages for tests: noise, patterns, and rows that hang together as those of writing do.

#![allow(dead_code, reason = "each test file takes what it needs")]

use fax_proto::page::{Page, Resolution};
use proptest::prelude::*;

/// What a row of a test page looks like.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Row {
    White,
    Black,
    Checker,
    Noise(u64),
    Runs(u64),
    /// As the row above, shifted a little, with a few pixels turned over.
    Follows(u64),
}

/// Pages of fax widths and odd ones, of few rows.
pub(crate) fn any_page() -> impl Strategy<Value = Page> {
    let width = prop_oneof![
        Just(1728u32),
        Just(2048),
        Just(2432),
        Just(4864),
        Just(64),
        Just(2561),
        1u32..70,
        1u32..Page::WIDTH_MAX,
    ];
    (width, rows()).prop_map(|(width, rows)| draw(width, Resolution::R204x196, &rows))
}

/// Up to 24 rows.
pub(crate) fn rows() -> impl Strategy<Value = Vec<Row>> {
    let row = prop_oneof![
        Just(Row::White),
        Just(Row::Black),
        Just(Row::Checker),
        any::<u64>().prop_map(Row::Noise),
        any::<u64>().prop_map(Row::Runs),
        any::<u64>().prop_map(Row::Follows),
        any::<u64>().prop_map(Row::Follows),
    ];
    prop::collection::vec(row, 0..24)
}

/// A page of such rows.
pub(crate) fn draw(width: u32, resolution: Resolution, rows: &[Row]) -> Page {
    let mut page = Page::white(width, rows.len() as u32, resolution);
    for (y, row) in rows.iter().enumerate() {
        draw_row(&mut page, y as u32, *row);
    }
    page
}

/// A page as a scanner makes it: margins, lines of something like letters, a ruled line, a photograph.
pub(crate) fn letter(width: u32, rows: u32, resolution: Resolution, seed: u64) -> Page {
    let kinds: Vec<Row> = (0..rows)
        .map(|y| match (y % 40, y * 8 / rows) {
            (_, 6) => Row::Noise(seed + u64::from(y)),
            (0..12, _) => Row::White,
            (12, _) => Row::Runs(seed + u64::from(y)),
            (36, 3) => Row::Black,
            _ => Row::Follows(seed + u64::from(y)),
        })
        .collect();
    draw(width, resolution, &kinds)
}

fn draw_row(page: &mut Page, y: u32, row: Row) {
    let width = page.width();
    match row {
        Row::White => {}
        Row::Black => (0..width).for_each(|x| page.set(x, y, true)),
        Row::Checker => (0..width).for_each(|x| page.set(x, y, (x + y).is_multiple_of(2))),
        Row::Noise(mut seed) => (0..width).for_each(|x| page.set(x, y, random(&mut seed).is_multiple_of(2))),
        Row::Runs(mut seed) => {
            let (mut x, mut black) = (0, random(&mut seed).is_multiple_of(2));
            while x < width {
                let scale = [3, 40, 700, 5000][(random(&mut seed) % 4) as usize];
                let end = (x + (random(&mut seed) % scale) as u32).min(width);
                (x..end).for_each(|x| page.set(x, y, black));
                (x, black) = (end, !black);
            }
        }
        Row::Follows(mut seed) => {
            let shift = (random(&mut seed) % 9) as u32;
            for x in 0..width {
                let above = y > 0 && page.is_black((x + shift).wrapping_sub(4), y - 1);
                page.set(x, y, above ^ random(&mut seed).is_multiple_of(197));
            }
        }
    }
}

fn random(seed: &mut u64) -> u64 {
    *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    *seed >> 33
}
