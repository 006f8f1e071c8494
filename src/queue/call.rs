//! One call for one job: render if that has not been done, dial, and settle.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use fax::page::Page;
use fax::session::{PageMark, Report};
use fax::t30::frame::Digits;
use jiff::Timestamp;
use tokio::runtime::Handle;
use tokio::sync::Mutex;

use super::pages::{self, Prepared};
use super::{Queue, QueueError, look, peer};
use crate::blob::Blobs;
use crate::clock::Clock;
use crate::job::{Attempt, Job, Mark, Outcome};
use crate::line::pool::Taken;
use crate::line::{self, CallEnd, Dial, Sending};
use crate::render::header::{self, HeaderLine};
use crate::store::{Store, StoreError};

/// How the work on a job ended.
enum End {
    /// It cannot be made into pages; why, as the sender may know it.
    Refused(String),
    /// It was dialled.
    Called(Timestamp, CallEnd),
}

/// Works on a claimed job until it is settled, or something of ours fails.
pub(super) async fn run(queue: &Arc<Queue>, job: Job, taken: &Taken) -> Result<(), QueueError> {
    let confirmed_before = job.progress.confirmed;
    let held = Arc::new(HeldJob::new(queue, job));
    let end = tokio::select! {
        end = prepare_and_dial(queue, &held, taken) => end?,
        never = held.renew_for_ever() => match never {},
    };
    let job = held.job().await;
    let now = queue.clock.now();
    let settled = match end {
        End::Refused(reason) => job.ended(Outcome::NotRendered { reason }, now),
        End::Called(started, end) => {
            let job = with_marks(job, &end.report.marks);
            // The trace is for the engineer; what became of the fax does not hang on it.
            if let Err(error) = queue.blobs.put(&job.trace_key(job.calls + 1), end.trace.as_bytes()).await {
                tracing::error!(job = %job.id, %error, "the trace of a call cannot be kept");
            }
            let attempt = attempt(&job, &end.report, started, now, taken.line.name(), confirmed_before);
            job.after(attempt, &queue.settings.rules, now)
        }
    };
    Ok(queue.settle_surely(settled).await?)
}

async fn prepare_and_dial(queue: &Arc<Queue>, held: &Arc<HeldJob>, taken: &Taken) -> Result<End, QueueError> {
    if let Prepared::Refused(reason) = pages::prepare(queue, held).await? {
        return Ok(End::Refused(reason));
    }
    let started = queue.clock.now();
    Ok(End::Called(started, dial(queue, held, taken, started).await?))
}

/// Makes the call on a thread of its own.
async fn dial(
    queue: &Arc<Queue>,
    held: &Arc<HeldJob>,
    taken: &Taken,
    started: Timestamp,
) -> Result<CallEnd, QueueError> {
    let job = held.job().await;
    // It takes the place of the last page that has arrived, so that every other page keeps its own.
    let continuation = pages::continuation(queue, &job).await.zip(job.progress.confirmed.checked_sub(1));
    let dial = Dial {
        number: job.recipient.number.clone(),
        pages: job.progress.pages,
        pages_confirmed: continuation.as_ref().map_or(job.progress.confirmed, |(_, index)| *index),
        subaddress: subaddress(&job)?,
        memory: peer::recall(&*queue.blobs, &job.recipient.number).await,
        wall_time: peer::wall_time(started),
    };
    let number = dial.number.clone();
    let mut sender = Sender {
        header: look::header_line(
            started,
            &queue.settings.zone,
            &queue.settings.header_from,
            Some(&dial.number),
            dial.pages,
            queue.settings.render.language,
        ),
        continuation,
        held: Arc::clone(held),
        blobs: Arc::clone(&queue.blobs),
        runtime: Handle::current(),
    };
    let line = Arc::clone(&taken.line);
    let call = tokio::task::spawn_blocking(move || line.call(&dial, &mut sender)).await;
    let end = call.map_err(|error| QueueError::Page(format!("the call's thread failed: {error}")))?;
    peer::remember(&*queue.blobs, &number, &end.report.memory).await;
    Ok(end)
}

/// The job's subaddress, as T.30 sends it. It was checked when the job was taken in.
fn subaddress(job: &Job) -> Result<Option<Digits>, QueueError> {
    let digits = job.recipient.subaddress.as_deref().map(Digits::new).transpose();
    digits.map_err(|error| QueueError::Page(format!("the subaddress cannot be sent: {error}")))
}

