//! Plain pages are drawn as the other renderer draws them, and others are left to it.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

use pdf_writer::{Content, Name, Rect, Ref, Str};

use super::*;

const SIDE: u16 = 600;

/// A page of 300 points by 300 with a font, a picture in grey of four pixels by two, a stencil of eight by two, and a
/// state of half transparency.
fn page_of(content: &[u8]) -> Vec<u8> {
    let [catalog, tree, page, font, stream, picture, stencil, state] = [1, 2, 3, 4, 5, 6, 7, 8].map(Ref::new);
    let mut pdf = pdf_writer::Pdf::new();
    pdf.catalog(catalog).pages(tree);
    pdf.pages(tree).kids([page]).count(1);
    pdf.type1_font(font).base_font(Name(b"Times-Roman"));
    pdf.ext_graphics(state).non_stroking_alpha(0.5);
    let mut writer = pdf.page(page);
    writer.parent(tree).contents(stream).media_box(Rect::new(0.0, 0.0, 300.0, 300.0));
    let mut resources = writer.resources();
    resources.fonts().pair(Name(b"F"), font);
    resources.x_objects().pair(Name(b"P"), picture).pair(Name(b"S"), stencil);
    resources.ext_g_states().pair(Name(b"G"), state);
    drop(resources);
    drop(writer);
    let mut grey = pdf.image_xobject(picture, &[0, 80, 160, 255, 255, 160, 80, 0]);
    grey.width(4).height(2).bits_per_component(8).color_space().device_gray();
    drop(grey);
    let mut bits = pdf.image_xobject(stencil, &[0b1010_1010, 0b0000_1111]);
    bits.width(8).height(2).bits_per_component(1).image_mask(true);
    drop(bits);
    pdf.stream(stream, content);
    pdf.finish()
}

/// The page by both; by the plain one where it is plain.
fn both(content: &[u8]) -> (Option<Vec<u8>>, Vec<u8>) {
    let pdf = Pdf::new(page_of(content)).unwrap();
    let page = &pdf.pages()[0];
    let mut pen = Pen::new(Sheet::new(crate::render::Paper::A4, fax::page::Resolution::R204x196));
    let transform = Affine::scale(f64::from(SIDE) / 300.0) * page.initial_transform(true).to_kurbo();
    let side = u32::from(SIDE);
    let plain = pen.plain.draw(page, transform, side, side).map(|values| values.to_vec());
    (plain, pen.colours.draw(page, transform, side, side).unwrap().to_vec())
}

/// Mean difference of the values, and how many of 1,000 differ by more than a quarter.
fn difference(a: &[u8], b: &[u8]) -> (f64, f64) {
    let differences = || a.iter().zip(b).map(|(a, b)| a.abs_diff(*b));
    let count = a.len() as f64;
    let far = differences().filter(|difference| *difference > 64).count() as f64;
    (differences().map(f64::from).sum::<f64>() / count, far * 1000.0 / count)
}

fn drawing(draw: impl FnOnce(&mut Content)) -> Vec<u8> {
    let mut content = Content::new();
    draw(&mut content);
    content.finish().to_vec()
}

fn letters(content: &mut Content, size: f32, text: &[u8]) {
    content.begin_text().set_font(Name(b"F"), size).next_line(20.0, 150.0).show(Str(text)).end_text();
}

fn place(content: &mut Content, name: &[u8], matrix: [f32; 6]) {
    content.save_state().transform(matrix).x_object(Name(name)).restore_state();
}

type Draw = fn(&mut Content);

