//! The parameters of `MAIL` and `RCPT` (RFC 5321 §4.1.2 Mail-parameters): SIZE (RFC 1870), BODY (RFC 6152),
//! SMTPUTF8 (RFC 6531), RET, ENVID, NOTIFY, ORCPT (RFC 3461), and those of time and order ([`super::timing`]).
//!
//! RFC 3461 §5.1 wants a wrong value, or a parameter given twice, answered by 501, and a right one kept
//! exactly; so they are read strictly. A parameter of an extension that was not offered is 555 (RFC 5321
//! §4.1.1.11).

use super::reply::Reply;
use super::timing::{self, By, Hold, Timing};
use crate::job::{Notify, Ret};

/// The parameters of `MAIL` that have a value.
const KNOWN: [&str; 9] =
    ["SIZE", "BODY", "AUTH", "RET", "ENVID", "HOLDFOR", "HOLDUNTIL", "BY", "MT-PRIORITY"];
/// The longest ENVID value as it is written (RFC 3461 §5.4).
const ENVID_CHARS_MAX: usize = 100;
/// The longest ORCPT value as it is written (RFC 3461 §5.4).
const ORCPT_CHARS_MAX: usize = 500;

/// What `MAIL` said beside the sender.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MailParameters {
    /// How many octets the client expects the message to have.
    pub size_octets: Option<u64>,
    /// How much of the message a failure report gives back.
    pub ret: Option<Ret>,
    /// The client's name for the transaction, decoded.
    pub envid: Option<String>,
    /// When the fax shall go, and before which others.
    pub timing: Timing,
    /// Whether addresses and header may be international (RFC 6531).
    pub utf8: bool,
    /// Whether AUTH was given (RFC 4954 §5): for whom another server says it took the mail. It opens nothing.
    auth: bool,
    /// Whether BODY was given; what it says changes nothing, since any 8-bit text is taken as it is.
    body: bool,
}

/// What `RCPT` said beside the recipient.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RcptParameters {
    /// Which reports are wanted.
    pub notify: Option<Notify>,
    /// The original recipient as `type;address`, decoded.
    pub orcpt: Option<String>,
}

impl MailParameters {
    /// Reads what follows the path of `MAIL`.
    pub fn parse(text: &str) -> Result<Self, Reply> {
        let mut parameters = Self::default();
        for (keyword, value) in split(text)? {
            match (keyword.as_str(), value) {
                ("SIZE", Some(value)) => once(&mut parameters.size_octets, size(value), "SIZE")?,
                ("BODY", Some(value)) => {
                    let known = ["7BIT", "8BITMIME"].iter().any(|body| value.eq_ignore_ascii_case(body));
                    if !known || std::mem::replace(&mut parameters.body, true) {
                        return Err(invalid("BODY"));
                    }
                }
                ("AUTH", Some(value)) => {
                    if value.is_empty()
                        || xtext(value).is_none()
                        || std::mem::replace(&mut parameters.auth, true)
                    {
                        return Err(invalid("AUTH"));
                    }
                }
                ("SMTPUTF8", None) if !std::mem::replace(&mut parameters.utf8, true) => {}
                ("SMTPUTF8", _) => return Err(invalid("SMTPUTF8")),
                ("RET", Some(value)) => once(&mut parameters.ret, ret(value), "RET")?,
                ("ENVID", Some(value)) => once(&mut parameters.envid, envid(value), "ENVID")?,
                ("HOLDFOR", Some(value)) => {
                    once(&mut parameters.timing.hold, Hold::parse_for(value), "HOLDFOR")?;
                }
                ("HOLDUNTIL", Some(value)) => {
                    once(&mut parameters.timing.hold, Hold::parse_until(value), "HOLDUNTIL")?;
                }
                ("BY", Some(value)) => once(&mut parameters.timing.by, By::parse(value), "BY")?,
                ("MT-PRIORITY", Some(value)) => {
                    once(&mut parameters.timing.priority, timing::priority(value), "MT-PRIORITY")?;
                }
                (known, None) if KNOWN.contains(&known) => return Err(invalid(known)),
                (unknown, _) => return Err(not_offered(unknown)),
            }
        }
        Ok(parameters)
    }
}

impl RcptParameters {
    /// Reads what follows the path of `RCPT`.
    pub fn parse(text: &str) -> Result<Self, Reply> {
        let mut parameters = Self::default();
        for (keyword, value) in split(text)? {
            match (keyword.as_str(), value) {
                ("NOTIFY", Some(value)) => once(&mut parameters.notify, notify(value), "NOTIFY")?,
                ("ORCPT", Some(value)) => once(&mut parameters.orcpt, orcpt(value), "ORCPT")?,
                (known @ ("NOTIFY" | "ORCPT"), None) => return Err(invalid(known)),
                (unknown, _) => return Err(not_offered(unknown)),
            }
        }
        Ok(parameters)
    }
}

