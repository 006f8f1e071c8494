//! Blobs as files in a folder of this machine.
//!
//! A blob is written under a temporary name, fsynced, renamed, and its folder fsynced; new folders are fsynced
//! into theirs. So a reader sees the old bytes or the new ones, and what [`Blobs::put`] answered for is there
//! after a power cut. Files are 0600 and folders 0700: faxes are private.
//!
//! ```text
//! <dir>/received/1qkvt9r3mx0wx/0001.tiff     the blob of that key
//! <dir>/_new/7                               one on its way in; taken away at the next start
//! ```
//!
//! A key never begins with `_`, so that none can name the folder of those on their way in.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use async_trait::async_trait;

use super::{BlobError, Blobs};

/// Bytes of a key.
const KEY_BYTES_MAX: usize = 200;
/// The folder of blobs on their way in; no key can name it.
const INCOMING: &str = "_new";

/// Blobs in a folder.
#[derive(Clone, Debug)]
pub struct FsBlobs {
    inner: Arc<Folder>,
}

#[derive(Debug)]
struct Folder {
    dir: PathBuf,
    /// Names the next temporary file.
    next: AtomicU64,
    /// Held for reading while a blob is put into a folder, for writing while folders that are empty are taken away.
    folders: RwLock<()>,
}

impl FsBlobs {
    /// Opens the folder, makes it where there is none, and takes away what a crash left half-written. Only one
    /// process may have it open.
    ///
    /// # Errors
    /// Where the disk is full, or fails, or does not let us.
    pub fn open(dir: PathBuf) -> Result<Self, BlobError> {
        let open = || -> io::Result<()> {
            let incoming = dir.join(INCOMING);
            match fs::remove_dir_all(&incoming) {
                Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
                _ => {}
            }
            make_dirs(&incoming)
        };
        open().map_err(|e| failed(&dir.display().to_string(), &e))?;
        let (next, folders) = (AtomicU64::new(0), RwLock::new(()));
        Ok(Self { inner: Arc::new(Folder { dir, next, folders }) })
    }

    /// Runs file work where it may block.
    async fn run<T: Send + 'static>(
        &self,
        key: &str,
        work: impl FnOnce(&Folder) -> io::Result<T> + Send + 'static,
    ) -> Result<T, BlobError> {
        let folder = Arc::clone(&self.inner);
        let result = tokio::task::spawn_blocking(move || work(&folder)).await;
        let result = result.unwrap_or_else(|e| Err(io::Error::other(e)));
        result.map_err(|e| match e.kind() {
            io::ErrorKind::NotFound => BlobError::NotFound(key.to_owned()),
            _ => failed(key, &e),
        })
    }
}

#[async_trait]
impl Blobs for FsBlobs {
    async fn put(&self, key: &str, bytes: &[u8]) -> Result<(), BlobError> {
        let path = path_of(key)?;
        let bytes = bytes.to_vec();
        let put = move |folder: &Folder| match folder.put(&path, &bytes) {
            // A folder that is missing all the same is a fault here, and no missing blob.
            Err(e) if e.kind() == io::ErrorKind::NotFound => Err(io::Error::other(e)),
            other => other,
        };
        self.run(key, put).await
    }

    async fn get(&self, key: &str) -> Result<Vec<u8>, BlobError> {
        let path = path_of(key)?;
        self.run(key, move |folder| fs::read(folder.dir.join(path))).await
    }

    async fn delete(&self, key: &str) -> Result<(), BlobError> {
        let path = path_of(key)?;
        let deleted = self.run(key, move |folder| folder.delete(&path)).await;
        match deleted {
            Err(BlobError::NotFound(_)) => Ok(()),
            other => other,
        }
    }

