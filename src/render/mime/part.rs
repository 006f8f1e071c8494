//! One MIME part, or one file, and what shall be done with it: by its kind, its declared disposition and its content.

use std::borrow::Cow;

use mail_parser::{MessagePart, MimeHeaders, PartType};

use super::super::error::Failure;
use super::super::html;
use super::super::kind::{self, Kind};
use super::super::options::Limits;
use super::super::text::Format;
use super::{Content, Item};

/// Why ciphertext fails.
const ENCRYPTED: &str = "it is encrypted, and this gateway has no key";
/// Why a part without content is left out.
pub(super) const EMPTY: &str = "it is empty";

/// A file that did not come in a message.
pub(in super::super) fn file<'m>(name: &str, bytes: Cow<'m, [u8]>, limits: &Limits) -> Item<'m> {
    let media_type = "application/octet-stream";
    Item {
        name: name.to_owned(),
        media_type: media_type.to_owned(),
        content: match bytes.is_empty() {
            true => Content::Failed(Failure::new("it is empty")),
            false => document(media_type, name, bytes, limits),
        },
        flows_on: false,
        body: false,
    }
}

/// A file that makes no page.
pub(super) fn left_out(name: &str, reason: String) -> Item<'static> {
    Item {
        name: name.to_owned(),
        media_type: "application/octet-stream".to_owned(),
        content: Content::LeftOut(reason),
        flows_on: false,
        body: false,
    }
}

/// A text part.
pub(super) fn text_item<'m>(
    part: &'m MessagePart<'m>,
    text: Cow<'m, str>,
    body: bool,
    limits: &Limits,
) -> Item<'m> {
    let media_type = media_type(part);
    let name = name_or(part, "message text");
    let content = match kind::of(&media_type, &name, text.as_bytes()) {
        _ if text.trim().is_empty() => Content::LeftOut(EMPTY.into()),
        Ok(Kind::Html) => html_content(&text, limits),
        Ok(Kind::Office(format)) => Content::Office(format, Cow::Owned(text.into_owned().into_bytes())),
        Ok(_) => Content::Text(text, format(part)),
        Err(reason) => Content::Failed(Failure::new(reason)),
    };
    Item { name, media_type, content, flows_on: body, body }
}

/// A part of octets; `inline` where it belongs into a text.
pub(super) fn binary_item<'m>(
    part: &'m MessagePart<'m>,
    bytes: &'m [u8],
    inline: bool,
    limits: &Limits,
) -> Item<'m> {
    let media_type = media_type(part);
    let name = name_or(part, "attachment");
    let content = match special(&media_type, part) {
        Some(content) => content,
        None if bytes.is_empty() => Content::LeftOut(EMPTY.into()),
        None => match document(&media_type, &name, Cow::Borrowed(bytes), limits) {
            Content::Picture(picture, bytes) if inline => Content::Inline(picture, bytes, content_id(part)),
            content => content,
        },
    };
    Item { name, media_type, content, flows_on: false, body: false }
}

/// A document of which only the bytes, the name and the declared type are known.
fn document<'m>(media_type: &str, name: &str, bytes: Cow<'m, [u8]>, limits: &Limits) -> Content<'m> {
    if bytes.len() as u64 > limits.text_bytes_max
        && matches!(kind::of(media_type, name, &bytes), Ok(Kind::Text | Kind::Html))
    {
        return Content::Failed(Failure::new(format!(
            "it is longer than the {} bytes that a text may have",
            limits.text_bytes_max
        )));
    }
    match kind::of(media_type, name, &bytes) {
        Ok(Kind::Message) => Content::Failed(Failure::new(
            "it is a mail message attached as a file; forward it as a message instead",
        )),
        Ok(Kind::Text) => Content::Text(Cow::Owned(decode(&bytes)), Format::Fixed),
        Ok(Kind::Html) => html_content(&decode(&bytes), limits),
        Ok(Kind::Pdf) => Content::Pdf(bytes),
        Ok(Kind::Picture(picture)) => Content::Picture(picture, bytes),
        Ok(Kind::Tiff) => Content::Tiff(bytes),
        Ok(Kind::Office(format)) => Content::Office(format, bytes),
        Err(reason) => Content::Failed(Failure::new(reason)),
    }
}

