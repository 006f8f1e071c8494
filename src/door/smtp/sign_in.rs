//! Signing in, as far as it waits: passwords are looked at beside the executor, a few at a time; a wrong one is
//! answered late, and a client that goes on guessing is not listened to for a while.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use ring::rand::{SecureRandom, SystemRandom};
use tokio::sync::Semaphore;

use super::config::SmtpConfig;
use super::session::{Credentials, Verdict};
use crate::users::{ScramKeys, Users};

/// Passwords that are looked at at one time; each takes 19 MB and a core.
const LOOKS_MAX: usize = 2;
/// Clients whose failures are remembered; past it the oldest is forgotten.
const CLIENTS_MAX: usize = 10_000;

/// What signs people in.
pub(super) struct SignIn {
    users: Arc<Users>,
    looks: Semaphore,
    delay: Duration,
    failures: Failures,
}

impl SignIn {
    pub(super) fn new(users: Arc<Users>, config: &SmtpConfig) -> Self {
        let failures = Failures::new(config.auth_failures_max, config.auth_lock_out);
        Self { users, looks: Semaphore::new(LOOKS_MAX), delay: config.auth_delay, failures }
    }

    /// Whether there is anybody who could sign in.
    pub(super) fn is_offered(&self) -> bool {
        match self.users.is_empty() {
            Ok(nobody) => !nobody,
            Err(error) => {
                tracing::error!(%error, "nobody can sign in");
                false
            }
        }
    }

    /// Looks at what a client shows.
    pub(super) async fn look(&self, client: IpAddr, shown: Credentials, now: Timestamp) -> Verdict {
        if self.failures.are_too_many(client, now) {
            tracing::warn!(peer = %client, "signing in is locked for this client");
            return Verdict::TooMany;
        }
        let (name, right) = match shown {
            Credentials::Proof { name, right } => (name, right),
            Credentials::Password { name, password } => {
                let Ok(_place) = self.looks.acquire().await else { return Verdict::Trouble };
                let (users, asked) = (Arc::clone(&self.users), name.clone());
                let looked = tokio::task::spawn_blocking(move || users.verify(&asked, &password.0));
                match looked.await {
                    Ok(Ok(right)) => (name, right),
                    Ok(Err(error)) => return trouble(&error),
                    Err(error) => return trouble(&error),
                }
            }
        };
        if right {
            tracing::info!(peer = %client, user = name, "signed in");
            return Verdict::Yes;
        }
        let count = self.failures.count(client, now);
        tracing::warn!(peer = %client, user = name, count, "a sign-in failed");
        tokio::time::sleep(self.delay).await;
        Verdict::No
    }

    /// The SCRAM keys of a name, with a nonce of ours.
    pub(super) async fn keys(&self, name: String) -> Option<(ScramKeys, String)> {
        let users = Arc::clone(&self.users);
        let keys = match tokio::task::spawn_blocking(move || users.scram(&name)).await {
            Ok(Ok(keys)) => keys,
            Ok(Err(error)) => {
                trouble(&error);
                return None;
            }
            Err(error) => {
                trouble(&error);
                return None;
            }
        };
        let mut nonce = [0; 18];
        SystemRandom::new().fill(&mut nonce).ok()?;
        Some((keys, nonce.iter().map(|byte| format!("{byte:02x}")).collect()))
    }
}

fn trouble(error: &dyn std::fmt::Display) -> Verdict {
    tracing::error!(%error, "a sign-in could not be decided");
    Verdict::Trouble
}

/// Failures by client, each as long as the lock-out lasts.
struct Failures {
    max: u32,
    lasts: Duration,
    /// How many, and when the last was.
    by_client: Mutex<HashMap<IpAddr, (u32, Timestamp)>>,
}

impl Failures {
    fn new(max: u32, lasts: Duration) -> Self {
        Self { max, lasts, by_client: Mutex::new(HashMap::new()) }
    }

    fn is_old(&self, last: Timestamp, now: Timestamp) -> bool {
        last.checked_add(self.lasts).is_ok_and(|end| end <= now)
    }

    fn are_too_many(&self, client: IpAddr, now: Timestamp) -> bool {
        let by_client = self.by_client.lock().unwrap_or_else(PoisonError::into_inner);
        by_client.get(&client).is_some_and(|(count, last)| *count >= self.max && !self.is_old(*last, now))
    }

    /// Counts one more, and says how many there are.
    fn count(&self, client: IpAddr, now: Timestamp) -> u32 {
        let mut by_client = self.by_client.lock().unwrap_or_else(PoisonError::into_inner);
        if by_client.len() >= CLIENTS_MAX && !by_client.contains_key(&client) {
            by_client.retain(|_, (_, last)| !self.is_old(*last, now));
            let oldest = by_client.iter().min_by_key(|(_, (_, last))| *last).map(|(client, _)| *client);
            if let Some(oldest) = oldest.filter(|_| by_client.len() >= CLIENTS_MAX) {
                by_client.remove(&oldest);
            }
        }
        let entry = by_client.entry(client).or_insert((0, now));
        if self.is_old(entry.1, now) {
            entry.0 = 0;
        }
        *entry = (entry.0.saturating_add(1), now);
        entry.0
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn who_guesses_is_locked_out_for_a_while_and_nobody_else() {
        let failures = Failures::new(3, Duration::from_secs(60));
        let at = |second: i64| Timestamp::from_second(second).unwrap();
        let (eve, anna) = ("192.0.2.1".parse().unwrap(), "192.0.2.2".parse().unwrap());
        for second in 0..3 {
            assert!(!failures.are_too_many(eve, at(second)));
            failures.count(eve, at(second));
        }
        assert!(failures.are_too_many(eve, at(61)));
        assert!(!failures.are_too_many(anna, at(3)));
        assert!(!failures.are_too_many(eve, at(62)));
        assert_eq!(failures.count(eve, at(62)), 1);
    }

    #[test]
    fn not_more_is_remembered_than_there_is_room_for() {
        let failures = Failures::new(3, Duration::from_secs(60));
        let now = Timestamp::UNIX_EPOCH;
        for n in 0..u32::try_from(CLIENTS_MAX).unwrap() + 10 {
            failures.count(IpAddr::from(n.to_be_bytes()), now);
        }
        assert_eq!(failures.by_client.lock().unwrap().len(), CLIENTS_MAX);
    }
}
