//! Files within a file: zip archives, unpacked one member after the other as far as the limits go.

use std::io::{Cursor, Read};

use zip::ZipArchive;
use zip::result::ZipError;

use super::super::error::{Failure, RenderError, guard};
use super::super::office::Format;
use super::super::options::Limits;
use super::too_large;

/// What an archive's first member is called where the archive is a document of another kind.
const DOCUMENTS: [&[u8]; 4] = [b"[Content_Types].xml", b"mimetype", b"_rels/", b"META-INF/"];
/// Where the name of the first member stands, and its length.
const NAME_LENGTH_AT: usize = 26;
const NAME_AT: usize = 30;
/// What some systems put beside the files: it says nothing on paper.
const CLUTTER: [&str; 4] = ["__MACOSX/", ".DS_Store", "Thumbs.db", "desktop.ini"];

/// A file from an archive.
pub(super) struct Member {
    /// Its path within the archive.
    pub(super) name: String,
    pub(super) content: Unpacked,
}

pub(super) enum Unpacked {
    Bytes(Vec<u8>),
    /// Why it is left out.
    LeftOut(String),
}

/// Whether this is an archive of files, and not an office document, which has the same form.
pub(super) fn is_archive(media_type: &str, name: &str, bytes: &[u8]) -> bool {
    if !bytes.starts_with(b"PK\x03\x04") || Format::of(media_type, name, bytes).is_some() {
        return false;
    }
    let length = bytes.get(NAME_LENGTH_AT..NAME_LENGTH_AT + 2).unwrap_or_default();
    let length = length.iter().rev().fold(0, |length, byte| length << 8 | usize::from(*byte));
    let name = bytes.get(NAME_AT..NAME_AT + length).unwrap_or_default();
    !DOCUMENTS.iter().any(|document| name.starts_with(document))
}

/// What may still be unpacked of one message: an archive within an archive counts again.
pub(super) struct Budget {
    bytes: u64,
    bytes_max: u64,
}

impl Budget {
    pub(super) fn new(limits: &Limits) -> Self {
        Self { bytes: limits.unpacked_bytes_max, bytes_max: limits.unpacked_bytes_max }
    }

    fn spent(&self) -> RenderError {
        too_large("bytes in its archives", self.bytes_max)
    }
}

/// All files of the archive.
///
/// # Errors
/// Where it has more files than parts are allowed, or more bytes than the budget; inside, where it cannot be read.
pub(super) fn unpack(
    bytes: &[u8],
    limits: &Limits,
    budget: &mut Budget,
) -> Result<Result<Vec<Member>, Failure>, RenderError> {
    let opened = guard("archive", || ZipArchive::new(Cursor::new(bytes)).map_err(|error| damaged(&error)));
    let mut archive = match opened {
        Ok(archive) => archive,
        Err(failure) => return Ok(Err(failure)),
    };
    if archive.len() > limits.parts_max as usize {
        return Err(too_large("parts", limits.parts_max.into()));
    }
    let mut members = Vec::new();
    for index in 0..archive.len() {
        let left = budget.bytes;
        match guard("archive", || member(&mut archive, index, left)) {
            Ok(None) => {}
            Ok(Some(member)) => {
                if let Unpacked::Bytes(bytes) = &member.content {
                    budget.bytes = left.checked_sub(bytes.len() as u64).ok_or_else(|| budget.spent())?;
                }
                members.push(member);
            }
            Err(failure) => return Ok(Err(failure)),
        }
    }
    Ok(Ok(members))
}

/// One file, or one octet more of it than `left`; `None` where it is a folder.
fn member(
    archive: &mut ZipArchive<Cursor<&[u8]>>,
    index: usize,
    left: u64,
) -> Result<Option<Member>, Failure> {
    let file = archive.by_index(index).map_err(|error| damaged(&error))?;
    if file.is_dir() {
        return Ok(None);
    }
    let name = file.name().map_err(|error| damaged(&error))?.into_owned();
    if CLUTTER.iter().any(|clutter| name.starts_with(clutter) || name.ends_with(clutter)) {
        let content = Unpacked::LeftOut("a computer put it there for itself".into());
        return Ok(Some(Member { name, content }));
    }
    let mut bytes = Vec::new();
    // What the archive says of sizes is not believed.
    let read = file.take(left.saturating_add(1)).read_to_end(&mut bytes);
    read.map_err(|error| Failure::caused("the archive is damaged", error.to_string()))?;
    Ok(Some(Member { name, content: Unpacked::Bytes(bytes) }))
}

fn damaged(error: &ZipError) -> Failure {
    match error {
        ZipError::UnsupportedArchive(ZipError::PASSWORD_REQUIRED) => {
            Failure::new("the archive is encrypted with a password; send its files without one")
        }
        error => Failure::caused("the archive is damaged", error.to_string()),
    }
}
