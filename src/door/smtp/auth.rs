//! How a client signs in (RFC 4954): PLAIN (RFC 4616), LOGIN, and SCRAM-SHA-256 (RFC 7677), as values. Text comes
//! in, challenges and questions go out; who the people are is asked of the driver.
//!
//! ```text
//!   PLAIN  ──name, password──► Password        LOGIN ──name──► ──password──► Password
//!   SCRAM  ──name, nonce──► Keys ──keys──► challenge ──proof──► Proven ──yes──► signature ──""──► done
//! ```

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::users::{PASSWORD_OCTETS_MAX, ScramKeys};

/// Octets of the longest answer, decoded: a name and a password twice over.
const ANSWER_OCTETS_MAX: usize = 1024;

/// A way to sign in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mechanism {
    /// Name and password at once.
    Plain,
    /// Name, then password; what Outlook and copiers know.
    Login,
    /// A proof of the password, which itself is not sent.
    ScramSha256,
}

/// What `EHLO` says of it.
pub(super) const OFFER: &str = "AUTH SCRAM-SHA-256 PLAIN LOGIN";

impl Mechanism {
    /// By its name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        match name.to_ascii_uppercase().as_str() {
            "PLAIN" => Some(Self::Plain),
            "LOGIN" => Some(Self::Login),
            "SCRAM-SHA-256" => Some(Self::ScramSha256),
            _ => None,
        }
    }
}

/// A password, or what has one in it, which no log shows.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(pub String);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// What follows.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Move {
    /// Say this, in base64, and bring the answer.
    Challenge(String),
    /// Ask whether the password is right.
    Password(String, Secret),
    /// Ask for the keys of this name, and bring them.
    Keys(String),
    /// A proof was given, and it is right or not.
    Proven(String, bool),
    /// The client gave up.
    Cancelled,
    /// What the client said cannot be read.
    Malformed,
    /// It is done.
    Done,
}

/// One attempt.
#[derive(Debug)]
pub(super) struct Exchange(Stage);

#[derive(Debug)]
enum Stage {
    Plain,
    LoginName,
    LoginPassword(String),
    ScramFirst,
    ScramKeys(First),
    ScramFinal(Final),
    /// The proof was right; the signature is still to be sent, and then to be acknowledged.
    ScramSignature(Vec<u8>),
    ScramDone,
    Over,
}

/// The first message of a SCRAM client.
#[derive(Debug)]
struct First {
    name: String,
    header: String,
    bare: String,
    nonce: String,
}

#[derive(Debug)]
struct Final {
    first: First,
    keys: ScramKeys,
    nonce: String,
    server_first: String,
}

impl Exchange {
    /// Begins; `initial` is what stood behind the name of the mechanism, `=` for nothing.
    pub(super) fn begin(mechanism: Mechanism, initial: Option<&str>) -> (Self, Move) {
        let mut exchange = Self(match mechanism {
            Mechanism::Plain => Stage::Plain,
            Mechanism::Login => Stage::LoginName,
            Mechanism::ScramSha256 => Stage::ScramFirst,
        });
        let next = match initial {
            Some("=") => exchange.decoded(String::new()),
            Some(text) => exchange.answer(text),
            None if mechanism == Mechanism::Login => Move::Challenge("Username:".into()),
            None => Move::Challenge(String::new()),
        };
        (exchange, next)
    }

    /// Takes the line that answers a challenge.
    pub(super) fn answer(&mut self, line: &str) -> Move {
        if line == "*" {
            return Move::Cancelled;
        }
        let decoded = STANDARD.decode(line).ok().filter(|octets| octets.len() <= ANSWER_OCTETS_MAX);
        match decoded.and_then(|octets| String::from_utf8(octets).ok()) {
            Some(text) => self.decoded(text),
            None => Move::Malformed,
        }
    }

