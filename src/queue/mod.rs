//! The queue: what is due is claimed, rendered, dialled, and settled with its report.
//!
//! The queue needs nothing but the store: a wake-up is only a hint, and a restart goes on where the store says.
//! Jobs that a dead gateway left in its hands are taken back at the start. A page is marked
//! in doubt on disk before its end-of-page command is sent, and confirmed after the other machine said so; the
//! last state and its report are one write.

mod call;
pub mod look;
mod pages;
pub mod peer;
pub mod plan;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{Notify, watch};
use tokio::task::{Id, JoinSet};

use crate::address::Number;
use crate::blob::{BlobError, Blobs};
use crate::clock::Clock;
use crate::job::schedule::Rules;
use crate::job::{Job, JobId, Notice, Outcome, ReportKind, State};
use crate::line::pool::{Pool, Taken};
use crate::render;
use crate::report;
use crate::store::{JobFilter, Store, StoreError};

/// How many due jobs are held in memory together.
const DUE_MAX: usize = 512;
/// How often jobs that wait for a line are looked through for those that wait too long.
const LATE_EVERY: Duration = Duration::from_secs(30);
/// How often the store is asked to keep the end of a call. With [`Settings::store_pause`] between, they fit into a
/// lease.
const SETTLE_TRIES: u32 = 60;
/// The longest the loop sleeps, so that a lost hint costs little.
const SLEEP_MAX: Duration = Duration::from_secs(30);

/// What the queue goes by.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The name of this gateway among those that share the store.
    pub node: String,
    /// When to try again.
    pub rules: Rules,
    /// How long a claim holds without being renewed.
    pub lease: Duration,
    /// How long to wait after the store failed.
    pub store_pause: Duration,
    /// How long calls in progress may go on when the gateway is told to stop.
    pub stop_grace: Duration,
    /// How pages are made.
    pub render: render::RenderConfig,
    /// Who the header line says the fax is from.
    pub header_from: String,
    /// The time zone of the header line and the cover page.
    pub zone: jiff::tz::TimeZone,
}

/// The queue and all it works with.
pub struct Queue {
    /// Where jobs are.
    pub store: Arc<dyn Store>,
    /// Where pages and traces are.
    pub blobs: Arc<dyn Blobs>,
    /// Who makes pages of messages.
    pub renderer: Arc<dyn render::Renderer>,
    /// The lines.
    pub pool: Pool,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Hints that there is something to do.
    pub wake: Arc<Notify>,
    /// Hints that there is mail to be sent.
    pub mail_wake: Arc<Notify>,
    /// What it goes by.
    pub settings: Settings,
}

/// What can fail below the queue.
#[derive(Debug, thiserror::Error)]
enum QueueError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Blob(#[from] BlobError),
    #[error("{0}")]
    Page(String),
}

/// The calls in progress, by task, with the number that each has dialled.
type Calls = (JoinSet<()>, HashMap<Id, Number>);

impl Queue {
    /// Works until `stop` turns true; calls in progress then have a while to end.
    pub async fn run(self: Arc<Self>, mut stop: watch::Receiver<bool>) {
        while let Err(error) = self.recover().await {
            tracing::error!(%error, "cannot take back the jobs in progress");
            if wait(&mut stop, self.settings.store_pause).await {
                return;
            }
        }
        let mut calls: Calls = Default::default();
        let mut late = tokio::time::interval(LATE_EVERY);
        while !*stop.borrow() {
            let pause = self.start_due(&mut calls).await.unwrap_or_else(|error| {
                tracing::error!(%error, "cannot read what is due");
                self.settings.store_pause
            });
            tokio::select! {
                // Whoever could say stop is gone: stop.
                changed = stop.changed() => if changed.is_err() { break },
                () = self.wake.notified() => {}
                Some(ended) = calls.0.join_next_with_id() => forget(&mut calls.1, &ended),
                () = tokio::time::sleep(pause) => {}
                _ = late.tick() => if let Err(error) = self.look_at_waiting().await {
                    tracing::error!(%error, "cannot look for what waits too long");
                },
            }
        }
        let all_ended = async { while calls.0.join_next().await.is_some() {} };
        if tokio::time::timeout(self.settings.stop_grace, all_ended).await.is_err() {
            tracing::warn!("stopping with calls in progress; they are taken up again at the next start");
        }
    }

