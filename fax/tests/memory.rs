//! How much memory decoding takes, whatever the input: an allocator counts it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod pages;
mod tiff_file;

use fax_proto::page::{Page, Resolution};
use fax_proto::tiff::{Info, Limits, MmrPage, Profile, Reader, Writer, read};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use tiff_file::{ASCII, File, LONG, SHORT, mh, mmr, mr, one_page, plain};

/// Counts the octets that each thread has, and the most it had.
struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

thread_local! {
    static OCTETS: Cell<usize> = const { Cell::new(0) };
    static PEAK_OCTETS: Cell<usize> = const { Cell::new(0) };
}

fn count(more: usize, less: usize) {
    // A thread that ends has no counters any more, and nobody asks for them.
    let _ = OCTETS.try_with(|octets| {
        let now = octets.get() + more;
        PEAK_OCTETS.with(|peak| peak.set(peak.get().max(now)));
        // What comes from another thread is given back here.
        octets.set(now.saturating_sub(less));
    });
}

#[allow(unsafe_code, reason = "an allocator is unsafe by its trait; this one only counts and passes on")]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size(), 0);
        // SAFETY: as our caller promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, octets: *mut u8, layout: Layout) {
        count(0, layout.size());
        // SAFETY: as our caller promises; all that is allocated here is the system's.
        unsafe { System.dealloc(octets, layout) }
    }

    unsafe fn realloc(&self, octets: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // For a moment, both may be there.
        count(size, layout.size());
        // SAFETY: as our caller promises; all that is allocated here is the system's.
        unsafe { System.realloc(octets, layout, size) }
    }
}

/// The most octets that `body` had at once, beyond what was there before.
fn peak_octets<T>(body: impl FnOnce() -> T) -> (T, usize) {
    let before = OCTETS.get();
    PEAK_OCTETS.set(before);
    let value = body();
    (value, PEAK_OCTETS.get() - before)
}

#[test]
fn what_is_allocated_is_counted() {
    let ((), octets) = peak_octets(|| drop(std::hint::black_box(vec![0u8; 100_000])));
    assert_eq!(octets, 100_000);
    let (mut kept, octets) = peak_octets(|| vec![1u8; 1000]);
    assert_eq!(octets, 1000);
    assert_eq!(peak_octets(|| kept.reserve_exact(3000)).1, 4000);
    assert_eq!(peak_octets(|| ()).1, 0);
}

mod t4 {
    use super::*;
    use fax_proto::t4::{Coding, DecodeOptions, decode};

    /// Noise, and what becomes the most rows: a bit each.
    #[test]
    fn decoding_takes_no_more_than_it_says() {
        let noise = (0u32..20_000).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect::<Vec<_>>();
        for data in [&noise[..], &[0xFF; 20_000], &[0x0C; 20_000], &[]] {
            for coding in [Coding::Mh, Coding::Mr, Coding::Mmr] {
                for (width, rows_max) in [(1, 20_000), (1728, 3000), (20_000, 500)] {
                    let options = DecodeOptions { rows_max, ..DecodeOptions::line(coding, width) };
                    let (decoded, octets) = peak_octets(|| decode(data, &options));
                    assert!(
                        octets <= options.octets_max(),
                        "{octets} octets, {options:?}: {:?}",
                        decoded.end
                    );
                }
            }
        }
    }
}

mod tiff {
    use super::*;

    const LIMITS: Limits = Limits {
        pages_max: 500,
        width_max: 20_000,
        rows_max: 40_000,
        coded_octets_max: 8 << 20,
        page_octets_max: 2 << 20,
        bitmap_octets_max: 6 << 20,
    };

