//! What every store must do, whatever it is made of. A store's tests hand an empty one to each case.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::time::Duration;

use jiff::Timestamp;

use super::{JobFilter, Store, StoreError};
use crate::address::Number;
use crate::job::{
    About, Door, FaxId, Job, JobId, Notice, NoticeId, Notify, Options, Outcome, Proof, ReceivedFax,
    Recipient, ReportKind, Sender, State, Submission, SubmissionId,
};

const LEASE: Duration = Duration::from_secs(60);

/// A time in the tests: so many seconds after their beginning.
pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_795_000_000 + seconds).unwrap()
}

/// A submission to so many recipients, and its jobs.
pub(crate) fn submission(now: Timestamp, recipients: usize) -> (Submission, Vec<Job>) {
    let recipient = |last: usize| Recipient {
        address: format!("+1212555{last:04}@fax.example.com"),
        number: Number::parse(&format!("+1212555{last:04}")).unwrap(),
        subaddress: None,
        attention: Some("Ann Ξ".into()),
        notify: Notify::DEFAULT,
        orcpt: None,
        key_of: None,
    };
    let submission = Submission {
        id: SubmissionId::new(now),
        received: now,
        door: Door::Smtp,
        sender: Sender { mailbox: Some("bob@example.com".into()), proof: Proof::Network("192.0.2.1".into()) },
        recipients: (0..recipients).map(recipient).collect(),
        options: Options::default(),
        ret: None,
        envid: Some("QQ314159".into()),
    };
    let job = |recipient: &Recipient| Job::new(JobId::new(now), &submission, recipient.clone());
    let jobs = submission.recipients.iter().map(job).collect();
    (submission, jobs)
}

/// Accepts a submission to one recipient.
pub(crate) async fn accept_one(store: &dyn Store, now: Timestamp) -> Job {
    let (submission, jobs) = submission(now, 1);
    store.accept(&submission, b"Subject: hello\r\n\r\nA page.\r\n", &jobs).await.unwrap();
    jobs[0].clone()
}

/// A job at its end.
pub(crate) fn done(job: &Job, at: Timestamp) -> Job {
    let outcome = Outcome::Delivered;
    Job { state: State::Done { at, outcome }, ..job.clone() }
}

/// The report on a job.
pub(crate) fn report(job: &Job, now: Timestamp) -> Notice {
    let about = About::Report { job: job.id.clone(), kind: ReportKind::Success };
    Notice::new(about, "bob@example.com".into(), now)
}

/// A fax that came in.
pub(crate) fn fax(now: Timestamp) -> ReceivedFax {
    ReceivedFax {
        id: FaxId::new(now),
        line: "modem1".into(),
        called: Number::parse("+12125550199"),
        caller: None,
        remote_id: Some("+1 212 555 0100".into()),
        subaddress: Some("6377".into()),
        started: now,
        ended: now,
        pages: 2,
        complete: true,
        mode: None,
    }
}

fn is_conflict<T>(result: &Result<T, StoreError>) -> bool {
    matches!(result, Err(StoreError::Conflict(_)))
}

fn is_not_found<T>(result: &Result<T, StoreError>) -> bool {
    matches!(result, Err(StoreError::NotFound(_)))
}

async fn all(store: &dyn Store) -> Vec<Job> {
    store.jobs(&JobFilter::default()).await.unwrap()
}

/// An accepted submission is there with its message and all its jobs; a refused one leaves nothing.
pub(crate) async fn accept_is_all_or_nothing(store: &dyn Store) {
    let (first, jobs) = submission(at(0), 3);
    let message = b"Subject: x\r\n\r\n\0\xff\r\n";
    store.accept(&first, message, &jobs).await.unwrap();
    assert_eq!(store.message(&first.id).await.unwrap(), message);
    for job in &jobs {
        assert_eq!(store.job(&job.id).await.unwrap(), *job);
    }

    let (kept, names) = store.submission(&first.id).await.unwrap();
    assert_eq!(kept, first);
    assert!(names.iter().eq(jobs.iter().map(|job| &job.id)));
    let unknown = store.submission(&SubmissionId::new(at(9))).await;
    assert!(is_not_found(&unknown), "{unknown:?}");

    let again = store.accept(&first, b"other", &jobs).await;
    assert!(is_conflict(&again), "{again:?}");
    assert_eq!(store.message(&first.id).await.unwrap(), message);

    let (second, mut others) = submission(at(1), 2);
    others[1].id = jobs[0].id.clone();
    let clash = store.accept(&second, b"x", &others).await;
    assert!(is_conflict(&clash), "{clash:?}");
    let (third, mut others) = submission(at(1), 2);
    others[1].envid = Some("x".repeat(100_000));
    let large = store.accept(&third, b"x", &others).await;
    assert!(matches!(large, Err(StoreError::TooLarge(_))), "{large:?}");
    let (fourth, _) = submission(at(1), 1);
    assert!(store.accept(&fourth, b"x", &[]).await.is_err(), "nobody would dial it");
    assert!(store.accept(&fourth, b"x", &jobs).await.is_err(), "those are another's");
    for id in [&second.id, &third.id, &fourth.id] {
        let message = store.message(id).await;
        assert!(is_not_found(&message), "{message:?}");
    }
    assert_eq!(all(store).await.len(), 3);

    store.accept(&second, b"now", &submission_jobs(&second)).await.unwrap();
    assert_eq!(store.message(&second.id).await.unwrap(), b"now", "a refused name can be used");
}