    fn decoded(&mut self, text: String) -> Move {
        match std::mem::replace(&mut self.0, Stage::Over) {
            Stage::Plain => plain(&text),
            Stage::LoginName => {
                self.0 = Stage::LoginPassword(text);
                Move::Challenge("Password:".into())
            }
            Stage::LoginPassword(name) => password(name, text),
            Stage::ScramFirst => match First::parse(&text) {
                Some(first) => {
                    let name = first.name.clone();
                    self.0 = Stage::ScramKeys(first);
                    Move::Keys(name)
                }
                None => Move::Malformed,
            },
            Stage::ScramFinal(last) => self.proof(&last, &text),
            Stage::ScramDone if text.is_empty() => Move::Done,
            _ => Move::Malformed,
        }
    }

    /// Answers [`Move::Keys`]; `nonce` is ours, printable and without a comma.
    pub(super) fn keys(&mut self, keys: ScramKeys, nonce: &str) -> Move {
        let Stage::ScramKeys(first) = std::mem::replace(&mut self.0, Stage::Over) else {
            return Move::Malformed;
        };
        let nonce = format!("{}{nonce}", first.nonce);
        let server_first = format!("r={nonce},s={},i={}", STANDARD.encode(&keys.salt), keys.iterations);
        self.0 = Stage::ScramFinal(Final { first, keys, nonce, server_first: server_first.clone() });
        Move::Challenge(server_first)
    }

    fn proof(&mut self, last: &Final, text: &str) -> Move {
        let Some((without_proof, proof)) = text.rsplit_once(",p=") else { return Move::Malformed };
        let Ok(proof) = STANDARD.decode(proof) else { return Move::Malformed };
        let expected = format!("c={},r={}", STANDARD.encode(&last.first.header), last.nonce);
        // Extensions may follow the nonce (RFC 5802 §7); they are signed with the rest.
        let rest = without_proof.strip_prefix(expected.as_str());
        if !rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(',')) {
            return Move::Malformed;
        }
        let name = last.first.name.clone();
        let exchange = format!("{},{},{without_proof}", last.first.bare, last.server_first);
        match last.keys.answer(&exchange, &proof) {
            Some(signature) => {
                self.0 = Stage::ScramSignature(signature);
                Move::Proven(name, true)
            }
            None => Move::Proven(name, false),
        }
    }

    /// The driver has let the client in; whether there is still something to say.
    pub(super) fn let_in(&mut self) -> Option<Move> {
        match std::mem::replace(&mut self.0, Stage::Over) {
            Stage::ScramSignature(signature) => {
                self.0 = Stage::ScramDone;
                Some(Move::Challenge(format!("v={}", STANDARD.encode(signature))))
            }
            _ => None,
        }
    }
}

/// A challenge as it goes over the wire.
pub(super) fn encoded(challenge: &str) -> String {
    STANDARD.encode(challenge)
}

/// `[authzid] NUL authcid NUL password` (RFC 4616 §2).
fn plain(text: &str) -> Move {
    let parts: Vec<&str> = text.split('\0').collect();
    match parts.as_slice() {
        [other, name, _] if !(other.is_empty() || other.eq_ignore_ascii_case(name)) => Move::Malformed,
        [_, name, secret] => password((*name).to_owned(), (*secret).to_owned()),
        _ => Move::Malformed,
    }
}

fn password(name: String, secret: String) -> Move {
    if name.is_empty() || secret.is_empty() || secret.len() > PASSWORD_OCTETS_MAX {
        return Move::Malformed;
    }
    Move::Password(name, Secret(secret))
}

impl First {
    /// `gs2-header client-first-message-bare` (RFC 5802 §7). Channel binding is not offered, so nobody may ask
    /// for it; a client that could have used it may say so.
    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.splitn(3, ',');
        let (binding, authzid, bare) = (parts.next()?, parts.next()?, parts.next()?);
        matches!(binding, "n" | "y").then_some(())?;
        let mut attributes = bare.split(',');
        let name = unescaped(attributes.next()?.strip_prefix("n=")?)?;
        let nonce = attributes.next()?.strip_prefix("r=")?;
        let is_nonce = !nonce.is_empty() && nonce.bytes().all(|b| b.is_ascii_graphic());
        let acts_for = match authzid.strip_prefix("a=") {
            Some(other) => unescaped(other)?.eq_ignore_ascii_case(&name),
            None => authzid.is_empty(),
        };
        (is_nonce && acts_for && !name.is_empty()).then(|| Self {
            name,
            header: format!("{binding},{authzid},"),
            bare: bare.to_owned(),
            nonce: nonce.to_owned(),
        })
    }
}

