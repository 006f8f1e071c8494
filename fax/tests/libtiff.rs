//! Against libtiff's tools (Debian: libtiff-tools), in both directions: what we write they read without a warning and to
//! the same pages, and what they write we read to the same pages.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod pages;

use fax_proto::page::{Page, PaperWidth, Resolution};
use fax_proto::t4::{Coding, EncodeOptions, encode, reverse_bits};
use fax_proto::tiff::{
    Clean, Density, FaxImage, Info, Limits, MmrPage, Profile, Quality, Reception, Writer, read, write,
};
use pages::Row;
use std::path::{Path, PathBuf};
use std::process::Command;

const CODINGS: [Coding; 3] = [Coding::Mh, Coding::Mr, Coding::Mmr];

/// Runs one of libtiff's tools; it must succeed and say nothing on standard error. Yields standard output.
fn run(tool: &str, arguments: &[&str]) -> String {
    let output = Command::new(tool).args(arguments).output().unwrap_or_else(|error| {
        panic!("cannot run {tool} ({error}): this test needs libtiff's tools (Debian: apt-get install libtiff-tools)")
    });
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && stderr.is_empty(),
        "{tool} {arguments:?}: {}\n{stderr}",
        output.status
    );
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// A folder for one test.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn file(&self, name: &str, octets: &[u8]) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, octets).unwrap();
        path
    }
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// An uncompressed file, made by nothing that is under test: what libtiff is given to compress.
fn plain_tiff(pages: &[Page]) -> Vec<u8> {
    let mut out = b"II\x2A\0\x08\0\0\0".to_vec();
    for (number, page) in pages.iter().enumerate() {
        let at = out.len() as u32;
        let longs = at + 2 + 14 * 12 + 4;
        let strip = longs + 16;
        let end = (strip + page.bits().len() as u32).next_multiple_of(2);
        let fields = [
            (254, 4, 1, 2),
            (256, 4, 1, page.width()),
            (257, 4, 1, page.rows()),
            (258, 3, 1, 1),
            (259, 3, 1, 1),
            (262, 3, 1, 0),
            (273, 4, 1, strip),
            (277, 3, 1, 1),
            (278, 4, 1, page.rows()),
            (279, 4, 1, page.bits().len() as u32),
            (282, 5, 1, longs),
            (283, 5, 1, longs + 8),
            (296, 3, 1, 2),
            (297, 3, 2, number as u32 | (pages.len() as u32) << 16),
        ];
        out.extend((fields.len() as u16).to_le_bytes());
        for (tag, kind, count, value) in fields {
            out.extend((tag as u16).to_le_bytes());
            out.extend((kind as u16).to_le_bytes());
            out.extend((count as u32).to_le_bytes());
            out.extend(value.to_le_bytes());
        }
        let next = if number + 1 == pages.len() { 0 } else { end };
        out.extend(next.to_le_bytes());
        for value in [page.resolution().x_dpi(), 1, page.resolution().y_dpi(), 1] {
            out.extend(value.to_le_bytes());
        }
        out.extend(page.bits());
        out.resize(end as usize, 0);
    }
    out
}

/// Pages of all that MH, MR and MMR have codes for.
fn sample(resolution: Resolution, paper: PaperWidth) -> Vec<Page> {
    let width = resolution.width(paper);
    vec![
        pages::letter(width, 300, resolution, 1),
        Page::white(width, 20, resolution),
        pages::draw(width, resolution, &[Row::Black; 9]),
        // libtiff 4.5 has no room for a checkered row of MH that begins black, not even for its own.
        pages::draw(width, resolution, &[[Row::White, Row::Checker]; 5].concat()),
        pages::letter(width, 301, resolution, 7),
    ]
}

/// Every run of every length, white and black.
fn all_runs() -> Page {
    let width = Page::WIDTH_MAX;
    let mut page = Page::white(width, width + 1, Resolution::R400x400);
    for y in 0..=width {
        // Odd rows begin in the middle, so that MR and MMR have to use their run lengths too.
        let start = if y % 2 == 0 { 0 } else { (width - y) / 2 };
        (start..start + y).for_each(|x| page.set(x, y, true));
    }
    page
}

