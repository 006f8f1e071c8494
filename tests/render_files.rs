//! Files and pages: fax images pass through bit for bit, pictures stand upright, and the PDFs that we write hold
//! the same pages in the eyes of another program (poppler, where it is installed).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::io::Cursor;
use std::process::Command;

use fax::page::{Page, PaperWidth, Resolution};
use fax::tiff::{Info, MmrPage, Profile};
use faxgate::render::header::{HeaderLine, stamp};
use faxgate::render::{self, Language, Options, Paper};
use image::codecs::jpeg::JpegEncoder;
use image::{DynamicImage, GrayImage, ImageEncoder, ImageFormat, Luma};

fn options(resolution: Resolution) -> Options {
    Options { resolution, ..Options::default() }
}

fn demo(name: &str) -> Vec<u8> {
    std::fs::read(format!("{}/templates/demo/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

/// A page with something in every corner.
fn sample(resolution: Resolution, paper: PaperWidth, rows: u32) -> Page {
    let width = resolution.width(paper);
    let mut page = Page::white(width, rows, resolution);
    for y in 0..rows {
        page.set(y % width, y, true);
        page.set(width - 1, y, true);
        (0..y % 40).for_each(|x| page.set(width / 2 + x, y, true));
    }
    page
}

fn as_tiff(pages: &[Page]) -> Vec<u8> {
    fax::tiff::write(pages, Profile::F { coding: fax::t4::Coding::Mmr }, &Info::default()).unwrap()
}

#[test]
fn fax_images_pass_through_bit_for_bit() {
    for resolution in [Resolution::R204x98, Resolution::R204x196, Resolution::R204x391] {
        let pages = [sample(resolution, PaperWidth::A4, 700), sample(resolution, PaperWidth::B4, 1300)];
        let rendered =
            render::files(&[("fax.tif", &as_tiff(&pages))], &options(Resolution::R204x196), None).unwrap();
        assert!(rendered.pages == pages, "{resolution}");
    }
}

#[test]
fn a_scan_at_another_density_is_fitted_to_the_sheet() {
    // 850 × 1100 pixels without a density that a fax has.
    let page =
        DynamicImage::ImageLuma8(GrayImage::from_fn(850, 1100, |x, _| Luma([if x < 100 { 0 } else { 255 }])));
    let mut file = Cursor::new(Vec::new());
    let mut encoder = tiff::encoder::TiffEncoder::new(&mut file).unwrap();
    encoder.write_image::<tiff::encoder::colortype::Gray8>(850, 1100, page.as_bytes()).unwrap();
    let rendered =
        render::files(&[("scan.tif", file.get_ref())], &options(Resolution::R204x98), None).unwrap();
    assert_eq!((rendered.pages.len(), rendered.pages[0].width()), (1, 1728));
    assert!(rendered.pages[0].is_black(180, 500) && !rendered.pages[0].is_black(1200, 500));
}

#[test]
fn composed_pages_and_their_header_line_fill_the_paper() {
    let line = HeaderLine {
        time: "2026-11-23 14:05 CET".into(),
        from: "Miller & Sons, a company with a very long name ".repeat(20),
        to: "+12125550123".into(),
        page: 1,
        pages: 12,
        language: Language::De,
    };
    for (paper, resolution, rows) in [
        (Paper::A4, Resolution::R204x98, 1146),
        (Paper::A4, Resolution::R204x196, 2292),
        (Paper::Letter, Resolution::R204x196, 2156),
        (Paper::Letter, Resolution::R300x300, 3300),
    ] {
        let options = Options { paper, ..options(resolution) };
        let page = &render::files(&[("note.txt", b"Hello")], &options, None).unwrap().pages[0];
        let stamped = stamp(page, &line);
        assert_eq!((stamped.rows(), stamped.width()), (rows, page.width()));
        let strip = stamped.rows() - page.rows();
        assert!(stamped.bits().ends_with(page.bits()), "the page is as it was");
        let ink =
            |rows: std::ops::Range<u32>| rows.flat_map(|y| stamped.row(y).unwrap()).any(|byte| *byte != 0);
        assert!(ink(0..strip), "the strip says something");
        assert!(!ink(0..1) && !ink(strip - 1..strip), "and nothing of it is cut off");
    }
}

#[test]
fn a_camera_picture_is_turned_as_it_says() {
    // The left half is black; the EXIF data (orientation 6) say that the left is the top.
    let picture = GrayImage::from_fn(400, 300, |x, _| Luma([if x < 200 { 0 } else { 255 }]));
    let exif = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0";
    let mut file = Vec::new();
    let mut encoder = JpegEncoder::new_with_quality(&mut file, 95);
    encoder.set_exif_metadata(exif.to_vec()).unwrap();
    encoder.write_image(picture.as_raw(), 400, 300, image::ExtendedColorType::L8).unwrap();
    let page = &render::files(&[("photo.jpg", &file)], &options(Resolution::R204x98), None).unwrap().pages[0];
    let middle = page.width() / 2;
    assert!(page.is_black(middle, 100) && !page.is_black(middle, 400));
}

#[test]
fn a_photograph_keeps_its_middle_tones() {
    let files = [("parcel.jpg", &demo("parcel.jpg")[..])];
    let page = &render::files(&files, &options(Resolution::R204x98), None).unwrap().pages[0];
    // A third or so of the picture is black, and no corner of the parcel is lost.
    let black = page.bits().iter().map(|byte| byte.count_ones()).sum::<u32>() as f32;
    let share = black / (page.width() * page.rows()) as f32;
    assert!((0.25..0.5).contains(&share), "{share}");
    let tone = |left: u32, top: u32| {
        let pixels = (0..96).flat_map(|y| (0..96).map(move |x| (left + x, top + y)));
        pixels.filter(|&(x, y)| page.is_black(x, y)).count() as f32 / (96.0 * 96.0)
    };
    let (wall, cardboard, shadow) = (tone(150, 700), tone(760, 520), tone(1250, 270));
    assert!(wall < cardboard && cardboard < shadow && cardboard > 0.2, "{wall} {cardboard} {shadow}");
}

#[test]
fn grey_paper_with_noise_is_white_and_its_writing_black() {
    // Paper of tone 215 ± 15, as a scanner sees it, with a black bar.
    let mut random = 1u32;
    let scan = GrayImage::from_fn(600, 800, |x, y| {
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let noise = (random >> 27) as u8;
        Luma([if (100..500).contains(&x) && (200..220).contains(&y) { 40 } else { 200 + noise }])
    });
    let mut file = Cursor::new(Vec::new());
    DynamicImage::ImageLuma8(scan).write_to(&mut file, ImageFormat::Png).unwrap();
    let page = &render::files(&[("scan.png", file.get_ref())], &options(Resolution::R204x196), None)
        .unwrap()
        .pages[0];
    let black = page.bits().iter().map(|byte| byte.count_ones()).sum::<u32>() as f32;
    // 400 × 20 pixels of 1/96 inch.
    let bar = 400.0 * 20.0 / (96.0 * 96.0) * 204.0 * 196.0;
    assert!((black / bar - 1.0).abs() < 0.05, "{}", black / bar);
}

#[test]
fn text_of_many_pages_keeps_the_margins() {
    let text =
        "A line that is long enough to be broken at the end, wherever that may be on this page. ".repeat(400);
    for resolution in [Resolution::R204x98, Resolution::R204x196, Resolution::R400x400] {
        let rendered = render::files(&[("long.txt", text.as_bytes())], &options(resolution), None).unwrap();
        assert!(rendered.pages.len() > 3);
        for page in &rendered.pages {
            let margin = resolution.x_dpi() * 18 / 25;
            for y in 0..page.rows() {
                let outside = (0..margin).chain(page.width() - margin..page.width());
                assert!(outside.into_iter().all(|x| !page.is_black(x, y)), "{resolution} row {y}");
            }
            let below = page.rows() - resolution.y_dpi() * 10 / 25..page.rows();
            assert!(below.into_iter().all(|y| page.row(y).unwrap().iter().all(|byte| *byte == 0)));
        }
    }
}

#[test]
fn a_picture_that_would_burst_is_refused_before_it_is_unpacked() {
    // A PNG header that promises 60,000 × 60,000 pixels, with its check sum.
    let mut file = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\xea\x60\0\0\xea\x60\x08\0\0\0\0".to_vec();
    file.extend(crc32(&file[12..]).to_be_bytes());
    file.extend(b"\0\0\0\x01IDAT\x78\0\0\0\0");
    let error = render::files(&[("bomb.png", &file)], &options(Resolution::R204x98), None).unwrap_err();
    assert_eq!(
        error.to_string(),
        "“bomb.png” cannot be faxed: the picture has 60000 × 60000 pixels, more than the 50000000 that are allowed"
    );
}

/// The check sum of PNG (ISO 3309).
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| crc >> 1 ^ (0xEDB8_8320 & (crc & 1).wrapping_neg()))
    })
}

