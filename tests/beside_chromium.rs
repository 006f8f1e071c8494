//! HTML mails on our pages and in Chromium's print: the same words, in the same order, beside and below each other.
//!
//! Chromium says where each word stands (`pdftotext -bbox`), and tesseract reads ours. Both are laid side by side in
//! `target/beside-chromium/`, for people to look at.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

use std::collections::HashMap;
use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::process::Command;

use base64::Engine;
use fax::page::{Page, Resolution};
use faxgate::render::{self, Options};
use image::imageops::FilterType;
use image::{DynamicImage, GrayImage, ImageFormat, Luma, Rgb, RgbImage};

/// How many of 100 words must be read on our pages. Small white print on black is hard for tesseract.
const WORDS_PERCENT_MIN: usize = 90;
/// How many of 100 pairs of words must stand to each other as in Chromium. Columns that lie side by side may be shifted.
const PAIRS_PERCENT_MIN: usize = 97;
/// Words are in one line where their middles are no further apart, in parts of the page's height.
const LINE: f64 = 0.006;
/// Pixels to the inch at which Chromium's pages are looked at.
const DPI: &str = "100";

/// A word's place: its page, and where its middle is, in parts of the page.
#[derive(Clone, Copy, Debug)]
struct Place {
    page: usize,
    x: f64,
    y: f64,
}

#[test]
fn mails_stand_on_our_pages_as_in_chromium() {
    let looks = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/beside-chromium");
    fs::create_dir_all(&looks).unwrap();
    let mails = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mails");
    let mut failed = Vec::new();
    let mut mails: Vec<PathBuf> = fs::read_dir(mails).unwrap().map(|entry| entry.unwrap().path()).collect();
    mails.sort();
    assert!(mails.len() >= 8);
    for mail in mails {
        let name = mail.file_stem().unwrap().to_string_lossy().into_owned();
        if let Err(why) = compare(&name, &fs::read_to_string(&mail).unwrap(), &looks) {
            failed.push(format!("{name}: {why}"));
        }
    }
    assert!(failed.is_empty(), "{failed:#?}");
}

fn compare(name: &str, mail: &str, looks: &Path) -> Result<(), String> {
    let mail = mail.replace("{{logo}}", &logo()).replace("{{photo}}", &photo());
    let dir = tempfile::tempdir().unwrap();
    let theirs = chromium(dir.path(), &mail);
    let options = Options { resolution: Resolution::R204x196, ..Options::default() };
    let ours = render::files(&[("mail.html", mail.as_bytes())], &options, None).map_err(|e| e.to_string())?;
    side_by_side(&ours.pages[0], &theirs, &looks.join(format!("{name}.png")));
    let theirs = printed(&theirs);
    let mut read = HashMap::new();
    for (page, picture) in ours.pages.iter().enumerate() {
        tesseract(dir.path(), page, picture, &mut read);
    }
    let (words, pairs, wrong) = judge(&theirs, &read);
    println!("{name}: {words} of 100 words, {pairs} of 100 pairs");
    match words >= WORDS_PERCENT_MIN && pairs >= PAIRS_PERCENT_MIN {
        true => Ok(()),
        false => Err(format!("{words} of 100 words read, {pairs} of 100 pairs in order; such as {wrong:?}")),
    }
}

/// How many of 100 words are there, and how many of 100 pairs of them are in order.
fn judge(
    theirs: &HashMap<String, Vec<Place>>,
    ours: &HashMap<String, Vec<Place>>,
) -> (usize, usize, Vec<String>) {
    let found = theirs.iter().map(|(word, places)| ours.get(word).map_or(0, Vec::len).min(places.len()));
    let words = found.sum::<usize>() * 100 / theirs.values().map(Vec::len).sum::<usize>().max(1);
    // What stands once in both can be followed.
    let single: Vec<(&String, Place, Place)> = theirs
        .iter()
        .filter_map(|(word, places)| match (places.as_slice(), ours.get(word).map(Vec::as_slice)) {
            ([their], Some([our])) => Some((word, *their, *our)),
            _ => None,
        })
        .collect();
    assert!(single.len() > 10, "few words to follow");
    let (mut all, mut right, mut wrong) = (0, 0, Vec::new());
    for (word, their, our) in &single {
        for (other, their_other, our_other) in &single {
            let below = follows(*their, *their_other);
            let beside = their.page == their_other.page && (their.y - their_other.y).abs() < LINE / 3.0;
            let holds = match (below, beside && their.x < their_other.x) {
                (true, _) => {
                    follows(*our, *our_other) || our.page == our_other.page && our.y < our_other.y + LINE
                }
                // A line may be broken elsewhere.
                (false, true) => our.x < our_other.x || follows(*our, *our_other),
                (false, false) => continue,
            };
            all += 1;
            right += usize::from(holds);
            if !holds && wrong.len() < 5 {
                wrong.push(format!("{word} before {other}"));
            }
        }
    }
    (words, right * 100 / all.max(1), wrong)
}

/// Whether the second stands in a line below the first.
fn follows(first: Place, second: Place) -> bool {
    second.page > first.page || second.page == first.page && second.y > first.y + LINE * 2.0
}

/// Chromium's print of a page, as PDF.
fn chromium(dir: &Path, mail: &str) -> PathBuf {
    let (source, pdf) = (dir.join("mail.html"), dir.join("mail.pdf"));
    let sheet = "<style>@page{size:A4;margin:15mm 17mm} body{font-family:'Liberation Sans'}</style>";
    fs::write(&source, format!("{sheet}{mail}")).unwrap();
    let mut chromium = Command::new("chromium");
    chromium.args([
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--no-pdf-header-footer",
        "--virtual-time-budget=2000",
    ]);
    chromium.arg(format!("--user-data-dir={}", dir.join("profile").display()));
    // Pictures from elsewhere are not loaded there either.
    chromium.arg("--host-resolver-rules=MAP * ~NOTFOUND");
    chromium.arg(format!("--print-to-pdf={}", pdf.display())).arg(format!("file://{}", source.display()));
    let output = chromium.output().unwrap();
    assert!(pdf.exists(), "{}", String::from_utf8_lossy(&output.stderr));
    pdf
}