/// Whether libtiff reads a file of ours without a warning, and to these pages.
fn libtiff_reads(octets: &[u8], pages: &[Page]) {
    let folder = Folder::new();
    let ours = folder.file("ours.tiff", octets);
    let listing = run("tiffinfo", &["-D", text(&ours)]);
    assert_eq!(listing.matches("TIFF Directory at").count(), pages.len(), "{listing}");
    assert_eq!(listing.matches("multi-page document").count(), pages.len(), "{listing}");
    for (number, page) in pages.iter().enumerate() {
        let page_number = format!("Page Number: {number}-{}", pages.len());
        assert!(listing.contains(&page_number), "{page_number} is not in {listing}");
        let size = format!("Image Width: {} Image Length: {}", page.width(), page.rows());
        assert!(listing.contains(&size), "{size} is not in {listing}");
        let resolution = page.resolution();
        let density = format!("Resolution: {}, {} pixels/inch", resolution.x_dpi(), resolution.y_dpi());
        assert!(listing.contains(&density), "{density} is not in {listing}");
    }
    let plain = folder.path("plain.tiff");
    run("tiffcp", &["-c", "none", "-f", "msb2lsb", "-r", "100000", text(&ours), text(&plain)]);
    let plain = std::fs::read(plain).unwrap();
    // Uncompressed, the rows of a page stand in the file as they are, one page after the other.
    let mut from = 0;
    for (number, page) in pages.iter().enumerate() {
        let found = find(&plain[from..], page.bits());
        from += found.unwrap_or_else(|| panic!("page {number} is not what was written")) + page.bits().len();
    }
}

fn find(octets: &[u8], wanted: &[u8]) -> Option<usize> {
    (0..=octets.len().checked_sub(wanted.len())?).find(|&at| octets[at..].starts_with(wanted))
}

#[test]
fn profile_s_is_read_by_libtiff() {
    for resolution in [Resolution::R204x98, Resolution::R204x196, Resolution::R200x200] {
        let pages = sample(resolution, PaperWidth::A4);
        libtiff_reads(&write(&pages, Profile::S, &Info::default()).unwrap(), &pages);
        libtiff_reads(&write(&pages[..1], Profile::S, &Info::default()).unwrap(), &pages[..1]);
    }
}

#[test]
fn profile_f_is_read_by_libtiff() {
    let info = Info {
        software: Some("Faxgate 0.1"),
        date_time: Some("2026:01:31 23:59:58"),
        description: Some("Fax of +1 212 555 0123"),
    };
    for coding in CODINGS {
        for resolution in Resolution::ALL {
            for paper in [PaperWidth::A4, PaperWidth::B4, PaperWidth::A3] {
                let pages = sample(resolution, paper);
                libtiff_reads(&write(&pages, Profile::F { coding }, &info).unwrap(), &pages);
            }
        }
    }
}

#[test]
fn what_a_file_says_of_itself_is_read_by_libtiff() {
    let info = Info {
        software: Some("Faxgate ü"),
        date_time: Some("2026:01:31 23:59:58"),
        description: Some("two\npages"),
    };
    let octets = write(&[all_runs()], Profile::F { coding: Coding::Mr }, &info).unwrap();
    let folder = Folder::new();
    let listing = run("tiffinfo", &[text(&folder.file("ours.tiff", &octets))]);
    for line in [
        "FillOrder: lsb-to-msb",
        "Compression Scheme: CCITT Group 3",
        "Group 3 Options: 2-d encoding+EOL padding",
        "Photometric Interpretation: min-is-white",
        "Orientation: row 0 top, col 0 lhs",
        "Software: Faxgate ?",
        "DateTime: 2026:01:31 23:59:58",
    ] {
        assert!(listing.contains(line), "{line} is not in {listing}");
    }
}

