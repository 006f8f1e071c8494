//! Realistic messages and what becomes of every part of them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::io::Cursor;

use fax::page::{Page, Resolution};
use faxgate::render::{self, Cover, Fate, Limits, Options, RenderError, Rendered};
use image::{DynamicImage, ImageFormat};

/// Coarse pages are quick to make, and what becomes of a part does not depend on the resolution.
fn options() -> Options {
    Options { resolution: Resolution::R204x98, ..Options::default() }
}

/// A message with a header and this MIME body, lines ended as on the wire.
fn mail(body: &str) -> Vec<u8> {
    let header = "From: Robert Miller <robert@example.com>\nTo: <+12125550123@fax.example.com>\n\
                  Date: Mon, 23 Nov 2026 14:05:00 +0100\nSubject: Order 4711\nMIME-Version: 1.0\n";
    format!("{header}{body}").replace("\r\n", "\n").replace('\n', "\r\n").into_bytes()
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let value = (0..3).fold(0u32, |value, i| value << 8 | u32::from(*chunk.get(i).unwrap_or(&0)));
        for place in 0..4 {
            let digit = DIGITS[(value >> (18 - 6 * place)) as usize & 63];
            text.push(if place <= chunk.len() { char::from(digit) } else { '=' });
        }
        if text.len() % 77 == 76 {
            text.push('\n');
        }
    }
    text
}

fn attachment(media_type: &str, name: &str, bytes: &[u8]) -> String {
    format!(
        "Content-Type: {media_type}; name=\"{name}\"\nContent-Disposition: attachment; filename=\"{name}\"\n\
         Content-Transfer-Encoding: base64\n\n{}\n",
        base64(bytes)
    )
}

fn inline(name: &str, id: &str, bytes: &[u8]) -> String {
    format!(
        "Content-Type: image/png; name=\"{name}\"\nContent-Disposition: inline; filename=\"{name}\"\n\
         Content-ID: <{id}>\nContent-Transfer-Encoding: base64\n\n{}\n",
        base64(bytes)
    )
}

fn text(content: &str) -> String {
    format!("Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n{content}\n")
}

fn html(content: &str) -> String {
    format!("Content-Type: text/html; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n{content}\n")
}

fn multipart(subtype: &str, boundary: &str, parts: &[String]) -> String {
    let parts: String = parts.iter().map(|part| format!("--{boundary}\n{part}\n")).collect();
    format!("Content-Type: multipart/{subtype}; boundary=\"{boundary}\"\n\n{parts}--{boundary}--\n")
}

fn picture(width: u32, height: u32, format: ImageFormat) -> Vec<u8> {
    let pixel = |x: u32, y: u32| image::Rgb([(x * 255 / width) as u8, (y * 255 / height) as u8, 128]);
    let image = DynamicImage::ImageRgb8(image::RgbImage::from_fn(width, height, pixel));
    let mut file = Cursor::new(Vec::new());
    image.write_to(&mut file, format).unwrap();
    file.into_inner()
}

