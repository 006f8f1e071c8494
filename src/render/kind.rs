//! What a document is: by its first bytes where they tell, then by its declared media type, then by its name.
//!
//! Mail programs label a PDF `application/octet-stream` and a PNG `image/jpg`, so the bytes have the first word.

use super::office::Format as Office;

/// A kind of document that can become pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Html,
    Pdf,
    Picture(Picture),
    Tiff,
    /// Where somebody converts it.
    Office(Office),
    Message,
}

/// A picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Picture {
    Png,
    Jpeg,
    Gif,
    WebP,
    Bmp,
    /// A drawing, which has no pixels of its own.
    Svg,
}

/// How far into a file the PDF mark may stand (the reader's note 13 in ISO 32000-1 Annex H).
const PDF_MARK_BYTES_MAX: usize = 1024;

/// The kind, or a clause that says what it is instead.
pub(super) fn of(media_type: &str, name: &str, bytes: &[u8]) -> Result<Kind, String> {
    if let Some(office) = Office::of(media_type, name, bytes) {
        return office.map(Kind::Office);
    }
    by_content(bytes)
        .or_else(|| by_media_type(media_type))
        .or_else(|| by_name(name))
        .or_else(|| office_page(name, bytes))
        .ok_or_else(|| what_instead(media_type, name, bytes))
}

fn by_content(bytes: &[u8]) -> Option<Kind> {
    let head = &bytes[..bytes.len().min(PDF_MARK_BYTES_MAX)];
    let starts = |mark: &[u8]| head.starts_with(mark);
    if starts(b"\x89PNG\r\n\x1a\n") {
        Some(Kind::Picture(Picture::Png))
    } else if starts(b"\xff\xd8\xff") {
        Some(Kind::Picture(Picture::Jpeg))
    } else if starts(b"GIF87a") || starts(b"GIF89a") {
        Some(Kind::Picture(Picture::Gif))
    } else if starts(b"RIFF") && head.get(8..12) == Some(b"WEBP") {
        Some(Kind::Picture(Picture::WebP))
    } else if starts(b"BM") && head.get(6..10) == Some(&[0; 4]) {
        Some(Kind::Picture(Picture::Bmp))
    } else if starts(b"II*\0") || starts(b"MM\0*") {
        Some(Kind::Tiff)
    } else if head.windows(5).any(|window| window == b"%PDF-") {
        Some(Kind::Pdf)
    } else if is_svg(head) {
        Some(Kind::Picture(Picture::Svg))
    } else {
        None
    }
}

const HTML_TYPE: &[u8] = b"<!doctype html";

/// Whether the first element of an XML file is a drawing. HTML with a drawing in it begins otherwise.
fn is_svg(head: &[u8]) -> bool {
    let mut rest = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head).trim_ascii_start();
    // The declaration, comments and a document type go before.
    while let [b'<', b'?' | b'!', ..] = rest {
        if rest.get(..HTML_TYPE.len()).is_some_and(|start| start.eq_ignore_ascii_case(HTML_TYPE)) {
            return false;
        }
        let end: &[u8] = if rest.starts_with(b"<!--") { b"-->" } else { b">" };
        match rest.windows(end.len()).position(|window| window == end) {
            Some(at) => rest = rest[at + end.len()..].trim_ascii_start(),
            None => return false,
        }
    }
    rest.starts_with(b"<svg")
}

/// Programs that make tables and letters on the Web write HTML and call it `.xls` or `.doc`.
fn office_page(name: &str, bytes: &[u8]) -> Option<Kind> {
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).trim_ascii_start();
    let begins = |mark: &[u8]| text.get(..mark.len()).is_some_and(|start| start.eq_ignore_ascii_case(mark));
    (office_program(name).is_some() && (begins(HTML_TYPE) || begins(b"<html"))).then_some(Kind::Html)
}

fn by_media_type(media_type: &str) -> Option<Kind> {
    match media_type {
        "text/html" | "application/xhtml+xml" => Some(Kind::Html),
        "image/svg+xml" => Some(Kind::Picture(Picture::Svg)),
        "text/rtf" | "text/richtext" => None,
        "message/rfc822" | "message/global" => Some(Kind::Message),
        "application/pdf" | "application/x-pdf" => Some(Kind::Pdf),
        // Parts that cannot be told apart: all of it is text at least.
        _ if media_type.starts_with("multipart/") => Some(Kind::Text),
        _ if media_type.starts_with("text/") || media_type.starts_with("message/") => Some(Kind::Text),
        "application/json" | "application/xml" => Some(Kind::Text),
        _ => None,
    }
}

