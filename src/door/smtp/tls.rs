//! TLS for the listeners (RFC 3207, RFC 8314): the certificate, where it comes from, and how it is renewed.
//!
//! It promises:
//!
//! 1. A certificate that was replaced on disk serves the next client without a restart. A pair that cannot be
//!    read, or does not belong together, changes nothing: the one before it goes on, and the log says why.
//! 2. Where no certificate is configured, one is made and kept, so that mail is encrypted from the first day. It
//!    proves nothing to a client that asks whose it is.
//! 3. A client's certificate is known by its fingerprint, once the client has shown that it holds the key. Who
//!    issued it does not matter: only a fingerprint that the policy lists opens anything.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::{Notify, watch};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::connection::shut_down;

mod own;
mod stranger;

/// A file of certificates or of a key is not larger than this.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// Settings of TLS (`[smtp.tls]`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TlsConfig {
    /// Whether STARTTLS is offered.
    pub enabled: bool,
    /// The certificate and its chain, in PEM; `None`: one is made.
    pub certificate: Option<PathBuf>,
    /// The key of the certificate, in PEM.
    pub key: Option<PathBuf>,
    /// Whether mail is refused from clients that do not say STARTTLS.
    pub required: bool,
    /// Whether clients are asked for a certificate of theirs.
    pub client_certificates: bool,
    /// How often to look whether the files have changed.
    #[serde(with = "jiff::fmt::serde::unsigned_duration::friendly::compact::required")]
    pub reload_every: Duration,
}

impl Default for TlsConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            certificate: None,
            key: None,
            required: false,
            client_certificates: false,
            reload_every: Duration::from_secs(60),
        }
    }
}

/// Why there is no TLS.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {cause}")]
pub struct TlsError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub cause: String,
}

/// By what a change of the files is known: time and size of each.
type Stamp = [(Option<SystemTime>, u64); 2];

/// The certificate that clients get now.
pub(super) struct Tls {
    certificate: PathBuf,
    key: PathBuf,
    ask: bool,
    reload_every: Duration,
    current: RwLock<Arc<ServerConfig>>,
    stamp: Mutex<Stamp>,
}

impl Tls {
    /// Reads the certificate, or makes one below `own_dir` for `hostname`.
    pub(super) fn open(
        config: &TlsConfig,
        own_dir: &Path,
        hostname: &str,
        now: Timestamp,
    ) -> Result<Self, TlsError> {
        let (certificate, key) = match (&config.certificate, &config.key) {
            (Some(certificate), Some(key)) => (certificate.clone(), key.clone()),
            _ => {
                let path = own::made(own_dir, hostname, now)?;
                (path.clone(), path)
            }
        };
        let stamp = stamp(&certificate, &key);
        let current = load(&certificate, &key, config.client_certificates)?;
        Ok(Self {
            certificate,
            key,
            ask: config.client_certificates,
            reload_every: config.reload_every,
            current: RwLock::new(current),
            stamp: Mutex::new(stamp),
        })
    }

    /// What makes TLS of the next connection.
    pub(super) fn acceptor(&self) -> TlsAcceptor {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        TlsAcceptor::from(Arc::clone(&current))
    }

    /// Looks at the files from time to time, and whenever `refresh` is notified, until the gateway is shut down.
    pub(super) async fn keep_fresh(
        self: Arc<Self>,
        refresh: Arc<Notify>,
        mut shutdown: watch::Receiver<bool>,
    ) {
        loop {
            tokio::select! {
                biased;
                () = shut_down(&mut shutdown) => return,
                () = refresh.notified() => {}
                () = tokio::time::sleep(self.reload_every) => {}
            }
            let tls = Arc::clone(&self);
            if let Err(error) = tokio::task::spawn_blocking(move || tls.look()).await {
                tracing::error!(%error, "the certificate could not be looked at");
            }
        }
    }

    /// Takes the files if they have changed and are good.
    fn look(&self) {
        let now = stamp(&self.certificate, &self.key);
        let mut stamp = self.stamp.lock().unwrap_or_else(PoisonError::into_inner);
        if *stamp == now {
            return;
        }
        match load(&self.certificate, &self.key, self.ask) {
            Ok(fresh) => {
                *self.current.write().unwrap_or_else(PoisonError::into_inner) = fresh;
                *stamp = now;
                tracing::info!(certificate = %self.certificate.display(), "the certificate was read again");
            }
            // The stamp stays, so that half a replacement is looked at again.
            Err(error) => tracing::warn!(%error, "the new certificate cannot be used; the old one stays"),
        }
    }
}

