//! What pages cost: seconds on the line (T.6 at 14,400 bit/s) beside seconds of processor time, for documents of several
//! kinds, by Faxgate and by what others draw fax pages with (Ghostscript, MuPDF, poppler), and by error diffusion.
//!
//! `cargo bench --bench render` prints a table; all at 204×196, but MuPDF, which knows square pixels alone, at 200×200.
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

/// Bits a second of a V.17 call.
const LINE_RATE: f64 = 14_400.0;

fn main() {
    let dir = tempfile::tempdir().unwrap();
    let documents = corpus::make(dir.path());
    println!("{:16}{:22}{:>8}{:>8}{:>8}", "", "", "line s", "CPU s", "wall s");
    text_mail();
    photograph(dir.path());
    for (name, pages, file) in documents {
        ours(name, &file, pages);
        for (peer, draw) in PEERS {
            let (used, begun) = (children_time(), Instant::now());
            draw(&file, dir.path());
            let (wall, cpu) = (begun.elapsed(), children_time() - used);
            let drawn = read(dir.path());
            assert_eq!(drawn.len(), pages, "{peer}");
            row(name, peer, &drawn, cpu, wall);
        }
        diffused(name, &file, dir.path());
    }
}

/// A page of text in a mail, as accepted; the mean of some.
fn text_mail() {
    const TIMES: u32 = 50;
    let text =
        "Please find the statement of the plaintiff and the answer of the defendant below.\r\n".repeat(30);
    let mail = format!("From: Anna <anna@example.com>\r\nSubject: The case\r\n\r\n{text}");
    let draw = || render::message(mail.as_bytes(), &Options::default(), None).unwrap().pages;
    let drawn = draw();
    let (used, begun) = (own_time(), Instant::now());
    for _ in 0..TIMES {
        draw();
    }
    row("a text mail", "Faxgate", &drawn, (own_time() - used) / TIMES, begun.elapsed() / TIMES);
}

/// A photograph of twelve million pixels, and the same by Pillow with error diffusion.
fn photograph(dir: &Path) {
    let photo = dir.join("photo.jpg");
    corpus::photograph(&photo);
    let bytes = std::fs::read(&photo).unwrap();
    let draw = || render::files(&[("photo.jpg", &bytes)], &Options::default(), None).unwrap().pages;
    draw();
    let (used, begun) = (own_time(), Instant::now());
    let drawn = draw();
    row("a photograph", "Faxgate", &drawn, own_time() - used, begun.elapsed());
    // On its side, as ours, at the same resolution.
    let script = "import sys; from PIL import Image; i = Image.open(sys.argv[1]).convert('L').transpose(Image.ROTATE_90); \
                  i.resize((1569, 2010)).convert('1').save(sys.argv[2], compression='group4', dpi=(204, 196))";
    let (used, begun) = (children_time(), Instant::now());
    run(Command::new("/usr/bin/python3").args(["-c", script]).arg(&photo).arg(dir.join("out.tif")));
    let (cpu, wall) = (children_time() - used, begun.elapsed());
    row("a photograph", "Pillow diffusion", &read(dir), cpu, wall);
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

/// A worker that has begun with something else.
fn ours(name: &str, file: &Path, pages: usize) {
    let bytes = std::fs::read(file).unwrap();
    let files = [("document.pdf", &bytes[..])];
    let options = Options::default();
    let draw = || render::files(&files, &options, None).unwrap().pages;
    draw();
    let (used, begun) = (own_time(), Instant::now());
    let drawn = draw();
    let (wall, cpu) = (begun.elapsed(), own_time() - used);
    assert_eq!(drawn.len(), pages);
    row(name, "Faxgate", &drawn, cpu, wall);
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
