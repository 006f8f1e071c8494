//! Fax pages to PDF: every page is one image in T.6 coding (the CCITTFaxDecode filter with K −1, ISO 32000-1 §7.4.6), as
//! large on paper as its resolution says, so that a page of 204×98 is not squeezed.
//!
//! The T.6 data stand in the file as they came; a page that is in T.6 already is not coded again. The image is never
//! scaled or cut off: a scan line of 215 mm (T.4 clause 2) is wider than A4, and so is the page then.

use fax::page::Page;
use fax::tiff::MmrPage;
use pdf_writer::{Content, Filter, Finish, Name, Pdf, Rect, Ref, TextStr};

/// Points in an inch.
const PT_PER_INCH: f32 = 72.0;
/// The sheets that fax machines scan, in points: Letter, Legal, A4, B4 and A3.
const SHEETS_PT: [(f32, f32); 5] =
    [(612.0, 792.0), (612.0, 1008.0), (595.276, 841.89), (708.661, 1000.63), (841.89, 1190.551)];
/// A scan line is this much wider or narrower than its sheet, at most.
const SIDE_PT: f32 = 35.0;
/// A scanner misses this much of the length of a sheet, at most (5 mm).
const FOOT_PT: f32 = 14.2;
/// Units that a page is long or wide, at least and at most (ISO 32000-1 annex C.2).
const UNITS_MIN: f32 = 3.0;
const UNITS_MAX: f32 = 14_400.0;
/// Objects before those of the pages: the catalogue, the page tree and the information.
const OBJECTS_BEFORE: i32 = 4;
/// Objects of a page: itself, its content and its image.
const OBJECTS_PER_PAGE: i32 = 3;

/// The pages as a PDF file with a title.
#[must_use]
pub fn write(pages: &[Page], title: &str) -> Vec<u8> {
    write_coded(pages.iter().map(MmrPage::encode), title)
}

/// Pages that are in T.6 already as a PDF file with a title; one is in memory at a time.
#[must_use]
pub fn write_coded(pages: impl IntoIterator<Item = MmrPage>, title: &str) -> Vec<u8> {
    let (catalog, tree, info) = (Ref::new(1), Ref::new(2), Ref::new(3));
    let mut pdf = Pdf::new();
    pdf.catalog(catalog).pages(tree);
    pdf.document_info(info).title(TextStr(title)).producer(TextStr("Faxgate"));
    let mut kids = Vec::new();
    for (index, page) in (0..).zip(pages) {
        let id = |object: i32| Ref::new(OBJECTS_BEFORE + index * OBJECTS_PER_PAGE + object);
        add(&mut pdf, tree, &page, [id(0), id(1), id(2)]);
        kids.push(id(0));
    }
    let count = i32::try_from(kids.len()).unwrap_or(i32::MAX);
    pdf.pages(tree).kids(kids).count(count);
    pdf.finish()
}

fn add(pdf: &mut Pdf, tree: Ref, page: &MmrPage, [page_id, content_id, image_id]: [Ref; 3]) {
    let place = Place::of(page);
    let name = Name(b"Page");
    let mut object = pdf.page(page_id);
    object.parent(tree).media_box(Rect::new(0.0, 0.0, place.sheet.0, place.sheet.1)).contents(content_id);
    if place.unit > 1.0 {
        object.user_unit(place.unit);
    }
    object.resources().x_objects().pair(name, image_id);
    object.finish();

    let mut content = Content::new();
    content.save_state();
    let ((width, height), (x, y)) = (place.image, place.corner);
    content.transform([width, 0.0, 0.0, height, x, y]);
    content.x_object(name);
    content.restore_state();
    pdf.stream(content_id, &content.finish());

    let (columns, rows) = (signed(page.width()), signed(page.rows()));
    let mut image = pdf.image_xobject(image_id, page.data());
    image.width(columns).height(rows).bits_per_component(1);
    image.filter(Filter::CcittFaxDecode);
    image.color_space().device_gray();
    let mut parameters = image.decode_parms();
    parameters.k(-1).columns(columns).rows(rows);
}

/// Where a page is on its sheet, in units.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Place {
    sheet: (f32, f32),
    image: (f32, f32),
    /// The lower left corner of the image.
    corner: (f32, f32),
    /// Points in a unit: 1, and more on a page that would be too long for PDF.
    unit: f32,
}

impl Place {
    fn of(page: &MmrPage) -> Self {
        let resolution = page.resolution();
        let width = page.width() as f32 * PT_PER_INCH / resolution.x_dpi() as f32;
        let height = page.rows() as f32 * PT_PER_INCH / resolution.y_dpi() as f32;
        let fits = |sheet: &(f32, f32)| {
            (width - sheet.0).abs() <= SIDE_PT && (sheet.1 - FOOT_PT..sheet.1 + 0.5).contains(&height)
        };
        // What is scanned of a sheet lies on all of it; anything else is a sheet of its own size.
        let around = SHEETS_PT.into_iter().find(fits).unwrap_or((width, height));
        let sheet = (width.max(around.0).max(UNITS_MIN), height.max(around.1).max(UNITS_MIN));
        let unit = (sheet.0.max(sheet.1) / UNITS_MAX).max(1.0);
        Self {
            sheet: (sheet.0 / unit, sheet.1 / unit),
            image: (width / unit, height / unit),
            corner: ((sheet.0 - width) / 2.0 / unit, (sheet.1 - height) / unit),
            unit,
        }
    }
}

fn signed(value: u32) -> i32 {
    i32::try_from(value).unwrap_or(i32::MAX)
}
