//! `winmail.dat`: what Outlook makes of a message for other Outlooks (MS-OXTNEF). Its files and its text are taken out.

use mail_parser::decoders::charsets::map::charset_decoder;

use super::super::error::Failure;

/// The first four octets.
const SIGNATURE: [u8; 4] = [0x78, 0x9F, 0x3E, 0x22];
/// Signature and key.
const HEAD_BYTES: usize = 6;

/// Attributes of the stream (MS-OXTNEF 2.1.3.2), type and name together.
const ATTACH_REND_DATA: u32 = 0x0006_9002;
const ATTACH_TITLE: u32 = 0x0001_8010;
const ATTACH_DATA: u32 = 0x0006_800F;
const ATTACHMENT: u32 = 0x0006_9005;
const MSG_PROPS: u32 = 0x0006_9003;
const BODY: u32 = 0x0002_800C;
const OEM_CODEPAGE: u32 = 0x0006_9007;

/// Properties (MS-OXPROPS).
const PR_BODY: u16 = 0x1000;
const PR_RTF_COMPRESSED: u16 = 0x1009;
const PR_HTML: u16 = 0x1013;
const PR_ATTACH_LONG_FILENAME: u16 = 0x3707;
/// Properties from here on have a name before their value.
const NAMED_FROM: u16 = 0x8000;

/// Types of properties (MS-OXCDATA 2.11.1).
const STRING8: u16 = 0x001E;
const UNICODE: u16 = 0x001F;
const OBJECT: u16 = 0x000D;
const BINARY: u16 = 0x0102;
const MULTIPLE: u16 = 0x1000;

/// What is in such a file.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Tnef {
    /// The files that were attached, by name.
    pub(super) files: Vec<(String, Vec<u8>)>,
    pub(super) html: Option<Vec<u8>>,
    pub(super) text: Option<String>,
    /// Whether there is a text that only Outlook can read.
    pub(super) has_rtf: bool,
}

pub(super) fn is_tnef(bytes: &[u8]) -> bool {
    bytes.starts_with(&SIGNATURE)
}

/// Reads the whole file.
pub(super) fn read(bytes: &[u8]) -> Result<Tnef, Failure> {
    let mut input = Input(bytes.get(HEAD_BYTES..).unwrap_or_default());
    let mut reader = Reader::default();
    while !input.0.is_empty() {
        let attribute = input.attribute().ok_or_else(|| damaged("an attribute is cut off"))?;
        reader.attribute(attribute.0, attribute.1).ok_or_else(|| damaged("a property is cut off"))?;
    }
    Ok(reader.tnef)
}

fn damaged(cause: &str) -> Failure {
    Failure::caused("what Outlook has put into it is damaged; send the message as plain text or HTML", cause)
}

#[derive(Default)]
struct Reader {
    tnef: Tnef,
    codepage: Option<u32>,
}

impl Reader {
    fn attribute(&mut self, id: u32, data: &[u8]) -> Option<()> {
        match id {
            OEM_CODEPAGE => self.codepage = data.first_chunk().map(|octets| u32::from_le_bytes(*octets)),
            BODY => self.tnef.text = Some(self.text(data)).filter(|text| !text.trim().is_empty()),
            // Each attachment begins with this.
            ATTACH_REND_DATA => self.tnef.files.push(("attachment".into(), Vec::new())),
            ATTACH_TITLE => {
                let name = self.text(data);
                if let Some(file) = self.tnef.files.last_mut() {
                    file.0 = name;
                }
            }
            ATTACH_DATA => {
                if let Some(file) = self.tnef.files.last_mut() {
                    file.1 = data.to_vec();
                }
            }
            ATTACHMENT => return self.properties(data, Self::attachment_property),
            MSG_PROPS => return self.properties(data, Self::message_property),
            _ => {}
        }
        Some(())
    }

    fn properties(&mut self, data: &[u8], each: fn(&mut Self, u16, u16, &[u8])) -> Option<()> {
        let mut input = Input(data);
        for _ in 0..input.u32()? {
            let (kind, id) = (input.u16()?, input.u16()?);
            if id >= NAMED_FROM {
                input.name()?;
            }
            let many = kind & MULTIPLE != 0;
            let kind = kind & !MULTIPLE;
            let is_long = matches!(kind, STRING8 | UNICODE | OBJECT | BINARY);
            let count = if many || is_long { input.u32()? } else { 1 };
            for _ in 0..count {
                let length = if is_long { input.u32()? as usize } else { length(kind)? };
                each(self, id, kind, input.padded(length)?);
            }
        }
        Some(())
    }

    fn attachment_property(&mut self, id: u16, kind: u16, value: &[u8]) {
        let name = (id == PR_ATTACH_LONG_FILENAME).then(|| self.string(kind, value));
        if let (Some(file), Some(name)) = (self.tnef.files.last_mut(), name.filter(|name| !name.is_empty())) {
            file.0 = name;
        }
    }

    fn message_property(&mut self, id: u16, kind: u16, value: &[u8]) {
        match id {
            PR_BODY => self.tnef.text = Some(self.string(kind, value)).filter(|text| !text.trim().is_empty()),
            PR_HTML if kind == BINARY => self.tnef.html = Some(value.to_vec()),
            PR_HTML => self.tnef.html = Some(self.string(kind, value).into_bytes()),
            PR_RTF_COMPRESSED => self.tnef.has_rtf = true,
            _ => {}
        }
    }