/// RFC 3949 clause 4.3.3 and libtiff's own fields, as libtiff names them.
#[test]
fn what_a_page_says_of_its_reception_is_read_by_libtiff() {
    let page = pages::letter(1728, 100, Resolution::R204x196, 1);
    let reception = Reception {
        quality: Some(Quality { bad_rows: 7, bad_run_rows: 3, clean: Some(Clean::Regenerated) }),
        parameters: Some(0x0012_3456),
        subaddress: Some("4711#12".into()),
        seconds: Some(61),
        dcs: Some("00 C6 F8 44".into()),
    };
    let mut writer = Writer::new(Profile::F { coding: Coding::Mmr }, &Info::default()).unwrap();
    writer.received_page(&page, &reception).unwrap();
    // A page that stays as it came over the line.
    let line = encode(&page, &EncodeOptions::line(Coding::Mmr, page.resolution()));
    let coded = MmrPage::new(1728, page.resolution(), [&line[..], &[0; 40]].concat()).unwrap();
    writer.mmr_page(&coded, &Reception::default()).unwrap();
    let octets = writer.finish().unwrap();
    libtiff_reads(&octets, &[page.clone(), page]);
    let folder = Folder::new();
    let listing = run("tiffinfo", &[text(&folder.file("ours.tiff", &octets))]);
    for line in [
        "Bad Fax Lines: 7",
        "Consecutive Bad Fax Lines: 3",
        "Fax Data: receiver regenerated",
        "FaxRecvParams: 1193046",
        "FaxSubAddress: 4711#12",
        "FaxRecvTime: 61",
        "FaxDcs: 00 C6 F8 44",
    ] {
        assert!(listing.contains(line), "{line} is not in {listing}");
    }
}

#[test]
fn every_run_length_is_read_by_libtiff() {
    for coding in CODINGS {
        let pages = [all_runs()];
        libtiff_reads(&write(&pages, Profile::F { coding }, &Info::default()).unwrap(), &pages);
    }
}

/// Reads a file of libtiff's to these pages.
fn we_read(path: &Path, pages: &[Page], what: &str) {
    let images = read(&std::fs::read(path).unwrap(), &Limits::default())
        .unwrap_or_else(|error| panic!("{what}: {error}"));
    assert_eq!(images.len(), pages.len(), "{what}");
    for (number, (image, page)) in images.into_iter().zip(pages).enumerate() {
        assert_eq!(image.bad_rows, 0, "{what}, page {number}");
        assert_eq!(image.density, Density::Fax(page.resolution()), "{what}, page {number}");
        assert!(image.into_page().as_ref() == Ok(page), "{what}, page {number} differs");
    }
}

#[test]
fn all_that_libtiff_writes_is_read() {
    let folder = Folder::new();
    let pages = sample(Resolution::R204x196, PaperWidth::A4);
    let plain = folder.file("plain.tiff", &plain_tiff(&pages));
    let theirs = folder.path("theirs.tiff");
    let compressions = ["none", "packbits", "g3:1d", "g3:2d", "g3:1d:fill", "g3:2d:fill", "g4"];
    for compression in compressions {
        for fill_order in ["lsb2msb", "msb2lsb"] {
            for rows_per_strip in ["1", "7", "64", "100000"] {
                for byte_order in ["-B", "-L"] {
                    let options = [
                        "-c",
                        compression,
                        "-f",
                        fill_order,
                        "-r",
                        rows_per_strip,
                        byte_order,
                        text(&plain),
                        text(&theirs),
                    ];
                    run("tiffcp", &options);
                    we_read(&theirs, &pages, &format!("{options:?}"));
                }
            }
        }
    }
}

#[test]
fn big_tiff_that_libtiff_writes_is_read() {
    let folder = Folder::new();
    let pages = sample(Resolution::R204x98, PaperWidth::B4);
    let plain = folder.file("plain.tiff", &plain_tiff(&pages));
    let theirs = folder.path("theirs.tiff");
    for compression in ["none", "packbits", "g3:1d", "g3:2d:fill", "g4"] {
        for rows_per_strip in ["64", "100000"] {
            for byte_order in ["-B", "-L"] {
                let options =
                    ["-8", "-c", compression, "-r", rows_per_strip, byte_order, text(&plain), text(&theirs)];
                run("tiffcp", &options);
                we_read(&theirs, &pages, &format!("{options:?}"));
            }
        }
    }
}

/// Faxes put together by tiffcp: page numbers begin anew, sizes and codings differ.
#[test]
fn files_that_libtiff_puts_together_keep_their_order() {
    let folder = Folder::new();
    let first = sample(Resolution::R204x98, PaperWidth::A4);
    let second = sample(Resolution::R300x300, PaperWidth::A3);
    let one =
        folder.file("one.tiff", &write(&first, Profile::F { coding: Coding::Mr }, &Info::default()).unwrap());
    let two = folder
        .file("two.tiff", &write(&second, Profile::F { coding: Coding::Mmr }, &Info::default()).unwrap());
    let theirs = folder.path("theirs.tiff");
    run("tiffcp", &[text(&one), text(&two), text(&theirs)]);
    run("tiffcp", &["-a", text(&one), text(&theirs)]);
    we_read(&theirs, &[&first[..], &second[..], &first[..]].concat(), "three documents");
}

