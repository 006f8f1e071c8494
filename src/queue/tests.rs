//! The queue on a bench: a real store and real blobs on a folder of their own, simulated lines, and a clock that
//! stands still until it is moved.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;
use std::sync::Mutex;

use async_trait::async_trait;
use fax::page::Page;
use fax::session::{Quality, Report};
use tempfile::TempDir;

use super::*;
use crate::blob::FsBlobs;
use crate::clock::ManualClock;
use crate::job::{
    About, Door, Mark, Options, Progress, Proof, Recipient, ReportKind, Sender, Submission, SubmissionId,
};
use crate::line::sim::{Answer, Exchange, SimLineConfig, SimulatedNumber, SimulationConfig};
use crate::line::virtual_modem::nothing;
use crate::line::{Answering, CallEnd, Dial, Line, Receiving, Ringing, Seat, Sending};
use crate::store::faulty::{Faulty, When};
use crate::store::{SledStore, StoreConfig};

mod faults;
mod timing;

const FAR: &str = "+12125550200";
const OTHER: &str = "+12125550201";
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
const LEASE: Duration = Duration::from_secs(600);

fn number(text: &str) -> Number {
    Number::parse(text).unwrap()
}

/// What the far ends got: the pages of each call, by the number that was called.
#[derive(Clone, Default)]
struct Arrived(Arc<Mutex<BTreeMap<String, Vec<Vec<Page>>>>>);

impl Arrived {
    fn calls(&self, number: &str) -> Vec<Vec<Page>> {
        self.0.lock().unwrap().get(number).cloned().unwrap_or_default()
    }

    fn pages(&self, number: &str) -> usize {
        self.calls(number).iter().map(Vec::len).sum()
    }
}

struct FarEnd(Arrived, String);

impl Answering for Arrived {
    fn answer(&self, ringing: &Ringing) -> Option<Box<dyn Receiving>> {
        let called = ringing.called.as_ref().unwrap().to_string();
        self.0.lock().unwrap().entry(called.clone()).or_default().push(Vec::new());
        Some(Box::new(FarEnd(self.clone(), called)))
    }
}

impl Receiving for FarEnd {
    fn page(&mut self, _index: u32, page: &Page, _quality: &Quality) -> bool {
        let mut calls = self.0.0.lock().unwrap();
        calls.get_mut(&self.1).unwrap().last_mut().unwrap().push(page.clone());
        true
    }

    fn end(self: Box<Self>, _report: &Report) {}
}

/// A gateway's queue, and all that it works with.
struct Bench {
    queue: Arc<Queue>,
    store: SledStore,
    clock: ManualClock,
    arrived: Arrived,
    _dir: TempDir,
}

fn start() -> Timestamp {
    "2026-11-23T10:00:00Z".parse().unwrap()
}

/// A bench whose numbers answer so.
fn bench(answers: &[(&str, &[Answer])]) -> Bench {
    bench_on(answers, |store| Arc::new(store))
}

fn bench_on(answers: &[(&str, &[Answer])], over: impl FnOnce(SledStore) -> Arc<dyn Store>) -> Bench {
    let dir = TempDir::new().unwrap();
    let config = StoreConfig { dir: dir.path().join("store"), ..StoreConfig::default() };
    let (store, _) = SledStore::open(config).unwrap();
    let blobs = Arc::new(FsBlobs::open(dir.path().join("blobs")).unwrap());
    let (clock, arrived, wake) = (ManualClock::new(start()), Arrived::default(), Arc::new(Notify::new()));
    let mut numbers: Vec<&str> = answers.iter().map(|(number, _)| *number).chain([FAR, OTHER]).collect();
    numbers.sort_unstable();
    numbers.dedup();
    let line = |name: String, number: &str, dial| SimLineConfig {
        name,
        number: Number::parse(number).unwrap(),
        station_id: None,
        virtual_modem: None,
        dial,
        answer: !dial,
    };
    let out = ["+12125550100", "+12125550101"].iter().map(|n| line(format!("out-{n}"), n, true));
    let lines: Vec<_> = out.chain(numbers.iter().map(|n| line(format!("in-{n}"), n, false))).collect();
    let script =
        |(n, answers): &(&str, &[Answer])| SimulatedNumber { number: number(n), answers: answers.to_vec() };
    let simulation =
        SimulationConfig { number: answers.iter().map(script).collect(), ..SimulationConfig::default() };
    let lines = Exchange::build(simulation, &lines, Arc::new(arrived.clone()), &nothing(), &wake).unwrap();
    let queue = Queue {
        store: over(store.clone()),
        blobs,
        renderer: Arc::new(render::InProcess),
        pool: Pool::new(lines),
        clock: Arc::new(clock.clone()),
        wake,
        mail_wake: Arc::new(Notify::new()),
        settings: settings(),
    };
    Bench { queue: Arc::new(queue), store, clock, arrived, _dir: dir }
}

