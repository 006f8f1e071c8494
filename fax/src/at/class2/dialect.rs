//! The words of the two command sets (SP-2388; T.32 clause 8), and what a modem reports by itself.

use super::super::dle::DLE;
use super::super::profile::Class;
use super::super::reply::Reply;
use super::hangup::Code;
use super::params::Params;
use crate::t30::capability::Capability;
use crate::t30::frame::{Digits, StationId};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// What follows a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Follows {
    /// MPS: another page of the same kind.
    Page,
    /// EOM: back to phase B.
    Document,
    /// EOP: nothing.
    Nothing,
}

impl Follows {
    /// The number of `+FET`.
    pub(super) fn number(self) -> u8 {
        match self {
            Self::Page => 0,
            Self::Document => 1,
            Self::Nothing => 2,
        }
    }
}

/// The far end's answer to a page (`+FPTS`, `+FPS`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PageAnswer {
    Mcf,
    Rtn,
    Rtp,
    Pin,
    Pip,
}

impl PageAnswer {
    const ALL: [Self; 5] = [Self::Mcf, Self::Rtn, Self::Rtp, Self::Pin, Self::Pip];

    fn of_number(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number).checked_sub(1)?).copied()
    }

    pub(super) fn number(self) -> u8 {
        match self {
            Self::Mcf => 1,
            Self::Rtn => 2,
            Self::Rtp => 3,
            Self::Pin => 4,
            Self::Pip => 5,
        }
    }

    pub(super) fn is_positive(self) -> bool {
        matches!(self, Self::Mcf | Self::Rtp | Self::Pip)
    }
}

/// A line of the modem, in the words of its class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Report {
    /// `+FCON`, `+FCO`: a fax machine is there.
    Connected,
    /// `+FCSI`, `+FTSI`, `+FCIG` and theirs: who it is.
    Identity(String),
    /// `+FSA`: the subaddress.
    Subaddress(String),
    /// `+FPW`: the password.
    Password(String),
    /// `+FDIS`, `+FIS`: what it can do.
    Capability(Params),
    /// `+FDCS`, `+FCS`: what was agreed on.
    Settings(Params),
    /// `+FPTS`, `+FPS`: an answer to a page, and where one receives the one that is proposed.
    Page(PageAnswer),
    /// `+FET`: what follows the page that came.
    Follows(Follows),
    /// `+FHNG`, `+FHS`: the call is over.
    Over(Code),
    /// Anything else.
    Other(Reply),
}

impl Report {
    /// Reads a line. The names of both classes are known in both: some modems mix them.
    pub(super) fn parse(line: &str, class: Class) -> Self {
        let (name, rest) = line.split_once(':').unwrap_or((line, ""));
        let (name, rest) = (name.trim().to_ascii_uppercase(), rest.trim());
        let number = rest.split(',').next().and_then(|field| field.trim().parse::<u8>().ok());
        let report = match name.as_str() {
            "+FCON" | "+FCO" => Some(Self::Connected),
            "+FCSI" | "+FCI" | "+FTSI" | "+FTI" | "+FCIG" | "+FPI" => Some(Self::Identity(unquoted(rest))),
            "+FSA" | "+FSUB" => Some(Self::Subaddress(unquoted(rest))),
            "+FPW" | "+FPWD" | "+FSID" => Some(Self::Password(unquoted(rest))),
            "+FDIS" | "+FIS" => Params::parse(rest, class).map(Self::Capability),
            "+FDCS" | "+FCS" => Params::parse(rest, class).map(Self::Settings),
            "+FPTS" | "+FPS" => number.and_then(PageAnswer::of_number).map(Self::Page),
            "+FET" => number.map(|number| {
                // 3 to 5 are the same with a wish for an operator.
                Self::Follows(match number % 3 {
                    0 => Follows::Page,
                    1 => Follows::Document,
                    _ => Follows::Nothing,
                })
            }),
            "+FHNG" | "+FHS" => Code::parse(rest).map(Self::Over),
            _ => None,
        };
        report.unwrap_or_else(|| Self::Other(Reply::parse(line)))
    }
}

/// The commands of a class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Dialect(pub(super) Class);

impl Dialect {
    pub(super) fn is_draft(self) -> bool {
        self.0 == Class::Two
    }

