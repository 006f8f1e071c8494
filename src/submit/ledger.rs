//! What has been faxed for whom: the quotas of today and this month, and the signed mails that were faxed already.
//!
//! All of it stands in the jobs that the store has, so it is read from there at the start, and again from time to time:
//! a fax counts when it is accepted, as one page; what it then really had, and that nothing of it arrived, is known
//! from its job. Between two readings accepted faxes are added here, under one lock, so that ten mails at once do not
//! pass a quota of one.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::address::{Account, Class, Classes, Denial, Number, Policy, Spent, Usage};
use crate::job::{Job, Proof, Recipient, Sender, State, Submission, SubmissionId};
use crate::store::{JobFilter, Store, StoreError};

/// How many jobs are read at a time.
const PAGE_JOBS: usize = 500;
/// How long a signed mail is remembered: longer than a signature may be old.
const REMEMBERED: Duration = Duration::from_secs(31 * 24 * 3600);
/// How long what was added is kept apart, until a reading of the store must have seen it.
const SETTLING: Duration = Duration::from_secs(600);

/// What is known of one fax.
#[derive(Clone, Debug)]
struct Entry {
    submission: SubmissionId,
    at: Timestamp,
    accounts: Vec<Account>,
    spent: Spent,
    /// The mail and the number, where the mail itself was the proof.
    proved: Option<(String, Number)>,
}

#[derive(Debug, Default)]
struct Book {
    /// The day that the counts are of.
    day: Option<Date>,
    accounts: HashMap<Account, Usage>,
    proved: HashSet<(String, Number)>,
    /// What was accepted lately.
    recent: Vec<Entry>,
}

/// The book of what was faxed.
#[derive(Debug)]
pub struct Ledger {
    policy: Policy,
    classes: Classes,
    zone: TimeZone,
    book: Mutex<Book>,
}

/// A place in the book for faxes that are about to be accepted; it is given up when dropped, unless it is kept.
#[derive(Debug)]
pub(super) struct Reservation<'a> {
    ledger: &'a Ledger,
    submission: SubmissionId,
    is_kept: bool,
}