fn stamp(certificate: &Path, key: &Path) -> Stamp {
    [certificate, key].map(|path| {
        let metadata = std::fs::metadata(path).ok();
        (metadata.as_ref().and_then(|m| m.modified().ok()), metadata.map_or(0, |m| m.len()))
    })
}

fn load(certificate: &Path, key: &Path, ask: bool) -> Result<Arc<ServerConfig>, TlsError> {
    let wrong = |path: &Path, cause: String| TlsError { path: path.to_owned(), cause };
    let bytes = read(certificate)?;
    let chain: Result<Vec<CertificateDer<'static>>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
    let chain = chain.map_err(|e| wrong(certificate, e.to_string()))?;
    if chain.is_empty() {
        return Err(wrong(certificate, "there is no certificate in it".into()));
    }
    let secret = PrivateKeyDer::from_pem_slice(&read(key)?).map_err(|e| wrong(key, e.to_string()))?;
    let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|e| wrong(certificate, e.to_string()))?;
    let builder = if ask {
        builder.with_client_cert_verifier(Arc::new(stranger::AnyHolder::new(&provider)))
    } else {
        builder.with_no_client_auth()
    };
    let config = builder.with_single_cert(chain, secret).map_err(|e| wrong(certificate, e.to_string()))?;
    Ok(Arc::new(config))
}

fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    let wrong = |cause: String| TlsError { path: path.to_owned(), cause };
    let bytes = std::fs::metadata(path).map_err(|e| wrong(e.to_string()))?.len();
    if bytes > FILE_BYTES_MAX {
        return Err(wrong(format!("is larger than {FILE_BYTES_MAX} bytes")));
    }
    std::fs::read(path).map_err(|e| wrong(e.to_string()))
}

/// The SHA-256 of a certificate in lower-case hexadecimal, as `openssl x509 -fingerprint -sha256` has it without
/// the colons.
pub(super) fn fingerprint(certificate: &CertificateDer<'_>) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, certificate);
    digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn config(dir: &Path) -> TlsConfig {
        TlsConfig {
            certificate: Some(dir.join("c.pem")),
            key: Some(dir.join("k.pem")),
            ..TlsConfig::default()
        }
    }

    /// Writes a pair for `name`, as an operator's tool does: the certificate, and then its key.
    fn write_pair(dir: &Path, name: &str) {
        let pair = std::fs::read_to_string(own::made(dir, name, Timestamp::UNIX_EPOCH).unwrap()).unwrap();
        std::fs::write(dir.join("c.pem"), &pair).unwrap();
        std::fs::write(dir.join("k.pem"), &pair).unwrap();
    }

    #[test]
    fn a_changed_pair_is_taken_and_a_broken_one_is_not() {
        let dir = tempfile::tempdir().unwrap();
        write_pair(dir.path(), "first.example");
        let tls = Tls::open(&config(dir.path()), dir.path(), "unused", Timestamp::UNIX_EPOCH).unwrap();
        let first = Arc::clone(&tls.current.read().unwrap());
        let is_first = || Arc::ptr_eq(&first, &tls.current.read().unwrap());
        tls.look();
        assert!(is_first(), "nothing has changed");
        std::fs::write(dir.path().join("c.pem"), "rubbish").unwrap();
        tls.look();
        assert!(is_first(), "rubbish changes nothing");
        let other = std::fs::read(own::made(dir.path(), "other.example", Timestamp::UNIX_EPOCH).unwrap());
        std::fs::write(dir.path().join("c.pem"), other.unwrap()).unwrap();
        tls.look();
        assert!(is_first(), "the key is still that of the first");
        write_pair(dir.path(), "second.example");
        tls.look();
        assert!(!is_first());
    }

    #[test]
    fn what_is_wrong_with_a_file_is_said_with_its_name() {
        let dir = tempfile::tempdir().unwrap();
        let error = |config: &TlsConfig| {
            Tls::open(config, dir.path(), "x", Timestamp::UNIX_EPOCH).err().unwrap().to_string()
        };
        assert!(error(&config(dir.path())).contains("c.pem: No such file"));
        write_pair(dir.path(), "a.example");
        std::fs::write(dir.path().join("k.pem"), "").unwrap();
        assert!(error(&config(dir.path())).contains("k.pem"));
        std::fs::write(dir.path().join("c.pem"), "").unwrap();
        assert!(error(&config(dir.path())).contains("no certificate in it"));
    }
}