/// The words of a PDF and where they stand.
fn printed(pdf: &Path) -> HashMap<String, Vec<Place>> {
    let output = Command::new("pdftotext").arg("-bbox").arg(pdf).arg("-").output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let mut words: HashMap<String, Vec<Place>> = HashMap::new();
    let (mut page, mut size) = (0, (1.0, 1.0));
    for line in text.lines().map(str::trim) {
        let number = |name: &str| {
            let (_, rest) = line.split_once(&format!("{name}=\"")).unwrap();
            rest.split('"').next().unwrap().parse::<f64>().unwrap()
        };
        if line.starts_with("<page ") {
            page += 1;
            size = (number("width"), number("height"));
        } else if line.starts_with("<word ") {
            let word = line.split_once('>').unwrap().1.trim_end_matches("</word>");
            let middle = |low: &str, high: &str| (number(low) + number(high)) / 2.0;
            let place =
                Place { page, x: middle("xMin", "xMax") / size.0, y: middle("yMin", "yMax") / size.1 };
            remember(&mut words, word, place);
        }
    }
    words
}

/// The words that tesseract reads on one of our pages.
fn tesseract(dir: &Path, number: usize, page: &Page, words: &mut HashMap<String, Vec<Place>>) {
    let picture = dir.join("page.png");
    picture_of(page).save(&picture).unwrap();
    let mut tesseract = Command::new("tesseract");
    // Its threads wait for each other where other tests run beside it.
    tesseract.env("OMP_THREAD_LIMIT", "1");
    tesseract.arg(&picture).args(["stdout", "--dpi", "204", "--psm", "3", "tsv"]);
    let output = tesseract.output().unwrap();
    for line in String::from_utf8_lossy(&output.stdout).lines().skip(1) {
        let columns: Vec<&str> = line.split('\t').collect();
        let [_, _, _, _, _, _, left, top, width, height, _, word] = columns[..] else { continue };
        let pixels = |text: &str| text.parse::<f64>().unwrap();
        let x = (pixels(left) + pixels(width) / 2.0) / f64::from(page.width());
        let y = (pixels(top) + pixels(height) / 2.0) / f64::from(page.rows());
        remember(words, word, Place { page: number, x, y });
    }
}

/// Words of Latin letters and numbers, which tesseract's English reads.
fn remember(words: &mut HashMap<String, Vec<Place>>, word: &str, place: Place) {
    let bare = word.replace("&amp;", "&");
    let bare = bare.trim_matches(|c: char| !c.is_ascii_alphanumeric()).to_lowercase();
    if bare.len() > 2 && bare.chars().all(|c| c.is_ascii_alphanumeric() || c == '.') {
        words.entry(bare).or_default().push(place);
    }
}

fn picture_of(page: &Page) -> GrayImage {
    GrayImage::from_fn(page.width(), page.rows(), |x, y| Luma([if page.is_black(x, y) { 0 } else { 255 }]))
}

fn side_by_side(ours: &Page, theirs: &Path, to: &Path) {
    let prefix = theirs.with_extension("");
    let mut pdftoppm = Command::new("pdftoppm");
    pdftoppm.args(["-r", DPI, "-png", "-f", "1", "-l", "1", "-singlefile"]).arg(theirs).arg(&prefix);
    assert!(pdftoppm.status().unwrap().success());
    let theirs = image::open(prefix.with_extension("png")).unwrap().to_rgb8();
    let ours = DynamicImage::ImageLuma8(picture_of(ours));
    let ours = ours.resize_exact(theirs.width(), theirs.height(), FilterType::Triangle).to_rgb8();
    let mut both = RgbImage::from_pixel(theirs.width() * 2 + 10, theirs.height(), Rgb([128; 3]));
    image::imageops::replace(&mut both, &ours, 0, 0);
    image::imageops::replace(&mut both, &theirs, i64::from(theirs.width()) + 10, 0);
    both.save(to).unwrap();
}

fn data_url(picture: &RgbImage) -> String {
    let mut png = Cursor::new(Vec::new());
    picture.write_to(&mut png, ImageFormat::Png).unwrap();
    format!("data:image/png;base64,{}", base64::engine::general_purpose::STANDARD.encode(png.into_inner()))
}

/// A blue sign with a white cross in it.
fn logo() -> String {
    let is_cross = |x: u32, y: u32| {
        (70..90).contains(&x) && (8..40).contains(&y) || (64..96).contains(&x) && (18..30).contains(&y)
    };
    data_url(&RgbImage::from_fn(
        160,
        48,
        |x, y| if is_cross(x, y) { Rgb([255; 3]) } else { Rgb([30, 90, 200]) },
    ))
}

/// Hills under a sky.
fn photo() -> String {
    let hill = |x: u32| 150.0 + 40.0 * (f64::from(x) / 60.0).sin() + 15.0 * (f64::from(x) / 17.0).cos();
    data_url(&RgbImage::from_fn(520, 240, |x, y| {
        let depth = f64::from(y) - hill(x);
        let grain = ((x * 7919 + y * 104_729) % 23) as u8;
        if depth > 0.0 {
            Rgb([40 + grain, 110 + grain - (depth / 4.0) as u8, 50 + grain])
        } else {
            Rgb([130 + (y / 3) as u8, 180, 240])
        }
    }))
}
