//! The post over the real store: what is owed leaves once, and what cannot leave is kept and told.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use faxgate::address::Number;
use faxgate::clock::ManualClock;
use faxgate::job::{FaxId, Job, Notice, Notify, Outcome, ReceivedFax, ReportKind, State, Submission};
use faxgate::mailer::{Mail, Maildir, MaildirConfig, Mailer, MailerError, Relay, RelayConfig};
use faxgate::post::{Post, PostSettings, next_try};
use faxgate::received::{Intake, ReceivedConfig};
use faxgate::report::{ReportConfig, owed};
use faxgate::store::{Store, StoreError};
use jiff::Timestamp;
use mail_parser::MessageParser;
use tokio::sync::{Notify as Wake, watch};

use crate::given::{MESSAGE, at, called, done, fax, identity, job, manifest, page, rendered, submission};
use crate::keep::Keep;
use crate::sink::Sink;

const POSTMASTER: &str = "postmaster@example.com";

/// A mailer that does what its script says, mail by mail, and then takes everything.
#[derive(Default)]
struct Scripted {
    failures: Mutex<Vec<MailerError>>,
    sent: Mutex<Vec<Mail>>,
}

impl Scripted {
    fn failing(failures: Vec<MailerError>) -> Arc<Self> {
        Arc::new(Self { failures: Mutex::new(failures), ..Self::default() })
    }

    fn sent(&self) -> Vec<Mail> {
        self.sent.lock().unwrap().clone()
    }
}

#[async_trait]
impl Mailer for Scripted {
    async fn send(&self, mail: &Mail) -> Result<(), MailerError> {
        let mut failures = self.failures.lock().unwrap();
        if !failures.is_empty() {
            return Err(failures.remove(0));
        }
        self.sent.lock().unwrap().push(mail.clone());
        Ok(())
    }
}

/// A mailer that sends, and then forgets once that it did.
struct Forgetful(Maildir, AtomicBool);

#[async_trait]
impl Mailer for Forgetful {
    async fn send(&self, mail: &Mail) -> Result<(), MailerError> {
        self.0.send(mail).await?;
        if self.1.swap(false, Ordering::SeqCst) {
            return Err(later());
        }
        Ok(())
    }
}

fn later() -> MailerError {
    MailerError::Temporary("450 later".into())
}

fn never() -> MailerError {
    MailerError::Permanent("550 no such user".into())
}

fn routes() -> ReceivedConfig {
    toml::from_str("[[route]]\nline = \"modem-1\"\nto = [\"office@example.com\"]").unwrap()
}

fn post(keep: &Keep, mailer: Arc<dyn Mailer>) -> Post {
    let settings = PostSettings {
        identity: identity(),
        report: ReportConfig::default(),
        received: routes(),
        fax_domain: "fax.example.com".into(),
        expires_after: Duration::from_secs(24 * 3600),
        number_of: Arc::new(Number::parse),
    };
    Post::new(keep.store.clone(), keep.blobs.clone(), mailer, settings)
}

/// A finished job in the store, with its report owed.
async fn owe_report(keep: &Keep, job: Job, kind: ReportKind, message: &[u8]) -> Job {
    let submission: Submission = submission();
    let waiting = Job { state: State::Waiting { until: job.received }, ..job.clone() };
    keep.store.accept(&submission, message, &[waiting]).await.unwrap();
    keep.store.update(&job, &owed(&job, kind, at("10:00:00"))).await.unwrap()
}

async fn owe_delivered(keep: &Keep) -> Job {
    let job = done(called(rendered(job(), 3), &[(Outcome::Delivered, 3)]), Outcome::Delivered);
    owe_report(keep, job, ReportKind::Success, MESSAGE).await
}

