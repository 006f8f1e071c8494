//! What tells a password: Argon2id for those who send it, SCRAM keys for those who prove that they know it.

use std::num::NonZeroU32;

use argon2::{Algorithm, Argon2, Params, Version};
use ring::rand::{SecureRandom, SystemRandom};
use ring::{digest, hmac, pbkdf2};
use serde::{Deserialize, Serialize};

/// Octets of a salt, a hash and a key.
const OCTETS: usize = 32;
/// Memory in KiB and passes: the second choice of OWASP's list, which suits a small machine.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
/// RFC 7677 §4 asks for 4096 at least. The client pays.
const ITERATIONS: u32 = 15_000;

/// Octets nobody can guess.
pub(super) fn random() -> [u8; OCTETS] {
    let mut octets = [0; OCTETS];
    // The kernel's source does not fail once it is seeded; zeroes would still be a salt, only a common one.
    if SystemRandom::new().fill(&mut octets).is_err() {
        tracing::error!("the system has no random numbers");
    }
    octets
}

/// Octets as base64 in the file.
pub(super) mod base64 {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(in crate::users) fn serialize<S: Serializer>(octets: &[u8], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&STANDARD.encode(octets))
    }

    pub(in crate::users) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
        STANDARD.decode(String::deserialize(from)?).map_err(serde::de::Error::custom)
    }
}

/// An Argon2id hash with all that it was made with.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PasswordHash {
    memory_kib: u32,
    passes: u32,
    #[serde(with = "base64")]
    salt: Vec<u8>,
    #[serde(with = "base64")]
    argon2id: Vec<u8>,
}

impl PasswordHash {
    pub(super) fn of(password: &str) -> Self {
        let mut hash = Self::nobodys();
        hash.salt = random().to_vec();
        hash.argon2id = hash.hashed(password).unwrap_or_default();
        hash
    }

    /// One that no password has, and that takes as long as any to find that out.
    pub(super) fn nobodys() -> Self {
        let (memory_kib, passes) = (MEMORY_KIB, PASSES);
        Self { memory_kib, passes, salt: vec![0; OCTETS], argon2id: Vec::new() }
    }

    pub(super) fn matches(&self, password: &str) -> bool {
        self.hashed(password).is_some_and(|hash| same(&hash, &self.argon2id))
    }

    fn hashed(&self, password: &str) -> Option<Vec<u8>> {
        let params = Params::new(self.memory_kib, self.passes, 1, Some(OCTETS)).ok()?;
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let mut hash = vec![0; OCTETS];
        argon2.hash_password_into(password.as_bytes(), &self.salt, &mut hash).ok()?;
        Some(hash)
    }
}

/// Whether two keys are the same, told in a time that does not say where they differ.
fn same(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0, |differing, (a, b)| differing | (a ^ b)) == 0
}

/// The server's part of a SCRAM-SHA-256 password (RFC 5802 §3).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScramKeys {
    /// Salt.
    #[serde(with = "base64")]
    pub salt: Vec<u8>,
    /// Iteration count.
    pub iterations: u32,
    /// `StoredKey`.
    #[serde(with = "base64")]
    stored_key: Vec<u8>,
    /// `ServerKey`.
    #[serde(with = "base64")]
    server_key: Vec<u8>,
}

impl ScramKeys {
    pub(super) fn of(password: &str) -> Self {
        Self::with(password, &random(), ITERATIONS)
    }

    fn with(password: &str, salt: &[u8], iterations: u32) -> Self {
        let mut salted = [0; OCTETS];
        let rounds = NonZeroU32::new(iterations).unwrap_or(NonZeroU32::MIN);
        pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, rounds, salt, password.as_bytes(), &mut salted);
        let client_key = sign(&salted, b"Client Key");
        let stored_key = digest::digest(&digest::SHA256, &client_key).as_ref().to_vec();
        let server_key = sign(&salted, b"Server Key");
        Self { salt: salt.to_vec(), iterations, stored_key, server_key }
    }

    /// Keys that no password has, always the same for one name.
    pub(super) fn made_up(secret: &[u8], name: &str) -> Self {
        let part = |what: &str| sign(secret, format!("{what} {name}").as_bytes());
        let (salt, stored_key, server_key) = (part("salt"), part("stored"), part("server"));
        Self { salt, iterations: ITERATIONS, stored_key, server_key }
    }

    /// `ServerSignature` over the exchange, where `proof` is that of somebody who knows the password.
    #[must_use]
    pub fn answer(&self, exchange: &str, proof: &[u8]) -> Option<Vec<u8>> {
        let signature = sign(&self.stored_key, exchange.as_bytes());
        if proof.len() != signature.len() {
            return None;
        }
        let client_key: Vec<u8> = proof.iter().zip(&signature).map(|(a, b)| a ^ b).collect();
        let stored_key = digest::digest(&digest::SHA256, &client_key);
        same(stored_key.as_ref(), &self.stored_key).then(|| sign(&self.server_key, exchange.as_bytes()))
    }
}

fn sign(key: &[u8], text: &[u8]) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text).as_ref().to_vec()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use ::base64::Engine;
    use ::base64::engine::general_purpose::STANDARD;

    use super::*;

    /// The example of RFC 7677 §3.
    #[test]
    fn the_example_of_the_rfc() {
        let salt = STANDARD.decode("W22ZaJ0SNY7soEsUEjb6gQ==").unwrap();
        let keys = ScramKeys::with("pencil", &salt, 4096);
        let nonce = "rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
        let exchange = format!(
            "n=user,r=rOprNGfwEbeRWgbNEkqO,r={nonce},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,c=biws,r={nonce}"
        );
        let mut proof = STANDARD.decode("dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=").unwrap();
        let answer = keys.answer(&exchange, &proof).unwrap();
        assert_eq!(STANDARD.encode(answer), "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
        proof[0] ^= 1;
        assert_eq!(keys.answer(&exchange, &proof), None);
        assert_eq!(keys.answer(&exchange, b""), None);
    }

    #[test]
    fn no_password_is_nobodys() {
        for password in ["", "x", "correct horse"] {
            assert!(!PasswordHash::nobodys().matches(password));
        }
    }
}
