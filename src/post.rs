//! Takes the mails that are owed from the store, makes them, and sees them off.
//!
//! A notice is forgotten only when somebody else answers for its mail. After a crash between the sending and
//! the forgetting the mail is made and sent once more under the same name: a Maildir holds it once, and behind a
//! relay the reader sees the same Message-ID.
//!
//! What fails for now is tried again, ever less often, for five days (RFC 5321 §4.5.4.1). What fails for good, or
//! for so long: a received fax goes to the postmaster instead, once; a report, which nothing may report on, and a
//! fax that the postmaster's mailbox refuses are given up with an error in the log. The notice stays in the store
//! for the operator to see, as do the fax and the job.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{Notify, watch};

use crate::blob::{BlobError, Blobs};
use crate::clock::Clock;
use crate::job::{About, FaxId, Job, JobId, Notice, ReceivedFax, ReportKind};
use crate::mailer::{Identity, Mail, Mailer, MailerError};
use crate::received::{self, Files, NumberOf, ReceivedConfig, ReceivedContext, mailboxes};
use crate::render::Manifest;
use crate::report::{self, Evidence, ReportConfig, ReportContext};
use crate::store::{Store, StoreError};

/// How many notices one step takes.
const BATCH: usize = 32;
/// How long the loop sleeps where nothing wakes it.
const LOOK_AGAIN: Duration = Duration::from_secs(15);
/// The wait after the first failure; it doubles with each.
const FIRST_WAIT: Duration = Duration::from_secs(60);
/// The longest wait (RFC 5321 §4.5.4.1: about half an hour).
const WAIT_MAX: Duration = Duration::from_secs(30 * 60);
/// How long a mail is tried (RFC 5321 §4.5.4.1: four to five days).
const TRIED_FOR: Duration = Duration::from_secs(5 * 24 * 3600);

/// When to try a notice next that was first owed at `created` and has now failed `tries` times; `None` where it
/// has been tried for long enough.
#[must_use]
pub fn next_try(tries: u32, created: Timestamp, now: Timestamp) -> Option<Timestamp> {
    let doublings = tries.saturating_sub(1).min(16);
    let wait = FIRST_WAIT.saturating_mul(1 << doublings).min(WAIT_MAX);
    let next = now.checked_add(wait).ok()?;
    let end = created.checked_add(TRIED_FOR).ok()?;
    (next <= end).then_some(next)
}

/// What the mails say and by whom.
#[derive(Clone)]
pub struct PostSettings {
    /// Who the gateway is.
    pub identity: Identity,
    /// How reports look.
    pub report: ReportConfig,
    /// How the mails of received faxes look.
    pub received: ReceivedConfig,
    /// The domain of fax addresses.
    pub fax_domain: String,
    /// How long a job is tried (`job::schedule::Rules::expires_after`).
    pub expires_after: Duration,
    /// The number that a station ID stands for, by the dial plan.
    pub number_of: Arc<NumberOf>,
}

/// Sees mails off.
pub struct Post {
    store: Arc<dyn Store>,
    blobs: Arc<dyn Blobs>,
    mailer: Arc<dyn Mailer>,
    settings: PostSettings,
}

/// Why a notice did not become a mail that left.
#[derive(Debug)]
enum Trouble {
    /// Worth another try.
    ForNow(String),
    /// Not worth another.
    ForGood(String),
    /// Nobody wants it any more.
    Moot,
}

impl From<MailerError> for Trouble {
    fn from(error: MailerError) -> Self {
        match error {
            MailerError::Temporary(cause) => Self::ForNow(cause),
            MailerError::Permanent(cause) => Self::ForGood(cause),
        }
    }
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NotFound(_) => Self::ForGood(error.to_string()),
            _ => Self::ForNow(error.to_string()),
        }
    }
}

impl From<BlobError> for Trouble {
    fn from(error: BlobError) -> Self {
        Self::ForNow(error.to_string())
    }
}

impl Post {
    /// A post office for the notices in `store`.
    #[must_use]
    pub fn new(
        store: Arc<dyn Store>,
        blobs: Arc<dyn Blobs>,
        mailer: Arc<dyn Mailer>,
        settings: PostSettings,
    ) -> Self {
        Self { store, blobs, mailer, settings }
    }

    /// Sees mails off until `shutdown` says true, but ends the mail it is at. A notification of `wake` is a hint
    /// that something is owed.
    pub async fn run(&self, clock: &dyn Clock, mut shutdown: watch::Receiver<bool>, wake: &Notify) {
        while !*shutdown.borrow() {
            match self.batch(clock.now(), || !*shutdown.borrow()).await {
                // There may be more where a whole batch came from.
                Ok(BATCH) => continue,
                Ok(_) => {}
                Err(error) => tracing::error!(%error, "the store does not give or take notices"),
            }
            tokio::select! {
                () = wake.notified() => {}
                () = tokio::time::sleep(LOOK_AGAIN) => {}
                // Whoever could say stop is gone: stop.
                changed = shutdown.changed() => if changed.is_err() { return },
            }
        }
    }

    /// Tries each notice that is due, at most one batch, and says how many that were.
    ///
    /// # Errors
    /// [`StoreError`]: the store could not say what is due, or not keep what became of it.
    pub async fn step(&self, now: Timestamp) -> Result<usize, StoreError> {
        self.batch(now, || true).await
    }

    async fn batch(&self, now: Timestamp, go_on: impl Fn() -> bool) -> Result<usize, StoreError> {
        let due = self.store.notices_due(now, BATCH).await?;
        for notice in due.iter().take_while(|_| go_on()) {
            self.attend(notice, now).await?;
        }
        Ok(due.len())
    }

