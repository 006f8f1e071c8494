//! Listens for mail servers, and gives every connection a [`Connection`], within the limit on how many there may be.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, UnixListener};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::config::{Listen, MilterConfig};
use super::connection::{Connection, Lost, Shared, shut_down};
use crate::clock::Clock;
use crate::door::unix_socket;
use crate::submit::Submit;

/// How long connections may take to end once the gateway is being shut down.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(30);
/// The pause after a connection could not be taken, which is mostly for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A place could not be listened at.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen at {place}: {source}")]
pub struct BindError {
    /// The place.
    pub place: Listen,
    /// Why not.
    pub source: std::io::Error,
}

/// A place that is listened at.
enum Listener {
    Inet(TcpListener),
    Unix(UnixListener, PathBuf),
}

/// The milter, bound and not yet open.
pub struct Server {
    listeners: Vec<Listener>,
    shared: Arc<Shared>,
}

impl Server {
    /// Binds all places; port 0 takes any that is free.
    pub async fn bind(
        config: MilterConfig,
        submit: Arc<Submit>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, BindError> {
        let mut listeners = Vec::new();
        let mode = config.mode().unwrap_or(0o600);
        for place in &config.listen {
            let bound = match place {
                Listen::Inet(address) => TcpListener::bind(address).await.map(Listener::Inet),
                Listen::Unix(path) => {
                    unix_socket::bind(path, mode).map(|socket| Listener::Unix(socket, path.clone()))
                }
            };
            listeners.push(bound.map_err(|source| BindError { place: place.clone(), source })?);
        }
        let transfers = Arc::new(Semaphore::new(config.transfers_max.min(Semaphore::MAX_PERMITS)));
        Ok(Self { listeners, shared: Arc::new(Shared { config, submit, clock, transfers }) })
    }

    /// The places that mail servers can reach it at.
    #[must_use]
    pub fn places(&self) -> Vec<Listen> {
        let place = |listener: &Listener| match listener {
            Listener::Inet(listener) => listener.local_addr().ok().map(Listen::Inet),
            Listener::Unix(_, path) => Some(Listen::Unix(path.clone())),
        };
        self.listeners.iter().filter_map(place).collect()
    }

    /// Serves until `shutdown` becomes true; then defers the messages that have begun, sees those through that are
    /// being accepted, and closes.
    pub async fn run(self, shutdown: watch::Receiver<bool>) {
        let sessions_max = self.shared.config.sessions_max.min(Semaphore::MAX_PERMITS);
        let places = Arc::new(Semaphore::new(sessions_max));
        let mut doors = JoinSet::new();
        for listener in self.listeners {
            doors.spawn(listen(listener, Arc::clone(&self.shared), Arc::clone(&places), shutdown.clone()));
        }
        while doors.join_next().await.is_some() {}
    }
}

/// Takes connections from one listener.
async fn listen(
    listener: Listener,
    shared: Arc<Shared>,
    places: Arc<Semaphore>,
    mut shutdown: watch::Receiver<bool>,
) {
    let (mut talks, stop) = (JoinSet::new(), shutdown.clone());
    loop {
        let came = tokio::select! {
            biased;
            () = shut_down(&mut shutdown) => break,
            // Those that are done make room; an empty set is no reason to stop.
            Some(_) = talks.join_next() => continue,
            came = listener.accept(&shared, &stop) => came,
        };
        match (came, Arc::clone(&places).try_acquire_owned()) {
            (Ok(talk), Ok(place)) => {
                talks.spawn(async move {
                    if let Err(error) = talk.await {
                        tracing::warn!(%error, "a mail server's connection was lost");
                    }
                    drop(place);
                });
            }
            // Closed without a word, it does what it was told to do without its milter.
            (Ok(_), Err(_)) => tracing::warn!("too many connections of mail servers; one was closed"),
            (Err(error), _) => {
                tracing::warn!(%error, "a mail server's connection could not be taken");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    if let Listener::Unix(_, path) = &listener {
        let _ = std::fs::remove_file(path);
    }
    drop(listener);
    let ended = timeout(SHUTDOWN_TIMEOUT, async { while talks.join_next().await.is_some() {} }).await;
    if ended.is_err() {
        tracing::warn!(
            left = talks.len(),
            "connections of mail servers did not end in time and were cut off"
        );
    }
}

/// A conversation that is about to begin.
type Talk = std::pin::Pin<Box<dyn Future<Output = Result<(), Lost>> + Send>>;

impl Listener {
    async fn accept(&self, shared: &Arc<Shared>, shutdown: &watch::Receiver<bool>) -> std::io::Result<Talk> {
        let shared = Arc::clone(shared);
        Ok(match self {
            Self::Inet(listener) => {
                let (stream, _) = listener.accept().await?;
                // Answers are small and awaited; they must not wait for each other's acknowledgement.
                let _ = stream.set_nodelay(true);
                Box::pin(Connection::new(shared, stream).run(shutdown.clone()))
            }
            Self::Unix(listener, _) => {
                let (stream, _) = listener.accept().await?;
                Box::pin(Connection::new(shared, stream).run(shutdown.clone()))
            }
        })
    }
}
