//! The one way in: every door hands its submissions to [`Submit`], and only `Submit` writes them to the
//! store.
//!
//! It promises:
//!
//! 1. *Accepted means durable.* [`Submit::accept`] says yes only after [`Store::accept`] did, and that
//!    answers for the submission, its message and all its jobs, or for nothing.
//! 2. *No dial without leave.* [`Submit::recipient`] decides by client, sender and number before anything is
//!    stored.
//! 3. *What cannot be faxed is refused now* (RFC 2532 §5.2): the survey of the message runs before the store
//!    is asked, and its refusal names the attachment. A part that fails refuses the whole message (RFC 3965
//!    §2.2.4).
//! 4. *Nothing goes in circles*: too many `Received` lines (RFC 5321 §6.3), a null sender, or an automatic
//!    reply (RFC 3834 §2) are refused.
//!
//! 5. *The same mail twice is one fax*, where a door asks for it ([`Submit::accept_once`]): a mail server that did not hear our answer sends again,
//!    and the store knows the mail again (`repeat`).
//!
//! Each refusal is a [`Refusal`]: what the sender reads and what the log says are two fields. The wake-up
//! that follows an accepted submission is a hint for the queue, which finds the jobs in the store with or
//! without it.

mod header;
mod ledger;
pub mod options;
mod prove;
mod refusal;
mod repeat;

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

pub use self::ledger::Ledger;
use self::options::{Asked, Now};
pub use self::prove::Origin;
pub use self::refusal::{Reason, Refusal};
use self::repeat::Print;
use crate::address::{
    self, AddressConfig, Classes, Client, Denial, DialPlan, DialPlanConfig, FaxAddress, Mailbox, Policy,
    PolicyConfig, SettingError, Standing, Trail,
};
use crate::clock::Clock;
use crate::job::{Job, JobId, Notify, Options, Proof, Recipient, Sender, Submission, SubmissionId};
use crate::mailauth::Authenticate;
use crate::render::is_plain_text;
use crate::store::{Store, StoreError};
use crate::users::Users;

/// Says of a message whether every part of it can become pages. It runs on a thread of its own and may take
/// its time, except where the message is a short plain text; the refusal it gives is [`Reason::Unconvertible`] or [`Reason::TooLarge`].
pub type Survey = Arc<dyn Fn(&[u8]) -> Result<(), Refusal> + Send + Sync>;

/// Octets of a text that is surveyed at once.
const SHORT_BYTES: usize = 16 << 10;
/// How long a fax may be asked to wait for its first call.
const WAIT_MAX: Duration = Duration::from_secs(366 * 24 * 3600);

/// Limits of what is accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SubmitConfig {
    /// A message with more `Received` lines than this goes in circles (RFC 5321 §6.3 asks for at least 100).
    pub received_lines_max: usize,
}

impl Default for SubmitConfig {
    fn default() -> Self {
        Self { received_lines_max: 100 }
    }
}

/// What decides over an address.
#[derive(Clone, Debug)]
pub struct Rules {
    addresses: AddressConfig,
    plan: DialPlan,
    policy: Policy,
    classes: Classes,
    limits: SubmitConfig,
}

/// A recipient as the sender named it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The address without its angle brackets, exactly as it was written.
    pub address: String,
    /// RFC 3461 NOTIFY; `None` where nothing was said.
    pub notify: Option<Notify>,
    /// RFC 3461 ORCPT, decoded.
    pub orcpt: Option<String>,
}

/// Takes submissions in.
pub struct Submit {
    rules: Rules,
    ledger: Ledger,
    /// Whose keys may stand in addresses.
    users: Option<Arc<Users>>,
    /// Tells who wrote a mail, where authors may prove themselves.
    authors: Option<Arc<dyn Authenticate>>,
    survey: Survey,
    /// Whether mails that ask for disposition notifications get them.
    dispositions: bool,
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    wake: Arc<tokio::sync::Notify>,
}

impl Submit {
    /// Puts it together. `wake` is notified after each accepted submission.
    pub fn new(
        rules: Rules,
        survey: Survey,
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        wake: Arc<tokio::sync::Notify>,
    ) -> Self {
        let ledger = Ledger::new(rules.policy.clone(), rules.classes.clone(), TimeZone::UTC);
        Self { rules, ledger, users: None, authors: None, survey, dispositions: false, store, clock, wake }
    }