    /// Takes back the jobs that this gateway had in its hands when it died.
    async fn recover(&self) -> Result<(), StoreError> {
        let now = self.clock.now();
        let open = JobFilter { open_only: true, ..JobFilter::default() };
        for job in self.store.jobs(&open).await? {
            if self.holds(&job) {
                tracing::warn!(job = %job.id, "taken back after a stop in the middle of a call");
                self.settle(&job.abandoned(now), now).await?;
            }
        }
        Ok(())
    }

    /// Starts what is due, as far as lines are free, and gives how long nothing more will be.
    async fn start_due(self: &Arc<Self>, calls: &mut Calls) -> Result<Duration, StoreError> {
        let now = self.clock.now();
        let mut last: Option<Job> = None;
        // Many jobs may be due for few numbers, and those behind them shall have the lines that are free.
        while self.pool.free() > 0 {
            let due = self.store.due(now, last.as_ref(), DUE_MAX).await?;
            let calling = calls.1.values().cloned().collect();
            let chosen = plan::plan(&due, &calling, self.pool.free());
            last = due.last().cloned();
            for job in due.into_iter().filter(|job| chosen.contains(&job.id)) {
                let Some(line) = self.pool.take_for(&job.recipient.number) else { continue };
                let number = job.recipient.number.clone();
                let task = calls.0.spawn(Arc::clone(self).claim_and_call(job, line));
                calls.1.insert(task.id(), number);
            }
            if last.is_none() {
                break;
            }
        }
        // What is due by now waits for a line or a number, and a hint comes when one is free; without a line nothing else
        // can be started either.
        if self.pool.free() == 0 {
            return Ok(SLEEP_MAX);
        }
        let next = self.store.next_due(now).await?;
        Ok(next.map_or(SLEEP_MAX, |at| until(now, at).min(SLEEP_MAX)))
    }

    async fn claim_and_call(self: Arc<Self>, job: Job, line: Taken) {
        let id = job.id.clone();
        let result = match self.claim(job).await {
            Ok(Some(claimed)) => call::run(&self, claimed, &line).await,
            Ok(None) => Ok(()),
            Err(error) => Err(error.into()),
        };
        if let Err(error) = result {
            tracing::error!(job = %id, %error, "the job is put back");
            self.put_back(&id, &error.to_string()).await;
            // The line stays taken meanwhile: the next job would fail for the same cause.
            tokio::time::sleep(self.settings.store_pause).await;
        }
        drop(line);
    }

    /// The job in our hands; `None` where it shall not be dialled, or another has it.
    async fn claim(&self, job: Job) -> Result<Option<Job>, StoreError> {
        let now = self.clock.now();
        // A lease that ran out means that its holder died: what it knew of the last page decides first.
        let free = if matches!(job.state, State::Calling { .. }) { job.abandoned(now) } else { job };
        let free = free.expire(&self.settings.rules, now).unwrap_or(free);
        let only_reported = !free.may_be_dialled(now) && free.delay_report_due(&self.settings.rules, now);
        let written = if free.outcome().is_some() || only_reported {
            self.settle(&free, now).await.map(|_| None)
        } else if let Some(claimed) = free.claim(&self.settings.node, now, self.settings.lease) {
            self.store.update(&claimed, &[]).await.map(Some)
        } else {
            Ok(None)
        };
        match written {
            Err(StoreError::Conflict(_)) => Ok(None),
            written => written,
        }
    }

    /// Whether a job is in the hands of this gateway.
    fn holds(&self, job: &Job) -> bool {
        job.is_held_by(&self.settings.node)
    }

