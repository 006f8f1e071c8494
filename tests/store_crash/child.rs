//! The process that works on the store, and says on its standard output what it was told is durable.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use faxgate::address::Number;
use faxgate::blob::{Blobs, FsBlobs};
use faxgate::clock::Timestamp;
use faxgate::job::{
    About, Door, Job, JobId, Notice, Notify, Options, Outcome, Proof, Recipient, ReportKind, Sender, State,
    Submission, SubmissionId,
};
use faxgate::store::{SledStore, Store, StoreConfig, StoreError};

/// The folder of the store; without it the child's test does nothing.
pub(crate) const DIR: &str = "FAXGATE_TEST_STORE_DIR";
/// What to do there.
pub(crate) const MODE: &str = "FAXGATE_TEST_STORE_MODE";
/// Jobs of each submission.
pub(crate) const JOBS: usize = 2;
/// Submissions in the mode `sequence`.
pub(crate) const SEQUENCE: usize = 60;
/// Keys that are put in the mode `blobs`.
pub(crate) const BLOBS: [&str; 3] = ["received/x/0001.tiff", "received/x/0002.tiff", "received/x/0001.tiff"];
/// A file that makes room when it is removed.
pub(crate) const BALLAST: &str = "ballast";

/// The settings of a store in `dir`.
pub(crate) fn config(dir: &Path) -> StoreConfig {
    // Now and then sled waits for ever for a write that failed under it. The store gives it a third of the deadline, and
    // makes the index again.
    StoreConfig { dir: dir.join("store"), commit_deadline: Duration::from_secs(5), ..StoreConfig::default() }
}

/// A submission of its own, and its jobs.
pub(crate) fn submission() -> (Submission, Vec<Job>) {
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
    let sender =
        Sender { mailbox: Some("bob@example.com".into()), proof: Proof::Network("192.0.2.1".into()) };
    let submission = Submission {
        id: SubmissionId::new(now),
        received: now,
        door: Door::Smtp,
        sender,
        recipients: vec![recipient; JOBS],
        options: Options::default(),
        ret: None,
        envid: None,
    };
    let job = |recipient: &Recipient| Job::new(JobId::new(now), &submission, recipient.clone());
    let jobs = submission.recipients.iter().map(job).collect();
    (submission, jobs)
}

/// Whether the message of a submission is too large for the journal and goes to its file at once: every second one.
pub(crate) fn is_large(id: &SubmissionId) -> bool {
    id.to_string().bytes().last().is_some_and(|last| last % 2 == 0)
}

/// The message of a submission: long enough to be torn, and its own.
pub(crate) fn message(id: &SubmissionId) -> Vec<u8> {
    let lines = if is_large(id) { 6000 } else { 2000 };
    format!("Subject: {id}\r\n\r\n{}", format!("{id}\r\n").repeat(lines)).into_bytes()
}

/// What the child was told is durable.
#[derive(Debug, Default)]
pub(crate) struct Acknowledged {
    /// Jobs, their submission, and the highest version that was answered.
    pub(crate) jobs: BTreeMap<JobId, (SubmissionId, u64)>,
    /// Jobs whose report it began to forget.
    pub(crate) report_sent: Vec<JobId>,
}

impl Acknowledged {
    /// Takes a line of the child's output in; gives whether it was an acknowledgement.
    pub(crate) fn read(&mut self, line: &str) -> bool {
        let Some((_, line)) = line.split_once("ack ") else {
            return false;
        };
        let words: Vec<&str> = line.split_whitespace().collect();
        let job = |text: &str| JobId::parse(text).unwrap();
        match words[..] {
            ["sent", id] => self.report_sent.push(job(id)),
            [submission, id, version] => {
                let submission = SubmissionId::parse(submission).unwrap();
                self.jobs.insert(job(id), (submission, version.parse().unwrap()));
            }
            _ => panic!("not a line of the child: {line}"),
        }
        true
    }
}

fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    // One write for a line: a pipe takes it as a whole.
    let _ = out.write_all(format!("{line}\n").as_bytes());
    let _ = out.flush();
}

fn acknowledge(job: &Job) {
    say(&format!("ack {} {} {}", job.submission, job.id, job.version));
}

/// Starts the child under `wrapper` (a program and its arguments; may be empty).
pub(crate) fn start(dir: &Path, mode: &str, wrapper: &[&str]) -> Child {
    let program = std::env::current_exe().unwrap();
    let mut line: Vec<&str> = wrapper.to_vec();
    line.push(program.to_str().unwrap());
    line.extend(["child::the_child", "--exact", "--nocapture", "--test-threads=1"]);
    Command::new(line[0])
        .args(&line[1..])
        .env(DIR, dir)
        .env(MODE, mode)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|e| panic!("{} cannot be started: {e}", line[0]))
}

