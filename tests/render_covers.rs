//! Cover pages: in every language, as HTML with a logo, and only where there is text.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::io::Cursor;

use base64::Engine;
use fax::page::{Page, Resolution};
use faxgate::render::{self, Cover, Language, Options, Template};
use image::{GrayImage, ImageFormat, Luma};

fn cover() -> Cover {
    Cover {
        to: "Dr. Weber".into(),
        number: "+1 212 555 0123".into(),
        from: "Anna Müller (anna@example.com)".into(),
        date: "27 November 2026, 10:00".into(),
        subject: "Lab results <urgent>".into(),
        ..Cover::default()
    }
}

fn made(template: Template) -> Vec<Page> {
    let options = Options { cover_template: template, ..Options::default() };
    render::message(b"Subject: x\r\n\r\nHello\r\n", &options, Some(&cover())).unwrap().pages
}

fn black(page: &Page) -> usize {
    (0..page.rows()).map(|y| (0..page.width()).filter(|&x| page.is_black(x, y)).count()).sum()
}

#[test]
fn every_language_has_a_page_of_its_own() {
    let pages: Vec<Vec<Page>> = Language::ALL.map(Template::of).map(made).into();
    assert!(pages.iter().all(|pages| pages.len() == 2));
    for (index, one) in pages.iter().enumerate() {
        assert!(pages[..index].iter().all(|other| other[0] != one[0] && other[1] == one[1]));
    }
}

#[test]
fn an_html_cover_has_a_logo_and_leaves_out_what_has_nothing_to_say() {
    let mut logo = Cursor::new(Vec::new());
    GrayImage::from_pixel(120, 40, Luma([0])).write_to(&mut logo, ImageFormat::Png).unwrap();
    let logo = base64::engine::general_purpose::STANDARD.encode(logo.into_inner());
    let rows = "<tr><td><b>To</b><td>{to}</tr><tr><td><b>Subject</b><td>{subject}</tr>";
    let template = |rows: &str| {
        let html = format!("<img src=\"data:image/png;base64,{logo}\"><h1>Fax</h1><table>{rows}</table>");
        Template::parse(&html).unwrap()
    };
    let plain = made(template(rows));
    assert_eq!(plain, made(template(&format!("{rows}<tr><td><b>Attention</b><td>{{attention}}</tr>"))));
    assert_ne!(plain, made(template(&format!("{rows}<tr><td><b>Number</b><td>{{number}}</tr>"))));
    // 120 pixels of 96 to the inch are 255 of 204 to the inch, and 40 are 82 rows of 196.
    assert!(black(&plain[0]) > 255 * 81);
    assert!(
        Template::parse("<p>{nobody}</p>").unwrap_err().to_string().contains("{nobody} is no placeholder")
    );
}

#[test]
fn no_cover_goes_before_a_mere_attachment_where_it_needs_text() {
    let options = Options { cover_needs_text: true, resolution: Resolution::R204x98, ..Options::default() };
    let pages = |body: &str| {
        let mail = format!(
            "Subject: x\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n{body}\r\n--b\r\n\
             Content-Type: text/plain; name=a.txt\r\nContent-Disposition: attachment; filename=a.txt\r\n\r\nFile\r\n--b--\r\n"
        );
        let rendered = render::message(mail.as_bytes(), &options, Some(&cover())).unwrap();
        (rendered.pages.len(), rendered.manifest.has_cover())
    };
    assert_eq!(pages("Dear Ann"), (3, true));
    assert_eq!(pages(" "), (1, false));
}
