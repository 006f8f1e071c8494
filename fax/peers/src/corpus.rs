//! Pages as they are faxed, drawn by the program itself: what codecs are compared on.

use fax_proto::page::{Page, Resolution};
use swash::scale::{Render, ScaleContext, Source};
use swash::zeno::{Format, Transform};
use swash::{FontRef, scale::image::Image};

/// The typeface of the corpus.
static FONT: &[u8] = include_bytes!("../../../templates/fonts/DejaVuSans.ttf");

/// Words to fill pages with.
const TEXT: &str = "The undersigned confirms that the patient was seen on the date above and that the findings, as \
    far as they concern the referral, were explained in full. Blood pressure 128/82, pulse 71, no fever; the wound is \
    dry and has closed without signs of infection. We ask you to continue the treatment as before, to send the \
    laboratory report by fax, and to call the ward should anything change. Payment of the invoice of 14 March over \
    $1,284.50 has been received with thanks; the remaining items will be delivered in the week of 7 April. ";

/// A page and what it is called.
#[derive(Clone, Debug)]
pub struct Sample {
    /// What is on it.
    pub name: &'static str,
    /// The page, A4.
    pub page: Page,
}

/// What draws a page.
type Draw = fn(&mut Canvas);

/// Dense text, a form with rules, a sparse letter, a halftone photograph, a gradient, and a white page.
#[must_use]
pub fn pages(resolution: Resolution) -> Vec<Sample> {
    let drawn: [(&str, Draw); 6] = [
        ("dense text", dense_text),
        ("form", form),
        ("letter", letter),
        ("photograph", photograph),
        ("gradient", gradient),
        ("white", |_| {}),
    ];
    drawn
        .into_iter()
        .map(|(name, draw)| {
            let mut canvas = Canvas::new(resolution);
            draw(&mut canvas);
            Sample { name, page: canvas.page }
        })
        .collect()
}

fn dense_text(canvas: &mut Canvas) {
    let mut words = TEXT.split_whitespace().cycle();
    let mut y = 15.0;
    while y < 285.0 {
        let mut line = String::new();
        while line.len() < 118 {
            line.extend([words.next().unwrap_or(""), " "]);
        }
        canvas.text(14.0, y, 8.5, &line);
        y += 3.6;
    }
}

fn letter(canvas: &mut Canvas) {
    canvas.text(20.0, 25.0, 16.0, "Example Clinic, Department of Surgery");
    canvas.text(20.0, 50.0, 11.0, "Dr. A. Meyer, 12 Station Road, Springfield");
    let mut words = TEXT.split_whitespace().cycle();
    for row in 0..14u8 {
        let mut line = String::new();
        while line.len() < 78 {
            line.extend([words.next().unwrap_or(""), " "]);
        }
        canvas.text(20.0, 90.0 + 6.0 * f32::from(row), 11.0, &line);
    }
    canvas.text(20.0, 200.0, 11.0, "Yours sincerely,");
}

fn form(canvas: &mut Canvas) {
    canvas.text(15.0, 18.0, 14.0, "Application for cost coverage");
    for row in 0..26u8 {
        let y = 26.0 + 10.0 * f32::from(row);
        canvas.fill(15.0, y, 180.0, 0.3);
        for (column, label) in ["Name of the insured", "Date", "Number", "Amount"].into_iter().enumerate() {
            let x = [15.0, 85.0, 120.0, 160.0][column];
            canvas.fill(x, y, 0.3, 10.0);
            canvas.text(x + 1.0, y + 3.2, 6.0, label);
            if (row as usize + column).is_multiple_of(3) {
                canvas.text(
                    x + 3.0,
                    y + 8.5,
                    11.0,
                    ["Meyer, Anna", "2026-03-14", "4711-08", "1,284.50"][column],
                );
            }
        }
        canvas.fill(195.0, y, 0.3, 10.0);
    }
    canvas.fill(15.0, 286.0, 180.0, 0.3);
}