    async fn list(&self, prefix: &str) -> Result<Vec<String>, BlobError> {
        let bad = || BlobError::BadKey(prefix.to_owned());
        let folder_key = prefix.strip_suffix('/').ok_or_else(bad)?;
        let path = path_of(folder_key).map_err(|_| bad())?;
        let prefix = prefix.to_owned();
        let list = move |folder: &Folder| {
            let mut keys = Vec::new();
            list_into(&folder.dir.join(path), &prefix, &mut keys)?;
            keys.sort_unstable();
            Ok(keys)
        };
        match self.run(folder_key, list).await {
            Err(BlobError::NotFound(_)) => Ok(Vec::new()),
            other => other,
        }
    }
}

impl Folder {
    fn put(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let incoming = self.dir.join(INCOMING).join(number.to_string());
        let target = self.dir.join(path);
        let write = || -> io::Result<()> {
            let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&incoming)?;
            file.write_all(bytes)?;
            file.sync_all()?;
            self.publish(&incoming, &target)
        };
        let written = write();
        if written.is_err() {
            // It may not be there at all; what stays is taken away at the next start.
            let _ = fs::remove_file(&incoming);
        }
        written
    }

    /// Gives a written file its name. No folder is taken away meanwhile.
    fn publish(&self, incoming: &Path, target: &Path) -> io::Result<()> {
        let _folders_stay = self.folders.read().unwrap_or_else(PoisonError::into_inner);
        let parent = target.parent().unwrap_or(&self.dir);
        make_dirs(parent)?;
        fs::rename(incoming, target)?;
        sync_dir(parent)
    }

    /// Removes a blob, and the folders that are empty then.
    fn delete(&self, path: &Path) -> io::Result<()> {
        let target = self.dir.join(path);
        let _alone = self.folders.write().unwrap_or_else(PoisonError::into_inner);
        fs::remove_file(&target)?;
        for parent in target.ancestors().skip(1).take_while(|parent| *parent != self.dir) {
            sync_dir(parent)?;
            if fs::remove_dir(parent).is_err() {
                // Something else lies in it.
                return Ok(());
            }
        }
        sync_dir(&self.dir)
    }
}

/// The relative path of a key; an error where it is none, or could lead out of the folder.
fn path_of(key: &str) -> Result<PathBuf, BlobError> {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-.".contains(&byte);
    let good_part = |part: &str| !part.is_empty() && !part.starts_with('.') && part.bytes().all(plain);
    if key.len() <= KEY_BYTES_MAX && key.split('/').all(good_part) {
        Ok(PathBuf::from(key))
    } else {
        Err(BlobError::BadKey(key.to_owned()))
    }
}

fn list_into(dir: &Path, prefix: &str, keys: &mut Vec<String>) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let name = entry.file_name();
        let Some(key) = name.to_str().map(|name| format!("{prefix}{name}")) else {
            continue;
        };
        if entry.file_type()?.is_dir() {
            match list_into(&entry.path(), &format!("{key}/"), keys) {
                // A delete took the folder away meanwhile.
                Err(e) if e.kind() == io::ErrorKind::NotFound => {}
                other => other?,
            }
        } else if path_of(&key).is_ok() {
            keys.push(key);
        }
    }
    Ok(())
}

/// Makes a folder and those above it, durably.
fn make_dirs(dir: &Path) -> io::Result<()> {
    if dir.is_dir() {
        return Ok(());
    }
    let parent = dir.parent().filter(|parent| !parent.as_os_str().is_empty());
    if let Some(parent) = parent {
        make_dirs(parent)?;
    }
    match DirBuilder::new().mode(0o700).create(dir) {
        Err(e) if e.kind() != io::ErrorKind::AlreadyExists => return Err(e),
        _ => {}
    }
    sync_dir(parent.unwrap_or(Path::new(".")))
}

