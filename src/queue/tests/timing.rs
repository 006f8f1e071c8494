//! What senders ask of time and order: HOLDFOR, BY, MT-PRIORITY; on a clock that stands still until it is moved.

use super::*;

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(flavor = "multi_thread")]
async fn a_fax_that_is_held_is_not_dialled_before() {
    let bench = bench(&[]);
    let options = Options { not_before: Some(start() + MINUTE), ..Options::default() };
    let id = bench.accept_with(&[FAR], 1, options).await.remove(0);
    for _ in 0..60 {
        assert_eq!(bench.step().await, 0);
        bench.queue.look_at_waiting().await.unwrap();
        assert_eq!((bench.job(&id).await.calls, bench.outcome(&id).await), (0, "open"));
        bench.clock.advance(SECOND);
    }
    bench.work().await;
    assert_eq!(bench.outcome(&id).await, "delivered");
    assert_eq!(bench.job(&id).await.attempts[0].started, start() + MINUTE);
}

/// `BY=120;R`: whatever keeps the fax, it ends at 120 s and not before, with 5.4.7.
#[tokio::test(flavor = "multi_thread")]
async fn a_fax_that_has_a_time_is_given_up_then() {
    let lines_are_busy = |bench: &Bench| {
        let far = number("+12125550999");
        (0..2).map(|_| bench.queue.pool.take_for(&far).unwrap()).collect::<Vec<_>>()
    };
    for (answer, has_lines) in [(Answer::Busy, true), (Answer::NoAnswer, true), (Answer::Line, false)] {
        let bench = bench(&[(FAR, &[answer])]);
        let lines = if has_lines { Vec::new() } else { lines_are_busy(&bench) };
        let options = Options { expires_at: Some(start() + 2 * MINUTE), ..Options::default() };
        let id = bench.accept_with(&[FAR], 1, options).await.remove(0);
        for _ in 0..120 {
            bench.work().await;
            bench.queue.look_at_waiting().await.unwrap();
            assert_eq!(bench.outcome(&id).await, "open", "{answer:?}");
            bench.clock.advance(SECOND);
        }
        let calls = bench.arrived.calls(FAR).len();
        bench.work().await;
        bench.queue.look_at_waiting().await.unwrap();
        let job = bench.job(&id).await;
        assert_eq!(job.outcome().map(|o| (o.word(), o.status())), Some(("expired", "5.4.7")), "{answer:?}");
        assert_eq!(bench.arrived.calls(FAR).len(), calls, "it is not dialled any more");
        assert_eq!(bench.reports(&id).await, [ReportKind::Failure]);
        drop(lines);
    }
}

/// `BY=120;N`: the sender is told then, also while the next call is far away, and the fax is tried further.
#[tokio::test(flavor = "multi_thread")]
async fn a_sender_who_asked_is_told_that_it_takes_long() {
    let bench = bench(&[(FAR, &[Answer::NoAnswer, Answer::Line])]);
    let options = Options { delay_report_at: Some(start() + 2 * MINUTE), ..Options::default() };
    let id = bench.accept_with(&[FAR], 1, options).await.remove(0);
    bench.work().await;
    let mut calls = Calls::default();
    let pause = bench.queue.start_due(&mut calls).await.unwrap();
    assert_eq!(pause, SLEEP_MAX.min(2 * MINUTE));
    bench.clock.advance(2 * MINUTE - SECOND);
    bench.work().await;
    assert_eq!(bench.reports(&id).await, []);
    bench.clock.advance(SECOND);
    bench.work().await;
    assert_eq!((bench.reports(&id).await, bench.job(&id).await.calls), (vec![ReportKind::Delay], 1));
    bench.clock.advance(8 * MINUTE);
    bench.work().await;
    assert_eq!(bench.outcome(&id).await, "delivered");
    assert_eq!(bench.reports(&id).await, [ReportKind::Delay, ReportKind::Success]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_urgent_goes_first_whatever_waits() {
    let bench = bench(&[]);
    let with = |priority| Options { priority, ..Options::default() };
    let slow = bench.accept_with(&[OTHER], 1, with(-9)).await.remove(0);
    bench.clock.advance(SECOND);
    let usual = bench.accept(&vec![FAR; DUE_MAX + 5], 1).await;
    bench.clock.advance(SECOND);
    let urgent = bench.accept_with(&[FAR, "+12125550202"], 1, with(9)).await;
    assert_eq!(bench.step().await, 2);
    assert_eq!(bench.outcome(&urgent[0]).await, "delivered");
    assert_ne!(bench.job(&urgent[1]).await.calls, 0);
    assert_eq!(bench.job(&slow).await.calls, 0);
    bench.step().await;
    assert_eq!(bench.outcome(&slow).await, "delivered", "its number was free");
    let mut delivered = 0;
    for id in &usual {
        delivered += usize::from(bench.outcome(id).await == "delivered");
    }
    assert_eq!(delivered, 1, "the second call to that number");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fax_is_dialled_so_often_at_most() {
    let bench = bench(&[(FAR, &[Answer::Busy])]);
    let options = Options { tries_max: Some(3), ..Options::default() };
    let id = bench.accept_with(&[FAR], 1, options).await.remove(0);
    for _ in 0..10 {
        bench.work().await;
        bench.clock.advance(5 * MINUTE);
    }
    assert_eq!((bench.outcome(&id).await, bench.job(&id).await.calls), ("busy", 3));
}