/// A received fax in the store, with its mail owed.
async fn owe_fax(keep: &Keep, pages: u32) -> FaxId {
    let intake = Intake::new(keep.store.clone(), keep.blobs.clone(), routes(), POSTMASTER.into());
    let id = intake.begin("modem-1", None, None, at("09:04:05")).await.unwrap();
    for n in 1..=pages {
        intake.page(&id, n, &page(n)).await.unwrap();
    }
    let fax = ReceivedFax { id: id.clone(), pages, ..fax() };
    intake.end(&fax).await.unwrap();
    id
}

fn subject(mail: &Mail) -> String {
    let parsed = MessageParser::default().parse(&mail.data).unwrap();
    parsed.subject().unwrap().to_owned()
}

fn text(mail: &Mail) -> String {
    let parsed = MessageParser::default().parse(&mail.data).unwrap();
    parsed.body_text(0).unwrap().into_owned()
}

#[test]
fn the_waits_grow_and_end_after_five_days() {
    let created = at("00:00:00");
    let minutes = |tries, now: Timestamp| {
        let wait = next_try(tries, created, now)?.duration_since(now);
        Some(wait.as_secs() / 60)
    };
    for (tries, wait) in [(0, 1), (1, 1), (2, 2), (3, 4), (4, 8), (5, 16), (6, 30), (7, 30), (u32::MAX, 30)] {
        assert_eq!(minutes(tries, created), Some(wait), "after {tries} tries");
    }
    let day = Duration::from_secs(24 * 3600);
    assert_eq!(minutes(200, created + 4 * day), Some(30));
    assert_eq!(next_try(200, created, created + 5 * day), None);
    assert_eq!(next_try(1, created, Timestamp::MAX), None);
}

#[tokio::test]
async fn what_is_owed_leaves_once() {
    let keep = Keep::new();
    let job = owe_delivered(&keep).await;
    keep.blobs.plant(job.manifest_key(), &serde_json::to_vec(&manifest()).unwrap());
    owe_fax(&keep, 2).await;
    let mailer = Scripted::failing(vec![]);
    let post = post(&keep, mailer.clone());
    assert_eq!(post.step(at("09:00:00")).await.unwrap(), 0, "not due yet");
    assert_eq!(post.step(at("10:00:00")).await.unwrap(), 2);
    assert_eq!(post.step(at("10:00:00")).await.unwrap(), 0);
    let mut sent = mailer.sent();
    sent.sort_by(|a, b| a.to.cmp(&b.to));
    assert_eq!(subject(&sent[0]), "Fax to +1 212 555 0123 delivered: Quarterly figures");
    assert!(text(&sent[0]).contains("figures-q3.pdf: pages 2 and 3"), "the manifest is read");
    assert_eq!((sent[0].to.as_str(), &sent[0].from), ("anna@example.com", &None));
    assert_eq!(subject(&sent[1]), "Fax from +1 212 555 0123 (2 pages)");
    assert_eq!(sent[1].to, "office@example.com");
}

#[tokio::test]
async fn a_mail_that_fails_for_now_is_tried_again_later() {
    let keep = Keep::new();
    owe_delivered(&keep).await;
    let mailer = Scripted::failing(vec![later(), later()]);
    let post = post(&keep, mailer.clone());
    post.step(at("10:00:00")).await.unwrap();
    let notice = keep.notices().await.remove(0);
    assert_eq!((notice.tries, notice.next_try), (1, Some(at("10:01:00"))));
    assert_eq!(notice.last_error.as_deref(), Some("450 later"));
    assert_eq!(post.step(at("10:00:59")).await.unwrap(), 0);
    post.step(at("10:01:00")).await.unwrap();
    assert_eq!(keep.notices().await[0].next_try, Some(at("10:03:00")));
    post.step(at("10:03:00")).await.unwrap();
    assert_eq!(mailer.sent().len(), 1);
    assert_eq!(mailer.sent()[0].key, notice.id.to_string());
    assert_eq!(keep.notices().await, []);
}