    /// Days and months of quotas are those of this zone.
    #[must_use]
    pub fn in_zone(self, zone: TimeZone) -> Self {
        let ledger = Ledger::new(self.rules.policy.clone(), self.rules.classes.clone(), zone);
        Self { ledger, ..self }
    }

    /// Takes the keys of these people in addresses.
    #[must_use]
    pub fn with_users(self, users: Arc<Users>) -> Self {
        Self { users: Some(users), ..self }
    }

    /// Answers mails that ask for disposition notifications (RFC 8098).
    #[must_use]
    pub fn with_dispositions(self, dispositions: bool) -> Self {
        Self { dispositions, ..self }
    }

    /// Asks this who wrote a mail.
    #[must_use]
    pub fn with_authors(self, authors: Arc<dyn Authenticate>) -> Self {
        Self { authors: Some(authors), ..self }
    }

    /// Whether anything is limited by quotas.
    #[must_use]
    pub fn has_quotas(&self) -> bool {
        self.rules.policy.has_quotas()
    }

    /// Whether mails may prove their authors here.
    #[must_use]
    pub fn has_authors(&self) -> bool {
        self.rules.policy.has_authors()
    }

    /// Reads from the store what was faxed this month, and which signed mails were.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn read_ledger(&self) -> Result<(), StoreError> {
        self.ledger.read(&*self.store, self.clock.now()).await
    }

    /// Who a machine is to the policy: its certificate (a fingerprint), where that opens anything, else its
    /// address.
    #[must_use]
    pub fn identify(&self, address: IpAddr, certificate: Option<&str>) -> Client {
        self.rules.policy.identify(address, certificate)
    }

    /// Decides over one recipient: is the address ours, which number is it, and may this client have it
    /// dialled for this sender (`None` is the null path)?
    pub fn recipient(
        &self,
        client: &Client,
        sender: Option<&str>,
        wanted: &Wanted,
    ) -> Result<Recipient, Refusal> {
        let fax = self.rules.read(&wanted.address)?;
        let holder = self.holder(fax.key.as_deref())?;
        let client = holder.as_ref().unwrap_or(client);
        if self.rules.policy.obeys_mail(client) {
            Asked::in_address(&fax.others, &self.now())?;
        }
        let recipient = self.rules.decide(client, sender, fax, wanted)?;
        self.forecast(client, sender, recipient)
    }

    /// Whose key it is.
    fn holder(&self, key: Option<&str>) -> Result<Option<Client>, Refusal> {
        let (Some(key), Some(users)) = (key, &self.users) else { return Ok(None) };
        match users.holder_of(key, self.clock.now()) {
            Ok(Some(name)) => Ok(Some(Client::Key(name))),
            Ok(None) => {
                let text = "the key in the fax address is nobody's, or has ended; ask for a new one";
                Err(Refusal::new(Reason::NotPermitted, text, "unknown key"))
            }
            Err(error) => {
                let text = "the key in the fax address cannot be looked up just now; please try again later";
                Err(Refusal::new(Reason::Trouble, text, &error.to_string()))
            }
        }
    }

    /// The recipient, if there is room for one more fax in the quotas.
    fn forecast(
        &self,
        client: &Client,
        sender: Option<&str>,
        recipient: Recipient,
    ) -> Result<Recipient, Refusal> {
        let person = client.person(sender);
        let verdict = self.ledger.forecast(&person, sender, &recipient.number, self.clock.now());
        verdict.map_err(|denial| self.rules.denied(&denial))?;
        Ok(recipient)
    }

    /// The priority that this client gets where it asks for one: less urgent than usual for everybody, more for those
    /// who may (RFC 6710 §4.1).
    #[must_use]
    pub fn priority(&self, client: &Client, asked: i8) -> i8 {
        asked.min(self.rules.policy.priority_max(client))
    }

    /// Decides over one recipient whose `address` is a number as a person typed it, without a domain.
    pub fn by_number(
        &self,
        client: &Client,
        sender: Option<&str>,
        wanted: &Wanted,
    ) -> Result<Recipient, Refusal> {
        let fax = FaxAddress::parse(&address::number::by_hand(&wanted.address)).map_err(Refusal::from)?;
        let recipient = self.rules.decide(client, sender, fax, wanted)?;
        self.forecast(client, sender, recipient)
    }

    /// Accepts a submission whose recipients [`Submit::recipient`] let pass, with its message. When this
    /// returns the names of its jobs, the gateway answers for them; a refusal means that nothing at all was
    /// kept.
    pub async fn accept(
        &self,
        submission: Submission,
        message: Vec<u8>,
        origin: &Origin,
    ) -> Result<Vec<JobId>, Refusal> {
        let submission = self.prove(submission, &message, origin).await?;
        let submission = self.asked_by_mail(submission, &message)?;
        let mut submission = Submission { recipients: without_repeats(submission.recipients), ..submission };
        let sender = submission.sender.mailbox.as_deref();
        submission.options.wants_disposition =
            self.dispositions && header::asks_for_disposition(&message, sender);
        if submission.recipients.is_empty() {
            return Err(Refusal::new(Reason::NoRecipient, "no fax number was given", "no recipients"));
        }
        if submission.options.not_before.is_some_and(|at| at > self.clock.now() + WAIT_MAX) {
            let text = "a fax cannot be asked to wait for longer than a year";
            return Err(Refusal::new(Reason::TooLarge, text, "not_before"));
        }
        header::check(&message, self.rules.limits.received_lines_max)?;
        let message = self.survey(message).await?;
        let jobs = self.jobs(&submission)?;
        let reserved = self.ledger.reserve(&submission, self.clock.now());
        let place = reserved.map_err(|denial| self.rules.denied(&denial))?;
        self.store.accept(&submission, &message, &jobs).await.map_err(|e| Refusal::from(&e))?;
        place.keep();
        self.wake.notify_one();
        let names: Vec<JobId> = jobs.into_iter().map(|job| job.id).collect();
        let cost = self.ledger.cost(&submission);
        tracing::info!(submission = %submission.id, jobs = ?names, sender = ?submission.sender, cost, "accepted");
        Ok(names)
    }

    /// The submission with what the mail itself asks for, where its sender may.
    fn asked_by_mail(&self, submission: Submission, message: &[u8]) -> Result<Submission, Refusal> {
        let client = client_of(&submission.sender.proof);
        if !self.rules.policy.obeys_mail(&client) {
            return Ok(submission);
        }
        let asked = Asked::read(message, &self.now())?;
        if asked.is_empty() {
            return Ok(submission);
        }
        let options = asked.over(submission.options, |priority| self.priority(&client, priority))?;
        Ok(Submission { options: Options { from_mail: true, ..options }, ..submission })
    }

    /// Whether an address is one that this gateway decides over: its domain is ours, whatever stands before it.
    #[must_use]
    pub fn serves(&self, address: &str) -> bool {
        address.rsplit_once('@').is_some_and(|(_, domain)| self.rules.addresses.is_ours(domain))
    }

    /// The name that a mail gets by [`Submit::accept_once`], if nothing else has it; for the line that a door puts before
    /// the mail.
    #[must_use]
    pub fn name(&self, submission: &Submission, message: &[u8]) -> SubmissionId {
        let recipients = without_repeats(submission.recipients.clone());
        let submission = Submission { recipients, ..submission.clone() };
        match Print::of(&submission, message) {
            Some(print) => print.name(0),
            None => submission.id,
        }
    }

    /// Whether only the mail itself can show who may fax it. Where the door has no other word for that it has come
    /// before, it may have been copied, and [`Submit::accept`] refuses it the second time.
    #[must_use]
    pub fn must_prove_itself(&self, submission: &Submission) -> bool {
        let Sender { proof, mailbox } = &submission.sender;
        let sender = mailbox.as_deref().unwrap_or_default();
        let standing = || self.rules.policy.standing(&client_of(proof), sender);
        matches!(proof, Proof::Network(_))
            && submission.recipients.iter().any(|recipient| recipient.key_of.is_none())
            && matches!(standing(), Ok(Standing::ToBeProved))
    }

    /// The same as [`Submit::accept`], for a door whose answer may be lost on its way: a mail that comes again within a
    /// week, because its server does not know that it was accepted, is answered with the jobs of the first time.
    pub async fn accept_once(
        &self,
        submission: Submission,
        message: Vec<u8>,
        origin: &Origin,
    ) -> Result<Vec<JobId>, Refusal> {
        let submission = Submission { recipients: without_repeats(submission.recipients), ..submission };
        let Some(print) = Print::of(&submission, &message) else {
            return self.accept(submission, message, origin).await;
        };
        for next in 0..repeat::NAMES_MAX {
            let id = print.name(next);
            let (earlier, jobs) = match self.store.submission(&id).await {
                Ok(found) => found,
                Err(StoreError::NotFound(_)) => {
                    let submission = Submission { id, ..submission.clone() };
                    return self.accept(submission, message, origin).await;
                }
                Err(error) => return Err(Refusal::from(&error)),
            };
            let first = self.store.message(&id).await.map_err(|error| Refusal::from(&error))?;
            let recent =
                submission.received.duration_since(earlier.received).unsigned_abs() <= repeat::WINDOW;
            if recent && Print::of(&earlier, &first).as_ref() == Some(&print) {
                tracing::info!(submission = %id, ?jobs, "the mail has come again and is known");
                return Ok(jobs);
            }
        }
        self.accept(submission, message, origin).await
    }

    /// Runs the survey beside the executor, which it could hold up for seconds; a short text is seen through sooner than
    /// a thread is woken.
    async fn survey(&self, message: Vec<u8>) -> Result<Vec<u8>, Refusal> {
        let survey = Arc::clone(&self.survey);
        let is_short = message.len() <= SHORT_BYTES && is_plain_text(&message);
        let look = move || survey(&message).map(|()| message);
        let done = if is_short {
            catch_unwind(AssertUnwindSafe(look)).map_err(|_| "it panicked".to_owned())
        } else {
            tokio::task::spawn_blocking(look).await.map_err(|fault| fault.to_string())
        };
        done.unwrap_or_else(|fault| {
            let text = "the message could not be examined; please try again later";
            Err(Refusal::new(Reason::Trouble, text, &format!("survey: {fault}")))
        })
    }

    fn now(&self) -> Now<'_> {
        Now { at: self.clock.now(), zone: self.ledger.zone() }
    }

    fn jobs(&self, submission: &Submission) -> Result<Vec<Job>, Refusal> {
        let mut used = BTreeSet::new();
        let mut name = || {
            // Names made in one millisecond differ by chance alone.
            loop {
                let id = JobId::new(self.clock.now());
                if used.insert(id.clone()) {
                    return id;
                }
            }
        };
        let recipients = submission.recipients.iter();
        recipients.map(|recipient| self.job(name(), submission, recipient.clone())).collect()
    }

    /// The job of a recipient, with what its address asks for.
    fn job(&self, name: JobId, submission: &Submission, recipient: Recipient) -> Result<Job, Refusal> {
        let client = client_of(&submission.sender.proof);
        let holder = recipient.key_of.clone().map(Client::Key);
        let client = holder.as_ref().unwrap_or(&client);
        if !self.rules.policy.obeys_mail(client) {
            return Ok(Job::new(name, submission, recipient));
        }
        let asked = Asked::in_address(&elements_of(&recipient.address), &self.now())?;
        if asked.is_empty() {
            return Ok(Job::new(name, submission, recipient));
        }
        let options = asked.over(submission.options.clone(), |priority| self.priority(client, priority))?;
        let submission = Submission { options, ..submission.clone() };
        Ok(Job::new(name, &submission, recipient))
    }
}

