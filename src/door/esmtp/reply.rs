//! What the server says: a code, where it applies an enhanced status code (RFC 2034), and text.
//!
//! A reply may quote what the client sent. So every character outside printable ASCII becomes `?`, but for
//! typographic quotes and dashes, which have plain ones; and a long text is broken into the lines of one reply,
//! each under the 512 octets of RFC 5321 §4.5.3.1.5.

use crate::submit::Refusal;

/// Characters of text in one line; with code, status and line ending it stays far under 512 octets.
const LINE_CHARS_MAX: usize = 400;

/// One reply of the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The basic code (RFC 5321 §4.2).
    pub code: u16,
    /// The enhanced code (RFC 3463); `None` for greetings, `EHLO` and 354, which have none.
    pub status: Option<&'static str>,
    /// The text, one string a line; at least one.
    pub lines: Vec<String>,
}

impl Reply {
    /// A reply with an enhanced code.
    #[must_use]
    pub fn new(code: u16, status: &'static str, text: impl Into<String>) -> Self {
        Self { code, status: Some(status), lines: vec![text.into()] }
    }

    /// A reply without one.
    #[must_use]
    pub fn plain(code: u16, lines: Vec<String>) -> Self {
        Self { code, status: None, lines }
    }

    /// As it goes over the wire.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let lines: Vec<String> = self.lines.iter().flat_map(|text| fold(text)).collect();
        let mut bytes = Vec::new();
        for (at, line) in lines.iter().enumerate() {
            let separator = if at + 1 < lines.len() { '-' } else { ' ' };
            let status = self.status.map_or(String::new(), |status| format!("{status} "));
            bytes.extend(format!("{}{separator}{status}{line}\r\n", self.code).into_bytes());
        }
        bytes
    }
}

impl From<&Refusal> for Reply {
    fn from(refusal: &Refusal) -> Self {
        Self::new(refusal.reason.code(), refusal.reason.status(), refusal.text.clone())
    }
}

/// The character in printable ASCII.
fn plain(c: char) -> char {
    match c {
        ' '..='~' => c,
        '“' | '”' | '„' => '"',
        '‘' | '’' => '\'',
        '–' | '—' => '-',
        _ => '?',
    }
}

/// Breaks a text at spaces, where there are any, into lines that fit.
fn fold(text: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.chars().map(plain).collect::<String>().split(' ') {
        for (at, piece) in chunks(word).into_iter().enumerate() {
            let Some(line) = lines.last_mut() else { continue };
            let glue = if at == 0 && !line.is_empty() { " " } else { "" };
            if line.len() + glue.len() + piece.len() > LINE_CHARS_MAX {
                lines.push(piece.to_owned());
            } else {
                line.push_str(glue);
                line.push_str(piece);
            }
        }
    }
    lines
}

/// A word in pieces of at most a line; the word is ASCII by now.
fn chunks(word: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut rest = word;
    while let Some((piece, tail)) = rest.split_at_checked(LINE_CHARS_MAX) {
        pieces.push(piece);
        rest = tail;
    }
    pieces.push(rest);
    pieces
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn text(reply: &Reply) -> String {
        String::from_utf8(reply.to_bytes()).unwrap()
    }

    #[test]
    fn one_line_and_several() {
        assert_eq!(text(&Reply::new(250, "2.1.0", "fine")), "250 2.1.0 fine\r\n");
        let ehlo = Reply::plain(250, vec!["fax.example.com".into(), "DSN".into()]);
        assert_eq!(text(&ehlo), "250-fax.example.com\r\n250 DSN\r\n");
    }

    #[test]
    fn a_client_cannot_write_our_replies() {
        let reply = Reply::new(550, "5.1.1", "no <a\r\n250 ok\0ü>");
        assert_eq!(text(&reply), "550 5.1.1 no <a??250 ok??>\r\n");
        let quoted = Reply::new(554, "5.6.1", "“Übersicht.xls” – it’s no page");
        assert_eq!(text(&quoted), "554 5.6.1 \"?bersicht.xls\" - it's no page\r\n");
    }

    #[test]
    fn every_line_fits() {
        let words = "word ".repeat(500);
        let long = "x".repeat(2000);
        for reply in [Reply::new(550, "5.7.1", &words[..words.len() - 1]), Reply::new(550, "5.7.1", long)] {
            let text = text(&reply);
            let lines: Vec<&str> = text.split_terminator("\r\n").collect();
            assert!(lines.len() > 2 && lines.iter().all(|l| l.len() <= 510));
            assert!(lines.iter().rev().skip(1).all(|l| l.starts_with("550-5.7.1 ")));
            assert!(lines.last().unwrap().starts_with("550 5.7.1 "));
        }
        let said: String = text(&Reply::new(550, "5.7.1", words.trim())).replace("550-5.7.1", "");
        assert_eq!(said.matches("word").count(), 500);
    }
}
