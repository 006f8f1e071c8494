//! Files within files: what archives, Outlook and uuencode have packed, each as if it had been attached.

use std::borrow::Cow;

use mail_parser::MessagePart;

use super::super::error::{Failure, RenderError, guard};
use super::super::text::Format;
use super::archive::{self, Unpacked, is_archive};
use super::part::{self, file, text_item};
use super::tnef::{self, Tnef};
use super::{Content, Item, Walk, too_large, uuencode};

/// Why the text in a file from Outlook is left out, and why it fails.
const ONCE_MORE: &str = "it is the message's text once more, as Outlook keeps it";
const ONLY_OUTLOOK: &str = "its text is in a form that only Outlook reads; send it as plain text or HTML";

impl<'m> Walk<'m, '_> {
    /// A text with files in it, which come after it as if they had been attached.
    pub(super) fn uuencoded(
        &mut self,
        part: &'m MessagePart<'m>,
        split: uuencode::Split,
        body: bool,
        depth: u32,
    ) -> Result<(), RenderError> {
        self.items.push(text_item(part, Cow::Owned(split.text), body, self.limits));
        for (name, bytes) in split.files {
            self.file(&name, "application/octet-stream", bytes, depth)?;
        }
        Ok(())
    }

    /// What Outlook has packed: its files, and its text where the message has no other.
    pub(super) fn tnef(
        &mut self,
        name: &str,
        media_type: &str,
        bytes: &[u8],
        depth: u32,
    ) -> Result<(), RenderError> {
        let tnef = guard("file from Outlook", || tnef::read(bytes));
        let has_text = self.items.iter().any(|item| item.body && item.is_text());
        let (content, files) = match tnef {
            Err(failure) => (Some(Content::Failed(failure)), Vec::new()),
            Ok(Tnef { files, html, text, has_rtf }) => {
                let content = match (html, text) {
                    (Some(_), _) | (_, Some(_)) if has_text => Some(Content::LeftOut(ONCE_MORE.into())),
                    (None, None) if has_rtf && has_text => Some(Content::LeftOut(ONCE_MORE.into())),
                    (Some(html), _) => Some(part::html_content(&part::decode(&html), self.limits)),
                    (None, Some(text)) => Some(Content::Text(Cow::Owned(text), Format::Fixed)),
                    (None, None) if has_rtf => Some(Content::Failed(Failure::new(ONLY_OUTLOOK))),
                    (None, None) if files.is_empty() => Some(Content::LeftOut(part::EMPTY.into())),
                    (None, None) => None,
                };
                (content, files)
            }
        };
        self.items.extend(content.map(|content| Item {
            name: name.to_owned(),
            media_type: media_type.to_owned(),
            body: matches!(content, Content::Text(..) | Content::Html(_)),
            flows_on: false,
            content,
        }));
        files.into_iter().try_for_each(|(name, bytes)| self.file(&name, media_type, bytes, depth))
    }

    /// A file that was unpacked.
    fn file(&mut self, path: &str, media_type: &str, bytes: Vec<u8>, depth: u32) -> Result<(), RenderError> {
        self.members += 1;
        if self.members > self.limits.parts_max as usize {
            return Err(too_large("parts", self.limits.parts_max.into()));
        }
        if is_archive("", path, &bytes) {
            return self.archive(path, media_type, &bytes, depth + 1);
        }
        self.items.push(match bytes.is_empty() {
            true => part::left_out(path, part::EMPTY.into()),
            false => file(path, Cow::Owned(bytes), self.limits),
        });
        Ok(())
    }

    /// The files of an archive, each as if it had been attached.
    pub(super) fn archive(
        &mut self,
        name: &str,
        media_type: &str,
        bytes: &[u8],
        depth: u32,
    ) -> Result<(), RenderError> {
        if depth > self.limits.depth_max {
            return Err(too_large("levels of parts within parts", self.limits.depth_max.into()));
        }
        let itself = |content| Item {
            name: name.to_owned(),
            media_type: media_type.to_owned(),
            content,
            flows_on: false,
            body: false,
        };
        let members = match archive::unpack(bytes, self.limits, &mut self.budget)? {
            Ok(members) if members.is_empty() => {
                self.items.push(itself(Content::LeftOut("the archive is empty".into())));
                return Ok(());
            }
            Ok(members) => members,
            Err(failure) => {
                self.items.push(itself(Content::Failed(failure)));
                return Ok(());
            }
        };
        for member in members {
            let path = format!("{name}/{}", member.name);
            match member.content {
                Unpacked::LeftOut(reason) => self.items.push(part::left_out(&path, reason)),
                Unpacked::Bytes(bytes) => self.file(&path, "application/zip", bytes, depth)?,
            }
        }
        Ok(())
    }
}
