//! A job's pages: made once from the message, kept as blobs, read one by one during a call.

use std::sync::Arc;

use fax::page::Page;
use fax::t4::Coding;
use fax::tiff::{self, Info, Limits, Profile};

use super::call::HeldJob;
use super::look::Look;
use super::{Queue, QueueError};
use crate::blob::Blobs;
use crate::job::recipient::Fineness;
use crate::job::{Job, Progress};
use crate::render::{RenderError, Rendered};

/// Whether a job may be dialled.
pub(super) enum Prepared {
    /// Its pages are kept.
    Ready,
    /// Its message cannot be made into pages; why, as the sender may know it.
    Refused(String),
}

/// Makes the pages of a job, unless they are there from an earlier call.
pub(super) async fn prepare(queue: &Arc<Queue>, held: &HeldJob) -> Result<Prepared, QueueError> {
    let job = held.job().await;
    if job.progress.pages > 0 && are_kept(queue, &job).await? {
        return Ok(Prepared::Ready);
    }
    let message = queue.store.message(&job.submission).await?;
    let task = Look::of(&job).task(&message, &queue.settings.render);
    let renderer = Arc::clone(&queue.renderer);
    let work = tokio::task::spawn_blocking(move || renderer.message(&message, &task));
    let rendered = match work.await {
        Ok(Ok(rendered)) => rendered,
        Ok(Err(error @ RenderError::Unavailable { .. })) => {
            let cause = error.cause().unwrap_or_default();
            return Err(QueueError::Page(format!("{error}: {cause}")));
        }
        Ok(Err(refusal)) => return Ok(Prepared::Refused(refusal.to_string())),
        Err(crash) => {
            tracing::error!(job = %job.id, error = %crash, "rendering failed");
            return Ok(Prepared::Refused("it made our converter fail".into()));
        }
    };
    let pages = u32::try_from(rendered.pages.len()).unwrap_or(u32::MAX);
    if pages == 0 {
        return Ok(Prepared::Refused("it has no page".into()));
    }
    if job.progress.confirmed > 0 && pages != job.progress.pages {
        tracing::error!(job = %job.id, pages, was = job.progress.pages, "lost pages cannot be made again");
        return Ok(Prepared::Refused("its pages were lost after some had been faxed".into()));
    }
    keep(queue, &job, &rendered).await?;
    held.change(|job| job.rendered(pages)).await?;
    Ok(Prepared::Ready)
}

/// The cover page of a call that goes on where an earlier one broke off, where the operator wants one. Without it the fax is
/// complete all the same, so trouble with it is only told.
pub(super) async fn continuation(queue: &Arc<Queue>, job: &Job) -> Option<Page> {
    let Progress { pages, confirmed, .. } = job.progress;
    let config = &queue.settings.render;
    if !config.continuation_cover || confirmed == 0 || confirmed >= pages {
        return None;
    }
    let made = async {
        let message = queue.store.message(&job.submission).await?;
        let mut task = Look::of(job).continuation(&message, config, confirmed, pages);
        // As fine as the page after it, or the machines would have to train anew between the two.
        let resolution = load(&*queue.blobs, &job.page_key(confirmed + 1)).await?.resolution();
        task.fineness = Fineness::ALL.into_iter().find(|fineness| fineness.resolution() == resolution);
        let renderer = Arc::clone(&queue.renderer);
        let made = tokio::task::spawn_blocking(move || renderer.message(&[], &task)).await;
        let made = made.map_err(|crash| QueueError::Page(crash.to_string()))?;
        made.map_err(|error| QueueError::Page(error.to_string()))
    };
    match made.await {
        Ok(rendered) => rendered.pages.into_iter().next(),
        Err(error) => {
            tracing::error!(job = %job.id, %error, "the fax goes on without the cover page that says so");
            None
        }
    }
}

/// Whether all pages that are still to be sent are there: a number is not dialled in vain.
async fn are_kept(queue: &Queue, job: &Job) -> Result<bool, QueueError> {
    let keys = queue.blobs.list(&job.folder()).await?;
    let is_kept = |page| keys.binary_search(&job.page_key(page)).is_ok();
    let kept = (job.progress.confirmed + 1..=job.progress.pages).all(is_kept);
    if !kept {
        tracing::error!(job = %job.id, "pages were lost, and are made again");
    }
    Ok(kept)
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