/// Waits for the child's own end, and gives its lines.
pub(crate) fn output(mut child: Child) -> Vec<String> {
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok).collect();
    let status = child.wait().unwrap();
    assert!(status.success(), "the child failed: {status}; {lines:#?}");
    lines
}

/// Not a test by itself: what the other tests start and kill.
#[test]
fn the_child() {
    let Ok(dir) = std::env::var(DIR) else {
        return;
    };
    let dir = Path::new(&dir);
    let mode = std::env::var(MODE).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let (store, _) = SledStore::open(config(dir)).unwrap();
        match mode.as_str() {
            "crowd" => crowd(&store).await,
            "sequence" => sequence(&store).await,
            "fill" => fill(&store, dir).await,
            "blobs" => blobs(dir).await,
            other => panic!("no mode {other}"),
        }
        store.close().await.unwrap();
    });
}

/// Several who accept, claim, end and report for ever; the first also forgets what is over.
async fn crowd(store: &SledStore) {
    let one = |store: SledStore, purges: bool| async move {
        loop {
            let (submission, jobs) = submission();
            live(&store, &submission, &jobs).await.unwrap();
            if purges {
                store.purge(Timestamp::now(), 1).await.unwrap();
            }
        }
    };
    let tasks: Vec<_> = (0..4).map(|task| tokio::spawn(one(store.clone(), task == 0))).collect();
    for task in tasks {
        let () = task.await.unwrap();
    }
}

async fn live(store: &SledStore, submission: &Submission, jobs: &[Job]) -> Result<(), StoreError> {
    store.accept(submission, &message(&submission.id), jobs).await?;
    jobs.iter().for_each(acknowledge);
    for job in jobs {
        let now = Timestamp::now();
        let claimed = job.claim("child", now, Duration::from_secs(60)).unwrap();
        let claimed = store.update(&claimed, &[]).await?;
        acknowledge(&claimed);
        let (ended, report) = end(&claimed, now);
        acknowledge(&store.update(&ended, std::slice::from_ref(&report)).await?);
        say(&format!("ack sent {}", job.id));
        store.notice_done(&report.id).await?;
    }
    Ok(())
}

fn end(job: &Job, now: Timestamp) -> (Job, Notice) {
    let about = About::Report { job: job.id.clone(), kind: ReportKind::Success };
    let state = State::Done { at: now, outcome: Outcome::Delivered };
    let ended = Job { state, ..job.clone() };
    (ended, Notice::new(about, "bob@example.com".into(), now))
}

/// Accepts and ends one after the other; what fails is tried again, a few times.
async fn sequence(store: &SledStore) {
    for _ in 0..SEQUENCE {
        let (submission, jobs) = submission();
        let bytes = message(&submission.id);
        insist(async || match store.accept(&submission, &bytes, &jobs).await {
            Err(StoreError::Conflict(_)) => Ok(()),
            other => other,
        })
        .await;
        jobs.iter().for_each(acknowledge);
        for job in &jobs {
            let ended = insist(async || {
                let current = store.job(&job.id).await?;
                if current.due().is_none() {
                    return Ok(current);
                }
                let (ended, report) = end(&current, Timestamp::now());
                store.update(&ended, &[report]).await
            })
            .await;
            acknowledge(&ended);
        }
    }
}

async fn insist<T>(verb: impl AsyncFn() -> Result<T, StoreError>) -> T {
    for _ in 0..10 {
        match verb().await {
            Ok(value) => return value,
            Err(error) => say(&format!("err {error}")),
        }
    }
    panic!("it never went");
}

/// Puts blobs: two into one new folder, and one again.
async fn blobs(dir: &Path) {
    let blobs = FsBlobs::open(dir.join("blobs")).unwrap();
    for key in BLOBS {
        blobs.put(key, b"a page").await.unwrap();
        say(&format!("put {key}"));
    }
}

/// Accepts until the disk has been full for a while; then makes room, and goes on.
async fn fill(store: &SledStore, dir: &Path) {
    let mut refused = 0;
    let mut accepted = 0;
    while refused < 20 {
        assert!(accepted < 5000, "the disk is never full");
        let (submission, jobs) = submission();
        match store.accept(&submission, &message(&submission.id), &jobs).await {
            Ok(()) => {
                accepted += 1;
                jobs.iter().for_each(acknowledge);
            }
            Err(error @ (StoreError::Full(_) | StoreError::Failed(_))) => {
                refused += 1;
                say(&format!("err {error}"));
            }
            Err(other) => panic!("{other}"),
        }
    }
    if std::fs::remove_file(dir.join(BALLAST)).is_ok() {
        for _ in 0..20 {
            let (submission, jobs) = submission();
            insist(async || store.accept(&submission, &message(&submission.id), &jobs).await).await;
            jobs.iter().for_each(acknowledge);
        }
    }
}
