//! Who may have which number dialled.
//!
//! The default denies: without a network and a destination in the configuration nobody faxes anywhere. A
//! client is known by the address its connection comes from, which it cannot forge over TCP. The envelope
//! sender is only what the client says, so it opens nothing: a list of senders *narrows* what a network may
//! do (a shared relay that shall fax for some of its users), and it is worth as much as that relay's own care
//! for who writes as whom.
//!
//! Mail from the null path `<>` is a report or a bounce, and no fax: nobody asked for it, and its failure
//! could be reported to nobody (RFC 3834 §2, RFC 5321 §4.5.5).

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::{Mailbox, Network, Number, SettingError};

/// Who may fax where.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PolicyConfig {
    /// The networks whose machines may send faxes: `192.0.2.0/24`, `2001:db8::/32`. Empty: none.
    pub networks: Vec<Network>,
    /// Which senders those machines may send for: `anna@example.com`, or `example.com` for everybody there.
    /// Empty: any.
    pub senders: Vec<String>,
    /// Whether people with an account on this machine may send with `faxgate send`.
    pub local_users: bool,
    /// The machines that may send from anywhere, by the SHA-256 fingerprint of the certificate that they show
    /// over TLS; `senders` holds for them too.
    pub certificates: Vec<String>,
    /// People who may send when they have signed in, from anywhere.
    pub user: Vec<UserRule>,
    /// What the numbers that may be dialled begin with: `+1212`, or `+` for every number. Empty: none.
    pub destinations: Vec<String>,
    /// What the numbers that may not be dialled begin with; this goes before `destinations`.
    pub destinations_denied: Vec<String>,
    /// How urgent mail may be that only the network vouches for: 0 to 9.
    pub priority_max: i8,
}

/// What somebody who has signed in may do (`[[policy.user]]`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UserRule {
    /// The name, or `*` for everybody who is not named.
    pub name: String,
    /// Which senders their mail may be from, written as in `senders` above. Empty: any.
    #[serde(default)]
    pub senders: Vec<String>,
    /// What the numbers that they may have dialled begin with. Empty: `destinations` above holds.
    #[serde(default)]
    pub destinations: Vec<String>,
    /// How urgent their mail may be: 0 to 9.
    #[serde(default = "priority_max")]
    pub priority_max: i8,
}

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Client {
    /// A machine, by the address its connection comes from.
    Machine(IpAddr),
    /// A machine that holds the key of this certificate, by its SHA-256 in lower-case hexadecimal.
    Certificate(String),
    /// A person who has signed in.
    User(String),
    /// A person with an account on this machine.
    LocalUser(String),
    /// Somebody who has logged in at a mail server that is believed when it says so.
    Login(String),
    /// Nobody knows who.
    Unknown,
}

/// Why a number is not dialled for this client. The text is for the sender; `Debug` is for the log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Denial {
    /// The client's address is in none of the networks.
    #[error("your mail server ({0}) may not send faxes through this gateway")]
    Network(IpAddr),
    /// The client's certificate is not listed.
    #[error("the certificate of your mail server may not send faxes through this gateway")]
    Certificate(String),
    /// The person is not listed.
    #[error("{0} may not send faxes through this gateway")]
    User(String),
    /// Local people may not.
    #[error("people on this machine may not send faxes through this gateway")]
    LocalUser(String),
    /// It is not known where the mail comes from.
    #[error("it is not known where this mail comes from, so it is not faxed")]
    Unknown,
    /// The envelope sender is not on the list.
    #[error("{0} may not send faxes through this gateway")]
    Sender(String),
    /// The null path.
    #[error("automatic replies and delivery reports are not faxed")]
    NullSender,
    /// The number is not among the destinations.
    #[error("faxes to {0} are not permitted by this gateway")]
    Destination(Number),
    /// The number is barred.
    #[error("faxes to {number} are barred by this gateway")]
    DestinationDenied {
        /// The number.
        number: Number,
        /// The entry that bars it.
        entry: String,
    },
}

