//! A job's pages: made once from the message, kept as blobs, read one by one during a call.

use std::sync::Arc;

use fax::page::Page;
use fax::t4::Coding;
use fax::tiff::{self, Info, Limits, Profile};

use super::look::Look;
use super::{Queue, QueueError};
use crate::blob::Blobs;
use crate::job::Job;
use crate::render::Rendered;

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
    let (config, look) = (queue.settings.render.clone(), Look::of(&job));
    let work = tokio::task::spawn_blocking(move || look.compose(&message, &config));
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

async fn keep(queue: &Queue, job: &Job, rendered: &Rendered) -> Result<(), QueueError> {
    for (page, number) in rendered.pages.iter().zip(1..) {
        queue.blobs.put(&job.page_key(number), &to_tiff(page)?).await?;
    }
    let manifest =
        serde_json::to_vec(&rendered.manifest).map_err(|error| QueueError::Page(error.to_string()))?;
    queue.blobs.put(&job.manifest_key(), &manifest).await?;
    Ok(())
}

fn to_tiff(page: &Page) -> Result<Vec<u8>, QueueError> {
    let profile = Profile::F { coding: Coding::Mmr };
    tiff::write(std::slice::from_ref(page), profile, &Info::default())
        .map_err(|error| QueueError::Page(error.to_string()))
}

/// The page that is kept under `key`.
pub(super) async fn load(blobs: &dyn Blobs, key: &str) -> Result<Page, QueueError> {
    let bytes = blobs.get(key).await?;
    let images =
        tiff::read(&bytes, &Limits::default()).map_err(|error| QueueError::Page(error.to_string()))?;
    let image = images.into_iter().next().ok_or_else(|| QueueError::Page("no page in it".into()))?;
    image.into_page().map_err(|_| QueueError::Page("a page of no fax resolution".into()))
}
