//! A mail message as a plan: which parts become pages, in which order, and which are left out or cannot be faxed.
//!
//! RFC 2046 (multipart), RFC 2387 (related), RFC 1847 (signed, encrypted), RFC 3965 §2.2.4 (a part that cannot be
//! converted refuses the message). The body goes first, then the attachments in their order; a forwarded message
//! comes whole, with its header lines, at the place where it is attached.

mod archive;
mod heading;
mod parse;
mod part;
mod tnef;
mod unpack;
mod uuencode;

use std::borrow::Cow;

use mail_parser::{Message, MessagePart, MimeHeaders, PartType};

use super::error::{Failure, RenderError};
use super::html;
use super::kind::Picture;
use super::office::Format as Office;
use super::options::Limits;
use super::text::Format;
use archive::{Budget, is_archive};
use heading::heading;
pub use parse::is_plain_text;
pub(super) use parse::parse;
pub(super) use part::file;
use part::{binary_item, is_attachment, is_inline, media_type, name_or, subtype, text_item};

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
    Html(Box<html::Document>),
    /// The header lines of a forwarded message, label and value.
    Heading(Vec<(&'static str, String)>),
    Pdf(Cow<'m, [u8]>),
    Picture(Picture, Cow<'m, [u8]>),
    /// A picture that belongs into the text; where its Content-ID is known, HTML can say at which place.
    Inline(Picture, Cow<'m, [u8]>, Option<String>),
    Tiff(Cow<'m, [u8]>),
    Office(Office, Cow<'m, [u8]>),
    LeftOut(String),
    Failed(Failure),
}

/// A message and its plan.
pub(super) struct Plan<'m> {
    /// Its header lines, label and value, as they stand above its text.
    pub(super) heading: Vec<(&'static str, String)>,
    pub(super) items: Vec<Item<'m>>,
}

/// Decides about every part; `office` where office documents can be converted.
///
/// # Errors
/// Where a limit is passed or a part cannot be faxed.
pub(super) fn plan<'m>(
    message: &'m Message<'m>,
    limits: &Limits,
    office: bool,
) -> Result<Plan<'m>, RenderError> {
    let mut walk = Walk::new(limits);
    walk.message(message, 0)?;
    let mut items = walk.items;
    // Stable: the body's own parts keep their order, and so do the attachments.
    items.sort_by_key(|item| !item.body);
    settle_office(&mut items, office);
    refuse_failed(&items)?;
    match items.iter().all(|item| matches!(item.content, Content::LeftOut(_) | Content::Heading(_))) {
        true => Err(RenderError::Empty),
        false => Ok(Plan { heading: heading(message), items }),
    }
}

/// Office documents fail where nobody can convert them, and where somebody can, a table in text is one of them.
pub(super) fn settle_office(items: &mut [Item<'_>], is_there: bool) {
    for item in items {
        match &mut item.content {
            Content::Office(format, _) if !is_there => item.content = Content::Failed(format.no_program()),
            Content::Text(text, _)
                if is_there && !item.body && Office::is_csv(&item.media_type, &item.name) =>
            {
                let text = std::mem::take(text).into_owned();
                item.content = Content::Office(Office::Csv, Cow::Owned(text.into_bytes()));
            }
            _ => {}
        }
    }
}

/// One part that cannot be faxed refuses all.
pub(super) fn refuse_failed(items: &[Item<'_>]) -> Result<(), RenderError> {
    let failed = items.iter().find_map(|item| match &item.content {
        Content::Failed(failure) => Some((&item.name, failure)),
        _ => None,
    });
    match failed {
        Some((name, failure)) => Err(RenderError::part(name, failure.clone())),
        None => Ok(()),
    }
}

fn too_large(what: &'static str, max: u64) -> RenderError {
    RenderError::TooLarge { what: what.into(), max }
}

struct Walk<'m, 'l> {
    limits: &'l Limits,
    /// How many multipart/related are open: their pictures belong into a text, whatever their disposition says.
    related: u32,
    /// Files that came out of archives.
    members: usize,
    budget: Budget,
    items: Vec<Item<'m>>,
}

impl<'m, 'l> Walk<'m, 'l> {
    fn new(limits: &'l Limits) -> Self {
        Self { limits, related: 0, members: 0, budget: Budget::new(limits), items: Vec::new() }
    }

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
                match uuencode::split(text).filter(|_| subtype(part) != "html") {
                    Some(split) => self.uuencoded(part, split, body, depth),
                    None => {
                        self.items.push(text_item(part, Cow::Borrowed(text), body, self.limits));
                        Ok(())
                    }
                }
            }
            PartType::Binary(bytes) | PartType::InlineBinary(bytes)
                if is_archive(&media_type(part), &name_or(part, ""), bytes) =>
            {
                self.archive(&name_or(part, "archive"), &media_type(part), bytes, depth)
            }
            PartType::Binary(bytes) | PartType::InlineBinary(bytes) if tnef::is_tnef(bytes) => {
                self.tnef(&name_or(part, "winmail.dat"), &media_type(part), bytes, depth)
            }
            PartType::Binary(bytes) | PartType::InlineBinary(bytes) => {
                let inline = self.related > 0 && part.content_id().is_some() || is_inline(part);
                self.items.push(binary_item(part, bytes, inline, self.limits));
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
                    content: part::encrypted(),
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

    /// One version goes to paper (RFC 2046 §5.1.4 prefers the last that can be shown).
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
        let chosen = choose(&versions);
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
    /// Whether it is text of the message itself, and no file.
    pub(super) fn is_own_text(&self) -> bool {
        self.body && self.is_text()
    }

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

/// Which version of an alternative is faxed: the HTML one, which is what its reader saw, unless it says clearly less than
/// the plain one; where neither is there, the last that can be faxed.
fn choose(versions: &[Vec<Item<'_>>]) -> usize {
    let text_of = |index: usize| {
        versions[index].iter().find_map(|item| match &item.content {
            Content::Text(text, _) if item.media_type == "text/plain" => Some(text),
            _ => None,
        })
    };
    let html_of = |index: usize| {
        versions[index].iter().find_map(|item| match &item.content {
            Content::Html(document) => Some(document),
            _ => None,
        })
    };
    let plain = (0..versions.len()).find(|&index| text_of(index).is_some());
    let html = (0..versions.len()).find(|&index| html_of(index).is_some());
    match (plain, html) {
        (Some(plain), Some(html)) => {
            let says_less = match (text_of(plain), html_of(html)) {
                (Some(text), Some(document)) => document.says_less(text),
                _ => true,
            };
            if says_less { plain } else { html }
        }
        (Some(only), None) | (None, Some(only)) => only,
        (None, None) => (0..versions.len())
            .rev()
            .find(|&index| versions[index].iter().all(|item| !matches!(item.content, Content::Failed(_))))
            .unwrap_or(0),
    }
}