impl Ledger {
    /// An empty book; days and months are those of `zone`.
    #[must_use]
    pub fn new(policy: Policy, classes: Classes, zone: TimeZone) -> Self {
        Self { policy, classes, zone, book: Mutex::default() }
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn date(&self, at: Timestamp) -> Date {
        at.to_zoned(self.zone.clone()).date()
    }

    /// Reads all that counts from the store.
    ///
    /// # Errors
    /// Where the store fails; the book stays as it was.
    pub async fn read(&self, store: &dyn Store, now: Timestamp) -> Result<(), StoreError> {
        let oldest = now.checked_sub(REMEMBERED).unwrap_or(Timestamp::MIN);
        let mut entries = Vec::new();
        let mut filter = JobFilter { limit: PAGE_JOBS, ..JobFilter::default() };
        loop {
            let jobs = store.jobs(&filter).await?;
            entries.extend(jobs.iter().filter(|job| job.received >= oldest).map(|job| self.entry_of(job)));
            // Names begin with the time: behind the first old one all are old.
            let Some(last) = jobs.last().filter(|last| last.received >= oldest) else { break };
            filter.before = Some(last.id.clone());
        }
        let mut book = self.book();
        let seen: HashSet<&SubmissionId> = entries.iter().map(|entry| &entry.submission).collect();
        let settling = now.checked_sub(SETTLING).unwrap_or(Timestamp::MIN);
        let mut recent = std::mem::take(&mut book.recent);
        recent.retain(|entry| entry.at >= settling && !seen.contains(&entry.submission));
        let day = self.date(now);
        *book = Book { day: Some(day), ..Book::default() };
        entries.iter().chain(&recent).for_each(|entry| self.add(&mut book, entry));
        book.recent = recent;
        Ok(())
    }

    fn entry_of(&self, job: &Job) -> Entry {
        let pages = u64::from(job.progress.pages.max(1));
        let arrived = u64::from(job.progress.confirmed) + u64::from(job.progress.in_doubt);
        let spent = match &job.state {
            State::Done { .. } if arrived == 0 => Spent::default(),
            State::Done { .. } => self.spent(&job.recipient.number, arrived),
            _ => self.spent(&job.recipient.number, pages),
        };
        let accounts = self.accounts(&job.sender);
        let proved = proved(&job.sender, &job.recipient);
        Entry { submission: job.submission.clone(), at: job.received, accounts, spent, proved }
    }

    fn spent(&self, number: &Number, pages: u64) -> Spent {
        let cost = self.policy.cost(number, self.classes.of(number), pages);
        Spent { faxes: 1, pages, cost }
    }

    fn accounts(&self, sender: &Sender) -> Vec<Account> {
        let mailbox = sender.mailbox.as_deref();
        self.policy.accounts(&person(sender), mailbox)
    }

    fn add(&self, book: &mut Book, entry: &Entry) {
        book.proved.extend(entry.proved.clone());
        let (Some(today), date) = (book.day, self.date(entry.at)) else { return };
        if (date.year(), date.month()) != (today.year(), today.month()) {
            return;
        }
        for account in &entry.accounts {
            let usage = book.accounts.entry(account.clone()).or_default();
            usage.month = usage.month.plus(entry.spent);
            if date == today {
                usage.day = usage.day.plus(entry.spent);
            }
        }
    }

    /// A new day, or month: what belongs to the old one is forgotten.
    fn turn(&self, book: &mut Book, now: Timestamp) {
        let today = self.date(now);
        let Some(day) = book.day.replace(today).filter(|day| *day != today) else { return };
        let is_same_month = (day.year(), day.month()) == (today.year(), today.month());
        for usage in book.accounts.values_mut() {
            usage.day = Spent::default();
            if !is_same_month {
                usage.month = Spent::default();
            }
        }
    }

    /// Whether one more fax to a number would be within the quotas, as far as can be said before the mail is whole.
    pub(super) fn forecast(
        &self,
        person: &str,
        sender: Option<&str>,
        number: &Number,
        now: Timestamp,
    ) -> Result<(), Denial> {
        let mut book = self.book();
        self.turn(&mut book, now);
        self.within(&book, &self.policy.accounts(person, sender), self.spent(number, 1))
    }

    fn within(&self, book: &Book, accounts: &[Account], more: Spent) -> Result<(), Denial> {
        for account in accounts {
            let used = book.accounts.get(account).copied().unwrap_or_default();
            let quota = self.policy.quota(account);
            quota.check(account, &used, more, self.policy.currency()).map_err(Denial::Quota)?;
        }
        Ok(())
    }

    /// What an account has used.
    #[must_use]
    pub fn usage(&self, account: &Account, now: Timestamp) -> Usage {
        let mut book = self.book();
        self.turn(&mut book, now);
        book.accounts.get(account).copied().unwrap_or_default()
    }

    /// The recipients to whom this mail, which is its own proof, was faxed before.
    pub(super) fn faxed_before<'a>(&self, submission: &'a Submission) -> Option<&'a Recipient> {
        let book = self.book();
        submission.recipients.iter().find(|recipient| {
            proved(&submission.sender, recipient).is_some_and(|known| book.proved.contains(&known))
        })
    }

    /// Takes a place for all faxes of a submission, or for none.
    pub(super) fn reserve(&self, submission: &Submission, now: Timestamp) -> Result<Reservation<'_>, Denial> {
        let mut book = self.book();
        self.turn(&mut book, now);
        let accounts = self.accounts(&submission.sender);
        let each = submission.recipients.iter().map(|recipient| self.spent(&recipient.number, 1));
        self.within(&book, &accounts, each.fold(Spent::default(), Spent::plus))?;
        for recipient in &submission.recipients {
            let proved = proved(&submission.sender, recipient);
            // Where nothing is limited nobody reads the book anew, and it would grow for ever.
            if proved.is_none() && !self.policy.has_quotas() {
                continue;
            }
            let entry = Entry {
                submission: submission.id.clone(),
                at: now,
                accounts: accounts.clone(),
                spent: self.spent(&recipient.number, 1),
                proved,
            };
            self.add(&mut book, &entry);
            book.recent.push(entry);
        }
        Ok(Reservation { ledger: self, submission: submission.id.clone(), is_kept: false })
    }

    /// What a submission costs, as far as is known before it has pages.
    pub(super) fn cost(&self, submission: &Submission) -> String {
        let each = submission.recipients.iter().map(|recipient| self.spent(&recipient.number, 1));
        let all = each.fold(Spent::default(), Spent::plus);
        format!("{} {}", all.cost, self.policy.currency())
    }

    /// The zone of its days.
    pub(super) fn zone(&self) -> &TimeZone {
        &self.zone
    }

    /// The kind of a number.
    pub(super) fn class(&self, number: &Number) -> Class {
        self.classes.of(number)
    }

    fn give_back(&self, submission: &SubmissionId) {
        let mut book = self.book();
        let all = std::mem::take(&mut book.recent);
        let (given, kept): (Vec<_>, Vec<_>) =
            all.into_iter().partition(|entry| entry.submission == *submission);
        book.recent = kept;
        for entry in given {
            if let Some(known) = &entry.proved {
                book.proved.remove(known);
            }
            let (today, date) = (book.day, self.date(entry.at));
            for account in &entry.accounts {
                let Some(usage) = book.accounts.get_mut(account) else { continue };
                usage.month = usage.month.less(entry.spent);
                if today == Some(date) {
                    usage.day = usage.day.less(entry.spent);
                }
            }
        }
    }
}

impl Reservation<'_> {
    /// The faxes are accepted.
    pub(super) fn keep(mut self) {
        self.is_kept = true;
    }
}

impl Drop for Reservation<'_> {
    fn drop(&mut self) {
        if !self.is_kept {
            self.ledger.give_back(&self.submission);
        }
    }
}

/// Whose quota a sender uses.
fn person(sender: &Sender) -> String {
    let name = match &sender.proof {
        Proof::User(name) | Proof::Key(name) | Proof::LocalUser(name) | Proof::Login(name) => name,
        Proof::Author { address, .. } => address,
        Proof::Network(_) | Proof::Certificate(_) => sender.mailbox.as_deref().unwrap_or_default(),
    };
    name.to_ascii_lowercase()
}

fn proved(sender: &Sender, recipient: &Recipient) -> Option<(String, Number)> {
    match &sender.proof {
        Proof::Author { print, .. } => Some((print.clone(), recipient.number.clone())),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
