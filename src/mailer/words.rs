//! Words for the people who read our mails: templates, numbers, times, counts.
//!
//! Everything that came from outside (a subject, a file name, a station ID) passes through [`one_line`] before
//! it stands in a mail, so that nobody can write a line of our text, or a header field, for us.

use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::address::Number;

/// Where text lines are broken: short enough to be quoted once or twice within the 78 columns of RFC 5322
/// §2.1.1, and to need no transfer encoding.
const COLUMNS: usize = 72;

/// The space that does not break a line.
const NO_BREAK: &str = "\u{A0}";

/// Country codes of one digit and of two (ITU-T E.164 list of country codes); all others have three.
const COUNTRY_CODES_OF_ONE: [&str; 2] = ["1", "7"];
const COUNTRY_CODES_OF_TWO: [&str; 44] = [
    "20", "27", "30", "31", "32", "33", "34", "36", "39", "40", "41", "43", "44", "45", "46", "47", "48",
    "49", "51", "52", "53", "54", "55", "56", "57", "58", "60", "61", "62", "63", "64", "65", "66", "81",
    "82", "84", "86", "90", "91", "92", "93", "94", "95", "98",
];

/// Puts `values` in the place of `{name}` in a template.
///
/// A line that holds nothing but one placeholder with an empty value goes away, and runs of empty lines become
/// one. A placeholder that no value is given for stays as it is: the tests of each template look for that.
#[must_use]
pub fn fill(template: &str, values: &[(&str, &str)]) -> String {
    let mut text = String::with_capacity(template.len());
    for line in template.lines() {
        text.push_str(&fill_line(line, values));
        text.push('\n');
    }
    let mut out = String::with_capacity(text.len());
    let mut empty_before = true;
    for line in text.lines().map(str::trim_end) {
        if !(line.is_empty() && empty_before) {
            out.push_str(line);
            out.push_str("\r\n");
        }
        empty_before = line.is_empty();
    }
    while out.ends_with("\r\n\r\n") {
        out.truncate(out.len() - 2);
    }
    out
}

/// One pass from left to right, so that braces within a value are never taken for a placeholder.
fn fill_line(line: &str, values: &[(&str, &str)]) -> String {
    let mut out = String::new();
    let mut rest = line;
    while let Some((before, after)) = rest.split_once('{') {
        out.push_str(before);
        let value = after.split_once('}').and_then(|(name, tail)| {
            let found = values.iter().find(|(known, _)| *known == name)?;
            Some((found.1, tail))
        });
        if let Some((value, tail)) = value {
            out.push_str(value);
            rest = tail;
        } else {
            out.push('{');
            rest = after;
        }
    }
    out + rest
}

/// Text from outside made fit to stand within a line: control characters and line breaks become single
/// spaces, and what is longer than `chars_max` is cut with `…`.
#[must_use]
pub fn one_line(text: &str, chars_max: usize) -> String {
    let plain: String =
        text.chars().map(|c| if c.is_control() || is_invisible(c) { ' ' } else { c }).collect();
    let line = plain.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= chars_max {
        return line;
    }
    let cut: String = line.chars().take(chars_max.saturating_sub(1)).collect();
    format!("{}…", cut.trim_end())
}

/// Line and paragraph separators, and the marks that turn the reading direction of what follows.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{2028}' | '\u{2029}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{FEFF}')
}

/// Breaks `text` into lines of at most 72 columns: `first` stands before the first line, and as many spaces
/// before the others. What [`unbroken`] made stays together.
#[must_use]
pub fn wrap(first: &str, text: &str) -> String {
    let indent = " ".repeat(first.chars().count());
    let mut out = first.to_owned();
    let mut column = indent.len();
    let mut line_is_empty = true;
    for word in text.split_ascii_whitespace() {
        let width = word.chars().count();
        if !line_is_empty && column + 1 + width > COLUMNS {
            out.push('\n');
            out.push_str(&indent);
            column = indent.len();
            line_is_empty = true;
        }
        if !line_is_empty {
            out.push(' ');
            column += 1;
        }
        out.push_str(word);
        column += width;
        line_is_empty = false;
    }
    out.replace(NO_BREAK, " ")
}

/// Words that [`wrap`] shall not part, such as those of a telephone number.
#[must_use]
pub fn unbroken(text: &str) -> String {
    text.replace(' ', NO_BREAK)
}

/// A telephone number as people read it: `+1 212 555 0123`.
///
/// Numbers of the North American plan are grouped as everybody there does; of the others the country code
/// stands apart and the rest goes in threes, which is easy to read out, whatever the country's own custom.
#[must_use]
pub fn number(number: &Number) -> String {
    let digits = number.digits();
    let code = country_code_len(digits);
    let (country, rest) = digits.split_at(code.min(digits.len()));
    if country == "1" && rest.len() == 10 {
        return format!("+1 {} {} {}", &rest[..3], &rest[3..6], &rest[6..]);
    }
    let mut out = format!("+{country}");
    let mut left = rest;
    while !left.is_empty() {
        // A last group of one digit reads badly: four stay together instead.
        let group = if left.len() == 4 { 4 } else { left.len().min(3) };
        let (head, tail) = left.split_at(group);
        out.push(' ');
        out.push_str(head);
        left = tail;
    }
    out
}

fn country_code_len(digits: &str) -> usize {
    let begins = |codes: &[&str]| codes.iter().any(|code| digits.starts_with(code));
    if begins(&COUNTRY_CODES_OF_ONE) {
        1
    } else if begins(&COUNTRY_CODES_OF_TWO) {
        2
    } else {
        3
    }
}

