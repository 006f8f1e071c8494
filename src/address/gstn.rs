//! The local part of a fax address: a telephone number and what belongs to it (RFC 3191, 3192, 2846).
//!
//! ```text
//!   pstn-address = [ "/" ] selector "=" phone *( "/" keyword "=" string ) [ "/" ]
//!   +12125550123            the number alone
//!   FAX=+1-212.555.0123     written-sep "-" and "." mean nothing (RFC 3191 §2.1)
//!   FAX=+12125550123/T33S=6377/ATTN=Tom.J.Smiths
//! ```
//!
//! Selector and keywords are read without regard to case. `T33S` and `ATTN` are used, and `KEY`, which is
//! ours: the key of somebody who may fax; what a sender may ask for besides is read by
//! [`crate::submit::options`]. What would lead the fax
//! somewhere else and cannot be done (`ISUB`, `POSTD`, dialling pauses, two subaddresses) is refused rather
//! than left out. Every other element (`ORG`, `OFNO` … of RFC 2846 §3.2, or unknown) changes nothing here and
//! stays as it is in the address that the job keeps, as RFC 3191 §2 asks.

/// What the local part of a fax address says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FaxAddress {
    /// The number, separators taken out.
    pub phone: Phone,
    /// T.33 subaddress: digits for the receiving machine's own routing.
    pub subaddress: Option<String>,
    /// Whom it is for, dots read as spaces: `Tom J Smiths`.
    pub attention: Option<String>,
    /// The key of somebody who may fax (`KEY`): a secret, never kept and never shown.
    pub key: Option<String>,
    /// The other elements, for who knows them: keyword in capital letters, and value as it was written.
    pub others: Vec<(String, String)>,
}

/// A number as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Phone {
    /// After a `+`: digits from the country code on (RFC 3191 global-phone).
    Global(String),
    /// Without a `+`: digits as one would dial them in the gateway's country (RFC 2846 local-phone).
    Local(String),
}

/// Why a local part is no fax address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// It is nothing like a number.
    #[error("{0:?} is no fax number; write it like +12125550123")]
    NotANumber(String),
    /// It asks for another service.
    #[error("{0}= is not a fax service; write FAX=+12125550123 or the number alone")]
    OtherService(String),
    /// It wants pauses, tones or letters dialled.
    #[error("{0:?} asks for pauses or tones; only digits can be dialled here")]
    Tones(String),
    /// An element has no value, or one that cannot be its value.
    #[error("/{0}= in the fax address has no usable value")]
    BadElement(String),
    /// An element stands there twice.
    #[error("/{0}= stands twice in the fax address; write one address for each")]
    Repeated(String),
    /// An element that the gateway knows and cannot serve.
    #[error("/{0}= cannot be used here: this gateway cannot dial on after the call is answered")]
    Unsupported(String),
    /// The text between two slashes is no `keyword=value`.
    #[error("{0:?} in the fax address is no element like T33S=6377")]
    NotAnElement(String),
}

/// The most digits that a T.33 subaddress can have: those of the T.30 SUB frame.
pub const SUBADDRESS_DIGITS_MAX: usize = 20;
/// The most characters of a key.
pub const KEY_CHARS_MAX: usize = 40;
/// The most characters of a name for the cover page.
pub const ATTENTION_CHARS_MAX: usize = 80;

impl FaxAddress {
    /// Reads a local part, quotes already resolved.
    pub fn parse(local: &str) -> Result<Self, AddressError> {
        let text = local.strip_prefix('/').unwrap_or(local);
        let text = text.strip_suffix('/').unwrap_or(text);
        let mut segments = text.split('/');
        let mut address = Self {
            phone: phone(segments.next().unwrap_or_default())?,
            subaddress: None,
            attention: None,
            key: None,
            others: Vec::new(),
        };
        for (keyword, value) in elements(segments)? {
            address.take(keyword, value)?;
        }
        Ok(address)
    }

    fn take(&mut self, keyword: &str, value: String) -> Result<(), AddressError> {
        let bad = || AddressError::BadElement(keyword.to_ascii_uppercase());
        let slot = match keyword.to_ascii_uppercase().as_str() {
            "T33S" => {
                let fits = (1..=SUBADDRESS_DIGITS_MAX).contains(&value.len());
                if !fits || !value.bytes().all(|b| b.is_ascii_digit()) {
                    return Err(bad());
                }
                (&mut self.subaddress, value)
            }
            "ATTN" => {
                let name = name(&value);
                if !name.contains(char::is_alphanumeric) || name.len() > ATTENTION_CHARS_MAX {
                    return Err(bad());
                }
                (&mut self.attention, name)
            }
            "KEY" => {
                let fits = (1..=KEY_CHARS_MAX).contains(&value.len());
                if !fits || !value.bytes().all(|b| b.is_ascii_alphanumeric()) {
                    return Err(bad());
                }
                (&mut self.key, value)
            }
            known @ ("ISUB" | "POSTD") => return Err(AddressError::Unsupported(known.to_owned())),
            other => {
                self.others.push((other.to_owned(), value));
                return Ok(());
            }
        };
        let (place, value) = slot;
        match place.replace(value) {
            None => Ok(()),
            Some(_) => Err(AddressError::Repeated(keyword.to_ascii_uppercase())),
        }
    }
}

