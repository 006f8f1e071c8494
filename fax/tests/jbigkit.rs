//! T.85 against JBIG-KIT (Debian: jbigkit-bin), in both directions and pixel for pixel: what we encode its decoders
//! read, and what its encoders make we decode. Its programs are run; nothing of it is linked.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod pages;

use fax_proto::page::{Page, Resolution};
use fax_proto::t85::{DecodeOptions, Decoder, EncodeOptions, Encoder, End, decode, encode};
use pages::Row;
use std::process::Command;

/// Runs one of JBIG-KIT's programs.
fn run(program: &str, arguments: &[&str], folder: &Folder) {
    let output = Command::new(program).args(arguments).current_dir(folder.0.path()).output().unwrap_or_else(|error| {
        panic!("cannot run {program} ({error}): this test needs JBIG-KIT (Debian: apt-get install jbigkit-bin)")
    });
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {arguments:?}: {}\n{stderr}", output.status);
}

/// A folder for one test.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn write(&self, name: &str, octets: &[u8]) {
        std::fs::write(self.0.path().join(name), octets).unwrap();
    }

    fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.0.path().join(name)).unwrap()
    }

    /// What one of its encoders makes of a page.
    fn theirs(&self, program: &str, options: &[&str], page: &Page) -> Vec<u8> {
        self.write("page.pbm", &pbm(page));
        run(program, &[options, &["page.pbm", "theirs.jbg"]].concat(), self);
        self.read("theirs.jbg")
    }

    /// Whether one of its decoders reads coded data to a page. They refuse pages without rows.
    fn they_read(&self, program: &str, octets: &[u8], page: &Page, what: &str) {
        self.write("ours.jbg", octets);
        run(program, &["ours.jbg", "ours.pbm"], self);
        let (size, bits) = split_pbm(&self.read("ours.pbm"));
        assert_eq!(size, [page.width(), page.rows()], "{program}, {what}");
        assert!(bits == page.bits(), "{program}, {what}: the page differs");
    }
}

fn pbm(page: &Page) -> Vec<u8> {
    [format!("P4\n{} {}\n", page.width(), page.rows()).as_bytes(), page.bits()].concat()
}

/// Width and rows, and the packed pixels.
fn split_pbm(octets: &[u8]) -> ([u32; 2], Vec<u8>) {
    let mut rest = octets.strip_prefix(b"P4").unwrap();
    let size = [(); 2].map(|()| {
        let start = rest.iter().position(u8::is_ascii_digit).unwrap();
        let end = start + rest[start..].iter().position(|octet| !octet.is_ascii_digit()).unwrap();
        let number = std::str::from_utf8(&rest[start..end]).unwrap().parse().unwrap();
        rest = &rest[end..];
        number
    });
    (size, rest[1..].to_vec())
}

/// Widths and numbers of rows.
const SIZES: [(u32, u32); 15] = [
    (1, 1),
    (1, 257),
    (7, 127),
    (8, 128),
    (31, 129),
    (32, 128),
    (1728, 1),
    (1728, 127),
    (1728, 128),
    (1728, 129),
    (1728, 257),
    (1728, 1000),
    (2048, 129),
    (2432, 128),
    (4864, 257),
];

/// Pages of a width: white, black, grey, noise, writing.
fn sample(width: u32, rows: u32) -> Vec<Page> {
    let each = |row: fn(u64) -> Row| {
        let rows: Vec<Row> = (0..u64::from(rows)).map(row).collect();
        pages::draw(width, Resolution::R204x196, &rows)
    };
    let drawn = each(|y| if y % 3 == 0 { Row::Runs(y) } else { Row::Follows(y) });
    let letter = pages::letter(width, rows, Resolution::R204x196, 1);
    vec![each(|_| Row::White), each(|_| Row::Black), each(|_| Row::Checker), each(Row::Noise), drawn, letter]
}

fn all_options() -> Vec<EncodeOptions> {
    let mut all = Vec::new();
    for stripe_rows in [1, 7, 128, 5000] {
        for two_lines in [false, true] {
            for typical in [false, true] {
                all.push(EncodeOptions { stripe_rows, two_lines, typical });
            }
        }
    }
    all
}

/// Whether a page of ours is read, with the number of rows said in the header, and at the end.
fn they_read_both(folder: &Folder, page: &Page, options: EncodeOptions, what: &str) {
    let octets = encode(page, &options);
    folder.they_read("jbgtopbm85", &octets, page, what);
    folder.they_read("jbgtopbm", &octets, page, what);
    // jbgtopbm knows NEWLEN, but has no memory for so many rows as may come before it.
    let mut encoder = Encoder::new(page.width(), None, options);
    page.iter_rows().for_each(|row| encoder.row(row));
    folder.they_read("jbgtopbm85", &encoder.finish(), page, what);
}

#[test]
fn pages_of_every_width_are_read_by_jbigkit() {
    let folder = Folder::new();
    for (width, rows) in SIZES {
        for page in sample(width, rows) {
            let options = EncodeOptions::default();
            let what = format!("{width} × {rows}");
            they_read_both(&folder, &page, options, &what);
        }
    }
}

#[test]
fn pages_of_all_options_are_read_by_jbigkit() {
    let folder = Folder::new();
    for options in all_options() {
        for page in sample(1728, 257) {
            let what = format!("{options:?}");
            they_read_both(&folder, &page, options, &what);
        }
    }
}

