//! Puts the gateway together: the one place, with `config`, that names the adapters.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;

use crate::blob::Blobs;
use crate::blob::fs::FsBlobs;
use crate::clock::{Clock, SystemClock};
use crate::config::{Config, LineConfig};
use crate::door::control::Control;
use crate::door::smtp;
use crate::line::pool::Pool;
use crate::line::sim::Exchange;
use crate::post::Post;
use crate::queue::{self, Queue};
use crate::received::answer::Answerer;
use crate::received::Intake;
use crate::render;
use crate::status::Status;
use crate::store::Store;
use crate::store::sled::SledStore;
use crate::submit::Submit;

/// How long a claim on a job holds without being renewed.
const LEASE: Duration = Duration::from_secs(600);
/// How long calls in progress may go on after the gateway was told to stop.
const STOP_GRACE: Duration = Duration::from_secs(20);

/// Why the gateway does not start.
#[derive(Debug, thiserror::Error)]
#[error("{what}: {cause}")]
pub struct StartError {
    what: &'static str,
    cause: String,
}

fn cannot<E: std::fmt::Display>(what: &'static str) -> impl FnOnce(E) -> StartError {
    move |cause| StartError { what, cause: cause.to_string() }
}

/// A running gateway.
pub struct App {
    /// Where the SMTP listener listens.
    pub smtp: Vec<SocketAddr>,
    /// What can be seen of it.
    pub status: Status,
    stop: watch::Sender<bool>,
    tasks: JoinSet<()>,
}