pub(super) fn html_content(source: &str, limits: &Limits) -> Content<'static> {
    match html::Document::read(source, limits) {
        Ok(document) if document.is_empty() => Content::LeftOut(EMPTY.into()),
        Ok(document) => Content::Html(Box::new(document)),
        Err(failure) => Content::Failed(failure),
    }
}

/// Text whose charset nobody declared: by its byte order mark, as UTF-8, or as Windows-1252.
pub(super) fn decode(bytes: &[u8]) -> String {
    let charset: &[u8] = match bytes {
        [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..] => b"utf-16",
        _ => b"windows-1252",
    };
    match (std::str::from_utf8(bytes), mail_parser::decoders::charsets::map::charset_decoder(charset)) {
        (Ok(text), _) => text.trim_start_matches('\u{feff}').to_owned(),
        (Err(_), Some(decoder)) => decoder(bytes),
        (Err(_), None) => String::from_utf8_lossy(bytes).into_owned(),
    }
}

/// Ciphertext.
pub(super) fn encrypted() -> Content<'static> {
    Content::Failed(Failure::new(ENCRYPTED))
}

/// Signatures are left out and ciphertext fails (RFC 1847, RFC 8551 §3); AppleDouble's first half (RFC 1740) says nothing.
fn special(media_type: &str, part: &MessagePart<'_>) -> Option<Content<'static>> {
    let smime = part.content_type().and_then(|ct| ct.attribute("smime-type")).unwrap_or_default();
    match media_type {
        "application/pgp-signature" | "application/pkcs7-signature" | "application/x-pkcs7-signature" => {
            Some(Content::LeftOut("it is a digital signature, which says nothing on paper".into()))
        }
        "application/pkcs7-mime" | "application/x-pkcs7-mime"
            if smime.eq_ignore_ascii_case("signed-data") =>
        {
            Some(Content::Failed(Failure::new(
                "it is signed in a form that hides the text; sign it in clear",
            )))
        }
        "application/pkcs7-mime" | "application/x-pkcs7-mime" | "application/pgp-encrypted" => {
            Some(Content::Failed(Failure::new(ENCRYPTED)))
        }
        _ => None,
    }
}

/// The declared media type, in lower case.
pub(super) fn media_type(part: &MessagePart<'_>) -> String {
    match part.content_type() {
        Some(ct) => format!("{}/{}", ct.ctype(), ct.subtype().unwrap_or("octet-stream")).to_ascii_lowercase(),
        None if matches!(part.body, PartType::Text(_)) => "text/plain".into(),
        None => "application/octet-stream".into(),
    }
}

/// The subtype of the declared media type, in lower case.
pub(super) fn subtype(part: &MessagePart<'_>) -> String {
    let subtype = part.content_type().and_then(|ct| ct.subtype());
    subtype.unwrap_or_default().to_ascii_lowercase()
}

/// Whether it is declared to stand apart from the text.
pub(super) fn is_attachment(part: &MessagePart<'_>) -> bool {
    part.content_disposition().is_some_and(|disposition| disposition.is_attachment())
}

/// Whether it is declared to stand in the text.
pub(super) fn is_inline(part: &MessagePart<'_>) -> bool {
    part.content_disposition().is_some_and(|disposition| disposition.is_inline())
}

fn content_id(part: &MessagePart<'_>) -> Option<String> {
    part.content_id().map(|id| id.trim_matches(['<', '>']).to_owned())
}

/// Its file name, or what it is.
pub(super) fn name_or(part: &MessagePart<'_>, otherwise: &str) -> String {
    match part.attachment_name().map(str::trim) {
        Some(name) if !name.is_empty() => name.to_owned(),
        _ => otherwise.to_owned(),
    }
}

fn format(part: &MessagePart<'_>) -> Format {
    let attribute = |name| part.content_type().and_then(|ct| ct.attribute(name)).unwrap_or_default();
    match attribute("format").eq_ignore_ascii_case("flowed") {
        true => Format::Flowed { del_sp: attribute("delsp").eq_ignore_ascii_case("yes") },
        false => Format::Fixed,
    }
}