/// A policy whose settings make sense.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy(PolicyConfig);

impl Policy {
    /// Checks the settings.
    pub fn new(config: PolicyConfig) -> Result<Self, SettingError> {
        let is_prefix =
            |text: &str| text.starts_with('+') && text.bytes().skip(1).all(|b| b.is_ascii_digit());
        let prefixes =
            [("destinations", &config.destinations), ("destinations_denied", &config.destinations_denied)];
        let of_users = config.user.iter().map(|rule| ("user.destinations", &rule.destinations));
        for (setting, entries) in prefixes.into_iter().chain(of_users) {
            if let Some(entry) = entries.iter().find(|e| !is_prefix(e)) {
                let problem = format!("{entry:?} must be the beginning of a number, such as +1212");
                return Err(SettingError { setting, problem });
            }
        }
        if let Some(entry) = config.certificates.iter().find(|e| fingerprint(e).is_none()) {
            let problem = format!("{entry:?} must be a SHA-256 fingerprint: 64 hexadecimal digits");
            return Err(SettingError { setting: "certificates", problem });
        }
        let is_sender = |text: &str| {
            let address = if text.contains('@') { text.to_owned() } else { format!("x@{text}") };
            Mailbox::parse(&address).is_some()
        };
        let senders = config.senders.iter().map(|sender| ("senders", sender));
        let of_users = config.user.iter().flat_map(|rule| &rule.senders).map(|s| ("user.senders", s));
        if let Some((setting, entry)) = senders.chain(of_users).find(|(_, sender)| !is_sender(sender)) {
            let problem = format!("{entry:?} is neither a mail address nor a domain");
            return Err(SettingError { setting, problem });
        }
        let of_users = config.user.iter().map(|rule| ("user.priority_max", rule.priority_max));
        let mut priorities = std::iter::once(("priority_max", config.priority_max)).chain(of_users);
        if let Some((setting, _)) = priorities.find(|(_, max)| !(0..=priority_max()).contains(max)) {
            return Err(SettingError { setting, problem: "must be 0 to 9".into() });
        }
        let mut names: Vec<String> = config.user.iter().map(|r| r.name.to_ascii_lowercase()).collect();
        names.sort_unstable();
        if let Some([name, _]) = names.windows(2).find(|pair| pair.first() == pair.last()) {
            let problem = format!("{name:?} is there twice");
            return Err(SettingError { setting: "user.name", problem });
        }
        Ok(Self(config))
    }

    /// Decides whether `number` may be dialled for mail from `sender` (`None` is the null path) that `client`
    /// brought.
    pub fn decide(&self, client: &Client, sender: Option<&str>, number: &Number) -> Result<(), Denial> {
        self.client(client)?;
        let sender = sender.ok_or(Denial::NullSender)?;
        let rule = self.rule(client);
        let senders = match client {
            Client::Machine(_) | Client::Certificate(_) | Client::Login(_) => self.0.senders.as_slice(),
            Client::User(_) => rule.map_or(&[][..], |rule| &rule.senders),
            Client::LocalUser(_) | Client::Unknown => &[],
        };
        if !sender_may(senders, sender) {
            return Err(Denial::Sender(sender.to_owned()));
        }
        let own = rule.map(|rule| rule.destinations.as_slice()).filter(|own| !own.is_empty());
        self.among(own.unwrap_or(&self.0.destinations), number)
    }

    /// How urgent mail of this client may be. Upgraded priorities are for those who have shown who they are
    /// (RFC 6710 §4.1).
    #[must_use]
    pub fn priority_max(&self, client: &Client) -> i8 {
        match client {
            Client::Machine(_) | Client::Unknown => self.0.priority_max,
            Client::User(_) => self.rule(client).map_or(0, |rule| rule.priority_max),
            Client::Certificate(_) | Client::LocalUser(_) | Client::Login(_) => priority_max(),
        }
    }

