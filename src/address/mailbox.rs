//! An address as it stands in `RCPT TO`: local part, `@`, domain (RFC 5321 §4.1.2).
//!
//! The gateway answers only for its own domains (RFC 4160 §3.2); they compare without regard to case. An
//! address literal (`[192.0.2.1]`) names a machine and not a service, and is never one of them.

use serde::{Deserialize, Serialize};

use super::SettingError;

/// Which addresses are the gateway's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AddressConfig {
    /// The domains whose addresses are fax numbers: `fax.example.com`. Without one, no address is ours.
    pub domains: Vec<String>,
    /// Where people may write who have trouble with the gateway. It is named in refusals; the gateway keeps
    /// no mailboxes of its own.
    pub postmaster: Option<String>,
}

impl AddressConfig {
    /// Says what in the settings cannot be meant so.
    pub fn check(&self) -> Result<(), SettingError> {
        for domain in &self.domains {
            if !is_domain(domain) {
                return Err(SettingError {
                    setting: "domains",
                    problem: format!("{domain:?} is no domain name, such as fax.example.com"),
                });
            }
        }
        match &self.postmaster {
            Some(address) if !Mailbox::is_full(address) => Err(SettingError {
                setting: "postmaster",
                problem: format!("{address:?} is no mail address"),
            }),
            _ => Ok(()),
        }
    }

    /// Whether `domain` is one of the gateway's.
    #[must_use]
    pub fn is_ours(&self, domain: &str) -> bool {
        self.domains.iter().any(|ours| ours.eq_ignore_ascii_case(domain))
    }
}

/// An address in its two halves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mailbox {
    /// What stands before the `@`, quotes and backslashes resolved.
    pub local: String,
    /// What stands after it; `None` for a bare `postmaster` (RFC 5321 §4.1.1.3).
    pub domain: Option<String>,
}

impl Mailbox {
    /// The longest path of RFC 5321 §4.5.3.1.3, without its angle brackets. The limit of 64 octets for a
    /// local part (§4.5.3.1.1) is a floor for receivers; the long forms of RFC 2846 do not fit it, so it is
    /// not held against them.
    pub const OCTETS_MAX: usize = 254;

    /// Splits an address without angle brackets; `None` where it cannot be one.
    #[must_use]
    pub fn parse(address: &str) -> Option<Self> {
        if address.len() > Self::OCTETS_MAX || !address.bytes().all(|b| (b' '..=b'~').contains(&b)) {
            return None;
        }
        let (local, rest) = match address.strip_prefix('"') {
            Some(quoted) => unquote(quoted)?,
            None => {
                let end = address.find('@').unwrap_or(address.len());
                let (local, rest) = address.split_at(end);
                (is_dot_string(local).then(|| local.to_owned())?, rest)
            }
        };
        let domain = match rest.strip_prefix('@') {
            Some(domain) if is_domain(domain) || is_literal(domain) => Some(domain.to_owned()),
            None if rest.is_empty() && local.eq_ignore_ascii_case("postmaster") => None,
            _ => return None,
        };
        Some(Self { local, domain })
    }

    /// Whether a text is an address with its domain, to which mail can be sent from anywhere.
    #[must_use]
    pub fn is_full(address: &str) -> bool {
        Self::parse(address).is_some_and(|mailbox| mailbox.domain.is_some())
    }

    /// The same where the address may be international (RFC 6531 §3.3): any characters beyond ASCII that are seen.
    #[must_use]
    pub fn is_full_utf8(address: &str) -> bool {
        let is_seen = |c: char| c.is_ascii() || !(c.is_control() || c.is_whitespace());
        address.len() <= Self::OCTETS_MAX
            && address.chars().all(is_seen)
            && Self::is_full(&Self::ascii_shape(address))
    }

    /// A text with a letter in place of each character beyond ASCII: what the syntax of addresses makes of them.
    #[must_use]
    pub fn ascii_shape(text: &str) -> String {
        text.chars().map(|c| if c.is_ascii() { c } else { 'u' }).collect()
    }

    /// Whether the address is the postmaster's (RFC 5321 §4.5.1).
    #[must_use]
    pub fn is_postmaster(&self) -> bool {
        self.local.eq_ignore_ascii_case("postmaster")
    }
}

