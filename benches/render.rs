//! What pages cost: seconds on the line (T.6 at 14,400 bit/s) beside seconds of processor time, for documents of several
//! kinds, by Faxgate and by what others draw fax pages with (Ghostscript, MuPDF, poppler), and by error diffusion.
//!
//! `cargo bench --bench render` prints a table; all at 204×196, but MuPDF, which knows square pixels alone, at 200×200.
//! Every time is the median of some. `cargo bench --bench render -- scans` does only what has this in its name.
//! Needs the Debian packages ghostscript, mupdf-tools, poppler-utils and python3-pil.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    missing_docs
)]

#[path = "pages/corpus.rs"]
mod corpus;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use fax::page::{Page, Resolution};
use fax::tiff::{Limits, MmrPage};
use faxgate::render::{self, Options};

/// As in the program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Bits a second of a V.17 call.
const LINE_RATE: f64 = 14_400.0;

/// How often everything is drawn; the median counts.
const TIMES: usize = 5;

fn main() {
    let wanted = std::env::args().skip(1).find(|argument| !argument.starts_with('-')).unwrap_or_default();
    let is_wanted = |name: &str| name.contains(&wanted);
    let dir = tempfile::tempdir().unwrap();
    println!("{:16}{:22}{:>8}{:>8}{:>8}", "", "", "line s", "CPU s", "wall s");
    if is_wanted("a text mail") {
        text_mail();
    }
    if is_wanted("a photograph") {
        photograph(dir.path());
    }
    let documents = corpus::make(dir.path());
    for (name, pages, file) in documents.into_iter().filter(|(name, ..)| is_wanted(name)) {
        ours(name, &file, pages);
        for (peer, draw) in PEERS {
            theirs(name, peer, dir.path(), || draw(&file, dir.path()), pages);
        }
        diffused(name, &file, dir.path());
    }
}

/// A page of text in a mail, as accepted.
fn text_mail() {
    let text =
        "Please find the statement of the plaintiff and the answer of the defendant below.\r\n".repeat(30);
    let mail = format!("From: Anna <anna@example.com>\r\nSubject: The case\r\n\r\n{text}");
    own_row("a text mail", || render::message(mail.as_bytes(), &Options::default(), None).unwrap().pages);
}

/// A photograph of twelve million pixels, and the same by Pillow with error diffusion.
fn photograph(dir: &Path) {
    let photo = dir.join("photo.jpg");
    corpus::photograph(&photo);
    let bytes = std::fs::read(&photo).unwrap();
    let files = [("photo.jpg", &bytes[..])];
    own_row("a photograph", || render::files(&files, &Options::default(), None).unwrap().pages);
    // On its side, as ours, at the same resolution.
    let script = "import sys; from PIL import Image; i = Image.open(sys.argv[1]).convert('L').transpose(Image.ROTATE_90); \
                  i.resize((1569, 2010)).convert('1').save(sys.argv[2], compression='group4', dpi=(204, 196))";
    let draw = || {
        run(Command::new("/usr/bin/python3").args(["-c", script]).arg(&photo).arg(dir.join("out.tif")));
    };
    theirs("a photograph", "Pillow diffusion", dir, draw, 1);
}

/// Draws, and codes for the line, with a worker that has begun with something else, as often as it counts.
fn own_row(name: &str, draw: impl Fn() -> Vec<Page>) {
    let drawn = draw();
    let [cpu, wall] = median(own_time, || draw().iter().for_each(|page| drop(MmrPage::encode(page))));
    row(name, "Faxgate", &drawn, cpu, wall);
}

/// Lets a peer draw, as often as it counts, and reads what came out.
fn theirs(name: &str, peer: &str, dir: &Path, draw: impl Fn(), pages: usize) {
    let [cpu, wall] = median(children_time, draw);
    let drawn = read(dir);
    assert_eq!(drawn.len(), pages, "{peer}");
    row(name, peer, &drawn, cpu, wall);
}

/// The medians of processor time and of time by the clock.
fn median(processor_time: impl Fn() -> Duration, draw: impl Fn()) -> [Duration; 2] {
    let times: Vec<[Duration; 2]> = (0..TIMES)
        .map(|_| {
            let (used, begun) = (processor_time(), Instant::now());
            draw();
            let wall = begun.elapsed();
            [processor_time() - used, wall]
        })
        .collect();
    [0, 1].map(|which| {
        let mut sorted: Vec<_> = times.iter().map(|pair| pair[which]).collect();
        sorted.sort();
        sorted[TIMES / 2]
    })
}

type Draw = fn(&Path, &Path);
const PEERS: [(&str, Draw); 3] = [
    ("Ghostscript tiffg4", |file, dir| {
        corpus::ghostscript(&["-sDEVICE=tiffg4", "-r204x196", "-sPAPERSIZE=a4"], &dir.join("out.tif"), file);
    }),
    ("MuPDF pbm", |file, dir| {
        let out = dir.join("out-%d.pbm");
        run(Command::new("mutool").args(["draw", "-q", "-F", "pbm", "-r", "200", "-o"]).arg(out).arg(file));
    }),
    ("poppler -mono", |file, dir| {
        let resolution = ["-mono", "-rx", "204", "-ry", "196"];
        run(Command::new("pdftoppm").args(resolution).arg(file).arg(dir.join("out")));
    }),
];

fn run(command: &mut Command) {
    assert!(command.output().unwrap().status.success());
}