/// A name in which `=2C` is a comma and `=3D` an equals sign.
fn unescaped(name: &str) -> Option<String> {
    let without = name.replace("=2C", ",").replace("=3D", "=");
    (name.matches('=').count() == name.matches("=2C").count() + name.matches("=3D").count())
        .then_some(without)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use super::*;

    fn begin(mechanism: Mechanism, initial: &str) -> Move {
        Exchange::begin(mechanism, Some(&STANDARD.encode(initial))).1
    }

    fn asks(name: &str, password: &str) -> Move {
        Move::Password(name.into(), Secret(password.into()))
    }

    #[test]
    fn plain_is_one_answer() {
        assert_eq!(begin(Mechanism::Plain, "\0anna\0secret"), asks("anna", "secret"));
        assert_eq!(begin(Mechanism::Plain, "Anna\0anna\0pässword"), asks("anna", "pässword"));
        let (mut exchange, next) = Exchange::begin(Mechanism::Plain, None);
        assert_eq!(next, Move::Challenge(String::new()));
        assert_eq!(exchange.answer("AGFubmEAc2VjcmV0"), asks("anna", "secret"));
        assert_eq!(exchange.answer("AGFubmEAc2VjcmV0"), Move::Malformed, "once");
        for wrong in ["", "anna", "\0anna", "bob\0anna\0secret", "\0\0secret", "\0anna\0", "a\0b\0c\0d"] {
            assert_eq!(begin(Mechanism::Plain, wrong), Move::Malformed, "{wrong:?}");
        }
        let (mut exchange, _) = Exchange::begin(Mechanism::Plain, None);
        assert_eq!(exchange.answer("*"), Move::Cancelled);
        for wrong in ["====", "AGFubmE", "ä", "/w=="] {
            assert_eq!(Exchange::begin(Mechanism::Plain, Some(wrong)).1, Move::Malformed, "{wrong}");
        }
        assert_eq!(Exchange::begin(Mechanism::Plain, Some("=")).1, Move::Malformed, "an empty answer");
    }

    #[test]
    fn login_asks_twice() {
        let (mut exchange, next) = Exchange::begin(Mechanism::Login, None);
        assert_eq!(next, Move::Challenge("Username:".into()));
        assert_eq!(exchange.answer(&encoded("anna")), Move::Challenge("Password:".into()));
        assert_eq!(exchange.answer(&encoded("secret")), asks("anna", "secret"));
        let (mut exchange, next) = Exchange::begin(Mechanism::Login, Some(&encoded("anna")));
        assert_eq!(next, Move::Challenge("Password:".into()));
        assert_eq!(exchange.answer(""), Move::Malformed);
    }

    #[test]
    fn scram_messages_that_are_not_taken() {
        for first in [
            "",
            "n,,",
            "n,,n=anna",
            "n,,r=x,n=anna",
            "p=tls-exporter,,n=anna,r=x",
            "n,a=bob,n=anna,r=x",
            "n,,n=,r=x",
            "n,,n=an=na,r=x",
            "n,,n=anna,r=",
            "n,,m=ext,n=anna,r=x",
        ] {
            assert_eq!(begin(Mechanism::ScramSha256, first), Move::Malformed, "{first:?}");
        }
        assert_eq!(begin(Mechanism::ScramSha256, "y,a=a=3Db,n=A=3Db,r=x"), Move::Keys("A=b".into()));
    }

    proptest::proptest! {
        #[test]
        fn any_answer(lines in proptest::collection::vec("[ -~]{0,40}", 0..4), kind in 0..3_usize) {
            let mechanism = [Mechanism::Plain, Mechanism::Login, Mechanism::ScramSha256][kind];
            let (mut exchange, _) = Exchange::begin(mechanism, None);
            for line in lines {
                let _ = exchange.answer(&line);
                assert_ne!(exchange.answer(&encoded(&line)), Move::Done);
            }
        }
    }
}
