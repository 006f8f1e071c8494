//! Listens, and gives every client a [`Connection`], within the limits on how many there may be.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::{Notify, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::config::{Listening, SmtpConfig};
use super::connection::{Connection, Shared, Stream, shut_down};
use super::listen::{ListenAddress, Socket};
use super::proxy::{self, Proxied};
use super::rates::{Rates, What};
use super::sign_in::SignIn;
use super::tls::{Tls, TlsError};
use crate::clock::Clock;
use crate::door::esmtp::reply::Reply;
use crate::door::unix_socket;
use crate::submit::Submit;
use crate::users::Users;

/// How long sessions may take to end once the gateway is being shut down: they only see a mail through that
/// is being accepted.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(30);
/// The pause after a client could not be taken, which is mostly for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// How long to offer a reply to a client that has no place.
const BUSY_TIMEOUT: Duration = Duration::from_secs(1);
/// How long a balancer may take to say whose connection it is.
const PROXY_TIMEOUT: Duration = Duration::from_secs(5);

/// Why the door cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// An address could not be listened on.
    #[error("cannot listen on {address}: {source}")]
    Bind {
        /// The address.
        address: ListenAddress,
        /// Why not.
        source: std::io::Error,
    },
    /// There is no certificate to show.
    #[error("tls: {0}")]
    Tls(#[from] TlsError),
}

/// The SMTP door, bound and not yet open.
pub struct Server {
    listeners: Vec<Listener>,
    shared: Arc<Shared>,
    refresh: Arc<Notify>,
}

/// One address that is listened on.
struct Listener {
    socket: Socket,
    listening: Listening,
}

impl Server {
    /// Binds all addresses; port 0 takes any that is free. A certificate of our own making is kept in `own_dir`.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub async fn bind(
        config: SmtpConfig,
        own_dir: &Path,
        users: Arc<Users>,
        submit: Arc<Submit>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, OpenError> {
        let mut listeners = Vec::new();
        // The settings were checked when they were read.
        let mode = unix_socket::mode(&config.lmtp_socket_mode).unwrap_or(0o600);
        for listening in config.listeners() {
            let bound = Socket::bind(&listening.address, mode).await;
            let address = || listening.address.clone();
            let socket = bound.map_err(|source| OpenError::Bind { address: address(), source })?;
            listeners.push(Listener { socket, listening });
        }
        let sign_in = SignIn::new(users, &config);
        let tls = match config.tls.enabled {
            true => Some(Arc::new(Tls::open(&config.tls, own_dir, &config.hostname, clock.now())?)),
            false => None,
        };
        let transfers = Arc::new(Semaphore::new(config.transfers_max.min(Semaphore::MAX_PERMITS)));
        Ok(Self {
            listeners,
            refresh: Arc::default(),
            shared: Arc::new(Shared {
                config,
                submit,
                clock,
                transfers,
                tls,
                sign_in,
                rates: Rates::default(),
            }),
        })
    }

    /// The addresses that clients can reach it at.
    #[must_use]
    pub fn local_addrs(&self) -> Vec<SocketAddr> {
        self.listeners.iter().filter_map(|listener| listener.socket.local_addr()).collect()
    }

    /// What makes it look at its certificate at once.
    #[must_use]
    pub fn refresh(&self) -> Arc<Notify> {
        Arc::clone(&self.refresh)
    }

    /// Serves until `shutdown` becomes true; then tells every client to come again later, and sees through
    /// the mails whose acceptance has begun.
    pub async fn run(self, shutdown: watch::Receiver<bool>) {
        let sessions = Arc::new(Sessions::default());
        let mut doors = JoinSet::new();
        for listener in self.listeners {
            let (shared, sessions) = (Arc::clone(&self.shared), Arc::clone(&sessions));
            doors.spawn(listen(listener, shared, sessions, shutdown.clone()));
        }
        if let Some(tls) = &self.shared.tls {
            doors.spawn(Arc::clone(tls).keep_fresh(self.refresh, shutdown));
        }
        while doors.join_next().await.is_some() {}
    }
}

