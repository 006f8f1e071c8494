//! Which office documents there are, how each is known, and what LibreOffice calls them.
//!
//! Each has its own mark: OOXML (ECMA-376) and OpenDocument are zip archives of known members, the documents of before
//! 2007 are compound files (MS-CFB) of known streams, RTF says what it is. Only CSV is known by name and type alone.

use std::io::{Cursor, Read};

use serde::{Deserialize, Serialize};
use zip::ZipArchive;

use super::super::error::Failure;

/// A kind of office document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "each is called by the end of its name")]
pub enum Format {
    Docx,
    Xlsx,
    Pptx,
    Odt,
    Ods,
    Odp,
    Odg,
    Rtf,
    Doc,
    Xls,
    Ppt,
    Csv,
}

/// Why a document is refused that is encrypted: a clause.
const ENCRYPTED: &str = "it is encrypted with a password; save it without one and send that";
const ZIP: &[u8] = b"PK\x03\x04";
const COMPOUND_FILE: &[u8] = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1";
/// The directory entries of a compound file stand at multiples of this (MS-CFB §2.6.1).
const ENTRY_BYTES: usize = 128;
/// As much of an archive's list of contents as is looked at.
const MANIFEST_BYTES_MAX: u64 = 256 * 1024;

impl Format {
    /// All of them, in the order of their numbers on the wire.
    pub(in super::super) const ALL: [Self; 12] = [
        Self::Docx,
        Self::Xlsx,
        Self::Pptx,
        Self::Odt,
        Self::Ods,
        Self::Odp,
        Self::Odg,
        Self::Rtf,
        Self::Doc,
        Self::Xls,
        Self::Ppt,
        Self::Csv,
    ];

    /// The end of a file name, as LibreOffice knows it.
    pub(super) fn extension(self) -> &'static str {
        match self {
            Self::Docx => "docx",
            Self::Xlsx => "xlsx",
            Self::Pptx => "pptx",
            Self::Odt => "odt",
            Self::Ods => "ods",
            Self::Odp => "odp",
            Self::Odg => "odg",
            Self::Rtf => "rtf",
            Self::Doc => "doc",
            Self::Xls => "xls",
            Self::Ppt => "ppt",
            Self::Csv => "csv",
        }
    }

    /// What people call it.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Docx | Self::Doc | Self::Rtf => "Word document",
            Self::Xlsx | Self::Xls => "Excel sheet",
            Self::Pptx | Self::Ppt => "PowerPoint presentation",
            Self::Odt => "LibreOffice document",
            Self::Ods => "LibreOffice sheet",
            Self::Odp => "LibreOffice presentation",
            Self::Odg => "LibreOffice drawing",
            Self::Csv => "table",
        }
    }

    /// The filter that shall read it, so that a document of one kind is not tried as all others. Of the kinds before 2007
    /// there are several versions, which LibreOffice tells apart itself.
    pub(super) fn filter(self, bytes: &[u8]) -> Option<String> {
        let name = match self {
            Self::Docx => "MS Word 2007 XML",
            Self::Xlsx => "Calc MS Excel 2007 XML",
            Self::Pptx => "Impress MS PowerPoint 2007 XML",
            Self::Odt => "writer8",
            Self::Ods => "calc8",
            Self::Odp => "impress8",
            Self::Odg => "draw8",
            Self::Rtf => "Rich Text Format",
            Self::Doc | Self::Xls | Self::Ppt => return None,
            // What parts the cells, the quotation mark, and UTF-8.
            Self::Csv => {
                let separator = separator(bytes);
                return Some(format!("Text - txt - csv (StarCalc):{separator},34,76"));
            }
        };
        Some(name.into())
    }

    /// Why it is refused where there is no LibreOffice.
    pub(in super::super) fn no_program(self) -> Failure {
        let words = self.words();
        let article = if words.starts_with('E') { "an" } else { "a" };
        Failure::new(format!(
            "it is {article} {words}, and this gateway has no LibreOffice to read it; send it as PDF"
        ))
    }

    /// The format by the first bytes, or by name and media type where they only say that it is of that family;
    /// inside, why it is refused.
    pub(in super::super) fn of(media_type: &str, name: &str, bytes: &[u8]) -> Option<Result<Self, String>> {
        if bytes.starts_with(b"{\\rtf") {
            Some(Ok(Self::Rtf))
        } else if bytes.starts_with(ZIP) {
            of_zip(media_type, name, bytes)
        } else if bytes.starts_with(COMPOUND_FILE) {
            of_compound_file(media_type, name, bytes)
        } else {
            None
        }
    }

    /// A table in text, which only its name or its type says.
    pub(in super::super) fn is_csv(media_type: &str, name: &str) -> bool {
        let by_type = matches!(media_type, "text/csv" | "text/tab-separated-values");
        by_type || matches!(ending(name).as_str(), "csv" | "tsv")
    }

    fn by_word(media_type: &str, name: &str) -> Option<Self> {
        let by_name = match ending(name).as_str() {
            "docx" | "docm" | "dotx" | "dotm" => Some(Self::Docx),
            "xlsx" | "xlsm" | "xltx" | "xltm" => Some(Self::Xlsx),
            "pptx" | "pptm" | "ppsx" | "ppsm" | "potx" => Some(Self::Pptx),
            "odt" | "ott" => Some(Self::Odt),
            "ods" | "ots" => Some(Self::Ods),
            "odp" | "otp" => Some(Self::Odp),
            "odg" => Some(Self::Odg),
            "doc" | "dot" => Some(Self::Doc),
            "xls" | "xlt" => Some(Self::Xls),
            "ppt" | "pps" | "pot" => Some(Self::Ppt),
            _ => None,
        };
        by_name.or_else(|| match media_type {
            "application/msword" => Some(Self::Doc),
            "application/vnd.ms-excel" => Some(Self::Xls),
            "application/vnd.ms-powerpoint" => Some(Self::Ppt),
            _ => ooxml(media_type).or_else(|| opendocument(media_type)),
        })
    }

    fn is_zip(self) -> bool {
        !matches!(self, Self::Doc | Self::Xls | Self::Ppt | Self::Rtf | Self::Csv)
    }
}

