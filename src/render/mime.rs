//! A mail message as a plan: which parts become pages, in which order, and which are left out or cannot be faxed.
//!
//! RFC 2046 (multipart), RFC 2387 (related), RFC 1847 (signed, encrypted), RFC 3965 §2.2.4 (a part that cannot be
//! converted refuses the message). The body goes first, then the attachments in their order; a forwarded message
//! comes whole, with its header lines, at the place where it is attached.

use std::borrow::Cow;

use mail_parser::{Address, Message, MessageParser, MessagePart, MimeHeaders, PartType};

use super::error::{Failure, RenderError};
use super::html;
use super::kind::{self, Kind, Picture};
use super::options::Limits;
use super::text::Format;

/// One part of the message and what shall be done with it.
#[derive(Debug)]
pub(super) struct Item<'m> {
    pub(super) name: String,
    pub(super) media_type: String,
    pub(super) content: Content<'m>,
    /// It goes on below what stands before it, where that is text as well.
    pub(super) flows_on: bool,
    /// The message's own text, which goes first.
    body: bool,
}

/// What a part holds.
#[derive(Debug)]
pub(super) enum Content<'m> {
    Text(Cow<'m, str>, Format),
    Html(Cow<'m, str>),
    /// The header lines of a forwarded message, label and value.
    Heading(Vec<(&'static str, String)>),
    Pdf(Cow<'m, [u8]>),
    Picture(Picture, Cow<'m, [u8]>),
    /// A picture that belongs into the text; where its Content-ID is known, HTML can say at which place.
    Inline(Picture, Cow<'m, [u8]>, Option<String>),
    Tiff(Cow<'m, [u8]>),
    LeftOut(String),
    Failed(String),
}

/// A message and its plan.
pub(super) struct Plan<'m> {
    /// Its header lines, label and value, as they stand above its text.
    pub(super) heading: Vec<(&'static str, String)>,
    pub(super) items: Vec<Item<'m>>,
}

/// Reads a message; the plan borrows from it.
pub(super) fn parse<'m>(bytes: &'m [u8], limits: &Limits) -> Result<Message<'m>, RenderError> {
    if bytes.len() as u64 > limits.message_bytes_max {
        return Err(too_large("bytes", limits.message_bytes_max));
    }
    let message = MessageParser::default().parse(bytes).ok_or(RenderError::NotAMessage)?;
    match count_parts(&message) > limits.parts_max as usize {
        true => Err(too_large("parts", limits.parts_max.into())),
        false => Ok(message),
    }
}

/// Decides about every part.
///
/// # Errors
/// Where a limit is passed or a part cannot be faxed.
pub(super) fn plan<'m>(message: &'m Message<'m>, limits: &Limits) -> Result<Plan<'m>, RenderError> {
    let mut walk = Walk { limits, related: 0, items: Vec::new() };
    walk.message(message, 0)?;
    let mut items = walk.items;
    // Stable: the body's own parts keep their order, and so do the attachments.
    items.sort_by_key(|item| !item.body);
    refuse_failed(&items)?;
    match items.iter().all(|item| matches!(item.content, Content::LeftOut(_) | Content::Heading(_))) {
        true => Err(RenderError::Empty),
        false => Ok(Plan { heading: heading(message), items }),
    }
}

/// A file that did not come in a message.
pub(super) fn file<'m>(name: &str, bytes: Cow<'m, [u8]>) -> Item<'m> {
    let media_type = "application/octet-stream";
    Item {
        name: name.to_owned(),
        media_type: media_type.to_owned(),
        content: match bytes.is_empty() {
            true => Content::Failed("it is empty".into()),
            false => document(media_type, name, bytes),
        },
        flows_on: false,
        body: false,
    }
}

/// One part that cannot be faxed refuses all.
pub(super) fn refuse_failed(items: &[Item<'_>]) -> Result<(), RenderError> {
    let failed = items.iter().find_map(|item| match &item.content {
        Content::Failed(reason) => Some((&item.name, reason)),
        _ => None,
    });
    match failed {
        Some((name, reason)) => Err(RenderError::part(name, Failure::new(reason.clone()))),
        None => Ok(()),
    }
}

fn too_large(what: &'static str, max: u64) -> RenderError {
    RenderError::TooLarge { what, max }
}

fn count_parts(message: &Message<'_>) -> usize {
    let nested = |part: &MessagePart<'_>| match &part.body {
        PartType::Message(inner) => count_parts(inner),
        _ => 0,
    };
    message.parts.len() + message.parts.iter().map(nested).sum::<usize>()
}

struct Walk<'m, 'l> {
    limits: &'l Limits,
    /// How many multipart/related are open: their pictures belong into a text, whatever their disposition says.
    related: u32,
    items: Vec<Item<'m>>,
}

impl<'m> Walk<'m, '_> {
    fn message(&mut self, message: &'m Message<'m>, depth: u32) -> Result<(), RenderError> {
        self.part(message, 0, depth, depth == 0)
    }

    /// One part and all below it; `body` where it may be the message's own text.
    fn part(&mut self, message: &'m Message<'m>, id: u32, depth: u32, body: bool) -> Result<(), RenderError> {
        if depth > self.limits.depth_max {
            return Err(too_large("levels of parts within parts", self.limits.depth_max.into()));
        }
        let Some(part) = message.part(id) else {
            return Ok(());
        };
        match &part.body {
            PartType::Multipart(children) => self.multipart(message, part, children, depth, body),
            PartType::Message(inner) => self.forwarded(part, inner, depth),
            PartType::Text(text) | PartType::Html(text) => {
                if text.len() as u64 > self.limits.text_bytes_max {
                    return Err(too_large("bytes of text", self.limits.text_bytes_max));
                }
                let body = body && !is_attachment(part);
                self.items.push(text_item(part, text, body));
                Ok(())
            }
            PartType::Binary(bytes) | PartType::InlineBinary(bytes) => {
                let inline = self.related > 0 && part.content_id().is_some() || is_inline(part);
                self.items.push(binary_item(part, bytes, inline));
                Ok(())
            }
        }
    }

    fn multipart(
        &mut self,
        message: &'m Message<'m>,
        part: &'m MessagePart<'m>,
        children: &[u32],
        depth: u32,
        body: bool,
    ) -> Result<(), RenderError> {
        match subtype(part).as_str() {
            "alternative" => self.alternative(message, children, depth, body),
            "encrypted" => {
                self.items.push(Item {
                    name: "the message".into(),
                    media_type: media_type(part),
                    content: Content::Failed("it is encrypted, and this gateway has no key".into()),
                    flows_on: false,
                    body: true,
                });
                Ok(())
            }
            subtype => {
                let related = u32::from(subtype == "related");
                self.related += related;
                let mut children = children.iter();
                let done = children.try_for_each(|&child| self.part(message, child, depth + 1, body));
                self.related -= related;
                done
            }
        }
    }

    /// The version that says more goes to paper (RFC 2046 §5.1.4 prefers the last that can be shown).
    fn alternative(
        &mut self,
        message: &'m Message<'m>,
        children: &[u32],
        depth: u32,
        body: bool,
    ) -> Result<(), RenderError> {
        let mut versions = Vec::new();
        for &child in children {
            let start = self.items.len();
            self.part(message, child, depth + 1, body)?;
            versions.push(self.items.split_off(start));
        }
        let chosen = choose(&versions, self.limits);
        for (index, mut version) in versions.into_iter().enumerate() {
            if index != chosen {
                for item in &mut version {
                    item.leave_out("it is another version of the text that is faxed");
                }
            }
            self.items.append(&mut version);
        }
        Ok(())
    }

    fn forwarded(
        &mut self,
        part: &MessagePart<'m>,
        inner: &'m Message<'m>,
        depth: u32,
    ) -> Result<(), RenderError> {
        self.items.push(Item {
            name: name_or(part, "forwarded message"),
            media_type: media_type(part),
            content: Content::Heading(heading(inner)),
            flows_on: false,
            body: false,
        });
        let start = self.items.len();
        self.message(inner, depth + 1)?;
        if let Some(text) = self.items[start..].iter_mut().find(|item| item.is_text()) {
            text.flows_on = true;
        }
        Ok(())
    }
}

impl Item<'_> {
    fn is_text(&self) -> bool {
        matches!(self.content, Content::Text(..) | Content::Html(_))
    }

    fn leave_out(&mut self, reason: &str) {
        // A photograph that only one version shows is faxed all the same.
        if !matches!(self.content, Content::LeftOut(_) | Content::Inline(..)) {
            self.content = Content::LeftOut(reason.to_owned());
        }
    }
}

/// Which version of an alternative is faxed: the HTML one where the plain one says clearly less or cannot show its
/// tables, else the plain one; where neither is there, the last that can be faxed.
fn choose(versions: &[Vec<Item<'_>>], limits: &Limits) -> usize {
    let text_of = |index: usize| {
        versions[index].iter().find_map(|item| match &item.content {
            Content::Text(text, _) if item.media_type == "text/plain" => Some(text),
            _ => None,
        })
    };
    let html_of = |index: usize| {
        versions[index].iter().find_map(|item| match &item.content {
            Content::Html(html) => Some(html),
            _ => None,
        })
    };
    let plain = (0..versions.len()).find(|&index| text_of(index).is_some());
    let html = (0..versions.len()).find(|&index| html_of(index).is_some());
    match (plain, html) {
        (Some(plain), Some(html)) => {
            let says_more = match (text_of(plain), html_of(html)) {
                (Some(text), Some(source)) => html::says_more(source, text, limits),
                _ => false,
            };
            if says_more { html } else { plain }
        }
        (Some(only), None) | (None, Some(only)) => only,
        (None, None) => (0..versions.len())
            .rev()
            .find(|&index| versions[index].iter().all(|item| !matches!(item.content, Content::Failed(_))))
            .unwrap_or(0),
    }
}

fn text_item<'m>(part: &'m MessagePart<'m>, text: &'m Cow<'m, str>, body: bool) -> Item<'m> {
    let media_type = media_type(part);
    let name = name_or(part, "message text");
    let content = match kind::of(&media_type, &name, text.as_bytes()) {
        _ if text.trim().is_empty() => Content::LeftOut("it is empty".into()),
        Ok(Kind::Html) => Content::Html(Cow::Borrowed(text)),
        Ok(_) => Content::Text(Cow::Borrowed(text), format(part)),
        Err(reason) => Content::Failed(reason),
    };
    Item { name, media_type, content, flows_on: body, body }
}

fn binary_item<'m>(part: &'m MessagePart<'m>, bytes: &'m Cow<'m, [u8]>, inline: bool) -> Item<'m> {
    let media_type = media_type(part);
    let name = name_or(part, "attachment");
    let content = match security(&media_type, part) {
        Some(content) => content,
        None if bytes.is_empty() => Content::LeftOut("it is empty".into()),
        None => match document(&media_type, &name, Cow::Borrowed(bytes)) {
            Content::Picture(picture, bytes) if inline => Content::Inline(picture, bytes, content_id(part)),
            content => content,
        },
    };
    Item { name, media_type, content, flows_on: false, body: false }
}

/// A document of which only the bytes, the name and the declared type are known.
fn document<'m>(media_type: &str, name: &str, bytes: Cow<'m, [u8]>) -> Content<'m> {
    match kind::of(media_type, name, &bytes) {
        Ok(Kind::Text | Kind::Message) => Content::Text(Cow::Owned(decode(&bytes)), Format::Fixed),
        Ok(Kind::Html) => Content::Html(Cow::Owned(decode(&bytes))),
        Ok(Kind::Pdf) => Content::Pdf(bytes),
        Ok(Kind::Picture(picture)) => Content::Picture(picture, bytes),
        Ok(Kind::Tiff) => Content::Tiff(bytes),
        Err(reason) => Content::Failed(reason),
    }
}

