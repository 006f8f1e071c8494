//! A job's pages: made once from the message, kept as blobs, read one by one during a call.

use std::sync::Arc;

use fax::page::Page;
use fax::tiff;

use super::{Queue, QueueError};
use crate::blob::Blobs;
use crate::job::Job;
use crate::render::{self, Rendered};

/// A job that may be dialled, or one that may not.
pub(super) enum Prepared {
    /// Its pages are kept.
    Ready(Box<Job>),
    /// Its message cannot be made into pages; why, as the sender may know it.
    Refused(Box<Job>, String),
}

/// Makes the pages of a job, unless an earlier call has.
pub(super) async fn prepare(queue: &Arc<Queue>, job: Job) -> Result<Prepared, QueueError> {
    if job.progress.pages > 0 {
        return Ok(Prepared::Ready(Box::new(job)));
    }
    let message = queue.store.message(&job.submission).await?;
    let setup = setup(queue, &job);
    let work = tokio::task::spawn_blocking(move || render::message(&message, &setup.0, setup.1.as_ref()));
    let rendered = match work.await {
        Ok(Ok(rendered)) => rendered,
        Ok(Err(refusal)) => return Ok(Prepared::Refused(Box::new(job), refusal.to_string())),
        Err(crash) => {
            tracing::error!(job = %job.id, error = %crash, "rendering failed");
            return Ok(Prepared::Refused(Box::new(job), "it made our converter fail".into()));
        }
    };
    keep(queue, &job, &rendered).await?;
    let pages = u32::try_from(rendered.pages.len()).unwrap_or(u32::MAX);
    let job = queue.store.update(&job.rendered(pages), &[]).await?;
    Ok(Prepared::Ready(Box::new(job)))
}
