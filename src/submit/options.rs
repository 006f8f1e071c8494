//! What a mail itself asks for: in fields of its header (`X-Fax-Resolution: fine`), in a tag before its subject
//! (`[fax: fine, no cover, at 18:00] Figures`), or in an address (`+12125550123/RES=fine`), which goes for its fax alone.
//! The address goes before the tag, that before the fields, and all before what `MAIL` said.
//!
//! `config/options.md` is the table of it for people, and a test holds it to [`FIELDS`]. What is wrong is refused with a
//! sentence that says what it may be: a fax that goes out at another time than was meant is worse than one that does not.

use std::time::Duration;

use jiff::civil::{DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};
use mail_parser::MessageParser;

use super::refusal::{Reason, Refusal};
use crate::job::recipient::Fineness;
use crate::job::{Options, tag};

/// The fields, what begins the same in a tag, and what they may say.
pub const FIELDS: [(&str, &str, &str); 7] = [
    ("X-Fax-Resolution", "", "standard, fine or superfine"),
    ("X-Fax-Cover", "", "cover or no cover"),
    ("X-Fax-Priority", "priority", "urgent, high, normal, low or a number from -9 to 9"),
    ("X-Fax-At", "at", "a time: 18:00, tomorrow 8:00, 2026-12-24 18:00, +2h, 2026-12-24T18:00:00Z"),
    ("X-Fax-Until", "until", "a time, as for at"),
    ("X-Fax-Billing", "bill", "a code of at most 64 printable characters"),
    ("X-Fax-Retries", "retries", "a number from 0 to 99"),
];
/// The words for the two that have no word of their own before them.
const RESOLUTIONS: [&str; 3] = ["standard", "fine", "superfine"];
const COVERS: [&str; 4] = ["cover", "no cover", "yes", "no"];
/// A tag is at most so long.
const TAG_CHARS_MAX: usize = 300;
/// How far ahead a time may be.
const AHEAD_MAX: Duration = Duration::from_secs(366 * 24 * 3600);

/// What is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    resolution: Option<Fineness>,
    cover: Option<bool>,
    priority: Option<i8>,
    at: Option<Timestamp>,
    until: Option<Timestamp>,
    billing: Option<String>,
    retries: Option<u32>,
}

/// When and where it is read: times of day are those of the zone.
#[derive(Clone, Debug)]
pub struct Now<'a> {
    /// The time.
    pub at: Timestamp,
    /// The zone.
    pub zone: &'a TimeZone,
}

fn wrong(place: &str, value: &str, may: &str) -> Refusal {
    let shown: String = value.chars().take(80).collect();
    let text = format!("{place} cannot be {shown:?}; it is {may}");
    Refusal::new(Reason::BadOption, text, "option")
}

impl Asked {
    /// What the header of a message asks for.
    pub fn read(message: &[u8], now: &Now<'_>) -> Result<Self, Refusal> {
        let mut asked = Self::default();
        let header = MessageParser::new().parse_headers(message).filter(|header| !header.parts.is_empty());
        let Some(header) = header else { return Ok(asked) };
        for field in FIELDS {
            if let Some(value) = header.header_raw(field.0) {
                asked.field(field, value.trim(), field.0, now)?;
            }
        }
        match header.subject().and_then(tag::split) {
            Some((words, _)) => asked.tag(words, now),
            None => Ok(asked),
        }
    }

    /// What the elements of an address ask for ([`crate::address::FaxAddress::others`]); a dot is a space, for few mail
    /// programs let one write those.
    pub fn in_address(elements: &[(String, String)], now: &Now<'_>) -> Result<Self, Refusal> {
        let spaced = |(keyword, value): &(String, String)| {
            let is_code = keyword.starts_with("BILL");
            (keyword.clone(), if is_code { value.clone() } else { value.replace('.', " ") })
        };
        Self::named(elements.iter().map(spaced), |keyword| format!("/{keyword}= in the fax address"), now)
    }