#[test]
fn what_is_transparent_is_white_and_what_is_wide_is_turned() {
    let clear = image::RgbaImage::from_pixel(1600, 600, image::Rgba([0, 0, 0, 0]));
    let mut clear = DynamicImage::ImageRgba8(clear);
    for x in 0..1600 {
        image::GenericImage::put_pixel(&mut clear, x, 300, image::Rgba([0, 0, 0, 255]));
    }
    let mut file = Cursor::new(Vec::new());
    clear.write_to(&mut file, ImageFormat::Png).unwrap();
    let page = &render::files(&[("wide.png", file.get_ref())], &options(Resolution::R204x196), None)
        .unwrap()
        .pages[0];
    let black = page.bits().iter().map(|byte| byte.count_ones()).sum::<u32>();
    // A line from the top to the bottom, a few pixels wide.
    assert!((1500..12_000).contains(&black), "{black}");
    let rows_with_ink = page.iter_rows().filter(|row| row.iter().any(|byte| *byte != 0)).count();
    assert!(rows_with_ink > 2000, "{rows_with_ink}");
}

/// A PDF page of this size in points, with a square of two inches in the upper left corner, an inch from both edges.
fn square(width: f32, height: f32) -> Vec<u8> {
    let [catalog, tree, page, content] = [1, 2, 3, 4].map(pdf_writer::Ref::new);
    let mut pdf = pdf_writer::Pdf::new();
    pdf.catalog(catalog).pages(tree);
    pdf.pages(tree).kids([page]).count(1);
    let size = pdf_writer::Rect::new(0.0, 0.0, width, height);
    pdf.page(page).parent(tree).media_box(size).contents(content).resources();
    let mut drawing = pdf_writer::Content::new();
    drawing.rect(72.0, height - 216.0, 144.0, 144.0).fill_nonzero();
    pdf.stream(content, &drawing.finish());
    pdf.finish()
}

