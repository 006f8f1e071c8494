//! Pages are read by tesseract: small print and grey print must be legible at fax resolutions.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use fax::page::{Page, Resolution};
use faxgate::render::{self, Options};
use image::{GrayImage, Luma};

/// Words that English readers know, in no order that a language model could guess.
const WORDS: &str = "court statement plaintiff answer defendant march term appeal ended page received minutes before \
    midnight journal machine shows number line every counted hospital patient doctor blood pressure record letter dated \
    invoice amount paid account office street garden window river mountain summer winter paper pencil school teacher \
    morning evening travel ticket station bridge market village bread butter water glass table chair kitchen music \
    picture history science nature simple strong quick brown orange yellow purple silver golden eleven twelve thirty \
    hundred thousand question reason person family brother sister mother father friend neighbor company worker master";

/// A page of type, as PDF: so many points, so grey (0 is black).
fn print(dir: &Path, size: u32, grey: f32) -> (Vec<String>, Vec<u8>) {
    let words: Vec<_> = WORDS.split_whitespace().collect();
    let mut random = fastrand::Rng::with_seed(7);
    let (mut printed, mut drawing) =
        (Vec::new(), format!("%!PS\n/Times-Roman findfont {size} scalefont setfont\n"));
    drawing += &format!("{grey} setgray\n");
    for line in 0..40 {
        let said: Vec<_> = (0..9).map(|_| words[random.usize(..words.len())].to_owned()).collect();
        drawing += &format!("60 {} moveto ({}) show\n", 780 - line * 17, said.join(" "));
        printed.extend(said);
    }
    let (source, pdf) = (dir.join("print.ps"), dir.join("print.pdf"));
    fs::write(&source, drawing + "showpage\n").unwrap();
    let output = format!("-sOutputFile={}", pdf.display());
    let mut ghostscript = Command::new("gs");
    ghostscript
        .args(["-q", "-dNOPAUSE", "-dBATCH", "-sDEVICE=pdfwrite", "-sPAPERSIZE=a4", &output])
        .arg(source);
    assert!(ghostscript.status().unwrap().success());
    (printed, fs::read(pdf).unwrap())
}

/// The words that tesseract reads.
fn read(dir: &Path, page: &Page) -> Vec<String> {
    let picture = dir.join("page.png");
    // On paper a row of a standard page is twice as high as its pixels are wide: seen with square pixels, as on paper.
    let times = (page.resolution().x_dpi() / page.resolution().y_dpi()).max(1);
    let tone = |x, y| Luma([if page.is_black(x, y / times) { 0 } else { 255 }]);
    GrayImage::from_fn(page.width(), page.rows() * times, tone).save(&picture).unwrap();
    let output = Command::new("tesseract")
        .env("OMP_THREAD_LIMIT", "1")
        .arg(&picture)
        .args(["stdout", "--dpi", "204", "--psm", "6"])
        .output()
        .unwrap();
    String::from_utf8_lossy(&output.stdout).split_whitespace().map(str::to_owned).collect()
}

/// How many of 100 printed words were read.
fn recall(size: u32, grey: f32, resolution: Resolution) -> f64 {
    let dir = tempfile::tempdir().unwrap();
    let (printed, pdf) = print(dir.path(), size, grey);
    let options = Options { resolution, ..Options::default() };
    let page = &render::files(&[("print.pdf", &pdf)], &options, None).unwrap().pages[0];
    let mut read_words: HashMap<String, usize> = HashMap::new();
    for word in read(dir.path(), page) {
        *read_words.entry(word.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase()).or_default() += 1;
    }
    let found = printed.iter().filter(|word| {
        let left = read_words.get_mut(*word).filter(|left| **left > 0);
        left.map(|left| *left -= 1).is_some()
    });
    let recall = found.count() as f64 * 100.0 / printed.len() as f64;
    println!("{size} pt, grey {grey}, {resolution}: {recall:.1} of 100 words");
    recall
}

#[test]
fn ten_points_are_read_at_standard_resolution() {
    assert!(recall(10, 0.0, Resolution::R204x98) >= 97.0);
}

#[test]
fn eight_points_are_read_at_fine_resolution() {
    assert!(recall(8, 0.0, Resolution::R204x196) >= 98.0);
}

#[test]
fn nine_points_in_light_grey_are_read() {
    // #999
    assert!(recall(9, 0.6, Resolution::R204x196) >= 95.0);
}

/// What the sender is told about print of this size.
fn warning(size: u32, resolution: Resolution) -> Option<String> {
    let dir = tempfile::tempdir().unwrap();
    let options = Options { resolution, ..Options::default() };
    let pdf = print(dir.path(), size, 0.0).1;
    let notes = render::files(&[("print.pdf", &pdf)], &options, None).unwrap().manifest.notes;
    notes.into_iter().find(|note| note.contains("legible"))
}

#[test]
fn the_sender_is_warned_of_print_that_cannot_be_read() {
    for (resolution, read, lost) in [(Resolution::R204x98, 9, 8), (Resolution::R204x196, 6, 5)] {
        assert_eq!(warning(read, resolution), None);
        assert!(recall(read, 0.0, resolution) >= 97.0);
        let said = warning(lost, resolution).unwrap();
        assert!(said.contains(&format!("page 1 is very small (about {lost} points)")), "{said}");
        assert!(recall(lost, 0.0, resolution) < 90.0);
    }
}

#[test]
fn pages_are_made_finer_where_their_print_needs_it_and_nobody_asked() {
    let dir = tempfile::tempdir().unwrap();
    let made = |size: u32, may_be_finer: bool| {
        let options = Options { resolution: Resolution::R204x98, may_be_finer, ..Options::default() };
        let pdf = print(dir.path(), size, 0.0).1;
        let rendered = render::files(&[("print.pdf", &pdf)], &options, None).unwrap();
        (rendered.pages[0].resolution(), rendered.manifest.notes.len())
    };
    assert_eq!(made(7, true), (Resolution::R204x196, 0));
    assert_eq!(made(7, false), (Resolution::R204x98, 1));
    assert_eq!(made(10, true), (Resolution::R204x98, 0));
}
