//! How fast T.85 is, in Mpixel/s, on the corpus that `fax-peers` draws.
//!
//! ```sh
//! cargo bench -p fax-proto --bench t85
//! cargo bench -p fax-proto --bench t85 -- jbigkit      # JBIG-KIT's programs too (Debian: jbigkit-bin)
//! ```
//!
//! A figure of ours is the median of some rounds of [`encode`] and [`decode`], memory to memory. JBIG-KIT is under the
//! GPL and not linked: its programs run as they are, so what is timed is a process that reads a file and writes another.
//! To keep that from counting, the page stands in the file many times, one below the other, and the time that the program
//! needs for a single row is taken off. What is left still has the reading and writing of the files, which is little.

#![allow(clippy::disallowed_methods, reason = "a bench reads the clock")]
#![allow(clippy::unwrap_used)]

use fax_peers::corpus;
use fax_proto::page::{Page, Resolution};
use fax_proto::t85::{DecodeOptions, EncodeOptions, decode, encode};
use std::hint::black_box;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const ROUNDS: usize = 9;
/// How often a page stands in a file for JBIG-KIT.
const COPIES: u32 = 4;

fn main() {
    let with_jbigkit = std::env::args().any(|argument| argument == "jbigkit");
    let folder = tempfile::tempdir().unwrap();
    println!("T.85, Mpixel/s; octets are those of the coded page");
    print!("{:<24}{:>10}{:>10}{:>10}", "", "octets", "encode", "decode");
    println!("{}", if with_jbigkit { "   pbmtojbg85  jbgtopbm85   × encode   × decode" } else { "" });
    let mut totals = [Duration::ZERO; 4];
    let mut pixels = 0;
    for resolution in [Resolution::R204x196, Resolution::R204x391] {
        for sample in corpus::pages(resolution) {
            let page = sample.page;
            let data = encode(&page, &EncodeOptions::default());
            let theirs = with_jbigkit.then(|| jbigkit(folder.path(), &page));
            let [ours_encode, ours_decode] = ours(&page, &data);
            let [theirs_encode, theirs_decode] = theirs.unwrap_or_default();
            let times = [ours_encode, ours_decode, theirs_encode, theirs_decode];
            let page_pixels = u64::from(page.width()) * u64::from(page.rows());
            line(&format!("{} {resolution}", sample.name), data.len(), page_pixels, times);
            pixels += page_pixels;
            totals.iter_mut().zip(times).for_each(|(total, time)| *total += time);
        }
    }
    line("the whole corpus", 0, pixels, totals);
}

/// Medians of encoding and decoding.
fn ours(page: &Page, data: &[u8]) -> [Duration; 2] {
    let decoded = decode(data, &DecodeOptions::default());
    assert!(decoded.complete() && decoded.bits == page.bits(), "the page differs");
    let encoding = median(|| {
        black_box(encode(black_box(page), &EncodeOptions::default()));
    });
    let decoding = median(|| {
        black_box(decode(black_box(data), &DecodeOptions::default()));
    });
    [encoding, decoding]
}

/// The same of JBIG-KIT's programs.
fn jbigkit(folder: &Path, page: &Page) -> [Duration; 2] {
    let stacked = page.bits().repeat(COPIES as usize);
    let files = [("many", page.rows() * COPIES, &stacked[..]), ("one", 1, &page.bits()[..page.stride()])];
    let [many, one] = files.map(|(name, rows, bits)| {
        let header = format!("P4\n{} {rows}\n", page.width());
        let path = |kind: &str| folder.join(format!("{name}.{kind}"));
        std::fs::write(path("pbm"), [header.as_bytes(), bits].concat()).unwrap();
        [("pbmtojbg85", "pbm", "jbg"), ("jbgtopbm85", "jbg", "out")].map(|(program, from, to)| {
            median(|| {
                let mut command = Command::new(program);
                command.arg(path(from)).arg(path(to)).stdout(Stdio::null());
                assert!(command.status().is_ok_and(|status| status.success()), "{program} does not run");
            })
        })
    });
    [0, 1].map(|side| many[side].saturating_sub(one[side]) / COPIES)
}

fn median(mut task: impl FnMut()) -> Duration {
    let mut times: Vec<Duration> = (0..=ROUNDS)
        .map(|_| {
            let start = Instant::now();
            task();
            start.elapsed()
        })
        .skip(1)
        .collect();
    times.sort();
    times[times.len() / 2]
}

fn line(name: &str, octets: usize, pixels: u64, [encode, decode, their_encode, their_decode]: [Duration; 4]) {
    let speed = |time: Duration| pixels as f64 / time.as_secs_f64() / 1e6;
    print!("{name:<24}{octets:>10}{:>10.0}{:>10.0}", speed(encode), speed(decode));
    if their_encode.is_zero() {
        println!();
        return;
    }
    let ratio = |theirs: Duration, ours: Duration| theirs.as_secs_f64() / ours.as_secs_f64();
    println!(
        "{:>13.0}{:>12.0}{:>11.2}{:>11.2}",
        speed(their_encode),
        speed(their_decode),
        ratio(their_encode, encode),
        ratio(their_decode, decode)
    );
}