/// What an address says beside the number, with a domain or typed by hand.
fn elements_of(address: &str) -> Vec<(String, String)> {
    let local =
        Mailbox::parse(address).map_or_else(|| address::number::by_hand(address), |mailbox| mailbox.local);
    FaxAddress::parse(&local).map(|fax| fax.others).unwrap_or_default()
}

/// The proof that a client who was let in has given.
#[must_use]
pub fn proof(client: &Client) -> Proof {
    match client {
        Client::Machine(address) => Proof::Network(address.to_canonical().to_string()),
        Client::Certificate(shown) => Proof::Certificate(shown.clone()),
        Client::User(name) => Proof::User(name.clone()),
        Client::LocalUser(user) => Proof::LocalUser(user.clone()),
        Client::Login(user) => Proof::Login(user.clone()),
        Client::Key(user) => Proof::Key(user.clone()),
        // Only the whole mail makes an author, and then the proof comes with it.
        Client::Author(address) => Proof::Network(address.clone()),
        // No policy lets it in.
        Client::Unknown => Proof::Network("unknown".into()),
    }
}

/// Who has given a proof.
fn client_of(proof: &Proof) -> Client {
    match proof {
        Proof::Network(address) => address.parse().map_or(Client::Unknown, Client::Machine),
        Proof::Certificate(shown) => Client::Certificate(shown.clone()),
        Proof::User(name) => Client::User(name.clone()),
        Proof::LocalUser(name) => Client::LocalUser(name.clone()),
        Proof::Login(name) => Client::Login(name.clone()),
        Proof::Key(name) => Client::Key(name.clone()),
        Proof::Author { address, .. } => Client::Author(address.clone()),
    }
}

