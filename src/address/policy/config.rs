//! The settings of the policy (`[policy]`), and what in them cannot be meant so.

use serde::{Deserialize, Serialize};

use super::super::{Class, Mailbox, Network, SettingError};
use super::quota::{Money, Quota};
use super::who;

/// Who may fax where, and how much.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
    /// People who may send when they have signed in, from anywhere, or who show a key of theirs.
    pub user: Vec<UserRule>,
    /// Authors who may send from anywhere when the mail proves that it is theirs (DKIM, DMARC).
    pub author: Vec<AuthorRule>,
    /// What people, addresses and domains have in common.
    pub group: Vec<GroupRule>,
    /// What the numbers that may be dialled begin with: `+1212`, or `+` for every number. Empty: none.
    pub destinations: Vec<String>,
    /// What the numbers that may not be dialled begin with; this goes before `destinations`.
    pub destinations_denied: Vec<String>,
    /// Which kinds of numbers may be dialled.
    pub classes: Vec<Class>,
    /// How much each sender may, where no rule of theirs says it.
    pub quota: Quota,
    /// What a fax costs, by kind or beginning of the number.
    pub rate: Vec<RateRule>,
    /// In what.
    pub currency: String,
    /// How urgent mail may be that only the network vouches for: 0 to 9.
    pub priority_max: i8,
    /// Whether such mail may say in its header or its subject how it is to be faxed.
    pub options_from_networks: bool,
}

impl Default for PolicyConfig {
    fn default() -> Self {
        Self {
            networks: Vec::new(),
            senders: Vec::new(),
            local_users: false,
            certificates: Vec::new(),
            user: Vec::new(),
            author: Vec::new(),
            group: Vec::new(),
            destinations: Vec::new(),
            destinations_denied: Vec::new(),
            classes: Class::ordinary(),
            quota: Quota::default(),
            rate: Vec::new(),
            currency: "USD".into(),
            priority_max: 0,
            options_from_networks: false,
        }
    }
}

/// What somebody who has signed in may do (`[[policy.user]]`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct UserRule {
    /// The name, or `*` for everybody who is not named.
    pub name: String,
    /// Which senders their mail may be from, written as in `senders` above. Empty: any.
    pub senders: Vec<String>,
    /// What the numbers that they may have dialled begin with. Empty: that of their group, or `destinations` above holds.
    pub destinations: Vec<String>,
    /// Which kinds of numbers. Left out: as with `destinations`.
    pub classes: Option<Vec<Class>>,
    /// How much. What is left out here is that of `policy.quota`.
    pub quota: Quota,
    /// How urgent their mail may be: 0 to 9.
    pub priority_max: i8,
}

impl Default for UserRule {
    fn default() -> Self {
        Self {
            name: String::new(),
            senders: Vec::new(),
            destinations: Vec::new(),
            classes: None,
            quota: Quota::default(),
            priority_max: super::PRIORITY_MAX,
        }
    }
}

/// Whose mail is faxed when it proves whose it is (`[[policy.author]]`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AuthorRule {
    /// An address, or a domain for everybody there.
    pub name: String,
    /// What the numbers that they may have dialled begin with. Empty: that of their group, or `destinations` above holds.
    pub destinations: Vec<String>,
    /// Which kinds of numbers. Left out: as with `destinations`.
    pub classes: Option<Vec<Class>>,
    /// How much each of them.
    pub quota: Quota,
}

/// What several have in common (`[[policy.group]]`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GroupRule {
    /// Its name, in the log and in what is said of its quota.
    pub name: String,
    /// Who is in it: names of people who sign in, addresses of senders, and domains.
    pub members: Vec<String>,
    /// What the numbers that they may have dialled begin with. Empty: `destinations` above holds.
    pub destinations: Vec<String>,
    /// Which kinds of numbers. Left out: `classes` above holds.
    pub classes: Option<Vec<Class>>,
    /// How much all of them together.
    pub quota: Quota,
}