fn settings() -> Settings {
    Settings {
        node: "here".into(),
        rules: Rules::default(),
        lease: LEASE,
        store_pause: Duration::ZERO,
        stop_grace: MINUTE,
        render: render::RenderConfig::default(),
        header_from: "Bench".into(),
        zone: jiff::tz::TimeZone::UTC,
    }
}

impl Bench {
    /// The same bench with other lines, or another blob store.
    fn with(mut self, change: impl FnOnce(&mut Queue)) -> Self {
        change(Arc::get_mut(&mut self.queue).unwrap());
        self
    }

    /// Accepts a fax of so many pages for each of these numbers.
    async fn accept(&self, numbers: &[&str], pages: usize) -> Vec<JobId> {
        self.accept_with(numbers, pages, Options::default()).await
    }

    async fn accept_with(&self, numbers: &[&str], pages: usize, options: Options) -> Vec<JobId> {
        let now = self.clock.now();
        let recipients = numbers.iter().map(|text| Recipient {
            address: format!("{text}@fax.example.com"),
            number: number(text),
            subaddress: None,
            attention: None,
            notify: crate::job::Notify::DEFAULT,
            orcpt: None,
            key_of: None,
        });
        let submission = Submission {
            id: SubmissionId::new(now),
            received: now,
            door: Door::Smtp,
            sender: Sender {
                mailbox: Some("anna@example.com".into()),
                proof: Proof::Network("10.0.0.1".into()),
            },
            recipients: recipients.collect(),
            options,
            ret: None,
            envid: None,
        };
        // Names of one millisecond differ by chance alone.
        let mut names = std::collections::BTreeSet::new();
        while names.len() < submission.recipients.len() {
            names.insert(JobId::new(now));
        }
        let named = submission.recipients.iter().zip(names);
        let jobs: Vec<Job> = named.map(|(r, id)| Job::new(id, &submission, r.clone())).collect();
        let more = "One line more.\r\n".repeat(70 * (pages - 1));
        let message = format!("Subject: a fax\r\n\r\nHello.\r\n{more}");
        self.store.accept(&submission, message.as_bytes(), &jobs).await.unwrap();
        jobs.into_iter().map(|job| job.id).collect()
    }

    async fn accept_one(&self, pages: usize) -> JobId {
        self.accept(&[FAR], pages).await.remove(0)
    }

    /// Starts what is due once, and lets it end.
    async fn step(&self) -> usize {
        let mut calls = Calls::default();
        if let Err(error) = self.queue.start_due(&mut calls).await {
            println!("{error}");
        }
        let started = calls.0.len();
        while let Some(ended) = calls.0.join_next_with_id().await {
            forget(&mut calls.1, &ended);
        }
        started
    }

    /// Works until nothing is due any more.
    async fn work(&self) {
        while self.step().await > 0 {}
    }

    async fn job(&self, id: &JobId) -> Job {
        self.store.job(id).await.unwrap()
    }