fn ours(name: &str, file: &Path, pages: usize) {
    let bytes = std::fs::read(file).unwrap();
    let files = [("document.pdf", &bytes[..])];
    own_row(name, || {
        let drawn = render::files(&files, &Options::default(), None).unwrap().pages;
        assert_eq!(drawn.len(), pages);
        drawn
    });
}

/// Floyd and Steinberg's error diffusion of the same pages in grey, and what is left of them by a plain threshold.
fn diffused(name: &str, file: &Path, dir: &Path) {
    run(Command::new("pdftoppm").args(["-gray", "-rx", "204", "-ry", "196"]).arg(file).arg(dir.join("grey")));
    let (mut pages, mut cut) = (Vec::new(), Vec::new());
    for path in files(dir, "grey", "pgm") {
        let picture = image_of(&path);
        std::fs::remove_file(path).unwrap();
        pages.push(diffuse(&picture));
        cut.push(threshold(&picture));
    }
    row(name, "error diffusion", &pages, Duration::ZERO, Duration::ZERO);
    row(name, "threshold", &cut, Duration::ZERO, Duration::ZERO);
}

/// Width and grey values.
fn image_of(path: &Path) -> (u32, Vec<u8>) {
    let bytes = std::fs::read(path).unwrap();
    let (width, _, data) = netpbm(&bytes, 3);
    (width, data.to_vec())
}

/// Black where it is darker than the middle.
fn threshold((width, values): &(u32, Vec<u8>)) -> Page {
    let mut page = Page::white(*width, values.len() as u32 / width, Resolution::R204x196);
    for (index, _) in (0u32..).zip(values).filter(|(_, value)| **value < 128) {
        page.set(index % width, index / width, true);
    }
    page
}

fn diffuse((width, values): &(u32, Vec<u8>)) -> Page {
    let (width, rows) = (*width as usize, values.len() / *width as usize);
    let mut grey: Vec<f32> = values.iter().map(|value| f32::from(*value)).collect();
    let mut page = Page::white(width as u32, rows as u32, Resolution::R204x196);
    for index in 0..grey.len() {
        let (x, y) = (index % width, index / width);
        let black = grey[index] < 128.0;
        page.set(x as u32, y as u32, black);
        let error = grey[index] - if black { 0.0 } else { 255.0 };
        for (right, down, share) in [(1, 0, 7.0), (-1, 1, 3.0), (0, 1, 5.0), (1, 1, 1.0)] {
            let column = x as i64 + right;
            if (0..width as i64).contains(&column) && y + down < rows {
                grey[(y + down) * width + column as usize] += error * share / 16.0;
            }
        }
    }
    page
}

/// What a peer has drawn, which is then taken away.
fn read(dir: &Path) -> Vec<Page> {
    let tiff = dir.join("out.tif");
    if let Ok(bytes) = std::fs::read(&tiff) {
        std::fs::remove_file(tiff).unwrap();
        let images = fax::tiff::read(&bytes, &Limits::default()).unwrap();
        return images.into_iter().map(|image| image.into_bitmap(Resolution::R204x196)).collect();
    }
    let page = |path: PathBuf| {
        let bytes = std::fs::read(&path).unwrap();
        std::fs::remove_file(path).unwrap();
        let (width, _, data) = netpbm(&bytes, 2);
        Page::from_bits(width, Resolution::R204x196, data.to_vec()).unwrap()
    };
    files(dir, "out", "pbm").into_iter().map(page).collect()
}

fn files(dir: &Path, start: &str, extension: &str) -> Vec<PathBuf> {
    let is_wanted = |path: &PathBuf| {
        let name = path.file_name().unwrap().to_str().unwrap();
        name.starts_with(start) && name.ends_with(extension)
    };
    let mut files: Vec<_> =
        std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).filter(is_wanted).collect();
    files.sort();
    files
}

/// Width, height and data after so many lines or words of a netpbm header.
fn netpbm(bytes: &[u8], numbers: usize) -> (u32, u32, &[u8]) {
    let (mut at, mut found) = (2, Vec::new());
    while found.len() < numbers {
        while bytes[at].is_ascii_whitespace() {
            at += 1;
        }
        if bytes[at] == b'#' {
            at += bytes[at..].iter().position(|byte| *byte == b'\n').unwrap();
            continue;
        }
        let length = bytes[at..].iter().position(u8::is_ascii_whitespace).unwrap();
        found.push(std::str::from_utf8(&bytes[at..at + length]).unwrap().parse().unwrap());
        at += length;
    }
    (found[0], found[1], &bytes[at + 1..])
}

fn row(name: &str, by: &str, pages: &[Page], cpu: Duration, wall: Duration) {
    let octets: usize = pages.iter().map(|page| MmrPage::encode(page).data().len()).sum();
    let line = octets as f64 * 8.0 / LINE_RATE;
    println!("{name:16}{by:22}{line:8.1}{:8.3}{:8.3}", cpu.as_secs_f64(), wall.as_secs_f64());
}

/// Processor time of this process, and of those that it has waited for.
fn own_time() -> Duration {
    times(11)
}

fn children_time() -> Duration {
    times(13)
}

/// Two fields of proc(5)'s `stat` together, in hundredths of a second.
fn times(field: usize) -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<_> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    let ticks = fields[field..field + 2].iter().map(|field| field.parse::<u64>().unwrap()).sum::<u64>();
    Duration::from_millis(10 * ticks)
}