    /// Files that promise much or yield much; most are refused, and none takes more than it may.
    fn hostile() -> Vec<(&'static str, Vec<u8>)> {
        let page = pages::letter(1728, 1000, Resolution::R204x196, 3);
        let checkered: Vec<u8> = [0x55u8, 0xAA].map(|octet| [octet; 2500]).concat();
        let checkered = Page::from_bits(20_000, Resolution::R204x98, checkered.repeat(100)).unwrap();
        let wide = |file: File, rows: u32| {
            let mut file = file;
            file.set(256, LONG, &[20_000]).set(257, LONG, &[rows]).set(278, LONG, &[rows]);
            file
        };
        let white = |octets: usize| one_page(&page, 4, 0, vec![0xFF; octets]);
        let black = |octets: usize| one_page(&page, 32773, 0, [0x81, 0xFF].repeat(octets / 2));
        let many = |file: File, directories: usize| {
            let mut file = file;
            file.directories = vec![file.directories[0].clone(); directories];
            file.octets()
        };
        let strips = |file: File, strips: usize| {
            let mut file = file;
            file.set(257, LONG, &[40_000]).set(278, LONG, &[1]).set(279, LONG, &vec![1 << 20; strips]);
            let offsets: Vec<u32> = (0..strips as u32).map(|index| 8 + index % 100).collect();
            file.set(273, LONG, &offsets).octets()
        };
        let mut texts = mh(&page);
        texts.set(34909, ASCII, &vec![65; 300_000]).set(34911, ASCII, &vec![0xE4; 300_000]);
        let mut turned = mmr(&page);
        turned.set(274, SHORT, &[6]);
        let mut cases = vec![
            ("a small file of many rows", wide(white(20), 40_000).octets()),
            ("many rows from few octets", wide(white(40), 300).octets()),
            ("rows without end", wide(white(100_000), 0).octets()),
            ("octets without end", wide(black(100_000), 0).octets()),
            ("octets for more than a page", wide(black(100_000), 700).octets()),
            ("the widest page", wide(plain(&page), 40).octets()),
            ("many changes", mmr(&checkered).octets()),
            ("many changes in MR", mr(&checkered).octets()),
            ("many changes in MH", mh(&checkered).octets()),
            ("pages without end", many(mmr(&page), 500)),
            ("more than all pages", many(mmr(&page), 501)),
            ("strips that are the same", strips(mmr(&page), 40_000)),
            ("strips of one row", strips(white(200), 40_000)),
            ("long texts", texts.octets()),
            ("a page that is to be turned", turned.octets()),
        ];
        // The same under every label, and turned.
        for index in 0..cases.len() {
            let (name, octets) = cases[index].clone();
            for (from, to) in [(4u8, 3u8), (3, 4), (4, 2)] {
                let mut octets = octets.clone();
                for at in 0..octets.len().saturating_sub(12) {
                    if octets[at..at + 9] == [3, 1, 3, 0, 1, 0, 0, 0, from] {
                        octets[at + 8] = to;
                    }
                }
                cases.push((name, octets));
            }
        }
        cases
    }

    #[test]
    fn reading_page_by_page_stays_within_its_limit() {
        for (name, octets) in hostile() {
            let (read, peak) = peak_octets(|| match Reader::new(&octets, &LIMITS) {
                Ok(reader) => reader.filter(Result::is_ok).count(),
                Err(_) => 0,
            });
            println!("{name}: {read} pages, {peak} octets");
            assert!(peak <= LIMITS.memory_octets_max(), "{name}: {peak} octets");
        }
    }

    #[test]
    fn reading_all_pages_stays_within_its_limit() {
        for (name, octets) in hostile() {
            let (_, peak) = peak_octets(|| read(&octets, &LIMITS));
            let most = LIMITS.memory_octets_max() + LIMITS.bitmap_octets_max;
            assert!(peak <= most, "{name}: {peak} octets");
        }
    }

    /// Many pages need no more than one.
    #[test]
    fn a_long_fax_is_read_and_written_page_by_page() {
        let page = pages::letter(1728, 1100, Resolution::R204x196, 3);
        let coded = MmrPage::encode(&page);
        let document = |pages: usize| {
            let mut writer =
                Writer::new(Profile::F { coding: fax_proto::t4::Coding::Mmr }, &Info::default()).unwrap();
            for _ in 0..pages {
                writer.mmr_page(&coded, &fax_proto::tiff::Reception::default()).unwrap();
            }
            writer.finish().unwrap()
        };
        let peak = |octets: &[u8]| {
            peak_octets(|| {
                let reader = Reader::new(octets, &Limits::default()).unwrap();
                assert!(reader.into_iter().all(|image| image.unwrap().bits == page.bits()));
            })
            .1
        };
        let (one, (long, written)) = (document(1), peak_octets(|| document(60)));
        assert!(written <= 3 * long.len(), "{written} octets for {}", long.len());
        let (of_one, of_all) = (peak(&one), peak(&long));
        assert!(of_all <= of_one + 60 * 128, "{of_one} and {of_all}");
        // The decoder has some 130,000 octets for itself.
        assert!(of_one <= page.bits().len() + 200_000, "{of_one}");
    }
}