/// Coded data without the zeros at the end of stripes, of which JBIG-KIT leaves one here and there.
fn without_zeros_at_end(octets: &[u8]) -> Vec<u8> {
    let (header, stripes) = octets.split_at(20);
    let mut out = header.to_vec();
    let mut zeros = 0;
    let mut stripes = stripes.iter().copied().peekable();
    while let Some(octet) = stripes.next() {
        if octet == 0 {
            zeros += 1;
            continue;
        }
        let is_marker = octet == 0xFF && stripes.peek() != Some(&0);
        out.resize(out.len() + if is_marker { 0 } else { zeros }, 0);
        zeros = 0;
        out.push(octet);
        if octet == 0xFF {
            out.extend(stripes.next());
        }
    }
    out
}

/// The code leaves an encoder no choice.
#[test]
fn the_coded_data_is_that_of_jbigkit() {
    let folder = Folder::new();
    for options in all_options() {
        for page in sample(1001, 257) {
            let flags = 64 * u32::from(options.two_lines) + 8 * u32::from(options.typical);
            let (stripe_rows, flags) = (options.stripe_rows.to_string(), flags.to_string());
            let theirs = folder.theirs("pbmtojbg85", &["-m", "0", "-s", &stripe_rows, "-p", &flags], &page);
            let ours = encode(&page, &options);
            assert!(without_zeros_at_end(&theirs) == ours, "{options:?}");
            assert!(without_zeros_at_end(&ours) == ours, "{options:?}");
        }
    }
}

/// Decodes at once and in pieces.
fn we_read(octets: &[u8], page: &Page, what: &str) {
    let decoded = decode(octets, &DecodeOptions::default());
    assert_eq!(
        (decoded.end, decoded.width, decoded.rows()),
        (End::Complete, page.width(), page.rows()),
        "{what}"
    );
    assert!(decoded.bits == page.bits(), "{what}: the page differs");
    for piece_octets in [1, 700] {
        let (mut decoder, mut bits) = (Decoder::new(DecodeOptions::default()), Vec::new());
        octets.chunks(piece_octets).for_each(|piece| decoder.push(piece, &mut bits));
        assert_eq!(decoder.finish(&mut bits), End::Complete, "{what}");
        assert!(bits == page.bits(), "{what}, in pieces of {piece_octets}: the page differs");
    }
}

#[test]
fn all_that_jbigkit_encodes_is_read() {
    let folder = Folder::new();
    for flags in ["0", "8", "64", "72"] {
        for stripe_rows in ["1", "7", "128", "5000"] {
            for page in sample(1728, 257) {
                let options = ["-p", flags, "-s", stripe_rows];
                we_read(&folder.theirs("pbmtojbg85", &options, &page), &page, &format!("{options:?}"));
            }
        }
    }
    for (width, rows) in SIZES {
        for page in sample(width, rows) {
            let what = format!("{width} × {rows}");
            we_read(&folder.theirs("pbmtojbg", &["-f"], &page), &page, &what);
        }
    }
}

/// A halftone of dots 8 pixels apart, which the adaptive pixel is moved for.
fn halftone() -> Page {
    let mut page = Page::white(1728, 600, Resolution::R204x196);
    for y in 0..600u32 {
        for x in 0..1728u32 {
            let (dot_x, dot_y) = ((x % 8).abs_diff(4), (y % 8).abs_diff(4));
            page.set(x, y, 130 * (dot_x * dot_x + dot_y * dot_y) < x + 2 * y);
        }
    }
    page
}

#[test]
fn moves_of_the_adaptive_pixel_are_read() {
    let folder = Folder::new();
    let page = halftone();
    for flags in ["0", "8", "64", "72"] {
        for more in [&[][..], &["-c"]] {
            let options =
                [&["-q", "-o", "0", "-t", "1", "-s", "100", "-m", "127", "-p", flags], more].concat();
            let theirs = folder.theirs("pbmtojbg", &options, &page);
            assert!(theirs.windows(2).any(|pair| pair == [0xFF, 6]), "{options:?}: there is no ATMOVE");
            we_read(&theirs, &page, &format!("{options:?}"));
        }
    }
}

#[test]
fn stripes_that_begin_like_a_page_are_read() {
    let folder = Folder::new();
    for page in [halftone(), pages::letter(1728, 600, Resolution::R204x196, 3)] {
        for flags in ["0", "8", "64", "72"] {
            let options = ["-q", "-o", "0", "-t", "1", "-s", "50", "-m", "127", "-r", "-p", flags];
            let theirs = folder.theirs("pbmtojbg", &options, &page);
            assert!(theirs.windows(2).any(|pair| pair == [0xFF, 3]), "{options:?}: there is no SDRST");
            we_read(&theirs, &page, &format!("{options:?}"));
        }
    }
}

#[test]
fn a_new_length_and_a_comment_are_read() {
    let folder = Folder::new();
    for page in sample(1728, 300) {
        let comment = ["-C", "a comment of theirs"];
        for announced in ["300", "384", "4294967295"] {
            for known_at in ["1", "128", "256", "299"] {
                let options = [&comment[..], &["-Y", announced, known_at]].concat();
                let theirs = folder.theirs("pbmtojbg85", &options, &page);
                we_read(&theirs, &page, &format!("{options:?}"));
            }
        }
        let options = [&comment[..], &["-f", "-Y", "1000"]].concat();
        we_read(&folder.theirs("pbmtojbg", &options, &page), &page, &format!("{options:?}"));
    }
}