/// An address, or an original recipient, without the key that stands in it.
#[must_use]
pub fn without_key(address: &str) -> String {
    let mut kept = String::with_capacity(address.len());
    let mut rest = address;
    // ASCII letters fold one by one, so places are the same in both.
    while let Some(at) = rest.to_ascii_lowercase().find("/key=") {
        let (before, element) = rest.split_at(at);
        kept.push_str(before);
        let end = element.get(1..).and_then(|after| after.find(['/', '@', '"'])).map(|end| end + 1);
        rest = end.and_then(|end| element.get(end..)).unwrap_or_default();
    }
    kept.push_str(rest);
    kept
}

/// The number, with or without its service selector.
fn phone(text: &str) -> Result<Phone, AddressError> {
    let written = match text.split_once('=') {
        Some((selector, number)) if selector.eq_ignore_ascii_case("FAX") => number,
        Some((selector, _)) if is_keyword(selector) => {
            return Err(AddressError::OtherService(selector.into()));
        }
        _ => text,
    };
    let (global, rest) = match written.strip_prefix('+') {
        Some(rest) => (true, rest),
        None => (false, written),
    };
    let digits: String = rest.chars().filter(|c| !matches!(c, '-' | '.')).collect();
    if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) {
        return Ok(if global { Phone::Global(digits) } else { Phone::Local(digits) });
    }
    let is_phone_string = |b: u8| b.is_ascii_digit() || b"#*ABCDabcdPpWw".contains(&b);
    let has_digit = digits.bytes().any(|b| b.is_ascii_digit());
    if has_digit && digits.bytes().all(is_phone_string) {
        return Err(AddressError::Tones(written.to_owned()));
    }
    Err(AddressError::NotANumber(written.to_owned()))
}

/// The elements after the number. A name may hold slashes (RFC 2846 §3.1 printablestring), so a segment that
/// is no element of its own belongs to the value before it.
fn elements<'a>(segments: impl Iterator<Item = &'a str>) -> Result<Vec<(&'a str, String)>, AddressError> {
    let mut elements: Vec<(&str, String)> = Vec::new();
    for segment in segments {
        match (segment.split_once('='), elements.last_mut()) {
            (Some((keyword, value)), _) if is_keyword(keyword) => elements.push((keyword, value.to_owned())),
            (_, Some((_, value))) => {
                value.push('/');
                value.push_str(segment);
            }
            _ => return Err(AddressError::NotAnElement(segment.to_owned())),
        }
    }
    Ok(elements)
}

