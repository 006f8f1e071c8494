//! What a modem says in command state: result codes and other lines (ITU-T V.250 clause 5.7, T.31 clause 8.4).
//!
//! Words are taken as the fax modems in the field write them, in either case and with any spacing. Nothing is ever
//! refused: a line that is no result code is [`Reply::Text`].

use alloc::string::{String, ToString};
use core::fmt;

/// A line from the modem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// The command was done.
    Ok,
    /// The awaited carrier is there, or the modem awaits data: the data state begins.
    Connect,
    /// A connection of data modems (`CONNECT 9600`).
    ConnectData,
    /// The telephone rings. Which of a line's numbers was called, where the modem tells rings apart (`RING A`, `RING 1`).
    Ring(Option<String>),
    /// The telephone at the far end rings (`RINGING`).
    Ringing,
    /// The connection, or the awaited signal, has gone or never came.
    NoCarrier,
    /// The command is unknown, or cannot be done now.
    Error,
    /// No dial tone.
    NoDialTone,
    /// The called number is busy.
    Busy,
    /// The called number does not answer.
    NoAnswer,
    /// The modem does not dial this number any more after too many tries, as its country wants.
    Blacklisted,
    /// The modem does not dial this number yet, as its country wants.
    Delayed,
    /// Another signal than the awaited one (T.31 `+FCERROR`; `+F4` in numbers).
    FcError,
    /// V.21 was heard while another signal was awaited, and is being received now (T.31 `+FRH:3`).
    FrhThree,
    /// A fax machine calls or answers (`FAX`; T.31 `+FAE`).
    Fax,
    /// A data modem calls or answers (`DATA`).
    Data,
    /// A voice connection (`VCON`, `VOICE`).
    Voice,
    /// A report of the modem that means nothing to a fax: `CARRIER 9600`, `PROTECTION`, `PROTOCOL: LAPM`, `COMPRESSION: NONE`.
    Report,
    /// About V.8 or V.34 fax (`+F34:…`, `+A8…`), which are not used here.
    V34(String),
    /// Any other line, trimmed.
    Text(String),
}

impl Reply {
    /// Reads a line of a modem that uses words (`ATV1`).
    #[must_use]
    pub fn parse(line: &str) -> Self {
        let line = line.trim();
        let mut words = line.split_ascii_whitespace();
        let (first, second, third) = (words.next().unwrap_or(""), words.next(), words.next());
        let is = |word: &str| first.eq_ignore_ascii_case(word);
        let then = |word: &str| second.is_some_and(|second| second.eq_ignore_ascii_case(word));
        match second {
            None => Self::of_word(first).unwrap_or_else(|| Self::other(line)),
            Some(rate) if is("CONNECT") && rate.starts_with(|c: char| c.is_ascii_digit()) => {
                Self::ConnectData
            }
            Some(_) if is("CONNECT") => Self::Connect,
            Some(kind) if is("RING") && third.is_none() && kind.len() <= RING_KIND_OCTETS_MAX => {
                Self::Ring(Some(kind.to_string()))
            }
            Some(_) if is("NO") && then("CARRIER") => Self::NoCarrier,
            Some(_) if is("NO") && (then("DIALTONE") || then("DIAL")) => Self::NoDialTone,
            Some(_) if is("NO") && then("ANSWER") => Self::NoAnswer,
            Some(_) if is("CARRIER") || is("PROTOCOL:") || is("COMPRESSION:") || is("PROTECTION:") => {
                Self::Report
            }
            // `BUSY TONE`, `DELAYED 00:02:00`, `BLACKLISTED 12345`, `ERROR 3`.
            Some(_) if is("DELAYED") || is("BLACKLISTED") || is("BUSY") || is("ERROR") || is("ERROR:") => {
                Self::of_word(first.trim_end_matches(':')).unwrap_or(Self::Error)
            }
            Some(_) => Self::other(line),
        }
    }

    /// Reads a line of a modem that uses numbers (`ATV0`): V.250 table 1, and what is usual beyond it.
    #[must_use]
    pub fn parse_numeric(line: &str) -> Self {
        match line.trim() {
            "0" => Self::Ok,
            "1" => Self::Connect,
            "5" | "10" | "11" | "12" | "13" | "14" => Self::ConnectData,
            "2" => Self::Ring(None),
            "3" => Self::NoCarrier,
            "4" => Self::Error,
            "6" => Self::NoDialTone,
            "7" => Self::Busy,
            "8" => Self::NoAnswer,
            line => Self::parse(line),
        }
    }

    /// Whether a command ends with it, one way or the other.
    #[must_use]
    pub fn is_final(&self) -> bool {
        use Reply as R;
        match self {
            R::Ok | R::Connect | R::ConnectData | R::NoCarrier | R::Error | R::NoDialTone | R::Busy => true,
            R::NoAnswer | R::Blacklisted | R::Delayed | R::FcError => true,
            R::Ring(_) | R::Ringing | R::FrhThree | R::Fax | R::Data | R::Voice => false,
            R::Report | R::V34(_) | R::Text(_) => false,
        }
    }

