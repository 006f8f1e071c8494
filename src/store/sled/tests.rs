//! The contract on sled, and what only this store promises: the spool is the truth.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod model;

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use super::*;
use crate::store::contract::{self, accept_one, at, done, fax, report, submission};
use crate::store::faulty::{Faulty, When};

fn config(dir: &Path) -> StoreConfig {
    StoreConfig { dir: dir.join("store"), ..StoreConfig::default() }
}

fn open(dir: &Path) -> (SledStore, OpenReport) {
    SledStore::open(config(dir)).unwrap()
}

#[tokio::test]
async fn sled_keeps_the_contract() {
    let dir = tempfile::tempdir().unwrap();
    let mut number = 0;
    contract::check(|| {
        number += 1;
        open(&dir.path().join(number.to_string())).0
    })
    .await;
}

#[tokio::test]
async fn the_faulty_twin_keeps_the_contract_until_it_is_told_to_fail() {
    let dir = tempfile::tempdir().unwrap();
    let mut number = 0;
    contract::check(|| {
        number += 1;
        Faulty::new(open(&dir.path().join(number.to_string())).0, i64::MAX, When::Before)
    })
    .await;
}

/// All that a store holds, in an order of its own.
#[derive(Debug, PartialEq)]
struct Everything {
    jobs: Vec<Job>,
    open: Vec<Job>,
    due: Vec<Job>,
    notices: Vec<Notice>,
    received: Vec<ReceivedFax>,
    messages: Vec<Vec<u8>>,
    next_due: Option<Timestamp>,
}

async fn everything(store: &SledStore) -> Everything {
    let list = |open_only| JobFilter { open_only, ..JobFilter::default() };
    let jobs = store.jobs(&list(false)).await.unwrap();
    let mut messages = Vec::new();
    for job in &jobs {
        messages.push(store.message(&job.submission).await.unwrap());
    }
    Everything {
        jobs,
        open: store.jobs(&list(true)).await.unwrap(),
        due: store.due(at(99_999), None, 1000).await.unwrap(),
        notices: store.notices_due(at(99_999), 1000).await.unwrap(),
        received: store.received_list(1000).await.unwrap(),
        messages,
        next_due: store.next_due(Timestamp::UNIX_EPOCH).await.unwrap(),
    }
}

/// A store with something of everything.
async fn lived_in(store: &SledStore) {
    let (many, jobs) = submission(at(0), 3);
    store.accept(&many, b"to many", &jobs).await.unwrap();
    let claimed = jobs[0].claim("one", at(5), Duration::from_secs(60)).unwrap();
    let claimed = store.update(&claimed, &[]).await.unwrap();
    store.update(&done(&claimed, at(9)), &[report(&jobs[0], at(9))]).await.unwrap();
    let sent = report(&jobs[1], at(8));
    store.update(&done(&jobs[1], at(8)), std::slice::from_ref(&sent)).await.unwrap();
    store.notice_done(&sent.id).await.unwrap();
    accept_one(store, at(3)).await;
    let fax = fax(at(4));
    let about = crate::job::About::Received(fax.id.clone());
    let notice = Notice::new(about, "ann@example.com".into(), at(4));
    store.keep_received(&fax, std::slice::from_ref(&notice)).await.unwrap();
    let later = Notice { next_try: Some(at(70)), tries: 1, ..notice };
    store.notice_retry(&later).await.unwrap();
}

fn spool_files(dir: &Path, extension: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir.join("store/spool")).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    paths.filter(|path| path.extension().is_some_and(|e| e == extension)).collect()
}

#[tokio::test]
async fn everything_is_there_after_reopening() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = open(dir.path());
    lived_in(&store).await;
    let before = everything(&store).await;
    store.close().await.unwrap();
    assert!(store.next_due(Timestamp::UNIX_EPOCH).await.is_err(), "closed");
    let (store, report) = open(dir.path());
    assert_eq!(everything(&store).await, before);
    let clean = OpenReport { documents: 3, ..OpenReport::default() };
    assert_eq!(report, clean);
}

#[tokio::test]
async fn the_index_can_be_deleted() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = open(dir.path());
    lived_in(&store).await;
    let before = everything(&store).await;
    store.close().await.unwrap();
    fs::remove_dir_all(dir.path().join("store/index")).unwrap();
    let (store, report) = open(dir.path());
    assert_eq!(everything(&store).await, before);
    assert_eq!((report.documents, report.replayed), (3, 3));
}

