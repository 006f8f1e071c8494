//! What goes wrong: calls that are lost at any moment, a gateway that was killed, a store and a disk that fail, a line
//! that panics.

use super::*;

/// Seconds after the dialling at which calls are lost: from the ringing to beyond the end of a fax of two pages.
const DROPS: std::ops::Range<u64> = 2..70;

#[tokio::test(flavor = "multi_thread")]
async fn a_call_lost_at_any_moment_is_taken_up_at_the_first_page_that_is_not_confirmed() {
    let drop = |second| [Answer::DropAfter(Duration::from_secs(second)), Answer::Line];
    let scripts: Vec<(String, [Answer; 2])> =
        DROPS.map(|second| (format!("+121255501{second:02}"), drop(second))).collect();
    let answers: Vec<(&str, &[Answer])> =
        scripts.iter().map(|(number, answers)| (number.as_str(), &answers[..])).collect();
    let numbers: Vec<&str> = answers.iter().map(|(number, _)| *number).collect();
    let bench = bench(&answers);
    let ids = bench.accept(&numbers, 2).await;
    for _ in 0..3 {
        bench.work().await;
        bench.clock.advance(15 * MINUTE);
    }
    let (mut resumed, mut in_doubt, mut again, mut whole) = (0, 0, 0, 0);
    for (id, number) in ids.iter().zip(numbers) {
        let job = bench.job(id).await;
        let arrived = bench.arrived.pages(number);
        let confirmed: u32 = job.attempts.iter().map(|attempt| attempt.pages_confirmed).sum();
        assert_eq!(confirmed, job.progress.confirmed, "{number}");
        match job.outcome().unwrap() {
            Outcome::Delivered => {
                assert_eq!(confirmed, 2, "{number}");
                assert_eq!(bench.reports(id).await, [ReportKind::Success]);
                assert!((2..=2 + job.sent_again.len()).contains(&arrived), "{number}: {arrived} pages");
            }
            Outcome::Unconfirmed => {
                assert_eq!((confirmed, job.calls), (1, 1), "{number}");
                assert_eq!(bench.reports(id).await, [ReportKind::Failure]);
                in_doubt += 1;
            }
            other => panic!("{number}: {other:?}"),
        }
        if job.calls == 2 && job.attempts[0].pages_confirmed == 1 {
            let calls = bench.arrived.calls(number);
            assert_eq!(calls.last().unwrap().len(), 1, "{number}: page 1 is not sent again");
            resumed += 1;
        }
        again += usize::from(!job.sent_again.is_empty());
        whole += usize::from(job.calls == 1 && job.outcome() == Some(&Outcome::Delivered));
    }
    println!(
        "{resumed} resumed at page 2, {again} with page 1 in doubt, {in_doubt} in doubt, {whole} not lost"
    );
    assert!(resumed > 0 && in_doubt > 0 && again > 0 && whole > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_gateway_had_in_its_hands_is_taken_back_by_what_it_knew() {
    let bench = bench(&[]);
    let (doubt, sure) = (Mark::InDoubt, Mark::Confirmed);
    let lives: [(&[(u32, Mark)], &str, usize); 5] = [
        (&[], "delivered", 2),
        (&[(1, sure)], "delivered", 1),
        (&[(1, doubt)], "delivered", 2),
        (&[(1, sure), (2, doubt)], "unconfirmed", 0),
        (&[(1, sure), (2, sure)], "delivered", 0),
    ];
    for (at_death, word, pages_after) in lives {
        let id = bench.accept_one(2).await;
        let before = bench.arrived.pages(FAR);
        let claimed = bench.queue.claim(bench.job(&id).await).await.unwrap().unwrap();
        let last = at_death.iter().fold(claimed.rendered(2), |job, (page, mark)| job.marked(*page, *mark));
        bench.store.update(&last, &[]).await.unwrap();
        assert_eq!(bench.step().await, 0, "it is in somebody's hands");
        bench.queue.recover().await.unwrap();
        bench.queue.recover().await.unwrap();
        bench.work().await;
        assert_eq!(bench.outcome(&id).await, word);
        assert_eq!(bench.arrived.pages(FAR) - before, pages_after, "{word}");
        assert_eq!(bench.reports(&id).await.len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_gateway_holds_is_left_alone_until_its_lease_is_over() {
    let bench = bench(&[]);
    let id = bench.accept_one(1).await;
    let theirs = bench.job(&id).await.claim("there", bench.clock.now(), LEASE).unwrap();
    let theirs = bench.store.update(&theirs, &[]).await.unwrap();
    bench.queue.recover().await.unwrap();
    bench.queue.put_back(&id, "a fault of ours").await;
    bench.work().await;
    assert_eq!(bench.job(&id).await, theirs);
    bench.clock.advance(LEASE);
    bench.work().await;
    assert_eq!(bench.outcome(&id).await, "delivered");
}

/// Every verb of the store fails once, before or after it did its work; in the end the fax is there, and one report.
#[tokio::test(flavor = "multi_thread")]
async fn no_fault_of_the_store_loses_a_fax_or_reports_it_twice() {
    for when in [When::Before, When::After] {
        for verb in 0.. {
            assert!(verb < 200, "the fault never comes to its end");
            let faulty = Arc::new(Mutex::new(None));
            let kept = Arc::clone(&faulty);
            let bench = bench_on(&[(FAR, &[Answer::Busy, Answer::Line])], move |store| {
                let store = Arc::new(Faulty::new(store, verb, when));
                *kept.lock().unwrap() = Some(Arc::clone(&store));
                store
            });
            let id = bench.accept_one(2).await;
            for _ in 0..6 {
                bench.work().await;
                bench.clock.advance(LEASE);
            }
            let job = bench.job(&id).await;
            let told = format!("verb {verb}, {when:?}: {job:?}");
            if job.outcome() == Some(&Outcome::Unconfirmed) {
                assert_eq!(bench.reports(&id).await, [ReportKind::Failure], "{told}");
            } else {
                assert_eq!(job.outcome(), Some(&Outcome::Delivered), "{told}");
                assert_eq!(bench.reports(&id).await, [ReportKind::Success], "{told}");
                let busy = job.attempts.iter().filter(|attempt| attempt.outcome == Outcome::Busy).count();
                assert_eq!(busy, 1, "no call is forgotten: {told}");
            }
            let arrived = bench.arrived.pages(FAR);
            assert!(arrived <= 2 + job.sent_again.len(), "{arrived} pages; {told}");
            let has_failed = faulty.lock().unwrap().as_ref().unwrap().has_failed();
            if !has_failed {
                println!("{verb} verbs, each failed {when:?}");
                break;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_that_the_disk_lost_are_made_again() {
    let bench = bench(&[(FAR, &[Answer::Busy, Answer::Line])]);
    let id = bench.accept_one(2).await;
    bench.work().await;
    let job = bench.job(&id).await;
    bench.queue.blobs.delete(&job.page_key(2)).await.unwrap();
    bench.clock.advance(3 * MINUTE);
    bench.work().await;
    assert_eq!((bench.outcome(&id).await, bench.arrived.pages(FAR)), ("delivered", 2));
}

/// A disk that takes no traces.
struct NoTraces(Arc<dyn Blobs>);

#[async_trait]
impl Blobs for NoTraces {
    async fn put(&self, key: &str, bytes: &[u8]) -> Result<(), BlobError> {
        if key.contains("attempt-") {
            return Err(BlobError::Failed { key: key.to_owned(), cause: "no space".into() });
        }
        self.0.put(key, bytes).await
    }

    async fn get(&self, key: &str) -> Result<Vec<u8>, BlobError> {
        self.0.get(key).await
    }

    async fn delete(&self, key: &str) -> Result<(), BlobError> {
        self.0.delete(key).await
    }

    async fn list(&self, prefix: &str) -> Result<Vec<String>, BlobError> {
        self.0.list(prefix).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_counts_though_its_trace_cannot_be_kept() {
    let bench = bench(&[(FAR, &[Answer::Voice])]).with(|queue| {
        queue.blobs = Arc::new(NoTraces(Arc::clone(&queue.blobs)));
    });
    let id = bench.accept_one(1).await;
    for _ in 0..4 {
        bench.work().await;
        bench.clock.advance(15 * MINUTE);
    }
    assert_eq!((bench.outcome(&id).await, bench.job(&id).await.calls), ("no-fax", 2));
}

/// A line whose driver falls over.
struct Broken(Arc<Seat>);

impl Line for Broken {
    fn name(&self) -> &str {
        "broken"
    }

    fn number(&self) -> Option<&Number> {
        None
    }

    fn seat(&self) -> &Arc<Seat> {
        &self.0
    }

    fn call(&self, _dial: &Dial, _sending: &mut dyn Sending) -> CallEnd {
        panic!("the driver fell over")
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_that_panics_gives_its_seat_back_and_the_fax_is_not_tried_for_ever() {
    let bench = bench(&[]).with(|queue| {
        queue.pool = Pool::new(vec![Arc::new(Broken(Seat::new(Arc::clone(&queue.wake))))]);
        queue.settings.rules.line_trouble.tries_max = 3;
    });
    let id = bench.accept_one(1).await;
    for _ in 0..3 {
        assert_eq!(bench.outcome(&id).await, "open");
        assert_eq!(bench.step().await, 1);
        assert_eq!(bench.queue.pool.free(), 1);
        bench.clock.advance(MINUTE);
    }
    assert_eq!(bench.outcome(&id).await, "line-trouble");
    assert_eq!(bench.reports(&id).await, [ReportKind::Failure]);
    assert_eq!(bench.step().await, 0);
}
