//! How often one client may: connections in a minute, messages and recipients in an hour. Counted in windows of that
//! length, one count a client (an IPv4 address, or an IPv6 network of 64 bits), in bounded memory: when there are too many
//! clients to keep count of, those whose windows are over are forgotten, and then the count begins anew for all.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};

use super::config::SmtpConfig;
use super::server::client_of;

/// Clients that are kept count of.
const CLIENTS_MAX: usize = 100_000;
const MINUTE: SignedDuration = SignedDuration::from_mins(1);
const HOUR: SignedDuration = SignedDuration::from_hours(1);

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    Connection,
    Message,
    Recipient,
}

#[derive(Clone, Copy, Debug)]
struct Window {
    since: Timestamp,
    count: u32,
}

impl Window {
    /// Counts one more; whether it is within the limit.
    fn count(&mut self, now: Timestamp, length: SignedDuration, max: u32) -> bool {
        // A clock that went back begins a new window.
        if now < self.since || now.duration_since(self.since) >= length {
            *self = Self { since: now, count: 0 };
        }
        if max > 0 && self.count >= max {
            return false;
        }
        self.count = self.count.saturating_add(1);
        true
    }
}

#[derive(Clone, Copy, Debug)]
struct Counts {
    connections: Window,
    messages: Window,
    recipients: Window,
}

/// The counts of all clients.
#[derive(Debug, Default)]
pub(super) struct Rates(Mutex<HashMap<IpAddr, Counts>>);

impl Rates {
    /// Whether this client may have one more, which is counted then.
    pub(super) fn take(&self, config: &SmtpConfig, peer: IpAddr, what: What, now: Timestamp) -> bool {
        if config.unlimited_networks.iter().any(|network| network.contains(peer)) {
            return true;
        }
        let mut clients = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if clients.len() >= CLIENTS_MAX {
            clients.retain(|_, counts| now.duration_since(counts.messages.since) < HOUR);
            if clients.len() >= CLIENTS_MAX {
                clients.clear();
            }
        }
        let fresh = Window { since: now, count: 0 };
        let none = Counts { connections: fresh, messages: fresh, recipients: fresh };
        let counts = clients.entry(client_of(peer)).or_insert(none);
        match what {
            What::Connection => counts.connections.count(now, MINUTE, config.connections_per_minute_max),
            What::Message => counts.messages.count(now, HOUR, config.messages_per_hour_max),
            What::Recipient => counts.recipients.count(now, HOUR, config.recipients_per_hour_max),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn each_client_has_a_count_of_its_own_and_a_new_one_in_time() {
        let config = SmtpConfig {
            connections_per_minute_max: 2,
            messages_per_hour_max: 1,
            recipients_per_hour_max: 0,
            unlimited_networks: vec!["192.0.2.0/24".parse().unwrap()],
            ..SmtpConfig::default()
        };
        let rates = Rates::default();
        let start: Timestamp = "2026-11-26T12:00:00Z".parse().unwrap();
        let take = |peer: &str, what, seconds: i64| {
            rates.take(&config, peer.parse().unwrap(), what, start + SignedDuration::from_secs(seconds))
        };
        for (peer, what, seconds, may) in [
            ("198.51.100.1", What::Connection, 0, true),
            ("198.51.100.1", What::Connection, 1, true),
            ("198.51.100.1", What::Connection, 59, false),
            ("198.51.100.2", What::Connection, 59, true),
            ("198.51.100.1", What::Connection, 60, true),
            ("198.51.100.1", What::Message, 60, true),
            ("198.51.100.1", What::Message, 3599, false),
            ("198.51.100.1", What::Message, 3600, true),
            ("2001:db8::1", What::Message, 0, true),
            ("2001:db8::2", What::Message, 0, false),
        ] {
            assert_eq!(take(peer, what, seconds), may, "{peer} {what:?} {seconds}");
        }
        assert!((0..1000).all(|_| take("198.51.100.1", What::Recipient, 0)), "no limit");
        assert!((0..1000).all(|_| take("192.0.2.9", What::Connection, 0)), "one that is trusted");
    }
}