/// A picture of soft shapes under a 45° screen of growing dots.
fn photograph(canvas: &mut Canvas) {
    canvas.tone(|x, y| {
        let (dx, dy) = ((x - 105.0) / 60.0, (y - 120.0) / 80.0);
        let face = 1.0 - (dx * dx + dy * dy).min(1.0);
        let cloth = ((x / 9.0).sin() * (y / 13.0).cos() + 1.0) / 5.0;
        let light = 0.25 + 0.5 * face + 0.2 * (x / 210.0) - cloth * (y / 297.0);
        // A round dot in a square cell turned by 45°: 53 to the inch.
        let (u, v) = ((x + y) / 0.48, (x - y) / 0.48);
        let dot = ((u * core::f32::consts::PI).cos() * (v * core::f32::consts::PI).cos() + 1.0) / 2.0;
        light < dot
    });
}

/// From black to white by ordered dither of 4 × 4.
fn gradient(canvas: &mut Canvas) {
    const BAYER: [u8; 16] = [0, 8, 2, 10, 12, 4, 14, 6, 3, 11, 1, 9, 15, 7, 13, 5];
    let (width, rows) = (canvas.page.width(), canvas.page.rows());
    for y in 0..rows {
        for x in 0..width {
            let light = (x as f32 / width as f32 + y as f32 / rows as f32) * 8.0;
            let level = f32::from(BAYER[(y % 4 * 4 + x % 4) as usize]);
            canvas.page.set(x, y, light < level + 0.5);
        }
    }
}

/// An A4 page with a scale in millimetres.
struct Canvas {
    page: Page,
    x_per_mm: f32,
    y_per_mm: f32,
    fonts: ScaleContext,
}

impl Canvas {
    fn new(resolution: Resolution) -> Self {
        let rows = resolution.y_dpi() * 2970 / 254;
        Self {
            page: Page::white(1728, rows, resolution),
            x_per_mm: resolution.x_dpi() as f32 / 25.4,
            y_per_mm: resolution.y_dpi() as f32 / 25.4,
            fonts: ScaleContext::new(),
        }
    }

    /// A line of text of so many points; `y` is its base line.
    fn text(&mut self, x: f32, y: f32, points: f32, text: &str) {
        let Some(font) = FontRef::from_index(FONT, 0) else { return };
        let size = points * 25.4 / 72.0 * self.x_per_mm;
        let stretch = Transform::scale(1.0, self.y_per_mm / self.x_per_mm);
        let (charmap, metrics) = (font.charmap(), font.glyph_metrics(&[]).scale(size));
        let mut scaler = self.fonts.builder(font).size(size).build();
        let mut left = x * self.x_per_mm;
        let base = (y * self.y_per_mm) as i32;
        let mut glyphs: Vec<(i32, Image)> = Vec::new();
        for c in text.chars() {
            let glyph = charmap.map(c);
            let mut render = Render::new(&[Source::Outline]);
            render.format(Format::Alpha).transform(Some(stretch));
            glyphs.extend(render.render(&mut scaler, glyph).map(|image| (left as i32, image)));
            left += metrics.advance_width(glyph);
        }
        glyphs.iter().for_each(|(left, image)| self.stamp(*left, base, image));
    }

    fn stamp(&mut self, left: i32, base: i32, image: &Image) {
        let place = image.placement;
        for (at, alpha) in image.data.iter().enumerate() {
            let (column, row) = (at as u32 % place.width.max(1), at as u32 / place.width.max(1));
            let (x, y) = (left + place.left + column as i32, base - place.top + row as i32);
            if *alpha >= 128 && x >= 0 && y >= 0 {
                self.page.set(x as u32, y as u32, true);
            }
        }
    }

    /// A black rectangle, in millimetres.
    fn fill(&mut self, x: f32, y: f32, width: f32, height: f32) {
        let (left, top) = ((x * self.x_per_mm) as u32, (y * self.y_per_mm) as u32);
        let (right, bottom) = (((x + width) * self.x_per_mm) as u32, ((y + height) * self.y_per_mm) as u32);
        for row in top..bottom.max(top + 1) {
            (left..right.max(left + 2)).for_each(|column| self.page.set(column, row, true));
        }
    }

    /// Blackens what `is_black` says of each place, in millimetres.
    fn tone(&mut self, is_black: impl Fn(f32, f32) -> bool) {
        for y in 0..self.page.rows() {
            for x in 0..self.page.width() {
                if is_black(x as f32 / self.x_per_mm, y as f32 / self.y_per_mm) {
                    self.page.set(x, y, true);
                }
            }
        }
    }
}
