//! The real store in a temporary folder, and a blob folder in memory whose disk can be made to fail.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;
use faxgate::blob::{BlobError, Blobs};
use faxgate::job::Notice;
use faxgate::store::{SledStore, Store, StoreConfig};
use jiff::Timestamp;
use tempfile::TempDir;

/// What a gateway keeps.
pub struct Keep {
    pub dir: TempDir,
    pub store: Arc<SledStore>,
    pub blobs: Arc<Blobbed>,
}

impl Keep {
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let config = StoreConfig { dir: dir.path().join("store"), ..StoreConfig::default() };
        let (store, _) = SledStore::open(config).unwrap();
        Self { dir, store: Arc::new(store), blobs: Arc::default() }
    }

    /// The notices that are still to be tried.
    pub async fn notices(&self) -> Vec<Notice> {
        self.store.notices_due(Timestamp::MAX, 100).await.unwrap()
    }
}

#[derive(Default)]
pub struct Blobbed {
    pub blobs: Mutex<BTreeMap<String, Vec<u8>>>,
    /// Whether the disk fails.
    pub broken: Mutex<bool>,
}

impl Blobbed {
    fn disk(&self, key: &str) -> Result<MutexGuard<'_, BTreeMap<String, Vec<u8>>>, BlobError> {
        if *self.broken.lock().unwrap() {
            return Err(BlobError::Failed { key: key.into(), cause: "the disk fails".into() });
        }
        Ok(self.blobs.lock().unwrap())
    }

    /// Writes past the trait, as an earlier process did.
    pub fn plant(&self, key: impl Into<String>, bytes: &[u8]) {
        self.blobs.lock().unwrap().insert(key.into(), bytes.to_vec());
    }

    pub fn keys(&self) -> Vec<String> {
        self.blobs.lock().unwrap().keys().cloned().collect()
    }
}

#[async_trait]
impl Blobs for Blobbed {
    async fn put(&self, key: &str, bytes: &[u8]) -> Result<(), BlobError> {
        self.disk(key)?.insert(key.into(), bytes.to_vec());
        Ok(())
    }

    async fn get(&self, key: &str) -> Result<Vec<u8>, BlobError> {
        self.disk(key)?.get(key).cloned().ok_or_else(|| BlobError::NotFound(key.into()))
    }

    async fn delete(&self, key: &str) -> Result<(), BlobError> {
        self.disk(key)?.remove(key);
        Ok(())
    }

    async fn list(&self, prefix: &str) -> Result<Vec<String>, BlobError> {
        Ok(self.disk(prefix)?.keys().filter(|key| key.starts_with(prefix)).cloned().collect())
    }
}