impl Rules {
    /// Checks the settings and puts them together: which addresses are ours, how their numbers are read, who may
    /// have them dialled, and how much is accepted.
    pub fn new(
        addresses: AddressConfig,
        plan: DialPlanConfig,
        policy: PolicyConfig,
        limits: SubmitConfig,
    ) -> Result<Self, SettingError> {
        addresses.check()?;
        let classes = Classes::new(&plan);
        Ok(Self { addresses, plan: DialPlan::new(plan)?, policy: Policy::new(policy)?, classes, limits })
    }

    fn decide(
        &self,
        client: &Client,
        sender: Option<&str>,
        fax: FaxAddress,
        wanted: &Wanted,
    ) -> Result<Recipient, Refusal> {
        let number = self.plan.number(&fax.phone).map_err(Refusal::from)?;
        let mut trail = Trail::default();
        let decided = self.policy.decide(client, sender, &number, self.classes.of(&number), &mut trail);
        let trail = trail.0.join("; ");
        match &decided {
            Ok(Standing::Proved) => tracing::info!(%number, ?sender, trail, "may be faxed"),
            Ok(Standing::ToBeProved) => {
                tracing::info!(%number, ?sender, trail, "may be faxed once it is proved")
            }
            Err(denial) => tracing::info!(%number, ?sender, trail, ?denial, "may not be faxed"),
        }
        decided.map_err(|denial| self.denied(&denial))?;
        Ok(Recipient {
            address: address::gstn::without_key(&wanted.address),
            number,
            subaddress: fax.subaddress,
            attention: fax.attention,
            notify: wanted.notify.unwrap_or(Notify::DEFAULT),
            orcpt: wanted.orcpt.as_deref().map(address::gstn::without_key),
            key_of: match client {
                Client::Key(name) => Some(name.clone()),
                _ => None,
            },
        })
    }

