//! SEAM: who makes pages of messages. The gateway has it done in worker processes (`worker::Workers`), because what is
//! rendered comes from strangers; tests and the workers themselves do it where they are (`InProcess`).

use serde::{Deserialize, Serialize};

use super::cover::Cover;
use super::error::RenderError;
use super::options::{Limits, RenderConfig};
use super::watch::Desk;
use super::{Rendered, cover_alone, message_at, survey_at};
use crate::job::recipient::Fineness;

/// How the pages of one message shall be made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task {
    /// What the operator says about all pages.
    pub config: RenderConfig,
    /// How fine; `None` is the configured default.
    pub fineness: Option<Fineness>,
    /// The cover page that goes first.
    pub cover: Option<Cover>,
    /// The cover page is all that is made, for so many pages with it; the message is not looked at.
    pub cover_of: Option<u32>,
}

/// Makes pages of messages. Both calls wait: they are for a blocking thread.
pub trait Renderer: Send + Sync {
    /// As [`super::survey`].
    ///
    /// # Errors
    /// As there, and where no worker can be had.
    fn survey(&self, message: &[u8], limits: &Limits) -> Result<(), RenderError>;

    /// As [`super::message`].
    ///
    /// # Errors
    /// As there, and where no worker can be had.
    fn message(&self, message: &[u8], task: &Task) -> Result<Rendered, RenderError>;
}

/// Renders in this process, which foreign bytes can then bring down. Office documents are refused.
#[derive(Clone, Copy, Debug, Default)]
pub struct InProcess;

impl Renderer for InProcess {
    fn survey(&self, message: &[u8], limits: &Limits) -> Result<(), RenderError> {
        survey_at(message, limits, Desk::ALONE)
    }

    fn message(&self, message: &[u8], task: &Task) -> Result<Rendered, RenderError> {
        task.run(message, Desk::ALONE)
    }
}

impl Task {
    pub(super) fn run(&self, message: &[u8], desk: Desk<'_>) -> Result<Rendered, RenderError> {
        let options = self.config.options(self.fineness)?;
        if let (Some(cover), Some(pages)) = (&self.cover, self.cover_of) {
            return cover_alone(cover, pages, &options);
        }
        message_at(message, &options, self.cover.as_ref(), desk)
    }
}