    /// What pairs of keyword and value ask for: keywords are those of the fields without `X-Fax-`, `RES` or `BILL`, and
    /// others are left alone. `place` says of a keyword where it stands.
    pub fn named(
        pairs: impl IntoIterator<Item = (String, String)>,
        place: impl Fn(&str) -> String,
        now: &Now<'_>,
    ) -> Result<Self, Refusal> {
        let mut asked = Self::default();
        for (keyword, value) in pairs {
            let long = match keyword.as_str() {
                "RES" => "RESOLUTION",
                "BILL" => "BILLING",
                other => other,
            };
            let is_it = |(name, ..): &&(&str, &str, &str)| {
                name.strip_prefix("X-Fax-").is_some_and(|name| name.eq_ignore_ascii_case(long))
            };
            if let Some(field) = FIELDS.iter().find(is_it) {
                asked.field(*field, &value, &place(&keyword), now)?;
            }
        }
        Ok(asked)
    }

    /// Takes the value of one field.
    fn field(
        &mut self,
        (name, word, may): (&str, &str, &str),
        value: &str,
        place: &str,
        now: &Now<'_>,
    ) -> Result<(), Refusal> {
        let lower = value.to_ascii_lowercase();
        let is_right = match name {
            "X-Fax-Resolution" if !RESOLUTIONS.contains(&lower.as_str()) => false,
            "X-Fax-Cover" if !COVERS.contains(&lower.as_str()) => false,
            _ => self.take(if word.is_empty() { value } else { word }, value, now) == Some(true),
        };
        if is_right { Ok(()) } else { Err(wrong(place, value, may)) }
    }

    fn tag(mut self, words: &str, now: &Now<'_>) -> Result<Self, Refusal> {
        if words.len() > TAG_CHARS_MAX {
            return Err(wrong("the tag before the subject", words, "at most 300 characters long"));
        }
        for words in words.split(',').map(str::trim).filter(|words| !words.is_empty()) {
            let (word, value) = words.split_once(char::is_whitespace).unwrap_or((words, ""));
            let value = value.trim();
            let whole = if value.is_empty() || word.eq_ignore_ascii_case("no") { words } else { word };
            match self.take(whole, value, now) {
                Some(true) => {}
                Some(false) => {
                    let may = FIELDS.iter().find(|(_, known, _)| word.eq_ignore_ascii_case(known));
                    return Err(wrong(
                        &format!("{word} in the subject"),
                        value,
                        may.map_or("", |(.., may)| may),
                    ));
                }
                None => {
                    let may =
                        "fine, superfine, standard, cover, no cover, priority, at, until, bill or retries";
                    return Err(wrong("the tag before the subject", words, may));
                }
            }
        }
        Ok(self)
    }

    /// Takes one wish: whether its value is right, or `None` where the word is none.
    fn take(&mut self, word: &str, value: &str, now: &Now<'_>) -> Option<bool> {
        let word = word.to_ascii_lowercase();
        match word.as_str() {
            "standard" => self.resolution = Some(Fineness::Standard),
            "fine" => self.resolution = Some(Fineness::Fine),
            "superfine" => self.resolution = Some(Fineness::Superfine),
            "cover" | "yes" => self.cover = Some(true),
            "no cover" | "no" => self.cover = Some(false),
            "urgent" | "high" | "normal" | "low" => self.priority = priority(&word),
            "priority" => {
                self.priority = priority(&value.to_ascii_lowercase());
                return Some(self.priority.is_some());
            }
            "at" => {
                self.at = time(value, now);
                return Some(self.at.is_some());
            }
            "until" => {
                self.until = time(value, now).filter(|until| *until > now.at);
                return Some(self.until.is_some());
            }
            "bill" | "billing" => {
                let fits = Options::is_billing_code(value);
                self.billing = fits.then(|| value.to_owned());
                return Some(fits);
            }
            "retries" => {
                self.retries = value.parse().ok().filter(|retries| *retries <= 99);
                return Some(self.retries.is_some());
            }
            _ => return None,
        }
        Some(true)
    }

