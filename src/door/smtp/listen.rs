//! Where a listener can be: a port of this machine, or a unix socket in a folder.

use std::fmt;
use std::fs;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use tokio::net::{TcpListener, UnixListener};

use super::connection::Stream;
use crate::door::unix_socket;

/// An address and port, or `unix:/path`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum ListenAddress {
    /// Over the network.
    Tcp(SocketAddr),
    /// In a folder. Whoever may write to the socket may speak; the policy knows them as 127.0.0.1.
    Unix(PathBuf),
}

impl ListenAddress {
    pub(super) fn is_unix(&self) -> bool {
        matches!(self, Self::Unix(_))
    }
}

/// The text is no address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is neither an address with a port, such as [::1]:24, nor unix:/path")]
pub struct NotAnAddress(String);

impl TryFrom<String> for ListenAddress {
    type Error = NotAnAddress;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        match text.strip_prefix("unix:") {
            Some(path) if path.starts_with('/') => Ok(Self::Unix(path.into())),
            Some(_) => Err(NotAnAddress(text)),
            None => text.parse().map(Self::Tcp).map_err(|_| NotAnAddress(text)),
        }
    }
}

impl From<ListenAddress> for String {
    fn from(address: ListenAddress) -> Self {
        address.to_string()
    }
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => write!(f, "{address}"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// A listener that is bound.
pub(super) enum Socket {
    Tcp(TcpListener),
    Unix(UnixListener, PathBuf),
}

impl Socket {
    /// Binds; a socket in a folder gets this mode.
    pub(super) async fn bind(address: &ListenAddress, mode: u32) -> io::Result<Self> {
        match address {
            ListenAddress::Tcp(address) => Ok(Self::Tcp(TcpListener::bind(address).await?)),
            ListenAddress::Unix(path) => Ok(Self::Unix(unix_socket::bind(path, mode)?, path.clone())),
        }
    }

    pub(super) fn local_addr(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(socket) => socket.local_addr().ok(),
            Self::Unix(..) => None,
        }
    }

    /// The next client, and its address.
    pub(super) async fn accept(&self) -> io::Result<(Box<dyn Stream>, IpAddr)> {
        match self {
            Self::Tcp(socket) => {
                let (stream, peer) = socket.accept().await?;
                // Replies are small and awaited; they must not wait for each other's acknowledgement.
                let _ = stream.set_nodelay(true);
                Ok((Box::new(stream), peer.ip().to_canonical()))
            }
            Self::Unix(socket, _) => {
                let (stream, _) = socket.accept().await?;
                Ok((Box::new(stream), IpAddr::V4(Ipv4Addr::LOCALHOST)))
            }
        }
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        if let Self::Unix(_, path) = self {
            let _ = fs::remove_file(path);
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn addresses_read_back() {
        for text in ["127.0.0.1:24", "[::1]:24", "unix:/run/faxgate/lmtp.sock"] {
            assert_eq!(ListenAddress::try_from(text.to_owned()).unwrap().to_string(), text);
        }
        for text in ["", "127.0.0.1", "unix:", "unix:lmtp.sock", "/run/lmtp.sock", "localhost:24"] {
            assert!(ListenAddress::try_from(text.to_owned()).is_err(), "{text}");
        }
    }

    #[tokio::test]
    async fn a_socket_has_its_mode_and_goes_with_its_listener() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lmtp.sock");
        let socket = Socket::bind(&ListenAddress::Unix(path.clone()), 0o606).await.unwrap();
        let mode = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&path).unwrap().permissions());
        assert_eq!(mode & 0o777, 0o606);
        drop(socket);
        assert!(!path.exists());
    }
}