/// Keywords in capitals and their values. Several spaces between two parameters do no harm.
fn split(text: &str) -> Result<Vec<(String, Option<&str>)>, Reply> {
    text.split(' ')
        .filter(|word| !word.is_empty())
        .map(|word| {
            let (keyword, value) = match word.split_once('=') {
                Some((keyword, value)) => (keyword, Some(value)),
                None => (word, None),
            };
            let is_keyword = keyword.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
            if keyword.is_empty() || !is_keyword {
                return Err(Reply::new(501, "5.5.4", format!("{word} is no parameter")));
            }
            Ok((keyword.to_ascii_uppercase(), value))
        })
        .collect()
}

/// Fills a place that must be empty with a value that must be there.
fn once<T>(place: &mut Option<T>, value: Option<T>, keyword: &str) -> Result<(), Reply> {
    let value = value.ok_or_else(|| invalid(keyword))?;
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(Reply::new(501, "5.5.4", format!("{keyword} is given twice"))),
    }
}

fn invalid(keyword: &str) -> Reply {
    Reply::new(501, "5.5.4", format!("the value of {keyword} is not valid"))
}

fn not_offered(keyword: &str) -> Reply {
    Reply::new(555, "5.5.4", format!("{keyword} is not offered here"))
}

/// RFC 1870 §4: one to twenty digits. What no number can hold is only too large.
fn size(value: &str) -> Option<u64> {
    let is_number = (1..=20).contains(&value.len()) && value.bytes().all(|b| b.is_ascii_digit());
    is_number.then(|| value.parse().unwrap_or(u64::MAX))
}

fn ret(value: &str) -> Option<Ret> {
    match value.to_ascii_uppercase().as_str() {
        "FULL" => Some(Ret::Full),
        "HDRS" => Some(Ret::Headers),
        _ => None,
    }
}

fn envid(value: &str) -> Option<String> {
    if value.is_empty() || value.len() > ENVID_CHARS_MAX { None } else { xtext(value) }
}

/// RFC 3461 §4.1: `NEVER` alone, or a list of the others.
fn notify(value: &str) -> Option<Notify> {
    let value = value.to_ascii_uppercase();
    if value == "NEVER" {
        return Some(Notify::NEVER);
    }
    let mut notify = Notify::NEVER;
    for word in value.split(',') {
        let place = match word {
            "SUCCESS" => &mut notify.success,
            "FAILURE" => &mut notify.failure,
            "DELAY" => &mut notify.delay,
            _ => return None,
        };
        *place = true;
    }
    Some(notify)
}