/// Text whose charset nobody declared: by its byte order mark, as UTF-8, or as Windows-1252.
fn decode(bytes: &[u8]) -> String {
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

/// Signatures are left out and ciphertext fails (RFC 1847, RFC 8551 §3).
fn security(media_type: &str, part: &MessagePart<'_>) -> Option<Content<'static>> {
    let smime = part.content_type().and_then(|ct| ct.attribute("smime-type")).unwrap_or_default();
    match media_type {
        "application/pgp-signature" | "application/pkcs7-signature" | "application/x-pkcs7-signature" => {
            Some(Content::LeftOut("it is a digital signature, which says nothing on paper".into()))
        }
        "application/pkcs7-mime" | "application/x-pkcs7-mime"
            if smime.eq_ignore_ascii_case("signed-data") =>
        {
            Some(Content::Failed("it is signed in a form that hides the text; sign it in clear".into()))
        }
        "application/pkcs7-mime" | "application/x-pkcs7-mime" | "application/pgp-encrypted" => {
            Some(Content::Failed("it is encrypted, and this gateway has no key".into()))
        }
        _ => None,
    }
}

fn media_type(part: &MessagePart<'_>) -> String {
    match part.content_type() {
        Some(ct) => format!("{}/{}", ct.ctype(), ct.subtype().unwrap_or("octet-stream")).to_ascii_lowercase(),
        None if matches!(part.body, PartType::Text(_)) => "text/plain".into(),
        None => "application/octet-stream".into(),
    }
}

fn subtype(part: &MessagePart<'_>) -> String {
    let subtype = part.content_type().and_then(|ct| ct.subtype());
    subtype.unwrap_or_default().to_ascii_lowercase()
}

fn is_attachment(part: &MessagePart<'_>) -> bool {
    part.content_disposition().is_some_and(|disposition| disposition.is_attachment())
}

fn is_inline(part: &MessagePart<'_>) -> bool {
    part.content_disposition().is_some_and(|disposition| disposition.is_inline())
}

fn content_id(part: &MessagePart<'_>) -> Option<String> {
    part.content_id().map(|id| id.trim_matches(['<', '>']).to_owned())
}

fn name_or(part: &MessagePart<'_>, otherwise: &str) -> String {
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

/// The header lines that a reader wants to see.
fn heading(message: &Message<'_>) -> Vec<(&'static str, String)> {
    let mut lines = Vec::new();
    let mut add = |label, value: Option<String>| {
        if let Some(value) = value.filter(|value| !value.trim().is_empty()) {
            lines.push((label, value));
        }
    };
    add("From", message.from().map(addresses));
    add("To", message.to().map(addresses));
    add("Date", message.date().map(mail_parser::DateTime::to_rfc822));
    add("Subject", message.subject().map(str::to_owned));
    lines
}

fn addresses(address: &Address<'_>) -> String {
    let one = |addr: &mail_parser::Addr<'_>| match (addr.name(), addr.address()) {
        (Some(name), Some(address)) => format!("{name} <{address}>"),
        (Some(only), None) | (None, Some(only)) => only.to_owned(),
        (None, None) => String::new(),
    };
    address.iter().map(one).filter(|text| !text.is_empty()).collect::<Vec<_>>().join(", ")
}
