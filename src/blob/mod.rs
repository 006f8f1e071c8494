//! Page images and traces: larger things, kept outside the store under a key.
//!
//! SEAM: a key is a relative path of lower-case letters, digits, `-`, `.` and `/`. [`Blobs::put`] returns when
//! the bytes would survive a power cut, and a reader never sees half of them.

mod fs;

use async_trait::async_trait;

pub use self::fs::FsBlobs;

/// A failure of the blob store.
#[derive(Debug, thiserror::Error)]
pub enum BlobError {
    /// There is no such blob.
    #[error("there is no blob {0}")]
    NotFound(String),
    /// The key could escape the folder.
    #[error("{0:?} is no key for a blob")]
    BadKey(String),
    /// The disk is full, or fails.
    #[error("blob {key}: {cause}")]
    Failed {
        /// Which.
        key: String,
        /// Why.
        cause: String,
    },
}

/// Keeps bytes under keys.
#[async_trait]
pub trait Blobs: Send + Sync {
    /// Keeps `bytes` under `key`, durably; what was there before is replaced as a whole.
    async fn put(&self, key: &str, bytes: &[u8]) -> Result<(), BlobError>;
    /// The bytes under `key`.
    async fn get(&self, key: &str) -> Result<Vec<u8>, BlobError>;
    /// Forgets `key`; it is no error where it is not there.
    async fn delete(&self, key: &str) -> Result<(), BlobError>;
    /// The keys that begin with `prefix` (a folder, ending in `/`), in order.
    async fn list(&self, prefix: &str) -> Result<Vec<String>, BlobError>;
}
