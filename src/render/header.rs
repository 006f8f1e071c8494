//! The header line: a strip above each page with the time, the sender, the recipient and the page number.
//!
//! Many countries want it (in the United States 47 CFR 68.318(d)). It is put on at the moment of the call, above
//! the page and never over it, so that a page that passes through stays as it was. It is 1/6 inch high.

use fax::page::Page;

use super::flow::Look;
use super::font::{self, Fonts};
use super::language::Language;
use super::line::Line;
use super::sheet::{header_rows, px_per_pt};

/// The size of the letters, in points.
const SIZE_PT: f32 = 8.5;
/// Where the base line stands, as a part of the strip's height.
const BASE_LINE: f32 = 0.72;
/// White at both ends of the strip, in points. Machines do not print the first and last millimetres.
const MARGIN_PT: f32 = 26.0;
/// White between the fields, in points.
const FIELD_GAP_PT: f32 = 12.0;

/// What the strip says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderLine {
    /// When the call was placed, as people read it, with the zone.
    pub time: String,
    /// Who sends: a name or a number.
    pub from: String,
    /// The number that is called; may be empty where nobody is called yet.
    pub to: String,
    /// The page, from 1; 0 for one that is not counted.
    pub page: u32,
    /// How many there are.
    pub pages: u32,
    /// In which language they are counted.
    pub language: Language,
}

/// The page with the strip above it, as wide and as fine as the page.
#[must_use]
pub fn stamp(page: &Page, header: &HeaderLine) -> Page {
    let resolution = page.resolution();
    let mut strip = Page::white(page.width(), header_rows(resolution), resolution);
    font::with(|fonts| draw(&mut strip, header, fonts));
    let mut bits = strip.bits().to_vec();
    bits.extend_from_slice(page.bits());
    // Both halves have the same width, so the rows are whole.
    Page::from_bits(page.width(), resolution, bits).unwrap_or_else(|| page.clone())
}

fn draw(strip: &mut Page, header: &HeaderLine, fonts: &mut Fonts) {
    let (x_scale, _) = px_per_pt(strip.resolution());
    let look = Look::default();
    let shape = |fonts: &mut Fonts, text: &str| Line::new(fonts, text, look, SIZE_PT);
    let time = shape(fonts, &header.time);
    let count = match header.page {
        0 => String::new(),
        page => header.language.page_of(page, header.pages),
    };
    let count = shape(fonts, &count);
    let right_pt = strip.width() as f32 / x_scale - MARGIN_PT - count.width_pt();
    let middle_pt = MARGIN_PT + time.width_pt() + FIELD_GAP_PT;
    let room_pt = (right_pt - FIELD_GAP_PT - middle_pt).max(0.0);
    let arrow = match header.to.trim() {
        "" => header.from.clone(),
        to => format!("{}  →  {to}", header.from),
    };
    let middle = Line::fitted(fonts, &arrow, look, SIZE_PT, room_pt);
    let indent_pt = (room_pt - middle.width_pt()).max(0.0) / 2.0;
    let base = (strip.rows() as f32 * BASE_LINE).round() as i32;
    time.draw(fonts, strip, MARGIN_PT, base);
    middle.draw(fonts, strip, middle_pt + indent_pt, base);
    count.draw(fonts, strip, right_pt, base);
}