fn demo(name: &str) -> Vec<u8> {
    std::fs::read(format!("{}/templates/demo/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

/// One line for each part: its name and its fate.
fn fates(rendered: &Rendered) -> Vec<String> {
    let fate = |fate: &Fate| match fate {
        Fate::Pages { first, last } => format!("pages {first} to {last}"),
        Fate::Embedded { page } => format!("in page {page}"),
        Fate::LeftOut { reason } => format!("left out: {reason}"),
        Fate::Failed { reason } => format!("failed: {reason}"),
    };
    assert_eq!(rendered.manifest.pages as usize, rendered.pages.len());
    rendered.manifest.parts.iter().map(|part| format!("{}: {}", part.name, fate(&part.fate))).collect()
}

fn rendered(message: &[u8]) -> Rendered {
    render::survey(message, &Limits::default()).unwrap();
    render::message(message, &options(), None).unwrap()
}

/// Refused by the first look, for the same reason as by the work itself.
fn refused(message: &[u8]) -> String {
    let early = render::survey(message, &Limits::default()).unwrap_err();
    let late = render::message(message, &options(), None).unwrap_err();
    assert_eq!(early, late);
    early.to_string()
}

fn ink(page: &Page) -> u32 {
    page.bits().iter().map(|byte| byte.count_ones()).sum()
}

const OTHER_VERSION: &str = "left out: it is another version of the text that is faxed";

#[test]
fn plain_text_is_one_page_with_its_heading() {
    let plain = rendered(&mail(&text("Dear Ann,\n\nplease call.\n")));
    assert_eq!(fates(&plain), ["message text: pages 1 to 1"]);
    assert!(plain.manifest.notes.is_empty());
    let with_cover = render::message(&mail(&text("Hello\n")), &options(), Some(&Cover::default())).unwrap();
    assert_eq!(fates(&with_cover), ["message text: pages 2 to 2"]);
}

#[test]
fn charsets_come_to_the_same_page() {
    let body = |charset: &str, encoded: &str| {
        let head = format!(
            "Content-Type: text/plain; charset={charset}\nContent-Transfer-Encoding: quoted-printable\n\n"
        );
        rendered(&mail(&(head + encoded + "\n"))).pages
    };
    assert_eq!(body("iso-8859-1", "Stra=DFe caf=E9"), body("utf-8", "Stra=C3=9Fe caf=C3=A9"));
    assert_eq!(body("shift_jis", "=93=FA=96{=8C=EA"), body("utf-8", "=E6=97=A5=E6=9C=AC=E8=AA=9E"));
    assert_eq!(body("koi8-r", "=F0=F2=E9=F7=E5=F4"), body("windows-1251", "=CF=D0=C8=C2=C5=D2"));
}

#[test]
fn flowed_text_is_broken_anew() {
    let flowed = "Content-Type: text/plain; format=flowed\n\nThis line \ngoes on \nand on.\n";
    assert_eq!(
        rendered(&mail(flowed)).pages,
        rendered(&mail("Content-Type: text/plain\n\nThis line goes on and on.\n")).pages
    );
}

#[test]
fn a_table_whose_cells_span_more_than_there_is_comes_out_all_the_same() {
    for table in [
        "<table><td colspan=2>y<td rowspan=2>y</table>",
        "<table border=1><tr><td colspan=3 rowspan=9>a</td><td rowspan=4>b</td></tr></table>",
    ] {
        let sloppy = rendered(&mail(&html(&format!("<p>Dear Ann,</p>{table}<p>Yours, Ben</p>"))));
        assert_eq!(fates(&sloppy), ["message text: pages 1 to 1"], "{table}");
    }
}

#[test]
fn of_alternatives_the_one_that_readers_see_is_faxed() {
    let alternatives =
        |plain: &str, rich: &str| mail(&multipart("alternative", "b", &[text(plain), html(rich)]));
    let chosen = |plain: &str, rich: &str| {
        let fates = fates(&rendered(&alternatives(plain, rich)));
        let left_out = format!("message text: {OTHER_VERSION}");
        assert_eq!(fates.iter().filter(|fate| **fate == left_out).count(), 1, "{fates:?}");
        fates.iter().position(|fate| fate == "message text: pages 1 to 1")
    };
    let (plain, html) = (Some(0), Some(1));
    assert_eq!(chosen("Please call me back today.", "<p>Please <b>call</b> me back today.</p>"), html);
    assert_eq!(
        chosen("Your mail program cannot show HTML.", "<p>Your order 4711 leaves our works on Monday.</p>"),
        html
    );
    let table = "<table border=1><tr><th>Item</th></tr><tr><td>Bolt</td></tr></table>";
    assert_eq!(chosen("Item Bolt", table), html);
    assert_eq!(chosen("Your order 4711 leaves our works on Monday.", "<p>See the text.</p>"), plain);
    let hidden = "<div style='display:none'>Your order 4711 leaves our works on Monday.</div><p>x</p>";
    assert_eq!(chosen("Your order 4711 leaves our works on Monday.", hidden), plain);
}

#[test]
fn hidden_html_leaves_no_ink() {
    let shown = rendered(&mail(&html("<p>Hello</p>")));
    let hidden = "<style>.p{display:none}</style><p>Hello</p><div class=p>SECRET</div><script>x()</script>";
    assert_eq!(rendered(&mail(&html(hidden))).pages, shown.pages);
}

#[test]
fn deep_and_sloppy_html_still_gives_its_text() {
    let shown = rendered(&mail(&html("<p>Hello</p>"))).pages;
    let deep = "<div>".repeat(5000) + "<p>Hello" + &"</div>".repeat(4000);
    assert_eq!(rendered(&mail(&html(&deep))).pages, shown);
    let attributes: String = (0..50_000).map(|i| format!("a{i}=1 ")).collect();
    assert_eq!(rendered(&mail(&html(&format!("<p {attributes}>Hello")))).pages, shown);
    assert_eq!(refused(&mail(&html("<div> &nbsp; <br></div>"))), "it holds no text and no attachment");
}

#[test]
fn a_link_that_can_be_typed_is_printed() {
    let page = |source: &str| rendered(&mail(&html(source))).pages;
    assert_eq!(
        page("<p>See <a href=\"https://example.com/form\">our <b>form</b></a>.</p>"),
        page("<p>See <u>our <b>form</b></u> (https://example.com/form).</p>")
    );
    let tracking = format!("https://example.com/{}", "x".repeat(80));
    for silent in [tracking.as_str(), "mailto:a@example.com", "tel:+1", "https://our.example/"] {
        assert_eq!(
            page(&format!("<p>See <a href=\"{silent}\">our.example</a>.</p>")),
            page("<p>See <u>our.example</u>.</p>"),
            "{silent}"
        );
    }
}

#[test]
fn a_logo_stands_in_its_text_and_a_tracking_pixel_nowhere() {
    let source = "<p>Regards</p><img src=\"cid:logo@x\"><img src=\"cid:dot@x\"><p>Miller</p>";
    let parts = [
        html(source),
        inline("logo.png", "logo@x", &picture(160, 60, ImageFormat::Png)),
        inline("dot.png", "dot@x", &picture(1, 1, ImageFormat::Png)),
        inline("spare.png", "spare@x", &picture(120, 40, ImageFormat::Png)),
    ];
    let rendered = rendered(&mail(&multipart("related", "r", &parts)));
    assert_eq!(
        fates(&rendered),
        [
            "message text: pages 1 to 1",
            "logo.png: in page 1",
            "dot.png: left out: it is a small picture of 1 × 1 pixels that belongs to the text's design",
            "spare.png: left out: it is a small picture of 120 × 40 pixels that belongs to the text's design",
        ]
    );
}

#[test]
fn a_large_photograph_without_a_place_gets_a_page() {
    let photo = inline("photo.png", "photo@x", &picture(400, 300, ImageFormat::Png));
    let rendered = rendered(&mail(&multipart("related", "r", &[html("<p>See the picture.</p>"), photo])));
    assert_eq!(fates(&rendered), ["message text: pages 1 to 1", "photo.png: pages 2 to 2"]);
}

#[test]
fn the_body_goes_first_and_attachments_follow_in_their_order() {
    let parts = [
        attachment("application/octet-stream", "letter.pdf", &demo("letter.pdf")),
        text("Here is the letter."),
        attachment("image/gif", "plan.gif", &picture(300, 200, ImageFormat::Gif)),
        attachment("text/csv", "list.csv", b"Item,Price\nBolt,1.20\n"),
        attachment("application/octet-stream", "empty.bin", b""),
    ];
    let rendered = rendered(&mail(&multipart("mixed", "m", &parts)));
    assert_eq!(
        fates(&rendered),
        [
            "message text: pages 1 to 1",
            "letter.pdf: pages 2 to 3",
            "plan.gif: pages 4 to 4",
            "list.csv: pages 5 to 5",
            "empty.bin: left out: it is empty",
        ]
    );
    assert!(rendered.pages.iter().all(|page| ink(page) > 500));
}

#[test]
fn a_forwarded_message_comes_whole() {
    let inner = "Content-Type: message/rfc822\nContent-Disposition: attachment\n\n\
                 From: Carol <carol@example.org>\nTo: Robert\nSubject: The drawing\nMIME-Version: 1.0\n";
    let inner_body = multipart(
        "mixed",
        "i",
        &[
            text("The drawing is attached."),
            attachment("image/png", "drawing.png", &picture(300, 300, ImageFormat::Png)),
        ],
    );
    let parts = [text("See below."), format!("{inner}{inner_body}")];
    assert_eq!(
        fates(&rendered(&mail(&multipart("mixed", "m", &parts)))),
        [
            "message text: pages 1 to 1",
            "forwarded message: pages 2 to 2",
            "message text: pages 2 to 2",
            "drawing.png: pages 3 to 3",
        ]
    );
}

#[test]
fn a_signature_is_left_out() {
    let signature =
        "Content-Type: application/pgp-signature; name=\"signature.asc\"\n\n-----BEGIN PGP SIGNATURE-----\n";
    let parts = [text("Signed."), signature.to_owned()];
    assert_eq!(
        fates(&rendered(&mail(&multipart("signed", "s", &parts))))[1],
        "signature.asc: left out: it is a digital signature, which says nothing on paper"
    );
}

#[test]
fn what_cannot_be_faxed_is_refused_by_name() {
    let with = |part: String| mail(&multipart("mixed", "m", &[text("Hello"), part]));
    let octets = "application/octet-stream";
    assert_eq!(
        refused(&with(attachment(octets, "setup.exe", b"MZ\x90\0"))),
        "“setup.exe” cannot be faxed: it is a program"
    );
    assert_eq!(
        refused(&with(attachment(octets, "Offer.docx", b"PK\x03\x04"))),
        "“Offer.docx” cannot be faxed: it is a Word document, and this gateway has no LibreOffice to read it; \
             send it as PDF"
    );
    assert_eq!(
        refused(&with(attachment("application/pdf", "scan.pdf", b"%PDF-1.7\nnothing here"))),
        "“scan.pdf” cannot be faxed: the PDF is damaged"
    );
    assert_eq!(
        refused(&with(attachment("image/png", "cut.png", b"\x89PNG\r\n\x1a\n\0\0"))),
        "“cut.png” cannot be faxed: the picture is damaged"
    );
    let encrypted = [
        "Content-Type: application/pgp-encrypted\n\nVersion: 1\n".to_owned(),
        attachment(octets, "encrypted.asc", b"-----BEGIN PGP MESSAGE-----"),
    ];
    assert_eq!(
        refused(&mail(&multipart("encrypted", "e", &encrypted))),
        "“the message” cannot be faxed: it is encrypted, and this gateway has no key"
    );
    let smime = attachment("application/pkcs7-mime; smime-type=enveloped-data", "smime.p7m", b"0\x80");
    assert_eq!(
        refused(&mail(&smime)),
        "“smime.p7m” cannot be faxed: it is encrypted, and this gateway has no key"
    );
}

#[test]
fn a_message_with_nothing_in_it_is_refused() {
    assert_eq!(refused(&mail(&text("  \n\n"))), "it holds no text and no attachment");
    assert_eq!(refused(&mail(&multipart("mixed", "m", &[text("")]))), "it holds no text and no attachment");
}

#[test]
fn limits_refuse_and_never_cut() {
    let long = mail(&text(&"one more line\n".repeat(500)));
    let mut few = options();
    few.limits.pages_max = 2;
    let error = render::message(&long, &few, None).unwrap_err();
    assert_eq!((error.to_string().as_str(), error.status()), ("it has more than 2 pages", "5.3.4"));
    let limits = Limits { parts_max: 3, ..Limits::default() };
    let many = multipart("mixed", "m", &vec![text("a"); 4]);
    assert_eq!(
        render::survey(&mail(&many), &limits).unwrap_err(),
        RenderError::TooLarge { what: "parts".into(), max: 3 }
    );
    let deep = (0..40).fold(text("deep"), |inner, level| multipart("mixed", &format!("b{level}"), &[inner]));
    assert_eq!(
        render::survey(&mail(&deep), &Limits::default()).unwrap_err().to_string(),
        "it has more than 10 levels of parts within parts"
    );
    let long = mail(&text(&"x".repeat(3 << 20)));
    assert_eq!(
        render::survey(&long, &Limits::default()).unwrap_err().to_string(),
        "it has more than 2097152 bytes of text"
    );
}

#[test]
fn a_character_without_a_glyph_is_counted() {
    let rendered = rendered(&mail(&text("Hieroglyphs: \u{13000}\u{13001}\n")));
    assert_eq!(
        rendered.manifest.notes,
        ["Characters of “message text” that are in none of the gateway's fonts and are shown as boxes: 2."]
    );
}

#[test]
fn octets_that_are_no_characters_are_noted() {
    let broken = "Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n\nCaf=E9 open\n";
    assert_eq!(
        rendered(&mail(broken)).manifest.notes,
        [
            "“message text” holds octets that are no characters of its charset; they are shown as question marks."
        ]
    );
}

#[test]
fn the_same_message_gives_the_same_bits() {
    let parts = [
        html("<h1>Offer</h1><p>All <b>prices</b> in euro: €</p>"),
        attachment("application/pdf", "letter.pdf", &demo("letter.pdf")),
        attachment("image/jpeg", "parcel.jpg", &demo("parcel.jpg")),
    ];
    let message = mail(&multipart("mixed", "m", &parts));
    assert!(rendered(&message) == rendered(&message));
}

#[test]
fn noise_never_panics() {
    let whole = mail(&multipart(
        "mixed",
        "m",
        &[
            html("<p>Hello<table border=1><tr><th>a</table>"),
            attachment("image/png", "a.png", &picture(20, 20, ImageFormat::Png)),
            attachment("application/pdf", "letter.pdf", &demo("letter.pdf")),
        ],
    ));
    let mut random = 7u32;
    for _ in 0..40 {
        let mut broken = whole.clone();
        for _ in 0..20 {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let place = (random >> 8) as usize % broken.len();
            broken[place] = (random >> 3) as u8;
        }
        broken.truncate(1 + (random >> 4) as usize % whole.len());
        // Whatever comes of it is a value, not a panic.
        drop(render::survey(&broken, &Limits::default()));
    }
}
