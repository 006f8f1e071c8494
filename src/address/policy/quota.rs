//! How much somebody may fax, and what it costs: whole numbers only, money in millionths.

use std::fmt;

use serde::{Deserialize, Serialize};

/// An amount of money, in millionths of the policy's currency; written `"0.05"`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Money(pub u64);

impl Money {
    const MILLIONTHS: u64 = 1_000_000;

    fn parse(text: &str) -> Option<Self> {
        let (whole, part) = text.split_once('.').unwrap_or((text, ""));
        let is_number = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
        if whole.is_empty() || whole.len() > 9 || part.len() > 6 || !is_number(whole) || !is_number(part) {
            return None;
        }
        let part: u64 = format!("{part:0<6}").parse().ok()?;
        Some(Self(whole.parse::<u64>().ok()? * Self::MILLIONTHS + part))
    }

    /// So many times.
    #[must_use]
    pub fn times(self, count: u64) -> Self {
        Self(self.0.saturating_mul(count))
    }

    /// Both together.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl fmt::Display for Money {
    /// With two decimals, or as many as it needs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, part) = (self.0 / Self::MILLIONTHS, format!("{:06}", self.0 % Self::MILLIONTHS));
        let short = part.trim_end_matches('0');
        write!(f, "{whole}.{short:0<2}")
    }
}

impl TryFrom<String> for Money {
    type Error = &'static str;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).ok_or("not an amount, such as \"0.05\"")
    }
}

impl From<Money> for String {
    fn from(money: Money) -> Self {
        money.to_string()
    }
}

/// How much may be faxed in a day and in a month of the gateway's time zone. What is left out has no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Quota {
    /// Faxes a day, one for each recipient.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub faxes_per_day: Option<u64>,
    /// Pages a day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pages_per_day: Option<u64>,
    /// Cost a day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost_per_day: Option<Money>,
    /// Faxes a month.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub faxes_per_month: Option<u64>,
    /// Pages a month.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pages_per_month: Option<u64>,
    /// Cost a month.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost_per_month: Option<Money>,
}

/// What was faxed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spent {
    /// Faxes.
    pub faxes: u64,
    /// Pages.
    pub pages: u64,
    /// What they cost.
    pub cost: Money,
}

impl Spent {
    /// Both together.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            faxes: self.faxes.saturating_add(other.faxes),
            pages: self.pages.saturating_add(other.pages),
            cost: self.cost.plus(other.cost),
        }
    }
}

impl Spent {
    /// The one without the other.
    #[must_use]
    pub fn less(self, other: Self) -> Self {
        Self {
            faxes: self.faxes.saturating_sub(other.faxes),
            pages: self.pages.saturating_sub(other.pages),
            cost: Money(self.cost.0.saturating_sub(other.cost.0)),
        }
    }
}

/// What was faxed in the present day and month.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Today.
    pub day: Spent,
    /// This month.
    pub month: Spent,
}

/// Whose quota it is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Account {
    /// One person, or one sender's address; in lower case.
    Person(String),
    /// A group, by its name.
    Group(String),
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Person(name) => f.write_str(name),
            Self::Group(name) => write!(f, "the group {name}"),
        }
    }
}

/// A time that a quota is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Period {
    /// A day.
    Day,
    /// A month.
    Month,
}

/// A quota that does not allow what is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exceeded {
    /// Whose.
    pub account: Account,
    /// In which time.
    pub period: Period,
    /// What it allows: `100 pages`.
    pub allowed: String,
}

impl fmt::Display for Quota {
    /// What is limited: `100 faxes a day, 20.00 a month`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = |max: Option<u64>, what: &str| max.map(|max| format!("{max} {what}"));
        let cost = |max: Option<Money>, what: &str| max.map(|max| format!("{max} {what}"));
        let limits = [
            count(self.faxes_per_day, "faxes a day"),
            count(self.pages_per_day, "pages a day"),
            cost(self.cost_per_day, "a day"),
            count(self.faxes_per_month, "faxes a month"),
            count(self.pages_per_month, "pages a month"),
            cost(self.cost_per_month, "a month"),
        ];
        let limits: Vec<String> = limits.into_iter().flatten().collect();
        f.write_str(&if limits.is_empty() { "none".into() } else { limits.join(", ") })
    }
}

