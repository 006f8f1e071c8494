//! Bit errors in MH and MR data: rows outside the damaged ones come out exact. libtiff reads the same data, for comparison.
//!
//! A row is hit where a wrong bit lies between the beginning of its EOL and that of the next. In MR a hit row takes those
//! with it that refer to it, up to the next one-dimensional row; they count as hit.

use fax_peers::{corpus, libtiff};
use fax_proto::page::{Page, Resolution};
use fax_proto::t4::{Coding, DecodeOptions, EncodeOptions, LostRows, decode, encode};

/// The first bit of each row's EOL, and whether the row stands alone.
fn rows_of(data: &[u8], coding: Coding) -> Vec<(usize, bool)> {
    let (mut rows, mut zeros) = (Vec::new(), 0);
    for at in 0..data.len() * 8 {
        let bit = |at: usize| data.get(at / 8).is_some_and(|octet| octet & (0x80 >> (at % 8)) != 0);
        if !bit(at) {
            zeros += 1;
            continue;
        }
        if zeros >= 11 {
            rows.push((at - zeros, coding == Coding::Mh || bit(at + 1)));
        }
        zeros = 0;
    }
    rows
}

fn random(seed: &mut u64) -> u64 {
    *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    *seed >> 33
}

/// Turns over one bit in `one_in`. Yields which rows are hit.
fn damage(data: &mut [u8], rows: &[(usize, bool)], one_in: u64, seed: &mut u64) -> Vec<bool> {
    let mut hit = vec![false; rows.len()];
    for bit in 0..data.len() * 8 {
        if random(seed).is_multiple_of(one_in) {
            data[bit / 8] ^= 0x80 >> (bit % 8);
            let row = rows.partition_point(|(start, _)| *start <= bit);
            hit[row.saturating_sub(1)] = true;
        }
    }
    for row in 1..rows.len() {
        hit[row] |= hit[row - 1] && !rows[row].1;
    }
    hit
}

/// How far from its place a row is looked for.
const SHIFT_MAX: usize = 30;
/// A row found counts far more than that it is at its place.
const FOUND: usize = 1 << 20;

/// Rows outside the hit ones that are not found exact and in order; and those that are, but not at their place. Of all
/// ways to lay one page along the other, the best counts.
fn lost(page: &Page, got: &[u8], hit: &[bool]) -> (usize, usize) {
    let got: Vec<&[u8]> = got.chunks(Page::stride_of(page.width())).collect();
    // best[i]: with the rows so far, and with as many rows got, less SHIFT_MAX, plus i.
    let mut best = [0; 2 * SHIFT_MAX + 1];
    for (y, row) in page.iter_rows().enumerate() {
        let before = best;
        for i in 0..best.len() {
            // Row y is not among them, or the last of them is not sought for, or the last of them is row y.
            best[i] = before.get(i + 1).copied().unwrap_or(0).max(if i > 0 { best[i - 1] } else { 0 });
            let last = (y + i).checked_sub(SHIFT_MAX).and_then(|at| got.get(at));
            if !hit[y] && last == Some(&row) {
                best[i] = best[i].max(before[i] + FOUND + usize::from(i == SHIFT_MAX));
            }
        }
    }
    let sought = hit.iter().filter(|hit| !**hit).count();
    let best = best.into_iter().max().unwrap_or(0);
    (sought - best / FOUND, best / FOUND - best % FOUND)
}

#[derive(Default)]
struct Sums {
    rows: usize,
    hit: usize,
    bad: usize,
    lost: [usize; 2],
    moved: [usize; 2],
    length_off: usize,
}

fn sums(pages: &[Page], coding: Coding, one_in: u64) -> Sums {
    let (mut sums, mut seed) = (Sums::default(), one_in);
    for page in pages {
        let options = EncodeOptions { end_marker: false, ..EncodeOptions::line(coding, page.resolution()) };
        let mut data = encode(page, &options);
        let rows = rows_of(&data, coding);
        assert_eq!(rows.len(), page.rows() as usize);
        let hit = damage(&mut data, &rows, one_in, &mut seed);
        let decoded = decode(&data, &DecodeOptions::line(coding, page.width()));
        let mut tiff = Vec::new();
        libtiff::Reader::new(&data, page.width(), page.rows(), coding, false).decode(&mut tiff);
        for (i, got) in [&decoded.bits, &tiff].into_iter().enumerate() {
            let (lost, moved) = lost(page, got, &hit);
            sums.lost[i] += lost;
            sums.moved[i] += moved;
        }
        sums.rows += rows.len();
        sums.hit += hit.iter().filter(|hit| **hit).count();
        sums.bad += decoded.bad_rows as usize;
        sums.length_off += (decoded.good_rows + decoded.bad_rows).abs_diff(page.rows()) as usize;
    }
    sums
}

#[test]
fn only_hit_rows_are_lost() {
    let pages: Vec<Page> = [Resolution::R204x196, Resolution::R204x391]
        .into_iter()
        .flat_map(corpus::pages)
        .map(|sample| sample.page)
        .collect();
    println!(
        "              rows     hit  held bad | outside the hit ones, ours: lost  moved | libtiff: lost  moved | length off"
    );
    for coding in [Coding::Mh, Coding::Mr] {
        for (rate, one_in) in [("1e-5", 100_000), ("1e-4", 10_000), ("1e-3", 1000)] {
            let sums = sums(&pages, coding, one_in);
            println!(
                "{coding} {rate} {:>9}{:>8}{:>10} | {:>32}{:>7} | {:>13}{:>7} | {}",
                sums.rows,
                sums.hit,
                sums.bad,
                sums.lost[0],
                sums.moved[0],
                sums.lost[1],
                sums.moved[1],
                sums.length_off
            );
            if one_in >= 10_000 {
                assert_eq!(sums.lost[0], 0, "{coding} {rate}");
            }
        }
    }
}

#[test]
fn lost_rows_repeat_or_are_white() {
    let mut page = Page::white(1728, 3, Resolution::R204x98);
    (0..3).for_each(|y| (0..300).for_each(|x| page.set(x + y, y, true)));
    let options = EncodeOptions::line(Coding::Mh, page.resolution());
    let mut data = encode(&page, &options);
    let rows = rows_of(&data, Coding::Mh);
    // The first code word after the second EOL.
    let bit = rows[1].0 + 14;
    data[bit / 8] ^= 0x80 >> (bit % 8);
    for (lost_rows, expected) in [(LostRows::Repeat, page.row(0)), (LostRows::White, Some(&[0; 216][..]))] {
        let decoded = decode(&data, &DecodeOptions { lost_rows, ..DecodeOptions::line(Coding::Mh, 1728) });
        assert_eq!((decoded.good_rows, decoded.bad_rows), (2, 1));
        let got: Vec<&[u8]> = decoded.bits.chunks(216).collect();
        assert_eq!((Some(got[0]), Some(got[1]), Some(got[2])), (page.row(0), expected, page.row(2)));
    }
}
