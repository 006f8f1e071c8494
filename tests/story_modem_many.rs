//! Many calls in a row on one soft modem: none leaves the line stuck, a thread or a descriptor behind.
//!
//! ```sh
//! cargo nextest run -p faxgate --test story_modem_many --run-ignored only    # a hundred calls, some ten minutes
//! ```
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::disallowed_methods)]

mod support;

use std::time::Instant;

use fax_peers::exchange::{Exchange, Fault};
use support::modems::{difference, got, pace, short_page, terminal, write_tiff};
use support::{Gateway, modems, wait_for};

const OURS: &str = "12125550101";
const FAX: &str = "12125550200";
const BUSY: &str = "12125550201";

/// Threads and open files of a process.
fn holdings(id: u32) -> (usize, usize) {
    let count = |what: &str| std::fs::read_dir(format!("/proc/{id}/{what}")).unwrap().count();
    (count("task"), count("fd"))
}

fn names(id: u32) -> String {
    let tasks = std::fs::read_dir(format!("/proc/{id}/task")).unwrap();
    tasks.filter_map(|task| std::fs::read_to_string(task.unwrap().path().join("comm")).ok()).collect()
}

/// Tokio's pool for work that blocks lends threads as it needs them, and ends them when they have been idle for 10 s: so
/// many come and go. One that is left behind by each call is more than that after a few.
const POOL_THREADS_MAX: usize = 3;

fn calls(count: u32) {
    let dir = tempfile::tempdir().unwrap();
    let exchange = Exchange::start(dir.path(), pace()).unwrap();
    let device = exchange.plug(OURS).unwrap();
    exchange.with(|office| {
        office.put_answer(FAX, terminal(dir.path(), None));
        office.traits(FAX).rings = 0;
        office.put_busy(BUSY);
    });
    let settings =
        "[retry]\nbusy = { tries = 1, delay = \"1s\" }\nprotocol = { tries = 3, delay = \"1s\" }\n";
    let gateway = Gateway::start(dir.path(), &format!("{settings}{}", modems::settings(&device, OURS, "")));
    let tiff = dir.path().join("document.tif");
    let send = |to: &str| {
        let sent = gateway.run(&["send", tiff.to_str().unwrap(), "--to", &format!("+{to}"), "--wait"]);
        (sent.status.success(), String::from_utf8_lossy(&sent.stderr).into_owned())
    };
    let begun = Instant::now();
    let (mut before, mut documents) = (None, 0);
    for call in 1..=count {
        let page = short_page(call);
        write_tiff(&tiff, std::slice::from_ref(&page));
        // Every fifth is busy, and every seventh is dropped at first.
        if call % 5 == 0 {
            assert!(!send(BUSY).0);
        } else {
            let is_dropped = call % 7 == 0;
            if is_dropped {
                exchange.with(|office| office.befall(OURS, [Fault::Drop { carriers: 1, ms: 500 }]));
                documents += 1;
            }
            documents += 1;
            let (is_sent, told) = send(FAX);
            assert!(is_sent, "call {call}: {told}\n{}", exchange.with(|office| office.history()));
            let came = wait_for("the call to be over", || {
                let is_over = exchange.with(|office| !office.is_active());
                is_over.then(|| got(dir.path(), FAX, documents))
            });
            let on_top = came[0].rows() - page.rows();
            assert_eq!(difference(&[page], &came, on_top, 0), None, "call {call}");
        }
        if call % 10 == 0 {
            println!("{call} calls in {:?}", begun.elapsed());
        }
        wait_for("the line to be on hook", || exchange.is_on_hook(OURS).then_some(()));
        let now = holdings(gateway.id());
        // By the second call, all that is started once has been.
        if call >= 2 {
            let first = *before.get_or_insert(now);
            let is_more = now.0 > first.0 + POOL_THREADS_MAX || now.1 > first.1 + 2;
            assert!(
                !is_more,
                "call {call}: {first:?} threads and files became {now:?}: {}",
                names(gateway.id())
            );
        }
    }
    println!(
        "{count} calls in {:?}, threads and files {before:?} -> {:?}",
        begun.elapsed(),
        holdings(gateway.id())
    );
}

#[test]
fn some_calls_in_a_row() {
    calls(7);
}

#[test]
#[ignore = "takes some ten minutes"]
fn a_hundred_calls_in_a_row() {
    calls(100);
}