/// Takes clients from one listener.
async fn listen(
    listener: Listener,
    shared: Arc<Shared>,
    sessions: Arc<Sessions>,
    mut shutdown: watch::Receiver<bool>,
) {
    let mut talks = JoinSet::new();
    loop {
        let came = tokio::select! {
            biased;
            () = shut_down(&mut shutdown) => break,
            // Those that are done make room; an empty set is no reason to stop.
            Some(_) = talks.join_next() => continue,
            came = listener.socket.accept() => came,
        };
        match came {
            Ok((stream, peer)) => {
                let (shared, sessions) = (Arc::clone(&shared), Arc::clone(&sessions));
                talks.spawn(talk(
                    stream,
                    peer,
                    listener.listening.clone(),
                    shared,
                    sessions,
                    shutdown.clone(),
                ));
            }
            Err(error) => {
                tracing::warn!(%error, "a client could not be taken");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    let ended = timeout(SHUTDOWN_TIMEOUT, async { while talks.join_next().await.is_some() {} }).await;
    if ended.is_err() {
        tracing::warn!(left = talks.len(), "sessions did not end in time and were cut off");
    }
}

async fn talk(
    mut stream: Box<dyn Stream>,
    peer: IpAddr,
    listening: Listening,
    shared: Arc<Shared>,
    sessions: Arc<Sessions>,
    shutdown: watch::Receiver<bool>,
) {
    let Some(peer) = client_behind(&mut stream, peer, &shared.config).await else { return };
    if !shared.rates.take(&shared.config, peer, What::Connection, shared.clock.now()) {
        tracing::warn!(%peer, "too many connections in a minute");
        let text = "you connect too often; please try again in a minute";
        return turn_away(&mut stream, &listening, text).await;
    }
    let Some(_place) = Sessions::enter(&sessions, peer, &shared.config) else {
        tracing::warn!(%peer, "too many sessions");
        return turn_away(&mut stream, &listening, "too many sessions; please try again later").await;
    };
    let mut connection = Connection::new(shared, stream, peer, &listening);
    let session = Box::pin(async move {
        if listening.implicit {
            connection.secure().await?;
        }
        connection.run(shutdown).await
    });
    if let Err(error) = session.await {
        tracing::debug!(%peer, %error, "connection lost");
    }
}

/// Says good-bye to a client that has no place.
async fn turn_away(stream: &mut Box<dyn Stream>, listening: &Listening, text: &str) {
    // Where TLS comes first, a handshake would cost more than the client is worth now.
    if !listening.implicit {
        let reply = Reply::new(421, "4.7.0", text).to_bytes();
        let _ = timeout(BUSY_TIMEOUT, stream.write_all(&reply)).await;
    }
}

/// The client behind a balancer, where the connection comes from one; `None` where that does not say it as it should.
async fn client_behind(stream: &mut Box<dyn Stream>, peer: IpAddr, config: &SmtpConfig) -> Option<IpAddr> {
    if !config.proxy_networks.iter().any(|network| network.contains(peer)) {
        return Some(peer);
    }
    let told = timeout(PROXY_TIMEOUT, async {
        let mut fixed = [0; proxy::FIXED_OCTETS];
        stream.read_exact(&mut fixed).await?;
        let octets = proxy::rest_octets(&fixed).map_err(std::io::Error::other)?;
        let mut rest = vec![0; octets];
        stream.read_exact(&mut rest).await?;
        proxy::client(&fixed, &rest).map_err(std::io::Error::other)
    });
    match told.await {
        Ok(Ok(Proxied::Of(client))) => Some(client),
        Ok(Ok(Proxied::Own)) => Some(peer),
        Ok(Err(error)) => {
            tracing::warn!(%peer, %error, "a balancer does not say whose connection it is");
            None
        }
        Err(_) => {
            tracing::warn!(%peer, "a balancer says nothing");
            None
        }
    }
}

/// Who is talking to us: sessions by client.
#[derive(Debug, Default)]
struct Sessions(Mutex<HashMap<IpAddr, usize>>);

/// A place in the count, given back when dropped.
struct Place {
    sessions: Arc<Sessions>,
    client: IpAddr,
}

impl Sessions {
    /// A place, if the limits allow one more.
    fn enter(sessions: &Arc<Self>, peer: IpAddr, config: &SmtpConfig) -> Option<Place> {
        let client = client_of(peer);
        let mut counts = sessions.0.lock().unwrap_or_else(PoisonError::into_inner);
        let total: usize = counts.values().sum();
        let own = counts.get(&client).copied().unwrap_or(0);
        if total >= config.sessions_max || own >= config.sessions_per_client_max {
            return None;
        }
        counts.insert(client, own + 1);
        Some(Place { sessions: Arc::clone(sessions), client })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut counts = self.sessions.0.lock().unwrap_or_else(PoisonError::into_inner);
        match counts.get_mut(&self.client) {
            Some(count) if *count > 1 => *count -= 1,
            _ => {
                counts.remove(&self.client);
            }
        }
    }
}

/// What counts as one client: an IPv4 address, or the 64-bit network in which an IPv6 client can choose any
/// address.
pub(super) fn client_of(peer: IpAddr) -> IpAddr {
    match peer {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn places_are_counted_by_client_and_given_back() {
        let sessions = Arc::new(Sessions::default());
        let config = SmtpConfig { sessions_max: 3, sessions_per_client_max: 2, ..SmtpConfig::default() };
        let enter = |peer: &str| Sessions::enter(&sessions, peer.parse().unwrap(), &config);
        let first = enter("192.0.2.1");
        let second = enter("192.0.2.1");
        assert!(first.is_some() && second.is_some());
        assert!(enter("192.0.2.1").is_none(), "two for each");
        let third = enter("2001:db8::1");
        assert!(third.is_some());
        assert!(enter("192.0.2.2").is_none(), "three for all");
        drop(first);
        let fourth = enter("2001:db8::2");
        assert!(fourth.is_some());
        drop(second);
        assert!(enter("2001:db8::3").is_none(), "one IPv6 network is one client");
        drop((third, fourth));
        assert!(sessions.0.lock().unwrap().is_empty());
    }
}