    /// Gives a job back that could not be worked on because something of ours failed.
    async fn put_back(&self, id: &JobId, cause: &str) {
        let given_back = async {
            let job = self.store.job(id).await?;
            if self.holds(&job) {
                let now = self.clock.now();
                self.settle(&job.put_back(cause, &self.settings.rules, now), now).await?;
            }
            Ok::<_, StoreError>(())
        };
        if let Err(error) = given_back.await {
            tracing::error!(job = %id, %error, "cannot put the job back; its lease will run out");
        }
    }

    /// Ends jobs that wait too long for a line, and reports those that wait long, once.
    async fn look_at_waiting(&self) -> Result<(), StoreError> {
        let now = self.clock.now();
        let rules = &self.settings.rules;
        let mut last: Option<Job> = None;
        loop {
            let due = self.store.due(now, last.as_ref(), DUE_MAX).await?;
            for job in &due {
                let late = job.expire(rules, now);
                let changed = late.as_ref().unwrap_or(job);
                if late.is_some() || job.delay_report_due(rules, now) {
                    match self.settle(changed, now).await {
                        // It has just been claimed.
                        Ok(_) | Err(StoreError::Conflict(_)) => {}
                        Err(error) => return Err(error),
                    }
                }
            }
            match due.into_iter().next_back() {
                Some(job) => last = Some(job),
                None => return Ok(()),
            }
        }
    }

    /// Writes the end of a call. Nobody else knows it, so a store that fails is asked again for a while.
    async fn settle_surely(&self, mut job: Job) -> Result<(), StoreError> {
        let mut tries = 0;
        loop {
            tries += 1;
            match self.settle(&job, self.clock.now()).await {
                Ok(_) => return Ok(()),
                Err(StoreError::Conflict(_)) if tries < SETTLE_TRIES => {
                    let stored = self.store.job(&job.id).await?;
                    if !self.holds(&stored) {
                        // It was written though the store said that it failed; or the lease ran out.
                        return Ok(());
                    }
                    // An earlier write of ours was done after we stopped waiting for it.
                    job.version = stored.version;
                }
                Err(error) if tries < SETTLE_TRIES => {
                    tracing::error!(job = %job.id, %error, "the end of a call cannot be kept yet");
                    tokio::time::sleep(self.settings.store_pause).await;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Writes a job with the reports that its state gives rise to.
    async fn settle(&self, job: &Job, now: Timestamp) -> Result<Job, StoreError> {
        let mut job = job.clone();
        let notices = self.notices(&mut job, now);
        let job = self.store.update(&job, &notices).await?;
        if !notices.is_empty() {
            self.mail_wake.notify_one();
        }
        if let Some(outcome) = job.outcome() {
            let (number, cause) = (&job.recipient.number, outcome.cause());
            tracing::info!(job = %job.id, %number, outcome = outcome.word(), cause, "done");
        }
        Ok(job)
    }

    fn notices(&self, job: &mut Job, now: Timestamp) -> Vec<Notice> {
        match job.outcome().map(Outcome::grade) {
            Some(grade) => report::owed(job, report::kind_of(grade), now),
            None if job.delay_report_due(&self.settings.rules, now) => {
                job.delay_reported = true;
                report::owed(job, ReportKind::Delay, now)
            }
            None => Vec::new(),
        }
    }
}

/// Waits; true where it was told to stop meanwhile.
async fn wait(stop: &mut watch::Receiver<bool>, pause: Duration) -> bool {
    tokio::select! {
        _ = stop.changed() => {}
        () = tokio::time::sleep(pause) => {}
    }
    *stop.borrow()
}

fn until(now: Timestamp, at: Timestamp) -> Duration {
    Duration::try_from(at.duration_since(now)).unwrap_or(Duration::ZERO)
}

fn forget(numbers: &mut HashMap<Id, Number>, ended: &Result<(Id, ()), tokio::task::JoinError>) {
    match ended {
        Ok((id, ())) => numbers.remove(id),
        Err(error) => {
            tracing::error!(%error, "a call's task failed; its job's lease will run out");
            numbers.remove(&error.id())
        }
    };
}