#[tokio::test]
async fn a_word_that_got_lost_makes_no_second_mail_in_a_maildir() {
    let keep = Keep::new();
    owe_fax(&keep, 1).await;
    let maildir = Maildir::new(&MaildirConfig { dir: keep.dir.path().join("mail") });
    let folder = maildir.folder("office@example.com").unwrap().join("new");
    let post = post(&keep, Arc::new(Forgetful(maildir, AtomicBool::new(true))));
    post.step(at("10:00:00")).await.unwrap();
    assert_eq!(keep.notices().await.len(), 1, "as after a crash between the sending and the forgetting");
    post.step(at("10:01:00")).await.unwrap();
    assert_eq!(keep.notices().await, []);
    assert_eq!(std::fs::read_dir(folder).unwrap().count(), 1);
}

#[tokio::test]
async fn a_word_that_got_lost_behind_a_relay_makes_the_same_mail() {
    let keep = Keep::new();
    owe_fax(&keep, 1).await;
    let notice = keep.notices().await.remove(0);
    let sink = Sink::start(&[(".", "hang up")]).await;
    let config = RelayConfig { host: "127.0.0.1".into(), port: sink.port, ..RelayConfig::default() };
    let post = post(&keep, Arc::new(Relay::new(&config, "gw.example.com").unwrap()));
    post.step(at("10:00:00")).await.unwrap();
    post.step(at("10:01:00")).await.unwrap();
    let taken = sink.taken();
    assert_eq!(taken.len(), 2);
    assert_eq!(taken[0].data, taken[1].data, "byte for byte");
    assert!(taken[0].data.contains(&format!("Message-ID: <{}@gw.example.com>", notice.id)));
    assert_eq!(taken[0].from, POSTMASTER);
}

#[tokio::test]
async fn a_fax_whose_mailbox_refuses_goes_to_the_postmaster_once() {
    let keep = Keep::new();
    owe_fax(&keep, 1).await;
    let mailer = Scripted::failing(vec![never()]);
    let post_office = post(&keep, mailer.clone());
    post_office.step(at("10:00:00")).await.unwrap();
    let notice = keep.notices().await.remove(0);
    assert_eq!((notice.to.as_str(), notice.tries), (POSTMASTER, 0));
    assert_eq!(notice.last_error.as_deref(), Some("550 no such user"));
    post_office.step(at("10:00:00")).await.unwrap();
    let sent = mailer.sent();
    assert_eq!((sent.len(), sent[0].to.as_str()), (1, POSTMASTER));
    assert!(text(&sent[0]).contains("It was for office@example.com"), "{}", text(&sent[0]));

    let keep = Keep::new();
    owe_fax(&keep, 1).await;
    let mailer = Scripted::failing(vec![never(), never()]);
    let post = post(&keep, mailer.clone());
    post.step(at("10:00:00")).await.unwrap();
    post.step(at("10:00:00")).await.unwrap();
    assert_eq!(post.step(at("23:00:00")).await.unwrap(), 0, "given up, not tried for ever");
    assert_eq!(mailer.sent(), []);
    assert_eq!(keep.store.received_list(9).await.unwrap().len(), 1, "the fax is still there");
}

#[tokio::test]
async fn a_fax_that_could_not_leave_for_five_days_goes_to_the_postmaster_too() {
    let keep = Keep::new();
    owe_fax(&keep, 1).await;
    let mailer = Scripted::failing(vec![later()]);
    let post = post(&keep, mailer.clone());
    let late = at("10:00:00") + Duration::from_secs(5 * 24 * 3600);
    post.step(late).await.unwrap();
    assert_eq!(keep.notices().await[0].to, POSTMASTER);
    post.step(late).await.unwrap();
    assert_eq!(mailer.sent().len(), 1);
}

#[tokio::test]
async fn a_report_that_is_refused_is_given_up_and_reported_to_nobody() {
    let keep = Keep::new();
    owe_delivered(&keep).await;
    let mailer = Scripted::failing(vec![never()]);
    let post = post(&keep, mailer.clone());
    assert_eq!(post.step(at("10:00:00")).await.unwrap(), 1);
    assert_eq!(post.step(at("23:00:00")).await.unwrap(), 0);
    assert_eq!(mailer.sent(), []);
    assert_eq!(keep.notices().await, []);
}