fn sync_dir(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

fn failed(key: &str, cause: &io::Error) -> BlobError {
    BlobError::Failed { key: key.to_owned(), cause: cause.to_string() }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn open() -> (tempfile::TempDir, FsBlobs) {
        let dir = tempfile::tempdir().unwrap();
        let blobs = FsBlobs::open(dir.path().join("blobs")).unwrap();
        (dir, blobs)
    }

    #[tokio::test]
    async fn what_was_put_is_there_and_listed_until_it_is_deleted() {
        let (dir, blobs) = open();
        for (key, bytes) in [("received/b/0001.tiff", "b1"), ("received/a/0002.tiff", "a2"), ("trace/a", "t")]
        {
            blobs.put(key, bytes.as_bytes()).await.unwrap();
        }
        blobs.put("received/a/0001.tiff", b"old and longer").await.unwrap();
        blobs.put("received/a/0001.tiff", b"new").await.unwrap();
        drop(blobs);
        let blobs = FsBlobs::open(dir.path().join("blobs")).unwrap();
        assert_eq!(blobs.get("received/a/0001.tiff").await.unwrap(), b"new");
        let all = ["received/a/0001.tiff", "received/a/0002.tiff", "received/b/0001.tiff"];
        assert_eq!(blobs.list("received/").await.unwrap(), all);
        assert_eq!(blobs.list("received/b/").await.unwrap(), all[2..]);
        assert_eq!(blobs.list("nothing/").await.unwrap(), Vec::<String>::new());

        blobs.delete(all[2]).await.unwrap();
        blobs.delete(all[2]).await.unwrap();
        assert!(matches!(blobs.get(all[2]).await, Err(BlobError::NotFound(_))));
        assert_eq!(blobs.list("received/").await.unwrap(), all[..2]);
        assert!(!dir.path().join("blobs/received/b").exists(), "no empty folders stay");
    }

    #[tokio::test]
    async fn no_key_leads_out_of_the_folder() {
        let (_dir, blobs) = open();
        let long = "a".repeat(KEY_BYTES_MAX + 1);
        for key in
            ["", "/etc/x", "../x", "a/../x", "a//b", "a/", "A", "a b", "_new/0", "a/.b", "a\0", "ä", &long]
        {
            assert!(matches!(blobs.put(key, b"x").await, Err(BlobError::BadKey(_))), "{key:?}");
            assert!(matches!(blobs.get(key).await, Err(BlobError::BadKey(_))), "{key:?}");
            assert!(matches!(blobs.delete(key).await, Err(BlobError::BadKey(_))), "{key:?}");
        }
        for prefix in ["", "/", "a", "../", "_new/"] {
            assert!(matches!(blobs.list(prefix).await, Err(BlobError::BadKey(_))), "{prefix:?}");
        }
    }

    #[tokio::test]
    async fn leftovers_go_and_all_is_private() {
        let (dir, blobs) = open();
        let root = dir.path().join("blobs");
        fs::write(root.join("_new/7"), b"half").unwrap();
        blobs.put("a/b", b"x").await.unwrap();
        FsBlobs::open(root.clone()).unwrap();
        assert_eq!(fs::read_dir(root.join("_new")).unwrap().count(), 0);
        for (path, wanted) in [("", 0o700), ("_new", 0o700), ("a", 0o700), ("a/b", 0o600)] {
            let mode = fs::metadata(root.join(path)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, wanted, "{path}");
        }
    }

    #[tokio::test]
    async fn a_disk_that_refuses_is_an_error_and_leaves_nothing() {
        let (dir, blobs) = open();
        blobs.put("a", b"a file").await.unwrap();
        let error = blobs.put("a/b", b"x").await.unwrap_err();
        assert!(matches!(&error, BlobError::Failed { key, .. } if key == "a/b"), "{error}");
        assert_eq!(fs::read_dir(dir.path().join("blobs/_new")).unwrap().count(), 0);
        assert_eq!(blobs.get("a").await.unwrap(), b"a file");
    }

    #[tokio::test]
    async fn putting_and_deleting_in_one_folder_at_once_works() {
        let (_dir, blobs) = open();
        let task = |number: u32| {
            let blobs = blobs.clone();
            async move {
                for _ in 0..20 {
                    let key = format!("f/{number}");
                    blobs.put(&key, b"x").await.unwrap();
                    blobs.delete(&key).await.unwrap();
                }
            }
        };
        let tasks: Vec<_> = (0..8).map(|number| tokio::spawn(task(number))).collect();
        for task in tasks {
            task.await.unwrap();
        }
    }
}