/// A time as people read it: `Mon 23 Nov 2026, 10:04 CET`.
#[must_use]
pub fn when(time: Timestamp, zone: &TimeZone) -> String {
    let local = time.to_zoned(zone.clone());
    let name = local.strftime("%Z").to_string();
    // A zone without a name of its own gives its offset.
    let name = match name.strip_prefix(['+', '-']) {
        Some(_) => format!("UTC{name}"),
        None => name,
    };
    format!("{} {name}", local.strftime("%a %-d %b %Y, %H:%M"))
}

/// `1 page`, `2 pages`.
#[must_use]
pub fn pages(count: u32) -> String {
    counted(u64::from(count), "page")
}

/// `1 call`, `2 calls`: any thing whose plural is made with an s.
#[must_use]
pub fn counted(count: u64, thing: &str) -> String {
    let ending = if count == 1 { "" } else { "s" };
    format!("{count} {thing}{ending}")
}

/// `page 3`, `pages 3 and 4`, `pages 3 to 7`.
#[must_use]
pub fn page_range(first: u32, last: u32) -> String {
    match last.saturating_sub(first) {
        0 => format!("page {first}"),
        1 => format!("pages {first} and {last}"),
        _ => format!("pages {first} to {last}"),
    }
}

/// `48 seconds`, `2 minutes 5 seconds`, `3 hours 10 minutes`.
#[must_use]
pub fn duration(time: Duration) -> String {
    let seconds = time.as_secs();
    let (big, small) = match seconds {
        0..60 => return counted(seconds, "second"),
        60..3600 => ((seconds / 60, "minute"), (seconds % 60, "second")),
        _ => ((seconds / 3600, "hour"), (seconds / 60 % 60, "minute")),
    };
    let mut text = counted(big.0, big.1);
    if small.0 > 0 {
        text.push(' ');
        text.push_str(&counted(small.0, small.1));
    }
    text
}

/// `a`, `a and b`, `a, b and c`.
#[must_use]
pub fn list(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [one] => one.clone(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}

/// With a small first letter, to stand after a colon.
#[must_use]
pub fn uncapitalised(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next();
    first.map_or_else(String::new, |first| first.to_lowercase().chain(chars).collect())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_template_is_filled_once_and_empty_lines_fold() {
        let text = fill(
            "Dear {who},\n\n{nothing}\n\n{what}\n",
            &[("who", "{what}"), ("nothing", ""), ("what", "a {b")],
        );
        assert_eq!(text, "Dear {what},\r\n\r\na {b\r\n");
        assert_eq!(fill("{unknown} {", &[]), "{unknown} {\r\n");
    }

    #[test]
    fn foreign_text_cannot_break_a_line() {
        assert_eq!(one_line("a\r\nBcc: x\u{2028}y\0", 99), "a Bcc: x y");
        assert_eq!(one_line("  spaced   out ", 99), "spaced out");
        assert_eq!(one_line("safe\u{202E}fdp.exe", 99), "safe fdp.exe");
        assert_eq!(one_line("abcdef", 4), "abc…");
    }

    #[test]
    fn numbers_read_well() {
        for (number_in, out) in [
            ("+12125550123", "+1 212 555 0123"),
            ("+4930123456", "+49 301 234 56"),
            ("+33142685300", "+33 142 685 300"),
            ("+4212555012", "+421 255 5012"),
            ("+74951234567", "+7 495 123 4567"),
            ("+989123456789", "+98 912 345 6789"),
            ("+1999", "+1 999"),
            ("+12", "+1 2"),
            ("+42", "+42"),
        ] {
            assert_eq!(number(&Number::parse(number_in).unwrap()), out);
        }
    }

    #[test]
    fn times_and_counts_read_well() {
        let time: Timestamp = "2026-11-03T09:04:59Z".parse().unwrap();
        let berlin = TimeZone::get("Europe/Berlin").unwrap();
        assert_eq!(when(time, &berlin), "Tue 3 Nov 2026, 10:04 CET");
        assert_eq!(when(time, &TimeZone::UTC), "Tue 3 Nov 2026, 09:04 UTC");
        let fixed = TimeZone::fixed(jiff::tz::offset(-3));
        assert_eq!(when(time, &fixed), "Tue 3 Nov 2026, 06:04 UTC-03");
        assert_eq!((pages(1), pages(2), pages(0)), ("1 page".into(), "2 pages".into(), "0 pages".into()));
        assert_eq!(page_range(3, 3), "page 3");
        assert_eq!(page_range(3, 4), "pages 3 and 4");
        assert_eq!(page_range(3, 7), "pages 3 to 7");
        let spoken = |seconds| duration(Duration::from_secs(seconds));
        assert_eq!(spoken(1), "1 second");
        assert_eq!(spoken(60), "1 minute");
        assert_eq!(spoken(125), "2 minutes 5 seconds");
        assert_eq!(spoken(11_400), "3 hours 10 minutes");
        let names: Vec<String> = ["a", "b", "c"].map(String::from).to_vec();
        assert_eq!((list(&names), list(&names[..1])), ("a, b and c".into(), "a".into()));
    }

    #[test]
    fn long_text_is_wrapped_under_its_beginning() {
        let text = wrap("    1.  ", &"word ".repeat(20));
        assert!(text.lines().all(|line| line.chars().count() <= 72), "{text}");
        assert!(text.lines().skip(1).all(|line| line.starts_with("        word")), "{text}");
        assert_eq!(wrap("> ", &"x".repeat(100)), format!("> {}", "x".repeat(100)));
        let number = unbroken("+1 212 555 0123");
        let text = wrap("", &format!("{} {number}", "x".repeat(65)));
        assert_eq!(text, format!("{}\n+1 212 555 0123", "x".repeat(65)));
    }
}
