//! The file of the people: JSON, written whole beside its place and renamed into it.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, chown};
use std::path::Path;

use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};

use super::UsersError;
use super::address_keys::KeptKey;
use super::keys::{self, PasswordHash, ScramKeys};

/// The file is not larger than this: some ten thousand people.
const FILE_BYTES_MAX: u64 = 8 * 1024 * 1024;

/// All that the file says.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Accounts {
    /// What made-up keys are made of.
    #[serde(with = "keys::base64")]
    pub(super) secret: Vec<u8>,
    /// The people, by name in lower case.
    pub(super) users: BTreeMap<String, Account>,
}

/// One of them.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Account {
    pub(super) password: PasswordHash,
    pub(super) scram: ScramKeys,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) keys: Vec<KeptKey>,
}

impl Default for Accounts {
    fn default() -> Self {
        Self { secret: keys::random().to_vec(), users: BTreeMap::new() }
    }
}

/// By what a change is known: time in nanoseconds, size, and which file it is.
pub(super) type Stamp = (i64, i64, u64, u64);

pub(super) fn stamp(path: &Path) -> Stamp {
    let of = |m: fs::Metadata| (m.mtime(), m.mtime_nsec(), m.size(), m.ino());
    fs::metadata(path).map_or((0, 0, 0, 0), of)
}

fn wrong(path: &Path) -> impl FnOnce(io::Error) -> UsersError {
    let path = path.to_owned();
    move |error| UsersError::File { path, cause: error.to_string() }
}

/// Keeps other writers away until it is dropped.
pub(super) fn lock(path: &Path) -> Result<File, UsersError> {
    let beside = path.with_extension("lock");
    let mut options = OpenOptions::new();
    let file = options.write(true).create(true).truncate(false).mode(0o600).open(&beside);
    let file = file.map_err(wrong(&beside))?;
    flock(&file, FlockOperation::LockExclusive).map_err(io::Error::from).map_err(wrong(&beside))?;
    Ok(file)
}

pub(super) fn read(path: &Path) -> Result<Accounts, UsersError> {
    let bytes = match fs::metadata(path) {
        Ok(metadata) if metadata.len() > FILE_BYTES_MAX => {
            return Err(wrong(path)(io::Error::other(format!("is larger than {FILE_BYTES_MAX} bytes"))));
        }
        Ok(_) => fs::read(path).map_err(wrong(path))?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Accounts::default()),
        Err(error) => return Err(wrong(path)(error)),
    };
    serde_json::from_slice(&bytes).map_err(|error| wrong(path)(error.into()))
}

pub(super) fn write(path: &Path, accounts: &Accounts) -> Result<(), UsersError> {
    put(path, accounts).map_err(wrong(path))
}

fn put(path: &Path, accounts: &Accounts) -> io::Result<()> {
    let draft = path.with_extension("new");
    match fs::remove_file(&draft) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
    file.write_all(&serde_json::to_vec_pretty(accounts)?)?;
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let (folder, own) = (fs::metadata(dir)?, file.metadata()?);
    if (folder.uid(), folder.gid()) != (own.uid(), own.gid()) && rustix::process::geteuid().is_root() {
        // Root adds somebody; the gateway, which runs as the owner of the folder, must be able to read it.
        chown(&draft, Some(folder.uid()), Some(folder.gid()))?;
    }
    file.sync_all()?;
    fs::rename(&draft, path)?;
    File::open(dir)?.sync_all()
}