#[tokio::test]
async fn an_old_index_catches_up_and_a_newer_one_is_taken_back() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = open(dir.path());
    let job = accept_one(&store, at(0)).await;
    store.close().await.unwrap();
    copy(&dir.path().join("store"), &dir.path().join("old"));

    let (store, _) = open(dir.path());
    let job = store.update(&done(&job, at(1)), &[report(&job, at(1))]).await.unwrap();
    accept_one(&store, at(2)).await;
    let newest = everything(&store).await;
    store.close().await.unwrap();
    copy(&dir.path().join("store"), &dir.path().join("new"));

    // A crash before the index was written: the spool is ahead.
    let replace = |from: &str, part: &str| {
        fs::remove_dir_all(dir.path().join("store").join(part)).unwrap();
        copy(&dir.path().join(from).join(part), &dir.path().join("store").join(part));
    };
    replace("old", "index");
    let (store, found) = open(dir.path());
    assert_eq!(everything(&store).await, newest);
    assert_eq!((found.replayed, found.forgotten), (2, 0));
    store.close().await.unwrap();

    // A refused write whose index came through: the spool says that it never was.
    replace("new", "index");
    replace("old", "spool");
    let (store, found) = open(dir.path());
    assert_eq!((found.replayed, found.forgotten), (1, 1));
    let jobs = store.jobs(&JobFilter::default()).await.unwrap();
    assert_eq!(jobs.iter().map(|job| job.version).collect::<Vec<_>>(), vec![job.version - 1]);
    assert_eq!(store.notices_due(at(99), 9).await.unwrap(), vec![]);
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), &to).unwrap();
        }
    }
}

#[tokio::test]
async fn a_torn_line_is_cut_off_and_reported() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = open(dir.path());
    lived_in(&store).await;
    let before = everything(&store).await;
    store.close().await.unwrap();
    for path in spool_files(dir.path(), "log").iter().chain(&spool_files(dir.path(), "received")) {
        let whole = fs::read(path).unwrap();
        let mut file = fs::OpenOptions::new().append(true).open(path).unwrap();
        file.write_all(&whole[..60]).unwrap();
    }
    fs::write(dir.path().join("store/spool/0000000000000.tmp"), b"half").unwrap();
    fs::write(dir.path().join("store/spool/0000000000000.log"), b"purged").unwrap();
    let (store, found) = open(dir.path());
    assert_eq!(everything(&store).await, before);
    assert_eq!((found.torn.len(), found.leftovers, found.damaged.len()), (2, 2, 0));
    store.close().await.unwrap();
    let (_, found) = open(dir.path());
    assert_eq!((found.torn.len(), found.replayed), (0, 0), "mended once");
}

#[tokio::test]
async fn damage_is_set_aside_and_the_rest_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = open(dir.path());
    let lost = accept_one(&store, at(0)).await;
    let kept = accept_one(&store, at(1)).await;
    let rotten = accept_one(&store, at(2)).await;
    store.close().await.unwrap();
    let file = |job: &Job| dir.path().join(format!("store/spool/{}.fax", job.submission));
    fs::write(file(&lost), b"garbage").unwrap();
    let mut bytes = fs::read(file(&rotten)).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(file(&rotten), bytes).unwrap();
    fs::remove_dir_all(dir.path().join("store/index")).unwrap();
    let (store, found) = open(dir.path());
    assert_eq!(found.damaged.len(), 1, "{found:?}");
    assert!(file(&lost).with_extension("fax.damaged").exists());
    assert_eq!(store.jobs(&JobFilter::default()).await.unwrap(), vec![rotten.clone(), kept.clone()]);
    assert!(store.message(&kept.submission).await.is_ok());
    let error = store.message(&rotten.submission).await.unwrap_err();
    assert!(error.to_string().contains("damaged"), "{error}");
}

#[tokio::test]
async fn a_damaged_index_is_made_again() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = open(dir.path());
    lived_in(&store).await;
    let before = everything(&store).await;
    store.close().await.unwrap();
    let index = dir.path().join("store/index");
    for entry in fs::read_dir(&index).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            fs::write(path, b"this is no index").unwrap();
        }
    }
    fs::write(index.join("snap.0000000000000000.generating"), b"half").unwrap();
    let (store, found) = open(dir.path());
    assert!(found.index_rebuilt.is_some(), "{found:?}");
    assert!(index.with_file_name("index.damaged-1").exists());
    assert_eq!(everything(&store).await, before);
}

#[tokio::test]
async fn an_index_that_breaks_while_in_use_is_made_again() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = open(dir.path());
    lived_in(&store).await;
    let before = everything(&store).await;
    let breaks = |index: &Index| index.scan(.., |_, _| panic!("as sled does on some damage"));
    let error = store.read(breaks).await.unwrap_err();
    assert!(error.to_string().contains("damaged"), "{error}");
    assert_eq!(everything(&store).await, before);
    assert!(dir.path().join("store/index.damaged-1").exists());
    accept_one(&store, at(10)).await;
}

#[tokio::test]
async fn only_one_process_has_it_and_only_its_owner_reads_it() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = open(dir.path());
    lived_in(&store).await;
    let error = SledStore::open(config(dir.path())).unwrap_err();
    assert!(error.to_string().contains("another process"), "{error}");
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let root = dir.path().join("store");
    for path in [&root, &root.join("spool"), &root.join("index")] {
        assert_eq!(mode(path), 0o700, "{}", path.display());
    }
    for entry in fs::read_dir(root.join("spool")).unwrap() {
        assert_eq!(mode(&entry.unwrap().path()), 0o600);
    }
    assert_eq!(mode(&root.join("index/db")), 0o600);
}

