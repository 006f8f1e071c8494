//! What it costs to accept durably: one caller alone, and several who share their flushes.
//!
//! `cargo bench --bench accept [FOLDER]` prints a table. The folder says which disk is measured; the default is
//! the system's temporary one. The number of syncs is counted by strace, in a run of its own, where strace is there.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    missing_docs
)]

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use faxgate::address::Number;
use faxgate::clock::Timestamp;
use faxgate::job::{Door, Job, JobId, Notify, Options, Proof, Recipient, Sender, Submission, SubmissionId};
use faxgate::store::{SledStore, Store, StoreConfig};

const ACCEPTORS: [usize; 4] = [1, 8, 64, 256];
const MESSAGE_BYTES: usize = 20_000;
/// Set in the run under strace: how many acceptors.
const TRACED: &str = "FAXGATE_BENCH_TRACED";

fn main() {
    let folder = std::env::args().skip(1).find(|argument| !argument.starts_with('-'));
    let folder = folder.map_or_else(std::env::temp_dir, Into::into);
    if let Ok(acceptors) = std::env::var(TRACED) {
        run(&folder, acceptors.parse().unwrap());
        return;
    }
    println!("accepting messages of {MESSAGE_BYTES} bytes in {}", folder.display());
    println!("acceptors  accepts/s  median ms  99 % ms  fsyncs/accept  fdatasyncs/accept");
    for acceptors in ACCEPTORS {
        let (elapsed, mut waits) = run(&folder, acceptors);
        waits.sort_unstable();
        let rate = waits.len() as f64 / elapsed.as_secs_f64();
        let at = |share: usize| waits[waits.len() * share / 100].as_secs_f64() * 1000.0;
        let (fsyncs, fdatasyncs) = count_syncs(&folder, acceptors).unwrap_or_default();
        let accepts = accepts(acceptors) as f64;
        println!(
            "{acceptors:9}  {rate:9.0}  {:9.2}  {:7.2}  {:13.2}  {:17.2}",
            at(50),
            at(99),
            fsyncs as f64 / accepts,
            fdatasyncs as f64 / accepts,
        );
    }
}

fn accepts(acceptors: usize) -> usize {
    if acceptors == 1 { 300 } else { 2048 }
}

/// Accepts by so many at once; gives the time of all, and of each.
fn run(folder: &Path, acceptors: usize) -> (Duration, Vec<Duration>) {
    let dir = tempfile::tempdir_in(folder).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let config = StoreConfig { dir: dir.path().to_owned(), ..StoreConfig::default() };
        let (store, _) = SledStore::open(config).unwrap();
        let begin = Instant::now();
        let tasks: Vec<_> = (0..acceptors)
            .map(|_| tokio::spawn(acceptor(store.clone(), accepts(acceptors) / acceptors)))
            .collect();
        let mut waits = Vec::new();
        for task in tasks {
            waits.extend(task.await.unwrap());
        }
        let elapsed = begin.elapsed();
        store.close().await.unwrap();
        (elapsed, waits)
    })
}

async fn acceptor(store: SledStore, count: usize) -> Vec<Duration> {
    let message = vec![b'x'; MESSAGE_BYTES];
    let mut waits = Vec::with_capacity(count);
    for _ in 0..count {
        let (submission, jobs) = submission();
        let begin = Instant::now();
        store.accept(&submission, &message, &jobs).await.unwrap();
        waits.push(begin.elapsed());
    }
    waits
}

/// Runs this program under strace, and gives its fsyncs and fdatasyncs; `None` without strace.
fn count_syncs(folder: &Path, acceptors: usize) -> Option<(u64, u64)> {
    let output = Command::new("strace")
        .args(["-f", "-c", "-U", "calls,name", "-e", "trace=fsync,fdatasync"])
        .arg(std::env::current_exe().ok()?)
        .arg(folder)
        .env(TRACED, acceptors.to_string())
        .stdout(Stdio::null())
        .output()
        .ok()?;
    let table = String::from_utf8(output.stderr).ok()?;
    let calls = |name: &str| {
        let line = table.lines().find(|line| line.split_whitespace().last() == Some(name));
        line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
    };
    Some((calls("fsync"), calls("fdatasync")))
}

fn submission() -> (Submission, Vec<Job>) {
    let now = Timestamp::now();
    let recipient = Recipient {
        address: "+12125550123@fax.example.com".into(),
        number: Number::parse("+12125550123").unwrap(),
        subaddress: None,
        attention: None,
        notify: Notify::DEFAULT,
        orcpt: None,
        key_of: None,
    };
    let submission = Submission {
        id: SubmissionId::new(now),
        received: now,
        door: Door::Smtp,
        sender: Sender { mailbox: Some("bob@example.com".into()), proof: Proof::Network("192.0.2.1".into()) },
        recipients: vec![recipient.clone()],
        options: Options::default(),
        ret: None,
        envid: None,
    };
    let jobs = vec![Job::new(JobId::new(now), &submission, recipient)];
    (submission, jobs)
}