    async fn outcome(&self, id: &JobId) -> &'static str {
        self.job(id).await.outcome().map_or("open", Outcome::word)
    }

    /// The reports that are owed for a job.
    async fn reports(&self, id: &JobId) -> Vec<ReportKind> {
        let notices = self.store.notices_due(self.clock.now(), 10_000).await.unwrap();
        let about = |notice: Notice| match notice.about {
            About::Report { job, kind } => (job == *id).then_some(kind),
            About::Disposition { .. } | About::Received(_) => None,
        };
        notices.into_iter().filter_map(about).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fax_is_delivered_with_its_trace_and_one_report() {
    let bench = bench(&[]);
    let id = bench.accept_one(2).await;
    bench.work().await;
    let job = bench.job(&id).await;
    assert_eq!(job.outcome(), Some(&Outcome::Delivered));
    assert_eq!((job.progress.pages, job.progress.confirmed, job.calls), (2, 2, 1));
    assert_eq!(job.attempts[0].pages_confirmed, 2);
    assert_eq!(job.attempts[0].remote_id.as_deref(), Some(FAR));
    assert_eq!(bench.arrived.pages(FAR), 2);
    let trace = bench.queue.blobs.get(&job.trace_key(1)).await.unwrap();
    assert!(String::from_utf8(trace).unwrap().contains("MCF"));
    assert_eq!(bench.reports(&id).await, [ReportKind::Success]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_goes_on_begins_with_a_page_that_says_so_where_the_operator_wants_it() {
    for wanted in [false, true] {
        // The second call breaks off on its first page.
        let broken = [45, 17].map(|seconds| Answer::DropAfter(Duration::from_secs(seconds)));
        let bench = bench(&[(FAR, &[broken[0], broken[1], Answer::Line])])
            .with(|queue| queue.settings.render.continuation_cover = wanted);
        let id = bench.accept_one(6).await;
        bench.work().await;
        let Progress { pages, confirmed: arrived, .. } = bench.job(&id).await.progress;
        assert!((1..pages).contains(&arrived), "{arrived} of {pages}");
        bench.clock.advance(HOUR);
        bench.work().await;
        assert_eq!(bench.job(&id).await.progress.confirmed, arrived);
        for _ in 0..2 {
            bench.clock.advance(HOUR);
            bench.work().await;
        }
        assert_eq!(bench.outcome(&id).await, "delivered");
        let job = bench.job(&id).await;
        assert_eq!(job.attempts.iter().map(|attempt| attempt.pages_confirmed).sum::<u32>(), pages);
        let calls = bench.arrived.calls(FAR);
        assert_eq!(calls.len(), 3);
        let last = calls[2].len() as u32;
        assert_eq!(last, job.attempts[2].pages_confirmed + u32::from(wanted), "the cover page is one more");
        // Below the header line, which has the time of the call.
        let body = |page: &Page| page.bits()[40 * page.stride()..].to_vec();
        // The document's pages are alike, but for the first and the last.
        assert_eq!(body(&calls[2][0]) != body(&calls[0][1]), wanted);
        assert_eq!(body(&calls[2][1]), body(&calls[0][1]));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_busy_number_is_dialled_again_at_its_time_and_not_before() {
    let bench = bench(&[(FAR, &[Answer::Busy, Answer::Line])]);
    let id = bench.accept_one(1).await;
    bench.work().await;
    assert_eq!(bench.job(&id).await.due(), Some(start() + 3 * MINUTE));
    assert_eq!(bench.reports(&id).await, []);
    bench.clock.advance(3 * MINUTE - Duration::from_secs(1));
    assert_eq!(bench.step().await, 0);
    let mut calls = Calls::default();
    let pause = bench.queue.start_due(&mut calls).await.unwrap();
    assert_eq!(pause, Duration::from_secs(1), "the loop sleeps until then");
    bench.clock.advance(Duration::from_secs(1));
    bench.work().await;
    let job = bench.job(&id).await;
    let words: Vec<_> = job.attempts.iter().map(|attempt| attempt.outcome.word()).collect();
    assert_eq!(words, ["busy", "delivered"]);
    assert_eq!(bench.reports(&id).await, [ReportKind::Success]);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_cause_has_its_own_tries_and_the_last_gives_the_outcome() {
    let bench = bench(&[(FAR, &[Answer::Voice]), (OTHER, &[Answer::NoAnswer])]);
    let ids = bench.accept(&[FAR, OTHER, "+12125559999"], 1).await;
    for _ in 0..20 {
        bench.work().await;
        bench.clock.advance(5 * MINUTE);
    }
    for (id, word, calls) in [(&ids[0], "no-fax", 2), (&ids[1], "no-answer", 4), (&ids[2], "no-answer", 4)] {
        let job = bench.job(id).await;
        assert_eq!((job.outcome().unwrap().word(), job.calls), (word, calls));
        assert_eq!(bench.reports(id).await, [ReportKind::Failure]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fax_that_waits_for_a_line_is_reported_late_once_and_then_expires() {
    let bench = bench(&[]);
    let id = bench.accept_one(1).await;
    let far = number("+12125550999");
    let lines = [bench.queue.pool.take_for(&far).unwrap(), bench.queue.pool.take_for(&far).unwrap()];
    for _ in 0..3 {
        bench.clock.advance(HOUR);
        assert_eq!(bench.step().await, 0);
        bench.queue.look_at_waiting().await.unwrap();
    }
    assert_eq!(bench.reports(&id).await, [ReportKind::Delay]);
    bench.clock.advance(21 * HOUR);
    bench.queue.look_at_waiting().await.unwrap();
    assert_eq!(bench.outcome(&id).await, "expired");
    bench.queue.look_at_waiting().await.unwrap();
    assert_eq!(bench.reports(&id).await, [ReportKind::Delay, ReportKind::Failure]);
    drop(lines);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fax_whose_time_ran_out_while_the_gateway_was_off_is_not_dialled() {
    let bench = bench(&[]);
    let id = bench.accept_one(1).await;
    bench.clock.advance(25 * HOUR);
    bench.work().await;
    assert_eq!((bench.outcome(&id).await, bench.arrived.calls(FAR).len()), ("expired", 0));
    assert_eq!(bench.reports(&id).await, [ReportKind::Failure]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_has_one_call_at_a_time_and_does_not_hold_up_the_others() {
    let bench = bench(&[]);
    let many = bench.accept(&vec![FAR; DUE_MAX + 50], 1).await;
    bench.clock.advance(Duration::from_secs(1));
    let other = bench.accept(&[OTHER], 1).await.remove(0);
    assert_eq!(bench.step().await, 2, "one call for each number");
    assert_eq!(bench.outcome(&other).await, "delivered");
    bench.step().await;
    let mut delivered = 0;
    for id in &many {
        let job = bench.job(id).await;
        assert!(job.attempts.iter().all(|attempt| attempt.outcome == Outcome::Delivered));
        delivered += usize::from(job.outcome().is_some());
    }
    assert_eq!(delivered, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn late_faxes_are_found_behind_any_number_of_others() {
    let bench = bench(&[]);
    let ids = bench.accept(&vec![FAR; DUE_MAX + 50], 1).await;
    bench.clock.advance(2 * HOUR);
    bench.queue.look_at_waiting().await.unwrap();
    let notices = bench.store.notices_due(bench.clock.now(), 10_000).await.unwrap();
    assert_eq!(notices.len(), ids.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn mail_that_is_owed_does_not_keep_the_queue_awake() {
    let bench = bench(&[]);
    bench.accept_one(1).await;
    bench.work().await;
    bench.clock.advance(MINUTE);
    let pause = bench.queue.start_due(&mut Calls::default()).await.unwrap();
    assert_eq!(pause, SLEEP_MAX);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_loop_takes_a_hint_and_ends_when_it_is_told_to() {
    let bench = bench(&[]);
    let (stop, stopped) = watch::channel(false);
    let running = tokio::spawn(Arc::clone(&bench.queue).run(stopped));
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.push(bench.accept_one(1).await);
        bench.queue.wake.notify_one();
        tokio::time::timeout(MINUTE, bench.queue.mail_wake.notified()).await.unwrap();
    }
    stop.send(true).unwrap();
    tokio::time::timeout(MINUTE, running).await.unwrap().unwrap();
    for id in &ids {
        assert_eq!(bench.outcome(id).await, "delivered");
    }
    assert_eq!(bench.queue.pool.free(), 2);
}