fn ending(name: &str) -> String {
    name.rsplit_once('.').map(|(_, end)| end.to_ascii_lowercase()).unwrap_or_default()
}

fn ooxml(media_type: &str) -> Option<Format> {
    let rest = media_type.strip_prefix("application/vnd.openxmlformats-officedocument.")?;
    match rest.split('.').next()? {
        "wordprocessingml" => Some(Format::Docx),
        "spreadsheetml" => Some(Format::Xlsx),
        "presentationml" => Some(Format::Pptx),
        _ => None,
    }
}

fn opendocument(media_type: &str) -> Option<Format> {
    let rest = media_type.strip_prefix("application/vnd.oasis.opendocument.")?;
    match rest.trim_end_matches("-template") {
        "text" => Some(Format::Odt),
        "spreadsheet" => Some(Format::Ods),
        "presentation" => Some(Format::Odp),
        "graphics" => Some(Format::Odg),
        _ => None,
    }
}

fn of_zip(media_type: &str, name: &str, bytes: &[u8]) -> Option<Result<Format, String>> {
    let word = || Format::by_word(media_type, name).filter(|format| format.is_zip());
    let Ok(mut archive) = ZipArchive::new(Cursor::new(bytes)) else {
        // A damaged one is what its name says; LibreOffice mends some.
        return word().map(Ok);
    };
    let mut read = |member: &str| {
        let mut text = String::new();
        let file = archive.by_name(member).ok()?;
        file.take(MANIFEST_BYTES_MAX).read_to_string(&mut text).ok()?;
        Some(text)
    };
    if let Some(format) = read("mimetype").and_then(|text| opendocument(text.trim())) {
        let manifest = read("META-INF/manifest.xml").unwrap_or_default();
        let is_encrypted = manifest.contains(":encryption-data");
        return Some(if is_encrypted { Err(ENCRYPTED.into()) } else { Ok(format) });
    }
    let main = [
        ("word/document.xml", Format::Docx),
        ("xl/workbook.xml", Format::Xlsx),
        ("ppt/presentation.xml", Format::Pptx),
    ];
    let known = main.iter().find(|(member, _)| archive.index_for_name(member).is_some());
    match known {
        Some((_, format)) => Some(Ok(*format)),
        None => archive.index_for_name("[Content_Types].xml").and_then(|_| word()).map(Ok),
    }
}

