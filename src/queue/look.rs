//! How a job's pages look: what the cover page and the header line say. Shared by the queue and `faxgate render`, so
//! that what is shown is what is faxed.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use mail_parser::{Address, DateTime, MessageParser};

use crate::address::Number;
use crate::job::recipient::{Fineness, Proof};
use crate::job::tag;
use crate::job::{Job, Options};
use crate::mailer::words;
use crate::mailer::words::one_line;
use crate::render::header::HeaderLine;
use crate::render::{Cover, Language, RenderConfig, Task};

/// How much of a name or a subject the cover page shows.
const FIELD_CHARS_MAX: usize = 200;

/// What is known of a fax beside its message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Look {
    /// The number.
    pub number: Option<Number>,
    /// Who it is for.
    pub attention: Option<String>,
    /// How fine; `None` is the configured default.
    pub fineness: Option<Fineness>,
    /// Whether a cover page goes first; `None` is the configured default.
    pub cover: Option<bool>,
    /// Whether a tag before the subject has been obeyed, and is not shown.
    pub hides_tag: bool,
    /// Who sends it: the address, and the name that was signed in with. Their cover page may be another.
    pub senders: Vec<String>,
}

impl Look {
    /// The look of a job.
    #[must_use]
    pub fn of(job: &Job) -> Self {
        let Options { resolution, cover, from_mail, .. } = job.options;
        Self {
            number: Some(job.recipient.number.clone()),
            attention: job.recipient.attention.clone(),
            fineness: resolution,
            cover,
            hides_tag: from_mail,
            senders: senders(job),
        }
    }

    /// How the pages of a message are made, without header lines.
    #[must_use]
    pub fn task(&self, message: &[u8], config: &RenderConfig) -> Task {
        let cover = self.cover.unwrap_or(config.cover).then(|| self.cover_page(message, config.language));
        // Who asks for a cover page gets one.
        let cover_needs_text = config.cover_needs_text && self.cover.is_none();
        let cover_template = config.cover_template_for(&self.senders).map(str::to_owned);
        // A worker is told of one template, and not of all.
        let config = RenderConfig { cover_template, cover_needs_text, covers: Vec::new(), ..config.clone() };
        Task { config, fineness: self.fineness, cover, cover_of: None }
    }

    /// How the cover page of a call is made that goes on after page `arrived` of `pages`.
    #[must_use]
    pub fn continuation(&self, message: &[u8], config: &RenderConfig, arrived: u32, pages: u32) -> Task {
        let cover = self.cover_page(message, config.language);
        let cover = Cover { note: config.language.continued(arrived, pages), ..cover };
        Task { cover: Some(cover), cover_of: Some(pages - arrived + 1), ..self.task(message, config) }
    }

    /// The cover page, by what the message's own header says.
    fn cover_page(&self, message: &[u8], language: Language) -> Cover {
        let known = Cover {
            attention: short(self.attention.as_deref().unwrap_or_default()),
            number: self.number.as_ref().map(words::number).unwrap_or_default(),
            ..Cover::default()
        };
        // mail-parser indexes the first part, which a message without header does not have.
        let header = MessageParser::new().parse_headers(message).filter(|header| !header.parts.is_empty());
        let Some(header) = header else { return known };
        let subject = header.subject().unwrap_or_default();
        let subject = if self.hides_tag { tag::without(subject) } else { subject };
        Cover {
            from: short(&header.from().map(sender).unwrap_or_default()),
            date: header.date().map(|time| date(time, language)).unwrap_or_default(),
            subject: short(subject),
            ..known
        }
    }
}

/// The line on top of page `page` of `pages` for a call begun at `time`.
#[must_use]
pub fn header_line(
    time: Timestamp,
    zone: &TimeZone,
    from: &str,
    to: Option<&Number>,
    pages: u32,
    language: Language,
) -> HeaderLine {
    HeaderLine {
        time: time.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M %Z").to_string(),
        from: from.to_owned(),
        to: to.map(words::number).unwrap_or_default(),
        page: 1,
        pages,
        language,
    }
}

/// The names that a rule for cover pages may know the sender by.
fn senders(job: &Job) -> Vec<String> {
    let person = match &job.sender.proof {
        Proof::User(name) | Proof::LocalUser(name) | Proof::Login(name) | Proof::Key(name) => {
            Some(name.clone())
        }
        Proof::Author { address, .. } => Some(address.clone()),
        _ => None,
    };
    person.into_iter().chain(job.sender.mailbox.clone()).collect()
}

/// The address that a message says it is from, where nothing else is known of its sender.
#[must_use]
pub fn author(message: &[u8]) -> Option<String> {
    let header = MessageParser::new().parse_headers(message).filter(|header| !header.parts.is_empty())?;
    header.from()?.first()?.address().map(str::to_owned)
}

/// Cut so that the cover page stays one page, whatever a header says.
fn short(text: &str) -> String {
    one_line(text, FIELD_CHARS_MAX)
}

fn sender(from: &Address<'_>) -> String {
    let Some(first) = from.first() else { return String::new() };
    match (first.name(), first.address()) {
        (Some(name), Some(address)) => format!("{name} ({address})"),
        (name, address) => name.or(address).unwrap_or_default().to_owned(),
    }
}

/// The day and the time as the sender's own clock had them.
fn date(date: &DateTime, language: Language) -> String {
    language.date((date.year, date.month, date.day), (date.hour, date.minute))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::{InProcess, Renderer};

    #[test]
    fn the_cover_page_says_what_the_mail_says() {
        let message = b"From: Anna Example <anna@example.com>\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n\
            Date: Mon, 23 Nov 2026 09:05:00 +0100\r\n\r\nHello\r\n";
        let look = Look { number: Number::parse("+12125550123"), ..Look::default() };
        let cover = look.cover_page(message, Language::En);
        assert_eq!(cover.from, "Anna Example (anna@example.com)");
        assert_eq!(cover.date, "23 November 2026, 09:05");
        assert_eq!(cover.subject, "Grüße");
        assert_eq!(cover.number, "+1 212 555 0123");
    }

    #[test]
    fn a_header_of_any_length_leaves_the_cover_page_one_page() {
        let long = "W".repeat(900) + &"\r\n W".repeat(900);
        let message = format!("From: {long} <a@example.com>\r\nSubject: {long}\r\n\r\nHello\r\n");
        let look = Look { attention: Some("W".repeat(250)), cover: Some(true), ..Look::default() };
        let task = look.task(message.as_bytes(), &RenderConfig::default());
        let rendered = InProcess.message(message.as_bytes(), &task).unwrap();
        assert_eq!(rendered.pages.len(), 2);
    }

    #[test]
    fn a_message_without_header_gets_a_bare_cover_page() {
        assert_eq!(Look::default().cover_page(b"\r\nHello\r\n", Language::En), Cover::default());
    }
}