#[test]
fn every_resolution_and_width_that_libtiff_writes_is_read() {
    let folder = Folder::new();
    for resolution in Resolution::ALL {
        for paper in [PaperWidth::A4, PaperWidth::B4, PaperWidth::A3] {
            let pages = sample(resolution, paper);
            let plain = folder.file("plain.tiff", &plain_tiff(&pages));
            for compression in ["g3:1d", "g3:2d", "g4"] {
                let theirs = folder.path("theirs.tiff");
                run("tiffcp", &["-c", compression, text(&plain), text(&theirs)]);
                we_read(&theirs, &pages, &format!("{compression} {resolution} {paper:?}"));
            }
        }
    }
}

#[test]
fn every_run_length_that_libtiff_writes_is_read() {
    let folder = Folder::new();
    let pages = [all_runs()];
    let plain = folder.file("plain.tiff", &plain_tiff(&pages));
    for compression in ["g3:1d", "g3:2d", "g4"] {
        let theirs = folder.path("theirs.tiff");
        run("tiffcp", &["-c", compression, text(&plain), text(&theirs)]);
        we_read(&theirs, &pages, compression);
    }
}

#[test]
fn what_fax2tiff_makes_of_our_line_data_is_read() {
    let folder = Folder::new();
    let page = pages::letter(1728, 400, Resolution::R204x196, 3);
    let theirs = folder.path("theirs.tiff");
    // fax2tiff takes RTC and EOFB for rows, so the page ends without.
    let raw = |coding| {
        let mut data = encode(
            &page,
            &EncodeOptions { end_marker: false, ..EncodeOptions::line(coding, page.resolution()) },
        );
        reverse_bits(&mut data);
        data
    };
    for (coding, input) in [(Coding::Mh, "-1"), (Coding::Mr, "-2"), (Coding::Mmr, "-4")] {
        let raw = folder.file("raw.g3", &raw(coding));
        for output in [["-5", "-p"], ["-5", "-a"], ["-6", "-p"], ["-6", "-a"], ["-8", "-m"]] {
            let options = [input, "-L", "-W", output[0], output[1], "-o", text(&theirs), text(&raw)];
            run("fax2tiff", &options);
            let images = read(&std::fs::read(&theirs).unwrap(), &Limits::default()).unwrap();
            let [FaxImage { density, .. }] = images[..] else { panic!("{} pages", images.len()) };
            assert_eq!(density, Density::Fax(page.resolution()), "{options:?}");
            assert!(images[0].bits == page.bits(), "{options:?}: the page differs");
        }
    }
}

/// The TIFF compressions that libtiff's tools do not write: MH rows on boundaries of one octet and of two. Of the second,
/// libtiff loses its way as soon as it has read ahead to an odd octet.
#[test]
fn compressions_2_and_32771_are_read() {
    let page = pages::letter(1728, 100, Resolution::R204x98, 5);
    let bare =
        EncodeOptions { eol: false, end_marker: false, ..EncodeOptions::line(Coding::Mh, page.resolution()) };
    for (compression, octets_of_boundary) in [(2u16, 1), (32771, 2)] {
        let mut strip: Vec<u8> = Vec::new();
        for row in page.iter_rows() {
            strip.extend(encode(&Page::from_bits(1728, page.resolution(), row.to_vec()).unwrap(), &bare));
            strip.resize(strip.len().next_multiple_of(octets_of_boundary), 0);
        }
        let mut octets = plain_tiff(std::slice::from_ref(&page));
        octets[8 + 2 + 4 * 12 + 8..][..2].copy_from_slice(&compression.to_le_bytes());
        octets[8 + 2 + 9 * 12 + 8..][..4].copy_from_slice(&(strip.len() as u32).to_le_bytes());
        octets.truncate(octets.len() - page.bits().len());
        octets.extend(strip);

        let folder = Folder::new();
        let file = folder.file("rle.tiff", &octets);
        we_read(&file, std::slice::from_ref(&page), &format!("compression {compression}"));
        if compression != 2 {
            continue;
        }
        let plain = folder.path("plain.tiff");
        run("tiffcp", &["-c", "none", "-r", "100000", text(&file), text(&plain)]);
        assert!(find(&std::fs::read(plain).unwrap(), page.bits()).is_some(), "libtiff reads another page");
    }
}