/// How wide and how high what is black on a page is, in inches, and its first row.
fn black(page: &Page) -> (f32, f32, u32) {
    let (mut left, mut right, mut top, mut bottom) = (u32::MAX, 0, u32::MAX, 0);
    for y in 0..page.rows() {
        for x in (0..page.width()).filter(|&x| page.is_black(x, y)) {
            (left, right, top, bottom) = (left.min(x), right.max(x), top.min(y), bottom.max(y));
        }
    }
    let inches = |pixels: u32, dpi: u32| (pixels + 1) as f32 / dpi as f32;
    let resolution = page.resolution();
    (inches(right - left, resolution.x_dpi()), inches(bottom - top, resolution.y_dpi()), top)
}

#[test]
fn a_pdf_keeps_its_proportions_and_a_landscape_page_is_turned() {
    for (width, height) in [(595.0, 842.0), (842.0, 595.0)] {
        for resolution in [Resolution::R204x98, Resolution::R204x196] {
            let file = square(width, height);
            let page = &render::files(&[("square.pdf", &file)], &options(resolution), None).unwrap().pages[0];
            let (across, down, top) = black(page);
            assert!((across - down).abs() < 0.03, "{across} × {down}");
            assert!((1.9..2.02).contains(&across), "{across}");
            // Turned to the left, the upper left corner is the lower left one.
            assert_eq!(width > height, top > page.rows() / 2, "{width} × {height}");
        }
    }
}