    /// What holds for somebody who has signed in: the rule with their name, else that for everybody.
    fn rule(&self, client: &Client) -> Option<&UserRule> {
        let Client::User(name) = client else { return None };
        let named = |wanted: &str| self.0.user.iter().find(|rule| rule.name.eq_ignore_ascii_case(wanted));
        named(name).or_else(|| named("*"))
    }

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

    fn client(&self, client: &Client) -> Result<(), Denial> {
        let (may, denial) = match client {
            Client::Machine(address) => {
                let inside = self.0.networks.iter().any(|n| n.contains(*address));
                (inside, Denial::Network(*address))
            }
            Client::Certificate(shown) => (self.lists(shown), Denial::Certificate(shown.clone())),
            Client::User(name) => (self.rule(client).is_some(), Denial::User(name.clone())),
            Client::LocalUser(user) => (self.0.local_users, Denial::LocalUser(user.clone())),
            // Whoever says that this is a login has been told to believe it.
            Client::Login(_) => return Ok(()),
            Client::Unknown => (false, Denial::Unknown),
        };
        if may { Ok(()) } else { Err(denial) }
    }

    /// Decides whether `number` may be dialled at all, whoever asks.
    pub fn destination(&self, number: &Number) -> Result<(), Denial> {
        self.among(&self.0.destinations, number)
    }

    fn among(&self, destinations: &[String], number: &Number) -> Result<(), Denial> {
        let begins = |entry: &&String| number.as_str().starts_with(entry.as_str());
        if let Some(entry) = self.0.destinations_denied.iter().find(begins) {
            return Err(Denial::DestinationDenied { number: number.clone(), entry: entry.clone() });
        }
        if destinations.iter().any(|entry| begins(&entry)) {
            Ok(())
        } else {
            Err(Denial::Destination(number.clone()))
        }
    }
}

/// The most urgent there is (RFC 6710 §4).
fn priority_max() -> i8 {
    9
}

/// Whether a list of senders, which may be empty, lets this one pass.
fn sender_may(senders: &[String], sender: &str) -> bool {
    let domain = sender.rsplit_once('@').map_or("", |(_, domain)| domain);
    let matches = |entry: &String| {
        let subject = if entry.contains('@') { sender } else { domain };
        entry.eq_ignore_ascii_case(subject)
    };
    senders.is_empty() || senders.iter().any(matches)
}

