//! Fax pages to PDF: every page is one image in T.6 coding (the CCITTFaxDecode filter with K −1, ISO 32000-1 §7.4.6), as
//! large on paper as its resolution says, so that a page of 204×98 is not squeezed.

use fax::page::Page;
use fax::t4::{self, Coding, EncodeOptions};
use pdf_writer::{Content, Filter, Finish, Name, Pdf, Rect, Ref, TextStr};

/// Points in an inch.
const PT_PER_INCH: f32 = 72.0;
/// Objects before those of the pages: the catalogue, the page tree and the information.
const OBJECTS_BEFORE: i32 = 4;
/// Objects of a page: itself, its content and its image.
const OBJECTS_PER_PAGE: i32 = 3;

/// The pages as a PDF file with a title.
#[must_use]
pub fn write(pages: &[Page], title: &str) -> Vec<u8> {
    let (catalog, tree, info) = (Ref::new(1), Ref::new(2), Ref::new(3));
    let mut pdf = Pdf::new();
    pdf.catalog(catalog).pages(tree);
    let count = i32::try_from(pages.len()).unwrap_or(i32::MAX);
    let id = |page: i32, object: i32| Ref::new(OBJECTS_BEFORE + page * OBJECTS_PER_PAGE + object);
    pdf.pages(tree).kids((0..count).map(|page| id(page, 0))).count(count);
    pdf.document_info(info).title(TextStr(title)).producer(TextStr("Faxgate"));
    for (index, page) in (0..count).zip(pages) {
        add(&mut pdf, tree, page, [id(index, 0), id(index, 1), id(index, 2)]);
    }
    pdf.finish()
}

fn add(pdf: &mut Pdf, tree: Ref, page: &Page, [page_id, content_id, image_id]: [Ref; 3]) {
    let resolution = page.resolution();
    let width_pt = page.width() as f32 * PT_PER_INCH / resolution.x_dpi() as f32;
    let height_pt = page.rows() as f32 * PT_PER_INCH / resolution.y_dpi() as f32;
    let name = Name(b"Page");
    let mut object = pdf.page(page_id);
    object.parent(tree).media_box(Rect::new(0.0, 0.0, width_pt, height_pt)).contents(content_id);
    object.resources().x_objects().pair(name, image_id);
    object.finish();

    let mut content = Content::new();
    content.save_state();
    content.transform([width_pt, 0.0, 0.0, height_pt, 0.0, 0.0]);
    content.x_object(name);
    content.restore_state();
    pdf.stream(content_id, &content.finish());

    let data = t4::encode(page, &EncodeOptions::tiff(Coding::Mmr, resolution));
    let (columns, rows) = (signed(page.width()), signed(page.rows()));
    let mut image = pdf.image_xobject(image_id, &data);
    image.width(columns).height(rows).bits_per_component(1);
    image.filter(Filter::CcittFaxDecode);
    image.color_space().device_gray();
    let mut parameters = image.decode_parms();
    parameters.k(-1).columns(columns).rows(rows);
}

fn signed(value: u32) -> i32 {
    i32::try_from(value).unwrap_or(i32::MAX)
}
