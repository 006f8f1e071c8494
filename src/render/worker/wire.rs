//! What the gateway and a worker say to each other, over a socket: a kind, a length, so many octets.
//!
//! The gateway says first how the worker is to be shut in; then, for every message, an order and the message. The worker
//! answers with the steps of its work, with pages, and with the end; in between it may ask for the PDF of an office
//! document, since it may start no program itself. It has met strangers' bytes, so the gateway
//! believes nothing of what it says beyond its form and the limits.

use std::io::{self, ErrorKind, Read, Write};

use fax::page::{Page, Resolution};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::super::Manifest;
use super::super::error::RenderError;
use super::super::office::Format;
use super::super::options::Limits;
use super::super::task::Task;
use super::WorkersConfig;

/// Octets of anything but a message or a page.
const TEXT_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Octets of a page: 4,864 pixels, and 40,000 rows of them (2½ metres at 400 dpi).
const PAGE_BYTES_MAX: usize = 4864 / 8 * 40_000;
/// Octets of an office document, and of the PDF that is made of it.
const DOCUMENT_BYTES_MAX: usize = 256 * 1024 * 1024;
/// Octets of the name of an office document.
const NAME_BYTES_MAX: usize = 4096;
/// Resolution and width before the bits of a page.
const PAGE_HEAD_BYTES: usize = 5;

/// The first words to a worker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Setup {
    pub(super) config: WorkersConfig,
}

/// The first words of a worker: how it is shut in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Ready {
    pub(super) confined: String,
}

/// What is to be done with the message that follows; `office` where the gateway can convert office documents.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case")]
pub(super) enum Order {
    Survey { limits: Limits, office: bool },
    Message { task: Box<Task>, office: bool },
}

/// What a worker says of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// The work on this part begins.
    Part(String),
    /// A page is ready.
    Page(Page),
    /// The gateway shall make a PDF of this office document.
    Office(Format, String, Vec<u8>),
    /// All is done; a survey has no manifest.
    Done(Result<Option<Manifest>, RenderError>),
}

const PART: u8 = b'p';
const PAGE: u8 = b'i';
const OFFICE: u8 = b'o';
const DONE: u8 = b'd';
/// A PDF, for a worker that asked for one; or why there is none.
const PDF: u8 = b'f';
const NO_PDF: u8 = b'n';
/// Setup, ready, order and message.
const WORDS: u8 = b'w';

/// Sends a value.
pub(super) fn write_words<T: Serialize>(to: &mut impl Write, words: &T) -> io::Result<()> {
    write_frame(to, WORDS, &serde_json::to_vec(words)?)
}

/// Receives a value.
pub(super) fn read_words<T: DeserializeOwned>(from: &mut impl Read) -> io::Result<T> {
    match read_frame(from, |_| TEXT_BYTES_MAX)? {
        (WORDS, bytes) => Ok(serde_json::from_slice(&bytes)?),
        (kind, _) => Err(unexpected(kind)),
    }
}

/// Sends a message.
pub(super) fn write_message(to: &mut impl Write, message: &[u8]) -> io::Result<()> {
    write_frame(to, WORDS, message)
}

/// Receives a message. It comes from the gateway, which has counted it.
pub(super) fn read_message(from: &mut impl Read) -> io::Result<Vec<u8>> {
    read_frame(from, |_| usize::MAX).map(|(_, bytes)| bytes)
}

/// Sends a step, a page or the end.
pub(super) fn write_reply(to: &mut impl Write, reply: &Reply) -> io::Result<()> {
    match reply {
        Reply::Part(name) => write_frame(to, PART, name.as_bytes()),
        Reply::Page(page) => {
            let mut bytes = Vec::with_capacity(PAGE_HEAD_BYTES + page.bits().len());
            let resolution = Resolution::ALL.iter().position(|known| *known == page.resolution());
            bytes.push(resolution.and_then(|index| u8::try_from(index).ok()).unwrap_or(u8::MAX));
            bytes.extend(page.width().to_be_bytes());
            bytes.extend(page.bits());
            write_frame(to, PAGE, &bytes)
        }
        Reply::Office(format, name, document) => write_office(to, *format, name, document),
        Reply::Done(end) => write_frame(to, DONE, &serde_json::to_vec(end)?),
    }
}

/// Sends the PDF of an office document, or why there is none.
pub(super) fn write_pdf(to: &mut impl Write, made: &Result<Vec<u8>, RenderError>) -> io::Result<()> {
    match made {
        Ok(pdf) => write_frame(to, PDF, pdf),
        Err(error) => write_frame(to, NO_PDF, &serde_json::to_vec(error)?),
    }
}

/// Receives it.
pub(super) fn read_pdf(from: &mut impl Read) -> io::Result<Result<Vec<u8>, RenderError>> {
    match read_frame(from, |_| DOCUMENT_BYTES_MAX)? {
        (PDF, pdf) => Ok(Ok(pdf)),
        (NO_PDF, bytes) => Ok(Err(serde_json::from_slice(&bytes)?)),
        (kind, _) => Err(unexpected(kind)),
    }
}

/// The number of the format and the length of the name, before the name and the document.
const OFFICE_HEAD_BYTES: usize = 3;