    fn denied(&self, denial: &Denial) -> Refusal {
        Refusal::denied(denial, self.addresses.postmaster.as_deref())
    }

    fn read(&self, address: &str) -> Result<FaxAddress, Refusal> {
        let Some(mailbox) = Mailbox::parse(address) else {
            let text = format!("{:?} is no mail address", address::gstn::without_key(address));
            return Err(Refusal::new(Reason::BadAddress, text, "syntax"));
        };
        match &mailbox.domain {
            Some(domain) if !self.addresses.is_ours(domain) => Err(Refusal::not_ours(domain)),
            _ if mailbox.is_postmaster() => Err(Refusal::no_mailbox(self.addresses.postmaster.as_deref())),
            _ => FaxAddress::parse(&mailbox.local).map_err(Refusal::from),
        }
    }
}

/// The same number, subaddress and name given twice is one fax (RFC 4161 §2.1.1); a report that either of
/// them asked for is owed.
fn without_repeats(recipients: Vec<Recipient>) -> Vec<Recipient> {
    let mut kept: Vec<Recipient> = Vec::with_capacity(recipients.len());
    for recipient in recipients {
        let same = |other: &&mut Recipient| {
            other.number == recipient.number
                && other.subaddress == recipient.subaddress
                && other.attention == recipient.attention
        };
        match kept.iter_mut().find(same) {
            Some(first) => {
                first.notify.success |= recipient.notify.success;
                first.notify.failure |= recipient.notify.failure;
                first.notify.delay |= recipient.notify.delay;
            }
            None => kept.push(recipient),
        }
    }
    kept
}

#[cfg(test)]
mod tests;
