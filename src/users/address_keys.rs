//! The keys that people put into the addresses of their faxes (`/KEY=…`), where they can sign in nowhere: in the address
//! book of a copier, in a program that knows one mail server. Kept as hashes; a key has a hundred bits of chance, so
//! nobody finds one by trying.

use jiff::{SignedDuration, Timestamp};
use ring::digest;
use serde::{Deserialize, Serialize};

use super::{Users, UsersError, folded, keys};

/// Characters of a key, each of five bits.
const KEY_CHARS: usize = 20;
/// What it is made of: no two look or sound alike, and case does not matter.
const ALPHABET: [u8; 32] = *b"abcdefghijkmnpqrstuvwxyz23456789";
/// Keys that one person may have at a time.
const KEYS_MAX: usize = 8;

/// What is kept of a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct KeptKey {
    #[serde(with = "keys::base64")]
    hash: Vec<u8>,
    made: Timestamp,
    /// When it opens nothing any more; `None` until another takes its place.
    ends: Option<Timestamp>,
}

/// A key in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct KeyTimes {
    /// When it was made.
    pub made: Timestamp,
    /// When it ends.
    pub ends: Option<Timestamp>,
}

fn hash(key: &str) -> Vec<u8> {
    digest::digest(&digest::SHA256, key.to_ascii_lowercase().as_bytes()).as_ref().to_vec()
}

impl Users {
    /// Makes a new key for somebody; those that they have end so much later.
    ///
    /// # Errors
    /// Where there is nobody of this name, or the file cannot be written.
    pub fn new_key(
        &self,
        name: &str,
        now: Timestamp,
        keep_old: SignedDuration,
    ) -> Result<String, UsersError> {
        let random = [keys::random(), keys::random()].concat();
        let letter = |byte: &u8| ALPHABET.get(usize::from(byte % 32)).copied().map(char::from);
        let key: String = random.iter().take(KEY_CHARS).filter_map(letter).collect();
        let end = now.checked_add(keep_old).unwrap_or(Timestamp::MAX);
        let kept = KeptKey { hash: hash(&key), made: now, ends: None };
        self.change(|accounts| {
            let account =
                accounts.users.get_mut(&folded(name)).ok_or_else(|| UsersError::Unknown(name.into()))?;
            account.keys.retain(|key| key.ends.is_none_or(|ends| ends > now));
            for old in &mut account.keys {
                old.ends = Some(old.ends.map_or(end, |ends| ends.min(end)));
            }
            account.keys.push(kept);
            let surplus = account.keys.len().saturating_sub(KEYS_MAX);
            account.keys.drain(..surplus);
            Ok(())
        })?;
        Ok(key)
    }

    /// Whose key it is, if it is anybody's now.
    ///
    /// # Errors
    /// Where the file cannot be read.
    pub fn holder_of(&self, key: &str, now: Timestamp) -> Result<Option<String>, UsersError> {
        let (accounts, hash) = (self.accounts()?, hash(key));
        let opens = |kept: &KeptKey| kept.hash == hash && kept.ends.is_none_or(|ends| ends > now);
        let holder = accounts.users.iter().find(|(_, account)| account.keys.iter().any(opens));
        Ok(holder.map(|(name, _)| name.clone()))
    }

    /// The keys of somebody, the oldest first.
    ///
    /// # Errors
    /// Where there is nobody of this name, or the file cannot be read.
    pub fn keys_of(&self, name: &str) -> Result<Vec<KeyTimes>, UsersError> {
        let accounts = self.accounts()?;
        let account = accounts.users.get(&folded(name)).ok_or_else(|| UsersError::Unknown(name.into()))?;
        Ok(account.keys.iter().map(|key| KeyTimes { made: key.made, ends: key.ends }).collect())
    }

    /// Ends all keys of somebody at once.
    ///
    /// # Errors
    /// Where there is nobody of this name, or the file cannot be written.
    pub fn revoke_keys(&self, name: &str) -> Result<(), UsersError> {
        self.change(|accounts| match accounts.users.get_mut(&folded(name)) {
            Some(account) => {
                account.keys.clear();
                Ok(())
            }
            None => Err(UsersError::Unknown(name.into())),
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_key_opens_until_another_has_taken_its_place() {
        let dir = tempfile::tempdir().unwrap();
        let users = Users::at(dir.path().join("users.json"));
        users.add("anna", "correct horse").unwrap();
        let now: Timestamp = "2026-11-26T12:00:00Z".parse().unwrap();
        let later = |hours| now + SignedDuration::from_hours(hours);
        let day = SignedDuration::from_hours(24);
        let first = users.new_key("Anna", now, day).unwrap();
        assert_eq!(first.len(), KEY_CHARS);
        let holder = |key: &str, at| users.holder_of(key, at).unwrap();
        assert_eq!(holder(&first.to_uppercase(), later(9999)).as_deref(), Some("anna"));
        assert_eq!(holder("aaaaaaaaaaaaaaaaaaaa", now), None);
        let second = users.new_key("anna", later(1), day).unwrap();
        assert_ne!(first, second);
        assert!(holder(&first, later(24)).is_some() && holder(&first, later(25)).is_none());
        assert!(holder(&second, later(25)).is_some());
        let third = users.new_key("anna", later(2), SignedDuration::ZERO).unwrap();
        assert!(holder(&first, later(2)).is_none() && holder(&second, later(2)).is_none());
        assert!(!std::fs::read_to_string(users.path()).unwrap().contains(&third), "only its hash is kept");

        // A new password leaves the keys alone.
        users.set_password("anna", "battery staple").unwrap();
        assert!(holder(&third, later(3)).is_some());
        users.revoke_keys("anna").unwrap();
        assert!(holder(&third, later(3)).is_none());
        assert_eq!(users.keys_of("anna").unwrap(), []);
        assert!(users.new_key("bob", now, day).is_err());
    }
}