/// Reads a quoted string whose opening quote is already gone; gives back what follows its closing quote.
fn unquote(text: &str) -> Option<(String, &str)> {
    let mut local = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((local, text.get(at + 1..)?)),
            '\\' => local.push(chars.next()?.1),
            _ => local.push(c),
        }
    }
    None
}

/// RFC 5321 Dot-string: atoms with single dots between them.
fn is_dot_string(text: &str) -> bool {
    let is_atext = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&b);
    text.split('.').all(|atom| !atom.is_empty() && atom.bytes().all(is_atext))
}

fn is_domain(text: &str) -> bool {
    let is_label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    text.len() <= 253 && text.split('.').all(is_label)
}

fn is_literal(text: &str) -> bool {
    text.strip_prefix('[')
        .and_then(|t| t.strip_suffix(']'))
        .is_some_and(|inner| !inner.is_empty() && !inner.contains(['[', ']', ' ']))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn halves(address: &str) -> Option<(String, Option<String>)> {
        Mailbox::parse(address).map(|m| (m.local, m.domain))
    }

    #[test]
    fn an_address_has_two_halves() {
        for (address, local, domain) in [
            ("+12125550123@fax.example.com", "+12125550123", "fax.example.com"),
            ("FAX=+1.212/T33S=6@Fax.Example", "FAX=+1.212/T33S=6", "Fax.Example"),
            (r#""FAX=+1/ATTN=Tom Smith"@faxgw"#, "FAX=+1/ATTN=Tom Smith", "faxgw"),
            (r#""a\"b\\c@d"@x"#, r#"a"b\c@d"#, "x"),
            ("1@[192.0.2.1]", "1", "[192.0.2.1]"),
            ("1@[IPv6:2001:db8::1]", "1", "[IPv6:2001:db8::1]"),
        ] {
            assert_eq!(halves(address), Some((local.into(), Some(domain.into()))), "{address}");
        }
        assert_eq!(halves("PostMaster"), Some(("PostMaster".into(), None)));
    }

    #[test]
    fn international_addresses_have_the_same_shape() {
        for address in
            ["jörg@example.com", "用户@例子.广告", "a@ümlaut.example", "anna@example.com", "\"ö ä\"@x"]
        {
            assert!(Mailbox::is_full_utf8(address), "{address}");
        }
        let long = format!("{}@x", "ü".repeat(130));
        for address in
            ["jörg", "jö rg@x", "jö\u{a0}rg@x", "jö\u{85}rg@x", "jörg@x@y", "ü@", "@ü", "ö..ä@x", &long]
        {
            assert!(!Mailbox::is_full_utf8(address), "{address}");
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        let long = format!("{}@x", "1".repeat(260));
        for address in [
            "",
            "@",
            "@x",
            "1",
            "1@",
            "1@x@y",
            "1..2@x",
            ".1@x",
            "1.@x",
            "a b@x",
            r#""1@x"#,
            r#""1"x@y"#,
            r#""1\"#,
            "1@x..y",
            "1@-x",
            "1@x-",
            "1@[]",
            "1@[x",
            "1@[a][b]",
            "ü@x",
            "1@x y",
            "1@x\r",
            "1\0@x",
            &long,
        ] {
            assert_eq!(halves(address), None, "{address:?}");
        }
    }

    #[test]
    fn ours_is_what_the_configuration_names() {
        let config = AddressConfig {
            domains: vec!["fax.example.com".into()],
            postmaster: Some("ops@example.com".into()),
        };
        assert_eq!(config.check(), Ok(()));
        assert!(config.is_ours("FAX.Example.com"));
        for other in ["example.com", "afax.example.com", "fax.example.com.", "[192.0.2.1]", ""] {
            assert!(!config.is_ours(other), "{other}");
        }
        assert!(!AddressConfig::default().is_ours("localhost"));
    }

    #[test]
    fn wrong_settings_are_named() {
        let config = AddressConfig { domains: vec!["fax example".into()], postmaster: None };
        assert_eq!(config.check().unwrap_err().setting, "domains");
        let config = AddressConfig { domains: vec![], postmaster: Some("postmaster".into()) };
        assert_eq!(config.check().unwrap_err().setting, "postmaster");
    }
}