fn is_keyword(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

/// A pers-name for people: the dots between given name, initials and surname become spaces.
fn name(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let spaced: String = chars
        .iter()
        .enumerate()
        .map(|(at, c)| match c {
            '.' if chars.get(at + 1).is_some_and(|next| *next != ' ') => ' ',
            c => *c,
        })
        .collect();
    spaced.trim().to_owned()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_and_never_kept() {
        let address = FaxAddress::parse("+12125550123/KEY=abc234/T33S=7").unwrap();
        assert_eq!((address.key.as_deref(), address.subaddress.as_deref()), (Some("abc234"), Some("7")));
        for wrong in ["+1212/KEY=", "+1212/KEY=a b", "+1212/KEY=a/KEY=b"] {
            assert!(FaxAddress::parse(wrong).is_err(), "{wrong}");
        }
        for (address, kept) in [
            ("+12125550123/KEY=abc@fax.example.com", "+12125550123@fax.example.com"),
            ("rfc822;+1212/key=abc/T33S=7@x", "rfc822;+1212/T33S=7@x"),
            ("\"FAX=+1212/Key=abc\"@x", "\"FAX=+1212\"@x"),
            ("+1212/KEY=a/KEY=b@x", "+1212@x"),
            ("+1212/KEY=abc", "+1212"),
            ("+1212/ATTN=Ann@x", "+1212/ATTN=Ann@x"),
            ("", ""),
        ] {
            assert_eq!(without_key(address), kept);
        }
    }

    fn global(digits: &str) -> Phone {
        Phone::Global(digits.into())
    }

    fn local(digits: &str) -> Phone {
        Phone::Local(digits.into())
    }

    /// The examples of RFC 3191 §2.2 and §4.2, RFC 3192 §2.2 and §4.2, and our own short forms.
    #[test]
    fn numbers_in_all_their_spellings() {
        for (text, phone) in [
            ("15550123", local("15550123")),
            ("+1-555-0123", global("15550123")),
            ("FAX=+15550123", global("15550123")),
            ("fax=+1.555.0123", global("15550123")),
            ("Fax=0103940226338", local("0103940226338")),
            ("FAX=+3940226338", global("3940226338")),
            ("FAX=+33-1-88335215", global("33188335215")),
            ("/FAX=+33-1-88335215/", global("33188335215")),
            ("FAX=+15550123/", global("15550123")),
            ("/+15550123", global("15550123")),
        ] {
            let want = FaxAddress { phone, subaddress: None, attention: None, key: None, others: Vec::new() };
            assert_eq!(FaxAddress::parse(text), Ok(want), "{text}");
        }
    }

    /// RFC 3192 §2.2 and RFC 2846 §5.
    #[test]
    fn subaddress_and_name() {
        for (text, subaddress, attention) in [
            ("FAX=+12027653000/T33S=1387", Some("1387"), None),
            ("FAX=+1.202.7653000/T33S=6377", Some("6377"), None),
            ("FAX=+12027653000/t33s=0042/", Some("0042"), None),
            ("FAX=+39-40-226338/ATTN=Mark.Collins", None, Some("Mark Collins")),
            ("FAX=+39040226338/ATTN=Mark.Collins/", None, Some("Mark Collins")),
            ("+39040226338/attn=Tom.J.Smiths/T33S=1", Some("1"), Some("Tom J Smiths")),
            ("+39040226338/ATTN=Carlo.CMLS.Nascimento", None, Some("Carlo CMLS Nascimento")),
            ("+39040226338/ATTN=Dr. Smith", None, Some("Dr. Smith")),
            ("+39040226338/ATTN=Smith/Jones", None, Some("Smith/Jones")),
            ("+39040226338/ATTN=J.Smiths/OFNA=Quality-control", None, Some("J Smiths")),
            ("FAX=+1202/ofno=T2-33A/OFNA=Q-C/X-NEW=1/T33S=9", Some("9"), None),
        ] {
            let got = FaxAddress::parse(text).unwrap();
            assert_eq!(
                (got.subaddress.as_deref(), got.attention.as_deref()),
                (subaddress, attention),
                "{text}"
            );
        }
    }

    #[test]
    fn what_cannot_be_served_is_refused_by_name() {
        use AddressError::*;
        for (text, error) in [
            ("", NotANumber("".into())),
            ("/", NotANumber("".into())),
            ("+", NotANumber("+".into())),
            ("FAX=", NotANumber("".into())),
            ("FAX=+", NotANumber("+".into())),
            ("-.-", NotANumber("-.-".into())),
            ("anna", NotANumber("anna".into())),
            ("+1+2", NotANumber("+1+2".into())),
            ("++1", NotANumber("++1".into())),
            ("555 0123", NotANumber("555 0123".into())),
            ("VOICE=+3940226338", OtherService("VOICE".into())),
            ("FAX=9p040p22.63.38", Tones("9p040p22.63.38".into())),
            ("*67", Tones("*67".into())),
            ("FAX=/postd=w6743w99p51", NotANumber("".into())),
            ("FAX=+1-202-455-7622/T33S=8745/PostD=p1w7005393w373", Unsupported("POSTD".into())),
            ("FAX=+49817856345/Isub=1234", Unsupported("ISUB".into())),
            ("+1202/T33S=1/T33S=2", Repeated("T33S".into())),
            ("+1202/ATTN=A/attn=B", Repeated("ATTN".into())),
            ("+1202/T33S=", BadElement("T33S".into())),
            ("+1202/T33S=12#34", BadElement("T33S".into())),
            ("+1202/T33S=123456789012345678901", BadElement("T33S".into())),
            ("+1202/ATTN=", BadElement("ATTN".into())),
            ("+1202/ATTN=. ", BadElement("ATTN".into())),
            ("+1202/6377", NotAnElement("6377".into())),
            ("+1202//T33S=1", NotAnElement("".into())),
        ] {
            assert_eq!(FaxAddress::parse(text), Err(error), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_is_too_strange(text in ".{0,80}") {
            if let Ok(address) = FaxAddress::parse(&text) {
                let (Phone::Global(digits) | Phone::Local(digits)) = address.phone;
                assert!(!digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()));
            }
        }
    }
}