impl Quota {
    /// Whether nothing is limited.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// What this one does not limit is limited as in the other.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            faxes_per_day: self.faxes_per_day.or(other.faxes_per_day),
            pages_per_day: self.pages_per_day.or(other.pages_per_day),
            cost_per_day: self.cost_per_day.or(other.cost_per_day),
            faxes_per_month: self.faxes_per_month.or(other.faxes_per_month),
            pages_per_month: self.pages_per_month.or(other.pages_per_month),
            cost_per_month: self.cost_per_month.or(other.cost_per_month),
        }
    }

    /// Whether so much more may be faxed; the first limit that it would pass.
    pub fn check(
        &self,
        account: &Account,
        used: &Usage,
        more: Spent,
        currency: &str,
    ) -> Result<(), Exceeded> {
        let (day, month) = (used.day.plus(more), used.month.plus(more));
        let counts = [
            (Period::Day, self.faxes_per_day, day.faxes, "faxes"),
            (Period::Day, self.pages_per_day, day.pages, "pages"),
            (Period::Month, self.faxes_per_month, month.faxes, "faxes"),
            (Period::Month, self.pages_per_month, month.pages, "pages"),
        ];
        let costs =
            [(Period::Day, self.cost_per_day, day.cost), (Period::Month, self.cost_per_month, month.cost)];
        let counts = counts.into_iter().filter_map(|(period, max, all, what)| {
            max.filter(|max| all > *max).map(|max| (period, format!("{max} {what}")))
        });
        let costs = costs.into_iter().filter_map(|(period, max, all)| {
            max.filter(|max| all > *max).map(|max| (period, format!("{max} {currency}")))
        });
        // What time does not soon cure is said first.
        let passed: Vec<_> = counts.chain(costs).collect();
        let worst = passed.iter().find(|(period, _)| *period == Period::Month).or(passed.first());
        match worst.cloned() {
            None => Ok(()),
            Some((period, allowed)) => Err(Exceeded { account: account.clone(), period, allowed }),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn money_is_written_as_people_do() {
        for (text, millionths, shown) in [
            ("0", 0, "0.00"),
            ("0.05", 50_000, "0.05"),
            ("12", 12_000_000, "12.00"),
            ("1.5", 1_500_000, "1.50"),
            ("0.000001", 1, "0.000001"),
        ] {
            let money = Money::parse(text).unwrap();
            assert_eq!((money.0, money.to_string().as_str()), (millionths, shown));
        }
        for wrong in ["", ".5", "-1", "1,5", "1.2345678", "1e3", "1234567890"] {
            assert_eq!(Money::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn the_limit_that_lasts_longest_is_named() {
        let quota = Quota { faxes_per_day: Some(2), pages_per_month: Some(10), ..Quota::default() };
        let account = Account::Person("anna".into());
        let used = |day, month| Usage {
            day: Spent { faxes: day, pages: day, cost: Money(0) },
            month: Spent { faxes: month, pages: month, cost: Money(0) },
        };
        let one = Spent { faxes: 1, pages: 1, cost: Money(0) };
        let check = |used| quota.check(&account, &used, one, "EUR").map_err(|e| (e.period, e.allowed));
        assert_eq!(check(used(1, 9)), Ok(()));
        assert_eq!(check(used(2, 2)), Err((Period::Day, "2 faxes".into())));
        assert_eq!(check(used(2, 10)), Err((Period::Month, "10 pages".into())));
        let dear = Quota { cost_per_day: Some(Money(1_500_000)), ..Quota::default() };
        let more = Spent { cost: Money(1_500_001), ..one };
        assert_eq!(dear.check(&account, &used(0, 0), more, "EUR").unwrap_err().allowed, "1.50 EUR");
    }
}