/// A mark that could not be written during the call is known from the report all the same.
fn with_marks(job: Job, marks: &[PageMark]) -> Job {
    marks.iter().zip(1..).fold(job, |job, (mark, page)| job.marked(page, mark_of(*mark)))
}

fn attempt(
    job: &Job,
    report: &Report,
    started: Timestamp,
    ended: Timestamp,
    line: &str,
    confirmed_before: u32,
) -> Attempt {
    let outcome = line::outcome::of(report, job.progress.pages);
    tracing::info!(job = %job.id, line, outcome = outcome.word(), cause = outcome.cause(), "call ended");
    Attempt {
        started,
        ended,
        line: line.to_owned(),
        outcome,
        pages_confirmed: job.progress.confirmed - confirmed_before,
        remote_id: report.remote_id.clone(),
        mode: line::outcome::mode(report),
    }
}

/// A job in our hands: whoever works on it changes it here, and a timer renews its lease.
pub(super) struct HeldJob {
    job: Mutex<Job>,
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    node: String,
    lease: Duration,
}

impl HeldJob {
    fn new(queue: &Queue, job: Job) -> Self {
        Self {
            job: Mutex::new(job),
            store: Arc::clone(&queue.store),
            clock: Arc::clone(&queue.clock),
            node: queue.settings.node.clone(),
            lease: queue.settings.lease,
        }
    }

    /// The job as it stands.
    pub(super) async fn job(&self) -> Job {
        self.job.lock().await.clone()
    }

    /// Changes the job. Where it cannot be written, the change stays known here and goes with the next write.
    pub(super) async fn change(&self, change: impl FnOnce(&Job) -> Job) -> Result<(), StoreError> {
        let mut job = self.job.lock().await;
        *job = change(&job).renew(self.clock.now(), self.lease);
        let written = match self.store.update(&job, &[]).await {
            Err(StoreError::Conflict(_)) => {
                // An earlier write of ours may have been done though we were told that it failed.
                let stored = self.store.job(&job.id).await?;
                if !stored.is_held_by(&self.node) {
                    return Err(StoreError::Conflict(job.id.to_string()));
                }
                job.version = stored.version;
                self.store.update(&job, &[]).await
            }
            written => written,
        };
        *job = written?;
        Ok(())
    }

    async fn renew_for_ever(&self) -> Infallible {
        loop {
            tokio::time::sleep(self.lease / 3).await;
            if let Err(error) = self.change(Job::clone).await {
                tracing::warn!(%error, "cannot renew a lease");
            }
        }
    }
}

/// What the line asks of the flow during the call.
struct Sender {
    header: HeaderLine,
    /// The page that says that this call goes on, and the index that it has.
    continuation: Option<(Page, u32)>,
    held: Arc<HeldJob>,
    blobs: Arc<dyn Blobs>,
    runtime: Handle,
}

impl Sending for Sender {
    fn page(&mut self, index: u32) -> Option<Page> {
        if let Some((page, _)) = self.continuation.as_ref().filter(|(_, at)| *at == index) {
            return Some(header::stamp(page, &HeaderLine { page: 0, ..self.header.clone() }));
        }
        let key = self.runtime.block_on(self.held.job()).page_key(index + 1);
        let page = self.runtime.block_on(pages::load(&*self.blobs, &key));
        let page = page.inspect_err(|error| tracing::error!(key, %error, "a page cannot be read")).ok()?;
        let header = HeaderLine { page: index + 1, ..self.header.clone() };
        Some(header::stamp(&page, &header))
    }

    fn mark(&mut self, index: u32, mark: PageMark) -> bool {
        let written = self.runtime.block_on(self.held.change(|job| job.marked(index + 1, mark_of(mark))));
        written.inspect_err(|error| tracing::error!(%error, "a page's mark cannot be kept")).is_ok()
    }
}

fn mark_of(mark: PageMark) -> Mark {
    match mark {
        PageMark::NotSent => Mark::NotSent,
        PageMark::Unconfirmed => Mark::InDoubt,
        PageMark::Confirmed => Mark::Confirmed,
    }
}
