//! How fast pages are encoded and decoded, beside libtiff and spandsp in the same run.
//!
//! ```sh
//! cargo bench -p fax-proto --bench codec              # everything
//! cargo bench -p fax-proto --bench codec -- encode MMR
//! ```
//!
//! The corpus is drawn by `fax-peers`: six kinds of pages at two resolutions. The coders take turns, page by page and round
//! by round, so that a busy machine slows them all alike; a figure is the median of its rounds. "×" is how many times as
//! fast as that peer this library is. The last line of a table is the corpus as a whole: the sum of its pages' times.

#![allow(clippy::disallowed_methods, reason = "a bench reads the clock")]

use fax_peers::{corpus, libtiff, spandsp};
use fax_proto::page::{Page, Resolution};
use fax_proto::t4::{Coding, DecodeOptions, EncodeOptions, decode, decode_into, encode_into};
use std::hint::black_box;
use std::time::{Duration, Instant};

const ROUNDS: usize = 41;
const CODINGS: [Coding; 3] = [Coding::Mh, Coding::Mr, Coding::Mmr];

fn main() {
    // Cargo adds `--bench`.
    let wanted: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with("--")).collect();
    let is_wanted = |word: &str, all: &[&str]| {
        wanted.iter().any(|w| w == word) || !wanted.iter().any(|w| all.contains(&w.as_str()))
    };
    let samples: Vec<(String, Page)> = [Resolution::R204x196, Resolution::R204x391]
        .into_iter()
        .flat_map(|resolution| {
            corpus::pages(resolution).into_iter().map(move |s| (format!("{} {resolution}", s.name), s.page))
        })
        .collect();
    for coding in CODINGS {
        if !is_wanted(&coding.to_string(), &["MH", "MR", "MMR"]) {
            continue;
        }
        if is_wanted("encode", &["encode", "decode"]) {
            table(&format!("encode {coding}"), &samples, |page| encoders(page, coding));
        }
        if is_wanted("decode", &["encode", "decode"]) {
            table(&format!("decode {coding}"), &samples, |page| decoders(page, coding));
        }
    }
}

/// Something to be timed.
type Task<'a> = Box<dyn FnMut() + 'a>;

/// Ours, libtiff's, spandsp's.
fn encoders(page: &Page, coding: Coding) -> [Task<'_>; 3] {
    let options = EncodeOptions::line(coding, page.resolution());
    let (mut out, mut tiff_out, mut span_out) = (Vec::new(), Vec::new(), Vec::new());
    let mut span = spandsp::Encoder::new(page.width(), coding, page.resolution().y_dpi());
    [
        Box::new(move || {
            encode_into(black_box(page), &options, &mut out);
            black_box(&out);
        }),
        Box::new(move || {
            libtiff::encode_into(black_box(page), coding, false, &mut tiff_out);
            black_box(&tiff_out);
        }),
        Box::new(move || {
            span.encode_into(black_box(page), &mut span_out);
            black_box(&span_out);
        }),
    ]
}

/// Ours, libtiff's, spandsp's; the data are libtiff's, as a file has them, and spandsp's, as a line has them.
fn decoders(page: &Page, coding: Coding) -> [Task<'_>; 3] {
    let (width, rows) = (page.width(), page.rows());
    let strip = libtiff::encode(page, coding, false);
    let mut reader = libtiff::Reader::new(&strip, width, rows, coding, false);
    let mut line = Vec::new();
    spandsp::Encoder::new(width, coding, page.resolution().y_dpi()).encode_into(page, &mut line);
    let options = DecodeOptions { rows_max: rows, ..DecodeOptions::line(coding, width) };
    assert!(decode(&strip, &options).bits == page.bits(), "{coding}: ours differs");
    let (mut bits, mut tiff_bits, mut span_bits) = (Vec::new(), Vec::new(), Vec::new());
    assert!(reader.decode(&mut tiff_bits) && tiff_bits == page.bits(), "{coding}: libtiff's differs");
    spandsp::decode_into(&line, width, rows, coding, &mut span_bits);
    assert!(span_bits == page.bits(), "{coding}: spandsp's differs");
    [
        Box::new(move || {
            bits = black_box(decode_into(core::mem::take(&mut bits), black_box(&strip), &options)).bits;
        }),
        Box::new(move || {
            reader.decode(&mut tiff_bits);
            black_box(&tiff_bits);
        }),
        Box::new(move || {
            spandsp::decode_into(black_box(&line), width, rows, coding, &mut span_bits);
            black_box(&span_bits);
        }),
    ]
}

fn table<'a>(title: &str, samples: &'a [(String, Page)], tasks: impl Fn(&'a Page) -> [Task<'a>; 3]) {
    println!("{title}: Mpixel/s");
    println!(
        "{:<24}{:>10}{:>10}{:>10}{:>11}{:>11}",
        "", "ours", "libtiff", "spandsp", "× libtiff", "× spandsp"
    );
    let mut totals = [Duration::ZERO; 3];
    let mut pixels = 0;
    for (name, page) in samples {
        let times = medians(tasks(page));
        let page_pixels = u64::from(page.width()) * u64::from(page.rows());
        line(name, page_pixels, times);
        pixels += page_pixels;
        for (total, time) in totals.iter_mut().zip(times) {
            *total += time;
        }
    }
    line("the whole corpus", pixels, totals);
    println!();
}

fn medians(mut tasks: [Task<'_>; 3]) -> [Duration; 3] {
    let mut times = [(); 3].map(|()| Vec::with_capacity(ROUNDS));
    for round in 0..=ROUNDS {
        for (task, times) in tasks.iter_mut().zip(&mut times) {
            let start = Instant::now();
            task();
            // The first round warms the caches.
            if round > 0 {
                times.push(start.elapsed());
            }
        }
    }
    times.map(|mut times| {
        times.sort();
        times[times.len() / 2]
    })
}

fn line(name: &str, pixels: u64, [ours, libtiff, spandsp]: [Duration; 3]) {
    let speed = |time: Duration| pixels as f64 / time.as_secs_f64() / 1e6;
    let ratio = |peer: Duration| peer.as_secs_f64() / ours.as_secs_f64();
    println!(
        "{name:<24}{:>10.0}{:>10.0}{:>10.0}{:>11.2}{:>11.2}",
        speed(ours),
        speed(libtiff),
        speed(spandsp),
        ratio(libtiff),
        ratio(spandsp)
    );
}