    fn of_word(word: &str) -> Option<Self> {
        const WORDS: [(&str, Reply); 24] = [
            ("OK", Reply::Ok),
            ("CONNECT", Reply::Connect),
            ("CONNECT/FAX", Reply::Connect),
            ("RING", Reply::Ring(None)),
            ("RINGING", Reply::Ringing),
            ("RINGBACK", Reply::Ringing),
            ("NOCARRIER", Reply::NoCarrier),
            ("ERROR", Reply::Error),
            ("NODIALTONE", Reply::NoDialTone),
            ("BUSY", Reply::Busy),
            ("NOANSWER", Reply::NoAnswer),
            ("BLACKLISTED", Reply::Blacklisted),
            ("DELAYED", Reply::Delayed),
            ("+FCERROR", Reply::FcError),
            ("FCERROR", Reply::FcError),
            ("+F4", Reply::FcError),
            ("+FRH:3", Reply::FrhThree),
            ("+FRH=3", Reply::FrhThree),
            ("FAX", Reply::Fax),
            ("DATA", Reply::Data),
            ("VCON", Reply::Voice),
            ("VOICE", Reply::Voice),
            ("PROTECTION", Reply::Report),
            ("+VCON", Reply::Voice),
        ];
        let word = WORDS.iter().find(|(text, _)| word.eq_ignore_ascii_case(text));
        word.map(|(_, reply)| reply.clone())
    }

    fn other(line: &str) -> Self {
        const V34: [&str; 3] = ["+F34", "+A8", "+FHS34"];
        let begins = |with: &&str| line.get(..with.len()).is_some_and(|head| head.eq_ignore_ascii_case(with));
        let is_frh = line.bytes().filter(|octet| *octet != b' ').eq(b"+FRH:3".iter().copied());
        match line {
            _ if is_frh => Self::FrhThree,
            _ if V34.iter().any(begins) => Self::V34(line.to_string()),
            _ => Self::Text(line.to_string()),
        }
    }
}

/// The longest name of a distinctive ring; what is longer is another sentence that begins with this word.
const RING_KIND_OCTETS_MAX: usize = 8;

impl fmt::Display for Reply {
    /// As the modem says it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ok => "OK",
            Self::Connect => "CONNECT",
            Self::ConnectData => "CONNECT 2400",
            Self::Ring(None) => "RING",
            Self::Ring(Some(kind)) => return write!(f, "RING {kind}"),
            Self::Ringing => "RINGING",
            Self::NoCarrier => "NO CARRIER",
            Self::Error => "ERROR",
            Self::NoDialTone => "NO DIALTONE",
            Self::Busy => "BUSY",
            Self::NoAnswer => "NO ANSWER",
            Self::Blacklisted => "BLACKLISTED",
            Self::Delayed => "DELAYED",
            Self::FcError => "+FCERROR",
            Self::FrhThree => "+FRH:3",
            Self::Fax => "FAX",
            Self::Data => "DATA",
            Self::Voice => "VOICE",
            Self::Report => "PROTECTION",
            Self::V34(text) | Self::Text(text) => text,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_known_as_modems_write_them() {
        let ring = |kind: &str| Reply::Ring(Some(kind.to_string()));
        let text = |line: &str| Reply::Text(line.to_string());
        for (line, reply) in [
            ("OK", Reply::Ok),
            (" ok ", Reply::Ok),
            ("CONNECT", Reply::Connect),
            ("CONNECT 115200/V34", Reply::ConnectData),
            ("CONNECT FAX", Reply::Connect),
            ("CONNECT/FAX", Reply::Connect),
            ("RING", Reply::Ring(None)),
            ("RING A", ring("A")),
            ("RING 1", ring("1")),
            ("Ring time: none known", text("Ring time: none known")),
            ("RINGING", Reply::Ringing),
            ("NO CARRIER", Reply::NoCarrier),
            ("No Carrier", Reply::NoCarrier),
            ("ERROR", Reply::Error),
            ("NO DIALTONE", Reply::NoDialTone),
            ("NO DIAL TONE", Reply::NoDialTone),
            ("BUSY", Reply::Busy),
            ("NO ANSWER", Reply::NoAnswer),
            ("BLACKLISTED", Reply::Blacklisted),
            ("DELAYED 00:02:00", Reply::Delayed),
            ("DELAYED", Reply::Delayed),
            ("+FCERROR", Reply::FcError),
            ("+F4", Reply::FcError),
            ("+FRH:3", Reply::FrhThree),
            ("+FRH: 3", Reply::FrhThree),
            ("FAX", Reply::Fax),
            ("DATA", Reply::Data),
            ("VCON", Reply::Voice),
            ("VOICE", Reply::Voice),
            ("PROTECTION", Reply::Report),
            ("CARRIER 14400", Reply::Report),
            ("PROTOCOL: LAPM", Reply::Report),
            ("+F34:14,1", Reply::V34("+F34:14,1".into())),
            ("+A8I:1", Reply::V34("+A8I:1".into())),
            ("NO", text("NO")),
            ("NO SUCH THING", text("NO SUCH THING")),
            ("3,24,48,72,73", text("3,24,48,72,73")),
            ("0", text("0")),
            ("NMBR=5551234", text("NMBR=5551234")),
            ("", text("")),
        ] {
            assert_eq!(Reply::parse(line), reply, "{line}");
        }
    }

    #[test]
    fn numbers_are_known_where_they_are_asked_for() {
        for (line, reply) in [
            ("0", Reply::Ok),
            ("1", Reply::Connect),
            ("2", Reply::Ring(None)),
            ("3", Reply::NoCarrier),
            ("4", Reply::Error),
            ("6", Reply::NoDialTone),
            ("7", Reply::Busy),
            ("8", Reply::NoAnswer),
            ("+F4", Reply::FcError),
            ("OK", Reply::Ok),
            ("0,1,2", Reply::Text("0,1,2".into())),
        ] {
            assert_eq!(Reply::parse_numeric(line), reply, "{line}");
        }
    }

    #[test]
    fn what_is_shown_reads_back() {
        for line in ["OK", "CONNECT", "RING", "RING B", "NO CARRIER", "+FCERROR", "+FRH:3", "VOICE", "+F34:1"]
        {
            assert_eq!(Reply::parse(line).to_string(), line);
        }
        assert!(Reply::Error.is_final() && !Reply::Ring(None).is_final() && !Reply::FrhThree.is_final());
    }
}