/// RFC 3461 §4.2: an address type, which is an atom, and the address in xtext, of which only the address is
/// decoded.
fn orcpt(value: &str) -> Option<String> {
    let (kind, address) = value.split_once(';').filter(|_| value.len() <= ORCPT_CHARS_MAX)?;
    let is_atom = !kind.is_empty()
        && kind.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-/?^_`{|}~.".contains(&b));
    (is_atom && !address.is_empty()).then_some(())?;
    Some(format!("{kind};{}", xtext(address)?))
}

/// Decodes xtext (RFC 3461 §4): printable characters but `+` and `=` stand for themselves, `+XX` is a
/// character in upper-case hexadecimal. What it stands for must be printable too, or it could write lines
/// into a report's header.
fn xtext(text: &str) -> Option<String> {
    let mut decoded = String::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let byte = match byte {
            b'+' => hex(bytes.next()?)? << 4 | hex(bytes.next()?)?,
            b'=' => return None,
            b'!'..=b'~' => byte,
            _ => return None,
        };
        (b' '..=b'~').contains(&byte).then(|| decoded.push(char::from(byte)))?;
    }
    Some(decoded)
}

fn hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn mail(text: &str) -> Result<MailParameters, (u16, &'static str)> {
        MailParameters::parse(text).map_err(|reply| (reply.code, reply.status.unwrap()))
    }

    fn rcpt(text: &str) -> Result<RcptParameters, (u16, &'static str)> {
        RcptParameters::parse(text).map_err(|reply| (reply.code, reply.status.unwrap()))
    }

    #[test]
    fn mail_parameters_are_kept() {
        let got = mail(" SIZE=1234  body=8BITMIME RET=hdrs ENVID=QQ+3D1+2b").map(|_| ());
        assert_eq!(got, Err((501, "5.5.4")), "hexadecimal is in capitals");
        let got = mail(" SIZE=1234  body=8BITMIME RET=hdrs ENVID=QQ+3D1+2B").unwrap();
        assert_eq!(got.size_octets, Some(1234));
        assert_eq!(got.ret, Some(Ret::Headers));
        assert_eq!(got.envid.as_deref(), Some("QQ=1+"));
        assert_eq!(mail("RET=FULL").unwrap().ret, Some(Ret::Full));
        assert_eq!(mail("SIZE=99999999999999999999").unwrap().size_octets, Some(u64::MAX));
        assert_eq!(mail(""), Ok(MailParameters::default()));
        assert!(mail(&format!("ENVID={}", "x".repeat(100))).is_ok());
    }

    #[test]
    fn rcpt_parameters_are_kept() {
        let got = rcpt("NOTIFY=SUCCESS,delay ORCPT=rfc822;FAX+3D+2B15550123@example.com").unwrap();
        assert_eq!(got.notify, Some(Notify { success: true, failure: false, delay: true }));
        assert_eq!(got.orcpt.as_deref(), Some("rfc822;FAX=+15550123@example.com"));
        assert_eq!(rcpt("NOTIFY=never").unwrap().notify, Some(Notify::NEVER));
        assert_eq!(rcpt("ORCPT=X400;/C+3DIT/").unwrap().orcpt.as_deref(), Some("X400;/C=IT/"));
        assert_eq!(rcpt("NOTIFY=SUCCESS,SUCCESS").unwrap().notify.map(|n| n.failure), Some(false));
        assert!(rcpt(&format!("ORCPT=rfc822;{}", "x".repeat(493))).is_ok());
    }

    #[test]
    fn wrong_values_and_repeats_are_501() {
        let long_envid = format!("ENVID={}", "x".repeat(101));
        for text in [
            "SIZE",
            "SIZE=",
            "SIZE=-1",
            "SIZE=1x",
            "SIZE=123456789012345678901",
            "AUTH=",
            "AUTH=<> AUTH=<>",
            "BODY=BINARYMIME",
            "BODY",
            "RET=ALL",
            "RET",
            "RET=FULL RET=HDRS",
            "ENVID",
            "ENVID=",
            "ENVID=a=b",
            "ENVID=+",
            "ENVID=+4",
            "ENVID=+0D+0A",
            "ENVID=+GG",
            "ENVID=+00",
            "ENVID=+FF",
            "ENVID=a ENVID=b",
            "BODY=7BIT BODY=7BIT",
            "HOLDFOR=0",
            "HOLDFOR",
            "HOLDFOR=60 HOLDUNTIL=2026-11-26T12:00:00Z",
            "BY=0;R",
            "BY=120;R BY=120;R",
            "MT-PRIORITY=10",
            "MT-PRIORITY=1 MT-PRIORITY=1",
            "=x",
            "S_IZE=1",
            &long_envid,
        ] {
            assert_eq!(mail(text), Err((501, "5.5.4")), "{text}");
        }
        let long_orcpt = format!("ORCPT=rfc822;{}", "x".repeat(494));
        for text in [
            "NOTIFY",
            "NOTIFY=",
            "NOTIFY=NEVER,SUCCESS",
            "NOTIFY=SUCCESS,NEVER",
            "NOTIFY=SUCCESS,",
            "NOTIFY=NO",
            "NOTIFY=NEVER NOTIFY=NEVER",
            "ORCPT=rfc822",
            "ORCPT=;a",
            "ORCPT=rfc822;",
            "ORCPT=rfc 822;a",
            "ORCPT=rfc822;a+0Ab",
            "ORCPT=rfc822;a ORCPT=rfc822;b",
            &long_orcpt,
        ] {
            assert!(matches!(rcpt(text), Err((501 | 555, "5.5.4"))), "{text}: {:?}", rcpt(text));
        }
    }

    #[test]
    fn what_was_not_offered_is_555() {
        for text in ["BINARYMIME", "RRVS=1", "REQUIRETLS", "HOLDFOR-=3", "NOTIFY=NEVER"] {
            assert_eq!(mail(text), Err((555, "5.5.4")), "{text}");
        }
        for text in ["RRVS=2014-04-03T23:01:00Z", "SIZE=1"] {
            assert_eq!(rcpt(text), Err((555, "5.5.4")), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_answered(text in "[ -~]{0,80}") {
            let _ = MailParameters::parse(&text);
            let _ = RcptParameters::parse(&text);
            if let Some(decoded) = xtext(&text) {
                assert!(decoded.bytes().all(|b| (b' '..=b'~').contains(&b)));
            }
        }
    }
}