fn of_compound_file(media_type: &str, name: &str, bytes: &[u8]) -> Option<Result<Format, String>> {
    let has = |stream: &str| {
        let wide: Vec<u8> = stream.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect();
        let mut entries = (0..bytes.len()).step_by(ENTRY_BYTES);
        entries.any(|at| bytes[at..].starts_with(&wide))
    };
    if has("EncryptedPackage") {
        return Some(Err(ENCRYPTED.into()));
    }
    let streams = [
        ("WordDocument", Format::Doc),
        ("Workbook", Format::Xls),
        ("Book", Format::Xls),
        ("PowerPoint Document", Format::Ppt),
    ];
    let known = streams.iter().find(|(stream, _)| has(stream)).map(|(_, format)| *format);
    known.or_else(|| Format::by_word(media_type, name).filter(|format| !format.is_zip())).map(Ok)
}

/// What parts the cells of a table: what its first line has most of.
fn separator(bytes: &[u8]) -> u8 {
    let line = bytes.split(|&byte| byte == b'\n').next().unwrap_or_default();
    let count = |mark: u8| line.iter().filter(|&&byte| byte == mark).count();
    let mut best = b',';
    for mark in [b';', b'\t'] {
        if count(mark) > count(best) {
            best = mark;
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    fn archive(members: &[(&str, &str)]) -> Vec<u8> {
        use std::io::Write;
        let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
        for (name, text) in members {
            writer.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
            writer.write_all(text.as_bytes()).unwrap();
        }
        writer.finish().unwrap().into_inner()
    }

    fn compound_file(stream: &str) -> Vec<u8> {
        let mut bytes = COMPOUND_FILE.to_vec();
        bytes.resize(4 * ENTRY_BYTES, 0);
        bytes.extend(stream.encode_utf16().flat_map(u16::to_le_bytes));
        bytes.resize(8 * ENTRY_BYTES, 0);
        bytes
    }

    #[test]
    fn the_content_has_the_first_word() {
        let octets = "application/octet-stream";
        let of = |bytes: &[u8], name| Format::of(octets, name, bytes);
        let docx = archive(&[("word/document.xml", "<x/>"), ("[Content_Types].xml", "<x/>")]);
        assert_eq!(of(&docx, "sheet.xlsx"), Some(Ok(Format::Docx)));
        let bare = archive(&[("[Content_Types].xml", "<x/>")]);
        assert_eq!(of(&bare, "Offer.docx"), Some(Ok(Format::Docx)));
        assert_eq!(of(&bare, "Offer.zip"), None);
        assert_eq!(of(&archive(&[("a.txt", "A")]), "a.docx"), None);
        let kind = ("mimetype", "application/vnd.oasis.opendocument.spreadsheet");
        assert_eq!(of(&archive(&[kind]), "a.bin"), Some(Ok(Format::Ods)));
        let secret = ("META-INF/manifest.xml", "<manifest:encryption-data/>");
        assert_eq!(of(&archive(&[kind, secret]), "a.ods"), Some(Err(ENCRYPTED.into())));
        assert_eq!(of(b"{\\rtf1 x}", "a.doc"), Some(Ok(Format::Rtf)));
        assert_eq!(of(&compound_file("Workbook"), "a.doc"), Some(Ok(Format::Xls)));
        assert_eq!(of(&compound_file("EncryptedPackage"), "a.docx"), Some(Err(ENCRYPTED.into())));
        assert_eq!(of(&compound_file("__nameid_version1.0"), "mail.msg"), None);
        assert_eq!(of(b"%PDF-1.4", "a.docx"), None);
    }

    #[test]
    fn a_table_is_parted_by_what_it_has_most_of() {
        assert_eq!(separator(b"a;b;c,d\n1,2,3,4,5"), b';');
        assert_eq!(separator(b"a\tb"), b'\t');
        assert_eq!(separator(b"one column"), b',');
    }
}