fn submission_jobs(submission: &Submission) -> Vec<Job> {
    let job = |recipient: &Recipient| Job::new(JobId::new(at(5)), submission, recipient.clone());
    submission.recipients.iter().map(job).collect()
}

/// A job is written by the one who read it last; each write has the next version.
pub(crate) async fn updates_compare_versions(store: &dyn Store) {
    let job = accept_one(store, at(0)).await;
    let claimed = job.claim("one", at(1), LEASE).unwrap();
    let written = store.update(&claimed, &[]).await.unwrap();
    assert_eq!(written.version, job.version + 1);
    assert_eq!(written.state, claimed.state);

    let late = store.update(&job.claim("two", at(1), LEASE).unwrap(), &[]).await;
    assert!(is_conflict(&late), "{late:?}");
    assert_eq!(store.job(&job.id).await.unwrap(), written);

    let renewed = store.update(&written.renew(at(30), LEASE), &[]).await.unwrap();
    assert_eq!(renewed.version, job.version + 2);
    let stranger = submission(at(0), 1).1.remove(0);
    assert!(is_not_found(&store.update(&stranger, &[]).await));
    let large = Job { envid: Some("x".repeat(100_000)), ..renewed.clone() };
    let large = store.update(&large, &[]).await;
    assert!(matches!(large, Err(StoreError::TooLarge(_))), "{large:?}");
    assert_eq!(store.job(&job.id).await.unwrap(), renewed);
}