/// A fingerprint as it is compared: programs print it with colons and in either case.
fn fingerprint(entry: &str) -> Option<String> {
    let digits: String = entry.chars().filter(|c| *c != ':').collect();
    let is_sha256 = digits.len() == 64 && digits.bytes().all(|b| b.is_ascii_hexdigit());
    is_sha256.then(|| digits.to_ascii_lowercase())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn office() -> PolicyConfig {
        PolicyConfig {
            networks: vec!["192.0.2.0/24".parse().unwrap(), "2001:db8::/32".parse().unwrap()],
            destinations: vec!["+1".into(), "+4930".into()],
            destinations_denied: vec!["+1900".into()],
            ..PolicyConfig::default()
        }
    }

    fn machine(address: &str) -> Client {
        Client::Machine(address.parse().unwrap())
    }

    fn decide(
        config: PolicyConfig,
        client: &Client,
        sender: Option<&str>,
        number: &str,
    ) -> Result<(), Denial> {
        let number = Number::parse(number).unwrap();
        Policy::new(config).unwrap().decide(client, sender, &number)
    }

    const ANNA: Option<&str> = Some("anna@example.com");
    const NEW_YORK: &str = "+12125550123";

    #[test]
    fn the_default_denies_everybody() {
        let default = PolicyConfig::default;
        for address in ["127.0.0.1", "::1", "192.0.2.7"] {
            let denial = decide(default(), &machine(address), ANNA, NEW_YORK).unwrap_err();
            assert_eq!(denial, Denial::Network(address.parse().unwrap()));
        }
        let user = Client::LocalUser("anna".into());
        assert_eq!(decide(default(), &user, ANNA, NEW_YORK), Err(Denial::LocalUser("anna".into())));
        let open = PolicyConfig { networks: office().networks, ..default() };
        let denial = decide(open, &machine("192.0.2.7"), ANNA, NEW_YORK).unwrap_err();
        assert_eq!(denial, Denial::Destination(Number::parse(NEW_YORK).unwrap()));
    }

    #[test]
    fn the_network_decides() {
        for inside in ["192.0.2.7", "::ffff:192.0.2.7", "2001:db8::7"] {
            assert_eq!(decide(office(), &machine(inside), ANNA, NEW_YORK), Ok(()), "{inside}");
        }
        for outside in ["192.0.3.1", "2001:db9::1", "127.0.0.1"] {
            let denial = decide(office(), &machine(outside), ANNA, NEW_YORK).unwrap_err();
            assert!(matches!(denial, Denial::Network(_)), "{outside}");
        }
    }

    #[test]
    fn a_sender_list_narrows_and_never_opens() {
        let mut config = office();
        config.senders = vec!["example.com".into(), "bob@example.org".into()];
        for (address, sender, may) in [
            ("192.0.2.7", "anna@example.com", true),
            ("192.0.2.7", "Anna@EXAMPLE.com", true),
            ("192.0.2.7", "bob@example.org", true),
            ("192.0.2.7", "eve@example.org", false),
            ("192.0.2.7", "anna@sub.example.com", false),
            ("192.0.2.7", "anna@notexample.com", false),
            ("192.0.2.7", "\"x@example.com\"@evil.example", false),
            ("198.51.100.1", "anna@example.com", false),
        ] {
            let got = decide(config.clone(), &machine(address), Some(sender), NEW_YORK);
            assert_eq!(got.is_ok(), may, "{address} {sender}: {got:?}");
        }
    }

    #[test]
    fn a_listed_certificate_opens_from_anywhere_and_another_says_nothing() {
        let shown = "0123456789abcdef".repeat(4);
        let pairs = shown.as_bytes().chunks(2).map(|pair| String::from_utf8_lossy(pair).to_uppercase());
        let mut config = office();
        config.certificates = vec![pairs.collect::<Vec<_>>().join(":")];
        config.senders = vec!["example.com".into()];
        let policy = Policy::new(config.clone()).unwrap();
        let far = "203.0.113.9".parse().unwrap();
        assert_eq!(policy.identify(far, Some(&shown)), Client::Certificate(shown.clone()));
        assert_eq!(policy.identify(far, Some(&"0".repeat(64))), Client::Machine(far));
        assert_eq!(policy.identify(far, None), Client::Machine(far));
        let holder = Client::Certificate(shown);
        assert_eq!(decide(config.clone(), &holder, ANNA, NEW_YORK), Ok(()));
        let eve = decide(config.clone(), &holder, Some("eve@example.org"), NEW_YORK);
        assert!(matches!(eve, Err(Denial::Sender(_))));
        config.certificates.clear();
        assert!(matches!(decide(config, &holder, ANNA, NEW_YORK), Err(Denial::Certificate(_))));
    }

    #[test]
    fn who_has_signed_in_may_what_the_rule_says() {
        let list = |entry: &str| vec![entry.to_owned()];
        let rule = |name: &str, senders, destinations| UserRule {
            name: name.into(),
            senders,
            destinations,
            priority_max: 9,
        };
        let mut config = PolicyConfig { networks: vec![], senders: list("example.com"), ..office() };
        let anna = Client::User("Anna".into());
        assert_eq!(decide(config.clone(), &anna, ANNA, NEW_YORK), Err(Denial::User("Anna".into())));
        config.user = vec![rule("anna", list("anna@example.com"), list("+33"))];
        let bob = Client::User("bob".into());
        assert_eq!(decide(config.clone(), &bob, ANNA, NEW_YORK), Err(Denial::User("bob".into())));
        config.user.push(rule("*", vec![], vec![]));
        for (client, sender, number, may) in [
            (&anna, "anna@example.com", "+33188335215", true),
            (&anna, "anna@example.com", NEW_YORK, false),
            (&anna, "bob@example.com", "+33188335215", false),
            (&bob, "bob@example.org", NEW_YORK, true),
            (&bob, "bob@example.org", "+33188335215", false),
            (&bob, "bob@example.org", "+19005550123", false),
        ] {
            let got = decide(config.clone(), client, Some(sender), number);
            assert_eq!(got.is_ok(), may, "{client:?} {sender} {number}: {got:?}");
        }
        assert_eq!(decide(config.clone(), &bob, None, NEW_YORK), Err(Denial::NullSender));
        let barred = PolicyConfig { destinations_denied: list("+331"), ..config.clone() };
        assert!(decide(barred, &anna, ANNA, "+33188335215").is_err(), "the bar goes first for all");
        let twice =
            PolicyConfig { user: vec![rule("a", vec![], vec![]), rule("A", vec![], vec![])], ..office() };
        assert_eq!(Policy::new(twice).unwrap_err().setting, "user.name");
        let wrong = PolicyConfig { user: vec![rule("a", vec![], list("33"))], ..office() };
        assert_eq!(Policy::new(wrong).unwrap_err().setting, "user.destinations");
    }

    #[test]
    fn bounces_are_not_faxed() {
        assert_eq!(decide(office(), &machine("192.0.2.7"), None, NEW_YORK), Err(Denial::NullSender));
    }

    #[test]
    fn destinations_by_their_beginning_and_the_bar_goes_first() {
        for (number, may) in [
            ("+12125550123", true),
            ("+49301234567", true),
            ("+49891234567", false),
            ("+19005550123", false),
            ("+33188335215", false),
        ] {
            let got = decide(office(), &machine("192.0.2.7"), ANNA, number);
            assert_eq!(got.is_ok(), may, "{number}: {got:?}");
        }
        let anywhere = PolicyConfig { destinations: vec!["+".into()], ..office() };
        assert!(decide(anywhere, &machine("192.0.2.7"), ANNA, "+33188335215").is_ok());
    }

    #[test]
    fn local_people_fax_as_themselves() {
        let mut config = office();
        config.local_users = true;
        config.senders = vec!["example.com".into()];
        let user = Client::LocalUser("anna".into());
        assert_eq!(decide(config, &user, Some("anna@localhost"), NEW_YORK), Ok(()));
    }

    #[test]
    fn a_login_opens_and_the_senders_narrow_it_too() {
        let mut config = PolicyConfig { destinations: vec!["+1".into()], ..PolicyConfig::default() };
        let ann = Client::Login("ann".into());
        assert_eq!(decide(config.clone(), &ann, ANNA, NEW_YORK), Ok(()));
        config.senders = vec!["example.org".into()];
        assert!(matches!(decide(config, &ann, ANNA, NEW_YORK), Err(Denial::Sender(_))));
        assert_eq!(decide(office(), &Client::Unknown, ANNA, NEW_YORK), Err(Denial::Unknown));
    }

    #[test]
    fn settings_that_cannot_be_meant_are_named() {
        let wrong = |config: PolicyConfig| Policy::new(config).unwrap_err().setting;
        let list = |entry: &str| vec![entry.to_owned()];
        assert_eq!(wrong(PolicyConfig { destinations: list("1212"), ..office() }), "destinations");
        assert_eq!(
            wrong(PolicyConfig { destinations_denied: list("+1 900"), ..office() }),
            "destinations_denied"
        );
        assert_eq!(wrong(PolicyConfig { certificates: list("ab:cd"), ..office() }), "certificates");
        assert_eq!(wrong(PolicyConfig { senders: list("not a domain"), ..office() }), "senders");
        assert_eq!(wrong(PolicyConfig { senders: list("@example.com"), ..office() }), "senders");
    }
}