/// What a fax costs (`[[policy.rate]]`): the longest beginning that fits counts, then the kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RateRule {
    /// What the number begins with.
    pub prefix: Option<String>,
    /// Or which kind it is of.
    pub class: Option<Class>,
    /// For the call.
    pub per_call: Money,
    /// For each page.
    pub per_page: Money,
}

/// Says what in the settings cannot be meant so.
pub(super) fn check(config: &PolicyConfig) -> Result<(), SettingError> {
    let wrong = |setting, problem: String| Err(SettingError { setting, problem });
    let rates = config.rate.iter().filter_map(|rate| rate.prefix.as_ref()).map(|p| ("rate.prefix", p));
    for (setting, entry) in prefixes(config).chain(rates) {
        if !(entry.starts_with('+') && entry.bytes().skip(1).all(|b| b.is_ascii_digit())) {
            return wrong(setting, format!("{entry:?} must be the beginning of a number, such as +1212"));
        }
    }
    if let Some(entry) = config.certificates.iter().find(|e| who::fingerprint(e).is_none()) {
        return wrong(
            "certificates",
            format!("{entry:?} must be a SHA-256 fingerprint: 64 hexadecimal digits"),
        );
    }
    let of_users = config.user.iter().flat_map(|rule| &rule.senders).map(|s| ("user.senders", s));
    let authors = config.author.iter().map(|rule| ("author.name", &rule.name));
    for (setting, entry) in config.senders.iter().map(|s| ("senders", s)).chain(of_users).chain(authors) {
        let address = if entry.contains('@') { entry.clone() } else { format!("x@{entry}") };
        if Mailbox::parse(&address).is_none() {
            return wrong(setting, format!("{entry:?} is neither a mail address nor a domain"));
        }
    }
    let of_users = config.user.iter().map(|rule| ("user.priority_max", rule.priority_max));
    let mut priorities = std::iter::once(("priority_max", config.priority_max)).chain(of_users);
    if let Some((setting, _)) = priorities.find(|(_, max)| !(0..=super::PRIORITY_MAX).contains(max)) {
        return wrong(setting, "must be 0 to 9".into());
    }
    if config.rate.iter().any(|rate| rate.prefix.is_some() == rate.class.is_some()) {
        return wrong("rate", "a rate is for a prefix or for a class".into());
    }
    for (setting, names) in [
        ("user.name", config.user.iter().map(|rule| rule.name.as_str()).collect::<Vec<_>>()),
        ("author.name", config.author.iter().map(|rule| rule.name.as_str()).collect()),
        ("group.name", config.group.iter().map(|rule| rule.name.as_str()).collect()),
    ] {
        no_name_twice(setting, names)?;
    }
    Ok(())
}

fn prefixes(config: &PolicyConfig) -> impl Iterator<Item = (&'static str, &String)> {
    let own = config.destinations.iter().map(|entry| ("destinations", entry));
    let denied = config.destinations_denied.iter().map(|entry| ("destinations_denied", entry));
    let users = config.user.iter().flat_map(|rule| &rule.destinations).map(|e| ("user.destinations", e));
    let authors =
        config.author.iter().flat_map(|rule| &rule.destinations).map(|e| ("author.destinations", e));
    let groups = config.group.iter().flat_map(|rule| &rule.destinations).map(|e| ("group.destinations", e));
    own.chain(denied).chain(users).chain(authors).chain(groups)
}

fn no_name_twice(setting: &'static str, names: Vec<&str>) -> Result<(), SettingError> {
    let mut names: Vec<String> = names.into_iter().map(str::to_ascii_lowercase).collect();
    names.sort_unstable();
    if names.iter().any(String::is_empty) {
        return Err(SettingError { setting, problem: "must not be empty".into() });
    }
    match names.windows(2).find(|pair| pair.first() == pair.last()) {
        Some([name, _]) => Err(SettingError { setting, problem: format!("{name:?} is there twice") }),
        _ => Ok(()),
    }
}