    /// Tries one notice, and keeps what became of it.
    async fn attend(&self, notice: &Notice, now: Timestamp) -> Result<(), StoreError> {
        match self.deliver(notice, now).await {
            Ok(()) => {
                tracing::info!(notice = %notice.id, to = %notice.to, about = ?notice.about, "mail sent");
                self.store.notice_done(&notice.id).await
            }
            Err(Trouble::Moot) => self.store.notice_done(&notice.id).await,
            Err(Trouble::ForNow(cause)) => {
                let next = next_try(notice.tries.saturating_add(1), notice.created, now);
                self.failed(notice, next, cause, now).await
            }
            Err(Trouble::ForGood(cause)) => self.failed(notice, None, cause, now).await,
        }
    }

    /// Writes down that a notice failed: to be tried at `next`, else for the postmaster, else given up.
    async fn failed(
        &self,
        notice: &Notice,
        next: Option<Timestamp>,
        cause: String,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut notice = notice.clone();
        notice.tries = notice.tries.saturating_add(1);
        notice.next_try = next;
        let postmaster = &self.settings.identity.postmaster;
        if next.is_some() {
            tracing::warn!(notice = %notice.id, to = %notice.to, tries = notice.tries, %cause, "mail not sent yet");
        } else if matches!(notice.about, About::Received(_)) && notice.to != *postmaster {
            tracing::error!(notice = %notice.id, to = %notice.to, %cause, "a received fax goes to the postmaster");
            notice.to.clone_from(postmaster);
            (notice.created, notice.next_try, notice.tries) = (now, Some(now), 0);
        } else {
            tracing::error!(notice = %notice.id, to = %notice.to, about = ?notice.about, %cause, "mail given up");
        }
        notice.last_error = Some(cause);
        self.store.notice_retry(&notice).await
    }

    async fn deliver(&self, notice: &Notice, now: Timestamp) -> Result<(), Trouble> {
        let mail = match &notice.about {
            About::Report { job, kind } | About::Disposition { job, kind } => {
                self.report(notice, job, *kind, now).await?
            }
            About::Received(fax) => self.received(notice, fax).await?,
        };
        Ok(self.mailer.send(&mail).await?)
    }

    async fn report(
        &self,
        notice: &Notice,
        job: &JobId,
        kind: ReportKind,
        now: Timestamp,
    ) -> Result<Mail, Trouble> {
        let job = self.store.job(job).await?;
        if kind == ReportKind::Delay && job.outcome().is_some() {
            // It was delivered, or failed, before the news of its delay could leave.
            return Err(Trouble::Moot);
        }
        let message = match self.store.message(&job.submission).await {
            Ok(message) => message,
            // Without the message the report still says what happened.
            Err(StoreError::NotFound(_)) => Vec::new(),
            Err(error) => return Err(error.into()),
        };
        let manifest = self.manifest(&job).await?;
        let trace = match kind {
            ReportKind::Failure => self.optional(&job.trace_key(job.calls)).await?,
            _ => None,
        };
        let trace = trace.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        let evidence = Evidence { message: &message, manifest: manifest.as_ref(), trace: trace.as_deref() };
        let ctx = ReportContext {
            identity: &self.settings.identity,
            config: &self.settings.report,
            now,
            expires_after: self.settings.expires_after,
        };
        Ok(report::mail(notice, &job, kind, &evidence, &ctx))
    }

    async fn manifest(&self, job: &Job) -> Result<Option<Manifest>, Trouble> {
        let Some(bytes) = self.optional(&job.manifest_key()).await? else {
            return Ok(None);
        };
        let manifest = serde_json::from_slice(&bytes);
        Ok(manifest
            .inspect_err(|error| tracing::error!(job = %job.id, %error, "the manifest cannot be read"))
            .ok())
    }

    async fn received(&self, notice: &Notice, fax: &FaxId) -> Result<Mail, Trouble> {
        let fax = self.store.received(fax).await?;
        let files = self.files(&fax).await?;
        let settings = &self.settings;
        let postmaster = &settings.identity.postmaster;
        let meant_for = mailboxes(&fax, &settings.received, postmaster);
        let redirected = notice.to == *postmaster && !meant_for.contains(postmaster);
        let ctx = ReceivedContext {
            identity: &settings.identity,
            config: &settings.received,
            fax_domain: &settings.fax_domain,
            number_of: &*settings.number_of,
            instead_of: if redirected { &meant_for } else { &[] },
        };
        Ok(received::mail(notice, &fax, &files, &ctx))
    }

    async fn files(&self, fax: &ReceivedFax) -> Result<Files, Trouble> {
        let mut stored = Vec::new();
        for page in 1..=fax.pages {
            stored.push(self.optional(&ReceivedFax::page_key(&fax.id, page)).await?);
        }
        let (fax, zone) = (fax.clone(), self.settings.identity.zone.clone());
        let making = tokio::task::spawn_blocking(move || {
            let pages = stored.into_iter().map(|file| received::files::page(&file?)).collect();
            Files::make(&fax, &received::title(&fax), pages, &zone)
        });
        making.await.map_err(|stopped| Trouble::ForNow(format!("the attachments: {stopped}")))
    }

    /// A blob that may not be there.
    async fn optional(&self, key: &str) -> Result<Option<Vec<u8>>, Trouble> {
        match self.blobs.get(key).await {
            Ok(bytes) => Ok(Some(bytes)),
            Err(BlobError::NotFound(_)) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}
