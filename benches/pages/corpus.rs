//! Documents for the bench, made with Ghostscript: dense text, a scan on grey paper, a page of everything, a map; and a
//! photograph.

use std::path::Path;
use std::process::Command;

use image::codecs::jpeg::JpegEncoder;
use image::{ExtendedColorType, GrayImage, ImageEncoder, Luma};
use pdf_writer::{Content, Filter, Finish, Name, Pdf, Rect, Ref};

/// The dots to an inch of the scan, and its sheet in points.
const SCAN_DPI: u32 = 200;
const A4_PT: (f32, f32) = (595.0, 842.0);

const WORDS: &str = "the court has read the statement of the plaintiff and the answer of the defendant which came by \
    fax on the third of march and finds that the term for an appeal had not ended when the last page was received at \
    ten minutes before midnight as the journal of the machine shows with the number of the line and every page counted";

/// All documents: name, pages, PDF file.
pub(crate) fn make(dir: &Path) -> Vec<(&'static str, usize, std::path::PathBuf)> {
    let (text, letter, mixed) = (dir.join("text.pdf"), dir.join("letter.pdf"), dir.join("mixed.pdf"));
    let vectors = dir.join("map.pdf");
    pdf(dir, &map(), &vectors);
    pdf(
        dir,
        &(0..10).map(|page| format!("{} showpage", lines(page, 790, 58, 10))).collect::<String>(),
        &text,
    );
    pdf(dir, &format!("{} showpage", lines(3, 700, 22, 11)), &letter);
    pdf(dir, &everything(), &mixed);
    let scan = dir.join("scan.pdf");
    std::fs::write(&scan, scanned(dir)).unwrap();
    vec![
        ("ten text pages", 10, text),
        ("a letter", 1, letter),
        ("five scans", 5, scan),
        ("a mixed page", 1, mixed),
        ("a map", 1, vectors),
    ]
}

/// Lines of type from a height downward; each page and each line says something else.
fn lines(page: usize, top: usize, count: usize, size: usize) -> String {
    let words: Vec<_> = WORDS.split_whitespace().collect();
    let mut text = format!("/Times-Roman findfont {size} scalefont setfont 0 setgray\n");
    for line in 0..count {
        let start = page * 31 + line * 17;
        let mut said = String::new();
        for word in 0.. {
            let next = words[(start + word * (1 + line % 3)) % words.len()];
            if (said.len() + next.len()) * size > 1000 {
                break;
            }
            said = said + next + " ";
        }
        text += &format!("60 {} moveto ({said}) show\n", top - line * size * 5 / 4);
    }
    text
}

/// Twelve million pixels, as a camera has them: JPEG.
pub(crate) fn photograph(to: &Path) {
    let picture = image::load_from_memory(&std::fs::read("templates/demo/parcel.jpg").unwrap()).unwrap();
    let large = picture.resize_exact(4000, 3000, image::imageops::FilterType::CatmullRom).into_rgb8();
    let mut jpeg = Vec::new();
    let encoder = JpegEncoder::new_with_quality(&mut jpeg, 88);
    encoder.write_image(large.as_raw(), 4000, 3000, ExtendedColorType::Rgb8).unwrap();
    std::fs::write(to, jpeg).unwrap();
}

/// Contour lines, fields with outlines, and hatching: forty thousand curves and lines.
fn map() -> String {
    let mut random = fastrand::Rng::with_seed(11);
    let mut drawing = String::from("0.3 setlinewidth\n");
    for line in 0..400 {
        let (x, y, size) =
            (100.0 + random.f32() * 400.0, 100.0 + random.f32() * 640.0, 8.0 + random.f32() * 90.0);
        let point = |turn: f32, random: &mut fastrand::Rng| {
            let radius = size * (0.9 + random.f32() * 0.2);
            format!("{:.1} {:.1} ", x + radius * turn.cos(), y + radius * turn.sin())
        };
        drawing += &format!("newpath {} moveto\n", point(0.0, &mut random));
        for step in 0..33 {
            let turn = |part: f32| (step as f32 + part) * std::f32::consts::TAU / 33.0;
            let points: String = [0.33, 0.66, 1.0].map(|part| point(turn(part), &mut random)).concat();
            drawing += &format!("{points} curveto\n");
        }
        drawing += match line % 8 {
            0 => "closepath gsave 0.85 setgray fill grestore 0 setgray stroke\n",
            _ => "stroke\n",
        };
    }
    for line in 0..27_000 {
        let (x, y) = (60 + line % 180 * 3, 60 + line / 180 * 5);
        drawing += &format!("{x} {y} moveto 2 3 rlineto stroke\n");
    }
    drawing + "showpage"
}