const PLAIN: [(&str, Draw); 14] = [
    ("small letters", |content| letters(content, 9.0, b"The court has read the statement")),
    ("large letters", |content| letters(content, 90.0, b"Court")),
    ("grey letters", |content| {
        content.set_fill_gray(0.6);
        letters(content, 24.0, b"The court has read");
    }),
    ("letters turned", |content| {
        content.transform([0.0, 1.0, -1.0, 0.0, 280.0, 0.0]);
        letters(content, 14.0, b"The court has read the statement");
    }),
    ("letters askew", |content| {
        content.transform([0.9, 0.3, -0.3, 0.9, 40.0, -60.0]);
        letters(content, 18.0, b"The court has read");
    }),
    ("white on black", |content| {
        content.rect(10.0, 130.0, 280.0, 60.0).fill_nonzero().set_fill_gray(1.0);
        letters(content, 30.0, b"The court");
    }),
    ("lines", |content| {
        for line in 0..20 {
            let at = 10.0 + 13.7 * line as f32;
            content.set_line_width(line as f32 / 4.0).move_to(10.0, at).line_to(290.0, at * 0.8).stroke();
        }
    }),
    ("dashes and round ends", |content| {
        content.set_line_width(9.0).set_dash_pattern([20.0, 14.0], 5.0);
        content.set_line_cap(pdf_writer::types::LineCapStyle::RoundCap);
        content.move_to(30.0, 30.0).cubic_to(80.0, 290.0, 200.0, -90.0, 270.0, 260.0).stroke();
    }),
    ("areas with holes", |content| {
        content.set_fill_rgb(0.9, 0.2, 0.1).rect(20.3, 20.7, 200.1, 200.2).rect(60.0, 60.0, 80.0, 80.0);
        content.fill_even_odd();
        content.move_to(150.0, 280.0).line_to(290.0, 10.0).line_to(10.0, 190.0).close_path().fill_nonzero();
    }),
    ("within a clip", |content| {
        content.rect(50.0, 50.0, 120.0, 140.0).clip_nonzero().end_path();
        letters(content, 60.0, b"Courtroom");
        content.set_line_width(20.0).move_to(0.0, 0.0).line_to(300.0, 300.0).stroke();
    }),
    ("a picture", |content| place(content, b"P", [200.0, 0.0, 0.0, 120.0, 40.0, 100.0])),
    ("a picture turned", |content| place(content, b"P", [0.0, 200.0, -120.0, 0.0, 240.0, 50.0])),
    ("a picture upside down", |content| place(content, b"P", [-200.0, 0.0, 0.0, -120.0, 240.0, 250.0])),
    ("a stencil", |content| {
        content.set_fill_gray(0.3);
        place(content, b"S", [160.0, 0.0, 0.0, 80.0, 40.0, 100.0]);
    }),
];

#[test]
fn a_plain_page_is_drawn_as_the_other_renderer_draws_it() {
    for (name, draw) in PLAIN {
        let (plain, colours) = both(&drawing(draw));
        let plain = plain.unwrap_or_else(|| panic!("{name} is not plain"));
        assert!(colours.iter().any(|value| *value < 200), "{name}: the page is empty");
        let (mean, far) = difference(&plain, &colours);
        println!("{name}: {mean:.2}, {far:.1}");
        assert!(mean < 0.6 && far < 2.0, "{name}: {mean:.2} on average, {far:.1} of 1,000 far off");
    }
}

#[test]
fn what_is_not_plain_is_left_to_the_other_renderer() {
    let pages: [(&str, Draw); 5] = [
        ("half transparent", |content| {
            content.set_parameters(Name(b"G"));
            letters(content, 30.0, b"The court");
        }),
        ("a round clip", |content| {
            content.move_to(20.0, 150.0).cubic_to(20.0, 300.0, 280.0, 300.0, 280.0, 150.0).close_path();
            content.clip_nonzero().end_path();
            letters(content, 30.0, b"The court");
        }),
        ("a picture askew", |content| place(content, b"P", [150.0, 60.0, -60.0, 150.0, 90.0, 50.0])),
        ("outlined letters", |content| {
            content.set_text_rendering_mode(pdf_writer::types::TextRenderingMode::Stroke);
            letters(content, 30.0, b"The court");
        }),
        ("a drawing", |content| {
            for line in 0..2000 {
                content.move_to(10.0, 0.0).line_to(290.0, line as f32 / 7.0).stroke();
            }
        }),
    ];
    for (name, draw) in pages {
        let (plain, colours) = both(&drawing(draw));
        assert!(plain.is_none(), "{name}");
        assert!(colours.iter().any(|value| *value < 200), "{name}: the page is empty");
    }
}