#[tokio::test]
async fn news_of_a_delay_that_is_over_is_dropped() {
    let keep = Keep::new();
    let waiting = called(rendered(job(), 3), &[(Outcome::Busy, 0)]);
    let waiting = owe_report(&keep, waiting, ReportKind::Delay, MESSAGE).await;
    let mailer = Scripted::failing(vec![later()]);
    let post = post(&keep, mailer.clone());
    post.step(at("10:00:00")).await.unwrap();
    let mut finished = done(waiting, Outcome::Delivered);
    finished.recipient.notify = Notify::NEVER;
    keep.store.update(&finished, &[]).await.unwrap();
    post.step(at("10:01:00")).await.unwrap();
    assert_eq!(mailer.sent(), []);
    assert_eq!(keep.notices().await, []);
}

#[tokio::test]
async fn a_failure_carries_the_trace_of_its_last_call() {
    let keep = Keep::new();
    let outcome = || Outcome::Interrupted { cause: "T2".into() };
    let failed = done(called(rendered(job(), 3), &[(outcome(), 1), (outcome(), 0)]), outcome());
    let failed = owe_report(&keep, failed, ReportKind::Failure, MESSAGE).await;
    keep.blobs.plant(failed.trace_key(1), b"  0.100  the first call\n");
    keep.blobs.plant(failed.trace_key(2), b"  0.100  > DCS \xFF 14400\n");
    keep.blobs.plant(failed.manifest_key(), b"no manifest");
    let mailer = Scripted::failing(vec![]);
    post(&keep, mailer.clone()).step(at("10:00:00")).await.unwrap();
    let text = text(&mailer.sent()[0]);
    assert!(text.contains("0.100 > DCS") && !text.contains("the first call"), "{text}");
}

#[tokio::test]
async fn a_fax_with_a_lost_page_is_delivered_and_a_failing_disk_waited_for() {
    let keep = Keep::new();
    let id = owe_fax(&keep, 2).await;
    let mailer = Scripted::failing(vec![]);
    let post = post(&keep, mailer.clone());
    *keep.blobs.broken.lock().unwrap() = true;
    post.step(at("10:00:00")).await.unwrap();
    assert_eq!(mailer.sent(), []);
    *keep.blobs.broken.lock().unwrap() = false;
    keep.blobs.blobs.lock().unwrap().remove(&ReceivedFax::page_key(&id, 1));
    post.step(at("10:01:00")).await.unwrap();
    assert!(text(&mailer.sent()[0]).contains("Page 1 arrived, but"), "{}", text(&mailer.sent()[0]));
}

#[tokio::test]
async fn a_store_that_cannot_forget_is_an_error_and_no_loss() {
    let keep = Keep::new();
    owe_delivered(&keep).await;
    let mailer = Scripted::failing(vec![]);
    let post = post(&keep, mailer.clone());
    keep.store.close().await.unwrap();
    assert!(matches!(post.step(at("10:00:00")).await, Err(StoreError::Failed(_))));
    assert_eq!(mailer.sent(), []);
}

#[tokio::test]
async fn the_loop_sends_at_a_hint_and_stops_when_told() {
    let keep = Keep::new();
    let mailer = Scripted::failing(vec![]);
    let post = Arc::new(post(&keep, mailer.clone()));
    let (stop, stopped) = watch::channel(false);
    let wake = Arc::new(Wake::new());
    let clock = ManualClock::new(at("10:00:00"));
    let running = tokio::spawn({
        let (post, wake) = (post.clone(), wake.clone());
        async move { post.run(&clock, stopped, &wake).await }
    });
    owe_delivered(&keep).await;
    wake.notify_one();
    while mailer.sent().is_empty() {
        tokio::task::yield_now().await;
    }
    stop.send(true).unwrap();
    running.await.unwrap();
    let left: Vec<Notice> = keep.notices().await;
    assert_eq!(left, []);
}