/// Text, a photograph, a shaded table.
fn everything() -> String {
    let jpeg = std::fs::read("templates/demo/parcel.jpg").unwrap();
    let picture = image::load_from_memory(&jpeg).unwrap().to_luma8();
    let (width, height) = picture.dimensions();
    let hex: String = picture.as_raw().iter().map(|value| format!("{value:02x}")).collect();
    let mut page = lines(1, 800, 9, 11);
    page += &format!(
        "gsave 60 400 translate 470 260 scale {width} {height} 8 [{width} 0 0 -{height} 0 {height}]\n\
         {{currentfile {width} string readhexstring pop}} image\n{hex}\ngrestore\n"
    );
    for row in 0..9 {
        let (y, shade) = (380 - row * 16, ["0.78", "0.93", "1"][if row == 0 { 0 } else { 1 + row % 2 }]);
        page += &format!("{shade} setgray 60 {} 470 16 rectfill 0 setgray\n", y - 5);
        page += &format!("64 {y} moveto (Item {row}) show 400 {y} moveto ({}.00) show\n", 17 + row * 131);
    }
    page + &lines(2, 220, 11, 11) + "showpage"
}

fn pdf(dir: &Path, drawing: &str, to: &Path) {
    let source = dir.join("page.ps");
    std::fs::write(&source, format!("%!PS\n{drawing}\n")).unwrap();
    ghostscript(&["-sDEVICE=pdfwrite", "-sPAPERSIZE=a4"], to, &source);
}

pub(crate) fn ghostscript(options: &[&str], to: &Path, from: &Path) {
    let output = format!("-sOutputFile={}", to.display());
    let mut command = Command::new("gs");
    command.args(["-q", "-dNOPAUSE", "-dBATCH", "-dSAFER"]).args(options).arg(output).arg(from);
    assert!(command.status().unwrap().success());
}

/// Five forms as an office scanner sends them: JPEG, grey paper in uneven light, grain, shaded fields.
fn scanned(dir: &Path) -> Vec<u8> {
    let shades = "0.82 setgray 50 600 500 60 rectfill 0.7 setgray 50 300 500 24 rectfill";
    let source = dir.join("forms.ps");
    let forms: String =
        (0..5).map(|page| format!("{shades} {} showpage\n", lines(page, 790, 27, 11))).collect();
    std::fs::write(&source, format!("%!PS\n{forms}")).unwrap();
    let dpi = format!("-r{SCAN_DPI}");
    let grey = ["-sDEVICE=pnggray", "-sPAPERSIZE=a4", "-dTextAlphaBits=4", "-dGraphicsAlphaBits=4", &dpi];
    ghostscript(&grey, &dir.join("form-%d.png"), &source);
    let mut pdf = Pdf::new();
    let (catalog, tree) = (Ref::new(1), Ref::new(2));
    pdf.catalog(catalog).pages(tree);
    let page_id = |page: i32| Ref::new(page * 3);
    pdf.pages(tree).kids((1..=5).map(page_id)).count(5);
    for page in 1..=5 {
        let form = image::open(dir.join(format!("form-{page}.png"))).unwrap().to_luma8();
        add_scan(&mut pdf, tree, page_id(page), &aged(&form, page as u32));
    }
    pdf.finish()
}

fn add_scan(pdf: &mut Pdf, tree: Ref, page_id: Ref, scan: &GrayImage) {
    let (content_id, image_id) = (Ref::new(page_id.get() + 1), Ref::new(page_id.get() + 2));
    let mut page = pdf.page(page_id);
    page.parent(tree).media_box(Rect::new(0.0, 0.0, A4_PT.0, A4_PT.1)).contents(content_id);
    page.resources().x_objects().pair(Name(b"S"), image_id);
    page.finish();
    let mut content = Content::new();
    content.transform([A4_PT.0, 0.0, 0.0, A4_PT.1, 0.0, 0.0]).x_object(Name(b"S"));
    pdf.stream(content_id, &content.finish());
    let mut jpeg = Vec::new();
    let encoder = JpegEncoder::new_with_quality(&mut jpeg, 75);
    encoder.write_image(scan.as_raw(), scan.width(), scan.height(), ExtendedColorType::L8).unwrap();
    let mut object = pdf.image_xobject(image_id, &jpeg);
    object.width(scan.width() as i32).height(scan.height() as i32).bits_per_component(8);
    object.filter(Filter::DctDecode);
    object.color_space().device_gray();
}

/// Paper, light and grain over a clean page.
fn aged(page: &GrayImage, seed: u32) -> GrayImage {
    let soft = image::imageops::blur(page, 0.6);
    let mut random = fastrand::Rng::with_seed(seed.into());
    GrayImage::from_fn(soft.width(), soft.height(), |x, y| {
        let (across, down) = (x as f32 / soft.width() as f32, y as f32 / soft.height() as f32 - 0.5);
        let light = 238.0 + 8.0 * (across * 2.2 + seed as f32).sin() - 30.0 * down * down;
        // Four even numbers make a bell.
        let grain: f32 = (0..4).map(|_| random.f32() - 0.5).sum::<f32>() * 5.2;
        let ink = f32::from(soft.get_pixel(x, y).0[0]) / 255.0;
        Luma([(30.0 + ink * (light - 30.0) + grain).clamp(0.0, 255.0) as u8])
    })
}
