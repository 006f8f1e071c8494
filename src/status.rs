//! What an operator, or a sender with the right to, may see: a reading of the store.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::job::{Job, JobId, ReceivedFax};
use crate::line::pool::Pool;
use crate::line::{Condition, Line};
use crate::store::{JobFilter, Store, StoreError};

/// The gateway at a glance.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Overview {
    /// The lines.
    pub lines: Vec<LineStatus>,
    /// Jobs, the newest first.
    pub jobs: Vec<Job>,
    /// Received faxes, the newest first.
    pub received: Vec<ReceivedFax>,
}

/// One line.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LineStatus {
    /// Its name.
    pub name: String,
    /// Whether it is in a call.
    pub in_call: bool,
    /// Why it cannot be used now, where it cannot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<String>,
}

impl LineStatus {
    fn of(line: &dyn Line) -> Self {
        let trouble = match line.condition() {
            Condition::Ready => None,
            Condition::Starting => Some("being set up".to_owned()),
            Condition::OutOfOrder { cause } => Some(format!("out of order: {cause}")),
        };
        Self { name: line.name().to_owned(), in_call: line.seat().is_taken(), trouble }
    }
}

/// Why something cannot be seen.
#[derive(Debug, thiserror::Error)]
pub enum StatusError {
    /// There is no such thing.
    #[error("there is no {0}")]
    NotFound(String),
    /// The store cannot be read; for the operator.
    #[error("{0}")]
    Failed(String),
}

impl From<StoreError> for StatusError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NotFound(what) => Self::NotFound(what),
            error => Self::Failed(error.to_string()),
        }
    }
}

/// Reads the state of the gateway.
#[derive(Clone)]
pub struct Status {
    store: Arc<dyn Store>,
    pool: Pool,
}

impl Status {
    /// How many jobs and received faxes an overview shows.
    pub const LIST_MAX: usize = 50;

    /// Reads from this store and these lines.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, pool: Pool) -> Self {
        Self { store, pool }
    }

    /// Everything at a glance.
    ///
    /// # Errors
    /// [`StatusError::Failed`].
    pub async fn overview(&self) -> Result<Overview, StatusError> {
        let newest = JobFilter { limit: Self::LIST_MAX, ..JobFilter::default() };
        Ok(Overview {
            lines: self.pool.lines().iter().map(|line| LineStatus::of(&**line)).collect(),
            jobs: self.store.jobs(&newest).await?,
            received: self.store.received_list(Self::LIST_MAX).await?,
        })
    }

    /// One job.
    ///
    /// # Errors
    /// See [`StatusError`].
    pub async fn job(&self, id: &JobId) -> Result<Job, StatusError> {
        Ok(self.store.job(id).await?)
    }
}