    fn pick(self, draft: &'static str, new: &'static str) -> &'static str {
        if self.is_draft() { draft } else { new }
    }

    pub(super) fn local_id(self, id: &StationId) -> String {
        // What would end the text is left out.
        let text: String = id.as_str().chars().filter(|c| *c != '"').collect();
        format!("AT{}=\"{text}\"", self.pick("+FLID", "+FLI"))
    }

    /// What we offer, and what we allow: first what every modem takes, then more. A modem refuses what it does not have, and
    /// keeps what it took before.
    pub(super) fn capabilities(self, capability: &Capability) -> Vec<String> {
        let name = self.pick("+FDCC", "+FCC");
        let corrected =
            Capability { superfine: false, dpi300: false, dpi400: false, inch: false, ..*capability };
        let plain = Params::of_capability(&Capability { ecm: false, ..corrected }, self.0);
        let mut all = alloc::vec![
            format!("AT{name}={}", plain.to_text_at_any_speed(self.0)),
            format!("AT{name}={}", plain.to_text(self.0)),
        ];
        for more in [&corrected, capability] {
            all.push(format!("AT{name}={}", Params::of_capability(more, self.0).to_text(self.0)));
        }
        all.dedup();
        all
    }

    /// How the next page is to be sent.
    pub(super) fn settings(self, params: Params) -> String {
        format!("AT{}={}", self.pick("+FDIS", "+FIS"), params.to_text(self.0))
    }

    /// The same for a modem that refuses the speed in it.
    pub(super) fn settings_at_any_speed(self, params: Params) -> String {
        format!("AT{}={}", self.pick("+FDIS", "+FIS"), params.to_text_at_any_speed(self.0))
    }

    /// Bits go as they are handed over.
    pub(super) fn bit_order(self) -> &'static str {
        self.pick("AT+FBOR=0", "AT+FBO=0")
    }

    /// Reports of T.32 are off unless asked for: the far end's DIS and identification, the DCS. Subaddress and password too.
    pub(super) fn reports(self) -> &'static [&'static str] {
        if self.is_draft() { &[] } else { &["AT+FNR=1,1,1,0", "AT+FAP=1,0,1"] }
    }

    pub(super) fn subaddress(digits: &Digits) -> String {
        format!("AT+FSA=\"{}\"", digits.as_str())
    }

    pub(super) fn password(digits: &Digits) -> String {
        format!("AT+FPW=\"{}\"", digits.as_str())
    }

    /// Ends a page of data: what it ends with, and (SP-2388) the command that says what follows.
    pub(super) fn page_end(self, follows: Follows) -> [u8; 2] {
        let octet = match follows {
            Follows::Page => b',',
            Follows::Document => b';',
            Follows::Nothing => b'.',
        };
        [DLE, octet]
    }

    pub(super) fn page_answer(self, answer: PageAnswer) -> String {
        format!("AT{}={}", self.pick("+FPTS", "+FPS"), answer.number())
    }

    /// Ends the call in order.
    pub(super) fn abort(self) -> &'static str {
        self.pick("AT+FK", "AT+FKS")
    }
}

fn unquoted(text: &str) -> String {
    text.trim_matches('"').trim().chars().filter(|c| (' '..='~').contains(c)).take(20).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_things_have_two_names() {
        let id = |text: &str| Report::Identity(text.into());
        for (draft, new, report) in [
            ("+FCON", "+FCO", Report::Connected),
            ("+FCSI:\"      +1 212 555\"", "+FCI: \"+1 212 555\"", id("+1 212 555")),
            ("+FTSI:\"\"", "+FTI:\"\"", id("")),
            ("+FPTS:1", "+FPS:1", Report::Page(PageAnswer::Mcf)),
            ("+FPTS: 2,1143,12,3", "+FPS:2,1143,12,3", Report::Page(PageAnswer::Rtn)),
            ("+FET:0", "+FET: 3", Report::Follows(Follows::Page)),
            ("+FET:2", "+FET:2", Report::Follows(Follows::Nothing)),
            ("+FHNG: 50", "+FHS:50", Report::Over(Code(50))),
            ("+FHNG:100", "+FHS:A0", Report::Over(Code(100))),
            ("+FPTS:9", "+FPS:0", Report::Other(Reply::Text("+FPTS:9".into()))),
        ] {
            assert_eq!(Report::parse(draft, Class::Two), report);
            if !matches!(report, Report::Other(_)) {
                assert_eq!(Report::parse(new, Class::TwoPointZero), report);
            }
        }
        assert_eq!(
            Report::parse("+fdcs:1,5,0,2,0,0,0,0", Class::Two),
            Report::Settings(Params::parse("1,5,0,2,0,0,0,0", Class::Two).unwrap())
        );
        assert_eq!(Report::parse("NO CARRIER", Class::Two), Report::Other(Reply::NoCarrier));
        assert_eq!(Report::parse("+FDCS:", Class::Two), Report::Other(Reply::Text("+FDCS:".into())));
        assert_eq!(Report::parse("+FSA:\"4711\"", Class::TwoPointZero), Report::Subaddress("4711".into()));
    }

    #[test]
    fn commands_are_in_the_words_of_the_class() {
        let id = StationId::new("+1 \"x\" 2").unwrap();
        let params = Params::of_capability(&Capability::FULL, Class::Two);
        let (draft, new) = (Dialect(Class::Two), Dialect(Class::TwoPointOne));
        assert_eq!(draft.local_id(&id), "AT+FLID=\"+1 x 2\"");
        assert_eq!(new.local_id(&id), "AT+FLI=\"+1 x 2\"");
        let full = Capability::FULL;
        assert_eq!(
            draft.capabilities(&full),
            ["AT+FDCC=1,,2,2,1,0,0,0", "AT+FDCC=1,5,2,2,1,0,0,0", "AT+FDCC=1,5,2,2,3,2,0,0"],
            "the draft has no finer resolutions"
        );
        assert_eq!(new.capabilities(&full).last().map(String::as_str), Some("AT+FCC=57,5,2,2,3,1,0,0"));
        let slow = Capability { ecm: false, speeds: full.speeds.up_to(9600), ..full };
        assert_eq!(draft.capabilities(&slow), ["AT+FDCC=1,3,2,2,1,0,0,0"]);
        assert_eq!(new.settings(params), "AT+FIS=1,5,2,2,3,2,0,0");
        assert_eq!((draft.abort(), new.abort()), ("AT+FK", "AT+FKS"));
        assert_eq!(new.page_end(Follows::Document), [0x10, b';']);
        assert_eq!(draft.page_answer(PageAnswer::Rtp), "AT+FPTS=3");
        for (number, answer) in (1..).zip(PageAnswer::ALL) {
            assert_eq!((answer.number(), PageAnswer::of_number(number)), (number, Some(answer)));
            assert_eq!(answer.is_positive(), number % 2 == 1);
        }
    }
}
