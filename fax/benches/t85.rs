//! How fast T.85 is, in Mpixel/s, on the corpus that `fax-peers` draws.
//!
//! ```sh
//! cargo bench -p fax-proto --bench t85
//! cargo bench -p fax-proto --bench t85 -- jbigkit      # JBIG-KIT's programs too (Debian: jbigkit-bin)
//! ```
//!
//! Processor time is what is measured, so that a busy machine does not count (Linux only). A figure of ours is the mean of
//! some rounds of [`encode`] and [`decode`], memory to memory. JBIG-KIT is under the GPL and not linked: its programs run
//! as they are, so what is measured is a process that reads a file and writes another. To keep that from counting, the page
//! stands in the file several times, one below the other, and what the program needs for a single row is taken off. What
//! is left still has the reading and writing of the files.

#![allow(clippy::unwrap_used)]

use fax_peers::corpus;
use fax_proto::page::{Page, Resolution};
use fax_proto::t85::{DecodeOptions, EncodeOptions, decode, encode};
use std::hint::black_box;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

const ROUNDS: u32 = 9;
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

/// Encoding and decoding.
fn ours(page: &Page, data: &[u8]) -> [Duration; 2] {
    let decoded = decode(data, &DecodeOptions::default());
    assert!(decoded.complete() && decoded.bits == page.bits(), "the page differs");
    let encoding = mean(thread_time, || {
        black_box(encode(black_box(page), &EncodeOptions::default()));
    });
    let decoding = mean(thread_time, || {
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
            mean(children_time, || {
                let mut command = Command::new(program);
                command.arg(path(from)).arg(path(to)).stdout(Stdio::null());
                assert!(command.status().is_ok_and(|status| status.success()), "{program} does not run");
            })
        })
    });
    [0, 1].map(|side| many[side].saturating_sub(one[side]) / COPIES)
}

/// The mean time of some rounds, by this clock.
fn mean(clock: fn() -> Duration, mut task: impl FnMut()) -> Duration {
    // The first round warms the caches.
    task();
    let start = clock();
    (0..ROUNDS).for_each(|_| task());
    clock().saturating_sub(start) / ROUNDS
}

/// Processor time of this thread.
fn thread_time() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(text.split_whitespace().next().unwrap().parse().unwrap())
}

/// Processor time of the child processes that have ended: the fields cutime and cstime of proc(5), in hundredths.
fn children_time() -> Duration {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap();
    let (_, fields) = text.rsplit_once(')').unwrap();
    let ticks = fields.split_whitespace().skip(13).take(2).map(|field| field.parse::<u64>().unwrap());
    Duration::from_millis(10 * ticks.sum::<u64>())
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