/// Of many who claim the same job at once, one has it.
pub(crate) async fn one_claim_wins(store: &dyn Store) {
    let job = accept_one(store, at(0)).await;
    let owners: Vec<String> = (0..20).map(|n| format!("gateway-{n}")).collect();
    let claims = owners.iter().map(|owner| job.claim(owner, at(1), LEASE).unwrap()).collect::<Vec<_>>();
    let mut futures = claims.iter().map(|claim| Box::pin(store.update(claim, &[]))).collect::<Vec<_>>();
    let mut results = Vec::new();
    std::future::poll_fn(|context| {
        futures.retain_mut(|future| match future.as_mut().poll(context) {
            std::task::Poll::Ready(result) => {
                results.push(result);
                false
            }
            std::task::Poll::Pending => true,
        });
        if futures.is_empty() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
    assert_eq!(results.iter().filter(|result| is_conflict(result)).count(), 19);
    assert_eq!(store.job(&job.id).await.unwrap().version, job.version + 1);
}

/// What is due comes in the order of time; what is leased comes back when its lease is over; what is done
/// never.
pub(crate) async fn due_follows_the_clock(store: &dyn Store) {
    assert_eq!(store.next_due(at(0)).await.unwrap(), None);
    let late = accept_one(store, at(20)).await;
    let early = accept_one(store, at(10)).await;
    assert_eq!(store.next_due(at(0)).await.unwrap(), Some(at(10)));
    assert_eq!(store.due(at(9), None, 10).await.unwrap(), vec![]);
    assert_eq!(store.due(at(10), None, 10).await.unwrap(), vec![early.clone()]);
    assert_eq!(store.due(at(99), None, 10).await.unwrap(), vec![early.clone(), late.clone()]);
    assert_eq!(store.due(at(99), None, 1).await.unwrap(), vec![early.clone()]);
    assert_eq!(store.due(at(99), None, 0).await.unwrap(), vec![]);
    assert_eq!(store.due(at(99), Some(&early), 10).await.unwrap(), vec![late.clone()], "behind the first");
    assert_eq!(store.due(at(99), Some(&late), 10).await.unwrap(), vec![]);
    assert_eq!(store.due(at(9), Some(&late), 10).await.unwrap(), vec![], "a clock that went back");
    assert_eq!(store.next_due(at(10)).await.unwrap(), Some(at(20)), "what is due already wakes nobody");
    assert_eq!(store.next_due(at(20)).await.unwrap(), None);

    let leased = store.update(&early.claim("one", at(21), LEASE).unwrap(), &[]).await.unwrap();
    assert_eq!(store.due(at(80), None, 10).await.unwrap(), vec![late.clone()]);
    assert_eq!(
        store.due(at(81), None, 10).await.unwrap(),
        vec![late.clone(), leased.clone()],
        "the lease is over"
    );

    store.update(&done(&late, at(82)), &[]).await.unwrap();
    assert_eq!(store.due(at(999), None, 10).await.unwrap(), vec![leased.clone()]);
    store.update(&done(&leased, at(83)), &[]).await.unwrap();
    assert_eq!(store.due(at(999), None, 10).await.unwrap(), vec![]);
    assert_eq!(store.next_due(at(0)).await.unwrap(), None);
}

/// Lists have the newest first, as many as were asked for.
pub(crate) async fn lists_have_the_newest_first(store: &dyn Store) {
    let mut jobs = Vec::new();
    for seconds in [1, 3, 2] {
        jobs.push(accept_one(store, at(seconds)).await);
    }
    let ended = store.update(&done(&jobs[1], at(4)), &[]).await.unwrap();
    let newest = vec![ended, jobs[2].clone(), jobs[0].clone()];
    assert_eq!(all(store).await, newest);
    let filter = |open_only, limit| JobFilter { open_only, limit, ..JobFilter::default() };
    assert_eq!(store.jobs(&filter(false, 2)).await.unwrap(), newest[..2]);
    assert_eq!(store.jobs(&filter(true, 0)).await.unwrap(), newest[1..]);
    assert_eq!(store.jobs(&filter(true, 1)).await.unwrap(), newest[1..2]);
}

/// A notice is there if, and only if, the change is that gave rise to it; and until it went out.
pub(crate) async fn notices_go_with_their_change(store: &dyn Store) {
    let job = accept_one(store, at(0)).await;
    let first = report(&job, at(5));
    let ended = store.update(&done(&job, at(5)), std::slice::from_ref(&first)).await.unwrap();
    let refused = store.update(&done(&job, at(6)), &[report(&job, at(6))]).await;
    assert!(is_conflict(&refused), "{refused:?}");
    assert_eq!(store.notices_due(at(4), 10).await.unwrap(), vec![]);
    assert_eq!(store.notices_due(at(9), 10).await.unwrap(), vec![first.clone()]);
    assert_eq!(store.next_due(at(0)).await.unwrap(), Some(at(5)));
    let twice = store.update(&ended, std::slice::from_ref(&first)).await;
    assert!(is_conflict(&twice), "a notice has a name of its own: {twice:?}");
    assert_eq!(store.job(&job.id).await.unwrap(), ended);

    let retried =
        Notice { next_try: Some(at(60)), tries: 1, last_error: Some("451 later".into()), ..first.clone() };
    store.notice_retry(&retried).await.unwrap();
    assert_eq!(store.notices_due(at(59), 10).await.unwrap(), vec![]);
    assert_eq!(store.notices_due(at(60), 10).await.unwrap(), vec![retried.clone()]);
    let given_up = Notice { next_try: None, ..retried };
    store.notice_retry(&given_up).await.unwrap();
    assert_eq!(store.next_due(at(0)).await.unwrap(), None, "given up is not due");

    store.notice_done(&first.id).await.unwrap();
    store.notice_done(&first.id).await.unwrap();
    assert!(is_not_found(&store.notice_retry(&first).await));
    assert!(is_not_found(&store.notice_retry(&Notice { id: NoticeId::new(at(0)), ..first }).await));
}

/// A received fax is kept once, with its notices.
pub(crate) async fn a_received_fax_is_kept_once(store: &dyn Store) {
    let (first, second) = (fax(at(1)), fax(at(2)));
    let notice =
        |fax: &ReceivedFax| Notice::new(About::Received(fax.id.clone()), "ann@example.com".into(), fax.ended);
    store.keep_received(&first, &[notice(&first)]).await.unwrap();
    store.keep_received(&first, &[notice(&first)]).await.unwrap();
    store.keep_received(&second, &[]).await.unwrap();
    assert_eq!(store.received(&first.id).await.unwrap(), first);
    assert_eq!(store.received_list(9).await.unwrap(), vec![second.clone(), first]);
    assert_eq!(store.received_list(1).await.unwrap(), vec![second]);
    assert_eq!(store.notices_due(at(9), 10).await.unwrap().len(), 1);
    assert!(is_not_found(&store.received(&FaxId::new(at(3))).await));
}

/// A submission is forgotten when its last job is long done and nothing is owed for it any more.
pub(crate) async fn purge_forgets_what_is_long_done(store: &dyn Store) {
    let (two, jobs) = submission(at(0), 2);
    store.accept(&two, b"two", &jobs).await.unwrap();
    let owing = accept_one(store, at(1)).await;
    let open = accept_one(store, at(2)).await;
    store.update(&done(&jobs[0], at(10)), &[]).await.unwrap();
    let notice = report(&owing, at(10));
    store.update(&done(&owing, at(10)), std::slice::from_ref(&notice)).await.unwrap();
    assert_eq!(store.purge(at(100), 10).await.unwrap(), vec![], "one waits for its other job, one owes");

    store.update(&done(&jobs[1], at(50)), &[]).await.unwrap();
    store.notice_done(&notice.id).await.unwrap();
    assert_eq!(store.purge(at(10), 10).await.unwrap(), vec![]);
    assert_eq!(store.purge(at(50), 10).await.unwrap(), vec![owing.submission.clone()]);
    assert_eq!(store.purge(at(51), 0).await.unwrap(), vec![]);
    assert_eq!(store.purge(at(51), 10).await.unwrap(), vec![two.id.clone()]);
    assert!(is_not_found(&store.message(&two.id).await));
    assert!(is_not_found(&store.job(&jobs[0].id).await));
    assert_eq!(all(store).await, vec![open]);
}

/// A received fax is forgotten when its call is long over and its mails have left.
pub(crate) async fn purge_forgets_old_faxes(store: &dyn Store) {
    let (mailed, owing, young) = (fax(at(0)), fax(at(1)), fax(at(50)));
    let notice =
        |fax: &ReceivedFax| Notice::new(About::Received(fax.id.clone()), "bob@example.com".into(), fax.ended);
    let gone = notice(&mailed);
    store.keep_received(&mailed, std::slice::from_ref(&gone)).await.unwrap();
    store.notice_done(&gone.id).await.unwrap();
    let owed = notice(&owing);
    store.keep_received(&owing, std::slice::from_ref(&owed)).await.unwrap();
    store.keep_received(&young, &[]).await.unwrap();
    assert_eq!(store.purge_received(at(0), 10).await.unwrap(), vec![]);
    assert_eq!(store.purge_received(at(50), 0).await.unwrap(), vec![]);
    assert_eq!(store.purge_received(at(50), 10).await.unwrap(), vec![mailed.id.clone()]);
    assert!(is_not_found(&store.received(&mailed.id).await));
    store.notice_retry(&Notice { next_try: None, ..owed.clone() }).await.unwrap();
    assert_eq!(store.purge_received(at(50), 10).await.unwrap(), vec![owing.id.clone()]);
    assert_eq!(store.received_list(10).await.unwrap(), vec![young]);
    assert!(is_not_found(&store.notice_retry(&owed).await), "its notice went with it");
}

/// What is urgent is due before what has waited longer, page by page too.
pub(crate) async fn the_urgent_are_due_first(store: &dyn Store) {
    let mut jobs = Vec::new();
    for (seconds, priority) in [(1, 0), (2, -9), (3, 9), (4, 0), (5, 1), (6, 9)] {
        let (submission, mut of) = submission(at(seconds), 1);
        of[0].options.priority = priority;
        store.accept(&submission, b"Subject: hello\r\n\r\nA page.\r\n", &of).await.unwrap();
        jobs.append(&mut of);
    }
    let order: Vec<_> = [2, 5, 4, 0, 3, 1].map(|n: usize| jobs[n].id.clone()).into();
    let ids = |jobs: Vec<Job>| jobs.into_iter().map(|job| job.id).collect::<Vec<_>>();
    assert_eq!(ids(store.due(at(99), None, 99).await.unwrap()), order);
    let mut paged = Vec::new();
    let mut last: Option<Job> = None;
    loop {
        let page = store.due(at(99), last.as_ref(), 2).await.unwrap();
        let Some(job) = page.last().cloned() else { break };
        last = Some(job);
        paged.extend(ids(page));
    }
    assert_eq!(paged, order);
    assert_eq!(ids(store.due(at(3), None, 99).await.unwrap()), [2, 0, 1].map(|n: usize| jobs[n].id.clone()));
    assert_eq!(store.next_due(at(3)).await.unwrap(), Some(at(4)));
    assert_eq!(store.next_due(at(4)).await.unwrap(), Some(at(5)));
    let open = store.jobs(&JobFilter { open_only: true, ..JobFilter::default() }).await.unwrap();
    assert_eq!(open.len(), jobs.len());
}

/// Runs all cases, each on an empty store.
pub(crate) async fn check<S: Store>(mut empty: impl FnMut() -> S) {
    accept_is_all_or_nothing(&empty()).await;
    updates_compare_versions(&empty()).await;
    one_claim_wins(&empty()).await;
    due_follows_the_clock(&empty()).await;
    the_urgent_are_due_first(&empty()).await;
    lists_have_the_newest_first(&empty()).await;
    notices_go_with_their_change(&empty()).await;
    a_received_fax_is_kept_once(&empty()).await;
    purge_forgets_what_is_long_done(&empty()).await;
    purge_forgets_old_faxes(&empty()).await;
}
