//! Messages accepted in a second, durable, of 2 kB, by 1, 10 and 100 connections: Faxgate's SMTP listener beside
//! Debian's Postfix, which puts them into its own queue and leaves them there; on one disk, in turns.
//!
//! `cargo bench --bench smtp_accept [SECONDS]`, as root (Postfix wants that), prints a table. Each figure is the median of
//! three rounds; the ratio is what of them can be compared from machine to machine. For minutes after many files were
//! deleted (by a bench before this one) ext4 makes new ones slowly, and more so for who makes more of them.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    missing_docs
)]

#[path = "../tests/support/postfix.rs"]
mod postfix;
#[path = "../tests/support/mod.rs"]
mod support;

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use postfix::Postfix;
use support::Gateway;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const CONNECTIONS: [usize; 3] = [1, 10, 100];
const ROUNDS: usize = 3;
const MESSAGE_BYTES: usize = 2000;

/// Postfix takes everything and holds it, for as many clients as come.
const HOLD: &str = "relay_domains = fax.example.com
smtpd_recipient_restrictions = check_recipient_access static:HOLD, permit_mynetworks, reject
smtpd_client_connection_count_limit = 0
smtpd_client_message_rate_limit = 0
default_process_limit = 200
";

fn main() {
    let seconds = std::env::args().skip(1).find_map(|argument| argument.parse().ok()).unwrap_or(4);
    let length = Duration::from_secs(seconds);
    let dir = tempfile::tempdir().unwrap();
    support::write_config(dir.path(), "");
    let file = dir.path().join("faxgate.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    let limits = "sessions_max = 200\nsessions_per_client_max = 200\ntransfers_max = 200\n";
    std::fs::write(&file, text.replacen("[smtp]\n", &format!("[smtp]\n{limits}"), 1)).unwrap();
    let gateway = Gateway::restart(dir.path());
    let postfix = Postfix::start(dir.path(), HOLD);
    // One thread of clients, that both servers have the more of the machine.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    println!("messages of {MESSAGE_BYTES} bytes a second, in {}", dir.path().display());
    println!("connections  Faxgate  Postfix  ratio  its processor time a message");
    for connections in CONNECTIONS {
        let mut rates = [Vec::new(), Vec::new()];
        let (mut used, mut taken) = (Duration::ZERO, 0.0);
        for _ in 0..ROUNDS {
            for (address, rates) in [gateway.smtp, postfix.smtp].into_iter().zip(&mut rates) {
                let before = processor_time(gateway.id());
                let rate = runtime.block_on(load(address, connections, length));
                rates.push(rate);
                if address == gateway.smtp {
                    used += processor_time(gateway.id()) - before;
                    taken += rate * length.as_secs_f64();
                }
            }
        }
        let [ours, theirs] = rates.map(|mut rates| {
            rates.sort_by(f64::total_cmp);
            rates[ROUNDS / 2]
        });
        let cost = used.div_f64(taken).as_micros();
        println!("{connections:11}  {ours:7.0}  {theirs:7.0}  {:5.2}  {cost} µs", ours / theirs);
    }
}

/// What a process has used of all processors.
fn processor_time(pid: u32) -> Duration {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields: Vec<_> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    // utime and stime, in hundredths of a second: fields 14 and 15 of proc(5), of which two went before.
    let ticks: u64 = fields[11..13].iter().map(|field| field.parse::<u64>().unwrap()).sum();
    Duration::from_millis(10 * ticks)
}

/// Messages a second that so many connections get accepted.
async fn load(address: SocketAddr, connections: usize, length: Duration) -> f64 {
    let mut streams = Vec::new();
    for _ in 0..connections {
        streams.push(greeted(address).await);
    }
    let begun = Instant::now();
    let clients: Vec<_> =
        streams.into_iter().map(|stream| tokio::spawn(client(stream, begun, length))).collect();
    let mut accepted = 0;
    for client in clients {
        accepted += client.await.unwrap();
    }
    f64::from(accepted) / begun.elapsed().as_secs_f64()
}

async fn greeted(address: SocketAddr) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    reply(&mut stream, 1).await;
    stream.write_all(b"EHLO bench.example.com\r\n").await.unwrap();
    reply(&mut stream, 1).await;
    stream
}

async fn client(mut stream: TcpStream, begun: Instant, length: Duration) -> u32 {
    let head =
        "From: anna@example.com\r\nSubject: bench\r\nMIME-Version: 1.0\r\nContent-Type: text/plain\r\n\r\n";
    let line = format!("{}\r\n", "x".repeat(70));
    let text = head.to_owned() + &line.repeat((MESSAGE_BYTES - head.len()) / line.len()) + ".\r\n";
    let envelope = "MAIL FROM:<anna@example.com>\r\nRCPT TO:<+12125550123@fax.example.com>\r\nDATA\r\n";
    let mut accepted = 0;
    while begun.elapsed() < length {
        stream.write_all(envelope.as_bytes()).await.unwrap();
        let said = reply(&mut stream, 3).await;
        assert!(said.contains("354"), "{said}");
        stream.write_all(text.as_bytes()).await.unwrap();
        let said = reply(&mut stream, 1).await;
        assert!(said.starts_with("250"), "{said}");
        accepted += 1;
    }
    accepted
}

/// So many replies.
async fn reply(stream: &mut TcpStream, count: usize) -> String {
    let mut said = String::new();
    let mut chunk = [0; 4096];
    let last = |line: &&str| line.as_bytes().get(3) == Some(&b' ');
    while !said.ends_with('\n') || said.lines().filter(last).count() < count {
        let octets = stream.read(&mut chunk).await.unwrap();
        assert!(octets > 0, "closed after {said}");
        said.push_str(&String::from_utf8_lossy(&chunk[..octets]));
    }
    said
}
