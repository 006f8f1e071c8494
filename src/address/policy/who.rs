//! Who a client is, and whether it may fax at all: a ladder of proofs, of which the first that holds counts.
//!
//! ```text
//!   a sign-in, a key in the address, a login at a mail server that is believed    a person
//!   a certificate that is listed                                                  a machine
//!   an address in a listed network                                                a machine, for any sender, or those listed
//!   an author whom the mail proves (DKIM, SPF, DMARC)                             known when the whole mail is
//!   the envelope sender                                                           nothing: anybody can write it
//! ```

use std::net::IpAddr;

use super::{AuthorRule, Denial, Policy, UserRule};

/// Who brings a mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Client {
    /// A machine, by the address its connection comes from.
    Machine(IpAddr),
    /// A machine that holds the key of this certificate, by its SHA-256 in lower-case hexadecimal.
    Certificate(String),
    /// A person who has signed in.
    User(String),
    /// A person whose key stands in the address of the fax.
    Key(String),
    /// A person with an account on this machine.
    LocalUser(String),
    /// Somebody who has logged in at a mail server that is believed when it says so.
    Login(String),
    /// The author of a mail that proves it: the address.
    Author(String),
    /// Nobody knows who.
    Unknown,
}

impl Client {
    /// The rung of the ladder, for the log.
    #[must_use]
    pub fn rung(&self) -> String {
        match self {
            Self::Machine(address) => format!("the network address {address}"),
            Self::Certificate(shown) => format!("the certificate {shown}"),
            Self::User(name) => format!("{name} has signed in"),
            Self::Key(name) => format!("a key of {name}"),
            Self::LocalUser(name) => format!("{name} on this machine"),
            Self::Login(name) => format!("{name} has logged in at the mail server"),
            Self::Author(address) => format!("the mail proves {address} as its author"),
            Self::Unknown => "nothing".into(),
        }
    }

    /// Whose quota is used: the person, or the sender that a machine vouches for; in lower case.
    #[must_use]
    pub fn person(&self, sender: Option<&str>) -> String {
        let name = match self {
            Self::User(name) | Self::Key(name) | Self::LocalUser(name) | Self::Login(name) => name,
            Self::Author(address) => address,
            Self::Machine(_) | Self::Certificate(_) | Self::Unknown => sender.unwrap_or_default(),
        };
        name.to_ascii_lowercase()
    }
}

/// Whether a client may fax.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It may.
    Proved,
    /// It may if the mail proves its author to be one who may, which is known when the mail is whole.
    ToBeProved,
}

impl Policy {
    /// Who a client is: by its certificate, where that opens anything, else by its address.
    #[must_use]
    pub fn identify(&self, address: IpAddr, certificate: Option<&str>) -> Client {
        match certificate.filter(|shown| self.lists(shown)) {
            Some(shown) => Client::Certificate(shown.to_owned()),
            None => Client::Machine(address),
        }
    }

    fn lists(&self, certificate: &str) -> bool {
        self.0.certificates.iter().any(|entry| fingerprint(entry).as_deref() == Some(certificate))
    }

    /// Whether this client may fax for this sender, wherever it be to.
    pub fn standing(&self, client: &Client, sender: &str) -> Result<Standing, Denial> {
        let (may, denial) = match client {
            Client::Machine(address) => {
                let inside = self.0.networks.iter().any(|n| n.contains(*address));
                if !inside && self.author(sender).is_some() {
                    return Ok(Standing::ToBeProved);
                }
                (inside, Denial::Network(*address))
            }
            Client::Certificate(shown) => (self.lists(shown), Denial::Certificate(shown.clone())),
            Client::User(name) | Client::Key(name) => {
                (self.user(client).is_some(), Denial::User(name.clone()))
            }
            Client::LocalUser(user) => (self.0.local_users, Denial::LocalUser(user.clone())),
            // Whoever says that this is a login has been told to believe it.
            Client::Login(_) => (true, Denial::Unknown),
            Client::Author(address) => (self.author(address).is_some(), Denial::Author(address.clone())),
            Client::Unknown => (false, Denial::Unknown),
        };
        if !may {
            return Err(denial);
        }
        let senders = match client {
            Client::Machine(_) | Client::Certificate(_) | Client::Login(_) => self.0.senders.as_slice(),
            Client::User(_) | Client::Key(_) => self.user(client).map_or(&[][..], |rule| &rule.senders),
            Client::LocalUser(_) | Client::Author(_) | Client::Unknown => &[],
        };
        if sender_may(senders, sender) {
            Ok(Standing::Proved)
        } else {
            Err(Denial::Sender(sender.to_owned()))
        }
    }

    /// What holds for somebody who has signed in: the rule with their name, else that for everybody.
    pub(super) fn user(&self, client: &Client) -> Option<&UserRule> {
        let (Client::User(name) | Client::Key(name)) = client else { return None };
        let named = |wanted: &str| self.0.user.iter().find(|rule| rule.name.eq_ignore_ascii_case(wanted));
        named(name).or_else(|| named("*"))
    }

    /// What holds for an author: the rule with the address, else that with the domain.
    pub(super) fn author(&self, address: &str) -> Option<&AuthorRule> {
        let named = |wanted: &str| self.0.author.iter().find(|rule| rule.name.eq_ignore_ascii_case(wanted));
        named(address).or_else(|| named(domain(address)))
    }

    /// Whether authors can prove themselves here at all.
    #[must_use]
    pub fn has_authors(&self) -> bool {
        !self.0.author.is_empty()
    }
}

pub(super) fn domain(address: &str) -> &str {
    address.rsplit_once('@').map_or("", |(_, domain)| domain)
}

/// Whether a list of senders, which may be empty, lets this one pass.
fn sender_may(senders: &[String], sender: &str) -> bool {
    let matches = |entry: &String| {
        let subject = if entry.contains('@') { sender } else { domain(sender) };
        entry.eq_ignore_ascii_case(subject)
    };
    senders.is_empty() || senders.iter().any(matches)
}

/// A fingerprint as it is compared: programs print it with colons and in either case.
pub(super) fn fingerprint(entry: &str) -> Option<String> {
    let digits: String = entry.chars().filter(|c| *c != ':').collect();
    let is_sha256 = digits.len() == 64 && digits.bytes().all(|b| b.is_ascii_hexdigit());
    is_sha256.then(|| digits.to_ascii_lowercase())
}