fn by_name(name: &str) -> Option<Kind> {
    match extension(name).as_str() {
        "txt" | "text" | "csv" | "tsv" | "log" | "md" | "asc" | "ics" | "vcf" => Some(Kind::Text),
        "htm" | "html" | "xhtml" => Some(Kind::Html),
        "eml" => Some(Kind::Message),
        "svg" => Some(Kind::Picture(Picture::Svg)),
        _ => None,
    }
}

fn extension(name: &str) -> String {
    name.rsplit_once('.').map(|(_, end)| end.to_ascii_lowercase()).unwrap_or_default()
}

/// The program that writes documents of such a name.
fn office_program(name: &str) -> Option<&'static str> {
    match extension(name).as_str() {
        "doc" | "docx" | "docm" | "dotx" | "rtf" => Some("Word"),
        "xls" | "xlsx" | "xlsm" => Some("Excel"),
        "ppt" | "pptx" | "pps" | "ppsx" => Some("PowerPoint"),
        "odt" | "ods" | "odp" => Some("LibreOffice"),
        "pages" | "numbers" | "key" => Some("Apple iWork"),
        _ => None,
    }
}

/// What a document is that cannot become pages, as a clause that tells its sender what to do.
fn what_instead(media_type: &str, name: &str, bytes: &[u8]) -> String {
    let extension = extension(name);
    if let Some(program) = office_program(name) {
        let article = if program.starts_with('A') { "an" } else { "a" };
        return format!("it is {article} {program} document; save it as PDF and send that");
    }
    match extension.as_str() {
        "heic" | "heif" | "avif" | "jp2" | "psd" | "svgz" => {
            return format!(
                "it is a {} picture; save it as JPEG or PNG and send that",
                extension.to_uppercase()
            );
        }
        _ if name.eq_ignore_ascii_case("winmail.dat") || media_type == "application/ms-tnef" => {
            return "it is in Outlook's own format; send the message as plain text or HTML".into();
        }
        _ => {}
    }
    if bytes.starts_with(b"MZ") || bytes.starts_with(b"\x7fELF") {
        "it is a program".into()
    } else if bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"\xd0\xcf\x11\xe0") {
        "it is an office document; save it as PDF and send that".into()
    } else {
        format!("{media_type} is no kind of document that can be faxed")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bytes_have_the_first_word() {
        let octets = "application/octet-stream";
        for (media_type, name, bytes, kind) in [
            (octets, "a.bin", &b"%PDF-1.7\n"[..], Kind::Pdf),
            (octets, "a.pdf", b"\xef\xbb\xbf\r\n%PDF-1.4", Kind::Pdf),
            ("image/jpg", "a.jpg", b"\x89PNG\r\n\x1a\n", Kind::Picture(Picture::Png)),
            (octets, "a.bin", b"RIFF\x10\0\0\0WEBPVP8 ", Kind::Picture(Picture::WebP)),
            (octets, "a.bin", b"BM\x46\0\0\0\0\0\0\0\x36", Kind::Picture(Picture::Bmp)),
            ("text/plain", "BM.txt", b"BM is not a picture", Kind::Text),
            (octets, "a", b"<?xml version='1.0'?><!-- a --><svg/>", Kind::Picture(Picture::Svg)),
            ("text/html", "a", b"<!doctype html><svg/>", Kind::Html),
            (octets, "fax.tif", b"MM\0*\0\0\0\x08", Kind::Tiff),
            (octets, "notes.TXT", b"hello", Kind::Text),
            ("text/csv", "a.csv", b"a,b", Kind::Text),
            ("text/html", "", b"<p>", Kind::Html),
            ("application/vnd.ms-excel", "list.xls", b"\xef\xbb\xbf\r\n<HTML><table>", Kind::Html),
            ("text/rtf", "a.rtf", b"{\\rtf1 x}", Kind::Office(Office::Rtf)),
            (octets, "Offer.docx", b"PK\x03\x04", Kind::Office(Office::Docx)),
        ] {
            assert_eq!(of(media_type, name, bytes), Ok(kind), "{name}");
        }
    }

    #[test]
    fn what_cannot_be_faxed_is_said_in_plain_words() {
        let octets = "application/octet-stream";
        assert_eq!(of(octets, "setup.exe", b"MZ\x90"), Err("it is a program".into()));
        assert_eq!(
            of(octets, "Plan.pages", b"PK\x03\x04"),
            Err("it is an Apple iWork document; save it as PDF and send that".into())
        );
        assert_eq!(
            of("audio/mpeg", "song.mp3", b"ID3"),
            Err("audio/mpeg is no kind of document that can be faxed".into())
        );
    }
}
