//! A name server of our own: the TXT records that a test gives it, over UDP.
#![allow(dead_code, unreachable_pub, reason = "each story uses its own part of this")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::disallowed_methods)]

use std::collections::BTreeMap;
use std::net::{SocketAddr, UdpSocket};
use std::sync::{Arc, Mutex};

/// What is asked for (RFC 1035 §3.2.2), and what is answered (§4.1.1).
const TXT: u16 = 16;
const SERVFAIL: u8 = 2;
const NXDOMAIN: u8 = 3;

/// What the server says of a name.
#[derive(Clone, Debug)]
pub enum Record {
    Text(String),
    /// It fails.
    Failure,
}

type Zone = Arc<Mutex<BTreeMap<String, Record>>>;

/// A name server that runs as long as the test does.
pub struct Dns {
    pub address: SocketAddr,
    zone: Zone,
}

impl Dns {
    pub fn start(records: &[(&str, &str)]) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let address = socket.local_addr().unwrap();
        let zone = Zone::default();
        let dns = Self { address, zone: Arc::clone(&zone) };
        records.iter().for_each(|(name, text)| dns.set(name, Record::Text((*text).to_owned())));
        std::thread::spawn(move || {
            let mut question = [0; 1500];
            while let Ok((octets, client)) = socket.recv_from(&mut question) {
                if let Some(answer) = answer(&question[..octets], &zone.lock().unwrap()) {
                    let _ = socket.send_to(&answer, client);
                }
            }
        });
        dns
    }

    pub fn set(&self, name: &str, record: Record) {
        self.zone.lock().unwrap().insert(name.to_ascii_lowercase(), record);
    }
}

fn answer(query: &[u8], zone: &BTreeMap<String, Record>) -> Option<Vec<u8>> {
    let mut at = 12;
    let mut labels = Vec::new();
    loop {
        let length = usize::from(*query.get(at)?);
        at += 1;
        if length == 0 {
            break;
        }
        labels.push(String::from_utf8_lossy(query.get(at..at + length)?).to_ascii_lowercase());
        at += length;
    }
    let kind = u16::from_be_bytes([*query.get(at)?, *query.get(at + 1)?]);
    let question = query.get(12..at + 4)?;
    let found = zone.get(&labels.join("."));
    let (code, text) = match found {
        Some(Record::Failure) => (SERVFAIL, None),
        Some(Record::Text(text)) => (0, (kind == TXT).then_some(text)),
        None => (NXDOMAIN, None),
    };
    let mut answer = query.get(..2)?.to_vec();
    answer.extend([0x81, 0x80 | code, 0, 1, 0, u8::from(text.is_some()), 0, 0, 0, 0]);
    answer.extend(question);
    if let Some(text) = text {
        let strings: Vec<u8> = text
            .as_bytes()
            .chunks(255)
            .flat_map(|part| std::iter::once(part.len() as u8).chain(part.iter().copied()))
            .collect();
        // The name of the question, TXT, IN, a minute, so many octets.
        answer.extend([0xC0, 12, 0, 16, 0, 1, 0, 0, 0, 60]);
        answer.extend((strings.len() as u16).to_be_bytes());
        answer.extend(strings);
    }
    Some(answer)
}