#[test]
fn a_legal_page_is_made_smaller_or_stays_as_long_as_it_is() {
    for (longer_pages, inches, rows) in [(false, 1.63..1.66, 2259), (true, 1.95..2.0, 2711)] {
        let options = Options { longer_pages, ..options(Resolution::R204x196) };
        let page = &render::files(&[("legal.pdf", &square(612.0, 1008.0))], &options, None).unwrap().pages[0];
        let (across, down, _) = black(page);
        assert!(inches.contains(&across) && (across - down).abs() < 0.03, "{across} × {down}");
        assert_eq!(page.rows(), rows);
    }
}

#[test]
fn poppler_sees_the_same_pages_in_the_pdf_that_we_write() {
    let poppler = Command::new("pdfimages").arg("-v").output();
    assert!(poppler.is_ok(), "this test needs poppler: apt-get install poppler-utils");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("out.pdf");
    let pages = [
        sample(Resolution::R204x98, PaperWidth::A4, 1130),
        sample(Resolution::R204x196, PaperWidth::A4, 2259),
        sample(Resolution::R204x391, PaperWidth::B4, 900),
    ];
    std::fs::write(&file, render::pdf::write(&pages, "Three pages")).unwrap();
    let run = |program: &str, arguments: &[&str]| {
        let mut command = Command::new(program);
        let output = command.current_dir(folder.path()).args(arguments).arg("out.pdf");
        output.arg(if program == "pdfimages" { "page" } else { "-" }).output().unwrap()
    };
    assert!(run("pdfimages", &["-png"]).status.success());
    for (index, page) in pages.iter().enumerate() {
        let image = image::open(folder.path().join(format!("page-{index:03}.png"))).unwrap().into_luma8();
        assert_eq!((image.width(), image.height()), (page.width(), page.rows()));
        let same = image.enumerate_pixels().all(|(x, y, value)| (value.0[0] == 0) == page.is_black(x, y));
        assert!(same, "page {index}");
    }
    let info = Command::new("pdfinfo").args(["-l", "3"]).arg(&file).output().unwrap();
    let info = String::from_utf8_lossy(&info.stdout).into_owned();
    for size in
        ["Title:           Three pages", "609.882 x 841.89 ", "609.882 x 841.89 ", "722.824 x 165.729"]
    {
        assert!(info.contains(size), "{size} in\n{info}");
    }
}

