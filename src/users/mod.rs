//! The people who may sign in: their names, and what tells their passwords.
//!
//! It promises:
//!
//! 1. No password is kept. What is kept tells a right one from a wrong one: a hash by Argon2id (RFC 9106) and the
//!    keys of SCRAM-SHA-256 (RFC 5802, RFC 7677), each with a salt of its own.
//! 2. A name that nobody has costs as much time as a wrong password, and has SCRAM keys that are as good as any: who
//!    asks cannot tell the two apart.
//! 3. The file changes as a whole or not at all, one writer at a time, and only its owner can read it. A running
//!    gateway sees the change at the next sign-in.

mod address_keys;
mod file;
mod keys;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

pub use address_keys::KeyTimes;
pub use keys::ScramKeys;

use file::{Account, Accounts, Stamp};

/// The longest name.
const NAME_CHARS_MAX: usize = 64;
/// The longest password in octets.
pub const PASSWORD_OCTETS_MAX: usize = 256;
/// The shortest password in characters (NIST SP 800-63B).
const PASSWORD_CHARS_MIN: usize = 8;

/// Why something cannot be done with the people.
#[derive(Debug, thiserror::Error)]
pub enum UsersError {
    /// The file cannot be read or written.
    #[error("{path}: {cause}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        cause: String,
    },
    /// The name cannot be one.
    #[error("{0:?} is no name: letters, digits and . _ @ + - are, up to 64 of them")]
    Name(String),
    /// The password cannot be one.
    #[error("a password has at least 8 characters and at most 256 octets, and no control characters")]
    Password,
    /// There is somebody of this name.
    #[error("there is a user {0} already")]
    Exists(String),
    /// There is nobody of this name.
    #[error("there is no user {0}")]
    Unknown(String),
}

/// The people of one file.
pub struct Users {
    path: PathBuf,
    /// What the file said when it was read last.
    seen: Mutex<(Option<Stamp>, Arc<Accounts>)>,
}

impl Users {
    /// The people of this file, which need not exist yet.
    #[must_use]
    pub fn at(path: PathBuf) -> Self {
        Self { path, seen: Mutex::new((None, Arc::new(Accounts::default()))) }
    }

    /// Whether there is nobody who could sign in.
    ///
    /// # Errors
    /// Where the file cannot be read.
    pub fn is_empty(&self) -> Result<bool, UsersError> {
        Ok(self.accounts()?.users.is_empty())
    }

    /// The names, in order.
    ///
    /// # Errors
    /// Where the file cannot be read.
    pub fn names(&self) -> Result<Vec<String>, UsersError> {
        Ok(self.accounts()?.users.keys().cloned().collect())
    }

    /// Whether the password is that of the name. This takes the time and the memory of one Argon2id (some 20 ms and
    /// 19 MB), so it belongs on a thread of its own.
    ///
    /// # Errors
    /// Where the file cannot be read.
    pub fn verify(&self, name: &str, password: &str) -> Result<bool, UsersError> {
        let accounts = self.accounts()?;
        let account = accounts.users.get(&folded(name));
        let nobody = keys::PasswordHash::nobodys();
        let matches = account.map_or(&nobody, |account| &account.password).matches(password);
        Ok(matches && account.is_some())
    }

    /// The SCRAM keys of a name, and made-up ones for a name that nobody has.
    ///
    /// # Errors
    /// Where the file cannot be read.
    pub fn scram(&self, name: &str) -> Result<ScramKeys, UsersError> {
        let accounts = self.accounts()?;
        let known = accounts.users.get(&folded(name)).map(|account| account.scram.clone());
        Ok(known.unwrap_or_else(|| ScramKeys::made_up(&accounts.secret, &folded(name))))
    }

    /// Adds somebody.
    ///
    /// # Errors
    /// Where the name or the password cannot be one, the name is taken, or the file cannot be written.
    pub fn add(&self, name: &str, password: &str) -> Result<(), UsersError> {
        let (name, account) = made(name, password)?;
        self.change(|accounts| match accounts.users.contains_key(&name) {
            true => Err(UsersError::Exists(name)),
            false => {
                accounts.users.insert(name, account);
                Ok(())
            }
        })
    }

    /// Gives somebody a new password.
    ///
    /// # Errors
    /// Where the password cannot be one, there is nobody of this name, or the file cannot be written.
    pub fn set_password(&self, name: &str, password: &str) -> Result<(), UsersError> {
        let (name, account) = made(name, password)?;
        self.change(|accounts| match accounts.users.get_mut(&name) {
            Some(place) => {
                place.password = account.password;
                place.scram = account.scram;
                Ok(())
            }
            None => Err(UsersError::Unknown(name)),
        })
    }

    /// Removes somebody.
    ///
    /// # Errors
    /// Where there is nobody of this name, or the file cannot be written.
    pub fn remove(&self, name: &str) -> Result<(), UsersError> {
        let name = folded(name);
        self.change(|accounts| match accounts.users.remove(&name) {
            Some(_) => Ok(()),
            None => Err(UsersError::Unknown(name)),
        })
    }