fn write_office(to: &mut impl Write, format: Format, name: &str, document: &[u8]) -> io::Result<()> {
    let number = Format::ALL.iter().position(|known| *known == format);
    let name = &name.as_bytes()[..name.floor_char_boundary(NAME_BYTES_MAX)];
    let length = u16::try_from(name.len()).map_err(|_| invalid("too long"))?.to_be_bytes();
    let mut bytes = Vec::with_capacity(OFFICE_HEAD_BYTES + name.len() + document.len());
    bytes.push(number.and_then(|number| u8::try_from(number).ok()).unwrap_or(u8::MAX));
    bytes.extend(length);
    bytes.extend(name);
    bytes.extend(document);
    write_frame(to, OFFICE, &bytes)
}

fn office(mut bytes: Vec<u8>) -> Option<Reply> {
    let format = *Format::ALL.get(usize::from(*bytes.first()?))?;
    let length = u16::from_be_bytes(bytes.get(1..OFFICE_HEAD_BYTES)?.try_into().ok()?);
    let end = OFFICE_HEAD_BYTES + usize::from(length);
    let name = String::from_utf8(bytes.get(OFFICE_HEAD_BYTES..end)?.to_vec()).ok()?;
    bytes.drain(..end);
    (!bytes.is_empty() && name.len() <= NAME_BYTES_MAX).then_some(Reply::Office(format, name, bytes))
}

/// Receives a step, a page or the end.
///
/// # Errors
/// Where the other side is gone, or says something else.
pub fn read_reply(from: &mut impl Read) -> io::Result<Reply> {
    let bytes_max = |kind| match kind {
        PAGE => PAGE_HEAD_BYTES + PAGE_BYTES_MAX,
        OFFICE => OFFICE_HEAD_BYTES + NAME_BYTES_MAX + DOCUMENT_BYTES_MAX,
        _ => TEXT_BYTES_MAX,
    };
    let (kind, bytes) = read_frame(from, bytes_max)?;
    match kind {
        PART => Ok(Reply::Part(String::from_utf8_lossy(&bytes).into_owned())),
        PAGE => page(bytes).map(Reply::Page).ok_or_else(|| invalid("a page that is none")),
        OFFICE => office(bytes).ok_or_else(|| invalid("a document that is none")),
        DONE => Ok(Reply::Done(serde_json::from_slice(&bytes)?)),
        kind => Err(unexpected(kind)),
    }
}

fn page(mut bytes: Vec<u8>) -> Option<Page> {
    let resolution = *Resolution::ALL.get(usize::from(*bytes.first()?))?;
    let width = u32::from_be_bytes(bytes.get(1..PAGE_HEAD_BYTES)?.try_into().ok()?);
    bytes.drain(..PAGE_HEAD_BYTES);
    Page::from_bits(width, resolution, bytes).filter(|page| page.width() > 0 && page.rows() > 0)
}

fn write_frame(to: &mut impl Write, kind: u8, bytes: &[u8]) -> io::Result<()> {
    let length = u32::try_from(bytes.len()).map_err(|_| invalid("too long"))?;
    let mut head = [kind, 0, 0, 0, 0];
    head[1..].copy_from_slice(&length.to_be_bytes());
    to.write_all(&head)?;
    to.write_all(bytes)?;
    to.flush()
}

fn read_frame(from: &mut impl Read, bytes_max: impl Fn(u8) -> usize) -> io::Result<(u8, Vec<u8>)> {
    let mut head = [0; 5];
    from.read_exact(&mut head)?;
    let [kind, length @ ..] = head;
    let length = u32::from_be_bytes(length);
    if length as usize > bytes_max(kind) {
        return Err(invalid("too long"));
    }
    // Memory is taken as the octets come, and not for what is announced.
    let mut bytes = Vec::new();
    let got = from.take(length.into()).read_to_end(&mut bytes)?;
    if got < length as usize { Err(ErrorKind::UnexpectedEof.into()) } else { Ok((kind, bytes)) }
}

fn unexpected(kind: u8) -> io::Error {
    invalid(&format!("a frame of kind {kind}"))
}

fn invalid(what: &str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, what)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn round(reply: &Reply) -> Reply {
        let mut bytes = Vec::new();
        write_reply(&mut bytes, reply).unwrap();
        read_reply(&mut &bytes[..]).unwrap()
    }

    #[test]
    fn replies_come_as_they_were_sent() {
        let mut page = Page::white(1728, 3, Resolution::R204x98);
        page.set(1727, 2, true);
        let refusal = RenderError::TooLarge { what: "pages".into(), max: 5 };
        for reply in [
            Reply::Part("scan.pdf".into()),
            Reply::Page(page),
            Reply::Done(Ok(Some(Manifest { pages: 3, ..Manifest::default() }))),
            Reply::Office(Format::Xlsx, "Übersicht.xlsx".into(), b"PK".to_vec()),
            Reply::Done(Err(refusal)),
        ] {
            assert_eq!(round(&reply), reply);
        }
    }

    #[test]
    fn what_is_announced_and_does_not_come_takes_no_memory() {
        let error = read_reply(&mut &b"i\x01\x00\x00\x00ab"[..]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
        let error = read_reply(&mut &b"d\xff\xff\xff\xff"[..]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidData);
        let error = read_reply(&mut &b"i\0\0\0\x05\x09\0\0\x06\xc0"[..]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidData);
    }
}
