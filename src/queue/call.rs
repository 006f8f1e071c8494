//! One call for one job: render if that has not been done, dial, and settle.

use std::sync::Arc;
use std::time::Duration;

use fax::page::Page;
use fax::session::PageMark;
use jiff::Timestamp;
use tokio::runtime::Handle;
use tokio::sync::Mutex;

use super::pages::{self, Prepared};
use super::{Queue, QueueError, look};
use crate::blob::Blobs;
use crate::clock::Clock;
use crate::job::{Attempt, Job, Mark, Outcome};
use crate::line::pool::Taken;
use crate::line::{self, CallEnd, Dial, Sending};
use crate::render::header::{self, HeaderLine};
use crate::store::{Store, StoreError};

/// Works on a claimed job until it is settled, or something of ours fails.
pub(super) async fn run(queue: &Arc<Queue>, job: Job, taken: &Taken) -> Result<(), QueueError> {
    let job = match pages::prepare(queue, job).await? {
        Prepared::Ready(job) => *job,
        Prepared::Refused(job, reason) => {
            let now = queue.clock.now();
            queue.settle(&job.ended(Outcome::NotRendered { reason }, now), now).await?;
            return Ok(());
        }
    };
    let confirmed_before = job.progress.confirmed;
    let started = queue.clock.now();
    let (job, end) = dial(queue, job, taken, started).await?;
    queue.blobs.put(&job.trace_key(job.calls + 1), end.trace.as_bytes()).await?;
    let now = queue.clock.now();
    let attempt = Attempt {
        started,
        ended: now,
        line: taken.line.name().to_owned(),
        outcome: line::outcome::of(&end.report, job.progress.pages),
        pages_confirmed: job.progress.confirmed - confirmed_before,
        remote_id: end.report.remote_id.clone(),
        mode: line::outcome::mode(&end.report),
    };
    tracing::info!(
        job = %job.id,
        line = %attempt.line,
        outcome = attempt.outcome.word(),
        cause = attempt.outcome.cause(),
        "call ended"
    );
    queue.settle(&job.after(attempt, &queue.settings.rules, now), now).await?;
    Ok(())
}

/// Makes the call on a thread of its own and gives the job back as the call left it.
async fn dial(
    queue: &Arc<Queue>,
    job: Job,
    taken: &Taken,
    started: Timestamp,
) -> Result<(Job, CallEnd), QueueError> {
    let dial = Dial {
        number: job.recipient.number.clone(),
        pages: job.progress.pages,
        pages_confirmed: job.progress.confirmed,
    };
    let held = Arc::new(HeldJob::new(queue, job));
    let mut sender = Sender {
        header: look::header_line(
            started,
            &queue.settings.zone,
            &queue.settings.header_from,
            Some(&dial.number),
            dial.pages,
        ),
        held: Arc::clone(&held),
        blobs: Arc::clone(&queue.blobs),
        runtime: Handle::current(),
    };
    let line = Arc::clone(&taken.line);
    let renewal = tokio::spawn(Arc::clone(&held).renew_for_ever());
    let call = tokio::task::spawn_blocking(move || line.call(&dial, &mut sender)).await;
    renewal.abort();
    let end = call.map_err(|error| QueueError::Page(format!("the call's thread failed: {error}")))?;
    // A mark that could not be written during the call is known from the report all the same.
    let marked = end
        .report
        .marks
        .iter()
        .zip(1..)
        .fold(held.job.lock().await.clone(), |job, (mark, page)| job.marked(page, mark_of(*mark)));
    Ok((marked, end))
}

/// A job in our hands during a call: the line's thread marks its pages, a timer renews its lease.
struct HeldJob {
    job: Mutex<Job>,
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    lease: Duration,
}

impl HeldJob {
    fn new(queue: &Queue, job: Job) -> Self {
        Self {
            job: Mutex::new(job),
            store: Arc::clone(&queue.store),
            clock: Arc::clone(&queue.clock),
            lease: queue.settings.lease,
        }
    }

    async fn change(&self, change: impl FnOnce(&Job) -> Job) -> Result<(), StoreError> {
        let mut job = self.job.lock().await;
        let changed = change(&job).renew(self.clock.now(), self.lease);
        *job = self.store.update(&changed, &[]).await?;
        Ok(())
    }

    async fn renew_for_ever(self: Arc<Self>) {
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
    held: Arc<HeldJob>,
    blobs: Arc<dyn Blobs>,
    runtime: Handle,
}

impl Sending for Sender {
    fn page(&mut self, index: u32) -> Option<Page> {
        let key = self.runtime.block_on(self.held.job.lock()).page_key(index + 1);
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
