//! The text of a message, put together again from the pieces that a milter is given.
//!
//! Header fields come one by one, with the lines of a folded one parted by LF; the body comes as it is. Nothing that a
//! field holds can end it or the header: a line break in it is followed by white space, whatever came.

/// The field that names a fax.
pub(super) const JOB_FIELD: &str = "X-Fax-Job";

/// A message that is coming in.
#[derive(Clone, Debug)]
pub(super) struct Text {
    bytes: Vec<u8>,
    bytes_max: usize,
    too_large: bool,
    /// Whether the empty line behind the header is there.
    in_body: bool,
    /// How many [`JOB_FIELD`]s it has.
    job_fields: u32,
}

impl Text {
    /// A message of at most so many bytes.
    pub(super) fn new(bytes_max: usize) -> Self {
        Self { bytes: Vec::new(), bytes_max, too_large: false, in_body: false, job_fields: 0 }
    }

    /// One header field.
    pub(super) fn field(&mut self, name: &[u8], value: &[u8]) {
        if name.eq_ignore_ascii_case(JOB_FIELD.as_bytes()) {
            self.job_fields = self.job_fields.saturating_add(1);
            return;
        }
        self.push(name);
        self.push(b": ");
        let mut lines =
            value.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
        self.push(lines.next().unwrap_or_default());
        for line in lines {
            let is_folded = line.first().is_some_and(|byte| matches!(byte, b' ' | b'\t'));
            self.push(if is_folded { b"\r\n" } else { b"\r\n\t" });
            self.push(line);
        }
        self.push(b"\r\n");
    }

    /// The header has ended.
    pub(super) fn end_header(&mut self) {
        if !self.in_body {
            self.push(b"\r\n");
            self.in_body = true;
        }
    }

    /// A piece of the body.
    pub(super) fn body(&mut self, piece: &[u8]) {
        self.end_header();
        self.push(piece);
    }

    fn push(&mut self, bytes: &[u8]) {
        if self.bytes.len().saturating_add(bytes.len()) > self.bytes_max {
            self.too_large = true;
            self.bytes = Vec::new();
        }
        if !self.too_large {
            self.bytes.extend_from_slice(bytes);
        }
    }

    /// Whether it has been more than it may be; nothing is kept of it then.
    pub(super) fn is_too_large(&self) -> bool {
        self.too_large
    }

    /// How many `X-Fax-Job` fields came with it.
    pub(super) fn job_fields(&self) -> u32 {
        self.job_fields
    }

    /// The message, which is taken away.
    pub(super) fn take(&mut self) -> Vec<u8> {
        self.end_header();
        std::mem::take(&mut self.bytes)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn whole(mut text: Text) -> String {
        String::from_utf8(text.take()).unwrap()
    }

    #[test]
    fn fields_are_folded_again_and_the_body_is_as_it_came() {
        let mut text = Text::new(1000);
        text.field(b"Subject", b"a\n b\r\n\tc");
        text.field(b"x-fax-job", b"somebody's");
        text.field(b"X", b"");
        text.end_header();
        text.body(b"one\r\n\0");
        text.body(b"two");
        assert_eq!(text.job_fields(), 1);
        assert_eq!(whole(text), "Subject: a\r\n b\r\n\tc\r\nX: \r\n\r\none\r\n\0two");
    }

    #[test]
    fn no_field_makes_another() {
        let mut text = Text::new(1000);
        text.field(b"Subject", b"a\nX-Evil: b\n\n\rbody");
        assert_eq!(whole(text), "Subject: a\r\n\tX-Evil: b\r\n\t\r\n\t\rbody\r\n\r\n");
    }

    #[test]
    fn it_holds_no_more_than_it_may() {
        let mut text = Text::new(16);
        text.field(b"A", b"b");
        text.body(b"12345678");
        assert!(!text.is_too_large());
        text.body(b"9");
        assert!(text.is_too_large() && text.bytes.capacity() == 0);
        text.body(b"");
        assert!(text.is_too_large());
    }
}