    fn change(&self, change: impl FnOnce(&mut Accounts) -> Result<(), UsersError>) -> Result<(), UsersError> {
        let _lock = file::lock(&self.path)?;
        let mut accounts = file::read(&self.path)?;
        change(&mut accounts)?;
        file::write(&self.path, &accounts)
    }

    /// What the file says now.
    fn accounts(&self) -> Result<Arc<Accounts>, UsersError> {
        let stamp = file::stamp(&self.path);
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.0 != Some(stamp) {
            *seen = (Some(stamp), Arc::new(file::read(&self.path)?));
        }
        Ok(Arc::clone(&seen.1))
    }

    /// Where they are kept.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// Names are the same in either case.
fn folded(name: &str) -> String {
    name.to_ascii_lowercase()
}

fn made(name: &str, password: &str) -> Result<(String, Account), UsersError> {
    let is_name = (1..=NAME_CHARS_MAX).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"._@+-".contains(&b));
    if !is_name {
        return Err(UsersError::Name(name.to_owned()));
    }
    let is_password = password.chars().count() >= PASSWORD_CHARS_MIN
        && password.len() <= PASSWORD_OCTETS_MAX
        && !password.chars().any(char::is_control);
    if !is_password {
        return Err(UsersError::Password);
    }
    let (password, scram) = (keys::PasswordHash::of(password), ScramKeys::of(password));
    let account = Account { password, scram, keys: Vec::new() };
    Ok((folded(name), account))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn users() -> (tempfile::TempDir, Users) {
        let dir = tempfile::tempdir().unwrap();
        let users = Users::at(dir.path().join("users.json"));
        (dir, users)
    }

    #[test]
    fn somebody_comes_changes_and_goes() {
        let (_dir, users) = users();
        assert!(users.is_empty().unwrap());
        users.add("Anna@example.com", "correct horse").unwrap();
        assert!(users.verify("anna@EXAMPLE.com", "correct horse").unwrap());
        assert!(!users.verify("anna@example.com", "correct horsf").unwrap());
        assert!(!users.verify("bob", "correct horse").unwrap());
        assert!(matches!(users.add("anna@example.com", "another one"), Err(UsersError::Exists(_))));
        users.set_password("anna@example.com", "battery staple").unwrap();
        assert!(!users.verify("anna@example.com", "correct horse").unwrap());
        assert!(users.verify("anna@example.com", "battery staple").unwrap());
        users.add("bob", "correct horse").unwrap();
        assert_eq!(users.names().unwrap(), ["anna@example.com", "bob"]);
        users.remove("BOB").unwrap();
        assert!(matches!(users.remove("bob"), Err(UsersError::Unknown(_))));
        assert!(matches!(users.set_password("bob", "correct horse"), Err(UsersError::Unknown(_))));
    }

    #[test]
    fn another_process_is_seen_and_no_password_is_in_the_file() {
        let (_dir, users) = users();
        users.add("anna", "correct horse").unwrap();
        assert!(users.verify("anna", "correct horse").unwrap());
        Users::at(users.path().to_owned()).set_password("anna", "battery staple").unwrap();
        assert!(users.verify("anna", "battery staple").unwrap());
        let text = std::fs::read_to_string(users.path()).unwrap();
        assert!(text.contains("anna") && !text.contains("battery") && !text.contains("staple"));
        let mode = std::fs::metadata(users.path()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn nobody_cannot_be_told_from_somebody() {
        let (_dir, users) = users();
        users.add("anna", "correct horse").unwrap();
        let (anna, nobody) = (users.scram("anna").unwrap(), users.scram("nobody").unwrap());
        assert_eq!((anna.iterations, anna.salt.len()), (nobody.iterations, nobody.salt.len()));
        assert_eq!(users.scram("Nobody").unwrap().salt, nobody.salt, "asked twice, the same");
        assert_ne!(users.scram("nobodi").unwrap().salt, nobody.salt);
    }

    #[test]
    fn what_is_no_name_and_no_password() {
        let (_dir, users) = users();
        for name in ["", "a b", "a\nb", "ü", &"x".repeat(65), "*"] {
            assert!(matches!(users.add(name, "correct horse"), Err(UsersError::Name(_))), "{name}");
        }
        for password in ["short", "with\nnewline", &"x".repeat(257)] {
            assert!(matches!(users.add("anna", password), Err(UsersError::Password)), "{password}");
        }
        users.add("anna", "pässwörter").unwrap();
        assert!(users.verify("anna", "pässwörter").unwrap());
    }

    #[test]
    fn a_file_that_is_none_is_an_error_and_stays() {
        let (_dir, users) = users();
        std::fs::write(users.path(), "{ rubbish").unwrap();
        assert!(matches!(users.verify("anna", "x"), Err(UsersError::File { .. })));
        assert!(matches!(users.add("anna", "correct horse"), Err(UsersError::File { .. })));
        assert_eq!(std::fs::read_to_string(users.path()).unwrap(), "{ rubbish");
    }
}