    /// Whether nothing is asked for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The options with what is asked for put over them; `priority` says how urgent it may be.
    pub fn over(self, options: Options, may: impl Fn(i8) -> i8) -> Result<Options, Refusal> {
        let options = Options {
            resolution: self.resolution.or(options.resolution),
            cover: self.cover.or(options.cover),
            priority: self.priority.map_or(options.priority, may),
            not_before: self.at.or(options.not_before),
            expires_at: self.until.or(options.expires_at),
            billing: self.billing.or(options.billing),
            tries_max: self.retries.map(|retries| retries + 1).or(options.tries_max),
            ..options
        };
        match (options.not_before, options.expires_at) {
            (Some(at), Some(until)) if at >= until => {
                let text = "the fax is to be held for longer than it may take";
                Err(Refusal::new(Reason::BadOption, text, "at behind until"))
            }
            _ => Ok(options),
        }
    }
}

fn priority(text: &str) -> Option<i8> {
    match text {
        "urgent" => Some(8),
        "high" => Some(4),
        "normal" => Some(0),
        "low" => Some(-4),
        number => {
            number.parse().ok().filter(|n: &i8| n.unsigned_abs() <= Options::PRIORITY_MAX.unsigned_abs())
        }
    }
}

/// A time as people write it; it must be within a year.
fn time(text: &str, now: &Now<'_>) -> Option<Timestamp> {
    let far = now.at.checked_add(AHEAD_MAX).ok()?;
    let near = now.at.checked_sub(Duration::from_secs(24 * 3600)).ok()?;
    at(text, now).filter(|at| (near..=far).contains(at))
}

fn at(text: &str, now: &Now<'_>) -> Option<Timestamp> {
    if let Some(span) = text.strip_prefix('+') {
        let span: SignedDuration = span.parse().ok().filter(|span: &SignedDuration| span.is_positive())?;
        return now.at.checked_add(span).ok();
    }
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(at);
    }
    if let Ok(at) = jiff::fmt::rfc2822::parse(text) {
        return Some(at.timestamp());
    }
    let in_zone = |at: DateTime| at.to_zoned(now.zone.clone()).ok().map(|at| at.timestamp());
    if let Ok(local) = text.parse::<DateTime>()
        && text.contains(':')
    {
        return in_zone(local);
    }
    if let Some((date, time)) = text.split_once(' ')
        && let Ok(date) = date.parse::<jiff::civil::Date>()
    {
        return in_zone(date.to_datetime(of_day(time)?));
    }
    let today = now.at.to_zoned(now.zone.clone()).date();
    let lower = text.to_ascii_lowercase();
    if let Some(time) = lower.strip_prefix("tomorrow ") {
        return in_zone(today.checked_add(1.day()).ok()?.to_datetime(of_day(time)?));
    }
    // The next time that it is so late.
    let time = of_day(text)?;
    let at = in_zone(today.to_datetime(time))?;
    if at > now.at { Some(at) } else { in_zone(today.checked_add(1.day()).ok()?.to_datetime(time)) }
}

/// `18:00`, `8:05`; `1800` where a colon cannot be written.
fn of_day(text: &str) -> Option<Time> {
    let text = text.trim();
    let (hour, minute) = match text.split_once(':') {
        Some(halves) => halves,
        None => text.split_at_checked(2).filter(|_| text.len() == 4)?,
    };
    let number = |text: &str| text.parse::<i8>().ok().filter(|_| (1..=2).contains(&text.len()));
    Time::new(number(hour)?, number(minute).filter(|_| minute.len() == 2)?, 0, 0).ok()
}

#[cfg(test)]
mod tests;