    fn string(&self, kind: u16, value: &[u8]) -> String {
        if kind != UNICODE {
            return self.text(value);
        }
        let units = value.chunks_exact(2).map(|two| u16::from_le_bytes([two[0], two[1]]));
        String::from_utf16_lossy(&units.collect::<Vec<_>>()).trim_end_matches('\0').to_owned()
    }

    /// Text in the code page of the sender's machine.
    fn text(&self, value: &[u8]) -> String {
        let charset = format!("windows-{}", self.codepage.unwrap_or(1252));
        let text = match charset_decoder(charset.as_bytes()) {
            Some(decoder) => decoder(value),
            None => String::from_utf8_lossy(value).into_owned(),
        };
        text.trim_end_matches('\0').to_owned()
    }
}

/// Octets of a value that is always as long; `None` where the type is unknown, and all after it with it.
fn length(kind: u16) -> Option<usize> {
    match kind {
        0x0001 => Some(0),
        0x0002 | 0x000B => Some(2),
        0x0003 | 0x0004 | 0x000A => Some(4),
        0x0005 | 0x0006 | 0x0007 | 0x0014 | 0x0040 => Some(8),
        0x0048 => Some(16),
        _ => None,
    }
}

/// What has not been read yet.
struct Input<'b>(&'b [u8]);

impl<'b> Input<'b> {
    fn take(&mut self, length: usize) -> Option<&'b [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    /// A value, and what fills it up to a multiple of four octets; the last one may be left unfilled.
    fn padded(&mut self, length: usize) -> Option<&'b [u8]> {
        let value = self.take(length)?;
        let fill = length.next_multiple_of(4) - length;
        self.take(fill.min(self.0.len()))?;
        Some(value)
    }

    fn u16(&mut self) -> Option<u16> {
        self.take(2)?.first_chunk().map(|octets| u16::from_le_bytes(*octets))
    }

    fn u32(&mut self) -> Option<u32> {
        self.take(4)?.first_chunk().map(|octets| u32::from_le_bytes(*octets))
    }

    /// An attribute: its level, type and name, length, data, and a sum that is not believed or disbelieved.
    fn attribute(&mut self) -> Option<(u32, &'b [u8])> {
        self.take(1)?;
        let (id, length) = (self.u32()?, self.u32()?);
        let data = self.take(length as usize)?;
        self.take(2)?;
        Some((id, data))
    }

    /// The name of a named property.
    fn name(&mut self) -> Option<()> {
        self.take(16)?;
        match self.u32()? {
            0 => self.take(4).map(drop),
            _ => {
                let length = self.u32()? as usize;
                self.padded(length).map(drop)
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn attribute(level: u8, id: u32, data: &[u8]) -> Vec<u8> {
        let sum = data.iter().fold(0u16, |sum, &byte| sum.wrapping_add(byte.into()));
        let length = u32::try_from(data.len()).unwrap().to_le_bytes();
        [&[level][..], &id.to_le_bytes(), &length, data, &sum.to_le_bytes()].concat()
    }

    fn long(kind: u16, id: u16, value: &[u8]) -> Vec<u8> {
        let length = u32::try_from(value.len()).unwrap().to_le_bytes();
        let fill = vec![0; value.len().next_multiple_of(4) - value.len()];
        [&kind.to_le_bytes()[..], &id.to_le_bytes(), &1u32.to_le_bytes(), &length, value, &fill].concat()
    }

    fn file() -> Vec<u8> {
        let wide = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>();
        let named = [
            &0x000Bu16.to_le_bytes()[..],
            &0x8001u16.to_le_bytes(),
            &[7; 16],
            &[0; 4],
            &[1; 4],
            &[1, 0, 0, 0],
        ];
        let body = long(UNICODE, PR_BODY, &wide("Grüße\0"));
        let message = [&2u32.to_le_bytes()[..], &named.concat(), &body].concat();
        let name = long(UNICODE, PR_ATTACH_LONG_FILENAME, &wide("Ein langer Name.pdf\0"));
        let attachment = [&1u32.to_le_bytes()[..], &name].concat();
        [
            [&SIGNATURE[..], &[1, 0]].concat(),
            attribute(1, OEM_CODEPAGE, &[0xE4, 4, 0, 0, 0, 0, 0, 0]),
            attribute(1, MSG_PROPS, &message),
            attribute(2, ATTACH_REND_DATA, &[0; 14]),
            attribute(2, ATTACH_TITLE, b"EINLAN~1.PDF\0"),
            attribute(2, ATTACH_DATA, b"%PDF-1.4"),
            attribute(2, ATTACHMENT, &attachment),
            attribute(2, ATTACH_REND_DATA, &[0; 14]),
            attribute(2, ATTACH_TITLE, b"f\xFCr.txt\0"),
            attribute(2, ATTACH_DATA, b"x"),
        ]
        .concat()
    }

    #[test]
    fn files_and_text_are_taken_out() {
        let tnef = read(&file()).unwrap();
        let files =
            [("Ein langer Name.pdf".to_owned(), b"%PDF-1.4".to_vec()), ("für.txt".to_owned(), b"x".to_vec())];
        assert_eq!(tnef.files, files);
        assert_eq!((tnef.text.as_deref(), tnef.html, tnef.has_rtf), (Some("Grüße"), None, false));
    }

    #[test]
    fn a_file_that_is_cut_off_is_damaged_and_nothing_else() {
        let whole = file();
        let ends: Vec<_> = (HEAD_BYTES..whole.len()).filter(|&end| read(&whole[..end]).is_ok()).collect();
        // Where one attribute ends and the next begins, nothing shows that more was to come.
        assert_eq!(ends.len(), 9, "{ends:?}");
    }
}
