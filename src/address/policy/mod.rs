//! Who may have which number dialled, and how often.
//!
//! The default denies: without a proof of who it is (`who`) and a destination in the configuration nobody faxes
//! anywhere. The envelope sender is only what the client says, so it opens nothing: a list of senders *narrows* what a
//! network may do (a shared relay that shall fax for some of its users), and it is worth as much as that relay's own
//! care for who writes as whom.
//!
//! ```text
//!   who it is × where it goes (destinations, then the kind of number) × how much (quotas of person and groups)
//! ```
//!
//! For where and how much, the rule of the user or author goes before that of a group, and that before what holds for
//! all. What is barred is barred for all. Each question leaves a [`Trail`]: what was looked at and what it said.
//!
//! Mail from the null path `<>` is a report or a bounce, and no fax: nobody asked for it, and its failure could be
//! reported to nobody (RFC 3834 §2, RFC 5321 §4.5.5).

mod config;
mod denial;
mod quota;
mod who;

use super::{Class, Number, SettingError};

pub use config::{AuthorRule, GroupRule, PolicyConfig, RateRule, UserRule};
pub use denial::Denial;
pub use quota::{Account, Exceeded, Money, Period, Quota, Spent, Usage};
pub use who::{Client, Standing};

/// The most urgent priority there is (RFC 6710 §4).
const PRIORITY_MAX: i8 = 9;

/// A policy whose settings make sense.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy(PolicyConfig);

/// What was looked at to decide, and what it said; for the log, and for `faxgate policy`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trail(pub Vec<String>);

impl Trail {
    fn note(&mut self, text: String) {
        self.0.push(text);
    }
}

impl Policy {
    /// Checks the settings.
    pub fn new(config: PolicyConfig) -> Result<Self, SettingError> {
        config::check(&config)?;
        Ok(Self(config))
    }

    /// Decides whether `number`, which is of kind `class`, may be dialled for mail from `sender` (`None` is the null
    /// path) that `client` brought.
    pub fn decide(
        &self,
        client: &Client,
        sender: Option<&str>,
        number: &Number,
        class: Class,
        trail: &mut Trail,
    ) -> Result<Standing, Denial> {
        let sender = sender.ok_or(Denial::NullSender)?;
        let standing = self.standing(client, sender)?;
        trail.note(match standing {
            Standing::Proved => format!("may fax by {}", client.rung()),
            Standing::ToBeProved => {
                format!("may fax if the mail proves {} as its author", who::domain(sender))
            }
        });
        // Until it is proved, the author is who it says it is.
        let author = Client::Author(sender.to_owned());
        let asks = if standing == Standing::Proved { client } else { &author };
        let (by, destinations) = self.destinations(asks, sender);
        trail.note(format!("destinations of {by}: {}", destinations.join(" ")));
        self.among(destinations, number)?;
        let (by, classes) = self.classes(asks, sender);
        let names: Vec<String> = classes.iter().map(ToString::to_string).collect();
        trail.note(format!("{number} is {class}; kinds open by {by}: {}", names.join(" ")));
        match classes.contains(&class) {
            true => Ok(standing),
            false => Err(Denial::Class { number: number.clone(), class }),
        }
    }

    /// Decides whether a number may be dialled at all, whoever asks.
    pub fn destination(&self, number: &Number, class: Class) -> Result<(), Denial> {
        self.among(&self.0.destinations, number)?;
        match self.0.classes.contains(&class) {
            true => Ok(()),
            false => Err(Denial::Class { number: number.clone(), class }),
        }
    }

    /// How urgent mail of this client may be. Upgraded priorities are for those who have shown who they are
    /// (RFC 6710 §4.1).
    #[must_use]
    pub fn priority_max(&self, client: &Client) -> i8 {
        match client {
            Client::Machine(_) | Client::Unknown => self.0.priority_max,
            Client::User(_) | Client::Key(_) => self.user(client).map_or(0, |rule| rule.priority_max),
            Client::Certificate(_) | Client::LocalUser(_) | Client::Login(_) | Client::Author(_) => {
                PRIORITY_MAX
            }
        }
    }

    /// Whether mail of this client may say by its header or its subject how it is to be faxed.
    #[must_use]
    pub fn obeys_mail(&self, client: &Client) -> bool {
        !matches!(client, Client::Machine(_) | Client::Unknown) || self.0.options_from_networks
    }

    /// Whose quotas a fax counts for: the person's, and those of their groups.
    #[must_use]
    pub fn accounts(&self, person: &str, sender: Option<&str>) -> Vec<Account> {
        let groups = self.groups(person, sender).map(|group| Account::Group(group.name.clone()));
        std::iter::once(Account::Person(person.to_owned())).chain(groups).collect()
    }