/// One life of a job, each verb tried again after a failure as a careful caller would.
async fn live(store: &dyn Store, accepted: &(Submission, Vec<Job>), notice: &Notice) {
    let (submission, jobs) = accepted;
    let tried = store.accept(submission, b"x", jobs).await;
    if tried.is_err() {
        // It may be there, or not; a second try is refused or accepted.
        let again = store.accept(submission, b"x", jobs).await;
        assert!(matches!(again, Ok(()) | Err(StoreError::Conflict(_))), "{again:?}");
    }
    for _ in 0..4 {
        let Ok(due) = store.due(at(500), None, 10).await else {
            continue;
        };
        for job in due {
            let _ = store.update(&done(&job, at(9)), std::slice::from_ref(notice)).await;
        }
    }
    for _ in 0..4 {
        let Ok(owed) = store.notices_due(at(500), 10).await else {
            continue;
        };
        for notice in owed {
            let _ = store.notice_done(&notice.id).await;
        }
    }
    for _ in 0..2 {
        let _ = store.purge(at(10), 10).await;
    }
}

#[tokio::test]
async fn one_fault_at_any_verb_leaves_no_half() {
    let dir = tempfile::tempdir().unwrap();
    for when in [When::Before, When::After] {
        for verb in 0.. {
            let (store, _) = open(&dir.path().join(format!("{when:?}{verb}")));
            let faulty = Faulty::new(store.clone(), verb, when);
            let accepted = submission(at(0), 1);
            let notice = report(&accepted.1[0], at(9));
            live(&faulty, &accepted, &notice).await;
            let left = everything(&store).await;
            assert_eq!((left.jobs, left.notices), (vec![], vec![]), "verb {verb} failed {when:?}");
            store.close().await.unwrap();
            if !faulty.has_failed() {
                assert!(verb > 8, "the whole life was tried");
                break;
            }
        }
    }
}

#[tokio::test]
async fn a_store_that_hangs_says_so_and_goes_on_later() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = open(dir.path());
    let impatient = SledStore { deadline: Duration::from_millis(100), ..store.clone() };
    let job = accept_one(&store, at(0)).await;
    let (release, held) = std::sync::mpsc::channel::<()>();
    let hang = Box::new(move |_: Result<&Index, StoreError>| _ = held.recv());
    store.requests.send(Request::Read(hang)).await.unwrap();

    let (late, jobs) = submission(at(1), 1);
    for error in [
        impatient.update(&done(&job, at(1)), &[]).await.unwrap_err(),
        impatient.accept(&late, b"x", &jobs).await.unwrap_err(),
        impatient.next_due(Timestamp::UNIX_EPOCH).await.unwrap_err(),
    ] {
        assert!(error.to_string().contains("has not answered for 100ms"), "{error}");
    }
    release.send(()).unwrap();
    assert_eq!(store.job(&job.id).await.unwrap(), job, "what nobody waits for is not done");
    let taken_away = async {
        while !spool_files(dir.path(), "tmp").is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), taken_away).await.expect("the refused message stays");
    assert!(matches!(store.message(&late.id).await, Err(StoreError::NotFound(_))));
    store.update(&done(&job, at(1)), &[]).await.unwrap();
    store.accept(&late, b"x", &jobs).await.unwrap();
}

/// What is due is found among the few that are open, however many are done.
#[allow(clippy::disallowed_methods, reason = "how long it takes is what is asked")]
#[test]
fn a_long_history_costs_the_queue_nothing() {
    const DONE: usize = 20_000;
    let dir = tempfile::tempdir().unwrap();
    let index = Index::open(&dir.path().join("index"), &StoreConfig::default()).unwrap();
    let add = |seconds: i64, ended: bool| {
        let (submission, mut jobs) = submission(at(seconds), 1);
        if ended {
            jobs[0] = done(&jobs[0], at(seconds));
        }
        let contents = crate::store::spool::Contents {
            jobs: jobs.into_iter().map(|job| (job.id.clone(), job)).collect(),
            ..Default::default()
        };
        plan::whole(&Doc::Submission(submission.id), &contents).unwrap()
    };
    for thousand in 0..DONE / 1000 {
        let history = (0..1000).flat_map(|n| add(i64::try_from(thousand * 1000 + n).unwrap(), true));
        index.apply(history).unwrap();
    }
    index.apply((0..50).flat_map(|n| add(-n, false))).unwrap();

    let begin = std::time::Instant::now();
    for _ in 0..100 {
        let due = vec![space::JOB_DUE]..keys::after(space::JOB_DUE, at(-40));
        assert_eq!(records(&index, space::JOB, index.timed(due, 100).unwrap()).unwrap().len(), 10);
        assert_eq!(index.first_time(space::JOB_DUE, at(-99)).unwrap(), Some(at(-49)));
        assert_eq!(open_jobs(&index, 10).unwrap().len(), 10);
    }
    let each = begin.elapsed() / 100;
    println!("{DONE} done, 50 open: due, next_due and the open jobs in {each:?}");
    // Reading the whole history takes a second; this leaves room for a busy machine.
    assert!(each < Duration::from_millis(50), "{each:?}");
}
