//! Files from the command line, as the message that a mail program would have made of them.

use std::path::{Path, PathBuf};

use mail_builder::MessageBuilder;
use mail_builder::headers::content_type::ContentType;
use mail_builder::mime::MimePart;

use super::Failure;

/// A file and its name.
pub(super) struct NamedFile {
    pub(super) name: String,
    pub(super) bytes: Vec<u8>,
}

/// Reads the files.
pub(super) fn read(paths: &[PathBuf]) -> Result<Vec<NamedFile>, Failure> {
    paths.iter().map(|path| read_one(path)).collect()
}

fn read_one(path: &Path) -> Result<NamedFile, Failure> {
    let bytes =
        std::fs::read(path).map_err(|error| Failure::failed(format!("{}: {error}", path.display())))?;
    let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
    Ok(NamedFile { name, bytes })
}

/// One message with the files as attachments, in order.
pub(super) fn message(
    files: &[NamedFile],
    from: Option<&str>,
    subject: Option<&str>,
) -> Result<Vec<u8>, Failure> {
    let parts: Vec<MimePart<'_>> = files.iter().map(attachment).collect();
    let names = || files.iter().map(|file| file.name.as_str()).collect::<Vec<_>>().join(", ");
    let subject = subject.map_or_else(names, str::to_owned);
    let body = MimePart::new("multipart/mixed", parts);
    let mut message = MessageBuilder::new().subject(subject).body(body);
    if let Some(from) = from {
        message = message.from(from.to_owned());
    }
    message.write_to_vec().map_err(Failure::failed)
}

fn attachment(file: &NamedFile) -> MimePart<'_> {
    let media_type = media_type(&file.name);
    let content_type = ContentType::new(media_type);
    let content_type = if media_type.starts_with("text/") {
        content_type.attribute("charset", if file.bytes.is_ascii() { "us-ascii" } else { "utf-8" })
    } else {
        content_type
    };
    MimePart::new(content_type, file.bytes.clone()).attachment(file.name.clone())
}

/// The media type that a name suggests; the renderer looks at the content where this says nothing.
fn media_type(name: &str) -> &'static str {
    let extension = name.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase());
    match extension.as_deref() {
        Some("txt") => "text/plain",
        Some("html" | "htm") => "text/html",
        Some("pdf") => "application/pdf",
        Some("png") => "image/png",
        Some("jpg" | "jpeg") => "image/jpeg",
        Some("gif") => "image/gif",
        Some("tif" | "tiff") => "image/tiff",
        _ => "application/octet-stream",
    }
}