    /// The quota of an account.
    #[must_use]
    pub fn quota(&self, account: &Account) -> Quota {
        let group = |name: &String| self.0.group.iter().find(|group| group.name == *name);
        match account {
            Account::Group(name) => group(name).map_or_else(Quota::default, |group| group.quota),
            Account::Person(name) => {
                let as_user = self.user(&Client::User(name.clone())).map(|rule| rule.quota);
                let as_author = || self.author(name).map(|rule| rule.quota);
                as_user.or_else(as_author).unwrap_or_default().or(self.0.quota)
            }
        }
    }

    /// Whether anything is limited by quotas.
    #[must_use]
    pub fn has_quotas(&self) -> bool {
        let users = self.0.user.iter().map(|rule| rule.quota);
        let authors = self.0.author.iter().map(|rule| rule.quota);
        let groups = self.0.group.iter().map(|rule| rule.quota);
        users.chain(authors).chain(groups).chain([self.0.quota]).any(|quota| !quota.is_empty())
    }

    /// In what money is counted.
    #[must_use]
    pub fn currency(&self) -> &str {
        &self.0.currency
    }

    /// What a fax of so many pages costs: by the longest beginning of the number that has a rate, else by its kind.
    #[must_use]
    pub fn cost(&self, number: &Number, class: Class, pages: u64) -> Money {
        let fits =
            |rate: &&RateRule| rate.prefix.as_ref().is_some_and(|p| number.as_str().starts_with(p.as_str()));
        let by_prefix =
            self.0.rate.iter().filter(fits).max_by_key(|rate| rate.prefix.as_ref().map(String::len));
        let rate = by_prefix.or_else(|| self.0.rate.iter().find(|rate| rate.class == Some(class)));
        rate.map_or(Money(0), |rate| rate.per_call.plus(rate.per_page.times(pages)))
    }

    fn groups<'a, 'b>(
        &'a self,
        person: &'b str,
        sender: Option<&'b str>,
    ) -> impl Iterator<Item = &'a GroupRule> + use<'a, 'b> {
        let is_one = move |member: &String| {
            let names = [person, sender.unwrap_or_default(), who::domain(sender.unwrap_or(person))];
            names.iter().any(|name| !name.is_empty() && member.eq_ignore_ascii_case(name))
        };
        self.0.group.iter().filter(move |group| group.members.iter().any(is_one))
    }

    /// Which numbers are open, and by whose rule.
    fn destinations(&self, client: &Client, sender: &str) -> (String, &[String]) {
        let person = client.person(Some(sender));
        let user = self.user(client).map(|rule| (rule.name.clone(), rule.destinations.as_slice()));
        let author = match client {
            Client::Author(address) => self.author(address),
            _ => None,
        };
        let author = author.map(|rule| (rule.name.clone(), rule.destinations.as_slice()));
        let own = user.or(author).filter(|(_, own)| !own.is_empty());
        let group = self.groups(&person, Some(sender)).find(|group| !group.destinations.is_empty());
        let group = group.map(|group| (format!("the group {}", group.name), group.destinations.as_slice()));
        own.or(group).unwrap_or_else(|| ("all".into(), &self.0.destinations))
    }

    /// Which kinds of numbers are open, and by whose rule.
    fn classes(&self, client: &Client, sender: &str) -> (String, &[Class]) {
        let person = client.person(Some(sender));
        let user = self.user(client).and_then(|rule| Some((rule.name.clone(), rule.classes.as_deref()?)));
        let author = match client {
            Client::Author(address) => self.author(address),
            _ => None,
        };
        let own =
            user.or_else(|| author.and_then(|rule| Some((rule.name.clone(), rule.classes.as_deref()?))));
        let group = self.groups(&person, Some(sender)).find(|group| group.classes.is_some());
        let group =
            group.and_then(|group| Some((format!("the group {}", group.name), group.classes.as_deref()?)));
        own.or(group).unwrap_or_else(|| ("all".into(), &self.0.classes))
    }

    fn among(&self, destinations: &[String], number: &Number) -> Result<(), Denial> {
        let begins = |entry: &&String| number.as_str().starts_with(entry.as_str());
        if let Some(entry) = self.0.destinations_denied.iter().find(begins) {
            return Err(Denial::DestinationDenied { number: number.clone(), entry: entry.clone() });
        }
        match destinations.iter().any(|entry| begins(&entry)) {
            true => Ok(()),
            false => Err(Denial::Destination(number.clone())),
        }
    }
}

#[cfg(test)]
mod tests;
