//! Worker processes: foreign bytes are taken apart in them and never in the gateway itself.
//!
//! A worker is this same program (`faxgate worker`), joined to the gateway by a socket of its own. It shuts itself in
//! before it reads the first message (`confine`): no files, no network, no other programs, so much memory; and it may
//! compute so long for a page. What it needs a program for (office documents) it asks the gateway for. `wire` is what both say to each other, `serve` the worker's side, `child` the
//! gateway's. What ends a worker fails the part that it had in hand, and the next message gets a fresh worker.

mod child;
mod confine;
mod serve;
mod wire;

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

use super::error::RenderError;
use super::office::{Converter, Office};
use super::options::{Limits, RenderConfig};
use super::task::{InProcess, Renderer, Task};
use super::{Rendered, is_plain_text};
use child::{Child, Lost};
pub use serve::serve;
use wire::Order;
pub use wire::{Reply, read_reply};

/// The `[render.workers]` section of the configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WorkersConfig {
    /// How many messages are made into pages at a time.
    pub count: usize,
    /// Megabytes that a worker may take.
    pub memory_mb_max: u64,
    /// Seconds of processor time that one page may take, or the survey of one part.
    pub page_seconds_max: u64,
    /// Seconds that a whole message may take.
    pub message_seconds_max: u64,
    /// Messages after which a worker is replaced.
    pub messages_max: u32,
    /// What is asked of the kernel.
    pub confine: Confine,
}

/// How much a worker must be shut in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Confine {
    /// Its system calls are filtered, or it does not work; its files are closed to it where the kernel knows how.
    #[default]
    Required,
    /// As far as the kernel can.
    WherePossible,
}

impl Default for WorkersConfig {
    fn default() -> Self {
        Self {
            count: 2,
            memory_mb_max: 512,
            page_seconds_max: 10,
            message_seconds_max: 300,
            messages_max: 200,
            confine: Confine::Required,
        }
    }
}

impl WorkersConfig {
    /// Finds a limit of nothing.
    ///
    /// # Errors
    /// The name of the setting.
    pub fn check(&self) -> Result<(), &'static str> {
        let least = [
            ("count", self.count as u64, 1),
            ("memory_mb_max", self.memory_mb_max, MEMORY_MB_LEAST),
            ("page_seconds_max", self.page_seconds_max, 1),
            ("message_seconds_max", self.message_seconds_max, 1),
            ("messages_max", self.messages_max.into(), 1),
        ];
        least.iter().find(|(_, value, least)| value < least).map_or(Ok(()), |(name, ..)| Err(name))
    }
}

/// With less no page of a fine scan can be made.
const MEMORY_MB_LEAST: u64 = 128;

/// The workers of a gateway: some make pages, and others look at messages while their senders wait.
#[derive(Debug)]
pub struct Workers {
    pages: Pool,
    surveys: Pool,
    office: Office,
}

impl Workers {
    /// Workers that start when they are needed.
    #[must_use]
    pub fn new(config: &RenderConfig) -> Self {
        let RenderConfig { workers, office, .. } = config;
        Self {
            pages: Pool::new(workers.clone()),
            surveys: Pool::new(workers.clone()),
            office: Office::new(office, workers.confine),
        }
    }

    /// The processes for office documents.
    #[must_use]
    pub fn office(&self) -> &Office {
        &self.office
    }

    /// Starts a worker, so that what keeps one from working is known before the first message comes.
    ///
    /// # Errors
    /// Where it cannot be started, or cannot be shut in as it must be.
    pub fn try_out(&self) -> Result<(), RenderError> {
        let mut place = self.surveys.place();
        let child = Child::start(&self.surveys.config)
            .map_err(|error| RenderError::Unavailable { cause: error.to_string() })?;
        tracing::info!(confined = %child.confined(), "workers can make pages");
        place.child = Some(child);
        Ok(())
    }
}

impl Renderer for Workers {
    fn survey(&self, message: &[u8], limits: &Limits) -> Result<(), RenderError> {
        // A text as it stands needs no foreign decoder, and is most of what people mail.
        if is_plain_text(message) {
            return InProcess.survey(message, limits);
        }
        let order = Order::Survey { limits: limits.clone(), office: self.office.is_there() };
        self.surveys.run(&order, message, limits, &self.office).map(drop)
    }

    fn message(&self, message: &[u8], task: &Task) -> Result<Rendered, RenderError> {
        let order = Order::Message { task: Box::new(task.clone()), office: self.office.is_there() };
        self.pages.run(&order, message, &task.config.limits, &self.office)
    }
}

/// So many workers, and whoever needs one waits for it.
#[derive(Debug)]
struct Pool {
    config: WorkersConfig,
    /// A place for each worker; `None` where none has been started, or the last one ended.
    idle: Mutex<Vec<Option<Child>>>,
    freed: Condvar,
}

impl Pool {
    fn new(config: WorkersConfig) -> Self {
        let idle = Mutex::new((0..config.count).map(|_| None).collect());
        Self { config, idle, freed: Condvar::new() }
    }

    fn run(
        &self,
        order: &Order,
        message: &[u8],
        limits: &Limits,
        office: &dyn Converter,
    ) -> Result<Rendered, RenderError> {
        let mut place = self.place();
        let mut attempt = || {
            let mut child = match place.child.take() {
                Some(child) => child,
                None => Child::start(&self.config)
                    .map_err(|error| Lost::NotStarted { cause: error.to_string() })?,
            };
            let done = child.run(order, message, limits, office)?;
            place.child = Some(child).filter(|child| child.messages() < self.config.messages_max);
            Ok(done)
        };
        let mut done = attempt();
        if matches!(done, Err(Lost::Outside { .. })) {
            // It was not the message that ended it, as far as one can tell: once more, and no more than once.
            done = attempt();
        }
        done.unwrap_or_else(|lost| Err(lost.into_error(&self.config)))
    }

    /// A free place, the one with a warm worker if there is one.
    fn place(&self) -> Place<'_> {
        let mut idle = self.lock();
        while idle.is_empty() {
            idle = self.freed.wait(idle).unwrap_or_else(PoisonError::into_inner);
        }
        let warm = idle.iter().position(Option::is_some).unwrap_or(0);
        Place { child: idle.swap_remove(warm), pool: self }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Option<Child>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place that is given back, whatever happens.
struct Place<'p> {
    child: Option<Child>,
    pool: &'p Pool,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.pool.lock().push(self.child.take());
        self.pool.freed.notify_one();
    }
}