/// All resolutions and widths, on the sheets that are scanned at them, and on others: pixels, points.
#[test]
fn pages_in_pdf_have_the_size_that_was_scanned() {
    let mut pages = Vec::new();
    let mut sizes = Vec::new();
    let mut add = |resolution: Resolution, paper, inches: f32, (width, height): (f32, f32)| {
        let rows = (inches * resolution.y_dpi() as f32).floor() as u32;
        pages.push(MmrPage::encode(&sample(resolution, paper, rows)));
        sizes.push((width, height));
    };
    let papers = [
        (PaperWidth::A4, 11.0, (612.0, 792.0)),
        (PaperWidth::A4, 14.0, (612.0, 1008.0)),
        // A scan line is longer than A4 and B4 are wide.
        (PaperWidth::A4, 297.0 / 25.4, (609.88, 841.89)),
        (PaperWidth::B4, 353.0 / 25.4, (722.82, 1000.63)),
        (PaperWidth::A3, 420.0 / 25.4, (858.35, 1190.55)),
        // The foot of a Letter page may be missing.
        (PaperWidth::A4, 10.85, (612.0, 792.0)),
        // No sheet: as large as it is.
        (PaperWidth::A4, 10.5, (609.88, 756.0)),
        (PaperWidth::A4, 20.0, (609.88, 1440.0)),
        (PaperWidth::B4, 11.0, (722.82, 792.0)),
    ];
    for resolution in Resolution::ALL {
        for (paper, inches, (width, height)) in papers {
            let line = resolution.width(paper) as f32 * 72.0 / resolution.x_dpi() as f32;
            add(resolution, paper, inches, (if width == 612.0 { line.max(width) } else { line }, height));
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let poppler = |program: &str, arguments: &[&str]| {
        let output = Command::new(program).current_dir(folder.path()).args(arguments).output().unwrap();
        assert!(output.status.success() && output.stderr.is_empty(), "{program} {arguments:?}: {output:?}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let octets = render::pdf::write_coded(pages.clone(), "Sizes");
    std::fs::write(folder.path().join("sizes.pdf"), &octets).unwrap();
    let info = poppler("pdfinfo", &["-l", "100", "sizes.pdf"]);
    let found = info.lines().filter(|line| line.contains(" size:")).map(|line| {
        let numbers = line.split_whitespace().filter_map(|word| word.parse::<f32>().ok()).skip(1);
        numbers.collect::<Vec<_>>()
    });
    for ((page, (width, height)), found) in pages.iter().zip(&sizes).zip(found) {
        // A row may be missing to the full sheet.
        let row = 72.0 / page.resolution().y_dpi() as f32;
        assert!((found[0] - width).abs() < 0.02 && (found[1] - height).abs() < row, "{page:?}: {found:?}");
    }
    assert!(info.contains("612 x 792 pts") && info.contains("612 x 1008 pts"), "{info}");

    // The T.6 data are what they were, and poppler knows how dense the pixels are.
    let list = poppler("pdfimages", &["-list", "sizes.pdf"]);
    poppler("pdfimages", &["-ccitt", "sizes.pdf", "page"]);
    assert_eq!(list.lines().skip(2).count(), pages.len());
    for ((index, page), line) in pages.iter().enumerate().zip(list.lines().skip(2)) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let resolution = page.resolution();
        assert_eq!(
            words[3..9],
            [&page.width().to_string(), &page.rows().to_string(), "gray", "1", "1", "ccitt"]
        );
        assert_eq!(words[12..14], [resolution.x_dpi().to_string(), resolution.y_dpi().to_string()], "{line}");
        let stored = std::fs::read(folder.path().join(format!("page-{index:03}.ccitt"))).unwrap();
        assert!(stored == page.data(), "page {index}");
    }
}

/// PDF has no page of more than 200 inches, unless its unit is larger (ISO 32000-1 §14.11.2 and annex C.2).
#[test]
fn a_page_that_is_too_long_for_pdf_keeps_its_shape() {
    let page = Page::white(1728, Page::ROWS_MAX, Resolution::R204x98);
    let text = String::from_utf8_lossy(&render::pdf::write(&[page], "Long")).into_owned();
    let number = |name: &str| -> f32 {
        let rest = &text[text.find(name).unwrap() + name.len()..];
        rest.trim_start().split(|c: char| !c.is_ascii_digit() && c != '.').next().unwrap().parse().unwrap()
    };
    let unit = number("/UserUnit");
    assert!((unit - 20_000.0 * 72.0 / 98.0 / 14_400.0).abs() < 1e-4, "{unit}");
    let sheet = &text[text.find("/MediaBox [").unwrap() + 11..];
    let sheet: Vec<f32> =
        sheet.split(']').next().unwrap().split(' ').map(|word| word.parse().unwrap()).collect();
    assert!((sheet[2] * unit - 609.88).abs() < 0.01 && (sheet[3] - 14_400.0).abs() < 0.01, "{sheet:?}");
    let short = render::pdf::write(&[Page::white(1728, 1, Resolution::R204x98)], "Short");
    assert!(String::from_utf8_lossy(&short).contains(" 3]"), "three units at least");
    assert!(!String::from_utf8_lossy(&short).contains("UserUnit"));
}

#[test]
fn our_own_pdf_comes_back() {
    let letter = demo("letter.pdf");
    let first = render::files(&[("letter.pdf", &letter)], &options(Resolution::R204x196), None).unwrap();
    assert_eq!(first.pages.len(), 2);
    let written = render::pdf::write(&first.pages, "Letter");
    let again = render::files(&[("again.pdf", &written)], &options(Resolution::R204x196), None).unwrap();
    assert_eq!(again.pages.len(), 2);
    assert!(written.len() < 40_000, "{}", written.len());
}

#[test]
fn a_preview_has_square_pixels() {
    for resolution in [Resolution::R204x98, Resolution::R204x196] {
        let page = &render::files(&[("a.txt", b"Hello")], &options(resolution), None).unwrap().pages[0];
        let image = image::load_from_memory(&render::preview::png(page).unwrap()).unwrap();
        assert_eq!(image.width(), 864);
        assert!((1174..=1177).contains(&image.height()), "{}", image.height());
    }
}
